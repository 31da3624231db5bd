# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions of an AWX survey, made of the specifications of inputs.

No question must be answered, and what nobody answers is not sent, so that the inventory holds: an answer, and a default
that AWX sends, come before it and before the variables of the template. AWX drops a default that is no answer itself.
An empty text does not answer a question with a least length, a number or choices. AWX demands an
answer to a required question from API and schedules even where there is a default.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import Form, is_unset

#: the types of inputs that a survey asks for, and the types of question
_KINDS = {"bool": "multiplechoice", "int": "integer", "float": "float", "str": "text", "path": "text"}
#: characters of an answer at most
_LONGEST = 1024
#: texts that ansible-core 2.19 to 2.21 give another type, as YAML 1.1 does
_RETYPED = re.compile(
    r"(?i)(|~|=|<<|null|yes|no|on|off|true|false|[-+]?(0x[0-9a-f_]+|0b[01_]+|[0-9][0-9_]*(:[0-5]?[0-9])*(\.[0-9_]*)?"
    r"|[0-9][0-9_]*\.[0-9_]*e[-+]?[0-9]+|\.[0-9_]+(e[-+]?[0-9]+)?|\.(inf|nan))|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*)\Z"
)


def is_retyped(text: str) -> bool:
    """Whether ``text`` may arrive as another type than text."""
    return bool(_RETYPED.match(text))


def question(name: str, spec: Mapping[str, Any], form: Form) -> dict[str, Any]:
    """The question for the input ``name``; ValueError says why a survey cannot ask for it."""
    kind = str(spec.get("type", "str"))
    if spec.get("no_log"):
        raise ValueError(f"{name} is a secret. Use a credential.")
    if kind not in _KINDS:
        raise ValueError(f"{name} is of type {kind}. Set it in the inventory.")
    found: dict[str, Any] = {
        "question_name": name,
        "question_description": (
            f"{_first_sentence(spec)} Without an answer, as in the inventory, or else: {_default(spec)}."
        ),
        "variable": name,
        "type": "multiplechoice" if "choices" in spec else _KINDS[kind],
        "required": False,
        "min": None,
        "max": None,
        "default": "",
        "choices": "",
    }
    if kind == "bool":
        found["choices"] = ["true", "false"]
    elif "choices" in spec:
        # An empty choice is what an unanswered question is.
        found["choices"] = [str(choice) for choice in spec["choices"] if not is_unset(choice)]
        bad = [choice for choice in found["choices"] if kind in ("str", "path") and is_retyped(choice)]
        if bad:
            raise ValueError(f"{name} has the choice {bad[0]!r}, which may arrive as another type.")
    elif kind in ("int", "float"):
        found["min"], found["max"] = getattr(form, "low", None), getattr(form, "high", None)
    else:
        found["min"], found["max"] = 1, _LONGEST
    return found


def _first_sentence(spec: Mapping[str, Any]) -> str:
    text = spec["description"]
    text = " ".join(text) if isinstance(text, list) else str(text)
    plain = re.sub(r"\b[COVE]\(([^)]*)\)", r"\1", text)
    return re.split(r"(?<=\.)\s", f"{plain.strip()} ", maxsplit=1)[0].strip()


def _default(spec: Mapping[str, Any]) -> str:
    default = spec.get("default_text", spec.get("default", ""))
    if isinstance(default, bool):
        return "true" if default else "false"
    return "the default of the role" if "{{" in str(default) else str(default) or "none"
