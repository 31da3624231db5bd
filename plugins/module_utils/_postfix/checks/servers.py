# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the daemons talk to: services of master.cf, and servers by address or socket."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ansible_collections.puffy.mail.plugins.module_utils._postfix import types
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import LOCAL_TYPES
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.forms import destination, milter_protocol
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.lookups import Table, source, tables
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.registry import ERROR, WARNING, Fault, rule
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.restrictions import Restriction, restrictions
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import Setting, Value, nearest, words
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.values import seconds
from ansible_collections.puffy.mail.plugins.module_utils._rights import denied

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.master_cf import Service


@dataclass(frozen=True)
class Server:
    """A server: ``text`` is its address, ``what`` says whose, ``chrooted`` whether a client runs in the chroot."""

    setting: Setting
    text: str
    what: str
    chrooted: bool = False


@dataclass(frozen=True)
class Target:
    """What one word names: a service of master.cf, a server, or both. ``host`` is a path taken for a host name."""

    setting: Setting
    service: str = ""
    server: Server | None = None
    host: str = ""


def targets(context: Context) -> Iterator[Target]:
    """What transports, names of services, Milters and the SASL server name."""
    for value in context.values:
        setting = value.setting
        if value.kind == "transport" and value.text:
            yield from _transport(context, value)
        elif value.kind == "service" and value.text and setting.value != context.defaults.get(value.name):
            yield Target(setting, value.text)
        elif value.name == "defer_transports":
            for word in words(value.text):
                yield Target(setting, word)
        elif value.kind == "milters" and not _passed_over(context, value):
            for word in words(value.text):
                inner = words(word[1:-1]) if word.startswith("{") else [word]
                if inner:
                    yield Target(setting, server=_server(context, setting, inner[0], "the Milter"))
        elif value.name == "smtpd_sasl_path" and value.text:
            yield from _sasl_server(context, value)


def _passed_over(context: Context, value: Value) -> bool:
    """Whether ``none`` stands alone and does no harm: to Postfix it is a Milter that does not answer (milter8.c)."""
    action = context.value("milter_default_action", value.setting.service)
    return value.text.lower() == "none" and action.lower() == "accept"


def _transport(context: Context, value: Value) -> Iterator[Target]:
    name, _unused, nexthop = value.text.partition(":")
    if not name:
        return
    agents = [service for service in context.services if service.name == name and service.command in ("lmtp", "smtp")]
    server, host = None, ""
    if nexthop.startswith("unix:"):
        chrooted = any(context.chrooted(service) for service in agents)
        server = Server(value.setting, nexthop, f"the server behind {name}", chrooted)
    elif agents and nexthop.startswith(("private/", "public/", "/")):
        host = nexthop
    yield Target(value.setting, name, server, host)


def _sasl_server(context: Context, value: Value) -> Iterator[Target]:
    """Dovecot's authentication socket. Cyrus SASL takes the value for the name of its own configuration."""
    setting = value.setting
    users = [
        service
        for service in ([setting.service] if setting.service else context.smtpd_services())
        if context.is_yes("smtpd_sasl_auth_enable", service) and context.value("smtpd_sasl_type", service) == "dovecot"
    ]
    if users:
        text = value.text if value.text.startswith(("inet:", "unix:")) else f"unix:{value.text}"
        chrooted = any(context.chrooted(service) for service in users)
        yield Target(setting, server=Server(setting, text, "the SASL server", chrooted))


def _server(context: Context, setting: Setting, text: str, what: str) -> Server:
    return Server(setting, text, what, any(context.chrooted(service) for service in context.readers(setting)))


def _socket(context: Context, server: Server) -> str | None:
    """The Unix-domain socket that a server listens on; None where it has another address, or where a service of
    master.cf makes the socket.

    A relative path is taken below the queue directory, and so is an absolute one where the client is chrooted.
    """
    scheme, _unused, path = server.text.partition(":")
    if scheme not in ("unix", "local") or not path:
        return None
    directory, _unused, name = path.rpartition("/")
    if directory in ("private", "public"):
        for service in context.services:
            local = service.type in LOCAL_TYPES and service.name == name
            if local and (service.private == "n") == (directory == "public"):
                return None
    below = not path.startswith("/") or server.chrooted
    return f"{context.value('queue_directory')}/{path.lstrip('/')}" if below else path


def _service_fault(target: Target, names: Collection[str]) -> Fault:
    guess = nearest(target.service, names)
    return Fault(
        target.setting,
        f"{target.setting.name}: master.cf has no service {target.service!r}",
        f"did you mean {guess}?" if guess else f"add the service {target.service}/unix to master.cf",
    )


@rule("unknown-service", ERROR, each=targets)
def unknown_service(context: Context, target: Target) -> Iterator[Fault]:
    """a transport or service name that master.cf does not have | the nearest service, or add it | transport(5)"""
    if target.service and ":" not in target.service:
        names = {service.name for service in context.services if service.type in LOCAL_TYPES}
        if target.service not in names:
            yield _service_fault(target, names)


