# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inputs of a role, judged as the action does it, with the role's own specification and defaults."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

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


@functools.cache
def defaults(role: str) -> dict[str, Any]:
    """The defaults that can be resolved without a host: no variable of the inventory is set, and there are no facts."""
    loader = DataLoader()
    trust = (
        {"trusted_as_template": True} if "trusted_as_template" in signature(loader.load_from_file).parameters else {}
    )
    loaded, private = (
        dict(loader.load_from_file(str(ROLES / role / part / "main.yml"), **trust)) for part in ("defaults", "vars")
    )
    place = {"inventory_hostname": "mail.example.org", "inventory_dir": "/inventory"}
    templar = Templar(loader, variables={**loaded, **private, **place})
    found = {}
    for name, value in loaded.items():
        if "lookup('puffy.mail.secret'" in str(value):
            # Nothing is in the environment.
            found[name] = {"list": [], "dict": {}}.get(specification(role)[name]["type"], "")
            continue
        # A filter of the collection is not known here, and facts are missing.
        with contextlib.suppress(AnsibleError):
            found[name] = templar.template(value)
    return found


@pytest.fixture
def judged() -> Callable[[str, Mapping[str, Any]], tuple[dict[str, Any], list[str]]]:
    """Judges inputs of a role; returns the values with their types, and the sentences."""

    def run(role: str, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        good, found = judge.judge(specification(role), tables.ROLES[role], values, defaults(role), INVENTORY)
        return good, [say(name, problem) for name, problem in found]

    return run
