# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may relay mail through this host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.lookups import TABLE_SHAPE
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.networks import everything
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.registry import ERROR, WARNING, Fault, rule
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import Setting
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.strangers import LAST, Evaluation, Hole

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.master_cf import Service


def relay_domains(context: Context) -> Iterator[tuple[Setting, str]]:
    """The tables of relay_domains."""
    for value in context.values:
        if value.name == "relay_domains":
            for word in context.own_words(value.setting):
                if TABLE_SHAPE.match(word):
                    yield value.setting, word


def servers(context: Context) -> Iterator[tuple[Service, Evaluation]]:
    """The services that take mail from clients, each with its lists of restrictions."""
    for service in context.smtpd_services():
        yield service, Evaluation(context, service)


def _hole(evaluation: Evaluation) -> Hole | None:
    last = evaluation.hole(LAST)
    # Where a table permits, another list may still stop the same stranger.
    return evaluation.hole() if last is not None and last.restriction else last


@rule("open-relay", ERROR, each=servers)
def open_relay(context: Context, server: tuple[Service, Evaluation]) -> Iterator[Fault]:
    """an SMTP service in which no `reject_unauth_destination` or the like stops a stranger, or a table permits a
    sender, a HELO name or another thing that a stranger can choose; `relay_domains` with a table that finds every
    domain (`static:`, `regexp:` with `/./`) | the default of `smtpd_relay_restrictions`; `DUNNO` instead of `OK` |
    postconf(5), access(5), smtpd_check.c"""
    service, evaluation = server
    hole = _hole(evaluation)
    if hole is None:
        return
    if hole.restriction in ("", "permit"):
        message = (
            "strangers may relay mail: no reject_unauth_destination, defer_unauth_destination, reject or defer in"
            " smtpd_relay_restrictions or smtpd_recipient_restrictions stops them"
        )
        cure = "smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"
    else:
        message = f"strangers may relay mail: {hole.restriction} permits them{hole.described()}"
        cure = "answer DUNNO instead of OK, or write reject_unauth_destination before it"
    yield _fault(context, service, message, cure)


@rule("relay-unproved", WARNING, each=servers)
def relay_unproved(context: Context, server: tuple[Service, Evaluation]) -> Iterator[Fault]:
    """a table that cannot be read here, a policy server, or `permit_mx_backup` without `permit_mx_backup_networks`,
    which alone decides whether a stranger may relay | `reject_unauth_destination` before it | postconf(5), access(5)"""
    service, evaluation = server
    hole = evaluation.hole(guess=True) if _hole(evaluation) is None else None
    if hole is not None:
        message = (
            f"whether strangers may relay mail depends on the answer of {hole.restriction}{hole.described()}, which"
            " cannot be judged here"
        )
        yield _fault(context, service, message, "write reject_unauth_destination before it")


def _fault(context: Context, service: Service, message: str, cure: str) -> Fault:
    setting = next(filter(None, (context.setting_of(name, service) for name in LAST)), None)
    if setting is None:
        return Fault(context.place(service), f"service {service.name}/{service.type}: {message}", cure)
    return Fault(setting, message if setting.service is not None else f"{setting.name}: {message}", cure)


@open_relay.also(each=relay_domains)
def open_relay_domains(context: Context, table: tuple[Setting, str]) -> Iterator[Fault]:
    setting, word = table
    if everything(context, word) is not None:
        yield Fault(
            setting,
            f"relay_domains: {word!r} matches every domain, so strangers may relay mail to all domains",
            "name the domains that this host accepts mail for",
        )
