# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge that runs commands, with commands every system has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.puffy.mail.plugins.module_utils import _command as command

#: ISO 8859-1, a carriage return, a form feed, and no line end
BYTES = "caf\udce9\r\n\x0c\r"


def test_exact_keeps_every_byte() -> None:
    assert command.run(["cat"], data=BYTES, exact=True).stdout == BYTES
    assert command.run(["od", "-An", "-c"], data="\udce9\r\n", exact=True).stdout.split() == ["351", "\\r", "\\n"]


def test_otherwise_what_is_no_text_is_replaced() -> None:
    assert command.run(["printf", "a\\351b\\r\\n"]).stdout == "a\ufffdb\n"


def test_the_locale_is_c_and_there_is_no_input() -> None:
    result = command.run(["sh", "-c", 'echo "$LC_ALL"; cat; echo said >&2; exit 3'], check=False)
    assert (result.rc, result.stdout, result.stderr) == (3, "C\n", "said\n")


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["sh", "-c", "echo one; echo two >&2; exit 4"], "exit status 4: two"),
        (["sh", "-c", "echo one; exit 4"], "exit status 4: one"),
        (["sleep", "9"], "sleep 9 did not end within 0.2 seconds and was stopped"),
        (["/nothing/here"], "/nothing/here could not be started: "),
    ],
)
def test_failures(argv: list[str], message: str, exact: bool) -> None:
    with pytest.raises(command.CommandError, match=re.escape(message)):
        command.run(argv, timeout=0.2 if argv[0] == "sleep" else 120, exact=exact)


def test_a_daemon_that_is_left_behind_holds_nothing_up(tmp_path: Path) -> None:
    daemon = f"while [ ! -e {tmp_path}/stop ]; do sleep 0.05; done"
    try:
        result = command.run(["sh", "-c", f"({daemon}) & echo started; echo said >&2"], timeout=20)
    finally:
        (tmp_path / "stop").touch()
    assert (result.rc, result.stdout, result.stderr) == (0, "started\n", "said\n")


def test_a_command_that_is_missing() -> None:
    with pytest.raises(command.CommandError, match=r"^the command 'no-such-thing' was not found in .*; is it there\?$"):
        command.require("no-such-thing", hint="is it there?")
