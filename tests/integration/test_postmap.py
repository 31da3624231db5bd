# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""postmap against real Postfix: source and index by content, swapped in one step, proved before."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness import batch
from ansible_collections.puffy.mail.tests.harness.containers import Host

pytestmark = [pytest.mark.containers, pytest.mark.one_release]

PATH = "/srv/t/table"
ENTRIES = {
    "Alice@example.test": "one two",
    '"x y"@example.test': ["a@example.org", "b@example.org"],
    "o'brien@example.test": 7,
    "É@example.test": "utf",
}
EXPECT = {"alice@example.test": "one two", "ALICE@example.test": "one two", "nobody": None, "o'brien@example.test": "7"}
KEPT = {"owner": "root", "mode": "0644"}
SUFFIX = {"hash": ".db", "btree": ".db", "lmdb": ".lmdb", "cdb": ".cdb"}


def indexed(host: Host) -> list[str]:
    there = host.run(["postconf", "-m"]).stdout.split()
    return [kind for kind in SUFFIX if kind in there]


@pytest.fixture(autouse=True)
def empty(host: Host) -> None:
    host.run("rm -rf /srv/t; mkdir /srv/t")


def test_every_indexed_type(host: Host) -> None:
    for kind in indexed(host):
        task = {"path": PATH, "type": kind, "entries": ENTRIES, "expect": EXPECT, "group": "postfix", "mode": "0640"}
        # Comments and order are no entries: the source changes, the index stays.
        lines = [f"{key}\t{', '.join(value) if isinstance(value, list) else value}" for key, value in ENTRIES.items()]
        reordered = {"path": PATH, "type": kind, "content": "\n".join(["# why", *reversed(lines)])}
        cleaned, *runs, seen, listed, quoted, moved, quiet = batch.run(host, [
            batch.shell("rm -f /srv/t/*"),
            *batch.four("postmap", task),
            batch.shell("cd /srv/t; stat -c '%n %U %G %a' *"),
            batch.shell("ls -A /srv/t | wc -l"),
            batch.shell(f"postmap -q '\"X Y\"@example.test' {kind}:{PATH}"),
            batch.module("postmap", reordered),
            batch.shell(f"postmap -q alice@example.test {kind}:{PATH}"),
        ])  # fmt: skip
        assert cleaned["rc"] == 0
        first = batch.assert_four(runs)
        assert first["answers"] == EXPECT
        assert (first["records"], first["rebuilt"]) == (4, "the index is missing")
        assert seen["stdout"].splitlines() == [
            "table root postfix 640",
            f"table{SUFFIX[kind]} root postfix 640",
        ]
        assert listed["stdout"] == "2\n"
        assert quoted["stdout"] == "a@example.org, b@example.org\n"
        assert (moved["changed"], moved["rebuilt"]) == (True, "")
        assert quiet["stdout"] == "one two\n"
        assert "older than" not in quiet["stderr"]


def drifts(kind: str) -> list[tuple[str, set[str]]]:
    """Shell commands after which table or index is wrong, and the reasons for which the index may be rebuilt."""
    index, wrong = PATH + SUFFIX[kind], "hash" if kind != "hash" else "btree"
    unreadable, other = f"the index cannot be read as {kind}", "the index holds other entries than the source"
    return [
        (f"rm {index}", {"the index is missing"}),
        (f": > {index}", {"the index is empty"}),
        (f"truncate -s 100 {index}", {unreadable}),
        # As cdb, whose header has no mark, what was written over has other entries or none.
        (
            f"printf 'corrupt everything here' | dd of={index} bs=1 conv=notrunc status=none",
            {unreadable, other} if kind == "cdb" else {unreadable},
        ),
        (f"printf 'b 3\\n' > /tmp/o; postmap {kind}:/tmp/o; cp /tmp/o{SUFFIX[kind]} {index}", {other}),
        (
            f"postmap {wrong}:{PATH}; [ {PATH}{SUFFIX[wrong]} = {index} ] || mv {PATH}{SUFFIX[wrong]} {index}",
            {other} if kind == "cdb" else {unreadable},
        ),
        (f"mv {index} /tmp/elsewhere; ln -s /tmp/elsewhere {index}", {"the index is a symbolic link"}),
        (f"chmod 666 {index}", {""}),
        (f"chown postfix {index}", {""}),
        (f"rm {PATH}", {""}),
        (f": > {PATH}", {""}),
        (f"printf 'a 1\\nb 3\\n' > {PATH}; postmap {kind}:{PATH}", {other}),
        (f"chmod 600 {PATH}", {""}),
    ]


