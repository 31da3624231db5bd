# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules about a whole configuration log, accept as a directory, and let out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.puffy.mail.plugins.module_utils._postfix import module as postfix_module
from ansible_collections.puffy.mail.tests.harness.arguments import patch_module_args

SPEC = {"parameters": {"type": "dict"}, "services": {"type": "dict"}, "path": {"type": "str"}}


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the module logs on the host."""
    lines: list[str] = []
    monkeypatch.setattr("ansible.module_utils.basic.has_journal", False)
    monkeypatch.setattr(AnsibleModule, "_log_to_syslog", lambda _module, text: lines.append(text))
    return lines


def make(arguments: dict[str, Any]) -> postfix_module.PostfixModule:
    with patch_module_args(arguments):
        return postfix_module.PostfixModule(argument_spec=SPEC)


def test_the_log_of_the_options_has_no_password(logged: list[str]) -> None:
    make(
        {
            "parameters": {"biff": "no", "smtp_sasl_password_maps": ["inline:{ {a = me:sesame1} }"]},
            "services": {"smtp/unix": {"options": {"smtp_sasl_password_maps": "static:me:sesame2"}}},
        }
    )
    (line,) = logged
    assert "biff" in line
    assert "sesame" not in line


def test_a_null_byte_does_not_end_the_module_before_it_begins(logged: list[str]) -> None:
    module = make({"path": "/a\0b"})
    assert logged == []
    assert module.params["path"] == "/a\0b"


def test_answers_hold_text_only(capsys: pytest.CaptureFixture[str], logged: list[str]) -> None:
    with patch_module_args({}), pytest.raises(SystemExit):
        postfix_module.PostfixModule(argument_spec=SPEC).exit_json(deep=[{"k\udce9": ("\udce9", 1, None, True)}])
    assert json.loads(capsys.readouterr().out)["deep"] == [{"k\ufffd": ["\ufffd", 1, None, True]}]
    with patch_module_args({}), pytest.raises(SystemExit):
        postfix_module.PostfixModule(argument_spec=SPEC).fail_json(msg="no caf\udce9", more="\udce9")
    answer = json.loads(capsys.readouterr().out)
    assert (answer["msg"], answer["more"]) == ("no caf\ufffd", "\ufffd")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "config_directory: '' is not an absolute path"),
        ("etc/postfix", "config_directory: 'etc/postfix' is not an absolute path"),
        ("/a\nb", "config_directory: '/a\\nb' is not an absolute path"),
        ("/a\0b", "config_directory: '/a\\x00b' is not an absolute path"),
        ("/nowhere", "config_directory: '/nowhere' is not a directory of this host"),
        (__file__, f"config_directory: '{__file__}' is not a directory of this host"),
    ],
)
def test_directories(path: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        postfix_module.check_directory(path)


def test_a_good_directory(tmp_path: Path) -> None:
    postfix_module.check_directory(str(tmp_path))
