# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""mailer.conf(5): what mailwrapper(8) reads, and the way between base and Postfix through the port's helpers."""

from __future__ import annotations

import re
from typing import Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.puffy.mail.plugins.module_utils._openbsd import mailer_conf
from ansible_collections.puffy.mail.plugins.module_utils._openbsd.mailer_conf import CURRENT, HELPER, KEPT, SAVED

POSTFIX = mailer_conf.postfix_text()
ORIGINAL = "#\t$OpenBSD$\n" + mailer_conf.BASE_TEXT
OTHER = "sendmail\t/usr/local/bin/msmtp\n"
Texts = dict[str, Optional[str]]


def host(current: str | None, saved: str | None = None, helper: str | None = None, kept: str | None = None) -> Texts:
    return {CURRENT: current, SAVED: saved, HELPER: helper, KEPT: kept}


def enable(files: Texts) -> None:
    """postfix-enable of the port, rev 1.10."""
    if files[HELPER] is None:
        return
    if files[CURRENT] is not None:
        files[SAVED] = files[CURRENT]
    files[CURRENT], files[HELPER] = files[HELPER], None


def disable(files: Texts) -> None:
    """postfix-disable of the port."""
    if files[SAVED] is not None and files[CURRENT] is not None:
        files[HELPER], files[CURRENT], files[SAVED] = files[CURRENT], files[SAVED], None


def carry_out(plan: mailer_conf.Plan, files: Texts) -> Texts:
    """Take the steps as the module does. At no moment may the original be in none of the files."""
    now = dict(files)
    for step in plan.steps:
        if step.action == "write":
            now[step.target] = step.text
        elif step.action == "remove":
            now[step.target] = None
        else:
            {"postfix-enable": enable, "postfix-disable": disable}[step.target](now)
        if ORIGINAL in files.values():
            assert ORIGINAL in now.values(), step
    assert now == plan.after
    return now


def test_texts() -> None:
    assert POSTFIX == (
        "sendmail\t/usr/local/sbin/sendmail\nsend-mail\t/usr/local/sbin/sendmail\n"
        "mailq\t\t/usr/local/sbin/sendmail\nnewaliases\t/usr/local/sbin/sendmail\n"
    )
    assert mailer_conf.is_complete(POSTFIX)
    assert not mailer_conf.is_postfix(mailer_conf.BASE_TEXT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sendmail /a\n", {"sendmail": ("/a",)}),
        ("\t sendmail \t/a -x  y\n", {"sendmail": ("/a", "-x", "y")}),
        ("sendmail /a # b\n# c\n\nmailq /b\n", {"sendmail": ("/a",), "mailq": ("/b",)}),
        ("sendmail /a\\#b\n", {"sendmail": ("/a#b",)}),
        ("sendmail \\\n /a\nmailq /b", {"sendmail": ("/a",), "mailq": ("/b",)}),
        ("sendmail /a\nsendmail /b\n", {"sendmail": ("/a",)}),
        ("sendmail /a \\", {"sendmail": ("/a",)}),
        ("", {}),
    ],
)
def test_parse(text: str, expected: dict[str, tuple[str, ...]]) -> None:
    assert mailer_conf.parse(text) == expected


