# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inputs of the role dovecot, and what is said of bad ones."""

from __future__ import annotations

from typing import Any

import pytest

BASE: dict[str, Any] = {
    "dovecot_hostname": "mail.example.org",
    "dovecot_tls_key_file": "/etc/ssl/private/mail.key",
    "dovecot_tls_chain_file": "/etc/ssl/mail.pem",
    "dovecot_database": "/var/lib/puffy-mail/accounts.sqlite",
    "dovecot_accounts": "sqlite",
}

GOOD: list[dict[str, Any]] = [
    {},
    {"dovecot_hostname": "mail.example.org"},
    {"dovecot_database": "/var/lib/puffy-mail/accounts.sqlite"},
    {"dovecot_tls_key_file": "/etc/ssl/private/mail.example.org.key"},
    {"dovecot_vmail_user": "_vmail"},
    {"dovecot_protocols": ["lmtp"]},
    {"dovecot_auth_mechanisms": ["plain", "login"]},
    {"dovecot_tls_profile": "modern"},
    {"dovecot_tls_other_keys": []},
    {"dovecot_tls_other_keys": [{"key_file": "/etc/ssl/b.key", "chain_file": "/etc/ssl/b.pem"}]},
    {"dovecot_recipient_delimiter": ""},
    {"dovecot_recipient_delimiter": "+-"},
    {"dovecot_imap_sessions": "200"},
    {"dovecot_imap_sessions": 10000},
    {"dovecot_service_timeout": 1},
    {
        "dovecot_accounts": "ldap",
        "dovecot_ldap_servers": ["ldap://ldap.example.test"],
        "dovecot_ldap_search_base": "dc=example,dc=test",
        "dovecot_ldap_ca_file": "/etc/ssl/ca.pem",
        "dovecot_ldap_bind_dn": "cn=dovecot,dc=example,dc=test",
        "dovecot_ldap_bind_password": "s3cret",
    },
]

