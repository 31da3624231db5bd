# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module postconf against the real Postfix: what it writes is what postconf(1) reads."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.containers import RUNNER, Host

pytestmark = pytest.mark.containers

MAIN = """\
# kept
compatibility_level = 2

mydestination = $myhostname,
# between
    localhost
mynetworks_style=host
relayhost =
myhostname = mx.example.test
# the end"""

#: a fault that the run itself cures: the parameter is set again
TWICE = MAIN.replace("\n\n", "\n\nmyhostname = mail.example.test \n")

MASTER = """\
smtp      inet  n       -       y       -       -       smtpd
submission inet n       -       y       -       -       smtpd
  -o syslog_name=postfix/submission
# between
  -o smtpd_delay_reject=no
pickup    unix  n       -       y       60      1       pickup
cleanup   unix  n       -       y       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
rewrite   unix  -       -       y       -       -       trivial-rewrite
bounce    unix  -       -       y       -       0       bounce
defer     unix  -       -       y       -       0       bounce
trace     unix  -       -       y       -       0       bounce
verify    unix  -       -       y       -       1       verify
proxymap  unix  -       -       n       -       -       proxymap
smtp      unix  -       -       y       -       -       smtp
relay     unix  -       -       y       -       -       smtp
showq     unix  n       -       y       -       -       showq
error     unix  -       -       y       -       -       error
local     unix  -       n       n       -       -       local
virtual   unix  -       n       n       -       -       virtual
lmtp      unix  -       -       y       -       -       lmtp
anvil     unix  -       -       y       -       1       anvil
"""

REQUEST: dict[str, Any] = {
    "config_directory": "/t/live",
    "parameters": {
        "myhostname": "mx2.example.test",
        "smtpd_helo_required": True,
        "message_size_limit": 20480000,
        "mydestination": {"append": ["example.test"]},
        "smtpd_banner": "$myhostname ESMTP  two  spaces",
        "smtpd_recipient_restrictions": [
            "permit_mynetworks", "reject_unauth_destination", "reject_non_fqdn_sender", "reject_unknown_sender_domain",
        ],
    },
    "absent": ["relayhost"],
    "services": {
        "submission/inet": {"chroot": False, "options": {"mua_note": "a b", "smtpd_delay_reject": True}},
        "10025/inet": {"command": "smtpd", "chroot": False, "maxproc": 5, "arguments": ["-v"]},
        "archive/unix": {
            "command": "pipe", "unpriv": False, "chroot": False,
            "arguments": ["flags=R", "user=nobody", "argv=/bin/true", "a b"],
        },
        "lmtp/unix": {"state": "disabled"},
        "anvil/unix": {"state": "absent"},
    },
    "unknown": "warn",
    "skip": ["unknown-option"],
}  # fmt: skip


def lay(host: Host, directory: str = "/t/live", main: str = MAIN, master: str = MASTER) -> None:
    host.run(f"rm -rf {directory}; mkdir -p {directory}")
    host.write(f"{directory}/main.cf", main)
    host.write(f"{directory}/master.cf", master)


def listing(host: Host, directory: str = "/t/live") -> str:
    """Names, modes, owners and checksums: what must stay where nothing is to change."""
    return host.run(
        f"cd {directory} && stat -c '%n %a %u %g %i %Y' * && cat main.cf master.cf | cksum && ls -A | grep -v lock"
    ).stdout


def test_stock_files_are_left_alone(host: Host) -> None:
    before = listing(host, "/etc/postfix")
    result = host.module("postconf", {})
    assert not result.get("failed"), result
    assert (result["changed"], result["diff"], result["activation"]) == (False, [], "none")
    assert [finding for finding in result["findings"] if finding["severity"] == "error"] == []
    assert listing(host, "/etc/postfix") == before


