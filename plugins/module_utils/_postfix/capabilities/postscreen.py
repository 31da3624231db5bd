# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""postscreen(8) before the SMTP server of port 25: it keeps programs away that only look like mail servers
(POSTSCREEN_README)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._postfix import types
from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities import submission
from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Part,
    Problem,
    Table,
    Wishes,
    merged,
)
from ansible_collections.puffy.mail.plugins.module_utils._tls import policy

_INPUT = "postfix_postscreen"
FRONT, SERVER = "smtp/inet", "smtpd/pass"
_ACCESS = "/etc/postfix/postscreen_access"
#: the domain of a DNS list, the answers that count, and the weight of the list (postconf(5), postscreen_dnsbl_sites)
DNS_LIST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(=[0-9.\[\];]+)?(\*(-?[1-9][0-9]{0,3}))?")
#: the tests after the greeting, each with its parameter
_AFTER_GREETING = ("pipelining", "non_smtp_command", "bare_newline")
_DENY = ("postscreen_denylist_action", "postscreen_blacklist_action")
_INPUTS = {
    "postscreen_greet_action": "postfix_postscreen_greet_action",
    "postscreen_access_list": "postfix_postscreen_access",
    "postscreen_dnsbl_sites": "postfix_postscreen_dns_lists",
    "postscreen_dnsbl_threshold": "postfix_postscreen_dns_threshold",
    "postscreen_dnsbl_action": "postfix_postscreen_dns_action",
    **{f"postscreen_{name}_enable": "postfix_postscreen_after_greeting" for name in _AFTER_GREETING},
    **dict.fromkeys(_DENY, "postfix_postscreen_access"),
}
#: parameters with which smtp(8) and lmtp(8) use tlsproxy(8) too
_REUSE = ("smtp_tls_connection_reuse", "lmtp_tls_connection_reuse")
_COLUMNS_OF_SERVER = ("maxproc", "arguments", "exclusive")


def weight(entry: str) -> int:
    """The weight of a DNS list, which is 1 where it is not written."""
    found = DNS_LIST.fullmatch(entry)
    return int(found[4]) if found is not None and found[4] else 1


def _deny(wishes: Wishes) -> str:
    """The action for clients that the access list rejects; Postfix 3.6 has a new name for it."""
    version = wishes.facts.version
    old = bool(version) and types.version_of(version) < (3, 6)
    return _DENY[1] if old else _DENY[0]


def problems(wishes: Wishes) -> Iterable[Problem]:
    """Hosts that have nobody to test, services that stand in the way, and tests that no client can fail."""
    if not wishes.yes(_INPUT):
        for name in ("postfix_postscreen_access", "postfix_postscreen_dns_lists", "postfix_postscreen_after_greeting"):
            if wishes.yes(name) if name.endswith("greeting") else wishes.raw(name):
                yield name, f"is set, and {_INPUT} is false. Set {_INPUT}: true, or remove {name}."
        return
    listening = [str(name).strip("[]") for name in wishes.words("postfix_interfaces")]
    if all(name in ("loopback-only", "localhost", "::1") or name.startswith("127.") for name in listening):
        yield (
            _INPUT,
            "is true, and postfix_interfaces has the host itself alone, so that no stranger reaches port 25. Set"
            " postfix_postscreen: false, or other postfix_interfaces.",
        )
    fields = wishes.mapping("postfix_services").get(FRONT) or {}
    if isinstance(fields, Mapping):
        if fields.get("state", "present") != "present":
            yield (
                "postfix_services",
                f"removes {FRONT!r}, and postfix_postscreen is true, which needs the service. Set postfix_postscreen:"
                f" false, or remove {FRONT!r}.",
            )
        elif "command" in fields:
            yield (
                "postfix_services",
                f"has {FRONT!r} with a command, and postfix_postscreen is true, which sets the command. Remove one of"
                " the two.",
            )
    lists, threshold = wishes.words("postfix_postscreen_dns_lists"), wishes.number("postfix_postscreen_dns_threshold")
    most = sum(max(0, weight(str(entry))) for entry in lists)
    if lists and most < threshold:
        yield (
            "postfix_postscreen_dns_threshold",
            f"is {threshold}, and the weights in postfix_postscreen_dns_lists come to {most} together, so that no"
            " client could reach it. Use a smaller number, or larger weights.",
        )


