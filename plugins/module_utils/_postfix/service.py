# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running Postfix needs so that it runs the configuration on disk: nothing, a reload or a restart, and why.

Pure: texts and values in, values out, ValueError on bad input.

What a reload does not apply was measured on Postfix 3.5.25, 3.10.13 and 3.11.7:

- A change of inet_interfaces or inet_protocols: master(8) logs "ignoring ... change" and "stop and start Postfix".
  postconf(5) says the same at both. The other names of that kind stand in ``_postfix_types.RESTART``.
- A service that takes over an address and port from another service: master(8) starts the services that are new
  in master.cf before it stops those that are gone, so 3.5.25 ends with "fatal: bind ...: Address already in use".
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Callable

from ansible_collections.puffy.mail.plugins.module_utils import _activation as activation
from ansible_collections.puffy.mail.plugins.module_utils._activation import Change, Plan
from ansible_collections.puffy.mail.plugins.module_utils._manager import Process
from ansible_collections.puffy.mail.plugins.module_utils._postfix import expansion, main_cf, master_cf, types
from ansible_collections.puffy.mail.plugins.module_utils._postfix.master_cf import Service
from ansible_collections.puffy.mail.plugins.module_utils._postfix.plan import mask
from ansible_collections.puffy.mail.plugins.module_utils._tables.kinds import INDEX_SUFFIX

#: What master(8) binds for inet_interfaces = all, IPv4 and IPv6.
WILDCARDS = ("0.0.0.0", "::")  # noqa: S104

#: Parameters whose value names a file that Postfix runs or writes, or a place, and not one that its daemons read.
_NOT_READ = re.compile(r".*(?:_path|_directory|_directories|_command|_CApath)|maillog_file(?:_.*)?|.*_socket_dir")
_FILES = {"main.cf": "main", "master.cf": "master"}
_TOKEN = re.compile(r"[\s,{}]+")
_TYPED = re.compile(r"(?P<type>[a-z][a-z0-9_]*):(?P<rest>.*)", re.S)
_SERVICE = re.compile(r"(?:\[(?P<six>[^\]]*)\]|(?P<host>[^\[\]]*)):(?P<port>[^:]+)")


#: main.cf or master.cf
ConfigFile = activation.Kept


@dataclass(frozen=True)
class Snapshot:
    """A configuration as Postfix would load it.

    ``settings`` holds the expanded value, defaults included, of each parameter that only a restart applies;
    ``files`` the fingerprint of each file that daemons read once, when they start.
    """

    main: ConfigFile
    master: ConfigFile
    settings: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    pid: int = 0


@dataclass(frozen=True)
class Listener:
    """One address and port that master(8) listens on for ``service`` (``name/type``).

    ``greets`` says what a client is to see: ``smtp`` a reply at once, ``smtps`` the same inside TLS,
    ``connect`` only that the connection is accepted.
    """

    service: str
    address: str
    port: int
    greets: str = "connect"

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"

    def overlaps(self, other: Listener) -> bool:
        """Whether both cannot be bound at a time. Postfix binds IPv6 sockets for IPv6 only."""
        if self.port != other.port or (":" in self.address) != (":" in other.address):
            return False
        return self.address == other.address or bool({self.address, other.address} & set(WILDCARDS))


@dataclass(frozen=True)
class Core:
    """A daemon that all mail passes through, at its socket: what to ask it, and what its answer holds
    (rewrite_clnt.c, cleanup.c)."""

    service: str
    path: str
    request: bytes
    reply: bytes

    def __str__(self) -> str:
        return self.path


_ASKED = {
    "rewrite": (b"request\0rewrite\0rule\0local\0address\0postmaster\0\0", b"address\0"),
    "cleanup": (b"", b"queue_id\0"),
}


def cores(entries: Iterable[Service], lookup: Callable[[str], str | None]) -> list[Core]:
    """The daemons of ``entries`` that all mail passes through and that answer a question without any mail.

    ``lookup`` gives queue_directory and the names of the services.
    """
    names = {lookup(f"{name}_service_name") or name: asked for name, asked in _ASKED.items()}
    return [
        Core(
            entry.key,
            os.path.join(lookup("queue_directory") or "", "public" if entry.private == "n" else "private", entry.name),
            *names[entry.name],
        )
        for entry in entries
        if entry.type == "unix" and entry.name in names
    ]


def parameters(text: str) -> dict[str, str]:
    """The parameters that main.cf sets, the last one of a name winning, blanks normalised."""
    return {entry.name: entry.value for entry in main_cf.parse(text).entries()}


def services(text: str) -> list[Service]:
    """The services of master.cf, the last one of a name and type winning."""
    return list({service.key: service for service in master_cf.parse(text).services()}.values())


