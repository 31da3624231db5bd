# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter accounts_file_problems: a sentence for each thing wrong with an accounts file."""

from __future__ import annotations

DOCUMENTATION = r"""
name: accounts_file_problems
short_description: What is wrong with an accounts file
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Returns a sentence for each fault in the text of an accounts file, as M(puffy.mail.sqlite_accounts) takes it.
  - Finds what is no JSON, keys that are not known or stand twice, and what P(puffy.mail.account_problems#filter) finds.
  - No sentence holds a password or a hash.
positional: path
options:
  _input:
    description: The text of the file; null where it cannot be read, which is a fault too.
    type: str
    required: true
  path:
    description: What the file is called in the sentences.
    type: str
    required: true
seealso:
  - plugin: puffy.mail.account_problems
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Check the accounts file
  ansible.builtin.assert:
    that: problems | length == 0
    fail_msg: "{{ problems | join(' ') }}"
  vars:
    problems: "{{ lookup('ansible.builtin.file', file) | puffy.mail.accounts_file_problems(file) }}"
    file: accounts.json
"""

RETURN = r"""
_value:
  description: One sentence for each fault, at most 20 and the number of the others; empty where there is none.
  type: list
  elements: str
"""

from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.module_utils._accounts import rows


def accounts_file_problems(text: Any, path: Any) -> list[str]:
    """Return the sentences; AnsibleFilterError where the input is no text."""
    if text is None:
        return [
            f"{path} is not there, or cannot be read or decrypted. Right would be a JSON file on the control side; a"
            " relative path is looked for in files/ beside the playbook, and beside it."
        ]
    if not isinstance(text, str) or not isinstance(path, str):
        raise AnsibleFilterError("accounts_file_problems needs the text of a file and its path")
    return rows.first_of(rows.accounts_file_problems(text, path))


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"accounts_file_problems": accounts_file_problems}
