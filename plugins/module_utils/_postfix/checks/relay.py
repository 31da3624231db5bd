# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may relay mail through this host."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ansible_collections.puffy.mail.plugins.module_utils._postfix import types
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.lookups import TABLE_SHAPE
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.networks import everything
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.registry import ERROR, Fault, rule
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import Setting, words

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.master_cf import Service

#: The lists one of which must end the way of a stranger who wants to relay, and the restrictions that do; without any,
#: smtpd(8) does not serve at all (smtpd_check.c).
_ACCESS_LISTS = ("smtpd_relay_restrictions", "smtpd_recipient_restrictions")
_STOPPERS = frozenset(
    {
        "reject_unauth_destination",
        "defer_unauth_destination",
        "reject",
        "defer",
        "defer_if_permit",
        "check_relay_domains",
    }
)


def relay_domains(context: Context) -> Iterator[tuple[Setting, str]]:
    """The tables of relay_domains."""
    for value in context.values:
        if value.name == "relay_domains":
            for word in context.own_words(value.setting):
                if TABLE_SHAPE.match(word):
                    yield value.setting, word


def servers(context: Context) -> Iterator[Service]:
    """The services that take mail from clients."""
    return context.smtpd_services()


@rule("open-relay", ERROR, each=servers)
def open_relay(context: Context, service: Service) -> Iterator[Fault]:
    """an SMTP service in which no `reject_unauth_destination` or the like stops a stranger; `relay_domains` with a
    table that finds every domain (`static:`, `regexp:` with `/./`) | the default of `smtpd_relay_restrictions` |
    postconf(5), smtpd_check.c"""
    if any(_stops(context, words(context.value(name, service)), service, 0) for name in _ACCESS_LISTS):
        return
    message = (
        "strangers may relay mail: no reject_unauth_destination, defer_unauth_destination, reject or defer in"
        " smtpd_relay_restrictions or smtpd_recipient_restrictions stops them"
    )
    cure = "smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"
    setting = next(filter(None, (context.setting_of(name, service) for name in _ACCESS_LISTS)), None)
    if setting is None:
        yield Fault(context.place(service), f"service {service.name}/{service.type}: {message}", cure)
    else:
        yield Fault(setting, message if setting.service is not None else f"{setting.name}: {message}", cure)


@open_relay.also(each=relay_domains)
def open_relay_domains(context: Context, table: tuple[Setting, str]) -> Iterator[Fault]:
    setting, word = table
    if everything(context, word) is not None:
        yield Fault(
            setting,
            f"relay_domains: {word!r} matches every domain, so strangers may relay mail to all domains",
            "name the domains that this host accepts mail for",
        )


def _permits(context: Context, table: str) -> bool:
    """Whether a table permits everything, as far as that is plain to see (access(5), "accept actions")."""
    answer = (everything(context, table) or "").lower()
    return answer in ("ok", "permit", "relay") or answer.isdigit()


def _stops(context: Context, restrictions: Sequence[str], service: Service, depth: int) -> bool:
    """Whether a list stops a stranger who asks ``service`` to relay."""
    classes = {name.lower(): name for name in context.classes(service)}
    warned = False
    rest = iter(restrictions)
    for word in rest:
        name = word.lower()
        argument = types.RESTRICTIONS.get(name)
        table = next(rest, "") if argument is not None else ""
        if argument == types.TABLE and _permits(context, table):
            # Found for every key: the rest of the list is never reached.
            return False
        if name == "permit":
            return False
        if not warned:
            if name in _STOPPERS:
                return True
            if name in classes and depth < 10:
                inner = words(context.value(classes[name], service))
                if _stops(context, inner, service, depth + 1):
                    return True
        warned = name == "warn_if_reject"
    return False
