# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much one client may ask for, and how much is delivered at a time."""

from __future__ import annotations

from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Part,
    Wishes,
)

_INPUTS = {
    "smtpd_client_auth_rate_limit": "postfix_client_logins",
    "lmtp_destination_concurrency_limit": "postfix_delivery_sessions",
}


def part(wishes: Wishes) -> Part:
    """The limits. Clients in mynetworks are free of those of a client (smtpd_client_event_limit_exceptions)."""
    return Part({name: wishes.number(wish) for name, wish in _INPUTS.items()}, inputs=_INPUTS)


def of_users(wishes: Wishes) -> dict[str, str]:
    """The options of the services for users: each wrong password costs a hash, and each connection a TLS handshake."""
    return {
        "smtpd_client_connection_count_limit": str(wishes.number("postfix_client_connections")),
        "smtpd_client_new_tls_session_rate_limit": str(2 * wishes.number("postfix_client_logins")),
    }


CAPABILITY = Capability("postfix_client_logins", part)
