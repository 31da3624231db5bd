# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
name: tls_pki_problems
short_description: What is wrong with the inputs of the role tls_pki
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Checks the variables of the role puffy.mail.tls_pki before a host is touched.

options:
  _input:
    description: The variables by name, all those that the role's preflight passes.
    type: dict
    required: true
"""

EXAMPLES = """
- name: Check the inputs
  ansible.builtin.assert:
    that: inputs | puffy.mail.tls_pki_problems | length == 0
"""

RETURN = """
_value:
  description: A sentence for each bad value; empty where all is well.
  type: list
  elements: string
"""

from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._tls import certificates
from ansible_collections.puffy.mail.plugins.plugin_utils._filters import of_inputs


def tls_pki_problems(inputs: Any) -> list[str]:
    """Return the sentences; AnsibleFilterError where an input is missing, unknown or of no use."""
    return of_inputs("tls_pki_problems", certificates.input_problems, inputs)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"tls_pki_problems": tls_pki_problems}
