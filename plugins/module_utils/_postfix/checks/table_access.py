# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the daemons get at their lookup tables: rights, and the chroot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ansible_collections.puffy.mail.plugins.module_utils._postfix import main_cf
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.lookups import (
    CLIENT_TYPES,
    Table,
    opened,
    source,
    tables,
)
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.registry import ERROR, Fault, rule
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import words
from ansible_collections.puffy.mail.plugins.module_utils._postfix.host import STRANGER

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


def _chrooted_reader(context: Context, setting: Setting) -> Service | None:
    """A service that looks this setting up and is chrooted, or None."""
    for service in context.readers(setting):
        overruled = setting.service is None and service.option(setting.name) is not None
        if context.chrooted(service) and not overruled:
            return service
    return None


def _out_of_reach(context: Context, table: Table) -> str | None:
    """What a daemon in the chroot cannot open for this table, as tried on Postfix 3.5, 3.10 and 3.11.

    Files named in main.cf are opened before the daemon enters the chroot, and TCP works from there. What is opened
    with the first lookup must be in the chroot: sockets, CA files, the log of an SQLite database.
    """
    if table.type == "unix":
        return "the accounts of this host"
    if table.type == "socketmap" and table.name.startswith("unix:"):
        return _not_inside(context, table.name[len("unix:") :].rpartition(":")[0])
    path = source(context, table)
    content = context.probe.content(path) if path is not None and table.type in CLIENT_TYPES else None
    if content is None:
        return None
    main = main_cf.parse(content.decode("utf-8", "replace"))
    options = {entry.name: entry.value for entry in main.entries()}
    if table.type == "sqlite":
        database = context.probe.content(options.get("dbpath", "")) or b""
        # https://www.sqlite.org/fileformat.html: byte 18 of the header is 2 in WAL mode
        return "the log of its database, which is in WAL mode" if database[18:19] == b"\2" else None
    servers = words(options.get("server_host") or options.get("hosts") or "localhost")
    if table.type == "ldap":
        sockets = [server for server in servers if server.startswith("ldapi:")]
        secure = options.get("start_tls", "no") == "yes" or any(server.startswith("ldaps:") for server in servers)
        files = [options.get(name) for name in ("tls_ca_cert_file", "tls_ca_cert_dir", "tls_cert", "tls_key")]
        outside = [_not_inside(context, name) for name in files if name and secure]
        return next((name for name in (*sockets, *outside) if name), None)
    # The client of MySQL takes localhost for its socket.
    names = ("localhost",) if table.type == "mysql" else ()
    return next((server for server in servers if server.startswith("unix:") or server in names), None)


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
