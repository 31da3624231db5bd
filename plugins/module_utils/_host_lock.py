# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which run of a playbook may change this host: one at a time, by a lease that the run's own modules renew.

The lease is the text of one file, read and written under flock(2). Its directory belongs to root, and a boot empties
it. A run that was killed renews nothing, so its lease ends by itself. The times of a lease are those of the monotonic
clock, which no correction of the date moves.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils import _files as files

PATH = "/var/run/puffy-mail.lock" if platform.system() == "OpenBSD" else "/run/puffy-mail.lock"

#: the variable in the environment of a module that has the identity of the module's run
VARIABLE = "PUFFY_MAIL_RUN"

#: seconds between two looks of a run that waits
POLL = 1.0

#: seconds that reading and writing the file may take
_BUSY = 30.0


@dataclass(frozen=True)
class Holder:
    """A run that holds the host.

    ``run`` identifies the run and ``who`` describes it. ``since`` is in seconds since 1970. ``seen`` is the monotonic
    time in seconds at which a module of the run last began here, and ``ends`` when the lease ends. Each module renews
    it for ``lease`` seconds.
    """

    run: str
    who: str
    since: float
    seen: float
    lease: float
    ends: float

    def left(self) -> float:
        """Seconds until the lease ends; 0 or less where it has ended, or is from before the last boot."""
        now = time.monotonic()
        return self.ends - now if self.seen <= now else 0.0

    def __str__(self) -> str:
        since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(self.since))
        return f"{self.who}, since {since}, last seen {max(0.0, time.monotonic() - self.seen):.0f} seconds ago"


class Held(Exception):
    """Another run holds the host; ``holder`` says which. The message is a sentence without its period."""

    def __init__(self, holder: Holder) -> None:
        super().__init__(
            f"This host is held by another run: {holder}. Wait until that run ends, or set mail_lock_wait to the"
            " seconds to wait for it. If that run does not exist any more, its lock ends in"
            f" {holder.left() / 60:.0f} minutes"
        )
        self.holder = holder


def parse(text: str) -> Holder | None:
    """The holder in the text of the file. None for an empty text, and for one that was not written to its end."""
    try:
        data = json.loads(text)
        times = [float(data[name]) for name in ("since", "seen", "lease", "ends")]
        return Holder(str(data["run"]), str(data["who"]), *times)
    except (KeyError, TypeError, ValueError):
        return None


class _Lease:
    """The file, while this process alone reads and writes it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def holder(self) -> Holder | None:
        """Whose lease has not ended."""
        found = parse(os.pread(self._descriptor, 1 << 16, 0).decode("utf-8", "replace"))
        return found if found is not None and found.left() > 0 else None

    def last(self) -> Holder | None:
        """Who wrote the file last, also where the lease has ended."""
        return parse(os.pread(self._descriptor, 1 << 16, 0).decode("utf-8", "replace"))

    def write(self, holder: Holder | None) -> None:
        """Give the host to ``holder``, or to nobody."""
        os.ftruncate(self._descriptor, 0)
        if holder is not None:
            os.pwrite(self._descriptor, json.dumps(asdict(holder)).encode(), 0)


@contextlib.contextmanager
def _lease() -> Iterator[_Lease]:
    with files.locked(PATH, _BUSY) as descriptor:
        yield _Lease(descriptor)


def take(run: str, who: str, *, lease: float, wait: float, instead_of: str = "") -> Holder | None:
    """Give the host to ``run``; returns the run whose lease had ended without an end of the run.

    ``lease`` and ``wait`` are in seconds. The run ``instead_of`` is known to have ended. Raises Held where another run
    holds the host for longer than ``wait``, FileError for a file that cannot be used.
    """
    deadline = time.monotonic() + wait
    while True:
        with _lease() as file:
            holder = file.holder()
            if holder is None or holder.run in (run, instead_of):
                last = file.last()
                since = holder.since if holder is not None and holder.run == run else time.time()
                now = time.monotonic()
                file.write(Holder(run, who, since, now, lease, now + lease))
                return last if last is not None and last.run != run else None
        if time.monotonic() >= deadline:
            raise Held(holder)
        time.sleep(min(POLL, max(0.0, deadline - time.monotonic())))


def release(run: str, *, whoever: bool = False) -> Holder | None:
    """End the lease of ``run``, with ``whoever`` that of any run; returns what was ended. Raises FileError."""
    if files.status(PATH) is None:
        return None
    with _lease() as file:
        last = file.last()
        if last is None or not (whoever or last.run == run):
            return None
        file.write(None)
        return last


def check(run: str, seconds: float = 0.0) -> None:
    """Renew the lease of ``run``, for at least that many seconds. Raises Held where another run holds the host.

    A host that nobody holds is free to every module. Raises FileError for a file that cannot be used.
    """
    if files.status(PATH) is None:
        return
    with _lease() as file:
        holder = file.holder()
        if holder is not None and holder.run != run:
            raise Held(holder)
        last = file.last()
        if run and last is not None and last.run == run:
            now = time.monotonic()
            file.write(replace(last, seen=now, ends=now + max(last.lease, seconds)))


def keep(module: Any, seconds: float = 0.0) -> None:
    """For each module that changes a host, before it does: renew the lease of its run, or fail where another has it.

    ``seconds`` is how long the module may take. Check mode takes no lock and heeds none.
    """
    if module.check_mode or os.geteuid() != 0:
        return
    try:
        check(os.environ.get(VARIABLE, ""), seconds)
    except (Held, files.FileError) as exc:
        module.fail_json(msg=f"{exc}. Nothing was changed.")
