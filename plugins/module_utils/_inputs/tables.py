# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every input of the collection: the tables of its roles and playbooks, mistyped names, and names and words renamed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._inputs import (
    awx,
    cyrus_sasl,
    dovecot,
    ldap_maps,
    mail,
    mail_authentication,
    openbsd_base,
    playbooks,
    postfix,
    sqlite_maps,
    tls_pki,
)
from ansible_collections.puffy.mail.plugins.module_utils._inputs.judge import Problem, Table
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import shown

ROLES: Mapping[str, Table] = {
    "openbsd_base": openbsd_base.TABLE,
    "tls_pki": tls_pki.TABLE,
    "sqlite_maps": sqlite_maps.TABLE,
    "ldap_maps": ldap_maps.TABLE,
    "mail_authentication": mail_authentication.TABLE,
    "cyrus_sasl": cyrus_sasl.TABLE,
    "dovecot": dovecot.TABLE,
    "postfix": postfix.TABLE,
}
#: inputs that no role has, by what asks for them
SHARED: Mapping[str, tuple[Mapping[str, Mapping[str, Any]], Table]] = {
    "mail": (mail.SPEC, mail.TABLE),
    "verify": (playbooks.VERIFY_SPEC, playbooks.VERIFY),
    "audit": (playbooks.AUDIT_SPEC, playbooks.AUDIT),
    "mail_awx": (awx.SPEC, awx.TABLE),
}
#: what each playbook judges beside the inputs of SHARED["mail"]
PLAYBOOKS: Mapping[str, tuple[str, ...]] = {
    "site": ("openbsd_base", "tls_pki", "{accounts}_maps", "mail_authentication", "{sasl}_sasl", "dovecot", "postfix"),
    "restore": ("openbsd_base",),
    "verify": ("verify",),
    "audit": ("audit",),
    "report": (),
    "awx": ("mail_awx",),
}
_PREFIXES = re.compile(rf"({'|'.join([*ROLES, *SHARED])})_")

#: inputs that had another name, by that name
RENAMED: Mapping[str, str] = {
    "mail_tables": "mail_accounts",
    "mail_services": "openbsd_base_services",
    "mail_lookups": "openbsd_base_lookups",
}
#: words that had another spelling: inputs by the end of their name, old word, new word
_WORDS: tuple[tuple[str, str, str], ...] = (("_tls_profile", "seed", "broad"),)


def roles_of(playbook: str, accounts: Any, sasl: Any, *, certificates: bool = True) -> list[str]:
    """What ``playbook`` judges, where the accounts are ``accounts`` and ``sasl`` checks passwords.

    ``certificates`` is whether the host shows one.
    """
    names = [name.format(accounts=accounts, sasl=sasl) for name in PLAYBOOKS[playbook]]
    # Dovecot serves accounts of its own only, and a word that is wrong is told where mail_accounts is judged.
    without = () if f"{accounts}_maps" in ROLES else ("dovecot",) if certificates else ("dovecot", "tls_pki")
    return [name for name in names if (name in ROLES or name in SHARED) and name not in without]


def misspelt(variables: Iterable[str], known: Iterable[str], others: Iterable[str]) -> list[Problem]:
    """What is wrong with names among ``variables`` that begin like inputs of this collection and are not.

    ``known`` are the inputs of all roles and playbooks, ``others`` the names that are the administrator's own.
    """
    inputs = sorted({*known} - {"mail_other_variables"})
    own = {*known, *others}
    found = []
    for name in sorted(variables):
        if not _PREFIXES.match(name) or name in own:
            continue
        if name in RENAMED:
            found.append((name, f"is now called {RENAMED[name]}. Use {RENAMED[name]}."))
            continue
        near = difflib.get_close_matches(name, inputs, n=1, cutoff=0.75)
        hint = (
            f"did you mean {near[0]}?" if near else "remove it, or list it in mail_other_variables if it is your own."
        )
        found.append((name, f"is not a variable of this collection; {hint}"))
    return found


def renamed_word(name: str, value: Any) -> str | None:
    """What is wrong with a value that is an old word for a new one."""
    for end, old, new in _WORDS:
        if name.endswith(end) and value == old:
            return f"is {shown(value)}, which is now called {new!r}. Use {new!r}."
    return None
