# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loaded by every Python that reads site-packages: what platform and os say about the system.

Ansible picks its OpenBSD code by platform.system(). sys.platform stays what it is: the standard library
chooses system calls by it.
"""

import os
import platform
from typing import NamedTuple


class _Uname(NamedTuple):
    sysname: str
    nodename: str
    release: str
    version: str
    machine: str


def _uname() -> _Uname:
    return _Uname("OpenBSD", _node(), "7.9", "GENERIC.MP#0", "amd64")


def _node() -> str:
    with open("/proc/sys/kernel/hostname", encoding="ascii") as stream:
        return stream.read().strip()


os.uname = _uname  # type: ignore[assignment]
platform.system = lambda: "OpenBSD"
platform.release = lambda: "7.9"
platform.version = lambda: "GENERIC.MP#0"
platform.machine = lambda: "amd64"
platform.node = _node
platform.platform = lambda *_dummy, **__: "OpenBSD-7.9-amd64"
