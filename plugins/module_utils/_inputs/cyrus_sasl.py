# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role ``cyrus_sasl`` accepts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._inputs.directory import login_problems, server_problems
from ansible_collections.puffy.mail.plugins.module_utils._inputs.judge import Problem, Table
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import (
    account,
    anything,
    checked_by,
    number,
    one_line,
    optional,
    plain_path,
)
from ansible_collections.puffy.mail.plugins.module_utils._tables import ldap

#: modules of authdaemond that know the accounts of the host, by names without a domain
_HOST_ACCOUNTS = frozenset({"authpam", "authpwd", "authshadow"})


def _accounts(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    accounts, backend = inputs["cyrus_sasl_accounts"], inputs["cyrus_sasl_backend"]
    if accounts == "sqlite" and backend in ("system", "authdaemond"):
        yield (
            "cyrus_sasl_accounts",
            f"is 'sqlite', and {'saslauthd' if backend == 'system' else backend} cannot read the passwords there. Set"
            " mail_sasl to 'dovecot', or mail_accounts to 'system' or 'ldap'.",
        )


def _authdaemond(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    """What is wrong with the inputs of Courier's authdaemond, where that checks the passwords."""
    if inputs["cyrus_sasl_backend"] != "authdaemond":
        return
    modules = inputs["cyrus_sasl_authdaemond_modules"]
    if not modules:
        yield "cyrus_sasl_authdaemond_modules", "is empty. Name at least one module, such as 'authpam'."
    if inputs["cyrus_sasl_accounts"] == "ldap" and "authldap" not in modules:
        yield (
            "cyrus_sasl_authdaemond_modules",
            "does not have 'authldap', and the accounts are in a directory. Add 'authldap', or set cyrus_sasl_backend"
            " to 'ldap'.",
        )
    realm = inputs["cyrus_sasl_postfix_realm"]
    if realm and set(modules) <= _HOST_ACCOUNTS:
        yield (
            "cyrus_sasl_postfix_realm",
            f"is {realm!r}, and then authdaemond looks for an account alice@{realm}, which the host cannot have. Set"
            " postfix_sasl_local_domain: ''.",
        )
    if inputs["cyrus_sasl_postfix_chroot"]:
        yield (
            "cyrus_sasl_postfix_chroot",
            "is true, and the socket of authdaemond is outside of the chroot, so every login would fail. Set"
            " postfix_chroot: false.",
        )


def _directory(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    """What is wrong with the inputs of the directory, where passwords are checked there."""
    if inputs["cyrus_sasl_backend"] == "ldap":
        yield from server_problems(inputs, "cyrus_sasl_ldap")
        yield from login_problems(inputs, "cyrus_sasl_ldap")


TABLE = Table(
    {
        "cyrus_sasl_accounts": anything,
        "cyrus_sasl_backend": anything,
        "cyrus_sasl_authdaemond_modules": anything,
        "cyrus_sasl_processes": number(1, 100, "processes"),
        "cyrus_sasl_ldap_servers": anything,
        "cyrus_sasl_ldap_search_base": anything,
        "cyrus_sasl_ldap_tls": anything,
        "cyrus_sasl_ldap_ca_file": anything,
        "cyrus_sasl_ldap_bind_dn": anything,
        "cyrus_sasl_ldap_bind_password": one_line,
        "cyrus_sasl_ldap_timeout": number(1, 300, "seconds"),
        "cyrus_sasl_ldap_account_filter": checked_by(ldap.check_filter),
        "cyrus_sasl_ldap_login_attribute": checked_by(ldap.check_attribute),
        "cyrus_sasl_queue_directory": plain_path,
        "cyrus_sasl_postfix_user": account,
        "cyrus_sasl_postfix_group": account,
        "cyrus_sasl_postfix_chroot": anything,
        "cyrus_sasl_postfix_realm": optional(anything),
        "cyrus_sasl_packages": anything,
        "cyrus_sasl_service_timeout": number(1, 600, "seconds"),
    },
    (_accounts, _authdaemond, _directory),
)
