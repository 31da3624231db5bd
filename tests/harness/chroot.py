# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What smtpd(8) reaches from the chroot: each table is the list of clients of a server outside and of one inside."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ansible_collections.puffy.mail.tests.harness.containers import Host

#: the port of the first server
FIRST = 2601
ASK = r"""
import json, smtplib, sys
found = []
for port in range(int(sys.argv[1]), int(sys.argv[2])):
    client = smtplib.SMTP("127.0.0.1", port)
    client.ehlo("client.example")
    client.mail("a@example.test")
    found.append(client.rcpt("root@mail.example.test")[0])
    client.close()
json.dump(found, sys.stdout)
"""
#: The files by which names are found from the chroot.
NAMES = "cp /etc/hosts /etc/resolv.conf /etc/services /etc/nsswitch.conf /var/spool/postfix/etc"


def start(host: Host, tables: Sequence[tuple[str, str]]) -> None:
    """Start Postfix with two servers for each table: its type, and the text of its client file."""
    lines = []
    for number, (kind, text) in enumerate(tables):
        path = f"/etc/postfix/case-{number}.cf"
        host.write(path, text)
        lines += [
            f"{FIRST + 2 * number + which} inet n - {chroot} - 1 smtpd"
            f" -o smtpd_client_restrictions=check_client_access,{kind}:{path}\n"
            for which, chroot in enumerate("ny")
        ]
    host.run("cat >> /etc/postfix/master.cf", data="".join(lines))
    host.run(
        f"mkdir -p /var/spool/postfix/etc; {NAMES}; postconf -e myhostname=mail.example.test smtpd_tls_security_level="
        " smtpd_tls_cert_file= smtpd_tls_key_file= inet_interfaces=loopback-only; postfix start; sleep 1"
    )


def answers(host: Host, count: int) -> list[tuple[int, int]]:
    """The answers to a recipient of the servers of each table, outside of the chroot and inside."""
    codes = json.loads(host.run(["python3", "-c", ASK, str(FIRST), str(FIRST + 2 * count)]).stdout)
    return list(zip(codes[::2], codes[1::2]))


def told(host: Host) -> dict[int, str]:
    """What the checks say, by the number of the table. They must not speak of a server outside of the chroot."""
    lines = host.read("/etc/postfix/master.cf").splitlines()
    found = {}
    for item in host.module("postfix_info", {})["findings"]:
        if item["rule"] == "table-chroot":
            number, inside = divmod(int(lines[item["line"] - 1].split()[0]) - FIRST, 2)
            assert inside, item
            found[number] = item["message"]
    return found
