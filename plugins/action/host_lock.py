# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control side of the module host_lock: says which run this is."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.puffy.mail.plugins.plugin_utils import _run


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible is not typed
    """Ansible's entry point. Documented with the module."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module with the identity of this run."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = {**self._task.args, "run": _run.identity()}
        result.update(self._execute_module(module_args=arguments, task_vars=task_vars or {}))
        return result
