# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stranger gets through lists of restrictions, found by evaluating them as smtpd_check.c does.

A stranger is a client outside of mynetworks, without a login and without a certificate, that asks for a recipient in a
domain that is not of this host. Such a client chooses its HELO name, its sender and the local part of the recipient.
"""

from __future__ import annotations

import contextlib
import ipaddress
import itertools
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.puffy.mail.plugins.module_utils._postfix import types
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.lookups import TABLE_SHAPE
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import words
from ansible_collections.puffy.mail.plugins.module_utils._tables.kinds import INDEX_SUFFIX, TEXT_TYPES
from ansible_collections.puffy.mail.plugins.module_utils._tables.lookup_table import fold, logical_lines, records

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.master_cf import Service

OK, DUNNO, REJECT = "ok", "dunno", "reject"
#: The answer of a table whose content cannot be read.
ANY = "\0"
#: The lists in their order, each with the restriction that a bare table in it stands for. The last two must stop the
#: stranger; the others may.
LISTS = {
    "smtpd_client_restrictions": "check_client_access",
    "smtpd_helo_restrictions": "check_helo_access",
    "smtpd_sender_restrictions": "check_sender_access",
    "smtpd_relay_restrictions": "check_recipient_access",
    "smtpd_recipient_restrictions": "check_recipient_access",
}
#: The lists one of which must stop a stranger who wants to relay; without any, smtpd(8) does not serve at all.
LAST = ("smtpd_relay_restrictions", "smtpd_recipient_restrictions")
_DOMAIN = "stranger.example"
_STOPS = frozenset(
    {"reject", "defer", "defer_if_permit", "reject_unauth_destination", "defer_unauth_destination"}
    | {"check_relay_domains"}
)
#: What the key of a lookup is. Of other tables (`_a_`, `_mx_`, `_ns_` and reverse names) Postfix takes no permission.
_KEYED_BY = {
    "check_client_access": "client",
    "check_helo_access": "helo",
    "check_sender_access": "sender",
    "check_recipient_access": "recipient",
}
#: Actions of access(5) after which the next restriction is asked.
_GO_ON = frozenset(
    {"dunno", "warn", "info", "filter", "hold", "delay", "redirect", "bcc", "prepend", "defer_if_reject"}
)
#: DISCARD permits and throws the message away, so that nothing is relayed.
_END = frozenset({"reject", "defer", "hangup", "discard", "defer_if_permit"})
#: As many nested lists as smtpd follows.
_DEPTH = 100


@dataclass(frozen=True)
class Stranger:
    """What one client says and is."""

    client: tuple[str, str]
    helo: str
    sender: str
    recipient: str


@dataclass(frozen=True)
class Hole:
    """How a stranger gets through: the restriction that permits (empty where nothing stops anybody), and who asks."""

    restriction: str
    who: Stranger

    def described(self) -> str:
        """What in the session the restriction looks at."""
        keyed = _KEYED_BY.get(self.restriction.partition(" ")[0], "")
        name, address = self.who.client
        return {
            "client": f" for the client {name}[{address}]",
            "helo": f" for the HELO name {self.who.helo}",
            "sender": f" for the sender <{self.who.sender}>",
            "recipient": f" for the recipient <{self.who.recipient}>",
        }.get(keyed, "")


# ------------------------------------------------------------------------------------------------- the tables


class Content:
    """The content of a table. This one answers with anything."""

    #: keys under which an answer stands, and an address of each network that is wider than a site's
    keys: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    patterns: tuple[re.Pattern[str], ...] = ()

    def find(self, key: str, whole: bool) -> set[str | None]:
        """The possible answers to a key; None: not found. ``whole`` is false for the parts of an address or name."""
        del key, whole
        return {ANY}


class Keyed(Content):
    """Lines with a key and a value; without lines, ``static:`` and ``fail:``."""

    def __init__(self, lines: Mapping[str, str], otherwise: str | None = None) -> None:
        self.lines, self.otherwise = lines, otherwise
        # Only answers that do not stop the stranger are worth a try.
        self.keys = tuple(key for key, value in lines.items() if value.split(None, 1)[0].lower() not in _END | _GO_ON)

    def find(self, key: str, whole: bool) -> set[str | None]:
        del whole
        return {self.lines.get(fold(key), self.otherwise)}


class Lined(Content):
    """``pcre:``, ``regexp:`` and ``cidr:``: the first line that matches the whole key."""

    def __init__(self, lines: Iterable[str], kind: str) -> None:
        self.rules = [rule for rule in map(self._cidr if kind == "cidr" else self._pattern, lines) if rule]
        self.patterns = tuple(test for _word, test, _no, _answer in self.rules if isinstance(test, re.Pattern))
        nets = [
            test for _word, test, _no, _answer in self.rules if not isinstance(test, re.Pattern) and test is not None
        ]
        self.addresses = tuple(str(net[1]) for net in nets if _wide(net))

    @staticmethod
    def _cidr(line: str) -> tuple[str, Any, bool, str] | None:
        text = line.strip()
        if text.lower().startswith("endif"):
            return "endif", None, False, ""
        match = re.match(r"(if\s+|)(!?)([0-9a-fA-F:.\[\]]+(?:/\d+)?)\s*(.*)", text)
        if match is None:
            return None
        with contextlib.suppress(ValueError):
            network = ipaddress.ip_network(match[3].replace("[", "").replace("]", ""), strict=False)
            return match[1].strip(), network, bool(match[2]), match[4].strip()
        return None

    @staticmethod
    def _pattern(line: str) -> tuple[str, Any, bool, str] | None:
        text = line.strip()
        if text.lower().startswith("endif"):
            return "endif", None, False, ""
        match = re.match(r"(if\s+|)(!?)([^\sA-Za-z0-9])((?:\\.|(?!\3).)*)\3(\w*)\s*(.*)", text)
        if match is None:
            return None
        # A pattern ignores case unless a flag says otherwise (pcre_table(5), regexp_table(5)).
        flags = 0 if match[5].count("i") % 2 else re.IGNORECASE
        with contextlib.suppress(re.error), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return match[1].strip(), re.compile(match[4], flags), bool(match[2]), match[6].strip()
        return None

    def find(self, key: str, whole: bool) -> set[str | None]:
        inside: list[bool] = []
        for word, test, negated, answer in self.rules if whole else ():
            if word == "endif":
                inside = inside[:-1]
                continue
            matches = self._matches(test, key) != negated
            if word:
                inside.append(matches)
            elif matches and all(inside):
                return {answer}
        return {None}

    @staticmethod
    def _matches(test: Any, key: str) -> bool:
        if isinstance(test, re.Pattern):
            return test.search(key) is not None
        try:
            return ipaddress.ip_address(key) in test
        except ValueError:
            return False


class Joined(Content):
    """``unionmap:`` gives the answers of all tables, ``pipemap:`` hands each answer to the next table as its key."""

    def __init__(self, parts: Sequence[Content], pipe: bool) -> None:
        self.parts, self.pipe = parts, pipe
        asked = parts[:1] if pipe else parts
        self.keys = tuple(key for part in asked for key in part.keys)
        self.addresses = tuple(address for part in asked for address in part.addresses)
        self.patterns = tuple(pattern for part in asked for pattern in part.patterns)

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


def _wide(network: Any) -> bool:
    """Whether a network is more than any one site has (see networks.py)."""
    return bool(network.prefixlen < (8 if network.version == 4 else 13))


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
        return Lined([word.strip("{}") for word in inside], kind)
    if kind not in (*TEXT_TYPES, *INDEX_SUFFIX):
        return Content()
    source = context.probe.content(context.absolute(name))
    if source is None:
        return Content()
    text = source.decode("utf-8", "replace")
    try:
        if kind in ("cidr", "pcre", "regexp"):
            return Lined([line for _number, line in logical_lines(text)], kind)
        return Keyed({key: value for _number, key, value in records(text)})
    except ValueError:
        return Content()


# ----------------------------------------------------------------------------------------- what a stranger can say


def _witness(pattern: re.Pattern[str]) -> str:
    """A text that a pattern probably matches: of each choice the first, of each repetition the fewest."""
    with warnings.catch_warnings():
        # Python 3.11 has the parser as re._parser.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            from re import _parser as parser  # type: ignore[attr-defined]
        except ImportError:
            import sre_parse as parser
    return _spelled(parser.parse(pattern.pattern))


def _spelled(parts: Any) -> str:
    text = ""
    for code, argument in parts:
        name = str(code)
        if name == "LITERAL":
            text += chr(argument)
        elif name in ("ANY", "NOT_LITERAL", "CATEGORY"):
            text += "x"
        elif name == "IN":
            text += _spelled(argument[:1]) if str(argument[0][0]) != "NEGATE" else "x"
        elif name == "RANGE":
            text += chr(argument[0])
        elif name == "BRANCH":
            text += _spelled(argument[1][0])
        elif name == "SUBPATTERN":
            text += _spelled(argument[-1])
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            text += _spelled(argument[2]) * min(int(argument[0]), 8)
    return text


def _texts(tables: Sequence[Content]) -> Iterator[str]:
    for table in tables:
        yield from table.keys
        for pattern in table.patterns:
            with contextlib.suppress(re.error, RecursionError, OverflowError):
                yield _witness(pattern)


def _senders(tables: Sequence[Content]) -> Iterator[str]:
    yield f"x@{_DOMAIN}"
    yield ""
    for text in _texts(tables):
        if text.endswith("@"):
            yield text + _DOMAIN
        elif text != "<>":
            yield text if "@" in text[1:] else f"x{text}" if text.startswith("@") else f"x@{text.lstrip('.')}"
            yield f"x@x.{text.lstrip('.')}"
            yield f"{text}@{_DOMAIN}"


def _helos(tables: Sequence[Content]) -> Iterator[str]:
    yield _DOMAIN
    for text in _texts(tables):
        # smtpd makes question marks of these (NEUTER_CHARACTERS).
        if not re.search(r'[\s<>()\\";@]', text):
            yield text
            yield f"x{text}" if text.startswith(".") else f"{text}.{_DOMAIN}"


def _recipients(tables: Sequence[Content]) -> Iterator[str]:
    # An explicit foreign domain is a wish, as in relay_domains. A local part alone, or a top-level domain, is not.
    yield f"x@{_DOMAIN}"
    for text in _texts(tables):
        local = text.partition("@")[0]
        if local and "." not in local:
            yield f"{local}@{_DOMAIN}"
        if re.fullmatch(r"[A-Za-z0-9-]+", text):
            yield f"x@stranger.{text}"


def _clients(tables: Sequence[Content]) -> Iterator[tuple[str, str]]:
    # A stranger can have any name below a domain of its own, but none below another's.
    stranger = "203.0.113.77"
    yield f"mail.{_DOMAIN}", stranger
    yield "unknown", stranger
    for text in _texts(tables):
        yield f"{text}.{_DOMAIN}", stranger
        if "." not in text:
            yield f"mail.stranger.{text}", stranger
    for table in tables:
        for address in table.addresses:
            yield f"mail.{_DOMAIN}", address


# ---------------------------------------------------------------------------------------------------- the lists


def _domain_keys(name: str, parents: bool, whole: bool = True) -> Iterator[tuple[str, bool]]:
    numerical = name.replace(".", "").isdigit()
    while name:
        yield name, whole
        _first, dot, rest = name[1:].partition(".")
        # Without parents, subdomains are looked up as ".example.com" (postconf(5), parent_domain_matches_subdomains).
        whole, name = False, "" if numerical else rest if parents else dot + rest


def _client_keys(client: tuple[str, str], parents: bool) -> Iterator[tuple[str, bool]]:
    name, address = client
    yield from _domain_keys(name, parents)
    whole, separator = True, ":" if ":" in address else "."
    while address:
        yield address, whole
        whole, address = False, address.rpartition(separator)[0]


def _address_keys(address: str, parents: bool) -> Iterator[tuple[str, bool]]:
    if not address:
        yield "<>", True
        return
    local, _at, domain = address.rpartition("@")
    yield address, True
    yield from _domain_keys(domain, parents, False)
    yield f"{local}@", False


def _answer(table: Content, keys: Iterable[tuple[str, bool]]) -> set[str | None]:
    """The possible answers to the first key that has one."""
    found: set[str | None] = set()
    for key, whole in keys:
        answers = table.find(key, whole)
        found |= answers - {None}
        if None not in answers:
            return found
    return found | {None}


#: What may be tried for each part of a session, and the keys under which a table is asked for it.
_PARTS: Mapping[str, tuple[Any, Any]] = {
    "client": (_clients, _client_keys),
    "helo": (_helos, _domain_keys),
    "sender": (_senders, _address_keys),
    "recipient": (_recipients, _address_keys),
}

#: What can come of a list or a restriction, each with the restriction that decides.
Outcomes = dict[str, str]


class Evaluation:
    """The lists of one service. ``guess`` says whether what cannot be read may permit."""

    def __init__(self, context: Context, service: Service) -> None:
        self.context, self.service = context, service
        self.classes = {name.lower(): name for name in context.classes(service)}
        self.lists = {name: words(context.value(name, service)) for name in LISTS}
        self.guess = False
        self._contents: dict[str, Content] = {}
        self._parents = "smtpd_access_maps" in words(context.value("parent_domain_matches_subdomains", service))

    def hole(self, names: Iterable[str] = tuple(LISTS), *, guess: bool = False) -> Hole | None:
        """How a stranger gets through the lists ``names``; None where none does."""
        self.guess = guess
        tables: dict[str, list[Content]] = {part: [] for part in _PARTS}
        for name in names:
            for restriction, argument in self._tables(self.lists[name], LISTS[name], 0):
                if restriction in _KEYED_BY:
                    tables[_KEYED_BY[restriction]].append(self._content(argument))
        choices = [self._few(part, tables[part]) for part in _PARTS]
        for chosen in itertools.islice(itertools.product(*choices), 20000):
            who, permitted = Stranger(*chosen), ""
            for name in names:
                outcomes = self.outcomes(self.lists[name], LISTS[name], who)
                if OK not in outcomes and DUNNO not in outcomes:
                    break
                if name in LAST:
                    permitted = outcomes.get(OK) or permitted
            else:
                return Hole(permitted, who)
        return None

    def _few(self, part: str, tables: Sequence[Content]) -> list[Any]:
        """What may be tried for one part; of those to which all tables answer the same, the first."""
        tried, keys = _PARTS[part]
        found: dict[Any, Any] = {}
        for candidate in tried(tables):
            answers = tuple(frozenset(_answer(table, keys(candidate, self._parents))) for table in tables)
            found.setdefault(answers, candidate)
        return list(found.values())

    def _tables(self, restrictions: Sequence[str], bare: str, depth: int) -> Iterator[tuple[str, str]]:
        for restriction, argument in _parted(restrictions, bare):
            if types.RESTRICTIONS.get(restriction) == types.TABLE:
                yield restriction, argument
            elif restriction in self.classes and depth < _DEPTH:
                inner = words(self.context.value(self.classes[restriction], self.service))
                yield from self._tables(inner, bare, depth + 1)

    def _content(self, table: str) -> Content:
        if table not in self._contents:
            self._contents[table] = content(self.context, table)
        return self._contents[table]

    def outcomes(self, restrictions: Sequence[str], bare: str, who: Stranger, depth: int = 0) -> Outcomes:
        """What can come of a list for one stranger."""
        found: Outcomes = {}
        warned = False
        for restriction, argument in _parted(restrictions, bare):
            if restriction == "warn_if_reject":
                warned = True
                continue
            each = self._one(restriction, argument, bare, who, depth)
            if warned and REJECT in each:
                each = {**{key: text for key, text in each.items() if key != REJECT}, DUNNO: ""}
            warned = False
            for outcome in (OK, REJECT):
                if outcome in each:
                    found.setdefault(outcome, each[outcome])
            if DUNNO not in each:
                return found
        found[DUNNO] = ""
        return found

    def _one(self, restriction: str, argument: str, bare: str, who: Stranger, depth: int) -> Outcomes:
        shown = f"{restriction} {argument}".strip()
        if restriction == "permit":
            return {OK: shown}
        if restriction in _STOPS:
            return {REJECT: shown}
        if restriction == "permit_naked_ip_address" and self.context.host.version < (3, 9):
            return {OK: shown}
        if restriction == "permit_mx_backup" and not self.context.value("permit_mx_backup_networks", self.service):
            # A stranger can name this host as the MX of a domain.
            return {OK: shown, DUNNO: ""} if self.guess else {DUNNO: ""}
        if restriction == "check_policy_service":
            return self._of({ANY}, shown, bare, who, depth)
        if restriction in _KEYED_BY:
            keyed = _KEYED_BY[restriction]
            keys = _PARTS[keyed][1](getattr(who, keyed), self._parents)
            answers = _answer(self._content(argument), keys)
            if keyed == "client":
                # Whom an unreadable table of clients permits, it permits by name; a stranger is not in it.
                answers = {None if answer == ANY else answer for answer in answers}
            return self._of(answers, shown, bare, who, depth)
        if restriction in self.classes and depth < _DEPTH:
            inner = words(self.context.value(self.classes[restriction], self.service))
            return self.outcomes(inner, bare, who, depth + 1)
        return {DUNNO: ""}

    def _of(self, answers: set[str | None], shown: str, bare: str, who: Stranger, depth: int) -> Outcomes:
        found: Outcomes = {}
        for answer in answers:
            if answer is None:
                found[DUNNO] = ""
                continue
            if answer == ANY:
                found.update({OK: shown, DUNNO: ""} if self.guess else {DUNNO: ""})
                continue
            word = answer.split(None, 1)[0].lower() if answer.strip() else "ok"
            if word in _END or re.match(r"[45]\d\d\s+\S", answer):
                found[REJECT] = shown
            elif word in _GO_ON:
                found[DUNNO] = ""
            elif word in ("ok", "relay") or answer.isdigit():
                found[OK] = shown
            elif depth < _DEPTH:
                inner = self.outcomes(words(answer), bare, who, depth + 1)
                found.update({key: shown if key == OK else text for key, text in inner.items()})
        return found


def _parted(restrictions: Sequence[str], bare: str) -> Iterator[tuple[str, str]]:
    """Each restriction of a list with its argument, or an empty text."""
    rest = iter(restrictions)
    for word in rest:
        name = word.lower()
        if types.RESTRICTIONS.get(name) is not None:
            yield name, next(rest, "")
        elif name not in types.RESTRICTIONS and TABLE_SHAPE.match(word):
            yield bare, word
        else:
            yield name, ""
