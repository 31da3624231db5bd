# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control side of the module activation_command: packs the command and copies it to the host."""

from __future__ import annotations

import os
import tempfile
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.puffy.mail.plugins.module_utils import _activate
from ansible_collections.puffy.mail.plugins.plugin_utils import _zipapp

DEST = "/usr/local/sbin/puffy-mail-activate"


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible is not typed
    """Ansible's entry point. Documented with the module."""

    TRANSFERS_FILES = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Copy the command. Raises AnsibleActionFail for a bad option."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        unknown = sorted(set(self._task.args) - {"path"})
        if unknown:
            raise AnsibleActionFail(f"{unknown[0]} is not an option. Use 'path', or no option. Nothing was changed.")
        path = self._task.args.get("path", DEST)
        if not isinstance(path, str) or not os.path.isabs(path):
            raise AnsibleActionFail(f"path is {path!r}. Use an absolute path. Nothing was changed.")
        with tempfile.NamedTemporaryFile(suffix=".pyz") as packed:
            packed.write(_zipapp.build(os.path.dirname(_activate.__file__), "_activate"))
            packed.flush()
            task = self._task.copy()
            task.args = {"src": packed.name, "dest": path, "owner": "root", "group": "0", "mode": "0755"}
            action = self._shared_loader_obj.action_loader.get(
                "ansible.legacy.copy",
                task=task,
                connection=self._connection,
                play_context=self._play_context,
                loader=self._loader,
                templar=self._templar,
                shared_loader_obj=self._shared_loader_obj,
            )
            result.update(action.run(task_vars=task_vars))
        return result
