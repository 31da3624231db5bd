# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup awx_objects, as a playbook calls it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
SETTINGS = {"mail_awx_project_url": "https://git.example.org/mail.git"}


def test_it_needs_only_what_ansible_reads_of_a_collection(tmp_path: Path) -> None:
    """Other directories may be left out of an installation."""
    here = tmp_path / "ansible_collections" / "puffy" / "mail"
    for name in ("meta", "plugins", "roles", "playbooks"):
        shutil.copytree(ROOT / name, here / name, ignore=shutil.ignore_patterns("__pycache__"))
    asked = "{{ lookup('puffy.mail.awx_objects', given).job_templates | map(attribute='name') | sort }}"
    done = subprocess.run(
        [
            sys.executable, "-m", "ansible", "adhoc", "localhost", "-m", "ansible.builtin.debug",
            "-a", f"msg={json.dumps(asked)}", "-e", json.dumps({"given": SETTINGS}),
        ],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(tmp_path), "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"mail-site"' in done.stdout
