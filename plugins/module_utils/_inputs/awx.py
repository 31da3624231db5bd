# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbook ``awx`` accepts: nothing that AWX refuses half-way, or takes and then does wrong."""

from __future__ import annotations

import datetime
import json
import keyword
import re
import zoneinfo
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
#: a field of a notification that has no default
_NEEDED = object()
#: by type of notification, the fields that AWX knows, each with its kind and default
#: (awx/main/notifications, init_parameters). None: AWX keeps the field only where it is set.
NOTIFICATIONS: Mapping[str, Mapping[str, tuple[str, Any]]] = {
    "none": {},
    "email": {
        "host": ("text", _NEEDED),
        "port": ("port", _NEEDED),
        "sender": ("text", _NEEDED),
        "recipients": ("list", _NEEDED),
        "use_tls": ("truth", _NEEDED),
        "use_ssl": ("truth", _NEEDED),
        "username": ("optional", _NEEDED),
        "password": ("optional", _NEEDED),
        "timeout": ("seconds", 30),
    },
    "webhook": {
        "url": ("url", _NEEDED),
        "headers": ("headers", _NEEDED),
        "http_method": ("method", "POST"),
        "disable_ssl_verification": ("truth", False),
        "username": ("optional", ""),
        "password": ("optional", ""),
    },
    "slack": {"token": ("text", _NEEDED), "channels": ("list", _NEEDED), "hex_color": ("optional", None)},
    "mattermost": {
        "mattermost_url": ("url", _NEEDED),
        "mattermost_no_verify_ssl": ("truth", _NEEDED),
        "mattermost_channel": ("text", None),
        "mattermost_username": ("text", None),
        "mattermost_icon_url": ("url", None),
    },
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
        "choices": list(NOTIFICATIONS),
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
        if not SECRETS[key] and re.search(r"[\r\n\0]", text):
            return f": {key} has a line break or a NUL. Use text of one line."
        if SECRETS[key]:
            try:
                json.loads(text)
            except ValueError:
                return f": {key} is not JSON. Use the text of a JSON file."
    return None


def _variables(value: Any) -> str | None:
    if not isinstance(value, Mapping):
        return f"is {shown(value)}. Use a mapping of inputs of this collection."
    for name in value:
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or keyword.iskeyword(name):
            return (
                f"has the name {shown(name)}. Use the name of a variable, of letters, digits and '_', and not a word of"
                " Python."
            )
    return None


_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY")
#: parts of a rule that are numbers (RFC 5545, section 3.3.10): least, most, and whether they count from the end too
_NUMBERS: Mapping[str, tuple[int, int, bool]] = {
    "BYMONTH": (1, 12, False),
    "BYWEEKNO": (1, 53, True),
    "BYYEARDAY": (1, 366, True),
    "BYMONTHDAY": (1, 31, True),
    "BYHOUR": (0, 23, False),
    "BYMINUTE": (0, 59, False),
    "BYSECOND": (0, 59, False),
    "BYSETPOS": (1, 366, True),
}
_PARTS = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", *_NUMBERS)
#: AWX takes other rules of RFC 5545, too, and no dates that are left out
_SCHEDULE = re.compile(
    r"DTSTART(;TZID=(?P<zone>[A-Za-z0-9_+/-]+):(?P<local>\d{8}T\d{6})|:(?P<utc>\d{8}T\d{6}Z))"
    r"[ \n]RRULE:(?P<rule>[!-~]+)"
)


def _rule(value: Any) -> str | None:
    """What AWX refuses of a schedule, and what it takes and never runs."""
    cure = "Use a schedule such as 'DTSTART;TZID=UTC:20260101T031500 RRULE:FREQ=DAILY;INTERVAL=1'."
    if not isinstance(value, str):
        return f"is {shown(value)}. {cure}"
    match = _SCHEDULE.fullmatch(value)
    if match is None:
        problem: str | None = "AWX takes one DTSTART with a zone and one RRULE, and nothing else."
    else:
        problem = _start_problem(match["zone"], match["local"] or match["utc"]) or _parts_problem(
            match["rule"], match["local"] or match["utc"]
        )
    return None if problem is None else f"is {value!r}: {problem} {cure}"


def _moment(text: str) -> datetime.datetime | None:
    """The date and time, without regard to the zone."""
    try:
        return datetime.datetime.strptime(text.rstrip("Z"), "%Y%m%dT%H%M%S")
    except ValueError:
        return None


def _start_problem(zone: str | None, start: str) -> str | None:
    known = zoneinfo.available_timezones()
    # A control node may have no list of zones.
    if zone is not None and known and zone not in known:
        return f"TZID {zone!r} is not the name of a zone."
    return None if _moment(start) else f"{start!r} is not a date and a time."


def _parts_problem(rule: str, start: str) -> str | None:
    """What is wrong with the parts of an RRULE."""
    parts: dict[str, str] = {}
    for part in rule.split(";"):
        name, _equals, given = part.partition("=")
        if name not in _PARTS:
            shown_name = name if re.fullmatch("[A-Z]+", name) else repr(name)
            return f"{shown_name} is not a part of a rule. Use {listed(_PARTS)}."
        if name in parts:
            return f"{name} stands twice."
        parts[name] = given
    for name in ("FREQ", "INTERVAL"):
        if name not in parts:
            return f"{name} is missing."
    if "COUNT" in parts and "UNTIL" in parts:
        return "COUNT and UNTIL are both there. Use one of them."
    return next((found for name, given in parts.items() if (found := _part_problem(name, given, start))), None)


def _part_problem(name: str, given: str, start: str) -> str | None:
    here = f"{name} is {given!r}"
    if name == "FREQ":
        return None if given in _FREQUENCIES else f"{here}. Use {listed(_FREQUENCIES)}."
    if name in ("INTERVAL", "COUNT"):
        most = 999 if name == "COUNT" else 9999
        good = re.fullmatch(r"[0-9]{1,4}", given) and 1 <= int(given) <= most
        return None if good else f"{here}. Use a number from 1 to {most}."
    if name == "WKST":
        return None if given in _DAYS else f"{here}. Use a day such as 'MO'."
    if name == "BYDAY":
        good_days = set(given.split(",")) <= set(_DAYS)
        return None if good_days else f"{here}. Use days such as 'MO,FR', and BYSETPOS for the first one of a month."
    if name == "UNTIL":
        end = _moment(given) if re.fullmatch(r"\d{8}T\d{6}Z?", given) else None
        if end is None:
            return f"{here}. Use a date and a time such as '20301231T000000Z'."
        if end < datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None):
            return f"{here}, which is over."
        return f"{here}, which is before DTSTART." if given.rstrip("Z") < start.rstrip("Z") else None
    low, high, backwards = _NUMBERS[name]
    sign = "-?" if backwards else ""
    numbers = given.split(",")
    if all(re.fullmatch(rf"{sign}[0-9]{{1,3}}", number) and low <= abs(int(number)) <= high for number in numbers):
        return None
    return f"{here}. Use numbers from {low} to {high}{f' or from -{high} to -{low}' if backwards else ''}."


