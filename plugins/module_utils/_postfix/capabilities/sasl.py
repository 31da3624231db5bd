# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who checks the passwords of users, and which login may send as which address."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities import client_certificates
from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Part,
    Problem,
    Table,
    Wishes,
)

_NAMES = ("smtpd_sasl_type", "smtpd_sasl_path")
_REALM = "smtpd_sasl_local_domain"
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_OPTIONS = ("smtpd_sasl_security_options", "smtpd_sasl_tls_security_options")


def _own_addresses(wishes: Wishes) -> Table | None:
    """Which login owns which address, for accounts of the system: that of its own name, in each domain of the host."""
    if wishes.text("postfix_accounts") != "system" or wishes.text("postfix_sasl_type") == "none":
        return None
    host = wishes.text("postfix_hostname")
    domain = wishes.text("postfix_domain") or host.partition(".")[2]
    names = [str(name) for name in (*wishes.words("postfix_local_domains"), wishes.text("postfix_origin"))]
    *names, realm = [
        re.sub(r"\$[({]?(myhostname|mydomain)\b[)}]?", lambda found: {"myhostname": host}.get(found[1], domain), name)
        for name in (*names, wishes.text("postfix_sasl_local_domain"))
    ]
    # Nothing is escaped between brackets, and a hyphen at the end makes no range.
    tag = "".join(sorted(wishes.text("postfix_recipient_delimiter"), key="-".__eq__))
    lines = [
        f"/^([^@{tag}]+)([{tag}][^@]*)?@{re.escape(name)}$/" if tag else f"/^([^@]+)@{re.escape(name)}$/"
        for name in dict.fromkeys(names)
        if _DOMAIN.fullmatch(name)
    ]
    owners = ["${1}", *(f"${{1}}@{name}" for name in dict.fromkeys([*names, realm]) if _DOMAIN.fullmatch(name))]
    return Table("/etc/postfix/own_addresses", "regexp", content="".join(f"{it} {','.join(owners)}\n" for it in lines))


def problems(wishes: Wishes) -> Iterable[Problem]:
    """Ports for users on which nobody could log in, and a realm that nobody reads."""
    kind = wishes.text("postfix_sasl_type")
    if wishes.text("postfix_sasl_local_domain") and kind != "cyrus":
        yield (
            "postfix_sasl_local_domain",
            f"is set, and postfix_sasl_type is {kind!r}: Postfix hands the realm to Cyrus SASL alone. Remove"
            " postfix_sasl_local_domain, or set postfix_sasl_type: cyrus.",
        )
    if wishes.text("postfix_sasl_type") != "none":
        return
    for service in ("submission", "submissions"):
        name = f"postfix_{service}"
        if wishes.yes(name) and not client_certificates.serves(wishes, service):
            yield (
                name,
                "is true, and postfix_sasl_type is 'none', so nobody could send there. Set postfix_sasl_type, or"
                f" {name}: false.",
            )


def part(wishes: Wishes) -> Part:
    """The parameters. AUTH is for the submission services only; master.cf switches it on there."""
    without = wishes.text("postfix_sasl_type") == "none"
    realm = wishes.text("postfix_sasl_local_domain")
    own = [table for table in [_own_addresses(wishes)] if table is not None]
    return Part(
        {
            "smtpd_sasl_auth_enable": False,
            **({} if without else {name: wishes.text(name.replace("smtpd", "postfix")) for name in _NAMES}),
            **({_REALM: realm} if realm and not without else {}),
            **{name: ["noanonymous"] for name in _OPTIONS},
            "smtpd_sender_login_maps": [*wishes.words("postfix_sender_login_maps"), *(table.name for table in own)],
        },
        tables=own,
        absent=(*_NAMES, _REALM),
        inputs={name: name.replace("smtpd", "postfix") for name in (*_NAMES, _REALM, "smtpd_sender_login_maps")},
    )


CAPABILITY = Capability("postfix_sasl_type", part, problems)
