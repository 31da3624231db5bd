# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each capability of the role postfix, switched on and off on a host that serves, and what its daemons then do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.containers import Host, until
from ansible_collections.puffy.mail.tests.harness.playbooks import NAME, Run, mail_hosts, playbook

pytestmark = pytest.mark.containers
ALICE, BOB = "alice@example.test", "bob@example.test"
#: speaks SMTP on the host; prints the code of the last reply as JSON, with the text
CLIENT = """
import json, smtplib, ssl, sys
how = json.load(sys.stdin)
context = ssl._create_unverified_context()
if how["port"] == 465:
    smtp = smtplib.SMTP_SSL("127.0.0.1", 465, context=context, source_address=(how["source"], 0))
else:
    smtp = smtplib.SMTP("127.0.0.1", how["port"], source_address=(how["source"], 0))
smtp.ehlo(how["helo"])
if how["port"] == 587:
    smtp.starttls(context=context)
    smtp.ehlo(how["helo"])
try:
    if how["login"]:
        smtp.login(*how["login"])
    code, text = smtp.mail(how["sender"])
    if code == 250:
        code, text = smtp.rcpt(how["recipient"])
    if code == 250 and how["message"]:
        code, text = smtp.data(how["message"].encode())
except smtplib.SMTPResponseException as exc:
    code, text = exc.smtp_code, exc.smtp_error
print(json.dumps([code, text.decode()]))
"""


class Site:
    """A mail host made by the playbook, whose role postfix is run again with other inputs."""

    def __init__(self, host: Host, directory: Path) -> None:
        self.host = host
        self.inventory: dict[str, Any] = {
            **host.connection,
            "mail_hostname": NAME,
            "sqlite_maps_domains": ["example.test"],
            "sqlite_maps_mailboxes": [
                {"address": ALICE, "password": "one-two-three"},
                {"address": BOB, "password": "four-five-six"},
            ],
            "tls_pki_ca_directory": str(directory),
            "postfix_reject_unknown_sender_domain": False,
        }

    def __call__(self, *options: str, **variables: Any) -> Run:
        return playbook("puffy.mail.site", mail_hosts({NAME: {**self.inventory, **variables}}), *options)

    def set(self, **variables: Any) -> None:
        """One run: the way to where a test begins."""
        run = self("--tags", "postfix", **variables)
        assert run.rc == 0, run.output

    def converge(self, **variables: Any) -> None:
        """Check, run, check, run: the first run changes what check mode said, the second one nothing."""
        foretold = self("--tags", "postfix", "--check", **variables)
        assert foretold.rc == 0, foretold.output
        done = self("--tags", "postfix", **variables)
        assert done.rc == 0, done.output
        assert foretold.changed == done.changed, foretold.output + done.output
        for options in (["--check"], []):
            again = self("--tags", "postfix", *options, **variables)
            assert (again.rc, again.counts["changed"]) == (0, 0), again.output

    def smtp(
        self,
        port: int = 25,
        *,
        sender: str = "sender@example.net",
        recipient: str = ALICE,
        message: str = "",
        login: tuple[str, str] | None = None,
        helo: str = "client.example.net",
        source: str = "",
    ) -> tuple[int, str]:
        """The last reply to a session that sends ``message``, or stops before DATA without one."""
        address = source or self.host.run("hostname -i").stdout.split()[0]
        how = {
            "port": port, "sender": sender, "recipient": recipient, "message": message, "login": login, "helo": helo,
            "source": "127.0.0.1" if source == "127.0.0.1" else address,
        }  # fmt: skip
        code, text = json.loads(self.host.run(["python3", "-c", CLIENT], data=json.dumps(how)).stdout)
        return int(code), str(text)

    def delivered(self, mark: str) -> str:
        """The stored message that has ``mark`` in it."""
        found: list[str] = []

        def there() -> bool:
            found[:] = self.host.run(f"grep -rl '{mark}' /var/vmail", check=False).stdout.split()
            return bool(found)

        until(there, f"the delivery of {mark}")
        return self.host.read(found[0])

    def log_problems(self) -> str:
        """What Postfix warns of in the mail log. A reload ends the programs of a service that was removed."""
        command = "grep -E 'postfix.*(warning|error|fatal|panic):' /var/log/mail.log"
        return self.host.run(f"{command} | grep -v 'cleanup pid .* exit status 15'", check=False).stdout


@pytest.fixture(scope="module", params=["trixie-mail", pytest.param("bullseye-mail", marks=pytest.mark.long)])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Host(request.param) as host:
        made = Site(host, tmp_path_factory.mktemp("pki"))
        run = made()
        assert run.rc == 0, run.output
        yield made


