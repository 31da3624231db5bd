# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SMTP servers in master.cf: port 25 for other hosts, and ports 587 and 465 for users."""

from __future__ import annotations

from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities import client_certificates, milters
from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Part,
    Wishes,
    merged,
)

#: The stages that the services for users have lists of their own for.
_STAGES = ("client", "helo", "sender", "relay", "recipient")
#: What makes TLS required on each of them.
_TLS = {"submission": {"smtpd_tls_security_level": "encrypt"}, "submissions": {"smtpd_tls_wrappermode": "yes"}}


def _lists(wishes: Wishes) -> dict[str, list[str]]:
    """The lists of the services for users. The sender must own the address that is used. A client with a certificate
    only may use an address that nobody owns."""
    permit = ["permit_sasl_authenticated", *client_certificates.permits(wishes, on_port_25=False), "reject"]
    first = {
        "sender": ["reject_non_fqdn_sender", "reject_sender_login_mismatch"],
        "recipient": ["reject_non_fqdn_recipient"],
    }
    return {f"mua_{stage}_restrictions": [*first.get(stage, ()), *permit] for stage in _STAGES}


def part(wishes: Wishes) -> Part:
    """The services, and the lists that they use. Without the services Postfix would warn of lists that nothing uses."""
    server: dict[str, Any] = {
        "private": "n",
        "chroot": "y" if wishes.yes("postfix_chroot") else "n",
        "command": "smtpd",
    }
    lists = _lists(wishes)
    users = False
    services: dict[str, dict[str, Any]] = {}
    for name in ("smtp", *_TLS):
        fields = {**server, "options": {}}
        if name != "smtp":
            if not wishes.yes(f"postfix_{name}"):
                services[f"{name}/inet"] = {"state": "absent"}
                continue
            users = True
            fields["options"] = {
                "syslog_name": f"postfix/{name}",
                **_TLS[name],
                "smtpd_sasl_auth_enable": "no" if wishes.text("postfix_sasl_type") == "none" else "yes",
                "smtpd_tls_auth_only": "yes",
                **{f"smtpd_{stage}_restrictions": f"$mua_{stage}_restrictions" for stage in _STAGES},
                "milter_macro_daemon_name": "ORIGINATING",
            }
        for more in (client_certificates.asking(wishes, name), milters.of_service(wishes, name)):
            fields = merged(fields, more)
        services[f"{name}/inet"] = fields
    return Part(lists if users else {}, absent=list(lists), services=services)


CAPABILITY = Capability("postfix_submission", part)
