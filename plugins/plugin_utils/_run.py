# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which run of ansible-playbook this is, who started it, and whether another one of this control node still exists."""

from __future__ import annotations

import contextlib
import getpass
import multiprocessing
import os
import platform
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

#: how many characters of a description are kept
_MOST = 200
#: namespaces(7): processes of another container have numbers of their own
_NAMESPACE = "/proc/self/ns/pid"
#: what _started says of a process that ended and was not waited for
_ENDED = "ended"


def _process() -> int:
    """The number of the process of ansible-playbook, asked in it or in one of its workers."""
    parent = multiprocessing.parent_process()
    return os.getpid() if parent is None or parent.pid is None else parent.pid


def _started(process: int) -> str:
    """What tells a process from a later one with the same number: when it started. Empty where nobody can know."""
    try:
        # proc(5): the name of the program may have spaces and parentheses.
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
        return _ENDED if fields[0] in "ZX" else fields[19]
    except (OSError, IndexError):
        pass
    if os.path.exists("/proc/self/stat"):
        return ""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        asked = ["ps", "-o", "lstart=", "-p", str(process)]
        said = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=False).stdout
        return re.sub(r"\W+", "-", said.strip())
    return ""


def _node() -> str:
    """The control node since its boot; a container that shares its kernel with others is one of its own."""
    parts = [platform.node()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text("ascii"))
    with contextlib.suppress(OSError):
        parts.append(os.readlink(_NAMESPACE))
    return "/".join(re.sub(r"[^A-Za-z0-9.-]+", "", part) for part in parts)


def identity() -> str:
    """The same text in each worker of this run, and another one in each other run."""
    process = _process()
    return f"{_node()}/{process}/{_started(process)}"


def ended(run: str) -> bool:
    """Whether ``run`` was a run of this control node that does not exist any more. False where nobody can know."""
    node, _slash, rest = run.rpartition("/")
    node, _slash, process = node.rpartition("/")
    if node != _node() or not process.isdigit() or not rest:
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        # There is such a process, of another account, of which proc(5) may hide everything.
        pass
    return _started(int(process)) not in ("", rest)


def who(playbook: str, variables: Mapping[str, Any], account: Callable[[], str] = getpass.getuser) -> str:
    """What to call this run: playbook, account, control node, process and the job of AWX."""
    try:
        name = account()
    except (KeyError, OSError, ImportError):
        name = f"the account with the number {os.getuid()}"
    words = f"puffy.mail.{playbook} by {name} on {platform.node()}, process {_process()}"
    job, starter = variables.get("awx_job_id"), variables.get("awx_user_name")
    if job:
        words += f", job {job} of AWX" + (f" that {starter} started" if starter else "")
    return re.sub(r"[\x00-\x1f\x7f]+", " ", words)[:_MOST]
