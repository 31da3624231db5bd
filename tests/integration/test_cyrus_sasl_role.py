# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role cyrus_sasl with the real saslauthd and authdaemond, Postfix in its chroot or not, PAM and a directory.

The playbook of the role runs against both releases at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness import directory, playbooks
from ansible_collections.puffy.mail.tests.harness.containers import Host

pytestmark = pytest.mark.containers

#: the scenario private_ca_cyrus does the same in make test
LONG = pytest.mark.long
RELEASES = ("bullseye", "trixie")
SYSTEM = {"mail_accounts": "system"}
LDAP = {
    "mail_accounts": "ldap",
    "mail_ldap_servers": ["ldap://ldap.example.test"],
    "mail_ldap_search_base": "dc=example,dc=test",
    "mail_ldap_bind_dn": directory.SERVICE,
    "mail_ldap_bind_password": directory.PASSWORD,
    "mail_ldap_ca_file": "/etc/ssl/ca.pem",
}
PLAYBOOK = """
- hosts: all
  gather_facts: false
  roles: [puffy.mail.cyrus_sasl]
"""
#: Postfix as the role postfix sets it where mail_sasl is cyrus
POSTFIX_SETUP = """
postconf -e myhostname=mail.example.test alias_maps= smtpd_sasl_auth_enable=yes smtpd_sasl_type=cyrus \
  smtpd_sasl_path=smtpd
postconf -F smtp/inet/chroot=y
useradd -m alice
echo alice:secret-1 | chpasswd
postfix stop 2>/dev/null || :
postfix start
"""
LOGIN = r"""
import json, smtplib, sys
seen = []
for name, password in json.load(sys.stdin):
    with smtplib.SMTP("127.0.0.1", 25, timeout=120) as client:
        client.ehlo()
        mechanisms = client.esmtp_features.get("auth", "").split()
        try:
            seen.append([mechanisms, client.login(name, password)[0]])
        except smtplib.SMTPAuthenticationError as exc:
            seen.append([mechanisms, exc.smtp_code])
print(json.dumps(seen))
"""


class Fleet:
    """A host of each release, and the role for them."""

    def __init__(self, here: Path) -> None:
        self.here = here
        self.hosts = {release: Host(f"{release}-sasl") for release in RELEASES}

    def play(self, variables: dict[str, Any], *options: str, only: str = "") -> playbooks.Run:
        hosts = {name: host.connection for name, host in self.hosts.items() if not only or name == only}
        inventory = {"all": {"vars": variables, "hosts": hosts}}
        run = playbooks.playbook(PLAYBOOK, inventory, *options, directory=self.here)
        assert run.rc == 0, run.output
        return run

    def four(self, variables: dict[str, Any]) -> list[str]:
        """Check, run, check, run; what changed."""
        predicted, done = self.play(variables, "--check"), self.play(variables)
        assert predicted.changed == done.changed, predicted.output
        for options in (["--check"], []):
            again = self.play(variables, *options)
            assert again.changed == [], again.output
        return done.changed


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    made = Fleet(tmp_path_factory.mktemp("sasl"))
    try:
        yield made
    finally:
        for host in made.hosts.values():
            host.close()


def logins(host: Host, *attempts: tuple[str, str]) -> list[int]:
    """The answer to each login. What is offered is PLAIN and LOGIN alone."""
    seen = json.loads(host.run(["python3", "-c", LOGIN], data=json.dumps(attempts)).stdout)
    assert all(sorted(mechanisms) == ["LOGIN", "PLAIN"] for mechanisms, _code in seen), seen
    return [code for _mechanisms, code in seen]


@LONG
def test_users_of_the_host_log_in_from_the_chroot(fleet: Fleet) -> None:
    assert len(fleet.four(SYSTEM)) == 4 * len(RELEASES)
    for host in fleet.hosts.values():
        host.run(POSTFIX_SETUP)
        attempts = (("alice", "secret-1"), ("alice", "wrong"), ("nobody-such", "secret-1"), ("alice", ""))
        assert logins(host, *attempts)[:3] == [235, 535, 535]
        # Nothing is cached: the old password is refused at once.
        host.run("echo alice:secret-2 | chpasswd")
        assert logins(host, ("alice", "secret-1"), ("alice", "secret-2")) == [535, 235]
        assert host.run(["stat", "-c", "%U %G %a", "/var/spool/postfix/saslauthd"]).stdout == "root sasl 710\n"


@LONG
def test_a_saslauthd_that_died_is_seen_and_started(fleet: Fleet) -> None:
    for name, host in fleet.hosts.items():
        host.run("kill -9 $(pgrep -x saslauthd)")
        host.wait("! pgrep -x saslauthd")
        assert logins(host, ("alice", "secret-2")) == [454]
        assert "saslauthd is not running" in fleet.play(SYSTEM, "--check", "-v", only=name).stdout
        assert fleet.play(SYSTEM, only=name).hosts[name]["changed"] == 1
        assert logins(host, ("alice", "secret-2")) == [235]


