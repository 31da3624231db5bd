# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._accounts import entries as accounts
from ansible_collections.puffy.mail.plugins.module_utils._accounts import rows

HASH = "{BLF-CRYPT}$2b$12$" + "a" * 53
ALICE = {"address": "alice@example.test", "password": "x"}
BOB = {"address": "Bob@Example.test", "password_hash": HASH}
DOMAINS = ["example.test"]

FINE: list[tuple[Any, Any, Any]] = [
    (DOMAINS, [], []),
    (["example.test", {"name": "b.test", "description": "B", "active": "no", "backupmx": False}], [ALICE, BOB], []),
    (DOMAINS, [ALICE], [{"address": "x@example.test", "goto": "alice@example.test, y@example.org"}]),
    (DOMAINS, [ALICE], [{"address": "x@example.test", "goto": ["alice+tag@example.test"]}]),
    (DOMAINS, [ALICE], [{"address": "alice@example.test", "goto": ["alice@example.test", "copy@example.org"]}]),
    (DOMAINS, [ALICE], [{"address": "@example.test", "goto": ["alice@example.test"]}]),
    (
        DOMAINS,
        [ALICE],
        [
            {"address": "@example.test", "goto": ["alice@example.test"]},
            {"address": "x@example.test", "goto": ["whoever@example.test"]},
        ],
    ),
    (["a.test"], [], [{"address": "@a.test", "goto": ["@b.test"]}]),
    # Of a backup MX, another host knows the users.
    (
        [*DOMAINS, {"name": "mx.test", "backupmx": True}],
        [],
        [{"address": "x@example.test", "goto": ["far@mx.test"]}, {"address": "@example.test", "goto": ["@mx.test"]}],
    ),
    # It becomes itself, which is not expanded a second time.
    (
        DOMAINS,
        [ALICE],
        [
            {"address": "alice@example.test", "goto": ["alice@example.test", "x@example.test"]},
            {"address": "x@example.test", "goto": ["alice@example.test"]},
        ],
    ),
    (
        ["bücher.test"],
        [{**ALICE, "address": "alice@BÜCHER.test"}],
        [{"address": "x@xn--bcher-kva.test", "goto": ["alice@bücher.test"]}],
    ),
    (DOMAINS, [ALICE], [{"address": "x@example.test", "goto": ["nobody@example.test"], "active": False}]),
    (
        DOMAINS,
        [{"address": "o'brien@example.test", "password": "x", "quota": "10", "maildir": "example.test/o'brien/"}],
        [],
    ),
]


@pytest.mark.parametrize(("domains", "mailboxes", "aliases"), FINE)
def test_nothing_wrong(domains: Any, mailboxes: Any, aliases: Any) -> None:
    assert accounts.account_problems(domains, mailboxes, aliases) == []


def box(**changes: Any) -> list[dict[str, Any]]:
    return [{**ALICE, **changes}]


def alias(address: str, *goto: str, **more: Any) -> dict[str, Any]:
    return {"address": address, "goto": list(goto), **more}


