# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""crontab(5) in OpenBSD's dialect: lines, jobs, edits."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.puffy.mail.plugins.module_utils._openbsd import crontab

ROOT = """SHELL=/bin/sh
PATH=/bin:/sbin:/usr/bin:/usr/sbin
HOME=/var/log
#
#minute	hour	mday	month	wday	[flags] command
#
0	*	*	*	*	/usr/bin/newsyslog
# sendmail clientmqueue runner
*/30	*	*	*	*	/usr/sbin/sendmail -L sm-msp-queue -Ac -q
30	1	*	*	*	/bin/sh /etc/daily
#~	*	*	*	*	-ns rpki-client -v && bgpctl reload
"""
RUNNER = "*/30\t*\t*\t*\t*\t/usr/sbin/sendmail -L sm-msp-queue -Ac -q\n"
OFF = ROOT.replace(RUNNER, f"#{RUNNER}")


@pytest.mark.parametrize(
    ("text", "job", "enabled"),
    [
        ("0 * * * * /usr/bin/x -n", crontab.Job(("0", "*", "*", "*", "*"), (), "/usr/bin/x -n"), True),
        ("~\t*\t*\t*\t*\t-ns x  y", crontab.Job(("~", "*", "*", "*", "*"), ("-n", "-s"), "x  y"), True),
        ("  @daily -q -n x", crontab.Job(("@daily",), ("-n", "-q"), "x"), True),
        ("@Daily x", None, True),
        ("*-5 *~5 *-31/2 **,foo *5 x", crontab.Job(("*-5", "*~5", "*-31/2", "**,foo", "*5"), (), "x"), True),
        ("1,*-99 * * * * x", crontab.Job(("1,*-99", "*", "*", "*", "*"), (), "x"), True),
        ("60,*5 * * * * x", None, True),
        ("*/x * * * * x", None, True),
        ("0 1 * * mon-fri x", crontab.Job(("0", "1", "*", "*", "mon-fri"), (), "x"), True),
        ("0 * * * * -x y", None, True),
        ("0 * * * * -n -- y", None, True),
        ("#0 * * * * x", crontab.Job(("0", "*", "*", "*", "*"), (), "x"), False),
        ("## 0 1 * jan mon x", crontab.Job(("0", "1", "*", "jan", "mon"), (), "x"), False),
        ("* * * * * A=b c", crontab.Job(("*", "*", "*", "*", "*"), (), "A=b c"), True),
        ("PATH=/bin", None, True),
        ('"A B" = 1 2 3 4 5', None, True),
        ("", None, True),
        ("# a comment of six words at least", None, False),
        ("#minute hour mday month wday command", None, False),
        ("0 * * * *", None, True),
        ("0 * * * * -n", None, True),
        ("99 * * * * x", None, True),
    ],
)
def test_parse(text: str, job: crontab.Job | None, enabled: bool) -> None:
    (line,) = crontab.parse(text + "\n") or (crontab.Line(1, ""),)
    assert (line.text, line.job) == (text, job)
    if text:
        assert line.enabled is enabled


