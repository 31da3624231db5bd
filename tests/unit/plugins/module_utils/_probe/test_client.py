# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client's side of a conversation, against a scripted server on the loopback that misbehaves."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from ansible_collections.puffy.mail.plugins.module_utils import _command
from ansible_collections.puffy.mail.plugins.module_utils._probe import checks as smtp_probe
from ansible_collections.puffy.mail.plugins.module_utils._probe import client
from ansible_collections.puffy.mail.plugins.module_utils._probe.client import Delivery, Endpoint, Login
from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._probe.fake_smtp import FakeServer, make_certificate

LOGIN = Login("alice@example.test", "correct horse")
RELAY = {"from": "a@b.test", "to": "c@foreign.example", "code": 554, "enhanced": "5.7.1"}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


def endpoint(server: FakeServer, certificate: Path | None = None, **options: Any) -> Endpoint:
    settings: dict[str, Any] = {
        "tls": "none" if certificate is None else "wrapper" if server.wrapper else "starttls",
        "tls_name": "mail.example.test",
        "ca_path": str(certificate or ""),
        "timeout": 1.0,
        **options,
    }
    return Endpoint("127.0.0.1", server.port, **settings)


def probe(
    target: Endpoint, expect: dict[str, Any], login: Login | None = None
) -> tuple[dict[str, tuple[bool | None, Any]], list[str]]:
    wanted = smtp_probe.parse_expectations(expect, tls=target.tls, protocol=target.protocol, login=login is not None)
    run = client.Probe(target, wanted, login)
    checks = run.run()
    assert [check.name for check in checks] == list(dict.fromkeys(check.name for check in checks))
    return {check.name: (check.ok, check.seen) for check in checks}, run.transcript


def test_good_server(certificate: Path) -> None:
    replies = {
        "TLS:AUTH PLAIN": "235 2.7.0 welcome",
        "MAIL FROM:<>": "530 5.7.0 TLS first",
        "TLS:RCPT TO:<c@foreign.example>": "554 5.7.1 no relay",
    }
    with FakeServer(replies, certificate=certificate) as server:
        seen, transcript = probe(
            endpoint(server, certificate),
            {
                "banner": "^220 mail",
                "starttls": True,
                "auth_before_tls": False,
                "mail_before_tls": False,
                "auth_offered": ["LOGIN", "PLAIN"],
                "certificate": {"names": ["mail.example.test"], "min_days": 20},
                "relay": RELAY,
                "size": 5000000,
            },
            LOGIN,
        )
    assert all(ok for ok, _dummy in seen.values()), seen
    assert list(seen) == [
        "connect",
        "banner",
        "starttls",
        "auth_before_tls",
        "mail_before_tls",
        "tls",
        "certificate names",
        "certificate days",
        "auth_offered",
        "size",
        "relay a@b.test to c@foreign.example",
        "login",
    ]
    assert server.heard[-1] == "QUIT"
    assert "C: AUTH PLAIN ********" in transcript
    initial = smtp_probe.sasl_plain(LOGIN.username, LOGIN.password)
    assert f"AUTH PLAIN {initial}" in server.heard
    assert initial not in "\n".join(transcript)
    # Relaying is tried as a stranger: before the login.
    relay = server.heard.index("RCPT TO:<c@foreign.example>")
    assert relay < server.heard.index(f"AUTH PLAIN {initial}")
    assert not any(line.startswith("DATA") for line in server.heard)


def test_login_mechanism(certificate: Path) -> None:
    user, password = smtp_probe.base64_text(LOGIN.username), smtp_probe.base64_text(LOGIN.password)
    replies = {"TLS:AUTH LOGIN": "334 VXNlcm5hbWU6", user: "334 UGFzc3dvcmQ6", password: "235 2.7.0 welcome"}
    with FakeServer(replies, certificate=certificate) as server:
        seen, transcript = probe(endpoint(server, certificate), {}, Login(LOGIN.username, LOGIN.password, "login"))
    assert seen["login"] == (True, "235 2.7.0 welcome")
    assert server.heard[-3:] == [user, password, "QUIT"]
    assert user not in "\n".join(transcript)
    assert password not in "\n".join(transcript)


