# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of restrictions by stage: replaced, extended at their ends, and at a named place."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities import restrictions
from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.capabilities.wishes import (
    composed,
    refused,
)

HAVE = ["a", "check_x table:one", "b"]


@pytest.mark.parametrize(
    ("change", "want"),
    [
        (["c"], ["c"]),
        ([], []),
        ({}, HAVE),
        ({"prepend": ["c"], "append": ["d", "e"]}, ["c", *HAVE, "d", "e"]),
        ({"remove": ["check_x", "a"]}, ["b"]),
        ({"remove": ["check_x table:one"]}, ["a", "b"]),
        ({"before": {"b": ["c", "d"]}}, ["a", "check_x table:one", "c", "d", "b"]),
        ({"after": {"check_x": ["c"]}}, ["a", "check_x table:one", "c", "b"]),
        ({"after": {"b": ["c"]}}, [*HAVE, "c"]),
        ({"replace": {"check_x": ["check_x table:two"]}}, ["a", "check_x table:two", "b"]),
        ({"before": {"a": ["0"]}, "remove": ["a"], "append": None}, ["0", "check_x table:one", "b"]),
    ],
)
def test_changes(change: Any, want: list[str]) -> None:
    assert restrictions.changed(HAVE, change) == want


def test_each_stage_has_its_parameter() -> None:
    found = composed(
        postfix_restrictions={
            "client": ["permit_mynetworks", "reject_unknown_client_hostname"],
            "helo": {"append": ["reject_unknown_helo_hostname"]},
            "sender": {"before": {"reject_unknown_sender_domain": ["check_sender_access texthash:/etc/postfix/s"]}},
            "recipient": {"after": {"reject_unauth_destination": ["reject_unlisted_recipient"]}},
            "data": [],
            "end_of_data": ["check_policy_service unix:private/quota"],
        },
        postfix_user_restrictions={"client": {"prepend": ["reject_unknown_client_hostname"]}, "helo": []},
    )
    assert found.parameters["smtpd_client_restrictions"] == ["permit_mynetworks", "reject_unknown_client_hostname"]
    assert found.parameters["smtpd_helo_restrictions"][-1] == "reject_unknown_helo_hostname"
    assert found.parameters["smtpd_sender_restrictions"][2:] == [
        "check_sender_access texthash:/etc/postfix/s",
        "reject_unknown_sender_domain",
    ]
    assert found.parameters["smtpd_recipient_restrictions"][2:4] == [
        "reject_unauth_destination",
        "reject_unlisted_recipient",
    ]
    assert "smtpd_data_restrictions" in found.absent
    assert found.parameters["smtpd_end_of_data_restrictions"] == ["check_policy_service unix:private/quota"]
    # An empty list of the ports for users is not one that refers to nothing.
    assert found.parameters["mua_client_restrictions"][0] == "reject_unknown_client_hostname"
    assert "mua_helo_restrictions" in found.absent
    for service in ("submission/inet", "submissions/inet"):
        assert "smtpd_helo_restrictions" not in found.services[service]["options"]
        assert "smtpd_helo_restrictions" in found.services[service]["options_absent"]


@pytest.mark.parametrize(
    ("given", "sentences"),
    [
        ({"postfix_restrictions": {"relay": {"before": {"reject": ["x"]}}}},
         ["postfix_restrictions: relay has the place 'reject', which is not in the list 'permit_mynetworks,"
          " permit_sasl_authenticated, reject_unauth_destination'. Use an entry of the list, or give the whole list."]),
        ({"postfix_user_restrictions": {"helo": {"remove": ["nothing"]}}},
         ["postfix_user_restrictions: helo has the place 'nothing', which is not in the list"
          " 'permit_sasl_authenticated, reject'. Use an entry of the list, or give the whole list."]),
    ],
)  # fmt: skip
def test_a_place_that_the_list_does_not_have(given: dict[str, Any], sentences: list[str]) -> None:
    assert refused(**given) == sentences


def test_dns_lists_stand_before_policy_servers() -> None:
    found = composed(
        postfix_dns_lists=["bl.example.org=127.0.0.[2..11]", {"list": "dbl.example.org", "of": "sender"}],
        postfix_policy_services=["unix:private/policy"],
        postfix_verify_relay_recipients=False,
        postfix_quota_service="",
    )
    assert found.parameters["smtpd_recipient_restrictions"][-4:] == [
        "reject_unauth_destination",
        "reject_rbl_client bl.example.org=127.0.0.[2..11]",
        "reject_rhsbl_sender dbl.example.org",
        "check_policy_service unix:private/policy",
    ]


@pytest.mark.parametrize("yes", [True, "yes", "1"])
def test_unlisted_senders(yes: Any) -> None:
    assert composed(postfix_reject_unlisted_sender=yes).parameters["smtpd_reject_unlisted_sender"] is True
    assert "smtpd_reject_unlisted_sender" in composed(postfix_reject_unlisted_sender="no").absent


def test_testing_and_back() -> None:
    testing = composed(postfix_stage="testing")
    assert testing.parameters["soft_bounce"] is True
    assert testing.parameters["unknown_local_recipient_reject_code"] == 450
    assert {"soft_bounce", "unknown_local_recipient_reject_code"} <= set(composed().absent)


def test_header_cleanup_and_back() -> None:
    found = composed(postfix_header_cleanup="yes", postfix_chroot="no")
    (table,) = found.tables
    assert found.services["submission-cleanup/unix"]["options"]["header_checks"] == table.name
    assert found.services["submission-cleanup/unix"]["chroot"] == "n"
    assert found.services["submission/inet"]["options"]["cleanup_service_name"] == "submission-cleanup"
    assert "cleanup_service_name" not in found.services["smtp/inet"]["options"]
    off = composed()
    assert off.services["submission-cleanup/unix"] == {"state": "absent"}
    assert "cleanup_service_name" in off.services["submission/inet"]["options_absent"]
    assert off.tables == ()
