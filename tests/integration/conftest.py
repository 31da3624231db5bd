# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the tests that run the modules against real daemons in containers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from hosts import POSTFIX, Host


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the other releases of tests marked ``one_release`` to the long run, before pytest looks at ``-m``."""
    for item in items:
        if isinstance(item, pytest.Function) and item.get_closest_marker("one_release"):
            params = item.callspec.params if hasattr(item, "callspec") else {}
            if params.get("release", "trixie") != "trixie":
                item.add_marker(pytest.mark.long)


@pytest.fixture(scope="module", params=list(POSTFIX))
def release(request: pytest.FixtureRequest) -> str:
    """The Debian release under test, one after the other."""
    return str(request.param)


@pytest.fixture(scope="module")
def host(release: str) -> Iterator[Host]:
    """A host of ``release`` with the mail packages installed and nothing started; shared by one test file."""
    with Host(f"{release}-mail") as running:
        yield running
