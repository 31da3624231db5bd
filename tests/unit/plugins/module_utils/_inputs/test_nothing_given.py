# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A text that is null or empty: it means no text, or it is refused by the name of the input. No role reads "None"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._inputs import judge, tables
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import say
from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._inputs.conftest import defaults, specification
from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.capabilities.wishes import composed

ROLES = ("postfix", "mail_authentication")


def _texts() -> Iterator[tuple[str, str]]:
    for role in ROLES:
        for name, option in specification(role).items():
            if option.get("type", "str") in ("str", "path"):
                yield role, name


TEXTS = list(_texts())


def judged(role: str, name: str, value: Any) -> tuple[Any, list[str]]:
    """The value that the role has, and what is said of ``value``."""
    option, table = specification(role)[name], tables.ROLES[role]
    good, problems = judge.judge({name: option}, judge.Table(table.forms), {name: value}, defaults(role))
    return good.get(name), [say(*problem) for problem in problems]


@pytest.mark.parametrize(("role", "name"), TEXTS, ids=[name for _role, name in TEXTS])
def test_null_is_no_text_or_refused(role: str, name: str) -> None:
    """Where the default is empty, null is the same. Any other default is not what null says, so null is refused."""
    good, said = judged(role, name, None)
    if defaults(role).get(name):
        assert said == [f"{name} is None. Set a value, or remove the variable."]
    else:
        assert (good, said) == ("", [])


@pytest.mark.parametrize(("role", "name"), TEXTS, ids=[name for _role, name in TEXTS])
def test_an_empty_text_is_no_text_or_refused(role: str, name: str) -> None:
    good, said = judged(role, name, "")
    assert (good, said) == ("", []) or said == [f"{name} is ''. Set a value, or remove the variable."]


OPTIONAL = [name for role, name in TEXTS if role == "postfix" and not defaults(role).get(name)]


@pytest.mark.parametrize("name", OPTIONAL)
def test_null_composes_as_nothing_given(name: str) -> None:
    assert composed(**{name: None}) == composed(**{name: ""}) == composed()
