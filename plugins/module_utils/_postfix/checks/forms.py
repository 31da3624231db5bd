# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts with a form of their own: names of hosts, servers, accounts and files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Callable

from ansible_collections.puffy.mail.plugins.module_utils._postfix import types
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.networks import is_address, is_reply_filter
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.registry import ERROR, Fault, rule
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import Value, nearest, words
from ansible_collections.puffy.mail.plugins.module_utils._postfix.main_cf import split_name_value

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context

#: What is wrong, and the cure.
Problem = tuple[str, str]
Form = Callable[["Context", Value], Iterator[Problem]]

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,255}}$)(?![0-9.]+$){_LABEL}(?:\.{_LABEL})*")
_NUMBER = r"(?:\d+\.?\d*|\.\d+)"
_RATE = re.compile(rf"\s*{_NUMBER}\s*(/\s*({_NUMBER}|concurrency|sqrt_concurrency)\s*)?", re.IGNORECASE)

_MILTER_VERSIONS = ("2", "3", "4", "6")


def is_host(text: str) -> bool:
    """Whether a text is a host name (valid_hostname.c) or an address."""
    return bool(_HOST_NAME.fullmatch(text)) or not text.isascii() or is_address(text)


def destination(context: Context, text: str, port_needed: bool = False) -> Problem | None:
    """What keeps smtp(8), lmtp(8) or smtpd(8) from reading ``host``, ``host:port``, ``[host]`` or ``[host]:port``
    (host_port.c)."""
    cure = "write host, host:port or [host]:port"
    if text.startswith("["):
        host, closed, port = text[1:].partition("]")
        if not closed:
            return f"{text!r} has no ']'", cure
        if port and not port.startswith(":"):
            return f"{text!r} has {port!r} after ']'", cure
        port = port[1:]
        if host.lower().startswith("ipv6:"):
            host = host.partition(":")[2]
            if ":" not in host or not is_address(host):
                return f"{text!r} has {host!r} after 'IPv6:', which is not an IPv6 address", cure
    else:
        alone = port_needed and context.port_known(text)
        host, _colon, port = text.rpartition(":") if alone or ":" in text else (text, "", "")
    if not host and not port_needed:
        return f"{text!r} names no host", cure
    if host and not is_host(host):
        return f"{text!r} names {host!r}, which is neither a host name nor an address", cure
    if not port and port_needed:
        return f"{text!r} names no port", "write host:port"
    if port and not context.port_known(port):
        return f"{text!r} names the port {port!r}, which is neither a number nor in services(5)", "write the number"
    return None


def _host_name(context: Context, value: Value) -> Iterator[Problem]:
    if not _HOST_NAME.fullmatch(value.text):
        yield f"{value.text!r} is not a host name", "write a name such as mail.example.org, and no address"


def _origin(context: Context, value: Value) -> Iterator[Problem]:
    text = value.text
    if re.search(r"[\s,]", text):
        yield f"{text!r} is more than one name", "write one domain"
    elif text.startswith("/"):
        file = context.probe.file(text)
        if file is None or file.kind == "directory":
            yield f"the file {text} {'is a directory' if file else 'does not exist'}", "write the domain itself"
        elif file.size == 0:
            yield f"the file {text} is empty", "write the domain itself"


def _destinations(context: Context, value: Value) -> Iterator[Problem]:
    for word in words(value.text):
        problem = destination(context, word)
        if problem is not None:
            yield problem
            return


def _relayhost(context: Context, value: Value) -> Iterator[Problem]:
    yield from _destinations(context, value)
    own = value.setting.service
    for service in (own,) if own is not None else (None, *context.services):
        same = context.value("myhostname", service).lower() == value.text.lower()
        if same and context.setting_of("relayhost", service) == value.setting:
            where = f" of the service {service.name}/{service.type}" if service is not None and own is None else ""
            yield (
                f"{value.text!r} is also myhostname{where}, which Postfix refuses",
                "name another host; remove the line where this host delivers the mail itself",
            )
            return


def _transport(context: Context, value: Value) -> Iterator[Problem]:
    name, _colon, hop = value.text.partition(":")
    if not name:
        yield f"{value.text!r} names no transport", "write transport:nexthop, where the transport stands in master.cf"
    for service in context.services:
        if not hop or service.name != name or service.command not in ("lmtp", "smtp"):
            continue
        for word in words(hop):
            if service.command == "lmtp":
                if word.startswith(("unix:", "private/", "public/", "/")):
                    continue
                word = word[5:] if word.startswith("inet:") else word
            problem = destination(context, word)
            if problem is not None:
                yield problem
                return


def _proxy(context: Context, value: Value) -> Iterator[Problem]:
    text = value.text
    if text and not text.startswith("unix:"):
        problem = destination(context, text[5:] if text.startswith("inet:") else text, port_needed=True)
        if problem is not None:
            yield problem


