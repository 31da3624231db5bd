# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""puffy.mail.site on a bare Debian whose account for Ansible is an ordinary one, and each tag alone after that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.containers import Host
from ansible_collections.puffy.mail.tests.harness.playbooks import NAME, Run, mail_hosts, playbook

pytestmark = pytest.mark.containers
BOXES = [{"address": "alice@example.test", "password": "one-two-three"}]
CLIENTS = """
import smtplib, socket, ssl
context = ssl._create_unverified_context()
smtp = smtplib.SMTP("127.0.0.1", 25)
smtp.ehlo()
imap = context.wrap_socket(socket.create_connection(("127.0.0.1", 993)))
smtp.mail("sender@example.net")
"""
#: by tag, a variable that belongs to it with a new value, what to ask the daemons, and the answer
PARTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "inputs": ({}, "", ""),
    "base": ({}, "", ""),
    "tls": (
        {"tls_pki_names": ["imap.example.test"]},
        "smtp.rset(); smtp.starttls(context=context)\n"
        "print([b'imap.example.test' in each.getpeercert(True) for each in (imap, smtp.sock)])",
        "[True, True]",
    ),
    "accounts": (
        {"sqlite_maps_mailboxes": [*BOXES, {"address": "bob@example.test", "password": "four-five-six"}]},
        "print(smtp.rcpt('bob@example.test')[0])\n"
        "imap.recv(999); imap.send(b'a login bob@example.test four-five-six\\r\\n'); print(imap.recv(999)[:4])",
        "250\nb'a OK'",
    ),
    "tables": (
        {"sqlite_maps_aliases": [{"address": "info@example.test", "goto": ["alice@example.test"]}]},
        "print(smtp.rcpt('info@example.test')[0])",
        "250",
    ),
    "dovecot": (
        {"dovecot_extra_configuration": "login_greeting = Hello"},
        "print(imap.recv(999)[-7:])",
        "b'Hello\\r\\n'",
    ),
    "postfix": ({"postfix_message_size_limit": 12345678}, "print(smtp.esmtp_features['size'])", "12345678"),
}
#: the tags that make test tries
QUICK = ("accounts", "postfix")


class Site:
    """The playbook, run by an account that may use sudo."""

    def __init__(self, host: Host, directory: Path) -> None:
        self.host = host
        self.inventory: dict[str, Any] = {
            **host.connection,
            "ansible_user": "deploy",
            "sqlite_maps_domains": ["example.test"],
            "sqlite_maps_mailboxes": BOXES,
            "tls_pki_ca_directory": str(directory),
            # By default it follows postfix_message_size_limit, which a test changes with the tag postfix alone.
            "dovecot_quota_grace": 51200000,
        }

    def ask(self, program: str) -> str:
        """What a Python program prints on the host; it has ``smtp``, greeted, and ``imap``, a TLS connection."""
        return self.host.run(["python3", "-c", CLIENTS + program]).stdout.strip()

    def __call__(self, *options: str, **variables: Any) -> Run:
        return playbook("puffy.mail.site", mail_hosts({NAME: {**self.inventory, **variables}}), *options)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Host("trixie-sudo") as host:
        host.run("useradd -m deploy && echo 'deploy ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/deploy")
        yield Site(host, tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def site(bare: Site) -> Site:
    run = bare("--become")
    assert run.rc == 0, run.output
    return bare


def test_without_become_the_run_stops_and_says_so(bare: Site) -> None:
    before = bare.host.run("find / -xdev -newermt '1 minute ago' -path '/etc/*' | sort").stdout
    run = bare()
    assert run.rc == 2
    assert run.counts["changed"] == 0
    assert (
        '"msg": "The roles of puffy.mail need root on the host, and this task does not run as root.'
        " Set 'become: true' (or connect as root). Nothing was changed.\"}" in run.stdout
    ), run.output
    assert bare.host.run("find / -xdev -newermt '1 minute ago' -path '/etc/*' | sort").stdout == before


def test_an_account_that_may_use_sudo_makes_and_keeps_the_host(site: Site) -> None:
    again = site("--become")
    assert (again.rc, again.counts["changed"]) == (0, 0), again.output
    check = site("--become", "--check", "--diff")
    assert (check.rc, check.counts["changed"]) == (0, 0), check.output
    site.host.run("doveadm auth test alice@example.test one-two-three && postqueue -p")


@pytest.mark.parametrize("tag", [tag if tag in QUICK else pytest.param(tag, marks=pytest.mark.long) for tag in PARTS])
def test_a_tag_does_its_part_and_the_daemons_serve_it(site: Site, tag: str) -> None:
    change, question, answer = PARTS[tag]
    if change:
        assert site.ask(question) != answer
        site.inventory.update(change)
        done = site("--become", "--tags", tag)
        assert done.rc == 0, done.output
        assert done.counts["changed"] > 0, done.output
        assert site.ask(question) == answer
    for options in (["--check"], []):
        again = site("--become", "--tags", tag, *options)
        assert (again.rc, again.counts["changed"]) == (0, 0), again.output


def test_after_the_parts_the_whole_finds_nothing_to_do(site: Site) -> None:
    wrong = site("--become", "--tags", "inputs", postfix_chroot="perhaps")
    assert wrong.rc == 2
    assert "postfix_chroot is 'perhaps'. Use true or false." in wrong.output
    again = site("--become")
    assert (again.rc, again.counts["changed"]) == (0, 0), again.output


@pytest.mark.long
def test_hosts_that_have_different_parts(tmp_path: Path) -> None:
    """Whichever host comes first, each part is set up before Postfix, which relies on it."""
    with Host("trixie-mail") as sender, Host("trixie-mail") as store, Host("trixie-mail") as system:
        hosts: dict[str, dict[str, Any]] = {
            "a.example.test": {**sender.connection, "mail_accounts": "none"},
            "b.example.test": {
                **store.connection, "sqlite_maps_domains": ["example.test"], "sqlite_maps_mailboxes": BOXES,
                "postfix_tables": [
                    {"path": "/etc/postfix/own", "entries": {"a@example.test": "b"}, "parameter": "canonical_maps"},
                ],
            },
            "c.example.test": {**system.connection, "mail_accounts": "system", "postfix_tls_security_level": "none"},
        }  # fmt: skip
        shared = {"tls_pki_ca_directory": str(tmp_path)}
        inventory = mail_hosts({name: {**shared, **own} for name, own in hosts.items()})
        first = playbook("puffy.mail.site", inventory)
        assert first.rc == 0, first.output
        roles = re.findall(r"^TASK \[puffy\.mail\.(\w+) :", first.stdout, re.M)
        assert list(dict.fromkeys(roles)) == ["tls_pki", "sqlite_maps", "dovecot", "postfix"]
        again = playbook("puffy.mail.site", inventory)
        assert (again.rc, again.counts["changed"]) == (0, 0), again.output
        some = playbook("puffy.mail.site", inventory, "--skip-tags", "dovecot,tables")
        assert some.rc == 0, some.output
        roles = re.findall(r"^TASK \[puffy\.mail\.(\w+) :", some.stdout, re.M)
        assert list(dict.fromkeys(roles)) == ["tls_pki", "postfix"]
        store.run("doveadm auth test alice@example.test one-two-three")
