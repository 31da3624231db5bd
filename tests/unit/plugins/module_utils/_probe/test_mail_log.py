# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail log, with lines that Postfix 3.5, 3.10 and 3.11 and Dovecot 2.3 and 2.4 wrote."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.puffy.mail.plugins.module_utils._probe import mail_log
from ansible_collections.puffy.mail.plugins.module_utils._probe.mail_log import LogLine, TlsUse

FIXTURES = Path(__file__).parents[3] / "fixtures"

PARSED = {
    "Nov 21 10:54:45 mail postfix/cleanup[520]: 434171BC877: message-id=<20261121.434171BC877@mail.example.test>": (
        LogLine(
            "Nov 21 10:54:45",
            "mail",
            "postfix/cleanup",
            520,
            "434171BC877",
            "message-id=<20261121.434171BC877@mail.example.test>",
        )
    ),
    "Nov  1 00:00:00 mail postfix/qmgr[486]: 4bX9Qz1y2Mz3c: removed": (
        LogLine("Nov  1 00:00:00", "mail", "postfix/qmgr", 486, "4bX9Qz1y2Mz3c", "removed")
    ),
    "2026-11-21T10:54:33.123456+00:00 mail postfix/submissions/smtpd[512]: NOQUEUE: lost connection after CONNECT from "
    "localhost[127.0.0.1]": (
        LogLine(
            "2026-11-21T10:54:33.123456+00:00",
            "mail",
            "postfix/submissions/smtpd",
            512,
            None,
            "lost connection after CONNECT from localhost[127.0.0.1]",
        )
    ),
    "2026-11-21T10:54:33.123Z mail.example.test dovecot: lmtp(522): Connect from local\r\n": (
        LogLine("2026-11-21T10:54:33.123Z", "mail.example.test", "dovecot", None, None, "lmtp(522): Connect from local")
    ),
    "2026-11-21T10:54:33+0100 mail dovecot[31]: master: Dovecot v2.4.1-4 (7d8c0e5759) starting up for imap, lmtp": (
        LogLine(
            "2026-11-21T10:54:33+0100",
            "mail",
            "dovecot",
            31,
            None,
            "master: Dovecot v2.4.1-4 (7d8c0e5759) starting up for imap, lmtp",
        )
    ),
    "<mail.info>Nov 21 10:54:33 mail postfix/master[484]: reload -- version 3.10.13, configuration /etc/postfix": (
        LogLine(
            "Nov 21 10:54:33",
            "mail",
            "postfix/master",
            484,
            None,
            "reload -- version 3.10.13, configuration /etc/postfix",
        )
    ),
    # Only Postfix has queue ids: what looks like one elsewhere is part of the message.
    "Nov 21 10:54:33 mail sshd[7]: ABCDEF12: hello": (
        LogLine("Nov 21 10:54:33", "mail", "sshd", 7, None, "ABCDEF12: hello")
    ),
}

NOT_SYSLOG = ("", "hello", "Nov 21 10:54:33", "Nov 21 10:54:33 mail last message repeated 3 times", "-- Boot 5 --")

