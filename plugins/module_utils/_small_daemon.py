# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small daemon that serves Postfix on sockets, such as a milter: it reads its files only when it starts."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils import _activation as activation
from ansible_collections.puffy.mail.plugins.module_utils import _command as command
from ansible_collections.puffy.mail.plugins.module_utils import _manager as manager
from ansible_collections.puffy.mail.plugins.module_utils._activation import Change, Rejected
from ansible_collections.puffy.mail.plugins.module_utils._file_daemon import FileDaemon, NotYet
from ansible_collections.puffy.mail.plugins.module_utils._postfix import daemon

#: seconds that a socket may take to accept a connection
PATIENCE = 5.0

_WRONG = re.compile(r"error|fail|fatal|cannot|can't|unable|denied|already in use", re.IGNORECASE)


@dataclass(frozen=True)
class Options:
    """What the module is called with. ``timeout`` is in seconds."""

    name: str
    title: str
    program: str
    pid_file: str
    #: the configuration files, the main one first; they are put back where the daemon cannot serve with them
    files: tuple[str, ...]
    #: what it reads beside them
    reads: tuple[str, ...]
    #: a command that succeeds where the files can serve; empty for none
    check_command: tuple[str, ...]
    sockets: tuple[str, ...]
    #: what the service manager starts it with, for what no file of the daemon's own holds
    flags: str
    timeout: float

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Options:
        """The options as a record has them."""
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in arguments.items()
        }
        return cls(**values)


class Manager(manager.Manager):
    """How the daemon is started on this host."""

    def directly(self, verb: str) -> command.Result:
        """Raise CommandError: the daemon has no command for that."""
        raise command.CommandError(
            f"nothing here can {verb} {self.service}: there is no rcctl, no systemd and no /etc/init.d/{self.service}"
        )


class Activation(FileDaemon):
    """One run for a small daemon."""

    apply, unsure = "restart", "it reads its files only when it starts"

    def __init__(self, options: Options, place: activation.Place) -> None:
        super().__init__(options, place, Manager(manager.kind_of_host(options.name), options.name))
        self.title, self.program = options.title, options.program
        self.log = daemon.Log()

    def pid_files(self) -> Sequence[str]:
        """The file that the options name."""
        return (self.options.pid_file,)

    def arguments(self) -> dict[str, Any]:
        """The options to record."""
        values = asdict(self.options)
        return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}

    def use(self, arguments: Mapping[str, Any]) -> None:
        """Go on with the options of a record: the sockets are those of its files."""
        self.options = replace(Options.of(arguments), timeout=self.options.timeout)

    def other_paths(self) -> Sequence[str]:
        """What the daemon reads beside its configuration files."""
        return tuple(self.options.reads)

    def changes(self) -> list[Change]:
        """A restart for other flags."""
        before = self.previous.arguments.get("flags", "") if self.previous else self.options.flags
        reason = f"the flags of {self.title} were {before!r} when it was last activated"
        return [Change(self.apply, reason)] if before != self.options.flags else []

    def judge(self) -> None:
        """Raise Rejected where the daemon itself refuses its files."""
        if self.options.check_command:
            name, *arguments = self.options.check_command
            argv = [command.require(name, hint=f"is {self.title} installed?"), *arguments]
            done = command.run(argv, check=False)
            if done.rc != 0:
                raise Rejected(self.mask(command.failure(done)))

    def see(self) -> None:
        """Connect to each socket."""
        for path in self.options.sockets:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(PATIENCE)
                try:
                    client.connect(path)
                except OSError as exc:
                    raise NotYet(f"{path} cannot be connected to: {exc.strerror or exc}") from exc

    def complained(self) -> str:
        """The lines of the mail log that the daemon wrote since the run began, and that tell of a fault."""
        mine = re.compile(rf"\b{re.escape(os.path.basename(self.options.program))}(\[\d+\])?:")
        return "\n".join(line for line in self.log.lines() if mine.search(line) and _WRONG.search(line))
