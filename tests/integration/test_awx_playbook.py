# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook awx, with the modules of awx.awx 24.6.1, against a server over recordings of AWX."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.awx import awx_collection, collections_path
from ansible_collections.puffy.mail.tests.harness.awx_api import Api, served
from ansible_collections.puffy.mail.tests.harness.containers import ROOT
from ansible_collections.puffy.mail.tests.harness.playbooks import Run, playbook

SETTINGS: dict[str, Any] = {
    "mail_awx_project_url": "https://git.example.org/mail.git",
    "mail_awx_project_branch": "main",
    "mail_awx_credentials": ["mail-ssh", "mail-vault"],
    "mail_awx_project_credential": "mail-scm",
    "mail_awx_galaxy_credentials": ["mail-galaxy"],
    "mail_awx_execution_environment": "registry.example.org/mail-ee:1",
    "mail_awx_variables": {"tls_pki_ca_host": "ca.example.org"},
    "mail_awx_secrets": {"ldap": "0123", "accounts": '{"domains": ["example.org"]}'},
    "mail_awx_notification_type": "webhook",
    "mail_awx_notification": {
        "url": "https://hooks.example.org/",
        "http_method": "POST",
        "headers": {"X-Source": "awx"},
    },
}
PLAYBOOKS = {path.stem for path in (ROOT / "playbooks").glob("*.yml")} - {"awx"}


@pytest.fixture
def api() -> Api:
    """What a new AWX has, and what the administrator has made."""
    found = Api()
    for name, kind in (("Machine", "ssh"), ("Vault", "vault"), ("Source Control", "scm"), ("Galaxy", "galaxy")):
        made = found.make("credential_types", {"name": name, "kind": kind})
        for number in ("", "-2"):
            credential = {"name": f"mail-{kind}{number}", "credential_type": made["id"], "organization": None}
            found.make("credentials", credential)
    return found


@pytest.fixture
def address(api: Api) -> Iterator[str]:
    with served(api) as found:
        yield found


def run(address: str, *options: str, **changes: Any) -> Run:
    inventory = {"all": {"hosts": {"localhost": {"ansible_connection": "local"}}}}
    path = collections_path(awx_collection())
    environment = {
        "ANSIBLE_COLLECTIONS_PATH": path,
        "CONTROLLER_HOST": address,
        "CONTROLLER_OAUTH_TOKEN": "token",
        "ANSIBLE_INJECT_FACT_VARS": "false",
    }
    variables = {**SETTINGS, **changes}
    return playbook("puffy.mail.awx", inventory, *options, variables=variables, environment=environment)


def test_everything_is_made_and_stays(api: Api, address: str) -> None:
    first = run(address)
    assert first.rc == 0, first.output
    assert api.unknown == []
    templates = api.named("job_templates")
    assert {name.removeprefix("mail-") for name in templates} == PLAYBOOKS
    for name, template in templates.items():
        assert template["playbook"] == f"puffy.mail.{name.removeprefix('mail-')}"
        assert template["job_slice_count"] == 1
        assert template["ask_limit_on_launch"] is True
        assert template["allow_simultaneous"] is False
    assert templates["mail-site"]["ask_job_type_on_launch"] is True
    assert json.loads(templates["mail-site"]["extra_vars"]) == {
        "tls_pki_ca_host": "ca.example.org",
        "tls_pki_ca_public_directory": "",
    }
    nodes = api.named("workflow_job_template_nodes")
    assert set(nodes) == {"update", "audit", "check", "approve", "site", "verify", "findings", "report"}
    assert (nodes["check"]["job_type"], nodes["check"]["diff_mode"]) == ("check", True)
    assert nodes["update"]["unified_job_template"] == api.named("projects")["mail-project"]["id"]
    assert api.named("workflow_approval_templates")["mail-approve"]["timeout"] == 86400

    def leads(name: str, way: str) -> list[str]:
        numbers = api.links[f"{nodes[name]['url']}{way}_nodes/"]
        return [other for other, node in nodes.items() if node["id"] in numbers]

    assert [leads(name, "success") for name in ("update", "audit", "check", "approve", "site")] == [
        ["audit"], ["check"], ["approve"], ["site"], ["verify"]
    ]  # fmt: skip
    assert leads("site", "failure") == leads("verify", "failure") == ["findings"]
    assert leads("findings", "always") == ["report"]
    assert "0123" not in first.output
    assert api.named("credentials")["mail-ldap"]["inputs"] == {"bind_password": "$encrypted$"}

    api.requests.clear()
    quiet = run(address, mail_awx_update_secrets=False)
    assert (quiet.rc, quiet.counts["changed"]) == (0, 0), quiet.output
    assert api.changes() == []
    assert api.unknown == []


