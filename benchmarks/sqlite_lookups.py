# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time of one lookup through proxy:sqlite: in an accounts database of a million mailboxes.

    make bench-sqlite_lookups OPTIONS="--mailboxes 1000000 --lookups 10000"

A client in the host stays connected to the running proxymap(8), as smtpd(8) does, asks for one key after the other and
times each answer. It speaks proxymap's own protocol (name and value, each ended by a NUL). Half of the keys are there.
Beside it: the same keys through one postmap -q -, in which only the mean can be seen.
"""

from __future__ import annotations

import argparse
import json
import sys

from ansible_collections.puffy.mail.plugins.module_utils._accounts import rows
from ansible_collections.puffy.mail.tests.harness.containers import Host, machine

IMAGE = "trixie-mail"
DATABASE = "/srv/bench/accounts.sqlite"
#: the target: milliseconds that 99 of 100 lookups stay under
MOST_P99 = 2.0

FILL = """
import sqlite3, sys
count, schema = int(sys.argv[2]), sys.stdin.read()
base = sqlite3.connect(sys.argv[1], isolation_level=None)
base.executescript(schema)
base.execute("BEGIN")
base.executemany("INSERT INTO domain (domain) VALUES (?)", ((f"example{n}.test",) for n in range(100)))
base.executemany(
    "INSERT INTO mailbox (username, password, maildir, local_part, domain) VALUES (?, ?, ?, ?, ?)",
    sorted((f"user{n}@example{n % 100}.test", "{BLF-CRYPT}" + "x" * 60, f"example{n % 100}.test/user{n}/", f"user{n}",
      f"example{n % 100}.test") for n in range(count)))
base.executemany(
    "INSERT INTO alias (address, goto, domain) VALUES (?, ?, ?)",
    sorted((f"alias{n}@example{n % 100}.test", f"user{n}@example{n % 100}.test", f"example{n % 100}.test")
      for n in range(count // 10)))
base.execute("COMMIT")
"""
#: asks proxymap for keys, one after the other; prints the milliseconds of each
CLIENT = r"""
import json, random, socket, subprocess, sys, time
table, kind, mailboxes, lookups = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
stream = socket.socket(socket.AF_UNIX)
stream.connect("/var/spool/postfix/private/proxymap")
FLAGS = str(1 << 6 | 1 << 14)  # a table without locks that folds its keys (dict.h)
def send(*pairs):
    stream.sendall(b"".join(part.encode() + b"\0" for pair in pairs for part in pair) + b"\0")
def answer():
    found = b""
    while not found.endswith(b"\0\0") or found.count(b"\0") % 2 == 0:
        part = stream.recv(4096)
        if not part:
            raise SystemExit("proxymap has closed the connection")
        found += part
    words = found.decode().split("\0")
    return dict(zip(words[::2], words[1::2]))
answer()  # since Postfix 3.6 the server names its protocol first
send(("request", "open"), ("table", table), ("flags", FLAGS))
if answer().get("status") != "0":
    raise SystemExit(f"proxymap does not open {table}")
random.seed(7)
keys = []
for number in range(lookups):
    n = random.randrange(mailboxes)
    there = n // 10 if kind == "alias" else n
    domain = f"example{there % 100}.test"
    key = domain if kind == "domain" else f"{kind}{there}@{domain}"
    keys.append((key, True) if number % 2 else ("no-" + key, False))
times = []
for key, there in keys:
    started = time.perf_counter()
    send(("request", "lookup"), ("table", table), ("flags", FLAGS), ("key", key))
    found = answer()
    times.append((time.perf_counter() - started) * 1000)
    if (found["status"] == "0") is not there:
        raise SystemExit(f"{table} answers {found} to {key}")
started = time.monotonic()
done = subprocess.run(["postmap", "-q", "-", "proxy:" + table], input="".join(key + "\n" for key, _there in keys),
                      text=True, capture_output=True)
if done.stdout.count("\n") != lookups // 2:
    raise SystemExit(f"postmap answered {done.stdout.count(chr(10))} of {lookups // 2} keys: {done.stderr}")
print(json.dumps({"times": sorted(times), "postmap": (time.monotonic() - started) * 1000 / lookups}))
"""
#: each table with the keys it has
TABLES = {
    "virtual_mailbox_domains": "domain",
    "virtual_mailbox_maps": "user",
    "virtual_alias_maps": "alias",
    "sender_login_maps": "user",
}


def prepare(host: Host, mailboxes: int) -> None:
    """Fill the database, write the client files and start Postfix."""
    host.run("install -d -m 0750 -o root -g postfix /srv/bench")
    host.run(["python3", "-c", FILL, DATABASE, str(mailboxes)], data=rows.SCHEMA, timeout=600)
    host.run(f"chgrp postfix {DATABASE}; chmod 0640 {DATABASE}")
    settings = ["smtpd_sender_login_maps=proxy:sqlite:/srv/bench/sender_login_maps.cf"]
    for name in TABLES:
        query = " ".join(rows.QUERIES[name].split())
        host.write(f"/srv/bench/{name}.cf", f"dbpath = {DATABASE}\nquery = {query}\n")
        if name.startswith("virtual"):
            settings.append(f"{name}=proxy:sqlite:/srv/bench/{name}.cf")
    host.run(["postconf", "-e", "inet_interfaces=loopback-only", *settings])
    host.run("postfix reload && sleep 3")  # the host's init has started it


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mailboxes", type=int, default=1_000_000)
    parser.add_argument("--lookups", type=int, default=10_000)
    options = parser.parse_args()
    met = True
    with Host(IMAGE) as host:
        print(machine(host), flush=True)
        prepare(host, options.mailboxes)
        size = int(host.run(["stat", "-c", "%s", DATABASE]).stdout) / 1e6
        print(f"\n{options.mailboxes} mailboxes, {options.mailboxes // 10} aliases, {size:.0f} MB; milliseconds")
        print(
            f"{'proxy:sqlite:, table':28}{'mean':>8}{'median':>8}{'p99':>8}{'most':>8}{'target p99':>12}{'postmap':>9}"
        )
        for name, kind in TABLES.items():
            arguments = [f"sqlite:/srv/bench/{name}.cf", kind, str(options.mailboxes), str(options.lookups)]
            said = json.loads(host.run(["python3", "-c", CLIENT, *arguments], timeout=600).stdout)
            times = said["times"]
            p99 = times[int(len(times) * 0.99)]
            met &= p99 <= MOST_P99
            print(
                f"{name:28}{sum(times) / len(times):>8.3f}{times[len(times) // 2]:>8.3f}{p99:>8.3f}{times[-1]:>8.2f}"
                f"{MOST_P99:>12}{said['postmap']:>9.3f}{'' if p99 <= MOST_P99 else '   MISSED'}",
                flush=True,
            )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
