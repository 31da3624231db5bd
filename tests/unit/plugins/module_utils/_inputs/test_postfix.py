# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inputs of the role postfix, and what is said of bad ones."""

from __future__ import annotations

from typing import Any

import pytest

BASE: dict[str, Any] = {
    "postfix_hostname": "mail.example.org",
    "postfix_networks": ["127.0.0.0/8", "[::1]/128", "!192.0.2.7", "cidr:/etc/postfix/networks", "$proxy_interfaces"],
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
    "postfix_relay_clients": [
        "printer",
        {"name": "nas", "fingerprint": "0000000000000000000000000000000000000000000000000000000000000000"},
    ],
    "postfix_parameters": {},
    "postfix_services": {},
    "postfix_interfaces": ["all"],
    "postfix_skip_checks": [],
}

GOOD: list[dict[str, Any]] = [
    {},
]

BAD: list[tuple[dict[str, Any], list[str]]] = [
    (
        {"postfix_hostname": "mail"},
        ["postfix_hostname is 'mail', which has no dot. Use a fully qualified name such as 'mail.example.org'."],
    ),
    (
        {"postfix_hostname": "mail.exam ple.org"},
        [
            (
                "postfix_hostname is 'mail.exam ple.org', which has the label 'exam ple', and a label is 1 to 63"
                " letters, digits and inner hyphens. Use a domain name such as 'example.org'."
            )
        ],
    ),
    (
        {"postfix_hostname": "192.0.2.1"},
        [
            (
                "postfix_hostname is '192.0.2.1', which is an address and not a name. Use a domain name such as"
                " 'example.org'."
            )
        ],
    ),
    (
        {"postfix_networks": ["10.0.0.1/8"]},
        [
            (
                "postfix_networks has the entry '10.0.0.1/8', which is not a network: 10.0.0.1/8 has host bits set. Use"
                " '192.0.2.0/24', '[2001:db8::]/32' or a lookup table such as 'cidr:/etc/postfix/networks'."
            )
        ],
    ),
    (
        {"postfix_networks": ["::1/128"]},
        [
            (
                "postfix_networks has the entry '::1/128', and Postfix wants an IPv6 address in brackets. Use"
                " '192.0.2.0/24', '[2001:db8::]/32' or a lookup table such as 'cidr:/etc/postfix/networks'."
            )
        ],
    ),
    (
        {"postfix_networks": "127.0.0.0/8"},
        ["postfix_networks is '127.0.0.0/8'. Use a list such as ['127.0.0.0/8', '[::1]/128']."],
    ),
    (
        {"postfix_message_size_limit": "50 MB"},
        ["postfix_message_size_limit is '50 MB'. Use a number of bytes, 0 or more."],
    ),
    (
        {"postfix_compatibility_level": "3.x"},
        [
            (
                "postfix_compatibility_level is '3.x'. Use a release of Postfix in quotes, such as '3.6', or '' for the"
                " present level."
            )
        ],
    ),
    (
        {"postfix_recipient_delimiter": "a"},
        ["postfix_recipient_delimiter is 'a'. Use a character such as '+' or '-', or '' for none."],
    ),
    (
        {"postfix_environment": ["LDAPTIMEOUT 9"]},
        [
            (
                "postfix_environment has the entry 'LDAPTIMEOUT 9'. Use variables such as 'TZ=UTC', without blanks,"
                " commas, braces and '$'."
            )
        ],
    ),
    (
        {"postfix_tls_key_file": "key.pem"},
        [
            (
                "postfix_tls_key_file is 'key.pem'. Use an absolute path without blanks and commas, such as"
                " '/etc/ssl/mail.pem'."
            )
        ],
    ),
    (
        {"postfix_tls_chain_file": "/etc/ssl/my chain.pem"},
        [
            (
                "postfix_tls_chain_file is '/etc/ssl/my chain.pem'. Use an absolute path without blanks and commas,"
                " such as '/etc/ssl/mail.pem'."
            )
        ],
    ),
    (
        {"postfix_tls_profile": "old"},
        ["postfix_tls_profile is 'old'. Use 'intermediate', 'modern' or 'broad'."],
    ),
    (
        {"postfix_tls_profile": ["modern"]},
        ["postfix_tls_profile is ['modern']. Use 'intermediate', 'modern' or 'broad'."],
    ),
    (
        {"postfix_tls_other_keys": {"key_file": "/a"}},
        [
            (
                "postfix_tls_other_keys is {'key_file': '/a'}. Use a list such as [{'key_file': '/etc/ssl/b.key',"
                " 'chain_file': '/etc/ssl/b.pem'}]."
            )
        ],
    ),
    (
        {"postfix_tls_other_keys": [{"key_file": "/a"}]},
        [
            (
                "postfix_tls_other_keys has the entry {'key_file': '/a'}. Use a list such as [{'key_file':"
                " '/etc/ssl/b.key', 'chain_file': '/etc/ssl/b.pem'}]."
            )
        ],
    ),
    (
        {"postfix_tls_other_keys": [{"key_file": "/a/b", "chain_file": "c.pem"}]},
        [
            (
                "postfix_tls_other_keys has an entry whose chain_file is 'c.pem'. Use an absolute path without"
                " blanks and commas, such as '/etc/ssl/mail.pem'."
            )
        ],
    ),
    (
        {"postfix_tls_dhparam_file": "dh.pem"},
        [
            (
                "postfix_tls_dhparam_file is 'dh.pem'. Use an absolute path without blanks and commas, such as"
                " '/etc/ssl/mail.pem'."
            )
        ],
    ),
    (
        {"postfix_relay_clients": ["printer", "laptop"], "postfix_relay_clients_revoked": ["laptop"]},
        [
            (
                "postfix_relay_clients has 'laptop', whose certificate is revoked, and Postfix reads no revocation"
                " list. Take 'laptop' out."
            )
        ],
    ),
    (
        {"postfix_relay_clients_revoked": "laptop"},
        ["postfix_relay_clients_revoked is 'laptop', which is text. Use a list."],
    ),
    (
        {"postfix_relay_clients": "printer"},
        ["postfix_relay_clients is 'printer'. Use a list such as ['printer']."],
    ),
    (
        {"postfix_relay_clients": ["printer", "printer"]},
        ["postfix_relay_clients has 'printer' twice. Name each client once."],
    ),
    (
        {"postfix_relay_clients": [{"name": "nas", "fingerprint": "00:11"}]},
        [
            (
                "postfix_relay_clients: client 'nas': the fingerprint is '00:11', which is not a SHA-256"
                " fingerprint. Use 32 pairs of hexadecimal digits, joined by colons."
            )
        ],
    ),
    (
        {"postfix_tls_client_certificates": "always"},
        ["postfix_tls_client_certificates is 'always'. Use '', 'ask' or 'require'."],
    ),
    (
        {"postfix_tls_client_services": ["imaps"]},
        [
            (
                "postfix_tls_client_services has the entry 'imaps'. Use a list of one or more of 'smtp',"
                " 'submission' and 'submissions', each once."
            )
        ],
    ),
    (
        {"postfix_tls_client_verify_depth": 0},
        ["postfix_tls_client_verify_depth is 0. Use a number of issuers from 1 to 100."],
    ),
    (
        {"postfix_tls_client_ca_file": ""},
        [
            (
                "postfix_tls_client_certificates is 'require', and there is no CA that Postfix could trust the"
                " certificates by. Name one with postfix_tls_client_ca_file or postfix_tls_client_ca_directory."
            )
        ],
    ),
    (
        {"postfix_tls_client_services": ["smtp", "submission"]},
        [
            (
                "postfix_tls_client_certificates is 'require' with 'smtp' in postfix_tls_client_services, and other"
                " hosts have no certificate of yours (TLS is optional on port 25: RFC 3207, section 4). Use 'ask', or"
                " leave 'smtp' out."
            )
        ],
    ),
    (
        {"postfix_parameters": {"relayhost": ["mail.example.net"]}},
        [
            "postfix_parameters: parameter 'relayhost': the value is a list to YAML, and relayhost is a single value."
            ' Use quotes, such as "[mail.example.net]".'
        ],
    ),
    (
        {"postfix_parameters": {"smtpd_tls_security_level": "encrypt"}},
        [
            (
                "postfix_parameters: smtpd_tls_security_level is 'encrypt', so that port 25 would refuse mail"
                " without TLS, which a public server must not (RFC 3207, section 4). Use 'may'; users have ports 465"
                " and 587, where TLS is required. For a server that only known hosts send to, set"
                " postfix_skip_checks: [tls-required-on-port-25]."
            )
        ],
    ),
    (
        {"postfix_hostname": ""},
        ["postfix_hostname is ''. Set a value, or remove the variable."],
    ),
    (
        {"postfix_networks": None},
        ["postfix_networks is None. Set a value, or remove the variable."],
    ),
    (
        {"postfix_chroot": "maybe"},
        ["postfix_chroot is 'maybe'. Use true or false."],
    ),
    (
        {"postfix_service_timeout": 0},
        ["postfix_service_timeout is 0. Use a number of seconds from 1 to 3600."],
    ),
    (
        {"postfix_services": "{}"},
        ["postfix_services is '{}', which is text. Use a mapping."],
    ),
]


