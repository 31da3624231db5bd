# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The workflow files and the pre-commit hooks parse, pin their actions and run targets that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
EACH = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in yaml.safe_load(path.read_text())["jobs"].values() for step in job["steps"]]


def test_there_are_workflows() -> None:
    assert [path.name for path in WORKFLOWS] == ["release.yml", "tests.yml"]


@EACH
def test_a_workflow_has_what_the_service_asks_for(path: Path) -> None:
    # YAML 1.1 reads the key "on" as true.
    workflow = yaml.safe_load(path.read_text())
    assert set(workflow) <= {"name", True, "permissions", "concurrency", "jobs"}
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["runs-on"]
    for step in steps(path):
        assert len({"run", "uses"} & set(step)) == 1, step


@EACH
def test_actions_are_pinned_to_a_commit(path: Path) -> None:
    for step in steps(path):
        if "uses" in step:
            assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", step["uses"]), step


@EACH
def test_the_targets_exist(path: Path) -> None:
    for step in steps(path):
        for target in re.findall(r"\bmake ([a-z-]+)$", step.get("run", ""), re.MULTILINE):
            assert target in TARGETS


def test_the_galaxy_token_is_the_only_secret() -> None:
    found = [name for path in WORKFLOWS for name in re.findall(r"secrets\.(\w+)", path.read_text())]
    assert found == ["GALAXY_API_KEY"]


def test_the_supported_releases_of_ansible_core_are_tested() -> None:
    job = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text())["jobs"]["controller"]
    tested = [entry["ansible"] for entry in job["strategy"]["matrix"]["include"]]
    supported = re.search(
        r"^ansible-core>=2\.(\d+),<2\.(\d+)$", (ROOT / "requirements-dev.txt").read_text(), re.MULTILINE
    )
    assert supported
    low, high = map(int, supported.groups())
    assert tested == [f"2.{minor}" for minor in range(low, high)]


def test_pre_commit_runs_what_make_lint_runs() -> None:
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repository["repo"] for repository in repositories] == ["local"]
    assert [hook["entry"] for hook in repositories[0]["hooks"]] == ["make lint"]


def test_make_test_takes_hosts_that_the_scenarios_have() -> None:
    base = yaml.safe_load((ROOT / ".config" / "molecule" / "config.yml").read_text())
    quick = dict(re.findall(r"^QUICK_(\w+) := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert "default" in quick
    for scenario, hosts in quick.items():
        own = yaml.safe_load((ROOT / "molecule" / scenario / "molecule.yml").read_text()) or {}
        names = {platform["name"] for platform in own.get("platforms", base["platforms"])}
        assert set(hosts.split()) <= names, scenario
        # A platform that the inventory lists, too, would be made although --platform-name does not name it, and left.
        listed = ROOT / "molecule" / scenario / "inventory" / "hosts.yml"
        groups = yaml.safe_load(listed.read_text()) if listed.exists() else {}
        more = {name for group in groups.values() for name in group.get("hosts") or ()}
        assert len(names) == 1 or not more & names, scenario