ALICE_LOGIN = (ALICE, "one-two-three")
HEADERS = """\
Received: from laptop (laptop.home [192.168.1.7]) by fake; Thu, 1 Jan 2026 00:00:00 +0000
X-Originating-IP: [192.168.1.7]
X-Mailer: Secret Mail 1
User-Agent: Secret Mail
 (folded 2)
X-Enigmail: 3
X-Pgp-Agent: Secret PGP
MIME-Version: 1.0 (Secret Mail 1.2)
"""
KEPT = """\
From: alice@example.test
To: bob@example.test
Subject: {mark}
X-Mailer-Of-The-Month: kept
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: message/rfc822

X-Mailer: kept in the attachment

inner
--b--
"""


@pytest.mark.parametrize("chroot", [True, pytest.param(False, marks=pytest.mark.long)])
def test_header_cleanup(site: Site, chroot: bool) -> None:
    site.converge(postfix_header_cleanup=True, postfix_chroot=chroot)
    for port in (587, 465):
        mark = f"cleaned-{port}-{chroot}"
        message = HEADERS + KEPT.format(mark=mark)
        code, text = site.smtp(port, sender=ALICE, recipient=BOB, message=message, login=ALICE_LOGIN)
        assert code == 250, text
        head, _blank, body = site.delivered(mark).partition("\n\n")
        assert "ecret" not in head
        # Of the Received headers, that of the delivery and no other.
        assert "laptop" not in head
        assert "client.example.net" not in head
        assert "\nMIME-Version: 1.0\n" in head
        assert "X-Mailer-Of-The-Month: kept" in head
        assert "X-Mailer: kept in the attachment" in body
    mark = f"stranger-{chroot}"
    code, text = site.smtp(25, message=HEADERS + KEPT.format(mark=mark))
    assert code == 250, text
    assert "X-Mailer: Secret Mail 1" in site.delivered(mark)


@pytest.mark.long
def test_header_cleanup_off_again(site: Site) -> None:
    site.converge()
    assert "submission-cleanup" not in site.host.run("postconf -M").stdout
    message = HEADERS + KEPT.format(mark="left-as-it-is")
    assert site.smtp(587, sender=ALICE, recipient=BOB, message=message, login=ALICE_LOGIN)[0] == 250
    assert "X-Mailer: Secret Mail 1" in site.delivered("left-as-it-is")


def test_testing_and_production(site: Site) -> None:
    assert site.smtp(recipient="nobody@example.test")[0] == 550
    site.converge(postfix_stage="testing")
    assert site.smtp(recipient="nobody@example.test")[0] == 450
    assert site.smtp(recipient="alice@foreign.example")[0] == 454
    site.set()
    assert site.smtp(recipient="nobody@example.test")[0] == 550
    assert site.smtp(recipient="alice@foreign.example")[0] == 554


@pytest.mark.long
def test_restrictions_by_stage(site: Site) -> None:
    site.host.write("/etc/postfix/own_clients", "/^/ 521 5.7.1 not from here\n")
    site.converge(
        postfix_restrictions={
            "helo": {"append": ["check_helo_access inline:{bad.example.net=REJECT}"]},
            "recipient": {
                "before": {"reject_unauth_destination": ["check_recipient_access inline:{x@foreign.example=OK}"]}
            },
        },
        postfix_user_restrictions={"sender": {"prepend": [f"check_sender_access inline:{{{ALICE}=REJECT}}"]}},
    )
    assert site.smtp(helo="bad.example.net")[0] == 554
    assert site.smtp()[0] == 250
    # The relay list still refuses what the recipient list permits.
    assert site.smtp(recipient="x@foreign.example")[0] == 554
    assert site.smtp(587, sender=ALICE, recipient=BOB, login=ALICE_LOGIN)[0] == 554
    site.converge()
    assert site.smtp(helo="bad.example.net")[0] == 250
    assert site.smtp(587, sender=ALICE, recipient=BOB, login=ALICE_LOGIN)[0] == 250


#: a program that sends mail without a look at the replies; prints them
BLIND = """
import socket, sys
with socket.create_connection(("127.0.0.1", 25), 30, (sys.argv[1], 0)) as connection:
    connection.sendall(
        b"EHLO spam.example.net\\r\\nMAIL FROM:<x@example.net>\\r\\nRCPT TO:<alice@example.test>\\r\\n"
        b"DATA\\r\\nSubject: blind\\r\\n\\r\\nblind\\r\\n.\\r\\nQUIT\\r\\n"
    )
    while part := connection.recv(4096):
        sys.stdout.write(part.decode())
"""


