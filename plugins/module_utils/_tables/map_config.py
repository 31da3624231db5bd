# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client files of ldap_table(5), sqlite_table(5), mysql_table(5), pgsql_table(5) and memcache_table(5).

Which options each map type knows, since which Postfix, what their values look like; and the file's text. And the name
of a socketmap_table(5), which is all there is of one.
Sources: the manual pages named above, of Postfix 3.5 to 3.11, and what postmap(1) of these releases makes of a value.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._tables import ldap

#: what a masked secret looks like in a diff
MASK = "********"

Version = tuple[int, int]


@dataclass(frozen=True)
class Option:
    """What one option takes.

    ``kind`` is text, int, bool, choice, list (values joined by blanks) or query (text with %-expansions).
    ``since`` is the first Postfix that knows it. ``quoted`` says that an SQL statement reads the value. ``least`` and
    ``most`` bound an int; seconds are an int too, since no client takes a time with a unit.
    """

    kind: str = "text"
    since: Version = (2, 0)
    secret: bool = False
    choices: tuple[str, ...] = ()
    quoted: bool = False
    removed: str = ""
    least: int = 0
    most: int = 2**31 - 1


_TEXT = Option()
_INT = Option("int")
_BOOL = Option("bool")
_SECONDS = Option("int", least=1)
_LIST = Option("list")
_TEMPLATE = Option("query")

_COMMON = {"domain": _LIST, "result_format": _TEMPLATE, "expansion_limit": _INT}
# The interface before Postfix 2.2, still read by 3.11.
_OLD_SQL = {"select_field": _TEXT, "table": _TEXT, "where_field": _TEXT, "additional_conditions": _TEXT}
_SQL = {**_COMMON, **_OLD_SQL, "query": Option("query", quoted=True)}
_SQL_SERVER = {
    **_SQL,
    "hosts": _LIST,
    "user": _TEXT,
    "password": Option(secret=True),
    "dbname": _TEXT,
    "idle_interval": Option("int", (3, 9), least=1),
    "retry_interval": Option("int", (3, 9), least=1),
}
_IGNORED = "Postfix ignores it with a warning"

OPTIONS: dict[str, dict[str, Option]] = {
    "sqlite": {**_SQL, "dbpath": _TEXT},
    "ldap": {
        **_COMMON,
        "server_host": _LIST,
        "server_port": Option("int", least=1, most=65535),
        # 0 means no limit at all (alarm(2)).
        "timeout": _SECONDS,
        "search_base": _TEMPLATE,
        "query_filter": _TEMPLATE,
        "result_filter": Option("query", removed="its name is result_format since Postfix 2.2"),
        "result_attribute": _LIST,
        "special_result_attribute": _LIST,
        "terminal_result_attribute": _LIST,
        "leaf_result_attribute": _LIST,
        "scope": Option("choice", choices=("sub", "base", "one")),
        "bind": Option("choice", choices=("yes", "no", "none", "simple", "sasl")),
        "bind_dn": _TEXT,
        "bind_pw": Option(secret=True),
        "cache": Option(removed=_IGNORED),
        "cache_expiry": Option(removed=_IGNORED),
        "cache_size": Option(removed=_IGNORED),
        "recursion_limit": Option("int", least=1),
        "size_limit": _INT,
        "dereference": Option("choice", choices=("0", "1", "2", "3")),
        # ldap_table(5) speaks of 0 and 1; every Postfix ends at them with "bad boolean configuration".
        "chase_referrals": _BOOL,
        "version": Option("choice", choices=("2", "3")),
        "debuglevel": _INT,
        "sasl_mechs": _LIST,
        "sasl_realm": _TEXT,
        "sasl_authz_id": _TEXT,
        "sasl_minssf": Option("int", most=4096),
        "start_tls": _BOOL,
        "tls_ca_cert_dir": _TEXT,
        "tls_ca_cert_file": _TEXT,
        "tls_cert": _TEXT,
        "tls_key": _TEXT,
        "tls_require_cert": _BOOL,
        "tls_random_file": _TEXT,
        "tls_cipher_suite": _TEXT,
    },
    "mysql": {
        **_SQL_SERVER,
        "charset": Option(since=(3, 9)),
        "option_file": Option(since=(2, 11)),
        "option_group": Option(since=(2, 11)),
        "require_result_set": Option("bool", (3, 2)),
        "tls_cert_file": Option(since=(2, 11)),
        "tls_key_file": Option(since=(2, 11)),
        "tls_CAfile": Option(since=(2, 11)),
        "tls_CApath": Option(since=(2, 11)),
        "tls_ciphers": Option(since=(2, 11)),
        "tls_verify_cert": Option("bool", (2, 11)),
    },
    "pgsql": {**_SQL_SERVER, "encoding": Option(since=(3, 8)), "select_function": _TEXT},
    "memcache": {
        "memcache": _TEXT,
        "backup": _TEXT,
        "flags": _INT,
        "ttl": _INT,
        "key_digest": Option(since=(3, 11)),
        "key_format": _TEMPLATE,
        "domain": _LIST,
        "data_size_limit": Option("int", least=1),
        "line_size_limit": Option("int", least=1),
        "max_try": Option("int", least=1),
        "retry_pause": _SECONDS,
        "timeout": _SECONDS,
    },
}

