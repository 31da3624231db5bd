# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults planted on a host that puffy.mail.site has made: puffy.mail.verify sees each of them and names it.

A whole run of the playbook for each fault would take minutes. So the playbook runs once, on the healthy host, and its
module calls are taken from its output. For each fault the same calls are made again with the same arguments.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._probe import mail_log
from ansible_collections.puffy.mail.tests.harness import batch
from ansible_collections.puffy.mail.tests.harness.containers import Host
from ansible_collections.puffy.mail.tests.harness.playbooks import NAME, Run, mail_hosts, playbook

pytestmark = pytest.mark.containers

PASSWORDS = {"alice@example.test": "alice-secret", "bob@example.test": "bob-secret"}
MASKED = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
#: Answers every query with the code for a name that does not exist, as a resolver does for foreign.example.
RESOLVER = """
import socket
channel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
channel.bind(("127.0.0.1", 53))
while True:
    query, client = channel.recvfrom(4096)
    channel.sendto(query[:2] + bytes([0x81, 0x83]) + query[4:6] + bytes(6) + query[12:], client)
"""
#: A POP3 server that takes passwords without TLS.
POP3 = """
import socket
listener = socket.create_server(("0.0.0.0", 110))
while True:
    connection, _address = listener.accept()
    connection.sendall(b"+OK ready\\r\\n")
    for line in connection.makefile("rb"):
        connection.sendall(b"+OK\\r\\nUSER\\r\\n.\\r\\n" if line.startswith(b"CAPA") else b"+OK\\r\\n")
"""
#: An IMAP server that looks at passwords without TLS, and takes as long to refuse them as Dovecot at its slowest.
IMAP = """
import socket, time
listener = socket.create_server(("0.0.0.0", 143))
while True:
    connection, _address = listener.accept()
    connection.sendall(b"* OK ready\\r\\n")
    for line in connection.makefile("rb"):
        tag, command = line.split()[:2]
        if command == b"CAPABILITY":
            connection.sendall(b"* CAPABILITY IMAP4rev1 LOGINDISABLED\\r\\n" + tag + b" OK done\\r\\n")
        else:
            time.sleep(15 if command == b"LOGIN" else 0)
            connection.sendall(tag + b" NO [AUTHENTICATIONFAILED] no\\r\\n")
"""
KEPT = "/etc/postfix /etc/dovecot /etc/aliases* /etc/ssl /var/spool/postfix/etc"
#: with the database, which lies elsewhere on each system
SNAPSHOT = f"cd / && tar -cpf /root/healthy.tar $(ls -d {KEPT} /var/lib/puffy-mail /var/vmail 2>/dev/null)"
STOPPED = "postfix stop; doveadm stop; [ ! -f /root/other.pid ] || kill $(cat /root/other.pid); rm -f /root/other.pid"
STARTED = "postfix start; dovecot"
CERTIFICATE = (
    "cd /etc/ssl && openssl req -x509 -newkey rsa:2048 -nodes -keyout private/mail.example.test.key"
    " -out mail.example.test.chain.pem -subj /CN={name} -addext subjectAltName=DNS:{name} {dates} 2>/dev/null"
)
SQL = (
    "python3 -c \"import glob, sqlite3; c = sqlite3.connect(glob.glob('/var/lib/puffy-mail/*.sqlite')[0]);"
    " c.execute('{}'); c.commit()\""
)


@dataclass(frozen=True)
class Fault:
    """One fault. ``files`` is done while the daemons are stopped, ``live`` when they run; both are shell. ``endpoints``
    are the module calls that verify makes for them; each of ``red`` must be in the text of the failed checks."""

    name: str
    endpoints: str
    red: tuple[str, ...]
    files: str = ""
    live: str = ""
    audit: str = ""
    start: str = STARTED
    quick: bool = field(default=False)


def main_cf(*settings: str) -> str:
    return "postconf -e " + " ".join(f"'{setting}'" for setting in settings)


def service(name: str, *settings: str) -> str:
    return "postconf -P " + " ".join(f"'{name}/inet/{setting}'" for setting in settings)


def other_server(program: str) -> str:
    return (
        f"cat >/root/other.py <<'END'\n{program}\nEND\nsetsid python3 /root/other.py >/dev/null 2>&1 &"
        " echo $! >/root/other.pid; sleep 1"
    )


