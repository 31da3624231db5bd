# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re

import pytest

from ansible_collections.puffy.mail.plugins.module_utils import _lookup_table

ANSWERS = [
    (["a", "b"], 0, "a\t1\n", "", {"a": "1", "b": None}),
    (["a", "b"], 1, "", "", {"a": None, "b": None}),
    (["a b", "a"], 0, "a b\tx y\na\tz\n", "", {"a b": "x y", "a": "z"}),
    (["a", "b"], 0, "a\tone\ntwo\nb\tz\n", "", {"a": "one\ntwo", "b": "z"}),
    (["a"], 0, "a\t\n", "postmap: warning: something harmless\n", {"a": ""}),
]
FAILURES = [
    (1, "", "postmap: fatal: open x: No such file\n", "fatal: open x: No such file"),
    (1, "", "postmap: warning: w\npostmap: error: e\n", "warning: w / error: e"),
    (137, "", "", "postmap ended with exit status 137"),
    (0, "stray\n", "", "postmap printed 'stray', which answers none of the keys asked"),
]


@pytest.mark.parametrize(("keys", "rc", "stdout", "stderr", "expected"), ANSWERS)
def test_parse_answers(keys: list[str], rc: int, stdout: str, stderr: str, expected: dict[str, str | None]) -> None:
    assert _lookup_table.parse_answers(keys, rc, stdout, stderr) == expected


@pytest.mark.parametrize(("rc", "stdout", "stderr", "message"), FAILURES)
def test_parse_answers_fails(rc: int, stdout: str, stderr: str, message: str) -> None:
    with pytest.raises(_lookup_table.QueryAnswerError, match=f"^{re.escape(message)}$"):
        _lookup_table.parse_answers(["k"], rc, stdout, stderr)
