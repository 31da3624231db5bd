# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""dovecot_service against files, with the commands, the process and the answers replaced.

What needs a Dovecot is in tests/integration/test_dovecot_role.py.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.puffy.mail.plugins.module_utils import _command, _dovecot, _file_daemon, _manager
from ansible_collections.puffy.mail.plugins.modules import dovecot_service
from ansible_collections.puffy.mail.tests.harness.arguments import patch_module_args


def write_pair(chain: Path, key: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example.test")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(private, hashes.SHA256())
    )
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


CONFIGURATION = "protocols = imap lmtp\n"
QUERIES = "connect = /var/lib/accounts\ndnpass = open sesame\n"


class FakeHost:
    """A host as the role leaves it. ``refuse`` maps a command to what it says when it fails; the sockets do not answer
    while ``dumb_while`` stands in the configuration."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.pid: int | None = None
        self.next_pid = 100
        self.ran: list[str] = []
        self.refuse: dict[str, str] = {}
        self.dumb_while = ""
        self.logged = ""
        self.enabled = True
        self.users: list[str] = []
        (root / "dovecot").mkdir()
        self.configuration = root / "dovecot" / "dovecot.conf"
        self.queries = root / "dovecot" / "queries"
        self.configuration.write_text(CONFIGURATION)
        self.queries.write_text(QUERIES)
        write_pair(root / "chain", root / "key")
        with sqlite3.connect(root / "database") as database:
            database.execute("CREATE TABLE domain (domain TEXT, active INTEGER)")
            database.execute("CREATE TABLE mailbox (username TEXT, password TEXT, domain TEXT, quota INT, active INT)")
            database.execute("CREATE TABLE alias (address TEXT, goto TEXT, active INT)")
            database.execute("CREATE TABLE alias_domain (alias_domain TEXT, target_domain TEXT, active INT)")

    @property
    def record(self) -> Path:
        return next((self.root / "state").iterdir())

    def run(self, argv: list[str], *, check: bool = True, **_dummy: object) -> _command.Result:
        line = " ".join([Path(argv[0]).name, *argv[1:]])
        if argv[0].endswith("doveconf"):
            assert argv[1:] == ["-c", str(self.configuration), "-n"]
            line = "doveconf"
        self.ran.append(line)
        texts = self.configuration.read_text() + (self.queries.read_text() if self.queries.exists() else "")
        said = next((text for word, text in self.refuse.items() if word in f"{line} {texts}"), None)
        if said is None and line in ("dovecot start", "dovecot stop"):
            self.set_pid(None if line == "dovecot stop" else self.next_pid)
            self.next_pid += 1
        if line.startswith("rcctl get"):
            return _command.Result(tuple(argv), 0 if self.enabled else 1, "", "")
        output = {"doveadm log errors": self.logged, "doveadm user *": "\n".join(self.users)}.get(line, "")
        code = _dovecot.EX_NOUSER if line.startswith("doveadm user") and not output else 1 if said is not None else 0
        result = _command.Result(tuple(argv), code, output, said or "")
        if check and result.rc:
            raise _command.CommandError(_command.failure(result))
        return result

    def set_pid(self, pid: int | None) -> None:
        self.pid = pid
        path = self.root / "master.pid"
        path.unlink(missing_ok=True)
        if pid is not None:
            path.write_text(f"{pid}\n")

    def processes(self) -> list[_manager.Process]:
        return [_manager.Process(self.pid, 1, ("/usr/sbin/dovecot",))] if self.pid else []

    def greet(self, path: str, _expected: bytes, _farewell: bytes) -> None:
        if self.pid is None or (self.dumb_while and self.dumb_while in self.configuration.read_text()):
            raise _dovecot.NotYet(f"{path} cannot be connected to: Connection refused")

    def acted(self) -> list[str]:
        """The commands that changed something."""
        return [line for line in self.ran if line.split()[0] == "dovecot" or line == "doveadm reload"]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    host = FakeHost(tmp_path)
    monkeypatch.setattr(_command, "run", host.run)
    monkeypatch.setattr(_command, "require", lambda name, *_dummy, **__: f"/usr/bin/{name}")
    monkeypatch.setattr(_manager, "processes", host.processes)
    monkeypatch.setattr(_manager, "kind_of_host", lambda _dummy: "")
    monkeypatch.setattr(_dovecot.Manager, "start", lambda _dummy: host.run(["dovecot", "start"], check=False))
    monkeypatch.setattr(_dovecot.Manager, "stop", lambda _dummy: host.run(["dovecot", "stop"], check=False))
    monkeypatch.setattr(_dovecot, "PID_FILES", (str(tmp_path / "master.pid"),))
    monkeypatch.setattr(_dovecot, "MODULES", (str(tmp_path / "modules"),))
    monkeypatch.setattr(_dovecot, "LOGIN_CLASS", str(tmp_path / "login.conf.d"))
    monkeypatch.setattr(_file_daemon, "PAUSE", 0.01)
    monkeypatch.setattr(_dovecot, "see_greeting", host.greet)
    monkeypatch.setattr(_dovecot, "see_imaps", lambda *_dummy: None)
    return host


def call(fake: FakeHost, capsys: pytest.CaptureFixture[str], *, check: bool = False, **options: Any) -> dict[str, Any]:
    fake.ran.clear()
    arguments = {
        "files": [str(fake.configuration), str(fake.queries)],
        "keys": [{"key_file": str(fake.root / "key"), "chain_file": str(fake.root / "chain")}],
        "database": str(fake.root / "database"),
        "auth_socket": str(fake.root / "auth"),
        "lmtp_socket": str(fake.root / "lmtp"),
        "imaps_port": 993,
        "hostname": "mail.example.test",
        "timeout": 1,
        "state_directory": str(fake.root / "state"),
        "_ansible_check_mode": check,
    }
    with patch_module_args({**arguments, **options}), pytest.raises(SystemExit):
        dovecot_service.main()
    result = json.loads(capsys.readouterr().out)
    assert isinstance(result, dict)
    return result


def test_start_then_nothing_then_stop(fake: FakeHost, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(fake, capsys, check=True)["action"] == "start"
    assert fake.acted() == []
    assert not (fake.root / "state").exists()
    result = call(fake, capsys)
    assert (result["changed"], result["action"], result["reasons"]) == (True, "start", ["Dovecot is not running"])
    assert fake.acted() == ["dovecot start"]
    assert (fake.record / "active.json").stat().st_mode & 0o777 == 0o600
    assert fake.record.stat().st_mode & 0o777 == 0o700
    for check in (True, False):
        assert call(fake, capsys, check=check)["changed"] is False
        assert fake.acted() == []
    assert call(fake, capsys, state="stopped", check=True)["action"] == "stop"
    assert fake.acted() == []
    assert call(fake, capsys, state="stopped")["changed"]
    assert fake.acted() == ["dovecot stop"]
    assert call(fake, capsys, state="stopped")["changed"] is False


def test_mail_of_accounts_that_are_gone_is_a_warning(
    fake: FakeHost, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(dovecot_service.AnsibleModule, "warn", lambda _self, text: told.append(text))
    home = fake.root / "mail"
    for name in ("here", "gone", "empty"):
        (home / "example.test" / name).mkdir(parents=True)
    for name in ("here", "gone"):
        (home / "example.test" / name / "Maildir").mkdir()
    # Without one account that is there, the list says nothing.
    call(fake, capsys, mail_home=str(home))
    assert told == []
    fake.users = ["Here@example.test"]
    call(fake, capsys, mail_home=str(home))
    call(fake, capsys)
    assert told == [
        f"{home}/example.test/gone has mail and belongs to no active account. A new account of that name would read it."
        " If the account is gone, move the directory away."
    ]


def test_a_dovecot_without_a_record_is_reloaded_once(fake: FakeHost, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(fake, capsys, state="refreshed")["action"] == "none"
    fake.set_pid(99)
    assert call(fake, capsys, state="refreshed")["action"] == "none"
    assert fake.acted() == []
    result = call(fake, capsys)
    assert result["reasons"] == ["no record tells what the running Dovecot has loaded"]
    assert fake.acted() == ["doveadm reload"]
    assert call(fake, capsys)["changed"] is False


@pytest.mark.parametrize("name", ["dovecot/dovecot.conf", "dovecot/queries", "chain"])
def test_other_content_is_reloaded(fake: FakeHost, capsys: pytest.CaptureFixture[str], name: str) -> None:
    call(fake, capsys)
    path = fake.root / name
    before = path.stat()
    path.write_text(path.read_text() + "# more\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    predicted = call(fake, capsys, check=True)
    assert fake.acted() == []
    result = call(fake, capsys, state="refreshed")
    reason = f"{path}: it differs from what was last activated; Dovecot reads it when it starts"
    assert (result["action"], result["reasons"]) == ("reload", [reason])
    assert fake.acted() == ["doveadm reload"]
    assert predicted["diff"] == result["diff"]
    assert "sesame" not in json.dumps(result)
    assert call(fake, capsys)["changed"] is False


def test_a_file_put_back_is_reloaded(fake: FakeHost, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody may have reloaded in between; content alone could not tell."""
    call(fake, capsys)
    before = fake.configuration.stat().st_mtime_ns
    fake.configuration.write_text("protocols = imap\n")
    fake.configuration.write_text(CONFIGURATION)
    os.utime(fake.configuration, ns=(before + 1000, before + 1000))
    assert call(fake, capsys)["action"] == "reload"


