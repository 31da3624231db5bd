#!/usr/bin/python
# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
module: private_ca
short_description: A private certification authority kept in one directory, and the certificates it issues
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Keeps a certification authority in a directory, usually on the control node. It has a root, optionally an
    intermediate that does the signing, a certificate revocation list, and a record of every certificate it issued.
  - Issues server certificates for keys that live elsewhere, from their certificate requests, and any number of client
    certificates together with their keys, in one run.
  - What is still good is left as it is. A certificate is issued anew only where its key, its names, its purpose or its
    issuer is no longer the wanted one, where it is revoked, or where it expires soon.
  - The names in a certificate come from the parameters. Of a request only the public key is used, so that a host cannot
    obtain a certificate for a name that is not its own.
  - Runs that share a directory wait for each other.
options:
  directory:
    description:
      - Directory of the authority. Made with mode V(0700) where it is not there; its parent must exist.
      - It holds C(ca.pem) and C(ca.key), with O(intermediate=true) also C(intermediate.pem) and C(intermediate.key),
        C(crl.pem), C(issued/SERIAL.pem) for each certificate, and C(clients/NAME.pem) and C(clients/NAME.key).
    type: path
    required: true
  common_name:
    description:
      - Common name of the root.
      - An existing root with another subject is not replaced, since everything that trusts it would have to be told.
    type: str
    default: Private mail CA
  subject:
    description: Further fields of the subject of the root and the intermediate.
    type: dict
    default: {}
    suboptions:
      country:
        description: Two-letter country code.
        type: str
      state:
        description: State or province.
        type: str
      locality:
        description: City.
        type: str
      organization:
        description: Organization.
        type: str
      organizational_unit:
        description: Unit of the organization.
        type: str
  key_type:
    description:
      - Type of the keys that are made here. V(ecdsa) is the curve P-384 for authorities and P-256 for clients, V(rsa)
        is 4096 and 3072 bits.
      - Ed25519 is not offered since LibreSSL's libssl cannot use it for TLS.
    type: str
    choices: [ecdsa, rsa]
    default: ecdsa
  passphrase:
    description: Password that the authority's keys are encrypted with. Without it only their mode protects them.
    type: str
  days:
    description: Lifetime of the root, in days.
    type: int
    default: 3650
  intermediate:
    description: Whether an intermediate authority signs instead of the root.
    type: bool
    default: false
  intermediate_common_name:
    description: Common name of the intermediate.
    type: str
    default: Private mail issuing CA
  intermediate_days:
    description: Lifetime of the intermediate, in days.
    type: int
    default: 1825
  authority_renew_before_days:
    description:
      - The root and the intermediate are issued anew, for the same key and with the same subject, when they expire
        within this number of days. What they issued stays valid.
      - The new root must reach all who trust the old one before that expires.
    type: int
    default: 365
  requests:
    description: Server certificates to have.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Common name, and the key under which the result is returned. Repeat no O(requests[].id).
        type: str
        required: true
      id:
        description: Key of the result in RV(certificates). The default is O(requests[].name).
        type: str
      request:
        description: Certificate request in PEM form, whose signature proves that the requester has the key.
        type: str
        required: true
      current:
        description: The certificate in use now, in PEM form. Of a chain the first counts. Empty where there is none.
        type: str
        default: ""
      names:
        description: DNS names and IP addresses beside O(requests[].name).
        type: list
        elements: str
        default: []
  clients:
    description: Names of the clients to have a key and a certificate for.
    type: list
    elements: str
    default: []
  days_issued:
    description: Lifetime of server and client certificates, in days. It never reaches beyond that of their issuer.
    type: int
    default: 365
  renew_before_days:
    description: Server and client certificates are issued anew when they expire within this number of days.
    type: int
    default: 30
  revoked:
    description:
      - What to list on the revocation list. Each entry is the serial number of a certificate in hexadecimal, or a
        common name, which stands for every certificate issued under it so far.
      - Revocation is final. An entry taken away here stays on the list until its certificate has expired.
    type: list
    elements: str
    default: []
  crl_days:
    description: Days for which the revocation list is valid. It is signed anew when a third of them is left.
    type: int
    default: 180
attributes:
  check_mode:
    support: full
    description: Can run in check mode. Nothing is issued, so the content of new certificates is not returned.
  diff_mode:
    support: full
    description: Shows each file that changes and why. No key appears.
  idempotent:
    support: full
    description: A second run changes nothing until something is about to expire.
  platform:
    support: full
    platforms: posix
    description: Runs where the authority is kept.