#: options without which the map cannot answer; each entry is a choice of names
REQUIRED: dict[str, tuple[tuple[str, ...], ...]] = {
    "sqlite": (("dbpath",), ("query", "table")),
    "ldap": (("search_base",),),
    "mysql": (("dbname",), ("query", "table")),
    "pgsql": (("query", "table", "select_function"),),
    "memcache": (),
}

#: what an option of another map type, or of other software, is called here
_SYNONYMS_SQL = {
    "server_host": "hosts",
    "database": "dbname",
    "dbpath": "dbname",
    "bind_pw": "password",
    "query_filter": "query",
    "tls_ca_cert_file": "tls_CAfile",
    "tls_ca_cert_dir": "tls_CApath",
    "tls_require_cert": "tls_verify_cert",
}
_SYNONYMS = {
    "ldap": {
        "base": "search_base",
        "filter": "query_filter",
        "query": "query_filter",
        "hosts": "server_host",
        "uri": "server_host",
        "uris": "server_host",
        "user": "bind_dn",
        "binddn": "bind_dn",
        "dn": "bind_dn",
        "password": "bind_pw",
        "bindpw": "bind_pw",
        "bind_password": "bind_pw",
        "tls_CAfile": "tls_ca_cert_file",
        "tls_CApath": "tls_ca_cert_dir",
        "tls_verify_cert": "tls_require_cert",
        "tls_cert_file": "tls_cert",
        "tls_key_file": "tls_key",
    },
    "sqlite": {"dbname": "dbpath", "path": "dbpath", "database": "dbpath", "query_filter": "query"},
    "memcache": {"server_host": "memcache", "hosts": "memcache", "persistent": "backup"},
    "mysql": _SYNONYMS_SQL,
    "pgsql": _SYNONYMS_SQL,
}

_SERVER = re.compile(r"inet:(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[A-Za-z0-9-]+|unix:/[^\s:]+")
#: the password in the URI of a server (pgsql_table(5), hosts)
_URI_PASSWORD = re.compile(r"(?P<before>://[^\s:/@]*:)(?P<password>[^\s/@]+)(?=@)")
_EXPANSION = re.compile(r"%(.?)", re.DOTALL)
_KNOWN_EXPANSIONS = "%sudSUD123456789"
# isspace(3) in the C locale, without the newline
_BLANKS = " \t\v\f\r"
_LINE = re.compile(r"(?P<name>[^\s=]+)(?P<gap>\s*=[ \t]*)(?P<value>.*)", re.DOTALL)


def _version_text(version: Version) -> str:
    return ".".join(str(part) for part in version)


