# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""One role of the collection, run by ansible-playbook against one host."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hosts import PODMAN, ROOT, Host

NAME = "mail.example.test"

PLAYBOOK = f"""
- name: Keep the keys
  hosts: {NAME}
  gather_facts: true
  roles: [puffy.mail.tls_pki]
"""


class Play:
    """The role, run by ansible-playbook against one host; others of the inventory are there to be delegated to."""

    def __init__(self, host: Host, directory: Path, others: Mapping[str, Host] | None = None) -> None:
        self.host = host
        self.directory = directory
        self.others = others or {}
        (directory / "play.yml").write_text(PLAYBOOK)

    def __call__(self, *options: str, **variables: Any) -> tuple[int, int, str]:
        """Exit status, number of changed tasks, and output."""
        hosts = {
            name: {
                "ansible_connection": "containers.podman.podman",
                "ansible_host": host.name,
                "ansible_podman_executable": PODMAN,
                "ansible_python_interpreter": "/usr/bin/python3",
                **(variables if name == NAME else {}),
            }
            for name, host in {NAME: self.host, **self.others}.items()
        }
        inventory = {"all": {"hosts": hosts}}
        (self.directory / "hosts.json").write_text(json.dumps(inventory))
        tree = subprocess.run([ROOT / "tools" / "tree"], capture_output=True, text=True, check=True).stdout.strip()
        done = subprocess.run(
            [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "hosts.json", "play.yml", *options],
            cwd=self.directory, capture_output=True, text=True, check=False,
            env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": tree, "ANSIBLE_NOCOLOR": "1"},
        )  # fmt: skip
        output = done.stdout + done.stderr
        changed = re.search(r"changed=(\d+)", output)
        return done.returncode, int(changed.group(1)) if changed else -1, output
