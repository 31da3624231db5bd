# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules for the inputs of the role ``tls_pki``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._tls.chains import parse_chain
from ansible_collections.puffy.mail.plugins.module_utils._tls.names import client_name, dns_name, subject_names

#: where certificates can come from
SOURCES = ("private_ca", "acme", "given", "existing")
KEY_TYPES = ("rsa", "ecdsa")
#: directories whose certificates belong to others
SYSTEM_DIRECTORIES = (
    "", "/etc", "/etc/ssl", "/etc/ssl/certs", "/etc/ssl/private", "/etc/postfix", "/etc/dovecot", "/etc/acme",
    "/etc/letsencrypt", "/etc/ca-certificates", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
)  # fmt: skip


def _file_problem(name: str, value: Any) -> str | None:
    if not isinstance(value, str) or not re.match(r"/[^\0\s,]*[^\0\s,/]\Z", value):
        return (
            f"{name} is {value!r}. Right would be the absolute path of a file, without blanks and commas, such as"
            " '/etc/ssl/mail.pem'."
        )
    return None


def _days_problem(name: str, value: Any, low: int, high: int) -> str | None:
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = low - 1
    if isinstance(value, bool) or not low <= number <= high:
        return f"{name} is {value!r}. Right would be a number of days from {low} to {high}."
    return None


def input_problems(inputs: Mapping[str, Any]) -> list[str]:
    """A sentence for each bad value among the inputs of the role ``tls_pki``."""
    found: list[str | None] = []
    source = inputs["tls_pki_source"]
    if source not in SOURCES:
        found.append(f"tls_pki_source is {source!r}. Right would be one of: {', '.join(SOURCES)}.")
    try:
        dns_name(str(inputs["tls_pki_hostname"]))
    except ValueError as exc:
        found.append(f"tls_pki_hostname: {exc}.")
    names = inputs["tls_pki_names"]
    if not isinstance(names, list):
        found.append(f"tls_pki_names is {names!r}. Right would be a list such as ['imap.example.org', '192.0.2.25'].")
    else:
        for name in names:
            try:
                subject_names([str(name)])
            except ValueError as exc:
                found.append(f"tls_pki_names: {exc}.")
    types = inputs["tls_pki_key_types"]
    right = "Right would be one or both of 'rsa' and 'ecdsa', as a list such as ['rsa', 'ecdsa']."
    if not isinstance(types, list) or not types or len(set(map(str, types))) != len(types):
        found.append(f"tls_pki_key_types is {types!r}. {right}")
    else:
        found.extend(
            f"tls_pki_key_types has {kind!r}. {right}"
            + (" LibreSSL cannot serve Ed25519." if str(kind).lower() == "ed25519" else "")
            for kind in types
            if kind not in KEY_TYPES
        )
    if str(inputs["tls_pki_rsa_bits"]) not in ("2048", "3072", "4096", "8192"):
        found.append(f"tls_pki_rsa_bits is {inputs['tls_pki_rsa_bits']!r}. Right would be 2048, 3072, 4096 or 8192.")
    files = ("tls_pki_key_file", "tls_pki_chain_file", "tls_pki_ca_file")
    found.extend(_file_problem(name, inputs[name]) for name in files)
    if len({inputs[name] for name in files}) < len(files):
        found.append(
            "tls_pki_key_file, tls_pki_chain_file and tls_pki_ca_file must be three files, and two are the same."
        )
    found.append(_days_problem("tls_pki_minimum_days", inputs["tls_pki_minimum_days"], 0, 36500))
    trusted = inputs["tls_pki_trusted"]
    if not isinstance(trusted, Mapping):
        found.append(f"tls_pki_trusted is {trusted!r}. Right would be certificates by name, such as {{'partner': …}}.")
    else:
        for name, text in trusted.items():
            try:
                try:
                    client_name(str(name))
                except ValueError:
                    raise ValueError(
                        f"tls_pki_trusted has the name {name!r}, which cannot be the name of a file"
                    ) from None
                if len(parse_chain(str(text), f"tls_pki_trusted: {name}")) > 1:
                    raise ValueError(f"tls_pki_trusted: {name}: has more than one certificate; give each its own name")
            except ValueError as exc:
                found.append(f"{exc}.")
    directory = inputs["tls_pki_trusted_directory"]
    if isinstance(directory, str) and directory.rstrip("/") in SYSTEM_DIRECTORIES:
        found.append(
            f"tls_pki_trusted_directory is {directory!r}, where the system or another program keeps certificates, and"
            " those that are not in tls_pki_trusted would be taken away. Right would be a directory of its own, such as"
            " '/etc/ssl/mail-cas'."
        )
    else:
        found.append(_file_problem("tls_pki_trusted_directory", directory))
    wish, bits = inputs["tls_pki_dhparam"], inputs["tls_pki_dhparam_bits"]
    groups = ("ffdhe2048", "ffdhe3072", "ffdhe4096", "ffdhe6144", "ffdhe8192")
    if wish and wish != "generate" and wish not in groups:
        found.append(
            f"tls_pki_dhparam is {wish!r}. Right would be '' for none, 'generate', or one of: {', '.join(groups)}."
        )
    if wish == "generate" and (not str(bits).isdigit() or not 2048 <= int(bits) <= 8192 or int(bits) % 8):
        found.append(f"tls_pki_dhparam_bits is {bits!r}. Right would be a multiple of 8 from 2048 to 8192.")
    found.append(_file_problem("tls_pki_dhparam_file", inputs["tls_pki_dhparam_file"]))
    if source == "private_ca":
        found.extend(_authority_problems(inputs))
    if source == "acme":
        found.extend(_acme_problems(inputs))
    if source == "given" and isinstance(types, list):
        found.extend(_given_problems(inputs["tls_pki_given"], types))
    return [problem for problem in found if problem is not None]


