# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one edge that reads and writes files: whole files, atomically, the mode set before the content.

Root never follows what another account may change. Each path is walked directory by directory, by descriptor. A
symbolic link is followed only where nobody but root may put one. Where others may, a file is not written at all, and
its owner and mode change only if it is a regular file of the expected owner with one name.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import grp
import os
import pwd
import re
import secrets
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO


class FileError(Exception):
    """A file that cannot be read or written; the message names it and says what was left untouched."""


@dataclass(frozen=True)
class FileState:
    """A regular file as it is on disk: content in bytes, numeric owner and group, permission bits."""

    path: str
    content: bytes
    uid: int
    gid: int
    mode: int

    def text(self) -> str:
        """The content as UTF-8. Bytes that are not UTF-8 survive a round trip through ``encode_text``."""
        return self.content.decode("utf-8", "surrogateescape")


def encode_text(text: str) -> bytes:
    """The bytes of ``text``; the reverse of ``FileState.text``."""
    return text.encode("utf-8", "surrogateescape")


# -- the way to a file -------------------------------------------------------------------------------------------------

#: symbolic links that a path may go through
_MAX_LINKS = 40

#: O_PATH opens a directory that its user may enter and not list. OpenBSD has no O_PATH.
_DIRECTORY = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)


@dataclass(frozen=True)
class Writer:
    """A directory on the way in which others than root may put things. ``uid`` is None for a group or for all."""

    path: str
    uid: int | None
    why: str


