# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""rc.conf.local(8): read as rc.subr 1.163 reads it, written as rcctl.sh 1.120 writes it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.puffy.mail.plugins.module_utils._openbsd import rc_conf

RC_CONF = {"smtpd_flags": "", "slowcgi_flags": "NO", "pf": "YES", "pkg_scripts": ""}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("smtpd_flags=NO\n", {"smtpd_flags": "NO"}),
        (" \tsmtpd_flags \t= \tNO \t\n", {"smtpd_flags": "NO"}),
        ("SMTPD_Flags=NO\n", {"smtpd_flags": "NO"}),
        ("smtpd_flags=\n", {"smtpd_flags": ""}),
        ('x_flags="-a b"\n', {"x_flags": "-a b"}),
        ("x_flags='-a b'\n", {"x_flags": "-a b"}),
        ("x_flags='-a b\"\n", {"x_flags": "'-a b\""}),
        ("x_flags='\n", {"x_flags": "'"}),
        ("x_flags='-a' 'b'\n", {"x_flags": "-a' 'b"}),
        ("x_flags=-a # comment\n", {"x_flags": "-a"}),
        # the cut comes before the quotes are looked at
        ('x_flags="-a # b"\n', {"x_flags": '"-a'}),
        ("x_flags=a=b\n", {"x_flags": "a=b"}),
        ("x_flags=1\nx_flags=2\n", {"x_flags": "2"}),
        ("#x_flags=1\n=x\nnonsense\nfoo=bar\nx_flag=1\n", {}),
        ("pf=NO\naccounting=YES\nlibrary_aslr=NO\n", {"pf": "NO", "accounting": "YES", "library_aslr": "NO"}),
        ("a_execdir=/x\na_logger=l\na_rtable=1\na_timeout=9\na_user=u\n",
         {"a_execdir": "/x", "a_logger": "l", "a_rtable": "1", "a_timeout": "9", "a_user": "u"}),
        ("", {}),
        # since OpenBSD 5.7 a backslash does not continue a line
        ("pkg_scripts=a \\\nb\n", {"pkg_scripts": "a \\"}),
        ("x_flags=1", {"x_flags": "1"}),
    ],
)  # fmt: skip
def test_values(text: str, expected: dict[str, str]) -> None:
    assert rc_conf.values(rc_conf.parse(text)) == expected


def test_ignored_lines_are_told_from_comments() -> None:
    lines = rc_conf.parse("# c\n\nnonsense\nfoo=bar\n =x\nx_flags=1\n")
    assert [(line.number, line.text) for line in lines if line.ignored] == [(3, "nonsense"), (4, "foo=bar"), (5, " =x")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a_flags=1\nb_flags=2\r\n",
            (
                "/etc/rc.conf.local, line 2: the line of 'b_flags' contains a carriage return (a CR LF line end), which"
                " rc.subr(8) takes as part of the value. Write the file with LF line ends only"
            ),
        ),
        (
            "a_flags=\x001\n",
            (
                "/etc/rc.conf.local, line 1: the line of 'a_flags' contains a NUL, which rc.subr(8) takes as part of"
                " the value. Write the file with LF line ends only"
            ),
        ),
    ],
)
def test_parse_errors(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        rc_conf.parse(text, "/etc/rc.conf.local")


@pytest.mark.parametrize("text", ["# comment\r\n", "nonsense\r\n"])
def test_carriage_returns_without_effect_are_no_error(text: str) -> None:
    assert rc_conf.values(rc_conf.parse(text)) == {}


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("smtpd_flags", False, "NO"),
        ("pf", True, "YES"),
        ("x_timeout", 30, "30"),
        ("x_flags", "-u _openldap -h ldap:///\\ ldapi:///", "-u _openldap -h ldap:///\\ ldapi:///"),
        ("x_flags", "", ""),
        ("x_flags", " -v", " -v"),
    ],
)
def test_check_value(key: str, value: object, expected: str) -> None:
    assert rc_conf.check_value(key, value) == expected
    assert rc_conf.values(rc_conf.parse(rc_conf.render(key, expected) + "\n")) == {key: expected}


