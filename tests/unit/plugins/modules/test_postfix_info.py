# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""postfix_info with the commands of the host replaced, every expected one listed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.puffy.mail.plugins.module_utils import _command
from ansible_collections.puffy.mail.plugins.modules import postfix_info
from ansible_collections.puffy.mail.tests.harness.arguments import patch_module_args

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "postfix"
MASTER = "2525 inet n - n - - smtpd\n  -o smtpd_tls_auth_only=yes\n"


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Run the module on a directory with these files; returns what it answered and the commands that ran."""

    def call(main, master=MASTER, version="3.11", library="OpenSSL 3.5.4", installed=True, **options):
        ran = []
        if main is not None:
            (tmp_path / "main.cf").write_text(main)
        (tmp_path / "master.cf").write_text(master)

        def answer(argv, *, check=True):
            # The configuration directory of these two is an empty one that was made for them.
            ran.append(" ".join(argv[3:] if argv[1] == "-c" else argv[1:]))
            outputs = {
                "-d": (FIXTURES / f"postconf-d.{version}").read_text(),
                "-m": "hash\nstatic\n",
                "-a": "cyrus\ndovecot\n",
                "-A": "cyrus\n",
                "-T run-version": library,
            }
            rc = 0 if outputs[ran[-1]] or ran[-1] != "-T run-version" else 1
            return _command.Result(tuple(argv), rc, outputs[ran[-1]], "")

        monkeypatch.setattr(_command, "run", answer)
        monkeypatch.setattr(_command, "find", lambda name: f"/usr/sbin/{name}" if installed else None)
        monkeypatch.setattr(_command, "require", lambda name, **_dummy: f"/usr/sbin/{name}")
        with patch_module_args({"config_directory": str(tmp_path), **options}), pytest.raises(SystemExit):
            postfix_info.main()
        return json.loads(capsys.readouterr().out), ran

    return call


def test_what_it_returns(run, tmp_path):
    result, ran = run("myorigin = $mydomain\nsmtpd_use_tls = no\nno_such_name = 1\n")
    assert ran == ["-d", "-m", "-T run-version", "-a", "-A"]
    assert not result["changed"]
    assert result["version"] == "3.11.7"
    assert result["tls_library"] == "OpenSSL 3.5.4"
    assert result["map_types"] == ["hash", "static"]
    assert result["sasl_types"] == {"server": ["cyrus", "dovecot"], "client": ["cyrus"]}
    assert result["default_database_type"] == "cdb"
    assert result["parameters"] == {"myorigin": "$mydomain", "smtpd_use_tls": "no", "no_such_name": "1"}
    assert result["effective"] == {"myorigin": "example.org", "smtpd_use_tls": "no", "no_such_name": "1"}
    assert result["unused"] == ["no_such_name"]
    assert result["deprecated"] == {"smtpd_use_tls": "smtpd_tls_security_level"}
    (service,) = result["services"]
    assert service["options"] == {"smtpd_tls_auth_only": "yes"}
    assert (service["name"], service["chroot"], service["chrooted"], service["line"]) == ("2525", "n", False, 1)
    assert [(finding["rule"], finding["line"]) for finding in result["findings"]] == [
        ("deprecated-parameter", 2),
        ("unknown-parameter", 3),
        ("open-relay", 1),
    ]
    assert (result["errors"], result["warnings_found"]) == (2, 1)


def test_all_parameters(run):
    result, _dummy = run("biff = no\n", all_parameters=True)
    assert len(result["effective"]) > 800
    assert result["effective"]["myorigin"] == "mail.example.org"


def test_a_postfix_that_cannot_name_its_tls_library(run):
    result, _dummy = run("biff = no\n", library="")
    assert result["tls_library"] is None


@pytest.mark.parametrize("main", [None, "biff = no\n"])
def test_a_host_without_postfix(run, main):
    """Files that a removed Postfix left are not judged: no Postfix reads them."""
    result, ran = run(main, installed=False)
    assert ran == []
    assert (result["installed"], result["version"], result["findings"]) == (False, None, [])
    assert set(result) - {"invocation"} == set(run("biff = no\n")[0]) - {"invocation"}


def test_a_password_is_masked(run):
    result, _dummy = run("smtp_sasl_password_maps = inline:{relay.example.org=me:hunter2sesame}\n")
    assert "hunter2sesame" not in json.dumps(result)


@pytest.mark.parametrize(
    ("main", "options", "message"),
    [
        (None, {}, "{0}/main.cf: does not exist; name the directory of Postfix in config_directory"),
        ("biff = no\n", {"skip": ["opne-relay"]}, "there is no check 'opne-relay'; did you mean 'open-relay'?"),
    ],
)
def test_failures(run, tmp_path, main, options, message):
    result, _dummy = run(main, **options)
    assert result["failed"]
    assert result["msg"] == message.format(tmp_path)
