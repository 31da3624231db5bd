# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""postfix_info and the audit playbook on real Postfix."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.containers import POSTFIX, Host
from ansible_collections.puffy.mail.tests.harness.playbooks import Run, mail_hosts, playbook

pytestmark = pytest.mark.containers


def info(host: Host, **options: Any) -> dict[str, Any]:
    result = host.module("postfix_info", options)
    assert not result.get("failed"), result
    assert not result["changed"]
    return result


def test_the_stock_configuration_has_no_findings(host: Host) -> None:
    before = host.run("find /etc/postfix -printf '%p %T@ %m\\n' | sort").stdout
    result = info(host)
    assert result["findings"] == []
    assert (result["errors"], result["warnings_found"], result["unused"]) == (0, 0, [])
    assert host.run("find /etc/postfix -printf '%p %T@ %m\\n' | sort").stdout == before


def test_what_it_tells_is_what_postconf_tells(host: Host, release: str) -> None:
    result = info(host)
    assert tuple(int(part) for part in result["version"].split(".")[:2]) == POSTFIX[release]
    assert result["map_types"] == sorted(host.run("postconf -m").stdout.split())
    assert result["sasl_types"]["server"] == host.run("postconf -a").stdout.split()
    assert result["tls_library"].startswith("OpenSSL ")
    assert result["default_database_type"] == host.run("postconf -h default_database_type").stdout.strip()
    lines = host.run("postconf -n").stdout.splitlines()
    assert result["parameters"] == {line.partition(" =")[0]: line.partition(" =")[2].strip() for line in lines}
    columns = [line.split()[:8] for line in host.run("postconf -M").stdout.splitlines()]
    names = ("name", "type", "private", "unpriv", "chroot", "wakeup", "maxproc", "command")
    assert [[service[name] for name in names] for service in result["services"]] == columns
    assert all(service["chrooted"] == (service["chroot"] == "y") for service in result["services"])


def test_effective_values_are_those_of_postconf(host: Host) -> None:
    """Every value, expanded, as ``postconf -x`` prints it."""
    result = info(host, all_parameters=True)
    lines = (line.partition(" =") for line in host.run("postconf -x").stdout.splitlines())
    # The process asks for its own number and name; white space in a value is printed as one blank.
    seen = {name: value.strip() for name, _dummy, value in lines if name not in ("process_id", "process_name")}
    told = {name: " ".join(value.split()) for name, value in result["effective"].items()}
    differing = {name: (told.get(name), value) for name, value in seen.items() if told.get(name) != value}
    assert differing == {}


def audit(host: Host, **variables: Any) -> Run:
    return playbook("puffy.mail.audit", mail_hosts({host.name: host.connection}), variables=variables)


@pytest.mark.one_release
def test_the_audit_playbook(host: Host) -> None:
    host.run(
        "mkdir -p /tmp/bad; cp /etc/postfix/main.cf /etc/postfix/master.cf /tmp/bad;"
        " echo 'smtpd_helo_required = True' >>/tmp/bad/main.cf"
    )
    told = audit(host, audit_config_directory="/tmp/bad")
    assert told.rc == 0, told.output
    assert "1 errors, 0 warnings" in told.stdout
    assert "smtpd_helo_required is yes or no, not 'True' [wrong-boolean] => smtpd_helo_required = yes" in told.stdout
    assert "changed=0" in told.stdout
    assert audit(host, audit_config_directory="/tmp/bad", audit_fail_on="error").rc == 2
    skipped = {"audit_skip": ["wrong-boolean"], "audit_fail_on": "warning", "audit_config_directory": "/tmp/bad"}
    assert audit(host, **skipped).rc == 0
    wrong = audit(host, audit_fail_on="always")
    assert wrong.rc == 2
    assert "audit_fail_on is 'always'. Use 'error', 'warning' or 'never'." in wrong.stdout


def test_a_host_that_has_no_postfix_yet_passes() -> None:
    """It is the first node of a workflow that makes the host."""
    with Host("trixie") as bare:
        told = audit(bare, audit_fail_on="error")
    assert told.rc == 0, told.output
    assert "This host has no Postfix yet. There is nothing to judge." in told.stdout


def test_a_password_in_main_cf_is_not_told(host: Host) -> None:
    host.run("mkdir -p /tmp/secret; cp /etc/postfix/master.cf /tmp/secret")
    host.write("/tmp/secret/main.cf", "smtp_sasl_password_maps = inline:{relay.example.org=me:hunter2sesame}\n")
    assert "hunter2sesame" not in json.dumps(info(host, config_directory="/tmp/secret", all_parameters=True))
