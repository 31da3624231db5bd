# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chains of certificates: whether a daemon can serve them with a key."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from ansible_collections.puffy.mail.plugins.module_utils._tls import names as _names
from ansible_collections.puffy.mail.plugins.module_utils._tls import pem
from ansible_collections.puffy.mail.plugins.module_utils._tls.x509 import (
    ANY_PURPOSE,
    PURPOSES,
    Certificate,
    iso,
    parse,
)

#: Signatures over a digest with known collisions. RFC 9155; OpenSSL 3 refuses them at its default security level.
_WEAK_SIGNATURES = {
    bytes.fromhex("2a864886f70d010102"): "MD2",
    bytes.fromhex("2a864886f70d010104"): "MD5",
    bytes.fromhex("2a864886f70d010105"): "SHA-1",
    bytes.fromhex("2a8648ce3d0401"): "SHA-1",
    bytes.fromhex("2a8648ce380403"): "SHA-1",
}
#: the least bits of a key: RFC 9325, section 4.5 (RSA); RFC 8446, section 4.2.7 (the curves of TLS 1.3)
_LEAST_BITS = {"RSA": 2048, "elliptic-curve": 256}


def parse_chain(text: str, source: str, *, with_key: bool = False) -> list[Certificate]:
    """The certificates of a PEM chain, in order; ValueError without any.

    A private key among them is a ValueError. ``with_key`` is a file that keeps the key too: it stands first, as Postfix
    reads it (postconf(5), smtpd_tls_chain_files).
    """
    private = [block.label in pem.PRIVATE_LABELS for block in pem.blocks(text, source)]
    if with_key and any(private) and not private[0]:
        raise ValueError(f"{source}: has the private key behind a certificate; Postfix reads the key first")
    if any(private) and not with_key:
        raise ValueError(f"{source}: has a private key among the certificates; a chain is readable by everyone")
    return [parse(der, source) for der in pem.certificates(text, source)]


def weakness(certificate: Certificate) -> str | None:
    """Why OpenSSL would not serve a certificate although nothing else is wrong with it; None where it would."""
    kind, bits = certificate.key.kind, certificate.key.bits
    if bits < _LEAST_BITS.get(kind, 0):
        return (
            f"the {kind} key of {certificate.subject_text} has {bits} bits; at least {_LEAST_BITS[kind]} are needed, or"
            " OpenSSL serves no TLS with it"
        )
    digest = _WEAK_SIGNATURES.get(certificate.signature)
    if digest is not None:
        return (
            f"the certificate {certificate.subject_text} is signed with {digest}, which OpenSSL refuses; issue it"
            " again with SHA-256"
        )
    return None


def set_problem(
    chain: Sequence[Certificate],
    public_key: bytes,
    *,
    names: Sequence[str],
    purpose: str,
    now: datetime.datetime,
    minimum_days: int,
) -> str | None:
    """The first rule that a key and its chain break, as a sentence; None where they break none.

    ``names`` have the form of ``names.subject_names``. Signatures are not looked at here.
    """
    leaf = chain[0]
    if leaf.public_key != public_key:
        for place, other in enumerate(chain[1:], start=2):
            if other.public_key == public_key:
                return (
                    f"the chain is in the wrong order: the certificate of the key, {other.subject_text}, is number"
                    f" {place}. Put it first, then each issuer after the certificate that it issued"
                )
        return f"the key does not match the certificate {leaf.subject_text}"
    for lower, upper in zip(chain, chain[1:]):
        if upper.subject == upper.issuer:
            return f"the chain has the root {upper.subject_text}. Remove the root: clients have it already"
        if lower.issuer != upper.subject:
            return (
                f"the chain is broken or in the wrong order: {lower.subject_text} was issued by {lower.issuer_text},"
                f" and {upper.subject_text} follows"
            )
        if not upper.is_ca:
            return f"the chain has {upper.subject_text}, which is not an authority, after {lower.subject_text}"
    if leaf.is_ca and len(chain) > 1:
        return f"the first certificate, {leaf.subject_text}, belongs to an authority, not to a host"
    for certificate in chain:
        found = weakness(certificate)
        if found:
            return found
    wanted = PURPOSES[purpose]
    if leaf.purposes is not None and wanted not in leaf.purposes and ANY_PURPOSE not in leaf.purposes:
        return f"the certificate {leaf.subject_text} is not for the purpose {purpose} (extendedKeyUsage)"
    for certificate in chain:
        if now < certificate.not_before:
            return (
                f"the certificate {certificate.subject_text} is not valid before {iso(certificate.not_before)}, and"
                f" the clock here says {iso(now)}; set the clock, or wait"
            )
        if now > certificate.not_after:
            return f"the certificate {certificate.subject_text} expired at {iso(certificate.not_after)}"
    left = (leaf.not_after - now).days
    if left < minimum_days:
        return (
            f"the certificate {leaf.subject_text} expires at {iso(leaf.not_after)}, in {left} days. It must be"
            f" valid for at least {minimum_days} days"
        )
    missing = [name for name in names if not _names.covers(leaf.names, name)]
    if missing:
        has = f"its names are {', '.join(leaf.names)}" if leaf.names else "it has no names"
        return f"the certificate {leaf.subject_text} does not have the name {missing[0]}; {has}"
    return None
