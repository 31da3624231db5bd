# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables over a real directory: what they answer, how mail flows by them, and what an absent directory costs.

The tests run in this order: the host as it was converged; then the directory is frozen, ended and started again.
"""

from __future__ import annotations

import os
import re
import shlex
import threading
import time
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.scenarios import play

DIRECTORY = "/etc/postfix/ldap"
#: seconds of mail_ldap_timeout in molecule.yml
TIMEOUT = 4
PASSWORD = 'c0rrect #horse "battery\\staple$x'
#: the tables of each parameter; no service has a value of its own
PARAMETERS = {
    "virtual_mailbox_domains": ["virtual_mailbox_domains"],
    "virtual_mailbox_maps": ["virtual_mailbox_maps"],
    "virtual_alias_maps": ["virtual_alias_maps", "virtual_group_maps"],
    "smtpd_sender_login_maps": ["sender_login_maps"],
}
#: every table is asked for every key
KEYS = {
    "a domain": ["example.test", "EXAMPLE.Test", "caught.test"],
    "of no domain of ours": ["elsewhere.test", "alice@elsewhere.test"],
    "present": ["alice@example.test", "user00299@example.test", "alice@caught.test", "dora@caught.test"],
    "absent": ["nobody@example.test", "alice", "@example.test", "user00300@example.test"],
    "switched off": ["carol@example.test", "old@example.test"],
    "aliased": ["info@example.test"],
    "a group": ["staff@example.test", "team@example.test"],
    "caught by a domain": ["@caught.test", "anybody@caught.test"],
    # Postfix takes the tag off before it asks again.
    "with a tag": ["alice+tag@example.test", "info+tag@example.test", "team+tag@example.test"],
    "in capitals": ["ALICE@Example.Test", "INFO@example.test", "TEAM@EXAMPLE.TEST", "@CAUGHT.test"],
    "with a quote": ["o'brien@example.test", "O'Brien@example.test", "'alice'@example.test", '"alice"@example.test'],
    "beyond ASCII": ["é@example.test", "ALICÉ@example.test", "alice@exämple.test", "\uff41lice@example.test"],
    "shaped like a filter": ["*)(uid=*", "*", "a*@example.test", "alice@example.test)(mail=*", "\\2a", "(", ")", "\\",
                             "*)(objectClass=*", "alice@example.test\\00", "*@caught.test", "|(mail=*"],
    "shaped like SQL": ["' OR 1=1 --", "alice@example.test' --"],
}  # fmt: skip
ALICE, BOB, OBRIEN = "alice@example.test", "bob@example.test", "o'brien@example.test"
MAILBOXES = {
    "alice@example.test": "example.test/alice/",
    "ALICE@Example.Test": "example.test/alice/",
    "user00299@example.test": "example.test/user00299/",
    "alice@caught.test": "caught.test/alice/",
    "dora@caught.test": "caught.test/dora/",
    "o'brien@example.test": "example.test/o'brien/",
    "O'Brien@example.test": "example.test/o'brien/",
}
SENDERS = {
    **{key: key.lower() for key in MAILBOXES},
    "info@example.test": ALICE,
    "INFO@example.test": ALICE,
}
#: what each table finds of those keys; the order of several answers is the directory's
FOUND: dict[str, dict[str, str]] = {
    "virtual_mailbox_domains": {
        "example.test": "example.test",
        "EXAMPLE.Test": "example.test",
        "caught.test": "caught.test",
    },
    "virtual_mailbox_maps": MAILBOXES,
    "virtual_maildirs": {key: f"{answer}/Maildir/" for key, answer in MAILBOXES.items()},
    # A mailbox is its own alias, or the catch-all of its domain would take its mail.
    "virtual_alias_maps": {**SENDERS, "@caught.test": BOB, "@CAUGHT.test": BOB},
    "virtual_group_maps": {
        "staff@example.test": f"{BOB},{OBRIEN}",
        "team@example.test": f"{ALICE},{BOB},{OBRIEN}",
        "TEAM@EXAMPLE.TEST": f"{ALICE},{BOB},{OBRIEN}",
    },
    "sender_login_maps": SENDERS,
    # Its filter asks for no switch.
    "storage": {**MAILBOXES, "carol@example.test": "example.test/carol/"},
}


def ask(host: Any, table: str) -> dict[str, list[str]]:
    """What the table answers to Postfix's own account, for the keys it finds."""
    keys = "".join(f"{key}\n" for group in KEYS.values() for key in group)
    command = f"setpriv --reuid postfix --regid postfix --clear-groups postmap -q - {table}"
    done = host.run(f"printf %s {shlex.quote(keys)} | {command}")
    assert done.stderr == "", done.stderr
    answers = dict(line.split("\t", 1) for line in done.stdout.splitlines())
    return {key: sorted(answer.split(",")) for key, answer in answers.items()}


