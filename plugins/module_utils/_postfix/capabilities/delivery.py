# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the mailboxes are and how mail reaches them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import listed
from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities import aliases
from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Part,
    Problem,
    Wishes,
)

#: by where the accounts are, how mail can reach them
_WAYS = {"sqlite": ("lmtp", "virtual"), "ldap": ("lmtp", "virtual"), "system": ("local",), "none": ("relay",)}
_OPTIONAL = (
    "virtual_transport",
    "virtual_mailbox_base",
    "virtual_uid_maps",
    "virtual_gid_maps",
    "home_mailbox",
    "local_transport",
    "local_recipient_maps",
    "mailbox_command",
    "virtual_mailbox_limit",
)


def problems(wishes: Wishes) -> Iterable[Problem]:
    """Ways of delivery that the accounts do not have."""
    accounts, way = wishes.text("postfix_accounts"), wishes.text("postfix_delivery")
    if way not in _WAYS[accounts]:
        yield (
            "postfix_delivery",
            f"is {way!r}, and postfix_accounts is {accounts!r}. Use {listed(_WAYS[accounts])}.",
        )
    # trivial-rewrite(8) does not know the default of a parameter that main.cf does not set: it would end.
    refers = "virtual_transport" in re.findall(r"\w+", wishes.text("postfix_local_transport"))
    if refers and way not in ("lmtp", "virtual"):
        yield (
            "postfix_local_transport",
            f"uses virtual_transport, and with postfix_delivery: {way} that is not set. Name a transport.",
        )
    agent, _colon, _rest = wishes.text("postfix_local_transport").partition(":")
    if (
        agent not in ("error", "retry")
        and wishes.words("postfix_local_domains")
        and wishes.words("postfix_local_recipient_maps") == ["$virtual_mailbox_maps"]
        and not wishes.words("postfix_virtual_mailbox_maps")
    ):
        yield (
            "postfix_local_recipient_maps",
            "is ['$virtual_mailbox_maps'], and postfix_virtual_mailbox_maps is empty, so that Postfix would take mail"
            " for every name in postfix_local_domains, and bounce what nobody gets. Name the tables of the recipients,"
            " or set postfix_local_recipient_maps: [] for the accounts of the system and their aliases.",
        )
    if wishes.text("postfix_home_mailbox"):
        why = _nothing_in_homes(wishes)
        if why:
            yield "postfix_home_mailbox", f"is for the accounts of the system, and {why}. Remove postfix_home_mailbox."


def _nothing_in_homes(wishes: Wishes) -> str:
    """Why local(8) delivers nothing to accounts of the system; empty where it may."""
    way, transport = wishes.text("postfix_delivery"), wishes.text("postfix_local_transport")
    if way == "relay":
        return f"postfix_delivery is {way!r}"
    if transport and transport.partition(":")[0] != "local":
        return f"postfix_local_transport is {transport!r}"
    return "" if wishes.words("postfix_local_domains") else "postfix_local_domains is empty"


def part(wishes: Wishes) -> Part:
    """The tables of the accounts, the transports, and who owns the mail where Postfix itself stores it."""
    way = wishes.text("postfix_delivery")
    parameters: dict[str, object] = {
        "virtual_mailbox_domains": wishes.words("postfix_virtual_mailbox_domains"),
        "virtual_mailbox_maps": wishes.words("postfix_virtual_mailbox_maps"),
        "virtual_alias_maps": [*aliases.of_virtual(wishes), *wishes.words("postfix_virtual_alias_maps")],
    }
    inputs = {name: f"postfix_{name}" for name in (*parameters, *_OPTIONAL)}
    if way == "virtual":
        # virtual(8) refuses to start with a limit below that of a message; 0 means no limit.
        parameters["virtual_mailbox_limit"] = 0
    if way in ("lmtp", "virtual"):
        parameters["virtual_transport"] = wishes.text("postfix_virtual_transport")
    for name in ("virtual_mailbox_base", "home_mailbox", "local_transport"):
        if wishes.text(f"postfix_{name}"):
            parameters[name] = wishes.text(f"postfix_{name}")
    if wishes.words("postfix_local_recipient_maps"):
        parameters["local_recipient_maps"] = wishes.words("postfix_local_recipient_maps")
    for kind in ("uid", "gid"):
        number = wishes.number(f"postfix_virtual_{kind}")
        if number:
            parameters[f"virtual_{kind}_maps"] = f"static:{number}"
            inputs[f"virtual_{kind}_maps"] = f"postfix_virtual_{kind}"
    # The SMTP server asks whether a mailbox exists, virtual(8) where it is.
    option = "virtual_mailbox_maps"
    maildirs = wishes.words("postfix_virtual_maildirs") if way == "virtual" else []
    virtual: dict[str, object] = {"unpriv": "n", "chroot": "n", "command": "virtual"}
    virtual.update({"options": {option: ",".join(maildirs)}} if maildirs else {"options_absent": [option]})
    return Part(parameters, absent=_OPTIONAL, services={"virtual/unix": virtual}, inputs=inputs)


CAPABILITY = Capability("postfix_delivery", part, problems)
