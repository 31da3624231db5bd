# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the daemons get at their tables."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._postfix import checks
from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.checks import cases

test_a_fault_is_found_and_named = cases.tests("table_access")


#: A client file or a server, and what a daemon in the chroot cannot reach: tried with smtpd(8) on Postfix 3.10.
CHROOT = [
    ("ldap", "server_host = ldap://ldap.example.test", ""),
    ("ldap", "server_host = ldap://a.test ldapi://%2Frun%2Fldapi", ""),
    ("ldap", "server_host = ldapi://%2Frun%2Fldapi", "ldapi://%2Frun%2Fldapi"),
    ("ldap", "server_host = ldapi://%2Finside.sock/", ""),
    ("ldap", "search_base = dc=test", ""),
    ("ldap", "server_host = ldaps://a.test\ntls_ca_cert_file = /etc/ssl/ca.pem", "/etc/ssl/ca.pem"),
    ("ldap", "server_host = ldap://a.test\nstart_tls = yes\ntls_ca_cert_dir = /etc/ssl/certs", "/etc/ssl/certs"),
    ("ldap", "server_host = ldap://a.test\ntls_ca_cert_file = /etc/ssl/ca.pem", ""),
    ("ldap", "server_host = ldaps://a.test\ntls_ca_cert_file = /etc/ssl/inside.pem", ""),
    ("sqlite", "dbpath = /srv/delete.sqlite", ""),
    ("sqlite", "dbpath = /srv/wal.sqlite", "the log of its database, which is in WAL mode"),
    ("mysql", "hosts = db.example.test 127.0.0.1", ""),
    ("mysql", "hosts = unix:/run/mysqld.sock", "/run/mysqld.sock"),
    ("mysql", "hosts = unix:/inside.sock", ""),
    ("mysql", "hosts = unix:/run/mysqld.sock 127.0.0.1", ""),
    ("mysql", "hosts = localhost", "the default socket of MySQL"),
    ("mysql", "hosts = inet:LOCALHOST:3306", "the default socket of MySQL"),
    ("mysql", "dbname = mail", "the default socket of MySQL"),
    ("mysql", "hosts = 127.0.0.1\ntls_CAfile = /etc/ssl/ca.pem", "/etc/ssl/ca.pem"),
    ("mysql", "hosts = 127.0.0.1\ntls_CAfile = /etc/ssl/inside.pem", ""),
    ("mysql", "hosts = 127.0.0.1\noption_file = /etc/my.cnf", ""),
    ("pgsql", "hosts = localhost", ""),
    ("pgsql", "dbname = mail", ""),
    ("pgsql", "hosts = unix:/run/pgsql", "/run/pgsql"),
    ("pgsql", "hosts = /run/pgsql", "/run/pgsql"),
    ("pgsql", "hosts = unix:/run/pgsql inet:127.0.0.1:5432", ""),
    ("pgsql", "hosts = postgresql://u:secret@%2Frun%2Fpgsql/mail", "/run/pgsql"),
    ("pgsql", "hosts = postgresql:///mail?host=/run/pgsql&password=secret", "/run/pgsql"),
    ("pgsql", "hosts = postgresql://:5433/mail", "the default socket of PostgreSQL"),
    ("pgsql", "hosts = postgresql://u:secret@db.test:5432/mail?sslmode=require", ""),
    (
        "pgsql",
        "hosts = postgresql://db.test/mail?sslmode=verify-full&sslrootcert=/etc/ssl/ca.pem",
        "/etc/ssl/ca.pem",
    ),
    ("pgsql", "hosts = postgresql://db.test/mail?sslmode=verify-full&sslrootcert=/etc/ssl/inside.pem", ""),
    ("pgsql", "hosts = postgresql:///mail?service=mail", ""),
]


@pytest.mark.parametrize(("kind", "text", "missing"), CHROOT)
@pytest.mark.parametrize("proxied", [False, True])
def test_what_a_chroot_keeps_from_a_table(kind: str, text: str, missing: str, proxied: bool) -> None:
    contents = {
        "/etc/postfix/client.cf": f"{text}\n".encode(),
        "/srv/delete.sqlite": b"SQLite format 3\0\x10\0\1\1",
        "/srv/wal.sqlite": b"SQLite format 3\0\x10\0\2\2",
        "/var/spool/postfix/etc/ssl/inside.pem": b"",
        "/var/spool/postfix/inside.sock": b"",
    }
    probe = cases.FakeProbe({}, contents)
    host = cases.host("3.11", probe)
    host = dataclasses.replace(host, map_types=host.map_types | {"mysql", "pgsql"})
    table = f"{kind}:/etc/postfix/client.cf"
    value = f"proxy:{table}" if proxied else table
    main, master = cases.parsed(f"virtual_mailbox_maps = {value}\n", cases.MASTER)
    found = [each for each in checks.check(main, master, host) if each.rule == "table-chroot"]
    if proxied or not missing:
        assert found == []
    else:
        assert f"cannot reach {missing} from there. Each lookup fails" in found[0].message
        assert found[0].suggestion.startswith(f"write proxy:{table}, or set the chroot column of ")


@pytest.mark.parametrize(("path", "count"), [("/srv/map.sock", 1), ("/inside.sock", 0)])
def test_a_socketmap_in_the_chroot(path: str, count: int) -> None:
    probe = cases.FakeProbe({"/var/spool/postfix/inside.sock": cases.file(kind="socket")})
    found = cases.check(f"virtual_mailbox_maps = socketmap:unix:{path}:users\n", probe=probe)
    assert [each.rule for each in found].count("table-chroot") == count


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# /x/ $1\n/^a/\n  relay:[$1]\n", "/^a/ relay:[$1]"),
        ("/^a/ relay:\n\n/^(b)/ relay:[${1}]\n/^(c)/ relay:[$1]\n", "/^(b)/ relay:[${1}]"),
        ("if /x/\n!/^(a)/i relay:[$(1)]\nendif\n", "!/^(a)/i relay:[$(1)]"),
        ("|^/(a)/$|x relay:[$1]", "|^/(a)/$|x relay:[$1]"),
        ("/^a$1/ relay:\n/^b/ relay:$$1\nif /$1/\nendif\n# /^(a)/ $1\n", ""),
        ("/" + "\\\\" * 20_000 + " $1", ""),
    ],
)
def test_substitutions_in_a_file(text: str, line: str) -> None:
    host = cases.host("3.11", cases.FakeProbe({}, {"/etc/postfix/routes": text.encode()}))
    main, master = cases.parsed("transport_maps = regexp:/etc/postfix/routes\n", cases.MASTER)
    found = [each for each in checks.check(main, master, host) if each.rule == "substitution-passed-over"]
    assert [each.message.partition("the line ")[2] for each in found] == (
        [f"{line!r} of regexp:/etc/postfix/routes, because its result has a substitution"] if line else []
    )