def is_secret(map_type: str, name: str) -> bool:
    """Whether the value of this option must not be shown. An unknown option that sounds like one counts."""
    option = OPTIONS.get(map_type, {}).get(name)
    return option.secret if option is not None else re.search(r"pw|pass|secret", name, re.IGNORECASE) is not None


def secrets_of(map_type: str, options: Mapping[str, Any]) -> set[str]:
    """The secret values among ``options``, passwords in URIs included."""
    found = {str(value) for name, value in options.items() if is_secret(map_type, name) and value not in (None, "")}
    for value in options.values():
        for item in value if isinstance(value, (list, tuple)) else [value]:
            found.update(match.group("password") for match in _URI_PASSWORD.finditer(str(item)))
    return found


def check_type(map_type: str) -> None:
    """ValueError where there is no such kind of client file."""
    if map_type in OPTIONS:
        return
    raise ValueError(f"{map_type!r} is not a map type with a client file; there are {', '.join(sorted(OPTIONS))}")


def _unknown(map_type: str, name: str) -> str:
    known = OPTIONS[map_type]
    synonym = _SYNONYMS[map_type].get(name)
    if synonym in known:
        return f"{map_type}_table(5) has no option {name!r}; did you mean {synonym!r}?"
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if not near:
        near = [other for other in known if other.casefold() == name.casefold().replace("-", "_")]
    if near:
        return f"{map_type}_table(5) has no option {name!r}; did you mean {near[0]!r}?"
    elsewhere = sorted(other for other, options in OPTIONS.items() if name in options)
    if elsewhere:
        return f"{map_type}_table(5) has no option {name!r}; it belongs to {' and '.join(elsewhere)}"
    return f"{map_type}_table(5) has no option {name!r}; it has {', '.join(sorted(known))}"


def _expansion_problem(name: str, value: str) -> str | None:
    for match in _EXPANSION.finditer(value):
        if not match.group(1) or match.group(1) not in _KNOWN_EXPANSIONS:
            return (
                f"option {name!r} contains {match.group(0)!r}, which Postfix does not expand;"
                " a literal percent sign is written '%%'"
            )
    return None


def _open_quote(text: str) -> str:
    """The quote that is open at the end of this SQL fragment; '' where none is."""
    quote = ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
    return quote


def _quoting_problem(name: str, value: str) -> str | None:
    """Every %-expansion of a key in SQL must stand inside '' quotes: only there is it escaped."""
    for match in re.finditer(r"%%|%([sudSUD1-9])", value):
        if match.group(1) is None:
            continue
        if _open_quote(value[: match.start()]) != "'":
            return (
                f"option {name!r} uses {match.group(0)!r} outside single quotes, where a key that holds SQL would be"
                f" run as SQL; write \"'{match.group(0)}'\""
            )
    if _open_quote(value):
        return f"option {name!r} has an unbalanced {_open_quote(value)} quote: {value!r}"
    return None


