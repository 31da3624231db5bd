# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of a Postfix configuration as a whole: on configurations without a fault, and what callers can choose."""

from __future__ import annotations

import re
import time
from collections import Counter
from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._postfix import checks, main_cf, master_cf
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks import context
from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.checks import cases

test_common_practice_is_no_fault = cases.tests("common")


def test_every_finding_has_a_cure(pki):
    for case in cases.CASES:
        for found in case.run(pki):
            assert found.suggestion, (case.title, found)


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
    "references": "undefined-reference",
    "master": "unknown-option",
}


@pytest.mark.parametrize("group", BLIND_SPOTS)
def test_what_postfix_check_misses_is_an_error(group, pki):
    found = [
        finding
        for case in cases.CASES
        if case.title.rpartition(" ")[0] == group
        for finding in case.run(pki)
        if finding.rule == BLIND_SPOTS[group]
    ]
    assert found
    assert {finding.severity for finding in found} == {"error"}


@pytest.mark.parametrize("version", list(cases.TYPES))
def test_a_plain_configuration_has_no_findings(version):
    assert cases.check(cases.RELAY, version=version) == []


@pytest.mark.parametrize("version", list(cases.TYPES))
def test_every_default_written_out_has_no_findings(version):
    """What Postfix takes for granted must not be wrong once it stands in the cases.file."""
    # The last two let strangers do by default what is a fault where somebody wrote it down.
    own = ("process_id", "process_name", "service_name", "smtpd_relay_restrictions", "disable_vrfy_command")
    own += ("smtpd_forbid_bare_newline",)
    lines = [f"{name} = {value}\n" for name, value in cases.defaults(version).items() if name not in own]
    master = cases.MASTER + "error unix - - n - - error\n"
    probe = cases.FakeProbe({f"/etc/aliases{ending}": cases.file() for ending in ("", ".db", ".cdb")})
    assert cases.told(cases.check(cases.RELAY + "".join(lines), master, version, probe, deprecated="ignore")) == []


SEEDS = (
    "openbsd_ldap",
    "openbsd_local_accounts",
    "private_ca_cyrus_sasl",
    "sqlite_postfixadmin",
    "tls_server_reference",
)


def seed_probe(pki):
    """A cases.host on which everything that the five configurations name is in place."""
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
        "/usr/local/lib/sasl2/smtpd.conf": b"pwcheck_method: authdaemond\nauthdaemond_path: /run/authdaemon/socket\n"
        b"mech_list: PLAIN LOGIN\n",
    }
    files = {path: cases.file(0o600) for path in secret}
    for path in ("/etc/postfix/aliases", "/etc/postfix/relay_clientcerts"):
        files[path] = files[path + ".db"] = cases.file()
    for name in ("mailbox_domains", "mailbox_maps", "alias_maps"):
        files[f"/etc/postfix/ldap-virtual_{name}.cf"] = cases.file(0o640, gid=105)
        files[f"/etc/postfix/sql/virtual_{name}.cf"] = cases.file(0o640, gid=105)
    for path in ("/var/spool/postfix/private/dovecot-lmtp", "/var/spool/postfix/private/auth"):
        files[path] = cases.file(0o660, kind="socket")
    for path in ("/run/opendkim/opendkim.sock", "/run/opendmarc/opendmarc.sock", "/run/authdaemon/socket"):
        files[path] = cases.file(0o660, kind="socket")
    files["/usr/bin/policyd-spf"] = cases.file(0o755)
    files["/etc/postfix/certs"] = cases.file(0o755, kind="directory")
    return cases.FakeProbe(files, {**secret, **public})


@pytest.mark.parametrize("version", list(cases.TYPES))
@pytest.mark.parametrize("seed", SEEDS)
def test_the_modernised_configurations_have_no_findings(seed, version, pki):
    main, master = ((cases.FIXTURES / seed / name).read_text() for name in ("main.cf", "master.cf"))
    assert cases.told(cases.check(main, master, version, seed_probe(pki))) == []


def test_severities_and_what_is_left_out():
    main = cases.RELAY + "smtpd_reciepient_limit = 3\nsmtpd_use_tls = no\n"
    rules = [(found.severity, found.rule) for found in cases.check(main)]
    assert rules == [("error", "unknown-parameter"), ("warning", "deprecated-parameter")]
    rules = [(found.severity, found.rule) for found in cases.check(main, unknown="warn", deprecated="error")]
    assert rules == [("warning", "unknown-parameter"), ("error", "deprecated-parameter")]
    assert cases.check(main, deprecated="ignore", skip=["unknown-parameter"]) == []


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
        cases.check(cases.RELAY, **options)


def test_findings_stand_in_the_order_of_the_files():
    found = cases.check("biff = maybe\n" + cases.RELAY + "swap_bangpath = x\n", cases.MASTER + "a tcp n - n - - smtp\n")
    assert [(item.file.rpartition("/")[2], item.line) for item in found] == [
        ("main.cf", 1),
        ("main.cf", 3),
        ("master.cf", 11),
    ]


def test_what_a_report_tells():
    report = checks.report(
        main_cf.parse(cases.RELAY + "myorigin = $mydomain\nsmtpd_use_tls = no\nforward_path = $home/x\n"),
        master_cf.parse(cases.MASTER + "to-me unix - - n - - pipe user=me argv=/bin/true\n"),
        cases.host("3.11"),
    )
    assert report.set["myorigin"] == "$mydomain"
    assert report.effective("myorigin") == "example.org"
    assert report.effective("forward_path") == "$home/x"
    assert report.effective("relay_destination_rate_delay") == "0s"
    assert report.effective("to-me_destination_concurrency_limit") == "20"
    assert report.deprecated == {"smtpd_use_tls": "smtpd_tls_security_level"}


