# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of parameters: which this Postfix knows, and which are on their way out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.puffy.mail.plugins.module_utils._postfix import types
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.registry import ERROR, WARNING, Fault, rule
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import (
    Setting,
    references,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context

#: What Postfix sets itself.
_READ_ONLY = ("process_id", "process_name")


@dataclass(frozen=True)
class Name:
    """A name in use. ``known`` are the names that this Postfix has, ``old`` tells of a name on its way out."""

    setting: Setting
    known: Collection[str]
    old: types.Deprecation | None
    newer: str | None = None

    @property
    def unknown(self) -> bool:
        """Whether no release has the name."""
        return self.setting.name not in self.known and self.old is None and self.newer is None

    @property
    def advice(self) -> str:
        """What to do with an old name."""
        if self.old is not None and self.old.successor:
            return f"set {self.old.successor} instead"
        return f"remove {self.setting.name} and keep the default"


def entries(context: Context) -> Iterator[tuple[Setting, Setting]]:
    """Each setting of main.cf that is repeated, with the next one of its name."""
    seen: dict[str, Setting] = {}
    for entry in context.entries:
        if entry.name in seen:
            yield seen[entry.name], entry
        seen[entry.name] = entry


def names(context: Context) -> Iterator[Name]:
    """The names in use. Those that configure a table in main.cf itself are the table's own."""
    known, sources = known_names(context), _table_sources(context)
    version = context.host.version
    for setting in context.settings:
        name = setting.name
        if name.startswith(sources):
            continue
        old = types.DEPRECATED.get(name)
        old = old if old is not None and version >= old.version else None
        absent = name not in known and name not in _READ_ONLY and not types.exists(name, version)
        yield Name(setting, known, old, types.since(name) if absent else None)


def known_names(context: Context) -> set[str]:
    """What postconf(1) takes for known: built in, named after a service, or used by another value."""
    present = {service.name for service in context.services}
    known = {*_READ_ONLY, *context.derived, *context.default_references}
    for name, default in context.host.defaults.items():
        service = types.service_base(name)
        if service is None or service in present or not default.startswith("$"):
            known.add(name)
    for setting in (*context.entries, *context.options):
        known.update(references(setting.value))
    for service_ in (None, *context.services):
        known.update(context.classes(service_))
    return known


def _table_sources(context: Context) -> tuple[str, ...]:
    """Prefixes of the old way to configure a table in main.cf itself: ``ldap:source`` reads ``source_server_host``
    (ldap_table(5), "backwards compatibility")."""
    found = set()
    for setting in (*context.entries, *context.options):
        for match in re.finditer(r"\b(?:ldap|mysql|pgsql|sqlite|memcache|mongodb):(\w+)", setting.value):
            found.add(match[1] + "_")
    return tuple(found)


@rule("duplicate-parameter", WARNING, each=entries)
def duplicate_parameter(context: Context, pair: tuple[Setting, Setting]) -> Iterator[Fault]:
    """the same parameter with two values in main.cf, or after `-o` of one service | keep one | postconf(5)"""
    earlier, later = pair
    if earlier.value == later.value:
        return
    yield Fault(
        earlier,
        f"{later.name} is set here and again on line {later.line}; Postfix uses the later one",
        f"keep one of lines {earlier.line} and {later.line}",
    )


@rule("read-only-parameter", ERROR, each=names)
def read_only_parameter(context: Context, name: Name) -> Iterator[Fault]:
    """`process_id` or `process_name` set | remove it | postconf(5)"""
    text = name.setting.name
    if text in _READ_ONLY:
        yield Fault(name.setting, f"{text} is set by Postfix itself and cannot be set here", f"remove {text}")


@rule("deprecated-parameter", WARNING, each=names)
def deprecated_parameter(context: Context, name: Name) -> Iterator[Fault]:
    """a parameter that will be removed | its successor | DEPRECATION_README"""
    if name.old is not None and name.setting.name in name.known:
        message = f"{name.setting.name} is deprecated since Postfix {types.shown(name.old.version)}"
        yield Fault(name.setting, message, name.advice)


@rule("removed-parameter", ERROR, each=names)
def removed_parameter(context: Context, name: Name) -> Iterator[Fault]:
    """a parameter that has been removed | its successor | DEPRECATION_README"""
    if name.old is not None and name.setting.name not in name.known:
        message = f"{name.setting.name} was removed from Postfix {types.shown(context.host.version)}"
        yield Fault(name.setting, message, name.advice)


@rule("parameter-not-in-version", ERROR, each=names)
def parameter_not_in_version(context: Context, name: Name) -> Iterator[Fault]:
    """a parameter of a later Postfix | remove it, or a newer Postfix | postconf(5)"""
    if name.newer is not None and name.old is None:
        text, release = name.setting.name, types.shown(context.host.version)
        yield Fault(
            name.setting,
            f"{text} is not in Postfix {release}, but in Postfix {name.newer}",
            f"remove {text}, or install Postfix {name.newer}",
        )


def _unknown(context: Context, name: Name) -> Fault:
    text = name.setting.name
    guess = context.guess(text, name.known)
    return Fault(
        name.setting,
        f"Postfix {types.shown(context.host.version)} has no parameter {text!r}, and no other value uses it as ${text}",
        f"did you mean {guess}?" if guess else f"remove {text}",
    )


@rule("unknown-parameter", ERROR, each=names)
def unknown_parameter(context: Context, name: Name) -> Iterator[Fault]:
    """a name in main.cf that this Postfix does not have, that belongs to no service, and that no value uses as `$name`
    or restriction class | the nearest known name | postconf(1)"""
    if name.unknown and name.setting.service is None:
        yield _unknown(context, name)


@rule("unknown-option", ERROR, each=names)
def unknown_option(context: Context, name: Name) -> Iterator[Fault]:
    """the same after `-o` in master.cf | the nearest known name | postconf(1)"""
    if name.unknown and name.setting.service is not None:
        yield _unknown(context, name)
