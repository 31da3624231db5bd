# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The description of AWX, as it is and with what AWX would take without a word."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.puffy.mail.plugins.module_utils._awx import checks, description, secrets
from ansible_collections.puffy.mail.plugins.module_utils._inputs import awx, tables

ROOT = Path(__file__).resolve().parents[5]
DESCRIPTION: dict[str, Any] = yaml.safe_load((ROOT / "playbooks" / "files" / "awx.yml").read_text())
PLAYBOOKS = [path.stem for path in sorted((ROOT / "playbooks").glob("*.yml"))]
SETTINGS: dict[str, Any] = {
    **{name: spec.get("default") for name, spec in awx.SPEC.items()},
    "mail_awx_project_url": "https://git.example.org/mail.git",
    "mail_awx_secrets": {"ldap": "one-two-three", "verify": "[]"},
    "mail_awx_notification_type": "email",
}


def inputs() -> dict[str, Any]:
    parts: list[Any] = list(tables.SHARED.values())
    for role, table in tables.ROLES.items():
        specs = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())
        parts.append((specs["argument_specs"]["main"]["options"], table))
    return description.inputs_of(parts)


INPUTS = inputs()


@pytest.fixture
def objects() -> description.Objects:
    return copy.deepcopy(description.objects(SETTINGS, DESCRIPTION, INPUTS, PLAYBOOKS))


def test_each_playbook_has_a_template_or_a_reason() -> None:
    described = {*DESCRIPTION["templates"], *DESCRIPTION["without_template"]}
    assert described == set(PLAYBOOKS)
    with pytest.raises(ValueError, match=r"^The playbook other has no template in playbooks/files/awx\.yml\.$"):
        description.objects(SETTINGS, DESCRIPTION, INPUTS, [*PLAYBOOKS, "other"])


def test_nothing_is_wrong_with_the_description(objects: description.Objects) -> None:
    assert checks.problems(objects) == []


def test_credentials_go_to_the_templates_that_need_them(objects: description.Objects) -> None:
    found = {template["name"]: template["credentials"] for template in objects["job_templates"]}
    # mail_site_verify logs in.
    assert found["mail-site"] == ["mail-ldap", "mail-verify"]
    assert found["mail-verify"] == ["mail-verify"]
    assert found["mail-audit"] == []


def test_each_secret_of_a_credential_type_has_an_input() -> None:
    """The environment variables of the credential types are those of the lookup secret."""
    for key, kind in DESCRIPTION["credential_types"].items():
        assert key in awx.SECRETS
        for variable in kind["env"]:
            assert secrets.input_of(kind, INPUTS) in variable.lower()
        assert awx.SECRETS[key] is any(field.get("json", False) for field in kind["fields"].values())


@pytest.mark.parametrize("template", DESCRIPTION["templates"])
def test_a_survey_asks_only_for_inputs_that_take_no_answer(template: str) -> None:
    """An empty answer is null or an empty text: the playbook takes it as no answer, or AWX does not send it."""
    for name in DESCRIPTION["templates"][template]["survey"]:
        part = next((part for part, (spec, _table) in tables.SHARED.items() if name in spec), None)
        spec = INPUTS[name][0]
        assert part is not None or spec["type"] == "bool" or "choices" in spec, name


def template(objects: description.Objects, name: str) -> dict[str, Any]:
    return next(entry for entry in objects["job_templates"] if entry["name"] == name)


def question(objects: description.Objects, **changes: Any) -> None:
    base = {"variable": "v", "type": "text", "required": False, "min": 1, "max": 10, "default": "", "choices": ""}
    template(objects, "mail-report")["survey_spec"] = {"spec": [{**base, **changes}]}


def sent_without_an_answer(question: dict[str, Any]) -> bool:
    """Whether AWX sends the default of a question that nobody answers: only if the default is an answer itself."""
    default = question.get("default")
    if default is None:
        return False
    if question["type"] in ("text", "textarea", "password"):
        return isinstance(default, str) and len(default) >= (question.get("min") or 0)
    if question["type"] == "multiplechoice":
        return default in question["choices"]
    return question["type"] != "multiselect" and isinstance(default, (int, float))


def test_the_workflow_updates_the_project_and_shows_differences(objects: description.Objects) -> None:
    """A job runs the revision of the last update. What is approved and what runs must be the same revision."""
    nodes = {node["identifier"]: node for node in objects["nodes"]}
    links = {link["identifier"]: link for link in objects["links"]}
    led_to = {
        name for link in links.values() for way in ("success", "failure", "always") for name in link[f"{way}_nodes"]
    }
    assert set(nodes) - led_to == {"update"}
    assert nodes["update"]["unified_job_template"] == objects["projects"][0]["name"] == "mail-project"
    assert links["update"]["success_nodes"] == ["audit"]
    assert (nodes["check"]["job_type"], nodes["check"]["diff_mode"]) == ("check", True)


def test_what_nobody_answers_is_not_sent(objects: description.Objects) -> None:
    """It would come before the inventory, and before the variables of the template."""
    asked = [found for kind in objects["job_templates"] for found in kind.get("survey_spec", {}).get("spec", [])]
    assert {"verify_domain", "audit_config_directory", "verify_timeout"} <= {found["variable"] for found in asked}
    assert [found["variable"] for found in asked if sent_without_an_answer(found)] == []


