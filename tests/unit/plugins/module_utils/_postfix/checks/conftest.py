# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and certificates for the checks."""

from __future__ import annotations

import subprocess
import time

import pytest

from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.checks.cases import NOW


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    """Keys and certificates made by openssl(1), by name."""
    directory = tmp_path_factory.mktemp("pki")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)

    days = str(int((NOW - time.time()) / 86400) + 3650)
    openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "rsa.key")
    openssl("rsa", "-in", "rsa.key", "-traditional", "-out", "rsa-pkcs1.key")
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "ec-sec1.key")
    openssl("pkcs8", "-topk8", "-nocrypt", "-in", "ec-sec1.key", "-out", "ec.key")
    openssl("genpkey", "-algorithm", "ED25519", "-out", "ed.key")
    openssl("pkcs8", "-topk8", "-in", "rsa.key", "-passout", "pass:secret", "-out", "encrypted.key")
    openssl(
        "rsa", "-in", "rsa.key", "-traditional", "-aes128", "-passout", "pass:secret", "-out", "encrypted-pkcs1.key"
    )
    for name in ("rsa", "ec", "ed"):
        openssl(
            "req", "-x509", "-key", f"{name}.key", "-subj", "/CN=mail.example.org", "-days", days, "-out", f"{name}.crt"
        )
    found = {path.name: path.read_bytes() for path in directory.iterdir()}
    found["rsa-both.pem"] = found["rsa.key"] + found["rsa.crt"]
    found["ec-both.pem"] = found["ec-sec1.key"] + found["ec.crt"]
    return found
