# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a value an administrator gave, as a sentence; None where nothing is."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._tls import clients, policy

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


def key_pairs_problem(name: str, value: Any) -> str | None:
    """What keeps ``value`` from being a list of keys, each with its chain."""
    right = "Right would be a list such as [{'key_file': '/etc/ssl/b.key', 'chain_file': '/etc/ssl/b.pem'}]."
    if not isinstance(value, list):
        return f"{name} is {value!r}. {right}"
    for pair in value:
        if not isinstance(pair, Mapping) or not {"key_file", "chain_file"} <= set(pair):
            return f"{name} has the entry {pair!r}. {right}"
        for part in ("key_file", "chain_file"):
            problem = absolute_path_problem(f"{name}: {part}", pair[part])
            if problem:
                return problem
    return None


def profile_problem(name: str, value: Any) -> str | None:
    """What keeps ``value`` from being the name of a TLS profile."""
    if isinstance(value, str) and value in policy.PROFILES:
        return None
    return f"{name} is {value!r}. Right would be one of {', '.join(map(repr, policy.PROFILES))}."


def relay_clients_problem(name: str, value: Any) -> str | None:
    """What keeps ``value`` from being a list of clients that may relay by their certificate."""
    if not isinstance(value, list):
        return f"{name} is {value!r}. Right would be a list such as ['printer']."
    for entry in value:
        try:
            clients.relay_client(entry)
        except ValueError as exc:
            return f"{name}: {exc}."
    names = [entry if isinstance(entry, str) else entry["name"] for entry in value]
    for client in names:
        if names.count(client) > 1:
            return f"{name} has {client!r} twice. Right would be to name it once."
    return None


def client_certificates_problem(inputs: Mapping[str, Any]) -> str | None:
    """What is wrong with how the certificates of clients are asked for."""
    clients = inputs["postfix_relay_clients"]
    wish = inputs["postfix_tls_client_certificates"]
    services = inputs["postfix_tls_client_services"]
    known = ("smtp", "submission", "submissions")
    if not isinstance(services, list) or not services or any(name not in known for name in services):
        return (
            f"postfix_tls_client_services is {services!r}."
            f" Right would be a list of one or more of {', '.join(map(repr, known))}."
        )
    depth = inputs["postfix_tls_client_verify_depth"]
    if isinstance(depth, bool) or not str(depth).isdecimal() or not 1 <= int(depth) <= 100:
        return f"postfix_tls_client_verify_depth is {depth!r}. Right would be a number of issuers from 1 to 100."
    if wish not in ("ask", "require"):
        return f"postfix_tls_client_certificates is {wish!r}. Right would be 'ask' or 'require'."
    revoked = inputs["postfix_relay_clients_revoked"]
    if not isinstance(revoked, list):
        return f"postfix_relay_clients_revoked is {revoked!r}. Right would be a list of names such as ['old-laptop']."
    for client in clients if isinstance(clients, list) else ():
        if isinstance(client, str) and client in revoked:
            return (
                f"postfix_relay_clients has {client!r}, whose certificate is revoked, and Postfix reads no revocation"
                " list. Right would be to take it out."
            )
    trusted = inputs["postfix_tls_client_ca_file"] or inputs["postfix_tls_client_ca_directory"]
    if wish == "require" and clients and not trusted:
        return (
            "postfix_tls_client_certificates is 'require', and there is no CA that Postfix could trust the certificates"
            " by. Right would be to name one with postfix_tls_client_ca_file or postfix_tls_client_ca_directory."
        )
    if wish == "require" and clients and "smtp" in services:
        return (
            "postfix_tls_client_certificates is 'require' with 'smtp' in postfix_tls_client_services; other hosts have"
            " no certificate of yours, and TLS is optional on port 25 (RFC 3207, section 4)."
            " Right would be 'ask', or to leave 'smtp' out."
        )
    return None


#: what import_environment takes for one item (postconf(5)); a dollar sign would be expanded
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=[^\s,{}$]*")
#: inputs of the role that are judged together
_CERTIFICATE_INPUTS = frozenset({
    "postfix_tls_client_certificates", "postfix_tls_client_services", "postfix_tls_client_verify_depth",
    "postfix_relay_clients_revoked",
})  # fmt: skip
_POLICY_INPUTS = frozenset({"postfix_parameters", "postfix_services", "postfix_interfaces", "postfix_skip_checks"})
_OPTIONAL_FILES = frozenset({
    "postfix_tls_ca_file", "postfix_tls_ca_directory", "postfix_tls_client_ca_file", "postfix_tls_client_ca_directory",
    "postfix_tls_dhparam_file",
})  # fmt: skip


def postfix_problems(inputs: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each bad value among the inputs of the role ``postfix`` that ``inputs`` names."""
    found: list[str | None] = []
    if set(inputs) >= _CERTIFICATE_INPUTS:
        found.append(client_certificates_problem(inputs))
    if set(inputs) >= _POLICY_INPUTS:
        found.append(
            policy.required_on_port_25(
                inputs["postfix_parameters"],
                inputs["postfix_services"],
                inputs["postfix_interfaces"],
                inputs["postfix_skip_checks"],
            )
        )
    for name, value in inputs.items():
        if name in _CERTIFICATE_INPUTS or name in _POLICY_INPUTS:
            continue
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
        elif name in _OPTIONAL_FILES:
            found.append(absolute_path_problem(name, value) if value != "" else None)
        elif name == "postfix_tls_other_keys":
            found.append(key_pairs_problem(name, value))
        elif name == "postfix_environment":
            if not isinstance(value, list) or not all(_VARIABLE.fullmatch(str(item)) for item in value):
                found.append(
                    f"{name} is {value!r}. Right would be a list of variables such as ['TZ=UTC'], without blanks,"
                    " commas and braces."
                )
        elif name == "postfix_tls_profile":
            found.append(profile_problem(name, value))
        elif name == "postfix_relay_clients":
            found.append(relay_clients_problem(name, value))
        else:
            raise ValueError(f"no rule is known for the input {name!r}")
    return [sentence for sentence in found if sentence is not None]
