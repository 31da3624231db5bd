# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up hosts with the defaults of real releases, and the cases of findings.txt to judge on them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import pytest

from ansible_collections.puffy.mail.plugins.module_utils import _rights as rights
from ansible_collections.puffy.mail.plugins.module_utils._postfix import checks, main_cf, master_cf, types
from ansible_collections.puffy.mail.plugins.module_utils._postfix import host as postfix_host

ROOT = Path(__file__).resolve().parents[6]
FIXTURES = ROOT / "tests" / "unit" / "fixtures" / "postfix"
#: May 2033: certificates made by a test that runs before are valid then
NOW = 2_000_000_000.0

TYPES_3_5 = (
    "btree cidr environ fail hash inline internal ldap memcache nis pcre pipemap proxy randmap regexp socketmap sqlite"
    " static tcp texthash unionmap unix"
)
TYPES = {"3.5": TYPES_3_5, "3.10": TYPES_3_5 + " lmdb", "3.11": TYPES_3_5 + " lmdb cdb debug"}
PROGRAMS = (
    "anvil bounce cleanup discard dnsblog error flush lmtp local master pickup pipe postlogd postscreen proxymap qmgr"
    " qmqpd scache showq smtp smtpd spawn tlsmgr tlsproxy trivial-rewrite verify virtual"
)
POSTFIX = rights.User("postfix", 105, 105, frozenset({105}))
USERS = {"postfix": POSTFIX, "root": rights.User("root", 0, 0, frozenset({0}))}
USERS.update({name: rights.User(name, 500, 500, frozenset({500})) for name in ("nobody", "vmail", "filter")})


def file(mode: int = 0o644, *, kind: str = "file", uid: int = 0, gid: int = 0, size: int = 100, mtime: float = NOW):
    return rights.File(kind, uid, gid, mode, size, mtime)


class FakeProbe(postfix_host.Probe):
    """A host whose files are what a test says. Directories are there, and open to all, unless said otherwise."""

    def __init__(self, files=None, contents=None, addresses=(), now=NOW):
        super().__init__()
        self.moment = now
        self.files = dict(files or {})
        self.contents = dict(contents or {})
        self.addresses = set(addresses)

    def file(self, path):
        if path in self.files:
            return self.files[path]
        if path in self.contents:
            return file(0o644, size=len(self.contents[path]))
        children = [name for name in (*self.files, *self.contents) if name.startswith(path.rstrip("/") + "/")]
        standing = ("/", "/etc", "/etc/postfix", "/var", "/var/lib", "/var/lib/postfix", "/var/spool/postfix")
        if children or path.rstrip("/") in standing or path == "/":
            return file(0o755, kind="directory")
        return None

    def content(self, path):
        return self.contents.get(path)

    def resolve(self, path):
        return path

    def entries(self, path):
        if path.endswith("/sbin"):
            return tuple(PROGRAMS.split())
        inside = path.rstrip("/") + "/"
        names = {
            name[len(inside) :].partition("/")[0] for name in (*self.files, *self.contents) if name.startswith(inside)
        }
        return tuple(sorted(names))

    def user(self, name):
        return USERS.get(name)

    def group(self, name):
        return {"root": 0, "postfix": 105, "postdrop": 106, "nogroup": 65534}.get(name)

    def sasl_types(self, option):
        return ("cyrus", "dovecot") if option == "-a" else ("cyrus",)

    def has_address(self, address):
        return address in self.addresses or address in ("127.0.0.1", "::1", "0.0.0.0", "::")  # noqa: S104

    def port(self, service):
        return {"smtp": 25, "submission": 587, "submissions": 465, "smtps": 465, "imap2": 143}.get(service)

    def now(self):
        return self.moment


@cache
def defaults(version):
    return postfix_host.parse_defaults((FIXTURES / f"postconf-d.{version}").read_text())


def host(version="3.11", probe=None, without=()):
    found = {
        name: value for name, value in defaults(version).items() if not any(word in name + value for word in without)
    }
    return postfix_host.Host(
        types.version_of(found["mail_version"]),
        dict(found),
        frozenset(TYPES[version].split()),
        "postfix",
        "/etc/postfix",
        probe or FakeProbe(),
    )


