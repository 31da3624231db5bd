# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role ``mail_authentication`` accepts."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._inputs.judge import Problem, Table
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import (
    account,
    anything,
    domain,
    domain_fault,
    each,
    number,
    plain_path,
    shown,
    some_of,
)

METHODS = ("dkim", "dmarc", "spf")


def methods(value: Any) -> str | None:
    """Some of METHODS, or none of them."""
    if value == []:
        return None
    problem = some_of(*METHODS)(value)
    if problem is None and "dmarc" in value and "dkim" not in value:
        return "has 'dmarc' without 'dkim'. Add 'dkim': OpenDMARC learns from OpenDKIM whether a signature fits."
    return problem


def _domain(value: Any) -> str | None:
    problem = domain(value)
    return None if problem is None else f"has the entry {problem.removeprefix('is ')}"


def _selector(value: Any) -> str | None:
    fault = domain_fault(value) if isinstance(value, str) and value else "is not a name"
    return None if fault is None else f"is {shown(value)}, which {fault}. Use a name such as 'mail' or '2026'."


def _client(value: Any) -> str | None:
    """What opendkim.conf(5) takes in InternalHosts: an address, a network, a name, or a domain behind a dot."""
    if isinstance(value, str) and re.fullmatch(r"[0-9A-Fa-f.:/]+", value):
        try:
            ipaddress.ip_network(value, strict=True)
        except ValueError as exc:
            return f"has the entry {value!r}, which is not a network: {exc}. Use '192.0.2.0/24' or '2001:db8::/32'."
        return None
    if isinstance(value, str) and value.lstrip("!.") and domain_fault(value.lstrip("!.")) is None:
        return None
    return f"has the entry {shown(value)}. Use an address, a network, a host name, or '.example.org' for a domain."


def _name_server(value: Any) -> str | None:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return f"has the entry {shown(value)}. Use the address of a name server, such as '192.0.2.53'."
    return None


def _database(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    if inputs["mail_authentication_accounts"] == "sqlite" and "dkim" in inputs["mail_authentication_methods"]:
        problem = plain_path(inputs["mail_authentication_database"])
        if problem:
            yield "mail_authentication_database", problem


TABLE = Table(
    {
        "mail_authentication_methods": methods,
        "mail_authentication_hostname": domain,
        "mail_authentication_accounts": anything,
        "mail_authentication_database": anything,
        "mail_authentication_domains": each(_domain, ["example.org"]),
        "mail_authentication_selector": _selector,
        "mail_authentication_key_bits": anything,
        "mail_authentication_internal_hosts": each(_client, ["192.0.2.0/24"]),
        "mail_authentication_nameservers": each(_name_server, ["192.0.2.53"]),
        "mail_authentication_bad_signature": anything,
        "mail_authentication_dmarc_failure": anything,
        "mail_authentication_spf_failure": anything,
        "mail_authentication_queue_directory": plain_path,
        "mail_authentication_postfix_group": account,
        "mail_authentication_packages": anything,
        "mail_authentication_service_timeout": number(1, 600, "seconds"),
    },
    (_database,),
)
