# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inputs of the role openbsd_base, and what is said of bad ones."""

from __future__ import annotations

from typing import Any

import pytest

BASE: dict[str, Any] = {}

GOOD: list[dict[str, Any]] = [
    {},
    {"openbsd_base_lookups": []},
    {"openbsd_base_lookups": ["pgsql", "sqlite"]},
    {"openbsd_base_myname": "mail.example.org"},
    {"openbsd_base_services": ["slapd", "dovecot", "postfix"]},
    {"openbsd_base_chroot_files": ["/etc/ssl/cert.pem", "/usr/share/zoneinfo/Europe/Berlin"]},
    {"openbsd_base_chroot_schedule": ""},
    {"openbsd_base_chroot_schedule": "@hourly"},
    {"openbsd_base_flags": {"sendmail": "NO", "syslogd": "-a /var/spool/postfix/dev/log", "ntpd": ""}},
    {"openbsd_base_aliases": {"root": ["alice", '"|/usr/local/bin/x -a"'], "a+b": ":include:/etc/mail/list"}},
    {"openbsd_base_documentation": "/var/www/htdocs/postfix"},
    {"openbsd_base_vmail_number": "5000"},
]

BAD: list[tuple[dict[str, Any], list[str]]] = [
    (
        {"openbsd_base_branch": "stable36"},
        ["openbsd_base_branch is 'stable36'. Use 'stable' or 'stable35'."],
    ),
    (
        {"openbsd_base_sasl": "sasl2"},
        ["openbsd_base_sasl is 'sasl2'. Use 'dovecot' or 'cyrus'."],
    ),
    (
        {"openbsd_base_lookups": "ldap"},
        ["openbsd_base_lookups is 'ldap', which is text. Use a list."],
    ),
    (
        {"openbsd_base_lookups": ["ldpa"]},
        ["openbsd_base_lookups has the entry 'ldpa'. Use 'sqlite', 'ldap', 'mysql' or 'pgsql'."],
    ),
    (
        {"openbsd_base_lookups": ["mysql", "ldap"]},
        [
            (
                "openbsd_base_lookups has 'ldap' and 'mysql', and no package of Postfix has both. Use at most one of"
                " 'ldap', 'mysql' and 'pgsql': each is a flavor of the package."
            )
        ],
    ),
    (
        {"openbsd_base_services": ["dovecot"]},
        [
            (
                "openbsd_base_services is ['dovecot']. Use names of rc.d(8) scripts with postfix among them, such as"
                " ['dovecot', 'postfix']."
            )
        ],
    ),
    (
        {"openbsd_base_services": ["postfix", "a-b"]},
        [
            (
                "openbsd_base_services has the entry 'a-b', which rc.subr(8) would refuse. Use names of rc.d(8)"
                " scripts with postfix among them, such as ['dovecot', 'postfix']."
            )
        ],
    ),
    (
        {"openbsd_base_services": ["postfix", "postfix"]},
        [
            (
                "openbsd_base_services is ['postfix', 'postfix'], where an entry stands twice. Use names of rc.d(8)"
                " scripts with postfix among them, such as ['dovecot', 'postfix']."
            )
        ],
    ),
    (
        {"openbsd_base_chroot_files": ["/a b"]},
        [
            (
                "openbsd_base_chroot_files has the entry '/a b'. Use an absolute path of letters, digits, '.', '_'"
                " and '-', such as '/etc/resolv.conf'."
            )
        ],
    ),
    (
        {"openbsd_base_chroot_files": ["/etc/../x"]},
        [
            (
                "openbsd_base_chroot_files has the entry '/etc/../x'. Use an absolute path of letters, digits, '.',"
                " '_' and '-', such as '/etc/resolv.conf'."
            )
        ],
    ),
    (
        {"openbsd_base_chroot_files": ["/etc/"]},
        [
            (
                "openbsd_base_chroot_files has the entry '/etc/'. Use an absolute path of letters, digits, '.', '_'"
                " and '-', such as '/etc/resolv.conf'."
            )
        ],
    ),
    (
        {"openbsd_base_chroot_files": ["etc/hosts"]},
        [
            (
                "openbsd_base_chroot_files has the entry 'etc/hosts'. Use an absolute path of letters, digits, '.',"
                " '_' and '-', such as '/etc/resolv.conf'."
            )
        ],
    ),
    (
        {"openbsd_base_chroot_files": ["/x;id"]},
        [
            (
                "openbsd_base_chroot_files has the entry '/x;id'. Use an absolute path of letters, digits, '.', '_'"
                " and '-', such as '/etc/resolv.conf'."
            )
        ],
    ),
    (
        {"openbsd_base_chroot_files": ["/var/spool/postfix/etc/hosts"]},
        [
            (
                "openbsd_base_chroot_files has the entry '/var/spool/postfix/etc/hosts', which lies in the chroot"
                " itself. Use a file outside of /var/spool/postfix."
            )
        ],
    ),
    (
        {"openbsd_base_flags": {"smtpd": "NO"}},
        ["openbsd_base_flags has the daemon 'smtpd', which this collection starts or stops itself. Leave it out."],
    ),
    (
        {"openbsd_base_flags": {"syslogd": "-a #x"}},
        [
            "openbsd_base_flags: syslogd_flags is '-a #x'. rc.subr(8) cuts values at '#', also within quotes. Use a"
            " value without '#'."
        ],
    ),
    (
        {"openbsd_base_flags": {"sendmail": False}},
        [
            "openbsd_base_flags has False for 'sendmail', which is not text. Put 'NO' in quotes. Use a mapping such as"
            " {'syslogd': '-a /var/spool/postfix/dev/log'}, or 'NO' for a daemon that is off."
        ],
    ),
    (
        {"openbsd_base_flags": {"syslogd_flags": "-a"}},
        [
            "openbsd_base_flags has the daemon 'syslogd_flags'. Use a mapping such as {'syslogd': '-a"
            " /var/spool/postfix/dev/log'}, or 'NO' for a daemon that is off."
        ],
    ),
    (
        {"openbsd_base_aliases": ["root"]},
        [
            (
                "openbsd_base_aliases is ['root']. Use a mapping such as {'root': 'alice@example.org'}, or with a"
                " list of recipients."
            )
        ],
    ),
    (
        {"openbsd_base_aliases": {"a b": "c"}},
        [
            (
                "openbsd_base_aliases has the alias 'a b', and an alias is a local part without its domain. Use a"
                " mapping such as {'root': 'alice@example.org'}, or with a list of recipients."
            )
        ],
    ),
    (
        {"openbsd_base_aliases": {"a": []}},
        [
            (
                "openbsd_base_aliases has no recipient for 'a'. Use a mapping such as {'root': 'alice@example.org'},"
                " or with a list of recipients."
            )
        ],
    ),
    (
        {"openbsd_base_aliases": {"a": "b\nc"}},
        [
            (
                "openbsd_base_aliases has the recipient 'b\\nc' for 'a'. Use a mapping such as {'root':"
                " 'alice@example.org'}, or with a list of recipients."
            )
        ],
    ),
    (
        {"openbsd_base_aliases": {"a": ["b", 3]}},
        [
            (
                "openbsd_base_aliases has the recipient 3 for 'a'. Use a mapping such as {'root':"
                " 'alice@example.org'}, or with a list of recipients."
            )
        ],
    ),
    (
        {"openbsd_base_aliases": {"Root": "a", "root": "b"}},
        [
            (
                "openbsd_base_aliases has 'Root' twice, and Postfix does not tell upper from lower case there. Name"
                " each alias once."
            )
        ],
    ),
    (
        {"openbsd_base_open_files": -1},
        ["openbsd_base_open_files is -1. Use a number of files from 0 to 1000000."],
    ),
    (
        {"openbsd_base_vmail_number": 0},
        ["openbsd_base_vmail_number is 0. Use a number of an account from 1000 to 60000."],
    ),
    (
        {"openbsd_base_documentation": "/"},
        [
            (
                "openbsd_base_documentation is '/'. Use an absolute path below a directory, such as"
                " '/var/www/htdocs/postfix', or '' for no copy."
            )
        ],
    ),
    (
        {"openbsd_base_myname": "mail"},
        [("openbsd_base_myname is 'mail', which has no dot. Use a fully qualified name such as 'mail.example.org'.")],
    ),
    (
        {"openbsd_base_vmail_user": "v mail"},
        [
            (
                "openbsd_base_vmail_user is 'v mail'. Use the name of a user or group, at most 32 lower-case"
                " letters, digits, '_' and '-', such as 'vmail'."
            )
        ],
    ),
    (
        {"openbsd_base_vmail_home": "var/vmail"},
        [
            (
                "openbsd_base_vmail_home is 'var/vmail'. Use an absolute path without blanks, quotes, '%', '$', '{'"
                " and '..', such as '/var/vmail'."
            )
        ],
    ),
    (
        {"openbsd_base_chroot_schedule": "99 * * * *"},
        [
            (
                "openbsd_base_chroot_schedule: schedule is '99 * * * *'. Its minute is '99': '99' is out of range."
                " Use 0 to 59."
            )
        ],
    ),
]


@pytest.mark.parametrize("change", GOOD)
def test_good_values(judged: Any, change: dict[str, Any]) -> None:
    assert judged("openbsd_base", {**BASE, **change})[1] == []


@pytest.mark.parametrize(("change", "sentences"), BAD)
def test_bad_values(judged: Any, change: dict[str, Any], sentences: list[str]) -> None:
    assert judged("openbsd_base", {**BASE, **change})[1] == sentences
