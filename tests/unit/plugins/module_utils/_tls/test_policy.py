# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._tls import policy

SETS = [
    {"key_file": "/etc/ssl/a.key", "chain_file": "/etc/ssl/a.pem"},
    {"key_file": "/etc/ssl/b.key", "chain_file": "/etc/ssl/b.pem"},
]
SINCE_12 = "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1"
SINCE_13 = f"{SINCE_12}, !TLSv1.2"
PROTOCOLS = [
    f"{side}_tls_{kind}" for side in ("smtpd", "smtp", "lmtp") for kind in ("protocols", "mandatory_protocols")
]


@pytest.mark.parametrize("name", policy.PROFILES)
def test_no_profile_switches_tls_1_3_off(name: str) -> None:
    parameters = policy.postfix_parameters(name, SETS)
    for parameter in PROTOCOLS:
        words = parameters[parameter].split(", ")
        # A protocol that is named would exclude all others; 3.5 does not know ">=".
        assert all(word.startswith("!") for word in words)
        assert "!TLSv1.3" not in words


@pytest.mark.parametrize("name", policy.PROFILES)
def test_no_profile_requires_tls_on_port_25(name: str) -> None:
    parameters = policy.postfix_parameters(name, SETS)
    assert parameters["smtpd_tls_security_level"] == "may"
    assert not [parameter for parameter in parameters if "enforce" in parameter or "wrapper" in parameter]
    # Port 25 never goes beyond TLS 1.2: who has no TLS 1.3 would send in the clear.
    assert parameters["smtpd_tls_protocols"] == parameters["smtp_tls_protocols"] == SINCE_12


@pytest.mark.parametrize(
    ("name", "mandatory", "client"),
    [("intermediate", SINCE_12, SINCE_12), ("modern", SINCE_13, SINCE_12), ("broad", SINCE_12, SINCE_12)],
)
def test_the_protocols_of_mandatory_tls(name: str, mandatory: str, client: str) -> None:
    parameters = policy.postfix_parameters(name, SETS)
    assert parameters["smtpd_tls_mandatory_protocols"] == mandatory
    assert parameters["smtp_tls_mandatory_protocols"] == parameters["lmtp_tls_mandatory_protocols"] == client


def test_keys_and_chains_stand_in_pairs() -> None:
    parameters = policy.postfix_parameters("intermediate", SETS)
    assert parameters["smtpd_tls_chain_files"] == [
        "/etc/ssl/a.key",
        "/etc/ssl/a.pem",
        "/etc/ssl/b.key",
        "/etc/ssl/b.pem",
    ]


def test_caches_are_in_the_data_directory_and_only_where_there_is_a_type_for_them() -> None:
    parameters = policy.postfix_parameters("intermediate", SETS, cache="btree")
    assert parameters["smtp_tls_session_cache_database"] == "btree:${data_directory}/smtp_scache"
    assert parameters["lmtp_tls_session_cache_database"] == "btree:${data_directory}/lmtp_scache"
    without = policy.postfix_parameters("intermediate", SETS)
    assert not [name for name in without if "cache_database" in name]
    assert "smtp_tls_session_cache_database" in policy.postfix_absent(without)
    assert "smtp_tls_session_cache_database" not in policy.postfix_absent(parameters)


def test_dh_parameters_are_named_on_request_only() -> None:
    assert "smtpd_tls_dh1024_param_file" not in policy.postfix_parameters("broad", SETS)
    assert "smtpd_tls_dh1024_param_file" in policy.postfix_absent(policy.postfix_parameters("broad", SETS))
    wanted = policy.postfix_parameters("intermediate", SETS, dhparam_file="/etc/ssl/dh.pem")
    assert wanted["smtpd_tls_dh1024_param_file"] == "/etc/ssl/dh.pem"
    assert "smtpd_tls_dh1024_param_file" not in policy.postfix_absent(wanted)


def test_what_is_obsolete_in_the_document_is_not_set_and_is_removed() -> None:
    parameters = policy.postfix_parameters("broad", SETS)
    absent = policy.postfix_absent(parameters)
    for obsolete in ("smtpd_use_tls", "smtp_use_tls", "smtpd_tls_eecdh_grade", "smtpd_tls_dh1024_param_file"):
        assert obsolete not in parameters
        assert obsolete in absent
    # What it has and is not obsolete stays as it is there.
    assert parameters["smtp_tls_verify_cert_match"] == "hostname, nexthop, dot-nexthop"
    assert parameters["tls_ssl_options"] == "NO_COMPRESSION"
    assert parameters["tls_high_cipherlist"].startswith("TLSv1.2:TLSv1.3:!CAMELLIA:!ARIA:!DSS:")


@pytest.mark.parametrize("before", policy.PROFILES)
@pytest.mark.parametrize("after", policy.PROFILES)
def test_nothing_of_another_profile_stays(before: str, after: str) -> None:
    old, new = policy.postfix_parameters(before, SETS, cache="btree"), policy.postfix_parameters(after, SETS)
    left = set(old) - set(new) - set(policy.postfix_absent(new))
    assert left == set()
    assert not set(new) & set(policy.postfix_absent(new))


@pytest.mark.parametrize(
    ("default", "supported", "found"),
    [
        ("", ["btree", "hash", "lmdb"], "btree"),
        ("lmdb", ["btree", "cdb", "lmdb"], "lmdb"),
        # Debian's Postfix names lmdb and lacks it until postfix-lmdb is there.
        ("lmdb", ["btree", "cdb"], "btree"),
        ("", ["hash", "cdb"], "hash"),
        ("", ["cdb", "texthash"], ""),
        ("", [], ""),
    ],
)
def test_the_type_of_a_cache(default: str, supported: list[str], found: str) -> None:
    assert policy.cache_type(default, supported) == found


@pytest.mark.parametrize(("name", "oldest"), [("intermediate", "TLSv1.2"), ("modern", "TLSv1.3"), ("broad", "TLSv1.2")])
def test_dovecot_follows_the_profile(name: str, oldest: str) -> None:
    settings = policy.dovecot_settings(name)
    assert settings["min_protocol"] == oldest
    assert settings["cipher_list"] == policy.postfix_parameters(name, SETS)["tls_high_cipherlist"]


@pytest.mark.parametrize("name", ["old", "", None, ["modern"], 3])
def test_a_profile_that_does_not_exist_is_named(name: Any) -> None:
    with pytest.raises(
        ValueError, match=re.escape(f"the TLS profile is {name!r}. Use 'intermediate', 'modern', 'broad'")
    ):
        policy.profile(name)
