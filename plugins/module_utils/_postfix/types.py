# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Postfix parameters hold: value types, enumerations, how values are read, and what a change of one demands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from ansible_collections.puffy.mail.plugins.module_utils._postfix import parameters

#: The releases the table of parameters was read from, oldest first.
VERSIONS = parameters.VERSIONS

#: Parameters that master(8) or a resident daemon applies only when Postfix is stopped and started.
#: postconf(5): inet_interfaces "you need to stop and start Postfix when this parameter changes", inet_protocols "you
#: MUST stop and start Postfix". The directories and accounts are where the running master(8) holds its working
#: directory, its locks and its sockets: postfix(1) "reload" refuses or misses it once they name another place.
#: import_environment makes the environment that all daemons inherit, once (master.c; measured on 3.5, 3.10 and 3.11).
RESTART = frozenset(
    {
        "command_directory",
        "config_directory",
        "daemon_directory",
        "data_directory",
        "import_environment",
        "inet_interfaces",
        "inet_protocols",
        "mail_owner",
        "multi_instance_enable",
        "multi_instance_name",
        "process_id_directory",
        "queue_directory",
        "setgid_group",
    }
)

#: Suffix of a parameter named after a service -> the parameter its default refers to (postconf_service.c).
SERVICE_SUFFIXES = {
    "_delivery_slot_cost": "default_delivery_slot_cost",
    "_delivery_slot_discount": "default_delivery_slot_discount",
    "_delivery_slot_loan": "default_delivery_slot_loan",
    "_destination_concurrency_failed_cohort_limit": "default_destination_concurrency_failed_cohort_limit",
    "_destination_concurrency_limit": "default_destination_concurrency_limit",
    "_destination_concurrency_negative_feedback": "default_destination_concurrency_negative_feedback",
    "_destination_concurrency_positive_feedback": "default_destination_concurrency_positive_feedback",
    "_destination_rate_delay": "default_destination_rate_delay",
    "_destination_recipient_limit": "default_destination_recipient_limit",
    "_extra_recipient_limit": "default_extra_recipient_limit",
    "_initial_destination_concurrency": "initial_destination_concurrency",
    "_minimum_delivery_slots": "default_minimum_delivery_slots",
    "_recipient_limit": "default_recipient_limit",
    "_recipient_refill_delay": "default_recipient_refill_delay",
    "_recipient_refill_limit": "default_recipient_refill_limit",
    "_transport_rate_delay": "default_transport_rate_delay",
    "_time_limit": "command_time_limit",
}
_SUFFIXES = tuple(SERVICE_SUFFIXES)
#: Programs whose services have parameters named after them; spawn(8) has only the time limit, pipe(8) also has it.
DELIVERY_PROGRAMS = frozenset({"error", "lmtp", "local", "pipe", "smtp", "virtual"})
TIME_LIMIT_PROGRAMS = frozenset({"pipe", "spawn"})

_SMTPD_LEVELS = ("none", "may", "encrypt")
_SMTP_LEVELS = ("none", "may", "encrypt", "dane", "dane-only", "fingerprint", "verify", "secure")
_CIPHER_GRADES = ("export", "low", "medium", "high", "null")
_SCREEN_ACTIONS = ("ignore", "enforce", "drop")
_TEMPFAIL_ACTIONS = ("defer", "defer_if_permit")
_ADDRESS_CLASSES = ("envelope_sender", "envelope_recipient", "header_sender", "header_recipient")
_SASL_OPTIONS = ("noplaintext", "noactive", "nodictionary", "noanonymous", "forward_secrecy", "mutual_auth")
_EHLO_KEYWORDS = (
    *("8bitmime", "auth", "chunking", "dsn", "enhancedstatuscodes", "etrn", "pipelining", "requiretls"),
    *("silent-discard", "size", "smtputf8", "starttls", "verp", "vrfy", "xclient", "xforward"),
)
#: Levels and the features they stand for (tls_misc.c, tls_log_table).
_TLS_LOG = (
    *("0", "1", "2", "3", "4", "none", "routine", "debug", "ssl-expert", "ssl-developer", "summary", "untrusted"),
    *("peercert", "certmatch", "verbose", "cache", "ssl-debug", "ssl-handshake-packet-dump", "tlsrpt", "dane"),
    "ssl-session-packet-dump",
)
_FACILITIES = (
    *("auth", "authpriv", "cron", "daemon", "ftp", "kern", "lpr", "mail", "news", "syslog", "user", "uucp"),
    *(f"local{number}" for number in range(8)),
)
_LOCKS = ("fcntl", "flock", "dotlock")

