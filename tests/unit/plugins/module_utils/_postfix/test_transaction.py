# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from ansible_collections.puffy.mail.plugins.module_utils import _files
from ansible_collections.puffy.mail.plugins.module_utils._postfix import transaction


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "main.cf").write_text("old main\n")
    (tmp_path / "master.cf").write_text("old master\n")
    (tmp_path / "main.cf").chmod(0o640)
    return tmp_path


def changes(directory: Path) -> list[transaction.Change]:
    return [
        transaction.Change(transaction.read(str(directory / name)), f"new {name}\n".encode())
        for name in ("main.cf", "master.cf")
    ]


def contents(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(directory.iterdir())}


OLD = {"main.cf": "old main\n", "master.cf": "old master\n"}
NEW = {"main.cf": "new main.cf\n", "master.cf": "new master.cf\n"}


def test_swap(directory: Path) -> None:
    transaction.swap(str(directory), changes(directory), "reload")
    assert contents(directory) == NEW
    assert (directory / "main.cf").stat().st_mode & 0o7777 == 0o640
    assert transaction.recover(str(directory)) is None


def test_swap_keeps_a_symbolic_link(directory: Path) -> None:
    (directory / "real").mkdir()
    (directory / "main.cf").rename(directory / "real" / "here")
    (directory / "main.cf").symlink_to("real/here")
    transaction.swap(str(directory), changes(directory), "reload")
    assert os.readlink(directory / "main.cf") == "real/here"
    assert contents(directory / "real") == {"here": "new main.cf\n"}


def test_an_edit_made_during_the_run_is_kept(directory: Path) -> None:
    wanted = changes(directory)
    (directory / "master.cf").write_text("edited\n")
    with pytest.raises(_files.FileError) as caught:
        transaction.swap(str(directory), wanted, "reload")
    assert str(caught.value) == (
        f"{directory}/master.cf: another program changed it during this run; run again; nothing was changed"
    )
    assert contents(directory) == {**OLD, "master.cf": "edited\n"}


def fail_at(monkeypatch: pytest.MonkeyPatch, number: int, error: BaseException) -> None:
    """Make the rename with this number fail."""
    calls = []
    replace = os.replace

    def broken(source: str, target: str, **directories: int) -> None:
        calls.append(target)
        if len(calls) == number:
            raise error
        replace(source, target, **directories)

    monkeypatch.setattr(_files.os, "replace", broken)


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (1, "{0}/.puffy-mail.journal: cannot be replaced: No space left on device; the old content is untouched"),
        (2, "{0}/master.cf: cannot be replaced: No space left on device; the old content is untouched"),
        (3, "{0}/main.cf: cannot be replaced: No space left on device; the old content is untouched"),
    ],
)
def test_a_rename_that_fails_leaves_both_files_old(
    directory: Path, monkeypatch: pytest.MonkeyPatch, number: int, message: str
) -> None:
    fail_at(monkeypatch, number, OSError(28, "No space left on device"))
    with pytest.raises(_files.FileError, match=f"^{re.escape(message.format(directory))}$"):
        transaction.swap(str(directory), changes(directory), "reload")
    assert contents(directory) == OLD


@pytest.mark.parametrize("number", [2, 3])
def test_a_run_that_is_cut_off_is_finished(directory: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    with monkeypatch.context() as patch:
        fail_at(patch, number, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            transaction.swap(str(directory), changes(directory), "restart")
    found = transaction.interrupted(str(directory))
    assert found is not None
    assert found.activation == "restart"
    assert sorted(found.contents.values()) == [b"new main.cf\n", b"new master.cf\n"]
    assert transaction.recover(str(directory)) == found
    assert contents(directory) == NEW


@pytest.mark.parametrize("name", ["main.cf", "master.cf"])
def test_a_file_edited_since_is_not_overwritten(directory: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with monkeypatch.context() as patch:
        fail_at(patch, 2, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            transaction.swap(str(directory), changes(directory), "reload")
    (directory / name).write_text("by hand\n")
    found = transaction.recover(str(directory))
    assert found is not None
    assert found.contents == {}
    assert contents(directory) == {**OLD, name: "by hand\n"}


def test_left_over_files_are_removed(directory: Path) -> None:
    for name in (".main.cf.abc.new", ".master.cf.x_y.new", ".puffy-mail.journal"[1:], ".other.new"):
        (directory / name).write_text("x")
    assert transaction.recover(str(directory)) is None
    assert set(contents(directory)) == {*OLD, "puffy-mail.journal", ".other.new"}


def test_lock(directory: Path) -> None:
    with transaction.locked(str(directory)):
        assert (directory / ".puffy-mail.lock").stat().st_mode & 0o7777 == 0o600
        message = "another run has held this lock for 0.1 seconds; nothing was changed"
        with pytest.raises(_files.FileError, match=f": {re.escape(message)}$"), transaction.locked(str(directory), 0.1):
            pass
