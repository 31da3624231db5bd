# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client that talks to mail servers over the network: SMTP, the TLS handshake, IMAP."""

from __future__ import annotations

import contextlib
import email.utils
import imaplib
import os
import re
import socket
import ssl
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils import _command
from ansible_collections.puffy.mail.plugins.module_utils._probe import checks
from ansible_collections.puffy.mail.plugins.module_utils._probe.checks import Check, Expectations, Reply, TlsAttempt

#: the most bytes of one reply or one line; a server that sends more is not a mail server
REPLY_LIMIT = 65536
#: seconds within which a port takes a connection if something listens there; a packet filter may drop the attempt
_KNOCK = 5.0
MASK = "********"


class ProbeError(Exception):
    """The conversation cannot go on. The message is the cause."""


class ClosedError(ProbeError):
    """The server ended the connection."""

    def __init__(self) -> None:
        super().__init__("the server closed the connection")


class NotMadeError(Exception):
    """A check cannot be made, but the conversation can go on. The message is the reason."""


@dataclass(frozen=True)
class Login:
    """A user to log in as. ``mechanism`` is ``plain`` or ``login``."""

    username: str
    password: str = field(repr=False)
    mechanism: str = "plain"


@dataclass(frozen=True)
class Endpoint:
    """A server: where it listens, and its protocol.

    ``tls`` is ``none``, ``starttls`` or ``wrapper``; ``protocol`` is ``smtp`` or ``imap``. ``tls_name`` is verified and
    sent as SNI. ``ca_path`` is a file or a directory; empty for the CAs of the system. ``timeout`` is in seconds, for
    one connection, handshake or reply. An empty ``helo_name`` stands for the address literal of the client.
    """

    host: str
    port: int
    tls: str = "starttls"
    protocol: str = "smtp"
    tls_name: str = ""
    ca_path: str = ""
    validate_certs: bool = True
    helo_name: str = ""
    timeout: float = 30.0

    def name(self) -> str:
        """The name to verify."""
        return self.tls_name or self.host

    def shown(self) -> str:
        """The endpoint, for people."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Delivery:
    """A message to send and the mailbox to find it in. ``timeout`` is in seconds, ``size`` in bytes."""

    sender: str
    recipient: str
    imap: Endpoint
    username: str
    password: str = field(repr=False)
    mailbox: str = "INBOX"
    timeout: float = 30.0
    size: int = 0

    def check_name(self) -> str:
        """The name of its check."""
        return f"deliver {self.sender or '<>'} to {self.recipient}"


#: X509_V_ERR_CA_MD_TOO_WEAK (OpenSSL x509_vfy.h)
_CA_MD_TOO_WEAK = 68


def cause_of(error: BaseException, timeout: float) -> str:
    """Why a network operation failed, for people."""
    if isinstance(error, ssl.SSLCertVerificationError):
        cause = (error.verify_message or "certificate verify failed").rstrip(".")
        if error.verify_code == _CA_MD_TOO_WEAK:
            # `openssl x509 -req` of LibreSSL signs so unless it is told otherwise.
            cause += ": it is signed with SHA-1 or MD5. Sign the certificate again with openssl x509 -sha256"
        return cause
    if isinstance(error, socket.timeout):
        return f"no answer within {timeout:g} seconds"
    if isinstance(error, socket.gaierror):
        return f"the name cannot be resolved: {error.strerror}"
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionResetError, BrokenPipeError)):
        return "the server closed the connection"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {(error.reason or str(error)).replace('_', ' ').lower()}"
    if isinstance(error, OSError):
        return (error.strerror or str(error) or type(error).__name__).lower()
    return str(error) or type(error).__name__


def trust(endpoint: Endpoint, *, verify: bool, hostname: bool) -> ssl.SSLContext:
    """A client's TLS context; ``verify`` checks the chain, ``hostname`` the name as well. ProbeError for a bad CA."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = verify and hostname
    context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
    if verify:
        try:
            if not endpoint.ca_path:
                context.load_default_certs()
            elif os.path.isdir(endpoint.ca_path):
                context.load_verify_locations(capath=endpoint.ca_path)
            else:
                context.load_verify_locations(cafile=endpoint.ca_path)
        except OSError as exc:  # ssl.SSLError is one
            raise ProbeError(f"the CA certificates in {endpoint.ca_path!r} cannot be used: {cause_of(exc, 0)}") from exc
    return context


