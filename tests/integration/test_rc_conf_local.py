# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""rc_conf_local on the OpenBSD stand-in: it and rcctl(8) agree about the file."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from batch import assert_four, four, module, run, shell
from openbsd import EACH_BRANCH, Standin

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
    ("a_flags=1\r\n", {"variables": {"b_flags": "1"}}, "line 1: the line of 'a_flags' holds a carriage return"),
    ("a_flags=1\n", {"variables": {"smtpd_flag": "NO"}}, "variable 'smtpd_flag' would be ignored by rc.subr(8)"),
    ("a_flags=1\n", {"variables": {"b_flags": "a#b"}}, "rc.subr(8) would cut 'a#b' at its '#'"),
    ("a_flags=1", {"variables": {"b_flags": "1 "}}, "rc.subr(8) would read '1 ' as '1'"),
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
    assert "b_flags=1" in answers[-1]["stdout"]
    assert "a_flags=1" in answers[-1]["stdout"]
    assert "\n10000" in answers[-1]["stdout"]