#: lines in which a daemon of this host reports a fault, with severity and program
PROBLEMS = (
    (
        "Nov 21 10:53:14 mail postfix/postfix-script[519]: fatal: the Postfix mail system is already running",
        "fatal",
        "postfix/postfix-script",
    ),
    (
        "Nov 21 11:27:08 mail postfix/smtpd[924]: error: open database /etc/postfix/nothere.db: No such"
        " file or directory",
        "error",
        "postfix/smtpd",
    ),
    (
        "Nov 21 11:27:08 mail postfix/trivial-rewrite[928]: warning: virtual_alias_domains lookup failure",
        "warning",
        "postfix/trivial-rewrite",
    ),
    (
        "Nov 21 10:54:46 mail postfix/tlsmgr[506]: warning: /var/lib/postfix/smtp_scache: hash/btree support is"
        " deprecated.  Please switch to cdb or lmdb.",
        "warning",
        "postfix/tlsmgr",
    ),
    (
        "Nov 21 10:54:46 mail postfix/submission/smtpd[506]: 434171BC877: warning: queue file problem",
        "warning",
        "postfix/submission/smtpd",
    ),
    ("Nov 21 10:54:46 mail postfix-out/smtp[6]: panic: myfree: corrupt memory block", "panic", "postfix-out/smtp"),
    ("Nov 21 10:54:46 mail postfix[5]: fatal: chdir(/var/spool/postfix): No such file", "fatal", "postfix"),
    (
        "Nov 21 10:54:46 mail postfix/smtpd[5]: warning: SASL: Connect to private/auth failed: No such"
        " file or directory",
        "warning",
        "postfix/smtpd",
    ),
    (
        "Nov 21 10:54:46 mail postfix/smtpd[5]: warning: c[192.0.2.1]: SASL PLAIN authentication"
        " failed: Connection lost"
        " to authentication server",
        "warning",
        "postfix/smtpd",
    ),
    (
        "Nov 21 10:54:46 mail postfix/smtpd[5]: warning: c[192.0.2.1]: SASL LOGIN authentication failed: Temporary"
        " authentication failure",
        "warning",
        "postfix/smtpd",
    ),
    (
        "Nov 21 10:54:46 mail postfix/smtpd[5]: warning: TLS library problem: error:0480006C:PEM routines::no start"
        " line:../crypto/pem/pem_lib.c:763:Expecting: ANY PRIVATE KEY:",
        "warning",
        "postfix/smtpd",
    ),
    (
        "Nov 21 10:52:24 mail dovecot: master: Fatal: Dovecot is already running with PID 31 (read from"
        " /run/dovecot/master.pid)",
        "fatal",
        "dovecot",
    ),
    (
        "Nov 21 11:26:53 mail dovecot: lmtp(alice@example.test)<694><tv8tEf1/AWu2AgAAUi6ngw>: Error: maildir:"
        " stat(/var/vmail/alice@example.test/tmp) failed: Permission denied (euid=999(vmail) egid=999(vmail) missing +x"
        " perm: /var/vmail, dir owner missing perms)",
        "error",
        "dovecot",
    ),
    (
        "Nov 21 11:27:02 mail dovecot: lmtp(alice@example.test)<903><mvjpLAaAAWuHAwAAUi6ngw>: Error: lmtp-server: conn"
        " unix:pid=902,uid=101 [1]: rcpt alice@example.test: stat(/var/vmail/alice@example.test/tmp) failed: Permission"
        " denied",
        "error",
        "dovecot",
    ),
    ("Nov 21 11:27:02 mail dovecot: master: Warning: Killed with signal 6 (by pid=1 uid=0)", "warning", "dovecot"),
    ("Nov 21 11:27:02 mail dovecot: imap(a b@x)<1><s>: Panic: file index.c: line 1: assertion", "panic", "dovecot"),
)

#: lines with a severity: (whose fault, reason, line)
JUDGED = [
    tuple(line.split(" | ", 2))
    for line in (FIXTURES / "mail_log.txt").read_text().splitlines()
    if line and not line.startswith("#")
]
HARMLESS = [f"Nov 21 10:53:19 mail {line}" for cause, _reason, line in JUDGED if cause != "host"]

#: lines that are no report of a severity at all
PLAIN = (
    "Nov 21 10:54:45 mail dovecot: imap-login: Login aborted: Connection closed (auth failed, 1 attempts in 2 secs)"
    " (auth_failed): user=<alice@example.test>, method=PLAIN, rip=127.0.0.1, lip=127.0.0.1, TLS, session=<x>",
    "Nov 21 10:53:19 mail dovecot: imap-login: Login aborted: Connection closed: SSL_accept()"
    " failed: error:0A000102:SSL"
    " routines::unsupported protocol (disconnected during TLS handshake) (tls_handshake_not_finished): user=<>",
    "Nov 21 10:54:45 mail dovecot: auth: passwd-file(alice@example.test,127.0.0.1): Password mismatch",
    "Nov 21 10:54:45 mail postfix/submission/smtpd[518]: NOQUEUE: reject: RCPT from localhost[127.0.0.1]: 553 5.7.1"
    " <bob@example.test>: Sender address rejected: not owned by user alice@example.test; from=<bob@example.test>"
    " to=<warning:@example.test> proto=ESMTP helo=<probe.invalid>",
    "Nov 21 10:54:33 mail postfix/smtpd[501]: SSL_accept error from localhost[127.0.0.1]: -1",
    "Nov 21 10:54:33 mail dovecot: imap(alice)<1><s>: Logged out Error: in=1 out=2",
    # Other programs have problems too, but not mail's.
    "Nov 21 10:54:33 mail sshd[1]: error: kex_exchange_identification",
    "Nov 21 10:54:33 mail kernel: warning: postfix/smtpd: hello",
    "Nov 21 10:54:33 mail postfixadmin[1]: error: database",
)

