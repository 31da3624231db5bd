# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs a function of module_utils, and the modules that it needs, into one file that python3 of a host can run.

See "Executable Python Zip Archives" (zipapp) in the documentation of Python. The same modules give the same bytes.
"""

from __future__ import annotations

import ast
import io
import os
import zipfile
from collections.abc import Iterator

#: the package of the modules, and where its files are below ansible_collections
PACKAGE = "ansible_collections.puffy.mail.plugins.module_utils"
_INSIDE = PACKAGE.replace(".", "/")

#: The oldest date a zip file can have: the time of packing is not content.
_DATE = (1980, 1, 1, 0, 0, 0)

#: cron(8) has /usr/local/bin on its PATH on OpenBSD, where packages have their python3
_INTERPRETER = b"#!/usr/bin/env python3\n"

_MAIN = """\
# Managed by Ansible (puffy.mail.activation_command); changes made here are overwritten.
import sys

from {module} import main

sys.exit(main())
"""


def modules(root: str, name: str) -> list[str]:
    """The modules that ``name`` needs, itself included, as dotted names below the package, sorted.

    ``root`` is the directory of the package. Raises ValueError where a module imports Ansible, which hosts do not have.
    """
    found: set[str] = set()
    waiting = [name]
    while waiting:
        module = waiting.pop()
        if module in found:
            continue
        found.add(module)
        path = _path(root, module)
        with open(path, encoding="utf-8") as stream:
            tree = ast.parse(stream.read(), path)
        for imported in _imports(tree):
            if imported == "ansible" or imported.startswith("ansible."):
                raise ValueError(f"{path} imports {imported}, which hosts do not have. Use the standard library.")
            if imported == PACKAGE or imported.startswith(f"{PACKAGE}."):
                below = imported[len(PACKAGE) + 1 :]
                # "from package.module import name" names a module, or something in one.
                while below and not os.path.exists(_path(root, below)):
                    below = below.rpartition(".")[0]
                if below:
                    waiting.append(below)
    return sorted(found)


def _path(root: str, module: str) -> str:
    path = os.path.join(root, *module.split("."))
    return os.path.join(path, "__init__.py") if os.path.isdir(path) else f"{path}.py"


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"line {node.lineno} has a relative import. Use the full name of the module.")
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def build(root: str, name: str) -> bytes:
    """The application whose entry point is ``main()`` of the module ``name`` below the package at ``root``."""
    contents = {"__main__.py": _MAIN.format(module=f"{PACKAGE}.{name}").encode()}
    for module in modules(root, name):
        path = _path(root, module)
        with open(path, "rb") as stream:
            contents[f"{_INSIDE}/{os.path.relpath(path, root)}"] = stream.read()
    for path in list(contents):
        while path := os.path.dirname(path):
            contents.setdefault(f"{path}/__init__.py", b"")
    packed = io.BytesIO()
    # Not compressed: what zlib makes depends on its version.
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for path, content in sorted(contents.items()):
            entry = zipfile.ZipInfo(path, _DATE)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)
    return _INTERPRETER + packed.getvalue()
