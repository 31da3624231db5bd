# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of master.cf: columns, ports, programs and their arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ansible_collections.puffy.mail.plugins.module_utils._postfix import parameters, types
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import MAIL_PORTS
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.files import malformed_option, master_columns
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.forms import is_host
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.names import duplicate_parameter
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.networks import is_address
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.registry import ERROR, WARNING, Fault, rule
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import Place, nearest, words

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.master_cf import Service

#: What pipe(8) and spawn(8) need, and what stands for it in a cure.
_NEEDED = {"user=": "account", "argv=": "command and its arguments, last on the line"}


@dataclass(frozen=True)
class Line:
    """A service; ``twin`` is an earlier one of the same name and type, ``programs`` what it may run (empty where
    the directory cannot be read)."""

    service: Service
    place: Place
    twin: Service | None = None
    programs: tuple[str, ...] = field(default=(), repr=False)

    @property
    def key(self) -> str:
        """The service, as messages name it."""
        return self.place.name


def lines(context: Context) -> Iterator[Line]:
    """The services in the order of the file."""
    seen: dict[str, Service] = {}
    directory = context.value("daemon_directory")
    names = context.probe.entries(directory)
    programs = tuple(name for name in names if not name.endswith(("-script", ".so")))
    for service in context.services:
        yield Line(service, context.place(service), seen.get(service.key), programs)
        seen[service.key] = service


def same_ports(context: Context) -> Iterator[tuple[Service, Service, int]]:
    """Services of different names on one address and port: the first, each later one, and the port."""
    seen: dict[tuple[str, int], Service] = {}
    for service in context.services:
        port = context.port_of(service)
        if port is None:
            continue
        host = _host_and_port(context, service)[0]
        other = seen.setdefault((host, port), service)
        if other.name != service.name:
            yield other, service, port


@rule("duplicate-service", ERROR, each=lines)
def duplicate_service(context: Context, line: Line) -> Iterator[Fault]:
    """the same name and type twice in master.cf | keep one | master(5)"""
    if line.twin is not None:
        first, second = line.twin.line, line.place.line
        message = f"{line.key} is already on line {first}; Postfix keeps only one of them"
        yield Fault(line.place, message, f"remove one of lines {first} and {second}")


@rule("same-port", WARNING, each=same_ports)
def same_port(context: Context, found: tuple[Service, Service, int]) -> Iterator[Fault]:
    """one address and port under two names, such as `smtps` and `submissions`: master(8) uses the later one; before
    3.6, a port on every address and again on one of them | keep one | master(5), master_ent.c, inet_listen.c"""
    other, service, port = found
    yield Fault(
        context.place(service),
        f"{service.name}/inet listens on port {port}, and so does {other.name}/inet on line {other.line};"
        " master(8) uses the later one only",
        f"remove one of lines {other.line} and {service.line}",
    )


def covered_ports(context: Context) -> Iterator[tuple[Service, Service]]:
    """Services on every address, each with one on the same port and an address of its own.

    Since 3.6 Postfix asks the system to share the port (SO_REUSEPORT, inet_listen.c).
    """
    interfaces = [word.lower().strip("[]") for word in words(context.value("inet_interfaces"))]
    inet = [(service, *_host_and_port(context, service)) for service in context.services if service.type == "inet"]
    for wide, host, port in inet if context.host.version < (3, 6) else ():
        for narrow, address, other in inet:
            if port and port == other and address and not host and (interfaces == ["all"] or address in interfaces):
                yield wide, narrow


def _host_and_port(context: Context, service: Service) -> tuple[str, int | None]:
    return service.name.rpartition(":")[0].strip("[]").lower(), context.port_of(service)


@same_port.also(each=covered_ports)
def covered_port(context: Context, found: tuple[Service, Service]) -> Iterator[Fault]:
    wide, narrow = found
    yield Fault(
        context.place(narrow),
        f"{narrow.name}/inet has an address on which {wide.name}/inet of line {wide.line} listens too;"
        " before 3.6, master(8) does not start with both on Linux",
        f"write the address in line {wide.line} too, or remove one of lines {wide.line} and {narrow.line}",
    )


@duplicate_parameter.also(each=lines)
def duplicate_option(context: Context, line: Line) -> Iterator[Fault]:
    options: dict[str, str] = {}
    for name, value in line.service.options:
        if options.get(name, value) != value:
            message = f"{line.key} has -o {name} twice; Postfix uses the later one"
            yield Fault(line.place, message, f"remove one -o {name}")
        options[name] = value