CUTS = "it removes blanks at the end and quotes around the value"
KEY_RULE = (
    " Use the name of a service with _execdir, _flags, _logger, _rtable, _timeout, _user after it, or one of"
    " accounting, amd_master, check_quotas, ipsec, library_aslr, multicast, nfs_server, pexp, pf, pkg_scripts,"
    " shlib_dirs, spamd_black"
)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"variables": {"smtpd_flag": "NO"}}, f"rc.subr(8) ignores the variable 'smtpd_flag'.{KEY_RULE}"),
        ({"variables": {"1x_flags": ""}}, f"rc.subr(8) ignores the variable '1x_flags'.{KEY_RULE}"),
        ({"variables": {"_flags": ""}}, f"rc.subr(8) ignores the variable '_flags'.{KEY_RULE}"),
        ({"absent": ["a-b_flags"]}, f"rc.subr(8) ignores the variable 'a-b_flags'.{KEY_RULE}"),
        ({"variables": {3: "x"}}, "variables has the name 3, which is not text. Put it in quotes"),
        (
            {"variables": {"x_flags": "-f a#b"}},
            "x_flags is '-f a#b'. rc.subr(8) cuts values at '#', also within quotes. Use a value without '#'",
        ),
        (
            {"variables": {"x_flags": "-v "}},
            f"x_flags is '-v ', which rc.subr(8) reads as '-v': {CUTS}. Use '-v'",
        ),
        (
            {"variables": {"x_flags": '"-v"'}},
            f"x_flags is {chr(39)}\"-v\"{chr(39)}, which rc.subr(8) reads as '-v': {CUTS}. Use '-v'",
        ),
        (
            {"variables": {"x_flags": "a\nb"}},
            "x_flags is 'a\\nb', which contains a line end or a NUL. Use one line",
        ),
        (
            {"variables": {"x_flags": True}},
            "x_flags is true, which is not a value for flags. Use the flags, or '' for none",
        ),
        ({"variables": {"x_flags": None}}, "x_flags is None, which is not text. Use text, or '' for an empty value"),
        (
            {"variables": {"x_flags": ["-v"]}},
            "x_flags is ['-v'], which is not text. Use text, or '' for an empty value",
        ),
        (
            {"variables": {"pkg_scripts": "a"}},
            "variables has 'pkg_scripts', which is a list of services. Use the option pkg_scripts",
        ),
        (
            {"variables": {"x_flags": "", "X_flags": ""}},
            "variables has 'X_flags' twice, and rc.subr(8) does not tell upper from lower case. Name it once",
        ),
        (
            {"variables": {"x_flags": ""}, "absent": ["x_flags"]},
            "'x_flags' is in variables and in absent. Remove it from one of the two",
        ),
        (
            {"variables": {}, "absent": ["pkg_scripts"], "present_scripts": ["a"]},
            "absent has 'pkg_scripts', and the option pkg_scripts is used too. Remove one of the two",
        ),
        (
            {"present_scripts": ["a-b"]},
            "pkg_scripts has 'a-b', which is not the name of an rc.d(8) script. Use letters, digits and '_', and no"
            " digit first",
        ),
        (
            {"absent_scripts": [""]},
            "pkg_scripts has '', which is not the name of an rc.d(8) script. Use letters, digits and '_', and no"
            " digit first",
        ),
        (
            {"present_scripts": ["a"], "absent_scripts": ["a"]},
            "pkg_scripts has 'a' in absent and in present. Remove it from one of the two",
        ),
        (
            {"absent_scripts": ["a"], "last_scripts": ["a"]},
            "pkg_scripts has 'a' in absent and in last. Remove it from one of the two",
        ),
        ({"last_scripts": ["a", "a"]}, "pkg_scripts has 'a' more than once in last. Name it once"),
    ],
)
def test_wanted_errors(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        rc_conf.wanted(**{"variables": {}, **arguments})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "present", "absent", "last", "after"),
    [
        ("", ["postfix"], [], [], "postfix"),
        ("a b", ["postfix"], [], ["postfix"], "a b postfix"),
        ("postfix slapd", ["postfix"], [], ["postfix"], "slapd postfix"),
        ("postfix slapd", [], [], ["slapd", "postfix"], "slapd postfix"),
        ("a postfix b", [], ["postfix"], [], "a b"),
        ("a b", [], [], ["postfix"], "a b"),
        ("b a", ["a", "c", "b"], [], [], "b a c"),
        ("a postfix_log", [], ["postfix"], [], "a postfix_log"),
        ("", [], ["postfix"], [], ""),
    ],
)
def test_scripts(before: str, present: list[str], absent: list[str], last: list[str], after: str) -> None:
    want = rc_conf.wanted({}, (), present, absent, last)
    once = rc_conf.scripts(before.split(), want)
    assert " ".join(once) == after
    assert rc_conf.scripts(once, want) == once


