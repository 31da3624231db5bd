# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds every module that a test runs to its word: whoever says "nothing was changed" has written no file.

Python's audit events tell what a module opens for writing, renames, removes and gives another owner or mode. It runs in
the hosts of the tests too, so it needs Python 3.9 only.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from ansible.module_utils.basic import AnsibleModule

#: events that change something: the places of their path and of its directory's descriptor among the arguments
_EVENTS = {
    "os.chmod": (0, 2), "os.chown": (0, 3), "os.link": (1, 3), "os.mkdir": (0, 2), "os.remove": (0, 1),
    "os.rename": (1, 3), "os.rmdir": (0, 1), "os.symlink": (1, 2), "os.truncate": (0, None),
}  # fmt: skip
#: files that are no change of the host: locks, and what was made beside a file and taken away again
_NEUTRAL = re.compile(
    r"(^|[./])lock$|\.[0-9a-f]{16}\.new(/|$)|/\.ansible/tmp/|/__pycache__/|\.pyc|/tmp[a-z0-9_]{8}$|^/(dev|proc|fixed)/"
)

#: asked before the hook is there: the question opens files, and takes a lock that the hook would wait for
try:
    _TEMPORARY = tempfile.gettempdir()
except FileNotFoundError:  # a test of a host that has none
    _TEMPORARY = "/tmp"

_written: list[str] = []
_watching = False


@contextlib.contextmanager
def by_others() -> Iterator[None]:
    """What is written meanwhile is another program's doing."""
    before = list(_written)
    yield
    _written[:] = before


class Untrue(BaseException):
    """What was said is not true. No module catches it."""


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        path, _mode, flags = arguments
        writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        if not writes or not isinstance(path, (str, bytes)):
            return
        name = os.fsdecode(path)
    elif event in _EVENTS:
        place, above = _EVENTS[event]
        name = _path(arguments[place], arguments[above] if above is not None else -1)
    else:
        return
    if not _NEUTRAL.search(name) and name != _TEMPORARY:
        _written.append(f"{event} {name}")


def _path(path: Any, directory: int) -> str:
    """A path, a path in an open directory, or what a descriptor has."""
    with contextlib.suppress(OSError):
        if isinstance(path, int):
            return os.readlink(f"/proc/self/fd/{path}")
        if directory >= 0:
            return os.path.join(os.readlink(f"/proc/self/fd/{directory}"), os.fsdecode(path))
    return str(path) if isinstance(path, int) else os.fsdecode(path)


def watch() -> None:
    """From now on, fail_json refuses the words where they are not true, and names what was written."""
    global _watching
    if _watching:
        return
    _watching = True
    sys.addaudithook(_hook)
    make, fail = AnsibleModule.__init__, AnsibleModule.fail_json

    def make_and_forget(self: AnsibleModule, *arguments: Any, **more: Any) -> None:
        make(self, *arguments, **more)
        _written.clear()

    def fail_and_check(self: AnsibleModule, msg: str, **more: Any) -> None:
        if re.search(r"\bnothing was changed", str(msg), re.IGNORECASE) and _written:
            raise Untrue(f"it says {msg!r}, and it has written: {'; '.join(_written)}")
        fail(self, msg, **more)

    AnsibleModule.__init__, AnsibleModule.fail_json = make_and_forget, fail_and_check
