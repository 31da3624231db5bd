# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""host_probe: what it asks postconf(1) for the list of networks. The other checks are those of inside.py."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils import _command
from ansible_collections.puffy.mail.plugins.modules import host_probe


@pytest.mark.parametrize(
    ("answer", "ok", "seen"),
    [
        ((0, "127.0.0.0/8 10.88.0.7/32\n", ""), True, "127.0.0.0/8 10.88.0.7/32"),
        ((0, "0.0.0.0/0\n", ""), False, "0.0.0.0/0"),
        (
            (1, "", "postconf: fatal: bad numerical configuration\n"),
            False,
            "postconf: fatal: bad numerical configuration",
        ),
    ],
)
def test_networks(monkeypatch: pytest.MonkeyPatch, answer: tuple[int, str, str], ok: bool, seen: str) -> None:
    ran: list[list[str]] = []

    def run(argv: list[str], **_dummy: Any) -> _command.Result:
        ran.append(argv)
        return _command.Result(tuple(argv), *answer)

    monkeypatch.setattr(_command, "run", run)
    monkeypatch.setattr(_command, "require", lambda name, *_dummy, **__: name)
    found = host_probe.networks("/etc/postfix")
    assert (found.ok, found.seen) == (ok, seen)
    assert ran == [["postconf", "-c", "/etc/postfix", "-xh", "mynetworks"]]
