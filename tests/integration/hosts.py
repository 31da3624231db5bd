# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disposable hosts with the real daemons, for tests of the modules and roles.

A host is a container made from one of the project's images (see tools/images.py). The collection and
ansible's module_utils are mounted read-only, so a module runs in it as it would under ansible-playbook,
in a fraction of the time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PODMAN = str(ROOT / "tools" / "podman")

#: Postfix version of each release's image; the releases that module tests run on.
POSTFIX = {"bullseye": (3, 5), "trixie": (3, 10), "forky": (3, 11)}

_RUNNER = """
import json, runpy, sys
name, request = sys.argv[1], json.load(sys.stdin)
from ansible.module_utils.testing import patch_module_args
with patch_module_args(request):
    runpy.run_module("ansible_collections.puffy.mail.plugins.modules." + name, run_name="__main__", alter_sys=True)
"""


def _ansible_package() -> str:
    import ansible

    return os.path.dirname(ansible.__file__)


class Host:
    """One running container. Use it as a context manager, or call ``close``."""

    def __init__(self, image: str, *run_options: str) -> None:
        tag = subprocess.run(
            [sys.executable, str(ROOT / "tools" / "images.py"), image], stdout=subprocess.PIPE, text=True, check=True
        ).stdout.strip()
        self.image = image
        self.name = f"puffy-mail-test-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._podman(
            "run", "-d", "--name", self.name, "--hostname", "mail.example.test", "--label", "puffy.mail=test",
            "-v", f"{_ansible_package()}:/opt/puffy/ansible:ro",
            "-v", f"{ROOT}:/opt/puffy/ansible_collections/puffy/mail:ro",
            *run_options, tag,
        )  # fmt: skip

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the container."""
        self._podman("rm", "--force", "--time", "0", self.name, check=False)

    @staticmethod
    def _podman(
        *arguments: str, check: bool = True, data: str | None = None, timeout: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [PODMAN, *arguments], input=data, capture_output=True, text=True, check=False, timeout=timeout
        )
        if check and done.returncode != 0:
            raise AssertionError(f"podman {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def run(
        self, command: str | Sequence[str], *, check: bool = True, data: str | None = None, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell command line, or an argv list, as root in the host."""
        argv = ["sh", "-c", command] if isinstance(command, str) else list(command)
        return self._podman("exec", "-i", self.name, *argv, check=check, data=data, timeout=timeout)

    def read(self, path: str) -> str:
        """The text of a file in the host."""
        return self.run(["cat", path]).stdout

    def write(self, path: str, text: str) -> None:
        """Write a file in the host (mode by umask, in place)."""
        self.run(f"cat > '{path}'", data=text)

    def module(
        self, name: str, arguments: Mapping[str, Any], *, check: bool = False, diff: bool = True, timeout: float = 120
    ) -> dict[str, Any]:
        """Run the module ``name`` of this collection and return what it returned (``failed`` included)."""
        request = {**arguments, "_ansible_check_mode": check, "_ansible_diff": diff}
        done = self.run(
            ["env", "PYTHONPATH=/opt/puffy", "PYTHONDONTWRITEBYTECODE=1", "python3", "-c", _RUNNER, name],
            data=json.dumps(request),
            check=False,
            timeout=timeout,
        )
        try:
            result = json.loads(done.stdout)
        except json.JSONDecodeError:
            raise AssertionError(
                f"{name} did not return JSON (exit {done.returncode})\n{done.stdout}\n{done.stderr}"
            ) from None
        assert isinstance(result, dict)
        return result

    def four_runs(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Check, run, check, run: the first two must report the same change, the last two none.

        Returns what the first real run returned.
        """
        predicted = self.module(name, arguments, check=True)
        assert not predicted.get("failed"), predicted
        first = self.module(name, arguments)
        assert not first.get("failed"), first
        assert predicted["changed"] == first["changed"], (predicted, first)
        assert predicted.get("diff") == first.get("diff")
        again = self.module(name, arguments, check=True)
        assert not again.get("failed"), again
        assert not again["changed"], again
        second = self.module(name, arguments)
        assert not second.get("failed"), second
        assert not second["changed"], second
        return first
