# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""host_files on files of the test's own, in the four runs: check, run, check, run."""

from __future__ import annotations

import getpass
import grp
import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.puffy.mail.plugins.modules import host_files
from ansible_collections.puffy.mail.tests.harness.arguments import patch_module_args

OWNER = getpass.getuser()
GROUP = grp.getgrgid(os.getgid()).gr_name


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*, check: bool = False, **arguments: Any) -> dict[str, Any]:
        # A task hands over its own no_log, which is false where the playbook does not say otherwise.
        internal = {"_ansible_check_mode": check, "_ansible_no_log": False}
        with patch_module_args({**arguments, **internal}), pytest.raises(SystemExit):
            host_files.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result

    return call


def four(run: Any, **arguments: Any) -> list[dict[str, Any]]:
    """The results of check, run, check, run."""
    return [run(check=check, **arguments) for check in (True, False, True, False)]


def file(path: Path, **more: Any) -> dict[str, Any]:
    return {"path": str(path), "owner": OWNER, "group": GROUP, **more}


def test_directories_and_files_converge(run: Any, tmp_path: Path) -> None:
    store, config = tmp_path / "a" / "store", tmp_path / "a" / "config"
    wanted = {
        "directories": [file(store, mode="0750")],
        "files": [file(config, content="one\n", mode="0640")],
    }
    predicted, done, predicted_again, again = four(run, **wanted)
    assert predicted["changed"]
    assert predicted["changed_paths"] == done["changed_paths"] == [str(store), str(config)]
    assert not predicted_again["changed"]
    assert not again["changed"]
    assert again["diff"] == []
    assert config.read_text() == "one\n"
    assert (store.stat().st_mode & 0o777, config.stat().st_mode & 0o777) == (0o750, 0o640)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o755
    assert [path.name for path in (tmp_path / "a").iterdir()] in (["store", "config"], ["config", "store"])


def test_drift_is_repaired(run: Any, tmp_path: Path) -> None:
    store, config = tmp_path / "store", tmp_path / "config"
    wanted = {"directories": [file(store, mode="0700")], "files": [file(config, content="one\n", mode="0600")]}
    run(**wanted)
    store.chmod(0o755)
    config.chmod(0o644)
    predicted, done, _dummy, again = four(run, **wanted)
    assert predicted["diff"] == done["diff"]
    assert done["diff"][0]["after"].endswith(f"group {GROUP}, mode 0700\n")
    assert not again["changed"]
    assert (store.stat().st_mode & 0o777, config.stat().st_mode & 0o777) == (0o700, 0o600)