requirements:
  - cryptography >= 3.4 for the Python that runs the module
seealso:
  - module: puffy.mail.tls_certificate
"""

EXAMPLES = """
- name: Issue the certificate of a mail host, from a request made there
  puffy.mail.private_ca:
    directory: "{{ inventory_dir }}/pki"
    requests:
      - name: mail.example.org
        names: [imap.example.org, 192.0.2.25]
        request: "{{ server_request.csr }}"
        current: "{{ current_chain }}"
  delegate_to: localhost
  register: ca

- name: Keep two clients, and one that lost its right
  puffy.mail.private_ca:
    directory: "{{ inventory_dir }}/pki"
    passphrase: "{{ vault_ca_passphrase }}"
    intermediate: true
    clients: [printer, backup.example.org]
    revoked: [old-laptop]
  delegate_to: localhost
"""

RETURN = """
ca:
  description: The root certificate in PEM form. Empty in check mode while there is none.
  returned: success
  type: str
crl:
  description: The revocation list in PEM form. Empty in check mode while there is none.
  returned: success
  type: str
certificates:
  description: The server certificates, by the id of their request.
  returned: success
  type: dict
  contains:
    changed:
      description: Whether it was issued in this run, or would be.
      type: bool
    reason:
      description: Why it was issued; empty where it was not.
      type: str
    chain:
      description: The certificate and then the intermediate, in PEM form. Empty where it would be issued in check mode.
      type: str
    serial:
      description: Serial number in hexadecimal.
      type: str
    not_after:
      description: End of its validity, in UTC and ISO 8601 form.
      type: str
    fingerprint:
      description: SHA-256 fingerprint as Postfix looks it up.
      type: str
clients:
  description: The client certificates, by name. Their keys stay in files and are not returned.
  returned: success
  type: dict
  contains:
    changed:
      description: Whether it was issued in this run, or would be.
      type: bool
    reason:
      description: Why it was issued; empty where it was not.
      type: str
    chain:
      description: The certificate and then the intermediate, in PEM form. Empty where it would be issued in check mode.
      type: str
    serial:
      description: Serial number in hexadecimal.
      type: str
    not_after:
      description: End of its validity, in UTC and ISO 8601 form.
      type: str
    fingerprint:
      description: SHA-256 fingerprint as Postfix looks it up.
      type: str
    key_file:
      description: Path of the client's key.
      type: str
"""

import contextlib
import datetime
import ipaddress
import os
import traceback
from dataclasses import dataclass
from typing import Any, Union

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.puffy.mail.plugins.module_utils import _files
from ansible_collections.puffy.mail.plugins.module_utils._tls import keys as _keys
from ansible_collections.puffy.mail.plugins.module_utils._tls import names as _names
from ansible_collections.puffy.mail.plugins.module_utils._tls import pem
from ansible_collections.puffy.mail.plugins.module_utils._tls import x509 as _x509

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    _IMPORT_ERROR: str | None = None
    Key = Union[rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey]
except ImportError:
    _IMPORT_ERROR = traceback.format_exc()

#: Clocks of hosts differ: a certificate is valid from a little before it was issued.
BACKDATE = datetime.timedelta(hours=1)

SUBJECT_FIELDS = ("country", "state", "locality", "organization", "organizational_unit")


class CaError(Exception):
    """Something about the authority that keeps the run from going on. The message is one sentence."""


@dataclass
class Authority:
    """A certificate that signs, and its key; both None in check mode while they do not exist."""

    certificate: x509.Certificate | None
    key: Key | None

    def signer(self) -> tuple[x509.Certificate, Key]:
        """Both, for a signature; a run that signs has made what was missing before."""
        if self.certificate is None or self.key is None:
            raise CaError("the authority has no key to sign with")
        return self.certificate, self.key


def utcnow() -> datetime.datetime:
    """The time, in UTC and without a zone, as every version of cryptography takes it."""
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None, microsecond=0)


def not_after(certificate: x509.Certificate) -> datetime.datetime:
    """End of validity, in UTC without a zone. The attributes differ before and after cryptography 42."""
    if hasattr(certificate, "not_valid_after_utc"):
        return certificate.not_valid_after_utc.replace(tzinfo=None)
    return certificate.not_valid_after


def not_before(certificate: x509.Certificate) -> datetime.datetime:
    """Begin of validity, in UTC without a zone."""
    if hasattr(certificate, "not_valid_before_utc"):
        return certificate.not_valid_before_utc.replace(tzinfo=None)
    return certificate.not_valid_before


def next_update(crl: x509.CertificateRevocationList) -> datetime.datetime:
    """Time at which the list must have been replaced, in UTC without a zone."""
    value = crl.next_update_utc if hasattr(crl, "next_update_utc") else crl.next_update
    return value.replace(tzinfo=None) if value is not None else datetime.datetime.min


def revocation_date(entry: x509.RevokedCertificate) -> datetime.datetime:
    """When the entry was revoked, in UTC without a zone."""
    if hasattr(entry, "revocation_date_utc"):
        return entry.revocation_date_utc.replace(tzinfo=None)
    return entry.revocation_date


def spki(key: Any) -> bytes:
    """The public key in DER form, to compare keys by."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(key.public_bytes(serialization.Encoding.DER, form))


