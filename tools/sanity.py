# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible-test sanity, or check or write the changelog, on a copy of the collection.

ansible-test wants the collection in a real directory ansible_collections/puffy/mail, and a changelog that
antsibull-changelog can read there; the checkout may lie anywhere.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

import tarball
from environments import CACHE

ROOT = tarball.ROOT
BIN = Path(sys.executable).parent

#: ansible-test fetches an installer for pip before it makes its environments. The standard library's
#: ensurepip does the same without a download; pip's two options of that script are none of ensurepip's.
INSTALLER = """\
import ensurepip
ensurepip.bootstrap()
"""
INSTALLER_VERSIONS = ("20.3.4", "21.3.1", "22.3.1", "23.1.2", "24.0", "24.2", "25.0", "25.1", "25.2", "25.3", "26.0")


def copy() -> Path:
    """Copy the checkout and return the copy's directory."""
    target = CACHE / f"sanity-{os.getpid()}" / "ansible_collections" / "puffy" / "mail"
    tarball.copy(target)
    return target


def environment() -> dict[str, str]:
    # ansible-test keeps its cache below the home directory, whatever ANSIBLE_HOME says.
    home = CACHE / "ansible-test"
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in INSTALLER_VERSIONS:
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(INSTALLER)
    # pyenv puts stubs on PATH that answer for interpreters they cannot run; ansible-test believes them.
    path = [entry for entry in os.environ["PATH"].split(os.pathsep) if Path(entry).name != "shims"]
    kept = {key: value for key, value in os.environ.items() if key not in ("ANSIBLE_COLLECTIONS_PATH", "PYTHONPATH")}
    return {**kept, "HOME": str(home), "PIP_CACHE_DIR": str(CACHE / "pip"), "PATH": os.pathsep.join([str(BIN), *path])}


def run(command: list[str], directory: Path) -> int:
    return subprocess.run(command, cwd=directory, env=environment(), check=False).returncode


def release(directory: Path) -> int:
    """Move the fragments into the entry of the version of galaxy.yml, list its plugins anew, and write CHANGELOG.md."""
    command = [
        str(BIN / "antsibull-changelog"),
        "release",
        "--update-existing",
        "--reload-plugins",
        "--refresh-plugins",
    ]
    status = run(command, directory)
    if status == 0:
        for name in ("CHANGELOG.md", "changelogs/changelog.yaml"):
            shutil.copyfile(directory / name, ROOT / name)
        for fragment in (ROOT / "changelogs" / "fragments").glob("*.yml"):
            if not (directory / fragment.relative_to(ROOT)).exists():
                fragment.unlink()
    return status


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--changelog", choices=["lint", "release"], help="check the changelog, or write it from its fragments"
    )
    parser.add_argument("options", nargs="*", help="options and tests to pass to ansible-test sanity")
    arguments = parser.parse_args()
    directory = copy()
    try:
        if arguments.changelog == "lint":
            return run([str(BIN / "antsibull-changelog"), "lint"], directory)
        if arguments.changelog == "release":
            return release(directory)
        return run([str(BIN / "ansible-test"), "sanity", "--venv", "--color", "no", *arguments.options], directory)
    finally:
        shutil.rmtree(directory.parents[2])


if __name__ == "__main__":
    sys.exit(main())
