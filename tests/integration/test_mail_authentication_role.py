# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role mail_authentication with the real milters and Postfix: what is signed, what is believed, what is refused.

The playbook runs against all releases at once. Mail comes from outside through Postfix's XCLIENT.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness import name_server, playbooks
from ansible_collections.puffy.mail.tests.harness.containers import POSTFIX, Host

pytestmark = pytest.mark.containers

#: the first one in make test, all in make test-long
RELEASES = ("trixie", *(name for name in POSTFIX if name != "trixie"))
VARIABLES = {
    "mail_authentication": ["dkim", "dmarc", "spf"],
    "mail_hostname": "mail.example.org",
    "mail_accounts": "none",
    "mail_authentication_domains": ["example.org"],
    # libunbound keeps the names of RFC 6761, such as .test, to itself, so the domains of this file are of other names.
    "mail_authentication_nameservers": ["127.0.0.1"],
}
REJECT = {f"mail_authentication_{name}": "reject" for name in ("bad_signature", "dmarc_failure", "spf_failure")}
PLAYBOOK = """
- hosts: all
  gather_facts: false
  roles: [puffy.mail.mail_authentication]
"""
#: Postfix as the role postfix sets it where mail_authentication names the three methods; and XCLIENT for the tests
POSTFIX_SETUP = r"""
postconf -e myhostname=mail.example.org mydestination=example.org 'mynetworks=127.0.0.0/8' 'alias_maps=' \
  'smtpd_authorized_xclient_hosts=127.0.0.0/8' 'home_mailbox=Maildir/' 'milter_default_action=tempfail' \
  'smtpd_milters=unix:opendkim/opendkim.sock,unix:opendmarc/opendmarc.sock' \
  'non_smtpd_milters=unix:opendkim/opendkim.sock' 'policyd-spf_time_limit=3600' \
  'smtpd_relay_restrictions=permit_mynetworks,reject_unauth_destination' \
  'smtpd_recipient_restrictions=permit_mynetworks,check_policy_service unix:private/policyd-spf'
postconf -M 'policyd-spf/unix=policyd-spf unix - n n - 0 spawn user=policyd-spf argv=/usr/bin/policyd-spf'
useradd -m alice
postfix stop 2>/dev/null || :
postfix start
"""
SEND = r"""
import json, smtplib, sys
from_outside, sender, message = json.load(sys.stdin)
with smtplib.SMTP("127.0.0.1", 25, timeout=120) as client:
    client.ehlo()
    if from_outside:
        client.docmd("XCLIENT", f"ADDR={from_outside} NAME=client.example.net HELO=client.example.net")
        client.ehlo("client.example.net")
    try:
        client.sendmail(sender, ["alice@example.org"], message)
        print(json.dumps([250, ""]))
    except smtplib.SMTPRecipientsRefused as exc:
        code, text = exc.recipients["alice@example.org"]
        print(json.dumps([code, text.decode()]))
    except smtplib.SMTPResponseException as exc:
        print(json.dumps([exc.smtp_code, exc.smtp_error.decode()]))
"""
OUR_ADDRESS, FOREIGN_ADDRESS = "192.0.2.1", "198.51.100.66"


class Fleet:
    """A host of each release, and the role for them."""

    def __init__(self, directory: Path, releases: Iterable[str]) -> None:
        self.directory = directory
        self.hosts = {release: Host(f"{release}-milters") for release in releases}
        self.sent = 0

    def play(self, *options: str, only: str = "", **variables: Any) -> playbooks.Run:
        hosts = {name: host.connection for name, host in self.hosts.items() if not only or name == only}
        inventory = {"all": {"vars": {**VARIABLES, **variables}, "hosts": hosts}}
        run = playbooks.playbook(PLAYBOOK, inventory, *options, directory=self.directory)
        assert run.rc == 0, run.output
        return run

    def changed(self, run: playbooks.Run) -> set[int]:
        return {counts["changed"] for counts in run.hosts.values()}


