# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is expected of a mail server, and the verdict on what was seen."""

from __future__ import annotations

import base64
import calendar
import difflib
import ipaddress
import itertools
import re
import textwrap
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: protocol versions by the names Postfix uses, with their numbers on the wire (RFC 8446, 4.2.1)
TLS_VERSIONS = {"TLSv1": 0x0301, "TLSv1.1": 0x0302, "TLSv1.2": 0x0303, "TLSv1.3": 0x0304}

#: keys of ``expect``; ``IMAP_KEYS`` are those for an IMAP endpoint
EXPECT_KEYS = (
    "banner",
    "starttls",
    "closed",
    "login_before_tls",
    "auth_before_tls",
    "mail_before_tls",
    "auth_offered",
    "login_code",
    "tls_versions",
    "certificate",
    "client_certificate",
    "relay",
    "relay_attempts",
    "refused_commands",
    "smuggling",
    "recipients",
    "sender",
    "size",
)
ATTEMPTS_KEYS = ("domain", "own_domain", "hostname", "senders")
SMUGGLING_KEYS = ("from", "to")
#: commands that tell strangers which addresses there are, or start deliveries for them (RFC 5321, 3.5; RFC 1985)
COMMANDS = ("VRFY", "EXPN", "ETRN")
#: keys by protocol; SMTP has all but closed and login_before_tls
ANY_KEYS = ("closed", "login_before_tls", "relay_attempts")
IMAP_KEYS = ("banner", "tls_versions", "certificate")
ENVELOPE_KEYS = ("from", "to", "code", "enhanced")
CERTIFICATE_KEYS = ("verified", "names", "min_days")

#: RFC 5322, 2.1.1: the longest line, in bytes, without its CRLF
LINE_LIMIT = 998
#: the header by which a message is recognized; RFC 6648 advises against "X-"
ID_HEADER = "Puffy-Mail-Probe"


@dataclass(frozen=True)
class Check:
    """One verdict. ``ok`` is None where the check was left out; ``seen`` then says why."""

    name: str
    ok: bool | None
    expected: Any
    seen: Any

    def as_dict(self, endpoint: str) -> dict[str, Any]:
        """The form the module returns."""
        return {"endpoint": endpoint, "name": self.name, "ok": self.ok, "expected": self.expected, "seen": self.seen}


@dataclass(frozen=True)
class Reply:
    """A reply of an SMTP server (RFC 5321, 4.2): its code and its lines without the code."""

    code: int
    lines: tuple[str, ...]

    def text(self) -> str:
        """The reply as one line, as it is shown to people."""
        return f"{self.code} {' / '.join(self.lines)}".rstrip()

    def enhanced(self) -> str:
        """The enhanced status code (RFC 3463) at the start of the reply, or an empty string."""
        found = re.match(r"[245]\.\d{1,3}\.\d{1,3}(?= |$)", self.lines[0] if self.lines else "")
        return found[0] if found else ""


@dataclass(frozen=True)
class Envelope:
    """A sender and a recipient to try, and the answer that is expected. ``enhanced`` may be empty: any."""

    sender: str
    recipient: str
    code: int
    enhanced: str

    def wanted(self) -> str:
        """What is expected, for people."""
        return f"{self.code} {self.enhanced}".rstrip()


@dataclass(frozen=True)
class Certificate:
    """What is expected of the server's certificate; None: not asked."""

    verified: bool | None = None
    names: tuple[str, ...] = ()
    min_days: int | None = None


@dataclass(frozen=True)
class Attempts:
    """Relaying to try in all spellings: the foreign domain, a domain of the server (empty: none is known), the name of
    the server, and the senders (empty: the null sender)."""

    domain: str
    own_domain: str
    hostname: str
    senders: tuple[str, ...]


@dataclass(frozen=True)
class Spelling:
    """A recipient as RCPT TO carries it. ``own`` says whether its last part is the server's own domain, where the
    whole local part may belong to somebody."""

    path: str
    own: bool = False


@dataclass(frozen=True)
class Expectations:
    """``expect``, checked and typed; None or empty: not asked."""

    closed: bool = False
    client_certificate: bool = False
    banner: re.Pattern[str] | None = None
    starttls: bool | None = None
    auth_before_tls: bool | None = None
    mail_before_tls: bool | None = None
    auth_offered: bool | tuple[str, ...] | None = None
    login_code: int | None = None
    tls_versions: Mapping[str, bool] = field(default_factory=dict)
    certificate: Certificate = field(default_factory=Certificate)
    relay: tuple[Envelope, ...] = ()
    relay_attempts: Attempts | None = None
    refused_commands: tuple[str, ...] = ()
    #: sender and recipient of the messages that try to end early
    smuggling: tuple[str, str] | None = None
    recipients: tuple[Envelope, ...] = ()
    sender: tuple[Envelope, ...] = ()
    size: int | None = None