def _wrong(context: Context, server: Server) -> Iterator[Fault]:
    setting, what, text = server.setting, server.what, server.text
    scheme, _unused, rest = text.partition(":")
    if not rest or scheme not in ("unix", "local", "inet"):
        message = f"{what} {text!r} is neither inet:host:port nor unix:path"
        cure = f"write inet:{text} or unix:{text}" if text else "name a server"
        if rest and scheme == "inet6":
            cure = f"write inet:{rest}"
        elif text.lower() == "none":
            cure = "remove the word none"
        yield Fault(setting, f"{setting.name}: {message}", cure)
    elif scheme == "inet":
        problem = destination(context, rest, port_needed=True)
        if problem is not None:
            message, cure = problem
            if "@" in rest:
                port, _unused, host = rest.partition("@")
                cure = f"write inet:{host}:{port}"
            yield Fault(setting, f"{setting.name}: {what} {message}", cure)
    else:
        path = _socket(context, server)
        file = context.probe.file(path) if path is not None else None
        if file is not None and file.kind != "socket":
            yield Fault(setting, f"{setting.name}: {what} {path} is a {file.kind}, not a socket", "name the socket")


def _missing(context: Context, server: Server) -> Iterator[Fault]:
    path = _socket(context, server)
    if path is not None and context.probe.file(path) is None:
        setting, chrooted = server.setting, server.chrooted and server.text.partition(":")[2].startswith("/")
        yield Fault(
            setting,
            f"{setting.name}: the socket {path} of {server.what} does not exist"
            + (" (the daemon is chrooted)" if chrooted else ""),
            "start the program that makes the socket, or add its service to master.cf",
        )


@rule("wrong-endpoint", ERROR, each=targets)
def wrong_endpoint(context: Context, target: Target) -> Iterator[Fault]:
    """a server that is neither `inet:host:port` nor `unix:path`, a host or a port that Postfix cannot read, a path that
    is not a socket | the right form | postconf(5), host_port.c, milter8.c"""
    if target.server is not None:
        yield from _wrong(context, target.server)
    if target.host:
        name = target.setting.name
        cure = f"write {target.service}:unix:{target.host}"
        yield Fault(target.setting, f"{name}: Postfix takes {target.host!r} for a host name", cure)


@rule("socket-missing", WARNING, each=targets)
def socket_missing(context: Context, target: Target) -> Iterator[Fault]:
    """a socket that does not exist (yet) and that no service of master.cf makes | start the program that makes it |
    postconf(5)"""
    if target.server is not None:
        yield from _missing(context, target.server)


def milters(context: Context) -> Iterator[tuple[Value, str]]:
    """The Milters that are written in braces, without the braces."""
    for value in context.values:
        if value.kind == "milters":
            yield from ((value, word[1:-1]) for word in words(value.text) if word.startswith("{"))


#: The attributes of a Milter in braces, which stand for the parameters with milter_ before (milter.c).
_MILTER_ATTRIBUTES = ("command_timeout", "connect_timeout", "content_timeout", "default_action", "protocol")


def _attribute_problem(context: Context, value: Value, word: str) -> tuple[str, str] | None:
    inner = word[1:-1] if word.startswith("{") else word
    name, equals, text = (part.strip() for part in inner.partition("="))
    if not equals or not name:
        return f"{word!r} is not name=value", "write name=value without white space around '=', or { name = value }"
    if name not in _MILTER_ATTRIBUTES:
        guess = nearest(name, _MILTER_ATTRIBUTES)
        return (
            f"Postfix knows no {name!r}",
            f"did you mean {guess}?" if guess else f"use {', '.join(_MILTER_ATTRIBUTES)}",
        )
    parameter = f"milter_{name}"
    if name.endswith("_timeout"):
        time = replace(value, setting=replace(value.setting, name=parameter), text=text)
        return None if seconds(context, time) else (f"{name} is {text!r}, not a time", "write a time such as 30s")
    if name == "protocol":
        return milter_protocol(text)
    known = types.enumeration(parameter, context.host.version)
    return None if text.lower() in known else (f"{name} is {text!r}", f"use one of {', '.join(known)}")


@rule("milter-attribute", ERROR, each=milters)
def milter_attribute(context: Context, found: tuple[Value, str]) -> Iterator[Fault]:
    """braces without a Milter; an attribute behind a Milter that Postfix does not know, or with a value that it cannot
    read | an attribute of `smtpd_milters`, such as `connect_timeout=10s` | milter.c, attr_override.c"""
    value, inner = found
    name, *attributes = words(inner) or [""]
    if not name:
        yield Fault(
            value.setting, f"{value.name}: there is no Milter in {{{inner}}}", "name a Milter, or remove the braces"
        )
    for word in attributes:
        problem = _attribute_problem(context, value, word)
        if problem is not None:
            yield Fault(value.setting, f"{value.name}: the Milter {name!r}: {problem[0]}", problem[1])
        if "=" not in word:
            return