RELAY = "smtpd_relay_restrictions"
FREE = "smtpd_recipient_restrictions=reject_non_fqdn_recipient"
PORT_2525 = "printf '2525 inet n - n - - smtpd\\n{}' >>/etc/postfix/master.cf"

FAULTS = [
    # ---- who may relay
    Fault("a stranger relays with a sender of the host's domain", "smtp|host",
          ("relay_attempts as puffy-mail-probe@example.test", "[open-relay]"),
          main_cf(f"{RELAY}=check_sender_access inline:{{example.test=OK}}, reject_unauth_destination", FREE),
          audit="open-relay", quick=True),
    Fault("a stranger relays with the null sender", "smtp|host", ("relay_attempts as <>", "[open-relay]"),
          main_cf(f"{RELAY}=check_sender_access inline:{{{{<>=OK}}}}, reject_unauth_destination", FREE),
          audit="open-relay"),
    Fault("a stranger relays with a foreign sender", "smtp|host",
          ("relay_attempts as probe@foreign.example", "[open-relay]"),
          main_cf(f"{RELAY}=check_sender_access inline:{{foreign.example=OK}}, reject_unauth_destination", FREE,
                  "smtpd_sender_restrictions=")),
    Fault("a stranger relays by saying HELO", "smtp|host", ("relay_attempts as <>", "[open-relay]"),
          main_cf("smtpd_relay_restrictions=check_helo_access static:OK, reject", FREE), audit="open-relay"),
    Fault("everybody is in mynetworks", "smtp|host", ("relay <> to", "relay_attempts as <>", "mynetworks"),
          main_cf("mynetworks=0.0.0.0/0"), audit="mynetworks-everyone"),
    Fault("587 relays for strangers after STARTTLS", "submission|host", ("relay_attempts as <>", "[open-relay]"),
          main_cf("mua_client_restrictions=", "mua_sender_restrictions=", "mua_helo_restrictions=",
                  "mua_relay_restrictions=check_helo_access static:OK, reject", "mua_recipient_restrictions="),
          audit="open-relay", quick=True),
    Fault("a forgotten port relays", "port 2525|host", ("relay_attempts as <>", "[open-relay]"),
          PORT_2525.format("  -o { smtpd_relay_restrictions = check_helo_access static:OK, reject }\\n"
                           "  -o { smtpd_recipient_restrictions = }\\n"), audit="open-relay"),
    Fault("a forgotten port relays behind postscreen, whose greeting takes six seconds", "port 2525",
          ("relay_attempts as <>",),
          main_cf("postscreen_greet_action=enforce", "smtpd_relay_restrictions=check_helo_access static:OK, reject",
                  "smtpd_recipient_restrictions=")
          + "; postconf -M 2525/inet='2525 inet n - n - 1 postscreen' smtpd/pass='smtpd pass - - n - - smtpd'"),
    Fault("relay_domains has every domain", "smtp|host", ("relay_attempts as <>", "[open-relay]"),
          main_cf("relay_domains=static:all"), audit="open-relay"),
    Fault("foreign.example is a relay domain", "smtp$", ("relay <> to probe@foreign.example",),
          main_cf("relay_domains=foreign.example", "relay_recipient_maps=")),
    Fault("subdomains of a relay domain are relayed", "smtp$", ("puffy-mail-probe.example.test",),
          main_cf("relay_domains=example.test", "virtual_mailbox_domains=", "relay_recipient_maps=",
                  "parent_domain_matches_subdomains=relay_domains"), audit="subdomains-relayed"),
    Fault("relaying is refused for a while only", "smtp$", ("relay <> to", "454"), main_cf("soft_bounce=yes")),
    # ---- what else strangers may
    Fault("VRFY is on", "smtp$", ("refused_commands VRFY",), main_cf("disable_vrfy_command=no"), audit="vrfy-on",
          quick=True),
    Fault("ETRN starts deliveries", "smtp$", ("refused_commands ETRN", "250"),
          main_cf("fast_flush_domains=foreign.example", "relay_domains=foreign.example"), audit="etrn-open"),
    Fault("bare line feeds end a message", "smtp$", ("smuggling <LF>.<CR><LF>",),
          main_cf("smtpd_forbid_bare_newline=no"), quick=True, audit="bare-newline"),
    Fault("bare line feeds of users end a message", "submission$", ("smuggling <LF>.<CR><LF>",),
          service("submission", "smtpd_forbid_bare_newline=no"), audit="bare-newline"),
    Fault("unknown recipients are accepted", "smtp$", ("recipient <> to puffy-mail-probe-nobody@example.test",),
          main_cf("smtpd_reject_unlisted_recipient=no"), audit="unlisted-recipients"),
    Fault("unknown recipients are refused for a while only", "smtp$", ("recipient <> to puffy-mail-probe-nobody",),
          main_cf("unknown_local_recipient_reject_code=450", "unknown_virtual_mailbox_reject_code=450")),
    # ---- logins
    Fault("25 offers AUTH", "smtp$", ("auth_offered",), main_cf("smtpd_sasl_auth_enable=yes")),
    Fault("25 offers AUTH without TLS", "smtp$", ("auth_before_tls",),
          main_cf("smtpd_sasl_auth_enable=yes", "smtpd_tls_auth_only=no"), audit="login-in-clear"),
    Fault("587 takes mail and passwords without TLS", "submission$", ("auth_before_tls", "mail_before_tls"),
          service("submission", "smtpd_tls_security_level=may", "smtpd_tls_auth_only=no"), audit="login-in-clear"),
    Fault("2525 takes passwords without TLS", "port 2525", ("login_before_tls", "SMTP announces AUTH"),
          PORT_2525.format("  -o smtpd_sasl_auth_enable=yes\\n  -o smtpd_tls_auth_only=no\\n"), audit="login-in-clear"),
    Fault("110 takes passwords without TLS", "port 110", ("login_before_tls", "POP3 announces USER"),
          live=other_server(POP3), quick=True),
    Fault("143 looks at passwords without TLS, after a while", "port 143",
          ("login_before_tls", "IMAP looks at the password of LOGIN"), live=other_server(IMAP)),
    Fault("143 is open and takes passwords without TLS", "port 143", ("login_before_tls", "IMAP"),
          files="printf 'ssl = yes\\nservice imap-login {\\n  inet_listener imap {\\n    port = 143\\n  }\\n}\\n'"
                " >>/etc/dovecot/dovecot.conf"),
    Fault("users may use any sender", "submission$", ("sender bob@example.test", "sender probe@foreign.example"),
          main_cf("mua_sender_restrictions=permit_sasl_authenticated, reject")),
    Fault("users may use addresses that nobody owns", "submission$", ("sender root@mail.example.test",),
          main_cf("mua_sender_restrictions=reject_known_sender_login_mismatch, permit_sasl_authenticated, reject")),
    Fault("587 has no AUTH", "submission$", ("auth_offered",), service("submission", "smtpd_sasl_auth_enable=no")),
    Fault("the SASL socket is elsewhere", "submission$|host", ("submission",), main_cf("smtpd_sasl_path=private/none")),
    Fault("Postfix may not use the SASL socket", "submission$|log", ("submission",),
          live="chmod 0600 /var/spool/postfix/private/auth; chown root /var/spool/postfix/private/auth"),
    Fault("the accounts are gone", "submission$", ("login", "535"), SQL.format("DELETE FROM mailbox")),
    # ---- TLS
    Fault("25 has no STARTTLS", "smtp$", ("starttls",), main_cf("smtpd_tls_security_level=none")),
    Fault("465 speaks no TLS", "submissions$", ("tls",), service("submissions", "smtpd_tls_wrappermode=no")),
    Fault("the certificate has another name", "smtp$|imaps", ("certificate names",),
          CERTIFICATE.format(name="other.example.test", dates="-days 90")),
    Fault("the certificate is of nobody's authority", "imaps", ("imaps: tls", "not verified"),
          CERTIFICATE.format(name="mail.example.test", dates="-days 90"), quick=True),
    Fault("the key is not the certificate's", "smtp$|host|log", ("key",),
          "openssl genrsa -out /etc/ssl/private/mail.example.test.key 2048 2>/dev/null", audit="key-mismatch"),
    Fault("the key is missing", "smtp$|host|log", ("mail.example.test.key",),
          "rm /etc/ssl/private/mail.example.test.key"),
    Fault("old TLS versions are on", "smtp$", ("tls_versions TLSv1",),
          main_cf("smtpd_tls_protocols=", "smtpd_tls_mandatory_protocols=", "tls_medium_cipherlist=ALL:@SECLEVEL=0",
                  "tls_high_cipherlist=ALL:@SECLEVEL=0", "smtpd_tls_mandatory_ciphers=medium")),
    # ---- services, and the configuration as a whole
    Fault("Postfix is down", "smtp$", ("connect", "connection refused"), start="dovecot", quick=True),
    Fault("Dovecot is down", "imaps|submission$", ("imaps", "submission"), start="postfix start"),
    Fault("Postfix listens on the loopback only", "smtp$", ("connect", "connection refused"),
          main_cf("inet_interfaces=loopback-only")),
    Fault("587 is not there", "submission$", ("submission", "connection refused"), "postconf -MX submission/inet"),
    Fault("465 is not there", "submissions$", ("submissions", "connection refused"), "postconf -MX submissions/inet"),
    Fault("lmtp is not there", "host|smtp$", ("lmtp",), "postconf -MX lmtp/unix", audit="unknown-service"),
    Fault("cleanup is not there", "host", ("cleanup",), "postconf -MX cleanup/unix"),
    Fault("qmgr is not there", "host", ("qmgr",), "postconf -MX qmgr/unix"),
    Fault("proxymap is not there", "host", ("proxymap",), "postconf -MX proxymap/unix"),
    Fault("a mistyped parameter", "host", ("smtpd_helo_requierd", "[unknown-parameter]"),
          main_cf("smtpd_helo_requierd=yes"), audit="unknown-parameter", quick=True),
    Fault("a word that is no boolean", "host", ("smtpd_helo_required", "True"), main_cf("smtpd_helo_required=True")),
    Fault("a mistyped restriction", "host", ("reject_unath_destination",),
          main_cf("smtpd_data_restrictions=reject_unath_destination")),
    Fault("a table is missing", "host", ("/etc/postfix/none",),
          "postconf -e \"virtual_alias_maps=$(postconf -h virtual_alias_maps), texthash:/etc/postfix/none\""),
    Fault("a client file of the tables is missing", "host", ("virtual_mailbox_maps.cf",),
          "rm /etc/postfix/sqlite/virtual_mailbox_maps.cf"),
    Fault("the index of the aliases is missing", "host", ("aliases",), "rm -f /etc/aliases.*db",
          audit="table-not-indexed"),
    Fault("a milter does not answer", "smtp, deliver|log", ("connect to Milter service inet:127.0.0.1:1",),
          main_cf("smtpd_milters=inet:127.0.0.1:1", "milter_default_action=accept")),
    # ---- delivery, the queue, accounts
    Fault("messages are changed", "smtp, deliver", ("of the body differs",),
          "printf '/^From here/ REPLACE >From here\\n' >/etc/postfix/body;"
          " postconf -e body_checks=regexp:/etc/postfix/body"),
    Fault("messages are not delivered", "smtp, deliver", ("sent, but not in INBOX",), main_cf("defer_transports=lmtp")),
    Fault("all recipients are refused", "smtp, deliver", ("Recipient address rejected: closed",),
          main_cf("virtual_transport=error:closed")),
    Fault("large messages are refused", "smtp, deliver", ("accepts only 1000",), main_cf("message_size_limit=1000")),
    Fault("the queue has no space", "smtp, deliver|log", ("452",), main_cf("queue_minfree=1000000000000000")),
    Fault("the mail store cannot be written", "smtp, deliver|log", ("Permission denied",),
          "chown -R root:root /var/vmail; chmod -R go-rwx /var/vmail"),
    Fault("the database is gone", "submission$|log", ("submission",), "rm /var/lib/puffy-mail/*.sqlite"),
    Fault("the aliases are gone", "sales", ("deliver <> to sales@example.test",),
          SQL.format("DELETE FROM alias")),
    # ---- the chroot, the DNS, permissions, the clock
    Fault("the chroot's resolv.conf is gone", "host", ("dns in /var/spool/postfix", "resolv.conf"),
          live="rm /var/spool/postfix/etc/resolv.conf", quick=True, audit="chroot-resolver"),
    Fault("the chroot's resolv.conf is old", "host", ("files of the chroot", "differs from /etc/resolv.conf"),
          live="echo '# old' >>/var/spool/postfix/etc/resolv.conf"),
    Fault("the chroot's resolv.conf cannot be read", "host", ("cannot be read by all",),
          live="chmod 0600 /var/spool/postfix/etc/resolv.conf"),
    Fault("the chroot's services are gone", "host", ("etc/services is missing",),
          live="rm /var/spool/postfix/etc/services"),
    Fault("the name server does not answer", "host", ("dns in /", "127.0.0.9"),
          live="echo nameserver 127.0.0.9 | tee /etc/resolv.conf >/var/spool/postfix/etc/resolv.conf"),
    Fault("the clock is an hour ahead", "host", ("clock", "behind"), live="clock"),
]  # fmt: skip


