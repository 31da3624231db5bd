# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the attributes of most modules mean. How far a module supports one stands in the module."""

from __future__ import annotations


class ModuleDocFragment:
    """Read by Ansible's documentation."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode and return what it would change without changing it.
  diff_mode:
    description: Returns details of what it changed, or would change in check mode.
  idempotent:
    description: When run twice in a row with the same options, the second run changes nothing.
  platform:
    description: Target operating systems.
"""
