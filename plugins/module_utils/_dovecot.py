# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The running Dovecot: whether it is on the files on disk, how it gets there, and the proof that it is."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import sqlite3
import ssl
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils import _activation as activation
from ansible_collections.puffy.mail.plugins.module_utils import _command as command
from ansible_collections.puffy.mail.plugins.module_utils import _files as files
from ansible_collections.puffy.mail.plugins.module_utils import _manager as manager
from ansible_collections.puffy.mail.plugins.module_utils._activation import Change, Rejected

#: sysexits(3); what doveadm-user(1) ends with where the database answered that there is no such user
EX_NOUSER = 67
#: seconds that one answer may take, and seconds between two attempts
PATIENCE = 5.0
PAUSE = 0.2
#: seconds that a Dovecot which was told to stop may take to end
STOP_TIMEOUT = 30.0
#: what the queries in dovecot.conf read
TABLES = {"domain": ("domain", "active"), "mailbox": ("username", "password", "domain", "quota", "active")}

#: where Dovecot's process number is, and what it loads, on Debian and on OpenBSD
PID_FILES = ("/run/dovecot/master.pid", "/var/dovecot/master.pid")
MODULES = ("/usr/lib/dovecot", "/usr/local/lib/dovecot")
#: what its limits are on OpenBSD
LOGIN_CLASS = "/etc/login.conf.d/dovecot"

#: lines of a configuration file whose value is a secret: dnpass, ldap_auth_dn_password, ssl_key_password, …
_SECRET = re.compile(r"^\s*\w*(?:pass|password|secret|token)\w*\s*=\s*(\S.*?)\s*$", re.MULTILINE | re.IGNORECASE)
#: the same within a value: connect = host=db password=…
_SECRET_WORD = re.compile(r"\bpass(?:word)?=(\S+)", re.IGNORECASE)


class NotYet(Exception):
    """What does not answer as it should; the message is a clause about it."""


@dataclass(frozen=True)
class Options:
    """What the module is called with. ``keys`` are pairs of key file and chain file; ``timeout`` is in seconds.
    An empty socket or name, and the port 0, are not asked for a proof.
    """

    files: tuple[str, ...]
    keys: tuple[tuple[str, str], ...]
    database: str
    auth_socket: str
    lmtp_socket: str
    imaps_port: int
    hostname: str
    timeout: float

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Options:
        """The options as a record has them."""
        values = dict(arguments)
        values["files"] = tuple(values["files"])
        values["keys"] = tuple((key, chain) for key, chain in values["keys"])
        return cls(**values)


class Manager(manager.Manager):
    """How Dovecot is started on this host: by the service manager, or by its own commands."""

    @classmethod
    def of_host(cls) -> Manager:
        """The manager there is."""
        return cls(manager.kind_of_host("dovecot") or "dovecot", "dovecot")

    def directly(self, verb: str) -> command.Result:
        """Start Dovecot by dovecot(1); reload or stop it by doveadm(1)."""
        argv = [command.require("dovecot")] if verb == "start" else [command.require("doveadm"), verb]
        return command.run(argv, timeout=manager.TIMEOUT, check=False)


# -- what is there -----------------------------------------------------------------------------------------------------


def secrets(texts: Sequence[str]) -> set[str]:
    """The values of settings that are secret by their name, in texts of configuration files."""
    matches = [match for text in texts for form in (_SECRET, _SECRET_WORD) for match in form.finditer(text)]
    found = {match.group(1).strip("\"'") for match in matches}
    return {value for value in found if len(value) > 3}


def newer(started: float, modules: Sequence[str] = MODULES, login_class: str = LOGIN_CLASS) -> str:
    """The file that came after the Dovecot that ``started`` then (seconds), and that only a restart applies; or "".

    A reload does not load a module: seen with 2.4, whose config process knew no setting of a driver that had come
    later. Nor does it take on the limits of the login class (OpenBSD login.conf(5)): rc.d sets them at the start.
    """
    if os.path.exists(login_class) and os.stat(login_class).st_mtime > started:
        return login_class
    for root in modules:
        for directory, _below, names in os.walk(root):
            for name in sorted(names):
                path = os.path.join(directory, name)
                if name.endswith(".so") and os.stat(path).st_ctime > started:
                    return path
    return ""


