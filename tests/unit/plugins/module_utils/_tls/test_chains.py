# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates and chains, compared with what the cryptography library makes and says."""

from __future__ import annotations

import dataclasses
import datetime
import ipaddress
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.puffy.mail.plugins.module_utils._tls import chains, keys, pem
from ansible_collections.puffy.mail.plugins.module_utils._tls import x509 as ours

UTC = datetime.timezone.utc
NOW = datetime.datetime(2030, 6, 1, 12, tzinfo=UTC)
KEYS = [ec.generate_private_key(ec.SECP256R1()) for _dummy in range(4)]
NAMES = ("DNS:mail.example.org", "DNS:*.example.net", "IP:192.0.2.25", "IP:2001:db8::25")


def public(key: Any) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(key.public_key().public_bytes(serialization.Encoding.DER, form))


def private(key: Any, password: bytes | None = None, form: Any = serialization.PrivateFormat.PKCS8) -> str:
    protection: Any = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, protection).decode()  # type: ignore[no-any-return]


def make(
    subject: str,
    issuer: str,
    key: Any,
    signer: Any,
    *,
    ca: bool = False,
    usage: Any = None,
    begin: datetime.datetime = NOW - datetime.timedelta(days=10),
    end: datetime.datetime = NOW + datetime.timedelta(days=90),
    names: tuple[str, ...] = (),
) -> bytes:
    """One certificate in DER form."""

    def name(text: str) -> x509.Name:
        organization = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Kernel Panic")
        return x509.Name([organization, x509.NameAttribute(NameOID.COMMON_NAME, text)])

    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if names:
        values: list[x509.GeneralName] = [
            x509.IPAddress(ipaddress.ip_address(item[3:])) if item.startswith("IP:") else x509.DNSName(item[4:])
            for item in names
        ]
        builder = builder.add_extension(x509.SubjectAlternativeName(values), critical=False)
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


ROOT = make("Root", "Root", KEYS[0], KEYS[0], ca=True)
MIDDLE = make("Middle", "Root", KEYS[1], KEYS[0], ca=True)
SERVER = ExtendedKeyUsageOID.SERVER_AUTH
LEAF = make("mail.example.org", "Middle", KEYS[2], KEYS[1], usage=SERVER, names=NAMES)


def parse(der: bytes) -> ours.Certificate:
    return ours.parse(der, "x.pem")


def test_a_certificate_is_read_as_the_library_reads_it() -> None:
    mine, theirs = parse(LEAF), x509.load_der_x509_certificate(LEAF)
    assert mine.serial == theirs.serial_number
    assert mine.not_before == theirs.not_valid_before_utc
    assert mine.not_after == theirs.not_valid_after_utc
    assert mine.public_key == public(KEYS[2])
    assert mine.subject == theirs.subject.public_bytes()
    assert mine.issuer == theirs.issuer.public_bytes()
    assert mine.subject_text == theirs.subject.rfc4514_string() == "CN=mail.example.org,O=Kernel Panic"
    assert mine.names == NAMES
    assert (mine.is_ca, parse(MIDDLE).is_ca) == (False, True)
    assert mine.purposes == (ours.PURPOSES["sslserver"],)
    assert parse(ROOT).purposes is None
    assert ours.fingerprint(LEAF) == theirs.fingerprint(hashes.SHA256()).hex(":").upper()
    assert pem.render(LEAF) == theirs.public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize(
    ("key", "kind", "bits"),
    [
        (ec.generate_private_key(ec.SECP256R1()), "elliptic-curve", 256),
        (ec.generate_private_key(ec.SECP521R1()), "elliptic-curve", 528),
        (rsa.generate_private_key(65537, 2048), "RSA", 2048),
        (rsa.generate_private_key(65537, 1024), "RSA", 1024),  # noqa: S505
        (ed25519.Ed25519PrivateKey.generate(), "2b6570", 0),
    ],
)
def test_kind_and_size_of_a_key(key: Any, kind: str, bits: int) -> None:
    found = keys.public(public(key))
    assert (found.kind, found.bits) == (kind, bits)


