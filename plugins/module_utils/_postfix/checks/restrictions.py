# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of restrictions: each word, and the argument that some of them take."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.puffy.mail.plugins.module_utils._postfix import types
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.lookups import TABLE_SHAPE
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.networks import is_reply_filter
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.registry import ERROR, WARNING, Fault, rule
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import Setting, nearest, words

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context

#: How a table and a policy server begin.
_PLAIN = {types.TABLE: TABLE_SHAPE, types.POLICY: re.compile(r"(inet|local|unix):\S")}
#: What stands after a restriction, in words, as an example, and as an example with all that may belong to it.
_ARGUMENTS = {
    types.TABLE: ("a lookup table", "type:name", "{ type:name, search_order=cert_fingerprint }"),
    types.DOMAIN: ("the domain of a DNS list", "zen.example.org", "zen.example.org=127.0.0.[2..11]"),
    types.POLICY: ("a policy server", "unix:private/policy", "{ unix:private/policy, timeout=10s }"),
    types.NUMBER: ("a number of seconds", "1", "1"),
}
_TIME = (re.compile(r"\+?0*[1-9]\d*([smhdw].*|)"), "a time such as 10s")
_TEXT = (re.compile(r".+"), "a text")
#: The attributes of a policy server, each with its form (smtpd_check.c, attr_override.c).
_POLICY_ATTRIBUTES = {
    "default_action": _TEXT,
    "max_idle": _TIME,
    "max_ttl": _TIME,
    "policy_context": _TEXT,
    "request_limit": (re.compile(r"\+?\d+"), "a number"),
    "retry_delay": _TIME,
    "timeout": _TIME,
    "try_limit": (re.compile(r"\+?0*[1-9]\d*"), "a number, 1 or more"),
}
#: What check_ccert_access can search for.
_SEARCHES = ("cert_fingerprint", "pubkey_fingerprint", "issuer_cn", "subject_cn")
#: Lists at a stage of the session where a bare table has nothing to check (NO_DEF_ACL of smtpd_check.c).
_NO_BARE_TABLE = ("smtpd_data_restrictions", "smtpd_end_of_data_restrictions")


@dataclass(frozen=True)
class Restriction:
    """One word of a list of restrictions.

    ``argument`` is the kind of argument it takes, ``follow`` the word after it, ``problem`` what is wrong with that;
    ``before`` is the word in front of it and ``classes`` the restriction classes of its place.
    """

    setting: Setting
    word: str
    before: str | None
    classes: Collection[str]
    argument: str | None = None
    follow: str | None = None
    problem: str | None = None

    @property
    def name(self) -> str:
        """The word as Postfix compares it."""
        return self.word.lower()

    @property
    def is_table(self) -> bool:
        """Whether a lookup table stands where a restriction could."""
        return not self.known and bool(TABLE_SHAPE.match(self.word))

    @property
    def known(self) -> bool:
        """Whether it is a restriction or a restriction class."""
        return self.name in types.RESTRICTIONS or self.name in self.classes

    @property
    def policy_server(self) -> str | None:
        """The server of ``check_policy_service``, where it is written rightly."""
        return self.follow if self.argument == types.POLICY and self.problem is None else None


def restrictions(context: Context) -> Iterator[Restriction]:
    """The words of every list of restrictions: by its type, or as a restriction class."""
    lowered: dict[int, frozenset[str]] = {}
    for value in context.values:
        own = context.classes(value.setting.service)
        if value.kind == "restrictions" or value.name in own:
            if id(own) not in lowered:
                lowered[id(own)] = frozenset(own.values())
            yield from _restrictions(value.setting, context.own_words(value.setting), lowered[id(own)])


