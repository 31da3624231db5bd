# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command for hosts: what is in it, that it is always the same, and that it runs without Ansible."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ansible_collections.puffy.mail.plugins.module_utils import _activate
from ansible_collections.puffy.mail.plugins.plugin_utils import _zipapp

ROOT = Path(_activate.__file__).parent


def test_it_has_what_it_needs_and_nothing_else() -> None:
    found = set(_zipapp.modules(str(ROOT), "_activate"))
    assert {"_activate", "_activation", "_command", "_dovecot", "_files", "_manager"} <= found
    assert {"_postfix.activation", "_postfix.service", "_postfix.transaction"} <= found
    # What asks tables, probes, judges inputs or imports Ansible.
    assert not {name for name in found if name.partition(".")[0] in ("_accounts", "_inputs", "_openbsd", "_probe")}
    assert "_tables.query" not in found
    assert "_postfix.module" not in found
    # It judges what Postfix is to run as postconf does.
    assert "_postfix.checks.registry" in found


def test_it_is_the_same_every_time(tmp_path: Path) -> None:
    first = _zipapp.build(str(ROOT), "_activate")
    copy = tmp_path / "copy"
    for path in ROOT.rglob("*.py"):
        there = copy / path.relative_to(ROOT)
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(path.read_bytes())
    assert _zipapp.build(str(copy), "_activate") == first


def test_it_runs_without_ansible(tmp_path: Path) -> None:
    command = tmp_path / "puffy-mail-activate"
    command.write_bytes(_zipapp.build(str(ROOT), "_activate"))
    assert command.read_bytes().startswith(b"#!/usr/bin/env python3\n")
    with zipfile.ZipFile(command) as archive:
        assert archive.testzip() is None
        assert "__main__.py" in archive.namelist()
    # -I and -S: neither the environment nor packages that are installed beside Python.
    done = subprocess.run(
        [sys.executable, "-I", "-S", command, "--help"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: puffy-mail-activate [-h] [-n]")
    wrong = subprocess.run([sys.executable, "-I", "-S", command, "now"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "unrecognized arguments: now" in wrong.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("from ansible.module_utils.basic import AnsibleModule\n", "imports ansible.module_utils.basic.AnsibleModule"),
        ("import ansible\n", "imports ansible, which hosts do not have. Use the standard library."),
        ("from . import x\n", "line 1 has a relative import. Use the full name of the module."),
    ],
)
def test_what_hosts_do_not_have_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.py").write_text(f"from {_zipapp.PACKAGE} import b\n")
    (tmp_path / "b.py").write_text(text)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared
        _zipapp.build(str(tmp_path), "a")
    assert message in str(caught.value)
