# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role cyrus_sasl accepts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

LDAP = {
    "accounts": "ldap",
    "backend": "ldap",
    "ldap_servers": ["ldap://ldap.example.org"],
    "ldap_search_base": "dc=example,dc=org",
}
AUTHDAEMOND = {"accounts": "system", "backend": "authdaemond", "postfix_chroot": False}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "accounts is 'sqlite', and saslauthd cannot read the passwords there. Set mail_sasl to 'dovecot', or"),
        ({"backend": "authdaemond"}, "accounts is 'sqlite', and authdaemond cannot read the passwords there."),
        ({**AUTHDAEMOND, "accounts": "ldap"}, "authdaemond_modules does not have 'authldap', and the accounts are in"),
        ({**AUTHDAEMOND, "authdaemond_modules": []}, "authdaemond_modules is empty. Name at least one module"),
        ({**AUTHDAEMOND, "authdaemond_modules": ["pam"]}, "authdaemond_modules"),
        (
            {**AUTHDAEMOND, "postfix_realm": "example.org"},
            "postfix_realm is 'example.org', and then authdaemond looks for an account",
        ),
        ({**AUTHDAEMOND, "postfix_chroot": True}, "postfix_chroot is true, and the socket of authdaemond is outside"),
        ({**LDAP, "ldap_servers": []}, "ldap_servers is []. Use a list such as ['ldap://ldap.example.org']."),
        ({**LDAP, "ldap_search_base": "example"}, "ldap_search_base: "),
        ({**LDAP, "ldap_account_filter": "(mail=%s)"}, "ldap_account_filter is '(mail=%s)'. Use a value without '%'"),
        ({**LDAP, "ldap_bind_dn": "cn=x"}, "ldap_bind_password is empty, and cyrus_sasl_ldap_bind_dn is not. Set both"),
        ({"accounts": "system", "processes": 0}, "processes is 0. Use a number of processes from 1 to 100."),
    ],
)
def test_what_is_refused(
    judged: Callable[..., tuple[dict[str, Any], list[str]]], given: dict[str, Any], sentence: str
) -> None:
    _good, sentences = judged("cyrus_sasl", {f"cyrus_sasl_{name}": value for name, value in given.items()})
    assert [text for text in sentences if text.startswith(f"cyrus_sasl_{sentence}")], sentences


@pytest.mark.parametrize(
    "given",
    [
        {"accounts": "system"},
        LDAP,
        {"backend": "sasldb"},
        AUTHDAEMOND,
        {
            **AUTHDAEMOND,
            "accounts": "ldap",
            "authdaemond_modules": ["authpam", "authldap"],
            "postfix_realm": "example.org",
        },
    ],
)
def test_what_is_taken(judged: Callable[..., tuple[dict[str, Any], list[str]]], given: dict[str, Any]) -> None:
    assert judged("cyrus_sasl", {f"cyrus_sasl_{name}": value for name, value in given.items()})[1] == []
