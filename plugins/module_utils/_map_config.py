# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client files of ldap_table(5), sqlite_table(5), mysql_table(5), pgsql_table(5) and memcache_table(5).

Which options each map type knows, since which Postfix, what their values look like; and the file's text.
Sources: the manual pages named above, of Postfix 3.5 to 3.11.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: what a masked secret looks like in a diff
MASK = "********"

Version = tuple[int, int]


@dataclass(frozen=True)
class Option:
    """What one option takes.

    ``kind`` is text, int, bool, time, choice, list (values joined by blanks) or query (text with %-expansions).
    ``since`` is the first Postfix that knows it. ``quoted`` says that an SQL statement reads the value.
    """

    kind: str = "text"
    since: Version = (2, 0)
    secret: bool = False
    choices: tuple[str, ...] = ()
    quoted: bool = False
    removed: str = ""


_TEXT = Option()
_INT = Option("int")
_BOOL = Option("bool")
_TIME = Option("time")
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
    "idle_interval": Option("time", (3, 9)),
    "retry_interval": Option("time", (3, 9)),
}
_IGNORED = "Postfix ignores it with a warning"

OPTIONS: dict[str, dict[str, Option]] = {
    "sqlite": {**_SQL, "dbpath": _TEXT},
    "ldap": {
        **_COMMON,
        "server_host": _LIST,
        "server_port": _INT,
        "timeout": _INT,
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
        "recursion_limit": _INT,
        "size_limit": _INT,
        "dereference": Option("choice", choices=("0", "1", "2", "3")),
        "chase_referrals": Option("choice", choices=("0", "1")),
        "version": Option("choice", choices=("2", "3")),
        "debuglevel": _INT,
        "sasl_mechs": _LIST,
        "sasl_realm": _TEXT,
        "sasl_authz_id": _TEXT,
        "sasl_minssf": _INT,
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
        "ttl": _TIME,
        "key_digest": Option(since=(3, 11)),
        "key_format": _TEMPLATE,
        "domain": _LIST,
        "data_size_limit": _INT,
        "line_size_limit": _INT,
        "max_try": _INT,
        "retry_pause": _TIME,
        "timeout": _TIME,
    },
}

#: options without which the map cannot answer; each entry is a choice of names
REQUIRED: dict[str, tuple[tuple[str, ...], ...]] = {
    "sqlite": (("dbpath",), ("query", "table")),
    "ldap": (("search_base",),),
    "mysql": (("dbname",), ("query", "table")),
    "pgsql": (("dbname",), ("query", "table", "select_function")),
    "memcache": (),
}

_TIME_VALUE = re.compile(r"\d+[smhdw]?\Z")
_EXPANSION = re.compile(r"%(.?)", re.DOTALL)
_KNOWN_EXPANSIONS = "%sudSUD123456789"
_LINE = re.compile(r"(?P<name>[^\s=]+)(?P<gap>\s*=[ \t]*)(?P<value>.*)", re.DOTALL)


def _version_text(version: Version) -> str:
    return ".".join(str(part) for part in version)


def is_secret(map_type: str, name: str) -> bool:
    """Whether the value of this option must not be shown. An unknown option that sounds like one counts."""
    option = OPTIONS.get(map_type, {}).get(name)
    return option.secret if option is not None else re.search(r"pw|pass|secret", name, re.IGNORECASE) is not None


def secrets_of(map_type: str, options: Mapping[str, Any]) -> set[str]:
    """The secret values among ``options``."""
    return {str(value) for name, value in options.items() if is_secret(map_type, name) and value not in (None, "")}


def check_type(map_type: str) -> None:
    """ValueError where there is no such kind of client file."""
    if map_type in OPTIONS:
        return
    if map_type == "socketmap":
        raise ValueError(
            "a socketmap has no client file: socketmap_table(5) names the server in the table's own name,"
            " such as 'socketmap:unix:/run/server.sock:name'"
        )
    raise ValueError(f"{map_type!r} is no map type with a client file; there are {', '.join(sorted(OPTIONS))}")


