# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""postfix_service against running Postfix 3.5, 3.10 and 3.11, mostly while a sender delivers every 100 ms.

The hosts have no systemd and no OpenBSD: Postfix is started by its init script here.
"""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.containers import PODMAN, Host, until

pytestmark = [pytest.mark.containers, pytest.mark.alone, pytest.mark.one_release]

STATE = "/var/lib/puffy-mail/postfix/etc-postfix"
RECORD = f"{STATE}/active.json"

#: seconds between two deliveries of the sender
INTERVAL = 0.1

_SENDER = r"""
import json, os, smtplib, sys, time
for number in range(10000):
    if os.path.exists("/tmp/sender.stop"):
        break
    begin = time.time()
    try:
        client = smtplib.SMTP("127.0.0.1", 25, local_hostname="sender.test", timeout=120)
        client.sendmail("sender@mail.example.test", ["tester@mail.example.test"],
                        "Subject: probe\nX-Probe: %s-%d\n\nhello\n" % (sys.argv[1], number))
        result = "ok"
        client.close()
    except ConnectionRefusedError:
        result = "refused"
    except Exception as exc:
        result = repr(exc)
    print(json.dumps([number, begin, time.time(), result]), flush=True)
    time.sleep(max(0, begin + 0.1 - time.time()))
"""

#: Holds a port, as a program that is not Postfix does.
_HOLDER = """
import socket, sys
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("0.0.0.0", 2525)); s.listen(); print("held", flush=True); sys.stdin.read()
"""


#: Connects, and stays.
_CLIENT = """
import socket, time
with socket.create_connection(("127.0.0.1", 25)) as client:
    print(client.makefile().readline(), flush=True)
    time.sleep(3600)
