# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host under test of a scenario."""

from __future__ import annotations

import pytest
from testinfra.host import Host

from ansible_collections.puffy.mail.tests.harness.scenarios import Container


@pytest.fixture(scope="module")
def host(_testinfra_host: Host) -> Host:
    """The host under test: directly where it is a container, else as testinfra reaches it through the inventory."""
    variables = _testinfra_host.backend.get_variables()
    if str(variables.get("ansible_connection", "")).endswith("podman"):
        return Host(Container(variables["ansible_host"]))
    return _testinfra_host
