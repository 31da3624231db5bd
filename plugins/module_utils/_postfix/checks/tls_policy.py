# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the SMTP server asks for TLS, and whether it can offer any."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.registry import ERROR, WARNING, Fault, rule
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.restrictions import Restriction, restrictions
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import words

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.master_cf import Service

_CERTIFICATES = ("smtpd_tls_chain_files", "smtpd_tls_cert_file", "smtpd_tls_dcert_file", "smtpd_tls_eccert_file")


@dataclass(frozen=True)
class Policy:
    """What a server demands: ``level`` is a security level, ``wrapper`` TLS from the first byte."""

    service: Service
    level: str
    wrapper: bool = False

    @property
    def key(self) -> str:
        """The service, as messages name it."""
        return f"{self.service.name}/{self.service.type}"


def servers(context: Context) -> Iterator[Policy]:
    """The policy of each smtpd(8)."""
    for service in context.smtpd_services():
        level = context.value("smtpd_tls_security_level", service).lower()
        if not level:
            level = "may" if context.is_yes("smtpd_use_tls", service) else ""
            level = "encrypt" if context.is_yes("smtpd_enforce_tls", service) else level
        yield Policy(service, level, context.is_yes("smtpd_tls_wrappermode", service))


def screens(context: Context) -> Iterator[Policy]:
    """The policy of each postscreen(8), which by default is that of smtpd(8)."""
    for service in context.services:
        if service.command == "postscreen":
            level = context.value("postscreen_tls_security_level", service).lower()
            if not level and context.is_yes("postscreen_enforce_tls", service):
                level = "encrypt"
            yield Policy(service, level)


def _is_public_mx(context: Context, service: Service) -> bool:
    """Whether a service listens on port 25 for other hosts."""
    if context.port_of(service) != 25:
        return False
    host = service.name.rpartition(":")[0].strip("[]")
    hosts = [host] if host else words(context.value("inet_interfaces"))
    return not all(
        word.lower() in ("loopback-only", "localhost")
        or word.strip("[]").startswith("127.")
        or word.strip("[]") == "::1"
        for word in hosts
    )


def fronts(context: Context, service: Service) -> list[Service]:
    """The services that clients of ``service`` connect to: itself, or postscreen(8) before it."""
    if service.type == "inet":
        return [service]
    return [
        screen
        for screen in context.services
        if screen.command == "postscreen" and context.value("smtpd_service_name", screen) == service.name
    ]


def _required(context: Context, policy: Policy, name: str, *others: str) -> Fault:
    """The fault is the setting of ``name``, or, where that has none, of the first of ``others`` that has one."""
    service = policy.service
    setting = next(filter(None, (context.setting_of(other, service) for other in (name, *others))), None)
    what = "speaks TLS from the first byte" if policy.wrapper else "accepts no mail without TLS"
    message = (
        f"{policy.key} {what}: a public server on port 25 must not require TLS (RFC 3207, section 4), or other hosts"
        " cannot deliver mail here"
    )
    cure = f"set {name} to {'no' if policy.wrapper else 'may'}, and override it with -o for the submission services"
    if setting is not None and setting.service is None:
        return Fault(setting, f"{setting.name}: {message}", cure)
    return Fault(context.place(service), message, cure)


@rule("tls-required-on-port-25", ERROR, each=servers)
def tls_required_on_port_25(context: Context, policy: Policy) -> Iterator[Fault]:
    """`encrypt` or wrapper mode on port 25 of a public server, also in postscreen(8) or behind it | `may`; `-o` for the
    submission services | RFC 3207, section 4"""
    if not policy.wrapper and policy.level != "encrypt":
        return
    if any(_is_public_mx(context, front) for front in fronts(context, policy.service)):
        name = "smtpd_tls_wrappermode" if policy.wrapper else "smtpd_tls_security_level"
        yield _required(context, policy, name, "smtpd_enforce_tls")


@tls_required_on_port_25.also(each=screens)
def tls_required_by_postscreen(context: Context, policy: Policy) -> Iterator[Fault]:
    if policy.level == "encrypt" and _is_public_mx(context, policy.service):
        names = ("postscreen_enforce_tls", "smtpd_tls_security_level", "smtpd_enforce_tls")
        yield _required(context, policy, "postscreen_tls_security_level", *names)


