# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host under test of the modules, on each release."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.puffy.mail.tests.harness.containers import POSTFIX, Host


@pytest.fixture(scope="module", params=list(POSTFIX))
def release(request: pytest.FixtureRequest) -> str:
    """The Debian release under test, one after the other."""
    return str(request.param)


@pytest.fixture(scope="module")
def host(release: str) -> Iterator[Host]:
    """A host of ``release`` with the mail packages installed and nothing started; shared by one test file."""
    with Host(f"{release}-mail") as running:
        yield running
