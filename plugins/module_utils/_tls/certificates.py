# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""X.509 certificates as text and bytes: names, PEM blocks, fingerprints. No I/O and no cryptography library."""

from __future__ import annotations

import base64
import binascii
import datetime
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


# -- X.509 -------------------------------------------------------------------------------------------------------------

_ATTRIBUTES = {
    b"\x55\x04\x03": "CN",
    b"\x55\x04\x06": "C",
    b"\x55\x04\x07": "L",
    b"\x55\x04\x08": "ST",
    b"\x55\x04\x0a": "O",
    b"\x55\x04\x0b": "OU",
}
_SUBJECT_ALT_NAME, _BASIC_CONSTRAINTS, _EXTENDED_KEY_USAGE = b"\x55\x1d\x11", b"\x55\x1d\x13", b"\x55\x1d\x25"
#: RFC 5280, section 4.2.1.12, by the name that openssl verify -purpose has for the use
PURPOSES = {"sslserver": b"\x2b\x06\x01\x05\x05\x07\x03\x01", "sslclient": b"\x2b\x06\x01\x05\x05\x07\x03\x02"}
_ANY_PURPOSE = b"\x55\x1d\x25\x00"


@dataclass(frozen=True)
class Certificate:
    """What this collection looks at in an X.509 certificate (RFC 5280): times in UTC, names as in ``subject_names``."""

    der: bytes
    serial: int
    issuer: bytes
    subject: bytes
    subject_text: str
    issuer_text: str
    not_before: datetime.datetime
    not_after: datetime.datetime
    public_key: bytes
    names: tuple[str, ...]
    is_ca: bool
    purposes: tuple[bytes, ...] | None
    #: object identifier of the algorithm it is signed with, in DER without tag and length
    signature: bytes


def der_elements(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """The DER elements that ``data`` consists of: tag, content, and the element whole; ValueError elsewhere."""
    elements = []
    position = 0
    while position < len(data):
        if position + 2 > len(data):
            raise ValueError("DER ends early")
        tag, length, start = data[position], data[position + 1], position + 2
        if length >= 0x80:
            count = length & 0x7F
            if not 1 <= count <= 4 or start + count > len(data):
                raise ValueError("DER has a bad length")
            length, start = int.from_bytes(data[start : start + count], "big"), start + count
        if start + length > len(data):
            raise ValueError("DER ends early")
        elements.append((tag, data[start : start + length], data[position : start + length]))
        position = start + length
    return elements


def _time(tag: int, content: bytes) -> datetime.datetime:
    """UTCTime or GeneralizedTime (RFC 5280, section 4.1.2.5)."""
    text = content.decode("ascii")
    if tag == 0x17:
        text = ("19" if int(text[:2]) >= 50 else "20") + text
    elif tag != 0x18:
        raise ValueError("no time")
    return datetime.datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=datetime.timezone.utc)


def _name_text(name: bytes) -> str:
    """A distinguished name for people: the last part first, as RFC 4514 has it."""
    parts = []
    for _set_tag, relative, _whole in der_elements(name):
        for _tag, attribute, _attribute_whole in der_elements(relative):
            kind, value = der_elements(attribute)[:2]
            text = value[1].decode("utf-16-be" if value[0] == 0x1E else "utf-8", "replace")
            parts.append(f"{_ATTRIBUTES.get(kind[1], 'OID')}={text}")
    return ",".join(reversed(parts)) or "(no name)"


def _general_names(content: bytes) -> tuple[str, ...]:
    names = []
    for tag, value, _whole in der_elements(der_elements(content)[0][1]):
        if tag == 0x82:
            names.append(f"DNS:{value.decode('ascii', 'replace').lower()}")
        elif tag == 0x87 and len(value) in (4, 16):
            names.append(f"IP:{ipaddress.ip_address(value)}")
    return tuple(names)


