# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host of the inventory examples/openbsd_ldap as its users and strangers see it."""

from __future__ import annotations

import re
import smtplib
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.client import Client, asked, login, offered, until
from ansible_collections.puffy.mail.tests.harness.scenarios import ProvenHost, log_problems, name_of, state

ALICE, BOB = "alice@example.org", "bob@example.org"
STRANGER = "x@foreign.example"
#: what the guide removes, and what stays
TELLING = (
    "Received: from [192.0.2.77] by laptop",
    "X-Originating-IP: [192.0.2.77]",
    "X-Mailer: Pigeon 1.0",
    "User-Agent: Pigeon/1.0",
    "X-Enigmail: 2",
    "X-Pgp-Agent: GPGMail",
)
HARMLESS = ("X-Priority: 3", "In-Reply-To: <a@b.example>", "Content-Type: text/plain; charset=utf-8")


class TestProvenHost(ProvenHost):
    """Before the other tests change anything."""


@pytest.fixture(scope="module")
def client(host: Any) -> Client:
    return Client(host, state() / "pki" / "ca.pem")


def users(client: Client, port: int = 587) -> smtplib.SMTP:
    """A session in which alice is logged in."""
    session = client.secure(port)
    assert login(session, ALICE, "secret of alice") == 235
    return session


def received(host: Any, mailbox: str, subject: str) -> str:
    """The message as it lies in the mailbox, each header on one line."""
    place = f"/var/vmail/example.org/{mailbox}"
    until(host, f"grep -rqsF 'Subject: {subject}' {place}")
    text = host.check_output(f"cat $(grep -rlF 'Subject: {subject}' {place} | head -n 1)").replace("\r", "")
    return re.sub(r"\n[ \t]+", " ", text)


def send(session: smtplib.SMTP, sender: str, recipient: str, subject: str, *headers: str) -> None:
    lines = "".join(f"{line}\r\n" for line in headers)
    with session:
        session.sendmail(sender, [recipient], f"{lines}Subject: {subject}\r\n\r\nHello\r\n")


@pytest.mark.parametrize("port", [587, 465])
def test_users(host: Any, client: Client, port: int) -> None:
    if port == 587:
        with client.plain(port) as session:
            assert offered(session) == []
            assert login(session, ALICE, "secret of alice") == 530
            assert asked(session, ALICE, BOB) == [530]
    # Dovecot answers more slowly after each wrong password.
    for user, password in ((ALICE, "secret of bob"), ("carol@example.org", "secret of carol"))[
        : 2 if port == 587 else 1
    ]:
        with client.secure(port) as session:
            assert login(session, user, password) == 535
    with client.secure(port) as session:
        assert "PLAIN" in offered(session)
        assert asked(session, ALICE, "y@elsewhere.example") == [250, 554]
    with users(client, port) as session:
        assert asked(session, BOB, BOB) == [250, 553]
        assert asked(session, "alice@foreign.example", BOB) == [250, 553]
        assert asked(session, ALICE, "nobody-such@example.org") == [250, 550]
        assert asked(session, ALICE, "y@elsewhere.example") == [250, 250]
        assert asked(session, "info@example.org", BOB) == [250, 250]
    send(users(client, port), ALICE, BOB, f"from port {port}")
    assert "Hello" in received(host, "bob", f"from port {port}")


def test_strangers(client: Client) -> None:
    for session in (client.plain(), client.secure()):
        with session:
            assert offered(session) == []
            assert session.docmd("AUTH", "PLAIN AGFsaWNlAHNlY3JldA==")[0] == 503
            assert asked(session, STRANGER, "y@elsewhere.example") == [250, 554]
            assert asked(session, STRANGER, "nobody-such@example.org") == [250, 550]
            # bob has the catch-all address of another domain, not of this one
            assert asked(session, STRANGER, ALICE) == [250, 250]
            assert session.docmd("VRFY", ALICE)[0] == 502


def test_a_name_is_asked_for_first(client: Client) -> None:
    with smtplib.SMTP(client.address, 25, timeout=120) as session:
        assert session.docmd("MAIL", f"FROM:<{STRANGER}>")[0] == 503


def test_sizes(host: Any, client: Client) -> None:
    limit = 51200000
    with client.plain() as session:
        assert session.esmtp_features["size"] == str(limit)
        assert session.docmd("MAIL", f"FROM:<{STRANGER}> SIZE={limit + 1}")[0] == 552
        assert session.docmd("MAIL", f"FROM:<{STRANGER}> SIZE={limit}")[0] == 250
    assert host.check_output("postconf -h mailbox_size_limit") == "0"


def test_addresses_with_a_tag_and_aliases(host: Any, client: Client) -> None:
    for mailbox, recipient in (
        ("bob", "bob+tag@example.org"),
        ("alice", "info@example.org"),
        ("alice", "info+x@example.org"),
    ):
        send(client.secure(), STRANGER, recipient, f"to {recipient}")
        assert "Hello" in received(host, mailbox, f"to {recipient}")


def test_mail_of_users_does_not_tell_where_it_was_written(host: Any, client: Client) -> None:
    headers = (*TELLING, *HARMLESS, "MIME-Version: 1.0 (Pigeon 1.0)")
    send(users(client), ALICE, BOB, "cleaned", *headers)
    text = received(host, "bob", "cleaned")
    assert [
        line
        for line in TELLING
        if line.partition(":")[0] in text.partition("\n\n")[0].replace("Received: from stable", "")
    ] == []
    assert [line for line in HARMLESS if line not in text] == []
    assert "\nMIME-Version: 1.0\n" in text
    assert client.host.check_output("hostname -I").split()[0].rpartition(".")[0] not in text
    # what comes from elsewhere stays as it was written
    send(client.plain(), STRANGER, BOB, "as it was", *headers)
    text = received(host, "bob", "as it was")
    assert [line for line in headers if line not in text] == []


def test_mail_for_root_arrives(host: Any) -> None:
    host.check_output("printf 'Subject: to root\\n\\nHello\\n' | sendmail root")
    assert "Hello" in received(host, "alice", "to root")


def test_postfix_reads_the_directory_and_dovecot_serves_it(host: Any) -> None:
    assert f"postfix--ldap%{name_of(host).split('.')[0]}\n" in f"{host.check_output('pkg_info -mz')}\n"
    maps = host.check_output("postconf -h virtual_mailbox_domains virtual_mailbox_maps virtual_alias_maps")
    assert maps.count("proxy:ldap:") == maps.count("ldap:") == 4
    assert host.check_output("postconf -hx virtual_transport smtpd_sasl_type smtpd_sasl_path").splitlines() == [
        "lmtp:unix:private/dovecot-lmtp",
        "dovecot",
        "private/auth",
    ]
    assert host.check_output("rcctl order").split()[-2:] == ["dovecot", "postfix"]
    assert host.check_output("postconf -hx alias_maps") == "hash:/etc/postfix/aliases"


def test_the_log_has_no_problem(host: Any) -> None:
    assert log_problems(host) == []
