# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every task of the roles and playbooks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted([*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("playbooks/**/*.yml")])
#: modules that start, stop or reload a service, or run any command
DOORS = ("service", "command", "shell", "script", "raw", "systemd", "systemd_service")


def tasks(entries: Any) -> Iterator[dict[str, Any]]:
    """Every task below ``entries``, those of blocks and plays included."""
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict):
            continue
        below = [
            entry[key] for key in ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks") if key in entry
        ]
        for part in below:
            yield from tasks(part)
        if not below and "roles" not in entry:
            yield entry


ALL = [
    pytest.param(path, task, id=f"{path.relative_to(ROOT)}: {task.get('name')}")
    for path in FILES
    for task in tasks(yaml.safe_load(path.read_text()))
]


@pytest.mark.parametrize(("path", "task"), ALL)
def test_the_name_is_short_and_begins_with_a_capital(path: Path, task: dict[str, Any]) -> None:
    # A number of seconds takes some four characters.
    name = re.sub(r"\{\{.*?\}\}", "3600", task["name"])
    assert len(name) <= 60
    assert name[0].isupper()
    assert not name.endswith(".")


@pytest.mark.parametrize(("path", "task"), ALL)
def test_nothing_but_the_two_modules_touches_a_running_daemon(path: Path, task: dict[str, Any]) -> None:
    """Postfix and Dovecot have one door each: postfix_service and dovecot_service.

    The inputs refuse the daemons of this collection among those whose flags openbsd_base_flags sets.
    """
    for module in DOORS:
        arguments = task.get(f"ansible.builtin.{module}")
        if arguments is None:
            continue
        text = yaml.safe_dump(arguments)
        for word in ("postfix reload", "postfix start", "postfix stop", "doveadm reload", "restarted", "reloaded"):
            assert word not in text or "httpd" in text or "openbsd_base_flags" in text
        if module in ("service", "systemd", "systemd_service") and arguments.get("state") != "stopped":
            other = arguments["name"] == "httpd" or "openbsd_base_flags" in text
            assert other or path.name == "back.yml"


def texts(value: Any) -> Iterator[str]:
    """Every text of a file."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts(item)


@pytest.mark.parametrize(
    "path", [*FILES, *sorted(ROOT.glob("roles/*/vars/*.yml")), *sorted(ROOT.glob("roles/*/defaults/*.yml"))], ids=str
)
def test_no_template_writes_a_backslash_for_a_line_end(path: Path) -> None:
    """Ansible gives a template its backslashes as they are: only YAML's double quotes make a line end of them."""
    assert [text for text in texts(yaml.safe_load(path.read_text())) if re.search(r"'[^']*\\n[^']*'", text)] == []


def test_the_packages_have_one_door() -> None:
    """Only the action plugin packages installs, but for OpenBSD's Postfix, whose flavor may have to be replaced."""
    found = {
        str(path.relative_to(ROOT))
        for path in FILES
        for task in tasks(yaml.safe_load(path.read_text()))
        for module in ("ansible.builtin.apt", "ansible.builtin.package", "community.general.openbsd_pkg")
        if module in task
    }
    assert found == {"roles/openbsd_base/tasks/package.yml"}