@rule("wrapper-mode-port", WARNING, each=servers)
def wrapper_mode_port(context: Context, policy: Policy) -> Iterator[Fault]:
    """port 465 without wrapper mode, port 587 with it | `-o smtpd_tls_wrappermode=yes`, or without it | RFC 8314,
    sections 3.3 and 7.3"""
    port, place = context.port_of(policy.service), context.place(policy.service)
    if port == 465 and not policy.wrapper:
        message = f"{policy.key} is the port for TLS from the first byte, but smtpd_tls_wrappermode is no"
        yield Fault(place, message, "add -o smtpd_tls_wrappermode=yes")
    elif port == 587 and policy.wrapper:
        message = f"{policy.key} is the port for STARTTLS, but smtpd_tls_wrappermode is yes"
        yield Fault(place, message, "remove -o smtpd_tls_wrappermode=yes")


def _without_certificate(context: Context, policy: Policy, effect: str, name: str) -> Iterator[Fault]:
    """smtpd(8) asks for a certificate of its own before it reads tls_server_sni_maps."""
    service = policy.service
    if any(context.value(each, service) for each in _CERTIFICATES):
        return
    message = f"TLS is on without a certificate, so {effect}"
    cure = "set smtpd_tls_chain_files, or smtpd_tls_cert_file and smtpd_tls_key_file"
    setting = context.setting_of(name, service)
    if setting is not None:
        yield Fault(setting, f"{setting.name}: {message}", cure)
    else:
        yield Fault(context.place(service), message, cure)


@rule("tls-without-certificate", WARNING, each=servers)
def tls_without_certificate(context: Context, policy: Policy) -> Iterator[Fault]:
    """`smtpd_tls_security_level = may` without a certificate: STARTTLS fails with 454, and mail comes without TLS
    (`none` says that this is intended) | name a certificate | TLS_README, smtpd.c"""
    if policy.level == "may" and not policy.wrapper:
        effect = "STARTTLS fails with 454, and mail is accepted without TLS only"
        yield from _without_certificate(context, policy, effect, "smtpd_tls_security_level")


@rule("required-tls-without-certificate", ERROR, each=servers)
def required_tls_without_certificate(context: Context, policy: Policy) -> Iterator[Fault]:
    """`encrypt` or wrapper mode without a certificate: the server takes no mail (`none` says that this is
    intended) | name a certificate | TLS_README, smtpd.c"""
    if policy.wrapper or policy.level == "encrypt":
        name = "smtpd_tls_wrappermode" if policy.wrapper else "smtpd_tls_security_level"
        yield from _without_certificate(context, policy, "the server accepts no mail", name)


#: The restrictions that read a client certificate (smtpd_check.c).
_OF_CERTIFICATES = ("check_ccert_access", "permit_tls_all_clientcerts", "permit_tls_clientcerts")


@rule("client-certificate", WARNING, each=servers)
def client_certificate(context: Context, policy: Policy) -> Iterator[Fault]:
    """what Postfix ignores: `smtpd_tls_req_ccert` in a server that does not require TLS, with `smtpd_tls_ask_ccert` in
    a server without a certificate; a restriction that reads the certificate of a client where no server asks for it |
    `encrypt`; `smtpd_tls_ask_ccert = yes` | smtpd.c, smtpd_check.c"""
    service, name = policy.service, "smtpd_tls_req_ccert"
    if policy.wrapper or policy.level in ("may", "encrypt"):
        wanted = next((word for word in (name, "smtpd_tls_ask_ccert") if context.is_yes(word, service)), None)
        own = {context.value(word, service).lower() for word in (*_CERTIFICATES, "tls_server_sni_maps")}
        if wanted and own == {"", "none"}:
            message = f"{wanted}: a server without a certificate of its own ignores it"
            cure = "set smtpd_tls_chain_files"
            yield Fault(context.setting_of(wanted, service) or context.place(service), message, cure)
        elif wanted == name and policy.level == "may" and not policy.wrapper:
            message = f"{name}: a server that does not require TLS ignores it"
            cure = "set smtpd_tls_security_level = encrypt, or smtpd_tls_ask_ccert = yes instead"
            yield Fault(context.setting_of(name, service) or context.place(service), message, cure)


@client_certificate.also(each=restrictions)
def unasked_certificate(context: Context, restriction: Restriction) -> Iterator[Fault]:
    """One server that asks is enough: the others may share the list with it."""
    if restriction.name in _OF_CERTIFICATES:
        setting = restriction.setting
        found = [setting.service] if setting.service else list(context.smtpd_services())
        names = ("smtpd_tls_ask_ccert", "smtpd_tls_req_ccert")
        if found and not any(context.is_yes(name, service) for name in names for service in found):
            message = f"{setting.name}: {restriction.name} sees no certificate, because smtpd_tls_ask_ccert is no"
            yield Fault(setting, message, "set smtpd_tls_ask_ccert = yes, or remove the restriction")