@dataclass
class Place:
    """A name in an open directory. Nobody can put another directory in its place while it is open."""

    directory: int
    #: of the directory, without a symbolic link
    path_above: str
    name: str
    writers: list[Writer] = field(default_factory=list)
    #: whether others may make files in the directory, and nobody can rename what another account owns
    sticky: bool = False
    #: what the last symbolic link was that stood under the name; empty without one
    link: str = ""

    @property
    def path(self) -> str:
        """The path, without a symbolic link."""
        return os.path.join(self.path_above, self.name)

    @property
    def shared(self) -> bool:
        """Whether another account than root may put something under the name. Always False for other users."""
        return os.geteuid() == 0 and (self.sticky or bool(self.writers))

    def status(self) -> os.stat_result | None:
        """What is under the name, None where nothing is."""
        try:
            return os.stat(self.name, dir_fd=self.directory, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def open(self, flags: int, mode: int = 0o600) -> int:
        """Open what is under the name, never through a link, never waiting for another program."""
        flags |= os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(self.name, flags, mode, dir_fd=self.directory)

    def refuse_others(self) -> None:
        """FileError where another account than root may put something else on the way."""
        for writer in self.writers if os.geteuid() == 0 else []:
            raise FileError(
                f"{self.path}: {_named(writer, self.path_above)} {writer.why}, and root does not write where"
                " another account could put a link. Give the directory to root, with no right to write for others"
            )


def _named(writer: Writer, above: str) -> str:
    return "its directory" if writer.path == above else f"the directory {writer.path} above it"


def owners() -> set[int]:
    """The accounts that may own what is trusted: root, and the account of this process."""
    return {0, os.geteuid()}


def _account(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"the account with the number {uid}"


def writer_of(path: str, status: os.stat_result) -> Writer | None:
    """Who, beside root, may rename what is in the directory ``path``; None where nobody may."""
    if status.st_uid not in owners():
        return Writer(path, status.st_uid, f"belongs to {_account(status.st_uid)}")
    if status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX:
        return Writer(path, None, f"can be written by other accounts (mode {stat.S_IMODE(status.st_mode):04o})")
    return None


@contextlib.contextmanager
def place(path: str, *, follow: bool = True, make: bool = False) -> Iterator[Place]:
    """Walk to ``path`` and hold its directory open. The last word may be missing.

    Symbolic links are followed, the last one only with ``follow``. ``make`` makes missing directories above, mode 0755.
    Raises FileError for a link that another account may have put there, OSError for what else is in the way.
    """
    todo = [word for word in os.path.abspath(path).split("/") if word]
    if os.geteuid() != 0 and not hasattr(os, "O_PATH"):
        yield from _place_of_user(path, follow, make)
        return
    at = Place(os.open("/", _DIRECTORY), "/", ".")
    links = 0
    try:
        _enter(at, at.directory)
        while todo:
            word = todo.pop(0)
            if word == ".":
                continue
            at.name = word
            status = at.status() if word != ".." else None
            if status is not None and stat.S_ISLNK(status.st_mode) and (todo or follow):
                links += 1
                if links > _MAX_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                _refuse_link(path, at, status)
                target = os.readlink(word, dir_fd=at.directory)
                at.link = at.link if todo else target
                todo = [part for part in target.split("/") if part] + todo
                if target.startswith("/"):
                    at.path_above, at.writers, at.sticky = "/", [], False
                    _enter(at, os.open("/", _DIRECTORY))
                at.name = "."
                continue
            if not todo and word != "..":
                break
            if status is None and word != ".." and make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(word, 0o755, dir_fd=at.directory)
            descriptor = os.open(word, _DIRECTORY, dir_fd=at.directory)
            at.path_above = os.path.dirname(at.path_above) if word == ".." else at.path
            if word == "..":
                at.writers = [writer for writer in at.writers if _is_above(writer.path, at.path_above)]
            at.name = "."
            _enter(at, descriptor)
        yield at
    finally:
        os.close(at.directory)


def _place_of_user(path: str, follow: bool, make: bool) -> Iterator[Place]:
    """As ``place`` for who is not root, where a directory that one may enter and not list cannot be opened."""
    above, name = os.path.split(os.path.abspath(path))
    link = os.readlink(path) if follow and os.path.islink(path) else ""
    above, name = os.path.split(os.path.realpath(path) if link else os.path.join(os.path.realpath(above), name))
    if make:
        os.makedirs(above, mode=0o755, exist_ok=True)
    at = Place(os.open(above, _DIRECTORY), above, name or ".", link=link)
    try:
        yield at
    finally:
        os.close(at.directory)


def _is_above(path: str, below: str) -> bool:
    return below == path or below.startswith(path.rstrip("/") + "/")


def _enter(at: Place, descriptor: int) -> None:
    """Go on in the open directory ``descriptor``, and note who may write it."""
    if descriptor != at.directory:
        os.close(at.directory)
        at.directory = descriptor
    status = os.fstat(descriptor)
    writer = writer_of(at.path_above, status)
    if writer is not None and all(known.path != writer.path for known in at.writers):
        at.writers.append(writer)
    at.sticky = bool(status.st_mode & 0o022 and status.st_mode & stat.S_ISVTX)


def _refuse_link(path: str, at: Place, status: os.stat_result) -> None:
    """FileError for a link that another account than root may have put there."""
    trusted = status.st_uid in owners() and not at.writers and (not at.sticky or status.st_nlink == 1)
    if trusted or os.geteuid() != 0:
        return
    what = "in a directory that other accounts may write" if at.shared else "of another account"
    way = "" if at.path == os.path.abspath(path) else f", on the way to {path}"
    raise FileError(f"{at.path}: is a symbolic link {what}{way}, and root does not follow it. Remove the link")


# -- reading -----------------------------------------------------------------------------------------------------------


def _open_regular(path: str) -> int | None:
    """The regular file at ``path``, opened for reading, or None where nothing is there. Raises FileError."""
    try:
        with place(path) as at:
            try:
                descriptor = at.open(os.O_RDONLY)
            except FileNotFoundError:
                if at.link:
                    raise FileError(f"{path}: is a symbolic link to {at.link!r}, which does not exist") from None
                return None
            try:
                _check_regular(path, at, os.fstat(descriptor))
            except BaseException:
                os.close(descriptor)
                raise
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise FileError(f"{path}: cannot be read: {exc.strerror}") from exc
    return descriptor


def status(path: str) -> os.stat_result | None:
    """What ``read`` would open, or None where nothing is there. Raises FileError."""
    descriptor = _open_regular(path)
    if descriptor is None:
        return None
    try:
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """The regular file at ``path``, for reading. Raises FileError, and FileNotFoundError where nothing is there."""
    descriptor = _open_regular(path)
    if descriptor is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    with os.fdopen(descriptor, "rb") as stream:
        yield stream


def head(path: str, size: int) -> bytes | None:
    """The first ``size`` bytes of the regular file at ``path``, or None where nothing is there. Raises FileError."""
    with contextlib.suppress(FileNotFoundError), opened(path) as stream:
        return stream.read(size)
    return None


def read(path: str) -> FileState | None:
    """Return the regular file at ``path``, or None where nothing is there.

    Raises FileError for anything else: a directory, a device, a loop of links, a link that another account may have put
    there, no permission.
    """
    descriptor = _open_regular(path)
    if descriptor is None:
        return None
    # open() refuses the descriptor of a directory, so the type came first.
    status = os.fstat(descriptor)
    with os.fdopen(descriptor, "rb") as stream:
        try:
            for _time in range(20):
                before, content, status = status, stream.read(), os.fstat(descriptor)
                if (before.st_size, before.st_mtime_ns) == (status.st_size, status.st_mtime_ns):
                    break
                time.sleep(0.1)
                stream.seek(0)
            else:
                raise FileError(f"{path}: another program keeps writing to it; run again when that has ended")
        except OSError as exc:
            raise FileError(f"{path}: cannot be read: {exc.strerror}") from exc
    return FileState(path, content, status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))


def _check_regular(path: str, at: Place, opened: os.stat_result) -> None:
    """FileError where what was opened is not a regular file, or may be a file of another directory."""
    if not stat.S_ISREG(opened.st_mode):
        raise FileError(f"{path}: is not a regular file")
    if not at.shared:
        return
    # Asked in one call: a second name that is gone by now would not be counted by the descriptor.
    there = at.status()
    if there is None or (there.st_dev, there.st_ino) != (opened.st_dev, opened.st_ino):
        raise FileError(f"{path}: another program replaced it during this run; run again")
    if there.st_nlink > 1:
        raise FileError(
            f"{path}: has {there.st_nlink} names (hard links), in a directory that other accounts than root may write,"
            " so it may be another file than it seems. Remove it, or copy it"
        )


# -- names -------------------------------------------------------------------------------------------------------------


def uid_of(name: str | int) -> int:
    """The numeric id of a user name or number; FileError where there is no such user."""
    if isinstance(name, int) or name.isdigit():
        return int(name)
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        raise FileError(f"there is no user {name!r} on this host") from None


def gid_of(name: str | int) -> int:
    """The numeric id of a group name or number; FileError where there is no such group."""
    if isinstance(name, int) or name.isdigit():
        return int(name)
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise FileError(f"there is no group {name!r} on this host") from None


def mode_of(text: str) -> int:
    """The permission bits of an octal string such as ``"0640"``; ValueError otherwise.

    A mode that gives the group or others what the owner has not is refused: it is what YAML makes of 0640 without
    quotes, a decimal number (416).
    """
    try:
        value = int(text, 8)
    except (TypeError, ValueError):
        value = -1
    if not 0 <= value <= 0o7777:
        raise ValueError(f'mode {text!r} is not an octal number from 0000 to 7777; write it quoted, such as "0640"')
    if (value >> 3 | value) & 0o7 & ~(value >> 6):
        raise ValueError(
            f"mode {text!r} gives the group or others what the owner has not, as the number does that YAML makes of a"
            ' mode without quotes; write it quoted, such as "0640"'
        )
    return value


# -- owner and mode ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _file(path: str, uid: int) -> Iterator[tuple[int, os.stat_result]]:
    """The regular file at ``path``, opened, if its owner and mode may be changed for ``uid``."""
    try:
        with place(path) as at:
            descriptor = at.open(os.O_RDONLY)
            try:
                status = os.fstat(descriptor)
                _check_regular(path, at, status)
                # An account that may rename files may give the name to one that root made for something else.
                expected = {uid} if any(writer.uid != uid for writer in at.writers) else {*owners(), uid}
                if at.shared and status.st_uid not in expected:
                    raise FileError(f"{path}: belongs to {_account(status.st_uid)}. Give it to {_account(uid)}")
                yield descriptor, status
            finally:
                os.close(descriptor)
    except FileNotFoundError:
        raise FileError(f"{path}: there is no such file") from None
    except OSError as exc:
        raise FileError(f"{path}: its owner and mode cannot be set: {exc.strerror}") from exc


def owned(path: str, *, uid: int) -> os.stat_result:
    """The status of a regular file. FileError where ``own`` would refuse it."""
    with _file(path, uid) as (_descriptor, status):
        return status


def own(path: str, *, uid: int, gid: int, mode: int) -> None:
    """Set owner, group and permission bits of the regular file at ``path``, by its descriptor. Raises FileError.

    Where others than root may put something else under the name, the file has one name and belongs to ``uid``, or to
    root where nobody but root and ``uid`` may.
    """
    with _file(path, uid) as (descriptor, status):
        _set(descriptor, status, uid, gid, mode)


def _set(descriptor: int, status: os.stat_result, uid: int, gid: int, mode: int) -> None:
    """Owner, group and mode of an open file or directory; -1 keeps an owner or group."""
    if (status.st_uid if uid == -1 else uid, status.st_gid if gid == -1 else gid) != (status.st_uid, status.st_gid):
        os.fchown(descriptor, uid, gid)
        # That takes bits of the mode away.
        status = os.fstat(descriptor)
    if stat.S_IMODE(status.st_mode) != mode:
        os.fchmod(descriptor, mode)


def directory(path: str, *, uid: int) -> os.stat_result | None:
    """The directory at ``path``, None where nothing is there.

    FileError for anything else, and for one that ``set_directory`` with that ``uid`` would refuse."""
    try:
        with place(path) as at:
            status = at.status()
            if status is not None:
                _check_directory(path, at, status, uid)
            return status
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise FileError(f"{path}: cannot be used: {exc.strerror}") from exc


def _check_directory(path: str, at: Place, status: os.stat_result, uid: int) -> None:
    if not stat.S_ISDIR(status.st_mode):
        raise FileError(f"{path}: is not a directory. Move it away")
    # Where others may put something under the name, it may be a directory that was made for something else.
    expected = {uid} if at.writers else {*owners(), uid}
    if at.shared and status.st_uid not in expected:
        raise FileError(
            f"{path}: belongs to {_account(status.st_uid)}, in a directory that other accounts than root may write."
            f" Give it to {_account(uid)}"
        )


def set_directory(path: str, *, uid: int, gid: int, mode: int) -> None:
    """Make the directory where it is missing, and set its owner, group and mode. Raises FileError.

    Missing directories above are made with the mode 0755. ``uid`` and ``gid`` may be -1 for "as it is".
    """
    try:
        with place(path, make=True) as at:
            made = False
            if at.status() is None:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(at.name, 0o700, dir_fd=at.directory)
                    made = True
            # A directory of mode 0 cannot be opened for reading by its owner, only by root.
            descriptor = at.open(os.O_RDONLY | os.O_DIRECTORY)
            try:
                status = os.fstat(descriptor)
                if not (made and status.st_uid == os.geteuid() and not os.listdir(descriptor)):
                    _check_directory(path, at, status, uid)
                _set(descriptor, status, uid, gid, mode)
            finally:
                os.close(descriptor)
    except NotADirectoryError:
        raise FileError(f"{path}: is not a directory, or one above it is not. Move it away") from None
    except OSError as exc:
        raise FileError(f"{path}: cannot be made or set: {exc.strerror}") from exc


# -- writing -----------------------------------------------------------------------------------------------------------

#: the descriptors that keep the directories of staged files locked, by staged file
_held: dict[str, int] = {}

#: seconds to wait for a run that removes what is left over in the same directory
_SWEEP_TIMEOUT = 1.0


def is_staged(name: str, base: str = "") -> bool:
    """Whether ``name`` is one that ``stage`` gives beside a file called ``base``, or beside any file."""
    return re.fullmatch(rf"\.{re.escape(base) or '.+'}\.[0-9a-f]{{16}}\.new(-journal)?", name) is not None


def new_name(base: str) -> str:
    """A name that nobody can guess, for what is going to be called ``base``."""
    return f".{base}.{secrets.token_hex(8)}.new"


def hold(at: Place, staged: str) -> None:
    """Keep the directory locked until ``discard`` or ``commit``, so that no other run takes ``staged`` for left over.

    The lock ends with the process. It is shared: any account may hold one on a directory that it may read, and then
    nothing is removed there.
    """
    with contextlib.suppress(OSError):
        descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=at.directory)
        _held[staged] = descriptor
        deadline = time.monotonic() + _SWEEP_TIMEOUT
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return
            if time.monotonic() > deadline:
                return
            time.sleep(0.02)


