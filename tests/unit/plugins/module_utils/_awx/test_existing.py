# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX has already, compared with what the playbook would make."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._awx import existing
from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._awx.test_description import (
    DESCRIPTION,
    INPUTS,
    PLAYBOOKS,
    SETTINGS,
    description,
)

MACHINE: dict[str, Any] = {"id": 1, "name": "mail-machine", "credential_type": 1, "inputs": {}}
VAULT: dict[str, Any] = {"id": 2, "name": "vault", "credential_type": 3, "inputs": {"vault_id": ""}}
GIT: dict[str, Any] = {"id": 3, "name": "git", "credential_type": 2, "inputs": {}}
GALAXY: dict[str, Any] = {"id": 4, "name": "Ansible Galaxy", "credential_type": 4, "inputs": {}}
OTHER: dict[str, Any] = {"id": 5, "name": "Hub", "credential_type": 4, "inputs": {}}
LDAP_TYPE = {"id": 31, "name": "puffy.mail LDAP password"}
MAIL = {"id": 7, "name": "Mail"}


#: the kinds of the types of credentials. The kind of a credential itself is null where its type is one of ours.
KINDS = {1: "ssh", 2: "scm", 3: "vault", 4: "galaxy", 31: "cloud"}


class Awx:
    """Objects by kind, and the queries that were asked."""

    def __init__(self, **objects: list[dict[str, Any]]) -> None:
        self.objects: dict[str, list[dict[str, Any]]] = {"credentials": [MACHINE, VAULT, GIT, GALAXY, OTHER], **objects}

    def __call__(self, endpoint: str, query: dict[str, str]) -> list[dict[str, Any]]:
        if match := re.fullmatch(r"credential_types/(\d+)/", endpoint):
            return [{"id": int(match[1]), "kind": KINDS[int(match[1])]}]
        found = self.objects.get(endpoint, [])
        return [entry for entry in found if all(str(entry.get(key)) == value for key, value in query.items())]


def compared(awx: Awx, **changes: Any) -> tuple[list[str], list[str]]:
    settings = {**SETTINGS, "mail_awx_credentials": ["mail-machine"], "mail_awx_project_credential": "git", **changes}
    made = description.objects(settings, DESCRIPTION, INPUTS, PLAYBOOKS)
    return existing.compared(settings, made, awx)


def test_an_empty_awx() -> None:
    assert compared(Awx()) == ([], ["Ansible Galaxy"])


def test_galaxy_credentials_are_added_and_stay() -> None:
    awx = Awx(organizations=[MAIL])
    awx.objects["organizations/7/galaxy_credentials/"] = [OTHER]
    assert compared(awx) == ([], ["Hub", "Ansible Galaxy"])
    awx.objects["organizations/7/galaxy_credentials/"] = [GALAXY, OTHER]
    assert compared(awx) == ([], ["Ansible Galaxy", "Hub"])


