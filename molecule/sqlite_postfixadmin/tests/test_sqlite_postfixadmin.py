# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host of the inventory examples/sqlite_postfixadmin as its users and strangers see it.

The host asks a name server of the tests. It begins in the stage testing, goes to production and comes back.
"""

from __future__ import annotations

import re
import smtplib
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness import name_server
from ansible_collections.puffy.mail.tests.harness.client import Client, asked, login, offered, until
from ansible_collections.puffy.mail.tests.harness.scenarios import Shell, WholeHost, log_problems, play, state

PASSWORD = "Correct-Horse-12"
ALICE, BOB = "alice@example.org", "bob@example.org"
STRANGER = "x@example.net"


class TestWholeHost(WholeHost):
    """Before the other tests change anything."""


@pytest.fixture(scope="module")
def client(host: Any) -> Client:
    """Outside is an address that may send for example.net, and for no other domain."""
    made = Client(host, state() / "pki" / "ca.pem")
    with made.plain() as session:
        assert session.sock is not None
        outside = session.sock.getsockname()[0]
    reverse = ".".join(reversed(outside.split(".")))
    key = host.check_output("cat /etc/opendkim/keys/example.org/mail.txt")
    mine = [f"v=spf1 ip4:{outside} -all"]
    name_server.start(
        Shell(host),
        {
            "example.org": {"MX": ["mail.example.org"], "TXT": ["v=spf1 mx -all"]},
            "mail.example.org": {"A": [made.address]},
            "mail._domainkey.example.org": {"TXT": ["".join(re.findall(r'"([^"]*)"', key))]},
            "example.net": {"MX": ["client.example.net"], "TXT": mine},
            "client.example.net": {"A": [outside]},
            f"{reverse}.in-addr.arpa": {"PTR": ["client.example.net"]},
            # another sender's domain, a domain that asks to refuse what it did not sign, and one on a list
            "forged.example.net": {"MX": ["client.example.net"], "TXT": ["v=spf1 -all"]},
            "strict.example.com": {"MX": ["client.example.net"], "TXT": mine},
            "_dmarc.strict.example.com": {"TXT": ["v=DMARC1; p=reject"]},
            "spam.example.net": {"MX": ["client.example.net"], "TXT": mine},
            "spam.example.net.dbl.spamhaus.org": {"A": ["127.0.1.2"]},
        },
    )
    return made


def send(session: smtplib.SMTP, sender: str, recipient: str, subject: str, author: str = "", above: str = "") -> int:
    """The code after the end of the message."""
    assert [session.mail(sender)[0], session.rcpt(recipient)[0]] == [250, 250]
    text = (
        f"{above}From: {author or sender}\r\nTo: {recipient}\r\nSubject: {subject}\r\n"
        "Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n"
        f"Message-ID: <{subject.replace(' ', '-')}@example.net>\r\n\r\nHello\r\n"
    )
    return session.data(text)[0]


def received(host: Any, mailbox: str, subject: str) -> str:
    """The message as it lies in the mailbox, each header on one line."""
    place = f"/var/vmail/example.org/{mailbox}"
    until(host, f"grep -rqsF 'Subject: {subject}' {place}")
    text = host.check_output(f"cat $(grep -rlF 'Subject: {subject}' {place} | head -n 1)").replace("\r", "")
    return re.sub(r"\n[ \t]+", " ", text)


def results(text: str) -> dict[str, str]:
    """The results that this host wrote, by method."""
    told = re.findall(r"^Authentication-Results: mail\.example\.org;(.*)$", text, re.MULTILINE)
    return dict(re.findall(r"\b(dkim|dmarc|spf)=(\w+)", " ".join(told)))


@pytest.fixture(scope="class")
def production(host: Any, client: Client) -> Iterator[None]:
    recap = play("puffy.mail.site", "-e", "postfix_stage=production")
    assert (recap.rc, recap.counts["changed"]) == (0, 2), recap.output
    yield
    recap = play("puffy.mail.site")
    assert (recap.rc, recap.counts["changed"]) == (0, 2), recap.output


@pytest.mark.parametrize("port", [587, 465])
def test_users(host: Any, client: Client, port: int) -> None:
    """In the stage testing each refusal is for now: 435 instead of 535."""
    if port == 587:
        with client.plain(port) as session:
            assert offered(session) == []
            assert login(session, ALICE, PASSWORD) == 430
    with client.secure(port) as session:
        assert "PLAIN" in offered(session)
        assert login(session, ALICE, "wrong") == 435
    with client.secure(port) as session:
        assert login(session, ALICE, PASSWORD) == 235
        assert asked(session, BOB, BOB) == [250, 453]
        assert asked(session, "alice@elsewhere.example", BOB) == [250, 453]
        assert asked(session, ALICE, "y@example.net") == [250, 250]
        assert send(session, ALICE, BOB, f"from port {port}") == 250
    assert "d=example.org; s=mail;" in received(host, "bob", f"from port {port}")


def test_the_stage_testing_refuses_for_now(client: Client) -> None:
    with client.plain() as session:
        assert offered(session) == []
        assert asked(session, STRANGER, "y@elsewhere.example") == [250, 454]
        assert asked(session, STRANGER, "nobody-such@example.org") == [250, 450]
        assert asked(session, "x@forged.example.net", BOB) == [250, 450]
        assert asked(session, STRANGER, BOB) == [250, 250]
    with client.secure() as session:
        assert offered(session) == []


@pytest.mark.usefixtures("production")
class TestProduction:
    """With postfix_stage: production."""

    def test_strangers(self, client: Client) -> None:
        with client.plain() as session:
            assert asked(session, STRANGER, "y@elsewhere.example") == [250, 554]
            assert asked(session, STRANGER, "nobody-such@example.org") == [250, 550]
            assert asked(session, "nobody-such@example.org", BOB) == [250, 550]
            assert asked(session, "x@nowhere.example.net", BOB) == [250, 450]

    def test_the_host_proves_itself(self) -> None:
        recap = play("puffy.mail.verify")
        assert recap.rc == 0, recap.output

    def test_a_name_of_a_client_that_nobody_knows(self, client: Client) -> None:
        with client.plain() as session:
            session.ehlo("nowhere.example.net")
            assert asked(session, STRANGER, BOB) == [250, 450]

    def test_senders_that_spf_forbids(self, host: Any, client: Client) -> None:
        with client.plain() as session:
            assert asked(session, "x@forged.example.net", BOB) == [250, 550]
            assert asked(session, ALICE, BOB) == [250, 550]
            assert send(session, STRANGER, BOB, "with SPF") == 250
        assert results(received(host, "bob", "with SPF")) == {"dkim": "none", "dmarc": "none", "spf": "pass"}

    def test_dns_lists(self, host: Any, client: Client) -> None:
        with client.plain() as session:
            assert asked(session, "x@spam.example.net", BOB) == [250, 554]
            assert asked(session, STRANGER, BOB) == [250, 250]
        zone = host.check_output(f"cat {name_server.ZONE}")
        with client.plain() as session:
            assert session.sock is not None
            reverse = ".".join(reversed(session.sock.getsockname()[0].split(".")))
        listed = f'{{"{reverse}.zen.spamhaus.org": {{"A": ["127.0.0.2"]}}, {zone[1:]}'
        host.check_output(f"cat >{name_server.ZONE} <<'END'\n{listed}\nEND")
        # A process of smtpd(8) keeps the answers of the lists as long as it lives.
        host.check_output("postfix reload")
        try:
            with client.plain() as session:
                assert asked(session, STRANGER, BOB) == [250, 554]
            with client.secure(587) as session:
                assert login(session, ALICE, PASSWORD) == 235
                assert asked(session, ALICE, BOB) == [250, 250]
        finally:
            host.check_output(f"cat >{name_server.ZONE} <<'END'\n{zone}\nEND")
            host.check_output("postfix reload")

    def test_a_signature_is_believed_and_a_forgery_refused(self, host: Any, client: Client) -> None:
        with client.secure(587) as session:
            assert login(session, ALICE, PASSWORD) == 235
            assert send(session, ALICE, BOB, "signed") == 250
        (signature,) = re.findall(r"^DKIM-Signature: .*$", received(host, "bob", "signed"), re.MULTILINE)
        with client.plain() as session:
            again = {"author": ALICE, "above": f"{signature}\r\nX-Again: yes\r\n"}
            assert send(session, STRANGER, BOB, "signed", **again) == 250
            until(host, "grep -rqs 'X-Again: yes' /var/vmail/example.org/bob")
            assert send(session, STRANGER, BOB, "unsigned", author="x@strict.example.com") == 550
        command = "cat $(grep -rl 'X-Again: yes' /var/vmail/example.org/bob)"
        assert results(re.sub(r"\n[ \t]+", " ", host.check_output(command)))["dkim"] == "pass"


def test_what_is_local_goes_the_way_of_the_mailboxes(host: Any, client: Client) -> None:
    with client.plain() as session:
        assert asked(session, STRANGER, "www-data@localhost.localdomain") == [250, 450]
    assert host.check_output("postconf -hx local_transport") == "lmtp:unix:private/dovecot-lmtp"
    host.check_output("printf 'Subject: to root\\n\\nHello\\n' | sendmail root")
    assert "Hello" in received(host, "alice", "to root")
    assert host.check_output("ls /var/mail") == ""


def test_the_database_stays_that_of_postfixadmin(host: Any) -> None:
    assert host.check_output("stat -c '%U %G' /srv/postfixadmin/vmail.sqlite3").split()[0] == "www-data"
    tables = host.check_output("postconf -h virtual_mailbox_domains virtual_mailbox_maps virtual_alias_maps")
    assert "sqlite:" in tables
    assert tables.count("proxy:sqlite:") == tables.count("sqlite:")


def test_the_log_has_no_problem(host: Any) -> None:
    assert log_problems(host) == []