#: Enumerations: name or regular expression -> values, as postconf(5) lists them. The caller judges an empty value.
_ENUMERATIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"(smtpd|postscreen|tlsproxy)_tls_security_level|tlsproxy_tls_security_level", _SMTPD_LEVELS),
    (r"(smtp|lmtp)_tls_security_level|tlsproxy_client_(security_)?level", _SMTP_LEVELS),
    (r"\w+_tls_(mandatory_)?ciphers", _CIPHER_GRADES),
    (r"\w+_loglevel", _TLS_LOG),
    (r"\w+_eecdh_grade", ("auto", "none", "strong", "ultra")),
    (r"postscreen_\w+_action", _SCREEN_ACTIONS),
    (r"reject_tempfail_action|(unknown|unverified)_\w+_tempfail_action", _TEMPFAIL_ACTIONS),
    (r"milter_default_action", ("accept", "reject", "tempfail", "quarantine", "shutdown")),
    (r"non_empty_end_of_header_action", ("fix_quietly", "add_header", "reject")),
    (r"header_from_format", ("standard", "obsolete")),
    (r"info_log_address_format", ("external", "internal")),
    (r"mynetworks_style", ("host", "subnet", "class")),
    (r"non_bdb_migration_level", ("disable", "enable-redirect", "enable-reindex")),
    (r"sendmail_fix_line_endings", ("always", "strict", "never")),
    (r"(smtp|lmtp)_address_preference", ("any", "ipv4", "ipv6")),
    (r"(smtp|lmtp)_address_verify_target", ("rcpt", "data")),
    (r"(smtp|lmtp)_dns_support_level", ("disabled", "enabled", "dnssec")),
    (r"smtp_tls_dane_insecure_mx_policy", ("may", "encrypt", "dane")),
    (r"(smtpd|postscreen)_upstream_proxy_protocol", ("haproxy",)),
    (r"smtpd_forbid_bare_newline", ("normalize", "yes", "note", "reject", "no")),
    (r"syslog_facility", _FACILITIES),
    (r"allow_mail_to_(commands|files)", ("alias", "forward", "include")),
    (r"canonical_classes|masquerade_classes", _ADDRESS_CLASSES),
    (r"sender_canonical_classes", _ADDRESS_CLASSES[::2]),
    (r"recipient_canonical_classes", _ADDRESS_CLASSES[1::2]),
    (r"internal_mail_filter_classes", ("bounce", "notify")),
    (r"smtputf8_autodetect_classes", ("sendmail", "smtpd", "qmqpd", "forward", "bounce", "notify", "verify", "all")),
    (r"inet_protocols", ("all", "ipv4", "ipv6")),
    (
        r"notify_classes",
        ("bounce", "2bounce", "data", "delay", "policy", "protocol", "resource", "software"),
    ),
    (r"(mailbox_delivery|virtual_mailbox)_lock", _LOCKS),
    (r"prepend_delivered_header", ("command", "file", "forward")),
    (r"propagate_unmatched_extensions", ("canonical", "virtual", "alias", "forward", "include", "generic")),
    (
        r"receive_override_options",
        ("no_unknown_recipient_checks", "no_address_mappings", "no_header_body_checks", "no_milters"),
    ),
    (r"(smtp|lmtp|smtpd)_sasl_(tls_|tls_verified_)?security_options", _SASL_OPTIONS),
    (r"\w+_discard_[el]hlo_keywords", _EHLO_KEYWORDS),
    (r"(smtp|lmtp)_dns_resolver_options", ("res_defnames", "res_dnsrch")),
    (r"(smtp|lmtp)_host_lookup", ("dns", "native")),
    (r"(smtp|lmtp)_pix_workarounds", ("disable_esmtp", "delay_dotcrlf")),
    (r"smtpd_proxy_options", ("speed_adjust",)),
    (
        # Without maildrop, which postsuper(1) refuses to hash.
        r"hash_queue_names",
        ("active", "bounce", "defer", "deferred", "flush", "hold", "incoming", "trace", "corrupt", "saved"),
    ),
)

