# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of a Molecule scenario, for its tests."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

from testinfra.backend import base

from ansible_collections.puffy.mail.plugins.module_utils._probe import mail_log
from ansible_collections.puffy.mail.tests.harness.containers import PODMAN, ROOT, podman
from ansible_collections.puffy.mail.tests.harness.playbooks import Run, playbook


class Container(base.BaseBackend):  # type: ignore[misc, unused-ignore]
    """Runs each command of testinfra through ``podman exec``: one Ansible run for each would take seconds."""

    NAME = "container"

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        self.name = name
        super().__init__(name, *args, **kwargs)

    def run(self, command: str, *args: str, **_options: Any) -> base.CommandResult:
        """Run a shell command in the container."""
        whole = self.get_command(command, *args)
        done = self.run_local(f"{PODMAN} exec %s /bin/sh -c %s", self.name, whole)
        done.command = self.encode(whole)
        return done


def play(name: str | Path, *options: str) -> Run:
    """Run the playbook ``name`` with the scenario's inventory."""
    return playbook(name, Path(os.environ["MOLECULE_INVENTORY_FILE"]).parent, *options)


class Shell:
    """A host of testinfra for what also gives its commands an input."""

    def __init__(self, host: Any) -> None:
        self.name = str(host.backend.name)

    def run(self, command: str, *, data: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a shell command with ``data`` as its standard input."""
        return podman("exec", "-i", self.name, "sh", "-c", command, data=data)


#: prints all that the way back from a mail host on OpenBSD has to bring back
SNAPSHOT = (ROOT / "molecule" / "shared" / "standin" / "snapshot").read_text()
#: says Debian's Postfix 3.11, which plays the package's on the stand-in
DEBIAN_ONLY = re.compile(r"hash/btree support is deprecated|See /usr/share/doc/postfix/NON_BERKELEYDB_README")


def state() -> Path:
    """What the scenario keeps on this side."""
    return Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "state")


def name_of(host: Any) -> str:
    """The host's name in the inventory, which has no hyphen."""
    return str(host.backend.name).rpartition("-")[2]


def log_problems(host: Any) -> list[str]:
    """The lines of the mail log about faults of the host."""
    lines = host.check_output("cat /var/log/maillog /var/log/mail.log 2>/dev/null || :").splitlines()
    assert any("/smtpd[" in line for line in lines)
    return [one.line for one in mail_log.problems(lines) if not DEBIAN_ONLY.search(one.line)]


class WholeHost:
    """Tests that the host of every example must pass. A scenario has a class of its own that inherits them."""

    def test_postfix_has_nothing_to_say_about_its_configuration(self, host: Any) -> None:
        for command in ("postconf -n", "postconf -M", "postfix check"):
            answer = host.run(command)
            said = [line for line in answer.stderr.splitlines() if not DEBIAN_ONLY.search(line)]
            assert (answer.rc, said) == (0, [])

    def test_check_mode_reports_no_change(self, host: Any) -> None:
        recap = play("puffy.mail.site", "--check", "--diff", "--limit", name_of(host))
        assert recap.rc == 0, recap.output
        assert recap.counts["changed"] == 0, recap.output

    def test_the_audit_finds_nothing(self, host: Any) -> None:
        recap = play("puffy.mail.audit", "-e", "audit_fail_on=warning", "--limit", name_of(host))
        assert recap.rc == 0, recap.output


class ProvenHost(WholeHost):
    """The same, and what clients see."""

    def test_the_host_proves_itself(self, host: Any) -> None:
        recap = play("puffy.mail.verify", "--limit", name_of(host))
        assert recap.rc == 0, recap.output
