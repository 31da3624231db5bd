# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks and addresses: how they are written, whose they are, and which of them is everyone."""

from __future__ import annotations

import contextlib
import ipaddress
import itertools
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Union

from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.contents import is_the_internet
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.lookups import TABLE_SHAPE
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.match_lists import MatchList, entries
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.registry import ERROR, WARNING, Fault, rule
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import (
    Setting,
    Value,
    nearest,
    words,
)

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.master_cf import Service

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

_NETWORK_LISTS = frozenset(
    {
        "mynetworks",
        "permit_mx_backup_networks",
        "postscreen_access_list",
        "qmqpd_authorized_clients",
        "smtpd_authorized_verp_clients",
        "smtpd_authorized_xclient_hosts",
        "smtpd_authorized_xforward_hosts",
        "smtpd_client_event_limit_exceptions",
        "smtpd_forbid_bare_newline_exclusions",
        "smtpd_sasl_exceptions_networks",
    }
)
#: Characters of a list that a message shows.
_SHOWN = 60
_RESOLVER = "etc/resolv.conf"
#: The words that stand for interfaces, where nothing else stands beside them.
_INTERFACES = ("all", "loopback-only")
#: What people write for the two words that inet_interfaces knows.
_INTERFACE_WORDS = {"any": "all", "*": "all", "loopback": "loopback-only", "lo": "loopback-only"}


def networks(context: Context) -> Iterator[tuple[Setting, str, str]]:
    """The words of the lists of networks and of the files that they name, each with its place in a file."""
    for value in context.values:
        if value.name in _NETWORK_LISTS:
            for word, negated, where in entries(context, value.text):
                yield value.setting, f"!{word}" if negated and not where else word, where


def _network(word: str) -> str | None:
    """A word as ``address/length``, without brackets; None where it is a name, a file or a table."""
    text = word.lstrip("!")
    if text.startswith("["):
        match = re.fullmatch(r"\[([^\]]*)\](/(.*))?", text)
        text = match[1] + (match[2] or "") if match else text
        return text if text.startswith("[") or re.match(r"[0-9.]+(/|$)|[0-9a-fA-F:.]*:", text) else None
    if text.startswith("/") or TABLE_SHAPE.match(text):
        return None
    return text if re.match(r"[0-9.]+(/|$)|[0-9a-fA-F:.]*:", text) else None


def _problem(word: str) -> tuple[str, str] | None:
    """What is wrong with a network, and the cure."""
    text = _network(word)
    if text is None:
        return None
    if text.startswith("["):
        return "its bracket is not closed", "write [address]/length"
    try:
        network: Network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        cure = "write address/length, such as 192.0.2.0/24 or [2001:db8::]/32"
        return "it is not an address with a prefix length", cure
    six = network.version == 6
    written = f"[{network.network_address}]/{network.prefixlen}" if six else str(network)
    cure = f"write {'!' if word.startswith('!') else ''}{written}"
    if not re.fullmatch(r"[^/]+(/[0-9]+)?", text):
        return "Postfix takes the length of a prefix, and no mask", cure
    if ipaddress.ip_address(text.partition("/")[0]) != network.network_address:
        return "the address has bits after the prefix", cure
    if six and "[" not in word:
        return "an IPv6 address needs brackets", cure
    return None


@rule("wrong-network", ERROR, each=networks)
def wrong_network(context: Context, network: tuple[Setting, str, str]) -> Iterator[Fault]:
    """an address with bits after its prefix, IPv6 without brackets, a wrong prefix, a mask for a prefix; in the value
    or in a file that it names | the network in the right form | postconf(5), `mynetworks`, cidr_match.c"""
    setting, word, where = network
    problem = _problem(word)
    if problem is not None:
        why, cure = problem
        place = f" ({where})" if where else ""
        yield Fault(setting, f"{setting.name}: {word!r}{place} is not a network: {why}", cure)


def everyone(context: Context, setting: Setting, text: str) -> list[str]:
    """The words of a list of networks, and of the files that it names, which hold a great part of the Internet."""
    parents = setting.name in words(context.value("parent_domain_matches_subdomains", setting.service))
    found = []
    for word, negated, where in entries(context, text):
        if negated:
            continue
        network = _network(word)
        if network is None:
            large = bool(TABLE_SHAPE.match(word)) and MatchList(context, word, parents).has_everyone()
        else:
            large = _problem(word) is None and is_the_internet(network)
        if large:
            found.append(f"{word} ({where})" if where else word)
    if not found and MatchList(context, text, parents).has_everyone():
        found.append(text if len(text) < _SHOWN else f"{text[:_SHOWN]}…")
    return found


def network_lists(context: Context) -> Iterator[Value]:
    """The lists of networks."""
    for value in context.values:
        if value.name in _NETWORK_LISTS:
            yield value


