# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""make demo, as a person runs it: twice, with a taken port, interrupted, and what a client then finds."""

from __future__ import annotations

import base64
import imaplib
import json
import os
import re
import resource
import shlex
import signal
import smtplib
import socket
import ssl
import stat
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.containers import ROOT, podman, until
from ansible_collections.puffy.mail.tests.harness.playbooks import playbook

pytestmark = pytest.mark.containers

PORT_BASE = 22000
NAME = f"puffy-mail-test-demo-{os.getpid()}"


class Demo:
    """One demo with a name, ports and a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environment = {
            **os.environ,
            "DEMO_NAME": NAME,
            "DEMO_PORT_BASE": str(PORT_BASE),
            "DEMO_DIRECTORY": str(directory),
            "NO_COLOR": "1",
        }

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "tools" / "demo.py"), "up"],
            env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip

    def up(self) -> tuple[int, str]:
        process = self.start()
        output, _none = process.communicate()
        return process.returncode, output

    @property
    def access(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((self.directory / "access.json").read_text())
        return loaded


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    running = Demo(tmp_path_factory.mktemp("demo") / "state")
    try:
        with socket.create_server(("127.0.0.1", PORT_BASE + 587)):
            status, output = running.up()
        assert status == 1
        assert f"The port {PORT_BASE + 587} on 127.0.0.1, wanted for submission, cannot be used" in output

        # Ended in the middle of the first play, whatever it was doing then.
        process = running.start()
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("TASK [puffy.mail.dovecot"):
                break
        else:
            raise AssertionError("the demo has ended before the first task of dovecot")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()

        status, output = running.up()
        assert status == 0, output
        yield running
    finally:
        podman("rm", "--force", "--time", "0", NAME, check=False)


#: what the output says when the demo is ended: while the host starts, in the first play and in the second one
STEPS = [
    "==> Starting the bare host",
    "==> Running puffy.mail.site",
    "TASK [puffy.mail.tls_pki",
    "TASK [puffy.mail.dovecot",
    "TASK [puffy.mail.postfix",
    "==> Running puffy.mail.verify",
    "TASK [Probe the endpoints",
]


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_interrupted_at_any_step_the_next_one_works(tmp_path: Path, number: signal.Signals) -> None:
    """Each run is ended one step later than the one before; the last one is left alone."""
    running = Demo(tmp_path / "state")
    running.environment.update(DEMO_NAME=f"{NAME}-ended", DEMO_PORT_BASE=str(PORT_BASE + 2000))
    try:
        for step in STEPS:
            process = running.start()
            assert process.stdout is not None
            seen = []
            for line in process.stdout:
                seen.append(line)
                if line.startswith(step):
                    break
            assert seen[-1].startswith(step), "".join(seen)
            time.sleep(0.2)
            # From a terminal the whole group is told; kill(1) tells one process.
            (os.kill if number == signal.SIGTERM else os.killpg)(process.pid, number)
            rest = process.stdout.read()
            status = process.wait()
            process.stdout.close()
            assert status == (-number if number == signal.SIGKILL else 130), rest
            assert number == signal.SIGKILL or "Nothing needs to be cleaned up" in rest
        status, output = running.up()
        assert status == 0, output
        status, output = running.up()
        assert status == 0, output
        assert re.search(r"mail\.example\.test +: ok=\d+ +changed=0 ", output)
    finally:
        podman("rm", "--force", "--time", "0", f"{NAME}-ended", check=False)


def context(demo: Demo, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=demo.access["ca_file"])
    made.verify_flags |= ssl.VERIFY_X509_STRICT
    if version is not None:
        made.set_ciphers("DEFAULT:@SECLEVEL=0")
        made.minimum_version = made.maximum_version = version
    return made


class Smtp(smtplib.SMTP):
    """smtplib verifies the name it connected to; the demo is reached by address."""

    _host = "mail.example.test"


class SmtpTls(smtplib.SMTP_SSL):
    _host = "mail.example.test"

    def _get_socket(self, host: str, port: int, timeout: float) -> ssl.SSLSocket:
        raw = socket.create_connection((host, port), timeout)
        return self.context.wrap_socket(raw, server_hostname="mail.example.test")


def smtp(demo: Demo, service: str, version: ssl.TLSVersion | None = None) -> smtplib.SMTP:
    port = demo.access["ports"][service]
    if service == "submissions":
        return SmtpTls(
            "127.0.0.1", port, local_hostname="client.example.org", context=context(demo, version), timeout=120
        )
    client = Smtp(local_hostname="client.example.org", timeout=120)
    client.connect("127.0.0.1", port)
    client._host = "mail.example.test"
    client.ehlo()
    return client


def imap(demo: Demo, version: ssl.TLSVersion | None = None) -> imaplib.IMAP4:
    port = demo.access["ports"]["imaps"]

    class Imap(imaplib.IMAP4_SSL):
        def _create_socket(self, timeout: float | None) -> ssl.SSLSocket:
            raw = socket.create_connection(("127.0.0.1", port), timeout or 20)
            return context(demo, version).wrap_socket(raw, server_hostname="mail.example.test")

    return Imap("127.0.0.1", port, timeout=120)


def account(demo: Demo, name: str) -> tuple[str, str]:
    for entry in demo.access["accounts"]:
        if entry["address"].startswith(f"{name}@"):
            return entry["address"], entry["password"]
    raise AssertionError(f"no account {name}")


def received(demo: Demo, name: str, token: str) -> bytes:
    """The body of the message whose subject is ``token`` in the mailbox of ``name``."""
    with imap(demo) as client:
        client.login(*account(demo, name))

        def numbers() -> list[bytes]:
            client.select()
            _status, found = client.search(None, "SUBJECT", token)
            return bytes(found[0]).split()

        until(numbers, f"the delivery of {token} to {name}")
        _status, parts = client.fetch(numbers()[0].decode(), "(BODY[TEXT])")
        assert isinstance(parts[0], tuple)
        return parts[0][1]


BODY = "Grüße\r\n.leading dot\r\n..two\r\n" + "x" * 900 + "\r\nend\r\n"


def message(sender: str, recipient: str, token: str) -> bytes:
    header = f"From: {sender}\r\nTo: {recipient}\r\nSubject: {token}\r\n"
    header += "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    return (header + BODY).encode()


def test_access_is_for_the_owner_only(demo: Demo) -> None:
    path = demo.directory / "access.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    access = demo.access
    assert access["host"] == "127.0.0.1"
    assert access["hostname"] == "mail.example.test"
    assert access["ports"] == {
        "smtp": PORT_BASE + 25,
        "submission": PORT_BASE + 587,
        "submissions": PORT_BASE + 465,
        "imaps": PORT_BASE + 993,
    }
    assert [entry["address"] for entry in access["accounts"]] == ["alice@example.test", "bob@example.test"]


def test_port_25_is_a_public_mail_exchanger(demo: Demo) -> None:
    with smtp(demo, "smtp") as client:
        assert client.has_extn("starttls")
        assert not client.has_extn("auth")
        client.starttls(context=context(demo))
        client.ehlo()
        assert not client.has_extn("auth")
        client.mail("someone@elsewhere.example")
        code, text = client.rcpt("victim@foreign.example")
        assert (code, text[:5]) == (554, b"5.7.1")
        code, text = client.rcpt("nobody@example.test")
        assert (code, text[:5]) == (550, b"5.1.1")


def test_587_wants_tls_first(demo: Demo) -> None:
    with smtp(demo, "submission") as client:
        assert not client.has_extn("auth")
        assert client.docmd("AUTH", "PLAIN AGEAYg==")[0] in (503, 530)
        assert client.mail("alice@example.test")[0] == 530


@pytest.mark.parametrize("service", ["submission", "submissions"])
def test_submission_checks_passwords_and_senders(demo: Demo, service: str) -> None:
    alice, password = account(demo, "alice")
    bob, _password = account(demo, "bob")
    with smtp(demo, service) as client:
        if service == "submission":
            client.starttls(context=context(demo))
        client.ehlo()
        wrong = base64.b64encode(f"\0{alice}\0wrong".encode()).decode()
        assert client.docmd("AUTH", f"PLAIN {wrong}")[0] == 535
        right = base64.b64encode(f"\0{alice}\0{password}".encode()).decode()
        assert client.docmd("AUTH", f"PLAIN {right}")[0] == 235
        client.mail(bob)
        code, text = client.rcpt(alice)
        assert (code, text[:5]) == (553, b"5.7.1")


@pytest.mark.parametrize("service", ["smtp", "submission", "submissions", "imaps"])
@pytest.mark.parametrize(
    ("version", "accepted"),
    [
        (ssl.TLSVersion.TLSv1, False),
        (ssl.TLSVersion.TLSv1_1, False),
        (ssl.TLSVersion.TLSv1_2, True),
        (ssl.TLSVersion.TLSv1_3, True),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_protocols(demo: Demo, service: str, version: ssl.TLSVersion, accepted: bool) -> None:
    def handshake() -> str | None:
        if service == "imaps":
            with imap(demo, version) as client:
                return client.sock.version()
        with smtp(demo, service, version) as client:
            if service != "submissions":
                client.starttls(context=context(demo, version))
            assert isinstance(client.sock, ssl.SSLSocket)
            return client.sock.version()

    if accepted:
        assert handshake() == version.name.replace("_", ".")
    else:
        with pytest.raises((ssl.SSLError, OSError)):
            handshake()


def test_mail_from_alice_to_bob(demo: Demo) -> None:
    token = uuid.uuid4().hex
    alice, password = account(demo, "alice")
    bob, _password = account(demo, "bob")
    with smtp(demo, "submissions") as client:
        client.login(alice, password)
        client.sendmail(alice, [bob], message(alice, bob, token), mail_options=["BODY=8BITMIME"])
    assert received(demo, "bob", token) == BODY.encode()


@pytest.mark.parametrize(
    ("recipient", "reader"),
    [
        ("alice@example.test", "alice"),
        ("Alice+Tag@Example.Test", "alice"),
        ("postmaster@example.test", "alice"),
        ("sales@example.test", "bob"),
    ],
)
def test_mail_from_outside(demo: Demo, recipient: str, reader: str) -> None:
    token = uuid.uuid4().hex
    sender = "someone@elsewhere.example"
    with smtp(demo, "smtp") as client:
        client.sendmail(sender, [recipient], message(sender, recipient, token), mail_options=["BODY=8BITMIME"])
    assert received(demo, reader, token) == BODY.encode()


def test_a_second_run_changes_nothing_and_is_quick(demo: Demo) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    status, output = demo.up()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert status == 0, output
    assert set(re.findall(r"changed=(\d+)", output)) == {"0"}, output
    # What does not apply to the host is not shown.
    assert set(re.findall(r"skipped=(\d+)", output)) == {"0"}, output
    # Seconds of processor time, which a busy machine does not lengthen.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 60


def test_the_mail_log_of_the_whole_run_has_no_problem(demo: Demo) -> None:
    from ansible_collections.puffy.mail.plugins.module_utils._probe.mail_log import problems

    log = podman("exec", NAME, "cat", "/var/log/mail.log")
    assert "postfix/master" in log.stdout
    assert problems(log.stdout.splitlines()) == []


DATABASE = "/var/lib/puffy-mail/accounts.sqlite"
#: a writer that holds the database while /run/locked exists
LOCK = """
import os, sqlite3, sys, time
d = sqlite3.connect(sys.argv[1])
d.execute('BEGIN EXCLUSIVE')
open('/run/locked', 'w').close()
while os.path.exists('/run/locked'):
    time.sleep(0.1)
