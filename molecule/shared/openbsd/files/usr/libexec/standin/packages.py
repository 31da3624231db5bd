# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages that the stand-in's image holds, and those installed: packages-specs(7), pkg_add(1), PkgSpec.pm."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import dataclass

STORE = "/usr/libexec/standin/packages"
DATABASE = "/var/db/pkg"


@dataclass(frozen=True)
class Package:
    stem: str
    version: str
    flavors: tuple[str, ...]
    pkgpath: str
    meta: dict

    @property
    def name(self) -> str:
        return "-".join((self.stem, self.version, *self.flavors))

    @property
    def spec(self) -> str:
        """pkg_info -z: flavors sorted, and the branch of a package with @option is-branch."""
        branch = f"%{os.path.basename(self.pkgpath)}" if self.meta.get("is_branch") else ""
        return f"{self.stem}--{'-'.join(sorted(self.flavors))}{branch}"


def available() -> list[Package]:
    found = []
    for stem in sorted(os.listdir(STORE)):
        with open(f"{STORE}/{stem}/package.json", encoding="utf-8") as stream:
            meta = json.load(stream)
        for flavors in meta["flavors"]:
            found.append(Package(stem, meta["version"], tuple(flavors), meta["pkgpath"], meta))
    return found


def installed() -> list[Package]:
    names = set(os.listdir(DATABASE)) if os.path.isdir(DATABASE) else set()
    return [package for package in available() if package.name in names]


def matches(spec: str, package: Package) -> bool:
    spec, _dummy, branch = spec.partition("%")
    # PackingList.pm, partial_match: a whole word of the pkgpath, so that stable is not stable35
    if branch and not re.search(rf"\b{re.escape(branch)}\b", package.pkgpath):
        return False
    match = re.fullmatch(r"(.+?)--(.*)", spec)
    if match:
        # PkgSpec.pm, exactflavor: a sorted set
        wanted = sorted({flavor for flavor in match.group(2).split("-") if flavor})
        return package.stem == match.group(1) and wanted == sorted(package.flavors)
    match = re.fullmatch(r"(.+?)-(\d[^-]*)((?:-.+)?)", spec)
    if match:
        return package.name == spec
    return package.stem == spec


def has_version(spec: str) -> bool:
    return re.fullmatch(r".+?-\d[^-]*(?:-.+)?", spec.partition("%")[0]) is not None and "--" not in spec


def files_of(package: Package) -> list[str]:
    root = f"{STORE}/{package.stem}/files"
    return sorted(
        os.path.relpath(os.path.join(directory, name), root)
        for directory, _dirs, names in os.walk(root)
        for name in names
    )


def register(package: Package) -> None:
    os.makedirs(f"{DATABASE}/{package.name}", exist_ok=True)
    with open(f"{DATABASE}/{package.name}/+CONTENTS", "w", encoding="utf-8") as stream:
        stream.write(f"@name {package.name}\n@comment pkgpath={package.pkgpath}\n")
        stream.write("@option is-branch\n" if package.meta.get("is_branch") else "")
        stream.write(f"@conflict {package.stem}-*\n")
        stream.writelines(f"/{name}\n" for name in files_of(package))


def unregister(package: Package) -> None:
    shutil.rmtree(f"{DATABASE}/{package.name}")
