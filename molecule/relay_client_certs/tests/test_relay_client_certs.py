# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host of the inventory examples/relay_client_certs as its devices and strangers see it.

A second run changes each TLS setting of the reference.
The tests run in the order they stand here: the last ones change the host.
"""

from __future__ import annotations

import json
import smtplib
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.client import Client, asked, offered, until
from ansible_collections.puffy.mail.tests.harness.playbooks import Run
from ansible_collections.puffy.mail.tests.harness.scenarios import WholeHost, log_problems, name_of, play, state

#: neither of this host nor of its domain
SENDER, RECIPIENT = "device@example.org", "y@elsewhere.example"
Certificate = tuple[Path, Path]


class TestWholeHost(WholeHost):
    """Before the other tests change anything."""


@pytest.fixture(scope="module")
def client(host: Any) -> Client:
    return Client(host, state() / "pki" / "ca.pem")


def issued(name: str) -> Certificate:
    directory = state() / "pki" / "clients"
    return directory / f"{name}.pem", directory / f"{name}.key"


@pytest.fixture
def self_made(tmp_path: Path) -> Certificate:
    """A certificate that nobody issued, with the name of a device."""
    key, certificate = tmp_path / "own.key", tmp_path / "own.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9",
         "-subj", "/CN=printer", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


def site(host: Any, **variables: Any) -> Run:
    recap = play("puffy.mail.site", "--limit", name_of(host), "-e", json.dumps(variables))
    assert recap.rc == 0, recap.output
    return recap


def relays(client: Client, certificate: Certificate | None, port: int = 587) -> list[int]:
    with client.secure(port, certificate) as session:
        return asked(session, SENDER, RECIPIENT)


def turned_away(client: Client, certificate: Certificate | None, port: int = 587) -> bool:
    """Whether the server ends the session, at the handshake or at the first command (TLS 1.3 tells the client late)."""
    try:
        relays(client, certificate, port)
    except (ssl.SSLError, smtplib.SMTPServerDisconnected, ConnectionResetError):
        return True
    return False


def post(host: Any, client: Client, certificate: Certificate, subject: str) -> str:
    """Send a message, and return it as the next server got it."""
    with client.secure(587, certificate) as session:
        session.sendmail(SENDER, [RECIPIENT], f"Subject: {subject}\r\n\r\nHello\r\n")
    until(host, f"grep -qs 'Subject: {subject}' /var/relayed/*")
    return str(host.check_output(f"cat $(grep -l 'Subject: {subject}' /var/relayed/*)"))


@pytest.mark.parametrize("device", ["printer", "scanner"])
def test_devices_relay(host: Any, client: Client, device: str) -> None:
    assert relays(client, issued(device)) == [250, 250]
    text = post(host, client, issued(device), f"from the {device}")
    assert "(using TLSv1.3 with cipher " in text
    # smtpd_tls_received_header names whose certificate it was
    assert f'Client CN "{device}"' in text
    assert "(verified OK)" in text


def test_nobody_else_is_served_on_port_587(client: Client, self_made: Certificate) -> None:
    assert turned_away(client, None)
    assert turned_away(client, self_made)
    with client.plain(587) as session:
        assert asked(session, SENDER, RECIPIENT) == [530]
        assert offered(session) == []
    assert client.closed(465)


def test_port_25_takes_nothing_from_strangers_and_asks_for_no_certificate(client: Client) -> None:
    for certificate in (None, issued("printer")):
        with client.secure(25, certificate) as session:
            assert offered(session) == []
            assert asked(session, SENDER, RECIPIENT) == [250, 554]
            assert asked(session, SENDER, f"root@{client.host.check_output('postconf -h myhostname')}") == [250, 554]
    with client.plain() as session:
        assert offered(session) == []
        assert session.docmd("AUTH", "PLAIN AGFsaWNlAHNlY3JldA==")[0] == 503
        assert asked(session, SENDER, RECIPIENT) == [250, 554]


def test_the_settings_of_the_example(host: Any) -> None:
    names = (
        "smtpd_tls_CAfile smtpd_tls_ccert_verifydepth smtpd_tls_mandatory_exclude_ciphers"
        " smtpd_tls_session_cache_timeout smtpd_starttls_timeout smtpd_tls_security_level"
    )
    assert host.check_output(f"postconf -h {names}").splitlines() == [
        "/etc/ssl/puffy-mail-ca.pem", "1", "aNULL, MD5", "3600s", "300s", "may",
    ]  # fmt: skip
    assert host.check_output("postconf -Ph submission/inet/smtpd_tls_req_ccert") == "yes"
    until(host, "ls /var/lib/postfix/smtpd_scache*")


#: variables of one run, each with the parameters or options of services that it must set, by the reference
SETTINGS: dict[str, tuple[Any, dict[str, str]]] = {
    "postfix_tls_loglevel": (2, {"smtpd_tls_loglevel": "2"}),
    "postfix_tls_received_header": (False, {"smtpd_tls_received_header": "no"}),
    "postfix_tls_ciphers": ("high", {"smtpd_tls_ciphers": "high"}),
    "postfix_tls_mandatory_ciphers": ("medium", {"smtpd_tls_mandatory_ciphers": "medium"}),
    "postfix_tls_exclude_ciphers": (["aNULL", "RC4"], {"smtpd_tls_exclude_ciphers": "aNULL, RC4"}),
    "postfix_tls_mandatory_exclude_ciphers": (["3DES"], {"smtpd_tls_mandatory_exclude_ciphers": "3DES"}),
    "postfix_tls_session_cache": (False, {"smtpd_tls_session_cache_database": ""}),
    "postfix_tls_session_cache_timeout": ("600s", {"smtpd_tls_session_cache_timeout": "600s"}),
    "postfix_tls_session_ids": (False, {"smtpd_tls_always_issue_session_ids": "no"}),
    "postfix_tls_starttls_timeout": ("60s", {"smtpd_starttls_timeout": "60s"}),
    "postfix_tls_client_verify_depth": (5, {"smtpd_tls_ccert_verifydepth": "5"}),
    "postfix_tls_client_certificates": ("ask", {
        "submission/inet/smtpd_tls_ask_ccert": "yes", "submission/inet/smtpd_tls_req_ccert": "",
    }),
    "postfix_tls_client_services": (["smtp", "submission", "submissions"], {"smtp/inet/smtpd_tls_ask_ccert": "yes"}),
    "postfix_submissions": (True, {"smtps/inet/smtpd_tls_wrappermode": "yes"}),
    "postfix_submissions_name": ("smtps", {"smtps/inet/smtpd_tls_ask_ccert": "yes"}),
    # The DH parameters take no search: they are those of RFC 7919.
    "tls_pki_dhparam": ("ffdhe2048", {"smtpd_tls_dh1024_param_file": "/etc/ssl/dhparam.pem"}),
}  # fmt: skip


class TestSettings:
    """A second host: nearly every setting of the reference is another one. The scanner has lost its right."""

    @pytest.fixture(scope="class", autouse=True)
    def _changed(self, host: Any) -> Iterator[None]:
        wishes = {name: value for name, (value, _expected) in SETTINGS.items()}
        site(host, **wishes, postfix_relay_clients=["printer"])
        yield
        assert site(host).counts["changed"] > 0

    @pytest.mark.parametrize("variable", list(SETTINGS))
    def test_each_has_its_variable(self, host: Any, variable: str) -> None:
        for name, value in SETTINGS[variable][1].items():
            option = "-Ph" if "/" in name else "-h"
            assert host.run(f"postconf {option} {name}").stdout.strip() == value, name

    @pytest.mark.parametrize("port", [25, 587, 465])
    def test_who_may_relay(self, client: Client, port: int, self_made: Certificate) -> None:
        assert relays(client, issued("printer"), port) == [250, 250]
        for certificate in (None, issued("scanner"), self_made):
            assert relays(client, certificate, port) == [250, 554]

    def test_the_log_tells_of_the_handshake(self, host: Any) -> None:
        # that is what level 2 adds
        assert "SSL_accept:" in host.check_output("cat /var/log/mail.log")

    def test_the_header_does_not_tell_of_tls(self, host: Any, client: Client) -> None:
        assert "using TLS" not in post(host, client, issued("printer"), "without a header")


def fingerprint(name: str) -> str:
    done = subprocess.run(
        ["openssl", "x509", "-in", issued(name)[0], "-noout", "-fingerprint", "-sha256"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.strip().partition("=")[2]


def test_by_fingerprint(host: Any, client: Client) -> None:
    site(host, postfix_relay_clients=[], postfix_tls_client_access={fingerprint("scanner"): "OK"})
    assert relays(client, issued("scanner")) == [250, 250]
    assert relays(client, issued("printer")) == [250, 554]


def test_all_clients_of_the_authority(host: Any, client: Client, self_made: Certificate) -> None:
    site(
        host, postfix_relay_clients=[], postfix_tls_all_client_certificates=True, postfix_tls_client_certificates="ask"
    )
    for device in ("printer", "scanner"):
        assert relays(client, issued(device)) == [250, 250]
    assert relays(client, self_made) == [250, 554]
    assert relays(client, None) == [250, 554]


def test_without_a_certificate_of_its_own(host: Any, client: Client) -> None:
    """The reference's ``smtpd_tls_cert_file = none``: such a host offers no TLS, and has no port for users."""
    wishes = {"postfix_tls_security_level": "none", "postfix_relay_clients": []}
    refused = play("puffy.mail.site", "--limit", name_of(host), "-e", json.dumps(wishes))
    assert refused.rc != 0
    assert "postfix_submission is true, and postfix_tls_security_level is 'none'" in " ".join(refused.output.split())
    site(host, **wishes, postfix_submission=False)
    with client.plain() as session:
        assert not session.has_extn("starttls")
        assert asked(session, SENDER, RECIPIENT) == [250, 554]
    assert client.closed(587)


def test_back_to_the_example(host: Any, client: Client) -> None:
    site(host)
    assert relays(client, issued("scanner")) == [250, 250]
    assert turned_away(client, None)
    assert site(host).counts["changed"] == 0


def test_the_log_has_no_problem(host: Any) -> None:
    assert log_problems(host) == []
