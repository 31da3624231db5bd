# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a release: version, changelog, tarball, galaxy-importer, commit and tag; push them only when a remote is named.

Everything happens in a clone of its own. The checkout gets the commit and the tag at the end, or nothing.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import environments
import tarball

ROOT = tarball.ROOT
VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


class ReleaseFailed(Exception):
    """A release that was not made; the message says why and what to do."""


def git(root: Path, *arguments: str) -> str:
    """Run git there and return what it prints; raise ReleaseFailed where it fails."""
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ReleaseFailed(f"git {' '.join(arguments)} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def check(root: Path, version: str) -> None:
    """Raise ReleaseFailed where this checkout cannot become that version."""
    if not VERSION.fullmatch(version):
        raise ReleaseFailed(f"{version!r} is not a version. Use three numbers, such as 1.2.3 (semver.org).")
    if changed := git(root, "status", "--porcelain"):
        raise ReleaseFailed(f"There are changes that are not committed:\n{changed}\nCommit or remove them first.")
    earlier = [tag for tag in git(root, "tag").split() if VERSION.fullmatch(tag)]
    if version in earlier:
        raise ReleaseFailed(f"The tag {version} exists. Use a later version.")
    if earlier and number(version) < max(map(number, earlier)):
        raise ReleaseFailed(f"The version {version} is older than {max(earlier, key=number)}. Use a later version.")
    written = (root / "changelogs" / "changelog.yaml").read_text()
    fragments = sorted((root / "changelogs" / "fragments").glob("*.y*ml"))
    summary = any("release_summary:" in path.read_text() for path in fragments)
    if not summary and not re.search(rf"^  {re.escape(version)}:$", written, re.MULTILINE):
        raise ReleaseFailed(
            f"Nothing says what is new in {version}. Add changelogs/fragments/{version}.yml with release_summary."
        )


def write(root: Path, version: str) -> None:
    """Write the version wherever the name of a tarball or of a tag has it; not into what says what earlier ones had."""
    galaxy = root / "galaxy.yml"
    galaxy.write_text(re.sub(r"^version: .*$", f"version: {version}", galaxy.read_text(), flags=re.MULTILINE))
    for name in git(root, "ls-files", "*.md", "*.yml", ":!CHANGELOG.md", ":!changelogs").splitlines():
        path = root / name
        text = path.read_text(encoding="utf-8")
        named = re.sub(rf"(puffy-mail-|REPOSITORY_URL,){VERSION.pattern}", rf"\g<1>{version}", text)
        if named != text:
            path.write_text(named, encoding="utf-8")


def release(root: Path, version: str) -> str:
    """Make the commit and the tag of the version in the checkout ``root``, and return the commit."""
    check(root, version)
    branch = git(root, "symbolic-ref", "--short", "HEAD")
    with tempfile.TemporaryDirectory(prefix="puffy-mail-release-") as name:
        clone = Path(name, "clone")
        git(root, "clone", "-q", "--no-hardlinks", str(root), str(clone))
        for key in ("user.name", "user.email"):
            git(clone, "config", key, git(root, "config", key))
        write(clone, version)
        step("changelog")
        done = subprocess.run(
            [sys.executable, clone / "tools" / "sanity.py", "--changelog", "release"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise ReleaseFailed(f"antsibull-changelog failed:\n{done.stdout}{done.stderr}".rstrip())
        git(clone, "add", "-A")
        if git(clone, "status", "--porcelain"):
            git(clone, "commit", "-q", "-m", f"release: {version}")
        step("tarball")
        archive = tarball.build(Path(name), clone)
        step("galaxy-importer")
        tarball.importer(archive)
        if changed := git(clone, "status", "--porcelain"):
            raise ReleaseFailed(f"The build left files in the tree:\n{changed}")
        git(clone, "tag", "-a", version, "-m", f"puffy.mail {version}")
        git(root, "fetch", "-q", str(clone), f"refs/tags/{version}:refs/tags/{version}")
        try:
            git(root, "merge", "-q", "--ff-only", version)
        except ReleaseFailed:
            git(root, "tag", "-d", version)
            raise
    print(f"{branch} has the commit and the tag {version}.")
    return git(root, "rev-parse", "HEAD")


def step(name: str) -> None:
    print(f"==> {name}", flush=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("version")
    parser.add_argument("--publish", default="", metavar="REMOTE", help="push the commit and the tag to this remote")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        if options.publish:
            git(options.root, "remote", "get-url", options.publish)
        release(options.root, options.version)
        if options.publish:
            git(options.root, "push", "-q", "--atomic", options.publish, "HEAD", f"refs/tags/{options.version}")
            print(f"{options.publish} has them too. The workflow 'release' publishes the tarball.")
        else:
            print("Nothing is published. To publish, push the branch and the tag.")
    except (ReleaseFailed, tarball.TarballFailed, environments.EnvironmentFailed) as error:
        print(f"{error}\nNo release was made.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
