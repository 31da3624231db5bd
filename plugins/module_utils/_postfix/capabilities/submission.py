# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SMTP servers in master.cf: port 25 for other hosts, and ports 587 and 465 for users."""

from __future__ import annotations

from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities import (
    client_certificates,
    header_cleanup,
    load,
    milters,
    restrictions,
)
from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Part,
    Wishes,
    merged,
)

#: What makes TLS required on each of them.
_TLS = {"submission": {"smtpd_tls_security_level": "encrypt"}, "submissions": {"smtpd_tls_wrappermode": "yes"}}


def _server(wishes: Wishes) -> dict[str, Any]:
    return {
        "private": "n",
        "chroot": "y" if wishes.yes("postfix_chroot") else "n",
        "command": "smtpd",
        "options": {},
    }


def of_strangers(wishes: Wishes) -> dict[str, Any]:
    """The fields of the server of port 25."""
    fields = merged(_server(wishes), client_certificates.asking(wishes, "smtp"))
    return merged(fields, milters.of_service(wishes, "smtp"))


def part(wishes: Wishes) -> Part:
    """The services, and the lists that they use. Without the services Postfix would warn of lists that nothing uses."""
    on = [name for name in _TLS if wishes.yes(f"postfix_{name}")]
    lists = {name: restrictions.of_users(wishes, name) for name in on}
    parameters: dict[str, Any] = {}
    inputs: dict[str, str] = {}
    services: dict[str, dict[str, Any]] = {}
    if not wishes.yes("postfix_postscreen"):
        services["smtp/inet"] = of_strangers(wishes)
    named = {"submissions": wishes.text("postfix_submissions_name")}
    for name in _TLS:
        if name not in on:
            services[f"{named.get(name, name)}/inet"] = {"state": "absent"}
            inputs[f"{named.get(name, name)}/inet"] = f"postfix_{name}"
            continue
        # Only a service that asks for certificates has the restrictions that permit by them.
        prefix = "mua" if lists[name] == lists[on[0]] else name
        parameters.update({f"{prefix}_{stage}_restrictions": items for stage, items in lists[name].items()})
        fields = _server(wishes)
        fields["options"] = {
            "syslog_name": f"postfix/{named.get(name, name)}",
            **_TLS[name],
            "smtpd_sasl_auth_enable": "no" if wishes.text("postfix_sasl_type") == "none" else "yes",
            "smtpd_tls_auth_only": "yes",
            **load.of_users(wishes),
            **{f"smtpd_{stage}_restrictions": f"${prefix}_{stage}_restrictions" for stage in lists[name]},
            "milter_macro_daemon_name": "ORIGINATING",
        }
        unset = [f"smtpd_{stage}_restrictions" for stage in restrictions.USER_STAGES if stage not in lists[name]]
        for more in (
            header_cleanup.of_service(wishes),
            {"options_absent": unset},
            client_certificates.asking(wishes, name),
            milters.of_service(wishes, name),
        ):
            fields = merged(fields, more)
        services[f"{named.get(name, name)}/inet"] = fields
    # The other name of port 465.
    for name in {"submissions", "smtps"} - {named["submissions"]}:
        services[f"{name}/inet"] = {"state": "absent"}
        inputs[f"{name}/inet"] = "postfix_submissions_name"
    inputs.update(dict.fromkeys(parameters, "postfix_user_restrictions"))
    absent = [f"{prefix}_{stage}_restrictions" for prefix in ("mua", *_TLS) for stage in restrictions.USER_STAGES]
    return Part(parameters, absent=absent, services=services, inputs=inputs)


CAPABILITY = Capability("postfix_submission", part)
