# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that take the mail of this one: for all mail, by sender and by recipient, with logins where they want one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Part,
    Problem,
    Table,
    Wishes,
)

_TABLES = {
    "smtp_sasl_password_maps": ("/etc/postfix/relay_passwords", "postfix_relay_credentials"),
    "sender_dependent_relayhost_maps": ("/etc/postfix/sender_relayhosts", "postfix_sender_relayhosts"),
    "transport_maps": ("/etc/postfix/transports", "postfix_transports"),
}
_WRAPPED = ("465", "smtps", "submissions", "urd")
_LOGIN = {
    "smtp_sasl_auth_enable": True,
    # A password crosses the network inside TLS only.
    "smtp_sasl_security_options": ["noanonymous", "noplaintext"],
    "smtp_sasl_tls_security_options": ["noanonymous"],
}


def _logins(wishes: Wishes) -> dict[str, str]:
    """user:password by the host or the sender that it is for (SASL_README)."""
    found: dict[str, str] = {}
    if wishes.text("postfix_relayhost_username"):
        login = f"{wishes.text('postfix_relayhost_username')}:{wishes.text('postfix_relayhost_password')}"
        found[wishes.text("postfix_relayhost")] = login
    for given in wishes.words("postfix_relay_credentials"):
        found[given.get("host") or given["sender"]] = f"{given['username']}:{given['password']}"
    return found


def _wrapped(wishes: Wishes) -> Iterable[Problem]:
    """Next hops on the port where the server waits for TLS at once, which smtp(8) begins only where all of them do."""
    own = wishes.mapping("postfix_parameters")
    if str(own.get("smtp_tls_wrappermode")).strip().lower() in ("yes", "true"):
        return
    hops = [
        ("postfix_relayhost", "", wishes.text("postfix_relayhost")),
        *(
            ("postfix_sender_relayhosts", f"[{key!r}] ", hop)
            for key, hop in wishes.mapping("postfix_sender_relayhosts").items()
        ),
        *(
            ("postfix_transports", f"[{key!r}] ", hop)
            for key, hop in wishes.mapping("postfix_transports").items()
            if str(hop).partition(":")[0] in ("smtp", "relay")
        ),
    ]
    for name, where, hop in hops:
        if str(hop).rpartition(":")[2] in _WRAPPED:
            yield (
                name,
                f"{where}is {hop!r}, where the server waits for TLS without STARTTLS, and Postfix waits for the server:"
                " mail would stay in the queue. Use port 587. Where the server has port 465 alone, set"
                " postfix_parameters: {smtp_tls_wrappermode: true, smtp_tls_security_level: encrypt}, which holds for"
                " each host that Postfix sends mail to.",
            )


def problems(wishes: Wishes) -> Iterable[Problem]:
    """A login without a host, one half of a login, or a host that waits for TLS."""
    yield from _wrapped(wishes)
    username, password = wishes.text("postfix_relayhost_username"), wishes.text("postfix_relayhost_password")
    if username and not wishes.text("postfix_relayhost"):
        yield "postfix_relayhost_username", "is set, and postfix_relayhost is empty. Set postfix_relayhost."
    if bool(username) != bool(password):
        have, lack = ("username", "password") if username else ("password", "username")
        yield (
            f"postfix_relayhost_{lack}",
            f"is empty, and postfix_relayhost_{have} is not. Set both, or neither to send without a login.",
        )


def part(wishes: Wishes) -> Part:
    """The parameters, and a table for each kind of choice."""
    parameters: dict[str, Any] = {}
    tables = []
    if wishes.text("postfix_relayhost"):
        parameters["relayhost"] = wishes.text("postfix_relayhost")
    logins = _logins(wishes)
    for name, (path, wish) in _TABLES.items():
        entries = logins if name.startswith("smtp_sasl") else wishes.mapping(wish)
        if entries:
            table = Table(path, "texthash", entries, secret=name.startswith("smtp_sasl"))
            tables.append(table)
            parameters[name] = [table.name]
    if logins:
        parameters.update(_LOGIN)
    if any("sender" in given for given in wishes.words("postfix_relay_credentials")):
        parameters["smtp_sender_dependent_authentication"] = True
    names = ("relayhost", *_TABLES, *_LOGIN, "smtp_sender_dependent_authentication")
    return Part(
        parameters,
        absent=names,
        tables=tables,
        inputs={name: wish for name, (_path, wish) in _TABLES.items()},
    )


CAPABILITY = Capability("postfix_relayhost", part, problems)