def test_what_is_written_is_what_postconf_reads(host: Host) -> None:
    lay(host, main=TWICE)
    host.run(
        "cd /t/live && mkdir real && mv main.cf real/main.real && ln -s real/main.real main.cf"
        " && chown nobody:mail real/main.real && chmod 640 real/main.real"
    )
    result = host.four_runs("postconf", REQUEST)
    assert result["activation"] == "reload"
    assert result["parameters_removed"] == ["relayhost"]
    assert result["parameters_set"] == sorted(REQUEST["parameters"])
    assert result["services_changed"] == list(REQUEST["services"])
    assert host.read("/t/live/main.cf") == (
        "# kept\ncompatibility_level = 2\n\nmydestination = $myhostname,\n# between\n"
        "    localhost,\n    example.test\nmynetworks_style=host\nmyhostname = mx2.example.test\n# the end\n"
        "message_size_limit = 20480000\n"
        "smtpd_banner = $myhostname ESMTP  two  spaces\n"
        "smtpd_helo_required = yes\n"
        "smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination,\n"
        "    reject_non_fqdn_sender, reject_unknown_sender_domain\n"
    )
    assert result["diff"][0]["after"] == host.read("/t/live/main.cf")
    assert result["diff"][1]["after"] == host.read("/t/live/master.cf")
    status = host.run("readlink /t/live/main.cf; stat -c '%a %U %G' /t/live/real/main.real; ls -A /t/live /t/live/real")
    assert status.stdout.splitlines() == [
        "real/main.real", "640 nobody mail",
        "/t/live:", ".puffy-mail.lock", "main.cf", "master.cf", "real", "", "/t/live/real:", "main.real",
    ]  # fmt: skip
    read = dict(line.split(" = ", 1) for line in host.run("postconf -c /t/live -n").stdout.splitlines())
    # Not in the file: before 3.11, postconf adds what -c said.
    read.pop("config_directory", None)
    assert read == {
        "compatibility_level": "2",
        "message_size_limit": "20480000",
        "mydestination": "$myhostname, localhost, example.test",
        "myhostname": "mx2.example.test",
        "mynetworks_style": "host",
        "smtpd_banner": "$myhostname ESMTP two spaces",
        "smtpd_helo_required": "yes",
        "smtpd_recipient_restrictions": ", ".join(REQUEST["parameters"]["smtpd_recipient_restrictions"]),
    }
    services = [" ".join(line.split()) for line in host.run("postconf -c /t/live -M").stdout.splitlines()]
    assert services[1] == (
        "submission inet n - n - - smtpd -o syslog_name=postfix/submission -o smtpd_delay_reject=yes -o {mua_note=a b}"
    )
    assert services[-2:] == [
        "10025 inet n - n - 5 smtpd -v",
        "archive unix - n n - - pipe flags=R user=nobody argv=/bin/true {a b}",
    ]
    assert not any(line.startswith(("lmtp", "anvil")) for line in services)
    assert "#lmtp      unix  -       -       y       -       -       lmtp\n" in host.read("/t/live/master.cf")
    assert "postfix/submission\n# between\n  -o smtpd_delay" in host.read("/t/live/master.cf")


@pytest.mark.one_release
def test_an_error_stops_everything(host: Host) -> None:
    lay(host)
    before = listing(host)
    for check in (True, False):
        result = host.module(
            "postconf",
            {
                "config_directory": "/t/live",
                "parameters": {"smtpd_helo_requird": True, "relayhost": "[a.example.test]"},
                "services": {"smtps/inet": {"command": "smtpd"}},
            },
            check=check,
        )
        assert result["failed"]
        assert result["msg"].splitlines()[0].startswith("/t/live/main.cf line ")
        assert "smtpd_helo_required" in result["msg"].splitlines()[0]
        assert result["msg"].endswith("\nNothing was changed.")
        assert "unknown-parameter" in {finding["rule"] for finding in result["findings"]}
    assert listing(host) == before
    result = host.module(
        "postconf",
        {"config_directory": "/t/live", "parameters": {"smtpd_helo_requird": True}, "skip": ["unknown-parameter"]},
    )
    assert not result.get("failed"), result
    assert host.read("/t/live/main.cf").endswith("# the end\nsmtpd_helo_requird = yes\n")


