# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the checks say of lists of restrictions, against the real smtpd(8): random lists, each on a port of its own."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, find, settings
from hypothesis import strategies as st

from ansible_collections.puffy.mail.tests.harness.containers import Host
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
