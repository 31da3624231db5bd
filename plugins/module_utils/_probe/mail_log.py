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
    """Lines with a severity that are no fault of this host: the doing of a ``peer`` or of a ``user`` of the host, or a
    ``passing`` condition.

    ``message`` is matched at the start of the text.
    """

    cause: str
    reason: str
    program: re.Pattern[str]
    message: re.Pattern[str]


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


def _daemons(*names: str) -> re.Pattern[str]:
    return re.compile(rf"postfix[^/]*/(?:.+/)?(?:{'|'.join(names)})$")


_SERVER = _daemons("smtpd", "tlsproxy", "postscreen")
_CLIENT = _daemons("smtp", "tlsproxy", "posttls-finger")
_PEERS = _daemons("smtpd", "smtp", "tlsproxy", "postscreen", "cleanup", "verify")
#: a queue id after the severity
_ID = r"(?:\w+: )?"
#: what the SSL library says where it cannot use this host's own keys, certificates, parameters and lists of ciphers
_OWN_TLS = (
    r"[^:]*:(?:no certificate|ee key too small|key values mismatch|no cipher match|no ciphers available"
    r"|library has no ciphers|no protocols available"
)
#: where a TLS handshake failed; other parts of the library read files
_TLS_TALK = (
    r"TLS library problem: error:[0-9A-F]+:(?:(?:rsa|elliptic curve) routines:"
    r"|system library:[^:]*:(?:Connection reset|Broken pipe|Connection timed out)"
)

