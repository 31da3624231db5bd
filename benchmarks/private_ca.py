# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time to client certificates: an authority with an intermediate issues them, and a second run finds nothing to do.

    make bench-private_ca OPTIONS="--clients 200"

The keys of the authority are encrypted, as they should be. Times are those of the module's process as a whole.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from typing import Any

from ansible_collections.puffy.mail.tests.harness.playbooks import tree

#: the targets, in seconds, for 200 clients
MOST = {"first run": 60, "second run": 15}
RUNNER = """
import json, runpy, sys
from ansible.module_utils.testing import patch_module_args
with patch_module_args(json.load(sys.stdin)):
    runpy.run_module("ansible_collections.puffy.mail.plugins.modules.private_ca", run_name="__main__", alter_sys=True)
"""


def run(arguments: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    """Seconds that one run of the module takes, and what it returns."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RUNNER],
        input=json.dumps(arguments),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": tree()},
    )
    seconds = time.monotonic() - started
    if done.returncode != 0:
        raise SystemExit(f"private_ca failed: {done.stdout}{done.stderr}")
    return seconds, json.loads(done.stdout)


def main() -> int:
    """Print the table; 1 where a target was missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clients", type=int, default=200)
    options = parser.parse_args()
    names = [f"client-{number:04}" for number in range(options.clients)]
    print(f"private_ca, {options.clients} clients, {len(os.sched_getaffinity(0))} cores; seconds\n")
    print(f"{'':10} {'first run':>10} {'second run':>11} {'one more':>9} {'revoke one':>11}")
    print(f"{'target':10} {MOST['first run']:10} {MOST['second run']:11}")
    met = True
    for key_type in ("ecdsa", "rsa"):
        with tempfile.TemporaryDirectory() as directory:
            wish: dict[str, Any] = {
                "directory": os.path.join(directory, "pki"),
                "intermediate": True,
                "key_type": key_type,
                "passphrase": "for the benchmark",
            }
            first, made = run({**wish, "clients": names})
            again, same = run({**wish, "clients": names})
            more, another = run({**wish, "clients": [*names, "another"]})
            revoked, listed = run({**wish, "clients": names[1:], "revoked": names[:1]})
            changed = [made["changed"], same["changed"], another["changed"], listed["changed"]]
            if changed != [True, False, True, True] or len(made["clients"]) != options.clients:
                raise SystemExit(f"not what was asked for: {changed}")
        missed = [way for way, seen in (("first run", first), ("second run", again)) if seen > MOST[way]]
        met &= not missed
        said = f"   MISSED: {', '.join(missed)}" if missed else ""
        print(f"{key_type:10} {first:10.2f} {again:11.2f} {more:9.2f} {revoked:11.2f}{said}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
