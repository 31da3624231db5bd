# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Count the modules that Ansible runs, for benchmarks/site.py.

Each run of a module appends a line to the file that MODULE_RUNS names: ``host`` or ``control``, and the module. A run
is on the host unless its task is delegated or its connection is local.
"""

from __future__ import annotations

import os
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: module_runs
type: aggregate
short_description: count the modules that Ansible runs
description: Appends a line to the file that the environment variable MODULE_RUNS names, for each module that is run.
"""

_execute_module = ActionBase._execute_module


def _counted(self: Any, module_name: str | None = None, *args: Any, **options: Any) -> dict[str, object]:
    away = self._task.delegate_to or self._connection.transport == "local"
    line = f"{'control' if away else 'host'} {module_name or self._task.action}\n"
    # One write at the end of the file: the workers do not mix their lines.
    descriptor = os.open(os.environ["MODULE_RUNS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)
    return _execute_module(self, module_name, *args, **options)


class CallbackModule(CallbackBase):
    """Loaded in the process that the workers are forked from, and so in each of them."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "module_runs"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        ActionBase._execute_module = _counted
