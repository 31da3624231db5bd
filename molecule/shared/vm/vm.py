# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: T201
"""The virtual machine of the scenario openbsd_vm, under QEMU.

    vm.py up DIRECTORY < SPECIFICATION     install OpenBSD, boot, wait for ssh(1)
    vm.py down DIRECTORY                   end the machine and remove what it kept in DIRECTORY

The specification is a platform of molecule.yml, as JSON. DIRECTORY holds one machine: its disk, its process id, what
it wrote to its console, and the key that root accepts (``id``).
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

CACHE = Path(os.environ.get("PUFFY_CACHE") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "puffy-mail"
#: the host as QEMU's user network shows it to the guest
GATEWAY = "10.0.2.2"
#: name -> type and default of what a specification may hold
FIELDS: dict[str, tuple[type, Any]] = {
    "name": (str, None),
    "hostname": (str, None),
    "ssh_port": (int, None),
    "accelerator": (str, "tcg"),
    "memory": (int, 1024),
    "processors": (int, 2),
    "boot_timeout": (int, 600),
    "version": (str, "7.9"),
    "architecture": (str, "amd64"),
    "files": (str, ""),
    "mirror": (str, "https://cdn.openbsd.org"),
    "key": (str, ""),
    "disk": (str, "8G"),
    "install_timeout": (int, 7200),
}


class VmError(Exception):
    """What went wrong, for the person who started this."""


# ---- pure: what is asked for, and how it is said


def specification(given: Mapping[str, Any]) -> dict[str, Any]:
    """The specification with its defaults; keys of Molecule's own are passed over. Raises VmError."""
    found: dict[str, Any] = {}
    for name, (kind, default) in FIELDS.items():
        value = given.get(name, default)
        if value is None:
            raise VmError(f"the platform needs {name!r}")
        if not isinstance(value, kind) or isinstance(value, bool):
            raise VmError(f"the platform's {name!r} is {value!r}, which is no {kind.__name__}")
        found[name] = value
    if not re.fullmatch(r"[0-9]+\.[0-9]", found["version"]):
        raise VmError(f"the platform's 'version' is {found['version']!r}; use one such as '7.9'")
    if not re.fullmatch(r"[a-z0-9]+([.-][a-z0-9]+)*", found["hostname"]):
        raise VmError(f"the platform's 'hostname' is {found['hostname']!r}, which is no host name")
    if not 1 <= found["ssh_port"] <= 65535:
        raise VmError(f"the platform's 'ssh_port' is {found['ssh_port']}, which is no port")
    return found


def set_names(version: str) -> list[str]:
    """What an installation without X, compiler and games consists of."""
    number = version.replace(".", "")
    return [f"miniroot{number}.img", "bsd", "bsd.mp", "bsd.rd", f"base{number}.tgz"]


def answers(spec: Mapping[str, Any], server: str, public_key: str, password_hash: str) -> str:
    """The response file of autoinstall(8): each line is a part of the installer's question, and the answer."""
    names = [name for name in set_names(spec["version"]) if not name.startswith("miniroot")]
    rows = [
        ("System hostname", spec["hostname"].split(".")[0]),
        ("DNS domain name", spec["hostname"].partition(".")[2] or "my.domain"),
        ("Network interface to configure", "vio0"),
        ("IPv4 address for vio0", "autoconf"),
        ("IPv6 address for vio0", "none"),
        ("Password for root account", password_hash),
        ("Public ssh key for root account", public_key),
        ("Start sshd(8) by default", "yes"),
        ("Allow root ssh login", "prohibit-password"),
        ("Do you expect to run the X Window System", "no"),
        ("Change the default console to com0", "yes"),
        ("Which speed should com0 use", "115200"),
        ("Setup a user", "no"),
        ("What timezone are you in", "UTC"),
        ("Which disk is the root disk", "sd0"),
        ("Encrypt the root disk with a", "no"),
        ("Use (W)hole disk MBR, whole disk (G)PT", "whole"),
        ("Use (A)uto layout", "a"),
        ("Location of sets", "http"),
        ("HTTP proxy URL", "none"),
        ("HTTP Server", server),
        ("Unable to connect using https. Use http instead", "yes"),
        ("Server directory", f"pub/OpenBSD/{spec['version']}/{spec['architecture']}"),
        ("Set name(s)", f"-all {' '.join(names)}"),
        # The installer checks the sets by the key it carries; it was itself checked before it was started.
        ("Continue without verification", "no"),
    ]
    for question, answer in rows:
        if "\n" in answer:
            raise VmError(f"the answer to {question!r} has more than one line")
    return "".join(f"{question} = {answer}\n" for question, answer in rows)


