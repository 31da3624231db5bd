# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.filter.postconf_value import FilterModule

postconf_value = FilterModule().filters()["postconf_value"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (25, "25"),
        ("", ""),
        ("  a b ", "a b"),
        ([], ""),
        (["a"], "a"),
        (
            ["permit_mynetworks", "check_helo_access hash:/x", 3, True],
            "permit_mynetworks, check_helo_access hash:/x, 3, yes",
        ),
        (("a", "b"), "a, b"),
    ],
)
def test_postconf_value(value: Any, text: str) -> None:
    assert postconf_value(value) == text


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (3.5, 'the value is a YAML float, which drops zeros (3.10 is 3.1); write it quoted, such as "3.5"'),
        (None, "the value is null; give a value, or name it in the list of what must be absent"),
        ({"a": 1}, "the value is a dictionary; a string, an integer or a boolean is needed"),
        ([["a"]], "the value: item 1 is a list; a string, an integer or a boolean is needed"),
        (["a", " "], "the value: item 2 is empty"),
        ("a\nb", "the value holds a line break or a null byte, which no value may hold"),
        (["a\0"], "the value holds a line break or a null byte, which no value may hold"),
    ],
)
def test_postconf_value_error(value: Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=f"^postconf_value: {re.escape(message)}$"):
        postconf_value(value)
