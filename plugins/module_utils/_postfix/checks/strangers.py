# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stranger gets through lists of restrictions, found by evaluating them as smtpd_check.c does.

A stranger is a client outside of mynetworks and without a login that asks for a recipient in a domain that is not of
this host. Such a client chooses its HELO name or says none, its sender, the local part of the recipient and domains of
its own, and shows a certificate that it made itself.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Callable

from ansible_collections.puffy.mail.plugins.module_utils._postfix import types
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.contents import (
    ANY,
    END,
    FREE,
    GO_ON,
    Content,
    content,
)
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.lookups import TABLE_SHAPE
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.match_lists import SAMPLES, MatchList
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import words

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.master_cf import Service

OK, DUNNO, REJECT = "ok", "dunno", "reject"
#: An answer with which smtpd(8) refuses, warn_if_reject or not.
BROKEN = "\2"
_WORDS = frozenset({OK, DUNNO, REJECT, BROKEN, ANY, FREE})
#: What permits a client of this site.
_TRUSTED = frozenset({"permit_mynetworks", "permit_inet_interfaces"})
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
#: What is not known yet when a list is evaluated with smtpd_delay_reject = no.
_LATER: dict[str, dict[str, Any]] = {
    "smtpd_client_restrictions": {"helo": None, "sender": None, "recipient": None, "certificate": None},
    "smtpd_helo_restrictions": {"sender": None, "recipient": None},
    "smtpd_sender_restrictions": {"recipient": None},
}
_DOMAIN = "stranger.example"
_STOPS = frozenset({"reject", "defer", "defer_if_permit"})
#: These stop a recipient, where there is one.
_STOPS_RELAYING = frozenset({"reject_unauth_destination", "defer_unauth_destination", "check_relay_domains"})
#: What the key of a lookup is. Of other tables (`_a_`, `_mx_`, `_ns_` and reverse names) Postfix takes no permission.
_KEYED_BY = {
    "check_client_access": "client",
    "check_helo_access": "helo",
    "check_sender_access": "sender",
    "check_recipient_access": "recipient",
    "check_ccert_access": "certificate",
}
#: What permits by the certificate of the client.
CERTIFICATES = ("check_ccert_access", "permit_tls_clientcerts", "permit_tls_all_clientcerts")
#: The fingerprint of a certificate that nobody has heard of.
_FINGERPRINT = ":".join(f"{number * 37 % 256:02X}" for number in range(1, 33))
#: Where systems keep the authorities of the Internet, which certify everybody.
_PUBLIC_AUTHORITIES = frozenset(
    {
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/pki/tls/cert.pem",
        "/etc/pki/tls/certs",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
        "/etc/ssl/certs",
        "/etc/ssl/certs/ca-certificates.crt",
        "/usr/local/share/certs/ca-root-nss.crt",
    }
)
#: As many nested lists as smtpd follows.
_DEPTH = 100
#: As many sessions as are tried.
_SESSIONS = 20000
_TOO_MANY = "more tables than can be tried"


@dataclass(frozen=True)
class Stranger:
    """What one client says and is; None: it does not say it, or not yet."""

    client: tuple[str, str]
    helo: str | None
    sender: str | None
    recipient: str | None
    certificate: str | None = None


@dataclass(frozen=True)
class Hole:
    """How a stranger gets through: the restriction that permits (empty where nothing stops anybody), and who asks."""

    restriction: str
    who: Stranger

    def described(self) -> str:
        """What in the session the restriction looks at."""
        name = self.restriction.partition(" ")[0]
        client, address = self.who.client
        if name in CERTIFICATES:
            return " for a client with a certificate of its own"
        return {
            "client": f" for the client {client}[{address}]",
            "helo": f" for the HELO name {self.who.helo}",
            "sender": f" for the sender <{self.who.sender}>",
            "recipient": f" for the recipient <{self.who.recipient}>",
        }.get(_KEYED_BY.get(name, ""), "")


# ----------------------------------------------------------------------------------------- what a stranger can say


Forms = Callable[[str], Iterator[str]]


def _tried(tables: Sequence[Content], forms: Forms, more: Forms | None = None) -> Iterator[str]:
    """What is worth a try: the forms of each key, and those forms, and more, of a text that their pattern matches."""
    for table in tables:
        for key in table.keys:
            yield from forms(key)
        for text, matches in table.witnesses:
            yield from filter(matches, itertools.chain(forms(text), more(text) if more else ()))


def _senders(tables: Sequence[Content]) -> Iterator[str]:
    yield f"x@{_DOMAIN}"
    yield ""
    yield from _tried(tables, _sender_forms)


