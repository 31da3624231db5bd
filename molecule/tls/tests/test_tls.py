# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client sees of a host with a private CA, keys of two types, and client certificates that may relay.

The tests run in this order: the host as it was converged, then after a run that renews every certificate, takes one
client's right away, revokes its certificate and changes the profile, then with the last profile, then with sets that
must not go in.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import os
import re
import shutil
import smtplib
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ansible_collections.puffy.mail.tests.harness.scenarios import play

STATE = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "state")
CLIENTS = STATE / "pki" / "clients"
ROOT = STATE / "pki" / "ca.pem"
SERVICES = ("smtp", "submission", "submissions", "imaps")
STARTTLS = ("smtp", "submission")

AEAD = {
    f"ECDHE-{key}-{cipher}"
    for key in ("RSA", "ECDSA")
    for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
}


@dataclass(frozen=True)
class Server:
    """One host as the control side reaches it."""

    short: str
    name: str
    ports: dict[str, int]
    other_profiles: list[str]


@pytest.fixture(scope="module")
def server(_testinfra_host: Any) -> Server:
    variables = _testinfra_host.backend.get_variables()
    short = str(variables["inventory_hostname"])
    return Server(short, f"{short}.example.test", variables["verify_ports"], variables["other_profiles"])


# -- what is served ----------------------------------------------------------------------------------------------------