def test_bad_server() -> None:
    """Everything that must not be offered or accepted is."""
    replies = {"EHLO": "250-m\r\n250 AUTH PLAIN", "AUTH": "334 ", "*": "501 cancelled", "RCPT": "250 2.1.5 Ok"}
    with FakeServer(replies) as server:
        seen, _dummy = probe(
            endpoint(server),
            {"starttls": True, "auth_offered": False, "relay": RELAY, "recipients": [RELAY], "size": 1},
        )
    assert seen == {
        "connect": (True, "220 mail.example.test ESMTP"),
        "starttls": (False, False),
        "auth_offered": (False, "AUTH PLAIN"),
        "size": (False, "SIZE is not announced"),
        "relay a@b.test to c@foreign.example": (False, "250 2.1.5 Ok"),
        "recipient a@b.test to c@foreign.example": (False, "250 2.1.5 Ok"),
    }
    assert not any(line.startswith("DATA") for line in server.heard)


def test_auth_taken_unannounced() -> None:
    with FakeServer({"EHLO": "250 m", "AUTH": "334 ", "*": "501 cancelled"}) as server:
        seen, _dummy = probe(endpoint(server), {"auth_offered": False})
    assert seen["auth_offered"] == (False, "AUTH is not announced, but the command is accepted (334)")
    assert "*" in server.heard


@pytest.mark.parametrize(
    ("greeting", "cause"),
    [
        (None, "the server closed the connection"),
        ("554 5.3.2 go away", "the server greets with '554 5.3.2 go away'; expected 220"),
        ("* OK IMAP4rev1", "the server sent '* OK IMAP4rev1', which is not an SMTP reply"),
        ("220-" + "x" * 70000, "the server sent more than 65536 bytes without a line end"),
        ("\r\n".join(["220-" + "x" * 1000] * 70), "the server sent a reply of more than 65536 bytes"),
        ("220-mail", "no answer within 1 seconds"),
    ],
)
def test_bad_greeting(greeting: str | None, cause: str) -> None:
    with FakeServer(greeting=greeting) as server:
        seen, _dummy = probe(endpoint(server), {"starttls": True, "relay": RELAY})
    assert seen["connect"] == (False, cause)
    assert seen["starttls"] == (False, f"not made: {cause}")
    assert seen["relay a@b.test to c@foreign.example"] == (False, f"not made: {cause}")


def test_no_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    target = Endpoint("127.0.0.1", port, timeout=1)
    seen, transcript = probe(target, {"starttls": True, "tls_versions": {"TLSv1.3": True}})
    cause = f"no connection to 127.0.0.1:{port}: connection refused"
    assert seen == {
        "connect": (False, cause),
        "starttls": (False, f"not made: {cause}"),
        "tls": (False, f"not made: {cause}"),
        "tls_versions TLSv1.3": (False, f"no verdict: {cause}"),
    }
    assert transcript[:2] == [f"-- 127.0.0.1:{port}: probe", "-- connection refused"]


def test_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_dummy: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "create_connection", fail)
    seen, _dummy = probe(Endpoint("no.example", 25, tls="none"), {})
    cause = "no connection to no.example:25: the name cannot be resolved: Name or service not known"
    assert seen == {"connect": (False, cause)}


@pytest.mark.parametrize(
    ("replies", "step", "cause"),
    [
        ({"EHLO": "502 no"}, "connect", "EHLO is refused: 502 no"),
        ({"EHLO": None}, "connect", "the server closed the connection"),
        ({"EHLO": "250 m"}, "tls", "STARTTLS is not offered"),
        ({"STARTTLS": "454 4.7.0 later"}, "tls", "STARTTLS is refused: 454 4.7.0 later"),
        ({"STARTTLS": None}, "tls", "the server closed the connection"),
        ({"TLS:EHLO": None}, "tls", "the server closed the connection"),
        ({"TLS:AUTH PLAIN": None}, "login", "the server closed the connection"),
        (
            {"TLS:MAIL": "not a reply"},
            "sender a@b.test to c@foreign.example",
            "the server sent 'not a reply', which is not an SMTP reply",
        ),
    ],
)
def test_broken_conversation(certificate: Path, replies: dict[str, str | None], step: str, cause: str) -> None:
    with FakeServer({"TLS:AUTH PLAIN": "235 ok", **replies}, certificate=certificate) as server:
        seen, _dummy = probe(endpoint(server, certificate), {"sender": RELAY, "recipients": [RELAY]}, LOGIN)
    names = list(seen)
    assert seen[step] == (False, cause)
    assert all(ok for ok, _dummy in list(seen.values())[: names.index(step)])
    for name in names[names.index(step) + 1 :]:
        assert seen[name] == (False, f"not made: {cause}")
    assert names[-1] == "recipient a@b.test to c@foreign.example"


def test_injection(certificate: Path) -> None:
    """RFC 3207, 6: text in the clear after the reply to STARTTLS is no part of the encrypted conversation."""
    with FakeServer({"STARTTLS": "220 go\r\n250 2.0.0 injected"}, certificate=certificate) as server:
        seen, _dummy = probe(endpoint(server, certificate), {"auth_offered": True})
    assert seen["tls"] == (False, "the server sent text between its reply to STARTTLS and the TLS handshake")


