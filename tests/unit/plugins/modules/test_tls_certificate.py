# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""tls_certificate with openssl replaced: its answers in OpenSSL and LibreSSL, files, modes, diffs."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.puffy.mail.plugins.module_utils import _command, _files
from ansible_collections.puffy.mail.plugins.modules import tls_certificate
from ansible_collections.puffy.mail.tests.harness.arguments import patch_module_args

PEM = serialization.Encoding.PEM
KEYS = [ec.generate_private_key(ec.SECP256R1()) for _dummy in range(2)]


def private(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


def certificate(key: ec.EllipticCurvePrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example.org")])
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Root")]))
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30, hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("mail.example.org")]), critical=False)
        .sign(KEYS[0], hashes.SHA256())
        .public_bytes(PEM)
        .decode()
    )


CHAINS = [certificate(key) for key in KEYS]
OK = (0, "leaf.pem: OK\n", "")


@pytest.fixture
def openssl(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The openssl that the module meets: what verify answers, and the commands that ran."""
    state: dict[str, Any] = {"verify": OK, "ran": []}

    def run(argv: list[str], *, data: str = "", check: bool = True) -> _command.Result:
        state["ran"].append([os.path.basename(word) for word in argv])
        if argv[1] == "pkey":
            key = serialization.load_pem_private_key(data.encode(), None)
            form = serialization.PublicFormat.SubjectPublicKeyInfo
            return _command.Result(tuple(argv), 0, key.public_key().public_bytes(PEM, form).decode(), "")
        rc, out, err = state["verify"]
        return _command.Result(tuple(argv), rc, out, err)

    monkeypatch.setattr(_command, "run", run)
    monkeypatch.setattr(_command, "require", lambda name, **_dummy: f"/usr/bin/{name}")
    return state


class Set:
    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.key, self.chain, self.ca = (directory / name for name in ("k.pem", "c.pem", "ca.pem"))
        self.capsys = capsys

    def __call__(self, *, check: bool = False, **arguments: Any) -> dict[str, Any]:
        wanted = {"key_file": str(self.key), "chain_file": str(self.chain), **arguments}
        with patch_module_args({**wanted, "_ansible_check_mode": check}), pytest.raises(SystemExit):
            tls_certificate.main()
        result = json.loads(self.capsys.readouterr().out)
        assert isinstance(result, dict)
        return result


@pytest.fixture
def served(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Set:
    return Set(tmp_path, capsys)


def test_a_set_goes_in_with_its_modes_and_no_key_in_the_diff(served: Set, openssl: dict[str, Any]) -> None:
    wish = {"key": private(KEYS[0]), "chain": CHAINS[0], "ca": CHAINS[0], "ca_file": str(served.ca)}
    predicted = served(check=True, **wish)
    assert (predicted["changed"], served.key.exists()) == (True, False)
    result = served(**wish)
    assert result["diff"] == predicted["diff"]
    assert (served.key.read_text(), served.chain.read_text()) == (private(KEYS[0]), CHAINS[0])
    assert served.ca.read_text() == CHAINS[0]
    assert [path.stat().st_mode & 0o777 for path in (served.key, served.chain, served.ca)] == [0o600, 0o644, 0o644]
    assert result["diff"][0]["after"] == "mode 0600\n(a private key)\n"
    assert (result["days_left"], result["subject"], result["issuer"]) == (30, "CN=mail.example.org", "CN=Root")
    assert not served(**wish)["changed"]
    assert openssl["ran"][:2] == [
        ["openssl", "pkey", "-pubout", "-passin", "pass:"],
        ["openssl", "verify", "-purpose", "sslserver", "-CAfile", "ca.pem", "-untrusted", "chain.pem", "leaf.pem"],
    ]


def test_a_new_key_and_a_lax_mode_are_told_apart_in_the_diff(served: Set, openssl: dict[str, Any]) -> None:
    served(key=private(KEYS[0]), chain=CHAINS[0])
    served.key.chmod(0o644)
    lax = served(chain=CHAINS[0])
    assert [(entry["before"], entry["after"]) for entry in lax["diff"]] == [
        ("mode 0644\n(a private key)\n", "mode 0600\n(a private key)\n")
    ]
    another = served(key=private(KEYS[1]), chain=CHAINS[1])
    assert another["diff"][0]["after"] == "mode 0600\n(a private key)\n(another key)\n"


VERIFICATIONS = [
    ((2, "", "CN=mail\nerror 20 at 0 depth lookup: unable to get local issuer certificate\nerror leaf.pem:"
     " verification"
      " failed\n"), "error 20 at 0 depth lookup: unable to get local issuer certificate"),
    ((2, "leaf.pem: verification failed: 20 (unable to get local issuer certificate)\n", ""),
     "verification failed: 20 (unable to get local issuer certificate)"),
    ((0, "", ""), "nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "said"), VERIFICATIONS)
def test_what_openssl_and_libressl_refuse_is_refused(
    served: Set, openssl: dict[str, Any], answer: tuple[int, str, str], said: str
) -> None:
    served(key=private(KEYS[0]), chain=CHAINS[0])
    openssl["verify"] = answer
    result = served(key=private(KEYS[1]), chain=CHAINS[1])
    assert result["msg"] == (
        f"the certificate CN=mail.example.org does not lead to a trusted root: openssl says {said!r}. Nothing"
        " was changed;"
        " the old set stays in place."
    )
    assert (served.key.read_text(), served.chain.read_text()) == (private(KEYS[0]), CHAINS[0])


FAILURES = [
    ({}, "state is present but all of the following are missing: chain"),
    ({"chain": CHAINS[0]}, "{key}: does not exist. Nothing was changed; the old set stays in place."),
    ({"chain": CHAINS[0], "key": "junk"}, "key: has no private key; a PEM file with '-----BEGIN PRIVATE"
     " KEY-----' is expected."
     " Nothing was changed; the old set stays in place."),
    ({"chain": CHAINS[0], "names": ["mail"]}, "'mail' is not a fully qualified domain name: two or more labels"
     " of letters,"
     " digits and hyphens, such as 'mail.example.org', and it is no IP address either. Nothing was changed; the"
     " old set stays"
     " in place."),
    ({"chain": CHAINS[0], "ca": CHAINS[0]}, "missing parameter(s) required by 'ca': ca_file"),
    ({"state": "checked"}, "{key}: does not exist. Nothing was changed."),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), FAILURES)
def test_failures(served: Set, openssl: dict[str, Any], arguments: dict[str, Any], message: str) -> None:
    result = served(**arguments)
    assert (result["failed"], result["msg"]) == (True, message.format(key=served.key))
    assert not served.chain.exists()


def test_a_rename_that_fails_leaves_nothing_beside(
    served: Set, openssl: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served(key=private(KEYS[0]), chain=CHAINS[0])

    def refuse(source: str, target: str, **_dummy: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    assert "cannot be replaced: No space left on device" in served(key=private(KEYS[1]), chain=CHAINS[1])["msg"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.pem", "k.pem"]
    assert served.key.read_text() == private(KEYS[0])


def test_a_second_rename_that_fails_takes_the_first_one_back(
    served: Set, openssl: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served(key=private(KEYS[0]), chain=CHAINS[0])
    real = os.replace

    def refuse(source: str, target: str, **directories: int) -> None:
        if target.endswith(served.chain.name):
            raise OSError(5, "Input/output error")
        real(source, target, **directories)

    monkeypatch.setattr(os, "replace", refuse)
    said = served(key=private(KEYS[1]), chain=CHAINS[1])["msg"]
    assert "c.pem: cannot be replaced: Input/output error" in said
    assert said.endswith("The old set is in place.")
    assert (served.key.read_text(), served.chain.read_text()) == (private(KEYS[0]), CHAINS[0])
    # Where there was no set before, there is none after it.
    for path in (served.key, served.chain):
        path.unlink()
    assert served(key=private(KEYS[1]), chain=CHAINS[1])["failed"]
    assert list(tmp_path.iterdir()) == []


def test_a_key_of_another_owner_is_refused_or_taken(
    served: Set, openssl: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    served(key=private(KEYS[0]), chain=CHAINS[0])
    real = _files.read
    me = os.geteuid()

    def read(path: str) -> _files.FileState | None:
        state = real(path)
        return dataclasses.replace(state, uid=me + 1000) if state and path == str(served.key) else state

    monkeypatch.setattr(_files, "read", read)
    said = served(state="checked")["msg"]
    assert said == (
        f"{served.key}: the owner is the user with the id {me + 1000}, who can read the key. Make root the owner."
        " Nothing was changed."
    )
    taken = served(key=private(KEYS[0]), chain=CHAINS[0])
    assert [(entry["before"], entry["after"]) for entry in taken["diff"]] == [
        (f"mode 0600\n(a private key)\nowner {me + 1000}\n", f"mode 0600\n(a private key)\nowner {me}\n")
    ]
    assert served.key.stat().st_uid == me


def test_check_mode_before_the_certificate_is_issued(served: Set, openssl: dict[str, Any]) -> None:
    result = served(chain="", pending=True, check=True)
    assert result["changed"] is True
    assert not served.chain.exists()
    assert "does not exist" in served(chain="", check=True)["msg"]
    assert "does not exist" in served(chain="", pending=True)["msg"]
