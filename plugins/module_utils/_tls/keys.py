# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Public and private keys, and the files they are kept in.

A target may have no cryptography library for Python, and openssl(1) for every file on every run is slow. So keys are
read straight from their DER (RFC 5208, 5915, 5958, 8017, 8410).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ansible_collections.puffy.mail.plugins.module_utils._tls import der, pem

_RSA, _EC = bytes.fromhex("2a864886f70d010101"), bytes.fromhex("2a8648ce3d0201")


class PublicKey(NamedTuple):
    """A public key in a form that compares.

    ``kind`` is ``RSA`` (``value`` is the modulus), ``elliptic-curve`` (the point, compressed), or the object identifier
    in hexadecimal.
    """

    kind: str
    value: bytes

    @property
    def bits(self) -> int:
        """The size of the key in bits; 0 where it is not known."""
        if self.kind == "RSA":
            return int.from_bytes(self.value, "big").bit_length()
        return 8 * (len(self.value) - 1) if self.kind == "elliptic-curve" else 0


def public(info: bytes) -> PublicKey:
    """The key in a SubjectPublicKeyInfo (RFC 5280, section 4.1); ValueError for anything else."""
    parts = der.part(der.values(info), 0, der.SEQUENCE, "the public key").parts()
    algorithm = der.part(parts, 0, der.SEQUENCE, "the algorithm of the public key").parts()
    kind = der.part(algorithm, 0, der.OID, "the algorithm of the public key").content
    bits = der.part(parts, 1, der.BIT_STRING, "the public key itself").content[1:]
    if kind == _RSA:
        return _modulus(bits, 0)
    return PublicKey("elliptic-curve", _point(bits)) if kind == _EC else PublicKey(kind.hex(), bits)


def _modulus(numbers: bytes, index: int) -> PublicKey:
    parts = der.part(der.values(numbers), 0, der.SEQUENCE, "the RSA key").parts()
    return PublicKey("RSA", der.part(parts, index, der.INTEGER, "the RSA modulus").content.lstrip(b"\0"))


def _point(content: bytes) -> bytes:
    """An elliptic-curve point as the parity of y and the x coordinate, however it is written (SEC 1, 2.3.3)."""
    if not content:
        raise ValueError("the elliptic-curve point is empty")
    if content[0] in (2, 3):
        return content
    return bytes([2 + (content[-1] & 1)]) + content[1 : 1 + (len(content) - 1) // 2]


def public_of_private(label: str, content: bytes) -> PublicKey | None:
    """The public key inside a private key; None where it is not there (Ed25519, elliptic-curve keys without it).

    ``label`` is that of the PEM block. ValueError where the content is no such key.
    """
    parts = der.part(der.values(content), 0, der.SEQUENCE, "the private key").parts()
    if label == "RSA PRIVATE KEY":
        return _modulus(content, 1)
    if label == "EC PRIVATE KEY":
        return _ec_public(parts)
    if label != "PRIVATE KEY":
        return None
    algorithm = der.part(parts, 1, der.SEQUENCE, "the algorithm of the key").parts()
    kind = der.part(algorithm, 0, der.OID, "the algorithm of the key").content
    inner = der.part(parts, 2, der.OCTET_STRING, "the private key itself").content
    if kind == _RSA:
        return _modulus(inner, 1)
    if kind == _EC:
        return _ec_public(der.part(der.values(inner), 0, der.SEQUENCE, "the elliptic-curve key").parts())
    for part in parts[3:]:
        # RFC 5958: the public key may follow as [1] IMPLICIT BIT STRING.
        if part.tag == 0x81:
            return PublicKey(kind.hex(), part.content[1:])
    return None


def _ec_public(parts: list[der.Value]) -> PublicKey | None:
    der.part(parts, 1, der.OCTET_STRING, "the private key itself")
    for part in parts[2:]:
        if part.tag == 0xA1:
            point = der.part(part.parts(), 0, der.BIT_STRING, "the elliptic-curve point")
            return PublicKey("elliptic-curve", _point(point.content[1:]))
    return None


def key_problem(text: str, source: str) -> str | None:
    """What keeps ``text`` from being one private key that a daemon can read by itself; None where nothing does."""
    keys = [block for block in pem.blocks(text, source) if block.label in pem.PRIVATE_LABELS]
    if not keys:
        return f"{source}: has no private key; a PEM file with '-----BEGIN PRIVATE KEY-----' is expected"
    if len(keys) > 1:
        return f"{source}: has {len(keys)} private keys; one is expected"
    if keys[0].encrypted:
        return f"{source}: the key is encrypted, and a daemon has nobody to ask for the password; decrypt it first"
    return None


def key_files(types: Sequence[str], key_file: str, chain_file: str) -> list[dict[str, str]]:
    """One entry (type, key_file, chain_file) for each key type.

    The first type has the two paths as they are; for any other the type stands before the suffix.
    """

    def path(text: str, kind: str) -> str:
        if kind == types[0]:
            return text
        directory, separator, base = text.rpartition("/")
        stem, dot, suffix = base.rpartition(".")
        return f"{directory}{separator}{stem}.{kind}.{suffix}" if dot and stem else f"{text}.{kind}"

    return [{"type": kind, "key_file": path(key_file, kind), "chain_file": path(chain_file, kind)} for kind in types]
