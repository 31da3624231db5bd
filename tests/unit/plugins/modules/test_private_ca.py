# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""private_ca: what it makes, what it keeps, what it issues anew and why, and what it refuses."""

from __future__ import annotations

import base64
import datetime
import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import verification
from cryptography.x509.oid import NameOID

from ansible_collections.puffy.mail.plugins.module_utils import _files
from ansible_collections.puffy.mail.plugins.modules import private_ca
from ansible_collections.puffy.mail.tests.harness.arguments import patch_module_args

KEY = ec.generate_private_key(ec.SECP256R1())


def request(key: Any = KEY, name: str = "ignored.example.org") -> str:
    """A certificate request; the names in it do not count."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


REQUEST = request()


class Ca:
    """The module over one directory."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.directory = directory
        self.capsys = capsys

    def __call__(self, *, check: bool = False, **arguments: Any) -> dict[str, Any]:
        wanted = {"directory": str(self.directory), **arguments, "_ansible_check_mode": check}
        with patch_module_args(wanted), pytest.raises(SystemExit):
            private_ca.main()
        result = json.loads(self.capsys.readouterr().out)
        assert isinstance(result, dict)
        return result

    def server(self, current: str = "", **more: Any) -> dict[str, Any]:
        """Have one server certificate; the arguments of the request and of the module in one."""
        entry = {"name": "mail.example.org", "request": REQUEST, "current": current}
        entry.update({key: more.pop(key) for key in ("name", "request", "names") if key in more})
        result = self(requests=[entry], **more)
        assert not result.get("failed"), result
        return {**result, "server": result["certificates"][entry["name"]]}

    def files(self) -> dict[str, tuple[bytes, int]]:
        """Everything in the directory, with its mode."""
        return {
            str(path.relative_to(self.directory)): (path.read_bytes(), path.stat().st_mode & 0o777)
            for path in self.directory.rglob("*")
            if path.is_file()
        }


