# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""map_config against real Postfix: a client file goes live when its queries are answered rightly, and only then."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._tables import map_config
from ansible_collections.puffy.mail.tests.harness import batch
from ansible_collections.puffy.mail.tests.harness.containers import POSTFIX, Host

pytestmark = pytest.mark.containers

DATABASE = """
import os, shutil, sqlite3
os.makedirs("/srv/db", exist_ok=True)
shutil.chown("/srv/db", "root", "postfix")
os.chmod("/srv/db", 0o750)
database = sqlite3.connect("/srv/db/a$b.sqlite")
database.execute("CREATE TABLE t (k TEXT PRIMARY KEY, v TEXT)")
database.executemany("INSERT INTO t VALUES (?, ?)", [
    ("alice@example.test", "one"), ("o'brien@example.test", "two,three"), ("lines", "a\\nb"),
])
database.commit()
shutil.chown("/srv/db/a$b.sqlite", "root", "postfix")
os.chmod("/srv/db/a$b.sqlite", 0o640)
"""
PATH = "/etc/postfix/sqlite/t.cf"
OPTIONS = {"dbpath": "/srv/db/a$b.sqlite", "query": "SELECT v FROM t\n  WHERE k = '%s'"}
EXPECT = {
    "alice@example.test": "one",
    "ALICE@Example.test": "one",
    "o'brien@example.test": "two,three",
    "lines": "a\nb",
    "nobody@example.test": None,
    "' OR 1=1 --": None,
    "*)(uid=*": None,
    "é@example.test": None,
}
TASK = {"path": PATH, "type": "sqlite", "options": OPTIONS, "expect": EXPECT}


@pytest.fixture(scope="module")
def prepared(host: Host) -> Iterator[Host]:
    host.run(["python3", "-c", DATABASE])
    host.run("install -d -m 0750 -o root -g postfix /etc/postfix/sqlite")
    return host


def state(host: Host, path: str = PATH) -> str:
    return host.run(f"stat -c '%U %G %a %i' {path}; cat {path}").stdout


def test_life_of_a_client_file(prepared: Host) -> None:
    host = prepared
    first = batch.assert_four(batch.run(host, batch.four("map_config", TASK)))
    assert first["proved"] is True
    assert first["answers"] == EXPECT
    assert first["table"] == f"sqlite:{PATH}"
    told, text = state(host).split("\n", 1)
    assert told.startswith("root postfix 640 ")
    assert "query = SELECT v FROM t WHERE k = '%s'\n" in text
    for key, value in EXPECT.items():
        asked = host.run(["postmap", "-q", key, f"sqlite:{PATH}"], check=False)
        assert (asked.returncode, asked.stdout) == ((1, "") if value is None else (0, f"{value}\n"))
    assert host.run("ls -A /etc/postfix/sqlite").stdout == "t.cf\n"
    assert host.run("ls -d /tmp/puffy-mail-* 2>/dev/null", check=False).stdout == ""


DRIFT = (
    "rm",
    "chmod 644",
    "chown postfix",
    "chgrp root",
    "truncate -s 5",
    "truncate -s 0",
    "printf 'dbpath = /srv/none' | dd bs=1 conv=notrunc status=none of=",
    "cp /etc/postfix/main.cf",
)


@pytest.mark.one_release
def test_drift_is_repaired_once(prepared: Host) -> None:
    look = batch.shell(f"stat -c '%U %G %a' {PATH}; cat {PATH}")
    _dummy, *answers = batch.run(prepared, [batch.module("map_config", TASK), look, *(
        request for drift in DRIFT for request in (
            batch.shell(f"{drift}{'' if drift.endswith('=') else ' '}{PATH}"),
            batch.module("map_config", TASK, check=True),
            batch.module("map_config", TASK),
            batch.module("map_config", TASK, check=True),
            look,
        )
    )])  # fmt: skip
    good, rest = answers[0], answers[1:]
    for index, drift in enumerate(DRIFT):
        drifted, foretold, repaired, again, after = rest[5 * index : 5 * index + 5]
        assert drifted["rc"] == 0, drifted
        assert repaired["changed"], (drift, repaired)
        assert (foretold["changed"], foretold["diff"]) == (True, repaired["diff"]), (drift, foretold)
        assert again["changed"] is False, (drift, again)
        assert after == good, drift


