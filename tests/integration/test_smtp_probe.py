# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""smtp_probe and the verify playbook against real Postfix and Dovecot, in good order and in bad."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._probe import mail_log
from ansible_collections.puffy.mail.tests.harness.containers import Host
from ansible_collections.puffy.mail.tests.harness.playbooks import Run, mail_hosts, playbook

pytestmark = pytest.mark.containers

SETUP = Path(__file__).with_name("small_mail_host.sh").read_text()
SERVICES = {"smtp": 25, "submission": 587, "submissions": 465, "imaps": 993}
ALICE = {"username": "alice@example.test", "password": "alice-secret"}
BOB = {"username": "bob@example.test", "password": "bob-secret"}
VERSIONS = {"TLSv1": False, "TLSv1.1": False, "TLSv1.2": True, "TLSv1.3": True}
RELAY = {"from": "x@elsewhere.example", "to": "y@foreign.example", "code": 554, "enhanced": "5.7.1"}
UNKNOWN = {"from": "x@elsewhere.example", "to": "nobody@example.test", "code": 550, "enhanced": "5.1.1"}
STRANGERS = ("<>", "root", "root@mail.example.test", "puffy-mail-probe@example.test")
AS_BOB = {"from": "bob@example.test", "to": "alice@example.test", "code": 553, "enhanced": "5.7.1"}


def probe(host: Host, port: int, *, check: bool = False, **options: Any) -> dict[str, Any]:
    arguments = {
        "host": "127.0.0.1",
        "port": port,
        "tls": "starttls" if port in (25, 587) else "wrapper",
        "tls_name": "mail.example.test",
        "ca_path": "/etc/probe/ca.pem",
        "timeout": 60,
        **options,
    }
    return host.module("smtp_probe", arguments, check=check)


def passed(result: dict[str, Any]) -> dict[str, bool | None]:
    return {check["name"]: check["ok"] for check in result["checks"]}


def mailbox(host: Host, address: str) -> list[str]:
    """The files of the messages in a mailbox."""
    return host.run(f"find /var/vmail/{address} -path '*/new/*' -o -path '*/cur/*'", check=False).stdout.split()


@pytest.fixture(scope="module")
def trixie() -> Iterator[Host]:
    publish = [option for port in SERVICES.values() for option in ("--publish", f"127.0.0.1::{port}")]
    with Host("trixie-mail", *publish) as host:
        host.run(SETUP)
        yield host


@pytest.mark.parametrize("release", ["bullseye", "forky"])
def test_other_releases(release: str) -> None:
    """Python 3.9 with OpenSSL 1.1.1, and the newest: the same checks see the same."""
    with Host(f"{release}-mail") as host:
        host.run(SETUP)
        expect = {
            "starttls": True,
            "auth_before_tls": False,
            "mail_before_tls": False,
            "auth_offered": ["PLAIN", "LOGIN"],
            "tls_versions": VERSIONS,
            "certificate": {"verified": True, "names": ["mail.example.test"], "min_days": 10},
            "sender": AS_BOB,
        }
        deliver = {"from": ALICE["username"], "to": "sales@example.test", "imap": BOB}
        result = probe(host, 587, login=ALICE, expect=expect, deliver=deliver)
        assert not result.get("failed"), result
        assert result["summary"] == {"passed": 16, "failed": 0, "left_out": 0}
        assert mailbox(host, "bob@example.test") == []
        log = host.read("/var/log/mail.log").splitlines()
        # An old version was offered and refused, and nothing of it counts as a fault of this host.
        assert any("unsupported protocol" in line for line in log)
        assert mail_log.problems(log) == []
        kinds = {(use.direction, use.protocol) for use in mail_log.tls_statistics(log)}
        assert kinds == {("inbound", "TLSv1.2"), ("inbound", "TLSv1.3")}


