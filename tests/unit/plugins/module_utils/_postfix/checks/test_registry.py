# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of the rules: each has its row, its cases, and its place."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._postfix import checks
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks import registry
from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.checks import cases

PACKAGE = Path(checks.__file__).parent


@pytest.mark.parametrize("name", checks.RULES)
def test_a_rule_has_a_case_that_it_finds_and_one_that_it_does_not(name):
    own = [case for case in cases.CASES if case.group == checks.RULES[name].group]
    assert any(name in case.rules for case in own), f"no case in the section {checks.RULES[name].group} finds {name}"
    assert any(name not in case.rules for case in own), f"every case of the section finds {name}"


@pytest.mark.parametrize("group", checks.GROUPS)
def test_a_group_has_a_case_without_a_fault(group):
    assert any(not case.rules for case in cases.CASES if case.group == group)


def test_cases_are_told_apart():
    titles = [case.title for case in cases.CASES]
    assert len(titles) == len(set(titles))


def test_a_group_is_a_module_with_rules_a_test_and_cases():
    with_rules = {path.stem for path in PACKAGE.glob("*.py") if re.search(r"^@rule\(", path.read_text(), re.MULTILINE)}
    tests = {path.stem[len("test_") :] for path in Path(__file__).parent.glob("test_*.py")}
    assert set(checks.GROUPS) == with_rules
    assert set(checks.GROUPS) == tests - {"checks", "registry"}
    assert set(checks.GROUPS) == {case.group for case in cases.CASES} - {"common"}


@pytest.mark.parametrize("name", checks.RULES)
def test_a_rule_says_what_it_finds_the_cure_and_the_source(name):
    rule = checks.RULES[name]
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name)
    assert rule.severity in (checks.ERROR, checks.WARNING)
    assert len(rule.row) == 3
    assert all(rule.row)


def test_no_id_is_given_twice():
    with pytest.raises(ValueError, match=r"^there are two rules 'open-relay'$"):

        @registry.rule("open-relay", checks.ERROR, each=lambda context: [context])
        def rule(context, subject):
            yield from ()


def test_the_document_lists_the_rules():
    tool = cases.ROOT / "tools" / "checks_reference.py"
    said = subprocess.run([sys.executable, tool, "--check"], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, ""), said.stdout + said.stderr
    rows = re.findall(
        r"^\| `([a-z0-9-]+)` \| (error|warning) \|", (cases.ROOT / "docs" / "checks.md").read_text(), re.MULTILINE
    )
    assert sorted(rows) == sorted((name, rule.severity) for name, rule in checks.RULES.items())
