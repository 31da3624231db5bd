# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that reaches a container from outside, from an address that is no trusted one."""

from __future__ import annotations

import base64
import dataclasses
import smtplib
import socket
import ssl
import time
from pathlib import Path
from typing import Any

#: seconds for one reply
TIMEOUT = 120


class _Wrapped(smtplib.SMTP_SSL):
    """TLS from the start, for a server that is reached by its address and has a certificate for its name."""

    def __init__(self, host: str, port: int, name: str, context: ssl.SSLContext) -> None:
        self.name = name
        super().__init__(host, port, timeout=TIMEOUT, context=context)

    def _get_socket(self, host: str, port: int, timeout: float) -> ssl.SSLSocket:
        plain = socket.create_connection((host, port), timeout)
        return self.context.wrap_socket(plain, server_hostname=self.name)


@dataclasses.dataclass(frozen=True)
class Client:
    """Connects to the host of a scenario, and checks its certificate by the authority ``ca``."""

    host: Any
    ca: Path

    @property
    def address(self) -> str:
        """The address of the container, which this side reaches from another one."""
        return str(self.host.check_output("hostname -I").split()[0])

    def closed(self, port: int) -> bool:
        """Whether nothing listens."""
        try:
            socket.create_connection((self.address, port), TIMEOUT).close()
        except ConnectionRefusedError:
            return True
        return False

    def context(self, certificate: tuple[Path, Path] | None = None) -> ssl.SSLContext:
        """TLS with our authority, and with a chain and its key where the client shows one."""
        context = ssl.create_default_context(cafile=str(self.ca))
        if certificate is not None:
            context.load_cert_chain(*certificate)
        return context

    def plain(self, port: int = 25) -> smtplib.SMTP:
        """A session without TLS, after EHLO."""
        session = smtplib.SMTP(self.address, port, timeout=TIMEOUT)
        session.ehlo("client.example.net")
        return session

    def secure(self, port: int = 25, certificate: tuple[Path, Path] | None = None) -> smtplib.SMTP:
        """A session with TLS, after EHLO: from the start on port 465, and by STARTTLS on the others."""
        name = self.host.check_output("postconf -h myhostname")
        session: smtplib.SMTP
        if port == 465:
            session = _Wrapped(self.address, port, name, self.context(certificate))
        else:
            session = self.plain(port)
            session._host = name  # type: ignore[attr-defined]
            session.starttls(context=self.context(certificate))
        session.ehlo("client.example.net")
        return session


def offered(session: smtplib.SMTP) -> list[str]:
    """The mechanisms that AUTH offers."""
    return sorted(session.esmtp_features.get("auth", "").split())


def login(session: smtplib.SMTP, user: str, password: str) -> int:
    """The code of the answer to a login, which is tried also where AUTH is not offered."""
    secret = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
    return session.docmd("AUTH", f"PLAIN {secret}")[0]


def asked(session: smtplib.SMTP, sender: str, recipient: str) -> list[int]:
    """The codes after MAIL FROM and RCPT TO. Nothing is sent."""
    codes = [session.mail(sender)[0]]
    if codes[0] == 250:
        codes.append(session.rcpt(recipient)[0])
    session.rset()
    return codes


def until(host: Any, command: str) -> None:
    """Wait until a command succeeds on the host; the assertion shows the end of its log."""
    deadline = time.monotonic() + 600
    while host.run(command).rc != 0:
        assert time.monotonic() < deadline, host.run("tail -n 30 /var/log/maillog /var/log/mail.log; mailq").stdout
        time.sleep(0.3)