def _unknown(map_type: str, name: str) -> str:
    known = OPTIONS[map_type]
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
    shown = MASK if option.secret else repr(value)
    if option.kind == "bool" or (option.kind == "choice" and "yes" in option.choices):
        if isinstance(value, bool):
            return "yes" if value else "no"
        if option.kind == "bool":
            if str(value).lower() not in ("yes", "no"):
                raise ValueError(f"option {name!r} is {shown}; right would be yes or no")
            return str(value).lower()
    if isinstance(value, (list, tuple)):
        if option.kind != "list":
            raise ValueError(f"option {name!r} is a list and takes one value")
        if not all(isinstance(item, str) and item and not re.search(r"\s", item) for item in value):
            raise ValueError(f"option {name!r} is {shown}; each item must be a text without blanks")
        value = " ".join(value)
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError(f"option {name!r} is {shown}, a {type(value).__name__}; right would be a text or a number")
    text = str(value)
    if option.kind in ("query", "list"):
        # Written over several lines for the reader, one line for Postfix.
        text = re.sub(r"\s*\n\s*", " ", text.strip())
    if any(character in text for character in "\n\r\0"):
        raise ValueError(f"option {name!r} has a line break or a NUL; a value of a client file is one line")
    if text != text.strip():
        raise ValueError(f"option {name!r} begins or ends with a blank, which Postfix would drop")
    if option.kind == "int" and not re.fullmatch(r"\d+", text):
        raise ValueError(f"option {name!r} is {shown}; right would be a whole number")
    if option.kind == "time" and not _TIME_VALUE.match(text):
        raise ValueError(f"option {name!r} is {shown}; right would be a time such as 60 or 60s")
    if option.kind == "choice" and text not in option.choices:
        raise ValueError(f"option {name!r} is {shown}; right would be one of {', '.join(option.choices)}")
    if option.kind == "query":
        problem = _expansion_problem(name, text) or (_quoting_problem(name, text) if option.quoted else None)
        if problem:
            raise ValueError(problem)
    if name == "dbpath" and not text.startswith("/"):
        raise ValueError(f"option 'dbpath' is {shown}; right would be an absolute path")
    # A client file is not expanded as main.cf is: a dollar sign stands for itself (seen with Postfix 3.10).
    return text


def plan(map_type: str, options: Mapping[str, Any], version: Version | None = None) -> dict[str, str]:
    """Return the checked options as texts, in the order given. Raises ValueError on the first that is wrong."""
    check_type(map_type)
    for name in options:
        if name not in OPTIONS[map_type]:
            raise ValueError(_unknown(map_type, name))
    texts = {name: format_value(map_type, name, value, version) for name, value in options.items() if value is not None}
    for names in REQUIRED[map_type]:
        if not any(texts.get(name) for name in names):
            raise ValueError(f"a {map_type} client file needs the option {' or '.join(repr(name) for name in names)}")
    if map_type == "ldap":
        _check_ldap(texts)
    return texts


def _check_ldap(texts: Mapping[str, str]) -> None:
    schemes = {uri.split("://", 1)[0] for uri in texts.get("server_host", "").split() if "://" in uri}
    if texts.get("start_tls") == "yes":
        if "ldaps" in schemes:
            raise ValueError("option 'start_tls' is yes and 'server_host' has an ldaps:// URL, which is TLS already")
        if texts.get("version") != "3":
            raise ValueError("option 'start_tls' needs the option 'version' to be 3 (RFC 4511, section 4.14)")
    if "bind_pw" in texts and "bind_dn" not in texts:
        raise ValueError("option 'bind_pw' is of no use without 'bind_dn'")
    filter_text = texts.get("query_filter", "")
    if filter_text.count("(") - filter_text.count(r"\(") != filter_text.count(")") - filter_text.count(r"\)"):
        raise ValueError(f"option 'query_filter' has unbalanced parentheses: {filter_text!r} (RFC 4515)")


def render(texts: Mapping[str, str], comment: str = "") -> str:
    """The text of a client file. A longer value gets no continuation lines: what is queried is what is read."""
    lines = [f"# {line}" for line in comment.splitlines()]
    lines.extend(f"{name} = {value}" for name, value in texts.items())
    return "\n".join(lines) + "\n"


def mask(map_type: str, text: str) -> str:
    """``text`` of a client file with the values of secret options masked; continuation lines included."""
    masked: list[str] = []
    hiding = False
    for line in text.splitlines():
        if line[:1] in (" ", "\t") and line.strip():
            # main.cf(5): a line that begins with white space continues the one before.
            masked.append(f" {MASK}" if hiding else line)
            continue
        if not line.strip() or line.startswith("#"):
            # Comments and blank lines do not end a logical line; and a comment may hold an old password.
            masked.append(_mask_comment(map_type, line))
            continue
        match = _LINE.match(line)
        hiding = match is not None and is_secret(map_type, match.group("name"))
        masked.append(f"{match.group('name')}{match.group('gap')}{MASK}" if match is not None and hiding else line)
    return "\n".join(masked) + ("\n" if text.endswith("\n") else "")


def _mask_comment(map_type: str, line: str) -> str:
    match = _LINE.match(line.lstrip("# \t"))
    if match is None or not is_secret(map_type, match.group("name")):
        return line
    return f"# {match.group('name')} = {MASK}"


def same_apart_from_secrets(map_type: str, before: str, after: str) -> bool:
    """Whether two different texts look the same once masked."""
    return before != after and mask(map_type, before) == mask(map_type, after)
