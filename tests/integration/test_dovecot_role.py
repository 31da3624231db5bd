# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role dovecot against Dovecot 2.3 and 2.4: what a client, Postfix and the administrator see of it.

The playbook runs against both releases at once; the tests then ask each of them.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from ansible_collections.puffy.mail.tests.harness import playbooks
from ansible_collections.puffy.mail.tests.harness.containers import Host
from ansible_collections.puffy.mail.tests.harness.playbooks import Inventory

pytestmark = pytest.mark.containers

#: Dovecot 2.3 and 2.4, the oldest and the newest there are; the 2.4 between them runs in the scenario "default".
RELEASES = ("bullseye", "forky")

KEY, CHAIN, DATABASE = "/etc/ssl/private/mail.key", "/etc/ssl/mail.chain.pem", "/var/lib/accounts/mail.sqlite"
AUTH, LMTP = "/var/spool/postfix/private/auth", "/var/spool/postfix/private/dovecot-lmtp"
PASSWORD = "correct horse"
ACTIVATE = "Activate the configuration"
VARIABLES = {
    "dovecot_hostname": "mail.example.test",
    "dovecot_tls_key_file": KEY,
    "dovecot_tls_chain_file": CHAIN,
    "dovecot_database": DATABASE,
}
PLAYBOOK = """
- hosts: all
  gather_facts: false
  roles: [puffy.mail.dovecot]
"""
PREFLIGHT = """
- hosts: all
  gather_facts: false
  tasks:
    - puffy.mail.inputs:
        roles: [dovecot]
"""

SCHEMA = """
import os, shutil, sqlite3, sys
path, password = sys.argv[1:]
os.makedirs(os.path.dirname(path))
database = sqlite3.connect(path)
database.executescript('''
    CREATE TABLE domain (domain TEXT PRIMARY KEY, backupmx INTEGER, active INTEGER);
    CREATE TABLE mailbox (username TEXT PRIMARY KEY, password TEXT, maildir TEXT, quota INTEGER, local_part TEXT,
                          domain TEXT, active INTEGER);
    CREATE TABLE alias (address TEXT PRIMARY KEY, goto TEXT, active INTEGER);
    CREATE TABLE alias_domain (alias_domain TEXT PRIMARY KEY, target_domain TEXT, active INTEGER);
    INSERT INTO alias VALUES ('fine@example.test', 'ellen@example.test', 1),
                             ('round@example.test', 'back@example.test', 1),
                             ('back@example.test', 'round@example.test', 1),
                             ('both@example.test', 'ellen@example.test,alice@example.test', 1);
    INSERT INTO alias_domain VALUES ('twin.test', 'example.test', 1);
    INSERT INTO domain VALUES ('example.test', 0, 1), ('retired.test', 0, 0);
''')
accounts = (("alice", "example.test", 0, 1), ("carol", "example.test", 0, 0), ("dave", "retired.test", 0, 1),
            ("ellen", "example.test", 6144, 1), ("frank", "example.test", -1, 1))
for user, domain, quota, active in accounts:
    row = (f"{user}@{domain}", password, f"{domain}/{user}/", quota, user, domain, active)
    database.execute("INSERT INTO mailbox VALUES (?, ?, ?, ?, ?, ?, ?)", row)
# PostfixAdmin 3 writes what crypt(3) gives, without Dovecot's name for it.
database.execute("UPDATE mailbox SET password = ? WHERE username LIKE 'frank@%'", (password.partition("}")[2],))
database.commit()
os.chmod(path, 0o640)
shutil.chown(path, "root", "postfix")
"""

