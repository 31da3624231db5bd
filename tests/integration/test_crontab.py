# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""crontab on the OpenBSD stand-in, through its crontab(1)."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.batch import assert_four, four, module, run, shell
from ansible_collections.puffy.mail.tests.harness.standin import EACH_BRANCH, Standin

pytestmark = pytest.mark.containers
TAB = "/var/cron/tabs/root"
JOB = {"job": "/usr/local/sbin/x -a", "schedule": "~/10 * * * *", "flags": ["-s", "-n"]}
LINE = "~/10\t*\t*\t*\t*\t-n -s /usr/local/sbin/x -a\n"
MINE = "local/sbin/x"


@pytest.fixture(scope="module", params=EACH_BRANCH)
def standin(request: pytest.FixtureRequest) -> Iterator[Standin]:
    with Standin(str(request.param)) as running:
        yield running


def test_keeps_every_line_of_a_fresh_host(standin: Standin) -> None:
    raw = standin.read(TAB)
    answers = run(
        standin,
        [
            *four("crontab", JOB),
            shell(f"cat {TAB}"),
            *four("crontab", {"match": MINE, "state": "disabled"}),
            shell("crontab -l"),
            *four("crontab", {"match": MINE, "state": "enabled"}),
            # a person's edit is repaired once
            shell("EDITOR='sed -i s,^~/10,0,' crontab -e"),
            *four("crontab", JOB),
            *four("crontab", {"match": MINE, "state": "absent"}),
            shell("crontab -l"),
        ],
    )
    assert assert_four(answers[0:4])["changed"]
    # behind crontab's own header stands all that was there, the comments that crontab -l hides included
    assert answers[4]["stdout"].split("\n", 3)[3] == raw + LINE
    assert assert_four(answers[5:9])["disabled"] == 1
    assert answers[9]["stdout"] == f"{raw}#{LINE}"
    assert assert_four(answers[10:14])["enabled"] == 1
    assert assert_four(answers[15:19])["changed"]
    assert assert_four(answers[19:23])["changed"]
    assert answers[23]["stdout"] == raw


def test_a_user_without_a_crontab_gets_one_and_loses_it(standin: Standin) -> None:
    answers = run(
        standin,
        [
            *four("crontab", {"user": "_smtpd", "job": "/bin/true", "schedule": "@daily"}),
            shell("crontab -u _smtpd -l"),
            *four("crontab", {"user": "_smtpd", "match": "^/bin/true$", "state": "absent"}),
            shell("crontab -u _smtpd -l"),
        ],
    )
    assert assert_four(answers[0:4])["changed"]
    assert answers[4]["stdout"] == "@daily\t/bin/true\n"
    assert assert_four(answers[5:9])["changed"]
    assert answers[9]["stderr"] == "crontab: no crontab for _smtpd\n"


BAD: list[tuple[dict[str, Any], str]] = [
    (
        {**JOB, "schedule": "60 * * * *"},
        "schedule is '60 * * * *'. Its minute is '60': '60' is out of range. Use 0 to 59. Nothing",
    ),
    ({"match": "(", "state": "absent"}, "match is '(', which is not a regular expression"),
    (
        {"match": "x", "state": "absent", "schedule": "@daily"},
        "state is 'absent', where schedule and flags have no meaning",
    ),
    ({**JOB, "schedule": "*/61 * * * *"}, "Its minute is '*/61': the step '61' is not a number from 1 to 60"),
    ({**JOB, "job": "-x y"}, "job is '-x y'. Cron reads '-x' as flags"),
    ({**JOB, "user": "nobody-here"}, "crontab: unknown user nobody-here. Nothing was changed."),
]


def test_finds_what_crontab_reads_beyond_its_manual_page(standin: Standin) -> None:
    lines = ("*-5 *~5 * jan-dec/3 mon-fri", "0 0 * * mon~fri -n", "0 0 * * 1-fri", "0 0 * feb-apr tue-thu,sat")
    old = "".join(f"{line} /usr/local/sbin/x{index}\n" for index, line in enumerate(lines))
    answers = run(
        standin,
        [
            shell(f"printf %s {shlex.quote(old)} | crontab -u _smtpd -"),
            *(
                request
                for index in range(len(lines))
                for request in four(
                    "crontab", {"user": "_smtpd", "job": f"/usr/local/sbin/x{index}", "schedule": "0 1 * * sun-sat/2"}
                )
            ),
            shell("crontab -u _smtpd -l"),
            *four("crontab", {"user": "_smtpd", "match": "sbin/x", "state": "absent"}),
        ],
    )
    for index in range(len(lines)):
        assert assert_four(answers[1 + 4 * index : 5 + 4 * index])["enabled"] == 1
    new = "".join(f"0\t1\t*\t*\tsun-sat/2\t/usr/local/sbin/x{index}\n" for index in range(len(lines)))
    assert answers[-5]["stdout"] == new
    assert assert_four(answers[-4:])["changed"]


