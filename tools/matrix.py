# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Try the tarball with each supported ansible-core, on each Python that both this machine and that ansible-core have.

The tarball is installed into an empty place, by that ansible-core. Steps:

doc       ansible-doc describes each plugin and role, with nothing left but meta, plugins, roles and playbooks
syntax    the syntax of each playbook, in the same place
unit      the unit tests, on the files of the tarball
sanity    ansible-test sanity, with the oldest ansible-core and the newest
molecule  the scenario default with them; only where it is asked for

A warning or a deprecation in doc, syntax and molecule is a failure. A deprecation of Python in our code fails unit.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import environments
import tarball

ROOT = tarball.ROOT
#: ansible-core -> the minor versions of Python 3 that it supports on the control side
SUPPORTED: dict[str, tuple[int, ...]] = {
    "2.18": (11, 12, 13),
    "2.19": (11, 12, 13),
    "2.20": (12, 13, 14),
    "2.21": (12, 13, 14),
    "2.22": (13, 14, 15),
}
#: what the control side needs, and what the tests need beyond
CONTROL = ("bcrypt>=4.1,<6", "cryptography>=43")
TESTS = (
    *("antsibull-changelog>=0.31,<1", "antsibull-docs-parser>=1.2,<2", "hypothesis>=6.100,<7", "jmespath>=1.0,<2"),
    *("molecule>=25.1,<27", "pytest>=8,<10", "pytest-testinfra>=10.1,<11", "pytest-xdist>=3.6,<4"),
)
STEPS = ("doc", "syntax", "unit", "sanity", "molecule")
KEPT = ("meta", "plugins", "roles", "playbooks")
#: settings under which every run must be silent
STRICT = {"ANSIBLE_INJECT_FACT_VARS": "false", "ANSIBLE_DEPRECATION_WARNINGS": "true", "ANSIBLE_NOCOWS": "true"}
COMPLAINT = re.compile(r"DEPRECAT|\[WARNING\]|\[ERROR\]|ERROR!")
#: what ansible-core 2.22 says of a collection of its own
NOT_OURS = re.compile(r"ansible/_internal/ansible_collections/")


@dataclass(frozen=True)
class Pair:
    """One ansible-core on one Python."""

    core: str
    python: str

    @property
    def name(self) -> str:
        return f"core {self.core}, Python {self.version}"

    @property
    def version(self) -> str:
        return _version(self.python) or self.python

    def environment(self) -> Path:
        major, minor = map(int, self.core.split("."))
        # The lower bound lets pip take a release candidate where there is no release.
        wanted = f"ansible-core>={self.core}.0rc0,<{major}.{minor + 1}.0a0"
        return environments.make(f"core-{self.core}", (wanted, *CONTROL, *TESTS), self.python)