@rule("unknown-program", ERROR, each=lines)
def unknown_program(context: Context, line: Line) -> Iterator[Fault]:
    """a command that is not in `daemon_directory` | the nearest daemon, without its directory | master(5)"""
    command, directory = line.service.command, context.value("daemon_directory")
    if not line.programs or command in line.programs:
        return
    name = command.rpartition("/")[2]
    if "/" in command and context.probe.file(f"{directory}/{command}") is not None:
        return
    guess = nearest(name, line.programs)
    cure = f"did you mean {guess}?" if guess else f"use one of {', '.join(line.programs)}"
    if name != command and name in line.programs:
        cure = f"write {name}"
    yield Fault(line.place, f"{line.key}: there is no program {command!r} in {directory}", cure)


#: The daemons of Postfix, and the options that each of them takes (multi_server.c and its kin); behind those of the
#: second group stands a text.
_DAEMONS = frozenset(program for programs in parameters.READERS for program in programs.split())
_OPTIONS, _WITH_TEXT = "cdDlSuvVz", "imnorst"


@rule("daemon-option", ERROR, each=lines)
def daemon_option(context: Context, line: Line) -> Iterator[Fault]:
    """an option that Postfix's daemons do not have; `-D` without `debugger_command` | remove it | master(5),
    single_server.c, debug_process.c"""
    service = line.service
    for word in service.arguments if service.command in _DAEMONS else ():
        if not word.startswith("-") or word == "--":
            return
        for letter in word[1:]:
            if letter in _WITH_TEXT:
                break
            if letter not in _OPTIONS:
                message = f"{line.key}: {service.command}(8) has no option -{letter}, so it does not start"
                yield Fault(line.place, message, f"remove {word}, or write -o name=value")
                break
            if letter == "D" and not context.value("debugger_command", service):
                message = f"{line.key}: {service.command}(8) does not start with -D, because debugger_command is empty"
                yield Fault(line.place, message, "set debugger_command, or remove -D")


@master_columns.also(each=lines)
def private_inet(context: Context, line: Line) -> Iterator[Fault]:
    service = line.service
    if service.type == "inet" and service.private != "n":
        stands_for = "" if service.private == "y" else " ('-' means private)"
        message = f"{line.key}: an inet service cannot be private{stands_for}, so master(8) does not start"
        yield Fault(line.place, message, "write n in the column private")


@rule("unknown-port", ERROR, each=lines)
def unknown_port(context: Context, line: Line) -> Iterator[Fault]:
    """a port by a name that neither services(5) nor `known_tcp_ports` has | the number | services(5)"""
    port = line.service.name.rpartition(":")[2]
    if line.service.type == "inet" and not context.port_known(port):
        guess = nearest(port, filter(context.port_known, (*MAIL_PORTS, *context.known_ports)))
        yield Fault(
            line.place,
            f"{line.key}: the port {port!r} is not a number and not in services(5)",
            f"did you mean {guess}?" if guess else "write the port as a number",
        )


@rule("missing-argument", ERROR, each=lines)
def missing_argument(context: Context, line: Line) -> Iterator[Fault]:
    """pipe(8) or spawn(8) without `user=` or `argv=` | add it | pipe(8), spawn(8)"""
    service = line.service
    if service.command in ("pipe", "spawn"):
        for word, example in _NEEDED.items():
            # The names count without their case. Without a text, argv= is a command without a name.
            least = len(word) + (word == "argv=")
            if not any(given.lower().startswith(word) and len(given) >= least for given in service.arguments):
                yield Fault(line.place, f"{line.key}: {service.command}(8) needs {word}", f"add {word}{example}")


#: Parameters that name services whose sockets lie in public/; all other services that a parameter names are private.
_PUBLIC = frozenset(f"{name}_service_name" for name in ("cleanup", "flush", "pickup", "postlog", "queue", "showq"))


def _process_limit(context: Context, service: Service) -> int | None:
    text = service.maxproc if service.maxproc != "-" else context.value("default_process_limit", service)
    return int(text) if text.isdigit() else None


@rule("service-needs", ERROR, each=lines)
def service_needs(context: Context, line: Line) -> Iterator[Fault]:
    """a daemon that must be alone, without a process limit, with or without the rights of root and is not; a service
    that others reach in public/ or private/ and that is in the other | the column as in the master.cf that Postfix
    comes with | master(5), single_server.c, `CA_MAIL_SERVER_SOLITARY` and its kin"""
    service, needs = line.service, types.needs(line.service.command)
    limit = _process_limit(context, service)
    for need, wanted in (("single", 1), ("unlimited", 0)):
        if need in needs and limit is not None and limit != wanted:
            message = f"{line.key}: {service.command}(8) does not start with a process limit other than {wanted}"
            yield Fault(line.place, message, f"write {wanted} in the column maxproc")
    if "privileged" in needs and service.unpriv != "n":
        message = f"{line.key}: {service.command}(8) does not start without the rights of root"
        yield Fault(line.place, message, "write n in the column unpriv")
    if service.command in ("qmqpd", "smtpd") and service.type in ("inet", "pass") and service.unpriv == "n":
        message = f"{line.key}: {service.command}(8) refuses every client with the rights of root"
        yield Fault(line.place, message, "write - in the column unpriv")
    if service.type == "unix":
        own = [name for name in types.SERVICE_NAMES if service.name == context.value(name)]
        private = service.private != "n"
        if (own or service.command in types.DELIVERY_PROGRAMS) and private == any(name in _PUBLIC for name in own):
            side = "private" if not private else "public"
            message = f"{line.key}: other programs look for its socket in {side}/"
            yield Fault(line.place, message, f"write {'n' if private else '-'} in the column private")