def parse_certificate(der: bytes, source: str) -> Certificate:
    """The certificate in ``der``. ``source`` names it in the ValueError that anything else raises."""
    try:
        (_tag, body, whole), *rest = der_elements(der)
        if rest:
            raise ValueError("bytes follow the certificate")
        fields = der_elements(der_elements(body)[0][1])
        if fields[0][0] == 0xA0:
            fields = fields[1:]
        serial, algorithm, issuer, validity, subject, key = fields[:6]
        begin, end = der_elements(validity[1])
        names: tuple[str, ...] = ()
        is_ca = False
        purposes: tuple[bytes, ...] | None = None
        for tag, content, _whole in fields[6:]:
            if tag != 0xA3:
                continue
            for _extension_tag, extension, _extension_whole in der_elements(der_elements(content)[0][1]):
                parts = der_elements(extension)
                kind, value = parts[0][1], parts[-1][1]
                if kind == _SUBJECT_ALT_NAME:
                    names = _general_names(value)
                elif kind == _BASIC_CONSTRAINTS:
                    constraints = der_elements(der_elements(value)[0][1])
                    is_ca = bool(constraints) and constraints[0][0] == 0x01 and constraints[0][1] != b"\0"
                elif kind == _EXTENDED_KEY_USAGE:
                    purposes = tuple(item[1] for item in der_elements(der_elements(value)[0][1]))
        return Certificate(
            der=whole,
            serial=int.from_bytes(serial[1], "big", signed=True),
            issuer=issuer[2],
            subject=subject[2],
            subject_text=_name_text(subject[1]),
            issuer_text=_name_text(issuer[1]),
            not_before=_time(begin[0], begin[1]),
            not_after=_time(end[0], end[1]),
            public_key=key[2],
            names=names,
            is_ca=is_ca,
            purposes=purposes,
            signature=der_elements(algorithm[1])[0][1],
        )
    except (ValueError, IndexError) as exc:
        raise ValueError(
            f"{source}: a certificate in it is damaged: it is not the DER of an X.509 certificate"
        ) from exc


#: Signatures over a digest that collisions are known of. RFC 9155; OpenSSL 3 takes none at its default security level.
_WEAK_SIGNATURES = {
    bytes.fromhex("2a864886f70d010102"): "MD2",
    bytes.fromhex("2a864886f70d010104"): "MD5",
    bytes.fromhex("2a864886f70d010105"): "SHA-1",
    bytes.fromhex("2a8648ce3d0401"): "SHA-1",
    bytes.fromhex("2a8648ce380403"): "SHA-1",
}
_RSA, _EC = bytes.fromhex("2a864886f70d010101"), bytes.fromhex("2a8648ce3d0201")
#: the least bits of a key: RFC 9325, section 4.5 (RSA); RFC 8446, section 4.2.7 (the curves of TLS 1.3)
_LEAST_BITS = {"RSA": 2048, "elliptic-curve": 256}


def key_size(public_key: bytes) -> tuple[str, int]:
    """Kind and size in bits of the key in the DER of a SubjectPublicKeyInfo: ``RSA``, ``elliptic-curve``, or another.

    The size is 0 where it is not known. ValueError where the DER is damaged.
    """
    algorithm, bits = der_elements(der_elements(public_key)[0][1])[:2]
    kind, content = der_elements(algorithm[1])[0][1], bits[1][1:]
    if kind == _RSA:
        modulus = der_elements(der_elements(content)[0][1])[0][1]
        return "RSA", int.from_bytes(modulus, "big").bit_length()
    if kind == _EC and content:
        # SEC 1, section 2.3.3: one byte, then x, and y unless the point is compressed.
        return "elliptic-curve", (len(content) - 1) * (8 if content[0] in (2, 3) else 4)
    return "other", 0


def weakness(certificate: Certificate) -> str | None:
    """Why OpenSSL would not serve a certificate although nothing else is wrong with it; None where it would."""
    try:
        kind, bits = key_size(certificate.public_key)
    except (ValueError, IndexError):
        return f"the public key of {certificate.subject_text} is damaged"
    if bits < _LEAST_BITS.get(kind, 0):
        return (
            f"the {kind} key of {certificate.subject_text} has {bits} bits; at least {_LEAST_BITS[kind]} are needed, or"
            " OpenSSL serves no TLS with it"
        )
    digest = _WEAK_SIGNATURES.get(certificate.signature)
    if digest is not None:
        return (
            f"the certificate {certificate.subject_text} is signed over {digest}, which OpenSSL takes no more; have it"
            " issued anew with SHA-256"
        )
    return None


def chain_of(text: str, source: str) -> list[Certificate]:
    """The certificates of a PEM chain, in order; ValueError where there is none or a private key is among them."""
    for block in pem_blocks(text, source):
        if block.label in PRIVATE_LABELS:
            raise ValueError(f"{source}: has a private key among the certificates; a chain is readable by everyone")
    return [parse_certificate(der, source) for der in certificates(text, source)]


def key_problem(text: str, source: str) -> str | None:
    """What keeps ``text`` from being one private key that a daemon can read by itself; None where nothing does."""
    keys = [block for block in pem_blocks(text, source) if block.label in PRIVATE_LABELS]
    if not keys:
        return f"{source}: has no private key; a PEM file with '-----BEGIN PRIVATE KEY-----' is expected"
    if len(keys) > 1:
        return f"{source}: has {len(keys)} private keys; one is expected"
    if keys[0].encrypted:
        return f"{source}: the key is encrypted, and a daemon has nobody to ask for the password; decrypt it first"
    return None


