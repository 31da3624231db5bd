# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A daemon that reads files when it starts: whether it runs what is on disk, how it gets there, and the proof."""

from __future__ import annotations

import abc
import contextlib
import os
import re
import signal
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils import _activation as activation
from ansible_collections.puffy.mail.plugins.module_utils import _command as command
from ansible_collections.puffy.mail.plugins.module_utils import _files as files
from ansible_collections.puffy.mail.plugins.module_utils import _manager as manager
from ansible_collections.puffy.mail.plugins.module_utils._activation import Change, Rejected

#: seconds between two attempts of the proof
PAUSE = 0.2
#: seconds that a daemon which was told to stop may take to end
STOP_TIMEOUT = 30.0

#: lines of a configuration file whose value is a secret: dnpass, ldap_auth_dn_password, ssl_key_password, ldap_bind_pw
_SECRET = re.compile(r"^\s*\w*(?:pass|password|secret|token|_pw)\w*\s*[=:]\s*(\S.*?)\s*$", re.MULTILINE | re.IGNORECASE)
#: the same within a value: connect = host=db password=…
_SECRET_WORD = re.compile(r"\bpass(?:word)?=(\S+)", re.IGNORECASE)


class NotYet(Exception):
    """What does not answer as it should; the message is a clause about it."""


def secrets(texts: Sequence[str]) -> set[str]:
    """The values of settings that are secret by their name, in texts of configuration files."""
    matches = [match for text in texts for form in (_SECRET, _SECRET_WORD) for match in form.finditer(text)]
    found = {match.group(1).strip("\"'") for match in matches}
    return {value for value in found if len(value) > 3}


def stamp(path: str) -> str:
    """What stands for a file that a daemon reads when it starts or reloads: its content and its modification time.

    The time counts too: a file that was changed, reloaded by hand and put back has its old content, not its old time.
    """
    value = activation.fingerprint(path) or ""
    with contextlib.suppress(OSError):
        value += f" of {os.stat(path).st_mtime_ns}"
    return value


