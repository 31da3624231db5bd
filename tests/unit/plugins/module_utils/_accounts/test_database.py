# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The accounts database on disk: migration of older files, PostfixAdmin's looked at, who can read it."""

from __future__ import annotations

import os
import pwd
import re
import sqlite3
from pathlib import Path

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._accounts import database
from ansible_collections.puffy.mail.plugins.module_utils._accounts import rows as accounts

OLD = (Path(__file__).parents[3] / "fixtures" / "accounts-version-1.sql").read_text()
POSTFIX = ("postfix", 999_901, 999_902, "postfix")


def made(path: Path, script: str) -> str:
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.close()
    return str(path)


def shape(path: str) -> list[tuple[str, str]]:
    """Every table and index, whatever the blanks in it."""
    found = sqlite3.connect(path).execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
    return [(name, " ".join(text.split())) for name, text in found]


def test_a_file_of_the_first_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    path = made(tmp_path / "old.sqlite", OLD)
    before = database.read(path)
    assert before is not None
    assert before.version == 1
    assert "alias_domain" not in before.tables
    wanted = accounts.rows(
        [{"name": "example.test", "description": "Old"}],
        [{"address": "alice@example.test", "password_hash": "{PLAIN}x"}],
        [{"address": "sales@example.test", "goto": ["alice@example.test"]}],
        [{"name": "twin.test", "target": "example.test"}],
    )
    database.update(path, lambda tables: accounts.plan(tables, wanted, exclusive=True))
    after = database.read(path)
    assert after is not None
    assert (after.version, after.tables) == (accounts.SCHEMA_VERSION, wanted)
    created = sqlite3.connect(path).execute("SELECT created FROM mailbox").fetchone()
    assert created == ("2025-01-02 03:04:05",)
    assert shape(path) == shape(made(tmp_path / "new.sqlite", accounts.SCHEMA))


def test_a_migration_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = made(tmp_path / "old.sqlite", OLD)
    before = shape(path)

    def fail(_tables: accounts.Tables) -> dict[str, accounts.TablePlan]:
        raise database.DatabaseError("no")

    with pytest.raises(database.DatabaseError):
        database.update(path, fail)
    assert shape(path) == before
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone() == (1,)


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another account")
@pytest.mark.parametrize(
    ("owner", "mode", "why"),
    [(0, 0o1777, "other accounts may make files beside it"), (12345, 0o755, "its directory belongs to the account")],
)
def test_beside_other_accounts_a_database_is_opened_as_its_owner_and_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: int, mode: int, why: str
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    path = made(place / "a.sqlite", accounts.SCHEMA)
    os.chown(path, owner, 0)
    os.chown(place, owner, 0)
    place.chmod(mode)
    became: list[int] = []
    monkeypatch.setattr(os, "seteuid", became.append)
    with database.opened_for_reading(path) as connection:
        assert connection.execute("SELECT count(*) FROM mailbox").fetchone() == (0,)
    assert became == [owner or pwd.getpwnam("nobody").pw_uid, 0]
    with pytest.raises(database.DatabaseError, match=why):
        database.update(path, lambda tables: accounts.plan(tables, {}, exclusive=True))
    assert len(became) == 2


def test_a_file_of_a_later_release_is_left_alone(tmp_path: Path) -> None:
    path = made(tmp_path / "new.sqlite", OLD + "PRAGMA user_version = 3;")
    message = (
        f"{path}: has the schema version 3, and this release of the collection knows 2 and earlier ones; it is left"
        " alone. Use the release that made the database, or a later one"
    )
    with pytest.raises(database.DatabaseError, match=f"^{re.escape(message)}$"):
        database.read(path)


#: PostfixAdmin's columns that matter, as its upgrade.php makes them, and some rows
GIVEN = """
CREATE TABLE domain (domain varchar(255) NOT NULL, description varchar(255) NOT NULL DEFAULT '',
  backupmx tinyint(1) NOT NULL DEFAULT '0', active tinyint(1) NOT NULL DEFAULT '1', PRIMARY KEY (domain));
CREATE TABLE mailbox (username varchar(255) NOT NULL, password varchar(255) NOT NULL, name varchar(255) NOT NULL,
  maildir varchar(255) NOT NULL, quota bigint(20) NOT NULL DEFAULT 0, local_part varchar(255) NOT NULL,
  domain varchar(255) NOT NULL, active tinyint(1) NOT NULL DEFAULT '1', PRIMARY KEY (username));
CREATE TABLE alias (address varchar(255) NOT NULL, goto text NOT NULL, domain varchar(255) NOT NULL,
  active tinyint(1) NOT NULL DEFAULT '1', PRIMARY KEY (address));
CREATE TABLE alias_domain (alias_domain varchar(255) NOT NULL, target_domain varchar(255) NOT NULL,
  active tinyint(1) NOT NULL DEFAULT '1', PRIMARY KEY (alias_domain));
INSERT INTO domain (domain) VALUES ('a.test'), ('b.test');
INSERT INTO mailbox VALUES ('x@a.test', 'h', 'X', 'a.test/x/', 0, 'x', 'a.test', 1);
INSERT INTO alias VALUES ('x@a.test', 'x@a.test', 'a.test', 1);
INSERT INTO alias_domain VALUES ('b.test', 'a.test', '1');
"""


