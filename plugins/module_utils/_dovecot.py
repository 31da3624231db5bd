# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with an input of the role ``dovecot``, as a sentence. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._preflight import domain_problem, profile_problem

# A blank would end a word of dovecot.conf; "%", "$", "#", quotes and braces mean something there.
_PATH = re.compile(r"/[A-Za-z0-9._+@:,=~-]+(/[A-Za-z0-9._+@:,=~-]+)*\Z")
_ACCOUNT = re.compile(r"[a-z_][a-z0-9_-]{0,31}\Z")
_DELIMITERS = re.compile(r"[+=#~!-]*\Z")

PROTOCOLS = ("imap", "lmtp")
MECHANISMS = ("plain", "login")


def path_problem(name: str, value: Any) -> str | None:
    """What keeps ``value`` from being an absolute path that dovecot.conf can hold."""
    if isinstance(value, str) and _PATH.match(value) and ".." not in value.split("/"):
        return None
    return (
        f"{name} is {value!r}. Right would be an absolute path without blanks, quotes, '%', '$', '{{' or '..',"
        " such as '/var/vmail'."
    )


def account_problem(name: str, value: Any) -> str | None:
    """What keeps ``value`` from being the name of a user or group."""
    if isinstance(value, str) and _ACCOUNT.match(value):
        return None
    return (
        f"{name} is {value!r}. Right would be the name of a user or group: lower-case letters, digits, '_' and '-',"
        " 32 at most, such as 'vmail'."
    )


def words_problem(allowed: tuple[str, ...]) -> Callable[[str, Any], str | None]:
    """The rule of a list that holds one or more of ``allowed``, each once."""

    def problem(name: str, value: Any) -> str | None:
        right = f"Right would be a list of one or more of {', '.join(map(repr, allowed))}."
        if not isinstance(value, list) or not value:
            return f"{name} is {value!r}. {right}"
        for word in value:
            if word not in allowed:
                return f"{name} has the entry {word!r}. {right}"
        if len(set(value)) != len(value):
            return f"{name} is {value!r}, where an entry stands twice. {right}"
        return None

    return problem


def number_problem(low: int, high: int, unit: str) -> Callable[[str, Any], str | None]:
    """The rule of a whole number from ``low`` to ``high``, which may be given as text."""

    def problem(name: str, value: Any) -> str | None:
        if not isinstance(value, bool) and str(value).isdecimal() and low <= int(value) <= high:
            return None
        return f"{name} is {value!r}. Right would be a number of {unit} from {low} to {high}."

    return problem


def other_keys_problem(name: str, value: Any) -> str | None:
    """What keeps ``value`` from being the second key of Dovecot, with its chain."""
    right = "Right would be [] or one such as [{'key_file': '/etc/ssl/b.key', 'chain_file': '/etc/ssl/b.pem'}]."
    if not isinstance(value, list) or any(not isinstance(pair, Mapping) for pair in value):
        return f"{name} is {value!r}. {right}"
    if len(value) > 1:
        return f"{name} has {len(value)} keys, and Dovecot can have one beside the first. {right}"
    for pair in value:
        if set(pair) - {"type"} != {"key_file", "chain_file"}:
            return f"{name} has the entry {pair!r}. {right}"
        for part in ("key_file", "chain_file"):
            problem = path_problem(f"{name}: {part}", pair[part])
            if problem:
                return problem
    return None


def delimiter_problem(name: str, value: Any) -> str | None:
    """What keeps ``value`` from separating a local part from its detail."""
    if isinstance(value, str) and _DELIMITERS.match(value):
        return None
    return f"{name} is {value!r}. Right would be one or more of '+', '-', '=', '~', '!', '#', or '' for none."


_RULES: Mapping[str, Callable[[str, Any], str | None]] = {
    "dovecot_hostname": domain_problem,
    "dovecot_tls_key_file": path_problem,
    "dovecot_tls_chain_file": path_problem,
    "dovecot_database": path_problem,
    "dovecot_queue_directory": path_problem,
    "dovecot_state_directory": path_problem,
    "dovecot_vmail_home": path_problem,
    "dovecot_vmail_user": account_problem,
    "dovecot_vmail_group": account_problem,
    "dovecot_postfix_user": account_problem,
    "dovecot_postfix_group": account_problem,
    "dovecot_database_group": account_problem,
    "dovecot_protocols": words_problem(PROTOCOLS),
    "dovecot_auth_mechanisms": words_problem(MECHANISMS),
    "dovecot_tls_profile": profile_problem,
    "dovecot_tls_other_keys": other_keys_problem,
    "dovecot_recipient_delimiter": delimiter_problem,
    "dovecot_imap_sessions": number_problem(1, 10000, "sessions"),
    "dovecot_service_timeout": number_problem(1, 600, "seconds"),
}


def dovecot_problems(inputs: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each bad value; raise ValueError where ``inputs`` names an input without a rule."""
    found: list[str] = []
    for name, value in inputs.items():
        if name not in _RULES:
            raise ValueError(f"no rule is known for the input {name!r}")
        problem = _RULES[name](name, value)
        if problem is not None:
            found.append(problem)
    return found
