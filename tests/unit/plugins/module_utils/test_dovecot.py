# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge to the running Dovecot: its process, its commands, its sockets. Whole runs are the module's tests."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from ansible_collections.puffy.mail.plugins.module_utils import _activation, _command, _dovecot, _file_daemon, _manager

OPTIONS = _dovecot.Options(("/etc/dovecot/dovecot.conf",), (("/k", "/c"),), "/d", "/a", "", 993, "mail", 3.0)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []

    def run(argv: list[str], **_dummy: object) -> _command.Result:
        lines.append(" ".join([os.path.basename(argv[0]), *argv[1:]]))
        return _command.Result(tuple(argv), 0, "", "")

    monkeypatch.setattr(_command, "run", run)
    monkeypatch.setattr(_command, "require", lambda name, *_dummy, **__: f"/usr/bin/{name}")
    return lines


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("rcctl", ["rcctl -f start dovecot", "rcctl reload dovecot", "rcctl stop dovecot"]),
        (
            "systemd",
            [
                "systemctl show --property=NeedDaemonReload dovecot.service",
                "systemctl restart dovecot.service",
                "doveadm reload",
                "systemctl stop dovecot.service",
            ],
        ),
        ("init", ["dovecot start", "doveadm reload", "dovecot stop"]),
        ("", ["dovecot", "doveadm reload", "doveadm stop"]),
    ],
)
def test_commands_of_the_managers(
    ran: list[str], monkeypatch: pytest.MonkeyPatch, kind: str, expected: list[str]
) -> None:
    monkeypatch.setattr(_manager, "kind_of_host", lambda _dummy: kind)
    manager = _dovecot.Manager.of_host()
    manager.start()
    manager.reload()
    manager.stop()
    assert ran == expected


@pytest.mark.parametrize(
    ("text", "process", "expected"),
    [
        ("412\n", _manager.Process(412, 1, ("/usr/sbin/dovecot", "-F")), 412),
        # The number of a Dovecot that was killed, which another process has by now; a zombie; a damaged file.
        ("412\n", _manager.Process(412, 1, ("/usr/sbin/cron",)), None),
        ("412\n", _manager.Process(412, 1, ("",)), None),
        ("412\n", _manager.Process(413, 1, ("/usr/sbin/dovecot",)), None),
        ("", _manager.Process(412, 1, ("/usr/sbin/dovecot",)), None),
        (None, _manager.Process(412, 1, ("/usr/sbin/dovecot",)), None),
    ],
)
def test_the_running_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, process: _manager.Process, expected: int | None
) -> None:
    path = tmp_path / "master.pid"
    if text is not None:
        path.write_text(text)
    monkeypatch.setattr(_dovecot, "PID_FILES", (str(tmp_path / "none"), str(path)))
    monkeypatch.setattr(_manager, "processes", lambda: [process])
    run = _dovecot.Activation(OPTIONS, _activation.Place(str(tmp_path / "state"), "/etc/dovecot"))
    assert (run.pid(), run.running()) == (expected, expected is not None)


def test_options_survive_the_record(tmp_path: Path) -> None:
    run = _dovecot.Activation(OPTIONS, _activation.Place(str(tmp_path), "/etc/dovecot"))
    record = _activation.Record("Dovecot", "/etc/dovecot", run.arguments())
    assert _dovecot.Options.of(_activation.decode(_activation.encode(record)).arguments) == OPTIONS


def test_secrets_are_known_by_the_name_of_their_setting() -> None:
    text = """
dnpass = "open sesame"
ldap_auth_dn_password=tok,en
  ssl_key_password = a b
connect = host=db password=let-me-in user=x
ldap_bind_pw: colon
passdb_name = x1
password = x
# secret = commented
"""
    # What is shorter than four characters would take words out of every message.
    assert _file_daemon.secrets([text]) == {"open sesame", "tok,en", "let-me-in", "colon"}


def greeting(path: Path, line: bytes) -> threading.Thread:
    """A UNIX-domain socket that says ``line`` to one client."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()

    def work() -> None:
        with server, server.accept()[0] as client:
            client.sendall(line)
            client.recv(100)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_greetings(tmp_path: Path) -> None:
    path = tmp_path / "right"
    thread = greeting(path, b"220 mail LMTP ready\r\n")
    _dovecot.see_greeting(str(path), b"220 ", b"QUIT\r\n")
    thread.join(5)
    path = tmp_path / "wrong"
    thread = greeting(path, b"421 busy\r\n")
    with pytest.raises(_dovecot.NotYet, match=r"/wrong says '421 busy'"):
        _dovecot.see_greeting(str(path), b"220 ", b"QUIT\r\n")
    thread.join(5)
    with pytest.raises(_dovecot.NotYet, match=r"/wrong cannot be connected to: Connection refused"):
        _dovecot.see_greeting(str(path), b"220 ", b"")


@pytest.mark.parametrize(("code", "fails"), [(0, False), (_dovecot.EX_NOUSER, False), (75, True)])
def test_accounts(monkeypatch: pytest.MonkeyPatch, code: int, fails: bool) -> None:
    monkeypatch.setattr(_command, "require", lambda name, *_dummy, **__: f"/usr/bin/{name}")
    monkeypatch.setattr(
        _command, "run", lambda argv, **_dummy: _command.Result(tuple(argv), code, "", "database is locked\n")
    )
    if fails:
        with pytest.raises(_dovecot.NotYet, match="the user lookup fails: database is locked"):
            _dovecot.see_accounts("mail.example.test")
    else:
        _dovecot.see_accounts("mail.example.test")