CLIENT = r"""
import imaplib, json, os, smtplib, socket, ssl, sys
path, password = sys.argv[1:]

def context(lowest, highest):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.set_ciphers("ALL:@SECLEVEL=0")
    made.minimum_version, made.maximum_version = lowest, highest
    return made

def imap(lowest=ssl.TLSVersion.TLSv1_2, highest=ssl.TLSVersion.TLSv1_3):
    return imaplib.IMAP4_SSL("127.0.0.1", ssl_context=context(lowest, highest), timeout=120)

# What the policy service answers to Postfix.
def status(recipient):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(os.path.join(os.path.dirname(path), "quota-status"))
        client.sendall(f"request=smtpd_access_policy\nprotocol_state=RCPT\nrecipient={recipient}\n\n".encode())
        return client.recv(999).decode().strip()

ASKED = ("ellen", "Ellen+tag", "fine", "alice", "nobody", "round", "both")
seen = {"rcpt": {}, "tls": {}}
body = "Line one\r\n.leading dot\r\n\r\n8 bit: \u00e4\r\n"
with smtplib.LMTP(path, timeout=120) as lmtp:
    lmtp.ehlo("mail.example.test")
    for recipient in ("alice", "ALICE", "alice+lists"):
        lmtp.sendmail("bob@elsewhere.test", [f"{recipient}@example.test"],
                      f"Subject: to {recipient}\r\nMIME-Version: 1.0\r\n\r\n{body}".encode())
    for recipient in ("nobody@example.test", "carol@example.test", "dave@retired.test"):
        lmtp.mail("bob@elsewhere.test")
        code, text = lmtp.rcpt(recipient)
        seen["rcpt"][recipient] = [code, text.decode()[:5]]
        lmtp.rset()
    # Six KiB: two messages of 2200 bytes fit, a third one goes beyond, and then there is no room for a short one.
    seen["quota"] = []
    seen["status"] = {name: status(name + "@example.test") for name in ASKED}
    for size in (2200, 2200, 2200, 10):
        try:
            lmtp.sendmail("bob@elsewhere.test", ["ellen@example.test"], f"Subject: full\r\n\r\n{'x' * size}\r\n")
            seen["quota"].append(250)
        except smtplib.SMTPDataError as exc:
            seen["quota"].append([exc.smtp_code, exc.smtp_error.decode()[:5]])
seen["full"] = {name: status(name + "@example.test") for name in ASKED}
for name in ("TLSv1_1", "TLSv1_2", "TLSv1_3"):
    version = ssl.TLSVersion[name]
    try:
        with imap(version, version) as client:
            seen["tls"][name] = client.socket().version()
    except ssl.SSLError:
        seen["tls"][name] = "refused"
with imap() as client:
    client.login("alice@example.test", password)
    seen["folders"] = sorted(line.decode() for line in client.lsub()[1])
    client.select("INBOX")
    found = client.search(None, "ALL")[1][0].split()
    seen["subjects"] = [client.fetch(n, "(BODY[HEADER.FIELDS (SUBJECT)])")[1][0][1].decode().strip() for n in found]
    seen["intact"] = [client.fetch(n, "(BODY[TEXT])")[1][0][1].decode() == body for n in found]
with imap() as client:
    client.login("ellen@example.test", password)
    seen["root"] = client.getquotaroot("INBOX")[1][1][0].decode()
# Last: Dovecot slows an address down after a failure.
for name, user, secret in (("right", "alice@example.test", password), ("folded", "Alice@Example.TEST", password),
                           ("wrong", "alice@example.test", "wrong"), ("inactive", "carol@example.test", password)):
    with imap() as client:
        try:
            seen[name] = client.login(user, secret)[0]
        except imaplib.IMAP4.error as exc:
            seen[name] = str(exc)
print(json.dumps(seen))
"""


def write_certificate(host: Host) -> None:
    """A new key, and a certificate of its own for it."""
    host.run(
        f"umask 077; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=mail.example.test"
        f" -days 30 -keyout {KEY} -out {CHAIN}"
    )


def certificate_digest(host: Host) -> str:
    return host.run(f"openssl x509 -in {CHAIN} -outform DER | sha256sum").stdout.split()[0]


@dataclass(frozen=True)
class Run:
    """What one ansible-playbook run reported."""

    rc: int
    stats: dict[str, dict[str, int]]
    changed: dict[str, list[str]]
    failures: dict[str, str]


