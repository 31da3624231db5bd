# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
name: sasl_plain
short_description: Initial response of SASL PLAIN
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Returns the text that follows C(AUTH PLAIN) in SMTP and C(AUTHENTICATE PLAIN) in IMAP (RFC 4616). Use it to log in
    by hand with C(openssl s_client).
  - The result is base64, not encryption. Everybody can read the password in it. Set C(no_log) in tasks that use it.
positional: _input, password
options:
  _input:
    description: The user name.
    type: string
    required: true
  password:
    description: The password.
    type: string
    required: true
  authorization:
    description: The identity to act as. Empty for the user's own identity.
    type: string
    default: ""
"""

EXAMPLES = """
- name: Write the response to a file that only its owner reads
  ansible.builtin.copy:
    content: "{{ 'alice@example.test' | puffy.mail.sasl_plain(alice_password) }}"
    dest: /root/auth-plain
    mode: "0600"
  no_log: true
"""

RETURN = """
_value:
  description: The response in base64.
  type: string
  sample: AGFsaWNlAHNlY3JldA==
"""

from collections.abc import Callable

from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.module_utils._probe import checks


def sasl_plain(value: object, password: object, authorization: object = "") -> str:
    """The initial response of SASL PLAIN."""
    # The password is never shown, not even where it is of the wrong type.
    for name, text in (("user name", value), ("password", password), ("authorization", authorization)):
        if not isinstance(text, str):
            raise AnsibleFilterError(f"sasl_plain: the {name} must be a string, not {type(text).__name__}")
    try:
        return checks.sasl_plain(str(value), str(password), str(authorization))
    except ValueError as exc:
        raise AnsibleFilterError(f"sasl_plain: {exc}") from exc


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Names to functions."""
        return {"sasl_plain": sasl_plain}
