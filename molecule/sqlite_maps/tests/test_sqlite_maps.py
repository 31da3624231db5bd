# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every table over PostfixAdmin's database and over the role's own; mail of each kind; a database that goes wrong."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.playbooks import Run
from ansible_collections.puffy.mail.tests.harness.scenarios import play

HERE = Path(__file__).parents[1]
DATABASE = "/srv/postfixadmin/vmail.sqlite3"
TABLES = ("virtual_mailbox_domains", "relay_domains", "virtual_mailbox_maps", "virtual_alias_maps", "sender_login_maps")
BOTH = "alice@given.test,o'brien@given.test"
#: what each table answers to a key; PostfixAdmin writes an alias for each mailbox, and the role does not
ANSWERS: dict[str, tuple[str, str, str, str, str]] = {
    "given.test": ("given.test", "", "", "", ""),
    "Given.TEST": ("given.test", "", "", "", ""),
    "twin.test": ("twin.test", "", "", "", ""),
    "off.test": ("", "", "", "", ""),
    "mx.test": ("", "mx.test", "", "", ""),
    "nowhere.test": ("", "", "", "", ""),
    "alice@given.test": ("", "", "given.test/alice/", "alice@given.test", "alice@given.test"),
    "ALICE@Given.test": ("", "", "given.test/alice/", "alice@given.test", "alice@given.test"),
    "o'brien@given.test": ("", "", "given.test/o'brien/", "o'brien@given.test", "o'brien@given.test"),
    "gone@given.test": ("", "", "", "", ""),
    "dan@off.test": ("", "", "", "", ""),
    "sales@given.test": ("", "", "", BOTH, BOTH),
    "old@given.test": ("", "", "", "", ""),
    "@catch.test": ("", "", "", "alice@given.test", ""),
    "eve@catch.test": ("", "", "catch.test/eve/", "eve@catch.test", "eve@catch.test"),
    "any@catch.test": ("", "", "", "", ""),
    "alice@twin.test": ("", "", "", "alice@given.test", "alice@given.test"),
    "sales@twin.test": ("", "", "", "sales@given.test", BOTH),
    "gone@twin.test": ("", "", "", "", ""),
    "nobody@twin.test": ("", "", "", "", ""),
    "alice+tag@given.test": ("", "", "", "", ""),
    "nobody@given.test": ("", "", "", "", ""),
    "alïce@given.test": ("", "", "", "", ""),
    "' OR 1=1 --": ("", "", "", "", ""),
    "' OR 1=1 --@given.test": ("", "", "", "", ""),
    "x' UNION SELECT password FROM mailbox --": ("", "", "", "", ""),
    "*)(uid=*": ("", "", "", "", ""),
    "%@given.test": ("", "", "", "", ""),
}
#: the aliases of one mailbox to itself
PLAIN = ("alice@given.test", "ALICE@Given.test", "o'brien@given.test")

ASK = """
import json, subprocess, sys
request = json.load(sys.stdin)
found = {}
for table in request["tables"]:
    for key in request["keys"]:
        done = subprocess.run(["setpriv", "--reuid", "postfix", "--regid", "postfix", "--clear-groups",
                               "postmap", "-q", key, table], capture_output=True, text=True)
        found.setdefault(key, []).append(done.stdout.rstrip("\\n") + done.stderr)
print(json.dumps(found))
"""
SQL = """
import json, sqlite3, sys
path, statement = json.load(sys.stdin)
base = sqlite3.connect(path)
print(json.dumps(base.execute(statement).fetchall()))
base.commit()
"""
SMTP = """
import json, smtplib, socket, sys
ADDRESS = socket.gethostbyname(socket.gethostname())  # not the loopback, which may relay
found = {}
for sender, recipient, text in json.load(sys.stdin):
    try:
        with smtplib.SMTP(ADDRESS, 25, local_hostname="client.example.org", timeout=90) as client:
            client.ehlo()
            code, said = client.mail(sender)
            if code == 250:
                code, said = client.rcpt(recipient)
            if code == 250 and text:
                code, said = client.data(text)
            found[recipient] = f"{code} {said.decode()}"
    except OSError as exc:
        found[recipient] = f"0 {exc}"
print(json.dumps(found))
"""


def script(host: Any, program: str, data: Any) -> Any:
    """Run a Python program in the host with ``data`` on its standard input."""
    done = host.run("printf %s " + quoted(json.dumps(data)) + " | python3 -c " + quoted(program))
    assert done.rc == 0, done.stderr
    return json.loads(done.stdout)


def sql(host: Any, path: str, statement: str) -> Any:
    return script(host, SQL, [path, statement])


def quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def smtp(host: Any, *wishes: tuple[str, str]) -> dict[str, str]:
    """What the server answers to each recipient, or to the message of that text."""
    found = script(host, SMTP, [("x@client.example.org", recipient, text) for recipient, text in wishes])
    assert isinstance(found, dict)
    return found


