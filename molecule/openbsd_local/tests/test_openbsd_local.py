# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host of the inventory examples/openbsd_local as its users and strangers see it, and the way back.

The tests run in the order they stand here: the last ones change the host.
"""

from __future__ import annotations

import json
import smtplib
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.client import Client, asked, offered, until
from ansible_collections.puffy.mail.tests.harness.playbooks import Run
from ansible_collections.puffy.mail.tests.harness.scenarios import (
    SNAPSHOT,
    ProvenHost,
    log_problems,
    name_of,
    play,
    state,
)

#: prints what a recipient elsewhere is answered
INSIDE = """
import smtplib, sys
with smtplib.SMTP(sys.argv[1]) as session:
    session.helo()
    session.mail("x@foreign.example")
    print(session.rcpt("y@elsewhere.example")[0])
"""


class TestProvenHost(ProvenHost):
    """Before the other tests change anything."""


@pytest.fixture(scope="module")
def client(host: Any) -> Client:
    return Client(host, state() / "pki" / "ca.pem")


def run(host: Any, playbook: str, *options: str) -> Run:
    recap = play(playbook, "--limit", name_of(host), *options)
    assert recap.rc == 0, recap.output
    return recap


def post(session: smtplib.SMTP, recipient: str, subject: str) -> None:
    with session:
        session.sendmail("x@foreign.example", [recipient], f"Subject: {subject}\r\n\r\nHello\r\n")


def read(host: Any, user: str) -> str:
    """What mail(1) shows of the mailbox, and leaves there."""
    return str(host.check_output(f"printf 'p *\\nx\\n' | mail -N -u {user}"))


def wait_in_spool(host: Any, user: str, subject: str) -> None:
    until(host, f"grep -qs 'Subject: {subject}$' /var/mail/{user}")


def test_the_names_are_those_of_the_guide(host: Any) -> None:
    asked_for = "mydomain myorigin mydestination alias_maps alias_database"
    assert host.check_output(f"postconf -hx {asked_for}").splitlines() == [
        "example.org",
        "example.org",
        f"example.org, {name_of(host)}, localhost.example.org, localhost",
        "texthash:/etc/postfix/own_aliases, hash:/etc/postfix/aliases",
        "hash:/etc/postfix/aliases",
    ]
    assert host.check_output("cat /etc/myname") == name_of(host)


def test_only_the_host_itself_is_trusted(host: Any, client: Client) -> None:
    networks = set(host.check_output("postconf -hx mynetworks").split())
    assert networks - {"[::1]/128"} - {item for item in networks if item.startswith("[fe80:")} == {
        "127.0.0.1/32",
        f"{client.address}/32",
    }
    for address in ("127.0.0.1", client.address):
        assert host.check_output(f"python3 -c '{INSIDE}' {address}") == "250"


@pytest.mark.parametrize("secure", [False, True])
def test_strangers(client: Client, secure: bool) -> None:
    with client.secure() if secure else client.plain() as session:
        assert offered(session) == []
        assert session.docmd("AUTH", "PLAIN AGFsaWNlAHNlY3JldA==")[0] == 503
        assert asked(session, "x@foreign.example", "y@elsewhere.example") == [250, 554]
        assert asked(session, "x@foreign.example", "alice@example.org") == [250, 250]
        assert asked(session, "x@foreign.example", "nobody-such@example.org") == [250, 550]
        assert asked(session, "bob@example.org", "alice@example.org") == [250, 554]
        assert session.docmd("VRFY", "alice")[0] == 502
    assert client.closed(587)
    assert client.closed(465)


def test_mail_comes_to_the_spool_and_mail_reads_it(host: Any, client: Client) -> None:
    post(client.secure(), "alice@example.org", "for alice")
    post(client.plain(), f"root@{name_of(host)}", "for root")
    for subject in ("for alice", "for root"):
        wait_in_spool(host, "alice", subject)
        assert f"Subject: {subject}\n" in read(host, "alice")
    assert host.check_output("stat -c '%U %a' /var/mail/alice") == "alice 600"


def test_mail_sends_through_postfix(host: Any) -> None:
    host.check_output("echo hello | su alice -c 'mail -s \"from alice\" bob'")
    wait_in_spool(host, "bob", "from alice")
    assert "From: alice@example.org" in read(host, "bob").replace("From: alice <alice@", "From: alice@")


def test_the_aliases_are_in_the_directory_of_postfix(host: Any) -> None:
    for name, target, table in (
        ("root", "alice", "texthash:/etc/postfix/own_aliases"),
        ("postmaster", "root", "hash:/etc/postfix/aliases"),
    ):
        assert host.check_output(f"postalias -q {name} {table}") == target
    assert host.run("cmp /etc/mail/aliases /etc/postfix/aliases").rc == 0


def test_the_steps_of_older_releases(host: Any) -> None:
    assert (
        host.run("cmp /usr/local/share/doc/postfix/html/index.html /var/www/htdocs/manual/postfix/index.html").rc == 0
    )
    runners = [line for line in host.check_output("crontab -l").splitlines() if "sm-msp-queue" in line]
    assert len(runners) == (1 if name_of(host).startswith("stable.") else 0)
    assert all(line.startswith("#") for line in runners)
    assert host.check_output("rcctl order").split()[-1] == "postfix"
    assert host.run("rcctl get smtpd status").rc == 1
    assert host.check_output("ls /var/db/pkg").count("dovecot") == 0


def test_a_maildir_instead(host: Any, client: Client) -> None:
    run(host, "puffy.mail.site", "-e", "postfix_home_mailbox=Maildir/")
    post(client.plain(), "bob@example.org", "to the Maildir")
    until(host, "grep -qs 'Subject: to the Maildir$' /home/bob/Maildir/new/*")
    assert run(host, "puffy.mail.site").counts["changed"] > 0
    post(client.plain(), "bob@example.org", "to the spool")
    wait_in_spool(host, "bob", "to the spool")
    assert host.check_output("ls /home/bob/Maildir/new | wc -l") == "1"


FLAGS = {"openbsd_base_flags": {"sendmail": "NO", "syslogd": "-a /var/spool/postfix/dev/log"}}


def test_flags_of_older_guides(host: Any) -> None:
    """sendmail has no script on this host: it has nothing to stop."""
    process = "pgrep -f ^/usr/sbin/syslogd"
    before = host.check_output(process)
    options = ("-e", json.dumps(FLAGS))
    assert run(host, "puffy.mail.site", "--check", *options).counts["changed"] == 2
    assert host.check_output(process) == before
    assert run(host, "puffy.mail.site", *options).counts["changed"] == 2
    after = host.check_output(process)
    assert after != before
    lines = host.check_output("cat /etc/rc.conf.local").splitlines()
    assert {"sendmail_flags=NO", "syslogd_flags=-a /var/spool/postfix/dev/log"} <= set(lines)
    assert run(host, "puffy.mail.site", *options).counts["changed"] == 0
    assert host.check_output(process) == after


def test_back_to_the_mail_system_of_base(host: Any) -> None:
    run(host, "puffy.mail.restore", "-e", json.dumps(FLAGS))
    assert host.check_output(SNAPSHOT).strip() == (state() / f"{name_of(host)}.snapshot").read_text().strip()
    host.check_output("echo hello | mail -s 'by smtpd' bob")
    wait_in_spool(host, "bob", "by smtpd")
    assert "Subject: by smtpd" in read(host, "bob")
    assert "Subject: to the spool" in read(host, "bob")


def test_the_log_has_no_problem(host: Any) -> None:
    assert log_problems(host) == []
