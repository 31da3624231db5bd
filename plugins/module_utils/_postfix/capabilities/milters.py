# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Milters: programs that look at each message on its way in (MILTER_README)."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Part,
    Wishes,
)

#: a socket as Postfix names it
ENDPOINT = re.compile(r"unix:[^\s,{}]+|inet:[^\s,{}]+:[A-Za-z0-9-]+")
_LISTS = {"smtpd_milters": "postfix_milters", "non_smtpd_milters": "postfix_non_smtpd_milters"}
_NAMES = (*_LISTS, "milter_default_action")


def of_service(wishes: Wishes, service: str) -> dict[str, Any]:
    """The fields of the service (smtp, submission, submissions) whose milters are others than those of all."""
    given = wishes.mapping("postfix_service_milters")
    if service not in given:
        return {"options_absent": ["smtpd_milters"]}
    return {"options": {"smtpd_milters": ",".join(given[service])}}


def part(wishes: Wishes) -> Part:
    """The parameters, where there is a milter."""
    parameters: dict[str, object] = {name: wishes.words(wish) for name, wish in _LISTS.items() if wishes.words(wish)}
    if parameters or any(wishes.mapping("postfix_service_milters").values()):
        parameters["milter_default_action"] = wishes.text("postfix_milter_default_action")
    return Part(parameters, absent=_NAMES, inputs=_LISTS)


CAPABILITY = Capability("postfix_milter_default_action", part)
