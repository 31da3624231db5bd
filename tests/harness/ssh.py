# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bare host that is reached through its sshd alone, by an ordinary account that may use sudo."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.puffy.mail.tests.harness.containers import Host

#: what Ansible needs beside the address, the port and the key
VARIABLES = {
    "ansible_connection": "ssh",
    "ansible_user": "deploy",
    "ansible_become": True,
    "ansible_python_interpreter": Host.python,
}


def common_arguments(known_hosts: str) -> str:
    """The options of ssh: no settings of the account that runs the tests, and the key of a new host is taken."""
    return f"-F /dev/null -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile={known_hosts}"


@contextmanager
def ssh_host(directory: Path, *options: str) -> Iterator[Host]:
    """The host. Its user deploy takes the key that lies in ``directory`` then."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / "key"], check=True)
    with Host("trixie-ssh", *options) as host:
        host.run("useradd -m -s /bin/sh deploy && echo 'deploy ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/deploy")
        host.run("install -d -m 700 -o deploy -g deploy /home/deploy/.ssh")
        host.run(
            "umask 077; cat >/home/deploy/.ssh/authorized_keys; chown deploy /home/deploy/.ssh/authorized_keys",
            data=(directory / "key.pub").read_text(),
        )
        host.run("mkdir -p /run/sshd && { pgrep -x sshd || /usr/sbin/sshd; }")
        yield host
