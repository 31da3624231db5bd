# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of a Postfix configuration, on made-up hosts with the defaults of real releases."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import time
from functools import cache
from pathlib import Path

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._postfix import checks, main_cf, master_cf, types
from ansible_collections.puffy.mail.plugins.module_utils._postfix import host as postfix_host

ROOT = Path(__file__).resolve().parents[5]
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
POSTFIX = postfix_host.User("postfix", 105, 105, frozenset({105}))


def file(mode: int = 0o644, *, kind: str = "file", uid: int = 0, gid: int = 0, size: int = 100, mtime: float = NOW):
    return postfix_host.File(kind, uid, gid, mode, size, mtime)


class FakeProbe(postfix_host.Probe):
    """A host whose files are what a test says. Directories are there, and open to all, unless said otherwise."""

    def __init__(self, files=None, contents=None, addresses=()):
        super().__init__()
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
        return POSTFIX if name == "postfix" else None

    def has_address(self, address):
        return address in self.addresses or address in ("127.0.0.1", "::1")

    def port(self, service):
        return {"smtp": 25, "submission": 587, "submissions": 465, "smtps": 465, "imap2": 143}.get(service)

    def now(self):
        return NOW


@cache
def defaults(version):
    return postfix_host.parse_defaults((FIXTURES / f"postconf-d.{version}").read_text())


def host(version="3.11", probe=None):
    found = defaults(version)
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
RELAY = "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n"


def check(main, master=MASTER, version="3.11", probe=None, **options):
    return checks.check(
        main_cf.parse(main, "/etc/postfix/main.cf"),
        master_cf.parse(master, "/etc/postfix/master.cf"),
        host(version, probe),
        **options,
    )


def probe_of(lines):
    """A host with the files that the lines name: path, mode, and size=, gid=, age=, kind=."""
    files = {}
    for line in lines:
        path, mode, *more = line.split()
        facts = dict(word.split("=") for word in more)
        files[path] = file(
            int(mode, 8),
            kind=facts.get("kind", "file"),
            gid=int(facts.get("gid", 0)),
            size=int(facts.get("size", 100)),
            mtime=NOW - int(facts.get("age", 0)),
        )
    return FakeProbe(files)


# ------------------------------------------------------------------------------------------- single faults


def read_cases():
    cases = {}
    for block in re.split(r"^== ", (FIXTURES / "findings.txt").read_text(), flags=re.MULTILINE)[1:]:
        title, _, body = block.partition("\n")
        head, *parts = re.split(r"^-- ", body, flags=re.MULTILINE)
        case = {"version": "3.11", "files": [], "main.cf": "", "master.cf": "", "findings": ""}
        for line in head.splitlines():
            word, _, rest = line.partition(" ")
            if word == "version":
                case["version"] = rest
            elif word == "file":
                case["files"].append(rest)
        for part in parts:
            name, _, text = part.partition("\n")
            case[name] = text
        cases[title] = case
    return cases


CASES = read_cases()


def told(findings):
    """The findings in the form of findings.txt."""
    lines = []
    for found in findings:
        lines.append(f"{found.severity} {found.rule} {found.file.rpartition('/')[2]}:{found.line} {found.name}")
        lines.append(f"    {found.message}")
        if found.suggestion:
            lines.append(f"    => {found.suggestion}")
    return lines


def run_case(case, **options):
    return check(
        RELAY + case["main.cf"], MASTER + case["master.cf"], case["version"], probe_of(case["files"]), **options
    )


@pytest.mark.parametrize("title", CASES)
def test_a_fault_is_found_and_named(title):
    case = CASES[title]
    assert told(run_case(case)) == case["findings"].rstrip("\n").splitlines()


def test_every_rule_is_seen_at_work():
    seen = {line.split()[1] for case in CASES.values() for line in case["findings"].splitlines() if line[:1].strip()}
    assert set(checks.RULES) - seen == TLS_RULES


def test_every_error_has_a_cure():
    for title, case in CASES.items():
        for found in run_case(case):
            assert found.suggestion, (title, found)


