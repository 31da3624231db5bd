# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What port 25 asks of a client, by the stage of the session."""

from __future__ import annotations

import re

from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities import client_certificates
from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Part,
    Wishes,
)

#: a server that check_policy_service asks, with its options in braces or without (SMTPD_POLICY_README)
POLICY_SERVICE = re.compile(r"(unix|inet):[^\s,{}]+|\{\s*(unix|inet):[^\s,{}]+(\s*,\s*\w+\s*=\s*[^,{}]+)*\s*\}")
_TABLE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*:")


def _own_senders(wishes: Wishes) -> list[str]:
    """What refuses a stranger's sender in a domain of this host.

    A table of domains answers with anything; pipemap makes that a refusal.
    """
    if not wishes.yes("postfix_reject_own_senders"):
        return []
    domains = [*wishes.words("postfix_local_domains"), *wishes.words("postfix_virtual_mailbox_domains")]
    tables = [f"check_sender_access pipemap:{{{name},static:REJECT}}" for name in domains if _TABLE.match(name)]
    names = [f"check_sender_access inline:{{{name}=REJECT}}" for name in domains if not _TABLE.match(name)]
    return [*client_certificates.permits(wishes, on_port_25=True), *tables, *names]


def part(wishes: Wishes) -> Part:
    """The lists."""
    permits = client_certificates.permits(wishes, on_port_25=True)
    own_senders = _own_senders(wishes)
    unknown = ["reject_unknown_sender_domain"] if wishes.yes("postfix_reject_unknown_sender_domain") else []
    return Part(
        {
            "smtpd_helo_restrictions": ["permit_mynetworks", "reject_invalid_helo_hostname"],
            "smtpd_sender_restrictions": [
                "permit_mynetworks",
                "reject_non_fqdn_sender",
                *own_senders,
                *unknown,
            ],
            "smtpd_relay_restrictions": [
                "permit_mynetworks",
                "permit_sasl_authenticated",
                *permits,
                "reject_unauth_destination",
            ],
            "smtpd_recipient_restrictions": [
                "reject_non_fqdn_recipient",
                "permit_mynetworks",
                *permits,
                "reject_unauth_destination",
                *(f"check_policy_service {server}" for server in wishes.words("postfix_policy_services")),
            ],
            "smtpd_data_restrictions": ["reject_unauth_pipelining"],
        }
    )


CAPABILITY = Capability("postfix_reject_unknown_sender_domain", part)
