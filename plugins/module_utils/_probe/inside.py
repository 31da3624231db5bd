# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail host seen from inside: the DNS as Postfix asks it, the files of its chroot, its networks, and the clock."""

from __future__ import annotations

import ipaddress
import os
import platform
import secrets
import socket
import struct
import time
from collections.abc import Iterable

from ansible_collections.puffy.mail.plugins.module_utils import _files as files
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.contents import is_the_internet
from ansible_collections.puffy.mail.plugins.module_utils._probe.checks import Check

#: Files that programs of the C library and Postfix open in a chroot, where the host has them.
CHROOT_FILES: tuple[str, ...] = ("resolv.conf", "hosts", "services", "localtime")
#: OpenBSD has no name service switch.
if platform.system() != "OpenBSD":
    CHROOT_FILES += ("nsswitch.conf",)
#: MX, IN (RFC 1035, 3.2.2 and 3.2.4)
_MX, _IN = 15, 1
#: RFC 1035, 4.1.1: what a server that works answers; a name that does not exist is an answer too
_ANSWERS = {0: "an answer", 3: "an answer: no such domain"}
_FAILURES = {1: "a format error", 2: "a server failure", 4: "not implemented", 5: "a refusal"}


def nameservers(text: str) -> list[str]:
    """The addresses that resolv.conf names; the C library takes the first three, 127.0.0.1 if no address is named."""
    lines = (line.split() for line in text.splitlines())
    found = [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"]
    return found[:3] or ["127.0.0.1"]


def query(name: str, number: int) -> bytes:
    """A DNS query for the MX records of ``name`` (RFC 1035, 4.1). ValueError for a name that the DNS cannot carry."""
    encoded = b""
    for label in name.strip(".").encode("idna").split(b"."):
        if not 0 < len(label) < 64:
            raise ValueError(f"{name!r} is not a domain name")
        encoded += bytes([len(label)]) + label
    return struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + encoded + b"\0" + struct.pack(">HH", _MX, _IN)


def ask(server: str, port: int, name: str, timeout: float) -> tuple[bool, str]:
    """Whether a name server answers, and what, for people. ``timeout`` is in seconds."""
    number = secrets.randbelow(65536)
    sent = query(name, number)
    try:
        family = socket.AF_INET6 if ":" in server else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as channel:
            channel.settimeout(timeout)
            channel.connect((server.partition("%")[0], port))
            channel.send(sent)
            while True:
                got = channel.recv(4096)
                if len(got) >= 12 and got[:2] == sent[:2]:
                    break
    except socket.timeout:
        return False, f"{server}: no answer within {timeout:g} seconds"
    except OSError as exc:
        return False, f"{server}: {(exc.strerror or str(exc)).lower()}"
    code = got[3] & 0x0F
    said = _ANSWERS.get(code) or _FAILURES.get(code, f"the code {code}")
    return code in _ANSWERS, f"{server}: {said}"


def dns(root: str, name: str, timeout: float, port: int = 53) -> Check:
    """Whether a daemon with the root directory ``root`` can ask the DNS: one of its name servers must answer."""
    check, expected = f"dns in {root}", f"a name server answers for {name}"
    path = os.path.join(root, "etc/resolv.conf")
    try:
        with files.opened(path) as stream:
            text = stream.read().decode("utf-8", "replace")
    except OSError as exc:
        return Check(check, False, expected, f"{path}: {(exc.strerror or str(exc)).lower()}")
    except files.FileError as exc:
        return Check(check, False, expected, str(exc))
    seen = []
    for server in nameservers(text):
        answers, said = ask(server, port, name, timeout)
        seen.append(said)
        if answers:
            return Check(check, True, expected, said)
    return Check(check, False, expected, seen)


def chroot_files(root: str) -> Check:
    """Whether the files of the host's /etc lie in the chroot with the same content."""
    wrong = []
    for name in CHROOT_FILES:
        outside, inside = f"/etc/{name}", os.path.join(root, "etc", name)
        there = _content(outside)
        if there is None:
            continue
        here = _content(inside)
        if here is None:
            wrong.append(f"{inside} is missing")
        elif here != there:
            wrong.append(f"{inside} differs from {outside}")
        elif not os.stat(inside).st_mode & 0o004:
            wrong.append(f"{inside} cannot be read by all")
    return Check("files of the chroot", not wrong, "those of /etc", wrong or "those of /etc")


def _content(path: str) -> bytes | None:
    try:
        with files.opened(path) as stream:
            return stream.read()
    except (OSError, files.FileError):
        return None


def networks(text: str) -> Check:
    """Whether the clients that may relay without a login are some hosts only. ``text`` is mynetworks as postconf(1)
    expands it, so that the list which follows from mynetworks_style is there too."""
    found = text.replace(",", " ").split()
    wide = [word for word in found if is_the_internet(word.replace("[", "").replace("]", ""))]
    expected = "clients that may relay without a login, not a large part of the Internet"
    return Check("mynetworks", not wide, expected, " ".join(found) or "none")


def open_ports(listening: Iterable[tuple[str, int]]) -> list[int]:
    """The ports that other hosts reach, of addresses and ports that this host listens on."""
    return sorted({port for address, port in listening if not ipaddress.ip_address(address).is_loopback})


def clock(given: float, tolerance: float) -> Check:
    """Whether this host's clock agrees with the time ``given`` (seconds since the epoch); ``tolerance`` in seconds."""
    away = time.time() - given
    expected = f"within {tolerance:g} seconds of the controller's"
    word = "ahead" if away > 0 else "behind"
    return Check("clock", abs(away) <= tolerance, expected, f"{abs(away):.0f} seconds {word}")