def covers(names: Iterable[str], wanted: str) -> bool:
    """Whether ``wanted`` (``DNS:name`` or ``IP:address``) is among ``names``, wildcards counted (RFC 6125, 6.4.3)."""
    if wanted in names:
        return True
    parent = wanted[len("DNS:") :].partition(".")[2]
    return wanted.startswith("DNS:") and bool(parent) and f"DNS:*.{parent}" in names


def set_problem(
    chain: Sequence[Certificate],
    public_key: bytes,
    *,
    names: Sequence[str],
    purpose: str,
    now: datetime.datetime,
    minimum_days: int,
) -> str | None:
    """The first rule that a key and its chain break, as a sentence; None where they break none.

    ``names`` have the form of ``subject_names``. Signatures are not looked at here.
    """
    leaf = chain[0]
    if leaf.public_key != public_key:
        for place, other in enumerate(chain[1:], start=2):
            if other.public_key == public_key:
                return (
                    f"the chain is in the wrong order: the certificate of the key, {other.subject_text}, is number"
                    f" {place}; it must be the first, and then each the issuer of the one before"
                )
        return f"the key does not match the certificate {leaf.subject_text}"
    for lower, upper in zip(chain, chain[1:]):
        if upper.subject == upper.issuer:
            return f"the chain has the root {upper.subject_text}; clients have it already, and it must not be sent"
        if lower.issuer != upper.subject:
            return (
                f"the chain is broken or in the wrong order: {lower.subject_text} was issued by {lower.issuer_text},"
                f" and {upper.subject_text} follows"
            )
        if not upper.is_ca:
            return f"the chain goes on after {lower.subject_text} with {upper.subject_text}, which is not an authority"
    if leaf.is_ca and len(chain) > 1:
        return f"the first certificate, {leaf.subject_text}, is that of an authority and not of a host"
    for certificate in chain:
        found = weakness(certificate)
        if found:
            return found
    wanted = PURPOSES[purpose]
    if leaf.purposes is not None and wanted not in leaf.purposes and _ANY_PURPOSE not in leaf.purposes:
        return f"the certificate {leaf.subject_text} is not for the purpose {purpose} (extendedKeyUsage)"
    for certificate in chain:
        if now < certificate.not_before:
            return (
                f"the certificate {certificate.subject_text} is not valid before {_iso(certificate.not_before)}, and"
                f" the clock here says {_iso(now)}; set the clock, or wait"
            )
        if now > certificate.not_after:
            return f"the certificate {certificate.subject_text} expired at {_iso(certificate.not_after)}"
    left = (leaf.not_after - now).days
    if left < minimum_days:
        return (
            f"the certificate {leaf.subject_text} expires at {_iso(leaf.not_after)}, in {left} days; at least"
            f" {minimum_days} are wanted"
        )
    missing = [name for name in names if not covers(leaf.names, name)]
    if missing:
        has = ", ".join(leaf.names) or "none"
        return f"the certificate {leaf.subject_text} does not have the name {missing[0]}; it has {has}"
    return None


def _iso(time: datetime.datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


# -- the inputs of the role tls_pki ----------------------------------------------------------------------------------

#: where certificates can come from
SOURCES = ("private_ca", "acme", "given", "existing")
KEY_TYPES = ("rsa", "ecdsa")
#: directories whose certificates belong to others
SYSTEM_DIRECTORIES = (
    "", "/etc", "/etc/ssl", "/etc/ssl/certs", "/etc/ssl/private", "/etc/postfix", "/etc/dovecot", "/etc/acme",
    "/etc/letsencrypt", "/etc/ca-certificates", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
)  # fmt: skip


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
    found.append(_days_problem("tls_pki_minimum_days", inputs["tls_pki_minimum_days"], 0, 36500))
    trusted = inputs["tls_pki_trusted"]
    if not isinstance(trusted, Mapping):
        found.append(f"tls_pki_trusted is {trusted!r}. Right would be certificates by name, such as {{'partner': …}}.")
    else:
        for name, text in trusted.items():
            try:
                if not _CLIENT.match(str(name)) or ".." in str(name):
                    raise ValueError(f"tls_pki_trusted has the name {name!r}, which cannot be the name of a file")
                if len(chain_of(str(text), f"tls_pki_trusted: {name}")) > 1:
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
