# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.puffy.mail.plugins.module_utils._tables import lookup_table

ANSWERS = [
    (["a", "b"], 0, "a\t1\n", "", {"a": "1", "b": None}),
    (["a", "b"], 1, "", "", {"a": None, "b": None}),
    (["a b", "a"], 0, "a b\tx y\na\tz\n", "", {"a b": "x y", "a": "z"}),
    (["a", "b"], 0, "a\tone\ntwo\nb\tz\n", "", {"a": "one\ntwo", "b": "z"}),
    (["a"], 0, "a\t\n", "postmap: warning: something harmless\n", {"a": ""}),
]
FAILURES = [
    (1, "", "postmap: fatal: open x: No such file\n", "fatal: open x: No such file"),
    (1, "", "postmap: warning: w\npostmap: error: e\n", "warning: w / error: e"),
    (137, "", "", "postmap ended with exit status 137"),
    (0, "stray\n", "", "postmap printed 'stray', which answers none of the keys asked"),
]


@pytest.mark.parametrize(("keys", "rc", "stdout", "stderr", "expected"), ANSWERS)
def test_parse_answers(keys: list[str], rc: int, stdout: str, stderr: str, expected: dict[str, str | None]) -> None:
    assert lookup_table.parse_answers(keys, rc, stdout, stderr) == expected


@pytest.mark.parametrize(("rc", "stdout", "stderr", "message"), FAILURES)
def test_parse_answers_fails(rc: int, stdout: str, stderr: str, message: str) -> None:
    with pytest.raises(lookup_table.QueryAnswerError, match=f"^{re.escape(message)}$"):
        lookup_table.parse_answers(["k"], rc, stdout, stderr)


SOURCE = 'b B two  \nA one\n\n  more\n# c\n"x y"@z q\nÉa v\na\\ b c\n'


def test_records_are_taken_apart_as_postmap_does() -> None:
    # As `postmap -s` printed them for this source with Postfix 3.5.25 and 3.11.7.
    assert [(key, value) for _line, key, value in lookup_table.records(SOURCE)] == [
        ("b", "B two"),
        ("a", "one  more"),
        ('"x y"@z', "q"),
        ("éa", "v"),
        ("a\\ b", "c"),
    ]
    assert [number for number, _key, _value in lookup_table.records(SOURCE)] == [1, 2, 6, 7, 8]


def dumped(*pairs: tuple[str, str], builder: str = "postmap") -> lookup_table.Fingerprint:
    text = "".join(f"{key}\t{value}\n" for key, value in pairs)
    return lookup_table.dump_fingerprint([text.encode("utf-8", "surrogateescape")], builder)


def test_the_fingerprint_knows_content_and_not_order() -> None:
    pairs = [("éa", "v"), ("b", "B two"), ('"x y"@z', "q"), ("a\\ b", "c"), ("a", "one  more")]
    wanted = lookup_table.source_fingerprint(SOURCE.encode())
    assert wanted == dumped(*pairs)
    assert wanted.count == 5
    assert wanted != dumped(*pairs[1:])
    assert wanted != dumped(*pairs[1:], ("éa", "w"))
    assert wanted != dumped(*pairs, pairs[0])


def test_a_dump_comes_in_pieces_of_any_size() -> None:
    dump = b"b\tB two\na\tone\nlong\t" + b"x" * 70_000 + b"\n"
    whole = lookup_table.dump_fingerprint([dump], "postmap")
    assert whole.count == 3
    for size in (1, 7, 1000, len(dump) - 1):
        pieces = [dump[start : start + size] for start in range(0, len(dump), size)]
        assert lookup_table.dump_fingerprint(pieces, "postmap") == whole
    assert lookup_table.dump_fingerprint([], "postmap").count == 0


