# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documents show must exist: code blocks parse, links lead somewhere, commands are there."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    path for pattern in ("README.md", "docs/**/*.md", "roles/*/README.md") for path in ROOT.glob(pattern)
)
TEXTS = [pytest.param(path, id=str(path.relative_to(ROOT))) for path in DOCUMENTS]


class _Loader(yaml.SafeLoader):
    """YAML as Ansible reads it."""


_Loader.add_constructor("!vault", lambda loader, node: loader.construct_scalar(node))


@pytest.mark.parametrize("path", TEXTS)
def test_code_blocks_parse(path: Path) -> None:
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL):
        if language in ("yaml", "yml"):
            list(yaml.load_all(block, _Loader))
        elif language == "json":
            json.loads(block)
        elif language in ("sh", "shell", "console"):
            subprocess.run(["sh", "-n"], input=block, text=True, check=True)
        elif language == "python":
            compile(block, str(path), "exec")


@pytest.mark.parametrize("path", TEXTS)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{path}: {target}"


@pytest.mark.parametrize("path", TEXTS)
def test_commands_exist(path: Path) -> None:
    text = path.read_text()
    targets = set(re.findall(r"^([a-z][a-z-]*):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for target in re.findall(r"(?:`|^    )make ([a-z][a-z-]+)", text, re.MULTILINE):
        assert target in targets, f"{path}: make {target}"
    for playbook in re.findall(r"ansible-playbook[^`\n]* puffy\.mail\.([a-z_]+)", text):
        assert (ROOT / "playbooks" / f"{playbook}.yml").is_file(), f"{path}: puffy.mail.{playbook}"
