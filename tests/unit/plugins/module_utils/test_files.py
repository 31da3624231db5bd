# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re

import pytest

from ansible_collections.puffy.mail.plugins.module_utils import _files


@pytest.mark.parametrize("mode", [0o640, 0o644, 0o600, 0o400, 0o750, 0o660, 0o755, 0o2750, 0o4755, 0o000, 0o700])
def test_modes(mode: int) -> None:
    assert _files.mode_of(f"{mode:04o}") == _files.mode_of(f"{mode:o}") == mode


@pytest.mark.parametrize("mode", ["rw", "", "648", "-1", "10000", "u=rw"])
def test_what_is_no_mode(mode: str) -> None:
    message = f'mode {mode!r} is not an octal number from 0000 to 7777; write it quoted, such as "0640"'
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        _files.mode_of(mode)


@pytest.mark.parametrize("mode", [0o640, 0o644, 0o660, 0o664, 0o400])
def test_a_mode_that_yaml_made_a_number_of(mode: int) -> None:
    """Unquoted, YAML reads an octal number, and Ansible hands its decimal digits on."""
    with pytest.raises(ValueError, match=rf"^mode '{mode}' gives the group or others what the owner has not, as the"):
        _files.mode_of(str(mode))
