# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mail log as text: its lines, the faults of this host, and the use of TLS."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

#: the severities at the start of Postfix's messages (msg(3))
SEVERITIES = ("warning", "error", "fatal", "panic")


@dataclass(frozen=True)
class LogLine:
    """One line of syslog. ``pid`` and ``queue_id`` are None if the line has none (also for NOQUEUE)."""

    time: str
    host: str
    program: str
    pid: int | None
    queue_id: str | None
    message: str


@dataclass(frozen=True)
class Problem:
    """A line in which Postfix or Dovecot reports a fault of this host; ``line`` is the whole line."""

    program: str
    severity: str
    message: str
    line: str


@dataclass(frozen=True)
class Exclusion:
    """Lines with a severity that are no fault of this host. ``message`` is matched at the start of the text."""

    program: re.Pattern[str]
    message: re.Pattern[str]
    reason: str


@dataclass(frozen=True)
class TlsUse:
    """How many TLS connections of one kind there were; ``direction`` is ``inbound`` or ``outbound``."""

    direction: str
    protocol: str
    cipher: str
    count: int


# RFC 3164 time stamps ("Nov  1 10:53:19", OpenBSD's and inetutils' default, also with a year before the time as
# some relays write) and RFC 3339 ones (rsyslog, syslogd -ZZ, journalctl -o short-iso without the colon).
_LINE = re.compile(
    r"(?:<[^>]{1,32}> ?)?"
    r"(?P<time>[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d+)?"
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)"
    r" (?P<host>\S+) (?P<program>[^\s:\[]+)(?:\[(?P<pid>\d+)\])?: (?P<message>.*)"
)
# postconf(5), enable_long_queue_ids: short ones are hexadecimal, long ones are in base 52, then a "z" and the inode.
_QUEUE_ID = re.compile(
    r"(?P<id>NOQUEUE|[0-9A-F]{6,20}"
    r"|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,12}z[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-y]{1,20}): "
)
_POSTFIX = re.compile(r"postfix(?:-[\w.-]+)?(?:/.*)?$")
_DOVECOT = re.compile(r"dovecot$")
_POSTFIX_SEVERITY = re.compile(rf"(?P<severity>{'|'.join(SEVERITIES)}): (?P<text>.*)")
# Dovecot writes "process(user)<pid><session>: Severity: text"; information has no severity at all.
_DOVECOT_SEVERITY = re.compile(
    r"(?P<process>[^\s:(]+(?:\(.*?\))?(?:<[^>]*>)*): (?P<severity>Warning|Error|Fatal|Panic): (?P<text>.*)"
)
# tls_misc.c, tls_log_summary(): since Postfix 3.4 more may follow the bits (key-exchange, signatures).
_TLS = re.compile(
    r"\w+ TLS connection established (?P<way>from|to) .+?: (?P<protocol>(?:TLS|SSL)v[\d.]+)"
    r" with cipher (?P<cipher>\S+) \(\d+/\d+ bits\)"
)

_SERVER = re.compile(r"postfix[^/]*/(?:.+/)?(?:smtpd|tlsproxy|postscreen)$")

#: lines that ``problems`` leaves out, each with the reason
EXCLUSIONS = (
    Exclusion(
        _SERVER,
        # Faults of the SASL server itself have other words, and are problems.
        re.compile(
            r"\S+\[[^\]]+\]: SASL \S+ authentication failed:"
            r"(?! *(?:connection lost|temporary|internal|no mechanism|generic failure))",
            re.IGNORECASE,
        ),
        "a client gave a wrong name or password",
    ),
    Exclusion(
        _SERVER,
        re.compile(
            r"TLS library problem: error:[0-9A-F]+:SSL routines:[^:]*:(?:unsupported protocol|unknown protocol"
            r"|wrong version number|version too low|no protocols available|inappropriate fallback"
            r"|http request|https proxy request|wrong ssl version|packet length too long|bad record type"
            r"|record layer failure|length mismatch|bad packet length|unexpected message|unexpected eof while reading"
            r"|decryption failed or bad record mac|no suitable key share|bad key share|bad extension"
            r"|(?:ssl/tls|(?:ssl|tls)v\d(?:\.\d)?) alert (?:protocol version|unknown ca|certificate unknown"
            r"|bad certificate"
            r"|certificate expired|access denied|user cancell?ed|unexpected message|decode error|insufficient security"
            r"|inappropriate fallback|internal error))",
            re.IGNORECASE,
        ),
        "a client offered a protocol version that is refused, spoke no TLS, or refused this host's certificate",
    ),
    Exclusion(
        _SERVER,
        re.compile(r"hostname \S+ does not resolve to address |\S+: address not listed for hostname "),
        "the client's DNS names do not match",
    ),
    Exclusion(
        _SERVER,
        re.compile(r"non-SMTP command from |Illegal address syntax from |valid_hostname: "),
        "a client broke the protocol",
    ),
    Exclusion(
        _SERVER,
        re.compile(
            r"(?:Connection rate|Connection concurrency|Message delivery request rate|Recipient address rate"
            r"|New TLS session rate|AUTH command rate) limit exceeded: "
        ),
        "a client exceeded a limit",
    ),
    Exclusion(
        _DOVECOT,
        re.compile(r"Killed with signal 15\b|SIGHUP received - reloading configuration"),
        "Dovecot was stopped, restarted or reloaded",
    ),
    Exclusion(
        _DOVECOT,
        re.compile(r"SSL (?:alert|failed): where="),
        "a client broke off the TLS handshake (logged with verbose_ssl)",
    ),
)


