# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""cert_fingerprint: the digest of the DER form, and what is refused."""

from __future__ import annotations

import base64
import hashlib

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.filter.cert_fingerprint import FilterModule

cert_fingerprint = FilterModule().filters()["cert_fingerprint"]
DER = b"any bytes will do"
PEM = f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(DER).decode()}\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("digest", ["sha256", "sha512", "md5"])
def test_the_first_certificate_counts(digest: str) -> None:
    expected = hashlib.new(digest, DER).hexdigest().upper()
    got = cert_fingerprint(f"a comment\n{PEM}{PEM.replace('YW', 'YX')}", digest)
    assert got == ":".join(expected[place : place + 2] for place in range(0, len(expected), 2))


def test_the_default_is_sha256() -> None:
    assert cert_fingerprint(PEM) == cert_fingerprint(PEM, "sha256")


FAILURES = [
    (
        ("junk",),
        "cert_fingerprint: the input: has no certificate; a PEM file with '-----BEGIN CERTIFICATE-----' is expected",
    ),
    ((PEM[:40],), "cert_fingerprint: the input: a PEM block begins and does not end; the file is truncated or damaged"),
    ((None,), "cert_fingerprint: the input must be a certificate in PEM form, not NoneType"),
    ((PEM, "crc32"), "cert_fingerprint: digest is 'crc32'. Use sha256, sha384, sha512, sha1 or md5"),
]


@pytest.mark.parametrize(("arguments", "message"), FAILURES)
def test_failures(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        cert_fingerprint(*arguments)
    assert str(caught.value) == message