def test_untrusted(certificate: Path, tmp_path: Path) -> None:
    """The other checks are made, but the password stays here."""
    stranger = make_certificate(tmp_path, "stranger.example.test")
    with FakeServer({"TLS:AUTH PLAIN": "235 ok"}, certificate=certificate) as server:
        expect = {"auth_offered": True, "certificate": {"names": ["mail.example.test"]}}
        seen, _dummy = probe(endpoint(server, stranger), expect, LOGIN)
    cause = seen["tls"][1].partition("not verified: ")[2]
    assert cause.startswith("self")
    assert seen["tls"][0] is False
    assert seen["auth_offered"] == (True, "AUTH LOGIN PLAIN")
    assert seen["certificate names"] == (
        False,
        f"cannot be read from a certificate that is not trusted ({cause})",
    )
    assert seen["login"] == (False, f"not made: the certificate is not verified ({cause}), and no password was sent")
    assert not any("AUTH PLAIN " in line for line in server.heard)


def test_a_certificate_signed_with_sha_1(tmp_path: Path) -> None:
    """What `openssl x509 -req` of LibreSSL signs without -sha256: OpenSSL refuses it, and the probe says what to do."""
    authority = make_certificate(tmp_path, "authority.example.test")
    name = "mail.example.test"
    request = ["openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "key", "-subj", f"/CN={name}"]
    sign = ["openssl", "x509", "-req", "-sha1", "-CA", authority, "-CAkey", authority, "-CAcreateserial"]
    asked = subprocess.run(request, capture_output=True, check=True, cwd=tmp_path)
    made = subprocess.run(sign, input=asked.stdout, capture_output=True, check=True, cwd=tmp_path)
    server_file = tmp_path / "server.pem"
    server_file.write_text((tmp_path / "key").read_text() + made.stdout.decode())
    with FakeServer(certificate=server_file, wrapper=True, ciphers="DEFAULT@SECLEVEL=0") as server:
        seen, _dummy = probe(endpoint(server, authority), {})
    assert seen["tls"][0] is False
    assert seen["tls"][1].endswith(
        "too weak: it is signed with SHA-1 or MD5. Sign the certificate again with openssl x509 -sha256"
    )


def test_wrong_name(certificate: Path) -> None:
    with FakeServer({"TLS:AUTH PLAIN": "235 ok"}, certificate=certificate, wrapper=True) as server:
        target = endpoint(server, certificate, tls_name="other.example.test")
        seen, _dummy = probe(target, {"certificate": {"verified": False, "names": ["mail.example.test"]}}, LOGIN)
    assert seen["certificate verified"][0] is True
    assert "other.example.test" in seen["certificate verified"][1]
    assert seen["certificate names"] == (True, ["mail.example.test"])
    assert seen["tls"][0] is True  # the verdict is that of "certificate verified"
    assert seen["login"][0] is False
    assert not any("AUTH PLAIN " in line for line in server.heard)


def test_verification_off(certificate: Path) -> None:
    with FakeServer({"TLS:AUTH PLAIN": "235 ok"}, certificate=certificate) as server:
        seen, _dummy = probe(endpoint(server, certificate, ca_path="", validate_certs=False), {}, LOGIN)
    assert seen["tls"][0] is True
    assert seen["tls"][1].endswith("not verified: validate_certs is false")
    assert seen["login"] == (True, "235 ok")


def test_bad_ca_file(certificate: Path, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("no certificate")
    with FakeServer(certificate=certificate) as server:
        seen, _dummy = probe(endpoint(server, certificate, ca_path=str(path)), {})
    assert seen["tls"][0] is False
    assert seen["tls"][1].startswith(f"the CA certificates in {str(path)!r} cannot be used: ")


def test_no_tls_behind_the_port() -> None:
    with FakeServer() as server:
        seen, _dummy = probe(endpoint(server, tls="wrapper"), {"tls_versions": {"TLSv1.3": False}})
    assert seen["tls"] == (False, "the TLS handshake failed: TLS: wrong version number")
    # A server that speaks no TLS has not refused a version of it.
    assert seen["tls_versions TLSv1.3"] == (False, "no verdict: TLS: wrong version number")


@pytest.mark.parametrize("wrapper", [True, False])
def test_without_a_certificate_of_the_client(certificate: Path, wrapper: bool) -> None:
    refused = {"TLS:EHLO": "421 4.7.1 Error: No client certificate presented"}
    for replies, ok in ((refused, True), ({}, False)):
        with FakeServer(replies, certificate=certificate, wrapper=wrapper) as server:
            seen, _dummy = probe(endpoint(server, certificate), {"client_certificate": True, "auth_offered": True})
        assert list(seen)[-1] == "client_certificate"
        assert seen["client_certificate"][0] is ok
        assert seen["tls"][0] is True


@pytest.mark.parametrize("wrapper", [False, True])
def test_tls_versions(certificate: Path, wrapper: bool) -> None:
    with FakeServer(certificate=certificate, wrapper=wrapper, highest=ssl.TLSVersion.TLSv1_2) as server:
        seen, _dummy = probe(endpoint(server, certificate), {"tls_versions": {"TLSv1.2": True, "TLSv1.3": False}})
        again, _dummy = probe(endpoint(server, certificate), {"tls_versions": {"TLSv1.2": False, "TLSv1.3": True}})
    assert seen["tls_versions TLSv1.2"][0] is True
    assert seen["tls_versions TLSv1.3"] == (True, "refused (TLS: tlsv1 alert protocol version)")
    assert again["tls_versions TLSv1.2"][0] is False
    assert again["tls_versions TLSv1.3"][0] is False


def test_old_versions_are_offered(certificate: Path) -> None:
    """TLS 1.0 and 1.1 count as refused only because the server said so, or nothing could offer them."""
    with FakeServer(certificate=certificate, wrapper=True) as server:
        seen, _dummy = probe(endpoint(server, certificate), {"tls_versions": {"TLSv1": False, "TLSv1.1": False}})
    for name in ("tls_versions TLSv1", "tls_versions TLSv1.1"):
        ok, detail = seen[name]
        assert ok is detail.startswith("refused")
        # A server with OpenSSL 3.0 ends the attempt with an error that decides nothing.
        assert detail.startswith(("refused", "no attempt", "no verdict: TLS: tlsv1 alert internal error"))


@pytest.mark.parametrize(
    ("highest", "outcome"), [(ssl.TLSVersion.TLSv1_2, "refused"), (ssl.TLSVersion.TLSv1_3, "accepted")]
)
def test_openssl_command(certificate: Path, monkeypatch: pytest.MonkeyPatch, highest: Any, outcome: str) -> None:
    """Where Python's library cannot offer a version, the openssl command is asked."""
    monkeypatch.setattr(client, "_version_context", lambda _dummy: None)
    with FakeServer(certificate=certificate, highest=highest) as server:
        attempt = client.try_version(endpoint(server, certificate), "TLSv1.3", [])
    assert attempt.outcome == outcome


def test_no_attempt_possible(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_version_context", lambda _dummy: None)
    monkeypatch.setattr(_command, "find", lambda *_dummy: None)
    with FakeServer(certificate=certificate) as server:
        seen, _dummy = probe(endpoint(server, certificate), {"tls_versions": {"TLSv1": False}})
    assert seen["tls_versions TLSv1"] == (
        False,
        "no attempt: Python's TLS library here cannot offer TLSv1, and there is no openssl",
    )


def test_imap(certificate: Path) -> None:
    with FakeServer(greeting="* OK ready", certificate=certificate, wrapper=True) as server:
        seen, _dummy = probe(endpoint(server, certificate, protocol="imap"), {"banner": "ready"})
    assert seen["connect"] == (True, "* OK ready")
    assert seen["banner"] == (True, "* OK ready")
    with FakeServer(certificate=certificate, wrapper=True) as server:
        seen, _dummy = probe(endpoint(server, certificate, protocol="imap"), {})
    assert seen["connect"][1] == "the server greets with '220 mail.example.test ESMTP'; expected '* OK' of IMAP"


# ---- delivery: the mailbox is replaced, the SMTP side is the scripted server


# ---- a stranger, false ends of messages, and logins without TLS

ATTEMPTS = {
    "domain": "foreign.example",
    "own_domain": "example.test",
    "hostname": "mail.example.test",
    "senders": ["", "root", "x@example.test"],
}


def _refuses(*accepted: str) -> dict[str, str | None]:
    """The replies of a server that takes only these recipients."""
    attempts = smtp_probe.parse_expectations(
        {"relay_attempts": ATTEMPTS}, tls="none", protocol="smtp", login=False
    ).relay_attempts
    assert attempts is not None
    paths = [spelling.path for spelling in smtp_probe.relay_spellings(attempts, "127.0.0.1")]
    paths.append("<puffy-mail-probe-nobody@example.test>")
    return {f"RCPT TO:{path}": "250 ok" if path in accepted else "554 5.7.1 no relay" for path in paths}


def test_a_stranger_is_refused_in_every_spelling(certificate: Path) -> None:
    with FakeServer(_refuses(), certificate=certificate) as server:
        seen, transcript = probe(endpoint(server, certificate), {"relay_attempts": ATTEMPTS})
    assert {name: seen[name] for name in seen if name.startswith("relay_attempts")} == {
        "relay_attempts as <>": (True, "refused in 35 spellings"),
        "relay_attempts as root": (True, "refused in 4 spellings"),
        "relay_attempts as x@example.test": (True, "refused in 4 spellings"),
    }
    # A new connection before the server loses its patience, and no message.
    assert sum(line.endswith("a stranger") for line in transcript) == 7
    assert not any(line.startswith(("DATA", "AUTH")) for line in server.heard)


def test_the_spelling_that_relays_is_named() -> None:
    hack = "<puffy-mail-probe%foreign.example@mail.example.test>"
    with FakeServer(_refuses(hack)) as server:
        seen, _transcript = probe(endpoint(server), {"relay_attempts": ATTEMPTS})
    for sender in ("<>", "root", "x@example.test"):
        assert seen[f"relay_attempts as {sender}"] == (False, [f"accepted {hack}: 250 ok"])


def test_a_domain_that_takes_every_address_relays_none_of_them() -> None:
    own = ("<puffy-mail-probe-nobody@example.test>", "<puffy-mail-probe%foreign.example@example.test>")
    with FakeServer(_refuses(*own)) as server:
        seen, _transcript = probe(endpoint(server), {"relay_attempts": ATTEMPTS})
    ok, told = seen["relay_attempts as <>"]
    assert (ok, told) == (True, "refused in 30 spellings, those in example.test left out, which accepts every address")


@pytest.mark.parametrize(
    ("reply", "ok"),
    [
        ("502 5.5.1 disabled", True),
        ("252 2.0.0 postmaster", False),
        ("550 5.1.1 unknown", False),
        ("250 queued", False),
    ],
)
def test_refused_commands(reply: str, ok: bool) -> None:
    with FakeServer({"VRFY": reply, "ETRN": reply, "EXPN": reply}) as server:
        seen, _transcript = probe(endpoint(server), {"refused_commands": ["VRFY", "EXPN", "ETRN"]})
    assert {seen[f"refused_commands {command}"] for command in ("VRFY", "EXPN", "ETRN")} == {(ok, reply)}


def _smuggling(**replies: str | None) -> dict[str, tuple[bool | None, Any]]:
    with FakeServer({"DATA": "354 go", "<message>": "554 5.4.0 too many hops", **replies}) as server:
        seen, _transcript = probe(endpoint(server), {"smuggling": {"from": "", "to": "alice@example.test"}})
    return {name.partition(" ")[2]: found for name, found in seen.items() if name.startswith("smuggling")}


def test_a_false_end_is_the_end_for_some_servers() -> None:
    """The scripted server takes any line with a dot alone for the end, if CRLF ends that line."""
    seen = _smuggling()
    assert {name for name, (ok, _told) in seen.items() if not ok} == {"<LF>.<CR><LF>"}
    assert seen["<LF>.<CR><LF>"][1].startswith("the end: 554 5.4.0 too many hops / 250")
    assert seen["<CR><LF>.<LF>"] == (True, "not the end: 554 5.4.0 too many hops")


def test_false_ends_are_not_tried_where_the_message_is_refused_before() -> None:
    seen = _smuggling(RCPT="550 5.1.1 unknown")
    assert set(seen.values()) == {(False, "not made: the message is refused before its content: 550 5.1.1 unknown")}


class Speaker:
    """A server that answers each line by its first words, as IMAP, POP3 and ManageSieve servers do; to what is None,
    never, and to what is empty, with the end of the connection. The last part of its greeting takes ``slow`` seconds.
    """

    def __init__(self, greeting: str, answers: dict[str, str | None], slow: float = 0) -> None:
        self.greeting, self.answers, self.slow = greeting, answers, slow
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _address = self._listener.accept()
            with contextlib.suppress(OSError), connection, connection.makefile("rb") as stream:
                self._converse(connection, stream)

    def _converse(self, connection: socket.socket, stream: BinaryIO) -> None:
        first, _end, last = self.greeting.rpartition("\r\n")
        if first:
            connection.sendall(f"{first}\r\n".encode())
        time.sleep(self.slow)
        if last:
            connection.sendall(f"{last}\r\n".encode())
        for raw in stream:
            line = raw.decode("latin-1").strip()
            answer = next((text for start, text in self.answers.items() if line.startswith(start)), "500 no")
            if answer == "":
                break
            if answer is not None:
                connection.sendall(f"{answer}\r\n".encode())


IMAP_GOOD = {
    "a CAP": "* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\na OK done",
    "b AUTH": "b NO [PRIVACYREQUIRED] no",
    "c LOGIN": "c NO [PRIVACYREQUIRED] Plaintext authentication disallowed",
}
POP3_GOOD = {"CAPA": "+OK\r\nSTLS\r\nSASL\r\n.", "AUTH": "-ERR no", "USER": "-ERR [AUTH] no"}


@pytest.mark.parametrize(
    ("greeting", "answers", "found"),
    [
        ("* OK ready", IMAP_GOOD, []),
        ("* OK ready", {**IMAP_GOOD, "b AUTH": "+ ", "*": "b NO cancelled"}, ["IMAP accepts AUTHENTICATE PLAIN"]),
        (
            "* OK ready",
            {**IMAP_GOOD, "a CAP": "* CAPABILITY AUTH=PLAIN\r\na OK", "c LOGIN": "c NO [AUTHENTICATIONFAILED]"},
            ["IMAP announces AUTH=PLAIN", "IMAP does not announce LOGINDISABLED",
             "IMAP looks at the password of LOGIN (NO [AUTHENTICATIONFAILED])"],
        ),
        ("+OK ready", POP3_GOOD, []),
        (
            "+OK ready",
            {"CAPA": "+OK\r\nUSER\r\nSASL PLAIN\r\n.", "AUTH": "+ ", "*": "-ERR", "USER": "+OK"},
            ["POP3 announces USER", "POP3 announces SASL PLAIN", "POP3 accepts AUTH PLAIN",
             "POP3 accepts USER puffy-mail-probe"],
        ),
        ('"SASL" ""\r\n"STARTTLS"\r\nOK', {"AUTH": 'NO "TLS first"'}, []),
        (
            '"IMPLEMENTATION" "x"\r\n"SASL" "PLAIN"\r\nOK "ready"',
            {"AUTH": '""'},
            ['ManageSieve announces "SASL" "PLAIN"', "ManageSieve accepts AUTHENTICATE PLAIN"],
        ),
        ("220 mail.example.test", {"EHLO": "250-mail\r\n250 AUTH PLAIN"}, ["SMTP announces AUTH PLAIN"]),
        ("220 mail.example.test", {"EHLO": "250 mail", "AUTH": "334 ", "*": "501 no"}, ["SMTP accepts AUTH PLAIN"]),
        ("220 mail.example.test", {"EHLO": "250 mail", "AUTH": "503 no"}, []),
        ("* OK ready", {**IMAP_GOOD, "c LOGIN": "c OK come in"}, ["IMAP looks at the password of LOGIN (OK come in)"]),
        # What was found before the conversation breaks off stays found, and no conversation that breaks off is right.
        ("* OK ready", {**IMAP_GOOD, "a CAP": "* CAPABILITY AUTH=PLAIN\r\na OK", "c LOGIN": None},
         ["IMAP announces AUTH=PLAIN", "IMAP does not announce LOGINDISABLED",
          "the conversation broke off: no answer within 0.5 seconds"]),
        ("* OK ready", {**IMAP_GOOD, "c LOGIN": None}, ["the conversation broke off: no answer within 0.5 seconds"]),
        ("* OK ready", {**IMAP_GOOD, "b AUTH": ""}, ["the conversation broke off: the server closed the connection"]),
        ("+OK ready", {**POP3_GOOD, "CAPA": None}, ["the conversation broke off: no answer within 0.5 seconds"]),
        ("220 mail.example.test", {"EHLO": "250 mail", "AUTH": None},
         ["the conversation broke off: no answer within 0.5 seconds"]),
        ("220 mail.example.test", {"EHLO": "502 no"}, ["the conversation broke off: EHLO is refused: 502 no"]),
        ("SSH-2.0-OpenSSH", {}, []),
    ],
)  # fmt: skip
def test_logins_without_tls(greeting: str, answers: dict[str, str | None], found: list[str]) -> None:
    speaker = Speaker(greeting, answers)
    target = Endpoint("127.0.0.1", speaker.port, tls="none", protocol="any", timeout=0.5)
    ok, seen = probe(target, {"login_before_tls": False})[0]["login_before_tls"]
    assert ok is not bool(found)
    if found:
        assert all(told.startswith(wanted) for told, wanted in zip(seen, found, strict=True)), seen


@pytest.mark.parametrize(
    ("greeting", "cause"),
    [
        ("", "something listens and does not greet: no answer within 0.5 seconds"),
        ("421 4.3.2 busy", "the server turns this client away: '421 4.3.2 busy'"),
        ("554 5.3.2 not you", "the server turns this client away: '554 5.3.2 not you'"),
        ("* BYE too many", "the server turns this client away: '* BYE too many'"),
        ("-ERR busy", "the server turns this client away: '-ERR busy'"),
    ],
)
def test_a_server_that_says_nothing_is_not_judged(greeting: str, cause: str) -> None:
    target = Endpoint("127.0.0.1", Speaker(greeting, {}).port, tls="none", protocol="any", timeout=0.5)
    ok, seen = probe(target, {"login_before_tls": False})[0]["login_before_tls"]
    assert ok is None
    assert cause in "".join(seen)


def test_a_port_that_begins_with_tls(certificate: Path) -> None:
    with FakeServer(certificate=certificate, wrapper=True) as server:
        target = endpoint(server, tls="none", protocol="any", timeout=0.5)
        assert probe(target, {"login_before_tls": False})[0]["login_before_tls"] == (True, "the port begins with TLS")


def test_a_relay_is_found_whatever_the_login_says() -> None:
    """As behind postscreen, whose greeting takes six seconds, and where the login breaks off."""
    replies = {
        "EHLO": "250 mail",
        "AUTH": None,
        "MAIL": "250 ok",
        "RCPT": "250 ok",
        "RSET": "250 ok",
        "QUIT": "221 bye",
    }
    speaker = Speaker("220-mail.example.test\r\n220 mail.example.test", replies, slow=0.3)
    target = Endpoint("127.0.0.1", speaker.port, tls="none", protocol="any", timeout=0.5)
    attempts = {"domain": "foreign.example", "hostname": "mail.example.test", "senders": [""]}
    seen = probe(target, {"login_before_tls": False, "relay_attempts": attempts})[0]
    assert seen["login_before_tls"][0] is False
    assert seen["relay_attempts as <>"][0] is False
    assert seen["relay_attempts as <>"][1][0] == "accepted <puffy-mail-probe@foreign.example>: 250 ok"


def test_a_port_on_which_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    target = Endpoint("127.0.0.1", port, tls="none", protocol="any", timeout=5.0)
    ok, seen = probe(target, {"login_before_tls": False})[0]["login_before_tls"]
    assert ok is True
    assert seen.startswith("nothing listens: no connection to 127.0.0.1")


def test_a_port_that_must_be_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        target = Endpoint("127.0.0.1", port, tls="none", protocol="any", timeout=5.0)
        assert probe(target, {"closed": True})[0]["closed"] == (False, "something listens there")
    ok, seen = probe(target, {"closed": True})[0]["closed"]
    assert ok is True
    assert seen.startswith("nothing listens: no connection to 127.0.0.1")


class FakeMailbox:
    """What Mailbox does, with a message that ``alter`` has passed through."""

    def __init__(self, *, arrives: bool = True, copies: int = 1, alter: Any = lambda text: text) -> None:
        self.arrives, self.copies, self.alter = arrives, copies, alter
        self.body = b""
        self.removed: list[str] = []

    def __call__(self, *_dummy: object) -> FakeMailbox:
        return self

    def search(self, _dummy: str) -> list[str]:
        return [str(number) for number in range(1, self.copies + 1)] if self.arrives else []

    def fetch(self, _dummy: str) -> bytes:
        return b"Subject: x\r\n\r\n" + bytes(self.alter(self.body))

    def remove(self, uids: list[str]) -> str:
        self.removed += uids
        return "removed"

    def close(self) -> None:
        pass


def deliver(
    monkeypatch: pytest.MonkeyPatch, certificate: Path, mailbox: Any, replies: dict[str, str | None], size: int = 0
) -> tuple[bool | None, str, list[str]]:
    monkeypatch.setattr(client, "Mailbox", mailbox)
    with FakeServer({"DATA": "354 go", **replies}, certificate=certificate) as server:
        target = endpoint(server, certificate)
        imap = Endpoint("127.0.0.1", 1, "wrapper", "imap")
        if isinstance(mailbox, FakeMailbox):
            mailbox.body = smtp_probe.message_body(size, eight_bit=True)
        delivery = Delivery("a@b.test", "alice@example.test", imap, "alice", "x", timeout=0.3, size=size)
        check = client.deliver(target, None, delivery, [])
    assert check.name == "deliver a@b.test to alice@example.test"
    return check.ok, check.seen, server.heard


def test_deliver(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> None:
    mailbox = FakeMailbox()
    ok, seen, heard = deliver(monkeypatch, certificate, mailbox, {})
    assert ok is True, seen
    assert seen.endswith(f"body of {len(mailbox.body)} bytes unchanged, removed")
    assert mailbox.removed == ["1"]
    assert any(line.startswith("MAIL FROM:<a@b.test> SIZE=") and line.endswith(" BODY=8BITMIME") for line in heard)


def test_deliver_store_with_plain_line_ends(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> None:
    mailbox = FakeMailbox(alter=lambda body: body.replace(b"\r\n", b"\n"))
    assert deliver(monkeypatch, certificate, mailbox, {})[0] is True


@pytest.mark.parametrize(
    ("alter", "told"),
    [
        (lambda body: body.replace(b"\r\n..\r\n", b"\r\n.\r\n"), "line 4 of the body differs from byte 1 on"),
        (lambda body: body.replace(b"\r\nFrom ", b"\r\n>From "), "line 7 of the body differs from byte 0 on"),
        (lambda body: body.replace(b"   \r\n", b"\r\n"), "line 9 of the body differs from byte 23 on"),
        (lambda body: body + b"-- \r\nscanned by a scanner\r\n", "line 20 of the body differs from byte 0 on"),
    ],
)
def test_deliver_altered(monkeypatch: pytest.MonkeyPatch, certificate: Path, alter: Any, told: str) -> None:
    mailbox = FakeMailbox(alter=alter)
    ok, seen, _dummy = deliver(monkeypatch, certificate, mailbox, {})
    assert ok is False
    assert told in seen
    assert seen.endswith("removed")
    assert mailbox.removed == ["1"]


def test_deliver_twice(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> None:
    mailbox = FakeMailbox(copies=2)
    ok, seen, _dummy = deliver(monkeypatch, certificate, mailbox, {})
    assert (ok, mailbox.removed) == (False, ["1", "2"])
    assert "it arrived 2 times" in seen


def test_deliver_nothing_arrives(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> None:
    ok, seen, _dummy = deliver(monkeypatch, certificate, FakeMailbox(arrives=False), {})
    assert ok is False
    assert seen.startswith("sent, but not in INBOX after 0.")
    assert "'puffy.mail probe " in seen


@pytest.mark.parametrize(
    ("replies", "seen"),
    [
        ({"TLS:MAIL": "553 5.7.1 no"}, "not sent: 553 5.7.1 no"),
        ({"TLS:RCPT": "550 5.1.1 unknown"}, "not sent: 550 5.1.1 unknown"),
        ({"TLS:DATA": "451 4.3.0 later"}, "not sent: DATA is refused: 451 4.3.0 later"),
        ({"TLS:<message>": "554 5.6.0 spam"}, "not sent: the message is refused: 554 5.6.0 spam"),
        ({"TLS:EHLO": "250-m\r\n250 SIZE 1000"}, None),
        ({"EHLO": "250 m"}, "not sent: STARTTLS is not offered"),
    ],
)
def test_deliver_refused(
    monkeypatch: pytest.MonkeyPatch, certificate: Path, replies: dict[str, str | None], seen: str | None
) -> None:
    ok, told, _dummy = deliver(monkeypatch, certificate, FakeMailbox(arrives=False), replies)
    assert ok is False
    if seen is None:
        assert told.startswith("not sent: the message has ")
        assert told.endswith(" bytes, but the server accepts only 1000 (SIZE)")
    else:
        assert told == seen


def test_deliver_lost_reply(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> None:
    """A connection lost after the message says nothing about it: what arrives is removed."""
    mailbox = FakeMailbox()
    ok, seen, _dummy = deliver(monkeypatch, certificate, mailbox, {"TLS:<message>": "gibberish"})
    assert ok is False
    assert seen == (
        "the server sent 'gibberish', which is not an SMTP reply; the message arrived nevertheless and was removed"
    )
    assert mailbox.removed == ["1"]


def test_deliver_without_mailbox(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> None:
    def closed(*_dummy: object) -> None:
        raise client.ProbeError("IMAP: the login is refused: no")

    ok, seen, heard = deliver(monkeypatch, certificate, closed, {})
    assert (ok, seen, heard) == (False, "nothing was sent: IMAP: the login is refused: no", [])


def test_mailbox_connection_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    imap = Endpoint("127.0.0.1", port, "wrapper", "imap", timeout=1)
    with pytest.raises(client.ProbeError, match=r"^IMAP: connection refused$"):
        client.Mailbox(Delivery("", "a@b.test", imap, "a", "x"), [])


def test_secrets_stay_out_of_representations() -> None:
    imap = Endpoint("h", 1)
    assert "correct horse" not in repr(LOGIN)
    assert "correct horse" not in repr(Delivery("", "a@b.test", imap, "a", "correct horse"))
