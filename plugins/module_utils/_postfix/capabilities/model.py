# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a capability reads and what it gives: wishes and facts in, a part of the configuration out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._inputs import vocabulary

#: the name of an input, and what is wrong with its value as the rest of a sentence
Problem = tuple[str, str]


@dataclass(frozen=True)
class Facts:
    """What puffy.mail.host_facts says of the Postfix of a host; empty where nobody has looked yet."""

    version: str = ""
    table_types: tuple[str, ...] = ()
    cache_type: str = ""
    tls_library: str = ""

    @classmethod
    def of(cls, postfix: Mapping[str, Any]) -> Facts:
        """The facts ``puffy_mail.postfix``."""
        return cls(
            str(postfix.get("version", "")),
            tuple(postfix.get("table_types", ())),
            str(postfix.get("cache_type", "")),
            str(postfix.get("tls_library", "")),
        )


class Wishes:
    """The inputs of the role by name, in any honest spelling, and what is known of the host.

    KeyError where an input is not there.
    """

    def __init__(self, values: Mapping[str, Any], facts: Facts | None = None) -> None:
        self._values = values
        self.facts = facts or Facts()

    def raw(self, name: str) -> Any:
        """The value as it was given."""
        return self._values[name]

    def yes(self, name: str) -> bool:
        """A boolean; false for null."""
        return not vocabulary.is_unset(self._values[name]) and bool(self._typed(name, {"type": "bool"}))

    def number(self, name: str) -> int:
        """A whole number."""
        return int(self._typed(name, {"type": "int"}))

    def text(self, name: str) -> str:
        """A text; empty for null."""
        value = self._values[name]
        return "" if vocabulary.is_unset(value) else str(value)

    def words(self, name: str) -> list[Any]:
        """A list; empty for null."""
        value = self._values[name]
        return [] if vocabulary.is_unset(value) else list(self._typed(name, {"type": "list"}))

    def mapping(self, name: str) -> dict[str, Any]:
        """A mapping; empty for null."""
        value = self._values[name]
        return {} if vocabulary.is_unset(value) else dict(self._typed(name, {"type": "dict"}))

    def _typed(self, name: str, spec: Mapping[str, str]) -> Any:
        value = self._values[name]
        try:
            return vocabulary.typed(spec, value)
        except ValueError as exc:
            raise ValueError(f"{name} is {vocabulary.shown(value)}. {exc}") from None


@dataclass(frozen=True)
class Table:
    """One table in a file, as the module postmap makes it: ``entries``, or ``content`` as it is.

    Nobody but root may read one that is ``secret``, and no log shows it.
    """

    path: str
    type: str
    entries: Mapping[str, Any] | None = None
    content: str | None = None
    builder: str = "postmap"
    secret: bool = False

    @property
    def name(self) -> str:
        """How main.cf names the table."""
        return f"{self.type}:{self.path}"


@dataclass(frozen=True)
class Part:
    """What one capability adds.

    ``parameters`` of main.cf in the form of the module postconf; ``absent`` are names that must not be in main.cf
    unless another capability sets them; ``services`` are fields by ``name/type``, which are merged with those of other
    capabilities; ``tables`` are files that must be there first; ``inputs`` has the input behind a parameter or service
    where it is not that of the capability.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    absent: Sequence[str] = ()
    services: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tables: Sequence[Table] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Composition:
    """One configuration, in the form of the module postconf. ``inputs`` has the input behind each parameter."""

    parameters: Mapping[str, Any]
    absent: tuple[str, ...]
    services: Mapping[str, Mapping[str, Any]]
    tables: tuple[Table, ...]
    inputs: Mapping[str, str]


def merged(have: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of one service with those of ``over`` laid over them, its options one by one."""
    if {over.get("state", "present"), have.get("state", "present")} != {"present"}:
        return dict(over)
    fields = {**have, **over}
    options, without = over.get("options") or {}, over.get("options_absent") or ()
    if "options" in fields:
        old = {name: value for name, value in (have.get("options") or {}).items() if name not in without}
        fields["options"] = {**old, **options}
    if "options_absent" in fields:
        old_without = [name for name in have.get("options_absent") or () if name not in options]
        fields["options_absent"] = list(dict.fromkeys([*old_without, *without]))
    return fields


def _nothing(_wishes: Wishes) -> Iterable[Problem]:
    return ()


@dataclass(frozen=True)
class Capability:
    """One capability of the role.

    ``part`` gives what it adds. ``problems`` are what it cannot stand beside, each with the reason; they are asked for
    before anything else, without a host. ``input`` is the input that a fault in its part is put down to.
    """

    input: str
    part: Callable[[Wishes], Part]
    problems: Callable[[Wishes], Iterable[Problem]] = _nothing