def test_keys_and_signatures_that_openssl_would_not_serve() -> None:
    """What OpenSSL at security level 2, the default of Debian, answers with "ee key too small" and "ca md too weak"."""
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505
    small = make("mail.example.org", "Middle", weak, KEYS[1], usage=SERVER, names=NAMES)
    assert problem(small, MIDDLE, key=weak) == (
        "the RSA key of CN=mail.example.org,O=Kernel Panic has 1024 bits; at least 2048 are needed, or OpenSSL serves"
        " no TLS with it"
    )
    # The library makes no SHA-1 signatures any more: the identifier is changed in a certificate over SHA-256.
    sha256, sha1 = bytes.fromhex("2a8648ce3d040302"), bytes.fromhex("2a8648ce3d0401")
    assert parse(MIDDLE).signature == sha256
    old = dataclasses.replace(parse(MIDDLE), signature=sha1)
    assert chains.weakness(parse(MIDDLE)) is None
    assert chains.weakness(old) == (
        "the certificate CN=Middle,O=Kernel Panic is signed with SHA-1, which OpenSSL refuses; issue it again"
        " with SHA-256"
    )
    wanted: dict[str, Any] = {"names": NAMES[:1], "purpose": "sslserver", "now": NOW, "minimum_days": 0}
    assert chains.set_problem([parse(LEAF), old], public(KEYS[2]), **wanted) == chains.weakness(old)


@pytest.mark.parametrize("year", [1999, 2049, 2050, 2120])
def test_both_forms_of_time(year: int) -> None:
    end = datetime.datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)
    begin = datetime.datetime(1990, 1, 1, tzinfo=UTC)
    assert parse(make("a", "a", KEYS[0], KEYS[0], begin=begin, end=end)).not_after == end


@given(st.integers(0, len(LEAF) - 1), st.integers(0, 255))
@settings(max_examples=150)
def test_a_damaged_certificate_raises_nothing_but_valueerror(position: int, value: int) -> None:
    for damaged in (LEAF[:position] + bytes([value]) + LEAF[position + 1 :], LEAF[:position]):
        try:
            parse(damaged)
        except ValueError as exc:
            message = str(exc)
        else:
            message = ""
        assert message in ("", "x.pem: a certificate in it is damaged: it is not the DER of an X.509 certificate")


def problem(*chain: bytes, key: Any = KEYS[2], **change: Any) -> str | None:
    wanted: dict[str, Any] = {"names": NAMES[:1], "purpose": "sslserver", "now": NOW, "minimum_days": 0, **change}
    return chains.set_problem([parse(der) for der in chain], public(key), **wanted)


def leaf(**change: Any) -> bytes:
    return make("mail.example.org", "Middle", KEYS[2], KEYS[1], **{"usage": SERVER, "names": NAMES, **change})


def test_a_good_set_has_no_problem() -> None:
    assert problem(LEAF, MIDDLE) is None
    assert problem(LEAF) is None
    assert problem(leaf(usage=None), MIDDLE) is None
    assert problem(leaf(usage=ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE), MIDDLE) is None
    assert problem(LEAF, MIDDLE, names=("DNS:imap.example.net", "IP:2001:db8::25"), minimum_days=90) is None


WHO = "CN=mail.example.org,O=Kernel Panic"
DAY = datetime.timedelta(days=1)
PROBLEMS = [
    ((LEAF, MIDDLE), {"key": KEYS[3]}, f"the key does not match the certificate {WHO}"),
    (
        (MIDDLE, LEAF),
        {},
        f"the chain is in the wrong order: the certificate of the key, {WHO}, is number 2. Put it first,"
        " then each issuer after the certificate that it issued",
    ),
    (
        (LEAF, MIDDLE, ROOT),
        {},
        "the chain has the root CN=Root,O=Kernel Panic. Remove the root: clients have it already",
    ),
    (
        (LEAF, make("Other", "Root", KEYS[3], KEYS[0], ca=True)),
        {},
        f"the chain is broken or in the wrong order: {WHO} was issued by CN=Middle,O=Kernel Panic, and"
        " CN=Other,O=Kernel Panic follows",
    ),
    (
        (LEAF, make("Middle", "Root", KEYS[1], KEYS[0])),
        {},
        f"the chain has CN=Middle,O=Kernel Panic, which is not an authority, after {WHO}",
    ),
    (
        (leaf(usage=ExtendedKeyUsageOID.CLIENT_AUTH), MIDDLE),
        {},
        f"the certificate {WHO} is not for the purpose sslserver (extendedKeyUsage)",
    ),
    (
        (LEAF, MIDDLE),
        {"now": NOW - 20 * DAY},
        f"the certificate {WHO} is not valid before 2030-05-22T12:00:00Z, and the clock here says"
        " 2030-05-12T12:00:00Z;"
        " set the clock, or wait",
    ),
    ((leaf(end=NOW - DAY), MIDDLE), {}, f"the certificate {WHO} expired at 2030-05-31T12:00:00Z"),
    (
        (LEAF, make("Middle", "Root", KEYS[1], KEYS[0], ca=True, end=NOW - DAY)),
        {},
        "the certificate CN=Middle,O=Kernel Panic expired at 2030-05-31T12:00:00Z",
    ),
    (
        (LEAF, MIDDLE),
        {"minimum_days": 91},
        f"the certificate {WHO} expires at 2030-08-30T12:00:00Z, in 90 days. It must be valid for at least 91 days",
    ),
    (
        (LEAF, MIDDLE),
        {"names": ("DNS:mail.example.org", "DNS:a.b.example.net")},
        f"the certificate {WHO} does not have the name DNS:a.b.example.net; its names are {', '.join(NAMES)}",
    ),
    (
        (leaf(names=()),),
        {},
        f"the certificate {WHO} does not have the name DNS:mail.example.org; it has no names",
    ),
]


