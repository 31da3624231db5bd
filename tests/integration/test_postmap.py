# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""postmap against real Postfix: source and index by content, swapped in one step, proved before."""

from __future__ import annotations

from typing import Any

import batch
import pytest
from hosts import Host

pytestmark = [pytest.mark.containers, pytest.mark.one_release]

PATH = "/srv/t/table"
ENTRIES = {
    "Alice@example.test": "one two",
    '"x y"@example.test': ["a@example.org", "b@example.org"],
    "o'brien@example.test": 7,
    "É@example.test": "utf",
}
EXPECT = {"alice@example.test": "one two", "ALICE@example.test": "one two", "nobody": None, "o'brien@example.test": "7"}
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


def test_drift(host: Host) -> None:
    kind = indexed(host)[-1]
    index = PATH + SUFFIX[kind]
    task: dict[str, Any] = {"path": PATH, "type": kind, "entries": {"a": "1", "b": "2"}}
    host.module("postmap", task)
    wrong = "hash" if kind != "hash" else "btree"
    # A file of another type is no lmdb; as cdb, whose header has no mark, it has other entries.
    foreign = (
        "the index holds other entries than the source" if kind == "cdb" else f"the index cannot be read as {kind}"
    )
    for drift, why in (
        (f"rm {index}", "the index is missing"),
        (f": > {index}", "the index is empty"),
        (f"truncate -s 100 {index}", f"the index cannot be read as {kind}"),
        (f"printf 'corrupt everything here' | dd of={index} bs=1 conv=notrunc status=none",
             "CORRUPT"),
        (f"printf 'b 3\\n' > /tmp/o; postmap {kind}:/tmp/o; cp /tmp/o{SUFFIX[kind]} {index}",
         "the index holds other entries than the source"),
        (f"postmap {wrong}:{PATH}; mv {PATH}{SUFFIX[wrong]} {index} || :",
             foreign),
        (f"chmod 666 {index}", ""),
        (f"chown postfix {index}", ""),
    ):  # fmt: skip
        stat = batch.shell("cd /srv/t; stat -c '%n %Y %s %a' *")
        drifted, before, predicted, after, done, again, asked, mode = batch.run(host, [
            batch.shell(drift),
            stat,
            batch.module("postmap", task, check=True),
            stat,
            batch.module("postmap", task),
            batch.module("postmap", task, check=True),
            batch.shell(f"postmap -q b {kind}:{PATH}"),
            batch.shell(f"stat -c '%U %a' {index}"),
        ])  # fmt: skip
        assert drifted["rc"] == 0, drifted
        assert predicted["changed"], drift
        assert before == after
        # What was written over cannot be read; as cdb, it has other entries or none.
        whys = (f"the index cannot be read as {kind}", foreign) if why == "CORRUPT" else (why,)
        assert done["changed"], drift
        assert done["rebuilt"] in whys, (drift, done)
        assert not again["changed"], drift
        assert asked["stdout"] == "2\n"
        assert mode["stdout"] == "root 644\n"
    # Touched or written again with the same content: no change, and no warning of an old index.
    _, touched, _, older, asked, *gone, left = batch.run(host, [
        batch.shell(f"touch -d '+5 seconds' {PATH}"),
        batch.module("postmap", {"path": PATH, "type": kind}),
        batch.shell(f"touch -d '-1 hour' {index}"),
        batch.module("postmap", task),
        batch.shell(f"postmap -q b {kind}:{PATH}"),
        *batch.four("postmap", {"path": PATH, "type": kind, "state": "absent"}),
        batch.shell("ls -A /srv/t"),
    ])  # fmt: skip
    assert not touched["changed"]
    assert not older["changed"]
    assert "older" not in asked["stderr"]
    assert batch.assert_four(gone)["changed"]
    assert left["stdout"] == ""


