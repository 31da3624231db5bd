# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the daemons get at their lookup tables: rights, and the chroot."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from ansible_collections.puffy.mail.plugins.module_utils._postfix import main_cf
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.files import shortened
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.lookups import (
    CLIENT_TYPES,
    Table,
    opened,
    source,
    tables,
)
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.registry import ERROR, WARNING, Fault, rule
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import words
from ansible_collections.puffy.mail.plugins.module_utils._rights import STRANGER

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import Setting
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.master_cf import Service


@rule("table-unreadable", ERROR, each=tables)
def table_unreadable(context: Context, table: Table) -> Iterator[Fault]:
    """a file that proxymap(8) opens as `mail_owner`, or a command as its user, who may not read it | the group or mode
    it needs | proxymap(8), postdrop(1)"""
    # Daemons open tables as root, before they drop their privileges; proxymap(8) opens them as mail_owner, and what
    # sendmail(1), postqueue(1) and the like consult is read as the user who runs them.
    setting = table.setting
    everyone = setting.name.startswith("authorized_") or setting.name == "local_login_sender_maps"
    path = opened(context, table) if everyone or table.proxied else None
    if path is None:
        return
    owner = context.value("mail_owner") or context.host.mail_owner
    user = STRANGER if everyone else context.probe.user(owner)
    where = context.probe.denied(path, user) if user is not None else None
    if where is None:
        return
    fault = context.probe.file(where)
    mode = f"{fault.mode:04o}" if fault is not None else "unknown"
    bit, need = ("r", "read") if where == path else ("x", "search")
    if everyone:
        what = "" if where == path else f"{where} "
        message = f"{path} is read by the user who runs the command, but {what}has mode {mode}"
        cure = f"chmod o+{bit} {where}"
    else:
        message = f"proxymap(8) opens {path} as {owner}, which may not {need} {where} (mode {mode})"
        cure = f"chgrp {owner} {where} and chmod g+{bit} {where}"
    yield Fault(setting, f"{setting.name}: {message}", cure)


#: The options of mysql_table(5) whose files the client library opens with each connection.
_MYSQL_FILES = ("tls_CAfile", "tls_CApath", "tls_cert_file", "tls_key_file")
#: Where the client libraries of Debian and OpenBSD look for a server that has no address.
_MYSQL_SOCKETS = ("/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/var/run/mysql/mysql.sock")
_PGSQL_SOCKETS = ("/run/postgresql", "/var/run/postgresql", "/tmp/.s.PGSQL.5432")  # noqa: S108 - looked at only
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def _chrooted_reader(context: Context, setting: Setting) -> Service | None:
    """A service that looks this setting up and is chrooted, or None."""
    for service in context.readers(setting):
        overruled = setting.service is None and service.option(setting.name) is not None
        if context.chrooted(service) and not overruled:
            return service
    return None


def _client_options(context: Context, table: Table) -> dict[str, str] | None:
    """What the client file of a table says; None where it cannot be read."""
    path = source(context, table)
    content = context.probe.content(path) if path is not None and table.type in CLIENT_TYPES else None
    if content is None:
        return None
    main = main_cf.parse(content.decode("utf-8", "replace"))
    return {entry.name: entry.value for entry in main.entries()}


def _out_of_reach(context: Context, table: Table) -> str | None:
    """What a daemon in the chroot cannot open for this table, as tried on Postfix 3.5, 3.10 and 3.11.

    Files named in main.cf are opened before the daemon enters the chroot, and TCP works from there. What is opened
    with the first lookup must be in the chroot: sockets, CA files, the log of an SQLite database. MariaDB and
    PostgreSQL were tried on 3.10.
    """
    if table.type == "unix":
        return "the accounts of this host"
    if table.type == "socketmap" and table.name.startswith("unix:"):
        return _not_inside(context, table.name[len("unix:") :].rpartition(":")[0])
    options = _client_options(context, table)
    if options is None:
        return None
    if table.type == "sqlite":
        database = context.probe.content(options.get("dbpath", "")) or b""
        # https://www.sqlite.org/fileformat.html: byte 18 of the header is 2 in WAL mode
        return "the log of its database, which is in WAL mode" if database[18:19] == b"\2" else None
    if table.type == "ldap":
        servers = words(options.get("server_host", ""))
        secure = options.get("start_tls", "no") == "yes" or any(server.startswith("ldaps:") for server in servers)
        files = [options.get(name) for name in ("tls_ca_cert_file", "tls_ca_cert_dir", "tls_cert", "tls_key")]
        outside = [_not_inside(context, name) for name in files if name and secure]
        return next(filter(None, outside), None) or _all_out_of_reach(_ldap_socket(context, each) for each in servers)
    hosts = words(options.get("hosts", "")) or ["localhost"]
    if table.type == "mysql":
        files = [options.get(name) for name in _MYSQL_FILES]
        outside = [_not_inside(context, name) for name in files if name]
        return next(filter(None, outside), None) or _all_out_of_reach(_mysql_socket(context, each) for each in hosts)
    if table.type == "pgsql":
        return _all_out_of_reach(problem for each in hosts for problem in _pgsql(context, each))
    return None


