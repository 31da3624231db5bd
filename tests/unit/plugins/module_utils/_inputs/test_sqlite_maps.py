# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inputs of the role sqlite_maps, and what is said of bad ones."""

from __future__ import annotations

from typing import Any

import pytest

BASE: dict[str, Any] = {
    "sqlite_maps_domains": ["example.test"],
    "sqlite_maps_group": "postfix",
    "sqlite_maps_database": "/var/lib/puffy-mail/a.sqlite",
}

GOOD: list[dict[str, Any]] = [
    {},
    {
        "sqlite_maps_mode": "given",
        "sqlite_maps_domains": [],
        "sqlite_maps_database": "/srv/a.sqlite",
        "sqlite_maps_database_owner": "www-data",
    },
    {"sqlite_maps_accounts_file": "accounts.json", "sqlite_maps_domains": []},
    {"sqlite_maps_database": "/var/lib/puffy-mail/a.sqlite", "sqlite_maps_directory": "/etc/postfix/sqlite"},
    {"sqlite_maps_password_cost": "12"},
    {"sqlite_maps_mailboxes": [{"address": "alice@example.test", "password": "one-two-three"}]},
]

BAD: list[tuple[dict[str, Any], list[str]]] = [
    (
        {"sqlite_maps_mode": "gven"},
        ["sqlite_maps_mode is 'gven'. Use 'owned' or 'given'."],
    ),
    (
        {
            "sqlite_maps_mode": "given",
            "sqlite_maps_domains": [],
            "sqlite_maps_mailboxes": [{"address": "alice@example.test", "password": "one-two-three"}],
        },
        [
            (
                "sqlite_maps_mailboxes is set, and sqlite_maps_mode is 'given': the database is only read. Remove"
                " it, and make the accounts in PostfixAdmin."
            )
        ],
    ),
    (
        {
            "sqlite_maps_mode": "given",
            "sqlite_maps_domains": [],
            "sqlite_maps_database": "/var/db/puffy-mail/accounts.sqlite",
            "sqlite_maps_database_owner": "www-data",
        },
        [
            (
                "sqlite_maps_database is '/var/db/puffy-mail/accounts.sqlite', and its directory, where root keeps"
                " records, would become the directory of www-data. Use a directory of its own, such as in"
                " '/var/lib/postfixadmin/accounts.sqlite'."
            )
        ],
    ),
    (
        {"sqlite_maps_database_owner": "www-data"},
        [
            (
                "sqlite_maps_database_owner is 'www-data', and sqlite_maps_mode is 'owned'. Remove it, or set"
                " sqlite_maps_mode to 'given'."
            )
        ],
    ),
    (
        {
            "sqlite_maps_accounts_file": "accounts.json",
            "sqlite_maps_domains": [],
            "sqlite_maps_aliases": [{"address": "a@example.test", "goto": ["b@example.org"]}],
        },
        [
            (
                "sqlite_maps_aliases is set, and so is sqlite_maps_accounts_file. Put all accounts in the file, or"
                " all in the variables."
            )
        ],
    ),
    (
        {"sqlite_maps_accounts_file": "accounts.json", "sqlite_maps_domains": [], "sqlite_maps_mode": "given"},
        [("sqlite_maps_accounts_file is set, and sqlite_maps_mode is 'given': the database is only read. Remove it.")],
    ),
    (
        {"sqlite_maps_accounts_file": ["a"]},
        ["sqlite_maps_accounts_file is ['a']. Use text, in quotes."],
    ),
    (
        {"sqlite_maps_database": "/etc/a.sqlite"},
        [
            (
                "sqlite_maps_database is '/etc/a.sqlite', and its directory becomes the role's own. Use a directory"
                " of its own, such as in '/var/lib/puffy-mail/accounts.sqlite'."
            )
        ],
    ),
    (
        {"sqlite_maps_directory": "sqlite"},
        [
            (
                "sqlite_maps_directory is 'sqlite'. Use an absolute path without blanks and commas, such as"
                " '/etc/ssl/mail.pem'."
            )
        ],
    ),
    (
        {"sqlite_maps_password_cost": 3},
        [("sqlite_maps_password_cost is 3. Use a number of rounds, as its logarithm to the base 2, from 4 to 31.")],
    ),
    (
        {"sqlite_maps_expect": {"x": {}}},
        [
            (
                "sqlite_maps_expect names the client file 'x'. Use virtual_mailbox_domains, relay_domains,"
                " virtual_mailbox_maps, virtual_alias_maps, sender_login_maps, virtual_maildirs."
            )
        ],
    ),
    (
        {"sqlite_maps_expect": []},
        ["sqlite_maps_expect is []. Use a mapping such as virtual_alias_maps: {KEY: ANSWER}."],
    ),
    (
        {"sqlite_maps_domains": []},
        ["sqlite_maps_domains names no domain. Use a list such as ['example.org']."],
    ),
    (
        {"sqlite_maps_mailboxes": [{"address": "alice@example.test", "password": "abcd"}]},
        ["sqlite_maps_mailboxes[0] (alice@example.test) has a password of 4 characters. Use at least 6."],
    ),
    (
        {"sqlite_maps_mailboxes": "alice@example.test:one-two-three"},
        ["sqlite_maps_mailboxes has a value of the wrong form. Use a list."],
    ),
]


@pytest.mark.parametrize("change", GOOD)
def test_good_values(judged: Any, change: dict[str, Any]) -> None:
    assert judged("sqlite_maps", {**BASE, **change})[1] == []


@pytest.mark.parametrize(("change", "sentences"), BAD)
def test_bad_values(judged: Any, change: dict[str, Any], sentences: list[str]) -> None:
    assert judged("sqlite_maps", {**BASE, **change})[1] == sentences
