# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""postfix_info and the audit playbook on real Postfix."""

from __future__ import annotations

import pytest
from hosts import POSTFIX, Host

pytestmark = pytest.mark.containers


def test_the_stock_configuration_has_no_findings(host: Host, release: str) -> None:
    result = host.module("postfix_info", {})
    assert not result.get("failed"), result
    assert result["findings"] == []