Change = Callable[[description.Objects], Any]
SURVEY = "The survey of mail-report, variable"
CASES: list[tuple[Change, str]] = [
    (
        lambda found: question(found, min=0),
        f"{SURVEY} 'v': without an answer, AWX sends an empty text, which comes before the inventory. Set min to 1.",
    ),
    (
        lambda found: question(found, default="a"),
        f"{SURVEY} 'v': without an answer, AWX sends the default 'a', which comes before the inventory, or",
    ),
    (lambda found: question(found, variable="my var"), f"{SURVEY} 'my var': this is not the name of a variable"),
    (lambda found: question(found, variable=""), f"{SURVEY} '': this is not the name of a variable"),
    (lambda found: question(found, type="boolean"), f"{SURVEY} 'v': AWX has no question of type 'boolean'."),
    (lambda found: question(found, type="multiplechoice"), f"{SURVEY} 'v': it has no list of choices."),
    (lambda found: question(found, type="float", min=0.5), f"{SURVEY} 'v': the bound 0.5 is not a whole number."),
    (lambda found: question(found, min=9, max=1), f"{SURVEY} 'v': min is 9 and max is 1"),
    (
        lambda found: found["projects"][0].update(allow_override=False),
        "The template mail-site: AWX takes a playbook of a collection only from a project with allow_override.",
    ),
    (
        lambda found: template(found, "mail-site").update(job_slice_count=2),
        "The template mail-site: a slice does not see the hosts of others.",
    ),
    (
        lambda found: template(found, "mail-site").update(allow_simultaneous=True),
        "The template mail-site: two jobs would change one host at once.",
    ),
    (
        lambda found: template(found, "mail-site").update(ask_job_type_on_launch=False),
        "The node check: job_type is set, and mail-site does not ask for it: AWX drops the value. A dry run would be a"
        " real one.",
    ),
    (
        lambda found: template(found, "mail-site").update(ask_diff_mode_on_launch=False),
        "The node check: diff_mode is set, and mail-site does not ask for it: AWX drops the value.",
    ),
    (
        lambda found: found["nodes"][0].update(unified_job_template="mail-projekt"),
        "The node update: there is no template 'mail-projekt'.",
    ),
    (
        lambda found: template(found, "mail-verify").update(ask_limit_on_launch=False),
        "The node verify: the workflow asks for a limit and mail-verify does not, so that the job would",
    ),
    (
        lambda found: found["schedules"][0].update(extra_data={"colour": 1}),
        "The schedule mail-verify-nightly: colour is in extra_data, and the survey of mail-verify does not ask for it.",
    ),
    (
        lambda found: template(found, "mail-verify")["survey_spec"]["spec"][0].update(required=True),
        "The schedule mail-verify-nightly: the survey demands verify_from, also from a schedule.",
    ),
    (
        lambda found: found["nodes"][3]["approval_node"].update(timeout=0),
        "The node approve: an approval without a timeout waits without end.",
    ),
    (
        lambda found: found["nodes"][3].update(success_nodes=["site"]),
        "The node approve: awx.awx fails where an approval has links.",
    ),
    (
        lambda found: found["links"][6].update(always_nodes=[]),
        "The node site: the path of its failure ends with 'findings', which may succeed, so that the",
    ),
    (lambda found: found["links"][5].update(success_nodes=["audit"]), "The node audit: it leads back to itself."),
    (lambda found: found["links"][1].update(success_nodes=["chekc"]), "The node audit: it leads to 'chekc'"),
    (
        lambda found: found["links"][4].update(success_nodes=["findings"]),
        "The node site: it leads to 'findings' in two ways.",
    ),
    (
        lambda found: found["credential_types"][0]["injectors"].update(extra_vars={"a": "{{ bind_password }}"}),
        "The credential type puffy.mail LDAP password: ansible-core gives extra variables another type",
    ),
    (
        lambda found: found["credential_types"][0]["injectors"]["env"].update(ANSIBLE_X="x"),
        "The credential type puffy.mail LDAP password: AWX refuses the environment variable ANSIBLE_X.",
    ),
    (
        lambda found: found["credential_types"][0]["injectors"]["env"].update(X="{{ other }}"),
        "The credential type puffy.mail LDAP password: AWX refuses the undefined name 'other'.",
    ),
    (
        lambda found: found["inventories"][0].pop("kind"),
        "The inventory mail-inventory: without kind '', awx.awx changes it on each run.",
    ),
    (lambda found: found["job_templates"][0].update(name="x" * 600), "has 600 characters. AWX takes 512."),
]


@pytest.mark.parametrize(("change", "sentence"), CASES, ids=[sentence[-40:] for _change, sentence in CASES])
def test_what_awx_would_not_tell(objects: description.Objects, change: Change, sentence: str) -> None:
    change(objects)
    assert any(sentence in found for found in checks.problems(objects)), checks.problems(objects)


def test_the_guide_names_each_setting_secret_and_template() -> None:
    text = (ROOT / "docs" / "awx.md").read_text()
    for name in (*awx.SPEC, *awx.SECRETS, *(f"mail-{name}" for name in DESCRIPTION["templates"])):
        assert f"`{name}`" in text, name
    for kind in DESCRIPTION["credential_types"].values():
        assert f"`{kind['name']}`" in text
