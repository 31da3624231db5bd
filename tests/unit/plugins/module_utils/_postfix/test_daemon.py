# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge to the running Postfix: locks, listeners, the log, and the commands of each service manager."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import os
import platform
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.puffy.mail.plugins.module_utils import _command, _manager
from ansible_collections.puffy.mail.plugins.module_utils._manager import Process
from ansible_collections.puffy.mail.plugins.module_utils._postfix import daemon
from ansible_collections.puffy.mail.plugins.module_utils._postfix.service import Core, Listener

MASTER = 412


@pytest.fixture(autouse=True)
def processes(monkeypatch: pytest.MonkeyPatch) -> list[Process]:
    """The daemons of the master(8) with the id 412."""
    found = [
        Process(413, MASTER, ("smtpd", "-n", "smtp", "-t", "inet", "-u")),
        Process(414, MASTER, ("/usr/libexec/postfix/smtpd", "-l", "-n", "smtps", "-t", "inet")),
        Process(415, MASTER, ("x", "-t", "inet")),
        Process(416, 1, ("smtpd", "-n", "strange", "-t", "inet")),
        Process(417, MASTER, ("smtp", "-n", "relay", "-t", "unix")),
    ]
    monkeypatch.setattr(_manager, "processes", lambda: found)
    monkeypatch.setattr(daemon, "_SPAWN", 0.1)
    return found


def test_the_lock_tells_whether_master_runs(tmp_path: Path) -> None:
    path = daemon.lock_path(str(tmp_path), "pid")
    assert path == f"{tmp_path}/pid/master.pid"
    assert daemon.master_pid(path) is None
    (tmp_path / "pid").mkdir()
    with open(path, "w") as stream:
        stream.write("                             412\n")
        stream.flush()
        assert daemon.master_pid(path) is None, "a stale file is no running daemon"
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert daemon.master_pid(path) == 412
        assert not daemon.gone(path, 0.05)
    assert daemon.gone(path, 1)


def serve(*replies: bytes) -> tuple[int, threading.Thread]:
    """A server that says each of ``replies`` to one client after the other; returns its port."""
    server = socket.create_server(("127.0.0.1", 0))

    def work() -> None:
        with server:
            for reply in replies:
                client, _dummy = server.accept()
                # A client that only connects is gone already.
                with client, contextlib.suppress(ConnectionError):
                    client.sendall(reply)
                    if reply:
                        client.recv(100)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return int(server.getsockname()[1]), thread


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (b"220 mail.example.test ESMTP\r\n", ""),
        (b"220-wait\r\n220 mail.example.test ESMTP\r\n", ""),
        (b"554 5.7.1 no\r\n", ""),
        (b"421 4.3.0 busy\r\n", "it says '421 4.3.0 busy'"),
        (b"", "the connection was closed before a greeting came"),
        (b"* OK IMAP\r\n", "it says '* OK IMAP'"),
    ],
)
def test_greetings(reply: bytes, expected: str) -> None:
    port, thread = serve(reply)
    assert daemon.answers(Listener("smtp/inet", "127.0.0.1", port, "smtp"), 5, MASTER) == expected
    thread.join(5)


def test_wildcards_are_asked_on_loopback_and_connecting_can_be_enough() -> None:
    port, thread = serve(b"")
    assert daemon.answers(Listener("x/inet", "0.0.0.0", port), 5, MASTER) == ""  # noqa: S104
    thread.join(5)
    assert daemon.answers(Listener("x/inet", "127.0.0.1", port), 5, MASTER) == "Connection refused"


def test_a_wrapper_port_without_tls_does_not_answer() -> None:
    port, thread = serve(b"220 no TLS here\r\n")
    said = daemon.answers(Listener("smtps/inet", "127.0.0.1", port, "smtps"), 5, MASTER)
    assert said.startswith("the TLS handshake fails: ")
    thread.join(5)


