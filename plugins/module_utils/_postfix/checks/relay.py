# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may relay mail through this host."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.match_lists import MatchList
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.networks import everyone
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.registry import ERROR, WARNING, Fault, rule
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import Setting, Value, words
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.strangers import (
    LAST,
    Evaluation,
    Hole,
)

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.master_cf import Service

_STRANGER = "stranger.example"
#: Top-level domains in which strangers have domains: all of two letters, and the large ones. A site may have others of
#: its own, such as "lan".
_PUBLIC_TLD = re.compile(
    r"[a-z]{2}|xn--[a-z0-9-]+|com|net|org|info|biz|name|pro|mobi|edu|gov|mil|int|arpa|aero|asia|cat|coop|jobs|museum"
    r"|app|blog|cloud|club|dev|email|icu|live|online|page|shop|site|store|tech|top|vip|work|world|xyz"
)
#: Domains of this host whose mail a transport takes: the list, the transport, the recipients.
_DELIVERED = {
    "mydestination": ("local_transport", "local_recipient_maps"),
    "virtual_mailbox_domains": ("virtual_transport", "virtual_mailbox_maps"),
}


def relay_domains(context: Context) -> Iterator[tuple[Setting, str]]:
    """The words of relay_domains."""
    for value in context.values:
        if value.name == "relay_domains":
            for word in context.own_words(value.setting):
                yield value.setting, word


def delivered(context: Context) -> Iterator[Value]:
    """The lists of domains whose mail stays on this host."""
    for value in context.values:
        if value.name in _DELIVERED:
            yield value


def servers(context: Context) -> Iterator[tuple[Service, Evaluation]]:
    """The services that take mail from clients, each with its lists of restrictions."""
    for service in context.smtpd_services():
        yield service, Evaluation(context, service)


def public(context: Context, service: Service) -> bool:
    """Whether a service listens where strangers come from, as far as the two files tell."""
    host = service.name.rpartition(":")[0] if service.type == "inet" else ""
    hosts = [host] if host else words(context.value("inet_interfaces", service))
    return not all(map(_private, hosts))


def _private(host: str) -> bool:
    text = host.strip("[]").lower()
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text in ("localhost", "loopback-only")
    return address.is_private and not address.is_unspecified


def _hole(evaluation: Evaluation) -> Hole | None:
    last = evaluation.hole(LAST)
    # Where a table permits, another list may still stop the same stranger.
    return evaluation.hole() if last is not None and last.restriction else last


#: What to do where a certificate is enough.
_CURES = {
    "permit_tls_clientcerts": "name the fingerprints of your clients in relay_clientcerts",
    "permit_tls_all_clientcerts": "use permit_tls_clientcerts and name the fingerprints of your clients in"
    " relay_clientcerts",
}


@rule("open-relay", ERROR, each=servers)
def open_relay(context: Context, server: tuple[Service, Evaluation]) -> Iterator[Fault]:
    """an SMTP service in which no `reject_unauth_destination` or the like stops a stranger, or a table permits a
    sender, a HELO name, a certificate or another thing that a stranger can choose; `relay_domains` with every domain,
    or with all below a top-level domain; every domain in `mydestination` or `virtual_mailbox_domains`, whose transport
    hands mail on to it | the default of `smtpd_relay_restrictions`; `DUNNO` instead of `OK` | postconf(5), access(5),
    smtpd_check.c"""
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
        cure = _CURES.get(hole.restriction, "answer DUNNO instead of OK, or write reject_unauth_destination before it")
    yield _fault(context, service, message, cure)


@rule("relay-unproved", WARNING, each=servers)
def relay_unproved(context: Context, server: tuple[Service, Evaluation]) -> Iterator[Fault]:
    """a table that cannot be read here, a pattern of which no text is known that it matches, a policy server, or
    `permit_mx_backup` without `permit_mx_backup_networks`, which alone decides whether a stranger may relay |
    `reject_unauth_destination` before it | postconf(5), access(5)"""
    service, evaluation = server
    hole = evaluation.hole(guess=True) if _hole(evaluation) is None else None
    if hole is not None:
        message = (
            f"whether strangers may relay mail depends on the answer of {hole.restriction}{hole.described()}, which"
            " cannot be judged here"
        )
        yield _fault(context, service, message, "write reject_unauth_destination before it")


