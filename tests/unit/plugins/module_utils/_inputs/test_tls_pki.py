# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inputs of the role tls_pki, and what is said of bad ones."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

BASE: dict[str, Any] = {
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
    "tls_pki_trusted": {},
    "tls_pki_trusted_directory": "/etc/ssl/mail-cas",
    "tls_pki_dhparam": "",
    "tls_pki_dhparam_bits": 2048,
    "tls_pki_dhparam_file": "/etc/ssl/dhparam.pem",
    "tls_pki_ca_host": "localhost",
    "tls_pki_ca_directory": "/srv/pki",
    "tls_pki_ca_public_directory": "/srv/public",
    "tls_pki_certificate_days": 365,
    "tls_pki_renew_before_days": 30,
    "tls_pki_ca_days": 3650,
    "tls_pki_ca_renew_before_days": 365,
    "tls_pki_ca_intermediate": False,
    "tls_pki_ca_intermediate_days": 1825,
    "tls_pki_clients": ["printer"],
    "tls_pki_revoked": [],
}

GOOD: list[dict[str, Any]] = [
    {},
    {"tls_pki_source": "acme", "tls_pki_names": ["imap.example.org"]},
    {
        "tls_pki_source": "acme",
        "tls_pki_names": ["imap.example.org"],
        "tls_pki_acme_challenge_directory": "/var/www/acme",
    },
    {"tls_pki_ca_host": "ca.example.org"},
    {"tls_pki_ca_passphrase": "a-vaulted-one"},
]