@pytest.mark.one_release
def test_age_and_a_link_are_no_drift(prepared: Host) -> None:
    """A file that is only older or newer is right; so is a link to one, which stays a link when its file changes."""
    _dummy, older, _dummy, newer, _dummy, linked, changed, back, seen, _dummy = batch.run(prepared, [
        batch.shell(f"touch -d '1 hour ago' {PATH}"),
        batch.module("map_config", TASK),
        batch.shell(f"touch {PATH}"),
        batch.module("map_config", TASK),
        batch.shell(f"mv {PATH} /etc/postfix/sqlite/real.cf; ln -s real.cf {PATH}"),
        batch.module("map_config", TASK),
        batch.module("map_config", {**TASK, "options": {**OPTIONS, "expansion_limit": 9}}),
        batch.module("map_config", TASK),
        batch.shell(f"readlink {PATH}; stat -c '%U %G %a' /etc/postfix/sqlite/real.cf; ls -A /etc/postfix/sqlite"),
        batch.shell(f"mv /etc/postfix/sqlite/real.cf {PATH}"),
    ])  # fmt: skip
    assert [answer["changed"] for answer in (older, newer, linked, changed, back)] == [False, False, False, True, True]
    assert seen["stdout"] == "real.cf\nroot postfix 640\nreal.cf\nt.cf\n"


FAILURES: list[tuple[dict[str, object], str]] = [
    (
        {"expect": {"alice@example.test": "two"}},
        f"{PATH}: the key 'alice@example.test' gives 'one' where 'two' was expected; the file is as it was",
    ),
    (
        {"options": {**OPTIONS, "expansion_limit": 100}, "expect": {"nobody": "x", "alice@example.test": None}},
        f"{PATH}: the key 'nobody' gives no entry where 'x' was expected; the key 'alice@example.test' gives 'one'"
        " where no entry was expected; the live file is untouched",
    ),
    (
        {"options": {**OPTIONS, "query": "SELECT nosuch FROM t WHERE k = '%s'"}},
        f"{PATH}: asked as postfix, sqlite:{PATH} does not answer: fatal: dict_sqlite_lookup: {PATH}: SQL prepare"
        " failed: no such column: nosuch",
    ),
    ({"options": {**OPTIONS, "dbpath": "/srv/none"}}, "; the live file is untouched. There is no file /srv/none"),
    ({"options": {**OPTIONS, "dbpath": "/srv"}}, "; the live file is untouched. /srv: is not a regular file"),
    (
        {"options": {**OPTIONS, "dbpath": "/etc/passwd"}},
        "; the live file is untouched. /etc/passwd is not a SQLite database",
    ),
    (
        {"options": {**OPTIONS, "dbpth": "/srv/db"}},
        f"{PATH}: sqlite_table(5) has no option 'dbpth'; did you mean 'dbpath'?",
    ),
    ({"group": "nosuch"}, f"{PATH}: there is no group 'nosuch' on this host"),
    (
        {"mode": "640x"},
        f"{PATH}: mode '640x' is not an octal number from 0000 to 7777; write it quoted, such as \"0640\"",
    ),
    ({"path": "sqlite/t.cf"}, "sqlite/t.cf: path 'sqlite/t.cf' is not absolute"),
    ({"path": "sqlite/t.cf", "state": "absent"}, "sqlite/t.cf: path 'sqlite/t.cf' is not absolute"),
    ({"mode": "416"}, f"{PATH}: mode '416' gives the group or others what the owner has not"),
    ({"expect": {"a": True}}, f"{PATH}: expect has True for the key 'a'. Use a text, or null for no entry"),
    ({"options": {**OPTIONS, "query": "SELECT v FROM t WHERE k = %s"}}, f"{PATH}: option 'query' uses '%s' outside"),
    ({"path": "/etc/postfix/sqlite"}, "/etc/postfix/sqlite: /etc/postfix/sqlite: is not a regular file"),
    (
        {"type": "pgsql", "options": {"dbname": "a", "query": "SELECT 1"}},
        f"{PATH}: this host's Postfix has no map type 'pgsql'; it has btree, ",
    ),
]


