# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inputs of the playbook awx: what AWX refused in recordings, and what AWX takes and then does wrong."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._inputs import awx, judge
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import say
from ansible_collections.puffy.mail.tests.harness.awx_api import recordings

BASE: dict[str, Any] = {"mail_awx_project_url": "https://git.example.org/mail.git"}


def sentences(**given: Any) -> list[str]:
    defaults = {name: spec["default"] for name, spec in awx.SPEC.items() if "default" in spec}
    _good, found = judge.judge(awx.SPEC, awx.TABLE, {**BASE, **given}, defaults)
    return [say(*problem) for problem in found]


def test_the_defaults_are_good() -> None:
    assert sentences() == []


@pytest.mark.parametrize(
    "rule",
    [
        "DTSTART:20270101T020000Z RRULE:FREQ=DAILY;INTERVAL=1",
        "DTSTART;TZID=Europe/Vienna:20270101T020000 RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;BYHOUR=3;BYMINUTE=0,30",
        "DTSTART:20270101T020000Z RRULE:FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=1,15,-1;COUNT=999",
        "DTSTART:20270101T020000Z RRULE:FREQ=MONTHLY;INTERVAL=1;BYDAY=SU;BYSETPOS=1;WKST=MO",
        "DTSTART:20270101T020000Z RRULE:FREQ=YEARLY;INTERVAL=1;BYYEARDAY=366;UNTIL=20990101T000000Z",
        "DTSTART:20270101T020000Z\nRRULE:INTERVAL=1;FREQ=HOURLY",
    ],
)
def test_good_schedules(rule: str) -> None:
    assert sentences(mail_awx_verify_schedule=rule) == []


START = "DTSTART:20270101T020000Z"
DAILY = "RRULE:FREQ=DAILY;INTERVAL=1"
ALONE = "AWX takes one DTSTART with a zone and one RRULE, and nothing else."
WHEN = "Use a date and a time such as '20301231T000000Z'."


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        (f"DTSTART;TZID=Mars/Base:20270101T020000 {DAILY}", "TZID 'Mars/Base' is not the name of a zone."),
        (f"DTSTART;TZID=America:20270101T020000 {DAILY}", "TZID 'America' is not the name of a zone."),
        (f"DTSTART:20271345T020000Z {DAILY}", "'20271345T020000Z' is not a date and a time."),
        (f"DTSTART:20270229T020000Z {DAILY}", "'20270229T020000Z' is not a date and a time."),
        (f"DTSTART:20270101T250000Z {DAILY}", "'20270101T250000Z' is not a date and a time."),
        (f"DTSTART:20270101T020000 {DAILY}", ALONE),
        (f"FOO {START} {DAILY}", ALONE),
        (f"{START} {DAILY} junk", ALONE),
        (f"{START} {DAILY} EXDATE:20270102T020000Z", ALONE),
        (f"{START} {START} {DAILY}", ALONE),
        (f"{START}", ALONE),
        (DAILY, ALONE),
        (f"{START} RRULE:FREQ=SECONDLY;INTERVAL=1", "FREQ is 'SECONDLY'. Use"),
        (f"{START} RRULE:INTERVAL=1", "FREQ is missing."),
        (f"{START} RRULE:FREQ=DAILY", "INTERVAL is missing."),
        (f"{START} RRULE:FREQ=DAILY;INTERVAL=0", "INTERVAL is '0'. Use a number from 1 to 9999."),
        (f"{START} {DAILY};FREQ=DAILY", "FREQ stands twice."),
        (f"{START} {DAILY};COLOUR=red", "COLOUR is not a part of a rule. Use"),
        (f"{START} {DAILY};BYEASTER=1", "BYEASTER is not a part of a rule. Use"),
        (f"{START} {DAILY};", "'' is not a part of a rule. Use"),
        (f"{START} {DAILY};BYHOUR=99", "BYHOUR is '99'. Use numbers from 0 to 23."),
        (f"{START} {DAILY};BYHOUR=1,", "BYHOUR is '1,'. Use numbers from 0 to 23."),
        (f"{START} {DAILY};BYMONTHDAY=0", "BYMONTHDAY is '0'. Use numbers from 1 to 31 or from -31 to -1."),
        (f"{START} {DAILY};BYMONTH=13", "BYMONTH is '13'. Use numbers from 1 to 12."),
        (f"{START} {DAILY};BYDAY=1SU", "BYDAY is '1SU'. Use days such as 'MO,FR', and BYSETPOS"),
        (f"{START} {DAILY};WKST=XX", "WKST is 'XX'. Use a day such as 'MO'."),
        (f"{START} {DAILY};COUNT=1000", "COUNT is '1000'. Use a number from 1 to 999."),
        (f"{START} {DAILY};COUNT=2;UNTIL=20280101T000000Z", "COUNT and UNTIL are both there."),
        (f"{START} {DAILY};UNTIL=garbage", f"UNTIL is 'garbage'. {WHEN}"),
        (f"{START} {DAILY};UNTIL=20280101", f"UNTIL is '20280101'. {WHEN}"),
        (f"DTSTART:20200101T020000Z {DAILY};UNTIL=20210101T000000Z", "UNTIL is '20210101T000000Z', which is over."),
        (f"{START} {DAILY};UNTIL=20261231T235959Z", "UNTIL is '20261231T235959Z', which is before DTSTART."),
    ],
)
def test_bad_schedules(rule: str, wrong: str) -> None:
    (found,) = sentences(mail_awx_verify_schedule=rule)
    assert found.startswith(f"mail_awx_verify_schedule is {rule!r}: ")
    assert wrong in found
    assert "Use a schedule such as" in found


