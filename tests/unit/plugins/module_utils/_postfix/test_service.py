# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running Postfix needs, from what was last activated and what is on disk."""

# ruff: noqa: S104

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.puffy.mail.plugins.module_utils import _activation as activation
from ansible_collections.puffy.mail.plugins.module_utils._postfix import service, types
from ansible_collections.puffy.mail.plugins.module_utils._postfix.service import ConfigFile, Listener, Snapshot

MASTER = "smtp inet n - y - - smtpd\npickup unix n - y 60 1 pickup\n"
SETTINGS = {"inet_interfaces": "all", "inet_protocols": "all", "queue_directory": "/var/spool/postfix"}
BASE = Snapshot(ConfigFile("myhostname = a\n", 5), ConfigFile(MASTER, 6), SETTINGS, {"/k": "sha256:1"}, "3.11.1", 7)


def main_cf(text: str, snapshot: Snapshot = BASE) -> Snapshot:
    return replace(snapshot, main=ConfigFile(text))


def master_cf(text: str, snapshot: Snapshot = BASE) -> Snapshot:
    return replace(snapshot, master=ConfigFile(text))


def port_of(name: str) -> int | None:
    return {"smtp": 25, "submission": 587, "submissions": 465, "smtps": 465}.get(name)


def addresses_of(name: str) -> list[str]:
    known = {"mail.example.test": ["192.0.2.1", "2001:db8::1"], "localhost": ["127.0.0.1", "::1"]}
    literal = name if name.replace(".", "").isdigit() or ":" in name else None
    return [literal] if literal else known.get(name, [])


def bound(master: str, main: dict[str, str] | None = None, **settings: str) -> list[str]:
    found = service.listeners(
        service.services(master), {**SETTINGS, **settings}, (main or {}).get, port_of, addresses_of
    )
    return [f"{listener.service} {listener} {listener.greets}" for listener in found]


@pytest.mark.parametrize(
    ("now", "action", "reasons"),
    [
        (BASE, "none", []),
        (main_cf("# a comment\nmyhostname=a\n\n"), "none", []),
        (main_cf("myhostname = b\nmyhostname =\n  a\n"), "none", []),
        (main_cf("myhostname = b\n"), "reload", ["main.cf: myhostname is 'b' and was 'a'"]),
        (main_cf(""), "reload", ["main.cf: myhostname is not set and was 'a'"]),
        (
            main_cf("myhostname = a\nmessage_size_limit = 1\n"),
            "reload",
            ["main.cf: message_size_limit is '1' and was not set"],
        ),
        # Set to its default: nothing for master(8) to do again.
        (main_cf("myhostname = a\ninet_interfaces = all\n"), "none", []),
        # Only a parameter that inet_interfaces refers to is another one.
        (
            replace(main_cf("myhostname = b\n"), settings={**SETTINGS, "inet_interfaces": "b"}),
            "restart",
            [
                "main.cf: myhostname is 'b' and was 'a'",
                "main.cf: inet_interfaces is 'b' and was 'all'; Postfix reads it only when it starts",
            ],
        ),
        (
            replace(BASE, settings={**SETTINGS, "inet_protocols": "ipv4"}),
            "restart",
            ["main.cf: inet_protocols is 'ipv4' and was 'all'; Postfix reads it only when it starts"],
        ),
        # A name that this Postfix does not have is no difference.
        (replace(BASE, settings={k: v for k, v in SETTINGS.items() if k != "queue_directory"}), "none", []),
        (master_cf(MASTER.replace(" - y", "     -  y") + "# end\n"), "none", []),
        (
            master_cf(MASTER + "submission inet n - y - - smtpd\n"),
            "reload",
            ["master.cf: service submission/inet is new"],
        ),
        (
            master_cf("smtp inet n - n - - smtpd\n"),
            "reload",
            ["master.cf: service pickup/unix is gone", "master.cf: service smtp/inet has another entry"],
        ),
        (
            replace(BASE, files={"/k": "sha256:2"}),
            "reload",
            ["/k: its content differs from what was last activated; daemons read it when they start"],
        ),
        (replace(BASE, files={"/new": "sha256:2"}), "none", []),
        (replace(BASE, version="3.11.2"), "restart", ["Postfix 3.11.2 is installed and 3.11.1 runs"]),
        (replace(BASE, version="3.11.2", pid=8), "none", []),
    ],
)
def test_plan(now: Snapshot, action: str, reasons: list[str]) -> None:
    plan = service.plan(BASE, now, running=True)
    assert (plan.action, plan.reasons) == (action, reasons)
    stopped = service.plan(BASE, now, running=False)
    assert stopped.action == "start"
    assert stopped.reasons == ["Postfix is not running", *reasons]


