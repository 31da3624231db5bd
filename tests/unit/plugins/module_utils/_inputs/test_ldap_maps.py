# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inputs of the role ldap_maps, and what is said of bad ones."""

from __future__ import annotations

from typing import Any

import pytest

BASE: dict[str, Any] = {
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
    "ldap_maps_group": "postfix",
}

GOOD: list[dict[str, Any]] = [
    {},
    {
        "ldap_maps_options": {
            "size_limit": 5,
            "version": 3,
            "domain": ["example.test", "0123"],
        }
    },
    {"ldap_maps_tables": {"x": {"query_filter": "(cn=%s)", "expect": {"y": None, "z": "0123"}}}},
]

BAD: list[tuple[dict[str, Any], list[str]]] = [
    (
        {"ldap_maps_servers": []},
        ["ldap_maps_servers is []. Use a list such as ['ldap://ldap.example.org']."],
    ),
    (
        {"ldap_maps_servers": ["ldap.example.org"]},
        [
            (
                "ldap_maps_servers: 'ldap.example.org' is not the URL of an LDAP server: it has no '://'. Use a URL"
                " such as 'ldap://ldap.example.org', 'ldaps://ldap.example.org:636' or"
                " 'ldapi://%2Frun%2Fslapd%2Fldapi'."
            )
        ],
    ),
    (
        {"ldap_maps_servers": ["ldap://a", "ldaps://a"]},
        ["ldap_maps_servers is ['ldap://a', 'ldaps://a'], which mixes schemes. Use one scheme for all servers."],
    ),
    (
        {"ldap_maps_tls": "yes"},
        ["ldap_maps_tls is 'yes'. Use 'required' or 'none'."],
    ),
    (
        {"ldap_maps_tls": "none"},
        [
            (
                "ldap_maps_tls is 'none', and ldap_maps_bind_password would cross the network in the clear. Use"
                " 'required'."
            )
        ],
    ),
    (
        {"ldap_maps_tls": "none", "ldap_maps_servers": ["ldaps://a"]},
        ["ldap_maps_tls is 'none', and ldap_maps_servers has ldaps:// URLs. Use 'required'."],
    ),
    (
        {"ldap_maps_ca_file": "ca.pem"},
        [
            (
                "ldap_maps_ca_file is 'ca.pem'. Use an absolute path without blanks and commas, such as"
                " '/etc/ssl/mail.pem'. With TLS the server's certificate is always verified."
            )
        ],
    ),
    (
        {"ldap_maps_timeout": 0},
        ["ldap_maps_timeout is 0. Use a number of seconds from 1 to 300."],
    ),
    (
        {"ldap_maps_ca_certificate": "x"},
        ["ldap_maps_ca_certificate holds no certificate. Use the text of a PEM file."],
    ),
    (
        {"ldap_maps_directory": "ldap"},
        [
            (
                "ldap_maps_directory is 'ldap'. Use an absolute path without blanks and commas, such as"
                " '/etc/ssl/mail.pem'."
            )
        ],
    ),
    (
        {"ldap_maps_account_filter": "(objectClass=a"},
        [
            (
                "ldap_maps_account_filter: '(objectClass=a' is not an LDAP filter (RFC 4515): the '(' has no ')', at"
                " character 1."
            )
        ],
    ),
    (
        {"ldap_maps_tables": []},
        ["ldap_maps_tables is []. Use a mapping."],
    ),
    (
        {"ldap_maps_tables": {"../x": {}}},
        [
            (
                "ldap_maps_tables has the name '../x', and a file is named after it. Use lower-case letters, digits,"
                " '_' and '-'."
            )
        ],
    ),
    (
        {"ldap_maps_tables": {"x": "y"}},
        ["ldap_maps_tables has 'y' as the table 'x'. Use a mapping of options."],
    ),
    (
        {"ldap_maps_tables": {"x": {"expect": ["y"]}}},
        ["ldap_maps_tables has ['y'] as what the table 'x' expects. Use a mapping of keys."],
    ),
    (
        {"ldap_maps_tables": {"x": {"bind_dn": "y"}}},
        [
            (
                "ldap_maps_tables has the option 'bind_dn' in the table 'x', which belongs to the connection that"
                " all tables share. Set it in ldap_maps_bind_dn."
            )
        ],
    ),
    (
        {"ldap_maps_options": {"bind_pw": "s3cret"}},
        ["ldap_maps_options has the option 'bind_pw', which is a secret. Set it in ldap_maps_bind_password."],
    ),
    (
        {"ldap_maps_options": {"bind_pw": 83}},
        ["ldap_maps_options has the option 'bind_pw', which is a secret. Set it in ldap_maps_bind_password."],
    ),
    (
        {"ldap_maps_options": []},
        ["ldap_maps_options is []. Use a mapping."],
    ),
    (
        {"ldap_maps_options": {"sasl_realm": 83}},
        [
            (
                "ldap_maps_options has the option 'sasl_realm', which is 83, not text: Ansible may have made it of a"
                " text such as '0123'. Put the value in quotes, in the inventory."
            )
        ],
    ),
    (
        {"ldap_maps_options": {"domain": ["example.test", True]}},
        [
            (
                "ldap_maps_options has the option 'domain', which is True, not text: Ansible may have made it of a"
                " text such as '0123'. Put the value in quotes, in the inventory."
            )
        ],
    ),
    (
        {"ldap_maps_tables": {"x": {"query_filter": 83}}},
        [
            (
                "ldap_maps_tables has the option 'query_filter' in the table 'x', which is 83, not text: Ansible may"
                " have made it of a text such as '0123'. Put the value in quotes, in the inventory."
            )
        ],
    ),
    (
        {"ldap_maps_tables": {"x": {"query_filter": "(cn=%s)", "expect": {"y": 83}}}},
        [
            (
                "ldap_maps_tables has an answer that the table 'x' expects, which is 83, not text: Ansible may have"
                " made it of a text such as '0123'. Put the value in quotes, in the inventory."
            )
        ],
    ),
    (
        {"ldap_maps_tables": {"x": {"query_filter": "(cn=%s)", "scop": "one"}}},
        ["ldap_maps_tables: the table 'x': ldap_table(5) has no option 'scop'; did you mean 'scope'?"],
    ),
    (
        {"ldap_maps_options": {True: "x"}},
        [
            (
                "ldap_maps_options: ldap_table(5) has no option 'True'; it has bind, bind_dn, bind_pw, cache,"
                " cache_expiry, cache_size, chase_referrals, debuglevel, dereference, domain, expansion_limit,"
                " leaf_result_attribute, query_filter, recursion_limit, result_attribute, result_filter,"
                " result_format, sasl_authz_id, sasl_mechs, sasl_minssf, sasl_realm, scope, search_base, server_host,"
                " server_port, size_limit, special_result_attribute, start_tls, terminal_result_attribute, timeout,"
                " tls_ca_cert_dir, tls_ca_cert_file, tls_cert, tls_cipher_suite, tls_key, tls_random_file,"
                " tls_require_cert, version."
            )
        ],
    ),
    (
        {"ldap_maps_tables": {"x": {1: "y"}}},
        [
            (
                "ldap_maps_tables: the table 'x': ldap_table(5) has no option '1'; it has bind, bind_dn, bind_pw,"
                " cache, cache_expiry, cache_size, chase_referrals, debuglevel, dereference, domain, expansion_limit,"
                " leaf_result_attribute, query_filter, recursion_limit, result_attribute, result_filter,"
                " result_format, sasl_authz_id, sasl_mechs, sasl_minssf, sasl_realm, scope, search_base, server_host,"
                " server_port, size_limit, special_result_attribute, start_tls, terminal_result_attribute, timeout,"
                " tls_ca_cert_dir, tls_ca_cert_file, tls_cert, tls_cipher_suite, tls_key, tls_random_file,"
                " tls_require_cert, version."
            )
        ],
    ),
    (
        {"ldap_maps_search_base": "example.test"},
        [
            (
                "ldap_maps_search_base: option 'search_base': 'example.test' is not a distinguished name (RFC 4514): no"
                " '=' follows the attribute 'example', at character 8."
            )
        ],
    ),
    (
        {"ldap_maps_bind_password": ""},
        [
            (
                "ldap_maps_bind_dn: option 'bind_dn' needs 'bind_pw': without a password the server takes the client"
                " for an anonymous one (RFC 4513, section 5.1.2)."
            )
        ],
    ),
    (
        {"ldap_maps_bind_password": "a\nb"},
        ["ldap_maps_bind_password has a line break or a NUL. Use text of one line."],
    ),
]


@pytest.mark.parametrize("change", GOOD)
def test_good_values(judged: Any, change: dict[str, Any]) -> None:
    assert judged("ldap_maps", {**BASE, **change})[1] == []


@pytest.mark.parametrize(("change", "sentences"), BAD)
def test_bad_values(judged: Any, change: dict[str, Any], sentences: list[str]) -> None:
    assert judged("ldap_maps", {**BASE, **change})[1] == sentences