def test_text_types(host: Host) -> None:
    for kind, content, expect in (
        ("cidr", "192.0.2.0/24 OK\n", {"192.0.2.7": "OK", "198.51.100.1": None}),
        ("pcre", "/^a(.)b$/ got $1\n", {"axb": "got x", "ab": None}),
        ("regexp", "/^a(.)b$/ got $1\n", {"AXB": "got X", "ab": None}),
        ("texthash", "a b\n", {"a": "b", "c": None}),
    ):
        task = {"path": f"/srv/t/{kind}", "type": kind, "content": content, "expect": expect}
        assert batch.assert_four(batch.run(host, batch.four("postmap", task)))["answers"] == expect
    assert host.run("ls -A /srv/t").stdout.split() == ["cidr", "pcre", "regexp", "texthash"]


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
    for kind in indexed(host):
        task = {"path": PATH + kind, "type": kind, "entries": {"long": "x" * 70_000, "b": "1"}, "expect": {"b": "1"}}
        first = batch.assert_four(batch.run(host, batch.four("postmap", task)))
        assert first["records"] == 2
        assert host.run(["postmap", "-q", "long", f"{kind}:{PATH}{kind}"]).stdout == "x" * 70_000 + "\n"


@pytest.mark.long
def test_one_bad_line_in_a_million(host: Host) -> None:
    kind = indexed(host)[-1]
    host.module("postmap", {"path": PATH, "type": kind, "entries": {"a": "1"}})
    index = host.run(f"md5sum {PATH}{SUFFIX[kind]}").stdout
    host.run(f"seq -f 'user%.0f value' 1000000 | sed '765432s/ .*//' > {PATH}")
    result = host.module("postmap", {"path": PATH, "type": kind})
    assert result["msg"] == (
        f"{PATH}: line 765432: 'user765432' has no value; right would be a key, blanks and a value;"
        " the live table is untouched"
    )
    assert host.run(f"md5sum {PATH}{SUFFIX[kind]}").stdout == index


FAILURES: list[tuple[dict[str, Any], str]] = [
    ({"entries": {"a": "1", "A": "2"}}, "the keys 'a' and 'A' are one to Postfix, which folds them; name it once"),
    ({"entries": {"a": "x\ny"}}, "the value 'x\\ny' has a line break or a NUL; it must be one line"),
    ({"entries": {"a\0": "x"}}, "the key 'a\\x00' has a line break or a NUL; it must be one line"),
    ({"entries": {"a b": "x"}}, "the key 'a b' has blanks outside double quotes, where the value would begin"),
    ({"entries": {"a": True}}, "the key 'a' has the value True; right would be a text (quoted in YAML)"),
    ({"content": "a 1\nb\n"}, "line 2: 'b' has no value; right would be a key, blanks and a value"),
    ({"content": "a 1\nb 1\nA 2\n"}, "line 3: the key 'a' is there already, in line 1 (case does not count);"),
    ({"content": "/(/ x\n", "type": "pcre"}, "pcre map line 1: error in regex"),
    ({"content": "10.0.0.1/8 x\n", "type": "cidr"}, "cidr map line 1: non-null host address bits"),
    ({"entries": {"a": "2"}, "expect": {"a": "3"}}, "the key 'a' gives '2' where '3' was expected"),
    ({"entries": {"a": "1"}, "type": "lmbd"}, "'lmbd' is no type of table that lies in a file; did you mean 'lmdb'?"),
    ({"entries": {"a": "1"}, "mode": "rw"}, "mode 'rw' is not an octal number"),
    ({"path": "/srv/t/none"}, "there is no such file, and neither entries nor content to make it from"),
]


def test_failures_leave_the_live_table(host: Host) -> None:
    kind = indexed(host)[-1]
    sums = batch.shell("cd /srv/t; md5sum *; ls -A")
    _, before, *rest = batch.run(host, [
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
        " done ) > /tmp/answers 2>&1 & :"
    )
    tasks = [{"path": PATH, "type": kind, "entries": {"a": str(number)}} for number in range(1, 9)]
    assert all(answer["changed"] for answer in batch.run(host, [batch.module("postmap", task) for task in tasks]))
    host.run("touch /tmp/stop; sleep 1; rm /tmp/stop")
    assert set(host.read("/tmp/answers").splitlines()) == {"asked"}
