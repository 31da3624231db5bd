# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role postfix hands to the module postconf for whole inventories, to the letter and in order.

A difference here is one that every host shows on its next run. Edit the files of fixtures/postfix/compositions by
hand, and say in the commit what changes on the hosts.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.puffy.mail.tests.harness.playbooks import LOCAL, playbook

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "postfix" / "compositions"
CASES = yaml.safe_load((FIXTURES / "inventories.yml").read_text())
RESULT = {
    "parameters": "{{ __postfix_configuration.parameters }}",
    "absent": "{{ __postfix_configuration.absent }}",
    "services": "{{ __postfix_configuration.services }}",
}
ROLE = Path(__file__).resolve().parents[3] / "roles" / "postfix"
#: the line of every package, which loses the option of another way of delivery
VIRTUAL = {"unpriv": "n", "chroot": "n", "command": "virtual", "options_absent": ["virtual_mailbox_maps"]}
#: inputs that no parameter and no service follows from
OTHERS = {
    "postfix_relay_clients_directory",
    "postfix_skip_checks",
    "postfix_packages",
    "postfix_service_timeout",
}


def test_every_input_has_its_part() -> None:
    names = yaml.safe_load((ROLE / "vars" / "main.yml").read_text())["__postfix_input_names"]
    specification = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]
    assert names == [name for name in specification["options"] if name not in OTHERS]


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """By the name of the case, what the role's variables come to: one run of Ansible for all."""
    directory = tmp_path_factory.mktemp("composed")
    hosts = {
        case: {**LOCAL, "__facts": CASES["facts"][given["facts"]], **given["variables"]}
        for case, given in CASES["cases"].items()
    }
    play = {
        "hosts": "all",
        "gather_facts": False,
        "vars": {"ansible_facts": "{{ __facts }}"},
        "tasks": [
            {"ansible.builtin.import_role": {"name": "puffy.mail.postfix", "tasks_from": "variables"}},
            {
                "ansible.builtin.copy": {
                    "content": "{{ __result | to_json }}",
                    "dest": f"{directory}/{{{{ inventory_hostname }}}}",
                    "mode": "0600",
                },
                "vars": {"__result": RESULT},
            },
        ],
    }
    run = playbook([play], {"all": {"hosts": hosts}})
    assert run.rc == 0, run.output
    return {name: json.loads((directory / name).read_text()) for name in os.listdir(directory)}


@pytest.mark.parametrize("case", CASES["cases"])
def test_the_configuration_is_to_the_letter(composed: dict[str, Any], case: str) -> None:
    wanted = json.loads((FIXTURES / f"{case}.json").read_text())
    found = composed[case]
    # What is not there before cannot be seen to be removed: more names may be on these lists.
    assert set(wanted.pop("absent")) <= set(found.pop("absent"))
    for key, fields in wanted["services"].items():
        without = fields.pop("options_absent", [])
        assert set(without) <= set(found["services"][key].pop("options_absent", without))
    assert found["parameters"].pop("alias_maps") == {"remove": ["texthash:/etc/postfix/own_aliases"]}
    for key in set(found["services"]) - set(wanted["services"]):
        assert found["services"].pop(key) == ({"state": "absent"} if key != "virtual/unix" else VIRTUAL)
    for part, value in wanted.items():
        # The order counts, too: it is that of the lines in the files.
        assert json.dumps(found[part], indent=1) == json.dumps(value, indent=1)
