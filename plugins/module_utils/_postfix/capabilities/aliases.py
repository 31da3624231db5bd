# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipients of mail for local names, before the aliases of the system."""

from __future__ import annotations

from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Part,
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


def part(wishes: Wishes) -> Part:
    """The table, in front of those that the host has."""
    table = _table(wishes)
    own = f"texthash:{_PATH}"
    edit = {"prepend": [own]} if table and not _is_virtual(wishes) else {"remove": [own]}
    return Part({"alias_maps": edit}, tables=[table] if table else ())


CAPABILITY = Capability("postfix_aliases", part)