def text_of(item: Any) -> str:
    """A certificate or a revocation list in PEM form."""
    return str(item.public_bytes(serialization.Encoding.PEM), "ascii")


def serial_text(number: int) -> str:
    """A serial number as openssl x509 -serial prints it: an even number of upper case hexadecimal digits."""
    digits = f"{number:X}"
    return digits if len(digits) % 2 == 0 else f"0{digits}"


def signed_by(item: Any, key: Any) -> bool:
    """Whether ``key`` made the signature of a certificate or revocation list."""
    body = item.tbs_certificate_bytes if isinstance(item, x509.Certificate) else item.tbs_certlist_bytes
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(item.signature, body, padding.PKCS1v15(), item.signature_hash_algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(item.signature, body, ec.ECDSA(item.signature_hash_algorithm))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def alternative_names(names: tuple[str, ...]) -> list[x509.GeneralName]:
    """Names in the form of ``subject_names`` as X.509 general names."""
    result: list[x509.GeneralName] = []
    for name in names:
        kind, _unused, value = name.partition(":")
        result.append(x509.IPAddress(ipaddress.ip_address(value)) if kind == "IP" else x509.DNSName(value))
    return result


def key_usage(**wanted: bool) -> x509.KeyUsage:
    """A key usage extension in which only ``wanted`` is set."""
    uses = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{use: wanted.get(use, False) for use in uses})


