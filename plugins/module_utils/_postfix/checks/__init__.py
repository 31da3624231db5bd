# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge a Postfix configuration before it goes live: main.cf and master.cf in, findings out.

Each module of this package has one group of rules; docs/checks.md lists them. Postfix itself notices few of these
faults before mail is lost: ``postfix check`` exits 0 on most of them.

To add a rule, write a function with the decorator ``registry.rule`` in the module of its group, a case that it finds
and one that it does not into tests/unit/fixtures/postfix/findings.txt, and run tools/checks_reference.py.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.puffy.mail.plugins.module_utils._postfix import types
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks import (  # noqa: F401  # each module registers its rules
    exposure,
    files,
    forms,
    names,
    networks,
    references,
    registry,
    relay,
    reliance,
    restrictions,
    sasl,
    servers,
    services,
    table_access,
    tables,
    tls_files,
    tls_keys,
    tls_policy,
    tls_protocols,
    values,
)
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.registry import ERROR, RULES, WARNING, Finding
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import nearest

__all__ = ("ERROR", "RULES", "WARNING", "Finding", "Report", "check", "report")

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.host import Host
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.main_cf import MainCf
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.master_cf import MasterCf, Service

#: The groups of rules: module -> title in docs/checks.md. They judge in this order.
GROUPS = {
    "files": "The form of the files",
    "names": "Names",
    "references": "References",
    "values": "Values",
    "forms": "Forms of their own",
    "tls_protocols": "TLS: protocols",
    "restrictions": "Restrictions",
    "tables": "Lookup tables",
    "table_access": "Lookup tables: access",
    "networks": "Networks and addresses",
    "relay": "Relaying",
    "exposure": "What else strangers may do",
    "tls_files": "TLS: files",
    "tls_keys": "TLS: certificates and keys",
    "tls_policy": "TLS: policy",
    "sasl": "Logins",
    "services": "Services",
    "reliance": "Services that others rely on",
    "servers": "Transports and servers",
}


@functools.cache
def _plan(groups: tuple[str, ...]) -> registry.Plan:
    return registry.plan(groups)


#: The rules that say a name is of no use to this Postfix.
UNUSED = frozenset({"unknown-parameter", "unknown-option", "parameter-not-in-version", "removed-parameter"})

#: The rules about what stands on the host beside main.cf and master.cf.
ABOUT_HOST = frozenset(
    {
        "address-not-local",
        "certificate-expired",
        "certificate-invalid",
        "chroot-resolver",
        "key-encrypted",
        "key-invalid",
        "key-mismatch",
        "key-world-readable",
        "table-missing",
        "table-not-indexed",
        "table-unreadable",
        "tls-cache-missing",
        "tls-file-missing",
        "tls-file-passed-over",
        "tls-file-unreadable",
        "unknown-program",
        "unsupported-table-type",
    }
)

#: The severities a caller may choose for unknown names and for deprecated ones, and the rules each choice is about.
UNKNOWN_CHOICES = ("error", "warn")
DEPRECATED_CHOICES = ("warn", "error", "ignore")
_UNKNOWN = frozenset({"unknown-parameter", "unknown-option", "parameter-not-in-version"})
_DEPRECATED = frozenset({"deprecated-parameter", "deprecated-restriction"})


def check(
    main: MainCf,
    master: MasterCf,
    host: Host,
    *,
    unknown: str = "error",
    deprecated: str = "warn",
    skip: Collection[str] = (),
    whole: bool = False,
) -> list[Finding]:
    """Judge a configuration; return the findings by file and line, those of main.cf first.

    ``unknown`` (error, warn) is the severity of names this Postfix does not know; ``deprecated`` (warn, error,
    ignore) that of names on their way out; ``skip`` holds rule ids to leave out; ``whole`` says that Postfix runs
    these very files, so that master.cf must have all that Postfix needs. ValueError for an unknown rule id
    or choice.
    """
    return report(main, master, host, unknown=unknown, deprecated=deprecated, skip=skip, whole=whole).findings


def of_a_later_host(findings: Iterable[Finding]) -> list[Finding]:
    """The findings, where the host still gets what a configuration names: those about the host are warnings."""
    return [replace(finding, severity=WARNING) if finding.rule in ABOUT_HOST else finding for finding in findings]


def report(
    main: MainCf,
    master: MasterCf,
    host: Host,
    *,
    unknown: str = "error",
    deprecated: str = "warn",
    skip: Collection[str] = (),
    whole: bool = False,
    groups: Collection[str] = tuple(GROUPS),
) -> Report:
    """The findings of ``check`` by the rules of ``groups``, and the values that the configuration comes to."""
    for name in skip:
        if name not in RULES:
            guess = nearest(name, RULES)
            raise ValueError(f"there is no check {name!r}" + (f"; did you mean {guess!r}?" if guess else ""))
    if unknown not in UNKNOWN_CHOICES:
        raise ValueError(f"unknown must be one of {', '.join(UNKNOWN_CHOICES)}, not {unknown!r}")
    if deprecated not in DEPRECATED_CHOICES:
        raise ValueError(f"deprecated must be one of {', '.join(DEPRECATED_CHOICES)}, not {deprecated!r}")
    severities = {name: rule.severity for name, rule in RULES.items()}
    severities.update(dict.fromkeys(_UNKNOWN, ERROR if unknown == "error" else WARNING))
    severities.update(dict.fromkeys(_DEPRECATED, ERROR if deprecated == "error" else WARNING))
    ignored = {*skip, *(_DEPRECATED if deprecated == "ignore" else ())}
    context = Context(main, master, host, whole=whole)
    found: dict[Finding, None] = {}
    for rule, fault in registry.judge(context, _plan(tuple(groups))):
        if rule.name not in ignored:
            place, message = fault.place, fault.place.prefix + fault.message
            severity = severities[rule.name]
            finding = Finding(severity, rule.name, place.file, place.line, place.name, message, fault.suggestion)
            found[finding] = None
    return Report(sorted(found, key=lambda finding: (finding.file == master.path, finding.line)), context)


class Report:
    """What a configuration comes to on one host."""

    def __init__(self, findings: list[Finding], context: Context) -> None:
        self.findings = findings
        self._context = context

    @property
    def set(self) -> dict[str, str]:
        """The parameters that main.cf sets, unexpanded; the last of several counts."""
        return {name: setting.value for name, setting in self._context.set_in_main.items()}

    @property
    def defaults(self) -> dict[str, str]:
        """The defaults of all other parameters, those named after services included."""
        return dict(self._context.defaults)

    @property
    def deprecated(self) -> dict[str, str | None]:
        """The deprecated and removed names in use, with what to set instead (None: leave the default)."""
        found = {}
        for setting in self._context.settings:
            old = types.DEPRECATED.get(setting.name)
            if old is not None and self._context.host.version >= old.version:
                found[setting.name] = old.successor
        return found

    def effective(self, name: str) -> str:
        """The value of a parameter in main.cf, expanded unless Postfix itself expands it later."""
        if name in types.RAW:
            return self._context.lookup(name) or ""
        return self._context.value(name)

    def chrooted(self, service: Service) -> bool:
        """Whether the service runs in the chroot."""
        return self._context.chrooted(service)