@pytest.fixture
def ca(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ca:
    return Ca(tmp_path / "pki", capsys)


def pass_time(monkeypatch: pytest.MonkeyPatch, days: float) -> None:
    """Let the module think that ``days`` have passed."""
    real = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    monkeypatch.setattr(private_ca, "utcnow", lambda: real + datetime.timedelta(days=days))


@pytest.mark.parametrize("intermediate", [False, True])
@pytest.mark.parametrize("passphrase", [None, "s3cret"])
def test_a_chain_verifies_with_only_the_root(ca: Ca, intermediate: bool, passphrase: str | None) -> None:
    result = ca.server(names=["imap.example.org", "192.0.2.25"], intermediate=intermediate, passphrase=passphrase)
    chain = x509.load_pem_x509_certificates(result["server"]["chain"].encode())
    root = x509.load_pem_x509_certificate(result["ca"].encode())
    assert len(chain) == (2 if intermediate else 1)
    verifier = (
        verification.PolicyBuilder()
        .store(verification.Store([root]))
        .build_server_verifier(x509.DNSName("imap.example.org"))
    )
    assert verifier.verify(chain[0], chain[1:])[-1] == root
    names = chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["mail.example.org", "imap.example.org"]
    for path, (content, mode) in ca.files().items():
        assert mode == (0o600 if path.endswith(".key") else 0o644), path
        if path.endswith(".key"):
            assert (b"ENCRYPTED" in content) == (passphrase is not None)
    assert ca.directory.stat().st_mode & 0o777 == 0o700


def test_a_second_run_changes_nothing_and_check_mode_writes_nothing(ca: Ca) -> None:
    wanted = {"intermediate": True, "clients": ["printer"]}
    predicted = ca(check=True, **wanted)
    assert predicted["changed"]
    assert not ca.directory.exists()
    first = ca.server(**wanted)
    assert first["changed"]
    before = ca.files()
    for check in (True, False):
        entry = {"name": "mail.example.org", "request": REQUEST, "current": first["server"]["chain"]}
        again = ca(check=check, requests=[entry], **wanted)
        assert (again["changed"], again["diff"]) == (False, [])
        assert again["certificates"]["mail.example.org"]["chain"] == first["server"]["chain"]
    assert ca.files() == before


def test_a_disk_that_fills_in_mid_run_is_not_told_as_nothing_changed(ca: Ca, monkeypatch: pytest.MonkeyPatch) -> None:
    make, calls = _files.new_name, iter(range(9))

    def full(base: str) -> str:
        if next(calls):
            raise OSError(errno.ENOSPC, "No space left on device")
        return make(base)

    monkeypatch.setattr(_files, "new_name", full)
    result = ca()
    assert list(ca.files()) == ["ca.key"]
    assert result["msg"].endswith("No space left on device; that file was not changed."), result["msg"]


@pytest.mark.parametrize("other", [False, True])
@pytest.mark.parametrize("intermediate", [False, True])
def test_another_authority_of_the_same_name_stops_the_run(ca: Ca, other: bool, intermediate: bool) -> None:
    """The directory was left behind in another checkout, or that checkout has an authority of its own."""
    first = ca.server(intermediate=intermediate)
    known = {"known_ca": first["ca"], "intermediate": intermediate}
    assert not ca.server(first["server"]["chain"], **known)["changed"]
    moved = ca.directory.rename(ca.directory.with_name("moved"))
    if other:
        ca.server()
    before = ca.files()
    print_of = x509.load_pem_x509_certificate(first["ca"].encode()).fingerprint(hashes.SHA256()).hex(":").upper()
    entry = {"name": "mail.example.org", "request": REQUEST, "current": first["server"]["chain"]}
    for check in (True, False):
        result = ca(check=check, requests=[entry], **known)
        assert result["failed"]
        assert result["msg"].startswith(
            f"{ca.directory}: the host has certificates of the CA 'CN=Private mail CA' with"
        )
        assert (
            f" fingerprint {print_of}, and this directory has {'another' if other else 'no such'} CA" in result["msg"]
        )
        assert "set tls_pki_ca_directory" in result["msg"]
        assert "set tls_pki_ca_create to 'once'" in result["msg"]
        assert result["msg"].endswith(". Nothing was changed.")
        assert ca.files() == before
        assert ca.directory.exists() == other
    # An authority of another name is one that was chosen, and without known_ca nothing is compared.
    assert ca(check=True, common_name="Other CA", **known).get("failed", False) == other
    assert ca.server(first["server"]["chain"], intermediate=intermediate)["changed"]
    # A new certificate for the same key is the same authority.
    for path in ca.directory.rglob("*"):
        if path.is_file():
            path.unlink()
    (ca.directory / "ca.key").write_bytes((moved / "ca.key").read_bytes())
    (ca.directory / "ca.key").chmod(0o600)
    assert ca.server(first["server"]["chain"], known_ca=first["ca"])["ca"] != first["ca"]


def test_the_diff_of_check_mode_is_that_of_the_run(ca: Ca) -> None:
    authority = {"clients": ["printer"], "intermediate": True}
    predicted = ca(check=True, **authority)["diff"]
    assert ca(**authority)["diff"][:3] == predicted[:3]
    assert "PRIVATE KEY" not in json.dumps(predicted)


REISSUED = [
    ({"names": ["imap.example.org"]}, "the alternative names have changed"),
    ({"name": "mx.example.org"}, "the name has changed"),
    ({"request": request(rsa.generate_private_key(65537, 2048))}, "the key has changed"),
    ({"intermediate": True}, "the authority has changed"),
    ({"revoked": ["mail.example.org"]}, "the certificate is revoked"),
]


@pytest.mark.parametrize(("change", "reason"), REISSUED)
def test_what_is_issued_anew_and_why(ca: Ca, change: dict[str, Any], reason: str) -> None:
    first = ca.server()["server"]
    again = ca.server(current=first["chain"], **change)["server"]
    assert (again["changed"], again["reason"]) == (True, reason)
    assert again["serial"] != first["serial"]


def test_renewal_comes_before_expiry_and_not_earlier(ca: Ca, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ca.server(days_issued=90, renew_before_days=30)["server"]
    pass_time(monkeypatch, 59)
    kept = ca.server(current=first["chain"], days_issued=90, renew_before_days=30)["server"]
    assert (kept["changed"], kept["chain"]) == (False, first["chain"])
    pass_time(monkeypatch, 61.5)
    renewed = ca.server(current=first["chain"], days_issued=90, renew_before_days=30)["server"]
    assert renewed["reason"] == "the certificate expires in 28 days"


def test_a_root_near_its_end_is_extended_for_the_same_key(ca: Ca, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ca.server()
    pass_time(monkeypatch, 3650 - 360)
    later = ca.server(current="")
    old, new = (x509.load_pem_x509_certificate(item["ca"].encode()) for item in (first, later))
    assert new.not_valid_after_utc > old.not_valid_after_utc
    assert (new.public_key(), new.subject) == (old.public_key(), old.subject)
    # What the old root signed, the new one vouches for.
    x509.load_pem_x509_certificate(first["server"]["chain"].encode()).verify_directly_issued_by(new)


def test_clients_have_a_key_and_a_certificate_for_clients_only(ca: Ca) -> None:
    result = ca(clients=["printer", "backup.example.org"])
    for name, client in result["clients"].items():
        leaf = x509.load_pem_x509_certificate((ca.directory / "clients" / f"{name}.pem").read_bytes())
        key = serialization.load_pem_private_key(Path(client["key_file"]).read_bytes(), None)
        assert leaf.public_key() == key.public_key()
        usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert [use._name for use in usage] == ["clientAuth"]
        assert client["fingerprint"] == leaf.fingerprint(hashes.SHA256()).hex(":").upper()


def test_revocation_is_final_and_the_list_grows(ca: Ca) -> None:
    made = ca(clients=["old", "new"])["clients"]
    crl = x509.load_pem_x509_crl(ca(clients=["new"], revoked=["old"])["crl"].encode())
    assert {entry.serial_number for entry in crl} == {int(made["old"]["serial"], 16)}
    again = ca(clients=["new"])
    assert (again["changed"], len(x509.load_pem_x509_crl(again["crl"].encode()))) == (False, 1)
    # One certificate by its serial number: the client gets another, for another key.
    after = ca(clients=["new"], revoked=[made["new"]["serial"]])
    assert after["clients"]["new"]["reason"] == "the certificate is revoked"
    assert len(x509.load_pem_x509_crl(after["crl"].encode())) == 2
    assert not ca(clients=["new"], revoked=[made["new"]["serial"]])["changed"]


def test_a_revocation_list_is_signed_anew_in_time(ca: Ca, monkeypatch: pytest.MonkeyPatch) -> None:
    ca()
    pass_time(monkeypatch, 119)
    assert not ca()["changed"]
    pass_time(monkeypatch, 121)
    crl = x509.load_pem_x509_crl(ca()["crl"].encode())
    assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 2


INPUTS = [
    ({"days": 0}, "days is 0. Use a number of days from 1 to 36500."),
    (
        {"renew_before_days": 365},
        "renew_before_days is 365, so every run would issue new certificates. Use a number below days_issued (365).",
    ),
    (
        {"intermediate": True, "intermediate_days": 365},
        "authority_renew_before_days is 365, so every run would issue new certificates. Use a number below"
        " intermediate_days (365).",
    ),
    (
        {"intermediate": True, "intermediate_common_name": "Private mail CA"},
        "common_name and intermediate_common_name are the same. Give the root and the intermediate two names.",
    ),
    ({"common_name": ""}, "common_name is ''. Use 1 to 64 characters (RFC 5280, ub-common-name)."),
    ({"subject": {"country": "Italy"}}, "subject: country is 'Italy'. Use a code of two letters, such as 'CA'."),
    (
        {"subject": {"organization": "x" * 65}},
        f"subject: organization is {'x' * 65!r}. Use at most 64 characters.",
    ),
    ({"passphrase": "abc"}, "passphrase is too short or too long. Use 4 to 1023 characters."),
    ({"clients": ["a", "a"]}, "clients: 'a' is there twice. Name each client once."),
    (
        {"clients": ["../x"]},
        "client name '../x' is not usable: 1 to 64 letters, digits and the characters . _ @ + -, the first a letter or"
        " digit, and no two dots in a row.",
    ),
    (
        {"clients": ["a"], "revoked": ["a"]},
        "'a' is in clients and in revoked. Remove the name from clients, or revoke single certificates by serial"
        " number.",
    ),
    (
        {"requests": [{"name": "a.example.org", "request": REQUEST}] * 2},
        "requests: 'a.example.org' is there twice. Give each request its own id.",
    ),
    (
        {"requests": [{"name": "mail", "request": REQUEST}]},
        "'mail' is not a fully qualified domain name: two or more labels of letters, digits and hyphens, such as"
        " 'mail.example.org'.",
    ),
    (
        {"requests": [{"name": "a.example.org", "request": REQUEST}, {"name": "b.example.org", "request": "junk"}]},
        "requests: the request for 'b.example.org' is not a certificate request in PEM form.",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), INPUTS)
def test_bad_inputs_make_nothing(ca: Ca, arguments: dict[str, Any], message: str) -> None:
    result = ca(**arguments)
    assert (result["failed"], result["msg"]) == (True, f"{message} Nothing was changed.")
    assert not ca.directory.exists()


def damage(ca: Ca, what: str) -> None:
    """Spoil one thing in the directory."""
    key, certificate = ca.directory / "ca.key", ca.directory / "ca.pem"
    if what == "readable":
        key.chmod(0o640)
    elif what == "missing":
        key.unlink()
    elif what == "junk key":
        key.write_text("junk")
    elif what == "junk certificate":
        certificate.write_text("junk")
    elif what == "directory":
        certificate.unlink()
        certificate.mkdir()
    elif what == "loop":
        certificate.unlink()
        certificate.symlink_to("ca.pem")
    elif what == "junk list":
        (ca.directory / "crl.pem").write_text("junk")
    elif what == "junk record":
        (ca.directory / "issued" / "00.pem").write_text("junk")
    elif what == "other key":
        key.write_text(
            KEY.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ).decode()
        )


DAMAGES = [
    ("readable", {}, "/ca.key: the mode is 0640, so other users can read this key. Find out who changed the mode,"
     " then set it to 0600. Nothing was changed."),
    ("missing", {}, "/ca.key: the key does not exist, but its certificate "),
    ("junk key", {}, "/ca.key: the file has no private key in PEM form. Nothing was changed."),
    ("junk certificate", {}, "/ca.pem: has no certificate; a PEM file with "),
    ("junk list", {}, "/crl.pem: is not a revocation list in PEM form. Nothing was changed."),
    ("junk record", {}, "/issued/00.pem: has no certificate; a PEM file with "),
    ("directory", {}, "/ca.pem: is not a regular file."),
    ("loop", {}, "/ca.pem: cannot be read: Too many levels of symbolic links."),
    ("other key", {}, "/ca.pem: the certificate does not belong to the key beside it. Nothing was changed."),
    ("", {"passphrase": "long"}, "/ca.key: the key is not encrypted, but a passphrase was given. Nothing was changed."),
    ("", {"common_name": "Another"}, "/ca.pem: the authority is 'CN=Private mail CA', not 'CN=Another'. An authority"
     " that"),
    ("", {"revoked": ["nobody"]}, "revoked: 'nobody' is neither the serial number nor the common name of a"
     " certificate that this authority has issued. Nothing was changed."),
    ("", {"requests": [{"name": "a.example.org", "request": "junk"}]}, "requests: the request for"
     " 'a.example.org' is not a"),
    ("", {"requests": [{"name": "a.example.org", "request": request(rsa.generate_private_key(65537, 1024))}]},  # noqa: S505
     "requests: the request for 'a.example.org' has an RSA key of 1024 bits. Use at least 2048 bits. Nothing was"
     " changed."),
]  # fmt: skip


@pytest.mark.parametrize(("what", "arguments", "message"), DAMAGES)
def test_what_is_wrong_is_named_and_left(ca: Ca, what: str, arguments: dict[str, Any], message: str) -> None:
    ca()
    damage(ca, what)
    if what in ("directory", "loop"):
        assert message in ca(**arguments)["msg"]
        return
    before = ca.files()
    result = ca(**arguments)
    assert result["failed"]
    assert message in result["msg"]
    assert ca.files() == before


def test_a_forged_request_is_refused(ca: Ca) -> None:
    lines = REQUEST.splitlines()
    der = bytearray(x509.load_pem_x509_csr(REQUEST.encode()).public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    forged = "\n".join([lines[0], base64.b64encode(bytes(der)).decode(), lines[-1], ""])
    result = ca(requests=[{"name": "mail.example.org", "request": forged}])
    assert "is not signed by the key in it" in result["msg"]


def test_a_wrong_passphrase_and_a_missing_one(ca: Ca) -> None:
    ca(passphrase="the one")
    assert ca(passphrase="not-it")["msg"].endswith(
        "the passphrase is wrong, or the file has no private key in PEM form. Nothing was changed."
    )
    assert ca()["msg"].endswith("the key is encrypted, and no passphrase was given. Nothing was changed.")


def test_a_run_cut_off_after_the_key_goes_on_from_it(ca: Ca) -> None:
    ca()
    key = (ca.directory / "ca.key").read_bytes()
    for name in ("ca.pem", "crl.pem"):
        os.unlink(ca.directory / name)
    result = ca()
    assert result["changed"]
    assert (ca.directory / "ca.key").read_bytes() == key


def test_a_clock_before_the_authority_is_named(ca: Ca, monkeypatch: pytest.MonkeyPatch) -> None:
    ca()
    before = ca.files()
    pass_time(monkeypatch, -2)
    said = ca()["msg"]
    assert "/ca.pem: the certificate is valid from " in said
    assert said.endswith(". Set the clock. Nothing was changed.")
    assert ca.files() == before


def test_records_that_cannot_be_read_are_named(ca: Ca, monkeypatch: pytest.MonkeyPatch) -> None:
    ca()

    def refuse(path: str) -> list[str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", refuse)
    assert ca()["msg"] == f"{ca.directory}/issued: cannot be read: Permission denied. Nothing was changed."