@rule("mynetworks-everyone", ERROR, each=network_lists)
def mynetworks_everyone(context: Context, value: Value) -> Iterator[Fault]:
    """`mynetworks` with all hosts on the Internet or many of them: `0.0.0.0/0`, `[::]/0`, another network larger than
    any site has, `static:`, or networks that are too many together; in the value, in a file, or in a table that it
    names | the networks whose hosts are yours | postconf(5), `mynetworks`, match_list.c"""
    for found in everyone(context, value.setting, value.text) if value.name == "mynetworks" else ():
        yield Fault(
            value.setting,
            f"mynetworks has {found!r}: all hosts on the Internet, or many of them, may relay mail through this host",
            "name only networks whose hosts you run, such as 127.0.0.0/8 [::1]/128",
        )


def styles(context: Context) -> Iterator[Value]:
    """Where mynetworks_style says what mynetworks is."""
    for value in context.values:
        if value.name == "mynetworks_style" and context.setting_of("mynetworks", value.setting.service) is None:
            yield value


@rule("mynetworks-class", WARNING, each=styles)
def mynetworks_class(context: Context, value: Value) -> Iterator[Fault]:
    """`mynetworks_style = class`, which trusts the class A, B or C network of each interface: up to 16 million
    addresses, those of other customers of a provider included | `mynetworks_style = subnet`, or `mynetworks` |
    postconf(5), `mynetworks_style`"""
    local = all(word in ("loopback-only", "localhost") for word in words(context.value("inet_interfaces")))
    if value.text.lower() == "class" and not local:
        yield Fault(
            value.setting,
            "mynetworks_style: 'class' lets the whole class A, B or C network of each interface relay mail, other"
            " customers of a provider included",
            "write mynetworks_style = subnet, or name your networks in mynetworks",
        )


def resolvers(context: Context) -> Iterator[Service]:
    """The first service in the chroot that asks name servers. What starts Postfix may copy files into the chroot."""
    if context.probe.file(f"{context.value('queue_directory')}/pid/master.pid") is not None:
        chrooted = (
            service
            for service in context.services
            if service.command in ("smtp", "smtpd") and context.chrooted(service)
        )
        yield from itertools.islice(chrooted, 1)


@rule("chroot-resolver", WARNING, each=resolvers)
def chroot_resolver(context: Context, service: Service) -> Iterator[Fault]:
    """an smtp(8) or smtpd(8) in the chroot, which lacks `etc/resolv.conf` although the host has one, after Postfix has
    been started | the file, copied into the chroot | resolver(5), master(5)"""
    queue = context.value("queue_directory")
    path = f"{queue}/{_RESOLVER}"
    if context.probe.file(f"/{_RESOLVER}") is not None and context.probe.file(path) is None:
        yield Fault(
            context.place(service),
            f"service {service.name}/{service.type}: {service.command} runs in the chroot, and {path} is missing: it"
            " asks a name server at 127.0.0.1, whatever /etc/resolv.conf says",
            f"copy /etc/resolv.conf to {path}",
        )


def interfaces(context: Context) -> Iterator[tuple[Setting, str]]:
    """The words that name an interface of the host."""
    for value in context.values:
        if value.name in ("inet_interfaces", "proxy_interfaces"):
            if value.name == "inet_interfaces" and value.text in _INTERFACES:
                continue
            for word in words(value.text):
                yield value.setting, word
        elif value.name.endswith(("_bind_address", "_bind_address6")) and value.text:
            yield value.setting, value.text


def _address(setting: Setting, word: str) -> str | None:
    """A word that is, or must be, an IP address, without brackets."""
    text = word.strip("[]")
    if setting.name.endswith(("_bind_address", "_bind_address6")):
        return text
    return text if re.fullmatch(r"[0-9.]+|[0-9a-fA-F:.%]*:[0-9a-zA-Z:.%]*", text) else None


def is_address(text: str) -> bool:
    """Whether a text is an IP address."""
    with contextlib.suppress(ValueError):
        return bool(ipaddress.ip_address(text.partition("%")[0]).version)
    return False


_OCTET = r"0*(?:\d{1,2}|1\d\d|2[0-4]\d|25[0-5])"
_MEMBER = rf"{_OCTET}(?:\.\.{_OCTET})?"
_FIELD = rf"(?:{_OCTET}|\[{_MEMBER}(?:;{_MEMBER})*\])"
_REPLIES = re.compile(rf"{_FIELD}(?:\.{_FIELD}){{3}}", re.ASCII)


