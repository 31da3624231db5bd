# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter aliases_text: the text of aliases(5) with some names set."""

from __future__ import annotations

DOCUMENTATION = r"""
name: aliases_text
short_description: The text of an aliases file with some names set
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Returns the text with new recipients for some names. All other lines stay as they are.
  - An entry that has the wanted recipients already keeps its layout. An entry with other recipients is replaced by one
    line in the same place. Postfix ignores later entries of the same name, so the filter removes them. New names
    come last.
positional: _input, aliases
options:
  _input:
    description: The text of C(/etc/mail/aliases), or of another file in the form of C(aliases(5)).
    type: str
    required: true
  aliases:
    description: The names, each with its recipient or a list of recipients.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the aliases with two recipients for root's mail
  ansible.builtin.debug:
    msg: "{{ 'postmaster: root\n' | puffy.mail.aliases_text({'root': ['alice@example.org', 'bob']}) }}"
    # postmaster: root
    # root: alice@example.org, bob
"""

RETURN = r"""
_value:
  description: The new text. It is the old text if nothing had to change.
  type: str
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.module_utils._inputs import openbsd_base, vocabulary
from ansible_collections.puffy.mail.plugins.module_utils._openbsd import base


def aliases_text(text: Any, aliases: Any) -> str:
    """Return the new text; AnsibleFilterError where ``text`` or ``aliases`` cannot be used."""
    if not isinstance(text, str):
        raise AnsibleFilterError(f"aliases_text needs the text of a file, not {type(text).__name__}")
    if not isinstance(aliases, Mapping):
        raise AnsibleFilterError(f"aliases_text needs a mapping of aliases, not {type(aliases).__name__}")
    problem = openbsd_base.aliases(aliases)
    if problem:
        raise AnsibleFilterError(vocabulary.say("aliases_text", problem))
    return base.aliases_text(text, aliases)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"aliases_text": aliases_text}
