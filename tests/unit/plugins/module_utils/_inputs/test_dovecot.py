# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.puffy.mail.plugins.module_utils._inputs.dovecot import (
    MECHANISMS,
    PROTOCOLS,
    dovecot_problems,
)
from ansible_collections.puffy.mail.plugins.module_utils._tls.policy import PROFILES

ROLE = Path(__file__).resolve().parents[5] / "roles" / "dovecot"

GOOD: list[dict[str, Any]] = [
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
]

PATH = "Right would be an absolute path without blanks, quotes, '%', '$', '{' or '..', such as '/var/vmail'."
ACCOUNT = (
    "Right would be the name of a user or group: lower-case letters, digits, '_' and '-', 32 at most, such as 'vmail'."
)

KEYS = "Right would be [] or one such as [{'key_file': '/etc/ssl/b.key', 'chain_file': '/etc/ssl/b.pem'}]."

BAD: list[tuple[str, Any, str]] = [
    (
        "dovecot_hostname",
        "mail",
        "dovecot_hostname is 'mail', which has no dot."
        " Right would be a fully qualified name such as 'mail.example.org'.",
    ),
    ("dovecot_database", "mail.sqlite", f"dovecot_database is 'mail.sqlite'. {PATH}"),
    ("dovecot_database", "/srv/my mail.sqlite", f"dovecot_database is '/srv/my mail.sqlite'. {PATH}"),
    ("dovecot_database", "", f"dovecot_database is ''. {PATH}"),
    ("dovecot_database", None, f"dovecot_database is None. {PATH}"),
    ("dovecot_vmail_home", "/", f"dovecot_vmail_home is '/'. {PATH}"),
    ("dovecot_vmail_home", "/var/../etc", f"dovecot_vmail_home is '/var/../etc'. {PATH}"),
    ("dovecot_vmail_home", "/var/vmail/%d", f"dovecot_vmail_home is '/var/vmail/%d'. {PATH}"),
    ("dovecot_vmail_home", "/var/vmail\n", f"dovecot_vmail_home is '/var/vmail\\n'. {PATH}"),
    ("dovecot_tls_key_file", "/etc/$x", f"dovecot_tls_key_file is '/etc/$x'. {PATH}"),
    ("dovecot_tls_chain_file", ["/a"], f"dovecot_tls_chain_file is ['/a']. {PATH}"),
    ("dovecot_queue_directory", "spool", f"dovecot_queue_directory is 'spool'. {PATH}"),
    ("dovecot_vmail_user", "Vmail", f"dovecot_vmail_user is 'Vmail'. {ACCOUNT}"),
    ("dovecot_vmail_group", 5000, f"dovecot_vmail_group is 5000. {ACCOUNT}"),
    ("dovecot_postfix_user", "", f"dovecot_postfix_user is ''. {ACCOUNT}"),
    ("dovecot_postfix_group", "a" * 33, f"dovecot_postfix_group is '{'a' * 33}'. {ACCOUNT}"),
    ("dovecot_database_group", "a b", f"dovecot_database_group is 'a b'. {ACCOUNT}"),
    ("dovecot_protocols", [], "dovecot_protocols is []. Right would be a list of one or more of 'imap', 'lmtp'."),
    (
        "dovecot_protocols",
        "imap",
        "dovecot_protocols is 'imap'. Right would be a list of one or more of 'imap', 'lmtp'.",
    ),
    (
        "dovecot_protocols",
        ["imap", "pop3"],
        "dovecot_protocols has the entry 'pop3'. Right would be a list of one or more of 'imap', 'lmtp'.",
    ),
    (
        "dovecot_protocols",
        ["lmtp", "lmtp"],
        "dovecot_protocols is ['lmtp', 'lmtp'], where an entry stands twice."
        " Right would be a list of one or more of 'imap', 'lmtp'.",
    ),
    (
        "dovecot_auth_mechanisms",
        ["cram-md5"],
        "dovecot_auth_mechanisms has the entry 'cram-md5'. Right would be a list of one or more of 'plain', 'login'.",
    ),
    (
        "dovecot_tls_profile",
        "old",
        "dovecot_tls_profile is 'old'. Right would be one of 'intermediate', 'modern', 'broad'.",
    ),
    ("dovecot_tls_other_keys", "/etc/ssl/b.key", f"dovecot_tls_other_keys is '/etc/ssl/b.key'. {KEYS}"),
    (
        "dovecot_tls_other_keys",
        [{"key_file": "/a/k", "chain_file": "/a/c"}] * 2,
        f"dovecot_tls_other_keys has 2 keys, and Dovecot can have one beside the first. {KEYS}",
    ),
    (
        "dovecot_tls_other_keys",
        [{"key_file": "/a/k"}],
        f"dovecot_tls_other_keys has the entry {{'key_file': '/a/k'}}. {KEYS}",
    ),
    (
        "dovecot_tls_other_keys",
        [{"key_file": "b.key", "chain_file": "/a/c"}],
        f"dovecot_tls_other_keys: key_file is 'b.key'. {PATH}",
    ),
    (
        "dovecot_recipient_delimiter",
        "a",
        "dovecot_recipient_delimiter is 'a'."
        " Right would be one or more of '+', '-', '=', '~', '!', '#', or '' for none.",
    ),
    ("dovecot_imap_sessions", 0, "dovecot_imap_sessions is 0. Right would be a number of sessions from 1 to 10000."),
    (
        "dovecot_imap_sessions",
        True,
        "dovecot_imap_sessions is True. Right would be a number of sessions from 1 to 10000.",
    ),
    (
        "dovecot_service_timeout",
        "30s",
        "dovecot_service_timeout is '30s'. Right would be a number of seconds from 1 to 600.",
    ),
    (
        "dovecot_service_timeout",
        "²",
        "dovecot_service_timeout is '²'. Right would be a number of seconds from 1 to 600.",
    ),
]


