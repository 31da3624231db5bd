# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles of the playbook site must agree on."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._inputs import agreement

ROLES = ("openbsd_base", "tls_pki", "sqlite_maps", "mail_authentication", "dovecot", "postfix")
WITHOUT_MAILBOXES = ("openbsd_base", "tls_pki", "mail_authentication", "postfix")
GOOD = {
    "postfix_accounts": "sqlite",
    "dovecot_accounts": "sqlite",
    "mail_authentication_accounts": "sqlite",
    "sqlite_maps_database": "/var/lib/puffy-mail/accounts.sqlite",
    "dovecot_database": "/var/lib/puffy-mail/accounts.sqlite",
    "dovecot_vmail_home": "/var/vmail",
    "sqlite_maps_mail_home": "/var/vmail",
    "postfix_recipient_delimiter": "+",
    "dovecot_recipient_delimiter": "+",
    "postfix_sasl_type": "dovecot",
    "postfix_sasl_path": "private/auth",
    "mail_authentication_methods": [],
    "dovecot_protocols": ["imap", "lmtp"],
    "postfix_delivery": "lmtp",
    "postfix_virtual_transport": "lmtp:unix:private/dovecot-lmtp",
    "postfix_hostname": "mail.example.org",
    "postfix_domain": "",
    "postfix_local_domains": ["$myhostname", "localhost.$mydomain", "localhost"],
}


@pytest.mark.parametrize(
    ("given", "roles", "name", "sentence"),
    [
        (
            {"postfix_accounts": "system"}, ROLES, "postfix_accounts",
            "is 'system', and dovecot_accounts is 'sqlite'. The roles of puffy.mail.site share this value. Remove"
            " postfix_accounts, and set mail_accounts.",
        ),
        ({"dovecot_database": "/srv/a"}, ROLES, "dovecot_database", "Remove dovecot_database, and set mail_database."),
        ({"sqlite_maps_mail_home": "/srv"}, ROLES, "sqlite_maps_mail_home", "set mail_vmail_home."),
        ({"postfix_recipient_delimiter": "-"}, ROLES, "postfix_recipient_delimiter", "set mail_recipient_delimiter."),
        (
            {"postfix_sasl_type": "cyrus"}, ROLES, "postfix_sasl_type",
            "is 'cyrus', and puffy.mail.site chooses its roles by mail_sasl. Remove postfix_sasl_type, and set"
            " mail_sasl: cyrus.",
        ),
        ({"postfix_sasl_type": "none"}, (*ROLES, "cyrus_sasl"), "postfix_sasl_type", "set mail_sasl: none."),
        (
            {"postfix_accounts": "system"}, WITHOUT_MAILBOXES, "postfix_sasl_type",
            "is 'dovecot', and postfix_accounts is 'system': this collection sets up Dovecot for accounts of",
        ),
        (
            {"mail_authentication_methods": ["dkim"]}, ROLES, "mail_authentication_methods",
            "is ['dkim'], and Postfix asks what mail_authentication names, which is []. Remove",
        ),
        ({"dovecot_protocols": ["imap"]}, ROLES, "dovecot_protocols", "is ['imap'], and Postfix hands all mail for"),
    ],
)  # fmt: skip
def test_what_does_not_agree(given: dict[str, Any], roles: tuple[str, ...], name: str, sentence: str) -> None:
    inputs = {**GOOD, **given}
    if roles == WITHOUT_MAILBOXES:
        inputs["mail_authentication_accounts"] = inputs["postfix_accounts"]
    ((found, problem),) = agreement.problems(agreement.Site(inputs, given, roles))
    assert found == name
    assert sentence in problem


@pytest.mark.parametrize(
    ("given", "roles"),
    [
        ({}, ROLES),
        ({"mail_authentication": ["spf", "dkim"], "mail_authentication_methods": ["dkim", "spf"]}, ROLES),
        ({"postfix_sasl_path": "inet:127.0.0.1:12345"}, WITHOUT_MAILBOXES),
        ({"postfix_sasl_type": "cyrus"}, (*ROLES, "cyrus_sasl")),
        ({"dovecot_protocols": ["imap"], "postfix_delivery": "virtual"}, ROLES),
        ({"dovecot_protocols": ["imap"], "postfix_virtual_transport": "lmtp:inet:127.0.0.1:24"}, ROLES),
        # A role that has no part in it may say what it likes.
        ({"postfix_sasl_type": "none", "dovecot_accounts": "ldap", "postfix_accounts": "system"}, ("postfix",)),
    ],
)
def test_what_agrees(given: dict[str, Any], roles: tuple[str, ...]) -> None:
    assert agreement.problems(agreement.Site({**GOOD, **given}, given, roles)) == []


def test_a_value_that_needs_facts_is_let_be() -> None:
    inputs = {name: value for name, value in GOOD.items() if name not in ("postfix_sasl_path", "dovecot_vmail_home")}
    assert agreement.problems(agreement.Site(inputs, inputs, ROLES)) == []


@pytest.mark.parametrize(
    ("words", "domain", "name", "problem"),
    [
        (["$myhostname"], "", "postfix_hostname", "or leave '$myhostname' out of postfix_local_domains."),
        (["$mydomain", "localhost"], "", "postfix_local_domains", "has '$mydomain', which is 'example.org', and"),
        (["${mydomain}"], "", "postfix_local_domains", "has '${mydomain}', which is 'example.org', and"),
        (["Example.ORG"], "", "postfix_local_domains", "has 'Example.ORG', and example.org is a domain"),
        (["$mydomain"], "other.example", "", ""),
        (["localhost.$mydomain", "localhost", "$other"], "", "", ""),
    ],
)
def test_a_domain_of_the_accounts_is_not_the_hosts_own(words: list[str], domain: str, name: str, problem: str) -> None:
    inputs = {**GOOD, "postfix_local_domains": words, "postfix_domain": domain}
    found = agreement.hosted_problems(inputs, ["example.org", "mail.example.org"])
    assert [found_name for found_name, _problem in found] == ([name] if name else [])
    assert all(problem in text for _name, text in found)