@pytest.mark.parametrize("change", GOOD)
def test_good_values(judged: Any, change: dict[str, Any]) -> None:
    assert judged("postfix", {**BASE, **change})[1] == []


@pytest.mark.parametrize(("change", "sentences"), BAD)
def test_bad_values(judged: Any, change: dict[str, Any], sentences: list[str]) -> None:
    assert judged("postfix", {**BASE, **change})[1] == sentences


SAID = "so that port 25 would refuse mail without TLS, which a public server must not (RFC 3207, section 4)"


@pytest.mark.parametrize(
    ("parameters", "services", "interfaces", "skipped", "begins"),
    [
        (
            {"smtpd_tls_security_level": "encrypt"}, {}, ["all"], [],
            "postfix_parameters: smtpd_tls_security_level is 'encrypt'",
        ),
        (
            {}, {"smtp/inet": {"options": {"smtpd_tls_security_level": "encrypt"}}}, ["192.0.2.1"], [],
            "postfix_services: smtp/inet: smtpd_tls_security_level is 'encrypt'",
        ),
        ({}, {"25/inet": {"options": {"smtpd_tls_wrappermode": True}}}, ["all"], [],
         "postfix_services: 25/inet: smtpd_tls_wrappermode is yes"),
        ({"smtpd_enforce_tls": "yes"}, {}, ["all"], [], "postfix_parameters: smtpd_enforce_tls is yes"),
        # the service has the last word
        ({"smtpd_tls_security_level": "encrypt"}, {"smtp/inet": {"options": {"smtpd_tls_security_level": "may"}}},
         ["all"], [], None),
        ({}, {"submission/inet": {"options": {"smtpd_tls_security_level": "encrypt"}}}, ["all"], [], None),
        ({"smtpd_tls_security_level": "encrypt"}, {}, ["loopback-only"], [], None),
        ({"smtpd_tls_security_level": "encrypt"}, {}, ["127.0.0.1", "[::1]"], [], None),
        ({"smtpd_tls_security_level": "encrypt"}, {}, ["all"], ["tls-required-on-port-25"], None),
        ({"smtpd_tls_security_level": "may"}, {"smtp/inet": {"chroot": False}}, ["all"], [], None),
    ],
)  # fmt: skip
def test_the_guard_of_port_25(
    judged: Any,
    parameters: dict[str, Any],
    services: dict[str, Any],
    interfaces: list[str],
    skipped: list[str],
    begins: str | None,
) -> None:
    wishes = {
        "postfix_parameters": parameters,
        "postfix_services": services,
        "postfix_interfaces": interfaces,
        "postfix_skip_checks": skipped,
    }
    found = judged("postfix", {**BASE, **wishes})[1]
    if begins is None:
        assert found == []
    else:
        (said,) = found
        assert said.startswith(f"{begins}, {SAID}. ")
        assert said.endswith("postfix_skip_checks: [tls-required-on-port-25].")


