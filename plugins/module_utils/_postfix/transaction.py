# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""main.cf and master.cf swapped together: a lock, a journal, and the way back or forward after an interruption.

The order on disk: all new files are written beside the live ones; the journal is written (from here on the
change counts as made); each file gets its live name; the journal goes. A run that finds a journal finishes it,
unless somebody has edited the files since: then what was left over is thrown away.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.puffy.mail.plugins.module_utils import _files as files

#: Beside main.cf, where only root may write. Mode 0600: any user could hold the lock of a readable file.
LOCK = ".puffy-mail.lock"
JOURNAL = ".puffy-mail.journal"

#: renamed in this order: master(8) reads master.cf at a reload only, so the daemons never see new names in
#: main.cf that master.cf does not have
NAMES = ("master.cf", "main.cf")


@dataclass(frozen=True)
class Change:
    """One file to be replaced: as it is now, and its new content."""

    before: files.FileState
    content: bytes


@dataclass(frozen=True)
class _Step:
    path: str  # the regular file, symbolic links resolved
    staged: str
    before: str  # SHA-256 of the contents
    after: str


@dataclass(frozen=True)
class Interrupted:
    """A change that a run was stopped in. ``contents`` maps paths to what they will hold when it is finished."""

    activation: str
    steps: tuple[_Step, ...]
    contents: dict[str, bytes]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextlib.contextmanager
def locked(directory: str, timeout: float = 60.0) -> Iterator[None]:
    """Keep other runs away from the files of this configuration directory; FileError after ``timeout`` seconds.

    On a read-only file system nothing can be changed, so there is nothing to keep away.
    """
    try:
        read_only = bool(os.statvfs(directory).f_flag & os.ST_RDONLY)
    except OSError as exc:
        raise files.FileError(f"{directory}: cannot be used: {exc.strerror}; nothing was changed") from exc
    if read_only:
        yield
        return
    with files.locked(os.path.join(directory, LOCK), timeout):
        yield


def read(path: str) -> files.FileState:
    """The file at ``path``. FileError where it is not there or cannot be read."""
    state = files.read(path)
    if state is None:
        raise files.FileError(
            f"{path}: there is no such file; config_directory must be the directory of an installed Postfix; "
            "nothing was changed"
        )
    return state


def interrupted(directory: str) -> Interrupted | None:
    """The change that a run was stopped in, or None. Changes nothing.

    ``contents`` is empty where the files were edited since, so that the change is to be dropped.
    """
    state = files.read(os.path.join(directory, JOURNAL))
    if state is None:
        return None
    try:
        record = json.loads(state.content)
        steps = tuple(_Step(**step) for step in record["files"])
        activation = str(record["activation"])
    except (ValueError, TypeError, KeyError) as exc:
        raise files.FileError(
            f"{state.path}: is not the journal of an interrupted run ({exc}); remove it; nothing was changed"
        ) from exc
    contents: dict[str, bytes] = {}
    for step in steps:
        live, staged = files.read(step.path), files.read(step.staged)
        if live is not None and _digest(live.content) == step.after and staged is None:
            contents[step.path] = live.content
        elif (
            live is not None
            and staged is not None
            and _digest(live.content) == step.before
            and _digest(staged.content) == step.after
        ):
            contents[step.path] = staged.content
        else:
            return Interrupted(activation, steps, {})
    return Interrupted(activation, steps, contents)


def recover(directory: str) -> Interrupted | None:
    """Finish, or drop, the change that a run was stopped in, and remove what it left. Call it under the lock."""
    found = interrupted(directory)
    if found is not None:
        for step in found.steps:
            if not found.contents:
                files.discard(step.staged)
            elif os.path.lexists(step.staged):
                files.commit(step.staged, step.path)
        files.remove(os.path.join(directory, JOURNAL))
    for path in left_over(directory):
        files.discard(path)
    return found


def left_over(directory: str) -> list[str]:
    """Files that runs which were stopped had written beside the live ones."""
    found: list[str] = []
    for name in (*NAMES, JOURNAL):
        target = os.path.realpath(os.path.join(directory, name))
        place, base = os.path.split(target)
        # the names that _files.stage() gives
        found.extend(glob.glob(os.path.join(glob.escape(place), f".{glob.escape(base)}.*.new")))
    return sorted(found)


def swap(directory: str, changes: Sequence[Change], activation: str) -> None:
    """Replace all files of ``changes``, or none. Call it under the lock. Raises FileError.

    Owner, group, mode and symbolic links stay. ``activation`` is what the daemon needs afterwards; a later run
    that has to finish the change learns it from the journal.
    """
    journal = os.path.join(directory, JOURNAL)
    staged: list[_Step] = []
    try:
        for change in sorted(changes, key=lambda change: NAMES.index(os.path.basename(change.before.path))):
            old = change.before
            staged.append(
                _Step(
                    os.path.realpath(old.path),
                    files.stage(old.path, change.content, uid=old.uid, gid=old.gid, mode=old.mode),
                    _digest(old.content),
                    _digest(change.content),
                )
            )
        for change in changes:
            live = files.read(change.before.path)
            if live is None or live.content != change.before.content:
                raise files.FileError(
                    f"{change.before.path}: another program changed it during this run; run again; nothing was changed"
                )
        record = {"activation": activation, "files": [vars(step) for step in staged]}
        files.write(journal, json.dumps(record).encode(), uid=os.geteuid(), gid=os.getegid(), mode=0o600)
    except BaseException:
        for step in staged:
            files.discard(step.staged)
        raise
    done: list[files.FileState] = []
    try:
        for step in staged:
            files.commit(step.staged, step.path)
            done.append(next(c.before for c in changes if os.path.realpath(c.before.path) == step.path))
    except files.FileError as exc:
        for step in staged:
            files.discard(step.staged)
        for old in done:
            try:
                files.write(old.path, old.content, uid=old.uid, gid=old.gid, mode=old.mode)
            except files.FileError as worse:
                raise files.FileError(f"{exc}; and {old.path}, which is new, cannot be put back: {worse}") from exc
        files.remove(journal)
        raise
    files.remove(journal)
