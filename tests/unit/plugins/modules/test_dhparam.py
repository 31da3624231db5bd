# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""dhparam with the search replaced: what starts it, what is taken, what is refused."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils import _command
from ansible_collections.puffy.mail.plugins.module_utils._tls import dhparam as _dhparam
from ansible_collections.puffy.mail.plugins.module_utils._tls import libcrypto
from ansible_collections.puffy.mail.plugins.modules import dhparam
from ansible_collections.puffy.mail.tests.harness.arguments import patch_module_args

#: A safe prime of 2048 bits that no RFC names, found by openssl dhparam.
OWN = """-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEAqNpxILDsmBU26OCo5ok2Mcl2uMYhSzCK5KfFslWuwBytK1dQ4ryb
rPpmxGAlR99VrPd+3X1op8b7Ico4YkZkBQoW+LVJXENMH1mpBhb/LVQeCGv7ZJtr
NBIvZ8xFHw1j8X6SNjQw3HetlyESul4NBzMQH8tRl2JM3fvc+OG2ZCninDSBPxRW
UVvVKrnccKtDfNLYELFrKNCLXW9rKgtpl7PhruEbDQGCdz2fgoqpII2GQWRW2bMs
xN1wRjgY/iPJtrWtXK6DBcAVwyRDB6f3R5gaFTMtfnuXwL8mo2LSCMigk5yXBa25
vrBdftO/T+XHf5rOreXDkSI9pJB3WTbIvwIBAg==
-----END DH PARAMETERS-----
"""


def run(capsys: pytest.CaptureFixture[str], *, check: bool = False, **arguments: Any) -> dict[str, Any]:
    """Run the module in this process and return what it printed."""
    with patch_module_args({**arguments, "_ansible_check_mode": check}), pytest.raises(SystemExit):
        dhparam.main()
    result = json.loads(capsys.readouterr().out)
    assert isinstance(result, dict)
    return result


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], int, float]]:
    """The searches that were started; each finds the same parameters."""
    started: list[tuple[list[str], int, float]] = []

    def race(argv: list[str], workers: int, *, timeout: float, accept: Any) -> _command.Result:
        started.append((argv[1:], workers, timeout))
        for answer in ("junk", _dhparam.render(_dhparam.DhParameters(2**2047 + 1, 2)), OWN):
            result = _command.Result(tuple(argv), 0, answer, "")
            if accept(result):
                return result
        raise _command.CommandError("nothing was found")

    monkeypatch.setattr(libcrypto, "load", lambda: None)
    monkeypatch.setattr(_command, "race", race)
    return started


def test_a_search_takes_the_first_usable_find(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], searches: list[Any]
) -> None:
    path = tmp_path / "dh.pem"
    predicted = run(capsys, check=True, path=str(path), bits=2048)
    assert (predicted["changed"], searches, path.exists()) == (True, [], False)
    result = run(capsys, path=str(path), bits=2048, workers=3, timeout=9)
    assert searches == [(["dhparam", "2048"], 3, 9.0)]
    assert path.read_text() == OWN
    assert path.stat().st_mode & 0o777 == 0o644
    assert result["diff"] == predicted["diff"]
    assert (result["bits"], result["known_group"], result["reason"]) == (2048, "", "the file does not exist")
    assert not run(capsys, path=str(path), bits=2048)["changed"]
    assert len(searches) == 1


REPLACED = [
    (_dhparam.render(_dhparam.DhParameters(2**521 - 1, 2)), {}, "the parameters have 521 bits"),
    (
        _dhparam.render(_dhparam.DhParameters(2**2048 - 5, 2)),
        {},
        "the parameters are unsafe: the modulus is not a safe prime (p and (p-1)/2 prime)",
    ),
    (_dhparam.render(_dhparam.group("ffdhe3072")), {}, "the parameters have 3072 bits"),
    (_dhparam.render(_dhparam.group("ffdhe2048")), {"force": True}, "force is true"),
    ("junk", {"force": True}, "the file has no DH parameters"),
]


