# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host of the inventory examples/private_ca_cyrus as its users and strangers see it."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.scenarios import play

CA = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "pki", "ca.pem")

#: what is seen from another address than the loopback, whose clients may relay
CLIENT = r"""
import json, smtplib, socket, ssl, subprocess, sys
name, authority = sys.argv[1:]
here = subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split()[0]
context = ssl.create_default_context(cadata=authority)
seen = {}

class Named(smtplib.SMTP_SSL):
    def _get_socket(self, host, port, timeout):
        return self.context.wrap_socket(socket.create_connection((host, port), timeout), server_hostname=name)

def send(client, sender, recipient):
    codes = [client.mail(sender)[0], client.rcpt(recipient)[0]]
    client.rset()
    return codes

with smtplib.SMTP(here, 25, timeout=120) as client:
    client.ehlo()
    seen["25"] = client.esmtp_features.get("auth", "")
    client._host = name
    client.starttls(context=context)
    client.ehlo()
    seen["25 with TLS"] = client.esmtp_features.get("auth", "")
    seen["relay"] = send(client, "x@foreign.example", "y@elsewhere.example")
    seen["local"] = send(client, "x@foreign.example", "alice@example.org")
    seen["unknown"] = send(client, "x@foreign.example", "nobody-such@example.org")
right = "secret of alice"
for who, password in (("alice", "wrong"), ("root", ""), ("alice", right), ("alice@example.org", right)):
    with Named(here, 465, timeout=120, context=context) as client:
        client.ehlo()
        seen["offered"] = sorted(client.esmtp_features.get("auth", "").split())
        try:
            seen[who, password] = client.login(who, password)[0]
        except smtplib.SMTPAuthenticationError as exc:
            seen[who, password] = exc.smtp_code
            continue
        seen["spoofed"] = send(client, "bob@example.org", "bob@example.org")
        seen["foreign"] = send(client, "alice@foreign.example", "bob@example.org")
        seen["own"] = send(client, "alice@example.org", "y@elsewhere.example")
        client.sendmail("alice+tag@example.org", ["bob@example.org"], f"Subject: from {who}\r\n\r\nHello\r\n")
try:
    socket.create_connection((here, 587), 5).close()
    seen["587"] = "open"
except OSError:
    seen["587"] = "closed"
print(json.dumps({" ".join(key) if isinstance(key, tuple) else key: value for key, value in seen.items()}))
"""


@pytest.fixture(scope="module")
def seen(host: Any) -> dict[str, Any]:
    name = host.check_output("postconf -h myhostname")
    client = " ".join(map(shlex.quote, ["python3", "-c", CLIENT, name, CA.read_text()]))
    answer = json.loads(host.check_output(client))
    assert isinstance(answer, dict)
    return answer


def test_passwords_are_asked_for_on_port_465_alone(seen: dict[str, Any]) -> None:
    assert (seen["25"], seen["25 with TLS"], seen["587"]) == ("", "", "closed")
    assert seen["offered"] == ["LOGIN", "PLAIN"]


def test_logins(seen: dict[str, Any]) -> None:
    assert [seen[key] for key in ("alice wrong", "root ", "alice secret of alice")] == [535, 535, 235]
    assert seen["alice@example.org secret of alice"] == 235


def test_strangers_do_not_relay(seen: dict[str, Any]) -> None:
    assert (seen["relay"], seen["local"], seen["unknown"]) == ([250, 554], [250, 250], [250, 550])


def test_users_send_as_themselves_alone(seen: dict[str, Any]) -> None:
    assert (seen["spoofed"], seen["foreign"], seen["own"]) == ([250, 553], [250, 553], [250, 250])


def test_mail_arrives_in_the_maildir(host: Any, seen: dict[str, Any]) -> None:
    assert seen["alice secret of alice"] == 235
    for who in ("alice", "alice@example.org"):
        assert host.run(f"until grep -qs 'Subject: from {who}$' /home/bob/Maildir/new/*; do sleep 0.2; done").rc == 0


def test_postfix_stays_in_its_chroot(host: Any) -> None:
    services = host.check_output("postconf -M").splitlines()
    servers = {line.split()[0]: line.split()[4] for line in services if line.split()[7] == "smtpd"}
    assert servers == {"smtp": "y", "smtps": "y"}


def test_postfix_has_nothing_to_say_about_its_configuration(host: Any) -> None:
    for command in ("postconf -n", "postconf -M", "postfix check"):
        answer = host.run(command)
        assert (answer.rc, answer.stderr) == (0, ""), command


def test_the_log_is_free_of_warnings(host: Any, seen: dict[str, Any]) -> None:
    assert seen["587"] == "closed"
    lines = host.check_output("cat /var/log/mail.log").splitlines()
    bad = [line for line in lines if "warning" in line and "authentication fail" not in line]
    assert bad == []


def test_check_mode_reports_no_change() -> None:
    recap = play("puffy.mail.site", "--check", "--diff")
    assert recap.rc == 0, recap.output
    assert recap.counts["changed"] == 0, recap.output


def test_the_audit_finds_nothing() -> None:
    recap = play("puffy.mail.audit", "-e", "audit_fail_on=warning")
    assert recap.rc == 0, recap.output