def test_a_given_database_is_surveyed_and_its_answers_foretold(tmp_path: Path) -> None:
    path = made(tmp_path / "vmail.sqlite3", GIVEN)
    with database.opened_for_reading(path) as connection:
        found = database.survey(connection)
        assert accounts.schema_problems(found.columns) == []
        assert accounts.index_findings(found.leading) == []
        assert found.counts == {"domain": 2, "mailbox": 1, "alias": 1, "alias_domain": 1}
        assert database.data_findings(connection) == []
        keys = database.sample_keys(connection)
        assert keys == ["a.test", "b.test", "x@a.test", "x@b.test"]
        expect = accounts.proofs(database.row_finder(connection), keys)
        assert expect["virtual_alias_maps"]["x@b.test"] == "x@a.test"
        assert expect["virtual_mailbox_maps"]["X@A.TEST"] == "a.test/x/"


def test_what_is_wrong_with_a_given_database(tmp_path: Path) -> None:
    script = GIVEN.replace(", PRIMARY KEY (username)", "") + (  # noqa: S608
        "INSERT INTO alias VALUES ('Sales@a.test', 'x@a.test', 'a.test', 1);"
        "INSERT INTO alias VALUES ('round@a.test', 'round@b.test', 'a.test', 1);"
        "INSERT INTO mailbox SELECT 'x+y@a.test', password, name, 'a.test/x+y/', quota, 'x+y', domain, 1 FROM mailbox"
        " WHERE username = 'x@a.test';"
        "INSERT INTO alias VALUES ('y@a.test', 'gone@a.test', 'a.test', 1);"
        "INSERT INTO domain (domain) VALUES ('c.test'); INSERT INTO alias_domain VALUES ('c.test', 'b.test', 1);"
    )  # fmt: skip
    with database.opened_for_reading(made(tmp_path / "vmail.sqlite3", script)) as connection:
        assert accounts.index_findings(database.survey(connection).leading)[0].startswith(
            "the table 'mailbox' has no index that begins with 'username', so that each lookup reads all of it."
        )
        assert database.data_findings(connection) == [
            "1 of the entries of the table 'alias' have capitals in 'address', such as 'Sales@a.test', and are never"
            " found: Postfix asks in lower case. Use lower case",
            "the domain alias 'c.test' leads to 'b.test', which is one itself; such a chain is not followed."
            " Use 'a.test' as its target",
            "1 of the entries of the table 'mailbox' have the recipient delimiter in their names, such as 'x+y@a.test':"
            " Dovecot would deliver their mail to other mailboxes. Use other addresses or another delimiter",
            "the alias 'round@a.test' leads round in a circle: round@a.test -> round@b.test -> round@a.test. Let it end"
            " at a mailbox or at another host",
            "the alias 'y@a.test' leads nowhere: 'gone@a.test' is in our own domain and is neither a mailbox nor an"
            " alias. Use an address that exists",
        ]


def test_files_that_are_no_given_database(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("no database, and longer than a header of SQLite\n" * 40)
    for name, message in (
        ("none", "there is no such file. Use the database that PostfixAdmin made"),
        ("empty", "is empty; PostfixAdmin's upgrade.php makes its tables"),
        ("text", "file is not a database; the database is as it was"),
        (".", "is not a regular file. Use a SQLite database or no file at all"),
    ):
        path = os.path.join(tmp_path, name)
        with (
            pytest.raises(database.DatabaseError, match=f"^{re.escape(f'{path}: {message}')}$"),
            database.opened_for_reading(path) as connection,
        ):
            database.survey(connection)


def test_who_can_read_the_file(tmp_path: Path) -> None:
    directory = tmp_path / "private"
    directory.mkdir()
    path = made(directory / "vmail.sqlite3", GIVEN)
    own = ("me", os.geteuid(), os.getegid(), "mine")
    assert database.unreadable(path, *own) is None
    for parent in [directory, *directory.parents]:
        if parent != Path("/") and not os.stat(parent).st_mode & 1:
            parent.chmod(parent.stat().st_mode | 0o011)
    os.chmod(path, 0o640)
    assert database.unreadable(path, *POSTFIX) == (
        f"{path}: postfix cannot read it (mode 0640); proxymap(8) runs as postfix with the group postfix alone."
        f" Use: chgrp postfix {path}; chmod g+r {path}"
    )
    os.chmod(path, 0o644)
    assert database.unreadable(path, *POSTFIX) is None
    directory.chmod(0o700)
    assert database.unreadable(path, *POSTFIX) == (
        f"{path}: postfix cannot enter {directory} (mode 0700); proxymap(8) runs as postfix with the group postfix"
        f" alone. Use: chgrp postfix {directory}; chmod g+x {directory}"
    )
    directory.chmod(0o755)
    sqlite3.connect(path).execute("PRAGMA journal_mode = WAL").fetchone()
    assert database.unreadable(path, *POSTFIX) == (
        f"{path}: it is in write-ahead logging mode, in which every reader writes beside it, and postfix may not write"
        f" there. Run, while nothing uses the database: sqlite3 {path} 'PRAGMA journal_mode = DELETE'"
    )
    assert database.unreadable(path, *own) is None


def test_what_sqlite_said_is_kept_where_it_rolled_back_by_itself(tmp_path: Path) -> None:
    """It does so where the disk is full."""
    connection = sqlite3.connect(tmp_path / "accounts.sqlite", isolation_level=None)

    def work() -> None:
        connection.execute("ROLLBACK")
        raise sqlite3.OperationalError("database or disk is full")

    with pytest.raises(sqlite3.OperationalError, match=r"^database or disk is full$"):
        database._transaction(connection, work)
    connection.close()
