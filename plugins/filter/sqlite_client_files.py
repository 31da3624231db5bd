# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter sqlite_client_files: Postfix's client files over an accounts database, each with its proofs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: sqlite_client_files
short_description: Postfix's SQLite client files, each with the answers it must give
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Returns one entry for each of C(virtual_mailbox_domains), C(relay_domains), C(virtual_mailbox_maps),
    C(virtual_alias_maps), C(sender_login_maps) and C(virtual_maildirs), with the SQL query and what it must answer. The
    entries have the form of O(puffy.mail.map_config#module:files).
  - The queries read the tables C(domain), C(mailbox), C(alias) and C(alias_domain) with PostfixAdmin's columns.
positional: database, directory, extra
options:
  _input:
    description: The expected answers of each client file, in the form of
      RV(puffy.mail.sqlite_accounts_info#module:expect).
    type: dict
    required: true
  database:
    description: Absolute path of the database.
    type: path
    required: true
  directory:
    description: Absolute path of the directory of the client files.
    type: path
    required: true
  extra:
    description: Further expectations, by the name of the client file.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the queries
  ansible.builtin.debug:
    msg: >-
      {{ {} | puffy.mail.sqlite_client_files('/var/lib/puffy-mail/accounts.sqlite', '/etc/postfix/sqlite')
      | map(attribute='options.query') }}
"""

RETURN = r"""
_value:
  description: The client files, each with C(path), C(options) and C(expect).
  type: list
  elements: dict
"""

from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.module_utils._accounts import rows


def sqlite_client_files(expected: Any, database: Any, directory: Any, extra: Any = None) -> list[dict[str, Any]]:
    """Return the client files; AnsibleFilterError where an expectation names no file."""
    try:
        return [
            {
                "path": f"{directory}/{file['name']}.cf",
                "options": {"dbpath": database, "query": file["query"]},
                "expect": file["expect"],
            }
            for file in rows.client_files(expected, extra or {})
        ]
    except (ValueError, TypeError, AttributeError) as exc:
        raise AnsibleFilterError(
            f"sqlite_client_files: {exc}"
        ) from None  # Ansible would append the cause, which says the same


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"sqlite_client_files": sqlite_client_files}
