# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: T201
"""Print the directory of the tests as LDIF: some entries that each test one thing, and any number of plain accounts.

    entries.py ACCOUNTS <PASSWORD_FILE

Standard input is the password of the account that Postfix and Dovecot log in as. Everybody else's is "secret of NAME".
"""

from __future__ import annotations

import base64
import hashlib
import os
import sys

BASE = "dc=example,dc=test"


def hashed(password: str) -> str:
    """A salted hash as slapd checks it."""
    salt = os.urandom(8)
    digest = hashlib.sha1(password.encode() + salt).digest()  # noqa: S324 - the scheme is slapd's
    return "{SSHA}" + base64.b64encode(digest + salt).decode()


def entry(name: str, *lines: str) -> str:
    return "\n".join([f"dn: {name}", *lines]) + "\n\n"


def account(user: str, domain: str, *lines: str) -> str:
    return entry(
        f"uid={user}+mail={user}@{domain},ou=people,{BASE}",
        "objectClass: inetOrgPerson",
        "objectClass: PostfixBookMailAccount",
        f"uid: {user}",
        f"cn: {user}",
        f"sn: {user}",
        f"mail: {user}@{domain}",
        f"mailStorageDirectory: {domain}/{user}/",
        f"userPassword: {hashed(f'secret of {user}')}",
        *lines,
    )


def group(name: str, *members: str) -> str:
    return entry(
        f"cn={name},ou=groups,{BASE}",
        "objectClass: groupOfNames",
        "objectClass: extensibleObject",
        f"cn: {name}",
        f"mail: {name}@example.test",
        *(f"member: {member},{BASE}" for member in members),
    )


def main() -> None:
    count = int(sys.argv[1])
    password = sys.stdin.read().rstrip("\n")
    print(entry(BASE, "objectClass: dcObject", "objectClass: organization", "dc: example", "o: Example"), end="")
    for unit in ("people", "domains", "services", "groups"):
        print(entry(f"ou={unit},{BASE}", "objectClass: organizationalUnit", f"ou: {unit}"), end="")
    print(
        entry(
            f"uid=postfix,ou=services,{BASE}",
            "objectClass: account",
            "objectClass: simpleSecurityObject",
            "uid: postfix",
            f"userPassword: {hashed(password)}",
        ),
        end="",
    )
    # The guide's answer for a domain is its description; the second one has none.
    for text in (
        entry(f"dc=example.test,ou=domains,{BASE}", "objectClass: domain", "dc: example.test", "description: ours"),
        entry(f"dc=caught.test,ou=domains,{BASE}", "objectClass: domain", "dc: caught.test"),
        account(
            "alice",
            "example.test",
            *(f"mailAlias: {name}@example.test" for name in ("info", "postmaster", "root")),
        ),
        account("bob", "example.test", "mailEnabled: TRUE", "mailAlias: @caught.test"),
        account("carol", "example.test", "mailEnabled: FALSE", "mailAlias: old@example.test"),
        account("o'brien", "example.test"),
        account("dora", "caught.test"),
        # The local part of an account in another domain.
        account("alice", "caught.test"),
        group("staff", "uid=bob+mail=bob@example.test,ou=people", "uid=o'brien+mail=o'brien@example.test,ou=people"),
        group("team", "uid=alice+mail=alice@example.test,ou=people", "cn=staff,ou=groups"),
        group("endless", "cn=endless,ou=groups"),
    ):
        print(text, end="")
    for number in range(count):
        print(account(f"user{number:05}", "example.test"), end="")


if __name__ == "__main__":
    main()
