# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.puffy.mail.plugins.module_utils._accounts import rows as accounts

HASH = "{BLF-CRYPT}$2b$12$" + "a" * 53
BOB = {"address": "Bob@Example.test", "password_hash": HASH}
DOMAINS = ["example.test"]


def alias(address: str, *goto: str, **more: Any) -> dict[str, Any]:
    return {"address": address, "goto": list(goto), **more}


TABLES = accounts.rows(
    [*DOMAINS, {"name": "Off.test", "active": False}, {"name": "mx.test", "backupmx": True}, "catch.test"],
    [
        {**BOB, "quota": "5"},
        {"address": "o'brien@example.test", "password_hash": HASH},
        {"address": "gone@example.test", "password_hash": HASH, "active": "no"},
        {"address": "dan@off.test", "password_hash": HASH},
        {"address": "eve@catch.test", "password_hash": HASH},
        {"address": "far@mx.test", "password_hash": HASH},
    ],
    [
        alias("Sales@example.test", "bob@example.test", "O'Brien@example.test", "x@example.org"),
        alias("bob@example.test", "bob@example.test", "copy@example.org"),
        alias("old@example.test", "bob@example.test", active=False),
        alias("far@example.test", "x@example.org"),
        alias("dan2@off.test", "bob@example.test"),
        alias("gone@example.test", "bob@example.test"),
        alias("info@twin.test", "bob@example.test"),
        alias("@catch.test", "bob@example.test"),
    ],
    [
        {"name": "Twin.test", "target": "Example.test"},
        {"name": "twin2.test", "target": "catch.test"},
        {"name": "still.test", "target": "example.test", "active": False},
    ],
)


def test_rows() -> None:
    assert TABLES["domain"]["off.test"] == ("off.test", "", 0, 0)
    assert TABLES["mailbox"]["bob@example.test"] == (
        "bob@example.test", HASH, "", "example.test/bob/", 5, "bob", "example.test", 1,
    )  # fmt: skip
    assert TABLES["mailbox"]["o'brien@example.test"][3] == "example.test/o'brien/"
    assert TABLES["alias"]["sales@example.test"] == (
        "sales@example.test", "bob@example.test,o'brien@example.test,x@example.org", "example.test", 1,
    )  # fmt: skip


def test_both_spellings_of_a_domain_are_one() -> None:
    box = {"address": "anna@Bücher.test", "password_hash": HASH}
    twins = [{"name": "käse.test", "target": "bücher.test"}]
    domains = ["bücher.test", {"name": "übermorgen.test", "backupmx": True}]
    tables = accounts.rows(domains, [box], [alias("x@bücher.test", "anna@Bücher.test")], twins)
    find = accounts.finder(tables)
    wire, twin = "xn--bcher-kva.test", "xn--kse-qla.test"
    assert list(tables["mailbox"]) == [f"anna@{wire}"]
    assert tables["alias"][f"x@{wire}"][1] == f"anna@{wire}"
    assert accounts.answer(find, "virtual_mailbox_domains", wire) == wire
    for key in ("anna@bücher.test", "anna@käse.test", f"anna@{twin}"):
        assert accounts.answer(find, "virtual_alias_maps", key) == f"anna@{wire}"
        assert accounts.answer(find, "sender_login_maps", key) == f"anna@{wire}"
    assert accounts.answer(find, "relay_domains", "xn--bermorgen-p9a.test") == "xn--bermorgen-p9a.test"
    assert accounts.answer(find, "virtual_mailbox_domains", "übermorgen.test") is None
    assert tables == accounts.rows(
        [wire, {"name": "xn--bermorgen-p9a.test", "backupmx": True}],
        [{**box, "address": f"anna@{wire}"}],
        [alias(f"x@{wire}", f"anna@{wire}")],
        [{"name": twin, "target": wire}],
    )


