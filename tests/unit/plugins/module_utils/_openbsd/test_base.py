# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inputs of the role openbsd_base, and aliases(5)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.puffy.mail.plugins.module_utils._openbsd import base

ROLE = Path(__file__).resolve().parents[5] / "roles" / "openbsd_base"
LOOKUPS = (
    "Right would be a list of 'sqlite', 'ldap', 'mysql', 'pgsql', with one of the last three at most: the flavors of"
    " the package are ldap, mysql and pgsql, each alone, and sasl2."
)
SERVICES = "Right would be names of rc.d(8) scripts with postfix among them, such as ['dovecot', 'postfix']."
FILES = "Right would be absolute paths of files, without blanks, such as ['/etc/resolv.conf', '/etc/ssl/cert.pem']."
ALIASES = "Right would be a mapping such as {'root': 'alice@example.org'}, or with a list of recipients."


def defaults() -> dict[str, Any]:
    found = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    assert isinstance(found, dict)
    return found


def test_the_defaults_are_good_and_every_input_has_a_rule() -> None:
    assert base.openbsd_base_problems(defaults()) == []
    given_to_the_filter = yaml.safe_load((ROLE / "tasks" / "preflight.yml").read_text())[0]["vars"]
    assert set(given_to_the_filter["__openbsd_base_inputs"]) == set(defaults())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lookups", []),
        ("lookups", ["pgsql", "sqlite"]),
        ("myname", "mail.example.org"),
        ("services", ["slapd", "dovecot", "postfix"]),
        ("chroot_files", ["/etc/ssl/cert.pem", "/usr/share/zoneinfo/Europe/Berlin"]),
        ("chroot_schedule", ""),
        ("chroot_schedule", "@hourly"),
        ("aliases", {"root": ["alice", '"|/usr/local/bin/x -a"'], "a+b": ":include:/etc/mail/list"}),
        ("documentation", "/var/www/htdocs/postfix"),
        ("vmail_number", "5000"),
    ],
)
def test_good_values(name: str, value: Any) -> None:
    assert base.openbsd_base_problems({f"openbsd_base_{name}": value}) == []


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("branch", "stable36", "is 'stable36'. Right would be one of 'stable', 'stable35'."),
        ("sasl", "sasl2", "is 'sasl2'. Right would be one of 'dovecot', 'cyrus'."),
        ("lookups", "ldap", f"is 'ldap'. {LOOKUPS}"),
        ("lookups", ["ldpa"], f"has the entry 'ldpa'. {LOOKUPS}"),
        ("lookups", ["mysql", "ldap"], f"has 'ldap' and 'mysql', and no package of Postfix has both. {LOOKUPS}"),
        ("services", ["dovecot"], f"is ['dovecot']. {SERVICES}"),
        ("services", ["postfix", "a-b"], f"has the entry 'a-b', which rc.subr(8) would refuse. {SERVICES}"),
        ("services", ["postfix", "postfix"], f"is ['postfix', 'postfix'], where an entry stands twice. {SERVICES}"),
        ("chroot_files", ["/a b"], f"has the entry '/a b'. {FILES}"),
        ("chroot_files", ["/etc/../x"], f"has the entry '/etc/../x'. {FILES}"),
        ("chroot_files", ["/etc/"], f"has the entry '/etc/'. {FILES}"),
        ("chroot_files", ["etc/hosts"], f"has the entry 'etc/hosts'. {FILES}"),
        ("chroot_files", ["/x;id"], f"has the entry '/x;id'. {FILES}"),
        (
            "chroot_files",
            ["/var/spool/postfix/etc/hosts"],
            f"has the entry '/var/spool/postfix/etc/hosts', which lies in the chroot itself. {FILES}",
        ),
        ("aliases", ["root"], f"is ['root']. {ALIASES}"),
        ("aliases", {"a b": "c"}, f"has the alias 'a b'; an alias is a local part without its domain. {ALIASES}"),
        ("aliases", {"a": []}, f"has no recipient for 'a'. {ALIASES}"),
        ("aliases", {"a": "b\nc"}, f"has the recipient 'b\\nc' for 'a'. {ALIASES}"),
        ("aliases", {"a": ["b", 3]}, f"has the recipient 3 for 'a'. {ALIASES}"),
        (
            "aliases",
            {"Root": "a", "root": "b"},
            f"has 'Root' twice; Postfix does not tell upper from lower case there. {ALIASES}",
        ),
        ("open_files", -1, "is -1. Right would be a number of files from 0 to 1000000."),
        ("vmail_number", 0, "is 0. Right would be a number of an account from 1000 to 60000."),
        (
            "documentation",
            "/",
            (
                "is '/'. Right would be an absolute path below a directory, such as '/var/www/htdocs/postfix', or ''"
                " for no copy."
            ),
        ),
    ],
)
def test_bad_values(name: str, value: Any, message: str) -> None:
    assert base.openbsd_base_problems({f"openbsd_base_{name}": value}) == [f"openbsd_base_{name} {message}"]