#: The restrictions one of which smtpd(8) wants to see in the lists; it looks into classes, but into no table.
_CLOSING = frozenset(
    {
        "check_relay_domains",
        "defer",
        "defer_if_permit",
        "defer_unauth_destination",
        "reject",
        "reject_unauth_destination",
    }
)


def _closes(context: Context, service: Service, name: str, above: frozenset[str] = frozenset()) -> bool:
    """Whether a list, or a class, has a word that closes it (has_required of smtpd_check.c)."""
    found = iter(words(context.value(name, service)))
    for word in found:
        is_class = word in context.classes(service) and word not in above
        if word.lower() == "warn_if_reject":
            next(found, None)
        elif word.lower() == "permit":
            return False
        elif word.lower() in _CLOSING or (is_class and _closes(context, service, word, above | {word})):
            return True
    return False


@rule("relay-not-closed", ERROR, each=servers)
def relay_not_closed(context: Context, server: tuple[Service, Evaluation]) -> Iterator[Fault]:
    """an SMTP service whose relay is closed by nothing but a table or a policy server: smtpd(8) does not start unless
    `smtpd_relay_restrictions` or `smtpd_recipient_restrictions` has `reject_unauth_destination` or the like as a word
    before `permit` | `reject_unauth_destination` at the end | smtpd_check.c, has_required"""
    service, evaluation = server
    if any(_closes(context, service, name) for name in LAST) or _hole(evaluation) is not None:
        return
    message = (
        "smtpd does not start: neither smtpd_relay_restrictions nor smtpd_recipient_restrictions has"
        " reject_unauth_destination, defer_unauth_destination, reject or defer before permit; it does not look into"
        " tables"
    )
    yield _fault(context, service, message, "append reject_unauth_destination to smtpd_relay_restrictions")


def _fault(context: Context, service: Service, message: str, cure: str) -> Fault:
    setting = next(filter(None, (context.setting_of(name, service) for name in LAST)), None)
    if setting is None:
        return Fault(context.place(service), f"service {service.name}/{service.type}: {message}", cure)
    return Fault(setting, message if setting.service is not None else f"{setting.name}: {message}", cure)


@open_relay.also(each=relay_domains)
def open_relay_domains(context: Context, word: tuple[Setting, str]) -> Iterator[Fault]:
    setting, text = word
    cure = "name the domains that this host accepts mail for"
    domains = MatchList(context, text, _has_parents(context, "relay_domains", setting.service))
    if domains.has_domain(_STRANGER):
        message = f"relay_domains: {text!r} matches every domain, so strangers may relay mail to all domains"
        yield Fault(setting, message, cure)
        return
    for name in domains.names:
        top = name.lstrip(".")
        if _PUBLIC_TLD.fullmatch(top) and domains.has_domain(f"stranger.{top}"):
            message = f"relay_domains: {text!r} matches every domain in {top}, so strangers may relay mail to them"
            yield Fault(setting, message, cure)
            return


def _has_parents(context: Context, name: str, service: Service | None) -> bool:
    return name in words(context.value("parent_domain_matches_subdomains", service))


@open_relay.also(each=delivered)
def open_delivery(context: Context, value: Value) -> Iterator[Fault]:
    transport, recipients = _DELIVERED[value.name]
    command, _colon, hop = context.value(transport).partition(":")
    clients = {service.name for service in context.services if service.command == "smtp" and service.type == "unix"}
    if command not in clients or hop or not MatchList(context, value.text).has_text(_STRANGER):
        return
    maps = MatchList(context, context.value(recipients))
    if not maps.text or any(maps.has_text(text) for text in (f"x@{_STRANGER}", f"@{_STRANGER}", "x")):
        message = (
            f"{value.name} has every domain, and {transport} sends mail to it: strangers may relay mail to all domains"
        )
        yield Fault(value.setting, message, "name the domains of this host")