#: what Postfix's own check lets pass -> the rule that finds it
BLIND_SPOTS = {
    "unknown parameter": "unknown-parameter",
    "boolean": "wrong-boolean",
    "integer": "wrong-integer",
    "time": "wrong-time",
    "restrictions": "unknown-restriction",
    "tables": "table-missing",
    "enumeration": "wrong-enumeration",
    "TLS files": "tls-file-missing",
    "open relay": "open-relay",
    "duplicate parameter": "duplicate-parameter",
    "references": "undefined-reference",
    "master": "unknown-option",
}


@pytest.mark.parametrize("group", BLIND_SPOTS)
def test_what_postfix_check_misses_is_an_error(group):
    cases = [case for title, case in CASES.items() if title.rpartition(" ")[0] == group]
    found = [finding for case in cases for finding in run_case(case) if finding.rule == BLIND_SPOTS[group]]
    assert found
    assert {finding.severity for finding in found} == {"error"}


# --------------------------------------------------------------------------------------- no false findings


@pytest.mark.parametrize("version", list(TYPES))
def test_a_plain_configuration_has_no_findings(version):
    assert check(RELAY, version=version) == []


@pytest.mark.parametrize("version", list(TYPES))
def test_every_default_written_out_has_no_findings(version):
    """What Postfix takes for granted must not be wrong once it stands in the file."""
    own = ("process_id", "process_name", "service_name", "smtpd_relay_restrictions")
    lines = [f"{name} = {value}\n" for name, value in defaults(version).items() if name not in own]
    master = MASTER + "error unix - - n - - error\n"
    probe = probe_of(f"/etc/aliases{ending} 0644" for ending in ("", ".db", ".cdb"))
    assert told(check(RELAY + "".join(lines), master, version, probe, deprecated="ignore")) == []


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    """Keys and certificates made by openssl(1), by name."""
    directory = tmp_path_factory.mktemp("pki")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)

    days = str(int((NOW - time.time()) / 86400) + 3650)
    openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "rsa.key")
    openssl("rsa", "-in", "rsa.key", "-traditional", "-out", "rsa-pkcs1.key")
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "ec-sec1.key")
    openssl("pkcs8", "-topk8", "-nocrypt", "-in", "ec-sec1.key", "-out", "ec.key")
    openssl("genpkey", "-algorithm", "ED25519", "-out", "ed.key")
    openssl("pkcs8", "-topk8", "-in", "rsa.key", "-passout", "pass:secret", "-out", "encrypted.key")
    openssl(
        "rsa", "-in", "rsa.key", "-traditional", "-aes128", "-passout", "pass:secret", "-out", "encrypted-pkcs1.key"
    )
    for name in ("rsa", "ec", "ed"):
        openssl(
            "req", "-x509", "-key", f"{name}.key", "-subj", "/CN=mail.example.org", "-days", days, "-out", f"{name}.crt"
        )
    found = {path.name: path.read_bytes() for path in directory.iterdir()}
    found["rsa-both.pem"] = found["rsa.key"] + found["rsa.crt"]
    found["ec-both.pem"] = found["ec-sec1.key"] + found["ec.crt"]
    return found


SEEDS = {
    "openbsd_ldap": {},
    "openbsd_local_accounts": {},
    "private_ca_cyrus_sasl": {},
    "sqlite_postfixadmin": {},
    "tls_server_reference": {},
}


