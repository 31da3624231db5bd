# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""sqlite_accounts and the role sqlite_maps on real hosts: content, one transaction, and what Postfix then answers."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness import batch
from ansible_collections.puffy.mail.tests.harness.containers import ROOT, Host
from ansible_collections.puffy.mail.tests.harness.playbooks import playbook

pytestmark = [pytest.mark.containers, pytest.mark.one_release]

PATH = "/srv/accounts/accounts.sqlite"
HASH = "{BLF-CRYPT}$2b$04$n39JRHIP432OWo4UaJKhMOhuOtcpnNFyYKmj2dzeXaQLYW.To3.lW"
TASK: dict[str, Any] = {
    "path": PATH,
    "group": "postfix",
    "keep_days": 0,
    "domains": ["example.test", {"name": "off.test", "active": False}],
    "mailboxes": [
        {"address": "Alice@example.test", "password_hash": HASH, "name": "Alice", "quota": 1000},
        {"address": "bob@example.test", "password_hash": HASH},
    ],
    "aliases": [{"address": "sales@example.test", "goto": ["alice@example.test", "bob@example.test"]}],
}


def sql(host: Host, statement: str, path: str = PATH) -> list[Any]:
    code = (
        "import json, sqlite3, sys; d = sqlite3.connect(sys.argv[1]);"
        " r = d.execute(sys.argv[2]).fetchall(); d.commit(); print(json.dumps(r))"
    )
    found = json.loads(host.run(["python3", "-c", code, path, statement]).stdout)
    assert isinstance(found, list)
    return found


@pytest.fixture(scope="module")
def prepared(host: Host) -> Host:
    host.run("install -d -m 0750 -o root -g postfix /srv/accounts")
    return host


def test_a_new_mailbox_does_not_open_the_mail_of_an_earlier_one(prepared: Host) -> None:
    host, path = prepared, "/srv/accounts/again.sqlite"
    task = {**TASK, "path": path, "mail_home": "/srv/mail"}
    without = {**task, "mailboxes": task["mailboxes"][:1], "aliases": []}
    host.run("install -D /etc/hostname /srv/mail/example.test/bob/Maildir/new/1; mkdir -p /srv/mail/example.test/alice")
    # The first run has a database to make, for accounts whose mail is there.
    batch.assert_four(batch.run(host, batch.four("sqlite_accounts", task)))
    batch.assert_four(batch.run(host, batch.four("sqlite_accounts", without)))
    for check in (True, False):
        refused = host.module("sqlite_accounts", task, check=check)
        assert refused["failed"]
        assert "earlier account is in /srv/mail/example.test/bob, and the new owner would read it" in refused["msg"]
        assert sql(host, "SELECT username FROM mailbox", path) == [["alice@example.test"]]
    batch.assert_four(batch.run(host, batch.four("sqlite_accounts", {**task, "adopt_mail": True})))
    assert len(sql(host, "SELECT username FROM mailbox", path)) == 2
    assert not host.module("sqlite_accounts", task)["changed"]
    host.run(f"rm -r {path} /srv/mail")


