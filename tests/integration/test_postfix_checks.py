# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection knows of Postfix parameters, held against real Postfix of three releases."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._postfix import host as postfix_host
from ansible_collections.puffy.mail.plugins.module_utils._postfix import types
from ansible_collections.puffy.mail.tests.harness import batch
from ansible_collections.puffy.mail.tests.harness.containers import POSTFIX, ROOT, Host

pytestmark = pytest.mark.containers

EMPTY = "mkdir -p /tmp/empty; : >/tmp/empty/main.cf; : >/tmp/empty/master.cf; "


@pytest.fixture(scope="module")
def defaults(host: Host) -> dict[str, str]:
    """The built-in parameters of this release."""
    return postfix_host.parse_defaults(host.run(EMPTY + "postconf -c /tmp/empty -d").stdout)


def configure(host: Host, main: str, master: str = "") -> None:
    """Write a configuration whose files are old enough for Postfix to read them without waiting."""
    host.run(
        "mkdir -p /tmp/conf; cd /tmp/conf;"
        " python3 -c 'import json,sys; d=json.load(sys.stdin); [open(n,\"w\").write(t) for n,t in d.items()]';"
        " touch -d 2020-01-01 main.cf master.cf",
        data=json.dumps({"main.cf": main, "master.cf": master}),
    )


def laid(main: str, master: str) -> dict[str, Any]:
    """The same as a request of a batch."""
    texts = {"main.cf": main, "master.cf": master}
    written = "".join(f"cat > {name} <<'END OF FILE'\n{text}END OF FILE\n" for name, text in texts.items())
    return batch.shell(f"mkdir -p /tmp/conf; cd /tmp/conf\n{written}touch -d 2020-01-01 main.cf master.cf")


def test_the_table_has_the_parameters_of_this_release(defaults: dict[str, str], release: str) -> None:
    assert types.names(POSTFIX[release]) == set(defaults)


def test_parameters_named_after_services(host: Host, defaults: dict[str, str]) -> None:
    """What a service of each kind gives rise to is what postconf derives from it."""
    programs = ("smtp", "lmtp", "pipe", "local", "virtual", "error", "spawn", "discard", "smtpd")
    services = "".join(f"x{program} unix - n n - - {program} user=nobody argv=/bin/true\n" for program in programs)
    configure(host, "", services)
    seen = postfix_host.parse_defaults(host.run("postconf -c /tmp/conf -d").stdout)
    derived = types.service_parameters((f"x{program}", program) for program in programs)
    assert {name: value for name, value in seen.items() if name not in defaults} == derived


def test_deprecated_names(host: Host, release: str, defaults: dict[str, str]) -> None:
    """postconf(1) warns of exactly the parameters that the table calls deprecated in this release."""
    configure(host, "".join(f"{name} = no\n" for name in sorted(types.DEPRECATED)))
    said = host.run("postconf -c /tmp/conf -n 2>&1 >/dev/null").stdout
    warned = dict(re.findall(r'support for parameter "(\S+)" (?:will be|has been) removed; instead, (.*)', said))
    # Read without a warning of postconf, and without effect (postconf(5)).
    silent = {"smtpd_tls_dh512_param_file", "tls_export_cipherlist", "tls_low_cipherlist"}
    expected = {
        name: old.successor
        for name, old in types.DEPRECATED.items()
        if POSTFIX[release] >= old.version and name not in silent
    }
    assert set(warned) == set(expected)
    for name, advice in warned.items():
        assert (expected[name] or "do not specify") in advice, (name, advice)


def test_raw_parameters(host: Host, defaults: dict[str, str]) -> None:
    """postconf(1) looks for undefined $names in every value but those that are expanded when they are used."""
    # Set by postconf itself, whatever the file says.
    fixed = ("process_id", "process_name", "service_name", "config_directory")
    names = [name for name in defaults if name not in fixed]
    configure(host, "".join(f"{name} = $zz_{name}\n" for name in names))
    said = host.run("postconf -c /tmp/conf -n 2>&1 >/dev/null", check=False).stdout
    seen = set(re.findall(r"undefined parameter: zz_(\w+)", said))
    assert set(names) - seen == types.RAW & set(names)


def test_restrictions(host: Host) -> None:
    """Every restriction of the table is a word that this smtpd(8) knows."""
    words = host.run("tr -c '[:alnum:]_' '\\n' < /usr/lib/postfix/sbin/smtpd | sort -u").stdout.split()
    # A linker lets a string share the end of a longer one: reject_unlisted_sender, smtpd_reject_unlisted_sender.
    missing = [name for name in types.RESTRICTIONS if not any(word.endswith(name) for word in words)]
    assert missing == []


