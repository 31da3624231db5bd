# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time to set 1, 40 and 500 parameters of one real Postfix: this collection's module, and what people use instead.

    make bench-postconf OPTIONS="--runs 5 --loops 2 --sample 40"

Every run changes every parameter it is given: two sets of values take turns. The ways take turns too, so that a busy
minute of the machine falls on all of them. A loop over 500 parameters takes minutes in Ansible, so only ``--sample`` of
its items are run, in the same main.cf, and the table says so; ``--sample 500`` runs them all.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ansible_collections.puffy.mail.plugins.module_utils._postfix import expansion, types
from ansible_collections.puffy.mail.plugins.module_utils._postfix import host as postfix_host
from ansible_collections.puffy.mail.tests.harness.containers import ENVIRONMENT, RUNNER, Host, machine
from ansible_collections.puffy.mail.tests.harness.playbooks import playbook

IMAGE = "trixie-mail"
SIZES = (1, 40, 500)
#: the targets: 500 parameters against 1, the Ansible loop against the module at 40, processes of a run without change
MOST_GROWTH, LEAST_GAIN, MOST_PROCESSES = 1.3, 8.0, 2
#: A run that waited until the file is a second old would take more than twice as long as the one before it.
MOST_WAIT = 1.5

MAIN = """\
compatibility_level = 3.6
myhostname = mail.example.test
mydestination = $myhostname, localhost
smtpd_tls_cert_file = none
smtpd_restriction_classes = {classes}
"""
PLAY = """\
- hosts: all
  gather_facts: false
  tasks:
    - {task}
"""
TASKS = {
    "nothing": "ansible.builtin.ping:",
    "module": 'puffy.mail.postconf: {parameters: "{{ values }}"}',
    "command loop": (
        '{ansible.builtin.command: {argv: [postconf, -e, "{{ item.key }}={{ item.value }}"]},'
        ' loop: "{{ values | dict2items }}"}'
    ),
    "lineinfile loop": (
        "{ansible.builtin.lineinfile: {path: /etc/postfix/main.cf,"
        ' regexp: "^{{ item.key }}\\\\s*=", line: "{{ item.key }} = {{ item.value }}"},'
        ' loop: "{{ values | dict2items }}"}'
    ),
}

Values = dict[str, str]
Times = dict[tuple[str, int], list[float]]


def value_sets(host: Host) -> tuple[Values, Values]:
    """500 parameters with two values each: numbers and times that this Postfix has, and restriction classes."""
    defaults = postfix_host.parse_defaults(host.run("postconf -d").stdout)
    version = types.version_of(defaults["mail_version"])
    odd: Values = {}
    even: Values = {}
    for name, text in sorted(defaults.items()):
        if name in types.RAW:
            continue
        number = re.fullmatch(r"(\d+)([smhdw]?)", expansion.expand(text, defaults.get))
        if number and types.kind(name) in ("integer", "time") and name != "process_id":
            if int(number[1]) == types.bounds(name, version)[1] > 0:
                continue
            odd[name] = number[0]
            even[name] = f"{int(number[1]) + 1}{number[2]}"
    # The rest have names of their own, as the restriction classes of a site do.
    for count in range(SIZES[-1] - len(odd)):
        odd[f"class_{count:03}"] = "permit_mynetworks, reject_unauth_destination"
        even[f"class_{count:03}"] = "permit_sasl_authenticated, reject_unauth_destination"
    # In an order in which the first 40 are of every kind.
    names = sorted(odd, key=hash_of)
    return {name: odd[name] for name in names}, {name: even[name] for name in names}


def hash_of(name: str) -> int:
    """The same order on every machine, and not that of the alphabet."""
    return sum((place + 1) * ord(char) * 7919 for place, char in enumerate(name)) % 65521


