# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one edge that runs commands: argv lists, the C locale, a time limit, one form of failure message."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

#: OpenBSD keeps package commands under /usr/local; sbin is not on every user's PATH.
SEARCH_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")

#: seconds after which a command counts as hung, unless the caller says otherwise
DEFAULT_TIMEOUT = 60.0


class CommandError(Exception):
    """A command that could not be run, did not end in time, or failed. The message is one sentence."""


@dataclass(frozen=True)
class Result:
    """What a command answered."""

    argv: tuple[str, ...]
    rc: int
    stdout: str
    stderr: str


def find(name: str, directories: Sequence[str] = ()) -> str | None:
    """Return the absolute path of the command ``name``, or None where it is not installed.

    ``directories`` are searched first, then ``SEARCH_PATH``.
    """
    return shutil.which(name, path=os.pathsep.join((*directories, *SEARCH_PATH)))


def require(name: str, directories: Sequence[str] = (), hint: str = "") -> str:
    """Return the absolute path of the command ``name``; raise CommandError, with ``hint``, if not found."""
    path = find(name, directories)
    if path is None:
        where = ", ".join((*directories, *SEARCH_PATH))
        raise CommandError(f"the command {name!r} was not found in {where}" + (f"; {hint}" if hint else ""))
    return path


def _said(stream: IO[bytes], exact: bool) -> str:
    """What a command has written to a file."""
    stream.seek(0)
    if exact:
        return stream.read().decode("utf-8", "surrogateescape")
    return stream.read().decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")


def run(
    argv: Sequence[str],
    *,
    check: bool = True,
    data: str | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    user: str | None = None,
    group: str | None = None,
    environment: Mapping[str, str] | None = None,
    cwd: str | None = None,
    exact: bool = False,
) -> Result:
    """Run ``argv`` and return its Result.

    ``data`` is written to its standard input (which is empty otherwise). With ``exact`` every byte survives the
    way through ``data`` and the Result: line ends stay what they are, and bytes that are no UTF-8 are surrogates, as in
    ``_files.FileState.text``; otherwise they are replaced. ``user`` and ``group`` run it as
    that account with no supplementary groups, as Postfix drops privileges. ``timeout`` is in seconds.
    Raises CommandError where it cannot be started, runs out of time, or, with ``check``, exits other than 0.
    The message names the command and what it said, never ``data``.
    """
    shown = shlex.join(argv)
    env = {**os.environ, "LC_ALL": "C", "LANGUAGE": "C", **(environment or {})}
    switch: dict[str, object] = {}
    if user is not None:
        switch = {"user": user, "group": group, "extra_groups": []}
    # Into files: a daemon that the command starts may keep a pipe open, and the end of it would never come.
    with tempfile.TemporaryFile() as out_file, tempfile.TemporaryFile() as err_file:
        try:
            # AnsibleModule.run_command has neither a time limit nor a way to run as another account.
            done = subprocess.run(  # type: ignore[call-overload]  # pylint: disable=ansible-bad-function
                list(argv),
                input=(data or "").encode("utf-8", "surrogateescape" if exact else "replace"),
                stdout=out_file,
                stderr=err_file,
                timeout=timeout,
                env=env,
                cwd=cwd,
                check=False,
                **switch,
            )
        except subprocess.TimeoutExpired as exc:
            raise CommandError(f"{shown} did not end within {timeout:g} seconds and was stopped") from exc
        except (OSError, ValueError, LookupError) as exc:
            raise CommandError(f"{shown} could not be started: {exc}") from exc
        out, err = (_said(stream, exact) for stream in (out_file, err_file))
    result = Result(tuple(argv), done.returncode, out, err)
    if check and result.rc != 0:
        raise CommandError(failure(result))
    return result