@dataclass(frozen=True)
class TlsAttempt:
    """How an attempt with one protocol version ended.

    ``outcome`` is ``accepted``, ``refused`` (by the server), ``unable`` (this client cannot offer the version) or
    ``failed`` (no verdict: no connection, no answer). ``detail`` is for people.
    """

    outcome: str
    detail: str


# ---------------------------------------------------------------------------------------------- input


def _suggest(name: object, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    return f"Use {near[0]!r}" if near else f"Use {', '.join(known)}"


def _known_keys(where: str, value: Mapping[str, Any], known: Sequence[str]) -> None:
    for key in value:
        if key not in known:
            raise ValueError(f"{where} has an unknown key {key!r}. {_suggest(key, known)}")


def _mapping(where: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where} is {value!r}. Use a dictionary")
    return value


def _boolean(where: str, value: object) -> bool:
    # The result of a template is a text.
    if isinstance(value, str) and value.strip().lower() in ("true", "yes", "false", "no"):
        return value.strip().lower() in ("true", "yes")
    if not isinstance(value, bool):
        raise ValueError(f"{where} is {value!r}. Use true or false")
    return value


def _integer(where: str, value: object, low: int, high: int) -> int:
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,18}", value.strip()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{where} is {value!r}. Use a whole number from {low} to {high}")
    return value


def check_port(where: str, value: object) -> int:
    """Return a TCP port number; ValueError otherwise."""
    return _integer(where, value, 1, 65535)