@pytest.mark.parametrize(("chain", "change", "expected"), PROBLEMS)
def test_problems_of_a_set(chain: tuple[bytes, ...], change: dict[str, Any], expected: str) -> None:
    assert problem(*chain, **change) == expected


KEY_PROBLEMS = [
    (private(KEYS[0]), None),
    (private(KEYS[0], form=serialization.PrivateFormat.TraditionalOpenSSL), None),
    (pem.render(LEAF), "k.pem: has no private key; a PEM file with '-----BEGIN PRIVATE KEY-----' is expected"),
    (private(KEYS[0]) + private(KEYS[1]), "k.pem: has 2 private keys; one is expected"),
    (
        private(KEYS[0], b"x"),
        "k.pem: the key is encrypted, and a daemon has nobody to ask for the password; decrypt it first",
    ),
    (
        private(KEYS[0], b"x", serialization.PrivateFormat.TraditionalOpenSSL),
        "k.pem: the key is encrypted, and a daemon has nobody to ask for the password; decrypt it first",
    ),
]


@pytest.mark.parametrize(("text", "expected"), KEY_PROBLEMS)
def test_problems_of_a_key(text: str, expected: str | None) -> None:
    assert keys.key_problem(text, "k.pem") == expected


def test_a_file_that_keeps_the_key_too_has_it_first() -> None:
    key = private(KEYS[2])
    found = chains.parse_chain(key + pem.render(LEAF) + pem.render(MIDDLE), "c.pem", with_key=True)
    assert [item.der for item in found] == [LEAF, MIDDLE]
    with pytest.raises(ValueError, match="has the private key behind a certificate; Postfix reads the key first"):
        chains.parse_chain(pem.render(LEAF) + key, "c.pem", with_key=True)


CHAIN_FAILURES = [
    ("", "c.pem: has no certificate; a PEM file with '-----BEGIN CERTIFICATE-----' is expected"),
    ("junk", "c.pem: has no certificate; a PEM file with '-----BEGIN CERTIFICATE-----' is expected"),
    (pem.render(LEAF)[:200], "c.pem: a PEM block begins and does not end; the file is truncated or damaged"),
    (pem.render(LEAF).replace("MII", "M!I"), "c.pem: PEM block 1 (CERTIFICATE) is damaged: it is not base64"),
    (
        pem.render(LEAF).replace("END CERTIFICATE", "END PRIVATE KEY"),
        "c.pem: the PEM block that begins as 'CERTIFICATE' ends as 'PRIVATE KEY'",
    ),
    (
        pem.render(LEAF) + private(KEYS[2]),
        "c.pem: has a private key among the certificates; a chain is readable by everyone",
    ),
    (
        pem.render(LEAF[:-3]),
        "c.pem: a certificate in it is damaged: it is not the DER of an X.509 certificate",
    ),
]


@pytest.mark.parametrize(("text", "message"), CHAIN_FAILURES)
def test_what_is_no_chain(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared whole
        chains.parse_chain(text, "c.pem")
    assert str(caught.value) == message


def test_a_chain_may_have_comments_and_other_line_ends() -> None:
    text = f"subject=mail\n{pem.render(LEAF)}\nissuer\n{pem.render(MIDDLE)}".replace("\n", "\r\n")
    assert [item.der for item in chains.parse_chain(text, "c.pem")] == [LEAF, MIDDLE]


def test_the_files_of_each_key_type() -> None:
    first, second = keys.key_files(["rsa", "ecdsa"], "/etc/ssl/private/mail.key", "/etc/ssl/mail.d/chain")
    assert first == {"type": "rsa", "key_file": "/etc/ssl/private/mail.key", "chain_file": "/etc/ssl/mail.d/chain"}
    assert second == {
        "type": "ecdsa",
        "key_file": "/etc/ssl/private/mail.ecdsa.key",
        "chain_file": "/etc/ssl/mail.d/chain.ecdsa",
    }
