# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup tables: how they are written, which types there are, and whether their files are there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ansible_collections.puffy.mail.plugins.module_utils._postfix import types
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.files import shortened
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.forms import closing, destination
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.lookups import (
    CLIENT_TYPES,
    TABLE_SHAPE,
    Table,
    source,
    tables,
)
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.registry import ERROR, WARNING, Fault, rule
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import Setting, Value, nearest, words
from ansible_collections.puffy.mail.plugins.module_utils._tables.kinds import INDEX_SUFFIX, TEXT_TYPES

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context

#: Types a host may lack although Postfix has them: they come in packages of their own.
_PACKAGES = frozenset({"cdb", "ldap", "lmdb", "mongodb", "mysql", "pcre", "pgsql", "sqlite"})
#: Types that a message names when it says which there are.
_COMMON_TYPES = frozenset({*INDEX_SUFFIX, *TEXT_TYPES, *CLIENT_TYPES, "inline", "static"})


#: Types that dict_open(3) opens for reading alone.
_READ_ONLY = frozenset(
    {*TEXT_TYPES, *CLIENT_TYPES, "environ", "fail", "inline", "nis", "pipemap", "randmap", "socketmap"}
)
_READ_ONLY |= {"static", "tcp", "unionmap", "unix"}
#: Types whose name is a list in braces: what the list has, and an example.
_IN_BRACES = {
    "inline": ("lines", "{name=value, { name = value }}"),
    "pipemap": ("tables", "{type:name, type:name}"),
    "randmap": ("results", "{result, result}"),
    "unionmap": ("tables", "{type:name, type:name}"),
}


def _braces(table: Table, what: str, cure: str) -> tuple[str, str] | None:
    """As dict_inline.c, dict_pipe.c, dict_random.c and dict_union.c read their names."""
    if not table.name.startswith("{") or closing(table.name, "{}") != len(table.name) - 1:
        return f"needs its {what} in braces", cure
    members = words(table.name[1:-1])
    if not members:
        return f"has no {what} in its braces", cure
    for member in members:
        if what == "tables" and ":" not in member:
            return f"has {member!r}, which is not a table", cure
        text = member[1:-1].strip() if member.startswith("{") else member
        if what == "lines" and '"' not in text and text.find("=") < 1:
            return f"has {member!r}, which is not name=value", cure
    return None


def _form(context: Context, table: Table) -> tuple[str, str] | None:
    """What is wrong with the way a table is written, and the cure."""
    if table.form == "word":
        example = "write type:name, such as hash:/etc/postfix/table"
        if table.text.startswith("/"):
            example = f"{table.setting.name} = {context.value('default_database_type')}:{table.text}"
        return "is not a lookup table; a table is written type:name", example
    if table.form != "table" or not table.supported or table.type == "debug":
        return None
    if table.type == "proxy":
        right = bool(TABLE_SHAPE.match(table.name))
        return None if right else ("needs type:name after 'proxy:'", "write proxy:type:name")
    if not table.name:
        return "has no name after its type", "write type:name"
    if table.cache and table.type in _READ_ONLY:
        cure = f"write {context.value('default_cache_db_type') or 'btree'}:{context.value('data_directory')}/name"
        return f"is a cache, and no program can write to a table of the type {table.type}", cure
    if table.type in _IN_BRACES:
        what, example = _IN_BRACES[table.type]
        return _braces(table, what, f"write {table.type}:{example}")
    if table.type == "tcp":
        problem = destination(context, table.name, port_needed=True)
        return problem and (f"names no server: {problem[0]}", problem[1])
    if table.type == "socketmap":
        server, _unused, name = table.name.rpartition(":")
        cure = "write socketmap:inet:host:port:name or socketmap:unix:path:name"
        return None if server and name else ("needs a server and a table name", cure)
    if table.in_value and (table.type == "texthash" or context.host.version < (3, 7)):
        since = "" if table.type == "texthash" else f" before 3.7 (this is {types.shown(context.host.version)})"
        return (
            f"has its lines in the value, which no Postfix{since} reads",
            f"write the lines to a file, and name the file: {table.type}:/path",
        )
    return None


@rule("wrong-table", ERROR, each=tables)
def wrong_table(context: Context, table: Table) -> Iterator[Fault]:
    """a path without a type, a type without a name, braces or parts missing; the lines of a `cidr:`, `pcre:` or
    `regexp:` table in the value before Postfix 3.7; a cache of a type that is read only | `type:name` |
    DATABASE_README, dict_inline.c, dict_pipe.c"""
    problem = _form(context, table)
    if problem is not None:
        message, cure = problem
        text = shortened(table.text) if table.in_value else table.text
        yield Fault(table.setting, f"{table.setting.name}: {text!r} {message}", cure)