def test_a_mailbox_that_goes_is_switched_off_and_removed_weeks_later(prepared: Host) -> None:
    host, path = prepared, "/srv/accounts/off.sqlite"
    task = {**TASK, "path": path, "mail_home": "/srv/mail", "keep_days": 30}
    without = {**task, "mailboxes": task["mailboxes"][:1], "aliases": []}
    rows = "SELECT username, password, active FROM mailbox WHERE username LIKE 'bob@%'"
    batch.assert_four(batch.run(host, batch.four("sqlite_accounts", task)))
    host.run("install -D /etc/hostname /srv/mail/example.test/bob/Maildir/new/1")

    gone = batch.assert_four(batch.run(host, batch.four("sqlite_accounts", without)))
    assert gone["rows"]["mailbox"] == {"inserted": 0, "updated": 1, "deleted": 0}
    assert "mailbox bob@example.test" in gone["diff"]["after"]
    assert "active=0 (switched off, since no account has the address)" in gone["diff"]["after"]
    assert sql(host, rows, path) == [["bob@example.test", HASH, 0]]

    # A mistake is undone by the next run: the same account has its mail.
    batch.assert_four(batch.run(host, batch.four("sqlite_accounts", task)))
    assert sql(host, rows, path) == [["bob@example.test", HASH, 1]]

    # Another password is another person, who does not get the mail without a word.
    batch.assert_four(batch.run(host, batch.four("sqlite_accounts", without)))
    other = {**task, "mailboxes": [task["mailboxes"][0], {**task["mailboxes"][1], "password_hash": HASH[:-1] + "X"}]}
    for check in (True, False):
        refused = host.module("sqlite_accounts", other, check=check)
        assert refused["failed"]
        assert "earlier account is in /srv/mail/example.test/bob, and the new owner would read it" in refused["msg"]
    assert sql(host, rows, path) == [["bob@example.test", HASH, 0]]

    sql(host, "UPDATE mailbox SET modified = datetime('now', '-29 days') WHERE active = 0", path)
    assert not host.module("sqlite_accounts", without)["changed"]
    sql(host, "UPDATE mailbox SET modified = datetime('now', '-31 days') WHERE active = 0", path)
    done = batch.assert_four(batch.run(host, batch.four("sqlite_accounts", without)))
    assert done["rows"]["mailbox"] == {"inserted": 0, "updated": 0, "deleted": 1}
    assert sql(host, rows, path) == []
    host.run(f"rm -r {path} /srv/mail")


def test_life_of_a_database(prepared: Host) -> None:
    host = prepared
    first = batch.assert_four(batch.run(host, batch.four("sqlite_accounts", TASK)))
    assert first["rows"]["mailbox"] == {"inserted": 2, "updated": 0, "deleted": 0}
    assert "$2b$" not in json.dumps(first)
    assert host.run(["stat", "-c", "%U %G %a", PATH]).stdout == "root postfix 640\n"
    assert host.run("ls -A /srv/accounts").stdout == "accounts.sqlite\n"
    assert sql(host, "SELECT username, password, maildir, quota FROM mailbox ORDER BY 1") == [
        ["alice@example.test", HASH, "example.test/alice/", 1000],
        ["bob@example.test", HASH, "example.test/bob/", 0],
    ]
    assert sql(host, "PRAGMA user_version") == [[2]]
    assert sql(host, "PRAGMA integrity_check") == [["ok"]]
    created = sql(host, "SELECT username, created FROM mailbox ORDER BY 1")

    changed = {**TASK, "mailboxes": [{**TASK["mailboxes"][0], "password_hash": "{PLAIN}new"}], "aliases": []}
    result = batch.assert_four(batch.run(host, batch.four("sqlite_accounts", changed)))
    assert result["rows"]["mailbox"] == {"inserted": 0, "updated": 1, "deleted": 1}
    assert "password=******** (another one)" in result["diff"]["after"]
    assert "{PLAIN}new" not in json.dumps(result)
    assert sql(host, "SELECT username, created FROM mailbox") == created[:1]
    # secure_delete: the hash that was replaced is nowhere in the file.
    assert host.run(["grep", "-c", "KhMOhuOtcpnNFy", PATH], check=False).stdout == "0\n"

    more = {**TASK, "exclusive": False, "mailboxes": [TASK["mailboxes"][1]], "aliases": [
        {"address": "x@example.test", "goto": ["alice@example.test"]}]}  # fmt: skip
    kept = batch.assert_four(batch.run(host, batch.four("sqlite_accounts", more)))
    assert kept["rows"]["mailbox"] == {"inserted": 1, "updated": 0, "deleted": 0}
    assert len(sql(host, "SELECT 1 FROM mailbox")) == 2

    info = host.module("sqlite_accounts_info", {"path": PATH})
    assert info["exists"]
    assert info["mailboxes"][0] == {
        "address": "alice@example.test",
        "name": "Alice",
        "maildir": "example.test/alice/",
        "quota": 1000,
        "active": True,
    }
    assert info["aliases"] == [{"address": "x@example.test", "goto": ["alice@example.test"], "active": True}]
    assert "password_hashes" not in info
    known = host.module("sqlite_accounts_info", {"path": PATH, "hashes": True})["password_hashes"]
    assert known == {"alice@example.test": "{PLAIN}new", "bob@example.test": HASH}


