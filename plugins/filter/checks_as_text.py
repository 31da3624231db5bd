# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
name: checks_as_text
short_description: Checks as a table for people
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Returns the checks of M(puffy.mail.smtp_probe) as the lines of a table.
  - No line is longer than 88 characters, so that a task that prints the table fits in 100 columns. Long texts are
    wrapped inside their column; nothing is cut off.
options:
  _input:
    description: A list of dictionaries with C(endpoint), C(name), C(ok), C(expected) and C(seen).
    type: list
    elements: dict
    required: true
seealso:
  - module: puffy.mail.smtp_probe
"""

EXAMPLES = """
- name: Show what was checked
  ansible.builtin.debug:
    msg: "{{ probe.checks | puffy.mail.checks_as_text }}"
"""

RETURN = """
_value:
  description: The lines of the table, its heading first.
  type: list
  elements: str
"""

from collections.abc import Callable

from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.module_utils._probe import checks


def checks_as_text(value: object) -> list[str]:
    """The lines of a table of checks."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise AnsibleFilterError("checks_as_text: the input must be a list of checks of puffy.mail.smtp_probe")
    try:
        return checks.table(value)
    except ValueError as exc:
        raise AnsibleFilterError(f"checks_as_text: {exc}") from exc


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., list[str]]]:
        """Names to functions."""
        return {"checks_as_text": checks_as_text}
