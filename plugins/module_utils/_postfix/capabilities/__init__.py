# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From wishes to a configuration: each capability adds its part, and the free form is laid over the result.

One module for each capability: it reads the inputs that it names, and gives what it adds. Nothing here asks a host.
To add one, write the module, name it in CAPABILITIES, and add its cases to the tests of this package.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities import (
    access,
    aliases,
    client_certificates,
    delivery,
    environment,
    free_form,
    header_cleanup,
    identity,
    load,
    milters,
    policy_commands,
    postscreen,
    recipients,
    relay_domains,
    relay_host,
    restrictions,
    sasl,
    stage,
    submission,
    tls,
)
from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Composition,
    Facts,
    Problem,
    Table,
    Wishes,
    merged,
)

#: In the order in which their parameters are written to main.cf.
CAPABILITIES: tuple[Capability, ...] = (
    identity.CAPABILITY,
    delivery.CAPABILITY,
    environment.CAPABILITY,
    relay_domains.CAPABILITY,
    aliases.CAPABILITY,
    relay_host.CAPABILITY,
    recipients.CAPABILITY,
    tls.CAPABILITY,
    client_certificates.CAPABILITY,
    access.CAPABILITY,
    sasl.CAPABILITY,
    restrictions.CAPABILITY,
    stage.CAPABILITY,
    milters.CAPABILITY,
    policy_commands.CAPABILITY,
    submission.CAPABILITY,
    postscreen.CAPABILITY,
    header_cleanup.CAPABILITY,
    load.CAPABILITY,
)


def problems(values: Mapping[str, Any], facts: Facts | None = None) -> list[Problem]:
    """What cannot stand together, each with the reason. KeyError where an input is missing."""
    wishes = Wishes(values, facts)
    found = [problem for capability in CAPABILITIES for problem in capability.problems(wishes)]
    return found or list(free_form.problems(wishes, _composed(wishes)))


def compose(values: Mapping[str, Any], facts: Facts | None = None) -> Composition:
    """The configuration for the inputs ``values``. ValueError for inputs that cannot be read."""
    wishes = Wishes(values, facts)
    return free_form.laid_over(wishes, _composed(wishes))


def _composed(wishes: Wishes) -> Composition:
    """What the capabilities come to without the free form. AssertionError where two of them do not agree."""
    parameters: dict[str, Any] = {}
    absent: dict[str, None] = {}
    services: dict[str, dict[str, Any]] = {}
    tables: dict[str, Table] = {}
    inputs: dict[str, str] = {}
    for capability in CAPABILITIES:
        part = capability.part(wishes)
        both = parameters.keys() & part.parameters.keys()
        if both:
            raise AssertionError(f"{capability.input} and {inputs[min(both)]} both set {min(both)}")
        parameters.update(part.parameters)
        inputs.update({**dict.fromkeys((*part.parameters, *part.services), capability.input), **part.inputs})
        absent.update(dict.fromkeys(part.absent))
        for key, fields in part.services.items():
            services[key] = merged(services.get(key, {}), fields)
        for table in part.tables:
            if table.path in tables:
                raise AssertionError(f"{capability.input} makes {table.path} once more")
            tables[table.path] = table
    without = tuple(name for name in absent if name not in parameters)
    return Composition(parameters, without, services, tuple(tables.values()), inputs)
