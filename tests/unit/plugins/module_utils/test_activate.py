# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command of the host: which daemons it looks after, and what it says.

With real daemons it is in tests/integration/test_activate.py.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils import _activate, _activation, _command, _dovecot
from ansible_collections.puffy.mail.plugins.module_utils._postfix import activation as postfix
from ansible_collections.puffy.mail.plugins.module_utils._postfix import daemon

ARGUMENTS = {
    "files": ["/etc/dovecot/dovecot.conf"], "keys": [["/k", "/c"]], "database": "", "auth_socket": "/a",
    "lmtp_socket": "", "imaps_port": 993, "hostname": "mail.example.test", "timeout": 7.0,
}  # fmt: skip


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(_command, "find", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(daemon, "DEFAULT_DIRECTORY", str(tmp_path / "default"))
    monkeypatch.setattr(_activate, "DOVECOT", str(tmp_path / "dovecot.conf"))
    return tmp_path


def record(root: Path, name: str, directory: str, arguments: dict[str, Any]) -> None:
    place = _activation.Place(str(root / name.lower()), directory)
    place.make()
    place.write(_activation.Record(name, directory, arguments))


def test_the_daemons_of_the_records(root: Path) -> None:
    record(root, "Postfix", "/etc/postfix-out", {"timeout": 9.0})
    record(root, "Postfix", "/etc/postfix-in", {"timeout": 8.0})
    record(root, "Dovecot", "/etc/dovecot", ARGUMENTS)
    mail, *others = list(_activate.runs(str(root)))
    assert isinstance(mail, _dovecot.Activation)
    assert (mail.arguments(), mail.remember) == (ARGUMENTS, True)
    assert [(run.directory, isinstance(run, postfix.Activation) and run.timeout) for run in others] == [
        ("/etc/postfix-in", 8.0),
        ("/etc/postfix-out", 9.0),
    ]


def test_a_daemon_without_a_record_is_looked_after_too(root: Path) -> None:
    assert list(_activate.runs(str(root))) == []
    (root / "default").mkdir()
    (root / "default" / "main.cf").touch()
    (root / "dovecot.conf").touch()
    mail, transport = list(_activate.runs(str(root)))
    assert isinstance(mail, _dovecot.Activation)
    assert (mail.options.files, mail.remember) == ((str(root / "dovecot.conf"),), False)
    assert (transport.title, transport.directory) == ("Postfix", str(root / "default"))
    record(root, "Postfix", str(root / "default"), {})
    assert len(list(_activate.runs(str(root)))) == 2


def test_what_is_not_installed_is_left_alone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(root, "Postfix", "/etc/postfix", {})
    record(root, "Dovecot", "/etc/dovecot", ARGUMENTS)
    monkeypatch.setattr(_command, "find", lambda _dummy: None)
    assert list(_activate.runs(str(root))) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another account")
def test_a_record_that_somebody_else_may_write_is_refused(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(root, "Postfix", "/etc/postfix", {})
    os.chown(root / "postfix" / "etc-postfix", 12345, 0)
    assert _activate.main([], str(root)) == 1
    assert f"puffy-mail-activate: {root}/postfix/etc-postfix: belongs to" in capsys.readouterr().err


def test_a_damaged_record_is_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(root, "Dovecot", "/etc/dovecot", ARGUMENTS)
    (root / "dovecot" / "etc-dovecot" / "active.json").write_text("{")
    assert _activate.main(["-n"], str(root)) == 1
    assert "active.json: is not a record of an activated configuration: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("running", "action", "arguments", "said"),
    [
        (False, "none", [], "Postfix with /etc/postfix does not run, and is left as it is.\n"),
        (True, "none", [], "Postfix with /etc/postfix runs what is on disk.\n"),
        (True, "reload", [], "Postfix with /etc/postfix: reload. /k: new.\n"),
        (True, "reload", ["-n"], "Postfix with /etc/postfix: would reload. /k: new.\n"),
    ],
)
def test_what_it_says(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    running: bool, action: str, arguments: list[str], said: str,
) -> None:  # fmt: skip
    record(root, "Postfix", "/etc/postfix", {})

    def converge(_run: object, *, state: str, enabled: object, check: bool) -> dict[str, Any]:
        assert (state, enabled, check) == ("running", None, bool(arguments))
        return {"action": action, "reasons": ["/k: new"]}

    monkeypatch.setattr(_activation, "converge", converge)
    monkeypatch.setattr(postfix, "locked", lambda _directory, place: place.locked())
    monkeypatch.setattr(postfix.Activation, "running", lambda _dummy: running)
    assert _activate.main(arguments, str(root)) == 0
    assert capsys.readouterr() == (said, "")


def test_one_that_fails_does_not_keep_the_others(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        record(root, "Postfix", f"/etc/postfix-{name}", {})
    tried = []

    def converge(run: postfix.Activation, **_dummy: object) -> dict[str, Any]:
        tried.append(run.directory)
        raise _activation.Failed("it cannot serve", {})

    monkeypatch.setattr(_activation, "converge", converge)
    assert _activate.main(["-n"], str(root)) == 1
    assert tried == ["/etc/postfix-a", "/etc/postfix-b"]
    assert capsys.readouterr() == ("", "puffy-mail-activate: it cannot serve\n" * 2)
