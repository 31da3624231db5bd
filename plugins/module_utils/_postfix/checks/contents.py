# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tables of main.cf answer, where this host can tell it, and which texts are worth asking them."""

from __future__ import annotations

import importlib
import ipaddress
import itertools
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Callable

from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import words
from ansible_collections.puffy.mail.plugins.module_utils._tables.kinds import INDEX_SUFFIX, TEXT_TYPES
from ansible_collections.puffy.mail.plugins.module_utils._tables.lookup_table import fold, logical_lines, records

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context

#: The answer of a table that cannot be read, or of a pattern that cannot be judged.
ANY = "\0"
#: In ``Content.answers``: an answer may be each of those that there are.
FREE = "\1"
#: Actions of access(5) after which the next restriction is asked.
GO_ON = frozenset({"dunno", "warn", "info", "filter", "hold", "delay", "redirect", "bcc", "prepend", "defer_if_reject"})
#: DISCARD permits and throws the message away, so that nothing is relayed.
END = frozenset({"reject", "defer", "hangup", "discard", "defer_if_permit"})
#: As many tables inside of each other as are followed.
_DEPTH = 100


def _first(answer: str) -> str:
    return answer.split(None, 1)[0].lower() if answer.strip() else "ok"


class Content:
    """The content of a table. This one answers with anything."""

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The keys under which an answer stands that does not stop a stranger."""
        return ()

    @cached_property
    def addresses(self) -> tuple[str, ...]:
        """An address of each network that is larger than a site's."""
        return ()

    @cached_property
    def witnesses(self) -> tuple[tuple[str, Callable[[str], bool]], ...]:
        """Texts that the patterns match, each with what says whether another text does."""
        return ()

    @cached_property
    def answers(self) -> frozenset[str | None]:
        """All that the table can answer."""
        return frozenset({ANY})

    def find(self, key: str, whole: bool) -> set[str | None]:
        """The possible answers to a key; None: not found. ``whole`` is false for the parts of an address or name."""
        del key, whole
        return {ANY}


class Keyed(Content):
    """Lines with a key and a value; without lines, ``static:`` and ``fail:``."""

    def __init__(self, lines: Mapping[str, str], otherwise: str | None = None) -> None:
        self.lines, self.otherwise = lines, otherwise

    @cached_property
    def keys(self) -> tuple[str, ...]:
        # Only answers that do not stop the stranger are worth a try.
        return tuple(key for key, value in self.lines.items() if _first(value) not in END | GO_ON)

    @cached_property
    def answers(self) -> frozenset[str | None]:
        return frozenset((*self.lines.values(), self.otherwise))

    def find(self, key: str, whole: bool) -> set[str | None]:
        del whole
        return {self.lines.get(fold(key), self.otherwise)}


@dataclass(frozen=True)
class Line:
    """A line of a ``pcre:``, ``regexp:`` or ``cidr:`` table. ``word`` is if, endif or empty; ``test`` is None where the
    pattern cannot be judged."""

    word: str = ""
    test: Any = None
    negated: bool = False
    answer: str = ""

    def matches(self, key: str) -> bool | None:
        """Whether the line is about a key; None where that is not known."""
        if isinstance(self.test, re.Pattern):
            return (self.test.search(key) is not None) != self.negated
        if self.test is None:
            return None
        try:
            return (ipaddress.ip_address(key) in self.test) != self.negated
        except ValueError:
            # dict_cidr.c: what is no address is not found.
            return False