def _account(context: Context, value: Value) -> Iterator[Problem]:
    user = context.probe.user(value.text) if not value.text.isdigit() else None
    if user is None:
        yield f"this host has no account {value.text!r}", "create the account, or name another"
    elif user.uid == 0 or user.gid == 0:
        yield f"the account {value.text!r} has the rights of root", "name an account without them"
    elif value.name == "default_privs" and user.uid == _uid(context, "mail_owner"):
        yield f"{value.text!r} is the mail owner too", "name another account, such as nobody"


def _uid(context: Context, name: str) -> int | None:
    user = context.probe.user(context.value(name))
    return None if user is None else user.uid


def _group(context: Context, value: Value) -> Iterator[Problem]:
    gid = context.probe.group(value.text)
    owner = context.probe.user(context.value("mail_owner"))
    if gid is None:
        yield f"this host has no group {value.text!r}", "create the group, or name another"
    elif gid == 0 or (owner is not None and gid == owner.gid):
        whose = "root" if gid == 0 else "the mail owner"
        yield f"{value.text!r} is the group of {whose}", "name a group of its own, such as postdrop"


def _directory(context: Context, value: Value) -> Iterator[Problem]:
    file = context.probe.file(value.text) if value.text.startswith("/") else None
    if file is None or file.kind != "directory":
        what = f"is a {file.kind}" if file else "does not exist"
        yield f"the directory {value.text!r} {what}", "name a directory of this host"


def _libraries(context: Context, value: Value) -> Iterator[Problem]:
    """A Postfix without shared libraries says ``no``."""
    if value.text != "no":
        yield from _directory(context, value)


def _programs(context: Context, value: Value) -> Iterator[Problem]:
    found = list(_directory(context, value))
    yield from found
    if not found and "postfix-script" not in context.probe.entries(value.text):
        yield f"the directory {value.text!r} has no postfix-script", "name the directory of Postfix's programs"


def _file(context: Context, value: Value) -> Iterator[Problem]:
    if value.text and context.probe.file(context.absolute(value.text)) is None:
        yield f"the file {value.text!r} does not exist", context.create(value.text)


def _templates(context: Context, value: Value) -> Iterator[Problem]:
    """As bounce_templates.c reads the file, which bounce(8) does when it starts."""
    yield from _file(context, value)
    content = context.probe.content(context.absolute(value.text)) or b""
    lines = iter(enumerate(content.decode("utf-8", "replace").split("\n"), 1))
    for number, line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            _name, text = split_name_value(line)
        except ValueError as exc:
            cure = "write name_template = <<END, the text, and END on a line of its own"
            yield f"line {number} of {value.text} is {line!r}, with which bounce(8) does not start: {exc}", cure
            return
        if text.startswith("<<"):
            end = text[2:].lstrip()
            if not end[:1].isalnum() or not end.isascii():
                yield f"line {number} of {value.text} has no word such as END after <<", "write <<END"
                return
            next((number for number, line in lines if line == end), 0)


def _port(context: Context, value: Value) -> Iterator[Problem]:
    if not context.port_known(value.text):
        yield f"the port {value.text!r} is neither a number nor in services(5)", "write the number"


def _bind_address(context: Context, value: Value) -> Iterator[Problem]:
    text = value.text
    if text.startswith("[") and is_address(text.strip("[]")) and not re.fullmatch(r"\[[^][]*\]", text):
        yield f"{text!r} is not an address in one pair of brackets", f"write [{text.strip('[]')}]"


def _environment(context: Context, value: Value) -> Iterator[Problem]:
    try:
        types.split_list(value.text)
    except ValueError:
        yield "a brace is not closed, so Postfix does not start", "write { name=value }"


def _instances(context: Context, value: Value) -> Iterator[Problem]:
    if not context.value("multi_instance_wrapper"):
        yield "postfix(1) does not start without multi_instance_wrapper", "run postmulti -e init"
        return
    for directory in words(value.text):
        if context.probe.file(f"{directory}/main.cf") is None:
            yield (
                f"{directory} has no main.cf, so postfix(1) does not start",
                "run postmulti -e create for it, or remove it",
            )


def _login_cache(context: Context, value: Value) -> Iterator[Problem]:
    logs_in = context.is_yes(value.name.replace("_auth_cache_name", "_auth_enable"), value.setting.service)
    if logs_in and not value.text.startswith("proxy:"):
        yield f"{value.name.partition('_')[0]}(8) takes proxy:type:name only", f"write proxy:{value.text}"


#: The restrictions that send a probe from address_verify_sender.
_PROBES = frozenset({"reject_unverified_recipient", "reject_unverified_sender"})


