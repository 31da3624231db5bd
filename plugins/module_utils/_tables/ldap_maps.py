# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client files of the role ``ldap_maps``: one connection and its tables, and what is wrong with its inputs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._inputs.preflight import absolute_path_problem
from ansible_collections.puffy.mail.plugins.module_utils._tables import ldap, map_config

TLS = ("required", "none")
#: keys that must not be found, whatever the directory holds: wild cards and a filter inside the key
PROBES = ("*", "*@*", "*)(objectClass=*")
#: options that the connection sets; a table has no say in them
_CONNECTION = frozenset(
    {
        "server_host",
        "server_port",
        "version",
        "timeout",
        "start_tls",
        "tls_require_cert",
        "tls_ca_cert_file",
        "bind",
        "bind_dn",
        "bind_pw",
    }
)
_NAME = re.compile(r"[a-z][a-z0-9_-]*\Z")


def presets(accounts: str, domains: str, groups: str) -> dict[str, dict[str, Any]]:
    """The tables that every host has. The arguments are filters that find accounts, domains and groups.

    An account's ``mail`` is its mailbox and its login; each ``mailAlias`` is another address of it, or @DOMAIN for all
    addresses of a domain that are nothing else.
    """
    return {
        "virtual_mailbox_domains": {"query_filter": f"(&{domains}(dc=%s))", "result_attribute": "dc"},
        "virtual_mailbox_maps": {
            # %s and not %u: the domain counts too.
            "query_filter": f"(&{accounts}(mail=%s))",
            "result_attribute": "mailStorageDirectory",
        },
        "virtual_alias_maps": {
            # A mailbox answers itself: else an @DOMAIN of its domain would take its mail. %s and not %u@%d: with an
            # empty local part Postfix would not ask.
            "query_filter": f"(&{accounts}(|(mailAlias=%s)(mail=%s)))",
            "result_attribute": "mail",
        },
        "virtual_group_maps": {
            "query_filter": f"(&{groups}(mail=%s))",
            # Members are names of entries: accounts, whose mail counts, or groups, whose members do.
            "special_result_attribute": "member",
            "leaf_result_attribute": "mail",
            "result_attribute": "",
            # A group that contains itself would be followed a thousand times (ldap_table(5)).
            "recursion_limit": 20,
        },
        "sender_login_maps": {
            # %u@%d and not %s: the owner of an @DOMAIN may not send as its addresses.
            "query_filter": f"(&{accounts}(|(mail=%u@%d)(mailAlias=%u@%d)))",
            "result_attribute": "mail",
        },
    }


