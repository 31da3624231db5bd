# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible-playbook and read its recap."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.puffy.mail.tests.harness.containers import ROOT, Host

#: Seconds after which a run hangs. No test decides by it: a busy machine must never reach it.
HANGS = 3600.0
#: inventory variables of a host that exists by name only: its tasks run on the control side
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}

#: the host's name in the inventory of a Play
NAME = "mail.example.test"

#: what later releases of ansible-core do by themselves: facts are no variables, and a deprecation is said
STRICT = {"ANSIBLE_INJECT_FACT_VARS": "false", "ANSIBLE_DEPRECATION_WARNINGS": "true"}

Plays = str | Path | Sequence[Mapping[str, Any]]
Inventory = Path | Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """How one run of ansible-playbook ended."""

    rc: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        return self.stdout + self.stderr

    @property
    def changed(self) -> list[str]:
        """The names of the tasks that reported a change, in order; a loop counts once for each item."""
        found, task = [], ""
        for line in self.stdout.splitlines():
            if named := re.fullmatch(r"(?:TASK|RUNNING HANDLER) \[(.*)\] \*+", line):
                task = named[1]
            elif line.startswith("changed: "):
                found.append(task)
        return found

    @property
    def hosts(self) -> dict[str, dict[str, int]]:
        """The recap: host -> ok, changed, unreachable, failed, skipped, rescued, ignored."""
        recap = self.stdout.rpartition("PLAY RECAP")[2]
        return {
            name: {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", counts)}
            for name, counts in re.findall(r"^(\S+)\s+: (ok=.*)$", recap, re.M)
        }

    @property
    def counts(self) -> dict[str, int]:
        """The recap of all hosts together."""
        total: dict[str, int] = {}
        for counts in self.hosts.values():
            for key, value in counts.items():
                total[key] = total.get(key, 0) + value
        return total


@functools.cache
def tree(root: Path = ROOT) -> str:
    """The collections path that holds the checkout ``root``."""
    return subprocess.run([root / "tools" / "tree"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def mail_hosts(hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """An inventory with these hosts, and their variables, in the group mail_hosts."""
    return {"mail_hosts": {"hosts": hosts}}


def playbook(
    plays: Plays,
    inventory: Inventory,
    *options: str,
    variables: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Run:
    """Run plays: the name or path of a playbook, its text, or its data.

    The inventory is a path or data. ``variables`` are extra variables. ``directory`` is the working directory.
    """
    with tempfile.TemporaryDirectory(prefix="puffy-mail-test-") as name:
        here = Path(name)
        command = [os.path.join(os.path.dirname(sys.executable), "ansible-playbook")]
        command += ["-i", str(_file(here / "inventory.json", inventory)), *options]
        if variables is not None:
            command += ["-e", f"@{_file(here / 'variables.json', variables)}"]
        inline = not isinstance(plays, Path) and (not isinstance(plays, str) or "\n" in plays)
        command.append(str(_file(here / "play.yml", plays)) if inline else str(plays))
        done = subprocess.run(
            command,
            cwd=directory,
            env={
                **os.environ,
                "ANSIBLE_COLLECTIONS_PATH": tree(),
                **STRICT,
                "ANSIBLE_FORCE_COLOR": "0",
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_PIPELINING": "1",
                "ANSIBLE_HOME": name,
                **(environment or {}),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=HANGS,
        )
    ours = [told for told in done.stderr.split("[DEPRECATION WARNING]")[1:] if "puffy" in told.partition("\n[")[0]]
    assert not ours, ours
    return Run(done.returncode, done.stdout, done.stderr)


def _file(path: Path, content: Path | str | Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Path:
    """A file with ``content``: the one that is given, or ``path`` with the text or data."""
    if isinstance(content, Path):
        return content
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


class Play:
    """The role tls_pki, run against one host; others of the inventory are there to be delegated to."""

    def __init__(self, host: Host, directory: Path, others: Mapping[str, Host] | None = None) -> None:
        self.host = host
        self.directory = directory
        self.others = others or {}

    def __call__(self, *options: str, **variables: Any) -> tuple[int, int, str]:
        """Exit status, number of changed tasks, and output."""
        hosts: dict[str, Any] = {name: host.connection for name, host in self.others.items()}
        hosts[NAME] = {**self.host.connection, **variables}
        # The inventory's directory is where the role keeps its authority.
        inventory = self.directory / "hosts.json"
        inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
        plays = [{"hosts": NAME, "gather_facts": True, "roles": ["puffy.mail.tls_pki"]}]
        run = playbook(plays, inventory, *options, directory=self.directory)
        return run.rc, run.hosts.get(NAME, {}).get("changed", -1), run.output