class FileDaemon(abc.ABC):
    """One run for a daemon: what is there, what is wanted, and the way between them.

    ``options`` have ``files``, the configuration files with the main one first, and ``timeout`` in seconds.
    """

    #: the daemon's name for people, and a part of its program's name
    title: str
    program: str
    #: what makes the daemon read its files again, and why a reload would not
    apply, unsure = "reload", ""

    def __init__(
        self,
        options: Any,
        place: activation.Place,
        starter: manager.Manager,
        *,
        remember: bool = True,
    ) -> None:
        self.options: Any = options
        self.place = place
        self.directory = os.path.dirname(options.files[0])
        #: whether to record what was activated: not where too little is known of what the daemon reads
        self.remember = remember
        self.manager = starter
        self.previous: activation.Record | None = None
        #: whether the daemon was told anything, and whether it was asked for its proof
        self.touched = self.asked = False

    # What differs from daemon to daemon

    @abc.abstractmethod
    def pid_files(self) -> Sequence[str]:
        """Where the number of the daemon's process may be."""

    @abc.abstractmethod
    def arguments(self) -> dict[str, Any]:
        """The options to record."""

    @abc.abstractmethod
    def use(self, arguments: Mapping[str, Any]) -> None:
        """Go on with the options of a record."""

    @abc.abstractmethod
    def judge(self) -> None:
        """Raise Rejected where what is on disk could not serve."""

    @abc.abstractmethod
    def see(self) -> None:
        """Ask the daemon for a proof. Raises NotYet or OSError."""

    @abc.abstractmethod
    def complained(self) -> str:
        """What the daemon logged last as errors, a line each."""

    def other_paths(self) -> Sequence[str]:
        """What the daemon reads beside its configuration files."""
        return ()

    def databases(self) -> dict[str, activation.Identity | None]:
        """Which files the databases are."""
        return {}

    def changes(self) -> list[Change]:
        """Differences beyond those of the files. There is a record where this is called with one."""
        return []

    # What is there

    def read(self) -> None:
        """Read the files, the record and the running process."""
        self.previous = self.place.read(self.title)
        self.left = self.place.begun()
        self.read_files()

    def read_files(self) -> None:
        """Read what is on disk."""
        self.kept: dict[str, activation.Kept] = {}
        for path in self.options.files:
            kept = activation.Kept.of(path)
            if kept is not None:
                self.kept[path] = kept
            else:
                raise files.FileError(f"{path}: there is no such file. {self.title} was left as it runs.")
        self.stamps = {path: stamp(path) for path in (*self.options.files, *self.other_paths())}
        self.databases_now = self.databases()

    def pid(self) -> int | None:
        """The number of the running daemon, or None."""
        for path in self.pid_files():
            with contextlib.suppress(ValueError):
                # The directory is often the daemon's own.
                number = int(files.head(path, 32) or b"")
                # The file outlives a daemon that was killed, and another process may have its number by now.
                for process in manager.processes():
                    if process.pid == number and self.program in os.path.basename(process.arguments[0]):
                        return number
        return None

    def running(self) -> bool:
        """Whether the daemon runs."""
        return self.pid() is not None

    def complaints(self) -> list[str]:
        """The last lines that the daemon logged as errors, secrets masked; none where it is not the one at fault."""
        if not self.touched and not self.asked:
            return []
        with contextlib.suppress(command.CommandError, OSError):
            return [self.mask(line) for line in self.complained().strip().splitlines()[-5:]]
        return []

    def mask(self, text: str) -> str:
        """``text`` without the secrets of the configuration files."""
        kept = [*self.kept.values(), *(self.previous.kept.values() if self.previous else ())]
        for secret in sorted(secrets([entry.text for entry in kept]), key=len, reverse=True):
            text = text.replace(secret, "********")
        return text

    # What is wanted

    def plan(self) -> activation.Plan:
        """What to do so that the daemon runs what is on disk."""
        running = self.running()
        found: list[Change] = []
        if self.previous is not None:
            before = self.previous.read
            for path, now in self.stamps.items():
                was = before.get(path)
                if was is None:
                    found.append(Change(self.apply, f"{path}: {self.title} reads it, and it was not activated before"))
                elif was != now:
                    reason = f"{path}: it differs from what was last activated; {self.title} reads it when it starts"
                    found.append(Change(self.apply, reason, f"{path}: {was}", f"{path}: {now}"))
            found += activation.database_changes(self.previous.databases, self.databases_now)
        found += self.changes()
        return activation.plan(
            found, daemon=self.title, running=running, recorded=self.previous is not None, unsure=self.unsure,
            pending=self.left,
        )  # fmt: skip

    def preflight(self, _wanted: activation.Plan) -> None:
        """Raise Rejected where what is on disk could not serve; the running daemon is not touched."""
        self.judge()

    # The way between them

    def activate(self, wanted: activation.Plan) -> None:
        """Carry out the plan of a started daemon, whose action may be none. Raises Rejected; rolls nothing back."""
        self.preflight(wanted)
        if wanted.action != "none":
            self.place.begin(wanted.action)
            self._act(wanted.action)
        self._prove()
        if self.remember and wanted.action != "none":
            self.place.write(self._record())
        elif not self.remember:
            self.place.done()

    def _record(self) -> activation.Record:
        """What now runs: what was on disk before the daemon was told, and nothing that changed since."""
        return activation.Record(
            self.title, self.directory, self.arguments(), self.kept, self.stamps, self.databases_now,
            pid=self.pid() or 0,
        )  # fmt: skip

    def _act(self, action: str) -> None:
        self.touched = True
        if action == "restart":
            self.stop()
        result = self.manager.reload() if action == "reload" else self.manager.start()
        if result.rc != 0:
            raise Rejected(self.mask(command.failure(result)))

    def _prove(self) -> None:
        """Wait until the daemon answers. Raises Rejected after the time limit."""
        self.asked = True
        deadline = time.monotonic() + self.options.timeout
        while True:
            try:
                if not self.running():
                    raise NotYet("its master process does not run")
                self.see()
                return
            except (NotYet, OSError) as exc:
                if time.monotonic() > deadline:
                    raise Rejected(
                        f"{self.title} does not answer as it should after {self.options.timeout:g} seconds:"
                        f" {self.mask(str(exc))}"
                    ) from exc
                time.sleep(PAUSE)

    def stop(self) -> None:
        """Stop the daemon, whoever started it. Raises CommandError where it goes on running."""
        pid = self.pid()
        if pid is None:
            return
        result = self.manager.stop()
        if self._runs_on(1.0):
            # The service manager does not know of a daemon that was started by hand.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        if self._runs_on(STOP_TIMEOUT):
            raise command.CommandError(f"{self.title}, process {pid}, does not stop: {command.failure(result)}")

    def _runs_on(self, timeout: float) -> bool:
        """Whether the daemon still runs after ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        while self.running():
            if time.monotonic() >= deadline:
                return True
            time.sleep(0.05)
        return False

    def roll_back(self) -> str:
        """Put the last activated files back and make the daemon run them. Returns a clause; "" without such files."""
        previous = self.previous
        if previous is None:
            return ""
        texts = {path: kept.text for path, kept in self.kept.items()}
        different = {path: old for path, old in previous.kept.items() if texts.get(path) != old.text}
        if not different:
            return ""
        rejected = self.place.reject({activation.name_of(path): texts[path] for path in different if path in texts})
        # An earlier run that was cut off may have made the daemon run what is rejected now.
        action = "start" if not self.running() else self.apply if self.touched or self.left else ""
        if action:
            self.place.begin(action)
        for path, old in different.items():
            files.write(path, files.encode_text(old.text), uid=old.uid, gid=old.gid, mode=old.mode)
            os.utime(path, ns=(old.mtime_ns, old.mtime_ns))
        # The sockets and the port are those of the files that are back.
        self.use(previous.arguments)
        self.read_files()
        serves = f"is in place again, and {self.title} was left as it runs"
        if action:
            self.preflight(activation.Plan(action))
            self._act(action)
            self._prove()
            serves = "serves again"
        self.place.done()
        return f"the last activated configuration {serves}; the rejected files are kept in {rejected}"