def format_value(map_type: str, name: str, value: Any, version: Version | None = None) -> str:
    """The text of one option's value as the client file holds it.

    ``version`` is the Postfix of the host; None skips the rules that depend on it. Raises ValueError; the
    message never shows a secret.
    """
    option = OPTIONS[map_type].get(name)
    if option is None:
        raise ValueError(_unknown(map_type, name))
    if option.removed:
        raise ValueError(f"option {name!r} is obsolete: {option.removed}; leave it out")
    if version is not None and version < option.since:
        raise ValueError(
            f"option {name!r} needs Postfix {_version_text(option.since)} or later;"
            f" this host has {_version_text(version)}"
        )
    shown = MASK if option.secret else _URI_PASSWORD.sub(rf"\g<before>{MASK}", repr(value))
    if option.kind == "bool" or (option.kind == "choice" and "yes" in option.choices):
        if isinstance(value, bool):
            return "yes" if value else "no"
        if option.kind == "bool":
            word = {"0": "no", "1": "yes"}.get(str(value), str(value).lower())
            if word not in ("yes", "no"):
                raise ValueError(f"option {name!r} is {shown}. Use yes or no")
            return word
    if isinstance(value, (list, tuple)):
        if option.kind != "list":
            raise ValueError(f"option {name!r} is a list and takes one value")
        if not all(isinstance(item, str) and item and not re.search(r"\s", item) for item in value):
            raise ValueError(f"option {name!r} is {shown}; each item must be a text without blanks")
        value = " ".join(value)
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError(f"option {name!r} is {shown}, a {type(value).__name__}. Use a text or a number")
    text = str(value)
    if option.kind in ("query", "list"):
        # Written over several lines for the reader, one line for Postfix.
        text = re.sub(r"\s*\n\s*", " ", text.strip())
    if any(character in text for character in "\n\r\0"):
        raise ValueError(f"option {name!r} has a line break or a NUL; a value of a client file is one line")
    if text != text.strip():
        raise ValueError(f"option {name!r} begins or ends with a blank, which Postfix would drop")
    if option.kind == "int":
        if not re.fullmatch(r"[0-9]+", text):
            raise ValueError(f"option {name!r} is {shown}. Use a whole number, without a unit")
        if not option.least <= int(text) <= option.most:
            raise ValueError(f"option {name!r} is {shown}. Use a whole number from {option.least} to {option.most}")
    if option.kind == "choice" and text not in option.choices:
        raise ValueError(f"option {name!r} is {shown}. Use one of {', '.join(option.choices)}")
    if option.kind == "query":
        problem = _expansion_problem(name, text) or (_quoting_problem(name, text) if option.quoted else None)
        if problem:
            raise ValueError(problem)
    if name == "dbpath" and not text.startswith("/"):
        raise ValueError(f"option 'dbpath' is {shown}. Use an absolute path")
    if name == "memcache" and not _SERVER.fullmatch(text):
        raise ValueError(f"option 'memcache' is {shown}. Use 'inet:HOST:PORT' or 'unix:/PATH'")
    # A client file is not expanded as main.cf is: a dollar sign stands for itself (seen with Postfix 3.10).
    return text


def plan(map_type: str, options: Mapping[str, Any], version: Version | None = None) -> dict[str, str]:
    """Return the checked options as texts, in the order given. Raises ValueError on the first that is wrong."""
    check_type(map_type)
    for name in options:
        # YAML reads a name such as "on" as no text.
        if name not in OPTIONS[map_type]:
            raise ValueError(_unknown(map_type, str(name)))
    texts = {name: format_value(map_type, name, value, version) for name, value in options.items() if value is not None}
    for names in REQUIRED[map_type]:
        if not any(texts.get(name) or (name == "search_base" and name in texts) for name in names):
            raise ValueError(f"a {map_type} client file needs the option {' or '.join(repr(name) for name in names)}")
    if map_type == "ldap":
        _check_ldap(texts)
    if map_type == "pgsql":
        # pgsql_table(5): up to 3.9 it is always required, later where a server is not given as a URI.
        servers = texts.get("hosts", "").split()
        by_uri = bool(servers) and all(re.match(r"postgres(ql)?://", server) for server in servers)
        if not texts.get("dbname") and (not by_uri or (version is not None and version < (3, 10))):
            raise ValueError("a pgsql client file needs the option 'dbname'")
    return texts


_LDAP_ATTRIBUTES = (
    "result_attribute",
    "special_result_attribute",
    "terminal_result_attribute",
    "leaf_result_attribute",
)
_LDAP_DEFAULT_FILTER = "(mailacceptinggeneralid=%s)"


def _ldap_servers(texts: Mapping[str, str]) -> list[ldap.Server]:
    """The servers of ``server_host``; a name without a scheme is an ldap:// one. Raises ValueError."""
    servers = []
    for item in re.split(r"[\s,]+", texts.get("server_host") or "localhost"):
        if "://" in item:
            servers.append(ldap.parse_server(item))
        else:
            # dict_ldap.c: server_port counts where the item itself has none.
            servers.append(ldap.parse_server(f"ldap://{item}"))
    return servers


