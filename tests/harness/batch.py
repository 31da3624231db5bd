# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many module runs and shell commands in a host through one process.

Most of the time of a short module run is Python importing Ansible. Here it is imported once, and each
request runs in a fork of that process: the module starts as fresh as it does by itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.puffy.mail.tests.harness.containers import ENVIRONMENT, HANGS, Host

_RUNNER = """
import importlib, json, os, runpy, subprocess, sys, tempfile
import ansible.module_utils.basic
from ansible_collections.puffy.mail.tests.harness.arguments import patch_module_args
from ansible_collections.puffy.mail.tests.harness import untouched
untouched.watch()
requests = json.load(sys.stdin)
for name in {request["module"] for request in requests if "module" in request}:
    # What a module imports is there for every run; the module itself is not.
    importlib.import_module("ansible_collections.puffy.mail.plugins.modules." + name)
    del sys.modules["ansible_collections.puffy.mail.plugins.modules." + name]
for request in requests:
    if "sh" in request:
        done = subprocess.run(["sh", "-c", request["sh"]], capture_output=True, text=True, errors="replace")
        print(json.dumps({"rc": done.returncode, "stdout": done.stdout, "stderr": done.stderr}), flush=True)
        continue
    with tempfile.TemporaryFile() as output:
        child = os.fork()
        if child == 0:
            os.dup2(output.fileno(), 1)
            with patch_module_args(request["arguments"]):
                runpy.run_module(
                    "ansible_collections.puffy.mail.plugins.modules." + request["module"],
                    run_name="__main__", alter_sys=True,
                )
            os._exit(0)
        os.waitpid(child, 0)
        output.seek(0)
        print(output.read().decode().strip(), flush=True)
"""


def module(name: str, arguments: Mapping[str, Any], *, check: bool = False) -> dict[str, Any]:
    """A request that runs a module of this collection, with diff."""
    return {"module": name, "arguments": {**arguments, "_ansible_check_mode": check, "_ansible_diff": True}}


def shell(command: str) -> dict[str, Any]:
    """A request that runs a shell command as root; it answers rc, stdout and stderr."""
    return {"sh": command}


def run(host: Host, requests: Sequence[Mapping[str, Any]], timeout: float = HANGS) -> list[dict[str, Any]]:
    """Run the requests one after the other and return their answers."""
    done = host.run(
        [*ENVIRONMENT, "python3", "-c", _RUNNER],
        data=json.dumps(list(requests)),
        check=False,
        timeout=timeout,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == len(requests), f"{done.stdout}\n{done.stderr}"
    return [json.loads(line) for line in lines]


def four(name: str, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The requests check, run, check, run."""
    return [module(name, arguments, check=check) for check in (True, False, True, False)]


def assert_four(answers: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The first two report the same change, the last two none; returns what the first real run returned."""
    predicted, first, again, second = answers
    assert not any(answer.get("failed") for answer in answers), answers
    assert (predicted["changed"], predicted.get("diff")) == (first["changed"], first.get("diff")), (predicted, first)
    assert not again["changed"], again
    assert not second["changed"], second
    return first