@pytest.mark.parametrize("kinds", [slice(-1, None), pytest.param(slice(0, -1), marks=pytest.mark.long)], ids=str)
def test_drift(host: Host, kinds: slice) -> None:
    """Whatever became of table and index is foretold, repaired, reported once, and then no change."""
    for kind in indexed(host)[kinds]:
        index = PATH + SUFFIX[kind]
        task: dict[str, Any] = {"path": PATH, "type": kind, "entries": {"a": "1", "b": "2"}, **KEPT}
        stat = batch.shell("cd /srv/t; stat -c '%n %Y %s %a' *")
        _dummy, made, *answers = batch.run(host, [
            batch.shell("rm -f /srv/t/*"),
            batch.module("postmap", task),
            *(
                request
                for drift, _why in drifts(kind)
                for request in (
                    batch.shell(drift),
                    stat,
                    batch.module("postmap", task, check=True),
                    stat,
                    batch.module("postmap", task),
                    batch.module("postmap", task, check=True),
                    batch.shell(f"postmap -q b {kind}:{PATH}"),
                    batch.shell(f"cd /srv/t; stat -c '%n %F %U %a' *; cat {PATH}"),
                )
            ),
        ])  # fmt: skip
        assert made["changed"], made
        files = f"table regular file root 644\n{index.rpartition('/')[2]} regular file root 644\na\t1\nb\t2\n"
        for number, (drift, whys) in enumerate(drifts(kind)):
            drifted, before, predicted, after, done, again, asked, seen = answers[8 * number : 8 * number + 8]
            assert drifted["rc"] == 0, drifted
            assert before == after
            assert predicted["changed"], (drift, predicted)
            assert done["changed"], (drift, done)
            assert done["rebuilt"] in whys, (drift, done)
            assert predicted["rebuilt"] == done["rebuilt"]
            assert not again["changed"], (drift, again)
            assert asked["stdout"] == "2\n", (drift, asked)
            assert seen["stdout"] == files, (drift, seen)


def test_age_is_no_drift(host: Host) -> None:
    """Touched or written again with the same content: no change, and no warning of an old index."""
    kind = indexed(host)[-1]
    index = PATH + SUFFIX[kind]
    task: dict[str, Any] = {"path": PATH, "type": kind, "entries": {"a": "1", "b": "2"}}
    _dummy, made, _dummy, touched, _dummy, older, asked, *gone, left = batch.run(host, [
        batch.shell("rm -f /srv/t/*"),
        batch.module("postmap", task),
        batch.shell(f"touch -d '+5 seconds' {PATH}"),
        batch.module("postmap", {"path": PATH, "type": kind}),
        batch.shell(f"touch -d '-1 hour' {index}"),
        batch.module("postmap", task),
        batch.shell(f"postmap -q b {kind}:{PATH}"),
        *batch.four("postmap", {"path": PATH, "type": kind, "state": "absent"}),
        batch.shell("ls -A /srv/t"),
    ])  # fmt: skip
    assert made["changed"], made
    assert not touched["changed"], touched
    assert not older["changed"], older
    assert "older" not in asked["stderr"]
    assert batch.assert_four(gone)["changed"]
    assert left["stdout"] == ""


