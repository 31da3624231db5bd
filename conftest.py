# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the checkout importable as ``ansible_collections.puffy.mail``, wherever it lies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parent
_TREE = subprocess.run([_ROOT / "tools" / "tree"], capture_output=True, text=True, check=True).stdout.strip()

# Ansible's own loader also provides ansible_collections; a plain namespace package is all the tests need.
sys.path.insert(0, _TREE)