# ------------------------------------------------------------------------------------------------- other doors


def trusted_clients(context: Context) -> Iterator[Value]:
    """The lists of clients that are trusted more than those of mynetworks."""
    for value in context.values:
        if value.name in ("smtpd_authorized_xclient_hosts", "qmqpd_authorized_clients"):
            yield value


@rule("xclient-everyone", ERROR, each=trusted_clients)
def xclient_everyone(context: Context, value: Value) -> Iterator[Fault]:
    """`smtpd_authorized_xclient_hosts` with all hosts on the Internet or many of them, which may then give themselves
    an address of `mynetworks` or a login | the addresses of your own proxies | XCLIENT_README"""
    if value.name != "smtpd_authorized_xclient_hosts":
        return
    for found in everyone(context, value.setting, value.text):
        message = f"{value.name} has {found!r}: strangers may say that they are any client or user, and relay mail"
        yield Fault(value.setting, message, "name the addresses of your own proxies, or leave it empty")


@rule("qmqp-everyone", ERROR, each=trusted_clients)
def qmqp_everyone(context: Context, value: Value) -> Iterator[Fault]:
    """`qmqpd_authorized_clients` with all hosts on the Internet or many of them, where qmqpd(8) runs | the addresses of
    your own clients | qmqpd(8)"""
    serving = any(service.command == "qmqpd" for service in context.readers(value.setting))
    for found in everyone(context, value.setting, value.text) if value.name[0] == "q" and serving else ():
        message = f"{value.name} has {found!r}: strangers may relay mail through qmqpd"
        yield Fault(value.setting, message, "name the addresses of your own clients")


def proxied(context: Context) -> Iterator[tuple[Service, str]]:
    """The services that take the address of the client from a proxy, where strangers may be that proxy."""
    for service in context.services:
        name = f"{service.command}_upstream_proxy_protocol"
        if service.type == "inet" and service.command in ("smtpd", "postscreen") and context.value(name, service):
            yield service, name


@rule("proxy-everyone", WARNING, each=proxied)
def proxy_everyone(context: Context, server: tuple[Service, str]) -> Iterator[Fault]:
    """`smtpd_upstream_proxy_protocol` or `postscreen_upstream_proxy_protocol` on a port that strangers may reach, who
    then give themselves an address of `mynetworks` and relay | an address of the proxy's network before the port; a
    packet filter, and the check skipped | postconf(5), `smtpd_upstream_proxy_protocol`"""
    service, name = server
    behind = (
        [service] if service.command == "smtpd" else [one for one in context.smtpd_services() if one.type == "pass"]
    )
    if not public(context, service):
        return
    if any(Evaluation(context, one, trusted=True).hole() is not None for one in behind):
        setting = context.setting_of(name, service)
        yield Fault(
            setting or context.place(service),
            f"{name}: the address of a client comes from the header of a proxy, which strangers may send too: they may"
            " say that they are in mynetworks, and relay mail",
            "let the service listen on an address that only the proxy reaches",
        )


def routing(context: Context) -> Iterator[Value]:
    """Where source routes are trusted."""
    for value in context.values:
        if value.name == "allow_untrusted_routing" and value.text.lower() == "yes":
            yield value


@rule("untrusted-routing", WARNING, each=routing)
def untrusted_routing(context: Context, value: Value) -> Iterator[Fault]:
    """`allow_untrusted_routing = yes`, with which strangers send through a domain of this host to another, such as
    `user%elsewhere@domain` | `no` | postconf(5), `allow_untrusted_routing`"""
    yield Fault(
        value.setting,
        "allow_untrusted_routing: strangers may send to addresses such as user%elsewhere@domain, which the next host"
        " of the domain relays",
        "remove the line, or write no",
    )
