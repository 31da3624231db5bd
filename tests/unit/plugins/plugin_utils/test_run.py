# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which run this is, and whether another one still exists."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.plugin_utils import _run


def _tell(told: Any) -> None:
    told.put(_run.identity())


def test_each_worker_says_the_same() -> None:
    context = multiprocessing.get_context("fork")
    told = context.Queue()
    workers = [context.Process(target=_tell, args=(told,)) for _number in range(2)]
    for worker in workers:
        worker.start()
    assert {told.get(timeout=10) for _worker in workers} == {_run.identity()}
    for worker in workers:
        worker.join()
    assert f"/{os.getpid()}/" in _run.identity()


def _of(process: int) -> str:
    """The identity of a run with that number."""
    return f"{_run._node()}/{process}/{_run._started(process)}"


def test_a_process_that_is_gone_has_ended() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    run = _of(child.pid)
    assert not _run.ended(run)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    # Not waited for yet.
    assert _run.ended(run)
    child.communicate()
    assert _run.ended(run)


def test_another_process_with_the_number_is_another_run() -> None:
    own = _run.identity()
    assert not _run.ended(own)
    node, process, started = own.rsplit("/", 2)
    assert _run.ended(f"{node}/{process}/{int(started) - 1}")


@pytest.mark.parametrize(
    "run",
    [
        "",
        "x",
        "a/b/c",
        "elsewhere/boot/pid4026531836/1/7",
        "{node}/x/7",
        "{node}/-1/7",
        "{node}/99999999999999999999/7",
    ],
)
def test_of_other_nodes_nobody_knows(run: str) -> None:
    assert not _run.ended(run.format(node=_run._node()))


def test_a_process_that_proc_hides_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_run, "_started", lambda _process: "")
    assert not _run.ended(f"{_run._node()}/{os.getpid()}/7")


def nobody() -> str:
    raise KeyError("getpwuid(): uid not found: 1000780000")


def test_the_description() -> None:
    words = _run.who("site", {}, lambda: "alice")
    assert words == f"puffy.mail.site by alice on {os.uname().nodename}, process {os.getpid()}"
    # A container of AWX runs as a number without a name.
    assert f"by the account with the number {os.getuid()} on" in _run.who("site", {}, nobody)
    told = _run.who("restore", {"awx_job_id": 12, "awx_user_name": "bob\nx"}, lambda: "alice")
    assert told.endswith(", job 12 of AWX that bob x started")
    assert len(_run.who("site", {"awx_job_id": 12, "awx_user_name": "b" * 999}, lambda: "alice")) == 200