#: Enumerations whose words Postfix compares letter by letter (name_mask.c without NAME_MASK_ANY_CASE; tried).
_CASE_COUNTS = re.compile(
    r"allow_mail_to_(commands|files)|\w*canonical_classes|masquerade_classes|inet_protocols|mynetworks_style|notify_classes"
    r"|(smtp|lmtp)_(host_lookup|dns_resolver_options|sasl_\w*security_options)|mailbox_delivery_lock|virtual_mailbox_lock"
    r"|prepend_delivered_header|propagate_unmatched_extensions|receive_override_options|smtputf8_autodetect_classes"
    r"|internal_mail_filter_classes|smtpd_proxy_options|syslog_facility|sendmail_fix_line_endings"
    r"|\w+_upstream_proxy_protocol"
)

#: (parameter, word) -> the release that brought the word, where that is later than the oldest one of the table.
#: Each is in the programs of its release and in none before (tested).
_WORDS_SINCE: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    (r"smtpd_forbid_bare_newline", "note", (3, 9)),
    (r"\w+_loglevel", "tlsrpt", (3, 10)),
    (r"\w+_discard_[el]hlo_keywords", "requiretls", (3, 11)),
)

#: Kinds whose value is a list: words parted by white space or commas.
_LIST_KINDS = frozenset(
    {
        "ca_files",
        "chain_files",
        "enumeration_list",
        "list",
        "match_list",
        "milters",
        "restrictions",
        "tables",
        "tls_protocols",
    }
)
#: Lists in which the order of the words means nothing.
_UNORDERED_KINDS = frozenset({"enumeration_list", "tls_protocols"})


def _marked(table: Mapping[str, str]) -> dict[str, list[tuple[str, str | None, str | None]]]:
    """The facts of each name in a table of the module ``parameters``, with the releases of its marks."""
    found: dict[str, list[tuple[str, str | None, str | None]]] = {}
    for fact, text in table.items():
        for word in text.split():
            name, _unused, removed = word.partition("~")
            name, _unused, added = name.partition("@")
            found.setdefault(name, []).append((fact, added or None, removed or None))
    return found


_NAMED = {name: facts[0] for name, facts in _marked(parameters.NAMES).items()}
_KINDS = {name: fact for name, (fact, _added, _removed) in _NAMED.items()}
#: The parameters that name services which Postfix's own programs reach by a socket; smtpd(8)'s can be of any type.
SERVICE_NAMES = tuple(name for name, kind_ in _KINDS.items() if kind_ == "service" and name != "smtpd_service_name")
_BOUNDS = _marked(parameters.BOUNDS)
_READERS = {name: tuple(facts[0][0].split()) for name, facts in _marked(parameters.READERS).items()}
_WIDE = frozenset(parameters.WIDE.split())


def names(version: tuple[int, ...] | None = None) -> frozenset[str]:
    """The built-in parameter names of the release ``version``, or of all known releases together."""
    if version is None:
        return frozenset(_KINDS)
    return frozenset(name for name in _KINDS if exists(name, version))


def exists(name: str, version: tuple[int, ...]) -> bool:
    """Whether the built-in parameter ``name`` is in the release ``version``, as far as the table can tell."""
    if name not in _KINDS:
        return False
    return _in_version(*_NAMED[name][1:], version)


def _in_version(added: str | None, removed: str | None, version: tuple[int, ...]) -> bool:
    return not (added and version < version_of(added)) and not (removed and version >= version_of(removed))