def stamp(path: str) -> str:
    """What stands for a file that Dovecot reads when it starts or reloads: its content and its modification time.

    The time counts too: a file that was changed, reloaded by hand and put back has its old content, not its old time.
    """
    value = activation.fingerprint(path) or ""
    with contextlib.suppress(OSError):
        value += f" of {os.stat(path).st_mtime_ns}"
    return value


def leaf(chain: str) -> bytes:
    """The first certificate of a PEM file, as DER. Raises Rejected."""
    text = _content(chain)
    found = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", text, re.DOTALL)
    if found is None:
        raise Rejected(f"{chain} holds no certificate")
    return ssl.PEM_cert_to_DER_cert(found.group(0))


def _content(path: str) -> str:
    """The text of a file that has to be there. Raises Rejected."""
    try:
        with open(path, "rb") as stream:
            return stream.read().decode("ascii", "replace")
    except OSError as exc:
        raise Rejected(f"{path} cannot be read: {exc.strerror}") from exc


# -- the judgement -----------------------------------------------------------------------------------------------------


def check_key(key: str, chain: str) -> None:
    """Raise Rejected where a key and the first certificate of a chain do not belong together."""
    for path in (chain, key):
        _content(path)
    try:
        # A key with a password would be asked for on the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain, key, password="")
    except (ssl.SSLError, ValueError) as exc:
        raise Rejected(f"{key} is not the key of the certificate in {chain} ({exc})") from exc


def check_database(database: str) -> None:
    """Raise Rejected where the queries would miss a table or column."""
    try:
        connection = sqlite3.connect(f"file:{urllib.parse.quote(database)}?mode=ro", uri=True)
        try:
            for table, columns in TABLES.items():
                connection.execute(f"SELECT {', '.join(columns)} FROM {table} LIMIT 0")  # noqa: S608 - constants
        finally:
            connection.close()
    except sqlite3.Error as exc:
        raise Rejected(f"the database {database} does not serve Dovecot's queries: {exc}") from exc


# -- the proof ---------------------------------------------------------------------------------------------------------


def see_greeting(path: str, expected: bytes, farewell: bytes) -> None:
    """Read the first line of a UNIX-domain socket."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        try:
            client.connect(path)
        except OSError as exc:
            raise NotYet(f"{path} cannot be connected to: {exc.strerror or exc}") from exc
        with client.makefile("rb") as stream:
            line = stream.readline(1000)
        if not line.startswith(expected):
            raise NotYet(f"{path} says {line.decode('ascii', 'replace').strip()!r}")
        client.sendall(farewell)


def see_imaps(port: int, hostname: str, certificates: Sequence[bytes]) -> None:
    """Greet the IMAP server and compare the certificate it shows; with keys of several types, any of theirs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Compared byte by byte below; the signature does not matter here.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with contextlib.ExitStack() as stack:
        try:
            plain = stack.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE))
            client = stack.enter_context(context.wrap_socket(plain, server_hostname=hostname))
        except OSError as exc:
            raise NotYet(f"port {port} does not answer with TLS: {exc.strerror or exc}") from exc
        if client.getpeercert(binary_form=True) not in certificates:
            raise NotYet(f"port {port} shows another certificate than the first one of the chain file")
        greeting = client.recv(1000)
        if not greeting.startswith(b"* OK"):
            raise NotYet(f"port {port} says {greeting.decode('ascii', 'replace').strip()!r}")
        client.sendall(b"a LOGOUT\r\n")


def see_accounts(hostname: str) -> None:
    """Ask for a user nobody has: only a database or a directory that was read can say so."""
    done = command.run([command.require("doveadm"), "user", f"puffy-mail-probe@{hostname}"], check=False)
    if done.rc not in (0, EX_NOUSER):
        raise NotYet(f"the user lookup fails: {done.stderr.strip()}")