@pytest.mark.parametrize(
    ("change", "sentences"),
    [
        ({"postfix_parameters": {"mynetwork": "192.0.2.0/24"}},
         ["postfix_parameters: Postfix 3.11 has no parameter 'mynetwork', and no other value uses it as $mynetwork (did"
          " you mean mynetworks?)."]),
        ({"postfix_parameters": {"mynetwork": "192.0.2.0/24"}, "postfix_skip_checks": ["unknown-parameter"]}, []),
        # One of the releases has it.
        ({"postfix_parameters": {"smtpd_forbid_unauth_pipelining": "yes", "tls_random_exchange_name": "/x"}}, []),
        # The service may be on the host.
        ({"postfix_parameters": {"maildrop_destination_recipient_limit": 1}}, []),
        ({"postfix_parameters": {"soft_bounce": "sometimes"}},
         ["postfix_parameters: soft_bounce is yes or no, not 'sometimes' (set soft_bounce to yes or no)."]),
        ({"postfix_parameters": {"smtpd_client_restrictions": "permit_mynetwork, reject"}},
         ["postfix_parameters: smtpd_client_restrictions: there is no restriction 'permit_mynetwork' (did you mean"
          " permit_mynetworks?)."]),
        ({"postfix_parameters": {"local_class": "permit", "smtpd_restriction_classes": "local_class",
                                 "smtpd_client_restrictions": "local_class, $mua_helo_restrictions"}}, []),
        ({"postfix_networks": ["$my_networks"]},
         ["postfix_networks: mynetworks uses $my_networks, which is set nowhere and has no default (did you mean"
          " $mynetworks?)."]),
        ({"postfix_services": {"submission/inet": {"options": {"smtpd_helo_restriction": ""}}}},
         ["postfix_services: service submission/inet: Postfix 3.11 has no parameter 'smtpd_helo_restriction', and no"
          " other value uses it as $smtpd_helo_restriction (did you mean smtpd_helo_restrictions?)."]),
        ({"postfix_services": {"2525/inet": {"command": "smtpd", "options": {
            "smtpd_relay_restrictions": "permit", "smtpd_recipient_restrictions": "permit"}}}},
         ["postfix_services: service 2525/inet: strangers may relay mail: no reject_unauth_destination,"
          " defer_unauth_destination, reject or defer in smtpd_relay_restrictions or smtpd_recipient_restrictions stops"
          " them (smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination)."
          ]),
        ({"postfix_skip_checks": ["open-rely"]},
         ["postfix_skip_checks: there is no check 'open-rely'; did you mean 'open-relay'?"]),
        ({"postfix_absent": ["smtpd_relay_restrictions", "smtpd_recipient_restrictions"]}, []),
        ({"postfix_submission": "false", "postfix_tls_client_services": ["submissions"],
          "postfix_services": {"submission/inet": {"chroot": False}}},
         ["postfix_services has 'submission/inet', and postfix_submission removes the service submission/inet. Set"
          " postfix_submission: true, or remove 'submission/inet'."]),
        # Only the host knows the command.
        ({"postfix_services": {"maildrop/unix": {"options": {"syslog_name": "x"}}}}, []),
    ],
)  # fmt: skip
def test_what_can_be_judged_without_the_host(judged: Any, change: dict[str, Any], sentences: list[str]) -> None:
    assert judged("postfix", {**BASE, **change})[1] == sentences


