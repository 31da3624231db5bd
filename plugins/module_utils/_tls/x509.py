# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The few fields of certificates and private keys that tell whether a server can use them.

A target may have no cryptography library for Python, and running openssl(1) for every file on every run is slow, so
the dates and the public key are read straight from the DER (X.690; RFC 5280, 5208, 5915, 5958, 8017, 8410). Nothing
is verified here, and no signature is looked at.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass

_SEQUENCE, _INTEGER, _BIT_STRING, _OCTET_STRING, _OID = 0x30, 0x02, 0x03, 0x04, 0x06
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18

_RSA = bytes.fromhex("2a864886f70d010101")
_EC = bytes.fromhex("2a8648ce3d0201")


@dataclass(frozen=True)
class PublicKey:
    """A public key in a form that compares: ``kind`` is rsa, ec or the object identifier in hexadecimal."""

    kind: str
    value: bytes


@dataclass(frozen=True)
class Certificate:
    """``not_before`` and ``not_after`` are in seconds since the epoch."""

    not_before: int
    not_after: int
    public_key: PublicKey


@dataclass(frozen=True)
class _Value:
    tag: int
    content: bytes

    def parts(self) -> list[_Value]:
        return list(_values(self.content))


def _values(data: bytes) -> Iterator[_Value]:
    """The DER values in ``data``, one after the other; ValueError where they do not fill it."""
    position = 0
    while position < len(data):
        header = data[position : position + 2]
        if len(header) < 2:
            raise ValueError("a DER value is cut short")
        length, position = header[1], position + 2
        if length & 0x80:
            octets = length & 0x7F
            if not 1 <= octets <= 4 or position + octets > len(data):
                raise ValueError("a DER length is not valid")
            length = int.from_bytes(data[position : position + octets], "big")
            position += octets
        if position + length > len(data):
            raise ValueError("a DER value is cut short")
        yield _Value(header[0], data[position : position + length])
        position += length


def _one(data: bytes, tag: int, what: str) -> _Value:
    found = list(_values(data))
    if not found or found[0].tag != tag:
        raise ValueError(f"{what} was expected")
    return found[0]


def _part(parts: list[_Value], index: int, tag: int, what: str) -> _Value:
    if index >= len(parts) or parts[index].tag != tag:
        raise ValueError(f"{what} was expected")
    return parts[index]


def _time(value: _Value) -> int:
    """UTCTime or GeneralizedTime in seconds since the epoch (RFC 5280, section 4.1.2.5)."""
    text = value.content.decode("ascii", "replace")
    if value.tag == _UTC_TIME:
        match = re.fullmatch(r"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z", text)
        century = "" if match is None else "19" if int(match[1]) >= 50 else "20"
    else:
        match = re.fullmatch(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z", text)
        century = ""
    if match is None or value.tag not in (_UTC_TIME, _GENERALIZED_TIME):
        raise ValueError(f"the date {text!r} is not in the form of RFC 5280")
    year, month, day, hour, minute, second = (int(part) for part in (century + match[1], *match.groups()[1:]))
    return calendar.timegm((year, month, day, hour, minute, second, 0, 0, 0))


def _point(content: bytes) -> bytes:
    """An elliptic-curve point as its x coordinate and the parity of y, however it is written (SEC 1, 2.3.3)."""
    if not content:
        raise ValueError("the elliptic-curve point is empty")
    if content[0] in (2, 3):
        return content
    half = (len(content) - 1) // 2
    return bytes([2 + (content[-1] & 1)]) + content[1 : 1 + half]


def _number(value: _Value) -> bytes:
    return value.content.lstrip(b"\0")


def certificate(der: bytes) -> Certificate:
    """Read a certificate; ValueError, saying what is missing, for anything else."""
    outer = _one(der, _SEQUENCE, "a certificate")
    body = _part(outer.parts(), 0, _SEQUENCE, "the body of a certificate").parts()
    if body and body[0].tag == 0xA0:
        del body[0]
    dates = _part(body, 3, _SEQUENCE, "the validity of the certificate").parts()
    if len(dates) != 2:
        raise ValueError("the validity of the certificate was expected")
    key = _part(body, 5, _SEQUENCE, "the public key of the certificate").parts()
    algorithm = _part(key, 0, _SEQUENCE, "the algorithm of the public key").parts()
    oid = _part(algorithm, 0, _OID, "the algorithm of the public key").content
    bits = _part(key, 1, _BIT_STRING, "the bits of the public key").content[1:]
    return Certificate(_time(dates[0]), _time(dates[1]), _public(oid, bits))


def _public(oid: bytes, bits: bytes) -> PublicKey:
    if oid == _RSA:
        numbers = _one(bits, _SEQUENCE, "an RSA key").parts()
        return PublicKey("rsa", _number(_part(numbers, 0, _INTEGER, "an RSA modulus")))
    if oid == _EC:
        return PublicKey("ec", _point(bits))
    return PublicKey(oid.hex(), bits)


def public_of_private(label: str, der: bytes) -> PublicKey | None:
    """The public key inside a private key, or None where the file does not hold it (Ed25519, bare EC keys).

    ``label`` is that of the PEM block. ValueError where the content is no such key.
    """
    parts = _one(der, _SEQUENCE, "a private key").parts()
    if label == "RSA PRIVATE KEY":
        return PublicKey("rsa", _number(_part(parts, 1, _INTEGER, "an RSA modulus")))
    if label == "EC PRIVATE KEY":
        return _ec_public(parts)
    if label != "PRIVATE KEY":
        return None
    oid = _part(_part(parts, 1, _SEQUENCE, "the algorithm of the key").parts(), 0, _OID, "the algorithm of the key")
    inner = _part(parts, 2, _OCTET_STRING, "the private key itself").content
    if oid.content == _RSA:
        numbers = _one(inner, _SEQUENCE, "an RSA key").parts()
        return PublicKey("rsa", _number(_part(numbers, 1, _INTEGER, "an RSA modulus")))
    if oid.content == _EC:
        return _ec_public(_one(inner, _SEQUENCE, "an EC key").parts())
    for part in parts[3:]:
        # RFC 5958: the public key may follow as [1] IMPLICIT BIT STRING.
        if part.tag == 0x81:
            return PublicKey(oid.content.hex(), part.content[1:])
    return None


def _ec_public(parts: list[_Value]) -> PublicKey | None:
    _part(parts, 1, _OCTET_STRING, "the private key itself")
    for part in parts[2:]:
        if part.tag == 0xA1:
            return PublicKey("ec", _point(_one(part.content, _BIT_STRING, "an EC point").content[1:]))
    return None