def qemu_command(
    spec: Mapping[str, Any], directory: Path, drives: Sequence[tuple[str, str]], serial: str, *extra: str
) -> list[str]:
    """The command line; ``drives`` are (path, format), tried for booting in this order, after a given kernel."""
    command = [
        f"qemu-system-{'x86_64' if spec['architecture'] == 'amd64' else spec['architecture']}",
        "-name", spec["name"],
        "-machine", f"q35,accel={spec['accelerator']},graphics=off",
        "-cpu", "host" if spec["accelerator"] == "kvm" else "max",
        "-smp", str(spec["processors"]),
        "-m", str(spec["memory"]),
        "-display", "none",
        "-monitor", "none",
        "-serial", serial,
        "-pidfile", str(directory / "pid"),
        "-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{spec['ssh_port']}-:22",
        "-device", "virtio-net-pci,netdev=net",
    ]  # fmt: skip
    for number, (path, kind) in enumerate(drives):
        command += ["-drive", f"file={path},format={kind},if=none,id=disk{number}"]
        # OpenBSD calls virtio disks sd0, sd1 in the order of the bus; the installed one comes first there.
        command += ["-device", f"virtio-blk-pci,drive=disk{number},bootindex={number + 1}"]
    return [*command, *extra]


# ---- the edges