WORDS = r"""
import glob, json, re, sys
found = set()
for path in glob.glob("/usr/lib/postfix/sbin/*") + glob.glob("/usr/lib/postfix/*.so*") + ["/usr/sbin/sendmail"]:
    try:
        found.update(re.findall(rb"[!-~]{1,80}(?=\0)", open(path, "rb").read()))
    except IsADirectoryError:
        pass
print(json.dumps([word.decode().lower() for word in found]))
"""


def test_words_of_enumerations(host: Host, release: str) -> None:
    """Every word of an enumeration is in the programs of this release, and those of later releases are not."""
    words = json.loads(host.run(["python3", "-c", WORDS]).stdout)
    names = types.names(POSTFIX[release])
    ours = {word for name in names for word in types.enumeration(name, POSTFIX[release])}
    later = {word for name in names for word in types.enumeration(name)} - ours
    # A linker lets a string share the end of a longer one.
    assert [word for word in sorted(ours) if not any(found.endswith(word) for found in words)] == []
    assert sorted(later & set(words)) == []
    assert later == {"bullseye": {"note", "tlsrpt", "requiretls"}, "trixie": {"requiretls"}, "forky": set()}[release]


#: A configuration without a fault, for a host without files of its own.
BASE = "compatibility_level = 2\nmyhostname = mail.example.test\nmydestination = $myhostname\nalias_maps =\n"
BASE_MASTER = """\
smtp      inet  n       -       n       -       -       smtpd
smtp      unix  -       -       n       -       -       smtp
local     unix  -       n       n       -       -       local
"""
#: What "postfix check" does not see (measured with Postfix 3.7.11: it exits 0, or leaves a line in the log), in several
#: guises each: the fault; then parameters, or the options of a service, with the finding and its cure.
Guise = tuple[dict[str, str], str, str]
FAULTS: dict[str, list[Guise]] = {
    "a mistyped parameter": [
        ({"smtpd_reciepient_limit": "3"}, "unknown-parameter", "did you mean smtpd_recipient_limit?"),
        ({"relay_destinaton_rate_delay": "1s"}, "unknown-parameter", "did you mean *"),
        ({"mynetwork": "127.0.0.0/8"}, "unknown-parameter", "did you mean mynetworks?"),
    ],
    "a boolean of another language": [
        ({"smtpd_helo_required": "True"}, "wrong-boolean", "smtpd_helo_required = yes"),
        ({"biff": "off"}, "wrong-boolean", "biff = no"),
        ({"smtpd_delay_reject": "0"}, "wrong-boolean", "smtpd_delay_reject = no"),
    ],
    "a number that is none": [
        ({"message_size_limit": "ten"}, "wrong-integer", "set message_size_limit to a whole number"),
        ({"message_size_limit": "20M"}, "wrong-integer", "message_size_limit = 20971520"),
        ({"smtpd_recipient_limit": "1 000"}, "wrong-integer", "set smtpd_recipient_limit to a whole number"),
    ],
    "a time with a long unit": [
        ({"smtpd_timeout": "30 seconds"}, "wrong-time", "smtpd_timeout = 30s"),
        ({"maximal_queue_lifetime": "5 days"}, "wrong-time", "maximal_queue_lifetime = 5d"),
        ({"queue_run_delay": "5 M"}, "wrong-time", "queue_run_delay = 5m"),
    ],
    "an unknown restriction": [
        ({"smtpd_client_restrictions": "reject_unknown_clients"}, "unknown-restriction", "did you mean *"),
        ({"smtpd_helo_restrictions": "permit_mynetwork"}, "unknown-restriction", "did you mean permit_mynetworks?"),
        (
            {"smtpd_restriction_classes": "own", "own": "rejcet", "smtpd_sender_restrictions": "own"},
            "unknown-restriction",
            "did you mean reject?",
        ),
    ],
    "a table that is missing": [
        ({"virtual_alias_maps": "hash:/etc/postfix/none"}, "table-missing", "create /etc/postfix/none.db first"),
        ({"header_checks": "regexp:/etc/postfix/none"}, "table-missing", "create /etc/postfix/none first"),
        (
            {"smtpd_client_restrictions": "check_client_access cidr:/etc/postfix/main.fc"},
            "table-missing",
            "did you mean /etc/postfix/main.cf?",
        ),
    ],
    "a type of tables that this Postfix lacks": [
        ({"transport_maps": "nosuchtype:/etc/postfix/none"}, "unsupported-table-type", "this Postfix has *"),
        ({"virtual_alias_maps": "hsah:/etc/postfix/none"}, "unsupported-table-type", "did you mean hash?"),
        ({"mynetworks": "127.0.0.0/8 cdir:/etc/postfix/none"}, "unsupported-table-type", "did you mean cidr?"),
    ],
    "a word that an enumeration lacks": [
        ({"smtpd_tls_security_level": "always"}, "wrong-enumeration", "use one of none, may, encrypt"),
        ({"smtp_tls_security_level": "dane_only"}, "wrong-enumeration", "did you mean dane-only?"),
        ({"milter_default_action": "tempfial"}, "wrong-enumeration", "did you mean tempfail?"),
    ],
    "a certificate that is missing": [
        ({"smtpd_tls_cert_file": "/etc/ssl/none.pem"}, "tls-file-missing", "create /etc/ssl/none.pem first"),
        ({"smtpd_tls_chain_files": "/etc/ssl/none.pem"}, "tls-file-missing", "create /etc/ssl/none.pem first"),
        ({"smtp_tls_CAfile": "/etc/ssl/none.pem"}, "tls-file-missing", "create /etc/ssl/none.pem first"),
    ],
    "no relay protection": [
        ({"smtpd_relay_restrictions": "permit_mynetworks"}, "open-relay", "smtpd_relay_restrictions = *"),
        (
            {"smtpd_relay_restrictions": "permit, reject_unauth_destination"},
            "open-relay",
            "smtpd_relay_restrictions = *",
        ),
        ({"mynetworks": "0.0.0.0/0"}, "mynetworks-everyone", "name only networks whose hosts you run*"),
    ],
    "a reference to nothing": [
        ({"myorigin": "$mydomian"}, "undefined-reference", "did you mean $mydomain?"),
        ({"smtpd_banner": "${myhostnmae} ESMTP"}, "undefined-reference", "did you mean $myhostname?"),
        ({"relayhost": "[$zz_gateway]"}, "undefined-reference", "set zz_gateway, or write $$ for a dollar sign"),
    ],
    "a mistyped option in master.cf": [
        ({"-o smtpd_tls_secruity_level": "may"}, "unknown-option", "did you mean smtpd_tls_security_level?"),
        ({"-o smtpd_sasl_auth_enabled": "yes"}, "unknown-option", "did you mean smtpd_sasl_auth_enable?"),
        ({"-o smptd_helo_required": "yes"}, "unknown-option", "did you mean smtpd_helo_required?"),
    ],
}
#: The same parameter twice: this one can only stand in the file.
TWICE = ["biff = no\nbiff = no\n", "relayhost = a\n\n# c\nrelayhost =\n", "biff\n  = no\nbiff = yes\n"]
LOOK = "cd /tmp/conf; stat -c '%n %i %Y %a' main.cf master.cf; cat main.cf master.cf | cksum; ls -A | grep -v lock"