def _rights(context: Context, line: Line, word: str) -> Iterator[Fault]:
    """What pipe(8) and spawn(8) say of the account that they are to run a command as."""
    name, _unused, group_name = word.partition("=")[2].partition(":")
    user, owner = context.probe.user(name), context.probe.user(context.value("mail_owner"))
    group = context.probe.group(group_name) if group_name else None
    cure = f"name an account of its own after {word.partition('=')[0]}="
    program = next((word[5:] for word in line.service.arguments if word.lower().startswith("argv=")), "")
    if not name.isdigit() and user is None and context.probe.file(program) is None:
        # Debian's master.cf has services for programs that few hosts install: nothing is handed to them.
        return
    if name.isdigit() or user is None:
        yield Fault(line.place, f"{line.key}: this host has no account {name!r}", cure)
    elif group_name and group is None:
        yield Fault(line.place, f"{line.key}: this host has no group {group_name!r}", cure)
    elif 0 in (user.uid, user.gid if group is None else group):
        yield Fault(line.place, f"{line.key}: {word!r} gives the command the rights of root", cure)
    elif owner is not None and (user.uid == owner.uid or (user.gid if group is None else group) == owner.gid):
        yield Fault(line.place, f"{line.key}: {word!r} gives the command the rights of the mail owner", cure)
    elif line.service.command == "pipe" and (user.gid if group is None else group) == context.probe.group(
        context.value("setgid_group")
    ):
        yield Fault(line.place, f"{line.key}: {word!r} gives the command the group of postdrop(1)", cure)


@rule("wrong-argument", ERROR, each=lines)
def wrong_argument(context: Context, line: Line) -> Iterator[Fault]:
    """an attribute or a flag that pipe(8), spawn(8), smtp(8) or lmtp(8) does not know; an account that does not exist,
    or with the rights of root or of the mail owner | the right one | pipe(8), spawn(8), smtp(8)"""
    service = line.service
    known, flags = types.arguments(service.command)
    for word in service.arguments if known else ():
        name, equals, text = word.partition("=")
        if name.startswith("-"):
            continue
        if f"{name.lower()}=" not in known or not equals:
            message = f"{line.key}: {service.command}(8) does not know {word!r}"
            yield Fault(line.place, message, f"use {', '.join(known)}")
        elif name.lower() == "argv":
            return
        elif name.lower() == "user":
            yield from _rights(context, line, word)
        elif name.lower() == "flags" and not set(text) <= set(flags):
            message = (
                f"{line.key}: {service.command}(8) does not know the flags {''.join(sorted(set(text) - set(flags)))!r}"
            )
            yield Fault(line.place, message, f"use the letters {flags}")
        elif name.lower() == "size" and text and not text.isdigit():
            yield Fault(line.place, f"{line.key}: size= is a number of bytes, not {text!r}", "write the number")


def _address_problem(context: Context, name: str) -> tuple[str, str] | None:
    host = name.rpartition(":")[0]
    if name.startswith("["):
        host, closed, rest = name[1:].partition("]")
        if not closed or not rest.startswith(":"):
            return f"{name!r} is not [address]:port", "write [address]:port"
    if not host:
        return None
    if not is_host(host):
        cure = (
            f"write {name.rpartition(':')[2]} alone for every address"
            if host == "*"
            else "name an address of this host"
        )
        return f"{host!r} is neither a host name nor an address", cure
    if not is_address(host):
        return None
    family = "ipv6" if ":" in host else "ipv4"
    protocols = words(context.value("inet_protocols").lower())
    if protocols and family not in protocols and "all" not in protocols:
        return f"inet_protocols has no {family}, which {host} needs", f"add {family} to inet_protocols"
    if context.probe.has_address(host) is False:
        return f"no interface of this host has the address {host}", "name an address of this host"
    return None


@rule("service-address", ERROR, each=lines)
def service_address(context: Context, line: Line) -> Iterator[Fault]:
    """an `inet` service on what is not an address, on an address that no interface of the host has, or of a family that
    `inet_protocols` lacks: master(8) ends | an address of the host | master(5), bind(2), host_port.c"""
    problem = _address_problem(context, line.service.name) if line.service.type == "inet" else None
    if problem is not None:
        yield Fault(line.place, f"{line.key}: {problem[0]}, so master(8) does not start", problem[1])