def test_good_order(trixie: Host) -> None:
    expect: dict[str, Any] = {
        "banner": "Postfix",
        "starttls": True,
        "auth_before_tls": False,
        "auth_offered": False,
        "tls_versions": VERSIONS,
        "certificate": {"verified": True, "names": ["mail.example.test"], "min_days": 10},
        "relay": RELAY,
        "recipients": [UNKNOWN, {**UNKNOWN, "to": "alice@example.test", "code": 250, "enhanced": "2.1.5"}],
        "size": 10240000,
    }
    result = probe(trixie, 25, expect=expect, check=True)
    assert not result.get("failed"), result
    assert (result["changed"], result["summary"]["failed"], result["summary"]["left_out"]) == (False, 0, 0)
    result = probe(trixie, 465, login={**ALICE, "mechanism": "login"}, expect={"sender": AS_BOB, "auth_offered": True})
    assert not result.get("failed"), result
    assert "alice-secret" not in json.dumps(result)
    result = probe(trixie, 993, protocol="imap", expect={"tls_versions": VERSIONS, "banner": "ready"})
    assert not result.get("failed"), result


def test_delivery(trixie: Host) -> None:
    """The message is gone afterwards, and what else lies in the mailbox stays, marked as deleted or not."""
    trixie.run("mkdir -p /var/vmail/bob@example.test/cur && cd /var/vmail/bob@example.test/cur &&"
               " printf 'Subject: one\\n\\nx\\n' >'1.a.b:2,S' && printf 'Subject: two\\n\\nx\\n' >'2.a.b:2,T' &&"
               " chown -R vmail:vmail /var/vmail/bob@example.test")  # fmt: skip
    deliver = {"from": "alice@example.test", "to": "bob@example.test", "size": 300000, "imap": BOB}
    before = len(mailbox(trixie, "bob@example.test"))
    predicted = probe(trixie, 587, login=ALICE, deliver=deliver, check=True)
    assert predicted["checks"][0]["ok"] is None
    assert "queued" not in "\n".join(predicted["transcript"])
    result = probe(trixie, 587, login=ALICE, deliver=deliver)
    assert not result.get("failed"), result
    assert result["changed"] is False
    assert "bytes unchanged, removed" in result["checks"][0]["seen"]
    assert len(mailbox(trixie, "bob@example.test")) == before == 2
    assert trixie.run("mailq").stdout.strip() == "Mail queue is empty"
    # From outside, with an extension, and the null sender.
    for sender, recipient in (("x@elsewhere.example", "alice+tag@example.test"), ("", "alice@example.test")):
        result = probe(trixie, 25, deliver={"from": sender, "to": recipient, "imap": ALICE})
        assert not result.get("failed"), result


def test_bad_order(trixie: Host) -> None:
    """Each of a host's faults is seen by the check that is there for it, and by no other."""
    before = len(mailbox(trixie, "bob@example.test"))
    trixie.run("cd /etc/postfix && cp main.cf master.cf /root")
    trixie.run(
        "cd /etc/postfix && postconf -e smtpd_sasl_auth_enable=yes smtpd_tls_auth_only=no"
        " mynetworks=0.0.0.0/0 smtpd_relay_restrictions=permit_mynetworks,reject_unauth_destination"
        " smtpd_reject_unlisted_recipient=no"
        " smtpd_tls_protocols= smtpd_tls_mandatory_protocols= tls_medium_cipherlist=ALL:@SECLEVEL=0"
        " message_size_limit=0 && postconf -P submission/inet/smtpd_tls_security_level=may"
        " submission/inet/smtpd_tls_auth_only=no submission/inet/smtpd_sender_restrictions="
        " && printf '/^From here/ REPLACE >From here\\n' > body"
        " && postconf -e body_checks=pcre:/etc/postfix/body && postfix reload"
    )
    try:
        result = probe(
            trixie,
            25,
            expect={
                "starttls": True,
                "auth_before_tls": False,
                "auth_offered": False,
                "tls_versions": VERSIONS,
                "relay": RELAY,
                "recipients": UNKNOWN,
                "size": 10240000,
                "certificate": {"names": ["mx.example.test"], "min_days": 60},
            },
        )
        assert result["failed"] is True
        assert passed(result) == {
            "connect": True,
            "starttls": True,
            "auth_before_tls": False,
            "tls": True,
            "certificate names": False,
            "certificate days": False,
            "auth_offered": False,
            "size": False,
            "relay x@elsewhere.example to y@foreign.example": False,
            "recipient x@elsewhere.example to nobody@example.test": False,
            "tls_versions TLSv1": False,
            "tls_versions TLSv1.1": False,
            "tls_versions TLSv1.2": True,
            "tls_versions TLSv1.3": True,
        }
        seen = {check["name"]: check["seen"] for check in result["checks"]}
        assert seen["tls_versions TLSv1"].startswith("accepted (TLSv1 ")
        assert trixie.run("mailq").stdout.strip() == "Mail queue is empty"

        expect = {"mail_before_tls": False, "auth_before_tls": False, "sender": AS_BOB}
        deliver = {"from": "alice@example.test", "to": "bob@example.test", "imap": BOB}
        result = probe(trixie, 587, login=ALICE, expect=expect, deliver=deliver)
        assert passed(result) == {
            "connect": True,
            "auth_before_tls": False,
            "mail_before_tls": False,
            "tls": True,
            "login": True,
            "sender bob@example.test to alice@example.test": False,
            "deliver alice@example.test to bob@example.test": False,
        }
        assert "line 7 of the body differs from byte 0 on: sent b'From here on" in result["checks"][-1]["seen"]
        assert len(mailbox(trixie, "bob@example.test")) == before
    finally:
        trixie.run("cp /root/main.cf /root/master.cf /etc/postfix && postfix reload")


