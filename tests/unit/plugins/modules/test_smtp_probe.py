# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""smtp_probe: bad input is refused before anything is probed, and results take the form documented."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
import yaml

from ansible_collections.puffy.mail.plugins.module_utils._probe import checks, client
from ansible_collections.puffy.mail.plugins.modules import smtp_probe
from ansible_collections.puffy.mail.tests.harness.arguments import patch_module_args

GOOD: dict[str, Any] = {"host": "mail.example.test", "port": 25}
LOGIN = {"username": "alice", "password": "a secret of some length"}
DELIVER = {"from": "a@b.test", "to": "c@d.test", "imap": {"username": "c", "password": "another secret"}}


def run(capsys: pytest.CaptureFixture[str], arguments: dict[str, Any], *, check: bool = False) -> dict[str, Any]:
    with patch_module_args({**GOOD, **arguments, "_ansible_check_mode": check}), pytest.raises(SystemExit):
        smtp_probe.main()
    result = json.loads(capsys.readouterr().out)
    assert isinstance(result, dict)
    return result


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_dummy: object) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "create_connection", refuse)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"port": 0}, "port is 0. Use a whole number from 1 to 65535"),
        ({"port": 70000}, "port is 70000. Use a whole number from 1 to 65535"),
        ({"host": "a b"}, "host is 'a b'. Use a host name or an IP address"),
        ({"host": ""}, "host is ''. Use a host name or an IP address"),
        ({"tls_name": "a/b"}, "tls_name is 'a/b'. Use a host name or an IP address"),
        ({"helo_name": "a b"}, "helo_name is 'a b'. Use a host name or an IP address"),
        ({"helo_name": "[a\nb]"}, "helo_name is '[a\\nb]'. Use a host name or an address literal"),
        ({"timeout": 0}, "timeout is 0.0. Use a number of seconds above 0 and up to 3600"),
        ({"ca_path": "/no/ca.pem"}, "ca_path: '/no/ca.pem' does not exist on the host that runs this task"),
        ({"protocol": "imap"}, "tls is 'starttls'. Use 'wrapper' with protocol 'imap'"),
        (
            {"tls": "none", "login": LOGIN},
            "login needs tls 'starttls' or 'wrapper': without TLS the password would be sent as plain text",
        ),
        (
            {"protocol": "imap", "tls": "wrapper", "login": LOGIN},
            "login is for protocol 'smtp'. Use deliver to log in by IMAP",
        ),
        (
            {"login": {**LOGIN, "password": ""}},
            "login: the password is empty, which SASL PLAIN (RFC 4616) does not allow",
        ),
        ({"expect": {"start_tls": True}}, "expect has an unknown key 'start_tls'. Use 'starttls'"),
        (
            {"deliver": {**DELIVER, "to": "nobody"}},
            "deliver.to is 'nobody'. Use a mail address such as 'alice@example.test'",
        ),
        ({"deliver": {**DELIVER, "size": -1}}, "deliver.size is -1. Use a number of bytes from 0 to 1073741824"),
        (
            {"deliver": {**DELIVER, "timeout": 9999}},
            "deliver.timeout is 9999.0. Use a number of seconds above 0 and up to 3600",
        ),
        (
            {"deliver": {**DELIVER, "imap": {**DELIVER["imap"], "port": -1}}},
            "deliver.imap.port is -1. Use a whole number from 1 to 65535",
        ),
        (
            {"deliver": {**DELIVER, "imap": {**DELIVER["imap"], "mailbox": "a\r\nb"}}},
            "deliver.imap.mailbox is 'a\\r\\nb'. Use printable ASCII (RFC 3501, 5.1.3)",
        ),
        (
            {"protocol": "imap", "tls": "wrapper", "deliver": DELIVER},
            "deliver sends by SMTP; it cannot be used with protocol 'imap'",
        ),
    ],
)
def test_bad_input(capsys: pytest.CaptureFixture[str], arguments: dict[str, Any], message: str) -> None:
    result = run(capsys, arguments)
    assert result["failed"] is True
    assert result["msg"] == f"{message}. Nothing was probed."
    assert "checks" not in result


