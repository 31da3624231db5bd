# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who the host is, whom it trusts, where it listens, whose defaults it has, and the bounds of a message."""

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
    "parent_domain_matches_subdomains": "postfix_parent_domains",
    "recipient_delimiter": "postfix_recipient_delimiter",
}
_LISTS = ("mydestination", "mynetworks", "inet_interfaces", "inet_protocols", "parent_domain_matches_subdomains")
#: inputs that are parameters where they are not empty
_OPTIONAL = {
    "mydomain": "postfix_domain",
    "mynetworks_style": "postfix_networks_style",
}
_LEVEL = {"compatibility_level": "postfix_compatibility_level"}


def part(wishes: Wishes) -> Part:
    """The parameters. Postfix looks at mynetworks_style where mynetworks is not set."""
    parameters: dict[str, object] = {
        name: wishes.words(wish) if name in _LISTS else wishes.text(wish) for name, wish in _INPUTS.items()
    }
    optional = {
        "mydomain": wishes.text("postfix_domain"),
        "mynetworks_style": wishes.text("postfix_networks_style"),
    }
    parameters.update({name: value for name, value in optional.items() if value})
    # Without a wish, the level of the package stays: a lower one would change many defaults at once.
    if wishes.text(_LEVEL["compatibility_level"]):
        parameters["compatibility_level"] = wishes.text(_LEVEL["compatibility_level"])
    if "mynetworks_style" in parameters:
        del parameters["mynetworks"]
    return Part(
        {
            **parameters,
            "append_dot_mydomain": False,
            "biff": False,
            "message_size_limit": wishes.number("postfix_message_size_limit"),
            # local(8) and virtual(8) refuse to start with a mailbox limit below the message limit; 0 means no limit.
            "mailbox_size_limit": 0,
        },
        absent=("mynetworks", *_OPTIONAL),
        inputs={**_INPUTS, **_OPTIONAL, **_LEVEL, "message_size_limit": "postfix_message_size_limit"},
    )


CAPABILITY = Capability("postfix_hostname", part)
