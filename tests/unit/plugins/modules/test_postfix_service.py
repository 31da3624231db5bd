# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""postfix_service: bad input is refused before anything is touched; its documentation agrees with its options."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.puffy.mail.plugins.module_utils import _command, _manager
from ansible_collections.puffy.mail.plugins.module_utils._activation import name_of
from ansible_collections.puffy.mail.plugins.module_utils._postfix import activation as postfix
from ansible_collections.puffy.mail.plugins.module_utils._postfix import checks, daemon, service
from ansible_collections.puffy.mail.plugins.modules import postfix_service
from ansible_collections.puffy.mail.tests.harness.arguments import patch_module_args


@pytest.fixture(autouse=True)
def no_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(argv: list[str], **_dummy: object) -> None:
        raise _command.CommandError(f"{argv[0]} must not run")

    monkeypatch.setattr(_command, "run", refuse)


def run(capsys: pytest.CaptureFixture[str], arguments: dict[str, Any], *, check: bool = False) -> dict[str, Any]:
    with patch_module_args({**arguments, "_ansible_check_mode": check}), pytest.raises(SystemExit):
        postfix_service.main()
    result = json.loads(capsys.readouterr().out)
    assert isinstance(result, dict)
    return result


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"config_directory": "etc/postfix"},
            "config_directory: 'etc/postfix' is not an absolute path; nothing was changed",
        ),
        ({"config_directory": ""}, "config_directory: '' is not an absolute path; nothing was changed"),
        ({"config_directory": "/a\nb"}, "config_directory: '/a\\nb' is not an absolute path; nothing was changed"),
        (
            {"config_directory": "/nowhere"},
            "config_directory: '/nowhere' is not a directory of this host; nothing was changed",
        ),
        ({"state_directory": "state"}, "state_directory: 'state' is not an absolute path; nothing was changed"),
        ({"state_directory": ""}, "state_directory: '' is not an absolute path; nothing was changed"),
        ({"config_directory": "/", "timeout": 0}, "timeout: 0 is not from 1 to 3600 seconds; nothing was changed"),
        (
            {"config_directory": "/", "timeout": 4000},
            "timeout: 4000 is not from 1 to 3600 seconds; nothing was changed",
        ),
        ({"timeout": "soon"}, "argument 'timeout' is of type"),
        ({"enabled": "perhaps"}, "argument 'enabled' is of type"),
        ({"state": "running"}, "value of state must be one of: started, refreshed, stopped, got: running"),
        ({"stat": "started"}, "Unsupported parameters"),
    ],
)
def test_bad_input(capsys: pytest.CaptureFixture[str], arguments: dict[str, Any], message: str, check: bool) -> None:
    result = run(capsys, arguments, check=check)
    assert result["failed"]
    assert message in result["msg"]


