# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.filter.ldap_client_files import FilterModule as ClientFiles
from ansible_collections.puffy.mail.plugins.module_utils._tables import ldap_maps, map_config

GOOD: dict[str, Any] = {
    "ldap_maps_servers": ["ldap://a.example.test", "ldap://b.example.test"],
    "ldap_maps_search_base": "dc=example,dc=test",
    "ldap_maps_tls": "required",
    "ldap_maps_ca_file": "/etc/ssl/ca.pem",
    "ldap_maps_ca_certificate": "",
    "ldap_maps_bind_dn": "cn=postfix,dc=example,dc=test",
    "ldap_maps_bind_password": "s3cret",
    "ldap_maps_timeout": 10,
    "ldap_maps_account_filter": "(&(objectClass=PostfixBookMailAccount)(!(mailEnabled=FALSE)))",
    "ldap_maps_domain_filter": "(objectClass=domain)",
    "ldap_maps_group_filter": "(objectClass=groupOfNames)",
    "ldap_maps_tables": {},
    "ldap_maps_options": {},
    "ldap_maps_directory": "/etc/postfix/ldap",
}


def test_every_preset_is_a_client_file_without_a_warning() -> None:
    files = ldap_maps.client_files(GOOD)
    assert [file["name"] for file in files] == [
        "virtual_mailbox_domains",
        "virtual_mailbox_maps",
        "virtual_alias_maps",
        "virtual_group_maps",
        "sender_login_maps",
        "virtual_maildirs",
    ]
    for file in files:
        texts = map_config.plan("ldap", {**ldap_maps.connection(GOOD), **file["options"]}, (3, 5))
        assert map_config.warnings("ldap", texts) == []
        assert file["expect"] == dict.fromkeys(ldap_maps.PROBES)
        assert "s3cret" not in str(file)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {"timeout": 10, "start_tls": True, "tls_require_cert": True, "bind": True}),
        # Without StartTLS each server is waited for by itself.
        (
            {"ldap_maps_servers": ["ldaps://a", "ldaps://b"]},
            {"timeout": 5, "start_tls": None, "tls_require_cert": True, "tls_ca_cert_file": "/etc/ssl/ca.pem"},
        ),
        ({"ldap_maps_servers": ["ldaps://a", "ldaps://b"], "ldap_maps_timeout": "1"}, {"timeout": 1}),
        # With StartTLS libldap gives up a second before.
        ({"ldap_maps_timeout": 1}, {"timeout": 2}),
        (
            {
                "ldap_maps_servers": ["ldapi://%2Frun%2Fldapi"],
                "ldap_maps_bind_dn": "",
                "ldap_maps_bind_password": "",
                "ldap_maps_options": {"bind": "sasl", "sasl_mechs": "EXTERNAL"},
            },
            {"start_tls": None, "tls_require_cert": None, "bind": "sasl", "sasl_mechs": "EXTERNAL", "bind_pw": None},
        ),
    ],
)
def test_connection(change: dict[str, Any], expected: dict[str, Any]) -> None:
    inputs = {**GOOD, **change}
    options = ldap_maps.connection(inputs)
    assert {name: options.get(name) for name in expected} == expected
    assert options["version"] == 3


def test_a_table_is_changed_and_one_added() -> None:
    tables = {
        "virtual_mailbox_maps": {"result_attribute": "mail", "expect": {"alice@example.test": "alice@example.test"}},
        "extra": {"search_base": "ou=x,dc=y", "query_filter": "(cn=%s)", "result_attribute": "cn"},
    }
    files = {file["name"]: file for file in ldap_maps.client_files({**GOOD, "ldap_maps_tables": tables})}
    assert files["virtual_mailbox_maps"]["options"]["result_attribute"] == "mail"
    assert "mailEnabled" in files["virtual_mailbox_maps"]["options"]["query_filter"]
    assert files["virtual_mailbox_maps"]["expect"]["alice@example.test"] == "alice@example.test"
    assert files["extra"]["options"]["search_base"] == "ou=x,dc=y"


def test_the_filters_pass_on_and_fail() -> None:
    files = ClientFiles().filters()["ldap_client_files"]
    assert [file["path"] for file in files(GOOD)][:2] == [
        "/etc/postfix/ldap/virtual_mailbox_domains.cf",
        "/etc/postfix/ldap/virtual_mailbox_maps.cf",
    ]
    # Each file holds the connection and its own query.
    assert all(file["options"]["bind_pw"] == "s3cret" and file["options"]["query_filter"] for file in files(GOOD))
    with pytest.raises(AnsibleFilterError, match=r"^ldap_client_files: 'x' is not the URL of an LDAP server: "):
        files({**GOOD, "ldap_maps_servers": ["x"]})
