# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API of AWX takes without a word and then does wrong, and what it refuses half-way.

Each check looks at all objects and yields sentences. What a single input can have wrong is judged in
``_inputs/awx.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._awx.description import Objects
from ansible_collections.puffy.mail.plugins.module_utils._awx.survey import is_retyped

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_TYPES = ("text", "textarea", "password", "multiplechoice", "multiselect", "integer", "float")
#: what awx.awx sends to AWX at the start of an environment variable that AWX refuses
_RESERVED = re.compile(r"ANSIBLE_|(PATH|JOB_ID|HOME|USER|INVENTORY_ID|AWX_HOST|PROJECT_REVISION|MAX_EVENT_RES)\Z")
_LONGEST = 512


def problems(objects: Objects) -> list[str]:
    """A sentence for each thing that would go wrong."""
    return sorted({sentence for check in _CHECKS for sentence in check(objects)})


def _by_name(objects: Objects, kind: str) -> dict[str, dict[str, Any]]:
    return {entry["name"]: entry for entry in objects.get(kind, [])}


def _questions(objects: Objects) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for kind in ("job_templates", "workflow_job_templates"):
        for template in objects.get(kind, []):
            for question in (template.get("survey_spec") or {}).get("spec", []):
                yield template["name"], question


def _surveys(objects: Objects) -> Iterator[str]:
    seen: set[tuple[str, str]] = set()
    for template, question in _questions(objects):
        variable, kind = question.get("variable", ""), question.get("type")
        here = f"The survey of {template}, variable {variable!r}:"
        if not _IDENTIFIER.match(str(variable)):
            yield f"{here} this is not the name of a variable, and AWX takes it. Use letters, digits and '_'."
        if (template, variable) in seen:
            yield f"{here} it is asked for twice. Ask once."
        seen.add((template, variable))
        if kind not in _TYPES:
            yield f"{here} AWX has no question of type {kind!r}. Use one of {', '.join(_TYPES)}."
        if kind in ("multiplechoice", "multiselect"):
            choices = question.get("choices")
            if not isinstance(choices, list) or not choices:
                yield f"{here} it has no list of choices. Give a list."
        yield from _bounds(here, kind, question)


def _bounds(here: str, kind: Any, question: Mapping[str, Any]) -> Iterator[str]:
    low, high, default = question.get("min"), question.get("max"), question.get("default")
    for bound in (low, high):
        if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int)):
            yield f"{here} the bound {bound!r} is not a whole number. AWX takes no other, for float either."
            return
    if low is not None and high is not None and low > high:
        yield f"{here} min is {low} and max is {high}, so that no answer fits."
    if default not in ("", None):
        yield (
            f"{here} without an answer, AWX sends the default {default!r}, which comes before the inventory, or drops"
            " the default without a word. Leave it empty."
        )
    elif default == "" and kind in ("text", "textarea", "password") and not low:
        yield f"{here} without an answer, AWX sends an empty text, which comes before the inventory. Set min to 1."
    if question.get("required") and default == "" and kind in ("text", "textarea"):
        yield f"{here} it must be answered, and schedules and API give no answer. Set required to false."


def _templates(objects: Objects) -> Iterator[str]:
    projects = _by_name(objects, "projects")
    for template in objects.get("job_templates", []):
        here = f"The template {template['name']}:"
        project = projects.get(template.get("project", ""), {})
        in_collection = re.fullmatch(r"\w+\.\w+\.\w+", template.get("playbook", ""))
        if in_collection and not project.get("allow_override"):
            yield f"{here} AWX takes a playbook of a collection only from a project with allow_override."
        if template.get("job_slice_count", 1) != 1:
            yield f"{here} a slice does not see the hosts of others. Set job_slice_count to 1."
        if template.get("allow_simultaneous"):
            yield f"{here} two jobs would change one host at once. Set allow_simultaneous to false."
        for key, value in (template.get("extra_vars") or {}).items():
            # What a template sets itself keeps its type; only the same variable in an answer would not.
            if value and isinstance(value, str) and is_retyped(value):
                yield f"{here} the variable {key} is {value!r}. Give a value of its type, or another text."


def _prompts(objects: Objects) -> Iterator[str]:
    templates = _by_name(objects, "job_templates")
    workflows = _by_name(objects, "workflow_job_templates")
    projects = _by_name(objects, "projects")
    for node in objects.get("nodes", []):
        template = templates.get(node.get("unified_job_template", ""))
        if template is None:
            if "approval_node" not in node and node.get("unified_job_template") not in projects:
                yield f"The node {node['identifier']}: there is no template {node.get('unified_job_template')!r}."
            continue
        yield from _prompted(f"The node {node['identifier']}:", template, node)
        workflow = workflows.get(node["workflow_job_template"], {})
        if workflow.get("ask_limit_on_launch") and not template.get("ask_limit_on_launch"):
            yield (
                f"The node {node['identifier']}: the workflow asks for a limit and {template['name']} does not, so that"
                " the job would run on all hosts. Set ask_limit_on_launch on the template."
            )
    for schedule in objects.get("schedules", []):
        template = templates.get(schedule["unified_job_template"]) or workflows.get(schedule["unified_job_template"])
        here = f"The schedule {schedule['name']}:"
        if template is None:
            yield f"{here} there is no template {schedule['unified_job_template']!r}."
            continue
        yield from _prompted(here, template, schedule)
        for _name, question in _questions({"job_templates": [template]}):
            if question.get("required") and question["variable"] not in (schedule.get("extra_data") or {}):
                yield f"{here} the survey demands {question['variable']}, also from a schedule. Give it in extra_data."


