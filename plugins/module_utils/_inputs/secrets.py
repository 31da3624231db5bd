# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inputs that come from the environment: secrets, as the variable itself or as the file that a variable names."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

_PREFIX = "PUFFY_"


def variable(name: str) -> str:
    """The environment variable of the input ``name``."""
    return _PREFIX + name.upper()


def given(name: str, default: Any, environment: Mapping[str, str], read: Callable[[str], str]) -> Any:
    """The value of the input ``name`` in ``environment``, or ``default``, whose type the value has.

    The variable PUFFY_NAME has the value, or PUFFY_NAME_FILE has the path of a file with it, which ``read`` reads. A
    mapping or a list is JSON, where no text becomes another type. ValueError is a sentence.
    """
    plain, file = variable(name), f"{variable(name)}_FILE"
    path = environment.get(file, "")
    if path and environment.get(plain):
        raise ValueError(f"{plain} and {file} are both set. Set one of them.")
    source = file if path else plain
    text = environment.get(plain, "")
    if path:
        try:
            text = read(path)
        except (OSError, UnicodeDecodeError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8"
            raise ValueError(f"{file} is {path!r}, and this file cannot be read: {reason}.") from exc
    text = text.rstrip("\r\n")
    if not text.strip():
        return default
    if isinstance(default, str):
        return text
    try:
        found = json.loads(text)
    except ValueError as exc:
        raise ValueError(f"{source} has no valid JSON: {str(exc).partition(':')[0]}. Use JSON.") from None
    if not isinstance(found, type(default)):
        raise ValueError(f"{source} has no JSON {'list' if isinstance(default, list) else 'mapping'}. Use one.")
    return found
