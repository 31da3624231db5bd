# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DER (X.690), read and written: only what certificates, keys and DH parameters need."""

from __future__ import annotations

from typing import NamedTuple

INTEGER, BIT_STRING, OCTET_STRING, OID, SEQUENCE = 0x02, 0x03, 0x04, 0x06, 0x30
BOOLEAN, UTC_TIME, GENERALIZED_TIME, BMP_STRING = 0x01, 0x17, 0x18, 0x1E


class Value(NamedTuple):
    """One DER value: its tag, its content, and the bytes of the whole value."""

    tag: int
    content: bytes
    whole: bytes

    def parts(self) -> list[Value]:
        """The values inside this one; ValueError where it does not consist of values."""
        return values(self.content)


def values(data: bytes) -> list[Value]:
    """The DER values in ``data``, one after the other; ValueError where they do not fill it."""
    found = []
    begin = 0
    while begin < len(data):
        header = data[begin : begin + 2]
        if len(header) < 2:
            raise ValueError("a DER value is cut short")
        length, start = header[1], begin + 2
        if length & 0x80:
            octets = length & 0x7F
            if not 1 <= octets <= 4 or start + octets > len(data):
                raise ValueError("a DER length is not valid")
            length, start = int.from_bytes(data[start : start + octets], "big"), start + octets
        end = start + length
        if end > len(data):
            raise ValueError("a DER value is cut short")
        found.append(Value(header[0], data[start:end], data[begin:end]))
        begin = end
    return found


def part(found: list[Value], index: int, tag: int, what: str) -> Value:
    """The value at ``index``; ValueError, which names ``what`` is missing, where it does not have ``tag``."""
    if index >= len(found) or found[index].tag != tag:
        raise ValueError(f"{what} is missing")
    return found[index]


def encode(tag: int, content: bytes) -> bytes:
    """The DER value with this tag and content."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(digits)]) + digits + content


def encode_integer(number: int) -> bytes:
    """The DER value of a number that is not negative."""
    return encode(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))
