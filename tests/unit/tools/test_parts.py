# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runner of make test: what it says last when a part passes, fails or is interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.puffy.mail.tools import parts

#: stands in for make: what each target prints, and how it ends
MAKE = r"""#!/bin/sh
case $1 in
good) echo '..........  [100%]'; echo '10 passed, 2 skipped in 3.21s' ;;
framed) printf '  \033[2m│ \033[32m============ 7 passed in 12.00s =============\033[0m\n' ;;
lint) echo 'All checks passed!' ;;
bad)
    echo 'def test_x():'
    echo '>       assert seen == 2'
    echo 'E       AssertionError: assert 0 == 2'
    echo 'FAILED tests/unit/test_a.py::test_x[one two] - AssertionError: assert 0 == 2'
    echo 'ERROR tests/unit/test_b.py - KeyError'
    echo '=== 1 failed, 4 passed, 1 error in 0.50s ==='
    exit 2
    ;;
play)
    echo '3 passed in 1.00s'
    echo 'TASK [puffy.mail.postfix : Activate] ******'
    echo 'fatal: [mail]: FAILED! => '
    echo '    changed: false'
    echo '    msg: Postfix does not answer'
    i=0; while [ $i -lt 300 ]; do echo "TASK [clean up $i]"; i=$((i + 1)); done
    exit 2
    ;;
silent) exit 3 ;;
endless) trap 'echo cleaned up; exit 1' INT; : >started; while :; do sleep 0.05; done ;;
esac
"""


@pytest.fixture
def make(tmp_path: Path) -> str:
    path = tmp_path / "make"
    path.write_text(MAKE)
    path.chmod(0o755)
    return str(path)


def run(make: str, *stages: str) -> tuple[int, Path]:
    logs = Path(make).parent / "logs"
    return parts.main(["--make", make, "--logs", str(logs), *stages]), logs


def test_a_green_run_ends_with_one_line_of_counts(make: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, logs = run(make, "2 good lint", "1 framed")
    out = capsys.readouterr().out
    assert status == 0
    # ten and seven tests, and a part without tests
    assert out.splitlines()[-1] == f"18 passed, 0 failed, 2 skipped; logs in {logs}"
    assert "FAILED" not in out
    assert (logs / "lint.log").read_text() == "All checks passed!\n"


def test_a_red_run_says_last_what_failed_and_why(make: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, logs = run(make, "2 bad good", "2 play silent")
    assert status == 1
    said = capsys.readouterr().out.partition("\nFAILED ")
    assert "\nFAILED " + said[2] == (
        f"\nFAILED bad: exit status 2, log {logs}/bad.log\n"
        "  tests/unit/test_a.py::test_x[one two]\n"
        "  tests/unit/test_b.py\n"
        "    E       AssertionError: assert 0 == 2\n"
        + "".join(
            sorted(
                (
                    f"\nFAILED play: exit status 2, log {logs}/play.log\n"
                    "    fatal: [mail]: FAILED! =>\n        changed: false\n        msg: Postfix does not answer\n",
                    f"\nFAILED silent: exit status 3, log {logs}/silent.log\n\n",
                ),
                key=said[2].find,
            )
        )
        + f"\n17 passed, 4 failed, 2 skipped; logs in {logs}\n"
    )


def test_nothing_starts_after_a_vital_part_has_failed(make: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, logs = run(make, "1 silent!", "2 good lint")
    assert status == 1
    out = capsys.readouterr().out
    assert f"\nNot run: good, lint\n\n0 passed, 1 failed; logs in {logs}\n" in out
    assert not (logs / "good.log").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_its_parts_and_says_so(make: str, tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, parts.__file__, "--make", make, "--logs", "logs", "1 bad", "1 endless", "1 good"]
    # What a shell starts in the background ignores SIGINT.
    child = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    assert child.stdout is not None
    seen = []
    for line in child.stdout:
        seen.append(line)
        if line == "==> endless has started\n":
            break
    # The shell has its trap once this file is there.
    while not (tmp_path / "started").exists():
        os.sched_yield()
    child.send_signal(number)
    try:
        rest, _none = child.communicate(timeout=60)
    finally:
        child.kill()
    assert child.returncode == 130
    assert rest.startswith("==> endless was interrupted (")
    assert (tmp_path / "logs" / "endless.log").read_text() == "cleaned up\n"
    assert rest.endswith("\nInterrupted: endless, good\n\n4 passed, 2 failed; logs in logs\n")
    assert "FAILED bad: exit status 2" in rest
    assert "good has started" not in "".join(seen) + rest
