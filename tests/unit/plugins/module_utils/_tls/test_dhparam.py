# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""DH parameters: the groups of the RFCs, the proof of a safe prime, PEM and DER."""

from __future__ import annotations

import contextlib
import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.puffy.mail.plugins.module_utils._tls import dhparam as dh

#: the first 64 bits of e and pi that the RFCs' primes begin with, after the 64 ones
E_HEAD, PI_HEAD = "ADF85458A2BB4A9A", "C90FDAA22168C234"


@pytest.mark.parametrize("name", dh.GROUPS)
def test_groups_have_the_form_of_rfc_7919(name: str) -> None:
    group = dh.group(name)
    text = f"{group.p:X}"
    assert group.bits == int(name[5:])
    assert text.startswith("F" * 16 + E_HEAD)
    assert text.endswith("F" * 16)
    assert dh.known_group(group) == name
    # RFC 7919, appendix A: every prime is 23 modulo 24, so that 2 generates the large subgroup.
    assert group.p % 24 == 23


@pytest.mark.parametrize("name", ["ffdhe2048", "ffdhe3072"])
def test_groups_are_safe_primes(name: str) -> None:
    assert dh.is_safe_prime(dh.group(name).p, rounds=2)


@pytest.mark.parametrize("bits", [1536, 2048])
def test_groups_of_rfc_3526_are_known_and_safe(bits: int) -> None:
    group = dh._modp(bits)
    assert f"{group.p:X}".startswith("F" * 16 + PI_HEAD)
    assert dh.known_group(group) == f"modp{bits}"
    assert dh.is_safe_prime(group.p, rounds=2)


@pytest.mark.parametrize("name", ["ffdhe1024", "FFDHE2048", "modp2048", ""])
def test_other_groups_are_named_in_the_error(name: str) -> None:
    expected = f"the group is {name!r}. Use ffdhe2048, ffdhe3072, ffdhe4096, ffdhe6144, ffdhe8192"
    with pytest.raises(ValueError, match=f"^{expected}$"):
        dh.group(name)


def test_safe_primes_below_4000_are_found_and_no_others() -> None:
    def prime(number: int) -> bool:
        return number > 1 and all(number % divisor for divisor in range(2, int(number**0.5) + 1))

    for number in range(2, 4000):
        assert dh.is_safe_prime(number) == (prime(number) and prime((number - 1) // 2)), number


#: p and (p-1)/2: a prime that is not safe; Carmichael numbers; a strong pseudoprime to the bases 2 to 37
@pytest.mark.parametrize(
    "number", [2**521 - 1, 561, 1729, 3215031751, 318665857834031151167461, 2 * 318665857834031151167461 + 1]
)
def test_what_is_no_safe_prime_is_refused(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # The bases of Miller-Rabin are the same in every run of the test.
    monkeypatch.setattr(dh.secrets, "randbelow", random.Random(11).randrange)  # noqa: S311
    assert not dh.is_safe_prime(number)


PROBLEMS = [
    (dh.DhParameters(dh.group("ffdhe2048").p, 2), ""),
    (dh.DhParameters(dh.group("ffdhe2048").p + 1, 2), "the modulus is even, so it is not a prime"),
    (dh.DhParameters(dh.group("ffdhe2048").p, 1), "the generator 1 is not between 2 and p-2"),
    (dh.DhParameters(2**521 - 1, 2), "the modulus is not a safe prime (p and (p-1)/2 prime)"),
    (dh.DhParameters(dh.group("ffdhe2048").p + 2, 2), "the modulus is not a safe prime (p and (p-1)/2 prime)"),
]


@pytest.mark.parametrize(("parameters", "expected"), PROBLEMS)
def test_problems(parameters: dh.DhParameters, expected: str) -> None:
    assert dh.problem(parameters) == expected


@given(st.integers(1, 2**600), st.integers(1, 2**40), st.integers(0, 4096))
@settings(max_examples=60)
def test_what_is_rendered_is_parsed(p: int, g: int, length: int) -> None:
    parameters = dh.DhParameters(p, g, length)
    assert dh.parse(dh.render(parameters).encode(), "x") == parameters


def test_text_around_the_block_is_a_comment() -> None:
    text = f"DH Parameters: (2048 bit)\n{dh.render(dh.group('ffdhe2048'))}made by hand\n"
    assert dh.parse(text.encode(), "x") == dh.group("ffdhe2048")


GOOD = dh.render(dh.DhParameters(2**127 - 1, 2))
FAILURES = [
    (b"", "dh.pem: has no DH parameters; '-----BEGIN DH PARAMETERS-----' is expected"),
    (b"\xff\xfe\x00", "dh.pem: has no DH parameters; '-----BEGIN DH PARAMETERS-----' is expected"),
    (GOOD[:40].encode(), "dh.pem: a PEM block begins and does not end; the file is truncated or damaged"),
    (GOOD.replace("MB", "M!").encode(), "dh.pem: PEM block 1 (DH PARAMETERS) is damaged: it is not base64"),
    (
        b"-----BEGIN DH PARAMETERS-----\nMAMCAQU=\n-----END DH PARAMETERS-----\n",
        "dh.pem: the DH parameters are damaged: they are not the DER of two integers",
    ),
    (b"\x30\x06\x02\x01\x05\x02\x01", "dh.pem: the DH parameters are damaged: they are not the DER of two integers"),
    (b"\x30\x84\xff\xff\xff\xff", "dh.pem: the DH parameters are damaged: they are not the DER of two integers"),
    (
        b"\x30\x06\x02\x01\xfb\x02\x01\x02",
        "dh.pem: the DH parameters are damaged: they hold a number that is not positive",
    ),
]


@pytest.mark.parametrize(("data", "message"), FAILURES)
def test_failures(data: bytes, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared whole
        dh.parse(data, "dh.pem")
    assert str(caught.value) == message


@given(st.binary(max_size=80))
@settings(max_examples=100)
def test_no_bytes_raise_anything_but_valueerror(data: bytes) -> None:
    for candidate in (data, b"\x30" + data):
        with contextlib.suppress(ValueError):
            dh.parse(candidate, "x")


@pytest.mark.parametrize("bits", [256, 2048])
def test_candidates_have_no_small_factor_and_none_is_left_out(bits: int) -> None:
    small = [prime for prime in range(5, 1000) if all(prime % divisor for divisor in range(2, prime))]
    found = list(itertools.islice(dh.candidates(bits, limit=1000, window=2000), 30))
    for number in found:
        assert number.bit_length() == bits
        assert number >> (bits - 2) == 3
        assert number % 24 == 23
        assert all(number % prime and (number - 1) // 2 % prime for prime in small)
    # Between two of one window there is no other.
    for before, after in itertools.pairwise(found):
        if 0 < after - before < 24 * 2000:
            for number in range(before + 24, after, 24):
                assert any(number % prime == 0 or (number - 1) // 2 % prime == 0 for prime in small)


def test_describe() -> None:
    assert dh.describe(dh.group("ffdhe3072")) == "3072 bit DH parameters, generator 2 (ffdhe3072)"
    assert dh.describe(dh.DhParameters(2**521 - 1, 5)) == "521 bit DH parameters, generator 5"