class Fleet:
    """A host of each release, a bare one, and ansible-playbook for them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.hosts = {release: Host(f"{release}-mail") for release in RELEASES}
        self.bare = Host("trixie")
        self.names = {release: host.name for release, host in self.hosts.items()} | {"bare": self.bare.name}
        hosts = {**self.hosts, "bare": self.bare}
        self.inventory = {"all": {"vars": VARIABLES, "hosts": {name: host.connection for name, host in hosts.items()}}}

    def close(self) -> None:
        for host in (*self.hosts.values(), self.bare):
            host.close()

    def play(self, *options: str, playbook: str = PLAYBOOK) -> Run:
        return play(playbook, self.inventory, self.directory, *options)


def play(plays: str, inventory: Inventory, directory: Path, *options: str) -> Run:
    """Run a playbook's text in the directory."""
    environment = {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}
    done = playbooks.playbook(plays, inventory, *options, environment=environment, directory=directory)
    try:
        report: dict[str, Any] = json.loads(done.stdout[done.stdout.index("{") :])
    except ValueError:
        raise AssertionError(f"ansible-playbook: exit {done.rc}\n{done.output}") from None
    changed: dict[str, list[str]] = {name: [] for name in report["stats"]}
    failures: dict[str, str] = {}
    for task in (task for play in report["plays"] for task in play["tasks"]):
        for name, result in task["hosts"].items():
            if result.get("changed"):
                changed[name].append(task["task"]["name"].removeprefix("puffy.mail.dovecot : "))
            if result.get("failed") or result.get("unreachable"):
                failures[name] = f"{result.get('msg')} {result.get('stderr', '')}"
    return Run(done.rc, report["stats"], changed, failures)


@pytest.fixture(scope="module", params=RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    made = Fleet(tmp_path_factory.mktemp("dovecot"))
    try:
        password_hash = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(5)).decode().replace("$2b$", "$2y$")
        for host in made.hosts.values():
            host.run(["python3", "-c", SCHEMA, DATABASE, "{BLF-CRYPT}" + password_hash])
            write_certificate(host)
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def prediction(fleet: Fleet) -> Run:
    """Check mode before anything was done, the bare host included."""
    return fleet.play("--check")


@pytest.fixture(scope="module")
def converged(fleet: Fleet, prediction: Run) -> Run:
    """The first real run."""
    run = fleet.play("--limit", "!bare")
    assert run.rc == 0, run.failures
    return run


@pytest.fixture
def host(fleet: Fleet, converged: Run, release: str) -> Host:
    return fleet.hosts[release]


@pytest.fixture(scope="module")
def client(fleet: Fleet, converged: Run, release: str) -> dict[str, Any]:
    """What a mail client and an LMTP client see, in one visit."""
    done = fleet.hosts[release].run(["python3", "-c", CLIENT, LMTP, PASSWORD])
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def test_check_mode_of_a_bare_host_does_not_fail(prediction: Run) -> None:
    assert prediction.rc == 0, prediction.failures
    assert prediction.changed["bare"] == [
        "Install the packages",
        "Make the account and the directories of the mail store",
        "Set the configuration",
        ACTIVATE,
    ]


def test_check_mode_predicts_the_run(prediction: Run, converged: Run, release: str) -> None:
    assert prediction.changed[release] == converged.changed[release]
    assert "Set the configuration" in converged.changed[release]


def test_the_original_configuration_is_kept_once(host: Host) -> None:
    assert "conf.d/*.conf" in host.read("/etc/dovecot/dovecot.conf.orig")
    assert host.read("/etc/dovecot/dovecot.conf").startswith("# Managed by the Ansible role puffy.mail.dovecot")


def test_sockets_belong_to_postfix_alone(host: Host) -> None:
    listed = host.run(["stat", "-c", "%F %a %U %G %n", AUTH, LMTP]).stdout.splitlines()
    assert listed == [f"socket 600 postfix postfix {AUTH}", f"socket 600 postfix postfix {LMTP}"]
    # The socket every account of the host could deliver to.
    assert host.run("test -e /run/dovecot/lmtp", check=False).returncode != 0


def test_ports(host: Host) -> None:
    listening = set(re.findall(r":(\d+) ", host.run("ss -Hltn").stdout))
    assert "993" in listening
    assert not {"143", "110", "995", "24"} & listening


