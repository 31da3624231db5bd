# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail of users loses the headers that tell of their networks and programs, in a cleanup service of its own."""

from __future__ import annotations

from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Part,
    Table,
    Wishes,
)

SERVICE = "submission-cleanup"
_TABLE = Table(
    "/etc/postfix/submission_header_checks",
    "regexp",
    content="""\
/^(Received|X-Originating-IP|X-Mailer|User-Agent|X-Enigmail|X-Pgp-Agent):/ IGNORE
/^(MIME-Version:[[:space:]]*[0-9.]+)[[:space:]]*\\(.*/ REPLACE $1
""",
)


def of_service(wishes: Wishes) -> dict[str, Any]:
    """The fields of a service for users that hand its mail to the cleanup service, or to that of all."""
    if wishes.yes("postfix_header_cleanup"):
        return {"options": {"cleanup_service_name": SERVICE}}
    return {"options_absent": ["cleanup_service_name"]}


def part(wishes: Wishes) -> Part:
    """The cleanup service and its table."""
    if not wishes.yes("postfix_header_cleanup"):
        return Part(services={f"{SERVICE}/unix": {"state": "absent"}})
    service = {
        "private": "n",
        "chroot": "y" if wishes.yes("postfix_chroot") else "n",
        "maxproc": 0,
        "command": "cleanup",
        # Attached messages keep their headers.
        "options": {"header_checks": _TABLE.name, "mime_header_checks": _TABLE.name, "nested_header_checks": ""},
    }
    return Part(services={f"{SERVICE}/unix": service}, tables=[_TABLE])


CAPABILITY = Capability("postfix_header_cleanup", part)
