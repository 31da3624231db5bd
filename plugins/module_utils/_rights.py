# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which account may read, write or enter what lies at a path: the permission bits, from the root directory on."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import Callable


@dataclass(frozen=True)
class User:
    """A user account: numeric ids; ``groups`` holds the primary group and the supplementary ones."""

    name: str
    uid: int
    gid: int
    groups: frozenset[int]


#: Any user of the host that has no rights of its own on a file.
STRANGER = User("another user", -1, -1, frozenset())


@dataclass(frozen=True)
class File:
    """What lies at a path, symbolic links followed. ``mode`` has the permission bits, ``mtime`` is in seconds."""

    kind: str
    uid: int
    gid: int
    mode: int
    size: int
    mtime: float


def may(file: File, user: User, bits: int) -> bool:
    """Whether ``user`` has the permission ``bits`` (4 read, 2 write, 1 search or execute) on ``file``."""
    if user.uid == 0:
        return True
    if file.uid == user.uid:
        return file.mode >> 6 & bits == bits
    if file.gid in user.groups:
        return file.mode >> 3 & bits == bits
    return file.mode & bits == bits


_KINDS = (
    ("file", stat.S_ISREG),
    ("directory", stat.S_ISDIR),
    ("socket", stat.S_ISSOCK),
    ("fifo", stat.S_ISFIFO),
)


def look(path: str) -> File | None:
    """What lies at ``path``, or None. The kind is file, directory, socket, fifo or other."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    kind = next((name for name, test in _KINDS if test(status.st_mode)), "other")
    return File(kind, status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode), status.st_size, status.st_mtime)


def denied(
    path: str,
    user: User,
    bits: int = 4,
    file_of: Callable[[str], File | None] = look,
    resolve: Callable[[str], str] = os.path.realpath,
) -> str | None:
    """The first directory, or the file itself, that keeps ``user`` from ``path``; None where nothing does.

    ``bits`` are 4 to read, 2 to write, 1 to enter. Every directory on the way must be searchable, in the path as given
    and after symbolic links.
    """
    for whole in dict.fromkeys((path, resolve(path))):
        directory = "/"
        for part in os.path.dirname(whole).split("/"):
            directory = os.path.join(directory, part)
            file = file_of(directory)
            if file is not None and not may(file, user, 1):
                return directory
    file = file_of(path)
    return path if file is not None and not may(file, user, bits) else None
