# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How root opens SQLite databases beside which other accounts may put files."""

from __future__ import annotations

import contextlib
import os
import pwd
import sqlite3
import stat
from collections.abc import Iterator
from urllib.parse import quote

from ansible_collections.puffy.mail.plugins.module_utils import _files

#: seconds to wait for another process that holds the database
BUSY_TIMEOUT = 30.0


class DatabaseError(Exception):
    """A database that cannot be used; the message names it and says what was left untouched."""


@contextlib.contextmanager
def opened(path: str, access: str) -> Iterator[sqlite3.Connection]:
    """Open ``path`` for ``access`` ro or rw, never making it; errors become DatabaseError.

    Where others than root may put files beside the database, SQLite's journals among them, it is opened as its owner.
    """
    try:
        with _files.place(path) as at, contextlib.ExitStack() as stack:
            status = at.status()
            # SQLite waits for the other end of a pipe.
            if status is not None and not stat.S_ISREG(status.st_mode):
                raise _files.FileError(f"{path}: is not a regular file")
            if at.shared and status is not None:
                if access != "ro":
                    at.refuse_others()
                    raise _files.FileError(f"{path}: other accounts may make files beside it. Use another directory")
                stack.enter_context(_as_account(status))
            yield from _connected(path, access)
    except FileNotFoundError as exc:
        raise DatabaseError(f"{path}: {exc.strerror}; the database is as it was") from exc
    except _files.FileError as exc:
        raise DatabaseError(f"{exc}; the database is as it was") from exc


@contextlib.contextmanager
def _as_account(status: os.stat_result) -> Iterator[None]:
    """Root with the rights of a file's owner and group; of an account without rights where root owns the file."""
    groups, gid = os.getgroups(), os.getegid()
    os.setgroups([status.st_gid])
    os.setegid(status.st_gid)
    os.seteuid(status.st_uid or pwd.getpwnam("nobody").pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(gid)
        os.setgroups(groups)


def _connected(path: str, access: str) -> Iterator[sqlite3.Connection]:
    try:
        connection = sqlite3.connect(
            f"file:{quote(path)}?mode={access}", uri=True, timeout=BUSY_TIMEOUT, isolation_level=None
        )
        try:
            yield connection
        finally:
            connection.close()
    except sqlite3.Error as exc:
        said = str(exc)
        if "locked" in said or "busy" in said:
            said = f"another process has held it for {BUSY_TIMEOUT:g} seconds ({said})"
        raise DatabaseError(f"{path}: {said}; the database is as it was") from exc
