# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role ``sqlite_maps`` accepts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._accounts import entries, routes, rows
from ansible_collections.puffy.mail.plugins.module_utils._inputs.judge import Problem, Table
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import (
    PASSWORD_LEAST,
    account,
    anything,
    delimiter,
    number,
    optional,
    path,
    shown,
)

#: who keeps the database: the role, or PostfixAdmin
MODES = ("owned", "given")
#: where root keeps what it goes back to (_activation.ROOT)
_STATE = ("/var/lib/puffy-mail", "/var/db/puffy-mail")
#: the inputs that are the lists of an accounts file
ACCOUNTS = tuple(f"sqlite_maps_{name}" for name in entries.LISTS)


def _expect(value: Any) -> str | None:
    """Answers by key, by client file."""
    if not isinstance(value, Mapping) or not all(isinstance(expect, Mapping) for expect in value.values()):
        return f"is {shown(value)}. Use a mapping such as virtual_alias_maps: {{KEY: ANSWER}}."
    if not all(answer is None or isinstance(answer, str) for expect in value.values() for answer in expect.values()):
        return f"is {shown(value)}, where an answer is not text. Put each answer in quotes; null is for no answer."
    unknown = next((table for table in value if table not in rows.QUERIES), None)
    return None if unknown is None else f"names the client file {unknown!r}. Use {', '.join(rows.QUERIES)}."


def _mode(value: Any) -> str | None:
    return None if value in MODES else f"is {shown(value)}. Use {' or '.join(map(repr, MODES))}."


def _database(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    database = inputs["sqlite_maps_database"]
    if inputs["sqlite_maps_mode"] == "owned" and database.count("/") < 3:
        yield (
            "sqlite_maps_database",
            f"is {database!r}, and its directory becomes the role's own. Use a directory of its own, such as in"
            " '/var/lib/puffy-mail/accounts.sqlite'.",
        )


def _owner(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    owner, database = inputs["sqlite_maps_database_owner"], inputs["sqlite_maps_database"]
    if owner and inputs["sqlite_maps_mode"] == "given" and database.rpartition("/")[0] in _STATE:
        yield (
            "sqlite_maps_database",
            f"is {database!r}, and its directory, where root keeps records, would become the directory of {owner}."
            " Use a directory of its own, such as in '/var/lib/postfixadmin/accounts.sqlite'.",
        )
    if owner and inputs["sqlite_maps_mode"] != "given":
        yield (
            "sqlite_maps_database_owner",
            f"is {owner!r}, and sqlite_maps_mode is 'owned'. Remove it, or set sqlite_maps_mode to 'given'.",
        )


def _places(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    """Accounts stand in the file or in the lists, or PostfixAdmin has them."""
    given = inputs["sqlite_maps_mode"] == "given"
    file = inputs["sqlite_maps_accounts_file"]
    if given and file:
        yield (
            "sqlite_maps_accounts_file",
            "is set, and sqlite_maps_mode is 'given': the database is only read. Remove it.",
        )
    for name in ACCOUNTS:
        if inputs[name] and given:
            yield (
                name,
                "is set, and sqlite_maps_mode is 'given': the database is only read. Remove it, and make the accounts"
                " in PostfixAdmin.",
            )
        elif inputs[name] and file:
            yield (
                name,
                "is set, and so is sqlite_maps_accounts_file. Put all accounts in the file, or all in the variables.",
            )


def _accounts(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    """What is wrong with the accounts in the variables."""
    if inputs["sqlite_maps_mode"] != "owned" or inputs["sqlite_maps_accounts_file"]:
        return
    found = entries.account_problems(
        *(inputs[name] for name in ACCOUNTS),
        names=ACCOUNTS,
        delimiter=inputs["sqlite_maps_recipient_delimiter"],
        most_targets=inputs["sqlite_maps_alias_targets"],
    )
    for sentence in found:
        name = max((name for name in ACCOUNTS if sentence.startswith(name)), key=len)
        yield name, sentence[len(name) :].lstrip()
    for index, entry in enumerate(inputs["sqlite_maps_mailboxes"]):
        password = entry.get("password")
        if isinstance(password, str) and 0 < len(password) < PASSWORD_LEAST:
            yield (
                "sqlite_maps_mailboxes",
                f"[{index}] ({entry.get('address')}) has a password of {len(password)} characters. Use at least"
                f" {PASSWORD_LEAST}.",
            )


TABLE = Table(
    {
        "sqlite_maps_mode": _mode,
        **dict.fromkeys(ACCOUNTS, anything),
        "sqlite_maps_accounts_file": anything,
        "sqlite_maps_database": path,
        "sqlite_maps_database_owner": optional(account),
        "sqlite_maps_directory": path,
        "sqlite_maps_group": account,
        "sqlite_maps_exclusive": anything,
        "sqlite_maps_remove_many": anything,
        "sqlite_maps_keep_days": number(0, 36500, "days"),
        "sqlite_maps_mail_home": path,
        "sqlite_maps_adopt_mail": anything,
        "sqlite_maps_recipient_delimiter": delimiter,
        "sqlite_maps_alias_targets": number(1, 1000000, "addresses"),
        "sqlite_maps_expect": _expect,
        "sqlite_maps_password_cost": number(4, 31, "rounds, as its logarithm to the base 2,"),
        "sqlite_maps_packages": anything,
        "sqlite_maps_secure_logging": anything,
    },
    (_database, _owner, _places, _accounts),
)


def hosted(lists: Mapping[str, Any]) -> list[str]:
    """The domains whose mail the host keeps, of lists that nothing is wrong with."""
    tables = rows.rows(lists["domains"], [], [], lists["domain_aliases"])
    return [name for name, row in tables["domain"].items() if not row[2]]


def file_problems(
    text: str, path_of_it: str, recipient_delimiter: str, most_targets: int = routes.TARGETS
) -> list[str]:
    """The first sentences on the accounts file ``text``, and how many more there are."""
    return rows.first_of(entries.accounts_file_problems(text, path_of_it, recipient_delimiter, most_targets))
