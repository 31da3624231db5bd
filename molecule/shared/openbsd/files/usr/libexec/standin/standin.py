# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the commands of the OpenBSD stand-in share: rc.conf(8), the package database, failure."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from typing import NoReturn

SUFFIXES = ("_execdir", "_flags", "_logger", "_rtable", "_timeout", "_user")
# rc.subr 1.163: the other variables _rc_parse_conf reads
GLOBALS = (
    *("accounting", "amd_master", "check_quotas", "ipsec", "library_aslr", "multicast", "nfs_server", "pexp", "pf"),
    *("pkg_scripts", "shlib_dirs", "spamd_black"),
)
SPECIAL = ("accounting", "check_quotas", "ipsec", "library_aslr", "multicast", "pf", "spamd_black")
RC_CONF = "/etc/rc.conf"
RC_CONF_LOCAL = "/etc/rc.conf.local"


def die(message: str, status: int = 1) -> NoReturn:
    sys.stderr.write(f"{os.path.basename(sys.argv[0])}: {message}\n")
    sys.exit(status)


def need_root(action: str) -> None:
    if os.geteuid() != 0:
        die(f'"{action}" needs root privileges')


def read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""


def parse_rc(path: str) -> dict[str, str]:
    """rc.subr 1.163, _rc_parse_conf: no shell script, the last assignment wins."""
    found = {}
    # ksh: `while read` does not run its body for a last line without a newline
    for line in read(path).split("\n")[:-1]:
        line = line.strip(" \t")
        if not re.match(r"[^#=].*=|=", line) or line[0] in "#=":
            continue
        key, _dummy, value = line.partition("=")
        key = key.rstrip(" \t").lower()
        if key not in GLOBALS and not key.endswith(SUFFIXES):
            continue
        value = value.lstrip(" \t").split("#")[0].rstrip(" \t")
        match = re.fullmatch(r"\"(.*)\"|'(.*)'", value)
        found[key] = (match.group(1) or match.group(2) or "") if match else value
    return found


def variables() -> dict[str, str]:
    return {**parse_rc(RC_CONF), **parse_rc(RC_CONF_LOCAL)}


def rewrite_local(lines: list[str]) -> None:
    """rcctl.sh 1.120: sort -u, install -m0644 -o0 -g0 where it differs, no file where nothing is left."""
    new = "".join(f"{line}\n" for line in sorted(set(lines), key=lambda line: line.encode("utf-8", "surrogateescape")))
    if not new:
        if os.path.exists(RC_CONF_LOCAL):
            os.unlink(RC_CONF_LOCAL)
        return
    if new == read(RC_CONF_LOCAL):
        return
    descriptor, name = tempfile.mkstemp(prefix="rc.conf.local.", dir="/etc")
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
        stream.write(new)
    os.chmod(name, 0o644)
    os.chown(name, 0, 0)
    os.replace(name, RC_CONF_LOCAL)


def run(*argv: str) -> int:
    sys.stdout.flush()
    return subprocess.run(argv, check=False).returncode