def test_a_new_key_is_reloaded(fake: FakeHost, capsys: pytest.CaptureFixture[str]) -> None:
    call(fake, capsys)
    write_pair(fake.root / "chain", fake.root / "key")
    assert call(fake, capsys)["action"] == "reload"


def test_a_database_that_was_written_to_needs_no_reload(fake: FakeHost, capsys: pytest.CaptureFixture[str]) -> None:
    call(fake, capsys)
    for number in range(2):
        with sqlite3.connect(fake.root / "database") as database:
            database.execute("INSERT INTO domain VALUES (?, 1)", (f"example{number}.test",))
        assert call(fake, capsys)["changed"] is False
    # The times are those of the last run, so a move is still seen.
    move_away_and_back(fake.root / "database")
    assert call(fake, capsys)["action"] == "reload"


def move_away_and_back(path: Path) -> None:
    away = path.rename(path.with_name("away"))
    time.sleep(0.02)
    away.rename(path)


def test_another_database_is_reloaded(fake: FakeHost, capsys: pytest.CaptureFixture[str]) -> None:
    """Dovecot's workers keep the old one open."""
    call(fake, capsys)
    path, other = fake.root / "database", fake.root / "other"
    other.write_bytes(path.read_bytes())
    other.replace(path)
    result = call(fake, capsys)
    assert result["action"] == "reload"
    assert result["reasons"] == [
        f"{path}: the database was replaced by another file; daemons keep the file open that they have opened"
    ]