def _probe_sender(context: Context, value: Value) -> Iterator[Problem]:
    local, at, domain = value.text.partition("@")
    if at and not (local and domain):
        lists = [each.text.lower() for each in context.values if each.kind == "restrictions"]
        if any(_PROBES.intersection(words(text)) for text in lists):
            yield f"{value.text!r} lacks a part beside '@', so verify(8) does not start", "write a whole address, or <>"


def _conversion(context: Context, value: Value) -> Iterator[Problem]:
    other = "disable_mime_input_processing"
    if value.text.lower() == "yes" and context.is_yes(other, value.setting.service):
        yield f"cleanup(8) does not start with {other} = yes", f"set {other} = no"


def _entropy(context: Context, value: Value) -> Iterator[Problem]:
    """tlsmgr(8) waits for a source that it cannot open, and every daemon that speaks TLS waits for tlsmgr(8)."""
    _scheme, colon, path = value.text.partition(":")
    path = path if colon else value.text
    if path.startswith("/") and context.probe.file(path) is None:
        yield f"{path} does not exist, so TLS has no random numbers", "set tls_random_source = dev:/dev/urandom"


def _exchange(context: Context, value: Value) -> Iterator[Problem]:
    directory = context.absolute(value.text).rpartition("/")[0] or "/"
    file = context.probe.file(directory)
    if file is None or file.kind != "directory":
        cure = f"use {context.value('data_directory')}/prng_exch"
        yield f"there is no directory {directory}, so tlsmgr(8) does not start", cure


def _tls_config(context: Context, value: Value) -> Iterator[Problem]:
    text = value.text
    if text in ("default", "none"):
        return
    if not text.startswith("/"):
        yield f"{text!r} is not a path", "write default, none, or an absolute path"
    elif context.probe.file(text) is None:
        yield f"the file {text!r} does not exist, so OpenSSL cannot read it", context.create(text)


def _log_file(context: Context, value: Value) -> Iterator[Problem]:
    if not value.text:
        return
    prefixes = words(context.value("maillog_file_prefixes"))
    if not value.text.startswith(tuple(prefixes)):
        yield f"{value.text!r} begins with none of maillog_file_prefixes", f"begin with one of {', '.join(prefixes)}"
    name = context.value("postlog_service_name")
    if not any(service.name == name and service.type == "unix-dgram" for service in context.services):
        yield (
            f"master.cf has no service {name}/unix-dgram, which writes the file",
            f"add {name} unix-dgram n - n - 1 postlogd to master.cf",
        )


def _rate(context: Context, value: Value) -> Iterator[Problem]:
    if value.text and not _RATE.fullmatch(value.text):
        yield f"{value.text!r} is not a feedback", "write a number, or number/concurrency or number/sqrt_concurrency"


def closing(text: str, signs: str) -> int:
    """The place of the bracket that closes the first one (``signs`` are both of them), or -1."""
    level = 0
    for place, letter in enumerate(text):
        level += (letter == signs[0]) - (letter == signs[1])
        if not level:
            return place
    return -1


def _dns_lists(context: Context, value: Value) -> Iterator[Problem]:
    """As postscreen_dnsbl.c reads it: the weight behind the first '*', then the filter behind the first '='."""
    for word in words(value.text):
        site, star, weight = word.partition("*")
        domain, equals, pattern = site.partition("=")
        if not _HOST_NAME.fullmatch(domain) and domain.isascii():
            yield f"{word!r} names {domain!r}, which is not a domain", "write domain=filter*weight"
        if star and not re.fullmatch(r"\s*[+-]?\d+", weight, re.ASCII):
            yield f"{word!r} has the weight {weight!r}, which is not a whole number", "write domain*2"
        if equals and not is_reply_filter(pattern):
            problem = f"{word!r} has the filter {pattern!r}, which is not four numbers from 0 to 255"
            yield problem, "write a filter such as 127.0.0.2 or 127.0.0.[2;4..8]"


def milter_protocol(text: str) -> Problem | None:
    """What keeps Postfix from reading ``milter_protocol`` (milter8.c, milter8_versions)."""
    given = [word.lower() for word in words(text)]
    versions = [word for word in given if word in _MILTER_VERSIONS]
    if len(versions) != 1 or not {*given} <= {*_MILTER_VERSIONS, "no_header_reply"}:
        return f"{text!r} is not a version of the Milter protocol", f"write one of {', '.join(_MILTER_VERSIONS)}"
    return None


def _milter_protocol(context: Context, value: Value) -> Iterator[Problem]:
    """Where no Milter is asked, or mail passes without one, it does not count."""
    service = value.setting.service
    asked = any(context.value(name, service) for name in ("smtpd_milters", "non_smtpd_milters"))
    problem = milter_protocol(value.text) if asked else None
    if problem is not None and context.value("milter_default_action", service).lower() != "accept":
        yield problem


