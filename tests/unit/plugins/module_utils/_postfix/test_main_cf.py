# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.puffy.mail.plugins.module_utils._postfix.main_cf import (
    MainCf,
    is_filler,
    list_words,
    parse,
)

SAMPLE = """\
# See postconf(5).

myhostname = mail.example.org
mydestination = $myhostname,
# the next one is for cron
  localhost
\t# indented comment

  example.org
relayhost =
mynetworks=127.0.0.0/8
    [::1]/128
myhostname = mx.example.org
# the end
"""


def test_entries() -> None:
    found = [(entry.name, entry.value, entry.raw, entry.line, entry.last_line) for entry in parse(SAMPLE).entries()]
    assert found == [
        ("myhostname", "mail.example.org", "mail.example.org", 3, 3),
        ("mydestination", "$myhostname, localhost example.org", "$myhostname,  localhost  example.org", 4, 9),
        ("relayhost", "", "", 10, 10),
        ("mynetworks", "127.0.0.0/8 [::1]/128", "127.0.0.0/8    [::1]/128", 11, 12),
        ("myhostname", "mx.example.org", "mx.example.org", 13, 13),
    ]
    assert parse(SAMPLE).bad_lines == []


def test_get_is_the_last_one() -> None:
    entry = parse(SAMPLE).get("myhostname")
    assert entry is not None
    assert (entry.value, entry.line) == ("mx.example.org", 13)
    assert parse(SAMPLE).get("myorigin") is None


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ("a b\n", [(1, "missing '=' after attribute name")]),
        ("x = 1\n\n= b\n", [(3, "missing attribute name")]),
        ("  a = 1\nb = 2\n", [(1, "a logical line must not start with white space")]),
        ("#c\n\n a = 1\nb = 2\n c\n", [(3, "a logical line must not start with white space")]),
        ("a = 1\0 2\nb = 2\n", [(1, "Postfix ignores the text after a null byte")]),
        ("a\n", [(1, "missing '=' after attribute name")]),
        ("a\n = 1\n", []),
        ("", []),
        ("\n\r\n# c", []),
    ],
)
def test_bad_lines(text: str, bad: list[tuple[int, str]]) -> None:
    assert [(line.line, line.reason) for line in parse(text).bad_lines] == bad


@pytest.mark.parametrize(
    ("before", "name", "value", "after"),
    [
        # in place, layout before the value kept
        ("a=1\nb = 2\n", "a", "3", "a=3\nb = 2\n"),
        ("a  =\t1\nb = 2\n", "a", "3", "a  =\t3\nb = 2\n"),
        ("a =\n", "a", "x", "a = x\n"),
        ("a=\n", "a", "x", "a=x\n"),
        ("a = \n", "a", "x", "a = x\n"),
        ("a = x\n", "a", "", "a = \n"),
        ("a\n = x\n", "a", "y", "a = y\n"),
        ("a =\n  x\n  y\nb = 1\n", "a", "z", "a = z\nb = 1\n"),
        # continuation lines go, comments among them stay
        ("a = 1,\n# c\n  2\n\n# d\nb = 2\n", "a", "3", "a = 3\n# c\n\n# d\nb = 2\n"),
        # the same value keeps its layout, duplicates go
        ("a = 1\nb = 2\na = 3\n", "a", "3", "b = 2\na = 3\n"),
        ("a = 1\nb = 2\na = 3\n", "a", "4", "b = 2\na = 4\n"),
        ("a = x,\n  y\n", "a", "x, y", "a = x,\n  y\n"),
        # appended
        ("a = 1", "b", "2", "a = 1\nb = 2\n"),
        ("", "b", "2", "b = 2\n"),
        ("a = 1\n# end\n", "b", "", "a = 1\n# end\nb = \n"),
        # other line ends and bytes that are no UTF-8
        ("a = 1\r\nb = 2\r\n", "a", "3", "a = 3\r\nb = 2\r\n"),
        ("a = 1\r\nb = 2", "c", "3", "a = 1\r\nb = 2\r\nc = 3\r\n"),
        ("a = 1\r\na = 2\r\nb = 3", "b", "4", "a = 1\r\na = 2\r\nb = 4\r\n"),
        ("l = a\r\nx = 1,\r\n  2", "x", "1, 2, 3", "l = a\r\nx = 1,\r\n  2,\r\n  3\r\n"),
        ("a = \udcff\nb = 2\n", "b", "3", "a = \udcff\nb = 3\n"),
        ("a = 1\0x\n", "a", "1", "a = 1\n"),
        # commented out is not set
        ("#a = 1\n", "a", "1", "#a = 1\na = 1\n"),
        # not a prefix of another name
        ("ab = 1\na_b = 2\n", "a", "3", "ab = 1\na_b = 2\na = 3\n"),
    ],
)
def test_set(before: str, name: str, value: str, after: str) -> None:
    sets(before, name, value, after)


