# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bare OpenBSD host has become a mail host; it stays one, whatever rcctl(8) says between runs; and it goes back.

The tests run in the order they stand here: each leaves the host as the next one needs it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._probe import mail_log
from ansible_collections.puffy.mail.tests.harness.playbooks import Run
from ansible_collections.puffy.mail.tests.harness.scenarios import DEBIAN_ONLY, SNAPSHOT, play

STATE = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "state")


def name_of(host: Any) -> str:
    return str(host.backend.name).rpartition("-")[2]


def run_play(host: Any, playbook: str, *options: str) -> Run:
    recap = play(playbook, "--limit", name_of(host), *options)
    assert recap.rc == 0, recap.output
    return recap


def greeting(host: Any) -> str:
    """What answers on port 25."""
    program = "import socket; print(socket.create_connection(('127.0.0.1', 25), 10).makefile().readline())"
    return str(host.check_output(f'python3 -c "{program}"')).strip()


def arrives(host: Any, text: str) -> bool:
    """Whether a message with ``text`` comes to lie in a Maildir."""
    command = f"for i in $(seq 6000); do grep -rqs '{text}' /var/vmail && exit 0; sleep 0.1; done; exit 1"
    return bool(host.run(command).rc == 0)


def test_postfix_has_port_25_and_smtpd_has_gone(host: Any) -> None:
    assert "/usr/local/libexec/postfix/master" in host.check_output("ps -eo args=")
    assert not re.search(r"\bsmtpd: \[priv|/usr/sbin/smtpd", host.check_output("ps -eo args="))
    assert greeting(host) == f"220 mail.{name_of(host)}.test ESMTP Postfix"
    assert host.run("rcctl check smtpd").rc == 1
    assert host.run("rcctl get smtpd status").rc == 1


def test_both_start_at_boot_postfix_last(host: Any) -> None:
    assert host.check_output("rcctl order").split()[-2:] == ["dovecot", "postfix"]
    assert {"dovecot", "postfix"} <= set(host.check_output("rcctl ls started").split())
    assert host.run("rcctl ls failed").stdout.split() == []


def test_postfix_runs_in_its_login_class(host: Any) -> None:
    limits = host.check_output("cat /proc/$(pgrep -of ^/usr/local/libexec/postfix/master)/limits")
    assert re.search(r"^Max open files +4096 +4096 ", limits, re.MULTILINE)


def test_the_programs_of_base_reach_postfix(host: Any) -> None:
    for program in ("/usr/sbin/sendmail", "/usr/bin/mailq", "/usr/bin/newaliases"):
        assert host.check_output(f"readlink -f {program}").endswith("/mailwrapper")
    assert "Mail queue is empty" in host.check_output("mailq")
    host.check_output("rm /etc/mail/aliases.db && newaliases")
    assert host.check_output("postalias -q root hash:/etc/mail/aliases") == "alice@example.test"
    host.check_output("printf 'Subject: one\\n\\nhanded to sendmail\\n' | sendmail root")
    assert arrives(host, "handed to sendmail")


def test_the_account_of_the_mail_store_reached_postfix_and_dovecot_as_a_fact(host: Any) -> None:
    uid, gid = host.check_output("getent passwd vmail | cut -d: -f3,4").split(":")
    assert host.check_output("postconf -h virtual_uid_maps virtual_gid_maps virtual_mailbox_base").split("\n") == [
        f"static:{uid}",
        f"static:{gid}",
        "/var/vmail",
    ]
    assert host.check_output("doveconf -h first_valid_uid last_valid_uid").split() == [uid, uid]
    assert host.check_output("find /var/vmail -mindepth 1 -exec stat -c %u:%g {} + | sort -u") == f"{uid}:{gid}"


def test_the_confined_daemons_find_their_files(host: Any) -> None:
    columns = host.check_output("postconf -F '*/*/chroot'").splitlines()
    assert "smtp/inet/chroot = y" in columns
    assert "proxymap/unix/chroot = n" in columns
    for name in ("hosts", "localtime", "resolv.conf", "services"):
        assert host.run(f"cmp /etc/{name} /var/spool/postfix/etc/{name}").rc == 0
    answer = host.run("postfix check")
    assert (answer.rc, DEBIAN_ONLY.sub("", answer.stderr)) == (0, "")


def test_mail_goes_from_every_port_to_its_mailbox(host: Any) -> None:
    run_play(host, "puffy.mail.verify")
    found = mail_log.problems(host.check_output("cat /var/log/maillog").splitlines())
    assert [one.line for one in found if not DEBIAN_ONLY.search(one.line)] == []


def test_no_rcctl_command_leads_to_a_false_change_and_what_the_user_set_stays(host: Any) -> None:
    commands = ["enable postfix", "disable smtpd", "set slowcgi2 status off", "set postfix status on", "disable pf"]
    commands += ["set dovecot timeout 60", "order dovecot postfix"]
    if name_of(host) == "stable":
        commands += ["set messagebus timeout 9", "order messagebus"]
    for command in commands:
        host.check_output(f"rcctl {command}")
    text = host.check_output("cat /etc/rc.conf.local")
    try:
        recap = run_play(host, "puffy.mail.site", "--check", "--diff")
        assert recap.counts["changed"] == 0, recap.output
        assert host.check_output("cat /etc/rc.conf.local") == text
        assert {"pf=NO", "dovecot_timeout=60", "smtpd_flags=NO"} <= set(text.splitlines())
    finally:
        host.check_output("rcctl enable pf && rcctl set dovecot timeout 30")
        host.run("rcctl set messagebus timeout 30")


def test_the_way_back_ends_where_the_host_came_from(host: Any) -> None:
    before = (STATE / f"{name_of(host)}.snapshot").read_text().strip()
    host.check_output("printf 'Subject: two\\n\\nto be kept\\n' | sendmail -f alice@example.test far@[192.0.2.1]")
    queued = "grep -rl 'to be kept' /var/spool/postfix/incoming /var/spool/postfix/active /var/spool/postfix/deferred"
    assert host.run(f"for i in $(seq 6000); do {queued} && exit; sleep 0.1; done; exit 1").rc == 0
    recap = run_play(host, "puffy.mail.restore")
    assert "Mail stays in /var/spool/postfix, and nothing delivers it: -- " in re.sub(r"\s+", " ", recap.output)
    assert host.check_output(SNAPSHOT).strip() == before
    assert len(host.check_output(queued).splitlines()) == 1
    host.check_output("printf 'Subject: three\\n\\nto smtpd\\n' | sendmail -f root root")
    again = run_play(host, "puffy.mail.restore")
    assert (again.counts["changed"], host.check_output(SNAPSHOT).strip()) == (0, before), again.output
    assert "There is nothing to take back." in again.output


def test_there_again(host: Any) -> None:
    run_play(host, "puffy.mail.site")
    assert greeting(host) == f"220 mail.{name_of(host)}.test ESMTP Postfix"
    host.check_output("printf 'Subject: four\\n\\nthere again\\n' | sendmail root")
    assert arrives(host, "there again")
    # Postfix goes on with the mail it had
    assert "far@[192.0.2.1]" in host.check_output("mailq")
