# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of domains and networks, matched as match_list.c and match_ops.c do."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.contents import ANY, Content, Keyed, content
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.lookups import TABLE_SHAPE
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import words

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context

#: An address in each IPv4 network of length 8 that is in use on the Internet, and in large blocks of IPv6 addresses.
SAMPLES = (
    *(f"{number}.113.57.77" for number in range(1, 224) if number not in (10, 127)),
    *(f"{block}:5eed:1d5::77" for block in ("2003", "2403", "2606", "2804", "2a03", "2c0f")),
)
#: So many of these belong to more than one site: a list has a great part of the Internet.
_IPV4, _IPV6 = 16, 2
_DEPTH = 20


def entries(context: Context, text: str, negated: bool = False, depth: int = 0) -> Iterator[tuple[str, bool, str]]:
    """The patterns of a list, those in files that it names included: pattern, whether ``!`` is before it, and where it
    stands in a file."""
    for word in words(text):
        plain = word.lstrip("!")
        flipped = negated != bool((len(word) - len(plain)) % 2)
        if not plain.startswith("/"):
            yield plain, flipped, ""
        elif depth < _DEPTH:
            for number, line in enumerate(context.lines(plain), 1):
                if not line.lstrip().startswith("#"):
                    for inner, turned, where in entries(context, line, flipped, depth + 1):
                        yield inner, turned, where or f"{plain} line {number}"


@dataclass(frozen=True)
class MatchList:
    """A list. ``parents`` says whether a domain stands for its subdomains too (parent_domain_matches_subdomains)."""

    context: Context
    text: str
    parents: bool = False

    @cached_property
    def _entries(self) -> list[tuple[str, bool, Content | None, Any]]:
        found = []
        for word, negated, _where in entries(self.context, self.text):
            table = not word.startswith("[") and TABLE_SHAPE.match(word)
            found.append(
                (word.lower(), negated, content(self.context, word) if table else None, None if table else _net(word))
            )
        return found

    @cached_property
    def _large(self) -> list[tuple[str, bool, Content | None, Any]]:
        return [
            entry
            for entry in self._entries
            if entry[2] is not None
            or (entry[3] is not None and entry[3].prefixlen <= (8 if entry[3].version == 4 else 24))
        ]

    @cached_property
    def addresses(self) -> tuple[str, ...]:
        """An address of each network in tables that is larger than a site's."""
        return tuple(address for _word, _no, table, _net in self._entries if table for address in table.addresses)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The domains that stand in the list or in a table of keys."""
        found: list[str] = []
        for word, negated, table, _unused in self._entries:
            if not negated:
                found += [word] if table is None else table.lines if isinstance(table, Keyed) else ()
        return tuple(found)

    def has_text(self, text: str) -> bool:
        """Whether the list has a text as it is (match_string)."""
        for word, negated, table, _unused in self._entries:
            if _found(table, text, True) if table is not None else text == word:
                return not negated
        return False

    def has_domain(self, name: str) -> bool:
        """Whether the list has a domain (match_hostname)."""
        labels, dot = name.split("."), "" if self.parents else "."
        above = [dot + ".".join(labels[number:]) for number in range(1, len(labels))]
        for word, negated, table, _unused in self._entries:
            if table is None:
                matches = word == name or word in above
            else:
                matches = _found(table, name, True) or any(_found(table, parent, False) for parent in above)
            if matches:
                return not negated
        return False

    def has_address(self, address: str) -> bool:
        """Whether a large network or a table of the list has an address (match_hostaddr)."""
        given = ipaddress.ip_address(address)
        for _word, negated, table, net in self._large:
            if _found(table, address, True) if table is not None else given in net:
                return not negated
        return False

    def has_everyone(self) -> bool:
        """Whether the list has a great part of the Internet, or a client of any name."""
        if self.has_domain("mail.stranger.example") or any(map(self.has_address, self.addresses)):
            return True
        found = [address for address in (SAMPLES if self._large else ()) if self.has_address(address)]
        six = sum(":" in address for address in found)
        return six >= _IPV6 or len(found) - six > _IPV4


def _found(table: Content, key: str, whole: bool) -> bool:
    return bool(table.find(key, whole) - {None, ANY})


def _net(word: str) -> Any:
    try:
        return ipaddress.ip_network(word.replace("[", "").replace("]", ""))
    except ValueError:
        return None
