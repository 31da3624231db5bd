# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules read: a configuration and its host, with every value worked out once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from ansible_collections.puffy.mail.plugins.module_utils._postfix import expansion, types
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import (
    Place,
    Setting,
    Value,
    joined,
    nearest,
    references,
    words,
)

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.host import Host
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.main_cf import MainCf
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.master_cf import MasterCf, Service

#: Service types whose names are sockets of this host.
LOCAL_TYPES = ("unix", "fifo", "pass", "unix-dgram")

#: Which daemons look the tables of those parameters up that every program reads.
_READ_BY_ALL = ("smtpd", "trivial-rewrite")
#: Ports of the mail services, for a host whose services(5) lacks them (RFC 5321, 6409, 8314).
MAIL_PORTS = {"smtp": 25, "submission": 587, "submissions": 465, "smtps": 465, "ssmtp": 465}

#: The lists that the submission services of Postfix's own master.cf use: "specify mua_<xxx>_restrictions in main.cf".
_LISTS_FOR_USERS = frozenset(
    f"mua_{stage}_restrictions" for stage in ("client", "helo", "sender", "relay", "recipient")
)

_REFERENCE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def _option_line(master: MasterCf, service: Service, name: str) -> int:
    """The line of master.cf that an option stands on."""
    if service.line == service.last_line:
        return service.line
    written = re.compile(rf"(?:^|[\s{{]|-o){re.escape(name)}\s*=")
    for number in range(service.last_line, service.line - 1, -1):
        line = master.lines[number - 1]
        if not line.lstrip().startswith("#") and written.search(line):
            return number
    return service.line


def _may_be_unset(setting: Setting, name: str) -> bool:
    """Whether a name is the list for users that Postfix's own master.cf uses here and its main.cf does not set."""
    return setting.service is not None and name in _LISTS_FOR_USERS and setting.name == f"smtpd_{name[4:]}"