def _version(python: str) -> str | None:
    asked = [python, "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def interpreters() -> dict[int, str]:
    """Return the Pythons of this machine by minor version; a name on PATH may be a stub that cannot run."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found: dict[int, str] = {}
    for minor in sorted({minor for minors in SUPPORTED.values() for minor in minors}):
        candidates = [f"/usr/bin/python3.{minor}", *map(str, sorted(pyenv.glob(f"3.{minor}.*/bin/python3")))]
        candidates.append(shutil.which(f"python3.{minor}") or "")
        for candidate in candidates:
            if candidate and (_version(candidate) or "").startswith(f"3.{minor}."):
                found[minor] = candidate
                break
    return found


def pairs(cores: list[str], every: bool) -> Iterator[Pair]:
    """Return the pairs to try: each Python of each ansible-core, or its oldest and its newest."""
    there = interpreters()
    for core in cores:
        able = [minor for minor in SUPPORTED[core] if minor in there]
        if not able:
            print(f"core {core}: none of Python 3.{', 3.'.join(map(str, SUPPORTED[core]))} is here", flush=True)
        for minor in able if every else dict.fromkeys([able[0], able[-1]] if able else []):
            yield Pair(core, there[minor])


class StepFailed(Exception):
    """What a step has to say."""


class Try:
    """The tarball, installed for one pair in an empty place."""

    def __init__(self, pair: Pair, archive: Path, place: Path) -> None:
        self.pair, self.place = pair, place
        self.bin = pair.environment() / "bin"
        self.archive = archive
        self.collection = self.install(place / "installed")
        for path in self.collection.iterdir():
            if path.name not in (*KEPT, "MANIFEST.json", "FILES.json"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def install(self, directory: Path) -> Path:
        command = ["collection", "install", "--no-deps", "--offline", "-p", directory, self.archive]
        self.run("ansible-galaxy", *command, collections=directory)
        return directory / "ansible_collections" / "puffy" / "mail"

    def run(self, program: str, *arguments: str | Path, collections: Path | None = None, silent: bool = True) -> str:
        """Run a program of the environment; raise StepFailed where it fails or, if ``silent``, complains."""
        known = [collections] if collections else [self.place / "installed", sysconfig.get_path("purelib")]
        done = subprocess.run(
            [self.bin / program, *arguments],
            cwd=self.place,
            env={
                **{key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
                **STRICT,
                "ANSIBLE_HOME": str(self.place / "home"),
                "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(map(str, known)),
                "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        told = [line for line in done.stderr.splitlines() if COMPLAINT.search(line) and not NOT_OURS.search(line)]
        if done.returncode != 0:
            raise StepFailed(f"{program}: exit {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}".strip())
        if silent and told:
            raise StepFailed(f"{program}:\n" + "\n".join(told))
        return done.stdout

    def doc(self) -> None:
        # Alone: ansible-doc looks into every collection that it can find.
        alone = self.place / "installed"
        for kind, pattern in (("module", "modules"), ("filter", "filter"), ("lookup", "lookup")):
            files = sorted(self.collection.glob(f"plugins/{pattern}/[a-z]*.py"))
            names = [f"puffy.mail.{path.stem}" for path in files]
            told = json.loads(self.run("ansible-doc", "--json", "-t", kind, *names, collections=alone))
            if lost := [name for name in names if not (told.get(name) or {}).get("doc")]:
                raise StepFailed(f"ansible-doc does not describe {', '.join(lost)}")
        roles = [f"puffy.mail.{path.name}" for path in sorted(self.collection.glob("roles/*"))]
        told = json.loads(self.run("ansible-doc", "--json", "-t", "role", *roles, collections=alone))
        if lost := [name for name in roles if not (told.get(name) or {}).get("entry_points")]:
            raise StepFailed(f"ansible-doc does not describe {', '.join(lost)}")

    def syntax(self) -> None:
        inventory = self.place / "hosts.yml"
        inventory.write_text("mail_hosts: {hosts: {mail.example.test: {}}}\n")
        for path in sorted(self.collection.glob("playbooks/*.yml")):
            self.run("ansible-playbook", "-i", inventory, "--syntax-check", f"puffy.mail.{path.stem}")

    def checkout(self) -> Path:
        """Return a checkout whose shipped files are those of the tarball."""
        root = self.place / "checkout"
        if not root.exists():
            tarball.copy(root)
            shutil.copytree(self.install(self.place / "whole"), root, dirs_exist_ok=True)
            # Some tests ask git what there is.
            for command in (["init", "-q"], ["add", "-A"]):
                subprocess.run(["git", *command], cwd=root, check=True)
        return root

    def unit(self) -> None:
        root = self.checkout()
        options = ["-m", "pytest", "-q", "-n", "2", "-m", "not long", "-p", "no:cacheprovider", "--rootdir", root]
        self.run("python", *options, root / "tests" / "unit", silent=False)

    def sanity(self) -> None:
        self.run("python", ROOT / "tools" / "sanity.py", silent=False)

    def molecule(self) -> None:
        root = self.checkout()
        script = f'cd "{root}" && MOLECULE_GLOB="molecule/*/molecule.yml" exec molecule test --scenario-name default'
        told = subprocess.run(
            ["sh", "-c", script],
            env={
                **os.environ,
                **STRICT,
                "ANSIBLE_COLLECTIONS_PATH": f"{self.place / 'installed'}{os.pathsep}{sysconfig.get_path('purelib')}",
                "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
                "PYTHONPATH": str(self.place / "whole"),
            },
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        if told.returncode != 0 or "DEPRECAT" in told.stdout:
            raise StepFailed(told.stdout[-4000:])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cores", nargs="+", choices=SUPPORTED, default=list(SUPPORTED), metavar="CORE")
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=list(STEPS[:-1]), metavar="STEP")
    parser.add_argument(
        "--ends", action="store_true", help="only the oldest and the newest Python of each ansible-core"
    )
    options = parser.parse_args()
    ends = (min(options.cores, key=list(SUPPORTED).index), max(options.cores, key=list(SUPPORTED).index))
    passed = failed = 0
    done: set[tuple[str, str]] = set()
    with tempfile.TemporaryDirectory(prefix="puffy-mail-matrix-") as name:
        archive = tarball.build(Path(name))
        for pair in pairs(options.cores, not options.ends):
            with tempfile.TemporaryDirectory(prefix="try-", dir=name) as place:
                trial: Try | None = None
                for step in options.steps:
                    # These take minutes, and depend on ansible-core, not on the Python below it.
                    if step in ("sanity", "molecule") and (pair.core not in ends or (pair.core, step) in done):
                        continue
                    done.add((pair.core, step))
                    started = time.monotonic()
                    try:
                        trial = trial or Try(pair, archive, Path(place))
                        getattr(trial, step)()
                        verdict, why = "passed", ""
                        passed += 1
                    except (StepFailed, environments.EnvironmentFailed) as error:
                        verdict, why = "FAILED", f"\n{error}"
                        failed += 1
                    print(f"{pair.name}: {step} {verdict} ({time.monotonic() - started:.0f} s){why}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