def test_many_accounts_are_removed_on_purpose_only(prepared: Host) -> None:
    """All mailboxes of a host, as a mistyped variable would have it: named, refused, and removed where allowed."""
    path = "/srv/accounts/removal.sqlite"
    full = {**TASK, "path": path}
    empty = {**full, "mailboxes": [], "aliases": []}
    prepared.module("sqlite_accounts", full)
    for check in (True, False):
        answer = prepared.module("sqlite_accounts", empty, check=check)
        assert answer.get("failed"), answer
        assert answer["msg"].startswith(
            f"{path}: All mailboxes would be removed or switched off: alice@example.test, bob@example.test. "
        ), answer
        assert answer["msg"].endswith(" Nothing was changed.")
        assert len(sql(prepared, "SELECT 1 FROM mailbox", path)) == 2
    allowed = batch.assert_four(batch.run(prepared, batch.four("sqlite_accounts", {**empty, "remove_many": True})))
    assert [line.split()[1] for line in allowed["diff"]["before"].splitlines() if line.startswith("mailbox")] == [
        "alice@example.test",
        "bob@example.test",
    ]
    assert "$2b$" not in json.dumps(allowed)
    assert sql(prepared, "SELECT 1 FROM mailbox", path) == []
    prepared.run(["rm", path])


DRIFT = [
    "chmod 644 {path}",
    "chown postfix {path}",
    "rm {path}",
    "truncate -s 0 {path}",
    "python3 -c \"import sqlite3; d = sqlite3.connect('{path}'); d.execute('DELETE FROM mailbox'); d.commit()\"",
    "python3 -c \"import sqlite3; d = sqlite3.connect('{path}'); d.execute('PRAGMA journal_mode = WAL')\"",
]


LOOK = """
import sqlite3, sys
base = sqlite3.connect(sys.argv[1])
print(base.execute("PRAGMA journal_mode").fetchall(), base.execute("SELECT count(*) FROM mailbox").fetchall())
"""


def test_drift_is_repaired_once(prepared: Host) -> None:
    task = batch.module("sqlite_accounts", TASK)
    _dummy, *answers = batch.run(prepared, [task, *(
        request
        for drift in DRIFT
        for request in (
            batch.shell(drift.format(path=PATH)),
            batch.module("sqlite_accounts", TASK, check=True),
            task,
            task,
            batch.shell(f"stat -c '%U %G %a' /srv/accounts/*; python3 -c '{LOOK}' {PATH}"),
        )
    )])  # fmt: skip
    for number, drift in enumerate(DRIFT):
        drifted, predicted, done, again, seen = answers[5 * number : 5 * number + 5]
        assert drifted["rc"] == 0, drifted
        assert predicted["changed"], drift
        assert done["changed"], drift
        assert predicted["diff"] == done["diff"], drift
        assert not again["changed"], drift
        assert seen["stdout"] == "root postfix 640\n[('delete',)] [(2,)]\n", drift


def test_what_is_not_ours_is_left_alone(prepared: Host) -> None:
    foreign = "/srv/accounts/foreign.sqlite"
    sql(prepared, "CREATE TABLE mailbox (username TEXT)", foreign)
    prepared.run("cp /etc/passwd /srv/accounts/text; mkdir -p /srv/accounts/directory")
    look = batch.shell("cd /srv/accounts; md5sum foreign.sqlite text; ls -A")
    refused = (
        (foreign, f"{foreign}: is a SQLite database that this collection did not make (application_id 0x0);"),
        ("/srv/accounts/text", "/srv/accounts/text: file is not a database; the database is as it was"),
        ("/srv/accounts/directory", "/srv/accounts/directory: is not a regular file. Use"),
        ("/srv/none/a.sqlite", "/srv/none/a.sqlite: no file can be made beside it in /srv/none: No such file"),
        ("accounts.sqlite", "path 'accounts.sqlite' is not absolute"),
    )
    before, *results, bad, typo, after = batch.run(prepared, [
        look,
        *(batch.module("sqlite_accounts", {**TASK, "path": path}) for path, _message in refused),
        batch.module("sqlite_accounts", {**TASK, "mailboxes": [{"address": "a@example.test", "password": "s3cret"}]}),
        batch.module("sqlite_accounts", {**TASK, "nosuch": 1}),
        look,
    ])  # fmt: skip
    for (path, message), result in zip(refused, results):
        assert result["failed"], path
        assert result["msg"].startswith(message), result["msg"]
    assert bad["msg"].startswith("mailboxes[0] (a@example.test) has a password in plain text.")
    assert "s3cret" not in json.dumps(bad)
    assert typo["failed"]
    assert "$2b$" not in json.dumps(typo)
    assert after == before
    prepared.run("rm -r /srv/accounts/foreign.sqlite /srv/accounts/text /srv/accounts/directory")


