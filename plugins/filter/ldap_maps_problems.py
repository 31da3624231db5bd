# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ldap_maps_problems, for the role ldap_maps."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ldap_maps_problems
short_description: What is wrong with the inputs of the role ldap_maps
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Returns a sentence for each bad value, naming the variable, the value and what would be right. The password
    is in none.
  - Filters, names of entries and URLs are read as RFC 4515, RFC 4514 and RFC 4516 describe them, and every client file
    is checked as P(puffy.mail.map_config#module) would check it.
options:
  _input:
    description: The inputs of the role by name, all of them.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Use the filter as the role does
  ansible.builtin.set_fact:
    found: "{{ inputs | puffy.mail.ldap_maps_problems }}"
  no_log: true
"""

RETURN = r"""
_value:
  description: One sentence for each bad value; empty where all are good.
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._tables import ldap_maps
from ansible_collections.puffy.mail.plugins.plugin_utils._filters import of_inputs


def ldap_maps_problems(inputs: Any) -> list[str]:
    """Return the sentences; AnsibleFilterError where an input is missing, unknown or of no use."""
    return of_inputs("ldap_maps_problems", ldap_maps.role_problems, inputs)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"ldap_maps_problems": ldap_maps_problems}
