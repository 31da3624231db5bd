# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""map_config over a real directory: it goes live when the directory answers, and a failure says what is behind it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from ansible_collections.puffy.mail.tests.harness import batch, chroot, directory
from ansible_collections.puffy.mail.tests.harness.containers import Host
from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._tables.test_ldap import BAD_FILTERS, FILTERS

pytestmark = [pytest.mark.containers, pytest.mark.one_release]

PATH = "/etc/postfix/ldap/mailboxes.cf"
EXPECT = {"alice@example.test": "example.test/alice/", "nobody@example.test": None, "*)(mail=*": None}
TASK = {"path": PATH, "type": "ldap", "options": directory.options(), "expect": EXPECT}


@pytest.fixture(scope="module")
def host(release: str) -> Iterator[Host]:
    with Host(f"{release}-ldap") as running:
        directory.start(running, 3)
        running.run("install -d -m 0750 -o root -g postfix /etc/postfix/ldap")
        yield running


WAYS = {
    "ldaps": {"server_host": "ldaps://ldap.example.test", "start_tls": False},
    "the socket": {
        "server_host": "ldapi://%2Frun%2Fslapd%2Fldapi",
        **dict.fromkeys(("start_tls", "tls_require_cert", "tls_ca_cert_file")),
    },
    "the second server": {"server_host": ["ldap://ldap.example.test:388", "ldap://ldap.example.test"]},
}


def test_it_goes_live_when_the_directory_answers(host: Host) -> None:
    socket = host.run("ls /run/slapd/ldapi /var/run/slapd/ldapi 2>/dev/null | head -n 1").stdout.strip()
    WAYS["the socket"]["server_host"] = f"ldapi://{socket.replace('/', '%2F')}"
    assert batch.assert_four(batch.run(host, batch.four("map_config", TASK)))["answers"] == EXPECT
    answers = batch.run(host, [
        batch.module("map_config", {**TASK, "options": directory.options(**way)}) for way in WAYS.values()
    ])  # fmt: skip
    for name, answer in zip(WAYS, answers):
        assert (answer["changed"], answer["proved"]) == (True, True), (name, answer)
    assert host.run(["stat", "-c", "%U %G %a", PATH]).stdout == "root postfix 640\n"


FAILURES: list[tuple[dict[str, object], str, str]] = [
    (
        {"bind_pw": "wrong"},
        "49 (Invalid credentials)",
        "The server knows no bind_dn with this bind_pw",
    ),
    ({"tls_ca_cert_file": "/etc/ssl/other.pem"}, "STARTTLS: -11: Connect error", "The TLS handshake failed: "),
    ({"tls_ca_cert_file": "/etc/ssl/none.pem"}, "", "There is no /etc/ssl/none.pem (tls_ca_cert_file)"),
    ({"server_host": "ldap://other.example.test"}, "STARTTLS: -11: Connect error", "The TLS handshake failed: "),
    ({"server_host": "ldap://ldap.example.test:388"}, "STARTTLS: -1: ", "No server of server_host answers there"),
    ({"search_base": "dc=other,dc=test"}, "Search base 'dc=other,dc=test' not found", "There is no such search_base"),
    (
        {**dict.fromkeys(("start_tls", "tls_require_cert", "tls_ca_cert_file"))},
        "13 (Confidentiality required)",
        "The server insists on TLS: ",
    ),
]


def test_a_failure_says_what_is_behind_it_and_leaves_the_live_file(host: Host) -> None:
    look = batch.shell(f"stat -c '%i %a' {PATH}; cat {PATH}; ls -A /etc/postfix/ldap")
    good, before, *answers = batch.run(host, [
        batch.module("map_config", TASK),
        look,
        *(
            request
            for change, _said, _behind in FAILURES
            for request in (
                batch.module("map_config", {**TASK, "options": directory.options(**change)}),
                look,
            )
        ),
    ])  # fmt: skip
    assert not good.get("failed"), good
    for (change, said, behind), result, after in zip(FAILURES, answers[::2], answers[1::2]):
        assert result.get("failed"), (change, result)
        assert said in result["msg"], result["msg"]
        assert f"; the live file is untouched. {behind}" in result["msg"], result["msg"]
        assert directory.PASSWORD not in json.dumps(result)
        assert after == before, change


UNREADABLE: list[tuple[dict[str, object], str]] = [
    ({"server_host": "ldap.example.test:389/dc=a"}, "option 'server_host': 'ldap://ldap.example.test:389/dc=a' "),
    (
        {"server_host": ["ldap://ldap.example.test", "ldpa://a"]},
        "option 'server_host': 'ldpa://a' is not the URL of an LDAP",
    ),
    (
        {"query_filter": "(&(objectClass=*)(mail=%s)"},
        "option 'query_filter': '(&(objectClass=*)(mail=%s)' is not an LDAP",
    ),
    (
        {"query_filter": "(%u=x)"},
        "option 'query_filter': '(%u=x)' is not an LDAP filter (RFC 4515): '%u' stands for an",
    ),
    (
        {"search_base": "example.test"},
        "option 'search_base': 'example.test' is not a distinguished name (RFC 4514): no '='",
    ),
    ({"bind_dn": "uid=postfix;dc=test"}, "option 'bind_dn': 'uid=postfix;dc=test' is not a distinguished name"),
]
DRIFT = ("rm", "truncate -s 30", "sed -i 's/^bind_pw.*/bind_pw = x/'", "chmod 644", "chown postfix", "cp /etc/hosts")