class Lined(Content):
    """``pcre:``, ``regexp:`` and ``cidr:``: the first line that matches the whole key."""

    def __init__(self, lines: Iterable[str], kind: str) -> None:
        read = _cidr if kind == "cidr" else _pattern
        self.lines = [line for line in (read(text.strip(), kind) for text in lines) if line is not None]

    @cached_property
    def addresses(self) -> tuple[str, ...]:
        nets = [line.test for line in self.lines if line.test is not None and not isinstance(line.test, re.Pattern)]
        return tuple(str(net[1]) for net in nets if is_the_internet(str(net)))

    @cached_property
    def answers(self) -> frozenset[str | None]:
        return frozenset((*(line.answer for line in self.lines if not line.word), None, ANY))

    @cached_property
    def _matched(self) -> dict[int, tuple[list[Line], list[str]]]:
        """Each line with a pattern that does not stop a stranger: itself after the conditions around it, and the texts
        that are known to match."""
        found: dict[int, tuple[list[Line], list[str]]] = {}
        around: list[Line] = []
        for number, line in enumerate(self.lines):
            if line.word == "endif":
                around = around[:-1]
            elif line.word:
                around.append(line)
            elif _first(line.answer) not in END and isinstance(line.test, re.Pattern):
                lines = [*around, line]
                found[number] = lines, list(_texts(lines))
        return found

    @cached_property
    def witnesses(self) -> tuple[tuple[str, Callable[[str], bool]], ...]:
        return tuple(
            (text, lambda said, lines=lines: all(line.matches(said) for line in lines))
            for lines, texts in self._matched.values()
            for text in texts
        )

    @cached_property
    def _patterns(self) -> list[tuple[Any, bool, str, bool]] | None:
        """Of a table of patterns without conditions: search, negated, answer, and whether no text is known to match."""
        if any(line.word or not isinstance(line.test, re.Pattern) for line in self.lines):
            return None
        return [
            (line.test.search, line.negated, line.answer, self._unknown(number))
            for number, line in enumerate(self.lines)
        ]

    def _unknown(self, number: int) -> bool:
        """Whether a line permits, and no text is known that leads to it."""
        _lines, texts = self._matched.get(number, ([], [""]))
        return not texts and _first(self.lines[number].answer) not in END | GO_ON

    def find(self, key: str, whole: bool) -> set[str | None]:
        found: set[str | None] = set()
        if not whole:
            return {None}
        if self._patterns is not None:
            for search, negated, answer, unknown in self._patterns:
                if (search(key) is not None) != negated:
                    return found | {answer}
                if unknown:
                    found.add(ANY)
            return found | {None}
        inside: list[bool | None] = []
        for number, line in enumerate(self.lines):
            if line.word == "endif":
                inside = inside[:-1]
                continue
            if line.word:
                inside.append(False if False in inside else line.matches(key))
                continue
            here = [*inside, False if False in inside else line.matches(key)]
            if all(here):
                return found | {line.answer}
            # What is permitted by a pattern of which no text is known may be permitted to a stranger.
            perhaps = None in here and False not in here and _first(line.answer) not in END | GO_ON
            if perhaps or self._unknown(number):
                found.add(ANY)
        return found | {None}


def _cidr(text: str, _kind: str) -> Line | None:
    if text[:5].lower() == "endif":
        return Line("endif")
    match = re.match(r"((?i:if)\s+|)(!?)([0-9a-fA-F:.\[\]]+(?:/\d+)?)\s*(.*)", text)
    if match is None:
        return None
    try:
        network = ipaddress.ip_network(match[3].replace("[", "").replace("]", ""), strict=False)
    except ValueError:
        return None
    return Line("if" if match[1] else "", network, bool(match[2]), match[4].strip())


#: What PCRE and POSIX write otherwise than Python.
_SPELLINGS = {
    "alnum": "A-Za-z0-9",
    "alpha": "A-Za-z",
    "blank": " \\t",
    "digit": "0-9",
    "lower": "a-z",
    "punct": "!-/:-@\\[-`{-~",
    "space": "\\s",
    "upper": "A-Z",
    "word": "\\w",
    "xdigit": "0-9A-Fa-f",
}


def _respelled(pattern: str) -> str:
    def other(match: re.Match[str]) -> str:
        if match[1]:
            return _SPELLINGS.get(match[1], match[0])
        return {"\\z": "\\Z", "(?<": "(?P<", "(?i)": ""}.get(match[0], match[0])

    return re.sub(r"\[:(\w+):\]|\\.|\(\?<(?![=!])|\(\?i\)", other, pattern)


