# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""PEM, X.509 and names, compared with what the cryptography library makes and says."""

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

from ansible_collections.puffy.mail.plugins.module_utils._tls import certificates as pem

UTC = datetime.timezone.utc
NOW = datetime.datetime(2030, 6, 1, 12, tzinfo=UTC)
KEYS = [ec.generate_private_key(ec.SECP256R1()) for _ in range(4)]
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


def parse(der: bytes) -> pem.Certificate:
    return pem.parse_certificate(der, "x.pem")


def test_a_certificate_is_read_as_the_library_reads_it() -> None:
    ours, theirs = parse(LEAF), x509.load_der_x509_certificate(LEAF)
    assert ours.serial == theirs.serial_number
    assert ours.not_before == theirs.not_valid_before_utc
    assert ours.not_after == theirs.not_valid_after_utc
    assert ours.public_key == public(KEYS[2])
    assert ours.subject == theirs.subject.public_bytes()
    assert ours.issuer == theirs.issuer.public_bytes()
    assert ours.subject_text == theirs.subject.rfc4514_string() == "CN=mail.example.org,O=Kernel Panic"
    assert ours.names == NAMES
    assert (ours.is_ca, parse(MIDDLE).is_ca) == (False, True)
    assert ours.purposes == (pem.PURPOSES["sslserver"],)
    assert parse(ROOT).purposes is None
    assert pem.fingerprint(LEAF) == theirs.fingerprint(hashes.SHA256()).hex(":").upper()
    assert pem.to_pem(LEAF) == theirs.public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize(
    ("key", "kind", "bits"),
    [
        (ec.generate_private_key(ec.SECP256R1()), "elliptic-curve", 256),
        (ec.generate_private_key(ec.SECP521R1()), "elliptic-curve", 528),
        (rsa.generate_private_key(65537, 2048), "RSA", 2048),
        (rsa.generate_private_key(65537, 1024), "RSA", 1024),  # noqa: S505
        (ed25519.Ed25519PrivateKey.generate(), "other", 0),
    ],
)
def test_kind_and_size_of_a_key(key: Any, kind: str, bits: int) -> None:
    assert pem.key_size(public(key)) == (kind, bits)


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
    assert pem.weakness(parse(MIDDLE)) is None
    assert pem.weakness(old) == (
        "the certificate CN=Middle,O=Kernel Panic is signed over SHA-1, which OpenSSL takes no more; have it issued"
        " anew with SHA-256"
    )
    wanted: dict[str, Any] = {"names": NAMES[:1], "purpose": "sslserver", "now": NOW, "minimum_days": 0}
    assert pem.set_problem([parse(LEAF), old], public(KEYS[2]), **wanted) == pem.weakness(old)


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
    return pem.set_problem([parse(der) for der in chain], public(key), **wanted)


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
        f"the chain is in the wrong order: the certificate of the key, {WHO}, is number 2; it must be the"
        " first, and then"
        " each the issuer of the one before",
    ),
    (
        (LEAF, MIDDLE, ROOT),
        {},
        "the chain has the root CN=Root,O=Kernel Panic; clients have it already, and it must not be sent",
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
        f"the chain goes on after {WHO} with CN=Middle,O=Kernel Panic, which is not an authority",
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
        f"the certificate {WHO} expires at 2030-08-30T12:00:00Z, in 90 days; at least 91 are wanted",
    ),
    (
        (LEAF, MIDDLE),
        {"names": ("DNS:mail.example.org", "DNS:a.b.example.net")},
        f"the certificate {WHO} does not have the name DNS:a.b.example.net; it has {', '.join(NAMES)}",
    ),
    (
        (leaf(names=()),),
        {},
        f"the certificate {WHO} does not have the name DNS:mail.example.org; it has none",
    ),
]


@pytest.mark.parametrize(("chain", "change", "expected"), PROBLEMS)
def test_problems_of_a_set(chain: tuple[bytes, ...], change: dict[str, Any], expected: str) -> None:
    assert problem(*chain, **change) == expected


