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
CERTIFIED = {
    "mail_accounts": "none",
    "postfix_relay_clients": ["printer"],
    "postfix_interfaces": ["all"],
    "postfix_submission": True,
    "postfix_tls_security_level": "may",
    "postfix_tls_client_ca_file": "/etc/ssl/ca.pem",
}
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
    "testing": ({"postfix_stage": "testing"}, ["smtp", "submission", "submissions", "imaps"], True, True),
    # examples/relay_client_certs
    "certificates": (
        {**CERTIFIED, "postfix_tls_client_certificates": "require"}, ["smtp", "submission"], True, False,
    ),
    "certificates_asked": ({**CERTIFIED, "verify_services": ["smtp", "submission", "imaps"]},
                           ["smtp", "submission", "imaps"], True, True),
    "nobody_logs_in": ({"verify_accounts": []}, ["smtp", "submission", "submissions", "imaps"], True, False),
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
    nobody = case in ("certificates", "certificates_asked", "nobody_logs_in")
    users = [] if nobody else [name for name in ("submission", "submissions") if name in services]
    wrong = [probe["service"] for probe in probes if probe.get("login") == "wrong"]
    assert wrong == users
    assert nobody or sorted(name for name, probe in first.items() if probe.get("login") == "right") == users
    delivered = [probe["service"] for probe in probes if "mailbox" in probe]
    assert ("smtp" in delivered) == read_back
    assert delivered.count("submission") == (read_back and "submission" in users)
    assert delivered.count("submissions") == (read_back and "submissions" in users and "submission" not in users)
    told = [row["seen"] for row in plans[case]["left_out"]]
    unread = "left out: no IMAP server answers in which the messages could be read"
    assert (unread in told) == (not read_back and case != "nobody_logs_in")


def _first(plan: dict[str, Any], service: str) -> dict[str, Any]:
    found = next(probe for probe in plan["probes"] if probe["service"] == service)
    assert isinstance(found, dict)
    return found


def test_a_host_in_the_testing_stage_refuses_for_a_while(plans: dict[str, Any]) -> None:
    for case, kind in (("testing", "4"), ("defaults", "5")):
        plan = plans[case]
        relay, unknown = (_first(plan, "smtp")["expect"][key][0] for key in ("relay", "recipients"))
        sender = _first(plan, "submission")["expect"]["sender"][0]
        wrong = next(probe for probe in plan["probes"] if probe.get("login") == "wrong")
        codes = [relay["code"], unknown["code"], sender["code"], wrong["expect"]["login_code"]]
        assert [str(code) for code in codes] == [f"{kind}54", f"{kind}50", f"{kind}53", f"{kind}35"]
        assert [row["enhanced"] for row in (relay, unknown, sender)] == [f"{kind}.7.1", f"{kind}.1.1", f"{kind}.7.1"]


def test_where_nobody_logs_in_and_where_a_certificate_is_needed(plans: dict[str, Any]) -> None:
    needed = _first(plans["certificates"], "submission")
    assert needed["expect"].keys() == {
        "starttls", "auth_before_tls", "mail_before_tls", "certificate", "tls_versions", "client_certificate",
    }  # fmt: skip
    told = {row["name"]: row["seen"] for row in plans["certificates"]["left_out"]}
    assert (
        "serves no client without a certificate" in told["login, relay_attempts, refused_commands, smuggling, deliver"]
    )
    asked = _first(plans["certificates_asked"], "submission")
    assert (asked["login"], asked["expect"]["auth_offered"]) == ("", False)
    assert asked["expect"]["relay_attempts"]
    told = {row["name"]: row["seen"] for row in plans["certificates_asked"]["left_out"]}
    assert "postfix_sasl_type is 'none'" in told["login, deliver"]


def test_without_accounts_a_foreign_sender_is_tried_and_smuggling_told_of(plans: dict[str, Any]) -> None:
    plan = plans["nobody_logs_in"]
    for service in ("smtp", "submission", "submissions", "port 2525"):
        assert "probe@foreign.example" in _first(plan, service)["expect"]["relay_attempts"]["senders"]
    assert _first(plan, "smtp")["expect"]["smuggling"] is None
    told = {row["name"]: row for row in plan["left_out"]}
    assert told["smuggling"]["endpoint"] == "smtp, submission, submissions"
    assert "smuggling" not in {row["name"] for row in plans["defaults"]["left_out"]}