def test_plan_and_diff() -> None:
    old = {
        "domain": {"example.test": ("example.test", "", 0, 1), "left.test": ("left.test", "x", 0, 1)},
        "mailbox": {"a@example.test": ("a@example.test", "{X}1", "A", "m/", 0, "a", "example.test", 1)},
        "alias": {},
    }
    new = {
        "domain": {"example.test": ("example.test", "", 0, 1)},
        "mailbox": {
            "a@example.test": ("a@example.test", "{X}2", "A", "m/", 0, "a", "example.test", 1),
            "b@example.test": ("b@example.test", "{X}3", "", "n/", 0, "b", "example.test", 1),
        },
        "alias": {},
    }
    plans = accounts.plan(old, new, exclusive=True)
    assert accounts.counts(plans) == {
        "domain": {"inserted": 0, "updated": 0, "deleted": 1},
        "mailbox": {"inserted": 1, "updated": 1, "deleted": 0},
        "alias": {"inserted": 0, "updated": 0, "deleted": 0},
        "alias_domain": {"inserted": 0, "updated": 0, "deleted": 0},
    }
    assert accounts.diff_lines(plans) == (
        [
            "domain left.test description=x backupmx=0 active=1",
            "mailbox a@example.test password=******** name=A maildir=m/ quota=0 domain=example.test active=1",
        ],
        [
            "mailbox a@example.test password=******** (another one) name=A maildir=m/ quota=0"
            " domain=example.test active=1",
            "mailbox b@example.test password=******** maildir=n/ quota=0 domain=example.test active=1",
        ],
    )
    assert not any(accounts.plan(new, new, exclusive=True).values())
    assert not accounts.plan(old, {"domain": {}, "mailbox": {}, "alias": {}}, exclusive=False)["domain"]


def box(address: str, active: int) -> tuple[Any, ...]:
    local, _dummy, domain = address.partition("@")
    return (address, "{X}1", "", f"{domain}/{local}/", 0, local, domain, active)


def test_a_mailbox_that_goes_is_switched_off_first() -> None:
    there = {name: box(name, active) for name, active in (("on@x.test", 1), ("off@x.test", 0), ("old@x.test", 0))}
    current = {"domain": {}, "mailbox": there, "alias": {"a@x.test": ("a@x.test", "on@x.test", "x.test", 1)}}
    plans = accounts.plan(current, {}, exclusive=True, due={"old@x.test", "on@x.test"})
    assert plans["mailbox"] == accounts.TablePlan(
        delete=[there["old@x.test"]], off=[(there["on@x.test"], box("on@x.test", 0))]
    )
    assert accounts.counts(plans)["mailbox"] == {"inserted": 0, "updated": 1, "deleted": 1}
    assert accounts.counts(plans)["alias"]["deleted"] == 1
    assert accounts.diff_lines(plans)[1] == [
        "mailbox on@x.test password=******** maildir=x.test/on/ quota=0 domain=x.test active=0 (switched off, since no"
        " account has the address)"
    ]
    # What was switched off counts for nothing: the one that still serves is all of the domain.
    problem = accounts.removal_problem(current, plans)
    assert problem is not None
    assert problem.startswith("All mailboxes would be removed or switched off: on@x.test. If a name is mistyped")
    left = {**current, "mailbox": {name: there[name] for name in ("off@x.test",)}, "alias": {}}
    left["mailbox"]["on@x.test"] = box("on@x.test", 0)
    assert accounts.applied(current, plans) == {**left, "alias_domain": {}}
    # The order of the rows is nothing, and each value counts.
    assert accounts.digest(accounts.applied(current, plans)) == accounts.digest(left) != accounts.digest(current)
    nothing = accounts.plan({"mailbox": {"off@x.test": there["off@x.test"]}}, {}, exclusive=True, due=set())
    assert not any(nothing.values())
    assert accounts.removal_problem(current, nothing) is None


def test_a_long_diff_is_counted() -> None:
    many = {f"d{n}.test": (f"d{n}.test", "", 0, 1) for n in range(600)}
    _before, after = accounts.diff_lines(
        accounts.plan({}, {"domain": many, "mailbox": {}, "alias": {}}, exclusive=True)
    )
    assert len(after) == 501
    assert after[-1] == "… and 100 more rows"


