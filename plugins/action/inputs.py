# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges the inputs of roles and playbooks on the control side. Documented with the module of this name."""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible import template
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.yaml import yaml_load
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import module_loader

from ansible_collections.puffy.mail.plugins.module_utils._accounts import entries, routes
from ansible_collections.puffy.mail.plugins.module_utils._inputs import (
    agreement,
    judge,
    mail,
    secrets,
    sqlite_maps,
    tables,
    vocabulary,
)
from ansible_collections.puffy.mail.plugins.module_utils._inputs.judge import Problem
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import say, shown

_COLLECTION = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: a default that is another variable, or what the environment has instead of it
_OTHER = re.compile(
    r"\{\{\s*(?:lookup\('[^()]*'\)\s*or\s+)?([A-Za-z_]\w*)\s*(?:\|\s*default(\(.*\))\s*)?\}\}\s*", re.DOTALL
)
_ABSENT = object()
#: true, as Ansible reads it
_TRUE = frozenset({"true", "yes", "on", "1", "y", "t", "1.0"})
# ansible-core 2.19 and later templates only what is marked as trusted.
_trusted = getattr(template, "trust_as_template", str)


def _file(role: str, *path: str) -> Any:
    with open(os.path.join(_COLLECTION, "roles", role, *path), encoding="utf-8") as file:
        return yaml_load(file)


def _templates(value: Any) -> Any:
    """``value`` with its texts marked as templates."""
    if isinstance(value, dict):
        return {key: _templates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_templates(item) for item in value]
    return _trusted(value) if isinstance(value, str) else value


def _options(specs: Mapping[str, Any]) -> dict[str, Any]:
    """The options of all entry points of a role."""
    found: dict[str, Any] = {}
    for entry in specs["argument_specs"].values():
        found.update(entry.get("options", {}))
    return found


# Read where the plugin is loaded, which is before the workers of a play are forked: once, not once for each host.
#: by role, its specification, and its defaults with its own variables
_ROLES: Mapping[str, tuple[judge.Spec, Mapping[str, Any]]] = {
    role: (
        _options(_file(role, "meta", "argument_specs.yml")),
        _templates({**_file(role, "defaults", "main.yml"), **_file(role, "vars", "main.yml")}),
    )
    for role in tables.ROLES
}


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible is not typed
    """Ansible's entry point."""

    _requires_connection = False
    _supports_check_mode = True
    TRANSFERS_FILES = False
    _VALID_ARGS = frozenset({"roles", "playbook"})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the inputs with their types; fail with one sentence for each that is wrong."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        host = _Host(self, task_vars or {})
        playbook, roles = self._wanted(host)
        sentences = host.sentences(roles)
        if playbook == "site":
            sentences += host.batches()
            sentences += host.twins() or ([] if sentences else host.agreement(roles))
        if playbook == "awx" and module_loader.find_plugin("awx.awx.organization") is None:
            sentences.append(
                "The collection awx.awx is not installed. Install it, as with ansible-galaxy collection install"
                " awx.awx:24.6.1. It is also in the Python package ansible 13, and no longer in 14."
            )
        if sentences:
            return {**result, "failed": True, "msg": "\n".join([*sorted(set(sentences)), "Nothing was changed."])}
        # Registered, the values are there for the tasks that follow; no log shows them, since some are secrets.
        return {**result, "changed": False, "inputs": host.good, "_ansible_no_log": True}

    def _wanted(self, host: _Host) -> tuple[str | None, list[str]]:
        playbook, roles = self._task.args.get("playbook"), list(self._task.args.get("roles") or [])
        if playbook is not None and playbook not in tables.PLAYBOOKS:
            raise AnsibleActionFail(f"playbook is {shown(playbook)}. Use one of {', '.join(tables.PLAYBOOKS)}.")
        for role in roles:
            if role not in tables.ROLES:
                raise AnsibleActionFail(f"roles has the entry {shown(role)}. Use {', '.join(tables.ROLES)}.")
        if playbook is not None:
            accounts = host.value("mail_accounts", "sqlite")
            # As the default of the role postfix says, before the defaults of roles are known.
            sends_only = accounts == "none" and not host.value("postfix_relay_domains", [])
            level = host.value("postfix_tls_security_level", "none" if sends_only else "may")
            wanted = tables.roles_of(playbook, accounts, host.value("mail_sasl", ""), certificates=level != "none")
            if playbook == "site" and str(host.value("mail_site_verify", False)).lower() in _TRUE:
                wanted.append("verify")
            roles += [role for role in wanted if role not in roles]
        return playbook, roles


