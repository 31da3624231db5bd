# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.plugin_utils._filters import of_inputs


def _size(inputs: Mapping[str, Any]) -> int:
    return int(inputs["size"])


def test_the_result_is_returned() -> None:
    assert of_inputs("size", _size, {"size": "3"}) == 3


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([], "size needs a mapping of inputs by name, not list"),
        ({}, "size: the input 'size' is missing"),
        ({"size": "x"}, "size: invalid literal for int() with base 10: 'x'"),
    ],
)
def test_errors_name_the_filter(inputs: Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=f"^{re.escape(message)}$"):
        of_inputs("size", _size, inputs)
