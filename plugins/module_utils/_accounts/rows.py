# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Domains, mailboxes and aliases as rows with PostfixAdmin's column names: checked, compared, shown.

Pure: the rows wanted and the rows there are in, what to insert, update and delete out.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import unicodedata
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Optional

from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import truth

#: version of SCHEMA, kept in PRAGMA user_version; version 1 had no alias_domain
SCHEMA_VERSION = 2
#: PRAGMA application_id of a database of ours: the bytes "pufm"
APPLICATION_ID = 0x7075666D
_PLURALS = {"domain": "domains", "mailbox": "mailboxes", "alias": "aliases", "alias_domain": "domain aliases"}
#: what a masked hash looks like in a diff
MASK = "********"
#: entries that one sentence or one error names
SHOWN_PROBLEMS = 20
#: lines of a diff; the rest is counted
DIFF_LINES = 500

# The columns PostfixAdmin's own database has, as far as Postfix and Dovecot read them. WITHOUT ROWID makes the
# address the tree's own key: one descent to a lookup instead of two.
_SCHEMA = """
CREATE TABLE domain (
  domain TEXT NOT NULL PRIMARY KEY,
  description TEXT NOT NULL DEFAULT '',
  aliases INTEGER NOT NULL DEFAULT 0,
  mailboxes INTEGER NOT NULL DEFAULT 0,
  maxquota INTEGER NOT NULL DEFAULT 0,
  quota INTEGER NOT NULL DEFAULT 0,
  transport TEXT NOT NULL DEFAULT 'virtual',
  backupmx INTEGER NOT NULL DEFAULT 0,
  created TEXT NOT NULL DEFAULT '2000-01-01 00:00:00',
  modified TEXT NOT NULL DEFAULT '2000-01-01 00:00:00',
  active INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;
CREATE TABLE mailbox (
  username TEXT NOT NULL PRIMARY KEY,
  password TEXT NOT NULL,
  name TEXT NOT NULL DEFAULT '',
  maildir TEXT NOT NULL,
  quota INTEGER NOT NULL DEFAULT 0,
  local_part TEXT NOT NULL,
  domain TEXT NOT NULL,
  created TEXT NOT NULL DEFAULT '2000-01-01 00:00:00',
  modified TEXT NOT NULL DEFAULT '2000-01-01 00:00:00',
  active INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;
CREATE TABLE alias (
  address TEXT NOT NULL PRIMARY KEY,
  goto TEXT NOT NULL,
  domain TEXT NOT NULL,
  created TEXT NOT NULL DEFAULT '2000-01-01 00:00:00',
  modified TEXT NOT NULL DEFAULT '2000-01-01 00:00:00',
  active INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;
CREATE INDEX mailbox_domain ON mailbox (domain);
CREATE INDEX alias_by_domain ON alias (domain);
"""
_ALIAS_DOMAIN = """
CREATE TABLE alias_domain (
  alias_domain TEXT NOT NULL PRIMARY KEY,
  target_domain TEXT NOT NULL,
  created TEXT NOT NULL DEFAULT '2000-01-01 00:00:00',
  modified TEXT NOT NULL DEFAULT '2000-01-01 00:00:00',
  active INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID
"""
SCHEMA = f"{_SCHEMA}{_ALIAS_DOMAIN};"
#: what turns a database of each earlier version into one of the next
MIGRATIONS: dict[int, tuple[str, ...]] = {
    # An index and a table cannot have one name.
    1: ("DROP INDEX alias_domain", "CREATE INDEX alias_by_domain ON alias (domain)", _ALIAS_DOMAIN),
}

#: the columns that are converged, the key first
COLUMNS: dict[str, tuple[str, ...]] = {
    "domain": ("domain", "description", "backupmx", "active"),
    "mailbox": ("username", "password", "name", "maildir", "quota", "local_part", "domain", "active"),
    "alias": ("address", "goto", "domain", "active"),
    "alias_domain": ("alias_domain", "target_domain", "active"),
}
#: the schema version that brought a table; the others are older
SINCE = {"alias_domain": 2}

Row = tuple[Any, ...]
Tables = dict[str, dict[str, Row]]


def folded(name: str) -> str:
    """An address or a domain as it is looked up: lower case, the domain in ASCII (RFC 5891).

    A domain that has no ASCII form of its own stays as it is: Python's IDNA makes "strasse" of "straße", which is
    another domain.
    """
    local, at, domain = name.lower().rpartition("@")
    if not domain.isascii():
        try:
            wire = domain.encode("idna").decode()
            if wire.encode().decode("idna") == unicodedata.normalize("NFC", domain):
                domain = wire
        except UnicodeError:
            pass
    return f"{local}{at}{domain}"