MACHINE_2 = {**MACHINE, "id": 11, "name": "machine-2"}
VAULT_2 = {**VAULT, "id": 12, "name": "vault-2"}
VAULT_DR = {**VAULT, "id": 13, "name": "vault-dr", "inputs": {"vault_id": "dr"}}
OWN = {"id": 14, "name": "own-ldap", "credential_type": 31, "inputs": {}}
TWIN = {**MACHINE, "id": 15}
SAME = "are of the same type. A template takes one credential of a type, and vaults with different ids. Leave one out."
KNOWN = "Use 'ssh', 'vault', 'cloud', 'net' or 'kubernetes'."
UNKNOWN = "AWX has no credential 'nosuch' that this token may see. Make it, or leave it out."
ALL = [MACHINE, VAULT, GIT, GALAXY, MACHINE_2, VAULT_2, VAULT_DR, OWN]


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        ({"mail_awx_credentials": ["mail-machine", "vault", "vault-dr"]}, []),
        (
            {"mail_awx_credentials": ["nosuch"]},
            [f"mail_awx_credentials: {UNKNOWN}"],
        ),
        (
            {"mail_awx_credentials": ["git"]},
            [f"mail_awx_credentials: 'git' is of the kind 'scm', which no template takes. {KNOWN}"],
        ),
        (
            {"mail_awx_credentials": ["mail-machine", "machine-2"]},
            [f"mail_awx_credentials: 'mail-machine' and 'machine-2' {SAME}"],
        ),
        (
            {"mail_awx_credentials": ["vault", "vault-2"]},
            [f"mail_awx_credentials: 'vault' and 'vault-2' {SAME}"],
        ),
        (
            {"mail_awx_credentials": ["own-ldap"]},
            [f"mail_awx_credentials: 'mail-ldap' and 'own-ldap' {SAME}"],
        ),
        (
            {"mail_awx_project_credential": "mail-machine"},
            ["mail_awx_project_credential: 'mail-machine' is of the kind 'ssh', which no project takes. Use 'scm'."],
        ),
        (
            {"mail_awx_project_credential": "nosuch"},
            [f"mail_awx_project_credential: {UNKNOWN}"],
        ),
        (
            {"mail_awx_galaxy_credentials": ["git"]},
            ["mail_awx_galaxy_credentials: 'git' is of the kind 'scm', which no organization takes. Use 'galaxy'."],
        ),
    ],
)
def test_credentials(changes: dict[str, Any], sentences: list[str]) -> None:
    awx = Awx(credentials=ALL, credential_types=[LDAP_TYPE])
    assert compared(awx, **changes)[0] == sentences


def test_a_name_that_two_credentials_have() -> None:
    assert compared(Awx(credentials=[*ALL, TWIN]))[0] == [
        "mail_awx_credentials: AWX has 2 credentials 'mail-machine', and awx.awx looks names up in all organizations."
        " Rename one of them."
    ]


PROJECT = {"id": 20, "name": "mail-project", "organization": 7, "credential": 3, "default_environment": 9}


def test_a_setting_that_awx_awx_cannot_take_away() -> None:
    templates = [{"id": 21, "name": "mail-site", "organization": 7, "execution_environment": 9}]
    awx = Awx(organizations=[MAIL], projects=[PROJECT], job_templates=templates)
    assert compared(awx, mail_awx_execution_environment="registry.example.org/ee")[0] == []
    assert compared(awx, mail_awx_project_credential="")[0] == [
        "mail_awx_execution_environment is empty, and mail-project has an execution environment in AWX, which awx.awx"
        " cannot take away. Remove it in AWX, or set mail_awx_execution_environment.",
        "mail_awx_execution_environment is empty, and mail-site has an execution environment in AWX, which awx.awx"
        " cannot take away. Remove it in AWX, or set mail_awx_execution_environment.",
        "mail_awx_project_credential is empty, and mail-project has a credential in AWX, which awx.awx cannot take"
        " away. Remove it in AWX, or set mail_awx_project_credential.",
    ]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("execution_environments", "mail-ee"),
        ("notification_templates", "mail-notification"),
        ("inventories", "mail-inventory"),
        ("credentials", "mail-ldap"),
    ],
)
@pytest.mark.parametrize("owner", [8, None])
def test_a_name_that_another_organization_has(kind: str, name: str, owner: int | None) -> None:
    """awx.awx would change the object of the other one, or fail since there are two."""
    theirs = {"id": 30, "name": name, "organization": owner}
    awx = Awx(organizations=[MAIL])
    awx.objects[kind] = [*awx.objects.get(kind, []), theirs]
    ours = {"mail_awx_execution_environment": "registry.example.org/ee", "mail_awx_secrets": {"ldap": "one-two-three"}}
    assert compared(awx, **ours)[0] == [
        f"mail_awx_prefix is 'mail', and AWX has {name} outside of the organization 'Mail'. awx.awx looks such names up"
        " in all organizations. Set another prefix."
    ]
    theirs["organization"] = 7
    assert compared(awx, **ours)[0] == []