def _restrictions(setting: Setting, written: list[str], classes: Collection[str]) -> Iterator[Restriction]:
    index = 0
    while index < len(written):
        word, before = written[index], written[index - 1] if index else None
        index += 1
        argument = types.RESTRICTIONS.get(word.lower())
        if argument is None:
            yield Restriction(setting, word, before, classes)
            continue
        follow = written[index] if index < len(written) else None
        problem = _argument_problem(word.lower(), argument, follow, classes)
        if problem is None and follow is not None:
            problem = _detail_problem(argument, follow)
        yield Restriction(setting, word, before, classes, argument, follow, problem)
        if follow is not None and follow.lower() not in types.RESTRICTIONS and follow.lower() not in classes:
            index += 1


def _argument_problem(name: str, argument: str, follow: str | None, classes: Collection[str]) -> str | None:
    if follow is None:
        return "but the list ends there"
    if follow.lower() in types.RESTRICTIONS or follow.lower() in classes:
        return f"but {follow!r} follows"
    right = {
        # check_ccert_access { type:table, { search_order = … } }: Postfix 3.5 and later (postconf(5)).
        types.TABLE: bool(TABLE_SHAPE.match(follow)) or (name == "check_ccert_access" and follow[0] == "{"),
        types.DOMAIN: bool(re.match(r"[\w-]+(\.[\w-]+)*\.?(=\S+)?$", follow)) and "." in follow,
        types.POLICY: bool(_PLAIN[types.POLICY].match(follow)) or follow[0] == "{",
        types.NUMBER: bool(re.fullmatch(r"[0-9]+", follow)),
    }[argument]
    return None if right else f"not {follow!r}"


def _detail_problem(argument: str, follow: str) -> str | None:
    """What is wrong with what belongs to an argument: the filter of a DNS list, the attributes in braces."""
    if argument == types.DOMAIN:
        _domain, equals, filtered = follow.partition("=")
        if equals and not is_reply_filter(filtered):
            return f"with a filter such as 127.0.0.2 or 127.0.0.[2;4..11], not {filtered!r}"
        return None
    if not follow.startswith("{"):
        return None
    first, *attributes = words(follow[1:-1]) or [""]
    if not follow.endswith("}") or not re.match(_PLAIN[argument], first):
        return f"not {first!r}"
    for attribute in attributes:
        name, equals, text = (part.strip() for part in attribute.strip("{}").partition("="))
        if not equals or not name:
            return f"with attributes written name=value, not {attribute!r}"
        problem = _policy_problem(name, text) if argument == types.POLICY else _search_problem(name, text)
        if problem is not None:
            return problem
    return None


def _policy_problem(name: str, text: str) -> str | None:
    if name not in _POLICY_ATTRIBUTES:
        return f"with attributes out of {', '.join(_POLICY_ATTRIBUTES)}, not {name!r}"
    form, said = _POLICY_ATTRIBUTES[name]
    return None if form.fullmatch(text) else f"with a {name} that is {said}, not {text!r}"


def _search_problem(name: str, text: str) -> str | None:
    if name.lower() != "search_order":
        return f"with no attribute but search_order, not {name!r}"
    wrong = next((word for word in words(text) if word.lower() not in _SEARCHES), None)
    return None if wrong is None else f"with a search_order out of {', '.join(_SEARCHES)}, not {wrong!r}"


def undefined_classes(context: Context) -> Iterator[tuple[Setting, str]]:
    """The restriction classes that have no value, each with the list that names it."""
    for service in (None, *context.services):
        setting = context.setting_of("smtpd_restriction_classes", service)
        if setting is not None and setting.service is service:
            for name in context.classes(service):
                if context.lookup(name, service) is None:
                    yield setting, name


@rule("undefined-restriction-class", ERROR, each=undefined_classes)
def undefined_restriction_class(context: Context, found: tuple[Setting, str]) -> Iterator[Fault]:
    """a class without a value | set the class, or remove it | postconf(5), `smtpd_restriction_classes`"""
    setting, name = found
    yield Fault(
        setting,
        f"the restriction class {name!r} has no value",
        f"set {name} to a list of restrictions, or remove {name} from smtpd_restriction_classes",
    )


