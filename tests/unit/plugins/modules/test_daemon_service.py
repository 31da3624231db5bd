# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""daemon_service against files, with the commands and the process replaced and a real socket.

What it shares with dovecot_service is tested there; real milters are in tests/integration.
"""

from __future__ import annotations

import contextlib
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils import _command, _file_daemon, _manager, _small_daemon
from ansible_collections.puffy.mail.plugins.modules import daemon_service
from ansible_collections.puffy.mail.tests.harness.arguments import patch_module_args


class FakeHost:
    """A host with one milter, which refuses a configuration with the word ``refused`` in it, and does not answer with
    the word ``dumb``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.pid: int | None = None
        self.ran: list[str] = []
        self.server: socket.socket | None = None
        self.configuration, self.key = root / "milter.conf", root / "key"
        self.configuration.write_text("Mode sv\n")
        self.key.write_text("key\n")

    def run(self, argv: list[str], **_dummy: object) -> _command.Result:
        line = " ".join([Path(argv[0]).name, *argv[1:]])
        self.ran.append(line)
        refused = line == "milter -n" and "refused" in self.configuration.read_text()
        if line == "milter start":
            self.start()
        elif line == "milter stop":
            self.stop()
        return _command.Result(tuple(argv), 1 if refused else 0, "", "unrecognized parameter" if refused else "")

    def start(self) -> None:
        self.pid = (self.pid or 100) + 1
        (self.root / "milter.pid").write_text(f"{self.pid}\n")
        if "dumb" not in self.configuration.read_text():
            self.server = socket.socket(socket.AF_UNIX)
            self.server.bind(str(self.root / "socket"))
            self.server.listen()

    def stop(self) -> None:
        self.pid = None
        if self.server is not None:
            self.server.close()
            self.server = None
        with contextlib.suppress(FileNotFoundError):
            (self.root / "socket").unlink()

    def processes(self) -> list[_manager.Process]:
        return [_manager.Process(self.pid, 1, ("/usr/sbin/milter", "-x"))] if self.pid else []

    def acted(self) -> list[str]:
        return [line for line in self.ran if line in ("milter start", "milter stop")]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    host = FakeHost(tmp_path)
    monkeypatch.setattr(_command, "run", host.run)
    monkeypatch.setattr(_command, "require", lambda name, *_dummy, **__: f"/usr/sbin/{name}")
    monkeypatch.setattr(_manager, "processes", host.processes)
    monkeypatch.setattr(_manager, "kind_of_host", lambda _dummy: "init")
    monkeypatch.setattr(_file_daemon, "PAUSE", 0.01)
    return host


def call(fake: FakeHost, capsys: pytest.CaptureFixture[str], *, check: bool = False, **options: Any) -> dict[str, Any]:
    fake.ran.clear()
    arguments = {
        "name": "milter",
        "title": "The milter",
        "pid_file": str(fake.root / "milter.pid"),
        "files": [str(fake.configuration)],
        "reads": [str(fake.key)],
        "check_command": ["milter", "-n"],
        "sockets": [str(fake.root / "socket")],
        "timeout": 1,
        "state_directory": str(fake.root / "state"),
        "_ansible_check_mode": check,
        **options,
    }
    with patch_module_args(arguments), pytest.raises(SystemExit):
        daemon_service.main()
    result = json.loads(capsys.readouterr().out)
    assert isinstance(result, dict)
    return result