def test_a_bad_source_changes_nothing(prepared: Host) -> None:
    """The file is the host's here; through Ansible it is the control node's, which test_an_accounts_file shows."""
    source = "/tmp/accounts.json"
    task = {"path": PATH, "group": "postfix", "src": source}
    cases = (
        ("rm -f {0}", {}, f"src {source!r} is not there. Nothing was changed."),
        ("mkdir {0}", {}, f"{source}: is not a regular file"),
        ("rmdir {0}; printf '\\377' > {0}", {}, "accounts.json is no UTF-8 at byte 0. Nothing was changed."),
        ("echo '[]' > {0}", {}, "accounts.json is JSON and no object. Use one JSON object"),
        ("echo '{{}}' > {0}", {}, "domains names no domain. Use a list such as ['example.org']."),
        ("echo '{{}}' > {0}", {"aliases": TASK["aliases"]}, "src and aliases are both given. Put all accounts in"),
    )
    look = batch.shell("cd /srv/accounts; md5sum *; ls -A")
    before, *results, after = batch.run(prepared, [
        look,
        *(
            request
            for shell, more, _message in cases
            for request in (batch.shell(shell.format(source)), batch.module("sqlite_accounts", {**task, **more}))
        ),
        look,
    ])  # fmt: skip
    for (_shell, _more, message), result in zip(cases, results[1::2]):
        assert result["failed"]
        assert result["msg"].startswith(message), result["msg"]
    assert after == before


def test_a_killed_writer_is_rolled_back(prepared: Host) -> None:
    """A journal left by a kill in mid-commit: the next run restores the last whole state and goes on."""
    prepared.module("sqlite_accounts", TASK)
    prepared.run(["python3", "-c", (
        "import os, sqlite3\n"
        "import sys; d = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "d.execute('PRAGMA cache_size = 1')\n"
        "d.execute('BEGIN IMMEDIATE')\n"
        "d.execute('DELETE FROM mailbox')\n"
        "d.executemany('INSERT INTO domain (domain) VALUES (?)', ((f'd{n}.test',) for n in range(5000)))\n"
        "os._exit(0)\n"
    ), PATH])  # fmt: skip
    assert prepared.run("ls -A /srv/accounts").stdout == "accounts.sqlite\naccounts.sqlite-journal\n"
    assert not prepared.module("sqlite_accounts", TASK)["changed"]
    assert prepared.run("ls -A /srv/accounts").stdout == "accounts.sqlite\n"
    assert len(sql(prepared, "SELECT 1 FROM domain")) == 2


