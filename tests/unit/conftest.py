# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module that a unit test runs is held to its word that nothing was changed."""

from __future__ import annotations

from ansible_collections.puffy.mail.tests.harness import untouched

untouched.watch()
