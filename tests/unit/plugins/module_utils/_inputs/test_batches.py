# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes of batches, and where a play finds them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.action.host_facts import failed_before
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import batch_sizes, batches
from ansible_collections.puffy.mail.tests.harness.playbooks import LOCAL, mail_hosts, playbook


@pytest.mark.parametrize(
    ("value", "sizes"),
    [
        (1, [1]),
        ("5", [5]),
        ("25%", ["25%"]),
        ([1, "25%"], [1, "25%"]),
        (["1", " 100% "], [1, "100%"]),
        # As a survey or the command line gives it.
        ("1, 25%", [1, "25%"]),
        ("[1, '25%']", [1, "25%"]),
    ],
)
def test_sizes(value: Any, sizes: list[Any]) -> None:
    assert batch_sizes(value) == sizes
    assert batches(value) is None


@pytest.mark.parametrize(
    "value", [0, -1, "0", "0%", "101%", "many", "1,", True, 1.5, "", [1, None], {"a": 1}, "1 2", 1000000]
)
def test_what_is_no_size(value: Any) -> None:
    problem = batches(value)
    assert problem is not None
    assert "Use numbers of hosts from 1" in problem


def test_the_hosts_that_failed_before() -> None:
    names = [f"mx{number}" for number in range(9)]
    assert failed_before({}) == ""
    assert failed_before({"ansible_play_hosts_all": names, "ansible_play_hosts": names}) == ""
    assert failed_before({"ansible_play_hosts_all": names, "ansible_play_hosts": names[2:]}) == "mx0, mx1"
    assert failed_before({"ansible_play_hosts_all": names, "ansible_play_hosts": names[8:]}) == (
        "mx0, mx1, mx2, mx3, mx4 and 3 more"
    )


PLAY = """
- hosts: mail_hosts
  gather_facts: false
  tasks: []
- hosts: mail_hosts
  gather_facts: false
  serial: "{{ lookup('puffy.mail.batches', 'mail_hosts', 'mail_batches') }}"
  tasks:
    - name: Show
      ansible.builtin.debug:
        msg: "batch {{ ansible_play_batch | length }}"
"""


@pytest.mark.parametrize(
    ("group", "options", "seen"),
    [
        ({}, [], [4] * 4),
        ({"mail_batches": ""}, [], [4] * 4),
        ({"mail_batches": [1, 2]}, [], [1, 2, 2, 1]),
        ({"mail_batches": "{{ [1, '75%'] }}"}, [], [1, 3, 3, 3]),
        ({"mail_batches": 1}, ["--limit", "mx1,mx2"], [1, 1]),
        # An extra variable wins over the inventory.
        ({"mail_batches": 1}, ["-e", "mail_batches=2"], [2] * 4),
    ],
)
def test_a_play_takes_them_from_the_inventory(group: dict[str, Any], options: list[str], seen: list[int]) -> None:
    inventory = mail_hosts({f"mx{number}": LOCAL for number in range(1, 5)})
    inventory["mail_hosts"]["vars"] = group
    run = playbook(PLAY, inventory, *options)
    assert run.rc == 0, run.output
    assert [int(line.split("batch ")[1].rstrip('"')) for line in run.stdout.splitlines() if '"batch ' in line] == seen


def test_a_wrong_value_stops_the_run() -> None:
    run = playbook(PLAY, mail_hosts({"mx1": LOCAL}), "-e", "mail_batches=some")
    assert run.rc != 0
    assert "mail_batches is 'some'. Use numbers of hosts from 1" in run.output
    first = playbook("- " + PLAY.split("\n- ")[2], mail_hosts({"mx1": LOCAL}))
    assert first.rc != 0
    assert "mail_batches of the inventory is not known before the first play" in first.output


def test_syntax_and_lists_need_no_value() -> None:
    for option in ("--syntax-check", "--list-hosts", "--list-tasks"):
        run = playbook("puffy.mail.site", mail_hosts({"mx1": LOCAL}), option)
        assert run.rc == 0, run.output
