# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection knows of Postfix parameters, held against real Postfix of three releases."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hosts import POSTFIX, Host

from ansible_collections.puffy.mail.plugins.module_utils import _postfix_host, _postfix_types

pytestmark = pytest.mark.containers

EMPTY = "mkdir -p /tmp/empty; : >/tmp/empty/main.cf; : >/tmp/empty/master.cf; "


@pytest.fixture(scope="module")
def defaults(host: Host) -> dict[str, str]:
    """The built-in parameters of this release."""
    return _postfix_host.parse_defaults(host.run(EMPTY + "postconf -c /tmp/empty -d").stdout)


def configure(host: Host, main: str, master: str = "") -> None:
    """Write a configuration whose files are old enough for Postfix to read them without waiting."""
    host.run(
        "mkdir -p /tmp/conf; cd /tmp/conf;"
        " python3 -c 'import json,sys; d=json.load(sys.stdin); [open(n,\"w\").write(t) for n,t in d.items()]';"
        " touch -d 2020-01-01 main.cf master.cf",
        data=json.dumps({"main.cf": main, "master.cf": master}),
    )


def test_the_table_has_the_parameters_of_this_release(defaults: dict[str, str], release: str) -> None:
    assert _postfix_types.names(POSTFIX[release]) == set(defaults)


def test_parameters_named_after_services(host: Host, defaults: dict[str, str]) -> None:
    """What a service of each kind gives rise to is what postconf derives from it."""
    programs = ("smtp", "lmtp", "pipe", "local", "virtual", "error", "spawn", "discard", "smtpd")
    services = "".join(f"x{program} unix - n n - - {program} user=nobody argv=/bin/true\n" for program in programs)
    configure(host, "", services)
    seen = _postfix_host.parse_defaults(host.run("postconf -c /tmp/conf -d").stdout)
    derived = _postfix_types.service_parameters((f"x{program}", program) for program in programs)
    assert {name: value for name, value in seen.items() if name not in defaults} == derived


def test_deprecated_names(host: Host, release: str, defaults: dict[str, str]) -> None:
    """postconf(1) warns of exactly the parameters that the table calls deprecated in this release."""
    configure(host, "".join(f"{name} = no\n" for name in sorted(_postfix_types.DEPRECATED)))
    said = host.run("postconf -c /tmp/conf -n 2>&1 >/dev/null").stdout
    warned = dict(re.findall(r'support for parameter "(\S+)" (?:will be|has been) removed; instead, (.*)', said))
    # Read without a warning of postconf, and without effect (postconf(5)).
    silent = {"smtpd_tls_dh512_param_file", "tls_export_cipherlist", "tls_low_cipherlist"}
    expected = {
        name: old.successor
        for name, old in _postfix_types.DEPRECATED.items()
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
    assert set(names) - seen == _postfix_types.RAW & set(names)


def test_restrictions(host: Host) -> None:
    """Every restriction of the table is a word that this smtpd(8) knows."""
    words = host.run("tr -c '[:alnum:]_' '\\n' < /usr/lib/postfix/sbin/smtpd | sort -u").stdout.split()
    # A linker lets a string share the end of a longer one: reject_unlisted_sender, smtpd_reject_unlisted_sender.
    missing = [name for name in _postfix_types.RESTRICTIONS if not any(word.endswith(name) for word in words)]
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
    names = _postfix_types.names(POSTFIX[release])
    ours = {word for name in names for word in _postfix_types.enumeration(name, POSTFIX[release])}
    later = {word for name in names for word in _postfix_types.enumeration(name)} - ours
    # A linker lets a string share the end of a longer one.
    assert [word for word in sorted(ours) if not any(found.endswith(word) for found in words)] == []
    assert sorted(later & set(words)) == []
    assert later == {"bullseye": {"note", "tlsrpt", "requiretls"}, "trixie": {"requiretls"}, "forky": set()}[release]


FAULTS = """\
smtpd_helo_required = True
message_size_limit = ten
smtpd_timeout = 30 seconds
smtpd_client_restrictions = reject_unknown_clients
virtual_alias_maps = hash:/etc/postfix/none
transport_maps = nosuchtype:/etc/postfix/none
smtpd_tls_security_level = always
smtpd_tls_cert_file = /etc/ssl/none.pem
smtpd_relay_restrictions = permit_mynetworks
biff = no
biff = no
myorigin = $mydomian
smtpd_reciepient_limit = 3
"""
FOUND = {
    ("wrong-boolean", 1),
    ("wrong-integer", 2),
    ("wrong-time", 3),
    ("unknown-restriction", 4),
    ("table-missing", 5),
    ("unsupported-table-type", 6),
    ("wrong-enumeration", 7),
    ("tls-file-missing", 8),
    ("open-relay", 9),
    ("duplicate-parameter", 10),
    ("undefined-reference", 12),
    ("unknown-parameter", 13),
    ("unknown-option", 2),
}


def test_what_postfix_check_does_not_see(host: Host) -> None:
    configure(host, FAULTS, "smtp inet n - n - - smtpd\n  -o smtpd_tls_secruity_level=may\n")
    result: dict[str, Any] = host.module("postfix_info", {"config_directory": "/tmp/conf"})
    assert not result.get("failed"), result
    found = {(finding["rule"], finding["line"]) for finding in result["findings"] if finding["severity"] == "error"}
    assert found >= FOUND
    assert all(finding["suggestion"] for finding in result["findings"])


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
# A busy machine takes its time to start a daemon.
log.settimeout(5)
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
        said, deadline = "", time.time() + 10
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
    typed = sorted(name for name in _postfix_types.names(version) if _postfix_types.kind(name) in words.values())
    with Host(f"{release}-mail", "--network", "none") as alone:
        alone.run("for p in /etc/rc2.d/S*; do $p stop; done >/dev/null 2>&1; pkill syslogd", check=False)
        request = json.dumps({"names": typed, "daemons": DAEMONS})
        said = alone.run(["python3", "-c", ORACLE], data=request, timeout=280).stdout
    found = {name: words[word] for name, word in json.loads(said).items()}
    assert {name: kind for name, kind in found.items() if _postfix_types.kind(name) != kind} == {}
    assert set(typed) - set(found) <= NOT_READ