def _other_spelling(domain: str) -> str:
    """A folded domain as people write it: with the letters that "xn--" stands for."""
    try:
        return domain.encode().decode("idna") if "xn--" in domain else domain
    except UnicodeError:
        return domain


def maildir(domain: str, local: str) -> str:
    """Where the mail of a mailbox is, below the directory of all mail: mail_home of roles/dovecot."""
    return f"{domain}/{local}/"


def domain_entry(entry: Any) -> dict[str, Any]:
    """A domain as a mapping: a plain name stands for a domain with nothing else set."""
    return {"name": entry} if isinstance(entry, str) else entry


def targets_of(goto: Any) -> list[str]:
    """The targets of an alias, folded: a list, or a text with commas between them."""
    parts = goto.split(",") if isinstance(goto, str) else goto
    return [folded(str(part).strip()) for part in parts]


def rows(
    domains: Iterable[Any],
    mailboxes: Iterable[Mapping[str, Any]],
    aliases: Iterable[Mapping[str, Any]],
    domain_aliases: Iterable[Mapping[str, Any]] = (),
) -> Tables:
    """The rows of entries that ``account_problems`` found nothing wrong with, by table and key."""
    tables: Tables = {table: {} for table in COLUMNS}
    for raw in domains:
        entry = domain_entry(raw)
        name = folded(entry["name"])
        flags = int(truth(entry.get("backupmx", False))), int(truth(entry.get("active", True)))
        tables["domain"][name] = (name, entry.get("description", ""), *flags)
    for twin in domain_aliases:
        # Its mail is accepted here, so it is a domain too, as PostfixAdmin has it.
        name, target, active = folded(twin["name"]), folded(twin["target"]), int(truth(twin.get("active", True)))
        tables["domain"][name] = (name, "", 0, active)
        tables["alias_domain"][name] = (name, target, active)
    for name, _description, backupmx, active in list(tables["domain"].values()):
        # A client that knows no SMTPUTF8 may write the letters as they are: they mean the same domain.
        spelling = _other_spelling(name)
        if spelling != name and not backupmx:
            tables["domain"][spelling] = (spelling, "", 0, active)
            twin_of = tables["alias_domain"].get(name, (name, name))[1]
            tables["alias_domain"][spelling] = (spelling, twin_of, active)
    for box in mailboxes:
        address = folded(box["address"])
        local, _at, domain = address.rpartition("@")
        tables["mailbox"][address] = (
            address,
            box["password_hash"],
            box.get("name", ""),
            maildir(domain, local),
            int(box.get("quota", 0)),
            local,
            domain,
            int(truth(box.get("active", True))),
        )
    for alias in aliases:
        address = folded(alias["address"])
        goto = ",".join(targets_of(alias["goto"]))
        tables["alias"][address] = (address, goto, address.rpartition("@")[2], int(truth(alias.get("active", True))))
    return tables


@dataclass(frozen=True)
class TablePlan:
    """What turns one table into the one wanted. Rows are complete; ``delete`` and ``update`` have the old row too.

    ``off`` has the rows that are not wanted and stay for a while, switched off.
    """

    insert: list[Row] = field(default_factory=list)
    update: list[tuple[Row, Row]] = field(default_factory=list)
    delete: list[Row] = field(default_factory=list)
    off: list[tuple[Row, Row]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.insert or self.update or self.delete or self.off)


def plan(current: Tables, wanted: Tables, exclusive: bool, due: Container[str] | None = None) -> dict[str, TablePlan]:
    """Compare by content; with ``exclusive`` rows that are not wanted go.

    With ``due``, a mailbox that is not wanted is switched off, and goes when ``due`` has its address.
    """
    plans = {}
    for table in COLUMNS:
        there, want = current.get(table, {}), wanted.get(table, {})
        plans[table] = TablePlan(
            insert=[row for key, row in want.items() if key not in there],
            update=[(there[key], row) for key, row in want.items() if key in there and there[key] != row],
            delete=[row for key, row in there.items() if key not in want] if exclusive else [],
        )
        if table == "mailbox" and due is not None:
            unwanted = plans[table].delete
            plans[table] = replace(
                plans[table],
                delete=[row for row in unwanted if not row[-1] and row[0] in due],
                off=[(row, (*row[:-1], 0)) for row in unwanted if row[-1]],
            )
    return plans