def test_failed_checks(capsys: pytest.CaptureFixture[str]) -> None:
    result = run(capsys, {"expect": {"starttls": True}, "label": "the MX"})
    assert result["failed"] is True
    assert result["msg"] == (
        "the MX: 3 failed checks: connect: expected a greeting, seen no connection to mail.example.test:25: connection"
        " refused; not made because of it: starttls, tls"
    )
    assert result["checks"][0] == {
        "endpoint": "the MX",
        "name": "connect",
        "ok": False,
        "expected": "a greeting",
        "seen": "no connection to mail.example.test:25: connection refused",
    }
    assert result["summary"] == {"passed": 0, "failed": 3, "left_out": 0}
    assert result["transcript"] == ["-- mail.example.test:25: probe", "-- connection refused"]


def test_failed_checks_without_failing(capsys: pytest.CaptureFixture[str]) -> None:
    result = run(capsys, {"fail": False})
    assert not result.get("failed")
    assert (result["changed"], result["ok"]) == (False, False)
    assert result["checks"][0]["endpoint"] == "mail.example.test:25"


def test_check_mode_does_not_send(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_dummy: object) -> None:
        raise AssertionError("a message was about to be sent in check mode")

    monkeypatch.setattr(client, "deliver", forbidden)
    result = run(capsys, {"deliver": DELIVER}, check=True)
    assert (result["ok"], result["changed"]) == (True, False)
    assert result["checks"] == [
        {
            "endpoint": "mail.example.test:25",
            "name": "deliver a@b.test to c@d.test",
            "ok": None,
            "expected": "a message sent and read back",
            "seen": "left out in check mode, because it sends a message",
        }
    ]
    assert result["summary"] == {"passed": 0, "failed": 0, "left_out": 1}


def test_delivery_takes_over_what_it_shares(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def record(endpoint: Any, login: Any, delivery: Any, transcript: Any) -> checks.Check:
        seen.append(delivery)
        return checks.Check(delivery.check_name(), True, "", "")

    monkeypatch.setattr(client, "deliver", record)
    assert run(capsys, {"deliver": DELIVER, "tls_name": "name.test", "ca_path": "/etc"})["ok"] is True
    assert (seen[0].imap.host, seen[0].imap.port) == ("mail.example.test", 993)
    assert (seen[0].imap.tls_name, seen[0].imap.ca_path) == ("name.test", "/etc")
    other = {**DELIVER, "imap": {**DELIVER["imap"], "host": "imap.example.test"}}
    run(capsys, {"deliver": other, "tls_name": "name.test"})
    assert seen[1].imap.name() == "imap.example.test"


def test_documentation_matches() -> None:
    """Every option, and every key of expect, is described; the defaults are the same."""

    def compare(spec: dict[str, Any], documented: dict[str, Any]) -> None:
        assert set(spec) == set(documented)
        for name, option in spec.items():
            for key in ("type", "required", "default", "choices"):
                assert documented[name].get(key) == option.get(key), (name, key)
            compare(option.get("options", {}), documented[name].get("suboptions", {}))

    documented = yaml.safe_load(smtp_probe.DOCUMENTATION)["options"]
    compare(smtp_probe.ARGUMENTS, documented)
    text = " ".join(documented["expect"]["description"])
    for key in (*checks.EXPECT_KEYS, *checks.CERTIFICATE_KEYS, *checks.ENVELOPE_KEYS):
        assert f"C({key})" in text, key
    yaml.safe_load(smtp_probe.EXAMPLES)
    returned = yaml.safe_load(smtp_probe.RETURN)
    assert set(returned) == {"ok", "checks", "summary", "transcript"}
