# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who the host is, whom it trusts, where it listens, and the bounds of a message."""

from __future__ import annotations

from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Part,
    Wishes,
)

#: the inputs that are parameters as they are
_INPUTS = {
    "myhostname": "postfix_hostname",
    "myorigin": "postfix_origin",
    "mydestination": "postfix_local_domains",
    "mynetworks": "postfix_networks",
    "inet_interfaces": "postfix_interfaces",
    "inet_protocols": "postfix_protocols",
    "recipient_delimiter": "postfix_recipient_delimiter",
}
_LISTS = ("mydestination", "mynetworks", "inet_interfaces", "inet_protocols")


def part(wishes: Wishes) -> Part:
    """The parameters."""
    return Part(
        {
            **{name: wishes.words(wish) if name in _LISTS else wishes.text(wish) for name, wish in _INPUTS.items()},
            "append_dot_mydomain": False,
            "biff": False,
            "message_size_limit": wishes.number("postfix_message_size_limit"),
            # local(8) and virtual(8) refuse to start with a mailbox limit below the message limit; 0 means no limit.
            "mailbox_size_limit": 0,
        },
        inputs={**_INPUTS, "message_size_limit": "postfix_message_size_limit"},
    )


CAPABILITY = Capability("postfix_hostname", part)
