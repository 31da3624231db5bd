# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter openbsd_base_problems: a sentence for each bad input of the role openbsd_base."""

from __future__ import annotations

DOCUMENTATION = r"""
name: openbsd_base_problems
short_description: What is wrong with the inputs of the role openbsd_base
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Returns a sentence for each bad value, naming the variable, the value and what would be right.
  - The role's preflight asks for it before the host is touched.
options:
  _input:
    description: The inputs by name, for example C(openbsd_base_lookups) and C(openbsd_base_services).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Check which lookups Postfix is to have
  ansible.builtin.assert:
    that: problems | length == 0
    fail_msg: "{{ problems | join(' ') }}"
  vars:
    problems: "{{ {'openbsd_base_lookups': ['sqlite', 'ldap']} | puffy.mail.openbsd_base_problems }}"
"""

RETURN = r"""
_value:
  description: One sentence for each bad value; empty where all are good.
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._openbsd import base
from ansible_collections.puffy.mail.plugins.plugin_utils._filters import of_inputs


def openbsd_base_problems(inputs: Any) -> list[str]:
    """Return the sentences; AnsibleFilterError where an input is unknown or of no use."""
    return of_inputs("openbsd_base_problems", base.openbsd_base_problems, inputs)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"openbsd_base_problems": openbsd_base_problems}
