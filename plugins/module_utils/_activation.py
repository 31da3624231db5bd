# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a daemon runs against what is on disk: the record of the last activation, the comparison, and the flow.

Shared by all daemons, by their modules and by the command that renewals call; so nothing here needs Ansible.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import platform
import stat
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

from ansible_collections.puffy.mail.plugins.module_utils import _command as command
from ansible_collections.puffy.mail.plugins.module_utils import _files as files

#: where the records are kept, one directory for each daemon
ROOT = "/var/db/puffy-mail" if platform.system() == "OpenBSD" else "/var/lib/puffy-mail"

#: what the directory of a record holds
RECORD, PENDING, LOCK, REJECTED = "active.json", "pending", "lock", "rejected"
_KEPT = frozenset({RECORD, PENDING, LOCK, REJECTED})

#: seconds to wait for another run that activates the same configuration directory
LOCK_TIMEOUT = 600.0


class Rejected(Exception):
    """What is on disk cannot serve; the message says why."""


class Failed(Exception):
    """An activation that failed; ``result`` holds the values that the module returns beside the message."""

    def __init__(self, message: str, result: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.result = dict(result)


# -- the plan ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """One difference. ``before`` and ``after`` are lines for the diff, secrets masked; None without such lines."""

    action: str
    reason: str
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True)
class Plan:
    """What to do with the daemon: none, start, reload, restart or stop; and why, a sentence each."""

    action: str
    changes: tuple[Change, ...] = ()

    @property
    def reasons(self) -> list[str]:
        return [change.reason for change in self.changes]

    def diff(self, directory: str, daemon: str = "Postfix") -> dict[str, str]:
        """The ``diff`` value Ansible shows."""
        before = [change.before for change in self.changes if change.before is not None]
        after = [change.after for change in self.changes if change.after is not None]
        return {
            "before": "".join(f"{line}\n" for line in before),
            "after": "".join(f"{line}\n" for line in after),
            "before_header": f"{daemon} as last activated",
            "after_header": f"{daemon} with {directory}",
        }


def plan(found: Sequence[Change], *, daemon: str, running: bool, recorded: bool, unsure: str, pending: str) -> Plan:
    """What to do so that the daemon runs what is on disk, where ``found`` are the differences from the record.

    Without a record nobody can know what the running daemon loaded: it is reloaded, or, where ``unsure`` says why a
    reload may not be enough, restarted. ``pending`` is the action of an earlier run that did not come to its end.
    """
    changes = list(found)
    if not running:
        return Plan("start", (Change("start", f"{daemon} is not running", "stopped", "running"), *changes))
    if not recorded:
        reason = f"no record tells what the running {daemon} has loaded"
        changes.append(Change("restart", f"{reason}, and {unsure}") if unsure else Change("reload", reason))
    elif pending:
        action = "restart" if pending in ("restart", "start") else "reload"
        changes.append(Change(action, f"an earlier run ended before its {pending} of {daemon} was complete"))
    actions = {change.action for change in changes}
    return Plan("restart" if "restart" in actions else "reload" if actions else "none", tuple(changes))


def stop_plan(running: bool, daemon: str = "Postfix") -> Plan:
    """What to do so that the daemon does not run."""
    return Plan("stop", (Change("stop", f"{daemon} is running", "running", "stopped"),)) if running else Plan("none")


# -- what stands for a file --------------------------------------------------------------------------------------------


def fingerprint(path: str, skip: Sequence[str] = ()) -> str | None:
    """What stands for the content of the file ``path``: its SHA-256, or why it has no SHA-256.

    None for a file under one of the ``skip`` directories.
    """
    real = os.path.realpath(path)
    if any(real.startswith(directory.rstrip("/") + "/") for directory in skip if directory):
        return None
    digest = hashlib.sha256()
    try:
        descriptor = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return "(no regular file)"
            while block := os.read(descriptor, 1 << 20):
                digest.update(block)
        finally:
            os.close(descriptor)
    except OSError as exc:
        return f"({errno.errorcode.get(exc.errno or 0, 'unreadable')})"
    return f"sha256:{digest.hexdigest()}"


