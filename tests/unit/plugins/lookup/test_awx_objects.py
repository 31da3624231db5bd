# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup awx_objects, as a playbook calls it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleLookupError

from ansible_collections.puffy.mail.plugins.lookup import awx_objects

ROOT = Path(__file__).resolve().parents[4]
SETTINGS = {"mail_awx_project_url": "https://git.example.org/mail.git"}


def test_it_needs_only_what_ansible_reads_of_a_collection(tmp_path: Path) -> None:
    """Other directories may be left out of an installation."""
    here = tmp_path / "ansible_collections" / "puffy" / "mail"
    for name in ("meta", "plugins", "roles", "playbooks"):
        shutil.copytree(ROOT / name, here / name, ignore=shutil.ignore_patterns("__pycache__"))
    asked = "{{ lookup('puffy.mail.awx_objects', given).job_templates | map(attribute='name') | sort }}"
    done = subprocess.run(
        [
            sys.executable, "-m", "ansible", "adhoc", "localhost", "-m", "ansible.builtin.debug",
            "-a", f"msg={json.dumps(asked)}", "-e", json.dumps({"given": SETTINGS}),
        ],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(tmp_path), "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"mail-site"' in done.stdout


def told(**given: Any) -> list[str]:
    """What the lookup says of settings."""
    with pytest.raises(AnsibleLookupError) as caught:
        awx_objects.LookupModule().run([{**SETTINGS, **given}])
    lines = str(caught.value).splitlines()
    assert lines[-1] == "Nothing was changed."
    return lines[:-1]


def made(**given: Any) -> dict[str, Any]:
    (found,) = awx_objects.LookupModule().run([{**SETTINGS, **given}])
    return dict(found)


def test_variables_that_are_the_administrators_own() -> None:
    """As in an inventory: a name of ours that is not an input has to be listed."""
    own = {"dovecot_of_mine": 1}
    assert told(mail_awx_variables=own) == [
        "mail_awx_variables: dovecot_of_mine is not a variable of this collection; remove it, or list it in"
        " mail_other_variables if it is your own."
    ]
    listed = {**own, "mail_other_variables": ["dovecot_of_mine"], "site_colour": "red"}
    assert made(mail_awx_variables=listed)["job_templates"][1]["extra_vars"] == listed


def test_several_mistakes_are_told_at_once() -> None:
    assert told(mail_awx_variables={"mail_tls_profil": 1, "mail_hostname": 83, "mail_ldap_bind_password": "x"}) == [
        "mail_awx_variables: mail_tls_profil is not a variable of this collection; did you mean mail_tls_profile?",
        "mail_awx_variables: mail_hostname is 83, not text: Ansible may have made it of a text such as '0123'. Put the"
        " value in quotes, in the inventory.",
        "mail_awx_variables has mail_ldap_bind_password, which is a secret. Use mail_awx_secrets.",
    ]


@pytest.mark.parametrize(
    ("key", "text", "sentence"),
    [
        ("verify", "83", "PUFFY_VERIFY_ACCOUNTS has no JSON list. Use one."),
        ("verify", '{"address": "a@example.org"}', "PUFFY_VERIFY_ACCOUNTS has no JSON list. Use one."),
        ("verify", '[{"address": "a@example.org"}]', "verify_accounts: each account needs an address and a password."),
        ("certificates", "[]", "PUFFY_TLS_PKI_GIVEN has no JSON mapping. Use one."),
        ("certificates", "{}", "tls_pki_given is empty."),
        ("certificates", '{"dsa": {}}', "tls_pki_key_types has the entry 'dsa'."),
        ("certificates", "null", "PUFFY_TLS_PKI_GIVEN has no JSON mapping. Use one."),
        ("certificates", '{"rsa": {"key": "x"}}', "tls_pki_given has no chain for the key type 'rsa'."),
        ("relay_logins", '[{"host": "relay.example.org"}]', "postfix_relay_credentials"),
        ("relay_logins", '"abc"', "PUFFY_POSTFIX_RELAY_CREDENTIALS has no JSON list. Use one."),
        ("accounts", "[]", "sqlite_maps_accounts_file: the text is JSON and no object."),
        ("accounts", '{"domains": 1}', "sqlite_maps_accounts_file: the text"),
        ("ca", "12345", "tls_pki_ca_passphrase"),
    ],
)
def test_a_secret_has_the_form_of_the_input_that_it_feeds(key: str, text: str, sentence: str) -> None:
    (found,) = told(mail_awx_secrets={key: text})
    assert found.startswith(f"mail_awx_secrets: {key}: {sentence}")


def test_good_secrets() -> None:
    pem = {"key": "-----BEGIN PRIVATE KEY-----\n", "chain": "-----BEGIN CERTIFICATE-----\n"}
    secrets = {
        "ldap": "0123", "ca": "one-two-three", "relay": "yes",
        "accounts": json.dumps({"domains": ["example.org"]}),
        "certificates": json.dumps({"rsa": pem}),
        "verify": json.dumps([{"address": "alice@example.org", "password": "0123"}]),
        "relay_logins": json.dumps([{"host": "relay.example.org", "username": "a", "password": "0123"}]),
    }  # fmt: skip
    assert len(made(mail_awx_secrets=secrets)["credentials"]) == len(secrets)


def test_the_example_of_the_guide() -> None:
    """The jobs that prove the hosts trust the private CA where the role tls_pki puts its certificate."""
    text = (ROOT / "docs" / "awx.md").read_text()
    example = yaml.safe_load(text.partition("```yaml\n")[2].partition("```")[0])
    templates = {template["name"]: template["extra_vars"] for template in made(**example)["job_templates"]}
    defaults = yaml.safe_load((ROOT / "roles" / "tls_pki" / "defaults" / "main.yml").read_text())
    for name in ("mail-verify", "mail-site"):
        assert templates[name]["verify_from"] == "host"
        assert templates[name]["verify_ca_file"] == defaults["tls_pki_ca_file"]