def test_what_master_refuses() -> None:
    text = "smtp inet - - n - - smtpd\n587 inet n - n - - smtpd\nsmtp unix - - n - - smtp\n465 inet y - n - - smtpd\n"
    assert service.refused(service.services(text)) == [
        f"master.cf: service {key} is private ({value!r}), and master(8) ends at an inet service that is; write n in"
        " that column"
        for key, value in (("smtp/inet", "-"), ("465/inet", "y"))
    ]


def test_every_restart_only_parameter_restarts() -> None:
    for name in types.RESTART:
        before = replace(BASE, settings={name: "a"})
        assert service.plan(before, replace(BASE, settings={name: "b"}), running=True).action == "restart", name


def test_plan_without_a_record() -> None:
    plan = service.plan(None, BASE, running=True)
    assert (plan.action, plan.reasons) == ("reload", ["no record tells what the running Postfix has loaded"])
    plan = service.plan(None, BASE, running=True, unsure="the daemon listens elsewhere")
    assert plan.action == "restart"
    assert plan.reasons == ["no record tells what the running Postfix has loaded, and the daemon listens elsewhere"]
    assert service.plan(None, BASE, running=False).reasons == ["Postfix is not running"]


@pytest.mark.parametrize(("left", "action"), [("reload", "reload"), ("restart", "restart"), ("start", "restart")])
def test_plan_after_an_interrupted_run(left: str, action: str) -> None:
    plan = service.plan(BASE, BASE, running=True, pending=left)
    assert (plan.action, plan.reasons) == (
        action,
        [f"an earlier run ended before its {left} of Postfix was complete"],
    )


def test_a_taken_over_port_restarts() -> None:
    held = [Listener("smtps/inet", "0.0.0.0", 465), Listener("smtp/inet", "0.0.0.0", 25)]
    wanted = [Listener("submissions/inet", "127.0.0.1", 465), Listener("smtp/inet", "0.0.0.0", 25)]
    assert service.plan(BASE, BASE, running=True, held=held, wanted=held).action == "none"
    plan = service.plan(BASE, BASE, running=True, held=held, wanted=wanted)
    assert plan.action == "restart"
    assert plan.reasons == [
        "master.cf: service submissions/inet listens on 127.0.0.1:465, which service smtps/inet holds;"
        " Postfix hands a port over only when it restarts"
    ]


def test_stop_plan() -> None:
    assert activation.stop_plan(True).action == "stop"
    assert activation.stop_plan(False) == activation.Plan("none")


def test_diff_masks_secrets() -> None:
    before = main_cf("smtp_sasl_password_maps = inline:{ {a = u:first} }\nrelayhost = [a]\n")
    now = main_cf("smtp_sasl_password_maps = inline:{ {a = u:second} }\nrelayhost = [b]\nldap_bind_pw = third\n")
    now = master_cf(MASTER + "x inet n - - - - smtpd -o y_password=fourth\n", now)
    plan = service.plan(before, now, running=True)
    shown = str(plan)
    for secret in ("first", "second", "third", "fourth"):
        assert secret not in shown
    diff = plan.diff("/etc/postfix")
    assert diff["before_header"] == "Postfix as last activated"
    assert diff["after_header"] == "Postfix with /etc/postfix"
    assert "relayhost = [a]\n" in diff["before"]
    assert "relayhost = [b]\n" in diff["after"]
    # Masked values that differ still show as a difference.
    hidden = [line for line in diff["after"].splitlines() if line.startswith("smtp_sasl_password_maps")]
    assert hidden
    assert hidden[0] not in diff["before"].splitlines()