def test_each_parameter_reads_its_tables_through_proxymap(host: Any) -> None:
    for parameter, tables in PARAMETERS.items():
        expected = ",".join(f"proxy:ldap:{DIRECTORY}/{table}.cf" for table in tables)
        assert host.check_output(f"postconf -h {parameter}").replace(" ", "") == expected
    used = set(re.findall(r"\S*ldap:[^\s,]+", host.check_output("postconf -n; postconf -P")))
    assert used == {f"proxy:ldap:{DIRECTORY}/{table}.cf" for tables in PARAMETERS.values() for table in tables}
    for parameter in PARAMETERS:
        assert parameter not in host.check_output("postconf -P")


@pytest.mark.parametrize("table", list(FOUND))
def test_each_table_answers_rightly(host: Any, table: str) -> None:
    wanted = {key: sorted(answer.split(",")) for key, answer in FOUND[table].items()}
    assert ask(host, f"ldap:{DIRECTORY}/{table}.cf") == wanted
    if any(table in tables for tables in PARAMETERS.values()):
        assert ask(host, f"proxy:ldap:{DIRECTORY}/{table}.cf") == wanted


def test_every_client_file_is_asked_here(host: Any) -> None:
    assert sorted(host.check_output(f"ls -A {DIRECTORY}").split()) == sorted(f"{table}.cf" for table in FOUND)


def test_a_group_that_contains_itself_is_an_error_and_ends(host: Any) -> None:
    done = host.run(f"timeout 20 postmap -q endless@example.test ldap:{DIRECTORY}/virtual_group_maps.cf")
    assert done.rc == 1
    assert "Recursion limit exceeded" in done.stderr


# ---- mail

SEND = r"""
import smtplib, sys
kind, sender, recipient, subject = sys.argv[1:5]
client = smtplib.SMTP("127.0.0.1", 25, timeout=300)
client.ehlo("client.example.test")
answers = [client.mail(sender)]
if answers[-1][0] == 250:
    answers.append(client.rcpt(recipient))
if answers[-1][0] == 250 and kind == "send":
    answers.append(client.data(f"From: {sender}\r\nTo: {recipient}\r\nSubject: {subject}\r\n\r\nText.\r\n"))
print(answers[-1][0], answers[-1][1].decode())
client.quit()
"""
LOGIN = r"""
import imaplib, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
client = imaplib.IMAP4_SSL("127.0.0.1", 993, ssl_context=context, timeout=120)
try:
    print(client.login(sys.argv[1], sys.argv[2])[0])
except imaplib.IMAP4.error as error:
    print("NO", error)
"""


def python(host: Any, script: str, *arguments: str) -> str:
    words = " ".join(shlex.quote(word) for word in ("-c", script, *arguments))
    done = host.run(f"python3 {words}")
    assert done.rc == 0, done.stderr
    return str(done.stdout.strip())


def wait_for_mail(host: Any, mailbox: str, subject: str, seconds: float = 600) -> None:
    user, _at, domain = mailbox.partition("@")
    path = shlex.quote(f"/var/vmail/{domain}/{user}/Maildir")
    deadline = time.monotonic() + seconds
    while host.run(f"grep -rqs 'Subject: {subject}$' {path}/new {path}/cur").rc != 0:
        assert time.monotonic() < deadline, host.check_output("postqueue -p; tail -n 20 /var/log/syslog")
        time.sleep(0.5)


FLOWS = [
    ("alice@example.test", ["alice@example.test"]),
    ("ALICE@Example.TEST", ["alice@example.test"]),
    ("bob+tag@example.test", ["bob@example.test"]),
    ("info@example.test", ["alice@example.test"]),
    ("o'brien@example.test", ["o'brien@example.test"]),
    ("whoever@caught.test", ["bob@example.test"]),
    ("dora@caught.test", ["dora@caught.test"]),
    ("team@example.test", ["alice@example.test", "bob@example.test", "o'brien@example.test"]),
]


def test_mail_flows_for_each_kind_of_address(host: Any) -> None:
    for number, (recipient, _mailboxes) in enumerate(FLOWS):
        answer = python(host, SEND, "send", "outside@elsewhere.test", recipient, f"flow {number}")
        assert answer.startswith("250 "), (recipient, answer)
    for number, (_recipient, mailboxes) in enumerate(FLOWS):
        for mailbox in mailboxes:
            wait_for_mail(host, mailbox, f"flow {number}")


