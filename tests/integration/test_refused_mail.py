# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail that cannot be delivered is refused: a stranger with a forged sender gets an answer, nobody gets a bounce."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.containers import POSTFIX, Host, until
from ansible_collections.puffy.mail.tests.harness.playbooks import mail_hosts, playbook

pytestmark = pytest.mark.containers

#: Dovecot 2.4 and Postfix 3.11; Dovecot 2.3 and the releases before in the long run
RELEASES = tuple(pytest.param(name, marks=[] if name == "forky" else pytest.mark.long) for name in POSTFIX)
PASSWORD = "one-two-three"
WIRE = "xn--bcher-kva.test"
VARIABLES: dict[str, Any] = {
    "postfix_reject_unknown_sender_domain": False,
    "postfix_parameters": {"transport_maps": "inline:{mx.test=smtp:[127.0.0.1]:2526, down.test=smtp:[127.0.0.1]:9}"},
    "sqlite_maps_domains": [
        "example.test",
        WIRE,
        {"name": "mx.test", "backupmx": True},
        {"name": "down.test", "backupmx": True},
    ],
    "sqlite_maps_mailboxes": [
        {"address": "alice@example.test", "password": PASSWORD},
        {"address": "full@example.test", "password": PASSWORD, "quota": 6144},
        {"address": f"anna@{WIRE}", "password": PASSWORD},
        {"address": "gone@example.test", "password": PASSWORD, "active": False},
    ],
    "sqlite_maps_aliases": [
        {"address": "info@example.test", "goto": ["alice@example.test"]},
        {"address": "overfull@example.test", "goto": ["full@example.test"]},
        {"address": "far@example.test", "goto": ["known@mx.test"]},
    ],
    "sqlite_maps_domain_aliases": [{"name": "twin.test", "target": "example.test"}],
}
#: the host that mx.test belongs to: it knows one user
PRIMARY = """
import socketserver
class Session(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"220 primary.mx.test ESMTP\\r\\n")
        data = False
        for line in self.rfile:
            word = line.upper()
            if data:
                data = line != b".\\r\\n"
                answer = None if data else b"250 kept"
            elif word.startswith(b"RCPT"):
                answer = b"250 known" if b"<known@mx.test>" in line else b"550 5.1.1 unknown"
            elif word.startswith(b"DATA"):
                data, answer = True, b"354 go on"
            else:
                answer = b"221 bye" if word.startswith(b"QUIT") else b"250 primary.mx.test"
            if answer:
                self.wfile.write(answer + b"\\r\\n")
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(("127.0.0.1", 2526), Session).serve_forever()
"""
#: sends messages with a forged sender to the address of the host, which may not relay; prints the last answer of each
STRANGER = r"""
import json, smtplib, socket, sys
address = socket.gethostbyname(socket.gethostname())
answers = []
for recipient, size, declared in json.load(sys.stdin):
    with smtplib.SMTP(address, 25, "client.example.org", timeout=300) as client:
        client.ehlo()
        options = " SIZE=%d" % size if declared else ""
        client.putcmd("mail", "FROM:<victim@innocent.test>" + options)
        code, said = client.getreply()
        if code == 250:
            client.send(b"RCPT TO:<" + recipient.encode() + b">\r\n")
            code, said = client.getreply()
        stage = "RCPT"
        if code == 250:
            stage = "DATA"
            code, said = client.data("Subject: forged\r\n\r\n" + ("x" * 70 + "\r\n") * (size // 72))
        answers.append([stage, code, said.decode()])
print(json.dumps(answers))
"""


class MailHost:
    """A host that puffy.mail.site made."""

    def __init__(self, host: Host, directory: str) -> None:
        self.host = host
        self.inventory = mail_hosts(
            {"mail.example.test": {**host.connection, **VARIABLES, "tls_pki_ca_directory": directory}}
        )

    def send(self, recipient: str, size: int = 100, *, declared: bool = False) -> tuple[str, int, str]:
        """The stage, the code and the text of the last answer to a stranger's message."""
        done = self.host.run(["python3", "-c", STRANGER], data=json.dumps([[recipient, size, declared]]))
        stage, code, text = json.loads(done.stdout)[0]
        return stage, code, text

    def messages(self, mailbox: str) -> int:
        """How many messages a mailbox has."""
        name, _at, domain = mailbox.partition("@")
        found = f"find /var/vmail/{domain}/{name}/Maildir/new /var/vmail/{domain}/{name}/Maildir/cur -type f"
        return int(self.host.run(f"{found} 2>/dev/null | wc -l").stdout)

    def queue(self) -> list[str]:
        """The recipients of what waits, each with the reason."""
        lines = self.host.run("postqueue -j").stdout.splitlines()
        return [
            f"{recipient['address']} {recipient.get('delay_reason', '')}"
            for line in lines
            for recipient in json.loads(line)["recipients"]
        ]

    def bounces(self) -> str:
        """What the log says of notices to senders."""
        return self.host.run("grep -E 'postfix/bounce|status=bounced' /var/log/mail.log | grep -v ' double-bounce'",
                             check=False).stdout  # fmt: skip


