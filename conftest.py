# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the checkout importable as ``ansible_collections.puffy.mail``, wherever it lies, for all tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest

_ROOT = Path(__file__).resolve().parent
_TREE = subprocess.run([_ROOT / "tools" / "tree"], capture_output=True, text=True, check=True).stdout.strip()

# Ansible's own loader also provides ansible_collections; a plain namespace package is all the tests need.
# What is shared between test files is imported from ansible_collections.puffy.mail.tests.
sys.path.insert(0, _TREE)

# No test decides by chance or by load: examples follow from the test itself, and a slow one is no failure.
hypothesis.settings.register_profile(
    "the same everywhere",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("the same everywhere")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the other releases of tests marked ``one_release`` to the long run, before pytest looks at ``-m``."""
    for item in items:
        if isinstance(item, pytest.Function) and item.get_closest_marker("one_release"):
            params = item.callspec.params if hasattr(item, "callspec") else {}
            if params.get("release", "trixie") != "trixie":
                item.add_marker(pytest.mark.long)
