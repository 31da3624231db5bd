# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
name: tls_statistics
short_description: Count Postfix's TLS connections by protocol and cipher
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Counts the TLS connections in a mail log by direction, protocol and cipher.
  - Postfix logs TLS connections if C(smtpd_tls_loglevel) and C(smtp_tls_loglevel) are 1 or more.
  - The result shows which connections a stricter C(smtpd_tls_protocols) or C(smtpd_tls_ciphers) would end.
options:
  _input:
    description: The text of a mail log, or a list of its lines.
    type: raw
    required: true
seealso:
  - plugin: puffy.mail.maillog_problems
    plugin_type: filter
"""

EXAMPLES = """
- name: Show which protocols and ciphers were used
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', 'mail.log') | puffy.mail.tls_statistics }}"
"""

RETURN = """
_value:
  description: One entry for each kind of connection, the most frequent first.
  type: list
  elements: dict
  contains:
    direction:
      description: C(inbound) for clients of this host, C(outbound) for servers it delivers to.
      type: str
    protocol:
      description: The protocol, such as C(TLSv1.3).
      type: str
    cipher:
      description: The cipher in OpenSSL's naming.
      type: str
    count:
      description: Number of connections.
      type: int
  sample:
    - direction: inbound
      protocol: TLSv1.3
      cipher: TLS_AES_256_GCM_SHA384
      count: 12
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.module_utils._probe import mail_log


def tls_statistics(value: object) -> list[dict[str, Any]]:
    """How often each protocol and cipher was used."""
    try:
        return [asdict(use) for use in mail_log.tls_statistics(mail_log.lines_of(value))]
    except ValueError as exc:
        raise AnsibleFilterError(f"tls_statistics: {exc}") from exc


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Names to functions."""
        return {"tls_statistics": tls_statistics}
