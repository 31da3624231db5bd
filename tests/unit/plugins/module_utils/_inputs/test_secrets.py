# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets from the environment, and that every secret input takes one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.puffy.mail.plugins.module_utils._inputs import secrets, tables

ROOT = Path(__file__).resolve().parents[5]


def read(path: str) -> str:
    if path == "/missing":
        raise FileNotFoundError(2, "No such file or directory")
    return {"/text": "0123\n", "/json": '[{"a": "0123"}]', "/empty": "\n"}[path]


@pytest.mark.parametrize(
    ("environment", "default", "expected"),
    [
        ({}, "", ""),
        ({}, [], []),
        ({"PUFFY_A_B": "0123"}, "", "0123"),
        ({"PUFFY_A_B": " with blanks "}, "", " with blanks "),
        ({"PUFFY_A_B": ""}, "", ""),
        ({"PUFFY_A_B_FILE": "/text"}, "", "0123"),
        ({"PUFFY_A_B_FILE": "/empty"}, [], []),
        ({"PUFFY_A_B_FILE": "", "PUFFY_A_B": "yes"}, "", "yes"),
        ({"PUFFY_A_B_FILE": "/json"}, [], [{"a": "0123"}]),
        ({"PUFFY_A_B": '{"rsa": {"key": "12:30"}}'}, {}, {"rsa": {"key": "12:30"}}),
    ],
)
def test_values(environment: dict[str, str], default: Any, expected: Any) -> None:
    assert secrets.given("a_b", default, environment, read) == expected


@pytest.mark.parametrize(
    ("environment", "default", "sentence"),
    [
        (
            {"PUFFY_A_B": "x", "PUFFY_A_B_FILE": "/text"},
            "",
            "PUFFY_A_B and PUFFY_A_B_FILE are both set. Set one of them.",
        ),
        (
            {"PUFFY_A_B_FILE": "/missing"},
            "",
            "PUFFY_A_B_FILE is '/missing', and this file cannot be read: No such file or directory.",
        ),
        ({"PUFFY_A_B": "secret"}, [], "PUFFY_A_B has no valid JSON: Expecting value. Use JSON."),
        ({"PUFFY_A_B_FILE": "/json"}, {}, "PUFFY_A_B_FILE has no JSON mapping. Use one."),
        ({"PUFFY_A_B": "{}"}, [], "PUFFY_A_B has no JSON list. Use one."),
    ],
)
def test_what_is_of_no_use(environment: dict[str, str], default: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        secrets.given("a_b", default, environment, read)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("role", tables.ROLES)
def test_every_secret_of_a_role_takes_a_file_or_an_environment_variable(role: str) -> None:
    options = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    defaults = yaml.safe_load((ROOT / "roles" / role / "defaults" / "main.yml").read_text())
    for name, option in options["main"]["options"].items():
        if option.get("no_log"):
            assert f"lookup('puffy.mail.secret', '{name}'" in defaults[name], name
        else:
            assert not name.endswith(("password", "passphrase", "secret")), f"{name} needs no_log: true"
