# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where aliases lead, followed as Postfix follows them: to a mailbox, to another host, round in a circle or nowhere.

Pure. Rows are found through a function (``rows.Find``), so that the same code serves the variables of a role, its own
database and the one that PostfixAdmin keeps. Addresses are folded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ansible_collections.puffy.mail.plugins.module_utils._accounts import rows

#: the local part of "any other address of a domain", which no row has; never shown
_ANY = "\0"
# postconf(5), recipient_delimiter, and split_addr(3): these are never taken apart.
_WHOLE = frozenset({"postmaster", "mailer-daemon", "double-bounce"})
#: postconf(5), virtual_alias_expansion_limit and virtual_alias_recursion_limit, both as Postfix has them by default
TARGETS = DEPTH = 1000
_TOO_MANY = (
    "leads to more than {0} addresses, and Postfix answers 451 to all of its mail. Use the program of a mailing list,"
    " several aliases, or a larger virtual_alias_expansion_limit (in the roles, in postfix_parameters)."
)
_TOO_DEEP = (
    f"leads through {DEPTH} aliases or more, and Postfix answers 451 to all of its mail"
    " (virtual_alias_recursion_limit). Name the last address as its target."
)


@dataclass(frozen=True)
class Fault:
    """An alias whose mail would be accepted and then bounce, or be refused again and again."""

    #: the address of the alias
    alias: str
    #: what is wrong with its goto, as the rest of a sentence with a cure
    problem: str


def cut(local: str, delimiter: str) -> int:
    """Where the extension of a local part begins: at the first delimiter that is not its first character; 0: none."""
    return next((index for index, character in enumerate(local) if index and character in delimiter), 0)


def split(address: str, delimiter: str) -> tuple[str, str]:
    """The address without its extension, and the extension with its delimiter (split_addr(3))."""
    local, _at, domain = address.rpartition("@")
    dash = "-" in delimiter and (local.startswith("owner-") or local.endswith("-request"))
    if delimiter and local not in _WHOLE and not dash:
        place = cut(local, delimiter)
        if place:
            return f"{local[:place]}@{domain}", local[place:]
    return address, ""


def step(find: rows.Find, address: str, delimiter: str) -> tuple[str, list[str]] | None:
    """The key that an address is found by in virtual_alias_maps, and what it becomes; None where it stays.

    virtual(5): the whole address, the one without its extension, the domain. An extension that found nothing is put to
    the result (postconf(5), propagate_unmatched_extensions).
    """
    base, extension = split(address, delimiter)
    local, _at, domain = address.rpartition("@")
    for key in dict.fromkeys((address, base, f"@{domain}")):
        found = rows.answer(find, "virtual_alias_maps", key)
        if found is None:
            continue
        unmatched = "" if key == address else extension
        results = []
        for target in rows.targets_of(found):
            to, _at, there = target.rpartition("@")
            results.append(f"{to}{unmatched}@{there}" if to else f"{local}@{there}")
        return key, results
    return None


def _end_problem(find: rows.Find, address: str, delimiter: str) -> str | None:
    """Why mail that no alias leads further is not delivered, as the rest of a sentence; None where it is."""
    domain = address.rpartition("@")[2]
    row = find("domain", domain)
    if row is None:
        return None
    shown = address.replace(_ANY, "")
    if not row[3]:
        return (
            f"leads to {shown!r}, and the domain {domain!r} is not active: its mail would be accepted and then bounce."
            " Use an address of an active domain, or switch the alias off too."
        )
    names = dict.fromkeys((address, split(address, delimiter)[0]))
    if row[2] or any(rows.answer(find, "virtual_mailbox_maps", name) for name in names):
        return None
    if shown != address:
        return (
            f"leads to {shown!r}, one of our own domains: mail for names that it does not have would be accepted and"
            " then bounce. Use a domain alias, or one address."
        )
    if any(find("mailbox", name) for name in names):
        return (
            f"leads to {shown!r}, a mailbox that is not active: its mail would be accepted and then bounce. Use an"
            " active mailbox, or switch the alias off too."
        )
    return (
        f"leads nowhere: {shown!r} is in our own domain and is neither a mailbox nor an alias. Use an address that"
        " exists."
    )


def _ends(find: rows.Find, alias: str, targets: Iterable[str], delimiter: str) -> Iterator[Fault]:
    """The targets of one alias that nothing leads further and that nobody has."""
    for target in targets:
        address = target if target.rpartition("@")[0] else f"{_ANY}{target}"
        if target == alias and not find("mailbox", alias):
            yield Fault(alias, _circle([alias, alias]))
            continue
        found = None if target == alias else step(find, address, delimiter)
        if found is None or address in found[1]:
            problem = _end_problem(find, address, delimiter)
            if problem:
                yield Fault(alias, problem)


