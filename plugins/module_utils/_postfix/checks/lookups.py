# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup tables that values name, taken apart: ``proxy:``, ``unionmap:`` and the like with what is inside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import Setting, words
from ansible_collections.puffy.mail.plugins.module_utils._tables.kinds import INDEX_SUFFIX, TEXT_TYPES

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context

#: What a word must look like to be a lookup table.
TABLE_SHAPE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*:")
#: Types whose name is a file with the address of a server; the server is contacted after the daemon is chrooted.
CLIENT_TYPES = frozenset({"ldap", "mongodb", "mysql", "pgsql", "sqlite"})
#: Kinds of values that hold tables.
_KINDS = frozenset({"tables", "table", "match_list", "restrictions", "cache", "table_type"})
#: Lists that hold a table or words of their own.
_OWN_WORDS = ("smtp_requiretls_policy", "lmtp_requiretls_policy")


@dataclass(frozen=True)
class Table:
    """One word where a table belongs, or a table inside another.

    ``form`` is table, file (``/path`` in a list), type (a type alone) or word (anything else). ``supported`` says
    whether this Postfix has the type, ``proxied`` whether proxymap(8) opens the table, ``cache`` whether a daemon
    makes it.
    """

    setting: Setting
    text: str
    form: str = "table"
    type: str = ""
    name: str = ""
    supported: bool = False
    proxied: bool = False
    cache: bool = False

    @property
    def usable(self) -> bool:
        """Whether it is written as a table that this Postfix can open."""
        return self.form == "table" and self.supported and bool(self.name)

    @property
    def in_value(self) -> bool:
        """Whether the lines of the table stand in the value: ``cidr:{{…}}``."""
        return self.type in TEXT_TYPES and self.name.startswith("{")

    @property
    def shown(self) -> str:
        """The table as Postfix takes it, without ``proxy:``."""
        return f"{self.type}:{self.name}"


def tables(context: Context) -> Iterator[Table]:
    """Every table that a value names, in the order of the words; an outer one before what it holds."""
    for value in context.values:
        setting, kind = value.setting, value.kind
        if kind not in _KINDS:
            if value.name not in context.classes(setting.service):
                continue
            kind = "restrictions"
        if kind == "table_type":
            yield Table(setting, value.text, "type", value.text, supported=value.text in context.host.map_types)
            continue
        for word in context.own_words(setting):
            yield from _word(context, setting, word, kind)


def _word(context: Context, setting: Setting, word: str, kind: str | None) -> Iterator[Table]:
    text = word[1:] if word.startswith("!") else word
    if kind == "match_list" and text.startswith("/"):
        # A file whose lines are part of the list (postconf(5), mynetworks).
        yield Table(setting, text, "file")
        return
    if kind == "restrictions" and text.startswith("{"):
        text = next(iter(words(text[1:-1])), "")
    if TABLE_SHAPE.match(text):
        # In a list of restrictions these are the server of check_policy_service.
        if kind != "restrictions" or not text.startswith(("inet:", "local:", "unix:")):
            yield from _parts(context, Table(setting, text, cache=kind == "cache"))
    elif kind not in ("match_list", "restrictions") and (kind != "cache" or text) and setting.name not in _OWN_WORDS:
        yield Table(setting, word, "word")


def _parts(context: Context, table: Table) -> Iterator[Table]:
    table_type, _unused, name = table.text.partition(":")
    table = replace(table, type=table_type, name=name, supported=table_type in context.host.map_types)
    yield table
    if not table.supported:
        return
    if table_type == "proxy":
        if TABLE_SHAPE.match(name):
            yield from _parts(context, replace(table, text=name, proxied=True))
    elif table_type == "debug":
        yield from _parts(context, replace(table, text=name))
    elif table_type in ("pipemap", "unionmap") and name.startswith("{") and name.endswith("}"):
        for inner in words(name[1:-1]):
            if TABLE_SHAPE.match(inner):
                yield from _parts(context, replace(table, text=inner, cache=False))


def source(context: Context, table: Table) -> str | None:
    """The path that a usable table is named after, or None where it is not a file."""
    if not table.usable or table.in_value:
        return None
    if table.type in CLIENT_TYPES or table.type == "memcache":
        # Another name is the old way: the settings stand in main.cf itself, named after the table.
        return context.absolute(table.name) if table.name.startswith(("/", ".")) else None
    if table.type in INDEX_SUFFIX or table.type in TEXT_TYPES:
        return context.absolute(table.name)
    return None


def opened(context: Context, table: Table) -> str | None:
    """The file that a daemon opens for a table, where it is there."""
    path = source(context, table)
    indexed = table.type in INDEX_SUFFIX
    if path is None or (indexed and (table.cache or table.setting.name == "alias_database")):
        return None
    path += INDEX_SUFFIX.get(table.type, "")
    file = context.probe.file(path)
    if file is None or file.kind == "directory":
        return None
    if table.type not in TEXT_TYPES and (file.size == 0 if indexed else file.kind != "file"):
        return None
    return path
