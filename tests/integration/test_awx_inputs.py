# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inputs and secrets in a job of AWX, run by ansible-runner on the oldest ansible-core and on the newest."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.puffy.mail.plugins.module_utils._inputs import tables
from ansible_collections.puffy.mail.tests.harness.awx import CORES, job
from ansible_collections.puffy.mail.tests.harness.containers import ROOT

HOST = "mail.example.test"
#: nothing answers at the address: a task that wants to reach the host ends as unreachable
VARIABLES = {
    "ansible_connection": "ssh",
    "ansible_host": "127.0.0.1",
    "ansible_port": 1,
    "sqlite_maps_domains": ["example.test"],
    "tls_pki_ca_host": "ca.example.test",
}
INVENTORY = {
    "mail_hosts": {"hosts": [HOST]},
    "ungrouped": {"hosts": ["ca.example.test"]},
    "_meta": {"hostvars": {HOST: VARIABLES}},
}
#: inputs that decide which others are judged, or which hosts
DECIDE = {"mail_accounts", "mail_other_variables", "mail_hosts_pattern"}


def specifications() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for role in tables.ROLES:
        path = ROOT / "roles" / role / "meta" / "argument_specs.yml"
        found.update(yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"])
    for options, _table in tables.SHARED.values():
        found.update(options)
    return found


TEXTS = {name for name, option in specifications().items() if option["type"] in ("str", "path")} - DECIDE


def plays(tasks: list[dict[str, Any]]) -> str:
    return json.dumps([{"hosts": "mail_hosts", "gather_facts": False, "tasks": tasks}])


def project(directory: Path, tasks: list[dict[str, Any]]) -> Path:
    directory.mkdir()
    (directory / "play.yml").write_text(plays(tasks))
    return directory


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("text", ["0123", "12:30", "yes", "2027-01-01"])
def test_a_text_is_taken_right_or_refused_by_name(core: str, text: str, tmp_path: Path) -> None:
    """All text inputs at once. What is not refused has the text that was sent."""
    judge = {"puffy.mail.inputs": {"roles": list(tables.ROLES)}, "register": "judged", "ignore_errors": True}
    tasks: list[dict[str, Any]] = [judge]
    for playbook in ("verify", "audit", "awx"):
        tasks.append({"puffy.mail.inputs": {"playbook": playbook}, "register": playbook, "ignore_errors": True})
    here = project(tmp_path / "project", tasks)
    done = job(tmp_path / "job", "play.yml", INVENTORY, core=core, variables=dict.fromkeys(TEXTS, text), project=here)
    told = json_messages(done.output)
    refused = {re.split(r"[ :\[]", sentence)[0] for message in told for sentence in message.splitlines()}
    assert "Traceback" not in done.output
    retyped = core != "2.18"
    for name in TEXTS:
        if retyped:
            # One sentence for each name, or for the shared variable that the name has its value from.
            assert name in refused, name
    assert not [sentence for message in told for sentence in message.splitlines() if re.search(r"'(83|750)'", sentence)]
    if not retyped and text == "0123":
        # Text stays text: what may be any text is taken.
        assert "tls_pki_ca_common_name" not in refused
        assert "ldap_maps_bind_password" not in refused


def json_messages(output: str) -> list[str]:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output)
    found = re.findall(r"FAILED! => (\{.*\})\s*$", plain, re.M)
    return [json.loads(text)["msg"] for text in found]


#: compared where the value is used: a variable of the play would be retyped itself
RIGHT = "lookup('ansible.builtin.env', 'RIGHT')"


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("secret", ["0123", "12:30", "yes", "true", "null", "[1]", "{{ 7*6 }}", "1.5"])
def test_a_secret_of_a_credential_arrives_as_it_is(core: str, secret: str, tmp_path: Path) -> None:
    names = ("ldap_maps_bind_password", "dovecot_ldap_bind_password", "tls_pki_ca_passphrase")
    tasks: list[dict[str, Any]] = [
        {"ansible.builtin.import_role": {"name": f"puffy.mail.{role}", "tasks_from": "variables"}}
        for role in ("ldap_maps", "dovecot", "tls_pki")
    ]
    right = [f"{name} is string and {name} == {RIGHT}" for name in names]
    tasks.append({"ansible.builtin.assert": {"that": right}, "no_log": True})
    file = tmp_path / "secret"
    file.write_text(secret)
    secrets = {
        "PUFFY_MAIL_LDAP_BIND_PASSWORD": secret,
        "PUFFY_TLS_PKI_CA_PASSPHRASE_FILE": str(file),
        "RIGHT": secret,
    }
    here = project(tmp_path / "project", tasks)
    done = job(tmp_path / "job", "play.yml", INVENTORY, core=core, secrets=secrets, project=here)
    assert done.rc == 0, done.output


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("nothing", [{}, {"mail_hosts_pattern": ""}, {"mail_hosts_pattern": None}])
def test_no_value_null_and_an_empty_text_are_the_same(core: str, nothing: dict[str, Any], tmp_path: Path) -> None:
    """The playbook report reaches no host. It reads what earlier jobs told, and fails always."""
    earlier = {
        "puffy_mail_audit": {HOST: {"errors": 2, "rules": ["open-relay"]}},
        # The dry run went well, and the run gave nothing: it failed.
        "puffy_mail_site_check": {HOST: {"accounts": "sqlite"}},
        "puffy_mail_verify": "",
    }
    variables = {**earlier, **nothing, "awx_job_id": 7, "tower_job_id": 7}
    done = job(tmp_path / "job", "puffy.mail.report", INVENTORY, core=core, variables=variables)
    assert (done.rc, done.status) == (2, "failed")
    (message,) = json_messages(done.output)
    assert message == (
        "The roll-out failed. audit: {'errors': 2, 'rules': ['open-relay']}; dry run: {'accounts': 'sqlite'};"
        " site: no result; verify: no result"
    )


@pytest.mark.parametrize("core", CORES)
def test_a_pattern_that_was_retyped_is_refused_by_name(core: str, tmp_path: Path) -> None:
    done = job(tmp_path / "job", "puffy.mail.report", INVENTORY, core=core, variables={"mail_hosts_pattern": "0123"})
    assert done.rc != 0
    told = "No host matches '0123'" if core == "2.18" else "mail_hosts_pattern is 83."
    assert told in done.output