@pytest.mark.parametrize(
    "recipient",
    ["nobody@example.test", "carol@example.test", "old@example.test", "*@example.test", '"b)(mail=*"@example.test'],
)
def test_an_address_nobody_has_is_refused(host: Any, recipient: str) -> None:
    assert python(host, SEND, "ask", "outside@elsewhere.test", recipient, "").startswith("550 5.1.1")


@pytest.mark.parametrize(
    ("user", "password", "answer"),
    [
        ("alice@example.test", "secret of alice", "OK"),
        ("Alice@Example.Test", "secret of alice", "OK"),
        ("o'brien@example.test", "secret of o'brien", "OK"),
        ("alice@example.test", "secret of bob", "NO"),
        ("carol@example.test", "secret of carol", "NO"),
        ("*", "secret of alice", "NO"),
    ],
)
def test_a_login_is_checked_by_the_directory(host: Any, user: str, password: str, answer: str) -> None:
    assert python(host, LOGIN, user, password).split()[0] == answer


# ---- secrets


def places(host: Any, secret: str, where: str) -> list[str]:
    """Files that hold ``secret``; it is given in two parts, since the command itself can be logged."""
    middle = len(secret) // 2
    needle = f"{shlex.quote(secret[:middle])}{shlex.quote(secret[middle:])}"
    return str(host.run(f"grep -rslF -e {needle} {where}").stdout).split()


class Watch(threading.Thread):
    """Looks at the command line and the environment of every process, many times a second, until the block ends."""

    def __init__(self, secret: str) -> None:
        super().__init__(daemon=True)
        self.secret = secret.encode()
        self.ended = threading.Event()
        #: the command lines seen, and those of processes that hold the secret
        self.seen: set[str] = set()
        self.found: set[str] = set()

    def __enter__(self) -> Watch:
        self.start()
        return self

    def __exit__(self, *_dummy: object) -> None:
        self.ended.set()
        self.join()

    def run(self) -> None:
        while not self.ended.wait(0.05):
            for process in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{process}/cmdline", "rb") as file:
                        words = file.read()
                    with open(f"/proc/{process}/environ", "rb") as file:
                        whole = words + file.read()
                except OSError:
                    continue
                line = words.replace(b"\0", b" ").decode(errors="replace")
                self.seen.add(line[:200])
                if self.secret in whole:
                    self.found.add(line)


def test_the_password_is_where_it_belongs(host: Any) -> None:
    assert f"\nbind_pw = {PASSWORD}\n" in host.file(f"{DIRECTORY}/storage.cf").content_string
    found = set(places(host, "c0rrect #horse", "/etc /root /run /tmp /var /home"))
    clients = {f"{DIRECTORY}/{table}.cf" for table in FOUND}
    # Dovecot 2.4 keeps what it has read for its own processes.
    own = {
        "/etc/dovecot/puffy-mail-ldap.conf.ext",
        "/run/dovecot/dovecot.conf.binary",
        # The record of what was activated, for the way back.
        "/var/lib/puffy-mail/dovecot/etc-dovecot/active.json",
    }
    assert clients <= found <= clients | own
    for path in found:
        file = host.file(path)
        expected = ("root", "root", 0o600) if path in own else ("root", "postfix", 0o640)
        assert (file.user, file.group, file.mode) == expected, path
    assert places(host, "c0rrect #horse", "/proc/[0-9]*/cmdline /proc/[0-9]*/environ") == []


def test_a_run_shows_the_password_nowhere(host: Any) -> None:
    """With everything that Ansible can say, also where the client files and Dovecot's are written anew.

    Meanwhile the processes are watched, those of the host and those of the control side.
    """
    drift = (
        f"sed -i 's/^bind_pw.*/bind_pw = x/' {DIRECTORY}/virtual_alias_maps.cf; rm {DIRECTORY}/sender_login_maps.cf;"
        " printf '#' >>/etc/dovecot/puffy-mail-ldap.conf.ext"
    )
    host.check_output(drift)
    limit = host.check_output("hostname")
    with Watch("c0rrect") as watch:
        checked = play("puffy.mail.site", "--check", "--diff", "-vvv", "--limit", limit)
        recap = play("puffy.mail.site", "--diff", "-vvv", "--limit", limit)
    assert recap.rc == 0, recap.output
    assert watch.found == set()
    assert any("postmap -c /etc/postfix -q -" in seen for seen in watch.seen), watch.seen
    assert recap.counts["changed"] >= 3, recap.output
    for output in (checked.output, recap.output):
        assert "c0rrect" not in output
        assert "battery" not in output
    assert "bind_pw = ********" in recap.output
    assert "# a masked value changes" in recap.output
    again = play("puffy.mail.site", "--check", "--limit", limit)
    assert (again.rc, again.counts["changed"]) == (0, 0), again.output


