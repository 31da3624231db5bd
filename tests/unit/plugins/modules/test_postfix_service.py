# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""postfix_service: bad input is refused before anything is touched; its documentation agrees with its options."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.puffy.mail.plugins.module_utils import _command
from ansible_collections.puffy.mail.plugins.modules import postfix_service


@pytest.fixture(autouse=True)
def no_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(argv: list[str], **_: object) -> None:
        raise _command.CommandError(f"{argv[0]} must not run")

    monkeypatch.setattr(_command, "run", refuse)


def run(capsys: pytest.CaptureFixture[str], arguments: dict[str, Any], *, check: bool = False) -> dict[str, Any]:
    with patch_module_args({**arguments, "_ansible_check_mode": check}), pytest.raises(SystemExit):
        postfix_service.main()
    result = json.loads(capsys.readouterr().out)
    assert isinstance(result, dict)
    return result


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"config_directory": "etc/postfix"},
            "config_directory: 'etc/postfix' is not an absolute path; nothing was changed",
        ),
        ({"config_directory": ""}, "config_directory: '' is not an absolute path; nothing was changed"),
        ({"config_directory": "/a\nb"}, "config_directory: '/a\\nb' is not an absolute path; nothing was changed"),
        (
            {"config_directory": "/nowhere"},
            "config_directory: '/nowhere' is not a directory of this host; nothing was changed",
        ),
        ({"state_directory": "state"}, "state_directory: 'state' is not an absolute path; nothing was changed"),
        ({"state_directory": ""}, "state_directory: '' is not an absolute path; nothing was changed"),
        ({"config_directory": "/", "timeout": 0}, "timeout: 0 is not from 1 to 3600 seconds; nothing was changed"),
        (
            {"config_directory": "/", "timeout": 4000},
            "timeout: 4000 is not from 1 to 3600 seconds; nothing was changed",
        ),
        ({"timeout": "soon"}, "argument 'timeout' is of type"),
        ({"enabled": "perhaps"}, "argument 'enabled' is of type"),
        ({"state": "running"}, "value of state must be one of: started, stopped, got: running"),
        ({"stat": "started"}, "Unsupported parameters"),
    ],
)
def test_bad_input(capsys: pytest.CaptureFixture[str], arguments: dict[str, Any], message: str, check: bool) -> None:
    result = run(capsys, arguments, check=check)
    assert result["failed"]
    assert message in result["msg"]


def test_a_directory_without_postfix(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    result = run(capsys, {"config_directory": str(tmp_path), "state_directory": str(tmp_path / "s")}, check=True)
    assert result["failed"]
    assert "there is no such file" in result["msg"]
    assert not (tmp_path / "s").exists()


def test_the_state_directory_is_made_private(tmp_path: Path) -> None:
    path = tmp_path / "a" / "postfix"
    postfix_service.make_private(str(path))
    assert path.stat().st_mode & 0o777 == 0o700
    path.chmod(0o755)
    postfix_service.make_private(str(path))
    assert path.stat().st_mode & 0o777 == 0o700


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    (tmp_path / "active.json").write_text("{")
    activation = postfix_service.Activation("/etc/postfix", str(tmp_path), 1.0)
    with pytest.raises(postfix_service.files.FileError, match="remove it, and the next run reloads Postfix once"):
        activation._previous()


def test_documentation() -> None:
    documented = yaml.safe_load(postfix_service.DOCUMENTATION)["options"]
    assert list(documented) == ["state", "enabled", "config_directory", "timeout", "state_directory"]
    assert set(yaml.safe_load(postfix_service.RETURN)) == {"action", "reasons", "rolled_back", "log"}
    for task in yaml.safe_load(postfix_service.EXAMPLES):
        assert set(task["puffy.mail.postfix_service"]) <= set(documented)