#: lines that ``problems`` leaves out, each with the reason: anybody on the Internet can cause them, or they pass by
#: themselves
EXCLUSIONS = (
    Exclusion(
        "peer",
        "a client gave a wrong name or password",
        _SERVER,
        # Faults of the SASL server itself have other words, and are problems.
        re.compile(
            r"\S+\[[^\]]+\]: SASL \S+ authentication (?:aborted|failed:"
            r"(?! *(?:connection lost|temporary|internal|no mechanism|generic failure|no memory|overflowed buffer"
            r"|can't request|invalid parameter|transient failure|SASL library|version mismatch|remote authentication"
            r"|user exists, but no verifier|undefined error)))"
            r"|SASL authentication failure: (?:Password verification failed|no user in db|All-whitespace username"
            r"|client response doesn't match|Can only find author|incorrect digest response|bad protocol)",
            re.IGNORECASE,
        ),
    ),
    Exclusion(
        "peer",
        "a peer's TLS is broken, too old or no TLS at all",
        _SERVER,
        re.compile(
            rf"{_TLS_TALK}|SSL routines:(?!{_OWN_TLS}|ca md too weak|dh key too small)))"
            r"|TLS SNI (?:from \S+ is invalid|changed from \S+)",
            re.IGNORECASE,
        ),
    ),
    Exclusion(
        "peer",
        "a peer's TLS is broken, too old or no TLS at all",
        _CLIENT,
        re.compile(rf"{_TLS_TALK}|SSL routines:(?!{_OWN_TLS})))", re.IGNORECASE),
    ),
    Exclusion(
        "peer",
        "a peer's TLSA or MTA-STS records are unusable",
        _CLIENT,
        re.compile(
            r"\S+: all TLSA records unusable|\S.*: truncated TLSA RR|MX name '[^']*' does not match STS MX pattern"
            r"|TLSRPT: (?:Too many TLSRPT policies|ignoring malformed policy|policy lookup failed)"
        ),
    ),
    Exclusion(
        "peer",
        "the client's DNS names do not match",
        _SERVER,
        re.compile(r"hostname \S+ does not resolve to address |\S+: address not listed for hostname "),
    ),
    Exclusion(
        "peer",
        "a peer's name in the DNS is malformed",
        _PEERS,
        re.compile(
            r"valid_(?:hostname|hostaddr|ipv[46]_hostaddr|mailhost_addr|mailhost_literal): |numeric hostname: "
            r"|(?:numeric|malformed) domain name in "
        ),
    ),
    Exclusion(
        "peer",
        "the DNS of a peer's domain does not answer",
        _PEERS,
        re.compile(
            r"Unable to look up \w+ host |\S+: (?:MX or address|address or MX) lookup error: DNS reply filter"
            r"|check_server_access: \w+ server address count limit|no (?:MX|SRV) host for \S+ has a valid address"
            r"|DANE TLSA lookup problem: |TLS policy lookup for \S+: TLSA lookup error |DNSSEC status lookup error for "
            r"|DNS record count limit |dns_lookup: Name server loop |one or more excess DNS_RR records"
            r"|reply length \d+ > buffer length "
        ),
    ),
    Exclusion(
        "passing",
        "a DNS list does not answer",
        _daemons("smtpd", "postscreen", "dnsblog"),
        re.compile(
            r"\S+: RBL lookup error: |\S+: TXT lookup error: DNS reply filter|dnsblog reply timeout "
            r"|dnsblog_query: lookup error for DNS query |address conversion error for \S+ -- ignoring"
        ),
    ),
    Exclusion(
        "peer",
        "a client broke the protocol",
        _SERVER,
        re.compile(
            r"non-SMTP command from |Illegal address syntax from |\S+\[\S+\]: request longer than "
            rf"|{_ID}(?:malformed BDAT command|null BDAT request|too much BDAT content|BDAT request from )"
            r"|(?:reject:|bad) ETRN |XFORWARD command payload "
        ),
    ),
    Exclusion(
        "peer",
        "a client broke the protocol",
        _daemons("local"),
        re.compile(rf"{_ID}address with illegal extension: "),
    ),
    Exclusion(
        "user",
        "a user of the host called a command in a wrong way",
        _daemons("sendmail", "postdrop", "postqueue"),
        re.compile(
            r"(?:\S+\(\d+\): )?"
            r"(?:No recipient addresses found in |Recipient addresses must be specified |message file too big)"
            r"|User \S+\(\d+\) is not allowed to "
        ),
    ),
    Exclusion(
        "peer",
        "a remote server broke the protocol",
        _CLIENT,
        re.compile(
            rf"{_ID}non-E?SMTP response from |\S+\[\S+\]:\d+: (?:multi-line )?response longer than "
            r'|bad EHLO SIZE limit "|server \S+\[\S+\] violates |to prevent loss of mail, turn off command pipelining'
            r"|host \S+\[\S+\]:\d+ (?:said: |greeted me with my own hostname|replied to HELO/EHLO with my own hostname)"
        ),
    ),
    Exclusion(
        "peer",
        "a peer's message breaks a limit",
        _daemons("smtpd", "cleanup"),
        re.compile(
            rf"{_ID}(?:queue file size limit exceeded|message rejected: (?:hopcount exceeded|attribute count exceeds))"
            r"|stripping too many (?:nested )?comments from address: |MIME nesting exceeds "
            r"|message header length exceeds "
            r"|improper (?:use of 8-bit data|message/\* or multipart/\* encoding)"
        ),
    ),
    Exclusion(
        "peer",
        "a client exceeded a limit",
        _SERVER,
        re.compile(
            r"(?:Connection rate|Connection concurrency|Message delivery request rate|Recipient address rate"
            r"|New TLS session rate|AUTH command rate) limit exceeded: |Refusing (?:STARTTLS|TLS service) request from "
        ),
    ),
    Exclusion(
        "peer",
        "a client went away",
        _SERVER,
        re.compile(
            r"getpeername: .* -- dropping this connection"
            r"|write \[\S+\]:\d+: (?:Broken pipe|Connection reset by peer|Connection timed out)"
            r"|ciphertext read/write (?:timeout|error) for |deadlock on (?:cipher|plain)text stream for "
            r"|haproxy read: (?:timeout|time limit|EOF)"
        ),
    ),
    Exclusion(
        "peer",
        "a client went away",
        _DOVECOT,
        re.compile(r"auth client \d+ disconnected with \d+ pending requests: (?:Connection reset by peer|EOF)"),
    ),
    Exclusion(
        "passing",
        "more clients than the service has processes",
        _daemons("master"),
        re.compile(
            r'service "[^"]*" \([^)]*\) has reached its process limit|to avoid this condition, increase the process'
            r"|see \S+/STRESS_README"
        ),
    ),
    Exclusion(
        "passing",
        "more clients than the service has processes",
        _DOVECOT,
        re.compile(r"service\(\S+\): (?:process|client)_limit \(\d+\) reached, client connections are being dropped"),
    ),
    Exclusion(
        "passing",
        "mail for one destination fills the queue",
        _daemons("qmgr", "oqmgr", "nqmgr"),
        re.compile(
            r"mail for \S+ is using up |this may slow down other mail deliveries|you may need (?:to|a) "
            r"|so that Postfix (?:quickly skips|wastes less)|please avoid flushing the whole queue"
            r"|lots of deferred mail, |to turn off these warnings specify: "
        ),
    ),
    Exclusion(
        "passing",
        "the machine or its disk is busy",
        _daemons("postscreen"),
        re.compile(r"psc_cache_\w+: .* average delay is "),
    ),
    Exclusion(
        "passing",
        "the clocks of the file system and the host differ by a moment",
        _POSTFIX,
        re.compile(r"file system clock is \d seconds (?:ahead of|behind) local clock|resetting file time stamps - "),
    ),
    Exclusion("passing", "the clock was set", _DOVECOT, re.compile(r"Time moved forwards? by \d\.")),
    Exclusion(
        "passing",
        "Dovecot was stopped, restarted or reloaded",
        _DOVECOT,
        re.compile(
            r"Killed with signal 15\b|SIGHUP received - reloading configuration"
            # The authentication that hangs takes longer.
            r"|Auth connection closed with \d+ pending requests \(max \d{1,2} secs, pid=\d+, EOF\)"
        ),
    ),
    Exclusion(
        "peer",
        "a client broke off the TLS handshake (logged with verbose_ssl)",
        _DOVECOT,
        re.compile(r"SSL (?:alert|failed): where="),
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


def judge(program: str, message: str) -> tuple[str, str]:
    """Whose fault a message (without its severity) is: ``host``, ``peer``, ``user`` or ``passing``; all but the first
    with the reason."""
    for exclusion in EXCLUSIONS:
        if exclusion.program.match(program) and exclusion.message.match(message):
            return exclusion.cause, exclusion.reason
    return "host", ""


def problem(line: str) -> Problem | None:
    """The fault of Postfix or Dovecot on this host that ``line`` reports; None if it reports none.

    What peers and users do, and what passes by itself, is left out (EXCLUSIONS).
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
    if found is None or judge(parsed.program, found["text"])[0] != "host":
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