#: What virtual(8) needs to deliver (virtual(8), "configuration parameters").
_VIRTUAL = ("virtual_mailbox_base", "virtual_uid_maps", "virtual_gid_maps")


def deliveries(context: Context) -> Iterator[Line]:
    """The services of virtual(8) that deliver to mailboxes."""
    transport = context.value("virtual_transport").partition(":")[0]
    if context.value("virtual_mailbox_domains"):
        for line in lines(context):
            service = line.service
            if service.command == "virtual" and service.type == "unix" and service.name == transport:
                yield line


@rule("virtual-needs", ERROR, each=deliveries)
def virtual_needs(context: Context, line: Line) -> Iterator[Fault]:
    """virtual(8) as `virtual_transport` without the directory or the ids that it delivers with, or with a relative
    directory or ids that it refuses | set them | virtual(8)"""
    missing = [name for name in _VIRTUAL if not context.value(name, line.service)]
    if missing:
        message = f"{line.key}: virtual(8) cannot deliver to virtual_mailbox_domains without {', '.join(missing)}"
        yield Fault(line.place, message, f"set {', '.join(missing)}, or another virtual_transport")
    base = context.value("virtual_mailbox_base", line.service)
    if base and not base.startswith("/"):
        place = context.setting_of("virtual_mailbox_base", line.service) or line.place
        message = f"virtual_mailbox_base: {base!r} is a relative path, so virtual(8) cannot deliver"
        yield Fault(place, message, "write the path from / on")
    least = context.value("virtual_minimum_uid", line.service)
    for name, low in (("virtual_uid_maps", int(least) if least.isdigit() else 1), ("virtual_gid_maps", 1)):
        # What stands behind static: is for every recipient that no table before it has.
        for word in words(context.value(name, line.service))[:1]:
            kind, _unused, number = word.partition(":")
            given = re.match(r"\{?\s*(\d+)", number)
            if kind == "static" and (given is None or int(given[1]) < max(low, 1)):
                place = context.setting_of(name, line.service) or line.place
                message = f"{name}: {number!r} is not a number from {max(low, 1)} on, so virtual(8) cannot deliver"
                yield Fault(place, message, "write static: and the number of an account or group")


def shared_domains(context: Context) -> Iterator[tuple[str, str]]:
    """The domains of virtual_mailbox_domains that stand in a list which Postfix asks before, and that list."""
    if not any(deliveries(context)):
        return
    boxes = {word.lower() for word in words(context.value("virtual_mailbox_domains"))}
    for name in ("mydestination", "virtual_alias_domains"):
        # With recipients of one's own, local domains may hold the same users.
        if name == "mydestination" and "local_recipient_maps" in context.set_in_main:
            continue
        for word in words(context.value(name)):
            if word.lower() in boxes and ":" not in word and "/" not in word:
                yield word, name


@rule("domain-twice", ERROR, each=shared_domains)
def domain_twice(context: Context, found: tuple[str, str]) -> Iterator[Fault]:
    """a domain of `virtual_mailbox_domains` in `mydestination` or `virtual_alias_domains` too: its users are unknown
    there | the domain in one list | VIRTUAL_README, trivial-rewrite(8)"""
    domain, name = found
    place = context.setting_of(name) or context.setting_of("virtual_mailbox_domains")
    if place is not None:
        message = f"{name} has {domain}, and so does virtual_mailbox_domains: Postfix refuses mail for its mailboxes"
        yield Fault(place, message, f"remove {domain} from {name}")


@rule("option-before-smtpd", ERROR, each=lines)
def option_before_smtpd(context: Context, line: Line) -> Iterator[Fault]:
    """an option of postscreen(8) that smtpd(8) alone reads, so that the server behind it does not have it, such as a
    list of restrictions | the option in the service that `smtpd_service_name` names | POSTSCREEN_README"""
    if line.service.command != "postscreen":
        return
    server = context.value("smtpd_service_name", line.service)
    for name, _value in line.service.options:
        programs = types.readers(name)
        if "smtpd" in programs and "postscreen" not in programs:
            message = f"{line.key}: postscreen(8) does not read -o {name}, which is for smtpd(8) behind it"
            yield Fault(line.place, message, f"write the option in the service {server}/pass")


@malformed_option.also(each=lines)
def loose_argument(context: Context, line: Line) -> Iterator[Fault]:
    service = line.service
    if types.arguments(service.command)[0]:
        return
    loose = [argument for argument in service.arguments if not argument.startswith("-")]
    if loose:
        yield Fault(
            line.place,
            f"{line.key}: {service.command}(8) takes options only, not {' '.join(loose)!r}",
            "write -o name=value without white space around '=', or -o { name = value }",
        )