def _sender_forms(text: str) -> Iterator[str]:
    if text.endswith("@"):
        yield text + _DOMAIN
    elif text != "<>":
        yield text if "@" in text[1:] else f"x{text}" if text.startswith("@") else f"x@{text.lstrip('.')}"
        yield f"x@x.{text.lstrip('.')}"
        yield f"{text}@{_DOMAIN}"


def _helos(tables: Sequence[Content]) -> Iterator[str]:
    yield _DOMAIN
    yield from _tried(tables, _helo_forms)


def _helo_forms(text: str) -> Iterator[str]:
    # smtpd makes question marks of these (NEUTER_CHARACTERS).
    if text and not re.search(r'[\s<>()\\";@]', text):
        yield text
        yield f"x{text}" if text.startswith(".") else f"{text}.{_DOMAIN}"


def _recipients(tables: Sequence[Content]) -> Iterator[str]:
    yield f"x@{_DOMAIN}"
    yield from _tried(tables, _recipient_forms, _own_domains)


def _recipient_forms(text: str) -> Iterator[str]:
    # An explicit foreign domain is a wish, as in relay_domains. A local part alone, or a top-level domain, is not.
    if text.partition("@")[0]:
        yield f"{text.partition('@')[0]}@{_DOMAIN}"
    if re.fullmatch(r"[A-Za-z0-9-]+", text):
        yield f"x@stranger.{text}"


def _own_domains(text: str) -> Iterator[str]:
    """Recipients in domains of the stranger's own that begin or end like the one that is meant."""
    local, _at, domain = text.rpartition("@")
    local = local or "x"
    if domain.strip("."):
        yield f"{local}@{domain.strip('.')}.{_DOMAIN}"
        if not domain.startswith("."):
            yield f"{local}@stranger{domain}"


def _clients(tables: Sequence[Content]) -> Iterator[tuple[str, str]]:
    # A stranger can have any name below a domain of its own, but none below another's.
    stranger = "203.0.113.77"
    yield f"mail.{_DOMAIN}", stranger
    yield "unknown", stranger
    for name in _tried(tables, _client_forms, _own_names):
        yield name, stranger
    if any(table.witnesses for table in tables):
        for address in SAMPLES[::9]:
            yield f"mail.{_DOMAIN}", address
    for table in tables:
        for address in table.addresses:
            yield f"mail.{_DOMAIN}", address


def _client_forms(text: str) -> Iterator[str]:
    yield f"{'x' if text.startswith('.') else ''}{text}.{_DOMAIN}"
    if "." not in text:
        yield f"mail.stranger.{text}"


def _own_names(text: str) -> Iterator[str]:
    if not text.startswith("."):
        yield f"stranger{text}"


def _certificates(tables: Sequence[Content]) -> Iterator[str]:
    # A stranger cannot have the fingerprint of another's certificate.
    del tables
    yield _FINGERPRINT


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


def _fingerprint_keys(fingerprint: str, parents: bool) -> Iterator[tuple[str, bool]]:
    del parents
    yield fingerprint, True


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
    "certificate": (_certificates, _fingerprint_keys),
}

#: What can come of a list or a restriction, each with the restriction that decides.
Outcomes = dict[str, str]


def _judged(answer: str | None) -> str:
    """An answer of a table as one of _WORDS, or a list of restrictions (check_table_result in smtpd_check.c)."""
    if answer is None:
        return DUNNO
    if answer in (ANY, FREE):
        return answer
    word = answer.split(None, 1)[0].lower() if answer.strip() else "ok"
    if word in END or re.match(r"[45]\d\d\s+\S", answer):
        return REJECT
    if word in GO_ON:
        return DUNNO
    if word in ("ok", "relay") or answer.isdigit():
        return OK
    # A table inside of a table is an error of the server, which refuses.
    return BROKEN if ":" in answer else answer