@pytest.mark.one_release
def test_a_failure_leaves_the_live_file(prepared: Host) -> None:
    look = batch.shell(f"stat -c '%U %G %a %i' {PATH}; cat {PATH}; ls -A /etc/postfix/sqlite")
    before, *answers = batch.run(prepared, [look, *(
        request for change, _message in FAILURES for request in (batch.module("map_config", {**TASK, **change}), look)
    )])  # fmt: skip
    for (change, message), result, after in zip(FAILURES, answers[::2], answers[1::2]):
        assert result.get("failed"), (change, result)
        assert message in result["msg"], result["msg"]
        assert result["msg"].startswith(str(change.get("path", PATH)))
        assert after == before, change


@pytest.mark.one_release
def test_a_database_the_daemon_cannot_read(prepared: Host) -> None:
    """Root can read it and Postfix cannot: that is found before the file is live."""
    new = batch.module("map_config", {**TASK, "path": "/etc/postfix/sqlite/new.cf"})
    _dummy, file, _dummy, directory, _dummy, left = batch.run(prepared, [
        batch.shell("chmod 0600 '/srv/db/a$b.sqlite'"),
        new,
        batch.shell("chmod 0640 '/srv/db/a$b.sqlite'; chmod 0700 /srv/db"),
        new,
        batch.shell("chmod 0750 /srv/db"),
        batch.shell("ls -A /etc/postfix/sqlite"),
    ])  # fmt: skip
    why = "proxymap(8) runs as postfix with the group postfix alone. Use: chgrp postfix"
    for result, hint in (
        (
            file,
            f"/srv/db/a$b.sqlite: postfix cannot read it (mode 0600); {why} /srv/db/a$b.sqlite; chmod g+r"
            " /srv/db/a$b.sqlite",
        ),
        (directory, f"/srv/db/a$b.sqlite: postfix cannot enter /srv/db (mode 0700); {why} /srv/db; chmod g+x /srv/db"),
    ):
        assert result.get("failed"), result
        assert "asked as postfix" in result["msg"]
        assert result["msg"].endswith(f"; no file was made. {hint}"), result["msg"]
    assert left["stdout"] == "t.cf\n"


@pytest.mark.one_release
def test_check_mode_warns_of_what_it_cannot_prove(prepared: Host) -> None:
    before = state(prepared)
    change = {**TASK, "expect": {"not-there-yet@example.test": "x"}}
    result = prepared.module("map_config", change, check=True)
    assert not result.get("failed")
    assert (result["changed"], result["proved"]) == (False, False)
    assert "expect is not proved in check mode: the key 'not-there-yet@example.test'" in str(result["warnings"])
    assert state(prepared) == before


