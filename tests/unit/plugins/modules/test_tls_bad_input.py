# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is no key, certificate, chain or DH file where one is expected: a sentence each, and nothing replaced.

With the real openssl of the control side, or with a program in its place that fails.
"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ansible_collections.puffy.mail.plugins.module_utils import _command
from ansible_collections.puffy.mail.plugins.module_utils._tls import dhparam as _dhparam
from ansible_collections.puffy.mail.plugins.module_utils._tls import libcrypto
from ansible_collections.puffy.mail.plugins.modules import dhparam, private_ca, tls_certificate
from ansible_collections.puffy.mail.tests.harness.arguments import patch_module_args

PEM = serialization.Encoding.PEM
NAME = "mail.example.org"
NOW = datetime.datetime.now(datetime.timezone.utc)
ROOT_KEY, KEY = (ec.generate_private_key(ec.SECP256R1()) for _dummy in range(2))


def certificate(subject: str, key: Any, *, authority: bool, begin: int = -1) -> str:
    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    builder = (
        x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name("Root")).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + datetime.timedelta(days=begin)).not_valid_after(NOW + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )  # fmt: skip
    if not authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(ROOT_KEY, hashes.SHA256()).public_bytes(PEM).decode()


GOOD = {
    "key_file": KEY.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode(),
    "chain_file": certificate(NAME, KEY, authority=False),
    "ca_file": certificate("Root", ROOT_KEY, authority=True),
    "path": _dhparam.render(_dhparam.group("ffdhe2048")),
}


