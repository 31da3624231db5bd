# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""rc_conf_local on the OpenBSD stand-in: it and rcctl(8) agree about the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from openbsd import BRANCHES, Standin

pytestmark = pytest.mark.containers
LOCAL = "/etc/rc.conf.local"
WANTED: dict[str, Any] = {
    "variables": {"smtpd_flags": False, "httpd_flags": "-v"},
    "pkg_scripts": {"present": ["postfix"], "last": ["postfix"]},
}


@pytest.fixture(scope="module", params=BRANCHES)
def standin(request: pytest.FixtureRequest) -> Iterator[Standin]:
    with Standin(str(request.param)) as running:
        running.install_postfix()
        yield running


def test_agrees_with_rcctl(standin: Standin) -> None:
    standin.write(LOCAL, "httpd_flags='-d'\n# note\npkg_scripts=postfix messagebus\nnonsense\n")
    standin.run(f"chmod 600 {LOCAL}")
    result = standin.four_runs("rc_conf_local", WANTED)
    text = "# note\nhttpd_flags=-v\nnonsense\npkg_scripts=messagebus postfix\nsmtpd_flags=NO\n"
    assert standin.read(LOCAL) == text == result["diff"]["after"]
    assert (result["pkg_scripts"], result["ignored"]) == (["messagebus", "postfix"], [{"line": 4, "text": "nonsense"}])
    assert standin.run(f"stat -c '%a %u:%g' {LOCAL}").stdout == "644 0:0\n"
    # rcctl reads it so, and saying it once more with rcctl changes nothing
    assert standin.run("rcctl get smtpd status", check=False).returncode == 1
    assert standin.run("rcctl get postfix status && rcctl order").stdout == "messagebus\npostfix\n"
    standin.run("rcctl enable postfix; rcctl disable smtpd; rcctl set nothing status off")
    assert standin.read(LOCAL) == text
    # what rcctl changes elsewhere is kept; what it changes here is drift, reported once
    standin.run("rcctl disable pf; rcctl enable smtpd; rcctl order postfix")
    assert standin.four_runs("rc_conf_local", WANTED)["changed"]
    assert standin.read(LOCAL) == text.replace("pkg_scripts", "pf=NO\npkg_scripts")


def test_the_way_back_leaves_no_empty_file(standin: Standin) -> None:
    standin.write(LOCAL, "pkg_scripts=postfix\nsmtpd_flags=NO\n")
    back = {"absent": ["smtpd_flags"], "pkg_scripts": {"absent": ["postfix"]}}
    assert standin.four_runs("rc_conf_local", back)["changed"]
    assert standin.run(f"test -e {LOCAL}", check=False).returncode != 0


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        ("a_flags=1\r\n", {"variables": {"b_flags": "1"}}, "line 1: the line of 'a_flags' holds a carriage return"),
        ("a_flags=1\n", {"variables": {"smtpd_flag": "NO"}}, "variable 'smtpd_flag' would be ignored by rc.subr(8)"),
        ("a_flags=1\n", {"variables": {"b_flags": "a#b"}}, "rc.subr(8) would cut 'a#b' at its '#'"),
    ],
)
def test_bad_input_leaves_the_file(standin: Standin, text: str, arguments: dict[str, Any], message: str) -> None:
    standin.write(LOCAL, text)
    result = standin.module("rc_conf_local", arguments)
    assert result["failed"]
    assert message in result["msg"]
    assert standin.run(["cat", LOCAL]).stdout.splitlines() == text.splitlines()
