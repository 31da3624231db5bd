# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The free form: postfix_parameters, postfix_absent and postfix_services, laid over what the capabilities come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._postfix import plan, types
from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities import postscreen
from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Composition,
    Problem,
    Table,
    Wishes,
    merged,
)

#: where the role keeps the fingerprints of the clients (__postfix_relay_table_file)
CLIENTS = "/etc/postfix/relay_clientcerts"


def problems(wishes: Wishes, composed: Composition) -> Iterable[Problem]:
    """What cannot be laid over."""
    both = wishes.mapping("postfix_parameters").keys() & set(wishes.words("postfix_absent"))
    for name in sorted(both):
        yield "postfix_absent", f"has {name!r}, and postfix_parameters sets {name}. Remove one of the two."
    yield from _table_problems(wishes, composed)
    for key, fields in wishes.mapping("postfix_services").items():
        own = composed.services.get(key, {})
        # Whoever gives the command defines a service of their own.
        if own.get("state", "present") != "present" and not {"state", "command"} & set(fields or {}):
            name = composed.inputs[key]
            yield (
                "postfix_services",
                f"has {key!r}, and {name} removes the service {key}. {_cure(wishes, name, key)}, or remove {key!r}.",
            )


def _cure(wishes: Wishes, name: str, key: str) -> str:
    """What brings back the service that the input removes."""
    if name == "postfix_submissions_name":
        return f"Use the key '{wishes.text(name)}/inet'"
    if name == "postfix_policy_commands":
        return f"Add {key.partition('/')[0]} to postfix_policy_commands"
    return f"Set {name}: true"


def tables(wishes: Wishes) -> list[tuple[Table, str]]:
    """The tables of postfix_tables, each with the parameter that names it, or an empty text."""
    return [
        (
            Table(
                given["path"],
                given.get("type") or "texthash",
                given.get("entries"),
                given.get("content"),
                given.get("builder") or "postmap",
            ),
            given.get("parameter") or "",
        )
        for given in wishes.words("postfix_tables")
    ]


def _table_problems(wishes: Wishes, composed: Composition) -> Iterable[Problem]:
    own = wishes.mapping("postfix_parameters")
    # The table of client certificates is written by a task of its own.
    paths = {table.path for table in composed.tables} | ({CLIENTS} if wishes.words("postfix_relay_clients") else set())
    for table, parameter in tables(wishes):
        if table.path in paths:
            yield "postfix_tables", f"has {table.path!r} twice, or the role has it. Use another path."
        paths.add(table.path)
        if parameter in wishes.words("postfix_absent"):
            yield (
                "postfix_tables",
                f"names the parameter {parameter!r}, which postfix_absent removes. Remove one of the two.",
            )
        if parameter in own and not isinstance(own[parameter], Mapping):
            yield (
                "postfix_tables",
                f"names the parameter {parameter!r}, which postfix_parameters sets. Remove one of the two.",
            )
        elif parameter and types.kind(parameter) is not None and not types.is_list(parameter):
            yield "postfix_tables", f"names the parameter {parameter!r}, which is not a list. Use one of tables."


def _parameter(name: str, have: Mapping[str, Any], value: Any) -> Any:
    """A parameter of the free form. What appends to a list of the role's own, or takes from it, is done here."""
    if name not in have or not isinstance(value, Mapping):
        return value
    wish = plan.read_parameters({name: value}, ())[name]
    if isinstance(have[name], Mapping):
        # An edit of what is on the host, and one more.
        both = {**have[name]}
        for kind, items in value.items():
            both[kind] = [*both.get(kind, ()), *items]
        return both
    return plan.edit_list(plan.value_text(have[name]), wish)


def laid_over(wishes: Wishes, composed: Composition) -> Composition:
    """The whole configuration. ValueError where the free form cannot be read."""
    own = {str(name): value for name, value in wishes.mapping("postfix_parameters").items()}
    services = {str(key): fields or {} for key, fields in wishes.mapping("postfix_services").items()}
    if composed.services.get(postscreen.FRONT, {}).get("command") == "postscreen" and postscreen.FRONT in services:
        for key, fields in postscreen.moved(services[postscreen.FRONT]).items():
            services[key] = merged(fields, services.get(key, {}) if key != postscreen.FRONT else {})
    without = [str(name) for name in wishes.words("postfix_absent")]
    plan.read_parameters(own, ())
    plan.read_services(services)
    have = dict(composed.parameters)
    made = tables(wishes)
    for table, parameter in made:
        if parameter:
            now = have.get(parameter, [])
            have[parameter] = _parameter(parameter, have, {"append": [table.name]}) if now else [table.name]
    parameters = {**have, **{name: _parameter(name, have, value) for name, value in own.items()}}
    for name in without:
        parameters.pop(name, None)
    whole = {key: merged(composed.services.get(key, {}), fields) for key, fields in services.items()}
    return replace(
        composed,
        parameters=parameters,
        absent=(*(name for name in composed.absent if name not in parameters), *without),
        services={**composed.services, **whole},
        tables=(*composed.tables, *(table for table, _parameter in made)),
        inputs={
            **composed.inputs,
            **{parameter: "postfix_tables" for _table, parameter in made if parameter not in composed.inputs},
            **dict.fromkeys(own, "postfix_parameters"),
            **dict.fromkeys(services, "postfix_services"),
        },
    )
