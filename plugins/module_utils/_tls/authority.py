# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A private certification authority: what must be issued again and why, and the signatures. Times are in UTC."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import traceback
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Union

from ansible_collections.puffy.mail.plugins.module_utils._tls import keys, pem
from ansible_collections.puffy.mail.plugins.module_utils._tls.names import client_name, dns_name, subject_names
from ansible_collections.puffy.mail.plugins.module_utils._tls.x509 import (
    PURPOSES,
    Certificate,
    attributes,
    iso,
    load,
    name_text,
    parse,
)

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    IMPORT_ERROR: str | None = None
    Key = Union[rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey]
except ImportError:
    IMPORT_ERROR = traceback.format_exc()

#: Clocks of hosts differ, so a certificate is valid from some time before it was issued.
BACKDATE = datetime.timedelta(hours=1)

#: fields of a subject beside the common name, and the most characters of each (RFC 5280, appendix A.1)
SUBJECT_FIELDS = {"country": 2, "state": 128, "locality": 128, "organization": 64, "organizational_unit": 64}


@dataclass(frozen=True)
class Authority:
    """A certificate that signs, and its key. In check mode both are None if they do not exist yet."""

    certificate: Certificate | None
    key: Key | None

    def signer(self) -> tuple[Certificate, Key]:
        """Both, for a signature. A run that signs has made them before."""
        if self.certificate is None or self.key is None:
            raise ValueError("the authority has no key to sign with")
        return self.certificate, self.key


def input_problem(params: Mapping[str, Any]) -> str | None:
    """The first parameter of ``private_ca`` that cannot be used, as a sentence; None if all can be used.

    ValueError for names that cannot be used.
    """
    for name in ("days", "intermediate_days", "days_issued", "crl_days"):
        if not 1 <= params[name] <= 36500:
            return f"{name} is {params[name]}. Use a number of days from 1 to 36500"
    limits = [("renew_before_days", "days_issued"), ("authority_renew_before_days", "days")]
    if params["intermediate"]:
        limits.append(("authority_renew_before_days", "intermediate_days"))
        if params["common_name"] == params["intermediate_common_name"]:
            return "common_name and intermediate_common_name are the same. Give the root and the intermediate two names"
    for name, limit in limits:
        if not 0 <= params[name] < params[limit]:
            return (
                f"{name} is {params[name]}, so every run would issue new certificates. Use a number below {limit}"
                f" ({params[limit]})"
            )
    for name in ("common_name", "intermediate_common_name"):
        if not 1 <= len(params[name]) <= 64:
            return f"{name} is {params[name]!r}. Use 1 to 64 characters (RFC 5280, ub-common-name)"
    subject = {name: value for name, value in (params["subject"] or {}).items() if value}
    for name, value in subject.items():
        if name != "country" and len(value) > SUBJECT_FIELDS[name]:
            return f"subject: {name} is {value!r}. Use at most {SUBJECT_FIELDS[name]} characters"
    country = subject.get("country", "CA")
    if not (len(country) == 2 and country.isascii() and country.isalpha()):
        return f"subject: country is {country!r}. Use a code of two letters, such as 'CA'"
    # PEM_def_callback(3) takes no shorter passphrase.
    if params["passphrase"] and not 4 <= len(params["passphrase"].encode()) <= 1023:
        return "passphrase is too short or too long. Use 4 to 1023 characters"
    seen: set[str] = set()
    for wanted in params["requests"]:
        key = wanted["id"] or wanted["name"]
        if key in seen:
            return f"requests: {key!r} is there twice. Give each request its own id"
        seen.add(key)
        dns_name(wanted["name"])
        subject_names(wanted["names"])
    for name in params["clients"]:
        client_name(name)
        if params["clients"].count(name) > 1:
            return f"clients: {name!r} is there twice. Name each client once"
        if name in params["revoked"]:
            return (
                f"{name!r} is in clients and in revoked. Remove the name from clients, or revoke single certificates by"
                " serial number"
            )
    return None


# -- keys --------------------------------------------------------------------------------------------------------------


def new_key(kind: str, *, authority: bool) -> Key:
    """A private key of the kind ``ecdsa`` or ``rsa``."""
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=4096 if authority else 3072)
    return ec.generate_private_key(ec.SECP384R1() if authority else ec.SECP256R1())


def key_text(key: Key, passphrase: str | None) -> str:
    """``key`` in PEM form, encrypted where there is a passphrase."""
    protection: Any = serialization.NoEncryption()
    if passphrase:
        protection = serialization.BestAvailableEncryption(passphrase.encode())
    form = serialization.PrivateFormat.PKCS8
    return str(key.private_bytes(serialization.Encoding.PEM, form, protection), "ascii")