def _let_go(staged: str) -> None:
    descriptor = _held.pop(staged, None)
    if descriptor is not None:
        os.close(descriptor)


def prepare(*paths: str, check: bool) -> None:
    """FileError where ``stage`` would refuse to write ``path``. Without ``check``, remove what killed runs have left.

    Nothing is removed while another run has staged a file in the same directory.
    """
    for path in paths:
        # The index of a table lies beside the name; a file lies where a link of that name leads.
        for follow in (False, True):
            try:
                with place(path, follow=follow) as at:
                    at.refuse_others()
                    if not check:
                        _sweep(at, at.name)
            except FileNotFoundError:
                continue
            except OSError as exc:
                raise FileError(f"{path}: cannot be used: {exc.strerror}") from exc


def sweep(directory: str) -> None:
    """Remove what killed runs have left in a directory of our own."""
    with contextlib.suppress(OSError), place(os.path.join(directory, "any"), follow=False) as at:
        _sweep(at)


def _sweep(at: Place, base: str = "") -> None:
    """Remove what killed runs have left beside a file, or all files, if no other run is at work there."""
    with contextlib.suppress(OSError):
        descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=at.directory)
        try:
            names = [name for name in os.listdir(descriptor) if is_staged(name, base)]
            if names:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for name in names:
                status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                if status.st_uid in owners() or not at.shared:
                    _unlink(name, descriptor, status)
        finally:
            os.close(descriptor)


