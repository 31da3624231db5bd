# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expectations of a mail server: how they are read, and the verdicts on what was seen."""

from __future__ import annotations

import base64
import re
import ssl
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.puffy.mail.plugins.module_utils._probe import checks as probe
from ansible_collections.puffy.mail.plugins.module_utils._probe.checks import Certificate, Check, Envelope, Reply

RELAY = {"from": "a@example.test", "to": "b@foreign.example", "code": 554, "enhanced": "5.7.1"}


def parse(value: dict[str, Any], tls: str = "starttls", protocol: str = "smtp", login: bool = True) -> Any:
    return probe.parse_expectations(value, tls=tls, protocol=protocol, login=login)


def test_parse_nothing() -> None:
    assert parse({}) == probe.Expectations()
    assert parse(dict.fromkeys(probe.EXPECT_KEYS)) == probe.Expectations()


def test_parse_everything() -> None:
    found = parse(
        {
            "banner": "ESMTP",
            "starttls": True,
            "auth_before_tls": "no",
            "mail_before_tls": False,
            "auth_offered": ["plain", "LOGIN", "PLAIN"],
            "login_code": "535",
            "tls_versions": {"TLSv1.3": True, "TLSv1": "false", "TLSv1.2": None},
            "certificate": {"verified": True, "names": ["a.example.test"], "min_days": 3},
            "relay": RELAY,
            "recipients": [{"from": "", "to": "b@example.test", "code": "250"}],
            "sender": [],
            "size": 0,
        }
    )
    assert found == probe.Expectations(
        banner=re.compile("ESMTP"),
        starttls=True,
        auth_before_tls=False,
        mail_before_tls=False,
        auth_offered=("LOGIN", "PLAIN"),
        login_code=535,
        tls_versions={"TLSv1": False, "TLSv1.3": True},
        certificate=Certificate(True, ("a.example.test",), 3),
        relay=(Envelope("a@example.test", "b@foreign.example", 554, "5.7.1"),),
        recipients=(Envelope("", "b@example.test", 250, ""),),
        size=0,
    )
    # The order in which they are tried is ours, not that of the dictionary.
    assert list(found.tls_versions) == ["TLSv1", "TLSv1.3"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"start_tls": True}, "expect has an unknown key 'start_tls'. Use 'starttls'"),
        ({"x": 1}, f"expect has an unknown key 'x'. Use {', '.join(probe.EXPECT_KEYS)}"),
        ({1: 1}, f"expect has an unknown key 1. Use {', '.join(probe.EXPECT_KEYS)}"),
        ({"starttls": "maybe"}, "expect.starttls is 'maybe'. Use true or false"),
        ({"starttls": 1}, "expect.starttls is 1. Use true or false"),
        (
            {"banner": "("},
            "expect.banner '(' is not a regular expression: missing ), unterminated subpattern at position 0",
        ),
        (
            {"auth_offered": "PLAIN"},
            "expect.auth_offered is 'PLAIN'. Use true, false or a list of SASL mechanisms",
        ),
        ({"auth_offered": [1]}, "expect.auth_offered is 1. Use names of SASL mechanisms such as 'PLAIN'"),
        ({"login_code": 1000}, "expect.login_code is 1000. Use a whole number from 200 to 599"),
        ({"login_code": True}, "expect.login_code is True. Use a whole number from 200 to 599"),
        ({"size": -1}, "expect.size is -1. Use a whole number from 0 to 9223372036854775807"),
        ({"tls_versions": ["TLSv1"]}, "expect.tls_versions is ['TLSv1']. Use a dictionary"),
        (
            {"tls_versions": {"TLSv1.4": True}},
            "expect.tls_versions has an unknown key 'TLSv1.4'. Use 'TLSv1.3'",
        ),
        ({"tls_versions": {"TLSv1": "x"}}, "expect.tls_versions['TLSv1'] is 'x'. Use true or false"),
        ({"certificate": {"name": "a"}}, "expect.certificate has an unknown key 'name'. Use 'names'"),
        ({"certificate": {"names": "a"}}, "expect.certificate.names is 'a'. Use a list of names"),
        ({"certificate": {"names": [1]}}, "expect.certificate.names has 1. Use names only"),
        (
            {"certificate": {"names": ["a b"]}},
            "expect.certificate.names is 'a b'. Use a host name or an IP address",
        ),
        (
            {"certificate": {"min_days": "x"}},
            "expect.certificate.min_days is 'x'. Use a whole number from 0 to 36500",
        ),
        ({"relay": "x"}, "expect.relay is 'x'. Use a dictionary"),
        ({"relay": {"form": "x"}}, "expect.relay has an unknown key 'form'. Use 'from'"),
        ({"relay": {"from": ""}}, "expect.relay has no 'to'. Use from, to and code, and optionally enhanced"),
        (
            {"sender": [RELAY, {**RELAY, "to": ""}]},
            "expect.sender[1].to is ''. Use a mail address such as 'alice@example.test'",
        ),
        (
            {"relay": {**RELAY, "from": "a\r\nDATA@b"}},
            "expect.relay.from is 'a\\r\\nDATA@b'. Use a mail address such as 'alice@example.test'",
        ),
        (
            {"relay": {**RELAY, "enhanced": "5.7"}},
            "expect.relay.enhanced is '5.7'. Use a status code of RFC 3463 such as '5.7.1'",
        ),
        (
            {"relay": {**RELAY, "code": 250}},
            "expect.relay: enhanced '5.7.1' and code 250 are of different classes. Use the same first digit",
        ),
    ],
)
def test_parse_bad(value: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse(value)


@pytest.mark.parametrize(
    ("value", "options", "message"),
    [
        (
            {"certificate": {}},
            {"tls": "none"},
            "expect.certificate cannot be checked without TLS. Set tls to 'starttls' or 'wrapper'",
        ),
        (
            {"auth_before_tls": False},
            {"tls": "wrapper"},
            "expect.auth_before_tls cannot be checked with tls 'wrapper', which starts with TLS",
        ),
        ({"login_code": 535}, {"login": False}, "expect.login_code needs the option login"),
        (
            {"relay": RELAY},
            {"protocol": "imap", "tls": "wrapper"},
            "expect.relay cannot be checked with protocol 'imap'. Use banner, tls_versions, certificate",
        ),
    ],
)
def test_parse_unfit(value: dict[str, Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse(value, **options)


@pytest.mark.parametrize("value", ["a.example.test", "localhost", "192.0.2.1", "2001:db8::1", "mail_1.x", "a."])
def test_check_host(value: str) -> None:
    assert probe.check_host("host", value) == value


@pytest.mark.parametrize("value", ["", "a b", "-a", "a..b", "300.1.1.1", "[::1]", "a/b", "a:25", "x" * 254, "a\n"])
def test_check_host_bad(value: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(f'host is {value!r}. Use a host name or an IP address')}$"):
        probe.check_host("host", value)


@pytest.mark.parametrize("value", ["a@b", "a.b+c@example.test", "jos\u00e9@example.test", "a@[192.0.2.1]"])
def test_check_address(value: str) -> None:
    assert probe.check_address("to", value) == value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "to is ''. Use a mail address such as 'alice@example.test'"),
        ("a", "to is 'a'. Use a mail address such as 'alice@example.test'"),
        ("a b@c", "to is 'a b@c'. Use a mail address such as 'alice@example.test'"),
        ("a@b>", "to is 'a@b>'. Use a mail address such as 'alice@example.test'"),
        ("a@b\n", "to is 'a@b\\n'. Use a mail address such as 'alice@example.test'"),
        (7, "to is 7. Use a mail address such as 'alice@example.test'"),
        (".a@b", "to: '.a@b' has a local part that RFC 5321 does not allow"),
        ("a..b@c", "to: 'a..b@c' has a local part that RFC 5321 does not allow"),
        ("a@-b", "to: 'a@-b' has no valid domain after the @"),
    ],
)
def test_check_address_bad(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        probe.check_address("to", value)


@pytest.mark.parametrize(
    ("value", "good"), [(1, True), ("25", True), (65535, True), (0, False), (65536, False), ("x", False)]
)
def test_check_port(value: object, good: bool) -> None:
    if good:
        assert probe.check_port("port", value) == int(str(value))
    else:
        with pytest.raises(
            ValueError, match=f"^{re.escape(f'port is {value!r}. Use a whole number from 1 to 65535')}$"
        ):
            probe.check_port("port", value)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("220 hello", (220, False, "hello")),
        ("250-SIZE 1", (250, True, "SIZE 1")),
        ("250", (250, False, "")),
        ("250 ", (250, False, "")),
    ],
)
def test_parse_reply_line(line: str, expected: tuple[int, bool, str]) -> None:
    assert probe.parse_reply_line(line) == expected


