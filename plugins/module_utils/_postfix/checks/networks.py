# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks and addresses: how they are written, whose they are, and which of them is everyone."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Union

from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.lookups import TABLE_SHAPE
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.registry import ERROR, WARNING, Fault, rule
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import Setting, nearest, words

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context

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
#: What people write for the two words that inet_interfaces knows.
_INTERFACE_WORDS = {"any": "all", "*": "all", "loopback": "loopback-only", "lo": "loopback-only"}
#: Regular expressions that match whatever is looked up.
_MATCH_ALL = frozenset({"//", "/./", "/^/", "/$/", "/.*/", "/.+/", "/^.*/", "/^.*$/", "/.*$/", "/^.+$/"})


def is_the_internet(text: str) -> bool:
    """Whether a network is more than any one site has: no IPv4 network has been larger than a /8 (RFC 790), and
    registries of whole continents have a /12 of the global addresses 2000::/3 (RFC 4291)."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    if isinstance(network, ipaddress.IPv4Network):
        return network.prefixlen < 8
    return network.prefixlen <= 12 and network.overlaps(ipaddress.IPv6Network("2000::/3"))


def everything(context: Context, text: str) -> str | None:
    """What a table answers to every client or address, or None where that is not plain to see.

    ``static:`` always does, ``cidr:``, ``pcre:`` and ``regexp:`` tables where a line says so.
    """
    table_type, _unused, name = text.partition(":")
    if table_type in ("proxy", "debug"):
        return everything(context, name)
    if table_type == "static":
        return name.strip("{}").strip()
    if table_type not in ("cidr", "pcre", "regexp"):
        return None
    inside = name.startswith("{")
    for line in (word.strip("{}") for word in words(name[1:-1])) if inside else context.lines(name):
        pattern, _unused, answer = line.strip().partition(" ")
        if pattern.startswith("if"):
            # What holds inside of a condition is not for everyone.
            return None
        if is_the_internet(pattern) if table_type == "cidr" else pattern.rstrip("imxsu") in _MATCH_ALL:
            return answer.strip()
    return None


def networks(context: Context) -> Iterator[tuple[Setting, str]]:
    """The words of the lists of networks."""
    for value in context.values:
        if value.name in _NETWORK_LISTS:
            for word in words(value.text):
                yield value.setting, word


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
    if ipaddress.ip_address(text.partition("/")[0]) != network.network_address:
        return "the address has bits after the prefix", cure
    if six and "[" not in word:
        return "an IPv6 address needs brackets", cure
    return None


@rule("wrong-network", ERROR, each=networks)
def wrong_network(context: Context, network: tuple[Setting, str]) -> Iterator[Fault]:
    """an address with bits after its prefix, IPv6 without brackets, a wrong prefix | the network in the right form |
    postconf(5), `mynetworks`"""
    setting, word = network
    problem = _problem(word)
    if problem is not None:
        why, cure = problem
        yield Fault(setting, f"{setting.name}: {word!r} is not a network: {why}", cure)


def _everyone(context: Context, word: str) -> str | None:
    """The word, or the line of the file that it names, which holds a great part of the Internet."""
    if word.startswith("/"):
        # The lines of a file are part of the list (match_list.c): the first of them that holds everyone is told.
        for number, line in enumerate(context.lines(word), 1):
            for inner in words("" if line.lstrip().startswith("#") else line):
                if is_the_internet(inner.strip("[").replace("]", "")):
                    return f"{inner} ({word} line {number})"
        return None
    if word.startswith("!"):
        return None
    if TABLE_SHAPE.match(word):
        return word if everything(context, word) is not None else None
    network = _network(word)
    return word if network is not None and _problem(word) is None and is_the_internet(network) else None


@rule("mynetworks-everyone", ERROR, each=networks)
def mynetworks_everyone(context: Context, network: tuple[Setting, str]) -> Iterator[Fault]:
    """`0.0.0.0/0`, `[::]/0`, another network larger than any site has, or `static:` in `mynetworks`, in a file or in a
    `cidr:`, `pcre:` or `regexp:` table that it names | the networks whose hosts are yours | postconf(5),
    `mynetworks`"""
    setting, word = network
    found = _everyone(context, word) if setting.name == "mynetworks" else None
    if found is not None:
        yield Fault(
            setting,
            f"mynetworks has {found!r}: all hosts on the Internet, or many of them, may relay mail through this host",
            "name only networks whose hosts you run, such as 127.0.0.0/8 [::1]/128",
        )


def interfaces(context: Context) -> Iterator[tuple[Setting, str]]:
    """The words that name an interface of the host."""
    for value in context.values:
        if value.name in ("inet_interfaces", "proxy_interfaces"):
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


@rule("wrong-address", ERROR, each=interfaces)
def wrong_address(context: Context, interface: tuple[Setting, str]) -> Iterator[Fault]:
    """a word that is not an address; `any` in `inet_interfaces` | `all`, `loopback-only`, or an address | postconf(5),
    `inet_interfaces`"""
    setting, word = interface
    address, text = _address(setting, word), word.strip("[]").lower()
    if address is not None:
        if not is_address(address):
            yield Fault(setting, f"{setting.name}: {word!r} is not an IP address", "write an IP address")
    elif text in _INTERFACE_WORDS or not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9.])?", text):
        guess = nearest(text, ("all", "loopback-only")) or _INTERFACE_WORDS.get(text)
        yield Fault(
            setting,
            f"{setting.name}: {word!r} is not an address, a host name, all or loopback-only",
            f"did you mean {guess}?" if guess else "write an address, all or loopback-only",
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