def _ports(site: Site) -> dict[str, list[str]]:
    """By name/type, the columns of master.cf that postscreen has to do with."""
    rows = [line.split() for line in site.host.run("postconf -M").stdout.splitlines()]
    keys = ("smtp/inet", "smtpd/pass", "dnsblog/unix", "tlsproxy/unix")
    return {f"{row[0]}/{row[1]}": row[6:] for row in rows if f"{row[0]}/{row[1]}" in keys}


def test_postscreen(site: Site) -> None:
    """Who talks before the greeting is refused, who waits is served by the same server as before."""
    before = _ports(site)
    assert before == {"smtp/inet": ["-", "smtpd"]}
    own = {"smtp/inet": {"options": {"smtpd_helo_restrictions": "check_helo_access inline:{bad.example.net=REJECT}"}}}
    site.set(postfix_services=own)
    assert site.smtp(helo="bad.example.net")[0] == 554
    site.converge(postfix_services=own, postfix_postscreen=True)
    ports = _ports(site)
    assert ports["smtpd/pass"][:2] == ["-", "smtpd"]
    assert "bad.example.net" in " ".join(ports["smtpd/pass"])
    assert {key: row for key, row in ports.items() if key != "smtpd/pass"} == {
        "smtp/inet": ["1", "postscreen"], "dnsblog/unix": ["0", "dnsblog"], "tlsproxy/unix": ["0", "tlsproxy"],
    }  # fmt: skip
    address = site.host.run("hostname -i").stdout.split()[0]
    replies = site.host.run(["python3", "-c", BLIND, address]).stdout
    assert re.match(r"220-.*\r?\n(.*\n)*5(50|21) 5\.", replies), replies
    assert "\n250 2.0.0 Ok: queued" not in replies
    assert "PREGREET" in site.host.run("grep postscreen /var/log/mail.log").stdout
    assert site.smtp(message=KEPT.format(mark="who-waits"))[0] == 250
    assert "who-waits" in site.delivered("who-waits")
    assert f"PASS NEW [{address}]" in site.host.run("grep postscreen /var/log/mail.log").stdout
    assert not site.host.run("grep -rl '^Subject: blind' /var/vmail", check=False).stdout
    # The restrictions are where they were.
    assert site.smtp(helo="bad.example.net")[0] == 554
    assert site.smtp(recipient="nobody@example.test")[0] == 550
    assert site.smtp(recipient="x@foreign.example")[0] == 554
    assert site.smtp(source="127.0.0.1", recipient=ALICE)[0] == 250
    assert site.smtp(587, sender=ALICE, recipient=BOB, login=ALICE_LOGIN)[0] == 250


@pytest.mark.long
def test_postscreen_with_an_access_list_and_a_list_in_the_dns(site: Site) -> None:
    address = site.host.run("hostname -i").stdout.split()[0]
    site.converge(postfix_postscreen=True, postfix_postscreen_access={address: "reject"})
    assert site.smtp()[0] == 550
    wish: dict[str, Any] = {
        "postfix_postscreen_dns_lists": ["bl.example.test*2"],
        "postfix_postscreen_dns_threshold": 2,
    }
    site.converge(postfix_postscreen=True, postfix_postscreen_access={address: "permit"}, **wish)
    assert site.smtp()[0] == 250
    assert "postscreen_dnsbl_sites = bl.example.test*2" in site.host.run("postconf -n").stdout


@pytest.mark.long
def test_postscreen_with_clients_by_certificate(site: Site) -> None:
    """The server behind it asks for the certificate; tlsproxy serves only whom postscreen refuses or tests."""
    site.converge(
        postfix_postscreen=True,
        postfix_tls_client_services=["smtp"],
        postfix_relay_clients=[{"name": "printer", "fingerprint": "0" * 64}],
    )
    asked = "openssl s_client -tls1_2 -starttls smtp -connect 127.0.0.1:25 </dev/null 2>&1"
    assert "Client Certificate Types" in site.host.run(asked, check=False).stdout
    assert site.smtp()[0] == 250


def test_postscreen_off_again(site: Site) -> None:
    site.converge()
    assert _ports(site) == {"smtp/inet": ["-", "smtpd"]}
    assert "postscreen" not in site.host.run("postconf -n").stdout
    assert site.smtp(message=KEPT.format(mark="without-screen"))[0] == 250
    assert "without-screen" in site.delivered("without-screen")