@pytest.mark.parametrize(("text", "more", "reason"), REPLACED)
def test_what_is_replaced_and_why(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    searches: list[Any],
    text: str,
    more: dict[str, Any],
    reason: str,
) -> None:
    path = tmp_path / "dh.pem"
    path.write_text(text)
    path.chmod(0o600)
    result = run(capsys, path=str(path), bits=2048, **more)
    assert (result["changed"], result["reason"]) == (True, reason)
    assert path.read_text() == OWN
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_known_group_of_the_size_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "dh.pem"
    path.write_text(_dhparam.render(_dhparam.group("ffdhe2048")))
    result = run(capsys, path=str(path), bits=2048)
    assert (result["changed"], result["known_group"]) == (False, "ffdhe2048")


def test_a_group_is_written_without_a_search(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], searches: list[Any]
) -> None:
    path = tmp_path / "dh.pem"
    path.write_text(OWN)
    result = run(capsys, path=str(path), group="ffdhe4096")
    assert (result["changed"], result["reason"]) == (True, "the parameters are not ffdhe4096")
    assert path.read_text() == _dhparam.render(_dhparam.group("ffdhe4096"))
    assert searches == []
    assert not run(capsys, path=str(path), group="ffdhe4096", force=True)["changed"]


FAILURES = [
    ({"bits": 512}, "bits is 512. Use a multiple of 8 from 2048 to 8192. Nothing was changed."),
    ({"bits": 2049}, "bits is 2049. Use a multiple of 8 from 2048 to 8192. Nothing was changed."),
    ({"bits": 2048, "workers": 0}, "workers is 0. Use 1 to 256. Nothing was changed."),
    ({"bits": 2048, "timeout": 0}, "timeout is 0. Use at least 1 second. Nothing was changed."),
    ({"bits": 2048, "group": "ffdhe2048"}, "parameters are mutually exclusive: bits|group"),
    ({}, "one of the following is required: bits, group"),
    (
        {"group": "ffdhe1024"},
        "value of group must be one of: ffdhe2048, ffdhe3072, ffdhe4096, ffdhe6144, ffdhe8192, got: ffdhe1024",
    ),
    (
        {"bits": 2048},
        "{path}: has no DH parameters; '-----BEGIN DH PARAMETERS-----' is expected. Use 'force: true' to replace a"
        " file that has no DH parameters. Nothing was changed.",
    ),
    ({"path": "/nonexistent/dh.pem", "bits": 2048}, "/nonexistent/dh.pem: the directory does not exist. Make it first."
     " Nothing was changed."),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), FAILURES)
def test_failures_leave_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], searches: list[Any], arguments: dict[str, Any], message: str
) -> None:
    path = tmp_path / "dh.pem"
    path.write_text("junk")
    result = run(capsys, **{"path": str(path), **arguments})
    assert (result["failed"], result["msg"]) == (True, message.format(path=path))
    assert path.read_text() == "junk"
    assert searches == []


# -- the search with the library that Python is linked to --------------------------------------------------------------


@pytest.fixture
def library() -> Any:
    found = libcrypto.load()
    assert found is not None
    return found


