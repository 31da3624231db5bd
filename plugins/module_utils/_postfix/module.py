# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules about a whole Postfix configuration share: their directory, and what they let out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.puffy.mail.plugins.module_utils._postfix import plan as planning


class PostfixModule(AnsibleModule):  # type: ignore[misc]  # ansible has no type information
    """An AnsibleModule whose options hold passwords among what is no secret, and whose files may be no UTF-8."""

    @property
    def pending(self) -> bool:
        """Whether this is check mode, and earlier tasks of the run make what the host may lack."""
        return bool(self.check_mode and self.params["pending"])

    def _log_invocation(self) -> None:
        """Log the options as every module does, but without the passwords among the values of parameters."""
        self.no_log_values.update(planning.given_secrets(self.params.get("parameters"), self.params.get("services")))
        # syslog(3) takes no null bytes, and AnsibleModule would give up with that. The options are judged later.
        if not any("\0" in str(value) for value in self.params.values()):
            super()._log_invocation()

    def exit_json(self, **kwargs: Any) -> NoReturn:
        """End with a result."""
        super().exit_json(**printable(kwargs))
        raise AssertionError("exit_json() returned")

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        """End with an error."""
        super().fail_json(msg=printable(msg), **printable(kwargs))
        raise AssertionError("fail_json() returned")


def printable(value: Any) -> Any:
    """``value`` with what was no UTF-8 in a file replaced: JSON cannot hold it."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if isinstance(value, Mapping):
        return {printable(key): printable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [printable(item) for item in value]
    return value


def check_path(option: str, path: str) -> None:
    """ValueError where ``path`` cannot be that of a file or directory of the host."""
    if not os.path.isabs(path) or any(ord(char) < 32 for char in path):
        raise ValueError(f"{option}: {path!r} is not an absolute path")


def check_directory(path: str) -> None:
    """ValueError where ``path`` cannot be the directory of main.cf and master.cf."""
    check_path("config_directory", path)
    if not os.path.isdir(path):
        raise ValueError(f"config_directory: {path!r} is not a directory of this host")