def _unlink(name: str, directory: int, status: os.stat_result) -> None:
    """Remove a file, or a directory that holds files only."""
    if not stat.S_ISDIR(status.st_mode):
        os.unlink(name, dir_fd=directory)
        return
    inside = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        for entry in os.listdir(inside):
            os.unlink(entry, dir_fd=inside)
    finally:
        os.close(inside)
    os.rmdir(name, dir_fd=directory)


def stage(path: str, content: bytes, *, uid: int, gid: int, mode: int, anywhere: bool = False) -> str:
    """Write ``content`` to a new file beside ``path`` and return its name; ``path`` itself stays untouched.

    The file is created with mode 0600, gets its owner and ``mode`` before its content, and is on disk
    (fsync) on return. Nothing is left behind on failure. Raises FileError, also where others than root may write the
    directory, unless ``anywhere``.
    """
    try:
        with place(path) as at:
            if not anywhere:
                at.refuse_others()
            name = new_name(at.name)
            staged = os.path.join(at.path_above, name)
            hold(at, staged)
            descriptor = os.open(
                name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=at.directory
            )
    except OSError as exc:
        raise FileError(
            f"{path}: no file can be made beside it in {os.path.dirname(os.path.realpath(path))}: {exc.strerror}; that"
            " file was not changed"
        ) from exc
    try:
        with os.fdopen(descriptor, "wb") as stream:
            if (uid, gid) != (os.geteuid(), os.getegid()):
                os.fchown(stream.fileno(), uid, gid)
            os.fchmod(stream.fileno(), mode)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as exc:
        discard(staged)
        raise FileError(
            f"{path}: its new content cannot be written: {exc.strerror}; the old content is untouched"
        ) from exc
    except BaseException:
        discard(staged)
        raise
    return staged


