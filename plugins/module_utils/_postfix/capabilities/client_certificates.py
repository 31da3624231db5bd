# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that may relay by their certificate, and the services that ask for one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Part,
    Problem,
    Table,
    Wishes,
)

_ACCESS = "/etc/postfix/client_certificate_access"
_AUTHORITIES = {
    "smtpd_tls_CAfile": "postfix_tls_client_ca_file",
    "smtpd_tls_CApath": "postfix_tls_client_ca_directory",
}


def _asked(wishes: Wishes) -> bool:
    """Whether a certificate matters at all."""
    return bool(
        wishes.words("postfix_relay_clients")
        or wishes.yes("postfix_tls_all_client_certificates")
        or wishes.mapping("postfix_tls_client_access")
    )


def permits(wishes: Wishes, *, on_port_25: bool) -> list[str]:
    """The restriction that lets such clients relay, where the server asks for certificates: with
    ``smtpd_tls_ask_ccert = no`` Postfix warns of it."""
    if on_port_25 and "smtp" not in wishes.words("postfix_tls_client_services"):
        return []
    found = []
    if wishes.mapping("postfix_tls_client_access"):
        found.append(f"check_ccert_access texthash:{_ACCESS}")
    if wishes.words("postfix_relay_clients"):
        found.append("permit_tls_clientcerts")
    if wishes.yes("postfix_tls_all_client_certificates"):
        found.append("permit_tls_all_clientcerts")
    return found


def asking(wishes: Wishes, service: str) -> dict[str, Any]:
    """The fields of the service (smtp, submission, submissions) that ask for a certificate, or that make sure the
    service does not ask."""
    names = ["smtpd_tls_ask_ccert", "smtpd_tls_req_ccert"]
    if not _asked(wishes) or service not in wishes.words("postfix_tls_client_services"):
        return {"options": {}, "options_absent": names}
    if wishes.text("postfix_tls_client_certificates") == "require":
        return {"options": dict.fromkeys(names, "yes"), "options_absent": []}
    return {"options": {names[0]: "yes"}, "options_absent": names[1:]}


def problems(wishes: Wishes) -> Iterable[Problem]:
    """Revoked clients in the list, and certificates required where they cannot be."""
    relaying, wish = wishes.words("postfix_relay_clients"), wishes.text("postfix_tls_client_certificates")
    revoked = wishes.words("postfix_relay_clients_revoked")
    for client in relaying:
        if isinstance(client, str) and client in revoked:
            yield (
                "postfix_relay_clients",
                f"has {client!r}, whose certificate is revoked, and Postfix reads no revocation list. Take {client!r}"
                " out.",
            )
    trusting = wishes.text("postfix_tls_client_ca_file") or wishes.text("postfix_tls_client_ca_directory")
    if wishes.yes("postfix_tls_all_client_certificates") and not trusting:
        yield (
            "postfix_tls_all_client_certificates",
            "is true, and there is no CA that Postfix could trust the certificates by. Name one with"
            " postfix_tls_client_ca_file or postfix_tls_client_ca_directory.",
        )
    if wish != "require" or not _asked(wishes):
        return
    if not trusting:
        yield (
            "postfix_tls_client_certificates",
            "is 'require', and there is no CA that Postfix could trust the certificates by. Name one with"
            " postfix_tls_client_ca_file or postfix_tls_client_ca_directory.",
        )
    if "smtp" in wishes.words("postfix_tls_client_services"):
        yield (
            "postfix_tls_client_certificates",
            "is 'require' with 'smtp' in postfix_tls_client_services, and other hosts have no certificate of yours"
            " (TLS is optional on port 25: RFC 3207, section 4). Use 'ask', or leave 'smtp' out.",
        )


def part(wishes: Wishes) -> Part:
    """The CAs that the server trusts clients by, and the table of the clients."""
    parameters: dict[str, object] = {}
    parameters.update({name: wishes.text(wish) for name, wish in _AUTHORITIES.items() if wishes.text(wish)})
    entries = wishes.mapping("postfix_tls_client_access")
    if _asked(wishes):
        parameters["smtpd_tls_ccert_verifydepth"] = wishes.number("postfix_tls_client_verify_depth")
    if wishes.words("postfix_relay_clients"):
        parameters["relay_clientcerts"] = wishes.text("relay_clients_table")
    return Part(
        parameters,
        absent=(*_AUTHORITIES, "smtpd_tls_ccert_verifydepth", "relay_clientcerts"),
        tables=[Table(_ACCESS, "texthash", entries)] if entries else (),
        inputs=_AUTHORITIES,
    )


CAPABILITY = Capability("postfix_relay_clients", part, problems)
