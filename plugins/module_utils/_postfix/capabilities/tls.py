# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS of the servers and of the clients: keys, protocols, ciphers, sessions, and the CAs that the client trusts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities import client_certificates
from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import (
    Capability,
    Part,
    Problem,
    Wishes,
)
from ansible_collections.puffy.mail.plugins.module_utils._tls import policy

#: what today's TLS has no use for, with the reason and the modern answer
_OBSOLETE = {
    **dict.fromkeys(
        ("smtpd_tls_dcert_file", "smtpd_tls_dkey_file", "smtp_tls_dcert_file", "smtp_tls_dkey_file"),
        "names a DSA key, which no TLS library of today accepts. Use RSA or ECDSA: postfix_tls_other_keys",
    ),
    "smtpd_tls_dh512_param_file": "is for export ciphers, and Postfix ignores it since 3.6. Remove it",
    "smtpd_tls_eecdh_grade": (
        "chooses one curve, where Postfix agrees with each client on the best one. Remove it; tls_eecdh_auto_curves has"
        " the list"
    ),
    **dict.fromkeys(
        ("tls_export_cipherlist", "tls_low_cipherlist"),
        "is a grade of ciphers that can be broken. Use postfix_tls_ciphers: medium or high",
    ),
    "smtpd_tls_cipherlist": "was replaced by grades in Postfix 2.3. Use postfix_tls_ciphers and tls_high_cipherlist",
    **dict.fromkeys(
        ("smtpd_tls_cert_file", "smtpd_tls_key_file", "smtpd_tls_eccert_file", "smtpd_tls_eckey_file"),
        "has no effect beside smtpd_tls_chain_files, which the role sets. Use postfix_tls_key_file and"
        " postfix_tls_chain_file, or postfix_tls_other_keys",
    ),
    "smtpd_use_tls": "was replaced by smtpd_tls_security_level. Use postfix_tls_security_level: may",
}
_BROKEN_GRADES = ("export", "low", "null")
#: the texts that are parameters as they are, where they are not empty
_TEXTS = {
    "smtp_tls_CAfile": "postfix_tls_ca_file",
    "smtp_tls_CApath": "postfix_tls_ca_directory",
    "smtpd_tls_ciphers": "postfix_tls_ciphers",
    "smtpd_tls_session_cache_timeout": "postfix_tls_session_cache_timeout",
    "smtpd_starttls_timeout": "postfix_tls_starttls_timeout",
}
_LISTS = {
    "smtpd_tls_exclude_ciphers": "postfix_tls_exclude_ciphers",
    "smtpd_tls_mandatory_exclude_ciphers": "postfix_tls_mandatory_exclude_ciphers",
}
_OPTIONAL = (
    *_TEXTS, *_LISTS, "smtpd_tls_session_cache_database", "smtpd_tls_always_issue_session_ids", "smtp_tls_chain_files",
)  # fmt: skip
#: of the servers, and of no use without a certificate
_OF_SERVERS = ("smtpd_tls_chain_files", "smtpd_tls_dh1024_param_file")


def offered(wishes: Wishes) -> bool:
    """Whether the servers speak TLS."""
    return wishes.text("postfix_tls_security_level") != "none"


def problems(wishes: Wishes) -> Iterable[Problem]:
    """What needs TLS on a host without TLS, half a pair of files, and what TLS has outgrown."""
    if not offered(wishes):
        for name in ("postfix_submission", "postfix_submissions"):
            if wishes.yes(name):
                yield (
                    name,
                    "is true, and postfix_tls_security_level is 'none': passwords would cross the network in the clear."
                    f" Set postfix_tls_security_level: may, or {name}: false.",
                )
        for name in client_certificates.wished(wishes):
            yield name, "is set, and postfix_tls_security_level is 'none'. Set postfix_tls_security_level: may."
    key, chain = wishes.text("postfix_tls_outgoing_key_file"), wishes.text("postfix_tls_outgoing_chain_file")
    if bool(key) != bool(chain):
        have, lack = ("key", "chain") if key else ("chain", "key")
        yield (
            f"postfix_tls_outgoing_{lack}_file",
            f"is empty, and postfix_tls_outgoing_{have}_file is not. Set both, or neither.",
        )
    for origin, place, name, value in _own(wishes):
        if name in _OBSOLETE:
            yield origin, f": {place}{name} {_OBSOLETE[name]}."
        elif name.endswith("_ciphers") and str(value).strip().lower() in _BROKEN_GRADES:
            yield (
                origin,
                f": {place}{name} is {value!r}, a grade of ciphers that can be broken. Use 'medium' or 'high'.",
            )


