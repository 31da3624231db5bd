# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge to the running Postfix: its process, its listeners, its log, and the service manager that starts it."""

from __future__ import annotations

import contextlib
import datetime
import errno
import fcntl
import os
import re
import signal
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from dataclasses import replace

from ansible_collections.puffy.mail.plugins.module_utils import _command as command
from ansible_collections.puffy.mail.plugins.module_utils import _files as files
from ansible_collections.puffy.mail.plugins.module_utils import _manager as manager
from ansible_collections.puffy.mail.plugins.module_utils._postfix.service import WILDCARDS, Core, Listener

#: Where Postfix's own commands expect the configuration unless told otherwise (DEF_CONFIG_DIR).
DEFAULT_DIRECTORY = "/etc/postfix"

#: Where syslogd writes mail.info: Debian, OpenBSD.
LOG_FILES = ("/var/log/mail.log", "/var/log/maillog")

#: seconds master(8) gets to let go of its lock after "postfix stop", which itself waits 5 s
STOP_TIMEOUT = 20.0

#: seconds for which deliveries under way may go on before Postfix is stopped
DELIVERY_TIMEOUT = 5.0

#: the programs that hand messages to the delivery agents
QUEUE_MANAGERS = ("qmgr", "nqmgr", "oqmgr")

#: seconds after which a paused queue manager goes on, whatever became of the process that paused it
PAUSE_LIMIT = 60.0


def lock_path(queue_directory: str, process_id_directory: str) -> str:
    """The file that master(8) locks and writes its process id to."""
    return os.path.join(queue_directory, process_id_directory, "master.pid")


def master_pid(path: str) -> int | None:
    """The process id of the master(8) that holds the lock file ``path``, or None where none does.

    The lock tells, not the number: it ends with the process, so a stale file misleads nobody. ``master -t`` asks
    the same, but fails, and so claims a running daemon, where main.cf has a bad value. flock(2) is what
    Postfix uses for it on Linux and BSD.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except OSError as exc:
        if exc.errno not in (errno.EAGAIN, errno.EACCES):
            raise
        digits = os.read(descriptor, 64).split()
        return int(digits[0]) if digits and digits[0].isdigit() else 0
    finally:
        os.close(descriptor)


def listening() -> set[tuple[str, int]] | None:
    """The addresses and ports that processes of this host listen on; None where the system does not tell (no /proc).

    Whose they are stays open: in a container even root may not see the open files of another process.
    """
    found: set[tuple[str, int]] = set()
    for table in ("tcp", "tcp6"):
        try:
            with open(f"/proc/net/{table}", encoding="ascii") as stream:
                lines = stream.readlines()[1:]
        except OSError:
            if table == "tcp":
                return None
            continue
        # proc(5): the second column is the local address, the fourth the state; 0A is TCP_LISTEN.
        found |= {_address(words[1]) for words in map(str.split, lines) if words[3] == "0A"}
    return found


def _address(text: str) -> tuple[str, int]:
    """Read the form of proc(5) net/tcp: the address as hexadecimal words in host byte order, a colon, the port."""
    digits, port = text.split(":")
    words = [struct.pack("=I", int(digits[at : at + 8], 16)) for at in range(0, len(digits), 8)]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return socket.inet_ntop(family, b"".join(words)), int(port, 16)


def port_of(name: str) -> int | None:
    """The number of a TCP service of services(5), or None."""
    try:
        return socket.getservbyname(name, "tcp")
    except OSError:
        return None


def addresses_of(host: str) -> list[str]:
    """The addresses of a host name, or the address itself; empty where nobody knows it."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def usable(listener: Listener) -> bool:
    """Whether this host has the address family, and for a loopback or wildcard listener the loopback address."""
    loopback = "::1" if ":" in listener.address else "127.0.0.1"
    if listener.address not in (*WILDCARDS, loopback):
        return True
    try:
        with socket.socket(_family(loopback), socket.SOCK_STREAM) as probe:
            probe.bind((loopback, 0))
    except OSError:
        return False
    return True