def sets(before: str, name: str, value: str, after: str) -> None:
    """An edit gives the text ``after`` and the next one leaves it; with CRLF as well."""
    for end in ("\n", "\r\n") if "\n" in before and "\r" not in before else ("\n",):
        done = parse(before.replace("\n", end)).set(name, value)
        assert done.render() == after.replace("\n", end)
        assert done.set(name, value).render() == after.replace("\n", end)


PLAIN = "l = a,\n    b,\n# c\n    c\nx = 1\n"
PAIRS = "l =\n\ta b\n\tc d\n"
CHECKS = "l =\n  permit_mynetworks,\n  check_x hash:/a,\n  reject,\nx = 1\n"


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        # one item a line
        (PLAIN, "a, b, c, d", "l = a,\n    b,\n# c\n    c,\n    d\nx = 1\n"),
        (PLAIN, "a, b, d, c", "l = a,\n    b,\n    d,\n# c\n    c\nx = 1\n"),
        (PLAIN, "z, a, b, c", "l = z, a,\n    b,\n# c\n    c\nx = 1\n"),
        (PLAIN, "a, c", "l = a,\n# c\n    c\nx = 1\n"),
        (PLAIN, "a, b", "l = a,\n    b\n# c\nx = 1\n"),
        (PLAIN, "b, c", "l =\n    b,\n# c\n    c\nx = 1\n"),
        (PLAIN, "a, q, c", "l = a,\n    q,\n# c\n    c\nx = 1\n"),
        (PLAIN, "a, b, c, d, e", "l = a,\n    b,\n# c\n    c,\n    d,\n    e\nx = 1\n"),
        # a restriction stays with its table, and the comma behind the last one stays
        (CHECKS, "permit_mynetworks, check_x hash:/b, reject", CHECKS.replace("/a", "/b")),
        (CHECKS, "check_x hash:/a, reject", "l =\n  check_x hash:/a,\n  reject,\nx = 1\n"),
        (
            CHECKS,
            "sleep 1, permit_mynetworks, check_x hash:/a, check_y hash:/b, reject",
            "l =\n  sleep 1,\n  permit_mynetworks,\n  check_x hash:/a,\n  check_y hash:/b,\n  reject,\nx = 1\n",
        ),
        # several items a line
        (PAIRS, "a b c d e", "l =\n\ta b\n\tc d e\n"),
        (PAIRS, "a d", "l =\n\ta\n\td\n"),
        (PAIRS, "z a b c d", "l =\n\tz a b\n\tc d\n"),
        (PAIRS, f"a b c d {'e' * 80}", f"l =\n\ta b\n\tc d\n\t{'e' * 80}\n"),
        # nothing to keep, or nothing that can be told apart: written anew
        (PLAIN, "q, r", "l = q, r\n# c\nx = 1\n"),
        ("l\n  = a,\n  b\n", "a, b, c", "l = a, b, c\n"),
        ("l = a { b\n  c } d\n", "d e", "l = d e\n"),
        ("l = a\n  b\n", "a b #c", "l = a b #c\n"),
    ],
)
def test_the_layout_of_a_list_is_kept_where_its_items_stay(before: str, value: str, after: str) -> None:
    sets(before, "l", value, after)


def test_edit_appends_in_sorted_order() -> None:
    assert parse("m = 1\n").edit({"z": "1", "b": "2", "m": "3"}, ()).render() == "m = 3\nb = 2\nz = 1\n"


def test_long_lists_are_folded_like_postconf_f() -> None:
    # the layout is what "postconf -nf" of Postfix 3.10.13 prints for this value
    value = (
        "permit_mynetworks, reject_unauth_destination, check_client_access hash:/etc/postfix/access, "
        "check_recipient_access hash:/etc/postfix/r, permit"
    )
    assert parse("").set("smtpd_recipient_restrictions", value).render() == (
        "smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination,\n"
        "    check_client_access hash:/etc/postfix/access, check_recipient_access\n"
        "    hash:/etc/postfix/r, permit\n"
    )
    assert parse("").set("x", value, fold=False).render() == f"x = {value}\n"


def test_fold_makes_no_comment() -> None:
    value = "a" * 70 + " #b c " + "d" * 30
    done = parse("").set("x", value)
    entry = done.get("x")
    assert entry is not None
    assert entry.value == value


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        ("a = 1\nb = 2\n", "a", "b = 2\n"),
        ("a = 1\n  2\n# c\n  3\nb = 2\n", "a", "# c\nb = 2\n"),
        ("a = 1\nb = 2\na = 3", "a", "b = 2\n"),
        ("b = 2\n", "a", "b = 2\n"),
        ("x = 1\na = 1\n", "a", "x = 1\n"),
    ],
)
def test_remove(before: str, name: str, after: str) -> None:
    assert parse(before).remove(name).render() == after
    assert parse(before.replace("\n", "\r\n")).remove(name).render() == after.replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("", "x", "the name of a parameter must not be empty"),
        ("a b", "x", "parameter 'a b': a name must not hold white space, '=' or control characters"),
        ("a=b", "x", "parameter 'a=b': a name must not hold white space, '=' or control characters"),
        ("a\0", "x", "parameter 'a\\x00': a name must not hold white space, '=' or control characters"),
        ("$a", "x", "parameter '$a': a name must not hold '$', '{' or '}'"),
        ("#a", "x", "parameter '#a': a name must not begin with '#', which begins a comment"),
        (
            "a",
            "x\ny",
            "parameter 'a': its value holds a newline, which main.cf cannot hold; "
            "give a list, or fold it with '>-' in YAML",
        ),
        ("a", "x\ry", "parameter 'a': its value holds a carriage return, which main.cf cannot hold"),
        ("a", "x\0", "parameter 'a': its value holds a null byte, which main.cf cannot hold"),
    ],
)
def test_set_error(name: str, value: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse("").set(name, value)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("a, b,c\td", ["a", "b", "c", "d"]),
        ("inline:{ a=b, c=d }, e", ["inline:{ a=b, c=d }", "e"]),
        ("{a {b c}} d", ["{a {b c}}", "d"]),
        ("a} b", ["a}", "b"]),
        (",, ,", []),
        ("{a b", ["{a b"]),
    ],
)
def test_list_words(value: str, found: list[str]) -> None:
    assert list_words(value) == found


