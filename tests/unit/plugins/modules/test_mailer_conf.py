# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""mailer_conf with the package's helpers replaced: every command that runs, in an /etc of the test's own."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils import _command, _files
from ansible_collections.puffy.mail.plugins.module_utils._openbsd import mailer_conf as _mailer_conf
from ansible_collections.puffy.mail.plugins.modules import mailer_conf
from ansible_collections.puffy.mail.tests.harness.arguments import patch_module_args

BASE = _mailer_conf.BASE_TEXT
NAMES = {"CURRENT": "", "SAVED": ".pre-postfix", "HELPER": ".postfix", "KEPT": ".base"}


class Port:
    """/etc/mailer.conf and what the port's helpers do to it: they only move files, where ``works`` is True."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "mailer.conf"
        self.works = True
        self.ran: list[tuple[str, ...]] = []

    def file(self, suffix: str) -> Path:
        return self.path.with_name(f"mailer.conf{suffix}")

    def run(self, argv: list[str], **_dummy: Any) -> _command.Result:
        self.ran.append(tuple(argv))
        if not self.works:
            return _command.Result(tuple(argv), 0, "can't find it\n", "")
        if argv[0].endswith("postfix-enable"):
            self.path.rename(self.file(".pre-postfix"))
            self.file(".postfix").rename(self.path)
        else:
            self.path.rename(self.file(".postfix"))
            self.file(".pre-postfix").rename(self.path)
        return _command.Result(tuple(argv), 0, "done\n", "")

    def texts(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in self.path.parent.iterdir()}


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Port:
    found = Port(tmp_path)
    found.path.write_text(BASE)
    for name, suffix in NAMES.items():
        monkeypatch.setattr(_mailer_conf, name, str(found.file(suffix)))
    monkeypatch.setattr(_mailer_conf, "PATHS", tuple(str(found.file(suffix)) for suffix in NAMES.values()))
    monkeypatch.setattr(_command, "run", found.run)
    monkeypatch.setattr(_command, "find", lambda name, *_dummy, **__: f"/usr/local/sbin/{name}")
    monkeypatch.setattr(_command, "require", lambda name, *_dummy, **__: f"/usr/local/sbin/{name}")
    write = _files.write
    # A test need not run as root.
    monkeypatch.setattr(
        _files, "write", lambda path, text, **_dummy: write(path, text, uid=os.geteuid(), gid=os.getegid(), mode=0o644)
    )
    return found


def run(capsys: pytest.CaptureFixture[str], *, check: bool = False, **arguments: Any) -> dict[str, Any]:
    with (
        patch_module_args({"sendmail": "/bin/sh", **arguments, "_ansible_check_mode": check}),
        pytest.raises(SystemExit),
    ):
        mailer_conf.main()
    result = json.loads(capsys.readouterr().out)
    assert isinstance(result, dict)
    return result


def test_there_and_back(port: Port, capsys: pytest.CaptureFixture[str]) -> None:
    foretold = run(capsys, check=True)
    assert (foretold["changed"], port.ran, port.texts()) == (True, [], {"mailer.conf": BASE})
    there = run(capsys)
    assert (there["helpers"], there["diff"]) == (["postfix-enable"], foretold["diff"])
    assert port.ran == [("/usr/local/sbin/postfix-enable",)]
    assert port.texts() == {
        "mailer.conf": _mailer_conf.postfix_text("/bin/sh"),
        "mailer.conf.pre-postfix": BASE,
        "mailer.conf.base": BASE,
    }
    assert not run(capsys)["changed"]
    assert len(port.ran) == 1
    back = run(capsys, state="base")
    assert back["helpers"] == ["postfix-disable"]
    assert port.texts() == {"mailer.conf": BASE, "mailer.conf.postfix": _mailer_conf.postfix_text("/bin/sh")}
    assert not run(capsys, state="base")["changed"]
    assert [Path(argv[0]).name for argv in port.ran] == ["postfix-enable", "postfix-disable"]


def test_a_repair_runs_no_helper(port: Port, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys)
    port.ran.clear()
    port.path.write_text(port.path.read_text().replace("mailq\t\t/bin/sh", "mailq\t\t/bin/false"))
    assert run(capsys)["changed"]
    assert port.ran == []
    assert port.path.read_text() == _mailer_conf.postfix_text("/bin/sh")


def test_a_helper_without_effect_is_an_error(port: Port, capsys: pytest.CaptureFixture[str]) -> None:
    port.works = False
    result = run(capsys)
    assert (
        result["msg"]
        == f"{port.path} does not have the wanted content after postfix-enable, which said: can't find it."
    )
    assert port.path.read_text() == BASE


def test_an_immutable_mailer_conf_loses_no_copy(port: Port, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys)
    there = port.texts()
    port.works = False
    result = run(capsys, state="base")
    assert (
        result["msg"]
        == f"{port.path} does not have the wanted content after postfix-disable, which said: can't find it."
    )
    assert port.texts() == there
    port.works = True
    assert run(capsys, state="base")["changed"]
    assert "mailer.conf.base" not in port.texts()


def test_without_the_package_nothing_is_touched(port: Port, capsys: pytest.CaptureFixture[str]) -> None:
    result = run(capsys, sendmail="/nowhere/sendmail")
    assert result["msg"] == ("/nowhere/sendmail is missing. Install the Postfix package first. Nothing was changed.")
    assert (port.ran, port.texts()) == ([], {"mailer.conf": BASE})
