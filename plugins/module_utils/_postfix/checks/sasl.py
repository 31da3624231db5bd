# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins: who may see a password on its way, and what checks it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.puffy.mail.plugins.module_utils._postfix import types
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.registry import ERROR, WARNING, Fault, rule
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.restrictions import Restriction, restrictions
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import Setting, words
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.tls_policy import fronts, servers

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.master_cf import Service

#: where Cyrus SASL looks for NAME.conf: Debian's Postfix, the library on Linux, and on OpenBSD
_DIRECTORIES = ("/etc/postfix/sasl", "/usr/lib/sasl2", "/etc/sasl2", "/usr/local/lib/sasl2", "/var/lib/sasl2")
#: the sockets of those that check passwords, by pwcheck_method: the option, and the library's own default
_SOCKETS = {
    "saslauthd": ("saslauthd_path", "/var/run/saslauthd/mux"),
    "authdaemond": ("authdaemond_path", "/dev/null"),
}


@dataclass(frozen=True)
class Login:
    """A server on which clients log in: where that is switched on, and whether TLS is in force before."""

    setting: Setting
    service: Service
    protected: bool


def logins(context: Context) -> Iterator[Login]:
    """The servers on which clients may log in."""
    for policy in servers(context):
        setting = context.setting_of("smtpd_sasl_auth_enable", policy.service)
        if setting is not None and context.is_yes("smtpd_sasl_auth_enable", policy.service):
            yield Login(setting, policy.service, policy.wrapper or policy.level == "encrypt")


@rule("login-in-clear", WARNING, each=logins)
def login_in_clear(context: Context, login: Login) -> Iterator[Fault]:
    """a server that takes passwords without TLS | `smtpd_tls_auth_only = yes` | RFC 4954, section 4"""
    service = login.service
    if login.protected or context.is_yes("smtpd_tls_auth_only", service):
        return
    local = service.name.rpartition(":")[0].strip("[]") in ("127.0.0.1", "::1", "localhost")
    only_local = words(context.value("inet_interfaces", service)) == ["loopback-only"]
    if local or only_local or "noplaintext" in words(context.value("smtpd_sasl_security_options", service)):
        return
    message = "clients may log in without TLS, so that their passwords can be read on the way"
    yield Fault(login.setting, message, "set smtpd_tls_auth_only = yes")


def _cyrus(context: Context, login: Login) -> tuple[str, dict[str, str] | None]:
    """The file with the options of Cyrus SASL, and the options; None without such a file."""
    name = f"{context.value('smtpd_sasl_path', login.service) or 'smtpd'}.conf"
    given = [path for path in context.value("cyrus_sasl_config_path", login.service).split(":") if path]
    paths = [f"{directory}/{name}" for directory in given or _DIRECTORIES]
    path = next((path for path in paths if context.probe.file(path) is not None), None)
    if path is None:
        return paths[0], None
    parts = (line.partition(":") for line in context.lines(path) if not line.startswith("#"))
    return path, {key.strip(): value.strip() for key, colon, value in parts if colon}


@rule("cyrus-mechanisms", WARNING, each=logins)
def cyrus_mechanisms(context: Context, login: Login) -> Iterator[Fault]:
    """Cyrus SASL without a list of mechanisms, so that clients are offered all that are installed, such as NTLM and
    DIGEST-MD5 | `mech_list: PLAIN LOGIN` in smtpd.conf | SASL_README"""
    if context.value("smtpd_sasl_type", login.service) != "cyrus":
        return
    path, options = _cyrus(context, login)
    if options is None or not options.get("mech_list"):
        message = f"{path} does not exist" if options is None else f"{path} has no mech_list"
        yield Fault(
            login.setting,
            f"{message}, so Cyrus SASL offers every mechanism that is installed, such as NTLM and DIGEST-MD5",
            f"write mech_list: PLAIN LOGIN and pwcheck_method: saslauthd into {path}",
        )


@rule("cyrus-socket-missing", WARNING, each=logins)
def cyrus_socket_missing(context: Context, login: Login) -> Iterator[Fault]:
    """a socket of saslauthd or authdaemond that smtpd(8) cannot see (yet), so that every login is answered with 454 |
    start the daemon, or put its socket into the chroot | SASL_README"""
    if context.value("smtpd_sasl_type", login.service) != "cyrus":
        return
    options = _cyrus(context, login)[1] or {}
    method = (words(options.get("pwcheck_method", "")) or [""])[0]
    if method not in _SOCKETS:
        return
    option, default = _SOCKETS[method]
    path, chrooted = options.get(option) or default, context.chrooted(login.service)
    below = chrooted or not path.startswith("/")
    seen = f"{context.value('queue_directory')}/{path.lstrip('/')}" if below else path
    if context.probe.file(seen) is None:
        why = " (the daemon is chrooted)" if chrooted and path.startswith("/") else ""
        yield Fault(
            login.setting,
            f"the socket {seen} of {method} does not exist{why}, so every login fails",
            f"start {method} with its socket there",
        )


