# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbook ``awx`` accepts: nothing that AWX refuses half-way, or takes and then does wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._inputs.judge import Problem, Table
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import (
    anything,
    each,
    listed,
    number,
    optional,
    shown,
)

#: characters of a name in AWX
_LONGEST = 512
#: by type of notification, the fields that AWX asks for
_NOTIFICATIONS: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "email": ("host", "port", "sender", "recipients", "use_tls", "use_ssl", "username", "password", "timeout"),
    "webhook": ("url", "http_method", "headers"),
    "slack": ("token", "channels"),
    "mattermost": ("mattermost_url",),
}
#: the secrets that have a credential type of ours, and whether the text is JSON
SECRETS: Mapping[str, bool] = {
    "ldap": False,
    "accounts": True,
    "ca": False,
    "certificates": True,
    "relay": False,
    "relay_logins": True,
    "verify": True,
}

SPEC: dict[str, dict[str, Any]] = {
    "mail_awx_organization": {
        "type": "str",
        "default": "Mail",
        "description": "Organization that everything belongs to. It is made where it does not exist.",
    },
    "mail_awx_prefix": {
        "type": "str",
        "default": "mail",
        "description": "First part of all names, as in mail-site.",
    },
    "mail_awx_project_url": {
        "type": "str",
        "required": True,
        "description": (
            "URL of the Git repository with the inventory, and with collections/requirements.yml, which names this"
            " collection."
        ),
    },
    "mail_awx_project_branch": {
        "type": "str",
        "default": "",
        "description": "Branch or tag; empty for the default one.",
    },
    "mail_awx_project_credential": {
        "type": "str",
        "default": "",
        "description": "Name of a source control credential that is in AWX; empty for a public repository.",
    },
    "mail_awx_inventory_path": {
        "type": "str",
        "default": "inventory/hosts.yml",
        "description": "Inventory file in the repository. AWX reads the group_vars and host_vars beside it.",
    },
    "mail_awx_galaxy_credentials": {
        "type": "list",
        "elements": "str",
        "default": ["Ansible Galaxy"],
        "description": (
            "Names of the Galaxy credentials of the organization. Without one, AWX ignores"
            " collections/requirements.yml, and the execution environment must have the collection."
        ),
    },
    "mail_awx_execution_environment": {
        "type": "str",
        "default": "",
        "description": "Image of an execution environment; empty for the default one of AWX.",
    },
    "mail_awx_credentials": {
        "type": "list",
        "elements": "str",
        "default": [],
        "description": "Names of credentials that are in AWX and that each template gets: a machine, a vault.",
    },
    "mail_awx_secrets": {
        "type": "dict",
        "default": {},
        "no_log": True,
        "description": (
            "Secrets that AWX keeps for the jobs, each in a credential: ldap, accounts, ca, certificates, relay,"
            " relay_logins, verify."
        ),
    },
    "mail_awx_update_secrets": {
        "type": "bool",
        "default": True,
        "description": (
            "Whether secrets are written again. AWX does not show them, so each of these tasks reports a change. Where"
            " this is false, a secret is set only when its credential is made."
        ),
    },
    "mail_awx_variables": {
        "type": "dict",
        "default": {},
        "description": (
            "Variables of all templates, inputs of this collection. They keep their types, unlike answers of a survey."
        ),
    },
    "mail_awx_notification_type": {
        "type": "str",
        "choices": list(_NOTIFICATIONS),
        "default": "none",
        "description": "How AWX tells of failures and of approvals that wait.",
    },
    "mail_awx_notification": {
        "type": "dict",
        "default": {},
        "no_log": True,
        "description": "Configuration of the notification, as the module awx.awx.notification_template takes it.",
    },
    "mail_awx_approval_timeout": {
        "type": "int",
        "default": 86400,
        "description": "Seconds after which an approval that nobody gave counts as denied, 60 to 2592000.",
    },
    "mail_awx_verify_schedule": {
        "type": "str",
        "default": "DTSTART;TZID=UTC:20260101T031500 RRULE:FREQ=DAILY;INTERVAL=1",
        "description": "When to prove the hosts: one DTSTART with a zone, and an RRULE with INTERVAL.",
    },
}


def _name(value: Any) -> str | None:
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST or value != value.strip():
        return f"is {shown(value)}. Use a name of 1 to {_LONGEST} characters, without blanks at its ends."
    if value.isdigit() or "++" in value:
        return f"is {value!r}. Use a name with letters and without '++': AWX would look for a number or an address."
    return None


def _prefix(value: Any) -> str | None:
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]{0,99}", value):
        return None
    return f"is {shown(value)}. Use 1 to 100 letters, digits, '_', '.' and '-', first a letter."