def _delimiters(context: Context, value: Value) -> Iterator[Problem]:
    if not set(context.value("default_verp_delimiters")) <= set(context.value("verp_delimiter_filter")):
        yield "default_verp_delimiters has a character that verp_delimiter_filter lacks", "add it to the filter"


def _logs_in(context: Context, value: Value) -> Iterator[Problem]:
    maps = value.name.replace("_auth_enable", "_password_maps")
    if value.text.lower() == "yes" and not context.value(maps, value.setting.service):
        yield f"{value.name.partition('_')[0]}(8) does not start without {maps}", f"set {maps}, or {value.name} = no"


def _sasl(context: Context, value: Value) -> Iterator[Problem]:
    server = value.name.startswith("smtpd_")
    users = (
        any(context.is_yes("smtpd_sasl_auth_enable", service) for service in context.smtpd_services())
        if server
        else context.is_yes(value.name.partition("_")[0] + "_sasl_auth_enable", value.setting.service)
    )
    known = context.probe.sasl_types("-a" if server else "-A") if users else ()
    if known and value.text not in known:
        guess = nearest(value.text, known)
        yield (
            f"this Postfix was not built with the SASL type {value.text!r}",
            f"did you mean {guess}?" if guess else f"use {' or '.join(known)}",
        )


#: form -> the parameters that have it
_FORMS: tuple[tuple[Form, str], ...] = (
    (_host_name, "myhostname mydomain"),
    (_origin, "myorigin"),
    (_relayhost, "relayhost"),
    (_destinations, "address_verify_relayhost smtp_fallback_relay lmtp_fallback_relay fallback_relay"),
    (
        _transport,
        "content_filter default_transport fallback_transport local_transport mailbox_transport relay_transport"
        " virtual_transport address_verify_default_transport address_verify_local_transport"
        " address_verify_relay_transport address_verify_virtual_transport",
    ),
    (_proxy, "smtpd_proxy_filter"),
    (_account, "mail_owner default_privs"),
    (_group, "setgid_group"),
    (_directory, "queue_directory command_directory meta_directory"),
    (_programs, "daemon_directory"),
    (_libraries, "shlib_directory"),
    (_templates, "bounce_template_file"),
    (_port, "smtp_tcp_port lmtp_tcp_port"),
    (_bind_address, "smtp_bind_address smtp_bind_address6 lmtp_bind_address lmtp_bind_address6"),
    (_environment, "import_environment export_environment"),
    (_instances, "multi_instance_directories"),
    (_login_cache, "smtp_sasl_auth_cache_name lmtp_sasl_auth_cache_name"),
    (_probe_sender, "address_verify_sender"),
    (_conversion, "force_mime_input_conversion"),
    (_entropy, "tls_random_source"),
    (_exchange, "tls_random_exchange_name"),
    (_tls_config, "tls_config_file"),
    (_log_file, "maillog_file"),
    (_rate, "default_destination_concurrency_negative_feedback default_destination_concurrency_positive_feedback"),
    (_dns_lists, "postscreen_dnsbl_sites"),
    (_milter_protocol, "milter_protocol"),
    (_delimiters, "default_verp_delimiters verp_delimiter_filter"),
    (_logs_in, "smtp_sasl_auth_enable lmtp_sasl_auth_enable"),
    (_sasl, "smtpd_sasl_type smtp_sasl_type lmtp_sasl_type"),
)
FORM_OF: dict[str, Form] = {name: form for form, names in _FORMS for name in names.split()}


def formed(context: Context) -> Iterator[tuple[Value, Form]]:
    """The values that have a form of their own and differ from what the host has built in."""
    for value in context.values:
        form = FORM_OF.get(value.name)
        if form is not None and value.text and value.setting.value != context.defaults.get(value.name):
            yield value, form


@rule("wrong-form", ERROR, each=formed)
def wrong_form(context: Context, found: tuple[Value, Form]) -> Iterator[Fault]:
    """a text that a program cannot read or whose object the host lacks: an address for a host name, a list or a
    missing file in `myorigin`, a `relayhost` that is `myhostname`, a next hop or server with a transport, quotes,
    an open bracket, an unknown port or none, an account, group or directory that does not exist, a SASL type that
    Postfix was not built with, `maillog_file` outside its prefixes or without postlogd(8); a value that another
    parameter rules out, such as `multi_instance_directories` without `multi_instance_wrapper` | the right form |
    postconf(5), host_port.c, valid_hostname.c"""
    value, form = found
    for problem, cure in form(context, value):
        yield Fault(value.setting, f"{value.name}: {problem}", cure)
