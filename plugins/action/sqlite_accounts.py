# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control side of the module sqlite_accounts: brings the accounts file to the host."""

from __future__ import annotations

import os
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible is not typed
    """Ansible's entry point. Documented with the module."""

    # The directory on the host is made where there is a file to bring.
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module, with the file's name on the host as src.

        Raises AnsibleActionFail where the file is not found or cannot be decrypted.
        """
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        try:
            if arguments.get("src"):
                arguments["src"] = self._bring(arguments["src"])
            result.update(self._execute_module(module_args=arguments, task_vars=task_vars))
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _bring(self, src: Any) -> str:
        """Copy the file, decrypted, into the task's own temporary directory; returns its path on the host."""
        if not isinstance(src, str):
            raise AnsibleActionFail(
                f"src is {src!r}. Right would be the path of a JSON file on the control node. Nothing was changed."
            )
        try:
            local = self._loader.get_real_file(self._find_needle("files", src))
        except AnsibleError as exc:
            raise AnsibleActionFail(
                f"src: {exc} Right would be a JSON file on the control node. Nothing was changed."
            ) from None
        if self._connection._shell.tmpdir is None:
            self._make_tmp_path()
        remote: str = self._connection._shell.join_path(self._connection._shell.tmpdir, os.path.basename(src))
        try:
            self._transfer_file(local, remote)
        finally:
            self._loader.cleanup_tmp_file(local)
        self._fixup_perms2((self._connection._shell.tmpdir, remote))
        return remote