class PrivateCa:
    """One run over the directory of an authority."""

    def __init__(self, module: AnsibleModule) -> None:
        self.params: dict[str, Any] = module.params
        self.check: bool = module.check_mode
        self.directory: str = module.params["directory"]
        self.now = utcnow()
        self.changes: list[dict[str, str]] = []
        self.warnings: list[str] = []
        self.revoked_serials: set[int] = set()

    # -- files ---------------------------------------------------------------------------------------------------

    def path(self, *parts: str) -> str:
        return os.path.join(self.directory, *parts)

    def make_directory(self, path: str) -> None:
        if os.path.isdir(path):
            return
        if os.path.lexists(path):
            raise CaError(f"{path}: is there and is not a directory; nothing was changed")
        self.changes.append(_files.text_diff(path, None, "directory, mode 0700\n"))
        if not self.check:
            try:
                os.mkdir(path, 0o700)
            except OSError as exc:
                raise CaError(f"{path}: cannot be made: {exc.strerror}; nothing was changed") from exc

    def put(self, path: str, content: str, why: str, *, secret: bool = False) -> None:
        """Write a file of the authority; in check mode only note it."""
        before = None if not os.path.lexists(path) else "what was there\n"
        self.changes.append(_files.text_diff(path, before, f"{why}\n"))
        if not self.check:
            mode = 0o600 if secret else 0o644
            _files.write(path, content.encode("ascii"), uid=os.geteuid(), gid=os.getegid(), mode=mode)

    def read_text(self, path: str) -> str | None:
        state = _files.read(path)
        return None if state is None else state.text()

    def read_certificate(self, path: str) -> x509.Certificate | None:
        text = self.read_text(path)
        if text is None:
            return None
        try:
            return x509.load_der_x509_certificate(pem.certificates(text, path)[0])
        except ValueError as exc:
            raise CaError(f"{path}: is not a certificate in PEM form ({exc}); nothing was changed") from exc

    # -- keys ----------------------------------------------------------------------------------------------------

    def new_key(self, *, authority: bool) -> Key:
        if self.params["key_type"] == "rsa":
            return rsa.generate_private_key(public_exponent=65537, key_size=4096 if authority else 3072)
        return ec.generate_private_key(ec.SECP384R1() if authority else ec.SECP256R1())

    def key_text(self, key: Key, *, passphrase: str | None) -> str:
        protection: Any = serialization.NoEncryption()
        if passphrase:
            protection = serialization.BestAvailableEncryption(passphrase.encode())
        return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection).decode(
            "ascii"
        )

    def load_key(self, path: str, passphrase: str | None) -> Key | None:
        """The private key at ``path``, or None where there is none."""
        state = _files.read(path)
        if state is None:
            return None
        if state.mode & 0o077:
            raise CaError(
                f"{path}: mode {state.mode:04o} lets others read this key; find out who did, then make it 0600."
                " Nothing was changed"
            )
        try:
            key = serialization.load_pem_private_key(state.content, passphrase.encode() if passphrase else None)
        except TypeError as exc:
            need = (
                "is encrypted and no passphrase was given"
                if not passphrase
                else ("is not encrypted although a passphrase was given")
            )
            raise CaError(f"{path}: the key {need}; nothing was changed") from exc
        except ValueError as exc:
            why = "the passphrase is wrong, or it" if passphrase else "it"
            raise CaError(f"{path}: {why} is not a private key in PEM form; nothing was changed") from exc
        if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
            raise CaError(f"{path}: is neither an RSA nor an ECDSA key; nothing was changed")
        return key

    def is_key_of(self, path: str, certificate: x509.Certificate) -> bool:
        """Whether the file at ``path`` is for its owner only and has the key of ``certificate``, in the clear."""
        state = _files.read(path)
        if state is None or state.mode & 0o077:
            return False
        try:
            (block,) = pem.blocks(state.text(), path)
            public = _keys.public_of_private(block.label, block.der)
            return public == _x509.parse(certificate.public_bytes(serialization.Encoding.DER), path).key
        except ValueError:
            return False

    # -- authorities ---------------------------------------------------------------------------------------------

    def subject(self, common_name: str) -> x509.Name:
        oids = {
            "country": NameOID.COUNTRY_NAME,
            "state": NameOID.STATE_OR_PROVINCE_NAME,
            "locality": NameOID.LOCALITY_NAME,
            "organization": NameOID.ORGANIZATION_NAME,
            "organizational_unit": NameOID.ORGANIZATIONAL_UNIT_NAME,
        }
        fields = self.params["subject"] or {}
        attributes = [x509.NameAttribute(oids[name], fields[name]) for name in SUBJECT_FIELDS if fields.get(name)]
        return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])

    def authority(self, stem: str, common_name: str, days: int, issuer: Authority | None) -> Authority:
        """The root (``issuer`` None) or the intermediate, made or renewed as needed."""
        key_path, certificate_path = self.path(f"{stem}.key"), self.path(f"{stem}.pem")
        certificate = self.read_certificate(certificate_path)
        key = self.load_key(key_path, self.params["passphrase"])
        subject = self.subject(common_name)
        if certificate is not None and key is None:
            raise CaError(
                f"{key_path}: is missing while {certificate_path} is there; bring the key back from its backup, or"
                " choose another directory for a new authority. Nothing was changed"
            )
        if certificate is not None and key is not None:
            self.check_pair(stem, certificate, key, subject, issuer)
            why = self.stale_authority(certificate, issuer)
        else:
            why = "new"
        if not why:
            return Authority(certificate, key)
        if key is None:
            key = self.new_key(authority=True)
            # The key is on disk before anything refers to it; a run cut off here goes on from it.
            self.put(key_path, self.key_text(key, passphrase=self.params["passphrase"]), "a new key", secret=True)
        if self.check:
            self.put(certificate_path, "", f"a certificate for {common_name} ({why})")
            return Authority(certificate, key)
        certificate = self.sign_authority(subject, key, days, issuer)
        self.put(certificate_path, text_of(certificate), f"a certificate for {common_name} ({why})")
        return Authority(certificate, key)

    def check_pair(
        self, stem: str, certificate: x509.Certificate, key: Key, subject: x509.Name, issuer: Authority | None
    ) -> None:
        path = self.path(f"{stem}.pem")
        if spki(certificate.public_key()) != spki(key.public_key()):
            raise CaError(f"{path}: does not belong to the key {stem}.key beside it; nothing was changed")
        try:
            is_ca = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        except x509.ExtensionNotFound:
            is_ca = False
        if not is_ca:
            raise CaError(f"{path}: is not the certificate of an authority (basicConstraints); nothing was changed")
        if certificate.subject != subject:
            raise CaError(
                f"{path}: is {certificate.subject.rfc4514_string()!r} and not {subject.rfc4514_string()!r} as asked; an"
                " authority that others trust is not renamed. Give its own names, or another directory for a new one."
                " Nothing was changed"
            )
        if issuer is None and not signed_by(certificate, certificate.public_key()):
            raise CaError(f"{path}: is not self-signed, so it is no root; nothing was changed")
        if not_before(certificate) > self.now:
            raise CaError(
                f"{path}: is valid from {not_before(certificate).isoformat()}Z, and the clock here says"
                f" {self.now.isoformat()}Z; set the clock. Nothing was changed"
            )

    def stale_authority(self, certificate: x509.Certificate, issuer: Authority | None) -> str:
        """Why the certificate of an authority must be issued anew for its key; empty where it need not."""
        left = (not_after(certificate) - self.now).days
        if left < self.params["authority_renew_before_days"]:
            return f"the old one expires in {left} days"
        if issuer is not None:
            if issuer.certificate is None or certificate.issuer != issuer.certificate.subject:
                return "the root is another one"
            if not signed_by(certificate, issuer.certificate.public_key()):
                return "the root has another key"
        return ""

    def sign_authority(self, subject: x509.Name, key: Key, days: int, issuer: Authority | None) -> x509.Certificate:
        public = key.public_key()
        identifier = x509.SubjectKeyIdentifier.from_public_key(public)
        end = self.now + datetime.timedelta(days=days)
        signer: Any = key
        name = subject
        authority_key = identifier
        if issuer is not None:
            above, signer = issuer.signer()
            name = above.subject
            end = min(end, not_after(above))
            authority_key = above.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - BACKDATE)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0 if issuer is not None else None), critical=True)
            .add_extension(key_usage(key_cert_sign=True, crl_sign=True), critical=True)
            .add_extension(identifier, critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(authority_key), critical=False
            )
            .sign(signer, hashes.SHA384() if self.params["key_type"] == "ecdsa" else hashes.SHA256())
        )

    # -- what it issues ------------------------------------------------------------------------------------------

    def stale(
        self, leaf: x509.Certificate, ca: Authority, public: Any, subject: x509.Name, names: tuple[str, ...], usage: Any
    ) -> str:
        """Why ``leaf`` must be issued anew; empty where it is still what is wanted."""
        if ca.certificate is None:
            return "the authority is new"
        if spki(leaf.public_key()) != spki(public):
            return "the key is another one"
        if leaf.issuer != ca.certificate.subject or not signed_by(leaf, ca.certificate.public_key()):
            return "it was issued by another authority"
        if leaf.serial_number in self.revoked_serials:
            return "the old one is revoked"
        if leaf.subject != subject:
            return "the name is another one"
        try:
            have = set(leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
        except x509.ExtensionNotFound:
            have = set()
        if have != set(alternative_names(names)):
            return "the names are others"
        try:
            uses = set(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
        except x509.ExtensionNotFound:
            uses = set()
        if uses != {usage}:
            return "the purpose is another one"
        if not_before(leaf) > self.now:
            return "the old one is not valid yet"
        left = (not_after(leaf) - self.now).days
        # A certificate that ends with its issuer would not live longer if it were issued anew.
        if left < self.params["renew_before_days"] and not_after(leaf) < not_after(ca.certificate):
            return f"the old one expires in {left} days"
        return ""

    def issue(
        self, ca: Authority, public: Any, subject: x509.Name, names: tuple[str, ...], usage: Any
    ) -> x509.Certificate:
        issuer, key = ca.signer()
        end = min(self.now + datetime.timedelta(days=self.params["days_issued"]), not_after(issuer))
        is_rsa = isinstance(public, rsa.RSAPublicKey)
        identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.subject)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - BACKDATE)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            # RFC 5246, section 7.4.2: an RSA key exchange encrypts with the key; everything since signs with it.
            .add_extension(key_usage(digital_signature=True, key_encipherment=is_rsa), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternative_names(names)), critical=False)
        certificate = builder.sign(key, hashes.SHA256())
        self.put(
            self.path("issued", f"{serial_text(certificate.serial_number)}.pem"),
            text_of(certificate),
            f"the record of a certificate for {subject.rfc4514_string()}",
        )
        return certificate

    def report(self, leaf: x509.Certificate | None, intermediate: str, why: str) -> dict[str, Any]:
        if leaf is None:
            return {"changed": True, "reason": why, "chain": "", "serial": "", "not_after": "", "fingerprint": ""}
        return {
            "changed": bool(why),
            "reason": why,
            "chain": text_of(leaf) + intermediate,
            "serial": serial_text(leaf.serial_number),
            "not_after": f"{not_after(leaf).isoformat()}Z",
            "fingerprint": _x509.fingerprint(leaf.public_bytes(serialization.Encoding.DER)),
        }

    def server(self, ca: Authority, intermediate: str, wanted: dict[str, Any]) -> dict[str, Any]:
        names = _names.subject_names([wanted["name"], *wanted["names"]])
        request = load_request(wanted)
        current = load_current(wanted["current"])
        # RFC 5280, upper bound ub-common-name: a longer host name stands in the alternative names only.
        common_name = wanted["name"].rstrip(".").lower()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if len(common_name) <= 64 else [])
        public = request.public_key()
        usage = ExtendedKeyUsageOID.SERVER_AUTH
        why = "there is none" if current is None else self.stale(current, ca, public, subject, names, usage)
        if not why:
            return self.report(current, intermediate, "")
        if self.check:
            self.changes.append(_files.text_diff(wanted["name"], None, f"a server certificate ({why})\n"))
            return self.report(None, intermediate, why)
        return self.report(self.issue(ca, public, subject, names, usage), intermediate, why)

    def client(self, ca: Authority, intermediate: str, name: str) -> dict[str, Any]:
        key_path, path = self.path("clients", f"{name}.key"), self.path("clients", f"{name}.pem")
        leaf = self.read_certificate(path)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = ExtendedKeyUsageOID.CLIENT_AUTH
        # To load an RSA key takes the library a fifth of a second, since it proves the primes. Few runs need the key.
        if (
            leaf is not None
            and self.is_key_of(key_path, leaf)
            and not self.stale(leaf, ca, leaf.public_key(), subject, (), usage)
        ):
            return dict(self.report(leaf, intermediate, ""), key_file=key_path)
        key = self.load_key(key_path, None)
        if leaf is None or key is None:
            why = "there is none"
        else:
            why = self.stale(leaf, ca, key.public_key(), subject, (), usage)
        if not why:
            return dict(self.report(leaf, intermediate, ""), key_file=key_path)
        if key is None or why == "the old one is revoked":
            # What was revoked may have been lost, so its key is not used again.
            key = self.new_key(authority=False)
            self.put(key_path, self.key_text(key, passphrase=None), "a new key", secret=True)
        if self.check:
            self.put(path, "", f"a client certificate ({why})")
            return dict(self.report(None, intermediate, why), key_file=key_path)
        leaf = self.issue(ca, key.public_key(), subject, (), usage)
        self.put(path, text_of(leaf) + intermediate, f"a client certificate ({why})")
        return dict(self.report(leaf, intermediate, why), key_file=key_path)

    # -- revocation ----------------------------------------------------------------------------------------------

    def issued(self) -> list[x509.Certificate]:
        """Every certificate on record."""
        directory = self.path("issued")
        if not os.path.isdir(directory):
            return []
        found = []
        try:
            entries = sorted(os.listdir(directory))
        except OSError as exc:
            raise CaError(f"{directory}: cannot be read: {exc.strerror}; nothing was changed") from exc
        for entry in entries:
            if entry.endswith(".pem") and not entry.startswith("."):
                certificate = self.read_certificate(os.path.join(directory, entry))
                if certificate is not None:
                    found.append(certificate)
        return found

    def find_revoked(self, crl: x509.CertificateRevocationList | None) -> dict[int, datetime.datetime]:
        """Serial numbers that belong on the list, with their revocation dates."""
        on_record = self.issued() if self.params["revoked"] or crl is not None else []
        expired = {item.serial_number for item in on_record if not_after(item) < self.now}
        listed: dict[int, datetime.datetime] = {}
        for entry in crl if crl is not None else ():
            if entry.serial_number not in expired:
                listed[entry.serial_number] = revocation_date(entry)
        for wanted in self.params["revoked"]:
            matching = [item for item in on_record if matches(item, wanted)]
            if not matching:
                raise CaError(
                    f"revoked: {wanted!r} is neither the serial number nor the common name of a certificate on record"
                    f" in {self.path('issued')}; nothing was changed"
                )
            for item in matching:
                if item.serial_number not in expired:
                    listed.setdefault(item.serial_number, self.now)
        return listed

    def load_crl(self) -> x509.CertificateRevocationList | None:
        path = self.path("crl.pem")
        text = self.read_text(path)
        if text is None:
            return None
        try:
            return x509.load_pem_x509_crl(text.encode())
        except ValueError as exc:
            raise CaError(f"{path}: is not a revocation list in PEM form; nothing was changed") from exc

    def revocation_list(
        self, ca: Authority, crl: x509.CertificateRevocationList | None, listed: dict[int, datetime.datetime]
    ) -> str:
        why = ""
        if crl is None:
            why = "new"
        elif (
            ca.certificate is None
            or crl.issuer != ca.certificate.subject
            or not signed_by(crl, ca.certificate.public_key())
        ):
            why = "the authority is another one"
        elif {entry.serial_number for entry in crl} != set(listed):
            why = "the revoked certificates are others"
        elif next_update(crl) - self.now < datetime.timedelta(days=self.params["crl_days"]) / 3:
            why = "the old one expires soon"
        if not why:
            return text_of(crl)
        path = self.path("crl.pem")
        if self.check:
            self.put(path, "", f"a revocation list of {len(listed)} certificates ({why})")
            return text_of(crl) if crl is not None else ""
        number = 1
        if crl is not None:
            with contextlib.suppress(x509.ExtensionNotFound):
                number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number + 1
        issuer, key = ca.signer()
        identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(issuer.subject)
            .last_update(self.now)
            .next_update(self.now + datetime.timedelta(days=self.params["crl_days"]))
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
            .add_extension(x509.CRLNumber(number), critical=False)
        )
        for serial, date in sorted(listed.items()):
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(date).build()
            builder = builder.add_revoked_certificate(entry)
        text = text_of(builder.sign(key, hashes.SHA256()))
        self.put(path, text, f"a revocation list of {len(listed)} certificates ({why})")
        return text

    # -- the run -------------------------------------------------------------------------------------------------

    def run(self) -> dict[str, Any]:
        for directory in (self.directory, self.path("issued"), self.path("clients")):
            self.make_directory(directory)
        crl = self.load_crl()
        # Before the first write, so that a wrong entry leaves everything as it was.
        listed = self.find_revoked(crl)
        self.revoked_serials = set(listed)
        root = signing = self.authority("ca", self.params["common_name"], self.params["days"], None)
        intermediate = ""
        if self.params["intermediate"]:
            signing = self.authority(
                "intermediate", self.params["intermediate_common_name"], self.params["intermediate_days"], root
            )
            intermediate = text_of(signing.certificate) if signing.certificate is not None else ""
        certificates = {
            wanted["id"] or wanted["name"]: self.server(signing, intermediate, wanted)
            for wanted in self.params["requests"]
        }
        clients = {name: self.client(signing, intermediate, name) for name in self.params["clients"]}
        crl_text = self.revocation_list(signing, crl, listed)
        return {
            "changed": bool(self.changes),
            "ca": text_of(root.certificate) if root.certificate is not None else "",
            "crl": crl_text,
            "certificates": certificates,
            "clients": clients,
            "diff": self.changes,
        }


