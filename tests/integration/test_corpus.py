# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configurations of corpus.txt serve, and no check calls anything in them an error."""

from __future__ import annotations

import json
import random
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ansible_collections.puffy.mail.tests.harness import batch
from ansible_collections.puffy.mail.tests.harness.containers import POSTFIX, Host

pytestmark = pytest.mark.containers

BASE = """\
smtp      inet  n       -       n       -       -       smtpd
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
flush     unix  n       -       n       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
proxywrite unix -       -       n       -       1       proxymap
smtp      unix  -       -       n       -       -       smtp
relay     unix  -       -       n       -       -       smtp
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
local     unix  -       n       n       -       -       local
virtual   unix  -       n       n       -       -       virtual
lmtp      unix  -       -       n       -       -       lmtp
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
postlog   unix-dgram n  -       n       -       1       postlogd
"""
LOG = "/var/log/corpus.log"
#: A server of Dovecot's authentication, as far as smtpd needs it to start; it listens on the names that it is given.
SASL = r"""
import os, socket, sys
heads = [socket.socket(socket.AF_UNIX) for name in sys.argv[1:]]
for head, name in zip(heads, sys.argv[1:]):
    head.bind(name)
    os.chmod(name, 0o666)
    head.listen()
clients = []
while True:
    clients.append(heads[-1].accept()[0])
    clients[-1].sendall(b"VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\t00\nDONE\n")
"""
#: What the configurations name: keys, accounts, tables, client files.
LAY = r"""
mkdir -p /etc/postfix/corpus /srv/vmail; cd /etc/postfix/corpus
openssl req -x509 -newkey rsa:2048 -nodes -days 99 -subj /CN=mail.example.test -keyout /etc/ssl/corpus.key \
  -out /etc/ssl/corpus.pem 2>/dev/null; chmod 600 /etc/ssl/corpus.key
getent passwd vmail >/dev/null || { groupadd -g 5000 vmail; useradd -u 5000 -g 5000 -d /srv/vmail vmail; }
echo mail.example.test > /etc/mailname; echo 'postmaster: root' > /etc/aliases; newaliases; postalias hash:/etc/aliases
echo 'example.org example.org' > domains
echo '127.0.0.0/8 permit' > cidr; echo '/nobody@nowhere/ x' > rx
echo 'someone@example.org root' | tee virtual relays > vmailbox
printf 'example.org smtp:[127.0.0.2]\nlists.example.org mailman:\n' > transport
echo '[smtp.example.net]:587 user:password' > sasl; chmod 600 sasl; echo 'example.org permit' > access
for table in virtual relays vmailbox transport sasl access; do postmap hash:$table; done
printf 'server_host = ldap://127.0.0.1\nversion = 3\nsearch_base = dc=example,dc=org\n' > ldap.cf
printf 'dbpath = /srv/corpus.sqlite\nquery = SELECT v FROM t WHERE k = %s\n' "'%s'" > sqlite.cf
python3 -c 'import sqlite3; c = sqlite3.connect("/srv/corpus.sqlite"); c.execute("CREATE TABLE IF NOT EXISTS t(k, v)")'
"""
#: A greeting, a HELO and a message from the command line; then what master and its daemons say of themselves.
SERVE = r"""
postfix start >/dev/null 2>&1
python3 - PORT <<'END'
import socket, sys
if sys.argv[1] != "-":
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 9) as session:
        stream = session.makefile("rwb")
        lines = [stream.readline()]
        stream.write(b"HELO client.example.test\r\n"); stream.flush()
        while lines[-1][3:4] == b"-" or len(lines) < 2:
            lines.append(stream.readline())
        if [line[:3] for line in lines] != [b"220", b"250"] and [lines[0][:3], lines[-1][:3]] != [b"220", b"250"]:
            print("smtpd said", lines)
END
echo | sendmail -f root nobody@invalid.test 2>&1
for i in $(seq 100); do grep -q 'qmgr.*from=<' LOG && break; sleep 0.1; done
grep -q 'qmgr.*from=<' LOG || echo 'qmgr has not seen the message'
grep -E 'fatal|panic|throttling|exit status' LOG
postfix stop >/dev/null 2>&1; postsuper -d ALL >/dev/null 2>&1; true
"""


