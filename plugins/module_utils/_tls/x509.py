# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""X.509 certificates (RFC 5280), read from their DER without a cryptography library. No signature is verified here."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import re
from dataclasses import dataclass

from ansible_collections.puffy.mail.plugins.module_utils._tls import der, keys, pem

_ATTRIBUTES = {
    b"\x55\x04\x03": "CN",
    b"\x55\x04\x06": "C",
    b"\x55\x04\x07": "L",
    b"\x55\x04\x08": "ST",
    b"\x55\x04\x0a": "O",
    b"\x55\x04\x0b": "OU",
}
_COMMON_NAME = b"\x55\x04\x03"
_SUBJECT_ALT_NAME, _BASIC_CONSTRAINTS, _EXTENDED_KEY_USAGE = b"\x55\x1d\x11", b"\x55\x1d\x13", b"\x55\x1d\x25"
#: RFC 5280, section 4.2.1.12, by the name that openssl verify -purpose has for the use
PURPOSES = {"sslserver": b"\x2b\x06\x01\x05\x05\x07\x03\x01", "sslclient": b"\x2b\x06\x01\x05\x05\x07\x03\x02"}
ANY_PURPOSE = b"\x55\x1d\x25\x00"


@dataclass(frozen=True)
class Certificate:
    """What this collection needs of a certificate: times in UTC, names as in ``names.subject_names``."""

    der: bytes
    serial: int
    #: issuer, subject and public key (SubjectPublicKeyInfo) in DER
    issuer: bytes
    subject: bytes
    public_key: bytes
    key: keys.PublicKey
    not_before: datetime.datetime
    not_after: datetime.datetime
    names: tuple[str, ...]
    is_ca: bool
    purposes: tuple[bytes, ...] | None
    #: object identifier of the algorithm that the certificate is signed with, in DER without tag and length
    signature: bytes

    @property
    def subject_text(self) -> str:
        """The subject for people."""
        return name_text(self.subject)

    @property
    def issuer_text(self) -> str:
        """The issuer for people."""
        return name_text(self.issuer)

    @property
    def common_names(self) -> list[str]:
        """The common names in the subject."""
        return [value for kind, value in attributes(self.subject) if kind == _COMMON_NAME]


def iso(time: datetime.datetime) -> str:
    """A time in UTC as people and results have it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def fingerprint(data: bytes, digest: str = "sha256") -> str:
    """The fingerprint of a certificate or key in DER as Postfix looks it up: upper case pairs joined by colons.

    Postfix TLS_README: the lookup key of ``relay_clientcerts`` is the digest of the certificate's DER form.
    """
    if digest not in ("sha256", "sha384", "sha512", "sha1", "md5"):
        raise ValueError(f"digest is {digest!r}. Use sha256, sha384, sha512, sha1 or md5")
    return hashlib.new(digest, data).digest().hex(":").upper()


def attributes(name: bytes) -> list[tuple[bytes, str]]:
    """Kind and text of each attribute of a distinguished name in DER, in order."""
    found = []
    for relative in der.values(name)[0].parts():
        for attribute in relative.parts():
            kind, value = attribute.parts()[:2]
            encoding = "utf-16-be" if value.tag == der.BMP_STRING else "utf-8"
            found.append((kind.content, value.content.decode(encoding, "replace")))
    return found


def name_text(name: bytes) -> str:
    """A distinguished name in DER for people: the last part first, as in RFC 4514."""
    parts = [f"{_ATTRIBUTES.get(kind, 'OID')}={text}" for kind, text in attributes(name)]
    return ",".join(reversed(parts)) or "(no name)"


def _time(value: der.Value) -> datetime.datetime:
    """UTCTime or GeneralizedTime (RFC 5280, section 4.1.2.5)."""
    text = value.content.decode("ascii")
    if value.tag == der.UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    if value.tag not in (der.UTC_TIME, der.GENERALIZED_TIME) or not re.fullmatch(r"[0-9]{14}Z", text):
        raise ValueError("a date is not in the form of RFC 5280")
    return datetime.datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=datetime.timezone.utc)


def _general_names(content: bytes) -> tuple[str, ...]:
    names = []
    for tag, value, _whole in der.values(content)[0].parts():
        if tag == 0x82:
            names.append(f"DNS:{value.decode('ascii', 'replace').lower()}")
        elif tag == 0x87 and len(value) in (4, 16):
            names.append(f"IP:{ipaddress.ip_address(value)}")
    return tuple(names)


def parse(data: bytes, source: str) -> Certificate:
    """The certificate in the DER ``data``; what follows the certificate, as in a ``TRUSTED CERTIFICATE``, is ignored.

    ``source`` names the certificate in the ValueError that anything else raises.
    """
    try:
        outer = der.values(data)[0]
        fields = outer.parts()[0].parts()
        if fields[0].tag == 0xA0:
            fields = fields[1:]
        serial, algorithm, issuer, validity, subject, key = fields[:6]
        begin, end = validity.parts()
        names: tuple[str, ...] = ()
        is_ca = False
        purposes: tuple[bytes, ...] | None = None
        for field in fields[6:]:
            if field.tag != 0xA3:
                continue
            for extension in field.parts()[0].parts():
                parts = extension.parts()
                kind, value = parts[0].content, parts[-1].content
                if kind == _SUBJECT_ALT_NAME:
                    names = _general_names(value)
                elif kind == _BASIC_CONSTRAINTS:
                    constraints = der.values(value)[0].parts()
                    is_ca = bool(constraints) and constraints[0].tag == der.BOOLEAN and constraints[0].content != b"\0"
                elif kind == _EXTENDED_KEY_USAGE:
                    purposes = tuple(item.content for item in der.values(value)[0].parts())
        for name in (issuer, subject):
            name_text(name.whole)
        return Certificate(
            der=outer.whole,
            serial=int.from_bytes(serial.content, "big", signed=True),
            issuer=issuer.whole,
            subject=subject.whole,
            public_key=key.whole,
            key=keys.public(key.whole),
            not_before=_time(begin),
            not_after=_time(end),
            names=names,
            is_ca=is_ca,
            purposes=purposes,
            signature=algorithm.parts()[0].content,
        )
    except (ValueError, IndexError) as exc:
        raise ValueError(
            f"{source}: a certificate in it is damaged: it is not the DER of an X.509 certificate"
        ) from exc


def load(text: str, source: str) -> Certificate:
    """The first certificate in the PEM ``text``."""
    return parse(pem.certificates(text, source)[0], source)
