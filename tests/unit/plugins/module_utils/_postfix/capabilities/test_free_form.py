# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What postfix_parameters, postfix_absent and postfix_services make of the role's own configuration."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities import free_form
from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import merged
from ansible_collections.puffy.mail.tests.harness.containers import ROOT
from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.capabilities.wishes import (
    composed,
    refused,
)

SUBMISSION = composed().services["submission/inet"]


@pytest.mark.parametrize(
    ("have", "over", "want"),
    [
        ({}, {"command": "smtpd"}, {"command": "smtpd"}),
        ({"command": "smtpd", "chroot": "y"}, {"chroot": "n"}, {"command": "smtpd", "chroot": "n"}),
        ({"options": {"a": "1", "b": "2"}}, {"options": {"b": "3", "c": "4"}},
         {"options": {"a": "1", "b": "3", "c": "4"}}),
        ({"options": {"a": "1", "b": "2"}}, {"options_absent": ["a"]},
         {"options": {"b": "2"}, "options_absent": ["a"]}),
        ({"options": {}, "options_absent": ["a", "b"]}, {"options": {"a": "1"}},
         {"options": {"a": "1"}, "options_absent": ["b"]}),
        ({"options": None}, {"options": None}, {"options": {}}),
        ({"command": "smtpd", "options": {"a": "1"}}, {"state": "absent"}, {"state": "absent"}),
        ({"command": "smtpd"}, {"state": "disabled"}, {"state": "disabled"}),
        ({"state": "absent"}, {"state": "present", "command": "smtpd"}, {"state": "present", "command": "smtpd"}),
        ({"command": "smtpd", "options": {"a": "1"}}, {"state": "present"},
         {"command": "smtpd", "options": {"a": "1"}, "state": "present"}),
    ],
)  # fmt: skip
def test_services_are_merged(have: dict[str, Any], over: dict[str, Any], want: dict[str, Any]) -> None:
    assert merged(have, over) == want


def test_one_option_of_a_service_leaves_the_others() -> None:
    """Whoever sets one option of submission does not thereby let users send as anybody."""
    found = composed(postfix_services={"submission/inet": {"options": {"smtpd_client_connection_count_limit": 5}}})
    options = found.services["submission/inet"]["options"]
    assert options == {**SUBMISSION["options"], "smtpd_client_connection_count_limit": 5}
    assert options["smtpd_sender_restrictions"] == "$mua_sender_restrictions"
    assert found.services["submission/inet"]["command"] == "smtpd"


def test_a_service_of_its_own_is_taken_as_it_is() -> None:
    fields = {"command": "pipe", "arguments": ["flags=R", "user=vmail"]}
    assert composed(postfix_services={"filter/unix": fields}).services["filter/unix"] == fields


def test_parameters_are_replaced_or_edited() -> None:
    found = composed(
        postfix_parameters={
            "message_size_limit": 1,
            "mynetworks": {"append": ["192.0.2.0/24"], "remove": ["[::1]/128"]},
            "smtpd_recipient_restrictions": {
                "prepend": ["check_client_access cidr:/etc/postfix/clients"],
                "append": ["reject_rbl_client zen.example.net"],
            },
            "maillog_file_prefixes": {"append": ["/srv"]},
        }
    )
    assert found.parameters["message_size_limit"] == 1
    assert found.parameters["mynetworks"] == "127.0.0.0/8, [::ffff:127.0.0.0]/104, 192.0.2.0/24"
    assert found.parameters["smtpd_recipient_restrictions"] == (
        "check_client_access cidr:/etc/postfix/clients, reject_non_fqdn_recipient, permit_mynetworks,"
        " reject_unauth_destination, check_recipient_access"
        " pipemap:{proxy:sqlite:/etc/postfix/sqlite/relay_domains.cf,static:reject_unverified_recipient},"
        " check_policy_service {unix:private/quota-status, timeout=10s, default_action=DUNNO},"
        " reject_rbl_client zen.example.net"
    )
    # Not a list of the role's: the module edits what is on the host.
    assert found.parameters["maillog_file_prefixes"] == {"append": ["/srv"]}


def test_what_is_absent_is_not_set() -> None:
    found = composed(postfix_absent=["swap_bangpath", "relayhost"])
    assert "swap_bangpath" not in found.parameters
    assert {"swap_bangpath", "relayhost"} <= set(found.absent)
    # What the free form sets is not taken away.
    assert "mailbox_command" not in composed(postfix_parameters={"mailbox_command": "/usr/bin/procmail"}).absent


@pytest.mark.parametrize(
    ("given", "sentences"),
    [
        ({"postfix_parameters": {"biff": True}, "postfix_absent": ["biff"]},
         ["postfix_absent has 'biff', and postfix_parameters sets biff. Remove one of the two."]),
        ({"postfix_submission": "no", "postfix_services": {"submission/inet": {"options": {"a": "b"}}}},
         ["postfix_services has 'submission/inet', and postfix_submission removes the service submission/inet."
          " Set postfix_submission: true, or remove 'submission/inet'."]),
        ({"postfix_submission": False, "postfix_services": {"submission/inet": {"state": "absent"}}}, []),
        ({"postfix_submission": False,
          "postfix_services": {"submission/inet": {"state": "present", "command": "smtpd"}}}, []),
    ],
)  # fmt: skip
def test_what_cannot_be_laid_over(given: dict[str, Any], sentences: list[str]) -> None:
    assert refused(**given) == sentences


