# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked about a recipient, and how much one client may ask for."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._postfix import capabilities
from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import Facts
from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.capabilities.wishes import (
    composed,
    refused,
    wishes,
)

BASE = ["reject_non_fqdn_recipient", "permit_mynetworks", "reject_unauth_destination"]
FULL = "check_policy_service {unix:private/quota-status, timeout=10s, default_action=DUNNO}"


def recipients(**given: Any) -> list[str]:
    found: list[str] = composed(**given).parameters["smtpd_recipient_restrictions"]
    assert found[: len(BASE)] == BASE
    return found[len(BASE) :]


def test_recipients_of_relayed_domains_are_asked_for() -> None:
    table = "pipemap:{hash:/etc/postfix/mx,static:reject_unverified_recipient}"
    assert recipients(postfix_relay_domains=["mx.test", "hash:/etc/postfix/mx"], postfix_quota_service="") == [
        f"check_recipient_access {table}",
        "check_recipient_access inline:{mx.test=reject_unverified_recipient}",
    ]
    assert recipients(postfix_relay_domains=[], postfix_quota_service="") == []
    assert recipients(postfix_verify_relay_recipients="no", postfix_quota_service="") == []


def test_a_subdomain_of_a_relayed_domain_is_not_relayed() -> None:
    assert "relay_domains" not in composed().parameters["parent_domain_matches_subdomains"]


def test_a_table_of_recipients_needs_no_other_host() -> None:
    assert recipients(postfix_relay_recipient_maps=["hash:/etc/postfix/known"], postfix_quota_service="") == []


def test_full_mailboxes_are_asked_for_on_each_port() -> None:
    found = composed(postfix_verify_relay_recipients=False)
    assert recipients(postfix_verify_relay_recipients=False) == [FULL]
    assert FULL in found.parameters["mua_recipient_restrictions"]
    other = composed(postfix_accounts="ldap", postfix_quota_service="")
    assert not any("policy" in entry for entry in other.parameters["mua_recipient_restrictions"])


def test_limits_of_a_client() -> None:
    found = composed(postfix_client_connections="5", postfix_client_logins="6", postfix_delivery_sessions="7")
    assert found.parameters["smtpd_client_auth_rate_limit"] == 6
    assert found.parameters["lmtp_destination_concurrency_limit"] == 7
    for name in ("submission", "submissions"):
        options = found.services[f"{name}/inet"]["options"]
        assert options["smtpd_client_connection_count_limit"] == "5"
        assert options["smtpd_client_new_tls_session_rate_limit"] == "12"
    # Other hosts have no limit but Postfix's own.
    assert "smtpd_client_connection_count_limit" not in found.services["smtp/inet"].get("options", {})


@pytest.mark.parametrize(
    ("library", "profile", "options"),
    [
        ("OpenSSL 1.1.1w  11 Sep 2023", "intermediate", "NO_RENEGOTIATION"),
        ("OpenSSL 1.1.1w  11 Sep 2023", "broad", "NO_COMPRESSION, NO_RENEGOTIATION"),
        ("OpenSSL 3.5.1 1 Jul 2025", "intermediate", None),
        ("OpenSSL 3.5.1 1 Jul 2025", "broad", "NO_COMPRESSION"),
        ("LibreSSL 4.1.0", "intermediate", None),
        ("", "intermediate", None),
    ],
)
def test_renegotiation_by_the_client_is_off(library: str, profile: str, options: str | None) -> None:
    facts = Facts("3.5.25", ("btree",), "", library)
    found = capabilities.compose(wishes(postfix_tls_profile=profile), facts).parameters
    assert found.get("tls_ssl_options") == options


@pytest.mark.parametrize(
    ("parents", "domains", "keys"),
    [
        ([], ["mx.test", ".mx.test"], ["mx.test", ".mx.test"]),
        # smtpd(8) never asks for a key with a dot in front then.
        (["smtpd_access_maps"], [".mx.test"], ["mx.test"]),
        (["smtpd_access_maps", "relay_domains"], ["mx.test"], ["mx.test"]),
        # Mail for a subdomain is relayed, too.
        (["relay_domains"], ["mx.test"], ["mx.test", ".mx.test"]),
    ],
)
def test_every_relayed_recipient_is_asked_for(parents: list[str], domains: list[str], keys: list[str]) -> None:
    found = recipients(postfix_relay_domains=domains, postfix_parent_domains=parents, postfix_quota_service="")
    assert found == [f"check_recipient_access inline:{{{key}=reject_unverified_recipient}}" for key in keys]


def test_senders_of_foreign_subdomains_are_not_own_senders() -> None:
    given = {"postfix_reject_own_senders": True, "postfix_local_domains": ["example.org"]}
    assert "smtpd_access_maps" not in composed(**given).parameters["parent_domain_matches_subdomains"]
    assert refused(**given) == []
    assert refused(**given, postfix_parent_domains=["smtpd_access_maps"]) == [
        "postfix_reject_own_senders is true, and postfix_parent_domains has 'smtpd_access_maps', so that senders in"
        " subdomains, which may belong to other hosts, would be refused too. Remove 'smtpd_access_maps', or set"
        " postfix_reject_own_senders: false."
    ]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"postfix_relay_domains": ["example.net"]}, False),
        ({"postfix_relay_domains": ["example.net"], "postfix_verify_relay_recipients": False}, True),
        ({"postfix_relay_domains": ["hash:/etc/postfix/domains"]}, True),
        (
            {
                "postfix_relay_domains": ["hash:/etc/postfix/domains"],
                "postfix_relay_recipient_maps": ["hash:/etc/postfix/recipients"],
            },
            False,
        ),
        ({"postfix_relay_domains": []}, False),
    ],
)
def test_subdomains_of_relayed_domains_are_verified_or_refused(given: dict[str, Any], told: bool) -> None:
    found = refused(postfix_parent_domains=["relay_domains"], **given)
    assert [sentence.split(" ")[0] for sentence in found] == (["postfix_parent_domains"] if told else [])
