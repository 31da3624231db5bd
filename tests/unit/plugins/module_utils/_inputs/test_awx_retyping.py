# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every input of every specification, given as AWX writes it: ``!unsafe 'text'``, to which ansible-core gives a type.

ansible-core 2.19 to 2.21 make 83 of '0123', 750 of '12:30', true of 'yes' and null of ''. An input takes such a value
as the text that it was, or refuses it by name. Inputs that are numbers are exempt: AWX sends the answers of such
questions as numbers, without ``!unsafe``.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader

from ansible_collections.puffy.mail.plugins.module_utils._inputs import judge, sqlite_maps, tables
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import say

ROOT = Path(__file__).resolve().parents[5]
TEXTS = ["0123", "12345678", "0x53", "12:30", "1_000", "1.5", "yes", "No", "true", "on", "2027-01-01", "~", "null"]
VALUES: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "values.yml").read_text())


def _inputs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for role in tables.ROLES:
        path = ROOT / "roles" / role / "meta" / "argument_specs.yml"
        options = yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"]
        yield from ((role, name, option) for name, option in options.items())
    for part, (options, _table) in tables.SHARED.items():
        yield from ((part, name, option) for name, option in options.items())


INPUTS = list(_inputs())
EACH = pytest.mark.parametrize(("part", "name", "option"), INPUTS, ids=[name for _part, name, _option in INPUTS])


def as_awx_writes(value: Any) -> Any:
    """``value`` after a trip through the file of extra variables, each text with the tag, read by this ansible-core."""

    def written(item: Any) -> str:
        if isinstance(item, str):
            quoted = item.replace("'", "''")
            return f"!unsafe {json.dumps(item)}" if "\n" in item else f"!unsafe '{quoted}'"
        if isinstance(item, list):
            return f"[{', '.join(map(written, item))}]"
        if isinstance(item, dict):
            return f"{{{', '.join(f'{written(key)}: {written(given)}' for key, given in item.items())}}}"
        return str(yaml.safe_dump(item)).removesuffix("...\n").strip()

    return DataLoader().load(f"value: {written(value)}\n")["value"]


def judged(part: str, name: str, option: dict[str, Any], values: dict[str, Any]) -> tuple[Any, list[str]]:
    table = tables.ROLES[part] if part in tables.ROLES else tables.SHARED[part][1]
    if name in sqlite_maps.ACCOUNTS:
        # Rules over several inputs judge their entries.
        every = {other: spec for role, other, spec in INPUTS if role == part}
        others: dict[str, Any] = {**{key: [] for key in sqlite_maps.ACCOUNTS}, "sqlite_maps_domains": ["example.test"]}
        if name == "sqlite_maps_aliases":
            others["sqlite_maps_mailboxes"] = VALUES["sqlite_maps_mailboxes"]
        good, problems = judge.judge(every, table, values, {**others, **OWNED, name: VALUES[name]})
    else:
        alone = judge.Table(table.forms, by_type=table.by_type)
        good, problems = judge.judge({name: option}, alone, values, {name: VALUES[name]})
    return good.get(name, "refused"), [say(*problem) for problem in problems]


def variants(value: Any, text: str) -> Iterator[Any]:
    """``text`` itself, and ``value`` with one of the texts in it replaced by ``text``."""
    yield text
    yield from _inside(value, text)


def _inside(value: Any, text: str) -> Iterator[Any]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            for other in _inside(item, text) if isinstance(item, (list, dict)) else [text]:
                yield [*value[:index], other, *value[index + 1 :]]
    elif isinstance(value, dict):
        for key, item in value.items():
            for other in _inside(item, text) if isinstance(item, (list, dict)) else [text]:
                yield {**value, key: other}


@EACH
def test_text_stays_what_it_was_or_is_refused_by_name(part: str, name: str, option: dict[str, Any]) -> None:
    for text in TEXTS:
        for given in variants(VALUES[name], text):
            arrived = as_awx_writes(given)
            if arrived == given and type(arrived) is type(given):
                continue
            expected, _sentences = judged(part, name, option, {name: given})
            found, sentences = judged(part, name, option, {name: arrived})
            if sentences:
                assert all(sentence.startswith(name) for sentence in sentences), (given, sentences)
            elif arrived is None:
                assert found == VALUES[name], given
            elif name in ("sqlite_maps_expect", "ldap_maps_tables") and text in ("~", "null"):
                # Null is an answer: that the key is not found.
                continue
            elif name not in FREE_FORM | NUMBERS and not _has_numbers(option):
                assert found == expected, (given, arrived)


#: inputs of numbers that the specification knows no type for, since they may be shares too
NUMBERS = {"mail_batches"}
#: inputs with the options of other programs, where a number stands for itself and the specification knows no types
#: where the accounts are in the variables
OWNED = {
    "sqlite_maps_mode": "owned",
    "sqlite_maps_accounts_file": "",
    "sqlite_maps_recipient_delimiter": "+",
    "sqlite_maps_alias_targets": 1000,
}
FREE_FORM = {
    "postfix_parameters", "postfix_services",
    # judged field by field, by the type of notification
    "mail_awx_notification",
    # judged input by input where the templates are made
    "mail_awx_variables",
}  # fmt: skip


def _has_numbers(option: dict[str, Any]) -> bool:
    kinds = {option["type"], option.get("elements")}
    kinds |= {field.get("type") for field in option.get("options", {}).values()}
    return bool(kinds & {"int", "float"})


@EACH
def test_what_was_not_retyped_is_taken(part: str, name: str, option: dict[str, Any]) -> None:
    arrived = as_awx_writes(VALUES[name])
    assert judged(part, name, option, {name: arrived}) == (VALUES[name], [])


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_truth_value_that_is_false_without_one_may_be_empty(nothing: Any) -> None:
    """Each role reads it with the filter bool."""
    names = {name: part for part, name, option in INPUTS if part in tables.ROLES and option.get("default") is False}
    for name, part in names.items():
        table = judge.Table({name: tables.ROLES[part].forms[name]})
        assert judge.judge({name: {"type": "bool"}}, table, {name: nothing}, {name: False}) == ({name: False}, [])
    for path in [*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("roles/*/templates/*")]:
        for name, rest in re.findall(r"(?<![\w'\"])([a-z_]+)\b(?!['\":])([^\n]{0,7})", path.read_text()):
            if name in names:
                assert rest.startswith(" | bool"), (path, name)


@EACH
def test_null_and_empty_text_are_the_same(part: str, name: str, option: dict[str, Any]) -> None:
    """Both leave the default in force, or both are refused by name. An empty text that means something stays."""
    (null, null_told), (empty, empty_told) = (judged(part, name, option, {name: given}) for given in (None, ""))
    table = tables.ROLES[part] if part in tables.ROLES else tables.SHARED[part][1]
    if table.forms[name]("") is None and option["type"] in ("str", "path"):
        assert empty == ""
    else:
        assert (null, bool(null_told)) == (empty, bool(empty_told))
    for sentence in itertools.chain(null_told, empty_told):
        assert sentence.startswith(name)
