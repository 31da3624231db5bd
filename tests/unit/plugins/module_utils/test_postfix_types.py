# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of Postfix parameters, and how their values are read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.puffy.mail.plugins.module_utils import _postfix_host, _postfix_types

FIXTURES = Path(__file__).resolve().parents[3] / "unit" / "fixtures" / "postfix"


@pytest.mark.parametrize("version", _postfix_types.VERSIONS)
def test_the_table_has_the_names_of_each_release(version):
    defaults = _postfix_host.parse_defaults((FIXTURES / f"postconf-d.{version}").read_text())
    assert _postfix_types.names(_postfix_types.version_of(version)) == set(defaults)


@pytest.mark.parametrize("version", _postfix_types.VERSIONS)
def test_every_default_fits_its_type(version):
    """A default that its own type would refuse tells of a wrong type."""
    defaults = _postfix_host.parse_defaults((FIXTURES / f"postconf-d.{version}").read_text())
    forms = {"boolean": r"yes|no", "integer": r"\d+", "time": r"\d+[smhdw]?"}
    for name, value in defaults.items():
        kind = _postfix_types.kind(name)
        expanded = _postfix_types.expand(value, defaults.get) if name not in _postfix_types.RAW else value
        if kind in forms:
            assert re.fullmatch(forms[kind], expanded), (name, kind, expanded)
        elif kind in ("enumeration", "enumeration_list"):
            values = _postfix_types.enumeration(name)
            words = _postfix_types.split_list(expanded) if kind == "enumeration_list" else [expanded]
            assert all(not values or not word or word in values for word in words), (name, words)


@pytest.mark.parametrize(
    ("name", "kind", "is_list", "is_ordered"),
    [
        ("biff", "boolean", False, False),
        ("message_size_limit", "integer", False, False),
        ("smtpd_timeout", "time", False, False),
        ("smtpd_tls_security_level", "enumeration", False, False),
        ("inet_protocols", "enumeration_list", True, False),
        ("smtpd_recipient_restrictions", "restrictions", True, True),
        ("mua_client_restrictions", "restrictions", True, True),
        ("virtual_alias_maps", "tables", True, True),
        ("mynetworks", "match_list", True, True),
        ("smtpd_tls_protocols", "tls_protocols", True, False),
        ("relay_destination_concurrency_limit", "integer", False, False),
        ("relay_destination_rate_delay", "time", False, False),
        ("smtpd_banner", "text", False, False),
        ("no_such_name", None, False, False),
    ],
)
def test_kinds(name, kind, is_list, is_ordered):
    assert _postfix_types.kind(name) == kind
    assert _postfix_types.is_list(name) is is_list
    assert _postfix_types.is_ordered(name) is is_ordered


def test_activation():
    assert _postfix_types.activation("inet_interfaces") == "restart"
    assert _postfix_types.activation("inet_protocols") == "restart"
    assert _postfix_types.activation("message_size_limit") == "reload"
    assert _postfix_types.activation("no_such_name") == "reload"
    assert _postfix_types.names() >= _postfix_types.RESTART


def test_releases():
    assert _postfix_types.exists("tls_required_enable", (3, 10, 13))
    assert not _postfix_types.exists("tls_required_enable", (3, 5, 25))
    assert _postfix_types.exists("tlsproxy_client_level", (3, 5))
    assert not _postfix_types.exists("tlsproxy_client_level", (3, 11))
    assert not _postfix_types.exists("no_such_name", (3, 11))
    assert _postfix_types.since("requiretls_enable") == "3.11"
    assert _postfix_types.since("biff") is None
    assert _postfix_types.version_of("3.11-20250101") == (3, 11)
    assert _postfix_types.shown((3, 5, 25)) == "3.5.25"
    with pytest.raises(ValueError, match=r"^Postfix version 'x' does not begin with a number such as 3\.10$"):
        _postfix_types.version_of("x")