def test_a_long_diff_names_those_that_are_removed_first() -> None:
    old = {"domain": {f"d{n}.test": (f"d{n}.test", "", 0, 1) for n in range(600)} | {"z.test": ("z.test", "", 0, 1)}}
    new = {"domain": {f"d{n}.test": (f"d{n}.test", "new", 0, 1) for n in range(600)}}
    before, _after = accounts.diff_lines(accounts.plan(old, new, exclusive=True))
    assert before[0] == "domain z.test backupmx=0 active=1"


def boxes(*counts: int) -> accounts.Tables:
    """That many mailboxes in the domains d0.test, d1.test and so on, each with an alias beside it."""
    tables: accounts.Tables = {"mailbox": {}, "alias": {}}
    for number, count in enumerate(counts):
        for index in range(count):
            box, alias = f"u{index:02}@d{number}.test", f"a{index:02}@d{number}.test"
            tables["mailbox"][box] = (box, "{X}1", "", "m/", 0, f"u{index:02}", f"d{number}.test", 1)
            tables["alias"][alias] = (alias, box, f"d{number}.test", 1)
    return tables


CURE = (
    " If a name is mistyped or a file of variables is missing, correct that. To remove them, set remove_many (in the"
    " role, sqlite_maps_remove_many) to true for one run."
)


def lists(
    domains: Sequence[str] = ("d0.test", "d1.test"), aliases: Sequence[str] = (), twins: Sequence[str] = ()
) -> accounts.Tables:
    return accounts.rows(
        domains,
        [],
        [{"address": address, "goto": ["x@example.org"]} for address in aliases],
        [{"name": name, "target": "d0.test"} for name in twins],
    )


def changed(tables: accounts.Tables, table: str, places: Iterable[int]) -> accounts.Tables:
    """The tables with some rows of one switched off."""
    rows = dict(tables[table])
    for place in places:
        key = sorted(rows)[place]
        rows[key] = (*rows[key][:-1], 0)
    return {**tables, table: rows}


def domain(tables: accounts.Tables, active: int = 1, backupmx: int = 0) -> accounts.Tables:
    return {**tables, "domain": {"d0.test": ("d0.test", "", backupmx, active)}}