def test_bad_input_leaves_the_crontab(standin: Standin) -> None:
    before = standin.read(TAB)
    answers = run(standin, [*(module("crontab", arguments) for arguments, _message in BAD), shell(f"cat {TAB}")])
    for answer, (_arguments, message) in zip(answers, BAD):
        assert answer["failed"]
        assert message in answer["msg"]
    assert answers[-1]["stdout"] == before


#: a table on disk that crontab(1) would refuse, and one with a header that is not its own
WRONG = "SHELL=/bin/sh\n61\t*\t*\t*\t*\t/bin/wrong\n"
FOREIGN = "# DO NOT EDIT: made by another tool\n# line 2\n# line 3\n# line 4\n@daily\t/bin/right\n"


def test_a_wrong_table_is_kept_and_a_foreign_header_survives(standin: Standin) -> None:
    put = f"install -m 600 -g crontab /dev/stdin {TAB}"
    answers = run(
        standin,
        [
            shell(f"printf %s {shlex.quote(WRONG)} | {put}"),
            module("crontab", JOB),
            shell(f"cat {TAB}"),
            shell(f"printf %s {shlex.quote(FOREIGN)} | {put}"),
            *four("crontab", JOB),
            shell("crontab -l"),
        ],
    )
    assert answers[1]["failed"]
    assert '"-":2: bad minute' in answers[1]["msg"]
    assert answers[1]["msg"].endswith(". The crontab of root was not changed.")
    assert answers[2]["stdout"] == WRONG
    assert assert_four(answers[4:8])["changed"]
    assert answers[8]["stdout"] == FOREIGN + LINE


def test_every_byte_of_other_lines_is_kept(standin: Standin) -> None:
    octal = r"# caf\351\r\n# \014\t\n#3\n# 4\n\n@daily\t/bin/mine '\''\351'\''\r\n"
    put = f"printf '{octal}' >/tmp/bytes; crontab /tmp/bytes"
    same = "crontab -l | head -n 6 | cmp - /tmp/bytes"
    answers = run(
        standin,
        [
            shell(f"cp -p {TAB} /tmp/tab; {put}"),
            *four("crontab", JOB),
            shell(same),
            module("crontab", {"match": MINE, "state": "absent"}),
            shell("crontab -l | cmp - /tmp/bytes"),
            shell(f"cp -p /tmp/tab {TAB}"),
        ],
    )
    # Ansible refuses an answer with bytes that are no UTF-8
    assert assert_four(answers[1:5])["diff"]["after"].startswith("# caf\\xe9\r\n")
    assert (answers[5]["rc"], answers[5]["stdout"]) == (0, "")
    assert answers[6]["changed"]
    assert (answers[7]["rc"], answers[7]["stdout"]) == (0, "")


def test_a_crontab_command_that_fails_half_way_leaves_the_old_table(standin: Standin) -> None:
    fake = "/usr/local/sbin/crontab"
    # takes half of the new table, then the disk is full; or says it has taken it, and has not
    failing = 'case "$*" in *-l) exec /usr/bin/crontab "$@";; esac; head -c 40 >/tmp/half; echo no space >&2; exit 1'
    lying = 'case "$*" in *-l) exec /usr/bin/crontab "$@";; esac; cat >/dev/null; exit 0'
    before = standin.read(TAB)
    answers = run(
        standin,
        [
            shell(f"printf '#!/bin/sh\\n%s\\n' {shlex.quote(failing)} >{fake}; chmod 755 {fake}"),
            module("crontab", {"match": MINE, "state": "disabled"}),
            shell(f"cat {TAB}; rm /tmp/half"),
            shell(f"printf '#!/bin/sh\\n%s\\n' {shlex.quote(lying)} >{fake}"),
            module("crontab", {"match": MINE, "state": "disabled"}),
            shell(f"cat {TAB}; rm {fake}"),
            module("crontab", {"match": MINE, "state": "disabled"}),
        ],
    )
    assert answers[1]["failed"]
    assert "failed with exit status 1: no space. The crontab of root was not changed." in answers[1]["msg"]
    assert answers[2]["stdout"] == before
    assert answers[4]["failed"]
    assert "reported success, but crontab -l shows another text than the new one." in answers[4]["msg"]
    assert answers[5]["stdout"] == before
    assert answers[6]["disabled"] == 1
