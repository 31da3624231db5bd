#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: T201
"""Build the images of the OpenBSD stand-in, from the images of tools/images.py.

    molecule/shared/openbsd/build.py [stable] [stable35]     prints each image's full name

The stand-in is Debian with the commands, files and paths of OpenBSD 7.9 where this collection touches them.
It is no OpenBSD: see docs/openbsd.md for what it proves and what it does not.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PODMAN = str(ROOT / "tools" / "podman")
REPOSITORY = "localhost/puffy-mail-openbsd"
#: the package branch of mail/postfix, and the image whose Postfix stands in for it
BRANCHES = {"stable": "forky-mail", "stable35": "bullseye-mail"}
_SOURCES = ("build.py", "setup", "files", "packages")


class BuildError(Exception):
    """A build that did not succeed; the message is for the person who started it."""


def podman(*arguments: str) -> str:
    done = subprocess.run([PODMAN, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"podman {' '.join(arguments[:2])} failed: {(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout.strip()


def sources() -> list[Path]:
    found = []
    for name in _SOURCES:
        path = HERE / name
        found += sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    return [path for path in found if "__pycache__" not in path.parts]


def base_image(branch: str) -> str:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "images.py"), BRANCHES[branch]],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BuildError(f"the image {BRANCHES[branch]!r} that {branch!r} starts from could not be built")
    return done.stdout.strip()


def tag_of(branch: str, base: str) -> str:
    """The image's full name, its tag being the hash of everything that shapes it."""
    digest = hashlib.sha256(f"{branch}\n{base}\n".encode())
    for path in sources():
        digest.update(f"{path.relative_to(HERE)}\0{path.stat().st_mode & 0o111}\0".encode())
        digest.update(path.read_bytes())
    return f"{REPOSITORY}-{branch}:{digest.hexdigest()[:16]}"


def build(branch: str) -> str:
    """Return the full name of the stand-in's image with that branch of Postfix, building it if it is not there."""
    if branch not in BRANCHES:
        raise BuildError(f"there is no branch {branch!r}; there are {', '.join(BRANCHES)}")
    base = base_image(branch)
    tag = tag_of(branch, base)
    directory = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    with Path(directory, f"puffy-mail-image-openbsd-{branch}-{os.getuid()}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if subprocess.run([PODMAN, "image", "exists", tag], check=False).returncode == 0:
            return tag
        print(
            f"Building the OpenBSD stand-in, branch {branch} (about half a minute, once)", file=sys.stderr, flush=True
        )
        container = podman(
            "run", "-d", "--env", "DEBIAN_FRONTEND=noninteractive", "-v", f"{HERE}:/standin:ro", base, "sleep", "600"
        )
        try:
            podman("exec", container, "sh", "/standin/setup", branch)
            podman("commit", "--quiet", "--change", 'CMD ["/sbin/init"]', container, tag)
        finally:
            podman("rm", "--force", "--time", "0", container)
    return tag


def main() -> int:
    try:
        for branch in sys.argv[1:] or list(BRANCHES):
            print(build(branch), flush=True)
    except BuildError as error:
        print(f"{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
