# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked about a recipient at RCPT TO, so that mail that cannot be delivered is refused and never bounces."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Part,
    Problem,
    Wishes,
)

#: what makes a domain stand for its subdomains in tables of access(5)
INCLUSIVE = "smtpd_access_maps"
_TABLE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*:")


def for_domains(kind: str, domains: list[str], action: str) -> list[str]:
    """``check_KIND_access`` with one action for all addresses of ``domains``, which are names or tables of names.

    A table of domains answers with anything; pipemap makes that the action.
    """
    tables = [f"check_{kind}_access pipemap:{{{name},static:{action}}}" for name in domains if _TABLE.match(name)]
    names = [f"check_{kind}_access inline:{{{name}={action}}}" for name in domains if not _TABLE.match(name)]
    return [*tables, *names]


def full(wishes: Wishes) -> list[str]:
    """What asks Dovecot whether a mailbox is full. Without an answer the mail is taken, and waits in the queue."""
    service = wishes.text("postfix_quota_service")
    return [f"check_policy_service {{unix:{service}, timeout=10s, default_action=DUNNO}}"] if service else []


def unknown(wishes: Wishes) -> list[str]:
    """What asks the hosts of a domain that this host is the backup MX of, where no table has the recipients."""
    if wishes.words("postfix_relay_recipient_maps") or not wishes.yes("postfix_verify_relay_recipients"):
        return []
    parents = wishes.words("postfix_parent_domains")
    domains = [str(name) for name in wishes.words("postfix_relay_domains")]
    if INCLUSIVE in parents:
        # smtpd(8) asks such a table for a domain and for its parents, none with a dot in front.
        domains = [name.lstrip(".") for name in domains]
    elif "relay_domains" in parents:
        below = (f".{name}" for name in domains if not name.startswith(".") and not _TABLE.match(name))
        domains = [*domains, *below]
    return for_domains("recipient", list(dict.fromkeys(domains)), "reject_unverified_recipient")


def problems(wishes: Wishes) -> Iterable[Problem]:
    """Mail to subdomains of relayed domains that would be taken for any recipient."""
    relayed = wishes.words("postfix_relay_domains")
    if "relay_domains" not in wishes.words("postfix_parent_domains") or wishes.words("postfix_relay_recipient_maps"):
        return
    tables = [str(name) for name in relayed if _TABLE.match(str(name))]
    if tables or (relayed and not wishes.yes("postfix_verify_relay_recipients")):
        yield (
            "postfix_parent_domains",
            f"has 'relay_domains', so that mail to any subdomain of {', '.join(tables or map(str, relayed))} is"
            " accepted, and no recipient there is verified. Remove 'relay_domains', or set"
            " postfix_relay_recipient_maps.",
        )


def part(_wishes: Wishes) -> Part:
    """The parameters behind these restrictions."""
    return Part(
        {
            # Dovecot's LMTP does not take it, and few hosts that mail is passed on to do: such mail would bounce.
            "smtputf8_enable": False,
            "unverified_recipient_reject_code": 550,
        }
    )


CAPABILITY = Capability("postfix_verify_relay_recipients", part, problems)
