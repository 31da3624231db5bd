# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one edge that opens accounts databases: ours is read whole and written in one transaction, PostfixAdmin's is
looked at."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ansible_collections.puffy.mail.plugins.module_utils import _files, _sqlite
from ansible_collections.puffy.mail.plugins.module_utils import _rights as rights
from ansible_collections.puffy.mail.plugins.module_utils._accounts import routes
from ansible_collections.puffy.mail.plugins.module_utils._accounts.rows import (
    APPLICATION_ID,
    COLUMNS,
    MIGRATIONS,
    PROOFS,
    SCHEMA,
    SCHEMA_VERSION,
    SINCE,
    Find,
    Row,
    TablePlan,
    Tables,
    first_of,
    targets_of,
)
from ansible_collections.puffy.mail.plugins.module_utils._tables import query

#: what is raised where a database cannot be used
DatabaseError = _sqlite.DatabaseError


@dataclass(frozen=True)
class Database:
    """The accounts database as it is."""

    tables: Tables
    version: int
    journal_mode: str
    uid: int
    gid: int
    mode: int
    #: when the mailboxes that are switched off were changed last: UTC, as in ``_moment``
    off_since: dict[str, str]


def _moment(days_ago: float = 0) -> str:
    """A moment as the tables have it, in UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() - days_ago * 86400))


def off_for(database: Database | None, days: int) -> set[str] | None:
    """The mailboxes that have been switched off for that many days; None where ``days`` is 0."""
    if days == 0:
        return None
    before = _moment(days)
    return {address for address, since in (database.off_since if database else {}).items() if since <= before}


def _status(path: str) -> os.stat_result | None:
    try:
        return _files.status(path)
    except _files.FileError as exc:
        raise DatabaseError(f"{exc}. Use a SQLite database or no file at all") from exc


def exists(path: str) -> bool:
    """Whether there is a file. Raises DatabaseError for a directory, or where that cannot be told."""
    return _status(path) is not None


def _version(path: str, connection: sqlite3.Connection) -> int:
    """The schema version of a database of ours. Raises DatabaseError for any other."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION_ID:
        raise DatabaseError(
            f"{path}: is a SQLite database that this collection did not make (application_id {application:#x});"
            " it is left alone. Name another path, or move it away"
        )
    if not 1 <= version <= SCHEMA_VERSION:
        raise DatabaseError(
            f"{path}: has the schema version {version}, and this release of the collection knows {SCHEMA_VERSION} and"
            " earlier ones; it is left alone. Use the release that made the database, or a later one"
        )
    return version


def _rows(connection: sqlite3.Connection, version: int = SCHEMA_VERSION) -> Tables:
    return {
        table: {row[0]: row for row in connection.execute(f"SELECT {', '.join(columns)} FROM {table}")}  # noqa: S608
        for table, columns in COLUMNS.items()
        if SINCE.get(table, 1) <= version
    }


def read(path: str, *, recover: bool = False) -> Database | None:
    """Return the database at ``path``, or None without a file. An empty file counts as no file.

    ``recover`` lets SQLite roll back what a writer that was killed left behind. Raises DatabaseError.
    """
    status = _status(path)
    if status is None or status.st_size == 0:
        return None
    with _sqlite.opened(path, "rw" if recover else "ro") as connection:
        connection.execute("BEGIN")  # one view over all the tables
        version = _version(path, connection)
        tables = _rows(connection, version)
        off = dict(connection.execute("SELECT username, modified FROM mailbox WHERE active = 0"))
        connection.execute("ROLLBACK")
        journal = connection.execute("PRAGMA journal_mode").fetchone()[0]
    return Database(tables, version, journal, status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode), off)


