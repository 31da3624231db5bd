# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at a host, which answers for every role: system, packages, what programs can do, accounts."""

from __future__ import annotations

import glob
import grp
import importlib.util
import os
import platform
import pwd
import re
import socket
import ssl
import time
from collections.abc import Sequence
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils import _activation, _command

#: os-release(5)
_OS_RELEASE = ("/etc/os-release", "/usr/lib/os-release")
DOVECOT_CONFIGURATION = "/etc/dovecot/dovecot.conf"


def system(os_release: Sequence[str] = _OS_RELEASE) -> str:
    """The family of the system in Ansible's words: 'OpenBSD', 'Debian', or the name of another system."""
    name: str = platform.system()
    if name != "Linux":
        return name
    for path in os_release:
        try:
            with open(path, encoding="utf-8", errors="replace") as stream:
                text = stream.read()
        except OSError:
            continue
        words = [
            word.lower()
            for _key, value in re.findall(r"^(ID|ID_LIKE)=[\"']?([^\"'\n]*)", text, re.MULTILINE)
            for word in value.split()
        ]
        if "debian" in words:
            return "Debian"
        if words:
            return str(words[0]).capitalize()
    return name


def packages(family: str) -> list[str]:
    """The names of the installed packages: of Debian's, or of OpenBSD with the flavors.

    Raises CommandError. Another family has no package manager known here.
    """
    if family == "Debian":
        form = "${db:Status-Status} ${Package}\n"
        said = _command.run([_command.require("dpkg-query"), "-W", f"-f={form}"], check=False).stdout
        return sorted({line.split()[1] for line in said.splitlines() if line.startswith("installed ")})
    if family == "OpenBSD":
        return sorted(_command.run([_command.require("pkg_info"), "-z"]).stdout.split())
    return []


def postfix() -> dict[str, Any]:
    """Version, table types, default type of cache tables and TLS library of the host's Postfix; empty without Postfix.

    Only Postfix 3.11 and later have ``default_cache_db_type``; the value is '' before.
    """
    postconf = _command.find("postconf")
    if postconf is None:
        return {}
    # A main.cf that cannot be read is the business of the module postconf, which says what is wrong with it.
    said = _command.run([postconf, "-dh", "mail_version", "default_cache_db_type"], check=False)
    lines = said.stdout.splitlines()
    types = _command.run([postconf, "-m"], check=False).stdout.split()
    return {
        "version": lines[0].strip() if lines else "",
        "cache_type": lines[1].strip() if len(lines) > 1 else "",
        "table_types": sorted(types),
        # The library of Python, which is the one of the system, and so that of Postfix.
        "tls_library": ssl.OPENSSL_VERSION,
        "configured": os.path.exists("/etc/postfix/main.cf"),
    }


def dovecot() -> dict[str, Any]:
    """Version of the host's Dovecot; empty without Dovecot.

    ``dovecot --version`` answers "2.3.13 (89f716dc2)" or "2.4.1-4 (7d8c0e5759)".
    """
    command = _command.find("dovecot")
    if command is None:
        return {}
    said = _command.run([command, "--version"], check=False).stdout
    return {"version": said.split(" ", 1)[0].strip()}


def provided(table_types: Sequence[str]) -> list[str]:
    """What the host can do, however it was installed: ``map:TYPE`` for each table type, programs, Python libraries."""
    found = [f"map:{name}" for name in table_types]
    found += [name for name in ("postfix", "openssl", "dovecot", "certbot") if _command.find(name) is not None]
    if importlib.util.find_spec("cryptography") is not None:
        found.append("python:cryptography")
    return found


def account(name: str) -> dict[str, Any]:
    """Numbers, primary group and home of an account; empty where there is none of that name."""
    try:
        row = pwd.getpwnam(name)
    except KeyError:
        return {}
    try:
        group = grp.getgrgid(row.pw_gid).gr_name
    except KeyError:
        group = str(row.pw_gid)
    return {
        "name": name,
        "uid": row.pw_uid,
        "gid": row.pw_gid,
        "group": group,
        "home": row.pw_dir,
        "shell": row.pw_shell,
    }


def activated() -> list[str]:
    """The daemons that the modules of this collection activated here, by the name of their records."""
    found = glob.glob(os.path.join(_activation.ROOT, "*", "*", _activation.RECORD))
    return sorted({path.split(os.sep)[-3] for path in found})


def groups() -> list[str]:
    """The names of the groups of the host."""
    return sorted({row.gr_name for row in grp.getgrall()})


def unreachable(servers: Sequence[tuple[str, int]], timeout: float) -> list[str]:
    """Why no server of ``servers`` (name, port) takes a connection within ``timeout`` seconds; empty where one does."""
    said = []
    deadline = time.monotonic() + timeout
    for name, port in servers:
        try:
            with socket.create_connection((name, port), max(0.5, min(5.0, deadline - time.monotonic()))):
                return []
        except OSError as exc:
            said.append(f"{name} port {port}: {exc.strerror or exc}")
    return said
