# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports 587 and 465: on, off, either of the two."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.capabilities.wishes import composed

LISTS = [f"mua_{stage}_restrictions" for stage in ("client", "helo", "sender", "relay", "recipient")]


@pytest.mark.parametrize("no", [False, "false", "no", "0", 0, "off"])
def test_each_spelling_of_off_is_off(no: Any) -> None:
    found = composed(postfix_submission=no, postfix_submissions=no, postfix_chroot=no)
    assert found.services["submission/inet"] == found.services["submissions/inet"] == {"state": "absent"}
    assert found.services["smtp/inet"]["chroot"] == "n"
    # Nothing uses these lists then.
    assert not set(LISTS) & set(found.parameters)
    assert set(LISTS) <= set(found.absent)


@pytest.mark.parametrize("off", ["submission", "submissions"])
def test_either_of_the_two(off: str) -> None:
    on = {"submission": "submissions", "submissions": "submission"}[off]
    found = composed(**{f"postfix_{off}": "no"})
    assert found.services[f"{off}/inet"] == {"state": "absent"}
    assert found.services[f"{on}/inet"]["options"]["smtpd_tls_auth_only"] == "yes"
    assert set(LISTS) <= set(found.parameters)