MASTER = """\
smtp      inet  n       -       y       -       -       smtpd
pickup    unix  n       -       y       60      1       pickup
cleanup   unix  n       -       y       -       0       cleanup
rewrite   unix  -       -       y       -       -       trivial-rewrite
proxymap  unix  -       -       n       -       -       proxymap
smtp      unix  -       -       y       -       -       smtp
relay     unix  -       -       y       -       -       smtp
local     unix  -       n       n       -       -       local
virtual   unix  -       n       n       -       -       virtual
lmtp      unix  -       -       y       -       -       lmtp
"""
#: What else a whole master.cf has. These lines come last.
REST = """\
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       y       1000?   1       tlsmgr
bounce    unix  -       -       y       -       0       bounce
defer     unix  -       -       y       -       0       bounce
trace     unix  -       -       y       -       0       bounce
verify    unix  -       -       y       -       1       verify
flush     unix  n       -       y       1000?   0       flush
proxywrite unix -       -       n       -       1       proxymap
showq     unix  n       -       y       -       -       showq
error     unix  -       -       y       -       -       error
retry     unix  -       -       y       -       -       error
anvil     unix  -       -       y       -       1       anvil
scache    unix  -       -       y       -       1       scache
dnsblog   unix  -       -       y       -       0       dnsblog
tlsproxy  unix  -       -       y       -       0       tlsproxy
smtpd     pass  -       -       y       -       -       smtpd
"""
RELAY = "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n"


def parsed(main, master=MASTER, lacks=()):
    """The two files of a configuration. What begins with MASTER is made whole, but for the services ``lacks``."""
    if master.startswith(MASTER):
        own = {tuple(line.split()[:2]) for line in master.splitlines()}
        master += "".join(line for line in REST.splitlines(keepends=True) if tuple(line.split()[:2]) not in own)
    for name in lacks:
        master = re.sub(rf"^{name.replace('/', ' +')} .*", "#", master, flags=re.MULTILINE)
    return main_cf.parse(main, "/etc/postfix/main.cf"), master_cf.parse(master, "/etc/postfix/master.cf")


def check(main, master=MASTER, version="3.11", probe=None, **options):
    return checks.check(*parsed(main, master), host(version, probe), **options)


def told(findings):
    """The findings in the form of findings.txt: dates differ with the day on which openssl made a certificate."""
    lines = []
    for found in findings:
        lines.append(f"{found.severity} {found.rule} {found.file.rpartition('/')[2]}:{found.line} {found.name}")
        lines.append("    " + re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "DATE", found.message))
        lines.append(f"    => {found.suggestion}")
    return lines


@dataclass
class Case:
    """One block of findings.txt."""

    group: str
    title: str
    head: list[list[str]] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    def words(self, name):
        """The words of each line that begins with ``name``."""
        return [line[1:] for line in self.head if line[0] == name]

    @property
    def version(self):
        return (self.words("version") or [["3.11"]])[0][0]

    @property
    def findings(self):
        return self.texts["findings"].rstrip("\n").splitlines()

    @property
    def rules(self):
        """The rules that find something."""
        return {line.split()[1] for line in self.findings if line[:1] != " "}

    def configuration(self, pki):
        """main.cf, master.cf and the host."""
        files = {}
        for path, mode, *more in self.words("file"):
            facts = dict(word.split("=") for word in more)
            files[path] = file(
                int(mode, 8),
                kind=facts.get("kind", "file"),
                gid=int(facts.get("gid", 0)),
                size=int(facts.get("size", 100)),
                mtime=NOW - int(facts.get("age", 0)),
            )
        contents = {path: pki[name] for path, name in self.words("pem")}
        for path, *lines in self.words("text"):
            contents[path] = "".join(f"{line}\n" for line in lines).replace("\\t", "\t").encode()
        days = int((self.words("clock") or [["0"]])[0][0])
        probe = FakeProbe(files, contents, now=NOW + 86400 * days)
        without = [name for (name,) in self.words("without")]
        main, master = RELAY + self.texts.get("main.cf", ""), MASTER + self.texts.get("master.cf", "")
        lacks = [name for (name,) in self.words("lacks")]
        found = host(self.version, probe, without)
        types_too = [name for (name,) in self.words("has")]
        found = replace(found, map_types=found.map_types.union(types_too))
        return (*parsed(main, master, lacks), found)

    def run(self, pki):
        """What the checks find."""
        return checks.check(*self.configuration(pki))


def _read():
    found = []
    for section in re.split(r"^=== ", (FIXTURES / "findings.txt").read_text(), flags=re.MULTILINE)[1:]:
        group, _dummy, blocks = section.partition("\n")
        for block in re.split(r"^== ", blocks, flags=re.MULTILINE)[1:]:
            title, _dummy, body = block.partition("\n")
            head, *parts = re.split(r"^-- ", body, flags=re.MULTILINE)
            lines = [line.split() for line in head.splitlines() if line]
            found.append(Case(group, title, lines, dict(part.split("\n", 1) for part in parts)))
    return found


CASES = _read()


def tests(group):
    """A test that each fault of a group is found and named."""

    @pytest.mark.parametrize("case", [pytest.param(case, id=case.title) for case in CASES if case.group == group])
    def test(case, pki):
        assert told(case.run(pki)) == case.findings

    return test
