# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates by ACME: certbot against a real server on loopback, and what acme-client(1) would be told on OpenBSD.

OpenBSD's acme-client does not run here. In its place stands a command with its exit statuses.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.puffy.mail.tests.harness.containers import Host, until
from ansible_collections.puffy.mail.tests.harness.playbooks import NAME, Play
from ansible_collections.puffy.mail.tests.harness.standin import Standin

pytestmark = [pytest.mark.containers, pytest.mark.long]

KEY, CHAIN = f"/etc/ssl/private/{NAME}.key", f"/etc/ssl/{NAME}.chain.pem"
ROOTS = "/etc/ssl/pebble-roots.pem"
INSTALL = "/usr/local/sbin/puffy-mail-certificate"
HOOK = "/etc/letsencrypt/renewal-hooks/deploy/puffy-mail"

PEBBLE = """
set -eu
mkdir -p /etc/pebble && cd /etc/pebble
printf '127.0.0.1 imap.example.test refused.example.test\\n' >>/etc/hosts
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -subj /CN=pebble \
    -addext subjectAltName=IP:127.0.0.1,DNS:localhost -keyout key.pem \
    -out /usr/local/share/ca-certificates/pebble.crt 2>/dev/null
update-ca-certificates >/dev/null 2>&1
cat >config.json <<JSON
{"pebble": {"listenAddress": "127.0.0.1:14000", "managementListenAddress": "127.0.0.1:15000", "httpPort": 80,
            "tlsPort": 443, "certificate": "/usr/local/share/ca-certificates/pebble.crt",
            "privateKey": "/etc/pebble/key.pem", "domainBlocklist": ["refused.example.test"]}}
JSON
"""
START = """
PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0 setsid pebble -config /etc/pebble/config.json >/var/log/pebble.log 2>&1 &
until (: </dev/tcp/127.0.0.1/15000) 2>/dev/null; do sleep 0.1; done
python3 -c 'import ssl, urllib.request
url = "https://127.0.0.1:15000/roots/0"
print(urllib.request.urlopen(url, context=ssl.create_default_context()).read().decode(), end="")' \
    >/etc/ssl/pebble-roots.pem
"""
POSTFIX = f"""
postconf -e myhostname={NAME} inet_interfaces=all smtpd_tls_security_level=may smtpd_tls_loglevel=1 \
    'smtpd_tls_chain_files={KEY}, {CHAIN}'
postfix start >/dev/null 2>&1 || postfix reload >/dev/null 2>&1
"""


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    with Host("trixie-acme") as running:
        running.run(["bash", "-c", PEBBLE + START])
        yield Play(running, tmp_path_factory.mktemp("play"))


WISH = {
    "tls_pki_source": "acme",
    "tls_pki_acme_directory_url": "https://127.0.0.1:14000/dir",
    "tls_pki_acme_terms_agreed": True,
    "tls_pki_existing_ca_file": ROOTS,
    "tls_pki_names": ["imap.example.test"],
    "tls_pki_rsa_bits": 2048,
}


def fingerprint(host: Host, source: str) -> str:
    return host.run(f"{source} | openssl x509 -noout -fingerprint -sha256").stdout.strip()


def served(host: Host) -> str:
    return fingerprint(host, "openssl s_client -connect 127.0.0.1:25 -starttls smtp </dev/null 2>/dev/null")


def reloads(host: Host) -> int:
    return int(host.run("grep -c 'postfix/master.*: reload' /var/log/mail.log || true").stdout)


