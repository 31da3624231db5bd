# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each template of playbooks/files/awx.yml, run as AWX runs it, on a bare host with its CA on another one.

ansible-runner runs the playbook by its full name: inventory script, answers as ``!unsafe`` text, secrets of credentials
as files and environment variables, a project that stays as it is. AWX itself is not there.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.puffy.mail.tests.harness.awx import Job, job
from ansible_collections.puffy.mail.tests.harness.containers import ROOT, Host
from ansible_collections.puffy.mail.tests.harness.playbooks import NAME

pytestmark = pytest.mark.containers
DESCRIPTION: dict[str, Any] = yaml.safe_load((ROOT / "playbooks" / "files" / "awx.yml").read_text())
#: the hash of 0123456, as doveadm pw makes it
HASH = "{BLF-CRYPT}$2b$04$Da2UB0DSBoalr/Y46rcGTurN1kFGGzqpQoNSknKuJ2WbG5kqT7j/q"
PASSWORD = "0123456"
ALICE = "alice@example.test"
CREDENTIALS = {
    "accounts": json.dumps({"domains": ["example.test"], "mailboxes": [{"address": ALICE, "password_hash": HASH}]}),
    "ca": PASSWORD,
    "verify": json.dumps([{"address": ALICE, "password": PASSWORD}]),
}


class Templates:
    """Launches templates on a mail host."""

    def __init__(self, mail: Host, keeper: Host, directory: Path) -> None:
        self.mail = mail
        self.directory = directory
        self.number = itertools.count()
        (directory / "project").mkdir()
        (directory / "project" / "README").write_text("The repository of the site.\n")
        variables = {
            **mail.connection,
            "tls_pki_ca_host": "ca.example.test",
            "tls_pki_ca_directory": "/srv/pki",
            "tls_pki_rsa_bits": 2048,
            "postfix_reject_unknown_sender_domain": False,
            "verify_ca_file": "/etc/ssl/puffy-mail-ca.pem",
            "verify_ports": {"smtp": 25},
            "remote_host_enabled": True,
            "remote_tower_enabled": True,
        }
        self.inventory = {
            "all": {"children": ["mail_hosts", "authorities"]},
            "mail_hosts": {"hosts": [NAME]},
            "authorities": {"hosts": ["ca.example.test"]},
            "_meta": {"hostvars": {NAME: variables, "ca.example.test": keeper.connection}},
        }

    def __call__(
        self, template: str, *options: str, answers: Mapping[str, Any] | None = None, artifacts: Sequence[Job] = ()
    ) -> Job:
        """Run the job of a template, with the results of earlier nodes as variables."""
        described = DESCRIPTION["templates"][template]
        here = self.directory / f"job{next(self.number)}"
        here.mkdir()
        secrets = {}
        for key in described["credentials"]:
            kind = DESCRIPTION["credential_types"][key]
            if key not in CREDENTIALS:
                continue
            (field,) = kind["fields"]
            for variable, text in kind["env"].items():
                secrets[variable] = re.sub(r"\{\{ (.*) \}\}", CREDENTIALS[key].replace("\\", r"\\"), text)
                if "tower.filename" in text:
                    file = here / f"env-{key}"
                    file.write_text(CREDENTIALS[key])
                    file.chmod(0o600)
                    secrets[variable] = str(file)
            assert field
        variables = {
            "awx_job_id": 7, "tower_job_id": 7, "awx_job_template_name": f"mail-{template}",
            **(answers or {}),
        }  # fmt: skip
        for earlier in artifacts:
            variables.update(earlier.artifacts)
        assert set(answers or {}) <= set(described["survey"])
        project = self.directory / "project"
        return job(
            here / "private", f"puffy.mail.{template}", self.inventory,
            variables=variables, template=described.get("variables", {}), options=options, secrets=secrets,
            project=project,
        )  # fmt: skip


@pytest.fixture(scope="module")
def launch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Templates]:
    # A new host, which has no Postfix yet.
    with Host("trixie") as mail, Host("trixie-mail") as keeper:
        yield Templates(mail, keeper, tmp_path_factory.mktemp("awx"))


def changed(done: Job) -> int:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", done.output)
    return sum(map(int, re.findall(r"^\S+\s+: ok=\d+\s+changed=(\d+)", plain, re.M)))