def tables(host: Any, *options: str) -> Run:
    """Converge the tables of this host alone."""
    return play(str(HERE / "tables.yml"), "--limit", host.check_output("hostname -s"), *options)


@pytest.mark.parametrize("directory", ["sqlite", "sqlite-owned"])
def test_every_table_answers_the_daemons_user(host: Any, directory: str) -> None:
    names = [f"sqlite:/etc/postfix/{directory}/{table}.cf" for table in TABLES]
    found = script(host, ASK, {"tables": names, "keys": list(ANSWERS)})
    for key, answers in ANSWERS.items():
        expected = list(answers)
        if directory == "sqlite-owned" and key in PLAIN:
            expected[3] = ""
        assert found[key] == expected, key


def test_the_tables_that_postfix_uses_are_these(host: Any) -> None:
    used = set(re.findall(r"[\w:]*sqlite:[^\s,}]+", host.check_output("postconf -n; postconf -P")))
    assert used == {f"proxy:sqlite:/etc/postfix/sqlite/{table}.cf" for table in TABLES}
    answered = host.check_output("postmap -q alice@given.test proxy:sqlite:/etc/postfix/sqlite/virtual_mailbox_maps.cf")
    assert answered == "given.test/alice/"


def test_owners_let_postfixadmin_write_and_the_others_read(host: Any) -> None:
    said = host.check_output(f"stat -c '%U %G %a' {DATABASE} $(dirname {DATABASE})")
    assert said.split("\n") == ["www-data postfix 640", "www-data postfix 2750"]
    name = f"later{time.time_ns()}@given.test"
    added = host.run(
        "cd /usr/share/postfixadmin/scripts && setpriv --reuid www-data --regid www-data --clear-groups"
        " php postfixadmin-cli.php alias add " + name + " --goto alice@given.test --active 1"
    )
    assert added.rc == 0, added.stdout
    # No run and no reload: Postfix reads what PostfixAdmin wrote.
    asked = host.check_output(f"postmap -q {name} proxy:sqlite:/etc/postfix/sqlite/virtual_alias_maps.cf")
    assert asked == "alice@given.test"
    assert host.check_output(f"stat -c '%U %G %a' {DATABASE}") == "www-data postfix 640"


DELIVERED = [
    ("alice@given.test", ["given.test/alice"]),
    ("ALICE@GIVEN.TEST", ["given.test/alice"]),
    ("alice+tag@given.test", ["given.test/alice"]),
    ("o'brien@given.test", ["given.test/o'brien"]),
    ("sales@given.test", ["given.test/alice", "given.test/o'brien"]),
    ("any@catch.test", ["given.test/alice"]),
    ("eve@catch.test", ["catch.test/eve"]),
    ("eve+tag@catch.test", ["catch.test/eve"]),
    ("alice@twin.test", ["given.test/alice"]),
    ("sales@twin.test", ["given.test/alice", "given.test/o'brien"]),
]


def test_mail_of_each_kind_arrives(host: Any) -> None:
    marks = {recipient: f"mark-{number}-{time.time_ns()}" for number, (recipient, _boxes) in enumerate(DELIVERED)}
    said = smtp(host, *((recipient, f"Subject: {mark}\r\n\r\n{mark}\r\n") for recipient, mark in marks.items()))
    assert {recipient: answer[:3] for recipient, answer in said.items()} == dict.fromkeys(marks, "250")
    wanted = sum(len(boxes) for _recipient, boxes in DELIVERED)
    deadline = time.monotonic() + 600
    while True:
        found = host.run("grep -rls mark- /var/vmail --include=* | xargs -r -d '\\n' grep -H ^Subject:").stdout
        lines = [
            line for line in found.splitlines() if "/Maildir/" in line and any(mark in line for mark in marks.values())
        ]
        if len(lines) >= wanted or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    for recipient, boxes in DELIVERED:
        there = sorted(
            line.split("/Maildir/")[0].removeprefix("/var/vmail/") for line in lines if line.endswith(marks[recipient])
        )
        assert there == boxes, recipient


def test_what_is_not_there_is_refused(host: Any) -> None:
    said = smtp(host, *((name, "") for name in (
        "nobody@given.test", "gone@given.test", "old@given.test", "dan@off.test", "nobody@twin.test",
        "\"' OR 1=1 --\"@given.test", "x@nowhere.test", "x@mx.test", "any@catch.test",
    )))  # fmt: skip
    # No host says that it knows this user of a domain that this host is a backup MX of.
    assert said.pop("x@mx.test")[:3] in ("450", "550")
    assert {name: answer[:3] for name, answer in said.items()} == {
        "nobody@given.test": "550",
        "gone@given.test": "550",
        "old@given.test": "550",
        "dan@off.test": "554",
        "nobody@twin.test": "550",
        '"\' OR 1=1 --"@given.test': "550",
        "x@nowhere.test": "554",
        "any@catch.test": "250",
    }


