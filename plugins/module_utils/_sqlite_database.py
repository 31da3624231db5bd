# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one edge that opens the accounts database: reads it whole, writes it in one transaction."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from ansible_collections.puffy.mail.plugins.module_utils import _files
from ansible_collections.puffy.mail.plugins.module_utils._sqlite_accounts import (
    APPLICATION_ID,
    COLUMNS,
    SCHEMA,
    SCHEMA_VERSION,
    TablePlan,
    Tables,
)

#: seconds to wait for another process that holds the database
BUSY_TIMEOUT = 30.0


class DatabaseError(Exception):
    """A database that cannot be used; the message names it and says what was left untouched."""


@dataclass(frozen=True)
class Database:
    """The accounts database as it is."""

    tables: Tables
    journal_mode: str
    uid: int
    gid: int
    mode: int


@contextlib.contextmanager
def _opened(path: str, access: str) -> Iterator[sqlite3.Connection]:
    """Open ``path`` for ``access`` ro or rw, never making it; errors become DatabaseError."""
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


def _status(path: str) -> os.stat_result | None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise DatabaseError(f"{path}: cannot be read: {exc.strerror}") from exc
    if not stat.S_ISREG(status.st_mode):
        raise DatabaseError(f"{path}: is not a regular file; right would be a SQLite database or no file at all")
    return status


def _check_owner(path: str, connection: sqlite3.Connection) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION_ID:
        raise DatabaseError(
            f"{path}: is a SQLite database that this collection did not make (application_id {application:#x});"
            " it is left alone. Name another path, or move it away"
        )
    if version != SCHEMA_VERSION:
        raise DatabaseError(
            f"{path}: has the schema version {version}; this release of the collection knows {SCHEMA_VERSION}"
        )


def _rows(connection: sqlite3.Connection) -> Tables:
    return {
        table: {row[0]: row for row in connection.execute(f"SELECT {', '.join(columns)} FROM {table}")}  # noqa: S608
        for table, columns in COLUMNS.items()
    }


def read(path: str, *, recover: bool = False) -> Database | None:
    """Return the database at ``path``, or None where there is none. An empty file counts as none.

    ``recover`` lets SQLite roll back what a writer that was killed left behind. Raises DatabaseError.
    """
    status = _status(path)
    if status is None or status.st_size == 0:
        return None
    with _opened(path, "rw" if recover else "ro") as connection:
        connection.execute("BEGIN")  # one view over all the tables
        _check_owner(path, connection)
        tables = _rows(connection)
        connection.execute("ROLLBACK")
        journal = connection.execute("PRAGMA journal_mode").fetchone()[0]
    return Database(tables, journal, status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))


def _write(connection: sqlite3.Connection, plans: Mapping[str, TablePlan]) -> None:
    now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    for table, columns in COLUMNS.items():
        change = plans[table]
        key, others = columns[0], columns[1:]
        connection.executemany(f"DELETE FROM {table} WHERE {key} = ?", ((row[0],) for row in change.delete))  # noqa: S608
        connection.executemany(
            f"UPDATE {table} SET {', '.join(f'{name} = ?' for name in others)}, modified = ? WHERE {key} = ?",  # noqa: S608
            ((*new[1:], now, new[0]) for _old, new in change.update),
        )
        connection.executemany(
            f"INSERT INTO {table} ({', '.join(columns)}, created, modified)"  # noqa: S608
            f" VALUES ({', '.join('?' * (len(columns) + 2))})",
            # In the order of the key, the tree is filled page by page.
            ((*row, now, now) for row in sorted(change.insert)),
        )


def _transaction(connection: sqlite3.Connection, work: Callable[[], None]) -> None:
    # Pages stay in memory until the commit: readers are shut out for the commit alone, not for the whole load.
    connection.execute("PRAGMA cache_spill = OFF")
    connection.execute("PRAGMA synchronous = FULL")
    # A hash that was replaced does not stay readable in a free page.
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("BEGIN IMMEDIATE")
    try:
        work()
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def create(path: str, plans: Mapping[str, TablePlan], *, uid: int, gid: int, mode: int) -> None:
    """Make the database beside ``path`` and give it that name once it is complete."""
    staged = _files.stage(path, b"", uid=uid, gid=gid, mode=mode)
    try:
        with _opened(staged, "rw") as connection:
            # The header is outside the transaction's reach in executescript, so the schema goes first.
            connection.executescript(SCHEMA)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            _transaction(connection, lambda: _write(connection, plans))
        _files.commit(staged, path)
    except DatabaseError as exc:
        raise DatabaseError(str(exc).replace(staged, path)) from exc
    finally:
        _files.discard(staged)
        _files.discard(f"{staged}-journal")


def update(path: str, replan: Callable[[Tables], Mapping[str, TablePlan]]) -> None:
    """Bring the live database to what ``replan`` says of its rows, in one transaction."""
    with _opened(path, "rw") as connection:
        # A WAL database needs its side files written by readers, which Postfix's account cannot do.
        connection.execute("PRAGMA journal_mode = DELETE")
        _transaction(connection, lambda: _write(connection, replan(_rows(connection))))


def own(path: str, *, uid: int, gid: int, mode: int) -> None:
    """Set owner, group and permission bits of the live database."""
    try:
        os.chown(path, uid, gid)
        os.chmod(path, mode)
    except OSError as exc:
        raise DatabaseError(f"{path}: its owner and mode cannot be set: {exc.strerror}") from exc
