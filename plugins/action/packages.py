# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs what a host lacks. Documented with the module of the same name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

_LOOK = "puffy.mail.host_facts"
#: What check mode takes for the version of a Dovecot that is not installed, where no package list tells.
_DOVECOT = "2.4"


def missing(needs: list[Any], facts: Mapping[str, Any]) -> list[str]:
    """The packages of ``needs`` that a host with these facts lacks, each once, in order. Raises ValueError."""
    found: dict[str, None] = {}
    for need in needs:
        entry = {"package": need} if isinstance(need, str) else need
        if not isinstance(entry, Mapping) or not isinstance(entry.get("package"), str):
            raise ValueError(
                f"needs has the entry {need!r}. Use the name of a package, or a mapping with package and provides"
            )
        name = entry["package"]
        # OpenBSD's facts name flavors as "dovecot--"; a package without a flavor is asked for by its plain name, too.
        installed = bool({name, f"{name}--"} & set(facts["packages"]))
        provides = str(entry.get("provides") or "")
        kind, _colon, library = provides.partition(":")
        if kind == "python" and installed and provides not in facts["provides"]:
            raise ValueError(
                f"the package {name} is installed, but the Python of Ansible on the host cannot import {library}."
                f" Set ansible_python_interpreter to the Python of that package, or install {name} again"
            )
        if not installed and provides not in facts["provides"]:
            found[name] = None
    return list(found)


def candidate(policy: str) -> str:
    """The version in the answer of ``apt-cache policy PACKAGE``, as the program calls itself; empty without one."""
    found = re.search(r"^ *Candidate: (?:[0-9]+:)?([0-9][0-9.]*)", policy, re.MULTILINE)
    return found[1].rstrip(".") if found else ""


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible is not typed
    """Ansible's entry point."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Install what is missing, and look at the host again. Raises AnsibleActionFail."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, arguments = self.validate_argument_spec(
            argument_spec={
                "needs": {"type": "list", "elements": "raw", "required": True},
            }
        )
        variables = task_vars or {}
        facts = variables.get("ansible_facts", {})
        if "puffy_mail" not in facts:
            raise AnsibleActionFail(
                "packages needs the facts of the host. Run puffy.mail.host_facts before. Nothing was changed."
            )
        try:
            names = missing(arguments["needs"], facts["puffy_mail"])
        except ValueError as exc:
            raise AnsibleActionFail(f"{exc}. Nothing was changed.") from None
        result.update(changed=bool(names), installed=names)
        if not names:
            return result
        result["diff"] = {"before": "", "after": "".join(f"{name}\n" for name in names)}
        if self._task.check_mode:
            result["msg"] = f"Would install {', '.join(names)}."
            result["ansible_facts"] = {"puffy_mail": self._expected(facts["puffy_mail"], names)}
            return result
        self._install(str(facts["os_family"]), names, variables)
        looked = self._execute_module(module_name=_LOOK, module_args=self._look_arguments(facts), task_vars=variables)
        if looked.get("failed"):
            said = str(looked.get("msg")).replace(" Nothing was changed.", "")
            raise AnsibleActionFail(f"{', '.join(names)} were installed. Then: {said}", result=looked)
        result["ansible_facts"] = looked["ansible_facts"]
        try:
            left = missing(arguments["needs"], looked["ansible_facts"]["puffy_mail"])
        except ValueError as exc:
            raise AnsibleActionFail(f"{', '.join(names)} were installed. Then: {exc}.") from None
        if left:
            raise AnsibleActionFail(
                f"The package manager reported success, and these packages are still missing: {', '.join(left)}."
            )
        return result

    def _expected(self, facts: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
        """The facts as the packages will make them, as far as check mode can know."""
        expected = {**facts, "packages": sorted({*facts["packages"], *names}), "pending": [*facts["pending"], *names]}
        dovecot = next((name for name in names if name.startswith("dovecot-")), None)
        if dovecot and not facts["dovecot"]:
            said = self._low_level_execute_command(f"apt-cache policy {dovecot}", sudoable=True)
            version = candidate(str(said.get("stdout", ""))) or _DOVECOT
            expected["dovecot"] = {"version": version}
        return expected

    @staticmethod
    def _look_arguments(facts: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of the first look, so that the second one answers the same questions."""
        found = facts["puffy_mail"]
        return {"account": found["asked_account"], "certificates": list(found["certificates"])}

    def _install(self, family: str, names: list[str], variables: dict[str, Any]) -> None:
        """Install ``names``. Raises AnsibleActionFail with the words of the package manager."""
        if family == "Debian":
            arguments = {"name": names, "state": "present", "install_recommends": False, "policy_rc_d": 101}
            # From the package lists that are there: a host with a filled package cache needs no network.
            done = self._execute_module(module_name="ansible.builtin.apt", module_args=arguments, task_vars=variables)
            if done.get("failed"):
                done = self._execute_module(
                    module_name="ansible.builtin.apt",
                    module_args={**arguments, "update_cache": True},
                    task_vars=variables,
                )
        elif family == "OpenBSD":
            done = self._execute_module(
                module_name="community.general.openbsd_pkg",
                module_args={"name": names, "state": "present"},
                task_vars=variables,
            )
        else:
            raise AnsibleActionFail(
                f"{family} has no package manager that this collection knows. Install {', '.join(names)} by hand."
                " Nothing was changed."
            )
        if done.get("failed"):
            raise AnsibleActionFail(f"{', '.join(names)} could not be installed: {done.get('msg')}", result=done)
