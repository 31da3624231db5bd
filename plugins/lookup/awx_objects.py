# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
name: awx_objects
short_description: The objects that the playbook awx makes in AWX
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Makes the arguments of the modules of C(awx.awx) from C(playbooks/files/awx.yml) of this collection, from the
    specifications of the inputs, and from the judged inputs of the playbook C(puffy.mail.awx).
  - Fails with one sentence for each thing that AWX would refuse half-way, or take without a word and then do wrong.
options:
  _terms:
    description: The inputs C(mail_awx_*), a mapping as the module M(puffy.mail.inputs) returns it.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = """
- name: Show the templates
  ansible.builtin.debug:
    msg: "{{ lookup('puffy.mail.awx_objects', judged.inputs).job_templates | map(attribute='name') }}"
"""

RETURN = """
_raw:
  description: Lists of arguments, by kind of object.
  type: list
  elements: dict
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.module_utils.common.yaml import yaml_load
from ansible.plugins.lookup import LookupBase

from ansible_collections.puffy.mail.plugins.module_utils._awx import checks, description, secrets
from ansible_collections.puffy.mail.plugins.module_utils._inputs import awx, judge, tables
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import say

_COLLECTION = Path(__file__).resolve().parents[2]


def _read(path: str) -> Any:
    return yaml_load((_COLLECTION / path).read_text(encoding="utf-8"))


def settings_of(terms: list[dict[str, Any]]) -> dict[str, Any]:
    """The inputs of the playbook awx, with their defaults."""
    defaults = {name: spec["default"] for name, spec in awx.SPEC.items() if "default" in spec}
    return {**defaults, **{name: value for name, value in terms[0].items() if name in awx.SPEC}}


class LookupModule(LookupBase):  # type: ignore[misc]  # Ansible is not typed
    """Ansible's entry point."""

    def run(self, terms: list[dict[str, Any]], **_options: Any) -> list[Any]:
        """The objects. Raises AnsibleLookupError where AWX would refuse or misunderstand one."""
        parts = list(tables.SHARED.values())
        for role, table in tables.ROLES.items():
            specs = _read(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]
            parts.append((specs["main"]["options"], table))
        inputs = description.inputs_of(parts)
        described = _read("playbooks/files/awx.yml")
        settings = settings_of(terms)
        playbooks = sorted(path.stem for path in (_COLLECTION / "playbooks").glob("*.yml"))
        found = _variables(settings["mail_awx_variables"], inputs)
        found += secrets.problems(settings["mail_awx_secrets"], described["credential_types"], parts)
        try:
            made = description.objects(settings, described, inputs, playbooks)
        except ValueError as exc:
            found += str(exc).splitlines()
        else:
            found += checks.problems(made)
        if found:
            raise AnsibleLookupError("\n".join([*found, "Nothing was changed."]))
        return [made]


def _variables(given: dict[str, Any], inputs: dict[str, Any]) -> list[str]:
    """What is wrong with the variables of the templates."""
    own = given.get("mail_other_variables")
    misspelt = tables.misspelt(given, inputs, own if isinstance(own, list) else [])
    found = [say(f"mail_awx_variables: {name}", problem) for name, problem in misspelt]
    for name, value in given.items():
        if name not in inputs:
            continue
        spec, form = inputs[name]
        if spec.get("no_log"):
            found.append(f"mail_awx_variables has {name}, which is a secret. Use mail_awx_secrets.")
            continue
        try:
            judge.typed_value(spec, form, value)
        except ValueError as exc:
            found.append(say(f"mail_awx_variables: {name}", str(exc)))
    return found