class Session:
    """One SMTP (or, up to the greeting, IMAP) connection. Every failure is a ProbeError with the cause."""

    def __init__(self, endpoint: Endpoint, transcript: list[str], title: str) -> None:
        self.endpoint = endpoint
        self.transcript = transcript
        self.announced: dict[str, str] = {}
        self.ehlo_text = ""
        self._buffer = b""
        transcript.append(f"-- {endpoint.shown()}: {title}")
        limit = min(_KNOCK, endpoint.timeout) if endpoint.protocol == "any" else endpoint.timeout
        try:
            self._socket: socket.socket = socket.create_connection((endpoint.host, endpoint.port), limit)
            self._socket.settimeout(endpoint.timeout)
        except OSError as exc:
            cause = cause_of(exc, limit)
            transcript.append(f"-- {cause}")
            raise ProbeError(f"no connection to {endpoint.shown()}: {cause}") from exc

    def close(self) -> None:
        """Close the connection without QUIT."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def wrap(self, context: ssl.SSLContext) -> None:
        """Make the TLS handshake. The OSError (ssl.SSLError) it raises is left to the caller."""
        if self._buffer:
            # RFC 3207, 6: text that was sent before TLS must not be read as if it came within TLS.
            raise ProbeError("the server sent text between its reply to STARTTLS and the TLS handshake")
        name = self.endpoint.name()
        try:
            self._socket = context.wrap_socket(self._socket, server_hostname=name)
        except ssl.SSLError:  # some are a ValueError as well
            raise
        except ValueError as exc:  # a name that cannot be sent as SNI
            raise ProbeError(f"the name {name!r} cannot be used for TLS: {exc}") from exc
        self.announced = {}
        self.transcript.append(f"-- TLS: {self.tls_text()}")

    def peer(self) -> str:
        """The IP address of the server."""
        return str(self._socket.getpeername()[0]).partition("%")[0]

    def tls_text(self) -> str:
        """Protocol and cipher of the connection."""
        encrypted = self._encrypted()
        cipher = encrypted.cipher()
        return f"{encrypted.version()} {cipher[0] if cipher else ''}".strip()

    def certificate(self) -> dict[str, Any] | None:
        """The server's certificate as ``getpeercert`` gives it; None where its chain was not verified."""
        found = self._encrypted().getpeercert()
        return dict(found) if found else None

    def _encrypted(self) -> ssl.SSLSocket:
        if not isinstance(self._socket, ssl.SSLSocket):
            raise AssertionError("TLS has not begun on this connection")
        return self._socket

    def line(self) -> str:
        """One line, without its line end; bytes that are no UTF-8 are shown as escapes."""
        deadline = time.monotonic() + self.endpoint.timeout
        while b"\n" not in self._buffer:
            if len(self._buffer) > REPLY_LIMIT:
                raise ProbeError(f"the server sent more than {REPLY_LIMIT} bytes without a line end")
            try:
                self._socket.settimeout(max(0.001, deadline - time.monotonic()))
                got = self._socket.recv(4096)
            except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionResetError) as exc:
                raise ClosedError from exc
            except OSError as exc:
                raise ProbeError(cause_of(exc, self.endpoint.timeout)) from exc
            if not got:
                raise ClosedError
            self._buffer += got
        raw, self._buffer = self._buffer.split(b"\n", 1)
        text = raw.rstrip(b"\r").decode("utf-8", "backslashreplace")
        self.transcript.append(f"S: {text}")
        return text

    def reply(self) -> Reply:
        """One whole reply."""
        lines: list[str] = []
        total = 0
        while True:
            text = self.line()
            total += len(text)
            try:
                code, more, rest = checks.parse_reply_line(text)
            except ValueError as exc:
                raise ProbeError(str(exc)) from exc
            lines.append(rest)
            if total > REPLY_LIMIT:
                raise ProbeError(f"the server sent a reply of more than {REPLY_LIMIT} bytes")
            if not more:
                return Reply(code, tuple(lines))

    def send(self, data: bytes, shown: str) -> None:
        """Send bytes; ``shown`` stands for them in the transcript."""
        self.transcript.append(f"C: {shown}")
        try:
            self._socket.settimeout(self.endpoint.timeout)
            self._socket.sendall(data)
        except OSError as exc:
            raise ProbeError(cause_of(exc, self.endpoint.timeout)) from exc

    def command(self, text: str, shown: str = "") -> Reply:
        """Send one command and return the reply; ``shown`` replaces it in the transcript, where it holds a secret."""
        self.send(f"{text}\r\n".encode(), shown or text)
        return self.reply()

    def greeting(self) -> str:
        """The greeting in one line; ProbeError unless the server accepts commands."""
        if self.endpoint.protocol == "imap":
            text = self.line()
            if not text.upper().startswith(("* OK", "* PREAUTH")):
                raise ProbeError(f"the server greets with {text[:120]!r}; expected '* OK' of IMAP")
            return text
        reply = self.reply()
        if reply.code != 220:
            raise ProbeError(f"the server greets with {reply.text()!r}; expected 220")
        return reply.text()

    def hello(self) -> Reply:
        """Greet the server, and return the reply."""
        name = self.endpoint.helo_name
        if not name:
            # RFC 5321, 4.1.3: a client without a name of its own gives its address.
            address = self._socket.getsockname()[0].partition("%")[0]
            name = f"[IPv6:{address}]" if ":" in address else f"[{address}]"
        return self.command(f"EHLO {name}")

    def ehlo(self) -> None:
        """Greet the server and note what it announces."""
        reply = self.hello()
        if reply.code != 250:
            raise ProbeError(f"EHLO is refused: {reply.text()}")
        self.announced = checks.capabilities(reply)

    def starttls(self) -> None:
        """Ask for TLS; the handshake is ``wrap``."""
        if "STARTTLS" not in self.announced:
            raise ProbeError("STARTTLS is not offered")
        reply = self.command("STARTTLS")
        if reply.code != 220:
            raise ProbeError(f"STARTTLS is refused: {reply.text()}")

    def auth_taken(self) -> Reply:
        """The reply to AUTH PLAIN without credentials. The login is then cancelled."""
        reply = self.command("AUTH PLAIN")
        if reply.code == 334:
            self.command("*")
        return reply

    def login(self, login: Login) -> Reply:
        """Log in and return the last reply."""
        try:
            initial = checks.sasl_plain(login.username, login.password)
        except ValueError as exc:
            raise NotMadeError(str(exc)) from exc
        if login.mechanism == "plain":
            return self.command(f"AUTH PLAIN {initial}", f"AUTH PLAIN {MASK}")
        reply = self.command("AUTH LOGIN")
        for text in (login.username, login.password):
            if reply.code != 334:
                break
            reply = self.command(checks.base64_text(text), MASK)
        return reply

    def envelope(self, sender: str, recipient: str, extension: str = "") -> Reply:
        """The reply to RCPT TO, or to MAIL FROM if the server refuses that command."""
        if not (sender + recipient).isascii():
            extension += " SMTPUTF8"
        reply = self.command(f"MAIL FROM:<{sender}>{extension}")
        if reply.code >= 400:
            return reply
        return self.command(f"RCPT TO:<{recipient}>")

    def quit(self) -> None:
        """Send QUIT or LOGOUT, and close the connection."""
        with contextlib.suppress(ProbeError):
            if self.endpoint.protocol == "imap":
                self.send(b"z LOGOUT\r\n", "z LOGOUT")
            else:
                self.command("QUIT")
        self.close()