VARIABLES: dict[str, Any] = {
    "sqlite_maps_domains": ["example.test", {"name": "off.test", "active": False}],
    "sqlite_maps_mailboxes": [
        {"address": "alice@example.test", "name": "Alice", "password": "secret-alice"},
        {"address": "o'brien@Example.test", "password_hash": HASH},
        {"address": "gone@example.test", "password_hash": HASH, "active": False},
        {"address": "dan@off.test", "password_hash": HASH},
    ],
    "sqlite_maps_aliases": [
        {"address": "postmaster@example.test", "goto": ["alice@example.test"]},
        {"address": "sales@example.test", "goto": ["o'brien@example.test", "alice@example.test", "x@example.org"]},
        {"address": "old@example.test", "goto": ["alice@example.test"], "active": False},
    ],
    "sqlite_maps_password_cost": 4,
    "sqlite_maps_expect": {"virtual_alias_maps": {"sales@example.test.": None}},
}
PLAYBOOK = "- hosts: all\n  gather_facts: true\n  gather_subset: ['!all']\n  roles: [puffy.mail.sqlite_maps]\n"
MAPS = ("virtual_mailbox_domains", "virtual_mailbox_maps", "virtual_alias_maps", "sender_login_maps")
SALES = "o'brien@example.test,alice@example.test"
ANSWERS: dict[str, tuple[str, str, str, str]] = {
    "example.test": ("example.test", "", "", ""),
    "EXAMPLE.test": ("example.test", "", "", ""),
    "off.test": ("", "", "", ""),
    "alice@example.test": ("", "example.test/alice/", "", "alice@example.test"),
    "ALICE@Example.TEST": ("", "example.test/alice/", "", "alice@example.test"),
    "o'brien@example.test": ("", "example.test/o'brien/", "", "o'brien@example.test"),
    "postmaster@example.test": ("", "", "alice@example.test", "alice@example.test"),
    "sales@example.test": ("", "", f"{SALES},x@example.org", SALES),
    "gone@example.test": ("", "", "", ""),
    "dan@off.test": ("", "", "", ""),
    "old@example.test": ("", "", "", ""),
    "nobody@example.test": ("", "", "", ""),
    "alice+tag@example.test": ("", "", "", ""),
    "alïce@example.test": ("", "", "", ""),
    "' OR 1=1 --": ("", "", "", ""),
    "*)(uid=*": ("", "", "", ""),
    "%": ("", "", "", ""),
    "%@example.test": ("", "", "", ""),
}


@pytest.fixture(scope="module", params=["trixie", pytest.param("bullseye forky", marks=pytest.mark.long)])
def fleet(request: pytest.FixtureRequest) -> Iterator[list[Host]]:
    """Hosts that one ansible-playbook serves together."""
    hosts = [Host(f"{release}-mail", "--network=none") for release in request.param.split()]
    yield hosts
    for host in hosts:
        host.close()


def play(hosts: list[Host], directory: Path, text: str, variables: dict[str, Any], *options: str) -> tuple[int, str]:
    inventory = {"all": {"hosts": {host.name: host.connection for host in hosts}}}
    # Files are looked for beside the playbook.
    path = directory / "play.yml"
    path.write_text(text)
    done = playbook(path, inventory, *options, variables=variables, directory=directory)
    return done.rc, done.output


def changes(output: str) -> list[int]:
    """The number of changed tasks of each host, from the recap."""
    recap = output.split("PLAY RECAP")[1]
    return [int(line.split("changed=")[1].split()[0]) for line in recap.splitlines() if "changed=" in line]


def test_the_role(fleet: list[Host], tmp_path: Path) -> None:
    code, output = play(fleet, tmp_path, PLAYBOOK, VARIABLES, "--check", "--diff")
    assert code == 0, output
    assert changes(output) == [3] * len(fleet), output
    for host in fleet:
        assert host.run("ls -d /etc/postfix/sqlite /var/lib/puffy-mail", check=False).stdout == ""
    code, output = play(fleet, tmp_path, PLAYBOOK, VARIABLES, "-vvv", "--diff")
    assert code == 0, output
    assert changes(output) == [3] * len(fleet), output
    assert "secret-alice" not in output
    assert "$2b$" not in output
    ask = 'postmap -q "$key" "sqlite:/etc/postfix/sqlite/$map.cf" || echo'
    script = f'while IFS= read -r key; do for map in "$@"; do {ask}; done; done'
    for host in fleet:
        asked = host.run(["sh", "-c", script, "-", *MAPS], data="".join(f"{key}\n" for key in ANSWERS)).stdout
        lines = asked.split("\n")[:-1]
        got = {key: tuple(lines[4 * index : 4 * index + 4]) for index, key in enumerate(ANSWERS)}
        assert got == ANSWERS
        modes = host.run("stat -c '%U %G %a %n' /var/lib/puffy-mail /var/lib/puffy-mail/* /etc/postfix/sqlite").stdout
        assert modes.splitlines() == [
            "root postfix 750 /var/lib/puffy-mail",
            "root postfix 640 /var/lib/puffy-mail/accounts.sqlite",
            "root postfix 750 /etc/postfix/sqlite",
        ]
        assert host.run("grep -rl secret-alice /etc /var /srv /tmp /root 2>/dev/null", check=False).stdout == ""
        stored = sql(
            host, "SELECT password FROM mailbox WHERE username LIKE 'alice%'", "/var/lib/puffy-mail/accounts.sqlite"
        )
        host.run(["doveadm", "pw", "-t", stored[0][0], "-p", "secret-alice"])


