# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""aliases(5): the text of a file in which some aliases have other recipients. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def aliases_text(text: str, aliases: Mapping[str, Any]) -> str:
    """Return aliases(5) text in which each name of ``aliases`` has these recipients, and everything else is as it was.

    An entry that has these recipients already keeps its layout. An entry with other recipients becomes one line in the
    same place, and the lines that continued it are removed. Later entries of the same name, which Postfix ignores, are
    removed. New entries come last.
    """
    wanted = {
        name.lower(): (name, _recipients(", ".join([given] if isinstance(given, str) else given)))
        for name, given in aliases.items()
    }
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    kept: list[str | None] = list(lines)
    seen = set()
    for first, numbers in _entries(lines):
        name, _colon, rest = lines[first].partition(":")
        key = name.strip().strip('"').lower()
        if key not in wanted:
            continue
        said = _recipients(" ".join([rest, *(lines[number] for number in numbers)]))
        if key not in seen and said == wanted[key][1]:
            seen.add(key)
            continue
        for number in (first, *numbers):
            kept[number] = None
        if key not in seen:
            kept[first] = _entry(*wanted[key])
            seen.add(key)
    result = [line for line in kept if line is not None]
    result += [_entry(*wanted[key]) for key in wanted if key not in seen]
    return "".join(f"{line}\n" for line in result)


def _entries(lines: list[str]) -> list[tuple[int, list[int]]]:
    """The number of each entry's first line and of the lines that continue it.

    aliases(5): a line that begins with a blank continues the one before; empty lines and comments are passed over.
    """
    found: list[tuple[int, list[int]]] = []
    for number, line in enumerate(lines):
        shown = line.strip()
        if not shown or shown.startswith("#"):
            continue
        if not line[0].isspace():
            found.append((number, []))
        elif found:
            found[-1][1].append(number)
    return found


def _recipients(text: str) -> list[str]:
    return [part for part in (" ".join(part.split()) for part in text.split(",")) if part]


def _entry(name: str, recipients: list[str]) -> str:
    return f"{name}: {', '.join(recipients)}"