#: A table that begins with a brace.
_OPENED = re.compile(r"(?<![\w-])(?:cidr|inline|pcre|pipemap|randmap|regexp|texthash|unionmap):\{")


def unclosed(context: Context) -> Iterator[Value]:
    """The lists of tables with a brace that is not closed."""
    for value in context.values:
        if value.kind in ("cache", "match_list", "restrictions", "table", "tables") and _OPENED.search(value.text):
            try:
                types.split_list(value.text)
            except ValueError:
                yield value


@wrong_table.also(each=unclosed)
def unclosed_table(context: Context, value: Value) -> Iterator[Fault]:
    """Postfix takes the rest of the list for the name of the table."""
    yield Fault(value.setting, f"{value.name}: a table has a '{{' without its '}}'", "balance the braces")


#: The caches that tlsmgr(8) opens, and what switches each off.
_TLS_CACHES = tuple(f"{client}_tls_session_cache" for client in ("smtpd", "smtp", "lmtp"))


def shared_caches(context: Context) -> Iterator[tuple[Setting, str]]:
    """The caches of TLS sessions that another one has the file of."""
    seen: dict[str, str] = {}
    for cache in _TLS_CACHES:
        name, text = f"{cache}_database", context.value(f"{cache}_database")
        setting = context.setting_of(name)
        if setting is not None and text and not re.match(r"0+\D?$", context.value(f"{cache}_timeout")):
            other = seen.setdefault(text, name)
            if other != name:
                yield setting, other


@rule("shared-tls-cache", ERROR, each=shared_caches)
def shared_tls_cache(context: Context, found: tuple[Setting, str]) -> Iterator[Fault]:
    """one file for the TLS sessions of two programs: tlsmgr(8) does not start | a file for each | tlsmgr.c"""
    setting, other = found
    message = f"{setting.name} is the file of {other} too, so tlsmgr(8) does not start"
    yield Fault(setting, message, "name another file")


@rule("unsupported-table-type", ERROR, each=tables)
def unsupported_table_type(context: Context, table: Table) -> Iterator[Fault]:
    """a type that `postconf -m` does not list | the nearest type, or the package that adds it | postconf(1), `-m`"""
    if table.supported or table.form not in ("table", "type"):
        return
    have = context.host.map_types
    guess = nearest(table.type, have)
    cure = f"did you mean {guess}?" if guess else f"this Postfix has {', '.join(sorted(have & _COMMON_TYPES))}"
    yield Fault(
        table.setting,
        f"{table.setting.name}: {table.text!r} has the type {table.type!r}, which this Postfix does not have",
        cure + (f"; install the package that adds {table.type}" if table.type in _PACKAGES else ""),
    )


@rule("proxy-not-allowed", ERROR, each=tables)
def proxy_not_allowed(context: Context, table: Table) -> Iterator[Fault]:
    """a `proxy:` table that `proxy_read_maps` does not name | append it there | postconf(5), `proxy_read_maps`"""
    setting = table.setting
    if not table.usable or table.type != "proxy" or not TABLE_SHAPE.match(table.name):
        return
    # What stands after -o, proxymap(8) does not see.
    if setting.service is None and setting.name in context.proxied_names:
        return
    if table.text not in context.proxied_tables:
        name = f"${setting.name} to proxy_read_maps" if setting.service is None else f"{table.text} to proxy_read_maps"
        yield Fault(
            setting,
            f"{setting.name}: proxymap(8) refuses {table.text}, because proxy_read_maps does not name it",
            f"append {name}",
        )


def _served(context: Context) -> Iterator[Setting]:
    """``proxy_read_maps``, where nothing sets ``local_recipient_maps``, whose default has the one `proxy:` table."""
    setting = context.setting_of("proxy_read_maps")
    if setting is not None and not {"local_recipient_maps"} & {*context.set_in_main, *context.proxied_names}:
        yield setting


@proxy_not_allowed.also(each=_served)
def proxy_of_a_default_not_allowed(context: Context, setting: Setting) -> Iterator[Fault]:
    for text in words(context.value("local_recipient_maps")):
        if text.startswith("proxy:") and text not in context.proxied_tables:
            yield Fault(
                setting,
                f"proxy_read_maps: proxymap(8) refuses {text} of local_recipient_maps, because it is not named here",
                "append $local_recipient_maps",
            )


def _missing(context: Context, setting: Setting, what: str, path: str) -> Fault:
    file = context.probe.file(path)
    if file is not None:
        message = f"{setting.name}: {what} cannot be read: {path} is a {file.kind}"
        return Fault(setting, message, "name a file")
    return Fault(setting, f"{setting.name}: {what} is missing: {path} does not exist", context.create(path))