def test_what_does_not_parse_is_an_error_and_leaves_the_live_file(host: Host) -> None:
    look = batch.shell(f"stat -c '%i %a' {PATH}; cat {PATH}; ls -A /etc/postfix/ldap")
    good, before, *answers = batch.run(host, [
        batch.module("map_config", TASK),
        look,
        *(batch.module("map_config", {**TASK, "options": directory.options(**change)}) for change, _said in UNREADABLE),
        look,
    ])  # fmt: skip
    assert not good.get("failed"), good
    for (change, said), result in zip(UNREADABLE, answers):
        assert result.get("failed"), (change, result)
        assert result["msg"].startswith(f"{PATH}: {said}"), result["msg"]
    assert answers[-1] == before


def test_drift_is_repaired_once_and_shows_no_password(host: Host) -> None:
    look = batch.shell(f"stat -c '%U %G %a' {PATH}; cat {PATH}")
    made, good, *answers = batch.run(host, [
        batch.module("map_config", TASK),
        look,
        *(
            request
            for drift in DRIFT
            for request in (
                batch.shell(f"{drift} {PATH}"),
                batch.module("map_config", TASK),
                batch.module("map_config", TASK, check=True),
                look,
            )
        ),
        batch.shell(f"touch -d '1 hour ago' {PATH}"),
        batch.module("map_config", TASK),
    ])  # fmt: skip
    assert not made.get("failed"), made
    for number, drift in enumerate(DRIFT):
        drifted, repaired, again, after = answers[4 * number : 4 * number + 4]
        assert drifted["rc"] == 0, drifted
        assert repaired["changed"], (drift, repaired)
        assert directory.PASSWORD not in json.dumps(repaired)
        assert again["changed"] is False, (drift, again)
        assert after == good, drift
    assert answers[-1]["changed"] is False


def test_a_directory_that_is_frozen_costs_the_time_of_its_option(host: Host) -> None:
    host.run('kill -STOP "$(pidof slapd)"')
    try:
        done = host.run(
            f"date +%s.%N; postmap -q alice@example.test ldap:{PATH} 2>&1; date +%s.%N", check=False
        ).stdout.splitlines()
    finally:
        host.run('kill -CONT "$(pidof slapd)"')
    assert 2.5 < float(done[-1]) - float(done[0]) < 6, done
    assert "STARTTLS: -5: Timed out" in "\n".join(done), done


ASK = """
for key in alice bob nobody; do
    date +%s.%N
    timeout 20 setpriv --reuid postfix --regid postfix --clear-groups postmap -q $key@example.test proxy:ldap:$1
    date +%s.%N
done 2>&1
"""


def test_proxymap_gives_up_on_a_frozen_directory_each_time(host: Host) -> None:
    """Without LDAPTIMEOUT the second lookup of its process has no end on Linux; a restart brings it there."""
    environment = "MAIL_CONFIG MAIL_LOGTAG LANG=C LDAPTIMEOUT=2"
    settings = (
        f"virtual_mailbox_maps=proxy:ldap:{PATH}",
        "virtual_transport=discard:",
        f"import_environment={environment}",
    )
    host.run(["postconf", *settings])
    made, activated = batch.run(host, [batch.module("map_config", TASK), batch.module("postfix_service", {})])
    assert not made.get("failed"), made
    assert activated["changed"], activated.get("msg", activated)
    host.run('kill -STOP "$(pidof slapd)"')
    try:
        lines = host.run(["sh", "-c", ASK, "-", PATH], check=False).stdout.splitlines()
    finally:
        host.run('kill -CONT "$(pidof slapd)"')
    moments = [float(line) for line in lines if re.fullmatch(r"[0-9.]+", line)]
    waits = [ended - began for began, ended in zip(moments[::2], moments[1::2])]
    assert len(waits) == 3, lines
    assert all(1.5 < seconds < 8 for seconds in waits), (waits, lines)
    assert sum("query error" in line for line in lines) == 3, lines
    again = host.run(["sh", "-c", ASK, "-", PATH], check=False).stdout.splitlines()
    assert again[1] == EXPECT["alice@example.test"], again


