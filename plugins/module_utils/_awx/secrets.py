# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that AWX keeps for the jobs, judged as the inputs that they feed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._inputs import judge, secrets, sqlite_maps
from ansible_collections.puffy.mail.plugins.module_utils._inputs.judge import Spec, Table
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import say

_ACCOUNTS = "sqlite_maps_accounts_file"


def problems(
    given: Mapping[str, str], kinds: Mapping[str, Mapping[str, Any]], parts: Iterable[tuple[Spec, Table]]
) -> list[str]:
    """A sentence for each thing that is wrong with a secret. None shows a value.

    ``kinds`` are the credential types of the description. ``parts`` have the specifications and forms of all inputs.
    """
    known = {name: (spec, table) for spec, table in parts for name in spec}
    return [
        f"mail_awx_secrets: {key}: {sentence}"
        for key, text in given.items()
        for sentence in _of_one(input_of(kinds[key], known), text, known)
    ]


def input_of(kind: Mapping[str, Any], known: Iterable[str]) -> str:
    """The input that a credential type feeds: its environment variable has the value, or the path of a file with it."""
    (variable,) = kind["env"]
    return next(name for name in known if variable in (secrets.variable(name), f"{secrets.variable(name)}_FILE"))


def _of_one(name: str, text: str, known: Mapping[str, tuple[Spec, Table]]) -> Iterator[str]:
    if name == _ACCOUNTS:
        # Which delimiter holds, each host says.
        for sentence in sqlite_maps.file_problems(text, "the text", ""):
            yield say(name, f": {sentence}")
        return
    spec, table = known[name]
    empty: Any = {"list": [], "dict": {}}.get(spec[name]["type"], "")
    try:
        # As the job reads the environment.
        value = secrets.given(name, empty, {secrets.variable(name): text}, lambda path: path)
    except ValueError as exc:
        yield str(exc)
        return
    if not value:
        yield f"{name} is empty. Set a value, or leave the secret out."
        return
    values = {name: value}
    if name == "tls_pki_given":
        # Which of the keys a host wants, each host says.
        values.update(tls_pki_source="given", tls_pki_key_types=list(value))
    _good, found = judge.judge({each: spec[each] for each in values}, table, values, {})
    for problem in found:
        yield say(*problem)