@rule("table-missing", ERROR, each=tables)
def table_missing(context: Context, table: Table) -> Iterator[Fault]:
    """a table, client file or list file that does not exist or is a directory; a cache in a directory that does not
    exist | create it; the nearest name beside it | DATABASE_README"""
    if not table.setting.name.endswith("_tls_session_cache_database"):
        yield from _absent(context, table)


@rule("tls-cache-missing", WARNING, each=tables)
def tls_cache_missing(context: Context, table: Table) -> Iterator[Fault]:
    """a cache of TLS sessions in a directory that does not exist, or a client file for it that does not exist: no
    session is resumed | the directory `data_directory`; create the file | tlsmgr(8)"""
    if table.setting.name.endswith("_tls_session_cache_database"):
        yield from _absent(context, table)


def _absent(context: Context, table: Table) -> Iterator[Fault]:
    setting = table.setting
    if table.form == "file":
        listed = context.probe.file(table.text)
        if listed is None or listed.kind == "directory":
            yield _missing(context, setting, "a file of the list", table.text)
        return
    path = source(context, table)
    if path is None:
        return
    file = context.probe.file(path)
    if table.type not in INDEX_SUFFIX:
        client = table.type not in TEXT_TYPES
        if file is None or file.kind == "directory" or (client and file.kind != "file"):
            what = "client configuration" if client else "table"
            yield _missing(context, setting, f"the {what} of {table.shown}", path)
    elif table.cache:
        directory = path.rpartition("/")[0] or "/"
        parent = context.probe.file(directory)
        if parent is None or parent.kind != "directory":
            message = f"{setting.name}: the directory {directory} for this cache does not exist"
            yield Fault(setting, message, f"use {context.value('data_directory')}")
    elif file is None and setting.name == "alias_database":
        # Only newaliases(1) reads it, to know what to build.
        yield _missing(context, setting, f"the source file of {table.shown}", path)
    elif file is None and context.probe.file(path + INDEX_SUFFIX[table.type]) is None:
        yield _missing(context, setting, f"the table of {table.shown}", path + INDEX_SUFFIX[table.type])


def patterns(context: Context) -> Iterator[tuple[Setting, str]]:
    """The words of lists of domains and networks."""
    for value in context.values:
        if value.kind == "match_list":
            for word in context.own_words(value.setting):
                yield value.setting, word


@rule("pattern-missing", ERROR, each=patterns)
def pattern_missing(context: Context, pattern: tuple[Setting, str]) -> Iterator[Fault]:
    """a `!` with nothing directly after it in a list of domains or networks, with which the programs that read the list
    do not start | the pattern directly after it | postconf(5), match_list.c"""
    setting, word = pattern
    if not word.strip("!"):
        yield Fault(
            setting, f"{setting.name}: nothing stands directly after {word!r}", f"write {word}pattern without a blank"
        )


def _index(context: Context, table: Table) -> tuple[str, str, str] | None:
    """The source and the index of an indexed table, and what builds the index."""
    path = source(context, table)
    if path is None or table.type not in INDEX_SUFFIX or table.cache or table.setting.name == "alias_database":
        return None
    builder = "postalias" if table.setting.name == "alias_maps" else "postmap"
    return path, path + INDEX_SUFFIX[table.type], f"run {builder} {table.shown}"


@rule("table-not-indexed", ERROR, each=tables)
def table_not_indexed(context: Context, table: Table) -> Iterator[Fault]:
    """an indexed table without its index, or with an empty one | postmap(1), postalias(1) | postmap(1)"""
    found = _index(context, table)
    if found is None:
        return
    path, index, cure = found
    setting, file = table.setting, context.probe.file(index)
    if file is None:
        if context.probe.file(path) is not None:
            message = f"{setting.name}: {table.shown} is not indexed; {index} does not exist"
            yield Fault(setting, message, cure)
    elif file.size == 0:
        yield Fault(setting, f"{setting.name}: {index} is empty", cure)


@rule("table-stale", WARNING, each=tables)
def table_stale(context: Context, table: Table) -> Iterator[Fault]:
    """an index older than its source | postmap(1), postalias(1) | postmap(1)"""
    found = _index(context, table)
    if found is None:
        return
    path, index, cure = found
    made, given = context.probe.file(index), context.probe.file(path)
    if made is not None and made.size and given is not None and given.mtime > made.mtime + 1:
        yield Fault(table.setting, f"{table.setting.name}: {path} is newer than its index {index}", cure)