def _notification(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    kind, given = inputs["mail_awx_notification_type"], inputs["mail_awx_notification"]
    if kind == "none":
        if given:
            yield (
                "mail_awx_notification",
                "is set, and mail_awx_notification_type is 'none'. Set the type, or remove it.",
            )
        return
    fields = NOTIFICATIONS[kind]
    missing = [field for field, (_kind, default) in fields.items() if default is _NEEDED and field not in given]
    if missing:
        word = "field" if len(missing) == 1 else "fields"
        yield (
            "mail_awx_notification",
            f"has no {', '.join(missing)}. A notification of type {kind!r} needs the {word}.",
        )
    for field, value in given.items():
        if field not in fields:
            wrong: str | None = f"which a notification of type {kind!r} has not. Use {', '.join(fields)}."
        else:
            wrong = _field_problem(fields[field][0], value)
        if wrong is not None:
            yield "mail_awx_notification", f"has the field {shown(field)}, {wrong}"
    if given.get("use_tls") is True and given.get("use_ssl") is True:
        yield "mail_awx_notification", "has use_tls and use_ssl. Set one of them to false."


def _is_number(value: Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _field_problem(kind: str, value: Any) -> str | None:
    """What is wrong with the value of a field of a notification. It may be a secret, so it is not shown."""
    if kind in ("port", "seconds"):
        most = 65535 if kind == "port" else 3600
        return None if _is_number(value, most) else f"which is not a number from 1 to {most}."
    if kind == "truth":
        return None if isinstance(value, bool) else "which is neither true nor false."
    if kind == "list":
        good = isinstance(value, list) and value and all(isinstance(entry, str) and entry for entry in value)
        return None if good else "which is not a list of text. Use a list of one entry or more."
    if kind == "headers":
        if not isinstance(value, Mapping):
            return "which is not a mapping. Use a mapping."
        texts = all(isinstance(part, str) for pair in value.items() for part in pair)
        return None if texts else "where a value is not text. Put the value in quotes."
    if not isinstance(value, str):
        return "which is not text. Put the value in quotes."
    if not value and kind != "optional":
        return "which is empty. Set a value."
    if kind == "url" and not re.fullmatch(r"https?://[!-~]+", value):
        return "which is not a URL. Use https://."
    return "which is neither 'POST' nor 'PUT'." if kind == "method" and value not in ("POST", "PUT") else None


def notification(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration as AWX keeps it, with the defaults: awx.awx changes a shorter one on each run."""
    fields = NOTIFICATIONS[inputs["mail_awx_notification_type"]]
    defaults = {name: default for name, (_kind, default) in fields.items() if default is not _NEEDED}
    return {
        **{name: default for name, default in defaults.items() if default is not None},
        **inputs["mail_awx_notification"],
    }


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
        "mail_awx_variables": _variables,
        "mail_awx_approval_timeout": number(60, 2592000, "seconds"),
        "mail_awx_verify_schedule": _rule,
    },
    (_notification, _collection),
    by_type=True,
)