def scan(server: Server, directory: Path) -> dict[str, dict[str, Any]]:
    """What sslyze says of each service."""
    found = {}
    report = directory / "sslyze.json"
    for services, options in ((STARTTLS, ["--starttls=smtp"]), (SERVICES[2:], [])):
        targets = [f"127.0.0.1:{server.ports[service]}" for service in services]
        done = subprocess.run(
            ["sslyze", "--quiet", f"--json_out={report}", f"--sni={server.name}",
             "--certinfo", f"--certinfo_ca_file={ROOT}",
             "--sslv2", "--sslv3", "--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3", "--reneg",
             "--mozilla_config=disable",
             *options, *targets],
            capture_output=True, text=True, check=False, timeout=900,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        for result in json.loads(report.read_text())["server_scan_results"]:
            assert result["scan_status"] == "COMPLETED", result
            port = result["server_location"]["port"]
            service = next(name for name in services if server.ports[name] == port)
            found[service] = result["scan_result"]
    assert set(found) == set(SERVICES)
    return found


def suites(result: dict[str, Any], version: str) -> set[str]:
    """The suites that a service takes of one protocol, as OpenSSL names them."""
    answer = result[f"{version}_cipher_suites"]
    assert answer["status"] == "COMPLETED", answer
    return {entry["cipher_suite"]["openssl_name"] for entry in answer["result"]["accepted_cipher_suites"]}


def check_policy(results: dict[str, dict[str, Any]], profile: str) -> None:
    """Protocols and suites of all services as the profile says."""
    for service, result in results.items():
        for version in ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"):
            assert suites(result, version) == set(), (service, version)
        assert {"TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256"} <= suites(result, "tls_1_3"), service
        old = suites(result, "tls_1_2")
        if service == "smtp":
            # TLS is optional there: what is not broken is better than none.
            assert old > AEAD
        elif profile == "modern":
            assert old == set(), service
        elif profile == "intermediate":
            assert old == AEAD, service
        else:
            assert profile == "broad"
            assert old > AEAD, service
            assert not [name for name in old if not name.startswith(("ECDHE-", "DHE-"))], service
            assert not [name for name in old if re.search("CAMELLIA|ARIA|PSK|DSS", name)], service


def check_chains(results: dict[str, dict[str, Any]], name: str) -> set[str]:
    """Both key types, each with its whole chain in order, verified with only the root; returns the fingerprints."""
    fingerprints = set()
    for service, result in results.items():
        deployments = result["certificate_info"]["result"]["certificate_deployments"]
        kinds = set()
        for each in deployments:
            leaf, *above = each["received_certificate_chain"]
            kinds.add(leaf["public_key"]["algorithm"])
            assert [entry["subject"]["rfc4514_string"] for entry in above] == ["CN=Private mail issuing CA"], service
            assert each["received_chain_has_valid_order"] is True, service
            assert each["received_chain_contains_anchor_certificate"] is False, service
            trusted = {
                entry["trust_store"]["name"]: entry["was_validation_successful"]
                for entry in each["path_validation_results"]
            }
            assert trusted["Supplied CA file"] is True, service
            assert set(leaf["subject_alternative_name"]["dns_names"]) == {name, "imap.example.test"}, service
            fingerprints.add(base64.b64decode(leaf["fingerprint_sha256"]).hex())
        # With TLS 1.3 alone sslyze looks at one; openssl s_client looks at both below.
        both = {"RSAPublicKey", "ECPublicKey"}
        assert kinds == both if suites(result, "tls_1_2") else kinds < both, service
    # Every service serves the same two certificates.
    assert len(fingerprints) == 2
    return fingerprints


@pytest.fixture(scope="module")
def scanned(server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return scan(server, tmp_path_factory.mktemp("scan"))


def test_protocols_and_ciphers_are_those_of_the_profile(scanned: dict[str, dict[str, Any]]) -> None:
    check_policy(scanned, "intermediate")


@pytest.mark.parametrize("service", SERVICES)
def test_a_client_cannot_negotiate_again(scanned: dict[str, dict[str, Any]], service: str) -> None:
    answer = scanned[service]["session_renegotiation"]
    assert answer["status"] == "COMPLETED", answer
    assert answer["result"]["client_renegotiations_success_count"] == 0


def test_both_key_types_are_served_with_their_chains(server: Server, scanned: dict[str, dict[str, Any]]) -> None:
    check_chains(scanned, server.name)


def s_client(server: Server, service: str, name: str, signature: str) -> str:
    """What openssl s_client says with only the root trusted and the server's key type chosen."""
    starttls = ["-starttls", "smtp"] if service in STARTTLS else []
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{server.ports[service]}", *starttls, "-servername", server.name,
         "-CAfile", ROOT, "-no-CApath", "-verify_return_error", "-verify_hostname", name, "-sigalgs", signature],
        input="QUIT\r\n", capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    return done.stdout + done.stderr


SIGNATURES = ("RSA-PSS+SHA256", "ECDSA+SHA256")


def served(server: Server) -> set[tuple[str, str]]:
    """The fingerprints that the services show now, by key type."""
    found = set()
    for service in SERVICES:
        for signature in SIGNATURES:
            answer = s_client(server, service, server.name, signature)
            block = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", answer, re.DOTALL)
            assert block, answer
            found.add((signature, hashlib.sha256(ssl.PEM_cert_to_DER_cert(block.group(0))).hexdigest()))
    return found


@pytest.mark.parametrize(("signature", "seen"), [("RSA-PSS+SHA256", "rsa_pss"), ("ECDSA+SHA256", "ecdsa")])
@pytest.mark.parametrize("service", SERVICES)
def test_the_host_name_is_verified_with_only_the_root(server: Server, service: str, signature: str, seen: str) -> None:
    answer = s_client(server, service, server.name, signature)
    assert f"Verified peername: {server.name}" in answer
    assert "Verify return code: 0 (ok)" in answer
    assert re.search(rf"Peer signature type: (RSA-PSS|ECDSA|{seen})", answer), answer
    assert "hostname mismatch" in s_client(server, service, "www.example.test", signature)


# -- relaying by certificate -------------------------------------------------------------------------------------------


def self_made(directory: Path, common_name: str) -> tuple[Path, Path]:
    """A certificate that nobody issued, with its key."""
    key, certificate = directory / "own.key", directory / "own.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9",
         "-subj", f"/CN={common_name}", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


def answer_to(server: Server, service: str, certificate: tuple[Path, Path] | None) -> tuple[int, str]:
    """What the server answers to a recipient elsewhere."""
    context = ssl.create_default_context(cafile=str(ROOT))
    # The host is reached by address; that its name is right is tested above.
    context.check_hostname = False
    if certificate is not None:
        context.load_cert_chain(*certificate)
    port = server.ports[service]
    client: smtplib.SMTP
    if service == "submissions":
        client = smtplib.SMTP_SSL("127.0.0.1", port, "client.example.test", timeout=300, context=context)
    else:
        client = smtplib.SMTP("127.0.0.1", port, "client.example.test", timeout=300)
    with client:
        if service != "submissions":
            client.starttls(context=context)
        client.ehlo()
        client.mail("device@example.test")
        code, text = client.rcpt("someone@foreign.example")
        return code, text.decode()


def issued(name: str, directory: Path = CLIENTS) -> tuple[Path, Path]:
    return directory / f"{name}.pem", directory / f"{name}.key"


@pytest.mark.parametrize("service", SERVICES[:3])
def test_only_clients_that_are_listed_may_relay(server: Server, service: str, tmp_path: Path) -> None:
    for name in ("printer", "retired"):
        assert answer_to(server, service, issued(name))[0] == 250, name
    refused = {
        "another of the same authority": issued("laptop"),
        "self-made, with the name of one that may": self_made(tmp_path, "printer"),
        "none": None,
    }
    for who, certificate in refused.items():
        code, text = answer_to(server, service, certificate)
        assert code == 554, (who, text)
        assert "5.7.1" in text, who


def test_a_listed_client_may_not_use_the_address_of_a_user(server: Server) -> None:
    context = ssl.create_default_context(cafile=str(ROOT))
    context.check_hostname = False
    context.load_cert_chain(*issued("printer"))
    with smtplib.SMTP("127.0.0.1", server.ports["submission"], "client.example.test", timeout=300) as client:
        client.starttls(context=context)
        client.ehlo()
        client.mail("alice@example.test")
        code, text = client.rcpt("someone@foreign.example")
    assert (code, text[:5]) == (553, b"5.7.1")


# -- what the host has -------------------------------------------------------------------------------------------------


def test_a_second_run_left_the_files_of_the_authority_alone(server: Server) -> None:
    pki = STATE / "pki"
    there = {
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  ./{path.relative_to(pki)}"
        for path in pki.rglob("*")
        if path.is_file()
    }
    recorded = (STATE / "pki.sha256").read_text()
    assert "./ca.key" in recorded
    # A host that was looked at before this one may have had more issued since; what there was is as it was.
    changed = set(recorded.splitlines()) - there
    allowed = (
        {"./crl.pem", *(f"./clients/{name}.pem" for name in ("printer", "laptop"))}
        if (STATE / "renewed").exists()
        else set()
    )
    assert {line.split("  ")[1] for line in changed} <= allowed


def test_no_key_of_the_authority_is_on_the_host(host: Any) -> None:
    for path in (STATE / "pki").rglob("*.key"):
        line = path.read_text().splitlines()[1]
        assert host.run(f"grep -rslF -e '{line[:20]}''{line[20:]}' /etc /root /run /tmp /var").stdout == "", path
    assert "ENCRYPTED" in (STATE / "pki" / "ca.key").read_text()


def test_postfix_has_nothing_to_say_about_its_configuration(host: Any) -> None:
    for command in ("postconf -n", "postconf -M", "postfix check"):
        answer = host.run(command)
        assert (answer.rc, answer.stderr) == (0, ""), command


def test_session_caches_are_in_the_data_directory(host: Any) -> None:
    kind, _colon, path = host.check_output("postconf -h smtp_tls_session_cache_database").partition(":")
    assert path == "${data_directory}/smtp_scache"
    assert (
        kind == host.check_output("postconf -dh default_cache_db_type 2>/dev/null || true").strip() or kind == "btree"
    )
    assert host.check_output("postconf -h smtpd_tls_session_cache_database") == ""


# -- a later run: everything renewed, one client less, another profile -------------------------------------------------


def process(host: Any, path: str) -> str:
    """The number and the start time of the process whose number is in a file."""
    return str(host.check_output(f"n=$(cat {path}); echo $n $(cut -d' ' -f22 /proc/$((n))/stat)"))


@dataclass(frozen=True)
class Renewed:
    before: set[str]
    processes: list[str]
    old_clients: Path
    wish: dict[str, Any]
    results: dict[str, dict[str, Any]]


PIDS = ("/var/spool/postfix/pid/master.pid", "/run/dovecot/master.pid")


@pytest.fixture(scope="module")
def renewed(host: Any, server: Server, scanned: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Renewed:
    before = check_chains(scanned, server.name)
    processes = [process(host, path) for path in PIDS]
    old = tmp_path_factory.mktemp("old") / "clients"
    shutil.copytree(CLIENTS, old)
    (STATE / "renewed").touch()
    days = 400 + len(list(STATE.glob("renewed-*")))
    (STATE / f"renewed-{server.short}").touch()
    wish = {
        "tls_pki_clients": ["printer", "laptop"],
        "tls_pki_revoked": ["retired"],
        "postfix_relay_clients": ["printer"],
        "mail_tls_profile": server.other_profiles[0],
    }
    renewal = {"tls_pki_certificate_days": days, "tls_pki_renew_before_days": days - 1}
    recap = play("puffy.mail.site", "--limit", server.short, "--extra-vars", json.dumps(wish | renewal))
    assert recap.rc == 0, recap.output
    return Renewed(before, processes, old, wish, scan(server, old.parent))


def test_renewed_certificates_are_served_by_reload_alone(host: Any, server: Server, renewed: Renewed) -> None:
    after = check_chains(renewed.results, server.name)
    assert not after & renewed.before
    # One certificate of each type, on all ports.
    assert len(served(server)) == 2
    assert {digits for _signature, digits in served(server)} == after
    assert [process(host, path) for path in PIDS] == renewed.processes


def test_the_other_profile_is_in_effect(server: Server, renewed: Renewed) -> None:
    check_policy(renewed.results, server.other_profiles[0])


@pytest.mark.parametrize("service", SERVICES[:3])
def test_a_revoked_client_whose_line_was_removed_may_no_longer_relay(
    server: Server, renewed: Renewed, service: str
) -> None:
    revoked = x509.load_pem_x509_certificate((CLIENTS / "retired.pem").read_bytes())
    listed = x509.load_pem_x509_crl((STATE / "pki" / "crl.pem").read_bytes())
    assert listed.get_revoked_certificate_by_serial_number(revoked.serial_number) is not None
    assert answer_to(server, service, issued("retired"))[0] == 554
    # The other may, by its renewed certificate and, until that has reached it, by the one before: the key is the same.
    renewed_one, old_one = (x509.load_pem_x509_certificate(issued("printer", directory)[0].read_bytes())
                            for directory in (CLIENTS, renewed.old_clients))  # fmt: skip
    assert renewed_one.serial_number != old_one.serial_number
    assert answer_to(server, service, issued("printer"))[0] == 250
    assert answer_to(server, service, issued("printer", renewed.old_clients))[0] == 250


def test_a_revoked_client_that_is_to_relay_is_refused_before_the_host_is_touched(
    server: Server, renewed: Renewed
) -> None:
    wish = json.dumps(renewed.wish | {"postfix_relay_clients": ["printer", "retired"]})
    recap = play("puffy.mail.site", "--limit", server.short, "--extra-vars", wish)
    assert recap.rc != 0
    assert "postfix_relay_clients has 'retired', whose certificate is revoked" in re.sub(r"\s+", " ", recap.output)
    assert recap.counts["changed"] == 0


def test_the_last_profile_is_in_effect_too(server: Server, renewed: Renewed, tmp_path: Path) -> None:
    for profile in server.other_profiles[1:]:
        wish = json.dumps(renewed.wish | {"mail_tls_profile": profile})
        recap = play("puffy.mail.site", "--limit", server.short, "--extra-vars", wish)
        assert recap.rc == 0, recap.output
        check_policy(scan(server, tmp_path), profile)


def test_the_host_proves_itself_to_a_client(server: Server, renewed: Renewed) -> None:
    profile = json.dumps({"mail_tls_profile": server.other_profiles[-1]})
    recap = play("puffy.mail.verify", "--limit", server.short, "--extra-vars", profile)
    assert recap.rc == 0, recap.output


# -- sets that must not go in ------------------------------------------------------------------------------------------


class Forge:
    """Certificates by an authority of the test's own."""

    def __init__(self) -> None:
        self.now = datetime.datetime.now(datetime.timezone.utc)
        self.root_key = ec.generate_private_key(ec.SECP256R1())
        self.middle_key = ec.generate_private_key(ec.SECP256R1())
        self.root = self.certificate("Root", self.root_key, "Root", self.root_key, authority=True)
        self.middle = self.certificate("Middle", self.middle_key, "Root", self.root_key, authority=True)
        self.key = ec.generate_private_key(ec.SECP256R1())

    def certificate(
        self, subject: str, key: Any, issuer: str, issuer_key: Any, *, authority: bool = False, days: int = 90
    ) -> str:
        def name(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

        builder = (
            x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer))
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(self.now - datetime.timedelta(days=100))
            .not_valid_after(self.now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )  # fmt: skip
        if not authority:
            names = x509.SubjectAlternativeName([x509.DNSName(subject), x509.DNSName("imap.example.test")])
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
            builder = builder.add_extension(names, critical=False).add_extension(usage, critical=False)
        return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def leaf(self, name: str, **more: Any) -> str:
        return self.certificate(name, self.key, "Middle", self.middle_key, **more)

    def key_text(self, key: Any, *, password: bytes | None = None) -> str:
        protection: Any = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        form = serialization.PrivateFormat.PKCS8
        return str(key.private_bytes(serialization.Encoding.PEM, form, protection), "ascii")

    def bad_sets(self, name: str) -> list[dict[str, str]]:
        key, good = self.key_text(self.key), self.leaf(name)
        other = self.key_text(ec.generate_private_key(ec.SECP256R1()))
        rows = [
            ("expired", key, self.leaf(name, days=-1) + self.middle, "expired at"),
            ("mismatched", other, good + self.middle, "the key does not match the certificate"),
            ("encrypted", self.key_text(self.key, password=b"secret"), good + self.middle, "the key is encrypted"),
            ("wrongly chained", key, self.middle + good, "the chain is in the wrong order"),
            ("without its chain", key, good, "does not lead to a trusted root"),
            ("with the root", key, good + self.middle + self.root, "clients have it already"),
            ("of another name", key, self.leaf("www.example.test") + self.middle, f"does not have the name DNS:{name}"),
        ]
        return [dict(zip(("name", "key", "chain", "rule"), row), ca=self.root) for row in rows]


def test_bad_sets_are_refused_and_the_old_one_is_still_served(
    host: Any, server: Server, renewed: Renewed, tmp_path: Path
) -> None:
    before = served(server)
    digest = "cd /etc/ssl && find . -type f -newermt 2020-01-01 -exec sha256sum {} + | sort"
    files = host.check_output(digest)
    wish = tmp_path / "wish.json"
    wish.write_text(json.dumps({"bad_sets": Forge().bad_sets(server.name)}))
    playbook = Path(__file__).parents[1] / "refused.yml"
    recap = play(str(playbook), "--limit", server.short, "--extra-vars", f"@{wish}")
    assert recap.rc == 0, recap.output
    assert recap.counts["rescued"] == 7, recap.output
    assert served(server) == before
    assert host.check_output(digest) == files