def test_a_database_that_was_away_is_reloaded(fake: FakeHost, capsys: pytest.CaptureFixture[str]) -> None:
    """A worker may have opened what was there in between."""
    call(fake, capsys)
    move_away_and_back(fake.root / "database")
    result = call(fake, capsys)
    assert result["action"] == "reload"
    assert "was moved away and back" in result["reasons"][0]


def test_key_and_certificate_must_belong_together(fake: FakeHost, capsys: pytest.CaptureFixture[str]) -> None:
    call(fake, capsys)
    write_pair(fake.root / "elsewhere", fake.root / "key")
    for check in (True, False):
        result = call(fake, capsys, check=check)
        assert result["failed"]
        assert f"{fake.root}/key is not the key of the certificate in {fake.root}/chain (" in result["msg"]
        assert fake.acted() == []
    assert result["msg"].endswith("there is no other configuration to go back to, and Dovecot runs on")


def test_a_key_with_a_password_does_not_ask_for_it(fake: FakeHost, capsys: pytest.CaptureFixture[str]) -> None:
    key = serialization.load_pem_private_key((fake.root / "key").read_bytes(), None)
    encrypted = serialization.BestAvailableEncryption(b"secret")
    (fake.root / "key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encrypted)
    )
    assert "is not the key of the certificate" in call(fake, capsys)["msg"]


def test_the_database_must_hold_what_the_queries_read(fake: FakeHost, capsys: pytest.CaptureFixture[str]) -> None:
    with sqlite3.connect(fake.root / "database") as database:
        database.execute("ALTER TABLE mailbox RENAME COLUMN active TO enabled")
    said = f"the database does not serve Dovecot's queries: {fake.root}/database: no such column: active"
    assert said in call(fake, capsys)["msg"]
    assert fake.acted() == []


