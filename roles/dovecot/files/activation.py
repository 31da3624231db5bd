# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the running Dovecot is on the files on disk, and the proof that it is. Runs on the mail host.

``compare`` prints the fingerprint of the files Dovecot reads and whether it is the one last activated; with it goes
which file the database is, for Dovecot's workers keep it open and go on reading one that was replaced. It fails
where key and certificate do not belong together or the database lacks a column, so that Dovecot is never reloaded
onto them.

``prove`` waits until the sockets, the database and the certificate answer, then records the fingerprint that
``compare`` gave: what was on disk *before* the reload, and nothing that changed since.

Both print one JSON object; on failure one sentence goes to standard error and the exit status is 1.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Sequence

#: sysexits(3); what doveadm-user(1) ends with where the database answered that there is no such user
EX_NOUSER = 67
#: seconds that one answer may take, and seconds between two attempts
PATIENCE = 5.0
PAUSE = 0.2
#: what the queries in dovecot.conf read
TABLES = {"domain": ("domain", "active"), "mailbox": ("username", "password", "domain", "quota", "active")}
_COMMAND_PATH = "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin"


#: where Dovecot's process number is, and what it loads, on Debian and on OpenBSD
_PID_FILES = ("/run/dovecot/master.pid", "/var/dovecot/master.pid")
_MODULES = ("/usr/lib/dovecot", "/usr/local/lib/dovecot")
#: what its limits are on OpenBSD
_LOGIN_CLASS = "/etc/login.conf.d/dovecot"


class NotYet(Exception):
    """What does not answer as it should; the message is a clause about it."""


def fingerprint(paths: Sequence[str], database: str) -> str:
    """The SHA-256 over content and modification time of each file, and which file the database is.

    The time counts too: a file that was changed, reloaded by hand and put back has its old content, not its old time.
    The database follows as inode, and nanoseconds of the last change of its content and of the file itself.
    """
    total = hashlib.sha256()
    for path in paths:
        try:
            with open(path, "rb") as stream:
                digest = hashlib.sha256(stream.read()).hexdigest()
                total.update(f"{path}\0{digest}\0{os.fstat(stream.fileno()).st_mtime_ns}\n".encode())
        except OSError as exc:
            raise ValueError(f"{path} cannot be read: {exc.strerror}") from exc
    if not database:
        return total.hexdigest()
    status = os.stat(database)
    return f"{total.hexdigest()} {status.st_ino} {status.st_mtime_ns} {status.st_ctime_ns}"


def current(before: str, now: str) -> bool:
    """Whether ``now`` is the fingerprint ``before``, but for what was written into the database.

    A database that was moved away and back has another time of its last change, and the one of its content as before.
    """
    was, found = before.split(), now.split()
    if before == now or len(was) != 4 or len(found) != 4:
        return before == now
    return was[:2] == found[:2] and was[2] != found[2]


def recorded(stamp: str) -> str:
    """The fingerprint last activated, or the empty string."""
    try:
        with open(stamp, encoding="ascii") as stream:
            return stream.read().strip()
    except FileNotFoundError:
        return ""


def outdated(
    pid_files: Sequence[str] = _PID_FILES, modules: Sequence[str] = _MODULES, login_class: str = _LOGIN_CLASS
) -> bool:
    """Whether a module was installed, or the limits were changed, after the running Dovecot started.

    A reload does not load a module: seen with 2.4, whose config process knew no setting of a driver that had come
    later. Nor does it take on the limits of the login class (OpenBSD login.conf(5)): rc.d sets them at the start.
    """
    started = max((os.stat(path).st_mtime for path in pid_files if os.path.exists(path)), default=None)
    if started is None:
        return False
    if os.path.exists(login_class) and os.stat(login_class).st_mtime > started:
        return True
    return any(
        os.stat(os.path.join(directory, name)).st_ctime > started
        for root in modules
        for directory, _below, names in os.walk(root)
        for name in names
        if name.endswith(".so")
    )


def record(stamp: str, value: str) -> None:
    """Write the fingerprint, whole or not at all."""
    os.makedirs(os.path.dirname(stamp), mode=0o755, exist_ok=True)
    temporary = f"{stamp}.new"
    with open(temporary, "w", encoding="ascii") as stream:
        os.fchmod(stream.fileno(), 0o600)
        stream.write(f"{value}\n")
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, stamp)


def leaf(chain: str) -> bytes:
    """The first certificate of a PEM file, as DER."""
    with open(chain, encoding="ascii") as stream:
        found = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", stream.read(), re.DOTALL)
    if found is None:
        raise ValueError(f"{chain} holds no certificate")
    return ssl.PEM_cert_to_DER_cert(found.group(0))