def test_mail_owner_is_a_system_account_without_login(host: Host) -> None:
    entry = host.run("getent passwd vmail").stdout.strip().split(":")
    assert entry[5:] == ["/var/vmail", "/usr/sbin/nologin"]
    assert int(entry[2]) < 1000
    assert host.run("stat -c '%U %G %a' /var/vmail").stdout.split() == ["vmail", "vmail", "750"]
    assert host.run("doveconf -h first_valid_uid last_valid_uid").stdout.split() == [entry[2], entry[2]]


@pytest.mark.parametrize(
    ("attempt", "answer"),
    [("right", "OK"), ("folded", "OK"), ("wrong", "AUTHENTICATIONFAILED"), ("inactive", "AUTHENTICATIONFAILED")],
)
def test_imap_login(client: dict[str, Any], attempt: str, answer: str) -> None:
    assert answer in client[attempt]


def test_tls_versions(client: dict[str, Any], host: Host) -> None:
    assert client["tls"] == {"TLSv1_1": "refused", "TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}
    # It was the server who refused.
    assert "unsupported protocol" in host.read("/var/log/mail.log")


def test_lmtp_delivers_to_the_mailbox_whatever_case_and_detail(client: dict[str, Any], host: Host) -> None:
    assert client["subjects"] == ["Subject: to alice", "Subject: to ALICE", "Subject: to alice+lists"]
    assert client["intact"] == [True, True, True]
    assert host.run("ls /var/vmail/example.test/alice/Maildir/cur | wc -l").stdout.strip() == "3"


def test_lmtp_refuses_who_has_no_mailbox(client: dict[str, Any]) -> None:
    refused = [550, "5.1.1"]
    assert client["rcpt"] == {
        "nobody@example.test": refused,
        "carol@example.test": refused,
        "dave@retired.test": refused,
    }


def test_a_mailbox_that_is_full_takes_no_more(client: dict[str, Any], host: Host) -> None:
    assert client["quota"] == [250, 250, 250, [452, "4.2.2"]]
    # What Postfix hears, through aliases and tags too; an alias with several mailboxes and a circle are not judged.
    full, no = "action=552 5.2.2 The mailbox is full", "action=DUNNO"
    assert set(client["status"].values()) == {no}
    assert client["full"] == {
        "ellen": full, "Ellen+tag": full, "fine": full, "alice": no, "nobody": no, "round": no, "both": no,
    }  # fmt: skip
    # RFC 9208: in units of 1024 bytes.
    assert re.fullmatch(r'"?User quota"? \(STORAGE [678] 6\)', client["root"]), client["root"]
    # PostfixAdmin writes -1 where a mailbox has no quota at all.
    users = [f"{name}@example.test" for name in ("ellen", "alice", "frank")]
    limits = host.run("; ".join(f"doveadm -f tab quota get -u {user}" for user in users))
    stored = [line.split("\t")[3] for line in limits.stdout.splitlines() if "\tSTORAGE\t" in line]
    assert stored == ["6", "-", "-"], limits.stdout


def test_special_use_folders_are_subscribed(client: dict[str, Any]) -> None:
    names = [line.rsplit(" ", 1)[1].strip('"') for line in client["folders"]]
    assert names == ["Drafts", "Junk", "Sent", "Trash"]


def test_sasl_socket_answers_as_postfix_asks(host: Host) -> None:
    test = ["doveadm", "auth", "test", "-a", AUTH]
    assert "auth succeeded" in host.run([*test, "Alice@Example.test", PASSWORD]).stdout
    assert "auth succeeded" in host.run([*test, "frank@example.test", PASSWORD]).stdout
    refused = host.run([*test, "alice@example.test", "wrong"], check=False)
    assert refused.returncode != 0
    assert "auth failed" in refused.stdout


def test_database_queries_run_without_root(host: Host) -> None:
    host.run(["doveadm", "auth", "test", "alice@example.test", PASSWORD])
    workers = host.run("ps -eo user:32,args | grep '[d]ovecot/auth -w'").stdout.splitlines()
    assert workers
    assert {line.split()[0] for line in workers} == {"dovecot"}
    assert host.run(f"stat -c '%U %G %a' {DATABASE}").stdout.split() == ["root", "postfix", "640"]
    assert host.run(f"ls {os.path.dirname(DATABASE)}").stdout.split() == [os.path.basename(DATABASE)]


# The scenarios show the same, on one host each in make test.
@pytest.mark.long
def test_a_second_run_changes_nothing(fleet: Fleet, converged: Run) -> None:
    checked = fleet.play("--check", "--limit", "!bare")
    assert checked.rc == 0, checked.failures
    assert checked.changed == {release: [] for release in RELEASES}
    run = fleet.play("--limit", "!bare")
    assert run.rc == 0, run.failures
    assert run.changed == {release: [] for release in RELEASES}


def test_a_new_certificate_is_served_after_a_reload(fleet: Fleet, converged: Run) -> None:
    before = {release: host.read("/run/dovecot/master.pid") for release, host in fleet.hosts.items()}
    for host in fleet.hosts.values():
        write_certificate(host)
    run = fleet.play("--limit", "!bare")
    assert run.rc == 0, run.failures
    for release, host in fleet.hosts.items():
        assert run.changed[release] == [ACTIVATE]
        shown = host.run(
            "openssl s_client -connect 127.0.0.1:993 </dev/null 2>/dev/null"
            " | openssl x509 -outform DER | sha256sum | cut -d' ' -f1"
        ).stdout.strip()
        assert shown == certificate_digest(host)
        assert host.read("/run/dovecot/master.pid") == before[release]


#: The same accounts, with another password, in a file that takes the database's name.
REPLACE = """
import os, shutil, sqlite3, sys
path, password = sys.argv[1:]
shutil.copy(path, path + ".new")
with sqlite3.connect(path + ".new") as database:
    database.execute("UPDATE mailbox SET password = ?", (password,))
os.chmod(path + ".new", 0o640)
shutil.chown(path + ".new", "root", "postfix")
os.rename(path + ".new", path)
"""


def test_another_database_is_read_after_a_reload(fleet: Fleet, converged: Run) -> None:
    """A worker that has answered keeps the old file open, and goes on letting the old password in."""
    new, old = "another horse", ["doveadm", "auth", "test", "alice@example.test", PASSWORD]
    for host in fleet.hosts.values():
        host.run(["cp", "-p", DATABASE, f"{DATABASE}.kept"])
        host.run(old)
        host.run(["python3", "-c", REPLACE, DATABASE, f"{{PLAIN}}{new}"])
        # The password that Dovecot remembers is not asked for; the one of another client is.
        host.run(["doveadm", "auth", "cache", "flush"])
        assert "auth succeeded" in host.run(old).stdout
    checked = fleet.play("--limit", "!bare", "--check")
    run = fleet.play("--limit", "!bare")
    assert run.rc == 0, run.failures
    for release, host in fleet.hosts.items():
        assert run.changed[release] == checked.changed[release] == [ACTIVATE]
        assert "auth succeeded" in host.run(["doveadm", "auth", "test", "alice@example.test", new]).stdout
        assert host.run(old, check=False).returncode != 0
        # back to the one it was, and a third time: written to in place, which Dovecot sees by itself
        host.run(["mv", f"{DATABASE}.kept", DATABASE])
    assert [len(changed) for changed in fleet.play("--limit", "!bare").changed.values()] == [1, 1]
    for host in fleet.hosts.values():
        host.run(["python3", "-c", "import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.execute("
                  "'UPDATE domain SET backupmx = 0'); d.commit()", DATABASE])  # fmt: skip
        host.run(old)
    run = fleet.play("--limit", "!bare")
    assert run.changed == {release: [] for release in RELEASES}, run.changed


def test_a_key_of_another_certificate_is_refused_and_the_old_one_stays(fleet: Fleet, converged: Run) -> None:
    host = fleet.hosts["forky"]
    host.run(f"cp -p {KEY} {KEY}.good; openssl ecparam -name prime256v1 -genkey -noout -out {KEY}")
    try:
        run = fleet.play("--limit", "forky")
        assert run.rc != 0
        assert f"{KEY} is not the key of the certificate in {CHAIN}" in run.failures["forky"]
        assert run.changed["forky"] == []
        host.run(["doveadm", "auth", "test", "alice@example.test", PASSWORD])
    finally:
        host.run(f"mv {KEY}.good {KEY}")


RECORD = "/var/lib/puffy-mail/dovecot/etc-dovecot"


def test_what_dovecot_cannot_serve_is_taken_back(fleet: Fleet, converged: Run) -> None:
    """doveconf accepts the configuration, and Dovecot does not listen where Postfix expects it."""
    pids = {name: host.read("/run/dovecot/master.pid") for name, host in fleet.hosts.items()}
    good = {name: host.read("/etc/dovecot/dovecot.conf") for name, host in fleet.hosts.items()}
    for host in fleet.hosts.values():
        host.run(f"sed -i 's,unix_listener {AUTH},unix_listener {AUTH}-elsewhere,' /etc/dovecot/dovecot.conf")
        arguments = {
            "files": ["/etc/dovecot/dovecot.conf"],
            "keys": [{"key_file": KEY, "chain_file": CHAIN}],
            "database": DATABASE,
            "auth_socket": AUTH,
            "lmtp_socket": LMTP,
            "imaps_port": 993,
            "hostname": "mail.example.test",
            "timeout": 3,
        }
        # A socket that Dovecot no longer listens on stays behind.
        host.run(["rm", AUTH])
        result = host.module("dovecot_service", arguments)
        assert result.get("failed"), result
        assert result["rolled_back"]
        assert f"{AUTH} cannot be connected to: No such file or directory" in result["msg"]
        assert "serves again" in result["msg"]
    for name, host in fleet.hosts.items():
        assert host.read("/etc/dovecot/dovecot.conf") == good[name]
        assert f"{AUTH}-elsewhere" in host.read(f"{RECORD}/rejected/etc-dovecot-dovecot.conf")
        modes = host.run(f"stat -c '%a %U' {RECORD} {RECORD}/* {RECORD}/rejected/*").stdout.split()
        assert modes == ["700", "root", "600", "root", "600", "root", "700", "root", "600", "root"]
        host.run(["doveadm", "auth", "test", "-a", AUTH, "alice@example.test", PASSWORD])
        assert host.read("/run/dovecot/master.pid") == pids[name]
    assert [len(changed) for changed in fleet.play("--limit", "!bare").changed.values()] == [0, 0]


def test_tls_1_3_alone_is_refused_where_dovecot_cannot(fleet: Fleet, converged: Run) -> None:
    run = fleet.play("--limit", "bullseye", "--check", "--extra-vars", "dovecot_tls_profile=modern")
    assert run.rc != 0
    assert "which means TLS 1.3 alone, and Dovecot 2.3.13 cannot insist on TLS 1.3" in run.failures["bullseye"]
    assert run.changed["bullseye"] == []


def test_the_log_holds_no_warning_of_dovecots_own(host: Host, client: dict[str, Any]) -> None:
    log = [line for line in host.read("/var/log/mail.log").splitlines() if " dovecot: " in line]
    assert any(
        "Login: user=<alice@example.test>" in line or "Logged in: user=<alice@example.test>" in line for line in log
    )
    bad = [line for line in log if re.search(r": (Warning|Error|Fatal|Panic): ", line)]
    # Dovecot announces each reload as a warning.
    assert [line for line in bad if "SIGHUP received - reloading configuration" not in line] == []


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({}, None),
        ({"dovecot_hostname": "mail example.test"}, "dovecot_hostname is 'mail example.test'"),
        ({"dovecot_database": "mail.sqlite"}, "dovecot_database is 'mail.sqlite'. Use an absolute path"),
        (
            {"dovecot_protocols": ["imap", "pop3"]},
            "dovecot_protocols has the entry 'pop3'. Use a list of one or more of",
        ),
    ],
)
def test_preflight_judges_the_inputs_without_the_host(
    tmp_path: Path, variables: dict[str, Any], sentence: str | None
) -> None:
    # The connection plugin would fail at the first task that needs the host.
    unreachable = {"ansible_connection": "containers.podman.podman", "ansible_podman_executable": "/bin/false"}
    hosts = {"nowhere": {**unreachable, **VARIABLES, **variables}}
    run = play(PREFLIGHT, {"all": {"hosts": hosts}}, tmp_path)
    if sentence is None:
        assert run.rc == 0, run.failures
    else:
        assert run.rc != 0
        assert sentence in run.failures["nowhere"]