def test_start_then_nothing_then_stop(fake: FakeHost, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(fake, capsys, check=True)["reasons"] == ["The milter is not running"]
    assert fake.acted() == []
    assert call(fake, capsys)["action"] == "start"
    assert fake.acted() == ["milter start"]
    for check in (True, False):
        assert call(fake, capsys, check=check)["changed"] is False
    assert fake.acted() == []
    assert call(fake, capsys, state="stopped")["changed"]
    assert fake.acted() == ["milter stop"]


def test_a_daemon_that_is_no_longer_wanted(fake: FakeHost, capsys: pytest.CaptureFixture[str]) -> None:
    """It is stopped once, and nobody who starts it later is in the way."""
    call(fake, capsys)
    fake.configuration.unlink()
    predicted = call(fake, capsys, state="retired", check=True)
    assert (predicted["changed"], predicted["action"]) == (True, "stop")
    assert fake.pid is not None
    done = call(fake, capsys, state="retired")
    assert (done["changed"], done["action"], done["reasons"]) == (True, "stop", predicted["reasons"])
    assert fake.acted() == ["milter stop"]
    assert not list((fake.root / "state").glob("*/active.json"))
    fake.configuration.write_text("Mode sv\n")
    fake.start()
    assert call(fake, capsys, state="retired")["changed"] is False
    assert fake.pid is not None


def test_a_daemon_that_is_no_longer_wanted_and_does_not_run(fake: FakeHost, capsys: pytest.CaptureFixture[str]) -> None:
    call(fake, capsys)
    fake.stop()
    assert call(fake, capsys, state="retired")["changed"] is True
    assert fake.acted() == []
    assert call(fake, capsys, state="retired")["changed"] is False


def test_a_daemon_that_this_module_never_started_is_not_retired(
    fake: FakeHost, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.start()
    for check in (True, False):
        assert call(fake, capsys, state="retired", check=check)["changed"] is False
    assert fake.pid is not None


def test_a_retired_daemon_is_not_started_at_boot(
    fake: FakeHost, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    call(fake, capsys)
    monkeypatch.setattr(_manager.Manager, "enabled", lambda _self: True)
    done = call(fake, capsys, state="retired")
    assert done["reasons"] == ["The milter is running", "The milter is started at boot"]
    assert "update-rc.d milter disable" in fake.ran


@pytest.mark.parametrize("what", ["configuration", "key", "flags", "record"])
def test_a_difference_restarts(fake: FakeHost, capsys: pytest.CaptureFixture[str], what: str) -> None:
    call(fake, capsys, flags="-a pam")
    options = {"flags": "-a ldap" if what == "flags" else "-a pam"}
    if what == "configuration":
        fake.configuration.write_text("Mode s\n")
    elif what == "key":
        fake.key.write_text("another\n")
    elif what == "record":
        next((fake.root / "state").glob("*/active.json")).unlink()
    predicted = call(fake, capsys, check=True, **options)
    result = call(fake, capsys, **options)
    assert (predicted["action"], result["action"]) == ("restart", "restart")
    assert fake.acted() == ["milter stop", "milter start"]
    told = {
        "configuration": f"{fake.configuration}: it differs from what was last activated; The milter reads it",
        "key": f"{fake.key}: it differs from what was last activated; The milter reads it when it starts",
        "flags": "the flags of The milter were '-a pam' when it was last activated",
        "record": "no record tells what the running The milter has loaded, and it reads its files only when it starts",
    }
    assert result["reasons"][0].startswith(told[what])
    assert call(fake, capsys, **options)["changed"] is False


@pytest.mark.parametrize(
    ("word", "message", "acted"),
    [
        ("refused", "milter -n failed with exit status 1: unrecognized parameter", []),
        ("dumb", "does not answer as it should after 1 seconds: {root}/socket cannot be connected to",
         ["milter stop", "milter start"] * 2),
    ],
)  # fmt: skip
def test_what_cannot_serve_is_taken_back(
    fake: FakeHost, capsys: pytest.CaptureFixture[str], word: str, message: str, acted: list[str]
) -> None:
    call(fake, capsys)
    fake.configuration.write_text(f"Mode {word}\n")
    result = call(fake, capsys)
    assert result["failed"]
    assert message.format(root=fake.root) in result["msg"]
    assert result["rolled_back"]
    assert fake.acted() == acted
    assert fake.configuration.read_text() == "Mode sv\n"
    assert call(fake, capsys)["changed"] is False


def test_pending_in_check_mode_needs_no_file(fake: FakeHost, capsys: pytest.CaptureFixture[str]) -> None:
    fake.configuration.unlink()
    assert call(fake, capsys, check=True, pending=True)["changed"]
    assert call(fake, capsys)["msg"] == f"{fake.configuration}: there is no such file. The milter was left as it runs."


def test_a_host_that_cannot_start_it(
    fake: FakeHost, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_manager, "kind_of_host", lambda _dummy: "")
    assert "there is no rcctl, no systemd and no /etc/init.d/milter" in call(fake, capsys)["msg"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "/etc/init.d/x"}, "name is '/etc/init.d/x'. Use the name of a service, such as 'opendkim'"),
        ({"sockets": []}, "sockets is empty. Name at least one path"),
        ({"files": ["conf"]}, "files is 'conf'. Use an absolute path"),
        ({"timeout": 0}, "timeout is 0. Use a number of seconds from 1 to 3600"),
    ],
)
def test_bad_input(fake: FakeHost, capsys: pytest.CaptureFixture[str], options: dict[str, Any], message: str) -> None:
    assert call(fake, capsys, **options)["msg"] == f"{message}. Nothing was changed."
    assert fake.ran == []


def test_options_survive_the_record() -> None:
    options = _small_daemon.Options("a", "A", "a", "/p", ("/f",), (), ("a", "-n"), ("/s",), "-x", 3.0)
    place = _small_daemon.activation.Place("/var/lib/x", "/etc")
    assert _small_daemon.Options.of(_small_daemon.Activation(options, place).arguments()) == options