def see_greeting(path: str, expected: bytes, farewell: bytes) -> None:
    """Read the first line of a UNIX-domain socket."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        client.connect(path)
        with client.makefile("rb") as stream:
            line = stream.readline(1000)
        if not line.startswith(expected):
            raise NotYet(f"{path} says {line.decode('ascii', 'replace').strip()!r}")
        client.sendall(farewell)


def see_imaps(port: int, hostname: str, certificates: Sequence[bytes]) -> None:
    """Greet the IMAP server and compare the certificate it shows; with keys of several types, any of theirs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Compared byte by byte below; who signed it is no question here.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname=hostname) as client,
    ):
        if client.getpeercert(binary_form=True) not in certificates:
            raise NotYet(f"port {port} shows another certificate than the first one of the chain file")
        greeting = client.recv(1000)
        if not greeting.startswith(b"* OK"):
            raise NotYet(f"port {port} says {greeting.decode('ascii', 'replace').strip()!r}")
        client.sendall(b"a LOGOUT\r\n")


def doveadm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run doveadm(1), which OpenBSD keeps under /usr/local."""
    command = shutil.which("doveadm", path=_COMMAND_PATH)
    if command is None:
        raise ValueError(f"the command 'doveadm' was not found in {_COMMAND_PATH.replace(':', ', ')}")
    return subprocess.run(
        [command, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": _COMMAND_PATH, "LC_ALL": "C"},
    )


def see_database(hostname: str) -> None:
    """Ask for a user nobody has: only a database that was read can say so."""
    done = doveadm("user", f"puffy-mail-probe@{hostname}")
    if done.returncode not in (0, EX_NOUSER):
        raise NotYet(f"the user lookup fails: {done.stderr.strip()}")


def see_tables(database: str) -> None:
    """Name the table or column that the queries would miss."""
    try:
        connection = sqlite3.connect(f"file:{urllib.parse.quote(database)}?mode=ro", uri=True)
        try:
            for table, columns in TABLES.items():
                connection.execute(f"SELECT {', '.join(columns)} FROM {table} LIMIT 0")  # noqa: S608 - constants
        finally:
            connection.close()
    except sqlite3.Error as exc:
        raise ValueError(f"the database {database} does not serve Dovecot's queries: {exc}") from exc


def compare(options: argparse.Namespace) -> dict[str, object]:
    if options.database:
        see_tables(options.database)
    value = fingerprint(options.files, options.database)
    for chain, key in zip(options.chain, options.key):
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain, key)
        except ssl.SSLError as exc:
            raise ValueError(f"{key} is not the key of the certificate in {chain} ({exc})") from exc
    return {"fingerprint": value, "current": current(recorded(options.stamp), value), "outdated": outdated()}


def prove(options: argparse.Namespace) -> dict[str, object]:
    certificates = [leaf(chain) for chain in options.chain]
    deadline = time.monotonic() + options.timeout
    while True:
        try:
            see_greeting(options.auth, b"VERSION\t", b"")
            if options.lmtp:
                see_greeting(options.lmtp, b"220 ", b"QUIT\r\n")
            if options.imaps:
                see_imaps(options.imaps, options.hostname, certificates)
            see_database(options.hostname)
            break
        except (NotYet, OSError) as exc:
            if time.monotonic() > deadline:
                said = "; ".join(doveadm("log", "errors").stdout.strip().splitlines()[-5:])
                raise ValueError(
                    f"Dovecot does not answer as it should after {options.timeout} seconds: {exc}."
                    + (f" It logged: {said}" if said else " It logged no error.")
                ) from exc
            time.sleep(PAUSE)
    before = recorded(options.stamp)
    if before != options.fingerprint:
        record(options.stamp, options.fingerprint)
    return {"recorded": not current(before, options.fingerprint)}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stamp", required=True)
    parser.add_argument("--chain", required=True, action="append")
    parser.add_argument("--key", required=True, action="append")
    parser.add_argument("--database", required=True, help="empty where the accounts are in a directory")
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("compare")
    command.add_argument("files", nargs="+")
    command.set_defaults(run=compare)
    command = commands.add_parser("prove")
    command.add_argument("--hostname", required=True)
    command.add_argument("--timeout", type=float, required=True)
    command.add_argument("--fingerprint", required=True)
    command.add_argument("--auth", required=True)
    command.add_argument("--lmtp", default="")
    command.add_argument("--imaps", type=int, default=0)
    command.set_defaults(run=prove)
    options = parser.parse_args()
    try:
        answer = options.run(options)
    except (OSError, ValueError) as exc:
        sys.stderr.write(f"{exc}. Dovecot was left as it runs.\n" if options.run is compare else f"{exc}\n")
        return 1
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
