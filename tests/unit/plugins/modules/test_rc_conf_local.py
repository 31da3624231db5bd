# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""rc_conf_local on files of the test's own: no command ever runs, and what others write meanwhile stays theirs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils import _command, _files
from ansible_collections.puffy.mail.plugins.modules import rc_conf_local
from ansible_collections.puffy.mail.tests.harness import untouched
from ansible_collections.puffy.mail.tests.harness.arguments import patch_module_args

SMTPD_OFF = {"variables": {"smtpd_flags": "NO"}, "pkg_scripts": {"present": ["postfix"]}}


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def refuse(*_dummy: Any, **__: Any) -> None:
        raise AssertionError("a command ran")

    monkeypatch.setattr(_command, "run", refuse)
    stage = _files.stage
    # A test need not run as root.
    monkeypatch.setattr(
        _files, "stage", lambda path, text, **_dummy: stage(path, text, uid=os.geteuid(), gid=os.getegid(), mode=0o644)
    )
    (tmp_path / "rc.conf").write_text("smtpd_flags=\nhttpd_flags=NO\npkg_scripts=\n")
    return tmp_path / "rc.conf.local"


def run(capsys: pytest.CaptureFixture[str], local: Path, *, check: bool = False, **arguments: Any) -> dict[str, Any]:
    given = {"path": str(local), "rc_conf": str(local.with_name("rc.conf")), **arguments}
    with patch_module_args({**given, "_ansible_check_mode": check}), pytest.raises(SystemExit):
        rc_conf_local.main()
    result = json.loads(capsys.readouterr().out)
    assert isinstance(result, dict)
    return result


def test_there_and_back(local: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, local, check=True, **SMTPD_OFF)["changed"]
    assert not local.exists()
    assert run(capsys, local, **SMTPD_OFF)["variables"] == {"smtpd_flags": "NO", "pkg_scripts": "postfix"}
    assert local.read_text() == "pkg_scripts=postfix\nsmtpd_flags=NO\n"
    assert not run(capsys, local, **SMTPD_OFF)["changed"]
    back = {"restored": {"copy": "/nowhere", "variables": ["smtpd_flags"], "pkg_scripts": ["postfix"]}}
    assert run(capsys, local, check=True, **back)["changed"]
    assert run(capsys, local, **back)["diff"]["after"] == ""
    assert not local.exists()
    assert not run(capsys, local, **back)["changed"]


@pytest.mark.parametrize("option", ["variables", "absent", "pkg_scripts"])
def test_restored_goes_with_nothing_else(local: Path, capsys: pytest.CaptureFixture[str], option: str) -> None:
    other: Any = {"variables": {"a_flags": "1"}, "absent": ["a_flags"], "pkg_scripts": {"present": ["a"]}}[option]
    result = run(capsys, local, **{option: other, "restored": {"copy": "/nowhere"}})
    assert result["msg"] == f"parameters are mutually exclusive: restored|{option}"


def test_what_others_write_meanwhile_is_kept(
    local: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    local.write_text("a_flags=1\n")
    stage = _files.stage

    def meanwhile(*arguments: Any, **options: Any) -> str:
        with untouched.by_others():
            local.write_text("a_flags=2\n")
        return stage(*arguments, **options)

    monkeypatch.setattr(_files, "stage", meanwhile)
    result = run(capsys, local, **SMTPD_OFF)
    assert result["msg"] == (
        f"{local} was changed by somebody else during this run. Run the task again. Nothing was changed."
    )
    assert [path.name for path in local.parent.iterdir() if path.name != "rc.conf"] == ["rc.conf.local"]
    assert local.read_text() == "a_flags=2\n"