"""


class Sent:
    """What the sender saw. ``attempts`` are (number, begin, end, result)."""

    def __init__(self) -> None:
        self.attempts: list[tuple[int, float, float, str]] = []

    @property
    def refused(self) -> int:
        return sum(1 for attempt in self.attempts if attempt[3] == "refused")

    @property
    def failed(self) -> list[str]:
        return [attempt[3] for attempt in self.attempts if attempt[3] != "ok"]

    def outage(self) -> float:
        """Seconds of the longest time from one accepted message to the next."""
        accepted = [attempt[2] for attempt in self.attempts if attempt[3] == "ok"]
        return max((after - before for before, after in zip(accepted, accepted[1:])), default=0.0)


@contextmanager
def sending(host: Host, tag: str) -> Iterator[Sent]:
    """Deliver to port 25 while the block runs; afterwards every accepted message must be in the mailbox, once."""
    host.run("rm -f /tmp/sender.stop")
    host.write("/tmp/sender.py", _SENDER)
    sender = subprocess.Popen(
        [PODMAN, "exec", host.name, "python3", "/tmp/sender.py", tag], stdout=subprocess.PIPE, text=True
    )
    sent = Sent()
    stdout = sender.stdout
    assert stdout is not None
    reader = threading.Thread(
        target=lambda: sent.attempts.extend(tuple(json.loads(line)) for line in stdout), daemon=True
    )
    reader.start()

    def accepted() -> set[str]:
        return {f"{tag}-{number}" for number, _dummy, _dummy, result in list(sent.attempts) if result == "ok"}

    def arrived() -> list[str]:
        return re.findall(rf"^X-Probe: ({tag}-\d+)$", host.read("/var/mail/tester"), re.M)

    try:
        until(lambda: len(accepted()) >= 4, "four deliveries before the change")
        yield sent
        before = len(accepted())
        until(lambda: len(accepted()) >= before + 4, "four deliveries after the change")
    finally:
        host.run("touch /tmp/sender.stop")
        reader.join()
        sender.wait()
    until(lambda: accepted() <= set(arrived()), "the delivery of what was accepted")
    found = arrived()
    assert len(found) == len(set(found)), "delivered twice"


@pytest.fixture(scope="module", autouse=True)
def configured(host: Host) -> None:
    """One mailbox, one name, a small main.cf; Postfix runs it and the module has recorded it."""
    host.run(
        # The host is still booting, and starts Postfix as its last service.
        "until postfix status 2>/dev/null; do sleep 0.1; done;"
        " useradd -m tester; touch /var/mail/tester; chown tester /var/mail/tester;"
        " postconf -e myhostname=mail.example.test mydestination=mail.example.test smtpd_tls_security_level=none"
        " smtp_tls_security_level= smtp_tls_session_cache_database= smtpd_tls_cert_file= smtpd_tls_key_file="
        # A delivery that a restart cut off is tried again at once, and not after a minute.
        " transport_retry_time=1s minimal_backoff_time=1s maximal_backoff_time=1s queue_run_delay=1s;"
        " service postfix restart; mkdir /root/good",
    )
    converge(host)
    host.run("cp -p /etc/postfix/main.cf /etc/postfix/master.cf /root/good/")


@pytest.fixture
def clean(host: Host, configured: None) -> None:
    """The host is back at the base configuration, and the module agrees."""
    host.run("cp -p /root/good/main.cf /root/good/master.cf /etc/postfix/")
    converge(host)


def edit(host: Host, command: str) -> None:
    """Change the files as they would be had that happened a minute ago: Postfix waits for a file of this second."""
    host.run(f"{command}; touch -d '1 minute ago' /etc/postfix/main.cf /etc/postfix/master.cf")


def converge(host: Host, **options: Any) -> dict[str, Any]:
    """Run the module; it must succeed."""
    result = host.module("postfix_service", options)
    assert not result.get("failed"), (result["msg"], result)
    return result


def master(host: Host) -> int:
    return int(host.read("/var/spool/postfix/pid/master.pid"))


def listening(host: Host) -> set[str]:
    """What is bound on the ports of the tests, as ``address:port``."""
    lines = host.run("ss -lntH").stdout.splitlines()
    return {line.split()[3] for line in lines if re.search(r":(25|587|2525|2526|10025)$", line.split()[3])}


def log(host: Host) -> int:
    """The length of the mail log in bytes."""
    return int(host.run("wc -c < /var/log/mail.log").stdout)


def complaints(host: Host, since: int) -> list[str]:
    """Warnings and errors that Postfix logged since, but for those of every reload: a daemon that was asking another
    one, which the reload ends, asks again (clnt_stream.c)."""
    text = host.run(f"tail -c +{since + 1} /var/log/mail.log").stdout
    found = [line for line in text.splitlines() if re.search(r"\]: (warning|error|fatal|panic): ", line)]
    return [line for line in found if "problem talking to service" not in line]


def test_fresh_start_no_change_stop(host: Host) -> None:
    host.run(f"service postfix stop; rm -rf {STATE}")
    before = log(host)
    first = host.four_runs("postfix_service", {})
    assert (first["action"], first["reasons"]) == ("start", ["Postfix is not running"])
    assert host.run("postfix status", check=False).returncode == 0
    assert host.run(f"stat -c '%a %U' {STATE} {RECORD}").stdout.split() == ["700", "root", "600", "root"]
    assert complaints(host, before) == []
    assert converge(host, state="stopped")["action"] == "stop"
    assert converge(host, state="stopped")["action"] == "none"
    assert host.run("postfix status", check=False).returncode != 0
    assert listening(host) == set()


@pytest.mark.usefixtures("clean")
def test_enabled(host: Host) -> None:
    result = host.four_runs("postfix_service", {"enabled": False})
    assert (result["action"], result["reasons"]) == ("none", ["Postfix is started at boot"])
    assert not host.run("ls /etc/rc2.d").stdout.count("S01postfix")
    result = converge(host, enabled=True)
    assert result["reasons"] == ["Postfix is not started at boot"]
    assert re.search(r"S\d\dpostfix", host.run("ls /etc/rc2.d").stdout)


@pytest.mark.usefixtures("clean")
def test_a_parameter_is_reloaded_and_a_secret_is_masked(host: Host) -> None:
    pid, before = master(host), log(host)
    edit(
        host,
        "echo message_size_limit = 20480000 >> /etc/postfix/main.cf;"
        " echo 'smtp_sasl_password_maps = inline:{ {example.test = user:sesame} }' >> /etc/postfix/main.cf",
    )
    with sending(host, "reload") as sent:
        result = host.four_runs("postfix_service", {})
    assert result["action"] == "reload"
    assert "main.cf: message_size_limit is '20480000' and was not set" in result["reasons"]
    assert "message_size_limit = 20480000\n" in result["diff"]["after"]
    assert "sesame" not in json.dumps(result)
    assert master(host) == pid
    assert (
        b"SIZE 20480000"
        in host.run(
            "python3 -c \"import smtplib; c = smtplib.SMTP('127.0.0.1'); print(c.ehlo()[1].decode())\""
        ).stdout.encode()
    )
    assert sent.failed == []
    assert complaints(host, before) == []


@pytest.mark.usefixtures("clean")
def test_a_new_service_is_reloaded(host: Host) -> None:
    pid = master(host)
    edit(
        host,
        "printf 'submission inet n - y - - smtpd\\n127.0.0.1:10025 inet n - y - - smtpd\\n' >> /etc/postfix/master.cf",
    )
    result = host.four_runs("postfix_service", {})
    assert result["action"] == "reload"
    assert result["reasons"] == [
        "master.cf: service 127.0.0.1:10025/inet is new",
        "master.cf: service submission/inet is new",
    ]
    assert master(host) == pid
    assert {"0.0.0.0:587", "[::]:587", "127.0.0.1:10025"} <= listening(host)


@pytest.mark.usefixtures("clean")
def test_what_this_postfix_holds_already_stays(host: Host) -> None:
    """A reload by hand, or a run killed between its reload and its record: the new port is held by this Postfix."""
    pid = master(host)
    edit(
        host,
        "printf '2526 inet n - y - - smtpd\\n2527 inet n n n - 0 spawn user=nobody argv=/bin/cat\\n'"
        " >> /etc/postfix/master.cf; postfix reload",
    )
    until(lambda: "0.0.0.0:2526" in listening(host), "the listener")
    result = host.four_runs("postfix_service", {})
    assert (result["action"], master(host)) == ("reload", pid)
    assert "0.0.0.0:2526" in listening(host)


@pytest.mark.usefixtures("clean")
def test_the_proof_of_a_healthy_host_is_quick(host: Host) -> None:
    edit(host, "echo message_size_limit = 20480000 >> /etc/postfix/main.cf")
    begin = time.monotonic()
    host.run("postfix check; postfix reload")
    plain = time.monotonic() - begin
    edit(host, "echo message_size_limit = 20480001 >> /etc/postfix/main.cf")
    begin = time.monotonic()
    assert converge(host)["action"] == "reload"
    whole = time.monotonic() - begin
    begin = time.monotonic()
    assert converge(host)["action"] == "none"
    rest = time.monotonic() - begin
    assert whole - rest - plain < 1, f"by hand {plain:.2f} s, module with a reload {whole:.2f} s, without {rest:.2f} s"


@pytest.mark.usefixtures("clean")
def test_three_instances(host: Host) -> None:
    """Each has its own record; none restarts another, and a roll-back writes to its own directory alone."""
    host.run("postmulti -e init")
    ports = {"in": 2601, "out": 2602}
    names = ["/etc/postfix", *(f"/etc/postfix-{name}" for name in ports)]
    settings = (
        "master_service_disable= inet_interfaces=127.0.0.1 authorized_submit_users=static:anyone mydestination="
        " myhostname=mail.example.test smtpd_tls_security_level=none"
    )
    for name, port in ports.items():
        host.run(
            f"postmulti -I postfix-{name} -e create; postmulti -i postfix-{name} -x postconf -e {settings};"
            f" cd /etc/postfix-{name}; sed -i 's/^smtp .*inet /{port} inet /' master.cf;"
            f" touch -d '1 minute ago' *.cf; postmulti -i postfix-{name} -e enable"
        )
    try:
        for directory in names:
            host.four_runs(
                "postconf", {"config_directory": directory, "parameters": {"message_size_limit": "20480002"}}
            )
            host.run(f"touch -d '1 minute ago' {directory}/main.cf {directory}/master.cf")
            host.four_runs("postfix_service", {"config_directory": directory})
            assert host.module("postfix_info", {"config_directory": directory})["parameters"]["message_size_limit"]
        held = {name: host.run(f"cat {name}/main.cf {name}/master.cf").stdout for name in names}
        pids = {
            name: host.run(f"cat $(postconf -c {name} -hx queue_directory)/pid/master.pid").stdout for name in names
        }
        assert len(set(pids.values())) == 3
        for directory in names:
            assert not converge(host, config_directory=directory)["changed"]
        host.run("postmulti -i postfix-out -x postconf -e queue_run_delay=0")
        bad = host.module("postfix_service", {"config_directory": "/etc/postfix-out"})
        assert bad["rolled_back"], bad
        assert {name: host.run(f"cat {name}/main.cf {name}/master.cf").stdout for name in names} == held
        for directory in names:
            assert not converge(host, config_directory=directory)["changed"]
        assert pids == {
            name: host.run(f"cat $(postconf -c {name} -hx queue_directory)/pid/master.pid").stdout for name in names
        }
    finally:
        host.run(
            "postmulti -p stop; postmulti -i postfix-in -e disable; postmulti -i postfix-out -e disable;"
            " postmulti -i postfix-in -e destroy; postmulti -i postfix-out -e destroy; postfix start",
            check=False,
        )


ELSEWHERE = {
    "daemon_directory": "cp -a $(postconf -h daemon_directory) /opt/programs",
    "shlib_directory": "cp -a $(postconf -h shlib_directory) /opt/libraries",
    "meta_directory": "cd $(postconf -h meta_directory) && mkdir -p /opt/meta && cp -a postfix-files* dyn* /opt/meta",
    "queue_directory": "mkdir -p /opt/queue",
    "data_directory": "mkdir -p /opt/data && chown postfix /opt/data",
}


@pytest.mark.long
@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_directory_of_postfix_elsewhere(host: Host, name: str) -> None:
    host.run(ELSEWHERE[name])
    place = ELSEWHERE[name].split()[-1]
    changed = host.module("postconf", {"parameters": {name: place}})
    assert changed.get("changed"), changed
    assert converge(host)["action"] in ("reload", "restart")
    assert not converge(host)["changed"]
    assert host.run(f"postconf -h {name} && postfix status").stdout.strip() == place
    refused = host.module("postconf", {"parameters": {name: "sbin"}})
    assert refused.get("failed") or name == "data_directory", refused


@pytest.mark.usefixtures("clean")
def test_inet_interfaces_and_a_taken_over_port_are_live(host: Host) -> None:
    pid, before = master(host), log(host)
    host.run("postconf -e inet_interfaces=127.0.0.1")
    with sending(host, "restart") as sent:
        result = converge(host)
    assert result["action"] == "restart"
    assert result["reasons"] == [
        "main.cf: inet_interfaces is '127.0.0.1' and was 'all'; Postfix reads it only when it starts"
    ]
    assert master(host) != pid
    assert listening(host) == {"127.0.0.1:25"}
    # Postfix has to be stopped and started: 1 to 2 s where nothing else runs, and less than a throttled daemon waits.
    assert sent.outage() < 50
    # The same port under another name: the service that is new is started before the old one is stopped.
    edit(host, "sed -i 's/^smtp .*inet /25 inet /' /etc/postfix/master.cf")
    result = converge(host)
    assert result["action"] == "restart"
    assert any("which service smtp/inet holds" in reason for reason in result["reasons"])
    assert listening(host) == {"127.0.0.1:25"}
    # inet_interfaces by way of $name, and inet_protocols
    edit(host, "postconf -e 'inet_interfaces=$puffy' puffy=all inet_protocols=ipv4")
    assert converge(host)["action"] == "restart"
    assert listening(host) == {"0.0.0.0:25"}
    assert complaints(host, before) == []


#: How the files are changed, and what the module says. What passes the checks of postconf goes through that module.
BROKEN: dict[str, tuple[str | dict[str, Any], str]] = {
    "an address the host lacks": (
        {"parameters": {"inet_interfaces": "192.0.2.55"}, "skip": ["address-not-local"]},
        r"service smtp/inet is to listen on 192\.0\.2\.55:25, but this host has no address 192\.0\.2\.55",
    ),
    "a port taken": (
        {"services": {"2525/inet": {"command": "smtpd", "chroot": True}}},
        r"service 2525/inet is to listen on 0\.0\.0\.0:2525, but another process holds 0\.0\.0\.0:2525",
    ),
    "a line that is no parameter": (
        "printf 'this is garbage\\n' >> /etc/postfix/main.cf",
        r"missing '=' after attribute name",
    ),
    "a number that is none": (
        "postconf -e message_size_limit=ten",
        r"main.cf line \d+: message_size_limit is a whole number",
    ),
    "a value that a daemon does not take": (
        "printf '2526 inet n - y - - smtpd\\n  -o smtpd_timeout=ten\\n' >> /etc/postfix/master.cf",
        r"smtpd_timeout is a number with one of the units",
    ),
    "a daemon that does not start": (
        {"parameters": {"queue_run_delay": "0"}, "skip": ["out-of-bounds"]},
        r"a daemon does not start; .*qmgr.*fatal: .*queue_run_delay",
    ),
    "a program that is missing": (
        "sed -i 's/ cleanup$/ cleenup/' /etc/postfix/master.cf",
        r"master.cf line \d+: .*cleenup",
    ),
    "a private service on the network": (
        "printf '2526 inet - - y - - smtpd\\n' >> /etc/postfix/master.cf",
        r"2526/inet .*private",
    ),
    "a key of another certificate": (
        "cd /root && for name in one two; do openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        " -subj /CN=mail.example.test -keyout $name.key -out $name.crt 2>/dev/null; done;"
        " postconf -e smtpd_tls_cert_file=/root/one.crt smtpd_tls_key_file=/root/two.key smtpd_tls_security_level=may",
        r"does not (match|belong)",
    ),
    "a line that master(8) cannot read": (
        "printf '2526 inett n - y - - smtpd\\n' >> /etc/postfix/master.cf",
        r"postconf -c /etc/postfix -x failed .*inett",
    ),
}


#: what every change is tested with; the others are for the long run
OFTEN = ("an address the host lacks", "a port taken")


@pytest.mark.usefixtures("clean")
def test_what_cannot_serve_is_rolled_back_and_mail_is_accepted_throughout(host: Host) -> None:
    cannot_serve(host, OFTEN)


@pytest.mark.usefixtures("clean")
@pytest.mark.long
def test_more_that_cannot_serve_is_rolled_back_and_mail_is_accepted_throughout(host: Host) -> None:
    cannot_serve(host, [name for name in BROKEN if name not in OFTEN])


def cannot_serve(host: Host, names: Sequence[str]) -> None:
    good = host.read("/etc/postfix/main.cf"), host.read("/etc/postfix/master.cf")
    holder = subprocess.Popen(
        [PODMAN, "exec", "-i", host.name, "python3", "-c", _HOLDER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    try:
        # What a reload costs the same sender, as the measure of the outage.
        with sending(host, f"measure-{len(names)}") as plain:
            host.run("postfix reload")
        for name in names:
            breakage, message = BROKEN[name]
            pid, before = master(host), log(host)
            with sending(host, name.replace(" ", "-").replace("(8)", "")) as sent:
                skip = []
                if isinstance(breakage, str):
                    host.run(breakage)
                else:
                    passed = host.module("postconf", breakage)
                    assert passed["changed"], passed
                    skip = breakage.get("skip", [])
                bad = host.read("/etc/postfix/main.cf"), host.read("/etc/postfix/master.cf")
                predicted = host.module("postfix_service", {"skip": skip}, check=True)
                assert predicted.get("failed") or skip, name
                result = host.module("postfix_service", {"timeout": 15, "skip": skip})
            assert result.get("failed"), name
            assert re.search(message, result["msg"]), (name, result["msg"])
            assert "serve again" in result["msg"], result["msg"]
            assert result["rolled_back"], name
            assert (host.read("/etc/postfix/main.cf"), host.read("/etc/postfix/master.cf")) == good, name
            assert (host.read(f"{STATE}/rejected/main.cf"), host.read(f"{STATE}/rejected/master.cf")) == bad
            if any("bad command startup" in line for line in complaints(host, before)) and master(host) != pid:
                # A daemon that started while main.cf was bad; master(8) would start no other for 60 s.
                assert sent.outage() < 50, (name, sent.attempts)
            else:
                assert master(host) == pid, name
                assert sent.failed == [], (name, sent.attempts)
                assert sent.outage() < plain.outage() + 15, (name, sent.attempts)
        assert not converge(host)["changed"]
    finally:
        holder.communicate()


@pytest.mark.usefixtures("clean")
@pytest.mark.long
def test_a_throttled_daemon_is_restarted(host: Host) -> None:
    """smtpd met a bad main.cf, and somebody mended the file: a reload alone would leave port 25 silent for a minute."""
    before = log(host)
    edit(host, "rm -f /tmp/sender.stop; postconf -e message_size_limit=ten")
    for _dummy in range(20):
        # One that had read the good file would go on.
        host.run("kill -9 $(pidof smtpd)", check=False)
        host.run(["timeout", "2", "python3", "-c", _SENDER.replace("10000", "1"), "throttle"], check=False)
        if any("smtpd: bad command startup -- throttling" in line for line in complaints(host, before)):
            break
    else:
        raise AssertionError("master(8) has not given smtpd up")
    host.run(
        "cp -p /root/good/main.cf /etc/postfix/main.cf; echo 'message_size_limit = 20480000' >> /etc/postfix/main.cf"
    )
    begin = time.monotonic()
    result = converge(host)
    assert result["action"] == "reload"
    assert time.monotonic() - begin < 55
    host.run(["python3", "-c", _SENDER.replace("10000", "1"), "mended"])


@pytest.mark.usefixtures("clean")
def test_nothing_to_go_back_to(host: Host) -> None:
    edit(host, f"service postfix stop; rm -rf {STATE}; postconf -e inet_interfaces=192.0.2.55")
    text = host.read("/etc/postfix/main.cf")
    predicted = host.module("postfix_service", {}, check=True)
    assert predicted["failed"]
    assert host.run(f"test -e {STATE}", check=False).returncode != 0
    result = host.module("postfix_service", {})
    assert result["failed"]
    assert not result["rolled_back"]
    assert result["msg"].endswith(
        "no interface of this host has the address 192.0.2.55 (name an address of this host); there is no other"
        " configuration to go back to, and Postfix does not run"
    )
    assert host.read("/etc/postfix/main.cf") == text


@pytest.mark.usefixtures("clean")
def test_killed_master_lost_record_and_first_run_with_new_addresses(host: Host) -> None:
    host.run("kill -9 $(cat /var/spool/postfix/pid/master.pid)")
    assert converge(host)["action"] == "start"
    host.run(f"rm -rf {STATE}")
    result = converge(host)
    assert (result["action"], result["reasons"]) == ("reload", ["no record tells what the running Postfix has loaded"])
    host.run(f"rm -rf {STATE}; postconf -e inet_interfaces=127.0.0.1")
    assert converge(host)["action"] == "restart"
    assert listening(host) == {"127.0.0.1:25"}


@pytest.mark.usefixtures("clean")
def test_the_daemons_of_a_killed_master_do_not_keep_the_port(host: Host) -> None:
    """An smtpd(8) that serves a client when master(8) is killed goes on, and holds port 25 while the client stays."""
    host.write("/tmp/client.py", _CLIENT)
    client = subprocess.Popen([PODMAN, "exec", host.name, "python3", "/tmp/client.py"], stdout=subprocess.PIPE)
    try:
        assert client.stdout is not None
        assert client.stdout.readline().startswith(b"220 ")
        host.run("kill -9 $(cat /var/spool/postfix/pid/master.pid)")
        host.wait("test $(pgrep -cx smtpd) = 1")
        assert "0.0.0.0:25" in listening(host)
        orphan = host.run("pgrep -x smtpd").stdout.split()
        assert host.module("postfix_service", {}, check=True)["action"] == "start"
        assert host.run("pgrep -x smtpd").stdout.split() == orphan
        assert converge(host)["action"] == "start"
        assert converge(host)["action"] == "none"
    finally:
        client.kill()
        client.communicate()


@pytest.mark.usefixtures("clean")
def test_files_that_daemons_read_when_they_start(host: Host) -> None:
    edit(
        host,
        "cd /etc/postfix; printf '192.0.2.0/24 REJECT\\n' > clients; printf 'a OK\\n' > senders; postmap hash:senders;"
        " openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 9 -subj /CN=one 2>/dev/null;"
        " postconf -e 'smtpd_client_restrictions=check_client_access cidr:$config_directory/clients,"
        " check_sender_access hash:/etc/postfix/senders' smtpd_tls_cert_file=/etc/postfix/cert.pem"
        " smtpd_tls_key_file=/etc/postfix/key.pem smtpd_tls_security_level=may",
    )
    converge(host)
    host.run("cd /etc/postfix; printf 'b OK\\n' >> senders; postmap hash:senders")
    assert converge(host)["action"] == "none"
    host.run("printf '198.51.100.0/24 REJECT\\n' >> /etc/postfix/clients")
    result = converge(host)
    assert result["action"] == "reload"
    assert [reason.split(":")[0] for reason in result["reasons"]] == ["/etc/postfix/clients"]
    host.run("cd /etc/postfix; openssl req -x509 -key key.pem -out cert.pem -days 9 -subj /CN=two 2>/dev/null")
    assert [reason.split(":")[0] for reason in converge(host)["reasons"]] == ["/etc/postfix/cert.pem"]
    shown = host.run("echo QUIT | openssl s_client -connect 127.0.0.1:25 -starttls smtp 2>/dev/null | grep -a subject")
    assert "two" in shown.stdout


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("delay", [1.0])
def test_killed_run_is_finished_by_the_next(host: Host, delay: float) -> None:
    """SIGKILL at some point; the next run finishes, the one after reports no change."""
    kill(host, delay)


@pytest.mark.usefixtures("clean")
@pytest.mark.long
@pytest.mark.parametrize("delay", [half / 2 for half in range(1, 9)])
def test_killed_run_is_finished_by_the_next_at_any_time(host: Host, delay: float) -> None:
    kill(host, delay)


#: Runs in the host. A child runs postconf and postfix_service, and is killed before the n-th thing it does to the host:
#: a file opened for writing, renamed or removed, a command or a signal. For each n: what the files are, what the next
#: run of both modules says, and the one after it.
STEPS = r"""
import json, os, shutil, signal, smtplib, subprocess, sys
import ansible.module_utils.basic
from ansible.module_utils.testing import patch_module_args
from ansible_collections.puffy.mail.plugins.modules import postconf, postfix_service

