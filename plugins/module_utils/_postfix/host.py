# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge that asks a host what the checks of a Postfix configuration need to know: two commands, then stat()."""

from __future__ import annotations

import contextlib
import errno
import grp
import os
import pwd
import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.puffy.mail.plugins.module_utils import _command, _files
from ansible_collections.puffy.mail.plugins.module_utils._postfix import expansion
from ansible_collections.puffy.mail.plugins.module_utils._postfix import types as postfix_types
from ansible_collections.puffy.mail.plugins.module_utils._rights import File, User, denied, look

#: The configuration directory of Postfix on OpenBSD and Debian.
STANDARD = "/etc/postfix"
#: A certificate bundle of a whole system has some 230 kB; nothing that the checks read is larger.
READ_LIMIT = 4 * 1024 * 1024


class Probe:
    """Answers questions about files, accounts and addresses of this host; each is asked of the system once.

    Tests put another object with the same methods in its place.
    """

    def __init__(self) -> None:
        self._files: dict[str, File | None] = {}
        self._users: dict[str, User | None] = {}
        self._sasl_types: dict[str, tuple[str, ...]] = {}

    def file(self, path: str) -> File | None:
        """What lies at ``path``, or None."""
        if path not in self._files:
            self._files[path] = look(path)
        return self._files[path]

    def content(self, path: str) -> bytes | None:
        """The first 4 MiB of the regular file at ``path``; None where it cannot be read."""
        file = self.file(path)
        if file is None or file.kind != "file":
            return None
        try:
            return _files.head(path, READ_LIMIT)
        except _files.FileError:
            return None

    def resolve(self, path: str) -> str:
        """``path`` with its symbolic links followed."""
        return os.path.realpath(path)

    def entries(self, path: str) -> tuple[str, ...]:
        """The names in a directory; empty where it cannot be read."""
        try:
            return tuple(sorted(os.listdir(path)))
        except OSError:
            return ()

    def user(self, name: str) -> User | None:
        """The account ``name`` (or number), or None."""
        if name not in self._users:
            found = None
            with contextlib.suppress(KeyError, ValueError, OverflowError):
                entry = pwd.getpwuid(int(name)) if name.isdigit() else pwd.getpwnam(name)
                groups = frozenset(os.getgrouplist(entry.pw_name, entry.pw_gid))
                found = User(entry.pw_name, entry.pw_uid, entry.pw_gid, groups)
            self._users[name] = found
        return self._users[name]

    def group(self, name: str) -> int | None:
        """The id of the group ``name``, or None."""
        try:
            return grp.getgrnam(name).gr_gid
        except (KeyError, ValueError):
            return None

    def sasl_types(self, option: str) -> tuple[str, ...]:
        """The SASL types that this Postfix was built with: ``-a`` for servers, ``-A`` for clients (postconf(1))."""
        if option not in self._sasl_types:
            said = _command.run(["postconf", option], check=False)
            self._sasl_types[option] = tuple(said.stdout.split())
        return self._sasl_types[option]

    def denied(self, path: str, user: User) -> str | None:
        """The first directory, or the file itself, that keeps ``user`` from reading ``path``, or None."""
        return denied(path, user, 4, self.file, self.resolve)

    def has_address(self, address: str) -> bool | None:
        """Whether one of this host's interfaces has ``address``; None where the host cannot tell."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.bind((address, 0))
        except OSError as exc:
            return False if exc.errno == errno.EADDRNOTAVAIL else None
        return True

    def port(self, service: str) -> int | None:
        """The TCP port of a name in services(5), or None."""
        try:
            return socket.getservbyname(service, "tcp")
        except OSError:
            return None

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()


@dataclass(frozen=True)
class Host:
    """What the checks know of the host. ``defaults`` are those of ``postconf -d``; ``version`` is (3, 10, 13)."""

    version: tuple[int, ...]
    defaults: dict[str, str]
    map_types: frozenset[str]
    mail_owner: str
    config_directory: str
    probe: Probe = field(default_factory=Probe, compare=False)


def is_standard(directory: str) -> bool:
    """Whether Postfix runs what lies in a configuration directory. Others may hold a part of a configuration."""
    return os.path.normpath(directory) == STANDARD


def parse_defaults(text: str) -> dict[str, str]:
    """The output of ``postconf -d`` as a mapping. ValueError where it has no mail_version."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = re.match(r"(\S+) =(?: (.*))?$", line)
        if match:
            found[match[1]] = match[2] or ""
    if "mail_version" not in found:
        raise ValueError("postconf -d did not print mail_version; this does not look like Postfix")
    return found


#: Parameters that say where Postfix finds its list of map types from other packages (postconf(5)); each may use others.
_WHERE = ("meta_directory", "shlib_directory")
#: Parameters that name accounts. Where a host has others than those built in, postconf stops without them.
_ACCOUNTS = (("mail_owner", pwd.getpwnam), ("setgid_group", grp.getgrnam))


def gather(config_directory: str, settings: Mapping[str, str] | None = None) -> Host:
    """Ask the Postfix of this host for its defaults and its map types: two commands. Raises CommandError.

    ``settings`` are the parameters of main.cf, unexpanded. The commands read an empty configuration of their own:
    ``postconf -m`` refuses to answer where main.cf has a bad line, ``postconf -d`` where master.cf has one, and both
    are what the checks are to report; and it waits until a main.cf that has just been changed is a second old (dict.c).
    """
    postconf = _command.require("postconf", hint="install Postfix first")
    known = {**(settings or {}), "config_directory": config_directory}
    try:
        with _files.scratch() as directory:
            lines = [f"{name} = {_value(name, known)}\n" for name in _WHERE if name in known]
            for name, find in _ACCOUNTS:
                # A name that nobody has is for the checks to report.
                with contextlib.suppress(KeyError):
                    lines.append(f"{name} = {find(known[name])[0]}\n")
            for name, text in (("main.cf", "".join(lines)), ("master.cf", "")):
                path = os.path.join(directory, name)
                with open(path, "w", encoding="utf-8", errors="surrogateescape") as stream:
                    stream.write(text)
                os.utime(path, (0, 0))
            said = _command.run([postconf, "-c", directory, "-d"])
            types = frozenset(_command.run([postconf, "-c", directory, "-m"]).stdout.split())
    except (OSError, _files.FileError) as exc:
        raise _command.CommandError(
            f"postconf needs a temporary directory, which cannot be made: {exc}; nothing was changed"
        ) from exc
    try:
        defaults = {**parse_defaults(said.stdout), "config_directory": config_directory}
        version = postfix_types.version_of(defaults["mail_version"])
    except ValueError as exc:
        raise _command.CommandError(str(exc)) from exc
    return Host(version, defaults, types, defaults.get("mail_owner", "postfix"), config_directory)


def _value(name: str, settings: Mapping[str, str]) -> str:
    try:
        return " ".join(expansion.expand(settings[name], settings.get).split())
    except ValueError:
        # Braces out of balance are for the checks to complain about.
        return ""
