# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of the role openbsd_base: what they take, and how they refuse."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.filter import aliases_text as aliases
from ansible_collections.puffy.mail.plugins.filter import openbsd_base_problems as problems

openbsd_base_problems = problems.FilterModule().filters()["openbsd_base_problems"]
aliases_text = aliases.FilterModule().filters()["aliases_text"]


def test_sentences() -> None:
    assert openbsd_base_problems({"openbsd_base_branch": "stable"}) == []
    assert openbsd_base_problems({"openbsd_base_branch": "snapshot"}) == [
        "openbsd_base_branch is 'snapshot'. Right would be one of 'stable', 'stable35'."
    ]


def test_text() -> None:
    assert aliases_text("a: b\n", {"root": "alice"}) == "a: b\nroot: alice\n"


@pytest.mark.parametrize(
    ("use", "arguments", "message"),
    [
        (openbsd_base_problems, [[]], "openbsd_base_problems needs a mapping of inputs by name, not list"),
        (openbsd_base_problems, [{"a": 1}], "openbsd_base_problems: no rule is known for the input 'a'"),
        (aliases_text, [None, {}], "aliases_text needs the text of a file, not NoneType"),
        (aliases_text, ["", []], "aliases_text needs a mapping of aliases, not list"),
    ],
)
def test_errors(use: Any, arguments: list[Any], message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=f"^{re.escape(message)}$"):
        use(*arguments)


def test_a_bad_alias_is_named() -> None:
    with pytest.raises(AnsibleFilterError, match=r"^aliases_text has the alias 'a b'; an alias is a local part"):
        aliases_text("", {"a b": "c"})