def describe(table: str, row: Row, note: str = "") -> str:
    """One row as one line of a diff, the hash masked."""
    values = dict(zip(COLUMNS[table], row))
    if "password" in values:
        values["password"] = MASK + note
    key, *others = COLUMNS[table]
    told = " ".join(f"{name}={values[name]}" for name in others if name not in ("local_part",) and values[name] != "")
    return f"{table} {values[key]} {told}".rstrip()


def first_of(problems: list[str]) -> list[str]:
    """The first sentences, and how many more there are: a file of a hundred thousand may be wrong in each."""
    found = problems[:SHOWN_PROBLEMS]
    if len(problems) > SHOWN_PROBLEMS:
        found.append(f"And {len(problems) - SHOWN_PROBLEMS} more.")
    return found


def _limited(lines: list[str]) -> list[str]:
    if len(lines) <= DIFF_LINES:
        return lines
    return [*lines[:DIFF_LINES], f"… and {len(lines) - DIFF_LINES} more rows"]


def diff_lines(plans: Mapping[str, TablePlan]) -> tuple[list[str], list[str]]:
    """The rows that differ, before and after; at most DIFF_LINES of each are shown, the removed ones first."""
    changed: Callable[[str, Row, Row], str] = lambda table, old, new: (  # noqa: E731 - one place, one line
        " (another one)" if table == "mailbox" and old[1] != new[1] else ""
    )
    deleted: list[str] = []
    before: list[str] = []
    after: list[str] = []
    inserted: list[str] = []
    for table, change in plans.items():
        deleted.extend(describe(table, row) for row in change.delete)
        before.extend(describe(table, old) for old, _new in [*change.update, *change.off])
        after.extend(describe(table, new, changed(table, old, new)) for old, new in change.update)
        after.extend(
            f"{describe(table, new)} (switched off, since no account has the address)" for _old, new in change.off
        )
        inserted.extend(describe(table, row) for row in change.insert)
    return _limited(sorted(deleted) + sorted(before)), _limited(sorted(after) + sorted(inserted))


def _serving(tables: Tables) -> dict[str, dict[str, str]]:
    """What serves somebody, by table: each key with its domain. Off or a backup MX, a domain has no mailboxes."""
    found: dict[str, dict[str, str]] = {}
    domains = tables.get("domain", {})
    off = {name for name, row in domains.items() if not row[3]}
    elsewhere = off | {name for name, row in domains.items() if row[2]}
    for table, without in (("mailbox", elsewhere), ("alias", off)):
        place = COLUMNS[table].index("domain")
        rows_ = tables.get(table, {})
        found[table] = {key: row[place] for key, row in rows_.items() if row[-1] and row[place] not in without}
    twins = tables.get("alias_domain", {})
    found["alias_domain"] = {key: key for key, row in twins.items() if row[-1] and key not in off}
    found["domain"] = {key: key for key in domains if key not in off and key not in twins}
    return found


def removal_problem(current: Tables, plans: Mapping[str, TablePlan]) -> str | None:
    """Why so much is removed or switched off on purpose only: all of a domain, or more than a tenth of a table.

    A single entry is never asked for, unless it is the last mailbox or the last address of its domain.
    """
    before, after = _serving(current), _serving(applied(current, plans))
    lost = {table: sorted(before[table].keys() - after[table].keys()) for table in before}
    what, gone = "", []
    if before["mailbox"] and len(lost["mailbox"]) == len(before["mailbox"]):
        what, gone = "All mailboxes", lost["mailbox"]
    for kind, tables in (("mailboxes", ("mailbox",)), ("addresses", ("mailbox", "alias"))):
        was, is_ = ({domain for table in tables for domain in there[table].values()} for there in (before, after))
        for domain in sorted(was - is_) if not what else ():
            what = f"All {kind} of the domain {domain}"
            gone = [key for table in tables for key in lost[table] if before[table][key] == domain]
            break
    for table, keys in lost.items() if not what else ():
        if len(keys) > 1 and len(keys) * 10 > len(before[table]):
            what, gone = f"{len(keys)} of {len(before[table])} {_PLURALS[table]}", keys
            break
    if not what:
        return None
    names = ", ".join(gone[:SHOWN_PROBLEMS])
    more = f", and {len(gone) - SHOWN_PROBLEMS} more" if len(gone) > SHOWN_PROBLEMS else ""
    return (
        f"{what} would be removed or switched off: {names}{more}. If a name is mistyped or a file of variables is"
        " missing, correct that. To remove them, set remove_many (in the role, sqlite_maps_remove_many) to true for one"
        " run."
    )