@pytest.mark.parametrize("service", ["strange/inet", "relay/inet", "submission/inet"])
@pytest.mark.parametrize("greets", ["smtp", "connect"])
def test_what_another_program_answers_is_not_taken_for_postfix(service: str, greets: str) -> None:
    port, thread = serve(b"220 mail.example.test ESMTP OpenSMTPD\r\n")
    said = daemon.answers(Listener(service, "127.0.0.1", port, greets), 5, MASTER)
    assert said.startswith("no daemon of this Postfix serves it")
    thread.join(5)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [(b"queue_id\0A1\0\0", ""), (b"", "it closes the connection"), (b"protocol\0x\0\0", "it closes the connection")],
)
def test_a_daemon_behind_a_socket_has_to_reply(tmp_path: Path, reply: bytes, expected: str) -> None:
    core = Core("cleanup/unix", str(tmp_path / "cleanup"), b"", b"queue_id\0")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(core.path)
        server.listen()

        def work() -> None:
            client, _dummy = server.accept()
            with client:
                client.sendall(reply)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        assert daemon.answers(core, 5, MASTER) == expected
        thread.join(5)
    os.unlink(core.path)
    assert daemon.answers(core, 5, MASTER) == "No such file or directory"


@pytest.mark.parametrize("wildcard", ["0.0.0.0", "::"])  # noqa: S104
def test_a_wildcard_that_the_system_binds_beside_another_listener_is_held(
    monkeypatch: pytest.MonkeyPatch, wildcard: str
) -> None:
    """OpenBSD binds 0.0.0.0:25 while OpenSMTPD listens on 127.0.0.1:25, and clients of 127.0.0.1 get OpenSMTPD."""
    monkeypatch.setattr(
        daemon,
        "_cannot_bind",
        lambda listener, *_dummy: "" if listener.address == wildcard else f"another process holds {listener}",
    )
    said = daemon.cannot_bind(Listener("smtp/inet", wildcard, 25), address_only=False)
    assert said in ("another process holds 127.0.0.1:25", "another process holds [::1]:25")


def test_cannot_bind() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = Listener("x/inet", "127.0.0.1", server.getsockname()[1])
        assert daemon.cannot_bind(taken, address_only=False) == f"another process holds {taken}"
        assert daemon.cannot_bind(taken, address_only=True) == ""
    assert daemon.cannot_bind(taken, address_only=False) == ""
    foreign = Listener("x/inet", "192.0.2.55", 25)
    assert daemon.cannot_bind(foreign, address_only=True) == "this host has no address 192.0.2.55"


@pytest.mark.skipif(sys.platform != "linux", reason="reads proc(5)")
def test_listening() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        held = daemon.listening()
        assert held is not None
        assert address in held
    held = daemon.listening()
    assert held is not None
    assert address not in held


def test_proc_addresses() -> None:
    assert daemon._address("0100007F:0019") == ("127.0.0.1", 25) or sys.byteorder == "big"
    six = "00000000000000000000000001000000:024B"
    assert daemon._address(six) == ("::1", 587) or sys.byteorder == "big"


def test_the_log_gives_what_is_new_also_after_a_rotation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "LOG_FILES", ())
    path = tmp_path / "maillog"
    path.write_text("old\n")
    log = daemon.Log(str(path))
    assert log.lines() == []
    with path.open("a") as stream:
        stream.write("new\n")
    assert log.lines() == ["new"]
    path.rename(tmp_path / "maillog.0")
    path.write_text("newer, in a file of its own\n")
    assert log.lines() == ["newer, in a file of its own"]


def test_the_log_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """maillog_file is new: master(8) still writes to the old log, postlogd(8) makes the other."""
    monkeypatch.setattr(_command, "find", lambda _dummy: None)
    old, new = tmp_path / "mail.log", tmp_path / "postfix.log"
    monkeypatch.setattr(daemon, "LOG_FILES", (str(tmp_path / "none"), str(old)))
    assert daemon.Log(str(new)).lines() == []
    old.write_text("before\n")
    log = daemon.Log(str(new))
    with old.open("a") as stream:
        stream.write("reload\n")
    new.write_text("throttling\n")
    assert sorted(log.lines()) == ["reload", "throttling"]
    assert sorted(log.recent(9)) == ["before", "reload", "throttling"]


def test_recent_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    path = tmp_path / "maillog"
    old = [
        time.strftime("%b %e %H:%M:%S", time.localtime(now - age)) + f" mx postfix/master[1]: {age}" for age in (90, 5)
    ]
    new = datetime.datetime.fromtimestamp(now - 3, datetime.timezone.utc).isoformat() + " mx postfix/master[1]: 3"
    path.write_text("\n".join([*old, new, "no time at all"]) + "\n")
    monkeypatch.setattr(daemon, "LOG_FILES", ())
    assert daemon.Log(str(path)).recent(60) == [old[1], new, "no time at all"]
    monkeypatch.setattr(_command, "find", lambda _dummy: None)
    assert daemon.Log("").recent(60) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("2026-11-21T15:45:57+00:00 mx x", 1795275957.0),
        ("2026-11-21T15:45:57.250Z mx x", 1795275957.25),
        ("2026-11-21T15:45:57.250000-01:00 mx x", 1795279557.25),
        ("Smarch 21 15:45:57 mx x", None),
        ("", None),
    ],
)
def test_times_of_lines(line: str, expected: float | None) -> None:
    assert daemon.stamp(line) == expected


