# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client files of the role ``ldap_maps``: one connection and its tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._tables import ldap

#: keys that must not be found, whatever the directory holds: wild cards and a filter inside the key
PROBES = ("*", "*@*", "*)(objectClass=*")
#: options that the connection sets; a table has no say in them
CONNECTION = frozenset(
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
        # Where virtual(8) writes and Dovecot reads.
        "virtual_maildirs": {
            "query_filter": f"(&{accounts}(mail=%s))",
            "result_attribute": "mailStorageDirectory",
            "result_format": "%s/Maildir/",
        },
    }


def connection(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The options that all client files share. Raises ValueError where a server has no valid URL."""
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
