# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every input of every role and playbook: known to its table, taken in each spelling or refused by name."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.puffy.mail.plugins.module_utils._inputs import judge, tables
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import say
from ansible_collections.puffy.mail.plugins.module_utils._tls.policy import PROFILES

ROOT = Path(__file__).resolve().parents[5]


def specification(part: str) -> dict[str, Any]:
    if part in tables.SHARED:
        return dict(tables.SHARED[part][0])
    path = ROOT / "roles" / part / "meta" / "argument_specs.yml"
    return dict(yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"])


def table(part: str) -> judge.Table:
    return tables.ROLES[part] if part in tables.ROLES else tables.SHARED[part][1]


PARTS = [*tables.ROLES, *tables.SHARED]
SPECS = {part: specification(part) for part in PARTS}
INPUTS = [(part, name) for part in PARTS for name in SPECS[part]]
CHECKED_ROLES = sorted(path.parent.parent.name for path in ROOT.glob("roles/*/meta/argument_specs.yml"))


def test_every_role_has_a_table() -> None:
    assert sorted(tables.ROLES) == CHECKED_ROLES


@pytest.mark.parametrize("part", PARTS)
def test_every_input_is_in_the_table_and_described(part: str) -> None:
    assert list(table(part).forms) == list(SPECS[part]) or set(table(part).forms) == set(SPECS[part])
    for name, spec in SPECS[part].items():
        assert spec["description"], name
        assert spec["type"] in ("bool", "dict", "float", "int", "list", "path", "raw", "str"), name


@pytest.mark.parametrize("part", tables.ROLES)
def test_every_default_is_good(part: str) -> None:
    """Those that are templates are resolved in the tests of the action."""
    defaults = yaml.safe_load((ROOT / "roles" / part / "defaults" / "main.yml").read_text())
    assert set(defaults) | {name for name, spec in SPECS[part].items() if spec.get("required")} == set(SPECS[part])
    plain = {name: value for name, value in defaults.items() if "{{" not in str(value)}
    optional = {name: spec for name, spec in SPECS[part].items() if name in plain}
    forms_only = judge.Table(table(part).forms)
    good, problems = judge.judge(optional, forms_only, {}, plain)
    assert problems == []
    assert good == plain


@pytest.mark.parametrize("part", PARTS)
def test_choices_of_profiles(part: str) -> None:
    for name, spec in SPECS[part].items():
        if name.endswith("_tls_profile"):
            assert spec["choices"] == list(PROFILES)


def test_shared_variables_are_read() -> None:
    """Each mail_* of the specification is read by a default, a playbook or the action, and no other is."""
    read = set()
    for path in [*ROOT.glob("roles/*/*/*.yml"), *ROOT.glob("playbooks/**/*.yml"), ROOT / "plugins/action/inputs.py"]:
        read |= set(re.findall(r"(?<![\w.])mail_[a-z_]+(?! *:)(?=[ })|,\"'\]])", path.read_text()))
    read -= {"mail_hosts", "mail_before_tls", "mail_owner", *SPECS["mail_authentication"], *SPECS["mail_awx"]}
    assert read == set(SPECS["mail"])


# -- spellings ---------------------------------------------------------------------------------------------------------

#: a good value that is not the default, by input; by type where the form asks for no more
VALUES: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "values.yml").read_text())


def test_there_is_a_value_for_each_input() -> None:
    assert set(VALUES) == {name for _part, name in INPUTS}


def judged(part: str, name: str, value: Any) -> tuple[Any, list[str]]:
    """The value with its type, and the sentences on it alone."""
    forms = judge.Table(table(part).forms, by_type=table(part).by_type)
    good, problems = judge.judge({name: SPECS[part][name]}, forms, {name: value}, {name: None})
    return good.get(name), [say(*problem) for problem in problems]


@pytest.mark.parametrize(("part", "name"), INPUTS)
def test_a_good_value_is_taken(part: str, name: str) -> None:
    assert judged(part, name, VALUES[name]) == (VALUES[name], [])


