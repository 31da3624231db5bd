# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges the inputs of a role or playbook by their specification and by a table of rules. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._inputs import vocabulary
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import Form, listed, shown

#: the options of an argument specification, by name
Spec = Mapping[str, Mapping[str, Any]]
#: the name of an input, and what is wrong with its value as the rest of a sentence
Problem = tuple[str, str]
#: a rule over several inputs. An input that is missing or wrong is not in the mapping: KeyError ends the rule.
Several = Callable[[Mapping[str, Any]], Iterable[Problem]]


@dataclass(frozen=True)
class Table:
    """What a role accepts beyond the types: one form for each input, and rules over several inputs."""

    forms: Mapping[str, Form]
    several: tuple[Several, ...] = ()
    #: whether the values are read with the types that ``judge`` gives them. Where variables are read as they are, lists
    #: and mappings cannot be text, and null or an empty text would not be the default.
    by_type: bool = False


#: what rules over several inputs may ask for, beside the inputs
INVENTORY_HOSTS, PLAY_HOSTS = "(inventory hosts)", "(play hosts)"


#: ansible-core 2.19 to 2.21 give the texts of AWX a type: '0123' becomes 83, '12:30' becomes 750, 'yes' becomes true.
#: What the text was cannot be told afterwards.
RETYPED = "not text: Ansible may have made it of a text such as '0123'"
_OF_TEXT = ("str", "path", "list")


def typed_value(spec: Mapping[str, Any], form: Form, value: Any) -> Any:
    """``value`` with the type of ``spec``; ValueError says what is wrong with it, as the rest of a sentence."""
    if spec.get("no_log") and not isinstance(value, (str, list, dict)):
        raise ValueError(
            f"is {RETYPED}. Put the value in quotes, or take the value from a file or an environment variable."
        )
    if spec.get("type", "str") in _OF_TEXT and not isinstance(value, (str, list, tuple, dict)):
        cure = f" Use {listed(spec['choices'])}." if "choices" in spec else ""
        raise ValueError(f"is {shown(value)}, {RETYPED}. Put the value in quotes, in the inventory.{cure}")
    try:
        result = vocabulary.typed(spec, value)
    except vocabulary.BadEntry as exc:
        raise ValueError(form(value) or f"has the entry {shown(exc.entry)}. {exc}") from None
    except ValueError as exc:
        raise ValueError(form(value) or f"is {shown(value)}. {exc}") from None
    problem = form(result)
    if problem is not None:
        raise ValueError(problem)
    return result


def is_unset(spec: Mapping[str, Any], form: Form, value: Any) -> bool:
    """Whether ``value`` leaves the default in force: null, or blank text where the input cannot be empty."""
    if not vocabulary.is_unset(value):
        return False
    return value is None or spec.get("type", "str") not in ("str", "path") or form("") is not None


def judge(
    spec: Spec,
    table: Table,
    values: Mapping[str, Any],
    defaults: Mapping[str, Any],
    inventory: Mapping[str, Any] | None = None,
) -> tuple[dict[str, Any], list[Problem]]:
    """The inputs with their types, and what is wrong with the others.

    ``values`` has what was given, ``defaults`` what holds otherwise. An input that is in neither is not judged, unless
    it is required. ``inventory`` has INVENTORY_HOSTS and PLAY_HOSTS.
    """
    good: dict[str, Any] = {}
    found: list[Problem] = []
    for name, option in spec.items():
        form = table.forms[name]
        value = values.get(name)
        if name in values and not table.by_type:
            problem = _unreadable(option, form, value, can_be_empty=name in defaults and not defaults[name])
            if problem is not None:
                found.append((name, _without_secret(option, value, problem)))
                continue
        if is_unset(option, form, value):
            value = defaults.get(name)
            if vocabulary.is_unset(value):
                if option.get("required"):
                    found.append((name, "is not set. Set it: it has no default."))
                elif name in defaults:
                    good[name] = "" if value is None else value
                continue
        try:
            good[name] = typed_value(option, form, value)
        except ValueError as exc:
            found.append((name, _without_secret(option, value, str(exc))))
    context = {**good, **(inventory or {})}
    for rule in table.several:
        try:
            for told in rule(context):
                found.append(told)
        except KeyError as exc:
            # A rule that asks for what no input is called is a fault of the rule.
            if exc.args[0] not in table.forms and exc.args[0] not in (INVENTORY_HOSTS, PLAY_HOSTS):
                raise
    return good, found


def _unreadable(option: Mapping[str, Any], form: Form, value: Any, *, can_be_empty: bool) -> str | None:
    """What keeps a value from being read as it is."""
    kind = option.get("type", "str")
    if is_unset(option, form, value):
        # The roles read a truth value that is empty as false.
        if option.get("required") or (can_be_empty and kind in ("str", "path", "bool")):
            return None
        return f"is {shown(value)}. Set a value, or remove the variable."
    if isinstance(value, str) and kind in ("list", "dict"):
        return form(value) or f"is {shown(value)}, which is text. Use a {'list' if kind == 'list' else 'mapping'}."
    return None


def _without_secret(option: Mapping[str, Any], value: Any, problem: str) -> str:
    """The sentence, unless it shows a value that must not be shown."""
    if not option.get("no_log") or shown(value) not in problem:
        return problem
    _what, _dot, cure = problem.rpartition(". ") if ". " in problem else ("", "", "")
    return f"has a value of the wrong form. {cure}".rstrip()
