# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""host_facts with commands replaced, and the two refusals."""

from __future__ import annotations

import json
import os
import platform
import socket
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils import _activation, _command, _host
from ansible_collections.puffy.mail.plugins.modules import host_facts
from ansible_collections.puffy.mail.tests.harness.arguments import patch_module_args

DPKG = "dpkg-query -W -f=${db:Status-Status} ${Package}\n"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    def call(**arguments: Any) -> dict[str, Any]:
        with patch_module_args(arguments), pytest.raises(SystemExit):
            host_facts.main()
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result

    return call


def commands(monkeypatch: pytest.MonkeyPatch, answers: dict[str, str]) -> list[str]:
    """Replace the commands of the host; the names and arguments that ran."""
    ran: list[str] = []

    def answer(argv: list[str], **_dummy: Any) -> _command.Result:
        ran.append(" ".join(argv))
        return _command.Result(tuple(argv), 0, answers[" ".join(argv)], "")

    names = {text.split()[0] for text in answers}
    monkeypatch.setattr(_command, "run", answer)
    monkeypatch.setattr(_command, "find", lambda name, *_dummy: name if name in names else None)
    monkeypatch.setattr(_command, "require", lambda name, *_dummy, **__: name)
    return ran


def test_a_debian_host(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_host, "system", lambda: "Debian")
    ran = commands(
        monkeypatch,
        {
            DPKG: "installed postfix\nnot-installed exim4\ninstalled dash\n",
            "postconf -dh mail_version default_cache_db_type": "3.11.7\nlmdb\n",
            "postconf -m": "sqlite\nhash\n",
            "dovecot --version": "2.4.1-4 (7d8c0e5759)\n",
        },
    )
    facts = run(account="root")["ansible_facts"]
    assert facts["os_family"] == "Debian"
    found = facts["puffy_mail"]
    assert found["packages"] == ["dash", "postfix"]
    assert found["postfix"]["version"] == "3.11.7"
    assert found["postfix"]["cache_type"] == "lmdb"
    assert found["postfix"]["table_types"] == ["hash", "sqlite"]
    assert found["dovecot"] == {"version": "2.4.1-4"}
    assert {"map:hash", "map:sqlite", "dovecot"} <= set(found["provides"])
    assert "openssl" not in found["provides"]
    assert (found["account"]["name"], found["account"]["uid"], found["account"]["group"]) == ("root", 0, "root")
    assert "root" in found["groups"]
    # Each question is asked once.
    assert len(ran) == len(set(ran)) == 4


def test_a_bare_openbsd_host(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_host, "system", lambda: "OpenBSD")
    commands(monkeypatch, {"pkg_info -z": "dovecot--\npostfix--sasl2%stable\n"})
    (tmp_path / "ca.pem").write_text("a certificate\n")
    paths = [str(tmp_path / "missing.pem"), str(tmp_path / "ca.pem")]
    found = run(account="nobody-at-all", certificates=paths)["ansible_facts"]["puffy_mail"]
    assert found["certificates"] == {paths[1]: "a certificate\n"}
    assert found["packages"] == ["dovecot--", "postfix--sasl2%stable"]
    assert found["postfix"] == {}
    assert found["dovecot"] == {}
    assert found["account"] == {}


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("ID=debian\n", "Debian"),
        ('ID="ubuntu"\nID_LIKE=debian\n', "Debian"),
        ("ID=mint\nID_LIKE='ubuntu debian'\n", "Debian"),
        ("ID=alpine\n", "Alpine"),
    ],
)
def test_the_family_of_a_linux(text: str, family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    (tmp_path / "os-release").write_text(text)
    assert _host.system([str(tmp_path / "absent"), str(tmp_path / "os-release")]) == family


def test_another_system_is_refused(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_host, "system", lambda: "Alpine")
    assert run()["msg"] == (
        "This host runs Alpine. The roles of puffy.mail know OpenBSD, Debian and what derives from Debian."
        " Nothing was changed."
    )


def test_without_root(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert run()["msg"] == (
        "The roles of puffy.mail need root on the host, and this task does not run as root."
        " Set 'become: true' (or connect as root). Nothing was changed."
    )


def test_a_directory_that_is_away(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_host, "system", lambda: "Debian")
    commands(monkeypatch, {DPKG: ""})
    with socket.socket() as listener, socket.socket() as taken:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        # Bound and not listening: nothing can connect, and nobody else takes the port meanwhile.
        taken.bind(("127.0.0.1", 0))
        there, away = listener.getsockname()[1], taken.getsockname()[1]
        message = run(servers=[f"ldap://127.0.0.1:{away}"], timeout=5)["msg"]
        assert message.startswith(f"No directory server takes a connection (127.0.0.1 port {away}: ")
        assert message.endswith("Start a server or correct its URL. Nothing was changed.")
        assert "ansible_facts" in run(servers=[f"ldap://127.0.0.1:{away}", f"ldap://127.0.0.1:{there}"], timeout=5)
    assert "ansible_facts" in run(servers=["ldapi://%2Frun%2Fslapd.sock"])


def test_the_daemons_that_were_activated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_activation, "ROOT", str(tmp_path))
    assert _host.activated() == []
    for path in ("postfix/etc-postfix", "postfix/srv-postfix", "opendkim/etc", "opendmarc/etc"):
        (tmp_path / path).mkdir(parents=True)
        (tmp_path / path / ("lock" if path.startswith("opendmarc") else "active.json")).touch()
    assert _host.activated() == ["opendkim", "postfix"]
