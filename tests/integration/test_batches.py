# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""puffy.mail.site in batches: the canary that fails is the last host that is touched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.containers import Host
from ansible_collections.puffy.mail.tests.harness.playbooks import Run, mail_hosts, playbook

pytestmark = [pytest.mark.containers, pytest.mark.long]

NAMES = ("mx1.example.test", "mx2.example.test", "mx3.example.test")
#: what root may change on a bare host
LOOK = "find /etc /usr/local /var/lib /var/spool -xdev -newer /root/begin | sort; dpkg-query -W | md5sum"


@pytest.fixture(scope="module")
def hosts() -> Iterator[dict[str, Host]]:
    with Host("trixie") as one, Host("trixie") as two, Host("trixie") as three:
        found = dict(zip(NAMES, (one, two, three), strict=True))
        for host in found.values():
            host.run("touch /root/begin; sleep 1")
        yield found


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pki")


def site(hosts: dict[str, Host], pki: Path, *options: str, special: dict[str, Any] | None = None) -> Run:
    group = {
        "mail_accounts": "none",
        # With certificates of the CA.
        "postfix_tls_security_level": "may",
        "mail_batches": [1, "50%"],
        "mail_site_verify": True,
        "verify_from": "host",
        "verify_relay": False,
        "verify_log_files": [],
        "verify_dns_name": "",
        "tls_pki_ca_directory": str(pki),
    }
    data = mail_hosts({name: {**host.connection, **(special or {}).get(name, {})} for name, host in hosts.items()})
    # In the group's variables: serial sees none of an inventory by itself.
    data["mail_hosts"]["vars"] = group
    return playbook("puffy.mail.site", data, *options)


def look(hosts: dict[str, Host]) -> list[str]:
    return [host.run(LOOK).stdout for host in hosts.values()]


def test_hosts_with_other_sizes_are_refused(hosts: dict[str, Host], pki: Path) -> None:
    run = site(hosts, pki, special={NAMES[1]: {"mail_batches": 2}})
    assert run.rc == 2, run.output
    assert f"mail_batches is [1, '50%'] on {NAMES[0]} and 2 on {NAMES[1]}." in run.output, run.output
    assert "Nothing was changed." in run.output


def test_a_canary_that_fails_verify_is_the_last_host(hosts: dict[str, Host], pki: Path) -> None:
    before = look(hosts)
    run = site(hosts, pki, special={NAMES[0]: {"verify_services": ["smtp"], "verify_ports": {"smtp": 2526}}})
    assert run.rc == 2, run.output
    assert "checks failed, each with what was expected" in run.output, run.output
    assert run.hosts[NAMES[0]]["changed"] > 0
    # The one host of the first batch failed: Ansible ends the run by itself.
    assert [run.hosts[name]["changed"] for name in NAMES[1:]] == [0, 0]
    after = look(hosts)
    assert after[0] != before[0]
    assert after[1:] == before[1:]
    for host in hosts.values():
        assert host.run("cat /run/puffy-mail.lock 2>/dev/null || true").stdout == ""


def test_all_batches_end_well_and_change_nothing_again(hosts: dict[str, Host], pki: Path) -> None:
    run = site(hosts, pki)
    assert run.rc == 0, run.output
    for name, host in hosts.items():
        assert run.hosts[name]["failed"] == 0, run.output
        host.run("postfix status")
    # Each batch is a play of its own: the last host comes after the checks of the first.
    order = [line for line in run.stdout.splitlines() if "[Look at the host]" in line or "[Show the checks]" in line]
    assert len(order) == 1 + 2 * 3, order
    again = site(hosts, pki)
    assert (again.rc, again.counts["changed"]) == (0, 0), again.output
    check = site(hosts, pki, "--check")
    assert (check.rc, check.counts["changed"]) == (0, 0), check.output


def test_a_host_of_another_ca_stops_all_batches(hosts: dict[str, Host], pki: Path, tmp_path: Path) -> None:
    last = hosts[NAMES[2]]
    before = look(hosts)
    run = site(hosts, tmp_path / "new")
    assert run.rc == 2
    assert run.counts["changed"] == 0, run.output
    assert "the host has certificates of the CA" in run.output, run.output
    assert look(hosts) == before
    assert last.run("postfix status").returncode == 0