def _all_out_of_reach(problems: Iterable[str | None]) -> str | None:
    """The first problem, unless one of the servers has none: Postfix asks the next one."""
    found = list(problems)
    return found[0] if found and all(found) else None


def _ldap_socket(context: Context, server: str) -> str | None:
    if not server.startswith("ldapi:"):
        return None
    path = unquote(server.partition("//")[2].partition("/")[0])
    return server if _not_inside(context, path or "/run/slapd/ldapi") else None


def _mysql_socket(context: Context, server: str) -> str | None:
    """dict_mysql.c, host_init: localhost is the socket of the client library, with ``inet:`` and a port, too."""
    kind, _unused, name = server.partition(":")
    if kind not in ("unix", "inet"):
        name = server
    if name.partition(":")[0].lower() == "localhost":
        return _default_socket(context, _MYSQL_SOCKETS, "MySQL")
    return _not_inside(context, name) if kind == "unix" else None


def _pgsql(context: Context, server: str) -> Iterator[str | None]:
    """dict_pgsql.c, host_init: a URI has a list of servers, and names the files that they are verified with."""
    uri = _URI.match(server)
    if uri is None:
        name = server.partition(":")[2] if server.startswith(("unix:", "inet:")) else server
        yield _pgsql_socket(context, name)
        return
    authority, _unused, rest = server[uri.end() :].partition("/")
    options = dict(parse_qsl(rest.partition("?")[2]))
    if {"hostaddr", "service"} & options.keys():
        yield None
        return
    names = options.get("host") or unquote(authority.rpartition("@")[2])
    root = options.get("sslrootcert", "")
    outside = _not_inside(context, root) if root.startswith("/") and options.get("sslmode", "")[:1] == "v" else None
    for name in names.split(","):
        yield _pgsql_socket(context, name.lstrip(":0123456789")) if name[:1] in ("", "/", ":") else outside


def _pgsql_socket(context: Context, name: str) -> str | None:
    if not name:
        return _default_socket(context, _PGSQL_SOCKETS, "PostgreSQL")
    return _not_inside(context, name) if name.startswith("/") else None


def _default_socket(context: Context, paths: Iterable[str], what: str) -> str | None:
    return None if any(_not_inside(context, path) is None for path in paths) else f"the default socket of {what}"


def _not_inside(context: Context, path: str) -> str | None:
    """``path`` unless the chroot has such a file, too."""
    return None if context.probe.file(context.value("queue_directory") + path) else path


@rule("table-chroot", ERROR, each=tables)
def table_chroot(context: Context, table: Table) -> Iterator[Fault]:
    """a table whose socket, CA file, accounts or WAL a chrooted daemon cannot reach with its first lookup; it answers
    451 or ends | `proxy:` before it, or no chroot | proxymap(8), tried on 3.10"""
    setting = table.setting
    if not table.usable:
        return
    missing = _out_of_reach(context, table)
    if missing is None:
        return
    if not table.proxied:
        reader = _chrooted_reader(context, setting)
        if reader is not None:
            yield Fault(
                setting,
                f"{setting.name}: {reader.command}(8), service {reader.name}/{reader.type}, looks up {table.shown}, but"
                f" runs in the chroot and cannot reach {missing} from there. Each lookup fails",
                f"write proxy:{table.shown}, or set the chroot column of {reader.name}/{reader.type} to n",
            )
        return
    for service in context.services:
        if service.command == "proxymap" and context.chrooted(service):
            yield Fault(
                setting,
                f"{setting.name}: proxymap(8), which looks up proxy:{table.shown}, runs in the chroot, too",
                f"set the chroot column of {service.name}/{service.type} to n",
            )


@rule("option-file-chroot", WARNING, each=tables)
def option_file_chroot(context: Context, table: Table) -> Iterator[Fault]:
    """an `option_file` of a `mysql:` table that a chrooted daemon cannot reach: the client library passes over it, and
    connects without its options | `proxy:` before the table, or a copy in the chroot | mysql_table(5)"""
    if not table.usable or table.proxied or table.type != "mysql":
        return
    options = _client_options(context, table) or {}
    path, reader = options.get("option_file", ""), _chrooted_reader(context, table.setting)
    if path and reader is not None and _not_inside(context, path):
        yield Fault(
            table.setting,
            f"{table.setting.name}: {reader.command}(8), service {reader.name}/{reader.type}, runs in the chroot and"
            f" cannot reach {path} from there. It looks up {table.shown} without the options in that file",
            f"write proxy:{table.shown}, or copy the file to {context.value('queue_directory')}{path}",
        )


