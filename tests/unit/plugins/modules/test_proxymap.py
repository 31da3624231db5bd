# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""proxymap with Postfix's commands replaced: every command that runs, and what is remembered."""

from __future__ import annotations

import json
import os
import pwd
import time
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.puffy.mail.plugins.module_utils import _command, _files
from ansible_collections.puffy.mail.plugins.modules import proxymap

TABLE = "sqlite:/etc/postfix/sqlite/a.cf"
UNUSED = "sqlite:/etc/postfix/sqlite/b.cf"
POSTMAP = ("/usr/sbin/postmap", "-c", "/etc/postfix", "-q", "-", f"proxy:{TABLE}")
ASKED = [
    ("/usr/sbin/postconf", "-hx", "config_directory", "mail_version", "mail_owner", "default_database_type",
     "command_directory", "smtputf8_enable"),
    ("/usr/sbin/postconf", "-m"),
    ("/usr/sbin/postfix", "-c", "/etc/postfix", "status"),
    ("/usr/sbin/postconf", "-c", "/etc/postfix", "-hx", "proxy_read_maps"),
]  # fmt: skip
RELOAD = ("/usr/sbin/postfix", "-c", "/etc/postfix", "reload")


class Postfix:
    """What Postfix's commands answer. ``stale`` is what proxymap answers until the reload, ``fresh`` what after it."""

    def __init__(self, database: Path) -> None:
        self.database = database
        self.stamp = database.with_name(".databases")
        self.running = True
        self.stale = self.fresh = "k\tright\n"
        self.ran: list[tuple[str, ...]] = []

    def run(self, argv: list[str], *, data: str | None = None, **_: Any) -> _command.Result:
        self.ran.append(tuple(argv))
        rc, stdout, stderr = 0, "", ""
        if "mail_version" in argv:
            owner = pwd.getpwuid(os.getuid()).pw_name
            stdout = f"/etc/postfix\n3.10.1\n{owner}\nhash\n/usr/sbin\nyes\n"
        elif argv[-1] == "-m":
            stdout = "hash\nsqlite\n"
        elif argv[-1] == "proxy_read_maps":
            stdout = f"proxy:{TABLE} $other\n"
        elif argv[-1] == "status":
            rc = 0 if self.running else 1
        elif argv[-1] == "reload":
            self.stale = self.fresh
        else:
            assert data == "k\nnobody\n"
            rc, stdout, stderr = (0, self.stale, "") if self.stale.startswith("k\t") else (1, "", self.stale)
        return _command.Result(tuple(argv), rc, stdout, stderr)


@pytest.fixture
def postfix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Postfix:
    found = Postfix(tmp_path / "accounts.sqlite")
    found.database.write_text("x")
    monkeypatch.setattr(_command, "run", found.run)
    monkeypatch.setattr(_command, "find", lambda name, *_, **__: f"/usr/sbin/{name}")
    monkeypatch.setattr(_command, "require", lambda name, *_, **__: f"/usr/sbin/{name}")
    # A test need not run as root.
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    write = _files.write
    monkeypatch.setattr(
        _files, "write", lambda path, text, **_: write(path, text, uid=os.getuid(), gid=os.getgid(), mode=0o600)
    )
    return found


def run(capsys: pytest.CaptureFixture[str], arguments: dict[str, Any], *, check: bool = False) -> dict[str, Any]:
    with patch_module_args({**arguments, "_ansible_check_mode": check}), pytest.raises(SystemExit):
        proxymap.main()
    result = json.loads(capsys.readouterr().out)
    assert isinstance(result, dict)
    return result


def task(postfix: Postfix) -> dict[str, Any]:
    return {
        "tables": {TABLE: {"k": "right", "nobody": None}, UNUSED: {"k": "x"}},
        "databases": [str(postfix.database)],
        "stamp": str(postfix.stamp),
        "timeout": 1,
    }


def identity(postfix: Postfix) -> str:
    status = postfix.database.stat()
    return f"{status.st_ino} {status.st_mtime_ns} {status.st_ctime_ns} {postfix.database}\n"


def known(postfix: Postfix) -> None:
    """As after a first run."""
    postfix.stamp.write_text(identity(postfix))


def test_right_answers_and_the_same_file_are_no_change(postfix: Postfix, capsys: pytest.CaptureFixture[str]) -> None:
    known(postfix)
    result = run(capsys, task(postfix))
    assert (result["changed"], result["asked"], result["stale"]) == (False, [TABLE], {})
    assert postfix.ran == [*ASKED, POSTMAP]


