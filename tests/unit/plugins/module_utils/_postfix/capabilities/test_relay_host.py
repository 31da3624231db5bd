# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that take the mail of this one, and the logins there."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.capabilities.wishes import (
    composed,
    refused,
)

HOST = "[smtp.example.org]:587"
LOGIN = {
    "postfix_relayhost": HOST,
    "postfix_relayhost_username": "relay",
    "postfix_relayhost_password": "one-two-three",
}


def test_without() -> None:
    found = composed()
    assert {
        "relayhost",
        "smtp_sasl_password_maps",
        "smtp_sasl_auth_enable",
        "smtp_sasl_security_options",
        "smtp_sasl_tls_security_options",
        "smtp_sender_dependent_authentication",
        "sender_dependent_relayhost_maps",
        "transport_maps",
    } <= set(found.absent)


def test_a_login_is_for_tls_and_for_root_alone() -> None:
    found = composed(**LOGIN)
    assert found.parameters["relayhost"] == HOST
    assert found.parameters["smtp_sasl_password_maps"] == ["texthash:/etc/postfix/relay_passwords"]
    assert "noplaintext" in found.parameters["smtp_sasl_security_options"]
    assert found.parameters["smtp_sasl_tls_security_options"] == ["noanonymous"]
    (table,) = found.tables
    assert table.secret
    assert table.entries == {HOST: "relay:one-two-three"}
    # The password is in the table and nowhere else.
    assert "one-two-three" not in str([found.parameters, found.services])


def test_by_sender_and_by_recipient() -> None:
    found = composed(
        postfix_relay_credentials=[
            {"sender": "@example.org", "username": "a", "password": "one-two-three"},
            {"host": "[other.example.org]", "username": "b", "password": "four-five-six"},
        ],
        postfix_sender_relayhosts={"@example.org": HOST},
        postfix_transports={"example.net": "smtp:[192.0.2.1]", ".example.net": "relay:"},
    )
    assert found.parameters["smtp_sender_dependent_authentication"] is True
    assert [(table.path, table.secret, table.entries) for table in found.tables] == [
        ("/etc/postfix/relay_passwords", True,
         {"@example.org": "a:one-two-three", "[other.example.org]": "b:four-five-six"}),
        ("/etc/postfix/sender_relayhosts", False, {"@example.org": HOST}),
        ("/etc/postfix/transports", False, {"example.net": "smtp:[192.0.2.1]", ".example.net": "relay:"}),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "sentences"),
    [
        ({"postfix_relayhost": ""},
         ["postfix_relayhost_username is set, and postfix_relayhost is empty. Set postfix_relayhost."]),
        ({"postfix_relayhost_password": ""},
         ["postfix_relayhost_password is empty, and postfix_relayhost_username is not. Set both, or neither to send"
          " without a login."]),
        ({"postfix_relayhost_username": ""},
         ["postfix_relayhost_username is empty, and postfix_relayhost_password is not. Set both, or neither to send"
          " without a login."]),
    ],
)  # fmt: skip
def test_half_a_login(change: dict[str, Any], sentences: list[str]) -> None:
    assert refused(**{**LOGIN, **change}) == sentences


WAITS = (
    ", where the server waits for TLS without STARTTLS, and Postfix waits for the server: mail would stay in the queue."
    " Use port 587. Where the server has port 465 alone, set postfix_parameters: {smtp_tls_wrappermode: true,"
    " smtp_tls_security_level: encrypt}, which holds for each host that Postfix sends mail to."
)


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("postfix_relayhost", "[smtp.example.org]:465", " is '[smtp.example.org]:465'"),
        ("postfix_relayhost", "smtp.example.org:submissions", " is 'smtp.example.org:submissions'"),
        ("postfix_sender_relayhosts", {"@a.test": "[b.test]:smtps"}, "['@a.test'] is '[b.test]:smtps'"),
        ("postfix_transports", {"a.test": "relay:[b.test]:465"}, "['a.test'] is 'relay:[b.test]:465'"),
    ],
)
def test_a_server_that_waits_for_tls(name: str, value: Any, what: str) -> None:
    assert refused(**{name: value}) == [f"{name}{what}{WAITS}"]
    wrapper = {"smtp_tls_wrappermode": True, "smtp_tls_security_level": "encrypt"}
    assert refused(**{name: value}, postfix_parameters=wrapper) == []


def test_a_transport_of_ones_own_knows_its_port() -> None:
    assert refused(postfix_transports={"a.test": "wrapped:[b.test]:465"}) == []
    assert refused(postfix_relayhost="[smtp.example.org]:587") == []
