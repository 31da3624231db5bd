# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the site playbook has made of the bare host, seen from inside and from outside."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.scenarios import play

STATE = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "state")


def listening(host: Any) -> set[int]:
    """The ports that the host listens on at every IPv4 address; a minimal host has neither ss nor netstat."""
    rows = [line.split() for line in host.file("/proc/net/tcp").content_string.splitlines()[1:]]
    return {int(row[1].partition(":")[2], 16) for row in rows if row[3] == "0A" and row[1].startswith("00000000:")}


@pytest.mark.parametrize("port", [25, 465, 587, 993])
def test_each_port_is_open(host: Any, port: int) -> None:
    assert port in listening(host)


@pytest.mark.parametrize("port", [110, 143, 995])
def test_no_other_mail_port_is_open(host: Any, port: int) -> None:
    assert port not in listening(host)


@pytest.mark.parametrize("service", ["postfix", "dovecot"])
def test_services_start_at_boot(host: Any, service: str) -> None:
    assert host.run(f"ls /etc/rc2.d/S*{service}").rc == 0


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("myhostname", "mail.example.test"),
        ("smtpd_tls_security_level", "may"),
        ("smtpd_sasl_auth_enable", "no"),
        ("virtual_transport", "lmtp:unix:private/dovecot-lmtp"),
        ("virtual_mailbox_domains", "proxy:sqlite:/etc/postfix/sqlite/virtual_mailbox_domains.cf"),
        ("virtual_mailbox_maps", "proxy:sqlite:/etc/postfix/sqlite/virtual_mailbox_maps.cf"),
        ("virtual_alias_maps", "proxy:sqlite:/etc/postfix/sqlite/virtual_alias_maps.cf"),
        ("smtpd_sender_login_maps", "proxy:sqlite:/etc/postfix/sqlite/sender_login_maps.cf"),
    ],
)
def test_postfix_reads_the_parameter(host: Any, parameter: str, value: str) -> None:
    assert host.check_output(f"postconf -h {parameter}") == value


def test_postfix_has_nothing_to_say_about_its_configuration(host: Any) -> None:
    for command in ("postconf -n", "postconf -M", "postfix check"):
        answer = host.run(command)
        assert (answer.rc, answer.stderr) == (0, ""), command


@pytest.mark.parametrize(
    ("table", "key", "answer"),
    [
        ("virtual_mailbox_domains", "example.test", "example.test"),
        ("virtual_mailbox_domains", "other.test", ""),
        ("virtual_mailbox_maps", "Alice@Example.Test", "example.test/alice/"),
        ("virtual_mailbox_maps", "nobody@example.test", ""),
        ("virtual_mailbox_maps", "' OR 1=1 --@example.test", ""),
        ("virtual_alias_maps", "postmaster@example.test", "alice@example.test"),
        ("sender_login_maps", "bob@example.test", "bob@example.test"),
    ],
)
def test_each_table_answers_the_daemons_user(host: Any, table: str, key: str, answer: str) -> None:
    path = f"sqlite:/etc/postfix/sqlite/{table}.cf"
    command = f'setpriv --reuid postfix --regid postfix --clear-groups postmap -q "{key}" {path}'
    assert host.run(command).stdout.strip() == answer


def places(host: Any, secret: str) -> str:
    """Where ``secret`` stands in files of the host. Ansible logs the commands it runs, so it is given in two parts."""
    middle = len(secret) // 2
    needle = f"'{secret[:middle]}''{secret[middle:]}'"
    return str(host.run(f"grep -rslF -e {needle} /etc /root /run /tmp /var").stdout)


def test_secrets_are_where_they_belong(host: Any) -> None:
    key = host.file("/etc/ssl/private/mail.example.test.key")
    assert (key.user, key.mode) == ("root", 0o600)
    ca_keys = list(STATE.joinpath("pki").rglob("*.key"))
    assert ca_keys
    for path in ca_keys:
        assert path.stat().st_mode & 0o777 == 0o600
        line = path.read_text().splitlines()[1]
        assert places(host, line) == ""
    password = (STATE / "alice.password").read_text().split()[0]
    assert places(host, password) == ""
    # and the search does find what is there
    assert "/etc/hostname" in places(host, "mail.example.test")
    database = host.file("/var/lib/puffy-mail/accounts.sqlite")
    assert (database.user, database.group, database.mode) == ("root", "postfix", 0o640)


def test_the_server_key_never_left_the_host(host: Any) -> None:
    line = host.check_output("sed -n 2p /etc/ssl/private/mail.example.test.key")
    assert line
    assert not [path for path in STATE.rglob("*") if path.is_file() and line in path.read_text(errors="replace")]


def test_check_mode_reports_no_change() -> None:
    recap = play("puffy.mail.site", "--check", "--diff")
    assert recap.rc == 0, recap.output
    assert recap.counts["changed"] == 0, recap.output
    assert recap.counts["failed"] == 0


def test_the_host_proves_itself_to_a_client() -> None:
    recap = play("puffy.mail.verify")
    assert recap.rc == 0, recap.output
    assert not re.search(r"\bFAILED\b", recap.output), recap.output
