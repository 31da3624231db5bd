# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""DER: what is written is read, and what is not DER is named."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.puffy.mail.plugins.module_utils._tls import der


@given(st.integers(0, 255), st.binary(max_size=300), st.integers(0, 2**300))
def test_what_is_encoded_is_read(tag: int, content: bytes, number: int) -> None:
    data = der.encode(tag, content) + der.encode_integer(number)
    first, second = der.values(data)
    assert (first.tag, first.content) == (tag, content)
    assert (second.tag, int.from_bytes(second.content, "big", signed=True)) == (der.INTEGER, number)
    assert first.whole + second.whole == data
    (outer,) = der.values(der.encode(der.SEQUENCE, data))
    assert outer.parts() == [first, second]


def test_a_long_value_has_a_long_length() -> None:
    assert der.encode(der.OCTET_STRING, bytes(0x1234))[:4] == b"\x04\x82\x12\x34"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x30\x05\x30", "a DER value is cut short"),
        (b"\x30", "a DER value is cut short"),
        (b"\x30\x85\x01\x01\x01\x01\x01", "a DER length is not valid"),
        (b"\x30\x80", "a DER length is not valid"),
        (b"\x30\x82\x01", "a DER length is not valid"),
    ],
)
def test_what_is_not_der(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        der.values(data)


def test_a_part_that_is_not_there_is_named() -> None:
    found = der.values(der.encode_integer(1))
    assert der.part(found, 0, der.INTEGER, "the number").content == b"\x01"
    for index, tag in ((1, der.INTEGER), (0, der.OID)):
        with pytest.raises(ValueError, match=r"^the number is missing$"):
            der.part(found, index, tag, "the number")
