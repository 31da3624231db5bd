# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/plain_english.py: what it reports, and what it leaves alone."""

from __future__ import annotations

import re

import pytest

from ansible_collections.puffy.mail.tools import plain_english


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x is 'y'. Right would be 'z'.", "Right would be"),
        ("- name: Foretell the packages", "Foretell"),
        ("The tables are foretold.", "foretold"),
        ("That a file was written to is enough.", "That a"),
        ("a change is nothing to reload for", "nothing to reload for"),
        ("'x' is no domain name.", "is no d"),
        ("a key that is none", "is none"),
        ("It is issued anew.", "anew"),
        ("It shall run.", "shall"),
        ("to be rid of Postfix", "be rid of"),
        ("the run is made good by the next one", "made good"),
        ("the playbook sees to that", "sees to that"),
        ("It needs not read passwords.", "needs not read"),
        ("its state of then", "of then"),
        ("what they amount to", "amount to"),
        ("Use it; else the role fails.", "; else t"),
        ("It does without KVM.", "does without"),
        ("and that is all.", "that is all"),
        ("- name: Bring the running daemon to the files", "Bring the running daemon to the files"),
        ("# folded: that is\n#   none", "is none"),
    ],
)
def test_a_hard_phrase_is_reported(text: str, words: str) -> None:
    ((line, found, _dummy),) = plain_english.findings(text)
    assert line == 1
    assert re.sub(r" # ", " ", found) == words


@pytest.mark.parametrize(
    "text",
    [
        "Use 'sqlite' or 'ldap'.",
        "There is no such host. It is no longer needed. That is no reason to wait.",
        "if value is None: return none of them",
        "That is a mailbox.",
        "a; else: b",
        "default empty, else empty",
    ],
)
def test_plain_words_are_left_alone(text: str) -> None:
    assert plain_english.findings(text) == []


def test_the_line_is_that_of_the_first_word() -> None:
    assert [line for line, *_dummy in plain_english.findings("one\ntwo is\nno three\nshall\n")] == [2, 4]