def _url(value: Any) -> str | None:
    if isinstance(value, str) and re.fullmatch(
        r"(https?|ssh|git|file)://[!-~]+|[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[!-~]+", value
    ):
        return None
    return f"is {shown(value)}. Use a URL such as 'https://git.example.org/mail.git' or 'git@git.example.org:mail.git'."


def _inventory_path(value: Any) -> str | None:
    if isinstance(value, str) and value and not value.startswith("/") and ".." not in value.split("/"):
        return None
    return f"is {shown(value)}. Use a path in the repository, such as 'inventory/hosts.yml'."


def _image(value: Any) -> str | None:
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._:/@-]*[A-Za-z0-9])?", value):
        return None
    return f"is {shown(value)}. Use the name of an image, such as 'registry.example.org/mail-ee:1'."


def _secrets(value: Any) -> str | None:
    if not isinstance(value, Mapping):
        return f": use a mapping of {', '.join(SECRETS)}."
    for key, text in value.items():
        if key not in SECRETS:
            return f"has the key {shown(key)}. Use {listed(list(SECRETS))}."
        if not isinstance(text, str) or len(text) < 3:
            # awx.awx masks a secret wherever its text stands: one letter would mask each message.
            return f": {key} is not a text of 3 characters or more. Put the secret in quotes."
        if SECRETS[key]:
            try:
                json.loads(text)
            except ValueError:
                return f": {key} is not JSON. Use the text of a JSON file."
    return None


def _rule(value: Any) -> str | None:
    """What AWX refuses of a schedule, and what it takes and the collection has no use for."""
    cure = "Use a schedule such as 'DTSTART;TZID=UTC:20260101T031500 RRULE:FREQ=DAILY;INTERVAL=1'."
    if not isinstance(value, str):
        return f"is {shown(value)}. {cure}"
    starts = re.findall(r"DTSTART[^ ]*", value)
    if len(starts) != 1 or not re.fullmatch(r"DTSTART(;TZID=[A-Za-z0-9_+/-]+:\d{8}T\d{6}|:\d{8}T\d{6}Z)", starts[0]):
        return f"is {value!r}, which has not exactly one DTSTART with a zone. {cure}"
    rules = re.findall(r"(?:^|\s)([A-Z]+):([^ ]*)", re.sub(r"DTSTART[^ ]*", "", value))
    if [name for name, _rule in rules] != ["RRULE"]:
        return f"is {value!r}, which has not exactly one RRULE and nothing else beside DTSTART. {cure}"
    parts = dict(part.partition("=")[::2] for part in rules[0][1].split(";"))
    if parts.get("FREQ") not in ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY"):
        return f"is {value!r}, whose FREQ AWX does not take. {cure}"
    if not re.fullmatch(r"[1-9][0-9]*", parts.get("INTERVAL", "")):
        return f"is {value!r}, which has no INTERVAL. {cure}"
    if "COUNT" in parts and ("UNTIL" in parts or not re.fullmatch(r"[1-9][0-9]{0,2}", parts["COUNT"])):
        return f"is {value!r}. AWX takes COUNT from 1 to 999, and not with UNTIL. {cure}"
    if re.search(r"\d", parts.get("BYDAY", "")):
        return f"is {value!r}. AWX takes no number in BYDAY. Use BYSETPOS."
    return None


def _notification(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    kind, given = inputs["mail_awx_notification_type"], inputs["mail_awx_notification"]
    if kind == "none" and given:
        yield "mail_awx_notification", "is set, and mail_awx_notification_type is 'none'. Set the type, or remove it."
    missing = [field for field in _NOTIFICATIONS[kind] if field not in given]
    if missing:
        yield "mail_awx_notification", f"has no {', '.join(missing)}. A notification of type {kind!r} needs them."


def _collection(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    if not inputs["mail_awx_galaxy_credentials"] and not inputs["mail_awx_execution_environment"]:
        yield (
            "mail_awx_galaxy_credentials",
            "is empty, and so is mail_awx_execution_environment: no job would find this collection, since AWX ignores"
            " collections/requirements.yml without a Galaxy credential. Set one of them.",
        )


TABLE = Table(
    {
        **dict.fromkeys(SPEC, anything),
        "mail_awx_organization": _name,
        "mail_awx_prefix": _prefix,
        "mail_awx_project_url": _url,
        "mail_awx_project_branch": optional(_name),
        "mail_awx_project_credential": optional(_name),
        "mail_awx_inventory_path": _inventory_path,
        "mail_awx_execution_environment": optional(_image),
        "mail_awx_galaxy_credentials": each(_name, ["Ansible Galaxy"]),
        "mail_awx_credentials": each(_name, ["mail-machine"]),
        "mail_awx_secrets": _secrets,
        "mail_awx_approval_timeout": number(60, 2592000, "seconds"),
        "mail_awx_verify_schedule": _rule,
    },
    (_notification, _collection),
    by_type=True,
)
