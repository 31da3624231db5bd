# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documents show must exist: code blocks parse, links lead somewhere, commands are there."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import jmespath
import pytest
import yaml

from ansible_collections.puffy.mail.plugins.modules import postfix_info

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(path for pattern in ("*.md", "docs/**/*.md", "roles/*/README.md") for path in ROOT.glob(pattern))
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


def test_queries_ask_for_what_the_modules_return() -> None:
    returned = yaml.safe_load(postfix_info.RETURN)

    def sample(name: str, **values: object) -> dict[str, object]:
        assert set(values) <= set(returned[name]["contains"])
        return values

    result = {
        "findings": [
            sample("findings", severity="error", file="main.cf", line=3, message="bad"),
            sample("findings", severity="warning", file="main.cf", line=4, message="odd"),
        ],
        "services": [
            sample("services", command="smtpd", chrooted=True),
            sample("services", command="local", chrooted=False),
        ],
    }
    queries = re.findall(r'json_query\("(.+?)"\)', (ROOT / "docs" / "checks.md").read_text())
    assert [jmespath.search(query, result) for query in queries] == [[["main.cf", 3, "bad"]], ["local"]]