def security_options(context: Context) -> Iterator[tuple[Setting, str]]:
    """The words that limit the mechanisms of Cyrus SASL, each once."""
    seen: set[tuple[str, int, str]] = set()
    for login in logins(context):
        if context.value("smtpd_sasl_type", login.service) != "cyrus":
            continue
        for name in ("smtpd_sasl_security_options", "smtpd_sasl_tls_security_options"):
            setting = context.setting_of(name, login.service)
            if setting is not None and (setting.file, setting.line, name) not in seen:
                seen.add((setting.file, setting.line, name))
                yield from ((setting, word) for word in words(context.value(name, login.service)))


@rule("cyrus-options", ERROR, each=security_options)
def cyrus_options(context: Context, found: tuple[Setting, str]) -> Iterator[Fault]:
    """a capital letter in an option of Cyrus SASL: smtpd(8) does not start | small letters | xsasl_cyrus_security.c"""
    setting, word = found
    if word != word.lower() and word.lower() in types.enumeration(setting.name, context.host.version):
        message = f"{setting.name}: smtpd(8) does not start with {word!r}, because Cyrus SASL reads small letters only"
        yield Fault(setting, message, f"write {word.lower()}")


def mail_exchangers(context: Context) -> Iterator[tuple[Service, Setting]]:
    """The servers on port 25, or behind postscreen(8) there, each with its restrictions on clients."""
    for service in context.smtpd_services():
        setting = context.setting_of("smtpd_client_restrictions", service)
        if setting is not None and any(context.port_of(front) == 25 for front in fronts(context, service)):
            yield service, setting


@rule("refuses-strangers", WARNING, each=mail_exchangers)
def refuses_strangers(context: Context, found: tuple[Service, Setting]) -> Iterator[Fault]:
    """restrictions on clients of port 25 that permit who logged in and refuse everybody else, so that no mail from
    other hosts arrives | move the list to the services for users | SMTPD_ACCESS_README"""
    service, setting = found
    given = [word.lower() for word in words(context.value("smtpd_client_restrictions", service))]
    if "reject" not in given:
        return
    before = set(given[: given.index("reject")])
    if "permit_sasl_authenticated" in before and before <= {
        "permit_sasl_authenticated", "permit_mynetworks", "permit_tls_clientcerts", "permit_tls_all_clientcerts",
    }:  # fmt: skip
        yield Fault(
            setting,
            "smtpd_client_restrictions refuses every host that does not log in, so port 25 takes no mail from others",
            "set it by -o for submission and submissions only",
        )


#: What smtpd(8) passes over, with a warning for each message, on a server without logins (smtpd_check.c).
_NEED_LOGINS = frozenset(
    {
        "check_sasl_access",
        "reject_authenticated_sender_login_mismatch",
        "reject_known_sender_login_mismatch",
        "reject_sender_login_mismatch",
        "reject_unauthenticated_sender_login_mismatch",
    }
)


@rule("restriction-without-logins", WARNING, each=restrictions)
def restriction_without_logins(context: Context, restriction: Restriction) -> Iterator[Fault]:
    """`check_sasl_access` or a check of the sender against the login on a server without logins, which passes over it:
    anybody may use any sender there | `smtpd_sasl_auth_enable = yes`, or another restriction | smtpd_check.c"""
    setting = restriction.setting
    if restriction.name not in _NEED_LOGINS or not setting.name.startswith("smtpd_"):
        return
    for service in context.smtpd_services():
        own = setting.service if setting.service is not None else service
        inherits = setting.service is not None or service.option(setting.name) is None
        if own is service and inherits and not context.is_yes("smtpd_sasl_auth_enable", service):
            yield Fault(
                setting,
                f"{setting.name}: smtpd(8) passes over {restriction.name} on {service.name}/{service.type}, because"
                " clients cannot log in there",
                f"set smtpd_sasl_auth_enable = yes for it, or remove {restriction.name} from its list",
            )
            return
