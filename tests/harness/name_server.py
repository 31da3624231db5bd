# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A name server for a host under test, so that DKIM, DMARC, SPF and DNS lists have an answer without a network.

As a program on the host it serves 127.0.0.1 from a JSON file, which is read at each question:
{"example.org": {"MX": ["mail.example.org"], "TXT": ["v=spf1 -all"]}}. Names that are not there do not exist.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

PORT = 53
ZONE = "/etc/test-zone.json"
#: types of records (RFC 1035, section 3.2.2; RFC 3596)
TYPES = {"A": 1, "NS": 2, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28}
#: seconds for which an answer may be kept
TTL = 1


def name(text: str) -> bytes:
    """A domain name in a message (RFC 1035, section 3.1)."""
    labels = [label.encode() for label in text.strip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def data(kind: str, value: str) -> bytes:
    """The data of a record."""
    if kind == "A":
        return socket.inet_pton(socket.AF_INET, value)
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, value)
    if kind == "MX":
        return struct.pack("!H", 10) + name(value)
    if kind == "TXT":
        text = value.encode()
        return b"".join(bytes([len(text[at : at + 255])]) + text[at : at + 255] for at in range(0, len(text), 255))
    return name(value)


def answer(question: bytes, zone: Mapping[str, Mapping[str, Sequence[str]]]) -> bytes:
    """The message that answers ``question``."""
    at, labels = 12, []
    while question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]].decode().lower())
        at += 1 + question[at]
    (kind,) = struct.unpack("!H", question[at + 1 : at + 3])
    known = zone.get(".".join(labels))
    found = [
        (TYPES[word], data(word, value))
        for word, values in (known or {}).items()
        for value in values
        if TYPES[word] == kind
    ]
    body = question[12 : at + 5]
    for number, content in found:
        body += b"\xc0\x0c" + struct.pack("!HHIH", number, 1, TTL, len(content)) + content
    if not found:
        # RFC 2308: how long the absence may be kept
        start = name("ns.invalid") + name("root.invalid") + struct.pack("!IIIII", 1, TTL, TTL, TTL, TTL)
        body += b"\0" + struct.pack("!HHIH", 6, 1, TTL, len(start)) + start
    flags = 0x8180 | (3 if known is None else 0)
    return question[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0 if found else 1, 0) + body


def _tcp(path: str) -> None:
    server = socket.create_server(("127.0.0.1", PORT))
    while True:
        client, _peer = server.accept()
        with client, client.makefile("rwb") as stream:
            (size,) = struct.unpack("!H", stream.read(2))
            reply = answer(stream.read(size), json.loads(Path(path).read_text()))
            stream.write(struct.pack("!H", len(reply)) + reply)


def serve(path: str) -> None:
    """Answer until the process is ended."""
    threading.Thread(target=_tcp, args=(path,), daemon=True).start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", PORT))
        while True:
            question, peer = server.recvfrom(4096)
            server.sendto(answer(question, json.loads(Path(path).read_text())), peer)


class Runs(Protocol):
    """A host that runs shell commands."""

    def run(self, command: str, *, data: str | None = None) -> Any:
        """Run a command with ``data`` as its standard input."""


def start(host: Runs, zone: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
    """Serve a zone on a host, and make that the host's name server, Postfix's chroot included."""
    publish(host, zone)
    host.run("cat >/usr/local/bin/test-name-server", data=Path(os.path.abspath(__file__)).read_text())
    host.run(
        f"setsid python3 /usr/local/bin/test-name-server {ZONE} >/var/log/test-name-server 2>&1 </dev/null &"
        " until python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", 53), 1)' 2>/dev/null;"
        " do sleep 0.1; done;"
        " for at in '' /var/spool/postfix; do [ ! -d $at/etc ] || echo nameserver 127.0.0.1 >$at/etc/resolv.conf; done"
    )


def publish(host: Runs, zone: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
    """Serve this zone from now on."""
    host.run(f"cat >{ZONE}", data=json.dumps(zone))


if __name__ == "__main__":
    serve(sys.argv[1])
