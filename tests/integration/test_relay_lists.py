# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the checks say of lists of restrictions, against the real smtpd(8): random lists, each on a port of its own."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, find, settings
from hypothesis import strategies as st

from ansible_collections.puffy.mail.tests.harness.containers import POSTFIX, Host
from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.checks import test_relay as model

pytestmark = [pytest.mark.containers, pytest.mark.long]

COUNT = 60
FIRST_PORT = 3000
#: Asks each port for each session; prints the ports on which any of them was accepted at RCPT TO.
CLIENT = """
import json, smtplib, socket, sys
ports, senders, helos, recipients = json.load(sys.stdin)
address = socket.gethostbyname(socket.gethostname())
def accepts(port):
    for helo in helos:
        smtp = smtplib.SMTP(address, port, timeout=60)
        smtp.docmd("EHLO", helo)
        for sender in senders:
            for recipient in recipients:
                smtp.mail(sender)
                code = smtp.rcpt(recipient)[0]
                smtp.rset()
                if code == 250:
                    return True
        smtp.close()
    return False
print(json.dumps([port for port in ports if accepts(port)]))
"""
#: Plays each session on its port, as the client that it names; prints those whose recipient was accepted.
PLAYER = """
import json, smtplib, socket, ssl, sys
address = socket.gethostbyname(socket.gethostname())
context = ssl._create_unverified_context()
context.load_cert_chain("/root/own.pem")
def accepted(session):
    smtp = smtplib.SMTP(address, session["port"], timeout=60)
    name, client = session["client"]
    name = "[UNAVAILABLE]" if name == "unknown" else name
    smtp.docmd("XCLIENT", "NAME=%s ADDR=%s" % (name, client))
    if session["certificate"]:
        smtp.ehlo("x")
        smtp.starttls(context=context)
    if session["helo"] is not None and smtp.docmd("EHLO", session["helo"])[0] != 250:
        return False
    if smtp.docmd("MAIL", "FROM:<%s>" % session["sender"])[0] != 250:
        return False
    return smtp.docmd("RCPT", "TO:<%s>" % session["recipient"])[0] == 250
found = []
for number, session in enumerate(json.load(sys.stdin)):
    try:
        if accepted(session):
            found.append(number)
    except (OSError, smtplib.SMTPException) as exc:
        print(session, repr(exc), file=sys.stderr)
print(json.dumps(found))
"""
#: What this test does not play: certificates of other authorities, tables that are not there or that proxymap(8) does
#: not serve, DNS lists, and a class inside of itself, with which smtpd(8) crashes.
UNPLAYED = ("CAfile", "hash:/no", "/not/there", "proxy:", "dnswl", "circle,")
#: Lines of these tables stand in the value since Postfix 3.7 (DATABASE_README).
IN_VALUE = ("cidr:{", "pcre:{", "regexp:{")
#: smtpd(8) ends without a restriction that stops strangers.
SERVES = "smtpd_recipient_restrictions = check_sender_access static:OK, reject\n"
Lists = tuple[list[object], list[object]]


