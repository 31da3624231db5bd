# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""An action that says "Nothing was changed" has run no module on the host but one that only reads."""

from __future__ import annotations

import importlib
from typing import Any
from unittest import mock

import pytest
from ansible.errors import AnsibleActionFail, AnsibleError

from ansible_collections.puffy.mail.plugins.action import (
    activation_command,
    host_files,
    packages,
    sqlite_accounts,
)

#: modules that change nothing
READERS = {"puffy.mail.sqlite_accounts_info", "puffy.mail.host_facts"}
FACTS = {"ansible_facts": {"puffy_mail": {"groups": [], "account": {}, "packages": [], "provides": [], "pending": []}}}
BOX = {"address": "a@example.test", "password": "one-two-three"}


class Host:
    """Answers the modules that an action runs, and knows which did."""

    def __init__(self, **answers: dict[str, Any]) -> None:
        self.answers = answers
        self.ran: list[str] = []
        self.asked: dict[str, dict[str, Any]] = {}

    def __call__(
        self, module_name: str = "", module_args: dict[str, Any] | None = None, **_dummy: Any
    ) -> dict[str, Any]:
        self.ran.append(module_name)
        self.asked[module_name.rpartition(".")[2]] = module_args or {}
        return self.answers.get(module_name.rpartition(".")[2], {"changed": module_name not in READERS})

    def run(self, plugin: Any, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """The result of the action."""
        task = mock.MagicMock(args=arguments, async_val=0, check_mode=False, environment=[])
        action = plugin.ActionModule(task, *(mock.MagicMock() for _dummy in range(5)))
        with (
            mock.patch.object(action, "_execute_module", self),
            mock.patch.object(action, "_remove_tmp_path"),
            mock.patch.object(action, "_find_needle", side_effect=AnsibleError("it is not there.")),
        ):
            result: dict[str, Any] = action.run(task_vars=variables)
        return result


@pytest.mark.parametrize(
    ("plugin", "arguments", "variables", "words"),
    [
        (activation_command, {"pth": "/x"}, {}, "pth is not an option"),
        (activation_command, {"path": "x"}, {}, "path is 'x'. Use an absolute path"),
        (host_files, {"account": "vmail"}, FACTS, "account is 'vmail'. Use a mapping"),
        (host_files, {"account": {"name": "vmail"}}, {}, "host_files needs the facts of the host"),
        (packages, {"needs": ["postfix"]}, {}, "packages needs the facts of the host"),
        (packages, {"needs": [7]}, FACTS, "needs has the entry 7"),
        (sqlite_accounts, {"src": 7}, {}, "src is 7. Use the path of a JSON file"),
        (sqlite_accounts, {"src": "a.json"}, {}, "src: it is not there. Use a JSON file"),
        (sqlite_accounts, {"mailboxes": [{**BOX, "password": ""}]}, {}, "has a password that is empty"),
        (sqlite_accounts, {"mailboxes": [BOX], "password_cost": 99}, {}, "the cost 99 is not one of bcrypt's"),
    ],
)
def test_what_is_refused_changed_nothing(
    plugin: Any, arguments: dict[str, Any], variables: dict[str, Any], words: str
) -> None:
    host = Host()
    with pytest.raises(AnsibleActionFail, match=f"^(?s:.*){words}.* Nothing was changed") as caught:
        host.run(plugin, arguments, variables)
    assert str(caught.value)
    assert set(host.ran) <= READERS


def test_without_bcrypt_nothing_was_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib, "import_module", mock.Mock(side_effect=ImportError))
    host = Host()
    with pytest.raises(AnsibleActionFail, match=r"no Python package 'bcrypt'.*Nothing was changed\.$"):
        host.run(sqlite_accounts, {"mailboxes": [BOX]}, {})
    assert set(host.ran) <= READERS


def test_a_database_that_cannot_be_read_changed_nothing() -> None:
    host = Host(sqlite_accounts_info={"failed": True, "msg": "/x: is not a regular file"})
    with pytest.raises(AnsibleActionFail, match=r"^/x: is not a regular file\. Nothing was changed\.$"):
        host.run(sqlite_accounts, {"mailboxes": [BOX]}, {})
    assert set(host.ran) <= READERS


def test_after_the_account_was_set_nobody_says_that_nothing_was_changed() -> None:
    account = {"name": "vmail", "group": "vmail", "home": "/var/vmail", "shell": "/bin/false"}
    host = Host(
        **{"": {"failed": True, "msg": "directories has the path 'x', which is not absolute. Nothing was changed."}}
    )
    result = host.run(host_files, {"account": account}, FACTS)
    assert result["msg"] == (
        "The account vmail was set. Then: directories has the path 'x', which is not absolute."
        " Nothing else was changed."
    )


def test_after_packages_were_installed_nobody_says_that_nothing_was_changed() -> None:
    found = {**FACTS["ansible_facts"]["puffy_mail"], "asked_account": "vmail", "certificates": {"/etc/ssl/a.pem": "A"}}
    facts = {"ansible_facts": {"puffy_mail": found, "os_family": "Debian"}}
    host = Host(host_facts={"failed": True, "msg": "The disk is full. Nothing was changed."})
    with pytest.raises(AnsibleActionFail) as caught:
        host.run(packages, {"needs": ["postfix"]}, facts)
    assert str(caught.value).startswith("postfix were installed. Then: The disk is full.")
    assert "Nothing was changed" not in str(caught.value)
    # The second look answers what the first one did: a certificate that it did not see would be issued again.
    assert host.asked["host_facts"] == {"account": "vmail", "certificates": ["/etc/ssl/a.pem"]}
