# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every role is a contract: defaults, argument specification and README name the same variables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import ChainableUndefined
from jinja2.nativetypes import NativeEnvironment

from ansible_collections.puffy.mail.plugins.filter import tls_key_files

ROLES = sorted(path for path in (Path(__file__).resolve().parents[3] / "roles").iterdir() if (path / "tasks").is_dir())
EACH_ROLE = pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)


def load(path: Path) -> Any:
    return (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}


def specs(role: Path) -> dict[str, Any]:
    found = load(role / "meta" / "argument_specs.yml")["argument_specs"]
    assert isinstance(found, dict)
    return found


def _value(expression: Any, variables: dict[str, Any]) -> Any:
    """What an expression of a role's defaults gives with these variables."""
    environment = NativeEnvironment(undefined=ChainableUndefined, autoescape=False)
    environment.filters["puffy.mail.tls_key_files"] = tls_key_files.FilterModule().filters()["tls_key_files"]
    # Nothing is in the environment.
    environment.globals["lookup"] = lambda _plugin, *_names, default="": default
    return environment.from_string(expression).render(variables) if isinstance(expression, str) else expression


@EACH_ROLE
def test_defaults_and_specification_are_the_same(role: Path) -> None:
    defaults = load(role / "defaults" / "main.yml")
    options = specs(role)["main"]["options"]
    optional = {name: spec["default"] for name, spec in options.items() if "default" in spec}
    values: dict[str, Any] = {}
    # A default reads another one, which reads a third.
    for _pass in range(3):
        values = {key: _value(value, values) for key, value in defaults.items()}
    # A specification takes an expression for text and lists of text; for others, what holds where nothing is set.
    for name, option in options.items():
        if isinstance(defaults.get(name), str) and (
            option["type"] in ("bool", "int", "dict") or option.get("elements") == "dict"
        ):
            defaults[name] = values[name]
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
                    # Alone, or in a list of names.
                    alone = f'"{{{{ {name} }}}}"' in line or line.strip() == f"- {name}"
                    assert alone or re.match(r"\s*\|\s*bool", line[match.end() :]), f"{path.name}: {line}"


@EACH_ROLE
def test_the_first_task_judges_the_inputs(role: Path) -> None:
    for entry in specs(role):
        first = load(role / "tasks" / f"{entry}.yml")[0]
        assert first["puffy.mail.inputs"] == {"roles": [role.name]}
