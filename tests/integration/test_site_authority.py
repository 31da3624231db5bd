# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""puffy.mail.site over an old host and a new one, where the directory of the CA is on another control node."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.containers import Host
from ansible_collections.puffy.mail.tests.harness.playbooks import LOCAL, Run, mail_hosts, playbook

pytestmark = pytest.mark.containers

#: what root may change on a bare host
LOOK = "find /etc /usr/local /var/lib /var/spool -xdev -newer /root/begin | sort; dpkg-query -W | md5sum"


@pytest.fixture
def pair() -> Iterator[dict[str, Host]]:
    with Host("trixie") as old, Host("trixie") as new:
        for host in (old, new):
            host.run("touch /root/begin; sleep 1")
        yield {"old.example.test": old, "new.example.test": new}


def make_ca(directory: Path) -> str:
    """A CA of the name that the role uses."""
    plays = [
        {"hosts": "all", "gather_facts": False, "tasks": [{"puffy.mail.private_ca": {"directory": str(directory)}}]}
    ]
    run = playbook(plays, {"all": {"hosts": {"here": LOCAL}}})
    assert run.rc == 0, run.output
    return (directory / "ca.pem").read_text()


def test_one_host_of_another_ca_stops_the_run_before_any_host_is_touched(pair: dict[str, Host], tmp_path: Path) -> None:
    old = pair["old.example.test"]
    old.run("mkdir -p /etc/ssl; cat >/etc/ssl/puffy-mail-ca.pem", data=make_ca(tmp_path / "elsewhere"))
    old.run("touch /root/begin; sleep 1")
    before = {name: host.run(LOOK).stdout for name, host in pair.items()}
    shared: dict[str, Any] = {
        "mail_accounts": "none",
        "tls_pki_ca_directory": str(tmp_path / "pki"),
    }

    def site(*options: str, names: list[str]) -> Run:
        return playbook("puffy.mail.site", mail_hosts({n: {**pair[n].connection, **shared} for n in names}), *options)

    # Whichever host comes first.
    for names in (["new.example.test", "old.example.test"], ["old.example.test", "new.example.test"]):
        for options in (["--check"], []):
            run = site(*options, names=names)
            assert run.rc == 2
            assert run.counts["changed"] == 0, run.output
            assert f"{tmp_path}/pki: the host has certificates of the CA 'CN=Private mail CA'" in run.output, run.output
            assert "Nothing was changed." in run.output
            assert not (tmp_path / "pki").exists()
            assert {name: host.run(LOOK).stdout for name, host in pair.items()} == before