class Commands:
    """Stands in for _command.run: records what would run, answers from ``answers`` by prefix."""

    def __init__(self, answers: dict[str, tuple[int, str, str]]) -> None:
        self.ran: list[str] = []
        self.answers = answers

    def run(self, argv: list[str], *, check: bool = True, **_dummy: object) -> _command.Result:
        line = " ".join([os.path.basename(argv[0]), *argv[1:]])
        self.ran.append(line)
        result = _command.Result(tuple(argv), *self.answers.get(line, (0, "", "")))
        if check and result.rc:
            raise _command.CommandError(_command.failure(result))
        return result


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (
            "rcctl",
            {
                "start": ["rcctl -f start postfix"],
                "stop": ["rcctl stop postfix"],
                "reload": ["rcctl reload postfix"],
                "enable": ["rcctl enable postfix"],
                "disable": ["rcctl disable postfix"],
            },
        ),
        (
            "systemd",
            {
                "start": [
                    "systemctl show --property=NeedDaemonReload postfix.service",
                    "systemctl restart postfix.service",
                ],
                "stop": ["systemctl stop postfix.service"],
                "reload": ["postfix -c /etc/postfix reload"],
                "enable": ["systemctl enable postfix.service"],
                "disable": ["systemctl disable postfix.service"],
            },
        ),
        (
            "init",
            {
                "start": ["postfix start"],
                "stop": ["postfix stop"],
                "reload": ["postfix -c /etc/postfix reload"],
                "enable": ["update-rc.d postfix defaults", "update-rc.d postfix enable"],
                "disable": ["update-rc.d postfix disable"],
            },
        ),
        (
            "postfix",
            {
                "start": ["postfix -c /etc/postfix start"],
                "stop": ["postfix -c /etc/postfix stop"],
                "reload": ["postfix -c /etc/postfix reload"],
                "enable": [],
                "disable": [],
            },
        ),
    ],
)
def test_commands_of_the_managers(monkeypatch: pytest.MonkeyPatch, kind: str, expected: dict[str, list[str]]) -> None:
    monkeypatch.setattr(_command, "require", lambda name, *_dummy, **__: f"/bin/{name}")
    manager = daemon.Manager(kind, "/etc/postfix")
    for verb, lines in expected.items():
        commands = Commands({})
        monkeypatch.setattr(_command, "run", commands.run)
        if verb in ("enable", "disable"):
            manager.enable(verb == "enable")
        else:
            getattr(manager, verb)()
        assert commands.ran == lines, verb


@pytest.mark.parametrize(("said", "again"), [("NeedDaemonReload=yes\n", True), ("NeedDaemonReload=no\n", False)])
def test_systemd_reads_a_unit_that_changed(monkeypatch: pytest.MonkeyPatch, said: str, again: bool) -> None:
    """The unit of saslauthd has a file of the role beside it."""
    asked = "systemctl show --property=NeedDaemonReload postfix.service"
    commands = Commands({asked: (0, said, "")})
    monkeypatch.setattr(_command, "require", lambda name, *_dummy, **__: f"/bin/{name}")
    monkeypatch.setattr(_command, "run", commands.run)
    daemon.Manager("systemd", "/etc/postfix").start()
    reread = ["systemctl daemon-reload"] if again else []
    assert commands.ran == [asked, *reread, "systemctl restart postfix.service"]


