# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What boots the scenario openbsd_vm: all of it but the guest itself."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.molecule.shared.vm import vm

PROGRAM = vm.__file__
SIGNIFY = shutil.which("signify-openbsd")


PLATFORM: dict[str, Any] = {
    "name": "guest",
    "groups": ["mail_hosts"],
    "hostname": "mail.example.test",
    "ssh_port": 34099,
}


def test_the_answers_follow_from_the_specification() -> None:
    spec = vm.specification({**PLATFORM, "version": "8.0"})
    text = vm.answers(spec, "10.0.2.2:8000", "ssh-ed25519 AAAA test", "*************")
    rows = dict(line.split(" = ", 1) for line in text.splitlines())
    # autoinstall(8): the part of a question before " = " has to be one that the installer asks
    assert rows["System hostname"] == "mail"
    assert rows["DNS domain name"] == "example.test"
    assert rows["Password for root account"] == "*************"
    assert rows["Public ssh key for root account"] == "ssh-ed25519 AAAA test"
    assert rows["Allow root ssh login"] == "prohibit-password"
    assert rows["HTTP Server"] == "10.0.2.2:8000"
    assert rows["Server directory"] == "pub/OpenBSD/8.0/amd64"
    assert rows["Set name(s)"] == "-all bsd bsd.mp bsd.rd base80.tgz"
    assert rows["Continue without verification"] == "no"
    with pytest.raises(vm.VmError, match="has more than one line"):
        vm.answers(spec, "a", "one\ntwo", "*")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ssh_port": "22"}, "'ssh_port' is '22', which is no int"),
        ({"ssh_port": 0}, "'ssh_port' is 0, which is no port"),
        ({"version": "7"}, "'version' is '7'; use one such as '7.9'"),
        ({"hostname": "a b"}, "'hostname' is 'a b', which is no host name"),
        ({"hostname": None}, "the platform needs 'hostname'"),
    ],
)
def test_bad_specifications(change: dict[str, Any], message: str) -> None:
    with pytest.raises(vm.VmError, match=message):
        vm.specification({**PLATFORM, **change})


def test_the_qemu_command(tmp_path: Path) -> None:
    spec = vm.specification({**PLATFORM, "accelerator": "kvm", "memory": 2048})
    command = vm.qemu_command(
        spec, tmp_path, [("/d/disk", "qcow2"), ("/d/mini", "raw")], "unix:/d/serial", "-no-reboot"
    )
    text = " ".join(command)
    assert command[0] == "qemu-system-x86_64"
    assert "-machine q35,accel=kvm,graphics=off -cpu host -smp 2 -m 2048" in text
    # sshd alone is reachable, and only from this machine
    assert text.count("hostfwd") == 1
    assert "hostfwd=tcp:127.0.0.1:34099-:22" in text
    assert "drive=disk0,bootindex=1" in text
    assert "file=/d/mini,format=raw,if=none,id=disk1" in text
    assert command[-1] == "-no-reboot"


@pytest.fixture
def release(tmp_path: Path) -> tuple[Path, Path]:
    """The files of a release as they lie on a mirror, signed by a key of our own, and that key."""
    if SIGNIFY is None:
        pytest.skip("signify-openbsd is not installed (tools/bootstrap machines)")
    files = tmp_path / "amd64"
    files.mkdir()
    lines = []
    for name in vm.set_names("7.9"):
        (files / name).write_bytes(f"this is {name}".encode())
        digest = hashlib.sha256((files / name).read_bytes()).hexdigest()
        lines.append(f"SHA256 ({name}) = {digest}\n")
    (files / "SHA256").write_text("".join(lines))
    secret, public = tmp_path / "openbsd-79-base.sec", tmp_path / "openbsd-79-base.pub"
    subprocess.run([SIGNIFY, "-G", "-n", "-p", public, "-s", secret], check=True)
    subprocess.run([SIGNIFY, "-S", "-e", "-s", secret, "-m", "SHA256", "-x", "SHA256.sig"], cwd=files, check=True)
    return files, public


def test_only_files_that_the_release_key_signed_are_used(release: tuple[Path, Path]) -> None:
    files, key = release
    names = vm.set_names("7.9")
    vm.verify(files, key, names)
    (files / "bsd.rd").write_bytes(b"something else")
    with pytest.raises(vm.VmError, match=r"(?s)signify.* failed: .*bsd.rd: FAIL"):
        vm.verify(files, key, names)
    (files / "bsd.rd").unlink()
    with pytest.raises(vm.VmError, match=r"has no file 'bsd.rd'"):
        vm.verify(files, key, names)
    with pytest.raises(vm.VmError, match="there is no public key"):
        vm.verify(files, files / "nothing.pub", names)