REMOVALS: list[tuple[accounts.Tables, accounts.Tables, str | None]] = [
    # (before, after, the sentence before the cure without its verb)
    (boxes(3), boxes(2), None),
    (boxes(4), boxes(1), "3 of 4 mailboxes: u01@d0.test, u02@d0.test, u03@d0.test."),
    (boxes(10), boxes(7), "3 of 10 mailboxes: u07@d0.test, u08@d0.test, u09@d0.test."),
    (boxes(10), boxes(9), None),
    (boxes(20), boxes(18), None),
    (
        boxes(5),
        boxes(1),
        "4 of 5 mailboxes: u01@d0.test, u02@d0.test, u03@d0.test, u04@d0.test.",
    ),
    (boxes(50), boxes(45), None),
    (
        boxes(50),
        boxes(28),
        f"22 of 50 mailboxes: {', '.join(f'u{n}@d0.test' for n in range(28, 48))}, and 2 more.",
    ),
    (boxes(1), boxes(), "All mailboxes: u00@d0.test."),
    (boxes(2), boxes(0, 2), "All mailboxes: u00@d0.test, u01@d0.test."),
    (
        boxes(90, 2),
        boxes(90),
        "All mailboxes of the domain d1.test: u00@d1.test, u01@d1.test.",
    ),
    (boxes(90, 2), boxes(90, 1), None),
    (boxes(), boxes(3), None),
    (
        boxes(50),
        boxes(44),
        f"6 of 50 mailboxes: {', '.join(f'u{n}@d0.test' for n in range(44, 50))}.",
    ),
    (
        boxes(5),
        {**boxes(5), "alias": {}},
        "5 of 5 aliases: a00@d0.test, a01@d0.test, a02@d0.test, a03@d0.test, a04@d0.test.",
    ),
    (
        boxes(3),
        {**boxes(3), "alias": {}},
        "3 of 3 aliases: a00@d0.test, a01@d0.test, a02@d0.test.",
    ),
    # One alias is never asked for, unless it is the last address of its domain.
    (boxes(1), {**boxes(1), "alias": {}}, None),
    (
        lists(aliases=["x@d1.test"]),
        lists(),
        "All addresses of the domain d1.test: x@d1.test.",
    ),
    (
        lists(aliases=[f"a{n:03}@d0.test" for n in range(100)] + ["x@d1.test", "y@d1.test", "z@d1.test"]),
        lists(aliases=[f"a{n:03}@d0.test" for n in range(100)]),
        "All addresses of the domain d1.test: x@d1.test, y@d1.test, z@d1.test.",
    ),
    # A single domain alias, and all of them.
    (lists(twins=["t.test"]), lists(), None),
    (
        lists(twins=["t.test", "u.test", "v.test"]),
        lists(),
        "3 of 3 domain aliases: t.test, u.test, v.test.",
    ),
    # What is switched off serves nobody, as what is gone.
    (
        boxes(10),
        changed(boxes(10), "mailbox", range(10)),
        f"All mailboxes: {', '.join(f'u0{n}@d0.test' for n in range(10))}.",
    ),
    (boxes(10), changed(boxes(10), "mailbox", range(1)), None),
    (changed(boxes(10), "mailbox", range(10)), {**boxes(10), "mailbox": {}}, None),
    (
        boxes(2),
        domain(boxes(2), active=0),
        "All mailboxes: u00@d0.test, u01@d0.test.",
    ),
    (
        boxes(2),
        domain(boxes(2), backupmx=1),
        "All mailboxes: u00@d0.test, u01@d0.test.",
    ),
    (
        lists(domains=["d0.test", "d1.test", "d2.test", "d3.test"]),
        lists(domains=["d0.test"]),
        "3 of 4 domains: d1.test, d2.test, d3.test.",
    ),
    # A domain whose name has other letters is in the tables twice.
    (accounts.rows(["d0.test", "bücher.test"], [], []), accounts.rows(["d0.test"], [], []), None),
]


@pytest.mark.parametrize(("before", "after", "sentence"), REMOVALS)
def test_removal_of_many(before: accounts.Tables, after: accounts.Tables, sentence: str | None) -> None:
    sentence = sentence and sentence.replace(":", " would be removed or switched off:", 1)
    found = accounts.removal_problem(before, accounts.plan(before, after, exclusive=True))
    assert found == (sentence and sentence + CURE)
    kept = accounts.removal_problem(before, accounts.plan(before, after, exclusive=False))
    assert kept == (sentence and sentence + CURE if all(before[table].keys() <= after[table].keys() for table in before)
                    else None)  # fmt: skip


def database(tables: accounts.Tables) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.executescript(accounts.SCHEMA)
    for table, columns in accounts.COLUMNS.items():
        connection.executemany(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",  # noqa: S608
            tables[table].values(),
        )
    return connection


def ask(connection: sqlite3.Connection, query: str, key: str) -> str | None:
    """As dict_sqlite.c does: %s replaced by the escaped key, the rows joined by commas."""
    found = connection.execute(query.replace("%s", key.lower().replace("'", "''")).replace("%%", "%")).fetchall()
    return ",".join(row[0] for row in found) or None


def expected(tables: accounts.Tables) -> dict[str, dict[str, str | None]]:
    return accounts.proofs(accounts.finder(tables), accounts.samples(tables))


def test_expectations_are_what_the_queries_answer() -> None:
    connection = database(TABLES)
    files = accounts.client_files(expected(TABLES), {"virtual_alias_maps": {"more@example.test": None}})
    assert [file["name"] for file in files] == list(accounts.QUERIES)
    for file in files:
        assert {key: ask(connection, file["query"], key) for key in file["expect"]} == file["expect"], file["name"]
    assert files[3]["expect"]["more@example.test"] is None


