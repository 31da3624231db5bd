# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A running mail host on the OpenBSD stand-in moves its accounts to a directory: another flavor of Postfix."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness import directory
from ansible_collections.puffy.mail.tests.harness.containers import Host
from ansible_collections.puffy.mail.tests.harness.playbooks import Run
from ansible_collections.puffy.mail.tests.harness.standin import BRANCHES, Standin

pytestmark = [pytest.mark.containers, pytest.mark.long]

ACCOUNTS = [{"address": f"{name}@example.test", "password": f"secret of {name}"} for name in ("alice", "bob")]
SITE: dict[str, Any] = {
    "mail_hosts_pattern": "all",
    "mail_hostname": "mail.example.test",
    "mail_tls_key_types": ["ecdsa"],
    "postfix_reject_unknown_sender_domain": False,
    "sqlite_maps_domains": ["example.test"],
    "sqlite_maps_mailboxes": ACCOUNTS,
    "verify_from": "host",
    "verify_dns_name": "",
    "verify_address": "127.0.0.1",
    "verify_ca_file": "/etc/ssl/puffy-mail-ca.pem",
    "verify_accounts": ACCOUNTS,
    # Debian's Postfix 3.11 warns of every hash table, OpenBSD's does not.
    "verify_log_files": [],
}
LDAP: dict[str, Any] = {
    "mail_accounts": "ldap",
    "mail_ldap_servers": ["ldap://ldap.example.test"],
    "mail_ldap_search_base": "dc=example,dc=test",
    "mail_ldap_bind_dn": directory.SERVICE,
    "mail_ldap_bind_password": directory.PASSWORD,
    "mail_ldap_ca_file": "/etc/ssl/directory.pem",
}
QUEUE = "postqueue -j | grep -o '.queue_id.: .[^,]*'"


@pytest.fixture(scope="module", params=BRANCHES)
def standin(request: pytest.FixtureRequest) -> Iterator[Standin]:
    """The stand-in beside a host with a directory, which shares its network with it."""
    with Host("trixie-ldap") as beside:
        directory.start(beside, 5)
        # The ports are the stand-in's. What is still starting cannot be stopped.
        listens = "ss -ltnH 'sport = :25' | grep -q ."
        beside.wait(listens)
        beside.run("postfix stop; doveadm stop")
        beside.wait(f"! {listens}")
        with Standin(str(request.param), f"--network=container:{beside.name}") as running:
            running.run("echo 127.0.0.1 ldap.example.test >> /etc/hosts")
            running.write("/etc/ssl/directory.pem", beside.read("/etc/ssl/ca.pem"))
            yield running


def play(standin: Standin, name: str, here: Path, *options: str, **changes: Any) -> tuple[int, Run]:
    """Run a playbook of the collection; return how many tasks changed something."""
    more = {"openbsd_base_branch": standin.branch, "tls_pki_ca_directory": str(here / "pki"), **changes}
    done = standin.playbook([{"import_playbook": f"puffy.mail.{name}"}], *options, **{**SITE, **more})
    return done.counts["changed"], done


def test_the_accounts_move_and_the_mail_stays(standin: Standin, tmp_path_factory: pytest.TempPathFactory) -> None:
    here = tmp_path_factory.mktemp("control")
    # on a bare host check mode gets to its end, and changes nothing
    state = "rcctl ls started; ls /etc /etc/rc.d /usr/local/sbin /var/db/pkg /var/db; crontab -l; cat /etc/mailer.conf"
    before = standin.run(state).stdout
    changed, _done = play(standin, "site", here, "--check", "--diff")
    assert changed > 10
    assert standin.run(state).stdout == before
    assert not (here / "pki").exists()

    play(standin, "site", here)
    play(standin, "verify", here)
    assert f"postfix--%{standin.branch}\n" in standin.run("pkg_info -mz").stdout
    standin.run("printf 'Subject: a\\n\\nfrom before\\n' | sendmail -f bob@example.test alice@example.test")
    standin.run("printf 'Subject: b\\n\\nfar\\n' | sendmail -f bob@example.test 'far@[192.0.2.1]'")
    arrived = "grep -rqs '{}' /var/vmail/example.test/alice"
    standin.wait(arrived.format("from before"))
    queue = standin.run(QUEUE).stdout
    assert len(queue.splitlines()) == 1

    play(standin, "site", here, **LDAP)
    assert f"postfix--ldap%{standin.branch}\n" in standin.run("pkg_info -mz").stdout
    assert standin.run(QUEUE).stdout == queue
    assert (
        "proxy:ldap:/etc/postfix/ldap/virtual_mailbox_maps.cf" in standin.run("postconf -h virtual_mailbox_maps").stdout
    )
    play(standin, "verify", here, **LDAP)
    standin.run("printf 'Subject: c\\n\\nfrom after\\n' | sendmail -f bob@example.test info@example.test")
    standin.wait(arrived.format("from after"))
    standin.wait(arrived.format("from before"))
    changed, done = play(standin, "site", here, **LDAP)
    assert changed == 0, done.stdout

    # and back to the mail system of base: Dovecot and Postfix are gone from their ports, the queue stays
    play(standin, "restore", here, **LDAP)
    assert standin.run("rcctl ls started").stdout.split() == ["smtpd", "syslogd"]
    assert standin.run("grep -rl far@ /var/spool/postfix/deferred /var/spool/postfix/active").stdout.count("\n") == 1