@pytest.mark.parametrize(
    ("kind", "answer", "expected"),
    [
        ("rcctl", (0, "", ""), True),
        ("rcctl", (1, "", ""), False),
        ("rcctl", (2, "", "rcctl: service postfix does not exist"), "does not exist"),
        ("systemd", (0, "enabled\n", ""), True),
        ("systemd", (1, "disabled\n", ""), False),
        ("systemd", (1, "", "Failed to get unit file state for postfix.service"), "Failed to get unit file state"),
        ("postfix", (0, "", ""), None),
    ],
)
def test_enabled(
    monkeypatch: pytest.MonkeyPatch, kind: str, answer: tuple[int, str, str], expected: bool | str | None
) -> None:
    asked = {"rcctl": "rcctl get postfix status", "systemd": "systemctl is-enabled postfix.service"}
    commands = Commands({asked.get(kind, ""): answer})
    monkeypatch.setattr(_command, "require", lambda name, *_dummy, **__: f"/bin/{name}")
    monkeypatch.setattr(_command, "run", commands.run)
    manager = daemon.Manager(kind, "/etc/postfix")
    if isinstance(expected, str):
        with pytest.raises(_command.CommandError, match=expected):
            manager.enabled()
    else:
        assert manager.enabled() is expected
        assert commands.ran == ([asked[kind]] if kind in asked else [])


@pytest.mark.parametrize(
    ("system", "systemd", "script", "directory", "expected"),
    [
        ("OpenBSD", False, False, "/etc/postfix", "rcctl"),
        ("OpenBSD", False, False, "/etc/postfix-out", "postfix"),
        ("Linux", True, True, "/etc/postfix", "systemd"),
        ("Linux", False, True, "/etc/postfix", "init"),
        ("Linux", False, False, "/etc/postfix/", "postfix"),
        ("Linux", True, True, "/srv/postfix", "postfix"),
    ],
)
def test_manager_of_a_host(
    monkeypatch: pytest.MonkeyPatch, system: str, systemd: bool, script: bool, directory: str, expected: str
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(os.path, "isdir", lambda path: systemd and path == "/run/systemd/system")
    monkeypatch.setattr(os, "access", lambda path, _dummy: script and path == "/etc/init.d/postfix")
    assert daemon.Manager.of_host(directory).kind == expected


@pytest.fixture
def queue_manager(processes: list[Process]) -> Iterator[int]:
    """A child of master(8) that can be paused; its process id."""
    with subprocess.Popen(["qmgr", "60"], executable="/bin/sleep") as child:
        processes.append(Process(child.pid, MASTER, ("qmgr", "-l", "-t", "unix", "-u")))
        yield child.pid
        child.kill()


def paused(pid: int) -> bool:
    said = subprocess.run(["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return said.stdout.startswith("T")


def test_a_stop_waits_for_deliveries_under_way(tmp_path: Path, queue_manager: int) -> None:
    message = tmp_path / "active" / "4WxYz"
    message.parent.mkdir()
    message.write_text("a queue file")
    agent = message.open()
    fcntl.flock(agent, fcntl.LOCK_SH)
    done = threading.Timer(0.3, agent.close)
    done.start()
    with daemon.deliveries_end(MASTER, daemon.lock_path(str(tmp_path), "pid")):
        assert agent.closed
        assert paused(queue_manager)
    assert not paused(queue_manager)


def test_a_stop_waits_no_longer_than_its_time(
    tmp_path: Path, queue_manager: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "DELIVERY_TIMEOUT", 0.2)
    (tmp_path / "active").mkdir()
    with (tmp_path / "active" / "4WxYz").open("w") as agent:
        fcntl.flock(agent, fcntl.LOCK_EX)
        with daemon.deliveries_end(MASTER, daemon.lock_path(str(tmp_path), "pid")):
            assert paused(queue_manager)
    assert not paused(queue_manager)


def test_a_queue_manager_goes_on_although_the_run_was_killed(
    tmp_path: Path, queue_manager: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "PAUSE_LIMIT", 0.3)
    run = os.fork()
    if not run:
        with daemon.deliveries_end(MASTER, daemon.lock_path(str(tmp_path), "pid")):
            os.kill(os.getpid(), signal.SIGKILL)
    assert os.WTERMSIG(os.waitpid(run, 0)[1]) == signal.SIGKILL
    assert paused(queue_manager)
    deadline = time.monotonic() + 10
    while paused(queue_manager):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_the_account_of_postfix_may_put_into_the_queue_stops_no_stop(tmp_path: Path, queue_manager: int) -> None:
    """A pipe would be waited for, and a link be followed."""
    active = tmp_path / "active"
    active.mkdir()
    os.mkfifo(active / "pipe")
    (active / "gone").symlink_to("nowhere")
    (active / "link").symlink_to("/dev/zero")
    begin = time.monotonic()
    with daemon.deliveries_end(MASTER, daemon.lock_path(str(tmp_path), "pid")):
        assert paused(queue_manager)
    assert time.monotonic() - begin < daemon.DELIVERY_TIMEOUT
    assert not paused(queue_manager)
