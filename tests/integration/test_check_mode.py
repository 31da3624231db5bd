# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode of puffy.mail.site reports exactly the tasks that the run then changes, whatever state the host is in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness import directory
from ansible_collections.puffy.mail.tests.harness.containers import Host
from ansible_collections.puffy.mail.tests.harness.playbooks import NAME, mail_hosts, playbook
from ansible_collections.puffy.mail.tests.harness.standin import Standin

pytestmark = pytest.mark.containers

SQLITE = {
    "sqlite_maps_domains": ["example.test"],
    "sqlite_maps_mailboxes": [{"address": "alice@example.test", "password": "one-two-three"}],
    "sqlite_maps_aliases": [{"address": "info@example.test", "goto": ["alice@example.test"]}],
}
LDAP = {
    "mail_accounts": "ldap",
    "mail_ldap_servers": ["ldap://ldap.example.test"],
    "mail_ldap_search_base": "dc=example,dc=test",
    "mail_ldap_bind_dn": directory.SERVICE,
    "mail_ldap_bind_password": directory.PASSWORD,
    "ldap_maps_virtual_mailbox_domains": ["example.test"],
    "ldap_maps_ca_certificate": "{{ lookup('ansible.builtin.env', 'DIRECTORY_CA') }}",
}
#: all of tls_pki that the control side issues
RICH = {
    "mail_tls_key_types": ["rsa", "ecdsa"],
    "tls_pki_dhparam": "ffdhe2048",
    "tls_pki_clients": ["printer"],
    "postfix_relay_clients": ["printer"],
}
RENAMED = {"mail_hostname": "other.example.test"}

#: what a host was before: the image, what was done on it, its variables, and later ones
HOSTS: dict[str, tuple[str, str, Mapping[str, Any], tuple[Mapping[str, Any], ...]]] = {
    "bare": ("trixie", "", SQLITE, (RENAMED,)),
    "all that tls_pki issues, later": ("trixie", "", SQLITE, ({}, RICH, RENAMED)),
    "Postfix as the package left it": (
        "trixie-mail",
        "debconf-set-selections <<<'postfix postfix/main_mailer_type string Internet Site' 2>/dev/null;"
        " printf 'myhostname = old.example.test\\nsmtpd_tls_cert_file = /etc/ssl/gone.pem\\n' >>/etc/postfix/main.cf",
        SQLITE,
        ({},),
    ),
    "bare bullseye": ("bullseye", "", {**SQLITE, **RICH}, ({}, RENAMED)),
    "bare forky": ("forky", "", {**SQLITE, **RICH}, ({}, RENAMED)),
    "the system's accounts": ("trixie", "", {"mail_accounts": "system"}, ({}, RENAMED)),
}
QUICK = ("bare",)


@pytest.fixture(params=[name if name in QUICK else pytest.param(name, marks=pytest.mark.long) for name in HOSTS])
def case(request: pytest.FixtureRequest) -> Iterator[tuple[Host, Mapping[str, Any], tuple[Mapping[str, Any], ...]]]:
    image, before, variables, later = HOSTS[request.param]
    with Host(image) as host:
        if before:
            host.run(["bash", "-c", before])
        yield host, variables, later


def agree(host: Host, variables: Mapping[str, Any], later: tuple[Mapping[str, Any], ...], pki: Path) -> None:
    inventory = {**host.connection, "tls_pki_ca_directory": str(pki), **variables}
    for number, change in enumerate(({}, *later)):
        inventory.update(change)
        hosts = mail_hosts({NAME: inventory})
        checked = playbook("puffy.mail.site", hosts, "--check", "--diff")
        assert checked.rc == 0, checked.output
        done = playbook("puffy.mail.site", hosts)
        assert done.rc == 0, done.output
        assert checked.changed == done.changed, checked.output
        assert bool(done.changed) == (number == 0 or change != {}), done.output


def test_check_mode_reports_what_the_run_changes(
    case: tuple[Host, Mapping[str, Any], tuple[Mapping[str, Any], ...]], tmp_path: Path
) -> None:
    agree(*case, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("branch", ["stable", "stable35"])
def test_check_mode_on_a_bare_openbsd(branch: str, tmp_path: Path) -> None:
    variables = {**SQLITE, "openbsd_base_branch": branch, "openbsd_base_myname": NAME}
    with Standin(branch) as host:
        agree(host, variables, ({}, RENAMED), tmp_path)