SMTP = "smtp inet n - n - - smtpd\n"
GROWS = "myhostname = $p0\np25 = x\n" + "".join(f"p{n} = $p{n + 1} $p{n + 1}\n" for n in range(25))
UGLY = {
    "2 MB": ("# comment\n" * 200_000 + "mydestination = a.example\n", SMTP, set()),
    "a line of 1 MB": (f"mydestination = {'a.example.org, ' * 70_000}\n", SMTP, set()),
    "a word of 1 MB": (f"smtpd_banner = {'x' * 1_000_000}\n", SMTP, set()),
    "1 MB of references": (f"mail_name = {'$mydomain ' * 40_000}\n", SMTP, set()),
    "1 MB of braces": (f"mail_name = {'${a?{' * 200_000}\n", SMTP, {"malformed-expression"}),
    "NUL": ("biff = no\0\n", SMTP, {"main-syntax"}),
    "Latin-1": ("mail_name = caf\udce9\n", SMTP, set()),
    "a circle": ("a = $b\nb = $c $c\nc = $a $a\nmyhostname = $a\n", SMTP, {"circular-reference"}),
    "a circle of 1,000": ("".join(f"p{n} = $p{(n + 1) % 1000}\n" for n in range(1000)), SMTP, {"circular-reference"}),
    "names deeper than Postfix reads": (
        "".join(f"p{n} = $p{n + 1}\n" for n in range(100)) + "p100 = x\nmail_name = $p0\n",
        SMTP,
        {"malformed-expression"},
    ),
    "names as deep as Postfix reads": (
        "".join(f"p{n} = $p{n + 1}\n" for n in range(99)) + "p99 = x\nmail_name = $p0\n",
        SMTP,
        set(),
    ),
    "names that double": (GROWS, SMTP, {"malformed-expression"}),
    "3,000 own names": ("".join(f"own_{n} = x\n" for n in range(3000)), SMTP, {"unknown-parameter"}),
    "3,000 own names that are used": (
        "".join(f"own_{n} = x\n" for n in range(3000)) + f"mail_name = {' '.join(f'$own_{n}' for n in range(3000))}\n",
        SMTP,
        set(),
    ),
    "500 services": ("", SMTP + "".join(f"{n} inet n - n - - smtpd\n  -o biff=no\n" for n in range(2000, 2500)), set()),
}


@pytest.mark.parametrize("name", UGLY)
def test_large_and_broken_files_are_judged_within_seconds(name):
    main, master, expected = UGLY[name]
    begun = time.process_time()
    found = checks.check(
        main_cf.parse(f"compatibility_level = 3.6\nsmtpd_relay_restrictions = reject\n{main}", "main.cf"),
        master_cf.parse(master, "master.cf"),
        cases.host(),
    )
    assert time.process_time() - begun < 20
    assert {each.rule for each in found if each.severity == "error"} == expected


CORE = {"cleanup/unix", "qmgr/unix", "rewrite/unix"}


@pytest.mark.parametrize(
    ("master", "missing"),
    [
        ("", CORE),
        (SMTP, CORE),
        ("smtp unix - - n - - smtp\n", CORE),
        (SMTP + "qmgr unix n - n 300 1 qmgr\n", CORE - {"qmgr/unix"}),
        (SMTP + "qmgr unix n - n 300 1 oqmgr\n", CORE - {"qmgr/unix"}),
        # Bounces go through cleanup(8), whatever smtpd(8) does.
        (SMTP.rstrip() + " -o smtpd_proxy_filter=127.0.0.1:10025\n", CORE),
    ],
)
def test_a_configuration_that_postfix_runs_needs_the_core(master, missing):
    """postconf may also be asked to judge a part of a master.cf."""
    main = "compatibility_level = 3.6\nmydestination =\nsmtpd_relay_restrictions = reject\n"
    parsed = main_cf.parse(main, "main.cf"), master_cf.parse(master, "master.cf")
    found = checks.check(*parsed, cases.host(), whole=True)
    told = {match[1] for each in found if (match := re.search(r"master\.cf lacks (\S+),", each.message))}
    assert told & CORE == missing
    assert {each.severity for each in found if each.rule == "missing-service"} == {"error"}
    if missing == CORE:
        assert checks.check(*parsed, cases.host()) == []


@pytest.mark.parametrize("end", ["x", "$p0"])
def test_a_chain_of_names_is_looked_up_once_for_each_name(end, monkeypatch):
    """The work for a chain that is ten times as long is ten times as much, and not a hundred times."""
    asked: Counter[int] = Counter()
    lookup = context.Context.lookup

    def counted(self: context.Context, name: str, service: Any = None) -> str | None:
        asked[length] += 1
        return lookup(self, name, service)

    monkeypatch.setattr(context.Context, "lookup", counted)
    for length in (0, 300, 3000):
        chain = "".join(f"p{n} = $p{n + 1}\n" for n in range(length))
        cases.check(f"{cases.RELAY}{chain}p{length} = {end if length else 'x'}\n")
    for length in (300, 3000):
        assert length <= asked[length] - asked[0] < 1.1 * length + 10
