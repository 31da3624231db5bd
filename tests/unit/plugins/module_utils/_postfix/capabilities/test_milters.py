# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Milters and policy servers, which other roles fill in."""

from __future__ import annotations

from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.capabilities.wishes import composed

OPENDKIM = "unix:opendkim/opendkim.sock"


def test_without_milters_none_is_left() -> None:
    found = composed()
    assert {"smtpd_milters", "non_smtpd_milters", "milter_default_action"} <= set(found.absent)
    for service in ("smtp", "submission", "submissions"):
        assert "smtpd_milters" in found.services[f"{service}/inet"]["options_absent"]


def test_milters_of_all_servers() -> None:
    found = composed(
        postfix_milters=[OPENDKIM, "inet:127.0.0.1:8893"],
        postfix_non_smtpd_milters=[OPENDKIM],
        postfix_milter_default_action="accept",
    )
    assert found.parameters["smtpd_milters"] == [OPENDKIM, "inet:127.0.0.1:8893"]
    assert found.parameters["non_smtpd_milters"] == [OPENDKIM]
    assert found.parameters["milter_default_action"] == "accept"
    assert "milter_default_action" not in found.absent


def test_milters_of_one_service() -> None:
    found = composed(postfix_service_milters={"submission": [OPENDKIM, "inet:127.0.0.1:1"], "smtp": []})
    assert found.services["submission/inet"]["options"]["smtpd_milters"] == f"{OPENDKIM},inet:127.0.0.1:1"
    assert found.services["smtp/inet"]["options"]["smtpd_milters"] == ""
    assert "smtpd_milters" in found.services["submissions/inet"]["options_absent"]
    assert found.parameters["milter_default_action"] == "tempfail"
    assert "smtpd_milters" in found.absent


def test_policy_servers_are_asked_last() -> None:
    found = composed(postfix_policy_services=["unix:private/policyd-spf", "{ inet:127.0.0.1:10031, timeout=10s }"])
    assert found.parameters["smtpd_recipient_restrictions"][-2:] == [
        "check_policy_service unix:private/policyd-spf",
        "check_policy_service { inet:127.0.0.1:10031, timeout=10s }",
    ]
    assert found.services["policyd-spf/unix"] == {"state": "absent"}
    assert not any("policyd" in word for word in found.parameters["mua_recipient_restrictions"])


def test_policy_servers_that_postfix_starts() -> None:
    command = {"user": "policyd-spf", "command": "/usr/bin/policyd-spf"}
    found = composed(postfix_policy_commands={"policyd-spf": command}, postfix_policy_services=["inet:127.0.0.1:10031"])
    assert found.parameters["smtpd_recipient_restrictions"][-2:] == [
        "check_policy_service unix:private/policyd-spf",
        "check_policy_service inet:127.0.0.1:10031",
    ]
    assert found.parameters["policyd-spf_time_limit"] == "3600"
    assert found.services["policyd-spf/unix"]["arguments"] == ["user=policyd-spf", "argv=/usr/bin/policyd-spf"]