@pytest.mark.parametrize(
    ("name", "value", "begin"),
    [
        ("myname", "mail", "openbsd_base_myname is 'mail', which has no dot."),
        ("vmail_user", "v mail", "openbsd_base_vmail_user is 'v mail'. Right would be the name of a user"),
        ("vmail_home", "var/vmail", "openbsd_base_vmail_home is 'var/vmail'. Right would be an absolute path"),
        (
            "chroot_schedule",
            "99 * * * *",
            "openbsd_base_chroot_schedule: schedule '99 * * * *': bad minute '99': '99' is out of range;",
        ),
    ],
)
def test_bad_values_of_shared_rules(name: str, value: Any, begin: str) -> None:
    (sentence,) = base.openbsd_base_problems({f"openbsd_base_{name}": value})
    assert sentence.startswith(begin)


def test_an_unknown_input() -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(repr('no rule is known for the input'))[1:-1]} 'colour'$"):
        base.openbsd_base_problems({"colour": "red"})


@pytest.mark.parametrize(
    ("text", "aliases", "after"),
    [
        ("", {"root": "alice"}, "root: alice\n"),
        ("a: b\n", {"root": ["alice", "bob@example.org"]}, "a: b\nroot: alice, bob@example.org\n"),
        ("a: b", {"c": "d"}, "a: b\nc: d\n"),
        # what says so already keeps its layout
        ("Root:\talice ,\n\tbob\n", {"root": ["alice", "bob"]}, None),
        ('"root": "|prog  -x"\n', {"root": '"|prog -x"'}, None),
        # the lines that continued the old entry go with it, comments between them stay
        ("root: a,\n# why\n\n  b\nc: d\n", {"root": "e"}, "root: e\n# why\n\nc: d\n"),
        # Postfix takes the first of several
        ("root: a\nx: y\nroot: b\n", {"root": "c"}, "root: c\nx: y\n"),
        ("root: a\nx: y\nroot: b\n", {"root": "a"}, "root: a\nx: y\n"),
        ("root: a\nROOT: a\n", {"root": "a"}, "root: a\n"),
        ("# root: x\n", {"root": "a"}, "# root: x\nroot: a\n"),
        ("rooted: x\n", {"root": "a"}, "rooted: x\nroot: a\n"),
        ("caf\udce9: x\n", {"root": "a"}, "caf\udce9: x\nroot: a\n"),
    ],
)
def test_aliases_text(text: str, aliases: dict[str, Any], after: str | None) -> None:
    once = base.aliases_text(text, aliases)
    assert once == (text if after is None else after)
    assert base.aliases_text(once, aliases) == once


_LINE = st.sampled_from(["root: a", "Root : b,", "  c", "# note", "", "x: y,", "\tz", '"root": d', "postmaster: root"])


@settings(max_examples=150, deadline=None)
@given(st.lists(_LINE, max_size=8))
def test_aliases_text_keeps_what_others_say(lines: list[str]) -> None:
    def entries(text: str) -> list[tuple[str, list[str]]]:
        found: list[tuple[str, list[str]]] = []
        for line in text.splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            if line[0].isspace():
                if found:
                    found[-1][1].append(line.strip())
                continue
            name, _colon, rest = line.partition(":")
            found.append((name.strip().strip('"').lower(), [rest.strip()]))
        return found

    # a line that continues nothing is no part of any entry
    text = "".join(f"{line}\n" for line in ["first: one", *lines])
    done = base.aliases_text(text, {"root": "alice"})
    assert [entry for entry in entries(done) if entry[0] != "root"] == [e for e in entries(text) if e[0] != "root"]
    assert [entry for entry in entries(done) if entry[0] == "root"] == [("root", ["alice"])]
    assert base.aliases_text(done, {"root": "alice"}) == done
