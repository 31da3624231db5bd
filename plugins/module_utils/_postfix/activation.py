# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the running Postfix run the configuration on disk, proves that it does, and goes back where it cannot."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils import _activation as activation
from ansible_collections.puffy.mail.plugins.module_utils import _command as command
from ansible_collections.puffy.mail.plugins.module_utils import _files as files
from ansible_collections.puffy.mail.plugins.module_utils import _manager as manager
from ansible_collections.puffy.mail.plugins.module_utils._activation import Rejected
from ansible_collections.puffy.mail.plugins.module_utils._postfix import (
    checks,
    daemon,
    host,
    main_cf,
    master_cf,
    service,
    transaction,
    types,
)

#: seconds in which master(8) has acted on the signal of a reload, where no log tells
SETTLE = 1.0

#: What the limits of Postfix are on OpenBSD.
LOGIN_CLASS = "/etc/login.conf.d/postfix"
#: Seconds after a reload in which a service must answer, or Postfix is restarted. master(8) does not start a daemon
#: for 60 s (service_throttle_time) after one that ended at once, and a reload does not shorten that (measured, 3.5.25).
GRACE = 5.0
THROTTLE = 60.0

#: seconds that the queue manager must run
STEADY = 0.25

#: seconds for the daemons of a master(8) that was killed to end
ORPHANS = 5.0


