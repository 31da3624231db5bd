# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbooks ``verify`` and ``audit`` accept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._inputs.judge import Problem, Table
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import (
    anything,
    delimiter,
    domain,
    each,
    number,
    optional,
    path,
    pattern,
    shown,
    some_of,
)

_PORTS = ("smtp", "submission", "submissions", "imaps")

VERIFY_SPEC: dict[str, dict[str, Any]] = {
    "verify_from": {
        "type": "str",
        "choices": ["controller", "host"],
        "default_text": "controller",
        "description": "Where the probes run: where Ansible runs, or on the mail host itself.",
    },
    "verify_address": {
        "type": "str",
        "default_text": "mail_hostname, or the address that Ansible uses",
        "description": "Address to connect to.",
    },
    "verify_hostname": {
        "type": "str",
        "default_text": "mail_hostname, or the name in the inventory",
        "description": "Name that the certificate must have.",
    },
    "verify_services": {
        "type": "list",
        "elements": "str",
        "choices": list(_PORTS),
        "default_text": "what the inventory switches on",
        "description": "Services that must answer. The ports of the others must be closed.",
    },
    "verify_ports": {
        "type": "dict",
        "default_text": "smtp: 25, submission: 587, submissions: 465, imaps: 993",
        "description": "Ports as the prober reaches them.",
        "options": {name: {"type": "int"} for name in _PORTS},
    },
    "verify_ca_file": {
        "type": "path",
        "default_text": "",
        "description": "File or directory of trusted CA certificates on the prober.",
    },
    "verify_certificate_days": {
        "type": "int",
        "default_text": "7",
        "description": "Days for which the certificates must still be valid.",
    },
    # Accounts are often shared with the role that makes them, and may have keys of its own.
    "verify_accounts": {
        "type": "list",
        "elements": "dict",
        "no_log": True,
        "default_text": "[]",
        "description": "Accounts to log in with, each with address and password.",
    },
    "verify_aliases": {
        "type": "list",
        "elements": "dict",
        "default_text": "[]",
        "description": "Aliases to send to, each with address and delivered_to, which is one of verify_accounts.",
        "options": {
            "address": {"type": "str", "required": True},
            "delivered_to": {"type": "str", "required": True},
        },
    },
    "verify_recipient_delimiter": {
        "type": "str",
        "default_text": "mail_recipient_delimiter, or +",
        "description": "Empty leaves the check of a tagged address out.",
    },
    "verify_domain": {
        "type": "str",
        "default_text": "that of the first account",
        "description": "Domain in which the unknown recipient is looked for.",
    },
    "verify_outside_sender": {
        "type": "str",
        "default_text": "",
        "description": "Sender of what comes from outside.",
    },
    "verify_relay": {
        "type": "bool",
        "default_text": "true from the controller, otherwise false",
        "description": "Whether relaying must be refused.",
    },
    "verify_relay_domain": {
        "type": "str",
        "default_text": "foreign.example",
        "description": "Foreign domain, one that this host does not relay to.",
    },
    "verify_plaintext_ports": {
        "type": "list",
        "elements": "int",
        "default_text": "[110, 143, 2000, 2525, 4190]",
        "description": "Ports on which nothing may take a password without TLS, whatever listens there.",
    },
    "verify_dns_name": {
        "type": "str",
        "default_text": "the name in verify_relay_domain",
        "description": "Domain that the host asks the DNS for. Empty leaves the check out.",
    },
    "verify_skip": {
        "type": "list",
        "elements": "str",
        "default_text": "postfix_skip_checks",
        "description": "Checks of the configuration to leave out, by their id.",
    },
    "verify_timeout": {"type": "float", "default_text": "30", "description": "Seconds for one connection or reply."},
    "verify_delivery_timeout": {
        "type": "float",
        "default_text": "30",
        "description": "Seconds within which a message must arrive.",
    },
    "verify_log_files": {
        "type": "list",
        "elements": "str",
        "default_text": "[/var/log/maillog, /var/log/mail.log]",
        "description": "Mail logs on the host. An empty list leaves the check out.",
    },
    "verify_log_whole": {
        "type": "bool",
        "default_text": "false",
        "description": "Whether to read the mail log from its beginning, not from that of the play.",
    },
    "verify_report_file": {
        "type": "path",
        "default_text": "",
        "description": "File on the control node for the checks as JSON.",
    },
}

AUDIT_SPEC: dict[str, dict[str, Any]] = {
    "audit_hosts": {
        "type": "raw",
        "default_text": "mail_hosts_pattern, or mail_hosts",
        "description": "Hosts to judge, a pattern.",
    },
    "audit_fail_on": {
        "type": "str",
        "choices": ["error", "warning", "never"],
        "default_text": "never",
        "description": "Which findings let the run fail.",
    },
    "audit_config_directory": {
        "type": "path",
        "default_text": "/etc/postfix",
        "description": "Directory of main.cf and master.cf.",
    },
    "audit_skip": {
        "type": "list",
        "elements": "str",
        "default_text": "[]",
        "description": "Checks to leave out, by their id.",
    },
}


def _ports(value: Any) -> str | None:
    if isinstance(value, Mapping) and set(value) <= set(_PORTS):
        bad = next((given for given in value.values() if number(1, 65535, "a port")(given)), None)
        return None if bad is None else f"has the port {shown(bad)}. Use a number from 1 to 65535."
    return f"is {shown(value)}. Use a mapping of {', '.join(_PORTS)}."


def _services(value: Any) -> str | None:
    return None if value == [] else some_of(*_PORTS)(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _accounts(value: Any) -> str | None:
    good = isinstance(value, list) and all(
        isinstance(account, Mapping) and all(_is_text(account.get(key)) for key in ("address", "password"))
        for account in value
    )
    return None if good else ": each account needs an address and a password. Give both as text, in quotes."


def _aliases(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    addresses = [account["address"] for account in inputs["verify_accounts"]]
    for alias in inputs["verify_aliases"] if addresses else ():
        if alias["delivered_to"] not in addresses:
            yield (
                "verify_aliases",
                f"has {alias['delivered_to']!r} as delivered_to. Use one of verify_accounts, whose password opens the"
                " mailbox.",
            )


VERIFY = Table(
    {
        **dict.fromkeys(VERIFY_SPEC, anything),
        "verify_services": _services,
        "verify_ports": _ports,
        "verify_accounts": _accounts,
        "verify_recipient_delimiter": delimiter,
        "verify_domain": optional(domain),
        "verify_outside_sender": optional(anything),
        "verify_relay_domain": domain,
        "verify_dns_name": optional(domain),
        "verify_plaintext_ports": each(number(1, 65535, "a port"), [143]),
        "verify_certificate_days": number(0, 36500, "days"),
    },
    (_aliases,),
    by_type=True,
)
AUDIT = Table(
    {**dict.fromkeys(AUDIT_SPEC, anything), "audit_hosts": pattern, "audit_config_directory": path}, by_type=True
)