@pytest.mark.one_release
def test_what_postfix_check_does_not_see(host: Host) -> None:
    """Each fault stops postconf with an error that names the line and the cure, and nothing is written."""
    configure(host, BASE, BASE_MASTER)
    requests: list[dict[str, Any]] = [batch.module("postfix_info", {"config_directory": "/tmp/conf"})]
    expected: list[tuple[str, str, str]] = []
    for fault, guises in FAULTS.items():
        for values, rule, cure in guises:
            main = {name: value for name, value in values.items() if not name.startswith("-o ")}
            options = {name[3:]: value for name, value in values.items() if name.startswith("-o ")}
            services = {"smtp/inet": {"options": options}} if options else {}
            wish = {"config_directory": "/tmp/conf", "parameters": main, "services": services}
            requests += [batch.shell(LOOK), batch.module("postconf", wish), batch.shell(LOOK)]
            expected.append((f"{fault}: {values}", rule, cure))
    clean, *answers = batch.run(host, requests)
    assert clean["findings"] == []
    for number, (guise, rule, cure) in enumerate(expected):
        before, answer, after = answers[3 * number : 3 * number + 3]
        errors = [finding for finding in answer.get("findings", ()) if finding["severity"] == "error"]
        assert answer.get("failed"), guise
        assert [finding["rule"] for finding in errors] == [rule], (guise, errors)
        (finding,) = errors
        assert finding["line"] > 0, guise
        assert re.fullmatch(re.escape(cure).replace(r"\*", ".*"), finding["suggestion"]), (guise, finding)
        first, *_more, last = answer["msg"].splitlines()
        assert first == f"{finding['file']} line {finding['line']}: {finding['message']} ({finding['suggestion']})", (
            guise
        )
        assert last == "Nothing was changed.", guise
        assert before["stdout"] == after["stdout"], guise


