# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command puffy-mail-activate on hosts with Python 3.9 and later, for a real Postfix and Dovecot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.puffy.mail.plugins.module_utils import _activate
from ansible_collections.puffy.mail.plugins.plugin_utils import _zipapp
from ansible_collections.puffy.mail.tests.harness.containers import Host, podman

pytestmark = pytest.mark.containers

ACTIVATE = "/usr/local/sbin/puffy-mail-activate"
KEY, CHAIN = "/etc/ssl/mail.key", "/etc/ssl/mail.pem"
CERTIFICATE = (
    "umask 077; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=mail.example.test"
    f" -days 30 -keyout {KEY} -out {CHAIN} 2>/dev/null"
)
AUTH = "/var/spool/postfix/private/auth"
DOVECOT = {
    "bullseye": f"""
protocols = imap
ssl = required
ssl_cert = <{CHAIN}
ssl_key = <{KEY}
passdb {{
  driver = static
  args = password=x
}}
userdb {{
  driver = passwd
}}
""",
    "forky": f"""
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
protocols = imap
ssl = required
ssl_server_cert_file = {CHAIN}
ssl_server_key_file = {KEY}
passdb static {{
  password = x
}}
userdb passwd {{
}}
""",
}
SOCKET = f"service auth {{\n  unix_listener {AUTH} {{\n    mode = 0600\n    user = postfix\n  }}\n}}\n"


@pytest.fixture(scope="module", params=DOVECOT)
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    command = tmp_path_factory.mktemp("command") / "puffy-mail-activate"
    command.write_bytes(_zipapp.build(str(Path(_activate.__file__).parent), "_activate"))
    command.chmod(0o755)
    with Host(f"{request.param}-mail") as running:
        podman("cp", str(command), f"{running.name}:{ACTIVATE}")
        # The host is still booting, and starts Postfix as its last service.
        running.run("for i in $(seq 100); do postfix status 2>/dev/null && break; sleep 0.1; done", timeout=300)
        running.run(f"{CERTIFICATE}; service dovecot stop >/dev/null 2>&1; true")
        running.run(
            "postconf -e myhostname=mail.example.test inet_interfaces=127.0.0.1 smtpd_tls_security_level=may"
            f" smtpd_tls_cert_file={CHAIN} smtpd_tls_key_file={KEY} smtpd_tls_chain_files="
        )
        running.write("/etc/dovecot/dovecot.conf", DOVECOT[request.param] + SOCKET)
        yield running


def module(host: Host, name: str) -> None:
    options = {} if name == "postfix_service" else {
        "files": ["/etc/dovecot/dovecot.conf"],
        "keys": [{"key_file": KEY, "chain_file": CHAIN}],
        "auth_socket": AUTH,
        "imaps_port": 993,
        "hostname": "mail.example.test",
    }  # fmt: skip
    result = host.module(name, options)
    assert not result.get("failed"), result["msg"]


def served(host: Host) -> list[str]:
    """The fingerprints of the certificates that IMAP and SMTP show, and of the one on disk."""
    asked = ("-connect 127.0.0.1:993", "-connect 127.0.0.1:25 -starttls smtp")
    commands = [f"openssl s_client {options} </dev/null 2>/dev/null" for options in asked]
    return [
        host.run(f"{command} | openssl x509 -noout -fingerprint -sha256").stdout.strip()
        for command in (*commands, f"cat {CHAIN}")
    ]


def activate(host: Host, *options: str) -> tuple[int, str]:
    done = host.run([ACTIVATE, *options], check=False)
    return done.returncode, done.stdout + done.stderr


def pids(host: Host) -> str:
    return host.run("cat /run/dovecot/master.pid /var/spool/postfix/pid/master.pid").stdout


def test_a_renewed_certificate_is_served(host: Host) -> None:
    # Nothing runs yet, and nothing is started.
    host.run("service postfix stop >/dev/null 2>&1; true")
    assert activate(host) == (
        0,
        "Dovecot with /etc/dovecot does not run, and is left as it is.\n"
        "Postfix with /etc/postfix does not run, and is left as it is.\n",
    )
    # Daemons that the modules do not know of are reloaded.
    host.run("service dovecot start && service postfix start")
    status, said = activate(host)
    assert (status, said.count("no record tells what the running")) == (0, 2), said
    module(host, "dovecot_service")
    module(host, "postfix_service")
    before = pids(host)
    assert activate(host) == (
        0, "Dovecot with /etc/dovecot runs what is on disk.\nPostfix with /etc/postfix runs what is on disk.\n"
    )  # fmt: skip
    host.run(CERTIFICATE)
    status, said = activate(host, "-n")
    assert (status, said.count(": would reload. ")) == (0, 2), said
    shown = served(host)
    assert shown[0] == shown[1] != shown[2]
    status, said = activate(host)
    assert (status, said.count(": reload. ")) == (0, 2), said
    assert len(set(served(host))) == 1
    assert pids(host) == before
    assert activate(host, "-n")[1].count("runs what is on disk") == 2
    # The next run of a play has nothing to do.
    assert host.module("postfix_service", {})["changed"] is False


def test_what_cannot_serve_never_reaches_the_daemons(host: Host) -> None:
    """The reload of a renewal used to end Postfix where main.cf was bad at that time."""
    before = pids(host), host.read("/etc/postfix/main.cf")
    host.run(CERTIFICATE)
    host.run(f"cp {KEY} {KEY}.good; openssl ecparam -name prime256v1 -genkey -noout -out {KEY}")
    host.run("postconf -e message_size_limit=ten")
    status, said = activate(host)
    assert status == 1
    assert f"{KEY} is not the key of the certificate in {CHAIN}" in said
    assert "message_size_limit is a whole number without a unit, not 'ten'" in said
    assert "the last activated main.cf and master.cf serve again" in said
    assert (pids(host), host.read("/etc/postfix/main.cf")) == before
    host.run(f"mv {KEY}.good {KEY}")
    assert activate(host)[0] == 0
    assert len(set(served(host))) == 1
