# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the filters over a role's inputs share: the check of the type, and the errors in Ansible's form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ansible.errors import AnsibleFilterError

Result = TypeVar("Result")


def of_inputs(name: str, use: Callable[[Mapping[str, Any]], Result], inputs: Any) -> Result:
    """Call ``use`` for the filter ``name``.

    Raises AnsibleFilterError where ``inputs`` is not a mapping, where one that ``use`` needs is missing (KeyError), and
    where one cannot be used (ValueError).
    """
    if not isinstance(inputs, Mapping):
        raise AnsibleFilterError(f"{name} needs a mapping of inputs by name, not {type(inputs).__name__}")
    # Ansible would append a cause, which says the same.
    try:
        return use(inputs)
    except KeyError as exc:
        raise AnsibleFilterError(f"{name}: the input {exc} is missing") from None
    except ValueError as exc:
        raise AnsibleFilterError(f"{name}: {exc}") from None