@pytest.mark.parametrize(
    ("text", "arguments", "after"),
    [
        # nothing to do: the text stays, whatever its form
        ('smtpd_flags="NO"\na_flags=1 # x\n', {"variables": {"smtpd_flags": "NO"}}, None),
        ("z_flags=1\na_flags=2\n", {"variables": {"a_flags": "2"}}, None),
        ("pkg_scripts='b  a'\n", {"present_scripts": ["a"]}, None),
        ("", {"variables": {"smtpd_flags": ""}}, None),
        ("", {"variables": {"pf": "YES", "slowcgi_flags": "NO", "other_flags": ""}}, None),
        ("", {"absent": ["x_flags"], "absent_scripts": ["postfix"]}, None),
        # a changed text is sorted, each line once
        ("z_flags=1\n# note\na_flags=2\n", {"variables": {"smtpd_flags": "NO"}},
         "# note\na_flags=2\nsmtpd_flags=NO\nz_flags=1\n"),
        ("z_flags=1\nz_flags=1\n\n\n", {"variables": {"smtpd_flags": "NO"}}, "\nsmtpd_flags=NO\nz_flags=1\n"),
        ("", {"variables": {"smtpd_flags": "NO"}}, "smtpd_flags=NO\n"),
        ("", {"variables": {"slowcgi_flags": ""}}, "slowcgi_flags=\n"),
        ("", {"variables": {"x_flags": " -v"}}, 'x_flags=" -v"\n'),
        ("foo=bar\n", {"variables": {"smtpd_flags": "NO"}}, "foo=bar\nsmtpd_flags=NO\n"),
        # a line that would repeat the default goes, as with rcctl
        ("smtpd_flags=NO\nx_flags=1\n", {"variables": {"smtpd_flags": ""}}, "x_flags=1\n"),
        ("x_flags=1\n", {"variables": {"x_flags": ""}}, ""),
        # an overridden assignment must not win after sorting
        ("z_flags=2\nz_flags=1\n", {"variables": {"smtpd_flags": "NO"}}, "smtpd_flags=NO\nz_flags=1\n"),
        ("z_flags=2\nZ_flags=1\n", {"variables": {"smtpd_flags": "NO"}}, "Z_flags=1\nsmtpd_flags=NO\n"),
        ("smtpd_flags=NO\nsmtpd_flags=-v\n", {"variables": {"smtpd_flags": "NO"}}, "smtpd_flags=NO\n"),
        # a line of another's keeps its form
        ('z_flags="-a b" # why\n', {"variables": {"smtpd_flags": "NO"}}, 'smtpd_flags=NO\nz_flags="-a b" # why\n'),
        ("a_flags=1\nx_flags=2\n", {"absent": ["x_flags"]}, "a_flags=1\n"),
        ("x_flags=2\n", {"absent": ["x_flags"]}, ""),
        ("pkg_scripts=postfix\n", {"absent_scripts": ["postfix"]}, ""),
        ("pkg_scripts=postfix slapd\n", {"last_scripts": ["postfix"]}, "pkg_scripts=slapd postfix\n"),
        ("pkg_scripts=a\n", {"absent": ["pkg_scripts"]}, ""),
        # ksh's read leaves out a last line without its newline
        ("smtpd_flags=NO", {"variables": {"smtpd_flags": "NO"}}, "smtpd_flags=NO\n"),
        ("caf\udce9\n", {"variables": {"smtpd_flags": "NO"}}, "caf\udce9\nsmtpd_flags=NO\n"),
    ],
)  # fmt: skip
def test_edit(text: str, arguments: dict[str, object], after: str | None) -> None:
    want = rc_conf.wanted(**{"variables": {}, **arguments})  # type: ignore[arg-type]
    done = rc_conf.edit(text, want, RC_CONF)
    assert (done.changed, done.text) == ((False, text) if after is None else (True, after))
    assert rc_conf.values(rc_conf.parse(done.text)) == dict(done.after)
    again = rc_conf.edit(done.text, want, RC_CONF)
    assert (again.changed, again.text) == (False, done.text)


def test_edit_keeps_a_line_of_a_megabyte() -> None:
    long = "# " + "x" * 1_000_000
    done = rc_conf.edit(long + "\n", rc_conf.wanted({"smtpd_flags": "NO"}))
    assert done.text == f"{long}\nsmtpd_flags=NO\n"


