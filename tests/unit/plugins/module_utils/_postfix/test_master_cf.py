# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.puffy.mail.plugins.module_utils._postfix.master_cf import MasterCf, Service, parse

SAMPLE = """\
# service type  private unpriv  chroot  wakeup  maxproc command + args
smtp      inet  n       -       y       -       -       smtpd
#submission inet n       -       y       -       -       smtpd
#  -o syslog_name=postfix/submission
#     Instead of many restrictions here,
#     say more in main.cf
#  -o smtpd_tls_security_level=encrypt
# Choose one:
#628       inet  n       -       y       -       -       qmqpd
pickup    unix  n       -       y       60      1       pickup
qmgr      unix  n       -       n       300?    1       qmgr -v
smtps     inet  n       -       y       -       -       smtpd
  -o syslog_name=postfix/smtps -osmtpd_tls_wrappermode=yes
# a remark
  -v
  -o { smtpd_client_restrictions = permit_sasl_authenticated, reject }
maildrop  unix  -       n       n       -       -       pipe flags=DRXhu
  user=vmail argv=/usr/bin/maildrop -d ${recipient} { two words }
"""


def services(text: str) -> dict[str, Service]:
    return {service.key: service for service in parse(text).services()}


def test_services() -> None:
    found = services(SAMPLE)
    assert list(found) == ["smtp/inet", "pickup/unix", "qmgr/unix", "smtps/inet", "maildrop/unix"]
    assert found["smtp/inet"] == Service("smtp", "inet", "n", "-", "y", "-", "-", "smtpd", line=2, last_line=2)
    assert found["qmgr/unix"] == Service(
        "qmgr", "unix", "n", "-", "n", "300?", "1", "qmgr", (), ("-v",), line=11, last_line=11
    )
    assert found["smtps/inet"] == Service(
        "smtps", "inet", "n", "-", "y", "-", "-", "smtpd",
        (
            ("syslog_name", "postfix/smtps"),
            ("smtpd_tls_wrappermode", "yes"),
            ("smtpd_client_restrictions", "permit_sasl_authenticated, reject"),
        ),
        ("-v",),
        line=12,
        last_line=16,
    )  # fmt: skip
    assert found["maildrop/unix"].arguments == (
        "flags=DRXhu", "user=vmail", "argv=/usr/bin/maildrop", "-d", "${recipient}", "two words",
    )  # fmt: skip
    assert found["smtps/inet"].option("smtpd_tls_wrappermode") == "yes"
    assert found["smtps/inet"].option("x") is None
    assert parse(SAMPLE).bad_lines == []


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("smtp inet n - y - -\n", 1, "there are 7 columns; a service has at least 8: name, type, private, unpriv, "
         "chroot, wakeup, maxproc, command"),
        (" smtp inet n - y - - smtpd\n", 1, "a logical line must not start with white space"),
        ("\nsmtp tcp n - y - - smtpd\n", 2, "the type is 'tcp'; it must be one of inet, unix, unix-dgram, fifo, pass"),
        ("smtp inet no - y - - smtpd\n", 1, "private is 'no'; it must be y, n or -"),
        ("smtp inet n - y 1s - smtpd\n", 1,
         "wakeup is '1s'; it must be a number of seconds, with ? after it or not, or -"),
        ("smtp inet n - y - 1? smtpd\n", 1, "maxproc is '1?'; it must be a number of processes, or -"),
        ("smtp inet n - y - - smtpd -o\n", 1, "the last -o has no name=value after it"),
        ("smtp inet n - y - - smtpd -o a -v\n", 1, "-o a: missing '=' after attribute name"),
        ("smtp inet n - y - - smtpd -o =a\n", 1, "-o =a: missing attribute name"),
        ("smtp inet n - y - - smtpd\0 -v\n", 1, "Postfix ignores the text after a null byte"),
    ],
)  # fmt: skip
def test_bad_lines(text: str, line: int, reason: str) -> None:
    assert [(bad.line, bad.reason) for bad in parse(text).bad_lines] == [(line, reason)]
    assert parse(text).render() == text


