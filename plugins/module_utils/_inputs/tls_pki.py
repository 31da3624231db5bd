# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role ``tls_pki`` accepts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._inputs.judge import (
    INVENTORY_HOSTS,
    PLAY_HOSTS,
    Problem,
    Table,
)
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import (
    PASSWORD_LEAST,
    account,
    anything,
    checked_by,
    directory,
    domain,
    each,
    length,
    listed,
    number,
    optional,
    path,
    shown,
    some_of,
)
from ansible_collections.puffy.mail.plugins.module_utils._tls.chains import parse_chain
from ansible_collections.puffy.mail.plugins.module_utils._tls.names import client_name, subject_names

#: directories whose certificates belong to others
_SYSTEM_DIRECTORIES = (
    "", "/etc", "/etc/ssl", "/etc/ssl/certs", "/etc/ssl/private", "/etc/postfix", "/etc/dovecot", "/etc/acme",
    "/etc/letsencrypt", "/etc/ca-certificates", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
)  # fmt: skip
_GROUPS = ("ffdhe2048", "ffdhe3072", "ffdhe4096", "ffdhe6144", "ffdhe8192")
_SUBJECT = ("country", "state", "locality", "organization", "organizational_unit")
_days = number(1, 36500, "days")


def _key_types(value: Any) -> str | None:
    problem = some_of("rsa", "ecdsa")(value)
    if problem and isinstance(value, list) and "ed25519" in (str(kind).lower() for kind in value):
        return f"{problem} LibreSSL cannot serve Ed25519."
    return problem


_name = checked_by(lambda name: subject_names([name]))
_client = checked_by(client_name)


def _trusted(value: Any) -> str | None:
    """Certificates by name."""
    if not isinstance(value, Mapping):
        return f"is {shown(value)}. Use certificates by name, such as {{'partner': …}}."
    for name, text in value.items():
        try:
            client_name(str(name))
        except ValueError:
            return f"has the name {name!r}, which cannot be the name of a file. Use letters, digits, '.', '_' and '-'."
        try:
            if len(parse_chain(str(text), str(name))) > 1:
                return f": {name}: has more than one certificate. Give each its own name."
        except ValueError as exc:
            return f": {exc}."
    return None


def _trusted_directory(value: Any) -> str | None:
    if isinstance(value, str) and value.rstrip("/") in _SYSTEM_DIRECTORIES:
        return (
            f"is {value!r}, where the system or another program keeps certificates, and those that are not in"
            " tls_pki_trusted would be taken away. Use a directory of its own, such as '/etc/ssl/mail-cas'."
        )
    return path(value)


def _dhparam(value: Any) -> str | None:
    if value in ("generate", *_GROUPS):
        return None
    return f"is {shown(value)}. Use '' for none, or {listed(['generate', *_GROUPS])}."


def _subject(value: Any) -> str | None:
    if (
        isinstance(value, Mapping)
        and set(value) <= set(_SUBJECT)
        and all(isinstance(text, str) for text in value.values())
    ):
        return None
    return f"is {shown(value)}. Use a mapping of {', '.join(_SUBJECT)}, each text in quotes."


def _acme_url(value: Any) -> str | None:
    if isinstance(value, str) and re.match(r"https://[A-Za-z0-9.:\[\]-]+/[!-~]*\Z", value) and '"' not in value:
        return None
    return (
        f"is {shown(value)}. Use the https URL of a directory, such as"
        " 'https://acme-v02.api.letsencrypt.org/directory'."
    )