class Context:
    """A configuration on one host. Nothing in it changes while it is judged."""

    def __init__(self, main: MainCf, master: MasterCf, host: Host, *, whole: bool = False) -> None:
        self.main, self.master, self.host = main, master, host
        #: whether Postfix runs these files as they are, so that a service that is not there is missing
        self.whole = whole
        self.probe = host.probe
        #: every ``name = value`` of main.cf, duplicates included
        self.entries = [
            Setting(main.path, entry.line, entry.name, value=joined(entry.value)) for entry in main.entries()
        ]
        self.set_in_main = {entry.name: entry for entry in self.entries}
        self.services = list(master.services())
        self.options = [
            Setting(
                master.path,
                _option_line(master, service, name),
                name,
                f"service {service.name}/{service.type}: ",
                joined(value),
                service,
            )
            for service in self.services
            for name, value in service.options
        ]
        #: the effective setting of each parameter of main.cf, and every ``-o``
        self.settings = [*self.set_in_main.values(), *self.options]
        #: the parameters named after the services, with their defaults
        self.derived = types.service_parameters((service.name, service.command) for service in self.services)
        self.defaults = {**self.derived, **host.defaults}
        self._option_of = {(option.service.line, option.name): option for option in self.options if option.service}
        self._values: dict[tuple[str, int], str] = {}
        self._classes: dict[int, dict[str, str]] = {}
        self._expanders: dict[int, expansion.Expander] = {}
        self._in_domain = False
        self._guesses = 100

    # ----------------------------------------------------------------------------------------------- values

    def lookup(self, name: str, service: Service | None = None) -> str | None:
        """The unexpanded value that ``service`` (or a daemon without ``-o``) sees, or None where nothing sets one."""
        setting = self.setting_of(name, service)
        if setting is not None:
            return setting.value
        if service is not None and name == "service_name":
            return service.name
        if name == "mydomain" and "myhostname" in self.set_in_main:
            return self._domain(service)
        return self.defaults.get(name)

    def _domain(self, service: Service | None) -> str:
        """postconf(5), mydomain: myhostname without its first label. postconf -d has worked it out of the system's own
        name. ValueError where myhostname uses mydomain."""
        if self._in_domain:
            raise ValueError("'$mydomain' refers to itself")
        self._in_domain = True
        try:
            name = expansion.expand(self.lookup("myhostname", service) or "", lambda name: self.lookup(name, service))
        finally:
            self._in_domain = False
        return name.partition(".")[2] or "localdomain"

    def setting_of(self, name: str, service: Service | None = None) -> Setting | None:
        """Where the value that ``service`` sees is written, or None for a default."""
        if service is not None and service.options:
            option = self._option_of.get((service.line, name))
            if option is not None:
                return option
        return self.set_in_main.get(name)

    def value(self, name: str, service: Service | None = None) -> str:
        """The expanded value; empty where it cannot be expanded, which the rules on references report."""
        key = (name, service.line if service is not None else 0)
        if key not in self._values:
            try:
                self._values[key] = self.expanded(self.lookup(name, service) or "", service)
            except ValueError:
                # mydomain, where myhostname uses it
                self._values[key] = ""
        return self._values[key]

    def _expander(self, service: Service | None) -> expansion.Expander:
        key = service.line if service is not None else 0
        if key not in self._expanders:
            self._expanders[key] = expansion.Expander(lambda name: self.lookup(name, service), self.host.version)
        return self._expanders[key]

    def expanded(self, raw: str, service: Service | None = None) -> str:
        """A text with every ``$name`` replaced; empty where it cannot be expanded."""
        if "$" not in raw:
            return raw
        try:
            return self._expander(service).expand(raw)
        except ValueError:
            return ""

    def is_yes(self, name: str, service: Service | None = None) -> bool:
        """Whether a boolean is on."""
        return self.value(name, service).lower() == "yes"

    def guess(self, name: str, known: Iterable[str]) -> str | None:
        """The nearest known name; None after the first hundred, because each search takes milliseconds."""
        self._guesses -= 1
        return nearest(name, known) if self._guesses >= 0 else None

    @cached_property
    def default_references(self) -> frozenset[str]:
        """The names that defaults use. Old names live on in the defaults of their successors."""
        return frozenset(name for value in self.host.defaults.values() for name in references(value))

    @cached_property
    def defined(self) -> frozenset[str]:
        """The names that ``$name`` may use."""
        own = (setting.name for setting in self.settings)
        return self.default_references.union(self.defaults, own, ("service_name",))

    @cached_property
    def all_values(self) -> list[Value]:
        """What each setting comes to, those that cannot be worked out and those that Postfix expands later included."""
        return [self._worked_out(setting) for setting in self.settings]

    def _worked_out(self, setting: Setting) -> Value:
        kind = types.kind(setting.name)
        if "$" not in setting.value or setting.name in types.RAW:
            return Value(setting, kind, setting.value)
        try:
            names = expansion.references(setting.value)
            undefined = dict.fromkeys(name for name, needed in names if needed and name not in self.defined)
            missing = tuple(name for name in undefined if not _may_be_unset(setting, name))
            if missing:
                return Value(setting, kind, "", missing)
            text = self._expander(setting.service).expand(setting.value)
        except ValueError as exc:
            return Value(setting, kind, "", (), str(exc))
        return Value(setting, kind, text.strip(), empty=tuple(undefined))

    @cached_property
    def values(self) -> list[Value]:
        """What each setting comes to that can be worked out before it is used."""
        return [value for value in self.all_values if not value.broken and value.name not in types.RAW]

    @cached_property
    def _broken(self) -> frozenset[tuple[str, int, str]]:
        broken = (value.setting for value in self.all_values if value.broken)
        return frozenset((setting.file, setting.line, setting.name) for setting in broken)

    def broken(self, setting: Setting) -> bool:
        """Whether a value cannot be worked out, which the rules on references report."""
        return (setting.file, setting.line, setting.name) in self._broken

    def own_words(self, setting: Setting) -> list[str]:
        """The words of a list, expanded, without those of another parameter of main.cf that is judged by itself."""
        found: list[str] = []
        for raw in words(setting.value):
            match = _REFERENCE.fullmatch(raw)
            name = (match[1] or match[2]) if match else ""
            if name in self.set_in_main and types.is_list(name):
                continue
            found.extend(words(self.expanded(raw, setting.service)) if "$" in raw else (raw,))
        return found

    def classes(self, service: Service | None = None) -> dict[str, str]:
        """The restriction classes that ``service`` knows: as they are written -> in lower case."""
        setting = self.setting_of("smtpd_restriction_classes", service)
        key = setting.service.line if setting is not None and setting.service is not None else 0
        if key not in self._classes:
            written = words(self.value("smtpd_restriction_classes", service if key else None))
            self._classes[key] = {name: name.lower() for name in written}
        return self._classes[key]

    @cached_property
    def proxied_names(self) -> frozenset[str]:
        """The parameters whose tables proxymap(8) serves."""
        return frozenset(references(f"{self.lookup('proxy_read_maps')} {self.lookup('proxy_write_maps')}"))

    @cached_property
    def proxied_tables(self) -> frozenset[str]:
        """The tables that proxymap(8) serves, those inside of braces too."""
        allowed = words(self.value("proxy_read_maps")) + words(self.value("proxy_write_maps"))
        return frozenset(allowed).union(*(words(word.strip("{}")) for word in allowed))

    # --------------------------------------------------------------------------------------------- services

    def place(self, service: Service) -> Place:
        """The line of a service in master.cf."""
        return Place(self.master.path, service.line, f"{service.name}/{service.type}")

    def chrooted(self, service: Service) -> bool:
        """Whether the service runs in the chroot. ``-`` stands for yes below compatibility level 1 (master(5))."""
        if service.chroot == "-":
            return expansion.compare(self.value("compatibility_level") or "0", "<level", "1")
        return service.chroot == "y"

    def smtpd_services(self) -> Iterator[Service]:
        """The services that speak SMTP with clients."""
        for service in self.services:
            if service.command == "smtpd" and service.type in ("inet", "pass"):
                yield service

    def readers(self, setting: Setting) -> list[Service]:
        """The services that use a setting."""
        if setting.service is not None:
            return [setting.service]
        programs = types.readers(setting.name) or _READ_BY_ALL
        return [service for service in self.services if service.command in programs]

    # ------------------------------------------------------------------------------------------------- host

    def absolute(self, path: str) -> str:
        """A path as the daemons take it: a relative one lies below the queue directory."""
        return path if path.startswith("/") else f"{self.value('queue_directory')}/{path}"

    def beside(self, path: str) -> str | None:
        """A file in the directory of ``path`` with a name that is close to it."""
        directory, _unused, name = path.rpartition("/")
        found = nearest(name, self.probe.entries(directory or "/"))
        return f"{directory}/{found}" if found else None

    def create(self, path: str) -> str:
        """What cures a file that is missing."""
        guess = self.beside(path)
        return f"did you mean {guess}?" if guess else f"create {path} first"

    def lines(self, path: str) -> list[str]:
        """The lines of a file; none where it cannot be read."""
        content = self.probe.content(self.absolute(path))
        return [] if content is None else content.decode("utf-8", "replace").splitlines()

    @cached_property
    def known_ports(self) -> dict[str, int]:
        """known_tcp_ports (Postfix 3.6 and later) as name -> port."""
        found: dict[str, int] = {}
        for word in words(self.value("known_tcp_ports")):
            *names, port = word.split("=")
            if port.isdigit():
                found.update(dict.fromkeys(names, int(port)))
        return found

    def port_known(self, port: str) -> bool:
        """Whether a daemon can use a port by this number or name."""
        if port.isdigit():
            return 0 < int(port) < 65536
        return port in self.known_ports or self.probe.port(port) is not None

    def port_of(self, service: Service) -> int | None:
        """The TCP port that an inet service listens on."""
        if service.type != "inet":
            return None
        port = service.name.rpartition(":")[2]
        if port.isdigit():
            return int(port)
        return self.known_ports.get(port) or MAIL_PORTS.get(port) or self.probe.port(port)
