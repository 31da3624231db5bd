# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a value an administrator gave, as a sentence; None where nothing is."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")


def domain_problem(name: str, value: Any) -> str | None:
    """What keeps ``value`` from being a domain name (RFC 1035, section 2.3; at least two labels)."""
    right = "Right would be a domain name such as 'example.org'."
    if not isinstance(value, str) or not value:
        return f"{name} is {value!r}, which is no text. {right}"
    if len(value) > 253:
        return f"{name} is {value!r}, which is longer than the 253 characters of a domain name. {right}"
    labels = value.split(".")
    if len(labels) < 2:
        return (
            f"{name} is {value!r}, which has no dot. Right would be a fully qualified name such as 'mail.example.org'."
        )
    for label in labels:
        if not _LABEL.match(label):
            return (
                f"{name} is {value!r}, where {label!r} is no label of a domain name"
                f" (letters, digits and inner hyphens, 1 to 63 of them). {right}"
            )
    if labels[-1].isdigit():
        return f"{name} is {value!r}, which is an address and not a name. {right}"
    return None


def network_problem(name: str, value: Any) -> str | None:
    """What keeps ``value`` from being an entry of mynetworks: an address, a network, a table or $name."""
    right = "Right would be '192.0.2.0/24', '[2001:db8::]/32' or a lookup table such as 'cidr:/etc/postfix/networks'."
    if not isinstance(value, str) or not value.strip():
        return f"{name} has the entry {value!r}, which is no text. {right}"
    text = value.lstrip("!")
    if text.startswith(("$", "/")) or re.match(r"[a-z]+:/", text):
        return None
    match = re.fullmatch(r"\[([^\]]+)\](/\d+)?", text)
    if match:
        text = match.group(1) + (match.group(2) or "")
        if ":" not in text:
            return f"{name} has the entry {value!r}, where brackets are for IPv6 addresses only. {right}"
    elif ":" in text:
        return f"{name} has the entry {value!r}; Postfix wants an IPv6 address in brackets. {right}"
    try:
        ipaddress.ip_network(text, strict=True)
    except ValueError as exc:
        return f"{name} has the entry {value!r}, which is no network: {exc}. {right}"
    return None


def absolute_path_problem(name: str, value: Any) -> str | None:
    """What keeps ``value`` from being the absolute path of a file."""
    if not isinstance(value, str) or not value.startswith("/") or value.endswith("/"):
        return (
            f"{name} is {value!r}, which is not the absolute path of a file."
            " Right would be one such as '/etc/ssl/mail.pem'."
        )
    if any(character.isspace() or character in ",\0" for character in value):
        return f"{name} is {value!r}; a path in main.cf can have neither blanks nor commas. Choose one without."
    return None


def postfix_problems(inputs: dict[str, Any]) -> list[str]:
    """Return a sentence for each bad value among the inputs of the role ``postfix`` that ``inputs`` names."""
    found: list[str | None] = []
    for name, value in inputs.items():
        if name == "postfix_hostname":
            found.append(domain_problem(name, value))
        elif name == "postfix_networks":
            if not isinstance(value, list):
                found.append(f"{name} is {value!r}. Right would be a list such as ['127.0.0.0/8', '[::1]/128'].")
            else:
                found.extend(network_problem(name, entry) for entry in value)
        elif name in ("postfix_tls_key_file", "postfix_tls_chain_file"):
            found.append(absolute_path_problem(name, value))
        elif name == "postfix_message_size_limit":
            if isinstance(value, bool) or not str(value).isdigit():
                found.append(f"{name} is {value!r}. Right would be a number of bytes such as 51200000; 0 is no limit.")
        elif name == "postfix_recipient_delimiter":
            if not isinstance(value, str) or any(c.isalnum() or c.isspace() or c in "@<>,;" for c in value):
                found.append(f"{name} is {value!r}. Right would be a character such as '+' or '-', or '' for none.")
        elif name == "postfix_tls_minimum":
            if value not in ("TLSv1.2", "TLSv1.3"):
                found.append(f"{name} is {value!r}. Right would be 'TLSv1.2' or 'TLSv1.3'.")
        else:
            raise ValueError(f"no rule is known for the input {name!r}")
    return [sentence for sentence in found if sentence is not None]
