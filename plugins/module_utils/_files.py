# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one edge that reads and writes files: whole files, atomically, the mode set before the content."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import grp
import os
import pwd
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass


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


def read(path: str) -> FileState | None:
    """Return the regular file at ``path`` (symbolic links are followed), or None where nothing is there.

    Raises FileError for anything else: a directory, a device, a loop of links, no permission.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        if os.path.islink(path):
            raise FileError(f"{path}: is a symbolic link to {os.readlink(path)!r}, which does not exist") from None
        return None
    except OSError as exc:
        raise FileError(f"{path}: cannot be read: {exc.strerror}") from exc
    # open() refuses the descriptor of a directory, so the type comes first.
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise FileError(f"{path}: is not a regular file")
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


def stage(path: str, content: bytes, *, uid: int, gid: int, mode: int) -> str:
    """Write ``content`` to a new file beside ``path`` and return its name; ``path`` itself stays untouched.

    The file is created with mode 0600, gets its owner and ``mode`` before its content, and is on disk
    (fsync) on return. Nothing is left behind on failure. Raises FileError.
    """
    target = os.path.realpath(path)
    directory, base = os.path.split(target)
    try:
        descriptor, staged = tempfile.mkstemp(prefix=f".{base}.", suffix=".new", dir=directory)
    except OSError as exc:
        raise FileError(
            f"{path}: no file can be made beside it in {directory}: {exc.strerror}; that file was not changed"
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


def commit(staged: str, path: str) -> None:
    """Give a staged file its live name. Symbolic links at ``path`` are kept. Raises FileError."""
    target = os.path.realpath(path)
    try:
        os.replace(staged, target)
        sync_directory(os.path.dirname(target))
    except OSError as exc:
        discard(staged)
        raise FileError(f"{path}: cannot be replaced: {exc.strerror}; the old content is untouched") from exc


def sync_directory(directory: str) -> None:
    """Make renames in ``directory`` durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as exc:
        if exc.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def discard(path: str) -> None:
    """Remove a staged file that was not used."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def write(path: str, content: bytes, *, uid: int, gid: int, mode: int) -> None:
    """Replace ``path`` with ``content`` in one step: readers see the old file or the new one, whole."""
    commit(stage(path, content, uid=uid, gid=gid, mode=mode), path)


def remove(path: str) -> None:
    """Remove the file at ``path``; FileError where that fails, nothing where it is not there."""
    try:
        os.unlink(path)
        sync_directory(os.path.dirname(os.path.abspath(path)))
    except FileNotFoundError:
        return
    except OSError as exc:
        raise FileError(f"{path}: cannot be removed: {exc.strerror}") from exc


@contextlib.contextmanager
def locked(path: str, timeout: float = 60.0) -> Iterator[None]:
    """Hold an exclusive lock on the file ``path`` (made with mode 0600 if it is not there).

    Runs on one host that share ``path`` go one after the other. ``timeout`` is in seconds; FileError after it.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
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
        yield
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