@pytest.mark.long
def test_unlisted_senders(site: Site) -> None:
    assert site.smtp(sender="nobody@example.test")[0] == 250
    site.converge(postfix_reject_unlisted_sender=True)
    assert site.smtp(sender="nobody@example.test")[0] == 550
    assert site.smtp(sender=BOB)[0] == 250
    site.set()


@pytest.mark.long
def test_one_option_of_a_service_leaves_the_others(site: Site) -> None:
    """alice cannot send as bob because somebody limits the connections."""
    site.converge(postfix_services={"submission/inet": {"options": {"smtpd_client_connection_count_limit": 7}}})
    assert "7" in site.host.run("postconf -P submission/inet/smtpd_client_connection_count_limit").stdout
    assert site.smtp(587, sender=BOB, recipient=ALICE, login=ALICE_LOGIN)[0] == 553
    assert site.smtp(587, sender=ALICE, recipient=BOB, login=ALICE_LOGIN)[0] == 250


@pytest.mark.parametrize(
    "off",
    [
        ("submission", "submissions"),
        *(pytest.param((name,), marks=pytest.mark.long) for name in ("submission", "submissions")),
    ],
)
def test_submission_either_or_none(site: Site, off: tuple[str, ...]) -> None:
    site.converge(**{f"postfix_{name}": "no" for name in off})
    listening = site.host.run("postconf -M").stdout
    for name in ("submission", "submissions"):
        assert (f"{name} " in listening) == (name not in off)
    assert site.smtp()[0] == 250


@pytest.mark.long
def test_virtual_stores_where_dovecot_reads(site: Site) -> None:
    """virtual(8) writes as the account of the mail store, whose numbers come from the host."""
    site.converge(mail_delivery="virtual", postfix_message_size_limit=0)
    # Its name in master.cf is that of a transport.
    assert site.smtp(message=KEPT.format(mark="by-virtual"))[0] == 250
    assert "by-virtual" in site.delivered("by-virtual")
    where = site.host.run("grep -rl by-virtual /var/vmail").stdout
    assert where.startswith("/var/vmail/example.test/alice/Maildir/"), where
    assert site.host.run(f"stat -c %U {where}").stdout.strip() == "vmail"
    found = site.host.run(["doveadm", "search", "-u", ALICE, "subject", "by-virtual"]).stdout
    assert found.strip()
    assert site.smtp(recipient="nobody@example.test")[0] == 550
    site.set()


@pytest.mark.long
def test_local_domains_with_virtual_mailboxes(site: Site) -> None:
    site.converge(postfix_local_domains=["example.test"], postfix_local_transport="$virtual_transport",
                  postfix_virtual_mailbox_domains=[])  # fmt: skip
    assert site.smtp(message=KEPT.format(mark="local-to-virtual"))[0] == 250
    assert "local-to-virtual" in site.delivered("local-to-virtual")
    assert site.smtp(recipient="nobody@example.test")[0] == 550
    site.set()


@pytest.mark.long
def test_aliases_and_tables(site: Site) -> None:
    site.converge(
        postfix_aliases={"root": ALICE},
        postfix_tables=[
            {
                "path": "/etc/postfix/canonical",
                "entries": {"old@example.test": BOB},
                "parameter": "recipient_canonical_maps",
            },
            {"path": "/etc/postfix/refused", "type": "cidr", "content": "192.0.2.0/24 REJECT\n"},
        ],
        postfix_restrictions={"client": ["check_client_access cidr:/etc/postfix/refused"]},
    )
    for recipient, mark in ((f"root@{NAME}", "to-root"), ("old@example.test", "to-old")):
        assert site.smtp(source="127.0.0.1", recipient=recipient, message=KEPT.format(mark=mark))[0] == 250
    assert "to-root" in site.delivered("to-root")
    assert "to-old" in site.delivered("to-old")
    assert "/bob/" in site.host.run("grep -rl to-old /var/vmail").stdout
    site.converge()
    assert "own_aliases" not in site.host.run("postconf alias_maps").stdout


def test_another_file_of_aliases(site: Site) -> None:
    """It begins with the entries of the platform's, and is indexed."""
    site.host.run(f"echo 'support: {ALICE}' >>/etc/aliases")
    site.converge(postfix_alias_file="/etc/postfix/aliases")
    assert "support:" in site.host.read("/etc/postfix/aliases")
    assert site.smtp(source="127.0.0.1", recipient=f"support@{NAME}", message=KEPT.format(mark="to-support"))[0] == 250
    assert "to-support" in site.delivered("to-support")
    # Without a value, Debian's Postfix asks NIS too.
    back = "postconf -e alias_maps=hash:/etc/aliases alias_database=hash:/etc/aliases"
    site.host.run(f"newaliases && {back} && newaliases")


