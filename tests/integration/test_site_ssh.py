# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""puffy.mail.site as most people run it: over ssh, as an ordinary account that may use sudo."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_collections.puffy.mail.tests.harness import ssh
from ansible_collections.puffy.mail.tests.harness.containers import Host
from ansible_collections.puffy.mail.tests.harness.playbooks import NAME, Run, mail_hosts, playbook

pytestmark = [pytest.mark.containers, pytest.mark.long]

HASH = "{BLF-CRYPT}$2b$04$n39JRHIP432OWo4UaJKhMOhuOtcpnNFyYKmj2dzeXaQLYW.To3.lW"


@dataclass(frozen=True)
class Remote:
    """A bare host that is reached through its sshd alone, and the directory of the control side."""

    host: Host
    directory: Path

    def __call__(self, name: str, *options: str, pipelining: bool, strategy: str = "linear") -> Run:
        return playbook(
            f"puffy.mail.{name}",
            mail_hosts(
                {
                    NAME: {
                        **ssh.VARIABLES,
                        "ansible_host": "127.0.0.1",
                        "ansible_port": self.host.port(22),
                        "ansible_ssh_private_key_file": str(self.directory / "key"),
                        "ansible_ssh_common_args": ssh.common_arguments(f"{self.directory}/known_hosts"),
                        "ansible_pipelining": pipelining,
                        "tls_pki_ca_directory": str(self.directory / "pki"),
                        "sqlite_maps_domains": ["example.test"],
                        "sqlite_maps_mailboxes": [{"address": "alice@example.test", "password_hash": HASH}],
                        "verify_from": "host",
                        "verify_ca_file": "/etc/ssl/puffy-mail-ca.pem",
                        "verify_relay": False,
                        "verify_dns_name": "",
                        "verify_log_files": [],
                    }
                }
            ),
            *options,
            environment={"ANSIBLE_STRATEGY": strategy, "ANSIBLE_PIPELINING": str(int(pipelining))},
        )


@pytest.fixture(scope="module", params=[False, True], ids=["files", "pipelining"])
def remote(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Remote, bool]]:
    """A bare host that the site playbook made, with pipelining or without it."""
    directory = tmp_path_factory.mktemp("control")
    with ssh.ssh_host(directory, "--publish", "127.0.0.1::22") as host:
        found = Remote(host, directory)
        run = found("site", pipelining=request.param)
        assert run.rc == 0, run.output
        yield found, request.param


def test_the_host_serves_and_stays(remote: tuple[Remote, bool]) -> None:
    site, first = remote
    assert site.host.run("doveadm user alice@example.test && postfix status").returncode == 0
    # The other way to run modules finds nothing to do either.
    for pipelining in (first, not first):
        again = site("site", pipelining=pipelining)
        assert (again.rc, again.counts["changed"]) == (0, 0), again.output
    check = site("site", "--check", "--diff", pipelining=first)
    assert (check.rc, check.counts["changed"]) == (0, 0), check.output
    assert site.host.read("/run/puffy-mail.lock") == ""


def test_the_strategy_free(remote: tuple[Remote, bool]) -> None:
    site, pipelining = remote
    for name in ("site", "verify", "audit"):
        run = site(name, pipelining=pipelining, strategy="free")
        assert (run.rc, run.counts["changed"]) == (0, 0), run.output


def test_files_of_the_run_are_gone(remote: tuple[Remote, bool]) -> None:
    site, _pipelining = remote
    left = "find /home/deploy/.ansible /root/.ansible /tmp /var/tmp -mindepth 2 2>/dev/null || true"
    assert site.host.run(left).stdout == ""
