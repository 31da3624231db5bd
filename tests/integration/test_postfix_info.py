# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""postfix_info and the audit playbook on real Postfix."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hosts import PODMAN, POSTFIX, ROOT, Host

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
    seen = {name: value.strip() for name, _, value in lines if name not in ("process_id", "process_name")}
    told = {name: " ".join(value.split()) for name, value in result["effective"].items()}
    differing = {name: (told.get(name), value) for name, value in seen.items() if told.get(name) != value}
    assert differing == {}


def playbook(host: Host, tmp_path: Path, **variables: Any) -> subprocess.CompletedProcess[str]:
    inventory = tmp_path / "inventory.json"
    facts = {
        "ansible_connection": "containers.podman.podman",
        "ansible_podman_executable": PODMAN,
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    inventory.write_text(json.dumps({"mail_hosts": {"hosts": {host.name: facts}}}))
    tree = subprocess.run([ROOT / "tools" / "tree"], capture_output=True, text=True, check=True).stdout.strip()
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(inventory), "puffy.mail.audit"]
    extra = os.environ.get("ANSIBLE_COLLECTIONS_PATH", "")
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": f"{tree}:{extra}" if extra else tree}
    return subprocess.run(
        [*command, "-e", json.dumps(variables)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=120,
    )


@pytest.mark.one_release
def test_the_audit_playbook(host: Host, tmp_path: Path) -> None:
    host.run(
        "mkdir -p /tmp/bad; cp /etc/postfix/main.cf /etc/postfix/master.cf /tmp/bad;"
        " echo 'smtpd_helo_required = True' >>/tmp/bad/main.cf"
    )
    told = playbook(host, tmp_path, audit_config_directory="/tmp/bad")
    assert told.returncode == 0, told.stdout + told.stderr
    assert "1 errors, 0 warnings" in told.stdout
    assert "smtpd_helo_required is yes or no, not 'True' [wrong-boolean] => smtpd_helo_required = yes" in told.stdout
    assert "changed=0" in told.stdout
    assert playbook(host, tmp_path, audit_config_directory="/tmp/bad", audit_fail_on="error").returncode == 2
    skipped = {"audit_skip": ["wrong-boolean"], "audit_fail_on": "warning", "audit_config_directory": "/tmp/bad"}
    assert playbook(host, tmp_path, **skipped).returncode == 0
    wrong = playbook(host, tmp_path, audit_fail_on="always")
    assert wrong.returncode == 2
    assert 'audit_fail_on is error, warning or never, not \\"always\\". Nothing was read.' in wrong.stdout


def test_a_password_in_main_cf_is_not_told(host: Host) -> None:
    host.run("mkdir -p /tmp/secret; cp /etc/postfix/master.cf /tmp/secret")
    host.write("/tmp/secret/main.cf", "smtp_sasl_password_maps = inline:{relay.example.org=me:hunter2sesame}\n")
    assert "hunter2sesame" not in json.dumps(info(host, config_directory="/tmp/secret", all_parameters=True))
