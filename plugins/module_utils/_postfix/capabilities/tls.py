# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS of the servers and of the clients: keys, protocols, ciphers, and the CAs that the client trusts."""

from __future__ import annotations

from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Part,
    Wishes,
)
from ansible_collections.puffy.mail.plugins.module_utils._tls import policy


def part(wishes: Wishes) -> Part:
    """The profile's parameters with the keys, and what older guides set instead."""
    first = {
        "key_file": wishes.text("postfix_tls_key_file"),
        "chain_file": wishes.text("postfix_tls_chain_file"),
    }
    parameters = policy.postfix_parameters(
        wishes.text("postfix_tls_profile"),
        [first, *wishes.words("postfix_tls_other_keys")],
        cache=policy.cache_type(wishes.facts.cache_type, wishes.facts.table_types),
        dhparam_file=wishes.text("postfix_tls_dhparam_file"),
    )
    # OpenSSL 3 and LibreSSL 4 refuse by themselves that a client negotiates again and again in one session.
    if wishes.facts.tls_library.startswith("OpenSSL 1.1."):
        options = parameters.get("tls_ssl_options")
        parameters["tls_ssl_options"] = f"{options}, NO_RENEGOTIATION" if options else "NO_RENEGOTIATION"
    for name, wish in (("smtp_tls_CAfile", "postfix_tls_ca_file"), ("smtp_tls_CApath", "postfix_tls_ca_directory")):
        if wishes.text(wish):
            parameters[name] = wishes.text(wish)
    return Part(parameters, absent=policy.postfix_absent(parameters))


CAPABILITY = Capability("postfix_tls_profile", part)
