# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Testing or production: whether what is refused may be tried again."""

from __future__ import annotations

from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Part,
    Wishes,
)

_TESTING: dict[str, object] = {"soft_bounce": True, "unknown_local_recipient_reject_code": 450}


def part(wishes: Wishes) -> Part:
    """soft_bounce(5), and the code for unknown recipients; in production Postfix's own defaults."""
    return Part(_TESTING if wishes.text("postfix_stage") == "testing" else {}, absent=tuple(_TESTING))


CAPABILITY = Capability("postfix_stage", part)