def test_client_files_that_drift_are_repaired_once(fleet: list[Host], tmp_path: Path) -> None:
    """Each client file in another way, in one run that changes nothing else; one that is only older is right."""
    drifts = (
        "rm virtual_mailbox_domains.cf",
        ": > virtual_mailbox_maps.cf",
        "sed -i s/active/actve/ virtual_alias_maps.cf",
        "chmod 0644 sender_login_maps.cf",
        "cp virtual_mailbox_maps.cf relay_domains.cf",
    )
    sums = "cd /etc/postfix/sqlite; md5sum *; stat -c '%n %U %G %a' *"
    before = [host.run(sums).stdout for host in fleet]
    for host in fleet:
        host.run("cd /etc/postfix/sqlite; " + "; ".join(drifts))
    code, output = play(fleet, tmp_path, PLAYBOOK, VARIABLES)
    assert code == 0, output
    assert changes(output) == [1] * len(fleet), output
    assert output.count("changed: [") == len(fleet), output
    assert [host.run(sums).stdout for host in fleet] == before
    for host in fleet:
        host.run("cd /etc/postfix/sqlite; touch -d '1 hour ago' virtual*; touch -d '+5 seconds' sender*")
    code, output = play(fleet, tmp_path, PLAYBOOK, VARIABLES)
    assert code == 0, output
    assert changes(output) == [0] * len(fleet), output
    assert "[WARNING]" not in output


@pytest.mark.long
def test_an_accounts_file(fleet: list[Host], tmp_path: Path) -> None:
    """The same accounts from a file, encrypted: no other rows, no other answers, and no copy left on the host."""
    hashes = host_hashes(fleet[0])
    accounts = {
        "domains": VARIABLES["sqlite_maps_domains"],
        "aliases": VARIABLES["sqlite_maps_aliases"],
        "mailboxes": [
            {key: value for key, value in box.items() if key != "password"}
            | {"password_hash": hashes[box["address"].lower()]}
            for box in VARIABLES["sqlite_maps_mailboxes"]
        ],
    }  # fmt: skip
    (tmp_path / "files").mkdir()
    file = tmp_path / "files" / "accounts.json"
    file.write_text(json.dumps(accounts))
    (tmp_path / "vault").write_text("a vault's password\n")
    vault = ("--vault-password-file", str(tmp_path / "vault"))
    subprocess.run([ROOT / ".venv/bin/ansible-vault", "encrypt", *vault, file], check=True, capture_output=True)
    variables = {"sqlite_maps_accounts_file": "accounts.json", "sqlite_maps_expect": VARIABLES["sqlite_maps_expect"]}
    copies = "find / -xdev -name 'accounts.json*' -not -path '/proc/*'"
    for host in fleet[1:]:
        host.module("sqlite_accounts", {"path": "/var/lib/puffy-mail/accounts.sqlite", "group": "postfix", **accounts})
    for options, count in ((("--check",), 0), ((), 0)):
        code, output = play(fleet, tmp_path, PLAYBOOK, variables, *vault, *options, "-vvv", "--diff")
        assert code == 0, output
        assert changes(output) == [count] * len(fleet), output
        assert "$2b$" not in output
    everything = accounts["mailboxes"]
    accounts["mailboxes"] = []
    accounts["aliases"] = []
    file.write_text(json.dumps(accounts))
    for options in (("--check", "--diff"), ()):
        code, output = play(fleet, tmp_path, PLAYBOOK, variables, *options)
        assert code == 2, output
        assert "All mailboxes would be removed or switched off: alice@example.test, dan@off.test, o'brien@" in output
        assert changes(output) == [0] * len(fleet), output
    accounts["mailboxes"] = [box for box in everything if not box["address"].startswith("gone")]
    file.write_text(json.dumps(accounts))
    for options, count in ((("--check",), 1), ((), 1), (("--check",), 0), ((), 0)):
        code, output = play(fleet, tmp_path, PLAYBOOK, variables, *options, "--diff")
        assert code == 0, output
        assert changes(output) == [count] * len(fleet), output
        assert output.count("-alias postmaster@example.test ") == count * len(fleet), output
        # It was switched off already, and its mailbox is kept for a while.
        assert "-mailbox gone@example.test" not in output
    for host in fleet:
        counted = "SELECT count(*) FROM mailbox WHERE active = 1"
        assert sql(host, counted, "/var/lib/puffy-mail/accounts.sqlite") == [[3]]
        assert host.run(copies, check=False).stdout == ""