@pytest.mark.one_release
def test_a_parameter_twice(host: Host) -> None:
    wish = {"config_directory": "/tmp/conf", "parameters": {"swap_bangpath": False}}
    requests = []
    for text in TWICE:
        requests += [
            laid(BASE + text, BASE_MASTER),
            batch.shell(LOOK),
            batch.module("postconf", wish),
            batch.shell(LOOK),
        ]
    answers = batch.run(host, requests)
    for number in range(0, len(answers), 4):
        _laid, before, answer, after = answers[number : number + 4]
        assert answer["failed"]
        assert [finding["rule"] for finding in answer["findings"]] == ["duplicate-parameter"], answer
        assert answer["msg"].startswith("/tmp/conf/main.cf line 5: ")
        assert before["stdout"] == after["stdout"]


#: What the five configurations name, put in place on a host.
FURNITURE = r"""
set -e; cd /etc/postfix; umask 022
mkdir -p ssl/private certs sql /etc/letsencrypt/live/mail.example.org /run/opendkim /run/opendmarc
ecdsa="ec -pkeyopt ec_paramgen_curve:prime256v1"
pair() { openssl req -x509 -nodes -days 9 -subj /CN=mail.example.org -newkey $3 -keyout $1 -out $2 2>/dev/null; }
umask 077
pair /etc/ssl/private/mail.example.org.key /etc/ssl/mail.example.org.fullchain.pem rsa:2048
pair ssl/private/server.key ssl/server.crt "$ecdsa"
pair one one.crt "$ecdsa"; cat one one.crt > /etc/letsencrypt/live/mail.example.org/both.pem
cp one.crt /etc/ssl/cert.pem; cat one one.crt > server-ec.pem; pair two two.crt rsa:2048; cat two two.crt > server.pem
cp one.crt /etc/ssl/ca.crt; cp one.crt CAcert.pem; rm one two one.crt two.crt
umask 022
: > aliases; : > relay_clientcerts; postalias hash:/etc/postfix/aliases; postmap hash:/etc/postfix/relay_clientcerts
for name in mailbox_domains mailbox_maps alias_maps; do
  for file in ldap-virtual_$name.cf sql/virtual_$name.cf; do : > $file; chgrp postfix $file; chmod 640 $file; done
done
python3 -c '
import socket
for path in ("/var/spool/postfix/private/dovecot-lmtp", "/var/spool/postfix/private/auth",
             "/run/opendkim/opendkim.sock", "/run/opendmarc/opendmarc.sock"):
    socket.socket(socket.AF_UNIX).bind(path)
'
"""
SEEDS = sorted(path.parent for path in Path(ROOT, "tests/unit/fixtures/postfix").glob("*/main.cf"))


def test_the_modernised_configurations_have_no_findings(host: Host) -> None:
    """Five configurations from how-tos, brought up to date: neither the checks nor Postfix itself complain."""
    assert len(SEEDS) == 5
    host.run(FURNITURE)
    requests = []
    for seed in SEEDS:
        requests += [
            laid(*((seed / name).read_text() for name in ("main.cf", "master.cf"))),
            batch.module("postfix_info", {"config_directory": "/tmp/conf"}),
            batch.module("postconf", {"config_directory": "/tmp/conf"}),
            batch.shell("for listing in -n -M -P; do postconf -c /tmp/conf $listing >/dev/null; done"),
        ]
    answers = batch.run(host, requests)
    for number, seed in enumerate(SEEDS):
        _laid, told, settled, said = answers[4 * number : 4 * number + 4]
        assert told["findings"] == [], seed.name
        assert (settled.get("failed"), settled["changed"], settled["findings"]) == (None, False, []), seed.name
        assert (said["rc"], said["stderr"]) == (0, ""), seed.name


@pytest.mark.one_release
def test_a_real_key_and_certificate(host: Host) -> None:
    host.run(
        "cd /tmp; openssl req -x509 -newkey rsa:2048 -nodes -keyout a.key -out a.crt -days 9 -subj /CN=a 2>/dev/null;"
        " openssl req -x509 -newkey rsa:2048 -nodes -keyout b.key -out b.crt -days 9 -subj /CN=b 2>/dev/null"
    )
    main = "compatibility_level = 2\nsmtpd_tls_security_level = may\nsmtpd_tls_cert_file = /tmp/a.crt\n"
    for key, rules in (("a", []), ("b", ["key-mismatch"])):
        configure(host, f"{main}smtpd_tls_key_file = /tmp/{key}.key\n", "smtp inet n - n - - smtpd\n")
        result = host.module("postfix_info", {"config_directory": "/tmp/conf"})
        assert [finding["rule"] for finding in result["findings"]] == rules


