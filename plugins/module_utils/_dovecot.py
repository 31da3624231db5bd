# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The running Dovecot: whether it is on the files on disk, how it gets there, and the proof that it is."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils import _activation as activation
from ansible_collections.puffy.mail.plugins.module_utils import _command as command
from ansible_collections.puffy.mail.plugins.module_utils import _files as files
from ansible_collections.puffy.mail.plugins.module_utils import _manager as manager
from ansible_collections.puffy.mail.plugins.module_utils import _sqlite as sqlite
from ansible_collections.puffy.mail.plugins.module_utils._activation import Change, Rejected
from ansible_collections.puffy.mail.plugins.module_utils._file_daemon import FileDaemon, NotYet

#: sysexits(3); what doveadm-user(1) ends with where the database answered that there is no such user
EX_NOUSER = 67
#: seconds that one answer may take
PATIENCE = 5.0
#: what the queries in dovecot.conf read
TABLES = {
    "domain": ("domain", "active"),
    "mailbox": ("username", "password", "domain", "quota", "active"),
    "alias": ("address", "goto", "active"),
    "alias_domain": ("alias_domain", "target_domain", "active"),
}

#: where Dovecot's process number is, and what it loads, on Debian and on OpenBSD
PID_FILES = ("/run/dovecot/master.pid", "/var/dovecot/master.pid")
MODULES = ("/usr/lib/dovecot", "/usr/local/lib/dovecot")
#: what its limits are on OpenBSD
LOGIN_CLASS = "/etc/login.conf.d/dovecot"


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
        state = files.read(path)
    except files.FileError as exc:
        raise Rejected(str(exc)) from exc
    if state is None:
        raise Rejected(f"{path} cannot be read: No such file or directory")
    return state.content.decode("ascii", "replace")


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
        with sqlite.opened(database, "ro") as connection:
            for table, columns in TABLES.items():
                connection.execute(f"SELECT {', '.join(columns)} FROM {table} LIMIT 0")  # noqa: S608 - constants
    except sqlite.DatabaseError as exc:
        raise Rejected(f"the database does not serve Dovecot's queries: {exc}") from exc


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


def left_mail(home: str) -> list[str]:
    """The directories of ``home``, DOMAIN/LOCAL_PART each, that have mail and belong to no active account."""
    stored: dict[str, str] = {}
    with contextlib.suppress(OSError):
        for domain in os.scandir(home):
            if domain.is_dir(follow_symlinks=False):
                for box in os.scandir(domain.path):
                    if box.is_dir(follow_symlinks=False) and os.listdir(box.path):
                        stored[f"{box.name}@{domain.name}"] = box.path
    if not stored:
        return []
    listed = command.run([command.require("doveadm"), "user", "*"], check=False)
    # A list that cannot be read, or that is empty, says nothing of a single account.
    accounts = set(listed.stdout.lower().split()) if listed.rc == 0 else set()
    return [path for name, path in sorted(stored.items()) if accounts and name not in accounts]


# -- the run -----------------------------------------------------------------------------------------------------------


class Activation(FileDaemon):
    """One run for Dovecot."""

    title, program = "Dovecot", "dovecot"

    def __init__(self, options: Options, place: activation.Place, *, remember: bool = True) -> None:
        super().__init__(options, place, Manager.of_host(), remember=remember)

    def pid_files(self) -> Sequence[str]:
        """Where the number of Dovecot's master process may be."""
        return PID_FILES

    def arguments(self) -> dict[str, Any]:
        """The options to record."""
        values = asdict(self.options)
        return {**values, "files": list(self.options.files), "keys": [list(pair) for pair in self.options.keys]}

    def use(self, arguments: Mapping[str, Any]) -> None:
        """Go on with the options of a record: the sockets and the port are those of its files."""
        self.options = replace(Options.of(arguments), timeout=self.options.timeout)

    def other_paths(self) -> Sequence[str]:
        """The keys and certificates."""
        return list(dict.fromkeys(path for pair in self.options.keys for path in pair))

    def databases(self) -> dict[str, activation.Identity | None]:
        """Which file the database is."""
        return {path: activation.Identity.of(path) for path in [self.options.database] if path}

    def complained(self) -> str:
        """The errors that Dovecot keeps."""
        return command.run([command.require("doveadm"), "log", "errors"], check=False).stdout

    def changes(self) -> list[Change]:
        """A restart for what came after the start, and a reload does not apply."""
        started = max((os.stat(path).st_mtime for path in PID_FILES if os.path.exists(path)), default=0.0)
        later = newer(started, MODULES, LOGIN_CLASS) if started and self.running() else ""
        reason = f"{later}: a reload does not apply it, and it is newer than the running Dovecot"
        return [Change("restart", reason)] if later else []

    def judge(self) -> None:
        """Raise Rejected where the configuration, a key or the database could not serve."""
        argv = [command.require("doveconf", hint="is Dovecot installed?"), "-c", self.options.files[0], "-n"]
        done = command.run(argv, check=False)
        if done.rc != 0:
            raise Rejected(self.mask(command.failure(done)))
        for key, chain in self.options.keys:
            check_key(key, chain)
            leaf(chain)
        if self.options.database:
            check_database(self.options.database)

    def see(self) -> None:
        """Ask the sockets, the port and the accounts."""
        options = self.options
        if options.auth_socket:
            see_greeting(options.auth_socket, b"VERSION\t", b"")
        if options.lmtp_socket:
            see_greeting(options.lmtp_socket, b"220 ", b"QUIT\r\n")
        if options.imaps_port:
            see_imaps(options.imaps_port, options.hostname, [leaf(chain) for _key, chain in options.keys])
        if options.hostname:
            see_accounts(options.hostname)