def test_what_is_missing_is_named(fake: FakeHost, capsys: pytest.CaptureFixture[str]) -> None:
    (fake.root / "database").unlink()
    (fake.root / "chain").rename(fake.root / "away")
    assert f"{fake.root}/chain cannot be read: No such file" in call(fake, capsys, check=True)["msg"]
    expected = call(fake, capsys, check=True, pending=True)
    assert (expected["changed"], expected["action"]) == (True, "reload")
    assert expected["reasons"] == [
        "earlier tasks of this run change what Dovecot runs, and check mode cannot judge the outcome"
    ]
    assert f"{fake.root}/chain cannot be read: No such file or directory" in call(fake, capsys)["msg"]
    (fake.root / "away").rename(fake.root / "chain")
    assert f"does not serve Dovecot's queries: {fake.root}/database: unable to open" in call(fake, capsys)["msg"]
    assert not (fake.root / "database").exists()
    fake.queries.unlink()
    assert call(fake, capsys)["msg"] == f"{fake.queries}: there is no such file. Dovecot was left as it runs."
    assert fake.acted() == []


def test_a_module_or_a_login_class_that_came_after_the_start_is_restarted(
    fake: FakeHost, capsys: pytest.CaptureFixture[str]
) -> None:
    module = fake.root / "modules" / "auth" / "libauthdb_ldap.so"
    module.parent.mkdir(parents=True)
    module.touch()
    login_class = fake.root / "login.conf.d"
    login_class.touch()
    call(fake, capsys)
    started = fake.root / "master.pid"
    later = module.stat().st_ctime + 60
    os.utime(started, (later, later))
    assert call(fake, capsys)["changed"] is False
    os.utime(login_class, (later + 60, later + 60))
    result = call(fake, capsys, check=True)
    assert result["action"] == "restart"
    assert result["reasons"] == [f"{login_class}: a reload does not apply it, and it is newer than the running Dovecot"]
    login_class.unlink()
    os.utime(started, (later - 120, later - 120))
    assert call(fake, capsys)["action"] == "restart"
    assert fake.acted() == ["dovecot stop", "dovecot start"]


@pytest.mark.parametrize(
    ("refuse", "dumb", "message", "acted"),
    [
        ({"doveconf protocols = bad": "Unknown protocol: bad, dnpass is open sesame"}, "",
         "failed with exit status 1: Unknown protocol: bad, dnpass is ********", []),
        ({"reload protocols = bad": "it failed"}, "", "reload failed with exit status 1", ["doveadm reload"] * 2),
        ({}, "= bad", "does not answer as it should after 1 seconds: ", ["doveadm reload"] * 2),
    ],
)  # fmt: skip
def test_what_cannot_serve_is_taken_back(
    fake: FakeHost, capsys: pytest.CaptureFixture[str],
    refuse: dict[str, str], dumb: str, message: str, acted: list[str],
) -> None:  # fmt: skip
    call(fake, capsys)
    fake.queries.chmod(0o640)
    before = fake.configuration.stat().st_mtime_ns
    fake.configuration.write_text("protocols = bad\n")
    fake.queries.write_text(QUERIES + "dnpass = another secret\n")
    fake.refuse, fake.dumb_while, fake.logged = refuse, dumb, "x\nError: login with 'another secret' failed\n"
    result = call(fake, capsys)
    assert result["failed"]
    assert message in result["msg"]
    assert result["rolled_back"]
    assert fake.acted() == acted
    if acted:
        assert "; the last activated configuration serves again; " in result["msg"]
        assert result["log"] == ["x", "Error: login with '********' failed"]
    else:
        assert "is in place again, and Dovecot was left as it runs" in result["msg"]
        assert result["log"] == []
    assert "secret" not in json.dumps(result)
    assert "sesame" not in json.dumps(result)
    assert (fake.configuration.read_text(), fake.queries.read_text()) == (CONFIGURATION, QUERIES)
    assert fake.configuration.stat().st_mtime_ns == before
    rejected = sorted((fake.record / "rejected").iterdir())
    assert [path.read_text() for path in rejected] == ["protocols = bad\n", QUERIES + "dnpass = another secret\n"]
    assert {path.stat().st_mode & 0o777 for path in rejected} == {0o600}
    assert not (fake.record / "pending").exists()
    fake.refuse, fake.dumb_while = {}, ""
    assert call(fake, capsys)["changed"] is False


def test_no_proof_no_record(fake: FakeHost, capsys: pytest.CaptureFixture[str]) -> None:
    fake.dumb_while = "protocols"
    result = call(fake, capsys)
    assert result["msg"].startswith(
        f"Dovecot cannot serve with the files in {fake.root}/dovecot: Dovecot does not answer as it should after 1"
        f" seconds: {fake.root}/auth cannot be connected to: Connection refused; "
    )
    assert (fake.record / "pending").read_text() == "start"
    assert not (fake.record / "active.json").exists()


