# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PEM (RFC 7468), read and written."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

_BLOCK = re.compile(
    r"^-----BEGIN (?P<label>[A-Z0-9 #]+)-----[ \t\r]*\n(?P<body>.*?)^-----END (?P<end>[A-Z0-9 #]+)-----[ \t\r]*$",
    re.MULTILINE | re.DOTALL,
)

#: labels of private keys; a private key among certificates must not be copied to a file that everybody reads
PRIVATE_LABELS = ("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY")


@dataclass(frozen=True)
class PemBlock:
    """One PEM block: its label, such as ``CERTIFICATE``, its decoded content, and whether that is encrypted."""

    label: str
    der: bytes
    encrypted: bool


def blocks(text: str, source: str) -> list[PemBlock]:
    """The PEM blocks of ``text`` in order. Text between them is a comment (RFC 7468, section 2).

    ``source`` names the text in the ValueError that a damaged block raises.
    """
    found = []
    matched = 0
    for match in _BLOCK.finditer(text.replace("\r\n", "\n")):
        matched += 1
        label, body = match["label"], match["body"]
        if match["end"] != label:
            raise ValueError(f"{source}: the PEM block that begins as {label!r} ends as {match['end']!r}")
        headers, separator, rest = body.partition("\n\n")
        if separator and ":" in headers:
            body = rest
        else:
            headers = ""
        try:
            der = base64.b64decode("".join(body.split()), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError(f"{source}: PEM block {matched} ({label}) is damaged: it is not base64") from None
        found.append(PemBlock(label, der, label.startswith("ENCRYPTED ") or "ENCRYPTED" in headers))
    if text.count("-----BEGIN ") != matched:
        raise ValueError(f"{source}: a PEM block begins and does not end; the file is truncated or damaged")
    return found


def certificates(text: str, source: str) -> list[bytes]:
    """The DER form of every certificate in ``text``, in order; ValueError where there is no certificate."""
    found = [block.der for block in blocks(text, source) if block.label in ("CERTIFICATE", "X509 CERTIFICATE")]
    if not found:
        raise ValueError(f"{source}: has no certificate; a PEM file with '-----BEGIN CERTIFICATE-----' is expected")
    return found


def render(der: bytes, label: str = "CERTIFICATE") -> str:
    """``der`` as a PEM block with lines of 64 characters and a final newline."""
    lines = re.findall(".{1,64}", base64.b64encode(der).decode("ascii"))
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])