def race(argv: Sequence[str], workers: int, *, timeout: float, accept: Callable[[Result], bool]) -> Result:
    """Run ``argv`` in ``workers`` processes at once and return the first Result that ``accept`` takes.

    The others are ended as soon as there is one, and all of them when time runs out or a signal ends this process.
    ``timeout`` is in seconds. Raises CommandError where no process succeeds, or none in time.
    """
    shown = shlex.join(argv)
    env = {**os.environ, "LC_ALL": "C", "LANGUAGE": "C"}
    running: list[tuple[subprocess.Popen[bytes], IO[bytes], IO[bytes]]] = []
    said: list[str] = []
    deadline = time.monotonic() + timeout
    with _ended_by_signals(), contextlib.ExitStack() as files:
        try:
            for _unused in range(workers):
                # A worker may say more than a pipe holds before it ends, so what it says goes to files.
                out: IO[bytes] = files.enter_context(tempfile.TemporaryFile())
                err: IO[bytes] = files.enter_context(tempfile.TemporaryFile())
                process = subprocess.Popen(  # pylint: disable=ansible-bad-function
                    list(argv), stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env, start_new_session=True
                )
                running.append((process, out, err))
            while running:
                for entry in list(running):
                    process, out, err = entry
                    if process.poll() is None:
                        continue
                    running.remove(entry)
                    out.seek(0)
                    err.seek(0)
                    result = Result(
                        tuple(argv),
                        process.returncode,
                        out.read().decode("utf-8", "replace"),
                        err.read().decode("utf-8", "replace"),
                    )
                    if result.rc == 0 and accept(result):
                        return result
                    said.append(failure(result) if result.rc else f"{shown} ended without a usable answer")
                if time.monotonic() >= deadline:
                    raise CommandError(
                        f"{shown} in {workers} processes did not end within {timeout:g} seconds and was stopped"
                    )
                time.sleep(0.02)
        except (OSError, ValueError) as exc:
            raise CommandError(f"{shown} could not be started: {exc}") from exc
        finally:
            for process, _out, _err in running:
                _end(process)
    raise CommandError(said[-1] if said else f"{shown}: there was no process to wait for")


class Running:
    """A command that runs beside this process; made by ``started``."""

    def __init__(self, argv: Sequence[str], process: subprocess.Popen[bytes], err: IO[bytes], timeout: float) -> None:
        self._argv = tuple(argv)
        self._process = process
        self._err = err
        self._timeout = timeout
        self._late = False
        self._timer = threading.Timer(timeout, self._stop)
        self._timer.daemon = True
        self._timer.start()

    def _stop(self) -> None:
        self._late = True
        self._process.kill()

    def chunks(self, size: int = 1 << 18) -> Iterator[bytes]:
        """What the command prints, in pieces of up to ``size`` bytes, as it comes."""
        out = self._process.stdout
        while out is not None:
            chunk = out.read(size)
            if not chunk:
                return
            yield chunk

    def wait(self) -> Result:
        """The Result, with what was not read by ``chunks`` as its output. CommandError where it ran out of time."""
        rest = b"".join(self.chunks())
        code = self._process.wait()
        self._timer.cancel()
        if self._late:
            raise CommandError(f"{shlex.join(self._argv)} did not end within {self._timeout:g} seconds and was stopped")
        self._err.seek(0)
        said = self._err.read().decode("utf-8", "replace")
        return Result(self._argv, code, rest.decode("utf-8", "replace"), said)

    def end(self) -> None:
        """End the command if it still runs, and collect it."""
        self._timer.cancel()
        if self._process.stdout is not None:
            self._process.stdout.close()
        if self._process.poll() is None:
            _end(self._process)


@contextlib.contextmanager
def started(argv: Sequence[str], *, timeout: float = DEFAULT_TIMEOUT) -> Iterator[Running]:
    """Start ``argv`` and yield it running; at the end of the block it is ended.

    For output that is too much to hold, and for work that can go on meanwhile. ``timeout`` is in seconds.
    Raises CommandError where it cannot be started.
    """
    env = {**os.environ, "LC_ALL": "C", "LANGUAGE": "C"}
    with contextlib.ExitStack() as files:
        err: IO[bytes] = files.enter_context(tempfile.TemporaryFile())
        try:
            process = subprocess.Popen(  # pylint: disable=ansible-bad-function,consider-using-with
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=err,
                env=env,
                start_new_session=True,
            )
        except (OSError, ValueError) as exc:
            raise CommandError(f"{shlex.join(argv)} could not be started: {exc}") from exc
        running = Running(argv, process, err, timeout)
        try:
            yield running
        finally:
            running.end()


def detached(argv: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own, which goes on should this process be killed. It reads and says nothing.

    ``argv`` begins with an absolute path. Raises OSError.
    """
    return subprocess.Popen(  # pylint: disable=ansible-bad-function
        list(argv),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and whatever it started in its session, and collect it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=2)
            return


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM, SIGHUP and SIGINT end this process as an exception does, so that what it started is cleaned up."""

    def stop(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def failure(result: Result) -> str:
    """Return the one form of failure message: the command, its exit status and what it said."""
    said = " / ".join(line.strip() for line in (result.stderr or result.stdout).splitlines() if line.strip())
    return f"{shlex.join(result.argv)} failed with exit status {result.rc}" + (f": {said}" if said else "")
