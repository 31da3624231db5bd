# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may relay."""

from __future__ import annotations

import pytest

from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.checks import cases

test_a_fault_is_found_and_named = cases.tests("relay")


@pytest.mark.parametrize(
    ("lines", "rules"),
    [(b"# all\n/./ OK\n", ["open-relay"]), (b"/\\.example\\.org$/ OK\n", [])],
)
def test_every_domain_in_another_file(lines, rules):
    probe = cases.FakeProbe(contents={"/domains": lines})
    found = cases.check(f"{cases.RELAY}relay_domains = regexp:/domains\n", probe=probe)
    assert [finding.rule for finding in found] == rules
