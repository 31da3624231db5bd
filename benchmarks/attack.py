# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a right login takes while one address tries wrong passwords through 50 connections.

    make bench-attack OPTIONS="--connections 50 --seconds 90"

A bare Debian becomes a mail host with puffy.mail.site and its defaults, bcrypt at the default cost included. The
attacker and the user have an address each, and neither is in mynetworks. The attacker tries wrong passwords of
mailboxes that exist again and again, and opens again what the host ends or refuses. The attacker and the host
share the processors.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile

from ansible_collections.puffy.mail.tests.harness.containers import Host, machine
from ansible_collections.puffy.mail.tests.harness.playbooks import mail_hosts, playbook

#: how many times slower than without an attack the login of the user may be
MOST_TIMES = 3.0
SERVICES = ("submissions", "submission", "imaps")
PASSWORD = "right-password-1"  # noqa: S105 - of a host that lives for minutes
CLIENT = r"""
import imaplib, json, smtplib, ssl, sys, threading, time
service, password, connections, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
SERVER, ATTACKER, USER = "192.0.2.25", "192.0.2.66", "192.0.2.7"
context = ssl._create_unverified_context()
errors = (OSError, smtplib.SMTPException, imaplib.IMAP4.error)
class Imap(imaplib.IMAP4_SSL):
    def _create_socket(self, timeout):
        import socket
        made = socket.create_connection((SERVER, 993), 120, (self.source, 0))
        return context.wrap_socket(made)
def connect(source):
    if service == "imaps":
        kind = type("Imap", (Imap,), {"source": source})
        return kind(SERVER, 993, ssl_context=context)
    if service == "submissions":
        return smtplib.SMTP_SSL(SERVER, 465, "client.example.org", timeout=120, context=context,
                                source_address=(source, 0))
    client = smtplib.SMTP(SERVER, 587, "client.example.org", timeout=120, source_address=(source, 0))
    client.starttls(context=context)
    return client
def login(client, user, secret):
    client.login(user, secret)
def leave(client):
    try:
        client.logout() if service == "imaps" else client.quit()
    except errors:
        pass
tried, stop, lock = [0, 0], threading.Event(), threading.Lock()
def attack(number):
    while not stop.is_set():
        try:
            client = connect(ATTACKER)
        except errors:
            with lock:
                tried[1] += 1
            time.sleep(0.2)
            continue
        try:
            while not stop.is_set():
                try:
                    login(client, "victim%d@example.test" % (number % 10), "wrong-%d-%f" % (number, time.time()))
                except (smtplib.SMTPAuthenticationError, imaplib.IMAP4.error) as exc:
                    with lock:
                        tried[0] += 1
                    if isinstance(exc, imaplib.IMAP4.abort):
                        raise
        except errors:
            leave(client)
def user(count, pause, until=None):
    times, failed, n = [], [], 0
    while n < count if until is None else time.monotonic() < until:
        n += 1
        started = time.monotonic()
        try:
            client = connect(USER)
            login(client, "user@example.test", password)
            times.append(time.monotonic() - started)
            leave(client)
        except errors as exc:
            failed.append("%.1f s: %s" % (time.monotonic() - started, exc))
        time.sleep(pause)
    return sorted(times), failed
user(2, 0)
quiet, refused = user(12, 0.2)
if refused:
    raise SystemExit("a right login was refused without an attack: %s" % refused)
threads = [threading.Thread(target=attack, args=(n,), daemon=True) for n in range(connections)]
for thread in threads:
    thread.start()
times, failed = user(0, 0.5, time.monotonic() + seconds)
stop.set()
print(json.dumps({"quiet": quiet, "times": times, "failed": failed, "wrong": tried[0], "shut_out": tried[1]}))
sys.stdout.flush()
import os
os._exit(0)
"""


def prepare(host: Host, directory: str) -> None:
    """Make the mail host, and give it three addresses."""
    names = ["user", *(f"victim{number}" for number in range(10))]
    inventory = {
        **host.connection,
        "tls_pki_ca_directory": directory,
        "dovecot_imap_starttls": False,
        "sqlite_maps_domains": ["example.test"],
        "sqlite_maps_mailboxes": [{"address": f"{name}@example.test", "password": PASSWORD} for name in names],
    }
    done = playbook("puffy.mail.site", mail_hosts({"mail.example.test": inventory}))
    if done.rc != 0:
        raise SystemExit(done.output[-4000:])
    for address in ("192.0.2.25", "192.0.2.66", "192.0.2.7"):
        host.run(["ip", "address", "add", f"{address}/32", "dev", "lo"])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=90.0)
    parser.add_argument("--services", nargs="+", choices=SERVICES, default=list(SERVICES))
    parser.add_argument("--image", default="trixie-mail")
    options = parser.parse_args()
    # Who is ended by kill(1) removes the container, too.
    signal.signal(signal.SIGTERM, lambda *_dummy: sys.exit(143))
    met = True
    with (
        tempfile.TemporaryDirectory(prefix="puffy-mail-bench-") as directory,
        Host(options.image, "--cap-add=NET_ADMIN") as host,
    ):
        print(machine(host), flush=True)
        prepare(host, directory)
        print(f"\n{options.connections} connections with wrong passwords for {options.seconds:g} s; seconds of a login")
        print(
            f"{'':14}{'quiet':>8}{'attacked':>10}{'95 %':>8}{'longest':>9}{'times':>7}{'target':>8}{'failed':>8}"
            f"{'logins':>8}{'wrong':>7}{'shut out':>10}"
        )
        for service in options.services:
            arguments = [service, PASSWORD, str(options.connections), str(options.seconds)]
            said = json.loads(host.run(["python3", "-c", CLIENT, *arguments]).stdout)
            quiet, times = said["quiet"], said["times"] or [float("inf")]
            usual = quiet[len(quiet) // 2]
            slower = times[len(times) // 2] / usual
            good = slower <= MOST_TIMES and not said["failed"]
            met &= good
            print(
                f"{service:14}{usual:>8.2f}{times[len(times) // 2]:>10.2f}{times[int(len(times) * 0.95)]:>8.2f}"
                f"{times[-1]:>9.2f}{slower:>7.2f}{MOST_TIMES:>8g}{len(said['failed']):>8}"
                f"{len(said['times']):>8}{said['wrong']:>7}{said['shut_out']:>10}{'' if good else '   MISSED'}",
                flush=True,
            )
            for failure in said["failed"][:5]:
                print(f"  {failure}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
