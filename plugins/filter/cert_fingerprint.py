# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
name: cert_fingerprint
short_description: Fingerprint of a certificate as Postfix looks it up
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Returns the fingerprint of a certificate. C(relay_clientcerts), C(check_ccert_access) and the C(fingerprint)
    security level of Postfix use such fingerprints.
  - Postfix must use the same digest. Set it with C(smtpd_tls_fingerprint_digest). The default of Postfix is C(md5) in
    version 3.5, and in later versions below compatibility level 3.6.
positional: _input, digest
options:
  _input:
    description: The certificate in PEM form. The filter uses the first certificate of a chain.
    type: string
    required: true
  digest:
    description: The digest to use.
    type: string
    default: sha256
    choices: [sha256, sha384, sha512, sha1, md5]
seealso:
  - module: puffy.mail.private_ca
"""

EXAMPLES = """
- name: List the client certificates that may relay
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', 'pki/clients/printer.pem') | puffy.mail.cert_fingerprint }}"
"""

RETURN = """
_value:
  description: The digest of the certificate's DER form, as upper case pairs of hexadecimal digits joined by colons.
  type: string
  sample: "AF:4B:15:..."
"""

from collections.abc import Callable

from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.module_utils._tls import pem, x509


def cert_fingerprint(value: object, digest: str = "sha256") -> str:
    """Fingerprint of the first certificate in the PEM text ``value``."""
    if not isinstance(value, str):
        raise AnsibleFilterError(
            f"cert_fingerprint: the input must be a certificate in PEM form, not {type(value).__name__}"
        )
    try:
        return x509.fingerprint(pem.certificates(value, "the input")[0], digest)
    except ValueError as exc:
        raise AnsibleFilterError(f"cert_fingerprint: {exc}") from exc


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Filter names and their functions."""
        return {"cert_fingerprint": cert_fingerprint}
