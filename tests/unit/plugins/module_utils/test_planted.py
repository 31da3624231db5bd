# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What root reads beside other accounts: a pipe that one of them puts there holds up nothing, a link leads nowhere."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils import _dovecot, _files
from ansible_collections.puffy.mail.plugins.module_utils._activation import Rejected
from ansible_collections.puffy.mail.plugins.module_utils._file_daemon import FileDaemon
from ansible_collections.puffy.mail.plugins.module_utils._postfix import daemon
from ansible_collections.puffy.mail.plugins.module_utils._postfix.host import Probe
from ansible_collections.puffy.mail.plugins.module_utils._probe import inside


def _pid(path: str) -> Any:
    return FileDaemon.pid(SimpleNamespace(pid_files=lambda: [path], program="milter"))  # type: ignore[arg-type]  # enough of one


def _content(path: str) -> Any:
    probe = Probe()
    # Another program put the pipe there after the look.
    probe._files[path] = SimpleNamespace(kind="file")  # type: ignore[assignment]  # enough of one
    return probe.content(path)


def _dns(path: str) -> Any:
    return inside.dns(path.removesuffix("/etc/resolv.conf"), "example.test", 1).ok


READERS: dict[str, Callable[[str], Any]] = {
    "pid file": _pid,
    "lock of Postfix": daemon.master_pid,
    "log": lambda path: daemon.Log._read(path, None),
    "table of Postfix": _content,
    "chain of Dovecot": _dovecot.leaf,
    "database of Dovecot": _dovecot.check_database,
    "resolv.conf of the chroot": _dns,
    "file of the chroot": inside._content,
}


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    """Nothing waits for a program that opens the other end of the pipe."""

    def end(_number: int, _frame: object) -> None:
        raise AssertionError("it waits for ever")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(3)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def _read(name: str, path: Path) -> Any:
    """What the reader makes of the path: nothing, or an error that names it."""
    try:
        return READERS[name](str(path))
    except (_files.FileError, Rejected) as exc:
        assert str(path) in str(exc)  # noqa: PT017 - one of several errors, or none
        return None


@pytest.mark.parametrize("name", READERS)
def test_a_pipe_is_not_waited_for(tmp_path: Path, name: str) -> None:
    path = tmp_path / "etc" / "resolv.conf"
    path.parent.mkdir()
    os.mkfifo(path)
    assert not _read(name, path)


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a directory to another account")
@pytest.mark.parametrize("name", [name for name in READERS if name != "lock of Postfix"])
def test_a_link_of_another_account_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{os.getpid()}\n")
    path = tmp_path / "etc" / "resolv.conf"
    path.parent.mkdir()
    path.symlink_to(secret)
    os.chown(path.parent, 12345, -1)
    monkeypatch.setattr(inside, "ask", lambda *_dummy: (True, "asked"))
    monkeypatch.setattr(
        "ansible_collections.puffy.mail.plugins.module_utils._manager.processes",
        lambda: [SimpleNamespace(pid=os.getpid(), arguments=("milter",))],
    )
    assert not _read(name, path)