def _pattern(text: str, kind: str) -> Line | None:
    if text[:5].lower() == "endif":
        return Line("endif")
    match = re.match(r"((?i:if)\s*|)(!?)([^\sA-Za-z0-9])((?:\\.|(?!\3).)*)\3(\w*)\s*(.*)", text)
    if match is None:
        return None
    # A pattern ignores case unless a flag says otherwise (pcre_table(5), regexp_table(5)).
    flags = 0 if match[5].count("i") % 2 else re.IGNORECASE
    pattern, turned = _respelled(match[4]), match[5].count("x") % 2
    if kind == "pcre":
        flags |= re.VERBOSE if turned else 0
        pattern = rf"\A(?:{pattern})" if "A" in match[5] else pattern
    test = None
    # The flag x of a regexp: table turns the basic syntax on, which Python lacks.
    if kind == "pcre" or not turned:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                test = re.compile(pattern, flags)
            except (re.error, RecursionError, OverflowError):
                test = None
    return Line("if" if match[1] else "", test, bool(match[2]), match[6].strip())


class Joined(Content):
    """``unionmap:`` gives the answers of all tables, ``pipemap:`` hands each answer to the next table as its key."""

    def __init__(self, parts: Sequence[Content], pipe: bool) -> None:
        self.parts, self.pipe = parts, pipe
        self.answers = frozenset({None, FREE}).union(*(part.answers for part in parts))
        asked = parts[:1] if pipe else parts
        self.keys = tuple(key for part in asked for key in part.keys)
        self.addresses = tuple(address for part in asked for address in part.addresses)
        self.witnesses = tuple(witness for part in asked for witness in part.witnesses)

    def find(self, key: str, whole: bool) -> set[str | None]:
        found: set[str | None] = {key} if self.pipe else {None}
        for part in self.parts:
            if self.pipe:
                found = {answer for value in found for answer in self._handed(part, value)}
            else:
                answers = part.find(key, whole)
                found = {",".join(filter(None, pair)) or None for pair in itertools.product(found, answers)}
        return found

    @staticmethod
    def _handed(part: Content, value: str | None) -> set[str | None]:
        if value is None:
            return {None}
        if value != ANY:
            return part.find(value, True)
        # Not known with which key the next table is asked: with one that it has, or with another.
        if isinstance(part, Keyed):
            return {None, part.otherwise, *part.lines.values()}
        return {None, ANY}