class _Host:
    """The variables of one host, as its tasks would see them, and what is wrong with them."""

    def __init__(self, action: ActionModule, task_vars: Mapping[str, Any]) -> None:
        self.action = action
        self.task_vars = task_vars
        self.loader = action._loader
        self.specs: dict[str, judge.Spec] = {name: spec for name, (spec, _table) in tables.SHARED.items()}
        self.defaults: dict[str, Any] = {}
        for role in tables.ROLES:
            self.specs[role] = _ROLES[role][0]
        self.templar = action._templar
        #: the inputs that nothing is wrong with, with their types
        self.good: dict[str, Any] = {}
        self.problems: list[Problem] = []
        #: the domains of an accounts file
        self.hosted: list[str] = []

    # -- values ------------------------------------------------------------------------------------------------------

    def value(self, name: str, default: Any) -> Any:
        """The value of a variable, ``default`` where it is not set or cannot be resolved."""
        if name not in self.task_vars:
            return default
        try:
            found = self.templar.template(self.task_vars[name])
        except AnsibleError:
            return default
        return default if found is None or found == "" else found

    def load_defaults(self, roles: Iterable[str]) -> None:
        """Lay the variables over the defaults of the roles, as a task of theirs would see them."""
        for role in roles:
            if role in tables.ROLES:
                self.defaults.update(_ROLES[role][1])
        self.templar = self.action._templar.copy_with_new_env(available_variables={**self.defaults, **self.task_vars})

    def _resolved(self, name: str, raw: Any, is_default: bool) -> Any:
        """The value of ``raw``; _ABSENT where it cannot be resolved, with a problem unless facts are missing for it."""
        try:
            return self.templar.template(raw)
        except AnsibleError as exc:
            reason = _reason(exc)
            if not (is_default and "ansible_facts" in self._names(name, facts=True)):
                self.problems.append((name, f"cannot be resolved: {reason}."))
            return _ABSENT

    def _names(self, name: str, *, facts: bool = False, seen: set[str] | None = None) -> list[str]:
        """The mail_* variables that the value of ``name`` is made from, directly or through others, in order."""
        seen = set() if seen is None else seen
        raw = self.task_vars.get(name, self.defaults.get(name))
        found: list[str] = []
        for word in dict.fromkeys(_words(raw)):
            if word in seen:
                continue
            seen.add(word)
            if word in mail.SPEC or (facts and word == "ansible_facts"):
                found.append(word)
            elif word in self.task_vars or word in self.defaults:
                found.extend(self._names(word, facts=facts, seen=seen))
        return found

    def origin(self, name: str) -> str:
        """The variable whose value ``name`` has: itself, or the one of mail_* that its default hands on."""
        while name not in mail.SPEC:
            word = _handed_on(self.task_vars.get(name, self.defaults.get(name)))
            if word is None or not (word in mail.SPEC or word in self.task_vars or word in self.defaults):
                break
            name = word
        return name

    # -- judgement ---------------------------------------------------------------------------------------------------

    def sentences(self, roles: list[str]) -> list[str]:
        """A sentence for each thing that is wrong with the inputs of ``roles``."""
        self.load_defaults(roles)
        known = [name for spec in self.specs.values() for name in spec]
        others = self.value("mail_other_variables", [])
        misspelt = tables.misspelt(self.task_vars, known, others if isinstance(others, list) else [])
        self._judge("mail")
        bad = {name for name, _problem in self.problems}
        found = list(self.problems)
        for role in roles:
            self.problems = []
            self._judge(role)
            if role in tables.ROLES:
                self._control_side(role)
            said: set[str] = set()
            for name, problem in self.problems:
                # What several roles share is told once, and not again by a value that is made from it.
                if bad.isdisjoint(self._names(name)):
                    found.append((self.origin(name), problem))
                    said.add(self.origin(name))
            bad |= said
        return [*itertools.starmap(say, misspelt), *itertools.starmap(self._named, found)]

    def _named(self, name: str, problem: str) -> str:
        """The sentence, in which each input is called by the variable that was set."""
        return _WORD.sub(
            lambda match: (
                self.origin(match[0]) if match[0] in self.defaults or match[0] in self.task_vars else match[0]
            ),
            say(name, problem),
        )

    def _judge(self, part: str) -> None:
        """Judge the inputs of a role or of a playbook."""
        spec = self.specs[part]
        table = tables.ROLES[part] if part in tables.ROLES else tables.SHARED[part][1]
        values, defaults = {}, {}
        for name in spec:
            given = name in self.task_vars and self.task_vars[name] != self.defaults.get(name, _ABSENT)
            if given:
                value = self._resolved(name, self.task_vars[name], False)
                word = tables.renamed_word(name, value)
                if word is not None:
                    self.problems.append((name, word))
                elif value is not _ABSENT:
                    values[name] = value
            if name in self.defaults and vocabulary.is_unset(values.get(name)) and not self._is_bad(name):
                default = self._resolved(name, self.defaults[name], True)
                if default is not _ABSENT:
                    defaults[name] = default
            elif part in tables.SHARED and spec[name].get("no_log") and vocabulary.is_unset(values.get(name)):
                self._environment(name, [] if spec[name]["type"] == "list" else "", defaults)
        inventory = {
            judge.INVENTORY_HOSTS: list((self.task_vars.get("groups") or {}).get("all", [])),
            judge.PLAY_HOSTS: list(self.task_vars.get("ansible_play_hosts_all") or []),
        }
        judged = {name: option for name, option in spec.items() if not self._is_bad(name)}
        good, problems = judge.judge(judged, table, values, defaults, inventory)
        self.good.update(good)
        self.problems += problems

    def _environment(self, name: str, empty: Any, defaults: dict[str, Any]) -> None:
        """The value that the environment has for a secret of the playbooks; those of roles are in their defaults."""
        try:
            found = secrets.given(name, empty, os.environ, lambda path: Path(path).read_text(encoding="utf-8"))
        except ValueError as exc:
            self.problems.append((name, f": {exc}"))
        else:
            if found:
                defaults[name] = found

    def _is_bad(self, name: str) -> bool:
        return any(name == bad for bad, _problem in self.problems)

    # -- what the control side needs -----------------------------------------------------------------------------------

    def _control_side(self, role: str) -> None:
        good = self.good
        if role == "sqlite_maps" and good.get("sqlite_maps_mode") == "owned":
            if good.get("sqlite_maps_accounts_file"):
                self._accounts_file(good["sqlite_maps_accounts_file"])
            if any(box.get("password") for box in good.get("sqlite_maps_mailboxes", ())):
                self._package(
                    "sqlite_maps_mailboxes", "bcrypt", "a mailbox has a password to hash", " Or set password_hash."
                )
        if role == "tls_pki" and good.get("tls_pki_source") == "private_ca":
            self._lasting(good.get("tls_pki_ca_host", ""))
            if good.get("tls_pki_ca_host") == "localhost":
                self._package("tls_pki_source", "cryptography", "the private CA is kept there")
                if good.get("tls_pki_ca_directory"):
                    self._directory("tls_pki_ca_directory", good["tls_pki_ca_directory"])

    def _package(self, name: str, package: str, why: str, otherwise: str = "") -> None:
        if importlib.util.find_spec(package) is None:
            self.problems.append(
                (
                    name,
                    f"needs the Python package {package!r} on the control node, since {why}. Install it (pip install"
                    f" {package}).{otherwise}",
                )
            )

    def _lasting(self, host: str) -> None:
        """A job of AWX runs in a container that is removed whole: the next job would make another CA."""
        if "AWX_PRIVATE_DATA_DIR" not in os.environ:
            return
        known = self.task_vars["hostvars"]
        if host == "localhost" or (host in known and known[host].get("ansible_connection") == "local"):
            self.problems.append(
                (
                    "tls_pki_ca_host",
                    f"is {host!r}, which is the container of this job: AWX removes the container after the job, and the"
                    " CA with it. Set tls_pki_ca_host to a host of the inventory that serves no mail, or set"
                    " tls_pki_source to 'given'.",
                )
            )

    def _directory(self, name: str, path: str) -> None:
        """The directory itself, or the nearest one above it that is there, must take files."""
        there = path
        while not os.path.lexists(there):
            there = os.path.dirname(there)
        if not os.path.isdir(there):
            self.problems.append((name, f"is {path!r}, and {there!r} is not a directory. Use another path."))
        elif not os.access(there, os.W_OK | os.X_OK):
            self.problems.append(
                (name, f"is {path!r}, and you may not write in {there!r} on the control node. Use another path.")
            )

    def _accounts_file(self, path: str) -> None:
        name = "sqlite_maps_accounts_file"
        try:
            local = self.loader.get_real_file(self.action._find_needle("files", path))
        except AnsibleError:
            self.problems.append(
                (
                    name,
                    f"is {path!r}, which is not there, or cannot be read or decrypted. Use a JSON file on the control"
                    " node; a relative path is looked for in files/ beside the playbook, and beside it.",
                )
            )
            return
        try:
            with open(local, encoding="utf-8") as file:
                text = file.read()
            found = sqlite_maps.file_problems(
                text,
                path,
                self.good.get("sqlite_maps_recipient_delimiter", "+"),
                self.good.get("sqlite_maps_alias_targets", routes.TARGETS),
            )
            if not found:
                self.hosted = sqlite_maps.hosted(entries.accounts_file(text, path))
        except (OSError, UnicodeDecodeError) as exc:
            found = [f"{path} cannot be read: {exc}. Use a JSON file in UTF-8."]
        finally:
            self.loader.cleanup_tmp_file(local)
        self.problems += [(name, f": {sentence}") for sentence in found]

    def agreement(self, roles: list[str]) -> list[str]:
        """A sentence for each thing that the roles of the site, each with good inputs, do not agree on."""
        good = self.good
        found = agreement.problems(agreement.Site(good, set(self.task_vars), roles))
        if "sqlite_maps" in roles and good["sqlite_maps_mode"] == "owned":
            lists = {name: good[f"sqlite_maps_{name}"] for name in entries.LISTS}
            found += agreement.hosted_problems(good, self.hosted or sqlite_maps.hosted(lists))
        return list(itertools.starmap(self._named, found))

    def batches(self) -> list[str]:
        """A sentence where two hosts of the play have other sizes of batches; told on the play's first host."""
        hosts = list(self.task_vars.get("ansible_play_hosts_all") or [])
        if len(hosts) < 2 or hosts[0] != self.task_vars.get("inventory_hostname"):
            return []
        sizes: dict[str, str] = {}
        for host in hosts:
            with contextlib.suppress(AnsibleError):
                sizes.setdefault(repr(self.task_vars["hostvars"][host].get("mail_batches")), host)
        if len(sizes) < 2:
            return []
        (one, first), (other, second) = list(sizes.items())[:2]
        return [
            f"mail_batches is {one} on {first} and {other} on {second}. Give all hosts of the run the same value, in"
            " the variables of the group or with -e."
        ]

    def twins(self) -> list[str]:
        """A sentence for each address or name that two hosts of the play share; told on the play's first host."""
        hosts = list(self.task_vars.get("ansible_play_hosts_all") or [])
        if not hosts or hosts[0] != self.task_vars.get("inventory_hostname"):
            return []
        sentences = []
        for name in ("ansible_host", "mail_hostname"):
            seen: dict[Any, str] = {}
            for host in hosts:
                variables = self.task_vars["hostvars"][host]
                try:
                    value = str(variables.get(name) or host).lower()
                    key = (value, str(variables.get("ansible_port") or "")) if name == "ansible_host" else value
                except AnsibleError:
                    continue  # judged on that host
                if key in seen:
                    sentences.append(f"{name} is {value!r} on both {seen[key]} and {host}. Give each host its own.")
                seen.setdefault(key, host)
        return sentences