# ---- the playbook


def verify(host: Host, directory: Path, **variables: Any) -> tuple[Run, dict[str, Any]]:
    """Run puffy.mail.verify from here against the published ports; return its output and its report."""
    ports = {service: host.port(port) for service, port in SERVICES.items()}
    report = directory / "report.json"
    report.unlink(missing_ok=True)
    ca_file = directory / "ca.pem"
    ca_file.write_text(host.read("/etc/probe/ca.pem"))
    given = {
        **host.connection,
        "verify_address": "127.0.0.1",
        "verify_dns_name": "",
        "verify_ports": ports,
        "verify_ca_file": str(ca_file),
        "verify_report_file": str(report),
        **variables,
    }
    inventory = mail_hosts({"mail.example.test": given})
    done = playbook("puffy.mail.verify", inventory, "-vvv", directory=directory)
    if not report.exists():
        return done, {}
    assert report.stat().st_mode & 0o777 == 0o600
    return done, json.loads(report.read_text())


ACCOUNTS = [
    {"address": "alice@example.test", "password": "alice-secret", "name": "Alice"},
    {"address": "bob@example.test", "password": "bob-secret"},
]


def test_verify_fails(trixie: Host, tmp_path: Path) -> None:
    """An open relay and a Milter that does not answer: the run ends with both, named."""
    trixie.run(
        "cp /etc/postfix/main.cf /root && postconf -e mynetworks=0.0.0.0/0"
        " smtpd_relay_restrictions=permit_mynetworks,reject_unauth_destination"
        " smtpd_milters=inet:127.0.0.1:1 milter_default_action=accept && postfix reload"
    )
    try:
        done, report = verify(trixie, tmp_path, verify_domain="example.test")
    finally:
        trixie.run("cp /root/main.cf /etc/postfix && postfix reload")
    assert done.rc == 2, done.output
    failed = {(check["endpoint"], check["name"]) for check in report["checks"] if check["ok"] is False}
    assert failed == {
        ("host", "configuration of Postfix"),
        ("host", "mynetworks"),
        ("smtp", "relay <> to probe@foreign.example"),
        *(("smtp", f"relay_attempts as {sender}") for sender in (*STRANGERS, "probe@foreign.example")),
        ("log", "nothing wrong reported by Postfix and Dovecot"),
    }
    assert "warning: connect to Milter service inet:127.0.0.1:1: Connection refused" in str(
        report["checks"][-1]["seen"]
    )
    left_out = [check["name"] for check in report["checks"] if check["ok"] is None]
    assert left_out == ["dns", "own sender", "login, deliver", "smuggling"]
    assert "checks failed, each with what was expected and seen in the table above: host: " in done.output


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {"verify_ports": {"smpt": 25}},
            "verify_ports is {'smpt': 25}. Use a mapping of smtp, submission, submissions, imaps.",
        ),
        ({"verify_from": "moon"}, "verify_from is 'moon'. Use 'controller' or 'host'."),
        (
            {"verify_accounts": [{"address": "a@b.test"}]},
            "verify_accounts: each account needs an address and a password",
        ),
        (
            {"verify_accounts": ACCOUNTS, "verify_aliases": [{"address": "a@b.test", "delivered_to": "c@d.test"}]},
            "verify_aliases has 'c@d.test' as delivered_to. Use one of verify_accounts, whose password opens",
        ),
    ],
)
def test_verify_bad_input(trixie: Host, tmp_path: Path, variables: dict[str, Any], message: str) -> None:
    before = trixie.read("/var/log/mail.log")
    done, report = verify(trixie, tmp_path, **variables)
    assert done.rc == 2
    assert report == {}
    assert message in " ".join((done.output).split())
    assert trixie.read("/var/log/mail.log") == before