@dataclass(frozen=True)
class _Opened:
    """A session within TLS: its certificate, if that could be read, and why it is not verified (empty: it is)."""

    session: Session
    certificate: dict[str, Any] | None
    cause: str


def _handshake(endpoint: Endpoint, transcript: list[str], start: Callable[[str], Session]) -> _Opened:
    """Make the TLS handshake with as much verification as the certificate allows, and say why it is not more.

    ``start`` opens a connection up to the point where the handshake begins.
    """
    why = ""
    strictness = ((True, True), (True, False), (False, False)) if endpoint.validate_certs else ((False, False),)
    if not endpoint.validate_certs:
        why = "validate_certs is false"
    for number, (verify, hostname) in enumerate(strictness):
        context = trust(endpoint, verify=verify, hostname=hostname)
        session = start("again, with less verification" if number else "probe")
        try:
            session.wrap(context)
        except ssl.SSLCertVerificationError as exc:
            session.close()
            why = why or cause_of(exc, endpoint.timeout)
            transcript.append(f"-- certificate: {cause_of(exc, endpoint.timeout)}")
            continue
        except OSError as exc:
            session.close()
            cause = cause_of(exc, endpoint.timeout)
            transcript.append(f"-- {cause}")
            raise ProbeError(f"the TLS handshake failed: {cause}") from exc
        except ProbeError:
            session.close()
            raise
        return _Opened(session, session.certificate(), why)
    raise ProbeError(f"the TLS handshake failed: {why}")


def _begin(endpoint: Endpoint, transcript: list[str], title: str) -> Session:
    """Open an SMTP connection up to the TLS handshake."""
    session = Session(endpoint, transcript, title)
    try:
        if endpoint.tls == "starttls":
            session.greeting()
            session.ehlo()
            session.starttls()
    except ProbeError:
        session.close()
        raise
    return session


def open_session(endpoint: Endpoint, transcript: list[str]) -> Session:
    """Open a session for mail: TLS as asked for and verified, EHLO said. ProbeError where any of it fails."""
    if endpoint.tls == "none":
        session = Session(endpoint, transcript, "delivery")
        session.greeting()
        session.ehlo()
        return session
    session = _begin(endpoint, transcript, "delivery")
    try:
        session.wrap(trust(endpoint, verify=endpoint.validate_certs, hostname=True))
        if endpoint.tls == "wrapper":
            session.greeting()
        session.ehlo()
    except OSError as exc:
        session.close()
        raise ProbeError(f"the TLS handshake failed: {cause_of(exc, endpoint.timeout)}") from exc
    except ProbeError:
        session.close()
        raise
    return session


# ---------------------------------------------------------------------------------- protocol versions