@dataclass(frozen=True)
class Identity:
    """Which file a database is: daemons keep it open, and go on with the old file when another one takes its name.

    Times in nanoseconds: of the last change of the content, and of the last change of the file itself.
    """

    inode: int
    mtime_ns: int
    ctime_ns: int
    uid: int
    gid: int
    mode: int

    @classmethod
    def of(cls, path: str) -> Identity | None:
        """The identity of the file at ``path``; None without a file."""
        try:
            status = os.stat(path)
        except OSError:
            return None
        return cls(
            status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_uid, status.st_gid,
            stat.S_IMODE(status.st_mode),
        )  # fmt: skip

    def __str__(self) -> str:
        return (
            f"inode {self.inode}, owner {self.uid}:{self.gid}, mode {self.mode:04o}, renamed or changed {self.ctime_ns}"
        )


def database_changes(before: Mapping[str, Identity | None], now: Mapping[str, Identity | None]) -> list[Change]:
    """A reload for each database file that is another one now, or was away. A change inside it needs no reload.

    A file that was moved away and back has another time of its last change, and the content's as before. A path that
    came or went with its parameter is no reason of its own.
    """
    found = []
    for path in sorted(set(before) & set(now)):
        was, is_now = before[path], now[path]
        if was == is_now:
            continue
        if was is None or is_now is None:
            what = "is there again" if was is None else "is gone"
        elif was.inode != is_now.inode:
            what = "was replaced by another file"
        elif (was.uid, was.gid, was.mode) != (is_now.uid, is_now.gid, is_now.mode):
            what = "has another owner or mode"
        elif was.mtime_ns == is_now.mtime_ns:
            what = "was moved away and back"
        else:
            continue
        found.append(
            Change(
                "reload",
                f"{path}: the database {what}; daemons keep the file open that they have opened",
                f"{path}: {was or 'absent'}",
                f"{path}: {is_now or 'absent'}",
            )
        )
    return found


# -- the record --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kept:
    """A configuration file, whole: its text, its modification time in nanoseconds, its owner, group and mode."""

    text: str
    mtime_ns: int = 0
    uid: int = 0
    gid: int = 0
    mode: int = 0o600

    @classmethod
    def of(cls, path: str) -> Kept | None:
        """The file at ``path``, or None where it does not exist. Raises FileError for what cannot be read."""
        state = files.read(path)
        if state is None:
            return None
        return cls(state.text(), os.stat(path).st_mtime_ns, state.uid, state.gid, state.mode)


@dataclass(frozen=True)
class Record:
    """What was last activated in one configuration directory.

    ``arguments`` are the options of the call, ``kept`` the configuration files by path, ``read`` the fingerprints of
    the other files that the daemon reads when it starts, ``settings`` the values that only a restart applies.
    """

    daemon: str
    directory: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    kept: Mapping[str, Kept] = field(default_factory=dict)
    read: Mapping[str, str] = field(default_factory=dict)
    databases: Mapping[str, Identity | None] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    pid: int = 0


def encode(record: Record) -> str:
    """The record as JSON."""
    return json.dumps({"format": 2, **asdict(record)}, indent=1, sort_keys=True) + "\n"


def decode(text: str) -> Record:
    """Read a record written by ``encode``; ValueError for anything else."""
    try:
        data: dict[str, Any] = json.loads(text)
        if data.pop("format") != 2:
            raise ValueError("its format is not 2")
        data["kept"] = {path: Kept(**entry) for path, entry in data["kept"].items()}
        data["databases"] = {path: entry and Identity(**entry) for path, entry in data["databases"].items()}
        return Record(**data)
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise ValueError(f"is not a record of an activated configuration: {exc}") from exc


# -- where it is kept --------------------------------------------------------------------------------------------------


