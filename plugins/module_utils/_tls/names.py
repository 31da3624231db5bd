# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of hosts and clients in certificates."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import domain_fault

_CLIENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}\Z")


def dns_name(name: str, *, wildcard: bool = False) -> str:
    """``name`` in lower case and without a final dot; ValueError unless it is a host name with two or more labels."""
    text = name.strip().lower()
    text = text[:-1] if text.endswith(".") else text
    labels = text.split(".")
    plain = labels[1:] if wildcard and labels[0] == "*" else labels
    fault = domain_fault(".".join(plain), underscore=True)
    if len(plain) < 2 or fault or len(text) > 253 or labels[-1].isdigit():
        hint = ""
        if not name.isascii():
            hint = " (an international name is written in its ASCII form, 'xn--...')"
        raise ValueError(
            f"{name!r} is not a fully qualified domain name: two or more labels of letters, digits and hyphens,"
            f" such as 'mail.example.org'{hint}"
        )
    return text


def subject_names(names: Iterable[str]) -> tuple[str, ...]:
    """The distinct subject alternative names of ``names``, in order: ``DNS:name`` or ``IP:address``.

    A wildcard may stand for the first label (RFC 6125, section 6.4.3). ValueError quotes any other name.
    """
    result: list[str] = []
    for name in names:
        try:
            entry = f"IP:{ipaddress.ip_address(name.strip())}"
        except ValueError:
            try:
                entry = f"DNS:{dns_name(name, wildcard=True)}"
            except ValueError as exc:
                raise ValueError(f"{exc}, and it is no IP address either") from None
        if entry not in result:
            result.append(entry)
    return tuple(result)


def covers(names: Iterable[str], wanted: str) -> bool:
    """Whether ``wanted`` (``DNS:name`` or ``IP:address``) is among ``names``, wildcards included (RFC 6125, 6.4.3)."""
    if wanted in names:
        return True
    parent = wanted[len("DNS:") :].partition(".")[2]
    return wanted.startswith("DNS:") and bool(parent) and f"DNS:*.{parent}" in names


def client_name(name: str) -> str:
    """``name`` when it can be a client's common name and the stem of its files; else ValueError."""
    if not _CLIENT.match(name) or ".." in name:
        raise ValueError(
            f"client name {name!r} is not usable: 1 to 64 letters, digits and the characters . _ @ + -,"
            " the first a letter or digit, and no two dots in a row"
        )
    return name
