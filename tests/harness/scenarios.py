# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of a Molecule scenario, for its tests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from testinfra.backend import base

from ansible_collections.puffy.mail.tests.harness.containers import PODMAN
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
