# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the accounts are, how mail reaches them, and hosts without mailboxes."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.capabilities.wishes import (
    composed,
    refused,
)

SYSTEM = {"postfix_accounts": "system", "postfix_delivery": "local"}
NONE = {"postfix_accounts": "none", "postfix_delivery": "relay"}


def test_lmtp() -> None:
    found = composed()
    assert found.parameters["virtual_transport"] == "lmtp:unix:private/dovecot-lmtp"
    assert {"home_mailbox", "local_transport", "local_recipient_maps"} <= set(found.absent)


def test_virtual_stores_where_dovecot_looks() -> None:
    found = composed(
        postfix_delivery="virtual",
        postfix_virtual_transport="virtual",
        postfix_virtual_mailbox_maps=["proxy:sqlite:/etc/postfix/sqlite/virtual_mailbox_maps.cf"],
        postfix_virtual_maildirs=["sqlite:/etc/postfix/sqlite/virtual_maildirs.cf"],
        postfix_virtual_mailbox_base="/var/vmail",
        postfix_virtual_uid="2000",
        postfix_virtual_gid="2001",
    )
    assert found.parameters["virtual_transport"] == "virtual"
    assert found.parameters["virtual_uid_maps"] == "static:2000"
    assert found.parameters["virtual_gid_maps"] == "static:2001"
    assert found.parameters["virtual_mailbox_limit"] == 0
    assert found.parameters["virtual_mailbox_maps"] == ["proxy:sqlite:/etc/postfix/sqlite/virtual_mailbox_maps.cf"]
    options = found.services["virtual/unix"]["options"]
    assert options == {"virtual_mailbox_maps": "sqlite:/etc/postfix/sqlite/virtual_maildirs.cf"}
    assert "virtual_mailbox_maps" in composed().services["virtual/unix"]["options_absent"]


@pytest.mark.parametrize("mailbox", ["", "Maildir/"])
def test_accounts_of_the_system(mailbox: str) -> None:
    found = composed(**SYSTEM, postfix_home_mailbox=mailbox)
    assert "virtual_transport" in found.absent
    assert found.parameters.get("home_mailbox", "") == mailbox
    assert ("home_mailbox" in found.absent) == (not mailbox)


@pytest.mark.parametrize("transport", ["", "local", "local:$myhostname"])
def test_accounts_of_the_system_beside_virtual_mailboxes(transport: str) -> None:
    found = composed(postfix_home_mailbox="Maildir/", postfix_local_transport=transport)
    assert found.parameters["home_mailbox"] == "Maildir/"
    assert found.parameters["virtual_transport"] == "lmtp:unix:private/dovecot-lmtp"
    # With a command of the distribution, local(8) would look at no mailbox.
    assert "mailbox_command" in found.absent
    assert refused(postfix_home_mailbox="Maildir/", postfix_local_transport=transport) == []


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"postfix_local_transport": "$virtual_transport"}, "postfix_local_transport is '$virtual_transport'"),
        ({"postfix_local_domains": []}, "postfix_local_domains is empty"),
    ],
)
def test_a_mailbox_in_homes_that_get_no_mail(given: dict[str, Any], why: str) -> None:
    assert refused(postfix_home_mailbox="Maildir/", **given) == [
        f"postfix_home_mailbox is for the accounts of the system, and {why}. Remove postfix_home_mailbox."
    ]


def test_a_level_is_set_and_never_taken_away() -> None:
    assert composed(postfix_compatibility_level="3.6").parameters["compatibility_level"] == "3.6"
    found = composed()
    assert "compatibility_level" not in {*found.parameters, *found.absent}


def test_local_domains_routed_to_the_virtual_mailboxes() -> None:
    found = composed(
        postfix_local_transport="$virtual_transport", postfix_local_recipient_maps=["$virtual_mailbox_maps"]
    )
    assert found.parameters["local_transport"] == "$virtual_transport"
    assert found.parameters["local_recipient_maps"] == ["$virtual_mailbox_maps"]


@pytest.mark.parametrize(
    ("given", "sentences"),
    [
        ({"postfix_delivery": "local"},
         ["postfix_delivery is 'local', and postfix_accounts is 'sqlite'. Use 'lmtp' or 'virtual'."]),
        ({**SYSTEM, "postfix_delivery": "lmtp"},
         ["postfix_delivery is 'lmtp', and postfix_accounts is 'system'. Use 'local'."]),
        ({**NONE, "postfix_local_transport": "${virtual_transport}"},
         ["postfix_local_transport uses virtual_transport, and with postfix_delivery: relay that is not set. Name a"
          " transport."]),
        ({**NONE, "postfix_home_mailbox": "Maildir/"},
         ["postfix_home_mailbox is for the accounts of the system, and postfix_delivery is 'relay'. Remove"
          " postfix_home_mailbox."]),
    ],
)  # fmt: skip
def test_ways_that_the_accounts_do_not_have(given: dict[str, Any], sentences: list[str]) -> None:
    assert refused(**given) == sentences


