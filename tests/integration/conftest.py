# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host under test of the modules, on each release."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.puffy.mail.tests.harness.containers import POSTFIX, Host

#: The files that take minutes, the longest first. A worker has a whole file: a long one that comes last leaves the
#: other worker idle.
LONGEST = (
    "test_capabilities", "test_paths", "test_postfix_checks", "test_demo", "test_site_runs", "test_dovecot_role",
    "test_host_lock", "test_mail_authentication_role", "test_smtp_probe", "test_verify_faults", "test_inputs",
    "test_cyrus_sasl_role", "test_awx_playbook", "test_refused_mail", "test_openbsd_standin", "test_check_mode",
    "test_sqlite_accounts",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files; xdist keeps the order with --no-loadscope-reorder."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(LONGEST)))


@pytest.fixture(scope="module", params=list(POSTFIX))
def release(request: pytest.FixtureRequest) -> str:
    """The Debian release under test, one after the other."""
    return str(request.param)


@pytest.fixture(scope="module")
def host(release: str) -> Iterator[Host]:
    """A host of ``release`` with the mail packages installed and nothing started; shared by one test file."""
    with Host(f"{release}-mail") as running:
        yield running
