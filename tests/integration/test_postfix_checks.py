# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection knows of Postfix parameters, held against real Postfix of three releases."""

from __future__ import annotations

import contextlib
import json
import random
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._postfix import host as postfix_host
from ansible_collections.puffy.mail.plugins.module_utils._postfix import types
from ansible_collections.puffy.mail.tests.harness import batch, expansions
from ansible_collections.puffy.mail.tests.harness.containers import ENVIRONMENT, POSTFIX, ROOT, Host

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


#: reads {name: [parameters, value]} and writes {name: what postconf says}, errors included
EXPAND = r"""
import json, os, subprocess, sys
answers = {}
for name, (parameters, value) in json.load(sys.stdin).items():
    os.makedirs("/tmp/conf", exist_ok=True)
    text = "".join(f"{key} = {content}\n" for key, content in parameters.items())
    with open("/tmp/conf/main.cf", "w") as stream:
        stream.write(f"{text}mail_name = |{value}|\n")
    open("/tmp/conf/master.cf", "w").close()
    for file in ("main.cf", "master.cf"):
        os.utime(f"/tmp/conf/{file}", (0, 0))
    done = subprocess.run(["postconf", "-c", "/tmp/conf", "-x", "-h", "mail_name"], capture_output=True, text=True)
    answers[name] = done.stdout.removesuffix("\n") if done.returncode == 0 else f"fatal: {done.stderr}"
json.dump(answers, sys.stdout)
"""


def test_values_come_to_what_postfix_makes_of_them(host: Host, release: str) -> None:
    """Expressions, and names as deep within each other as Postfix reads them, with what is a level too deep."""
    cases = expansions.read()
    deep = expansions.deep()
    asked = {case.value: (expansions.VALUES, case.value) for case in cases}
    asked |= {case.name: (case.parameters, case.value) for case in deep}
    said = json.loads(host.run(["python3", "-c", EXPAND], data=json.dumps(asked)).stdout)
    expected = {case.value: f"|{case.text}|" for case in cases if not case.message and POSTFIX[release] >= case.since}
    expected |= {case.name: f"|{case.text}|" for case in deep if case.fits}
    assert {name: text for name, text in said.items() if not text.startswith("fatal: ")} == expected
    assert all("macro processing error" in text for text in said.values() if text.startswith("fatal: "))


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
TWICE = {
    "biff = no\nbiff = no\n": None,
    "relayhost = a\n\n# c\nrelayhost =\n": "relayhost is set here and again on line 8",
    "biff\n  = no\nbiff = yes\n": "biff is set here and again on line 7",
}
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
    """The last one counts: a warning that names both lines, and no word where the values are equal."""
    requests = []
    for text in TWICE:
        wish = {"config_directory": "/tmp/conf", "parameters": {"swap_bangpath": False}}
        requests += [laid(BASE + text, BASE_MASTER), batch.module("postconf", wish)]
    answers = batch.run(host, requests)
    for answer, told in zip(answers[1::2], TWICE.values()):
        assert answer["changed"], answer
        found = [(item["severity"], item["rule"], item["line"], item["message"]) for item in answer["findings"]]
        message = f"{told}; Postfix uses the later one"
        assert found == ([("warning", "duplicate-parameter", 5, message)] if told else []), answer


