# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of the rules: what a rule is, what it finds, and how a module of rules adds one.

A rule judges one subject at a time: a setting, a value, a table, a service. ``each`` is the function that gives the
subjects of a configuration; rules that share it see each subject in turn.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, TypeVar

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import Place

ERROR, WARNING = "error", "warning"


class NotKnown(Exception):
    """Raised by a probe that cannot say what a rule asks: the rule then says nothing of its subject."""


Subject = TypeVar("Subject")
Stream = Callable[["Context"], Iterable[Any]]
Judge = Callable[["Context", Any], Iterator["Fault"]]
#: The functions that give subjects, each with the rules that judge them.
Plan = list[tuple[Stream, list[tuple[str, Judge]]]]


@dataclass(frozen=True)
class Fault:
    """What a rule found: where it stands, what is wrong (one sentence), and what cures it."""

    place: Place
    message: str
    suggestion: str


@dataclass(frozen=True)
class Finding:
    """One fault: where it is (``line`` counts from 1; 0 where there is no line), the parameter or service it is
    about, what is wrong, and what cures it."""

    severity: str
    rule: str
    file: str
    line: int
    name: str
    message: str
    suggestion: str

    def __str__(self) -> str:
        return f"{self.file} line {self.line}: {self.message} ({self.suggestion})"


@dataclass(frozen=True)
class Rule:
    """One check. ``group`` is the name of the module that defines it, ``row`` what docs/checks.md says of it: what it
    finds, the cure, the source."""

    name: str
    severity: str
    group: str
    row: tuple[str, ...]

    def also(
        self, *, each: Callable[[Context], Iterable[Subject]]
    ) -> Callable[[Callable[[Context, Subject], Iterator[Fault]]], Rule]:
        """Decorate a function that finds the same fault in other subjects."""

        def register(judge: Callable[[Context, Subject], Iterator[Fault]]) -> Rule:
            _JUDGES.append((_group(judge), each, self.name, judge))
            return self

        return register


#: Every rule by its id.
RULES: dict[str, Rule] = {}

# group, the function that gives the subjects, rule id, the function that judges one
_JUDGES: list[tuple[str, Stream, str, Judge]] = []


def rule(
    name: str, severity: str, *, each: Callable[[Context], Iterable[Subject]]
) -> Callable[[Callable[[Context, Subject], Iterator[Fault]]], Rule]:
    """Decorate a function as the rule ``name``, which judges each subject that ``each`` gives.

    Its docstring is the row of docs/checks.md: what the rule finds, the cure, the source, with `` | `` between them.
    ValueError for an id that is taken.
    """

    def register(judge: Callable[[Context, Subject], Iterator[Fault]]) -> Rule:
        if name in RULES:
            raise ValueError(f"there are two rules {name!r}")
        row = tuple(" ".join((judge.__doc__ or "").split()).split(" | "))
        made = RULES[name] = Rule(name, severity, _group(judge), row)
        return made.also(each=each)(judge)

    return register


def _group(judge: Callable[..., Any]) -> str:
    return judge.__module__.rpartition(".")[2]


def plan(groups: Sequence[str]) -> Plan:
    """The rules of ``groups`` in the order in which they judge: by group, then by the place in the source."""
    found: dict[Stream, list[tuple[str, Judge]]] = {}
    wanted = [entry for entry in _JUDGES if entry[0] in groups]
    for _module, each, name, function in sorted(wanted, key=lambda entry: groups.index(entry[0])):
        found.setdefault(each, []).append((name, function))
    return list(found.items())


def _known(subjects: Iterable[Any]) -> Iterator[Any]:
    with contextlib.suppress(NotKnown):
        yield from subjects


def judge(context: Context, order: Plan) -> Iterator[tuple[Rule, Fault]]:
    """Judge a configuration: each rule with each fault that it finds."""
    for each, judges in order:
        for subject in _known(each(context)):
            for name, function in judges:
                try:
                    for fault in function(context, subject):
                        yield RULES[name], fault
                except NotKnown:
                    continue