@pytest.fixture(scope="module", params=RELEASES)
def mail(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailHost]:
    with Host(f"{request.param}-mail") as host:
        made = MailHost(host, str(tmp_path_factory.mktemp("pki")))
        run = playbook("puffy.mail.site", made.inventory)
        assert run.rc == 0, run.output
        host.write("/root/primary.py", PRIMARY)
        host.run("setsid python3 /root/primary.py >/dev/null 2>&1 </dev/null &")
        host.wait("ss -tln | grep -q :2526")
        yield made


@pytest.fixture(autouse=True)
def nobody_gets_a_bounce(mail: MailHost) -> Iterator[None]:
    yield
    until(lambda: not [entry for entry in mail.queue() if "full" not in entry], "the end of the queue")
    assert mail.bounces() == ""


REFUSED = [
    ("nobody@example.test", 550),
    ("gone@example.test", 550),
    ("nobody@twin.test", 550),
    ("nobody@xn--bcher-kva.test", 550),
    # Without SMTPUTF8 the letters are no syntax of an address; a host that has to send there uses the other spelling.
    ("anna@bücher.test", 501),
    ("unknown@mx.test", 550),
    # Nobody can say whether this one is known.
    ("unknown@down.test", 450),
    ("user@sub.mx.test", 554),
    ("user@sub.example.test", 554),
]


@pytest.mark.parametrize(("recipient", "code"), REFUSED)
def test_what_cannot_be_delivered_is_refused(mail: MailHost, recipient: str, code: int) -> None:
    stage, seen, text = mail.send(recipient)
    assert (stage, seen) == ("RCPT", code), text


DELIVERED = [
    ("alice@example.test", "alice@example.test"),
    ("info@example.test", "alice@example.test"),
    ("alice+tag@twin.test", "alice@example.test"),
    (f"anna@{WIRE}", f"anna@{WIRE}"),
]


@pytest.mark.parametrize(("recipient", "mailbox"), DELIVERED)
def test_what_can_be_delivered_arrives(mail: MailHost, recipient: str, mailbox: str) -> None:
    before = mail.messages(mailbox)
    assert mail.send(recipient)[:2] == ("DATA", 250)
    until(lambda: mail.messages(mailbox) == before + 1, f"the delivery to {mailbox}")


@pytest.mark.parametrize("recipient", ["known@mx.test", "far@example.test"])
def test_mail_of_a_backup_mx_domain_is_passed_on(mail: MailHost, recipient: str) -> None:
    assert mail.send(recipient)[:2] == ("DATA", 250)
    until(lambda: f"to=<known@mx.test>, orig_to=<{recipient}>" in log(mail) or f"to=<{recipient}>" in log(mail),
          "the delivery to the primary")  # fmt: skip


def test_both_spellings_of_a_domain_mean_the_same(mail: MailHost) -> None:
    mailbox = f"anna@{WIRE}"
    before = mail.messages(mailbox)
    mail.host.run("printf 'Subject: letters\\n\\nx\\n' | sendmail -f victim@innocent.test anna@bücher.test")
    until(lambda: mail.messages(mailbox) == before + 1, f"the delivery to {mailbox}")


def log(mail: MailHost) -> str:
    return mail.host.run("grep status=sent /var/log/mail.log", check=False).stdout


def test_smtputf8_is_not_offered(mail: MailHost) -> None:
    said = mail.host.run(
        ["python3", "-c", "import smtplib; c = smtplib.SMTP('127.0.0.1', 25); c.ehlo(); print(*c.esmtp_features)"]
    ).stdout
    assert "8bitmime" in said
    assert "smtputf8" not in said


def test_a_full_mailbox_is_refused_at_rcpt(mail: MailHost) -> None:
    """Six KiB: the last message may go beyond, so that what was accepted is kept; then the mailbox is full."""
    full = "full@example.test"
    for count, declared in ((1, True), (2, False)):
        assert mail.send(full, 2200 if count == 1 else 9000, declared=declared)[:2] == ("DATA", 250)
        until(lambda count=count: mail.messages(full) == count, f"message {count}")  # type: ignore[misc]
    for recipient in (full, "full+tag@example.test", "full@twin.test", "overfull@example.test", "OVERFULL@Twin.test"):
        stage, code, text = mail.send(recipient)
        assert (stage, code) == ("RCPT", 552), (recipient, text)
        assert "5.2.2" in text
    assert mail.messages(full) == 2


def test_without_an_answer_of_dovecot_mail_waits(mail: MailHost) -> None:
    """The policy service is asked, and not needed."""
    mail.host.run("doveadm stop")
    mail.host.wait("! pgrep -x dovecot >/dev/null")
    started = time.monotonic()
    try:
        assert mail.send("alice@example.test")[:2] == ("DATA", 250)
    finally:
        mail.host.run("dovecot")
    assert time.monotonic() - started < 60
    mail.host.run("until doveadm who >/dev/null 2>&1; do sleep 0.1; done; postqueue -f")
