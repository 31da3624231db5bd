# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""rc_conf_local on the OpenBSD stand-in: it and rcctl(8) agree about the file."""

from __future__ import annotations

import random
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.batch import assert_four, four, module, run, shell
from ansible_collections.puffy.mail.tests.harness.standin import EACH_BRANCH, Standin

pytestmark = pytest.mark.containers
LOCAL = "/etc/rc.conf.local"
WANTED: dict[str, Any] = {
    "variables": {"smtpd_flags": False, "httpd_flags": "-v"},
    "pkg_scripts": {"present": ["postfix"], "last": ["postfix"]},
}
TEXT = "# note\nhttpd_flags=-v\nnonsense\npkg_scripts=messagebus postfix\nsmtpd_flags=NO\n"


@pytest.fixture(scope="module", params=EACH_BRANCH)
def standin(request: pytest.FixtureRequest) -> Iterator[Standin]:
    with Standin(str(request.param)) as running:
        running.install_postfix()
        yield running


def write(text: str) -> dict[str, Any]:
    return shell(f"printf %s {shlex.quote(text)} >{LOCAL}")


def read() -> dict[str, Any]:
    return shell(f"cat {LOCAL}")


def test_agrees_with_rcctl(standin: Standin) -> None:
    answers = run(
        standin,
        [
            write("httpd_flags='-d'\n# note\npkg_scripts=postfix messagebus\nnonsense\n"),
            shell(f"chmod 600 {LOCAL}"),
            *four("rc_conf_local", WANTED),
            read(),
            shell(f"stat -c '%a %u:%g' {LOCAL}; rcctl get smtpd status; echo $?; rcctl order"),
            shell("rcctl enable postfix; rcctl disable smtpd; rcctl set nothing status off"),
            read(),
            shell("rcctl disable pf; rcctl enable smtpd; rcctl order postfix"),
            *four("rc_conf_local", WANTED),
            read(),
        ],
    )
    first = assert_four(answers[2:6])
    assert (first["changed"], first["diff"]["after"]) == (True, TEXT)
    assert (first["pkg_scripts"], first["ignored"]) == (["messagebus", "postfix"], [{"line": 4, "text": "nonsense"}])
    assert answers[6]["stdout"] == TEXT
    # rcctl reads it so, and saying it once more with rcctl changes nothing
    assert answers[7]["stdout"] == "644 0:0\n1\nmessagebus\npostfix\n"
    assert answers[9]["stdout"] == TEXT
    # what rcctl changes elsewhere is kept; what it changes here is drift, reported once
    assert assert_four(answers[11:15])["changed"]
    assert answers[15]["stdout"] == TEXT.replace("pkg_scripts", "pf=NO\npkg_scripts")


def test_the_way_back(standin: Standin) -> None:
    back = {"absent": ["smtpd_flags"], "pkg_scripts": {"absent": ["postfix"]}}
    original = 'z_flags=1\nsmtpd_flags="-v" # why\n\npkg_scripts=messagebus\n'
    restored = {"restored": {"copy": "/tmp/copy", "variables": ["smtpd_flags"], "pkg_scripts": ["postfix"]}}
    answers = run(
        standin,
        [
            # no empty file is left
            write("pkg_scripts=postfix\nsmtpd_flags=NO\n"),
            *four("rc_conf_local", back),
            shell(f"test -e {LOCAL}"),
            # with a copy, the file of then, byte for byte
            write(original),
            shell(f"cp {LOCAL} /tmp/copy"),
            module("rc_conf_local", WANTED | {"variables": {"smtpd_flags": "NO"}}),
            read(),
            *four("rc_conf_local", restored),
            read(),
        ],
    )
    assert assert_four(answers[1:5])["changed"]
    assert answers[5]["rc"] == 1
    assert answers[9]["stdout"] == "\npkg_scripts=messagebus postfix\nsmtpd_flags=NO\nz_flags=1\n"
    assert assert_four(answers[10:14])["variables"] == {
        "z_flags": "1",
        "smtpd_flags": "-v",
        "pkg_scripts": "messagebus",
    }
    assert answers[14]["stdout"] == original


LONG = "# " + "x" * 1_000_000
BAD: list[tuple[str, dict[str, Any], str]] = [
    ("a_flags=1\r\n", {"variables": {"b_flags": "1"}}, "line 1: the line of 'a_flags' contains a carriage return"),
    ("a_flags=1\n", {"variables": {"smtpd_flag": "NO"}}, "rc.subr(8) ignores the variable 'smtpd_flag'"),
    ("a_flags=1\n", {"variables": {"b_flags": "a#b"}}, "b_flags is 'a#b'. rc.subr(8) cuts values at '#'"),
    ("a_flags=1", {"variables": {"b_flags": "1 "}}, "b_flags is '1 ', which rc.subr(8) reads as '1'"),
]