@pytest.mark.parametrize(
    ("before", "path", "line", "word"),
    [
        (host("# c\nsendmail /a\nmailq\n"), CURRENT, 3, "mailq"),
        (host(POSTFIX, saved="sendmail\n"), SAVED, 1, "sendmail"),
        (host(POSTFIX, kept="\nsendmail # /a\n"), KEPT, 2, "sendmail"),
    ],
)
@pytest.mark.parametrize("state", mailer_conf.STATES)
def test_plan_errors(before: Texts, path: str, line: int, word: str, state: str) -> None:
    message = (
        f"{path}, line {line}: {word!r} has no program after it, and mailwrapper(8) stops there with a parse error."
        " Complete the line or remove it"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        mailer_conf.plan(state, before)


CONVERGED = host(POSTFIX, saved=ORIGINAL, kept=ORIGINAL)
EDITED = POSTFIX.replace("mailq\t\t/usr/local/sbin/sendmail", "mailq\t\t/bin/false") + "makemap\t/x\n"


@pytest.mark.parametrize(
    ("case", "before", "after", "helpers"),
    [
        ("fresh package", host(ORIGINAL, helper=POSTFIX), CONVERGED, ["postfix-enable"]),
        ("no package yet, or the helper file is lost", host(ORIGINAL), CONVERGED, ["postfix-enable"]),
        ("helper file is damaged", host(ORIGINAL, helper="sendmail\n"), CONVERGED, ["postfix-enable"]),
        ("enabled by hand", host(POSTFIX, saved=ORIGINAL), CONVERGED, []),
        ("converged", CONVERGED, CONVERGED, []),
        ("package added again", {**CONVERGED, HELPER: POSTFIX}, CONVERGED, []),
        ("second postfix-enable by hand", {**CONVERGED, SAVED: POSTFIX}, CONVERGED, []),
        ("postfix-disable by hand", host(ORIGINAL, helper=POSTFIX, kept=ORIGINAL), CONVERGED, ["postfix-enable"]),
        ("saved mapping deleted", {**CONVERGED, SAVED: None}, CONVERGED, []),
        ("our copy deleted", {**CONVERGED, KEPT: None}, CONVERGED, []),
        ("edited", {**CONVERGED, CURRENT: EDITED}, {**CONVERGED, CURRENT: POSTFIX + "makemap\t/x\n"}, []),
        ("replaced by hand", {**CONVERGED, CURRENT: OTHER}, CONVERGED, []),
        ("deleted", {**CONVERGED, CURRENT: None}, CONVERGED, []),
        ("another original", host(OTHER, kept=ORIGINAL), host(POSTFIX, saved=OTHER, kept=OTHER), ["postfix-enable"]),
        ("original lost before we came", host(POSTFIX, saved=POSTFIX),
         host(POSTFIX, saved=mailer_conf.BASE_TEXT, kept=mailer_conf.BASE_TEXT), []),
        ("no mailer.conf at all", host(None, helper=POSTFIX),
         host(POSTFIX, saved=mailer_conf.BASE_TEXT, kept=mailer_conf.BASE_TEXT), ["postfix-enable"]),
        ("base mapping, saved is Postfix's", host(ORIGINAL, saved=POSTFIX), CONVERGED, ["postfix-enable"]),
    ],
)  # fmt: skip
def test_to_postfix(case: str, before: Texts, after: Texts, helpers: list[str]) -> None:
    plan = mailer_conf.plan("postfix", before)
    assert plan.after == after
    assert [step.target for step in plan.steps if step.action == "run"] == helpers
    if case != "another original":
        carry_out(plan, before)
    assert bool(plan.steps) == (case != "converged")
    assert mailer_conf.plan("postfix", after).steps == ()


@pytest.mark.parametrize(
    ("case", "before", "helpers", "after"),
    [
        ("converged", CONVERGED, True, host(ORIGINAL, helper=POSTFIX)),
        ("package deleted", CONVERGED, False, host(ORIGINAL)),
        ("package added again", {**CONVERGED, HELPER: POSTFIX}, True, host(ORIGINAL, helper=POSTFIX)),
        ("saved lost", {**CONVERGED, SAVED: POSTFIX}, True, host(ORIGINAL, helper=POSTFIX)),
        ("saved deleted", {**CONVERGED, SAVED: None}, True, host(ORIGINAL, helper=POSTFIX)),
        ("both lost", host(POSTFIX), True, host(mailer_conf.BASE_TEXT, helper=POSTFIX)),
        ("base already", host(ORIGINAL, helper=POSTFIX), True, host(ORIGINAL, helper=POSTFIX)),
        ("no file", host(None), True, host(None)),
        ("base by hand", host(ORIGINAL, saved=ORIGINAL, kept=ORIGINAL), True, host(ORIGINAL)),
        ("another by hand", host(OTHER, saved=ORIGINAL), True, host(OTHER, saved=ORIGINAL)),
    ],
)
def test_to_base(case: str, before: Texts, helpers: bool, after: Texts) -> None:
    plan = mailer_conf.plan("base", before, helpers=helpers)
    assert plan.after == after
    carry_out(plan, before)
    assert mailer_conf.plan("base", after, helpers=helpers).steps == ()


_TEXT = st.sampled_from([None, ORIGINAL, POSTFIX, EDITED, OTHER])


@settings(max_examples=200, deadline=None)
@given(st.tuples(_TEXT, _TEXT, _TEXT, _TEXT), st.booleans())
def test_every_mixture_converges(texts: tuple[str | None, str | None, str | None, str | None], helpers: bool) -> None:
    before = host(*texts)
    there = mailer_conf.plan("postfix", before)
    assert mailer_conf.is_complete(there.after[CURRENT])
    assert not mailer_conf.is_postfix(there.after[SAVED])
    assert mailer_conf.plan("postfix", there.after).steps == ()
    back = mailer_conf.plan("base", there.after, helpers=helpers)
    assert back.after[CURRENT] == there.after[SAVED]
    assert mailer_conf.plan("base", back.after, helpers=helpers).steps == ()
