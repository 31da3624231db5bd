# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The free form: postfix_parameters, postfix_absent and postfix_services, laid over what the capabilities come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._postfix import plan
from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Composition,
    Problem,
    Wishes,
    merged,
)


def problems(wishes: Wishes, composed: Composition) -> Iterable[Problem]:
    """What cannot be laid over."""
    both = wishes.mapping("postfix_parameters").keys() & set(wishes.words("postfix_absent"))
    for name in sorted(both):
        yield "postfix_absent", f"has {name!r}, and postfix_parameters sets {name}. Remove one of the two."
    for key, fields in wishes.mapping("postfix_services").items():
        own = composed.services.get(key, {})
        if own.get("state", "present") != "present" and "state" not in (fields or {}):
            yield (
                "postfix_services",
                f"has {key!r}, and {composed.inputs[key]} removes the service {key}. Set {composed.inputs[key]}: true,"
                f" or remove {key!r}.",
            )


def _parameter(name: str, have: Mapping[str, Any], value: Any) -> Any:
    """A parameter of the free form. What appends to a list of the role's own, or takes from it, is done here."""
    if name not in have or not isinstance(value, Mapping):
        return value
    wish = plan.read_parameters({name: value}, ())[name]
    return plan.edit_list(plan.value_text(have[name]), wish)


def laid_over(wishes: Wishes, composed: Composition) -> Composition:
    """The whole configuration. ValueError where the free form cannot be read."""
    own = {str(name): value for name, value in wishes.mapping("postfix_parameters").items()}
    services = {str(key): fields or {} for key, fields in wishes.mapping("postfix_services").items()}
    without = [str(name) for name in wishes.words("postfix_absent")]
    plan.read_parameters(own, ())
    plan.read_services(services)
    have = composed.parameters
    parameters = {**have, **{name: _parameter(name, have, value) for name, value in own.items()}}
    for name in without:
        parameters.pop(name, None)
    whole = {key: merged(composed.services.get(key, {}), fields) for key, fields in services.items()}
    return replace(
        composed,
        parameters=parameters,
        absent=(*(name for name in composed.absent if name not in parameters), *without),
        services={**composed.services, **whole},
        inputs={
            **composed.inputs,
            **dict.fromkeys(own, "postfix_parameters"),
            **dict.fromkeys(services, "postfix_services"),
        },
    )
