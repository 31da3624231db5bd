# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the host images from Debian packages, without a container registry.

    tools/images.py NAME...     builds what is missing and prints each image's name on standard output
    tools/images.py --list      the names there are

A *bare* image (``trixie``) is a minimal Debian with Python, an init and syslogd, and no python3-apt; the mail
packages lie in its package cache, so that a play installs them for real and without a network. A *mail* image
(``trixie-mail``) is the bare one after that installation, nothing configured and nothing started: the real Postfix
that the module tests run against. An *ldap* image (``trixie-ldap``) is the mail one with OpenLDAP's server and
clients too, and Dovecot's LDAP support in the package cache; an *acme* image has certbot and the ACME server pebble;
a *sudo* image is the bare one with sudo, and an *ssh* image that one with sshd; a *milters* image has OpenDKIM,
OpenDMARC and policyd-spf in the package cache; a *sql* image is the mail one with MariaDB and PostgreSQL; a *sasl*
image is the LDAP one with saslauthd and authdaemond in the package cache. The *OpenBSD stand-in* (``openbsd-stable``,
``openbsd-stable35``) is Debian with the commands, files and paths of OpenBSD 7.9 where this collection touches them:
docs/openbsd.md says what it proves and what it does not.

An image's tag is the hash of its recipe, so a changed recipe builds anew and an unchanged one is reused.
"""

from __future__ import annotations

import argparse
import dataclasses
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PODMAN = str(ROOT / "tools" / "podman")
REPOSITORY = "localhost/puffy-mail"
#: free space, in bytes, that one build may need at its peak (root file system, archive and image)
NEEDED_BYTES = 3 * 1024**3

#: what a bare image has beyond Debian's required packages: what makes it a host that boots, logs, and takes Ansible
BASE_PACKAGES = ("inetutils-syslogd", "python3", "sysvinit-core")
#: what ansible.builtin.apt installs by itself before its first package; in the package cache of a bare image only
APT_PACKAGES = ("python3-apt",)
#: what the tests look with; in the package cache of a bare image, and installed in a mail image
TEST_PACKAGES = ("ca-certificates", "iproute2", "openssl", "procps")
MAIL_PACKAGES = (
    "dovecot-imapd",
    "dovecot-lmtpd",
    "dovecot-sqlite",
    "postfix",
    "postfix-ldap",
    "postfix-pcre",
    "postfix-sqlite",
    "python3-cryptography",
)
#: an image upon another one of the release: which one, what is installed beyond, and what lies in the package cache
UPON: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "ldap": ("-mail", ("ldap-utils", "slapd"), ("dovecot-ldap",)),
    "acme": ("-mail", ("certbot", "pebble"), ()),
    "sudo": ("", ("sudo",), ()),
    "ssh": ("-sudo", ("openssh-server",), ()),
    "milters": ("-mail", (), ("opendkim", "opendmarc", "postfix-policyd-spf-python")),
    "sql": ("-mail", ("mariadb-server", "postfix-mysql", "postfix-pgsql", "postgresql"), ()),
    "sasl": ("-ldap", (), ("courier-authdaemon", "sasl2-bin", "libsasl2-modules")),
}
#: the package branch of mail/postfix, and the image whose Postfix stands in for it
STANDINS = {"stable": "forky-mail", "stable35": "bullseye-mail"}
STANDIN_SOURCES = ROOT / "molecule" / "shared" / "openbsd"
#: PID 1 runs the enabled services of runlevel 2, as a booting host does, and reaps what they leave.
INITTAB = "id:2:initdefault:\nl2:2:wait:/etc/init.d/rc 2\n"


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What goes into one bare image."""

    release: str
    extra: tuple[str, ...] = ()
    #: A testing release may carry a Release file past its date.
    check_valid_until: bool = True
    #: The security suite of a release past its support lists packages that are gone.
    security: bool = True


RECIPES = {
    "bullseye": Recipe("bullseye", ("postfix-lmdb",), security=False),
    "bookworm": Recipe("bookworm", ("postfix-lmdb",)),
    "trixie": Recipe("trixie", ("postfix-lmdb",)),
    "forky": Recipe("forky", ("postfix-lmdb", "postfix-cdb"), check_valid_until=False),
}