# --- properties -------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "ab", "a_b", "smtpd_banner", "x"])
LINES = st.one_of(
    st.text(alphabet="ab =#\t\r{},$\0\x0b\udcff\u20ac", max_size=12),
    st.builds("{} = {}".format, NAMES, st.text(alphabet="ab, {}#", max_size=90)),
    st.builds("  {}".format, st.text(alphabet="ab, #", max_size=6)),
)
FILES = st.builds(lambda lines, end: "\n".join(lines) + end, st.lists(LINES, max_size=8), st.sampled_from(["", "\n"]))
VALUES = st.text(alphabet="ab ,{}#$\t\u20ac", max_size=200).map(lambda text: text.strip(" \t"))


def untouched(file: MainCf, name: str) -> list[str]:
    """The lines, without their ends, that are not part of ``name``."""
    own = {
        number
        for logical, entry in file._split[0]
        if entry.name == name
        for number in logical.parts
    }  # fmt: skip
    return [line.rstrip("\r\n") for number, line in enumerate(file.lines) if number not in own]


@given(st.text())
def test_round_trip_of_any_text(text: str) -> None:
    assert parse(text).render() == text
    parse(text).bad_lines  # noqa: B018 - must not raise


@given(FILES)
def test_round_trip_of_files(text: str) -> None:
    assert parse(text).render() == text


@settings(max_examples=300)
@given(FILES, NAMES, VALUES, st.booleans())
def test_set_sets_and_leaves_the_rest(text: str, name: str, value: str, fold: bool) -> None:
    before = parse(text)
    after = before.set(name, value, fold=fold)
    same = [entry for entry in after.entries() if entry.name == name]
    assert len(same) == 1
    if fold:
        assert list_words(same[0].raw) == list_words(value)
    else:
        assert same[0].raw == value
    assert untouched(after, name) == untouched(before, name)
    others = [(entry.name, entry.raw) for entry in before.entries() if entry.name != name]
    assert [(entry.name, entry.raw) for entry in after.entries() if entry.name != name] == others
    assert after.set(name, value, fold=fold) == after
    assert parse(after.render()) == after


SEPARATORS = st.sampled_from([" ", ",", ", ", ",\n  ", " ,\n\t", "\n  ", "\n# k\n  ", ",\r\n  "])
ITEMS = st.lists(st.tuples(st.sampled_from(["a", "b", "c d", "{ e f }", "g:/h"]), SEPARATORS), min_size=1, max_size=7)
CHANGED = st.lists(st.sampled_from(["a", "b", "c d", "{ e f }", "x", "g:/i"]), min_size=1, max_size=8)


@settings(max_examples=500)
@given(ITEMS, CHANGED, st.sampled_from(["", " ", "\n  "]), st.sampled_from([", ", " "]))
def test_a_list_in_any_layout_is_edited(items: list[tuple[str, str]], wanted: list[str], lead: str, joint: str) -> None:
    text = f"head = 1\nl ={lead}{''.join(item + separator for item, separator in items)}\nend = 2\n"
    value = joint.join(wanted)
    after = parse(text).set("l", value)
    assert [(entry.name, entry.value) for entry in after.entries() if entry.name != "l"] == [
        ("head", "1"),
        ("end", "2"),
    ]
    found = after.get("l")
    assert found is not None
    assert list_words(found.raw) == list_words(value)
    assert after.bad_lines == []
    assert after.set("l", value) == after
    assert after.render().count("# k") == text.count("# k")


@settings(max_examples=200)
@given(FILES, NAMES)
def test_remove_removes_and_leaves_the_rest(text: str, name: str) -> None:
    before = parse(text)
    after = before.remove(name)
    assert after.get(name) is None
    assert untouched(after, name) == untouched(before, name)
    others = [(entry.name, entry.raw) for entry in before.entries() if entry.name != name]
    assert [(entry.name, entry.raw) for entry in after.entries()] == others
    assert sum(map(is_filler, after.lines)) == sum(map(is_filler, before.lines))