def connection(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The options that all client files share. Raises ValueError where a server's URL is none."""
    servers = [ldap.parse_server(str(server)) for server in inputs["ldap_maps_servers"]]
    schemes = {server.scheme for server in servers}
    starttls = inputs["ldap_maps_tls"] == "required" and schemes == {"ldap"}
    total = int(inputs["ldap_maps_timeout"])
    options: dict[str, Any] = {
        "server_host": [str(server) for server in inputs["ldap_maps_servers"]],
        "version": 3,
        # dict_ldap.c: one alarm covers StartTLS with all servers; without it each server is waited for. libldap has to
        # give up before that alarm does (LDAPTIMEOUT in Postfix's environment), by a whole second.
        "timeout": max(2, total) if starttls else max(1, total // len(servers)),
    }
    if starttls:
        options["start_tls"] = True
    if starttls or schemes == {"ldaps"}:
        options["tls_require_cert"] = True
        options["tls_ca_cert_file"] = inputs["ldap_maps_ca_file"]
    if inputs["ldap_maps_bind_dn"]:
        options.update(bind=True, bind_dn=inputs["ldap_maps_bind_dn"], bind_pw=inputs["ldap_maps_bind_password"])
    else:
        options["bind"] = False
    return {**options, **inputs["ldap_maps_options"]}


def client_files(inputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tables, each with ``name``, ``options`` (without the connection) and ``expect``."""
    tables = presets(
        inputs["ldap_maps_account_filter"], inputs["ldap_maps_domain_filter"], inputs["ldap_maps_group_filter"]
    )
    for name, given in inputs["ldap_maps_tables"].items():
        tables[name] = {**tables.get(name, {}), **given}
    files = []
    for name, table in tables.items():
        options = {"search_base": inputs["ldap_maps_search_base"], **table}
        expect = {**dict.fromkeys(PROBES), **(options.pop("expect", None) or {})}
        files.append({"name": name, "options": options, "expect": expect})
    return files


def server_problems(inputs: Mapping[str, Any], role: str) -> list[str]:
    """A sentence for each bad input of the connection; the inputs' names begin with ``role``."""
    given = inputs[f"{role}_servers"]
    if not isinstance(given, list) or not given:
        return [f"{role}_servers is {given!r}. Right would be a list such as ['ldap://ldap.example.org']."]
    found, servers = [], []
    for entry in given:
        try:
            servers.append(ldap.parse_server(str(entry)))
        except ValueError as exc:
            found.append(f"{role}_servers: {exc}.")
    if len({server.scheme for server in servers}) > 1:
        found.append(
            f"{role}_servers is {given!r}, which mixes schemes; all servers are spoken to in one way. Right would be"
            " one scheme for all."
        )
    if found:
        return found
    tls = inputs[f"{role}_tls"]
    if tls not in TLS:
        return [f"{role}_tls is {tls!r}. Right would be 'required' or 'none'."]
    remote = not all(server.local for server in servers)
    if tls == "none" and servers[0].scheme == "ldap" and remote and inputs[f"{role}_bind_password"]:
        found.append(
            f"{role}_tls is 'none', and {role}_bind_password would cross the network in the clear. Right would be"
            " 'required'."
        )
    if tls == "none" and servers[0].scheme == "ldaps":
        found.append(f"{role}_tls is 'none', and {role}_servers has ldaps:// URLs. Right would be 'required'.")
    if (tls == "required" and servers[0].scheme == "ldap") or servers[0].scheme == "ldaps":
        problem = absolute_path_problem(f"{role}_ca_file", inputs[f"{role}_ca_file"])
        if problem:
            found.append(f"{problem} With TLS the server's certificate is always verified.")
    return found


def role_problems(inputs: Mapping[str, Any]) -> list[str]:
    """A sentence for each bad input of the role, empty where all are good. No sentence shows the password."""
    found = server_problems(inputs, "ldap_maps")
    timeout = inputs["ldap_maps_timeout"]
    if isinstance(timeout, bool) or not str(timeout).isdecimal() or not 1 <= int(timeout) <= 300:
        found.append(f"ldap_maps_timeout is {timeout!r}. Right would be a number of seconds from 1 to 300.")
    pem = inputs["ldap_maps_ca_certificate"]
    if pem and "-----BEGIN CERTIFICATE-----" not in str(pem):
        found.append("ldap_maps_ca_certificate holds no certificate. Right would be the text of a PEM file.")
    problem = absolute_path_problem("ldap_maps_directory", inputs["ldap_maps_directory"])
    if problem:
        found.append(problem)
    for name in ("ldap_maps_account_filter", "ldap_maps_domain_filter", "ldap_maps_group_filter"):
        try:
            ldap.check_filter(str(inputs[name]))
        except ValueError as exc:
            found.append(f"{name}: {exc}.")
    for name in ("ldap_maps_tables", "ldap_maps_options"):
        if not isinstance(inputs[name], Mapping):
            found.append(f"{name} is {inputs[name]!r}. Right would be a mapping.")
            return found
    for name, table in inputs["ldap_maps_tables"].items():
        if not isinstance(name, str) or not _NAME.match(name):
            found.append(
                f"ldap_maps_tables has the name {name!r}. Right would be lower-case letters, digits, '_' and '-', since"
                " a file is named after it."
            )
        elif not isinstance(table, Mapping):
            found.append(f"ldap_maps_tables.{name} is {table!r}. Right would be a mapping of options.")
        elif not isinstance(table.get("expect") or {}, Mapping):
            found.append(f"ldap_maps_tables.{name}.expect is {table['expect']!r}. Right would be a mapping of keys.")
        else:
            found.extend(
                f"ldap_maps_tables.{name} has the option {option!r}, which belongs to the connection that all tables"
                " share; set it in ldap_maps_options."
                for option in table
                if option in _CONNECTION
            )
    if found:
        return found
    shared = connection(inputs)
    for file in client_files(inputs):
        try:
            map_config.plan("ldap", {**shared, **file["options"]})
        except ValueError as exc:
            found.append(f"The table {file['name']}: {exc}" + ("" if str(exc).endswith("?") else "."))
    # What is wrong with the connection is wrong with each table, and said once.
    sentences = [sentence.split(": ", 1)[1] for sentence in found]
    if len(found) > 1 and len(set(sentences)) == 1:
        return [f"The connection: {sentences[0]}"]
    return found