def moved(fields: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What the free form says of port 25, for postscreen(8) and for the server behind it.

    An option goes to the program that reads the parameter, and to both where both do.
    """
    front = {name: value for name, value in fields.items() if name not in (*_COLUMNS_OF_SERVER, "private")}
    server = {name: value for name, value in fields.items() if name != "private"}
    if isinstance(fields.get("options"), Mapping):
        options = fields["options"]
        front["options"] = {name: value for name, value in options.items() if _reads("postscreen", name)}
        server["options"] = {name: value for name, value in options.items() if _reads("smtpd", name)}
        front["options_absent"] = [
            *(fields.get("options_absent") or ()),
            *(name for name in options if name not in front["options"]),
        ]
    return {FRONT: front, SERVER: server}


def _reads(program: str, name: str) -> bool:
    programs = types.readers(str(name))
    return not programs or program in programs


def part(wishes: Wishes) -> Part:
    """The services and the tests; without the wish, none of them."""
    absent = (*_INPUTS, "postscreen_cache_map")
    if not wishes.yes(_INPUT):
        gone = [SERVER, "dnsblog/unix"]
        if not any(name in wishes.mapping("postfix_parameters") for name in _REUSE):
            gone.append("tlsproxy/unix")
        return Part(absent=absent, services={key: {"state": "absent"} for key in gone})
    chroot = "y" if wishes.yes("postfix_chroot") else "n"
    server = submission.of_strangers(wishes)
    # What Postfix starts of these, and how many, is that of its own master.cf.
    services: dict[str, dict[str, Any]] = {
        FRONT: {
            "private": "n",
            "chroot": chroot,
            "maxproc": 1,
            "command": "postscreen",
            "options_absent": [*server["options"], *server.get("options_absent", ())],
        },
        SERVER: merged({**server, "private": "-"}, {}),
        "dnsblog/unix": {"chroot": chroot, "maxproc": 0, "command": "dnsblog"},
        "tlsproxy/unix": {"chroot": chroot, "maxproc": 0, "command": "tlsproxy"},
    }
    access = wishes.mapping("postfix_postscreen_access")
    lists = wishes.words("postfix_postscreen_dns_lists")
    table = Table(_ACCESS, "cidr", content="".join(f"{client} {action}\n" for client, action in access.items()))
    parameters: dict[str, object] = {
        "postscreen_greet_action": wishes.text("postfix_postscreen_greet_action"),
        "postscreen_access_list": ["permit_mynetworks", *([table.name] if access else [])],
    }
    if access:
        # Postfix's own default lets rejected clients pass.
        parameters[_deny(wishes)] = "enforce"
    if lists:
        parameters["postscreen_dnsbl_sites"] = lists
        parameters["postscreen_dnsbl_threshold"] = wishes.number("postfix_postscreen_dns_threshold")
        parameters["postscreen_dnsbl_action"] = wishes.text("postfix_postscreen_dns_action")
    if wishes.yes("postfix_postscreen_after_greeting"):
        parameters.update({f"postscreen_{name}_enable": True for name in _AFTER_GREETING})
    cache = policy.cache_type(wishes.facts.cache_type, wishes.facts.table_types)
    if cache:
        parameters["postscreen_cache_map"] = f"{cache}:$data_directory/postscreen_cache"
    return Part(parameters, absent=absent, services=services, tables=[table] if access else (), inputs=_INPUTS)


CAPABILITY = Capability(_INPUT, part, problems)