def _check_ldap(texts: Mapping[str, str]) -> None:
    """What must fit together in a client file of ldap_table(5). Raises ValueError."""

    def say(name: str, exc: ValueError) -> ValueError:
        return ValueError(f"option {name!r}: {exc}")

    try:
        servers = _ldap_servers(texts)
    except ValueError as exc:
        raise say("server_host", exc) from None
    for name, check in (("search_base", ldap.check_dn), ("query_filter", ldap.check_filter)):
        # The empty base is the root of the directory.
        if name in texts and (texts[name] or name != "search_base"):
            try:
                check(texts[name], keys=True)
            except ValueError as exc:
                raise say(name, exc) from None
    if not ldap.expands(texts["search_base"]) and not ldap.expands(texts.get("query_filter", _LDAP_DEFAULT_FILTER)):
        raise ValueError(
            "neither 'query_filter' nor 'search_base' has an expansion such as %s, so that every key would have one"
            " answer"
        )
    for name in _LDAP_ATTRIBUTES:
        for attribute in re.split(r"[\s,]+", texts.get(name, "")):
            if attribute:
                try:
                    ldap.check_attribute(attribute)
                except ValueError as exc:
                    raise say(name, exc) from None
    schemes = {server.scheme for server in servers}
    starttls = texts.get("start_tls") == "yes"
    if starttls:
        if "ldaps" in schemes:
            raise ValueError("option 'start_tls' is yes and 'server_host' has an ldaps:// URL, which is TLS already")
        if "ldapi" in schemes:
            raise ValueError("option 'start_tls' is yes and 'server_host' has an ldapi:// URL, which needs no TLS")
        if texts.get("version") != "3":
            raise ValueError("option 'start_tls' needs the option 'version' to be 3 (RFC 4511, section 4.14)")
    elif "ldaps" not in schemes:
        idle = next((name for name in texts if name.startswith("tls_")), None)
        if idle:
            raise ValueError(
                f"option {idle!r} is of no use without TLS; set 'start_tls', or give 'server_host' an ldaps:// URL"
            )
    bind = {"none": "no", "simple": "yes"}.get(texts.get("bind", "yes"), texts.get("bind", "yes"))
    for name in ("bind_dn", "bind_pw"):
        if bind == "no" and texts.get(name):
            raise ValueError(f"option {name!r} is of no use while 'bind' is {texts['bind']}")
    if texts.get("bind_pw") and not texts.get("bind_dn"):
        raise ValueError("option 'bind_pw' is of no use without 'bind_dn'")
    if bind == "yes" and texts.get("bind_dn"):
        try:
            ldap.check_dn(texts["bind_dn"])
        except ValueError as exc:
            raise say("bind_dn", exc) from None
        if not texts.get("bind_pw"):
            raise ValueError(
                "option 'bind_dn' needs 'bind_pw': without a password the server takes the client for an anonymous one"
                " (RFC 4513, section 5.1.2)"
            )
    if bind != "sasl":
        idle = next((name for name in texts if name.startswith("sasl_")), None)
        if idle:
            raise ValueError(f"option {idle!r} is of no use unless 'bind' is sasl")


