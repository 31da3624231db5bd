# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time to load a hundred thousand mailboxes, and to find them as they should be: the whole role, and its module.

    make bench-sqlite_accounts OPTIONS="--mailboxes 100000 --runs 3 --role-mailboxes 2000"

The role runs in ansible-playbook, from the accounts file to the client files that Postfix has answered through; the
same with one mailbox stands beside it, for Ansible's own part. The module runs in the host by itself, as Ansible starts
it. The targets are for the module and for what the mailboxes add to the role; a first load is judged as a whole. With
the accounts in variables Ansible takes more time with each mailbox, so that way is measured with fewer and has no
target.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ansible_collections.puffy.mail.tests.harness.containers import RUNNER, Host, machine
from ansible_collections.puffy.mail.tests.harness.playbooks import playbook

IMAGE = "trixie-mail"
HASH = "{BLF-CRYPT}$2b$04$n39JRHIP432OWo4UaJKhMOhuOtcpnNFyYKmj2dzeXaQLYW.To3.lW"
ROLE_FILES = "/var/lib/puffy-mail /etc/postfix/sqlite"
DATABASE = "/srv/accounts/accounts.sqlite"
#: the targets, in seconds
MOST_LOAD, MOST_QUIET = 60.0, 5.0

PLAY = "- hosts: all\n  gather_subset: [min]\n  roles: [puffy.mail.sqlite_maps]\n"


class Bench:
    """One host, the accounts, and the seconds that each way took."""

    def __init__(self, host: Host, directory: Path, count: int, role_count: int) -> None:
        self.host, self.directory, self.role_count = host, directory, role_count
        self.mailboxes = [{"address": f"user{n}@example.test", "password_hash": HASH} for n in range(count)]
        self.seconds: dict[str, list[float]] = {}
        host.write("/runner.py", RUNNER)
        host.run("install -d -m 0750 -o root -g postfix /srv/accounts")
        task = {"path": DATABASE, "group": "postfix", "domains": ["example.test"], "mailboxes": self.mailboxes}
        host.write("/task.json", json.dumps(task))
        accounts = directory / "accounts.json"
        accounts.write_text(json.dumps({"domains": task["domains"], "mailboxes": self.mailboxes}))
        variables = {
            "file": {"sqlite_maps_accounts_file": str(accounts)},
            "one": {"sqlite_maps_domains": task["domains"], "sqlite_maps_mailboxes": self.mailboxes[:1]},
            "variables": {
                "sqlite_maps_domains": task["domains"],
                "sqlite_maps_mailboxes": self.mailboxes[:role_count],
            },
        }
        for name, values in variables.items():
            (directory / f"{name}.json").write_text(json.dumps(values))

    def record(self, way: str, work: Callable[[], None]) -> None:
        started = time.monotonic()
        work()
        self.seconds.setdefault(way, []).append(time.monotonic() - started)

    def forget(self) -> None:
        """Take away all that was written to the host."""
        self.host.run(f"rm -rf {DATABASE} {ROLE_FILES}")

    def module(self, inserted: int) -> None:
        """One run of the module, which must insert that many mailboxes."""
        command = "PYTHONPATH=/opt/puffy PYTHONDONTWRITEBYTECODE=1 python3 /runner.py sqlite_accounts < /task.json"
        result: dict[str, Any] = json.loads(self.host.run(command).stdout)
        if result.get("failed") or result["rows"]["mailbox"]["inserted"] != inserted:
            raise SystemExit(f"puffy.mail.sqlite_accounts: {str(result)[:2000]}")

    def play(self, variables: str, changed: bool) -> None:
        """One run of ansible-playbook, which must change something or nothing."""
        inventory = {"all": {"hosts": {self.host.name: self.host.connection}}}
        done = playbook(PLAY, inventory, "-e", f"@{self.directory / variables}.json")
        if done.rc != 0 or bool(done.counts["changed"]) is not changed:
            raise SystemExit(f"{variables}: {done.output[-4000:]}")


def measure(bench: Bench, runs: int) -> None:
    """Run every way in turn."""
    count = len(bench.mailboxes)
    for number in range(runs):
        print(f"run {number + 1} of {runs}", file=sys.stderr, flush=True)
        bench.forget()
        bench.record("module, first load", lambda: bench.module(count))
        bench.record("module, nothing to change", lambda: bench.module(0))
        for way in ("one", "variables", "file"):
            bench.forget()
            bench.record(f"role, {way}, first load", partial(bench.play, way, True))
            bench.record(f"role, {way}, nothing to change", partial(bench.play, way, False))


def report(bench: Bench) -> bool:
    """Print what each way took beside its target; returns whether all are met."""
    print(f"\n{'seconds':40}{'mailboxes':>11}{'mean':>10}{'least':>10}")
    counts = {"one": 1, "variables": bench.role_count}
    for way, seconds in bench.seconds.items():
        count = counts.get(way.split(", ")[1], len(bench.mailboxes))
        print(f"{way:40}{count:>11}{sum(seconds) / len(seconds):>10.2f}{min(seconds):>10.2f}")

    least = {way: min(seconds) for way, seconds in bench.seconds.items()}
    quiet = "role, {}, nothing to change"
    judged = (
        ("module, first load", least["module, first load"], MOST_LOAD),
        ("module, nothing to change", least["module, nothing to change"], MOST_QUIET),
        ("role, file, first load", least["role, file, first load"], MOST_LOAD),
        (
            "what they add to the role without a change",
            least[quiet.format("file")] - least[quiet.format("one")],
            MOST_QUIET,
        ),
    )
    print(f"\n{'from the least seconds':51}{'seen':>10}{'target':>10}")
    for name, seen, target in judged:
        print(f"{name:51}{seen:>10.2f}{'<= ' + format(target, '.0f'):>10}{'' if seen <= target else '   MISSED'}")
    return all(seen <= target for _name, seen, target in judged)


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