def test_a_secret_is_never_shown(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    for content in ("dnpass = hush\n", "dnpass = silence\n"):
        for result in four(run, files=[file(path, secret_content=content, mode="0600")]):
            assert "hush" not in json.dumps(result)
            assert "silence" not in json.dumps(result)
    assert path.read_text() == "dnpass = silence\n"


def test_a_secret_is_not_logged_on_the_host(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[str] = []
    monkeypatch.setattr(AnsibleModule, "log", lambda _self, text, **_dummy: logged.append(str(text)))
    # Quotes and a backslash: a list is logged in the form of repr(), in which the text is another one.
    run(files=[file(tmp_path / "secret", secret_content='dnpass = "hu\\sh"\n', mode="0600")])
    assert logged
    assert "sh" not in "".join(logged).partition("Invoked with")[2]


def test_a_file_that_its_command_refuses_is_not_written(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("good\n")
    result = run(files=[file(path, content="bad\n", validate=["grep", "good", "%s"])])
    assert result["failed"]
    assert result["msg"].startswith(f"grep refuses the new {path}: ")
    assert result["msg"].endswith(f"{path} was not changed.")
    assert path.read_text() == "good\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["config"]
    assert run(files=[file(path, content="very good\n", validate=["grep", "good", "%s"])])["changed"]


def test_the_original_is_kept_once(run: Any, tmp_path: Path) -> None:
    path, copy = tmp_path / "dovecot.conf", tmp_path / "dovecot.conf.orig"
    ours = {"keep_original_unless": "# ours"}
    path.write_text("# theirs\n")
    run(files=[file(path, content="# ours\n1\n", **ours)])
    assert copy.read_text() == "# theirs\n"
    run(files=[file(path, content="# ours\n2\n", **ours)])
    assert copy.read_text() == "# theirs\n"
    path.write_text("# an upgrade of theirs\n")
    run(files=[file(path, content="# ours\n2\n", **ours)])
    assert copy.read_text() == "# theirs\n"
    copy.unlink()
    run(files=[file(path, content="# ours\n3\n", **ours)])
    assert not copy.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"directories": [{"path": "etc", "mode": "0755"}]}, "directories has the path 'etc', which is not absolute."),
        ({"files": [{"path": "/tmp/x"}]}, "/tmp/x needs either content or secret_content."),
        ({"files": [{"path": "/tmp/x", "content": "", "secret_content": ""}]}, "/tmp/x needs either content or"),
        ({"directories": [{"path": "/tmp/x", "mode": "416"}]}, "mode '416' gives the group or others"),
        ({"directories": [{"path": "/etc/passwd", "mode": "0755"}]}, "/etc/passwd: is not a directory. Move it away."),
        ({"files": [{"path": "/etc", "content": ""}]}, "/etc: is not a regular file"),
        (
            {"directories": [{"path": "/tmp", "mode": "0755", "owner": "nobody-at-all"}]},
            "there is no user 'nobody-at-all'",
        ),
    ],
)
def test_bad_input(run: Any, arguments: dict[str, Any], message: str) -> None:
    result = run(**arguments)
    assert result["failed"]
    assert result["msg"].startswith(message)


def test_check_mode_without_the_account_that_a_task_before_would_make(run: Any, tmp_path: Path) -> None:
    result = run(check=True, directories=[{"path": str(tmp_path / "x"), "mode": "0755", "owner": "nobody-at-all"}])
    assert result["changed"]
    assert not (tmp_path / "x").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another account")
def test_the_file_of_another_program_gets_its_owner_and_nothing_else(run: Any, tmp_path: Path) -> None:
    """The directory too, unless it is one of the system that holds other things."""
    database, victim = tmp_path / "web" / "db.sqlite", tmp_path / "victim"
    database.parent.mkdir()
    database.write_text("rows\n")
    victim.write_text("precious\n")
    rights = {"owner": "nobody", "group": GROUP}
    wanted = {
        "directories": [{"path": str(database.parent), "mode": "2750", "holds": database.name, **rights}],
        "existing": [{"path": str(database), "mode": "0640", **rights}],
    }
    four_runs = four(run, **wanted)
    assert [result["changed"] for result in four_runs] == [True, True, False, False]
    assert four_runs[0]["diff"] == four_runs[1]["diff"]
    assert [oct(path.stat().st_mode & 0o7777) for path in (database.parent, database)] == ["0o2750", "0o640"]
    assert database.read_text() == "rows\n"
    uid = database.stat().st_uid
    assert uid == database.parent.stat().st_uid != 0

    # The account owns the directory: it may put anything under the name.
    database.unlink()
    database.symlink_to(victim)
    for check in (True, False):
        result = run(check=check, **wanted)
        assert result["msg"].startswith(f"{database}: is a symbolic link in a directory that other accounts may write")
    assert (victim.stat().st_uid, victim.stat().st_mode & 0o777) == (0, 0o644)

    os.chown(database.parent, 0, 0)
    (database.parent / "records").mkdir()
    for check in (True, False):
        result = run(check=check, **wanted)
        assert result["msg"] == (
            f"{database.parent} belongs to root and holds 'records', so nobody does not get it. Use a directory of its"
            " own for db.sqlite. It was not changed."
        )
    assert database.parent.stat().st_uid == 0