_LINES = st.one_of(
    st.sampled_from(["# note", "", "junk", "pkg_scripts=b a", "pkg_scripts=postfix c", "smtpd_flags=NO", "Pf = YES"]),
    st.builds("{}_flags{}{}".format, st.sampled_from(["a", "B", "smtpd", "postfix"]), st.sampled_from(["=", " = "]),
              st.text(alphabet="-ab #'\"=\\", max_size=6)),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    st.lists(_LINES, max_size=8),
    st.dictionaries(st.sampled_from(["smtpd_flags", "a_flags", "pf"]), st.sampled_from(["NO", "", "-v x"]), max_size=3),
    st.lists(st.sampled_from(["a", "postfix", "slapd"]), unique=True, max_size=2),
)
def test_edit_says_what_is_wanted_and_keeps_the_rest(
    lines: list[str], variables: dict[str, str], present: list[str]
) -> None:
    text = "".join(f"{line}\n" for line in lines)
    want = rc_conf.wanted(variables, (), present, (), ["postfix"])
    done = rc_conf.edit(text, want, RC_CONF)
    read = rc_conf.values(rc_conf.parse(done.text))
    for key, value in variables.items():
        assert read.get(key, RC_CONF.get(key, "")) == value
    before = rc_conf.values(rc_conf.parse(text))
    for key, value in before.items():
        if key not in variables and key != "pkg_scripts":
            assert read[key] == value
    assert set(read.get("pkg_scripts", "").split()) == {*before.get("pkg_scripts", "").split(), *present}
    if done.changed:
        assert done.text.splitlines() == sorted(set(done.text.splitlines()))
    assert rc_conf.edit(done.text, want, RC_CONF).changed is False


_ROLE = rc_conf.wanted({"smtpd_flags": "NO"}, (), ["dovecot", "postfix"], ["sendmail"], ["dovecot", "postfix"])
_BACK = (["smtpd_flags"], ["dovecot", "postfix", "sendmail"])


@pytest.mark.parametrize(
    ("original", "edited_by_others", "after"),
    [
        # nothing else has changed: byte for byte, no file where there was none
        (None, {}, ""),
        ("z_flags=1\n# note\n\nsmtpd_flags='-v x' # why\n", {}, "z_flags=1\n# note\n\nsmtpd_flags='-v x' # why\n"),
        ("smtpd_flags=NO\n", {"variables": {"smtpd_flags": "-x"}}, "smtpd_flags=NO\n"),
        ("pkg_scripts=postfix c sendmail\n", {}, "pkg_scripts=postfix c sendmail\n"),
        # what others did since then stays
        (None, {"variables": {"a_flags": "1"}}, "a_flags=1\n"),
        ("z_flags=1\nb_flags=2\n", {"variables": {"z_flags": "3"}}, "b_flags=2\nz_flags=3\n"),
        ("pkg_scripts=postfix c\n", {"present_scripts": ["d"]}, "pkg_scripts=c postfix d\n"),
        ("pkg_scripts=b c\n", {"absent_scripts": ["b"], "variables": {}}, "pkg_scripts=c\n"),
    ],
)
def test_restore(original: str | None, edited_by_others: dict[str, object], after: str) -> None:
    text = rc_conf.edit(original or "", _ROLE, RC_CONF).text
    text = rc_conf.edit(text, rc_conf.wanted(**{"variables": {}, **edited_by_others}), RC_CONF).text  # type: ignore[arg-type]
    done = rc_conf.restore(text, original, *_BACK, RC_CONF)
    assert done.text == after
    again = rc_conf.restore(done.text, original, *_BACK, RC_CONF)
    assert (again.changed, again.text) == (False, done.text)


def test_restore_refuses_a_value_that_only_its_old_form_can_express() -> None:
    text = "other_flags=1\nsmtpd_flags=NO\n"
    with pytest.raises(ValueError, match=re.escape("smtpd_flags is '\"x\"', which rc.subr(8) reads as 'x'")):
        rc_conf.restore(text, "smtpd_flags='\"x\"'\n", *_BACK, RC_CONF)


@settings(max_examples=150, deadline=None)
@given(st.lists(_LINES, max_size=8))
def test_restore_takes_every_edit_back(lines: list[str]) -> None:
    original = "".join(f"{line}\n" for line in lines)
    text = rc_conf.edit(original, _ROLE, RC_CONF).text
    done = rc_conf.restore(text, original, *_BACK, RC_CONF)
    assert done.text == original or done.changed is False