def drawn(count: int) -> list[Lists]:
    """Pairs of lists as the property test draws them."""
    found: list[Lists] = []

    def keep(pair: Lists) -> bool:
        # A list that says nothing is of no interest.
        if pair[1] and pair not in found:
            found.append(pair)
        return len(found) >= count

    plain = settings(max_examples=20000, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    find(st.tuples(model.LISTS, model.LISTS), keep, settings=plain)
    return found


@pytest.fixture(scope="module")
def started(host: Host) -> Host:
    host.run(
        "postconf -e compatibility_level=2 mynetworks=127.0.0.0/8 inet_interfaces=all inet_protocols=ipv4"
        " smtpd_soft_error_limit=1000000 smtpd_hard_error_limit=1000000 smtpd_error_sleep_time=0"
        " mydestination=localhost alias_maps= && newaliases; postfix start || postfix reload"
    )
    return host


def test_the_real_smtpd_relays_where_the_model_does(started: Host) -> None:
    lists = drawn(COUNT)
    lines = []
    for number, (sender, relay) in enumerate(lists):
        lines += [
            f"{FIRST_PORT + number} inet n - n - - smtpd",
            "  -o { smtpd_sender_restrictions = " + ", ".join(map(model.text_of, sender)) + " }",
            "  -o { smtpd_relay_restrictions = " + ", ".join(map(model.text_of, relay)) + " }",
            "  -o { smtpd_recipient_restrictions = check_helo_access static:OK, reject }",
        ]
    started.run(
        "cp /etc/postfix/master.cf /root/master.cf; cat >> /etc/postfix/master.cf", data="\n".join(lines) + "\n"
    )
    started.run("postfix reload && sleep 1")
    ports = [FIRST_PORT + number for number in range(len(lists))]
    request = json.dumps([ports, model.SENDERS, model.HELOS, model.RECIPIENTS])
    accepted = set(json.loads(started.run(["python3", "-c", CLIENT], data=request).stdout))
    started.run("cp /root/master.cf /etc/postfix/master.cf; postfix reload")
    expected = {port for port, pair in zip(ports, lists) if model.relays(*pair)}
    assert 0 < len(expected) < len(ports)
    assert accepted == expected, [lists[port - FIRST_PORT] for port in accepted ^ expected]


def played(main: str) -> list[dict[str, Any]]:
    """The session that gets through a configuration by its checks, or sessions that must not where they find none."""
    hole = model.evaluated(main).hole()
    if hole is not None:
        return [dict(vars(hole.who))]
    client = ("mail.stranger.example", "203.0.113.77")
    return [
        {"client": client, "helo": helo, "sender": sender, "recipient": recipient, "certificate": None}
        for helo in ("stranger.example", None)
        for sender in ("x@stranger.example", "", "x@a.example", "x@example.test")
        for recipient in ("x@stranger.example", "boss@stranger.example")
    ]


def options(main: str) -> str:
    """The lines of main.cf as options of a service."""
    return "".join(f"  -o {{ {line} }}\n" for line in main.splitlines() if line)


def test_the_real_smtpd_takes_the_sessions_that_the_checks_found(started: Host, release: str) -> None:
    started.run(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=own -keyout /root/own.key -out /root/own.crt"
        " 2>/dev/null; cat /root/own.key /root/own.crt >/root/own.pem"
    )
    for path, text in model.FILES.items():
        started.write(path, text.decode())
    started.run("postmap /senders /safe; chmod 0644 /senders* /safe* /wide")
    mains = [model.configuration(restrictions) for restrictions, _permits, _who in model.THROUGH]
    mains += [main for main, _rules in model.WHOLE]
    unplayed = (*UNPLAYED, *(IN_VALUE if POSTFIX[release] < (3, 7) else ()))
    mains = [main + SERVES for main in mains if not any(word in main for word in unplayed)]
    common = (
        "smtpd_authorized_xclient_hosts = static:all\nsmtpd_tls_security_level = may\n"
        "smtpd_tls_cert_file = /root/own.pem\nsmtpd_tls_key_file = /root/own.pem\n"
    )
    lines, sessions = "", []
    for port, main in enumerate(mains, FIRST_PORT):
        lines += f"{port} inet n - n - - smtpd\n{options(main + common)}"
        sessions += [{**session, "port": port} for session in played(main)]
    started.run("cp /etc/postfix/master.cf /root/master.cf; cat >> /etc/postfix/master.cf", data=lines)
    started.run("postfix reload && sleep 1")
    said = started.run(["python3", "-c", PLAYER], data=json.dumps(sessions))
    accepted = {sessions[number]["port"] for number in json.loads(said.stdout)}
    started.run("cp /root/master.cf /etc/postfix/master.cf; postfix reload")
    expected = {port for port, main in enumerate(mains, FIRST_PORT) if model.evaluated(main).hole() is not None}
    assert len(expected) > 25
    wrong = {port: re.sub("(?s)smtpd_sender.*", "", mains[port - FIRST_PORT]) for port in accepted ^ expected}
    assert accepted == expected, (wrong, said.stderr)