@pytest.mark.long
def test_the_way_of_the_workflow(launch: Templates) -> None:
    """The nodes in their order; each must do what the workflow relies on."""
    nodes = DESCRIPTION["workflow"]["nodes"]
    used = {node["template"] for node in nodes.values() if "template" in node}
    assert used | {"restore"} == set(DESCRIPTION["templates"])

    audit = launch("audit", answers={"audit_fail_on": "never"})
    assert audit.rc == 0, audit.output
    assert set(audit.artifacts["puffy_mail_audit"]) == {NAME}
    assert audit.artifacts["puffy_mail_audit"][NAME] == {
        "installed": False, "postfix": "", "errors": 0, "warnings": 0, "rules": []
    }  # fmt: skip

    # Without an answer, AWX sends an empty text or nothing.
    answers = {"sqlite_maps_remove_many": "false", "sqlite_maps_adopt_mail": "false"}
    check = launch("site", "--check", "--diff", answers=answers, artifacts=[audit])
    assert check.rc == 0, check.output
    assert set(check.artifacts) == {"puffy_mail_site_check"}
    assert check.artifacts["puffy_mail_site_check"][NAME]["accounts"] == "sqlite"
    assert launch.mail.run("test -e /etc/ssl/puffy-mail-ca.pem", check=False).returncode != 0

    site = launch("site", answers=answers, artifacts=[audit, check])
    assert site.rc == 0, site.output
    assert changed(site) > 0
    assert set(site.artifacts) == {"puffy_mail_site"}
    assert site.artifacts["puffy_mail_site"][NAME]["postfix"].startswith("3.10")

    verify = launch("verify", answers={"verify_from": "host", "verify_certificate_days": 7}, artifacts=[audit, site])
    assert verify.rc == 0, verify.output
    assert verify.artifacts["puffy_mail_verify"][NAME]["ok"] is True
    assert verify.artifacts["puffy_mail_verify"][NAME]["checks"] > 20

    again = launch("site", answers=answers)
    assert (again.rc, changed(again)) == (0, 0), again.output
    for done in (audit, check, site, verify, again):
        assert not re.search(rf"\b{PASSWORD}\b", done.output)
        assert HASH[-20:] not in done.output
        assert not re.search(rf"\b{PASSWORD}\b", json.dumps(done.artifacts))

    # The path of a failure: a check that fails, then a report that fails always.
    launch.mail.run("postfix stop")
    red = launch("verify", answers={"verify_from": "host"})
    assert (red.rc, red.status) == (2, "failed")
    assert red.artifacts["puffy_mail_verify"][NAME]["ok"] is False
    launch.mail.run("postfix start")
    findings = launch("audit")
    assert findings.artifacts["puffy_mail_audit"][NAME]["postfix"].startswith("3.10")
    report = launch("report", artifacts=[check, site, red, findings])
    assert (report.rc, report.status) == (2, "failed")
    assert "The roll-out failed. audit: {'installed': True, 'postfix': '3.10" in report.output
    assert "dry run: {'accounts': 'sqlite'" in report.output
    assert "'ok': False" in report.output


def test_restore_says_what_it_is_for(launch: Templates) -> None:
    done = launch("restore")
    assert done.rc == 2
    assert "Only OpenBSD comes with a mail system of its own" in done.output


def test_a_limit_that_leaves_no_host_is_an_error(launch: Templates) -> None:
    done = launch("verify", "--limit", "ca.example.test")
    assert done.rc != 0
    assert "leaves no host of 'mail_hosts'" in done.output


def test_answers_that_were_retyped_are_refused_by_name(launch: Templates) -> None:
    done = launch("verify", answers={"verify_domain": "0123"})
    assert done.rc == 2
    assert "verify_domain is 83" in done.output


def test_a_ca_in_the_container_of_the_job_is_refused(launch: Templates, tmp_path: Path) -> None:
    inventory = json.loads(json.dumps(launch.inventory))
    for name in ("tls_pki_ca_host", "tls_pki_ca_directory"):
        inventory["_meta"]["hostvars"][NAME].pop(name)
    inventory["_meta"]["hostvars"][NAME]["sqlite_maps_domains"] = ["example.test"]
    done = job(tmp_path / "private", "puffy.mail.site", inventory)
    assert done.rc == 2
    assert "AWX removes the container after the job, and the CA with it." in done.output
