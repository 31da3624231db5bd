# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Password hashes for Dovecot, made on the control side; a hash that still fits is kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

#: bcrypt reads no more than this of a password (crypt_blowfish, OpenBSD crypt(3))
BCRYPT_BYTES = 72

_BCRYPT = re.compile(r"(?:\{(?:BLF-CRYPT|CRYPT)\})?(\$2[abxy]\$(\d\d)\$[./A-Za-z0-9]{53})\Z")


def _encoded(password: Any, where: str) -> bytes:
    if not isinstance(password, str) or not password:
        raise ValueError(f"{where} has a password that is empty or no text. Use a text of 1 to 72 bytes")
    data = password.encode("utf-8")
    if len(data) > BCRYPT_BYTES:
        raise ValueError(
            f"{where} has a password of {len(data)} bytes; bcrypt reads the first {BCRYPT_BYTES} only."
            " Use a shorter password, or the hash of another scheme as password_hash"
        )
    if b"\0" in data:
        raise ValueError(f"{where} has a password with a NUL, where bcrypt would stop reading. Use one without")
    return data


def fits(password: bytes, known: str, bcrypt: Any) -> bool:
    """Whether ``known`` is a bcrypt hash of ``password``."""
    match = _BCRYPT.match(known)
    return match is not None and bool(bcrypt.checkpw(password, match.group(1).encode()))


def hashed_mailboxes(
    mailboxes: Iterable[Mapping[str, Any]], known_hashes: Mapping[str, str], scheme: str, cost: int, bcrypt: Any
) -> list[dict[str, Any]]:
    """Return ``mailboxes`` with ``password_hash`` in the place of ``password``.

    ``known_hashes`` is what the host has, by address; a hash that verifies is kept whatever its cost.
    ``bcrypt`` is the package of that name. Raises ValueError; no message holds a password.
    """
    if scheme not in ("BLF-CRYPT", "CRYPT"):
        raise ValueError(f"the password scheme {scheme!r} cannot be made here. Use 'BLF-CRYPT' or 'CRYPT'")
    if isinstance(cost, bool) or not 4 <= int(cost) <= 31:
        raise ValueError(f"the cost {cost!r} is not one of bcrypt's. Use a number from 4 to 31, such as 12")
    rows = []
    for entry in mailboxes:
        row = {key: value for key, value in entry.items() if key != "password"}
        if entry.get("password") is not None:
            address = str(entry.get("address", "")).lower()
            password = _encoded(entry["password"], f"the mailbox {address!r}")
            known = known_hashes.get(address, "")
            if not fits(password, known, bcrypt):
                # "$2b$" is what OpenBSD's crypt(3) and libxcrypt both verify; OpenBSD knows no "$2y$".
                known = f"{{{scheme}}}{bcrypt.hashpw(password, bcrypt.gensalt(int(cost), prefix=b'2b')).decode()}"
            row["password_hash"] = known
        rows.append(row)
    return rows