TLS = """\
Nov 21 10:54:45 mail postfix/submissions/smtpd[861]: Anonymous TLS connection established from localhost[127.0.0.1]: \
TLSv1.2 with cipher ECDHE-ECDSA-AES256-GCM-SHA384 (256/256 bits)
Nov 21 10:54:45 mail postfix/submissions/smtpd[861]: Anonymous TLS connection established from localhost[127.0.0.1]: \
TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature ECDSA (P-256) \
server-digest SHA256
Nov 21 10:54:33 mail postfix/smtpd[512]: Anonymous TLS connection established from unknown[2001:db8::1]: TLSv1.3 with \
cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange x25519 server-signature ECDSA (prime256v1) \
server-digest SHA256
2026-11-21T10:54:46.1+00:00 mail postfix/submission/smtpd[515]: Trusted TLS connection established from \
localhost[127.0.0.1]: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519MLKEM768 \
server-signature ECDSA (prime256v1) server-digest SHA256
Nov 21 10:54:46 mail postfix/smtp[9]: Verified TLS connection established to mx.example.net[192.0.2.7]:25: TLSv1.3 \
with cipher TLS_CHACHA20_POLY1305_SHA256 (256/256 bits) key-exchange X25519
Nov 21 10:54:46 mail postfix/smtp[9]: Untrusted TLS connection reused to mx.example.net[192.0.2.7]:25: TLSv1.3 with \
cipher TLS_CHACHA20_POLY1305_SHA256 (256/256 bits)
Nov 21 10:54:46 mail other[9]: Trusted TLS connection established to mx.example.net[192.0.2.7]:25: TLSv1.3 with \
cipher TLS_CHACHA20_POLY1305_SHA256 (256/256 bits)
"""


@pytest.mark.parametrize("line", PARSED, ids=lambda line: line[:40])
def test_parse_line(line: str) -> None:
    assert mail_log.parse_line(line) == PARSED[line]


@pytest.mark.parametrize("line", NOT_SYSLOG)
def test_parse_line_of_something_else(line: str) -> None:
    assert mail_log.parse_line(line) is None


@pytest.mark.parametrize(("line", "severity", "program"), PROBLEMS)
def test_problem(line: str, severity: str, program: str) -> None:
    found = mail_log.problem(line + "\n")
    assert found is not None
    assert (found.severity, found.program, found.line) == (severity, program, line)
    assert line.endswith(found.message)
    assert not found.message.lower().startswith(severity)


@pytest.mark.parametrize(("cause", "reason", "line"), JUDGED, ids=lambda text: text[:60])
def test_judged(cause: str, reason: str, line: str) -> None:
    parsed = mail_log.parse_line(f"Nov 21 10:53:19 mail {line}")
    assert parsed is not None
    message = re.split(r"(?i)(?:warning|error|fatal|panic): ", parsed.message, maxsplit=1)[1]
    assert mail_log.judge(parsed.program, message) == (cause, "" if cause == "host" else reason)
    assert (mail_log.problem(f"Nov 21 10:53:19 mail {line}") is not None) == (cause == "host")


def test_enough_lines_are_judged() -> None:
    assert len({line for _cause, _reason, line in JUDGED}) == len(JUDGED) >= 250
    assert {cause for cause, _reason, _line in JUDGED} == {"host", "peer", "user", "passing"}


@pytest.mark.parametrize("line", PLAIN)
def test_plain(line: str) -> None:
    assert mail_log.problem(line) is None


def test_every_exclusion_has_a_line() -> None:
    """An exclusion without a line here would be a hole that nobody looks through."""
    assert {(each.cause, each.reason) for each in mail_log.EXCLUSIONS} == {
        (cause, reason) for cause, reason, _line in JUDGED if cause != "host"
    }


def test_problems_keep_their_order() -> None:
    lines = [line for line, *_dummy in PROBLEMS] + HARMLESS + list(PLAIN)
    assert [found.line for found in mail_log.problems(lines)] == [line for line, *_dummy in PROBLEMS]


def test_count_by_program() -> None:
    assert mail_log.count_by_program([*PARSED, *NOT_SYSLOG]) == {"postfix": 4, "dovecot": 2}


def test_tls_statistics() -> None:
    assert mail_log.tls_statistics(TLS.splitlines()) == [
        TlsUse("inbound", "TLSv1.3", "TLS_AES_256_GCM_SHA384", 3),
        TlsUse("inbound", "TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384", 1),
        TlsUse("outbound", "TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256", 1),
    ]


def test_lines_of() -> None:
    assert mail_log.lines_of("a\r\nb\n") == ["a", "b"]
    assert mail_log.lines_of(("a", "b")) == ["a", "b"]
    assert mail_log.lines_of("") == []


@pytest.mark.parametrize("value", [None, 1, {"a": "b"}, ["a", 1], b"a"])
def test_lines_of_something_else(value: object) -> None:
    with pytest.raises(ValueError, match=r"^the input must be the text of a mail log or a list of its lines, not \w+$"):
        mail_log.lines_of(value)


@given(st.lists(st.text(max_size=80) | st.sampled_from([line for line, *_dummy in PROBLEMS]), max_size=8))
def test_any_text_is_read(lines: list[str]) -> None:
    """No line makes it fail, and every fault among the others is found."""
    known = {line for line, *_dummy in PROBLEMS}
    assert sum(found.line in known for found in mail_log.problems(lines)) == sum(line in known for line in lines)
