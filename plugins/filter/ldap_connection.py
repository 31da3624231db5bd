# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ldap_connection, for the role ldap_maps."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ldap_connection
short_description: The connection options of all LDAP client files
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Returns the options of C(ldap_table(5)) that are the same in every client file, with the bind password.
  - Postfix waits for each server in turn, so the filter divides the time-out among the servers.
options:
  _input:
    description: The inputs of the role by name, all of them.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Use the filter as the role does
  ansible.builtin.set_fact:
    found: "{{ inputs | puffy.mail.ldap_connection }}"
  no_log: true
"""

RETURN = r"""
_value:
  description: The options by name.
  type: dict
"""

from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._tables import ldap_maps
from ansible_collections.puffy.mail.plugins.plugin_utils._filters import of_inputs


def ldap_connection(inputs: Any) -> dict[str, Any]:
    """Return the options; AnsibleFilterError where an input is missing, unknown or of no use."""
    return of_inputs("ldap_connection", ldap_maps.connection, inputs)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"ldap_connection": ldap_connection}