# -- the run -----------------------------------------------------------------------------------------------------------


class Activation:
    """One run for Dovecot: what is there, what is wanted, and the way between them."""

    title = "Dovecot"

    def __init__(
        self, options: Options, place: activation.Place, *, check: bool = False, remember: bool = True
    ) -> None:
        self.options = options
        self.place = place
        self.directory = os.path.dirname(options.files[0])
        self.check = check
        #: whether to record what was activated: not where too little is known of what Dovecot reads
        self.remember = remember
        self.manager: Manager = Manager.of_host()
        self.previous: activation.Record | None = None
        #: what the run would need and an earlier task may still make; in check mode only
        self.warnings: list[str] = []
        #: whether Dovecot was told anything, and whether it was asked for its proof
        self.touched = self.asked = False

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
            elif not self.check:
                raise files.FileError(f"{path}: there is no such file. Dovecot was left as it runs.")
        paths = dict.fromkeys(path for pair in self.options.keys for path in pair)
        self.stamps = {path: stamp(path) for path in (*self.options.files, *paths)}
        self.databases_now = self.databases()

    def pid(self) -> int | None:
        """The number of the running Dovecot, or None."""
        for path in PID_FILES:
            with contextlib.suppress(OSError, ValueError), open(path, encoding="ascii") as stream:
                number = int(stream.read().strip())
                # The file outlives a Dovecot that was killed, and another process may have its number by now.
                for process in manager.processes():
                    if process.pid == number and "dovecot" in os.path.basename(process.arguments[0]):
                        return number
        return None

    def running(self) -> bool:
        """Whether Dovecot runs."""
        return self.pid() is not None

    def databases(self) -> dict[str, activation.Identity | None]:
        """Which file the database is."""
        return {path: activation.Identity.of(path) for path in [self.options.database] if path}

    def arguments(self) -> dict[str, Any]:
        """The options to record."""
        values = asdict(self.options)
        return {**values, "files": list(self.options.files), "keys": [list(pair) for pair in self.options.keys]}

    def complaints(self) -> list[str]:
        """The last lines that Dovecot logged as errors, secrets masked; none where it is not the one at fault."""
        if not self.touched and not self.asked:
            return []
        with contextlib.suppress(command.CommandError):
            said = command.run([command.require("doveadm"), "log", "errors"], check=False).stdout
            return [self.mask(line) for line in said.strip().splitlines()[-5:]]
        return []

    def mask(self, text: str) -> str:
        """``text`` without the secrets of the configuration files."""
        kept = [*self.kept.values(), *(self.previous.kept.values() if self.previous else ())]
        for secret in sorted(secrets([entry.text for entry in kept]), key=len, reverse=True):
            text = text.replace(secret, "********")
        return text

    # What is wanted

    def plan(self) -> activation.Plan:
        """What to do so that Dovecot runs what is on disk."""
        running = self.running()
        found: list[Change] = []
        if self.previous is not None:
            before = self.previous.read
            for path, now in self.stamps.items():
                was = before.get(path)
                if was is None:
                    found.append(Change("reload", f"{path}: Dovecot reads it, and it was not activated before"))
                elif was != now:
                    reason = f"{path}: it differs from what was last activated; Dovecot reads it when it starts"
                    found.append(Change("reload", reason, f"{path}: {was}", f"{path}: {now}"))
            found += activation.database_changes(self.previous.databases, self.databases_now)
        started = max((os.stat(path).st_mtime for path in PID_FILES if os.path.exists(path)), default=0.0)
        later = newer(started, MODULES, LOGIN_CLASS) if running and started else ""
        if later:
            found.append(
                Change("restart", f"{later}: a reload does not apply it, and it is newer than the running Dovecot")
            )
        return activation.plan(
            found, daemon=self.title, running=running, recorded=self.previous is not None, unsure="", pending=self.left
        )

    def preflight(self, _wanted: activation.Plan) -> None:
        """Raise Rejected where what is on disk could not serve; the running daemon is not touched."""
        absent = set()
        if self.check:
            paths = [*self.options.files, *(path for pair in self.options.keys for path in pair), self.options.database]
            absent = {path for path in paths if path and not os.path.exists(path)}
            self.warnings = [
                f"{path} is not there. The run fails unless an earlier task makes it." for path in sorted(absent)
            ]
        if not absent & set(self.options.files):
            self._check_configuration()
        for key, chain in self.options.keys:
            if not absent & {key, chain}:
                check_key(key, chain)
                leaf(chain)
        if self.options.database and self.options.database not in absent:
            check_database(self.options.database)

    def _check_configuration(self) -> None:
        argv = [command.require("doveconf", hint="is Dovecot installed?"), "-c", self.options.files[0], "-n"]
        done = command.run(argv, check=False)
        if done.rc != 0:
            raise Rejected(self.mask(command.failure(done)))

    # The way between them

    def activate(self, wanted: activation.Plan) -> None:
        """Carry out the plan of a started Dovecot, whose action may be none. Raises Rejected; rolls nothing back."""
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
        """What now runs: what was on disk before Dovecot was told, and nothing that changed since."""
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
        """Wait until the sockets, the accounts and the certificate answer. Raises Rejected after the time limit."""
        options = self.options
        self.asked = True
        certificates = [leaf(chain) for _key, chain in options.keys]
        deadline = time.monotonic() + options.timeout
        while True:
            try:
                if not self.running():
                    raise NotYet("its master process does not run")
                if options.auth_socket:
                    see_greeting(options.auth_socket, b"VERSION\t", b"")
                if options.lmtp_socket:
                    see_greeting(options.lmtp_socket, b"220 ", b"QUIT\r\n")
                if options.imaps_port:
                    see_imaps(options.imaps_port, options.hostname, certificates)
                if options.hostname:
                    see_accounts(options.hostname)
                return
            except (NotYet, OSError) as exc:
                if time.monotonic() > deadline:
                    raise Rejected(
                        f"Dovecot does not answer as it should after {options.timeout:g} seconds: {self.mask(str(exc))}"
                    ) from exc
                time.sleep(PAUSE)

    def stop(self) -> None:
        """Stop Dovecot, whoever started it. Raises CommandError where it goes on running."""
        pid = self.pid()
        if pid is None:
            return
        result = self.manager.stop()
        if self._runs_on(1.0):
            # The service manager does not know of a Dovecot that was started by hand.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        if self._runs_on(STOP_TIMEOUT):
            raise command.CommandError(f"Dovecot, process {pid}, does not stop: {command.failure(result)}")

    def _runs_on(self, timeout: float) -> bool:
        """Whether Dovecot still runs after ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        while self.running():
            if time.monotonic() >= deadline:
                return True
            time.sleep(0.05)
        return False

    def roll_back(self) -> str:
        """Put the last activated files back and make Dovecot run them. Returns a clause; "" without such files."""
        previous = self.previous
        if previous is None:
            return ""
        texts = {path: kept.text for path, kept in self.kept.items()}
        different = {path: old for path, old in previous.kept.items() if texts.get(path) != old.text}
        if not different:
            return ""
        rejected = self.place.reject({activation.name_of(path): texts[path] for path in different if path in texts})
        # An earlier run that was cut off may have made Dovecot run what is rejected now.
        action = "start" if not self.running() else "reload" if self.touched or self.left else ""
        if action:
            self.place.begin(action)
        for path, old in different.items():
            files.write(path, files.encode_text(old.text), uid=old.uid, gid=old.gid, mode=old.mode)
            os.utime(path, ns=(old.mtime_ns, old.mtime_ns))
        # The sockets and the port are those of the files that are back.
        self.options = replace(Options.of(previous.arguments), timeout=self.options.timeout)
        self.read_files()
        serves = "is in place again, and Dovecot was left as it runs"
        if action:
            self.preflight(activation.Plan(action))
            self._act(action)
            self._prove()
            serves = "serves again"
        self.place.done()
        return f"the last activated configuration {serves}; the rejected files are kept in {rejected}"
