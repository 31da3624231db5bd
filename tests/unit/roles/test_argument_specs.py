# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every role is a contract: defaults, argument specification and README name the same variables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = sorted(path for path in (Path(__file__).resolve().parents[3] / "roles").iterdir() if (path / "tasks").is_dir())
EACH_ROLE = pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)


def load(path: Path) -> Any:
    return (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}


def specs(role: Path) -> dict[str, Any]:
    found = load(role / "meta" / "argument_specs.yml")["argument_specs"]
    assert isinstance(found, dict)
    return found


@EACH_ROLE
def test_defaults_and_specification_are_the_same(role: Path) -> None:
    defaults = load(role / "defaults" / "main.yml")
    options = specs(role)["main"]["options"]
    optional = {name: spec["default"] for name, spec in options.items() if "default" in spec}
    assert optional == defaults
    # What has no default must be given.
    assert all(spec.get("required") for name, spec in options.items() if name not in defaults)


@EACH_ROLE
def test_every_entry_point_is_specified(role: Path) -> None:
    options = specs(role)["main"]["options"]
    for entry in specs(role).values():
        assert entry["short_description"]
        assert entry["version_added"] == "0.1.0"
        assert set(entry.get("options", {})) <= set(options)
    for name, spec in options.items():
        assert spec["description"], name
        assert spec["type"], name


@EACH_ROLE
def test_names_begin_with_the_role(role: Path) -> None:
    for file in ("defaults", "vars"):
        for name in load(role / file / "main.yml"):
            public = file == "defaults"
            prefix = f"{role.name}_" if public else f"__{role.name}_"
            assert name.startswith(prefix), name


@EACH_ROLE
def test_the_inputs_need_no_facts(role: Path) -> None:
    """Facts may be missing where they are judged: a default that reads one must have a way out."""
    for name, value in load(role / "defaults" / "main.yml").items():
        for use in re.findall(r"ansible_facts\.[^}|]*(\|\s*default)?", str(value)):
            assert use, f"{name} reads a fact without a default"


@EACH_ROLE
def test_no_task_ignores_its_errors(role: Path) -> None:
    for path in sorted(role.glob("**/*.yml")):
        assert "ignore_errors" not in path.read_text(), path


@EACH_ROLE
def test_booleans_are_read_as_booleans(role: Path) -> None:
    """'no' as text is true to Jinja; a module that is handed the value alone takes it as its own type."""
    for name, spec in specs(role)["main"]["options"].items():
        if spec["type"] != "bool":
            continue
        for path in [*role.glob("tasks/*.yml"), *role.glob("vars/*.yml"), *role.glob("templates/*")]:
            for line in path.read_text().splitlines():
                for match in re.finditer(rf"(?<!\w){name}(?!\w)", line):
                    alone = f'"{{{{ {name} }}}}"' in line
                    assert alone or re.match(r"\s*\|\s*bool", line[match.end() :]), f"{path.name}: {line}"


@EACH_ROLE
def test_the_first_task_judges_the_inputs(role: Path) -> None:
    first = load(role / "tasks" / "main.yml")[0]
    assert first["puffy.mail.inputs"] == {"roles": [role.name]}