def _version_context(version: str) -> ssl.SSLContext | None:
    """A context that offers only ``version``, whatever the policy of this host is; None if there is no such context."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    number = getattr(ssl.TLSVersion, version.replace(".", "_"))
    try:
        # OpenSSL 3 allows the SHA-1 signatures of TLS 1.0 and 1.1 at security level 0 only.
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    except ssl.SSLError:
        context.set_ciphers("DEFAULT")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = number
            context.maximum_version = number
    except (ValueError, ssl.SSLError):
        return None
    # A library built without this version may accept the setting and offer another version, so check the ClientHello.
    hello = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        pass
    except ssl.SSLError:
        return None
    offered = checks.highest_version_offered(hello.read())
    return context if offered == checks.TLS_VERSIONS[version] else None


def try_version(endpoint: Endpoint, version: str, transcript: list[str]) -> TlsAttempt:
    """Offer the server one protocol version, and return the result."""
    context = _version_context(version)
    if context is None:
        attempt = _openssl_attempt(endpoint, version)
        transcript.append(f"-- {endpoint.shown()}: {version} with openssl s_client: {attempt.detail}")
        return attempt
    try:
        session = _begin(endpoint, transcript, f"{version} alone")
    except ProbeError as exc:
        return TlsAttempt("failed", f"no verdict: {exc}")
    try:
        session.wrap(context)
        attempt = TlsAttempt("accepted", f"accepted ({session.tls_text()})")
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionResetError, BrokenPipeError):
        attempt = TlsAttempt("refused", "refused (the server closed the connection)")
    except ssl.SSLError as exc:
        cause = cause_of(exc, endpoint.timeout)
        turned_down = checks.refusal(exc.reason or "")
        attempt = (
            TlsAttempt("refused", f"refused ({cause})") if turned_down else TlsAttempt("failed", f"no verdict: {cause}")
        )
    except OSError as exc:
        attempt = TlsAttempt("failed", f"no verdict: {cause_of(exc, endpoint.timeout)}")
    except ProbeError as exc:
        attempt = TlsAttempt("failed", f"no verdict: {exc}")
    transcript.append(f"-- {version}: {attempt.detail}")
    session.close()
    return attempt


def _openssl_attempt(endpoint: Endpoint, version: str) -> TlsAttempt:
    """The same with ``openssl s_client``, for a Python whose TLS library cannot offer the version."""
    openssl = _command.find("openssl")
    if openssl is None:
        return TlsAttempt(
            "unable", f"no attempt: Python's TLS library here cannot offer {version}, and there is no openssl"
        )
    option = "-" + version.lower().replace("tlsv", "tls").replace(".", "_")
    argv = [openssl, "s_client", "-connect", endpoint.shown(), option, "-cipher", "DEFAULT:@SECLEVEL=0"]
    if version == "TLSv1.3":
        del argv[-2:]  # the option is for TLS 1.2 and earlier
    if endpoint.tls == "starttls":
        argv += ["-starttls", "smtp"]
    try:
        result = _command.run(argv, check=False, timeout=endpoint.timeout)
    except _command.CommandError as exc:
        return TlsAttempt("failed", f"no verdict: {exc}")
    attempt = checks.s_client_attempt(result.stdout + "\n" + result.stderr)
    if attempt.outcome == "unable":
        return TlsAttempt("unable", f"no attempt: neither Python's TLS library here nor {openssl} can offer {version}")
    return attempt


# ------------------------------------------------------------------------------------------ a stranger


class Stranger:
    """A client that asks for recipients in connections of its own, with TLS where it is offered, never logged in."""

    #: Postfix makes a client wait from the tenth error in one connection on, and ends at the twentieth (postconf(5),
    #: smtpd_soft_error_limit).
    ERRORS = 8

    def __init__(self, endpoint: Endpoint, transcript: list[str]) -> None:
        self._endpoint, self._transcript = endpoint, transcript
        self._session: Session | None = None
        self._errors = 0
        #: the last reply, for people
        self.said = ""

    def _connected(self) -> Session:
        if self._session is not None and self._errors < self.ERRORS:
            return self._session
        self.close()
        self._errors = 0
        session = Session(self._endpoint, self._transcript, "a stranger")
        context = trust(self._endpoint, verify=False, hostname=False)
        try:
            if self._endpoint.tls == "wrapper":
                session.wrap(context)
            session.greeting()
            session.ehlo()
            if self._endpoint.tls == "starttls" and "STARTTLS" in session.announced:
                session.starttls()
                session.wrap(context)
                session.ehlo()
        except OSError as exc:
            session.close()
            raise ProbeError(f"the TLS handshake failed: {cause_of(exc, self._endpoint.timeout)}") from exc
        except ProbeError:
            session.close()
            raise
        self._session = session
        return session

    def address(self) -> str:
        """The IP address of the server."""
        return self._connected().peer()

    def ask(self, sender: str, path: str) -> Reply | None:
        """The reply that refuses a recipient; None where it is accepted."""
        session = self._connected()
        reply = session.command(f"MAIL FROM:<{sender}>")
        if reply.code < 400:
            reply = session.command(f"RCPT TO:{path}")
        self.said = reply.text()
        self._errors += reply.code >= 400
        if reply.code == 421:
            self.close()
        else:
            session.command("RSET")
        return None if reply.code < 400 else reply

    def close(self) -> None:
        """End the connection."""
        if self._session is not None:
            self._session.quit()
            self._session = None


# ------------------------------------------------------------------------------------ logins without TLS


#: how servers refuse a client instead of greeting it: SMTP, IMAP, POP3, ManageSieve
_TURNED_AWAY = re.compile(r"[45][0-9]{2}[ -]|\* BYE|-ERR|BYE")


def _plaintext_logins(session: Session, greeting: str) -> Iterator[str]:
    """How a server takes passwords before TLS, by what it announces and by what it does; its greeting tells which
    protocol it speaks. No password of anybody is sent."""
    if _TURNED_AWAY.match(greeting):
        raise NotMadeError(f"the server turns this client away: {greeting[:120]!r}")
    if greeting.startswith("220"):
        yield from _plaintext_smtp(session, greeting)
    elif greeting.startswith("* "):
        yield from _plaintext_imap(session)
    elif greeting.startswith("+OK"):
        yield from _plaintext_pop3(session)
    elif greeting.startswith('"'):
        yield from _plaintext_sieve(session, greeting)


def _plaintext_smtp(session: Session, greeting: str) -> Iterator[str]:
    while greeting[3:4] == "-":
        greeting = session.line()
    session.ehlo()
    offered = checks.mechanisms(session.announced)
    if offered is not None:
        yield f"SMTP announces AUTH {' '.join(offered)}"
    elif session.auth_taken().code == 334:
        yield "SMTP accepts AUTH PLAIN, though it does not announce it"


def _until(session: Session, end: Callable[[str], bool]) -> list[str]:
    lines = [session.line()]
    while not end(lines[-1]):
        lines.append(session.line())
    return lines


def _plaintext_imap(session: Session) -> Iterator[str]:
    session.send(b"a CAPABILITY\r\n", "a CAPABILITY")
    told = " ".join(_until(session, lambda line: line.startswith("a "))).upper().split()
    mechanisms = [word[5:] for word in told if word in ("AUTH=PLAIN", "AUTH=LOGIN")]
    if mechanisms:
        yield f"IMAP announces AUTH={' '.join(mechanisms)}"
    if "LOGINDISABLED" not in told:
        yield "IMAP does not announce LOGINDISABLED"
    session.send(b"b AUTHENTICATE PLAIN\r\n", "b AUTHENTICATE PLAIN")
    if session.line().startswith("+"):
        yield "IMAP accepts AUTHENTICATE PLAIN"
        session.send(b"*\r\n", "*")
        _until(session, lambda line: line.startswith("b "))
    session.send(b"c LOGIN puffy-mail-probe none\r\n", "c LOGIN puffy-mail-probe none")
    answer = _until(session, lambda line: line.startswith("c "))[-1]
    told_why = answer.upper()
    if told_why.startswith("C OK") or (
        told_why.startswith("C NO") and not any(word in told_why for word in ("PRIVACY", "PLAINTEXT", "TLS"))
    ):
        yield f"IMAP looks at the password of LOGIN ({answer[2:]})"


def _plaintext_pop3(session: Session) -> Iterator[str]:
    session.send(b"CAPA\r\n", "CAPA")
    told = _until(session, lambda line: line == "." or line.startswith("-ERR"))
    for line in told:
        words = line.upper().split()
        if words[:1] == ["USER"] or (words[:1] == ["SASL"] and {"PLAIN", "LOGIN"} & set(words)):
            yield f"POP3 announces {line}"
    for command in ("AUTH PLAIN", "USER puffy-mail-probe"):
        session.send(f"{command}\r\n".encode(), command)
        if session.line().startswith("+"):
            yield f"POP3 accepts {command}"
            if command == "AUTH PLAIN":
                session.send(b"*\r\n", "*")
                session.line()


def _plaintext_sieve(session: Session, greeting: str) -> Iterator[str]:
    for line in [greeting, *_until(session, lambda line: line.startswith(("OK", "NO", "BYE")))]:
        if line.upper().startswith('"SASL"') and {"PLAIN", "LOGIN"} & set(line.upper().replace('"', " ").split()):
            yield f"ManageSieve announces {line}"
    session.send(b'AUTHENTICATE "PLAIN"\r\n', 'AUTHENTICATE "PLAIN"')
    if not session.line().startswith(("NO", "BYE")):
        yield "ManageSieve accepts AUTHENTICATE PLAIN"


# ------------------------------------------------------------------------------------------- the probe


class Probe:
    """The checks of one endpoint in their order. If the conversation breaks, all later checks fail."""

    WITHOUT_CERTIFICATE = "refused without a certificate"

    def __init__(self, endpoint: Endpoint, expect: Expectations, login: Login | None) -> None:
        self.endpoint = endpoint
        self.expect = expect
        self.login = login
        self.checks: list[Check] = []
        self.transcript: list[str] = []
        self._session: Session | None = None
        self._greeting = ""
        self._broken = ""
        self._cause = ""
        self._certificate: dict[str, Any] | None = None
        # Smuggling has connections of its own: after ten errors, Postfix makes a client wait.
        self._ended = True

    def run(self) -> list[Check]:
        """Make all checks; the connection is closed on return."""
        try:
            for name, expected, action in self._steps():
                self._make(name, expected, action)
        finally:
            if self._session is not None:
                if self._broken:
                    self._session.close()
                else:
                    self._session.quit()
        for version, expected in self.expect.tls_versions.items():
            attempt = try_version(self.endpoint, version, self.transcript)
            self.checks.append(checks.judge_tls_version(version, expected, attempt))
        return self.checks

    def _make(self, name: str, expected: Any, action: Callable[[], list[Check]]) -> None:
        if self._broken:
            self.checks.append(Check(name, False, expected, f"not made: {self._broken}"))
            return
        try:
            self.checks += action()
        except NotMadeError as exc:
            self.checks.append(Check(name, False, expected, f"not made: {exc}"))
        except ProbeError as exc:
            self._broken = str(exc)
            self.checks.append(Check(name, False, expected, str(exc)))

    def _steps(self) -> Iterator[tuple[str, Any, Callable[[], list[Check]]]]:
        expect, smtp = self.expect, self.endpoint.protocol == "smtp"
        if self.endpoint.protocol == "any":
            if expect.closed:
                yield "closed", "nothing listens", self._closed
                return
            yield "login_before_tls", "no login without TLS", self._plain
            return
        if self.endpoint.tls == "wrapper":
            yield "tls", self._tls_wanted(), self._tls
            yield from self._certificate_steps()
            if expect.client_certificate:
                yield "client_certificate", self.WITHOUT_CERTIFICATE, self._without_certificate
                return
        yield "connect", "a greeting", self._connect
        if expect.banner is not None:
            pattern = expect.banner
            yield "banner", pattern.pattern, lambda: [checks.judge_banner(pattern, self._greeting)]
        if not smtp:
            return
        if expect.starttls is not None:
            yield "starttls", expect.starttls, self._starttls
        if expect.auth_before_tls is not None:
            before = expect.auth_before_tls
            wanted = "AUTH" if before else "no AUTH"
            yield "auth_before_tls", wanted, lambda: [self._judge_auth("auth_before_tls", before)]
        if expect.mail_before_tls is not None:
            yield "mail_before_tls", "accepted" if expect.mail_before_tls else "refused", self._mail_before_tls
        if self.endpoint.tls == "starttls":
            yield "tls", self._tls_wanted(), self._tls
            yield from self._certificate_steps()
            if expect.client_certificate:
                yield "client_certificate", self.WITHOUT_CERTIFICATE, self._without_certificate
                return
        if expect.auth_offered is not None:
            offered = expect.auth_offered
            yield "auth_offered", offered, lambda: [self._judge_auth("auth_offered", offered)]
        if expect.size is not None:
            size = expect.size
            yield "size", size, lambda: [checks.judge_size(size, self._open().announced)]
        for command in expect.refused_commands:
            yield f"refused_commands {command}", "refused", partial(self._command, command)
        yield from self._envelope_steps("relay", expect.relay)
        if expect.relay_attempts is not None:
            yield from self._attempt_steps(expect.relay_attempts)
        if self.login is not None:
            login = self.login
            yield "login", self._login_code(), lambda: self._log_in(login)
        yield from self._envelope_steps("sender", expect.sender)
        yield from self._envelope_steps("recipient", expect.recipients)
        if expect.smuggling is not None:
            for name, end in checks.FALSE_ENDS.items():
                yield f"smuggling {name}", "not the end of a message", partial(self._smuggle, name, end)

    def _envelope_steps(
        self, kind: str, envelopes: tuple[checks.Envelope, ...]
    ) -> Iterator[tuple[str, Any, Callable[[], list[Check]]]]:
        for envelope in envelopes:

            def attempt(envelope: checks.Envelope = envelope) -> list[Check]:
                session = self._open()
                reply = session.envelope(envelope.sender, envelope.recipient)
                session.command("RSET")
                return [checks.judge_envelope(kind, envelope, reply)]

            sender = envelope.sender or "<>"
            yield f"{kind} {sender} to {envelope.recipient}", envelope.wanted(), attempt

    def _command(self, command: str) -> list[Check]:
        argument = self.expect.relay_attempts.domain if self.expect.relay_attempts else "example.org"
        if command != "ETRN":
            argument = "postmaster"
        return [checks.judge_command(command, self._open().command(f"{command} {argument}"))]

    def _closed(self) -> list[Check]:
        """Knock at a port that is switched off."""
        wanted = "nothing listens"
        try:
            session = Session(self.endpoint, self.transcript, "whether anything listens")
        except ProbeError as exc:
            return [Check("closed", True, wanted, f"nothing listens: {exc}")]
        session.close()
        return [Check("closed", False, wanted, "something listens there")]

    def _plain(self) -> list[Check]:
        """Speak with whatever listens on a port without TLS."""
        wanted, name = "no login without TLS", "login_before_tls"
        try:
            session = Session(self.endpoint, self.transcript, "without TLS")
        except ProbeError as exc:
            return [Check(name, True, wanted, f"nothing listens: {exc}")]
        try:
            greeting = session.line()
        except ProbeError as exc:
            session.close()
            return [self._silent(Check(name, None, wanted, f"not judged: something listens and does not greet: {exc}"))]
        ok: bool | None = True
        seen: list[str] = []
        try:
            for fault in _plaintext_logins(session, greeting):
                seen.append(fault)
        except NotMadeError as exc:
            ok, seen = None, [f"not judged: {exc}"]
        except ProbeError as exc:
            # What was found before stays found, and what was not tried is not known to be right.
            seen.append(f"the conversation broke off: {exc}")
        finally:
            session.close()
        made = [Check(name, ok and not seen, wanted, seen or wanted)]
        if greeting.startswith("220") and self.expect.relay_attempts is not None:
            for step, expected, action in self._attempt_steps(self.expect.relay_attempts):
                try:
                    made += action()
                except ProbeError as exc:
                    made.append(Check(step, False, expected, str(exc)))
        return made

    def _silent(self, otherwise: Check) -> Check:
        """The check of a server that waits for its client to begin: right where that is with TLS."""
        try:
            session = Session(self.endpoint, self.transcript, "whether it begins with TLS")
        except ProbeError:
            return otherwise
        try:
            session.wrap(trust(self.endpoint, verify=False, hostname=False))
        except (OSError, ProbeError):
            return otherwise
        finally:
            session.close()
        return Check(otherwise.name, True, otherwise.expected, "the port begins with TLS")

    def _attempt_steps(self, attempts: checks.Attempts) -> Iterator[tuple[str, Any, Callable[[], list[Check]]]]:
        for number, sender in enumerate(attempts.senders):
            every = number == 0
            yield f"relay_attempts as {sender or '<>'}", "refused", partial(self._attempt, attempts, sender, every)

    def _attempt(self, attempts: checks.Attempts, sender: str, every: bool) -> list[Check]:
        """Try one sender; the first of all in every spelling."""
        stranger = Stranger(self.endpoint, self.transcript)
        try:
            spellings = checks.relay_spellings(attempts, stranger.address())
            remark = ""
            if not every:
                spellings = spellings[: checks.FIRST_SPELLINGS]
            elif (
                attempts.own_domain and stranger.ask(sender, f"<puffy-mail-probe-nobody@{attempts.own_domain}>") is None
            ):
                # The domain takes every local part: what looks like another address is one of its own.
                spellings = [spelling for spelling in spellings if not spelling.own]
                remark = f", those in {attempts.own_domain} left out, which accepts every address"
            accepted = []
            for spelling in spellings:
                if stranger.ask(sender, spelling.path) is None:
                    accepted.append((spelling.path, stranger.said))
        finally:
            stranger.close()
        return [checks.judge_attempts(sender, len(spellings), accepted, remark)]

    def _smuggle(self, name: str, end: bytes) -> list[Check]:
        sender, recipient = self.expect.smuggling or ("", "")
        expected = "not the end of a message"
        session = self._open()
        if self._ended:
            session.quit()
            session = self._session = open_session(self.endpoint, self.transcript)
            if self.login is not None:
                self._log_in(self.login)
            self._ended = False
        reply = session.envelope(sender, recipient)
        if reply.code < 400:
            reply = session.command("DATA")
        if reply.code != 354:
            session.command("RSET")
            raise NotMadeError(f"the message is refused before its content: {reply.text()}")
        probe = uuid.uuid4().hex
        session.send(
            checks.message_with_two_ends(probe, sender, recipient, email.utils.formatdate(), end),
            f"(a message with {name} in its middle)",
        )
        replies = [session.reply()]
        if replies[0].code == 250:
            raise NotMadeError(
                f"the server accepts a message with {checks.HOPS} hops; remove the message with the Subject"
                f" 'puffy.mail probe {probe}'"
            )
        try:
            # Of all replies, that to EHLO alone has several lines: what came before it is of the message.
            session.send(b"EHLO puffy-mail-probe.example\r\n", "EHLO puffy-mail-probe.example")
            while len(replies[-1].lines) < 2:
                replies.append(session.reply())
            replies.pop()
        except ClosedError:
            # A server may end the connection with one that breaks the protocol.
            session.close()
            self._ended = True
        early = len(replies) > 1
        seen = " / ".join(reply.text() for reply in replies)
        return [
            Check(f"smuggling {name}", not early, expected, f"the end: {seen}" if early else f"not the end: {seen}")
        ]

    def _certificate_steps(self) -> Iterator[tuple[str, Any, Callable[[], list[Check]]]]:
        if self.expect.certificate != checks.Certificate():
            yield "certificate", "a certificate", self._judge_certificate

    def _open(self) -> Session:
        if self._session is None:
            raise AssertionError('a step came before the steps "connect" and "tls"')
        return self._session

    def _connect(self) -> list[Check]:
        if self._session is None:
            self._session = Session(self.endpoint, self.transcript, "probe")
        session = self._session
        self._greeting = session.greeting()
        if self.endpoint.protocol == "smtp":
            session.ehlo()
        return [Check("connect", True, "a greeting", self._greeting)]

    def _starttls(self) -> list[Check]:
        return [checks.judge_value("starttls", self.expect.starttls, "STARTTLS" in self._open().announced)]

    def _judge_auth(self, name: str, expected: bool | tuple[str, ...]) -> Check:
        session = self._open()
        offered = checks.mechanisms(session.announced)
        reply = session.auth_taken() if offered is None else None
        return checks.judge_auth(name, expected, offered, reply)

    def _mail_before_tls(self) -> list[Check]:
        session = self._open()
        reply = session.command("MAIL FROM:<>")
        if reply.code < 400:
            session.command("RSET")
        return [checks.judge_mail_before_tls(bool(self.expect.mail_before_tls), reply)]

    def _tls_wanted(self) -> str:
        implied = self.endpoint.validate_certs and self.expect.certificate.verified is None
        return "a TLS session, certificate verified" if implied else "a TLS session"

    def _tls(self) -> list[Check]:
        first = self._session

        def start(title: str) -> Session:
            nonlocal first
            # The connection that is open already serves the first attempt.
            session, first = first, None
            if session is None:
                return _begin(self.endpoint, self.transcript, title)
            session.starttls()
            return session

        opened = _handshake(self.endpoint, self.transcript, start)
        session = opened.session
        self._session, self._cause, self._certificate = session, opened.cause, opened.certificate
        if self.endpoint.tls == "starttls" and not self.expect.client_certificate:
            session.ehlo()
        implied = self.endpoint.validate_certs and self.expect.certificate.verified is None
        seen = session.tls_text() + (f", not verified: {self._cause}" if self._cause else ", certificate verified")
        return [Check("tls", not (implied and self._cause), self._tls_wanted(), seen)]

    def _without_certificate(self) -> list[Check]:
        """Go on without a certificate of a client, which this client never has."""
        session = self._open()
        reply = session.reply() if self.endpoint.tls == "wrapper" else None
        if reply is None or reply.code == 220:
            reply = session.hello()
        return [Check("client_certificate", reply.code >= 400, self.WITHOUT_CERTIFICATE, reply.text())]

    def _judge_certificate(self) -> list[Check]:
        return checks.judge_certificate(self.expect.certificate, self._certificate, self._cause, time.time())

    def _login_code(self) -> int:
        return 235 if self.expect.login_code is None else self.expect.login_code

    def _log_in(self, login: Login) -> list[Check]:
        if self._cause and self.endpoint.validate_certs:
            raise NotMadeError(f"the certificate is not verified ({self._cause}), and no password was sent")
        reply = self._open().login(login)
        return [Check("login", reply.code == self._login_code(), self._login_code(), reply.text())]


# ---------------------------------------------------------------------------------------------- delivery


class _NamedContext(ssl.SSLContext):
    """A context that verifies ``name`` instead of the address that imaplib connects to."""

    name = ""

    def wrap_socket(self, sock: socket.socket, *args: Any, **options: Any) -> ssl.SSLSocket:
        options["server_hostname"] = self.name
        return super().wrap_socket(sock, *args, **options)


class Mailbox:
    """One mailbox, read by IMAP within TLS. Every failure is a ProbeError with the cause."""

    def __init__(self, delivery: Delivery, transcript: list[str]) -> None:
        endpoint = delivery.imap
        self._timeout = endpoint.timeout
        self._transcript = transcript
        transcript.append(f"-- {endpoint.shown()}: IMAP, mailbox {delivery.mailbox} of {delivery.username}")
        context = _NamedContext(ssl.PROTOCOL_TLS_CLIENT)
        context.name = endpoint.name()
        context.check_hostname = endpoint.validate_certs
        context.verify_mode = ssl.CERT_REQUIRED if endpoint.validate_certs else ssl.CERT_NONE
        with self._translated():
            if not endpoint.ca_path:
                context.load_default_certs()
            elif os.path.isdir(endpoint.ca_path):
                context.load_verify_locations(capath=endpoint.ca_path)
            else:
                context.load_verify_locations(cafile=endpoint.ca_path)
            self._imap = imaplib.IMAP4_SSL(endpoint.host, endpoint.port, ssl_context=context, timeout=endpoint.timeout)
        try:
            with self._translated("the login is refused"):
                # AUTHENTICATE accepts any password, the LOGIN of imaplib only ASCII.
                if "AUTH=PLAIN" in self._imap.capabilities:
                    response = f"\0{delivery.username}\0{delivery.password}".encode()
                    self._imap.authenticate("PLAIN", lambda _: response)
                else:
                    self._imap.login(delivery.username, delivery.password)
            with self._translated():
                quoted = delivery.mailbox.replace("\\", "\\\\").replace('"', '\\"')
                self._expect_ok("SELECT", self._imap.select(f'"{quoted}"'))
        except ProbeError:
            self.close()
            raise

    @contextlib.contextmanager
    def _translated(self, refused: str = "") -> Iterator[None]:
        try:
            yield
        except (OSError, imaplib.IMAP4.error, UnicodeError) as exc:
            said = exc.args[0].decode("utf-8", "replace") if exc.args and isinstance(exc.args[0], bytes) else ""
            cause = said or cause_of(exc, self._timeout)
            if refused and not isinstance(exc, OSError):
                cause = f"{refused}: {cause}"
            self._transcript.append(f"-- IMAP: {cause}")
            raise ProbeError(f"IMAP: {cause}") from exc

    @staticmethod
    def _expect_ok(command: str, answer: tuple[str, list[Any]]) -> list[Any]:
        status, data = answer
        if status != "OK":
            said = b" ".join(part for part in data if isinstance(part, bytes)).decode("utf-8", "replace")
            raise imaplib.IMAP4.error(f"{command}: {status} {said}".strip())
        return data

    def search(self, probe: str) -> list[str]:
        """The UIDs of the messages that carry the probe's id."""
        with self._translated():
            self._expect_ok("NOOP", self._imap.noop())
            data = self._expect_ok("UID SEARCH", self._imap.uid("SEARCH", "HEADER", checks.ID_HEADER, probe))
            return [part.decode("ascii") for part in (data[0] or b"").split()]

    def fetch(self, uid: str) -> bytes:
        """One whole message; its flags stay as they are."""
        with self._translated():
            data = self._expect_ok("UID FETCH", self._imap.uid("FETCH", uid, "(BODY.PEEK[])"))
            for part in data:
                if isinstance(part, tuple):
                    return bytes(part[1])
            raise imaplib.IMAP4.error(f"UID FETCH {uid}: the server sent no message")

    def remove(self, uids: list[str]) -> str:
        """Delete messages, and return 'removed' or 'marked as deleted'."""
        with self._translated():
            chosen = ",".join(uids)
            self._expect_ok("UID STORE", self._imap.uid("STORE", chosen, "+FLAGS.SILENT", r"(\Deleted)"))
            if "UIDPLUS" not in self._imap.capabilities and not self._learn_uidplus():
                # EXPUNGE would also remove other messages that are marked as deleted (RFC 4315).
                return "marked as deleted"
            self._expect_ok("UID EXPUNGE", self._imap.uid("EXPUNGE", chosen))
            return "removed"

    def _learn_uidplus(self) -> bool:
        data = self._expect_ok("CAPABILITY", self._imap.capability())
        return b"UIDPLUS" in b" ".join(part for part in data if isinstance(part, bytes)).upper()

    def close(self) -> None:
        """Log out."""
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            self._imap.logout()


