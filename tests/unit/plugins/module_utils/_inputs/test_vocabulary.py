# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Types and their spellings, and the forms that several roles share."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._inputs import vocabulary

DICTIONARIES = {"type": "list", "elements": "dict", "options": {"a": {"type": "int", "required": True}, "b": {}}}


@pytest.mark.parametrize(
    ("spec", "value", "expected"),
    [
        *(({"type": "bool"}, text, True) for text in (True, "true", "Yes", " on ", "1", 1)),
        *(({"type": "bool"}, text, False) for text in (False, "false", "No", "off", "0", 0)),
        ({"type": "int"}, "042", 42),
        ({"type": "int"}, 42.0, 42),
        ({"type": "int"}, "-1", -1),
        ({"type": "float"}, "7.5", 7.5),
        ({"type": "float"}, 7, 7.0),
        ({"type": "path"}, "/a", "/a"),
        ({"type": "str", "choices": ["a", "b"]}, "b", "b"),
        ({"type": "int", "choices": [2048, 3072]}, "3072", 3072),
        ({"type": "list"}, ("a", "b"), ["a", "b"]),
        ({"type": "list", "elements": "str"}, "a, b,", ["a", "b"]),
        ({"type": "list", "elements": "str"}, '["a", "b"]', ["a", "b"]),
        ({"type": "list", "elements": "int"}, "1,2", [1, 2]),
        ({"type": "list", "elements": "str"}, "[::1]/128, 127.0.0.0/8", ["[::1]/128", "127.0.0.0/8"]),
        (DICTIONARIES, [{"a": "1"}], [{"a": 1}]),
        (DICTIONARIES, '[{"a": 1, "b": "x"}]', [{"a": 1, "b": "x"}]),
        ({"type": "dict"}, '{"a": 1}', {"a": 1}),
        ({"type": "raw"}, [1, "a"], [1, "a"]),
    ],
)
def test_each_honest_spelling_is_taken(spec: dict[str, Any], value: Any, expected: Any) -> None:
    found = vocabulary.typed(spec, value)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("spec", "value", "cure"),
    [
        ({"type": "bool"}, "maybe", "Use true or false."),
        ({"type": "bool"}, 2, "Use true or false."),
        ({"type": "int"}, "4x", "Use a whole number."),
        ({"type": "int"}, True, "Use a whole number."),
        ({"type": "int"}, "²", "Use a whole number."),
        ({"type": "float"}, "1e9", "Use a number."),
        ({"type": "str"}, True, "Use text, in quotes."),
        ({"type": "str"}, 83, "Use text, in quotes."),
        ({"type": "list", "elements": "str"}, 83, "Use a list."),
        ({"type": "list", "elements": "str"}, [83], "Use text, in quotes."),
        ({"type": "str"}, ["a"], "Use text, in quotes."),
        ({"type": "str", "choices": ["a", "b"]}, "c", "Use 'a' or 'b'."),
        ({"type": "str", "choices": ["a", "b", "c"]}, ["a"], "Use 'a', 'b' or 'c'."),
        ({"type": "list"}, {"a": 1}, "Use a list."),
        ({"type": "list"}, "[a", "Use a list."),
        ({"type": "list"}, True, "Use a list."),
        ({"type": "list", "elements": "int"}, "1,b", "Use a whole number."),
        ({"type": "list", "elements": "str"}, ["a", None], "Use no empty entries."),
        ({"type": "list", "elements": "dict"}, "a,b", "Use a mapping."),
        (DICTIONARIES, [{"b": "x"}], "Use a mapping of a, b."),
        (DICTIONARIES, [{"a": 1, "c": 2}], "Use a mapping of a, b."),
        (DICTIONARIES, [{"a": "x"}], "In each entry: Use a whole number."),
        ({"type": "dict"}, "a=b", "Use a mapping."),
        ({"type": "dict"}, ["a"], "Use a mapping."),
    ],
)
def test_what_is_no_spelling_is_refused(spec: dict[str, Any], value: Any, cure: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        vocabulary.typed(spec, value)
    assert str(caught.value) == cure


@pytest.mark.parametrize("name", ["a.b", "mail.example.org", "A-1.example.org", "x" * 63 + ".test", "_a.b"])
def test_domains(name: str) -> None:
    assert (vocabulary.domain(name) is None) is ("_" not in name)
    assert vocabulary.domain_fault(name, underscore=True) is None


@pytest.mark.parametrize(
    "name", ["", "mail", "a..b", "-a.b", "a-.b", "a b.c", "x" * 64 + ".test", "a.1", "bücher.example", "a.b.", 7, None,
             "a." * 127 + "b"],
)  # fmt: skip
def test_what_is_no_domain(name: Any) -> None:
    assert vocabulary.domain(name)


def test_the_fast_look_at_a_domain_accepts_nothing_else() -> None:
    """What it accepts, the labels one by one accept too."""
    for name in ("a.b", "a-b.c-d.e1", "xn--a.xn--b"):
        assert vocabulary._DOMAIN_FAST.match(name)
        assert vocabulary.domain_fault(name) is None
    for name in ("a.b\n", "a_b.c", "a.-b", "a.b-", "a.1"):
        assert not vocabulary._DOMAIN_FAST.match(name)


def test_a_long_value_is_cut() -> None:
    assert vocabulary.shown("x" * 500) == f"'{'x' * 118}…"


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [("is 1.", "x is 1."), (": why.", "x: why."), ("[0] is 1.", "x[0] is 1."), ("(a) is 1.", "x (a) is 1.")],
)
def test_say(problem: str, sentence: str) -> None:
    assert vocabulary.say("x", problem) == sentence
