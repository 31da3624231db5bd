# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs playbooks as a job of AWX does: by ansible-runner, with extra variables as ``!unsafe`` text."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.puffy.mail.tests.harness.playbooks import HANGS, tree
from ansible_collections.puffy.mail.tools import environments

#: the oldest ansible-core that this collection supports, and the newest
CORES = {"2.18": "ansible-core==2.18.*", "2.21": "ansible-core==2.21.*"}
#: the Ansible Content of awx.awx, from the last package that has it
AWX_AWX = "ansible==13.8.0"


def environment(core: str) -> Path:
    """A Python environment with ``core`` and ansible-runner; made once, beside the one of the tests."""
    return environments.make(
        f"awx-{core}", [CORES[core], "ansible-runner==2.4.*", "bcrypt>=4.1,<6", "cryptography>=43"]
    )


@functools.cache
def awx_collection() -> Path:
    """A collections path with awx.awx 24.6.1, taken out of the package ``ansible``."""
    place = environments.CACHE / f"awx-collection-{AWX_AWX.partition('==')[2]}"
    if not (place / "ready").exists():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", place, AWX_AWX]
        subprocess.run(pip, check=True, timeout=HANGS)
        (wheel,) = place.glob("*.whl")
        unpack = [sys.executable, "-m", "zipfile", "-e", wheel, place / "wheel"]
        subprocess.run(unpack, check=True, timeout=HANGS)
        (place / "ansible_collections" / "awx").mkdir(parents=True)
        shutil.move(place / "wheel" / "ansible_collections" / "awx" / "awx", place / "ansible_collections" / "awx")
        shutil.rmtree(place / "wheel")
        wheel.unlink()
        (place / "ready").touch()
    return place


def collections_path(*more: Path) -> str:
    """This checkout, and the collections that it and the tests need."""
    return os.pathsep.join([tree(), *map(str, more), sysconfig.get_path("purelib")])


def extra_variables(variables: Mapping[str, Any]) -> str:
    """``variables`` as AWX writes them (awx/main/utils/safe_yaml.py): JSON, each text with the tag ``!unsafe``."""

    def written(value: Any) -> str:
        if isinstance(value, str):
            quoted = value.replace("'", "''")
            return f"!unsafe {json.dumps(value)}" if "\n" in value else f"!unsafe '{quoted}'"
        if isinstance(value, list):
            return f"[{', '.join(map(written, value))}]"
        if isinstance(value, dict):
            return f"{{{', '.join(f'{written(key)}: {written(item)}' for key, item in value.items())}}}"
        return json.dumps(value)

    return "".join(f"{written(name)}: {written(value)}\n" for name, value in variables.items())


@dataclass(frozen=True)
class Job:
    """How a job ended."""

    rc: int
    status: str
    output: str
    #: what set_stats gave, which AWX shows and hands to later nodes of a workflow
    artifacts: dict[str, Any]


def job(
    directory: Path,
    playbook: str,
    inventory: Mapping[str, Any],
    *,
    core: str = "2.21",
    variables: Mapping[str, Any] | None = None,
    template: Mapping[str, Any] | None = None,
    options: Sequence[str] = (),
    secrets: Mapping[str, str] | None = None,
    project: Path | None = None,
) -> Job:
    """Run ``playbook`` in the new private data directory ``directory``.

    ``inventory`` is what the inventory script prints. ``variables`` are answers and launch variables.
    ``template`` are the template's own, which AWX writes without ``!unsafe``. ``secrets`` are
    the environment that credentials inject. ``project`` is copied; the copy must stay as it is.
    """
    for part in ("project", "inventory", "env", "artifacts", "cp"):
        (directory / part).mkdir(parents=True)
    if project is not None:
        shutil.copytree(project, directory / "project", dirs_exist_ok=True)
    script = directory / "inventory" / "hosts"
    script.write_text(f"#!{sys.executable}\nprint({json.dumps(json.dumps(inventory))})\n")
    script.chmod(0o700)
    own = "".join(f"{name}: {json.dumps(value)}\n" for name, value in (template or {}).items())
    (directory / "env" / "extravars").write_text(extra_variables(variables or {}) + own or "{}\n")
    (directory / "env" / "cmdline").write_text(" ".join(options))
    (directory / "env" / "settings").write_text(json.dumps({"suppress_env_files": True}))
    before = _listing(directory / "project")
    done = subprocess.run(
        [environment(core) / "bin" / "ansible-runner", "run", directory, "-p", playbook, "--ident", "1"],
        env={
            "PATH": f"{environment(core) / 'bin'}:{os.environ['PATH']}",
            "HOME": os.environ["HOME"],
            "LANG": "C.UTF-8",
            "ANSIBLE_HOST_KEY_CHECKING": "False",
            "ANSIBLE_FORCE_COLOR": "True",
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
            "ANSIBLE_RETRY_FILES_ENABLED": "False",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(directory / "cp"),
            "ANSIBLE_COLLECTIONS_PATH": collections_path(),
            "ANSIBLE_INJECT_FACT_VARS": "False",
            "AWX_PRIVATE_DATA_DIR": str(directory),
            "JOB_ID": "1",
            **(secrets or {}),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=HANGS,
    )
    result = directory / "artifacts" / "1"
    assert (result / "rc").exists(), done.stdout + done.stderr
    assert _listing(directory / "project") == before, "the project was written to"
    events = [json.loads(path.read_text()) for path in (result / "job_events").glob("*.json")]
    stats = [event["event_data"] for event in events if event["event"] == "playbook_on_stats"]
    return Job(
        int((result / "rc").read_text()),
        (result / "status").read_text(),
        (result / "stdout").read_text(),
        dict(stats[0].get("artifact_data") or {}) if stats else {},
    )


def _listing(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}
