# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the servers ask of a client, by the stage of the session: port 25, and the ports for users."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import listed, shown
from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities import (
    client_certificates,
    policy_commands,
    recipients,
)
from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Part,
    Problem,
    Wishes,
)

#: the stages of port 25 and those of the ports for users (postconf(5), smtpd_STAGE_restrictions)
STAGES = ("client", "helo", "sender", "relay", "recipient", "data", "end_of_data")
USER_STAGES = ("client", "helo", "sender", "relay", "recipient")
USER_SERVICES = ("submission", "submissions")
#: what a change of a list may hold
ENDS, PLACES = ("prepend", "append", "remove"), ("before", "after", "replace")
#: a server that check_policy_service asks, with its options in braces or without (SMTPD_POLICY_README)
POLICY_SERVICE = re.compile(r"(unix|inet):[^\s,{}]+|\{\s*(unix|inet):[^\s,{}]+(\s*,\s*\w+\s*=\s*[^,{}]+)*\s*\}")
#: the domain of a DNS list, with the answers that count (postconf(5), reject_rbl_client)
DNS_LIST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(=[0-9.\[\];]+)?")
#: what to look up in a list of domains
OF = ("helo", "sender", "reverse_client")


def _own_senders(wishes: Wishes) -> list[str]:
    """What refuses a stranger's sender in a domain of this host."""
    if not wishes.yes("postfix_reject_own_senders"):
        return []
    domains = [*wishes.words("postfix_local_domains"), *wishes.words("postfix_virtual_mailbox_domains")]
    refused = recipients.for_domains("sender", domains, "REJECT")
    known = [*client_certificates.access(wishes, "smtp"), *client_certificates.permits(wishes, "smtp")]
    return [*known, *refused]


def _dns_lists(wishes: Wishes) -> list[str]:
    found = []
    for entry in wishes.words("postfix_dns_lists"):
        if isinstance(entry, Mapping):
            found.append(f"reject_rhsbl_{entry['of']} {entry['list']}")
        else:
            found.append(f"reject_rbl_client {entry}")
    return found


def _of_strangers(wishes: Wishes) -> dict[str, list[str]]:
    access, permits = client_certificates.access(wishes, "smtp"), client_certificates.permits(wishes, "smtp")
    unknown = ["reject_unknown_sender_domain"] if wishes.yes("postfix_reject_unknown_sender_domain") else []
    servers = [*policy_commands.endpoints(wishes), *wishes.words("postfix_policy_services")]
    policy = [f"check_policy_service {server}" for server in servers]
    return {
        "helo": ["permit_mynetworks", "reject_invalid_helo_hostname"],
        "sender": ["permit_mynetworks", "reject_non_fqdn_sender", *_own_senders(wishes), *unknown],
        "relay": [*access, "permit_mynetworks", "permit_sasl_authenticated", *permits, "reject_unauth_destination"],
        "recipient": [
            "reject_non_fqdn_recipient",
            *access,
            "permit_mynetworks",
            *permits,
            "reject_unauth_destination",
            *_dns_lists(wishes),
            *recipients.unknown(wishes),
            *recipients.full(wishes),
            *policy,
        ],
        "data": ["reject_unauth_pipelining"],
    }


def _of_users(wishes: Wishes, service: str) -> dict[str, list[str]]:
    """The sender must own the address that is used. A client with a certificate only may use an address that nobody
    owns."""
    permit = [
        *client_certificates.access(wishes, service),
        "permit_sasl_authenticated",
        *client_certificates.permits(wishes, service),
        "reject",
    ]
    # Where nobody logs in, smtpd(8) passes over it, with a warning for each message.
    owners = ["reject_sender_login_mismatch"] if wishes.text("postfix_sasl_type") != "none" else []
    first = {
        "sender": ["reject_non_fqdn_sender", *owners],
        "recipient": ["reject_non_fqdn_recipient", *recipients.full(wishes)],
    }
    return {stage: [*first.get(stage, ()), *permit] for stage in USER_STAGES}


def _place(have: Sequence[str], entry: str) -> int:
    """Where ``entry``, or an entry of which it is the first word, stands. ValueError without such an entry."""
    for index, item in enumerate(have):
        if item == entry or item.split()[0] == entry:
            return index
    raise ValueError(f"has the place {entry!r}, which is not in the list {shown(', '.join(have))}")


def changed(have: Sequence[str], change: Any) -> list[str]:
    """The list ``have`` with ``change``: another list, or a mapping of ENDS and PLACES. ValueError for a place that
    the list does not have."""
    if isinstance(change, (list, tuple)):
        return list(change)
    change, found = change or {}, list(have)
    for kind in PLACES:
        for entry, items in (change.get(kind) or {}).items():
            index = _place(found, entry)
            start, stop = {"before": (index, index), "after": (index + 1, index + 1)}.get(kind, (index, index + 1))
            found[start:stop] = items
    for entry in change.get("remove") or ():
        del found[_place(found, entry)]
    return [*(change.get("prepend") or ()), *found, *(change.get("append") or ())]


def _lists(wishes: Wishes, name: str, have: Mapping[str, list[str]], stages: Sequence[str]) -> dict[str, list[str]]:
    """The lists ``have`` with the changes of the input ``name``; a stage without restrictions is left out."""
    changes = wishes.mapping(name)
    found = {}
    for stage in stages:
        try:
            items = changed(have.get(stage, ()), changes.get(stage))
        except ValueError as exc:
            raise ValueError(f"{name}: {stage} {exc}") from None
        if items:
            found[stage] = items
    return found


def of_users(wishes: Wishes, service: str) -> dict[str, list[str]]:
    """The lists of the service for users (submission, submissions), by stage."""
    return _lists(wishes, "postfix_user_restrictions", _of_users(wishes, service), USER_STAGES)


def problems(wishes: Wishes) -> Iterable[Problem]:
    """Places that the role's lists do not have, each told once."""
    return dict.fromkeys(_problems(wishes))


def _problems(wishes: Wishes) -> Iterable[Problem]:
    if _own_senders(wishes) and recipients.INCLUSIVE in wishes.words("postfix_parent_domains"):
        yield (
            "postfix_reject_own_senders",
            f"is true, and postfix_parent_domains has {recipients.INCLUSIVE!r}, so that senders in subdomains, which"
            f" may belong to other hosts, would be refused too. Remove {recipients.INCLUSIVE!r}, or set"
            " postfix_reject_own_senders: false.",
        )
    for name, have, stages in (
        ("postfix_restrictions", _of_strangers(wishes), STAGES),
        *(("postfix_user_restrictions", _of_users(wishes, service), USER_STAGES) for service in USER_SERVICES),
    ):
        for stage, change in wishes.mapping(name).items():
            try:
                changed(have.get(stage, ()), change)
            except ValueError as exc:
                yield name, f": {stage} {exc}. Use an entry of the list, or give the whole list."
        for stage in set(wishes.mapping(name)) - set(stages):
            yield name, f"has the stage {stage!r}. Use {listed(stages)}."


def part(wishes: Wishes) -> Part:
    """The lists of port 25."""
    lists = _lists(wishes, "postfix_restrictions", _of_strangers(wishes), STAGES)
    parameters: dict[str, object] = {f"smtpd_{stage}_restrictions": items for stage, items in lists.items()}
    if wishes.yes("postfix_reject_unlisted_sender"):
        parameters["smtpd_reject_unlisted_sender"] = True
    names = [*(f"smtpd_{stage}_restrictions" for stage in STAGES), "smtpd_reject_unlisted_sender"]
    return Part(parameters, absent=names)


CAPABILITY = Capability("postfix_restrictions", part, problems)
