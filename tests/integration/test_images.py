# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tools/images.py says where an image cannot be built, and that nothing is kept of the attempt."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.puffy.mail.tests.harness.containers import PODMAN, ROOT

pytestmark = pytest.mark.containers

#: port 1 on loopback: refused at once
NO_MIRROR = "http://127.0.0.1:1/debian"


def build(name: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "tools" / "images.py"), name],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def images() -> str:
    listed = subprocess.run([PODMAN, "images", "--quiet", "--no-trunc"], capture_output=True, text=True, check=True)
    return listed.stdout


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A file system with hardly any space."""
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    subprocess.run([*prefix, "mount", "-t", "tmpfs", "-o", "size=8m,mode=1777", "tmpfs", str(tmp_path)], check=True)
    try:
        yield tmp_path
    finally:
        subprocess.run([*prefix, "umount", str(tmp_path)], check=True)


def test_no_network() -> None:
    before = images()
    done = build("trixie", DEBIAN_MIRROR=NO_MIRROR)
    assert done.returncode == 1
    assert "mmdebstrap could not build the image 'trixie'" in done.stderr
    assert "No network, or no such mirror? DEBIAN_MIRROR names another one." in done.stderr
    assert done.stdout == ""
    assert images() == before


def test_no_space(tiny: Path) -> None:
    done = build("trixie", DEBIAN_MIRROR=NO_MIRROR, TMPDIR=str(tiny))
    assert done.returncode == 1
    assert "has 8 MiB free and the image 'trixie' needs 3072 MiB while it is built" in done.stderr
    assert not [entry for entry in tiny.iterdir() if entry.suffix != ".lock"]


def test_no_such_image() -> None:
    done = build("sid")
    assert done.returncode == 1
    assert done.stderr.startswith("there is no image 'sid'; there are bullseye, bullseye-mail,")
