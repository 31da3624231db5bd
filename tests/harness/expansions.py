# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cases of tests/unit/fixtures/postfix/expansions.txt, and values that lie deep in each other."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PATH = Path(__file__).resolve().parents[1] / "unit" / "fixtures" / "postfix" / "expansions.txt"
LINES = [line for line in PATH.read_text().splitlines() if line and not line.startswith("#")]
#: The parameters that the values use.
VALUES = {match[1]: match[2] or "" for line in LINES if (match := re.fullmatch(r"(\w+) =(?: (.*))?", line)) is not None}


@dataclass(frozen=True)
class Case:
    """A value, and the text that it comes to, or the message for a value at which Postfix ends."""

    value: str
    text: str
    message: str
    since: tuple[int, ...]


def read() -> list[Case]:
    """The cases of the file."""
    found = []
    for line in LINES:
        match = re.fullmatch(r"(?:(\d+\.\d+): )?(.*) (?:=> \|(.*)\||=! (.*))", line)
        if match is not None:
            since = tuple(int(part) for part in (match[1] or "0").split("."))
            found.append(Case(match[2], match[3] or "", match[4] or "", since))
    assert len(found) + len(VALUES) == len(LINES)
    return found


@dataclass(frozen=True)
class Deep:
    """A value of which parts lie within parts, and whether Postfix reads it."""

    name: str
    value: str
    parameters: dict[str, str]
    text: str
    fits: bool


def deep() -> list[Deep]:
    """Chains of names with different ends, and braces within braces, around the limit of 100."""
    found = []
    for end, text, most in (("x", "x", 100), ("", "", 101), ("${one?{x}}", "x", 99)):
        for length in (most - 1, most, most + 1):
            values = {f"n{number}": f"$n{number + 1}" for number in range(1, length)}
            found.append(
                Deep(
                    f"{length} names, then {end!r}",
                    "$n1",
                    {**values, f"n{length}": end, "one": "1"},
                    text,
                    length <= most,
                )
            )
    for levels in (99, 100, 101):
        value = "${one?{" * levels + "x" + "}}" * levels
        found.append(Deep(f"{levels} braces", value, {"one": "1"}, "x", levels <= 100))
    # An operand of a comparison begins anew.
    values = {f"n{number}": f"$n{number + 1}" for number in range(1, 100)}
    inner = "${{$n1} == {x} ? {x}}"
    for levels in (1, 30, 99, 100):
        value = "${one?{" * levels + inner + "}}" * levels
        found.append(
            Deep(f"{levels} braces and a comparison", value, {**values, "n100": "x", "one": "1"}, "x", levels <= 99)
        )
    return found
