# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
name: postfix_configuration
short_description: The configuration of Postfix for the inputs of the role postfix
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Returns the parameters and services for the inputs of the role C(postfix), in the form of M(puffy.mail.postconf).
  - Each capability of the role adds its part. C(postfix_parameters), C(postfix_absent) and C(postfix_services) are laid
    over the result. The fields of a service are merged with those of the role, its options one by one.
  - Inputs that cannot stand together are an error.
positional: _input, facts
options:
  _input:
    description: The inputs of the role by name, and C(relay_clients_table), the table of C(postfix_relay_clients).
    type: dictionary
    required: true
  facts:
    description: C(postfix) of the facts that M(puffy.mail.host_facts) returns. Empty where nobody has looked.
    type: dictionary
    default: {}
seealso:
  - module: puffy.mail.host_facts
  - module: puffy.mail.postconf
"""

EXAMPLES = """
- name: Set main.cf and master.cf
  puffy.mail.postconf:
    parameters: "{{ configuration.parameters }}"
    absent: "{{ configuration.absent }}"
    services: "{{ configuration.services }}"
  vars:
    configuration: "{{ inputs | puffy.mail.postfix_configuration(ansible_facts.puffy_mail.postfix) }}"
"""

RETURN = """
_value:
  description: The configuration.
  type: dictionary
  contains:
    parameters:
      description: Parameters of C(main.cf).
      type: dictionary
    absent:
      description: Names that must not be in C(main.cf).
      type: list
      elements: string
    services:
      description: Services of C(master.cf), by name and type.
      type: dictionary
    tables:
      description: Tables that the parameters name and M(puffy.mail.postmap) makes. With C(secret), only root may read
        the table.
      type: list
      elements: dictionary
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import say
from ansible_collections.puffy.mail.plugins.module_utils._postfix import capabilities
from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import Facts


def postfix_configuration(value: object, facts: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The configuration for the inputs ``value``."""
    if not isinstance(value, Mapping):
        raise AnsibleFilterError(
            f"postfix_configuration: the input must be a dictionary of inputs, not {type(value).__name__}"
        )
    try:
        wrong = capabilities.problems(value)
        if wrong:
            raise ValueError("\n".join(say(name, problem) for name, problem in wrong))
        composed = capabilities.compose(value, Facts.of(facts or {}))
    except KeyError as exc:
        raise AnsibleFilterError(f"postfix_configuration: the input {exc} is missing") from None
    except ValueError as exc:
        raise AnsibleFilterError(f"postfix_configuration: {exc}") from exc
    return {
        "parameters": dict(composed.parameters),
        "absent": list(composed.absent),
        "services": dict(composed.services),
        # asdict() would copy the mappings of the inputs, which Ansible's own cannot be.
        "tables": [
            {field.name: getattr(table, field.name) for field in dataclasses.fields(table)} for table in composed.tables
        ],
    }


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filter names and their functions."""
        return {"postfix_configuration": postfix_configuration}
