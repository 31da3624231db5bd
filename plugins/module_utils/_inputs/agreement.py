# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles of the playbook ``site`` must agree on. Each role alone is judged by its own table."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._inputs.judge import Problem
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import shown

#: by variable of the site, the inputs that have its value unless somebody sets them
_SAME: Mapping[str, tuple[str, ...]] = {
    "mail_accounts": (
        "postfix_accounts", "dovecot_accounts", "cyrus_sasl_accounts", "mail_authentication_accounts",
    ),
    "mail_database": ("sqlite_maps_database", "dovecot_database", "mail_authentication_database"),
    "mail_vmail_home": ("sqlite_maps_mail_home", "dovecot_vmail_home", "openbsd_base_vmail_home"),
    "mail_recipient_delimiter": (
        "postfix_recipient_delimiter", "dovecot_recipient_delimiter", "sqlite_maps_recipient_delimiter",
    ),
}  # fmt: skip
#: where Dovecot listens, as this collection configures it
_LMTP, _AUTH = "lmtp:unix:private/dovecot-lmtp", "private/auth"
_NAME = re.compile(r"\$(?:\{(\w+)\}|\((\w+)\)|(\w+))")

Inputs = Mapping[str, Any]


@dataclass(frozen=True)
class Site:
    """A host: its inputs with their types, the variables that are set, and the roles that it has."""

    inputs: Inputs
    given: Collection[str]
    roles: Collection[str]


def _same(site: Site) -> Iterable[Problem]:
    """Inputs of several roles that are one thing: the accounts, their database, the home of the mail."""
    inputs, own = site.inputs, tuple(f"{role}_" for role in site.roles)
    for shared, names in _SAME.items():
        ours = [name for name in names if name in inputs and name.startswith(own)]
        for name in ours:
            other = next((it for it in ours if inputs[it] != inputs[name]), None)
            if name in site.given and other is not None:
                yield (
                    name,
                    f"is {shown(inputs[name])}, and {other} is {shown(inputs[other])}. The roles of puffy.mail.site"
                    f" share this value. Remove {name}, and set {shared}.",
                )


def _sasl(site: Site) -> Iterable[Problem]:
    """What checks the passwords must be there."""
    inputs = site.inputs
    kind, path = inputs["postfix_sasl_type"], inputs["postfix_sasl_path"]
    if (kind == "cyrus") != ("cyrus_sasl" in site.roles):
        yield (
            "postfix_sasl_type",
            f"is {shown(kind)}, and puffy.mail.site chooses its roles by mail_sasl. Remove postfix_sasl_type, and set"
            f" mail_sasl: {kind}.",
        )
    if kind == "dovecot" and path == _AUTH and "dovecot" not in site.roles:
        yield (
            "postfix_sasl_type",
            f"is 'dovecot', and postfix_accounts is {shown(inputs['postfix_accounts'])}: this collection sets up"
            " Dovecot for accounts of SQLite and LDAP. Use 'cyrus' or 'none'. For a Dovecot of your own, set"
            " postfix_sasl_path to its socket.",
        )


def _authentication(site: Site) -> Iterable[Problem]:
    """Which milters Postfix asks follows from the shared variable."""
    methods = site.inputs["mail_authentication_methods"]
    shared = site.inputs.get("mail_authentication") or []
    if set(methods) != set(shared):
        yield (
            "mail_authentication_methods",
            f"is {shown(methods)}, and Postfix asks what mail_authentication names, which is {shown(shared)}. Remove"
            " mail_authentication_methods, and set mail_authentication.",
        )


def _lmtp(site: Site) -> Iterable[Problem]:
    """Dovecot must take the mail that Postfix hands to it."""
    inputs = site.inputs
    protocols = inputs["dovecot_protocols"]
    uses = inputs["postfix_delivery"] == "lmtp" and inputs["postfix_virtual_transport"] == _LMTP
    if "dovecot" in site.roles and uses and "lmtp" not in protocols:
        yield (
            "dovecot_protocols",
            f"is {shown(protocols)}, and Postfix hands all mail for the mailboxes to Dovecot by LMTP. Add 'lmtp'.",
        )


_RULES: tuple[Callable[[Site], Iterable[Problem]], ...] = (_same, _sasl, _authentication, _lmtp)


def problems(site: Site) -> list[Problem]:
    """What inputs, each of them good, do not agree on."""
    found: list[Problem] = []
    for rule in _RULES:
        try:
            found.extend(rule(site))
        except KeyError:
            continue  # an input of a role that has no part in it, or whose value needs facts of the host
    return found


def local_domains(inputs: Inputs) -> dict[str, str]:
    """The domains whose mail Postfix delivers to accounts of the system, in lower case -> as they are written."""
    host = inputs["postfix_hostname"]
    known = {"myhostname": host, "mydomain": inputs.get("postfix_domain") or host.partition(".")[2]}
    return {
        _NAME.sub(lambda match: known.get(match[1] or match[2] or match[3], match[0]), word).lower(): word
        for word in inputs["postfix_local_domains"]
    }


def hosted_problems(inputs: Inputs, hosted: Collection[str]) -> list[Problem]:
    """Domains of the mailboxes that Postfix would take for the host's own."""
    both = {name: word for name, word in local_domains(inputs).items() if name in hosted}
    host = inputs["postfix_hostname"]
    if host.lower() in both:
        return [
            (
                "postfix_hostname",
                f"is {host!r}, which is a domain of the accounts too: Postfix would look for its users among those of"
                f" the system, and refuse the mail of its mailboxes. Use a name of its own, such as 'mail.{host}', or"
                f" leave {both[host.lower()]!r} out of postfix_local_domains.",
            )
        ]
    return [
        (
            "postfix_local_domains",
            f"has {word!r}{'' if word.lower() == name else f', which is {name!r}'}, and {name} is a domain of the"
            " accounts too: Postfix would look for its users among those of the system, and refuse the mail of its"
            " mailboxes. Leave it out.",
        )
        for name, word in both.items()
    ]
