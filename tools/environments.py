# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python environments beside .venv, for what must not share its packages. Each is cached by the hash of its recipe.

tools/environments.py NAME     makes the environment if it is missing, and prints its directory
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

CACHE = Path(
    os.environ.get("PUFFY_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "puffy-mail"
)
#: what make targets ask for by name
RECIPES = {
    "importer": ("galaxy-importer>=0.4.44,<0.5",),
    "docs": (
        "antsibull-docs>=2.16,<3",
        "ansible-core>=2.18,<2.23",
        "sphinx>=8,<10",
        "myst-parser>=4,<6",
        "furo>=2025.7",
    ),
}


class EnvironmentFailed(Exception):
    """An environment that could not be made; the message is for the person who started it."""


def place_of(name: str, requirements: Sequence[str], python: str = sys.executable) -> Path:
    """Return the directory of the environment with these packages."""
    asked = [python, "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3], sys.base_prefix)"]
    version = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    digest = hashlib.sha256(json.dumps([list(requirements), version]).encode()).hexdigest()[:16]
    return CACHE / f"{name}-{digest}"


def make(name: str, requirements: Sequence[str], python: str = sys.executable) -> Path:
    """Return the environment with these packages, and make it if it is missing; raise EnvironmentFailed."""
    place = place_of(name, requirements, python)
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # The stamp is written last: an interrupted environment is made again.
        if not (place / ".complete").exists():
            print(f"Preparing the Python environment {place} (once)", file=sys.stderr, flush=True)
            shutil.rmtree(place, ignore_errors=True)
            subprocess.run([python, "-m", "venv", place], check=True)
            pip = [place / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            done = subprocess.run([*pip, *requirements], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                last = "\n".join(done.stderr.strip().splitlines()[-12:])
                raise EnvironmentFailed(f"pip could not install {', '.join(requirements)}:\n{last}")
            (place / ".complete").touch()
    return place


def named(name: str) -> Path:
    """Return the environment of a recipe."""
    return make(name, RECIPES[name])


def main() -> int:
    if sys.argv[1:] not in [[name] for name in RECIPES]:
        print(f"Give one name: {', '.join(RECIPES)}.", file=sys.stderr)
        return 2
    try:
        print(named(sys.argv[1]))
    except EnvironmentFailed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
