#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write plugins/module_utils/_postfix/parameters.py from the real ``postconf -d`` of three Postfix releases.

    tools/postfix_parameters.py            reads the releases' images and rewrites the module
    tools/postfix_parameters.py --check    exits 1 where the module is not what would be written

The defaults themselves go to tests/unit/fixtures/postfix/postconf-d.RELEASE, for tests that need no container.

No command of Postfix prints the type of a parameter. It follows from the default (``yes``, ``30s``, ``$other``)
or from the name (``*_maps``), and where both mislead, from the rules below, which rest on postconf(5).
tests/integration/test_postfix_checks.py holds the result against the daemons themselves: each is started with
nonsense in every parameter, and its complaints tell which parameters it reads as booleans, numbers and times.
"""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "plugins" / "module_utils" / "_postfix" / "parameters.py"
FIXTURES = ROOT / "tests" / "unit" / "fixtures" / "postfix"
PODMAN = str(ROOT / "tools" / "podman")
RELEASES = {"3.5": "bullseye", "3.10": "trixie", "3.11": "forky"}

#: kinds that the name decides, in order; the first pattern that matches the whole name wins
NAME_RULES: tuple[tuple[str, str], ...] = (
    (r"smtpd_\w+_restrictions", "restrictions"),
    (r"(smtp|lmtp|smtpd|tlsproxy_tls|tlsproxy_client)_tls_(mandatory_)?protocols", "tls_protocols"),
    (r"\w+_tls_security_level|tlsproxy_client_(security_)?level", "enumeration"),
    (r"\w+_tls_(mandatory_)?ciphers|\w+_eecdh_grade", "enumeration"),
    (r"\w+_(cert|dcert|eccert)_file", "certificate"),
    (r"\w+_(key|dkey|eckey)_file", "private_key"),
    (r"\w+_chain_files", "chain_files"),
    (r"\w+_CAfile", "ca_file"),
    (r"\w+_CApath", "directory"),
    (r"\w+_trust_anchor_file", "ca_files"),
    (r"\w+_dh(512|1024)_param_file", "dh_file"),
    (r"(smtp|lmtp)_tls_(verify|secure|fingerprint)_cert_match", "list"),
    (r"\w+_exclude_ciphers", "list"),
    (r"(smtp|lmtp|smtpd)_tls_loglevel|tlsproxy_(tls|client)_loglevel", "enumeration_list"),
    (r"\w+_session_cache_database|address_verify_map|postscreen_cache_map|(smtp|lmtp)_sasl_auth_cache_name", "cache"),
    (r"smtpd_milter_maps", "tables"),
    (r"\w*smtpd_milters", "milters"),
    (r"smtpd_command_filter|postscreen_command_filter|\w+_(dns_)?reply_filter|\w+_delivery_status_filter", "table"),
    (r"postscreen_dnsbl_reply_map", "table"),
    (r"\w+_maps|\w*(header|body)_checks|alias_database", "tables"),
    (r"\w+_service_name", "service"),
    (r"\w+_transport|content_filter", "transport"),
    (r"\w+_action", "enumeration"),
    (r"\w+_classes", "enumeration_list"),
    (r"\w+_discard_[el]hlo_keywords", "enumeration_list"),
    (r"\w+_sasl_(tls_|tls_verified_)?security_options", "enumeration_list"),
    (r"\w+_(macros|pix_workarounds|dns_resolver_options|host_lookup)", "list"),
    (r"\w+_directory", "directory"),
    (r"\w+_filter", "text"),
    (r"\w+_reject_reason|\w+_lookup_key|\w+_cipherlist|\w+_delimiters?", "text"),
)

#: kinds that neither the default nor a pattern gives away (postconf(5))
_BY_KIND = {
    "match_list": """
        authorized_flush_users authorized_mailq_users authorized_submit_users authorized_verp_clients
        debug_peer_list fast_flush_domains lmtp_connection_cache_destinations smtp_connection_cache_destinations
        mydestination mynetworks permit_mx_backup_networks postscreen_access_list
        postscreen_allowlist_interfaces postscreen_whitelist_interfaces qmqpd_authorized_clients relay_domains
        smtpd_authorized_verp_clients smtpd_authorized_xclient_hosts smtpd_authorized_xforward_hosts
        smtpd_client_connection_limit_exceptions smtpd_client_event_limit_exceptions
        smtpd_forbid_bare_newline_exclusions smtpd_forbidden_commands smtpd_noop_commands
        smtpd_sasl_exceptions_networks smtpd_sasl_mechanism_filter smtp_sasl_mechanism_filter
        lmtp_sasl_mechanism_filter virtual_alias_domains virtual_mailbox_domains masquerade_exceptions
        local_header_rewrite_clients smtpd_log_access_permit_actions postscreen_forbidden_commands
        smtp_requiretls_policy lmtp_requiretls_policy relay_clientcerts
    """,
    "enumeration_list": """
        allow_mail_to_commands allow_mail_to_files canonical_classes hash_queue_names mailbox_delivery_lock
        virtual_mailbox_lock notify_classes parent_domain_matches_subdomains prepend_delivered_header
        propagate_unmatched_extensions receive_override_options smtp_pix_workarounds lmtp_pix_workarounds
        tls_ssl_options tls_disable_workarounds smtpd_proxy_options inet_protocols use_srv_lookup
        smtp_dns_resolver_options lmtp_dns_resolver_options smtp_host_lookup lmtp_host_lookup
    """,
    "list": """
        alternate_config_directories defer_transports export_environment import_environment inet_interfaces
        proxy_interfaces maillog_file_prefixes maps_rbl_domains masquerade_domains master_service_disable
        message_drop_headers multi_instance_directories postmulti_control_commands postmulti_start_commands
        postmulti_stop_commands postscreen_dnsbl_sites proxy_read_maps proxy_write_maps
        smtpd_restriction_classes smtp_fallback_relay lmtp_fallback_relay fallback_relay tls_dane_digests
        known_tcp_ports milter_macro_defaults forward_path non_bdb_migration_allow_root_prefixes
        non_bdb_migration_allow_user_prefixes
    """,
    "enumeration": """
        header_from_format info_log_address_format mynetworks_style non_bdb_migration_level
        sendmail_fix_line_endings smtp_address_preference lmtp_address_preference smtp_dns_support_level
        lmtp_dns_support_level smtp_tls_dane_insecure_mx_policy smtpd_upstream_proxy_protocol
        postscreen_upstream_proxy_protocol syslog_facility smtpd_forbid_bare_newline
    """,
}
EXACT: dict[str, str] = {
    **{name: kind for kind, names in _BY_KIND.items() for name in names.split()},
    "best_mx_transport": "transport",
    "compatibility_level": "compatibility_level",
    "default_database_type": "table_type",
    "default_cache_db_type": "table_type",
    "lmtp_tcp_port": "port",
    "smtp_tcp_port": "port",
    "maillog_file_permissions": "text",
    "mail_release_date": "text",
    "mail_version": "text",
    "milter_protocol": "text",
    "smtpd_policy_service_default_action": "text",
    "smtpd_tls_fingerprint_digest": "text",
    "smtp_tls_fingerprint_digest": "text",
    "lmtp_tls_fingerprint_digest": "text",
    "tlsproxy_client_fingerprint_digest": "text",
    "tlsproxy_tls_fingerprint_digest": "text",
    "process_id": "integer",
    "require_home_directory": "boolean",
    "smtpd_relay_before_recipient_restrictions": "boolean",
    "smtp_per_request_deadline": "boolean",
    "lmtp_per_request_deadline": "boolean",
    "tls_preempt_cipherlist": "boolean",
    "postscreen_dnsbl_allowlist_threshold": "integer",
    "postscreen_dnsbl_max_ttl": "time",
    "postscreen_dnsbl_ttl": "time",
    "lmtp_tls_per_site": "tables",
    "smtp_tls_per_site": "tables",
    "tlsproxy_client_per_site": "tables",
    "tlsproxy_client_policy": "tables",
    "proxy_read_maps": "list",
    "proxy_write_maps": "list",
    "use_srv_lookup": "list",
    "non_bdb_custom_mapping": "table",
    "tls_random_exchange_name": "text",
    "smtpd_reject_filter_maps": "tables",
    "relocated_maps": "tables",
    "default_destination_concurrency_negative_feedback": "text",
    "default_destination_concurrency_positive_feedback": "text",
}


def defaults_of(release: str) -> dict[str, str]:
    """The built-in parameters of one release and their defaults, from the real ``postconf``."""
    image = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "images.py"), f"{release}-mail"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.strip()
    # Without the services of master.cf there are no parameters named after them.
    listing = subprocess.run(
        [
            PODMAN,
            "run",
            "--rm",
            image,
            "sh",
            "-c",
            "mkdir /tmp/c; : >/tmp/c/main.cf; : >/tmp/c/master.cf; postconf -c /tmp/c -d",
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    pairs = (re.split(r" = ?", line, maxsplit=1) for line in listing.splitlines())
    return {name.strip(): value for name, value in pairs if name != "config_directory"} | {
        "config_directory": "/etc/postfix"
    }


def kind_of(name: str, defaults: dict[str, str], seen: tuple[str, ...] = ()) -> str:
    """The value type of one parameter."""
    if name in EXACT:
        return EXACT[name]
    for pattern, kind in NAME_RULES:
        if re.fullmatch(pattern, name):
            return kind
    value = defaults.get(name, "")
    choice = re.fullmatch(r"\$\{.*\{([^{}$]*)\}\s*:\s*\{([^{}]*)\}+\s*\}*(s|h|d)?", value)
    if re.fullmatch(r"yes|no", value) or (choice and {"yes", "no"} & {choice[1], choice[2]}):
        return "boolean"
    if re.fullmatch(r"\d+[smhdw]", value) or (choice and choice[3]):
        return "time"
    if re.fullmatch(r"\d+", value) or (choice and choice[2].isdigit()):
        return "integer"
    reference = re.fullmatch(r"\$(\w+)", value)
    if reference and reference[1] in defaults and name not in seen:
        return kind_of(reference[1], defaults, (*seen, name))
    return "text"


def render(listings: dict[str, dict[str, str]]) -> str:
    """The text of the data module."""
    kinds: dict[str, list[str]] = {}
    versions = list(listings)
    for name in sorted({name for listing in listings.values() for name in listing}):
        present = [version for version in versions if name in listings[version]]
        kind = kind_of(name, listings[present[-1]])
        mark = ""
        if present != versions:
            first, last = versions.index(present[0]), versions.index(present[-1])
            mark = ("@" + present[0] if first else "") + ("~" + versions[last + 1] if last + 1 < len(versions) else "")
        kinds.setdefault(kind, []).append(name + mark)
    # REUSE-IgnoreStart
    parts = [
        "# Copyright (c) 2026, The puffy.mail developers\n"
        "# GNU General Public License v3.0 or later"
        " (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)\n"
        "# SPDX-License-Identifier: GPL-3.0-or-later\n"
        # REUSE-IgnoreEnd
        '"""The built-in parameters of Postfix by value type. Written by tools/postfix_parameters.py; do not edit.\n\n'
        "Read from ``postconf -d`` of Postfix "
        + ", ".join(versions)
        + ". ``name@3.10`` is new in a release after the one before\n"
        'it in that list and not after 3.10; ``name~3.10`` is gone in 3.10.\n"""\n\n'
        "from __future__ import annotations\n\n"
        "VERSIONS = (" + ", ".join(f'"{version}"' for version in versions) + ")\n\n"
        "#: value type -> names\n"
        "NAMES: dict[str, str] = {\n"
    ]
    for kind in sorted(kinds):
        text = textwrap.fill(
            " ".join(kinds[kind]), 112, initial_indent=" " * 8, subsequent_indent=" " * 8,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
        parts.append(f'    "{kind}": """\n{text}\n    """,\n')
    parts.append("}\n")
    return "".join(parts)


def main(arguments: list[str]) -> int:
    listings = {version: defaults_of(release) for version, release in RELEASES.items()}
    texts = {TARGET: render(listings)}
    for version, listing in listings.items():
        # REUSE-IgnoreStart
        header = (
            "# SPDX-FileCopyrightText: 2026 The puffy.mail developers\n# SPDX-License-Identifier: GPL-3.0-or-later\n"
            f"# postconf -d of Postfix {version}, written by tools/postfix_parameters.py\n"
        )
        # REUSE-IgnoreEnd
        # What tells of the container that was asked, rather than of Postfix.
        local = {
            "config_directory": "/etc/postfix",
            "mydomain": "example.org",
            "myhostname": "mail.example.org",
            "mynetworks": "127.0.0.0/8",
            "process_id": "1",
        }
        fixed = {**listing, **local}
        texts[FIXTURES / f"postconf-d.{version}"] = header + "".join(
            f"{name} = {value}".rstrip() + "\n" for name, value in fixed.items()
        )
    if arguments == ["--check"]:
        stale = [path for path, text in texts.items() if not path.exists() or path.read_text() != text]
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not what the releases give; run tools/postfix_parameters.py")
        return 1 if stale else 0
    for path, text in texts.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
