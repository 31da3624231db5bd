# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge that reads and writes files: what a module shows of them."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
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


# -- what other accounts may write, and root does not follow -----------------------------------------------------------

OTHER = 12345
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another account")


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Path]:
    """A file of root's, which must stay as it is."""
    path = tmp_path / "victim"
    path.write_text("precious\n")
    path.chmod(0o600)
    before = path.stat()
    yield path
    after = path.stat()
    assert path.read_text() == "precious\n"
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A directory of another account."""
    path = tmp_path / "shared"
    path.mkdir()
    os.chown(path, OTHER, OTHER)
    return path


def plant(path: Path, victim: Path, what: str) -> None:
    if what == "link":
        path.symlink_to(victim)
    elif what == "hard link":
        path.hardlink_to(victim)
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "directory":
        path.mkdir()
    elif what == "file of a third account":
        path.write_text("")
        os.chown(path, OTHER + 1, 0)
    os.chown(path, OTHER, OTHER, follow_symlinks=False) if what == "link" else None


PLANTED = {
    "link": "{0}: is a symbolic link in a directory that other accounts may write, and root does not follow it. Remove"
    " the link",
    "hard link": "{0}: has 2 names (hard links), in a directory that other accounts than root may write, so it may be"
    " another file than it seems. Remove it, or copy it",
    "pipe": "{0}: is not a regular file",
    "directory": "{0}: is not a regular file",
}


@as_root
@pytest.mark.parametrize("what", PLANTED)
def test_what_was_planted_is_not_read(shared: Path, victim: Path, what: str) -> None:
    plant(shared / "x", victim, what)
    with pytest.raises(files.FileError) as caught:
        files.read(str(shared / "x"))
    assert str(caught.value) == PLANTED[what].format(shared / "x")


@as_root
@pytest.mark.parametrize("what", [*PLANTED, "file of a third account"])
def test_what_was_planted_keeps_owner_and_mode(shared: Path, victim: Path, what: str) -> None:
    plant(shared / "x", victim, what)
    with pytest.raises(files.FileError) as caught:
        files.own(str(shared / "x"), uid=OTHER, gid=OTHER, mode=0o644)
    third = f"{{0}}: belongs to the account with the number {OTHER + 1}. Give it to the account with the number {OTHER}"
    assert str(caught.value) == PLANTED.get(what, third).format(shared / "x")


@as_root
def test_a_file_in_the_directory_of_its_owner_is_set(shared: Path) -> None:
    for uid in (0, OTHER):
        (shared / "x").write_text("mine\n")
        os.chown(shared / "x", uid, 0)
        files.own(str(shared / "x"), uid=OTHER, gid=OTHER, mode=0o640)
        status = (shared / "x").stat()
        assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (OTHER, OTHER, 0o640)


@as_root
def test_in_the_directory_of_a_third_account_nothing_changes_its_owner(shared: Path) -> None:
    """The third account may have given the name to a file that root made for something else."""
    (shared / "x").write_text("")
    with pytest.raises(files.FileError, match=f"^{shared}/x: belongs to root. Give it to the account with the number"):
        files.own(str(shared / "x"), uid=OTHER + 1, gid=0, mode=0o640)
    os.chown(shared / "x", OTHER + 1, 0)
    files.own(str(shared / "x"), uid=OTHER + 1, gid=0, mode=0o600)
    assert (shared / "x").stat().st_mode & 0o777 == 0o600


@as_root
@pytest.mark.parametrize("mode", [0o777, 0o775, 0o755])
@pytest.mark.parametrize("above", [False, True])
def test_root_writes_only_where_others_cannot_put_a_link(
    tmp_path: Path, victim: Path, shared: Path, mode: int, above: bool
) -> None:
    os.chown(shared, OTHER if mode == 0o755 else 0, OTHER)
    shared.chmod(mode)
    path = shared / "x"
    if above:
        path = shared / "below" / "x"
        path.parent.mkdir()
    why = "belongs to the account with the number 12345"
    why = why if mode == 0o755 else "can be written by other accounts (mode 0"
    named = f"the directory {shared} above it" if above else "its directory"
    for attempt in (
        lambda: files.write(str(path), b"new\n", uid=0, gid=0, mode=0o644),
        lambda: files.prepare(str(path), check=True),
        lambda: files.locked(str(path)).__enter__(),
        lambda: files.private_directory(str(path)).__enter__(),
    ):
        with pytest.raises(files.FileError) as caught:
            attempt()
        assert str(caught.value).startswith(f"{path}: {named} {why}"), caught.value
        assert os.listdir(path.parent) == []


@as_root
def test_the_links_of_root_are_followed_and_stay(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "dir").symlink_to("./real/../real")
    (tmp_path / "real" / "file").symlink_to(tmp_path / "real" / "target")
    files.write(str(tmp_path / "dir" / "file"), b"new\n", uid=0, gid=0, mode=0o644)
    assert (tmp_path / "real" / "target").read_text() == "new\n"
    assert (tmp_path / "real" / "file").is_symlink()
    state = files.read(str(tmp_path / "dir" / "file"))
    assert state is not None
    assert state.content == b"new\n"
    assert sorted(os.listdir(tmp_path / "real")) == ["file", "target"]


@as_root
def test_a_link_in_a_directory_for_all_is_followed_where_root_made_it(tmp_path: Path, victim: Path) -> None:
    place = tmp_path / "tmp"
    place.mkdir()
    place.chmod(0o1777)
    (place / "of-root").symlink_to(victim)
    state = files.read(str(place / "of-root"))
    assert state is not None
    assert state.content == b"precious\n"
    (place / "of-other").symlink_to(victim)
    os.chown(place / "of-other", OTHER, OTHER, follow_symlinks=False)
    for attempt in (files.read, lambda path: files.write(path, b"", uid=0, gid=0, mode=0o644)):
        with pytest.raises(files.FileError, match="of-other: is a symbolic link in a directory that other accounts"):
            attempt(str(place / "of-other"))


@as_root
def test_a_directory_is_made_and_set_by_its_descriptor(tmp_path: Path, shared: Path, victim: Path) -> None:
    made = tmp_path / "a" / "b"
    files.set_directory(str(made), uid=OTHER, gid=OTHER, mode=0o750)
    status = made.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (OTHER, OTHER, 0o750)
    assert ((tmp_path / "a").stat().st_uid, (tmp_path / "a").stat().st_mode & 0o777) == (0, 0o755)
    # Beside other accounts: a new one is made, one of root's or of a third account may be meant for something else.
    files.set_directory(str(shared / "new"), uid=OTHER, gid=OTHER, mode=0o750)
    assert (shared / "new").stat().st_uid == OTHER
    (shared / "of-root").mkdir()
    (shared / "link").symlink_to(tmp_path / "a")
    (shared / "file").hardlink_to(victim)
    for name, why in (
        ("of-root", "belongs to root, in a directory that other accounts than root may write"),
        ("link", "is a symbolic link"),
        ("file", "is not a directory"),
    ):
        for attempt in (
            lambda path: files.set_directory(path, uid=OTHER, gid=OTHER, mode=0o750),
            lambda path: files.directory(path, uid=OTHER),
        ):
            with pytest.raises(files.FileError, match=f"^{shared}/{name}: {why}"):
                attempt(str(shared / name))
    assert ((tmp_path / "a").stat().st_uid, (shared / "of-root").stat().st_uid) == (0, 0)


@as_root
@pytest.mark.parametrize("call", ["read", "own", "set_directory"])
def test_no_race_leads_root_elsewhere(tmp_path: Path, shared: Path, victim: Path, call: str) -> None:
    """Another thread swaps the file for links while root works on it."""
    target, stop = shared / "x", threading.Event()
    turns: list[Path] = []

    def swap() -> None:
        while not stop.is_set():
            turns.append(shared / f"new{len(turns)}")
            good = shared / f"good{len(turns)}"
            (turns[-1].symlink_to, turns[-1].hardlink_to)[len(turns) % 2](victim)
            good.mkdir() if call == "set_directory" else good.write_text("good\n")
            os.chown(good, OTHER, OTHER)
            # In between, root may have made a directory.
            with contextlib.suppress(OSError):
                turns[-1].rename(target)
                target.unlink()
                good.rename(target)
            with contextlib.suppress(OSError):
                target.rmdir()

    attacker = threading.Thread(target=swap)
    attacker.start()
    try:
        while len(turns) < 100:
            with contextlib.suppress(files.FileError):
                if call == "read":
                    state = files.read(str(target))
                    assert state is None or state.content == b"good\n"
                elif call == "own":
                    files.own(str(target), uid=OTHER, gid=OTHER, mode=0o644)
                else:
                    files.set_directory(str(target), uid=OTHER, gid=OTHER, mode=0o755)
    finally:
        stop.set()
        attacker.join()


@as_root
@pytest.mark.parametrize("what", PLANTED)
def test_what_lies_in_the_directory_for_all_hinders_nobody(
    tmp_path: Path, victim: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    place = tmp_path / "tmp"
    place.mkdir()
    place.chmod(0o1777)
    monkeypatch.setattr(files.tempfile, "tempdir", str(place))
    plant(place / "puffy-mail", victim, what)
    with files.scratch() as made:
        assert os.stat(made).st_mode & 0o777 == 0o700
    assert os.listdir(place) == ["puffy-mail"]


def test_who_is_not_root_needs_to_open_the_last_directory_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenBSD and macOS as the control side: nothing opens a directory that one may enter and not list."""
    uid, gid, real = os.geteuid(), os.getegid(), os.open
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.delattr(os, "O_PATH", raising=False)

    def refuse(path: str, flags: int, *arguments: int, **more: int) -> int:
        if path in ("/", tmp_path.name, str(tmp_path)):
            raise PermissionError(13, "Permission denied")
        return real(path, flags, *arguments, **more)

    monkeypatch.setattr(os, "open", refuse)
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "way").symlink_to("inside")
    (inside / "link").symlink_to("target")
    files.write(str(tmp_path / "way" / "link"), b"new\n", uid=uid, gid=gid, mode=0o644)
    assert sorted(os.listdir(inside)) == ["link", "target"]
    state = files.read(str(tmp_path / "way" / "link"))
    assert state is not None
    assert state.content == b"new\n"
    files.remove(str(inside / "link"))
    files.remove(str(inside / "target"))
    (inside / "link").symlink_to("target")
    with pytest.raises(files.FileError, match="is a symbolic link to 'target', which does not exist"):
        files.read(str(inside / "link"))


