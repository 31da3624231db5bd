# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter hashed_mailboxes: mailboxes with hashes in the place of passwords."""

from __future__ import annotations

DOCUMENTATION = r"""
name: hashed_mailboxes
short_description: Mailboxes with password hashes instead of passwords
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Filters run on the control node, so no password in plain text reaches the mail host.
  - For an entry with C(password), the filter keeps the hash of the host if it is a bcrypt hash of that password.
    Otherwise it makes a new hash with a random salt. An entry with C(password_hash) is returned as it is.
  - Needs the Python package C(bcrypt) on the control node if an entry has C(password).
positional: known_hashes
options:
  _input:
    description: The mailboxes, each a mapping with C(address) and C(password) or C(password_hash).
    type: list
    elements: dict
    required: true
  known_hashes:
    description: The hashes on the host, by address, from M(puffy.mail.sqlite_accounts_info).
    type: dict
    default: {}
  scheme:
    description: Dovecot's name of the scheme.
    type: str
    choices: [BLF-CRYPT, CRYPT]
    default: BLF-CRYPT
  cost:
    description: Logarithm to the base 2 of the number of bcrypt rounds of a new hash, 4 to 31.
    type: int
    default: 12
"""

EXAMPLES = r"""
- name: Set the accounts, with hashes made on the control node
  puffy.mail.sqlite_accounts:
    path: /var/lib/puffy-mail/accounts.sqlite
    domains: [example.org]
    mailboxes: "{{ accounts | puffy.mail.hashed_mailboxes(there.password_hashes) }}"
  no_log: true
"""

RETURN = r"""
_value:
  description: The mailboxes with C(password_hash) and without C(password).
  type: list
  elements: dict
"""

import importlib
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.module_utils._accounts import password_hash


class _Missing:
    """Stands for the package bcrypt where it is not installed: an error once it is needed."""

    def __getattr__(self, name: str) -> Any:
        raise AnsibleFilterError(
            "hashed_mailboxes: the Python package 'bcrypt' is not installed on the control side, and a mailbox has a"
            " password to hash. Install it (pip install bcrypt), or give password_hash. Nothing was changed."
        )


def hashed_mailboxes(mailboxes: Any, known_hashes: Any = None, scheme: str = "BLF-CRYPT", cost: int = 12) -> list[Any]:
    """Return the rows; AnsibleFilterError where the input is no list of mappings or a password cannot be hashed."""
    try:
        bcrypt: Any = importlib.import_module("bcrypt")
    except ImportError:
        bcrypt = _Missing()
    if not isinstance(mailboxes, list) or not all(isinstance(entry, dict) for entry in mailboxes):
        raise AnsibleFilterError("hashed_mailboxes needs a list of mappings")
    try:
        return password_hash.hashed_mailboxes(mailboxes, known_hashes or {}, scheme, cost, bcrypt)
    except ValueError as exc:
        raise AnsibleFilterError(
            f"hashed_mailboxes: {exc}. Nothing was changed."
        ) from None  # Ansible would append the cause, which says the same


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"hashed_mailboxes": hashed_mailboxes}
