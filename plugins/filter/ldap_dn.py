# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ldap_dn: a domain as a distinguished name."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ldap_dn
short_description: A domain as a distinguished name
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Returns the distinguished name of a domain's entry. For C(example.org) that is C(dc=example,dc=org) (RFC 2247).
  - O(below) puts relative names before it. Their values are escaped (RFC 4514), so a value may contain a comma.
positional: _input
options:
  _input:
    description: The domain in ASCII. Use the C(xn--) form of international names.
    type: str
    required: true
  below:
    description:
      - Attributes and values of the names below the domain, the lowest first. Each is a mapping with one attribute, or
        with several attributes for a name that has several.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Show where the people of a domain are
  ansible.builtin.debug:
    msg: "{{ 'example.org' | puffy.mail.ldap_dn(below=[{'uid': 'alice'}, {'ou': 'people'}]) }}"
    # uid=alice,ou=people,dc=example,dc=org
"""

RETURN = r"""
_value:
  description: The distinguished name.
  type: str
  sample: dc=example,dc=org
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.module_utils._tables import ldap


def ldap_dn(domain: Any, below: Any = None) -> str:
    """Return the distinguished name; AnsibleFilterError where the domain or a name below it cannot be used."""
    if not isinstance(domain, str):
        raise AnsibleFilterError(f"ldap_dn needs the name of a domain, not {type(domain).__name__}")
    if not isinstance(below or [], list) or not all(isinstance(name, Mapping) and name for name in below or []):
        raise AnsibleFilterError("ldap_dn: below must be a list of mappings such as [{'ou': 'people'}]")
    try:
        names = ["+".join(ldap.assertion(str(key), str(value)) for key, value in name.items()) for name in below or []]
        return ",".join([*names, ldap.domain_dn(domain)])
    except ValueError as exc:
        raise AnsibleFilterError(f"ldap_dn: {exc}") from None  # Ansible would append the cause, which says the same


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"ldap_dn": ldap_dn}
