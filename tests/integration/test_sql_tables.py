# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables in MariaDB and PostgreSQL: what smtpd(8) reaches from the chroot is what the check says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.puffy.mail.tests.harness import chroot
from ansible_collections.puffy.mail.tests.harness.containers import Host

pytestmark = [pytest.mark.containers, pytest.mark.long]

#: A certificate for 127.0.0.1, and both servers with one table.
SETUP = r"""
set -e; umask 022
mkdir -p /etc/ssl/db /var/spool/postfix/etc/ssl/db /var/spool/postfix/inside; cd /etc/ssl/db
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 9 -subj /CN=db.example.test \
    -addext subjectAltName=IP:127.0.0.1,DNS:db.example.test -keyout server.key -out server.pem 2>/dev/null
cp server.pem ca.pem; cp server.pem inside.pem; cp server.pem /var/spool/postfix/etc/ssl/db/inside.pem
echo 127.0.0.1 db.example.test >>/etc/hosts
install -o mysql -m 600 server.key mysql.key; install -o postgres -m 600 server.key postgres.key
mkdir -p /run/mysqld; chown mysql /run/mysqld
mariadbd --user=mysql --ssl-cert=/etc/ssl/db/server.pem --ssl-key=/etc/ssl/db/mysql.key >/tmp/mariadb.log 2>&1 &
set -- $(pg_lsclusters -h)
cat >>/etc/postgresql/$1/$2/postgresql.conf <<END
ssl_cert_file = '/etc/ssl/db/server.pem'
ssl_key_file = '/etc/ssl/db/postgres.key'
unix_socket_directories = '/run/postgresql, /var/spool/postfix/inside'
END
sed -i 's/^local  *all  *all  *peer/local all all scram-sha-256/' /etc/postgresql/$1/$2/pg_hba.conf
chown postgres /var/spool/postfix/inside
pg_ctlcluster $1 $2 start
cd /tmp
su postgres -c "psql -q -c \"CREATE ROLE postfix LOGIN PASSWORD 'secret'\" -c 'CREATE DATABASE mail OWNER postfix'"
su postgres -c "psql -q mail -c 'CREATE TABLE clients (name text, answer text)' \
    -c \"INSERT INTO clients VALUES ('127.0.0.1', 'REJECT found')\" -c 'GRANT SELECT ON clients TO postfix'"
until mariadb --skip-ssl -e 'SELECT 1' >/dev/null 2>&1; do sleep 0.1; done
mariadb --skip-ssl <<'END'
CREATE DATABASE mail;
CREATE TABLE mail.clients (name VARCHAR(99), answer VARCHAR(99));
INSERT INTO mail.clients VALUES ('127.0.0.1', 'REJECT found');
CREATE USER postfix@localhost IDENTIFIED BY 'secret';
CREATE USER postfix@'%' IDENTIFIED BY 'secret';
GRANT SELECT ON mail.* TO postfix@localhost;
GRANT SELECT ON mail.* TO postfix@'%';
END
ln /run/mysqld/mysqld.sock /var/spool/postfix/inside/mysqld.sock
ln -s /var/spool/postfix/inside /inside
"""
CLIENT = """\
user = postfix
password = secret
dbname = mail
query = SELECT answer FROM clients WHERE name = '%s'
"""
MYSQL = "the default socket of MySQL"
URI = "hosts = postgresql://"
#: The type of a table, the lines of its client file, and what a daemon in the chroot cannot reach; empty: nothing.
CASES = [
    ("mysql", "hosts = 127.0.0.1", ""),
    ("mysql", "hosts = db.example.test", ""),
    ("mysql", "hosts = localhost", MYSQL),
    ("mysql", "hosts = inet:LocalHost:3306", MYSQL),
    ("mysql", "", MYSQL),
    ("mysql", "hosts = unix:/run/mysqld/mysqld.sock", "/run/mysqld/mysqld.sock"),
    ("mysql", "hosts = unix:/inside/mysqld.sock", ""),
    ("mysql", "hosts = unix:/run/mysqld/mysqld.sock 127.0.0.1", ""),
    ("mysql", "hosts = 127.0.0.1\ntls_CAfile = /etc/ssl/db/ca.pem", "/etc/ssl/db/ca.pem"),
    ("mysql", "hosts = 127.0.0.1\ntls_CAfile = /etc/ssl/db/inside.pem", ""),
    ("pgsql", "hosts = 127.0.0.1", ""),
    ("pgsql", "hosts = db.example.test", ""),
    ("pgsql", "hosts = localhost", ""),
    ("pgsql", "", ""),
    ("pgsql", "hosts = unix:/run/postgresql", "/run/postgresql"),
    ("pgsql", "hosts = /run/postgresql", "/run/postgresql"),
    ("pgsql", "hosts = unix:/inside", ""),
    ("pgsql", "hosts = unix:/run/postgresql inet:127.0.0.1:5432", ""),
    ("pgsql", f"{URI}postfix:secret@127.0.0.1/mail", ""),
    ("pgsql", f"{URI}postfix:secret@%2Frun%2Fpostgresql/mail", "/run/postgresql"),
    ("pgsql", f"{URI}/mail?host=/run/postgresql&user=postfix&password=secret", "/run/postgresql"),
    ("pgsql", f"{URI}/mail?host=/run/postgresql%2C127.0.0.1&user=postfix&password=secret", ""),
    ("pgsql", f"{URI}/mail?user=postfix&password=secret", "the default socket of PostgreSQL"),
    ("pgsql", f"{URI}postfix:secret@127.0.0.1/mail?sslmode=require", ""),
    (
        "pgsql",
        f"{URI}postfix:secret@127.0.0.1/mail?sslmode=verify-ca&sslrootcert=/etc/ssl/db/ca.pem",
        "/etc/ssl/db/ca.pem",
    ),
    ("pgsql", f"{URI}postfix:secret@127.0.0.1/mail?sslmode=verify-ca&sslrootcert=/etc/ssl/db/inside.pem", ""),
]


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    # Nothing is started: the servers that boot with the host have other settings.
    with Host("trixie-sql", "--network", "none", "--entrypoint", '["sh", "-c", "sleep infinity"]') as running:
        running.run(SETUP)
        chroot.start(running, [(kind, f"{CLIENT}{text}\n") for kind, text, _missing in CASES])
        yield running


def test_what_smtpd_reaches_from_the_chroot(host: Host) -> None:
    found = zip(CASES, chroot.answers(host, len(CASES)))
    # 554 is the answer of the table.
    wrong = [(case, codes) for case, codes in found if codes != (554, 451 if case[2] else 554)]
    assert wrong == [], host.run("grep warning /var/log/mail.log | tail -n 40", check=False).stdout


def test_the_check_says_so(host: Host) -> None:
    said = chroot.told(host)
    assert set(said) == {number for number, case in enumerate(CASES) if case[2]}
    for number, message in said.items():
        assert f"cannot reach {CASES[number][2]} from there. Each lookup fails" in message
        assert "secret" not in message
