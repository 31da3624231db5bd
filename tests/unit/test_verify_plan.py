# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which probes puffy.mail.verify makes follows the inventory: what is switched on answers, what is switched off does
not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.playbooks import LOCAL, ROOT, playbook

ACCOUNTS = [{"address": f"{name}@example.test", "password": "one-two-three"} for name in ("alice", "bob")]
#: by case, the variables of the host; the services that must answer; whether port 25 has TLS; whether mail is read back
CASES: dict[str, tuple[dict[str, Any], list[str], bool, bool]] = {
    "defaults": ({}, ["smtp", "submission", "submissions", "imaps"], True, True),
    "ldap": ({"mail_accounts": "ldap"}, ["smtp", "submission", "submissions", "imaps"], True, True),
    "one_port": ({"postfix_submission": "no"}, ["smtp", "submissions", "imaps"], True, True),
    "no_port": (
        {"postfix_submission": False, "postfix_submissions": "false"}, ["smtp", "imaps"], True, True,
    ),
    "system": ({"mail_accounts": "system"}, ["smtp"], True, False),
    "cyrus": (
        {"mail_accounts": "system", "mail_sasl": "cyrus"}, ["smtp", "submission", "submissions"], True, False,
    ),
    "in_the_clear": (
        {"mail_accounts": "system", "postfix_tls_security_level": "none"}, ["smtp"], False, False,
    ),
    "sends_only": ({"mail_accounts": "none"}, [], False, False),
    "sends_only_from_inside": (
        {"mail_accounts": "none", "verify_from": "host", "verify_address": "127.0.0.1"}, ["smtp"], False, False,
    ),
    "backup": ({"mail_accounts": "none", "postfix_relay_domains": ["example.org"]}, ["smtp"], True, False),
    "said": ({"mail_accounts": "system", "verify_services": ["smtp", "imaps"]}, ["smtp", "imaps"], True, True),
}  # fmt: skip
PLAY = {
    "hosts": "all",
    "gather_facts": False,
    "vars_files": [str(ROOT / "playbooks" / "vars" / "verify.yml")],
    "tasks": [
        {"puffy.mail.inputs": {"playbook": "verify"}, "register": "__verify_judged"},
        {"ansible.builtin.import_role": {"name": "puffy.mail.postfix", "tasks_from": "variables"}},
        {
            "ansible.builtin.copy": {
                "content": "{{ __result | to_json }}",
                "dest": "{{ __directory }}/{{ inventory_hostname }}",
                "mode": "0600",
            },
            "vars": {"__result": {"probes": "{{ __verify_probes }}", "left_out": "{{ __verify_left_out_rows }}"}},
        },
    ],
}


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """By case, the probes and the rows of what is left out: one run of Ansible for all."""
    directory = tmp_path_factory.mktemp("probes")
    hosts = {
        case.replace("_", "-"): {
            **LOCAL, "mail_hostname": f"{case.replace('_', '-')}.example.test", "verify_accounts": ACCOUNTS,
            "__directory": str(directory), "mail_other_variables": ["__directory"], **given,
        }
        for case, (given, *_expected) in CASES.items()
    }  # fmt: skip
    run = playbook([PLAY], {"mail_hosts": {"hosts": hosts}})
    assert run.rc == 0, run.output
    return {case: json.loads((directory / case.replace("_", "-")).read_text()) for case in CASES}


@pytest.mark.parametrize("case", CASES)
def test_the_probes_follow_the_inventory(plans: dict[str, Any], case: str) -> None:
    _given, services, tls, read_back = CASES[case]
    probes = [probe for probe in plans[case]["probes"] if not probe["service"].startswith("port ")]
    closed = [probe for probe in probes if probe.get("expect") == {"closed": True}]
    assert {probe["service"] for probe in probes if probe not in closed} == set(services)
    # Nothing is left unseen: a port that answers although it is off is red.
    every = ["smtp", "submission", "submissions", "imaps"]
    assert sorted(probe["service"] for probe in closed) == sorted(set(every) - set(services))
    assert {probe["protocol"] for probe in closed} <= {"any"}
    first = {probe["service"]: probe for probe in reversed(probes) if probe not in closed and "mailbox" not in probe}
    if "smtp" in services:
        assert first["smtp"]["tls"] == ("starttls" if tls else "none")
        assert first["smtp"]["expect"]["starttls"] is tls
        assert bool(first["smtp"]["expect"]["certificate"]) == tls
        assert bool(first["smtp"]["expect"]["tls_versions"]) == tls
    wrong = [probe["service"] for probe in probes if probe.get("login") == "wrong"]
    assert wrong == [name for name in ("submission", "submissions") if name in services]
    delivered = [probe["service"] for probe in probes if "mailbox" in probe]
    assert ("smtp" in delivered) == read_back
    assert delivered.count("submission") == (read_back and "submission" in services)
    assert delivered.count("submissions") == (read_back and "submissions" in services and "submission" not in services)
    told = [row["seen"] for row in plans[case]["left_out"]]
    assert ("left out: no IMAP server answers in which the messages could be read" in told) == (not read_back)
