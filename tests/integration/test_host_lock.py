# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two runs on one host: the second fails before it touches anything, waits, or replaces a run that does not exist."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.containers import Host
from ansible_collections.puffy.mail.tests.harness.playbooks import NAME, Run, mail_hosts, playbook, tree

pytestmark = pytest.mark.containers

LOCK = "/run/puffy-mail.lock"
#: a run of another control node, whose processes nobody here can see
OTHER = {
    "playbook": "site",
    "run": "elsewhere/1/7",
    "who": "puffy.mail.site by bob on elsewhere, process 1",
    "minutes": 30,
}
#: what root may change on a bare host
LOOK = "find /etc /usr/local /var/lib /var/spool -xdev -newer /root/begin | sort; dpkg-query -W | md5sum"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pki")


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Host("trixie") as running:
        running.run("touch /root/begin; sleep 1")
        yield running


def site(host: Host, pki: Path, *options: str, name: str = "site", **variables: Any) -> Run:
    given = {"mail_accounts": "none", "tls_pki_ca_directory": str(pki), **variables}
    return playbook(f"puffy.mail.{name}", mail_hosts({NAME: {**host.connection, **given}}), *options)


def hold(host: Host) -> str:
    """Let the other run take the host; the text of the lock."""
    held = host.module("host_facts", {"lock": OTHER})
    assert held["ansible_facts"]["puffy_mail"]["run"] == OTHER["run"]
    return host.read(LOCK)


def test_the_second_run_fails_before_it_touches_the_host(host: Host, pki: Path) -> None:
    before = host.run(LOOK).stdout
    text = hold(host)
    for name in ("site", "restore"):
        run = site(host, pki, name=name)
        assert (run.rc, run.counts["changed"]) == (2, 0), run.output
        assert f"This host is held by another run: {OTHER['who']}, since 20" in run.output, run.output
        assert "Nothing was changed." in run.output
    # The other run still has it, and no file but the lock was touched.
    assert json.loads(host.read(LOCK)) == json.loads(text)
    assert host.run(LOOK).stdout == before
    began = time.monotonic()
    run = site(host, pki, mail_lock_wait=5)
    assert run.rc == 2
    assert OTHER["who"] in run.output
    assert time.monotonic() - began > 5


def test_a_role_alone_heeds_the_lock(host: Host) -> None:
    text = hold(host)
    play = [{"hosts": "all", "gather_facts": False, "roles": ["puffy.mail.postfix"]}]
    run = playbook(play, {"all": {"hosts": {NAME: {**host.connection, "mail_accounts": "none"}}}})
    assert (run.rc, run.counts["changed"]) == (2, 0), run.output
    assert f"This host is held by another run: {OTHER['who']}" in run.output
    assert json.loads(host.read(LOCK))["run"] == json.loads(text)["run"]


def test_check_mode_takes_no_lock_and_heeds_none(host: Host, pki: Path) -> None:
    for text in (hold(host), ""):
        host.write(LOCK, text)
        run = site(host, pki, "--check")
        assert run.rc == 0, run.output
        assert host.read(LOCK) == text


def test_a_lock_that_ended_is_taken_over_and_released(host: Host, pki: Path) -> None:
    data = json.loads(hold(host))
    host.write(LOCK, json.dumps({**data, "seen": data["seen"] - 1801, "ends": data["ends"] - 1801}))
    run = site(host, pki)
    assert run.rc == 0, run.output
    assert f"from a run that did not come to its end: {OTHER['who']}" in run.output.replace("\n", " "), run.output
    assert host.read(LOCK) == ""
    again = site(host, pki)
    assert (again.rc, again.counts["changed"]) == (0, 0), again.output


def test_a_run_that_fails_ends_its_lock(host: Host, pki: Path) -> None:
    run = site(host, pki, postfix_parameters={"mynetworks": "127.0.0.0/8 texthash:/does/not/exist"})
    assert run.rc == 2, run.output
    assert host.read(LOCK) == ""


def test_an_operator_ends_a_lock(host: Host) -> None:
    hold(host)
    tasks = [
        {"puffy.mail.host_lock": {"whoever": True}, "register": "lock"},
        {"ansible.builtin.debug": {"var": "lock.ended"}},
    ]
    play = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
    run = playbook(play, {"all": {"hosts": {NAME: host.connection}}})
    assert run.rc == 0, run.output
    assert OTHER["who"] in run.output
    assert host.read(LOCK) == ""


def test_a_killed_run_of_this_node_is_replaced_at_once(host: Host, pki: Path, tmp_path: Path) -> None:
    given = {**host.connection, "mail_accounts": "none", "tls_pki_ca_directory": str(pki)}
    (tmp_path / "inventory.json").write_text(json.dumps(mail_hosts({NAME: given})))
    started = subprocess.Popen(
        [os.path.join(os.path.dirname(sys.executable), "ansible-playbook"), "-i", "inventory.json", "puffy.mail.site"],
        cwd=tmp_path,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": tree(), "ANSIBLE_HOME": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    host.wait(f"test -s {LOCK}")
    # It exists: the host is its own.
    run = site(host, pki)
    assert run.rc == 2, run.output
    assert f"process {started.pid}, since 20" in run.output, run.output
    os.killpg(started.pid, signal.SIGKILL)
    started.wait()
    run = site(host, pki)
    assert run.rc == 0, run.output
    assert "took the lock on this host over" in run.output.replace("\n", " "), run.output
    assert host.read(LOCK) == ""
