# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What puts a certificate by ACME in place; a command with the exit statuses of acme-client(1) stands in its place."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "roles" / "tls_pki" / "files" / "acme-certificate"
NAME = "mail.example.test"
CLIENT = """#!/bin/sh
[ "$1" != 0 ] || [ $# = 1 ] || cp "$2" "$3"
[ "$1" != 1 ] || echo "acme-client: https://acme.example.org/directory: bad HTTP: 503" >&2
exit $1
"""


def openssl(*arguments: str, data: str = "") -> str:
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, text=True, check=True).stdout


def leaf(directory: Path, name: str, days: int = 30) -> str:
    """A certificate for ``name`` and the key of the directory, by its authority."""
    (directory / "ext").write_text(f"subjectAltName=DNS:{name},DNS:imap.example.test\n")
    request = openssl("req", "-new", "-key", str(directory / "key"), "-subj", f"/CN={name}")
    return openssl(
        "x509", "-req", "-CA", str(directory / "ca.pem"), "-CAkey", str(directory / "ca.key"), "-CAcreateserial",
        "-days", str(days), "-extfile", str(directory / "ext"), data=request,
    )  # fmt: skip


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("material")
    curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    for name in ("ca.key", "key", "other.key"):
        (directory / name).write_text(openssl("genpkey", *curve))
    authority = openssl("req", "-x509", "-new", "-key", str(directory / "ca.key"), "-subj", "/CN=CA", "-days", "60")
    (directory / "ca.pem").write_text(authority)
    (directory / "chain").write_text(leaf(directory, NAME) + authority)
    (directory / "renewed").write_text(leaf(directory, NAME) + authority)
    (directory / "alone").write_text(leaf(directory, NAME))
    (directory / "foreign").write_text(leaf(directory, "www.example.test") + authority)
    (directory / "expired").write_text(leaf(directory, NAME, days=0) + authority)
    (directory / "encrypted").write_text(
        openssl("pkey", "-aes128", "-passout", "pass:x", data=(directory / "key").read_text())
    )
    return directory


class Files:
    """What a client keeps, and where the daemons read it."""

    def __init__(self, directory: Path, material: Path) -> None:
        self.directory = directory
        for name in ("key", "chain"):
            shutil.copy(material / name, directory / name)
            shutil.copy(material / name, directory / f"to.{name}")
        client = directory / "acme-client"
        client.write_text(CLIENT)
        client.chmod(0o755)

    def run(self, *client: str, options: tuple[str, ...] = ("-r",), name: str = NAME) -> tuple[int, str]:
        paths = [str(self.directory / part) for part in ("key", "chain", "to.key", "to.chain")]
        command = [str(self.directory / "acme-client"), *client] if client else []
        done = subprocess.run(
            ["sh", str(SCRIPT), *options, name, *paths, *command], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    def live(self) -> list[str]:
        return [(self.directory / f"to.{part}").read_text() for part in ("key", "chain")]


@pytest.fixture
def files(tmp_path: Path, material: Path) -> Files:
    return Files(tmp_path, material)


def test_an_unchanged_certificate_is_2_and_for_cron_0(files: Files) -> None:
    assert files.run() == (2, "")
    assert files.run("2") == (2, "")
    assert files.run("2", options=("-r", "-c")) == (0, "")


def test_a_failure_of_the_client_is_1_and_told(files: Files) -> None:
    before = files.live()
    status, said = files.run("1", options=("-c",))
    assert status == 1
    assert "acme-client: https://acme.example.org/directory: bad HTTP: 503" in said
    assert f"{files.directory}/acme-client failed with exit status 1. The old set stays in place." in said
    assert files.live() == before


def test_a_new_certificate_is_0_and_goes_live(files: Files, material: Path) -> None:
    files.directory.joinpath("to.chain").chmod(0o600)
    assert files.run("0", str(material / "renewed"), str(files.directory / "chain")) == (0, "")
    assert files.live() == [(material / "key").read_text(), (material / "renewed").read_text()]
    modes = [(files.directory / f"to.{part}").stat().st_mode & 0o777 for part in ("key", "chain")]
    assert modes == [0o600, 0o644]
    assert sorted(path.name for path in files.directory.iterdir()) == [
        "acme-client",
        "chain",
        "key",
        "to.chain",
        "to.key",
    ]
    assert files.run("2") == (2, "")


@pytest.mark.parametrize(
    ("part", "source", "rule"),
    [
        ("key", "other.key", "{0}/key does not match the first certificate in {0}/chain"),
        ("key", "encrypted", "{0}/key is not a private key without a password"),
        ("key", "/dev/null", "{0}/key or {0}/chain is not there"),
        ("chain", "alone", "{0}/chain has no intermediate certificate"),
        ("chain", "foreign", "the certificate in {0}/chain does not have the name mail.example.test"),
        ("chain", "expired", "the certificate in {0}/chain has expired"),
        ("chain", "key", "{0}/key does not match the first certificate in {0}/chain"),
    ],
)
def test_a_bad_set_leaves_the_old_one(files: Files, material: Path, part: str, source: str, rule: str) -> None:
    before = files.live()
    status, said = files.run("0", str(material / source), str(files.directory / part))
    assert (status, said) == (
        1, f"puffy-mail-certificate: {rule.format(files.directory)}. The old set stays in place.\n"
    )  # fmt: skip
    assert files.live() == before
