# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from typing import Any

import bcrypt
import pytest

from ansible_collections.puffy.mail.plugins.module_utils._accounts import password_hash

ALICE = {"address": "Alice@example.test", "password": "sécret", "name": "Alice"}


def made(entries: list[dict[str, Any]], known: dict[str, str] | None = None, **more: Any) -> list[dict[str, Any]]:
    return password_hash.hashed_mailboxes(
        entries, known or {}, **{"scheme": "BLF-CRYPT", "cost": 4, **more}, bcrypt=bcrypt
    )


def test_a_new_hash_verifies_and_the_password_is_gone() -> None:
    (row,) = made([ALICE])
    assert sorted(row) == ["address", "name", "password_hash"]
    assert row["password_hash"].startswith("{BLF-CRYPT}$2b$04$")
    assert bcrypt.checkpw("sécret".encode(), row["password_hash"].removeprefix("{BLF-CRYPT}").encode())
    assert made([ALICE])[0]["password_hash"] != row["password_hash"]


@pytest.mark.parametrize("prefix", ["{BLF-CRYPT}", "{CRYPT}", ""])
@pytest.mark.parametrize("kind", ["2a", "2b", "2y"])
def test_a_hash_that_fits_is_kept(prefix: str, kind: str) -> None:
    raw = bcrypt.hashpw("sécret".encode(), bcrypt.gensalt(4, prefix=b"2b")).decode()
    known = prefix + raw.replace("$2b$", f"${kind}$")
    assert made([ALICE], {"alice@example.test": known}, cost=5)[0]["password_hash"] == known


@pytest.mark.parametrize("known", ["", "{PLAIN}sécret", "{BLF-CRYPT}$2b$04$short", "{SHA512-CRYPT}$6$x$y"])
def test_a_hash_that_does_not_fit_is_replaced(known: str) -> None:
    assert made([ALICE], {"alice@example.test": known})[0]["password_hash"].startswith("{BLF-CRYPT}$2b$")


def test_another_password_gets_another_hash() -> None:
    (row,) = made([ALICE])
    (other,) = made([{**ALICE, "password": "new"}], {"alice@example.test": row["password_hash"]})
    assert other["password_hash"] != row["password_hash"]


def test_a_given_hash_passes() -> None:
    entry = {"address": "b@example.test", "password_hash": "{PLAIN}x"}
    assert made([entry]) == [entry]


BAD = [
    ([{**ALICE, "password": ""}], {}, "the mailbox 'alice@example.test' has a password that is empty or no text."
     " Use a text of 1 to 72 bytes"),
    ([{**ALICE, "password": 12}], {}, "the mailbox 'alice@example.test' has a password that is empty or no text."
     " Use a text of 1 to 72 bytes"),
    ([{**ALICE, "password": "é" * 37}], {}, "the mailbox 'alice@example.test' has a password of 74 bytes; bcrypt reads"
     " the first 72 only. Use a shorter password, or the hash of another scheme as password_hash"),
    ([{**ALICE, "password": "a\0b"}], {}, "the mailbox 'alice@example.test' has a password with a NUL, where bcrypt"
     " would stop reading. Use one without"),
    ([], {"cost": 3}, "the cost 3 is not one of bcrypt's. Use a number from 4 to 31, such as 12"),
    ([], {"scheme": "MD5"}, "the password scheme 'MD5' cannot be made here. Use 'BLF-CRYPT' or 'CRYPT'"),
]  # fmt: skip


@pytest.mark.parametrize(("entries", "more", "message"), BAD)
def test_refused(entries: list[dict[str, Any]], more: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        made(entries, **more)


def test_72_bytes_are_fine() -> None:
    assert made([{**ALICE, "password": "x" * 72}])
