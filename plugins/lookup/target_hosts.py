# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
name: target_hosts
short_description: The pattern of a play's hosts, if it matches a host
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - For C(hosts) of a play. Ansible ends with 0 when a play matches no host, so a group with a mistyped name looks like
    success. This lookup returns its pattern, and fails if no host of the inventory matches the pattern and the limit.
  - With C(--syntax-check) and with the options that only list it does not look at the inventory.
options:
  _terms:
    description: The pattern, as C(hosts) takes it, and then the name of the variable that sets it.
    type: list
    elements: raw
    required: true
"""

EXAMPLES = """
- name: Configure the mail hosts
  hosts: "{{ lookup('puffy.mail.target_hosts', mail_hosts_pattern | default('mail_hosts'), 'mail_hosts_pattern') }}"
"""

RETURN = """
_raw:
  description: The pattern.
  type: list
  elements: raw
"""

from typing import Any

from ansible import context
from ansible.errors import AnsibleLookupError
from ansible.inventory.manager import InventoryManager
from ansible.plugins.lookup import LookupBase

from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import pattern as _pattern_problem

_SHOWN_GROUPS = 10


class LookupModule(LookupBase):  # type: ignore[misc]  # Ansible is not typed
    """Ansible's entry point."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **_options: Any) -> list[Any]:
        """The pattern. Raises AnsibleLookupError if no host matches it."""
        pattern, variable = terms
        if not isinstance(pattern, (str, list)):
            raise AnsibleLookupError(f"{variable} {_pattern_problem(pattern)} Nothing was changed.")
        if any(context.CLIARGS.get(name) for name in ("syntax", "listhosts", "listtasks", "listtags")):
            return [pattern]
        groups: dict[str, list[str]] = (variables or {}).get("groups", {})
        inventory = InventoryManager(self._loader, parse=False)
        for group, hosts in groups.items():
            inventory.add_group(group)
            for host in hosts:
                inventory.add_host(host, group=group)
        matched = inventory.list_hosts(pattern)
        limit = context.CLIARGS.get("subset")
        inventory.subset(limit)
        if inventory.list_hosts(pattern):
            return [pattern]
        if matched:
            raise AnsibleLookupError(
                f"The limit {limit!r} leaves no host of {pattern!r}, so this playbook would do nothing. Name one of its"
                " hosts in the limit."
            )
        named = sorted(set(groups) - {"all", "ungrouped"})
        more = f" and {len(named) - _SHOWN_GROUPS} more" if len(named) > _SHOWN_GROUPS else ""
        has = f"has the groups {', '.join(named[:_SHOWN_GROUPS])}{more}" if named else "has no groups"
        raise AnsibleLookupError(
            f"No host matches {pattern!r}, so this playbook would do nothing. The inventory {has}. Name the group"
            f" 'mail_hosts' in the inventory, or set {variable} with -e."
        )