class Host:
    """A directory with a good set, and the modules run in this process."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.directory = directory / "files"
        self.directory.mkdir()
        self.capsys = capsys
        for name, text in GOOD.items():
            (self.directory / name).write_text(text)
            (self.directory / name).chmod(0o600)

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for path in sorted(self.directory.rglob("*")):
            kind = path.read_bytes() if path.is_file() and not path.is_symlink() else "no regular file"
            found[str(path.relative_to(self.directory))] = (kind, path.lstat().st_mode, path.lstat().st_mtime_ns)
        return found

    def fails(self, main: Callable[[], None], **arguments: Any) -> str:
        """Run a module that must fail and touch nothing; return what it says."""
        before = self.state()
        with patch_module_args(arguments), pytest.raises(SystemExit):
            main()
        result = json.loads(self.capsys.readouterr().out)
        assert result.get("failed"), result
        assert self.state() == before
        said: str = result["msg"]
        assert "\n" not in said
        assert "Traceback" not in said
        return said.replace(f"{self.directory}/", "")

    def check(self, **more: Any) -> str:
        paths = {name: str(self.directory / name) for name in ("key_file", "chain_file", "ca_file")}
        return self.fails(tls_certificate.main, **{"state": "checked", "names": [NAME], **paths, **more})


@pytest.fixture
def host(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Host:
    return Host(tmp_path, capsys)


def test_the_good_set_has_no_problem(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    paths = {name: str(host.directory / name) for name in ("key_file", "chain_file", "ca_file")}
    with patch_module_args({"state": "checked", "names": [NAME], **paths}), pytest.raises(SystemExit):
        tls_certificate.main()
    assert not json.loads(capsys.readouterr().out).get("failed")


def spoil(path: Path, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = path.read_text()
    path.unlink()
    if how == "junk":
        path.write_text("junk\n")
    elif how == "bytes":
        path.write_bytes(bytes(range(256)))
    elif how == "empty":
        path.write_text("")
    elif how == "truncated":
        path.write_text(text[: len(text) // 2])
    elif how == "directory":
        path.mkdir()
    elif how == "loop":
        path.symlink_to(path.name)
    elif how == "dangling":
        path.symlink_to("nothing")
    elif how == "pipe":
        os.mkfifo(path)
    elif how == "unreadable":
        path.write_text(text)
        real = os.open

        def refuse(name: Any, *arguments: Any, **more: Any) -> int:
            if str(name) in (str(path), path.name):
                raise PermissionError(13, "Permission denied")
            return real(name, *arguments, **more)

        # root reads everything, and tests may run as root.
        monkeypatch.setattr(os, "open", refuse)
    path_mode = 0o600
    if path.is_file():
        path.chmod(path_mode)


SAID = {
    "directory": "{0}: is not a regular file",
    "loop": "{0}: cannot be read: Too many levels of symbolic links",
    "dangling": "{0}: is a symbolic link to 'nothing', which does not exist",
    "pipe": "{0}: is not a regular file",
    "unreadable": "{0}: cannot be read: Permission denied",
    "truncated": "{0}: a PEM block begins and does not end; the file is truncated or damaged",
}
FILE_ERRORS = set(SAID) - {"truncated"}
NONE = {
    "key_file": "{0}: has no private key; a PEM file with '-----BEGIN PRIVATE KEY-----' is expected",
    "chain_file": "{0}: has no certificate; a PEM file with '-----BEGIN CERTIFICATE-----' is expected",
    "ca_file": "{0}: has no certificate; a PEM file with '-----BEGIN CERTIFICATE-----' is expected",
    "path": "{0}: has no DH parameters; '-----BEGIN DH PARAMETERS-----' is expected",
}


@pytest.mark.parametrize("how", ["junk", "bytes", "empty", *SAID])
@pytest.mark.parametrize("where", list(GOOD))
def test_what_is_there_instead_of_the_file(host: Host, where: str, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = host.directory / where
    before = path.read_text()
    spoil(path, how, monkeypatch)
    # The state is taken with pathlib, which has its own way to open.
    if how == "unreadable":
        monkeypatch.setattr(Host, "state", lambda self: (self.directory / where).stat())
    rule = SAID.get(how, NONE[where]).format(where)
    if where == "path" and how == "loop":
        rule = rule.replace("read", "used")
    if where == "path":
        said = host.fails(dhparam.main, path=str(path), group="ffdhe3072")
        cure = "" if how in FILE_ERRORS else "Use 'force: true' to replace a file that has no DH parameters. "
        assert said == f"{rule}. {cure}Nothing was changed."
    else:
        assert host.check() == f"{rule}. Nothing was changed."
    assert before


def test_512_bits_and_a_group_that_does_not_exist(host: Host) -> None:
    path = str(host.directory / "path")
    said = host.fails(dhparam.main, path=path, bits=512)
    assert said == "bits is 512. Use a multiple of 8 from 2048 to 8192. Nothing was changed."
    assert "value of group must be one of: ffdhe2048, ffdhe3072" in host.fails(
        dhparam.main, path=path, group="modp2048"
    )


@pytest.mark.parametrize("name", ["mail", "a b.example.org", "-x.example.org", "1.2.3", "", "mail..example.org"])
def test_sans_that_are_no_names(host: Host, name: str) -> None:
    said = host.check(names=[name])
    assert said.startswith(f"{name!r} is not a fully qualified domain name")
    assert said.endswith("and it is no IP address either. Nothing was changed.")
    directory = str(host.directory / "pki")
    request = {"name": NAME, "names": [name], "request": "none"}
    said = host.fails(private_ca.main, directory=directory, requests=[request])
    assert said.startswith(f"{name!r} is not a fully qualified domain name")
    assert said.endswith(". Nothing was changed.")


def test_a_key_of_1024_bits(host: Host) -> None:
    small = rsa.generate_private_key(65537, 1024)  # noqa: S505
    form = serialization.PrivateFormat.PKCS8
    (host.directory / "key_file").write_bytes(small.private_bytes(PEM, form, serialization.NoEncryption()))
    (host.directory / "chain_file").write_text(certificate(NAME, small, authority=False))
    assert host.check() == (
        f"chain_file: the RSA key of CN={NAME} has 1024 bits; at least 2048 are needed, or OpenSSL serves no TLS with"
        " it. Nothing was changed."
    )


def test_a_clock_before_not_before(host: Host) -> None:
    (host.directory / "chain_file").write_text(certificate(NAME, KEY, authority=False, begin=2))
    said = host.check()
    assert said.startswith(f"chain_file: the certificate CN={NAME} is not valid before ")
    assert said.endswith("; set the clock, or wait. Nothing was changed.")


HANGS = "exec sleep 60"
#: Programs in the place of openssl, and what is said of them.
IMPOSTORS = [
    (None, "the command 'openssl' was not found in "),
    (HANGS, "did not end within 0.5 seconds and was stopped"),
    ("kill -SEGV $$", "/openssl pkey was ended by signal 11; it does not work here"),
    ("exit 0", "did not print the public one"),
]


@pytest.fixture(params=IMPOSTORS, ids=["missing", "hangs", "crashes", "says nothing"])
def impostor(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str | None, str]:
    script, said = request.param
    directory = tmp_path / "bin"
    directory.mkdir()
    if script is not None:
        (directory / "openssl").write_text(f"#!/bin/sh\n{script}\n")
        (directory / "openssl").chmod(0o755)
    real = _command.run

    def run(argv: list[str], **more: Any) -> _command.Result:
        # Only the program that hangs is given little time: the others may be slow on a busy machine.
        return real(argv, **{"timeout": 0.5 if script == HANGS else 60, **more})

    monkeypatch.setattr(_command, "SEARCH_PATH", (str(directory),))
    monkeypatch.setattr(_command, "run", run)
    monkeypatch.setattr(libcrypto, "load", lambda: None)
    return script, said


def test_an_openssl_that_cannot_be_used_for_a_set(host: Host, impostor: tuple[str | None, str]) -> None:
    _script, said = impostor
    answer = host.check()
    assert said in answer
    assert answer.endswith(". Nothing was changed.")


def test_an_openssl_that_cannot_be_used_for_a_search(host: Host, impostor: tuple[str | None, str]) -> None:
    script, _said = impostor
    answer = host.fails(
        dhparam.main, path=str(host.directory / "path"), bits=3072, timeout=1 if script == HANGS else 60
    )
    expected = {
        None: "the command 'openssl' was not found in ",
        HANGS: " did not end within 1 seconds and was stopped",
        "kill -SEGV $$": "/openssl dhparam 3072 failed with exit status -11",
        "exit 0": "/openssl dhparam 3072 ended without a usable answer",
    }[script]
    assert answer.startswith("path: no new DH parameters: ")
    assert expected in answer
    assert answer.endswith(". The file is as it was.")