parameters, step = json.load(sys.stdin)
state = {"left": -1}
EVENTS = {"os.rename", "os.remove", "os.mkdir", "os.chmod", "fcntl.flock", "os.kill", "subprocess.Popen"}

def hook(event, arguments):
    if state["left"] < 0:
        return
    if event == "open":
        path, _, flags = arguments
        # What is opened by a descriptor of its directory has a relative name.
        if not (isinstance(path, str) and isinstance(flags, int)):
            return
        if not flags & (os.O_WRONLY | os.O_RDWR) or path.startswith(("/tmp", "/dev")):
            return
    elif event not in EVENTS:
        return
    state["left"] -= 1
    if state["left"] < 0:
        os.kill(os.getpid(), signal.SIGKILL)

def run(wish, kill_at=-1):
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(into, 1)
        sys.addaudithook(hook)
        state["left"] = kill_at
        for module, arguments in ((postconf, {"parameters": wish}), (postfix_service, {})):
            with patch_module_args(arguments):
                try:
                    module.main()
                except SystemExit:
                    sys.stdout.flush()
        os._exit(0)
    os.close(into)
    with os.fdopen(out) as stream:
        answers = stream.read().splitlines()
    status = os.waitpid(child, 0)[1]
    return None if os.WIFSIGNALED(status) else [json.loads(answer) for answer in answers if answer]