def test_an_interrupted_run_is_finished(fake: FakeHost, capsys: pytest.CaptureFixture[str]) -> None:
    call(fake, capsys)
    (fake.record / "pending").write_text("reload")
    (fake.record / ".active.json.0123456789abcdef.new").write_text("cut off")
    result = call(fake, capsys)
    assert result["reasons"] == ["an earlier run ended before its reload of Dovecot was complete"]
    assert fake.acted() == ["doveadm reload"]
    assert sorted(path.name for path in fake.record.iterdir()) == ["active.json", "lock"]


def test_a_roll_back_that_was_cut_off_between_two_files_is_finished(
    fake: FakeHost, capsys: pytest.CaptureFixture[str]
) -> None:
    call(fake, capsys)
    (fake.record / "pending").write_text("reload")
    fake.queries.write_text("bad\n")
    fake.refuse = {f"doveconf {CONFIGURATION}bad": "the two do not fit"}
    result = call(fake, capsys)
    assert "the two do not fit; the last activated configuration serves again; " in result["msg"]
    assert fake.queries.read_text() == QUERIES
    # The run that was cut off may have made Dovecot load the file that is rejected.
    assert fake.acted() == ["doveadm reload"]
    assert not (fake.record / "pending").exists()
    assert call(fake, capsys)["changed"] is False


def test_at_boot(fake: FakeHost, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert call(fake, capsys, enabled=True)["msg"] == (
        f"enabled: nothing starts Dovecot with {fake.root}/dovecot at boot here; Dovecot is left as it is"
    )
    monkeypatch.setattr(_manager, "kind_of_host", lambda _dummy: "rcctl")
    fake.set_pid(99)
    call(fake, capsys)
    assert "rcctl reload dovecot" in fake.ran
    fake.enabled = False
    result = call(fake, capsys, enabled=True)
    assert (result["changed"], result["action"], result["reasons"]) == (
        True,
        "none",
        ["Dovecot is not started at boot"],
    )
    assert "rcctl enable dovecot" in fake.ran
    fake.enabled = True
    assert call(fake, capsys, enabled=True)["changed"] is False


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"files": []}, "files is empty. Name the configuration files that Dovecot reads. Nothing was changed."),
        ({"files": ["a"]}, "files is 'a'. Use an absolute path. Nothing was changed."),
        ({"database": "a"}, "database is 'a'. Use an absolute path. Nothing was changed."),
        ({"lmtp_socket": "a\nb"}, "lmtp_socket is 'a\\nb'. Use an absolute path. Nothing was changed."),
        ({"auth_socket": ""}, "auth_socket is ''. Use an absolute path. Nothing was changed."),
        ({"keys": [{"key_file": "k", "chain_file": "/c"}]}, "keys.key_file is 'k'. Use an absolute path. "),
        ({"keys": []}, "imaps_port is set and keys is empty. Name the key and the certificate that the port shows. "),
        ({"imaps_port": 70000}, "imaps_port is 70000. Use a number from 0 to 65535. Nothing was changed."),
        ({"hostname": "a b"}, "hostname is 'a b'. Use a host name, such as mail.example.org. Nothing was changed."),
        ({"timeout": 0}, "timeout is 0. Use a number of seconds from 1 to 3600. Nothing was changed."),
        ({"state": "reloaded"}, "value of state must be one of: started, refreshed, stopped, got: reloaded"),
        ({"key": "x"}, "Unsupported parameters"),
    ],
)
def test_bad_input(
    fake: FakeHost, capsys: pytest.CaptureFixture[str], options: dict[str, Any], message: str, check: bool
) -> None:
    result = call(fake, capsys, check=check, **options)
    assert result["failed"]
    assert message in result["msg"]
    assert fake.ran == []


def test_documentation() -> None:
    documented = yaml.safe_load(dovecot_service.DOCUMENTATION)["options"]
    assert set(yaml.safe_load(dovecot_service.RETURN)) == {"action", "reasons", "rolled_back", "log"}
    for task in yaml.safe_load(dovecot_service.EXAMPLES):
        assert set(task["puffy.mail.dovecot_service"]) <= set(documented)
