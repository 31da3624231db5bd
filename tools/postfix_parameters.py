# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write plugins/module_utils/_postfix/parameters.py from the programs and sources of three Postfix releases.

    tools/postfix_parameters.py            reads the releases' images and source packages, and rewrites the module
    tools/postfix_parameters.py --check    exits 1 where the module is not what would be written

``postconf -d`` gives the names and defaults; they also go to tests/unit/fixtures/postfix/postconf-d.RELEASE. Each
program carries the tables of the parameters that it reads, with their bounds (mail_conf.h, CONFIG_INT_TABLE and its
kin): they are read from the ELF files of the image, so the facts are those of the very release. Debian's source
packages (deb-src of DEBIAN_MIRROR, as far as the mirror has them) must say the same of each row, and tell what stands
in code only: which daemons must be single or privileged, and what pipe(8) takes. What could not be read is printed,
with the coverage.

Which text is a list, a table or a file follows from the name (``*_maps``), and where that misleads, from the rules
below, which rest on postconf(5).
"""

from __future__ import annotations

import io
import os
import re
import struct
import subprocess
import sys
import tarfile
import tempfile
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "plugins" / "module_utils" / "_postfix" / "parameters.py"
FIXTURES = ROOT / "tests" / "unit" / "fixtures" / "postfix"
PODMAN = str(ROOT / "tools" / "podman")
RELEASES = {"3.5": "bullseye", "3.10": "trixie", "3.11": "forky"}

sys.path.insert(0, subprocess.run([ROOT / "tools" / "tree"], capture_output=True, text=True, check=True).stdout.strip())
from ansible_collections.puffy.mail.plugins.module_utils._postfix import types

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
        smtp_requiretls_policy lmtp_requiretls_policy
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
        smtp_address_verify_target lmtp_address_verify_target
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
    "relay_clientcerts": "tables",
    "default_destination_concurrency_negative_feedback": "text",
    "default_destination_concurrency_positive_feedback": "text",
}


@dataclass(frozen=True)
class Row:
    """One row of a table of parameters: its bounds (0: none), whether it has 64 bits, and its layout."""

    name: str
    low: int
    high: int
    wide: bool
    shape: tuple[bool, bool]


@dataclass
class Release:
    """What one release says. ``rows`` are those of each program, ``sources`` the C files by name."""

    defaults: dict[str, str]
    rows: dict[str, list[Row]] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)


def rows_of(data: bytes, names: Iterable[str]) -> Iterator[Row]:
    """The rows of the tables in an x86-64 program: {name, default, &variable, minimum, maximum}.

    Pointers are relocations (R_X86_64_RELATIVE is 8): a row begins where one leads to the name of a parameter and
    another stands 16 bytes on. Rows of booleans and other pairs have a third pointer 24 bytes on, and no bounds.
    """
    (start,) = struct.unpack_from("<Q", data, 0x28)
    size, count = struct.unpack_from("<HH", data, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, start + index * size) for index in range(count)]

    def place(address: int) -> int | None:
        held = (s for s in sections if s[1] != 8 and s[3] and s[3] <= address < s[3] + s[5])
        return next((s[4] + address - s[3] for s in held), None)

    relocated: dict[int, int] = {}
    for section in sections:
        if section[1] == 4:
            for offset in range(section[4], section[4] + section[5], 24):
                where, kind, addend = struct.unpack_from("<QQq", data, offset)
                relocated[where] = addend if kind & 0xFFFFFFFF == 8 else 0
    strings = {}
    for target in set(relocated.values()):
        at = place(target) if target else None
        if at is not None:
            strings[target] = data[at : data.find(b"\0", at)].decode("latin-1")
    known = set(names)
    tables = (where for where, target in relocated.items() if strings.get(target) in known and where + 16 in relocated)
    starts = dict.fromkeys(sorted(tables))
    for where in starts:
        offset = place(where) or 0
        wide = where + 40 in starts or (where - 40 in starts and where + 32 not in starts)
        low, high = struct.unpack_from("<qq" if wide else "<ii", data, offset + 24)
        yield Row(strings[relocated[where]], low, high, wide, (where + 8 in relocated, where + 24 in relocated))


def release_of(release: str) -> Release:
    """The parameters of one release: the listing of the real ``postconf``, and the tables of the programs."""
    image = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "images.py"), f"{release}-mail"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.strip()

    def inside(command: str) -> bytes:
        return subprocess.run([PODMAN, "run", "--rm", image, "sh", "-c", command], stdout=-1, check=True).stdout

    # Without the services of master.cf there are no parameters named after them.
    listing = inside("mkdir /tmp/c; : >/tmp/c/main.cf; : >/tmp/c/master.cf; postconf -c /tmp/c -d").decode()
    pairs = (re.split(r" = ?", line, maxsplit=1) for line in listing.splitlines())
    found = Release({name.strip(): value for name, value in pairs} | {"config_directory": "/etc/postfix"})
    with tarfile.open(fileobj=io.BytesIO(inside("tar -C / -cf - usr/lib/postfix usr/sbin"))) as archive:
        for member in archive:
            program = member.name.rpartition("/")[2]
            if (member.isfile() or member.islnk()) and re.search(
                r"lib/postfix/(sbin/|libpostfix)|sbin/(post|sendmail$)", member.name
            ):
                data = archive.extractfile(member).read()  # type: ignore[union-attr]
                if data.startswith(b"\x7fELF"):
                    found.rows[program] = list(rows_of(data, found.defaults))
    found.sources = sources_of(release)
    return found


def sources_of(release: str) -> dict[str, str]:
    """The C files of Debian's source package; none where the mirror lacks it. Debian's patches change no row."""
    mirror = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
    with tempfile.TemporaryDirectory() as directory:
        for name in ("lists/partial", "cache/archives/partial"):
            Path(directory, name).mkdir(parents=True)
        Path(directory, "sources").write_text(f"deb-src [check-valid-until=no] {mirror} {release} main\n")
        places = {"Etc::SourceList": "sources", "Etc::SourceParts": "none", "State::Lists": "lists", "Cache": "cache"}
        apt = ["apt-get", "-qq", *(f"-oDir::{name}={directory}/{path}" for name, path in places.items())]
        for command in (["update"], ["source", "--download-only", "--tar-only", "postfix"]):
            done = subprocess.run([*apt, *command], cwd=directory, capture_output=True, text=True, check=False)
        packed = next(Path(directory).glob("*.orig.tar.*"), None)
        if packed is None:
            print(f"{release}: no source package; the programs alone are read: {done.stderr.strip().splitlines()[1:2]}")
            return {}
        data = packed.read_bytes()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        texts = {m.name.partition("/src/")[2]: archive.extractfile(m) for m in archive if m.name.endswith((".c", ".h"))}
        return {name: stream.read().decode("latin-1") for name, stream in texts.items() if name and stream}


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


#: The least that code takes, where the table of the program says less: watchdog.c divides these seconds by three, and
#: the daemon stops where nothing is left.
LEAST = {"daemon_timeout": 3, "qmgr_daemon_timeout": 3}
#: Libraries that several programs link, and whose parameters all of those read.
LIBRARIES = {"libpostfix-global.so": ("all",), "libpostfix-tls.so": ("lmtp", "smtp", "smtpd", "tlsproxy")}


def facts_of(release: Release, kinds: dict[str, str]) -> tuple[dict[str, tuple[int, int, bool]], dict[str, str]]:
    """The bounds of each parameter, and the programs that read it. Prints the coverage, and every disagreement."""
    shapes, bounds = {}, {}
    for row in release.rows["postconf"]:
        if kinds[row.name] == "boolean":
            shapes[row.name] = None
        elif not row.shape[1] and row.name not in bounds:
            shapes[row.name], bounds[row.name] = row.shape, (row.low, row.high, row.wide)
    readers: dict[str, set[str]] = {name: set() for name in shapes}
    count: Counter[str] = Counter()
    for program, rows in release.rows.items():
        for row in rows:
            if program in ("postconf", "nqmgr") or shapes.get(row.name, ()) not in (None, row.shape):
                continue
            readers[row.name].update(LIBRARIES.get(program, (program,)))
            if row.name in bounds and bounds[row.name][:2] != (row.low, row.high) and not row.wide:
                print(f"{program} has {row.name} within {row.low}, {row.high}, postconf within {bounds[row.name]}")
                count["rows of the programs that disagree"] += 1
    bounds = {name: row for name, row in bounds.items() if readers[name]}
    macros = dict(re.findall(r'#define (VAR_\w+)\s+"(\w+)"', release.sources.get("global/mail_params.h", "")))
    for text in release.sources.values():
        for macro, low, high in re.findall(r"\b(VAR_\w+),\s*DEF_\w+,\s*&\w+,\s*(\d+),\s*(\d+),", text):
            name = macros.get(macro)
            if name in bounds:
                agreed = bounds[name][:2] == (int(low), int(high))
                count[f"rows of the sources that {'agree' if agreed else 'disagree'}"] += 1
                if not agreed:
                    print(f"the sources have {name} within {low}, {high}, postconf within {bounds[name]}")
    count["parameters"] = len(release.defaults)
    count["with a row"] = len(shapes)
    count["with bounds"] = sum(1 for low, high, _wide in bounds.values() if low or high)
    print(release.defaults["mail_version"], ", ".join(f"{name}: {number}" for name, number in count.items()))
    print("  without a row:", " ".join(sorted(set(release.defaults) - set(shapes))))
    for name, least in LEAST.items():
        low, high, wide = bounds[name]
        bounds[name] = max(low, least), high, wide
    return bounds, {name: " ".join(sorted(programs)) for name, programs in readers.items()}


def code_facts(releases: Iterable[Release]) -> dict[str, dict[str, str]]:
    """What stands in code only: the needs of daemons, and the arguments and flags of those that take any."""
    # Debian's mirror lacks 3.11, which brought nbdb_reindexd: its needs stand in the source of 3.11.6.
    needs: dict[str, set[str]] = {"single": {"nbdb_reindexd"}, "unlimited": set(), "privileged": {"nbdb_reindexd"}}
    words: dict[str, set[str]] = {}
    flags: dict[str, str] = {}
    for release in releases:
        for name, text in release.sources.items():
            program = name.partition("/")[0]
            for word in re.findall(r"^\t+\s+CA_MAIL_SERVER_(SOLITARY|UNLIMITED|PRIVILEGED),", text, re.MULTILINE):
                needs["single" if word == "SOLITARY" else word.lower()].add(program)
            for body in re.findall(r"^static \w+ \w+\([^)]*char \*\*argv\)\n{.*?^}", text, re.MULTILINE | re.DOTALL):
                taken = re.findall(r'strncasecmp\("(\w+=)", \*argv', body)
                if taken and program in ("pipe", "smtp", "spawn"):
                    words.setdefault(program, set()).update(taken)
                    flags[program] = "".join(re.findall(r"(?:case |^\t)'(.)'[:,]", body, re.MULTILINE))
    if not words:
        return {}
    return {
        "NEEDS": {need: " ".join(sorted(found)) for need, found in needs.items()},
        "ARGUMENTS": {program: " ".join(sorted(found)) for program, found in sorted(words.items())},
        "FLAGS": {program: letters for program, letters in sorted(flags.items()) if letters},
    }


def marked(facts: dict[str, dict[str, str]], version_of: dict[str, list[str]]) -> dict[str, list[str]]:
    """The names by fact, from name -> fact of each version. A fact that is not in all versions of the name gets a mark:
    ``name@3.10`` from there on, ``name~3.10`` not from there on."""
    versions = list(facts)
    found: dict[str, list[str]] = {}
    for name in sorted(version_of):
        for fact in dict.fromkeys(facts[version].get(name, "") for version in version_of[name]):
            present = [
                version for version in versions if facts[version].get(name, "") == fact and version in version_of[name]
            ]
            first, last = version_of[name].index(present[0]), versions.index(present[-1])
            ends = present[-1] != version_of[name][-1]
            if fact:
                mark = ("@" + present[0] if first else "") + ("~" + versions[last + 1] if ends else "")
                found.setdefault(fact, []).append(name + mark)
    return found


def by_prefix(groups: dict[str, list[str]], names: Iterable[str]) -> dict[str, list[str]]:
    """The groups with ``word_*`` for the group that most of the names with this first word are in."""
    fact_of = {re.split("[@~]", name)[0]: fact for fact, members in groups.items() for name in members}
    families: dict[str, Counter[str]] = {}
    for name in names:
        families.setdefault(name.partition("_")[0] + "_*", Counter())[fact_of.get(name, "")] += 1
    common = {family: facts.most_common(1)[0][0] for family, facts in families.items()}
    worth = {family: fact for family, fact in common.items() if fact and families[family][fact] > 2}
    found: dict[str, list[str]] = {}
    for family, fact in sorted(worth.items()):
        found.setdefault(fact, []).append(family)
    for name in sorted(names):
        fact, family = fact_of.get(name, ""), name.partition("_")[0] + "_*"
        if fact != worth.get(family, ""):
            found.setdefault(fact or "all", []).append(name)
    return found


def dictionary(name: str, comment: str, entries: dict[str, list[str]]) -> str:
    """The text of one dictionary of names."""
    parts = [f"#: {comment}\n{name}: dict[str, str] = {{\n"]
    for key in sorted(entries):
        words = " ".join(entries[key])
        line = f'    "{key}": "{words}",\n'
        if len(line) > 120:
            text = textwrap.fill(
                words, 112, initial_indent=" " * 8, subsequent_indent=" " * 8,
                break_long_words=False, break_on_hyphens=False,
            )  # fmt: skip
            line = f'    "{key}": """\n{text}\n    """,\n'
        parts.append(line)
    return "".join(parts) + "}\n"


def render(releases: dict[str, Release]) -> str:
    """The text of the data module."""
    versions = list(releases)
    where = {
        name: [version for version in versions if name in releases[version].defaults]
        for name in sorted({name for release in releases.values() for name in release.defaults})
    }
    kinds = {name: kind_of(name, releases[present[-1]].defaults) for name, present in where.items()}
    names: dict[str, list[str]] = {}
    for name, present in where.items():
        first, last = versions.index(present[0]), versions.index(present[-1])
        mark = ("@" + present[0] if first else "") + ("~" + versions[last + 1] if last + 1 < len(versions) else "")
        names.setdefault(kinds[name], []).append(name + mark)
    facts = {version: facts_of(release, kinds) for version, release in releases.items()}
    bounds = {
        version: {name: f"{low or ''}..{high or ''}" for name, (low, high, _wide) in limits.items() if low or high}
        for version, (limits, _readers) in facts.items()
    }
    readers = {name: facts[present[-1]][1].get(name, "") for name, present in where.items()}
    groups: dict[str, list[str]] = {}
    for name, programs in readers.items():
        if programs and "all" not in programs.split():
            groups.setdefault(programs, []).append(name)
    wide = sorted({name for limits, _readers in facts.values() for name, row in limits.items() if row[2]})
    code = code_facts(releases.values())
    if not code:
        print("no sources: NEEDS, ARGUMENTS and FLAGS stay as they are")
        code = {name: getattr(types.parameters, name) for name in ("NEEDS", "ARGUMENTS", "FLAGS")}
    comments = {
        "NEEDS": "what a daemon needs in master.cf -> daemons: a process limit of 1, of 0, no n in the column unpriv",
        "ARGUMENTS": "daemon -> the attributes that it takes",
        "FLAGS": "daemon -> the letters of flags=",
    }
    # REUSE-IgnoreStart
    parts = [
        "# Copyright (c) 2026, The puffy.mail developers\n"
        "# GNU General Public License v3.0 or later"
        " (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)\n"
        "# SPDX-License-Identifier: GPL-3.0-or-later\n"
        # REUSE-IgnoreEnd
        '"""The parameters of Postfix and what its programs do with them. Written by tools/postfix_parameters.py.\n\n'
        "Read from Postfix "
        + ", ".join(versions)
        + ". ``name@3.10`` is new in a release after the one before it in that"
        ' list\nand not after 3.10; ``name~3.10`` is gone in 3.10.\n"""\n\n'
        "from __future__ import annotations\n\n"
        "VERSIONS = (" + ", ".join(f'"{version}"' for version in versions) + ")\n",
        dictionary("NAMES", "value type -> names", names),
        dictionary("BOUNDS", "least..greatest number, seconds or length -> names", marked(bounds, where)),
        "#: names whose numbers have 64 bits; all others have 32\nWIDE = "
        + repr(" ".join(wide)).replace("'", '"')
        + "\n",
        dictionary(
            "READERS",
            "programs -> the names that they read; ``smtp_*``: all with that beginning which stand nowhere else",
            by_prefix(groups, [name for name in where if readers[name]]),
        ),
        *(
            dictionary(name, comments[name], {key: value.split() for key, value in entries.items()})
            for name, entries in code.items()
        ),
    ]
    return "\n".join(parts)


def main(arguments: list[str]) -> int:
    releases = {version: release_of(release) for version, release in RELEASES.items()}
    texts = {TARGET: render(releases)}
    for version, release in releases.items():
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
        fixed = {**release.defaults, **local}
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
