#!/usr/bin/python
# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postfix_service
short_description: Make the running Postfix run the configuration on disk
version_added: "0.1.0"
description:
  - Compares what was last activated with what is on disk now, and starts, reloads or restarts Postfix as the difference
    demands. What the play changed does not matter, so a run that was cut off is finished by the next one, and a file
    edited by hand becomes live.
  - A reload keeps the master(8) process and every listening socket. A restart happens only for what a reload does
    not apply - parameters such as C(inet_interfaces) and C(inet_protocols), and a service that takes over the address
    and port of another one.
  - Compared are the parameters of C(main.cf), the services of C(master.cf), and the content of the files they name that
    daemons read when they start - certificates, keys, C(cidr:), C(pcre:), C(regexp:) and C(texthash:) tables, client
    files of databases. Indexed tables such as C(hash:) are left out, because the daemons notice a new one themselves.
  - Before Postfix is told anything, C(postfix check) must pass, every address that it is to listen on must be one of
    this host, and every new port must be free. So the running daemon goes on serving where the new configuration could
    not.
  - Afterwards every listener of C(master.cf) must answer, those of smtpd(8) with an SMTP greeting. If one does not,
    or master(8) ends, the last activated C(main.cf) and C(master.cf) are put back, Postfix is made to run them, and
    the module fails with the lines of the mail log that say why.
  - Works through rcctl(8) on OpenBSD, systemctl(1) where systemd runs, and else the init script. A configuration
    in another place than C(/etc/postfix) is started by postfix(1) itself.
author:
  - The puffy.mail developers (@puffy-mail)
extends_documentation_fragment:
  - puffy.mail.attributes
attributes:
  check_mode:
    support: partial
    details:
      - Says which action the run would take, and why. C(postfix check) is not run, because it creates directories, so
        a configuration that it rejects is reported only by the run.
  diff_mode:
    support: full
    details:
      - The parameters, services and file fingerprints that differ from what was last activated. Values of parameters
        that are secret by their name, and of C(inline:) tables, are masked.
  idempotent:
    support: full
  platform:
    support: full
    platforms: OpenBSD, Linux
options:
  state:
    description:
      - With V(started) Postfix runs, and runs what is on disk.
      - With V(stopped) Postfix does not run.
    type: str
    choices: [started, stopped]
    default: started
  enabled:
    description:
      - Whether Postfix is started when the host boots. Left as it is by default.
      - Only for the configuration in C(/etc/postfix).
    type: bool
  config_directory:
    description: The directory of C(main.cf) and C(master.cf), an absolute path.
    type: path
    default: /etc/postfix
  timeout:
    description: How long to wait for the listeners to answer, in seconds, from 1 to 3600.
    type: int
    default: 30
  state_directory:
    description:
      - Where the record of what was last activated is kept, an absolute path. It is created with mode C(0700). The
        record contains C(main.cf) and C(master.cf).
      - The default is V(/var/db/puffy-mail/postfix) on OpenBSD and V(/var/lib/puffy-mail/postfix) elsewhere.
      - Files that could not be activated are kept in its directory C(rejected).
    type: path
notes:
  - Needs root.
  - Where there is no record yet and Postfix already runs, nobody can know what it has loaded. It is then reloaded once,
    or restarted where C(main.cf) or C(master.cf) is younger than the daemon and its listeners are not the expected
    ones, or C(main.cf) sets C(import_environment).
  - Only C(main.cf) and C(master.cf) are put back after a failure. Tables and certificates stay as they are.
seealso:
  - name: postfix(1)
    description: The command that starts, reloads and stops Postfix.
    link: https://www.postfix.org/postfix.1.html
  - name: master(8)
    description: The process that listens and starts the daemons.
    link: https://www.postfix.org/master.8.html
"""

EXAMPLES = r"""
- name: Make Postfix run the configuration on disk, now and after a boot
  puffy.mail.postfix_service:
    enabled: true

- name: Stop Postfix for a migration
  puffy.mail.postfix_service:
    state: stopped
    enabled: false
"""

RETURN = r"""
action:
  description: What was done with the daemon, or would be in check mode. V(none) also where only O(enabled) changed.
  returned: always, once the options and files could be read
  type: str
  sample: reload
reasons:
  description: Why, a sentence for each difference.
  returned: always, once the options and files could be read
  type: list
  elements: str
  sample: ["main.cf: message_size_limit is '20480000' and was not set"]
rolled_back:
  description: Whether the last activated C(main.cf) and C(master.cf) were put back because the new ones cannot serve.
  returned: always, once the options and files could be read
  type: bool
  sample: false
