# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""puffy.mail.site killed at random moments, on a host that is restarted, on full disks, and twice at once.

After each: the next run converges, the one after changes nothing, mail is served, and no file of ours is left behind.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.containers import Host, podman
from ansible_collections.puffy.mail.tests.harness.playbooks import NAME, Run, mail_hosts, playbook, tree

pytestmark = [pytest.mark.containers, pytest.mark.long]

HASH = "{BLF-CRYPT}$2b$04$n39JRHIP432OWo4UaJKhMOhuOtcpnNFyYKmj2dzeXaQLYW.To3.lW"
ROUNDS = int(os.environ.get("PUFFY_MAIL_KILL_ROUNDS", "12"))
#: what a run leaves only if it was killed: staged files, private directories, journals of SQLite, the notes of a change
LEFT_OVER = (
    r"find / -xdev \( -path /proc -o -path /sys -o -path /opt/puffy -o -path '/root/.ansible' \) -prune -o"
    r" \( -name '*.new' -o -name '*.new-journal' -o -name '*.sqlite-journal' -o -name .puffy-mail.journal"
    r" -o -name pending \) -path '*[./]*' -print"
)


def inventory(host: Host, directory: Path, number: int) -> dict[str, Any]:
    """An inventory in which each role has something to do that it had not with another ``number``."""
    return mail_hosts(
        {
            NAME: {
                **host.connection,
                "tls_pki_ca_directory": str(directory / "pki"),
                "tls_pki_names": [f"n{number}.example.test"],
                "sqlite_maps_domains": ["example.test"],
                "sqlite_maps_remove_many": True,
                "sqlite_maps_mailboxes": [
                    {"address": f"{name}@example.test", "password_hash": HASH} for name in ("alice", f"box{number}")
                ],
                "dovecot_extra_configuration": f"login_greeting = Hello {number}",
                "postfix_message_size_limit": 10_000_000 + number,
                "tls_pki_clients": [f"printer{number}"],
                "postfix_relay_clients": [f"printer{number}"],
            }
        }
    )


def site(host: Host, directory: Path, number: int) -> Run:
    return playbook("puffy.mail.site", inventory(host, directory, number))


def start(host: Host, directory: Path, number: int) -> subprocess.Popen[bytes]:
    """The same run, not waited for."""
    path = directory / f"inventory-{number}.json"
    path.write_text(json.dumps(inventory(host, directory, number)))
    return subprocess.Popen(
        [os.path.join(os.path.dirname(sys.executable), "ansible-playbook"), "-i", str(path), "puffy.mail.site"],
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": tree(),
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_HOME": str(directory),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def served(host: Host, number: int) -> None:
    """Postfix takes mail for the accounts of that inventory, with its settings; Dovecot knows them."""
    program = (
        "import smtplib; s = smtplib.SMTP('127.0.0.1', 25); s.ehlo(); s.mail('a@example.net');"
        f" print(s.rcpt('box{number}@example.test')[0], s.rcpt('box{number + 1}@example.test')[0],"
        " s.esmtp_features['size'])"
    )
    assert host.run(["python3", "-c", program]).stdout == f"250 550 {10_000_000 + number}\n"
    assert host.run(f"doveadm user box{number}@example.test").stdout


def converges(host: Host, directory: Path, number: int) -> None:
    """The next run ends well, the one after changes nothing, and nothing is left over."""
    run = site(host, directory, number)
    assert run.rc == 0, run.output
    served(host, number)
    again = site(host, directory, number)
    assert (again.rc, again.counts["changed"]) == (0, 0), again.output
    assert host.run(LEFT_OVER).stdout == ""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Host, Path, float]]:
    """A host that was converged, the directory of its control side, and the seconds that a run with changes takes."""
    directory = tmp_path_factory.mktemp("control")
    with Host("trixie-mail") as running:
        first = site(running, directory, 0)
        assert first.rc == 0, first.output
        began = time.monotonic()
        second = site(running, directory, 1)
        assert second.rc == 0, second.output
        yield running, directory, time.monotonic() - began


@pytest.mark.parametrize("number", range(10, 10 + ROUNDS))
def test_killed_at_a_random_moment(host: tuple[Host, Path, float], number: int) -> None:
    running, directory, seconds = host
    chance = random.Random(number)  # noqa: S311 - the same moments in each run
    run = start(running, directory, number)
    time.sleep(chance.uniform(0.15, 0.95) * seconds)
    # Every process of the host but the first, the daemons among them.
    if number % 2:
        running.run("kill -9 -1", check=False)
    else:
        podman("restart", "--time", "0", running.name)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    converges(running, directory, number)


@pytest.mark.parametrize("place", ["/etc/postfix", "/var/lib/puffy-mail", "/var/spool/postfix"])
def test_a_full_disk(place: str, tmp_path: Path) -> None:
    with Host("trixie-mail", "--tmpfs", f"{place}:rw,size=64m,mode=0755") as running:
        first = site(running, tmp_path, 1)
        assert first.rc == 0, first.output
        running.run(
            f"cat /dev/zero >{place}/fill 2>/dev/null; cat /dev/zero >{place}/rest 2>/dev/null; true", check=False
        )
        full = site(running, tmp_path, 2)
        if place != "/var/spool/postfix":
            assert full.rc == 2, full.output
            assert "No space left on device" in full.output or "disk is full" in full.output, full.output
        # A daemon that was activated runs on.
        running.run("postfix status")
        running.run(f"rm {place}/fill {place}/rest")
        converges(running, tmp_path, 2)


def test_two_runs_at_once(host: tuple[Host, Path, float]) -> None:
    """Whoever loses waits, or says what happened; the next run makes one of them whole."""
    running, directory, seconds = host
    for turn in range(3):
        with ThreadPoolExecutor() as pool:
            first = pool.submit(site, running, directory, 100 + turn)
            time.sleep(turn * seconds / 12)
            second = pool.submit(site, running, directory, 200 + turn)
            runs = [first.result(), second.result()]
        for run in runs:
            if run.rc:
                assert "gives no entry" not in run.output, run.output
                assert "another run" in run.output, run.output
        converges(running, directory, 300 + turn)