@pytest.mark.one_release
def test_a_file_that_proxymap_may_not_read(host: Host) -> None:
    """The check says what the daemon says: proxymap(8) opens tables as the mail owner."""
    host.run("install -m 0600 /dev/null /tmp/secret.texthash; echo 'a b' > /tmp/secret.texthash; chmod 0711 /tmp")
    master = "smtp inet n - n - - smtpd\nproxymap unix - - n - - proxymap\n"
    main = "compatibility_level = 2\nvirtual_alias_maps = proxy:texthash:/tmp/secret.texthash\n"
    configure(host, main, master)
    result = host.module("postfix_info", {"config_directory": "/tmp/conf"})
    assert [finding["rule"] for finding in result["findings"]] == ["table-unreadable"]
    denied = host.run("setpriv --reuid postfix --regid postfix --clear-groups cat /tmp/secret.texthash", check=False)
    assert denied.returncode != 0
    host.run("chgrp postfix /tmp/secret.texthash; chmod 0640 /tmp/secret.texthash")
    assert host.module("postfix_info", {"config_directory": "/tmp/conf"})["findings"] == []


#: Runs in the host: starts each daemon again and again with nonsense in every parameter of a list. The first complaint
#: names one parameter and its type; that one is left out of the next round.
ORACLE = r"""
import json, os, re, socket, subprocess, sys, tempfile, time
request = json.load(sys.stdin)
directory = tempfile.mkdtemp()
os.path.lexists("/dev/log") and os.unlink("/dev/log")
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind("/dev/log")
# A busy machine takes its time to start a daemon, and a daemon without a fault says nothing.
log.settimeout(10)
open(directory + "/master.cf", "w").close()
fault = re.compile(r"fatal: (?:bad (boolean|numerical) configuration: (\S+) =|parameter (\S+): bad (time) )")
found = {}
for daemon in request["daemons"]:
    while True:
        with open(directory + "/main.cf", "w") as stream:
            stream.writelines(name + " = @bad@\n" for name in request["names"] if name not in found)
        os.utime(directory + "/main.cf", (1, 1))
        process = subprocess.Popen(
            ["/usr/lib/postfix/sbin/" + daemon],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={"PATH": "/usr/sbin:/usr/bin:/bin", "MAIL_CONFIG": directory}, cwd="/var/spool/postfix",
        )
        said, deadline = "", time.time() + 60
        try:
            while not ("fatal" in said and "postfix/" + daemon in said) and time.time() < deadline:
                said = log.recv(8192).decode(errors="replace")
        except socket.timeout:
            said = ""
        process.kill()
        process.wait()
        match = fault.search(said)
        if match is None:
            break
        found[match[2] or match[3]] = match[1] or match[4]
json.dump(found, sys.stdout)
"""
DAEMONS = [
    "anvil",
    "bounce",
    "cleanup",
    "dnsblog",
    "flush",
    "lmtp",
    "local",
    "oqmgr",
    "postlogd",
    "postscreen",
    "qmgr",
    "qmqpd",
    "scache",
    "smtp",
    "smtpd",
    "tlsmgr",
    "tlsproxy",
    "trivial-rewrite",
    "verify",
]
#: Read by master(8), by virtual(8), only once TLS is in use, or set by Postfix itself.
NOT_READ = {
    *("process_id", "service_throttle_time", "virtual_mailbox_limit", "virtual_minimum_uid"),
    *("tls_append_default_CA", "tls_daemon_random_bytes", "tls_fast_shutdown_enable", "tls_preempt_cipherlist"),
    *("tls_legacy_public_key_fingerprints", "tls_wildcard_matches_multiple_labels"),
}


@pytest.mark.long
def test_value_types_are_those_of_the_daemons(release: str) -> None:
    words = {"boolean": "boolean", "numerical": "integer", "time": "time"}
    version = POSTFIX[release]
    typed = sorted(name for name in types.names(version) if types.kind(name) in words.values())
    with Host(f"{release}-mail", "--network", "none") as alone:
        alone.run("for p in /etc/rc2.d/S*; do $p stop; done >/dev/null 2>&1; pkill syslogd", check=False)
        request = json.dumps({"names": typed, "daemons": DAEMONS})
        said = alone.run(["python3", "-c", ORACLE], data=request).stdout
    found = {name: words[word] for name, word in json.loads(said).items()}
    assert {name: kind for name, kind in found.items() if types.kind(name) != kind} == {}
    assert set(typed) - set(found) <= NOT_READ