log:
  description: Lines of the mail log since the action that explain a failure. Empty on success.
  returned: always, once the options and files could be read
  type: list
  elements: str
  sample: []
"""

import contextlib
import os
import platform
import re
import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils import _activation as activation
from ansible_collections.puffy.mail.plugins.module_utils import _command as command
from ansible_collections.puffy.mail.plugins.module_utils import _files as files
from ansible_collections.puffy.mail.plugins.module_utils import _manager as manager
from ansible_collections.puffy.mail.plugins.module_utils._postfix import daemon, service, transaction, types
from ansible_collections.puffy.mail.plugins.module_utils._postfix import module as postfix_module

#: seconds in which master(8) has acted on the signal of a reload, where no log tells
SETTLE = 1.0

#: Seconds after a reload in which a service must answer, or Postfix is restarted. master(8) does not start a daemon
#: for 60 s (service_throttle_time) after one that ended at once, and a reload does not shorten that (measured, 3.5.25).
GRACE = 5.0
THROTTLE = 60.0

#: seconds for the daemons of a master(8) that was killed to end
ORPHANS = 5.0

#: what the state directory holds
KEPT = frozenset({"active.json", "pending", "lock", "rejected", "main.cf", "master.cf"})
#: a file that a run was writing there when it was killed (the names that _files.stage() gives)
LEFT_OVER = re.compile(r"\.(?:active\.json|pending|main\.cf|master\.cf)\..*\.new")

#: seconds to wait for another run that activates on the same host
LOCK_TIMEOUT = 600.0


class Rejected(Exception):
    """The configuration on disk cannot serve; the message says why."""


class Activation:
    """One run of the module: what is there, what is wanted, and the way between them."""

    def __init__(self, directory: str, state_directory: str, timeout: float) -> None:
        self.directory = directory
        self.state_directory = state_directory
        self.timeout = timeout
        self.record = os.path.join(state_directory, "active.json")
        self.pending = os.path.join(state_directory, "pending")
        self.manager = daemon.Manager.of_host(directory)

    # What is there

    def read(self) -> None:
        """Read the files, the record and the running process."""
        interrupted = transaction.interrupted(self.directory)
        contents = interrupted.contents if interrupted else {}
        self.states = {name: transaction.read(os.path.join(self.directory, name)) for name in transaction.NAMES}
        main, master = self._configuration("main.cf", contents), self._configuration("master.cf", contents)
        self.previous = self._previous()
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
        left = files.read(self.pending)
        self.left = left.text().strip() if left else ""
        self.log = self._log()
        self.lock = self._lock(self.parameters)
        self.old_lock = self._lock(self.previous.settings) if self.previous else self.lock
        self.pid = daemon.master_pid(self.old_lock)
        if self.pid is None:
            self.old_lock = self.lock
            self.pid = daemon.master_pid(self.lock)
        self.orphans = service.orphans(manager.processes()) if self.pid is None else []
        entries = service.services(master.text)
        paths = service.read_files(service.parameters(main.text), entries, self.parameters.get)
        # What Postfix writes itself is no configuration.
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

    def _previous(self) -> service.Snapshot | None:
        found = files.read(self.record)
        if found is None:
            return None
        try:
            return service.decode(found.text())
        except ValueError as exc:
            raise files.FileError(
                f"{self.record}: {exc}; remove it, and the next run reloads Postfix once; nothing was changed"
            ) from exc

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
        if self.previous is not None:
            with contextlib.suppress(ValueError):
                self.held = self.listeners(self.previous)
        try:
            self.wanted = self.listeners(self.now)
        except ValueError as exc:
            self.wanted, self.problem = (), self.problem or str(exc)
        return service.plan(
            self.previous,
            self.now,
            running=self.pid is not None,
            held=self.held,
            wanted=self.wanted,
            unsure=self._unsure(),
            pending=self.left,
        )

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

    def preflight(self) -> None:
        """Raise Rejected where the configuration on disk could not serve; the running daemon is not touched."""
        if self.problem:
            raise Rejected(self.problem)
        for sentence in (*service.refused(service.services(self.now.master.text)), *service.collisions(self.wanted)):
            raise Rejected(sentence)
        for listener in self.wanted:
            # Without a record, what holds a port may be the running Postfix.
            ours = self.pid is not None and (
                self.previous is None or any(listener.overlaps(held) for held in self.held)
            )
            reason = daemon.cannot_bind(listener, address_only=ours or self.orphans != [])
            if reason:
                raise Rejected(f"service {listener.service} is to listen on {listener}, but {reason}")

    def check(self) -> None:
        """Raise Rejected where "postfix check" fails. Where it does, the signal of a reload would end master(8)."""
        result = self.manager.postfix("check", check=False)
        if result.rc != 0:
            raise Rejected(command.failure(result))

    # The way between them

    def activate(self, plan: activation.Plan) -> None:
        """Carry out the plan of a started Postfix. Raises Rejected; rolls nothing back."""
        self.log = self._log()
        self.preflight()
        if self.orphans and any(daemon.cannot_bind(listener, address_only=False) for listener in self.wanted):
            manager.end(self.orphans, ORPHANS)
            self.orphans = []
            self.preflight()
        self.check()
        self.act(plan.action, self.wanted)
        self.remember()

    def act(self, action: str, wanted: tuple[service.Listener, ...], *, going_back: bool = False) -> None:
        """Start, reload or restart Postfix, and wait until it serves. Raises Rejected where it does not.

        On the way back the log may still gain lines of daemons that had read the rejected files: not judged then.

        The pending action is on disk until what runs is on record, so a run that is cut off leaves no daemon
        that nobody knows about.
        """
        self._keep(self.pending, action)
        if action == "restart":
            self.stop()
        self._tell(action)
        begin = time.monotonic()
        waiting = service.probes(wanted)
        while waiting:
            self._alive(going_back)
            listener, passed = waiting[0], time.monotonic() - begin
            # A throttled service accepts connections and says nothing; the time limit lets it be noticed.
            patience = min(GRACE, self.timeout) if action == "reload" else self.timeout
            reason = daemon.answers(listener, max(0.1, patience - passed))
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
        self._alive(going_back)

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
        pid = daemon.master_pid(self.lock) or 0
        snapshot = service.Snapshot(
            self.now.main, self.now.master, self.now.settings, self.now.files, self.now.version, pid
        )
        self._keep(self.record, service.encode(snapshot))
        files.remove(self.pending)

    @staticmethod
    def _keep(path: str, text: str) -> None:
        files.write(path, files.encode_text(text), uid=os.geteuid(), gid=os.getegid(), mode=0o600)

    def roll_back(self) -> str:
        """Put the last activated files back and make Postfix run them. Returns a sentence; "" where there are none."""
        previous = self.previous
        if previous is None:
            return ""
        texts = {"main.cf": (self.now.main, previous.main), "master.cf": (self.now.master, previous.master)}
        changes = []
        for name, (now, old) in texts.items():
            if now.text != old.text:
                changes.append(transaction.Change(self.states[name], files.encode_text(old.text)))
        if not changes:
            return ""
        rejected = os.path.join(self.state_directory, "rejected")
        make_private(rejected)
        for name, (now, _old) in texts.items():
            self._keep(os.path.join(rejected, name), now.text)
        pid = daemon.master_pid(self.old_lock)
        # A cleanup(8) that met the rejected files would keep smtpd(8), which answers, from taking mail.
        since = min(now.mtime_ns for now, old in texts.values() if now.text != old.text) / 1e9
        met = self.log.recent(min(THROTTLE, max(0.0, time.time() - int(since))))
        lame = pid != self.pid or service.throttled(met)
        action = "start" if pid is None else "restart" if lame else "reload"
        self._keep(self.pending, action)
        transaction.swap(self.directory, changes, action)
        for change in changes:
            # Postfix dozes until a file is older than the current second (dict.c), and this one is complete.
            old = texts[os.path.basename(change.before.path)][1]
            os.utime(change.before.path, ns=(old.mtime_ns, old.mtime_ns))
        self.log = self._log()
        self.lock = self._lock(previous.settings)
        self.act(action, self.listeners(previous), going_back=True)
        files.remove(self.pending)
        return f"the last activated main.cf and master.cf serve again; the rejected ones are kept in {rejected}"


def main() -> None:
    """Run the module."""
    module = postfix_module.PostfixModule(
        argument_spec={
            "state": {"type": "str", "choices": ["started", "stopped"], "default": "started"},
            "enabled": {"type": "bool"},
            "config_directory": {"type": "path", "default": daemon.DEFAULT_DIRECTORY},
            "timeout": {"type": "int", "default": 30},
            "state_directory": {"type": "path"},
        },
        supports_check_mode=True,
    )
    system = "/var/db" if platform.system() == "OpenBSD" else "/var/lib"
    state_directory = module.params["state_directory"]
    if state_directory is None:
        state_directory = f"{system}/puffy-mail/postfix"
    directory = module.params["config_directory"]
    try:
        postfix_module.check_path("config_directory", directory)
        postfix_module.check_path("state_directory", state_directory)
        if not 1 <= module.params["timeout"] <= 3600:
            raise ValueError(f"timeout: {module.params['timeout']} is not from 1 to 3600 seconds")
        postfix_module.check_directory(directory)
        # Before anything is made for a host that has no Postfix.
        for name in transaction.NAMES:
            transaction.read(os.path.join(directory, name))
        command.require("postconf", hint="is Postfix installed?")
    except ValueError as error:
        module.fail_json(msg=f"{error}; nothing was changed")
    except (files.FileError, command.CommandError) as error:
        module.fail_json(msg=str(error))
    try:
        with contextlib.ExitStack() as stack:
            if not module.check_mode:
                make_private(state_directory)
                stack.enter_context(files.locked(os.path.join(state_directory, "lock"), LOCK_TIMEOUT))
                stack.enter_context(transaction.locked(directory, LOCK_TIMEOUT))
                transaction.recover(directory)
                tidy(state_directory)
            result = converge(module, Activation(directory, state_directory, float(module.params["timeout"])))
    except (files.FileError, command.CommandError, OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


def make_private(path: str) -> None:
    """Make the directory ``path``, for this account only. FileError where it is used for something else."""
    try:
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)
        if any(name not in KEPT and not LEFT_OVER.fullmatch(name) for name in os.listdir(path)):
            raise files.FileError(
                f"{path!r} holds other files than the record of an activated Postfix; nothing was changed;"
                " name a state_directory of its own"
            )
        os.chmod(path, 0o700)
    except OSError as exc:
        raise files.FileError(f"the directory {path!r} cannot be used: {exc.strerror}; nothing was changed") from exc


def tidy(path: str) -> None:
    """Remove what killed runs had begun to write in the state directory. Call it under the lock."""
    for directory in (path, os.path.join(path, "rejected")):
        if os.path.isdir(directory):
            for name in os.listdir(directory):
                if LEFT_OVER.fullmatch(name):
                    files.discard(os.path.join(directory, name))


def converge(module: postfix_module.PostfixModule, run: Activation) -> dict[str, Any]:
    """Do what the options ask; return the values of the module."""
    run.read()
    plan = run.plan() if module.params["state"] == "started" else activation.stop_plan(run.pid is not None)
    reasons = plan.reasons
    enable = module.params["enabled"]
    if enable is not None:
        enabled = run.manager.enabled()
        if enabled is None:
            raise ValueError(f"enabled: nothing starts Postfix with {run.directory} at boot here; nothing was changed")
        if enabled == enable:
            enable = None
        else:
            reasons.append(f"Postfix is {'not ' if enable else ''}started at boot")
    result = {
        "changed": plan.action != "none" or enable is not None,
        "action": plan.action,
        "reasons": reasons,
        "rolled_back": False,
        "log": [],
        "diff": plan.diff(run.directory),
    }
    try:
        if plan.action == "stop" and not module.check_mode:
            run.stop()
        elif plan.action not in ("none", "stop"):
            if module.check_mode:
                run.preflight()
            else:
                run.activate(plan)
    except Rejected as error:
        fail(module, run, result, str(error))
    if enable is not None and not module.check_mode:
        run.manager.enable(enable)
    return result


def fail(module: postfix_module.PostfixModule, run: Activation, result: dict[str, Any], reason: str) -> None:
    """Put the last activated configuration back where there is one, and fail."""
    begin = f"Postfix cannot serve with the files in {run.directory}: {reason}"
    if module.check_mode:
        module.fail_json(**{**result, "msg": f"{begin}; the run would fail", "changed": False})
    log = service.problems(run.log.lines())[-20:]
    try:
        done = run.roll_back()
        result["rolled_back"] = bool(done)
        if not done:
            runs = "runs on" if daemon.master_pid(run.lock) is not None else "does not run"
            done = f"there is no other configuration to go back to, and Postfix {runs}"
    except (Rejected, files.FileError, command.CommandError, OSError, ValueError) as error:
        log += [line for line in service.problems(run.log.lines()) if line not in log][-20:]
        done = f"going back to the last activated files failed too: {error}"
    said = "".join(f"; the mail log says: {' / '.join(log)}" if log else "")
    module.fail_json(**{**result, "msg": f"{begin}; {done}{said}", "log": log})


if __name__ == "__main__":
    main()