def _prompted(here: str, template: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[str]:
    """What is set on a node or schedule and what the template does not ask for."""
    for field, prompt in (
        ("job_type", "job_type"),
        ("limit", "limit"),
        ("inventory", "inventory"),
        ("job_tags", "tags"),
        ("diff_mode", "diff_mode"),
    ):
        if given.get(field) and not template.get(f"ask_{prompt}_on_launch"):
            wrong = " A dry run would be a real one." if given[field] == "check" else ""
            yield f"{here} {field} is set, and {template['name']} does not ask for it: AWX drops the value.{wrong}"
    asked = {question["variable"] for _name, question in _questions({"job_templates": [dict(template)]})}
    for key in given.get("extra_data") or {}:
        if key not in asked and not template.get("ask_variables_on_launch"):
            yield f"{here} {key} is in extra_data, and the survey of {template['name']} does not ask for it."


def _workflow(objects: Objects) -> Iterator[str]:
    nodes = {node["identifier"]: node for node in objects.get("nodes", [])}
    links = {link["identifier"]: link for link in objects.get("links", [])}
    ways = ("success", "failure", "always")
    for name, node in nodes.items():
        approval = node.get("approval_node")
        if approval is not None:
            if not isinstance(approval.get("timeout"), int) or approval["timeout"] <= 0:
                yield f"The node {name}: an approval without a timeout waits without end. Set a timeout in seconds."
            if any(f"{way}_nodes" in node for way in ways):
                yield f"The node {name}: awx.awx fails where an approval has links. Give them in a task of their own."
    children: dict[str, list[str]] = {}
    for name, link in links.items():
        targets = [target for way in ways for target in link.get(f"{way}_nodes", [])]
        children[name] = targets
        for target in targets:
            if target not in nodes:
                yield f"The node {name}: it leads to {target!r}, which is not a node."
            if targets.count(target) > 1:
                yield f"The node {name}: it leads to {target!r} in two ways. AWX takes one."
    for name, link in links.items():
        for target in [*link.get("failure_nodes", []), *link.get("always_nodes", [])]:
            for end in _ends(target, children):
                if not str(nodes.get(end, {}).get("unified_job_template", "")).endswith("-report"):
                    yield (
                        f"The node {name}: the path of its failure ends with {end!r}, which may succeed, so that the"
                        " workflow is green. End the path with report, which fails."
                    )
    yield from _cycles(children)


def _ends(name: str, children: Mapping[str, list[str]], seen: frozenset[str] = frozenset()) -> Iterator[str]:
    below = [child for child in children.get(name, []) if child not in seen]
    if not below:
        yield name
    for child in below:
        yield from _ends(child, children, seen | {name})


def _cycles(children: Mapping[str, list[str]]) -> Iterator[str]:
    for start in children:
        reached, waiting = set(), list(children[start])
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                waiting += children.get(name, [])
        if start in reached:
            yield f"The node {start}: it leads back to itself."


def _credentials(objects: Objects) -> Iterator[str]:
    for kind in objects.get("credential_types", []):
        here = f"The credential type {kind['name']}:"
        injectors = kind.get("injectors", {})
        fields = [field["id"] for field in kind.get("inputs", {}).get("fields", [])]
        if injectors.get("extra_vars"):
            yield f"{here} ansible-core gives extra variables another type, such as a password '0123'. Use env or file."
        for field in fields:
            if not _IDENTIFIER.match(field) or field == "tower":
                yield f"{here} AWX refuses the name {field!r} of a field."
        files = injectors.get("file", {})
        if "template" in files and len(files) > 1:
            yield f"{here} AWX refuses template together with others in file."
        for variable, text in {**injectors.get("env", {}), **files}.items():
            if variable in injectors.get("env", {}) and _RESERVED.match(variable):
                yield f"{here} AWX refuses the environment variable {variable}."
            for word in re.findall(r"\{\{\s*([A-Za-z_][A-Za-z0-9_.]*)", text):
                known = [*fields, *(f"tower.filename{name.removeprefix('template')}" for name in files)]
                if word not in known:
                    yield f"{here} AWX refuses the undefined name {word!r}."
        for field in kind.get("inputs", {}).get("fields", []):
            if field.get("secret") and field["id"] not in kind["inputs"].get("required", []):
                yield f"{here} {field['id']} may be missing, and its template would then fail in each job."


def _inventories(objects: Objects) -> Iterator[str]:
    for inventory in objects.get("inventories", []):
        if inventory.get("kind") != "":
            yield f"The inventory {inventory['name']}: without kind '', awx.awx changes it on each run."


def _names(objects: Objects) -> Iterator[str]:
    for kind, entries in objects.items():
        seen: set[str] = set()
        for entry in entries:
            name = entry.get("name") or entry["identifier"]
            if len(name) > _LONGEST:
                yield f"The name {name[:40]}… in {kind} has {len(name)} characters. AWX takes {_LONGEST}."
            if name in seen:
                yield f"The name {name!r} is there twice in {kind}."
            seen.add(name)


_CHECKS: tuple[Callable[[Objects], Iterator[str]], ...] = (
    _surveys, _templates, _prompts, _workflow, _credentials, _inventories, _names,
)  # fmt: skip
