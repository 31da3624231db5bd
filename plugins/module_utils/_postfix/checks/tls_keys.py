# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates and private keys: whether they can be read, are valid, and belong to each other."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.registry import ERROR, Fault, rule
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import Setting
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.tls_files import (
    KeyFiles,
    NamedFile,
    key_files,
    present,
)
from ansible_collections.puffy.mail.plugins.module_utils._rights import STRANGER
from ansible_collections.puffy.mail.plugins.module_utils._tls import keys, pem, x509

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context

#: PEM labels of a certificate (OpenSSL, pem.h)
CERTIFICATE_LABELS = ("CERTIFICATE", "TRUSTED CERTIFICATE", "X509 CERTIFICATE")


@dataclass(frozen=True)
class Part:
    """A certificate chain or a private key: where it is written, and what is wrong with it (with the cure)."""

    setting: Setting
    path: str
    problem: str = ""
    cure: str = "write the file again, in PEM form"
    readable: bool = True


@dataclass(frozen=True)
class Pair:
    """A certificate chain and its key, as far as they can be read. ``held`` says whether there is a key."""

    chain: Part | None = None
    key: Part | None = None
    certificates: tuple[x509.Certificate, ...] = ()
    held: bool = False
    encrypted: bool = False
    public: keys.PublicKey | None = None


def pairs(context: Context) -> Iterator[Pair]:
    """The keys with their certificates, each read once."""
    for files in key_files(context):
        if files.chain:
            yield from _chain(context, files.chain)
        elif all(present(context, named) for named in (files.certificate, files.key)):
            yield _two_files(context, files)


def _read(context: Context, named: NamedFile) -> tuple[Part, list[pem.PemBlock] | None]:
    part = Part(named.setting, named.path)
    content = context.probe.content(context.absolute(named.path))
    if content is None:
        return Part(part.setting, part.path, readable=False), None
    try:
        return part, pem.blocks(content.decode("latin-1"), named.path)
    except ValueError as exc:
        return Part(part.setting, part.path, str(exc)), None


def _two_files(context: Context, files: KeyFiles) -> Pair:
    chain, blocks = _read(context, files.certificate)
    if files.key.path != files.certificate.path:
        key, key_blocks = _read(context, files.key)
    elif blocks is None:
        return Pair(chain)
    else:
        key, key_blocks = Part(files.key.setting, files.key.path), blocks
    return _pair(context, chain, blocks, key, key_blocks)


def _chain(context: Context, files: Sequence[NamedFile]) -> Iterator[Pair]:
    """The files of one smtpd_tls_chain_files: read as if they were one, each key before its certificates."""
    setting = files[0].setting
    sets: list[tuple[str, pem.PemBlock, list[tuple[str, pem.PemBlock]]]] = []
    for named in files:
        if not present(context, named):
            return
        part, blocks = _read(context, named)
        if blocks is None:
            yield Pair(part)
            return
        usable = [block for block in blocks if block.label in (*pem.PRIVATE_LABELS, *CERTIFICATE_LABELS)]
        if not usable:
            problem = f"{named.path} holds neither a private key nor a certificate in PEM form"
            cure = "name the file with the key, then the one with its certificate chain"
            yield Pair(Part(setting, named.path, problem, cure))
            return
        for block in usable:
            if block.label in pem.PRIVATE_LABELS:
                sets.append((named.path, block, []))
            elif sets:
                sets[-1][2].append((named.path, block))
            else:
                problem = f"{named.path} begins with a certificate, but the private key must come first"
                cure = "name the file with the key before the one with its certificate chain"
                yield Pair(key=Part(setting, named.path, problem, cure))
                return
    for key_path, key, certificates in sets:
        path = certificates[0][0] if certificates else key_path
        blocks = [block for _path, block in certificates]
        yield _pair(context, Part(setting, path), blocks, Part(setting, key_path), [key])


def _pair(
    context: Context,
    chain: Part,
    blocks: Sequence[pem.PemBlock] | None,
    key: Part,
    key_blocks: Sequence[pem.PemBlock] | None,
) -> Pair:
    """The content of both; ``blocks`` are None where a file cannot be read."""
    certificates: list[x509.Certificate] = []
    found = [block for block in blocks or () if block.label in CERTIFICATE_LABELS]
    if blocks is not None and not found:
        cure = f"name the file with the certificate chain in {chain.setting.name}"
        chain = Part(chain.setting, chain.path, f"{chain.path} holds no certificate in PEM form", cure)
    try:
        for block in found:
            certificates.append(x509.parse(block.der, chain.path))
    except ValueError as exc:
        chain = Part(chain.setting, chain.path, str(exc))
    if key_blocks is None:
        return Pair(chain, key, tuple(certificates))
    private = next((block for block in key_blocks if block.label in pem.PRIVATE_LABELS), None)
    if private is None:
        cure = f"name the file with the key in {key.setting.name.replace('cert_file', 'key_file')}"
        key = Part(key.setting, key.path, f"{key.path} holds no private key in PEM form", cure)
        return Pair(chain, key, tuple(certificates))
    if private.encrypted:
        return Pair(chain, key, tuple(certificates), held=True, encrypted=True)
    public = None
    try:
        public = keys.public_of_private(private.label, private.der)
    except ValueError as exc:
        key = Part(key.setting, key.path, f"{context.absolute(key.path)} is not a usable private key: {exc}")
    return Pair(chain, key, tuple(certificates), held=True, public=public)


