# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of the role sqlite_maps: what they pass on and how they fail."""

from __future__ import annotations

import sys

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.filter.hashed_mailboxes import FilterModule as HashedMailboxes
from ansible_collections.puffy.mail.plugins.filter.sqlite_client_files import FilterModule as SqliteClientFiles

hashed_mailboxes = HashedMailboxes().filters()["hashed_mailboxes"]
sqlite_client_files = SqliteClientFiles().filters()["sqlite_client_files"]
ALICE = {"address": "alice@example.test", "password": "x"}


def test_hashed_mailboxes() -> None:
    assert hashed_mailboxes([ALICE], cost=4)[0]["password_hash"].startswith("{BLF-CRYPT}$2b$04$")
    with pytest.raises(AnsibleFilterError, match=r"^hashed_mailboxes needs a list of mappings$"):
        hashed_mailboxes("alice")
    with pytest.raises(AnsibleFilterError, match=r"^hashed_mailboxes: the cost 40 is not one of bcrypt's.*changed\.$"):
        hashed_mailboxes([ALICE], cost=40)


def test_without_bcrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bcrypt", None)
    hashed = {"address": "b@example.test", "password_hash": "{PLAIN}x"}
    assert hashed_mailboxes([hashed]) == [hashed]
    with pytest.raises(AnsibleFilterError, match=r"the Python package 'bcrypt' is not installed on the control side"):
        hashed_mailboxes([ALICE])


def test_sqlite_client_files() -> None:
    files = sqlite_client_files(
        {"virtual_alias_maps": {"a@example.test": "b@example.test"}}, {"relay_domains": {"x": None}}
    )
    assert [file["name"] for file in files][:2] == ["virtual_mailbox_domains", "relay_domains"]
    assert files[3]["expect"] == {"a@example.test": "b@example.test"}
    assert files[1]["expect"] == {"x": None}
    with pytest.raises(AnsibleFilterError, match=r"^sqlite_client_files: there is no client file 'x'"):
        sqlite_client_files({}, {"x": {}})