def _acme_problems(inputs: Mapping[str, Any]) -> list[str | None]:
    """The problems of the inputs that only certificates by ACME have."""
    found: list[str | None] = []
    url = inputs["tls_pki_acme_directory_url"]
    if not isinstance(url, str) or not re.match(r"https://[A-Za-z0-9.:\[\]-]+/[!-~]*\Z", url) or '"' in url:
        found.append(
            f"tls_pki_acme_directory_url is {url!r}. Right would be the https URL of a directory, such as"
            " 'https://acme-v02.api.letsencrypt.org/directory'."
        )
    address = inputs["tls_pki_acme_email"]
    if address and not re.match(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\Z", str(address)):
        found.append(f"tls_pki_acme_email is {address!r}. Right would be a mail address, or '' for none.")
    if str(inputs["tls_pki_acme_terms_agreed"]).lower() not in ("true", "yes"):
        found.append(
            "tls_pki_acme_terms_agreed is false. An ACME server issues to those who agree to its terms; read them, then"
            " set it to true."
        )
    if inputs["tls_pki_acme_challenge_directory"]:
        found.append(_file_problem("tls_pki_acme_challenge_directory", inputs["tls_pki_acme_challenge_directory"]))
    names = inputs["tls_pki_names"]
    for name in names if isinstance(names, list) else ():
        if re.fullmatch(r"[0-9a-fA-F:.]+", str(name)) and (":" in str(name) or str(name)[-1:].isdigit()):
            found.append(
                f"tls_pki_names has {name!r}, and ACME clients ask for host names only. Leave the address out."
            )
        elif str(name).startswith("*"):
            found.append(
                f"tls_pki_names has {name!r}, and a wildcard cannot be proved over HTTP (RFC 8555, section 8.3)."
                " Name the hosts."
            )
    return found


def _given_problems(given: Any, types: Sequence[Any]) -> list[str]:
    """The problems of the sets that are deployed from the control side."""
    right = "Right would be {'rsa': {'key': …, 'chain': …}}, the key from a vault, both in PEM form."
    if not isinstance(given, dict):
        return [f"tls_pki_given is a {type(given).__name__}. {right}"]
    found = []
    for kind in types:
        entry = given.get(kind)
        lacks = [part for part in ("key", "chain") if not isinstance(entry, dict) or not entry.get(part)]
        if lacks:
            found.append(f"tls_pki_given has no {' and no '.join(lacks)} for the key type {kind!r}. {right}")
    return found


def _authority_problems(inputs: Mapping[str, Any]) -> list[str | None]:
    """The problems of the inputs that only a private CA has."""
    found: list[str | None] = []
    for name, place in (("tls_pki_ca_directory", "host of the CA"), ("tls_pki_ca_public_directory", "control node")):
        directory = inputs[name]
        if not isinstance(directory, str) or not directory.startswith("/") or not directory.strip("/"):
            found.append(
                f"{name} is {directory!r}. Right would be the absolute path of a directory on the {place}, such as"
                " '{{ inventory_dir }}/pki'."
            )
    host = inputs["tls_pki_ca_host"]
    if host != "localhost" and host not in inputs["inventory_hosts"]:
        found.append(
            f"tls_pki_ca_host is {host!r}. Right would be 'localhost' for the control node, or a host of the inventory."
        )
    elif host != "localhost" and host in inputs["mail_hosts"]:
        found.append(
            f"tls_pki_ca_host is {host!r}, which is a mail host, and the key of the CA must be on none: whoever breaks"
            " into it could issue certificates. Right would be 'localhost', or a host that serves no mail."
        )
    lifetimes = ["tls_pki_certificate_days", "tls_pki_ca_days"]
    pairs = [
        ("tls_pki_renew_before_days", "tls_pki_certificate_days"),
        ("tls_pki_ca_renew_before_days", "tls_pki_ca_days"),
    ]
    if inputs["tls_pki_ca_intermediate"]:
        lifetimes.append("tls_pki_ca_intermediate_days")
        pairs.append(("tls_pki_ca_renew_before_days", "tls_pki_ca_intermediate_days"))
    bad = [_days_problem(name, inputs[name], 1, 36500) for name in lifetimes]
    found.extend(bad)
    if not any(bad):
        found.extend(_days_problem(short, inputs[short], 0, int(inputs[long]) - 1) for short, long in pairs)
    clients, revoked = inputs["tls_pki_clients"], inputs["tls_pki_revoked"]
    for name, value in (("tls_pki_clients", clients), ("tls_pki_revoked", revoked)):
        if not isinstance(value, list):
            found.append(f"{name} is {value!r}. Right would be a list of names such as ['printer'].")
    if isinstance(clients, list) and isinstance(revoked, list):
        for name in clients:
            try:
                client_name(str(name))
            except ValueError as exc:
                found.append(f"tls_pki_clients: {exc}.")
            if clients.count(name) > 1 or name in revoked:
                where = "there twice" if clients.count(name) > 1 else "in tls_pki_revoked too"
                problem = f"tls_pki_clients: {name!r} is {where}. Right would be to name it once."
                if problem not in found:
                    found.append(problem)
    return found
