# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records and tables of DKIM."""

from __future__ import annotations

import re

from ansible_collections.puffy.mail.plugins.module_utils import _dkim


def test_domains_are_those_of_the_list_and_of_the_database() -> None:
    hosted = ["ALL", "Example.COM", "b.example", "no dot", ""]
    assert _dkim.signing_domains(["example.org", "B.example"], hosted) == ["b.example", "example.com", "example.org"]
    assert _dkim.signing_domains([], []) == []


def test_record_has_strings_that_a_name_server_takes() -> None:
    value = _dkim.record_value(bytes(range(256)) + b"\0" * 38)
    assert value.startswith("v=DKIM1; k=rsa; p=AAECAwQF")
    line = _dkim.zone_line("mail", "example.org", value)
    assert line.startswith('mail._domainkey.example.org. IN TXT ( "v=DKIM1; ')
    strings = re.findall(r'"([^"]*)"', line)
    assert [len(text) for text in strings] == [255, 155]
    assert "".join(strings) == value


def test_tables_name_the_key_of_each_domain() -> None:
    domains = ["a.example", "b.example"]
    assert _dkim.key_table("/etc/opendkim", "mail", domains) == (
        "mail._domainkey.a.example a.example:mail:/etc/opendkim/keys/a.example/mail.private\n"
        "mail._domainkey.b.example b.example:mail:/etc/opendkim/keys/b.example/mail.private\n"
    )
    assert _dkim.signing_table("mail", domains) == (
        "*@a.example mail._domainkey.a.example\n*@b.example mail._domainkey.b.example\n"
    )