def host_hashes(host: Host) -> dict[str, str]:
    """The password hashes that are in the role's database."""
    rows = sql(host, "SELECT username, password FROM mailbox", "/var/lib/puffy-mail/accounts.sqlite")
    return dict(rows)


def test_a_bad_accounts_file_touches_nothing(fleet: list[Host], tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    cases = (
        ('{"domains": ["example.test"],}', "accounts.json, line 1, column 29: "),
        ('{"domains": ["example.test"], "mailboxs": []}', "accounts.json has the key 'mailboxs', which is not known."),
        (None, "'accounts.json', which is not there, or cannot be read or decrypted."),
    )
    sums = "md5sum /var/lib/puffy-mail/* /etc/postfix/sqlite/*"
    before = [host.run(sums).stdout for host in fleet]
    for text, message in cases:
        file = tmp_path / "files" / "accounts.json"
        file.unlink(missing_ok=True)
        if text is not None:
            file.write_text(text)
        code, output = play(fleet, tmp_path, PLAYBOOK, {"sqlite_maps_accounts_file": "accounts.json"})
        assert code == 2, output
        assert message in output
        assert "changed=0" in output
    assert [host.run(sums).stdout for host in fleet] == before


def test_a_database_that_comes_back_answers_again(fleet: list[Host]) -> None:
    for host in fleet:
        ask = ["postmap", "-q", "alice@example.test", "sqlite:/etc/postfix/sqlite/virtual_mailbox_maps.cf"]
        host.run("mv /var/lib/puffy-mail/accounts.sqlite /var/lib/puffy-mail/away")
        gone = host.run(ask, check=False)
        assert gone.returncode == 1
        assert "fatal" in gone.stderr
        host.run("mv /var/lib/puffy-mail/away /var/lib/puffy-mail/accounts.sqlite")
        assert host.run(ask).stdout == "example.test/alice/\n"


@pytest.mark.long
def test_a_hundred_thousand_mailboxes_through_the_role(tmp_path: Path) -> None:
    """From the accounts file to the tables; make bench judges the seconds."""
    with Host("trixie-mail", "--network=none") as host:
        boxes = [{"address": f"user{n}@example.test", "password_hash": HASH} for n in range(100_000)]
        (tmp_path / "accounts.json").write_text(json.dumps({"domains": ["example.test"], "mailboxes": boxes}))
        variables = {"sqlite_maps_accounts_file": str(tmp_path / "accounts.json")}
        for count in (3, 0):
            code, output = play([host], tmp_path, PLAYBOOK, variables)
            assert code == 0, output
            assert changes(output) == [count], output


@pytest.mark.long
def test_a_hundred_thousand_mailboxes() -> None:
    """A first load and a run without a change; make bench judges the seconds."""
    with Host("trixie-mail", "--network=none") as host:
        host.run("install -d -m 0750 -o root -g postfix /srv/accounts")
        boxes = [{"address": f"user{n}@example.test", "password_hash": HASH} for n in range(100_000)]
        task = {**TASK, "mailboxes": boxes, "aliases": []}
        assert host.module("sqlite_accounts", task)["rows"]["mailbox"]["inserted"] == 100_000
        assert not host.module("sqlite_accounts", task)["changed"]