def seed_probe(pki):
    """A host on which everything that the five configurations name is in place."""
    secret = {
        "/etc/ssl/private/mail.example.org.key": pki["rsa.key"],
        "/etc/postfix/ssl/private/server.key": pki["ec.key"],
        "/etc/letsencrypt/live/mail.example.org/both.pem": pki["ec-both.pem"],
        "/etc/postfix/server.pem": pki["rsa-both.pem"],
        "/etc/postfix/server-ec.pem": pki["ec-both.pem"],
    }
    public = {
        "/etc/ssl/mail.example.org.fullchain.pem": pki["rsa.crt"],
        "/etc/postfix/ssl/server.crt": pki["ec.crt"],
        "/etc/ssl/cert.pem": pki["rsa.crt"],
        "/etc/ssl/ca.crt": pki["ec.crt"],
        "/etc/postfix/CAcert.pem": pki["rsa.crt"],
    }
    files = {path: file(0o600) for path in secret}
    for path in ("/etc/postfix/aliases", "/etc/postfix/relay_clientcerts"):
        files[path] = files[path + ".db"] = file()
    for name in ("mailbox_domains", "mailbox_maps", "alias_maps"):
        files[f"/etc/postfix/ldap-virtual_{name}.cf"] = file(0o640, gid=105)
        files[f"/etc/postfix/sql/virtual_{name}.cf"] = file(0o640, gid=105)
    for path in ("/var/spool/postfix/private/dovecot-lmtp", "/var/spool/postfix/private/auth"):
        files[path] = file(0o660, kind="socket")
    for path in ("/run/opendkim/opendkim.sock", "/run/opendmarc/opendmarc.sock"):
        files[path] = file(0o660, kind="socket")
    files["/etc/postfix/certs"] = file(0o755, kind="directory")
    return FakeProbe(files, {**secret, **public})


@pytest.mark.parametrize("version", list(TYPES))
@pytest.mark.parametrize("seed", list(SEEDS))
def test_the_modernised_configurations_have_no_findings(seed, version, pki):
    main, master = ((FIXTURES / seed / name).read_text() for name in ("main.cf", "master.cf"))
    assert told(check(main, master, version, seed_probe(pki))) == []


# ------------------------------------------------------------------------------------ what stands in other files


@pytest.mark.parametrize(
    ("main", "files", "rules"),
    [
        ("mynetworks = /nets", {"/nets": b"# mine\n127.0.0.0/8\n 10.0.0.0/8 0.0.0.0/0\n"}, ["mynetworks-everyone"]),
        ("mynetworks = /nets", {"/nets": b"# 0.0.0.0/0\n127.0.0.0/8 [2001:db8::]/32 host.example.org\n"}, []),
        ("mynetworks = /nets", {"/nets": b"[::]/0\n"}, ["mynetworks-everyone"]),
        ("mynetworks = cidr:/nets", {"/nets": b"10.0.0.0/8 OK\n::/0 OK\n"}, ["mynetworks-everyone"]),
        ("mynetworks = cidr:/nets", {"/nets": b"10.0.0.0/8 OK\n"}, []),
        ("smtpd_client_event_limit_exceptions = /nets", {"/nets": b"0.0.0.0/0\n"}, []),
        ("relay_domains = regexp:/domains", {"/domains": b"# all\n/./ OK\n"}, ["open-relay"]),
        ("relay_domains = regexp:/domains", {"/domains": b"/\\.example\\.org$/ OK\n"}, []),
    ],
)
def test_everyone_in_another_file(main, files, rules):
    assert [found.rule for found in check(f"{RELAY}{main}\n", probe=FakeProbe(contents=files))] == rules


def test_the_line_that_holds_everyone():
    (found,) = check(f"{RELAY}mynetworks = /nets\n", probe=FakeProbe(contents={"/nets": b"127.0.0.0/8\n0.0.0.0/1\n"}))
    assert found.message.startswith("mynetworks has '0.0.0.0/1 (/nets line 2)': every host on the Internet")


# ----------------------------------------------------------------------------------------------------- TLS

TLS_RULES = {
    "certificate-invalid",
    "certificate-expired",
    "key-invalid",
    "key-encrypted",
    "key-mismatch",
    "key-world-readable",
    "tls-file-unreadable",
    "removed-parameter",
}

PAIR = "smtpd_tls_cert_file = /etc/ssl/mail.crt\nsmtpd_tls_key_file = /etc/ssl/mail.key\n"


def tls_check(certificate, key, mode=0o600, main=PAIR, now=NOW):
    probe = FakeProbe(
        {"/etc/ssl/mail.key": file(mode)}, {"/etc/ssl/mail.crt": certificate, "/etc/ssl/mail.key": key or b""}
    )
    if key is None:
        probe.contents.pop("/etc/ssl/mail.key")
    probe.now = lambda: now
    return told(check(RELAY + main, probe=probe))