def _own(wishes: Wishes) -> Iterable[tuple[str, str, str, Any]]:
    """The parameters of the free form: the input, where they stand in it, their names and values."""
    own = wishes.mapping("postfix_parameters")
    yield from (("postfix_parameters", "", str(name), own[name]) for name in sorted(own, key=str))
    for key, fields in wishes.mapping("postfix_services").items():
        options = (fields or {}).get("options") or {}
        yield from (("postfix_services", f"{key}: ", str(name), options[name]) for name in sorted(options, key=str))


def part(wishes: Wishes) -> Part:
    """The profile's parameters with the keys, and what older guides set instead."""
    cache = policy.cache_type(wishes.facts.cache_type, wishes.facts.table_types)
    sets = [
        {"key_file": wishes.text("postfix_tls_key_file"), "chain_file": wishes.text("postfix_tls_chain_file")},
        *wishes.words("postfix_tls_other_keys"),
    ]
    parameters: dict[str, Any] = policy.postfix_parameters(
        wishes.text("postfix_tls_profile"), sets, cache=cache, dhparam_file=wishes.text("postfix_tls_dhparam_file")
    )
    # OpenSSL 3 and LibreSSL 4 refuse by themselves that a client negotiates again and again in one session.
    if wishes.facts.tls_library.startswith("OpenSSL 1.1."):
        options = parameters.get("tls_ssl_options")
        parameters["tls_ssl_options"] = f"{options}, NO_RENEGOTIATION" if options else "NO_RENEGOTIATION"
    parameters["smtpd_tls_chain_files"] = _files(sets)
    parameters["smtpd_tls_security_level"] = wishes.text("postfix_tls_security_level")
    parameters["smtpd_tls_loglevel"] = wishes.number("postfix_tls_loglevel")
    parameters["smtpd_tls_received_header"] = wishes.yes("postfix_tls_received_header")
    parameters["smtpd_tls_mandatory_ciphers"] = wishes.text("postfix_tls_mandatory_ciphers")
    parameters.update({name: wishes.text(wish) for name, wish in _TEXTS.items() if wishes.text(wish)})
    parameters.update({name: wishes.words(wish) for name, wish in _LISTS.items() if wishes.words(wish)})
    if wishes.yes("postfix_tls_session_cache") and cache:
        parameters["smtpd_tls_session_cache_database"] = f"{cache}:${{data_directory}}/smtpd_scache"
    if not wishes.yes("postfix_tls_session_ids"):
        parameters["smtpd_tls_always_issue_session_ids"] = False
    key, chain = wishes.text("postfix_tls_outgoing_key_file"), wishes.text("postfix_tls_outgoing_chain_file")
    if key and chain:
        parameters["smtp_tls_chain_files"] = _files([{"key_file": key, "chain_file": chain}])
    absent = [*policy.postfix_absent(parameters), *_OPTIONAL]
    if not offered(wishes):
        absent += _OF_SERVERS
        for name in _OF_SERVERS:
            parameters.pop(name, None)
    return Part(parameters, absent=absent, inputs={**_TEXTS, **_LISTS})


def _files(sets: Iterable[dict[str, str]]) -> list[str]:
    """The files of keys and chains; a key in one file with its chain is named once (postconf(5))."""
    return [path for pair in sets for path in dict.fromkeys((pair["key_file"], pair["chain_file"]))]


CAPABILITY = Capability("postfix_tls_profile", part, problems)