def lines_of(value: object) -> list[str]:
    """The lines of a log given as one text or as a list of lines; ValueError for anything else."""
    if isinstance(value, str):
        return value.splitlines()
    if isinstance(value, (list, tuple)) and all(isinstance(line, str) for line in value):
        return list(value)
    raise ValueError(f"the input must be the text of a mail log or a list of its lines, not {type(value).__name__}")


def parse_line(line: str) -> LogLine | None:
    """The parts of one line of syslog; None for any other line."""
    found = _LINE.match(line.rstrip("\r\n"))
    if found is None:
        return None
    message = found["message"]
    queue_id = None
    if _POSTFIX.match(found["program"]):
        queued = _QUEUE_ID.match(message)
        if queued is not None:
            queue_id = None if queued["id"] == "NOQUEUE" else queued["id"]
            message = message[queued.end() :]
    pid = int(found["pid"]) if found["pid"] else None
    return LogLine(found["time"], found["host"], found["program"], pid, queue_id, message)


def is_postfix(line: LogLine) -> bool:
    """Whether Postfix wrote the line, under its own syslog_name or one below it (``postfix/submission/smtpd``)."""
    return _POSTFIX.match(line.program) is not None


def is_dovecot(line: LogLine) -> bool:
    """Whether Dovecot wrote the line."""
    return _DOVECOT.match(line.program) is not None


def excluded(program: str, message: str) -> str:
    """The reason why a message (without its severity) is not a fault of this host; empty if it is one."""
    for exclusion in EXCLUSIONS:
        if exclusion.program.match(program) and exclusion.message.match(message):
            return exclusion.reason
    return ""


def problem(line: str) -> Problem | None:
    """The fault of Postfix or Dovecot on this host that ``line`` reports; None if it reports none.

    Lines about the behaviour of clients, and about a stop, restart or reload, are left out (EXCLUSIONS).
    """
    parsed = parse_line(line)
    if parsed is None:
        return None
    if is_postfix(parsed):
        found = _POSTFIX_SEVERITY.match(parsed.message)
    elif is_dovecot(parsed):
        found = _DOVECOT_SEVERITY.match(parsed.message)
    else:
        return None
    if found is None or excluded(parsed.program, found["text"]):
        return None
    return Problem(parsed.program, found["severity"].lower(), found["text"], line.rstrip("\r\n"))


def problems(lines: Iterable[str]) -> list[Problem]:
    """The faults of Postfix and Dovecot that ``lines`` report, in their order."""
    return [found for line in lines if (found := problem(line)) is not None]


def count_by_program(lines: Iterable[str]) -> dict[str, int]:
    """How many lines are from Postfix and from Dovecot. It tells a log without problems from an empty log."""
    counts = {"postfix": 0, "dovecot": 0}
    for line in lines:
        parsed = parse_line(line)
        if parsed is not None:
            counts["postfix"] += is_postfix(parsed)
            counts["dovecot"] += is_dovecot(parsed)
    return counts


def tls_statistics(lines: Iterable[str]) -> list[TlsUse]:
    """Count Postfix's new TLS connections by direction, protocol and cipher; the most frequent first.

    Needs ``smtpd_tls_loglevel`` and ``smtp_tls_loglevel`` of 1 or more. A reused connection counts once.
    """
    counter: Counter[tuple[str, str, str]] = Counter()
    for line in lines:
        parsed = parse_line(line)
        if parsed is None or not is_postfix(parsed):
            continue
        found = _TLS.match(parsed.message)
        if found is not None:
            direction = "inbound" if found["way"] == "from" else "outbound"
            counter[(direction, found["protocol"], found["cipher"])] += 1
    ordered = sorted(counter.items(), key=lambda entry: (-entry[1], entry[0]))
    return [TlsUse(*kind, count) for kind, count in ordered]