def _policy_server(context: Context, restriction: Restriction) -> Server | None:
    text = restriction.policy_server
    if text is not None and text.startswith("{"):
        text = next(iter(words(text[1:-1])), "")
    return None if text is None else _server(context, restriction.setting, text, "the policy server")


@wrong_endpoint.also(each=restrictions)
def wrong_policy_server(context: Context, restriction: Restriction) -> Iterator[Fault]:
    server = _policy_server(context, restriction)
    if server is not None:
        yield from _wrong(context, server)


@socket_missing.also(each=restrictions)
def policy_socket_missing(context: Context, restriction: Restriction) -> Iterator[Fault]:
    server = _policy_server(context, restriction)
    if server is not None:
        yield from _missing(context, server)


def _socketmap_server(context: Context, table: Table) -> Server | None:
    server, _unused, name = table.name.rpartition(":")
    if not table.usable or table.type != "socketmap" or not server or not name:
        return None
    return _server(context, table.setting, server, "the socketmap server")


@wrong_endpoint.also(each=tables)
def wrong_socketmap_server(context: Context, table: Table) -> Iterator[Fault]:
    server = _socketmap_server(context, table)
    if server is not None:
        yield from _wrong(context, server)


@socket_missing.also(each=tables)
def socketmap_socket_missing(context: Context, table: Table) -> Iterator[Fault]:
    server = _socketmap_server(context, table)
    if server is not None:
        yield from _missing(context, server)


@dataclass(frozen=True)
class Command:
    """A program that pipe(8) or spawn(8) runs: ``path`` as the host sees it, ``user`` without its group, and the
    directories that pipe(8) enters before."""

    service: Service
    path: str
    user: str
    directories: tuple[str, ...] = ()


def _routed(context: Context, table: Table) -> Iterator[str]:
    """The transports that the text of a transport table names."""
    path = source(context, table) if table.setting.name.endswith("transport_maps") else None
    for line in context.lines(path) if path is not None else ():
        fields = line.split(None, 2)
        if len(fields) > 1 and not line.startswith(("#", " ", "\t")):
            yield fields[1].partition(":")[0]


def commands(context: Context) -> Iterator[Command]:
    """The programs of the services that get work: a transport that a parameter or a transport table names, a policy
    server, and what listens on a port. Stock files have services for programs that few hosts install."""
    used = {target.service for target in targets(context)}
    for table in tables(context):
        used.update(_routed(context, table))
    for restriction in restrictions(context):
        server = _policy_server(context, restriction)
        used.add(server.text.rpartition("/")[2] if server is not None else "")
    for service in context.services:
        if service.command in ("pipe", "spawn") and (service.type == "inet" or service.name in used):
            given: dict[str, str] = {}
            for word in service.arguments:
                name, _unused, text = word.partition("=")
                given.setdefault(name.lower(), text)
            root, user = given.get("chroot", "").rstrip("/"), given.get("user", "").partition(":")[0]
            entered = [given["chroot"]] if root else []
            if given.get("directory", "").startswith("/"):
                entered.append(root + given["directory"])
            path = root + given["argv"] if given.get("argv", "").startswith("/") else ""
            yield Command(service, path, user, tuple(entered) if service.command == "pipe" else ())


def _problem(context: Context, command: Command) -> tuple[str, str] | None:
    """Why a program does not run, and the cure."""
    probe, path = context.probe, command.path
    queue = context.value("queue_directory")
    accounts = (f"{queue}/etc/passwd", f"{queue}/etc/pwd.db")
    if context.chrooted(command.service) and not any(probe.file(name) for name in accounts):
        program = command.service.command
        return (
            f"{program}(8) is chrooted and finds no account {command.user} in {queue}",
            "write n in the column chroot",
        )
    for directory in command.directories:
        entered = probe.file(directory)
        if entered is None or entered.kind != "directory":
            what = f"is a {entered.kind}" if entered else "does not exist"
            return f"the directory {directory} {what}", f"create {directory}"
    if not path:
        return None
    file, user = probe.file(path), probe.user(command.user)
    if file is None:
        return f"{path} does not exist", f"install {path}"
    if file.kind != "file":
        return f"{path} is a {file.kind}, not a program", "name the program after argv="
    where = denied(path, user, 1, probe.file, probe.resolve) if user is not None else None
    if where is None:
        return None
    return f"{command.user} may not {'run' if where == path else 'enter'} {where}", f"chmod o+x {where}"


@rule("command-missing", WARNING, each=commands)
def command_missing(context: Context, command: Command) -> Iterator[Fault]:
    """a program or a directory of pipe(8) or spawn(8) that the host lacks, or a program that its account may not run,
    in a service that gets work; a chroot without the account | install the program, create the directory, grant the
    right, or no chroot | pipe(8), spawn(8)"""
    problem = _problem(context, command)
    if problem is not None:
        message, cure = problem
        piped = command.service.command == "pipe"
        effect = "mail for it stays in the queue" if piped else "its clients get no answer"
        place = context.place(command.service)
        yield Fault(place, f"{place.name}: {message}, so {effect}", cure)