class Healthy:
    """A host as puffy.mail.site leaves it, and the module calls that puffy.mail.verify makes."""

    def __init__(self, host: Host, directory: Path) -> None:
        self.host = host
        host.write("/root/resolver.py", RESOLVER)
        host.run(
            "setsid python3 /root/resolver.py >/dev/null 2>&1 & sleep 1; echo nameserver 127.0.0.1 >/etc/resolv.conf"
        )
        address = host.run("hostname -i").stdout.split()[0]
        accounts = [{"address": name, "password": password} for name, password in PASSWORDS.items()]
        self.inventory: dict[str, Any] = {
            **host.connection,
            "tls_pki_ca_directory": str(directory),
            "sqlite_maps_domains": ["example.test"],
            "sqlite_maps_mailboxes": accounts,
            "sqlite_maps_aliases": [{"address": "sales@example.test", "goto": ["bob@example.test"]}],
            # The prober is a stranger: its address is not one of mynetworks.
            "verify_from": "host",
            "verify_relay": True,
            "verify_address": address,
            "verify_ca_file": "/root/ca.pem",
            "verify_accounts": accounts,
            "verify_aliases": [{"address": "sales@example.test", "delivered_to": "bob@example.test"}],
            "verify_delivery_timeout": 8,
            "verify_report_file": str(directory / "report.json"),
        }
        made = playbook("puffy.mail.site", mail_hosts({NAME: self.inventory}))
        assert made.rc == 0, made.output
        host.write("/root/ca.pem", (directory / "ca.pem").read_text())
        host.run("cp /etc/resolv.conf /var/spool/postfix/etc/resolv.conf")
        self.report_file = directory / "report.json"
        self.run = self.verify("-vvv")
        self.calls = list(_calls(self.run.stdout))
        host.run(SNAPSHOT)

    def verify(self, *options: str, **variables: Any) -> Run:
        inventory = mail_hosts({NAME: {**self.inventory, **variables}})
        return playbook("puffy.mail.verify", inventory, *options, environment={"ANSIBLE_INJECT_INVOCATION": "true"})

    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.report_file.read_text())
        return found

    def plant(self, fault: Fault) -> None:
        self.host.run(f"{STOPPED}; {fault.files or ':'}; {fault.start}", check=False)
        if fault.live and fault.live != "clock":
            self.host.run(fault.live)

    def heal(self) -> None:
        # The container's resolv.conf is a mount, which tar cannot replace.
        restored = "tar -C / -xpf /root/healthy.tar; echo nameserver 127.0.0.1 >/etc/resolv.conf"
        self.host.run(f"{STOPPED}; {restored}; {STARTED}", check=False)

    def failed(self, fault: Fault) -> str:
        """The failed checks of verify, as text."""
        before = len(self.host.read("/var/log/mail.log"))
        wanted = re.compile(rf"(?:{fault.endpoints.replace('|log', '')})")
        requests = []
        for label, name, arguments in self.calls:
            if wanted.match(label):
                given = dict(arguments)
                if name == "host_probe":
                    given["time"] = time.time() + (3600 if fault.live == "clock" else 0)
                requests.append(batch.module(name, given))
        assert requests, f"verify makes no call for {fault.endpoints}"
        rows: list[str] = []
        for answer in batch.run(self.host, requests):
            assert "checks" in answer, answer
            rows += [
                f"{check['endpoint']}: {check['name']}: {check['seen']}"
                for check in answer["checks"]
                if check["ok"] is False
            ]
        if "log" in fault.endpoints:
            lines = self.host.read("/var/log/mail.log")[before:].splitlines()
            rows += [f"log: {problem.line}" for problem in mail_log.problems(lines)]
        return "\n".join(rows)