def check_host(where: str, value: str) -> str:
    """Return a host name or an IP address (without brackets); ValueError otherwise."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        pass
    else:
        return value
    label = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
    if len(value) > 253 or not re.fullmatch(rf"{label}(?:\.{label})*\.?", value) or re.fullmatch(r"[0-9.]+", value):
        raise ValueError(f"{where} is {value!r}. Use a host name or an IP address")
    return value


def check_address(where: str, value: object, *, empty: bool = False) -> str:
    """Return a mail address fit for MAIL FROM and RCPT TO; ValueError otherwise.

    ``empty`` also allows the null sender. The local part is a dot-atom (RFC 5321, 4.1.2), possibly with UTF-8.
    """
    if empty and value == "":
        return ""
    if not isinstance(value, str) or not re.fullmatch(r"[^\s<>()\[\]\\,;:\"@\x00-\x1f\x7f]+@[^\s<>@]+", value):
        raise ValueError(f"{where} is {value!r}. Use a mail address such as 'alice@example.test'")
    local, domain = value.rsplit("@", 1)
    if local.startswith(".") or local.endswith(".") or ".." in local or len(local) > 64:
        raise ValueError(f"{where}: {value!r} has a local part that RFC 5321 does not allow")
    if not (domain.startswith("[") and domain.endswith("]")):
        try:
            check_host(where, domain)
        except ValueError:
            raise ValueError(f"{where}: {value!r} has no valid domain after the @") from None
    return value


def _code(where: str, value: object) -> int:
    return _integer(where, value, 200, 599)


def _envelopes(where: str, value: object) -> tuple[Envelope, ...]:
    entries = list(value) if isinstance(value, (list, tuple)) else [value]
    found = []
    for number, entry in enumerate(entries):
        place = f"{where}[{number}]" if isinstance(value, (list, tuple)) else where
        fields = _mapping(place, entry)
        _known_keys(place, fields, ENVELOPE_KEYS)
        for key in ("from", "to", "code"):
            if fields.get(key) is None:
                raise ValueError(f"{place} has no {key!r}. Use from, to and code, and optionally enhanced")
        enhanced = fields.get("enhanced") or ""
        code = _code(f"{place}.code", fields["code"])
        if not isinstance(enhanced, str) or not re.fullmatch(r"(?:[245]\.\d{1,3}\.\d{1,3})?", enhanced):
            raise ValueError(f"{place}.enhanced is {enhanced!r}. Use a status code of RFC 3463 such as '5.7.1'")
        if enhanced and enhanced[0] != str(code)[0]:
            raise ValueError(
                f"{place}: enhanced {enhanced!r} and code {code} are of different classes. Use the same first digit"
            )
        found.append(
            Envelope(
                check_address(f"{place}.from", fields["from"], empty=True),
                check_address(f"{place}.to", fields["to"]),
                code,
                enhanced,
            )
        )
    return tuple(found)


def _certificate(value: object) -> Certificate:
    where = "expect.certificate"
    fields = _mapping(where, value)
    _known_keys(where, fields, CERTIFICATE_KEYS)
    verified = fields.get("verified")
    names = fields.get("names") or ()
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise ValueError(f"{where}.names is {names!r}. Use a list of names")
    for name in names:
        if not isinstance(name, str):
            raise ValueError(f"{where}.names has {name!r}. Use names only")
        check_host(f"{where}.names", name)
    days = fields.get("min_days")
    return Certificate(
        None if verified is None else _boolean(f"{where}.verified", verified),
        tuple(names),
        None if days is None else _integer(f"{where}.min_days", days, 0, 36500),
    )


def _auth_offered(value: object) -> bool | tuple[str, ...]:
    where = "expect.auth_offered"
    if isinstance(value, (list, tuple)):
        for name in value:
            if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,20}", name):
                raise ValueError(f"{where} is {name!r}. Use names of SASL mechanisms such as 'PLAIN'")
        return tuple(sorted({name.upper() for name in value}))
    if isinstance(value, bool) or (isinstance(value, str) and value.strip().lower() in ("true", "yes", "false", "no")):
        return _boolean(where, value)
    raise ValueError(f"{where} is {value!r}. Use true, false or a list of SASL mechanisms")


def _attempts(value: object) -> Attempts:
    where = "expect.relay_attempts"
    fields = _mapping(where, value)
    _known_keys(where, fields, ATTEMPTS_KEYS)
    for key in ("domain", "hostname"):
        if not fields.get(key):
            raise ValueError(f"{where} has no {key!r}. Use domain and hostname, and optionally own_domain and senders")
    senders = fields.get("senders") or [""]
    if isinstance(senders, str) or not isinstance(senders, Sequence):
        raise ValueError(f"{where}.senders is {senders!r}. Use a list of addresses, '' for the null sender")
    for sender in senders:
        # A local sender has no domain.
        if not isinstance(sender, str) or re.search(r"[\s<>\x00-\x1f\x7f]", sender):
            raise ValueError(f"{where}.senders has {sender!r}. Use addresses, or '' for the null sender")
    return Attempts(
        check_host(f"{where}.domain", str(fields["domain"])),
        check_host(f"{where}.own_domain", str(fields["own_domain"])) if fields.get("own_domain") else "",
        check_host(f"{where}.hostname", str(fields["hostname"])),
        tuple(senders),
    )


def _smuggling(value: object) -> tuple[str, str]:
    where = "expect.smuggling"
    fields = _mapping(where, value)
    _known_keys(where, fields, SMUGGLING_KEYS)
    return (
        check_address(f"{where}.from", fields.get("from"), empty=True),
        check_address(f"{where}.to", fields.get("to")),
    )


def _commands(value: object) -> tuple[str, ...]:
    where = "expect.refused_commands"
    if isinstance(value, str) or not isinstance(value, Sequence) or any(word not in COMMANDS for word in value):
        raise ValueError(f"{where} is {value!r}. Use a list of {', '.join(COMMANDS)}")
    return tuple(value)


def _tls_versions(value: object) -> dict[str, bool]:
    where = "expect.tls_versions"
    fields = _mapping(where, value)
    _known_keys(where, fields, tuple(TLS_VERSIONS))
    return {
        name: _boolean(f"{where}[{name!r}]", fields[name])
        for name in TLS_VERSIONS
        if name in fields and fields[name] is not None
    }


def parse_expectations(value: Mapping[str, Any], *, tls: str, protocol: str, login: bool) -> Expectations:
    """Check and type the option ``expect``. A key with the value None is ignored.

    ``tls`` is ``none``, ``starttls`` or ``wrapper``, ``protocol`` is ``smtp`` or ``imap``, ``login`` says whether
    the option login is given. ValueError for what is unknown, malformed or cannot be checked on such an endpoint.
    """
    _known_keys("expect", value, EXPECT_KEYS)
    given = {key: value[key] for key in EXPECT_KEYS if value.get(key) is not None}
    smtp_keys = tuple(key for key in EXPECT_KEYS if key not in ("closed", "login_before_tls"))
    known = {"imap": IMAP_KEYS, "any": ANY_KEYS}.get(protocol, smtp_keys)
    for key in given:
        if key not in known:
            raise ValueError(f"expect.{key} cannot be checked with protocol {protocol!r}. Use {', '.join(known)}")
    if _boolean("expect.login_before_tls", given.get("login_before_tls", False)):
        raise ValueError("expect.login_before_tls is true. Use false: no server should take passwords without TLS")
    if "closed" in given and (len(given) > 1 or not _boolean("expect.closed", given["closed"])):
        raise ValueError("expect.closed stands alone and is true, since of a closed port nothing else can be seen")
    if "client_certificate" in given and not _boolean("expect.client_certificate", given["client_certificate"]):
        raise ValueError("expect.client_certificate is false. Use true, or leave the key out")
    if tls == "none":
        for key in ("tls_versions", "certificate", "client_certificate"):
            if key in given:
                raise ValueError(f"expect.{key} cannot be checked without TLS. Set tls to 'starttls' or 'wrapper'")
    if tls == "wrapper":
        for key in ("auth_before_tls", "mail_before_tls"):
            if key in given:
                raise ValueError(f"expect.{key} cannot be checked with tls 'wrapper', which starts with TLS")
    if "login_code" in given and not login:
        raise ValueError("expect.login_code needs the option login")
    banner = given.get("banner")
    if banner is not None:
        try:
            banner = re.compile(str(banner))
        except re.error as exc:
            raise ValueError(f"expect.banner {banner!r} is not a regular expression: {exc}") from exc
    flags = {
        key: _boolean(f"expect.{key}", given[key])
        for key in ("starttls", "auth_before_tls", "mail_before_tls")
        if key in given
    }
    return Expectations(
        closed="closed" in given,
        client_certificate="client_certificate" in given,
        banner=banner,
        auth_offered=_auth_offered(given["auth_offered"]) if "auth_offered" in given else None,
        login_code=_code("expect.login_code", given["login_code"]) if "login_code" in given else None,
        tls_versions=_tls_versions(given.get("tls_versions", {})),
        certificate=_certificate(given.get("certificate", {})),
        relay=_envelopes("expect.relay", given["relay"]) if "relay" in given else (),
        relay_attempts=_attempts(given["relay_attempts"]) if "relay_attempts" in given else None,
        refused_commands=_commands(given["refused_commands"]) if "refused_commands" in given else (),
        smuggling=_smuggling(given["smuggling"]) if "smuggling" in given else None,
        recipients=_envelopes("expect.recipients", given["recipients"]) if "recipients" in given else (),
        sender=_envelopes("expect.sender", given["sender"]) if "sender" in given else (),
        size=_integer("expect.size", given["size"], 0, 2**63 - 1) if "size" in given else None,
        **flags,
    )


# ------------------------------------------------------------------------------------------ the protocol


def parse_reply_line(line: str) -> tuple[int, bool, str]:
    """Code, whether more lines follow, and text of one line of an SMTP reply; ValueError for any other line."""
    found = re.fullmatch(r"([2-5][0-9]{2})(?:([ -])(.*))?", line)
    if found is None:
        shown = line if len(line) <= 120 else line[:120] + "..."
        raise ValueError(f"the server sent {shown!r}, which is not an SMTP reply")
    return int(found[1]), found[2] == "-", found[3] or ""


def capabilities(reply: Reply) -> dict[str, str]:
    """The extensions an EHLO reply announces (RFC 5321, 4.1.1.1): upper-case keyword to its parameters."""
    found: dict[str, str] = {}
    for line in reply.lines[1:]:
        # For old clients, servers announce "AUTH=PLAIN" as well.
        words = line.replace("=", " ", 1).split(None, 1)
        if words:
            keyword, rest = words[0].upper(), " ".join(words[1:]).strip()
            known = found.get(keyword, "")
            found[keyword] = known if rest in known else f"{known} {rest}".strip()
    return found


def mechanisms(announced: Mapping[str, str]) -> tuple[str, ...] | None:
    """The SASL mechanisms announced, sorted; None where AUTH is not announced."""
    if "AUTH" not in announced:
        return None
    return tuple(sorted({name.upper() for name in announced["AUTH"].split()}))


def sasl_plain(username: str, password: str, authorization: str = "") -> str:
    """The initial response of SASL PLAIN (RFC 4616) in base64; ValueError for a text that SASL PLAIN cannot carry."""
    for name, text in (("user name", username), ("password", password), ("authorization identity", authorization)):
        if "\0" in text:
            raise ValueError(f"the {name} holds a NUL character, which SASL PLAIN (RFC 4616) cannot carry")
    if not username:
        raise ValueError("the user name is empty, which SASL PLAIN (RFC 4616) does not allow")
    if not password:
        raise ValueError("the password is empty, which SASL PLAIN (RFC 4616) does not allow")
    return base64_text(f"{authorization}\0{username}\0{password}")


def base64_text(text: str) -> str:
    """The base64 form of the UTF-8 bytes of ``text``."""
    return base64.b64encode(text.encode()).decode("ascii")


def highest_version_offered(hello: bytes) -> int | None:
    """The highest protocol version a TLS ClientHello offers, as its number on the wire; None if ``hello`` is not one.

    RFC 8446, 4.1.2 and 4.2.1: the extension supported_versions decides where there is one, legacy_version otherwise.
    """
    # record header (5), handshake header (4), legacy_version (2), random (32)
    if len(hello) < 44 or hello[0] != 22 or hello[5] != 1:
        return None
    try:
        legacy = int.from_bytes(hello[9:11], "big")
        position = 43
        position += 1 + hello[position]
        position += 2 + int.from_bytes(hello[position : position + 2], "big")
        position += 1 + hello[position]
        end = position + 2 + int.from_bytes(hello[position : position + 2], "big")
        position += 2
        while position + 4 <= min(end, len(hello)):
            kind = int.from_bytes(hello[position : position + 2], "big")
            length = int.from_bytes(hello[position + 2 : position + 4], "big")
            if kind == 43:
                listed = hello[position + 5 : position + 4 + length]
                numbers = [int.from_bytes(listed[at : at + 2], "big") for at in range(0, len(listed) - 1, 2)]
                # RFC 8701: values such as 0x1A1A are sent to keep servers tolerant, and mean nothing.
                return max((number for number in numbers if number in TLS_VERSIONS.values()), default=legacy)
            position += 4 + length
    except IndexError:
        return None
    return legacy


#: alerts (RFC 8446, 6.2) with which a server refuses a version, in the words of OpenSSL
_REFUSALS = (
    "alert protocol version",
    "alert handshake failure",
    "alert insufficient security",
    "alert inappropriate fallback",
    # The server answered with a version that was not offered.
    "unsupported protocol",
    "wrong ssl version",
)


def refusal(reason: str) -> bool:
    """Whether a handshake failed because the server refused what was offered. ``reason`` is in the words of OpenSSL."""
    plain = reason.lower().replace("_", " ")
    return any(words in plain for words in _REFUSALS)


def s_client_attempt(output: str) -> TlsAttempt:
    """Read from the output of ``openssl s_client`` how a handshake ended."""
    reached = re.search(r"^(?:New|Reused), (\S+), Cipher is (\S+)$", output, re.MULTILINE)
    if reached and reached[2] != "(NONE)":
        protocol = re.search(r"^\s*Protocol\s*: (\S+)$", output, re.MULTILINE)
        return TlsAttempt("accepted", f"accepted with {reached[2]} ({(protocol or reached)[1]})")
    plain = output.lower()
    errors = [line.strip() for line in output.splitlines() if "error" in line.lower()]
    said = errors[0] if errors else "no session"
    if re.search(r"unknown option|unrecognized option|no protocols available|usage: s_client", plain):
        return TlsAttempt("unable", "openssl s_client cannot offer it either")
    # Without a ServerHello, the server has refused.
    if refusal(plain) or re.search(r"ssl handshake has read 0 bytes|unexpected eof", plain):
        return TlsAttempt("refused", "refused by the server")
    return TlsAttempt("failed", f"no verdict: {said}")


# ---------------------------------------------------------------------------------------------- verdicts


def judge_value(name: str, expected: Any, seen: Any) -> Check:
    """The verdict on a value that must be equal."""
    return Check(name, expected == seen, expected, seen)


def judge_banner(expected: re.Pattern[str], text: str) -> Check:
    """The regular expression must be found in the greeting."""
    return Check("banner", expected.search(text) is not None, expected.pattern, text)


def judge_auth(
    name: str, expected: bool | tuple[str, ...], offered: tuple[str, ...] | None, command: Reply | None
) -> Check:
    """The verdict on AUTH: which mechanisms are announced, and whether the server accepts AUTH without announcing it.

    ``command`` is the reply to ``AUTH PLAIN``, or None if the command was not sent. 334 means that it is accepted.
    """
    if isinstance(expected, tuple):
        return Check(name, offered is not None and set(offered) == set(expected), list(expected), list(offered or ()))
    wanted = "AUTH" if expected else "no AUTH"
    if offered is not None:
        return Check(name, expected, wanted, f"AUTH {' '.join(offered)}".rstrip())
    if command is not None and command.code == 334:
        return Check(name, False, wanted, "AUTH is not announced, but the command is accepted (334)")
    return Check(name, not expected, wanted, "no AUTH" + (f" ({command.text()})" if command is not None else ""))


def judge_mail_before_tls(expected: bool, reply: Reply) -> Check:
    """The verdict on MAIL FROM sent before STARTTLS."""
    taken = 200 <= reply.code < 300
    return Check("mail_before_tls", taken == expected, "accepted" if expected else "refused", reply.text())


def judge_envelope(name: str, expected: Envelope, reply: Reply) -> Check:
    """The verdict on MAIL FROM and RCPT TO: code and, where asked, enhanced status code."""
    ok = reply.code == expected.code and expected.enhanced in ("", reply.enhanced())
    sender = expected.sender or "<>"
    return Check(f"{name} {sender} to {expected.recipient}", ok, expected.wanted(), reply.text())


def judge_size(expected: int, announced: Mapping[str, str]) -> Check:
    """The verdict on the limit, in bytes, that SIZE (RFC 1870) announces; 0 means no limit."""
    if "SIZE" not in announced:
        return Check("size", False, expected, "SIZE is not announced")
    value = announced["SIZE"] or "0"
    return judge_value("size", expected, int(value) if value.isdigit() else value)


def judge_tls_version(name: str, expected: bool, attempt: TlsAttempt) -> Check:
    """The verdict on one protocol version. Without an attempt, the check fails."""
    ok = attempt.outcome == ("accepted" if expected else "refused")
    return Check(f"tls_versions {name}", ok, "accepted" if expected else "refused", attempt.detail)


def name_matches(pattern: str, name: str) -> bool:
    """Whether a name of a certificate covers ``name`` (RFC 9525, 6.3: a wildcard is the whole left-most label)."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        pass
    else:
        # Only the same address covers an address; a wildcard does not.
        try:
            return ipaddress.ip_address(pattern) == address
        except ValueError:
            return False
    wanted, given = name.rstrip(".").lower(), pattern.rstrip(".").lower()
    if given.startswith("*."):
        return wanted.partition(".")[2] == given[2:] and wanted[:1] not in ("", ".") and "." in given[2:]
    return wanted == given