def test_certbot_obtains_renews_and_is_refused(play: Play) -> None:
    host = play.host
    # foretold, and nothing done
    status, changed, output = play("--check", **WISH)
    assert (status, changed > 0) == (0, True), output
    assert host.run("ls /etc/letsencrypt/live", check=False).returncode != 0

    # first issue: the chain leads to the server's root, and the key is the daemons' alone
    status, changed, output = play(**WISH)
    assert status == 0, output
    names = "-verify_hostname imap.example.test"
    assert host.run(f"openssl verify {names} -CAfile {ROOTS} -untrusted {CHAIN} {CHAIN}").stdout == f"{CHAIN}: OK\n"
    assert host.run(f"stat -c '%a %U' {KEY} {CHAIN}").stdout == "600 root\n644 root\n"
    status, changed, output = play(**WISH)
    assert (status, changed) == (0, 0), output

    # a renewal without Ansible: the hook puts it in place, and Postfix serves it
    host.run(POSTFIX)
    first, count = served(host), reloads(host)
    host.run("certbot renew --force-renewal --no-random-sleep-on-renew --server https://127.0.0.1:14000/dir")
    second = fingerprint(host, f"cat {CHAIN}")
    assert second != first
    assert served(host) == second
    assert reloads(host) == count + 1
    # nothing new, no reload
    host.run(f"RENEWED_LINEAGE=/etc/letsencrypt/live/{NAME} {HOOK}")
    host.run(f"RENEWED_LINEAGE=/etc/letsencrypt/live/elsewhere {HOOK}")
    assert reloads(host) == count + 1
    status, changed, output = play(**WISH)
    assert (status, changed) == (0, 0), output

    # another server is asked at once, and nobody when the names are written in another way
    moved = WISH | {"tls_pki_acme_directory_url": "https://localhost:14000/dir"}
    status, changed, output = play("--check", **moved)
    assert (status, changed) == (0, 1), output
    status, _dummy, output = play(**moved)
    assert status == 0, output
    third = fingerprint(host, f"cat {CHAIN}")
    assert third != second
    status, changed, output = play(**moved | {"tls_pki_names": ["IMAP.example.test."]})
    assert (status, changed) == (0, 0), output
    host.run("postfix reload 2>/dev/null")
    until(lambda: served(host) == third, "a reload to the third certificate")
    WISH.update(moved)
    second = third

    # an order that the server refuses, and a server that is down: the old set stays
    state = f"sha256sum {KEY} {CHAIN}"
    before = host.run(state).stdout
    status, _dummy, output = play(**WISH | {"tls_pki_names": ["refused.example.test"]})
    assert status != 0
    assert "refused.example.test" in output
    host.run("pkill -x pebble")
    status, _dummy, output = play(**WISH | {"tls_pki_names": ["imap.example.test", "smtp.example.test"]})
    assert status != 0
    assert host.run(state).stdout == before
    assert served(host) == second
    # what is not due needs no server
    status, changed, output = play(**WISH)
    assert (status, changed) == (0, 0), output


# -- on OpenBSD --------------------------------------------------------------------------------------------------------

HTTPD = """#!/bin/sh
[ "$1" != -nf ] || { grep -q 'server "' "$2" && exit 0; exit 1; }
setsid sh -c 'while :; do sleep 60; done' /usr/sbin/httpd >/dev/null 2>&1 </dev/null &
"""
RC = """#!/bin/sh
daemon=/usr/sbin/httpd
pexp='done /usr/sbin/httpd$'
. /etc/rc.d/rc.subr
rc_cmd "$@"
"""
#: acme-client(1) as far as it matters here: -n checks the file, and a first run hands over what lies ready.
OPENBSD_CLIENT = f"""#!/bin/sh
[ "$1" != -nf ] || {{ grep -q '^authority puffy-mail ' "$2" && grep -q '^domain ' "$2" && exit 0; exit 1; }}
cmp -s /srv/ready.pem /etc/ssl/acme-{NAME}.pem && exit 2
cp /srv/ready.key /etc/ssl/private/acme-{NAME}.key && cp /srv/ready.pem /etc/ssl/acme-{NAME}.pem
"""
READY = f"""
mkdir -p /srv && cd /srv
openssl req -x509 -newkey rsa:2048 -nodes -days 90 -subj '/CN=Root' -keyout root.key -out root.pem 2>/dev/null
openssl req -newkey rsa:2048 -nodes -subj '/CN=Middle' -keyout middle.key 2>/dev/null |
    (printf 'basicConstraints=critical,CA:true\\n' >ext; openssl x509 -req -CA root.pem -CAkey root.key \
     -CAcreateserial -days 80 -extfile ext -out middle.pem 2>/dev/null)
openssl req -newkey rsa:2048 -nodes -subj '/CN={NAME}' -keyout ready.key 2>/dev/null |
    (printf 'subjectAltName=DNS:{NAME},DNS:imap.example.test,DNS:smtp.example.test\\nextendedKeyUsage=serverAuth\\n' >x
     openssl x509 -req -CA middle.pem -CAkey middle.key -CAcreateserial -days 70 -extfile x -out leaf.pem 2>/dev/null)
cat leaf.pem middle.pem >ready.pem
chmod 755 /usr/sbin/acme-client /usr/sbin/httpd /etc/rc.d/httpd
"""


