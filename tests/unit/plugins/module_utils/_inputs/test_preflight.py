# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._inputs.preflight import postfix_problems

GOOD: dict[str, Any] = {
    "postfix_hostname": "mail.example.org",
    "postfix_networks": ["127.0.0.0/8", "[::1]/128", "!192.0.2.7", "cidr:/etc/postfix/networks", "$other"],
    "postfix_message_size_limit": 51200000,
    "postfix_recipient_delimiter": "+-",
    "postfix_environment": ["LDAPTIMEOUT=9", "TZ="],
    "postfix_tls_key_file": "/etc/ssl/private/a.key",
    "postfix_tls_chain_file": "/etc/ssl/a.pem",
    "postfix_tls_other_keys": [{"key_file": "/etc/ssl/b.key", "chain_file": "/etc/ssl/b.pem"}],
    "postfix_tls_profile": "modern",
    "postfix_tls_dhparam_file": "",
    "postfix_tls_ca_file": "/etc/ssl/ca.pem",
    "postfix_tls_ca_directory": "",
    "postfix_tls_client_ca_file": "/etc/ssl/ca.pem",
    "postfix_tls_client_ca_directory": "",
    "postfix_tls_client_certificates": "require",
    "postfix_tls_client_services": ["submission"],
    "postfix_tls_client_verify_depth": 9,
    "postfix_relay_clients_revoked": ["old-laptop"],
    "postfix_relay_clients": ["printer", {"name": "nas", "fingerprint": "00" * 32}],
    "postfix_parameters": {},
    "postfix_services": {},
    "postfix_interfaces": ["all"],
    "postfix_skip_checks": [],
}

KEYS = "Right would be a list such as [{'key_file': '/etc/ssl/b.key', 'chain_file': '/etc/ssl/b.pem'}]."