@pytest.mark.parametrize(
    ("certificate", "key"),
    [
        ("rsa.crt", "rsa.key"),
        ("rsa.crt", "rsa-pkcs1.key"),
        ("ec.crt", "ec.key"),
        ("ec.crt", "ec-sec1.key"),
        ("ed.crt", "ed.key"),
    ],
)
def test_a_key_and_its_certificate(certificate, key, pki):
    assert tls_check(pki[certificate], pki[key]) == []


def test_the_order_in_a_chain_file(pki):
    chain = "smtpd_tls_chain_files = /etc/ssl/mail.key\n"
    assert tls_check(b"", pki["rsa-both.pem"], main=chain) == []
    assert tls_check(b"", pki["rsa.key"], main=chain) == [
        "error certificate-invalid main.cf:2 smtpd_tls_chain_files",
        "    smtpd_tls_chain_files: /etc/ssl/mail.key holds no certificate in PEM form",
        "    => name the file with the certificate chain in smtpd_tls_chain_files",
    ]


TLS_FAULTS = [
    (
        ("rsa.crt", "ec.key", {}),
        "error key-mismatch main.cf:3 smtpd_tls_key_file",
        "smtpd_tls_key_file: the private key in /etc/ssl/mail.key does not belong to the first certificate in"
        " /etc/ssl/mail.crt",
        "name the key that the certificate was made for; the server's own certificate stands first in its file",
    ),
    (
        ("rsa.crt", "encrypted.key", {}),
        "error key-encrypted main.cf:3 smtpd_tls_key_file",
        "smtpd_tls_key_file: the private key in /etc/ssl/mail.key is encrypted, and Postfix cannot ask for a"
        " passphrase",
        "openssl pkey -in /etc/ssl/mail.key -out a file of mode 0600",
    ),
    (
        ("rsa.crt", "encrypted-pkcs1.key", {}),
        "error key-encrypted main.cf:3 smtpd_tls_key_file",
        "smtpd_tls_key_file: the private key in /etc/ssl/mail.key is encrypted, and Postfix cannot ask for a"
        " passphrase",
        "openssl pkey -in /etc/ssl/mail.key -out a file of mode 0600",
    ),
    (
        ("rsa.crt", "rsa.key", {"mode": 0o644}),
        "error key-world-readable main.cf:3 smtpd_tls_key_file",
        "smtpd_tls_key_file: every user of this host may read the private key /etc/ssl/mail.key (mode 0644)",
        "chmod o-rwx /etc/ssl/mail.key",
    ),
    (
        ("rsa.crt", "rsa.crt", {}),
        "error key-invalid main.cf:3 smtpd_tls_key_file",
        "smtpd_tls_key_file: /etc/ssl/mail.key holds no private key in PEM form",
        "name the file with the key in smtpd_tls_key_file",
    ),
    (
        ("rsa.key", "rsa.key", {}),
        "error certificate-invalid main.cf:2 smtpd_tls_cert_file",
        "smtpd_tls_cert_file: /etc/ssl/mail.crt holds no certificate in PEM form",
        "name the file with the certificate chain in smtpd_tls_cert_file",
    ),
]


def test_a_key_behind_a_closed_directory(pki):
    """/etc/letsencrypt/archive: the key may be 0644, and nobody but root gets to it."""
    closed = {"/etc/ssl/mail.key": file(0o644), "/etc/ssl": file(0o700, kind="directory")}
    probe = FakeProbe(closed, {"/etc/ssl/mail.crt": pki["rsa.crt"], "/etc/ssl/mail.key": pki["rsa.key"]})
    assert told(check(RELAY + PAIR, probe=probe)) == []


@pytest.mark.parametrize(("case", "head", "message", "cure"), TLS_FAULTS)
def test_a_fault_of_keys_and_certificates(case, head, message, cure, pki):
    certificate, key, options = case
    assert tls_check(pki[certificate], pki[key], **options) == [head, f"    {message}", f"    => {cure}"]


def test_the_validity_of_a_certificate(pki):
    late = tls_check(pki["ec.crt"], pki["ec.key"], now=NOW + 20 * 365 * 86400)
    assert late[0] == "error certificate-expired main.cf:2 smtpd_tls_cert_file"
    assert re.fullmatch(
        r"    smtpd_tls_cert_file: the certificate in /etc/ssl/mail.crt expired on 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC",
        late[1],
    )
    early = tls_check(pki["ec.crt"], pki["ec.key"], now=1_000_000_000)
    assert "is not valid before 20" in early[1]