class Bench:
    """One host, its two sets of values, and the times seen."""

    def __init__(self, host: Host, directory: str) -> None:
        self.host, self.directory = host, directory
        self.odd, self.even = value_sets(host)
        self.turn = 0
        self.times: Times = {}
        host.write("/runner.py", RUNNER)
        for name, task in TASKS.items():
            Path(directory, f"{name}.yml").write_text(PLAY.replace("{task}", task))

    def lay(self, size: int) -> None:
        """A main.cf with these parameters and few others, old enough for Postfix to read it without waiting."""
        values = self.values(size)
        lines = [f"{name} = {text}\n" for name, text in values.items()]
        classes = ", ".join(name for name in values if name.startswith("class_"))
        self.host.write("/etc/postfix/main.cf", MAIN.replace("{classes}", classes) + "".join(lines))
        self.host.run("touch -d '1 hour ago' /etc/postfix/main.cf")

    def values(self, size: int) -> Values:
        """The values that are not in the file now."""
        self.turn += 1
        return dict(list((self.odd if self.turn % 2 else self.even).items())[:size])

    def settled(self, size: int) -> Values:
        """The values of a file that has nothing else."""
        self.lay(size)
        return dict(list((self.odd if self.turn % 2 else self.even).items())[:size])

    def record(self, name: str, size: int, work: Callable[[], object], share: float = 1.0, base: float = 0.0) -> None:
        """Time ``work``. Where it did only a part, ``share``, of what it stands for, what it takes beyond ``base``
        seconds counts that many times more."""
        started = time.monotonic()
        work()
        seconds = time.monotonic() - started
        self.times.setdefault((name, size), []).append(base + (seconds - base) / share)

    def floor(self) -> None:
        """postconf -n, and nothing else, in the host."""
        self.host.run(["postconf", "-n"])

    def shell_loop(self, values: Values) -> None:
        """One shell in the host that runs postconf -e for each parameter."""
        self.host.run("".join(f"postconf -e {shlex.quote(f'{name}={text}')}\n" for name, text in values.items()))

    def module(self, values: Values, changed: bool = True) -> None:
        """The module in the host, started as Ansible starts it."""
        request = json.dumps({"parameters": values})
        said = json.loads(self.host.run([*ENVIRONMENT, "python3", "/runner.py", "postconf"], data=request).stdout)
        if said.get("changed") is not changed:
            raise SystemExit(f"puffy.mail.postconf: {said}")

    def processes(self, values: Values) -> int:
        """How many processes a run of the module without change starts, itself not counted.

        The kernel numbers the processes of the container one after the other, and no other runs in it.
        """
        said = self.host.run(
            "true & before=$!; wait; "
            + " ".join(ENVIRONMENT)
            + " python3 /runner.py postconf > /tmp/answer; true & echo $(($! - before)); cat /tmp/answer",
            data=json.dumps({"parameters": values}),
        ).stdout
        count, answer = said.split("\n", 1)
        if json.loads(answer).get("changed") is not False:
            raise SystemExit(f"puffy.mail.postconf: {answer}")
        return int(count) - 2  # the module itself, and the second "true"

    def play(self, name: str, values: Values) -> None:
        """A whole run of ansible-playbook with one task."""
        inventory = {"all": {"hosts": {self.host.name: self.host.connection}}}
        done = playbook(Path(self.directory, f"{name}.yml"), inventory, variables={"values": values})
        if done.rc != 0 or (values and done.counts["changed"] != 1):
            raise SystemExit(f"{name}: {done.output}")

    def mean(self, name: str, size: int) -> float:
        return statistics.mean(self.times[name, size])

    def least(self, name: str, size: int) -> float:
        return min(self.times[name, size])


def measure(bench: Bench, runs: int, loops: int, sample: int) -> int:
    """Run every way in turn; returns the processes of a run without change."""
    for number in range(runs):
        print(f"run {number + 1} of {runs}", file=sys.stderr, flush=True)
        for size in SIZES:
            bench.lay(size)
            bench.record("postconf -n", size, bench.floor)
            values = bench.values(size)
            bench.record("postconf -e, shell loop", size, partial(bench.shell_loop, values))
            values = bench.values(size)
            bench.record("module", size, partial(bench.module, values))
            # At once, when the file is as new as it can be.
            bench.record("module, no change", size, partial(bench.module, values, False))
        bench.record("play: nothing", 0, partial(bench.play, "nothing", {}))
        for size in SIZES:
            bench.lay(size)
            values = bench.values(size)
            bench.record("play: module", size, partial(bench.play, "module", values))
    count = max(bench.processes(bench.settled(size)) for size in SIZES)
    base = bench.mean("play: nothing", 0)
    for number in range(loops):
        print(f"loops {number + 1} of {loops}", file=sys.stderr, flush=True)
        for size in SIZES:
            bench.lay(size)
            done = min(size, sample)
            for way in ("command loop", "lineinfile loop"):
                values = bench.values(done)
                bench.record(
                    f"play: {way}",
                    size,
                    partial(bench.play, way, values),
                    done / size,
                    base if done < size else 0.0,
                )
    return count


