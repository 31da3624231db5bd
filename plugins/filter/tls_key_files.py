# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
name: tls_key_files
short_description: The key file and chain file of each key type
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Returns the files that the role tls_pki uses for each key type.
  - The first key type has the given paths. For each other type, the name of the type is put before the suffix.

positional: _input, key_file, chain_file
options:
  _input:
    description: Key types, V(rsa) or V(ecdsa).
    type: list
    elements: string
    required: true
  key_file:
    description: Path of the first type's key.
    type: string
    required: true
  chain_file:
    description: Path of the first type's certificate chain.
    type: string
    required: true
"""

EXAMPLES = """
- name: Show the files of both types
  ansible.builtin.debug:
    msg: "{{ ['rsa', 'ecdsa'] | puffy.mail.tls_key_files('/etc/ssl/private/mail.key', '/etc/ssl/mail.pem') }}"
"""

RETURN = """
_value:
  description: A dictionary with C(type), C(key_file) and C(chain_file) for each type.
  type: list
  elements: dictionary
  sample: [{type: rsa, key_file: /etc/ssl/private/mail.key, chain_file: /etc/ssl/mail.pem}]
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.module_utils._tls.keys import key_files


def tls_key_files(value: object, key_file: str, chain_file: str) -> list[dict[str, str]]:
    """The files of each key type."""
    if not isinstance(value, list):
        raise AnsibleFilterError(f"tls_key_files: the input must be a list of key types, not {type(value).__name__}")
    return key_files(value, key_file, chain_file)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filter names and their functions."""
        return {"tls_key_files": tls_key_files}
