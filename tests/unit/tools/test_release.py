# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""make release, in a repository of its own and without a network: all of it or nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ansible_collections.puffy.mail.tools import environments

ROOT = Path(__file__).resolve().parents[3]
#: stands in for the environment of galaxy-importer
IMPORTER = (
    "#!/bin/sh\necho 'Importing with galaxy-importer 0'\n{told}\necho 'Importer processing completed successfully'\n"
)


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one commit: this checkout."""
    root = tmp_path_factory.mktemp("original") / "mail"
    listed = git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    git(root, "init", "-q", "-b", "main")
    git(root, "config", "user.name", "A maintainer")
    git(root, "config", "user.email", "maintainer@example.test")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "everything")
    return root


@pytest.fixture
def repository(original: Path, tmp_path: Path) -> Path:
    root = tmp_path / "mail"
    shutil.copytree(original, root, symlinks=True)
    subprocess.run(["git", "init", "-q", "--bare", tmp_path / "origin"], check=True)
    git(root, "remote", "add", "origin", str(tmp_path / "origin"))
    return root


def release(
    root: Path, version: str, *options: str, told: str = "", monkeypatch: pytest.MonkeyPatch
) -> subprocess.CompletedProcess[str]:
    cache = root.parent / "cache"
    monkeypatch.setattr(environments, "CACHE", cache)
    place = environments.place_of("importer", environments.RECIPES["importer"])
    (place / "bin").mkdir(parents=True, exist_ok=True)
    (place / ".complete").touch()
    (place / "bin" / "python").write_text(IMPORTER.format(told=told))
    (place / "bin" / "python").chmod(0o755)
    return subprocess.run(
        [sys.executable, root / "tools" / "release.py", version, *options],
        env={**os.environ, "PUFFY_CACHE": str(cache)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def add_fragment(root: Path, version: str) -> None:
    fragment = root / "changelogs" / "fragments" / f"{version}.yml"
    fragment.parent.mkdir(exist_ok=True)
    fragment.write_text("release_summary: It does more.\nminor_changes:\n  - postmap - it does more.\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "a fragment")


def test_a_release_has_version_changelog_and_tag_and_is_pushed_when_told(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_fragment(repository, "0.2.0")
    done = release(repository, "0.2.0", "--publish", "origin", monkeypatch=monkeypatch)
    assert done.returncode == 0, done.stdout + done.stderr
    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "describe", "--exact-match") == "0.2.0"
    assert yaml.safe_load((repository / "galaxy.yml").read_text())["version"] == "0.2.0"
    entry = yaml.safe_load((repository / "changelogs" / "changelog.yaml").read_text())["releases"]["0.2.0"]
    assert entry["changes"] == {"release_summary": "It does more.", "minor_changes": ["postmap - it does more."]}
    assert "It does more" in (repository / "CHANGELOG.md").read_text()
    assert not list((repository / "changelogs").glob("fragments/*"))
    written = subprocess.run(
        ["git", "grep", "-hoE", r"(puffy-mail-|REPOSITORY_URL,)[0-9]+\.[0-9]+\.[0-9]+", "--", "*.md", "*.yml"],
        cwd=repository, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert len(written) > 8
    assert {found[-5:] for found in written} == {"0.2.0"}
    remote = git(repository, "ls-remote", "origin")
    assert f"{git(repository, 'rev-parse', 'HEAD')}\trefs/heads/main" in remote
    assert "refs/tags/0.2.0" in remote


def test_without_being_told_nothing_is_pushed_and_a_complaint_of_the_importer_leaves_all_as_it_was(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = git(repository, "rev-parse", "HEAD")
    told = "echo 'WARNING: meta/runtime.yml is odd'"
    done = release(repository, "0.1.0", told=told, monkeypatch=monkeypatch)
    assert done.returncode == 1
    assert "galaxy-importer complains:\nWARNING: meta/runtime.yml is odd\nNo release was made." in done.stderr
    assert (git(repository, "rev-parse", "HEAD"), git(repository, "tag"), git(repository, "status", "--porcelain")) == (
        before, "", "",
    )  # fmt: skip
    assert git(repository, "ls-remote", "origin") == ""


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("1.0", "'1.0' is not a version. Use three numbers, such as 1.2.3 (semver.org)."),
        ("v1.0.0", "'v1.0.0' is not a version."),
        ("", "'' is not a version."),
        ("0.0.9", "The version 0.0.9 is older than 0.1.0. Use a later version."),
        ("0.1.0", "The tag 0.1.0 exists. Use a later version."),
        ("0.3.0", "Nothing says what is new in 0.3.0. Add changelogs/fragments/0.3.0.yml with release_summary."),
    ],
)
def test_a_version_that_cannot_be_is_refused(
    original: Path, monkeypatch: pytest.MonkeyPatch, version: str, message: str
) -> None:
    git(original, "tag", "--force", "0.1.0")
    done = release(original, version, monkeypatch=monkeypatch)
    git(original, "tag", "-d", "0.1.0")
    assert done.returncode == 1
    assert done.stderr.startswith(message)


def test_changes_that_are_not_committed_and_a_remote_that_is_not_there_are_refused(
    original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = release(original, "0.1.0", "--publish", "nowhere", monkeypatch=monkeypatch)
    assert "No release was made." in done.stderr
    (original / "new.txt").write_text("new\n")
    done = release(original, "0.1.0", monkeypatch=monkeypatch)
    (original / "new.txt").unlink()
    assert done.returncode == 1
    assert done.stderr.startswith("There are changes that are not committed:\n?? new.txt\n"), done.stderr
