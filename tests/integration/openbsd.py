# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenBSD stand-in as a disposable host, with ansible-playbook against it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hosts import PODMAN, ROOT, Host, _ansible_package

#: the package branches of Postfix; each has an image of its own
BRANCHES = ("stable", "stable35")
#: fixture parameters: the first in every test run, both in the long one
EACH_BRANCH = (BRANCHES[0], pytest.param(BRANCHES[1], marks=pytest.mark.long))


class Standin(Host):
    """A container of the stand-in (molecule/shared/openbsd), booted: syslogd and smtpd of base run."""

    def __init__(self, branch: str, *run_options: str) -> None:
        build = ROOT / "molecule" / "shared" / "openbsd" / "build.py"
        done = subprocess.run([sys.executable, str(build), branch], stdout=subprocess.PIPE, text=True, check=True)
        self.branch = branch
        self.image = done.stdout.strip()
        self.name = f"puffy-mail-test-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._podman(
            "run", "-d", "--name", self.name, "--hostname", "mail.example.test", "--label", "puffy.mail=test",
            "-v", f"{_ansible_package()}:/opt/puffy/ansible:ro",
            "-v", f"{ROOT}:/opt/puffy/ansible_collections/puffy/mail:ro",
            *run_options, self.image,
        )  # fmt: skip
        try:
            self.run("for i in $(seq 100); do rcctl check smtpd >/dev/null && exit 0; sleep 0.1; done; exit 1")
        except BaseException:
            self.close()  # nobody else knows of it yet
            raise

    def __enter__(self) -> Standin:
        return self

    def install_postfix(self, flavors: str = "") -> None:
        """Add the Postfix package of this stand-in's branch, by hand."""
        done = self.run(["pkg_add", "-I", f"postfix--{flavors}%{self.branch}"])
        assert not done.stderr, done.stderr

    def playbook(
        self, plays: Sequence[Mapping[str, Any]], *options: str, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run plays on this host with ansible-playbook through podman's connection plugin."""
        done = _playbook(
            plays,
            f"{self.name} ansible_connection=containers.podman.podman ansible_podman_executable={PODMAN}"
            " ansible_python_interpreter=/usr/local/bin/python3\n",
            *options,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    @staticmethod
    def local(
        plays: Sequence[Mapping[str, Any]], hosts: Mapping[str, Mapping[str, Any]]
    ) -> subprocess.CompletedProcess[str]:
        """Run plays on the control side only, for hosts that exist by name, each with its variables."""
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        inventory = {name: {**variables, **here} for name, variables in hosts.items()}
        return _playbook(plays, json.dumps({"all": {"hosts": inventory}}))


def _playbook(
    plays: Sequence[Mapping[str, Any]], inventory_text: str, *options: str
) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory(prefix="puffy-mail-test-") as directory:
        playbook = Path(directory, "play.yml")
        playbook.write_text(json.dumps(list(plays)))
        inventory = Path(directory, "inventory")
        inventory.write_text(inventory_text)
        tree = subprocess.run([ROOT / "tools" / "tree"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        return subprocess.run(
            [Path(sys.executable).parent / "ansible-playbook", "-i", str(inventory), *options, str(playbook)],
            env={
                **os.environ,
                "ANSIBLE_COLLECTIONS_PATH": tree,
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_PIPELINING": "1",
                "ANSIBLE_HOME": directory,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