def warnings(map_type: str, texts: Mapping[str, str]) -> list[str]:
    """What is allowed and seldom meant, a sentence each. ``texts`` is what :func:`plan` returned."""
    found = []
    asked = f"{texts.get('query_filter', '')} {texts.get('search_base', '')} {texts.get('query', '')}"
    used = {match.group(1) for match in ldap.EXPANSION.finditer(asked) if match.group(1)}
    if used & set("uU") and not used & set("sdSD123456789") and not texts.get("domain"):
        found.append(
            "the query uses the local part of an address (%u) and not its domain (%d), so that alice@ANY.DOMAIN is"
            " found where alice@example.org is; use %s, add %d, or name the domains in 'domain'"
        )
    if map_type != "ldap":
        return found
    servers = _ldap_servers(texts)
    secured = texts.get("start_tls") == "yes" or all(server.scheme == "ldaps" for server in servers)
    remote = not all(server.local for server in servers)
    if (texts.get("start_tls") == "yes" or any(server.scheme == "ldaps" for server in servers)) and (
        texts.get("tls_require_cert") != "yes"
    ):
        found.append("TLS without 'tls_require_cert: true' trusts any server, whatever its certificate says")
    if texts.get("bind_pw") and not secured and remote:
        found.append(
            "'bind_pw' goes over the network in the clear; set 'start_tls', or give 'server_host' ldaps:// URLs"
        )
    if "version" not in texts:
        found.append("'version' is not set, and Postfix speaks the historic version 2 of the protocol; set it to 3")
    return found


def socketmap(options: Mapping[str, Any]) -> str:
    """The name of a table whose answers come from a socketmap server (socketmap_table(5)). Raises ValueError.

    ``options`` are ``server`` (inet:HOST:PORT or unix:/PATH) and ``name``, which the server is given with each key.
    """
    known = ("server", "name")
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "; it has name, server"
            raise ValueError(f"a socketmap has no option {name!r}{hint}")
    for name in known:
        if not isinstance(options.get(name), str) or not options[name]:
            raise ValueError(f"a socketmap needs the option {name!r}")
    server, table = options["server"], options["name"]
    if not _SERVER.fullmatch(server):
        raise ValueError(f"option 'server' is {server!r}. Use 'inet:HOST:PORT' or 'unix:/PATH'")
    if not re.fullmatch(r"[!-~]+", table) or "," in table:
        raise ValueError(f"option 'name' is {table!r}. Use ASCII without blanks and commas")
    return f"socketmap:{server}:{table}"


def render(texts: Mapping[str, str], comment: str = "") -> str:
    """The text of a client file. A longer value gets no continuation lines: what is queried is what is read."""
    lines = [f"# {line}" for line in comment.splitlines()]
    lines.extend(f"{name} = {value}" for name, value in texts.items())
    return "\n".join(lines) + "\n"


def mask(map_type: str, text: str) -> str:
    """``text`` of a client file with the values of secret options masked; continuation lines included."""
    masked: list[str] = []
    hiding = False
    # A newline alone ends a line (readlline.c); a password may hold what str.splitlines takes for one.
    for line in text.split("\n"):
        if line[:1] in _BLANKS and line.strip(_BLANKS):
            # main.cf(5): a line that begins with white space continues the one before.
            masked.append(f" {MASK}" if hiding else _mask_oddity(map_type, line))
        elif not line.strip(_BLANKS) or line.startswith("#"):
            # Comments and blank lines do not end a logical line; and a comment may hold an old password.
            masked.append(_mask_oddity(map_type, line))
        else:
            match = _LINE.match(line)
            hiding = match is not None and is_secret(map_type, match.group("name"))
            masked.append(
                f"{match.group('name')}{match.group('gap')}{MASK}"
                if match is not None and hiding
                else _URI_PASSWORD.sub(rf"\g<before>{MASK}", line)
            )
    return "\n".join(masked)


def _mask_oddity(map_type: str, line: str) -> str:
    """A comment, or a line that continues another; either may have been an option once."""
    match = _LINE.match(line.lstrip(f"#{_BLANKS}"))
    if match is None or not is_secret(map_type, match.group("name")):
        return _URI_PASSWORD.sub(rf"\g<before>{MASK}", line)
    return f"{line[0]} {match.group('name')} = {MASK}"


def same_apart_from_secrets(map_type: str, before: str, after: str) -> bool:
    """Whether two different texts look the same once masked."""
    return before != after and mask(map_type, before) == mask(map_type, after)