@pytest.mark.long
def test_a_second_run_changes_only_secrets(api: Api, address: str) -> None:
    first = run(address)
    assert first.rc == 0, first.output
    api.requests.clear()
    second = run(address)
    assert second.rc == 0, second.output
    written = [path for _method, path in api.changes()]
    secret = [api.named("credentials")[name]["url"] for name in ("mail-accounts", "mail-ldap")]
    assert sorted(written) == sorted(secret)
    assert "AWX does not show secrets. mail-ldap, mail-accounts and the notifications count as changed" in second.output

    api.requests.clear()
    quiet = run(address, "--check", mail_awx_update_secrets=False)
    assert (quiet.rc, quiet.counts["changed"]) == (0, 0), quiet.output
    assert api.changes() == []
    assert api.unknown == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"mail_awx_project_url": "nope://x"}, "mail_awx_project_url is 'nope://x'. Use a URL such as"),
        ({"mail_awx_secrets": {"ldap": 83}}, "mail_awx_secrets: ldap is not a text of 3 characters or more."),
        ({"mail_awx_secrets": {"accounts": "x: y"}}, "mail_awx_secrets: accounts is not JSON."),
        ({"mail_awx_verify_schedule": "DTSTART:20270101T020000Z RRULE:FREQ=DAILY"}, "INTERVAL is missing."),
        (
            {"mail_awx_verify_schedule": "DTSTART;TZID=Mars/Base:20270101T020000 RRULE:FREQ=DAILY;INTERVAL=1"},
            "TZID 'Mars/Base' is not the name of a zone.",
        ),
        ({"mail_awx_notification": {"url": "https://x"}}, "mail_awx_notification has no headers."),
        ({"mail_awx_notification": {"url": 1, "headers": {}}}, "has the field 'url', which is not text."),
        ({"mail_awx_variables": {"mail_ldap_bind_password": "x"}}, "which is a secret. Use mail_awx_secrets."),
        ({"mail_awx_variables": {"mail_tls_profil": "x"}}, "did you mean mail_tls_profile?"),
        ({"mail_awx_variables": {"mail_hostname": 83}}, "mail_awx_variables: mail_hostname is 83, not text"),
        (
            {"mail_awx_galaxy_credentials": [], "mail_awx_execution_environment": ""},
            "no job would find this collection",
        ),
        ({"mail_awx_galaxy_credential": []}, "did you mean mail_awx_galaxy_credentials?"),
        ({"mail_awx_organization": "x" * 513}, "Use a name of 1 to 512 characters"),
    ],
)
def test_what_awx_would_not_tell_is_told_before_the_first_write(
    api: Api, address: str, changes: dict[str, Any], sentence: str
) -> None:
    done = run(address, **changes)
    assert done.rc == 2
    assert sentence in " ".join(done.output.replace("\\n", " ").split()), done.output
    assert "Nothing was changed." in done.output
    assert api.requests == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"mail_awx_credentials": ["nosuch"]}, "mail_awx_credentials: AWX has no credential 'nosuch'"),
        ({"mail_awx_credentials": ["mail-ssh", "mail-ssh-2"]}, "'mail-ssh' and 'mail-ssh-2' are of the same type."),
        ({"mail_awx_credentials": ["mail-scm"]}, "'mail-scm' is of the kind 'scm', which no template takes."),
        ({"mail_awx_project_credential": "mail-ssh"}, "'mail-ssh' is of the kind 'ssh', which no project takes."),
        ({"mail_awx_galaxy_credentials": ["nosuch"]}, "mail_awx_galaxy_credentials: AWX has no credential 'nosuch'"),
    ],
)
def test_what_awx_lacks_is_told_before_the_first_write(
    api: Api, address: str, changes: dict[str, Any], sentence: str
) -> None:
    done = run(address, **changes)
    assert done.rc == 2
    assert sentence in " ".join(done.output.replace("\\n", " ").split()), done.output
    assert "Nothing was changed." in done.output
    assert api.changes() == []
    assert api.unknown == []


