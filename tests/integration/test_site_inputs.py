# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad inputs end puffy.mail.site in its first play, before any host is touched."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.playbooks import LOCAL, Run, mail_hosts, playbook

GOOD: dict[str, Any] = {
    # Nothing listens there: a run that wants to touch the host ends as unreachable.
    "ansible_connection": "ssh",
    "ansible_host": "127.0.0.1",
    "tls_pki_ca_directory": "/tmp/puffy-mail-test/pki",
    "sqlite_maps_domains": ["example.test"],
    "sqlite_maps_mailboxes": [{"address": "alice@example.test", "password": "one-two-three"}],
    "sqlite_maps_aliases": [{"address": "postmaster@example.test", "goto": ["alice@example.test"]}],
}


DIRECTORY: dict[str, Any] = {
    "mail_accounts": "ldap",
    "mail_ldap_servers": ["ldap://ldap.example.test"],
    "mail_ldap_search_base": "dc=example,dc=test",
    "mail_ldap_bind_dn": "uid=postfix,dc=example,dc=test",
    "mail_ldap_bind_password": "four-five-six",
}


def site(hosts: dict[str, dict[str, Any]], **environment: str) -> Run:
    for number, variables in enumerate(hosts.values(), start=1):
        variables.setdefault("ansible_port", number)
    return playbook("puffy.mail.site", mail_hosts(hosts), "-vvv", environment={"COLUMNS": "400", **environment})


def test_good_inputs_reach_the_host() -> None:
    done = site({"mail.example.test": GOOD})
    assert "UNREACHABLE" in done.output
    assert "failed=0" in done.stdout


def test_one_bad_host_stops_all_whatever_strategy_the_configuration_names() -> None:
    bad = {"mail1.example.test": {**GOOD, "mail_hostname": "mail"}, "mail2.example.test": dict(GOOD)}
    done = site(bad, ANSIBLE_STRATEGY="free")
    assert "mail_hostname is 'mail', which has no dot." in done.output
    assert "UNREACHABLE" not in done.output, done.output


#: what is wrong, and what is said of it; hosts that fail in one check share a run
BAD: dict[str, list[tuple[dict[str, Any], list[str]]]] = {
    "accounts": [
        ({"sqlite_maps_domains": []}, ["sqlite_maps_domains"]),
        (
            {"sqlite_maps_domains": ["exam ple.test"], "mail_database": "accounts.sqlite"},
            [
                "mail_database is 'accounts.sqlite'. Use an absolute path",
                "sqlite_maps_domains[0] is 'exam ple.test', which has the label 'exam ple'",
            ],
        ),
        (
            {"sqlite_maps_aliases": [{"address": "postmaster@example.test", "goto": ["nobody@example.test"]}]},
            ["sqlite_maps_aliases[0].goto of 'postmaster@example.test' leads nowhere: 'nobody@example.test'"],
        ),
        (
            {
                "sqlite_maps_mailboxes": [
                    {"address": "alice@example.test", "password": "one-two-three"},
                    {"address": "Alice@example.test", "password": "four-five-six"},
                ]
            },
            ["sqlite_maps_mailboxes[1].address is 'Alice@example.test', and there is a mailbox of that name already"],
        ),
    ],
    "name": [({"mail_hostname": "mail"}, ["mail_hostname is 'mail', which has no dot.", "mail.example.org"])],
    "place": [({"mail_accounts": "ldpa"}, ["mail_accounts is 'ldpa'. Use 'sqlite', 'ldap', 'system' or 'none'."])],
    "directory": [
        (
            {**DIRECTORY, "mail_ldap_servers": ["ldap.example.test"]},
            ["mail_ldap_servers: 'ldap.example.test' is not the URL of an LDAP server: it has no '://'"],
        ),
        (
            {**DIRECTORY, "ldap_maps_group_filter": "(objectClass=a"},
            ["ldap_maps_group_filter: '(objectClass=a' is not an LDAP filter", "the '(' has no ')', at character 1"],
        ),
    ],
    "network": [({"postfix_networks": ["10.0.0.1/8"]}, ["postfix_networks", "10.0.0.1/8"])],
}


