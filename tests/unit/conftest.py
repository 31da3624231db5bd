# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module that a unit test runs is held to its word that nothing was changed. It finds no lock of this machine."""

from __future__ import annotations

import os
import tempfile

from ansible_collections.puffy.mail.plugins.module_utils import _host_lock
from ansible_collections.puffy.mail.tests.harness import untouched

untouched.watch()
# A run that holds this machine is nothing to a unit test.
_host_lock.PATH = os.path.join(tempfile.mkdtemp(), "lock")
