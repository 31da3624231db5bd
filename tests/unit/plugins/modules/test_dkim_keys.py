# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""dkim_keys with the real openssl(1) in a directory of the test."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.modules import dkim_keys
from ansible_collections.puffy.mail.tests.harness.arguments import patch_module_args

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to root")


def call(capsys: pytest.CaptureFixture[str], *, check: bool = False, **options: Any) -> dict[str, Any]:
    arguments = {"group": "0", "selector": "mail", "_ansible_check_mode": check, "_ansible_diff": True, **options}
    with patch_module_args(arguments), pytest.raises(SystemExit):
        dkim_keys.main()
    result = json.loads(capsys.readouterr().out)
    assert isinstance(result, dict)
    return result


def test_a_key_is_made_once_and_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = {"directory": str(tmp_path), "domains": ["Example.org"]}
    predicted = call(capsys, check=True, **options)
    assert list(tmp_path.iterdir()) == []
    made = call(capsys, **options)
    key = tmp_path / "keys" / "example.org" / "mail.private"
    assert (predicted["changed"], predicted["made"]) == (made["changed"], made["made"]) == (True, [str(key)])
    assert predicted["diff"] == made["diff"]
    assert "PRIVATE KEY" not in json.dumps(made)
    assert (predicted["records"], [record["name"] for record in made["records"]]) == (
        [], ["mail._domainkey.example.org"],
    )  # fmt: skip
    assert key.with_suffix(".txt").read_text() == made["records"][0]["zone"] + "\n"
    assert (key.stat().st_mode & 0o777, key.parent.stat().st_mode & 0o777) == (0o640, 0o750)
    before = key.read_text()
    for check in (True, False):
        again = call(capsys, check=check, **options)
        assert (again["changed"], again["records"]) == (False, made["records"])
    assert key.read_text() == before


def test_what_was_changed_by_hand_is_put_right(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = {"directory": str(tmp_path), "domains": ["example.org"]}
    records = call(capsys, **options)["records"]
    key = tmp_path / "keys" / "example.org" / "mail.private"
    key.chmod(0o644)
    key.with_suffix(".txt").write_text("v=DKIM1; p=\n")
    (tmp_path / "signing_table").write_text("* mail._domainkey.example.org\n")
    predicted = call(capsys, check=True, **options)
    done = call(capsys, **options)
    assert predicted["diff"] == done["diff"]
    assert [diff["after_header"] for diff in done["diff"]] == [
        str(key), str(key.with_suffix(".txt")), str(tmp_path / "signing_table"),
    ]  # fmt: skip
    assert "PRIVATE KEY" not in json.dumps(done)
    assert done["records"] == records
    assert key.stat().st_mode & 0o777 == 0o640
    assert call(capsys, **options)["changed"] is False


def test_domains_of_a_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "accounts.sqlite"
    options = {"directory": str(tmp_path), "database": str(path)}
    assert call(capsys, check=True, **options)["domains"] == []
    assert call(capsys, **options)["msg"] == f"{path}: there is no such file. Use the database that PostfixAdmin made"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE domain (domain TEXT, backupmx INTEGER, active INTEGER)")
        database.execute("INSERT INTO domain VALUES ('ALL', 0, 1), ('a.example', 0, 1), ('b.example', 1, 1)")
    assert call(capsys, **options)["domains"] == ["a.example"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"directory": "relative"}, "directory is 'relative'. Use an absolute path such as '/etc/opendkim'."),
        (
            {"selector": "a b"},
            "selector is 'a b', which has the label 'a b', and a label is 1 to 63 letters,",
        ),
        ({"domains": ["../etc"]}, "an entry of domains is '../etc', which has the label '', and a label is"),
        ({"database": "/with blank"}, "database is '/with blank'. Use an absolute path"),
    ],
)
def test_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str], options: dict[str, Any], message: str) -> None:
    result = call(capsys, **{"directory": str(tmp_path), **options})
    assert result["msg"].startswith(message)
    assert result["msg"].endswith(" Nothing was changed.")
    assert list(tmp_path.iterdir()) == []
