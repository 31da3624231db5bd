# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option ``pending`` of the modules that need what earlier tasks of a run make."""

from __future__ import annotations


class ModuleDocFragment:
    """Read by Ansible's documentation."""

    DOCUMENTATION = r"""
options:
  pending:
    description:
      - Whether earlier tasks of the same run make what this task needs, such as a package or a certificate. Check mode
        did not make it. So with V(true) the module does not fail in check mode where that is missing. It reports the
        change that the run makes, and a warning says what could not be checked.
      - Has no effect outside check mode.
    type: bool
    default: false
"""
