# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions of a survey, from specifications of inputs."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import yaml

from ansible_collections.puffy.mail.plugins.module_utils._awx import survey
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import anything, number

NOTHING = {"default": "", "required": False}


@pytest.mark.parametrize(
    ("spec", "form", "expected"),
    [
        (
            {"type": "bool", "default": False, "description": "Whether O(x). More."},
            anything,
            {
                "type": "multiplechoice", "choices": ["true", "false"], "min": None, "max": None,
                "question_description": "Whether x. Without an answer, as in the inventory, or else: false.",
            },
        ),
        (
            {"type": "str", "choices": ["", "once"], "default": "", "description": ["V(once) does it."]},
            anything,
            {
                "type": "multiplechoice", "choices": ["once"], "min": None, "max": None,
                "question_description": "once does it. Without an answer, as in the inventory, or else: none.",
            },
        ),
        (
            {"type": "int", "default_text": "7", "description": "Days."},
            number(0, 365, "days"),
            {
                "type": "integer", "choices": "", "min": 0, "max": 365,
                "question_description": "Days. Without an answer, as in the inventory, or else: 7.",
            },
        ),
        (
            {"type": "path", "default": "{{ x }}", "description": "File."},
            anything,
            {
                "type": "text", "choices": "", "min": 1, "max": 1024,
                "question_description": (
                    "File. Without an answer, as in the inventory, or else: the default of the role."
                ),
            },
        ),
    ],
)  # fmt: skip
def test_questions(spec: dict[str, Any], form: Any, expected: dict[str, Any]) -> None:
    found = survey.question("x", spec, form)
    assert found == {"question_name": "x", "variable": "x", **NOTHING, **expected}


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"type": "str", "no_log": True, "description": ""}, "x is a secret. Use a credential."),
        ({"type": "dict", "description": ""}, "x is of type dict. Set it in the inventory."),
        (
            {"type": "str", "choices": ["on", "auto"], "description": ""},
            "x has the choice 'on', which may arrive as another type.",
        ),
    ],
)
def test_what_a_survey_cannot_ask_for(spec: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        survey.question("x", spec, anything)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    "text",
    [
        "0123",
        "12:30",
        "yes",
        "Off",
        "null",
        "~",
        "",
        "1.5",
        "2027-01-01",
        "0x1f",
        ".inf",
        "12:30.5",
        "1:2:3.5",
        "+0x1f",
        "-0b11",
        "=",
        "<<",
        "1.e+3",
        "-.5",
        "1__0",
        "2027-1-1 10:00:00",
        "2027-01-01t1:00:00Z",
    ],
)
def test_texts_that_change_their_type(text: str) -> None:
    assert survey.is_retyped(text)


def test_all_that_yaml_gives_a_type_is_known() -> None:
    """PyYAML has the rules of YAML 1.1, by which ansible-core reads the text again."""
    resolver = yaml.SafeLoader("")
    for size in range(5):
        for letters in itertools.product("01:.-+xbeE_=<~in", repeat=size):
            text = "".join(letters)
            if resolver.resolve(yaml.ScalarNode, text, (True, False)) != "tag:yaml.org,2002:str":
                assert survey.is_retyped(text), text


@pytest.mark.parametrize(
    "text", ["intermediate", "never", "mail.example.org", "192.0.2.1", "a1", "none", "/etc/postfix"]
)
def test_texts_that_stay(text: str) -> None:
    assert not survey.is_retyped(text)
