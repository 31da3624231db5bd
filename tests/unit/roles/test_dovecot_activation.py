# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's script, against files; what needs a Dovecot is in tests/integration/test_dovecot_role.py."""

from __future__ import annotations

import importlib.util
import json
import os
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SCRIPT = Path(__file__).resolve().parents[3] / "roles" / "dovecot" / "files" / "activation.py"


def write_pair(chain: Path, key: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example.test")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(private, hashes.SHA256())
    )
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


@dataclass(frozen=True)
class Files:
    """A directory as the role leaves one on a host."""

    root: Path

    @property
    def stamp(self) -> Path:
        return self.root / "state" / "activated"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        options = [f"--stamp={self.stamp}"]
        options += [f"--{name}={self.root / name}" for name in ("chain", "key", "database")]
        return subprocess.run(
            [sys.executable, SCRIPT, *options, *arguments], capture_output=True, text=True, check=False
        )

    def compare(self) -> dict[str, Any]:
        done = self.run("compare", *(str(self.root / name) for name in ("configuration", "chain", "key")))
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def failure(self) -> str:
        done = self.run("compare", *(str(self.root / name) for name in ("configuration", "chain", "key")))
        assert (done.returncode, done.stdout) == (1, "")
        ending = ". Dovecot was left as it runs.\n"
        assert done.stderr.endswith(ending)
        return done.stderr.removesuffix(ending)

    def activate(self) -> None:
        self.stamp.parent.mkdir(exist_ok=True)
        self.stamp.write_text(self.compare()["fingerprint"] + "\n")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(tmp_path)
    (tmp_path / "configuration").write_text("protocols = imap lmtp\n")
    write_pair(tmp_path / "chain", tmp_path / "key")
    with sqlite3.connect(tmp_path / "database") as database:
        database.execute("CREATE TABLE domain (domain TEXT, active INTEGER)")
        database.execute("CREATE TABLE mailbox (username TEXT, password TEXT, domain TEXT, quota INT, active INT)")
    return made


def test_nothing_was_activated_yet(files: Files) -> None:
    assert files.compare()["current"] is False
    assert not files.stamp.exists()


def test_what_was_activated_is_current(files: Files) -> None:
    files.activate()
    assert files.compare()["current"] is True


@pytest.mark.parametrize("name", ["configuration", "chain"])
def test_other_content_is_not_current(files: Files, name: str) -> None:
    files.activate()
    path = files.root / name
    before = path.stat()
    path.write_text(path.read_text() + "# more\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert files.compare()["current"] is False


def test_a_file_put_back_is_not_current(files: Files) -> None:
    """Somebody may have reloaded in between; content alone could not tell."""
    files.activate()
    path = files.root / "configuration"
    before = path.stat().st_mtime_ns
    text = path.read_text()
    path.write_text("protocols = imap\n")
    path.write_text(text)
    os.utime(path, ns=(before + 1000, before + 1000))
    assert files.compare()["current"] is False


def test_a_database_that_was_written_to_is_current(files: Files) -> None:
    files.activate()
    with sqlite3.connect(files.root / "database") as database:
        database.execute("INSERT INTO domain VALUES ('example.test', 1)")
    assert files.compare()["current"] is True


def test_another_database_is_not_current(files: Files) -> None:
    """Dovecot's workers keep the old one open."""
    files.activate()
    path = files.root / "database"
    other = files.root / "other"
    other.write_bytes(path.read_bytes())
    other.replace(path)
    assert files.compare()["current"] is False


def test_a_database_that_was_away_is_not_current(files: Files) -> None:
    """A worker may have opened what was there in between."""
    files.activate()
    path = files.root / "database"
    away = path.rename(files.root / "away")
    time.sleep(0.02)
    away.rename(path)
    assert files.compare()["current"] is False


def test_the_stamp_of_an_earlier_release_is_not_current(files: Files) -> None:
    files.activate()
    files.stamp.write_text(files.stamp.read_text().split()[0] + "\n")
    assert files.compare()["current"] is False


def test_key_and_certificate_must_belong_together(files: Files) -> None:
    write_pair(files.root / "elsewhere", files.root / "key")
    assert files.failure().startswith(f"{files.root}/key is not the key of the certificate in {files.root}/chain (")


def test_the_database_must_hold_what_the_queries_read(files: Files) -> None:
    with sqlite3.connect(files.root / "database") as database:
        database.execute("ALTER TABLE mailbox RENAME COLUMN active TO enabled")
    assert (
        files.failure()
        == f"the database {files.root}/database does not serve Dovecot's queries: no such column: active"
    )


def test_a_missing_database_is_named(files: Files) -> None:
    (files.root / "database").unlink()
    assert files.failure().startswith(f"the database {files.root}/database does not serve Dovecot's queries: unable to")
    assert not (files.root / "database").exists()


def test_a_missing_certificate_is_named(files: Files) -> None:
    (files.root / "chain").unlink()
    assert files.failure() == f"{files.root}/chain cannot be read: No such file or directory"


def test_a_module_or_a_login_class_that_came_after_the_start_is_seen(tmp_path: Path) -> None:
    specification = importlib.util.spec_from_file_location("activation", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    activation = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(activation)
    pid, module = tmp_path / "master.pid", tmp_path / "modules" / "auth" / "libauthdb_ldap.so"
    module.parent.mkdir(parents=True)
    module.touch()
    login_class = tmp_path / "login.conf.d" / "dovecot"
    arguments = ([str(pid)], [str(tmp_path / "modules")], str(login_class))
    assert activation.outdated(*arguments) is False
    pid.touch()
    later = module.stat().st_ctime + 60
    os.utime(pid, (later, later))
    assert activation.outdated(*arguments) is False
    login_class.parent.mkdir()
    login_class.touch()
    assert activation.outdated(*arguments) is False
    os.utime(login_class, (later + 60, later + 60))
    assert activation.outdated(*arguments) is True
    login_class.unlink()
    os.utime(pid, (later - 120, later - 120))
    assert activation.outdated(*arguments) is True


def test_no_proof_no_record(files: Files) -> None:
    files.compare()
    done = files.run(
        "prove", "--hostname=mail.example.test", "--timeout=0.1", "--fingerprint=0", f"--auth={files.root}/socket"
    )
    assert done.returncode == 1
    assert not files.stamp.exists()
