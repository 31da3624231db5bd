# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that are known by their certificate: who asks for it, where it counts, and wishes that nothing comes of."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import Composition
from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.capabilities.wishes import (
    composed,
    refused,
)

CA = {"postfix_tls_client_ca_file": "/etc/ssl/clients.pem"}
OFF = {"postfix_submission": False, "postfix_submissions": False, "postfix_sasl_type": "none"}
ALL = {"postfix_tls_all_client_certificates": True, **CA}
CLIENT = ":".join(["AF"] * 32)
PRINTER = {"name": "printer", "fingerprint": CLIENT}
ACCESS = "check_ccert_access texthash:/etc/postfix/client_certificate_access"


def asked(found: Composition, key: str) -> list[str]:
    """The options of the service that ask for a certificate."""
    options = found.services[key]["options"]
    return [name for name in ("smtpd_tls_ask_ccert", "smtpd_tls_req_ccert") if options.get(name) == "yes"]


@pytest.mark.parametrize(
    ("wish", "options"),
    [
        ("", []),
        ("ask", ["smtpd_tls_ask_ccert"]),
        ("require", ["smtpd_tls_ask_ccert", "smtpd_tls_req_ccert"]),
    ],
)
def test_certificates_are_asked_for_whenever_it_is_wished(wish: str, options: list[str]) -> None:
    given = {"postfix_tls_client_certificates": wish, **CA}
    assert refused(**given) == []
    found = composed(**given)
    assert asked(found, "submission/inet") == asked(found, "submissions/inet") == options
    assert asked(found, "smtp/inet") == []
    assert ("smtpd_tls_ccert_verifydepth" in found.parameters) == bool(options)


@pytest.mark.parametrize(
    "given", [{"postfix_relay_clients": [PRINTER]}, ALL, {"postfix_tls_client_access": {CLIENT: "OK"}}]
)
def test_without_a_wish_certificates_are_asked_for_where_they_count(given: dict[str, Any]) -> None:
    found = composed(**given)
    assert asked(found, "submission/inet") == asked(found, "submissions/inet") == ["smtpd_tls_ask_ccert"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("postfix_relay_clients", [PRINTER]),
        ("postfix_tls_client_access", {CLIENT: "OK"}),
        ("postfix_tls_all_client_certificates", True),
        ("postfix_tls_client_certificates", "ask"),
        ("postfix_tls_client_certificates", "require"),
    ],
)
def test_where_no_service_asks(name: str, value: Any) -> None:
    assert refused(**OFF, **CA, **{name: value}) == [
        f"{name} is set, and no service asks clients for a certificate: postfix_tls_client_services has 'submission'"
        " and 'submissions', and this host has 'smtp'. Set postfix_tls_client_services to services of the host, or"
        f" switch on postfix_submission or postfix_submissions, or remove {name}."
    ]
    if value != "require":
        assert refused(**OFF, **CA, **{name: value}, postfix_tls_client_services=["smtp"]) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("postfix_relay_clients", [PRINTER]),
        ("postfix_tls_client_access", {CLIENT: "OK"}),
        ("postfix_tls_all_client_certificates", True),
        ("postfix_tls_client_certificates", "ask"),
    ],
)
def test_without_tls(name: str, value: Any) -> None:
    given = {**OFF, **CA, name: value, "postfix_tls_client_services": ["smtp"], "postfix_tls_security_level": "none"}
    assert refused(**given) == [
        f"{name} is set, and postfix_tls_security_level is 'none'. Set postfix_tls_security_level: may."
    ]
    assert refused(**{**given, name: False if value is True else type(value)()}) == []


def test_a_service_that_does_not_ask_has_lists_of_its_own() -> None:
    found = composed(**ALL, postfix_tls_client_services=["submission"])
    options = {name: found.services[f"{name}/inet"]["options"] for name in ("submission", "submissions")}
    assert options["submission"]["smtpd_relay_restrictions"] == "$mua_relay_restrictions"
    assert options["submissions"]["smtpd_relay_restrictions"] == "$submissions_relay_restrictions"
    assert "permit_tls_all_clientcerts" in found.parameters["mua_relay_restrictions"]
    assert found.parameters["submissions_relay_restrictions"] == ["permit_sasl_authenticated", "reject"]
    both = composed(**ALL)
    assert both.services["submissions/inet"]["options"]["smtpd_relay_restrictions"] == "$mua_relay_restrictions"
    assert "submissions_relay_restrictions" in both.absent


def test_a_client_is_rejected_before_anything_permits_it() -> None:
    found = composed(postfix_tls_client_access={CLIENT: "REJECT"}, postfix_tls_client_services=["smtp", "submission"])
    for name in ("mua_client", "mua_relay", "mua_sender", "smtpd_relay", "smtpd_recipient"):
        items = found.parameters[f"{name}_restrictions"]
        first = next(index for index, item in enumerate(items) if item.startswith("permit"))
        assert items.index(ACCESS) < first, name


@pytest.mark.parametrize(("action", "serves"), [("REJECT", False), ("ok", True), ("200", True), ("550 no", False),
                                                ("permit_mynetworks", True), ("DUNNO", False)])  # fmt: skip
def test_a_port_on_which_nobody_could_send(action: str, serves: bool) -> None:
    given = {"postfix_sasl_type": "none", "postfix_submissions": False, "postfix_submission": True}
    sentence = (
        "postfix_submission is true, and postfix_sasl_type is 'none', so nobody could send there. Set"
        " postfix_sasl_type, or postfix_submission: false."
    )
    assert refused(**given, postfix_tls_client_access={CLIENT: action}) == ([] if serves else [sentence])


def test_each_port_needs_somebody_who_may_send() -> None:
    given = {"postfix_sasl_type": "none", **ALL, "postfix_submission": True, "postfix_submissions": True}
    assert refused(**given) == []
    assert refused(**given, postfix_tls_client_services=["submissions"]) == [
        "postfix_submission is true, and postfix_sasl_type is 'none', so nobody could send there. Set"
        " postfix_sasl_type, or postfix_submission: false."
    ]


def test_fingerprints_as_postfix_writes_them() -> None:
    found = composed(postfix_tls_client_access={"af" * 32: "REJECT"})
    assert [table.entries for table in found.tables] == [{CLIENT: "REJECT"}]
    sentence = (
        "postfix_parameters: smtpd_tls_fingerprint_digest is 'md5', and the fingerprints in postfix_relay_clients and"
        " postfix_tls_client_access are SHA-256. Remove smtpd_tls_fingerprint_digest."
    )
    md5 = {"smtpd_tls_fingerprint_digest": "md5"}
    assert refused(postfix_tls_client_access={CLIENT: "OK"}, postfix_parameters=md5) == [sentence]
    assert refused(postfix_parameters=md5) == []
