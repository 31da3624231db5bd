# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the processes of Postfix have in their environment."""

from __future__ import annotations

from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Part,
    Wishes,
)

_NAME = "import_environment"
#: Postfix's own default up to 3.10 (postconf -d), which cannot be referred to.
_OWN = ("MAIL_CONFIG", "MAIL_DEBUG", "MAIL_LOGTAG", "TZ", "XAUTHORITY", "DISPLAY", "LANG=C", "POSTLOG_SERVICE",
        "POSTLOG_HOSTNAME")  # fmt: skip


def part(wishes: Wishes) -> Part:
    """The parameter, where anything is asked for."""
    wanted = wishes.words("postfix_environment")
    return Part({_NAME: [*_OWN, *wanted]} if wanted else {}, absent=[_NAME])


CAPABILITY = Capability("postfix_environment", part)
