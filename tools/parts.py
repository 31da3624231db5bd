# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the parts of make test, several at a time, and say last what failed.

    tools/parts.py [--logs DIRECTORY] [--make PROGRAM] STAGE...

A stage is a number and make targets, such as "2 test-modules quick-tls!": so many of them run at a time. The next stage
starts when all of them have ended. Each target writes to a log of its own. After a target with an exclamation mark has
failed, no further stage starts. The last line counts what passed and what failed: tests, and targets that are no tests.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

#: how many failing tests of a part are named, and how many lines say why
MOST_NAMES, MOST_LINES = 20, 15
#: seconds that an interrupted part has to clean up
GRACE = 120.0

_DECORATION = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_COUNTS = re.compile(r"^=*\s*(\d+ [a-z]+(?:, \d+ [a-z]+)*) in [0-9.]+s")
_NAMED = re.compile(r"^(?:FAILED|ERROR) (\S+(?:::\S.*?)?)(?: - .*)?$")
_REASON = re.compile(r"^E  |^fatal: |^failed: |^\[ERROR\]|^ERROR[: ]|^CRITICAL|\berror: |: error\b|^\S+:\d+:(?:\d+:)? ")


@dataclass(frozen=True)
class Part:
    """One target that has ended."""

    name: str
    log: Path
    seconds: float
    #: its exit status; None where the run was interrupted first
    status: int | None

    @property
    def lines(self) -> list[str]:
        """The log without colours and without the frames that Molecule draws."""
        text = _DECORATION.sub("", self.log.read_text(errors="replace"))
        return [re.sub(r"^\s*│ ?", "", line).rstrip() for line in text.splitlines()]


def counts(part: Part) -> Counter[str]:
    """What passed, failed and was skipped: tests, or the part itself where it has none."""
    found: Counter[str] = Counter()
    for line in part.lines:
        if told := _COUNTS.match(line):
            for count in told[1].split(", "):
                number, word = count.split()
                found["failed" if word.startswith("error") else word] += int(number)
    if not found and part.status == 0:
        found["passed"] = 1
    if part.status not in (0, None) and not found["failed"]:
        found["failed"] = 1
    return found


def failure(part: Part) -> list[str]:
    """The failing tests of a part, and the last lines that say why."""
    lines = part.lines
    names = list(dict.fromkeys(told[1] for line in lines if (told := _NAMED.match(line))))
    said = [f"  {name}" for name in names[:MOST_NAMES]]
    if len(names) > MOST_NAMES:
        said.append(f"  and {len(names) - MOST_NAMES} more")
    reasons, within = [], False
    for line in lines:
        found = bool(_REASON.search(line)) and not _NAMED.match(line)
        # What Ansible says of a task stands below it, indented.
        within = line.startswith(("fatal: ", "failed: ")) if found else within and line.startswith("  ")
        if found or within:
            reasons.append(line)
    reasons = reasons or [line for line in lines if line]
    return said + [f"    {line[:300]}" for line in reasons[-MOST_LINES:]]


class Run:
    """All stages of one run."""

    def __init__(self, make: str, logs: Path) -> None:
        self.make, self.logs = make, logs
        self.ended: list[Part] = []
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.interrupted = False

    def part(self, name: str) -> None:
        """Run one target to its end."""
        if self.interrupted:
            return
        log = self.logs / f"{name}.log"
        started = time.monotonic()
        # A make that started us has told what it was called with; that is not for these.
        environment = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MFLAGS")}
        with log.open("wb") as stream:
            child = subprocess.Popen(
                [self.make, name], stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT, env=environment,
                # Ctrl-C comes to us alone; the terminal, by which sudo knows its user, stays.
                process_group=0,
            )  # fmt: skip
            self.children[name] = child
            print(f"==> {name} has started", flush=True)
            status: int | None = child.wait()
        del self.children[name]
        if self.interrupted:
            status = None
        done = Part(name, log, time.monotonic() - started, status)
        self.ended.append(done)
        verdict = {0: "has passed", None: "was interrupted"}.get(status, "has FAILED")
        print(f"==> {name} {verdict} ({done.seconds:.0f} s)", flush=True)

    def stage(self, jobs: int, names: list[str]) -> None:
        """Run the targets, so many at a time."""
        with ThreadPoolExecutor(jobs) as pool:
            try:
                for waiting in [pool.submit(self.part, name) for name in names]:
                    waiting.result()
            except KeyboardInterrupt:
                self.interrupt()

    def interrupt(self) -> None:
        """End what runs, as Ctrl-C would, and wait for it."""
        self.interrupted = True
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        deadline = time.monotonic() + GRACE
        told = signal.SIGINT
        while running := list(self.children.values()):
            for child in running:
                if child.poll() is None:
                    os.killpg(child.pid, told)
            pause = time.monotonic() + 5
            while any(child.poll() is None for child in running) and time.monotonic() < pause:
                time.sleep(0.05)
            if all(child.poll() is not None for child in running):
                break
            told = signal.SIGKILL if time.monotonic() > deadline else signal.SIGTERM

    def report(self, names: list[str]) -> int:
        """Say what failed and count; the exit status."""
        total: Counter[str] = Counter()
        for part in self.ended:
            total += counts(part)
        failed = [part for part in self.ended if part.status not in (0, None)]
        for part in failed:
            print(f"\nFAILED {part.name}: exit status {part.status}, log {part.log}")
            print("\n".join(failure(part)))
        missing = [name for name in names if name not in {part.name for part in self.ended if part.status is not None}]
        if missing:
            print(f"\n{'Interrupted' if self.interrupted else 'Not run'}: {', '.join(missing)}")
        skipped = f", {total['skipped']} skipped" if total["skipped"] else ""
        print(f"\n{total['passed']} passed, {total['failed']} failed{skipped}; logs in {self.logs}")
        return 130 if self.interrupted else 1 if failed or missing else 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--logs", type=Path, default=Path(".logs"))
    parser.add_argument("--make", default=os.environ.get("MAKE", "make"))
    parser.add_argument("stages", nargs="+", metavar="STAGE")
    options = parser.parse_args(arguments)
    shutil.rmtree(options.logs, ignore_errors=True)
    options.logs.mkdir(parents=True)
    run = Run(options.make, options.logs)
    stages = [stage.split() for stage in options.stages]

    def ended(*_dummy: object) -> None:
        raise KeyboardInterrupt

    # SIGINT too: what a shell starts in the background ignores it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ended)
    for jobs, *names in stages:
        run.stage(int(jobs), [name.rstrip("!") for name in names])
        vital = {name.rstrip("!") for name in names if name.endswith("!")}
        if run.interrupted or any(part.name in vital and part.status != 0 for part in run.ended):
            break
    return run.report([name.rstrip("!") for _jobs, *names in stages for name in names])


if __name__ == "__main__":
    sys.exit(main())