def test_files_signed_by_another_key_are_refused(release: tuple[Path, Path]) -> None:
    files, key = release
    other = key.with_name("other.pub")
    subprocess.run([str(SIGNIFY), "-G", "-n", "-p", other, "-s", key.with_name("other.sec")], check=True)
    with pytest.raises(vm.VmError, match=r"(?s)verified with the wrong key|failed"):
        vm.verify(files, other, vm.set_names("7.9"))


def test_missing_files_are_fetched_from_the_mirror(release: tuple[Path, Path], tmp_path: Path) -> None:
    files, _key = release
    tree = tmp_path / "mirror" / "pub" / "OpenBSD" / "7.9"
    tree.mkdir(parents=True)
    (tree / "amd64").symlink_to(files)
    here = tmp_path / "here"
    with vm.served(tmp_path / "mirror") as port:
        spec = vm.specification({**PLATFORM, "mirror": f"http://127.0.0.1:{port}"})
        vm.fetch(spec, here)
        assert sorted(path.name for path in here.iterdir()) == sorted(["SHA256.sig", *vm.set_names("7.9")])
        (files / "bsd").unlink()
        (here / "bsd").unlink()
        with pytest.raises(vm.VmError, match="bsd cannot be fetched: HTTP Error 404"):
            vm.fetch(spec, here)
    assert not list(here.glob("*.part"))


def test_the_guest_can_read_the_answers(tmp_path: Path) -> None:
    (tmp_path / "install.conf").write_text("a = b\n")
    with vm.served(tmp_path) as port, urllib.request.urlopen(f"http://127.0.0.1:{port}/install.conf") as answer:
        assert answer.read() == b"a = b\n"


def test_the_installer_is_answered_on_the_serial_line(tmp_path: Path) -> None:
    path, log = tmp_path / "serial", tmp_path / "console"
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()
    heard: list[bytes] = []

    def guest() -> None:
        line, _peer = server.accept()
        with line:
            for question in (
                b"probing\r\n>> OpenBSD/amd64 BOOT\r\nbo",
                b"ot> ",
                b"Response file location? [http://x] ",
            ):
                line.sendall(question)
                if question != b"probing\r\n>> OpenBSD/amd64 BOOT\r\nbo":
                    heard.append(line.recv(100))
            line.sendall(b"disk is full\r\n")

    thread = threading.Thread(target=guest, daemon=True)
    thread.start()
    console = vm.Console(path, log, 60)
    console.answer("boot>", "set tty com0\n", 60)
    console.answer("Response file location?", "http://10.0.2.2/install.conf\n", 60)
    with pytest.raises(vm.VmError, match=r"the guest ended before it said 'CONGRATULATIONS!'; last: .*disk is full"):
        console.answer("CONGRATULATIONS!", "", 60)
    console.close()
    thread.join(60)
    assert heard == [b"set tty com0\n", b"http://10.0.2.2/install.conf\n"]
    assert b"disk is full" in log.read_bytes()


def test_a_console_that_stays_silent_ends(tmp_path: Path) -> None:
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "serial"))
    server.listen()
    console = vm.Console(tmp_path / "serial", tmp_path / "console", 60)
    with pytest.raises(vm.VmError, match=r"did not say 'boot>' within 0.3 seconds"):
        console.answer("boot>", "\n", 0.3)
    console.close()


def call(command: str, directory: Path, given: dict[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, PROGRAM, command, str(directory)]
    return subprocess.run(argv, input=json.dumps(given or {}), capture_output=True, text=True, check=False)


def test_down_ends_its_own_machine_only(tmp_path: Path) -> None:
    directory = tmp_path / "vm"
    directory.mkdir()
    other = subprocess.Popen(["sleep", "3600"])
    try:
        (directory / "pid").write_text(f"{other.pid}\n")
        done = call("down", directory)
        assert (done.returncode, done.stdout) == (0, "removed\n")
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
    assert (call("down", directory).returncode, directory.exists()) == (0, False)


def test_up_says_what_is_missing(tmp_path: Path) -> None:
    empty = tmp_path / "files"
    empty.mkdir()
    done = call("up", tmp_path / "vm", {**PLATFORM, "files": str(empty)})
    assert done.returncode == 1
    assert "there is no public key" in done.stderr
    assert "openbsd-XY-base.pub" in done.stderr
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = call("up", tmp_path / "vm", {**PLATFORM, "ssh_port": port})
        assert f"port {port} of 127.0.0.1 is taken" in done.stderr