@pytest.fixture(scope="module")
def fleet(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    items = [item for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    asked = {item.callspec.params.get("host", RELEASES[0]) for item in items}
    made = Fleet(tmp_path_factory.mktemp("milters"), [name for name in RELEASES if name in {*asked, RELEASES[0]}])
    try:
        yield made
    finally:
        for host in made.hosts.values():
            host.close()


@pytest.fixture(scope="module")
def runs(fleet: Fleet) -> list[playbooks.Run]:
    """Check, run, check, run. Then the zone has what the role says, and Postfix uses the sockets."""
    made = [fleet.play(*options) for options in (["--check"], [], ["--check", "--diff"], [])]
    for host in fleet.hosts.values():
        publish(host)
        host.run(POSTFIX_SETUP)
    return made


def publish(host: Host, policy: str = "reject") -> None:
    """Serve the records that the role wrote, and those of SPF and DMARC."""
    line = host.read("/etc/opendkim/keys/example.org/mail.txt")
    name, text = line.split(". IN TXT ")[0], "".join(re.findall(r'"([^"]*)"', line))
    zone = {
        name: {"TXT": [text]},
        "example.org": {"MX": ["mail.example.org"], "TXT": [f"v=spf1 ip4:{OUR_ADDRESS} -all"]},
        "_dmarc.example.org": {"TXT": [f"v=DMARC1; p={policy}"]},
        "mail.example.org": {"A": [OUR_ADDRESS]},
    }
    if host.run("test -e /usr/local/bin/test-name-server", check=False).returncode == 0:
        name_server.publish(host, zone)
    else:
        name_server.start(host, zone)


@pytest.fixture(params=[RELEASES[0], *(pytest.param(name, marks=pytest.mark.long) for name in RELEASES[1:])])
def host(request: pytest.FixtureRequest, fleet: Fleet, runs: list[playbooks.Run]) -> Host:
    return fleet.hosts[request.param]


def message(subject: str, body: str = "Hello\r\n", extra: str = "") -> str:
    return (
        f"{extra}From: alice@example.org\r\nTo: alice@example.org\r\nSubject: {subject}\r\n"
        f"Date: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <{subject}@example.org>\r\n\r\n{body}"
    )


def send(host: Host, text: str, outside: str = "", sender: str = "alice@example.org") -> tuple[int, str]:
    done = host.run(["python3", "-c", SEND], data=json.dumps([outside, sender, text]))
    code, said = json.loads(done.stdout)
    return code, said


def received(host: Host, subject: str) -> str:
    """The message in the mailbox, each header on one line; it is removed there."""
    host.wait(f"grep -qs 'Subject: {subject}$' /home/alice/Maildir/new/*")
    text = host.run(f"cat $(grep -l 'Subject: {subject}$' /home/alice/Maildir/new/*)").stdout
    host.run("rm /home/alice/Maildir/new/*")
    return re.sub(r"\n[ \t]+", " ", text)


def results(text: str) -> dict[str, str]:
    """The results that our host wrote, by method."""
    told = re.findall(r"^Authentication-Results: mail\.example\.org;(.*)$", text, re.MULTILINE)
    return dict(re.findall(r"\b(dkim|dmarc|spf)=(\w+)", " ".join(told)))


def signed(host: Host, subject: str) -> str:
    """The header with the signature of a message that this host sent."""
    assert send(host, message(subject)) == (250, "")
    found = re.search(r"^DKIM-Signature: .*$", received(host, subject), re.MULTILINE)
    assert found is not None, host.read("/var/log/mail.log")
    return f"{found[0]}\r\n"


def test_check_mode_tells_the_truth(fleet: Fleet, runs: list[playbooks.Run]) -> None:
    predicted, first, again, second = runs
    assert predicted.changed == first.changed, predicted.output
    assert fleet.changed(first) == {5}
    assert (fleet.changed(again), fleet.changed(second)) == ({0}, {0}), again.output + second.output


def test_the_record_is_shown_and_is_that_of_the_key(host: Host, runs: list[playbooks.Run]) -> None:
    line = host.read("/etc/opendkim/keys/example.org/mail.txt").strip()
    assert line.startswith('mail._domainkey.example.org. IN TXT ( "v=DKIM1; k=rsa; p=MIIB')
    assert line in runs[1].stdout.replace('\\"', '"')
    public = host.run("openssl pkey -in /etc/opendkim/keys/example.org/mail.private -pubout").stdout
    assert "".join(public.splitlines()[1:-1]) == re.search(r"p=(.*)", "".join(re.findall(r'"([^"]*)"', line)))[1]  # type: ignore[index]


def test_keys_and_sockets_are_for_those_who_need_them(host: Host) -> None:
    key, directory = "/etc/opendkim/keys/example.org/mail.private", "/etc/opendkim"
    assert host.run(["stat", "-c", "%U %G %a", key, directory]).stdout.splitlines() == [
        "root opendkim 640", "root opendkim 750",
    ]  # fmt: skip
    for name in ("opendkim", "opendmarc"):
        place = f"/var/spool/postfix/{name}"
        listed = host.run(["stat", "-c", "%F %U %G %a", place, f"{place}/{name}.sock"]).stdout.splitlines()
        assert listed == [f"directory {name} postfix 2750", f"socket {name} postfix 770"]
        assert "managed" in host.read(f"/etc/{name}.conf").lower()
        assert host.run(f"test -e /etc/{name}.conf.orig", check=False).returncode == 0
    assert "warning" not in host.run("postfix check 2>&1 | grep -v -i compatib", check=False).stdout


def test_a_signed_message_verifies(host: Host) -> None:
    signature = signed(host, "verifies")
    assert "d=example.org; s=mail;" in signature
    assert send(host, message("verifies", extra=signature), FOREIGN_ADDRESS, "list@example.net") == (250, "")
    assert results(received(host, "verifies")) == {"dkim": "pass", "dmarc": "pass", "spf": "none"}


def test_a_forged_message_is_marked(host: Host) -> None:
    signature = signed(host, "forged")
    forged = message("forged", "Pay me\r\n", extra=signature)
    assert send(host, forged, FOREIGN_ADDRESS) == (250, "")
    assert results(received(host, "forged")) == {"dkim": "fail", "dmarc": "fail", "spf": "fail"}
    assert send(host, message("right"), OUR_ADDRESS) == (250, "")
    assert results(received(host, "right")) == {"dkim": "none", "dmarc": "pass", "spf": "pass"}


def test_results_of_others_are_not_believed(host: Host) -> None:
    claim = "Authentication-Results: mail.example.org; dkim=pass header.d=example.org\r\n"
    assert send(host, message("claim", extra=claim), FOREIGN_ADDRESS, "x@example.net") == (250, "")
    assert results(received(host, "claim")) == {"dkim": "none", "dmarc": "fail", "spf": "none"}


def test_mail_of_other_domains_leaves_unsigned(host: Host) -> None:
    foreign = message("foreign").replace("From: alice@example.org", "From: bob@example.net")
    assert send(host, foreign, sender="bob@example.net") == (250, "")
    assert "DKIM-Signature" not in received(host, "foreign")


def test_mail_of_the_command_line_is_signed(host: Host) -> None:
    host.run("sendmail -f alice@example.org alice@example.org", data=message("local").replace("\r", ""))
    assert "d=example.org; s=mail;" in received(host, "local")


@pytest.mark.parametrize(
    ("action", "answer"), [("tempfail", (451, "4.7.1 Service unavailable - try again later")), ("accept", (250, ""))]
)
def test_a_milter_that_died(fleet: Fleet, host: Host, action: str, answer: tuple[int, str]) -> None:
    release = next(name for name, known in fleet.hosts.items() if known is host)
    host.run(f"postconf -e milter_default_action={action}; postfix reload; kill -9 $(cat /run/opendkim/opendkim.pid)")
    host.wait("! kill -0 $(cat /run/opendkim/opendkim.pid)")
    host.wait("! pgrep -x smtpd")
    assert send(host, message("dead")) == answer
    if answer[0] == 250:
        assert "DKIM-Signature" not in received(host, "dead")
    # The next run of the role starts the milter again, and says so before.
    assert "OpenDKIM is not running" in fleet.play("--check", "-v", only=release).stdout
    assert fleet.play(only=release).hosts[release]["changed"] == 1
    host.run("postconf -e milter_default_action=tempfail; postfix reload")
    assert "d=example.org" in signed(host, "alive")


def test_what_fails_is_refused_where_that_is_chosen(fleet: Fleet, runs: list[playbooks.Run]) -> None:
    signatures = {name: signed(host, "refused") for name, host in fleet.hosts.items()}
    assert fleet.changed(fleet.play(**REJECT)) == {2}
    assert fleet.changed(fleet.play("--check", **REJECT)) == {0}
    for name, host in fleet.hosts.items():
        forged = message("refused", "Pay me\r\n", extra=signatures[name])
        code, said = send(host, forged, FOREIGN_ADDRESS)
        assert (code, "SPF fail" in said) == (550, True), said
        code, said = send(host, forged, FOREIGN_ADDRESS, "x@example.net")
        assert (code, said) == (550, "5.7.0 bad DKIM signature data"), said
        code, said = send(host, message("refused"), FOREIGN_ADDRESS, "x@example.net")
        assert (code, said) == (550, "5.7.1 rejected by DMARC policy for example.org"), said
        assert send(host, message("ours"), OUR_ADDRESS) == (250, "")
        assert results(received(host, "ours"))["dmarc"] == "pass"
        publish(host, "none")
        host.run("sleep 2")
        assert send(host, message("none"), FOREIGN_ADDRESS, "x@example.net") == (250, "")
        assert results(received(host, "none"))["dmarc"] == "fail"


def test_domains_come_from_the_database_and_keys_stay(fleet: Fleet, runs: list[playbooks.Run]) -> None:
    release = RELEASES[0]
    host = fleet.hosts[release]
    host.run(["python3", "-c", (
        "import sqlite3; database = sqlite3.connect('/tmp/accounts.sqlite'); database.executescript('''"
        "CREATE TABLE domain (domain TEXT, backupmx INTEGER, active INTEGER);"
        "INSERT INTO domain VALUES ('ALL', 0, 1), ('Example.COM', 0, 1), ('mx.example', 1, 1), ('off.example', 0, 0)"
        "''')"
    )])  # fmt: skip
    before = host.run("sha256sum /etc/opendkim/keys/example.org/mail.private").stdout
    database: dict[str, Any] = {"mail_accounts": "sqlite", "mail_database": "/tmp/accounts.sqlite"}
    fleet.play(only=release, **database)
    assert host.read("/etc/opendkim/signing_table") == (
        "*@example.com mail._domainkey.example.com\n*@example.org mail._domainkey.example.org\n"
    )
    database["mail_authentication_domains"] = ["example.com"]
    fleet.play(only=release, **database)
    assert host.read("/etc/opendkim/signing_table") == "*@example.com mail._domainkey.example.com\n"
    assert host.run("sha256sum /etc/opendkim/keys/example.org/mail.private").stdout == before
    assert fleet.play(only=release, **database).hosts[release]["changed"] == 0


@pytest.mark.long
def test_milters_that_are_no_longer_wanted_are_stopped(fleet: Fleet, runs: list[playbooks.Run]) -> None:
    """First one of them, then all; and who starts one by hand later keeps it."""
    pids = "cat /run/opendkim/opendkim.pid /run/opendmarc/opendmarc.pid 2>/dev/null | xargs -r ps -o comm= -p"
    release = RELEASES[0]
    host = fleet.hosts[release]

    def running() -> set[str]:
        return set(host.run(pids, check=False).stdout.split())

    fleet.play(only=release)
    assert running() == {"opendkim", "opendmarc"}
    for methods, left in ((["dkim"], {"opendkim"}), ([], set())):
        wish = {"mail_authentication": methods}
        foretold = fleet.play("--check", only=release, **wish)
        done = fleet.play(only=release, **wish)
        assert foretold.changed == done.changed
        assert done.changed[-1].endswith("Stop the milters that are no longer wanted")
        assert running() == left
        for options in (["--check"], []):
            assert fleet.play(*options, only=release, **wish).hosts[release]["changed"] == 0
    assert "S01opendkim" not in host.run("ls /etc/rc2.d").stdout
    host.run("/etc/init.d/opendkim start")
    fleet.play(only=release, mail_authentication=[])
    assert "opendkim" in running()
    # Wanted again, both run again.
    fleet.play(only=release)
    assert running() == {"opendkim", "opendmarc"}
