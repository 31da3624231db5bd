# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Much mail at a time: a burst to one mailbox, and a reload and a restart of Postfix while many clients send."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from ansible_collections.puffy.mail.tests.harness.containers import PODMAN, Host, until
from ansible_collections.puffy.mail.tests.harness.playbooks import mail_hosts, playbook

pytestmark = pytest.mark.containers

#: Dovecot 2.4 has a limit of deliveries to one mailbox by itself, and Dovecot 2.3 of this release has none
RELEASES = ("forky", pytest.param("bullseye", marks=pytest.mark.long), pytest.param("trixie", marks=pytest.mark.long))
#: messages of the sample and of the whole
MESSAGES = (200, pytest.param(2000, marks=pytest.mark.long))
MAILDIR = "/var/vmail/example.test/alice/Maildir"
#: sends messages, each of its own number, through many sessions; prints the numbers that were taken
CLIENTS = r"""
import json, smtplib, sys, threading, time
total, sessions = int(sys.argv[1]), int(sys.argv[2])
lock, left, taken, lost = threading.Lock(), list(range(total)), [], []
numbers = iter(range(total, 10 * total))
def session():
    client = None
    while True:
        with lock:
            if not left:
                break
            number = left.pop()
        try:
            if client is None:
                client = smtplib.SMTP("127.0.0.1", 25, "client.example.org", timeout=300)
            client.sendmail("sender@example.org", ["alice@example.test"],
                            "Subject: number-%d-end\r\n\r\n%s\r\n" % (number, "x" * 1000))
            with lock:
                taken.append(number)
        except (OSError, smtplib.SMTPException):
            # Not known to be taken: another number is sent in its place.
            with lock:
                lost.append(number)
                left.append(next(numbers))
            client = None
            time.sleep(0.1)
    if client is not None:
        try:
            client.quit()
        except (OSError, smtplib.SMTPException):
            pass
threads = [threading.Thread(target=session) for _ in range(sessions)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps([taken, lost]))
"""


@pytest.fixture(scope="module", params=RELEASES)
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with Host(f"{request.param}-mail") as made:
        inventory = {
            **made.connection,
            "postfix_reject_unknown_sender_domain": False,
            "tls_pki_ca_directory": str(tmp_path_factory.mktemp("pki")),
            "sqlite_maps_domains": ["example.test"],
            "sqlite_maps_mailboxes": [{"address": "alice@example.test", "password": "one-two-three"}],
        }
        run = playbook("puffy.mail.site", mail_hosts({"mail.example.test": inventory}))
        assert run.rc == 0, run.output
        yield made


@pytest.fixture(autouse=True)
def fresh(host: Host) -> None:
    host.run(f"rm -rf {MAILDIR}; : >/var/log/mail.log")


def log(host: Host, pattern: str) -> list[str]:
    return host.run(["grep", "-E", pattern, "/var/log/mail.log"], check=False).stdout.splitlines()


def numbers(host: Host) -> Counter[int]:
    """The numbers of the messages that the mailbox has."""
    said = host.run(
        f"grep -rhoE '^Subject: number-[0-9]+-end' {MAILDIR}/new {MAILDIR}/cur 2>/dev/null", check=False
    ).stdout
    return Counter(int(number) for number in re.findall(r"\d+", said))


def empty(host: Host) -> bool:
    return "Mail queue is empty" in host.run("postqueue -p").stdout


@pytest.mark.parametrize("messages", MESSAGES)
def test_a_burst_to_one_mailbox_is_delivered_without_delay(host: Host, messages: int) -> None:
    host.run(
        f"smtp-source -s 50 -m {messages} -l 2000 -f sender@example.org -t alice@example.test 127.0.0.1:25",
        timeout=1800,
    )
    until(lambda: empty(host), "the end of the queue")
    assert log(host, "status=(deferred|bounced)|Too many concurrent") == []
    assert len(log(host, "postfix/lmtp.*status=sent")) == messages
    assert int(host.run(f"find {MAILDIR}/new {MAILDIR}/cur -type f | wc -l").stdout) == messages


@pytest.mark.parametrize("messages", MESSAGES)
def test_a_reload_and_a_restart_lose_nothing(host: Host, messages: int) -> None:
    host.module("postconf", {"parameters": {"hopcount_limit": 50, "inet_protocols": "all"}})
    host.module("postfix_service", {})
    arguments = [PODMAN, "exec", host.name, "python3", "-c", CLIENTS, str(messages), "50"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as clients:
        # By turns what a reload is for and what needs a restart, from the first messages on until all are sent.
        until(lambda: log(host, "status=sent"), "the first delivery")
        actions: list[str] = []
        for change in (
            {"hopcount_limit": 60},
            {"inet_protocols": "ipv4"},
            {"hopcount_limit": 50},
            {"inet_protocols": "all"},
        ):
            written = host.module("postconf", {"parameters": change})
            assert written.get("changed"), written
            done = host.module("postfix_service", {})
            assert not done.get("failed"), done
            actions.append(done["action"])
            if len(actions) >= 2 and clients.poll() is not None:
                break
        said = clients.communicate(timeout=1800)[0]
    assert clients.returncode == 0
    taken, lost = json.loads(said)
    assert len(taken) == messages
    assert {"reload", "restart"} <= set(actions)
    started = time.monotonic()
    host.run("postqueue -f")
    until(lambda: empty(host), "the end of the queue")
    assert time.monotonic() - started < 600
    found = numbers(host)
    assert [number for number in taken if not found[number]] == []
    # A stop of Postfix waits for its delivery agents. One that it cut off would have its message delivered again.
    assert [number for number, times in found.items() if times > 1] == []
    assert set(found) <= {*taken, *lost}
