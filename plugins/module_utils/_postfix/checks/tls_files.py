# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that TLS needs: keys, certificates, authorities, DH parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.puffy.mail.plugins.module_utils._postfix import types
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.registry import ERROR, WARNING, Fault, rule
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import Setting, words

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.master_cf import Service

_PREFIXES = ("smtpd_tls", "smtp_tls", "lmtp_tls", "tlsproxy_tls", "tlsproxy_client")


@dataclass(frozen=True)
class NamedFile:
    """A file, or a directory, that a setting names."""

    setting: Setting
    path: str
    kind: str = "file"


@dataclass(frozen=True)
class KeyFiles:
    """A certificate file with its key file (each may be named in main.cf or by a service), or a list of chain files."""

    certificate: NamedFile
    key: NamedFile
    chain: tuple[NamedFile, ...] = ()


def present(context: Context, named: NamedFile) -> bool:
    """Whether the file is there, and is one."""
    file = context.probe.file(context.absolute(named.path))
    return file is not None and (file.kind == "directory") == (named.kind == "directory")


def key_files(context: Context) -> Iterator[KeyFiles]:
    """What main.cf and the options of each service name, client and server."""
    places = (None, *(service for service in context.services if service.options))
    for prefix in _PREFIXES:
        for service in places:
            chain = _own(context, f"{prefix}_chain_files", service)
            if chain is not None:
                named = tuple(NamedFile(chain, path) for path in words(context.expanded(chain.value, service)))
                if named:
                    yield KeyFiles(named[0], named[0], named)
                continue
            for kind in ("", "d", "ec"):
                found = _pair(context, f"{prefix}_{kind}cert_file", f"{prefix}_{kind}key_file", service)
                if found is not None:
                    yield found


def _own(context: Context, name: str, service: Service | None) -> Setting | None:
    """The setting of ``name`` written in this very place, or None."""
    setting = context.setting_of(name, service)
    return setting if setting is not None and setting.service is service and not context.broken(setting) else None


def _pair(context: Context, certificate: str, key: str, service: Service | None) -> KeyFiles | None:
    if _own(context, certificate, service) is None and _own(context, key, service) is None:
        return None
    setting = context.setting_of(certificate, service)
    path = context.value(certificate, service)
    if setting is None or path.lower() in ("", "none"):
        return None
    named = NamedFile(setting, path)
    key_path = context.value(key, service) or path
    return KeyFiles(named, NamedFile(context.setting_of(key, service) or setting, key_path))


def named_files(context: Context) -> Iterator[NamedFile]:
    """Every file and directory of TLS that the configuration names."""
    for pair in key_files(context):
        one = pair.certificate.path == pair.key.path
        yield from pair.chain or ((pair.certificate,) if one else (pair.certificate, pair.key))
    for value in context.values:
        if value.kind in ("ca_file", "dh_file", "ca_files"):
            for path in words(value.text) if value.kind == "ca_files" else filter(None, [value.text]):
                if value.kind != "dh_file" or path.lower() != "auto" or context.host.version < (3, 7):
                    yield NamedFile(value.setting, path)
        elif value.kind == "directory" and value.name.endswith("_CApath") and value.text:
            yield NamedFile(value.setting, value.text, "directory")


@rule("tls-file-missing", ERROR, each=named_files)
def tls_file_missing(context: Context, named: NamedFile) -> Iterator[Fault]:
    """a key, certificate or CA file, or a CA directory of a client, that does not exist; a CA directory that a client
    in the chroot does not see, where it must trust by the directory | create it; the nearest name beside it; the path
    as the daemon sees it | TLS_README, postconf(5), `smtp_tls_CApath`"""
    if not _passed_over(context, named):
        yield from _missing(context, named)


@rule("tls-file-passed-over", WARNING, each=named_files)
def tls_file_passed_over(context: Context, named: NamedFile) -> Iterator[Fault]:
    """a file of DH parameters, or a CA directory of a server, that does not exist or that the daemon in the chroot does
    not see: TLS goes on without it | create it; the nearest name beside it; the path as the daemon sees it | tls_dh.c,
    postconf(5), `smtpd_tls_CApath`"""
    if _passed_over(context, named):
        yield from _missing(context, named)


def _passed_over(context: Context, named: NamedFile) -> bool:
    name = named.setting.name
    if types.kind(name) == "dh_file":
        return True
    server = named.kind == "directory" and name.startswith(("smtpd_", "tlsproxy_tls_"))
    # Who has to show a certificate cannot without the authorities.
    return server and not any(context.is_yes("smtpd_tls_req_ccert", service) for service in context.smtpd_services())


def _missing(context: Context, named: NamedFile) -> Iterator[Fault]:
    path, name = context.absolute(named.path), named.setting.name
    file = context.probe.file(path)
    if file is not None and (file.kind == "directory") != (named.kind == "directory"):
        yield Fault(named.setting, f"{name}: {path} is a {file.kind}, not a {named.kind}", f"name a {named.kind}")
    elif named.kind == "directory":
        yield from _unseen(context, named)
    elif file is None:
        yield Fault(named.setting, f"{name}: {path} does not exist", context.create(path))


def _unseen(context: Context, named: NamedFile) -> Iterator[Fault]:
    """The first place in which a daemon looks for a directory in vain. OpenSSL opens it after chroot(2)."""
    path, name, queue = context.absolute(named.path), named.setting.name, context.value("queue_directory")
    there = context.probe.file(path) is not None
    readers: list[Service | None] = [*context.readers(named.setting)]
    for service in readers or [None]:
        jailed = service is not None and context.chrooted(service) and named.path.startswith("/")
        seen = f"{queue}{path}" if jailed else path
        if context.probe.file(seen) is not None or (there and not _must_trust(context, name, service)):
            continue
        if service is None or not jailed:
            yield Fault(named.setting, f"{name}: {seen} does not exist", context.create(seen))
        else:
            if there and path.startswith(f"{queue}/"):
                cure = f"write {path[len(queue) :]}"
            elif there:
                cure = f"copy {path} to {seen}, or name a file with {name.replace('CApath', 'CAfile')}"
            else:
                cure = context.create(seen)
            message = f"{name}: {seen} does not exist ({context.place(service).name} is chrooted)"
            yield Fault(named.setting, message, cure)
        return


def _must_trust(context: Context, name: str, service: Service | None) -> bool:
    """Whether the directory decides about anything. A client that takes any certificate sends without it."""
    client = name.partition("_")[0]
    if client not in ("smtp", "lmtp"):
        return True
    level = context.value(f"{client}_tls_security_level", service).lower()
    return level in ("verify", "secure") or bool(context.value(f"{client}_tls_policy_maps", service))
