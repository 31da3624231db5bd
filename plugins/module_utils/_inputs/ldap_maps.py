# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role ``ldap_maps`` accepts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._inputs.directory import server_problems
from ansible_collections.puffy.mail.plugins.module_utils._inputs.judge import RETYPED, Problem, Table
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import (
    account,
    anything,
    checked_by,
    number,
    one_line,
    optional,
    path,
    shown,
)
from ansible_collections.puffy.mail.plugins.module_utils._tables import ldap, ldap_maps, map_config

#: kinds of options that are text. Each number and each truth value is an honest value of the others.
_OF_TEXT = ("text", "query", "list")
#: the end of the sentence about a value that is not text
_CURE = f"{RETYPED}. Put the value in quotes, in the inventory."
_NAME = re.compile(r"[a-z][a-z0-9_-]*\Z")


def _certificate(value: Any) -> str | None:
    if isinstance(value, str) and "-----BEGIN CERTIFICATE-----" in value:
        return None
    return "holds no certificate. Use the text of a PEM file."


def _not_text(options: Mapping[Any, Any], where: str = "") -> str | None:
    """What is wrong with the first option that is text by ldap_table(5) and has another value."""
    for name, value in options.items():
        option = map_config.OPTIONS["ldap"].get(name)
        if option is None or option.kind not in _OF_TEXT:
            continue
        for part in value if option.kind == "list" and isinstance(value, (list, tuple)) else [value]:
            if not isinstance(part, str):
                return f"has the option {name!r}{where}, which is {shown(part)}, {_CURE}"
    return None


def _options(value: Any) -> str | None:
    """Options of the connection, without the password, whose input hides it and takes it from a credential."""
    if not isinstance(value, Mapping):
        return f"is {shown(value)}. Use a mapping."
    if "bind_pw" in value:
        return "has the option 'bind_pw', which is a secret. Set it in ldap_maps_bind_password."
    return _not_text(value)


def _tables(value: Any) -> str | None:
    """Tables by name: mappings without what belongs to the connection."""
    if not isinstance(value, Mapping):
        return f"is {shown(value)}. Use a mapping."
    for name, table in value.items():
        if not isinstance(name, str) or not _NAME.match(name):
            return f"has the name {name!r}, and a file is named after it. Use lower-case letters, digits, '_' and '-'."
        if not isinstance(table, Mapping):
            return f"has {shown(table)} as the table {name!r}. Use a mapping of options."
        if not isinstance(table.get("expect") or {}, Mapping):
            return f"has {shown(table['expect'])} as what the table {name!r} expects. Use a mapping of keys."
        for answer in (table.get("expect") or {}).values():
            if answer is not None and not isinstance(answer, str):
                return f"has an answer that the table {name!r} expects, which is {shown(answer)}, {_CURE}"
        shared = next((option for option in table if option in ldap_maps.CONNECTION), None)
        if shared is not None:
            return (
                f"has the option {shared!r} in the table {name!r}, which belongs to the connection that all tables"
                f" share. Set it in {_INPUTS.get(shared, 'ldap_maps_options')}."
            )
        problem = _not_text(table, f" in the table {name!r}")
        if problem is not None:
            return problem
    return None


def _servers(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    yield from server_problems(inputs, "ldap_maps")
    if not inputs["ldap_maps_search_base"]:
        yield "ldap_maps_search_base", "is empty. Use a distinguished name such as 'dc=example,dc=org'."


def _client_files(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    """What puffy.mail.map_config would say of each client file."""
    if list(_servers(inputs)):
        return
    shared = ldap_maps.connection(inputs)
    found: dict[str, str] = {}
    files = ldap_maps.client_files(inputs)
    for file in files:
        try:
            map_config.plan("ldap", {**shared, **file["options"]})
        except ValueError as exc:
            found[file["name"]] = str(exc) if str(exc).endswith("?") else f"{exc}."
    # What is wrong with the connection is wrong with each table, and is said once.
    if len(found) == len(files) and len(set(found.values())) == 1:
        (sentence,) = set(found.values())
        option = next((name for option, name in _INPUTS.items() if f"'{option}'" in sentence), "ldap_maps_options")
        yield option, f": {sentence}"
        return
    for name, sentence in found.items():
        yield "ldap_maps_tables", f": the table {name!r}: {sentence}"


#: which input an option of every client file comes from
_INPUTS = {
    "search_base": "ldap_maps_search_base",
    "bind_dn": "ldap_maps_bind_dn",
    "bind_pw": "ldap_maps_bind_password",
    "timeout": "ldap_maps_timeout",
}

TABLE = Table(
    {
        "ldap_maps_servers": anything,
        "ldap_maps_search_base": anything,
        "ldap_maps_tls": anything,
        "ldap_maps_ca_file": anything,
        "ldap_maps_ca_certificate": optional(_certificate),
        "ldap_maps_bind_dn": anything,
        "ldap_maps_bind_password": one_line,
        "ldap_maps_timeout": number(1, 300, "seconds"),
        "ldap_maps_account_filter": checked_by(ldap.check_filter),
        "ldap_maps_domain_filter": checked_by(ldap.check_filter),
        "ldap_maps_group_filter": checked_by(ldap.check_filter),
        "ldap_maps_tables": _tables,
        "ldap_maps_options": _options,
        "ldap_maps_directory": path,
        "ldap_maps_group": account,
        "ldap_maps_packages": anything,
    },
    (_servers, _client_files),
)