#: What the five configurations name, put in place on a host.
FURNITURE = r"""
set -e; cd /etc/postfix; umask 022
mkdir -p sasl /var/spool/postfix/private /var/spool/postfix/var/run/saslauthd /var/run/saslauthd
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
printf 'pwcheck_method: saslauthd\nmech_list: PLAIN LOGIN\n' > sasl/smtpd.conf
install -m 0755 /dev/null /usr/bin/policyd-spf
: > aliases; : > relay_clientcerts; postalias hash:/etc/postfix/aliases; postmap hash:/etc/postfix/relay_clientcerts
for name in mailbox_domains mailbox_maps alias_maps; do
  for file in ldap-virtual_$name.cf sql/virtual_$name.cf; do : > $file; chgrp postfix $file; chmod 640 $file; done
done
python3 -c '
import socket
for path in ("/var/spool/postfix/private/dovecot-lmtp", "/var/spool/postfix/private/auth",
             "/var/spool/postfix/var/run/saslauthd/mux", "/var/run/saslauthd/mux",
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


#: Runs in the host: starts one daemon after the other as "-S" does (standard input, at its end, is the client) and
#: tells what each said before it ended: a daemon without a fault says nothing and ends at once.
ORACLE = r"""
import json, os, re, select, socket, subprocess, sys, tempfile, time
directory = tempfile.mkdtemp()
os.chmod(directory, 0o755)
os.path.lexists("/dev/log") and os.unlink("/dev/log")
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind("/dev/log")
os.chmod("/dev/log", 0o666)
open(directory + "/master.cf", "w").close()
def start(daemon, arguments, text, limit):
    with open(directory + "/main.cf", "w") as stream:
        stream.write(text)
    os.utime(directory + "/main.cf", (1, 1))
    process = subprocess.Popen(
        ["/usr/lib/postfix/sbin/" + daemon, *arguments], cwd="/var/spool/postfix", start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={"PATH": "/usr/sbin:/usr/bin:/bin", "MAIL_CONFIG": directory},
    )
    said, deadline = [], time.time() + limit
    while time.time() < deadline:
        heard = select.select([log], [], [], 0.01)[0]
        if heard:
            said += re.findall(r"(?:fatal|panic): .*", log.recv(8192).decode(errors="replace"), re.DOTALL)
            if said:
                break
        elif process.poll() is not None:
            break
    process.kill()
    process.wait()
    while select.select([log], [], [], 0)[0]:
        said += re.findall(r"(?:fatal|panic): .*", log.recv(8192).decode(errors="replace"), re.DOTALL)
    return said