@pytest.mark.parametrize("inputs", GOOD)
def test_good_values_have_no_problem(inputs: dict[str, Any]) -> None:
    assert dovecot_problems(inputs) == []


@pytest.mark.parametrize(("name", "value", "sentence"), BAD)
def test_bad_values(name: str, value: Any, sentence: str) -> None:
    assert dovecot_problems({name: value}) == [sentence]


def test_every_bad_value_is_told_in_order() -> None:
    problems = dovecot_problems({"dovecot_hostname": "a b.c", "dovecot_database": "x", "dovecot_vmail_user": "vmail"})
    assert [problem.split(" ")[0] for problem in problems] == ["dovecot_hostname", "dovecot_database"]


def test_an_input_without_a_rule_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"^no rule is known for the input 'dovecot_colour'$"):
        dovecot_problems({"dovecot_colour": "red"})


def specification() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    return loaded


def test_defaults_and_argument_specs_say_the_same() -> None:
    options = specification()["main"]["options"]
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    assert {name: option["default"] for name, option in options.items() if "default" in option} == defaults
    required = {name for name, option in options.items() if option.get("required")}
    assert required == set(options) - set(defaults)
    assert specification()["preflight"]["options"] == options


def test_choices_are_those_of_the_rules() -> None:
    options = specification()["main"]["options"]
    assert options["dovecot_protocols"]["choices"] == list(PROTOCOLS)
    assert options["dovecot_auth_mechanisms"]["choices"] == list(MECHANISMS)
    assert options["dovecot_tls_profile"]["choices"] == list(PROFILES)


LDAP = {
    "dovecot_accounts": "ldap",
    "dovecot_database": "",
    "dovecot_ldap_servers": ["ldap://ldap.example.test"],
    "dovecot_ldap_search_base": "dc=example,dc=test",
    "dovecot_ldap_tls": "required",
    "dovecot_ldap_ca_file": "/etc/ssl/ca.pem",
    "dovecot_ldap_bind_dn": "cn=dovecot,dc=example,dc=test",
    "dovecot_ldap_bind_password": "s3cret",
    "dovecot_ldap_timeout": 10,
    "dovecot_ldap_account_filter": "(objectClass=PostfixBookMailAccount)",
    "dovecot_ldap_login_attribute": "mail",
}


def test_a_directory_needs_no_database_and_a_database_no_directory() -> None:
    assert dovecot_problems(LDAP) == []
    assert dovecot_problems({**LDAP, "dovecot_accounts": "sqlite", "dovecot_database": "/a/b"}) == []
    assert dovecot_problems({**LDAP, "dovecot_accounts": "sqlite"})[0].startswith("dovecot_database is ''. ")
    assert dovecot_problems({"dovecot_accounts": "files"}) == [
        "dovecot_accounts is 'files'. Right would be 'sqlite' or 'ldap'."
    ]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"dovecot_ldap_servers": []}, "dovecot_ldap_servers is []. Right would be a list such as"),
        ({"dovecot_ldap_tls": "none"}, "dovecot_ldap_tls is 'none', and dovecot_ldap_bind_password would cross the"),
        ({"dovecot_ldap_ca_file": ""}, "dovecot_ldap_ca_file is '', which is not the absolute path of a file."),
        ({"dovecot_ldap_search_base": "example.test"}, "dovecot_ldap_search_base: 'example.test' is no distinguished"),
        ({"dovecot_ldap_account_filter": "(a=b"}, "dovecot_ldap_account_filter: '(a=b' is no LDAP filter (RFC 4515): "),
        ({"dovecot_ldap_account_filter": "(a=%u)"}, "Right would be one without '%', '$' and '#'."),
        ({"dovecot_ldap_login_attribute": "e mail"}, "dovecot_ldap_login_attribute: 'e mail' is no name of an LDAP"),
        ({"dovecot_ldap_bind_dn": "admin"}, "dovecot_ldap_bind_dn: 'admin' is no distinguished name"),
        ({"dovecot_ldap_bind_password": ""}, "Of dovecot_ldap_bind_dn and dovecot_ldap_bind_password one is empty."),
        ({"dovecot_ldap_bind_password": "a\nb"}, "dovecot_ldap_bind_password has a line break or a NUL."),
        ({"dovecot_ldap_timeout": 0}, "dovecot_ldap_timeout is 0. Right would be a number of seconds from 1 to 300."),
    ],
)
def test_a_bad_directory_is_one_sentence(change: dict[str, object], sentence: str) -> None:
    found = dovecot_problems({**LDAP, **change})
    assert len(found) == 1
    assert sentence in found[0]
    assert "s3cret" not in found[0]
