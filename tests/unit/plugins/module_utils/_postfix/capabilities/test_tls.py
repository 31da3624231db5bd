# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS of the servers, setting by setting, and clients known by their certificates."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.capabilities.wishes import (
    composed,
    refused,
)

OFF = {"postfix_submission": False, "postfix_submissions": False}
DEFAULTS = (
    "smtpd_tls_ciphers", "smtpd_tls_exclude_ciphers", "smtpd_tls_mandatory_exclude_ciphers", "smtpd_starttls_timeout",
    "smtpd_tls_session_cache_database", "smtpd_tls_always_issue_session_ids", "smtp_tls_chain_files",
)  # fmt: skip


def test_without_wishes_postfix_has_its_defaults() -> None:
    assert set(DEFAULTS) <= set(composed().absent)


@pytest.mark.parametrize(
    ("given", "parameters"),
    [
        ({"postfix_tls_key_file": "/etc/ssl/a.pem", "postfix_tls_chain_file": "/etc/ssl/a.pem"},
         {"smtpd_tls_chain_files": ["/etc/ssl/a.pem"]}),
        ({"postfix_tls_loglevel": "2"}, {"smtpd_tls_loglevel": 2}),
        ({"postfix_tls_received_header": "no"}, {"smtpd_tls_received_header": False}),
        ({"postfix_tls_security_level": "encrypt"}, {"smtpd_tls_security_level": "encrypt"}),
        ({"postfix_tls_ciphers": "medium", "postfix_tls_mandatory_ciphers": "medium"},
         {"smtpd_tls_ciphers": "medium", "smtpd_tls_mandatory_ciphers": "medium"}),
        ({"postfix_tls_exclude_ciphers": ["aNULL"], "postfix_tls_mandatory_exclude_ciphers": ["SEED"]},
         {"smtpd_tls_exclude_ciphers": ["aNULL"], "smtpd_tls_mandatory_exclude_ciphers": ["SEED"]}),
        ({"postfix_tls_session_cache": True, "postfix_tls_session_cache_timeout": "600s"},
         {"smtpd_tls_session_cache_database": "btree:${data_directory}/smtpd_scache",
          "smtpd_tls_session_cache_timeout": "600s"}),
        ({"postfix_tls_session_ids": False}, {"smtpd_tls_always_issue_session_ids": False}),
        ({"postfix_tls_starttls_timeout": "60s"}, {"smtpd_starttls_timeout": "60s"}),
        ({"postfix_tls_outgoing_key_file": "/k", "postfix_tls_outgoing_chain_file": "/c"},
         {"smtp_tls_chain_files": ["/k", "/c"]}),
        ({"postfix_tls_ca_file": "/ca.pem", "postfix_tls_client_ca_directory": "/cas"},
         {"smtp_tls_CAfile": "/ca.pem", "smtpd_tls_CApath": "/cas"}),
    ],
)  # fmt: skip
def test_each_setting(given: dict[str, Any], parameters: dict[str, Any]) -> None:
    found = composed(**given)
    assert {name: found.parameters[name] for name in parameters} == parameters
    assert not set(parameters) & set(found.absent)


def test_a_server_without_a_certificate() -> None:
    found = composed(**OFF, postfix_tls_security_level="none", postfix_tls_dhparam_file="/etc/ssl/dh.pem")
    assert found.parameters["smtpd_tls_security_level"] == "none"
    assert {"smtpd_tls_chain_files", "smtpd_tls_dh1024_param_file"} <= set(found.absent)
    # The host as a client still speaks TLS.
    assert found.parameters["smtp_tls_security_level"] == "may"


@pytest.mark.parametrize(
    ("given", "sentences"),
    [
        ({**OFF, "postfix_submission": True, "postfix_tls_security_level": "none"},
         ["postfix_submission is true, and postfix_tls_security_level is 'none': passwords would cross the network in"
          " the clear. Set postfix_tls_security_level: may, or postfix_submission: false."]),
        ({"postfix_tls_outgoing_key_file": "/k"},
         ["postfix_tls_outgoing_chain_file is empty, and postfix_tls_outgoing_key_file is not. Set both, or neither."]),
        ({"postfix_tls_all_client_certificates": True},
         ["postfix_tls_all_client_certificates is true, and there is no CA that Postfix could trust the certificates"
          " by. Name one with postfix_tls_client_ca_file or postfix_tls_client_ca_directory."]),
        ({"postfix_parameters": {"smtpd_tls_dcert_file": "/d"}},
         ["postfix_parameters: smtpd_tls_dcert_file names a DSA key, which no TLS library of today accepts. Use RSA or"
          " ECDSA: postfix_tls_other_keys."]),
        ({"postfix_parameters": {"smtpd_tls_dh512_param_file": "/d"}},
         ["postfix_parameters: smtpd_tls_dh512_param_file is for export ciphers, and Postfix ignores it since 3.6."
          " Remove it."]),
        ({"postfix_parameters": {"smtpd_tls_eecdh_grade": "strong"}},
         ["postfix_parameters: smtpd_tls_eecdh_grade chooses one curve, where Postfix agrees with each client on the"
          " best one. Remove it; tls_eecdh_auto_curves has the list."]),
        ({"postfix_services": {"submission/inet": {"options": {"smtpd_tls_mandatory_ciphers": "export"}}}},
         ["postfix_services: submission/inet: smtpd_tls_mandatory_ciphers is 'export', a grade of ciphers that can be"
          " broken. Use 'medium' or 'high'."]),
        ({"postfix_services": {"smtp/inet": {"options": {"smtpd_tls_dh512_param_file": "/d"}}}},
         ["postfix_services: smtp/inet: smtpd_tls_dh512_param_file is for export ciphers, and Postfix ignores it since"
          " 3.6. Remove it."]),
        ({"postfix_parameters": {"smtpd_tls_cert_file": "/c"}},
         ["postfix_parameters: smtpd_tls_cert_file has no effect beside smtpd_tls_chain_files, which the role sets. Use"
          " postfix_tls_key_file and postfix_tls_chain_file, or postfix_tls_other_keys."]),
        ({"postfix_parameters": {"smtpd_tls_ciphers": "export"}},
         ["postfix_parameters: smtpd_tls_ciphers is 'export', a grade of ciphers that can be broken. Use 'medium' or"
          " 'high'."]),
    ],
)  # fmt: skip
def test_what_is_refused(given: dict[str, Any], sentences: list[str]) -> None:
    assert refused(**given) == sentences