# -- what a killed run leaves ------------------------------------------------------------------------------------------


def left_over(path: Path) -> Path:
    """A staged file of a process that was killed."""
    name = path.with_name(files.new_name(path.name))
    name.write_text("half")
    return name


def test_what_killed_runs_left_is_removed_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "main.cf"
    left_over(path)
    directory = path.with_name(files.new_name(path.name))
    directory.mkdir()
    (directory / "main.cf").write_text("half")
    others = [left_over(tmp_path / "other"), tmp_path / ".main.cf.mine.new"]
    others[1].touch()
    files.prepare(str(path), check=True)
    assert len(os.listdir(tmp_path)) == 4
    files.prepare(str(path), check=False)
    assert sorted(tmp_path.iterdir()) == sorted(others)


def test_what_another_run_is_writing_is_left(tmp_path: Path) -> None:
    path = str(tmp_path / "main.cf")
    staged = files.stage(path, b"new\n", uid=os.geteuid(), gid=os.getegid(), mode=0o644)
    files.prepare(path, check=False)
    assert os.path.exists(staged)
    files.commit(staged, path)
    left_over(tmp_path / "main.cf")
    files.prepare(path, check=False)
    assert os.listdir(tmp_path) == ["main.cf"]


@as_root
def test_what_looks_left_over_in_a_directory_for_all_is_removed_only_where_it_is_roots(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    path = tmp_path / "puffy-mail"
    foreign, own = left_over(path), left_over(path)
    os.chown(foreign, OTHER, OTHER)
    files.prepare(str(path), check=False)
    assert list(tmp_path.iterdir()) == [foreign]
    assert own != foreign
