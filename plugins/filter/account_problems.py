# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter account_problems: a sentence for each thing wrong with domains, mailboxes and aliases."""

from __future__ import annotations

DOCUMENTATION = r"""
name: account_problems
short_description: What is wrong with domains, mailboxes and aliases
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Returns a sentence for each fault, naming the variable, the value and what would be right.
  - Finds malformed names and addresses, mailboxes of no domain, two mailboxes of one name, aliases that lead nowhere,
    round in a circle or to a mailbox that is not active, domain aliases of no domain, aliases that take a mailbox's
    mail, and missing passwords.
  - No sentence holds a password or a hash.
positional: mailboxes, aliases, domain_aliases
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
  domain_aliases:
    description: The domains that stand for another one, each a mapping.
    type: list
    elements: dict
    default: []
  prefix:
    description: What the names of the variables begin with in the sentences.
    type: str
    default: sqlite_maps_
  delimiter:
    description: The recipient delimiter; a target C(alice+tag@) is delivered to C(alice@).
    type: str
    default: +
"""

EXAMPLES = r"""
- name: Check the accounts
  ansible.builtin.assert:
    that: problems | length == 0
    fail_msg: "{{ problems | join(' ') }}"
  vars:
    problems: "{{ ['example.org'] | puffy.mail.account_problems(mailboxes, []) }}"
    mailboxes:
      - address: alice@example.org
        password_hash: "{{ vault_alice_hash }}"
"""

RETURN = r"""
_value:
  description: One sentence for each fault; empty where there is none.
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._accounts import rows


def account_problems(
    domains: Any,
    mailboxes: Any,
    aliases: Any,
    domain_aliases: Any = (),
    prefix: str = "sqlite_maps_",
    delimiter: str = "+",
) -> list[str]:
    """Return the sentences."""
    return rows.account_problems(
        domains,
        mailboxes,
        aliases,
        domain_aliases,
        names=(f"{prefix}domains", f"{prefix}mailboxes", f"{prefix}aliases", f"{prefix}domain_aliases"),
        delimiter=delimiter,
    )


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"account_problems": account_problems}