@pytest.mark.one_release
def test_secrets_are_shown_nowhere(prepared: Host) -> None:
    path = "/etc/postfix/sqlite/ldap.cf"
    options = {
        "server_host": ["ldap://127.0.0.1:1"],
        "version": 3,
        "timeout": 1,
        "search_base": "dc=example,dc=test",
        "bind_dn": "cn=postfix",
        "bind_pw": "s3cret-one",
    }
    task = {"path": path, "type": "ldap", "options": options}
    *runs, text, other, failed, typo, wide, down = batch.run(prepared, [
        *batch.four("map_config", task),
        batch.shell(f"cat {path}"),
        batch.module("map_config", {**task, "options": {**options, "bind_pw": "s3cret-two"}}),
        batch.module("map_config", {**task, "options": {**options, "scope": "s3cret-two"}}),
        batch.module("map_config", {**task, "nosuch": 1}),
        batch.module("map_config", {**task, "mode": "0644"}),
        batch.module("map_config", {**task, "expect": {"a": None}}),
    ])  # fmt: skip
    first = batch.assert_four(runs)
    assert "bind_pw = s3cret-one\n" in text["stdout"]
    assert "# a masked value changes" in other["diff"]["after"]
    assert failed["failed"]
    assert typo["failed"]
    assert wide["msg"] == f"{path}: mode '0644' would let every user of the host read the secret in {path}"
    assert down["failed"]
    assert "Can't contact LDAP server" in down["msg"]
    for result in (first, other, typo, wide, down):
        assert "s3cret" not in json.dumps(result), result
    assert prepared.run("grep -r s3cret /var/log /tmp 2>/dev/null | head -3", check=False).stdout == ""
    gone = batch.run(prepared, batch.four("map_config", {"path": path, "state": "absent"}))
    assert batch.assert_four(gone)["changed"]
    assert prepared.run(["test", "-e", path], check=False).returncode == 1


# ---- the table of options, beside what the installed Postfix says of itself


def manual(host: Host, map_type: str) -> set[str] | None:
    """The options that the manual page of this release describes; None where the package has no such page."""
    page = f"/usr/share/man/man5/{map_type}_table.5.gz"
    done = host.run(f"! test -e {page} || gzip -dc {page}")
    return set(re.findall(r'^\.IP "?\\fB([A-Za-z_]+)', done.stdout, re.MULTILINE)) if done.stdout else None


@pytest.mark.parametrize("map_type", list(map_config.OPTIONS))
def test_the_options_are_those_of_the_manual_page(prepared: Host, release: str, map_type: str) -> None:
    described = manual(prepared, map_type)
    # bullseye has these two pages in packages of their own, which the host lacks.
    assert (described is None) == (release == "bullseye" and map_type in ("mysql", "pgsql"))
    if described is not None:
        known = {name for name, option in map_config.OPTIONS[map_type].items() if option.since <= POSTFIX[release]}
        # An old name that not every release's page still has.
        assert known - {"result_filter"} == described - {"result_filter"}


def test_the_options_are_those_that_postconf_knows(prepared: Host, release: str) -> None:
    """postconf(1) warns of each line of a client file that no code reads."""
    for map_type, options in map_config.OPTIONS.items():
        prepared.write("/tmp/all.cf", "".join(f"{name} = 1\n" for name in [*options, "no_such_option"]))
        said = prepared.run(["postconf", "-n", "-o", f"virtual_alias_maps={map_type}:/tmp/all.cf"]).stderr
        unused = set(re.findall(rf"{map_type}:/tmp/all\.cf: unused parameter: (\w+)=", said))
        later = {name for name, option in options.items() if option.since > POSTFIX[release]}
        assert unused == later | {"no_such_option"}, map_type


#: what every number, boolean and choice is tried with
VALUES = ("0", "1", "3", "10s", "5m", "-1", "yes", "no", "maybe", "sub", "none", "sasl")
COMPLETE: dict[str, dict[str, Any]] = {
    "ldap": {"server_host": "ldap://127.0.0.1:1", "search_base": "dc=a", "version": 3},
    "memcache": {"memcache": "inet:127.0.0.1:1"},
}
#: what makes an option of use
TOGETHER: dict[str, dict[str, Any]] = {
    "tls_require_cert": {"start_tls": True},
    "start_tls": {"version": 3},
    "sasl_minssf": {"bind": "sasl"},
    "version": {},
}
#: refused though Postfix takes it: a time-out of 0 is none, and a negative number was never meant
STRICTER = {"0", "-1"}


