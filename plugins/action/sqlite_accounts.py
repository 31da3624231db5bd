# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control side of the module sqlite_accounts: hashes passwords, and brings the accounts file to the host."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.puffy.mail.plugins.module_utils._accounts import password_hash


def _has_passwords(mailboxes: Any) -> bool:
    return isinstance(mailboxes, list) and any(
        isinstance(entry, Mapping) and entry.get("password") is not None for entry in mailboxes
    )


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible is not typed
    """Ansible's entry point. Documented with the module."""

    # The directory on the host is made where there is a file to bring.
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module, with hashes in the place of passwords and the file's name on the host as src.

        Raises AnsibleActionFail where a password cannot be hashed, and where the file is not found or cannot be
        decrypted."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        cost = arguments.pop("password_cost", None)
        if _has_passwords(arguments.get("mailboxes")):
            arguments["mailboxes"] = self._hashed(arguments, 12 if cost in (None, "") else cost, task_vars or {})
        try:
            if arguments.get("src"):
                arguments["src"] = self._bring(arguments["src"])
            result.update(self._execute_module(module_args=arguments, task_vars=task_vars))
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _hashed(self, arguments: Mapping[str, Any], cost: Any, variables: dict[str, Any]) -> list[dict[str, Any]]:
        """The mailboxes with hashes; a hash that the host has and that fits its password is kept."""
        looked = self._execute_module(
            module_name="puffy.mail.sqlite_accounts_info",
            module_args={"path": arguments.get("path"), "hashes": True},
            task_vars=variables,
        )
        if looked.get("failed"):
            raise AnsibleActionFail(f"{looked.get('msg')}. Nothing was changed.")
        try:
            bcrypt = importlib.import_module("bcrypt")
        except ImportError:
            raise AnsibleActionFail(
                "A mailbox has a password, and the control side has no Python package 'bcrypt' to hash it with."
                " Install the package (pip install bcrypt), or use password_hash. Nothing was changed."
            ) from None
        try:
            return password_hash.hashed_mailboxes(
                arguments["mailboxes"], looked.get("password_hashes", {}), "BLF-CRYPT", int(cost), bcrypt
            )
        except ValueError as exc:
            raise AnsibleActionFail(f"{exc}. Nothing was changed.") from None

    def _bring(self, src: Any) -> str:
        """Copy the file, decrypted, into the task's own temporary directory; returns its path on the host."""
        if not isinstance(src, str):
            raise AnsibleActionFail(
                f"src is {src!r}. Use the path of a JSON file on the control side. Nothing was changed."
            )
        try:
            local = self._loader.get_real_file(self._find_needle("files", src))
        except AnsibleError as exc:
            raise AnsibleActionFail(f"src: {exc} Use a JSON file on the control side. Nothing was changed.") from None
        if self._connection._shell.tmpdir is None:
            self._make_tmp_path()
        remote: str = self._connection._shell.join_path(self._connection._shell.tmpdir, os.path.basename(src))
        try:
            self._transfer_file(local, remote)
        finally:
            self._loader.cleanup_tmp_file(local)
        self._fixup_perms2((self._connection._shell.tmpdir, remote))
        return remote