def test_tables_and_the_parameters_that_name_them() -> None:
    canonical = {"path": "/etc/postfix/canonical", "entries": {"a": "b@example.org"}, "parameter": "canonical_maps"}
    found = composed(
        postfix_tables=[
            canonical,
            {**canonical, "path": "/etc/postfix/more", "type": "hash"},
            {"path": "/etc/postfix/clients", "type": "cidr", "content": "192.0.2.0/24 REJECT\n"},
            {
                "path": "/etc/postfix/routes",
                "entries": {"a.example": "smtp:[b.example]"},
                "parameter": "transport_maps",
            },
        ],
        postfix_transports={"c.example": "relay:"},
    )
    assert found.parameters["canonical_maps"] == "texthash:/etc/postfix/canonical, hash:/etc/postfix/more"
    assert found.parameters["transport_maps"] == "texthash:/etc/postfix/transports, texthash:/etc/postfix/routes"
    assert [table.name for table in found.tables][1:] == [
        "texthash:/etc/postfix/canonical",
        "hash:/etc/postfix/more",
        "cidr:/etc/postfix/clients",
        "texthash:/etc/postfix/routes",
    ]


def test_a_table_of_aliases_stands_behind_the_roles_own() -> None:
    table = {"path": "/etc/postfix/more", "entries": {"a": "b"}, "parameter": "alias_maps"}
    assert composed(postfix_tables=[table]).parameters["alias_maps"] == {
        "remove": ["texthash:/etc/postfix/own_aliases"],
        "append": ["texthash:/etc/postfix/more"],
    }


@pytest.mark.parametrize(
    ("given", "sentences"),
    [
        ({"postfix_transports": {"a.example": "relay:"},
          "postfix_tables": [{"path": "/etc/postfix/transports", "entries": {}}]},
         ["postfix_tables has '/etc/postfix/transports' twice, or the role has it. Use another path."]),
        ({"postfix_parameters": {"canonical_maps": "hash:/x"},
          "postfix_tables": [{"path": "/etc/postfix/c", "entries": {}, "parameter": "canonical_maps"}]},
         ["postfix_tables names the parameter 'canonical_maps', which postfix_parameters sets. Remove one of the"
          " two."]),
        ({"postfix_absent": ["canonical_maps"],
          "postfix_tables": [{"path": "/etc/postfix/c", "entries": {}, "parameter": "canonical_maps"}]},
         ["postfix_tables names the parameter 'canonical_maps', which postfix_absent removes. Remove one of the two."]),
        ({"postfix_relay_clients": [{"name": "printer", "fingerprint": "0" * 64}],
          "postfix_tables": [{"path": "/etc/postfix/relay_clientcerts", "entries": {}}]},
         ["postfix_tables has '/etc/postfix/relay_clientcerts' twice, or the role has it. Use another path."]),
        ({"postfix_tables": [{"path": "/etc/postfix/c", "entries": {}, "parameter": "soft_bounce"}]},
         ["postfix_tables names the parameter 'soft_bounce', which is not a list. Use one of tables."]),
    ],
)  # fmt: skip
def test_tables_that_cannot_be(given: dict[str, Any], sentences: list[str]) -> None:
    assert refused(**given) == sentences


@pytest.mark.parametrize(
    ("given", "key", "sentence"),
    [
        ({"postfix_submission": False}, "submission/inet",
         "postfix_submission removes the service submission/inet. Set postfix_submission: true, or remove"
         " 'submission/inet'."),
        ({"postfix_submissions": False}, "submissions/inet",
         "postfix_submissions removes the service submissions/inet. Set postfix_submissions: true, or remove"
         " 'submissions/inet'."),
        ({"postfix_submissions_name": "smtps"}, "submissions/inet",
         "postfix_submissions_name removes the service submissions/inet. Use the key 'smtps/inet', or remove"
         " 'submissions/inet'."),
        ({}, "submission-cleanup/unix",
         "postfix_header_cleanup removes the service submission-cleanup/unix. Set postfix_header_cleanup: true, or"
         " remove 'submission-cleanup/unix'."),
        ({}, "policyd-spf/unix",
         "postfix_policy_commands removes the service policyd-spf/unix. Add policyd-spf to postfix_policy_commands, or"
         " remove 'policyd-spf/unix'."),
    ],
)  # fmt: skip
def test_options_of_a_service_that_the_role_removes(given: dict[str, Any], key: str, sentence: str) -> None:
    services = {key: {"options": {"syslog_name": "x"}}}
    assert refused(**given, postfix_services=services) == [f"postfix_services has {key!r}, and {sentence}"]


def test_the_table_of_clients_is_where_the_role_writes_it() -> None:
    variables = yaml.safe_load((ROOT / "roles" / "postfix" / "vars" / "main.yml").read_text())
    assert variables["__postfix_relay_table_file"] == free_form.CLIENTS