@pytest.mark.parametrize("wrong", ["k\tolder\n", "postmap: fatal: table lookup problem\n"])
def test_a_wrong_answer_is_reloaded_once(postfix: Postfix, capsys: pytest.CaptureFixture[str], wrong: str) -> None:
    known(postfix)
    postfix.stale = wrong
    foretold = run(capsys, task(postfix), check=True)
    assert (foretold["changed"], postfix.ran) == (True, [*ASKED, POSTMAP])
    postfix.ran.clear()
    result = run(capsys, task(postfix))
    assert (result["changed"], result["diff"], list(result["stale"])) == (True, foretold["diff"], [TABLE])
    assert postfix.ran == [*ASKED, POSTMAP, RELOAD, POSTMAP]
    assert run(capsys, task(postfix))["changed"] is False


def test_an_answer_that_stays_wrong_is_an_error(postfix: Postfix, capsys: pytest.CaptureFixture[str]) -> None:
    known(postfix)
    postfix.stale = postfix.fresh = "k\tolder\n"
    result = run(capsys, task(postfix))
    assert result["msg"] == ("Postfix was reloaded, and still: the key 'k' gives 'older' where 'right' was expected")


def test_another_file_of_that_name_is_reloaded_once(postfix: Postfix, capsys: pytest.CaptureFixture[str]) -> None:
    known(postfix)
    before = postfix.stamp.read_text()
    other = postfix.database.with_name("other")
    other.write_text("y")
    other.rename(postfix.database)
    foretold = run(capsys, task(postfix), check=True)
    assert (foretold["changed"], postfix.stamp.read_text(), postfix.ran) == (True, before, [*ASKED, POSTMAP])
    postfix.ran.clear()
    result = run(capsys, task(postfix))
    assert (result["changed"], result["diff"]) == (True, foretold["diff"])
    assert postfix.ran == [*ASKED, POSTMAP, RELOAD]
    assert postfix.stamp.read_text() == identity(postfix)
    assert run(capsys, task(postfix))["changed"] is False


def test_a_file_that_was_away_is_reloaded_once(postfix: Postfix, capsys: pytest.CaptureFixture[str]) -> None:
    """One process of proxymap may have met its absence, and another one the question."""
    known(postfix)
    away = postfix.database.with_name("away")
    time.sleep(0.02)
    postfix.database.rename(away)
    away.rename(postfix.database)
    result = run(capsys, task(postfix))
    assert (result["changed"], postfix.ran) == (True, [*ASKED, POSTMAP, RELOAD])
    assert result["diff"]["after"] == identity(postfix)
    assert run(capsys, task(postfix))["changed"] is False


def test_a_file_that_was_written_to_is_no_change(postfix: Postfix, capsys: pytest.CaptureFixture[str]) -> None:
    known(postfix)
    time.sleep(0.02)
    postfix.database.write_text("more")
    result = run(capsys, task(postfix))
    assert (result["changed"], result["diff"], postfix.ran) == (False, {"before": "", "after": ""}, [*ASKED, POSTMAP])
    # What is noted is the file as it is now: that it is moved later is seen.
    assert postfix.stamp.read_text() == identity(postfix)


def test_a_postfix_that_does_not_run_is_left_alone(postfix: Postfix, capsys: pytest.CaptureFixture[str]) -> None:
    postfix.running = False
    postfix.database.unlink()
    result = run(capsys, task(postfix))
    assert (result["changed"], result["asked"], postfix.ran) == (True, [], ASKED[:3])
    assert postfix.stamp.read_text() == f"- {postfix.database}\n"
    assert run(capsys, task(postfix))["changed"] is False


FAILURES: list[tuple[dict[str, Any], str]] = [
    ({"tables": {TABLE: "x"}}, f"tables has {TABLE!r} without a mapping of keys to answers; nothing was asked"),
    (
        {"tables": {TABLE: {"k": ["x"]}}},
        f"the table {TABLE!r} has ['x'] for the key 'k'; right would be a text, or null for no entry",
    ),
    ({"tables": {TABLE: {"a\nb": "x"}}}, f"the table {TABLE!r} has the key 'a\\nb'; a key is one line and not empty"),
    ({"stamp": None}, "databases and stamp belong together; nothing was asked"),
    ({"databases": ["a.sqlite"]}, "'a.sqlite' is not an absolute path; nothing was asked"),
    ({"databases": ["/etc/passwd/a"]}, "[Errno 20] Not a directory: '/etc/passwd/a'"),
]


@pytest.mark.parametrize(("change", "message"), FAILURES)
def test_bad_inputs(postfix: Postfix, capsys: pytest.CaptureFixture[str], change: dict[str, Any], message: str) -> None:
    assert run(capsys, {**task(postfix), **change})["msg"] == message
    assert postfix.ran == []