def test_openbsd_is_told_what_acme_client_needs() -> None:
    with Standin("stable") as host:
        for path, text in (
            ("/usr/sbin/acme-client", OPENBSD_CLIENT), ("/usr/sbin/httpd", HTTPD), ("/etc/rc.d/httpd", RC)
        ):  # fmt: skip
            host.write(path, text)
        host.run(["bash", "-c", READY])
        host.write("/etc/httpd.conf", 'server "www.example.test" {\n\tlisten on * port 80\n}\n')
        variables = {
            "tls_pki_source": "acme",
            "tls_pki_hostname": NAME,
            "tls_pki_acme_terms_agreed": True,
            "tls_pki_acme_email": "postmaster@example.test",
            "tls_pki_existing_ca_file": "/srv/root.pem",
            "tls_pki_names": ["imap.example.test", "smtp.example.test"],
        }
        task = {"ansible.builtin.include_role": {"name": "puffy.mail.tls_pki"}, "vars": variables}
        plays = [{"hosts": "all", "tasks": [task]}]
        host.playbook(plays)
        assert host.run(f"cmp /srv/ready.pem {CHAIN} && stat -c %a {KEY}").stdout == "600\n"
        table = host.run("crontab -l").stdout
        names = f"{NAME},imap.example.test,smtp.example.test"
        assert (
            f"\n~\t~\t*\t*\t*\t-n -s {INSTALL} -c -a /srv/root.pem {names} /etc/ssl/private/acme-{NAME}.key " in table
        )
        assert table.rstrip().endswith(f"acme-client {NAME}")
        assert "httpd_flags=\n" in host.read("/etc/rc.conf.local")
        assert 'server "www.example.test" {' in host.read("/etc/httpd.conf")
        assert '\tlocation "/.well-known/acme-challenge/*" {\n\t\troot "/acme"\n' in host.read("/etc/httpd.conf")
        assert host.read("/etc/acme-client.conf") == (
            "# BEGIN puffy.mail.tls_pki\n"
            'authority puffy-mail {\n\tapi url "https://acme-v02.api.letsencrypt.org/directory"\n'
            '\taccount key "/etc/acme/puffy-mail.pem"\n\tcontact "mailto:postmaster@example.test"\n}\n'
            f'domain "{NAME}" {{\n\tdomain name "{NAME}"\n'
            '\talternative names { "imap.example.test" "smtp.example.test" }\n'
            f'\tdomain key "/etc/ssl/private/acme-{NAME}.key" rsa\n'
            f'\tdomain full chain certificate "/etc/ssl/acme-{NAME}.pem"\n'
            '\tsign with puffy-mail\n\tchallengedir "/var/www/acme"\n}\n'
            "# END puffy.mail.tls_pki\n"
        )
        again = host.playbook(plays)
        assert "changed=0" in again.stdout, again.stdout
