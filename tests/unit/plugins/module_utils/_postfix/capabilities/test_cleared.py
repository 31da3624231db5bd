# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A variable that adds something to main.cf or master.cf removes that again when the variable is cleared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.puffy.mail.plugins.module_utils._postfix import capabilities, main_cf, master_cf, plan
from ansible_collections.puffy.mail.tests.harness import wishes as drawn
from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._inputs import conftest
from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.capabilities.wishes import FACTS, wishes

#: The files of a fresh host.
MAIN = "alias_maps = hash:/etc/aliases\nalias_database = hash:/etc/aliases\n"
MASTER = """\
smtp inet n - y - - smtpd
cleanup unix n - y - 0 cleanup
smtp unix - - y - - smtp
relay unix - - y - - smtp
local unix - n n - - local
virtual unix - n n - - virtual
"""
#: What the README says to stay: a level is never taken back, a host always has aliases, and the role no longer knows
#: the names of commands that are gone. The free form goes over what the host has.
STAYS = {
    "postfix_compatibility_level",
    "postfix_alias_file",
    "postfix_alias_type",
    "postfix_policy_commands",
    "postfix_parameters",
    "postfix_absent",
    "postfix_services",
    "postfix_tables",
}
VALUES = {
    name: value
    for name, value in yaml.safe_load((Path(conftest.__file__).parent / "values.yml").read_text()).items()
    if name in wishes() and name not in STAYS
}


def _after(*runs: dict[str, Any]) -> tuple[dict[str, list[str]], dict[str, Any]]:
    """The parameters and the services after one run for each of ``runs``."""
    main, master = main_cf.parse(MAIN, "main.cf"), master_cf.parse(MASTER, "master.cf")
    for given in runs:
        values = {**wishes(**given), "relay_clients_table": "texthash:/etc/postfix/relay_clientcerts"}
        composed = capabilities.compose(values, FACTS)
        request = plan.Request(
            plan.read_parameters(composed.parameters, composed.absent),
            frozenset(composed.absent),
            plan.read_services(composed.services),
        )
        done = plan.plan(main, master, request, {})
        main, master = done.main, done.master
    parameters = {entry.name: main_cf.list_words(entry.value) for entry in main.entries()}
    return parameters, {service.key: (service.command, dict(service.options)) for service in master.services()}


def _stays(*runs: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """What the last run leaves otherwise than on a fresh host, as name, value here, value there."""
    return [
        (name, here.get(name), fresh.get(name))
        for here, fresh in zip(_after(*runs), _after(runs[-1]))
        for name in sorted({*here, *fresh})
        if here.get(name) != fresh.get(name)
    ]


@pytest.mark.parametrize("host", drawn.HOSTS, ids=lambda host: f"{host['postfix_accounts']}-{host['postfix_delivery']}")
@pytest.mark.parametrize("name", sorted(VALUES))
def test_nothing_stays_of_a_variable_that_is_cleared(host: dict[str, Any], name: str) -> None:
    for value in (VALUES[name], *drawn.POOL.get(name, ())):
        assert _stays({**host, name: value}, host) == [], value


@pytest.mark.parametrize("after", drawn.HOSTS)
@pytest.mark.parametrize("before", drawn.HOSTS)
def test_nothing_stays_of_another_kind_of_host(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert _stays(before, after) == []


def test_what_stays_is_in_the_readme() -> None:
    text = (conftest.ROLES / "postfix" / "README.head.md").read_text()
    assert [name for name in sorted(STAYS) if f"`{name}`" not in text] == []
