# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail host from inside: name servers, the files of the chroot, and the clock."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from pathlib import Path

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._probe import inside


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("", ["127.0.0.1"]),
        ("# none\nsearch example.org\n", ["127.0.0.1"]),
        ("nameserver 192.0.2.1\nnameserver\t2001:db8::1\n;nameserver 192.0.2.2\n", ["192.0.2.1", "2001:db8::1"]),
        ("".join(f"nameserver 192.0.2.{n}\n" for n in range(5)), ["192.0.2.0", "192.0.2.1", "192.0.2.2"]),
    ],
)
def test_nameservers(text: str, servers: list[str]) -> None:
    assert inside.nameservers(text) == servers


def test_query() -> None:
    expected = b"\x01\x02\x01\x00\x00\x01" + bytes(6) + b"\x07example\x03org\x00\x00\x0f\x00\x01"
    assert inside.query("example.org.", 0x0102) == expected


@pytest.mark.parametrize("name", ["", "a..b", "x" * 64 + ".org"])
def test_not_a_name(name: str) -> None:
    with pytest.raises(ValueError, match=r"domain name|label"):
        inside.query(name, 0)


def _server(code: int | None) -> int:
    """A name server that answers one query with a code, or not at all."""
    channel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    channel.bind(("127.0.0.1", 0))

    def serve() -> None:
        with channel:
            sent, client = channel.recvfrom(512)
            if code is not None:
                channel.sendto(b"\0\0" + sent[2:], client)
                channel.sendto(sent[:2] + bytes([0x81, 0x80 | code]) + sent[4:], client)

    threading.Thread(target=serve, daemon=True).start()
    return int(channel.getsockname()[1])


@pytest.mark.parametrize(
    ("code", "ok", "seen"),
    [
        (0, True, "127.0.0.1: an answer"),
        (3, True, "127.0.0.1: an answer: no such domain"),
        (2, False, ["127.0.0.1: a server failure"]),
        (5, False, ["127.0.0.1: a refusal"]),
        (None, False, ["127.0.0.1: no answer within 0.2 seconds"]),
    ],
)
def test_dns(tmp_path: Path, code: int | None, ok: bool, seen: object) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    check = inside.dns(str(tmp_path), "example.org", 0.2 if code is None else 5, _server(code))
    assert (check.ok, check.seen) == (ok, seen)


def test_dns_without_its_file(tmp_path: Path) -> None:
    check = inside.dns(str(tmp_path), "example.org", 1)
    assert (check.ok, check.seen) == (False, f"{tmp_path}/etc/resolv.conf: no such file or directory")


def test_chroot_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inside, "CHROOT_FILES", ("hosts", "passwd", "group", "there-is-no-such-file"))
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "hosts").write_bytes(Path("/etc/hosts").read_bytes())
    (etc / "passwd").write_text("old\n")
    check = inside.chroot_files(str(tmp_path))
    assert (check.ok, check.seen) == (False, [f"{etc}/passwd differs from /etc/passwd", f"{etc}/group is missing"])
    for name in ("passwd", "group"):
        (etc / name).write_bytes(Path("/etc", name).read_bytes())
    assert inside.chroot_files(str(tmp_path)).ok is True
    (etc / "group").chmod(0o600)
    assert inside.chroot_files(str(tmp_path)).seen == [f"{etc}/group cannot be read by all"]


def test_clock() -> None:
    assert inside.clock(time.time(), 60).ok is True
    for away, word in ((3600, "behind"), (-3600, "ahead")):
        check = inside.clock(time.time() + away, 60)
        assert (check.ok, check.seen) == (False, f"3600 seconds {word}")


@pytest.mark.parametrize(
    ("text", "ok", "seen"),
    [
        ("127.0.0.0/8 [::1]/128\n", True, "127.0.0.0/8 [::1]/128"),
        ("127.0.0.0/8, 10.0.0.0/8,cidr:/etc/postfix/n\n", True, "127.0.0.0/8 10.0.0.0/8 cidr:/etc/postfix/n"),
        ("\n", True, "none"),
        ("127.0.0.1 128.0.0.0/2\n", False, "127.0.0.1 128.0.0.0/2"),
        ("[2000::]/3\n", False, "[2000::]/3"),
    ],
)
def test_networks(text: str, ok: bool, seen: str) -> None:
    found = inside.networks(text)
    assert (found.ok, found.seen) == (ok, seen)


def test_ports_that_other_hosts_reach() -> None:
    everywhere = (str(ipaddress.IPv4Address(0)), 25)
    found = {("127.0.0.1", 53), ("::1", 25), ("127.0.0.53", 53), everywhere, ("::", 465), ("192.0.2.1", 10143)}
    assert inside.open_ports(found) == [25, 465, 10143]