def test_text_types(host: Host) -> None:
    tables: list[tuple[str, str, dict[str, Any]]] = [
        ("cidr", "192.0.2.0/24 OK\n", {"192.0.2.7": "OK", "198.51.100.1": None}),
        ("pcre", "/^a(.)b$/ got $1\n", {"axb": "got x", "ab": None}),
        ("regexp", "/^a(.)b$/ got $1\n", {"AXB": "got X", "ab": None}),
        ("texthash", "a b\n", {"a": "b", "c": None}),
    ]
    *answers, left = batch.run(host, [
        *(
            request
            for kind, content, expect in tables
            for request in batch.four(
                "postmap", {"path": f"/srv/t/{kind}", "type": kind, "content": content, "expect": expect}
            )
        ),
        batch.shell("ls -A /srv/t"),
    ])  # fmt: skip
    for number, (_kind, _content, expect) in enumerate(tables):
        assert batch.assert_four(answers[4 * number : 4 * number + 4])["answers"] == expect
    assert left["stdout"].split() == [kind for kind, _content, _expect in tables]


def test_postalias(host: Host) -> None:
    kind = indexed(host)[-1]
    task = {"path": "/srv/t/aliases", "type": kind, "builder": "postalias",
            "content": 'root: alice, bob\n"odd name": |"/bin/cat -"\n', "expect": {"root": "alice, bob"}}  # fmt: skip
    batch.assert_four(batch.run(host, batch.four("postmap", task)))
    assert host.run(["postalias", "-q", "odd name", f"{kind}:/srv/t/aliases"]).stdout == '|"/bin/cat -"\n'
    host.run("echo 'new: x' >> /srv/t/aliases")
    again = {"path": "/srv/t/aliases", "type": kind, "builder": "postalias"}
    kept = batch.assert_four(batch.run(host, batch.four("postmap", again)))
    assert kept["rebuilt"] == "the index holds other entries than the source"
    assert host.run(["postalias", "-q", "new", f"{kind}:/srv/t/aliases"]).stdout == "x\n"


def test_a_value_of_seventy_thousand_characters(host: Host) -> None:
    entries = {"long": "x" * 70_000, "b": "1"}
    kinds = indexed(host)
    answers = batch.run(host, [
        request
        for kind in kinds
        for request in (
            *batch.four("postmap", {"path": PATH + kind, "type": kind, "entries": entries, "expect": {"b": "1"}}),
            batch.shell(f"postmap -q long {kind}:{PATH}{kind}"),
        )
    ])  # fmt: skip
    for number in range(len(kinds)):
        *runs, asked = answers[5 * number : 5 * number + 5]
        assert batch.assert_four(runs)["records"] == 2
        assert asked["stdout"] == "x" * 70_000 + "\n"


@pytest.mark.long
def test_one_bad_line_in_a_million(host: Host) -> None:
    kind = indexed(host)[-1]
    host.module("postmap", {"path": PATH, "type": kind, "entries": {"a": "1"}})
    index = host.run(f"md5sum {PATH}{SUFFIX[kind]}").stdout
    host.run(f"seq -f 'user%.0f value' 1000000 | sed '765432s/ .*//' > {PATH}")
    result = host.module("postmap", {"path": PATH, "type": kind})
    assert result["msg"] == (
        f"{PATH}: line 765432: 'user765432' has no value. Use a key, blanks and a value; the live table is untouched"
    )
    assert host.run(f"md5sum {PATH}{SUFFIX[kind]}").stdout == index