def counts(plans: Mapping[str, TablePlan]) -> dict[str, dict[str, int]]:
    """How many rows are inserted, updated and deleted, by table."""
    return {
        table: {
            "inserted": len(change.insert),
            "updated": len(change.update) + len(change.off),
            "deleted": len(change.delete),
        }
        for table, change in plans.items()
    }


# What Postfix asks. '%s' stands inside quotes, where Postfix escapes it; every key is found by an index.
# An address of a domain that is switched off is nobody's: the domain is joined everywhere.

# The key, and what stands before its domain: rtrim() takes away every character but '@' from the end.
_PARTS = "SELECT address, rtrim(address, replace(address, '@', '')) FROM (SELECT lower('%s') AS address)"
# The same local part in the domain that the key's domain stands for. An entry of the key's own comes first.
_TWIN = """
    SELECT parts.prefix || alias_domain.target_domain FROM parts
    JOIN alias_domain ON alias_domain.alias_domain = substr(parts.address, length(parts.prefix) + 1)
    JOIN domain AS source ON source.domain = alias_domain.alias_domain
    JOIN domain AS home ON home.domain = alias_domain.target_domain
    WHERE alias_domain.active = 1 AND source.active = 1 AND home.active = 1 AND source.domain <> home.domain
    AND NOT EXISTS (SELECT 1 FROM alias WHERE alias.address = parts.address AND alias.active = 1)
    AND NOT EXISTS (SELECT 1 FROM mailbox WHERE mailbox.username = parts.address AND mailbox.active = 1)
"""

QUERIES: dict[str, str] = {
    "virtual_mailbox_domains": """
        SELECT domain FROM domain WHERE domain = lower('%s') AND backupmx = 0 AND active = 1
    """,
    "relay_domains": """
        SELECT domain FROM domain WHERE domain = lower('%s') AND backupmx = 1 AND active = 1
    """,
    "virtual_mailbox_maps": """
        SELECT mailbox.maildir FROM mailbox JOIN domain ON domain.domain = mailbox.domain
        WHERE mailbox.username = lower('%s') AND mailbox.active = 1 AND domain.active = 1 AND domain.backupmx = 0
    """,
    # A catch-all would take the mail of the mailboxes beside it (virtual(5): user@domain comes before @domain),
    # so where there is one, a mailbox that is not an alias as well resolves to itself. An address of a domain
    # alias becomes one of its target, where that exists: Postfix looks the result up again. PostfixAdmin writes an
    # alias to itself for each mailbox; without the mailbox it would make the address known, and its mail bounce.
    "virtual_alias_maps": f"""
        WITH parts (address, prefix) AS ({_PARTS}), twin (address) AS ({_TWIN})
        SELECT alias.goto FROM alias JOIN domain ON domain.domain = alias.domain
        WHERE alias.address = lower('%s') AND alias.active = 1 AND domain.active = 1
        AND (alias.goto <> alias.address
        OR EXISTS (SELECT 1 FROM mailbox WHERE mailbox.username = alias.address AND mailbox.active = 1))
        UNION ALL
        SELECT mailbox.username FROM mailbox JOIN domain ON domain.domain = mailbox.domain
        WHERE mailbox.username = lower('%s') AND mailbox.active = 1 AND domain.active = 1
        AND EXISTS (SELECT 1 FROM alias WHERE alias.address = '@' || mailbox.domain AND alias.active = 1)
        AND NOT EXISTS (SELECT 1 FROM alias WHERE alias.address = mailbox.username AND alias.active = 1)
        UNION ALL
        SELECT twin.address FROM twin
        WHERE EXISTS (SELECT 1 FROM alias WHERE alias.address = twin.address AND alias.active = 1)
        OR EXISTS (SELECT 1 FROM mailbox WHERE mailbox.username = twin.address AND mailbox.active = 1)
    """,  # noqa: S608
    # The targets of an alias are one text with commas: it is taken apart, so that each is found by the index.
    # A mailbox belongs to itself alone, also where its mail is copied to another one. A catch-all is not a
    # sender: it would let its target send as any address that has no mailbox.
    "sender_login_maps": f"""
        WITH RECURSIVE parts (address, prefix) AS ({_PARTS}),
        asked (address) AS (SELECT address FROM parts UNION ALL {_TWIN}),
        target (place, address, rest) AS (
        SELECT 0, mailbox.username, '' FROM asked JOIN mailbox ON mailbox.username = asked.address
        WHERE mailbox.active = 1
        UNION ALL
        SELECT 0, '', alias.goto || ',' FROM asked JOIN alias ON alias.address = asked.address
        JOIN domain ON domain.domain = alias.domain
        WHERE alias.active = 1 AND domain.active = 1 AND substr(alias.address, 1, 1) <> '@'
        AND NOT EXISTS (SELECT 1 FROM mailbox WHERE username = alias.address AND active = 1)
        UNION ALL
        SELECT place + 1, substr(rest, 1, instr(rest, ',') - 1), substr(rest, instr(rest, ',') + 1)
        FROM target WHERE rest <> '')
        SELECT mailbox.username FROM target JOIN mailbox ON mailbox.username = target.address
        JOIN domain ON domain.domain = mailbox.domain
        WHERE mailbox.active = 1 AND domain.active = 1 ORDER BY target.place
    """,  # noqa: S608
    # Where virtual(8) writes and Dovecot reads.
    "virtual_maildirs": """
        SELECT rtrim(mailbox.maildir, '/') || '/Maildir/' FROM mailbox JOIN domain ON domain.domain = mailbox.domain
        WHERE mailbox.username = lower('%s') AND mailbox.active = 1 AND domain.active = 1 AND domain.backupmx = 0
    """,
}

