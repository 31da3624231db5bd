# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""``$name`` in values. tests/integration/test_postfix_checks.py holds the same cases against Postfix."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.puffy.mail.plugins.module_utils._postfix import expansion
from ansible_collections.puffy.mail.tests.harness import expansions

CASES = expansions.read()
VALUES = expansions.VALUES


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.value)
def test_expansion(case: expansions.Case) -> None:
    if case.message:
        with pytest.raises(ValueError, match=f"^{re.escape(case.message)}$"):
            expansion.expand(case.value, VALUES.get)
    else:
        assert expansion.expand(case.value, VALUES.get) == case.text


@pytest.mark.parametrize("case", [case for case in CASES if case.since > (0,)], ids=lambda case: case.value)
def test_what_an_older_release_lacks(case: expansions.Case) -> None:
    major, minor = case.since
    with pytest.raises(ValueError, match=rf"which Postfix {major}\.{minor} brought$"):
        expansion.expand(case.value, VALUES.get, (major, minor - 1, 9))
    assert expansion.expand(case.value, VALUES.get, case.since) == case.text


@pytest.mark.parametrize("case", expansions.deep(), ids=lambda case: case.name)
def test_names_and_braces_are_read_as_deep_as_postfix_reads_them(case: expansions.Deep) -> None:
    """mac_expand.c: 100 levels. A text counts as a level, an empty value does not."""
    if case.fits:
        assert expansion.expand(case.value, case.parameters.get) == case.text
    else:
        with pytest.raises(ValueError, match=r"more than 100 deep, where Postfix stops$"):
            expansion.expand(case.value, case.parameters.get)


def chain(length: int, end: str) -> dict[str, str]:
    """p0 uses p1, which uses p2, and so on."""
    return {**{f"p{number}": f"$p{number + 1}" for number in range(length)}, f"p{length}": end}


@pytest.mark.parametrize("end", ["x", "$p0", "${", "$p50000"])
def test_each_value_of_a_long_chain_is_worked_out_once(end: str) -> None:
    values = chain(100_000, end)
    asked: list[str] = []

    def lookup(name: str) -> str | None:
        asked.append(name)
        return values.get(name)

    expander = expansion.Expander(lookup)
    broken = 0
    for value in values.values():
        try:
            expander.expand(value)
        except ValueError:
            broken += 1
    assert sorted(asked) == sorted(set(asked))
    assert broken == (100_001 if end != "x" else 100_000 - expansion.NESTING)


def test_names_that_double_are_worked_out_once() -> None:
    values = {**{f"p{number}": f"$p{number + 1}$p{number + 1}" for number in range(16)}, "p16": "x"}
    seen: list[str] = []
    assert expansion.expand("$p0", lambda name: (seen.append(name), values[name])[1]) == "x" * 2**16
    assert len(seen) == 17


def test_a_value_that_grows_without_end_is_refused() -> None:
    values = {**{f"p{number}": f"$p{number + 1} $p{number + 1}" for number in range(40)}, "p40": "x"}
    with pytest.raises(ValueError, match=r"^'\$p20 \$p20' comes to more than 4000000 characters$"):
        expansion.expand("$p0", values.get)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("a b", []),
        ("$a ${b} $(c)", [("a", True), ("b", True), ("c", True)]),
        ("$$a", []),
        ("${a?{$b}:{$c}}", [("a", False), ("b", True), ("c", True)]),
        ("${a:$b}", [("a", False), ("b", True)]),
        ("${a?{$a $b}:{$a}}", [("a", False), ("a", False), ("b", True), ("a", True)]),
        ("${a?x${a}}", [("a", False), ("a", False)]),
        ("${a?{${b?{$a$b}:{$b}}}}", [("a", False), ("b", False), ("a", False), ("b", False), ("b", True)]),
        ("${{$a} != {} ? {$a$b} : {$b}}", [("a", False), ("a", False), ("b", True), ("b", True)]),
        ("${{} == { ${a} } ? {x} : {$a}}", [("a", False), ("a", False)]),
        ("${{$a} != {x} ? {$a}}", [("a", True), ("a", True)]),
        ("${{$a} <level {3.6} ? {$b} : {x}}", [("a", True), ("b", True)]),
        ("${domain_to_ascii{$mydomain}}", [("mydomain", True)]),
    ],
)
def test_references(value: str, names: list[tuple[str, bool]]) -> None:
    assert expansion.references(value) == names


@given(st.text(alphabet="${}()?:a= <,", max_size=30))
def test_any_text_expands_or_is_a_value_error(value: str) -> None:
    for read in (lambda text: expansion.expand(text, {"a": "1"}.get), expansion.references):
        try:
            read(value)
        except ValueError:
            continue


@pytest.mark.parametrize("value", ["${a?{" * 50_000 + "}}" * 50_000, "${{" * 50_000 + "}}" * 50_000])
def test_braces_deep_within_braces_are_a_value_error(value: str) -> None:
    for read in (lambda text: expansion.expand(text, {"a": "1"}.get), expansion.references):
        with pytest.raises(ValueError, match=r"Postfix stops|no comparison"):
            read(value)
