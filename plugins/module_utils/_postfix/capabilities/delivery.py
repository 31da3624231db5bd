# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the mailboxes are and how mail reaches them."""

from __future__ import annotations

from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Part,
    Wishes,
)


def part(wishes: Wishes) -> Part:
    """The tables of the accounts, the transport, and who owns the mail where the transport asks."""
    parameters: dict[str, object] = {
        "virtual_mailbox_domains": wishes.words("postfix_virtual_mailbox_domains"),
        "virtual_mailbox_maps": wishes.words("postfix_virtual_mailbox_maps"),
        "virtual_alias_maps": wishes.words("postfix_virtual_alias_maps"),
        "virtual_transport": wishes.text("postfix_virtual_transport"),
    }
    if wishes.text("postfix_virtual_mailbox_base"):
        parameters["virtual_mailbox_base"] = wishes.text("postfix_virtual_mailbox_base")
    for kind in ("uid", "gid"):
        number = wishes.number(f"postfix_virtual_{kind}")
        if number:
            parameters[f"virtual_{kind}_maps"] = f"static:{number}"
    return Part(
        parameters,
        absent=["mailbox_command"],
        inputs={name: f"postfix_{name}" for name in parameters if not name.endswith("id_maps")},
    )


CAPABILITY = Capability("postfix_virtual_transport", part)
