# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookups in a directory of 10,000 accounts: through proxymap(8) and direct, and the connections that slapd sees.

    make bench-ldap_lookups OPTIONS="--accounts 10000 --clients 50 --rounds 20"

A real slapd with StartTLS and a real Postfix run in one container. For each way, direct and through proxy:, so many
clients hold an SMTP session each, so that as many smtpd processes run, and send RCPT commands for accounts picked at
random. Direct and proxied rounds take turns, so that a busy minute of the machine falls on both.
"""

from __future__ import annotations

import argparse
import json

from ansible_collections.puffy.mail.tests.harness import directory
from ansible_collections.puffy.mail.tests.harness.containers import Host, machine

CLIENTS = r"""
import json, random, socket, sys, threading, time
port, clients, rounds, accounts, seed = (int(word) for word in sys.argv[1:6])
times, problems = [], []
barrier = threading.Barrier(clients + 1)

def read(stream):
    while True:
        line = stream.readline()
        if line[3:4] != b"-":
            return line

def client(number):
    chance = random.Random(seed * 1000 + number)
    try:
        with socket.create_connection(("127.0.0.1", port), 120) as link, link.makefile("rwb") as stream:
            def say(text):
                stream.write(text.encode() + b"\r\n")
                stream.flush()
                return read(stream)
            read(stream)
            say("EHLO client.example.test")
            say("MAIL FROM:<outside@elsewhere.test>")
            # The first one pays for starting the process.
            say("RCPT TO:<alice@example.test>")
            barrier.wait(120)
            for _ in range(rounds):
                began = time.perf_counter()
                answer = say(f"RCPT TO:<user{chance.randrange(accounts):05}@example.test>")
                times.append(time.perf_counter() - began)
                if not answer.startswith(b"250"):
                    problems.append(answer.decode().strip())
            barrier.wait(300)
            barrier.wait(300)
            say("QUIT")
    except (OSError, threading.BrokenBarrierError) as error:
        problems.append(repr(error))
        barrier.abort()

threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
for thread in threads:
    thread.start()
seen = ""
began = ended = 0.0
try:
    barrier.wait(120)
    began = time.perf_counter()
    barrier.wait(300)
    ended = time.perf_counter()
    import subprocess
    seen = subprocess.run(
        ["sh", "-c", "ss -Htn state established '( sport = :389 )' | wc -l;"
         " ps -C smtpd --no-headers | wc -l; ps -C proxymap --no-headers | wc -l"],
        capture_output=True, text=True, check=True).stdout
    barrier.wait(300)
except threading.BrokenBarrierError:
    pass
for thread in threads:
    thread.join()