def cannot_bind(listener: Listener, *, address_only: bool) -> str:
    """Why master(8) could not listen there, or an empty string. With ``address_only`` a held port is no reason."""
    if address_only:
        return _cannot_bind(replace(listener, port=0))
    # OpenBSD lets a wildcard be bound beside a listener on one address, which then gets the clients of that address.
    beside = {"0.0.0.0": ["127.0.0.1"], "::": ["::1"]}.get(listener.address, [])  # noqa: S104
    if beside:
        own = addresses_of(socket.gethostname())
        beside += [address for address in own if (":" in address) == (":" in listener.address)]
    reasons = [_cannot_bind(listener)]
    reasons += [reason for address in beside if (reason := _cannot_bind(replace(listener, address=address), HELD))]
    return next(filter(None, reasons), "")


#: why another process keeps a socket from being bound
HELD = errno.EADDRINUSE


def _cannot_bind(listener: Listener, only: int = 0) -> str:
    """Why a socket cannot be bound there, or an empty string. With ``only``, no other error number is a reason."""
    try:
        with socket.socket(_family(listener.address), socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if ":" in listener.address:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((listener.address, listener.port))
    except OSError as exc:
        if only and exc.errno != only:
            return ""
        if exc.errno == errno.EADDRNOTAVAIL:
            return f"this host has no address {listener.address}"
        if exc.errno == errno.EADDRINUSE:
            return f"another process holds {listener}"
        return f"{listener} cannot be bound: {exc.strerror}"
    return ""


#: seconds in which master(8) has started a daemon for a client
_SPAWN = 2.0


def _serves(master: int, listener: Listener, timeout: float) -> bool:
    """Whether a daemon of ``master`` serves the service, within ``timeout`` seconds of a client's connection.

    Some systems let a wildcard address be bound beside the address of another program, which then gets the clients.
    master(8) starts a daemon as ``smtpd -n smtp -t inet``, without ``-n`` where both names are the same.
    """
    name = listener.service.rpartition("/")[0]
    deadline = time.monotonic() + timeout
    while True:
        for found in manager.processes():
            words = found.arguments
            called = words[words.index("-n") + 1] if "-n" in words[:-1] else os.path.basename(words[0])
            if found.parent == master and called == name and "inet" in words:
                return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)


def answers(listener: Listener | Core, timeout: float, master: int) -> str:
    """Talk as a client to a listener of the master(8) with the process id ``master``. Returns an empty string, or what
    is wrong. ``timeout`` is in seconds."""
    if isinstance(listener, Core):
        return _replies(listener, timeout)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listener.address, listener.address)  # noqa: S104
    try:
        with socket.create_connection((host, listener.port), timeout=timeout) as plain:
            plain.settimeout(timeout)
            reason = _talk(listener, plain)
            if not reason and not _serves(master, listener, min(timeout, _SPAWN)):
                return (
                    "no daemon of this Postfix serves it; another program answers there, or the daemon does not start"
                )
            return reason
    except OSError as exc:
        return exc.strerror or str(exc) or type(exc).__name__


def _replies(core: Core, timeout: float) -> str:
    data = b""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
            stream.settimeout(timeout)
            stream.connect(core.path)
            if core.request:
                stream.sendall(core.request)
            while core.reply not in data:
                part = stream.recv(4096)
                if not part:
                    return "it closes the connection"
                data += part
    except OSError as exc:
        return exc.strerror or str(exc) or type(exc).__name__
    return ""


def _talk(listener: Listener, plain: socket.socket) -> str:
    try:
        if listener.greets == "connect":
            return ""
        if listener.greets == "smtps":
            # Whose certificate it is matters to clients; here only that the daemon talks.
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            with context.wrap_socket(plain.dup()) as inside:
                return _greeting(inside)
        return _greeting(plain)
    except ssl.SSLError as exc:
        if exc.reason and "ALERT" in exc.reason:
            return ""
        return f"the TLS handshake fails: {exc.reason or exc}"


