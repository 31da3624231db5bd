# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS policy by name, as Postfix and Dovecot write it.

Postfix knows two kinds of TLS (postconf(5)). *Opportunistic* TLS is for port 25, in and out. Senders that support no
cipher of the list fall back to plain text, so the list keeps every cipher that is not broken (RFC 7435, section 3).
*Mandatory* TLS is for the ports where users log in, and for destinations that a policy names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_PROTOCOLS = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")

#: Forward secrecy and authenticated encryption: RFC 9325, section 4.2, and the ChaCha20 suites of RFC 7905. No suite
#: with finite-field Diffie-Hellman (RFC 9325, section 4.1), so there are no DH parameters to keep.
_FORWARD_SECRECY = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"
    ":ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)
#: A broad list, as guides for OpenBSD give it. "TLSv1.3" is a name to LibreSSL only; OpenSSL ignores it. Neither
#: library chooses the suites of TLS 1.3 by this list.
_BROAD = (
    "TLSv1.2:TLSv1.3:!CAMELLIA:!ARIA:!DSS:!ADH:!PSK:!RSA:!ECDHE-RSA-AES256-SHA384:!ECDHE-RSA-AES128-SHA256"
    ":!DHE-RSA-AES256-SHA256:!DHE-RSA-AES128-SHA256"
)


@dataclass(frozen=True)
class Profile:
    """The oldest protocol of each kind of TLS, the TLS 1.2 suites of mandatory TLS, and further parameters."""

    opportunistic: str
    mandatory: str
    #: the oldest protocol of mandatory TLS where this host is the client of another server
    mandatory_client: str
    ciphers: str
    more: Mapping[str, str] = field(default_factory=dict)


PROFILES: Mapping[str, Profile] = {
    "intermediate": Profile("TLSv1.2", "TLSv1.2", "TLSv1.2", _FORWARD_SECRECY),
    # Port 25 keeps TLS 1.2: a server without TLS 1.3 would send its mail in plain text.
    "modern": Profile("TLSv1.2", "TLSv1.3", "TLSv1.2", _FORWARD_SECRECY),
    "broad": Profile(
        "TLSv1.2",
        "TLSv1.2",
        "TLSv1.2",
        _BROAD,
        {
            "smtpd_tls_session_cache_timeout": "3600s",
            "smtp_tls_secure_cert_match": "nexthop, dot-nexthop",
            "smtp_tls_verify_cert_match": "hostname, nexthop, dot-nexthop",
            "tls_ssl_options": "NO_COMPRESSION",
        },
    ),
}

#: Parameters of older guides that a profile replaces: their successors are set, or their defaults are better.
#: postconf(1) of 3.9 and later warns of smtpd_use_tls, smtp_use_tls, smtpd_tls_eecdh_grade and
#: smtpd_tls_dh1024_param_file; smtpd_tls_dh512_param_file is ignored since 3.6.
_SUPERSEDED = (
    "smtpd_use_tls", "smtpd_enforce_tls", "smtp_use_tls", "smtp_enforce_tls", "lmtp_use_tls", "lmtp_enforce_tls",
    "smtpd_tls_eecdh_grade", "smtpd_tls_dh512_param_file", "smtpd_tls_dh1024_param_file",
    # smtpd_tls_chain_files replaces these.
    "smtpd_tls_cert_file", "smtpd_tls_key_file", "smtpd_tls_eccert_file", "smtpd_tls_eckey_file",
    "smtpd_tls_dcert_file", "smtpd_tls_dkey_file",
    # A server's sessions are resumed by ticket (RFC 5077), which needs no cache (postconf(5)).
    "smtpd_tls_session_cache_database",
)  # fmt: skip


def profile(name: Any) -> Profile:
    """The profile of that name; ValueError for any other."""
    if not isinstance(name, str) or name not in PROFILES:
        raise ValueError(f"the TLS profile is {name!r}. Use {', '.join(map(repr, PROFILES))}")
    return PROFILES[name]


