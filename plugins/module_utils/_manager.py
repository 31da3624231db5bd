# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who starts and stops the daemons of this host (rcctl(8), systemctl(1) or an init script), and its processes."""

from __future__ import annotations

import abc
import contextlib
import os
import platform
import re
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.puffy.mail.plugins.module_utils import _command as command

#: seconds that an init script, systemd or rcctl may take; OpenBSD's rc.d waits 30 s for a daemon to stop
TIMEOUT = 120.0


def kind_of_host(service: str) -> str:
    """What starts ``service`` on this host: ``rcctl``, ``systemd``, ``init`` (a script), or empty for none of them."""
    if platform.system() == "OpenBSD":
        return "rcctl"
    if os.path.isdir("/run/systemd/system"):
        return "systemd"
    return "init" if os.access(f"/etc/init.d/{service}", os.X_OK) else ""


class Manager(abc.ABC):
    """How ``service`` is started on this host. A kind without a manager is for the subclass to serve."""

    def __init__(self, kind: str, service: str) -> None:
        self.kind = kind
        self.service = service

    def start(self) -> command.Result:
        """Start the daemon, which does not run."""
        if self.kind == "rcctl":
            # -f: rc.d refuses to start a service that is not enabled.
            argv = [command.require("rcctl"), "-f", "start", self.service]
        elif self.kind == "systemd":
            self._read_unit()
            # Debian 11's postfix.service is a shell around postfix@-.service and stays active when that one died:
            # to start it would do nothing.
            argv = [command.require("systemctl"), "restart", f"{self.service}.service"]
        elif self.kind == "init":
            argv = [f"/etc/init.d/{self.service}", "start"]
        else:
            return self.directly("start")
        return command.run(argv, timeout=TIMEOUT, check=False)

    def _read_unit(self) -> None:
        """Have systemd read the unit, or a file beside it, that changed since it did."""
        systemctl = command.require("systemctl")
        said = command.run([systemctl, "show", "--property=NeedDaemonReload", f"{self.service}.service"], check=False)
        if said.stdout.strip() == "NeedDaemonReload=yes":
            command.run([systemctl, "daemon-reload"], timeout=TIMEOUT)

    def stop(self) -> command.Result:
        """Ask the service manager to stop the daemon. One that was started by hand may be none of its business."""
        if self.kind == "rcctl":
            argv = [command.require("rcctl"), "stop", self.service]
        elif self.kind == "systemd":
            argv = [command.require("systemctl"), "stop", f"{self.service}.service"]
        elif self.kind == "init":
            argv = [f"/etc/init.d/{self.service}", "stop"]
        else:
            return self.directly("stop")
        return command.run(argv, timeout=TIMEOUT, check=False)

    def reload(self) -> command.Result:
        """Make the running daemon read its configuration again."""
        if self.kind == "rcctl":
            return command.run([command.require("rcctl"), "reload", self.service], timeout=TIMEOUT, check=False)
        # systemctl reload refuses a daemon that was started by hand.
        return self.directly("reload")

    @abc.abstractmethod
    def directly(self, verb: str) -> command.Result:
        """Start, stop or reload the daemon by its own command."""

    def enabled(self) -> bool | None:
        """Whether the daemon is started at boot; None where nothing would start it."""
        if self.kind == "rcctl":
            result = command.run([command.require("rcctl"), "get", self.service, "status"], check=False)
            if result.rc not in (0, 1):
                raise command.CommandError(command.failure(result))
            return result.rc == 0
        if self.kind == "systemd":
            argv = [command.require("systemctl"), "is-enabled", f"{self.service}.service"]
            result = command.run(argv, check=False)
            if result.rc != 0 and not result.stdout.strip():
                raise command.CommandError(command.failure(result))
            return result.rc == 0
        if self.kind == "init":
            return any(
                re.fullmatch(rf"S\d\d{re.escape(self.service)}", name)
                for level in "2345"
                if os.path.isdir(f"/etc/rc{level}.d")
                for name in os.listdir(f"/etc/rc{level}.d")
            )
        return None

    def enable(self, wanted: bool) -> None:
        """Have the daemon started at boot, or not."""
        verb = "enable" if wanted else "disable"
        if self.kind == "rcctl":
            command.run([command.require("rcctl"), verb, self.service])
        elif self.kind == "systemd":
            command.run([command.require("systemctl"), verb, f"{self.service}.service"])
        elif self.kind == "init":
            update = command.require("update-rc.d")
            if wanted:
                command.run([update, self.service, "defaults"])
            command.run([update, self.service, verb])


@dataclass(frozen=True)
class Process:
    """A process of the host: its id, its parent's, and its arguments, the program first."""

    pid: int
    parent: int
    arguments: tuple[str, ...]


def processes() -> list[Process]:
    """The processes of this host, from proc(5) where it has that, otherwise from ps(1)."""
    if os.path.isdir("/proc/self"):
        return [found for name in os.listdir("/proc") if name.isdigit() for found in _of_proc(int(name))]
    listed = command.run([command.require("ps"), "-A", "-ww", "-o", "pid=", "-o", "ppid=", "-o", "args="])
    rows = (line.split() for line in listed.stdout.splitlines())
    return [Process(int(words[0]), int(words[1]), tuple(words[2:])) for words in rows if len(words) > 2]


def _of_proc(pid: int) -> Iterator[Process]:
    """The process ``pid``, unless it has ended."""
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
            # The name, in parentheses, may hold anything; the state and the parent follow it.
            parent = int(stream.read().rpartition(")")[2].split()[1])
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as stream:
            yield Process(pid, parent, tuple(stream.read().rstrip("\0").split("\0")))


def end(pids: Sequence[int], timeout: float) -> None:
    """End processes, and wait up to ``timeout`` seconds until they are gone."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + timeout
    while set(pids) & {found.pid for found in processes()} and time.monotonic() < deadline:
        time.sleep(0.05)
