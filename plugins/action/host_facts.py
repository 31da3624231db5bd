# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control side of the module host_facts: says which run takes the lock, and which run has ended without an end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.puffy.mail.plugins.plugin_utils import _run

_SHOWN = 5


def failed_before(variables: Mapping[str, Any]) -> str:
    """The hosts of the play that failed or were unreachable in earlier batches; empty without one."""
    left = set(variables.get("ansible_play_hosts") or ())
    failed = [host for host in variables.get("ansible_play_hosts_all") or () if host not in left]
    more = f" and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
    return ", ".join(failed[:_SHOWN]) + more


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible is not typed
    """Ansible's entry point. Documented with the module."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module; where a killed run of this control node has the lock, run it again in the place of that run.

        Raises AnsibleActionFail.
        """
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        arguments = dict(self._task.args)
        lock = arguments.get("lock")
        if not lock:
            result.update(self._execute_module(module_args=arguments, task_vars=variables))
            return result
        if not isinstance(lock, Mapping) or not lock.get("playbook"):
            raise AnsibleActionFail(
                f"lock is {lock!r}. Use a mapping with playbook, the name of the playbook. Nothing was changed."
            )
        if stopped := failed_before(variables):
            raise AnsibleActionFail(
                f"The roll-out stopped before this batch, because {stopped} failed. Repair that, or leave it out with"
                " --limit, and run again. Nothing was changed on this host."
            )
        wait = lock.get("wait") or 0
        lock = {**lock, "run": _run.identity(), "who": _run.who(str(lock["playbook"]), variables), "wait": 0}
        done = self._execute_module(module_args={**arguments, "lock": lock}, task_vars=variables)
        holder = done.get("held_by")
        if holder and _run.ended(str(holder["run"])):
            lock["instead_of"] = holder["run"]
        if holder and (wait or "instead_of" in lock):
            lock["wait"] = wait
            done = self._execute_module(module_args={**arguments, "lock": lock}, task_vars=variables)
        result.update(done)
        return result