print(json.dumps({"times": times, "problems": problems[:3], "seen": seen.split(), "seconds": ended - began}))
"""
POSTMAP = r"""
import json, random, subprocess, sys, time
table, count, accounts = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
chance = random.Random(1)
began = time.perf_counter()
keys = "".join(f"user{chance.randrange(accounts):05}@example.test\n" for _ in range(count))
done = subprocess.run(["postmap", "-q", "-", table], input=keys, capture_output=True, text=True)
print(json.dumps({"seconds": time.perf_counter() - began, "found": len(done.stdout.splitlines()), "said": done.stderr}))
"""
WAYS = {"direct ldap:": 2501, "proxy:ldap:": 2502}


def configure(host: Host, clients: int) -> None:
    """Two SMTP services that differ only in how they reach the tables."""
    host.run("install -d -m 0750 -o root -g postfix /etc/postfix/ldap")
    accounts = "(&(objectClass=PostfixBookMailAccount)(!(mailEnabled=FALSE)))"
    tables = {
        "mailboxes": {"query_filter": f"(&{accounts}(mail=%s))", "result_attribute": "mailStorageDirectory"},
        "aliases": {"query_filter": f"(&{accounts}(|(mailAlias=%s)(mail=%s)))", "result_attribute": "mail"},
    }
    for name, table in tables.items():
        path = f"/etc/postfix/ldap/{name}.cf"
        task = {"path": path, "type": "ldap", "options": directory.options(timeout=30, **table)}
        result = host.module("map_config", task)
        if result.get("failed"):
            raise SystemExit(result["msg"])
    maps = {
        "virtual_mailbox_maps": "ldap:/etc/postfix/ldap/mailboxes.cf",
        "virtual_alias_maps": "ldap:/etc/postfix/ldap/aliases.cf",
    }
    settings = {
        "virtual_mailbox_domains": "example.test",
        "virtual_alias_domains": "",
        "default_process_limit": str(2 * clients),
        "smtpd_client_connection_count_limit": "0",
        "smtpd_recipient_limit": "100000",
        "smtpd_recipient_overshoot_limit": "100000",
        # What trivial-rewrite asks is the same both ways.
        **{name: f"proxy:{table}" for name, table in maps.items()},
    }
    host.run(["postconf", *(f"{name}={value}" for name, value in settings.items())])
    for way, port in WAYS.items():
        prefix = "proxy:" if way.startswith("proxy") else ""
        host.run(["postconf", "-M", f"{port}/inet={port} inet n - n - - smtpd"])
        for name, table in maps.items():
            host.run(["postconf", "-P", f"{port}/inet/{name}={prefix}{table}"])
    host.run("postfix stop; postfix start", check=False)


def percentile(times: list[float], part: float) -> float:
    """The value below which that part of ``times`` lies."""
    return sorted(times)[min(len(times) - 1, int(len(times) * part))]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--accounts", type=int, default=10000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    print(machine(), flush=True)
    with Host("trixie-ldap") as host:
        directory.start(host, options.accounts)
        configure(host, options.clients)
        versions = host.run(
            "postconf -h mail_version; slapd -VV 2>&1 | sed -n 's/.*slapd \\([0-9.]*\\).*/\\1/p'"
        ).stdout.split()
        times: dict[str, list[float]] = {way: [] for way in WAYS}
        rate: dict[str, list[float]] = {way: [] for way in WAYS}
        seen: dict[str, list[str]] = {}
        for turn in range(options.turns):
            for way, port in WAYS.items():
                # Idle processes of the turn before would keep their connections.
                host.run("postfix reload 2>/dev/null; sleep 1")
                words = [str(port), str(options.clients), str(options.rounds), str(options.accounts), str(turn)]
                answer = json.loads(host.run(["python3", "-c", CLIENTS, *words], timeout=600).stdout)
                if answer["problems"]:
                    raise SystemExit(f"{way} {answer['problems']}")
                times[way] += answer["times"]
                rate[way].append(len(answer["times"]) / answer["seconds"])
                seen[way] = answer["seen"]
        single = {}
        for way in WAYS:
            table = f"{way.removesuffix('ldap:').removeprefix('direct ')}ldap:/etc/postfix/ldap/mailboxes.cf"
            words = [table, "5000", str(options.accounts)]
            answer = json.loads(host.run(["python3", "-c", POSTMAP, *words], timeout=600).stdout)
            if answer["found"] != 5000:
                raise SystemExit(f"{table} {answer}")
            single[way] = answer["seconds"] / 5000 * 1000
    print(
        f"Postfix {versions[0]}, slapd {versions[-1]} with StartTLS, both on one machine; {options.accounts} accounts;"
        f" {options.clients} SMTP clients at once, {options.rounds} RCPT commands each, {options.turns} turns\n"
    )
    print(f"{'':14} {'postmap -q':>11} {'RCPT, ms':>9} {'':>9} {'':>9} {'RCPT':>8} {'connections':>12} {'':>6} {'':>9}")
    print(
        f"{'':14} {'ms a key':>11} {'median':>9} {'p95':>9} {'p99':>9} {'a second':>8} {'slapd sees':>12} {'smtpd':>6}"
        f" {'proxymap':>9}"
    )
    for way in WAYS:
        milliseconds = [value * 1000 for value in times[way]]
        connections, smtpd, proxymap = seen[way]
        print(
            f"{way:14} {single[way]:11.3f} {percentile(milliseconds, 0.5):9.1f} {percentile(milliseconds, 0.95):9.1f}"
            f" {percentile(milliseconds, 0.99):9.1f} {sum(rate[way]) / len(rate[way]):8.0f} {connections:>12}"
            f" {smtpd:>6} {proxymap:>9}"
        )


if __name__ == "__main__":
    main()
