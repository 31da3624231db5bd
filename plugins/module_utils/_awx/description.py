# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of AWX: arguments of the modules of awx.awx, in the order in which they are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._awx import survey
from ansible_collections.puffy.mail.plugins.module_utils._inputs import awx
from ansible_collections.puffy.mail.plugins.module_utils._inputs.judge import Spec, Table
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import Form

#: objects by kind; each is the arguments of one call of a module of awx.awx
Objects = dict[str, list[dict[str, Any]]]


def objects(
    settings: Mapping[str, Any],
    description: Mapping[str, Any],
    inputs: Mapping[str, tuple[Mapping[str, Any], Form]],
    playbooks: Iterable[str],
) -> Objects:
    """What to make. ``settings`` are the inputs mail_awx_*, ``inputs`` has the specification and form of every input.

    ValueError says in one sentence a line what is wrong with the description.
    """
    described = {*description["templates"], *description["without_template"]}
    missing = [
        f"The playbook {name} has no template in playbooks/files/awx.yml."
        for name in playbooks
        if name not in described
    ]
    if missing:
        raise ValueError("\n".join(missing))
    return _Maker(settings, description, inputs).made()


class _Maker:
    def __init__(
        self,
        settings: Mapping[str, Any],
        description: Mapping[str, Any],
        inputs: Mapping[str, tuple[Mapping[str, Any], Form]],
    ) -> None:
        self.settings = settings
        self.description = description
        self.inputs = inputs
        self.organization = settings["mail_awx_organization"]

    def _name(self, name: str) -> str:
        return f"{self.settings['mail_awx_prefix']}-{name}"

    def made(self) -> Objects:
        image = self.settings["mail_awx_execution_environment"]
        return {
            "organizations": [{"name": self.organization}],
            "execution_environments": [self._owned("ee", image=image, pull="missing")] if image else [],
            "credential_types": [self._credential_type(kind) for kind in self.description["credential_types"].values()],
            "credentials": [self._credential(key) for key in self._secrets()],
            "notification_templates": self._notifications(),
            "projects": [self._project()],
            # Without kind, awx.awx sends null on each run.
            "inventories": [self._owned("inventory", kind="")],
            "inventory_sources": [self._source()],
            "job_templates": [self._template(name) for name in self.description["templates"]],
            "workflow_job_templates": [self._workflow()],
            "nodes": [self._node(name) for name in self._nodes()],
            "links": [link for name in self._nodes() for link in self._links(name)],
            "schedules": [self._schedule(name) for name in self.description["schedules"]],
        }

    def _owned(self, name: str, **more: Any) -> dict[str, Any]:
        return {"name": self._name(name), "organization": self.organization, **more}

    # -- credentials -----------------------------------------------------------------------------------------------

    def _secrets(self) -> list[str]:
        given = self.settings["mail_awx_secrets"]
        return [key for key in self.description["credential_types"] if key in given]

    def _credential_type(self, kind: Mapping[str, Any]) -> dict[str, Any]:
        fields = []
        for name, field in kind["fields"].items():
            multiline = {"multiline": True} if field.get("multiline") else {}
            fields.append({"id": name, "type": "string", "label": field["label"], "secret": True, **multiline})
        injectors = {part: dict(kind[part]) for part in ("env", "file") if part in kind}
        return {
            "name": kind["name"],
            "description": kind["description"],
            "kind": "cloud",
            "inputs": {"fields": fields, "required": list(kind["fields"])},
            "injectors": injectors,
        }

    def _credential(self, key: str) -> dict[str, Any]:
        kind = self.description["credential_types"][key]
        (field,) = kind["fields"]
        return self._owned(
            key,
            credential_type=kind["name"],
            inputs={field: self.settings["mail_awx_secrets"][key]},
            update_secrets=self.settings["mail_awx_update_secrets"],
        )

    # -- what templates refer to -----------------------------------------------------------------------------------

    def _notifications(self) -> list[dict[str, Any]]:
        kind = self.settings["mail_awx_notification_type"]
        if kind == "none":
            return []
        configuration = awx.notification(self.settings)
        return [self._owned("notification", notification_type=kind, notification_configuration=configuration)]

    def _notified(self) -> list[str]:
        return [entry["name"] for entry in self._notifications()]

    def _environment(self, key: str) -> dict[str, Any]:
        return {key: self._name("ee")} if self.settings["mail_awx_execution_environment"] else {}

    def _project(self) -> dict[str, Any]:
        credential = self.settings["mail_awx_project_credential"]
        return self._owned(
            "project",
            scm_type="git",
            scm_url=self.settings["mail_awx_project_url"],
            scm_branch=self.settings["mail_awx_project_branch"],
            # Only then AWX takes the name of a playbook in a collection.
            allow_override=True,
            notification_templates_error=self._notified(),
            **({"credential": credential} if credential else {}),
            **self._environment("default_environment"),
        )

    def _source(self) -> dict[str, Any]:
        return self._owned(
            "source",
            inventory=self._name("inventory"),
            source="scm",
            source_project=self._name("project"),
            source_path=self.settings["mail_awx_inventory_path"],
            overwrite=True,
            overwrite_vars=True,
            update_on_launch=True,
            notification_templates_error=self._notified(),
        )

    # -- templates ---------------------------------------------------------------------------------------------------

    def _template(self, name: str) -> dict[str, Any]:
        described = self.description["templates"][name]
        secrets = [self._name(key) for key in self._secrets() if key in described["credentials"]]
        questions = [survey.question(key, *self.inputs[key]) for key in described["survey"]]
        return self._owned(
            name,
            description=described["description"],
            project=self._name("project"),
            playbook=f"puffy.mail.{name}",
            inventory=self._name("inventory"),
            job_type="run",
            credentials=[*self.settings["mail_awx_credentials"], *secrets],
            extra_vars={**described.get("variables", {}), **self.settings["mail_awx_variables"]},
            # A slice sees its own hosts only, and its run_once runs once for each slice.
            job_slice_count=1,
            allow_simultaneous=False,
            # What a workflow or schedule sets and a template does not ask for, AWX drops without a word.
            ask_limit_on_launch=True,
            ask_job_type_on_launch=bool(described["check"]),
            ask_diff_mode_on_launch=bool(described["check"]),
            ask_verbosity_on_launch=True,
            survey_enabled=bool(questions),
            notification_templates_error=self._notified(),
            **({"survey_spec": {"name": self._name(name), "description": "", "spec": questions}} if questions else {}),
            **self._environment("execution_environment"),
        )

    # -- the workflow ------------------------------------------------------------------------------------------------

    def _workflow(self) -> dict[str, Any]:
        described = self.description["workflow"]
        return self._owned(
            described["name"],
            description=described["description"],
            inventory=self._name("inventory"),
            allow_simultaneous=False,
            ask_limit_on_launch=True,
            notification_templates_error=self._notified(),
            notification_templates_approvals=self._notified(),
        )

    def _nodes(self) -> Mapping[str, Mapping[str, Any]]:
        found: Mapping[str, Mapping[str, Any]] = self.description["workflow"]["nodes"]
        return found

    def _in_workflow(self, name: str, **more: Any) -> dict[str, Any]:
        workflow = self._name(self.description["workflow"]["name"])
        return {"identifier": name, "workflow_job_template": workflow, "organization": self.organization, **more}

    def _node(self, name: str) -> dict[str, Any]:
        node = self._nodes()[name]
        if "approval" in node:
            timeout = self.settings["mail_awx_approval_timeout"]
            return self._in_workflow(
                name, approval_node={"name": self._name(name), "description": node["approval"], "timeout": timeout}
            )
        runs = self._name(node.get("template") or node["project"])
        prompted = {field: node[field] for field in ("job_type", "diff_mode") if field in node}
        return self._in_workflow(name, unified_job_template=runs, lookup_organization=self.organization, **prompted)

    def _links(self, name: str) -> Iterable[dict[str, Any]]:
        """Links come last: a node cannot lead to one that is not there, and awx.awx fails with those of an approval."""
        node = self._nodes()[name]
        yield self._in_workflow(
            name, **{f"{when}_nodes": list(node.get(when, [])) for when in ("success", "failure", "always")}
        )

    def _schedule(self, name: str) -> dict[str, Any]:
        described = self.description["schedules"][name]
        return {
            "name": self._name(name),
            "description": described["description"],
            "organization": self.organization,
            "unified_job_template": self._name(described["template"]),
            "rrule": self.settings["mail_awx_verify_schedule"],
            "enabled": True,
        }


def inputs_of(parts: Iterable[tuple[Spec, Table]]) -> dict[str, tuple[Mapping[str, Any], Form]]:
    """Every input by name, with its specification and form."""
    return {name: (option, table.forms[name]) for spec, table in parts for name, option in spec.items()}
