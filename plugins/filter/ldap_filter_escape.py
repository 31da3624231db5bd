# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ldap_filter_escape: a text as the value in an LDAP filter."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ldap_filter_escape
short_description: A text escaped for an LDAP filter
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Replaces each special character of LDAP filters by a backslash and two hexadecimal digits (RFC 4515). Use it for
    values in a filter.
  - Postfix itself escapes the keys that replace C(%s), C(%u) and C(%d) in C(query_filter). A percent sign in a value
    must be doubled there. Set O(postfix=true) for that.
positional: _input
options:
  _input:
    description: The value.
    type: str
    required: true
  postfix:
    description: Whether the filter is a C(query_filter) of C(ldap_table(5)), where C(%%) stands for a percent sign.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show a filter that finds one group
  ansible.builtin.debug:
    msg: "(&(objectClass=groupOfNames)(cn={{ 'staff (Berlin)' | puffy.mail.ldap_filter_escape }}))"
    # (&(objectClass=groupOfNames)(cn=staff \28Berlin\29))
"""

RETURN = r"""
_value:
  description: The escaped value.
  type: str
  sample: staff \28Berlin\29
"""

from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.module_utils._tables import ldap


def ldap_filter_escape(value: Any, postfix: Any = False) -> str:
    """Return the escaped value; AnsibleFilterError where it is not a text."""
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        raise AnsibleFilterError(f"ldap_filter_escape needs a text, not {type(value).__name__}")
    escaped = ldap.escape_filter(str(value))
    return escaped.replace("%", "%%") if postfix else escaped


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"ldap_filter_escape": ldap_filter_escape}
