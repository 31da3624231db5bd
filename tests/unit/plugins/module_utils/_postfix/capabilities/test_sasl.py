# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who checks passwords."""

from __future__ import annotations

import re

import pytest

from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.capabilities.wishes import (
    composed,
    refused,
)

OFF = {"postfix_sasl_type": "none", "postfix_submission": False, "postfix_submissions": False}
PRINTER = {"name": "printer", "fingerprint": "0" * 64}


def test_none() -> None:
    found = composed(**OFF)
    assert found.parameters["smtpd_sasl_auth_enable"] is False
    assert {"smtpd_sasl_type", "smtpd_sasl_path"} <= set(found.absent)


def test_cyrus() -> None:
    found = composed(postfix_sasl_type="cyrus", postfix_sasl_path="smtpd")
    assert (found.parameters["smtpd_sasl_type"], found.parameters["smtpd_sasl_path"]) == ("cyrus", "smtpd")


@pytest.mark.parametrize("name", ["postfix_submission", "postfix_submissions"])
def test_a_port_on_which_nobody_could_log_in(name: str) -> None:
    assert refused(**{**OFF, name: "yes"}) == [
        f"{name} is true, and postfix_sasl_type is 'none', so nobody could send there. Set postfix_sasl_type, or"
        f" {name}: false."
    ]


def test_clients_with_certificates_need_no_password() -> None:
    assert refused(postfix_sasl_type="none", postfix_relay_clients=[PRINTER]) == []
    found = composed(postfix_sasl_type="none", postfix_relay_clients=[PRINTER])
    assert found.services["submission/inet"]["options"]["smtpd_sasl_auth_enable"] == "no"
    # smtpd(8) would warn of it with each message.
    assert "login_mismatch" not in str(found)
    assert "reject_sender_login_mismatch" in str(composed())


def test_users_of_the_system_own_the_address_of_their_name() -> None:
    found = composed(
        postfix_accounts="system", postfix_delivery="local", postfix_sasl_type="cyrus", postfix_sender_login_maps=[],
        postfix_hostname="mail.example.org",
        postfix_local_domains=["$myhostname", "$mydomain", "hash:/etc/postfix/more"], postfix_recipient_delimiter="+",
        postfix_sasl_local_domain="realm.example",
    )  # fmt: skip
    assert found.parameters["smtpd_sender_login_maps"] == ["regexp:/etc/postfix/own_addresses"]
    (table,) = [table for table in found.tables if table.path == "/etc/postfix/own_addresses"]
    owners = "${1},${1}@mail.example.org,${1}@example.org,${1}@realm.example"
    assert table.content == (
        f"/^([^@+]+)([+][^@]*)?@mail\\.example\\.org$/ {owners}\n/^([^@+]+)([+][^@]*)?@example\\.org$/ {owners}\n"
    )
    # Where nobody can log in, or the accounts have a table, there is none.
    assert not composed().tables
    assert not composed(**OFF, postfix_accounts="system", postfix_delivery="local").tables


SYSTEM = {
    "postfix_accounts": "system",
    "postfix_delivery": "local",
    "postfix_sasl_type": "cyrus",
    "postfix_sasl_path": "smtpd",
    "postfix_sender_login_maps": [],
    "postfix_hostname": "mail.example.org",
    "postfix_local_domains": ["$myhostname"],
}


@pytest.mark.parametrize("realm", ["$mydomain", "${mydomain}", "$(mydomain)", "example.org"])
def test_a_login_with_the_realm_owns_its_addresses(realm: str) -> None:
    found = composed(**SYSTEM, postfix_sasl_local_domain=realm)
    (table,) = (table for table in found.tables if table.path == "/etc/postfix/own_addresses")
    owners = {line.split()[1] for line in (table.content or "").splitlines()}
    assert owners == {"${1},${1}@mail.example.org,${1}@example.org"}
    assert found.parameters["smtpd_sasl_local_domain"] == realm


@pytest.mark.parametrize("delimiter", ["+", "-", "-+", "+-", ".", "_-+"])
def test_each_delimiter_ends_the_name(delimiter: str) -> None:
    found = composed(**SYSTEM, postfix_recipient_delimiter=delimiter)
    (table,) = (table for table in found.tables if table.path == "/etc/postfix/own_addresses")
    (line,) = [line for line in (table.content or "").splitlines() if "mail" in line.split()[0]]
    # Python reads a bracket without a backslash as regcomp(3) does.
    assert "\\" not in "".join(re.findall(r"\[.*?\]", line.split()[0]))
    pattern = re.compile(line.split()[0].strip("/"))
    for tag in delimiter:
        known = pattern.match(f"alice{tag}news@mail.example.org")
        assert known is not None
        assert known[1] == "alice"
    assert pattern.match("al=ice@mail.example.org")


@pytest.mark.parametrize("kind", ["dovecot", "none"])
def test_a_realm_that_nobody_reads(kind: str) -> None:
    given = {**OFF, "postfix_sasl_type": kind, "postfix_sasl_local_domain": "example.org"}
    assert refused(**given) == [
        f"postfix_sasl_local_domain is set, and postfix_sasl_type is {kind!r}: Postfix hands the realm to Cyrus SASL"
        " alone. Remove postfix_sasl_local_domain, or set postfix_sasl_type: cyrus."
    ]