json.dump([start(*run) for run in json.load(sys.stdin)], sys.stdout)
"""
#: Starts each daemon; those that read a parameter together with others come first.
DAEMONS = (
    *(
        "smtpd",
        "smtp",
        "lmtp",
        "cleanup",
        "qmgr",
        "oqmgr",
        "local",
        "virtual",
        "trivial-rewrite",
        "bounce",
        "postscreen",
    ),
    *("tlsproxy", "tlsmgr", "verify", "proxymap", "anvil", "dnsblog", "flush", "pickup", "qmqpd", "scache", "showq"),
    *("discard", "error", "pipe", "spawn"),
)
SERVES = """\
compatibility_level = 2
myhostname = mail.example.test
alias_maps =
local_recipient_maps =
virtual_mailbox_base = /
virtual_uid_maps = static:5
virtual_gid_maps = static:5
smtpd_relay_restrictions = reject
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_tls_security_level = may
smtpd_tls_chain_files = /tmp/both.pem
"""
#: Closed lists and forms that a daemon reads once it has work, and then refuses or ignores a wrong word.
READ_LATER = re.compile(
    r"hash_queue_names|info_log_address_format|internal_mail_filter_classes|\w+_discard_[el]hlo_keywords|notify_classes"
    r"|\w+_pix_workarounds|\w+_security_options|\w+_ciphers|\w+_loglevel|\w+_eecdh_grade|milter_default_action"
    r"|header_from_format|default_destination_concurrency_\w+_feedback|sendmail_fix_line_endings"
    r"|smtpd_proxy_options|smtpd_upstream_proxy_protocol|smtputf8_autodetect_classes"
)
#: Read by a program that is no daemon, or by one that does not start alone.
NOT_STARTED = {"master", "nbdb_reindexd", "postdrop", "postfix", "postlogd", "postmulti", "postqueue", "sendmail"}
#: Set by postconf, judged together with other parameters (test_values.py), or what postfix(1) needs to start.
ELSEWHERE = {
    *(
        "process_id",
        "config_directory",
        "stress",
        "mailbox_size_limit",
        "virtual_mailbox_limit",
        "virtual_mailbox_base",
    ),
    *("command_directory", "daemon_directory", "meta_directory", "shlib_directory"),
}
#: The rules that say that a daemon does not start.
STOPS = {
    "wrong-boolean",
    "wrong-integer",
    "wrong-time",
    "wrong-enumeration",
    "out-of-bounds",
    "size-limits",
    "wrong-form",
}
#: Texts with a form of their own, right and wrong, that every daemon reads when it starts.
FORMS = {
    "myhostname": (
        "mail.example.org",
        "mail_1.example",
        "192.0.2.10",
        "a..b",
        "-a.example",
        "a b",
        "[mail]",
        "mail:25",
    ),
    "mydomain": ("example.org", "192.0.2.10", "example.org.", "a, b"),
    "myorigin": ("example.org", "/etc/hostname", "/no/such/file", "a.example, b.example", "a b"),
    "mail_owner": ("postfix", "nosuchuser", "root", "1"),
    "default_privs": ("nobody", "nosuchuser", "root", "postfix", "nobody, x"),
    "setgid_group": ("postdrop", "nosuchgroup", "root", "postfix"),
    "queue_directory": ("/var/spool/postfix", "/no/such/directory"),
    "maillog_file": ("", "/no/such/prefix.log", "mail.log"),
    "default_verp_delimiters": ("+=", "[]", "+"),
    "bounce_template_file": ("", "/no/such/file"),
    "postscreen_dnsbl_sites": ("zen.example.org=127.0.0.[2..4]*2, b.example", "192.0.2.1", "/a", "-1", "b..example"),
}


def drawn(name: str, version: tuple[int, ...]) -> list[str]:
    """Values of a parameter at, inside and outside of its bounds, of its closed list, or of its form."""
    kind, (low, high) = types.kind(name), types.bounds(name, version)
    if name in FORMS:
        return list(FORMS[name])
    if kind == "boolean":
        return ["yes", "NO", "maybe", ""]
    if kind in ("integer", "time"):
        units = {"integer": ("",), "time": ("s", "s5", "x")}[kind]
        numbers = {low, low - 1, low + 1, 10**11, *((high, high - 1, high + 1) if high else (low + 7,))}
        return [f"{number}{unit}" for number in sorted(numbers) for unit in units] + ["@bad@", ""]
    if kind in ("enumeration", "enumeration_list"):
        known = types.enumeration(name, version)
        return [*known, known[-1].upper(), known[0].title(), "nonsense"] if known else []
    return ["", "x" * max(low, 1)] if low and not high else []


def experiments(version: tuple[int, ...]) -> list[tuple[str, str, str]]:
    """Each daemon with a parameter that it reads and a value."""
    found = []
    for name in sorted(types.names(version)):
        programs = types.readers(name) or ("error",)
        daemons = [daemon for daemon in DAEMONS if daemon in programs]
        if name.startswith("lmtp_") and "lmtp" in daemons:
            daemons = ["lmtp"]
        if daemons and name not in ELSEWHERE:
            found += [(daemons[0], name, value) for value in drawn(name, version)]
        assert daemons or NOT_STARTED.issuperset(programs), name
    return found


def agree(release: str, tried: int, disagreed: Sequence[str]) -> None:
    """Say on how many of the things ``tried`` the rules and the daemons agreed; all must."""
    sys.stdout.write(f"{release}: {tried - len(disagreed)} agreed, {len(disagreed)} disagreed\n")
    assert not disagreed, "\n".join(disagreed)


def differential(release: str, sample: int | None) -> None:
    """What the rules say of a value is what the daemon does that reads it. Prints agreed and disagreed."""
    version = POSTFIX[release]
    with Host(f"{release}-mail", "--network", "none") as alone:
        alone.run("for p in /etc/rc2.d/S*; do $p stop; done >/dev/null 2>&1; pkill syslogd", check=False)
        alone.run(
            "cd /tmp; openssl req -x509 -nodes -days 9 -subj /CN=a -newkey rsa:2048 -keyout both.pem -out c"
            " 2>/dev/null; cat c >> both.pem"
        )
        tried = experiments(version)
        if sample is not None:
            tried = random.Random(20).sample(tried, sample)  # noqa: S311
        arguments = {"pipe": ["user=nobody", "argv=/bin/true"], "spawn": ["user=nobody", "argv=/bin/true"]}
        runs = [(daemon, ["-S", *arguments.get(daemon, [])], SERVES, 10) for daemon in DAEMONS]
        runs += [
            (daemon, ["-S", *arguments.get(daemon, [])], f"{SERVES}{name} = {value}\n", 10)
            for daemon, name, value in tried
        ]
        said = json.loads(alone.run(["python3", "-c", ORACLE], data=json.dumps(runs)).stdout)
        # Some end with a complaint at the end of the input: that is no fault of theirs.
        usual = dict(zip(DAEMONS, said))
        request = json.dumps([[name, value] for _daemon, name, value in tried])
        judged = json.loads(alone.run([*ENVIRONMENT, "python3", "-c", JUDGE], data=request).stdout)
    disagreed = []
    for (daemon, name, value), complaints, rules in zip(tried, said[len(DAEMONS) :], judged):
        ends = [text for text in complaints if text not in usual[daemon] and "EPOLL_CTL_ADD" not in text]
        later = READ_LATER.fullmatch(name) and not ends
        if bool(ends) != bool(STOPS.intersection(rules)) and not later:
            disagreed.append(f"{daemon}: {name} = {value}: {rules or 'no finding'}, but {ends or 'it starts'}")
    agree(release, len(tried), disagreed)


#: Runs in the host: the rules that find something in the parameter, for each of a list of values.
JUDGE = f"""
import json, sys
from ansible_collections.puffy.mail.plugins.module_utils._postfix import checks, host, main_cf, master_cf
told, found = host.gather("/etc/postfix"), []
own = "".join(line + "\\n" for line in sys.argv[1:])
master = master_cf.parse("smtp inet n - n - - smtpd\\npostlog unix-dgram n - n - 1 postlogd\\n" + own, "master.cf")
for name, value in json.load(sys.stdin):
    main = main_cf.parse({SERVES!r} + name + " = " + value + "\\n", "main.cf")
    found.append([finding.rule for finding in checks.check(main, master, told) if finding.name == name])
