# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.filter.ldap_client_files import FilterModule as ClientFiles
from ansible_collections.puffy.mail.plugins.filter.ldap_connection import FilterModule as Connection
from ansible_collections.puffy.mail.plugins.filter.ldap_maps_problems import FilterModule as Problems
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
    assert ldap_maps.role_problems(GOOD) == []
    files = ldap_maps.client_files(GOOD)
    assert [file["name"] for file in files] == [
        "virtual_mailbox_domains",
        "virtual_mailbox_maps",
        "virtual_alias_maps",
        "virtual_group_maps",
        "sender_login_maps",
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
    assert ldap_maps.role_problems(inputs) == []
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


BAD: list[tuple[dict[str, Any], str]] = [
    ({"ldap_maps_servers": []}, "ldap_maps_servers is []. Right would be a list such as ['ldap://ldap.example.org']."),
    (
        {"ldap_maps_servers": ["ldap.example.org"]},
        "ldap_maps_servers: 'ldap.example.org' is no URL of an LDAP server: ",
    ),
    ({"ldap_maps_servers": ["ldap://a", "ldaps://a"]}, "which mixes schemes"),
    ({"ldap_maps_tls": "yes"}, "ldap_maps_tls is 'yes'. Right would be 'required' or 'none'."),
    ({"ldap_maps_tls": "none"}, "ldap_maps_bind_password would cross the network in the clear."),
    ({"ldap_maps_tls": "none", "ldap_maps_servers": ["ldaps://a"]}, "and ldap_maps_servers has ldaps:// URLs."),
    ({"ldap_maps_ca_file": "ca.pem"}, "ldap_maps_ca_file is 'ca.pem', which is not the absolute path of a file."),
    ({"ldap_maps_timeout": 0}, "ldap_maps_timeout is 0. Right would be a number of seconds from 1 to 300."),
    ({"ldap_maps_ca_certificate": "x"}, "ldap_maps_ca_certificate holds no certificate."),
    ({"ldap_maps_directory": "ldap"}, "ldap_maps_directory is 'ldap'"),
    (
        {"ldap_maps_account_filter": "(objectClass=a"},
        "ldap_maps_account_filter: '(objectClass=a' is no LDAP filter (RFC 4515): the '(' has no ')', at character 1.",
    ),
    ({"ldap_maps_tables": []}, "ldap_maps_tables is []. Right would be a mapping."),
    ({"ldap_maps_tables": {"../x": {}}}, "ldap_maps_tables has the name '../x'."),
    ({"ldap_maps_tables": {"x": "y"}}, "ldap_maps_tables.x is 'y'. Right would be a mapping of options."),
    ({"ldap_maps_tables": {"x": {"expect": ["y"]}}}, "ldap_maps_tables.x.expect is ['y']."),
    ({"ldap_maps_tables": {"x": {"bind_dn": "y"}}}, "ldap_maps_tables.x has the option 'bind_dn', which belongs to"),
    (
        {"ldap_maps_tables": {"x": {"query_filter": "(cn=%s)", "scop": "one"}}},
        "The table x: ldap_table(5) has no option 'scop'; did you mean 'scope'?",
    ),
    # What YAML makes of a name without quotes.
    ({"ldap_maps_options": {True: "x"}}, "The connection: ldap_table(5) has no option 'True'; it has bind, bind_dn, "),
    ({"ldap_maps_tables": {"x": {1: "y"}}}, "The table x: ldap_table(5) has no option '1'; it has bind, bind_dn, "),
    (
        {"ldap_maps_search_base": "example.test"},
        "The connection: option 'search_base': 'example.test' is no distinguished name (RFC 4514): no '=' follows the"
        " attribute 'example', at character 8.",
    ),
    (
        {"ldap_maps_bind_password": ""},
        "The connection: option 'bind_dn' needs 'bind_pw': without a password the server takes the client for an"
        " anonymous one (RFC 4513, section 5.1.2).",
    ),
    (
        {"ldap_maps_bind_password": "a\nb"},
        "The connection: option 'bind_pw' has a line break or a NUL; a value of a client file is one line.",
    ),
]


@pytest.mark.parametrize(("change", "sentence"), BAD)
def test_a_bad_input_is_one_sentence(change: dict[str, Any], sentence: str) -> None:
    found = ldap_maps.role_problems({**GOOD, **change})
    assert len(found) == 1
    assert sentence in found[0]
    assert "s3cret" not in found[0]


def test_the_filters_pass_on_and_fail() -> None:
    problems = Problems().filters()["ldap_maps_problems"]
    assert problems(GOOD) == []
    assert Connection().filters()["ldap_connection"](GOOD)["bind_pw"] == "s3cret"
    assert len(ClientFiles().filters()["ldap_client_files"](GOOD)) == 5
    with pytest.raises(AnsibleFilterError, match=r"^ldap_maps_problems needs a mapping of inputs by name, not list$"):
        problems([])
    with pytest.raises(AnsibleFilterError, match=r"^ldap_maps_problems: the input 'ldap_maps_servers' is missing$"):
        problems({})
    with pytest.raises(AnsibleFilterError, match=r"^ldap_connection: 'x' is no URL of an LDAP server: "):
        Connection().filters()["ldap_connection"]({**GOOD, "ldap_maps_servers": ["x"]})
