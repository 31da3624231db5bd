# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services that the daemons of master.cf rely on, and that master.cf must have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable

from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import LOCAL_TYPES
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.registry import ERROR, WARNING, Fault, rule
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import Place
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.tls_policy import servers

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.master_cf import Service

When = Callable[["Context", "Service"], bool]

#: A master.cf without all of these is a part of one, unless the caller says that Postfix runs it as it is.
_CORE = frozenset({"cleanup", "oqmgr", "pickup", "qmgr", "trivial-rewrite"})
#: The parameters that name the services without which no Postfix moves mail, whatever else it has.
_ALWAYS = ("cleanup_service_name", "queue_service_name", "rewrite_service_name")
#: Values of smtp_tls_security_level with which mail may go without TLS.
_OPPORTUNISTIC = ("may", "dane")


@dataclass(frozen=True)
class Reliance:
    """A service: ``named`` is the parameter that names it, ``entry`` its line behind the name, ``users`` the daemons
    that rely on it, and ``effect`` what happens without it."""

    severity: str
    named: str
    entry: str
    users: str
    effect: str
    when: When | None = None


def _set(*names: str) -> When:
    """Whether a parameter has a value that switches something on."""
    return lambda context, service: any(
        context.value(name, service).lower() not in ("", "0", "no", "none") for name in names
    )


def _server_tls(context: Context, service: Service) -> bool:
    found = (policy for policy in servers(context) if policy.service is service)
    return any(policy.wrapper or policy.level in ("may", "encrypt") for policy in found)


def _client_tls(mandatory: bool) -> When:
    def uses(context: Context, service: Service) -> bool:
        level = context.value(f"{service.command}_tls_security_level", service).lower()
        return level not in ("", "none") and (level not in _OPPORTUNISTIC) == mandatory

    return uses


def _proxied(cache: bool) -> When:
    """Whether a daemon reads a table of proxymap(8), or writes one. local_recipient_maps is one by default."""

    def uses(context: Context, service: Service) -> bool:
        for value in context.values:
            if (
                "proxy:" in value.text
                and (value.kind == "cache") == cache
                and service in context.readers(value.setting)
            ):
                return True
        local = not cache and service.command == "smtpd" and bool(context.value("mydestination", service))
        return local and "proxy:" in context.value("local_recipient_maps", service)

    return uses


def _relays(context: Context, service: Service) -> bool:
    """By default, relay_domains is mydestination below compatibility level 2."""
    return context.value("relay_domains", service) not in ("", context.value("mydestination", service))


def _verifies(context: Context, service: Service) -> bool:
    return any(
        "reject_unverified_" in setting.value.lower() and setting.service in (None, service)
        for setting in context.settings
    )


_TABLE_USERS = "smtpd cleanup trivial-rewrite qmgr oqmgr local virtual smtp lmtp postscreen verify tlsproxy"
_LIMITS = tuple(
    f"smtpd_client_{name}_limit"
    for name in (
        "connection_count", "connection_rate", "message_rate", "recipient_rate", "new_tls_session_rate", "auth_rate"
    )
)  # fmt: skip
_TLSMGR = ("tlsmgr_service_name", "unix - - - 1000? 1 tlsmgr")
#: What the daemons say without them was seen on Postfix 3.10, but for virtual, relay, bounce, trace and showq (their
#: manual pages).
RELIANCES = (
    Reliance(ERROR, "cleanup_service_name", "unix n - - - 0 cleanup", "smtpd pickup qmqpd", "no mail is accepted",
             lambda context, service: not context.value("smtpd_proxy_filter", service)),
    Reliance(ERROR, "queue_service_name", "unix n - n 300 1 qmgr", "cleanup pickup smtpd", "mail stays in the queue"),
    Reliance(ERROR, "rewrite_service_name", "unix - - - - - trivial-rewrite", "smtpd cleanup qmgr oqmgr pickup",
             "no mail is accepted or delivered"),
    Reliance(ERROR, "proxymap_service_name", "unix - - n - - proxymap", _TABLE_USERS,
             "the daemon waits in vain for its proxy: tables", _proxied(cache=False)),
    Reliance(ERROR, "proxywrite_service_name", "unix - - n - 1 proxymap", _TABLE_USERS,
             "the daemon waits in vain for its proxy: tables", _proxied(cache=True)),
    Reliance(ERROR, "default_transport", "unix - - - - - smtp", "qmgr oqmgr", "mail to other hosts stays in the queue"),
    Reliance(ERROR, "local_transport", "unix - n n - - local", "qmgr oqmgr", "mail to mydestination stays in the queue",
             _set("mydestination")),
    Reliance(ERROR, "virtual_transport", "unix - n n - - virtual", "qmgr oqmgr",
             "mail to virtual_mailbox_domains stays in the queue", _set("virtual_mailbox_domains")),
    Reliance(ERROR, "relay_transport", "unix - - - - - smtp", "qmgr oqmgr",
             "mail to relay_domains stays in the queue", _relays),
    Reliance(ERROR, "address_verify_service_name", "unix - - - - 1 verify", "smtpd", "the daemon waits in vain",
             _verifies),
    Reliance(ERROR, "smtpd_service_name", "pass - - - - - smtpd", "postscreen", "no mail is accepted"),
    Reliance(ERROR, *_TLSMGR, "smtpd", "STARTTLS fails", _server_tls),
    Reliance(ERROR, *_TLSMGR, "smtp lmtp", "mail that requires TLS stays in the queue", _client_tls(mandatory=True)),
    Reliance(WARNING, *_TLSMGR, "smtp lmtp", "mail is sent without TLS", _client_tls(mandatory=False)),
    Reliance(WARNING, "bounce_service_name", "unix - - - - 0 bounce", "qmgr oqmgr",
             "mail that cannot be delivered is not returned"),
    Reliance(WARNING, "defer_service_name", "unix - - - - 0 bounce", "qmgr oqmgr", "delayed mail is not explained"),
    Reliance(WARNING, "trace_service_name", "unix - - - - 0 bounce", "qmgr oqmgr", "no delivery is reported"),
    Reliance(WARNING, "error_service_name", "unix - - - - - error", "qmgr oqmgr", "mail for error: stays in the queue"),
    Reliance(WARNING, "retry_service_name", "unix - - - - - error", "qmgr oqmgr", "qmgr(8) warns of each delay"),
    Reliance(WARNING, "pickup_service_name", "unix n - - 60 1 pickup", "qmgr oqmgr",
             "mail of the command sendmail stays in maildrop", _set("authorized_submit_users")),
    Reliance(WARNING, "flush_service_name", "unix n - - 1000? 0 flush", "qmgr oqmgr", "ETRN finds no mail",
             _set("fast_flush_domains")),
    Reliance(WARNING, "showq_service_name", "unix n - - - - showq", "qmgr oqmgr", "mailq and postqueue -p fail"),
    Reliance(WARNING, "anvil_service_name", "unix - - - - 1 anvil", "smtpd", "the limits of clients do not hold",
             _set(*_LIMITS)),
    Reliance(WARNING, "connection_cache_service_name", "unix - - - - 1 scache", "smtp",
             "no connection is used for a second message",
             _set("smtp_connection_cache_on_demand", "smtp_connection_cache_destinations")),
    Reliance(WARNING, "dnsblog_service_name", "unix - - - - 0 dnsblog", "postscreen", "no DNS list is asked",
             _set("postscreen_dnsbl_sites")),
    Reliance(WARNING, "tlsproxy_service_name", "unix - - - - 0 tlsproxy", "postscreen", "STARTTLS fails",
             _set("postscreen_tls_security_level", "postscreen_use_tls", "postscreen_enforce_tls")),
)  # fmt: skip