def _acme_email(value: Any) -> str | None:
    if isinstance(value, str) and re.match(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\Z", value):
        return None
    return f"is {shown(value)}. Use a mail address, or '' for none."


def _files(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    """Files of their own, but for a key in one file with its chain that another tool keeps."""
    together = {"tls_pki_key_file", "tls_pki_chain_file"} if inputs["tls_pki_source"] == "existing" else set()
    names = ("tls_pki_key_file", "tls_pki_chain_file", "tls_pki_ca_file")
    for position, name in enumerate(names):
        for other in names[position + 1 :]:
            if inputs[name] == inputs[other] and not {name, other} <= together:
                cure = "Give each a file of its own."
                if other == "tls_pki_chain_file":
                    cure += " One file for both needs tls_pki_source: existing."
                yield name, f"is {inputs[name]!r}, and so is {other}. {cure}"


def _bits(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    bits = inputs["tls_pki_dhparam_bits"]
    if inputs["tls_pki_dhparam"] == "generate" and (not 2048 <= bits <= 8192 or bits % 8):
        yield "tls_pki_dhparam_bits", f"is {bits}. Use a multiple of 8 from 2048 to 8192."


def _acme(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    """What only certificates by ACME need."""
    if inputs["tls_pki_source"] != "acme":
        return
    if not inputs["tls_pki_acme_terms_agreed"]:
        yield (
            "tls_pki_acme_terms_agreed",
            "is false, and an ACME server issues to those who agree to its terms. Read them, then set it to true.",
        )
    for name in inputs["tls_pki_names"]:
        if re.fullmatch(r"[0-9a-fA-F:.]+", name) and (":" in name or name[-1:].isdigit()):
            yield "tls_pki_names", f"has {name!r}, and ACME clients ask for host names only. Leave the address out."
        elif name.startswith("*"):
            yield (
                "tls_pki_names",
                f"has {name!r}, and a wildcard cannot be proved over HTTP (RFC 8555, section 8.3). Name the hosts.",
            )


def _given_sets(value: Any) -> str | None:
    for kind, entry in value.items() if isinstance(value, Mapping) else ():
        for part in ("key", "chain"):
            if isinstance(entry, Mapping) and not isinstance(entry.get(part, ""), str):
                return f"has a {part} for the key type {kind!r} that is not text. Use the text of a PEM file."
    return None


def _given(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    """The sets that are deployed from the control side."""
    if inputs["tls_pki_source"] != "given":
        return
    for kind in inputs["tls_pki_key_types"]:
        entry = inputs["tls_pki_given"].get(kind)
        lacks = [part for part in ("key", "chain") if not isinstance(entry, Mapping) or not entry.get(part)]
        if lacks:
            yield (
                "tls_pki_given",
                f"has no {' and no '.join(lacks)} for the key type {kind!r}. Use {{'rsa': {{'key': …, 'chain': …}}}},"
                " the key from a vault, both in PEM form.",
            )


def _authority(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    """What only a private CA needs."""
    if inputs["tls_pki_source"] != "private_ca":
        return
    host = inputs["tls_pki_ca_host"]
    if host != "localhost" and host not in inputs[INVENTORY_HOSTS]:
        yield "tls_pki_ca_host", f"is {host!r}. Use 'localhost' for the control node, or a host of the inventory."
    elif host != "localhost" and host in inputs[PLAY_HOSTS]:
        yield (
            "tls_pki_ca_host",
            f"is {host!r}, which is a mail host: whoever breaks into it could issue certificates. Use 'localhost', or a"
            " host that serves no mail.",
        )
    pairs = [
        ("tls_pki_renew_before_days", "tls_pki_certificate_days"),
        ("tls_pki_ca_renew_before_days", "tls_pki_ca_days"),
    ]
    if inputs["tls_pki_ca_intermediate"]:
        pairs.append(("tls_pki_ca_renew_before_days", "tls_pki_ca_intermediate_days"))
    for short, long in pairs:
        if inputs[short] >= inputs[long]:
            yield short, f"is {inputs[short]}. Use a number of days from 0 to {inputs[long] - 1}, less than {long}."
    clients, revoked = inputs["tls_pki_clients"], inputs["tls_pki_revoked"]
    for name in dict.fromkeys(clients):
        if clients.count(name) > 1 or name in revoked:
            where = "there twice" if clients.count(name) > 1 else "in tls_pki_revoked too"
            yield "tls_pki_clients", f"has {name!r}, which is {where}. Name each client once."


TABLE = Table(
    {
        "tls_pki_source": anything,
        "tls_pki_hostname": domain,
        "tls_pki_names": each(_name, ["imap.example.org", "192.0.2.25"]),
        "tls_pki_key_types": _key_types,
        "tls_pki_rsa_bits": anything,
        "tls_pki_key_file": path,
        "tls_pki_chain_file": path,
        "tls_pki_ca_file": path,
        "tls_pki_key_group": optional(account),
        "tls_pki_certificate_days": _days,
        "tls_pki_renew_before_days": number(0, 36500, "days"),
        "tls_pki_minimum_days": number(0, 36500, "days"),
        "tls_pki_ca_host": anything,
        "tls_pki_ca_directory": directory("host of the CA", "{{ inventory_dir }}/pki"),
        "tls_pki_ca_create": anything,
        "tls_pki_ca_public_directory": optional(directory("control node", "{{ inventory_dir }}/pki")),
        "tls_pki_ca_common_name": anything,
        "tls_pki_ca_subject": _subject,
        "tls_pki_ca_key_type": anything,
        "tls_pki_ca_passphrase": optional(length(PASSWORD_LEAST, 1023)),
        "tls_pki_ca_days": _days,
        "tls_pki_ca_renew_before_days": number(0, 36500, "days"),
        "tls_pki_ca_intermediate": anything,
        "tls_pki_ca_intermediate_common_name": anything,
        "tls_pki_ca_intermediate_days": _days,
        "tls_pki_clients": each(_client, ["printer"]),
        "tls_pki_revoked": anything,
        "tls_pki_acme_directory_url": _acme_url,
        "tls_pki_acme_email": optional(_acme_email),
        "tls_pki_acme_terms_agreed": anything,
        "tls_pki_acme_challenge_directory": optional(path),
        "tls_pki_acme_httpd": anything,
        "tls_pki_given": _given_sets,
        "tls_pki_given_ca": anything,
        "tls_pki_existing_ca_file": optional(path),
        "tls_pki_trusted": _trusted,
        "tls_pki_trusted_directory": _trusted_directory,
        "tls_pki_dhparam": optional(_dhparam),
        "tls_pki_dhparam_bits": anything,
        "tls_pki_dhparam_file": path,
        "tls_pki_dhparam_timeout": number(1, None, "seconds"),
        "tls_pki_packages": anything,
        "tls_pki_secure_logging": anything,
    },
    (_files, _bits, _acme, _given, _authority),
)
