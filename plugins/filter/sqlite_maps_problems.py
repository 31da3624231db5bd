# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter sqlite_maps_problems: a sentence for each bad input of the role sqlite_maps but the accounts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: sqlite_maps_problems
short_description: What is wrong with the inputs of the role sqlite_maps
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Returns a sentence for each bad value, naming the variable, the value and what would be right.
  - The accounts themselves are checked by P(puffy.mail.account_problems#filter).
options:
  _input:
    description: The inputs by name, for example C(sqlite_maps_database).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Check a path
  ansible.builtin.assert:
    that: problems | length == 0
    fail_msg: "{{ problems | join(' ') }}"
  vars:
    problems: "{{ {'sqlite_maps_database': '/var/lib/puffy-mail/accounts.sqlite'} | puffy.mail.sqlite_maps_problems }}"
"""

RETURN = r"""
_value:
  description: One sentence for each bad value; empty where all are good.
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._accounts import rows
from ansible_collections.puffy.mail.plugins.plugin_utils._filters import of_inputs


def sqlite_maps_problems(inputs: Any) -> list[str]:
    """Return the sentences; AnsibleFilterError where an input is missing, unknown or of no use."""
    return of_inputs("sqlite_maps_problems", rows.role_problems, inputs)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"sqlite_maps_problems": sqlite_maps_problems}
