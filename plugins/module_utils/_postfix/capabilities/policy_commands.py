# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policy servers that Postfix starts itself, by spawn(8) (SMTPD_POLICY_README)."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Part,
    Problem,
    Wishes,
)

_INPUT = "postfix_policy_commands"
#: seconds after which a server may be ended: longer than any client stays, so that no question is lost
_TIME_LIMIT = "3600"
#: the service that a role of this collection asks for, and that must go where no role asks for it
_OWN = "policyd-spf"
#: the unix services of Postfix's master.cf, and those of this role
_POSTFIX = (
    "anvil", "bounce", "cleanup", "defer", "discard", "dnsblog", "error", "flush", "lmtp", "local", "pickup",
    "postlog", "proxymap", "proxywrite", "qmgr", "relay", "retry", "rewrite", "scache", "showq", "smtp",
    "submission-cleanup", "tlsmgr", "tlsproxy", "trace", "verify", "virtual",
)  # fmt: skip


def endpoints(wishes: Wishes) -> list[str]:
    """Where smtpd(8) asks the servers."""
    return [f"unix:private/{name}" for name in wishes.mapping(_INPUT)]


def problems(wishes: Wishes) -> Iterable[Problem]:
    """Names that Postfix needs for services of its own."""
    for name in wishes.mapping(_INPUT):
        if name in _POSTFIX:
            yield (
                _INPUT,
                f"has the name {name!r}, which is a service of Postfix. Use another name, such as '{name}-policy'.",
            )


def part(wishes: Wishes) -> Part:
    """A service and its time limit for each server."""
    commands = wishes.mapping(_INPUT)
    services: dict[str, dict[str, object]] = {f"{_OWN}/unix": {"state": "absent"}}
    for name, command in commands.items():
        services[f"{name}/unix"] = {
            "unpriv": "n",
            "chroot": "n",
            "maxproc": "0",
            "command": "spawn",
            "arguments": [f"user={command['user']}", *f"argv={command['command']}".split()],
        }
    limits = {f"{name}_time_limit": _TIME_LIMIT for name in commands}
    return Part(limits, absent=[f"{_OWN}_time_limit"], services=services)


CAPABILITY = Capability(_INPUT, part, problems)