@pytest.mark.parametrize(
    "line", ["", "* OK", "25 x", "2500 x", "199 x", "600 x", "HTTP/1.1 400 Bad Request", "x" * 999]
)
def test_parse_reply_line_bad(line: str) -> None:
    shown = line if len(line) <= 120 else line[:120] + "..."
    message = f"the server sent {shown!r}, which is not an SMTP reply"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        probe.parse_reply_line(line)


def test_reply() -> None:
    reply = Reply(554, ("5.7.1 <x>: Relay access denied", "more"))
    assert reply.text() == "554 5.7.1 <x>: Relay access denied / more"
    assert reply.enhanced() == "5.7.1"
    assert Reply(554, ("no",)).enhanced() == ""
    assert Reply(554, ("5.7.12345 no",)).enhanced() == ""


def test_capabilities() -> None:
    reply = Reply(
        250, ("mail.example.test", "SIZE 10240000", "starttls", "AUTH PLAIN LOGIN", "AUTH=PLAIN LOGIN", "", "X")
    )
    found = probe.capabilities(reply)
    assert found == {"SIZE": "10240000", "STARTTLS": "", "AUTH": "PLAIN LOGIN", "X": ""}
    assert probe.mechanisms(found) == ("LOGIN", "PLAIN")
    assert probe.mechanisms({}) is None
    assert probe.mechanisms({"AUTH": ""}) == ()


