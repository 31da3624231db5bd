# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DKIM: the record that the DNS has to show, and the tables of OpenDKIM, which key signs for which domain. No I/O."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Sequence

from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import domain as domain_problem

#: bytes of a character-string of a TXT record (RFC 1035, section 3.3)
_STRING = 255


def signing_domains(listed: Sequence[str], hosted: Iterable[str]) -> list[str]:
    """The domains to sign for, each once, in lower case and sorted.

    ``listed`` were checked before. Of those of a database, what is no domain name is left out: PostfixAdmin keeps a
    domain ``ALL``, which stands for all others.
    """
    return sorted({name.lower() for name in (*listed, *(name for name in hosted if domain_problem(name) is None))})


def record_name(selector: str, domain: str) -> str:
    """Where the DNS shows the key (RFC 6376, section 3.6.2.1)."""
    return f"{selector}._domainkey.{domain}"


def record_value(public_key: bytes) -> str:
    """The text of the record for an RSA key, a SubjectPublicKeyInfo in DER (RFC 6376, section 3.6.1)."""
    return f"v=DKIM1; k=rsa; p={base64.b64encode(public_key).decode('ascii')}"


def zone_line(selector: str, domain: str, value: str) -> str:
    """The record as a line of a zone file, its text in strings that are not too long."""
    strings = " ".join(f'"{value[at : at + _STRING]}"' for at in range(0, len(value), _STRING))
    return f"{record_name(selector, domain)}. IN TXT ( {strings} )"


def key_path(directory: str, selector: str, domain: str) -> str:
    """The private key of a domain."""
    return os.path.join(directory, "keys", domain, f"{selector}.private")


def key_table(directory: str, selector: str, domains: Sequence[str]) -> str:
    """opendkim.conf(5), KeyTable: name, then domain, selector and file of a key."""
    return "".join(
        f"{record_name(selector, domain)} {domain}:{selector}:{key_path(directory, selector, domain)}\n"
        for domain in domains
    )


def signing_table(selector: str, domains: Sequence[str]) -> str:
    """opendkim.conf(5), SigningTable: senders, and the name of the key that signs for them."""
    return "".join(f"*@{domain} {record_name(selector, domain)}\n" for domain in domains)