@pytest.mark.one_release
def test_backup(host: Host) -> None:
    lay(host)
    result = host.module("postconf", {"config_directory": "/t/live", "parameters": {"biff": False}, "backup": True})
    assert len(result["backup_files"]) == 1
    assert host.read(result["backup_files"][0]) == MAIN
    again = host.module("postconf", {"config_directory": "/t/live", "parameters": {"biff": False}, "backup": True})
    assert "backup_files" not in again


@pytest.mark.one_release
def test_secrets_are_in_no_answer(host: Host) -> None:
    lay(host)
    request = {
        "config_directory": "/t/live",
        "parameters": {"smtp_sasl_password_maps": "inline:{ { [relay.example.test] = user:geheimnis1 } }"},
    }
    result = host.module("postconf", request)
    assert result["changed"], result
    assert "geheimnis1" not in json.dumps(result)
    assert "geheimnis1" in host.read("/t/live/main.cf")
    request["parameters"] = {"smtp_sasl_password_maps": "inline:{ { [relay.example.test] = user:geheimnis2 } }"}
    result = host.module("postconf", request)
    assert result["diff"][0]["before"] != result["diff"][0]["after"]
    assert "geheimnis" not in json.dumps(result)
    # What Ansible logs of every module's options
    assert "Invoked with" in host.run("grep -rah smtp_sasl_password_maps /var/log").stdout
    assert host.run("grep -ra geheimnis /var/log", check=False).stdout == ""


@pytest.mark.one_release
def test_a_run_without_change_starts_two_processes_and_does_not_wait(host: Host) -> None:
    lay(host)
    counting = (
        "import atexit, sys, time\nstarted = []\n"
        "sys.addaudithook(lambda event, args: started.append(time.monotonic()) if event in "
        "('subprocess.Popen', 'os.fork', 'os.system') else None)\n"
        "atexit.register(lambda: print(len(started), time.monotonic() - started[0], file=sys.stderr))\n"
    )
    request = json.dumps(
        {**REQUEST, "_ansible_check_mode": False, "_ansible_diff": True, "_ansible_remote_tmp": "/tmp"}
    )
    argv = [
        "env",
        "PYTHONPATH=/opt/puffy",
        "PYTHONDONTWRITEBYTECODE=1",
        "python3",
        "-c",
        counting + RUNNER,
        "postconf",
    ]
    assert json.loads(host.run(argv, data=request).stdout)["changed"] is True
    done = host.run(argv, data=request)
    assert json.loads(done.stdout)["changed"] is False
    count, seconds = done.stderr.split()
    assert int(count) <= 2
    # Postfix dozes a second over a file that was changed in the current second; this run must not meet that.
    assert float(seconds) < 1.0


# --- many at once -----------------------------------------------------------------------------------------------------


@pytest.mark.one_release
def test_concurrent_runs_go_one_after_the_other(host: Host) -> None:
    lay(host)
    names = ["biff", "append_dot_mydomain", "smtpd_helo_required", "disable_vrfy_command", "strict_rfc821_envelopes"]
    for number, name in enumerate(names):
        request = {"config_directory": "/t/live", "parameters": {name: True}}
        host.write(f"/t/request{number}", json.dumps(request))
    runner = shlex.quote(RUNNER)
    host.run(
        f"for n in {' '.join(map(str, range(len(names))))}; do"
        f" env PYTHONPATH=/opt/puffy PYTHONDONTWRITEBYTECODE=1 python3 -c {runner} postconf"
        " < /t/request$n > /t/answer$n & done; wait"
    )
    for number in range(len(names)):
        assert json.loads(host.read(f"/t/answer{number}"))["changed"] is True
    assert sorted(host.read("/t/live/main.cf").splitlines()[-len(names) :]) == sorted(f"{name} = yes" for name in names)