def test_verify_passes(host: Any) -> None:
    recap = play("puffy.mail.verify", "--limit", host.check_output("hostname -s"))
    assert recap.rc == 0, recap.output


def test_a_replaced_database_is_noticed(host: Any) -> None:
    """proxymap keeps the file it has open; a run of the role sees another one there, and reloads Postfix once."""
    assert smtp(host, ("sales@given.test", ""))["sales@given.test"].startswith("250")
    host.check_output(f"cp -p {DATABASE} {DATABASE}.kept && cp -p {DATABASE} {DATABASE}.new")
    sql(host, f"{DATABASE}.new", "DELETE FROM alias WHERE address LIKE 'sales@%'")
    host.check_output(f"mv {DATABASE}.new {DATABASE}")
    try:
        recap = tables(host)
        after = smtp(host, ("sales@given.test", ""))["sales@given.test"]
    finally:
        host.check_output(f"mv {DATABASE}.kept {DATABASE}")
    assert recap.rc == 0, recap.output
    assert recap.counts["changed"] == 1, recap.output
    assert after.startswith("550"), after
    assert tables(host).counts["changed"] == 1
    assert smtp(host, ("sales@given.test", ""))["sales@given.test"].startswith("250")


def test_a_deleted_database_is_a_4xx_a_finding_and_over_when_it_is_back(host: Any) -> None:
    host.check_output(f"mv {DATABASE} {DATABASE}.away")
    try:
        host.check_output("postfix reload")
        said = smtp(host, ("alice@given.test", ""), ("nobody@given.test", ""))
        run = tables(host)
        verified = play("puffy.mail.verify", "--limit", host.check_output("hostname -s"))
    finally:
        host.check_output(f"mv {DATABASE}.away {DATABASE}")
    assert {answer[:4] for answer in said.values()} == {"451 "}, said
    assert f"{DATABASE}: there is no such file" in run.output
    assert verified.rc != 0
    assert "451" in verified.output, verified.output
    recap = tables(host)
    assert recap.rc == 0, recap.output
    assert smtp(host, ("alice@given.test", ""))["alice@given.test"].startswith("250")


LOCK = """
import os, sqlite3, sys, time
base = sqlite3.connect(sys.argv[1], isolation_level=None)
base.execute("BEGIN EXCLUSIVE")
open("/run/locked", "w").close()
deadline = time.monotonic() + float(sys.argv[2])
while os.path.exists("/run/locked") and time.monotonic() < deadline:
    time.sleep(0.05)
"""


@contextlib.contextmanager
def locked(host: Any, seconds: float) -> Iterator[None]:
    """A writer holds the database until the block ends, and for so many seconds at most."""
    host.check_output(
        f"(setsid python3 -c {quoted(LOCK)} {DATABASE} {seconds} </dev/null >/dev/null 2>&1 &);"
        " until [ -e /run/locked ]; do sleep 0.02; done"
    )
    try:
        yield
    finally:
        host.check_output("rm -f /run/locked")


def test_a_short_lock_delays_and_refuses_nothing(host: Any) -> None:
    """proxymap ends at a lock, whether or not it has answered before; its client asks again after a second."""
    host.check_output("postfix reload")
    with locked(host, 0.8):
        said = smtp(host, ("alice@given.test", ""), ("nobody@given.test", ""))
    assert {name: answer[:3] for name, answer in said.items()} == {
        "alice@given.test": "250",
        "nobody@given.test": "550",
    }


def test_what_is_no_database_is_an_error_and_the_tables_stay(host: Any) -> None:
    before = host.check_output("md5sum /etc/postfix/sqlite/*")
    host.check_output(
        f"mv {DATABASE} {DATABASE}.away && cp /etc/passwd {DATABASE} && chown www-data:postfix {DATABASE}"
    )
    try:
        run = tables(host)
    finally:
        host.check_output(f"mv {DATABASE}.away {DATABASE}")
    assert run.rc != 0
    assert f"{DATABASE}: file is not a database; the database is as it was" in run.output, run.output
    assert host.check_output("md5sum /etc/postfix/sqlite/*") == before
    assert smtp(host, ("alice@given.test", ""))["alice@given.test"].startswith("250")


def test_write_ahead_logging_is_an_error_that_says_what_to_do(host: Any) -> None:
    before = host.check_output("md5sum /etc/postfix/sqlite/*")
    sql(host, DATABASE, "PRAGMA journal_mode = WAL")
    try:
        run = tables(host)
    finally:
        sql(host, DATABASE, "PRAGMA journal_mode = DELETE")
    assert run.rc != 0
    assert "it is in write-ahead logging mode" in run.output
    assert host.check_output("md5sum /etc/postfix/sqlite/*") == before
