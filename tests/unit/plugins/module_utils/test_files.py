# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge that reads and writes files: what a module shows of them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ansible_collections.puffy.mail.plugins.module_utils import _files as files


def test_a_diff_holds_nothing_that_ansible_refuses() -> None:
    state = files.FileState("/x", b"caf\xe9 \xc3\xa9\r\n", 0, 0, 0o644)
    assert files.encode_text(state.text()) == state.content
    diff = files.text_diff("/x", state.text(), None)
    assert diff == {"before": "caf\\xe9 é\r\n", "after": "", "before_header": "/x", "after_header": "/x (absent)"}
    diff["before"].encode()


def test_a_file_that_grows_while_it_is_read_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "main.cf"
    path.write_text("half\n")
    status = os.fstat
    calls = []

    def grow(descriptor: int) -> object:
        calls.append(descriptor)
        if len(calls) == 2:
            path.write_text("half\nand the rest\n")
        return status(descriptor)

    monkeypatch.setattr(os, "fstat", grow)
    state = files.read(str(path))
    assert state is not None
    assert state.content == b"half\nand the rest\n"


def test_a_file_that_never_rests_is_an_error_within_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "main.cf"
    path.write_text("x\n")
    status = os.fstat

    def grow(descriptor: int) -> object:
        with path.open("a") as stream:
            stream.write("x\n")
        return status(descriptor)

    monkeypatch.setattr(os, "fstat", grow)
    begun = time.monotonic()
    with pytest.raises(files.FileError) as caught:
        files.read(str(path))
    assert str(caught.value) == f"{path}: another program keeps writing to it; run again when that has ended"
    assert time.monotonic() - begun < 10
