# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of the role openbsd_base: what they take, and how they refuse."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.filter import aliases_text as aliases

aliases_text = aliases.FilterModule().filters()["aliases_text"]


def test_text() -> None:
    assert aliases_text("a: b\n", {"root": "alice"}) == "a: b\nroot: alice\n"


@pytest.mark.parametrize(
    ("use", "arguments", "message"),
    [
        (aliases_text, [None, {}], "aliases_text needs the text of a file, not NoneType"),
        (aliases_text, ["", []], "aliases_text needs a mapping of aliases, not list"),
    ],
)
def test_errors(use: Any, arguments: list[Any], message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=f"^{re.escape(message)}$"):
        use(*arguments)


def test_a_bad_alias_is_named() -> None:
    with pytest.raises(AnsibleFilterError, match=r"^aliases_text has the alias 'a b', and an alias is a local part"):
        aliases_text("", {"a b": "c"})
