# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
name: tls_parameters
short_description: The parameters of Postfix or Dovecot for a TLS profile
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Returns the parameters of Postfix, or the settings of Dovecot, for a TLS profile.
  - All profiles allow TLS 1.3, and no profile requires TLS on port 25.
  - The values mean the same in Postfix 3.5 and in later versions.
positional: _input, daemon
options:
  _input:
    description: Name of the profile.
    type: string
    required: true
    choices: [intermediate, modern, broad]
  daemon:
    description: The daemon that reads the settings.
    type: string
    required: true
    choices: [postfix, dovecot]
  sets:
    description: For V(postfix), the keys that Postfix uses. Each is a dictionary with C(key_file) and C(chain_file).
    type: list
    elements: dictionary
    default: []
  cache_default:
    description: For V(postfix), the value of C(default_cache_db_type); empty before Postfix 3.11.
    type: string
    default: ""
  table_types:
    description: For V(postfix), the table types that C(postconf -m) prints. Without a type that can be a cache, no
      session cache is set.
    type: list
    elements: string
    default: []
  dhparam_file:
    description: For V(postfix), a file of DH parameters. Empty for Postfix's own parameters.
    type: string
    default: ""
"""

EXAMPLES = """
- name: Show the parameters of Postfix for a profile
  ansible.builtin.debug:
    msg: "{{ 'modern' | puffy.mail.tls_parameters('postfix', sets=keys) }}"
  vars:
    keys:
      - key_file: /etc/ssl/private/mail.key
        chain_file: /etc/ssl/mail.chain.pem

- name: Show the settings of Dovecot for a profile
  ansible.builtin.debug:
    msg: "{{ 'modern' | puffy.mail.tls_parameters('dovecot') }}"
"""

RETURN = """
_value:
  description:
    - For V(postfix), a dictionary of C(parameters) (names and values for C(main.cf)) and C(absent) (names that must not
      be in C(main.cf)).
    - For V(dovecot), a dictionary of C(min_protocol) and C(cipher_list).
  type: dictionary
  sample: {min_protocol: TLSv1.3, cipher_list: ECDHE-ECDSA-AES128-GCM-SHA256}
"""

from collections.abc import Callable, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.module_utils._tls import policy


def tls_parameters(
    value: object,
    daemon: str,
    *,
    sets: Sequence[dict[str, str]] = (),
    cache_default: str = "",
    table_types: Sequence[str] = (),
    dhparam_file: str = "",
) -> dict[str, Any]:
    """The settings of ``daemon`` for the profile ``value``."""
    try:
        if daemon == "dovecot":
            return dict(policy.dovecot_settings(str(value)))
        if daemon != "postfix":
            raise ValueError(f"the daemon {daemon!r} is neither 'postfix' nor 'dovecot'")
        cache = policy.cache_type(cache_default, table_types)
        parameters = policy.postfix_parameters(str(value), sets, cache=cache, dhparam_file=dhparam_file)
        return {"parameters": parameters, "absent": policy.postfix_absent(parameters)}
    except (ValueError, KeyError) as exc:
        said = f"a set has no {exc}" if isinstance(exc, KeyError) else exc
        raise AnsibleFilterError(f"tls_parameters: {said}") from exc


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filter names and their functions."""
        return {"tls_parameters": tls_parameters}