@pytest.mark.parametrize(
    ("main", "master", "paths"),
    [
        ("", "", []),
        ("smtpd_tls_cert_file = /e/c.pem\nsmtpd_tls_key_file=$smtpd_tls_cert_file\n", "", ["/e/c.pem"]),
        ("smtpd_tls_chain_files = /e/k.pem, /e/c.pem\n", "", ["/e/c.pem", "/e/k.pem"]),
        ("smtpd_client_restrictions = check_client_access cidr:/e/c, permit\n", "", ["/e/c"]),
        ("smtpd_client_restrictions = check_client_access cidr:$config_directory/c\n", "", ["/etc/postfix/c"]),
        ("virtual_mailbox_maps = proxy:sqlite:/e/s.cf hash:/e/h\n", "", ["/e/s.cf"]),
        ("alias_maps = hash:/e/a, lmdb:/e/b, btree:/e/c, cdb:/e/d, proxy:hash:/e/e\n", "", []),
        ("x = unionmap:{pcre:/e/p, texthash:/e/t, inline:{/a=b}}\n", "", ["/a=b", "/e/p", "/e/t"]),
        ("mynetworks = 127.0.0.0/8, !/e/not, /e/networks\n", "", ["/e/networks", "/e/not"]),
        ("mail_spool_directory = /var/mail\nmailbox_command = /bin/x\nmaillog_file = /var/log/p\n", "", []),
        ("smtpd_sasl_path = /var/x\nsmtp_tls_CApath = /e/certs\nsendmail_path = /usr/sbin/sendmail\n", "", []),
        ("smtpd_milters = unix:/run/m.sock, inet:localhost:8891\ntls_random_source = dev:/dev/urandom\n", "", []),
        ("mailbox_transport = lmtp:unix:/run/lmtp\n", "", []),
        ("", "s inet n - - - - smtpd\n -o smtpd_tls_cert_file=/e/o.pem\n -o { a = b /e/c }\n", ["/e/c", "/e/o.pem"]),
        ("", "p unix - n n - - pipe flags=R argv=/usr/bin/x ${recipient}\n", []),
        ("x = ${unbalanced cidr:/e/c\n", "", ["/e/c"]),
    ],
)
def test_read_files(main: str, master: str, paths: list[str]) -> None:
    parameters = service.parameters(main)
    lookup = {"config_directory": "/etc/postfix", **parameters}.get
    assert list(service.read_files(parameters, service.services(master), lookup)) == paths


SMTP = "smtp inet n - y - - smtpd\n"
V4 = {"inet_protocols": "ipv4"}


