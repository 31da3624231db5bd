# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What else strangers may do."""

from __future__ import annotations

from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.checks import cases

test_a_fault_is_found_and_named = cases.tests("exposure")