def test_bad_input(standin: Standin) -> None:
    """Each leaves the file alone; garbage, a missing newline and a line of a megabyte are no reason to stop."""
    requests: list[dict[str, Any]] = []
    for text, arguments, _message in BAD:
        requests += [write(text), module("rc_conf_local", arguments), shell(f"cat -v {LOCAL}")]
    requests += [
        shell(
            f"{{ printf '\\000\\377 garbage ===\\n=\\nx y z\\n# '; head -c 1000000 /dev/zero | tr '\\0' x; echo;"
            f" printf a_flags=1; }} >{LOCAL}"
        ),
        *four("rc_conf_local", {"variables": {"b_flags": "1"}}),
        shell(f"grep -ac x {LOCAL}; wc -c <{LOCAL}; tail -n 1 {LOCAL}; grep -a _flags {LOCAL}"),
    ]
    answers = run(standin, requests)
    for index, (text, _arguments, message) in enumerate(BAD):
        refused, now = answers[3 * index + 1 : 3 * index + 3]
        assert refused["failed"]
        assert message in refused["msg"]
        assert now["stdout"] == text.replace("\r", "^M")
    assert assert_four(answers[-5:-1])["changed"]
    assert "\\xff garbage" in answers[-4]["diff"]["after"]
    assert "b_flags=1" in answers[-1]["stdout"]
    assert "a_flags=1" in answers[-1]["stdout"]
    assert "\n10000" in answers[-1]["stdout"]


#: what rcctl(8) can be told to do to the file
COMMANDS = (
    *(
        f"rcctl {action} {name}"
        for action in ("enable", "disable")
        for name in ("smtpd", "postfix", "one", "two", "pf")
    ),
    *("rcctl set one flags -a -b", "rcctl set smtpd flags -v", "rcctl set two timeout 60", "rcctl set one user mail"),
    *("rcctl order postfix", "rcctl order two one", "rcctl set smtpd status off", "rcctl set nothing status off"),
)
#: an edit that changes nothing but the form
NOTHING = shell("rcctl set nothing status off")


@pytest.mark.long
def test_whatever_rcctl_does_before_between_and_after(standin: Standin) -> None:
    """Sequences of rcctl commands around two runs: the wish holds, the user's own stays, nothing is reported twice."""
    chance = random.Random(4)  # noqa: S311
    scripts = "for name in one two; do printf '#!/bin/sh\\nexit 1\\n' >/etc/rc.d/$name; chmod 755 /etc/rc.d/$name; done"
    rounds: list[dict[str, Any]] = []
    for _unused in range(60):
        rounds.append(shell(f"rm -f {LOCAL}"))
        for _half in range(2):
            rounds += [
                shell("; ".join(chance.choices(COMMANDS, k=chance.randrange(8))) or ":"),
                read(),
                module("rc_conf_local", WANTED, check=True),
                module("rc_conf_local", WANTED),
                read(),
                NOTHING,
                read(),
                module("rc_conf_local", WANTED, check=True),
            ]
    answers = run(standin, [shell(scripts), *rounds, shell(f"rm {LOCAL} /etc/rc.d/one /etc/rc.d/two")])
    seen = set()
    for start in range(1, len(answers) - 1, 17):
        for half in (start + 1, start + 9):
            did, before, foretold, done, after, _nothing, again, checked = answers[half : half + 8]
            assert not done.get("failed"), (did, done)
            assert (foretold["changed"], foretold["diff"]) == (done["changed"], done["diff"])
            assert done["changed"] == (before["stdout"] != after["stdout"])
            # rcctl leaves alone what was written, and there is nothing left to do
            assert again["stdout"] == after["stdout"]
            assert not checked["changed"]
            now, then = after["stdout"].splitlines(), before["stdout"].splitlines()
            ours = ("smtpd_flags", "httpd_flags", "pkg_scripts")
            assert [line for line in now if not line.startswith(ours)] == [
                line for line in then if not line.startswith(ours)
            ]
            assert {"smtpd_flags=NO", "httpd_flags=-v"} <= set(now)
            names = next(line.partition("=")[2].split() for line in now if line.startswith("pkg_scripts="))
            old = [line.partition("=")[2].split() for line in then if line.startswith("pkg_scripts=")]
            assert names[-1] == "postfix"
            assert names[:-1] == [name for name in (old[0] if old else []) if name != "postfix"]
            seen.add(done["changed"])
    assert seen == {True, False}
