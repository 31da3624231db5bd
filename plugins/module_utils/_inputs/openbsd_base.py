# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role ``openbsd_base`` accepts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._inputs.judge import Problem, Table
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import (
    account,
    anything,
    checked_by,
    domain,
    each,
    number,
    optional,
    plain_path,
    shell_path,
    shown,
)
from ansible_collections.puffy.mail.plugins.module_utils._openbsd import crontab, rc_conf

#: lookups that are a flavor of the package each; no package has two of them. SQLite is in every package.
_DATABASES = ("ldap", "mysql", "pgsql")
_SERVICE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
#: what has a role of its own, or is switched off by this one
_OWN_SERVICES = frozenset({"smtpd", "postfix", "dovecot", "saslauthd", "courier_authdaemond", "opendkim", "opendmarc"})
_ALIAS = re.compile(r"[A-Za-z0-9._+-]+\Z")


def _lookups(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    """SUBDIR of mail/postfix has no ldap with mysql, for one."""
    wanted = [word for word in _DATABASES if word in inputs["openbsd_base_lookups"]]
    if len(wanted) > 1:
        yield (
            "openbsd_base_lookups",
            f"has {' and '.join(map(repr, wanted))}, and no package of Postfix has both. Use at most one of 'ldap',"
            " 'mysql' and 'pgsql': each is a flavor of the package.",
        )


def services(value: Any) -> str | None:
    """Services of packages with Postfix among them."""
    cure = "Use names of rc.d(8) scripts with postfix among them, such as ['dovecot', 'postfix']."
    if not isinstance(value, list) or "postfix" not in value:
        return f"is {shown(value)}. {cure}"
    for service in value:
        if not isinstance(service, str) or not _SERVICE.match(service):
            return f"has the entry {shown(service)}, which rc.subr(8) would refuse. {cure}"
    return f"is {shown(value)}, where an entry stands twice. {cure}" if len(set(value)) != len(value) else None


def flags(value: Any) -> str | None:
    """Flags of daemons of the base system, by daemon."""
    cure = "Use a mapping such as {'syslogd': '-a /var/spool/postfix/dev/log'}, or 'NO' for a daemon that is off."
    if not isinstance(value, Mapping):
        return f"is {shown(value)}. {cure}"
    for service, text in value.items():
        if not isinstance(service, str) or not _SERVICE.match(service) or service.endswith("_flags"):
            return f"has the daemon {service!r}. {cure}"
        if service in _OWN_SERVICES:
            return f"has the daemon {service!r}, which this collection starts or stops itself. Leave it out."
        if not isinstance(text, str):
            return f"has {text!r} for {service!r}, which is not text. Put 'NO' in quotes. {cure}"
        try:
            rc_conf.check_value(f"{service}_flags", text)
        except ValueError as exc:
            return f": {exc}."
    return None


def _chroot_file(value: Any) -> str | None:
    problem = shell_path(value)
    if problem is not None:
        return f"has the entry {problem.removeprefix('is ')}"
    if value.startswith("/var/spool/postfix/"):
        return f"has the entry {value!r}, which lies in the chroot itself. Use a file outside of /var/spool/postfix."
    return None


def aliases(value: Any) -> str | None:
    """Aliases with their recipients."""
    cure = "Use a mapping such as {'root': 'alice@example.org'}, or with a list of recipients."
    if not isinstance(value, Mapping):
        return f"is {shown(value)}. {cure}"
    for alias, recipients in value.items():
        if not isinstance(alias, str) or not _ALIAS.match(alias):
            return f"has the alias {alias!r}, and an alias is a local part without its domain. {cure}"
        given = recipients if isinstance(recipients, list) else [recipients]
        if not given:
            return f"has no recipient for {alias!r}. {cure}"
        for recipient in given:
            if not isinstance(recipient, str) or not recipient.strip() or re.search(r"[\r\n\0]", recipient):
                return f"has the recipient {recipient!r} for {alias!r}. {cure}"
    folded = [str(alias).lower() for alias in value]
    for alias in value:
        if folded.count(str(alias).lower()) > 1:
            return f"has {alias!r} twice, and Postfix does not tell upper from lower case there. Name each alias once."
    return None


def _documentation(value: Any) -> str | None:
    if shell_path(value) is None and value.count("/") > 1:
        return None
    return (
        f"is {shown(value)}. Use an absolute path below a directory, such as '/var/www/htdocs/postfix', or '' for no"
        " copy."
    )


TABLE = Table(
    {
        "openbsd_base_branch": anything,
        "openbsd_base_lookups": anything,
        "openbsd_base_sasl": anything,
        "openbsd_base_myname": optional(domain),
        "openbsd_base_vmail_user": account,
        "openbsd_base_vmail_number": number(1000, 60000, "an account"),
        "openbsd_base_vmail_home": plain_path,
        "openbsd_base_services": services,
        "openbsd_base_flags": flags,
        "openbsd_base_aliases": aliases,
        "openbsd_base_chroot_files": each(_chroot_file, ["/etc/resolv.conf", "/etc/ssl/cert.pem"]),
        "openbsd_base_chroot_schedule": optional(checked_by(crontab.check_schedule)),
        "openbsd_base_open_files": number(0, 1000000, "files"),
        "openbsd_base_documentation": optional(_documentation),
    },
    (_lookups,),
)