@pytest.mark.parametrize(
    ("master", "main", "settings", "expected"),
    [
        (SMTP, {}, {}, ["smtp/inet 0.0.0.0:25 smtp", "smtp/inet [::]:25 smtp"]),
        (SMTP, {}, V4, ["smtp/inet 0.0.0.0:25 smtp"]),
        (SMTP, {}, {"inet_protocols": "ipv6"}, ["smtp/inet [::]:25 smtp"]),
        (SMTP, {}, {"inet_protocols": "ipv4, ipv6"}, ["smtp/inet 0.0.0.0:25 smtp", "smtp/inet [::]:25 smtp"]),
        (SMTP, {}, {"inet_interfaces": "loopback-only"}, ["smtp/inet 127.0.0.1:25 smtp", "smtp/inet [::1]:25 smtp"]),
        (
            SMTP,
            {},
            {"inet_interfaces": "mail.example.test, localhost", "inet_protocols": "ipv4"},
            ["smtp/inet 192.0.2.1:25 smtp", "smtp/inet 127.0.0.1:25 smtp"],
        ),
        (SMTP, {}, {"inet_interfaces": "127.0.0.1 127.0.0.1"}, ["smtp/inet 127.0.0.1:25 smtp"]),
        ("127.0.0.1:10025 inet n - y - - smtpd\n", {}, {}, ["127.0.0.1:10025/inet 127.0.0.1:10025 smtp"]),
        ("[::1]:smtp inet n - y - - smtpd\n", {}, {}, ["[::1]:smtp/inet [::1]:25 smtp"]),
        ("[::1]:smtp inet n - y - - smtpd\n", {}, V4, []),
        ("localhost:2525 inet n - y - - smtpd\n", {}, V4, ["localhost:2525/inet 127.0.0.1:2525 smtp"]),
        ("2525 inet n - y - - spawn argv=/bin/x\n", {}, V4, ["2525/inet 0.0.0.0:2525 connect"]),
        ("smtp inet n - y - 1 postscreen\nsmtpd pass - - y - - smtpd\n", {}, V4, ["smtp/inet 0.0.0.0:25 smtp"]),
        (
            "smtp inet n - y - 1 postscreen\nsmtpd pass - - y - - smtpd\n",
            {"postscreen_upstream_proxy_protocol": "haproxy", "smtpd_tls_wrappermode": "yes"},
            V4,
            ["smtp/inet 0.0.0.0:25 connect"],
        ),
        ("465 inet n - y - - smtpd -o smtpd_tls_wrappermode=yes\n", {}, V4, ["465/inet 0.0.0.0:465 smtps"]),
        ("465 inet n - y - - smtpd\n", {"smtpd_tls_wrappermode": "yes"}, V4, ["465/inet 0.0.0.0:465 smtps"]),
        (SMTP, {"smtpd_upstream_proxy_protocol": "haproxy"}, V4, ["smtp/inet 0.0.0.0:25 connect"]),
        (SMTP, {"master_service_disable": "smtp.inet"}, {}, []),
        (SMTP, {"master_service_disable": "inet"}, {}, []),
        ("pickup unix n - y 60 1 pickup\n", {}, {}, []),
    ],
)
def test_listeners(master: str, main: dict[str, str], settings: dict[str, str], expected: list[str]) -> None:
    assert bound(master, main, **settings) == expected


@pytest.mark.parametrize(
    ("master", "settings", "message"),
    [
        (
            "smpt inet n - y - - smtpd\n",
            {},
            "master.cf: service smpt/inet: 'smpt' is neither a port number nor a name in services(5)",
        ),
        (
            "no.test:25 inet n - y - - smtpd\n",
            {},
            "master.cf: service no.test:25/inet: 'no.test' is neither an address nor a host name that resolves",
        ),
        (
            SMTP,
            {"inet_interfaces": "no.test"},
            "inet_interfaces: 'no.test' is neither an address nor a host name that resolves",
        ),
    ],
)
def test_listeners_that_nobody_knows(master: str, settings: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        bound(master, **settings)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (("0.0.0.0", 25), ("127.0.0.1", 25), True),
        (("127.0.0.1", 25), ("127.0.0.1", 25), True),
        (("127.0.0.1", 25), ("192.0.2.1", 25), False),
        (("0.0.0.0", 25), ("0.0.0.0", 26), False),
        (("0.0.0.0", 25), ("::", 25), False),
        (("::1", 25), ("::", 25), True),
    ],
)
def test_overlaps(one: tuple[str, int], other: tuple[str, int], expected: bool) -> None:
    first, second = Listener("a/inet", *one), Listener("b/inet", *other)
    assert first.overlaps(second) is second.overlaps(first) is expected
    sentence = f"master.cf: services a/inet and b/inet both listen on {second}"
    assert service.collisions([first, second]) == ([sentence] if expected else [])
    assert service.collisions([first, first]) == []


