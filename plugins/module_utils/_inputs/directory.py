# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several roles accept of a directory: its servers, and how to speak to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._inputs.judge import Problem
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import checked_by, path, shown
from ansible_collections.puffy.mail.plugins.module_utils._tables import ldap


def server_problems(inputs: Mapping[str, Any], role: str) -> Iterable[Problem]:
    """What is wrong with the connection; the inputs' names begin with ``role``."""
    given, servers, bad = inputs[f"{role}_servers"], [], False
    if not given:
        yield f"{role}_servers", f"is {shown(given)}. Use a list such as ['ldap://ldap.example.org']."
        return
    for entry in given:
        try:
            servers.append(ldap.parse_server(entry))
        except ValueError as exc:
            bad = True
            yield f"{role}_servers", f": {exc}."
    if len({server.scheme for server in servers}) > 1:
        bad = True
        yield (
            f"{role}_servers",
            f"is {shown(given)}, which mixes schemes. Use one scheme for all servers.",
        )
    if bad:
        return
    tls, scheme = inputs[f"{role}_tls"], servers[0].scheme
    remote = not all(server.local for server in servers)
    if tls == "none" and scheme == "ldap" and remote and inputs[f"{role}_bind_password"]:
        yield (
            f"{role}_tls",
            f"is 'none', and {role}_bind_password would cross the network in the clear. Use 'required'.",
        )
    if tls == "none" and scheme == "ldaps":
        yield f"{role}_tls", f"is 'none', and {role}_servers has ldaps:// URLs. Use 'required'."
    if (tls == "required" and scheme == "ldap") or scheme == "ldaps":
        problem = path(inputs[f"{role}_ca_file"])
        if problem:
            yield f"{role}_ca_file", f"{problem} With TLS the server's certificate is always verified."


def login_problems(inputs: Mapping[str, Any], role: str) -> Iterable[Problem]:
    """What is wrong with how a daemon finds an account that logs in; the inputs' names begin with ``role``."""
    for name, check in (
        (f"{role}_search_base", ldap.check_dn),
        (f"{role}_account_filter", ldap.check_filter),
        (f"{role}_login_attribute", ldap.check_attribute),
    ):
        problem = checked_by(check)(inputs[name])
        # The configuration of the daemon expands it, and "#" after a blank begins a comment.
        if problem is None and set(inputs[name]) & set("%$#"):
            problem = f"is {inputs[name]!r}. Use a value without '%', '$' and '#'."
        if problem:
            yield name, problem
    name, password = inputs[f"{role}_bind_dn"], inputs[f"{role}_bind_password"]
    problem = checked_by(ldap.check_dn)(name) if name else None
    if problem:
        yield f"{role}_bind_dn", problem
    if bool(name) != bool(password):
        empty, full = ("bind_dn", "bind_password") if password else ("bind_password", "bind_dn")
        yield (
            f"{role}_{empty}",
            f"is empty, and {role}_{full} is not. Set both, or neither to search without logging in.",
        )
