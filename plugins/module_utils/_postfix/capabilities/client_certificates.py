# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that may relay by their certificate, and the services that ask for one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import listed
from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Part,
    Problem,
    Table,
    Wishes,
)
from ansible_collections.puffy.mail.plugins.module_utils._tls import clients

_DIGEST = "smtpd_tls_fingerprint_digest"
_ACCESS = "/etc/postfix/client_certificate_access"
_AUTHORITIES = {
    "smtpd_tls_CAfile": "postfix_tls_client_ca_file",
    "smtpd_tls_CApath": "postfix_tls_client_ca_directory",
}


#: What lets a client pass in a table of access(5).
_PERMITS = re.compile(r"ok|\d+|permit.*", re.IGNORECASE)


def wished(wishes: Wishes) -> list[str]:
    """The inputs that need a service which asks for certificates."""
    used = {
        "postfix_relay_clients": wishes.words("postfix_relay_clients"),
        "postfix_tls_client_access": wishes.mapping("postfix_tls_client_access"),
        "postfix_tls_all_client_certificates": wishes.yes("postfix_tls_all_client_certificates"),
        "postfix_tls_client_certificates": wishes.text("postfix_tls_client_certificates"),
    }
    return [name for name, value in used.items() if value]


def _services(wishes: Wishes) -> list[str]:
    """The services (smtp, submission, submissions) that there are."""
    return ["smtp", *(name for name in ("submission", "submissions") if wishes.yes(f"postfix_{name}"))]


def asks(wishes: Wishes, service: str) -> bool:
    """Whether the service asks for a certificate."""
    return bool(wished(wishes)) and service in wishes.words("postfix_tls_client_services")


def access(wishes: Wishes, service: str) -> list[str]:
    """The restriction that looks up each certificate; it comes before any that permits."""
    there = wishes.mapping("postfix_tls_client_access") and asks(wishes, service)
    return [f"check_ccert_access texthash:{_ACCESS}"] if there else []


def permits(wishes: Wishes, service: str) -> list[str]:
    """The restrictions that let such clients relay, where the service asks for certificates: with
    ``smtpd_tls_ask_ccert = no`` Postfix warns of them."""
    found = []
    if asks(wishes, service):
        if wishes.words("postfix_relay_clients"):
            found.append("permit_tls_clientcerts")
        if wishes.yes("postfix_tls_all_client_certificates"):
            found.append("permit_tls_all_clientcerts")
    return found


def serves(wishes: Wishes, service: str) -> bool:
    """Whether some client may send through the service by its certificate."""
    actions = wishes.mapping("postfix_tls_client_access").values() if asks(wishes, service) else ()
    return bool(permits(wishes, service)) or any(_PERMITS.fullmatch(str(action).strip()) for action in actions)


def asking(wishes: Wishes, service: str) -> dict[str, Any]:
    """The fields of the service that ask for a certificate, or that make sure the service does not ask."""
    names = ["smtpd_tls_ask_ccert", "smtpd_tls_req_ccert"]
    if not asks(wishes, service):
        return {"options": {}, "options_absent": names}
    if wishes.text("postfix_tls_client_certificates") == "require":
        return {"options": dict.fromkeys(names, "yes"), "options_absent": []}
    return {"options": {names[0]: "yes"}, "options_absent": names[1:]}


def problems(wishes: Wishes) -> Iterable[Problem]:
    """Revoked clients, certificates that nobody asks for, and certificates required where they cannot be."""
    yield from _unasked(wishes)
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
    if wish != "require":
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


def _unasked(wishes: Wishes) -> Iterable[Problem]:
    """Wishes for certificates without a service that asks for one, and a digest that no entry has."""
    there, chosen = _services(wishes), wishes.words("postfix_tls_client_services")
    if not set(there) & set(chosen):
        for name in wished(wishes):
            yield (
                name,
                f"is set, and no service asks clients for a certificate: postfix_tls_client_services has"
                f" {listed(chosen, 'and') if chosen else 'no entry'}, and this host has {listed(there, 'and')}. Set"
                " postfix_tls_client_services to services of the host, or switch on postfix_submission or"
                f" postfix_submissions, or remove {name}.",
            )
    digest = wishes.mapping("postfix_parameters").get(_DIGEST, "sha256")
    if digest != "sha256" and {"postfix_relay_clients", "postfix_tls_client_access"} & set(wished(wishes)):
        yield (
            "postfix_parameters",
            f": {_DIGEST} is {digest!r}, and the fingerprints in postfix_relay_clients and postfix_tls_client_access"
            f" are SHA-256. Remove {_DIGEST}.",
        )


def part(wishes: Wishes) -> Part:
    """The CAs that the server trusts clients by, and the table of the clients."""
    parameters: dict[str, object] = {}
    parameters.update({name: wishes.text(wish) for name, wish in _AUTHORITIES.items() if wishes.text(wish)})
    given = wishes.mapping("postfix_tls_client_access")
    entries = {clients.fingerprint(key, "postfix_tls_client_access"): action for key, action in given.items()}
    if any(asks(wishes, service) for service in _services(wishes)):
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