#: what each client file answers to a key: domains, relayed domains, mailboxes, aliases, senders
ANSWERS: dict[str, tuple[str | None, str | None, str | None, str | None, str | None]] = {
    "example.test": ("example.test", None, None, None, None),
    "off.test": (None, None, None, None, None),
    "mx.test": (None, "mx.test", None, None, None),
    "twin.test": ("twin.test", None, None, None, None),
    "still.test": (None, None, None, None, None),
    "BOB@Example.test": (
        None, None, "example.test/bob/", "bob@example.test,copy@example.org", "bob@example.test",
    ),
    "o'brien@example.test": (None, None, "example.test/o'brien/", None, "o'brien@example.test"),
    "sales@example.test": (
        None, None, None,
        "bob@example.test,o'brien@example.test,x@example.org", "bob@example.test,o'brien@example.test",
    ),
    "far@example.test": (None, None, None, "x@example.org", None),
    # A mailbox that is not active: its alias stays.
    "gone@example.test": (None, None, None, "bob@example.test", "bob@example.test"),
    "old@example.test": (None, None, None, None, None),
    "dan@off.test": (None, None, None, None, None),
    "dan2@off.test": (None, None, None, None, None),
    # A backup MX has no mailboxes.
    "far@mx.test": (None, None, None, None, "far@mx.test"),
    # A domain alias: what is there in the target, and what is its own.
    "bob@twin.test": (None, None, None, "bob@example.test", "bob@example.test"),
    "sales@twin.test": (None, None, None, "sales@example.test", "bob@example.test,o'brien@example.test"),
    "info@twin.test": (None, None, None, "bob@example.test", "bob@example.test"),
    "nobody@twin.test": (None, None, None, None, None),
    "@twin.test": (None, None, None, None, None),
    "bob@still.test": (None, None, None, None, None),
    # A catch-all, its mailbox, and both through a domain alias.
    "@catch.test": (None, None, None, "bob@example.test", None),
    "eve@catch.test": (None, None, "catch.test/eve/", "eve@catch.test", "eve@catch.test"),
    "nobody@catch.test": (None, None, None, None, None),
    "eve@twin2.test": (None, None, None, "eve@catch.test", "eve@catch.test"),
    "@twin2.test": (None, None, None, "@catch.test", None),
    '"a@b"@example.test': (None, None, None, None, None),
    "' OR 1=1 --": (None, None, None, None, None),
}  # fmt: skip


@pytest.mark.parametrize("key", ANSWERS)
def test_what_the_queries_and_the_model_answer(key: str) -> None:
    connection, find = database(TABLES), accounts.finder(TABLES)
    where = ANSWERS[key][2]
    answers = (*ANSWERS[key], where and f"{where}Maildir/")
    assert tuple(ask(connection, query, key) for query in accounts.QUERIES.values()) == answers
    assert tuple(accounts.answer(find, table, key) for table in accounts.QUERIES) == answers


def test_a_maildir_without_a_slash_at_its_end() -> None:
    boxes = {key: (*row[:3], str(row[3]).rstrip("/"), *row[4:]) for key, row in TABLES["mailbox"].items()}
    tables = {**TABLES, "mailbox": boxes}
    query = accounts.QUERIES["virtual_maildirs"]
    assert ask(database(tables), query, "bob@example.test") == "example.test/bob/Maildir/"
    assert (
        accounts.answer(accounts.finder(tables), "virtual_maildirs", "bob@example.test") == "example.test/bob/Maildir/"
    )


_NAMES = st.sampled_from(["a", "b", "c"])
_DOMAIN_NAMES = st.sampled_from(["p.test", "q.test", "r.test"])
_ADDRESSES = st.builds("{}@{}".format, _NAMES, _DOMAIN_NAMES)
_FLAGS = st.booleans()


