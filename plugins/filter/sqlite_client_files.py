# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter sqlite_client_files: Postfix's client files over an accounts database, each with its proofs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: sqlite_client_files
short_description: Postfix's client files over a SQLite accounts database, each with its proofs
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Returns one entry for each of C(virtual_mailbox_domains), C(virtual_mailbox_maps), C(virtual_alias_maps) and
    C(sender_login_maps) with the SQL query and what it must answer, worked out from the accounts themselves.
  - Among the expectations are present, absent and switched-off entries, upper case, and keys shaped like SQL.
positional: mailboxes, aliases
options:
  _input:
    description: The domains, each a name or a mapping.
    type: list
    elements: raw
    required: true
  mailboxes:
    description: The mailboxes, each a mapping.
    type: list
    elements: dict
    required: true
  aliases:
    description: The aliases, each a mapping.
    type: list
    elements: dict
    required: true
  extra:
    description: Further expectations, by the name of the client file.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the queries
  ansible.builtin.debug:
    msg: "{{ ['example.org'] | puffy.mail.sqlite_client_files([], []) | map(attribute='query') }}"
"""

RETURN = r"""
_value:
  description: The client files, each with C(name), C(query) and C(expect).
  type: list
  elements: dict
"""

from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.module_utils import _sqlite_accounts


def sqlite_client_files(domains: Any, mailboxes: Any, aliases: Any, extra: Any = None) -> list[dict[str, Any]]:
    """Return the client files; AnsibleFilterError where an expectation names no file."""
    try:
        # The hash is of no interest here, and an entry may have a password in its place.
        tables = _sqlite_accounts.rows(domains, [{"password_hash": "", **entry} for entry in mailboxes], aliases)
        return _sqlite_accounts.client_files(tables, extra or {})
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise AnsibleFilterError(
            f"sqlite_client_files: {exc}"
        ) from None  # Ansible would append the cause, which says the same


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"sqlite_client_files": sqlite_client_files}