def certificate_names(certificate: Mapping[str, Any]) -> list[str]:
    """The DNS names and IP addresses of a certificate in the form of ``ssl.SSLSocket.getpeercert``."""
    return [value for kind, value in certificate.get("subjectAltName", ()) if kind in ("DNS", "IP Address")]


def judge_certificate(
    expected: Certificate, certificate: Mapping[str, Any] | None, cause: str, now: float
) -> list[Check]:
    """The verdicts on the server's certificate.

    ``certificate`` is in the form of ``ssl.SSLSocket.getpeercert``, None where it could not be read; ``cause`` is why
    it was not verified (empty: it was); ``now`` is in seconds since the epoch.
    """
    checks = []
    if expected.verified is not None:
        words = {True: "verified", False: "not verified"}
        seen = f"not verified: {cause}" if cause else "verified"
        checks.append(Check("certificate verified", expected.verified == (not cause), words[expected.verified], seen))
    unread = f"cannot be read from a certificate that is not trusted ({cause})"
    if expected.names:
        names = certificate_names(certificate) if certificate is not None else []
        missing = [name for name in expected.names if not any(name_matches(given, name) for given in names)]
        seen_names = names if certificate is not None else unread
        checks.append(Check("certificate names", not missing, list(expected.names), seen_names))
    if expected.min_days is not None:
        wanted = f"valid for {expected.min_days} days or more"
        if certificate is None:
            checks.append(Check("certificate days", False, wanted, unread))
        else:
            until = str(certificate["notAfter"])
            days = int((certificate_time(until) - now) // 86400)
            checks.append(Check("certificate days", days >= expected.min_days, wanted, f"{days} days, until {until}"))
    return checks


def certificate_time(text: str) -> float:
    """Seconds since the epoch of a time in ``ssl.SSLSocket.getpeercert``: ``"Nov 21 10:53:19 2026 GMT"``."""
    return float(calendar.timegm(time.strptime(text, "%b %d %H:%M:%S %Y GMT")))


# ---------------------------------------------------------------------------------------------- delivery


def message_body(size: int, *, eight_bit: bool) -> bytes:
    """A body of at least ``size`` bytes with everything that mail systems damage. Its lines end in CRLF.

    Dots at the start of a line (RFC 5321, 4.5.2), ``From `` (mbox), white space at the end, tabs, empty lines and
    the longest line allowed; with ``eight_bit`` also UTF-8 (RFC 6152).
    """
    lines = [
        b"puffy.mail sent this message to itself, and removes it.",
        b"",
        b".",
        b"..",
        b".a line that begins with a dot",
        b"...and one that begins with three",
        b"From here on, mbox files are tempted to add a sign.",
        b">From here as well",
        b"three blanks at the end   ",
        b"\ta tab at the start, one at the end\t",
        b"-- ",
        b"=3D =20 =E2=82=AC is not quoted-printable",
        b"x" * LINE_LIMIT,
        b"." * LINE_LIMIT,
    ]
    if eight_bit:
        lines += [
            "Gr\u00fc\u00dfe, \u017elu\u0165ou\u010dk\u00fd k\u016f\u0148, \u65e5\u672c\u8a9e, \U0001f421".encode(),
            ("\u20ac" * (LINE_LIMIT // 3)).encode(),
        ]
    lines += [b"", b"", b"the last line"]
    body = b"\r\n".join(lines) + b"\r\n"
    missing = size - len(body)
    if missing > 0:
        line = b"0123456789abcdef" * 4 + b"\r\n"
        body += line * (missing // len(line) + 1)
    return body


def message_header(probe: str, sender: str, recipient: str, date: str, *, eight_bit: bool) -> bytes:
    """The header of a probe's message, without the empty line; ``probe`` is its unique id, ``date`` of RFC 5322."""
    domain = recipient.rpartition("@")[2]
    fields = [
        f"Date: {date}",
        f"From: <{sender or 'MAILER-DAEMON@' + domain}>",
        f"To: <{recipient}>",
        f"Subject: puffy.mail probe {probe}",
        f"Message-ID: <{probe}@{domain}>",
        f"{ID_HEADER}: {probe}",
        # RFC 3834: nobody answers this message.
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Transfer-Encoding: {'8bit' if eight_bit else '7bit'}",
    ]
    return "".join(f"{line}\r\n" for line in fields).encode()


def dot_stuffed(message: bytes) -> bytes:
    """A message as DATA carries it (RFC 5321, 4.5.2), with the final dot. Its lines must end in CRLF."""
    stuffed = re.sub(rb"(?m)^\.", b"..", message)
    return (stuffed if stuffed.endswith(b"\r\n") else stuffed + b"\r\n") + b".\r\n"


def body_of(message: bytes) -> bytes:
    """The body of a message as it was stored, with CRLF at the line ends."""
    text = re.sub(rb"\r?\n", b"\r\n", message)
    return text.partition(b"\r\n\r\n")[2]


def body_difference(sent: bytes, received: bytes) -> str:
    """The first difference of two bodies, for people; empty if they are the same."""
    if sent == received:
        return ""
    before, after = sent.split(b"\r\n"), received.split(b"\r\n")
    for number, (old, new) in enumerate(zip(before, after), 1):
        if old != new:
            at = next((i for i, (a, b) in enumerate(zip(old, new)) if a != b), min(len(old), len(new)))
            low = max(0, at - 10)
            return (
                f"line {number} of the body differs from byte {at} on: sent {old[low : at + 20]!r}"
                f", received {new[low : at + 20]!r} (lines of {len(old)} and {len(new)} bytes)"
            )
    return f"the body has {len(after) - 1} lines, but {len(before) - 1} lines were sent"


# ---------------------------------------------------------------------------------------------- attacks


def relay_spellings(attempts: Attempts, address: str) -> list[Spelling]:
    """The ways to ask for one foreign recipient; ``address`` is the server's IP address.

    RFC 5321 (4.1.1.3, appendix C: source routes; 4.1.3: literals), RFC 1123 (5.2.16: the percent hack), RFC 976 (bang
    paths), and what programs make of quotes and of a second ``@``.
    """
    user, foreign, own, host = "puffy-mail-probe", attempts.domain, attempts.own_domain, attempts.hostname
    literal = f"[IPv6:{address}]" if ":" in address else f"[{address}]"
    found = [
        Spelling(f"<{user}@{foreign}>"),
        Spelling(f"<{user}%{foreign}@{host}>"),
        Spelling(f"<{foreign}!{user}@{host}>"),
        Spelling(f"<@{host}:{user}@{foreign}>"),
        Spelling(f"{user}@{foreign}"),
        Spelling(f"<{user}@{foreign.upper()}>"),
        Spelling(f"<{user}@{foreign}.>"),
        Spelling(f"<{user}(x)@{foreign}>"),
        Spelling(f"<{user}%{foreign}>"),
        Spelling(f"<{user}%{foreign}@{literal}>"),
        Spelling(f"<{user}%{foreign}@localhost>"),
        Spelling(f"<{foreign}!{user}>"),
        Spelling(f"<{host}!{foreign}!{user}>"),
        Spelling(f"<{foreign}!{user}@{literal}>"),
        Spelling(f"<@{foreign}:{user}@{foreign}>"),
        Spelling(f'<"{user}"@{foreign}>'),
        Spelling(f'<"{user}@{foreign}">'),
        Spelling(f'<"{user}@{foreign}"@{host}>'),
        Spelling(f'<"{user}%{foreign}"@{host}>'),
        Spelling(f'<"{foreign}!{user}"@{host}>'),
        Spelling(f"<{user}@{foreign}@{host}>"),
        Spelling(f"<{user}@{host}@{foreign}>"),
        Spelling(f"<{user}%{host}@{foreign}>"),
        Spelling(f"<{user}@[192.0.2.1]>"),
        Spelling(f"<{user}@[IPv6:2001:db8::1]>"),
    ]
    if own:
        found += [
            Spelling(f"<{user}%{foreign}@{own}>", own=True),
            Spelling(f"<{foreign}!{user}@{own}>", own=True),
            Spelling(f'<"{user}@{foreign}"@{own}>', own=True),
            Spelling(f'<"{foreign}!{user}"@{own}>', own=True),
            Spelling(f"<{user}@{foreign}@{own}>", own=True),
            Spelling(f"<{own}!{foreign}!{user}>"),
            Spelling(f"<@{own}:{user}@{foreign}>"),
            Spelling(f"<@{own},@{host}:{user}@{foreign}>"),
            Spelling(f"<{user}@{own}@{foreign}>"),
            Spelling(f"<{user}@puffy-mail-probe.{own}>"),
        ]
    return found


#: the spellings at the start of ``relay_spellings`` that are tried for every sender
FIRST_SPELLINGS = 4

#: What some servers take for the end of a message although RFC 5321, 4.1.1.4, names CRLF.CRLF only.
FALSE_ENDS = {
    "<LF>.<LF>": b"\n.\n",
    "<LF>.<CR><LF>": b"\n.\r\n",
    "<CR><LF>.<LF>": b"\r\n.\n",
    "<CR>.<CR><LF>": b"\r.\r\n",
    "<CR>.<CR>": b"\r.\r",
    "<CR><LF>.<CR>": b"\r\n.\r",
    "<CR><LF><NUL>.<CR><LF>": b"\r\n\0.\r\n",
}
#: More hops than a server lets a message have (RFC 5321, 6.3), so that it refuses the message at whatever it takes for
#: the end, and nothing is delivered.
HOPS = 250


def message_with_two_ends(probe: str, sender: str, recipient: str, date: str, end: bytes) -> bytes:
    """A message that a server refuses, with ``end`` in its middle and a command after it, up to its true end."""
    header = message_header(probe, sender, recipient, date, eight_bit=False)
    hops = b"Received: from puffy-mail-probe by puffy-mail-probe; " + date.encode() + b"\r\n"
    return hops * HOPS + header + b"\r\nThe probe of false ends." + end + b"NOOP\r\nThe true end.\r\n.\r\n"


def judge_attempts(sender: str, tried: int, accepted: Sequence[tuple[str, str]], remark: str) -> Check:
    """The verdict on relaying for one sender; ``accepted`` has the spellings that were, each with the reply."""
    name = f"relay_attempts as {sender or '<>'}"
    seen: Any = f"refused in {tried} spellings{remark}"
    if accepted:
        seen = [f"accepted {path}: {reply}" for path, reply in accepted]
    return Check(name, not accepted, "refused", seen)


def judge_command(command: str, reply: Reply) -> Check:
    """The verdict on VRFY, EXPN or ETRN: it must be refused in a way that says nothing of the address."""
    return Check(f"refused_commands {command}", reply.code >= 400 and reply.code != 550, "refused", reply.text())


# ------------------------------------------------------------------------------------------------ report


def shown(value: Any) -> str:
    """A value of a check in one line, for people."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ", ".join(shown(entry) for entry in value) or "none"
    return " ".join(str(value).split())


def failure_message(endpoint: str, checks: Iterable[Check]) -> str:
    """One sentence for each failed check; empty if no check failed."""
    failed = [check for check in checks if check.ok is False]
    if not failed:
        return ""
    causes = {f"not made: {check.seen}" for check in failed if isinstance(check.seen, str)}
    told = [check for check in failed if not isinstance(check.seen, str) or check.seen not in causes]
    silent = [check.name for check in failed if check not in told]
    what = [f"{check.name}: expected {shown(check.expected)}, seen {shown(check.seen)}" for check in told]
    if silent:
        what.append(f"not made because of it: {', '.join(silent)}")
    return f"{endpoint}: {len(failed)} failed check{'s' if len(failed) > 1 else ''}: {'; '.join(what)}"


def summary(checks: Iterable[Check]) -> dict[str, int]:
    """How many checks passed, failed and were left out."""
    found = {"passed": 0, "failed": 0, "left_out": 0}
    for check in checks:
        found["left_out" if check.ok is None else "passed" if check.ok else "failed"] += 1
    return found


_WORDS = {True: "ok", False: "FAILED", None: "left out"}
#: Characters in a line of the table. Ansible adds an indent, quotes and a comma, which are 11 characters: together less
#: than 100 columns.
LINE = 88
_HEADING = ("result", "endpoint", "check", "expected", "seen")
#: the width at which each column shrinks no further; with the gaps between them, together one line
_LEAST = (8, 14, 16, 18, 24)
_GAP = "  "


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Checks, in the form the module returns them, as the lines of a table. ValueError for anything else.

    No line is longer than ``LINE``: long texts are wrapped inside their column, and nothing is cut off.
    """
    cells: list[tuple[str, ...]] = [_HEADING]
    for row in rows:
        lacking = [key for key in ("name", "ok", "expected", "seen") if key not in row]
        if lacking:
            raise ValueError(f"{dict(row)!r} is not a check: it has no {', '.join(lacking)}")
        ok = row["ok"]
        if ok is not None and not isinstance(ok, bool):
            raise ValueError(f"ok of the check {row['name']!r} is {ok!r}. Use true, false or null")
        texts = (row.get("endpoint", ""), row["name"], row["expected"], row["seen"])
        cells.append((_WORDS[ok], *map(shown, texts)))
    widths = [min(LINE, max(map(len, column))) for column in zip(*cells)]
    while sum(widths) > sum(_LEAST):
        # The column that is furthest above its least width gives way.
        excess = [width - least for width, least in zip(widths, _LEAST)]
        widths[excess.index(max(excess))] -= 1
    lines = []
    for line in cells:
        wrapped = [textwrap.wrap(text, width, break_on_hyphens=False) or [""] for text, width in zip(line, widths)]
        for parts in itertools.zip_longest(*wrapped, fillvalue=""):
            lines.append(_GAP.join(text.ljust(width) for text, width in zip(parts, widths)).rstrip())
    lines.insert(1, _GAP.join("-" * width for width in widths))
    return lines
