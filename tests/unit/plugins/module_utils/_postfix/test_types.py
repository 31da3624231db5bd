# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of Postfix parameters, and how their values are read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._postfix import expansion, host, parameters, types

FIXTURES = Path(__file__).resolve().parents[4] / "unit" / "fixtures" / "postfix"


@pytest.mark.parametrize("version", types.VERSIONS)
def test_the_table_has_the_names_of_each_release(version):
    defaults = host.parse_defaults((FIXTURES / f"postconf-d.{version}").read_text())
    assert types.names(types.version_of(version)) == set(defaults)


@pytest.mark.parametrize("version", types.VERSIONS)
def test_every_default_fits_its_type(version):
    """A default that its own type would refuse tells of a wrong type."""
    defaults = host.parse_defaults((FIXTURES / f"postconf-d.{version}").read_text())
    forms = {"boolean": r"yes|no", "integer": r"\d+", "time": r"\d+[smhdw]?"}
    for name, value in defaults.items():
        kind = types.kind(name)
        expanded = expansion.expand(value, defaults.get) if name not in types.RAW else value
        if kind in forms:
            assert re.fullmatch(forms[kind], expanded), (name, kind, expanded)
        elif kind in ("enumeration", "enumeration_list"):
            values = types.enumeration(name)
            words = types.split_list(expanded) if kind == "enumeration_list" else [expanded]
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
    assert types.kind(name) == kind
    assert types.is_list(name) is is_list
    assert types.is_ordered(name) is is_ordered


@pytest.mark.parametrize(
    ("name", "version", "bounds", "bits", "readers"),
    [
        ("queue_run_delay", (3, 10), (1, 0), 32, ("lmtp", "oqmgr", "qmgr", "smtp")),
        ("qmgr_fudge_factor", (3, 10), (10, 100), 32, ("oqmgr",)),
        ("tls_eecdh_strong_curve", (3, 5), (1, 0), 32, ("lmtp", "smtp", "smtpd", "tlsproxy")),
        ("tls_eecdh_strong_curve", (3, 10), (0, 0), 32, ("lmtp", "smtp", "smtpd", "tlsproxy")),
        ("mailbox_size_limit", (3, 11), (0, 0), 64, ("local",)),
        ("myhostname", (3, 11), (1, 0), 32, ()),
        ("daemon_timeout", (3, 5), (3, 0), 32, ()),
        ("qmgr_daemon_timeout", (3, 11), (3, 0), 32, ("oqmgr", "qmgr")),
        ("own_initial_destination_concurrency", (3, 11), (1, 0), 32, ("oqmgr", "qmgr")),
        ("own_word", (3, 11), (0, 0), 32, ()),
    ],
)
def test_facts(name, version, bounds, bits, readers):
    assert (types.bounds(name, version), types.bits(name), types.readers(name)) == (bounds, bits, readers)


def test_the_shape_of_the_facts():
    """Each name has one kind, one set of readers, and at most one pair of bounds in a release; the words are known."""
    for table in (parameters.NAMES, parameters.READERS):
        words = " ".join(table.values()).split()
        assert len(words) == len(set(words))
    names = types.names()
    for text in parameters.BOUNDS.values():
        assert names.issuperset(re.split("[@~]", word)[0] for word in text.split())
    for bounds in parameters.BOUNDS:
        assert re.fullmatch(r"\d+\.\.\d*|\.\.\d+", bounds)
    for version in ((3, 5), (3, 10), (3, 11)):
        limited = [name for name in types.names(version) if types.bounds(name, version) != (0, 0)]
        assert len(limited) > 280
        for name in limited:
            low, high = types.bounds(name, version)
            assert not high or low <= high
            assert types.kind(name) != "boolean"
    readers = {word for key in parameters.READERS for word in key.split()}
    assert readers.issuperset({"smtpd", "smtp", "qmgr", "cleanup", "local", "virtual", "all"})
    assert set(parameters.NEEDS) == {"single", "unlimited", "privileged"}
    assert set(parameters.FLAGS) < set(parameters.ARGUMENTS)


def test_activation():
    assert types.activation("inet_interfaces") == "restart"
    assert types.activation("inet_protocols") == "restart"
    assert types.activation("message_size_limit") == "reload"
    assert types.activation("no_such_name") == "reload"
    assert types.names() >= types.RESTART


def test_releases():
    assert types.exists("tls_required_enable", (3, 10, 13))
    assert not types.exists("tls_required_enable", (3, 5, 25))
    assert types.exists("tlsproxy_client_level", (3, 5))
    assert not types.exists("tlsproxy_client_level", (3, 11))
    assert not types.exists("no_such_name", (3, 11))
    assert types.since("requiretls_enable") == "3.11"
    assert types.since("biff") is None
    assert types.version_of("3.11-20250101") == (3, 11)
    assert types.shown((3, 5, 25)) == "3.5.25"
    with pytest.raises(ValueError, match=r"^Postfix version 'x' does not begin with a number such as 3\.10$"):
        types.version_of("x")


def test_parameters_of_services():
    found = types.service_parameters([("relay", "smtp"), ("policy", "spawn"), ("smtp", "smtpd")])
    assert found["relay_recipient_limit"] == "$default_recipient_limit"
    assert found["policy_time_limit"] == "$command_time_limit"
    assert "relay_time_limit" not in found
    assert "policy_recipient_limit" not in found
    assert not any(name.startswith("smtp_") for name in found)
    assert types.service_base("relay_destination_recipient_limit") == "relay"
    assert types.service_base("default_recipient_limit") is None
    assert types.service_base("biff") is None


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
    assert types.split_list(value) == words
