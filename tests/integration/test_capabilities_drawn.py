# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Combinations of wishes that the check of the inputs accepts, set on each release and served by its daemons."""

from __future__ import annotations

import random
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._postfix import capabilities
from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import Facts
from ansible_collections.puffy.mail.tests.harness import wishes as drawn
from ansible_collections.puffy.mail.tests.harness.containers import Host
from ansible_collections.puffy.mail.tests.integration.test_corpus import SASL
from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.capabilities.test_combinations import (
    refused,
)
from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.capabilities.wishes import wishes

pytestmark = [pytest.mark.containers, pytest.mark.long]
DRAWS = 25
#: what the wishes name and other roles make: a key with its certificate, a database, sockets
PREPARE = """
cd /etc/ssl && mkdir -p private
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=mail.example.org -days 99 -keyout private/mail.example.org.key \\
  -out mail.example.org.chain.pem 2>/dev/null
mkdir -p /etc/postfix/sqlite /var/vmail
useradd -r -u 2000 -d /var/vmail vmail && chown vmail /var/vmail
python3 -c 'import sqlite3; sqlite3.connect("/etc/postfix/sqlite/db").execute("create table t (k, v)")'
for name in relay_domains virtual_mailbox_domains virtual_mailbox_maps virtual_maildirs virtual_alias_maps \\
  sender_login_maps; do
  printf 'dbpath = /etc/postfix/sqlite/db\\nquery = SELECT v FROM t WHERE k = %%s\\n' >/etc/postfix/sqlite/$name.cf
done
chgrp -R postfix /etc/postfix/sqlite
install -d -o postfix -m 0700 /var/spool/postfix/private
touch /etc/aliases && cp /etc/aliases /etc/postfix/aliases
apt-get install -y -qq --no-install-recommends libsasl2-modules
mkdir -p /etc/postfix/sasl
printf 'pwcheck_method: saslauthd\\nmech_list: PLAIN LOGIN\\n' >/etc/postfix/sasl/smtpd.conf
: >/etc/postfix/relay_clientcerts
"""


@pytest.fixture(scope="module")
def host(release: str) -> Iterator[Host]:
    """With the mechanisms of Cyrus SASL in the package cache."""
    with Host(f"{release}-sasl") as running:
        yield running


@pytest.fixture(scope="module")
def prepared(host: Host) -> Iterator[Host]:
    host.run(PREPARE)
    host.run(f"setsid python3 -c {shlex.quote(SASL)} /var/spool/postfix/private/auth >/dev/null 2>&1 </dev/null &")
    yield host
    host.run("postfix stop", check=False)


def _set(host: Host, given: dict[str, Any], facts: dict[str, Any]) -> None:
    """Make the tables, set the files and activate them, as the role does."""
    composed = capabilities.compose(
        {**wishes(**given), "relay_clients_table": "texthash:/etc/postfix/relay_clientcerts"}, Facts.of(facts)
    )
    for table in composed.tables:
        made = {"path": table.path, "type": table.type, "builder": table.builder}
        made.update({"entries": table.entries} if table.entries is not None else {"content": table.content})
        done = host.module("postmap", made)
        assert not done.get("failed"), f"{done['msg']}\n{given}"
    for index in composed.parameters.get("alias_database", ()):
        host.run(["postalias", index])
    done = host.module(
        "postconf",
        {
            "parameters": dict(composed.parameters),
            "absent": list(composed.absent),
            "services": dict(composed.services),
        },
    )
    assert not done.get("failed"), f"{done['msg']}\n{given}"
    active = host.module("postfix_service", {"state": "started", "enabled": False, "timeout": 60})
    assert not active.get("failed"), f"{active['msg']}\n{given}"


def test_what_is_accepted_is_served(prepared: Host) -> None:
    facts = {
        "version": prepared.run("postconf -dh mail_version").stdout.strip(),
        "table_types": prepared.run("postconf -m").stdout.split(),
        "cache_type": prepared.run("postconf -dh default_cache_db_type 2>/dev/null", check=False).stdout.strip(),
    }
    random_ = random.Random(20)  # noqa: S311  # no secret depends on it
    served = 0
    while served < DRAWS:
        given = {**drawn.draw(random_), "postfix_hostname": "mail.example.org"}
        given = {key: value for key, value in given.items() if "ca_file" not in key}
        given["postfix_tls_key_file"] = "/etc/ssl/private/mail.example.org.key"
        given["postfix_tls_chain_file"] = "/etc/ssl/mail.example.org.chain.pem"
        if refused(given):
            continue
        _set(prepared, given, facts)
        served += 1
        greeting = "import smtplib; s = smtplib.SMTP('127.0.0.1', 25); print(s.ehlo('localhost')[0])"
        assert prepared.run(["python3", "-c", greeting]).stdout.strip() == "250", given