@pytest.mark.long
@pytest.mark.parametrize("map_type", list(COMPLETE))
def test_values_are_those_that_the_client_takes(prepared: Host, map_type: str) -> None:
    """postmap(1) ends at a value it cannot read before it connects to anything; what comes then is cut off."""
    tried: list[tuple[str, str, bool]] = []
    requests = []
    for name, option in map_config.OPTIONS[map_type].items():
        if option.kind not in ("int", "bool", "choice") or option.removed or name == "debuglevel":
            continue
        for value in VALUES:
            options = {**COMPLETE[map_type], **TOGETHER.get(name, {}), name: value}
            # What fits together is another question: only the value is asked for here.
            try:
                map_config.format_value(map_type, name, value)
                taken = True
            except ValueError:
                taken = False
            lines = {key: "yes" if entry is True else entry for key, entry in options.items()}
            # As the module writes a boolean that was given as a number.
            if taken:
                lines[name] = map_config.format_value(map_type, name, value)
            text = "".join(f"{key} = {entry}\\n" for key, entry in lines.items())
            tried.append((name, value, taken))
            # A file of this second would be waited for (dict_load_file_xt).
            write = f"printf '{text}' >/tmp/v.cf; touch -d '-5 seconds' /tmp/v.cf"
            requests.append(batch.shell(f"{write}; timeout 0.3 postmap -q a {map_type}:/tmp/v.cf"))
    for (name, value, taken), answer in zip(tried, batch.run(prepared, requests)):
        refused = re.search(
            r"bad (boolean|numerical) configuration|unsupported parameter value|invalid \w+ parameter value"
            r"|Unrecognized|Unknown version",
            answer["stderr"],
        )
        if taken:
            assert not refused, (name, value, answer)
        elif value not in STRICTER:
            assert refused, (name, value, answer)


@pytest.mark.one_release
def test_what_is_allowed_and_seldom_meant_is_a_warning(prepared: Host) -> None:
    options = {"dbpath": "/srv/db/a$b.sqlite", "query": "SELECT v FROM t WHERE k = '%u'"}
    result = prepared.module("map_config", {"path": "/etc/postfix/sqlite/u.cf", "type": "sqlite", "options": options})
    assert result["changed"]
    assert "uses the local part of an address (%u) and not its domain" in str(result["warnings"])


SOCKETMAP_SERVER = """
import os, socket
server = socket.socket(socket.AF_UNIX)
server.bind("/run/socketmap")
server.listen()
os.chmod("/run/socketmap", 0o666)
if os.fork():
    os._exit(0)
while True:
    client, _address = server.accept()
    with client, client.makefile("rwb") as stream:
        while True:
            digits = b""
            while (byte := stream.read(1)) not in (b":", b""):
                digits += byte
            if not byte:
                break
            name, key = stream.read(int(digits)).decode().split(" ", 1)
            stream.read(1)
            answer = f"OK {name}-value" if key == "known" else "NOTFOUND "
            stream.write(f"{len(answer)}:{answer},".encode())
            stream.flush()
"""


@pytest.mark.one_release
def test_a_socketmap_is_asked_and_nothing_written(prepared: Host) -> None:
    prepared.write("/tmp/socketmap.py", SOCKETMAP_SERVER)
    prepared.run("setsid python3 /tmp/socketmap.py </dev/null >/dev/null 2>&1")
    task: Mapping[str, Any] = {
        "type": "socketmap",
        "options": {"server": "unix:/run/socketmap", "name": "policy"},
        "expect": {"known": "policy-value", "other": None},
    }
    four = batch.four("map_config", task)
    *runs, wrong, path, gone = batch.run(prepared, [
        *four,
        batch.module("map_config", {**task, "expect": {"other": "x"}}),
        batch.module("map_config", {**task, "path": PATH}),
        batch.module("map_config", {**task, "state": "absent"}),
    ])  # fmt: skip
    first = batch.assert_four(runs)
    assert first["changed"] is False
    assert first["table"] == "socketmap:unix:/run/socketmap:policy"
    assert first["answers"] == task["expect"]
    assert wrong["msg"] == "socketmap: the key 'other' gives no entry where 'x' was expected; nothing was changed"
    assert path["msg"].startswith(f"{PATH}: path is '{PATH}', and a socketmap has no client file: ")
    assert gone["msg"] == "socketmap: state is 'absent', and a socketmap has no client file that could be removed"
