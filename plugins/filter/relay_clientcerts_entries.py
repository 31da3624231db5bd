# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
name: relay_clientcerts_entries
short_description: Entries of the table relay_clientcerts
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Returns the entries of the table C(relay_clientcerts) of Postfix for clients that may relay by their certificate.
  - Each client has two entries, the SHA-256 fingerprints of its certificate and of its key. Postfix must use the same
    digest (C(smtpd_tls_fingerprint_digest)).
  - A renewed certificate has the same key. So a client may relay with the old certificate until it gets the new one.
positional: _input, certificates, revoked
options:
  _input:
    description:
      - The clients. Each is a name, or a dictionary with O(_input[].name) and either O(_input[].certificate) or
        O(_input[].fingerprint).
    type: list
    elements: raw
    required: true
    suboptions:
      name:
        description: Name of the client.
        type: string
      certificate:
        description: Certificate of the client in PEM form, or its chain.
        type: string
      fingerprint:
        description: SHA-256 fingerprint of the client's certificate or public key.
        type: string
  certificates:
    description: The certificates in PEM form, by client name, of the clients that are given by name only.
    type: dictionary
    default: {}
  revoked:
    description:
      - Names of revoked clients and serial numbers of revoked certificates, in hexadecimal. A client of the list that
        is revoked is an error, because Postfix reads no revocation list.
    type: list
    elements: string
    default: []
seealso:
  - plugin: puffy.mail.cert_fingerprint
    plugin_type: filter
  - module: puffy.mail.postmap
"""

EXAMPLES = """
- name: Let two clients relay
  puffy.mail.postmap:
    path: /etc/postfix/relay_clientcerts
    entries: "{{ clients | puffy.mail.relay_clientcerts_entries({'printer': printer}) }}"
  vars:
    printer: "{{ lookup('ansible.builtin.file', 'pki/clients/printer.pem') }}"
    clients:
      - printer
      - name: scanner
        fingerprint: "{{ scanner_fingerprint }}"
"""

RETURN = """
_value:
  description: The name of each client by the fingerprints of its certificate and its key.
  type: dictionary
  sample: {"AF:4B:15:...": printer, "0C:72:9D:...": printer (its key)}
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.module_utils._tls import clients


def relay_clientcerts_entries(
    value: object, certificates: Mapping[str, str] | None = None, revoked: Sequence[str] = ()
) -> dict[str, str]:
    """The table's entries for the clients in ``value``."""
    if not isinstance(value, list):
        raise AnsibleFilterError(
            f"relay_clientcerts_entries: the input must be a list of clients, not {type(value).__name__}"
        )
    try:
        return clients.relay_clients(value, certificates or {}, revoked)
    except ValueError as exc:
        raise AnsibleFilterError(f"relay_clientcerts_entries: {exc}") from exc


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Filter names and their functions."""
        return {"relay_clientcerts_entries": relay_clientcerts_entries}
