# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the tarball from what git knows of this checkout, install it, and check it as Ansible Galaxy does.

tools/tarball.py build [DIRECTORY]    build it; in the root of the checkout, or in that directory
tools/tarball.py importer [TARBALL]   run galaxy-importer on a new tarball, or on that one; a warning is a failure
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import environments

ROOT = Path(__file__).resolve().parent.parent
GALAXY = Path(sys.executable).parent / "ansible-galaxy"
#: lines of the importer that need no attention
PROGRESS = (
    "Importing with ",
    "Getting doc strings ",
    "Finding content ",
    "Loading ",
    "Linting collection ",
    "...ansible-lint run complete",
    "Collection loading complete",
)
DONE = "Importer processing completed successfully"
CONFIGURATION = """\
[galaxy-importer]
CHECK_CHANGELOG = True
CHECK_REQUIRED_TAGS = True
RUN_ANSIBLE_DOC = True
RUN_ANSIBLE_LINT = True
OFFLINE_ANSIBLE_LINT = True
"""


class TarballFailed(Exception):
    """A step that failed; the message is for the person who started it."""


def tracked(root: Path = ROOT) -> list[str]:
    """Return the files that git tracks, and those it would track, by name."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return [name for name in listed.split("\0") if name and (root / name).is_file()]


def copy(target: Path, root: Path = ROOT) -> None:
    """Copy what git knows of the checkout ``root``, without what a test or an editor left there."""
    for name in tracked(root):
        destination = target / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, destination)


def build(directory: Path, root: Path = ROOT) -> Path:
    """Build the tarball in ``directory`` and return it."""
    with tempfile.TemporaryDirectory(prefix="puffy-mail-build-") as name:
        copy(Path(name), root)
        _run([GALAXY, "collection", "build", "--force", "--output-path", directory, name])
    found = sorted(directory.glob("puffy-mail-*.tar.gz"), key=lambda path: path.stat().st_mtime)
    return found[-1]


def install(tarball: Path, directory: Path) -> Path:
    """Install the tarball below ``directory``, without its dependencies, and return the collection's directory."""
    _run([GALAXY, "collection", "install", "--no-deps", "--force", "--offline", "-p", directory, tarball])
    return directory / "ansible_collections" / "puffy" / "mail"


def importer(tarball: Path) -> None:
    """Import the tarball as Ansible Galaxy does, without a network; raise TarballFailed for each warning or error."""
    environment = environments.named("importer")
    with tempfile.TemporaryDirectory(prefix="puffy-mail-importer-") as name:
        configuration = Path(name, "galaxy-importer.cfg")
        configuration.write_text(CONFIGURATION)
        done = subprocess.run(
            [environment / "bin" / "python", "-m", "galaxy_importer.main", tarball.absolute()],
            cwd=name,
            env={
                "PATH": f"{environment / 'bin'}:/usr/bin:/bin",
                "HOME": name,
                "LANG": "C.UTF-8",
                "GALAXY_IMPORTER_CONFIG": str(configuration),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    lines = done.stdout.splitlines()
    told = [line for line in lines if line and line != DONE and not line.startswith(PROGRESS)]
    if done.returncode != 0 or told or DONE not in lines:
        raise TarballFailed("\n".join(["galaxy-importer complains:", *(told or lines[-5:])]))


def _run(command: list[str | Path]) -> None:
    # The collections that are there have no say in what is built or installed.
    kept = {key: value for key, value in os.environ.items() if key != "ANSIBLE_COLLECTIONS_PATH"}
    done = subprocess.run(command, env=kept, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise TarballFailed(f"{' '.join(map(str, command[:3]))} failed:\n{done.stdout}{done.stderr}".rstrip())


def main() -> int:
    command, given = sys.argv[1:2], [Path(name) for name in sys.argv[2:3]]
    try:
        if command == ["build"]:
            print(build(*(given or [ROOT])))
        elif command == ["importer"]:
            with tempfile.TemporaryDirectory(prefix="puffy-mail-importer-") as name:
                importer(given[0] if given else build(Path(name)))
            print("galaxy-importer has no error and no warning.")
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except (TarballFailed, environments.EnvironmentFailed) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
