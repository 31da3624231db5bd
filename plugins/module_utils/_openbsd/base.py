# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inputs of the role ``openbsd_base``: what is wrong with them, as sentences; and aliases(5). No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._inputs.dovecot import (
    account_problem,
    number_problem,
    path_problem,
)
from ansible_collections.puffy.mail.plugins.module_utils._inputs.preflight import domain_problem
from ansible_collections.puffy.mail.plugins.module_utils._openbsd import crontab

#: branches of mail/postfix that there are packages of
BRANCHES = ("stable", "stable35")
#: lookups that are a flavor of the package each; no package has two of them. SQLite is in every package.
DATABASES = ("ldap", "mysql", "pgsql")
LOOKUPS = ("sqlite", *DATABASES)
SASL = ("dovecot", "cyrus")

_SERVICE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_ALIAS = re.compile(r"[A-Za-z0-9._+-]+\Z")
# The names go into a crontab and through sh(1).
_FILE = re.compile(r"(/[A-Za-z0-9_][-._A-Za-z0-9]*)+\Z")


def one_of(allowed: tuple[str, ...]) -> Callable[[str, Any], str | None]:
    """The rule of a word that is one of ``allowed``."""

    def problem(name: str, value: Any) -> str | None:
        if isinstance(value, str) and value in allowed:
            return None
        return f"{name} is {value!r}. Right would be one of {', '.join(map(repr, allowed))}."

    return problem


def lookups_problem(name: str, value: Any) -> str | None:
    """What keeps ``value`` from naming a package: SUBDIR of mail/postfix has no ldap with mysql, for one."""
    right = (
        f"Right would be a list of {', '.join(map(repr, LOOKUPS))}, with one of the last three at most: the flavors of"
        " the package are ldap, mysql and pgsql, each alone, and sasl2."
    )
    if not isinstance(value, list):
        return f"{name} is {value!r}. {right}"
    for word in value:
        if word not in LOOKUPS:
            return f"{name} has the entry {word!r}. {right}"
    wanted = [word for word in DATABASES if word in value]
    if len(wanted) > 1:
        return f"{name} has {' and '.join(map(repr, wanted))}, and no package of Postfix has both. {right}"
    return None


def services_problem(name: str, value: Any) -> str | None:
    """What keeps ``value`` from being services of packages with Postfix among them."""
    right = "Right would be names of rc.d(8) scripts with postfix among them, such as ['dovecot', 'postfix']."
    if not isinstance(value, list) or "postfix" not in value:
        return f"{name} is {value!r}. {right}"
    for service in value:
        if not isinstance(service, str) or not _SERVICE.match(service):
            return f"{name} has the entry {service!r}, which rc.subr(8) would refuse. {right}"
    if len(set(value)) != len(value):
        return f"{name} is {value!r}, where an entry stands twice. {right}"
    return None


def chroot_files_problem(name: str, value: Any) -> str | None:
    """What keeps ``value`` from being files to copy into Postfix's chroot."""
    right = "Right would be absolute paths of files, without blanks, such as ['/etc/resolv.conf', '/etc/ssl/cert.pem']."
    if not isinstance(value, list):
        return f"{name} is {value!r}. {right}"
    for path in value:
        if not isinstance(path, str) or not _FILE.match(path):
            return f"{name} has the entry {path!r}. {right}"
        if path.startswith("/var/spool/postfix/"):
            return f"{name} has the entry {path!r}, which lies in the chroot itself. {right}"
    return None


def schedule_problem(name: str, value: Any) -> str | None:
    """What keeps ``value`` from being the time of a job, or '' for none."""
    if value == "":
        return None
    try:
        crontab.check_schedule(value)
    except ValueError as exc:
        return f"{name}: {exc}. Right would be one such as '~/10 * * * *', or '' for no job."
    return None


