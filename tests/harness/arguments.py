# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give a module under test its arguments, also with ansible-core 2.18, which has no helper for that."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any
from unittest import mock

from ansible.module_utils import basic

try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:

    @contextlib.contextmanager
    def patch_module_args(args: Mapping[str, Any] | None = None) -> Iterator[None]:
        """Make AnsibleModule read these arguments."""
        given = {"_ansible_remote_tmp": "/tmp", "_ansible_keep_remote_files": False, **(args or {})}
        with mock.patch.object(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": given}).encode()):
            yield


__all__ = ["patch_module_args"]