KEY_PROBLEMS = [
    (private(KEYS[0]), None),
    (private(KEYS[0], form=serialization.PrivateFormat.TraditionalOpenSSL), None),
    (pem.to_pem(LEAF), "k.pem: has no private key; a PEM file with '-----BEGIN PRIVATE KEY-----' is expected"),
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
    assert pem.key_problem(text, "k.pem") == expected


CHAIN_FAILURES = [
    ("", "c.pem: has no certificate; a PEM file with '-----BEGIN CERTIFICATE-----' is expected"),
    ("junk", "c.pem: has no certificate; a PEM file with '-----BEGIN CERTIFICATE-----' is expected"),
    (pem.to_pem(LEAF)[:200], "c.pem: a PEM block begins and does not end; the file is truncated or damaged"),
    (pem.to_pem(LEAF).replace("MII", "M!I"), "c.pem: PEM block 1 (CERTIFICATE) is damaged: it is not base64"),
    (
        pem.to_pem(LEAF).replace("END CERTIFICATE", "END PRIVATE KEY"),
        "c.pem: the PEM block that begins as 'CERTIFICATE' ends as 'PRIVATE KEY'",
    ),
    (
        pem.to_pem(LEAF) + private(KEYS[2]),
        "c.pem: has a private key among the certificates; a chain is readable by everyone",
    ),
    (
        pem.to_pem(LEAF[:-3]),
        "c.pem: a certificate in it is damaged: it is not the DER of an X.509 certificate",
    ),
]


@pytest.mark.parametrize(("text", "message"), CHAIN_FAILURES)
def test_what_is_no_chain(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared whole
        pem.chain_of(text, "c.pem")
    assert str(caught.value) == message


def test_a_chain_may_have_comments_and_other_line_ends() -> None:
    text = f"subject=mail\n{pem.to_pem(LEAF)}\nissuer\n{pem.to_pem(MIDDLE)}".replace("\n", "\r\n")
    assert [item.der for item in pem.chain_of(text, "c.pem")] == [LEAF, MIDDLE]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Mail.Example.ORG.", "mail.example.org"], ("DNS:mail.example.org",)),
        (["*.example.org", "192.0.2.1", "2001:DB8::1"], ("DNS:*.example.org", "IP:192.0.2.1", "IP:2001:db8::1")),
        (["xn--bcher-kva.example"], ("DNS:xn--bcher-kva.example",)),
    ],
)
def test_names(names: list[str], expected: tuple[str, ...]) -> None:
    assert pem.subject_names(names) == expected


@pytest.mark.parametrize(
    "name",
    ["", "mail", "mail example.org", "-a.example.org", "a..org", "1.2.3.4.5", "*.org", "a.*.org", "bücher.de"],
)
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ValueError, match=r" is not a fully qualified domain name: .* either$"):
        pem.subject_names([name])


def test_the_files_of_each_key_type() -> None:
    first, second = pem.key_sets(["rsa", "ecdsa"], "/etc/ssl/private/mail.key", "/etc/ssl/mail.d/chain")
    assert first == {"type": "rsa", "key_file": "/etc/ssl/private/mail.key", "chain_file": "/etc/ssl/mail.d/chain"}
    assert second == {
        "type": "ecdsa",
        "key_file": "/etc/ssl/private/mail.ecdsa.key",
        "chain_file": "/etc/ssl/mail.d/chain.ecdsa",
    }


