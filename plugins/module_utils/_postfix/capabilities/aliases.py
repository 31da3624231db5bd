# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipients of mail for local names, before the aliases of the system."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Part,
    Problem,
    Table,
    Wishes,
)

_PATH = "/etc/postfix/own_aliases"


def _table(wishes: Wishes) -> Table | None:
    entries = wishes.mapping("postfix_aliases")
    return Table(_PATH, "texthash", entries) if entries else None


def _is_virtual(wishes: Wishes) -> bool:
    """Whether nothing is delivered here, so that only the rewriting of addresses sees local names."""
    return wishes.text("postfix_delivery") == "relay"


def of_virtual(wishes: Wishes) -> list[str]:
    """The table of virtual_alias_maps on a host without mailboxes."""
    table = _table(wishes)
    return [table.name] if table and _is_virtual(wishes) else []


_TYPES = ("hash", "btree", "lmdb", "cdb")


def _of_system(wishes: Wishes) -> str:
    """The table of the system's aliases, where its file is another one than that of the platform."""
    path = wishes.text("postfix_alias_file")
    if not path:
        return ""
    there = [kind for kind in _TYPES if kind in wishes.facts.table_types]
    return f"{wishes.text('postfix_alias_type') or (there or _TYPES)[0]}:{path}"


def problems(wishes: Wishes) -> Iterable[Problem]:
    """A type without a file, and aliases where nothing is delivered to local names."""
    if wishes.text("postfix_alias_type") and not wishes.text("postfix_alias_file"):
        yield "postfix_alias_type", "is set, and postfix_alias_file is empty. Set postfix_alias_file."
    transport = wishes.text("postfix_local_transport")
    if _is_virtual(wishes) or not transport or transport.partition(":")[0] == "local":
        return
    for name in ("postfix_aliases", "postfix_alias_file"):
        if wishes.raw(name):
            yield (
                name,
                f"is for local(8), and postfix_local_transport is {transport!r}, so nothing reads it. Remove {name},"
                " and make the addresses aliases of the accounts.",
            )


def part(wishes: Wishes) -> Part:
    """The table, in front of those that the host has."""
    table = _table(wishes)
    own = [f"texthash:{_PATH}"] if table and not _is_virtual(wishes) else []
    system = _of_system(wishes)
    parameters: dict[str, object] = {"alias_maps": {"prepend": own} if own else {"remove": [f"texthash:{_PATH}"]}}
    if system:
        parameters = {"alias_maps": [*own, system], "alias_database": [system]}
    return Part(
        parameters,
        tables=[table] if table else (),
        inputs=dict.fromkeys(parameters, "postfix_alias_file") if system else {},
    )


CAPABILITY = Capability("postfix_aliases", part, problems)
