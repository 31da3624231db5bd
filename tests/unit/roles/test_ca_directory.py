# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hash links of a directory of CAs, made by OpenSSL's rehash, and by certhash where there is no rehash."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "roles" / "tls_pki" / "files" / "ca-directory"
#: LibreSSL's openssl(1) as far as it matters here: it has certhash, which takes all links away and makes them anew.
LIBRESSL = """#!/bin/sh
case $1 in
rehash) echo "openssl:Error: 'rehash' is an invalid command." >&2; exit 1 ;;
certhash)
    cd "$2" || exit 1
    rm -f *.[0-9]*
    for file in *.pem; do
        number=0
        hash=$({0} x509 -in "$file" -noout -hash)
        while [ -e "$hash.$number" ]; do number=$((number + 1)); done
        ln -s "$file" "$hash.$number"
        echo "$file => $hash.$number"
    done ;;
*) exec {0} "$@" ;;
esac
"""


class Directory:
    def __init__(self, directory: Path, program: Path) -> None:
        self.directory = directory / "cas"
        self.directory.mkdir()
        self.program = program

    def add(self, name: str, subject: str) -> None:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9",
             "-subj", f"/CN={subject}", "-keyout", os.devnull, "-out", self.directory / f"{name}.pem"],
            check=True, capture_output=True,
        )  # fmt: skip

    def run(self, *more: str) -> str:
        path = f"{self.program}:{os.environ['PATH']}"
        done = subprocess.run(
            ["sh", str(SCRIPT), str(self.directory), *more],
            capture_output=True, text=True, check=True, env={**os.environ, "PATH": path},
        )  # fmt: skip
        return done.stdout

    def links(self) -> set[tuple[str, str]]:
        return {(path.name[:-1], str(path.readlink())) for path in self.directory.iterdir() if path.is_symlink()}

    def wanted(self) -> set[tuple[str, str]]:
        found = set()
        for path in self.directory.glob("*.pem"):
            said = subprocess.run(
                ["openssl", "x509", "-in", path, "-noout", "-hash"], capture_output=True, text=True, check=True
            )
            found.add((f"{said.stdout.strip()}.", path.name))
        return found


@pytest.fixture(params=["rehash", "certhash"])
def directory(request: pytest.FixtureRequest, tmp_path: Path) -> Directory:
    program = tmp_path / "bin"
    program.mkdir()
    if request.param == "certhash":
        (program / "openssl").write_text(LIBRESSL.replace("{0}", str(shutil.which("openssl"))))
        (program / "openssl").chmod(0o755)
    return Directory(tmp_path, program)


def test_links_are_made_once_and_follow_the_certificates(directory: Directory) -> None:
    directory.add("one", "One")
    # Another certificate of the same subject has the same hash.
    directory.add("one-renewed", "One")
    assert directory.run("check") == "changed\n"
    assert directory.links() == set()
    assert directory.run() == "changed\n"
    assert directory.links() == directory.wanted()
    assert len(directory.links()) == 2
    assert (directory.run("check"), directory.run()) == ("", "")

    directory.add("two", "Two")
    (directory.directory / "one.pem").unlink()
    assert directory.run("check") == "changed\n"
    assert directory.run() == "changed\n"
    assert directory.links() == directory.wanted()
    assert directory.run() == ""