def aliases_problem(name: str, value: Any) -> str | None:
    """What keeps ``value`` from being aliases with their recipients."""
    right = "Right would be a mapping such as {'root': 'alice@example.org'}, or with a list of recipients."
    if not isinstance(value, Mapping):
        return f"{name} is {value!r}. {right}"
    for alias, recipients in value.items():
        if not isinstance(alias, str) or not _ALIAS.match(alias):
            return f"{name} has the alias {alias!r}; an alias is a local part without its domain. {right}"
        given = recipients if isinstance(recipients, list) else [recipients]
        if not given:
            return f"{name} has no recipient for {alias!r}. {right}"
        for recipient in given:
            if not isinstance(recipient, str) or not recipient.strip() or re.search(r"[\r\n\0]", recipient):
                return f"{name} has the recipient {recipient!r} for {alias!r}. {right}"
    folded = [str(alias).lower() for alias in value]
    for alias in value:
        if folded.count(str(alias).lower()) > 1:
            return f"{name} has {alias!r} twice; Postfix does not tell upper from lower case there. {right}"
    return None


def documentation_problem(name: str, value: Any) -> str | None:
    """What keeps ``value`` from being a directory of a web server, or '' for none."""
    if value == "" or (isinstance(value, str) and _FILE.match(value) and value.count("/") > 1):
        return None
    return (
        f"{name} is {value!r}. Right would be an absolute path below a directory, such as '/var/www/htdocs/postfix',"
        " or '' for no copy."
    )


_RULES: dict[str, Callable[[str, Any], str | None]] = {
    "openbsd_base_branch": one_of(BRANCHES),
    "openbsd_base_lookups": lookups_problem,
    "openbsd_base_sasl": one_of(SASL),
    "openbsd_base_myname": lambda name, value: domain_problem(name, value) if value != "" else None,
    "openbsd_base_vmail_user": account_problem,
    "openbsd_base_vmail_number": number_problem(1000, 60000, "an account"),
    "openbsd_base_vmail_home": path_problem,
    "openbsd_base_services": services_problem,
    "openbsd_base_aliases": aliases_problem,
    "openbsd_base_chroot_files": chroot_files_problem,
    "openbsd_base_chroot_schedule": schedule_problem,
    "openbsd_base_open_files": number_problem(0, 1000000, "files"),
    "openbsd_base_documentation": documentation_problem,
}


def openbsd_base_problems(inputs: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each bad value. Raises ValueError for an input that the role does not have."""
    found = []
    for name, value in inputs.items():
        if name not in _RULES:
            raise ValueError(f"no rule is known for the input {name!r}")
        found.append(_RULES[name](name, value))
    return [sentence for sentence in found if sentence is not None]


def aliases_text(text: str, aliases: Mapping[str, Any]) -> str:
    """Return aliases(5) text in which each name of ``aliases`` has these recipients, and everything else is as it was.

    An entry that says so already keeps its layout. One that says something else becomes one line where it stands,
    without the lines that continued it; later entries of the same name, which Postfix would pass over, go. New ones
    come last.
    """
    wanted = {
        name.lower(): (name, _recipients(", ".join([given] if isinstance(given, str) else given)))
        for name, given in aliases.items()
    }
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    kept: list[str | None] = list(lines)
    seen = set()
    for first, numbers in _entries(lines):
        name, _colon, rest = lines[first].partition(":")
        key = name.strip().strip('"').lower()
        if key not in wanted:
            continue
        said = _recipients(" ".join([rest, *(lines[number] for number in numbers)]))
        if key not in seen and said == wanted[key][1]:
            seen.add(key)
            continue
        for number in (first, *numbers):
            kept[number] = None
        if key not in seen:
            kept[first] = _entry(*wanted[key])
            seen.add(key)
    result = [line for line in kept if line is not None]
    result += [_entry(*wanted[key]) for key in wanted if key not in seen]
    return "".join(f"{line}\n" for line in result)


def _entries(lines: list[str]) -> list[tuple[int, list[int]]]:
    """The number of each entry's first line and of the lines that continue it.

    aliases(5): a line that begins with a blank continues the one before; empty lines and comments are passed over.
    """
    found: list[tuple[int, list[int]]] = []
    for number, line in enumerate(lines):
        shown = line.strip()
        if not shown or shown.startswith("#"):
            continue
        if not line[0].isspace():
            found.append((number, []))
        elif found:
            found[-1][1].append(number)
    return found


def _recipients(text: str) -> list[str]:
    return [part for part in (" ".join(part.split()) for part in text.split(",")) if part]


def _entry(name: str, recipients: list[str]) -> str:
    return f"{name}: {', '.join(recipients)}"