json.dump(found, sys.stdout)
"""


def test_a_sample_of_values_is_judged_as_the_daemons_judge_it(release: str) -> None:
    differential(release, 150)


@pytest.mark.long
def test_every_value_is_judged_as_the_daemons_judge_it(release: str) -> None:
    differential(release, None)


@pytest.mark.long
@pytest.mark.parametrize("name", ["meta_directory", "shlib_directory"])
def test_a_directory_that_postfix_does_not_start_without(release: str, name: str) -> None:
    """No daemon reads them: postfix(1) does, before it starts one."""
    with Host(f"{release}-mail", "--network", "none") as alone:
        alone.run(f"postconf -e inet_interfaces=loopback-only {name}=x")
        assert alone.run("postfix check", check=False).returncode == 1
        request = json.dumps([[name, "x"]])
        (rules,) = json.loads(alone.run([*ENVIRONMENT, "python3", "-c", JUDGE], data=request).stdout)
        assert rules == ["wrong-form"]
        alone.run(f"postconf -X {name}; postfix check")


def test_what_daemons_need_of_their_service(release: str) -> None:
    """A daemon that must be single, unlimited or privileged says so, and no other one does."""
    programs = (*DAEMONS, "postlogd")
    ways = {"single": [], "unlimited": ["-l"], "privileged": ["-l", "-z", "-u"]}
    words = {"single": "process limit of 1", "unlimited": "process limit of 0", "privileged": "privileged operation"}
    with Host(f"{release}-mail", "--network", "none") as alone:
        alone.run("for p in /etc/rc2.d/S*; do $p stop; done >/dev/null 2>&1; pkill syslogd", check=False)
        runs = [
            (program, ["-t", "unix", "-n", "own", *way], SERVES, 1) for program in programs for way in ways.values()
        ]
        said = json.loads(alone.run(["python3", "-c", ORACLE], data=json.dumps(runs)).stdout)
    found = [(program, need) for program in programs for need in ways]
    needed = {pair for pair, texts in zip(found, said) if any(words[pair[1]] in text for text in texts)}
    assert needed == {(program, need) for program, need in found if need in types.needs(program)}


#: What cannot be run: nothing there, no right to run it, no right to enter its directory, a directory, a pipe.
COMMANDS = ("/usr/lib/nosuch", "/etc/passwd", "/root/true", "/usr/bin", "/run/initctl")
#: Arguments of pipe(8), smtp(8) and lmtp(8), right and wrong ones. They read them with their first message.
PIPES = [
    *(f"user={name} argv=/bin/true" for name in ("nobody", "nosuchuser", "root", "postfix", "1", "", ":nogroup")),
    *(f"user=nobody:{group} argv=/bin/true" for group in ("nogroup", "nosuch", "0", "postdrop", "postfix")),
    *("argv=/bin/true", "user=nobody", "user=nobody argv=", "USER=nobody ARGV=/bin/true", "user nobody argv=/bin/true"),
    *(f"flags={flags} user=nobody argv=/bin/true" for flags in ("Rhu", "z", "R.", "")),
    *(f"size={size} user=nobody argv=/bin/true" for size in ("10240000", "big", "-1", "")),
    *(
        f"{other} user=nobody argv=/bin/true"
        for other in ("colour=red", "directory=/tmp", "eol=\\r\\n", "null_sender=", "chroot=/", "chroot=/etc")
    ),
    *(f"user=nobody argv={path} x" for path in COMMANDS),
]
CLIENTS = ["", "flags=", "flags=D", "flags=DORX", "flags=z", "FLAGS=R", "flags", "size=10", "user=nobody", "x"]
AGENTS = [
    *(("pipe", words) for words in PIPES),
    *((program, words) for program in ("smtp", "lmtp") for words in CLIENTS),
]
#: What spawn(8) reads with each connection. A command that it runs says "served".
SPAWNS = [
    *(f"user=nobody argv={path} served" for path in COMMANDS),
    *(f"user={name} argv=/bin/echo served" for name in ("nobody", "nosuchuser", "root", "postfix", "")),
    *(f"user=nobody:{group} argv=/bin/echo served" for group in ("nogroup", "nosuch", "postdrop")),
    *("argv=/bin/echo served", "user=nobody", "user=nobody argv=", "USER=nobody ARGV=/bin/echo served"),
    *(f"{other} user=nobody argv=/bin/echo served" for other in ("colour=red", "flags=R", "size=1", "x")),
]
JUDGE_SERVICES = """
import json, sys
from ansible_collections.puffy.mail.plugins.module_utils._postfix import checks, host, main_cf, master_cf
main, master = (open(f"/etc/postfix/{name}.cf").read() for name in ("main", "master"))
found = checks.check(main_cf.parse(main, "main.cf"), master_cf.parse(master, "master.cf"), host.gather("/etc/postfix"))
json.dump([it.name for it in found if it.severity == "error" or it.rule == "command-missing"], sys.stdout)
"""


@contextlib.contextmanager
def host_of_its_own(release: str, main: str) -> Iterator[Host]:
    """A host whose Postfix has these parameters. It has no init, which would start Postfix."""
    with Host(f"{release}-mail", "--network=none", "--entrypoint", '["sh", "-c", "sleep infinity"]') as alone:
        alone.run("cp /bin/true /root/; chmod 0700 /root; [ -e /run/initctl ] || mkfifo /run/initctl")
        alone.run("syslogd; cd /etc/postfix; [ -s master.cf ] || cp /usr/share/postfix/master.cf.dist master.cf")
        common = "compatibility_level = 3\nmyhostname = mail.example.test\nmydestination =\n"
        alone.write("/etc/postfix/main.cf", f"{common}inet_interfaces = loopback-only\n{main}")
        yield alone


def add_services(alone: Host, lines: Sequence[str]) -> None:
    """Add lines to master.cf."""
    alone.write("/etc/postfix/master.cf", alone.read("/etc/postfix/master.cf") + "".join(f"{it}\n" for it in lines))


def answers(alone: Host, services: Sequence[tuple[str, str]], hops: Sequence[str] = ()) -> list[str]:
    """What each delivery agent logged first of a message that it was given, with the next hop."""
    add_services(
        alone,
        [
            f"p{number} unix - n n - - {program} -o syslog_name=q{number} {words}"
            for number, (program, words) in enumerate(services)
        ],
    )
    tos = [f"/@d{number}\\.test$/ p{number}:{hop}\n" for number, hop in enumerate(hops or [""] * len(services))]
    alone.write("/etc/postfix/to", "".join(tos))
    alone.run("postfix start")
    for number in range(len(services)):
        alone.run(["sendmail", f"x@d{number}.test"], data="hello\n")
    said = []
    for number in range(len(services)):
        alone.wait(f"grep -qE ' q{number}/.*(fatal|panic|status=)' /var/log/mail.log")
        said.append(alone.run(f"grep -E ' q{number}/.*(fatal|panic|status=)' /var/log/mail.log | head -n 1").stdout)
    return said


@pytest.mark.long
def test_the_arguments_of_agents_are_judged_as_they_judge_them(release: str) -> None:
    with host_of_its_own(release, "transport_maps = pcre:/etc/postfix/to\nsmtp_tls_security_level =\n") as alone:
        said = answers(alone, AGENTS)
        refused = json.loads(alone.run([*ENVIRONMENT, "python3", "-c", JUDGE_SERVICES]).stdout)
    agree(
        release,
        len(AGENTS),
        [
            f"{program} {words}: {text or 'nothing said'}"
            for number, ((program, words), text) in enumerate(zip(AGENTS, said))
            if (("status=sent" if program == "pipe" else "status=") in text) == (f"p{number}/unix" in refused)
        ],
    )


#: Runs in the host: what a service says to who connects.
CONNECT = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20) as client:
    print(client.makefile().read())
"""