def test_sasl_plain() -> None:
    # RFC 4616, 4: the examples, in the form in which they are sent.
    assert base64.b64decode(probe.sasl_plain("tim", "tanstaaftanstaaf")) == b"\0tim\0tanstaaftanstaaf"
    assert base64.b64decode(probe.sasl_plain("Kurt", "xipj3plmq", "Ursel")) == b"Ursel\0Kurt\0xipj3plmq"
    assert base64.b64decode(probe.sasl_plain("j\u00f6", "\u20ac")) == "\0j\u00f6\0\u20ac".encode()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("", "x"), "the user name is empty, which SASL PLAIN (RFC 4616) does not allow"),
        (("x", ""), "the password is empty, which SASL PLAIN (RFC 4616) does not allow"),
        (("a\0", "x"), "the user name holds a NUL character, which SASL PLAIN (RFC 4616) cannot carry"),
        (("a", "secret\0"), "the password holds a NUL character, which SASL PLAIN (RFC 4616) cannot carry"),
        (
            ("a", "x", "\0"),
            "the authorization identity holds a NUL character, which SASL PLAIN (RFC 4616) cannot carry",
        ),
    ],
)
def test_sasl_plain_bad(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        probe.sasl_plain(*arguments)


def hello_of(low: str, high: str) -> bytes:
    """A real ClientHello of this Python's TLS library."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = getattr(ssl.TLSVersion, low)
    context.maximum_version = getattr(ssl.TLSVersion, high)
    sent = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname="mail.example.test").do_handshake()
    return sent.read()


def test_highest_version_offered() -> None:
    assert probe.highest_version_offered(hello_of("TLSv1_2", "TLSv1_2")) == 0x0303
    assert probe.highest_version_offered(hello_of("TLSv1_3", "TLSv1_3")) == 0x0304
    assert probe.highest_version_offered(hello_of("TLSv1_2", "TLSv1_3")) == 0x0304


@given(st.binary(max_size=80))
def test_highest_version_offered_of_anything(data: bytes) -> None:
    for start in (b"", b"\x16\x03\x01\x00\x80\x01"):
        assert isinstance(probe.highest_version_offered(start + data), (int, type(None)))


@given(st.integers(0, 300))
def test_highest_version_offered_of_a_part(length: int) -> None:
    assert probe.highest_version_offered(hello_of("TLSv1_3", "TLSv1_3")[:length]) in (None, 0x0303, 0x0304)


@pytest.mark.parametrize(
    ("output", "outcome"),
    [
        ("---\nNew, TLSv1.2, Cipher is ECDHE-RSA-AES256-GCM-SHA384\n    Protocol  : TLSv1.1\n", "accepted"),
        # OpenSSL 3.0, s_client -tls1 to a server that refuses it
        (
            "CONNECTED(00000003)\n40:error:0A00042E:SSL routines:ssl3_read_bytes:tlsv1 alert protocol"
            " version:x.c:1584:SSL "
            "alert number 70\n---\nNew, (NONE), Cipher is (NONE)\n",
            "refused",
        ),
        (
            "CONNECTED(00000003)\n40:error:0A000126:SSL routines::unexpected eof while reading:x.c:1:\n"
            "New, (NONE), Cipher is (NONE)\n",
            "refused",
        ),
        ("s_client: Unknown option: -tls1\ns_client: Use -help for summary.\n", "unable"),
        (
            "40:error:0A0000BF:SSL routines:tls_setup_handshake:no protocols available:x.c:104:\nSSL"
            " handshake has read 0 "
            "bytes and written 7 bytes\nNew, (NONE), Cipher is (NONE)\n",
            "unable",
        ),
        ("40:error:8000006F:system library:BIO_connect:Connection refused:x.c:1\nconnect:errno=111\n", "failed"),
        ("", "failed"),
    ],
)
def test_s_client_attempt(output: str, outcome: str) -> None:
    assert probe.s_client_attempt(output).outcome == outcome


@pytest.mark.parametrize(
    ("check", "ok", "seen"),
    [
        (probe.judge_banner(re.compile("^220 .*ESMTP"), "220 m ESMTP x"), True, "220 m ESMTP x"),
        (probe.judge_banner(re.compile("Postfix"), "220 m ESMTP"), False, "220 m ESMTP"),
        (probe.judge_auth("a", False, None, Reply(503, ("no",))), True, "no AUTH (503 no)"),
        (
            probe.judge_auth("a", False, None, Reply(334, ("",))),
            False,
            "AUTH is not announced, but the command is accepted (334)",
        ),
        (probe.judge_auth("a", False, ("PLAIN",), None), False, "AUTH PLAIN"),
        (probe.judge_auth("a", True, ("PLAIN",), None), True, "AUTH PLAIN"),
        (probe.judge_auth("a", True, None, Reply(503, ("no",))), False, "no AUTH (503 no)"),
        (probe.judge_auth("a", ("LOGIN", "PLAIN"), ("LOGIN", "PLAIN"), None), True, ["LOGIN", "PLAIN"]),
        (probe.judge_auth("a", ("PLAIN",), ("LOGIN", "PLAIN"), None), False, ["LOGIN", "PLAIN"]),
        (probe.judge_auth("a", (), None, None), False, []),
        (probe.judge_mail_before_tls(False, Reply(530, ("5.7.0 no",))), True, "530 5.7.0 no"),
        (probe.judge_mail_before_tls(False, Reply(250, ("ok",))), False, "250 ok"),
        (probe.judge_mail_before_tls(True, Reply(250, ("ok",))), True, "250 ok"),
        (
            probe.judge_envelope("relay", Envelope("", "b@x", 554, "5.7.1"), Reply(554, ("5.7.1 no",))),
            True,
            "554 5.7.1 no",
        ),
        (
            probe.judge_envelope("relay", Envelope("", "b@x", 554, "5.7.1"), Reply(554, ("5.1.1 no",))),
            False,
            "554 5.1.1 no",
        ),
        (probe.judge_envelope("relay", Envelope("", "b@x", 554, ""), Reply(554, ("no",))), True, "554 no"),
        (
            probe.judge_envelope("relay", Envelope("", "b@x", 554, "5.7.1"), Reply(250, ("2.1.5 Ok",))),
            False,
            "250 2.1.5 Ok",
        ),
        (probe.judge_size(5, {"SIZE": "5"}), True, 5),
        (probe.judge_size(5, {"SIZE": "6"}), False, 6),
        (probe.judge_size(0, {"SIZE": ""}), True, 0),
        (probe.judge_size(5, {"SIZE": "x"}), False, "x"),
        (probe.judge_size(0, {}), False, "SIZE is not announced"),
        (probe.judge_tls_version("TLSv1", False, probe.TlsAttempt("refused", "d")), True, "d"),
        (probe.judge_tls_version("TLSv1", False, probe.TlsAttempt("accepted", "d")), False, "d"),
        (probe.judge_tls_version("TLSv1", True, probe.TlsAttempt("accepted", "d")), True, "d"),
        (probe.judge_tls_version("TLSv1", False, probe.TlsAttempt("unable", "d")), False, "d"),
        (probe.judge_tls_version("TLSv1", True, probe.TlsAttempt("unable", "d")), False, "d"),
        (probe.judge_tls_version("TLSv1", False, probe.TlsAttempt("failed", "d")), False, "d"),
    ],
)
def test_judge(check: Check, ok: bool, seen: object) -> None:
    assert (check.ok, check.seen) == (ok, seen)


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("a.example.test", "A.example.test", True),
        ("a.example.test", "a.example.test.", True),
        ("*.example.test", "a.example.test", True),
        ("*.example.test", "example.test", False),
        ("*.example.test", "a.b.example.test", False),
        ("*.example.test", ".example.test", False),
        ("*.test", "example.test", False),
        ("a*.example.test", "ab.example.test", False),
        ("192.0.2.1", "192.0.2.1", True),
        ("2001:DB8:0::1", "2001:db8::1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("*.0.2.1", "192.0.2.1", False),
    ],
)
def test_name_matches(pattern: str, name: str, matches: bool) -> None:
    assert probe.name_matches(pattern, name) is matches


CERTIFICATE = {
    "subjectAltName": (("DNS", "mail.example.test"), ("IP Address", "192.0.2.1"), ("email", "x@y")),
    "notAfter": "Dec 11 10:54:23 2026 GMT",
}
NOW = probe.certificate_time("Dec  1 10:54:24 2026 GMT")


def test_judge_certificate() -> None:
    wanted = Certificate(True, ("mail.example.test", "192.0.2.1"), 9)
    assert probe.judge_certificate(wanted, CERTIFICATE, "", NOW) == [
        Check("certificate verified", True, "verified", "verified"),
        Check("certificate names", True, ["mail.example.test", "192.0.2.1"], ["mail.example.test", "192.0.2.1"]),
        Check("certificate days", True, "valid for 9 days or more", "9 days, until Dec 11 10:54:23 2026 GMT"),
    ]


def test_judge_certificate_failing() -> None:
    wanted = Certificate(True, ("other.example.test",), 10)
    checks = probe.judge_certificate(wanted, CERTIFICATE, "hostname mismatch", NOW)
    assert [check.ok for check in checks] == [False, False, False]
    unread = probe.judge_certificate(wanted, None, "self-signed certificate", NOW)
    assert [check.ok for check in unread] == [False, False, False]
    assert unread[1].seen == "cannot be read from a certificate that is not trusted (self-signed certificate)"
    assert probe.judge_certificate(Certificate(False), None, "self-signed certificate", NOW)[0].ok is True
    assert probe.judge_certificate(Certificate(False), CERTIFICATE, "", NOW)[0].ok is False
    assert probe.judge_certificate(Certificate(), CERTIFICATE, "", NOW) == []


@pytest.mark.parametrize("eight_bit", [True, False])
@pytest.mark.parametrize("size", [0, 20000])
def test_message(size: int, eight_bit: bool) -> None:
    body = probe.message_body(size, eight_bit=eight_bit)
    lines = body.split(b"\r\n")
    assert len(body) >= size
    assert lines.pop() == b""
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    assert max(len(line) for line in lines) == 998
    assert {b".", b"..", b""} <= set(lines)
    assert any(line.endswith(b" ") for line in lines)
    assert body.isascii() is not eight_bit
    header = probe.message_header("0123", "", "b@example.test", "DATE", eight_bit=eight_bit)
    assert f"\r\n{probe.ID_HEADER}: 0123\r\n".encode() in header
    assert probe.body_of(header + b"\r\n" + body) == body
    assert probe.body_of((header + b"\r\n" + body).replace(b"\r\n", b"\n")) == body


@given(st.lists(st.sampled_from([b"", b".", b"..", b"a", b".a", b"a.", b"\t."]), max_size=8))
def test_dot_stuffed(lines: list[bytes]) -> None:
    """Read by the rule of RFC 5321, 4.5.2, it is the message again."""
    message = b"".join(line + b"\r\n" for line in lines)
    received = []
    for line in probe.dot_stuffed(message).split(b"\r\n"):
        if line == b".":
            break
        received.append(line[1:] if line.startswith(b".") else line)
    assert b"".join(line + b"\r\n" for line in received) == (message or b"\r\n")


@pytest.mark.parametrize(
    ("sent", "received", "difference"),
    [
        (b"a\r\nb\r\n", b"a\r\nb\r\n", ""),
        (
            b"a\r\nb\r\n",
            b"a\r\nbc\r\n",
            "line 2 of the body differs from byte 1 on: sent b'b', received b'bc' (lines of 1 and 2 bytes)",
        ),
        (
            b"a\r\n",
            b"a\r\nb\r\n",
            "line 2 of the body differs from byte 0 on: sent b'', received b'b' (lines of 0 and 1 bytes)",
        ),
        (b"a\r\n\r\n", b"a\r\n", "the body has 1 lines, but 2 lines were sent"),
    ],
)
def test_body_difference(sent: bytes, received: bytes, difference: str) -> None:
    assert probe.body_difference(sent, received) == difference


CHECKS = [
    Check("connect", True, "a greeting", "220 m"),
    Check("starttls", False, True, False),
    Check("tls", False, "a TLS session", "STARTTLS is not offered"),
    Check("login", False, 235, "not made: STARTTLS is not offered"),
    Check("deliver", None, "a message", "left out"),
]


def test_failure_message() -> None:
    assert probe.failure_message("h:25", CHECKS) == (
        "h:25: 3 failed checks: starttls: expected true, seen false; tls: expected a TLS session, seen STARTTLS is not"
        " offered; not made because of it: login"
    )
    assert probe.failure_message("h:25", CHECKS[1:2]) == "h:25: 1 failed check: starttls: expected true, seen false"
    assert probe.failure_message("h:25", [CHECKS[0], CHECKS[4]]) == ""


def test_summary() -> None:
    assert probe.summary(CHECKS) == {"passed": 1, "failed": 3, "left_out": 1}


def test_table() -> None:
    rows = [check.as_dict("h:25") for check in (CHECKS[0], CHECKS[1], CHECKS[4])]
    assert probe.table(rows) == [
        "result    endpoint  check     expected    seen",
        "--------  --------  --------  ----------  --------",
        "ok        h:25      connect   a greeting  220 m",
        "FAILED    h:25      starttls  true        false",
        "left out  h:25      deliver   a message   left out",
    ]


LONG = {
    "endpoint": "submission, submissions",
    "name": "nothing wrong reported by Postfix and Dovecot",
    "ok": False,
    "expected": "235 and 535, messages arrive",
    "seen": "warning: database /etc/postfix/virtual.db is older than source file " + "x" * 60,
}


def test_long_texts_are_wrapped_inside_their_column() -> None:
    rows = [CHECKS[0].as_dict("h:25"), LONG]
    assert probe.table(rows) == [
        "result  endpoint        check             expected             seen",
        "------  --------------  ----------------  -------------------  -------------------------",
        "ok      h:25            connect           a greeting           220 m",
        "FAILED  submission,     nothing wrong     235 and 535,         warning: database",
        "        submissions     reported by       messages arrive      /etc/postfix/virtual.db",
        "                        Postfix and                            is older than source file",
        "                        Dovecot                                xxxxxxxxxxxxxxxxxxxxxxxxx",
        "                                                               xxxxxxxxxxxxxxxxxxxxxxxxx",
        "                                                               xxxxxxxxxx",
    ]


@given(st.lists(st.fixed_dictionaries({
    "endpoint": st.text(max_size=60), "name": st.text(max_size=60), "ok": st.sampled_from([True, False, None]),
    "expected": st.text(max_size=200), "seen": st.lists(st.text(max_size=80)),
}), max_size=4))  # fmt: skip
def test_no_line_is_too_long_and_nothing_is_cut_off(rows: list[dict[str, Any]]) -> None:
    lines = probe.table(rows)
    assert max(map(len, lines)) <= probe.LINE
    edges = [match.span() for match in re.finditer("-+", lines[1])]
    for place, name in ((1, "endpoint"), (2, "name"), (3, "expected"), (4, "seen")):
        begin, end = edges[place]
        column = "".join("".join(line[begin:end].split()) for line in lines[2:])
        assert column == "".join("".join(probe.shown(row[name]).split()) for row in rows)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"name": "x"}, "{'name': 'x'} is not a check: it has no ok, expected, seen"),
        ({"name": "x", "ok": 1, "expected": 1, "seen": 1}, "ok of the check 'x' is 1. Use true, false or null"),
    ],
)
def test_table_bad(row: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        probe.table([row])