@rule("deprecated-restriction", WARNING, each=restrictions)
def deprecated_restriction(context: Context, restriction: Restriction) -> Iterator[Fault]:
    """a restriction that will be removed | its successor | DEPRECATION_README"""
    old = types.DEPRECATED_RESTRICTIONS.get(restriction.name)
    if old is not None and context.host.version >= old[0] and restriction.name not in _REMOVED:
        message = f"{restriction.setting.name}: {restriction.name} is deprecated since Postfix {types.shown(old[0])}"
        yield Fault(restriction.setting, message, f"use {old[1]}")


#: Those of the deprecated restrictions that smtpd(8) has no longer, seen on 3.10 and 3.11.
_REMOVED = frozenset({"check_relay_domains", "permit_naked_ip_address", "reject_maps_rbl"})


@rule("removed-restriction", ERROR, each=restrictions)
def removed_restriction(context: Context, restriction: Restriction) -> Iterator[Fault]:
    """a restriction that this Postfix has no longer, so that smtpd(8) answers 451 | its successor |
    DEPRECATION_README, smtpd_check.c"""
    old = types.DEPRECATED_RESTRICTIONS.get(restriction.name)
    if old is not None and context.host.version >= old[0] and restriction.name in _REMOVED:
        message = f"{restriction.setting.name}: {restriction.name} is removed since Postfix {types.shown(old[0])}"
        yield Fault(restriction.setting, f"{message}, so smtpd(8) answers 451", f"use {old[1]}")


def _hint(restriction: Restriction) -> tuple[str, bool]:
    """What to write instead of an unknown word, and whether it is close to a restriction."""
    guess = nearest(restriction.name, (*types.RESTRICTIONS, *restriction.classes))
    return (f"did you mean {guess}?", True) if guess else (f"remove {restriction.word}", False)


def _takes_none(word: str | None) -> bool:
    return word is not None and types.RESTRICTIONS.get(word.lower(), "") is None


@rule("unknown-restriction", ERROR, each=restrictions)
def unknown_restriction(context: Context, restriction: Restriction) -> Iterator[Fault]:
    """a word in a list of restrictions, or in a restriction class, that is not a restriction | the nearest restriction
    | postconf(5), smtpd_check.c"""
    if restriction.known or restriction.is_table:
        return
    hint, near = _hint(restriction)
    if near or not _takes_none(restriction.before):
        message = f"{restriction.setting.name}: there is no restriction {restriction.word!r}"
        yield Fault(restriction.setting, message, hint)


@rule("restriction-argument", ERROR, each=restrictions)
def restriction_argument(context: Context, restriction: Restriction) -> Iterator[Fault]:
    """a missing table, domain, server or number; a filter of a DNS list that is not an address with ranges; an unknown
    or wrong attribute of a policy server or of `check_ccert_access`; an argument where none belongs; a bare table at
    DATA | the form of the restriction | postconf(5), smtpd_check.c, ip_match.c"""
    setting, word = restriction.setting, restriction.word
    if restriction.argument is not None:
        if restriction.problem is not None:
            what, plain, whole = _ARGUMENTS[restriction.argument]
            example = whole if restriction.problem.startswith("with ") else plain
            yield Fault(
                setting,
                f"{setting.name}: {restriction.name} needs {what} after it, {restriction.problem}",
                f"write {restriction.name} {example}",
            )
    elif restriction.is_table:
        if setting.name in _NO_BARE_TABLE:
            yield Fault(
                setting,
                f"{setting.name}: the table {word!r} needs a check_…_access before it at this stage of a session",
                f"write check_recipient_access {word}, or another check_…_access",
            )
    elif not restriction.known and _takes_none(restriction.before):
        hint, near = _hint(restriction)
        if not near:
            message = f"{setting.name}: {restriction.before} takes no argument, but {word!r} follows it"
            yield Fault(setting, message, hint)