def is_reply_filter(text: str) -> bool:
    """Whether a text is a pattern of the addresses that a DNS list answers with, such as ``127.0.0.[2;4..11]``
    (ip_match.c)."""
    inner = text[1:-1] if text.startswith("[") and text.endswith("]") else ""
    whole = next((one for one in (text, inner) if _REPLIES.fullmatch(one)), None)
    ranges = re.findall(r"(\d+)\.\.(\d+)", whole or "")
    return whole is not None and all(int(low) <= int(high) for low, high in ranges)


@rule("wrong-address", ERROR, each=interfaces)
def wrong_address(context: Context, interface: tuple[Setting, str]) -> Iterator[Fault]:
    """a word that is not an address; `any` in `inet_interfaces`; `all` or `loopback-only` in capital letters or beside
    other words, where Postfix looks for a host of that name; an IPv6 address where `inet_protocols` has only `ipv4`, or
    the other way round | `all`, `loopback-only`, or an address | postconf(5), `inet_interfaces`, own_inet_addr.c"""
    setting, word = interface
    address, text = _address(setting, word), word.strip("[]").lower()
    if address is not None:
        if not is_address(address):
            yield Fault(setting, f"{setting.name}: {word!r} is not an IP address", "write an IP address")
        elif setting.name in ("inet_interfaces", "proxy_interfaces"):
            family = "ipv6" if ":" in address else "ipv4"
            protocols = words(context.value("inet_protocols", setting.service))
            if protocols and not {family, "all"} & {*protocols}:
                yield Fault(
                    setting,
                    f"{setting.name}: {word!r} is not of the inet_protocols ({', '.join(protocols)}), so Postfix does"
                    " not find it, and stops",
                    f"remove {word}, or add {family} to inet_protocols",
                )
    elif text in _INTERFACES and setting.name == "proxy_interfaces":
        yield Fault(setting, f"{setting.name}: {word!r} is not an address or a host name", "write the addresses")
    elif word in _INTERFACES:
        yield Fault(
            setting,
            f"{setting.name}: {word!r} stands beside other words, so Postfix takes it for the name of a host",
            f"write {setting.name} = {word}, or only addresses",
        )
    elif text in _INTERFACES or text in _INTERFACE_WORDS or not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9.])?", text):
        guess = nearest(text, _INTERFACES) or _INTERFACE_WORDS.get(text)
        yield Fault(
            setting,
            f"{setting.name}: {word!r} is not an address, a host name, all or loopback-only",
            f"did you mean {guess}?" if guess else "write an address, all or loopback-only",
        )


def nowhere(context: Context) -> Iterator[tuple[Value, Service]]:
    """An empty list of interfaces or protocols in main.cf, with the first service that is to listen on them."""
    for value in context.values:
        if value.name in ("inet_interfaces", "inet_protocols") and not value.text and value.setting.service is None:
            listening = (
                (value, service)
                for service in context.services
                if service.type == "inet" and (value.name == "inet_protocols" or ":" not in service.name)
            )
            yield from itertools.islice(listening, 1)


@rule("listens-nowhere", ERROR, each=nowhere)
def listens_nowhere(context: Context, found: tuple[Value, Service]) -> Iterator[Fault]:
    """an empty `inet_interfaces`, with which master(8) does not start, or an empty `inet_protocols`, with which all
    ports stay closed, while `master.cf` has a service that is to listen | `loopback-only`, `all`, or no such service |
    postconf(5), master_ent.c, inet_proto.c"""
    value, service = found
    least, then = {
        "inet_interfaces": ("loopback-only", "Postfix does not start"),
        "inet_protocols": ("all", "its port stays closed"),
    }[value.name]
    yield Fault(
        value.setting,
        f"{value.name} is empty, and the service {service.name}/{service.type} is to listen: {then}",
        f"set {value.name} = {least}, or remove the inet services from master.cf",
    )


def _elsewhere(context: Context, setting: Setting, word: str) -> Iterator[Fault]:
    address = _address(setting, word)
    if address and is_address(address) and context.probe.has_address(address) is False:
        message = f"{setting.name}: no interface of this host has the address {address}"
        yield Fault(setting, message, "name an address of this host")


@rule("address-not-local", ERROR, each=interfaces)
def address_not_local(context: Context, interface: tuple[Setting, str]) -> Iterator[Fault]:
    """`inet_interfaces` with an address that no interface of the host has, with which master(8), postqueue(1) and
    sendmail(1) end | an address of the host | own_inet_addr.c"""
    if interface[0].name == "inet_interfaces":
        yield from _elsewhere(context, *interface)


@rule("bind-address-not-local", WARNING, each=interfaces)
def bind_address_not_local(context: Context, interface: tuple[Setting, str]) -> Iterator[Fault]:
    """a client that is to send from an address that no interface of the host has | an address of the host | bind(2)"""
    if interface[0].name.endswith(("_bind_address", "_bind_address6")):
        yield from _elsewhere(context, *interface)
