# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge a Postfix configuration before it goes live: main.cf and master.cf in, findings out.

Every rule stands in ``RULES`` and in docs/checks.md. Postfix itself notices few of these faults before mail is lost:
``postfix check`` exits 0 on most of them.
"""

from __future__ import annotations

import contextlib
import datetime
import difflib
import ipaddress
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.puffy.mail.plugins.module_utils._postfix import types
from ansible_collections.puffy.mail.plugins.module_utils._postfix.host import User
from ansible_collections.puffy.mail.plugins.module_utils._tls import keys as _keys
from ansible_collections.puffy.mail.plugins.module_utils._tls import pem, x509

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.host import Host
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.main_cf import MainCf
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.master_cf import MasterCf, Service

ERROR, WARNING = "error", "warning"

#: rule id -> severity. docs/checks.md says what each finds, what cures it and where that is written.
RULES: dict[str, str] = {
    # the form of the files
    "main-syntax": ERROR,
    "master-columns": ERROR,
    "malformed-option": ERROR,
    "missing-argument": ERROR,
    # names
    "unknown-parameter": ERROR,
    "unknown-option": ERROR,
    "parameter-not-in-version": ERROR,
    "deprecated-parameter": WARNING,
    "removed-parameter": ERROR,
    "read-only-parameter": ERROR,
    "duplicate-parameter": ERROR,
    "undefined-reference": ERROR,
    "circular-reference": ERROR,
    "malformed-expression": ERROR,
    "comment-in-value": WARNING,
    # values
    "wrong-boolean": ERROR,
    "wrong-integer": ERROR,
    "wrong-time": ERROR,
    "wrong-enumeration": ERROR,
    "wrong-tls-protocols": ERROR,
    "tls13-disabled": ERROR,
    "wrong-compatibility-level": ERROR,
    "wrong-network": ERROR,
    "wrong-address": ERROR,
    "address-not-local": WARNING,
    "size-limits": ERROR,
    # restrictions
    "unknown-restriction": ERROR,
    "restriction-argument": ERROR,
    "undefined-restriction-class": ERROR,
    "deprecated-restriction": WARNING,
    "open-relay": ERROR,
    "mynetworks-everyone": ERROR,
    # lookup tables
    "wrong-table": ERROR,
    "unsupported-table-type": ERROR,
    "table-missing": ERROR,
    "table-not-indexed": ERROR,
    "table-stale": WARNING,
    "table-unreadable": ERROR,
    "table-chroot": ERROR,
    "proxy-not-allowed": ERROR,
    # TLS
    "tls-file-missing": ERROR,
    "tls-file-unreadable": ERROR,
    "certificate-invalid": ERROR,
    "certificate-expired": ERROR,
    "key-invalid": ERROR,
    "key-encrypted": ERROR,
    "key-mismatch": ERROR,
    "key-world-readable": ERROR,
    "tls-without-certificate": ERROR,
    "tls-required-on-port-25": ERROR,
    "wrapper-mode-port": WARNING,
    # services
    "duplicate-service": ERROR,
    "unknown-program": ERROR,
    "unknown-port": ERROR,
    "unknown-service": ERROR,
    "wrong-endpoint": ERROR,
    "socket-missing": WARNING,
}

#: The rules that say a name is of no use to this Postfix.
UNUSED = frozenset({"unknown-parameter", "unknown-option", "parameter-not-in-version", "removed-parameter"})

#: The severities a caller may choose for unknown names and for deprecated ones.
UNKNOWN_CHOICES = ("error", "warn")
DEPRECATED_CHOICES = ("warn", "error", "ignore")


@dataclass(frozen=True)
class Finding:
    """One fault: where it is (``line`` counts from 1; 0 where there is no line), the parameter or service it is
    about, what is wrong, and what would be right."""

    severity: str
    rule: str
    file: str
    line: int
    name: str
    message: str
    suggestion: str | None = None


@dataclass(frozen=True)
class Setting:
    """A parameter set in main.cf (``service`` is None) or by ``-o`` in master.cf."""

    name: str
    value: str
    file: str
    line: int
    service: Service | None = None


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that ``name`` was most likely meant to be, or None where none is close."""
    found = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.75)
    return found[0] if found else None


def check(
    main: MainCf,
    master: MasterCf,
    host: Host,
    *,
    unknown: str = "error",
    deprecated: str = "warn",
    skip: Collection[str] = (),
) -> list[Finding]:
    """Judge a configuration; return the findings by file and line, those of main.cf first.

    ``unknown`` (error, warn) is the severity of names this Postfix does not know; ``deprecated`` (warn, error,
    ignore) that of names on their way out; ``skip`` holds rule ids to leave out. ValueError for an unknown rule id
    or choice.
    """
    return report(main, master, host, unknown=unknown, deprecated=deprecated, skip=skip).findings


def report(
    main: MainCf,
    master: MasterCf,
    host: Host,
    *,
    unknown: str = "error",
    deprecated: str = "warn",
    skip: Collection[str] = (),
) -> Report:
    """The findings of ``check`` together with the values that the configuration comes to."""
    for rule in skip:
        if rule not in RULES:
            guess = nearest(rule, RULES)
            raise ValueError(f"there is no check {rule!r}" + (f"; did you mean {guess!r}?" if guess else ""))
    if unknown not in UNKNOWN_CHOICES:
        raise ValueError(f"unknown must be one of {', '.join(UNKNOWN_CHOICES)}, not {unknown!r}")
    if deprecated not in DEPRECATED_CHOICES:
        raise ValueError(f"deprecated must be one of {', '.join(DEPRECATED_CHOICES)}, not {deprecated!r}")
    severities = dict(RULES)
    for rule in ("unknown-parameter", "unknown-option", "parameter-not-in-version"):
        severities[rule] = ERROR if unknown == "error" else WARNING
    for rule in ("deprecated-parameter", "deprecated-restriction"):
        severities[rule] = ERROR if deprecated == "error" else WARNING
    ignored = set(skip)
    if deprecated == "ignore":
        ignored |= {"deprecated-parameter", "deprecated-restriction"}
    run = _Check(main, master, host, severities)
    unique = dict.fromkeys(finding for finding in run.run() if finding.rule not in ignored)
    return Report(sorted(unique, key=lambda finding: (finding.file == master.path, finding.line)), run)


class Report:
    """What a configuration comes to on one host."""

    def __init__(self, findings: list[Finding], run: _Check) -> None:
        self.findings = findings
        self._run = run

    @property
    def set(self) -> dict[str, str]:
        """The parameters that main.cf sets, unexpanded; the last of several counts."""
        return dict(self._run.main_values)

    @property
    def defaults(self) -> dict[str, str]:
        """The defaults of all other parameters, those named after services included."""
        return dict(self._run.defaults)

    @property
    def deprecated(self) -> dict[str, str | None]:
        """The deprecated and removed names in use, with what to set instead (None: leave the default)."""
        found = {}
        for setting in self._run.settings():
            old = types.DEPRECATED.get(setting.name)
            if old is not None and self._run.host.version >= old.version:
                found[setting.name] = old.successor
        return found

    def effective(self, name: str) -> str:
        """The value of a parameter in main.cf, expanded unless Postfix itself expands it later."""
        if name in types.RAW:
            return self._run.lookup(name) or ""
        return self._run.value(name)

    def chrooted(self, service: Service) -> bool:
        """Whether the service runs in the chroot."""
        return self._run.chrooted(service)


#: Protocol names as Postfix knows them (tls_misc.c); case does not matter.
_PROTOCOLS = {name.lower(): name for name in ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")}
#: PEM labels of a certificate (OpenSSL, pem.h)
CERTIFICATE_LABELS = ("CERTIFICATE", "TRUSTED CERTIFICATE", "X509 CERTIFICATE")

#: Any user of the host that has no rights of its own on a file.
_STRANGER = User("another user", -1, -1, frozenset())

#: What a word must look like to be a lookup table.
_TABLE_SHAPE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*:")
#: What stands after a restriction, in words and as an example.
_ARGUMENTS = {
    types.TABLE: "a lookup table",
    types.DOMAIN: "the domain of a DNS list",
    types.POLICY: "a policy server",
    types.NUMBER: "a number of seconds",
}
_ARGUMENT_EXAMPLES = {
    types.TABLE: "type:name",
    types.DOMAIN: "zen.example.org",
    types.POLICY: "unix:private/policy",
    types.NUMBER: "1",
}
#: Lists at a stage of the session where a bare table has nothing to check (NO_DEF_ACL of smtpd_check.c).
_NO_BARE_TABLE = ("smtpd_data_restrictions", "smtpd_end_of_data_restrictions")
#: The lists one of which must end the way of a stranger who wants to relay, and the restrictions that do; without any,
#: smtpd(8) does not serve at all (smtpd_check.c).
_ACCESS_LISTS = ("smtpd_relay_restrictions", "smtpd_recipient_restrictions")
_STOPPERS = frozenset(
    {
        "reject_unauth_destination",
        "defer_unauth_destination",
        "reject",
        "defer",
        "defer_if_permit",
        "check_relay_domains",
    }
)
#: Types of indexed tables and the ending of the index (postmap(1), DATABASE_README).
_INDEXED = {"btree": ".db", "hash": ".db", "cdb": ".cdb", "dbm": ".pag", "lmdb": ".lmdb", "sdbm": ".pag"}
_TEXT_TYPES = frozenset({"cidr", "pcre", "regexp", "texthash"})
#: Types whose name is a file with the address of a server; the server is contacted after the daemon is chrooted.
_CLIENT_TYPES = frozenset({"ldap", "mongodb", "mysql", "pgsql", "sqlite"})
#: Types a host may lack although Postfix has them: they come in packages of their own.
_TABLE_PACKAGES = frozenset({"cdb", "ldap", "lmdb", "mongodb", "mysql", "pcre", "pgsql", "sqlite"})
_COMMON_TYPES = frozenset({*_INDEXED, *_TEXT_TYPES, *_CLIENT_TYPES, "inline", "static"})
#: Which daemons look a parameter's tables up: the first pattern that matches; smtpd(8) reads all others.
_READERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"virtual_alias_maps|(sender_|recipient_)?canonical_maps", ("smtpd", "cleanup")),
    (r"(sender|recipient)_bcc_maps|(mime_|nested_|milter_)?header_checks|body_checks", ("cleanup",)),
    (r"virtual_mailbox_domains|virtual_alias_domains|relay_domains|mydestination", ("smtpd", "trivial-rewrite")),
    (r"(sender_dependent_.*|address_verify_)?(transport|relayhost)_maps|relocated_maps", ("trivial-rewrite", "smtpd")),
    (r"virtual_mailbox_maps", ("smtpd", "virtual")),
    (r"virtual_[ug]id_maps", ("virtual",)),
    (r"alias_maps|local_recipient_maps", ("smtpd", "local")),
    (r"mailbox_(command|transport)_maps|fallback_transport_maps", ("local",)),
    (r"non_smtpd_milters", ("cleanup",)),
    (r"smtp_.*", ("smtp",)),
    (r"lmtp_.*", ("lmtp",)),
    (r"postscreen_.*", ("postscreen",)),
    (r"alias_database|authorized_.*|local_login_sender_maps", ()),
)
#: Ports of the mail services, for a host whose services(5) lacks them (RFC 5321, 6409, 8314).
_PORTS = {"smtp": 25, "submission": 587, "submissions": 465, "smtps": 465, "ssmtp": 465}
_NETWORK_LISTS = frozenset(
    {
        "mynetworks",
        "permit_mx_backup_networks",
        "postscreen_access_list",
        "qmqpd_authorized_clients",
        "smtpd_authorized_verp_clients",
        "smtpd_authorized_xclient_hosts",
        "smtpd_authorized_xforward_hosts",
        "smtpd_client_event_limit_exceptions",
        "smtpd_forbid_bare_newline_exclusions",
        "smtpd_sasl_exceptions_networks",
    }
)
#: What people write for the two words that inet_interfaces knows.
_INTERFACE_WORDS = {"any": "all", "*": "all", "loopback": "loopback-only", "lo": "loopback-only"}
#: Regular expressions that match whatever is looked up.
_MATCH_ALL = frozenset({"//", "/./", "/^/", "/$/", "/.*/", "/.+/", "/^.*/", "/^.*$/", "/.*$/", "/^.+$/"})
#: Enumerations whose empty value means "not set".
_MAY_BE_EMPTY = ("_tls_security_level", "_security_level", "_proxy_protocol", "_support_level", "_client_level")