"""


@pytest.mark.long
@pytest.mark.parametrize(
    ("fault", "mend", "finding"),
    [
        (f"mv {DATABASE} {DATABASE}.away", f"mv {DATABASE}.away {DATABASE}", "unable to open database file"),
        (
            f"mv {DATABASE} {DATABASE}.away; cp /etc/passwd {DATABASE}; chown root:postfix {DATABASE};"
            f" chmod 640 {DATABASE}; postfix reload",
            f"mv {DATABASE}.away {DATABASE}",
            "file is not a database",
        ),
        # Once the writer ends, Postfix recovers by itself.
        (
            f"python3 -c {shlex.quote(LOCK)} {DATABASE} >/dev/null 2>&1 & until [ -e /run/locked ]; do sleep 0.1; done",
            "rm /run/locked",
            "database is locked",
        ),
    ],
    ids=["deleted", "replaced", "locked"],
)
def test_a_database_that_fails_is_a_finding_and_recovers(demo: Demo, fault: str, mend: str, finding: str) -> None:
    verify = partial(playbook, "puffy.mail.verify", ROOT / "examples" / "demo", environment=demo.environment)
    podman("exec", NAME, "sh", "-c", fault)
    try:
        done = verify()
    finally:
        podman("exec", NAME, "sh", "-c", mend)
    assert done.rc == 2, done.stdout
    # A long text goes on below in its column, the last one; the row of the log is the last row of the table.
    lines = [line.strip().strip('",') for line in done.stdout.splitlines()]
    (start,) = (place for place, line in enumerate(lines) if line.startswith("FAILED  log "))
    ruler = next(line for line in lines if re.fullmatch("-+(  -+){4}", line))
    end = lines.index("]", start)
    assert finding in " ".join(line[ruler.rindex(" ") + 1 :].strip() for line in lines[start:end])
    if finding == "database is locked":
        done = verify()
        assert done.rc == 0, done.stdout
    else:
        status, output = demo.up()
        assert status == 0, output