def check_trusted(path: str, *, shared: bool = False) -> None:
    """FileError where anybody but root can put something else at the directory ``path``, or at one above it.

    A directory above may be such as /tmp, where nobody can rename what root owns (sticky); with ``shared`` so may
    ``path`` itself.
    """
    try:
        # The name is never used: the walk to it ends in the directory.
        with files.place(os.path.join(path, RECORD), follow=False) as at:
            wrong = [f"{writer.path}: {writer.why}" for writer in at.writers]
            if not wrong and at.sticky and not shared:
                wrong = [f"{path}: can be written by other accounts"]
    except NotADirectoryError:
        wrong = [f"{path}: is not a directory"]
    except OSError as exc:
        raise files.FileError(f"{path}: cannot be used: {exc.strerror}. Nothing was changed.") from exc
    except files.FileError as exc:
        raise files.FileError(f"{exc}. Nothing was changed.") from None
    if wrong:
        raise files.FileError(
            f"{wrong[0]}, and records of activations are kept below it. Give it to root, with no right to write"
            " for others. Nothing was changed."
        )


def name_of(directory: str) -> str:
    """The name that stands for a configuration directory: ``/etc/postfix`` is ``etc-postfix``. No two share one."""
    words = os.path.realpath(directory).strip("/").split("/")
    return "-".join(urllib.parse.quote(word, safe="").replace("-", "%2D") for word in words) or "-"


