# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn a bare container into a mail host with the shipped playbooks, prove it, and say how to use it.

    tools/demo.py up      build the image, start the container, run puffy.mail.site and puffy.mail.verify
    tools/demo.py clean   remove the container, its image and .demo

DEMO_PORT_BASE moves the published ports (2000: 2025, 2465, 2587, 2993). DEMO_NAME and DEMO_DIRECTORY name
another container and another place for what this run keeps, so that two demos can stand side by side.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import images

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
HOSTNAME = "mail.example.test"
ACCOUNTS = ("alice@example.test", "bob@example.test")
SERVICES = {"smtp": 25, "submission": 587, "submissions": 465, "imaps": 993}
LABEL = "puffy.mail.demo"
#: seconds within which a container on this machine takes or refuses a connection
ANSWER = 5


class DemoError(Exception):
    """Something the person who started the demo has to mend; the message says what."""


def say(text: str) -> None:
    print(f"==> {text}", flush=True)


class Demo:
    """One demo: a container, its published ports and the directory with what it keeps."""

    def __init__(self) -> None:
        self.name = os.environ.get("DEMO_NAME") or "puffy-mail-demo"
        self.directory = Path(os.environ.get("DEMO_DIRECTORY") or ROOT / ".demo").absolute()
        base = os.environ.get("DEMO_PORT_BASE") or "2000"
        if not base.isdigit() or not int(base) + 25 >= 1024 or int(base) + 993 > 65535:
            raise DemoError(f"DEMO_PORT_BASE={base} leaves no usable ports: choose a number from 1000 to 64542.")
        self.ports = {service: int(base) + port for service, port in SERVICES.items()}
        #: the id of the container that the site playbook has converged once; anything else is thrown away
        self.stamp = self.directory / "container"

    # -- the container --------------------------------------------------------------------------------

    def inspect(self) -> dict[str, Any] | None:
        """What the engine knows of the container, or None where there is none."""
        text = images.podman("container", "inspect", self.name, quiet=True)
        found: list[dict[str, Any]] = json.loads(text) if text else []
        return found[0] if found else None

    def wanted_label(self, tag: str) -> str:
        return f"{tag} {' '.join(str(port) for port in self.ports.values())}"

    def reusable(self, container: dict[str, Any], tag: str) -> bool:
        """Whether the container is of this image and these ports, and an earlier run finished it."""
        same = container["Config"]["Labels"].get(LABEL) == self.wanted_label(tag)
        return same and self.stamp.is_file() and self.stamp.read_text().strip() == container["Id"]

    def remove(self) -> None:
        images.podman("rm", "--force", "--time", "0", "--volumes", self.name, quiet=True)

    def check_ports(self) -> None:
        for service, port in self.ports.items():
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((HOST, port))
                except OSError as exc:
                    raise DemoError(
                        f"The port {port} on {HOST}, wanted for {service}, cannot be used: {exc.strerror}."
                        " End what listens there (ss -ltnp shows it), or move all four ports,"
                        " for example: make demo DEMO_PORT_BASE=12000"
                    ) from exc

    def start(self, tag: str) -> None:
        container = self.inspect()
        if container is not None and not self.reusable(container, tag):
            say(f"Removing the container {self.name}: it is unfinished, or of another image or other ports")
            self.remove()
            container = None
        if container is None:
            self.check_ports()
            self.stamp.unlink(missing_ok=True)
            say(f"Starting the bare host as the container {self.name}")
            self.run(tag)
            if self.unreached() is not None:
                say("Starting it once more: a published port does not lead to the container")
                self.remove()
                self.run(tag)
        elif container["State"]["Status"] != "running":
            say(f"Starting the container {self.name} again")
            self.check_ports()
            images.podman("start", self.name)
        else:
            say(f"Using the running container {self.name}")
        port = self.unreached()
        if port is not None:
            raise DemoError(
                f"The port {port} on {HOST} is published, but nothing answers: packets do not reach the container."
                " A rule of the firewall may send them elsewhere (iptables -t nat -S and nft list ruleset show it)."
                " Remove that rule, or move all four ports, for example: make demo DEMO_PORT_BASE=12000"
            )

    def run(self, tag: str) -> None:
        publish = [
            option
            for service, port in SERVICES.items()
            for option in ("--publish", f"{HOST}:{self.ports[service]}:{port}")
        ]
        images.podman(
            "run", "-d", "--name", self.name, "--hostname", HOSTNAME,
            "--label", f"{LABEL}={self.wanted_label(tag)}", *publish, tag,
        )  # fmt: skip

    def unreached(self) -> int | None:
        """The first published port that does not lead to the container, or None.

        A container answers at once, with a refusal where nothing listens yet. Silence means that packets do not
        arrive there; each check of the host would then wait for its time limit.
        """
        for port in self.ports.values():
            try:
                socket.create_connection((HOST, port), timeout=ANSWER).close()
            except ConnectionError:
                continue
            except OSError:
                return port
        return None

    # -- the playbooks --------------------------------------------------------------------------------

    def playbook(self, name: str) -> None:
        """Run one playbook of the collection as a user would, its output passed on."""
        tree = subprocess.run([ROOT / "tools" / "tree"], capture_output=True, text=True, check=True).stdout.strip()
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": tree,
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_NOCOWS": "true",
            "DEMO_NAME": self.name,
            "DEMO_DIRECTORY": str(self.directory),
        }
        command = [Path(sys.executable).parent / "ansible-playbook", "-i", ROOT / "examples" / "demo", name]
        child = subprocess.Popen(command, env=environment, cwd=self.directory)
        try:
            status = child.wait()
        except BaseException:
            # Ctrl-C has reached the child too; anything else ends it with us.
            child.terminate()
            child.wait()
            raise
        if status != 0:
            raise DemoError(
                f"{name} failed (exit status {status}); the lines above say why. 'make demo' takes it up again."
            )

    # -- what a person needs next ---------------------------------------------------------------------

    def access(self) -> dict[str, Any]:
        passwords = {
            address: (self.directory / f"{address.partition('@')[0]}.password").read_text() for address in ACCOUNTS
        }
        return {
            "host": HOST,
            "hostname": HOSTNAME,
            "ports": self.ports,
            "ca_file": str(self.directory / "pki" / "ca.pem"),
            "accounts": [
                {"address": address, "password": text.split(" salt=")[0].strip()} for address, text in passwords.items()
            ],
        }

    def write_access(self) -> dict[str, Any]:
        access = self.access()
        path = self.directory / "access.json"
        new = path.with_suffix(".new")
        with contextlib.suppress(FileNotFoundError):
            new.unlink()
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            json.dump(access, stream, indent=2)
            stream.write("\n")
        new.replace(path)
        return access

    def print_access(self, access: dict[str, Any]) -> None:
        ca_file, ports = access["ca_file"], access["ports"]
        alice, bob = access["accounts"]
        swaks = f"swaks --server {HOST} --tls-verify --tls-ca-path {ca_file} --to {bob['address']}"
        login = f"--from {alice['address']} --auth PLAIN --auth-user {alice['address']}"
        login += f" --auth-password {alice['password']}"
        client = f"openssl s_client -CAfile {ca_file} -verify_return_error -verify_hostname {HOSTNAME} -crlf -quiet"
        print()
        say(f"{HOSTNAME} is up in the container {self.name}")
        print(f"Addresses   {HOST}, ports " + ", ".join(f"{port} ({service})" for service, port in ports.items()))
        for account in access["accounts"]:
            print(f"Account     {account['address']}   password {account['password']}")
        print(f"CA to trust {ca_file}")
        print(f"All of it   {self.directory / 'access.json'}")
        print("To paste:")
        print(f"  {ports['smtp']}  {swaks} --port {ports['smtp']} --tls --from someone@elsewhere.example")
        print(f"  {ports['submission']}  {swaks} --port {ports['submission']} --tls {login}")
        print(f"  {ports['submissions']}  {swaks} --port {ports['submissions']} --tlsc {login}")
        print(f"  {ports['imaps']}  {client} -connect {HOST}:{ports['imaps']}")
        print(f"        then type: a login {bob['address']} {bob['password']}")
        print("'make demo' again converges the same host; 'make demo-clean' removes all of it.")

    # -- the commands ---------------------------------------------------------------------------------

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """One demo run at a time in one directory."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.directory / "lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DemoError(f"Another demo run uses {self.directory}; wait for it to end.") from None
            yield

    def up(self) -> None:
        started = time.monotonic()
        with self.alone():
            container = self.inspect()
            if container is None:
                # Before the image is built: a taken port should not cost a minute first.
                self.check_ports()
            tag = images.build("trixie")
            self.start(tag)
            say("Running puffy.mail.site: the host becomes a mail host (about a minute the first time)")
            self.playbook("puffy.mail.site")
            container = self.inspect()
            if container is None:
                raise DemoError(f"The container {self.name} was removed while the playbook ran; run 'make demo' again.")
            self.stamp.write_text(container["Id"] + "\n")
            say("Running puffy.mail.verify: the host is proved as a client sees it")
            self.playbook("puffy.mail.verify")
            self.print_access(self.write_access())
        print(f"({time.monotonic() - started:.0f} s)")

    def clean(self) -> None:
        gone = [f"the container {self.name}"] if self.inspect() is not None else []
        self.remove()
        # Not by force: that would take other containers of the image along.
        if images.podman("image", "rm", images.tag_of("trixie"), quiet=True):
            gone.append("its image")
        if self.directory.exists():
            gone.append(str(self.directory))
            shutil.rmtree(self.directory)
        say(f"Removed {', '.join(gone)}" if gone else "There was nothing to remove")


def interrupted(signal_number: int, _frame: object) -> None:
    raise KeyboardInterrupt(signal.Signals(signal_number).name)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("command", choices=("up", "clean"))
    command = parser.parse_args().command
    signal.signal(signal.SIGTERM, interrupted)
    try:
        demo = Demo()
        demo.up() if command == "up" else demo.clean()
    except (DemoError, images.BuildError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "\nInterrupted. Nothing needs to be cleaned up: 'make demo' starts again from what is finished.",
            file=sys.stderr,
        )
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