def deliver(endpoint: Endpoint, login: Login | None, delivery: Delivery, transcript: list[str]) -> Check:
    """Send a message through ``endpoint``, find it in the mailbox, compare its body and remove it."""
    wanted = f"arrives within {delivery.timeout:g} s, body unchanged, removed again"
    try:
        mailbox = Mailbox(delivery, transcript)
    except ProbeError as exc:
        return Check(delivery.check_name(), False, wanted, f"nothing was sent: {exc}")
    try:
        ok, seen = _deliver(endpoint, login, delivery, mailbox, transcript)
    finally:
        mailbox.close()
    transcript.append(f"-- delivery: {seen}")
    return Check(delivery.check_name(), ok, wanted, seen)


def _deliver(
    endpoint: Endpoint, login: Login | None, delivery: Delivery, mailbox: Mailbox, transcript: list[str]
) -> tuple[bool, str]:
    probe = uuid.uuid4().hex
    try:
        body = _send(endpoint, login, delivery, probe, transcript)
    except (ProbeError, NotMadeError) as exc:
        # If the connection breaks after the final dot, the message may still arrive.
        left = _remove_stray(mailbox, probe)
        return False, f"{exc}; {left}" if left else f"not sent: {exc}"
    began = time.monotonic()
    pause = 0.1
    try:
        uids = mailbox.search(probe)
        while not uids and time.monotonic() - began < delivery.timeout:
            time.sleep(pause)
            pause = min(1.0, pause * 1.5)
            uids = mailbox.search(probe)
        took = time.monotonic() - began
        if not uids:
            return False, (
                f"sent, but not in {delivery.mailbox} after {took:.1f} s. If it arrives later, remove it by"
                f" hand: its Subject is 'puffy.mail probe {probe}'"
            )
        try:
            problems = [checks.body_difference(body, checks.body_of(mailbox.fetch(uids[0])))]
            if len(uids) > 1:
                problems.append(f"it arrived {len(uids)} times")
        finally:
            removed = mailbox.remove(uids)
    except ProbeError as exc:
        return False, f"sent with the Subject 'puffy.mail probe {probe}', then: {exc}"
    found = "; ".join(text for text in problems if text)
    state = f"arrived after {took:.1f} s, {found or f'body of {len(body)} bytes unchanged'}, {removed}"
    return not found, state