#: finds the row of a table (its COLUMNS) by its key; None where the table has no such row
Find = Callable[[str, str], Optional[Row]]


def _live(find: Find, domain: str) -> bool:
    row = find("domain", domain)
    return row is not None and bool(row[3])


def _box(find: Find, address: str) -> Row | None:
    row = find("mailbox", address)
    return row if row is not None and row[7] else None


def _alias_of(find: Find, address: str) -> Row | None:
    row = find("alias", address)
    return row if row is not None and row[3] else None


def _twin(find: Find, address: str) -> str | None:
    """The address in another domain that this one of a domain alias stands for."""
    local, at, domain = address.rpartition("@")
    row = find("alias_domain", domain) if at else None
    if row is None or not row[2] or row[1] == domain or not _live(find, domain) or not _live(find, row[1]):
        return None
    return None if _alias_of(find, address) or _box(find, address) else f"{local}@{row[1]}"


def answer(find: Find, table: str, key: str) -> str | None:
    """What the client file ``table`` must answer to ``key``, worked out from single rows; None for "not found"."""
    address = key.lower()
    domain = address.rpartition("@")[2]
    box, alias = _box(find, address), _alias_of(find, address)
    if table in ("virtual_mailbox_domains", "relay_domains"):
        row = find("domain", address)
        return address if row and row[3] and bool(row[2]) is (table == "relay_domains") else None
    if table in ("virtual_mailbox_maps", "virtual_maildirs"):
        row = find("domain", box[6]) if box else None
        if not (box and row and row[3] and not row[2]):
            return None
        return str(box[3]) if table == "virtual_mailbox_maps" else f"{str(box[3]).rstrip('/')}/Maildir/"
    twin = _twin(find, address)
    if table == "virtual_alias_maps":
        if alias and _live(find, alias[2]):
            return str(alias[1]) if box or alias[1] != address else None
        if box and not alias and _live(find, box[6]) and _alias_of(find, f"@{domain}"):
            return address
        return twin if twin and (_alias_of(find, twin) or _box(find, twin)) else None
    return _senders(find, twin or address)


def _senders(find: Find, address: str) -> str | None:
    """The mailboxes that may send as ``address``, which is of no domain alias."""
    box, alias = _box(find, address), _alias_of(find, address)
    if box:
        return address if _live(find, box[6]) else None
    if alias and _live(find, alias[2]) and not address.startswith("@"):
        owners = [target for target in alias[1].split(",") if (there := _box(find, target)) and _live(find, there[6])]
        return ",".join(owners) or None
    return None


#: how many entries of each kind a client file is proved with
PROOFS = 3
#: keys that nobody has, of the shapes that break a query that does not quote
FOREIGN_KEYS = (
    "' OR '1'='1",
    "' OR 1=1 --",
    "x' UNION SELECT password FROM mailbox --",
    "*)(uid=*",
    "%",
    "nobody@puffy-mail.invalid",
)