@contextlib.contextmanager
def private_directory(path: str) -> Iterator[str]:
    """A directory beside ``path`` that only root may enter, removed at the end. Raises FileError."""
    try:
        with place(path, follow=False) as at:
            at.refuse_others()
            name = new_name(at.name)
            made = os.path.join(at.path_above, name)
            hold(at, made)
            os.mkdir(name, 0o700, dir_fd=at.directory)
    except OSError as exc:
        raise FileError(f"nothing can be made in {os.path.dirname(path)}: {exc.strerror}") from exc
    try:
        yield made
    finally:
        discard(made)


def scratch() -> contextlib.AbstractContextManager[str]:
    """A directory for temporary files that only root may enter, removed at the end. Raises FileError."""
    path = os.path.join(tempfile.gettempdir(), "puffy-mail")
    # What stands under the name is of no interest: any account may have put it there.
    with contextlib.suppress(OSError), place(path, follow=False) as at:
        _sweep(at, at.name)
    return private_directory(path)


def commit(staged: str, path: str, *, anywhere: bool = False) -> None:
    """Give a staged file its live name. Symbolic links at ``path`` are kept. Raises FileError."""
    try:
        with place(staged, follow=False) as new, place(path) as at:
            if not anywhere:
                at.refuse_others()
            os.replace(new.name, at.name, src_dir_fd=new.directory, dst_dir_fd=at.directory)
            sync(at)
        _let_go(staged)
    except (OSError, FileError) as exc:
        discard(staged)
        why = exc.strerror if isinstance(exc, OSError) else exc
        raise FileError(f"{path}: cannot be replaced: {why}; the old content is untouched") from exc