@pytest.mark.parametrize(
    "schedule",
    [
        "* * * * *",
        "~ ~ ~ ~ ~",
        "0~30 ~5 5~ * *",
        "~/30 0~12/4 * * *",
        "0,15,30-45/5 */2 1,31 jan,DEC 0,7,Sun",
        "59 23 31 12 7",
        # seen on OpenBSD 7.6-current: read by crontab(1), though crontab(5) does not say so
        *(
            f"0 0 * * {day}"
            for day in ("mon-fri", "Mon-Fri", "sun-sat", "mon-fri/2", "mon~fri", "1-fri", "mon~", "~fri")
        ),
        *(f"0 0 * {month} *" for month in ("jan-mar", "jan-dec/3", "feb~", "jan,mar-may")),
        "*/60 */24 */31 */12 */8",
        "10-20/21 1-5/6 10-20/20 jan-mar/3 mon-fri/6",
        "1~5/6 ~5/6 5~/24 * tue-thu,sat",
        *crontab.NAMES,
    ],
)
def test_check_schedule(schedule: str) -> None:
    assert crontab.check_schedule(schedule) == tuple(schedule.split())


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ("@DAILY", f"schedule is '@DAILY', a name that cron does not know. Use one of {', '.join(crontab.NAMES)}"),
        ("@dayly", f"schedule is '@dayly', a name that cron does not know. Use one of {', '.join(crontab.NAMES)}"),
        (
            "* * *",
            "schedule is '* * *', which has 3 fields. Use five fields (minute, hour, day-of-month, month, day-of-week)"
            f" or one of {', '.join(crontab.NAMES)}",
        ),
        ("60 * * * *", "Its minute is '60': '60' is out of range. Use 0 to 59"),
        ("* 24 * * *", "Its hour is '24': '24' is out of range. Use 0 to 23"),
        ("* * 0 * *", "Its day-of-month is '0': '0' is out of range. Use 1 to 31"),
        ("* * * foo *", "Its month is 'foo': 'foo' is not a number. Use 1 to 12 or jan to dec"),
        ("* * * * mon-frx", "Its day-of-week is 'mon-frx': 'frx' is not a number. Use 0 to 7 or sun to sat"),
        ("* * * * sat-sun", "Its day-of-week is 'sat-sun': its start is after its end. Use 0 to 7 or sun to sat"),
        ("mon * * * *", "Its minute is 'mon': 'mon' is not a number. Use 0 to 59"),
        ("1-2-3 * * * *", "Its minute is '1-2-3': '2-3' is not a number. Use 0 to 59"),
        ("*-* * * * *", "Cron reads the minute '*-*' as '*'. Write '*'"),
        ("* *-5 * * *", "Cron reads the hour '*-5' as '*'. Write '*'"),
        ("* * * * 1,*~5", "Cron reads the day-of-week '1,*~5' as '*'. Write '*'"),
        ("10-20/30 * * * *", "Its minute is '10-20/30': the step '30' is not a number from 1 to 21. Use 0 to 59"),
        ("* 1-5/10 * * *", "Its hour is '1-5/10': the step '10' is not a number from 1 to 6. Use 0 to 23"),
        ("* 1~5/7 * * *", "Its hour is '1~5/7': the step '7' is not a number from 1 to 6. Use 0 to 23"),
        (
            "* * * jan-mar/4 *",
            "Its month is 'jan-mar/4': the step '4' is not a number from 1 to 3. Use 1 to 12 or jan to dec",
        ),
        (
            "* * * * mon-fri/7",
            "Its day-of-week is 'mon-fri/7': the step '7' is not a number from 1 to 6. Use 0 to 7 or sun to sat",
        ),
        (
            "* * * * 0-6/8",
            "Its day-of-week is '0-6/8': the step '8' is not a number from 1 to 7. Use 0 to 7 or sun to sat",
        ),
        ("*/61 * * * *", "Its minute is '*/61': the step '61' is not a number from 1 to 60. Use 0 to 59"),
        ("* */25 * * *", "Its hour is '*/25': the step '25' is not a number from 1 to 24. Use 0 to 23"),
        ("* * 1-9/32 * *", "Its day-of-month is '1-9/32': the step '32' is not a number from 1 to 9. Use 1 to 31"),
        ("* * * */13 *", "Its month is '*/13': the step '13' is not a number from 1 to 12. Use 1 to 12 or jan to dec"),
        ("* * * * */9", "Its day-of-week is '*/9': the step '9' is not a number from 1 to 8. Use 0 to 7 or sun to sat"),
        ("5-1 * * * *", "Its minute is '5-1': its start is after its end. Use 0 to 59"),
        ("5- * * * *", "Its minute is '5-': a range needs a start and an end. Use 0 to 59"),
        ("*/0 * * * *", "Its minute is '*/0': the step '0' is not a number from 1 to 60. Use 0 to 59"),
        ("5/2 * * * *", "Its minute is '5/2': a step needs '*', a range or '~' before it. Use 0 to 59"),
        ("1,,2 * * * *", "Its minute is '': '' is not a number. Use 0 to 59"),
    ],
)  # fmt: skip
def test_check_schedule_errors(schedule: str, message: str) -> None:
    if message.startswith(("Its ", "Cron ")):
        message = f"schedule is {schedule!r}. {message}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        crontab.check_schedule(schedule)


