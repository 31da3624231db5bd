# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""puffy.mail.site on a bare Debian whose account for Ansible is an ordinary one, and each tag alone after that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.containers import Host
from ansible_collections.puffy.mail.tests.harness.playbooks import NAME, Run, mail_hosts, playbook

pytestmark = pytest.mark.containers
BOXES = [{"address": "alice@example.test", "password": "one-two-three"}]


class Site:
    """The playbook, run by an account that may use sudo."""

    def __init__(self, host: Host, directory: Path) -> None:
        self.host = host
        self.inventory: dict[str, Any] = {
            **host.connection,
            "ansible_user": "deploy",
            "sqlite_maps_domains": ["example.test"],
            "sqlite_maps_mailboxes": BOXES,
            "tls_pki_ca_directory": str(directory),
        }

    def __call__(self, *options: str, **variables: Any) -> Run:
        return playbook("puffy.mail.site", mail_hosts({NAME: {**self.inventory, **variables}}), *options)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Host("trixie-sudo") as host:
        host.run("useradd -m deploy && echo 'deploy ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/deploy")
        yield Site(host, tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def site(bare: Site) -> Site:
    run = bare("--become")
    assert run.rc == 0, run.output
    return bare


def test_without_become_the_run_stops_and_says_so(bare: Site) -> None:
    before = bare.host.run("find / -xdev -newermt '1 minute ago' -path '/etc/*' | sort").stdout
    run = bare()
    assert run.rc == 2
    assert run.counts["changed"] == 0
    assert (
        '"msg": "The roles of puffy.mail need root on the host, and this task does not run as root.'
        " Set 'become: true' (or connect as root). Nothing was changed.\"}" in run.stdout
    ), run.output
    assert bare.host.run("find / -xdev -newermt '1 minute ago' -path '/etc/*' | sort").stdout == before


def test_an_account_that_may_use_sudo_makes_and_keeps_the_host(site: Site) -> None:
    again = site("--become")
    assert (again.rc, again.counts["changed"]) == (0, 0), again.output
    check = site("--become", "--check", "--diff")
    assert (check.rc, check.counts["changed"]) == (0, 0), check.output
    site.host.run("doveadm auth test alice@example.test one-two-three && postqueue -p")
