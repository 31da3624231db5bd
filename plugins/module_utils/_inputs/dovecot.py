# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role ``dovecot`` accepts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._inputs.directory import login_problems, server_problems
from ansible_collections.puffy.mail.plugins.module_utils._inputs.judge import Problem, Table
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import (
    KEY_PAIRS,
    account,
    anything,
    checked_by,
    delimiter,
    domain,
    key_pairs,
    number,
    one_line,
    plain_path,
    some_of,
)
from ansible_collections.puffy.mail.plugins.module_utils._tables import ldap


def _other_keys(value: Any) -> str | None:
    problem = key_pairs(plain_path)(value)
    if problem is None and len(value) > 1:
        return f"has {len(value)} keys, and Dovecot can have one beside the first. {KEY_PAIRS}"
    return problem


def _database(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    if inputs["dovecot_accounts"] == "sqlite":
        problem = plain_path(inputs["dovecot_database"])
        if problem:
            yield "dovecot_database", problem


def _directory(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    """What is wrong with the inputs of the directory, where the accounts are in one."""
    if inputs["dovecot_accounts"] != "ldap":
        return
    yield from server_problems(inputs, "dovecot_ldap")
    yield from login_problems(inputs, "dovecot_ldap")


TABLE = Table(
    {
        "dovecot_hostname": domain,
        "dovecot_tls_key_file": plain_path,
        "dovecot_tls_chain_file": plain_path,
        "dovecot_accounts": anything,
        "dovecot_database": anything,
        "dovecot_database_group": account,
        "dovecot_ldap_servers": anything,
        "dovecot_ldap_search_base": anything,
        "dovecot_ldap_tls": anything,
        "dovecot_ldap_ca_file": anything,
        "dovecot_ldap_bind_dn": anything,
        "dovecot_ldap_bind_password": one_line,
        "dovecot_ldap_timeout": number(1, 300, "seconds"),
        "dovecot_ldap_account_filter": checked_by(ldap.check_filter),
        "dovecot_ldap_login_attribute": checked_by(ldap.check_attribute),
        "dovecot_queue_directory": plain_path,
        "dovecot_postfix_user": account,
        "dovecot_postfix_group": account,
        "dovecot_vmail_user": account,
        "dovecot_vmail_group": account,
        "dovecot_vmail_home": plain_path,
        "dovecot_protocols": some_of("imap", "lmtp"),
        "dovecot_imap_starttls": anything,
        "dovecot_imap_sessions": number(1, 10000, "sessions"),
        "dovecot_lmtp_sessions": number(1, 100, "sessions"),
        "dovecot_quota_full": anything,
        "dovecot_quota_grace": number(0, None, "bytes"),
        "dovecot_tls_profile": anything,
        "dovecot_tls_other_keys": _other_keys,
        "dovecot_auth_mechanisms": some_of("plain", "login"),
        "dovecot_recipient_delimiter": delimiter,
        "dovecot_extra_configuration": anything,
        "dovecot_packages": anything,
        "dovecot_service_timeout": number(1, 600, "seconds"),
        "dovecot_secure_logging": anything,
    },
    (_database, _directory),
)