def _remove_stray(mailbox: Mailbox, probe: str) -> str:
    try:
        uids = mailbox.search(probe)
        return f"the message arrived nevertheless and was {mailbox.remove(uids)}" if uids else ""
    except ProbeError as exc:
        return f"it is not known whether the message arrived: {exc}"


def _send(endpoint: Endpoint, login: Login | None, delivery: Delivery, probe: str, transcript: list[str]) -> bytes:
    """Send the message and return its body as it was sent."""
    session = open_session(endpoint, transcript)
    try:
        if login is not None:
            reply = session.login(login)
            if reply.code != 235:
                raise ProbeError(f"the login is refused: {reply.text()}")
        eight_bit = "8BITMIME" in session.announced
        body = checks.message_body(delivery.size, eight_bit=eight_bit)
        header = checks.message_header(
            probe, delivery.sender, delivery.recipient, email.utils.formatdate(), eight_bit=eight_bit
        )
        message = header + b"\r\n" + body
        limit = session.announced.get("SIZE", "")
        if limit.isdigit() and 0 < int(limit) < len(message):
            raise ProbeError(f"the message has {len(message)} bytes, but the server accepts only {limit} (SIZE)")
        extension = (f" SIZE={len(message)}" if "SIZE" in session.announced else "") + (
            " BODY=8BITMIME" if eight_bit else ""
        )
        reply = session.envelope(delivery.sender, delivery.recipient, extension)
        if reply.code >= 300:
            raise ProbeError(reply.text())
        reply = session.command("DATA")
        if reply.code != 354:
            raise ProbeError(f"DATA is refused: {reply.text()}")
        session.send(checks.dot_stuffed(message), f"({len(message)} bytes of message)")
        reply = session.reply()
        if reply.code >= 300:
            raise ProbeError(f"the message is refused: {reply.text()}")
        session.quit()
        return body
    finally:
        session.close()
