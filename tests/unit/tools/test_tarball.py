# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tarball has what users need, make demo included, and nothing that only developers need."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FOR_DEMO = {"bootstrap", "demo.py", "images.py", "podman", "tree"}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("tarball")
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "tarball.py", "build", place],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (place / "mail").mkdir()
    subprocess.run(["tar", "-xzf", done.stdout.strip(), "-C", place / "mail"], check=True)
    return place / "mail"


def test_nothing_is_there_that_only_developers_need(unpacked: Path) -> None:
    assert {path.name for path in (unpacked / "tools").iterdir()} == FOR_DEMO
    assert [str(path.relative_to(unpacked)) for path in sorted((unpacked / "tests").rglob("*"))] == ["tests/config.yml"]
    assert {path.name for path in unpacked.iterdir() if path.name.startswith(".")} == {".config"}
    assert [path.name for path in (unpacked / ".config").iterdir()] == ["containers.conf"]
    assert {path.name for path in (unpacked / "changelogs").iterdir()} == {"changelog.yaml", "config.yaml"}
    for name in ("molecule", "benchmarks", "conftest.py", "pyproject.toml"):
        assert not (unpacked / name).exists(), name


def test_what_users_look_for_is_there(unpacked: Path) -> None:
    for name in ("README.md", "CHANGELOG.md", "CODE_OF_CONDUCT.md", "LICENSES/GPL-3.0-or-later.txt", "examples/demo"):
        assert (unpacked / name).exists(), name
    assert {path.parent.name for path in unpacked.glob("roles/*/README.md")} == {
        path.name for path in (unpacked / "roles").iterdir()
    }


def test_links_of_the_documents_stay_inside_the_tarball(unpacked: Path) -> None:
    lost = []
    for document in unpacked.rglob("*.md"):
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text()):
            if "://" not in target and not target.startswith("mailto:") and not (document.parent / target).exists():
                lost.append(f"{document.relative_to(unpacked)}: {target}")
    assert lost == []


def test_make_names_the_targets_that_work_there(unpacked: Path) -> None:
    listed = subprocess.run(["make", "-C", unpacked], capture_output=True, text=True, check=True).stdout
    assert re.findall(r"make ([a-z-]+)  ", listed) == ["help", "demo", "demo-clean"]
    refused = subprocess.run(["make", "-C", unpacked, "test-unit"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "The tests are in the repository, not in the tarball of a release." in refused.stdout
    assert not (unpacked / ".venv").exists()


def test_the_tools_of_the_demo_start_there(unpacked: Path) -> None:
    for tool in ("demo.py", "images.py"):
        subprocess.run([sys.executable, unpacked / "tools" / tool, "--help"], capture_output=True, check=True)
    for tool in ("bootstrap", "podman", "tree"):
        assert (unpacked / "tools" / tool).stat().st_mode & 0o111, tool