BASE = "smtps     inet  n       -       y       -       -       smtpd"


@pytest.mark.parametrize(
    ("before", "key", "changes", "after"),
    [
        # a column, its neighbours stay where they are
        (f"{BASE}\n", "smtps/inet", {"chroot": "n"}, f"{BASE.replace('y', 'n')}\n"),
        (f"{BASE}\n", "smtps/inet", {"maxproc": "100"}, f"{BASE[:48]}100     smtpd\n"),
        ("a inet n - y - - smtpd\n", "a/inet", {"wakeup": "60?"}, "a inet n - y 60? - smtpd\n"),
        (f"{BASE} -v\n", "smtps/inet", {"command": "smtpx"}, f"{BASE[:-1]}x -v\n"),
        # options
        (f"{BASE}\n", "smtps/inet", {"options": (("a", "1"), ("b", "x y"))},
         f"{BASE}\n  -o a=1\n  -o {{ b = x y }}\n"),
        (f"{BASE}\n    -o a=1\n# c\n    -o b=2\nx unix - - - - - x\n", "smtps/inet",
         {"options": (("a", "1"), ("b", "3"), ("c", ""))},
         f"{BASE}\n    -o a=1\n# c\n    -o b=3\n    -o c=\nx unix - - - - - x\n"),
        (f"{BASE} -o a=1 -ob=2 -v\n", "smtps/inet", {"options": (("b", "3"),)}, f"{BASE} -ob=3 -v\n"),
        (f"{BASE} -oa=1\n", "smtps/inet", {"options": (("a", "1 2"),)}, f"{BASE} -o {{ a = 1 2 }}\n"),
        (f"{BASE}\n  -o a=1\n# c\n  -o b=2 \n", "smtps/inet", {"options": (("b", "2"),)}, f"{BASE}\n# c\n  -o b=2 \n"),
        (f"{BASE}\n  -o a=1 -o a=2\n", "smtps/inet", {"options": (("a", "2"),)}, f"{BASE}\n  -o a=2\n"),
        # arguments
        (f"{BASE} -v\n  -o a=1\n", "smtps/inet", {"arguments": ()}, f"{BASE}\n  -o a=1\n"),
        ("m unix - n n - - pipe flags=R user=v\n  argv=/x y\n", "m/unix", {"arguments": ("user=w", "argv=/x", "a b")},
         "m unix - n n - - pipe\n  user=w argv=/x { a b }\n"),
        ("m unix - n n - - pipe user=v\n", "m/unix", {"options": (("a", "1"),)},
         "m unix - n n - - pipe\n  -o a=1\n  user=v\n"),
        # a layout that cannot be kept: the words of the first columns on two lines
        ("m unix - n\n n - - pipe user=v\n# c\n  argv=x\n", "m/unix", {"chroot": "y"},
         "m         unix  -       n       y       -       -       pipe\n  user=v argv=x\n# c\n"),
        # nothing to do
        (f"{BASE}\n -o a=1\n", "smtps/inet", {"options": (("a", "1"),)}, f"{BASE}\n -o a=1\n"),
        # no newline at the end, CRLF
        (BASE, "smtps/inet", {"options": (("a", "1"),)}, f"{BASE}\n  -o a=1\n"),
        (f"{BASE}\r\n  -o a=1\r\n", "smtps/inet", {"options": (("a", "2"), ("b", "1"))},
         f"{BASE}\r\n  -o a=2\r\n  -o b=1\r\n"),
    ],
)  # fmt: skip
def test_set(before: str, key: str, changes: dict[str, Any], after: str) -> None:
    wanted = replace(services(before)[key], **changes)
    assert services(after)[key].same(wanted)
    for end in ("\n", "\r\n") if "\n" in before and "\r" not in before else ("\n",):
        done = parse(before.replace("\n", end)).set(wanted)
        assert done.render() == after.replace("\n", end)
        assert done.set(wanted) == done