def table(bench: Bench, sample: int) -> None:
    """Print what every way took."""
    rows = {
        "in the host": (
            ("postconf -n (the floor)", "postconf -n"),
            ("shell loop of postconf -e", "postconf -e, shell loop"),
            ("puffy.mail.postconf", "module"),
            ("puffy.mail.postconf, nothing to change", "module, no change"),
        ),
        "ansible-playbook as a whole": (
            ("one ping (the floor)", "play: nothing"),
            ("puffy.mail.postconf", "play: module"),
            ("loop of command: postconf -e", "play: command loop"),
            ("loop of lineinfile", "play: lineinfile loop"),
        ),
    }
    for place, ways in rows.items():
        print(f"\n{place + ', parameters:':42}" + "".join(f"{size:>9}{'':9}" for size in SIZES))
        print(f"{'seconds':42}" + f"{'mean':>9}{'least':>9}" * len(SIZES))
        for shown, key in ways:
            cells = ""
            for size in SIZES:
                at = size if (key, size) in bench.times else 0
                sampled = "*" if size > sample and "loop" in key and key.startswith("play") else " "
                if (key, at) in bench.times:
                    cells += f"{bench.mean(key, at):>8.2f}{sampled}{bench.least(key, at):>8.2f}{sampled}"
            print(f"{shown:42}{cells}")
    if sample < SIZES[-1]:
        print(
            f"* worked out: {sample} of the {SIZES[-1]} items were run, and what they took beyond the one ping was"
            f" multiplied by {SIZES[-1] / sample:g}"
        )


def verdicts(bench: Bench, processes: int) -> bool:
    """Print the ratios beside their targets; returns whether all are met."""
    growth = bench.least("module", SIZES[-1]) / bench.least("module", SIZES[0])
    whole = bench.least("play: module", SIZES[-1]) / bench.least("play: module", SIZES[0])
    gain = bench.least("play: command loop", SIZES[1]) / bench.least("play: module", SIZES[1])
    lines = bench.least("play: lineinfile loop", SIZES[1]) / bench.least("play: module", SIZES[1])
    wait = max(bench.least("module, no change", size) / bench.least("module", size) for size in SIZES)
    found = [
        ("500 parameters / 1 parameter, in the host", f"{growth:.2f}", f"<= {MOST_GROWTH}", growth <= MOST_GROWTH),
        ("500 parameters / 1 parameter, ansible-playbook", f"{whole:.2f}", f"<= {MOST_GROWTH}", whole <= MOST_GROWTH),
        ("Ansible loop of postconf -e / module, 40", f"{gain:.1f}", f">= {LEAST_GAIN:g}", gain >= LEAST_GAIN),
        ("Ansible loop of lineinfile / module, 40", f"{lines:.1f}", "", True),
        (
            "processes of a run without change",
            str(processes),
            f"<= {MOST_PROCESSES}",
            processes <= MOST_PROCESSES,
        ),
        ("no change straight after a change / the change", f"{wait:.2f}", f"<= {MOST_WAIT}", wait <= MOST_WAIT),
    ]
    print(f"\n{'from the least times':52}{'seen':>8}{'target':>10}")
    for shown, seen, target, met in found:
        print(f"{shown:52}{seen:>8}{target:>10}{'' if met else '   MISSED'}")
    return all(met for *_unused, met in found)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--loops", type=int, default=2, help="runs of the Ansible loops")
    parser.add_argument("--sample", type=int, default=40, help="items of the Ansible loops over 500 parameters")
    options = parser.parse_args()
    # A host without an init, so that nothing but what is measured starts processes in it.
    with (
        Host(IMAGE, "--entrypoint", '["sh", "-c", "sleep infinity"]') as host,
        tempfile.TemporaryDirectory() as directory,
    ):
        print(machine(host), flush=True)
        bench = Bench(host, directory)
        processes = measure(bench, options.runs, options.loops, options.sample)
        table(bench, options.sample)
        return 0 if verdicts(bench, processes) else 1


if __name__ == "__main__":
    sys.exit(main())