def test_an_awx_that_does_not_answer_is_named() -> None:
    done = run("http://127.0.0.1:1")
    assert done.rc == 2
    assert "AWX cannot be asked: " in done.output
    assert "Set CONTROLLER_HOST and CONTROLLER_OAUTH_TOKEN in the environment. Nothing was changed." in done.output


def test_an_organization_keeps_what_it_has(api: Api, address: str) -> None:
    """Its Galaxy credentials serve projects of others, too."""
    mail = api.make("organizations", {"name": "Mail"})
    api.links[f"{mail['url']}galaxy_credentials/"] = [api.named("credentials")["mail-galaxy-2"]["id"]]
    done = run(address)
    assert done.rc == 0, done.output
    both = [api.named("credentials")[name]["id"] for name in ("mail-galaxy-2", "mail-galaxy")]
    assert api.links[f"{mail['url']}galaxy_credentials/"] == both

    # awx.awx cannot take these away. The other organization would lose its objects of the same names.
    told = run(address, mail_awx_execution_environment="", mail_awx_project_credential="")
    assert told.rc == 2
    assert "mail_awx_execution_environment is empty, and mail-site has an execution environment in AWX" in told.output
    assert "mail_awx_project_credential is empty, and mail-project has a credential in AWX" in told.output
    other = run(address, mail_awx_organization="Post")
    assert other.rc == 2
    assert "mail_awx_prefix is 'mail', and AWX has mail-ee outside of the organization 'Post'." in other.output


REFUSED: list[tuple[str, str, dict[str, Any], str]] = [
    ("POST", "schedules/", {"rrule": "DTSTART:20270101T020000Z RRULE:FREQ=DAILY"}, "INTERVAL required in rrule"),
    ("PATCH", "schedules/1/", {"rrule": "DTSTART:20270101T020000Z RRULE:FREQ=DAILY"}, "INTERVAL required in rrule"),
    ("POST", "projects/", {"scm_url": "nope://x y"}, "Unsupported git URL"),
    ("POST", "execution_environments/", {"image": "https://registry.example.org/x y:1"}, "is not valid"),
    ("POST", "notification_templates/", {"notification_configuration": {"url": 1, "headers": {}}}, "incorrect type"),
    ("POST", "organizations/", {"name": "o" * 513}, "no more than 512 characters"),
    ("PATCH", "job_templates/1/", {"job_slice_count": -1}, "greater than or equal to 0"),
]


@pytest.mark.parametrize(("method", "path", "fields", "words"), REFUSED, ids=[words for *_rest, words in REFUSED])
def test_the_server_repeats_what_awx_refused(
    api: Api, method: str, path: str, fields: dict[str, Any], words: str
) -> None:
    """Whatever else the request has."""
    status, answer = api.answer(method, f"/api/v2/{path}", {}, {"name": "mail-x", "organization": 99, **fields})
    assert status == 400
    assert words in json.dumps(answer)


def test_the_server_refuses_credentials_as_awx_does(api: Api) -> None:
    template = api.make("job_templates", {"name": "mail-x"})
    path = f"{template['url']}credentials/"

    def assigned(name: str) -> tuple[int, Any]:
        return api.answer("POST", path, {}, {"id": api.named("credentials")[name]["id"]})

    assert assigned("mail-ssh")[0] == 204
    assert assigned("mail-ssh-2") == (400, {"error": "Cannot assign multiple Machine credentials."})
    assert assigned("mail-scm") == (400, {"error": "Cannot assign a Credential of kind `scm`."})
    wrong = {"name": "mail-p", "credential": api.named("credentials")["mail-ssh"]["id"]}
    assert api.answer("POST", "/api/v2/projects/", {}, wrong) == (
        400,
        {"credential": ["Credential kind must be 'scm'."]},
    )


def test_the_collection_that_is_missing_is_named(address: str) -> None:
    inventory = {"all": {"hosts": {"localhost": {"ansible_connection": "local"}}}}
    done = playbook("puffy.mail.awx", inventory, variables=SETTINGS)
    assert done.rc == 2
    assert "The collection awx.awx is not installed." in done.output