@given(
    st.dictionaries(_DOMAIN_NAMES, st.tuples(_FLAGS, _FLAGS), max_size=3),
    st.dictionaries(_ADDRESSES, _FLAGS, max_size=4),
    st.dictionaries(_ADDRESSES | _DOMAIN_NAMES.map("@{}".format), st.tuples(st.lists(_ADDRESSES, min_size=1), _FLAGS)),
    st.dictionaries(_DOMAIN_NAMES, st.tuples(_DOMAIN_NAMES, _FLAGS), max_size=2),
)
@settings(max_examples=150, deadline=None)
def test_the_queries_agree_with_the_model_on_any_rows(
    domains: dict[str, tuple[bool, bool]],
    boxes: dict[str, bool],
    aliases: dict[str, tuple[list[str], bool]],
    twins: dict[str, tuple[str, bool]],
) -> None:
    """Also on rows that no role would write and that PostfixAdmin may have."""
    tables: accounts.Tables = {
        "domain": {name: (name, "", int(mx), int(on)) for name, (mx, on) in domains.items()},
        "mailbox": {name: (name, HASH, "", f"{name}/", 0, *name.split("@"), int(on)) for name, on in boxes.items()},
        "alias": {
            name: (name, ",".join(dict.fromkeys(goto)), name.rpartition("@")[2], int(on))
            for name, (goto, on) in aliases.items()
        },
        "alias_domain": {name: (name, target, int(on)) for name, (target, on) in twins.items()},
    }
    connection, find = database(tables), accounts.finder(tables)
    keys = [f"{name}{domain}" for name in ("a@", "b@", "@", "") for domain in ("p.test", "q.test", "r.test")]
    for table, query in accounts.QUERIES.items():
        assert {key: ask(connection, query, key) for key in keys} == {
            key: accounts.answer(find, table, key) for key in keys
        }, table


def test_a_catch_all_leaves_the_mailboxes_alone() -> None:
    tables = accounts.rows(DOMAINS, [BOB], [alias("@example.test", "bob@example.test")])
    connection, query = database(tables), accounts.QUERIES["virtual_alias_maps"]
    assert ask(connection, query, "bob@example.test") == "bob@example.test"
    assert ask(connection, query, "any@example.test") is None
    assert ask(connection, query, "@example.test") == "bob@example.test"
    assert ask(connection, accounts.QUERIES["sender_login_maps"], "@example.test") is None


def test_every_lookup_goes_through_an_index() -> None:
    connection = database(TABLES)
    for name, query in accounts.QUERIES.items():
        steps = [row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + query.replace("%s", "a@example.test"))]
        scans = [step for step in steps if re.match(r"SCAN (TABLE )?(domain|source|home|mailbox|alias)\b", step)]
        assert scans == [], name


@given(st.text(max_size=60))
@settings(max_examples=100)
def test_no_key_breaks_a_query(key: str) -> None:
    connection = database(TABLES)
    if "\0" in key or key.lower() in {*TABLES["domain"], *TABLES["mailbox"], *TABLES["alias"]}:
        return
    for query in accounts.QUERIES.values():
        assert connection.execute(query.replace("%s", key.replace("'", "''"))).fetchall() == []


def test_unknown_client_file() -> None:
    with pytest.raises(
        ValueError, match=r"^there is no client file 'virtual_alias'; did you mean 'virtual_alias_maps'\?$"
    ):
        accounts.client_files({}, {"virtual_alias": {}})


def test_what_a_foreign_schema_lacks() -> None:
    columns = {table: list(names) for table, names in accounts.COLUMNS.items()}
    assert accounts.schema_problems(columns) == []
    del columns["alias_domain"]
    columns["mailbox"].remove("maildir")
    columns["mailbox"].remove("quota")
    columns["domain"].remove("description")
    assert accounts.schema_problems(columns) == [
        "the table 'mailbox' has no column 'maildir' and no 'quota'",
        "the table 'alias_domain' is missing",
    ]


def test_missing_indexes_are_named() -> None:
    leading = {table: [names[0]] for table, names in accounts.COLUMNS.items()}
    assert accounts.index_findings(leading) == []
    assert accounts.index_findings({**leading, "mailbox": ["domain"]}) == [
        "the table 'mailbox' has no index that begins with 'username', so that each lookup reads all of it."
        " Run: CREATE UNIQUE INDEX mailbox_username ON mailbox (username)"
    ]