def matches(certificate: x509.Certificate, wanted: str) -> bool:
    """Whether ``wanted`` is the serial number or the common name of ``certificate``."""
    names = {attribute.value for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)}
    digits = wanted.replace(":", "").upper().lstrip("0")
    return wanted in names or digits == f"{certificate.serial_number:X}"


def load_request(wanted: dict[str, Any]) -> x509.CertificateSigningRequest:
    """The request of an entry of ``requests``, its key checked."""
    label = f"requests: the request for {wanted['name']!r}"
    try:
        request = x509.load_pem_x509_csr(wanted["request"].encode())
    except ValueError as exc:
        raise CaError(f"{label} is not a certificate request in PEM form; nothing was changed") from exc
    if not request.is_signature_valid:
        raise CaError(f"{label} is not signed by the key it names; nothing was changed")
    public = request.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        if public.key_size < 2048:
            raise CaError(
                f"{label} has an RSA key of {public.key_size} bits; at least 2048 are needed. Nothing was changed"
            )
    elif not isinstance(public, ec.EllipticCurvePublicKey):
        raise CaError(
            f"{label} has a key that is neither RSA nor ECDSA; LibreSSL could not serve it. Nothing was changed"
        )
    return request


def load_current(text: str) -> x509.Certificate | None:
    """The certificate in use, or None where it is none: it then gets replaced."""
    try:
        return x509.load_der_x509_certificate(pem.certificates(text, "current")[0])
    except ValueError:
        return None


