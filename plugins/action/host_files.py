# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control side of the module host_files: sets the account where the facts show a difference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible is not typed
    """Ansible's entry point. Documented with the module."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Set the account, then run the module. Raises AnsibleActionFail."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        arguments = dict(self._task.args)
        account = arguments.get("account")
        changed = False
        if account:
            if not isinstance(account, Mapping):
                raise AnsibleActionFail(
                    f"account is {account!r}. Use a mapping of name, group, home and shell. Nothing was changed."
                )
            changed = self._account(account, variables)
        done = self._execute_module(module_args=arguments, task_vars=variables)
        result.update(done)
        if account and changed and done.get("failed"):
            # The module knows nothing of the account.
            said = str(done.get("msg")).replace("Nothing was changed", "Nothing else was changed")
            result["msg"] = f"The account {account['name']} was set. Then: {said}"
        result["changed"] = bool(done.get("changed")) or changed
        found = result.pop("account", None)
        facts = variables.get("ansible_facts", {}).get("puffy_mail")
        if account and found is not None and facts is not None:
            result["ansible_facts"] = {"puffy_mail": {**facts, "account": found}}
        return result

    def _account(self, account: Mapping[str, Any], variables: dict[str, Any]) -> bool:
        """Whether the account or its group was changed, or would be in check mode."""
        facts = variables.get("ansible_facts", {}).get("puffy_mail")
        if facts is None:
            raise AnsibleActionFail(
                "host_files needs the facts of the host for its account. Run puffy.mail.host_facts before."
                " Nothing was changed."
            )
        changed = False
        uid = {"system": True} if account.get("uid") in (None, "") else {"gid": account["uid"]}
        if account["group"] not in facts["groups"]:
            changed |= self._set("ansible.builtin.group", {"name": account["group"], **uid}, variables)
        now = facts["account"]
        wanted = {key: str(account[key]) for key in ("name", "group", "home", "shell")}
        if not now or {key: now[key] for key in wanted} != wanted:
            numbered = {"uid": account["uid"]} if "gid" in uid and not now else {"system": True} if not now else {}
            changed |= self._set(
                "ansible.builtin.user",
                {**wanted, **numbered, "comment": account.get("comment") or "", "create_home": False},
                variables,
            )
        return changed

    def _set(self, module: str, arguments: dict[str, Any], variables: dict[str, Any]) -> bool:
        """Run one of Ansible's modules; whether it changed something. Raises AnsibleActionFail."""
        done = self._execute_module(module_name=module, module_args=arguments, task_vars=variables)
        if done.get("failed"):
            raise AnsibleActionFail(f"{arguments['name']}: {done.get('msg')}", result=done)
        return bool(done.get("changed"))
