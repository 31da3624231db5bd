# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of TLS protocols."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.puffy.mail.plugins.module_utils._postfix import types
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.registry import ERROR, Fault, rule
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import Setting, nearest

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context

#: Protocol names as Postfix knows them (tls_misc.c), oldest first; case does not matter.
_PROTOCOLS = {name.lower(): name for name in ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")}
_ORDER = tuple(_PROTOCOLS.values())
_BOUNDS = (">=", "<=")


@dataclass(frozen=True)
class Protocols:
    """A list of protocols, each with its operator: ``!``, ``>=``, ``<=`` or none."""

    setting: Setting
    words: tuple[tuple[str, str], ...]


def protocols(context: Context) -> Iterator[Protocols]:
    """The lists of protocols."""
    for value in context.values:
        if value.kind == "tls_protocols":
            found = (re.fullmatch(r"(!|>=|<=)?(.*)", word) for word in re.split(r"[\s,:]+", value.text) if word)
            yield Protocols(value.setting, tuple((match[1] or "", match[2]) for match in found if match))


def _excluding(operator: str, name: str) -> str:
    """The list of exclusions that says the same as ``>=TLSv1.2``, for Postfix before 3.6."""
    at = _ORDER.index(_PROTOCOLS.get(name.lower(), "TLSv1.2"))
    gone = _ORDER[:at] if operator == ">=" else _ORDER[at + 1 :]
    return ", ".join(f"!{protocol}" for protocol in gone)


def _fault(context: Context, protocols: Protocols) -> Fault | None:
    """The first word that this Postfix cannot read."""
    setting, version = protocols.setting, context.host.version
    for operator, name in protocols.words:
        if operator in _BOUNDS and version < (3, 6):
            return Fault(
                setting,
                f"{setting.name}: '{operator}{name}' is syntax of Postfix 3.6 and later;"
                f" Postfix {types.shown(version)} does not know it",
                f"{setting.name} = {_excluding(operator, name)}",
            )
        number = operator in _BOUNDS and re.fullmatch(r"(0x)?[0-9a-fA-F]+", name)
        if name.lower() not in _PROTOCOLS and not number:
            guess = nearest(name, _ORDER)
            return Fault(
                setting,
                f"{setting.name}: there is no TLS protocol {name!r}",
                f"did you mean {operator}{guess}?" if guess else f"use {', '.join(_ORDER)}",
            )
    return None


@rule("wrong-tls-protocols", ERROR, each=protocols)
def wrong_tls_protocols(context: Context, protocols: Protocols) -> Iterator[Fault]:
    """a protocol that does not exist; `>=TLSv1.2` before Postfix 3.6 | the nearest name; a list of exclusions |
    postconf(5)"""
    fault = _fault(context, protocols)
    if fault is not None:
        yield fault


@rule("tls13-disabled", ERROR, each=protocols)
def tls13_disabled(context: Context, protocols: Protocols) -> Iterator[Fault]:
    """a list that names protocols and leaves TLSv1.3 out, and so switches it off | `>=TLSv1.2`; before 3.6 a list of
    exclusions | postconf(5), tls_misc.c"""
    setting = protocols.setting
    named = [
        _PROTOCOLS[name.lower()] for operator, name in protocols.words if not operator and name.lower() in _PROTOCOLS
    ]
    mentioned = {name.lower() for operator, name in protocols.words if operator in ("", "!")}
    ranged = any(operator in _BOUNDS for operator, _name in protocols.words)
    if named and not ranged and "tlsv1.3" not in mentioned and _fault(context, protocols) is None:
        lowest = min(named, key=_ORDER.index)
        cure = f">={lowest}" if context.host.version >= (3, 6) else _excluding(">=", lowest)
        yield Fault(
            setting,
            f"{setting.name} names {', '.join(named)}, which excludes all other protocols, also TLSv1.3",
            f"{setting.name} = {cure}",
        )