def _calls(output: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The module calls in the output of a run: label, module, arguments with the passwords put in again."""
    decoder = json.JSONDecoder()
    for found in re.finditer(r"=> (\{)", output):
        try:
            result, _end = decoder.raw_decode(output, found.start(1))
        except json.JSONDecodeError:
            continue
        arguments = result.get("invocation", {}).get("module_args", {}) if isinstance(result, dict) else {}
        if "dns_name" in arguments:
            yield "host", "host_probe", arguments
        elif "validate_certs" in arguments and "wrong password" not in str(arguments["label"]):
            label = str(arguments["label"])
            deliver = arguments["deliver"]
            if deliver:
                label = f"{'sales' if 'sales' in deliver['to'] else label}, deliver"
                deliver["imap"]["password"] = PASSWORDS[deliver["imap"]["username"]]
            if arguments["login"]:
                arguments["login"]["password"] = PASSWORDS[arguments["login"]["username"]]
            yield label, "smtp_probe", arguments


@pytest.fixture(scope="module")
def healthy(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Healthy:
    return Healthy(host, tmp_path_factory.mktemp("pki"))


@pytest.mark.one_release
def test_a_healthy_host_is_green(healthy: Healthy) -> None:
    assert healthy.run.rc == 0, healthy.run.output
    checks = healthy.report()["checks"]
    assert {check["name"] for check in checks if check["ok"] is None} == {"own sender"}
    assert len(checks) > 100
    assert len(healthy.calls) == 14, [label for label, _name, _arguments in healthy.calls]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, id=fault.name, marks=pytest.mark.one_release if fault.quick else pytest.mark.long)
        for fault in FAULTS
    ],
)
def test_a_fault_is_red(healthy: Healthy, fault: Fault) -> None:
    healthy.plant(fault)
    try:
        failed = healthy.failed(fault)
        for words in fault.red:
            assert words in failed, failed or "everything is green"
        if fault.audit:
            found = healthy.host.module("postfix_info", {})["findings"]
            assert fault.audit in {finding["rule"] for finding in found}
    finally:
        healthy.heal()


@pytest.mark.long
def test_afterwards_the_host_is_green_again(healthy: Healthy) -> None:
    run = healthy.verify()
    assert run.rc == 0, run.output


@pytest.mark.long
def test_the_playbook_itself_is_red(healthy: Healthy) -> None:
    healthy.plant(FAULTS[0])
    try:
        run = healthy.verify()
    finally:
        healthy.heal()
    assert run.rc == 2, run.output
    assert "smtp: relay_attempts as puffy-mail-probe@example.test" in run.output
    assert "host: configuration of Postfix" in run.output


@pytest.mark.one_release
def test_a_port_that_nobody_named(healthy: Healthy) -> None:
    """What listens is asked, wherever that is."""
    healthy.host.run(other_server(POP3.replace("110", "10110")))
    try:
        run = healthy.verify()
    finally:
        healthy.heal()
    assert run.rc == 2, run.output
    assert "port 10110: login_before_tls" in run.output


@pytest.mark.long
def test_own_senders_are_refused_where_that_is_wished(healthy: Healthy) -> None:
    wish = {"mail_reject_own_senders": "yes"}
    made = playbook("puffy.mail.site", mail_hosts({NAME: {**healthy.inventory, **wish}}))
    assert made.rc == 0, made.output
    run = healthy.verify(**wish)
    assert run.rc == 0, run.output
    assert "smtp, own sender" in {check["endpoint"] for check in healthy.report()["checks"]}


@pytest.mark.long
def test_behind_postscreen_the_probes_wait_for_the_greeting(healthy: Healthy) -> None:
    before = len(healthy.host.read("/var/log/mail.log"))
    made = playbook("puffy.mail.site", mail_hosts({NAME: {**healthy.inventory, "postfix_postscreen": True}}))
    assert made.rc == 0, made.output
    run = healthy.verify()
    assert run.rc == 0, run.output
    log = healthy.host.read("/var/log/mail.log")[before:]
    assert "PASS NEW" in log
    assert "PREGREET" not in log
    assert playbook("puffy.mail.site", mail_hosts({NAME: healthy.inventory})).rc == 0


@pytest.mark.long
def test_a_port_that_is_off_must_be_closed(healthy: Healthy) -> None:
    off = {"postfix_submission": "no"}
    answering = healthy.verify(**off)
    assert answering.rc == 2, answering.output
    assert "submission, switched off: closed" in answering.output
    made = playbook("puffy.mail.site", mail_hosts({NAME: {**healthy.inventory, **off}}))
    assert made.rc == 0, made.output
    run = healthy.verify(**off)
    assert run.rc == 0, run.output
    # Mail of users is handed in on the port that is left.
    rows = {(check["endpoint"], check["name"]): check["ok"] for check in healthy.report()["checks"]}
    assert rows["submission, switched off", "closed"] is True
    assert rows["submissions", "deliver alice@example.test to bob@example.test"] is True
    assert playbook("puffy.mail.site", mail_hosts({NAME: healthy.inventory})).rc == 0