BAD: list[tuple[dict[str, Any], list[str]]] = [
    (
        {"dovecot_hostname": "mail"},
        ["dovecot_hostname is 'mail', which has no dot. Use a fully qualified name such as 'mail.example.org'."],
    ),
    (
        {"dovecot_database": "mail.sqlite"},
        [
            (
                "dovecot_database is 'mail.sqlite'. Use an absolute path without blanks, quotes, '%', '$', '{' and"
                " '..', such as '/var/vmail'."
            )
        ],
    ),
    (
        {"dovecot_database": "/srv/my mail.sqlite"},
        [
            (
                "dovecot_database is '/srv/my mail.sqlite'. Use an absolute path without blanks, quotes, '%', '$',"
                " '{' and '..', such as '/var/vmail'."
            )
        ],
    ),
    (
        {"dovecot_database": ""},
        ["dovecot_database is ''. Set a value, or remove the variable."],
    ),
    (
        {"dovecot_database": None},
        ["dovecot_database is None. Set a value, or remove the variable."],
    ),
    (
        {"dovecot_vmail_home": "/"},
        [
            (
                "dovecot_vmail_home is '/'. Use an absolute path without blanks, quotes, '%', '$', '{' and '..',"
                " such as '/var/vmail'."
            )
        ],
    ),
    (
        {"dovecot_vmail_home": "/var/../etc"},
        [
            (
                "dovecot_vmail_home is '/var/../etc'. Use an absolute path without blanks, quotes, '%', '$', '{' and"
                " '..', such as '/var/vmail'."
            )
        ],
    ),
    (
        {"dovecot_vmail_home": "/var/vmail/%d"},
        [
            (
                "dovecot_vmail_home is '/var/vmail/%d'. Use an absolute path without blanks, quotes, '%', '$', '{'"
                " and '..', such as '/var/vmail'."
            )
        ],
    ),
    (
        {"dovecot_vmail_home": "/var/vmail\n"},
        [
            (
                "dovecot_vmail_home is '/var/vmail\\n'. Use an absolute path without blanks, quotes, '%', '$', '{'"
                " and '..', such as '/var/vmail'."
            )
        ],
    ),
    (
        {"dovecot_tls_key_file": "/etc/$x"},
        [
            (
                "dovecot_tls_key_file is '/etc/$x'. Use an absolute path without blanks, quotes, '%', '$', '{' and"
                " '..', such as '/var/vmail'."
            )
        ],
    ),
    (
        {"dovecot_tls_chain_file": ["/a"]},
        [
            (
                "dovecot_tls_chain_file is ['/a']. Use an absolute path without blanks, quotes, '%', '$', '{' and"
                " '..', such as '/var/vmail'."
            )
        ],
    ),
    (
        {"dovecot_queue_directory": "spool"},
        [
            (
                "dovecot_queue_directory is 'spool'. Use an absolute path without blanks, quotes, '%', '$', '{' and"
                " '..', such as '/var/vmail'."
            )
        ],
    ),
    (
        {"dovecot_vmail_user": "Vmail"},
        [
            (
                "dovecot_vmail_user is 'Vmail'. Use the name of a user or group, at most 32 lower-case letters,"
                " digits, '_' and '-', such as 'vmail'."
            )
        ],
    ),
    (
        {"dovecot_vmail_group": "5000"},
        [
            (
                "dovecot_vmail_group is '5000'. Use the name of a user or group, at most 32 lower-case letters,"
                " digits, '_' and '-', such as 'vmail'."
            )
        ],
    ),
    (
        {"dovecot_postfix_user": ""},
        ["dovecot_postfix_user is ''. Set a value, or remove the variable."],
    ),
    (
        {"dovecot_postfix_group": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
        [
            (
                "dovecot_postfix_group is 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'. Use the name of a user or group, at"
                " most 32 lower-case letters, digits, '_' and '-', such as 'vmail'."
            )
        ],
    ),
    (
        {"dovecot_database_group": "a b"},
        [
            (
                "dovecot_database_group is 'a b'. Use the name of a user or group, at most 32 lower-case letters,"
                " digits, '_' and '-', such as 'vmail'."
            )
        ],
    ),
    (
        {"dovecot_protocols": []},
        ["dovecot_protocols is []. Use a list of one or more of 'imap' and 'lmtp', each once."],
    ),
    (
        {"dovecot_protocols": "imap"},
        ["dovecot_protocols is 'imap'. Use a list of one or more of 'imap' and 'lmtp', each once."],
    ),
    (
        {"dovecot_protocols": ["imap", "pop3"]},
        ["dovecot_protocols has the entry 'pop3'. Use a list of one or more of 'imap' and 'lmtp', each once."],
    ),
    (
        {"dovecot_protocols": ["lmtp", "lmtp"]},
        [
            (
                "dovecot_protocols is ['lmtp', 'lmtp'], where an entry stands twice. Use a list of one or more of"
                " 'imap' and 'lmtp', each once."
            )
        ],
    ),
    (
        {"dovecot_auth_mechanisms": ["cram-md5"]},
        [
            (
                "dovecot_auth_mechanisms has the entry 'cram-md5'. Use a list of one or more of 'plain' and 'login',"
                " each once."
            )
        ],
    ),
    (
        {"dovecot_tls_profile": "old"},
        ["dovecot_tls_profile is 'old'. Use 'intermediate', 'modern' or 'broad'."],
    ),
    (
        {"dovecot_tls_other_keys": "/etc/ssl/b.key"},
        [
            (
                "dovecot_tls_other_keys is '/etc/ssl/b.key'. Use a list such as [{'key_file': '/etc/ssl/b.key',"
                " 'chain_file': '/etc/ssl/b.pem'}]."
            )
        ],
    ),
    (
        {
            "dovecot_tls_other_keys": [
                {"key_file": "/a/k", "chain_file": "/a/c"},
                {"key_file": "/a/k", "chain_file": "/a/c"},
            ]
        },
        [
            (
                "dovecot_tls_other_keys has 2 keys, and Dovecot can have one beside the first. Use a list such as"
                " [{'key_file': '/etc/ssl/b.key', 'chain_file': '/etc/ssl/b.pem'}]."
            )
        ],
    ),
    (
        {"dovecot_tls_other_keys": [{"key_file": "/a/k"}]},
        [
            (
                "dovecot_tls_other_keys has the entry {'key_file': '/a/k'}. Use a list such as [{'key_file':"
                " '/etc/ssl/b.key', 'chain_file': '/etc/ssl/b.pem'}]."
            )
        ],
    ),
    (
        {"dovecot_tls_other_keys": [{"key_file": "b.key", "chain_file": "/a/c"}]},
        [
            (
                "dovecot_tls_other_keys has an entry whose key_file is 'b.key'. Use an absolute path without blanks,"
                " quotes, '%', '$', '{' and '..', such as '/var/vmail'."
            )
        ],
    ),
    (
        {"dovecot_recipient_delimiter": "a"},
        [("dovecot_recipient_delimiter is 'a'. Use one or more of '+', '-', '=', '~', '!' and '#', or '' for none.")],
    ),
    (
        {"dovecot_imap_sessions": 0},
        ["dovecot_imap_sessions is 0. Use a number of sessions from 1 to 10000."],
    ),
    (
        {"dovecot_imap_sessions": True},
        ["dovecot_imap_sessions is True. Use a number of sessions from 1 to 10000."],
    ),
    (
        {"dovecot_service_timeout": "30s"},
        ["dovecot_service_timeout is '30s'. Use a number of seconds from 1 to 600."],
    ),
    (
        {"dovecot_service_timeout": "²"},
        ["dovecot_service_timeout is '²'. Use a number of seconds from 1 to 600."],
    ),
    (
        {"dovecot_accounts": "files"},
        ["dovecot_accounts is 'files'. Use 'sqlite' or 'ldap'."],
    ),
    (
        {
            "dovecot_accounts": "ldap",
            "dovecot_ldap_servers": [],
            "dovecot_ldap_search_base": "dc=example,dc=test",
            "dovecot_ldap_ca_file": "/etc/ssl/ca.pem",
            "dovecot_ldap_bind_dn": "cn=dovecot,dc=example,dc=test",
            "dovecot_ldap_bind_password": "s3cret",
        },
        ["dovecot_ldap_servers is []. Use a list such as ['ldap://ldap.example.org']."],
    ),
    (
        {
            "dovecot_accounts": "ldap",
            "dovecot_ldap_servers": ["ldap://ldap.example.test"],
            "dovecot_ldap_search_base": "dc=example,dc=test",
            "dovecot_ldap_ca_file": "/etc/ssl/ca.pem",
            "dovecot_ldap_bind_dn": "cn=dovecot,dc=example,dc=test",
            "dovecot_ldap_bind_password": "s3cret",
            "dovecot_ldap_tls": "none",
        },
        [
            (
                "dovecot_ldap_tls is 'none', and dovecot_ldap_bind_password would cross the network in the clear."
                " Use 'required'."
            )
        ],
    ),
    (
        {
            "dovecot_accounts": "ldap",
            "dovecot_ldap_servers": ["ldap://ldap.example.test"],
            "dovecot_ldap_search_base": "dc=example,dc=test",
            "dovecot_ldap_ca_file": "",
            "dovecot_ldap_bind_dn": "cn=dovecot,dc=example,dc=test",
            "dovecot_ldap_bind_password": "s3cret",
        },
        ["dovecot_ldap_ca_file is ''. Set a value, or remove the variable."],
    ),
    (
        {
            "dovecot_accounts": "ldap",
            "dovecot_ldap_servers": ["ldap://ldap.example.test"],
            "dovecot_ldap_search_base": "example.test",
            "dovecot_ldap_ca_file": "/etc/ssl/ca.pem",
            "dovecot_ldap_bind_dn": "cn=dovecot,dc=example,dc=test",
            "dovecot_ldap_bind_password": "s3cret",
        },
        [
            (
                "dovecot_ldap_search_base: 'example.test' is not a distinguished name (RFC 4514): no '=' follows the"
                " attribute 'example', at character 8."
            )
        ],
    ),
    (
        {
            "dovecot_accounts": "ldap",
            "dovecot_ldap_servers": ["ldap://ldap.example.test"],
            "dovecot_ldap_search_base": "dc=example,dc=test",
            "dovecot_ldap_ca_file": "/etc/ssl/ca.pem",
            "dovecot_ldap_bind_dn": "cn=dovecot,dc=example,dc=test",
            "dovecot_ldap_bind_password": "s3cret",
            "dovecot_ldap_account_filter": "(a=b",
        },
        [("dovecot_ldap_account_filter: '(a=b' is not an LDAP filter (RFC 4515): the '(' has no ')', at character 1.")],
    ),
    (
        {
            "dovecot_accounts": "ldap",
            "dovecot_ldap_servers": ["ldap://ldap.example.test"],
            "dovecot_ldap_search_base": "dc=example,dc=test",
            "dovecot_ldap_ca_file": "/etc/ssl/ca.pem",
            "dovecot_ldap_bind_dn": "cn=dovecot,dc=example,dc=test",
            "dovecot_ldap_bind_password": "s3cret",
            "dovecot_ldap_account_filter": "(a=%u)",
        },
        ["dovecot_ldap_account_filter is '(a=%u)'. Use a value without '%', '$' and '#'."],
    ),
    (
        {
            "dovecot_accounts": "ldap",
            "dovecot_ldap_servers": ["ldap://ldap.example.test"],
            "dovecot_ldap_search_base": "dc=example,dc=test",
            "dovecot_ldap_ca_file": "/etc/ssl/ca.pem",
            "dovecot_ldap_bind_dn": "cn=dovecot,dc=example,dc=test",
            "dovecot_ldap_bind_password": "s3cret",
            "dovecot_ldap_login_attribute": "e mail",
        },
        [
            (
                "dovecot_ldap_login_attribute: 'e mail' is not the name of an LDAP attribute (RFC 4512, section 2.5)."
                " Use one such as 'mail'."
            )
        ],
    ),
    (
        {
            "dovecot_accounts": "ldap",
            "dovecot_ldap_servers": ["ldap://ldap.example.test"],
            "dovecot_ldap_search_base": "dc=example,dc=test",
            "dovecot_ldap_ca_file": "/etc/ssl/ca.pem",
            "dovecot_ldap_bind_dn": "admin",
            "dovecot_ldap_bind_password": "s3cret",
        },
        [
            (
                "dovecot_ldap_bind_dn: 'admin' is not a distinguished name (RFC 4514): no '=' follows the attribute"
                " 'admin', at character 6."
            )
        ],
    ),
    (
        {
            "dovecot_accounts": "ldap",
            "dovecot_ldap_servers": ["ldap://ldap.example.test"],
            "dovecot_ldap_search_base": "dc=example,dc=test",
            "dovecot_ldap_ca_file": "/etc/ssl/ca.pem",
            "dovecot_ldap_bind_dn": "cn=dovecot,dc=example,dc=test",
            "dovecot_ldap_bind_password": "",
        },
        [
            (
                "dovecot_ldap_bind_password is empty, and dovecot_ldap_bind_dn is not. Set both, or neither to"
                " search without logging in."
            )
        ],
    ),
    (
        {
            "dovecot_accounts": "ldap",
            "dovecot_ldap_servers": ["ldap://ldap.example.test"],
            "dovecot_ldap_search_base": "dc=example,dc=test",
            "dovecot_ldap_ca_file": "/etc/ssl/ca.pem",
            "dovecot_ldap_bind_dn": "",
            "dovecot_ldap_bind_password": "s3cret",
        },
        [
            (
                "dovecot_ldap_bind_dn is empty, and dovecot_ldap_bind_password is not. Set both, or neither to"
                " search without logging in."
            )
        ],
    ),
    (
        {
            "dovecot_accounts": "ldap",
            "dovecot_ldap_servers": ["ldap://ldap.example.test"],
            "dovecot_ldap_search_base": "dc=example,dc=test",
            "dovecot_ldap_ca_file": "/etc/ssl/ca.pem",
            "dovecot_ldap_bind_dn": "cn=dovecot,dc=example,dc=test",
            "dovecot_ldap_bind_password": "a\nb",
        },
        ["dovecot_ldap_bind_password has a line break or a NUL. Use text of one line."],
    ),
    (
        {
            "dovecot_accounts": "ldap",
            "dovecot_ldap_servers": ["ldap://ldap.example.test"],
            "dovecot_ldap_search_base": "dc=example,dc=test",
            "dovecot_ldap_ca_file": "/etc/ssl/ca.pem",
            "dovecot_ldap_bind_dn": "cn=dovecot,dc=example,dc=test",
            "dovecot_ldap_bind_password": 83,
        },
        [
            (
                "dovecot_ldap_bind_password is not text: Ansible may have made it of a text such as '0123'. Put the"
                " value in quotes, or take the value from a file or an environment variable."
            )
        ],
    ),
    (
        {
            "dovecot_accounts": "ldap",
            "dovecot_ldap_servers": ["ldap://ldap.example.test"],
            "dovecot_ldap_search_base": "dc=example,dc=test",
            "dovecot_ldap_ca_file": "/etc/ssl/ca.pem",
            "dovecot_ldap_bind_dn": "cn=dovecot,dc=example,dc=test",
            "dovecot_ldap_bind_password": "s3cret",
            "dovecot_ldap_timeout": 0,
        },
        ["dovecot_ldap_timeout is 0. Use a number of seconds from 1 to 300."],
    ),
]


@pytest.mark.parametrize("change", GOOD)
def test_good_values(judged: Any, change: dict[str, Any]) -> None:
    assert judged("dovecot", {**BASE, **change})[1] == []


@pytest.mark.parametrize(("change", "sentences"), BAD)
def test_bad_values(judged: Any, change: dict[str, Any], sentences: list[str]) -> None:
    assert judged("dovecot", {**BASE, **change})[1] == sentences
