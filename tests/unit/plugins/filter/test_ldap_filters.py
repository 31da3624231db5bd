# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters ldap_dn and ldap_filter_escape: what they return and how they fail."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.filter.ldap_dn import FilterModule as LdapDn
from ansible_collections.puffy.mail.plugins.filter.ldap_filter_escape import FilterModule as LdapFilterEscape

ldap_dn = LdapDn().filters()["ldap_dn"]
ldap_filter_escape = LdapFilterEscape().filters()["ldap_filter_escape"]


@pytest.mark.parametrize(
    ("domain", "below", "name"),
    [
        ("example.org", None, "dc=example,dc=org"),
        ("example.org", [{"uid": "alice"}, {"ou": "people"}], "uid=alice,ou=people,dc=example,dc=org"),
        ("a.b", [{"cn": "Smith, John", "uid": "#1"}], r"cn=Smith\, John+uid=\#1,dc=a,dc=b"),
    ],
)
def test_ldap_dn(domain: str, below: Any, name: str) -> None:
    assert ldap_dn(domain, below=below) == name


@pytest.mark.parametrize(
    ("domain", "below", "message"),
    [
        (5, None, r"^ldap_dn needs the name of a domain, not int$"),
        ("a b", None, r"^ldap_dn: 'a b' is not a domain name: "),
        ("a.b", "ou=people", r"^ldap_dn: below must be a list of mappings such as \[\{'ou': 'people'\}\]$"),
        ("a.b", [{}], r"^ldap_dn: below must be a list of mappings"),
        ("a.b", [{"o u": "x"}], r"^ldap_dn: 'o u' is not the name of an LDAP attribute\. Use one such as 'ou'$"),
        ("a.b", [{"ou": ""}], r"^ldap_dn: the attribute 'ou' has an empty value, which names no entry$"),
    ],
)
def test_ldap_dn_refuses(domain: Any, below: Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message):
        ldap_dn(domain, below=below)


def test_ldap_filter_escape() -> None:
    assert ldap_filter_escape("50 % (a*)") == r"50 % \28a\2a\29"
    assert ldap_filter_escape("50 % (a*)", postfix=True) == r"50 %% \28a\2a\29"
    assert ldap_filter_escape(7) == "7"
    with pytest.raises(AnsibleFilterError, match=r"^ldap_filter_escape needs a text, not list$"):
        ldap_filter_escape(["a"])
