# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""aliases(5) as text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.puffy.mail.plugins.module_utils._openbsd import base


@pytest.mark.parametrize(
    ("text", "aliases", "after"),
    [
        ("", {"root": "alice"}, "root: alice\n"),
        ("a: b\n", {"root": ["alice", "bob@example.org"]}, "a: b\nroot: alice, bob@example.org\n"),
        ("a: b", {"c": "d"}, "a: b\nc: d\n"),
        # what says so already keeps its layout
        ("Root:\talice ,\n\tbob\n", {"root": ["alice", "bob"]}, None),
        ('"root": "|prog  -x"\n', {"root": '"|prog -x"'}, None),
        # the lines that continued the old entry go with it, comments between them stay
        ("root: a,\n# why\n\n  b\nc: d\n", {"root": "e"}, "root: e\n# why\n\nc: d\n"),
        # Postfix takes the first of several
        ("root: a\nx: y\nroot: b\n", {"root": "c"}, "root: c\nx: y\n"),
        ("root: a\nx: y\nroot: b\n", {"root": "a"}, "root: a\nx: y\n"),
        ("root: a\nROOT: a\n", {"root": "a"}, "root: a\n"),
        ("# root: x\n", {"root": "a"}, "# root: x\nroot: a\n"),
        ("rooted: x\n", {"root": "a"}, "rooted: x\nroot: a\n"),
        ("caf\udce9: x\n", {"root": "a"}, "caf\udce9: x\nroot: a\n"),
    ],
)
def test_aliases_text(text: str, aliases: dict[str, Any], after: str | None) -> None:
    once = base.aliases_text(text, aliases)
    assert once == (text if after is None else after)
    assert base.aliases_text(once, aliases) == once


_LINE = st.sampled_from(["root: a", "Root : b,", "  c", "# note", "", "x: y,", "\tz", '"root": d', "postmaster: root"])


@settings(max_examples=150, deadline=None)
@given(st.lists(_LINE, max_size=8))
def test_aliases_text_keeps_what_others_say(lines: list[str]) -> None:
    def entries(text: str) -> list[tuple[str, list[str]]]:
        found: list[tuple[str, list[str]]] = []
        for line in text.splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            if line[0].isspace():
                if found:
                    found[-1][1].append(line.strip())
                continue
            name, _colon, rest = line.partition(":")
            found.append((name.strip().strip('"').lower(), [rest.strip()]))
        return found

    # a line that continues nothing is no part of any entry
    text = "".join(f"{line}\n" for line in ["first: one", *lines])
    done = base.aliases_text(text, {"root": "alice"})
    assert [entry for entry in entries(done) if entry[0] != "root"] == [e for e in entries(text) if e[0] != "root"]
    assert [entry for entry in entries(done) if entry[0] == "root"] == [("root", ["alice"])]
    assert base.aliases_text(done, {"root": "alice"}) == done