def proofs(find: Find, keys: Iterable[str]) -> dict[str, dict[str, str | None]]:
    """What each client file must answer to ``keys``, to the same in upper case and to keys that nobody has."""
    asked = dict.fromkeys(key for name in keys if name.isascii() for key in (name, name.upper()))
    return {
        table: {**dict.fromkeys(FOREIGN_KEYS), **{key: answer(find, table, key) for key in asked}} for table in QUERIES
    }


def check_tables(names: Iterable[str]) -> None:
    """ValueError for a name that is no client file of these."""
    for name in names:
        if name not in QUERIES:
            near = difflib.get_close_matches(str(name), QUERIES, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(QUERIES)}."
            raise ValueError(f"there is no client file {name!r}; {hint}")


def client_files(
    expected: Mapping[str, Mapping[str, str | None]], extra: Mapping[str, Mapping[str, str | None]]
) -> list[dict[str, Any]]:
    """The client files of Postfix: ``name``, ``query`` and the answers to ``expect``.

    ``extra`` has further expectations by the name of the file. Raises ValueError for a name that no client file has.
    """
    check_tables([*expected, *extra])
    return [
        {"name": name, "query": " ".join(query.split()), "expect": {**expected.get(name, {}), **extra.get(name, {})}}
        for name, query in QUERIES.items()
    ]


def finder(tables: Tables) -> Find:
    """Finds rows in ``tables``."""
    return lambda table, key: tables.get(table, {}).get(key)


def merged(current: Tables, wanted: Tables, exclusive: bool) -> Tables:
    """The tables as they are once ``wanted`` was put into ``current``."""
    return {table: {**({} if exclusive else current.get(table, {})), **wanted.get(table, {})} for table in COLUMNS}


def applied(current: Tables, plans: Mapping[str, TablePlan]) -> Tables:
    """The tables as they are once the plans were carried out."""
    found = {}
    for table in COLUMNS:
        change = plans[table]
        gone = {row[0] for row in change.delete}
        found[table] = {key: row for key, row in current.get(table, {}).items() if key not in gone}
        found[table].update((row[0], row) for row in change.insert)
        found[table].update((new[0], new) for _old, new in [*change.update, *change.off])
    return found


def digest(tables: Tables) -> str:
    """What stands for all rows: another text where one of them differs."""
    found = hashlib.sha256()
    for table in COLUMNS:
        for key in sorted(tables.get(table, {})):
            found.update(json.dumps([table, *tables[table][key]]).encode())
    return found.hexdigest()


#: the columns that Postfix and Dovecot read, by table; all but ``alias_domain``'s are as old as PostfixAdmin 2
READ_COLUMNS: dict[str, tuple[str, ...]] = {
    table: tuple(name for name in columns if name != "description") for table, columns in COLUMNS.items()
}


def schema_problems(columns: Mapping[str, Iterable[str]]) -> list[str]:
    """What keeps a database with these columns, by table, from being asked as PostfixAdmin's."""
    missing = []
    for table, wanted in READ_COLUMNS.items():
        if table not in columns:
            missing.append(f"the table {table!r} is missing")
            continue
        gone = [name for name in wanted if name not in set(columns[table])]
        if gone:
            missing.append(f"the table {table!r} has no column {' and no '.join(map(repr, gone))}")
    return missing


def index_findings(leading: Mapping[str, Iterable[str]]) -> list[str]:
    """A sentence for each index that the queries need and that is missing.

    ``leading`` has the first column of each index, by table.
    """
    return [
        f"the table {table!r} has no index that begins with {columns[0]!r}, so that each lookup reads all of it."
        f" Run: CREATE UNIQUE INDEX {table}_{columns[0]} ON {table} ({columns[0]})"
        for table, columns in COLUMNS.items()
        if columns[0] not in set(leading.get(table, ()))
    ]


def samples(tables: Tables) -> list[str]:
    """A few keys of each kind: the first and the last entries that are active, and of those that are not."""
    keys: list[str] = []
    for table, columns in COLUMNS.items():
        active = columns.index("active")
        for wanted in (True, False):
            found = sorted(key for key, row in tables.get(table, {}).items() if bool(row[active]) is wanted)
            keys.extend(dict.fromkeys([*found[:PROOFS], *found[-PROOFS:]]))
    twins = sorted(tables.get("alias_domain", {}))[:PROOFS]
    boxes = sorted(tables.get("mailbox", {}))[:PROOFS]
    keys.extend(f"{box.rpartition('@')[0]}@{twin}" for twin in twins for box in boxes)
    return list(dict.fromkeys(keys))
