# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inputs of a role, judged as the action does it, with the role's own specification and defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.puffy.mail.plugins.module_utils._inputs import judge, tables
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import say

ROLES = Path(__file__).resolve().parents[5] / "roles"
INVENTORY = {
    judge.INVENTORY_HOSTS: ["mail.example.org", "ca.example.org"],
    judge.PLAY_HOSTS: ["mail.example.org"],
}


def specification(role: str) -> dict[str, Any]:
    loaded = yaml.safe_load((ROLES / role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    return dict(loaded["main"]["options"])


def defaults(role: str) -> dict[str, Any]:
    """The defaults that are no templates."""
    loaded = yaml.safe_load((ROLES / role / "defaults" / "main.yml").read_text())
    return {name: value for name, value in loaded.items() if "{{" not in str(value)}


@pytest.fixture
def judged() -> Callable[[str, Mapping[str, Any]], tuple[dict[str, Any], list[str]]]:
    """Judges inputs of a role; returns the values with their types, and the sentences."""

    def run(role: str, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        good, found = judge.judge(specification(role), tables.ROLES[role], values, defaults(role), INVENTORY)
        return good, [say(name, problem) for name, problem in found]

    return run
