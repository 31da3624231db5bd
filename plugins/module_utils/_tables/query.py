# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a lookup table through postmap(1), as the account that Postfix's daemons run as."""

from __future__ import annotations

import grp
import os
import pwd
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils import _command
from ansible_collections.puffy.mail.plugins.module_utils import _rights as rights
from ansible_collections.puffy.mail.plugins.module_utils._tables.lookup_table import QueryAnswerError, parse_answers

#: seconds that one batch of queries may take; a directory server may be slow, not silent
QUERY_TIMEOUT = 60.0


@dataclass(frozen=True)
class Postfix:
    """The Postfix of this host, as far as lookup tables need it."""

    config_directory: str
    version: tuple[int, int]
    mail_owner: str
    uid: int
    gid: int
    group: str
    default_type: str
    map_types: tuple[str, ...]
    command_directory: str
    #: whether keys are folded as UTF-8; without SMTPUTF8 only ASCII letters are
    utf8: bool


def installed() -> bool:
    """Whether postconf and postmap are on this host."""
    return _command.find("postconf") is not None and _command.find("postmap") is not None


def discover(config_directory: str | None = None) -> Postfix:
    """Read what Postfix says of itself: two commands. Raises CommandError."""
    postconf = _command.require("postconf", hint="install Postfix first")
    where = ["-c", config_directory] if config_directory else []
    names = (
        "config_directory",
        "mail_version",
        "mail_owner",
        "default_database_type",
        "command_directory",
        "smtputf8_enable",
    )
    # One name to a line; a value that is a reference is expanded.
    lines = _command.run([postconf, *where, "-hx", *names]).stdout.splitlines()
    if len(lines) != len(names):
        raise _command.CommandError(
            f"{postconf} -hx {' '.join(names)} answered {len(lines)} lines; expected {len(names)}"
        )
    values = dict(zip(names, (line.strip() for line in lines)))
    match = re.match(r"(\d+)\.(\d+)", values["mail_version"])
    if match is None:
        raise _command.CommandError(f"{postconf} names the version {values['mail_version']!r}, which is not a version")
    try:
        account = pwd.getpwnam(values["mail_owner"])
    except KeyError:
        raise _command.CommandError(
            f"mail_owner is {values['mail_owner']!r} and there is no such account on this host"
        ) from None
    try:
        group = grp.getgrgid(account.pw_gid).gr_name
    except KeyError:
        group = str(account.pw_gid)
    types = _command.run([postconf, *where, "-m"]).stdout.split()
    return Postfix(
        config_directory=config_directory or values["config_directory"],
        version=(int(match.group(1)), int(match.group(2))),
        mail_owner=values["mail_owner"],
        uid=account.pw_uid,
        gid=account.pw_gid,
        group=group,
        default_type=values["default_database_type"],
        map_types=tuple(sorted(types)),
        command_directory=values["command_directory"],
        utf8=values["smtputf8_enable"] == "yes",
    )


def expectations(expect: Mapping[Any, Any], name: str = "expect") -> dict[str, str | None]:
    """What a table must answer, as texts; None for "not found". Raises ValueError for what no table can be asked."""
    for key, value in expect.items():
        if isinstance(value, (bool, dict, list)):
            raise ValueError(f"{name} has {value!r} for the key {key!r}. Use a text, or null for no entry")
        if not str(key) or any(character in str(key) for character in "\n\0"):
            raise ValueError(f"{name} has the key {key!r}; a key is one line and not empty")
    return {str(key): None if value is None else str(value) for key, value in expect.items()}


def age(path: str) -> None:
    """Make a complete file a few seconds old: Postfix waits for a younger one (dict_load_file_xt)."""
    moment = time.time() - 3
    os.utime(path, (moment, moment))


def unreadable(path: str, name: str, uid: int, gid: int, group: str) -> str | None:
    """Why the account ``uid`` with the one group ``gid`` cannot read ``path``; None where it can."""
    where = rights.denied(path, rights.User(name, uid, gid, frozenset({gid})))
    found = rights.look(where) if where is not None else None
    if found is None:
        return None
    what, bit = ("cannot read it", "r") if where == path else (f"cannot enter {where}", "x")
    return (
        f"{path}: {name} {what} (mode {found.mode:04o}); proxymap(8) runs as {name} with the group {group} alone."
        f" Use: chgrp {group} {where}; chmod g+{bit} {where}"
    )


def ask(postfix: Postfix, table: str, keys: Iterable[str], timeout: float = QUERY_TIMEOUT) -> dict[str, str | None]:
    """Look each key up in ``table`` (``type:path``) and return the answers, None for "not found".

    ``timeout``, in seconds, is for all keys together. One postmap runs for all keys, as mail_owner without
    supplementary groups, as proxymap(8) does. Raises CommandError where the table cannot be opened or cannot answer.
    """
    wanted = list(keys)
    if not wanted:
        return {}
    for key in wanted:
        if not key or "\n" in key or "\0" in key:
            raise _command.CommandError(f"the key {key!r} cannot be asked for: a key is one line and not empty")
    if os.geteuid() != 0:
        raise _command.CommandError(f"{table} can be asked as {postfix.mail_owner} by root only; run with become")
    postmap = _command.require("postmap", [postfix.command_directory])
    result = _command.run(
        [postmap, "-c", postfix.config_directory, "-q", "-", table],
        check=False,
        data="".join(f"{key}\n" for key in wanted),
        timeout=timeout,
        user=postfix.mail_owner,
        group=postfix.group,
        cwd="/",
    )
    try:
        return parse_answers(wanted, result.rc, result.stdout, result.stderr)
    except QueryAnswerError as exc:
        raise _command.CommandError(f"asked as {postfix.mail_owner}, {table} does not answer: {exc}") from exc


def unmet(expect: Mapping[str, str | None], answers: Mapping[str, str | None]) -> list[str]:
    """A sentence for each key that was answered otherwise than expected."""
    found = []
    for key, wanted in expect.items():
        got = answers.get(key)
        if got != wanted:
            found.append(f"the key {key!r} gives {_answer(got)} where {_answer(wanted)} was expected")
    return found


def _answer(value: str | None) -> str:
    return "no entry" if value is None else repr(value)