def run(*argv: str, data: str | None = None, cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(argv, input=data, capture_output=True, text=True, check=False, cwd=cwd)
    except FileNotFoundError:
        raise VmError(f"the program {argv[0]!r} is not installed") from None
    if done.returncode != 0:
        raise VmError(f"{' '.join(argv[:4])} failed: {(done.stderr or done.stdout).strip()[-1500:]}")
    return done.stdout


def verify(directory: Path, key: Path, names: Sequence[str]) -> None:
    """Check the files by SHA256.sig and the release's public key: signify(1). Raises VmError."""
    if not key.is_file():
        raise VmError(
            f"there is no public key {str(key)!r}; name the file openbsd-XY-base.pub of the release, from a host or a"
            " medium that you trust"
        )
    program = shutil.which("signify-openbsd") or shutil.which("signify")
    if program is None:
        raise VmError("the program 'signify-openbsd' is not installed")
    for name in (*names, "SHA256.sig"):
        if not (directory / name).is_file():
            raise VmError(f"{directory} has no file {name!r}")
    run(program, "-C", "-q", "-p", str(key.resolve()), "-x", "SHA256.sig", *names, cwd=directory)


def fetch(spec: Mapping[str, Any], directory: Path) -> None:
    """Get what is missing of the installation's files from the mirror. They are checked afterwards."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("SHA256.sig", *set_names(spec["version"])):
        if (directory / name).exists():
            continue
        url = f"{spec['mirror']}/pub/OpenBSD/{spec['version']}/{spec['architecture']}/{name}"
        print(f"Fetching {url}", file=sys.stderr, flush=True)
        try:
            with urllib.request.urlopen(url, timeout=60) as source, (directory / f"{name}.part").open("wb") as target:  # noqa: S310
                shutil.copyfileobj(source, target)
        except OSError as error:
            raise VmError(f"{url} cannot be fetched: {error}; give the files' directory as 'files' instead") from error
        (directory / f"{name}.part").rename(directory / name)


@contextlib.contextmanager
def served(directory: Path) -> Any:
    """Serve a directory over HTTP to the guest; yields the port on 127.0.0.1."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_dummy: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(directory)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


class Console:
    """The guest's serial line, in a UNIX-domain socket; all of it also goes to a file."""

    def __init__(self, path: Path, log: Path, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        self.socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self.socket.connect(str(path))
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise VmError(f"QEMU made no console within {timeout:g} seconds") from None
                time.sleep(0.1)
        self.log = log.open("ab")
        self.seen = b""

    def answer(self, question: str, reply: str, timeout: float) -> None:
        """Wait for ``question`` and type ``reply``. Raises VmError with what was said instead."""
        deadline = time.monotonic() + timeout
        while question.encode() not in self.seen:
            left = deadline - time.monotonic()
            if left <= 0:
                raise VmError(f"the guest did not say {question!r} within {timeout:g} seconds; last: {self.last()}")
            self.socket.settimeout(left)
            try:
                said = self.socket.recv(4096)
            except TimeoutError:
                continue
            if not said:
                raise VmError(f"the guest ended before it said {question!r}; last: {self.last()}")
            self.log.write(said)
            self.log.flush()
            self.seen += said
        self.seen = self.seen.partition(question.encode())[2]
        self.socket.sendall(reply.encode())

    def last(self) -> str:
        return repr(self.seen[-300:].decode("utf-8", "replace"))

    def close(self) -> None:
        self.socket.close()
        self.log.close()


def make_key(path: Path) -> str:
    """A key pair of ssh(1), once; returns the public one."""
    if not path.exists():
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "puffy-mail-test", "-f", str(path))
    return path.with_name(f"{path.name}.pub").read_text().strip()


def ssh(spec: Mapping[str, Any], directory: Path, command: str) -> subprocess.CompletedProcess[str]:
    options = ["UserKnownHostsFile=/dev/null", "StrictHostKeyChecking=no", "BatchMode=yes", "ConnectTimeout=20"]
    argv = ["ssh", "-q", "-i", str(directory / "id"), "-p", str(spec["ssh_port"])]
    for option in options:
        argv += ["-o", option]
    try:
        return subprocess.run(
            [*argv, "root@127.0.0.1", command], capture_output=True, text=True, check=False, timeout=900
        )
    except subprocess.TimeoutExpired:
        raise VmError(f"the guest did not end {command!r} within 900 seconds") from None


def pid_of(directory: Path) -> int | None:
    """The process of this directory's machine, and of no other, while it runs."""
    try:
        pid = int((directory / "pid").read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if str(directory / "pid").encode() in command else None


def boot(spec: Mapping[str, Any], directory: Path, drives: Sequence[tuple[str, str]]) -> None:
    """Start the machine in the background and wait until root can log in."""
    command = qemu_command(spec, directory, drives, f"file:{directory / 'console'}", "-daemonize")
    run(*command)
    deadline = time.monotonic() + spec["boot_timeout"]
    while ssh(spec, directory, "true").returncode != 0:
        if pid_of(directory) is None or time.monotonic() > deadline:
            said = (directory / "console").read_text(errors="replace")[-600:]
            raise VmError(f"nobody can log in after {spec['boot_timeout']} seconds; the console's end: {said!r}")
        time.sleep(2)


# ---- miniroot, the sets, autoinstall(8) over the serial line


def install(spec: Mapping[str, Any], directory: Path) -> None:
    names = set_names(spec["version"])
    files = Path(spec["files"]).expanduser() if spec["files"] else CACHE / "vm" / f"openbsd-{spec['version']}"
    if not spec["files"]:
        fetch(spec, files)
    key = Path(spec["key"] or files / f"openbsd-{spec['version'].replace('.', '')}-base.pub").expanduser()
    verify(files, key, names)
    public_key = make_key(directory / "id")
    disk = directory / "disk.qcow2"
    run("qemu-img", "create", "-q", "-f", "qcow2", str(disk), spec["disk"])
    with tempfile.TemporaryDirectory(dir=directory) as name:
        served_directory = Path(name)
        sets = served_directory / "pub" / "OpenBSD" / spec["version"] / spec["architecture"]
        sets.parent.mkdir(parents=True)
        sets.symlink_to(files.resolve())
        with served(served_directory) as port:
            server = f"{GATEWAY}:{port}"
            # "*************": nobody logs in by a password (autoinstall(8)).
            (served_directory / "install.conf").write_text(answers(spec, server, public_key, "*************"))
            run_installer(spec, directory, disk, files / names[0], f"http://{server}/install.conf")
    boot(spec, directory, [(str(disk), "qcow2")])
    done = ssh(spec, directory, f"echo {spec['mirror']}/pub/OpenBSD >/etc/installurl && pkg_add -I python3")
    if done.returncode != 0:
        raise VmError(f"pkg_add -I python3 failed: {(done.stderr or done.stdout).strip()[-600:]}")


def run_installer(spec: Mapping[str, Any], directory: Path, disk: Path, miniroot: Path, url: str) -> None:
    """Boot miniroot, and answer what the boot loader and the installer ask on the serial line."""
    medium = directory / "miniroot.qcow2"
    run("qemu-img", "create", "-q", "-f", "qcow2", "-b", str(miniroot.resolve()), "-F", "raw", str(medium))
    line = directory / "serial"
    # The disk to install to is sd0; the one to boot from now is the second.
    command = qemu_command(
        spec, directory, [(str(disk), "qcow2"), (str(medium), "qcow2")], f"unix:{line},server=on,wait=off", "-no-reboot"
    )
    with (directory / "qemu.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        console = Console(line, directory / "console", 30)
        try:
            console.answer("boot>", "set tty com0\n", 300)
            console.answer("boot>", "boot\n", 60)
            console.answer("(A)utoinstall or (S)hell?", "a\n", spec["boot_timeout"])
            console.answer("Response file location?", f"{url}\n", 120)
            console.answer("CONGRATULATIONS!", "", spec["install_timeout"])
        finally:
            console.close()
        process.wait(timeout=300)
    except subprocess.TimeoutExpired:
        raise VmError("the guest did not reboot within 300 seconds after it was installed") from None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for path in (medium, line, directory / "pid"):
            path.unlink(missing_ok=True)


def up(spec: Mapping[str, Any], directory: Path) -> None:
    if pid_of(directory) is not None:
        raise VmError(f"the machine of {directory} runs already")
    directory.mkdir(parents=True, exist_ok=True)
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", spec["ssh_port"])) == 0:
            raise VmError(f"port {spec['ssh_port']} of 127.0.0.1 is taken; give the platform another 'ssh_port'")
    install(spec, directory)


def down(directory: Path) -> bool:
    """End the machine, at once; True where there was something to remove."""
    if not directory.is_dir():
        return False
    pid = pid_of(directory)
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
        while pid_of(directory) is not None:
            time.sleep(0.1)
    shutil.rmtree(directory)
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("command", choices=("up", "down"))
    parser.add_argument("directory", type=lambda text: Path(text).resolve())
    options = parser.parse_args()
    try:
        if options.command == "up":
            up(specification(json.load(sys.stdin)), options.directory)
        elif down(options.directory):
            print("removed")
    except VmError as error:
        print(f"{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