@pytest.mark.parametrize(
    ("flags", "command", "message"),
    [
        ([], "", "job is '', which is not a command. Use the command that cron is to run"),
        ([], None, "job is None, which is not a command. Use the command that cron is to run"),
        ([], "a\nb", "job is 'a\\nb', which contains a line end or a NUL. Use one line"),
        ([], " a", "job is ' a'. Cron drops the blanks around a command. Remove them"),
        *(
            (
                [],
                f"{flags} a",
                f"job is '{flags} a'. Cron reads '{flags}' as flags. Use the option flags for -n, -q, -s, and start"
                " the job with its program",
            )
            for flags in ("-nq", "-x", "-nx", "--n", "--")
        ),
        (["-x"], "a", "flags has '-x', which cron does not know. Use -n, -q, -s"),
        (["n"], "a", "flags has 'n', which cron does not know. Use -n, -q, -s"),
    ],
)
def test_check_job_errors(flags: list[object], command: object, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        crontab.check_job("@daily", flags, command)


@pytest.mark.parametrize(
    ("match", "command", "message"),
    [
        (
            "(",
            None,
            "match is '(', which is not a regular expression: missing ), unterminated subpattern at position 0",
        ),
        (".*", None, "match is '.*', which matches every command. Use a part of the command"),
        (
            "y",
            "x",
            "match is 'y', which does not match the job 'x'. A second run would add the job again. Use an expression"
            " that matches the job",
        ),
    ],
)
def test_check_match_errors(match: str, command: str | None, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        crontab.check_match(match, command)


@pytest.mark.parametrize("state", crontab.STATES)
@pytest.mark.parametrize(
    "line",
    ["99 * * * * /x", "@DAILY /x", "*/61 * * * * /x", "0 0 * * sat-sun -n /x", "0 * * * * -x /x", "0 * * * * -n -- /x"],
)
def test_a_line_that_cannot_be_read_but_matches_is_an_error(line: str, state: str) -> None:
    message = (
        f"line 2 of the crontab is {line!r}. '^/x$' matches the command, but the line is not a job that OpenBSD's"
        " crontab(1) accepts. Correct or remove the line"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        crontab.edit(f"# /x\n{line}\n", state, re.compile("^/x$"), job("/x") if state == "present" else None)
    other = re.compile("^/y$")
    edit = crontab.edit(f"# /x\n{line}\n", state, other, job("/y") if state == "present" else None)
    assert edit.text.startswith(f"# /x\n{line}\n")


def job(command: str = "/x", schedule: str = "~ 3 * * *", *flags: str) -> crontab.Job:
    return crontab.check_job(schedule, flags, command)


@pytest.mark.parametrize(
    ("text", "state", "match", "wanted", "after", "counts"),
    [
        (ROOT, "disabled", "sm-msp-queue", None, OFF, (0, 1)),
        (ROOT, "disabled", "nothing", None, None, (0, 0)),
        (OFF, "disabled", "sm-msp-queue", None, None, (0, 1)),
        (OFF, "enabled", "sm-msp-queue", None, ROOT, (1, 0)),
        (ROOT, "enabled", "sm-msp-queue", None, None, (1, 0)),
        ("##  @daily x y\n", "enabled", "x y", None, "@daily x y\n", (1, 0)),
        ("  @daily x\n", "disabled", "x", None, "#  @daily x\n", (0, 1)),
        ("#  @daily x\n", "enabled", "x", None, "  @daily x\n", (1, 0)),
        (ROOT, "absent", "sm-msp-queue", None, ROOT.replace(RUNNER, ""), (0, 0)),
        ("#@daily x\n@daily x\n", "absent", "^x$", None, "", (0, 0)),
        ("", "absent", "x", None, None, (0, 0)),
        # the match is on the command, not on the line
        ("@daily x\n", "absent", "daily", None, None, (0, 0)),
        ("# x is a command\nX=x\n", "absent", "x", None, None, (0, 0)),
        ("", "present", "/x", job(), "~\t3\t*\t*\t*\t/x\n", (1, 0)),
        ("", "present", "/x", job("/x y", "@daily", "-s", "-n"), "@daily\t-n -s /x y\n", (1, 0)),
        ("A=1", "present", "/x", job(), "A=1\n~\t3\t*\t*\t*\t/x\n", (1, 0)),
        ("A=1\n~ 3 * * *  /x", "present", "/x", job(), None, (1, 0)),
        ("@daily -sn /x\n", "present", "/x", job("/x", "@daily", "-n", "-s"), None, (1, 0)),
        ("0 0 * * * /x\n# end\n", "present", "/x", job(), "~\t3\t*\t*\t*\t/x\n# end\n", (1, 0)),
        ("#0 0 * * * /x\n# end\n", "present", "/x", job(), "~\t3\t*\t*\t*\t/x\n# end\n", (1, 0)),
        ("#0 0 * * * /x 1\n@daily /x 2\n", "present", "/x", job(), "#0 0 * * * /x 1\n~\t3\t*\t*\t*\t/x\n", (1, 1)),
        ("@daily /x\n@daily\t/x\n", "present", "/x", job("/x", "@daily"), "@daily /x\n", (1, 0)),
    ],
)  # fmt: skip
def test_edit(
    text: str, state: str, match: str, wanted: crontab.Job | None, after: str | None, counts: tuple[int, int]
) -> None:
    pattern = crontab.check_match(match, wanted.command if wanted else None)
    done = crontab.edit(text, state, pattern, wanted)
    assert (done.changed, done.text) == ((False, text) if after is None else (True, after))
    assert (done.enabled, done.disabled) == counts
    again = crontab.edit(done.text, state, pattern, wanted)
    assert (again.changed, again.text) == (False, done.text)


def test_edit_does_not_guess_which_job_is_meant() -> None:
    message = (
        "match is '/x', which finds 2 different jobs in the crontab (lines 1, 3). Use an expression that matches only"
        " one of them"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        crontab.edit("@daily /x 1\n\n@daily /x 2\n", "present", crontab.check_match("/x"), job())


_LINE = st.sampled_from(
    [
        "# note",
        "",
        "A = b",
        "@daily /x",
        "#@daily /x 1",
        "~ * * * * -n /y",
        " 0 1 * * * /x 2",
        "junk",
        "## 0 1 * * * /x",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_LINE, max_size=8), st.booleans(), st.sampled_from(["absent", "disabled", "enabled"]))
def test_edit_keeps_every_other_line(lines: list[str], newline: bool, state: str) -> None:
    text = "\n".join(lines) + ("\n" if newline and lines else "")
    pattern = crontab.check_match("/x")
    done = crontab.edit(text, state, pattern)
    assert [line for line in done.text.splitlines() if "/x" not in line] == [
        line for line in text.splitlines() if "/x" not in line
    ]
    assert crontab.edit(done.text, state, pattern).changed is False
    if state == "disabled" and not any(line.startswith("#") for line in lines) and done.changed:
        assert crontab.edit(done.text, "enabled", pattern).text == text + ("" if text.endswith("\n") else "\n")


@pytest.mark.parametrize(
    ("raw", "listed", "hidden"),
    [
        ("# DO NOT EDIT THIS FILE - edit\n# (-)\n# (Cron)\n# mine\n@daily x\n", "# mine\n@daily x\n", ""),
        ("#\t$OpenBSD\n#\n# root\nA=1\n", "A=1\n", "#\t$OpenBSD\n#\n# root\n"),
        ("# one\n@daily x\n# two\n", "@daily x\n# two\n", "# one\n"),
        # lines end at a line feed, and nowhere else
        ("# one\x0c\u2028two\n# three", "", "# one\x0c\u2028two\n# three"),
        ("@daily x\n", "@daily x\n", ""),
        ("", "", ""),
    ],
)
def test_header(raw: str, listed: str, hidden: str) -> None:
    assert crontab.without_header(raw) == listed
    assert crontab.hidden_comments(raw) == hidden