#: The tables of what delivers mail as root or as any user: a match names a file, a command or a number of a user. For
#: those of local(8) and virtual(8) Postfix sets DICT_FLAG_PARANOID, for the rest DICT_FLAG_NO_REGSUB (its sources).
_OF_AGENTS = {"alias_maps": "local", "mailbox_command_maps": "local"} | dict.fromkeys(
    ("virtual_gid_maps", "virtual_mailbox_maps", "virtual_uid_maps"), "virtual"
)
_WITHOUT_SUBSTITUTION = {
    **_OF_AGENTS, "fallback_transport_maps": "local", "mailbox_transport_maps": "local",
} | dict.fromkeys(
    (
        "address_verify_sender_dependent_default_transport_maps",
        "address_verify_sender_dependent_relayhost_maps",
        "address_verify_transport_maps",
        "sender_dependent_default_transport_maps",
        "sender_dependent_relayhost_maps",
        "transport_maps",
    ),
    "trivial-rewrite",
)  # fmt: skip
#: What gives delivery agents their mail: the transport, and the domains whose mail takes it.
_TRANSPORTS = {
    "local": ("local_transport", "mydestination"),
    "virtual": ("virtual_transport", "virtual_mailbox_domains"),
}
#: Types that DICT_FLAG_PARANOID forbids: whoever answers at the address is believed. proxy: does not count; the agents
#: open the table behind it.
_UNTRUSTED = frozenset({"memcache", "socketmap", "tcp"})
_RULE_OF_PATTERNS = re.compile(r"!?(?P<end>[^\w\s#])(?:\\.|(?!(?P=end))[^\\])*(?P=end)\S*\s+(?P<result>.*)")
_SUBSTITUTION = re.compile(r"(?<!\$)(?:\$\$)*\$[({]?[0-9]")


def _agent(context: Context, setting: Setting, programs: Mapping[str, str]) -> Service | None:
    """The service in use that looks the setting up, or None."""
    for service in context.readers(setting):
        if service.command != programs.get(setting.name):
            continue
        if setting.service is None and service.option(setting.name) is not None:
            continue
        transport, domains = _TRANSPORTS.get(service.command, ("", ""))
        named = context.value(transport).partition(":")[0] if transport else service.name
        if service.name == named and (not domains or context.value(domains)):
            return service
    return None


@rule("table-not-trusted", ERROR, each=tables)
def table_not_trusted(context: Context, table: Table) -> Iterator[Fault]:
    """a `tcp:`, `socketmap:` or `memcache:` table for local(8) or virtual(8), which refuse it, and leave the mail in
    the queue | a table in a file, LDAP or SQL | DICT_FLAG_NO_UNAUTH in the sources of Postfix"""
    setting = table.setting
    if table.usable and table.type in _UNTRUSTED:
        service = _agent(context, setting, _OF_AGENTS)
        if service is not None:
            yield Fault(
                setting,
                f"{setting.name}: {service.command}(8), service {service.name}/{service.type}, takes no {table.type}:"
                " table, and leaves each message in the queue",
                "use a table in a file, LDAP or SQL",
            )


def _rules_of_patterns(context: Context, table: Table) -> Iterator[str]:
    """The logical lines of a `regexp:` or `pcre:` table."""
    if table.in_value:
        yield from (line[1:-1].strip() for line in words(table.name[1:-1]))
        return
    line = ""
    for physical in [*context.lines(table.name), "end"]:
        if physical[:1] in (" ", "\t") and physical.strip():
            line += " " + physical.strip()
        elif physical.strip() and not physical.lstrip().startswith("#"):
            yield line
            line = physical.strip()


@rule("substitution-passed-over", WARNING, each=tables)
def substitution_passed_over(context: Context, table: Table) -> Iterator[Fault]:
    """`$1` in the result of a `regexp:` or `pcre:` table with which mail is routed or stored: the daemon passes over
    such a line, so that nothing matches it | results without `$`, or a table of another type | local(8),
    virtual(8)"""
    setting = table.setting
    if not table.usable or table.type not in ("pcre", "regexp"):
        return
    service = _agent(context, setting, _WITHOUT_SUBSTITUTION)
    if service is None:
        return
    place = "" if table.in_value else f" of {table.shown}"
    for line in _rules_of_patterns(context, table):
        found = _RULE_OF_PATTERNS.match(line)
        if found is not None and _SUBSTITUTION.search(found["result"]):
            yield Fault(
                setting,
                f"{setting.name}: {service.command}(8), service {service.name}/{service.type}, passes over the line"
                f" {shortened(line)!r}{place}, because its result has a substitution",
                "write results without $, or use a table of another type",
            )
            return