def test_each_schedule_that_awx_refused_is_refused() -> None:
    refused = [
        entry["request"]["rrule"]
        for entry in recordings()
        if entry["status"] == 400 and isinstance(entry["response"], dict) and "rrule" in entry["response"]
    ]
    assert len(refused) > 10
    assert [rule for rule in refused if not sentences(mail_awx_verify_schedule=rule)] == []


EMAIL: dict[str, Any] = {
    "host": "smtp.example.org", "port": 25, "sender": "awx@example.org", "recipients": ["postmaster@example.org"],
    "use_tls": False, "use_ssl": False, "username": "", "password": "",
}  # fmt: skip
QUOTES = "Put the value in quotes."
ENTRY = "Use a list of one entry or more."
HAS = "url, headers, http_method, disable_ssl_verification, username, password"
WEBHOOK: dict[str, Any] = {"url": "https://hooks.example.org/", "headers": {}}


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("email", EMAIL),
        ("email", {**EMAIL, "timeout": 30}),
        ("webhook", WEBHOOK),
        ("webhook", {**WEBHOOK, "http_method": "PUT", "password": "0123", "disable_ssl_verification": True}),
        ("slack", {"token": "xoxb", "channels": ["#mail"], "hex_color": "#abc"}),
        ("mattermost", {"mattermost_url": "https://chat.example.org/", "mattermost_no_verify_ssl": False}),
    ],
)
def test_good_notifications(kind: str, given: dict[str, Any]) -> None:
    assert sentences(mail_awx_notification_type=kind, mail_awx_notification=given) == []


@pytest.mark.parametrize(
    ("kind", "given", "told"),
    [
        ("webhook", {**WEBHOOK, "url": 1}, f"has the field 'url', which is not text. {QUOTES}"),
        ("webhook", {**WEBHOOK, "url": ""}, "has the field 'url', which is empty. Set a value."),
        ("webhook", {**WEBHOOK, "url": "hooks"}, "has the field 'url', which is not a URL. Use https://."),
        ("webhook", {**WEBHOOK, "headers": "X: y"}, "has the field 'headers', which is not a mapping. Use a mapping."),
        ("webhook", {**WEBHOOK, "headers": {"X": 1}}, f"has the field 'headers', where a value is not text. {QUOTES}"),
        (
            "webhook",
            {**WEBHOOK, "http_method": "GET"},
            "has the field 'http_method', which is neither 'POST' nor 'PUT'.",
        ),
        (
            "webhook",
            {**WEBHOOK, "colour": "red"},
            f"has the field 'colour', which a notification of type 'webhook' has not. Use {HAS}.",
        ),
        (
            "webhook",
            {"url": "https://x.example.org"},
            "has no headers. A notification of type 'webhook' needs the field.",
        ),
        ("email", {**EMAIL, "port": "25"}, "has the field 'port', which is not a number from 1 to 65535."),
        ("email", {**EMAIL, "port": True}, "has the field 'port', which is not a number from 1 to 65535."),
        ("email", {**EMAIL, "use_tls": "no"}, "has the field 'use_tls', which is neither true nor false."),
        ("email", {**EMAIL, "use_tls": True, "use_ssl": True}, "has use_tls and use_ssl. Set one of them to false."),
        (
            "email",
            {**EMAIL, "recipients": "a@example.org"},
            f"has the field 'recipients', which is not a list of text. {ENTRY}",
        ),
        ("email", {**EMAIL, "recipients": []}, f"has the field 'recipients', which is not a list of text. {ENTRY}"),
        ("email", {**EMAIL, "password": 83}, f"has the field 'password', which is not text. {QUOTES}"),
        (
            "mattermost",
            {"mattermost_url": "https://x.example.org"},
            "has no mattermost_no_verify_ssl. A notification of type 'mattermost' needs the field.",
        ),
        ("none", WEBHOOK, "is set, and mail_awx_notification_type is 'none'. Set the type, or remove it."),
    ],
)
def test_bad_notifications(kind: str, given: dict[str, Any], told: str) -> None:
    assert sentences(mail_awx_notification_type=kind, mail_awx_notification=given) == [f"mail_awx_notification {told}"]


def test_each_notification_that_awx_refused_is_refused() -> None:
    refused = [
        entry["request"]
        for entry in recordings()
        if entry["status"] == 400
        and entry["path"] == "/api/v2/notification_templates/"
        and "messages" not in entry["request"]
    ]
    assert refused
    for request in refused:
        assert sentences(
            mail_awx_notification_type=request["notification_type"],
            mail_awx_notification=request["notification_configuration"],
        )


@pytest.mark.parametrize("name", [1, "a b", "", "a-b", "1a", "{{ x }}", "größe", "if", None])
def test_names_of_variables(name: Any) -> None:
    (found,) = sentences(mail_awx_variables={name: 2})
    assert found == (
        f"mail_awx_variables has the name {name!r}. Use the name of a variable, of letters, digits and '_', and not a"
        " word of Python."
    )


@pytest.mark.parametrize("given", [[], "x", 1])
def test_variables_are_a_mapping(given: Any) -> None:
    (found,) = sentences(mail_awx_variables=given)
    assert found.startswith("mail_awx_variables is ")


@pytest.mark.parametrize("key", ["ldap", "ca", "relay"])
def test_a_password_is_one_line(key: str) -> None:
    """It becomes an environment variable."""
    assert sentences(mail_awx_secrets={key: "two\nlines"}) == [
        f"mail_awx_secrets: {key} has a line break or a NUL. Use text of one line."
    ]