def test_aliases_come_before_those_of_the_system() -> None:
    found = composed(postfix_aliases={"root": ["admin@example.org", "alice"]})
    assert found.parameters["alias_maps"] == {"prepend": ["texthash:/etc/postfix/own_aliases"]}
    assert found.tables[0].entries == {"root": ["admin@example.org", "alice"]}
    assert composed().parameters["alias_maps"] == {"remove": ["texthash:/etc/postfix/own_aliases"]}


def test_another_file_of_the_system() -> None:
    found = composed(postfix_alias_file="/etc/postfix/aliases", postfix_aliases={"root": "alice"})
    assert found.parameters["alias_maps"] == ["texthash:/etc/postfix/own_aliases", "hash:/etc/postfix/aliases"]
    assert found.parameters["alias_database"] == ["hash:/etc/postfix/aliases"]
    found = composed(postfix_alias_file="/etc/postfix/aliases", postfix_alias_type="lmdb")
    assert found.parameters["alias_maps"] == ["lmdb:/etc/postfix/aliases"]
    assert refused(postfix_alias_type="lmdb") == [
        "postfix_alias_type is set, and postfix_alias_file is empty. Set postfix_alias_file."
    ]


def test_aliases_of_a_host_without_mailboxes() -> None:
    found = composed(**NONE, postfix_aliases={"root": "admin@example.org"}, postfix_virtual_alias_maps=[])
    assert found.parameters["virtual_alias_maps"] == ["texthash:/etc/postfix/own_aliases"]
    assert found.parameters["alias_maps"] == {"remove": ["texthash:/etc/postfix/own_aliases"]}


def test_networks() -> None:
    found = composed(postfix_networks_style="host", postfix_domain="example.org", postfix_parent_domains=[])
    assert "mynetworks" not in found.parameters
    assert "mynetworks" in found.absent
    assert found.parameters["mynetworks_style"] == "host"
    assert found.parameters["mydomain"] == "example.org"
    assert found.parameters["parent_domain_matches_subdomains"] == []
    assert {"mydomain", "mynetworks_style"} <= set(composed().absent)


def test_backup_mx() -> None:
    found = composed(
        **NONE,
        postfix_relay_domains=["example.net"],
        postfix_relay_recipient_maps=["texthash:/etc/postfix/relay_recipients"],
    )
    assert found.parameters["relay_domains"] == ["example.net"]
    assert found.parameters["relay_recipient_maps"] == ["texthash:/etc/postfix/relay_recipients"]


def test_the_other_name_of_port_465() -> None:
    found = composed(postfix_submissions_name="smtps")
    assert found.services["smtps/inet"]["options"]["syslog_name"] == "postfix/smtps"
    assert found.services["smtps/inet"]["options"]["smtpd_tls_wrappermode"] == "yes"
    assert found.services["submissions/inet"] == {"state": "absent"}
    assert composed().services["smtps/inet"] == {"state": "absent"}


@pytest.mark.parametrize("transport", ["lmtp:unix:private/my-lmtp", "virtual"])
def test_a_host_that_would_take_mail_for_every_name(transport: str) -> None:
    given = {**SYSTEM, "postfix_local_transport": transport, "postfix_virtual_mailbox_maps": []}
    assert refused(**given, postfix_local_recipient_maps=["$virtual_mailbox_maps"]) == [
        "postfix_local_recipient_maps is ['$virtual_mailbox_maps'], and postfix_virtual_mailbox_maps is empty, so that"
        " Postfix would take mail for every name in postfix_local_domains, and bounce what nobody gets. Name the tables"
        " of the recipients, or set postfix_local_recipient_maps: [] for the accounts of the system and their aliases."
    ]
    for maps in ([], ["hash:/etc/postfix/recipients"]):
        assert refused(**given, postfix_local_recipient_maps=maps) == []
    assert refused(**given, postfix_local_recipient_maps=["$virtual_mailbox_maps"], postfix_local_domains=[]) == []


@pytest.mark.parametrize(("transport", "told"), [("", False), ("local", False), ("$virtual_transport", True)])
@pytest.mark.parametrize(
    "given", [{"postfix_aliases": {"root": "alice@example.org"}}, {"postfix_alias_file": "/etc/postfix/aliases"}]
)
def test_aliases_are_for_local_delivery(given: dict[str, Any], transport: str, told: bool) -> None:
    found = [text for text in refused(postfix_local_transport=transport, **given) if "is for local(8)" in text]
    assert [text.split(" ")[0] for text in found] == ([*given] if told else [])
