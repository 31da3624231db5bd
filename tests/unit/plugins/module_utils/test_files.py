# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge that reads and writes files: what a module shows of them."""

from __future__ import annotations

from ansible_collections.puffy.mail.plugins.module_utils import _files as files


def test_a_diff_holds_nothing_that_ansible_refuses() -> None:
    state = files.FileState("/x", b"caf\xe9 \xc3\xa9\r\n", 0, 0, 0o644)
    assert files.encode_text(state.text()) == state.content
    diff = files.text_diff("/x", state.text(), None)
    assert diff == {"before": "caf\\xe9 é\r\n", "after": "", "before_header": "/x", "after_header": "/x (absent)"}
    diff["before"].encode()
