# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
name: secret
short_description: A secret input from an environment variable or a file
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - For the defaults of secret inputs. The value of the input C(tls_pki_ca_passphrase) is in the environment variable
    C(PUFFY_TLS_PKI_CA_PASSPHRASE), or in the file whose path is in C(PUFFY_TLS_PKI_CA_PASSPHRASE_FILE), both on the
    control node. Newlines at the end are not part of the value.
  - A variable of the inventory comes first, because it replaces the default.
  - AWX passes environment variables and files of credentials unchanged. Extra variables may change their type on the
    way, so that a password of digits becomes another number.
options:
  _terms:
    description: The names of inputs. The first one that is set counts.
    type: list
    elements: str
    required: true
  default:
    description: Value if no input is set. Where it is a mapping or a list, the value must be JSON of that type.
    type: raw
    default: ""
"""

EXAMPLES = """
- name: Show whether a passphrase is set
  ansible.builtin.debug:
    msg: "{{ lookup('puffy.mail.secret', 'tls_pki_ca_passphrase') | length > 0 }}"
"""

RETURN = """
_raw:
  description: The value, or the default.
  type: list
  elements: raw
"""

import os
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.puffy.mail.plugins.module_utils._inputs import secrets

try:
    # ansible-core 2.18 would read a text such as "[1]" as a list; this type stays text.
    from ansible.utils.native_jinja import NativeJinjaText
except ImportError:
    NativeJinjaText = str


class LookupModule(LookupBase):  # type: ignore[misc]  # Ansible is not typed
    """Ansible's entry point."""

    def run(self, terms: list[str], **options: Any) -> list[Any]:
        """The value. Raises AnsibleLookupError where a variable or its file is of no use."""
        default = options.get("default", "")
        for name in terms:
            try:
                found = secrets.given(name, default, os.environ, lambda path: Path(path).read_text(encoding="utf-8"))
            except ValueError as exc:
                raise AnsibleLookupError(str(exc)) from None
            if found != default:
                return [NativeJinjaText(found) if isinstance(found, str) else found]
        return [default]