def is_the_internet(text: str) -> bool:
    """Whether a network is more than any one site has: no IPv4 network has been larger than a /8 (RFC 790), and
    registries of whole continents have a /12 of the global addresses 2000::/3 (RFC 4291)."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    if isinstance(network, ipaddress.IPv4Network):
        return network.prefixlen < 8
    return network.prefixlen <= 12 and network.overlaps(ipaddress.IPv6Network("2000::/3"))


def content(context: Context, table: str, depth: int = 0) -> Content:
    """The content of a table, where this host can tell it."""
    kind, _unused, name = table.partition(":")
    inside = words(name[1:-1]) if name.startswith("{") and name.endswith("}") else None
    if kind in ("proxy", "debug") and depth < _DEPTH:
        return content(context, name, depth + 1)
    if kind == "static":
        return Keyed({}, name[1:-1].strip() if inside is not None else name)
    if kind == "fail":
        return Keyed({}, "reject")
    if kind in ("unionmap", "pipemap") and inside is not None and depth < _DEPTH:
        return Joined([content(context, inner, depth + 1) for inner in inside], kind == "pipemap")
    if kind == "inline" and inside is not None:
        pairs = [word.strip("{}").partition("=") for word in inside]
        return Keyed({fold(key.strip()): value.strip() for key, _unused, value in pairs if value.strip()})
    if kind in TEXT_TYPES and inside is not None:
        lines = [word[1:-1] if word.startswith("{") and word.endswith("}") else word for word in inside]
        if kind != "texthash":
            return Lined(lines, kind)
        return _keyed("\n".join(line.strip() for line in lines))
    if kind not in (*TEXT_TYPES, *INDEX_SUFFIX):
        return Content()
    source = context.probe.content(context.absolute(name))
    if source is None:
        return Content()
    text = source.decode("utf-8", "replace")
    if kind not in ("cidr", "pcre", "regexp"):
        return _keyed(text)
    try:
        return Lined([line for _number, line in logical_lines(text)], kind)
    except ValueError:
        return Content()


def _keyed(text: str) -> Content:
    try:
        return Keyed({key: value for _number, key, value in records(text)})
    except ValueError:
        return Content()


# ------------------------------------------------------------------------------------ texts that patterns match

#: What a dot and the like stand for, one after the other.
_FILLS = ("x", "a", "0", "-")
#: As many ways to spell a pattern as are tried.
_WAYS = 20
#: As often as a part of a pattern is repeated: a local part has no more characters (RFC 5321, section 4.5.3.1.1).
_REPEATED = 64
#: The parser of the module re, which has no public name.
_PARSER = "re._parser" if sys.version_info >= (3, 11) else "sre_parse"
#: Texts that a pattern may not match.
_PLAIN = ("x@stranger.example", "stranger.example", "203.0.113.77", "a@b.example")


def _texts(lines: Sequence[Line]) -> Iterator[str]:
    """Texts that match the last line and all conditions around it."""
    if any(line.test is None for line in lines):
        return
    spelled = [list(_witnesses(line.test)) for line in lines if not line.negated and isinstance(line.test, re.Pattern)]
    tried: dict[str, None] = {}
    for number in range(max(map(len, spelled), default=0)):
        parts = [texts[number % len(texts)] for texts in spelled if texts]
        for order in itertools.permutations(parts) if len(parts) < 4 else (parts,):
            tried["".join(order).replace("@@", "@")] = None
    if any(line.negated for line in lines):
        tried.update(dict.fromkeys((*(f"{text}{_PLAIN[0]}" for text in tuple(tried)), *_PLAIN)))
    for text in tried:
        if all(line.matches(text) for line in lines):
            yield text


def _witnesses(pattern: re.Pattern[str]) -> Iterator[str]:
    """Texts that a pattern probably matches: of each repetition the fewest, and each choice once."""
    parser = importlib.import_module(_PARSER)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            parsed = parser.parse(pattern.pattern, pattern.flags)
        except (re.error, RecursionError, OverflowError):
            return
    for way in range(_WAYS):
        speller = _Speller(way)
        yield speller.spelled(parsed)
        if way >= speller.choices - 1:
            return


class _Speller:
    """Spells a pattern, of each choice the one numbered ``way``."""

    def __init__(self, way: int) -> None:
        self.way, self.fill, self.choices = way, _FILLS[way % len(_FILLS)], 1
        self.groups: dict[int, str] = {}

    def spelled(self, parts: Any) -> str:
        return "".join(self._one(str(code), argument) for code, argument in parts)

    def _one(self, name: str, argument: Any) -> str:
        if name == "LITERAL":
            return chr(argument)
        if name in ("ANY", "NOT_LITERAL"):
            self.choices = max(self.choices, len(_FILLS))
            return self.fill
        if name == "IN":
            return self._of_a_set(argument)
        if name == "BRANCH":
            self.choices = max(self.choices, len(argument[1]))
            return self.spelled(argument[1][self.way % len(argument[1])])
        if name == "SUBPATTERN":
            text = self.spelled(argument[-1])
            if argument[0] is not None:
                self.groups[argument[0]] = text
            return text
        if name == "GROUPREF":
            return self.groups.get(argument, "")
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            text = self.spelled(argument[2])
            return text * min(int(argument[0]), _REPEATED)
        if name in ("ASSERT", "ASSERT_NOT"):
            # What is asked for may stand here, or be part of what follows.
            self.choices = max(self.choices, len(_FILLS))
            return self.spelled(argument[1]) if name == "ASSERT" and self.way % 2 == 0 else ""
        return self.spelled(argument) if name == "ATOMIC_GROUP" else ""

    def _of_a_set(self, members: Any) -> str:
        kinds = [(str(code), argument) for code, argument in members]
        for text in (self.fill, *_FILLS, "@", ".", " ", "_"):
            if any(_has(code, argument, text) for code, argument in kinds) != (kinds[0][0] == "NEGATE"):
                return text
        code, argument = kinds[0]
        return chr(argument[0] if code == "RANGE" else argument) if code in ("RANGE", "LITERAL") else self.fill


def _has(code: str, argument: Any, text: str) -> bool:
    if code == "LITERAL":
        return bool(ord(text) == argument)
    if code == "RANGE":
        return bool(argument[0] <= ord(text) <= argument[1])
    if code == "CATEGORY":
        category = str(argument)
        spelling = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}[category.rpartition("_")[2]]
        return bool(re.match(spelling, text)) != ("_NOT_" in category)
    return False