AN_ADDRESS = "Use an address such as 'alice@example.org'."
PROBLEMS: list[tuple[Any, Any, Any, list[str]]] = [
    ([], [], [], ["domains names no domain. Use a list such as ['example.org']."]),
    ("example.test", [], [], ["domains is 'example.test'. Use a list."]),
    (
        ["exam ple.test"],
        [],
        [],
        [
            "domains[0] is 'exam ple.test', which has the label 'exam ple', and a label is 1 to 63 letters, digits"
            " and inner hyphens. Use a domain name such as 'example.org'.",
            "domains names no domain. Use a list such as ['example.org'].",
        ],
    ),
    (
        ["a.test", "A.test"],
        [],
        [],
        ["domains[1] is 'A.test', which domains[0] is already. Name each domain once."],
    ),
    (
        [{"nam": "a.test"}, "b.test"],
        [],
        [],
        ["domains[0] has the key 'nam', which is not known; did you mean 'name'?"],
    ),
    ([{"name": "a.test", "active": "si"}], [], [], ["domains[0].active is 'si'. Use true or false."]),
    (
        # Of a number the database would make a text, and find it changed in every run.
        [{"name": "a.test", "description": 2024}],
        [],
        [],
        ["domains[0].description is 2024. Use text of one line."],
    ),
    ([7, "b.test"], [], [], ["domains[0] is 7. Use a mapping with name, description, backupmx, active."]),
    (DOMAINS, ["alice"], [], [
        "mailboxes[0] is 'alice'. Use a mapping with address, password, password_hash, name, quota,"
        " maildir, active."
    ]),
    (DOMAINS, box(address="alice"), [], [f"mailboxes[0].address is 'alice', which has no '@'. {AN_ADDRESS}"]),
    (DOMAINS, box(address=None), [], [f"mailboxes[0].address is None, which is not a text. {AN_ADDRESS}"]),
    (DOMAINS, box(address="@example.test"), [], [
        f"mailboxes[0].address is '@example.test', which has nothing before the '@'. {AN_ADDRESS}"
    ]),
    (DOMAINS, box(address="a b@example.test"), [], [
        "mailboxes[0].address is 'a b@example.test', where 'a b' is not a local part"
        f" (RFC 5322, dot-atom; 64 characters at most). {AN_ADDRESS}"
    ]),
    (DOMAINS, box(address="a@b"), [], [
        "mailboxes[0].address (the part after the '@') is 'b', which has no dot."
        " Use a fully qualified name such as 'mail.example.org'."
    ]),
    (DOMAINS, box(address="a/b@example.test"), [], [
        "mailboxes[0].address is 'a/b@example.test'; a mailbox cannot have '/' in its name, which becomes a directory"
        " and a user of Dovecot. Use letters, digits and .-_!&'+=~ only, or an alias of that name."
    ]),
    (DOMAINS, box(address="a@other.test"), [], [
        "mailboxes[0].address is 'a@other.test', and 'other.test' is not among domains."
        " Add the domain there, or leave the mailbox out."
    ]),
    (DOMAINS, [ALICE, {**BOB, "address": "ALICE@example.test"}], [], [
        "mailboxes[1].address is 'ALICE@example.test', and there is a mailbox of that name already"
        " (case does not count)."
    ]),
    (DOMAINS, box(password=""), [], [
        "mailboxes[0] (alice@example.test) has no password. Use either password or password_hash."
    ]),
    (DOMAINS, box(password_hash=HASH), [], [
        "mailboxes[0] (alice@example.test) has both. Use either password or password_hash."
    ]),
    (DOMAINS, [{"address": "a@example.test", "password_hash": "hunter2"}], [], [
        "mailboxes[0] (a@example.test) has a password_hash of no known form."
        " Use a scheme and a hash such as '{BLF-CRYPT}$2b$12$…', as doveadm pw prints it."
    ]),
    (DOMAINS, box(quota="1G"), [], ["mailboxes[0].quota is '1G'. Use a number of bytes; 0 means no limit."]),
    (DOMAINS, box(quota=10**18), [], [
        "mailboxes[0].quota is 1000000000000000000. Use a number of bytes; 0 means no limit."
    ]),
    (DOMAINS, box(name="a\nb"), [], ["mailboxes[0].name is 'a\\nb'. Use text of one line."]),
    *(
        (DOMAINS, box(maildir=place), [], [
            f"mailboxes[0].maildir is {place!r}. Use 'example.test/alice/', or leave maildir out: Dovecot reads the"
            " mail of the mailbox there."
        ])
        for place in ("../x/", "/x/", "a.test/x/", "example.test/bob/", "example.test/alice/Maildir/", 7, ["x"])
    ),
    (DOMAINS, [ALICE], [alias("x@example.test")], [
        "aliases[0] (x@example.test) leads nowhere: goto is []. Use a list of addresses."
    ]),
    (DOMAINS, [ALICE], [alias("x@example.test", "nobody@example.test")], [
        "aliases[0].goto of 'x@example.test' leads nowhere: 'nobody@example.test' is in our own domain and is neither"
        " a mailbox nor an alias. Use an address that exists."
    ]),
    (DOMAINS, [ALICE], [alias("x@example.test", "root")], [
        f"aliases[0].goto of 'x@example.test' is 'root', which has no '@'. {AN_ADDRESS}"
    ]),
    (DOMAINS, [ALICE], [alias("x@example.test", "a@example.org", "A@example.org")], [
        "aliases[0].goto of 'x@example.test' names 'a@example.org' twice. Name each target once."
    ]),
    (DOMAINS, box(active=False), [alias("x@example.test", "alice@example.test")], [
        "aliases[0].goto of 'x@example.test' leads to 'alice@example.test', a mailbox that is not active: its mail"
        " would be accepted and then bounce. Use an active mailbox, or switch the alias off too."
    ]),
    (DOMAINS, [ALICE], [alias("alice@example.test", "a@example.org")], [
        "aliases[0].address is 'alice@example.test', which is a mailbox too, and the alias would take all of its mail."
        " Name 'alice@example.test' among its targets, or use another address."
    ]),
    (DOMAINS, [], [alias("x@other.test", "a@example.org")], [
        "aliases[0].address is 'x@other.test', and 'other.test' is not among domains."
    ]),
    (DOMAINS, [], [alias("x@example.test", "a@example.org"), alias("X@example.test", "b@example.org")], [
        "aliases[1].address is 'X@example.test', which aliases[0] is already."
        " Use one alias with all targets."
    ]),
    ([*DOMAINS, {"name": "off.test", "active": False}], [{**ALICE, "address": "dan@off.test"}],
     [alias("x@example.test", "dan@off.test")], [
        "aliases[0].goto of 'x@example.test' leads to 'dan@off.test', and the domain 'off.test' is not active: its mail"
        " would be accepted and then bounce. Use an address of an active domain, or switch the alias off too."
    ]),
    (DOMAINS, [], [alias("@example.test", "missing@example.test")], [
        "aliases[0].goto of '@example.test' leads nowhere: 'missing@example.test' is in our own domain and is neither a"
        " mailbox nor an alias. Use an address that exists."
    ]),
    (["a.test", "b.test"], [{**ALICE, "address": "x@b.test"}], [alias("@a.test", "@b.test")], [
        "aliases[0].goto of '@a.test' leads to '@b.test', one of our own domains: mail for names that it does not have"
        " would be accepted and then bounce. Use a domain alias, or one address."
    ]),
    (["straße.test"], [], [], [
        "domains[0] is 'straße.test', which has the label 'straße', and a label is 1 to 63 letters, digits and inner"
        " hyphens. Use the name's ASCII form, which begins with 'xn--'.",
        "domains names no domain. Use a list such as ['example.org'].",
    ]),
    (["bücher.test", "xn--bcher-kva.test"], [], [], [
        "domains[1] is 'xn--bcher-kva.test', which domains[0] is already. Name each domain once."
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("domains", "mailboxes", "aliases", "expected"), PROBLEMS)
def test_problems(domains: Any, mailboxes: Any, aliases: Any, expected: list[str]) -> None:
    assert accounts.account_problems(domains, mailboxes, aliases) == expected


TWIN = [{"name": "twin.test", "target": "example.test"}]
#: aliases and domain aliases, the alias that is named, and the circle
CIRCLES: list[tuple[list[Any], list[Any], str, str]] = [
    ([alias("a@example.test", "a@example.test")], [], "a@example.test", "a@example.test -> a@example.test"),
    (
        [alias("a@example.test", "b@example.test"), alias("b@example.test", "a@example.test")],
        [],
        "a@example.test",
        "a@example.test -> b@example.test -> a@example.test",
    ),
    (
        [alias("a@example.test", "a@twin.test")],
        TWIN,
        "a@example.test",
        "a@example.test -> a@twin.test -> a@example.test",
    ),
    (
        [alias("a@example.test", "b@twin.test"), alias("b@example.test", "a@twin.test")],
        TWIN,
        "a@example.test",
        "a@example.test -> b@twin.test -> b@example.test -> a@twin.test -> a@example.test",
    ),
    ([alias("a@example.test", "a+x@example.test")], [], "a@example.test", "a@example.test -> a+x@example.test"),
    ([alias("alice@example.test", "alice@example.test"), alias("a@example.test", "b+y@example.test"),
      alias("b@example.test", "a+z@example.test")], [], "a@example.test",
     "a@example.test -> b+y@example.test -> a+z+y@example.test"),
    ([alias("a@example.test", "a+x@twin.test")], TWIN, "a@example.test",
     "a@example.test -> a+x@twin.test -> a+x@example.test"),
    # Each round has another address, of which none was expanded before (cleanup_map1n.c).
    ([alias("self@example.test", "self@example.test", "self+x@example.test")], [], "self@example.test",
     "self@example.test -> self+x@example.test"),
    ([alias("p@example.test", "p@example.test", "q+x@example.test"),
      alias("q@example.test", "q@example.test", "p+y@example.test")], [], "p@example.test",
     "p@example.test -> q+x@example.test -> p+y+x@example.test"),
    ([alias("p@example.test", "p@example.test", "p+x@twin.test")], TWIN, "p@example.test",
     "p@example.test -> p+x@twin.test -> p+x@example.test"),
    ([alias("@example.test", "@twin.test")], TWIN, "@example.test", "@example.test -> @twin.test -> @example.test"),
    ([alias("@example.test", "b+x@example.test")], [], "@example.test",
     "@example.test -> b+x@example.test"),
    (
        [alias("into@example.test", "a@example.test"), alias("a@example.test", "b@example.test"),
         alias("b@example.test", "a@example.test")],
        [],
        "a@example.test",
        "a@example.test -> b@example.test -> a@example.test",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("aliases", "twins", "named", "circle"), CIRCLES)
def test_circles_are_printed(aliases: list[Any], twins: list[Any], named: str, circle: str) -> None:
    place = next(index for index, entry in enumerate(aliases) if entry["address"] == named)
    boxes = [ALICE, *({**ALICE, "address": f"{name}@example.test"} for name in ("self", "p", "q"))]
    assert accounts.account_problems(DOMAINS, boxes, aliases, twins) == [
        f"aliases[{place}].goto of {named!r} leads round in a circle: {circle}. Let it end at a mailbox or at another"
        " host."
    ]


def test_the_delimiter_decides_what_is_a_circle() -> None:
    dash = [alias("a@example.test", "a-x@example.test")]
    assert accounts.account_problems(DOMAINS, [], dash, delimiter="-") == [
        "aliases[0].goto of 'a@example.test' leads round in a circle: a@example.test -> a-x@example.test. Let it end at"
        " a mailbox or at another host."
    ]
    assert "leads nowhere" in accounts.account_problems(DOMAINS, [], dash)[0]
    assert "leads nowhere" in accounts.account_problems(DOMAINS, [], dash, delimiter="")[0]
    # split_addr(3) leaves the addresses of mailing lists whole.
    lists = [alias("owner@example.test", "owner-x@example.test"), alias("owner-x@example.test", "alice@example.test")]
    assert accounts.account_problems(DOMAINS, [ALICE], lists, delimiter="-") == []


def test_circles_through_what_is_there_already() -> None:
    known = rows.rows(DOMAINS, [], [alias("b@example.test", "a@example.test")])
    assert accounts.account_problems([], [], [alias("a@example.test", "b@example.test")], known=known) == [
        "aliases[0].goto of 'a@example.test' leads round in a circle: a@example.test -> b@example.test ->"
        " a@example.test. Let it end at a mailbox or at another host."
    ]


def test_no_sentence_holds_a_password() -> None:
    bad = [{"address": "bad", "password": "s3cret"}, {"password": "s3cret"}, ["s3cret"], {"x": 1, "password": "s3cret"}]
    found = accounts.account_problems(
        DOMAINS, [*bad[:2], bad[3], {**ALICE, "password": "s3cret", "password_hash": "s3cret"}], []
    )
    assert len(found) == 4
    assert not any("s3cret" in sentence for sentence in found)


def test_the_module_takes_no_plain_passwords() -> None:
    assert accounts.account_problems(DOMAINS, [ALICE], [], plain_passwords=False) == [
        "mailboxes[0] (alice@example.test) has a password in plain text. Use its hash, as password_hash."
    ]


def test_known_entries_need_not_be_named() -> None:
    aliases = [alias("x@old.test", "there@old.test")]
    known = rows.rows(["old.test"], [{"address": "there@old.test", "password_hash": HASH}], [])
    assert accounts.account_problems([], [], aliases, known=known) == []


@pytest.mark.parametrize(
    ("address", "delimiter", "cut"),
    [
        ("bob+x@example.test", "+", "+ bob"),
        ("jean-luc@example.test", "-", "- jean"),
        ("jean-luc@example.test", "+-", "- jean"),
        # Dovecot knows no names that stay whole, as split_addr(3) does.
        ("owner-list@example.test", "-", "- owner"),
        ("jean-luc@example.test", "+", ""),
        ("+bob@example.test", "+", ""),
        ("bob+x@example.test", "", ""),
    ],
)
def test_a_mailbox_whose_mail_would_be_anothers(address: str, delimiter: str, cut: str) -> None:
    found = accounts.account_problems(DOMAINS, [{**ALICE, "address": address}], [], delimiter=delimiter)
    character, _space, name = cut.partition(" ")
    assert found == [
        f"mailboxes[0].address is {address!r}, and {character!r} is the recipient delimiter: Dovecot would deliver its"
        f" mail to '{name}@example.test'. Use another address, an alias of that name, or another recipient_delimiter"
        " (in the roles, mail_recipient_delimiter)."
    ] * bool(cut)  # fmt: skip


def _chain(length: int) -> list[dict[str, Any]]:
    """As many aliases, of which each leads to the next one, and the last one to another host."""
    steps = [alias(f"a{n}@example.test", f"a{n + 1}@example.test") for n in range(1, length)]
    return [*steps, alias(f"a{length}@example.test", "x@example.org")]


def _group(name: str, *members: str) -> dict[str, Any]:
    return alias(f"{name}@example.test", *members)


def _members(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{n}@example.org" for n in range(count)]


def _groups(number: int, size: int) -> list[dict[str, Any]]:
    """An alias with as many groups, each with as many addresses."""
    names = [f"group{n}" for n in range(number)]
    return [_group("all", *(f"{name}@example.test" for name in names)), *(
        _group(name, *_members(name, size)) for name in names
    )]  # fmt: skip


#: aliases, and what is wrong with the first of them; empty: Postfix expands it
EXPANSIONS: dict[str, tuple[list[Any], str]] = {
    "1000_targets": ([_group("all", *_members("m", 1000))], ""),
    "1001_targets": ([_group("all", *_members("m", 1001))], "leads to more than 1000 addresses"),
    "25_groups_of_40": (_groups(25, 40), ""),
    "40_groups_of_40": (_groups(40, 40), "leads to more than 1000 addresses"),
    # An address that two groups have counts twice.
    "twice_the_same_501": (
        [_group("all", "b@example.test", "c@example.test"), _group("b", *_members("m", 501)),
         _group("c", *_members("m", 501))],
        "leads to more than 1000 addresses",
    ),
    "a_chain_of_999": (_chain(999), ""),
    "a_chain_of_1000": (_chain(1000), "leads through 1000 aliases or more"),
    "a_chain_of_5000": (_chain(5000), "leads through 1000 aliases or more"),
    # What is not the first target begins anew.
    "a_chain_behind_another_target": (
        [_group("a0", "x@example.org", "a1@example.test"), *_chain(999)], "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", EXPANSIONS)
def test_aliases_that_postfix_would_not_expand(case: str) -> None:
    aliases, problem = EXPANSIONS[case]
    found = accounts.account_problems(DOMAINS, [], aliases)
    if not problem:
        assert found == []
        return
    assert found[0].startswith(f"aliases[0].goto of {aliases[0]['address']!r} {problem}")
    assert len(found) <= 5


def test_a_group_of_many_mailboxes() -> None:
    boxes = [{**ALICE, "address": f"m{n}@example.test"} for n in range(1001)]
    members = [box["address"] for box in boxes]
    assert accounts.account_problems(DOMAINS, boxes, [_group("all", *members[:1000])]) == []
    found = accounts.account_problems(DOMAINS, boxes, [_group("all", *members)])
    assert found == [
        "aliases[0].goto of 'all@example.test' leads to more than 1000 addresses, and Postfix answers 451 to all of its"
        " mail. Use the program of a mailing list, several aliases, or a larger virtual_alias_expansion_limit (in the"
        " roles, in postfix_parameters)."
    ]
    assert accounts.account_problems(DOMAINS, boxes, [_group("all", *members)], most_targets=1001) == []


def test_many_aliases_that_lead_into_one_circle_take_no_time_each() -> None:
    into = [alias(f"n{n}@example.test", "p@example.test") for n in range(3000)]
    circle = [alias("p@example.test", "q+x@example.test"), alias("q@example.test", "p@example.test")]
    assert len(accounts.account_problems(DOMAINS, [], [*into, *circle])) == 1


TWINS: list[tuple[list[Any], list[str]]] = [
    ([{"name": "twin.test", "target": "example.test"}], []),
    ([{"name": "twin.test", "target": "other.test"}], [
        "domain_aliases[0].target is 'other.test', which is not among domains. Use one of those; a domain"
        " alias of a domain alias is not followed."
    ]),
    ([{"name": "Example.test", "target": "example.test"}], [
        "domain_aliases[0].name is 'Example.test', which is among domains already. Name it in one of"
        " the two."
    ]),
    ([{"name": "t.test", "target": "example.test"}, {"name": "T.test", "target": "example.test"}], [
        "domain_aliases[1].name is 'T.test', which domain_aliases[0] is already. Name each domain alias once."
    ]),
    ([{"name": "t.test"}], [
        "domain_aliases[0].target is None, which is not a text. Use a domain name such as 'example.org'."
    ]),
    ([{"name": "t.test", "traget": "example.test"}], [
        "domain_aliases[0] has the key 'traget', which is not known; did you mean 'target'?"
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("twins", "sentences"), TWINS)
def test_domain_aliases(twins: list[Any], sentences: list[str]) -> None:
    assert accounts.account_problems(DOMAINS, [ALICE], [], twins) == sentences


def test_a_domain_alias_has_aliases_and_no_mailboxes() -> None:
    twins = [{"name": "twin.test", "target": "example.test"}]
    aliases = [alias("x@twin.test", "alice@twin.test"), alias("y@example.test", "nobody@twin.test")]
    found = accounts.account_problems(DOMAINS, [ALICE, {**ALICE, "address": "b@twin.test"}], aliases, twins)
    assert found == [
        "mailboxes[1].address is 'b@twin.test', and 'twin.test' is not among domains."
        " Add the domain there, or leave the mailbox out.",
        "aliases[1].goto of 'y@example.test' leads nowhere: 'nobody@twin.test' is in our own domain and is neither a"
        " mailbox nor an alias. Use an address that exists.",
    ]


FILE: dict[str, Any] = {
    "domains": ["example.test"],
    "mailboxes": [{"address": "bob@example.test", "password_hash": HASH}],
}
RIGHT = (
    "Use one JSON object with the lists domains, mailboxes, aliases, domain_aliases, of which domains must be there."
)


def test_an_accounts_file() -> None:
    assert accounts.accounts_file(json.dumps(FILE), "a.json") == {**FILE, "aliases": [], "domain_aliases": []}
    assert accounts.accounts_file_problems(json.dumps(FILE), "a.json") == []


BAD_FILES = [
    ("", f"a.json, line 1, column 1: Expecting value. {RIGHT}"),
    ('{"domains": ["a.test"],\n "mailboxes": [}', f"a.json, line 2, column 16: Expecting value. {RIGHT}"),
    ("[]", f"a.json is JSON and no object. {RIGHT}"),
    ("[" * 100_000, "a.json: maximum recursion depth exceeded"),
    ('{"domain": []}', "a.json has the key 'domain', which is not known. Did you mean 'domains'?"),
    ('{"xyz": []}', f"a.json has the key 'xyz', which is not known. {RIGHT}"),
    ('{"domains": [], "domains": []}', f"a.json: an object has the key 'domains' twice. {RIGHT}"),
    ('{"domains": "a.test"}', "a.json: domains is 'a.test'. Use a list."),
    ("{}", "a.json: domains names no domain. Use a list such as ['example.org']."),
    (
        json.dumps({**FILE, "mailboxes": [{"address": "bob@example.test", "password": "s3cret"}]}),
        "a.json: mailboxes[0] (bob@example.test) has a password in plain text. Use its hash",
    ),
    (
        json.dumps({**FILE, "aliases": [{"address": "x@other.test", "goto": ["bob@example.test"]}]}),
        "a.json: aliases[0].address is 'x@other.test', and 'other.test' is not among a.json: domains.",
    ),
]


@pytest.mark.parametrize(("text", "message"), BAD_FILES, ids=range(len(BAD_FILES)))
def test_a_bad_accounts_file(text: str, message: str) -> None:
    found = accounts.accounts_file_problems(text, "a.json")
    assert len(found) == 1
    assert found[0].startswith(message)
    assert "s3cret" not in found[0]


def test_of_many_problems_the_first() -> None:
    assert rows.first_of(["a"] * 20) == ["a"] * 20
    assert rows.first_of(["a"] * 22) == [*["a"] * 20, "And 2 more."]