CHANGES = (
    "Use a mapping of 'client', 'helo', 'sender', 'relay', 'recipient', 'data' and 'end_of_data' to lists, or to"
    " mappings of 'prepend', 'append', 'remove', 'before', 'after' and 'replace'."
)
ENTRY = (
    "Use a domain such as 'bl.example.org=127.0.0.[2..11]', or a mapping such as {'list': 'dbl.example.org', 'of':"
    " 'sender'}, where 'of' is 'helo', 'sender' or 'reverse_client'."
)
SOCKET = "Use a socket such as 'unix:opendkim/opendkim.sock' or 'inet:127.0.0.1:8891'."


@pytest.mark.parametrize(
    ("change", "sentences"),
    [
        ({"postfix_restrictions": {"rcpt": []}}, [f"postfix_restrictions is {{'rcpt': []}}. {CHANGES}"]),
        ({"postfix_restrictions": {"relay": "permit"}}, [f"postfix_restrictions['relay'] is 'permit'. {CHANGES}"]),
        ({"postfix_restrictions": {"relay": {"first": ["permit"]}}},
         [f"postfix_restrictions['relay'] is {{'first': ['permit']}}. {CHANGES}"]),
        ({"postfix_restrictions": {"relay": {"after": ["permit"]}}},
         [f"postfix_restrictions['relay'] is {{'after': ['permit']}}. {CHANGES}"]),
        ({"postfix_restrictions": {"relay": ["permit"], "recipient": ["permit"]}},
         ["postfix_restrictions: smtpd_relay_restrictions: strangers may relay mail: no reject_unauth_destination,"
          " defer_unauth_destination, reject or defer in smtpd_relay_restrictions or smtpd_recipient_restrictions stops"
          " them (smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination)."
          ]),
        ({"postfix_restrictions": {"client": {"append": ["reject_unknown_clients"]}}},
         ["postfix_restrictions: smtpd_client_restrictions: there is no restriction 'reject_unknown_clients' (did you"
          " mean reject_unknown_client?)."]),
        ({"postfix_dns_lists": ["zen example"]}, [f"postfix_dns_lists has the entry 'zen example'. {ENTRY}"]),
        ({"postfix_dns_lists": [{"list": "a.example", "of": "from"}]},
         [f"postfix_dns_lists has the entry {{'list': 'a.example', 'of': 'from'}}. {ENTRY}"]),
        ({"postfix_milters": ["/run/x.sock"]}, [f"postfix_milters has the entry '/run/x.sock'. {SOCKET}"]),
        ({"postfix_service_milters": {"submission": ["inet:8891"]}},
         [f"postfix_service_milters['submission'] has the entry 'inet:8891'. {SOCKET}"]),
        ({"postfix_service_milters": {"smtps": []}},
         ["postfix_service_milters is {'smtps': []}. Use a mapping of 'smtp', 'submission' and 'submissions' to"
          " lists."]),
        ({"postfix_policy_services": ["private/policy"]},
         ["postfix_policy_services has the entry 'private/policy'. Use a server such as 'unix:private/policy' or"
          " 'inet:127.0.0.1:10031'."]),
        ({"postfix_sasl_type": "none", "postfix_relay_clients": [], "postfix_submission": False,
          "postfix_submissions": True, "postfix_tls_client_certificates": ""},
         ["postfix_submissions is true, and postfix_sasl_type is 'none', so nobody could send there. Set"
          " postfix_sasl_type, or postfix_submissions: false."]),
    ],
)  # fmt: skip
def test_bad_wishes(judged: Any, change: dict[str, Any], sentences: list[str]) -> None:
    assert judged("postfix", {**BASE, **change})[1] == sentences


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("postfix_networks", ["0.0.0.0/0"],
         ": mynetworks has '0.0.0.0/0': all hosts on the Internet, or many of them, may relay mail through this host"
         " (name only networks whose hosts you run, such as 127.0.0.0/8 [::1]/128)."),
        ("postfix_interfaces", ["any"],
         ": inet_interfaces: 'any' is not an address, a host name, all or loopback-only (did you mean all?)."),
        ("postfix_origin", "a.example.org b.example.org",
         ": myorigin: 'a.example.org b.example.org' is more than one name (write one domain)."),
        ("postfix_relayhost", "[x]:99999",
         ": relayhost: '[x]:99999' names the port '99999', which is neither a number nor in services(5) (write the"
         " number)."),
        ("postfix_services", {"foo/unix": {"command": "pipe", "unpriv": "n"}},
         ": foo/unix: pipe(8) needs argv= (add argv=command and its arguments, last on the line)."),
        ("postfix_policy_commands", {"local": {"user": "nobody", "command": "/bin/x"}},
         " has the name 'local', which is a service of Postfix. Use another name, such as 'local-policy'."),
        ("postfix_protocols", [], " is []. Use a list of 'all', 'ipv4' or 'ipv6'."),
        ("postfix_parent_domains", ["relay_domain"], " has the entry 'relay_domain'."),
        ("postfix_relayhost_username", "a:b", " has a colon, which ends the name. Use the name without a colon."),
        ("postfix_relay_credentials", [{"sender": "example.org", "username": "a", "password": "one-two"}],
         " has an entry, number 1, for the sender 'example.org', which no sender is asked for. Use an address, or"
         " '@example.org' for a domain."),
        ("postfix_sender_relayhosts", {"example.org": "[smtp.example.org]:587"},
         " has the key 'example.org', which no sender is asked for. Use an address, or '@example.org' for a domain."),
        ("postfix_transports", {"@example.org": "smtp:[192.0.2.1]"},
         " has the key '@example.org', and a transport is asked for by domain. Use 'example.org'."),
        ("postfix_tls_client_access", {"AF:4B": "REJECT"}, "which is not a SHA-256 fingerprint"),
        ("postfix_tls_client_access", {"example": "REJECT"}, "which is not a SHA-256 fingerprint"),
    ],
)  # fmt: skip
def test_each_is_found_before_the_first_host(judged: Any, name: str, value: Any, sentence: str) -> None:
    sentences = judged("postfix", {"postfix_tls_other_keys": [], name: value})[1]
    assert [name for told in sentences if told.startswith(name) and sentence in told] == [name], sentences


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("postfix_transports", {"example.net": "error:5.1.2 no mail here", "alice@example.net": "smtp:"}),
        ("postfix_policy_commands", {"greylist": {"user": "nobody", "command": "/bin/x"}}),
        ("postfix_parent_domains", []),
        ("postfix_protocols", ["ipv4", "ipv6"]),
        ("postfix_relay_credentials", [{"host": "smtp.example.org", "username": "a", "password": "one-two"}]),
    ],
)
def test_each_is_right(judged: Any, name: str, value: Any) -> None:
    assert judged("postfix", {"postfix_tls_other_keys": [], name: value})[1] == []


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"path": "/etc/postfix/x", "content": "/^X:/ IGNORE\n"}, "which has content and no type. Use one of hash,"),
        ({"path": "/etc/postfix/x", "type": "hahs", "entries": {}}, "which has the type 'hahs'. Use one of hash,"),
        ({"path": "/etc/postfix/x", "entries": {"a b": "c"}}, "which cannot be written: the key 'a b' has blanks"),
        ({"path": "/etc/postfix/x", "entries": {"a": ""}}, "which cannot be written: the key 'a' has the value ''"),
        ({"path": "/etc/postfix/x", "entries": {"a": "b", "A": "c"}}, "which cannot be written: the keys 'a' and 'A'"),
        ({"path": "/etc/postfix/main.cf", "entries": {}}, "which is a file of Postfix itself. Use a file such as"),
        ({"path": "/etc/passwd", "entries": {}}, "and /etc has files of the system. Use a file such as"),
    ],
)
def test_tables_are_judged_before_a_host_is_touched(judged: Any, table: dict[str, Any], sentence: str) -> None:
    _good, sentences = judged("postfix", {**BASE, "postfix_tables": [table]})
    assert [
        text for text in sentences if text.startswith(f"postfix_tables has the table {table['path']!r}, {sentence}")
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("postfix_origin", "/etc/mailname"),
        ("postfix_parameters", {"tls_random_source": "dev:/dev/hwrng", "bounce_template_file": "/etc/postfix/b.cf"}),
        ("postfix_parameters", {"tls_random_exchange_name": "/var/lib/postfix/prng", "daemon_directory": "/opt/p"}),
        ("postfix_parameters", {"maillog_file": "/var/log/postfix.log", "multi_instance_directories": "/etc/postfix-2",
                                "multi_instance_wrapper": "${command_directory}/postmulti -p --"}),
        ("postfix_services",
         {"x/unix": {"command": "pipe", "unpriv": "n", "arguments": ["user=mail", "directory=/x", "argv=/x"]}}),
    ],
)  # fmt: skip
def test_what_only_the_host_knows_is_not_judged_before(judged: Any, name: str, value: Any) -> None:
    _good, sentences = judged("postfix", {**BASE, name: value})
    assert [text for text in sentences if text.startswith(name)] == []