@pytest.mark.long
def test_the_arguments_of_spawn_are_judged_as_spawn_judges_them(release: str) -> None:
    with host_of_its_own(release, "") as alone:
        names = [f"127.0.0.1:{3000 + number}" for number in range(len(SPAWNS))]
        add_services(alone, [f"{name} inet n n n - 0 spawn {words}" for name, words in zip(names, SPAWNS)])
        alone.run("postfix start")
        said = [alone.run(["python3", "-c", CONNECT, name.split(":")[1]]).stdout for name in names]
        refused = json.loads(alone.run([*ENVIRONMENT, "python3", "-c", JUDGE_SERVICES]).stdout)
    agree(
        release,
        len(SPAWNS),
        [
            f"{words}: {text.strip() or 'nothing said'}"
            for name, words, text in zip(names, SPAWNS, said)
            if ("served" in text) == (f"{name}/inet" in refused)
        ],
    )


#: Next hops, right and wrong ones: host_port.c and valid_hostname.c say which.
HOPS = [
    *("example.org", "[example.org]", "example.org:25", "[example.org]:smtp", "example.org:smtp", "example.org:2525"),
    *("192.0.2.1", "[192.0.2.1]", "[192.0.2.1]:587", "192.0.2.1:25", "[1.2.3]", "1.2.3.4.5", "999.1.1.1", "192.0.2.1."),
    *("[::1]", "[::1]:25", "[IPv6:::1]:25", "[ipv6:::1]", "2001:db8::1", "[2001:db8::1", "[IPv6:x]"),
    *('"example.org"', "[example.org", "example.org]", "[example.org]x", "[example.org]25", "[[example.org]]"),
    *("[example.org]:nosuchport", "example.org:nosuchport", "example.org:", "[example.org]:", ":25", "[]", "[]:25"),
    *("example.org:99999", "example.org:0", "example.org:-1", "example.org:25x", "[example.org]:65535"),
    *("smtp:[example.org]", "smtp:example.org:25", "-x.example", "x-.example", "x..y", ".example.org", "a_b.example"),
    *("example.org.", "localhost", "b\u00fccher.example", "x" * 64 + ".example", "user@example.org", "example.org/24"),
    *("[example.org]:587 smtp_sasl_auth_enable=yes", "example.org, example.net", "[example.org] [example.net]:x"),
]
#: and those of lmtp(8), which may be sockets
SOCKETS = [
    *("unix:/tmp/x", "unix:private/x", "private/x", "/tmp/x", "public/x", "inet:127.0.0.1:24", "inet:localhost"),
    *("inet:", "inet:[::1]:24", "inet:x:nosuchport", "unix:private/x, inet:localhost", "127.0.0.1:24", "[localhost]"),
]


