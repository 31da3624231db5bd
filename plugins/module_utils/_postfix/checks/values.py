# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of one kind each: booleans, numbers, times, words, and the sizes that must fit each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Callable

from ansible_collections.puffy.mail.plugins.module_utils._postfix import types
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.registry import ERROR, WARNING, Fault, rule
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import Setting, Value, nearest, words

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context

_INTEGER = re.compile(r"[+-]?\d+")
_TIME = re.compile(r"\+?(\d+)(.?)")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
#: What people write for the two words of a boolean.
_BOOLEANS = {"true": "yes", "1": "yes", "on": "yes", "false": "no", "0": "no", "off": "no"}
#: Enumerations whose empty value means "not set".
_MAY_BE_EMPTY = ("_tls_security_level", "_security_level", "_proxy_protocol", "_support_level", "_client_level")


@cache
def of_kind(*kinds: str) -> Callable[[Context], Iterable[Value]]:
    """The subjects of a rule on values of certain kinds (``types.kind``)."""

    def values(context: Context) -> Iterator[Value]:
        return (value for value in context.values if value.kind in kinds)

    return values


def settings(context: Context) -> Iterator[Setting]:
    """The settings whose values Postfix reads as they stand."""
    return (setting for setting in context.settings if setting.name not in types.RAW)


@rule("comment-in-value", WARNING, each=settings)
def comment_in_value(context: Context, setting: Setting) -> Iterator[Fault]:
    """`#` behind a value, which Postfix takes as part of it | a line of its own for the comment | postconf(5)"""
    if "#" in setting.value and re.search(r"\s#\s", setting.value) and setting.name != "smtpd_banner":
        yield Fault(
            setting,
            f"{setting.name} has '#' in its value; Postfix reads '#' as part of the value, not as a comment",
            "put the comment on a line of its own",
        )


@rule("wrong-boolean", ERROR, each=of_kind("boolean"))
def wrong_boolean(context: Context, value: Value) -> Iterator[Fault]:
    """anything but `yes` and `no` | `yes` for true, on, 1; `no` for false, off, 0 | postconf(5)"""
    if value.text.lower() not in ("yes", "no"):
        guess = _BOOLEANS.get(value.text.lower())
        yield Fault(
            value.setting,
            f"{value.name} is yes or no, not {value.text!r}",
            f"{value.name} = {guess}" if guess else f"set {value.name} to yes or no",
        )


@rule("wrong-integer", ERROR, each=of_kind("integer"))
def wrong_integer(context: Context, value: Value) -> Iterator[Fault]:
    """text, a unit, a number larger than its 32 or 64 bits | the number without its unit | postconf(5),
    mail_conf_int.c"""
    if _INTEGER.fullmatch(value.text):
        bits = types.bits(value.name)
        if abs(int(value.text)) >> bits - 1:
            message = f"{value.name} is a number of {bits} bits, and {value.text} does not fit"
            yield Fault(value.setting, message, f"set {value.name} to {(1 << bits - 1) - 1} or less")
        return
    suggestion = f"set {value.name} to a whole number"
    match = re.fullmatch(r"(\d+)\s*([kmg])i?b?", value.text, re.IGNORECASE)
    if match:
        size = int(match[1]) * 1024 ** (" kmg".index(match[2].lower()))
        suggestion = f"{value.name} = {size}"
    yield Fault(value.setting, f"{value.name} is a whole number without a unit, not {value.text!r}", suggestion)


@rule("negative-number", WARNING, each=of_kind("integer"))
def negative_number(context: Context, value: Value) -> Iterator[Fault]:
    """a number below 0 that no program refuses and none has a use for | 0 or more | mail_conf_int.c"""
    low, _high = types.bounds(value.name, context.host.version)
    if value.text.startswith("-") and _INTEGER.fullmatch(value.text) and not low and "dnsbl" not in value.name:
        yield Fault(value.setting, f"{value.name} is less than 0: {value.text}", f"set {value.name} to 0 or more")


def seconds(context: Context, value: Value) -> int | None:
    """A time as Postfix reads it, in seconds; None where it cannot.

    The first letter after the number is the unit, whatever follows it; without one, the unit of the default counts
    (conv_time.c, mail_conf_time.c).
    """
    match = _TIME.match(value.text)
    if match is None:
        return None
    default = context.defaults.get(value.name, "")
    unit = match[2] or (default[-1:] if default[-1:] in _UNITS else "s")
    found = int(match[1]) * _UNITS.get(unit, 0)
    return found if unit in _UNITS and found < 1 << 31 else None


@rule("wrong-time", ERROR, each=of_kind("time"))
def wrong_time(context: Context, value: Value) -> Iterator[Fault]:
    """a time with a blank, an unknown unit, a sign, or more than 68 years | `30s`, with s, m, h, d or w | postconf(5),
    conv_time.c"""
    if seconds(context, value) is None:
        match = re.fullmatch(r"(\d+)\s*(s|m|h|d|w)[a-z]*", value.text, re.IGNORECASE)
        cure = match[1] + match[2].lower() if match else ""
        yield Fault(
            value.setting,
            f"{value.name} is a number with one of the units s, m, h, d, w directly after it, not {value.text!r}",
            f"{value.name} = {cure}" if cure not in ("", value.text) else f"set {value.name} to a time such as 30s",
        )


@rule("cut-time", WARNING, each=of_kind("time"))
def cut_time(context: Context, value: Value) -> Iterator[Fault]:
    """a time with more behind its unit, of which Postfix takes no notice: `1h30m` is one hour | one unit: `90m` |
    conv_time.c"""
    match = _TIME.match(value.text)
    if match and match.end() < len(value.text) and seconds(context, value) is not None:
        message = f"{value.name} is {match[0]} to Postfix: it does not read {value.text[match.end() :]!r} behind that"
        yield Fault(value.setting, message, f"write {value.name} with one unit, such as {match[0]}")


