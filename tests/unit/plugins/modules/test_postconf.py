# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""postconf with the commands of the host replaced, every expected one listed, on real files."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.puffy.mail.plugins.module_utils import _command, _files
from ansible_collections.puffy.mail.plugins.module_utils._postfix import transaction
from ansible_collections.puffy.mail.plugins.modules import postconf
from ansible_collections.puffy.mail.tests.harness.arguments import patch_module_args

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "postfix"
MAIN = "# head\ncompatibility_level = 3.6\nmyhostname = mail.example.org\n"
MASTER = "2525      inet  n       -       n       -       -       smtpd\n"
Run = Callable[..., tuple[dict[str, Any], list[str]]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the module on a directory with these files; returns what it answered and the commands that ran."""
    (tmp_path / "main.cf").write_text(MAIN)
    (tmp_path / "master.cf").write_text(MASTER)
    monkeypatch.setattr(_command, "require", lambda name, **_dummy: f"/usr/sbin/{name}")

    def call(*, check: bool = False, version: str = "3.10", **options: Any) -> tuple[dict[str, Any], list[str]]:
        ran: list[str] = []

        def answer(argv: list[str]) -> _command.Result:
            assert argv[:2] == ["/usr/sbin/postconf", "-c"]
            assert argv[2] != str(tmp_path), "the files of the host are read by this module alone"
            ran.append(" ".join(argv[3:]))
            outputs = {"-d": (FIXTURES / f"postconf-d.{version}").read_text(), "-m": "hash\nstatic\ninline\n"}
            return _command.Result(tuple(argv), 0, outputs[ran[-1]], "")

        monkeypatch.setattr(_command, "run", answer)
        arguments = {"config_directory": str(tmp_path), **options, "_ansible_check_mode": check, "_ansible_diff": True}
        with patch_module_args(arguments), pytest.raises(SystemExit):
            postconf.main()
        return json.loads(capsys.readouterr().out), ran

    return call


def content(directory: Path) -> dict[str, str]:
    return {
        path.name: path.read_bytes().decode() for path in sorted(directory.iterdir()) if path.name != ".puffy-mail.lock"
    }


CASES: list[tuple[str, dict[str, Any], str | None, str | None, dict[str, Any]]] = [
    # name, options, main.cf and master.cf afterwards (None: as before), values returned
    ("nothing asked", {}, None, None, {"changed": False, "activation": "none", "diff": []}),
    (
        "set and append",
        {"parameters": {"myhostname": "mx.example.org", "biff": False}},
        "# head\ncompatibility_level = 3.6\nmyhostname = mx.example.org\nbiff = no\n",
        None,
        {"parameters_set": ["biff", "myhostname"], "parameters_removed": [], "activation": "reload"},
    ),
    (
        "what only a restart applies",
        {"parameters": {"inet_protocols": "ipv4"}},
        MAIN + "inet_protocols = ipv4\n",
        None,
        {"parameters_set": ["inet_protocols"], "activation": "restart"},
    ),
    (
        "removal",
        {"absent": ["myhostname", "biff"]},
        "# head\ncompatibility_level = 3.6\n",
        None,
        {"parameters_set": [], "parameters_removed": ["myhostname"], "activation": "reload"},
    ),
    (
        "a service",
        {"services": {"2525/inet": {"maxproc": 5, "options": {"smtpd_tls_auth_only": True}}}},
        None,
        "2525      inet  n       -       n       -       5       smtpd\n  -o smtpd_tls_auth_only=yes\n",
        {"services_changed": ["2525/inet"], "parameters_set": [], "activation": "reload"},
    ),
    (
        "both files",
        {"parameters": {"biff": False}, "services": {"2525/inet": {"state": "disabled"}}},
        MAIN + "biff = no\n",
        "#" + MASTER,
        {"services_changed": ["2525/inet"], "parameters_set": ["biff"], "activation": "reload"},
    ),
    (
        "exclusive",
        {"parameters": {"biff": False}, "exclusive": True, "skip": ["open-relay"]},
        "# head\nbiff = no\n",
        None,
        {"parameters_set": ["biff"], "parameters_removed": ["compatibility_level", "myhostname"]},
    ),
    (
        "the default, spelled otherwise, is set all the same",
        {"parameters": {"mydestination": ["$myhostname", "localhost.$mydomain", "localhost"]}},
        MAIN + "mydestination = $myhostname, localhost.$mydomain, localhost\n",
        None,
        {"parameters_set": ["mydestination"]},
    ),
    (
        "an item the default has is appended to no file",
        {"parameters": {"mydestination": {"append": ["localhost"]}}},
        None,
        None,
        {"changed": False},
    ),
    (
        "a finding that is no error",
        {"parameters": {"smtpd_use_tls": False}},
        MAIN + "smtpd_use_tls = no\n",
        None,
        {"changed": True},
    ),
]


@pytest.mark.parametrize(
    ("options", "main", "master", "values"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_four_runs(
    run: Run, tmp_path: Path, options: dict[str, Any], main: str | None, master: str | None, values: dict[str, Any]
) -> None:
    expected = {"main.cf": MAIN if main is None else main, "master.cf": MASTER if master is None else master}
    changes = expected != {"main.cf": MAIN, "master.cf": MASTER}
    predicted, ran = run(check=True, **options)
    assert ran == ["-d", "-m"]
    assert content(tmp_path) == {"main.cf": MAIN, "master.cf": MASTER}
    done, ran = run(**options)
    assert ran == ["-d", "-m"]
    assert content(tmp_path) == expected
    again, _dummy = run(check=True, **options)
    settled, ran = run(**options)
    assert ran == ["-d", "-m"]
    assert content(tmp_path) == expected
    assert {key: done[key] for key in values} == values
    for key in ("changed", "diff", "activation", "parameters_set", "parameters_removed", "services_changed"):
        assert predicted[key] == done[key], key
    assert done["changed"] is changes
    assert (again["changed"], settled["changed"], settled["activation"]) == (False, False, "none")
    assert [diff["after_header"] for diff in done["diff"]] == [
        str(tmp_path / name) for name, old in (("main.cf", MAIN), ("master.cf", MASTER)) if expected[name] != old
    ]


@pytest.mark.parametrize(("options", "main", "master"), [case[1:4] for case in CASES], ids=[case[0] for case in CASES])
def test_the_line_ends_of_other_systems_are_kept(
    run: Run, tmp_path: Path, options: dict[str, Any], main: str | None, master: str | None
) -> None:
    texts = {"main.cf": (MAIN, main), "master.cf": (MASTER, master)}
    for name, (before, _after) in texts.items():
        (tmp_path / name).write_bytes(before.replace("\n", "\r\n").encode())
    expected = {name: (after or before).replace("\n", "\r\n") for name, (before, after) in texts.items()}
    for _time in range(2):
        done, _ran = run(**options)
        assert content(tmp_path) == expected
    assert done["changed"] is False


def test_an_error_in_either_file_changes_neither(run: Run, tmp_path: Path) -> None:
    wish = {"parameters": {"biff": False}, "services": {"2525/inet": {"options": {"smtpd_helo_requird": True}}}}
    result, _dummy = run(**wish)
    assert result["failed"]
    assert result["msg"] == (
        f"{tmp_path}/master.cf line 2: service 2525/inet: Postfix 3.10.13 has no parameter 'smtpd_helo_requird', and no"
        " other value uses it as $smtpd_helo_requird (did you mean smtpd_helo_required?)\nNothing was changed."
    )
    assert [finding["rule"] for finding in result["findings"]] == ["unknown-option"]
    assert content(tmp_path) == {"main.cf": MAIN, "master.cf": MASTER}
    for overruled in ({"unknown": "warn"}, {"skip": ["unknown-option"]}):
        assert run(**wish, **overruled, check=True)[0]["changed"]


def test_deprecated_names(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(postconf.postfix_module.PostfixModule, "warn", lambda _self, text: said.append(text))
    wish = {"parameters": {"smtpd_use_tls": False}}
    assert [finding["severity"] for finding in run(**wish)[0]["findings"]] == ["warning"]
    assert ["smtpd_use_tls is deprecated" in text for text in said] == [True]
    assert run(**wish, deprecated="ignore")[0]["findings"] == []
    assert len(said) == 1
    assert run(**wish, deprecated="error")[0]["failed"]
    assert run(**wish, version="3.5", skip=["wrong-compatibility-level"])[0]["findings"] == []


def test_backups_keep_what_was_there(run: Run, tmp_path: Path) -> None:
    os.chmod(tmp_path / "main.cf", 0o640)
    result, _dummy = run(
        parameters={"biff": False}, services={"2525/inet": {"maxproc": 5}}, backup=True, skip=["wrong-address"]
    )
    names = [os.path.basename(path) for path in result["backup_files"]]
    stamp = r"\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~"
    assert [re.sub(stamp + "$", "", name) for name in names] == ["main.cf", "master.cf"]
    assert [(tmp_path / name).read_text() for name in names] == [MAIN, MASTER]
    assert (tmp_path / names[0]).stat().st_mode & 0o777 == 0o640
    assert "backup_files" not in run(parameters={"biff": False}, backup=True)[0]


@pytest.mark.parametrize("backup", [False, True])
@pytest.mark.parametrize("fails_at", range(4))
def test_a_failing_disk_leaves_nothing_behind(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int, backup: bool
) -> None:
    """Whichever file cannot be written: backups, the new files, the journal."""
    stage, calls = _files.stage, []

    def failing(path: str, content: bytes, **rights: Any) -> str:
        calls.append(path)
        if len(calls) > fails_at:
            raise _files.FileError(f"{path}: no room")
        return stage(path, content, **rights)

    monkeypatch.setattr(_files, "stage", failing)
    result, _dummy = run(parameters={"biff": False}, services={"2525/inet": {"maxproc": 5}}, backup=backup)
    if len(calls) <= fails_at:
        assert result["changed"]
        return
    assert result["msg"] == f"{calls[-1]}: no room"
    assert content(tmp_path) == {"main.cf": MAIN, "master.cf": MASTER}


def test_an_interrupted_run_is_finished_and_check_mode_foretells_it(run: Run, tmp_path: Path) -> None:
    new = MAIN + "inet_protocols = ipv4\n"
    (tmp_path / ".main.cf.x.new").write_text(new)
    step = {
        "path": str(tmp_path / "main.cf"),
        "staged": str(tmp_path / ".main.cf.x.new"),
        "before": transaction._digest(MAIN.encode()),
        "after": transaction._digest(new.encode()),
    }
    (tmp_path / ".puffy-mail.journal").write_text(json.dumps({"activation": "restart", "files": [step]}))
    before = content(tmp_path)
    predicted, _dummy = run(check=True, parameters={"biff": False})
    assert content(tmp_path) == before
    done, _dummy = run(parameters={"biff": False})
    assert content(tmp_path) == {"main.cf": new + "biff = no\n", "master.cf": MASTER}
    for key in ("changed", "recovered", "activation", "diff"):
        assert predicted[key] == done[key], key
    assert (done["changed"], done["recovered"], done["activation"]) == (True, True, "restart")
    assert run()[0]["changed"] is False


def test_an_error_says_that_an_interrupted_run_was_finished(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".puffy-mail.journal").write_text('{"activation": "reload", "files": []}')
    result, _dummy = run(parameters={"bif": False})
    assert result["msg"].endswith("\nThe change of a run that had been cut off was finished; nothing else was changed.")
    assert content(tmp_path) == {"main.cf": MAIN, "master.cf": MASTER}


def test_passwords_are_masked(run: Run, tmp_path: Path) -> None:
    wish = {
        "parameters": {"smtp_sasl_password_maps": "inline:{ { example.org = me:sesame1 } }"},
        "services": {"2525/inet": {"options": {"smtp_sasl_password_maps": "static:me:sesame2"}}},
    }
    result, _dummy = run(**wish)
    assert "sesame1" in (tmp_path / "main.cf").read_text()
    assert "sesame2" in (tmp_path / "master.cf").read_text()
    assert "sesame" not in json.dumps(result)


def test_a_missing_postfix(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(name: str, **options: str) -> str:
        raise _command.CommandError(f"there is no {name}; {options['hint']}")

    monkeypatch.setattr(_command, "require", refuse)
    result, ran = run(parameters={"biff": False})
    assert (result["msg"], ran) == ("there is no postconf; install Postfix first", [])
    assert content(tmp_path) == {"main.cf": MAIN, "master.cf": MASTER}


def test_documentation() -> None:
    documented = yaml.safe_load(postconf.DOCUMENTATION)["options"]
    for task in yaml.safe_load(postconf.EXAMPLES):
        assert set(task["puffy.mail.postconf"]) <= set(documented)
    assert set(yaml.safe_load(postconf.RETURN)) == {
        *("parameters_set", "parameters_removed", "services_changed", "findings", "activation", "recovered"),
        "backup_files",
    }


def test_what_an_earlier_task_would_make_is_a_warning_in_check_mode(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_command, "find", lambda name: f"/usr/sbin/{name}")
    wanted = {"smtpd_tls_chain_files": ["/nowhere/key.pem", "/nowhere/chain.pem"]}
    result, _ran = run(check=True, parameters=wanted)
    assert "smtpd_tls_chain_files: /nowhere/key.pem does not exist" in result["msg"]
    result, _ran = run(check=True, parameters=wanted, pending=True)
    assert result["changed"] is True
    assert {(found["rule"], found["severity"]) for found in result["findings"]} == {("tls-file-missing", "warning")}
    result, _ran = run(parameters=wanted, pending=True)
    assert "smtpd_tls_chain_files: /nowhere/key.pem does not exist" in result["msg"]
    # A fault of the configuration itself stays an error.
    result, _ran = run(check=True, parameters={"notify_classes": "Bounce"}, pending=True)
    assert "notify_classes" in result["msg"]
    assert content(tmp_path)["main.cf"] == MAIN


def test_check_mode_before_postfix_is_installed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_command, "find", lambda _name: None)
    result, ran = run(check=True, parameters={"myhostname": "mail.example.org"}, pending=True)
    assert (result["changed"], result["parameters_set"], ran) == (True, ["myhostname"], [])
    result, _ran = run(check=True, parameters={"my hostname": "mail.example.org"}, pending=True)
    assert "my hostname" in result["msg"]