@pytest.mark.parametrize("kind", list(BAD))
def test_a_bad_input_is_named_and_the_host_left_alone(kind: str) -> None:
    hosts = {f"mail{number}.example.test": case for number, case in enumerate(BAD[kind])}
    done = site({name: {**copy.deepcopy(GOOD), **change} for name, (change, _says) in hosts.items()})
    output = done.output
    assert done.rc == 2, output
    assert "UNREACHABLE" not in output
    told = dict(re.findall(r"^fatal: \[(\S+)\]: FAILED! => (.*?)(?=^fatal: |^PLAY RECAP|\Z)", done.stdout, re.M | re.S))
    assert set(told) == set(hosts), output
    for name, (_change, says) in hosts.items():
        for text in says:
            assert text in told[name], output
    assert "one-two-three" not in output
    assert "four-five-six" not in output


WEB: dict[str, Any] = {"hosts": {"web1": LOCAL}}
#: inventory, options, and what is said; None where hosts are found
TARGETS: dict[str, tuple[dict[str, Any], list[str], str | None]] = {
    "mistyped": (
        {"mailhosts": {"hosts": {"mail1": LOCAL}}, "web": WEB},
        [],
        "No host matches 'mail_hosts', so this playbook would do nothing. The inventory has the groups mailhosts, web."
        " Name the group 'mail_hosts' in the inventory, or set ",
    ),
    "mistyped, with a limit": ({"mailhosts": {"hosts": {"mail1": LOCAL}}}, ["--limit", "mail1"], "No host matches"),
    "empty group": ({"mail_hosts": {"hosts": {}}, "web": WEB}, [], "No host matches 'mail_hosts'"),
    "no inventory": ({}, [], "No host matches 'mail_hosts', so this playbook would do nothing. The inventory has no"),
    "other limit": (
        {"mail_hosts": {"hosts": {"mail1": LOCAL}}, "web": WEB},
        ["--limit", "web1"],
        "The limit 'web1' leaves no host of 'mail_hosts', so this playbook would do nothing.",
    ),
    "limit": ({"mail_hosts": {"hosts": {"mail1": LOCAL, "mail2": LOCAL}}}, ["--limit", "mail2"], None),
    "parent": ({"mail_hosts": {"children": {"mx": {"hosts": {"mail1": LOCAL}}}}}, [], None),
    "pattern": (
        {"post": {"hosts": {"mail1": LOCAL}}},
        ["-e", "mail_hosts_pattern=post:!web"],
        None,
    ),
    "pattern of nobody": (
        {"post": {"hosts": {"mail1": LOCAL}}},
        ["-e", "mail_hosts_pattern=wbe"],
        "No host matches 'wbe', so this playbook would do nothing. The inventory has the groups post. Name the group"
        " 'mail_hosts' in the inventory, or set mail_hosts_pattern with -e.",
    ),
    "listing": ({"mailhosts": {"hosts": {"mail1": LOCAL}}}, ["--list-tasks"], None),
    "syntax": ({}, ["--syntax-check"], None),
}


@pytest.mark.parametrize("name", ["site", "verify", "audit", "restore"])
@pytest.mark.parametrize("case", list(TARGETS))
def test_a_playbook_that_matches_no_host_fails(name: str, case: str) -> None:
    inventory, options, said = TARGETS[case]
    # Each host that is found stops at its first input, which is mistyped.
    mistyped = ["-e", '{"mail_hostnam": 1, "verify_nam": 1, "audit_nam": 1, "restore_nam": 1}']
    done = playbook(f"puffy.mail.{name}", {"all": {"children": inventory}}, *options, *mistyped)
    if said is None:
        assert "would do nothing" not in done.output
        assert "no hosts matched" not in done.output
        return
    assert done.rc != 0
    # Ansible breaks lines.
    assert said in " ".join(done.output.split()), done.output
    assert "TASK" not in done.output