@dataclass
class Configuration:
    """One configuration of corpus.txt."""

    name: str
    releases: tuple[str, ...] = ("3.5", "3.10", "3.11")
    port: str = "25"
    prepare: list[str] = field(default_factory=list)
    main: str = ""
    master: str = ""

    def services(self) -> str:
        """BASE without what the configuration replaces ("! name type"), and with what it adds."""
        added = self.master.splitlines(keepends=True)
        gone = {tuple(line.split()[1:]) for line in added if line.startswith("!")}
        kept = [line for line in BASE.splitlines(keepends=True) if tuple(line.split()[:2]) not in gone]
        new = [line for line in added if not line.startswith("!")]
        names = {tuple(line.split()[:2]) for line in new if not line[0].isspace()}
        return "".join([line for line in kept if tuple(line.split()[:2]) not in names] + new)

    def lay(self) -> str:
        """The shell lines that write it."""
        log = f"maillog_file = {LOG}\n"
        # Below level 1, smtpd(8) has no restriction on relaying, and does not start.
        level = "" if "compatibility_level" in self.main else "compatibility_level = 2\n"
        texts = {"main.cf": level + self.main + log, "master.cf": self.services()}
        written = [f"printf %s {shlex.quote(text)} > /etc/postfix/{name}\n" for name, text in texts.items()]
        aged = "touch -d 2020-01-01 /etc/postfix/main.cf /etc/postfix/master.cf\n"
        begin = f": > {LOG}; export SASL={shlex.quote(SASL)}\n"
        return begin + "".join(written) + aged + "".join(f"({line})\n" for line in self.prepare)


def read() -> list[Configuration]:
    """The configurations of corpus.txt."""
    found: list[Configuration] = []
    part = ""
    for line in (Path(__file__).parent / "corpus.txt").read_text().splitlines():
        word, _blank, rest = line.partition(" ")
        if word == "==":
            found.append(Configuration(rest))
            part = ""
        elif word == "--":
            part = rest
        elif part and line:
            setattr(found[-1], part[:-3], getattr(found[-1], part[:-3]) + line + "\n")
        elif word == "releases":
            found[-1].releases = tuple(rest.split())
        elif word == "port":
            found[-1].port = rest
        elif word == "run":
            found[-1].prepare.append(rest)
    return found


CORPUS = read()
SAMPLE = random.Random(12).sample(CORPUS, 9)  # noqa: S311


@pytest.fixture(scope="module")
def host(release: str) -> Iterator[Host]:
    with Host(f"{release}-mail", "--entrypoint", '["sleep", "infinity"]') as running:
        running.run(LAY)
        yield running


def judge(host: Host, release: str, corpus: list[Configuration]) -> None:
    version = ".".join(map(str, POSTFIX[release]))
    here = [each for each in corpus if version in each.releases]
    requests = []
    for each in here:
        serve = SERVE.replace("PORT", each.port).replace("LOG", LOG)
        requests += [batch.shell(each.lay()), batch.module("postfix_info", {}), batch.shell(serve)]
    answers = batch.run(host, requests)
    silent = {}
    wrong = {}
    for number, each in enumerate(here):
        _laid, info, served = answers[3 * number : 3 * number + 3]
        if served["stdout"] or served["stderr"]:
            silent[each.name] = served["stdout"] + served["stderr"]
        errors = [f"{found['rule']}: {found['message']}" for found in info.get("findings", [])
                  if found["severity"] == "error"]  # fmt: skip
        if errors or info.get("failed"):
            wrong[each.name] = errors or info["msg"]
    serving = len(here) - len(silent)
    sys.stdout.write(
        f"\ncorpus, Postfix {version}: {len(here)} configurations, {serving} serve, {len(wrong)} refused\n"
    )
    faults = {"a check calls an error": wrong, "does not serve": silent}
    assert not any(faults.values()), json.dumps(faults, indent=1)


def test_a_sample_of_the_corpus(host: Host, release: str, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        judge(host, release, SAMPLE)


@pytest.mark.long
def test_the_corpus(host: Host, release: str, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        judge(host, release, CORPUS)