_LINES = st.sampled_from(
    [
        "a x",
        "B\ty  z ",
        "c\t d",
        "# no",
        "",
        "  ",
        "\t# no",
        " more",
        '"q r"@x v',
        "e\\ f g",
        "Éa v",
        "K\udce9y v",
        "alone",
    ]
)


@given(st.lists(_LINES, max_size=30), st.integers(1, 40), st.booleans())
@settings(max_examples=300)
def test_the_quick_way_agrees_with_the_careful_one(lines: list[str], block: int, utf8: bool) -> None:
    text = "".join(f"{line}\n" for line in lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookup_table, "_BLOCK", block)
        try:
            pairs = [(key, value) for _number, key, value in lookup_table.records(text, utf8)]
        except ValueError as exc:
            with pytest.raises(ValueError, match=f"^{re.escape(str(exc))}$"):
                lookup_table.source_fingerprint(text.encode("utf-8", "surrogateescape"), utf8)
        else:
            source = text.encode("utf-8", "surrogateescape")
            assert lookup_table.source_fingerprint(source, utf8) == dumped(*pairs)


def test_only_ascii_blanks_end_a_key() -> None:
    assert list(lookup_table.records("a\u00a0b c\u2003d\u00a0\n\u00a0x y\n")) == [
        (1, "a\u00a0b", "c\u2003d\u00a0"),
        (2, "\u00a0x", "y"),
    ]


def test_folding() -> None:
    assert lookup_table.fold("ÉA@X") == "éa@x"
    assert lookup_table.fold("ÉA@X", utf8=False) == "Éa@x"
    assert lookup_table.fold("\udce9ÉA") == "\udce9Éa"


def test_a_key_that_is_no_utf8_is_folded_in_ascii_only() -> None:
    assert lookup_table.source_fingerprint(b"K\xe9y value\n") == dumped(("k\udce9y", "value"))


def test_a_dump_of_aliases() -> None:
    dump = b"@:\t@\nYP_LAST_MODIFIED:\t1795261174\nYP_MASTER_NAME:\thost\nroot:\ta, b\nfoo bar:\t|x\n"
    assert lookup_table.dump_fingerprint([dump], "postalias") == dumped(("root", "a, b"), ("foo bar", "|x"))


def test_entries_become_lines() -> None:
    entries = {"Example.org": "smtp:[mx]:25", '"a b"@x': ["c@x", "d@x"], "n": 7}
    assert lookup_table.render_entries(entries, "postmap") == 'Example.org\tsmtp:[mx]:25\n"a b"@x\tc@x, d@x\nn\t7\n'
    assert lookup_table.render_entries({"root": ["a", "b"]}, "postalias") == "root:\ta, b\n"


ENTRIES = [
    ({"a": 1, "A": 2}, "postmap", "the keys 'a' and 'A' are one to Postfix, which folds them; name it once"),
    ({"a": "x\ny"}, "postmap", "the value 'x\\ny' has a line break or a NUL; it must be one line"),
    ({"a\0": "x"}, "postmap", "the key 'a\\x00' has a line break or a NUL; it must be one line"),
    ({"a b": "x"}, "postmap", "the key 'a b' has blanks outside double quotes, where the value would begin"),
    ({'"a b': "x"}, "postmap", "the key '\"a b' has blanks outside double quotes, where the value would begin"),
    ({" a": "x"}, "postmap", "the key ' a' has blanks outside double quotes, where the value would begin"),
    ({"#a": "x"}, "postmap", "the key '#a' is empty or begins with '#', which makes the line a comment"),
    ({"": "x"}, "postmap", "the key '' is empty or begins with '#', which makes the line a comment"),
    ({"a": True}, "postmap", "the key 'a' has the value True. Use a text (quoted in YAML)"),
    ({"a": None}, "postmap", "the key 'a' has the value None. Use a text (quoted in YAML)"),
    ({"a": ""}, "postmap", "the key 'a' has the value ''; it must neither be empty nor begin or end with blanks"),
    ({"a": []}, "postmap", "the key 'a' has the value ''; it must neither be empty nor begin or end with blanks"),
    (
        {"a:b": "x"},
        "postalias",
        "the alias 'a:b' has blanks, colons, quotes or backslashes; give it in content, quoted",
    ),
]