@dataclass(frozen=True)
class Missing:
    """A service that master.cf lacks, and the first one that relies on it; None where all need it."""

    name: str
    reliance: Reliance
    user: Service | None


def missing(context: Context) -> Iterator[Missing]:
    """What master.cf lacks; a name that main.cf sets itself is judged as such."""
    if not context.whole and not any(service.command in _CORE for service in context.services):
        return
    names = {service.name for service in context.services if service.type in LOCAL_TYPES}
    for reliance in RELIANCES:
        default = context.defaults.get(reliance.named, reliance.named.partition("_")[0])
        setting = context.setting_of(reliance.named)
        name = context.expanded(default).partition(":")[0]
        if name in names or not name or (setting is not None and setting.value != default):
            continue
        users = (
            service
            for service in context.services
            if service.command in reliance.users.split() and (reliance.when is None or reliance.when(context, service))
        )
        user = next(users, None)
        if user is not None or (context.whole and reliance.named in _ALWAYS):
            yield Missing(name, reliance, user)
            names.add(name)


def _fault(context: Context, found: Missing) -> Fault:
    entry = found.reliance.entry
    shown = f"{found.name}/{entry.partition(' ')[0]}"
    place = context.place(found.user) if found.user else Place(context.master.path, 1, shown)
    begin = f"{place.name}: " if found.user else ""
    return Fault(
        place,
        f"{begin}master.cf lacks {shown}, so {found.reliance.effect}",
        f"add {found.name} {entry} to master.cf",
    )


@rule("missing-service", ERROR, each=missing)
def missing_service(context: Context, found: Missing) -> Iterator[Fault]:
    """a service without which mail stops: `cleanup`, `qmgr`, `rewrite` (in a configuration directory other than
    /etc/postfix `puffy.mail.postconf` takes a master.cf without all of them for a part of one); the transports of
    `mydestination`, `relay_domains`, `virtual_mailbox_domains` and all other mail; `proxymap` and `proxywrite` for
    `proxy:`, `tlsmgr` for TLS, `verify` for `reject_unverified_recipient` and `_sender`, `smtpd` behind postscreen(8) |
    the line to add | master(5)"""
    if found.reliance.severity == ERROR:
        yield _fault(context, found)


@rule("missing-helper", WARNING, each=missing)
def missing_helper(context: Context, found: Missing) -> Iterator[Fault]:
    """a service without which mail goes on, but something is lost: `bounce`, `defer`, `trace`, `error`, `retry`,
    `pickup`, `flush`, `showq`, `anvil`, `scache`, `dnsblog`, `tlsproxy`, `tlsmgr` for TLS that is not required |
    the line to add | master(5)"""
    if found.reliance.severity == WARNING:
        yield _fault(context, found)