def _write(connection: sqlite3.Connection, plans: Mapping[str, TablePlan]) -> None:
    now = _moment()
    for table, columns in COLUMNS.items():
        change = plans[table]
        key, others = columns[0], columns[1:]
        connection.executemany(f"DELETE FROM {table} WHERE {key} = ?", ((row[0],) for row in change.delete))  # noqa: S608
        connection.executemany(
            f"UPDATE {table} SET {', '.join(f'{name} = ?' for name in others)}, modified = ? WHERE {key} = ?",  # noqa: S608
            ((*new[1:], now, new[0]) for _old, new in [*change.update, *change.off]),
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
        # SQLite itself rolls back where the disk is full.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def create(path: str, plans: Mapping[str, TablePlan], *, uid: int, gid: int, mode: int) -> None:
    """Make the database beside ``path`` and give it that name once it is complete."""
    staged = _files.stage(path, b"", uid=uid, gid=gid, mode=mode)
    try:
        with _sqlite.opened(staged, "rw") as connection:
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
    """Bring the live database to the newest schema and to what ``replan`` says of its rows, in one transaction."""
    with _sqlite.opened(path, "rw") as connection:
        # A WAL database needs its side files written by readers, which Postfix's account cannot do.
        connection.execute("PRAGMA journal_mode = DELETE")

        def work() -> None:
            for version in range(_version(path, connection), SCHEMA_VERSION):
                for statement in MIGRATIONS[version]:
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            _write(connection, replan(_rows(connection)))

        _transaction(connection, work)


def own(path: str, *, uid: int, gid: int, mode: int) -> None:
    """Set owner, group and permission bits of the live database."""
    _files.own(path, uid=uid, gid=gid, mode=mode)


@dataclass(frozen=True)
class Survey:
    """What a database that PostfixAdmin keeps looks like."""

    columns: dict[str, list[str]]
    #: the first column of each index, by table
    leading: dict[str, list[str]]
    #: rows by table, of the tables that are there
    counts: dict[str, int]


def is_wal(path: str) -> bool:
    """Whether the file's header asks for write-ahead logging (file format, bytes 18 and 19)."""
    try:
        return (_files.head(path, 20) or b"")[18:] == b"\2\2"
    except _files.FileError as exc:
        raise DatabaseError(f"{exc}") from exc


@contextlib.contextmanager
def opened_for_reading(path: str) -> Iterator[sqlite3.Connection]:
    """One view of the database at ``path``, which is not changed. Raises DatabaseError."""
    status = _status(path)
    if status is None:
        raise DatabaseError(f"{path}: there is no such file. Use the database that PostfixAdmin made")
    if status.st_size == 0:
        raise DatabaseError(f"{path}: is empty; PostfixAdmin's upgrade.php makes its tables")
    with _sqlite.opened(path, "ro") as connection:
        connection.execute("BEGIN")
        yield connection


def survey(connection: sqlite3.Connection) -> Survey:
    """The tables, columns and indexes that are there."""
    columns: dict[str, list[str]] = {}
    leading: dict[str, list[str]] = {}
    counts: dict[str, int] = {}
    for table in COLUMNS:
        found = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        if not found:
            continue
        columns[table] = found
        names = [row[1] for row in connection.execute(f"PRAGMA index_list({table})")]
        leading[table] = []
        for name in names:
            first = connection.execute(f'PRAGMA index_info("{name}")').fetchone()
            if first is not None and first[2] is not None:
                leading[table].append(first[2])
        counts[table] = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
    return Survey(columns, leading, counts)


def row_finder(connection: sqlite3.Connection) -> Find:
    """Finds single rows in the database."""

    def find(table: str, key: str) -> Row | None:
        columns = COLUMNS[table]
        row = connection.execute(
            f"SELECT {', '.join(columns)} FROM {table} WHERE {columns[0]} = ?",  # noqa: S608
            (key,),
        ).fetchone()
        return None if row is None else tuple(row)

    return find


def sample_keys(connection: sqlite3.Connection) -> list[str]:
    """A few keys of each table, active ones and others, and some addresses in domain aliases."""
    keys: list[str] = []
    for table, columns in COLUMNS.items():
        for active in (1, 0):
            for order in ("ASC", "DESC"):
                found = connection.execute(
                    f"SELECT {columns[0]} FROM {table} WHERE active = ?"  # noqa: S608
                    f" ORDER BY {columns[0]} {order} LIMIT {PROOFS}",
                    (active,),
                )
                keys.extend(row[0] for row in found)
    twins = connection.execute(
        "SELECT local_part || '@' || alias_domain FROM alias_domain JOIN mailbox ON domain = target_domain"
        " ORDER BY alias_domain LIMIT ?",
        (PROOFS,),
    )
    keys.extend(row[0] for row in twins)
    return list(dict.fromkeys(keys))


def data_findings(
    connection: sqlite3.Connection, delimiter: str = "+", most_targets: int = routes.TARGETS
) -> list[str]:
    """What in the rows keeps addresses from being found, and aliases from leading to somebody."""
    found = []
    for table, columns in COLUMNS.items():
        key = columns[0]
        count, one = connection.execute(
            f"SELECT count(*), min({key}) FROM {table} WHERE {key} <> lower({key})"  # noqa: S608
        ).fetchone()
        if count:
            found.append(
                f"{count} of the entries of the table {table!r} have capitals in {key!r}, such as {one!r}, and are"
                " never found: Postfix asks in lower case. Use lower case"
            )
    chains = connection.execute(
        "SELECT a.alias_domain, a.target_domain, b.target_domain FROM alias_domain AS a"
        " JOIN alias_domain AS b ON b.alias_domain = a.target_domain WHERE a.active = 1 AND b.active = 1 LIMIT 1"
    ).fetchone()
    if chains:
        found.append(
            f"the domain alias {chains[0]!r} leads to {chains[1]!r}, which is one itself; such a chain is not followed."
            f" Use {chains[2]!r} as its target"
        )
    names = connection.execute("SELECT username, local_part FROM mailbox WHERE active = 1 ORDER BY username")
    cut = [name for name, local in names if routes.cut(local, delimiter)]
    if cut:
        found.append(
            f"{len(cut)} of the entries of the table 'mailbox' have the recipient delimiter in their names, such as"
            f" {cut[0]!r}: Dovecot would deliver their mail to other mailboxes. Use other addresses or another"
            " delimiter"
        )
    active = connection.execute("SELECT address, goto FROM alias WHERE active = 1 ORDER BY address").fetchall()
    goals = ((name, targets_of(goto)) for name, goto in active)
    faults = routes.faults(row_finder(connection), goals, delimiter, most_targets)
    return found + first_of([f"the alias {fault.alias!r} {fault.problem.rstrip('.')}" for fault in faults])


def unreadable(path: str, name: str, uid: int, gid: int, group: str) -> str | None:
    """Why the account ``uid`` with the one group ``gid`` cannot read the database; None where it can."""
    problem = query.unreadable(path, name, uid, gid, group)
    if problem:
        return problem
    real = os.path.realpath(path)
    written = (os.path.dirname(real), real)
    account = rights.User(name, uid, gid, frozenset({gid}))
    if is_wal(real) and any(rights.denied(there, account, 2) for there in written):
        return (
            f"{path}: it is in write-ahead logging mode, in which every reader writes beside it, and {name} may not"
            f" write there. Run, while nothing uses the database: sqlite3 {path} 'PRAGMA journal_mode = DELETE'"
        )
    return None