class Place:
    """The directory of one record: made by root, for root alone."""

    def __init__(self, state_directory: str, configuration_directory: str) -> None:
        self.state_directory = state_directory
        self.directory = os.path.join(state_directory, name_of(configuration_directory))
        self.record = os.path.join(self.directory, RECORD)
        self.pending = os.path.join(self.directory, PENDING)
        self.rejected = os.path.join(self.directory, REJECTED)

    def check(self) -> None:
        """FileError where what is there is not the directory of a record. Changes nothing."""
        try:
            above = self.state_directory
            while not os.path.lexists(above):
                above = os.path.dirname(above)
            check_trusted(above, shared=above != self.state_directory)
            for path in (self.state_directory, self.directory, self.rejected):
                if os.path.islink(path):
                    raise files.FileError(f"{path}: is a symbolic link. Remove it. Nothing was changed.")
            self._check_foreign()
        except OSError as exc:
            raise files.FileError(
                f"the directory {self.state_directory!r} cannot be used: {exc.strerror}. Nothing was changed."
            ) from exc

    def _check_foreign(self) -> None:
        """FileError where the state directory holds anything but records, or what another account owns."""
        if not os.path.isdir(self.state_directory):
            return
        places = [os.path.join(self.state_directory, name) for name in sorted(os.listdir(self.state_directory))]
        for place in places:
            if not os.path.isdir(place) or any(
                name not in _KEPT and not files.is_staged(name) for name in os.listdir(place)
            ):
                raise files.FileError(
                    f"{self.state_directory!r} holds other files than the records of activations, such as {place!r}."
                    " Nothing was changed. Name a state_directory of its own."
                )
        inside = [self.directory] if os.path.isdir(self.directory) else []
        inside += [os.path.join(self.directory, name) for name in (os.listdir(self.directory) if inside else [])]
        for path in inside:
            status = os.lstat(path)
            if stat.S_ISLNK(status.st_mode) or status.st_uid not in files.owners():
                raise files.FileError(
                    f"{path}: is a link or belongs to the account with the number {status.st_uid}, and only root may"
                    " keep files there. Remove it. Nothing was changed."
                )

    def make(self) -> None:
        """Make the directory where it is not there. Raises FileError."""
        self.check()
        try:
            for path in (self.state_directory, self.directory):
                files.set_directory(path, uid=-1, gid=-1, mode=0o700)
        except files.FileError as exc:
            raise files.FileError(f"{exc}. Neither the daemon nor its configuration was changed.") from exc
        self.check()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Make the directory, keep other runs away, and remove what killed runs had begun to write."""
        self.make()
        with files.locked(os.path.join(self.directory, LOCK), LOCK_TIMEOUT):
            for directory in (self.directory, self.rejected):
                files.sweep(directory)
            yield

    def read(self, daemon: str) -> Record | None:
        """What was last activated, or None where nothing was."""
        found = files.read(self.record)
        if found is None:
            return None
        try:
            return decode(found.text())
        except ValueError as exc:
            raise files.FileError(
                f"{self.record}: {exc}; remove it, and the next run reloads {daemon} once; neither {daemon} nor its"
                " configuration was changed"
            ) from exc

    def write(self, record: Record) -> None:
        """Record what runs, and that nothing is pending."""
        self._keep(self.record, encode(record))
        self.done()

    def forget(self) -> None:
        """Remove what is recorded."""
        files.remove(self.record)
        self.done()

    def begin(self, action: str) -> None:
        """Note an action on disk before it is taken: a run that finds the note finishes what this one began."""
        self._keep(self.pending, action)

    def done(self) -> None:
        """Take the note away."""
        files.remove(self.pending)

    def begun(self) -> str:
        """The action that an earlier run began and did not end; empty without one."""
        left = files.read(self.pending)
        return left.text().strip() if left else ""

    def reject(self, texts: Mapping[str, str]) -> str:
        """Keep the configuration files that could not be activated, by name. Returns the directory."""
        with contextlib.suppress(FileExistsError):
            os.mkdir(self.rejected, 0o700)
        for name, text in texts.items():
            self._keep(os.path.join(self.rejected, name), text)
        return self.rejected

    @staticmethod
    def _keep(path: str, text: str) -> None:
        files.write(path, files.encode_text(text), uid=os.geteuid(), gid=os.getegid(), mode=0o600)


def records(state_directory: str) -> list[Record]:
    """The records below a state directory, by name. FileError where one is damaged, or another account may write it."""
    found = []
    for name in sorted(os.listdir(state_directory)) if os.path.isdir(state_directory) else []:
        check_trusted(os.path.join(state_directory, name))
        state = files.read(os.path.join(state_directory, name, RECORD))
        if state is not None:
            try:
                found.append(decode(state.text()))
            except ValueError as exc:
                raise files.FileError(f"{state.path}: {exc}; remove it; nothing was changed") from exc
    return found


# -- the flow ----------------------------------------------------------------------------------------------------------


class Manager(Protocol):
    """Who starts the daemon when the host boots."""

    def enabled(self) -> bool | None:
        """Whether it is started at boot; None where nothing would start it."""

    def enable(self, wanted: bool) -> None:
        """Have it started at boot, or not."""


class Activation(Protocol):
    """One run for one daemon and configuration directory: what is there, what is wanted, the way between them."""

    title: str
    directory: str
    place: Place
    previous: Record | None

    @property
    def manager(self) -> Manager:
        """Who starts the daemon."""

    def read(self) -> None:
        """Read the files, the record and the running process."""

    def running(self) -> bool:
        """Whether the daemon runs."""

    def plan(self) -> Plan:
        """What to do so that the daemon runs what is on disk."""

    def preflight(self, wanted: Plan) -> None:
        """Raise Rejected where what is on disk could not serve; the running daemon is not touched."""

    def activate(self, wanted: Plan) -> None:
        """Carry out the plan of a started daemon, whose action may be none. Raises Rejected; rolls nothing back."""

    def stop(self) -> None:
        """Stop the daemon, whoever started it. Raises CommandError where it goes on running."""

    def roll_back(self) -> str:
        """Put the last activated files back and make the daemon run them. Returns a clause; "" without such files."""

    def complaints(self) -> list[str]:
        """The log lines that say what is wrong."""

    def databases(self) -> Mapping[str, Identity | None]:
        """Which files the databases are that the daemon keeps open."""

    def arguments(self) -> Mapping[str, Any]:
        """The options to record."""


def converge(run: Activation, *, state: str, enabled: bool | None, check: bool) -> dict[str, Any]:
    """Do what the options ask; return the values of the module. Raises Failed.

    ``state`` is ``started`` or ``stopped``; ``running``: a daemon that runs makes what is on disk its own, and one that
    does not run is left alone; or ``refreshed``: the same for a daemon that was activated before, and only for that.
    """
    run.read()
    if state in ("refreshed", "running") and not run.running():
        return nothing(run)
    if state == "refreshed" and run.previous is None:
        return nothing(run)
    wanted = stop_plan(run.running(), run.title) if state == "stopped" else run.plan()
    reasons = wanted.reasons
    enable = enabled
    if enable is not None:
        at_boot = run.manager.enabled()
        if at_boot is None:
            raise ValueError(
                f"enabled: nothing starts {run.title} with {run.directory} at boot here; {run.title} is left as it is"
            )
        if at_boot == enable:
            enable = None
        else:
            reasons.append(f"{run.title} is {'not ' if enable else ''}started at boot")
    result = _result(run, wanted, enable, reasons)
    try:
        if state == "stopped":
            if wanted.action == "stop" and not check:
                run.stop()
        elif check:
            run.preflight(wanted)
        else:
            run.activate(wanted)
            if wanted.action == "none":
                _refresh(run)
    except Rejected as error:
        _fail(run, result, str(error), check=check)
    if enable is not None and not check:
        run.manager.enable(enable)
    return result


def retire(run: Activation, *, check: bool) -> dict[str, Any]:
    """Stop a daemon that was activated before, and forget that it was; return the values of the module. What was never
    activated is left alone. The configuration may be gone, and the program too."""
    if run.place.read(run.title) is None:
        return nothing(run)
    wanted = stop_plan(run.running(), run.title)
    at_boot: bool | None = None
    with contextlib.suppress(command.CommandError):
        at_boot = run.manager.enabled()
    reasons = [*wanted.reasons, *([f"{run.title} is started at boot"] if at_boot else [])]
    result = {**_result(run, wanted, None, reasons), "changed": True}
    if not check:
        if wanted.action == "stop":
            run.stop()
        if at_boot:
            run.manager.enable(False)
        run.place.forget()
    return result


def nothing(run: Activation) -> dict[str, Any]:
    """The values of the module where there is nothing to do."""
    return _result(run, Plan("none"), None, [])


def expected(run: Activation) -> dict[str, Any]:
    """The values of the module in check mode where earlier tasks of the run change what the daemon is to run."""
    reason = f"earlier tasks of this run change what {run.title} runs, and check mode cannot judge the outcome"
    wanted = Plan("reload", (Change("reload", reason, "as last activated", "what this run writes"),))
    return _result(run, wanted, None, wanted.reasons)


def _result(run: Activation, wanted: Plan, enable: bool | None, reasons: list[str]) -> dict[str, Any]:
    return {
        "changed": wanted.action != "none" or enable is not None,
        "action": wanted.action,
        "reasons": reasons,
        "rolled_back": False,
        "log": [],
        "diff": wanted.diff(run.directory, run.title),
    }


def _refresh(run: Activation) -> None:
    """Record what changed and needs no action: the times of a database that was written to, and the options."""
    if run.previous is not None:
        now = replace(run.previous, databases=dict(run.databases()), arguments=dict(run.arguments()))
        if now != run.previous:
            run.place.write(now)


def _fail(run: Activation, result: dict[str, Any], reason: str, *, check: bool) -> None:
    """Put the last activated configuration back where there is one, and fail."""
    begin = f"{run.title} cannot serve with the files in {run.directory}: {reason}"
    if check:
        raise Failed(f"{begin}; the run would fail", {**result, "changed": False})
    log = run.complaints()
    try:
        done = run.roll_back()
        result["rolled_back"] = bool(done)
        if not done:
            runs = "runs on" if run.running() else "does not run"
            done = f"there is no other configuration to go back to, and {run.title} {runs}"
    except (Rejected, files.FileError, command.CommandError, OSError, ValueError) as error:
        log += [line for line in run.complaints() if line not in log]
        done = f"going back to the last activated files failed too: {error}"
    said = "".join(f"; the log says: {' / '.join(log)}" if log else "")
    raise Failed(f"{begin}; {done}{said}", {**result, "changed": result["rolled_back"], "log": log})


def fingerprints(paths: Iterable[str], skip: Sequence[str] = ()) -> dict[str, str]:
    """The fingerprint of each path that has one."""
    found = {path: fingerprint(path, skip) for path in paths}
    return {path: value for path, value in found.items() if value is not None}