@pytest.mark.long
def test_next_hops_are_judged_as_the_agents_judge_them(release: str) -> None:
    """A hop that an agent cannot read ends it. One that it reads is tried, and the mail stays in the queue."""
    hops = [*(("smtp", hop) for hop in HOPS), *(("lmtp", hop) for hop in (*HOPS, *SOCKETS))]
    with host_of_its_own(release, "transport_maps = pcre:/etc/postfix/to\nsmtp_tls_security_level =\n") as alone:
        said = answers(alone, [(program, "") for program, _hop in hops], [hop for _program, hop in hops])
        values = [["relay_transport", f"{program}:{hop}"] for program, hop in hops]
        values += [["relayhost", hop] for hop in HOPS]
        lines = ["smtp unix - - n - - smtp", "lmtp unix - - n - - lmtp"]
        rules = json.loads(alone.run([*ENVIRONMENT, "python3", "-c", JUDGE, *lines], data=json.dumps(values)).stdout)
    as_said = [*zip(hops, said, rules), *zip((("relayhost", hop) for hop in HOPS), said, rules[len(hops) :])]
    agree(
        release,
        len(as_said),
        [
            f"{program}:{hop}: {found or 'no finding'}, but {text or 'nothing said'}"
            for (program, hop), text, found in as_said
            if ("status=" not in text) != bool({"wrong-form", "wrong-endpoint"}.intersection(found))
        ],
    )


