# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules judge: places in the two files, settings, and what their values come to."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.puffy.mail.plugins.module_utils._postfix import expansion, types

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.master_cf import Service


@dataclass(frozen=True)
class Place:
    """Where a fault stands, the name it is about, and what its message begins with."""

    file: str
    line: int
    name: str
    prefix: str = ""


@dataclass(frozen=True)
class Setting(Place):
    """A parameter set in main.cf (``service`` is None) or by ``-o`` in master.cf."""

    value: str = ""
    service: Service | None = None


@dataclass(frozen=True)
class Value:
    """What a setting comes to. ``text`` is expanded and empty where that fails: ``problem`` then says why, or
    ``missing`` has the names that the value uses and nothing defines. ``empty`` has those that may stay undefined."""

    setting: Setting
    kind: str | None
    text: str
    missing: tuple[str, ...] = ()
    problem: str = ""
    empty: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The parameter."""
        return self.setting.name

    @property
    def broken(self) -> bool:
        """Whether the value cannot be worked out."""
        return bool(self.missing or self.problem)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that ``name`` was most likely meant to be, or None where none is close."""
    found = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.75)
    return found[0] if found else None


def words(text: str) -> list[str]:
    """The words of a list; none where a brace is not closed."""
    try:
        return types.split_list(text)
    except ValueError:
        return []


def references(value: str) -> list[str]:
    """The names that a value uses; none where a brace is not closed."""
    if "$" not in value:
        return []
    try:
        return [name for name, _needed in expansion.references(value)]
    except ValueError:
        return []


def joined(value: str) -> str:
    """A value with its continuation lines as Postfix reads it: white space around line ends is one blank."""
    return re.sub(r"\s*\n\s*", " ", value).strip() if "\n" in value else value.strip()
