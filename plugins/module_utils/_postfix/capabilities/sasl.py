# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who checks the passwords of users, and which login may send as which address."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Part,
    Problem,
    Wishes,
)

_NAMES = ("smtpd_sasl_type", "smtpd_sasl_path")
_REALM = "smtpd_sasl_local_domain"
_OPTIONS = ("smtpd_sasl_security_options", "smtpd_sasl_tls_security_options")


def problems(wishes: Wishes) -> Iterable[Problem]:
    """Ports for users on which nobody could log in."""
    if wishes.text("postfix_sasl_type") != "none" or wishes.words("postfix_relay_clients"):
        return
    for name in ("postfix_submission", "postfix_submissions"):
        if wishes.yes(name):
            yield (
                name,
                "is true, and postfix_sasl_type is 'none', so nobody could send there. Set postfix_sasl_type, or"
                f" {name}: false.",
            )


def part(wishes: Wishes) -> Part:
    """The parameters. AUTH is for the submission services only; master.cf switches it on there."""
    without = wishes.text("postfix_sasl_type") == "none"
    realm = wishes.text("postfix_sasl_local_domain")
    return Part(
        {
            "smtpd_sasl_auth_enable": False,
            **({} if without else {name: wishes.text(name.replace("smtpd", "postfix")) for name in _NAMES}),
            **({_REALM: realm} if realm and not without else {}),
            **{name: ["noanonymous"] for name in _OPTIONS},
            "smtpd_sender_login_maps": wishes.words("postfix_sender_login_maps"),
        },
        absent=(*_NAMES, _REALM),
        inputs={name: name.replace("smtpd", "postfix") for name in (*_NAMES, _REALM, "smtpd_sender_login_maps")},
    )


CAPABILITY = Capability("postfix_sasl_type", part, problems)
