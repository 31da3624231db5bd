# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""X.509 certificates as text and bytes: names, PEM blocks, fingerprints. No I/O and no cryptography library."""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_BLOCK = re.compile(
    r"^-----BEGIN (?P<label>[A-Z0-9 #]+)-----[ \t\r]*\n(?P<body>.*?)^-----END (?P<end>[A-Z0-9 #]+)-----[ \t\r]*$",
    re.MULTILINE | re.DOTALL,
)
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z")
_CLIENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}\Z")

#: PEM labels of private keys; one in a file of certificates must not be copied on.
PRIVATE_LABELS = ("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY")


@dataclass(frozen=True)
class PemBlock:
    """One PEM block (RFC 7468): its label, such as ``CERTIFICATE``, its headers and its decoded content."""

    label: str
    der: bytes
    encrypted: bool


def pem_blocks(text: str, source: str) -> list[PemBlock]:
    """The PEM blocks of ``text`` in order; what stands between them is a comment (RFC 7468, section 2).

    ``source`` names the text in the ValueError that a broken block raises.
    """
    blocks = []
    matched = 0
    for match in _BLOCK.finditer(text.replace("\r\n", "\n")):
        matched += 1
        label, body = match["label"], match["body"]
        if match["end"] != label:
            raise ValueError(f"{source}: the PEM block that begins as {label!r} ends as {match['end']!r}")
        headers, separator, rest = body.partition("\n\n")
        if separator and ":" in headers:
            body = rest
        else:
            headers = ""
        try:
            der = base64.b64decode("".join(body.split()), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError(f"{source}: PEM block {matched} ({label}) is damaged: it is not base64") from None
        blocks.append(PemBlock(label, der, label.startswith("ENCRYPTED ") or "ENCRYPTED" in headers))
    if text.count("-----BEGIN ") != matched:
        raise ValueError(f"{source}: a PEM block begins and does not end; the file is truncated or damaged")
    return blocks


def certificates(text: str, source: str) -> list[bytes]:
    """The DER form of every certificate in the PEM ``text``, in order; ValueError where there is none."""
    found = [block.der for block in pem_blocks(text, source) if block.label in ("CERTIFICATE", "X509 CERTIFICATE")]
    if not found:
        raise ValueError(f"{source}: has no certificate; a PEM file with '-----BEGIN CERTIFICATE-----' is expected")
    return found


def to_pem(der: bytes, label: str = "CERTIFICATE") -> str:
    """``der`` as a PEM block with lines of 64 characters and a final newline."""
    encoded = base64.b64encode(der).decode("ascii")
    lines = [encoded[start : start + 64] for start in range(0, len(encoded), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


def fingerprint(der: bytes, digest: str = "sha256") -> str:
    """The fingerprint of a certificate as Postfix looks it up: upper case pairs joined by colons.

    Postfix TLS_README: the lookup key of ``relay_clientcerts`` is the digest of the certificate's DER form.
    """
    if digest not in ("sha256", "sha384", "sha512", "sha1", "md5"):
        raise ValueError(f"digest {digest!r} is none of sha256, sha384, sha512, sha1, md5")
    value = hashlib.new(digest, der).hexdigest().upper()
    return ":".join(value[start : start + 2] for start in range(0, len(value), 2))


def dns_name(name: str, *, wildcard: bool = False) -> str:
    """``name`` in lower case and without a final dot; ValueError unless it is a host name with two or more labels."""
    text = name.strip().lower()
    text = text[:-1] if text.endswith(".") else text
    labels = text.split(".")
    plain = labels[1:] if wildcard and labels[0] == "*" else labels
    good = len(plain) >= 2 and all(_LABEL.match(label) for label in plain) and len(text) <= 253
    if not good or labels[-1].isdigit():
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

    A wildcard may stand for the first label (RFC 6125, section 6.4.3). ValueError names what is neither.
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


def client_name(name: str) -> str:
    """``name`` when it can be a client's common name and the stem of its files; else ValueError."""
    if not _CLIENT.match(name) or ".." in name:
        raise ValueError(
            f"client name {name!r} is not usable: 1 to 64 letters, digits and the characters . _ @ + -,"
            " the first a letter or digit, and no two dots in a row"
        )
    return name


# -- the inputs of the role tls_pki ----------------------------------------------------------------------------------

#: where certificates can come from
SOURCES = ("private_ca",)
KEY_TYPES = ("rsa", "ecdsa")


def key_sets(types: Sequence[str], key_file: str, chain_file: str) -> list[dict[str, str]]:
    """One entry (type, key_file, chain_file) for each key type.

    The first type has the two paths as they are; for any other the type stands before the suffix.
    """

    def path(text: str, kind: str) -> str:
        if kind == types[0]:
            return text
        directory, separator, base = text.rpartition("/")
        stem, dot, suffix = base.rpartition(".")
        return f"{directory}{separator}{stem}.{kind}.{suffix}" if dot and stem else f"{text}.{kind}"

    return [{"type": kind, "key_file": path(key_file, kind), "chain_file": path(chain_file, kind)} for kind in types]


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
    if source == "private_ca":
        found.extend(_authority_problems(inputs))
    return [problem for problem in found if problem is not None]


def _authority_problems(inputs: Mapping[str, Any]) -> list[str | None]:
    """The problems of the inputs that only a private CA has."""
    found: list[str | None] = []
    directory = inputs["tls_pki_ca_directory"]
    if not isinstance(directory, str) or not directory.startswith("/") or not directory.strip("/"):
        found.append(
            f"tls_pki_ca_directory is {directory!r}. Right would be the absolute path of a directory on the control"
            " side, such as '{{ inventory_dir }}/pki'."
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
