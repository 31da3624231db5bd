# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scripted SMTP server on the loopback that also does what no good server does."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

EHLO = "250-mail.example.test\r\n250-SIZE 5000000\r\n250-8BITMIME\r\n250"


class FakeServer:
    """Answers commands by their first word, or by their first two; ``None`` closes the connection.

    ``replies`` are texts without the last line end. What is not in them gets 250. After STARTTLS the keys with
    the prefix ``TLS:`` come first. ``heard`` holds every line received.
    """

    def __init__(
        self,
        replies: Mapping[str, str | None] | None = None,
        *,
        greeting: str | None = "220 mail.example.test ESMTP",
        certificate: Path | None = None,
        wrapper: bool = False,
        highest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
        injected: str = "",
        ciphers: str = "DEFAULT",
    ) -> None:
        self.replies = {"EHLO": f"{EHLO} STARTTLS", "TLS:EHLO": f"{EHLO} AUTH PLAIN LOGIN", **(replies or {})}
        self.greeting = greeting
        self.wrapper = wrapper
        self.injected = injected
        self.heard: list[str] = []
        self.context: ssl.SSLContext | None = None
        if certificate is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.set_ciphers(ciphers)
            self.context.load_cert_chain(certificate)
            self.context.maximum_version = highest
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> FakeServer:
        self._thread.start()
        return self

    def __exit__(self, *_dummy: object) -> None:
        # shutdown wakes the accept that close alone would leave waiting
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _dummy = self._listener.accept()
            except OSError:
                return
            connection.settimeout(5)
            # A client may have several connections at a time.
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        try:
            self._converse(connection)
        except OSError:
            pass
        finally:
            connection.close()

    def _converse(self, connection: socket.socket) -> None:
        encrypted = False
        if self.wrapper:
            assert self.context is not None
            connection = self.context.wrap_socket(connection, server_side=True)
            encrypted = True
        if self.greeting is None:
            return
        connection.sendall(f"{self.greeting}\r\n".encode())
        stream = connection.makefile("rb")
        while True:
            line = stream.readline().decode("utf-8", "backslashreplace")
            if not line:
                break
            text = line.rstrip("\r\n")
            self.heard.append(text)
            reply = self._reply(text, encrypted)
            if reply is None:
                break
            connection.sendall(f"{reply}\r\n".encode())
            if reply.startswith("354"):
                while stream.readline() not in (b".\r\n", b""):
                    pass
                connection.sendall(f"{self._reply('<message>', encrypted)}\r\n".encode())
            if text == "STARTTLS" and reply.startswith("220"):
                assert self.context is not None
                connection.sendall(self.injected.encode())
                connection = self.context.wrap_socket(connection, server_side=True)
                stream = connection.makefile("rb")
                encrypted = True
            if text == "QUIT":
                break
        connection.close()

    def _reply(self, text: str, encrypted: bool) -> str | None:
        words = text.split(" ")
        for key in (" ".join(words[:2]), words[0]):
            for prefix in ("TLS:", "") if encrypted else ("",):
                if prefix + key in self.replies:
                    return self.replies[prefix + key]
        return {"STARTTLS": "220 go", "AUTH": "503 5.5.1 no AUTH", "QUIT": "221 bye"}.get(words[0], "250 2.1.0 Ok")


def make_certificate(directory: Path, name: str = "mail.example.test", days: int = 30) -> Path:
    """A self-signed certificate for ``name`` with its key in one file, which is also the CA to trust."""
    path = directory / f"{name}-{days}.pem"
    done = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "-",
         "-days", str(days), "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    path.write_text(done.stdout)
    return path