def test_files_that_are_no_pem(pki):
    damaged = pki["rsa.crt"].replace(b"M", b"?", 1)
    assert [line.split()[1] for line in tls_check(damaged, pki["rsa.key"])[::3]] == ["certificate-invalid"]
    assert [line.split()[1] for line in tls_check(pki["rsa.crt"], None)[:1]] == ["tls-file-unreadable"]


# -------------------------------------------------------------------------------------- options of the check


def test_severities_and_what_is_left_out():
    main = RELAY + "smtpd_reciepient_limit = 3\nsmtpd_use_tls = no\n"
    rules = [(found.severity, found.rule) for found in check(main)]
    assert rules == [("error", "unknown-parameter"), ("warning", "deprecated-parameter")]
    rules = [(found.severity, found.rule) for found in check(main, unknown="warn", deprecated="error")]
    assert rules == [("warning", "unknown-parameter"), ("error", "deprecated-parameter")]
    assert check(main, deprecated="ignore", skip=["unknown-parameter"]) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"skip": ["open-realy"]}, "there is no check 'open-realy'; did you mean 'open-relay'?"),
        ({"skip": ["x"]}, "there is no check 'x'"),
        ({"unknown": "ignore"}, "unknown must be one of error, warn, not 'ignore'"),
        ({"deprecated": "no"}, "deprecated must be one of warn, error, ignore, not 'no'"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        check(RELAY, **options)


def test_a_removed_parameter():
    left = {name: value for name, value in defaults("3.11").items() if "smtpd_use_tls" not in name + value}
    gone = dataclasses.replace(host("3.11"), defaults=left)
    (found,) = checks.check(main_cf.parse(RELAY + "smtpd_use_tls = no\n"), master_cf.parse(MASTER), gone)
    assert (found.severity, found.rule, found.line) == ("error", "removed-parameter", 2)
    assert found.message == "smtpd_use_tls is gone from Postfix 3.11.7"
    assert found.suggestion == "set smtpd_tls_security_level instead"


def test_findings_stand_in_the_order_of_the_files():
    found = check("biff = maybe\n" + RELAY + "swap_bangpath = x\n", MASTER + "a tcp n - n - - smtp\n")
    assert [(item.file.rpartition("/")[2], item.line) for item in found] == [
        ("main.cf", 1),
        ("main.cf", 3),
        ("master.cf", 11),
    ]


def test_a_line_that_cannot_be_read_may_hold_a_password():
    main = RELAY + "smtp_sasl_password_maps inline:{x=user:geheim}\nldap_bind_pw geheim\n"
    master = MASTER + "a unix - - q - - smtp -o smtp_sasl_password_maps=static:u:geheim\n"
    found = check(main, master)
    assert [finding.rule for finding in found] == ["main-syntax", "main-syntax", "master-columns"]
    assert found[0].message == "'smtp_sasl_password_maps ********': missing '=' after attribute name"
    assert "geheim" not in "\n".join(told(found))


def test_what_a_report_tells():
    report = checks.report(
        main_cf.parse(RELAY + "myorigin = $mydomain\nsmtpd_use_tls = no\nforward_path = $home/x\n"),
        master_cf.parse(MASTER),
        host("3.11"),
    )
    assert report.set["myorigin"] == "$mydomain"
    assert report.effective("myorigin") == "example.org"
    assert report.effective("forward_path") == "$home/x"
    assert report.effective("relay_destination_rate_delay") == "0s"
    assert report.deprecated == {"smtpd_use_tls": "smtpd_tls_security_level"}


# ----------------------------------------------------------------------------------------------- documents


def test_the_document_and_the_code_name_the_same_checks():
    rows = re.findall(
        r"^\| `([a-z0-9-]+)` \| (error|warning) \|", (ROOT / "docs" / "checks.md").read_text(), re.MULTILINE
    )
    assert dict(rows) == checks.RULES
    assert len(rows) == len(checks.RULES)