@rule("tls-file-unreadable", ERROR, each=pairs)
def tls_file_unreadable(context: Context, pair: Pair) -> Iterator[Fault]:
    """a key or certificate file that cannot be read | its permissions | TLS_README"""
    for part in (pair.chain, pair.key):
        if part is not None and not part.readable:
            yield Fault(
                part.setting,
                f"{part.setting.name}: {part.path} cannot be read",
                "name a regular file that root may read",
            )


@rule("certificate-expired", ERROR, each=pairs)
def certificate_expired(context: Context, pair: Pair) -> Iterator[Fault]:
    """a certificate of the chain that has expired or is not valid yet | renew it; the clock | RFC 5280, 4.1.2.5"""
    if pair.chain is None:
        return
    setting, path = pair.chain.setting, pair.chain.path
    now = datetime.datetime.fromtimestamp(context.probe.now(), datetime.timezone.utc)
    for number, certificate in enumerate(pair.certificates, 1):
        which = "the certificate" if number == 1 else f"certificate {number}"
        if certificate.not_after < now:
            message, when, cure = "expired on", certificate.not_after, "renew it"
        elif certificate.not_before > now:
            message, when, cure = "is not valid before", certificate.not_before, "set the clock of this host, or wait"
        else:
            continue
        date = f"{when:%Y-%m-%d %H:%M:%S} UTC"
        yield Fault(setting, f"{setting.name}: {which} in {path} {message} {date}", cure)


@rule("certificate-invalid", ERROR, each=pairs)
def certificate_invalid(context: Context, pair: Pair) -> Iterator[Fault]:
    """a file without a certificate in PEM form, or with a damaged one | the certificate, the server's own first |
    TLS_README, RFC 5280"""
    chain = pair.chain
    if chain is not None and chain.problem:
        yield Fault(chain.setting, f"{chain.setting.name}: {chain.problem}", chain.cure)


@rule("key-world-readable", ERROR, each=pairs)
def key_world_readable(context: Context, pair: Pair) -> Iterator[Fault]:
    """a private key that every user may read, the directories on the way to it taken into account | `chmod o-rwx` |
    TLS_README"""
    key = pair.key
    if key is None or not pair.held:
        return
    path = context.absolute(key.path)
    file = context.probe.file(path)
    if file is not None and context.probe.denied(path, STRANGER) is None:
        message = f"every user of this host may read the private key {path} (mode {file.mode:04o})"
        yield Fault(key.setting, f"{key.setting.name}: {message}", f"chmod o-rwx {path}")


@rule("key-encrypted", ERROR, each=pairs)
def key_encrypted(context: Context, pair: Pair) -> Iterator[Fault]:
    """a private key with a passphrase, which Postfix cannot ask for | decrypt the key, mode 0600 | TLS_README"""
    if pair.key is not None and pair.encrypted:
        path = context.absolute(pair.key.path)
        yield Fault(
            pair.key.setting,
            f"{pair.key.setting.name}: the private key in {path} is encrypted, and Postfix cannot ask for a passphrase",
            f"decrypt it: openssl pkey -in {path} -out FILE (mode 0600)",
        )


@rule("key-invalid", ERROR, each=pairs)
def key_invalid(context: Context, pair: Pair) -> Iterator[Fault]:
    """a file without a private key in PEM form, or with a damaged one | the key | TLS_README"""
    key = pair.key
    if key is not None and key.problem:
        yield Fault(key.setting, f"{key.setting.name}: {key.problem}", key.cure)


@rule("key-mismatch", ERROR, each=pairs)
def key_mismatch(context: Context, pair: Pair) -> Iterator[Fault]:
    """a key (RSA, EC) that does not belong to the first certificate | the right key, the right order | TLS_README"""
    chain, key = pair.chain, pair.key
    if chain is None or key is None or chain.problem or pair.public is None or not pair.certificates:
        return
    if pair.public != pair.certificates[0].key:
        path = context.absolute(key.path)
        yield Fault(
            key.setting,
            f"{key.setting.name}: the private key in {path} does not belong to the first certificate in {chain.path}",
            "name the key of that certificate; put the server's own certificate first in its file",
        )
