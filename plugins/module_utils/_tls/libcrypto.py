# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modular exponentiation by the libcrypto that Python itself is linked to, ten times as fast as Python's pow().

OpenSSL 1.1.0 and later and LibreSSL alike: the functions are those of BN_new(3), BN_mod_exp(3) and BN_hex2bn(3), whose
types are opaque. ctypes lets other threads run during a call, so that several exponentiations run at once.
"""

from __future__ import annotations

import ctypes
import importlib


class Libcrypto:
    """One thread's use of the library: an object is not to be shared by threads."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self._context = library.BN_CTX_new()
        self._numbers = [library.BN_new() for _unused in range(3)]
        if not self._context or not all(self._numbers):
            raise MemoryError

    def close(self) -> None:
        """Give the memory back."""
        for number in self._numbers:
            self._library.BN_free(number)
        self._library.BN_CTX_free(self._context)

    def passes_fermat(self, number: int) -> bool:
        """Whether 2 to the power of ``number`` - 1 is 1 modulo the odd ``number``; so it is of every odd prime."""
        modulus, exponent, result = (ctypes.c_void_p(value) for value in self._numbers)
        self._library.BN_hex2bn(ctypes.byref(modulus), b"%X" % number)
        self._library.BN_hex2bn(ctypes.byref(exponent), b"%X" % (number - 1))
        self._library.BN_hex2bn(ctypes.byref(result), b"2")
        if not self._library.BN_mod_exp(result, result, exponent, modulus, self._context):
            raise MemoryError
        return bool(self._library.BN_is_one(result))


def load() -> ctypes.CDLL | None:
    """The library, or None where this Python has none that can be reached."""
    for name in ("_ssl", "_hashlib"):
        try:
            module = importlib.import_module(name)
            # The handle of an extension reaches what it is linked to; a built-in module is part of the program itself.
            library = ctypes.CDLL(getattr(module, "__file__", None))
            for function in ("BN_CTX_new", "BN_new"):
                getattr(library, function).restype = ctypes.c_void_p
                getattr(library, function).argtypes = []
            for function in ("BN_free", "BN_CTX_free"):
                getattr(library, function).restype = None
                getattr(library, function).argtypes = [ctypes.c_void_p]
            library.BN_hex2bn.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.c_char_p]
            library.BN_mod_exp.argtypes = [ctypes.c_void_p] * 5
            library.BN_is_one.argtypes = [ctypes.c_void_p]
        except (ImportError, OSError, AttributeError):
            continue
        if _works(library):
            return library
    return None


def _works(library: ctypes.CDLL) -> bool:
    """Whether it tells known primes from known composites."""
    try:
        user = Libcrypto(library)
    except MemoryError:
        return False
    told = [user.passes_fermat(number) for number in (2**127 - 1, 2**521 - 1, 2**127 - 3, (2**61 - 1) * (2**89 - 1))]
    user.close()
    return told == [True, True, False, False]
