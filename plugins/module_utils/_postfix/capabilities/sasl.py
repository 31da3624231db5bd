# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who checks the passwords of users, and which login may send as which address."""

from __future__ import annotations

from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Part,
    Wishes,
)


def part(wishes: Wishes) -> Part:
    """The parameters. AUTH is for the submission services only; master.cf switches it on there."""
    return Part(
        {
            "smtpd_sasl_auth_enable": False,
            "smtpd_sasl_type": wishes.text("postfix_sasl_type"),
            "smtpd_sasl_path": wishes.text("postfix_sasl_path"),
            "smtpd_sasl_security_options": ["noanonymous"],
            "smtpd_sasl_tls_security_options": ["noanonymous"],
            "smtpd_sender_login_maps": wishes.words("postfix_sender_login_maps"),
        }
    )


CAPABILITY = Capability("postfix_sasl_type", part)
