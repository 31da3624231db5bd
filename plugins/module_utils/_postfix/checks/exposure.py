# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What else strangers may do: ask for addresses, start deliveries, smuggle messages, make the host bounce."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.networks import everyone
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.registry import WARNING, Fault, rule
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.relay import public
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import Value, references, words
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.strangers import LISTS, Evaluation

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.master_cf import Service

_JUDGED = frozenset(
    {
        "disable_vrfy_command",
        "fast_flush_domains",
        "parent_domain_matches_subdomains",
        "receive_override_options",
        "smtpd_forbid_bare_newline",
        "smtpd_forbid_bare_newline_exclusions",
        "smtpd_reject_unlisted_recipient",
    }
)
#: Restrictions that refuse recipients whom nobody has.
_REFUSE_UNKNOWN = frozenset({"reject_unlisted_recipient", "check_recipient_maps", "reject_unverified_recipient"})


def settings(context: Context) -> Iterator[Value]:
    """What decides what strangers may do. Postfix's own defaults are not judged."""
    for value in context.values:
        if value.name in _JUDGED:
            yield value


def _servers(context: Context, value: Value) -> Iterator[Service]:
    """The SMTP services that strangers may reach and that use a setting."""
    for service in context.readers(value.setting):
        used = service.command == "smtpd" and context.setting_of(value.name, service) == value.setting
        if used and public(context, service):
            yield service


@rule("vrfy-on", WARNING, each=settings)
def vrfy_on(context: Context, value: Value) -> Iterator[Fault]:
    """`disable_vrfy_command = no`, written out: `VRFY` tells strangers which addresses exist | `yes` | postconf(5),
    `disable_vrfy_command`"""
    if value.name == "disable_vrfy_command" and value.text.lower() == "no" and any(_servers(context, value)):
        message = "disable_vrfy_command: strangers may ask with VRFY which addresses exist"
        yield Fault(value.setting, message, "write disable_vrfy_command = yes")


@rule("etrn-open", WARNING, each=settings)
def etrn_open(context: Context, value: Value) -> Iterator[Fault]:
    """`fast_flush_domains` with domains of its own, while `smtpd_etrn_restrictions` stops nobody: strangers start
    deliveries with `ETRN` | no domains, or `smtpd_etrn_restrictions = permit_mynetworks, reject` | ETRN_README"""
    if value.name != "fast_flush_domains" or not value.text or "relay_domains" in references(value.setting.value):
        return
    open_to = [one for one in context.smtpd_services() if public(context, one)]
    if any(not context.value("smtpd_etrn_restrictions", one) for one in open_to):
        message = f"fast_flush_domains: strangers may start deliveries to {value.text!r} with ETRN"
        yield Fault(value.setting, message, "write smtpd_etrn_restrictions = permit_mynetworks, reject")


@rule("bare-newline", WARNING, each=settings)
def bare_newline(context: Context, value: Value) -> Iterator[Fault]:
    """`smtpd_forbid_bare_newline = no` or `note`, written out, or everybody in `smtpd_forbid_bare_newline_exclusions`:
    strangers smuggle messages behind others | `normalize`, or `yes` before Postfix 3.9 | postconf(5),
    `smtpd_forbid_bare_newline`"""
    if value.name == "smtpd_forbid_bare_newline":
        off = value.text.lower() in ("no", "note")
        usual = context.host.defaults.get(value.name, "no")
        cure = f"write {value.name} = {'yes' if usual == 'no' else usual}"
    elif value.name == "smtpd_forbid_bare_newline_exclusions":
        off = value.setting.value != "$mynetworks" and bool(everyone(context, value.setting, value.text))
        cure = "name the addresses of clients that cannot do better"
    else:
        return
    if off and any(_servers(context, value)):
        message = f"{value.name}: strangers may end a message with a bare line feed and smuggle another behind it"
        yield Fault(value.setting, message, cure)


@rule("unlisted-recipients", WARNING, each=settings)
def unlisted_recipients(context: Context, value: Value) -> Iterator[Fault]:
    """`smtpd_reject_unlisted_recipient = no`, or `no_unknown_recipient_checks` in `receive_override_options`, where
    strangers deliver mail and no restriction refuses unknown recipients: their mail is bounced to forged senders |
    `yes`, or `reject_unlisted_recipient` | postconf(5), `smtpd_reject_unlisted_recipient`"""
    if value.name == "smtpd_reject_unlisted_recipient":
        off = value.text.lower() == "no"
    else:
        off = value.name == "receive_override_options" and "no_unknown_recipient_checks" in words(value.text)
    if off and any(_takes_unknown(context, service, value.name) for service in _servers(context, value)):
        message = f"{value.name}: mail of strangers to unknown recipients is accepted, and bounced to forged senders"
        cure = "remove no_unknown_recipient_checks" if value.name[0] == "r" else "write yes"
        yield Fault(value.setting, message, cure)


def _takes_unknown(context: Context, service: Service, name: str) -> bool:
    texts = [context.value(one, service).lower() for one in LISTS]
    listed = {word for text in texts for word in words(text)}
    # What a table in the value answers: check_recipient_access inline:{example.org=reject_unverified_recipient}.
    listed.update(word for word in ("reject_unverified_recipient",) if any(word in text for text in texts))
    # receive_override_options turns reject_unlisted_recipient off too.
    refuse = _REFUSE_UNKNOWN if name != "receive_override_options" else {"reject_unverified_recipient"}
    return not listed & refuse and Evaluation(context, service, own=True).hole() is not None


@rule("subdomains-relayed", WARNING, each=settings)
def subdomains_relayed(context: Context, value: Value) -> Iterator[Fault]:
    """`relay_domains` in `parent_domain_matches_subdomains`, written out, while `relay_domains` has domains and nothing
    refuses unknown recipients: mail to any subdomain is accepted, and bounced | the list without `relay_domains`;
    `relay_recipient_maps`; `reject_unverified_recipient` | postconf(5), `parent_domain_matches_subdomains`"""
    if value.name != "parent_domain_matches_subdomains" or "relay_domains" not in words(value.text):
        return
    own = set(words(context.value("mydestination")))
    relayed = [word for word in words(context.value("relay_domains")) if word not in own]
    if not relayed or context.value("relay_recipient_maps"):
        return
    servers = [one for one in context.smtpd_services() if public(context, one)]
    if any(_takes_unknown(context, one, "receive_override_options") for one in servers):
        message = (
            f"{value.name}: mail to any subdomain of {', '.join(relayed)} is accepted, and bounced to forged senders"
        )
        yield Fault(value.setting, message, "remove relay_domains from the list, or set relay_recipient_maps")
