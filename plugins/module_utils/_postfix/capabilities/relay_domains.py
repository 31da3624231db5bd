# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Domains whose mail is passed on to their own hosts: this host is their backup MX."""

from __future__ import annotations

from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Part,
    Wishes,
)


def part(wishes: Wishes) -> Part:
    """The parameters, where there are such domains."""
    lists = {name: wishes.words(f"postfix_{name}") for name in ("relay_domains", "relay_recipient_maps")}
    return Part(
        {name: items for name, items in lists.items() if items},
        absent=tuple(lists),
        inputs={name: f"postfix_{name}" for name in lists},
    )


CAPABILITY = Capability("postfix_relay_domains", part)
