# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who checks passwords."""

from __future__ import annotations

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
        f"/^([^@\\+]+)([\\+][^@]*)?@mail\\.example\\.org$/ {owners}\n"
        f"/^([^@\\+]+)([\\+][^@]*)?@example\\.org$/ {owners}\n"
    )
    # Where nobody can log in, or the accounts have a table, there is none.
    assert not composed().tables
    assert not composed(**OFF, postfix_accounts="system", postfix_delivery="local").tables
