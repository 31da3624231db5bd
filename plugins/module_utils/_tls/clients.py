# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that may relay by their certificate."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._tls import pem, x509
from ansible_collections.puffy.mail.plugins.module_utils._tls.names import client_name

_FINGERPRINT = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2}){31}\Z")


def fingerprint(value: str, who: str) -> str:
    """A SHA-256 fingerprint as Postfix writes it. ValueError, which begins with ``who``, for any other text."""
    text = value.strip().upper()
    if re.fullmatch(r"[0-9A-F]{64}", text):
        text = ":".join(re.findall("..", text))
    if not _FINGERPRINT.match(text):
        raise ValueError(
            f"{who}: the fingerprint is {value!r}, which is not a SHA-256 fingerprint. Use 32 pairs of hexadecimal"
            " digits, joined by colons"
        )
    return text


def relay_client(entry: Any) -> tuple[str, str, str]:
    """Name, certificate (PEM; of a chain the first counts) and SHA-256 fingerprint of one client.

    One of the latter two is empty, and both are where the client is given by its name only. ``entry`` is a name, or a
    dictionary of ``name`` and either ``certificate`` or ``fingerprint``. ValueError for anything else.
    """
    right = "Use a name such as 'printer', or a name with a certificate or a fingerprint"
    given: Mapping[str, Any] = {"name": entry} if isinstance(entry, str) else entry
    if not isinstance(given, Mapping) or not isinstance(given.get("name"), str):
        raise ValueError(f"{entry!r} is not a client. {right}")
    name = client_name(given["name"])
    odd = sorted(set(given) - {"name", "certificate", "fingerprint"})
    if odd or ("certificate" in given and "fingerprint" in given):
        raise ValueError(
            f"client {name!r} has {', '.join(map(repr, odd)) or 'a certificate and a fingerprint'}. {right}"
        )
    if "fingerprint" in given:
        return name, "", fingerprint(str(given["fingerprint"]), f"client {name!r}")
    text = str(given.get("certificate", ""))
    if "certificate" in given:
        pem.certificates(text, f"the certificate of client {name!r}")
    return name, text, ""


def relay_clients(entries: Iterable[Any], found: Mapping[str, str], revoked: Iterable[Any] = ()) -> dict[str, str]:
    """The entries of the table ``relay_clientcerts``: fingerprints, and the name of the client each belongs to.

    A certificate stands there twice, by its own fingerprint and by that of its key, which Postfix looks up too
    (postconf(5), relay_clientcerts). What renews a certificate keeps the key, so the client goes on with the old one
    until it was given the new one.

    ``found`` holds the certificates, in PEM form, of clients that are given by name only. ``revoked`` are names of such
    clients and serial numbers in hexadecimal. ValueError where a certificate is missing or revoked, and where a client
    or a certificate is there twice.
    """
    gone = {str(item) for item in revoked}
    serials = {item.replace(":", "").upper().lstrip("0") for item in gone}
    table: dict[str, str] = {}
    names: set[str] = set()
    for entry in entries:
        name, text, digits = relay_client(entry)
        source = f"the certificate of client {name!r}"
        if not digits and not text:
            if name in gone:
                raise ValueError(f"client {name!r} is revoked. Remove it from the clients that may relay")
            text = found.get(name, "")
            if not text:
                raise ValueError(f"client {name!r}: no certificate was found. Issue it, or give it with the name")
        rows = {digits: name}
        if text:
            certificate = x509.load(text, source)
            if f"{certificate.serial:X}" in serials:
                raise ValueError(
                    f"client {name!r}: its certificate, number {certificate.serial:X}, is revoked. Remove it from"
                    " the clients that may relay"
                )
            rows = {
                x509.fingerprint(certificate.der): name,
                x509.fingerprint(certificate.public_key): f"{name} (its key)",
            }
        for row in rows:
            if row in table:
                raise ValueError(f"client {name!r} has the same certificate or key as {table[row]!r}")
        if name in names:
            raise ValueError(f"client {name!r} is in the list twice")
        names.add(name)
        table.update(rows)
    return table