def protocols_from(oldest: str) -> str:
    """The value of ``*_tls_protocols`` that allows ``oldest`` and all later protocols, also those to come.

    The value excludes protocols, which means the same to every Postfix. Postfix before 3.6 does not know ">=". A
    protocol that is named excludes all others (tls_misc.c), so "TLSv1.2" alone would switch TLS 1.3 off.
    """
    return ", ".join(f"!{name}" for name in _PROTOCOLS[: _PROTOCOLS.index(oldest)])


def cache_type(default: str, supported: Iterable[str]) -> str:
    """The table type of a session cache: Postfix's default if there is one, or the first usable type, or ''.

    ``default`` is ``default_cache_db_type`` (Postfix 3.11 and later; empty before), ``supported`` what ``postconf -m``
    prints. A cache needs a type that can be written and walked through (postconf(5), smtp_tls_session_cache_database).
    """
    available = set(supported)
    for name in (default, "btree", "lmdb", "hash"):
        if name and name in available:
            return name
    return ""


def postfix_parameters(
    name: str,
    sets: Sequence[Mapping[str, str]],
    *,
    cache: str = "",
    dhparam_file: str = "",
) -> dict[str, Any]:
    """The parameters of main.cf for the profile ``name``.

    ``sets`` are the keys with their chains (key_file, chain_file), ``cache`` is a table type or empty for no cache,
    ``dhparam_file`` a file of DH parameters or empty for Postfix's own.
    """
    chosen = profile(name)
    opportunistic, mandatory = protocols_from(chosen.opportunistic), protocols_from(chosen.mandatory)
    parameters: dict[str, Any] = {
        # Each private key, then its certificate and the intermediate ones (postconf(5); Postfix 3.4 and later).
        "smtpd_tls_chain_files": [path for each in sets for path in (each["key_file"], each["chain_file"])],
        # A public server must not require TLS on port 25 (RFC 3207, section 4).
        "smtpd_tls_security_level": "may",
        "smtpd_tls_auth_only": True,
        "smtpd_tls_loglevel": 1,
        "smtpd_tls_received_header": True,
        "smtpd_tls_protocols": opportunistic,
        "smtpd_tls_mandatory_protocols": mandatory,
        "smtpd_tls_mandatory_ciphers": "high",
        # The default of Postfix 3.5, and of a later one below compatibility level 3.6, is md5.
        "smtpd_tls_fingerprint_digest": "sha256",
        "smtp_tls_security_level": "may",
        "tls_high_cipherlist": chosen.ciphers,
        # Every suite of the list is good, and the client knows which suite is fastest for the client.
        "tls_preempt_cipherlist": False,
        **chosen.more,
    }
    for client in ("smtp", "lmtp"):
        parameters[f"{client}_tls_loglevel"] = 1
        parameters[f"{client}_tls_protocols"] = opportunistic
        parameters[f"{client}_tls_mandatory_protocols"] = protocols_from(chosen.mandatory_client)
        parameters[f"{client}_tls_mandatory_ciphers"] = "high"
        parameters[f"{client}_tls_fingerprint_digest"] = "sha256"
        if cache:
            parameters[f"{client}_tls_session_cache_database"] = f"{cache}:${{data_directory}}/{client}_scache"
    if dhparam_file:
        # The file may have any number of bits, whatever the name of the parameter says.
        parameters["smtpd_tls_dh1024_param_file"] = dhparam_file
    return parameters


def postfix_absent(parameters: Iterable[str]) -> list[str]:
    """Names that must not be in main.cf beside ``parameters``: superseded names, and names of other profiles."""
    have = set(parameters)
    of_others = [name for other in PROFILES.values() for name in other.more]
    caches = [f"{client}_tls_session_cache_database" for client in ("smtp", "lmtp")]
    return [name for name in (*_SUPERSEDED, *of_others, *caches) if name not in have]


def dovecot_settings(name: str) -> dict[str, str]:
    """``min_protocol`` and ``cipher_list`` of Dovecot. TLS is mandatory on Dovecot's ports."""
    chosen = profile(name)
    return {"min_protocol": chosen.mandatory, "cipher_list": chosen.ciphers}