class BuildError(Exception):
    """A build that did not succeed; the message is for the person who started it."""


#: what must not be ended half way: a port that is forwarded to a container nobody knows of stays so until the next boot
_WHOLE = ("run", "start", "rm")


def podman(*arguments: str, quiet: bool = False) -> str:
    """Run podman and return its standard output.

    Where its network is at stake, neither Ctrl-C nor what ends us ends it: it takes a second or two.
    """
    whole = arguments[0] in _WHOLE
    with subprocess.Popen(
        [PODMAN, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=whole,
    ) as child:  # fmt: skip
        try:
            out, error = child.communicate()
        except BaseException:
            if whole:
                child.communicate()
            else:
                child.kill()
            raise
    if child.returncode != 0 and not quiet:
        raise BuildError(f"podman {' '.join(arguments[:2])} failed: {error.strip()}")
    return out.strip() if child.returncode == 0 else ""


def mirror_arguments(recipe: Recipe) -> list[str]:
    """The mirror to build from: DEBIAN_MIRROR, or mmdebstrap's own default."""
    mirror = os.environ.get("DEBIAN_MIRROR", "")
    arguments = [] if recipe.check_valid_until else ['--aptopt=Acquire::Check-Valid-Until "false"']
    return [*arguments, recipe.release, "-", *([mirror] if mirror else [])]


def cached(recipe: Recipe) -> tuple[str, ...]:
    """What lies in the package cache of a bare image, and is installed in its mail image."""
    return (*MAIL_PACKAGES, *TEST_PACKAGES, *recipe.extra)


def bare_command(recipe: Recipe, inittab: str) -> list[str]:
    """The mmdebstrap command line of a bare image; it writes the archive to standard output."""
    without_security = [] if recipe.security else ['--setup-hook=sed -i /security/d "$1"/etc/apt/sources.list']
    download = "APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get install -y -qq --download-only --no-install-recommends "
    return [
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        f"--include={','.join(BASE_PACKAGES)}",
        *without_security,
        f"--customize-hook=copy-in {inittab} /etc",
        f"--customize-hook={download}{' '.join((*cached(recipe), *APT_PACKAGES))} >&2",
        # The package lists and the downloaded packages stay: a play installs from them.
        "--skip=cleanup/apt",
        *mirror_arguments(recipe),
    ]


def tag_of(name: str) -> str:
    """The image's full name, its tag being the hash of everything that shapes it."""
    base, _dash, kind = name.partition("-")
    if base == "openbsd":
        return f"{REPOSITORY}-{name}:{standin_digest(kind)}"
    recipe = RECIPES[base]
    shape = json.dumps(
        [BASE_PACKAGES, cached(recipe), INITTAB, dataclasses.astuple(recipe), bare_command(recipe, "inittab")]
    )
    if kind in UPON:
        shape += json.dumps(UPON[kind])
    digest = hashlib.sha256(f"{kind}\n{shape}".encode()).hexdigest()[:16]
    return f"{REPOSITORY}-{name}:{digest}"


def standin_digest(branch: str) -> str:
    digest = hashlib.sha256(f"{branch}\n{tag_of(STANDINS[branch])}\n".encode())
    for path in sorted(each for each in STANDIN_SOURCES.rglob("*") if each.is_file()):
        if "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(STANDIN_SOURCES)}\0{path.stat().st_mode & 0o111}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def names() -> list[str]:
    debian = [name for base in RECIPES for name in (base, *(f"{base}-{kind}" for kind in ("mail", *UPON)))]
    return [*debian, *(f"openbsd-{branch}" for branch in STANDINS)]


def build_bare(name: str, tag: str) -> None:
    recipe = RECIPES[name]
    with tempfile.TemporaryDirectory(prefix="puffy-mail-image-") as directory:
        free = shutil.disk_usage(directory).free
        if free < NEEDED_BYTES:
            raise BuildError(
                f"{directory} has {free // 1024**2} MiB free and the image {name!r} needs {NEEDED_BYTES // 1024**2} MiB"
                " while it is built: free some space, or name another place with TMPDIR."
            )
        inittab = Path(directory, "inittab")
        inittab.write_text(INITTAB)
        archive = Path(directory, "root.tar")
        as_root = ["sudo", "-n"] if os.geteuid() != 0 else []
        with archive.open("wb") as stream:
            done = subprocess.run(
                [*as_root, *bare_command(recipe, str(inittab))],
                stdout=stream,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        if done.returncode != 0:
            lines = "\n".join(done.stderr.strip().splitlines()[-12:])
            raise BuildError(
                f"mmdebstrap could not build the image {name!r}:\n{lines}\n"
                "No network, or no such mirror? DEBIAN_MIRROR names another one. Nothing was kept; run this again."
            )
        podman(
            "import", "--quiet", "--change", 'CMD ["/sbin/init"]', "--change", "STOPSIGNAL SIGKILL", str(archive), tag
        )


#: Installs packages as far as they can be without starting any service.
INSTALL = (
    "printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d;"
    " {{ {commands}; }} >/tmp/install.log 2>&1 || {{ tail -n 12 /tmp/install.log >&2; exit 1; }};"
    " rm -f /usr/sbin/policy-rc.d /tmp/install.log /var/log/mail.*; : >/var/log/syslog"
)


def build_upon(base: str, tag: str, command: str, *options: str) -> None:
    """Run a shell command in a container of the image ``base`` and keep the result as ``tag``."""
    container = podman("run", "-d", *options, "--env", "DEBIAN_FRONTEND=noninteractive", base, "sleep", "infinity")
    try:
        podman("exec", container, "sh", "-c", command)
        podman(
            "commit", "--quiet", "--change", 'CMD ["/sbin/init"]', "--change", "ENV DEBIAN_FRONTEND=", container, tag
        )
    finally:
        podman("rm", "--force", "--time", "0", container, quiet=True)


def build_mail(name: str, tag: str) -> None:
    base = name.removesuffix("-mail")
    # From the package cache alone: a play that installs them so must succeed.
    commands = f"apt-get install -y -qq --no-install-recommends {' '.join(cached(RECIPES[base]))}"
    build_upon(build(base), tag, INSTALL.format(commands=commands), "--network=none")


def build_more(name: str, tag: str) -> None:
    base, _dash, kind = name.partition("-")
    upon, installed, downloaded = UPON[kind]
    stale = "" if RECIPES[base].check_valid_until else " -o Acquire::Check-Valid-Until=false"
    fetch = "apt-get install -y -qq --no-install-recommends"
    attempt = f"{fetch} {' '.join(installed)} && {fetch} --download-only {' '.join(downloaded)}"
    # The lists of the image below may name packages that the mirror has replaced.
    commands = f"{attempt} || {{ apt-get update{stale} && {attempt}; }}"
    build_upon(build(f"{base}{upon}"), tag, INSTALL.format(commands=commands))


def build_standin(name: str, tag: str) -> None:
    branch = name.removeprefix("openbsd-")
    build_upon(build(STANDINS[branch]), tag, f"sh /standin/setup {branch}", "-v", f"{STANDIN_SOURCES}:/standin:ro")


def build(name: str) -> str:
    """Return the image's full name, building it if it is not there."""
    if name not in names():
        raise BuildError(f"there is no image {name!r}; there are {', '.join(names())}")
    tag = tag_of(name)
    lock = Path(
        os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir(), f"puffy-mail-image-{name}-{os.getuid()}.lock"
    )
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if subprocess.run([PODMAN, "image", "exists", tag], check=False).returncode == 0:
            return tag
        started = time.monotonic()
        print(f"Building the image {name} (about a minute, once)", file=sys.stderr, flush=True)
        kinds = {"": build_bare, "mail": build_mail, **dict.fromkeys(UPON, build_more)}
        kinds.get(name.partition("-")[2], build_standin)(name, tag)
        print(f"Built the image {name} in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return tag


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true", help="print the names there are")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(names()))
        return 0
    try:
        for name in arguments.names:
            print(build(name), flush=True)
    except BuildError as error:
        print(f"{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
