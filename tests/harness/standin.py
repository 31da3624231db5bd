# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenBSD stand-in as a disposable host, with ansible-playbook against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.containers import Host
from ansible_collections.puffy.mail.tests.harness.playbooks import LOCAL, Run, playbook

#: the package branches of Postfix; each has an image of its own
BRANCHES = ("stable", "stable35")
#: fixture parameters: the first in every test run, both in the long one
EACH_BRANCH = (BRANCHES[0], pytest.param(BRANCHES[1], marks=pytest.mark.long))


class Standin(Host):
    """A container of the stand-in (molecule/shared/openbsd), booted: syslogd and smtpd of base run."""

    python = "/usr/local/bin/python3"

    def __init__(self, branch: str, *run_options: str) -> None:
        super().__init__(f"openbsd-{branch}", *run_options)
        self.branch = branch
        try:
            self.wait("rcctl check smtpd >/dev/null")
        except BaseException:
            self.close()  # nobody else knows of it yet
            raise

    def __enter__(self) -> Standin:
        return self

    def install_postfix(self, flavors: str = "") -> None:
        """Add the Postfix package of this stand-in's branch, by hand."""
        done = self.run(["pkg_add", "-I", f"postfix--{flavors}%{self.branch}"])
        assert not done.stderr, done.stderr

    def playbook(self, plays: Sequence[Mapping[str, Any]], *options: str, check: bool = True, **variables: Any) -> Run:
        """Run plays on this host with ansible-playbook through podman's connection plugin."""
        done = playbook(plays, {"all": {"hosts": {self.name: self.connection}}}, *options, variables=variables)
        assert not check or done.rc == 0, done.output
        return done

    @staticmethod
    def local(plays: Sequence[Mapping[str, Any]], hosts: Mapping[str, Mapping[str, Any]]) -> Run:
        """Run plays on the control side only, for hosts that exist by name, each with its variables."""
        return playbook(plays, {"all": {"hosts": {name: {**given, **LOCAL} for name, given in hosts.items()}}})
