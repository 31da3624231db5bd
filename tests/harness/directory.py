# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory of molecule/shared/directory on a host of an ldap image, with a certificate of its own authority."""

from __future__ import annotations

from ansible_collections.puffy.mail.tests.harness.containers import Host

HERE = "/opt/puffy/ansible_collections/puffy/mail/molecule/shared/directory"
SERVICE = "uid=postfix,ou=services,dc=example,dc=test"
PASSWORD = "a $pecial #pass%word"
#: the authorities where the tests name them, and the names of the server
NAMES = """
cp /etc/ldap/directory/ca.pem /etc/ldap/directory/other.pem /etc/ssl
grep -q ldap.example.test /etc/hosts || echo 127.0.0.1 ldap.example.test other.example.test >>/etc/hosts
"""


def start(host: Host, accounts: int) -> None:
    """Make the directory with that many plain accounts and run it."""
    host.run([f"{HERE}/certificates", "ldap.example.test"])
    host.run(NAMES)
    host.run([f"{HERE}/setup", str(accounts)], data=PASSWORD)


def options(**changes: object) -> dict[str, object]:
    """The options of a client file of ldap_table(5) that finds mailboxes there."""
    return {
        "server_host": "ldap://ldap.example.test",
        "version": 3,
        "timeout": 3,
        "start_tls": True,
        "tls_require_cert": True,
        "tls_ca_cert_file": "/etc/ssl/ca.pem",
        "bind_dn": SERVICE,
        "bind_pw": PASSWORD,
        "search_base": "dc=example,dc=test",
        "query_filter": "(&(objectClass=PostfixBookMailAccount)(mail=%s))",
        "result_attribute": "mailStorageDirectory",
        **changes,
    }
