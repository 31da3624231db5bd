# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
name: batches
short_description: The sizes of the batches of a play
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - For C(serial) of a play. Ansible reads C(serial) without a host, so it sees extra variables and no variables of the
    inventory. This lookup returns the variable as the first host of a pattern has it.
  - The play must be the second one of a run, or a later one. Before the first play no host has variables.
  - A list without an entry means all hosts at once.
options:
  _terms:
    description: The pattern of the play's hosts, as C(hosts) takes it, and then the name of the variable.
    type: list
    elements: raw
    required: true
"""

EXAMPLES = """
- name: Configure the mail hosts, one first, and then a quarter of them at a time
  hosts: mail_hosts
  serial: "{{ lookup('puffy.mail.batches', 'mail_hosts', 'mail_batches') }}"
"""

RETURN = """
_raw:
  description: The sizes, as one list.
  type: list
  elements: list
"""

from typing import Any

from ansible import context
from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.inventory.manager import InventoryManager
from ansible.plugins.lookup import LookupBase

from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import batch_sizes, is_unset


class LookupModule(LookupBase):  # type: ignore[misc]  # Ansible is not typed
    """Ansible's entry point."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **_options: Any) -> list[Any]:
        """The sizes. Raises AnsibleLookupError for a value that gives none."""
        pattern, name = terms
        if any(context.CLIARGS.get(option) for option in ("syntax", "listhosts", "listtasks", "listtags")):
            return [[]]
        known = variables or {}
        value = self._templar.template(known[name]) if name in known else self._of_first_host(pattern, name, known)
        if is_unset(value) or value == []:
            return [[]]
        try:
            return [batch_sizes(value)]
        except ValueError as exc:
            raise AnsibleLookupError(f"{name} {exc} Nothing was changed.") from None

    def _of_first_host(self, pattern: Any, name: str, variables: dict[str, Any]) -> Any:
        """The variable of the first host that the pattern and the limit leave; None without such a host."""
        if "hostvars" not in variables:
            raise AnsibleLookupError(f"{name} of the inventory is not known before the first play. Use a later play.")
        inventory = InventoryManager(self._loader, parse=False)
        for group, hosts in variables.get("groups", {}).items():
            inventory.add_group(group)
            for host in hosts:
                inventory.add_host(host, group=group)
        inventory.subset(context.CLIARGS.get("subset"))
        try:
            found = inventory.list_hosts(pattern)
            return variables["hostvars"][found[0].name].get(name) if found else None
        except (AnsibleError, KeyError) as exc:
            raise AnsibleLookupError(f"{name} cannot be resolved: {exc}") from None