def _shown(service: Service) -> str:
    """A service on one line, as master.cf could have it, secrets masked."""
    columns = [getattr(service, column) for column in master_cf.COLUMNS]
    options = [f"-o {{ {name} = {mask(name, value)} }}" for name, value in service.options]
    return " ".join([service.name, service.type, *columns, *options, *service.arguments])


def read_files(
    main: Mapping[str, str], entries: Iterable[Service], lookup: Callable[[str], str | None]
) -> tuple[str, ...]:
    """The paths, sorted, of the files that daemons read when they start: keys, certificates, tables without an index,
    client files of databases, lists. ``main`` are parameters and their values; ``lookup`` gives the value of a
    ``$name``. Indexed tables are left out.
    """
    # The daemons notice a changed index themselves (dict_changed(3) compares the time stamp of the open file).
    left_out = {*INDEX_SUFFIX, "inline", "static", "unix", "inet", "dev"}
    named = _named(main, entries, lookup)
    return tuple(sorted({path for kinds, path in named if _is_path(path) and not left_out & set(kinds)}))


def sqlite_clients(
    main: Mapping[str, str], entries: Iterable[Service], lookup: Callable[[str], str | None]
) -> tuple[str, ...]:
    """What follows ``sqlite:`` in the parameters, sorted: the path of a client file (sqlite_table(5)), or, in the form
    of old, the prefix of parameters in main.cf. With ``proxy:`` before it or without.
    """
    named = _named(main, entries, lookup)
    return tuple(sorted({name for kinds, name in named if name and kinds[-1:] == ("sqlite",)}))


