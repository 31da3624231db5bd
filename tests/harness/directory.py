# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory of molecule/shared/directory on a host of an ldap image, with a certificate of its own authority."""

from __future__ import annotations

from ansible_collections.puffy.mail.tests.harness.containers import Host

HERE = "/opt/puffy/ansible_collections/puffy/mail/molecule/shared/directory"
SERVICE = "uid=postfix,ou=services,dc=example,dc=test"
PASSWORD = "a $pecial #pass%word"
#: two authorities, as openssl.cnf makes them, CA:TRUE; the second one has signed nothing
CERTIFICATES = """
set -e
umask 022
mkdir -p /etc/ldap/directory
cd /etc/ldap/directory
for name in ca other; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj "/CN=$name" \
        -keyout $name.key -out $name.pem 2>/dev/null
done
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=ldap.example.test \
    -keyout server.key -out server.csr 2>/dev/null
echo subjectAltName=DNS:ldap.example.test >server.ext
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile server.ext \
    -out server.pem 2>/dev/null
cp ca.pem other.pem /etc/ssl
grep -q ldap.example.test /etc/hosts || echo 127.0.0.1 ldap.example.test other.example.test >>/etc/hosts
"""


def start(host: Host, accounts: int) -> None:
    """Make the directory with that many plain accounts and run it."""
    host.run(CERTIFICATES)
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