@pytest.mark.parametrize(("part", "name"), INPUTS)
def test_text_is_taken_or_refused_by_name(part: str, name: str) -> None:
    """-e NAME=VALUE, a survey and an INI inventory give text; what is structured may be JSON."""
    value, kind = VALUES[name], SPECS[part][name]["type"]
    texts = [json.dumps(value)] if kind in ("bool", "dict", "float", "int", "list") else []
    if kind == "list" and all(isinstance(item, str) for item in value):
        texts.append(",".join(value))
    if kind == "bool":
        texts += ["yes", "on", "1"] if value else ["no", "off", "0"]
    for text in texts:
        found, sentences = judged(part, name, text)
        if table(part).by_type or kind in ("bool", "float", "int"):
            assert (found, sentences) == (value, [])
        else:
            # The roles read lists and mappings as they are.
            assert len(sentences) == 1
            assert sentences[0].startswith(name)


@pytest.mark.parametrize(("part", "name"), INPUTS)
@pytest.mark.parametrize("nothing", [None, ""])
def test_nothing_is_the_default_or_refused_by_name(part: str, name: str, nothing: Any) -> None:
    spec = {name: SPECS[part][name]}
    forms = judge.Table(table(part).forms, by_type=table(part).by_type)
    good, problems = judge.judge(spec, forms, {name: nothing}, {name: VALUES[name]})
    if problems:
        assert [problem[0] for problem in problems] == [name]
        assert not table(part).by_type
    else:
        # An empty text that means something stays.
        assert good[name] == (nothing if nothing == "" and table(part).forms[name]("") is None else VALUES[name])


@pytest.mark.parametrize(("part", "name"), INPUTS)
def test_a_value_of_another_type_is_refused_by_name(part: str, name: str) -> None:
    kind = SPECS[part][name]["type"]
    if kind == "raw":
        return
    wrong = {"dict": [1], "list": {"a": 1}, "bool": "maybe", "int": "many", "float": "many"}.get(kind, ["a", "b"])
    _found, sentences = judged(part, name, wrong)
    assert len(sentences) == 1
    assert sentences[0].startswith(name)
    assert len(sentences[0]) < 400
    if SPECS[part][name].get("no_log"):
        assert "'b'" not in sentences[0]


# -- names -------------------------------------------------------------------------------------------------------------

KNOWN = [name for _part, name in INPUTS]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("postfix_hostnam", "postfix_hostnam is not a variable of this collection; did you mean postfix_hostname?"),
        ("tls_pki_key_type", "tls_pki_key_type is not a variable of this collection; did you mean tls_pki_key_types?"),
        ("verify_account", "verify_account is not a variable of this collection; did you mean verify_accounts?"),
        ("audit_fail", "audit_fail is not a variable of this collection; did you mean audit_fail_on?"),
        (
            "mail_colour_of_the_box",
            "mail_colour_of_the_box is not a variable of this collection; remove it, or list it in mail_other_variables"
            " if it is your own.",
        ),
        *((old, f"{old} is now called {new}. Use {new}.") for old, new in tables.RENAMED.items()),
    ],
)
def test_a_name_that_is_unknown(name: str, sentence: str) -> None:
    assert [say(*problem) for problem in tables.misspelt([name, "postfix", "my_mail_x"], KNOWN, [])] == [sentence]
    assert tables.misspelt([name], KNOWN, [name]) == []


def test_known_and_private_names_are_let_be() -> None:
    others = ["__postfix_parameters", "ansible_host", "mailx"]
    assert tables.misspelt([*KNOWN, *others], KNOWN, []) == []


def test_no_new_name_is_old() -> None:
    assert set(tables.RENAMED.values()) <= set(KNOWN)
    assert not set(tables.RENAMED) & set(KNOWN)


def test_an_old_word_names_the_new_one() -> None:
    assert tables.renamed_word("dovecot_tls_profile", "seed") == (
        "is 'seed', which is now called 'broad'. Use 'broad'."
    )
    assert tables.renamed_word("dovecot_tls_profile", "modern") is None
