# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disposable hosts with the real daemons, for tests and benchmarks.

A host is a container made from one of the project's images (see tools/images.py). The collection and
ansible's module_utils are mounted read-only, so a module runs in it as it would under ansible-playbook,
in a fraction of the time.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ansible
import ansible.release

from ansible_collections.puffy.mail.tools import images

ROOT = images.ROOT
PODMAN = images.PODMAN

#: Postfix version of each release's image; the releases that module tests run on.
POSTFIX = {"bullseye": (3, 5), "trixie": (3, 10), "forky": (3, 11)}

#: Seconds after which a command hangs. No test decides by it: a busy machine must never reach it.
HANGS = 1800.0

#: Runs the module named by the first argument, with the arguments that standard input holds as JSON.
RUNNER = """
import json, runpy, sys
from ansible_collections.puffy.mail.tests.harness import untouched
untouched.watch()
name, request = sys.argv[1], json.load(sys.stdin)
from ansible.module_utils.testing import patch_module_args
with patch_module_args(request):
    runpy.run_module("ansible_collections.puffy.mail.plugins.modules." + name, run_name="__main__", alter_sys=True)
"""
#: The environment in which RUNNER finds the collection and Ansible.
ENVIRONMENT = ("env", "PYTHONPATH=/opt/puffy", "PYTHONDONTWRITEBYTECODE=1")


def podman(
    *arguments: str, check: bool = True, data: str | None = None, timeout: float = HANGS
) -> subprocess.CompletedProcess[str]:
    """Run podman; AssertionError with its output where it fails."""
    done = subprocess.run(
        [PODMAN, *arguments], input=data, capture_output=True, text=True, check=False, timeout=timeout
    )
    if check and done.returncode != 0:
        raise AssertionError(f"podman {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


class Host:
    """One running container. Use it as a context manager, or call ``close``."""

    #: the interpreter that Ansible uses
    python = "/usr/bin/python3"

    def __init__(self, image: str, *run_options: str) -> None:
        self.image = image
        self.name = f"puffy-mail-test-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        images.podman(
            "run", "-d", "--name", self.name, "--hostname", "mail.example.test", "--label", "puffy.mail=test",
            "-v", f"{os.path.dirname(ansible.__file__)}:/opt/puffy/ansible:ro",
            "-v", f"{ROOT}:/opt/puffy/ansible_collections/puffy/mail:ro",
            *run_options, images.build(image),
        )  # fmt: skip

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_dummy: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the container."""
        images.podman("rm", "--force", "--time", "0", self.name, quiet=True)

    @property
    def connection(self) -> dict[str, str]:
        """The inventory variables through which Ansible reaches the host."""
        return {
            "ansible_connection": "containers.podman.podman",
            "ansible_host": self.name,
            "ansible_podman_executable": PODMAN,
            "ansible_python_interpreter": self.python,
        }

    def port(self, inside: int) -> int:
        """The port of 127.0.0.1 on which the host's port ``inside`` is published."""
        return int(podman("port", self.name, f"{inside}/tcp").stdout.split()[0].rpartition(":")[2])

    def run(
        self, command: str | Sequence[str], *, check: bool = True, data: str | None = None, timeout: float = HANGS
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell command line, or an argv list, as root in the host."""
        argv = ["sh", "-c", command] if isinstance(command, str) else list(command)
        return podman("exec", "-i", self.name, *argv, check=check, data=data, timeout=timeout)

    def wait(self, condition: str) -> None:
        """Wait until a shell command succeeds in the host."""
        self.run(f"until {{ {condition}; }}; do sleep 0.1; done")

    def read(self, path: str) -> str:
        """The text of a file in the host."""
        return self.run(["cat", path]).stdout

    def write(self, path: str, text: str) -> None:
        """Write a file in the host (mode by umask, in place)."""
        self.run(f"cat > '{path}'", data=text)

    def module(
        self, name: str, arguments: Mapping[str, Any], *, check: bool = False, diff: bool = True, timeout: float = HANGS
    ) -> dict[str, Any]:
        """Run the module ``name`` of this collection and return what it returned (``failed`` included)."""
        request = {**arguments, "_ansible_check_mode": check, "_ansible_diff": diff}
        done = self.run(
            [*ENVIRONMENT, "python3", "-c", RUNNER, name], data=json.dumps(request), check=False, timeout=timeout
        )
        try:
            result = json.loads(done.stdout)
        except json.JSONDecodeError:
            raise AssertionError(
                f"{name} did not return JSON (exit {done.returncode})\n{done.stdout}\n{done.stderr}"
            ) from None
        assert isinstance(result, dict)
        return result

    def four_runs(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Check, run, check, run: the first two must report the same change, the last two none.

        Returns what the first real run returned.
        """
        predicted = self.module(name, arguments, check=True)
        assert not predicted.get("failed"), predicted
        first = self.module(name, arguments)
        assert not first.get("failed"), first
        assert predicted["changed"] == first["changed"], (predicted, first)
        assert predicted.get("diff") == first.get("diff")
        again = self.module(name, arguments, check=True)
        assert not again.get("failed"), again
        assert not again["changed"], again
        second = self.module(name, arguments)
        assert not second.get("failed"), second
        assert not second["changed"], second
        return first


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for an event; AssertionError with ``what`` did not happen where it never comes."""
    deadline = time.monotonic() + HANGS
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {HANGS:g} seconds"
        time.sleep(0.1)


def machine(host: Host | None = None) -> str:
    """Where the figures of a benchmark come from: processor, kernel, load, and the versions on both sides."""
    with open("/proc/cpuinfo") as stream:
        models = [line.partition(":")[2].strip() for line in stream if line.startswith("model name")]
    here = (
        f"{models[0] if models else platform.machine()}, {len(os.sched_getaffinity(0))} cores,"
        f" Linux {platform.release()}, load {os.getloadavg()[0]:.1f} at the start"
    )
    if host is None:
        return here
    python = host.run("python3 -V").stdout.strip()
    postfix = host.run("postconf -dh mail_version 2>/dev/null", check=False).stdout.strip()
    return (
        f"{here}\nhost: {host.image}, {f'Postfix {postfix}, ' if postfix else ''}{python};"
        f" controller: ansible-core {ansible.release.__version__}, Python {platform.python_version()},"
        f" {podman('--version').stdout.strip()}"
    )