FAILURES: list[tuple[dict[str, Any], str]] = [
    ({"entries": {"a": "1", "A": "2"}}, "the keys 'a' and 'A' are one to Postfix, which folds them; name it once"),
    ({"entries": {"a": "x\ny"}}, "the value 'x\\ny' has a line break or a NUL; it must be one line"),
    ({"entries": {"a\0": "x"}}, "the key 'a\\x00' has a line break or a NUL; it must be one line"),
    ({"entries": {"a b": "x"}}, "the key 'a b' has blanks outside double quotes, where the value would begin"),
    ({"entries": {"a": True}}, "the key 'a' has the value True. Use a text (quoted in YAML)"),
    ({"content": "a 1\nb\n"}, "line 2: 'b' has no value. Use a key, blanks and a value"),
    ({"content": "a 1\nb 1\nA 2\n"}, "line 3: the key 'a' is there already, in line 1 (case does not count);"),
    ({"content": "/(/ x\n", "type": "pcre"}, "pcre map line 1: error in regex"),
    ({"content": "10.0.0.1/8 x\n", "type": "cidr"}, "cidr map line 1: non-null host address bits"),
    ({"entries": {"a": "2"}, "expect": {"a": "3"}}, "the key 'a' gives '2' where '3' was expected"),
    (
        {"entries": {"a": "1"}, "type": "lmbd"},
        "'lmbd' is not a type of table that lies in a file; did you mean 'lmdb'?",
    ),
    ({"entries": {"a": "1"}, "mode": "rw"}, "mode 'rw' is not an octal number"),
    ({"entries": {"a": "1"}, "expect": {"a": ["1"]}}, "expect has ['1'] for the key 'a'. Use a text, or"),
    ({"entries": {"a": "1"}, "path": "table"}, "path 'table' is not absolute"),
    ({"state": "absent", "path": "table"}, "path 'table' is not absolute"),
    ({"path": "/srv/t/none"}, "there is no such file, and neither entries nor content to make it from"),
]


def test_failures_leave_the_live_table(host: Host) -> None:
    kind = indexed(host)[-1]
    sums = batch.shell("cd /srv/t; md5sum *; ls -A")
    _dummy, before, *rest = batch.run(host, [
        batch.module("postmap", {"path": PATH, "type": kind, "entries": {"a": "1"}}),
        sums,
        *(
            request
            for change, _message in FAILURES
            for request in (batch.module("postmap", {"path": PATH, "type": kind, **change}), sums)
        ),
    ])  # fmt: skip
    for (change, message), result, after in zip(FAILURES, rest[::2], rest[1::2]):
        assert result.get("failed"), (change, result)
        assert message in result["msg"], result["msg"]
        assert result["msg"].endswith("; the live table is untouched")
        assert after == before, change
    if "cdb" not in indexed(host):
        missing = host.module("postmap", {"path": PATH, "type": "cdb", "entries": {"a": "1"}})
        assert (
            "this host's Postfix has no tables of type 'cdb'; of those in files it has hash, btree, " in missing["msg"]
        )


def test_readers_never_miss_the_index(host: Host) -> None:
    """While the table is changed eight times, no query fails and none finds nothing."""
    kind = indexed(host)[-1]
    host.module("postmap", {"path": PATH, "type": kind, "entries": {"a": "0"}})
    host.run(
        f"( while [ ! -e /tmp/stop ]; do postmap -q a {kind}:{PATH} >/dev/null 2>/tmp/err || cat /tmp/err; echo asked;"
        " done ) > /tmp/answers 2>&1 & echo $! > /tmp/asker"
    )
    host.wait("test -s /tmp/answers")
    tasks = [{"path": PATH, "type": kind, "entries": {"a": str(number)}} for number in range(1, 9)]
    assert all(answer["changed"] for answer in batch.run(host, [batch.module("postmap", task) for task in tasks]))
    host.run("touch /tmp/stop; while kill -0 $(cat /tmp/asker) 2>/dev/null; do sleep 0.1; done; rm /tmp/stop")
    assert set(host.read("/tmp/answers").splitlines()) == {"asked"}


def test_a_source_that_an_earlier_task_of_the_run_makes(host: Host) -> None:
    """Check mode reports what the run will change, and says what it could not check."""
    later = {"path": PATH, "type": indexed(host)[0], "pending": True}
    answers = batch.run(host, [
        batch.module("postmap", later, check=True),
        batch.module("postmap", later),
        batch.module("postmap", {**later, "entries": ENTRIES}),
        batch.module("postmap", {**later, "pending": False}, check=True),
        # The earlier task changes the source that is there.
        batch.module("postmap", later, check=True),
        batch.module("postmap", later),
    ])  # fmt: skip
    assert answers[0]["changed"] is True
    assert f"The source {PATH} is not as the run makes it, so check mode could not check it." in str(answers[0])
    assert answers[1]["failed"]
    assert "there is no such file, and neither entries nor content to make it from" in answers[1]["msg"]
    assert [answer["changed"] for answer in answers[2:]] == [True, False, True, False]
