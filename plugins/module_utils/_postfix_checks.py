# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge a Postfix configuration before it goes live: main.cf and master.cf in, findings out.

Every rule stands in ``RULES`` and in docs/checks.md. Postfix itself notices few of these faults before mail is lost:
``postfix check`` exits 0 on most of them.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.puffy.mail.plugins.module_utils import _postfix_types as types

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._main_cf import MainCf
    from ansible_collections.puffy.mail.plugins.module_utils._master_cf import MasterCf, Service
    from ansible_collections.puffy.mail.plugins.module_utils._postfix_host import Host

ERROR, WARNING = "error", "warning"

#: rule id -> severity. docs/checks.md says what each finds, what cures it and where that is written.
RULES: dict[str, str] = {
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
    "master-columns": ERROR,
    "unknown-program": ERROR,
    "unknown-port": ERROR,
    "malformed-option": ERROR,
    "missing-argument": ERROR,
    "unknown-service": ERROR,
    "wrong-endpoint": ERROR,
    "socket-missing": WARNING,
}

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
    found = _Check(main, master, host, severities).run()
    unique = dict.fromkeys(finding for finding in found if finding.rule not in ignored)
    return sorted(unique, key=lambda finding: (finding.file.endswith("master.cf"), finding.line))


#: Protocol names as Postfix knows them (tls_misc.c); case does not matter.
_PROTOCOLS = {name.lower(): name for name in ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")}
#: Enumerations whose empty value means "not set".
_MAY_BE_EMPTY = ("_tls_security_level", "_security_level", "_proxy_protocol", "_support_level", "_client_level")


def _shown(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)


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


class _Check:
    """One run over one configuration. Each ``_…`` method is one group of rules and appends to ``found``."""

    def __init__(self, main: MainCf, master: MasterCf, host: Host, severities: Mapping[str, str]) -> None:
        self.host = host
        self.probe = host.probe
        self.severities = severities
        self.found: list[Finding] = []
        self.main_file = f"{host.config_directory}/main.cf"
        self.master_file = f"{host.config_directory}/master.cf"
        self.entries = [
            Setting(entry.name, _joined(entry.value), self.main_file, entry.line) for entry in main.entries()
        ]
        self.set_in_main = {entry.name: entry for entry in self.entries}
        self.services = list(master.services())
        self.options = [
            Setting(name, _joined(value), self.master_file, service.line, service)
            for service in self.services
            for name, value in service.options
        ]
        self.derived = types.service_parameters((service.name, service.command) for service in self.services)
        self.defaults = {**self.derived, **host.defaults}
        self.main_values = {entry.name: entry.value for entry in self.entries}

    def run(self) -> list[Finding]:
        for group in (
            self._names,
            self._references,
            self._values,
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
        known = self._known_names()
        for setting in self.settings():
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
                known.update(name for name, _ in _safe_references(value))
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
        shown = _shown(version)
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
        if name in known or (self._table_sources() and name.startswith(self._table_sources())):
            if old is not None and version >= old.version:
                self.add(
                    "deprecated-parameter",
                    setting,
                    f"{name} is deprecated since Postfix {_shown(old.version)}",
                    advice,
                )
            return
        if old is not None and version >= old.version:
            self.add("removed-parameter", setting, f"{name} is gone from Postfix {shown}", advice)
            return
        newer = types.since(name)
        if newer is not None and not types.exists(name, version):
            self.add(
                "parameter-not-in-version",
                setting,
                f"{name} is not in Postfix {shown}; it came with a later release, at the latest {newer}",
                f"remove {name}, or install Postfix {newer}",
            )
            return
        rule = "unknown-parameter" if setting.service is None else "unknown-option"
        guess = nearest(name, known)
        self.add(
            rule,
            setting,
            f"Postfix {shown} has no parameter {name!r}, and no other value uses it as ${name}",
            f"did you mean {guess}?" if guess else f"remove {name}",
        )

    # -------------------------------------------------------------------------------------------- references

    def _references(self) -> None:
        defined = set(self.defaults) | set(self.main_values) | {"service_name"}
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
            "wrong-integer", setting, f"{setting.name} is a whole number without a unit, not {value!r}", suggestion
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
        values = types.enumeration(setting.name)
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
                        f" Postfix {_shown(self.host.version)} does not know it",
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
                message = f"compatibility_level {value!r} is higher than Postfix {_shown(version)} knows (0 to 2)"
            else:
                message = (
                    f"compatibility_level is a whole number in Postfix {_shown(version)}, not {value!r};"
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
                f"compatibility_level {value!r} is higher than this Postfix, {_shown(version)}",
                f"compatibility_level = {version[0]}.{version[1]}",
            )