def test_set_adds_in_the_stock_layout() -> None:
    service = Service(
        "127.0.0.1:10025", "inet", "n", command="smtpd", options=(("a", "1"), ("b", "x y")), arguments=("-v",)
    )
    assert parse(SAMPLE).set(service).render() == SAMPLE + (
        "127.0.0.1:10025 inet  n       -       -       -       -       smtpd\n  -o a=1\n  -o { b = x y }\n  -v\n"
    )


def test_set_drops_duplicates() -> None:
    text = f"{BASE}\n  -o a=1\n# c\n{BASE}\n  -o b=1\n"
    assert parse(text).set(parse(text).services()[-1]).render() == f"# c\n{BASE}\n  -o b=1\n"


def test_remove() -> None:
    done = parse(SAMPLE).remove("smtps/inet")
    assert done.render() == SAMPLE.replace(SAMPLE[SAMPLE.index("smtps ") : SAMPLE.index("maildrop")], "# a remark\n")
    assert parse(SAMPLE).remove("nosuch/inet").render() == SAMPLE


def test_disable_as_postconf_does() -> None:
    # what "postconf -M# smtps/inet" of Postfix 3.10.13 makes of it
    after = SAMPLE.replace("smtps  ", "#smtps  ").replace(
        "  -o syslog_name=postfix/smtps", "#  -o syslog_name=postfix/smtps"
    )
    after = after.replace("\n  -v", "\n#  -v").replace("  -o { smtpd", "#  -o { smtpd")
    assert parse(SAMPLE).disable("smtps/inet").render() == after
    assert parse(after).restore("smtps/inet").render() == SAMPLE


def test_restore_leaves_prose_alone() -> None:
    assert parse(SAMPLE).restore("submission/inet").services()[1].options == (
        ("syslog_name", "postfix/submission"), ("smtpd_tls_security_level", "encrypt"),
    )  # fmt: skip
    assert "#     Instead of many" in parse(SAMPLE).restore("submission/inet").render()


def test_disable_keeps_an_option_that_was_commented_out() -> None:
    text = f"{BASE}\n  -o a=1\n#  -o b=1\n  # c\n\n  -o c=1\n"
    off = parse(text).disable("smtps/inet")
    assert off.render() == f"#{BASE}\n#  -o a=1\n##  -o b=1\n  # c\n\n#  -o c=1\n"
    found = off.disabled("smtps/inet")
    assert found is not None
    assert found.options == (("a", "1"), ("c", "1"))
    assert off.restore("smtps/inet").services()[0].same(parse(text).services()[0])


def test_disable_twice_leaves_one_comment() -> None:
    off = parse(f"{BASE}\n").disable("smtps/inet")
    assert MasterCf((*off.lines, f"{BASE}\n")).disable("smtps/inet") == off


def test_restore_error() -> None:
    with pytest.raises(ValueError, match=r"^master\.cf: service 'x/inet' is not there as a comment$"):
        parse(SAMPLE).restore("x/inet")