def parse_key(content: bytes, passphrase: str | None, path: str) -> Key:
    """The private key in the PEM ``content`` of the file ``path``; ValueError where it cannot be used."""
    try:
        key = serialization.load_pem_private_key(content, passphrase.encode() if passphrase else None)
    except TypeError as exc:
        need = "not encrypted, but a passphrase was given" if passphrase else "encrypted, and no passphrase was given"
        raise ValueError(f"{path}: the key is {need}") from exc
    except ValueError as exc:
        why = "the passphrase is wrong, or the file" if passphrase else "the file"
        raise ValueError(f"{path}: {why} has no private key in PEM form") from exc
    if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        raise ValueError(f"{path}: the key is neither RSA nor ECDSA")
    return key


def is_key_of(text: str, certificate: Certificate) -> bool:
    """Whether the PEM ``text`` is the unencrypted key of ``certificate``. The numbers of the key are not checked."""
    try:
        (block,) = pem.blocks(text, "the key")
        return keys.public_of_private(block.label, block.der) == certificate.key
    except ValueError:
        return False


def public_key(certificate: Certificate) -> Any:
    """The public key of ``certificate``, as the library has it."""
    return _loaded(certificate).public_key()


def public_info(key: Any) -> bytes:
    """The SubjectPublicKeyInfo of a public key in DER, to compare keys by."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(key.public_bytes(serialization.Encoding.DER, form))


# -- certificates ------------------------------------------------------------------------------------------------------


def serial_text(number: int) -> str:
    """A serial number as openssl x509 -serial prints it: an even number of upper case hexadecimal digits."""
    digits = f"{number:X}"
    return digits if len(digits) % 2 == 0 else f"0{digits}"


def subject_name(common_name: str, fields: Mapping[str, str | None] | None = None) -> x509.Name:
    """A subject: the ``SUBJECT_FIELDS`` that ``fields`` has, then the common name unless that is empty."""
    oids = {
        "country": NameOID.COUNTRY_NAME,
        "state": NameOID.STATE_OR_PROVINCE_NAME,
        "locality": NameOID.LOCALITY_NAME,
        "organization": NameOID.ORGANIZATION_NAME,
        "organizational_unit": NameOID.ORGANIZATIONAL_UNIT_NAME,
    }
    given = [(oids[name], (fields or {}).get(name)) for name in SUBJECT_FIELDS]
    given.append((NameOID.COMMON_NAME, common_name))
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in given if value])


def same_name(certificate: Certificate, wanted: x509.Name) -> bool:
    """Whether the subject is ``wanted``. The ASN.1 types of its strings do not matter."""
    return attributes(certificate.subject) == attributes(wanted.public_bytes())


def _loaded(certificate: Certificate) -> x509.Certificate:
    return x509.load_der_x509_certificate(certificate.der)


def signed_by(certificate: Certificate, issuer: Certificate) -> bool:
    """Whether the key of ``issuer`` made the signature of ``certificate``."""
    signed, key = _loaded(certificate), _loaded(issuer).public_key()
    digest: Any = signed.signature_hash_algorithm
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signed.signature, signed.tbs_certificate_bytes, padding.PKCS1v15(), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signed.signature, signed.tbs_certificate_bytes, ec.ECDSA(digest))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def check_authority(
    path: str,
    certificate: Certificate,
    key: Key,
    subject: x509.Name,
    *,
    root: bool,
    now: datetime.datetime,
) -> None:
    """ValueError if the authority at ``path`` does not fit its key, the wanted subject or the clock."""
    if certificate.public_key != public_info(key.public_key()):
        raise ValueError(f"{path}: the certificate does not belong to the key beside it")
    if not certificate.is_ca:
        raise ValueError(f"{path}: the certificate is not that of an authority (basicConstraints)")
    if not same_name(certificate, subject):
        raise ValueError(
            f"{path}: the authority is {certificate.subject_text!r}, not {name_text(subject.public_bytes())!r}. An"
            " authority that others trust is not renamed. Use its own names, or another directory for a new authority"
        )
    if root and not signed_by(certificate, certificate):
        raise ValueError(f"{path}: the certificate is not self-signed, so it is not a root")
    if certificate.not_before > now:
        raise ValueError(
            f"{path}: the certificate is valid from {iso(certificate.not_before)}, and the clock here says {iso(now)}."
            " Set the clock"
        )


def stale_authority(
    certificate: Certificate, issuer: Authority | None, renew_before_days: int, now: datetime.datetime
) -> str:
    """Why the certificate of an authority must be issued again for its key; empty if it stays."""
    left = (certificate.not_after - now).days
    if left < renew_before_days:
        return f"the certificate expires in {left} days"
    if issuer is not None:
        if issuer.certificate is None or certificate.issuer != issuer.certificate.subject:
            return "the root has changed"
        if not signed_by(certificate, issuer.certificate):
            return "the key of the root has changed"
    return ""


#: The key of a certificate with this reason is not used again: somebody else may have it.
REVOKED = "the certificate is revoked"


@dataclass(frozen=True)
class Wanted:
    """A certificate to have: key, names in the form of ``subject_names``, purpose (``sslserver`` or ``sslclient``)."""

    public: Any
    subject: x509.Name
    names: tuple[str, ...]
    purpose: str


def stale(
    leaf: Certificate,
    authority: Certificate | None,
    wanted: Wanted,
    revoked: Container[int],
    renew_before_days: int,
    now: datetime.datetime,
) -> str:
    """Why ``leaf`` must be issued again; empty if it stays."""
    if authority is None:
        return "the authority is new"
    if leaf.public_key != public_info(wanted.public):
        return "the key has changed"
    if leaf.issuer != authority.subject or not signed_by(leaf, authority):
        return "the authority has changed"
    if leaf.serial in revoked:
        return REVOKED
    if not same_name(leaf, wanted.subject):
        return "the name has changed"
    if set(leaf.names) != set(wanted.names):
        return "the alternative names have changed"
    if leaf.purposes != (PURPOSES[wanted.purpose],):
        return "the purpose has changed"
    if leaf.not_before > now:
        return "the certificate is not valid yet"
    left = (leaf.not_after - now).days
    # A new certificate could not be valid longer than the issuer.
    if left < renew_before_days and leaf.not_after < authority.not_after:
        return f"the certificate expires in {left} days"
    return ""


def issue_authority(
    subject: x509.Name, key: Key, issuer: Authority | None, days: int, now: datetime.datetime
) -> Certificate:
    """A certificate for an authority: the root (``issuer`` None), or an intermediate below it."""
    above, signer = (None, key) if issuer is None else issuer.signer()
    digest: Any = hashes.SHA384() if isinstance(key, ec.EllipticCurvePrivateKey) else hashes.SHA256()
    return _sign(
        subject,
        key.public_key(),
        (above, signer, digest),
        days,
        now,
        [
            (x509.BasicConstraints(ca=True, path_length=None if issuer is None else 0), True),
            (_key_usage(key_cert_sign=True, crl_sign=True), True),
        ],
    )


def issue(authority: Authority, wanted: Wanted, days: int, now: datetime.datetime) -> Certificate:
    """A certificate for a server or a client."""
    # RFC 5246, section 7.4.2: an RSA key exchange encrypts with the key; everything since signs with it.
    is_rsa = isinstance(wanted.public, rsa.RSAPublicKey)
    usage = {"sslserver": ExtendedKeyUsageOID.SERVER_AUTH, "sslclient": ExtendedKeyUsageOID.CLIENT_AUTH}[wanted.purpose]
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_key_usage(digital_signature=True, key_encipherment=is_rsa), True),
        (x509.ExtendedKeyUsage([usage]), False),
    ]
    if wanted.names:
        pairs = [name.partition(":")[::2] for name in wanted.names]
        alternatives: list[x509.GeneralName] = [
            x509.IPAddress(ipaddress.ip_address(value)) if kind == "IP" else x509.DNSName(value)
            for kind, value in pairs
        ]
        extensions.append((x509.SubjectAlternativeName(alternatives), False))
    return _sign(wanted.subject, wanted.public, (*authority.signer(), hashes.SHA256()), days, now, extensions)


def _sign(
    subject: x509.Name,
    public: Any,
    signer: tuple[Certificate | None, Key, Any],
    days: int,
    now: datetime.datetime,
    extensions: Iterable[tuple[x509.ExtensionType, bool]],
) -> Certificate:
    """A certificate for ``public``. ``signer`` is the issuer (None: itself), its key, and the digest to sign over."""
    issuer, key, digest = signer
    own = x509.SubjectKeyIdentifier.from_public_key(public)
    end = now + datetime.timedelta(days=days)
    name, above = subject, x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)
    if issuer is not None:
        # A certificate is not valid longer than its issuer.
        end = min(end, issuer.not_after)
        name, above = _loaded(issuer).subject, _authority_identifier(issuer)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(end)
    )
    for extension, critical in (*extensions, (own, False), (above, False)):
        builder = builder.add_extension(extension, critical=critical)
    made = builder.sign(key, digest).public_bytes(serialization.Encoding.DER)
    return parse(made, "the new certificate")


def _authority_identifier(issuer: Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = _loaded(issuer).extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _key_usage(**wanted: bool) -> x509.KeyUsage:
    """A key usage extension in which only ``wanted`` is set."""
    uses = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{use: wanted.get(use, False) for use in uses})


# -- requests of servers -----------------------------------------------------------------------------------------------


def parse_request(text: str, name: str) -> Any:
    """The public key of the certificate request of the server ``name``; ValueError for a request that is refused."""
    label = f"requests: the request for {name!r}"
    try:
        request = x509.load_pem_x509_csr(text.encode())
    except ValueError as exc:
        raise ValueError(f"{label} is not a certificate request in PEM form") from exc
    if not request.is_signature_valid:
        raise ValueError(f"{label} is not signed by the key in it")
    public = request.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        if public.key_size < 2048:
            raise ValueError(f"{label} has an RSA key of {public.key_size} bits. Use at least 2048 bits")
    elif not isinstance(public, ec.EllipticCurvePublicKey):
        raise ValueError(f"{label} has a key that LibreSSL cannot serve. Use an RSA or ECDSA key")
    return public


def parse_current(text: str) -> Certificate | None:
    """The certificate in use; None if ``text`` has no certificate."""
    try:
        return load(text, "current")
    except ValueError:
        return None


# -- revocation --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RevocationList:
    """A revocation list: its PEM form, and the serial numbers on it with the times they were revoked at."""

    text: str
    entries: Mapping[int, datetime.datetime]
    parsed: x509.CertificateRevocationList


def parse_revocation_list(text: str, path: str) -> RevocationList:
    """The revocation list in the PEM ``text``; ValueError for anything else."""
    try:
        parsed = x509.load_pem_x509_crl(text.encode())
    except ValueError as exc:
        raise ValueError(f"{path}: is not a revocation list in PEM form") from exc
    text = str(parsed.public_bytes(serialization.Encoding.PEM), "ascii")
    return RevocationList(text, {entry.serial_number: _utc(entry, "revocation_date") for entry in parsed}, parsed)


def _utc(item: Any, name: str) -> datetime.datetime:
    """A time of a list or its entry. The attributes differ before and after cryptography 42."""
    value = getattr(item, f"{name}_utc", None) or getattr(item, name) or datetime.datetime.min
    return value.replace(tzinfo=datetime.timezone.utc)


def to_revoke(
    wanted: Iterable[str], on_record: Sequence[Certificate], crl: RevocationList | None, now: datetime.datetime
) -> dict[int, datetime.datetime]:
    """Serial numbers that belong on the list, with their revocation times.

    ``wanted`` are common names and serial numbers of certificates ``on_record``; ValueError for any other. Entries of
    ``crl`` stay until their certificates have expired.
    """
    expired = {item.serial for item in on_record if item.not_after < now}
    listed = {} if crl is None else {serial: at for serial, at in crl.entries.items() if serial not in expired}
    for text in wanted:
        digits = text.replace(":", "").upper().lstrip("0")
        matching = [item for item in on_record if text in item.common_names or digits == f"{item.serial:X}"]
        if not matching:
            raise ValueError(
                f"revoked: {text!r} is neither the serial number nor the common name of a certificate that this"
                " authority has issued"
            )
        for item in matching:
            if item.serial not in expired:
                listed.setdefault(item.serial, now)
    return listed


def stale_list(
    crl: RevocationList | None,
    authority: Certificate | None,
    listed: Mapping[int, datetime.datetime],
    days: int,
    now: datetime.datetime,
) -> str:
    """Why the revocation list must be signed again; empty if it stays."""
    if crl is None:
        return "new"
    if authority is None or attributes(crl.parsed.issuer.public_bytes()) != attributes(authority.subject):
        return "the authority has changed"
    if not crl.parsed.is_signature_valid(public_key(authority)):
        return "the key of the authority has changed"
    if set(crl.entries) != set(listed):
        return "the revoked certificates have changed"
    if _utc(crl.parsed, "next_update") - now < datetime.timedelta(days=days) / 3:
        return "the list expires soon"
    return ""


def sign_list(
    crl: RevocationList | None,
    authority: Authority,
    listed: Mapping[int, datetime.datetime],
    days: int,
    now: datetime.datetime,
) -> str:
    """A revocation list in PEM form, the successor of ``crl``, which is valid for ``days`` days."""
    number = 1
    if crl is not None:
        with contextlib.suppress(x509.ExtensionNotFound):
            number = crl.parsed.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number + 1
    issuer, key = authority.signer()
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(_loaded(issuer).subject)
        .last_update(now)
        .next_update(now + datetime.timedelta(days=days))
        .add_extension(_authority_identifier(issuer), critical=False)
        .add_extension(x509.CRLNumber(number), critical=False)
    )
    for serial, date in sorted(listed.items()):
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(date).build()
        builder = builder.add_revoked_certificate(entry)
    return str(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM), "ascii")