def test_probes_greet_once_a_service_and_ipv4_first() -> None:
    wanted = [
        Listener("a/inet", "::", 25, "smtp"),
        Listener("a/inet", "0.0.0.0", 25, "smtp"),
        Listener("b/inet", "::1", 26, "smtp"),
    ]
    assert [(str(probe), probe.greets) for probe in service.probes(wanted)] == [
        ("0.0.0.0:25", "smtp"),
        ("[::]:25", "connect"),
        ("[::1]:26", "smtp"),
    ]


def test_known_ports() -> None:
    value = "lmtp=24, smtp=25, smtps=submissions=465, submission=587, odd=x"
    assert service.known_ports(value) == {
        "lmtp": 24,
        "smtp": 25,
        "smtps": 465,
        "submissions": 465,
        "submission": 587,
    }
    assert service.known_ports("") == {}


def test_the_record_survives_a_round_trip() -> None:
    odd = main_cf("myhostname = a\\\n\t\udce9 = \u00e9\n")
    record = service.to_record(odd, "/etc/postfix", {"timeout": 3}, {"/d": None})
    assert activation.decode(activation.encode(record)) == record
    assert service.of_record(activation.decode(activation.encode(record))) == odd


def test_a_record_of_another_daemon() -> None:
    with pytest.raises(ValueError, match=r"is not a record of an activated Postfix: .* '/etc/dovecot/main\.cf'"):
        service.of_record(activation.Record("Dovecot", "/etc/dovecot"))


LOG = {
    "Nov 21 10:59:34 mail postfix/master[542]: fatal: bind 0.0.0.0 port 2525: Address already in use": (True, True),
    "Nov 21 11:15:37 mail postfix[2584]: fatal: bad numerical configuration: message_size_limit = ten": (True, False),
    "Nov 21 11:15:37 mail postfix/smtpd[9]: fatal: bad time configuration: smtpd_timeout = ten": (True, False),
    "Nov 21 11:00:00 mail postfix/master[9]: warning: /x/smtpd: bad command startup -- throttling": (True, True),
    "Nov 21 11:00:00 mail postfix/master[9]: warning: process /x/smtpd pid 3 exit status 1": (True, False),
    "Nov 21 11:00:00 mail postfix/qmgr[9]: panic: no such thing": (True, True),
    "Nov 21 11:00:00 mail postfix-out/master[9]: fatal: no": (True, True),
    "Nov 21 10:59:07 mail postfix/master[198]: warning: service smtp: ignoring inet_interfaces change": (True, False),
    "Nov 21 11:00:00 mail postfix/tlsmgr[9]: warning: hash/btree support is deprecated.": (False, False),
    "Nov 21 11:00:00 mail postfix/smtpd[9]: connect from localhost[127.0.0.1]": (False, False),
    "Nov 21 11:00:00 mail dovecot: master: fatal: no": (False, False),
}


@pytest.mark.parametrize(("line", "expected"), LOG.items())
def test_log_lines(line: str, expected: tuple[bool, bool]) -> None:
    assert (bool(service.problems([line])), service.failed([line])) == expected
    assert service.throttled([line]) == ("throttling" in line)


def test_orphans_are_the_network_daemons_without_a_master() -> None:
    def process(pid: int, parent: int, command: str) -> service.Process:
        return service.Process(pid, parent, tuple(command.split(" ")))

    table = [
        process(1, 0, "/sbin/init"),
        process(2, 0, ""),
        process(10, 1, "/usr/lib/postfix/sbin/master -w"),
        process(11, 10, "smtpd -n smtp -t inet -u -o stress= -s 2"),
        process(12, 1, "smtpd -n smtp -t inet -u"),
        process(13, 1, "qmgr -l -t unix -u"),
        process(14, 1, "smtp -n smtp -t unix -u"),
        process(15, 1, "sshd -t inet"),
        process(16, 12, "smtpd -n 127.0.0.1:2525 -t inet"),
        process(17, 1, "postscreen -l -n smtp -t inet -u -c -s 2"),
        process(18, 1, "smtpd -z -n 10025 -t inet -u"),
        process(19, 10, "postscreen -l -n smtp -t inet -u"),
    ]
    assert service.orphans(table) == [12, 16, 17, 18]