def _named(
    main: Mapping[str, str], entries: Iterable[Service], lookup: Callable[[str], str | None]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each word of a value that daemons read: the table types before it, and what follows them."""
    settings = list(main.items())
    for service in entries:
        settings += service.options
    expander = expansion.Expander(lookup)
    for name, value in settings:
        if _NOT_READ.fullmatch(name):
            continue
        # Braces out of balance are for Postfix and the checks of postconf to complain about.
        with contextlib.suppress(ValueError):
            value = expander.expand(value)
        for token in _TOKEN.split(value):
            kinds: list[str] = []
            rest = token.lstrip("!")
            while (typed := _TYPED.fullmatch(rest)) is not None:
                kinds.append(typed["type"])
                rest = typed["rest"]
            yield tuple(kinds), rest


def _is_path(word: str) -> bool:
    return word.startswith("/") and len(word) > 1


def listeners(
    entries: Iterable[Service],
    settings: Mapping[str, str],
    lookup: Callable[[str], str | None],
    port_of: Callable[[str], int | None],
    addresses_of: Callable[[str], Sequence[str]],
) -> tuple[Listener, ...]:
    """What master(8) listens on for the inet services ``entries``.

    ``settings`` has inet_interfaces and inet_protocols, expanded. ``port_of`` gives the number of a port of
    services(5), ``addresses_of`` the addresses of a host name. Raises ValueError for a port or host nobody knows.
    """
    protocols = set(re.split(r"[\s,]+", settings.get("inet_protocols", "all").strip()))
    four, six = bool(protocols & {"all", "ipv4"}), bool(protocols & {"all", "ipv6"})

    def wanted(address: str) -> bool:
        return six if ":" in address else four

    def resolved(host: str, where: str) -> list[str]:
        addresses = list(addresses_of(host.strip("[]")))
        if not addresses:
            raise ValueError(f"{where}: {host!r} is neither an address nor a host name that resolves")
        return [address for address in addresses if wanted(address)]

    default: list[str] = []
    for word in re.split(r"[\s,]+", settings.get("inet_interfaces", "all").strip()):
        if word == "all":
            default += [address for address in WILDCARDS if wanted(address)]
        elif word == "loopback-only":
            default += [address for address in ("127.0.0.1", "::1") if wanted(address)]
        elif word:
            default += resolved(word, "inet_interfaces")

    disabled = re.split(r"[\s,]+", lookup("master_service_disable") or "")
    found: dict[Listener, None] = {}
    for service in entries:
        if service.type != "inet" or {"inet", f"{service.name}.inet", f"{service.name}/inet"} & set(disabled):
            continue
        split = _SERVICE.fullmatch(service.name)
        host = (split["six"] or split["host"] or "") if split else ""
        port_name = split["port"] if split else service.name
        port = int(port_name) if port_name.isdigit() else port_of(port_name)
        if port is None:
            raise ValueError(
                f"master.cf: service {service.key}: {port_name!r} is neither a port number nor a name in services(5)"
            )
        for address in resolved(host, f"master.cf: service {service.key}") if host else default:
            found[Listener(service.key, address, port, _greets(service, lookup))] = None
    return tuple(found)


def _greets(service: Service, lookup: Callable[[str], str | None]) -> str:
    if service.command not in ("smtpd", "postscreen"):
        return "connect"

    def value(name: str) -> str:
        own = service.option(name)
        return (own if own is not None else lookup(name) or "").lower()

    if value(f"{service.command}_upstream_proxy_protocol"):
        return "connect"
    if service.command == "postscreen":
        # A client of mynetworks gets the greeting of the server behind it; any other waits for postscreen_greet_wait.
        return "smtp"
    return "smtps" if value("smtpd_tls_wrappermode") == "yes" else "smtp"


def known_ports(value: str) -> dict[str, int]:
    """Read known_tcp_ports (Postfix 3.6): ``smtp=25, smtps=submissions=465``; it goes before services(5)."""
    found: dict[str, int] = {}
    for word in value.replace(",", " ").split():
        *names, number = word.split("=")
        if number.isdigit():
            found.update(dict.fromkeys(names, int(number)))
    return found


def probes(wanted: Sequence[Listener]) -> list[Listener]:
    """What to try of each listener: one greeting a service shows that its daemon runs, then connections are enough.

    smtpd(8) looks the client's name up before it greets, which takes long where DNS does not know the loopback
    address; so IPv4 comes first, whose 127.0.0.1 every hosts(5) has.
    """
    seen: set[str] = set()
    found: list[Listener] = []
    for listener in sorted(wanted, key=lambda listener: ":" in listener.address):
        found.append(replace(listener, greets="connect") if listener.service in seen else listener)
        seen.add(listener.service)
    return found


def changes(
    before: Snapshot, now: Snapshot, held: Sequence[Listener] = (), wanted: Sequence[Listener] = ()
) -> list[Change]:
    """The differences between what was last activated and what is on disk now.

    ``held`` are the listeners of the former, ``wanted`` those of the latter.
    """
    found: list[Change] = []
    old, new = parameters(before.main.text), parameters(now.main.text)
    for name in sorted(set(old) | set(new)):
        if old.get(name) != new.get(name) and name not in types.RESTART:
            found.append(_parameter(name, old.get(name), new.get(name), "reload"))
    for name in sorted(types.RESTART):
        was, is_now = before.settings.get(name), now.settings.get(name)
        if was != is_now and was is not None and is_now is not None:
            found.append(_parameter(name, was, is_now, "restart"))
    found += _service_changes(services(before.master.text), services(now.master.text))
    found += _take_overs(held, wanted)
    for path in sorted(set(before.files) | set(now.files)):
        was, is_now = before.files.get(path), now.files.get(path)
        # A path that came or went with its parameter gives no further reason.
        if was is not None and is_now is not None and was != is_now:
            found.append(
                Change(
                    "reload",
                    f"{path}: its content differs from what was last activated; daemons read it when they start",
                    f"{path}: {was}",
                    f"{path}: {is_now}",
                )
            )
    if before.version != now.version and before.pid and before.pid == now.pid:
        found.append(
            Change(
                "restart",
                f"Postfix {now.version} is installed and {before.version} runs",
                f"mail_version = {before.version}",
                f"mail_version = {now.version}",
            )
        )
    return found


def _parameter(name: str, was: str | None, is_now: str | None, action: str) -> Change:
    shown_was = None if was is None else mask(name, was)
    shown_now = None if is_now is None else mask(name, is_now)
    if was is None:
        what = f"is {shown_now!r} and was not set"
    elif is_now is None:
        what = f"is not set and was {shown_was!r}"
    elif shown_was == shown_now:
        what = "has another value"
        shown_now = f"{shown_now} (not the same)"
    else:
        what = f"is {shown_now!r} and was {shown_was!r}"
    why = "; Postfix reads it only when it starts" if action == "restart" else ""
    return Change(
        action,
        f"main.cf: {name} {what}{why}",
        None if was is None else f"{name} = {shown_was}",
        None if is_now is None else f"{name} = {shown_now}",
    )


def _service_changes(before: Sequence[Service], now: Sequence[Service]) -> list[Change]:
    old = {service.key: service for service in before}
    new = {service.key: service for service in now}
    found: list[Change] = []
    for key in sorted(set(old) | set(new)):
        was, is_now = old.get(key), new.get(key)
        if was is not None and is_now is not None and was.same(is_now):
            continue
        what = "is new" if was is None else "is gone" if is_now is None else "has another entry"
        found.append(
            Change(
                "reload",
                f"master.cf: service {key} {what}",
                None if was is None else _shown(was),
                None if is_now is None else _shown(is_now),
            )
        )
    return found


def _take_overs(held: Sequence[Listener], wanted: Sequence[Listener]) -> list[Change]:
    """A restart for each service that listens where another service did."""
    found: dict[tuple[str, str], Change] = {}
    for new in wanted:
        for old in held:
            if new.service != old.service and new.overlaps(old) and (new.service, old.service) not in found:
                found[new.service, old.service] = Change(
                    "restart",
                    f"master.cf: service {new.service} listens on {new}, which service {old.service} holds;"
                    " Postfix hands a port over only when it restarts",
                )
    return list(found.values())


#: The options that master(8) gives a daemon of an inet service (master_ent.c).
_NETWORK_DAEMON = re.compile(r"(?:-[lz] )?-n \S+ -t inet\b")


def orphans(processes: Sequence[Process]) -> list[int]:
    """The ids of the daemons that listen to the network for a master(8) that is no more.

    master(8) starts each as ``smtpd -n smtp -t inet …``, with ``-l`` or ``-z`` before that where maxproc is 1 or 0. A
    daemon notices that it ended when it waits for a client; one that serves a client holds the port for as long as that
    stays, and no other master(8) can start meanwhile.
    """
    masters = {process.pid for process in processes if os.path.basename(process.arguments[0]) == "master"}
    return [
        process.pid
        for process in processes
        if process.parent not in masters and _NETWORK_DAEMON.match(" ".join(process.arguments[1:]))
    ]


def collisions(wanted: Sequence[Listener]) -> list[str]:
    """A sentence for each pair of services that would listen on the same address and port."""
    found: list[str] = []
    for index, one in enumerate(wanted):
        for other in wanted[:index]:
            if one.service != other.service and one.overlaps(other):
                found.append(f"master.cf: services {other.service} and {one.service} both listen on {one}")
    return found


def refused(entries: Iterable[Service]) -> list[str]:
    """A sentence for each service at which master(8) ends, although postconf(1) and "postfix check" let it pass."""
    return [
        f"master.cf: service {service.key} is private ({service.private!r}), and master(8) ends at an inet service that"
        " is; write n in that column"
        for service in entries
        if service.type == "inet" and service.private != "n"
    ]


def plan(
    before: Snapshot | None,
    now: Snapshot,
    *,
    running: bool,
    held: Sequence[Listener] = (),
    wanted: Sequence[Listener] = (),
    unsure: str = "",
    pending: str = "",
    others: Sequence[Change] = (),
) -> Plan:
    """What to do so that the daemon runs ``now``.

    ``others`` are differences of what the configuration uses: database files, the login class. ``pending`` is the
    action of an earlier run that did not come to its end.

    Without ``before`` nobody can know what the running daemon loaded: it is reloaded, or, where ``unsure`` says why
    a reload may not be enough, restarted.
    """
    found = [*changes(before, now, held, wanted), *others] if before is not None else []
    return activation.plan(
        found, daemon="Postfix", running=running, recorded=before is not None, unsure=unsure, pending=pending
    )


def to_record(
    snapshot: Snapshot,
    directory: str,
    arguments: Mapping[str, Any],
    databases: Mapping[str, activation.Identity | None],
) -> activation.Record:
    """The record of an activated configuration."""
    kept = {os.path.join(directory, name): getattr(snapshot, attribute) for name, attribute in _FILES.items()}
    return activation.Record(
        "Postfix", directory, arguments, kept, snapshot.files, databases, snapshot.settings, snapshot.version,
        snapshot.pid,
    )  # fmt: skip


def of_record(record: activation.Record) -> Snapshot:
    """The configuration of a record. ValueError where it is not of Postfix."""
    try:
        main, master = (record.kept[os.path.join(record.directory, name)] for name in _FILES)
    except KeyError as exc:
        raise ValueError(f"is not a record of an activated Postfix: it does not have {exc}") from exc
    return Snapshot(main, master, record.settings, record.read, record.version, record.pid)


#: A line of syslogd, postlogd or journalctl: time and host, then the program as ``postfix/master[412]: ``.
_DAEMON = r"\bpostfix[\w./-]*\[\d+\]: "
_PROBLEM = re.compile(
    _DAEMON + r"(?:(?:fatal|panic|error): |warning: .*(?:throttling|exit status|killed by signal|ignoring .* change))"
)
_FAILED = re.compile(
    _DAEMON + r"(?:panic: |warning: .*bad command startup -- throttling)|/master\[\d+\]: (?:fatal|panic): "
)


def throttled(lines: Iterable[str]) -> bool:
    """Whether lines of a mail log say that master(8) does not start some daemon for a while."""
    return any(re.search(_DAEMON + r"warning: .*bad command startup -- throttling", line) for line in lines)


def problems(lines: Iterable[str]) -> list[str]:
    """The lines of a mail log that say what is wrong with Postfix."""
    return [line for line in lines if _PROBLEM.search(line)]


def failed(lines: Iterable[str]) -> bool:
    """Whether lines of a mail log say that master(8) or a daemon it starts cannot run."""
    return any(_FAILED.search(line) for line in lines)