class Evaluation:
    """The lists of one service, for a client that wants to relay. ``trusted`` says that it has an address of
    mynetworks; ``own`` that it asks for a recipient in a domain of this host instead."""

    def __init__(self, context: Context, service: Service, *, trusted: bool = False, own: bool = False) -> None:
        self.context, self.service = context, service
        self.permits = {"permit"} | (_TRUSTED if trusted else set()) | ({"permit_auth_destination"} if own else set())
        self.stops = _STOPS if own else _STOPS | _STOPS_RELAYING
        self.classes = {name.lower(): name for name in context.classes(service)}
        self.lists = {name: words(context.value(name, service)) for name in LISTS}
        self.guess = False
        self._contents: dict[str, Content] = {}
        self._nested: dict[tuple[tuple[str, ...], str, bool], Outcomes] = {}
        self._parents = self._has_parents("smtpd_access_maps")
        self._delayed = context.is_yes("smtpd_delay_reject", service)
        self._helo_required = context.is_yes("smtpd_helo_required", service)

    def _has_parents(self, name: str) -> bool:
        return name in words(self.context.value("parent_domain_matches_subdomains", self.service))

    def hole(self, names: Iterable[str] = tuple(LISTS), *, guess: bool = False) -> Hole | None:
        """How a stranger gets through the lists ``names``; None where none does. ``guess`` says whether what cannot be
        read may permit."""
        self.guess = guess
        names = tuple(names)
        # Most lists let nobody through whatever the tables answer.
        if self._through(names, None) is None:
            return None
        tables: dict[str, list[Content]] = {part: [] for part in _PARTS}
        for name in names:
            for restriction, argument in self._tables(self.lists[name], LISTS[name], set()):
                if restriction in _KEYED_BY:
                    tables[_KEYED_BY[restriction]].append(self._content(argument))
        choices = [self._few(part, tables[part]) for part in _PARTS]
        sessions = itertools.product(*choices)
        for chosen in itertools.islice(sessions, _SESSIONS):
            who = Stranger(*chosen)
            permitted = self._through(names, who)
            if permitted is not None:
                return Hole(permitted, who)
        if guess and next(sessions, None) is not None:
            return Hole(_TOO_MANY, Stranger(*(few[0] for few in choices)))
        return None

    def _through(self, names: Sequence[str], who: Stranger | None) -> str | None:
        """What permits a stranger (None: any of them) in the lists; an empty text where nothing stops anybody."""
        permitted = ""
        for name in names:
            here = who
            if name == "smtpd_helo_restrictions" and (not self._helo_required if who is None else who.helo is None):
                continue
            if who is not None and not self._delayed:
                here = replace(who, **_LATER.get(name, {}))
            self._nested = {}
            early = not self._delayed and name in _LATER
            outcomes = self._outcomes(self.lists[name], LISTS[name], here, early)
            if OK not in outcomes and DUNNO not in outcomes:
                return None
            if name in LAST:
                permitted = outcomes.get(OK) or permitted
        return permitted

    def _few(self, part: str, tables: Sequence[Content]) -> list[Any]:
        """What may be tried for one part; of those to which all tables answer the same, the first."""
        tried, keys = _PARTS[part]
        found: dict[Any, Any] = {}
        if part == "certificate" and not self._asked_for_certificates:
            return [None]
        for candidate in tried(tables):
            answers = tuple(frozenset(map(_judged, _answer(table, keys(candidate, self._parents)))) for table in tables)
            found.setdefault(answers, candidate)
        few = list(found.values())
        if part == "certificate" or (
            part == "helo" and not self._helo_required and (tables or self.lists["smtpd_helo_restrictions"])
        ):
            few.append(None)
        return few

    @cached_property
    def _asked_for_certificates(self) -> bool:
        return any(self.context.is_yes(f"smtpd_tls_{name}_ccert", self.service) for name in ("ask", "req"))

    @cached_property
    def _certificates(self) -> frozenset[str]:
        """The restrictions that permit whoever has a certificate."""
        found = set()
        tables = words(self.context.value("relay_clientcerts", self.service))
        if any(self._content(table).find(_FINGERPRINT, True) - {None, ANY} for table in tables):
            found |= {"permit_tls_clientcerts", "permit_tls_all_clientcerts"}
        trusted = [self.context.value(f"smtpd_tls_CA{name}", self.service) for name in ("file", "path")]
        # tls_certkey.c: the system's authorities are added to others only.
        everybody = any(trusted) and self.context.is_yes("tls_append_default_CA", self.service)
        if everybody or any(path.rstrip("/") in _PUBLIC_AUTHORITIES for path in trusted):
            found.add("permit_tls_all_clientcerts")
        return frozenset(found)

    def _tables(self, restrictions: Sequence[str], bare: str, seen: set[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        """The tables of a list, those of its classes and of the lists in tables included."""
        for restriction, argument in _parted(restrictions, bare):
            if (restriction, argument) in seen:
                continue
            if types.RESTRICTIONS.get(restriction) == types.TABLE:
                seen.add((restriction, argument))
                yield restriction, argument
                for answer in {_judged(answer) for answer in self._content(argument).answers} - _WORDS:
                    yield from self._tables(words(answer), bare, seen)
            elif restriction in self.classes:
                seen.add((restriction, argument))
                yield from self._tables(self._class(restriction), bare, seen)

    def _class(self, name: str) -> list[str]:
        return words(self.context.value(self.classes[name], self.service))

    def _content(self, table: str) -> Content:
        if table not in self._contents:
            # {type:name, {search_order = …}}
            inside = words(table[1:-1]) if table.startswith("{") else []
            self._contents[table] = content(self.context, inside[0] if inside else table)
        return self._contents[table]

    def _outcomes(
        self,
        restrictions: Sequence[str],
        bare: str,
        who: Stranger | None,
        early: bool,
        warned: bool = False,
        depth: int = 0,
    ) -> Outcomes:
        """What can come of a list for one stranger. ``warned`` says that warn_if_reject stands before the list."""
        found: Outcomes = {}
        once = False
        for restriction, argument in _parted(restrictions, bare):
            if restriction == "warn_if_reject":
                once = True
                continue
            each = self._one(restriction, argument, bare, who, early, warned or once, depth)
            once = False
            for outcome in (OK, REJECT):
                if outcome in each:
                    found.setdefault(outcome, each[outcome])
            if DUNNO not in each:
                return found
        found[DUNNO] = ""
        return found

    def _one(
        self, restriction: str, argument: str, bare: str, who: Stranger | None, early: bool, warned: bool, depth: int
    ) -> Outcomes:
        shown = f"{restriction} {argument}".strip()
        if restriction in self.permits:
            return {OK: shown}
        if restriction in self.stops and not (early and restriction in _STOPS_RELAYING):
            return {DUNNO: ""} if warned else {REJECT: shown}
        if restriction == "permit_naked_ip_address" and self.context.host.version < (3, 9):
            return {OK: shown}
        if restriction == "permit_mx_backup" and self._any_backup:
            # A stranger can name this host as the MX of a domain.
            return {OK: shown, DUNNO: ""} if self.guess else {DUNNO: ""}
        if restriction == "check_policy_service":
            return self._of({ANY}, shown, bare, who, early, warned, depth)
        if restriction in _KEYED_BY:
            return self._of(self._asked(restriction, argument, who), shown, bare, who, early, warned, depth)
        if restriction in CERTIFICATES and restriction in self._certificates and self._asked_for_certificates:
            if who is None:
                return {OK: shown, DUNNO: ""}
            return {OK: shown} if who.certificate else {DUNNO: ""}
        if restriction in self.classes:
            return self._inside(self._class(restriction), bare, who, early, warned, depth)
        return {DUNNO: ""}

    @cached_property
    def _any_backup(self) -> bool:
        networks = self.context.value("permit_mx_backup_networks", self.service)
        return not networks or MatchList(self.context, networks).has_everyone()

    def _asked(self, restriction: str, argument: str, who: Stranger | None) -> Iterable[str | None]:
        """What a table can answer for one stranger, or for any."""
        part, table = _KEYED_BY[restriction], self._content(argument)
        if who is None:
            return {None, *table.answers}
        said = getattr(who, part)
        if said is None:
            return {None}
        answers = _answer(table, _PARTS[part][1](said, self._parents))
        if part in ("client", "certificate"):
            # Whom an unreadable table of clients permits, it permits by name; a stranger is not in it.
            return {None if answer == ANY else answer for answer in answers}
        return answers

    def _inside(
        self, restrictions: Sequence[str], bare: str, who: Stranger | None, early: bool, warned: bool, depth: int
    ) -> Outcomes:
        """What can come of a list inside of another. A list that goes round in a circle says nothing."""
        key = (tuple(restrictions), bare, warned)
        if key not in self._nested:
            self._nested[key] = {DUNNO: ""}
            if depth < _DEPTH:
                self._nested[key] = self._outcomes(restrictions, bare, who, early, warned, depth + 1)
        return self._nested[key]

    def _of(
        self,
        answers: Iterable[str | None],
        shown: str,
        bare: str,
        who: Stranger | None,
        early: bool,
        warned: bool,
        depth: int,
    ) -> Outcomes:
        found: Outcomes = {}
        for answer in set(map(_judged, answers)):
            if answer == FREE:
                found.update({OK: shown, DUNNO: "", REJECT: shown})
            elif answer == ANY:
                found.update({OK: shown, DUNNO: ""} if self.guess else {DUNNO: ""})
            elif answer == BROKEN:
                found[REJECT] = shown
            elif answer == REJECT:
                found.update({DUNNO: ""} if warned else {REJECT: shown})
            elif answer in (OK, DUNNO):
                found[answer] = shown if answer == OK else ""
            else:
                inner = self._inside(words(answer), bare, who, early, warned, depth)
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