@pytest.mark.long
def test_a_relay_host_with_a_login(site: Site) -> None:
    """The host itself is the relay: what it may send there it may send with a login only."""
    site.converge(
        postfix_relayhost="[127.0.0.1]:587",
        postfix_relayhost_username=ALICE,
        postfix_relayhost_password="one-two-three",
        postfix_transports={"relayed.example": "smtp:[127.0.0.1]:587"},
        postfix_parameters={"virtual_alias_domains": "final.example"},
    )
    assert site.host.run("stat -c '%a %U' /etc/postfix/relay_passwords").stdout.strip() == "600 root"
    site.host.run(["sendmail", "-f", ALICE, "x@relayed.example"], data="Subject: with-login\n\nbody\n")
    until(lambda: "sasl_username=alice@example.test" in site.host.run("cat /var/log/mail.log").stdout, "the login")
    site.host.run("postsuper -d ALL")
    site.converge()
    assert "relayhost =\n" in site.host.run("postconf relayhost").stdout
    site.host.run("postsuper -d ALL; : >/var/log/mail.log")


@pytest.fixture(scope="module", params=["trixie-mail", pytest.param("bullseye-mail", marks=pytest.mark.long)])
def sender(request: pytest.FixtureRequest) -> Iterator[Host]:
    with Host(request.param) as host:
        yield host


def test_a_host_that_only_sends(sender: Host) -> None:
    """One variable says it; nothing listens beyond the host itself, and no certificate is made."""
    variables = {**sender.connection, "mail_accounts": "none", "mail_hostname": NAME}
    for options, changed in ((["--check"], True), ([], True), (["--check"], False), ([], False)):
        run = playbook("puffy.mail.site", mail_hosts({NAME: variables}), *options)
        assert run.rc == 0, run.output
        assert (run.counts["changed"] > 0) == changed, run.output
    assert sender.run("postconf -h inet_interfaces smtpd_tls_security_level mydestination").stdout.split("\n")[:3] == [
        "loopback-only", "none", "",
    ]  # fmt: skip
    assert sender.run("test -e /etc/ssl/mail.example.test.chain.pem", check=False).returncode == 1
    address = sender.run("hostname -i").stdout.split()[0]
    refused = f"import socket; socket.create_connection(('{address}', 25), 5)"
    assert "refused" in sender.run(["python3", "-c", refused], check=False).stderr
    sender.run("printf 'Subject: x\\n\\nbody\\n' | sendmail root@elsewhere.invalid && postqueue -p")


@pytest.mark.long
def test_accounts_of_the_system(sender: Host) -> None:
    variables = {
        **sender.connection, "mail_accounts": "system", "mail_hostname": NAME,
        "postfix_home_mailbox": "Maildir/", "postfix_tls_security_level": "none",
    }  # fmt: skip
    for options, changed in (([], True), (["--check"], False), ([], False)):
        run = playbook("puffy.mail.site", mail_hosts({NAME: variables}), *options)
        assert run.rc == 0, run.output
        assert (run.counts["changed"] > 0) == changed, run.output
    sender.run("id carol || useradd -m carol")
    sender.run("printf 'Subject: to-carol\\n\\nbody\\n' | sendmail carol")
    sender.wait("grep -rq to-carol /home/carol/Maildir/new")
    spool = {**variables, "postfix_home_mailbox": ""}
    assert playbook("puffy.mail.site", mail_hosts({NAME: spool}), "--tags", "postfix").rc == 0
    sender.run("printf 'Subject: to-spool\\n\\nbody\\n' | sendmail carol")
    sender.wait("grep -q to-spool /var/mail/carol")
    # mail(1) reads what was delivered, and what it sends arrives.
    sender.run("apt-get install -y -qq --no-install-recommends bsd-mailx")
    read = "su carol -c 'mail -N'"
    assert "Subject: to-spool" in sender.run(read, data="print 1\nexit\n").stdout
    sender.run("su carol -c 'mail -s from-carol root'", data="body\n")
    sender.wait("grep -q '^Subject: from-carol' /var/mail/root")
    found = sender.run("mail -N", data="print $\nexit\n").stdout
    assert "Subject: from-carol" in found
    assert re.search(r"^From: .*carol@", found, re.M)


def test_the_log_has_no_warning(site: Site) -> None:
    site.set()
    assert site.log_problems() == ""