def _bounded(context: Context, value: Value) -> int | None:
    """The number that is held against the bounds: as it stands, in seconds, or the length of a text."""
    if value.kind == "time":
        return seconds(context, value)
    if value.kind == "integer":
        return int(value.text) if _INTEGER.fullmatch(value.text) else None
    return None if value.kind == "boolean" else len(value.text.encode("utf-8", "surrogateescape"))


def bounded(context: Context) -> Iterator[tuple[Value, int, int, int]]:
    """The values with bounds, as a number, and the bounds. An empty default is out of bounds where the parameter has to
    be set once its program runs."""
    for value in context.all_values:
        low, high = types.bounds(value.name, context.host.version)
        if (low or high) and not value.broken and (value.text or context.defaults.get(value.name)):
            number = _bounded(context, value)
            if number is not None:
                yield value, number, low, high


@rule("out-of-bounds", ERROR, each=bounded)
def out_of_bounds(context: Context, found: tuple[Value, int, int, int]) -> Iterator[Fault]:
    """a number, a time or a text that is smaller or larger than the programs take; they do not start | a value within
    the bounds | mail_conf_int.c, mail_conf_time.c, mail_conf_str.c"""
    value, number, low, high = found
    if (not low or low <= number) and (not high or number <= high):
        return
    name, programs = value.name, types.readers(value.name)
    stop = f"{' and '.join(f'{program}(8)' for program in programs[:3]) or 'Postfix'} cannot start"
    limit, word = (low, "least") if low and number < low else (high, "most")
    if value.kind in ("integer", "time"):
        ends = f"{limit}s" if value.kind == "time" else str(limit)
        message = f"{name} = {value.text}: {stop}, because the {word} is {ends}"
        cure = f"set {name} to {ends} or {'more' if word == 'least' else 'less'}"
    elif not number:
        message, cure = f"{name} is empty: {stop} without a value", f"set {name}, or remove the line to get the default"
    else:
        message = f"{name} = {value.text}: {stop}, because at {word} {limit} characters are taken, not {number}"
        cure = f"write {name} with {limit} characters"
    yield Fault(value.setting, message, cure)


@rule("wrong-enumeration", ERROR, each=of_kind("enumeration", "enumeration_list"))
def wrong_enumeration(context: Context, value: Value) -> Iterator[Fault]:
    """a word that the parameter does not know, or a capital letter where case counts | the nearest word | postconf(5),
    name_mask.c"""
    known = types.enumeration(value.name, context.host.version)
    if not known:
        return
    many = value.kind == "enumeration_list"
    for word in words(value.text) if many else [value.text]:
        if types.folded(value.name, word) in known or (not word and value.name.endswith(_MAY_BE_EMPTY)):
            continue
        guess = nearest(word.lower(), known)
        yield Fault(
            value.setting,
            f"{value.name} takes {'the words' if many else 'one of'} {', '.join(known)}, not {word!r}",
            f"did you mean {guess}?" if guess else f"use one of {', '.join(known)}",
        )


@rule("wrong-compatibility-level", ERROR, each=of_kind("compatibility_level"))
def wrong_compatibility_level(context: Context, value: Value) -> Iterator[Fault]:
    """a level that is not written like a release, with which no program starts | the level of this Postfix |
    postconf(5), tried on 3.5, 3.10 and 3.11"""
    # A level above the release is taken. Postfix 3.5 reads the number at the start.
    version = context.host.version
    form = r"\d+(\.\d+){0,2}" if version >= (3, 6) else r"[+-]?0*\d{1,9}(\..*)?"
    if not re.fullmatch(form, value.text):
        cure = f"{version[0]}.{version[1]}" if version >= (3, 6) else "2"
        message = f"compatibility_level is a Postfix release such as {cure}, not {value.text!r}"
        yield Fault(value.setting, message, f"compatibility_level = {cure}")


@dataclass(frozen=True)
class MailboxLimit:
    """The largest mailbox of a delivery agent that this configuration runs, in bytes (0: no limit)."""

    name: str
    program: str
    box: int
    message: int


def mailbox_limits(context: Context) -> Iterator[MailboxLimit]:
    """The limits of local(8) and virtual(8), where they have domains and a transport, and both sizes are numbers."""
    message = context.value("message_size_limit")
    for name, program, domains in (
        ("mailbox_size_limit", "local", "mydestination"),
        ("virtual_mailbox_limit", "virtual", "virtual_mailbox_domains"),
    ):
        box = context.value(name)
        agents = {service.name for service in context.services if service.command == program}
        transport = context.value(f"{program}_transport").partition(":")[0]
        if transport in agents and context.value(domains) and message.isdigit() and box.isdigit():
            yield MailboxLimit(name, program, int(box), int(message))


@rule("size-limits", ERROR, each=mailbox_limits)
def size_limits(context: Context, limit: MailboxLimit) -> Iterator[Fault]:
    """a mailbox limit below `message_size_limit`, with which local(8) or virtual(8) does not start | 0, or at least the
    message size | local(8), virtual(8)"""
    setting = context.setting_of(limit.name) or context.setting_of("message_size_limit")
    if setting is None or limit.box == 0 or 0 < limit.message <= limit.box:
        return
    cure = f"set {limit.name} to 0 (no limit)"
    yield Fault(
        setting,
        f"{limit.name} ({limit.box}) is smaller than message_size_limit ({limit.message}), so {limit.program}(8) does"
        " not start",
        f"{cure} or {limit.message}" if limit.message else cure,
    )
