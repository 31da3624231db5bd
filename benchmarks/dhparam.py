# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time to DH parameters: this collection's module, openssl alone, and community.crypto.openssl_dhparam.

    make bench-dhparam OPTIONS="--runs 15 --bits 2048"

Runs each way in turn, so that a busy minute of the machine falls on all of them, and prints one table.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from ansible_collections.puffy.mail.tests.harness.playbooks import tree

#: the targets: how many times faster than each other way, and seconds for a group
LEAST_FASTER, MOST_GROUP = 1.7, 0.5
RUNNER = """
import json, runpy, sys
from ansible.module_utils.testing import patch_module_args
with patch_module_args(json.load(sys.stdin)):
    runpy.run_module(sys.argv[1], run_name="__main__", alter_sys=True)
"""


def module(name: str, arguments: dict[str, object]) -> float:
    """Seconds that one run of a module takes."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RUNNER, name],
        input=json.dumps(arguments),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": tree()},
    )
    seconds = time.monotonic() - started
    if done.returncode != 0:
        raise SystemExit(f"{name} failed: {done.stdout}{done.stderr}")
    return seconds


def openssl(bits: int) -> float:
    """Seconds that openssl alone takes."""
    started = time.monotonic()
    subprocess.run(["openssl", "dhparam", str(bits)], capture_output=True, check=True)
    return time.monotonic() - started


def row(name: str, times: list[float], base: float) -> str:
    """One line of the table."""
    mean = statistics.mean(times)
    error = statistics.stdev(times) / len(times) ** 0.5 if len(times) > 1 else 0.0
    return (
        f"{name:42} {len(times):4} {mean:8.2f} {error:7.2f} {statistics.median(times):8.2f}"
        f" {min(times):7.2f} {max(times):8.2f} {base / mean:8.2f}"
    )


def report(times: dict[str, list[float]]) -> bool:
    """Print the means beside their targets; returns whether all are met."""
    mean = {way: statistics.mean(seconds) for way, seconds in times.items()}
    met = True
    print(f"\n{'from the means':62}{'seen':>8}{'target':>8}")
    for shown, seen, target, good in (
        ("openssl dhparam / puffy.mail.dhparam", mean["openssl"] / mean["race"], LEAST_FASTER, 1),
        ("community.crypto.openssl_dhparam / puffy.mail.dhparam", mean["community"] / mean["race"], LEAST_FASTER, 1),
        ("ffdhe4096, seconds", mean["ffdhe4096"], MOST_GROUP, -1),
    ):
        hit = (seen - target) * good >= 0
        met &= hit
        print(f"{shown:62}{seen:>8.2f}{target:>8}{'' if hit else '   MISSED'}")
    return met


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--bits", type=int, default=2048)
    options = parser.parse_args()
    ours = "ansible_collections.puffy.mail.plugins.modules.dhparam"
    theirs = "ansible_collections.community.crypto.plugins.modules.openssl_dhparam"
    times: dict[str, list[float]] = {"race": [], "openssl": [], "community": [], "ffdhe4096": []}
    with tempfile.TemporaryDirectory() as directory:
        for number in range(options.runs):
            path = os.path.join(directory, f"dh-{number}")
            times["race"].append(module(ours, {"path": f"{path}.a", "bits": options.bits}))
            times["openssl"].append(openssl(options.bits))
            times["community"].append(module(theirs, {"path": f"{path}.b", "size": options.bits}))
            times["ffdhe4096"].append(module(ours, {"path": f"{path}.c", "group": "ffdhe4096"}))
            print(f"run {number + 1} of {options.runs}", file=sys.stderr, flush=True)
    base = statistics.mean(times["openssl"])
    cores = len(os.sched_getaffinity(0))
    version = subprocess.run(["openssl", "version"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"{cores} cores, {version}; seconds; the last column is the mean of openssl divided by the mean\n")
    print(f"{'':42} {'runs':>4} {'mean':>8} {'+-':>7} {'median':>8} {'least':>7} {'most':>8} {'faster':>8}")
    print(row(f"puffy.mail.dhparam, bits: {options.bits}", times["race"], base))
    print(row(f"openssl dhparam {options.bits}", times["openssl"], base))
    print(row(f"community.crypto.openssl_dhparam {options.bits}", times["community"], base))
    print(row("puffy.mail.dhparam, group: ffdhe4096", times["ffdhe4096"], base))
    return 0 if report(times) else 1


if __name__ == "__main__":
    sys.exit(main())
