# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the daemons get at their lookup tables: rights, and the chroot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.lookups import (
    CLIENT_TYPES,
    Table,
    opened,
    tables,
)
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.registry import ERROR, Fault, rule
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


@rule("table-chroot", ERROR, each=tables)
def table_chroot(context: Context, table: Table) -> Iterator[Fault]:
    """an LDAP, SQL or `unix:` table that a chrooted daemon cannot reach | `proxy:` before it, or no chroot |
    proxymap(8), BASIC_CONFIGURATION_README"""
    # A table that is not opened before the daemon is chrooted needs proxymap(8) outside of the chroot. A memcache
    # server is asked over the network, or through a socket that can be in the chroot.
    setting = table.setting
    if not table.usable or (table.type not in CLIENT_TYPES and table.type != "unix"):
        return
    if not table.proxied:
        reader = _chrooted_reader(context, setting)
        if reader is not None:
            what = "the accounts of this host" if table.type == "unix" else "the database"
            yield Fault(
                setting,
                f"{setting.name}: {reader.command}(8), service {reader.name}/{reader.type}, looks up {table.shown}, but"
                f" runs in the chroot and cannot reach {what} from there",
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
