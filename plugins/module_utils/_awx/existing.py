# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX has already, compared with what the playbook would make. It only reads.

A reference that is missing or wrong, a name that is taken, and a setting that awx.awx cannot take away would end a run
half-way, or stay without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._awx.description import Objects
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import listed

#: the objects that an endpoint of the API answers with, to a query
Get = Callable[[str, Mapping[str, str]], list[dict[str, Any]]]

_OF_TEMPLATES = ("ssh", "vault", "cloud", "net", "kubernetes")
#: kinds of objects that awx.awx looks up by their name alone
_BY_NAME = ("execution_environments", "credentials", "notification_templates", "inventories")


def compared(settings: Mapping[str, Any], made: Objects, get: Get) -> tuple[list[str], list[str]]:
    """A sentence for each thing that would go wrong, and the Galaxy credentials that the organization gets, by name.

    The credentials that it has stay.
    """
    organization = next(iter(get("organizations", {"name": settings["mail_awx_organization"]})), None)
    found = [
        *_credentials(settings, made, get),
        *_taken(settings, made, get, organization),
        *(_kept(settings, made, get, organization) if organization else ()),
    ]
    galaxy = get(f"organizations/{organization['id']}/galaxy_credentials/", {}) if organization else []
    names = [*(entry["name"] for entry in galaxy), *settings["mail_awx_galaxy_credentials"]]
    return sorted(set(found)), list(dict.fromkeys(names))


def _named(setting: str, names: Iterable[str], kinds: tuple[str, ...], where: str, get: Get) -> Iterator[Any]:
    """Each credential, or the sentence about it."""
    for name in names:
        entries = get("credentials", {"name": name})
        if not entries:
            yield f"{setting}: AWX has no credential {name!r} that this token may see. Make it, or leave it out."
        elif len(entries) > 1:
            yield (
                f"{setting}: AWX has {len(entries)} credentials {name!r}, and awx.awx looks names up in all"
                " organizations. Rename one of them."
            )
        else:
            # The kind that AWX shows of a credential is the name space of its type, and null for types of our own.
            (kind,) = (found["kind"] for found in get(f"credential_types/{entries[0]['credential_type']}/", {}))
            wrong = f"{setting}: {name!r} is of the kind {kind!r}, which no {where} takes. Use {listed(kinds)}."
            yield entries[0] if kind in kinds else wrong


def _credentials(settings: Mapping[str, Any], made: Objects, get: Get) -> Iterator[str]:
    project, galaxy = settings["mail_awx_project_credential"], settings["mail_awx_galaxy_credentials"]
    for entry in (
        *_named("mail_awx_project_credential", [project] if project else [], ("scm",), "project", get),
        *_named("mail_awx_galaxy_credentials", galaxy, ("galaxy",), "organization", get),
    ):
        if isinstance(entry, str):
            yield entry
    # One credential of a type, by type and id of the vault. Our own types have numbers only where they exist.
    seen: dict[tuple[Any, Any], str] = {}
    for credential in made["credentials"]:
        for kind in get("credential_types", {"name": credential["credential_type"]}):
            seen[kind["id"], None] = credential["name"]
    setting = "mail_awx_credentials"
    for entry in _named(setting, settings[setting], _OF_TEMPLATES, "template", get):
        if isinstance(entry, str):
            yield entry
            continue
        key = (entry["credential_type"], (entry.get("inputs") or {}).get("vault_id", "") or None)
        if key in seen:
            yield (
                f"{setting}: {listed([seen[key], entry['name']], 'and')} are of the same type. A template takes one"
                " credential of a type, and vaults with different ids. Leave one out."
            )
        seen[key] = entry["name"]


def _taken(
    settings: Mapping[str, Any], made: Objects, get: Get, organization: Mapping[str, Any] | None
) -> Iterator[str]:
    """Names that another organization has."""
    for kind in _BY_NAME:
        for entry in made[kind]:
            owners = [other["organization"] for other in get(kind, {"name": entry["name"]})]
            if any(organization is None or owner != organization["id"] for owner in owners):
                yield (
                    f"mail_awx_prefix is {settings['mail_awx_prefix']!r}, and AWX has {entry['name']} outside of the"
                    f" organization {settings['mail_awx_organization']!r}. awx.awx looks such names up in all"
                    " organizations. Set another prefix."
                )


def _kept(settings: Mapping[str, Any], made: Objects, get: Get, organization: Mapping[str, Any]) -> Iterator[str]:
    """Settings that are empty now, and whose value awx.awx cannot take away."""
    for kind, field, setting, what in (
        ("projects", "credential", "mail_awx_project_credential", "a credential"),
        ("projects", "default_environment", "mail_awx_execution_environment", "an execution environment"),
        ("job_templates", "execution_environment", "mail_awx_execution_environment", "an execution environment"),
    ):
        for entry in made[kind] if not settings[setting] else ():
            query = {"name": entry["name"], "organization": str(organization["id"])}
            if any(other.get(field) for other in get(kind, query)):
                yield (
                    f"{setting} is empty, and {entry['name']} has {what} in AWX, which awx.awx cannot take away. Remove"
                    f" it in AWX, or set {setting}."
                )
