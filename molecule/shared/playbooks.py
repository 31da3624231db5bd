# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run playbooks of the collection against a scenario's hosts and read the recap."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Recap:
    """How a playbook run ended: its exit status, its output and the counts of all hosts together."""

    rc: int
    output: str
    counts: dict[str, int]


def play(playbook: str, *options: str) -> Recap:
    """Run ``playbook`` with the scenario's inventory."""
    environment = {
        **os.environ,
        "ANSIBLE_FORCE_COLOR": "0",
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        ["ansible-playbook", "-i", os.path.dirname(os.environ["MOLECULE_INVENTORY_FILE"]), playbook, *options],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=600,
    )
    counts: dict[str, int] = {}
    for name, value in re.findall(r"(ok|changed|unreachable|failed|skipped|rescued|ignored)=(\d+)", done.stdout):
        counts[name] = counts.get(name, 0) + int(value)
    return Recap(done.returncode, done.stdout + done.stderr, counts)
