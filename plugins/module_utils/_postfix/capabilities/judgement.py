# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the checks say of a composition before any host is asked: names, values, references, restrictions, relaying."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable

from ansible_collections.puffy.mail.plugins.module_utils._postfix import (
    checks,
    host,
    main_cf,
    master_cf,
    plan,
    types,
)
from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import Composition, Problem
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.registry import NotKnown
from ansible_collections.puffy.mail.plugins.module_utils._rights import File, User

#: The groups of rules that are about the texts alone, and single rules of others. The rest asks for the defaults of the
#: host's Postfix or for what the host has, and is judged there.
_TEXTS = frozenset({"names", "references", "values", "tls_protocols", "restrictions", "relay"})
_ALSO = frozenset({"duplicate-service", "missing-argument", "mynetworks-everyone", "wrong-address", "wrong-network"})
_FORMS = frozenset({"mydomain", "myhostname", "myorigin", "relayhost"})
_GROUPS = tuple(name for name in checks.GROUPS if name in _TEXTS | {"forms", "networks", "services"})
#: Services that each master.cf has.
_STOCK = """\
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
smtp unix - - n - - smtp
relay unix - - n - - smtp
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
"""
#: Defaults that the rules above look at.
_DEFAULTS = {
    "queue_directory": "/var/spool/postfix",
    "smtpd_relay_restrictions": "permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination",
}


class _Nowhere(host.Probe):
    """A host that nobody has seen: it says nothing of its files, and has whatever else a configuration asks for."""

    def file(self, path: str) -> File | None:
        raise NotKnown(path)

    def content(self, _path: str) -> bytes | None:
        return None

    def entries(self, _path: str) -> tuple[str, ...]:
        return ()

    def resolve(self, path: str) -> str:
        return path

    def user(self, name: str) -> User | None:
        # Each account has a number of its own: two names are never one account.
        number = self.group(name)
        return User(name, number, number, frozenset({number}))

    def group(self, name: str) -> int:
        return 0 if name == "root" else 1 + zlib.crc32(name.encode())

    def sasl_types(self, _option: str) -> tuple[str, ...]:
        return ("cyrus", "dovecot")

    def has_address(self, _address: str) -> bool | None:
        return None


def _host(version: tuple[int, ...]) -> host.Host:
    defaults = {**dict.fromkeys(types.names(version), ""), **_DEFAULTS}
    return host.Host(version, defaults, frozenset(), "postfix", "/etc/postfix", _Nowhere())


def candidate(composed: Composition) -> tuple[main_cf.MainCf, master_cf.MasterCf]:
    """The two files that the composition comes to on a host of Postfix's own stock. ValueError where it cannot be read.

    A service of which only the host knows the command is left out.
    """
    master = master_cf.parse(_STOCK, "master.cf")
    services = {
        key: wish
        for key, wish in plan.read_services(composed.services).items()
        if master.get(key) is not None or (wish.state == "present" and "command" in wish.columns)
    }
    # What is absent here is absent in an empty main.cf.
    request = plan.Request(plan.read_parameters(composed.parameters, ()), frozenset(), services)
    done = plan.plan(main_cf.parse("", "main.cf"), master, request, _DEFAULTS)
    return done.main, done.master


def _told_here(finding: checks.Finding) -> bool:
    """Whether a finding is an error whatever the host has."""
    if finding.severity != checks.ERROR or types.service_base(finding.name) is not None:
        # A parameter may be named after a service that only the host has.
        return False
    form = finding.rule == "wrong-form" and finding.name in _FORMS
    return form or finding.rule in _ALSO or checks.RULES[finding.rule].group in _TEXTS


def problems(composed: Composition, skip: Collection[str]) -> Iterable[Problem]:
    """What every known Postfix refuses of the composition, each put down to its input. ``skip`` are ids of checks."""
    try:
        main, master = candidate(composed)
    except ValueError as exc:
        yield "postfix_parameters", f": {exc}."
        return
    common: dict[tuple[str, str], checks.Finding] = {}
    for number, version in enumerate(reversed(types.VERSIONS)):
        try:
            report = checks.report(main, master, _host(types.version_of(version)), skip=skip, groups=_GROUPS)
        except ValueError as exc:
            yield "postfix_skip_checks", f": {exc}{'' if str(exc).endswith('?') else '.'}"
            return
        found = {(finding.rule, finding.name): finding for finding in report.findings if _told_here(finding)}
        # Told in the words of the latest.
        common = {key: finding for key, finding in common.items() if key in found} if number else found
        if not common:
            return
    for finding in common.values():
        name = "postfix_services" if finding.file == master.path else composed.inputs[finding.name]
        yield name, f": {finding.message} ({finding.suggestion})."