def _joined(value: str) -> str:
    """A value with its continuation lines as Postfix reads it: white space around line ends is one blank."""
    return re.sub(r"\s*\n\s*", " ", value).strip()


def _safe_references(value: str) -> list[tuple[str, bool]]:
    try:
        return types.references(value)
    except ValueError:
        return []


def _excluding(operator: str, name: str) -> str:
    """The list of exclusions that says the same as ``>=TLSv1.2``, for Postfix before 3.6."""
    order = list(_PROTOCOLS.values())
    known = _PROTOCOLS.get(name.lower())
    at = order.index(known) if known else order.index("TLSv1.2")
    gone = order[:at] if operator == ">=" else order[at + 1 :]
    return ", ".join(f"!{protocol}" for protocol in gone)


def _canonical_address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text


def _is_the_internet(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    """Whether a network is more than any one site has: no IPv4 network has been larger than a /8 (RFC 790), and
    registries of whole continents have a /12 of the global addresses 2000::/3 (RFC 4291)."""
    if isinstance(network, ipaddress.IPv4Network):
        return network.prefixlen < 8
    return network.prefixlen <= 12 and network.overlaps(ipaddress.IPv6Network("2000::/3"))


def _as_written(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
    if network.version == 6:
        return f"[{network.network_address}]/{network.prefixlen}"
    return str(network)


#: In a line that Postfix cannot read, what looks like the name of a parameter with a password; the rest is not shown.
_SECRET_AFTER = re.compile(r"(\w*(?:password|passwd|passphrase|secret|credential|_pw)\w*).+", re.IGNORECASE)


def _shortened(text: str) -> str:
    text = _SECRET_AFTER.sub(r"\1 ********", " ".join(text.split()))
    return text if len(text) <= 60 else text[:57] + "..."


class _Check:
    """One run over one configuration. Each ``_…`` method is one group of rules and appends to ``found``."""

    def __init__(self, main: MainCf, master: MasterCf, host: Host, severities: Mapping[str, str]) -> None:
        self.host = host
        self.probe = host.probe
        self.severities = severities
        self.found: list[Finding] = []
        self.main, self.master = main, master
        self.main_file, self.master_file = main.path, master.path
        self.entries = [
            Setting(entry.name, _joined(entry.value), self.main_file, entry.line) for entry in main.entries()
        ]
        self.set_in_main = {entry.name: entry for entry in self.entries}
        self.services = list(master.services())
        self.options = [
            Setting(name, _joined(value), self.master_file, self._option_line(service, name), service)
            for service in self.services
            for name, value in service.options
        ]
        self.derived = types.service_parameters((service.name, service.command) for service in self.services)
        self.defaults = {**self.derived, **host.defaults}
        self.main_values = {entry.name: entry.value for entry in self.entries}
        self._class_names: dict[int | None, list[str]] = {}

    def run(self) -> list[Finding]:
        for group in (
            self._syntax,
            self._names,
            self._references,
            self._values,
            self._restriction_lists,
            self._tables,
            self._networks,
            self._sizes,
            self._relay,
            self._tls,
            self._master,
            self._transports,
        ):
            group()
        return self.found

    # ------------------------------------------------------------------------------------------------ helpers

    def add(self, rule: str, setting: Setting, message: str, suggestion: str | None = None) -> None:
        """Report a fault of one setting."""
        name = setting.name
        if setting.service is not None:
            message = f"service {setting.service.name}/{setting.service.type}: {message}"
        self.found.append(Finding(self.severities[rule], rule, setting.file, setting.line, name, message, suggestion))

    def add_service(self, rule: str, service: Service, message: str, suggestion: str | None = None) -> None:
        """Report a fault of one line of master.cf."""
        name = f"{service.name}/{service.type}"
        self.found.append(
            Finding(self.severities[rule], rule, self.master_file, service.line, name, message, suggestion)
        )

    def _option_line(self, service: Service, name: str) -> int:
        """The line of master.cf that an option stands on."""
        written = re.compile(rf"(?:^|[\s{{]|-o){re.escape(name)}\s*=")
        for number in range(service.last_line, service.line - 1, -1):
            line = self.master.lines[number - 1]
            if not line.lstrip().startswith("#") and written.search(line):
                return number
        return service.line

    def settings(self) -> Iterator[Setting]:
        """The effective setting of each parameter of main.cf, and every ``-o``."""
        yield from self.set_in_main.values()
        yield from self.options

    def lookup(self, name: str, service: Service | None = None) -> str | None:
        """The unexpanded value that ``service`` (or a daemon without ``-o``) sees, or None where there is none."""
        if service is not None:
            for option, value in reversed(service.options):
                if option == name:
                    return value
        if name in self.main_values:
            return self.main_values[name]
        if service is not None and name == "service_name":
            return service.name
        if name == "mydomain" and "myhostname" in self.main_values:
            # postconf(5): myhostname without its first label. postconf -d has worked it out of the system's own name.
            return self.value("myhostname", service).partition(".")[2] or "localdomain"
        return self.defaults.get(name)

    def value(self, name: str, service: Service | None = None) -> str:
        """The expanded value; empty where it cannot be expanded, which ``_references`` reports."""
        raw = self.lookup(name, service)
        return "" if raw is None else self.expanded(raw, service)

    def expanded(self, raw: str, service: Service | None = None) -> str:
        try:
            return types.expand(raw, lambda name: self.lookup(name, service))
        except ValueError:
            return ""

    def words(self, text: str) -> list[str]:
        try:
            return types.split_list(text)
        except ValueError:
            return []

    def setting_of(self, name: str, service: Service | None) -> Setting | None:
        """Where the value that ``service`` sees is written, or None for a default."""
        if service is not None:
            for option in reversed(self.options):
                if option.service is service and option.name == name:
                    return option
        return self.set_in_main.get(name)

    def is_yes(self, name: str, service: Service | None = None) -> bool:
        return self.value(name, service).lower() == "yes"

    def chrooted(self, service: Service) -> bool:
        """Whether the service runs in the chroot. ``-`` stands for yes below compatibility level 1 (master(5))."""
        if service.chroot == "-":
            return types.compare(self.value("compatibility_level") or "0", "<level", "1")
        return service.chroot == "y"

    def smtpd_services(self) -> Iterator[Service]:
        for service in self.services:
            if service.command == "smtpd" and service.type in ("inet", "pass"):
                yield service

    # ------------------------------------------------------------------------------------------------- names

    def _names(self) -> None:
        seen: dict[str, Setting] = {}
        for entry in self.entries:
            if entry.name in seen:
                earlier = seen[entry.name]
                self.add(
                    "duplicate-parameter",
                    earlier,
                    f"{entry.name} is set here and again on line {entry.line}, and only the later one counts",
                    f"keep one of lines {earlier.line} and {entry.line}",
                )
            seen[entry.name] = entry
        known, sources = self._known_names(), self._table_sources()
        for setting in self.settings():
            if not setting.name.startswith(sources):
                self._one_name(setting, known)

    def _known_names(self) -> set[str]:
        """What postconf(1) takes for known: built in, named after a service, or used by another value."""
        present = {service.name for service in self.services}
        known = set(self.derived)
        for name in self.host.defaults:
            service = types.service_base(name)
            if service is None or service in present or not self.host.defaults[name].startswith("$"):
                known.add(name)
        for value in (*self.host.defaults.values(), *(setting.value for setting in (*self.entries, *self.options))):
            if "$" in value:
                known.update(name for name, _unused in _safe_references(value))
        for service_ in (None, *self.services):
            known.update(self.words(self.value("smtpd_restriction_classes", service_)))
        return known

    def _table_sources(self) -> tuple[str, ...]:
        """Prefixes of the old way to configure a table in main.cf itself: ``ldap:source`` reads ``source_server_host``
        (ldap_table(5), "backwards compatibility")."""
        found = set()
        for setting in (*self.entries, *self.options):
            for match in re.finditer(r"\b(?:ldap|mysql|pgsql|sqlite|memcache|mongodb):(\w+)", setting.value):
                found.add(match[1] + "_")
        return tuple(found)

    def _one_name(self, setting: Setting, known: Collection[str]) -> None:
        name, version = setting.name, self.host.version
        release = types.shown(version)
        if name in ("process_id", "process_name"):
            self.add(
                "read-only-parameter",
                setting,
                f"{name} is set by Postfix itself and cannot be set here",
                f"remove {name}",
            )
            return
        old = types.DEPRECATED.get(name)
        advice = None
        if old is not None:
            advice = f"set {old.successor} instead" if old.successor else f"remove {name} and let the default stand"
        if name in known:
            if old is not None and version >= old.version:
                self.add(
                    "deprecated-parameter",
                    setting,
                    f"{name} is deprecated since Postfix {types.shown(old.version)}",
                    advice,
                )
            return
        if old is not None and version >= old.version:
            self.add("removed-parameter", setting, f"{name} is gone from Postfix {release}", advice)
            return
        newer = types.since(name)
        if newer is not None and not types.exists(name, version):
            self.add(
                "parameter-not-in-version",
                setting,
                f"{name} is not in Postfix {release}; it came with a later release, at the latest {newer}",
                f"remove {name}, or install Postfix {newer}",
            )
            return
        rule = "unknown-parameter" if setting.service is None else "unknown-option"
        guess = nearest(name, known)
        self.add(
            rule,
            setting,
            f"Postfix {release} has no parameter {name!r}, and no other value uses it as ${name}",
            f"did you mean {guess}?" if guess else f"remove {name}",
        )

    # -------------------------------------------------------------------------------------------- references

    def _references(self) -> None:
        defined = set(self.defaults) | set(self.main_values) | {"service_name"}
        for value in self.host.defaults.values():
            # Old names live on in the defaults of their successors, so that they still count where they are set.
            defined.update(name for name, _unused in _safe_references(value))
        for option in self.options:
            defined.add(option.name)
        for setting in self.settings():
            if setting.name in types.RAW or "$" not in setting.value:
                continue
            try:
                names = types.references(setting.value)
            except ValueError as exc:
                self.add("malformed-expression", setting, f"{setting.name}: {exc}", "balance the braces")
                continue
            missing = [name for name, needed in names if needed and name not in defined]
            for name in dict.fromkeys(missing):
                guess = nearest(name, defined)
                self.add(
                    "undefined-reference",
                    setting,
                    f"{setting.name} uses ${name}, which is set nowhere and has no default",
                    f"did you mean ${guess}?" if guess else f"set {name}, or write $$ for a dollar sign",
                )
            if missing:
                continue
            try:
                types.expand(setting.value, lambda name: self.lookup(name, setting.service))  # noqa: B023
            except ValueError as exc:
                circular = "refers to itself" in str(exc)
                rule = "circular-reference" if circular else "malformed-expression"
                self.add(rule, setting, f"{setting.name}: {exc}", f"rewrite the value of {setting.name}")

    # ------------------------------------------------------------------------------------------------ values

    def _values(self) -> None:
        for setting in self.settings():
            if setting.name in types.RAW:
                continue
            if re.search(r"\s#\s", setting.value) and setting.name not in ("smtpd_banner",):
                self.add(
                    "comment-in-value",
                    setting,
                    f"{setting.name} has '#' inside its value; Postfix takes it as part of the value, not as a comment",
                    "put the comment on a line of its own",
                )
            if self._broken(setting):
                continue
            value = self.expanded(setting.value, setting.service).strip()
            kind = types.kind(setting.name)
            if kind == "boolean":
                self._boolean(setting, value)
            elif kind == "integer":
                self._integer(setting, value)
            elif kind == "time":
                self._time(setting, value)
            elif kind == "enumeration":
                self._enumeration(setting, [value])
            elif kind == "enumeration_list":
                self._enumeration(setting, self.words(value))
            elif kind == "tls_protocols":
                self._protocols(setting, value)
            elif kind == "compatibility_level":
                self._level(setting, value)

    def _broken(self, setting: Setting) -> bool:
        """Whether ``_references`` has already said that this value cannot be worked out."""
        return any(
            finding.rule in ("undefined-reference", "circular-reference", "malformed-expression")
            and (finding.file, finding.line, finding.name) == (setting.file, setting.line, setting.name)
            for finding in self.found
        )

    def _boolean(self, setting: Setting, value: str) -> None:
        if value.lower() in ("yes", "no"):
            return
        guess = {"true": "yes", "1": "yes", "on": "yes", "false": "no", "0": "no", "off": "no"}.get(value.lower())
        self.add(
            "wrong-boolean",
            setting,
            f"{setting.name} is yes or no, not {value!r}",
            f"{setting.name} = {guess}" if guess else f"{setting.name} = yes, or = no",
        )

    def _integer(self, setting: Setting, value: str) -> None:
        if re.fullmatch(r"\d+", value) or (re.fullmatch(r"-\d+", value) and "dnsbl" in setting.name):
            return
        suggestion = f"{setting.name} = a whole number"
        match = re.fullmatch(r"(\d+)\s*([kmg])i?b?", value, re.IGNORECASE)
        if match:
            size = int(match[1]) * 1024 ** (" kmg".index(match[2].lower()))
            suggestion = f"{setting.name} = {size}"
        self.add(
            "wrong-integer",
            setting,
            f"{setting.name} is a whole number without a unit or sign, not {value!r}",
            suggestion,
        )

    def _time(self, setting: Setting, value: str) -> None:
        if re.fullmatch(r"\d+[smhdw]?", value):
            return
        match = re.fullmatch(r"(\d+)\s*(s|m|h|d|w)[a-z]*", value, re.IGNORECASE)
        self.add(
            "wrong-time",
            setting,
            f"{setting.name} is a number with one of the units s, m, h, d, w right behind it, not {value!r}",
            f"{setting.name} = {match[1]}{match[2].lower()}" if match else f"{setting.name} = a time such as 30s",
        )

    def _enumeration(self, setting: Setting, words: Sequence[str]) -> None:
        values = types.enumeration(setting.name, self.host.version)
        if not values:
            return
        many = types.is_list(setting.name)
        for word in words:
            if not word and (many or setting.name.endswith(_MAY_BE_EMPTY)):
                continue
            if word.lower() not in values:
                if setting.name == "inet_protocols" and word.lower() == "none":
                    continue
                guess = nearest(word.lower(), values)
                what = "words of" if many else "one of"
                self.add(
                    "wrong-enumeration",
                    setting,
                    f"{setting.name} is {what} {', '.join(values)}, not {word!r}",
                    f"did you mean {guess}?" if guess else f"use one of {', '.join(values)}",
                )

    def _protocols(self, setting: Setting, value: str) -> None:
        named, excluded, ranged = [], [], False
        for word in re.split(r"[\s,:]+", value):
            if not word:
                continue
            match = re.fullmatch(r"(!|>=|<=)?(.*)", word)
            operator, name = (match[1], match[2]) if match else (None, word)
            if operator in (">=", "<="):
                if self.host.version < (3, 6):
                    self.add(
                        "wrong-tls-protocols",
                        setting,
                        f"{setting.name}: {word!r} is syntax of Postfix 3.6 and later;"
                        f" Postfix {types.shown(self.host.version)} does not know it",
                        f"{setting.name} = {_excluding(operator, name)}",
                    )
                    return
                ranged = True
            known = _PROTOCOLS.get(name.lower())
            if known is None and not (operator in (">=", "<=") and re.fullmatch(r"(0x)?[0-9a-fA-F]+", name)):
                guess = nearest(name, _PROTOCOLS.values())
                self.add(
                    "wrong-tls-protocols",
                    setting,
                    f"{setting.name}: there is no TLS protocol {name!r}",
                    f"did you mean {(operator or '') + guess}?" if guess else f"use {', '.join(_PROTOCOLS.values())}",
                )
                return
            if operator == "!":
                excluded.append(known)
            elif operator is None:
                named.append(known)
        if named and not ranged and "TLSv1.3" not in named and "TLSv1.3" not in excluded:
            lowest = min((name for name in named if name), key=list(_PROTOCOLS.values()).index)
            cure = f">={lowest}" if self.host.version >= (3, 6) else _excluding(">=", lowest)
            self.add(
                "tls13-disabled",
                setting,
                f"{setting.name} names {', '.join(name or '' for name in named)}, which excludes every other protocol,"
                " TLSv1.3 too",
                f"{setting.name} = {cure}",
            )

    def _level(self, setting: Setting, value: str) -> None:
        version = self.host.version
        if version < (3, 6):
            if re.fullmatch(r"\d+", value):
                if int(value) <= 2:
                    return
                message = f"compatibility_level {value!r} is higher than Postfix {types.shown(version)} knows (0 to 2)"
            else:
                message = (
                    f"compatibility_level is a whole number in Postfix {types.shown(version)}, not {value!r};"
                    " levels with a dot came with Postfix 3.6"
                )
            self.add("wrong-compatibility-level", setting, message, "compatibility_level = 2")
            return
        if not re.fullmatch(r"\d+(\.\d+){0,2}", value):
            self.add(
                "wrong-compatibility-level",
                setting,
                f"compatibility_level is a Postfix release such as {version[0]}.{version[1]}, not {value!r}",
                f"compatibility_level = {version[0]}.{version[1]}",
            )
        elif types.version_of(value) > version:
            self.add(
                "wrong-compatibility-level",
                setting,
                f"compatibility_level {value!r} is higher than this Postfix, {types.shown(version)}",
                f"compatibility_level = {version[0]}.{version[1]}",
            )

    # ------------------------------------------------------------------------------------------ restrictions

    def _restriction_settings(self) -> Iterator[Setting]:
        """Every value that is a list of restrictions: by its type, or as a restriction class."""
        for setting in self.settings():
            if types.kind(setting.name) == "restrictions" or setting.name in self._classes(setting.service):
                yield setting

    def _classes(self, service: Service | None = None) -> list[str]:
        own = service.option("smtpd_restriction_classes") if service is not None else None
        key = None if own is None or service is None else service.line
        if key not in self._class_names:
            self._class_names[key] = self.words(
                self.value("smtpd_restriction_classes", service if own is not None else None)
            )
        return self._class_names[key]

    def _restriction_lists(self) -> None:
        for service in (None, *self.services):
            if service is not None and not any(
                name == "smtpd_restriction_classes" for name, _unused in service.options
            ):
                continue
            setting = self.setting_of("smtpd_restriction_classes", service)
            for name in self._classes(service) if setting else ():
                if setting is not None and self.lookup(name, service) is None:
                    self.add(
                        "undefined-restriction-class",
                        setting,
                        f"the restriction class {name!r} has no value of its own",
                        f"set {name} to a list of restrictions, or take it out of smtpd_restriction_classes",
                    )
        for setting in self._restriction_settings():
            if not self._broken(setting):
                self._one_restriction_list(setting)

    def _one_restriction_list(self, setting: Setting) -> None:
        classes = {name.lower() for name in self._classes(setting.service)}
        words = self._own_words(setting)
        index = 0
        while index < len(words):
            word = words[index]
            index += 1
            name = word.lower()
            if name in types.RESTRICTIONS:
                self._old_restriction(setting, name)
                argument = types.RESTRICTIONS[name]
                if argument is None:
                    continue
                follow = words[index] if index < len(words) else None
                problem = self._argument_problem(name, argument, follow, classes)
                if problem is None:
                    index += 1
                    if argument == types.POLICY and follow is not None:
                        self._policy_endpoint(setting, follow)
                    continue
                self.add(
                    "restriction-argument",
                    setting,
                    f"{setting.name}: {name} needs {_ARGUMENTS[argument]} after it, {problem}",
                    f"write {name} {_ARGUMENT_EXAMPLES[argument]}",
                )
                if follow is not None and follow.lower() not in types.RESTRICTIONS and follow.lower() not in classes:
                    index += 1
            elif name in classes or _TABLE_SHAPE.match(word):
                if name not in classes and setting.name in _NO_BARE_TABLE:
                    self.add(
                        "restriction-argument",
                        setting,
                        f"{setting.name}: the table {word!r} stands without a check_…_access before it,"
                        " which means nothing at this stage of a session",
                        f"write check_recipient_access {word}, or what it is meant to check",
                    )
            else:
                self._unknown_restriction(setting, word, words[index - 2] if index > 1 else None, classes)

    def _argument_problem(self, name: str, argument: str, follow: str | None, classes: Collection[str]) -> str | None:
        if follow is None:
            return "but the list ends there"
        if follow.lower() in types.RESTRICTIONS or follow.lower() in classes:
            return f"but {follow!r} follows"
        right = {
            # check_ccert_access { type:table, { search_order = … } }: Postfix 3.5 and later (postconf(5)).
            types.TABLE: bool(_TABLE_SHAPE.match(follow)) or (name == "check_ccert_access" and follow[0] == "{"),
            types.DOMAIN: bool(re.match(r"[\w-]+(\.[\w-]+)*\.?(=\S+)?$", follow)) and "." in follow,
            types.POLICY: bool(re.match(r"(inet|unix):\S|\{", follow)),
            types.NUMBER: bool(re.fullmatch(r"\d+[smhdw]?", follow)),
        }[argument]
        return None if right else f"not {follow!r}"

    def _old_restriction(self, setting: Setting, name: str) -> None:
        old = types.DEPRECATED_RESTRICTIONS.get(name)
        if old is not None and self.host.version >= old[0]:
            self.add(
                "deprecated-restriction",
                setting,
                f"{setting.name}: {name} is deprecated or gone since Postfix {types.shown(old[0])}",
                f"use {old[1]}",
            )

    def _unknown_restriction(self, setting: Setting, word: str, before: str | None, classes: Collection[str]) -> None:
        guess = nearest(word.lower(), (*types.RESTRICTIONS, *classes))
        hint = f"did you mean {guess}?" if guess else f"take {word} out"
        if before is not None and types.RESTRICTIONS.get(before.lower(), "") is None and not guess:
            self.add(
                "restriction-argument",
                setting,
                f"{setting.name}: {before} takes no argument, but {word!r} follows it",
                hint,
            )
            return
        self.add("unknown-restriction", setting, f"{setting.name}: there is no restriction {word!r}", hint)

    def _policy_endpoint(self, setting: Setting, text: str) -> None:
        if text.startswith("{"):
            inner = self.words(text[1:-1])
            text = inner[0] if inner else ""
        self._endpoint(setting, text, "the policy server")

    def _endpoint(self, setting: Setting, text: str, what: str) -> None:
        """An address of a server: ``inet:host:port`` or ``unix:path``, judged as far as this host can tell."""
        scheme, _unused, rest = text.partition(":")
        if scheme in ("unix", "local") and rest:
            clients = [setting.service] if setting.service else self._readers(setting.name)
            self._socket(setting, rest, what, any(self.chrooted(service) for service in clients))
        elif scheme in ("inet", "inet6") and rest:
            # A Milter may be written port@host, everything else host:port.
            port = rest.partition("@")[0] if "@" in rest else rest.rpartition(":")[2]
            if not self._port_known(port):
                self.add(
                    "wrong-endpoint",
                    setting,
                    f"{setting.name}: {what} {text!r} names the port {port!r}, which is neither a number nor in"
                    " services(5)",
                    "write the port as a number",
                )
        else:
            self.add(
                "wrong-endpoint",
                setting,
                f"{setting.name}: {what} {text!r} is neither inet:host:port nor unix:path",
                f"write inet:{text} or unix:{text}" if text else "name a server",
            )

    def _port_known(self, port: str) -> bool:
        if port.isdigit():
            return 0 < int(port) < 65536
        return port in self._known_ports() or self.probe.port(port) is not None

    def _known_ports(self) -> dict[str, int]:
        """known_tcp_ports (Postfix 3.6 and later) as name -> port."""
        found: dict[str, int] = {}
        for word in self.words(self.value("known_tcp_ports")):
            *names, port = word.split("=")
            if port.isdigit():
                found.update(dict.fromkeys(names, int(port)))
        return found

    def _socket(self, setting: Setting, path: str, what: str, chrooted: bool) -> None:
        """A Unix-domain socket: made by a service of master.cf, or by another program. A relative path is taken
        below the queue directory, and so is an absolute one where the daemon that connects is chrooted."""
        directory, _unused, name = path.rpartition("/")
        if directory in ("private", "public"):
            for service in self.services:
                local = service.type in ("unix", "fifo", "pass", "unix-dgram")
                if local and service.name == name and (service.private == "n") == (directory == "public"):
                    return
        full = path if path.startswith("/") and not chrooted else f"{self.value('queue_directory')}/{path.lstrip('/')}"
        file = self.probe.file(full)
        if file is None:
            self.add(
                "socket-missing",
                setting,
                f"{setting.name}: {what} is reached through {full}, which does not exist"
                + (" (the daemon is chrooted)" if chrooted and path.startswith("/") else ""),
                "start the program that makes it, or add the service to master.cf",
            )
        elif file.kind != "socket":
            self.add(
                "wrong-endpoint",
                setting,
                f"{setting.name}: {what} {full} is a {file.kind}, not a socket",
                "name the socket",
            )

    # ---------------------------------------------------------------------------------------- lookup tables

    def _tables(self) -> None:
        for setting in self.settings():
            if self._broken(setting) or setting.name in types.RAW:
                continue
            kind = types.kind(setting.name)
            classes = self._classes(setting.service)
            if kind not in ("tables", "table", "match_list", "restrictions", "cache", "table_type"):
                if setting.name not in classes:
                    continue
                kind = "restrictions"
            if kind == "table_type":
                value = self.expanded(setting.value, setting.service)
                self._table_type(setting, value, value)
                continue
            for word in self._own_words(setting):
                self._table_word(setting, word, kind)

    def _own_words(self, setting: Setting) -> list[str]:
        """The words of a list, expanded, without those of another parameter of main.cf that is judged by itself."""
        found: list[str] = []
        for raw in self.words(setting.value):
            match = re.fullmatch(r"\$(?:\{(\w+)\}|(\w+))", raw)
            name = (match[1] or match[2]) if match else ""
            if name in self.main_values and types.is_list(name):
                continue
            found.extend(self.words(self.expanded(raw, setting.service)))
        return found

    def _table_word(self, setting: Setting, word: str, kind: str) -> None:
        text = word[1:] if word.startswith("!") else word
        if kind == "match_list" and text.startswith("/"):
            # A file whose lines are part of the list (postconf(5), mynetworks).
            if self.probe.file(text) is None:
                self._missing(setting, "the list", text, "a file")
            return
        if kind == "restrictions" and text.startswith("{"):
            text = next(iter(self.words(text[1:-1])), "")
        if kind in ("match_list", "restrictions"):
            if not _TABLE_SHAPE.match(text) or text.startswith("["):
                return
            if kind == "restrictions" and re.match(r"(inet|unix):", text):
                # The server of check_policy_service.
                return
        elif not _TABLE_SHAPE.match(text):
            if kind == "cache" and not text:
                return
            if setting.name in ("smtp_requiretls_policy", "lmtp_requiretls_policy"):
                return
            self.add(
                "wrong-table",
                setting,
                f"{setting.name}: {word!r} is not a lookup table; a table is written type:name",
                f"{setting.name} = {self.value('default_database_type')}:{word}"
                if word.startswith("/")
                else "write type:name, such as hash:/etc/postfix/table",
            )
            return
        self._table(setting, text, proxied=False, cache=kind == "cache")

    def _table_type(self, setting: Setting, table_type: str, shown: str) -> bool:
        if table_type in self.host.map_types:
            return True
        guess = nearest(table_type, self.host.map_types)
        package = f"; install the package that adds {table_type}" if table_type in _TABLE_PACKAGES else ""
        have = ", ".join(sorted(self.host.map_types & _COMMON_TYPES))
        self.add(
            "unsupported-table-type",
            setting,
            f"{setting.name}: {shown!r} has the type {table_type!r}, which this Postfix does not have",
            (f"did you mean {guess}?" if guess else f"this Postfix has {have}") + package,
        )
        return False

    def _table(self, setting: Setting, text: str, *, proxied: bool, cache: bool) -> None:
        table_type, _unused, name = text.partition(":")
        if not self._table_type(setting, table_type, text):
            return
        if table_type == "proxy":
            if not _TABLE_SHAPE.match(name):
                self.add(
                    "wrong-table",
                    setting,
                    f"{setting.name}: {text!r} needs type:name after 'proxy:'",
                    "write proxy:type:name",
                )
                return
            self._proxy_allowed(setting, text)
            self._table(setting, name, proxied=True, cache=cache)
            return
        if table_type == "debug":
            self._table(setting, name, proxied=proxied, cache=cache)
            return
        if table_type in ("pipemap", "unionmap"):
            if not (name.startswith("{") and name.endswith("}")):
                self.add(
                    "wrong-table",
                    setting,
                    f"{setting.name}: {text!r} needs its tables in braces",
                    f"write {table_type}:{{type:name, type:name}}",
                )
                return
            for inner in self.words(name[1:-1]):
                if _TABLE_SHAPE.match(inner):
                    self._table(setting, inner, proxied=proxied, cache=False)
            return
        if not name and table_type not in ("fail",):
            self.add("wrong-table", setting, f"{setting.name}: {text!r} has no name after its type", "write type:name")
            return
        if table_type == "socketmap":
            server, _unused, table = name.rpartition(":")
            if not server or not table:
                self.add(
                    "wrong-table",
                    setting,
                    f"{setting.name}: {text!r} needs a server and a table name",
                    "write socketmap:inet:host:port:name or socketmap:unix:path:name",
                )
            else:
                self._endpoint(setting, server, "the socketmap server")
            return
        if table_type in _CLIENT_TYPES or table_type == "memcache":
            self._client_table(setting, table_type, name, proxied=proxied)
        elif table_type == "unix":
            self._reach(setting, table_type, name, "the accounts of this host", proxied=proxied)
        elif table_type in _INDEXED and cache:
            self._cache_directory(setting, name)
        elif table_type in _INDEXED:
            self._indexed_table(setting, table_type, name, proxied=proxied)
        elif table_type in _TEXT_TYPES:
            self._text_table(setting, table_type, name, proxied=proxied)

    def _absolute(self, path: str) -> str:
        return path if path.startswith("/") else f"{self.value('queue_directory')}/{path}"

    def _client_table(self, setting: Setting, table_type: str, name: str, *, proxied: bool) -> None:
        if not name.startswith(("/", ".")):
            # The old way: the settings stand in main.cf itself, named after the table.
            pass
        else:
            path = self._absolute(name)
            file = self.probe.file(path)
            if file is None or file.kind != "file":
                self._missing(setting, f"{table_type}:{name}", path, "the client configuration")
            else:
                self._readable(setting, path, proxied=proxied)
        # A memcache server is asked over the network, or through a socket that can be in the chroot.
        if table_type != "memcache":
            self._reach(setting, table_type, name, "the database", proxied=proxied)

    def _reach(self, setting: Setting, table_type: str, name: str, what: str, *, proxied: bool) -> None:
        """A table that is not opened before the daemon is chrooted needs proxymap(8) outside of the chroot."""
        reader = None if proxied else self._chrooted_reader(setting)
        if reader is not None:
            self.add(
                "table-chroot",
                setting,
                f"{setting.name}: {table_type}:{name} is looked up by {reader.command}(8), service"
                f" {reader.name}/{reader.type}, which runs in the chroot and cannot reach {what} from there",
                f"write proxy:{table_type}:{name}, or set the chroot column of {reader.name}/{reader.type} to n",
            )
        if proxied:
            for service in self.services:
                if service.command == "proxymap" and self.chrooted(service):
                    self.add(
                        "table-chroot",
                        setting,
                        f"{setting.name}: proxy:{table_type}:{name} is looked up by proxymap(8), which master.cf puts"
                        " into the chroot too",
                        f"set the chroot column of {service.name}/{service.type} to n",
                    )

    def _chrooted_reader(self, setting: Setting) -> Service | None:
        """A service that looks this parameter up and is chrooted, or None."""
        if setting.service is not None:
            return setting.service if self.chrooted(setting.service) else None
        for service in self._readers(setting.name):
            if self.chrooted(service) and not any(option == setting.name for option, _unused in service.options):
                return service
        return None

    def _readers(self, name: str) -> list[Service]:
        """The services that use a parameter of main.cf."""
        programs = next((readers for pattern, readers in _READERS if re.fullmatch(pattern, name)), ("smtpd",))
        return [service for service in self.services if service.command in programs]

    def _indexed_table(self, setting: Setting, table_type: str, name: str, *, proxied: bool) -> None:
        path = self._absolute(name)
        suffix = _INDEXED[table_type]
        source, index = self.probe.file(path), self.probe.file(path + suffix)
        table = f"{table_type}:{name}"
        builder = "postalias" if setting.name in ("alias_maps", "alias_database") else "postmap"
        if setting.name == "alias_database":
            # Only newaliases(1) reads it, to know what to build.
            if source is None:
                self._missing(setting, table, path, "the source file")
            return
        if index is None:
            if source is None:
                self._missing(setting, table, path + suffix, "the table")
            else:
                self.add(
                    "table-not-indexed",
                    setting,
                    f"{setting.name}: {table} is not indexed; {path}{suffix} does not exist",
                    f"run {builder} {table}",
                )
            return
        if index.size == 0:
            self.add("table-not-indexed", setting, f"{setting.name}: {path}{suffix} is empty", f"run {builder} {table}")
            return
        if source is not None and source.mtime > index.mtime + 1:
            self.add(
                "table-stale",
                setting,
                f"{setting.name}: {path} is newer than its index {path}{suffix}",
                f"run {builder} {table}",
            )
        self._readable(setting, path + suffix, proxied=proxied)

    def _text_table(self, setting: Setting, table_type: str, name: str, *, proxied: bool) -> None:
        if name.startswith("{"):
            if table_type == "texthash" or self.host.version < (3, 7):
                since = "has no such form" if table_type == "texthash" else "can do that since Postfix 3.7"
                self.add(
                    "wrong-table",
                    setting,
                    f"{setting.name}: {_shortened(f'{table_type}:{name}')!r} has its lines in the value; {table_type}:"
                    f" {since}, and this is Postfix {types.shown(self.host.version)}",
                    f"write the lines to a file, and name that: {table_type}:/path",
                )
            return
        path = self._absolute(name)
        file = self.probe.file(path)
        if file is None or file.kind == "directory":
            self._missing(setting, f"{table_type}:{name}", path, "the table")
        else:
            self._readable(setting, path, proxied=proxied)

    def _cache_directory(self, setting: Setting, name: str) -> None:
        directory = self._absolute(name).rpartition("/")[0] or "/"
        file = self.probe.file(directory)
        if file is None or file.kind != "directory":
            self.add(
                "table-missing",
                setting,
                f"{setting.name}: the directory {directory} for this cache does not exist",
                f"use {self.value('data_directory')}",
            )

    def _missing(self, setting: Setting, table: str, path: str, what: str) -> None:
        directory, _unused, name = path.rpartition("/")
        guess = nearest(name, self.probe.entries(directory or "/"))
        self.add(
            "table-missing",
            setting,
            f"{setting.name}: {what} of {table} is missing: {path} does not exist",
            f"did you mean {directory}/{guess}?" if guess else f"create {path} first",
        )

    def _readable(self, setting: Setting, path: str, *, proxied: bool) -> None:
        """Tables are opened as root before a daemon drops its privileges; proxymap(8) opens them as mail_owner, and
        what sendmail(1), postqueue(1) and the like consult is read as the user who runs them."""
        everyone = setting.name.startswith("authorized_") or setting.name == "local_login_sender_maps"
        if everyone:
            where = self.probe.denied(path, _STRANGER)
            fault = self.probe.file(where) if where is not None else None
            if fault is not None:
                what = "" if where == path else f"{where} "
                self.add(
                    "table-unreadable",
                    setting,
                    f"{setting.name}: {path} is read as the user who runs the command, but {what}has mode"
                    f" {fault.mode:04o}",
                    f"chmod o+{'r' if where == path else 'x'} {where}",
                )
            return
        if not proxied:
            return
        owner = self.value("mail_owner") or self.host.mail_owner
        user = self.probe.user(owner)
        if user is None:
            return
        where = self.probe.denied(path, user)
        if where is not None:
            fault = self.probe.file(where)
            mode = f"{fault.mode:04o}" if fault is not None else "unknown"
            need = "search" if where != path else "read"
            self.add(
                "table-unreadable",
                setting,
                f"{setting.name}: proxymap(8) opens {path} as {owner}, who may not {need} {where} (mode {mode})",
                f"chgrp {owner} {where} and chmod g+{'x' if where != path else 'r'} {where}",
            )

    def _proxy_allowed(self, setting: Setting, table: str) -> None:
        """proxymap(8) serves only tables that $proxy_read_maps names."""
        raw = f"{self.lookup('proxy_read_maps')} {self.lookup('proxy_write_maps')}"
        # What stands after -o, proxymap(8) does not see.
        if setting.service is None and setting.name in {name for name, _unused in _safe_references(raw)}:
            return
        allowed = self.words(self.value("proxy_read_maps")) + self.words(self.value("proxy_write_maps"))
        if table not in allowed and not any(table in self.words(word.strip("{}")) for word in allowed):
            self.add(
                "proxy-not-allowed",
                setting,
                f"{setting.name}: proxymap(8) refuses {table}, because proxy_read_maps does not name it",
                f"append ${setting.name} to proxy_read_maps" if setting.service is None else f"append {table} to it",
            )

    # ------------------------------------------------------------------------------- networks and addresses

    def _networks(self) -> None:
        for setting in self.settings():
            if self._broken(setting):
                continue
            value = self.expanded(setting.value, setting.service)
            if setting.name in _NETWORK_LISTS:
                for word in self.words(value):
                    self._network(setting, word)
            elif setting.name in ("inet_interfaces", "proxy_interfaces"):
                for word in self.words(value):
                    self._interface(setting, word)
            elif setting.name.endswith(("_bind_address", "_bind_address6")) and value:
                self._address(setting, value.strip("[]"), value)

    def _network(self, setting: Setting, word: str) -> None:
        text = word.lstrip("!")
        if text.startswith("/"):
            self._network_file(setting, text)
            return
        if _TABLE_SHAPE.match(text) and not text.startswith("["):
            if setting.name == "mynetworks" and not word.startswith("!") and self._finds_everything(text) is not None:
                self._everyone(setting, word)
            return
        bare = text
        if text.startswith("["):
            match = re.fullmatch(r"\[([^\]]*)\](/(.*))?", text)
            if match is None:
                self._wrong_network(setting, word, "its bracket is not closed", "write [address]/length")
                return
            bare = match[1] + (f"/{match[3]}" if match[2] else "")
        if not re.match(r"[0-9.]+(/|$)|[0-9a-fA-F:.]*:", bare):
            return
        try:
            network = ipaddress.ip_network(bare, strict=False)
        except ValueError:
            cure = "write address/length, such as 192.0.2.0/24 or [2001:db8::]/32"
            self._wrong_network(setting, word, "it is no address with a prefix length", cure)
            return
        cure = f"write {'!' if word.startswith('!') else ''}{_as_written(network)}"
        if str(network.network_address) != _canonical_address(bare.partition("/")[0]):
            self._wrong_network(setting, word, "the address has bits behind the prefix", cure)
        elif network.version == 6 and not text.startswith("["):
            self._wrong_network(setting, word, "IPv6 addresses stand in brackets", cure)
        elif setting.name == "mynetworks" and not word.startswith("!") and _is_the_internet(network):
            self._everyone(setting, word)

    def _network_file(self, setting: Setting, path: str) -> None:
        """The lines of a file are part of the list (match_list.c): the first of them that holds everyone is told."""
        for number, line in enumerate(self._lines(path), 1):
            for word in self.words("" if line.lstrip().startswith("#") else line):
                bare = word.strip("[").replace("]", "")
                with contextlib.suppress(ValueError):
                    if setting.name == "mynetworks" and _is_the_internet(ipaddress.ip_network(bare, strict=False)):
                        self._everyone(setting, f"{word} ({path} line {number})")
                        return

    def _lines(self, path: str) -> list[str]:
        content = self.probe.content(self._absolute(path))
        return [] if content is None else content.decode("utf-8", "replace").splitlines()

    def _finds_everything(self, text: str) -> str | None:
        """What a table answers to every client or address, or None where that is not plain to see.

        ``static:`` always does, ``cidr:``, ``pcre:`` and ``regexp:`` tables where a line says so.
        """
        table_type, _unused, name = text.partition(":")
        if table_type in ("proxy", "debug"):
            return self._finds_everything(name)
        if table_type == "static":
            return name.strip("{}").strip()
        if table_type not in ("cidr", "pcre", "regexp"):
            return None
        lines = [word.strip("{}") for word in self.words(name[1:-1])] if name.startswith("{") else self._lines(name)
        for line in lines:
            pattern, _unused, answer = line.strip().partition(" ")
            if pattern.startswith("if"):
                # What holds inside of a condition is not for everyone.
                return None
            if table_type != "cidr":
                if pattern.rstrip("imxsu") in _MATCH_ALL:
                    return answer.strip()
                continue
            with contextlib.suppress(ValueError):
                if _is_the_internet(ipaddress.ip_network(pattern, strict=False)):
                    return answer.strip()
        return None

    def _wrong_network(self, setting: Setting, word: str, why: str, cure: str) -> None:
        self.add("wrong-network", setting, f"{setting.name}: {word!r} is not a network: {why}", cure)

    def _everyone(self, setting: Setting, word: str) -> None:
        self.add(
            "mynetworks-everyone",
            setting,
            f"mynetworks has {word!r}: every host on the Internet, or a great part of them, may relay mail through this"
            " one",
            "name only networks whose hosts you run, such as 127.0.0.0/8 [::1]/128",
        )

    def _interface(self, setting: Setting, word: str) -> None:
        text = word.strip("[]")
        if text.lower() in ("all", "loopback-only"):
            return
        if re.fullmatch(r"[0-9.]+|[0-9a-fA-F:.%]*:[0-9a-zA-Z:.%]*", text):
            self._address(setting, text, word)
        elif not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9.])?", text) or text.lower() in _INTERFACE_WORDS:
            guess = nearest(text.lower(), ("all", "loopback-only")) or _INTERFACE_WORDS.get(text.lower())
            self.add(
                "wrong-address",
                setting,
                f"{setting.name}: {word!r} is not an address, a host name, all or loopback-only",
                f"did you mean {guess}?" if guess else "write an address, all or loopback-only",
            )

    def _address(self, setting: Setting, text: str, word: str) -> None:
        try:
            ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            self.add("wrong-address", setting, f"{setting.name}: {word!r} is not an IP address", "write an IP address")
            return
        if setting.name != "proxy_interfaces" and self.probe.has_address(text) is False:
            self.add(
                "address-not-local",
                setting,
                f"{setting.name}: no interface of this host has the address {text}",
                "name an address of this host",
            )

    def _sizes(self) -> None:
        """local(8) and virtual(8) refuse to start with a mailbox limit below the message size limit."""
        message = self.value("message_size_limit")
        for name, program in (("mailbox_size_limit", "local"), ("virtual_mailbox_limit", "virtual")):
            box = self.value(name)
            if not (message.isdigit() and box.isdigit()) or int(box) == 0:
                continue
            if 0 < int(message) <= int(box):
                continue
            setting = self.setting_of(name, None) or self.setting_of("message_size_limit", None)
            if setting is None or not any(service.command == program for service in self.services):
                continue
            if program == "virtual" and self.value("virtual_transport").partition(":")[0] not in {
                service.name for service in self.services if service.command == "virtual"
            }:
                continue
            if program == "local" and self.value("local_transport").partition(":")[0] not in {
                service.name for service in self.services if service.command == "local"
            }:
                continue
            self.add(
                "size-limits",
                setting,
                f"{name} ({box}) is smaller than message_size_limit ({message or 0}), so {program}(8) does not start",
                f"{name} = 0, which is no limit, or {message}" if int(message) else f"{name} = 0, which is no limit",
            )

    # ------------------------------------------------------------------------------------------------ relay

    def _relay(self) -> None:
        for domains in self.settings():
            if domains.name == "relay_domains" and not self._broken(domains):
                for word in self._own_words(domains):
                    if _TABLE_SHAPE.match(word) and self._finds_everything(word) is not None:
                        self.add(
                            "open-relay",
                            domains,
                            f"relay_domains: {word!r} is found for every domain, so strangers may relay to all of them",
                            "name the domains that this host accepts mail for",
                        )
        for service in self.smtpd_services():
            if not self._protected(service):
                setting = self.setting_of("smtpd_relay_restrictions", service) or self.setting_of(
                    "smtpd_recipient_restrictions", service
                )
                message = (
                    "strangers may relay: neither smtpd_relay_restrictions nor smtpd_recipient_restrictions has"
                    " reject_unauth_destination, defer_unauth_destination, reject or defer where a stranger gets to it"
                )
                cure = (
                    "smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"
                )
                if setting is None:
                    self.add_service("open-relay", service, f"service {service.name}/{service.type}: {message}", cure)
                elif setting.service is not None:
                    self.add("open-relay", setting, message, cure)
                else:
                    self.add("open-relay", setting, f"{setting.name}: {message}", cure)

    def _protected(self, service: Service) -> bool:
        """Whether a stranger who asks this service to relay is stopped by one of its lists."""
        return any(self._stops(self.words(self.value(name, service)), service, 0) for name in _ACCESS_LISTS)

    def _permits(self, table: str) -> bool:
        """Whether a table permits everything, as far as that is plain to see (access(5), "accept actions")."""
        answer = (self._finds_everything(table) or "").lower()
        return answer in ("ok", "permit", "relay") or answer.isdigit()

    def _stops(self, words: Sequence[str], service: Service, depth: int) -> bool:
        classes = {name.lower(): name for name in self._classes(service)}
        warned = False
        index = 0
        while index < len(words):
            name = words[index].lower()
            index += 1
            if types.RESTRICTIONS.get(name) is not None:
                argument = words[index] if index < len(words) else ""
                index += 1
                if types.RESTRICTIONS[name] == types.TABLE and self._permits(argument):
                    # Found for every key: the rest of the list is never reached.
                    return False
            if name == "warn_if_reject":
                warned = True
                continue
            if name in _STOPPERS and not warned:
                return True
            if name == "permit":
                return False
            if name in classes and depth < 10:
                inner = self.words(self.value(classes[name], service))
                if self._stops(inner, service, depth + 1) and not warned:
                    return True
            warned = False
        return False

    # -------------------------------------------------------------------------------------------------- TLS

    def _tls(self) -> None:
        for prefix in ("smtpd_tls", "smtp_tls", "lmtp_tls", "tlsproxy_tls", "tlsproxy_client"):
            for service in (None, *self.services):
                self._tls_files(prefix, service)
        for setting in self.settings():
            kind = types.kind(setting.name)
            if self._broken(setting) or kind not in ("ca_file", "ca_files", "dh_file", "directory"):
                continue
            value = self.expanded(setting.value, setting.service)
            if kind == "directory" and not setting.name.endswith("_CApath"):
                continue
            for path in self.words(value) if kind == "ca_files" else [value]:
                if path and not (kind == "dh_file" and path.lower() == "auto" and self.host.version >= (3, 7)):
                    self._tls_file(setting, path, "directory" if kind == "directory" else "file")
        for service in self.smtpd_services():
            self._tls_policy(service)
        for service in self.services:
            if service.command == "postscreen":
                self._screen_tls_policy(service)

    def _tls_files(self, prefix: str, service: Service | None) -> None:
        """The certificates and keys that the main.cf (``service`` None) or the options of one service name."""
        chain = self._own(f"{prefix}_chain_files", service)
        if chain is not None:
            self._chain(chain, self.words(self.expanded(chain.value, service)))
            return
        for kind in ("", "d", "ec"):
            certificate, key = f"{prefix}_{kind}cert_file", f"{prefix}_{kind}key_file"
            setting, key_setting = self._own(certificate, service), self._own(key, service)
            if setting is None and key_setting is None:
                continue
            setting = setting or self.setting_of(certificate, service)
            key_setting = key_setting or self.setting_of(key, service) or setting
            path = self.value(certificate, service)
            key_path = self.value(key, service) or path
            if setting is None or key_setting is None or path.lower() in ("", "none"):
                continue
            there = self._tls_file(setting, path, "file")
            key_there = key_path == path or self._tls_file(key_setting, key_path, "file")
            if there and key_there:
                self._pair(setting, path, key_setting, key_path)

    def _chain(self, setting: Setting, paths: Sequence[str]) -> None:
        """The files of one smtpd_tls_chain_files: read as if they were one, each key before its certificates."""
        sets: list[tuple[str, pem.PemBlock, list[tuple[str, pem.PemBlock]]]] = []
        for path in paths:
            blocks = (
                self._blocks(setting, path, "certificate-invalid") if self._tls_file(setting, path, "file") else None
            )
            if blocks is None:
                return
            usable = [block for block in blocks if block.label in (*pem.PRIVATE_LABELS, *CERTIFICATE_LABELS)]
            if not usable:
                self.add(
                    "certificate-invalid",
                    setting,
                    f"{setting.name}: {path} holds neither a private key nor a certificate in PEM form",
                    "name the file with the key, then the one with its certificate chain",
                )
                return
            for block in usable:
                if block.label in pem.PRIVATE_LABELS:
                    sets.append((path, block, []))
                elif sets:
                    sets[-1][2].append((path, block))
                else:
                    self.add(
                        "key-invalid",
                        setting,
                        f"{setting.name}: the first thing in {path} is a certificate, with no private key before it",
                        "name the file with the key before the one with its certificate chain",
                    )
                    return
        for key_path, key, certificates in sets:
            path = certificates[0][0] if certificates else key_path
            self._pair(setting, path, setting, key_path, [block for _path, block in certificates], [key])

    def _own(self, name: str, service: Service | None) -> Setting | None:
        """The setting of ``name`` written in this very place, or None."""
        setting = self.setting_of(name, service)
        return setting if setting is not None and setting.service is service and not self._broken(setting) else None

    def _tls_file(self, setting: Setting, path: str, kind: str) -> bool:
        full = self._absolute(path)
        file = self.probe.file(full)
        if file is None:
            directory, _unused, name = full.rpartition("/")
            guess = nearest(name, self.probe.entries(directory or "/"))
            self.add(
                "tls-file-missing",
                setting,
                f"{setting.name}: {full} does not exist",
                f"did you mean {directory}/{guess}?" if guess else f"create {full} first",
            )
            return False
        if (file.kind == "directory") != (kind == "directory"):
            self.add("tls-file-missing", setting, f"{setting.name}: {full} is a {file.kind}, not a {kind}", None)
            return False
        return True

    def _blocks(self, setting: Setting, path: str, rule: str) -> list[pem.PemBlock] | None:
        content = self.probe.content(self._absolute(path))
        if content is None:
            self.add("tls-file-unreadable", setting, f"{setting.name}: {path} cannot be read", None)
            return None
        try:
            return pem.blocks(content.decode("latin-1"), path)
        except ValueError as exc:
            self.add(rule, setting, f"{setting.name}: {exc}", "write the file anew, in PEM form")
            return None

    def _pair(
        self,
        setting: Setting,
        path: str,
        key_setting: Setting,
        key_path: str,
        blocks: Sequence[pem.PemBlock] | None = None,
        key_blocks: Sequence[pem.PemBlock] | None = None,
    ) -> None:
        """A certificate chain and its key, read from the two files unless given."""
        if blocks is None or key_blocks is None:
            blocks = self._blocks(setting, path, "certificate-invalid")
            key_blocks = blocks if key_path == path else self._blocks(key_setting, key_path, "key-invalid")
        certificate = self._certificate(setting, path, blocks) if blocks is not None else None
        if key_blocks is None:
            return
        keys = [block for block in key_blocks if block.label in pem.PRIVATE_LABELS]
        if not keys:
            self.add(
                "key-invalid",
                key_setting,
                f"{key_setting.name}: {key_path} holds no private key in PEM form",
                f"name the file with the key in {key_setting.name.replace('cert_file', 'key_file')}",
            )
            return
        full = self._absolute(key_path)
        file = self.probe.file(full)
        if file is not None and self.probe.denied(full, _STRANGER) is None:
            self.add(
                "key-world-readable",
                key_setting,
                f"{key_setting.name}: every user of this host may read the private key {full} (mode {file.mode:04o})",
                f"chmod o-rwx {full}",
            )
        key = keys[0]
        if key.encrypted or key.label.startswith("ENCRYPTED"):
            self.add(
                "key-encrypted",
                key_setting,
                f"{key_setting.name}: the private key in {full} is encrypted, and Postfix cannot ask for a passphrase",
                f"openssl pkey -in {full} -out a file of mode 0600",
            )
            return
        try:
            public = _keys.public_of_private(key.label, key.der)
        except ValueError as exc:
            self.add("key-invalid", key_setting, f"{key_setting.name}: {full} is no usable private key: {exc}", None)
            return
        if certificate is not None and public is not None and public != certificate.key:
            self.add(
                "key-mismatch",
                key_setting,
                f"{key_setting.name}: the private key in {full} does not belong to the first certificate in {path}",
                "name the key that the certificate was made for; the server's own certificate stands first in its file",
            )

    def _certificate(self, setting: Setting, path: str, blocks: Sequence[pem.PemBlock]) -> x509.Certificate | None:
        found = [block for block in blocks if block.label in CERTIFICATE_LABELS]
        if not found:
            self.add(
                "certificate-invalid",
                setting,
                f"{setting.name}: {path} holds no certificate in PEM form",
                f"name the file with the certificate chain in {setting.name}",
            )
            return None
        first: x509.Certificate | None = None
        now = datetime.datetime.fromtimestamp(self.probe.now(), datetime.timezone.utc)
        for number, block in enumerate(found):
            try:
                certificate = x509.parse(block.der, path)
            except ValueError as exc:
                self.add("certificate-invalid", setting, f"{setting.name}: {exc}", None)
                return None
            which = "the certificate" if number == 0 else f"certificate {number + 1}"
            if certificate.not_after < now:
                when = certificate.not_after.strftime("%Y-%m-%d %H:%M:%S UTC")
                self.add(
                    "certificate-expired", setting, f"{setting.name}: {which} in {path} expired on {when}", "renew it"
                )
            elif certificate.not_before > now:
                when = certificate.not_before.strftime("%Y-%m-%d %H:%M:%S UTC")
                self.add(
                    "certificate-expired",
                    setting,
                    f"{setting.name}: {which} in {path} is not valid before {when}",
                    "set the clock of this host, or wait",
                )
            first = first or certificate
        return first

    def _tls_policy(self, service: Service) -> None:
        level = self.value("smtpd_tls_security_level", service).lower()
        if not level:
            level = "may" if self.is_yes("smtpd_use_tls", service) else ""
            level = "encrypt" if self.is_yes("smtpd_enforce_tls", service) else level
        wrapper = self.is_yes("smtpd_tls_wrappermode", service)
        where = self.setting_of("smtpd_tls_security_level", service)
        port = self._port_of(service)
        fronts = [service] if service.type == "inet" else list(self._screens(service))
        if (wrapper or level == "encrypt") and any(self._is_public_mx(front) for front in fronts):
            name = "smtpd_tls_wrappermode" if wrapper else "smtpd_tls_security_level"
            self._tls_required(service, name, "smtpd_enforce_tls", wrapper=wrapper)
        if port == 465 and not wrapper and service.type == "inet":
            self.add_service(
                "wrapper-mode-port",
                service,
                f"{service.name}/{service.type} is the port for TLS from the first byte, but smtpd_tls_wrappermode is"
                " no",
                "add -o smtpd_tls_wrappermode=yes",
            )
        elif port == 587 and wrapper:
            self.add_service(
                "wrapper-mode-port",
                service,
                f"{service.name}/{service.type} is the port for STARTTLS, but smtpd_tls_wrappermode is yes",
                "remove -o smtpd_tls_wrappermode=yes",
            )
        if (wrapper or level in ("may", "encrypt")) and not self._has_certificate(service):
            message = "TLS is switched on without a certificate, so the server offers none"
            cure = "set smtpd_tls_chain_files, or smtpd_tls_cert_file and smtpd_tls_key_file"
            if where is not None:
                self.add("tls-without-certificate", where, f"{where.name}: {message}", cure)
            else:
                self.add_service("tls-without-certificate", service, message, cure)

    def _screen_tls_policy(self, service: Service) -> None:
        """postscreen(8) has a TLS policy of its own, which by default is that of smtpd(8)."""
        level = self.value("postscreen_tls_security_level", service).lower()
        if not level and self.is_yes("postscreen_enforce_tls", service):
            level = "encrypt"
        if level == "encrypt" and self._is_public_mx(service):
            names = ("postscreen_enforce_tls", "smtpd_tls_security_level", "smtpd_enforce_tls")
            self._tls_required(service, "postscreen_tls_security_level", *names, wrapper=False)

    def _tls_required(self, service: Service, name: str, *others: str, wrapper: bool) -> None:
        """The fault is the setting of ``name``, or, where that has none, of the first of ``others`` that has one."""
        setting = next(filter(None, (self.setting_of(other, service) for other in (name, *others))), None)
        what = "speaks TLS from the first byte" if wrapper else "accepts no mail without TLS"
        message = (
            f"{service.name}/{service.type} {what}: a public server on port 25 must not require TLS"
            " (RFC 3207, section 4), or other hosts cannot deliver mail here"
        )
        cure = f"set {name} to {'no' if wrapper else 'may'}, and override it with -o for the submission services"
        if setting is not None and setting.service is None:
            self.add("tls-required-on-port-25", setting, f"{setting.name}: {message}", cure)
        else:
            self.add_service("tls-required-on-port-25", service, message, cure)

    def _screens(self, service: Service) -> Iterator[Service]:
        """The postscreen(8) services that hand their clients to this service."""
        for screen in self.services:
            if screen.command == "postscreen" and self.value("smtpd_service_name", screen) == service.name:
                yield screen

    def _is_public_mx(self, service: Service) -> bool:
        """Whether a service listens on port 25 for other hosts."""
        return self._port_of(service) == 25 and self._is_public(service)

    def _has_certificate(self, service: Service) -> bool:
        names = ("chain_files", "cert_file", "dcert_file", "eccert_file")
        return any(self.value(f"smtpd_tls_{name}", service) for name in names) or bool(
            self.value("tls_server_sni_maps", service)
        )

    def _port_of(self, service: Service) -> int | None:
        """The TCP port that an inet service listens on."""
        if service.type != "inet":
            return None
        port = service.name.rpartition(":")[2]
        if port.isdigit():
            return int(port)
        return self._known_ports().get(port) or _PORTS.get(port) or self.probe.port(port)

    def _is_public(self, service: Service) -> bool:
        host = service.name.rpartition(":")[0].strip("[]")
        hosts = [host] if host else self.words(self.value("inet_interfaces"))
        return not all(
            word.lower() in ("loopback-only", "localhost")
            or word.strip("[]").startswith("127.")
            or word.strip("[]") == "::1"
            for word in hosts
        )

    # -------------------------------------------------------------------------------------------- master.cf

    def _syntax(self) -> None:
        for bad in self.main.bad_lines:
            self.found.append(
                Finding(
                    self.severities["main-syntax"],
                    "main-syntax",
                    self.main_file,
                    bad.line,
                    (bad.text.split() or [""])[0],
                    f"{_shortened(bad.text)!r}: {bad.reason}",
                    "write name = value; a line that goes on begins with white space",
                )
            )
        for bad in self.master.bad_lines:
            rule = "malformed-option" if bad.reason.startswith(("-o", "the last -o")) else "master-columns"
            cure = "write -o name=value, or -o { name = value }" if rule == "malformed-option" else None
            self.found.append(
                Finding(
                    self.severities[rule],
                    rule,
                    self.master_file,
                    bad.line,
                    "/".join(bad.text.split()[:2]),
                    f"{_shortened(bad.text)!r}: {bad.reason}",
                    cure or "see master(5): service type private unpriv chroot wakeup maxproc command",
                )
            )

    def _master(self) -> None:
        seen: dict[tuple[str, str], Service] = {}
        directory = self.value("daemon_directory")
        programs = [name for name in self.probe.entries(directory) if not name.endswith(("-script", ".so"))]
        for service in self.services:
            key = (service.name, service.type)
            if key in seen:
                self.add_service(
                    "duplicate-service",
                    service,
                    f"{service.name}/{service.type} is already on line {seen[key].line}, and Postfix keeps only one",
                    f"remove one of lines {seen[key].line} and {service.line}",
                )
            seen[key] = service
            options: set[str] = set()
            for name, _unused in service.options:
                if name in options:
                    self.add_service(
                        "duplicate-parameter",
                        service,
                        f"{service.name}/{service.type} has -o {name} twice, and only the later one counts",
                        f"remove one -o {name}",
                    )
                options.add(name)
            if programs and "/" not in service.command and service.command not in programs:
                guess = nearest(service.command, programs)
                self.add_service(
                    "unknown-program",
                    service,
                    f"{service.name}/{service.type}: there is no program {service.command!r} in {directory}",
                    f"did you mean {guess}?" if guess else f"use one of {', '.join(programs)}",
                )
            if service.type == "inet" and service.private != "n":
                stands_for = "" if service.private == "y" else ", which '-' stands for"
                self.add_service(
                    "master-columns",
                    service,
                    f"{service.name}/{service.type}: an inet service cannot be private{stands_for};"
                    " master(8) ends where it is",
                    "write n in the column private",
                )
            port = service.name.rpartition(":")[2]
            if service.type == "inet" and not self._port_known(port):
                guess = nearest(port, filter(self._port_known, (*_PORTS, *self._known_ports())))
                self.add_service(
                    "unknown-port",
                    service,
                    f"{service.name}/{service.type}: the port {port!r} is no number and not in services(5)",
                    f"did you mean {guess}?" if guess else "write the port as a number",
                )
            self._arguments(service)
        self._same_port()

    def _same_port(self) -> None:
        """master(8) ends where it cannot listen, so it does not start with two services on one address and port."""
        seen: dict[tuple[str, int], Service] = {}
        for service in self.services:
            port = self._port_of(service)
            if port is None:
                continue
            host = service.name.rpartition(":")[0].strip("[]").lower()
            other = seen.setdefault((host, port), service)
            if other.name != service.name:
                self.add_service(
                    "duplicate-service",
                    service,
                    f"{service.name}/inet listens on port {port}, and so does {other.name}/inet on line {other.line};"
                    " master(8) cannot start both",
                    f"remove one of lines {other.line} and {service.line}",
                )

    def _arguments(self, service: Service) -> None:
        needed = {"pipe": ("user=", "argv="), "spawn": ("user=", "argv=")}.get(service.command, ())
        for word in needed:
            if not any(argument.startswith(word) for argument in service.arguments):
                self.add_service(
                    "missing-argument",
                    service,
                    f"{service.name}/{service.type}: {service.command}(8) needs {word}",
                    f"add {word}" + ("account" if word == "user=" else "command and its arguments, last on the line"),
                )
        if service.command not in ("pipe", "spawn"):
            loose = [argument for argument in service.arguments if not argument.startswith("-")]
            if loose:
                self.add_service(
                    "malformed-option",
                    service,
                    f"{service.name}/{service.type}: {' '.join(loose)!r} stands alone; {service.command}(8) takes"
                    " options only",
                    "write -o name=value without white space around '=', or -o { name = value }",
                )

    # -------------------------------------------------------------------------------- transports and sockets

    def _transports(self) -> None:
        sockets = {service.name for service in self.services if service.type in ("unix", "fifo", "pass", "unix-dgram")}
        for setting in self.settings():
            if self._broken(setting):
                continue
            kind = types.kind(setting.name)
            value = self.expanded(setting.value, setting.service).strip()
            if kind == "transport" and value:
                self._transport(setting, value, sockets)
            elif kind == "service" and value and setting.value != self.defaults.get(setting.name):
                self._service_name(setting, value, sockets)
            elif setting.name == "defer_transports":
                for word in self.words(value):
                    self._service_name(setting, word, sockets)
            elif kind == "milters" and value.lower() != "none":
                for word in self.words(value):
                    inner = self.words(word[1:-1]) if word.startswith("{") else [word]
                    if inner:
                        self._endpoint(setting, inner[0], "the Milter")
            elif setting.name == "smtpd_sasl_path" and value:
                self._sasl_server(setting, value)

    def _sasl_server(self, setting: Setting, value: str) -> None:
        """Dovecot's authentication socket. Cyrus SASL takes the value for the name of its own configuration."""
        clients = [setting.service] if setting.service else list(self.smtpd_services())
        users = [
            service
            for service in clients
            if self.is_yes("smtpd_sasl_auth_enable", service) and self.value("smtpd_sasl_type", service) == "dovecot"
        ]
        if not users:
            return
        if value.startswith("inet:"):
            self._endpoint(setting, value, "the SASL server")
        else:
            path = value[len("unix:") :] if value.startswith("unix:") else value
            self._socket(setting, path, "the SASL server", any(self.chrooted(service) for service in users))

    def _service_name(self, setting: Setting, name: str, sockets: Collection[str]) -> None:
        if name in sockets or ":" in name:
            return
        guess = nearest(name, sockets)
        self.add(
            "unknown-service",
            setting,
            f"{setting.name}: master.cf has no service {name!r}",
            f"did you mean {guess}?" if guess else f"add the service {name}/unix to master.cf",
        )

    def _transport(self, setting: Setting, value: str, sockets: Collection[str]) -> None:
        name, _unused, nexthop = value.partition(":")
        if not name:
            return
        self._service_name(setting, name, sockets)
        agents = [service for service in self.services if service.name == name and service.command in ("lmtp", "smtp")]
        if nexthop.startswith("unix:"):
            chrooted = any(self.chrooted(service) for service in agents)
            self._socket(setting, nexthop[len("unix:") :], f"the server behind {name}", chrooted)
        elif agents and nexthop.startswith(("private/", "public/", "/")):
            self.add(
                "wrong-endpoint",
                setting,
                f"{setting.name}: {nexthop!r} is taken for a host name",
                f"write {name}:unix:{nexthop}",
            )