def since(name: str) -> str | None:
    """The first release of the table that has the parameter, or None where the oldest already has it."""
    return _NAMED[name][1] if name in _NAMED else None


def version_of(text: str) -> tuple[int, ...]:
    """``"3.10.13"`` as (3, 10, 13); words after the numbers (``-20250101``) are dropped. ValueError otherwise."""
    match = re.match(r"\d+(\.\d+)*", text)
    if match is None:
        raise ValueError(f"Postfix version {text!r} does not begin with a number such as 3.10")
    return tuple(int(part) for part in match[0].split("."))


def shown(version: tuple[int, ...]) -> str:
    """A version as text, the reverse of ``version_of``."""
    return ".".join(str(part) for part in version)


def kind(name: str) -> str | None:
    """The value type of a parameter, or None where the name is not known.

    A parameter named after a service (``relay_destination_concurrency_limit``) has the type of its default.
    A name that ends in ``_restrictions`` is a list of restrictions whoever made it up (``mua_helo_restrictions``).
    """
    base = _default_of(name)
    if base in _KINDS:
        return _KINDS[base]
    return "restrictions" if name.endswith("_restrictions") else None


def _default_of(name: str) -> str:
    """The name itself, or the one whose kind and bounds a parameter named after a service has."""
    if name in _KINDS or not name.endswith(_SUFFIXES):
        return name
    return next((base for suffix, base in SERVICE_SUFFIXES.items() if name.endswith(suffix) and name != suffix), name)


def bounds(name: str, version: tuple[int, ...]) -> tuple[int, int]:
    """The least and the greatest number, seconds, or length of a text that the programs take; 0 stands for no bound."""
    for fact, added, removed in _BOUNDS.get(_default_of(name), ()):
        if _in_version(added, removed, version):
            low, _unused, high = fact.partition("..")
            return int(low or 0), int(high or 0)
    return 0, 0


def bits(name: str) -> int:
    """How many bits the number that a parameter holds has in the programs."""
    return 64 if name in _WIDE else 32


def readers(name: str) -> tuple[str, ...]:
    """The programs that read a parameter; none where all do, or the table does not know."""
    name = _default_of(name)
    found = _READERS.get(name) or _READERS.get(f"{name.partition('_')[0]}_*", ())
    return () if "all" in found else found


def needs(program: str) -> tuple[str, ...]:
    """What a daemon needs in master.cf: ``single`` (a process limit of 1), ``unlimited`` (0), ``privileged`` (root)."""
    return tuple(need for need, programs in parameters.NEEDS.items() if program in programs.split())


def arguments(program: str) -> tuple[tuple[str, ...], str]:
    """The attributes that a daemon takes behind its options, and the letters of ``flags=``. lmtp(8) is smtp(8)."""
    program = "smtp" if program == "lmtp" else program
    return tuple(parameters.ARGUMENTS.get(program, "").split()), parameters.FLAGS.get(program, "")


def is_list(name: str) -> bool:
    """Whether the value is a list of words parted by white space or commas."""
    return kind(name) in _LIST_KINDS


def is_ordered(name: str) -> bool:
    """Whether the order of a list's words has a meaning."""
    return is_list(name) and kind(name) not in _UNORDERED_KINDS


def activation(name: str) -> str:
    """``"restart"`` where a changed value needs Postfix stopped and started, ``"reload"`` otherwise."""
    return "restart" if name in RESTART else "reload"


def folded(name: str, word: str) -> str:
    """A word of an enumeration as Postfix compares it: in small letters, unless case counts."""
    return word if _CASE_COUNTS.fullmatch(name) else word.lower()


@cache
def enumeration(name: str, version: tuple[int, ...] | None = None) -> tuple[str, ...]:
    """The values an enumeration (or each word of an enumeration list) may have; empty where they are not listed.

    Those that the release ``version`` has, or all of them.
    """
    values = next((values for pattern, values in _ENUMERATIONS if re.fullmatch(pattern, name)), ())
    if version is None:
        return values
    later = {word for pattern, word, since_ in _WORDS_SINCE if version < since_ and re.fullmatch(pattern, name)}
    return tuple(value for value in values if value not in later)


