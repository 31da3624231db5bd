# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the documentation site in .site/html: the guides, and the reference of plugins and roles.

The guides stay where they are read on a forge, docs/*.md and the READMEs. This script copies them, turns links to files
that the site does not have into links to the repository, and lets antsibull-docs and Sphinx do the rest. A warning of
either is a failure.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import environments
import yaml

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / ".site"
SOURCE = SITE / "source"
#: the guides in reading order, by heading; a document of docs/ that stands nowhere follows the guides
GUIDES: dict[str, tuple[str, ...]] = {
    "Start": ("quick-start", "own-host"),
    "Guides": (
        "openbsd", "sqlite", "ldap", "tls", "dovecot", "documents", "verify", "refused-mail", "day-two",
        "troubleshooting", "security", "awx", "fleets",
    ),
    "Background": ("design", "activation", "lookup-tables", "tested", "inclusion"),
    "Reference": ("playbooks", "variables", "checks"),
}  # fmt: skip
#: the other pages, by heading
PAGES = {"Reference": ("reference/index",), "Project": ("CHANGELOG", "CONTRIBUTING", "SECURITY", "CODE_OF_CONDUCT")}
LINK = re.compile(r"(!?\[[^\]]*\]\()([^)#\s]+)((?:#[^)\s]*)?\))")
CONFIGURATION = '''\
project = "puffy.mail"
copyright = "The puffy.mail developers"
release = version = {version!r}
extensions = ["myst_parser", "sphinx_antsibull_ext"]
source_suffix = {{".md": "markdown", ".rst": "restructuredtext"}}
myst_heading_anchors = 4
html_theme = "furo"
html_title = "puffy.mail {version}"
html_copy_source = False
highlight_language = "text"
# A role's README and the site number their headings as they need to.
suppress_warnings = ["myst.header"]


ANSIBLE = "https://docs.ansible.com/ansible/latest/"
LABELS = {{
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}}


def elsewhere(app, env, node, content):
    """Link the plugins of other collections, and three pages, to the site of Ansible."""
    from docutils import nodes

    if node.get("reftarget") in LABELS:
        return nodes.reference("", "", content, internal=False, refuri=ANSIBLE + LABELS[node["reftarget"]])
    parts = node.get("reftarget", "").split("#")[0].split(".")
    if parts[0] != "ansible_collections" or parts[1:3] == ["puffy", "mail"] or len(parts) < 4:
        return None
    page = parts[3].replace("_module", "_module.html", 1) if parts[3].endswith("_module") else f"{{parts[3]}}.html"
    address = f"{{ANSIBLE}}collections/{{parts[1]}}/{{parts[2]}}/{{page}}"
    return nodes.reference("", "", content, internal=False, refuri=address)


def setup(app):
    app.connect("missing-reference", elsewhere)
'''


class SiteFailed(Exception):
    """A site that could not be built; the message is for the person who started it."""


def repository() -> tuple[str, str]:
    """Return the address of the repository and the version of the collection."""
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())
    return galaxy["repository"], galaxy["version"]


def staged() -> list[Path]:
    """Return the Markdown files that become pages."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("roles/*/README.md")])


def rewritten(path: Path, text: str, pages: set[Path], address: str) -> str:
    """Return the text of a page with links that lead somewhere on the site; raise SiteFailed for a link to nothing."""

    def link(match: re.Match[str]) -> str:
        before, target, after = match.groups()
        if "://" in target:
            return match[0]
        found = (path.parent / target).resolve()
        if not found.exists():
            raise SiteFailed(f"{path.relative_to(ROOT)} links to {target}, which does not exist.")
        up = "../" * len(path.relative_to(ROOT).parent.parts)
        if found == ROOT / "README.md":
            return f"{before}{up}index.md{after}"
        if found in pages or found.suffix == ".svg":
            return match[0]
        if found.parent == ROOT / "plugins" / "modules":
            return f"{before}{up}reference/{found.stem}_module.rst{after}"
        return f"{before}{address}/blob/main/{found.relative_to(ROOT)}{after}"

    parts = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if part.startswith("```") else LINK.sub(link, part) for part in parts)


def toctree(heading: str, names: list[str]) -> str:
    listed = "\n".join(names)
    return f"\n```{{toctree}}\n:hidden:\n:caption: {heading}\n\n{listed}\n```\n"


def stage() -> None:
    """Fill the source directory."""
    shutil.rmtree(SITE, ignore_errors=True)
    address, version = repository()
    pages = set(staged())
    for path in pages:
        target = SOURCE / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(rewritten(path, path.read_text(), pages, address))
    (SOURCE / "docs" / "pictures").mkdir()
    for picture in ROOT.glob("docs/pictures/*.svg"):
        shutil.copy(picture, SOURCE / "docs" / "pictures")
    there = {path.stem for path in pages if path.parent == ROOT / "docs"}
    others = sorted(there - {name for names in GUIDES.values() for name in names})
    index = (SOURCE / "README.md").read_text()
    (SOURCE / "README.md").unlink()
    for heading in ("Start", "Guides", "Reference", "Background", "Project"):
        guides = [*GUIDES.get(heading, ()), *(others if heading == "Guides" else [])]
        names = [f"docs/{name}" for name in guides if name in there] + [*PAGES.get(heading, ())]
        if heading == "Reference":
            names += [f"{path.relative_to(ROOT).parent}/README" for path in sorted(pages) if "roles" in path.parts]
        index += toctree(heading, names)
    (SOURCE / "index.md").write_text(index)
    (SOURCE / "conf.py").write_text(CONFIGURATION.format(version=version))


def build() -> None:
    """Write .site/html; raise SiteFailed where a tool has an error or a warning."""
    place = environments.named("docs")
    stage()
    tree = subprocess.run([ROOT / "tools" / "tree"], capture_output=True, text=True, check=True).stdout.strip()
    path = f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "ANSIBLE_COLLECTIONS_PATH": tree}
    reference = SOURCE / "reference"
    reference.mkdir(parents=True)
    for command in (
        ["antsibull-docs", "collection", "--use-current", "--squash-hierarchy", "--fail-on-error",
         "--no-add-antsibull-docs-version", "--dest-dir", reference, "puffy.mail"],
        ["sphinx-build", "-q", "-W", "--keep-going", "-b", "html", SOURCE, SITE / "html"],
    ):  # fmt: skip
        done = subprocess.run(
            [place / "bin" / command[0], *command[1:]],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise SiteFailed(f"{command[0]} failed:\n{done.stdout.strip()}")


def main() -> int:
    try:
        build()
    except (SiteFailed, environments.EnvironmentFailed) as error:
        print(error, file=sys.stderr)
        return 1
    print(SITE / "html" / "index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