report = []
for kill_at in range(0, 600, step):
    for name in ("main.cf", "master.cf"):
        shutil.copy2("/root/good/" + name, "/etc/postfix/" + name)
    entry = {"at": kill_at, "before": run({})}
    entry["killed"] = run(parameters, kill_at) is None
    entry["files"] = [open("/etc/postfix/" + name).read() for name in ("main.cf", "master.cf")]
    entry["next"] = run(parameters)
    with smtplib.SMTP("127.0.0.1", timeout=120) as client:
        entry["size"] = client.ehlo()[1].decode()
    entry["again"] = run(parameters)
    entry["listening"] = subprocess.run(["ss", "-lntH", "sport = :25"], capture_output=True, text=True).stdout.split()
    entry["left"] = sorted(os.listdir("/var/lib/puffy-mail/postfix/etc-postfix"))
    entry["beside"] = [name for name in os.listdir("/etc/postfix") if name.startswith(".")]
    report.append(entry)
    if not entry["killed"]:
        break
json.dump(report, sys.stdout)
"""


@pytest.mark.usefixtures("clean")
@pytest.mark.long
@pytest.mark.parametrize(("action", "step"), [("reload", 3), ("restart", 12)])
def test_killed_in_the_middle_the_next_run_finishes(host: Host, action: str, step: int) -> None:
    """Not before each of the steps, of which a restart has some two hundred, but spread over all of them."""
    parameters = {"message_size_limit": 20480000}
    if action == "restart":
        parameters["inet_interfaces"] = "127.0.0.1"
    address = "127.0.0.1:25" if action == "restart" else "0.0.0.0:25"
    good = [host.read(f"/root/good/{name}") for name in ("main.cf", "master.cf")]
    host.run("rm -rf /var/lib/puffy-mail/postfix/etc-postfix/rejected")  # of an earlier test
    done = host.run(
        ["env", "PYTHONPATH=/opt/puffy", "PYTHONDONTWRITEBYTECODE=1", "python3", "-c", STEPS],
        data=json.dumps([parameters, step]),
        timeout=1800,
    )
    report = json.loads(done.stdout)
    assert not report[-1]["killed"]
    new = report[-1]["files"]
    assert new != good
    for entry in report:
        assert entry["files"] in (good, new), entry
        assert not any(answer.get("failed") for answer in (*entry["before"], *entry["next"])), entry
        assert "SIZE 20480000" in entry["size"], entry
        assert [answer["changed"] for answer in entry["again"]] == [False, False], entry
        assert address in entry["listening"], entry
        assert action == "reload" or "0.0.0.0:25" not in entry["listening"], entry
        assert entry["left"] == ["active.json", "lock"], entry
        assert entry["beside"] == [".puffy-mail.lock"], entry
    # Killed before the files changed, after that, and after Postfix had been told.
    assert {entry["files"] == new for entry in report} == {False, True}
    assert {entry["next"][1]["action"] for entry in report} >= {"none", action}


def kill(host: Host, delay: float) -> None:
    host.run("postconf -e inet_interfaces=127.0.0.1 message_size_limit=20480000")
    runner = (
        "import sys; from ansible.module_utils.testing import patch_module_args; import runpy\n"
        "with patch_module_args({}):\n"
        "    runpy.run_module('ansible_collections.puffy.mail.plugins.modules.postfix_service', run_name='__main__')\n"
    )
    host.run(
        [
            *("env", "PYTHONPATH=/opt/puffy", "PYTHONDONTWRITEBYTECODE=1"),
            *("timeout", "-s", "KILL", str(delay), "python3", "-c", runner),
        ],
        check=False,
    )
    result = converge(host)
    assert listening(host) == {"127.0.0.1:25"}
    size = host.run("python3 -c \"import smtplib; c = smtplib.SMTP('127.0.0.1'); print(c.ehlo()[1].decode())\"").stdout
    assert "SIZE 20480000" in size, result
    assert not converge(host)["changed"]


@pytest.mark.usefixtures("clean")
def test_interrupted_rollback_is_finished(host: Host) -> None:
    """The files are back, and the daemon still has what was rejected: the pending action tells."""
    pid = master(host)
    host.run(f"echo restart > {STATE}/pending")
    result = converge(host)
    assert result["reasons"] == ["an earlier run ended before its restart of Postfix was complete"]
    assert master(host) != pid


#: What Postfix or its commands end at, or mail is refused with, beside a running Postfix; and what the message says.
UNSEEN = {
    "garbage": ("echo 'this is garbage' >> /etc/postfix/main.cf", r"main\.cf.*this is garbage"),
    "a restriction": ("postconf -e smtpd_sender_restrictions=no_such_word", r"no_such_word"),
    "a program": ("sed -i 's/ cleanup$/ no-cleanup/' /etc/postfix/master.cf", r"no-cleanup"),
    "the services of the queue": (
        "sed -i -E '/^(cleanup|qmgr|pickup|rewrite) /d' /etc/postfix/master.cf",
        r"lacks cleanup/unix.*lacks qmgr/unix.*lacks rewrite/unix",
    ),
    "a table": ("postconf -e virtual_alias_maps=texthash:/etc/postfix/none", r"/etc/postfix/none"),
    "a key": (
        "for n in one two; do openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=$n -keyout /etc/postfix/$n.key"
        " -out /etc/postfix/$n.pem 2>/dev/null; done; postconf -e smtpd_tls_cert_file=/etc/postfix/one.pem"
        " smtpd_tls_key_file=/etc/postfix/two.key smtpd_tls_security_level=may",
        r"two\.key",
    ),
    "a host address": ("postconf -e inet_interfaces=192.0.2.55", r"192\.0\.2\.55"),
}


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("name", UNSEEN)
def test_what_postconf_refuses_is_refused_before_postfix_is_told(host: Host, name: str) -> None:
    command, message = UNSEEN[name]
    pid, before = master(host), log(host)
    edit(host, command)
    for check in (True, False):
        result = host.module("postfix_service", {"timeout": 10}, check=check)
        assert result.get("failed"), result
        assert re.search(message, result["msg"]), result["msg"]
    assert master(host) == pid
    assert complaints(host, before) == []


@pytest.mark.usefixtures("clean")
def test_a_queue_manager_that_ends_is_noticed_and_rolled_back(host: Host) -> None:
    program = "$(postconf -hx daemon_directory)/ending"
    host.run(f"printf '#!/bin/sh\\nexit 1\\n' > {program}; chmod 755 {program}")
    edit(host, "sed -i 's/^\\(qmgr .*\\) qmgr$/\\1 ending/' /etc/postfix/master.cf")
    result = host.module("postfix_service", {"timeout": 10})
    assert result.get("failed"), result
    assert "bad command startup" in result["msg"], result["msg"]
    assert result["rolled_back"], result
    assert not converge(host)["changed"]