def test_a_directory_without_postfix(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    result = run(capsys, {"config_directory": str(tmp_path), "state_directory": str(tmp_path / "s")}, check=True)
    assert result["failed"]
    assert "there is no such file" in result["msg"]
    assert not (tmp_path / "s").exists()


# --- whole runs, with the commands, the process and the listeners of the host replaced

MAIN = "myhostname = mail.example.org\nmessage_size_limit = 1\n"
MASTER = "2525 inet n - n - - smtpd\n"
#: what postconf -x says beside the parameters of main.cf
STANDING = "inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmail_version = 3.10.13\n"


class FakeHost:
    """A host with one Postfix. ``refuse`` maps a command, with main.cf behind it, to what it says when it fails;
    listeners do not answer while ``dumb_while`` stands in main.cf."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.pid: int | None = None
        self.next_pid = 100
        self.ran: list[str] = []
        self.refuse: dict[str, str] = {}
        self.dumb_while = ""
        #: what the checks find while the text stands in one of the files
        self.finding = ""
        (directory / "main.cf").write_text(MAIN)
        (directory / "master.cf").write_text(MASTER)

    @property
    def record(self) -> Path:
        return self.directory / "state" / name_of(str(self.directory))

    def files(self) -> tuple[str, str]:
        return (self.directory / "main.cf").read_text(), (self.directory / "master.cf").read_text()

    def run(self, argv: list[str], *, check: bool = True, **_dummy: object) -> _command.Result:
        verb = argv[3]
        assert argv[1:3] == ["-c", str(self.directory)]
        self.ran.append(f"{Path(argv[0]).name} {verb}")
        main = (self.directory / "main.cf").read_text()
        said = next((text for word, text in self.refuse.items() if word in f"{verb} {main}"), None)
        if said is None and verb in ("start", "stop"):
            self.pid = None if verb == "stop" else self.next_pid
            self.next_pid += 1
        result = _command.Result(tuple(argv), 1 if said else 0, STANDING + main if verb == "-x" else "", said or "")
        if check and result.rc:
            raise _command.CommandError(_command.failure(result))
        return result

    def check(self, *_dummy: object, skip: Sequence[str], whole: bool, **__: object) -> list[checks.Finding]:
        assert whole, "Postfix runs these files as they are"
        if not self.finding or "rule" in skip or self.finding not in "".join(self.files()):
            return []
        return [checks.Finding("error", "rule", "main.cf", 2, "x", "it is bad", "mend it")]

    def answers(self, _listener: service.Listener, _timeout: float, _master: int) -> str:
        if self.pid is None or (self.dumb_while and self.dumb_while in self.files()[0]):
            return "Connection refused"
        return ""


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeHost:
    host = FakeHost(tmp_path)
    monkeypatch.setattr(_command, "run", host.run)
    monkeypatch.setattr(_command, "require", lambda name, *_dummy, **__: f"/usr/sbin/{name}")
    monkeypatch.setattr(_command, "find", lambda name, *_dummy: None if name == "journalctl" else f"/usr/sbin/{name}")
    monkeypatch.setattr(daemon, "master_pid", lambda _dummy: host.pid)
    monkeypatch.setattr(daemon, "answers", host.answers)
    monkeypatch.setattr(postfix.host, "gather", lambda *_dummy: None)
    monkeypatch.setattr(postfix.checks, "check", host.check)
    monkeypatch.setattr(daemon, "cannot_bind", lambda *_dummy, **__: "")
    monkeypatch.setattr(_manager, "processes", list)
    monkeypatch.setattr(daemon, "LOG_FILES", ())
    monkeypatch.setattr(postfix, "SETTLE", 0.0)
    monkeypatch.setattr(postfix, "GRACE", 0.1)
    return host


START, RELOAD, RESTART = ["postfix start"], ["postfix reload"], ["postfix stop", "postfix start"]


def call(fake: FakeHost, capsys: pytest.CaptureFixture[str], *, check: bool = False, **options: Any) -> dict[str, Any]:
    fake.ran.clear()
    arguments = {
        "config_directory": str(fake.directory),
        "state_directory": str(fake.directory / "state"),
        "timeout": 1,
    }
    return run(capsys, {**arguments, **options}, check=check)


def test_start_then_nothing_then_stop(fake: FakeHost, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(fake, capsys, check=True)["action"] == "start"
    assert fake.ran == ["postconf -x"]
    assert not (fake.directory / "state").exists()
    result = call(fake, capsys)
    assert (result["changed"], result["action"], result["reasons"]) == (True, "start", ["Postfix is not running"])
    assert fake.ran == ["postconf -x", "postfix check", *START]
    for check in (True, False):
        assert call(fake, capsys, check=check)["changed"] is False
        assert fake.ran == ["postconf -x"]
    assert call(fake, capsys, state="stopped", check=True)["action"] == "stop"
    assert fake.ran == ["postconf -x"]
    assert call(fake, capsys, state="stopped")["changed"]
    assert fake.ran == ["postconf -x", "postfix stop"]
    assert call(fake, capsys, state="stopped")["changed"] is False


@pytest.mark.parametrize(
    ("name", "before", "after", "action", "commands"),
    [
        ("main.cf", "message_size_limit = 1", "message_size_limit = 2", "reload", RELOAD),
        ("main.cf", "message_size_limit = 1\n", "message_size_limit=1\n# said otherwise\n", "none", None),
        ("main.cf", MAIN, MAIN + "inet_interfaces = 127.0.0.2\n", "restart", RESTART),
        ("master.cf", "smtpd", "smtpd -v", "reload", RELOAD),
        ("master.cf", MASTER, MASTER + "10025 inet n - n - - smtpd\n", "reload", RELOAD),
        ("master.cf", "2525 inet", "127.0.0.1:2525 inet", "restart", RESTART),
    ],
)
def test_changes(
    fake: FakeHost, capsys: pytest.CaptureFixture[str],
    name: str, before: str, after: str, action: str, commands: list[str] | None,
) -> None:  # fmt: skip
    call(fake, capsys)
    text = (fake.directory / name).read_text()
    assert before in text
    (fake.directory / name).write_text(text.replace(before, after))
    predicted = call(fake, capsys, check=True)
    assert fake.ran == ["postconf -x"]
    done = call(fake, capsys)
    assert fake.ran == ["postconf -x", *(["postfix check", *commands] if commands else [])]
    assert (done["action"], done["changed"]) == (action, commands is not None)
    assert {key: predicted[key] for key in ("action", "changed", "reasons", "diff")} == {
        key: done[key] for key in ("action", "changed", "reasons", "diff")
    }
    assert call(fake, capsys)["changed"] is False


@pytest.mark.parametrize(
    ("refuse", "dumb", "message", "commands"),
    [
        ({"check myhostname = mail.example.org\nmessage_size_limit = bad": "bad numerical configuration"}, "",
         "postfix -c * check failed with exit status 1: bad numerical configuration", ["check", "reload"]),
        ({"-x myhostname = mail.example.org\nmessage_size_limit = bad": "fatal: cannot read"}, "",
         "postconf -c * -x failed with exit status 1: fatal: cannot read", ["reload"]),
        ({}, "= bad", "service 2525/inet does not answer on 127.0.0.1:2525 within 1 s: Connection refused",
         ["check", "reload", "stop", "start", "restart"]),
    ],
)  # fmt: skip
def test_what_cannot_serve_is_taken_back(
    fake: FakeHost, capsys: pytest.CaptureFixture[str],
    refuse: dict[str, str], dumb: str, message: str, commands: list[str],
) -> None:  # fmt: skip
    call(fake, capsys)
    good = fake.files()
    bad = MAIN.replace("limit = 1", "limit = bad")
    (fake.directory / "main.cf").write_text(bad)
    fake.refuse, fake.dumb_while = refuse, dumb
    result = call(fake, capsys)
    assert result["failed"]
    begin, _dummy, end = message.partition("*")
    assert begin in result["msg"]
    assert end in result["msg"]
    assert "the last activated main.cf and master.cf serve again" in result["msg"]
    assert result["rolled_back"]
    assert fake.files() == good
    assert (fake.record / "rejected" / "main.cf").read_text() == bad
    # After a restart that did not help, the way back is a restart too.
    way = ["postfix stop", "postfix start"] if commands[-1] == "restart" else []
    assert fake.ran == ["postconf -x", *(f"postfix {word}" for word in commands if word != "restart"), *way]
    assert fake.pid is not None
    assert not (fake.record / "pending").exists()
    fake.refuse, fake.dumb_while = {}, ""
    assert call(fake, capsys)["changed"] is False


def test_what_the_checks_refuse_is_not_activated_and_what_was_activated_is_not_judged_again(
    fake: FakeHost, capsys: pytest.CaptureFixture[str]
) -> None:
    call(fake, capsys)
    main, pid = fake.directory / "main.cf", fake.pid
    fake.finding = "size_limit = 2"
    main.write_text(MAIN.replace("limit = 1", "limit = 2"))
    for check in (True, False):
        result = call(fake, capsys, check=check)
        assert result["failed"]
        assert "main.cf line 2: it is bad (mend it)" in result["msg"]
        assert (fake.pid, fake.ran[:1], "postfix check" in fake.ran) == (pid, ["postconf -x"], False)
    assert main.read_text() == MAIN
    main.write_text(MAIN.replace("limit = 1", "limit = 2"))
    assert call(fake, capsys, skip=["rule"])["action"] == "reload"
    # The next calls remember what was left out; and Postfix is started again although a rule has come since.
    fake.finding, fake.pid = "size_limit", None
    assert call(fake, capsys)["action"] == "start"
    main.write_text(MAIN.replace("limit = 1", "limit = 3"))
    assert call(fake, capsys)["action"] == "reload"
    main.write_text(MAIN.replace("limit = 1", "limit = 4"))
    assert "it is bad" in call(fake, capsys, skip=[])["msg"]


@pytest.mark.parametrize(
    ("line", "age", "action"),
    [
        ("", -10, "reload"),
        ("import_environment = TZ=UTC\n", -10, "restart"),
        ("import_environment = TZ=UTC\n", 10, "reload"),
    ],
)
def test_a_running_daemon_without_a_record(
    fake: FakeHost,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    age: int,
    action: str,
) -> None:
    """What it was started with cannot be known; ``age`` is how many seconds after main.cf it started."""
    monkeypatch.setattr(daemon, "listening", lambda: {("127.0.0.1", 2525)})
    main = fake.directory / "main.cf"
    main.write_text(f"{MAIN}queue_directory = {fake.directory}\n{line}")
    lock = fake.directory / "pid" / "master.pid"
    lock.parent.mkdir()
    lock.write_text("99\n")
    fake.pid = 99
    started = main.stat().st_mtime + age
    os.utime(lock, (started, started))
    result = call(fake, capsys)
    assert (result["changed"], result["action"]) == (True, action), result
    assert fake.ran[-1] == {"reload": "postfix reload", "restart": "postfix start"}[action]
    assert call(fake, capsys)["changed"] is False


def test_a_first_run_has_nothing_to_go_back_to(fake: FakeHost, capsys: pytest.CaptureFixture[str]) -> None:
    fake.refuse = {"check": "it is broken"}
    before = fake.files()
    result = call(fake, capsys)
    assert result["failed"]
    assert (result["rolled_back"], fake.ran) == (False, ["postconf -x", "postfix check"])
    assert result["msg"].endswith("there is no other configuration to go back to, and Postfix does not run")
    assert fake.files() == before


def test_an_interrupted_run_is_finished(fake: FakeHost, capsys: pytest.CaptureFixture[str]) -> None:
    call(fake, capsys)
    state = fake.record
    (state / "pending").write_text("restart")
    (state / ".active.json.0123456789abcdef.new").write_text("cut off")
    result = call(fake, capsys)
    assert result["reasons"] == ["an earlier run ended before its restart of Postfix was complete"]
    assert fake.ran == ["postconf -x", "postfix check", *RESTART]
    assert sorted(path.name for path in state.iterdir()) == ["active.json", "lock"]


def test_a_state_directory_that_is_used_for_something_else(fake: FakeHost, capsys: pytest.CaptureFixture[str]) -> None:
    (fake.directory / "state").mkdir(mode=0o755)
    (fake.directory / "state" / "other").touch()
    result = call(fake, capsys)
    assert result["msg"] == (
        f"'{fake.directory}/state' holds other files than the records of activations, such as"
        f" '{fake.directory}/state/other'. Nothing was changed. Name a state_directory of its own."
    )
    assert (fake.directory / "state").stat().st_mode & 0o777 == 0o755
    assert fake.ran == []


def test_a_damaged_record_is_named(fake: FakeHost, capsys: pytest.CaptureFixture[str]) -> None:
    call(fake, capsys)
    (fake.record / "active.json").write_text("{")
    for state in ("started", "refreshed"):
        assert "remove it, and the next run reloads Postfix once" in call(fake, capsys, state=state)["msg"]


def test_each_instance_goes_back_to_files_of_its_own(fake: FakeHost, capsys: pytest.CaptureFixture[str]) -> None:
    """With one record for both, the roll-back of the second wrote the files of the first over its own."""
    second = FakeHost.__new__(FakeHost)
    second.__dict__.update(fake.__dict__)
    second.directory = fake.directory / "second"
    second.directory.mkdir()
    (second.directory / "main.cf").write_text(MAIN.replace("mail.", "out."))
    (second.directory / "master.cf").write_text(MASTER.replace("2525", "2526"))
    good, other = second.files(), fake.files()
    state = {"state_directory": str(fake.directory / "state")}
    call(fake, capsys)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_command, "run", second.run)
        patch.setattr(daemon, "master_pid", lambda _dummy: second.pid)
        patch.setattr(daemon, "answers", second.answers)
        assert call(second, capsys, **state)["action"] == "none" or second.pid is not None
        call(second, capsys, **state)
        (second.directory / "main.cf").write_text(good[0].replace("limit = 1", "limit = bad"))
        second.refuse = {"check myhostname = out.example.org\nmessage_size_limit = bad": "it is bad"}
        result = call(second, capsys, **state)
        assert (result["failed"], result["rolled_back"]) == (True, True)
        assert second.files() == good
    assert fake.files() == other
    assert call(fake, capsys)["changed"] is False
    assert len(list((fake.directory / "state").iterdir())) == 2


# --- databases that tables keep open


@pytest.fixture(params=["proxy:sqlite:{}", "sqlite:{}", "hash:/x, proxy:sqlite:{}", "master.cf"])
def database(fake: FakeHost, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> Path:
    """A database that a table reads, in a Postfix that was activated with it."""
    path = fake.directory / "db" / "accounts.sqlite"
    path.parent.mkdir()
    path.write_text("x")
    client = fake.directory / "aliases.cf"
    client.write_text(f"# a client file\ndbpath = {path}\nquery = SELECT 1\n")
    if request.param == "master.cf":
        (fake.directory / "master.cf").write_text(f"{MASTER}  -o virtual_alias_maps=proxy:sqlite:{client}\n")
    else:
        (fake.directory / "main.cf").write_text(f"{MAIN}virtual_alias_maps = {request.param.format(client)}\n")
    call(fake, capsys)
    assert call(fake, capsys)["changed"] is False
    return path


def away_and_back(path: Path) -> None:
    away = path.with_name("away")
    time.sleep(0.02)
    path.rename(away)
    away.rename(path)


def replaced(path: Path) -> None:
    other = path.with_name("other")
    other.write_text("y")
    other.rename(path)


def directory_away_and_back(path: Path) -> None:
    away_and_back(path.parent)


DATABASE_CHANGES = [
    (replaced, "the database was replaced by another file"),
    (away_and_back, "the database was moved away and back"),
    (directory_away_and_back, "was moved away and back"),
    (lambda path: path.chmod(0o600), "the database has another owner or mode"),
    (lambda path: path.parent.chmod(0o700), "has another owner or mode"),
    (Path.unlink, "the database is gone"),
]


@pytest.mark.parametrize(("change", "reason"), DATABASE_CHANGES)
def test_another_database_is_reloaded_once(
    fake: FakeHost, capsys: pytest.CaptureFixture[str], database: Path, change: Callable[[Path], None], reason: str
) -> None:
    change(database)
    for state in ("started", "refreshed"):
        foretold = call(fake, capsys, check=True, state=state)
        assert (foretold["action"], foretold["changed"]) == ("reload", True)
    result = call(fake, capsys, state="refreshed")
    assert fake.ran == ["postconf -x", "postfix check", *RELOAD]
    assert any(reason in sentence for sentence in result["reasons"]), result["reasons"]
    assert result["diff"] == foretold["diff"]
    assert call(fake, capsys)["changed"] is False


def test_a_change_inside_a_database_needs_no_reload(
    fake: FakeHost, capsys: pytest.CaptureFixture[str], database: Path
) -> None:
    before = (fake.record / "active.json").read_text()
    time.sleep(0.02)
    database.write_text("more")
    database.with_name("accounts.sqlite-journal").touch()
    assert call(fake, capsys, check=True)["changed"] is False
    assert (fake.record / "active.json").read_text() == before
    assert call(fake, capsys)["changed"] is False
    # What is on record is the file as it is now, so a later move is seen.
    away_and_back(database)
    assert call(fake, capsys)["action"] == "reload"


# --- for a role that only makes tables


def test_refreshed_leaves_alone_what_does_not_run_or_was_not_activated(
    fake: FakeHost, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.pid = 99
    assert call(fake, capsys, state="refreshed")["changed"] is False
    assert fake.ran == []
    assert not (fake.directory / "state").exists()
    fake.pid = None
    assert call(fake, capsys)["action"] == "start"
    (fake.directory / "main.cf").write_text(MAIN + "mynetworks = 127.0.0.1\n")
    fake.pid = None
    assert call(fake, capsys, state="refreshed")["action"] == "none"
    fake.pid = 99
    assert call(fake, capsys, state="refreshed")["action"] == "reload"
    # A configuration that cannot be read is never nothing to do.
    (fake.directory / "main.cf").unlink()
    assert "there is no such file" in call(fake, capsys, state="refreshed")["msg"]
    monkeypatch.setattr(_command, "find", lambda *_dummy: None)
    assert call(fake, capsys, state="refreshed")["action"] == "none"


def test_documentation() -> None:
    documented = yaml.safe_load(postfix_service.DOCUMENTATION)["options"]
    options = ["state", "enabled", "config_directory", "timeout", "state_directory", "skip"]
    assert list(documented) == options
    assert set(yaml.safe_load(postfix_service.RETURN)) == {"action", "reasons", "rolled_back", "log"}
    for task in yaml.safe_load(postfix_service.EXAMPLES):
        assert set(task["puffy.mail.postfix_service"]) <= set(documented)


def test_a_login_class_that_came_after_the_start_needs_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login_class, lock = tmp_path / "postfix", tmp_path / "master.pid"
    monkeypatch.setattr(postfix, "LOGIN_CLASS", str(login_class))
    activation = postfix.Activation.__new__(postfix.Activation)
    activation.pid, activation.old_lock = 7, str(lock)
    lock.touch()
    assert activation._login_class() == []
    login_class.touch()
    os.utime(lock, (1000, 1000))
    os.utime(login_class, (1001, 1001))
    (change,) = activation._login_class()
    assert (change.action, change.reason) == (
        "restart",
        f"{login_class}: a reload does not apply it, and it is newer than the running Postfix",
    )
    os.utime(login_class, (1000, 1000))
    assert activation._login_class() == []
    os.utime(login_class, (1001, 1001))
    activation.pid = None
    assert activation._login_class() == []
