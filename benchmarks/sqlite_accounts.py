# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time to load a hundred thousand mailboxes, and to find them as they should be: the whole role, and its module.

    benchmarks/sqlite_accounts.py [--mailboxes 100000] [--runs 3] [--role-mailboxes 2000]

The role runs in ansible-playbook, from the accounts file to the client files that Postfix has answered through; a play
with one ping stands beside it, for Ansible's own part. The module runs in the host by itself, as Ansible starts it. The
targets are for both. With the accounts in variables Ansible takes most of the time, and more with each mailbox, so that
way is measured with fewer and has no target.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "integration"))
from hosts import _RUNNER, PODMAN, Host

IMAGE = "trixie-mail"
HASH = "{BLF-CRYPT}$2b$04$n39JRHIP432OWo4UaJKhMOhuOtcpnNFyYKmj2dzeXaQLYW.To3.lW"
ROLE_FILES = "/var/lib/puffy-mail /etc/postfix/sqlite"
DATABASE = "/srv/accounts/accounts.sqlite"
#: the targets, in seconds
MOST_LOAD, MOST_QUIET = 60.0, 5.0

PLAYS = {
    "nothing": "- hosts: all\n  gather_facts: false\n  tasks: [{ansible.builtin.ping: }]\n",
    "role": "- hosts: all\n  gather_facts: true\n  roles: [puffy.mail.sqlite_maps]\n",
}


def machine(host: Host) -> str:
    """Where the figures come from."""
    model = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    import ansible.release

    return (
        f"{model[1] if model else platform.machine()}, {len(os.sched_getaffinity(0))} cores,"
        f" Linux {platform.release()}, load {os.getloadavg()[0]:.1f} at the start\nhost: {IMAGE},"
        f" Postfix {host.run('postconf -dh mail_version').stdout.strip()}, {host.run('python3 -V').stdout.strip()};"
        f" controller: ansible-core {ansible.release.__version__}, Python {platform.python_version()}"
    )


class Bench:
    """One host, the accounts, and the seconds that each way took."""

    def __init__(self, host: Host, directory: Path, count: int, role_count: int) -> None:
        self.host, self.directory, self.role_count = host, directory, role_count
        self.mailboxes = [{"address": f"user{n}@example.test", "password_hash": HASH} for n in range(count)]
        self.seconds: dict[str, list[float]] = {}
        host.write("/runner.py", _RUNNER)
        host.run("install -d -m 0750 -o root -g postfix /srv/accounts")
        task = {"path": DATABASE, "group": "postfix", "domains": ["example.test"], "mailboxes": self.mailboxes}
        host.write("/task.json", json.dumps(task))
        accounts = directory / "accounts.json"
        accounts.write_text(json.dumps({"domains": task["domains"], "mailboxes": self.mailboxes}))
        variables = {
            "file": {"sqlite_maps_accounts_file": str(accounts)},
            "variables": {
                "sqlite_maps_domains": task["domains"],
                "sqlite_maps_mailboxes": self.mailboxes[:role_count],
            },
        }
        for name, values in variables.items():
            (directory / f"{name}.json").write_text(json.dumps(values))
        for name, text in PLAYS.items():
            (directory / f"{name}.yml").write_text(text)

    def record(self, way: str, work: Callable[[], None]) -> None:
        started = time.monotonic()
        work()
        self.seconds.setdefault(way, []).append(time.monotonic() - started)

    def module(self, inserted: int) -> None:
        """One run of the module, which must insert that many mailboxes."""
        command = "PYTHONPATH=/opt/puffy PYTHONDONTWRITEBYTECODE=1 python3 /runner.py sqlite_accounts < /task.json"
        result: dict[str, Any] = json.loads(self.host.run(command, timeout=600).stdout)
        if result.get("failed") or result["rows"]["mailbox"]["inserted"] != inserted:
            raise SystemExit(f"puffy.mail.sqlite_accounts: {str(result)[:2000]}")

    def play(self, name: str, changed: bool, variables: str = "file") -> None:
        """One run of ansible-playbook, which must change something or nothing."""
        tree = subprocess.run([ROOT / "tools" / "tree"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        done = subprocess.run(
            [
                *(Path(sys.executable).parent / "ansible-playbook", "-i", f"{self.host.name},"),
                *("-c", "containers.podman.podman", "-e", f"ansible_podman_executable={PODMAN}"),
                *("-e", "ansible_python_interpreter=/usr/bin/python3"),
                *("-e", f"@{self.directory / variables}.json", self.directory / f"{name}.yml"),
            ],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": tree, "ANSIBLE_PIPELINING": "true"},
        )
        count = re.search(r"changed=(\d+)", done.stdout)
        if done.returncode != 0 or count is None or bool(int(count[1])) is not changed:
            raise SystemExit(f"{name}: {done.stdout[-4000:]}{done.stderr[-4000:]}")


def measure(bench: Bench, runs: int) -> None:
    """Run every way in turn."""
    count = len(bench.mailboxes)
    for number in range(runs):
        print(f"run {number + 1} of {runs}", file=sys.stderr, flush=True)
        bench.host.run(f"rm -rf {DATABASE} {ROLE_FILES}")
        bench.record("module, first load", lambda: bench.module(count))
        bench.record("module, nothing to change", lambda: bench.module(0))
        bench.record("play with one ping", lambda: bench.play("nothing", False))
        bench.record("role, first load", lambda: bench.play("role", True))
        bench.record("role, nothing to change", lambda: bench.play("role", False))
        bench.host.run(f"rm -rf {ROLE_FILES}")
        bench.record("variables, first load", lambda: bench.play("role", True, "variables"))
        bench.record("variables, nothing to change", lambda: bench.play("role", False, "variables"))


def report(bench: Bench) -> bool:
    """Print what each way took beside its target; returns whether all are met."""
    print(f"\n{'seconds':34}{'mailboxes':>11}{'mean':>10}{'least':>10}{'target':>10}")
    met = True
    for way, seconds in bench.seconds.items():
        fewer = way.startswith("variables")
        target = None if fewer else {"load": MOST_LOAD, "change": MOST_QUIET}.get(way.split()[-1])
        count = bench.role_count if fewer else len(bench.mailboxes)
        shown = "" if target is None else target
        line = f"{way:34}{count:>11}{sum(seconds) / len(seconds):>10.2f}{min(seconds):>10.2f}{shown:>10}"
        missed = target is not None and min(seconds) > target
        met &= not missed
        print(line + ("   MISSED" if missed else ""))
    return met


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mailboxes", type=int, default=100_000)
    parser.add_argument("--role-mailboxes", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with Host(IMAGE, "--network=none") as host, tempfile.TemporaryDirectory() as directory:
        print(machine(host), flush=True)
        bench = Bench(host, Path(directory), options.mailboxes, options.role_mailboxes)
        measure(bench, options.runs)
        return 0 if report(bench) else 1


if __name__ == "__main__":
    sys.exit(main())
