# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ldap_client_files, for the role ldap_maps."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ldap_client_files
short_description: Postfix's LDAP client files, each with the answers it must give
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Returns one entry for each of C(virtual_mailbox_domains), C(virtual_mailbox_maps), C(virtual_alias_maps),
    C(virtual_group_maps), C(sender_login_maps) and C(virtual_maildirs), and for each further table of
    C(ldap_maps_tables). The entries have the form of O(puffy.mail.map_config#module:files).
  - The options of the connection, with the bind password, are the same in every file. The servers share the time-out
    where Postfix would wait for each of them.
  - The expected answers include keys that look like LDAP filters. Such keys must not be found.
options:
  _input:
    description: The inputs of the role by name, all of them.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Use the filter as the role does
  ansible.builtin.set_fact:
    found: "{{ inputs | puffy.mail.ldap_client_files }}"
  no_log: true
"""

RETURN = r"""
_value:
  description: The client files, each with C(path), C(options) and C(expect).
  type: list
  elements: dict
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._tables import ldap_maps
from ansible_collections.puffy.mail.plugins.plugin_utils._filters import of_inputs


def _files(inputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    connection = ldap_maps.connection(inputs)
    return [
        {
            "path": f"{inputs['ldap_maps_directory']}/{file['name']}.cf",
            "options": {**connection, **file["options"]},
            "expect": file["expect"],
        }
        for file in ldap_maps.client_files(inputs)
    ]


def ldap_client_files(inputs: Any) -> list[dict[str, Any]]:
    """Return the client files; AnsibleFilterError where an input is missing, unknown or of no use."""
    return of_inputs("ldap_client_files", _files, inputs)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"ldap_client_files": ldap_client_files}