def _handed_on(raw: Any) -> str | None:
    """The variable whose value a template hands on unchanged; None where it works something out."""
    found = _OTHER.fullmatch(raw.lstrip()) if isinstance(raw, str) else None
    if found is None:
        return None
    # One pair of parentheses around all that stands behind "default".
    depth = list(itertools.accumulate((char == "(") - (char == ")") for char in (found[2] or "")[:-1]))
    return found[1] if all(depth) else None


def _words(raw: Any) -> Iterable[str]:
    """The names in the templates of a value."""
    if isinstance(raw, str):
        for part in re.findall(r"\{[{%](.*?)[%}]\}", raw, re.DOTALL):
            yield from _WORD.findall(re.sub(r"'[^']*'|\"[^\"]*\"", "", part))
    elif isinstance(raw, Mapping):
        for item in raw.values():
            yield from _words(item)
    elif isinstance(raw, (list, tuple)):
        for item in raw:
            yield from _words(item)


def _reason(exc: AnsibleError) -> str:
    """Why a template failed, on one line and without the template."""
    cause = exc
    while isinstance(cause.__cause__, Exception) and str(cause.__cause__):
        cause = cause.__cause__
    lines = [line.strip() for line in str(getattr(cause, "_message", None) or cause).splitlines() if line.strip()]
    return (lines[0] if lines else type(cause).__name__).rstrip(".")
