# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scenario's hosts for testinfra, which knows no podman under Ansible: one Ansible run a command takes seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from testinfra.backend import base
from testinfra.host import Host

PODMAN = Path(__file__).parents[2] / "tools" / "podman"


class Container(base.BaseBackend):  # type: ignore[misc, unused-ignore]
    """Runs each command through ``podman exec``."""

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


@pytest.fixture(scope="module")
def host(_testinfra_host: Host) -> Host:
    """The host under test: directly where it is a container, else as testinfra reaches it through the inventory."""
    variables = _testinfra_host.backend.get_variables()
    if str(variables.get("ansible_connection", "")).endswith("podman"):
        return Host(Container(variables["ansible_host"]))
    return _testinfra_host