def check_inputs(params: dict[str, Any]) -> None:
    """ValueError for a bad value, before anything is read or written."""
    for name in ("days", "intermediate_days", "days_issued", "crl_days"):
        if not 1 <= params[name] <= 36500:
            raise ValueError(f"{name} is {params[name]}; it must be from 1 to 36500 days")
    for name, limit in (("renew_before_days", "days_issued"), ("authority_renew_before_days", "days")):
        if not 0 <= params[name] < params[limit]:
            raise ValueError(
                f"{name} is {params[name]}; it must be less than {limit} ({params[limit]}), or every run would"
                " issue anew"
            )
    if params["intermediate"] and params["authority_renew_before_days"] >= params["intermediate_days"]:
        raise ValueError(
            f"authority_renew_before_days is {params['authority_renew_before_days']}; it must be less than"
            f" intermediate_days ({params['intermediate_days']}), or every run would issue anew"
        )
    if params["intermediate"] and params["common_name"] == params["intermediate_common_name"]:
        raise ValueError(
            "common_name and intermediate_common_name are the same; the root and the intermediate need two names"
        )
    for name in ("common_name", "intermediate_common_name"):
        if not 1 <= len(params[name]) <= 64:
            raise ValueError(f"{name} {params[name]!r} must have 1 to 64 characters (RFC 5280, ub-common-name)")
    for name, value in (params["subject"] or {}).items():
        # RFC 5280, appendix A.1: ub-state-name and ub-locality-name are 128, the others 64.
        most = 128 if name in ("state", "locality") else 64
        if value and len(value) > most:
            raise ValueError(f"subject: {name} {value!r} has {len(value)} characters; at most {most} are possible")
    passphrase = params["passphrase"]
    if passphrase and not 4 <= len(passphrase.encode()) <= 1023:
        # PEM_def_callback(3) takes no shorter one.
        raise ValueError("passphrase is too short or too long; it must have from 4 to 1023 characters")
    country = (params["subject"] or {}).get("country")
    if country and not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise ValueError(f"subject: country {country!r} must be a code of two letters, such as 'CA'")
    seen: set[str] = set()
    for wanted in params["requests"]:
        key = wanted["id"] or wanted["name"]
        if key in seen:
            raise ValueError(f"requests: {key!r} is there twice; give each its own id")
        seen.add(key)
        _names.dns_name(wanted["name"])
        _names.subject_names(wanted["names"])
    for name in params["clients"]:
        _names.client_name(name)
    twice = {name for name in params["clients"] if params["clients"].count(name) > 1}
    if twice:
        raise ValueError(f"clients: {sorted(twice)[0]!r} is there twice")
    both = sorted(set(params["clients"]) & set(params["revoked"]))
    if both:
        raise ValueError(
            f"{both[0]!r} is among clients and revoked; take it out of clients, or revoke single certificates"
            " by serial number"
        )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "common_name": {"type": "str", "default": "Private mail CA"},
            "subject": {"type": "dict", "default": {}, "options": {name: {"type": "str"} for name in SUBJECT_FIELDS}},
            "key_type": {"type": "str", "choices": ["ecdsa", "rsa"], "default": "ecdsa"},
            "passphrase": {"type": "str", "no_log": True},
            "days": {"type": "int", "default": 3650},
            "intermediate": {"type": "bool", "default": False},
            "intermediate_common_name": {"type": "str", "default": "Private mail issuing CA"},
            "intermediate_days": {"type": "int", "default": 1825},
            "authority_renew_before_days": {"type": "int", "default": 365},
            "requests": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "id": {"type": "str"},
                    "request": {"type": "str", "required": True},
                    "current": {"type": "str", "default": ""},
                    "names": {"type": "list", "elements": "str", "default": []},
                },
            },
            "clients": {"type": "list", "elements": "str", "default": []},
            "days_issued": {"type": "int", "default": 365},
            "renew_before_days": {"type": "int", "default": 30},
            "revoked": {"type": "list", "elements": "str", "default": []},
            "crl_days": {"type": "int", "default": 180},
        },
        supports_check_mode=True,
    )
    if _IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("cryptography >= 3.4"), exception=_IMPORT_ERROR)
    try:
        check_inputs(module.params)
    except ValueError as exc:
        module.fail_json(msg=f"{exc}; nothing was changed.")
    ca = PrivateCa(module)
    parent = os.path.dirname(ca.directory.rstrip("/")) or "/"
    if not os.path.isdir(parent):
        module.fail_json(
            msg=f"{ca.directory}: its parent {parent} is not a directory; make it first. Nothing was changed."
        )
    # The lock stands beside the directory, since that may not exist yet.
    lock = os.path.join(parent, f".{os.path.basename(ca.directory.rstrip('/'))}.lock")
    try:
        # A run that issues hundreds of RSA keys takes minutes, and hosts beside it are not to give up.
        with contextlib.nullcontext() if module.check_mode else _files.locked(lock, timeout=1800):
            result = ca.run()
    except (CaError, _files.FileError, ValueError) as exc:
        module.fail_json(msg=f"{exc}.")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
