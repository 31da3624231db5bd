# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates and keys in DER, against files that openssl(1) made."""

from __future__ import annotations

import calendar
import re
import subprocess
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.puffy.mail.plugins.module_utils._tls import keys, pem, x509


@pytest.fixture(scope="module")
def openssl(tmp_path_factory):
    directory = tmp_path_factory.mktemp("x509")

    def run(*arguments):
        return subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True, text=True).stdout

    run("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "rsa.key")
    run("rsa", "-in", "rsa.key", "-traditional", "-out", "rsa-pkcs1.key")
    run("ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", "ec-sec1.key")
    run("pkcs8", "-topk8", "-nocrypt", "-in", "ec-sec1.key", "-out", "ec.key")
    run("ec", "-in", "ec-sec1.key", "-no_public", "-out", "ec-bare.key")
    run("genpkey", "-algorithm", "ED25519", "-out", "ed.key")
    for name in ("rsa", "ec", "ed"):
        run("req", "-x509", "-key", f"{name}.key", "-subj", "/CN=a/O=b c", "-days", "30", "-out", f"{name}.crt")
    run("req", "-x509", "-key", "ec.key", "-subj", "/CN=late", "-days", "20000", "-out", "late.crt")
    run.directory = directory
    return run


def block(openssl, name):
    (found,) = pem.blocks((openssl.directory / name).read_text(), name)
    return found


def certificate(openssl, name):
    return x509.parse(block(openssl, name).der, name)


@pytest.mark.parametrize("name", ["rsa.crt", "ec.crt", "ed.crt", "late.crt"])
def test_the_dates_are_those_openssl_shows(openssl, name):
    shown = openssl("x509", "-in", name, "-noout", "-dates")
    read = certificate(openssl, name)
    dates = [calendar.timegm(time.strptime(text, "%b %d %H:%M:%S %Y GMT")) for text in re.findall(r"=(.*)", shown)]
    assert [read.not_before.timestamp(), read.not_after.timestamp()] == dates


@pytest.mark.parametrize(
    ("name", "key"),
    [("rsa", "rsa"), ("rsa", "rsa-pkcs1"), ("ec", "ec"), ("ec", "ec-sec1")],
)
def test_a_key_has_the_public_key_of_its_certificate(openssl, name, key):
    found = block(openssl, f"{key}.key")
    public = keys.public_of_private(found.label, found.der)
    assert public == certificate(openssl, f"{name}.crt").key
    other = "ec" if name == "rsa" else "rsa"
    assert public != certificate(openssl, f"{other}.crt").key


@pytest.mark.parametrize("key", ["ed", "ec-bare"])
def test_a_key_without_its_public_key(openssl, key):
    found = block(openssl, f"{key}.key")
    assert keys.public_of_private(found.label, found.der) is None


def test_the_modulus_is_that_openssl_shows(openssl):
    modulus = openssl("x509", "-in", "rsa.crt", "-noout", "-modulus").strip().partition("=")[2]
    assert certificate(openssl, "rsa.crt").key == keys.PublicKey("RSA", bytes.fromhex(modulus))


NO_CERTIFICATE = "x.pem: a certificate in it is damaged: it is not the DER of an X.509 certificate"


@pytest.mark.parametrize("data", [b"", b"\x02\x01\x00", b"\x30\x00", b"\x30\x02\x30\x00"])
def test_what_is_no_certificate(data):
    with pytest.raises(ValueError, match=f"^{re.escape(NO_CERTIFICATE)}$"):
        x509.parse(data, "x.pem")


def test_what_follows_a_trusted_certificate_is_not_looked_at(openssl):
    openssl("x509", "-in", "ec.crt", "-trustout", "-addtrust", "serverAuth", "-out", "trusted.crt")
    assert block(openssl, "trusted.crt").label == "TRUSTED CERTIFICATE"
    assert certificate(openssl, "trusted.crt") == certificate(openssl, "ec.crt")


def test_an_unknown_kind_of_key_is_not_compared():
    assert keys.public_of_private("DSA PRIVATE KEY", b"\x30\x00") is None


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80))
def test_random_bytes_raise_nothing_else(data):
    for read in (lambda der: x509.parse(der, "x.pem"), lambda der: keys.public_of_private("PRIVATE KEY", der)):
        try:
            read(data)
        except ValueError:
            continue


def test_a_damaged_certificate_raises_nothing_else(openssl):
    der = bytearray(block(openssl, "ec.crt").der)
    for index in range(len(der)):
        damaged = bytes(der[:index]) + bytes([der[index] ^ 0xFF]) + bytes(der[index + 1 :])
        try:
            x509.parse(damaged, "x.pem")
        except ValueError:
            continue