#: Port -> the options of a server without a certificate; its answers to a mail without TLS and to STARTTLS, or what it
#: does before it says anything; the rule that tells of it.
WITHOUT_CERTIFICATE = {
    2501: ("smtpd_tls_security_level=may", "250 454", "tls-without-certificate"),
    2502: ("smtpd_tls_security_level=may -o tls_server_sni_maps=static:none", "250 454", "tls-without-certificate"),
    2503: ("smtpd_tls_security_level=encrypt", "530 454", "required-tls-without-certificate"),
    2504: ("smtpd_tls_wrappermode=yes", "closed", "required-tls-without-certificate"),
    2505: ("smtpd_tls_security_level=may -o smtpd_tls_cert_file=none", "250 220", ""),
    2506: ("smtpd_tls_security_level=encrypt -o smtpd_tls_cert_file=none", "530 220", ""),
    2507: ("smtpd_tls_wrappermode=yes -o smtpd_tls_cert_file=none", "silent", ""),
}
SEEN = r"""
import json, smtplib, sys
found = {}
for port in map(int, sys.argv[1:]):
    try:
        client = smtplib.SMTP("127.0.0.1", port, timeout=5)
        client.ehlo("client.example")
        code = client.mail("a@example.test")[0]
        if code == 250:
            code = client.rcpt("root@mail.example.test")[0]
        client.rset()
        found[port] = f"{code} {client.docmd('STARTTLS')[0]}"
        client.close()
    except smtplib.SMTPServerDisconnected as exc:
        found[port] = "silent" if "timed out" in str(exc) else "closed"
json.dump(found, sys.stdout)
"""


def test_tls_without_a_certificate(release: str) -> None:
    """A server that offers TLS serves on without it; one that requires TLS takes no mail."""
    with Host(f"{release}-mail", "--network", "none") as alone:
        lines = "".join(f"{port} inet n - n - - smtpd -o {line[0]}\n" for port, line in WITHOUT_CERTIFICATE.items())
        alone.run("cat >> /etc/postfix/master.cf", data=lines)
        values = "myhostname=mail.example.test smtpd_tls_cert_file= smtpd_tls_key_file= smtpd_tls_security_level="
        alone.run(f"postconf -e {values}; postfix start; sleep 1")
        seen = json.loads(alone.run(["python3", "-c", SEEN, *map(str, WITHOUT_CERTIFICATE)]).stdout)
        assert {int(port): text for port, text in seen.items()} == {
            port: line[1] for port, line in WITHOUT_CERTIFICATE.items()
        }
        findings = alone.module("postfix_info", {})["findings"]
        first = len(alone.read("/etc/postfix/master.cf").splitlines()) - len(WITHOUT_CERTIFICATE) + 1
        told = {item["line"]: item["rule"] for item in findings if "without-certificate" in item["rule"]}
        assert told == {first + number: line[2] for number, line in enumerate(WITHOUT_CERTIFICATE.values()) if line[2]}
        alone.run("postfix stop")
