# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host under test of a scenario."""

from __future__ import annotations

import os

import pytest
from testinfra.host import Host

from ansible_collections.puffy.mail.tests.harness.scenarios import Container


@pytest.fixture(scope="module")
def host(_testinfra_host: Host) -> Host:
    """The container of the host; testinfra knows no podman under Ansible."""
    variables = _testinfra_host.backend.get_variables()
    return Host(Container(f"puffy-mail-test-{os.environ['MOLECULE_SCENARIO_NAME']}-{variables['inventory_hostname']}"))
