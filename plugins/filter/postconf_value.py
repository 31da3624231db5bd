# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter postconf_value: the text that main.cf has for a YAML value."""

from __future__ import annotations

DOCUMENTATION = r"""
name: postconf_value
short_description: The Postfix text of a YAML value
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Returns V(yes) or V(no) for a boolean, the digits of an integer, and the items of a list with a comma and a space
    between them, as M(puffy.mail.postconf) writes them.
  - Use it for values in other files, such as a C(pcre_table(5)) or a script that calls C(postconf -e).
options:
  _input:
    description: A string, an integer, a boolean, or a list of these.
    type: raw
    required: true
seealso:
  - module: puffy.mail.postconf
"""

EXAMPLES = r"""
- name: Show the text of a list
  ansible.builtin.debug:
    msg: "{{ ['permit_mynetworks', 'reject_unauth_destination'] | puffy.mail.postconf_value }}"
"""

RETURN = r"""
_value:
  description: The text.
  type: str
"""

from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.module_utils._postfix.plan import value_text


def postconf_value(value: Any) -> str:
    """Return the text of ``value``; AnsibleFilterError where it has none."""
    try:
        text = value_text(value)
    except ValueError as exc:
        raise AnsibleFilterError(f"postconf_value: {exc}") from exc
    if any(char in text for char in "\n\r\0"):
        raise AnsibleFilterError("postconf_value: the value holds a line break or a null byte, which no value may hold")
    return text


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"postconf_value": postconf_value}
