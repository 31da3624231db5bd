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
    """The parameter, where there are such domains."""
    domains = wishes.words("postfix_relay_domains")
    return Part({"relay_domains": domains} if domains else {})


CAPABILITY = Capability("postfix_relay_domains", part)