@pytest.mark.parametrize("workers", [1, 3])
def test_the_library_finds_a_safe_prime(library: Any, workers: int) -> None:
    found = dhparam.sieved_search(library, 256, workers, 60.0)
    assert (found.bits, found.g, found.p % 24) == (256, 2, 23)
    assert _dhparam.is_safe_prime(found.p)
    # What two generates is the large subgroup.
    assert pow(2, (found.p - 1) // 2, found.p) == 1


#: Numbers of 256 bits that are 23 modulo 24: a safe prime, a prime that is not safe, and a number that is no prime.
SAFE_PRIME = 0xDCEAD21D7734D7C1C7FDE805EC99108DDB5B5FAB8F4D3E27DDA1494C73D2CF2F
PRIME = 0xDCEAD21D7734D7C1C7FDE805EC99108DDB5B5FAB8F4D3E27DDA1494C73D02E3F
COMPOSITE = SAFE_PRIME - 24


def test_a_number_that_only_seems_to_be_a_safe_prime_is_not_taken(
    library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Liar(libcrypto.Libcrypto):
        def passes_fermat(self, number: int) -> bool:
            return number > 0

    real = _dhparam.problem
    judged: list[int] = []

    def judge(parameters: _dhparam.DhParameters) -> str:
        judged.append(parameters.p)
        return real(parameters)

    numbers = itertools.chain([COMPOSITE, PRIME, SAFE_PRIME], itertools.repeat(COMPOSITE))
    monkeypatch.setattr(libcrypto, "Libcrypto", Liar)
    monkeypatch.setattr(_dhparam, "candidates", lambda _bits: numbers)
    monkeypatch.setattr(_dhparam, "problem", judge)
    found = dhparam.sieved_search(library, 256, 1, 60.0)
    assert found == _dhparam.DhParameters(SAFE_PRIME, 2)
    assert judged == [COMPOSITE, PRIME, SAFE_PRIME]


def test_time_that_runs_out_ends_the_search(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "dh.pem"
    path.write_text(_dhparam.render(_dhparam.group("ffdhe2048")))
    before = path.read_text()
    others = threading.enumerate()
    result = run(capsys, path=str(path), bits=8192, workers=2, timeout=1)
    assert result["msg"] == (
        f"{path}: no new DH parameters: the search for a safe prime of 8192 bits on 2 cores did not end within 1"
        " seconds and was stopped. The file is as it was."
    )
    assert path.read_text() == before
    assert not [thread for thread in threading.enumerate() if thread not in others]


def test_the_library_tells_primes_from_composites(library: Any) -> None:
    user = libcrypto.Libcrypto(library)
    for number in range(5, 3000, 2):
        # 341 and the like: what passes for base 2 without being prime is known (OEIS A001567).
        prime = all(number % divisor for divisor in range(3, int(number**0.5) + 1, 2))
        pseudoprime = number in (341, 561, 645, 1105, 1387, 1729, 1905, 2047, 2465, 2701, 2821)
        assert user.passes_fermat(number) == (prime or pseudoprime), number
    user.close()


def test_a_library_that_calculates_wrong_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libcrypto.Libcrypto, "passes_fermat", lambda *_numbers: True)
    assert libcrypto.load() is None


# -- the race itself, with small programs in place of openssl ----------------------------------------------------------


def race(script: str, workers: int = 2, timeout: float = 120.0) -> _command.Result:
    return _command.race(["/bin/sh", "-c", script], workers, timeout=timeout, accept=lambda result: bool(result.stdout))


def test_the_first_to_find_ends_the_others(tmp_path: Path) -> None:
    # Whoever makes the directory finds; the other would sleep for a minute, and its child too.
    script = f"if mkdir {tmp_path}/won; then echo found; else sleep 61; fi"
    assert race(script, workers=3, timeout=120).stdout == "found\n"
    assert no_process_with("sleep\x0061")


def test_time_that_runs_out_ends_all() -> None:
    with pytest.raises(_command.CommandError, match=r"in 2 processes did not end within 0\.2 seconds and was stopped$"):
        race("sleep 62", timeout=0.2)
    assert no_process_with("sleep\x0062")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo broken >&2; exit 3", "failed with exit status 3: broken$"),
        ("exit 0", "ended without a usable answer$"),
    ],
)
def test_a_race_that_nobody_wins_is_an_error(script: str, message: str) -> None:
    with pytest.raises(_command.CommandError, match=message):
        race(script)


def test_a_worker_that_cannot_be_started_is_an_error() -> None:
    with pytest.raises(_command.CommandError, match="could not be started: "):
        _command.race(["/nonexistent"], 2, timeout=1, accept=bool)


def no_process_with(words: str) -> bool:
    """Whether no process has ``words`` in its command line, once those that were killed have had a moment to end."""
    deadline = time.monotonic() + 60
    while any(words in line for line in command_lines()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def command_lines() -> Iterator[str]:
    """The command line of each process."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield entry.read_text(errors="replace")
