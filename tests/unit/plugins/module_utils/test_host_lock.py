# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of a run on a host: who gets it, who is refused, and when it ends."""

from __future__ import annotations

import multiprocessing
import os
import stat
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils import _host_lock as host_lock


@pytest.fixture(autouse=True)
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(host_lock, "PATH", str(tmp_path / "puffy-mail.lock"))
    monkeypatch.delenv(host_lock.VARIABLE, raising=False)
    return tmp_path / "puffy-mail.lock"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic time in seconds, which sleeping moves on."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    return now


def take(run: str, **more: Any) -> host_lock.Holder | None:
    return host_lock.take(run, f"who {run}", **{"lease": 600.0, "wait": 0.0, **more})


def test_one_run_at_a_time(clock: list[float], path: Path) -> None:
    assert take("one") is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    clock[0] += 12
    with pytest.raises(
        host_lock.Held, match=r"^This host is held by another run: who one, since .* UTC, last seen 12"
    ) as exc:
        take("two")
    assert exc.value.holder.run == "one"
    assert "its lock ends in 10 minutes" in str(exc.value)
    # Another run cannot end it.
    assert host_lock.release("two") is None
    ended = host_lock.release("one")
    assert ended is not None
    assert ended.run == "one"
    assert path.read_text() == ""
    assert take("two") is None


def test_the_same_run_takes_it_again(clock: list[float]) -> None:
    assert take("one") is None
    clock[0] += 500
    assert take("one") is None
    clock[0] += 500
    with pytest.raises(host_lock.Held):
        take("two")


def test_a_run_that_waits_gets_the_host_in_the_end(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    take("one")

    def sleep(seconds: float) -> None:
        clock[0] += seconds
        if clock[0] > 1030:
            host_lock.release("one")

    monkeypatch.setattr(time, "sleep", sleep)
    assert take("two", wait=60.0) is None
    assert 1030 < clock[0] < 1033


def test_waiting_ends(clock: list[float]) -> None:
    take("one")
    with pytest.raises(host_lock.Held, match="who one"):
        take("two", wait=60.0)
    assert clock[0] == 1060


def test_a_lock_that_nobody_renews_ends(clock: list[float]) -> None:
    take("one")
    clock[0] += 599
    with pytest.raises(host_lock.Held):
        take("two")
    clock[0] += 1
    before = take("two")
    assert before is not None
    assert before.who == "who one"
    # The first run is not dead, only slow: it hears that it lost the host, and does not take the lock away.
    with pytest.raises(host_lock.Held, match="who two"):
        host_lock.check("one")
    assert host_lock.release("one") is None


def test_the_modules_of_the_run_renew_it(clock: list[float]) -> None:
    take("one")
    for _time in range(5):
        clock[0] += 500
        host_lock.check("one")
    # A module that may take an hour renews for an hour, the next one as before.
    host_lock.check("one", 3600.0)
    clock[0] += 3500
    with pytest.raises(host_lock.Held):
        take("two")
    host_lock.check("one")
    clock[0] += 601
    assert take("two") is not None


def test_a_run_that_is_known_to_have_ended_is_replaced_at_once(clock: list[float]) -> None:
    take("one")
    with pytest.raises(host_lock.Held):
        take("two", instead_of="three")
    before = take("two", instead_of="one")
    assert before is not None
    assert before.run == "one"


def test_a_boot_ends_the_lock(clock: list[float]) -> None:
    take("one")
    clock[0] = 20.0
    assert take("two") is not None


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"run": "one"}', '{"run": "one", "who": "x", "since": "y"}'])
def test_a_file_that_was_not_written_to_its_end_holds_nothing(text: str, path: Path) -> None:
    path.write_text(text)
    assert take("two") is None


def test_whoever_ends_the_lock_of_any_run() -> None:
    take("one")
    ended = host_lock.release("", whoever=True)
    assert ended is not None
    assert ended.run == "one"
    assert host_lock.release("", whoever=True) is None


def test_a_host_that_nobody_held_gets_no_file(path: Path) -> None:
    host_lock.check("one")
    assert host_lock.release("one") is None
    assert not path.exists()


class Fail(Exception):
    pass


def module(*, check_mode: bool = False) -> Any:
    def fail_json(msg: str) -> None:
        raise Fail(msg)

    return SimpleNamespace(check_mode=check_mode, fail_json=fail_json)


def test_modules_heed_the_lock(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    host_lock.keep(module())
    take("one")
    with pytest.raises(Fail, match=r"^This host is held by another run: who one, .*\. Nothing was changed\.$"):
        host_lock.keep(module())
    before = path.read_text()
    host_lock.keep(module(check_mode=True))
    assert path.read_text() == before
    monkeypatch.setenv(host_lock.VARIABLE, "one")
    host_lock.keep(module())
    assert path.read_text() != before


def _race(number: int, path: str, won: Any) -> None:
    host_lock.PATH = path
    try:
        take(str(number))
    except host_lock.Held:
        return
    won.put(number)


def test_of_many_at_once_one_gets_it(path: Path) -> None:
    context = multiprocessing.get_context("fork")
    won = context.Queue()
    runs = [context.Process(target=_race, args=(number, str(path), won)) for number in range(8)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(30)
        assert run.exitcode == 0
    first = won.get(timeout=5)
    assert won.empty()
    with pytest.raises(host_lock.Held, match=f"who {first},"):
        take("late")