def _is_mailbox(find: rows.Find, address: str) -> bool:
    """Whether an address is a mailbox that gets its mail, and no alias: most targets are, and there may be 100,000."""
    box = find("mailbox", address)
    if box is None or not box[7] or find("alias", address) not in (None, (address, address, box[6], 1)):
        return False
    domain = find("domain", box[6])
    return domain is not None and bool(domain[3]) and not domain[2]


def _circle(addresses: Iterable[str]) -> str:
    names = " -> ".join(address.replace(_ANY, "") for address in addresses)
    return f"leads round in a circle: {names}. Let it end at a mailbox or at another host."


@dataclass(frozen=True)
class _Way:
    """An address that was expanded, the key by which it was found, and the address before it."""

    key: str
    address: str
    before: _Way | None

    def path(self) -> list[_Way]:
        """The way from its beginning."""
        found: list[_Way] = []
        way: _Way | None = self
        while way is not None:
            found.append(way)
            way = way.before
        return found[::-1]


def _never_ends(way: _Way, itself: set[str]) -> bool:
    """Whether an address was expanded before on its own way, and none between the two has become itself."""
    between = way.before
    while between is not None and between.address != way.address:
        if between.address in itself:
            return False
        between = between.before
    return between is not None and between.address not in itself


def _round(ways: Iterable[_Way | None]) -> list[_Way]:
    """The first circle on one of the ways: from a key to where it comes again. An empty list without a circle."""
    # By key, since an extension grows in each round (a leads to a+b, which is found as a).
    for way in ways:
        first: dict[str, int] = {}
        path = way.path() if way else []
        for place, step_ in enumerate(path):
            if step_.key in first:
                return path[first[step_.key] : place + 1]
            first[step_.key] = place
    return []


def _expand(find: rows.Find, start: str, delimiter: str, most: int, done: set[str], told: set[str]) -> Fault | None:
    """What keeps cleanup(8) from expanding an address (cleanup_map1n.c), unless that was told before.

    ``done`` has the addresses that were expanded, ``told`` the keys that lead to what was told.
    """
    addresses: list[tuple[str, _Way | None]] = [(start, None)]
    itself: set[str] = set()
    expanded: set[str] = set()
    way: _Way | None = None
    # The list grows while it is walked.
    for address, way in addresses:
        if len(addresses) > most:
            circle = _round(last for _address, last in addresses)
            return _told(circle, [_Way(start, start, None)], _TOO_MANY.format(most), told)
        count = 0
        # An address that has become itself is not expanded a second time; one with a longer extension is another.
        while address not in itself:
            if count >= DEPTH and way is not None:
                return _told(_round([way]), way.path(), _TOO_DEEP, told)
            found = None if _is_mailbox(find, address) else step(find, address, delimiter)
            if found is None:
                break
            key, results = found
            if key in told:
                return None
            way = _Way(key, address, way)
            if address in expanded and _never_ends(way, itself):
                return _told(_round([way]), way.path(), _TOO_DEEP, told)
            expanded.add(address)
            itself.update(result for result in results if result == address)
            addresses.extend((result, way) for result in results[1:])
            address = results[0]
            count += 1
    done |= expanded
    return None


def _told(circle: list[_Way], ways: list[_Way], otherwise: str, told: set[str]) -> Fault:
    """The fault of a circle, or of what is too much without one, at the first of ``ways``."""
    told.update(way.key for way in circle or ways)
    if circle:
        return Fault(circle[0].key, _circle(way.address for way in circle))
    return Fault(ways[0].key.replace(_ANY, ""), otherwise)


def faults(
    find: rows.Find, aliases: Iterable[tuple[str, Iterable[str]]], delimiter: str, most: int = TARGETS
) -> Iterator[Fault]:
    """What is wrong with where active aliases lead, each given with its targets. ``most`` is how many addresses one may
    lead to."""
    done: set[str] = set()
    told: set[str] = set()
    for alias, goto in aliases:
        row = find("domain", alias.rpartition("@")[2])
        if row is None or not row[3]:
            continue  # nobody's address
        targets = list(goto)
        if len(targets) <= most and all(_is_mailbox(find, target) for target in targets):
            continue
        yield from _ends(find, alias, targets, delimiter)
        start = alias if alias.rpartition("@")[0] else f"{_ANY}{alias}"
        fault = None if start in done else _expand(find, start, delimiter, most, done, told)
        if fault is not None:
            yield fault
