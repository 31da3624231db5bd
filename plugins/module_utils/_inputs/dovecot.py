# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with an input of the role ``dovecot``, as a sentence. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._inputs.preflight import domain_problem, profile_problem
from ansible_collections.puffy.mail.plugins.module_utils._tables import ldap as _ldap
from ansible_collections.puffy.mail.plugins.module_utils._tables.ldap_maps import server_problems

# A blank would end a word of dovecot.conf; "%", "$", "#", quotes and braces mean something there.
_PATH = re.compile(r"/[A-Za-z0-9._+@:,=~-]+(/[A-Za-z0-9._+@:,=~-]+)*\Z")
_ACCOUNT = re.compile(r"[a-z_][a-z0-9_-]{0,31}\Z")
_DELIMITERS = re.compile(r"[+=#~!-]*\Z")

ACCOUNTS = ("sqlite", "ldap")
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


def accounts_problem(name: str, value: Any) -> str | None:
    """What keeps ``value`` from saying where the accounts are."""
    return None if value in ACCOUNTS else f"{name} is {value!r}. Right would be 'sqlite' or 'ldap'."


def ldap_problems(inputs: Mapping[str, Any]) -> list[str]:
    """A sentence for each bad input of the directory. None shows the password."""
    found = server_problems(inputs, "dovecot_ldap")
    for name, check in (
        ("dovecot_ldap_search_base", _ldap.check_dn),
        ("dovecot_ldap_account_filter", _ldap.check_filter),
        ("dovecot_ldap_login_attribute", _ldap.check_attribute),
    ):
        try:
            check(str(inputs[name]))
            # dovecot.conf expands it, and "#" after a blank begins a comment.
            if set(str(inputs[name])) & set("%$#"):
                found.append(f"{name} is {inputs[name]!r}. Right would be one without '%', '$' and '#'.")
        except ValueError as exc:
            found.append(f"{name}: {exc}.")
    name, password = inputs["dovecot_ldap_bind_dn"], str(inputs["dovecot_ldap_bind_password"])
    if name:
        try:
            _ldap.check_dn(str(name))
        except ValueError as exc:
            found.append(f"dovecot_ldap_bind_dn: {exc}.")
    if bool(name) != bool(password):
        found.append(
            "Of dovecot_ldap_bind_dn and dovecot_ldap_bind_password one is empty. Right would be both, or none to"
            " search without logging in."
        )
    if any(character in password for character in "\n\r\0"):
        found.append("dovecot_ldap_bind_password has a line break or a NUL. Right would be one line.")
    problem = number_problem(1, 300, "seconds")("dovecot_ldap_timeout", inputs["dovecot_ldap_timeout"])
    return [*found, problem] if problem else found


_RULES: Mapping[str, Callable[[str, Any], str | None]] = {
    "dovecot_hostname": domain_problem,
    "dovecot_tls_key_file": path_problem,
    "dovecot_tls_chain_file": path_problem,
    "dovecot_accounts": accounts_problem,
    "dovecot_database": path_problem,
    "dovecot_queue_directory": path_problem,
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
    ldap = {name: value for name, value in inputs.items() if name.startswith("dovecot_ldap_")}
    by_directory = inputs.get("dovecot_accounts") == "ldap"
    if by_directory:
        found.extend(ldap_problems(ldap))
    for name, value in inputs.items():
        # What is of no use with the accounts where they are is not looked at.
        if name in ldap or (by_directory and name == "dovecot_database"):
            continue
        if name not in _RULES:
            raise ValueError(f"no rule is known for the input {name!r}")
        problem = _RULES[name](name, value)
        if problem is not None:
            found.append(problem)
    return found