@pytest.mark.parametrize(("entries", "builder", "message"), ENTRIES)
def test_entries_refused(entries: dict[str, object], builder: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        lookup_table.render_entries(entries, builder)


SOURCES = [
    ("a 1\nb\n", "line 2: 'b' has no value. Use a key, blanks and a value"),
    (" a 1\n", "line 1: ' a 1' continues a line that is not there; write the key first"),
    ('"a 1\n', "line 1: '\"a 1' has a double quote that stays open"),
    ("a\0 1\n", "line 1: 'a\\x00 1' has a NUL, where Postfix would stop reading"),
    ("a " + 70_000 * "x" + "\nb\n", "line 2: 'b' has no value. Use a key, blanks and a value"),
    (70_000 * "b", f"line 1: '{120 * 'b'}'… (70000 characters) has no value. Use a key, blanks and a value"),
]


@pytest.mark.parametrize(("text", "message"), SOURCES)
def test_sources_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        lookup_table.source_fingerprint(text.encode())


def test_one_bad_line_among_many_is_named() -> None:
    lines = [f"user{number}@example.test mailbox{number}" for number in range(50_000)]
    lines[41_234] = "nothing"
    message = "line 41235: 'nothing' has no value. Use a key, blanks and a value"
    with pytest.raises(ValueError, match=f"^{message}$"):
        lookup_table.source_fingerprint("\n".join(lines).encode())


def test_a_key_that_is_there_twice() -> None:
    assert lookup_table.duplicate(b"a 1\nb 1\nA 2\n") == (
        "line 3: the key 'a' is there already, in line 1 (case does not count); Postfix would use one of the two"
    )
    assert lookup_table.duplicate("É 1\né 2\n".encode(), utf8=False) is None
    assert lookup_table.duplicate(b"a 1\nb 1\n") is None


_WORD = st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"], exclude_characters='#"\\'), min_size=1)


@given(st.dictionaries(_WORD, _WORD, max_size=20))
@settings(max_examples=60)
def test_what_entries_say_is_what_the_source_holds(entries: dict[str, str]) -> None:
    folded = {lookup_table.fold(key): value for key, value in entries.items()}
    assume(len(folded) == len(entries))
    text = lookup_table.render_entries(entries, "postmap")
    assert lookup_table.source_fingerprint(text.encode()) == dumped(*folded.items())


TYPES = [
    ("lmbd", ["lmdb"], "'lmbd' is not a type of table that lies in a file; did you mean 'lmdb'?"),
    (
        "mongodb",
        [],
        "'mongodb' is not a type of table that lies in a file;"
        " there are hash, btree, lmdb, cdb, texthash, cidr, pcre, regexp",
    ),
    (
        "cdb",
        ["hash", "ldap", "cidr"],
        "this host's Postfix has no tables of type 'cdb'; of those in files it has hash, cidr",
    ),
]


@pytest.mark.parametrize(("kind", "known", "message"), TYPES)
def test_types_refused(kind: str, known: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        lookup_table.check_type(kind, known)


def test_rule_problems() -> None:
    said = (
        "postmap: warning: /t/x: hash/btree support is deprecated.  Please switch to cdb or lmdb.\n"
        "postmap: warning: pcre map /t/x, line 1: error in regex at offset 2: missing )\n"
        "postmap: warning: /t/x, line 2: expected format: key whitespace value\n"
        "postmap: warning: /t/x, line 2: expected format: key whitespace value\n"
    )
    assert lookup_table.rule_problems(said, "/t/x") == [
        "pcre map line 1: error in regex at offset 2: missing )",
        "line 2: expected format: key whitespace value",
    ]
