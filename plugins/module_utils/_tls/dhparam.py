# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Diffie-Hellman parameters: parsing, the proof that a prime is safe, and the groups of RFC 7919 and RFC 3526.

``openssl dhparam -check`` is not used: in LibreSSL it exits 0 for bad parameters, and OpenSSL 1.1.1 and 3 differ about
what a good generator is.
"""

from __future__ import annotations

import functools
import itertools
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.puffy.mail.plugins.module_utils._tls import der, pem

#: the sizes a search may be asked for, in bits: below, a prime is within reach of an attacker (RFC 9325, section 4.5);
#: above, OpenSSL and LibreSSL clients refuse (OPENSSL_DH_MAX_MODULUS_BITS is 10000)
MINIMUM_BITS = 2048
MAXIMUM_BITS = 8192

#: RFC 7919, appendix A: the X of each group's formula, and the least length of a private value, in bits
_FFDHE = {2048: (560316, 225), 3072: (2625351, 275), 4096: (5736041, 325), 6144: (15705020, 375), 8192: (10965728, 400)}
#: RFC 3526, sections 2 to 7: the constant of each group's formula
_MODP = {1536: 741804, 2048: 124476, 3072: 1690314, 4096: 240904, 6144: 929484, 8192: 4743158}

GROUPS = tuple(f"ffdhe{bits}" for bits in _FFDHE)

_SMALL_PRIMES = tuple(
    number for number in range(3, 2000, 2) if all(number % divisor for divisor in range(3, int(number**0.5) + 1, 2))
)


@dataclass(frozen=True)
class DhParameters:
    """Prime ``p``, generator ``g`` and, where it is given, the length of private values in bits (0: none)."""

    p: int
    g: int
    length: int = 0

    @property
    def bits(self) -> int:
        """Size of the prime, in bits."""
        return self.p.bit_length()


@functools.cache
def _e_scaled(bits: int) -> int:
    """floor(2**bits * e), from the series of 1/k!."""
    guard = 64
    term = total = 1 << (bits + guard)
    divisor = 1
    while term:
        term //= divisor
        total += term
        divisor += 1
    return total >> guard


@functools.cache
def _pi_scaled(bits: int) -> int:
    """floor(2**bits * pi), from Machin's formula."""
    guard = 64

    def arctangent_of_inverse(number: int) -> int:
        power = (1 << (bits + guard)) // number
        total = power
        divisor, sign = 1, 1
        while power:
            power //= number * number
            divisor, sign = divisor + 2, -sign
            total += sign * (power // divisor)
        return total

    pi: int = 4 * (4 * arctangent_of_inverse(5) - arctangent_of_inverse(239))
    return pi >> guard


def _nothing_up_my_sleeve(bits: int, constant: int, addend: int) -> int:
    """The form that the primes of both RFCs share: 64 ones, digits of a constant, 64 ones."""
    return (1 << bits) - (1 << bits - 64) + (constant + addend << 64) - 1


@functools.cache
def group(name: str) -> DhParameters:
    """The group ``ffdhe2048`` … ``ffdhe8192`` (RFC 7919, appendix A); ValueError for any other name."""
    if name not in GROUPS:
        raise ValueError(f"the group is {name!r}. Use {', '.join(GROUPS)}")
    bits = int(name[len("ffdhe") :])
    addend, length = _FFDHE[bits]
    return DhParameters(_nothing_up_my_sleeve(bits, _e_scaled(bits - 130), addend), 2, length)


@functools.cache
def _modp(bits: int) -> DhParameters:
    """The group of RFC 3526 with a prime of ``bits`` bits."""
    return DhParameters(_nothing_up_my_sleeve(bits, _pi_scaled(bits - 130), _MODP[bits]), 2)


def known_group(parameters: DhParameters) -> str:
    """The name of the well-known group that ``parameters`` are (ffdhe2048, modp4096, …), or an empty string."""
    bits = parameters.bits
    if parameters.g == 2:
        if bits in _FFDHE and parameters.p == group(f"ffdhe{bits}").p:
            return f"ffdhe{bits}"
        if bits in _MODP and parameters.p == _modp(bits).p:
            return f"modp{bits}"
    return ""


def _probably_prime(number: int, rounds: int) -> bool:
    """Miller-Rabin with random bases: a composite passes with a probability of at most 4**-rounds."""
    if number < 2:
        return False
    if number % 2 == 0:
        return number == 2
    for prime in _SMALL_PRIMES:
        if number % prime == 0:
            return number == prime
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd //= 2
        twos += 1
    for _unused in range(rounds):
        value = pow(2 + secrets.randbelow(number - 3), odd, number)
        if value in (1, number - 1):
            continue
        for _unused in range(twos - 1):
            value = value * value % number
            if value == number - 1:
                break
        else:
            return False
    return True


def is_safe_prime(p: int, rounds: int = 10) -> bool:
    """Whether ``p`` and (p-1)/2 are prime.

    Ten rounds leave a number built to deceive one chance in a million, and a random one none worth a name
    (Damgard, Landrock and Pomerance, 1993).

    (p-1)/2 is tested by Miller-Rabin. Given that it is prime, one power of 2 proves p prime (Pocklington's
    criterion), which halves the work.
    """
    if p < 23 or p % 4 != 3 or any(p % prime == 0 for prime in _SMALL_PRIMES if prime < p):
        return p in (5, 7, 11)
    return pow(2, p - 1, p) == 1 and _probably_prime((p - 1) // 2, rounds)


#: Primes up to this bound are sieved out before a number is tested. openssl dhparam divides by some 400 small
#: primes only, so it tests three numbers where one is left here: the chance that a number with no factor up to b is
#: prime grows with log(b) (Mertens' third theorem), and here two numbers must be prime at once.
SIEVE_LIMIT = 1_000_000
#: numbers that one sieve covers, in steps of 24
SIEVE_WINDOW = 1 << 18


@functools.cache
def _primes(limit: int) -> tuple[int, ...]:
    """The primes from 5 to ``limit``."""
    odd = bytearray([1]) * ((limit + 1) // 2)
    for number in range(3, int(limit**0.5) + 1, 2):
        if odd[number // 2]:
            odd[number * number // 2 :: number] = bytes(len(range(number * number // 2, len(odd), number)))
    return tuple(2 * index + 1 for index in range(2, len(odd)) if odd[index])


def candidates(bits: int, *, limit: int = SIEVE_LIMIT, window: int = SIEVE_WINDOW) -> Iterator[int]:
    """Numbers p of ``bits`` bits for which neither p nor (p-1)/2 has a prime factor up to ``limit``; without end.

    Every p is 23 modulo 24, as those of openssl dhparam are: of a safe prime above 11 that is what lets 2 generate the
    large subgroup. Each window begins at a number of its own from the system's random source, the two leading bits set.
    """
    while True:
        first = secrets.randbits(bits - 2) | (3 << (bits - 2))
        first += (23 - first) % 24
        if (first + 24 * window).bit_length() != bits:
            continue
        kept = bytearray([1]) * window
        for prime in _primes(limit):
            step = pow(24, -1, prime)
            # p is divisible where p = 0 modulo the prime, and (p-1)/2 where p = 1.
            for remainder in (0, 1):
                start = (remainder - first) * step % prime
                if start < window:
                    kept[start::prime] = bytes(len(range(start, window, prime)))
        index = kept.find(1)
        while index >= 0:
            yield first + 24 * index
            index = kept.find(1, index + 1)


def problem(parameters: DhParameters) -> str:
    """What is unsafe about ``parameters``, as the rest of a sentence; empty where nothing is."""
    if known_group(parameters):
        return ""
    if parameters.p % 2 == 0 or parameters.bits < 2:
        return "the modulus is even, so it is not a prime"
    if not 2 <= parameters.g <= parameters.p - 2:
        return f"the generator {parameters.g} is not between 2 and p-2"
    if not is_safe_prime(parameters.p):
        return "the modulus is not a safe prime (p and (p-1)/2 prime)"
    return ""


# -- DER and PEM -------------------------------------------------------------------------------------------------------


def _integers(content: bytes) -> list[int]:
    """The integers at the start of a DER sequence."""
    parts = der.part(der.values(content), 0, der.SEQUENCE, "the sequence").parts()
    integers = itertools.takewhile(lambda part: part.tag == der.INTEGER, parts)
    return [int.from_bytes(part.content, "big", signed=True) for part in integers]


def parse(data: bytes, source: str) -> DhParameters:
    """The parameters in the PEM or DER ``data``.

    PKCS #3 (``DH PARAMETERS``) and X9.42 (``X9.42 DH PARAMETERS``) are read. ``source`` names the data in the
    ValueError that anything else raises.
    """
    if data[:1] == b"\x30":
        label, content = "DH PARAMETERS", data
    else:
        text = data.decode("latin-1")
        blocks = [block for block in pem.blocks(text, source) if block.label.endswith("DH PARAMETERS")]
        if not blocks:
            raise ValueError(f"{source}: has no DH parameters; '-----BEGIN DH PARAMETERS-----' is expected")
        label, content = blocks[0].label, blocks[0].der
    try:
        values = _integers(content)
        p, g = values[0], values[1]
        length = values[2] if label == "DH PARAMETERS" and len(values) > 2 else 0
    except (ValueError, IndexError):
        raise ValueError(f"{source}: the DH parameters are damaged: they are not the DER of two integers") from None
    if p <= 0 or g <= 0 or length < 0:
        raise ValueError(f"{source}: the DH parameters are damaged: they hold a number that is not positive")
    return DhParameters(p, g, length)


def render(parameters: DhParameters) -> str:
    """``parameters`` as a PEM block in the form of PKCS #3."""
    numbers = [parameters.p, parameters.g, *([parameters.length] if parameters.length else [])]
    content = b"".join(der.encode_integer(number) for number in numbers)
    return pem.render(der.encode(der.SEQUENCE, content), "DH PARAMETERS")


def describe(parameters: DhParameters) -> str:
    """One line about ``parameters`` for people and diffs."""
    name = known_group(parameters)
    return f"{parameters.bits} bit DH parameters, generator {parameters.g}" + (f" ({name})" if name else "")