def _greeting(stream: socket.socket) -> str:
    reply = b""
    while not reply.endswith(b"\n") or re.match(rb"\d{3}-", reply.splitlines()[-1]):
        part = stream.recv(4096)
        if not part:
            return "the connection was closed before a greeting came" if not reply else f"it says {_shown(reply)}"
        reply += part
    # Any final reply shows a daemon that runs; a refusal of this client (RFC 5321: 521, 554) is policy.
    with contextlib.suppress(OSError):
        stream.sendall(b"QUIT\r\n")
        stream.recv(4096)
    return "" if re.match(rb"220|5\d\d", reply) else f"it says {_shown(reply)}"


def _shown(reply: bytes) -> str:
    return repr(reply.decode("ascii", "replace").strip()[:200])


class Log:
    """The lines the mail log gains from now on: the files of syslogd and postlogd, or the journal without such files.

    All of the files: a change of maillog_file moves the log with the next reload, and postlogd(8) makes the new one.
    """

    def __init__(self, maillog_file: str = "") -> None:
        self.since = time.time()
        self.starts: dict[str, tuple[int, int]] = {}
        for path in filter(None, (maillog_file, *LOG_FILES)):
            self.starts[path] = (0, 0)
            with contextlib.suppress(OSError):
                status = os.stat(path)
                self.starts[path] = (status.st_ino, status.st_size)

    def recent(self, seconds: float) -> list[str]:
        """The lines of the last ``seconds``, as far as 64 KiB of a file reach; one without a time counts as recent."""
        begin = time.time() - seconds
        ends = [self._read(path, None) for path in self.starts]
        if not any(end is not None for end in ends):
            return self._journal(begin)
        stamps = [(stamp(line), line) for end in ends for line in end or ()]
        return [line for when, line in stamps if when is None or when >= begin]

    def lines(self) -> list[str]:
        """The lines since this object was made; after a rotation those of the new file."""
        found = [self._read(path, start) for path, start in self.starts.items()]
        if not any(lines is not None for lines in found):
            return self._journal(self.since)
        return [line for lines in found for line in lines or ()]

    @staticmethod
    def _read(path: str, start: tuple[int, int] | None) -> list[str] | None:
        """The lines of a file from ``start`` (inode and offset) or, without, its last 64 KiB; None without a file."""
        try:
            with files.opened(path) as stream:
                status = os.fstat(stream.fileno())
                if start is None:
                    stream.seek(max(0, status.st_size - 65536))
                elif status.st_ino == start[0] and status.st_size >= start[1]:
                    stream.seek(start[1])
                return stream.read().decode("utf-8", "replace").splitlines()
        except (OSError, files.FileError):
            return None

    @staticmethod
    def _journal(since: float) -> list[str]:
        journalctl = command.find("journalctl")
        if journalctl is None:
            return []
        said = command.run(
            [journalctl, "--quiet", "--no-pager", "--facility=mail", f"--since=@{since:.6f}"], check=False
        )
        return said.stdout.splitlines()


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def stamp(line: str) -> float | None:
    """When a line of a log was written, in seconds since the epoch; None where it does not say.

    syslogd writes the local time without the year (RFC 3164), or RFC 3339.
    """
    match = re.match(r"([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d) ", line)
    if match and match[1] in _MONTHS:
        now, month = time.localtime(), _MONTHS.index(match[1]) + 1
        day, hour, minute, second = (int(number) for number in match.groups()[1:])
        # In January, a line of December is one of last year.
        year = now.tm_year - (month > now.tm_mon)
        return time.mktime((year, month, day, hour, minute, second, 0, 0, -1))
    with contextlib.suppress(ValueError, IndexError):
        return datetime.datetime.fromisoformat(line.split(" ", 1)[0].replace("Z", "+00:00")).timestamp()
    return None