def test_libldap_reads_a_filter_as_we_do(host: Host) -> None:
    """Of what we refuse it takes some that RFC 4515 does not have; it refuses nothing that we take."""
    good = [text.replace("%s", "x").replace("%u@%d", "x") for text in FILTERS]
    bad = [text for text, _problem in BAD_FILTERS if text and "\0" not in text and "%u=" not in text]
    ask = "ldapsearch -x -o nettimeout=5 -H ldapi:/// -b dc=example,dc=test -s base "
    answers = batch.run(host, [batch.shell(f"{ask} '{text}' dn") for text in (*good, *bad)])
    for text, answer in zip(good, answers):
        assert "Bad search filter" not in answer["stderr"], (text, answer)
    taken = [text for text, answer in zip(bad, answers[len(good) :]) if "Bad search filter" not in answer["stderr"]]
    # What LDAP version 2 had, blanks and a filter without its outer parentheses.
    assert set(taken) <= {"mail=%s", "(mail =a)", r"(cn=a\(b)", "(uidNumber>=1*)", "(mail"}, taken


#: A unit whose name has the comma that separates the parts of a name, with one account, and the ways to write it.
QUOTED = r"""dn: ou=people\, staff,dc=example,dc=test
objectClass: organizationalUnit
ou: people, staff

dn: mail=erin@quoted.test,ou=people\, staff,dc=example,dc=test
objectClass: inetOrgPerson
objectClass: PostfixBookMailAccount
cn: erin
sn: erin
mail: erin@quoted.test
mailStorageDirectory: quoted.test/erin/
"""
BASES = (
    'ou="people, staff",dc=example,dc=test',
    r"ou=people\, staff,dc=example,dc=test",
    r"ou=people\2C staff,dc=example,dc=test",
    'ou = "people, staff" , dc = example , dc = "test"',
)


def test_a_search_base_with_a_quoted_name(host: Host) -> None:
    """Each way of writing the name finds what is below it, and nothing beside it."""
    host.run(
        "kill $(pidof slapd); while pidof slapd >/dev/null; do sleep 0.1; done;"
        " slapadd -q -f /etc/ldap/directory/slapd.conf && chown -R openldap:openldap /var/lib/ldap &&"
        " slapd -h 'ldap:/// ldaps:/// ldapi:///' -u openldap -g openldap -f /etc/ldap/directory/slapd.conf",
        data=QUOTED,
    )
    path, expect = "/etc/postfix/ldap/quoted.cf", {"erin@quoted.test": "quoted.test/erin/", "alice@example.test": None}
    for base in BASES:
        task = {"path": path, "type": "ldap", "options": directory.options(search_base=base), "expect": expect}
        answer = batch.assert_four(batch.run(host, batch.four("map_config", task)))
        assert (answer["proved"], answer["answers"]) == (True, expect), (base, answer)
        assert host.run(f"postmap -q erin@quoted.test ldap:{path}").stdout == "quoted.test/erin/\n", base


LDAPS, SOCKET = "ldaps://ldap.example.test", "ldapi://%2Frun%2Fslapd%2Fldapi"
SECURE = "tls_require_cert = yes\ntls_ca_cert_file = /etc/ssl"
#: The lines of a client file, and what a daemon in the chroot cannot reach; empty: nothing.
IN_THE_CHROOT = [
    (f"server_host = {LDAPS}\n{SECURE}/ca.pem", "/etc/ssl/ca.pem"),
    (f"server_host = {LDAPS}\n{SECURE}/inside.pem", ""),
    (f"server_host = ldap://ldap.example.test\nstart_tls = yes\n{SECURE}/ca.pem", "/etc/ssl/ca.pem"),
    (f"server_host = ldap://ldap.example.test\nstart_tls = yes\n{SECURE}/inside.pem", ""),
    (f"server_host = {SOCKET}", SOCKET),
    (f"server_host = {SOCKET} {LDAPS}\n{SECURE}/inside.pem", ""),
    (f"server_host = {LDAPS} {SOCKET}\n{SECURE}/inside.pem", ""),
]


def test_what_smtpd_reaches_from_the_chroot(host: Host) -> None:
    """The checks say the same."""
    host.run("mkdir -p /var/spool/postfix/etc/ssl; cp /etc/ssl/ca.pem /etc/ssl/inside.pem")
    host.run("cp /etc/ssl/ca.pem /var/spool/postfix/etc/ssl/inside.pem; postfix stop", check=False)
    client = (
        f"version = 3\ntimeout = 3\nbind = yes\nbind_dn = {directory.SERVICE}\nbind_pw = {directory.PASSWORD}\n"
        "search_base = dc=example,dc=test\nquery_filter = (mail=alice@example.test)\nresult_attribute = uid\n"
        "result_format = REJECT found\n"
    )
    chroot.start(host, [("ldap", f"{client}{text}\n") for text, _missing in IN_THE_CHROOT])
    found = chroot.answers(host, len(IN_THE_CHROOT))
    said = chroot.told(host)
    host.run("postfix stop")
    # 554 is the answer of the table.
    assert found == [(554, 451 if missing else 554) for _text, missing in IN_THE_CHROOT]
    assert set(said) == {number for number, (_text, missing) in enumerate(IN_THE_CHROOT) if missing}
    for number, message in said.items():
        assert f"cannot reach {IN_THE_CHROOT[number][1]} from there. Each lookup fails" in message