@LONG
def test_users_of_a_directory_log_in(fleet: Fleet) -> None:
    for host in fleet.hosts.values():
        directory.start(host, 3)
    changed = fleet.four(LDAP)
    assert len(changed) == 2 * len(RELEASES), changed
    for host in fleet.hosts.values():
        right = ("alice@example.test", "secret of alice")
        assert logins(host, right, ("alice@example.test", "wrong"), ("alice", "secret-2")) == [235, 535, 535]
        assert host.run(["stat", "-c", "%U %G %a", "/etc/saslauthd.conf"]).stdout == "root root 600\n"


@LONG
def test_a_configuration_that_saslauthd_refuses_is_taken_back(fleet: Fleet) -> None:
    release = RELEASES[0]
    host = fleet.hosts[release]
    host.run("sed -i 's/^MECHANISMS=.*/MECHANISMS=nonsense/' /etc/default/saslauthd")
    arguments = {
        "name": "saslauthd",
        "pid_file": "/var/spool/postfix/saslauthd/saslauthd.pid",
        "files": [
            "/etc/postfix/sasl/smtpd.conf", "/etc/saslauthd.conf", "/etc/default/saslauthd",
            "/etc/systemd/system/saslauthd.service.d/puffy-mail.conf",
        ],
        "sockets": ["/var/spool/postfix/saslauthd/mux"],
        "timeout": 3,
    }  # fmt: skip
    result = host.module("daemon_service", arguments)
    assert result["failed"], result
    assert result["rolled_back"], result
    assert "the last activated configuration serves again" in result["msg"]
    assert logins(host, ("alice@example.test", "secret of alice")) == [235]
    assert fleet.play(LDAP, only=release).changed == []


class Site:
    """A host of the accounts of the system, made by puffy.mail.site, and its variables."""

    def __init__(self, host: Host, here: Path) -> None:
        self.host, self.here = host, here
        self.variables: dict[str, Any] = {
            "mail_accounts": "system",
            "mail_hostname": "mail.example.test",
            "tls_pki_ca_directory": str(here / "pki"),
        }

    def play(self, *options: str) -> playbooks.Run:
        hosts = playbooks.mail_hosts({"host": {**self.host.connection, **self.variables}})
        return playbooks.playbook("puffy.mail.site", hosts, *options, directory=self.here)

    def becomes(self, **variables: Any) -> list[str]:
        """What changed in a run with other variables."""
        self.variables |= variables
        done = self.play()
        assert done.rc == 0, done.output
        return done.changed

    def running(self) -> list[str]:
        """Which of the two check passwords."""
        names = self.host.run("ps axo comm=").stdout.split()
        return sorted({name for name in names if name in ("saslauthd", "authdaemond")})

    def logins(self, *attempts: tuple[str, str]) -> list[int]:
        """The answer of port 465 to each login."""
        script = LOGIN.replace('smtplib.SMTP("127.0.0.1", 25,', 'smtplib.SMTP_SSL("127.0.0.1", 465,')
        seen = json.loads(self.host.run(["python3", "-c", script], data=json.dumps(attempts)).stdout)
        assert all(sorted(mechanisms) == ["LOGIN", "PLAIN"] for mechanisms, _code in seen), seen
        return [code for _mechanisms, code in seen]


def test_authdaemond_in_place_of_saslauthd_and_neither(tmp_path: Path) -> None:
    """The socket of authdaemond is outside of the chroot. What Postfix no longer asks is stopped."""
    attempts = (("alice", "secret-1"), ("alice", "wrong"), ("root", ""))
    with Host("trixie-sasl") as host:
        host.run("useradd -m alice && echo alice:secret-1 | chpasswd")
        site = Site(host, tmp_path)
        site.becomes(mail_sasl="cyrus")
        assert (site.running(), site.logins(*attempts)) == (["saslauthd"], [235, 535, 535])

        site.variables |= {"cyrus_sasl_backend": "authdaemond", "postfix_chroot": "yes"}
        refused = site.play()
        assert refused.rc != 0
        assert "Set postfix_chroot: false." in " ".join(refused.output.split()), refused.output
        assert (site.running(), site.logins(*attempts)) == (["saslauthd"], [235, 535, 535])

        del site.variables["postfix_chroot"]
        predicted, changed, again = site.play("--check"), site.becomes(), site.play()
        assert (predicted.changed, again.changed) == (changed, []), predicted.output
        # The host keeps its certificate where a package is installed.
        assert [task.rpartition(" : ")[2] for task in changed] == [
            "Install the packages",
            "Set the directory and the configuration files",
            "Let Postfix reach the socket",
            "Activate what checks the passwords",
            "Set main.cf and master.cf as one transaction",
            "Activate the configuration",
            "Stop what no longer checks the passwords",
        ]
        assert (site.running(), site.logins(*attempts)) == (["authdaemond"], [235, 535, 535])
        assert host.run("postconf -hF submissions/inet/chroot").stdout == "n\n"
        assert host.run(["stat", "-c", "%U %G %a", "/etc/courier/authdaemonrc"]).stdout == "root courier 640\n"

        host.run("kill -9 $(pgrep -x courierlogger) $(pgrep -x authdaemond)")
        assert len(site.becomes()) == 1
        assert site.logins(*attempts) == [235, 535, 535]

        site.becomes(mail_sasl="none", postfix_submission=False, postfix_submissions=False)
        assert site.running() == []