class Activation:
    """One run for one configuration directory: what is there, what is wanted, and the way between them."""

    title = "Postfix"

    def __init__(
        self, directory: str, place: activation.Place, timeout: float, skip: Sequence[str] | None = None
    ) -> None:
        self.directory = directory
        self.place = place
        self.timeout = timeout
        #: the rules that the checks leave out; None: as in the record
        self.skip = skip
        self.manager: daemon.Manager = daemon.Manager.of_host(directory)
        self.previous: activation.Record | None = None

    # What is there

    def read(self) -> None:
        """Read the files, the record and the running process."""
        interrupted = transaction.interrupted(self.directory)
        contents = interrupted.contents if interrupted else {}
        self.states = {name: transaction.read(os.path.join(self.directory, name)) for name in transaction.NAMES}
        main, master = self._configuration("main.cf", contents), self._configuration("master.cf", contents)
        self.previous = self.place.read(self.title)
        self.before = None if self.previous is None else service.of_record(self.previous)
        if self.skip is None and self.previous is not None:
            self.skip = self.previous.arguments.get("skip", ())
        self.problem = ""
        try:
            self.parameters = daemon.effective(self.directory)
        except command.CommandError as exc:
            # postconf reads both files as master(8) does, which ends where it cannot, at a reload too.
            if self.previous is None:
                raise
            self.problem = str(exc)
            self.parameters = {**self.previous.settings, "mail_version": self.previous.version}
        self.ports = service.known_ports(self.parameters.get("known_tcp_ports", ""))
        self.left = self.place.begun()
        self.log = self._log()
        self.lock = self._lock(self.parameters)
        self.old_lock = self._lock(self.previous.settings) if self.previous else self.lock
        self.pid = daemon.master_pid(self.old_lock)
        if self.pid is None:
            self.old_lock = self.lock
            self.pid = daemon.master_pid(self.lock)
        self.orphans = service.orphans(manager.processes()) if self.pid is None else []
        entries = service.services(master.text)
        set_there = service.parameters(main.text)
        paths = service.read_files(set_there, entries, self.parameters.get)
        self.databases_now = self._databases(service.sqlite_clients(set_there, entries, self.parameters.get))
        # What Postfix writes itself is not configuration.
        skip = [self.parameters.get(name, "") for name in ("queue_directory", "data_directory")]
        self.now = service.Snapshot(
            main,
            master,
            {name: self.parameters[name] for name in types.RESTART if name in self.parameters},
            activation.fingerprints(paths, skip),
            self.parameters.get("mail_version", ""),
            self.pid or 0,
        )

    def _configuration(self, name: str, contents: Mapping[str, bytes]) -> service.ConfigFile:
        state = self.states[name]
        content = contents.get(os.path.realpath(state.path), state.content)
        mtime = os.stat(state.path).st_mtime_ns
        return service.ConfigFile(content.decode("utf-8", "surrogateescape"), mtime)

    def _databases(self, clients: Sequence[str]) -> dict[str, activation.Identity | None]:
        """Which files the SQLite databases are that tables keep open, and the directories they lie in."""
        found: dict[str, activation.Identity | None] = {}
        for client in clients:
            if client.startswith(("/", ".")):
                path = os.path.join(self.directory, client)
                if not os.path.isfile(path):
                    continue
                state = files.read(path)
                database = service.parameters(state.text()).get("dbpath", "") if state else ""
            else:
                database = self.parameters.get(f"{client}_dbpath", "")
            if database.startswith("/"):
                # A directory that was closed for a while, or moved away and back, leaves no trace on the file.
                for path in (database, os.path.dirname(database)):
                    found[path] = activation.Identity.of(path)
        return found

    def running(self) -> bool:
        """Whether master(8) runs."""
        return daemon.master_pid(self.lock) is not None or daemon.master_pid(self.old_lock) is not None

    def databases(self) -> dict[str, activation.Identity | None]:
        """Which files the databases are."""
        return self.databases_now

    def arguments(self) -> dict[str, Any]:
        """The options to record."""
        return {"config_directory": self.directory, "timeout": self.timeout, "skip": list(self.skip or ())}

    def complaints(self) -> list[str]:
        """The last lines of the mail log that say what is wrong."""
        return service.problems(self.log.lines())[-20:]

    def _log(self) -> daemon.Log:
        return daemon.Log(self.parameters.get("maillog_file", ""))

    @staticmethod
    def _lock(settings: Mapping[str, str]) -> str:
        return daemon.lock_path(
            settings.get("queue_directory", "/var/spool/postfix"), settings.get("process_id_directory", "pid")
        )

    # What is wanted

    def listeners(self, snapshot: service.Snapshot) -> tuple[service.Listener, ...]:
        """The listeners of a configuration, without those that this host's address families rule out."""
        set_there = service.parameters(snapshot.main.text)
        found = service.listeners(
            service.services(snapshot.master.text),
            snapshot.settings,
            lambda name: set_there.get(name, self.parameters.get(name)),
            lambda name: self.ports.get(name) or daemon.port_of(name),
            daemon.addresses_of,
        )
        return tuple(listener for listener in found if daemon.usable(listener))

    def plan(self) -> activation.Plan:
        """What to do so that Postfix runs what is on disk."""
        self.held: tuple[service.Listener, ...] = ()
        if self.before is not None:
            with contextlib.suppress(ValueError):
                self.held = self.listeners(self.before)
        try:
            self.wanted = self.listeners(self.now)
        except ValueError as exc:
            self.wanted, self.problem = (), self.problem or str(exc)
        recorded = self.previous.databases if self.previous is not None else {}
        return service.plan(
            self.before,
            self.now,
            running=self.pid is not None,
            held=self.held,
            wanted=self.wanted,
            unsure=self._unsure(),
            pending=self.left,
            others=[*activation.database_changes(recorded, self.databases_now), *self._login_class()],
        )

    def _login_class(self) -> list[activation.Change]:
        """A restart where the limits of the login class were changed after Postfix started.

        rc.d(8) starts the daemon in the class of its name (OpenBSD login.conf(5)), and a reload keeps master(8) and its
        limits. master(8) writes its process id when it starts.
        """
        if self.pid is None or not os.path.exists(LOGIN_CLASS):
            return []
        if os.stat(LOGIN_CLASS).st_mtime <= os.stat(self.old_lock).st_mtime:
            return []
        reason = f"{LOGIN_CLASS}: a reload does not apply it, and it is newer than the running Postfix"
        return [activation.Change("restart", reason)]

    def _unsure(self) -> str:
        """Why a reload may not bring a daemon without a record to what is on disk; empty where it does."""
        if self.previous is not None or self.pid is None:
            return ""
        # master(8) writes its process id when it starts.
        started = os.stat(self.old_lock).st_mtime_ns
        if max(self.now.main.mtime_ns, self.now.master.mtime_ns) <= started:
            return ""
        if self.now.main.mtime_ns > started and "import_environment" in service.parameters(self.now.main.text):
            # What master(8) hands to its daemons is in its memory alone.
            return "import_environment may have been set since it started"
        held = daemon.listening()
        if held is None:
            return f"the files in {self.directory} are younger than the daemon"
        expected = {(listener.address, listener.port) for listener in self.wanted}
        ports = {port for _unused, port in held} & {port for _unused, port in expected}
        if {entry for entry in held if entry[1] in ports} != {entry for entry in expected if entry[1] in ports}:
            return "the daemon listens on other addresses than they say"
        return ""

    def preflight(self, wanted: activation.Plan) -> None:
        """Raise Rejected where the configuration on disk could not serve; the running daemon is not touched."""
        if self.problem:
            raise Rejected(self.problem)
        if wanted.action != "none":
            self._judge()
            self._check_listeners()

    def _judge(self) -> None:
        """Raise Rejected where the checks find an error in what was not activated before.

        Names that Postfix does not know do no harm to what runs, and puffy.mail.postconf has judged them.
        """
        before, now = self.before, self.now
        if before and (before.main.text, before.master.text, before.files) == (
            now.main.text, now.master.text, now.files
        ):  # fmt: skip
            return
        main = main_cf.parse(now.main.text, os.path.join(self.directory, "main.cf"))
        master = master_cf.parse(now.master.text, os.path.join(self.directory, "master.cf"))
        there = host.gather(self.directory, {entry.name: entry.raw for entry in main.entries()})
        found = checks.check(main, master, there, unknown="warn", skip=self.skip or (), whole=True)
        errors = [str(finding) for finding in found if finding.severity == checks.ERROR]
        if errors:
            raise Rejected("; ".join(errors))

    def _check_listeners(self) -> None:
        for sentence in (*service.refused(service.services(self.now.master.text)), *service.collisions(self.wanted)):
            raise Rejected(sentence)
        for listener in self.wanted:
            # Without a record, what holds a port may be the running Postfix.
            ours = self.pid is not None and (
                self.previous is None or any(listener.overlaps(held) for held in self.held)
            )
            reason = daemon.cannot_bind(listener, address_only=ours or self.orphans != [])
            if reason and not (self.pid and not daemon.answers(replace(listener, greets="connect"), 2.0, self.pid)):
                raise Rejected(f"service {listener.service} is to listen on {listener}, but {reason}")

    def check(self) -> None:
        """Raise Rejected where "postfix check" fails. Where it does, the signal of a reload would end master(8)."""
        result = self.manager.postfix("check", check=False)
        if result.rc != 0:
            raise Rejected(command.failure(result))

    # The way between them

    def activate(self, wanted: activation.Plan) -> None:
        """Carry out the plan of a started Postfix, whose action may be none. Raises Rejected; rolls nothing back."""
        self.log = self._log()
        self.preflight(wanted)
        if wanted.action == "none":
            return
        if self.orphans and any(daemon.cannot_bind(listener, address_only=False) for listener in self.wanted):
            manager.end(self.orphans, ORPHANS)
            self.orphans = []
            self.preflight(wanted)
        self.check()
        self.act(wanted.action, self.now)
        self.remember()

    def act(self, action: str, snapshot: service.Snapshot, *, going_back: bool = False) -> None:
        """Start, reload or restart Postfix, and wait until it serves. Raises Rejected where it does not.

        On the way back the log may still gain lines of daemons that had read the rejected files: not judged then.

        The pending action is on disk until what runs is on record, so a run that is cut off leaves no daemon
        that nobody knows about.
        """
        self.place.begin(action)
        if action == "restart":
            self.stop()
        self._tell(action)
        begin = time.monotonic()
        waiting = self.probes(snapshot)
        while waiting:
            self._alive(going_back)
            listener, passed = waiting[0], time.monotonic() - begin
            # A throttled service accepts connections and says nothing; the time limit lets it be noticed.
            patience = min(GRACE, self.timeout) if action == "reload" else self.timeout
            master = daemon.master_pid(self.lock) or 0
            reason = daemon.answers(listener, max(0.1, patience - passed), master)
            passed = time.monotonic() - begin
            if not reason:
                waiting.pop(0)
            elif passed >= self.timeout:
                raise Rejected(
                    f"service {listener.service} does not answer on {listener} within {self.timeout:g} s: {reason}"
                )
            elif passed >= GRACE and action == "reload":
                self._alive(going_back)
                action = "restart"
                self.stop()
                self._tell("start")
            else:
                time.sleep(0.05)
        self._steady(snapshot, begin, going_back)

    def probes(self, snapshot: service.Snapshot) -> list[service.Listener | service.Core]:
        """What has to answer before a configuration serves."""
        entries = service.services(snapshot.master.text)
        lookup = {**self.parameters, **snapshot.settings}.get
        return [*service.cores(entries, lookup), *service.probes(self.listeners(snapshot))]

    def _steady(self, snapshot: service.Snapshot, begin: float, going_back: bool) -> None:
        """Wait until the queue manager stays. master(8) wakes it when it starts and at a reload; one that cannot run
        ends within milliseconds, and no listener shows that."""
        name = self.parameters.get("queue_service_name", "qmgr")
        programs = [entry.command for entry in service.services(snapshot.master.text) if entry.name == name]
        since: dict[int, float] = {}
        while True:
            self._alive(going_back)
            now = time.monotonic()
            parent = daemon.master_pid(self.lock)
            there = {
                found.pid
                for found in manager.processes()
                if found.parent == parent and os.path.basename(found.arguments[0]) in programs
            }
            since = {pid: since.get(pid, now) for pid in there}
            if not programs or any(now - first >= STEADY for first in since.values()):
                return
            if now - begin >= self.timeout:
                raise Rejected(f"service {name}/unix, the queue manager, does not stay")
            time.sleep(0.05)

    def _tell(self, action: str) -> None:
        """Start or reload Postfix, and wait until master(8) has noticed."""
        before = daemon.master_pid(self.lock)
        result = self.manager.reload() if action == "reload" else self.manager.start()
        if result.rc != 0:
            raise Rejected(command.failure(result))
        self._settle(action, before)

    def _settle(self, action: str, before: int | None) -> None:
        """Wait until master(8) has taken the action up: until then the old listeners would answer."""
        word = "reload -- version" if action == "reload" else "daemon started -- version"
        end = time.monotonic() + SETTLE
        while time.monotonic() < end:
            if any(word in line for line in self.log.lines()):
                return
            if action == "reload" and daemon.master_pid(self.lock) != before:
                return
            time.sleep(0.02)

    def _alive(self, going_back: bool) -> None:
        if daemon.master_pid(self.lock) is None:
            raise Rejected("master(8) ended")
        if not going_back and service.failed(self.log.lines()):
            raise Rejected("a daemon does not start")

    def stop(self) -> None:
        """Stop Postfix, whoever started it. Raises CommandError where it goes on running."""
        pid = daemon.master_pid(self.old_lock)
        if pid is None:
            return
        with daemon.deliveries_end(pid, self.old_lock):
            result = self.manager.stop()
            if daemon.master_pid(self.old_lock) is not None and self.old_lock == self.lock:
                result = self.manager.postfix("stop", check=False)
            if daemon.master_pid(self.old_lock) is not None:
                # postfix(1) stop reads main.cf first and gives up where it is bad, or looks in the new queue_directory.
                daemon.terminate(self.old_lock, pid)
        if daemon.master_pid(self.old_lock) is not None:
            raise command.CommandError(f"Postfix, process {pid}, does not stop: {command.failure(result)}")

    def remember(self) -> None:
        """Record what now runs."""
        snapshot = replace(self.now, pid=daemon.master_pid(self.lock) or 0)
        self.place.write(service.to_record(snapshot, self.directory, self.arguments(), self.databases_now))

    def roll_back(self) -> str:
        """Put the last activated files back and make Postfix run them. Returns a sentence; "" without such files."""
        previous = self.before
        if previous is None:
            return ""
        texts = {"main.cf": (self.now.main, previous.main), "master.cf": (self.now.master, previous.master)}
        changes = []
        for name, (now, old) in texts.items():
            if now.text != old.text:
                changes.append(transaction.Change(self.states[name], files.encode_text(old.text)))
        if not changes:
            return ""
        rejected = self.place.reject({name: now.text for name, (now, _old) in texts.items()})
        pid = daemon.master_pid(self.old_lock)
        # A cleanup(8) that met the rejected files would keep smtpd(8), which answers, from taking mail.
        since = min(now.mtime_ns for now, old in texts.values() if now.text != old.text) / 1e9
        met = self.log.recent(min(THROTTLE, max(0.0, time.time() - int(since))))
        lame = pid != self.pid or service.throttled(met)
        action = "start" if pid is None else "restart" if lame else "reload"
        self.place.begin(action)
        transaction.swap(self.directory, changes, action)
        for change in changes:
            # Postfix dozes until a file is older than the current second (dict.c), and this one is complete.
            old = texts[os.path.basename(change.before.path)][1]
            os.utime(change.before.path, ns=(old.mtime_ns, old.mtime_ns))
        self.log = self._log()
        self.lock = self._lock(previous.settings)
        self.act(action, previous, going_back=True)
        self.place.done()
        return f"the last activated main.cf and master.cf serve again; the rejected ones are kept in {rejected}"


@contextlib.contextmanager
def locked(directory: str, place: activation.Place) -> Iterator[None]:
    """Keep other runs away from a configuration directory and its record, and finish a change of its files."""
    with place.locked(), transaction.locked(directory, activation.LOCK_TIMEOUT):
        transaction.recover(directory)
        yield