BAD = [
    (
        {"postfix_hostname": "mail"},
        "postfix_hostname is 'mail', which has no dot."
        " Right would be a fully qualified name such as 'mail.example.org'.",
    ),
    (
        {"postfix_hostname": "mail.exam ple.org"},
        "postfix_hostname is 'mail.exam ple.org', where 'exam ple' is no label of a domain name"
        " (letters, digits and inner hyphens, 1 to 63 of them). Right would be a domain name such as 'example.org'.",
    ),
    (
        {"postfix_hostname": None},
        "postfix_hostname is None, which is no text. Right would be a domain name such as 'example.org'.",
    ),
    (
        {"postfix_hostname": "192.0.2.1"},
        "postfix_hostname is '192.0.2.1', which is an address and not a name."
        " Right would be a domain name such as 'example.org'.",
    ),
    (
        {"postfix_networks": ["10.0.0.1/8"]},
        "postfix_networks has the entry '10.0.0.1/8', which is no network: 10.0.0.1/8 has host bits set."
        " Right would be '192.0.2.0/24', '[2001:db8::]/32' or a lookup table such as 'cidr:/etc/postfix/networks'.",
    ),
    (
        {"postfix_networks": ["::1/128"]},
        "postfix_networks has the entry '::1/128'; Postfix wants an IPv6 address in brackets."
        " Right would be '192.0.2.0/24', '[2001:db8::]/32' or a lookup table such as 'cidr:/etc/postfix/networks'.",
    ),
    (
        {"postfix_networks": "127.0.0.0/8"},
        "postfix_networks is '127.0.0.0/8'. Right would be a list such as ['127.0.0.0/8', '[::1]/128'].",
    ),
    (
        {"postfix_message_size_limit": "50 MB"},
        "postfix_message_size_limit is '50 MB'. Right would be a number of bytes such as 51200000; 0 is no limit.",
    ),
    (
        {"postfix_recipient_delimiter": "a"},
        "postfix_recipient_delimiter is 'a'. Right would be a character such as '+' or '-', or '' for none.",
    ),
    (
        {"postfix_environment": ["LDAPTIMEOUT 9"]},
        "postfix_environment is ['LDAPTIMEOUT 9']. Right would be a list of variables such as ['TZ=UTC'], without"
        " blanks, commas and braces.",
    ),
    (
        {"postfix_tls_key_file": "key.pem"},
        "postfix_tls_key_file is 'key.pem', which is not the absolute path of a file."
        " Right would be one such as '/etc/ssl/mail.pem'.",
    ),
    (
        {"postfix_tls_chain_file": "/etc/ssl/my chain.pem"},
        "postfix_tls_chain_file is '/etc/ssl/my chain.pem'; a path in main.cf can have neither blanks nor commas."
        " Choose one without.",
    ),
    (
        {"postfix_tls_profile": "old"},
        "postfix_tls_profile is 'old'. Right would be one of 'intermediate', 'modern', 'broad'.",
    ),
    (
        {"postfix_tls_profile": ["modern"]},
        "postfix_tls_profile is ['modern']. Right would be one of 'intermediate', 'modern', 'broad'.",
    ),
    (
        {"postfix_tls_other_keys": {"key_file": "/a"}},
        f"postfix_tls_other_keys is {{'key_file': '/a'}}. {KEYS}",
    ),
    (
        {"postfix_tls_other_keys": [{"key_file": "/a"}]},
        f"postfix_tls_other_keys has the entry {{'key_file': '/a'}}. {KEYS}",
    ),
    (
        {"postfix_tls_other_keys": [{"key_file": "/a/b", "chain_file": "c.pem"}]},
        "postfix_tls_other_keys: chain_file is 'c.pem', which is not the absolute path of a file."
        " Right would be one such as '/etc/ssl/mail.pem'.",
    ),
    (
        {"postfix_tls_dhparam_file": "dh.pem"},
        "postfix_tls_dhparam_file is 'dh.pem', which is not the absolute path of a file."
        " Right would be one such as '/etc/ssl/mail.pem'.",
    ),
    (
        {"postfix_relay_clients": ["printer", "laptop"], "postfix_relay_clients_revoked": ["laptop"]},
        "postfix_relay_clients has 'laptop', whose certificate is revoked, and Postfix reads no revocation list. Right"
        " would be to take it out.",
    ),
    (
        {"postfix_relay_clients_revoked": "laptop"},
        "postfix_relay_clients_revoked is 'laptop'. Right would be a list of names such as ['old-laptop'].",
    ),
    (
        {"postfix_relay_clients": "printer"},
        "postfix_relay_clients is 'printer'. Right would be a list such as ['printer'].",
    ),
    (
        {"postfix_relay_clients": ["printer", "printer"]},
        "postfix_relay_clients has 'printer' twice. Right would be to name it once.",
    ),
    (
        {"postfix_relay_clients": [{"name": "nas", "fingerprint": "00:11"}]},
        "postfix_relay_clients: client 'nas': the fingerprint '00:11' is not that of SHA-256: 32 pairs of hexadecimal"
        " digits, joined by colons.",
    ),
    (
        {"postfix_tls_client_certificates": "always"},
        "postfix_tls_client_certificates is 'always'. Right would be 'ask' or 'require'.",
    ),
    (
        {"postfix_tls_client_services": ["imaps"]},
        "postfix_tls_client_services is ['imaps']."
        " Right would be a list of one or more of 'smtp', 'submission', 'submissions'.",
    ),
    (
        {"postfix_tls_client_verify_depth": 0},
        "postfix_tls_client_verify_depth is 0. Right would be a number of issuers from 1 to 100.",
    ),
    (
        {"postfix_tls_client_ca_file": ""},
        "postfix_tls_client_certificates is 'require', and there is no CA that Postfix could trust the certificates by."
        " Right would be to name one with postfix_tls_client_ca_file or postfix_tls_client_ca_directory.",
    ),
    (
        {"postfix_tls_client_services": ["smtp", "submission"]},
        "postfix_tls_client_certificates is 'require' with 'smtp' in postfix_tls_client_services; other hosts have no"
        " certificate of yours, and TLS is optional on port 25 (RFC 3207, section 4). Right would be 'ask', or to leave"
        " 'smtp' out.",
    ),
    (
        {"postfix_parameters": {"smtpd_tls_security_level": "encrypt"}},
        "postfix_parameters: smtpd_tls_security_level is 'encrypt', so that port 25 would refuse mail without TLS,"
        " which a public server must not (RFC 3207, section 4). Right would be 'may'; users have ports 465 and 587,"
        " where TLS is required. A server that only known hosts send to says so with"
        " postfix_skip_checks: [tls-required-on-port-25].",
    ),
]


def test_good_inputs_have_no_problem() -> None:
    assert postfix_problems(GOOD) == []


@pytest.mark.parametrize(("inputs", "sentence"), BAD, ids=lambda value: str(value)[:40])
def test_each_bad_input_is_named(inputs: dict[str, Any], sentence: str) -> None:
    assert postfix_problems({**GOOD, **inputs}) == [sentence]


def test_an_input_without_a_rule_is_an_error() -> None:
    with pytest.raises(ValueError, match="no rule is known for the input 'postfix_colour'"):
        postfix_problems({"postfix_colour": "blue"})