# ---- the directory away


def daemon(host: Any, what: str) -> None:
    """Freeze, thaw, end or start the directory."""
    commands = {
        "freeze": 'kill -STOP "$(pidof slapd)"',
        "thaw": 'kill -CONT "$(pidof slapd)"',
        "end": 'pid=$(pidof slapd); kill "$pid"; while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done',
        "start": "slapd -h 'ldap:/// ldaps:/// ldapi:///' -u openldap -g openldap -f /etc/ldap/directory/slapd.conf",
    }
    host.check_output(commands[what])


def timed(host: Any, recipient: str) -> tuple[str, float]:
    started = time.monotonic()
    answer = python(host, SEND, "ask", "outside@elsewhere.test", recipient, "")
    return answer, time.monotonic() - started


def test_a_frozen_directory_costs_its_time_and_no_more(host: Any) -> None:
    assert f"LDAPTIMEOUT={TIMEOUT - 1}" in host.check_output("postconf -h import_environment")
    # With connections that are open, and then with none: a process without one meets the freeze twice.
    assert timed(host, "alice@example.test")[0].startswith("250 ")
    daemon(host, "freeze")
    try:
        for recipient in ("alice@example.test", "bob@example.test", "nobody@example.test"):
            if recipient == "bob@example.test":
                host.check_output("postfix reload 2>&1")
            answer, seconds = timed(host, recipient)
            assert answer.startswith("451 4.3.0"), answer
            # What is looked up before and after the recipient fails too: each waits once.
            assert seconds < 2 * TIMEOUT + 20, seconds
    finally:
        daemon(host, "thaw")
    deadline = time.monotonic() + 600
    while not (answer := timed(host, "alice@example.test")[0]).startswith("250 "):
        assert time.monotonic() < deadline, answer
        time.sleep(1)


def queued(host: Any, subject: str) -> bool:
    """Whether a message of this subject is in the queue."""
    listed = host.check_output("postqueue -p | sed -n 's/^\\([0-9A-Za-z]\\{6,\\}\\)[*!]* .*/\\1/p'").split()
    return any(f"Subject: {subject}" in host.check_output(f"postcat -qh {name}") for name in listed)


def test_mail_waits_while_the_directory_is_away_and_goes_on_by_itself(host: Any) -> None:
    # In the queue before the directory goes, and held there so that it is still there.
    host.check_output(
        "postconf -e defer_transports=lmtp minimal_backoff_time=5s queue_run_delay=5s && postfix reload 2>&1"
    )
    assert python(host, SEND, "send", "outside@elsewhere.test", "alice@example.test", "kept 1").startswith("250 ")
    _answer, plain = timed(host, "alice@example.test")
    daemon(host, "end")
    try:
        answer, seconds = timed(host, "alice@example.test")
        assert answer.startswith("451 4.3.0"), answer
        assert seconds < max(TIMEOUT, 5 * plain), (seconds, plain)
        assert timed(host, "nobody@example.test")[0].startswith("451 4.3.0")
        host.check_output("postconf -X defer_transports && postfix reload 2>&1")
        host.check_output("postqueue -f")
        time.sleep(3)
        assert queued(host, "kept 1")
        assert python(host, LOGIN, "alice@example.test", "secret of alice").split()[0] == "NO"
    finally:
        daemon(host, "start")
    deadline = time.monotonic() + 600
    while not (answer := timed(host, "alice@example.test")[0]).startswith("250 "):
        assert time.monotonic() < deadline, answer
        time.sleep(1)
    # No flush: the queue manager tries again by itself.
    wait_for_mail(host, "alice@example.test", "kept 1")
    host.check_output("postconf -X minimal_backoff_time queue_run_delay && postfix reload 2>&1")
    assert python(host, LOGIN, "alice@example.test", "secret of alice").split()[0] == "OK"
    assert timed(host, "nobody@example.test")[0].startswith("550 5.1.1")
    log = host.run("grep -E ' (panic|fatal): ' /var/log/syslog | grep postfix").stdout
    assert not re.search(r"panic", log), log