BAD: list[tuple[dict[str, Any], list[str]]] = [
    (
        {"tls_pki_trusted": {"partner": "junk"}},
        [("tls_pki_trusted: partner: has no certificate; a PEM file with '-----BEGIN CERTIFICATE-----' is expected.")],
    ),
    (
        {"tls_pki_trusted": "none"},
        ["tls_pki_trusted is 'none'. Use certificates by name, such as {'partner': …}."],
    ),
    (
        {"tls_pki_source": "magic"},
        ["tls_pki_source is 'magic'. Use 'private_ca', 'acme', 'given' or 'existing'."],
    ),
    (
        {"tls_pki_source": "acme", "tls_pki_names": ["imap.example.org"], "tls_pki_acme_terms_agreed": False},
        [
            (
                "tls_pki_acme_terms_agreed is false, and an ACME server issues to those who agree to its terms. Read"
                " them, then set it to true."
            )
        ],
    ),
    (
        {
            "tls_pki_source": "acme",
            "tls_pki_names": ["imap.example.org"],
            "tls_pki_acme_directory_url": "http://ca.example.org/",
        },
        [
            (
                "tls_pki_acme_directory_url is 'http://ca.example.org/'. Use the https URL of a directory, such as"
                " 'https://acme-v02.api.letsencrypt.org/directory'."
            )
        ],
    ),
    (
        {"tls_pki_source": "acme", "tls_pki_names": ["imap.example.org"], "tls_pki_acme_email": "post master"},
        ["tls_pki_acme_email is 'post master'. Use a mail address, or '' for none."],
    ),
    (
        {"tls_pki_source": "acme", "tls_pki_names": ["192.0.2.25"]},
        ["tls_pki_names has '192.0.2.25', and ACME clients ask for host names only. Leave the address out."],
    ),
    (
        {"tls_pki_source": "acme", "tls_pki_names": ["*.example.org"]},
        [
            (
                "tls_pki_names has '*.example.org', and a wildcard cannot be proved over HTTP (RFC 8555, section"
                " 8.3). Name the hosts."
            )
        ],
    ),
    (
        {"tls_pki_source": "acme", "tls_pki_names": ["imap.example.org"], "tls_pki_acme_challenge_directory": "www"},
        [
            (
                "tls_pki_acme_challenge_directory is 'www'. Use an absolute path without blanks and commas, such as"
                " '/etc/ssl/mail.pem'."
            )
        ],
    ),
    (
        {"tls_pki_hostname": "mail"},
        ["tls_pki_hostname is 'mail', which has no dot. Use a fully qualified name such as 'mail.example.org'."],
    ),
    (
        {"tls_pki_names": ["a b"]},
        [
            (
                "tls_pki_names: 'a b' is not a fully qualified domain name: two or more labels of letters, digits"
                " and hyphens, such as 'mail.example.org', and it is no IP address either."
            )
        ],
    ),
    (
        {"tls_pki_key_types": ["ed25519"]},
        [
            (
                "tls_pki_key_types has the entry 'ed25519'. Use a list of one or more of 'rsa' and 'ecdsa', each"
                " once. LibreSSL cannot serve Ed25519."
            )
        ],
    ),
    (
        {"tls_pki_rsa_bits": 1024},
        ["tls_pki_rsa_bits is 1024. Use 2048, 3072, 4096 or 8192."],
    ),
    (
        {"tls_pki_key_file": "mail.key"},
        [
            (
                "tls_pki_key_file is 'mail.key'. Use an absolute path without blanks and commas, such as"
                " '/etc/ssl/mail.pem'."
            )
        ],
    ),
    (
        {"tls_pki_chain_file": "/etc/ssl/ca.pem"},
        ["tls_pki_chain_file is '/etc/ssl/ca.pem', and so is tls_pki_ca_file. Give each a file of its own."],
    ),
    (
        {"tls_pki_key_file": "/etc/ssl/both.pem", "tls_pki_chain_file": "/etc/ssl/both.pem"},
        [
            "tls_pki_key_file is '/etc/ssl/both.pem', and so is tls_pki_chain_file. Give each a file of its own. One"
            " file for both needs tls_pki_source: existing."
        ],
    ),
    (
        {"tls_pki_ca_directory": "pki"},
        [
            (
                "tls_pki_ca_directory is 'pki'. Use the absolute path of a directory on the host of the CA, such as"
                " '{{ inventory_dir }}/pki'."
            )
        ],
    ),
    (
        {"tls_pki_ca_host": "ca"},
        ["tls_pki_ca_host is 'ca'. Use 'localhost' for the control node, or a host of the inventory."],
    ),
    (
        {"tls_pki_ca_host": "mail.example.org"},
        [
            (
                "tls_pki_ca_host is 'mail.example.org', which is a mail host: whoever breaks into it could issue"
                " certificates. Use 'localhost', or a host that serves no mail."
            )
        ],
    ),
    (
        {"tls_pki_certificate_days": "x"},
        ["tls_pki_certificate_days is 'x'. Use a number of days from 1 to 36500."],
    ),
    (
        {"tls_pki_renew_before_days": 365},
        [("tls_pki_renew_before_days is 365. Use a number of days from 0 to 364, less than tls_pki_certificate_days.")],
    ),
    (
        {"tls_pki_revoked": ["printer"]},
        ["tls_pki_clients has 'printer', which is in tls_pki_revoked too. Name each client once."],
    ),
    (
        {"tls_pki_trusted_directory": "/etc/ssl/certs/"},
        [
            (
                "tls_pki_trusted_directory is '/etc/ssl/certs/', where the system or another program keeps"
                " certificates, and those that are not in tls_pki_trusted would be taken away. Use a directory of its"
                " own, such as '/etc/ssl/mail-cas'."
            )
        ],
    ),
    (
        {"tls_pki_dhparam": "ffdhe1024"},
        [
            (
                "tls_pki_dhparam is 'ffdhe1024'. Use '' for none, or 'generate', 'ffdhe2048', 'ffdhe3072',"
                " 'ffdhe4096', 'ffdhe6144' or 'ffdhe8192'."
            )
        ],
    ),
    (
        {"tls_pki_dhparam": "generate", "tls_pki_dhparam_bits": 512},
        ["tls_pki_dhparam_bits is 512. Use a multiple of 8 from 2048 to 8192."],
    ),
    (
        {"tls_pki_source": "given", "tls_pki_key_types": ["rsa"], "tls_pki_given": {"rsa": {"key": "x"}}},
        [
            (
                "tls_pki_given has no chain for the key type 'rsa'. Use {'rsa': {'key': …, 'chain': …}}, the key"
                " from a vault, both in PEM form."
            )
        ],
    ),
    (
        {"tls_pki_ca_passphrase": "abcd"},
        ["tls_pki_ca_passphrase has 4 characters. Use 6 to 1023 characters."],
    ),
    (
        {"tls_pki_ca_subject": {"contry": "DE"}},
        [
            (
                "tls_pki_ca_subject is {'contry': 'DE'}. Use a mapping of country, state, locality, organization,"
                " organizational_unit, each text in quotes."
            )
        ],
    ),
    (
        {"tls_pki_given": "a key"},
        ["tls_pki_given has a value of the wrong form. Use a mapping."],
    ),
]


@pytest.mark.parametrize("change", GOOD)
def test_good_values(judged: Any, change: dict[str, Any]) -> None:
    assert judged("tls_pki", {**BASE, **change})[1] == []


@pytest.mark.parametrize(("change", "sentences"), BAD)
def test_bad_values(judged: Any, change: dict[str, Any], sentences: list[str]) -> None:
    assert judged("tls_pki", {**BASE, **change})[1] == sentences


def self_signed() -> str:
    key, name, day = ec.generate_private_key(ec.SECP256R1()), x509.Name([]), datetime.datetime(2030, 1, 1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = builder.serial_number(1).not_valid_before(day).not_valid_after(day).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def test_trusted_certificates(judged: Any) -> None:
    partner = self_signed()
    assert judged("tls_pki", {**BASE, "tls_pki_trusted": {"partner": partner}})[1] == []
    assert judged("tls_pki", {**BASE, "tls_pki_trusted": {"partner": partner * 2}})[1] == [
        "tls_pki_trusted: partner: has more than one certificate. Give each its own name."
    ]
    assert judged("tls_pki", {**BASE, "tls_pki_trusted": {"../x": partner}})[1] == [
        "tls_pki_trusted has the name '../x', which cannot be the name of a file. Use letters, digits, '.', '_'"
        " and '-'."
    ]
