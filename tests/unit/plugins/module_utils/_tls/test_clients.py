# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that may relay: the entries of their table, and what is refused."""

from __future__ import annotations

import datetime
import hashlib
import re
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.puffy.mail.plugins.module_utils._tls import clients, pem

KEY, OTHER_KEY = (ec.generate_private_key(ec.SECP256R1()) for _dummy in range(2))


def certificate(key: ec.EllipticCurvePrivateKey, serial: int) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "printer")])
    begin = datetime.datetime(2030, 1, 1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    dates = builder.serial_number(serial).not_valid_before(begin).not_valid_after(begin + datetime.timedelta(days=9))
    return dates.sign(KEY, hashes.SHA256())


def pem_of(made: x509.Certificate) -> str:
    return made.public_bytes(serialization.Encoding.PEM).decode()


def fingerprints(made: x509.Certificate) -> tuple[str, str]:
    """What the library says of the certificate and of its key."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    key = hashlib.sha256(made.public_key().public_bytes(serialization.Encoding.DER, form))
    return made.fingerprint(hashes.SHA256()).hex(":").upper(), key.digest().hex(":").upper()


ONE, RENEWED, TWO = certificate(KEY, 0x0A01), certificate(KEY, 0x0A02), certificate(OTHER_KEY, 0x0B01)
CERTIFICATE = pem_of(ONE)


def test_clients_by_name_certificate_and_fingerprint() -> None:
    entries = ["printer", {"name": "nas", "certificate": pem_of(TWO)}, {"name": "old", "fingerprint": "ab" * 32}]
    table = clients.relay_clients(entries, {"printer": CERTIFICATE}, ["another", "0C:01"])
    (one, one_key), (two, two_key) = fingerprints(ONE), fingerprints(TWO)
    assert table == {
        one: "printer",
        one_key: "printer (its key)",
        two: "nas",
        two_key: "nas (its key)",
        ":".join(["AB"] * 32): "old",
    }


def test_a_renewed_certificate_leaves_the_old_one_its_right() -> None:
    before, after = (clients.relay_clients(["printer"], {"printer": pem_of(made)}) for made in (ONE, RENEWED))
    assert set(before) & set(after) == {fingerprints(ONE)[1]}


@given(st.binary(min_size=32, max_size=32))
def test_a_fingerprint_reads_the_same_in_either_form(value: bytes) -> None:
    pairs = value.hex(":").upper()
    for text in (pairs, pairs.lower(), value.hex()):
        assert clients.relay_client({"name": "a", "fingerprint": text}) == ("a", "", pairs)


@pytest.mark.parametrize(
    ("entries", "found", "sentence"),
    [
        (["printer"], {}, "client 'printer': no certificate was found. Issue it, or give it with the name"),
        (
            ["printer", "printer"],
            {"printer": CERTIFICATE},
            "client 'printer' has the same certificate or key as 'printer'",
        ),
        (
            ["a", {"name": "a", "fingerprint": "00" * 32}],
            {"a": CERTIFICATE},
            "client 'a' is in the list twice",
        ),
        (["a", "b"], {"a": CERTIFICATE, "b": CERTIFICATE}, "client 'b' has the same certificate or key as 'a'"),
        (
            ["a", "b"],
            {"a": CERTIFICATE, "b": pem_of(RENEWED)},
            "client 'b' has the same certificate or key as 'a (its key)'",
        ),
        (
            ["printer"],
            {"printer": pem.render(b"one")},
            "the certificate of client 'printer': a certificate in it is damaged: it is not the DER of an X.509"
            " certificate",
        ),
        (
            ["printer"],
            {"printer": "junk"},
            "the certificate of client 'printer': has no certificate; a PEM file with '-----BEGIN CERTIFICATE-----' is"
            " expected",
        ),
        (
            [{"name": "a", "fingerprint": "D7:04:2F:A7:0B:8C:A5:21:FA:31:77:E1:41:8A:EE:80"}],
            {},
            "client 'a': the fingerprint is 'D7:04:2F:A7:0B:8C:A5:21:FA:31:77:E1:41:8A:EE:80', which is not a SHA-256"
            " fingerprint. Use 32 pairs of hexadecimal digits, joined by colons",
        ),
        (
            ["../../etc/shadow"],
            {},
            "client name '../../etc/shadow' is not usable: 1 to 64 letters, digits and the characters . _ @ + -, the"
            " first a letter or digit, and no two dots in a row",
        ),
        (
            [{"name": "a", "fingerprint": "00" * 32, "certificate": CERTIFICATE}],
            {},
            "client 'a' has a certificate and a fingerprint. Use a name such as 'printer', or a name with a certificate"
            " or a fingerprint",
        ),
        (
            [{"name": "a", "colour": "red"}],
            {},
            "client 'a' has 'colour'. Use a name such as 'printer', or a name with a certificate or a fingerprint",
        ),
        (
            [7],
            {},
            "7 is not a client. Use a name such as 'printer', or a name with a certificate or a fingerprint",
        ),
    ],
)
def test_bad_clients_are_named(entries: list[Any], found: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        clients.relay_clients(entries, found)


@pytest.mark.parametrize(
    ("entry", "revoked", "sentence"),
    [
        ("printer", ["printer"], "client 'printer' is revoked. Remove it from the clients that may relay"),
        ("printer", ["0a:01"], "client 'printer': its certificate, number A01, is revoked. Remove it from the clients"
         " that may relay"),
        ({"name": "nas", "certificate": CERTIFICATE}, ["0A01"], "client 'nas': its certificate, number A01, is revoked."
         " Remove it from the clients that may relay"),
    ],
)  # fmt: skip
def test_who_is_revoked_does_not_relay(entry: Any, revoked: list[str], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        clients.relay_clients([entry], {"printer": CERTIFICATE}, revoked)