INPUTS: dict[str, Any] = {
    "tls_pki_source": "private_ca",
    "tls_pki_hostname": "mail.example.org",
    "tls_pki_names": ["imap.example.org", "192.0.2.25"],
    "tls_pki_key_types": ["rsa", "ecdsa"],
    "tls_pki_rsa_bits": 3072,
    "tls_pki_key_file": "/etc/ssl/private/mail.key",
    "tls_pki_chain_file": "/etc/ssl/mail.pem",
    "tls_pki_ca_file": "/etc/ssl/ca.pem",
    "tls_pki_minimum_days": 0,
    "tls_pki_acme_directory_url": "https://acme-v02.api.letsencrypt.org/directory",
    "tls_pki_acme_email": "postmaster@example.org",
    "tls_pki_acme_terms_agreed": True,
    "tls_pki_acme_challenge_directory": "",
    "tls_pki_given": {},
    "tls_pki_trusted": {"partner": pem.to_pem(MIDDLE)},
    "tls_pki_trusted_directory": "/etc/ssl/mail-cas",
    "tls_pki_dhparam": "",
    "tls_pki_dhparam_bits": 2048,
    "tls_pki_dhparam_file": "/etc/ssl/dhparam.pem",
    "tls_pki_ca_host": "localhost",
    "tls_pki_ca_directory": "/srv/pki",
    "tls_pki_ca_public_directory": "/srv/public",
    "inventory_hosts": ["mail.example.org", "ca.example.org"],
    "mail_hosts": ["mail.example.org"],
    "tls_pki_certificate_days": 365,
    "tls_pki_renew_before_days": 30,
    "tls_pki_ca_days": 3650,
    "tls_pki_ca_renew_before_days": 365,
    "tls_pki_ca_intermediate": False,
    "tls_pki_ca_intermediate_days": 1825,
    "tls_pki_clients": ["printer"],
    "tls_pki_revoked": [],
}


ACME = {"tls_pki_source": "acme", "tls_pki_names": ["imap.example.org"]}


@pytest.mark.parametrize("more", [{}, ACME, ACME | {"tls_pki_acme_challenge_directory": "/var/www/acme"},
                                  {"tls_pki_ca_host": "ca.example.org"}])  # fmt: skip
def test_good_inputs_have_no_problems(more: dict[str, Any]) -> None:
    assert pem.input_problems(INPUTS | more) == []


