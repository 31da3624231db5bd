# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one run of puffy.mail.site costs: tasks shown, modules run on the host, and seconds.

    make bench-site OPTIONS="--runs 3 --openbsd --before dfd3b27 --list"

A bare Debian (trixie), or with --openbsd a fresh OpenBSD stand-in, becomes the mail host of examples/demo: SQLite
accounts and Dovecot. The same is done with the tree of an older commit, in a container of its own. The first run makes
the host; the second run and check mode find nothing to change, are repeated, take turns with those of the other tree,
and the least seconds count. --list prints the modules of the second run.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.puffy.mail.tests.harness.containers import ROOT, Host, machine
from ansible_collections.puffy.mail.tests.harness.playbooks import mail_hosts, playbook, tree
from ansible_collections.puffy.mail.tests.harness.standin import Standin

#: the tree that the figures stand beside: the last one in which each input was judged in two or three places
BEFORE = "dfd3b27"
#: the targets for the second run: tasks shown and modules run on the host, and how many times faster than before
MOST_TASKS, MOST_MODULES, LEAST_FASTER = 35, 18, 2.0
#: how many tasks and modules more OpenBSD may take
OPENBSD_MORE = 8
#: what is run -> the options of ansible-playbook
RUNS = {"first run": (), "second run": (), "check mode": ("--check", "--diff")}


@dataclass(frozen=True)
class Cost:
    """What one run showed and took."""

    tasks: int
    shown: Counter[str]
    host: Counter[str]
    control: Counter[str]
    seconds: float


class Site:
    """One tree of the collection, and the host that it makes."""

    def __init__(self, collections: str, host: Host, directory: Path) -> None:
        self.collections, self.host, self.directory = collections, host, directory
        self.root = Path(collections, "ansible_collections", "puffy", "mail")
        self.costs: dict[str, list[Cost]] = {name: [] for name in RUNS}
        (directory / "state").mkdir(parents=True)
        # A second inventory, which has the last word on the host, and on the host alone.
        self.more = directory / "more.json"
        python = {"ansible_python_interpreter": host.python}
        self.more.write_text(json.dumps(mail_hosts({"mail.example.test": python})))

    def run(self, name: str) -> None:
        """Run the site playbook once and keep what it cost."""
        log = self.directory / "modules"
        log.write_text("")
        started = time.monotonic()
        done = playbook(
            "puffy.mail.site",
            self.root / "examples" / "demo",
            "-i",
            str(self.more),
            *RUNS[name],
            environment={
                "ANSIBLE_COLLECTIONS_PATH": self.collections,
                "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "benchmarks" / "callback"),
                "ANSIBLE_CALLBACKS_ENABLED": "module_runs",
                "MODULE_RUNS": str(log),
                "DEMO_NAME": self.host.name,
                "DEMO_DIRECTORY": str(self.directory / "state"),
            },
        )
        seconds = time.monotonic() - started
        if done.rc != 0 or bool(done.counts["changed"]) is not (name == "first run"):
            raise SystemExit(f"{self.root}: {name} ended with {done.rc} and {done.counts}\n{done.output[-4000:]}")
        runs: dict[str, Counter[str]] = {"host": Counter(), "control": Counter()}
        for line in log.read_text().splitlines():
            where, module = line.split()
            runs[where][module.removeprefix("ansible.legacy.").removeprefix("ansible.builtin.")] += 1
        tasks = len(re.findall(r"^(?:TASK|RUNNING HANDLER) \[", done.stdout, re.M))
        self.costs[name].append(Cost(tasks, Counter(done.counts), runs["host"], runs["control"], seconds))

    def cost(self, name: str) -> Cost:
        """The quickest of the runs."""
        return min(self.costs[name], key=lambda cost: cost.seconds)


def extract(commit: str, directory: Path) -> str:
    """The collections path of an older commit, laid into the directory."""
    target = directory / "ansible_collections" / "puffy" / "mail"
    target.mkdir(parents=True)
    with subprocess.Popen(["git", "archive", commit], cwd=ROOT, stdout=subprocess.PIPE) as archive:
        subprocess.run(["tar", "-x", "-C", target], stdin=archive.stdout, check=True)
    if archive.returncode != 0:
        raise SystemExit(f"git has no commit {commit!r} here. Use a clone with the history, or --before HEAD.")
    return str(directory)


def measure(before: Site, now: Site, repeats: int) -> None:
    """Run each in turn, so that a busy minute of the machine falls on both."""
    for name in RUNS:
        for number in range(1 if name == "first run" else repeats):
            for site in (before, now):
                print(f"{name} {number + 1}, {site.root}", file=sys.stderr, flush=True)
                site.run(name)


def report(before: Site, now: Site, commit: str, more: int) -> bool:
    """Print the table and the targets; returns whether the targets are met."""
    print(f"\n{'puffy.mail.site':24}{'tasks':>7}{'ok':>6}{'skipped':>9}{'modules run on':>22}{'seconds':>11}")
    print(f"{'':24}{'shown':>7}{'':>15}{'the host':>12}{'this side':>10}")
    for name in RUNS:
        for title, site in ((commit, before), ("now", now)):
            cost = site.cost(name)
            print(
                f"{f'{name}, {title}':24}{cost.tasks:>7}{cost.shown['ok']:>6}{cost.shown['skipped']:>9}"
                f"{cost.host.total():>12}{cost.control.total():>10}{cost.seconds:>11.1f}"
            )
    second = now.cost("second run")
    faster = before.cost("second run").seconds / second.seconds
    judged = (
        ("tasks shown", second.tasks, f"<= {MOST_TASKS + more}", second.tasks <= MOST_TASKS + more),
        ("modules run on the host", second.host.total(), f"<= {MOST_MODULES + more}",
         second.host.total() <= MOST_MODULES + more),
        ("times that facts are gathered", second.host["setup"], "<= 1", second.host["setup"] <= 1),
        (f"times faster than {commit}", f"{faster:.2f}", f">= {LEAST_FASTER:g}", faster >= LEAST_FASTER),
    )  # fmt: skip
    print(f"\n{'the second run now':38}{'seen':>8}{'target':>10}")
    for title, seen, target, met in judged:
        print(f"{title:38}{seen:>8}{target:>10}{'' if met else '   MISSED'}")
    return all(met for *_rest, met in judged)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="how often the second run and check mode are repeated")
    parser.add_argument("--openbsd", action="store_true", help="on the OpenBSD stand-in instead of Debian")
    parser.add_argument("--before", default=BEFORE, help="the commit to compare with")
    parser.add_argument("--list", action="store_true", help="print the modules of the second run")
    options = parser.parse_args()
    # Who is ended by kill(1) removes the containers, too.
    signal.signal(signal.SIGTERM, lambda *_dummy: sys.exit(143))

    def bare() -> Host:
        return Standin("stable") if options.openbsd else Host("trixie")

    with tempfile.TemporaryDirectory(prefix="puffy-mail-bench-") as name, bare() as first, bare() as second:
        here = Path(name)
        print(machine(second), flush=True)
        before = Site(extract(options.before, here / "tree"), first, here / "before")
        now = Site(tree(), second, here / "now")
        measure(before, now, options.runs)
        met = report(before, now, options.before, OPENBSD_MORE if options.openbsd else 0)
        if options.list:
            for where, counts in (
                ("the host", now.cost("second run").host),
                ("this side", now.cost("second run").control),
            ):
                print(f"\nmodules run on {where} in the second run")
                for module, count in counts.most_common():
                    print(f"{count:4} {module}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