def test_parameters_of_services():
    found = _postfix_types.service_parameters([("relay", "smtp"), ("policy", "spawn"), ("smtp", "smtpd")])
    assert found["relay_recipient_limit"] == "$default_recipient_limit"
    assert found["policy_time_limit"] == "$command_time_limit"
    assert "relay_time_limit" not in found
    assert "policy_recipient_limit" not in found
    assert not any(name.startswith("smtp_") for name in found)
    assert _postfix_types.service_base("relay_destination_recipient_limit") == "relay"
    assert _postfix_types.service_base("default_recipient_limit") is None
    assert _postfix_types.service_base("biff") is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", []),
        (" a,b  c\t,d ", ["a", "b", "c", "d"]),
        ("inline:{ a=b, c=d } x", ["inline:{ a=b, c=d }", "x"]),
        ("{ inet:localhost:1, timeout = 3s }, y", ["{ inet:localhost:1, timeout = 3s }", "y"]),
        ("a}b", ["a}b"]),
    ],
)
def test_lists(value, words):
    assert _postfix_types.split_list(value) == words


VALUES = {
    "a": "1",
    "empty": "",
    "b": "$a$a",
    "loop": "x$loop",
    "level": "3.6",
    "two": "2",
    "text": "word",
}


@pytest.mark.parametrize(
    ("value", "expanded"),
    [
        ("plain", "plain"),
        ("$a-${a}-$(a)", "1-1-1"),
        ("$b", "11"),
        ("$$a", "$a"),
        ("$", "$"),
        ("$nosuch|${nosuch}", "|"),
        ("${a?yes}", "yes"),
        ("${empty?yes}", ""),
        ("${empty:no}", "no"),
        ("${a:no}", "1"),
        ("${a?{yes}:{no}}", "yes"),
        ("${empty?{yes}:{no}}", "no"),
        ("${nosuch?{yes}:{$a}}", "1"),
        ("${{$level} <level {3.10} ? {old} : {new}}", "old"),
        ("${{$two} <level {3.10} ? {old} : {new}}", "old"),
        ("${{3.11} <level {3.10} ? {old} : {new}}", "new"),
        ("${{$two} < {10} ? {less} : {more}}", "less"),
        ("${{$text} == {word} ? {same} : {other}}", "same"),
        ("${{$text} != {word} ? {other}}", ""),
        ("${a?{${empty?{x}:{y}}}:{z}}", "y"),
        ("${a?{10}:{300}}s", "10s"),
    ],
)
def test_expansion(value, expanded):
    assert _postfix_types.expand(value, VALUES.get) == expanded


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("${a", "'${a' has a '{' without its '}'"),
        ("$(a", "'$(a' has a '$(' without its ')'"),
        ("$loop", "'x$loop' refers to itself"),
        ("${a!b}", "'${a!b}' has '!' after the name; '?', ':' or nothing was expected"),
        ("${{a} {b}}", "'${{a} {b}}' has no comparison between its values"),
        ("${a?{b}c}", "'{b}c' needs ':' between its two values"),
    ],
)
def test_values_that_cannot_be_expanded(value, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        _postfix_types.expand(value, VALUES.get)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("a b", []),
        ("$a ${b} $(c)", [("a", True), ("b", True), ("c", True)]),
        ("$$a", []),
        ("${a?{$b}:{$c}}", [("a", False), ("b", True), ("c", True)]),
        ("${{$a} <level {3.6} ? {$b} : {x}}", [("a", True), ("b", True)]),
        ("${domain_to_ascii{$mydomain}}", [("mydomain", True)]),
    ],
)
def test_references(value, names):
    assert _postfix_types.references(value) == names


@given(st.text(alphabet="${}()?:a= <,", max_size=30))
def test_any_text_expands_or_is_a_value_error(value):
    for read in (lambda text: _postfix_types.expand(text, VALUES.get), _postfix_types.references):
        try:
            read(value)
        except ValueError:
            continue