# ---- what has a login refused comes last: Dovecot is slow to answer the same client afterwards


def test_verify(trixie: Host, tmp_path: Path) -> None:
    aliases = [{"address": "sales@example.test", "delivered_to": "bob@example.test"}]
    done, report = verify(trixie, tmp_path, verify_accounts=ACCOUNTS, verify_aliases=aliases)
    assert done.rc == 0, done.output
    assert "changed=0" in done.stdout
    assert (report["host"], report["ok"]) == ("mail.example.test", True)
    seen = {(check["endpoint"], check["name"]): check["ok"] for check in report["checks"]}
    assert len(seen) == len(report["checks"])
    assert {name for name, ok in seen.items() if ok is None} == {("host", "dns"), ("smtp", "own sender")}
    assert False not in seen.values(), report
    for wanted in [
        ("smtp", "starttls"),
        ("smtp", "auth_before_tls"),
        ("smtp", "auth_offered"),
        ("smtp", "relay <> to probe@foreign.example"),
        ("smtp", "recipient <> to puffy-mail-probe-nobody@example.test"),
        ("host", "configuration of Postfix"),
        ("host", "files of the chroot"),
        ("host", "clock"),
        ("smtp", "relay_attempts as alice@example.test"),
        *((service, f"relay_attempts as {sender}") for service in ("smtp", "submission") for sender in STRANGERS),
        *(
            (service, f"refused_commands {command}")
            for service in ("smtp", "submission")
            for command in ("VRFY", "EXPN")
        ),
        *((service, "smuggling <LF>.<CR><LF>") for service in ("smtp", "submission", "submissions")),
        ("port 143", "login_before_tls"),
        ("submission", "mail_before_tls"),
        ("submission", "auth_before_tls"),
        ("submission", "login"),
        ("submission", "sender bob@example.test to alice@example.test"),
        ("submission, wrong password", "login"),
        ("submissions", "login"),
        ("submissions", "sender bob@example.test to alice@example.test"),
        ("submissions, wrong password", "login"),
        *((service, f"tls_versions {version}") for service in SERVICES for version in VERSIONS),
        ("submission", "deliver alice@example.test to bob@example.test"),
        ("smtp", "deliver <> to alice@example.test"),
        ("smtp", "deliver <> to alice+tag@example.test"),
        ("smtp", "deliver <> to sales@example.test"),
        ("log", "nothing wrong reported by Postfix and Dovecot"),
    ]:
        assert wanted in seen
    for secret in ("alice-secret", "bob-secret"):
        assert secret not in done.output


def test_wrong_password(trixie: Host) -> None:
    wrong = {**ALICE, "password": "this is not the password"}
    assert passed(probe(trixie, 587, login=wrong, expect={"login_code": 535})) == {
        "connect": True,
        "tls": True,
        "login": True,
    }
    result = probe(trixie, 587, login=wrong)
    assert result["failed"] is True
    assert result["msg"].startswith("127.0.0.1:587: 1 failed check: login: expected 235, seen 535 5.7.8 ")


def test_mailbox_that_cannot_be_opened(trixie: Host) -> None:
    wrong = {**BOB, "password": "this is not the password"}
    result = probe(trixie, 25, deliver={"from": "", "to": "bob@example.test", "imap": wrong})
    assert result["failed"] is True
    assert "seen nothing was sent: IMAP: the login is refused" in result["msg"]
    assert len(mailbox(trixie, "bob@example.test")) == 2