BAD_INPUTS = [
    (
        {"tls_pki_trusted": {"partner": "junk"}},
        "tls_pki_trusted: partner: has no certificate; a PEM file with '-----BEGIN CERTIFICATE-----' is expected.",
    ),
    (
        {"tls_pki_trusted": {"partner": pem.to_pem(MIDDLE) * 2}},
        "tls_pki_trusted: partner: has more than one certificate; give each its own name.",
    ),
    (
        {"tls_pki_trusted": {"../x": pem.to_pem(MIDDLE)}},
        "tls_pki_trusted has the name '../x', which cannot be the name of a file.",
    ),
    (
        {"tls_pki_trusted": "none"},
        "tls_pki_trusted is 'none'. Right would be certificates by name, such as {'partner': …}.",
    ),
    (
        {"tls_pki_source": "magic"},
        "tls_pki_source is 'magic'. Right would be one of: private_ca, acme, given, existing.",
    ),
    (
        ACME | {"tls_pki_acme_terms_agreed": False},
        "tls_pki_acme_terms_agreed is false. An ACME server issues to those who agree to its terms; read them, then set"
        " it to true.",
    ),
    (
        ACME | {"tls_pki_acme_directory_url": "http://ca.example.org/"},
        "tls_pki_acme_directory_url is 'http://ca.example.org/'. Right would be the https URL of a directory, such as"
        " 'https://acme-v02.api.letsencrypt.org/directory'.",
    ),
    (
        ACME | {"tls_pki_acme_email": "post master"},
        "tls_pki_acme_email is 'post master'. Right would be a mail address, or '' for none.",
    ),
    (
        ACME | {"tls_pki_names": ["192.0.2.25"]},
        "tls_pki_names has '192.0.2.25', and ACME clients ask for host names only. Leave the address out.",
    ),
    (
        ACME | {"tls_pki_names": ["*.example.org"]},
        "tls_pki_names has '*.example.org', and a wildcard cannot be proved over HTTP (RFC 8555, section 8.3). Name the"
        " hosts.",
    ),
    (
        ACME | {"tls_pki_acme_challenge_directory": "www"},
        "tls_pki_acme_challenge_directory is 'www'. Right would be the absolute path of a file, without blanks and"
        " commas, such as '/etc/ssl/mail.pem'.",
    ),
    (
        {"tls_pki_hostname": "mail"},
        "tls_pki_hostname: 'mail' is not a fully qualified domain name: two or more labels of letters, digits"
        " and hyphens,"
        " such as 'mail.example.org'.",
    ),
    (
        {"tls_pki_names": ["a b"]},
        "tls_pki_names: 'a b' is not a fully qualified domain name: two or more labels of letters, digits and"
        " hyphens, such"
        " as 'mail.example.org', and it is no IP address either.",
    ),
    (
        {"tls_pki_key_types": ["ed25519"]},
        "tls_pki_key_types has 'ed25519'. Right would be one or both of 'rsa' and 'ecdsa', as a list such as"
        " ['rsa', 'ecdsa']. LibreSSL cannot serve Ed25519.",
    ),
    ({"tls_pki_rsa_bits": 1024}, "tls_pki_rsa_bits is 1024. Right would be 2048, 3072, 4096 or 8192."),
    (
        {"tls_pki_key_file": "mail.key"},
        "tls_pki_key_file is 'mail.key'. Right would be the absolute path of a file, without blanks and commas,"
        " such as"
        " '/etc/ssl/mail.pem'.",
    ),
    (
        {"tls_pki_chain_file": "/etc/ssl/ca.pem"},
        "tls_pki_key_file, tls_pki_chain_file and tls_pki_ca_file must be three files, and two are the same.",
    ),
    (
        {"tls_pki_ca_directory": "pki"},
        "tls_pki_ca_directory is 'pki'. Right would be the absolute path of a directory on the host of the CA, such as"
        " '{{ inventory_dir }}/pki'.",
    ),
    (
        {"tls_pki_ca_host": "ca"},
        "tls_pki_ca_host is 'ca'. Right would be 'localhost' for the control node, or a host of the inventory.",
    ),
    (
        {"tls_pki_ca_host": "mail.example.org"},
        "tls_pki_ca_host is 'mail.example.org', which is a mail host, and the key of the CA must be on none: whoever"
        " breaks into it could issue certificates. Right would be 'localhost', or a host that serves no mail.",
    ),
    (
        {"tls_pki_certificate_days": "x"},
        "tls_pki_certificate_days is 'x'. Right would be a number of days from 1 to 36500.",
    ),
    (
        {"tls_pki_renew_before_days": 365},
        "tls_pki_renew_before_days is 365. Right would be a number of days from 0 to 364.",
    ),
    (
        {"tls_pki_revoked": ["printer"]},
        "tls_pki_clients: 'printer' is in tls_pki_revoked too. Right would be to name it once.",
    ),
    (
        {"tls_pki_trusted_directory": "/etc/ssl/certs/"},
        "tls_pki_trusted_directory is '/etc/ssl/certs/', where the system or another program keeps certificates, and"
        " those that are not in tls_pki_trusted would be taken away. Right would be a directory of its own, such as"
        " '/etc/ssl/mail-cas'.",
    ),
    (
        {"tls_pki_dhparam": "ffdhe1024"},
        "tls_pki_dhparam is 'ffdhe1024'. Right would be '' for none, 'generate', or one of: ffdhe2048,"
        " ffdhe3072, ffdhe4096,"
        " ffdhe6144, ffdhe8192.",
    ),
    (
        {"tls_pki_dhparam": "generate", "tls_pki_dhparam_bits": 512},
        "tls_pki_dhparam_bits is 512. Right would be a multiple of 8 from 2048 to 8192.",
    ),
    (
        {"tls_pki_source": "given", "tls_pki_key_types": ["rsa"], "tls_pki_given": {"rsa": {"key": "x"}}},
        "tls_pki_given has no chain for the key type 'rsa'. Right would be {'rsa': {'key': …, 'chain': …}}, the"
        " key from a"
        " vault, both in PEM form.",
    ),
]


@pytest.mark.parametrize(("change", "expected"), BAD_INPUTS)
def test_bad_inputs_are_named(change: dict[str, Any], expected: str) -> None:
    assert pem.input_problems({**INPUTS, **change}) == [expected]
