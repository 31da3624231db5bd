# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks and addresses."""

from __future__ import annotations

import pytest

from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.checks import cases

test_a_fault_is_found_and_named = cases.tests("networks")


@pytest.mark.parametrize(
    ("main", "files", "rules"),
    [
        ("mynetworks = /nets", {"/nets": b"# mine\n127.0.0.0/8\n 10.0.0.0/8 0.0.0.0/0\n"}, ["mynetworks-everyone"]),
        ("mynetworks = /nets", {"/nets": b"# 0.0.0.0/0\n127.0.0.0/8 [2001:db8::]/32 host.example.org\n"}, []),
        ("mynetworks = /nets", {"/nets": b"[::]/0\n"}, ["mynetworks-everyone"]),
        ("mynetworks = cidr:/nets", {"/nets": b"10.0.0.0/8 OK\n::/0 OK\n"}, ["mynetworks-everyone"]),
        ("mynetworks = cidr:/nets", {"/nets": b"10.0.0.0/8 OK\n"}, []),
        ("smtpd_client_event_limit_exceptions = /nets", {"/nets": b"0.0.0.0/0\n"}, []),
        ("mynetworks = 127.0.0.0/8 !/nets", {"/nets": b"0.0.0.0/0\n"}, []),
    ],
)
def test_everyone_in_another_file(main, files, rules):
    assert [
        found.rule for found in cases.check(f"{cases.RELAY}{main}\n", probe=cases.FakeProbe(contents=files))
    ] == rules


def test_the_line_that_holds_everyone():
    (found,) = cases.check(
        f"{cases.RELAY}mynetworks = /nets\n", probe=cases.FakeProbe(contents={"/nets": b"127.0.0.0/8\n0.0.0.0/1\n"})
    )
    assert found.message.startswith("mynetworks has '0.0.0.0/1 (/nets line 2)': all hosts on the Internet")
