# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every SMTP server of the host refuses of a session, whoever the client is."""

from __future__ import annotations

from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Part,
    Wishes,
)


def part(_wishes: Wishes) -> Part:
    """The parameters."""
    return Part(
        {
            "smtpd_helo_required": True,
            "disable_vrfy_command": True,
            "strict_rfc821_envelopes": True,
            "show_user_unknown_table_name": False,
            "allow_percent_hack": False,
            "swap_bangpath": False,
            # SMTP smuggling: on by default from 3.9 on, known to 3.5.25 too.
            "smtpd_forbid_bare_newline": "normalize",
        }
    )


CAPABILITY = Capability("postfix_parameters", part)
