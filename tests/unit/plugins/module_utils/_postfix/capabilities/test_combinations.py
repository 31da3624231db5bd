# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any combination of wishes passes the checks on each Postfix, or is refused with a reason before a host is touched."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._inputs import judge, tables
from ansible_collections.puffy.mail.plugins.module_utils._postfix import capabilities, checks, plan
from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import Facts
from ansible_collections.puffy.mail.tests.harness import wishes as drawn
from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._inputs.conftest import specification
from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.capabilities.wishes import wishes
from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.checks.cases import (
    TYPES,
    FakeProbe,
    file,
    host,
    parsed,
)

#: combinations by seed; the first seed is for each run
DRAWS, SEEDS = 40, 10
#: what no composition can know: files of keys and of accounts, and who may read them
GROUPS = tuple(name for name in checks.GROUPS if name not in ("tls_files", "tls_keys", "table_access"))


class Host(FakeProbe):
    """A host that has every file that it is asked for."""

    def file(self, path: str) -> Any:
        found = super().file(path)
        socket = path.startswith("/var/spool/postfix/")
        return found if found is not None else file(0o644, kind="socket" if socket else "file")


@cache
def _specification() -> dict[str, Any]:
    return specification("postfix")


def refused(given: dict[str, Any]) -> list[judge.Problem]:
    """What the check of the inputs says."""
    values = wishes(**given)
    values.pop("relay_clients_table")
    known = {name: value for name, value in values.items() if name in _specification()}
    return judge.judge(_specification(), tables.ROLES["postfix"], known, {}, {})[1]


def findings(given: dict[str, Any], version: str) -> list[checks.Finding]:
    """What the checks find in the files for ``given`` on that Postfix."""
    facts = Facts(version, tuple(TYPES[version].split()), "lmdb" if version == "3.11" else "")
    composed = capabilities.compose({**wishes(**given), "relay_clients_table": "texthash:/etc/postfix/r"}, facts)
    main, master = parsed("alias_maps = texthash:/etc/aliases\n")
    request = plan.Request(
        plan.read_parameters(composed.parameters, composed.absent),
        frozenset(composed.absent),
        plan.read_services(composed.services),
    )
    contents = {table.path: b"a b\n" for table in composed.tables}
    contents["/etc/postfix/sasl/smtpd.conf"] = b"pwcheck_method: saslauthd\nmech_list: PLAIN LOGIN\n"
    probe = Host(contents=contents, addresses=("127.0.0.1",))
    there = host(version, probe)
    done = plan.plan(main, master, request, there.defaults)
    return checks.report(done.main, done.master, there, groups=GROUPS).findings


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, SEEDS))])
def test_accepted_on_each_postfix_or_refused_with_a_reason(seed: int) -> None:
    random_ = random.Random(seed)  # noqa: S311  # no secret depends on it
    accepted = 0
    for _draw in range(DRAWS):
        given = drawn.draw(random_)
        problems = refused(given)
        for name, sentence in problems:
            assert name in _specification(), name
            assert sentence.rstrip().endswith((".", "?")), sentence
        if problems:
            continue
        accepted += 1
        for version in TYPES:
            assert [str(found) for found in findings(given, version)] == [], (version, given)
    # A test in which everything is refused shows nothing.
    assert accepted > DRAWS // 5
