# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""crontab with crontab(1) replaced: every command that runs, and what is made of its answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils import _command
from ansible_collections.puffy.mail.plugins.modules import crontab
from ansible_collections.puffy.mail.tests.harness.arguments import patch_module_args

PROGRAM = "/usr/bin/crontab"
JOB = {"job": "/bin/x", "schedule": "@daily"}
Call = tuple[tuple[str, ...], "str | None"]


class Cron:
    """Answers as crontab(1) does; ``table`` is what is installed."""

    def __init__(self, table: str | None) -> None:
        self.table = table
        self.ran: list[Call] = []
        self.status, self.errors, self.takes = 0, "", True

    def run(self, argv: list[str], *, data: str | None = None, **_dummy: Any) -> _command.Result:
        self.ran.append((tuple(argv[3:]), data))
        assert argv[:3] == [PROGRAM, "-u", "root"]
        if argv[3] == "-l":
            if self.table is None:
                return _command.Result(tuple(argv), 1, "", self.errors or "crontab: no crontab for root\n")
            return _command.Result(tuple(argv), 0, self.table, "")
        if argv[3] == "-r":
            self.table = None
        elif self.status == 0 and self.takes:
            self.table = data
        return _command.Result(tuple(argv), self.status, "", self.errors)


def run(
    cron: Cron,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    check: bool = False,
    **arguments: Any,
) -> dict[str, Any]:
    monkeypatch.setattr(_command, "run", cron.run)
    monkeypatch.setattr(_command, "require", lambda name, *_dummy, **__: f"/usr/bin/{name}")
    with patch_module_args({**arguments, "_ansible_check_mode": check}), pytest.raises(SystemExit):
        crontab.main()
    result = json.loads(capsys.readouterr().out)
    assert isinstance(result, dict)
    return result


@pytest.mark.parametrize(
    ("table", "arguments", "check", "ran", "changed"),
    [
        ("", JOB, False, [(("-l",), None), (("-",), "@daily\t/bin/x\n"), (("-l",), None)], True),
        (None, JOB, False, [(("-l",), None), (("-",), "@daily\t/bin/x\n"), (("-l",), None)], True),
        (None, JOB, True, [(("-l",), None)], True),
        ("@daily\t/bin/x\n", JOB, False, [(("-l",), None)], False),
        ("@daily /bin/x\n", {"match": "bin/x", "state": "absent"}, False, [(("-l",), None), (("-r",), None)], True),
        (
            "A=b\n@daily /bin/x\n",
            {"match": "bin/x", "state": "disabled"},
            False,
            [(("-l",), None), (("-",), "A=b\n#@daily /bin/x\n"), (("-l",), None)],
            True,
        ),
        (None, {"match": "bin/x", "state": "disabled"}, False, [(("-l",), None)], False),
    ],
)  # fmt: skip
def test_commands(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    table: str | None,
    arguments: dict[str, Any],
    check: bool,
    ran: list[Call],
    changed: bool,
) -> None:
    cron = Cron(table)
    result = run(cron, monkeypatch, capsys, check=check, **arguments)
    assert result["changed"] is changed
    assert cron.ran == ran


@pytest.mark.parametrize(
    ("status", "errors", "takes", "message"),
    [
        (
            1,
            '"-":1: bad minute\n',
            True,
            'failed with exit status 1: "-":1: bad minute. The crontab of root was not changed.',
        ),
        (0, "", False, "reported success, but crontab -l shows another text than the new one."),
    ],
)
def test_what_crontab_does_not_take(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    status: int,
    errors: str,
    takes: bool,
    message: str,
) -> None:
    cron = Cron("A=b\n")
    cron.status, cron.errors, cron.takes = status, errors, takes
    result = run(cron, monkeypatch, capsys, **JOB)
    assert result["failed"]
    assert message in result["msg"]
    assert cron.table == "A=b\n"


def test_a_listing_that_fails_is_no_empty_crontab(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cron = Cron(None)
    cron.errors = "crontab: tabs: Permission denied\n"
    result = run(cron, monkeypatch, capsys, **JOB)
    assert result["msg"] == (
        "/usr/bin/crontab -u root -l failed with exit status 1: crontab: tabs: Permission denied. Nothing was changed."
    )
    assert cron.ran == [(("-l",), None)]


def test_the_comments_that_openbsd_hides_are_put_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "root").write_text("# one\n# two\nA=b\n")
    monkeypatch.setattr(crontab, "SPOOL", str(tmp_path))
    monkeypatch.setattr(crontab.platform, "system", lambda: "OpenBSD")
    cron = Cron("A=b\n")
    assert run(cron, monkeypatch, capsys, **JOB, flags=["-n"])["changed"]
    assert cron.table == "# one\n# two\nA=b\n@daily\t-n /bin/x\n"


def test_flags_are_openbsds_own(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(crontab.platform, "system", lambda: "Linux")
    cron = Cron("")
    result = run(cron, monkeypatch, capsys, **JOB, flags=["-n", "-s"])
    assert result["msg"] == ("flags has -n, -s, and the cron of Linux has no flags. Remove them. Nothing was changed.")
    assert cron.ran == []