SMTP = Service("smtp", "inet", "n", command="smtpd")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": ""}, "service '/inet': the name must not be empty"),
        ({"name": "a b"}, "service 'a b/inet': name 'a b' must not hold white space or braces"),
        ({"name": "#a"}, "service '#a/inet': a name must not begin with '#', which begins a comment"),
        ({"type": "tcp"}, "service 'smtp/tcp': the type must be one of inet, unix, unix-dgram, fifo, pass"),
        ({"command": ""}, "service 'smtp/inet': the command must not be empty"),
        ({"command": "smtpd -v"}, "service 'smtp/inet': command 'smtpd -v' must not hold white space or braces"),
        ({"chroot": "yes"}, "service 'smtp/inet': chroot is 'yes'; it must be y, n or -"),
        ({"options": (("a b", "1"),)},
         "service 'smtp/inet': option 'a b': a name must not be empty or hold white space or '='"),
        ({"options": (("a", "{"),)}, "service 'smtp/inet': the value of option 'a' must be one line, with its braces "
         "in pairs and no white space around it"),
        ({"arguments": ("}{",)}, "service 'smtp/inet': argument '}{' must be one line, with its braces in pairs "
         "and no white space around it"),
    ],
)  # fmt: skip
def test_set_error(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse("").set(replace(SMTP, **changes))


# --- properties -------------------------------------------------------------------------------------------------------

WORDS = st.text(alphabet="ab/=:,.$", min_size=1, max_size=6).filter(lambda text: not text.startswith("="))
VALUES = st.one_of(
    WORDS, st.just(""), st.lists(WORDS, min_size=2, max_size=3).map(" ".join), WORDS.map(lambda word: f"x{{ {word} }}")
)
SERVICES = st.builds(
    Service,
    st.sampled_from(["smtp", "a", "127.0.0.1:25", "private/x"]),
    st.sampled_from(["inet", "unix"]),
    *(st.sampled_from("yn-") for _column in range(3)),
    st.sampled_from(["-", "0", "60", "300?"]),
    st.sampled_from(["-", "0", "100"]),
    st.sampled_from(["smtpd", "pipe"]),
    st.dictionaries(st.sampled_from(["a", "b_c", "smtpd_x"]), VALUES, max_size=3).map(lambda d: tuple(d.items())),
    st.one_of(
        st.just(()),
        st.just(("-v",)),
        st.lists(VALUES.filter(bool), min_size=1, max_size=3).map(lambda words: ("-v", "flags=R", *words)),
    ),
)


@st.composite
def masters(draw: st.DrawFn) -> str:
    lines: list[str] = []
    for service in draw(st.lists(SERVICES, max_size=4, unique_by=lambda service: service.key)):
        block = list(parse("").set(service).lines)
        if draw(st.booleans()):
            block = [line.replace("\n", "") + draw(st.sampled_from(["\n", " \n", "\n# c\n", "\n\n"])) for line in block]
        if draw(st.booleans()) and len(block) > 1:
            block = [block[0].rstrip() + " " + block[1].lstrip(), *block[2:]]
        if draw(st.booleans()):
            block = ["# remark\n", *block]
        if draw(st.integers(0, 4)) == 0:
            block = [line if line.startswith("#") else "#" + line for line in block]
        lines.extend(block)
    return "".join(lines)


@given(st.text())
def test_round_trip_of_any_text(text: str) -> None:
    assert parse(text).render() == text
    parse(text).bad_lines  # noqa: B018 - must not raise


@settings(max_examples=300)
@given(masters(), SERVICES)
def test_set_sets_and_leaves_the_rest(text: str, wanted: Service) -> None:
    before = parse(text)
    after = before.set(wanted)
    found = after.get(wanted.key)
    assert found is not None
    assert found.same(wanted)
    assert [service for service in after.services() if service.key == wanted.key] == [found]
    others = [replace(service, line=0, last_line=0) for service in before.services() if service.key != wanted.key]
    assert [
        replace(service, line=0, last_line=0) for service in after.services() if service.key != wanted.key
    ] == others
    assert after.set(wanted) == after
    assert parse(after.render()) == after
    comments = [line for line in before.lines if line.startswith("#")]
    assert [line for line in after.lines if line.startswith("#")] == comments


@settings(max_examples=200)
@given(masters())
def test_disable_and_restore(text: str) -> None:
    for service in parse(text).services():
        off = parse(text).disable(service.key)
        assert off.get(service.key) is None
        found = off.disabled(service.key)
        assert found is not None
        assert found.same(service)
        assert off.restore(service.key, service).get(service.key) is not None
