# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time and memory of puffy.mail.postmap on a table of a million entries, beside Postfix's own commands.

    make bench-postmap OPTIONS="--entries 1000000 --runs 3"

The keys are in no order, as a table that grew has them. The ways take turns, so that a busy minute of the machine
falls on all of them. Each way runs in the host, by itself: without the container engine and the connection of Ansible.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys

from ansible_collections.puffy.mail.tests.harness.containers import RUNNER, Host, machine

IMAGE = "trixie-mail"
TABLE = "/srv/bench/table"
KINDS = ("lmdb", "hash")
#: the targets: a run without change against the dump, its memory in MiB, a change against postmap itself
MOST_QUIET, MOST_MEMORY, MOST_CHANGE = 2.0, 300, 1.3

MAKE = """
import random, sys
random.seed(20261121)
numbers = list(range(int(sys.argv[1])))
random.shuffle(numbers)
with open(sys.argv[2], "w") as table:
    for n in numbers:
        key, value = f"user{n:07d}@example{n % 997}.test", f"mailbox{random.getrandbits(40):010x}@store{n % 17}.test"
        print(key, value, sep="\\t", file=table)
"""
#: runs one command and says what it took: seconds by the clock, by the processors, and the largest process in MiB
TIMED = """
import json, os, resource, subprocess, sys, time
started = time.monotonic()
done = subprocess.run(json.loads(sys.argv[1]), input=sys.argv[2], text=True, capture_output=True)
seconds = time.monotonic() - started
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"rc": done.returncode, "stdout": done.stdout[-2000:], "stderr": done.stderr[-2000:],
                  "seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "memory": used.ru_maxrss / 1024}))
"""

Taken = dict[str, float]


class Bench:
    """One host with one table, and what each way took."""

    def __init__(self, host: Host, entries: int) -> None:
        self.host, self.entries = host, entries
        self.taken: dict[tuple[str, str], list[Taken]] = {}
        self.changes = 0
        host.write("/runner.py", RUNNER)
        host.write("/timed.py", TIMED)
        host.run("mkdir -p /srv/bench")
        host.run(["python3", "-c", MAKE, str(entries), TABLE])

    def timed(self, argv: list[str], data: str = "") -> tuple[Taken, str]:
        """Run ``argv`` in the host; what it took and what it printed."""
        done = self.host.run(["python3", "/timed.py", json.dumps(argv), data], timeout=600)
        said = json.loads(done.stdout)
        if said["rc"] != 0:
            raise SystemExit(f"{argv}: {said['stdout']}{said['stderr']}")
        return {name: said[name] for name in ("seconds", "cpu", "memory")}, said["stdout"]

    def shell(self, way: str, kind: str, command: str) -> None:
        self.taken.setdefault((way, kind), []).append(self.timed(["sh", "-c", command])[0])

    def module(self, way: str, kind: str, changed: bool) -> None:
        """A run of the module, started as Ansible starts it, with the source that is there."""
        argv = ["env", "PYTHONPATH=/opt/puffy", "PYTHONDONTWRITEBYTECODE=1", "python3", "/runner.py", "postmap"]
        taken, printed = self.timed(argv, json.dumps({"path": TABLE, "type": kind, "_ansible_diff": True}))
        result = json.loads(printed)
        if result.get("changed") is not changed or result.get("records") != self.entries + self.changes:
            raise SystemExit(f"puffy.mail.postmap: {printed}")
        if way:
            self.taken.setdefault((way, kind), []).append(taken)

    def turn(self, kind: str) -> None:
        """Each way once."""
        self.shell("build", kind, f"postmap {kind}:{TABLE}")
        self.shell("dump", kind, f"postmap -s {kind}:{TABLE} | LC_ALL=C sort > /dev/null")
        self.module("quiet", kind, False)
        self.changes += 1
        self.host.run(f"echo 'new{self.changes}@example.test changed' >> {TABLE}; touch -d '+1 second' {TABLE}")
        self.module("change", kind, True)
        self.module("", kind, False)

    def least(self, way: str, kind: str, what: str = "seconds") -> float:
        return min(taken[what] for taken in self.taken[way, kind])


WAYS = (
    ("postmap TYPE:TABLE", "build"),
    ("postmap -s TYPE:TABLE | LC_ALL=C sort", "dump"),
    ("puffy.mail.postmap, nothing to change", "quiet"),
    ("puffy.mail.postmap, one entry more in the source", "change"),
)


def report(bench: Bench) -> bool:
    """Print what each way took, and the ratios beside their targets; returns whether all targets are met."""
    print(f"\n{bench.entries} entries, {(bench.host.run(['stat', '-c', '%s', TABLE]).stdout.strip())} bytes of source")
    print(f"{'':52}{'type':>6}{'mean s':>8}{'least s':>8}{'cpu s':>8}{'MiB':>6}")
    for shown, way in WAYS:
        for kind in KINDS:
            mean = statistics.mean(taken["seconds"] for taken in bench.taken[way, kind])
            cpu, memory = bench.least(way, kind, "cpu"), max(taken["memory"] for taken in bench.taken[way, kind])
            print(f"{shown:52}{kind:>6}{mean:>8.2f}{bench.least(way, kind):>8.2f}{cpu:>8.2f}{memory:>6.0f}")
    print(f"\n{'from the least times':52}{'type':>6}{'seen':>8}{'target':>8}")
    met = True
    for kind in KINDS:
        memory = max(taken["memory"] for taken in bench.taken["quiet", kind])
        for shown, seen, target, form in (
            (
                "nothing to change / dump and sort",
                bench.least("quiet", kind) / bench.least("dump", kind),
                MOST_QUIET,
                ".2f",
            ),
            ("largest process of that run, MiB", memory, MOST_MEMORY, ".0f"),
            (
                "one entry changed / postmap itself",
                bench.least("change", kind) / bench.least("build", kind),
                MOST_CHANGE,
                ".2f",
            ),
        ):
            met &= seen <= target
            print(f"{shown:52}{kind:>6}{seen:>8{form}}{target:>8}{'' if seen <= target else '   MISSED'}")
    return met


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with Host(IMAGE, "--network=none") as host:
        print(machine(host), flush=True)
        bench = Bench(host, options.entries)
        for number in range(options.runs):
            for kind in KINDS:
                print(f"run {number + 1} of {options.runs}, {kind}", file=sys.stderr, flush=True)
                bench.turn(kind)
        return 0 if report(bench) else 1


if __name__ == "__main__":
    sys.exit(main())