class Manager(manager.Manager):
    """How Postfix is started on this host: by the service manager, or ``postfix`` (directly)."""

    def __init__(self, kind: str, config_directory: str) -> None:
        super().__init__(kind, "postfix")
        self.config_directory = config_directory

    @classmethod
    def of_host(cls, config_directory: str) -> Manager:
        """The manager there is. Only the default instance is the service manager's; others are started directly."""
        default = os.path.realpath(config_directory) == os.path.realpath(DEFAULT_DIRECTORY)
        return cls((default and manager.kind_of_host("postfix")) or "postfix", config_directory)

    def postfix(self, *arguments: str, check: bool = True) -> command.Result:
        """Run postfix(1) for this configuration."""
        argv = [command.require("postfix"), "-c", self.config_directory, *arguments]
        return command.run(argv, timeout=manager.TIMEOUT, check=check)

    def directly(self, verb: str) -> command.Result:
        """Start, stop or reload Postfix by postfix(1)."""
        return self.postfix(verb, check=False)


@contextlib.contextmanager
def deliveries_end(master: int, lock: str) -> Iterator[None]:
    """Let the deliveries under way end, for ``DELIVERY_TIMEOUT`` seconds at most; none begins while the body runs.

    The body stops Postfix. master(8) then ends its delivery agents at once. A message that the receiver has taken, and
    that the agent has not marked as delivered, would be delivered twice. So the queue manager, a child of ``master``,
    is paused before: it hands out no message while it is. A helper process lets it go on after ``PAUSE_LIMIT`` seconds,
    should this process be killed. ``lock`` is the file that ``master`` holds, two directories below the queue.
    """
    managers = [
        found.pid
        for found in manager.processes()
        if found.parent == master and found.arguments and os.path.basename(found.arguments[0]) in QUEUE_MANAGERS
    ]
    if not managers:
        yield
        return
    go_on = f"sleep {PAUSE_LIMIT:g}; kill -CONT {' '.join(map(str, managers))}"
    with command.detached(["/bin/sh", "-c", go_on]) as helper:
        try:
            _signal(managers, signal.SIGSTOP)
            deadline, idle = time.monotonic() + DELIVERY_TIMEOUT, 0
            # Twice: an agent may have been given a message that it has not locked yet.
            while idle < 2 and time.monotonic() < deadline:
                time.sleep(0.05)
                idle = 0 if _delivering(os.path.dirname(os.path.dirname(lock))) else idle + 1
            yield
        finally:
            # A signal that ends the queue manager is waiting for it to go on.
            _signal(managers, signal.SIGCONT)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(helper.pid, signal.SIGTERM)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _delivering(queue_directory: str) -> bool:
    """Whether a delivery agent works on a message: it holds a lock on the queue file (flock(2) on Linux and BSD)."""
    for directory, _directories, names in os.walk(os.path.join(queue_directory, "active")):
        for name in names:
            # The directory is the account postfix's: what is no queue file is neither followed nor waited for.
            with contextlib.suppress(OSError):
                flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
                descriptor = os.open(os.path.join(directory, name), flags)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return True
                finally:
                    os.close(descriptor)
    return False


def terminate(lock: str, pid: int) -> None:
    """Stop the master(8) that holds ``lock`` as postfix(1) stop does, where that command looks elsewhere."""
    if pid > 0:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    gone(lock, STOP_TIMEOUT)


def gone(lock: str, timeout: float) -> bool:
    """Wait until no master(8) holds ``lock``."""
    deadline = time.monotonic() + timeout
    while master_pid(lock) is not None:
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True


def effective(config_directory: str) -> dict[str, str]:
    """The value of every parameter, defaults included, ``$name`` expanded, as this Postfix reads them."""
    said = command.run([command.require("postconf", hint="is Postfix installed?"), "-c", config_directory, "-x"])
    found: dict[str, str] = {}
    for line in said.stdout.splitlines():
        name, sign, value = line.partition("=")
        if sign:
            found[name.strip()] = value.strip()
    return found