def sync(at: Place) -> None:
    """Make renames in a directory durable."""
    descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=at.directory)
    try:
        os.fsync(descriptor)
    except OSError as exc:
        if exc.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def discard(path: str) -> None:
    """Remove a staged file that was not used, or a private directory."""
    _let_go(path)
    with contextlib.suppress(FileNotFoundError), place(path, follow=False) as at:
        status = at.status()
        if status is not None:
            _unlink(at.name, at.directory, status)


def write(path: str, content: bytes, *, uid: int, gid: int, mode: int, anywhere: bool = False) -> None:
    """Replace ``path`` with ``content`` in one step: readers see the old file or the new one, whole."""
    staged = stage(path, content, uid=uid, gid=gid, mode=mode, anywhere=anywhere)
    commit(staged, path, anywhere=anywhere)


def remove(path: str) -> None:
    """Remove the file at ``path``; FileError where that fails, nothing where it is not there."""
    try:
        with place(path, follow=False) as at:
            os.unlink(at.name, dir_fd=at.directory)
            sync(at)
    except FileNotFoundError:
        return
    except OSError as exc:
        raise FileError(f"{path}: cannot be removed: {exc.strerror}") from exc


@contextlib.contextmanager
def locked(path: str, timeout: float = 60.0, *, anywhere: bool = False) -> Iterator[int]:
    """Hold an exclusive lock on the file ``path`` (made with mode 0600 if it is not there), and give its descriptor.

    Runs on one host that share ``path`` go one after the other. ``timeout`` is in seconds; FileError after it.
    """
    try:
        with place(path, follow=False) as at:
            if not anywhere:
                at.refuse_others()
            descriptor = at.open(os.O_RDWR | os.O_CREAT)
    except OSError as exc:
        raise FileError(f"{path}: cannot be used as a lock file: {exc.strerror}; nothing was changed") from exc
    try:
        deadline = time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise FileError(
                        f"{path}: another run has held this lock for {timeout:g} seconds; nothing was changed"
                    ) from None
                time.sleep(0.05)
        yield descriptor
    finally:
        os.close(descriptor)


def shown(text: str) -> str:
    """``text`` as a module can return it: bytes that are no UTF-8 are written as in ``\\xe9``.

    Ansible refuses an answer that holds the surrogates of ``FileState.text``.
    """
    return encode_text(text).decode("utf-8", "backslashreplace")


def text_diff(path: str, before: str | None, after: str | None) -> dict[str, str]:
    """The ``diff`` value Ansible shows for one file. Secrets must be masked before the call."""
    return {
        "before": shown(before or ""),
        "after": shown(after or ""),
        "before_header": path if before is not None else f"{path} (absent)",
        "after_header": path if after is not None else f"{path} (absent)",
    }
