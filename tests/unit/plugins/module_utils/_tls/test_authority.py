# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a private authority judges: why something is issued anew, and what cannot be used."""

from __future__ import annotations

import dataclasses
import datetime
import re
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from ansible_collections.puffy.mail.plugins.module_utils._tls import authority as ca
from ansible_collections.puffy.mail.plugins.module_utils._tls.x509 import attributes

NOW = datetime.datetime(2030, 6, 1, 12, tzinfo=datetime.timezone.utc)
DAY = datetime.timedelta(days=1)
ROOT_KEY, OTHER_KEY, LEAF_KEY = (ca.new_key("ecdsa", authority=False) for _dummy in range(3))
NAME = ca.subject_name("Root", {"organization": "Kernel Panic", "state": None})


def root(key: Any = ROOT_KEY, name: x509.Name = NAME, days: int = 1000) -> ca.Authority:
    return ca.Authority(ca.issue_authority(name, key, None, days, NOW), key)


ROOT = root()
MIDDLE = ca.issue_authority(ca.subject_name("Middle"), OTHER_KEY, ROOT, 500, NOW)
WANTED = ca.Wanted(LEAF_KEY.public_key(), ca.subject_name("a.example.org"), ("DNS:a.example.org",), "sslserver")
LEAF = ca.issue(ROOT, WANTED, 90, NOW)


@pytest.mark.parametrize(
    ("change", "now", "expected"),
    [
        ({}, NOW, ""),
        ({"purpose": "sslclient"}, NOW, "the purpose has changed"),
        ({"names": ("DNS:b.example.org",)}, NOW, "the alternative names have changed"),
        ({"subject": ca.subject_name("b.example.org")}, NOW, "the name has changed"),
        ({"public": OTHER_KEY.public_key()}, NOW, "the key has changed"),
        ({}, NOW - DAY, "the certificate is not valid yet"),
        ({}, NOW + 59 * DAY, ""),
        ({}, NOW + 61 * DAY, "the certificate expires in 29 days"),
    ],
)
def test_why_a_certificate_is_issued_anew(change: dict[str, Any], now: datetime.datetime, expected: str) -> None:
    assert ca.stale(LEAF, ROOT.certificate, dataclasses.replace(WANTED, **change), (), 30, now) == expected


def test_who_issued_it_counts() -> None:
    assert ca.stale(LEAF, None, WANTED, (), 30, NOW) == "the authority is new"
    assert ca.stale(LEAF, root(OTHER_KEY).certificate, WANTED, (), 30, NOW) == "the authority has changed"
    assert ca.stale(LEAF, ROOT.certificate, WANTED, {LEAF.serial}, 30, NOW) == ca.REVOKED
    # A certificate that ends with its issuer would not live longer if it were issued anew.
    short = root(days=20)
    last = ca.issue(short, WANTED, 90, NOW)
    assert short.certificate is not None
    assert last.not_after == short.certificate.not_after
    assert ca.stale(last, short.certificate, WANTED, (), 30, NOW) == ""


@pytest.mark.parametrize(
    ("issuer", "now", "expected"),
    [
        (ROOT, NOW, ""),
        (ROOT, NOW + 471 * DAY, "the certificate expires in 29 days"),
        (root(name=ca.subject_name("Another")), NOW, "the root has changed"),
        (root(OTHER_KEY), NOW, "the key of the root has changed"),
        (ca.Authority(None, None), NOW, "the root has changed"),
    ],
)
def test_why_an_intermediate_is_issued_anew(issuer: ca.Authority, now: datetime.datetime, expected: str) -> None:
    assert ca.stale_authority(MIDDLE, issuer, 30, now) == expected


def test_a_name_is_the_same_whatever_its_type_of_string() -> None:
    printable = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Root", _type=_ASN1Type.PrintableString)])
    assert printable.public_bytes() != ca.subject_name("Root").public_bytes()
    assert attributes(printable.public_bytes()) == attributes(ca.subject_name("Root").public_bytes())
    made = root(name=printable).certificate
    assert made is not None
    ca.check_authority("ca.pem", made, ROOT_KEY, ca.subject_name("Root"), root=True, now=NOW)


@pytest.mark.parametrize(
    ("certificate", "message"),
    [
        (LEAF, "ca.pem: the certificate is not that of an authority (basicConstraints)"),
        (MIDDLE, "ca.pem: the certificate is not self-signed, so it is not a root"),
    ],
)
def test_what_is_no_root(certificate: ca.Certificate, message: str) -> None:
    key = LEAF_KEY if certificate is LEAF else OTHER_KEY
    subject = ca.subject_name(certificate.common_names[0])
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        ca.check_authority("ca.pem", certificate, key, subject, root=True, now=NOW)


def test_what_is_on_the_list_stays_there_until_it_has_expired() -> None:
    listed = ca.to_revoke([f"{LEAF.serial:x}"], [LEAF, MIDDLE], None, NOW)
    assert listed == {LEAF.serial: NOW}
    first = ca.parse_revocation_list(ca.sign_list(None, ROOT, listed, 90, NOW), "crl.pem")
    assert first.entries == listed
    assert ca.to_revoke([], [LEAF, MIDDLE], first, NOW + 89 * DAY) == listed
    assert ca.to_revoke(["Middle"], [LEAF, MIDDLE], first, NOW + 91 * DAY) == {MIDDLE.serial: NOW + 91 * DAY}
    for now, certificate, entries, expected in (
        (NOW + 59 * DAY, ROOT.certificate, listed, ""),
        (NOW + 61 * DAY, ROOT.certificate, listed, "the list expires soon"),
        (NOW, ROOT.certificate, {}, "the revoked certificates have changed"),
        (NOW, MIDDLE, listed, "the authority has changed"),
        (NOW, root(OTHER_KEY).certificate, listed, "the key of the authority has changed"),
    ):
        assert ca.stale_list(first, certificate, entries, 90, now) == expected
    assert ca.stale_list(None, ROOT.certificate, {}, 90, NOW) == "new"