def service_parameters(services: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The parameters named after services, and their defaults. ``services`` are pairs of service name and program."""
    found: dict[str, str] = {}
    for name, program in services:
        for suffix, base in SERVICE_SUFFIXES.items():
            programs = TIME_LIMIT_PROGRAMS if suffix == "_time_limit" else DELIVERY_PROGRAMS
            if program in programs:
                found[name + suffix] = f"${base}"
    return found


def service_base(name: str) -> str | None:
    """The service a parameter is named after by its suffix (``relay`` of ``relay_time_limit``), or None."""
    if name in _KINDS:
        return None
    for suffix in sorted(SERVICE_SUFFIXES, key=len, reverse=True):
        if name.endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return None


def split_list(value: str) -> list[str]:
    """The words of a list, as Postfix parts them: white space and commas, but not inside braces.

    Text in braces (``{ name = value }``, ``inline:{ a=b }``) stays one word, braces and all. ValueError where a
    brace is not closed.
    """
    words: list[str] = []
    current: list[str] = []
    depth = 0
    for char in value:
        if char == "{":
            depth += 1
        elif char == "}" and depth:
            depth -= 1
        if depth == 0 and char in ", \t\r\n":
            if current:
                words.append("".join(current))
                current = []
        else:
            current.append(char)
    if depth:
        raise ValueError(f"{value!r} has a '{{' without its '}}'")
    if current:
        words.append("".join(current))
    return words


@dataclass(frozen=True)
class Deprecation:
    """A parameter on its way out: the release that began to warn, and what to do instead (None: remove it)."""

    version: tuple[int, ...]
    successor: str | None


def _deprecations() -> dict[str, Deprecation]:
    found: dict[str, Deprecation] = {}
    since_39 = {"disable_dns_lookups": "smtp_dns_support_level"}
    for prefix in ("lmtp", "smtp", "smtpd", "postscreen"):
        for word in ("use_tls", "enforce_tls"):
            since_39[f"{prefix}_{word}"] = f"{prefix}_tls_security_level"
    for word in ("use_tls", "enforce_tls"):
        since_39[f"tlsproxy_{word}"] = "tlsproxy_tls_security_level"
        since_39[f"tlsproxy_client_{word}"] = "tlsproxy_client_security_level"
    for prefix in ("lmtp_tls", "smtp_tls", "tlsproxy_client"):
        since_39[f"{prefix}_per_site"] = f"{prefix}_policy_maps"
    since_311 = {
        "authorized_verp_clients": "smtpd_authorized_verp_clients",
        "fallback_relay": "smtp_fallback_relay",
        "lmtp_per_record_deadline": "lmtp_per_request_deadline",
        "smtp_per_record_deadline": "smtp_per_request_deadline",
        "smtpd_per_record_deadline": "smtpd_per_request_deadline",
        "lmtp_tls_enforce_peername": "lmtp_tls_security_level",
        "smtp_tls_enforce_peername": "smtp_tls_security_level",
        "postscreen_blacklist_action": "postscreen_denylist_action",
        "postscreen_dnsbl_ttl": "postscreen_dnsbl_max_ttl",
        "postscreen_dnsbl_whitelist_threshold": "postscreen_dnsbl_allowlist_threshold",
        "postscreen_whitelist_interfaces": "postscreen_allowlist_interfaces",
        "smtpd_client_connection_limit_exceptions": "smtpd_client_event_limit_exceptions",
        "tlsproxy_client_level": "tlsproxy_client_security_level",
        "tlsproxy_client_policy": "tlsproxy_client_policy_maps",
        "virtual_maps": "virtual_alias_maps",
    }
    # The ones with no successor: Postfix's own default is the right value.
    alone_39 = ("smtpd_tls_dh1024_param_file", "smtpd_tls_eecdh_grade")
    alone_311 = ("smtp_cname_overrides_servername", "lmtp_cname_overrides_servername")
    found.update({name: Deprecation((3, 9), successor) for name, successor in since_39.items()})
    found.update({name: Deprecation((3, 9), None) for name in alone_39})
    found.update({name: Deprecation((3, 11), successor) for name, successor in since_311.items()})
    found.update({name: Deprecation((3, 11), None) for name in alone_311})
    # Not in postconf's table: read, and without effect since that release (postconf(5)).
    found["smtpd_tls_dh512_param_file"] = Deprecation((3, 6), None)
    found["tls_export_cipherlist"] = Deprecation((3, 8), None)
    found["tls_low_cipherlist"] = Deprecation((3, 8), None)
    return found


#: Deprecated parameters: postconf_unused.c of Postfix 3.9 and 3.11.
DEPRECATED = _deprecations()

#: What a restriction expects after it: a lookup table, a domain (a DNS list), a policy server, a number, or nothing.
TABLE, DOMAIN, POLICY, NUMBER = "table", "domain", "policy", "number"


def _restrictions() -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for place in ("client", "helo", "sender", "recipient", "reverse_client_hostname"):
        for what in ("", "_a", "_mx", "_ns"):
            found[f"check_{place}{what}_access"] = TABLE
    found.update(dict.fromkeys(("check_etrn_access", "check_ccert_access", "check_sasl_access"), TABLE))
    for word in (
        *("permit_dnswl_client", "permit_rhswl_client", "reject_rbl", "reject_rbl_client", "reject_rhsbl_client"),
        *("reject_rhsbl_helo", "reject_rhsbl_recipient", "reject_rhsbl_reverse_client", "reject_rhsbl_sender"),
    ):
        found[word] = DOMAIN
    found["check_policy_service"] = POLICY
    found["sleep"] = NUMBER
    plain = """
        defer defer_if_permit defer_if_reject defer_unauth_destination permit permit_auth_destination
        permit_inet_interfaces permit_mx_backup permit_mynetworks permit_naked_ip_address permit_sasl_authenticated
        permit_tls_all_clientcerts permit_tls_clientcerts reject reject_authenticated_sender_login_mismatch
        reject_invalid_helo_hostname reject_invalid_hostname reject_known_sender_login_mismatch reject_maps_rbl
        reject_multi_recipient_bounce reject_non_fqdn_helo_hostname reject_non_fqdn_hostname
        reject_non_fqdn_recipient reject_non_fqdn_sender reject_plaintext_session reject_sender_login_mismatch
        reject_unauth_destination reject_unauth_pipelining reject_unauthenticated_sender_login_mismatch
        reject_unknown_address reject_unknown_client reject_unknown_client_hostname reject_unknown_helo_hostname
        reject_unknown_hostname reject_unknown_recipient_domain reject_unknown_reverse_client_hostname
        reject_unknown_sender_domain reject_unlisted_recipient reject_unlisted_sender reject_unverified_recipient
        reject_unverified_sender warn_if_reject check_relay_domains check_recipient_maps
    """
    found.update(dict.fromkeys(plain.split()))
    return found


#: Restrictions of access control lists and the argument each takes (postconf(5), smtpd_check.c).
RESTRICTIONS = _restrictions()

#: Restrictions that Postfix 3.9 and later refuse or warn about (DEPRECATION_README): release, successor.
DEPRECATED_RESTRICTIONS = {
    "permit_mx_backup": ((3, 9), "relay_domains with relay_recipient_maps"),
    "permit_naked_ip_address": ((3, 9), "permit_mynetworks or permit_sasl_authenticated"),
    "reject_maps_rbl": ((3, 9), "reject_rbl_client"),
    "check_relay_domains": ((3, 9), "reject_unauth_destination"),
}

#: Parameters whose text is expanded when it is used, with names of its own such as $user (CONFIG_RAW_TABLE).
RAW = frozenset(
    {
        "command_execution_directory",
        "default_rbl_reply",
        "forward_path",
        "luser_relay",
        "mailbox_command",
        "postscreen_expansion_filter",
        "postscreen_reject_footer",
        "smtpd_expansion_filter",
        "smtpd_reject_footer",
    }
)
