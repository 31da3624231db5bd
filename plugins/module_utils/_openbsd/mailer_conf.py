# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""mailer.conf(5), the four files around it, and the steps from one mail system to the other.

Sources: OpenBSD mailwrapper.c and mailer.conf 1.7; postfix-install, postfix-enable and postfix-disable of the
mail/postfix port. Both helpers move files, and both overwrite the file they move to, whatever it contains. A second
postfix-enable with a fresh mailer.conf.postfix saves Postfix's own mapping over the original one. So this module
judges the files by their content, and keeps the original in one more file that no helper touches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

STATES = ("postfix", "base")
#: where the port installs Postfix's sendmail(1)
SENDMAIL = "/usr/local/sbin/sendmail"
#: the names that the port maps to it (postfix-install); makemap, hoststat and purgestat have no equivalent
NAMES = ("sendmail", "send-mail", "mailq", "newaliases")

CURRENT = "/etc/mailer.conf"
#: postfix-enable moves the file in force to this name, and postfix-disable moves it back
SAVED = "/etc/mailer.conf.pre-postfix"
#: postfix-install writes it, and postfix-enable moves it to CURRENT
HELPER = "/etc/mailer.conf.postfix"
#: the copy of the original that this collection keeps
KEPT = "/etc/mailer.conf.base"
PATHS = (CURRENT, SAVED, HELPER, KEPT)

#: The mapping of a fresh OpenBSD (etc/mailer.conf 1.7), for a host that lost its own mapping.
BASE_TEXT = "".join(
    f"{name}{tabs}/usr/sbin/smtpctl\n"
    for name, tabs in (
        ("sendmail", "\t"),
        ("send-mail", "\t"),
        ("mailq", "\t\t"),
        ("makemap", "\t\t"),
        ("newaliases", "\t"),
    )
)

#: the text of each of PATHS; None where there is no such file
Texts = Mapping[str, Optional[str]]


@dataclass(frozen=True)
class Step:
    """One action: ``write`` a text to a path, ``remove`` a path, or ``run`` a helper of the port."""

    action: str
    target: str
    text: str = ""


@dataclass(frozen=True)
class Plan:
    """The steps, in an order in which nothing can get lost, and the files after them."""

    steps: tuple[Step, ...]
    after: Texts


def parse(text: str, path: str = CURRENT) -> dict[str, tuple[str, ...]]:
    """The program and arguments of each name, the first line of a name winning, as mailwrapper(8) reads them.

    Raises ValueError for a line with a single word, where mailwrapper(8) stops.
    """
    found: dict[str, tuple[str, ...]] = {}
    for number, line in _logical_lines(text):
        words = line.split()
        if not words:
            continue
        if len(words) == 1:
            raise ValueError(
                f"{path}, line {number}: {words[0]!r} has no program after it, and mailwrapper(8) stops there with a"
                " parse error. Complete the line or remove it"
            )
        found.setdefault(words[0], tuple(words[1:]))
    return found


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """Lines as fparseln(3) gives them: ``\\`` continues a line, ``#`` starts a comment unless escaped."""
    lines: list[tuple[int, str]] = []
    pending = ""
    start = 0
    for number, line in enumerate(text.split("\n"), 1):
        start = start or number
        cut = line
        position = line.find("#")
        while position > 0 and line[position - 1] == "\\":
            position = line.find("#", position + 1)
        if position >= 0:
            cut = line[:position]
        elif cut.endswith("\\"):
            pending += cut[:-1]
            continue
        lines.append((start, (pending + cut).replace("\\#", "#")))
        pending, start = "", 0
    if pending:
        lines.append((start, pending))
    return lines


def is_postfix(text: str | None, sendmail: str = SENDMAIL, path: str = CURRENT) -> bool:
    """True where ``sendmail`` reaches Postfix: such a text is not the mapping that the host came with."""
    return text is not None and parse(text, path).get("sendmail", ("",))[0] == sendmail


def is_complete(text: str | None, sendmail: str = SENDMAIL, path: str = CURRENT) -> bool:
    """True where every name that the port maps reaches Postfix, without arguments of its own."""
    return text is not None and all(parse(text, path).get(name) == (sendmail,) for name in NAMES)


def postfix_text(sendmail: str = SENDMAIL) -> str:
    """The mapping that postfix-install writes."""
    return "".join(f"{name}{chr(9) if len(name) > 7 else chr(9) * 2}{sendmail}\n" for name in NAMES)


def repair(text: str, sendmail: str = SENDMAIL) -> str:
    """A mapping with Postfix's names as they should be; lines of other names, and comments, stay."""
    others = []
    for line in text.splitlines():
        words = line.split()
        if not words or words[0] not in NAMES:
            others.append(line)
    return postfix_text(sendmail) + "".join(f"{line}\n" for line in others)


def plan(state: str, before: Texts, sendmail: str = SENDMAIL, helpers: bool = True) -> Plan:
    """The steps that bring the files to ``state``.

    ``before`` has every path of PATHS. ``helpers`` is False where postfix-disable is not installed: the way back then
    works without it. Raises ValueError for a file that mailwrapper(8) could not read.
    """
    for path in (CURRENT, SAVED, KEPT):
        parse(before[path] or "", path)
    return _to_postfix(before, sendmail) if state == "postfix" else _to_base(before, sendmail, helpers)


def _original(before: Texts, sendmail: str) -> str:
    """The mapping that the host came with, from the first file that still has it."""
    for path in (SAVED, KEPT):
        text = before[path]
        if text is not None and not is_postfix(text, sendmail, path):
            return text
    return BASE_TEXT


def _to_postfix(before: Texts, sendmail: str) -> Plan:
    current, saved, helper = before[CURRENT], before[SAVED], before[HELPER]
    saved_is_original = saved is not None and not is_postfix(saved, sendmail, SAVED)
    # A mapping that is not Postfix's is the original, unless an earlier run or postfix-enable saved the original.
    fresh = not is_postfix(current, sendmail) and not saved_is_original
    original = current if fresh and current is not None else _original(before, sendmail)
    after = dict(before)
    steps: list[Step] = []

    def write(path: str, text: str) -> None:
        if after[path] != text:
            steps.append(Step("write", path, text))
            after[path] = text

    write(KEPT, original)
    if fresh:
        if not _usable_helper(helper, sendmail):
            write(HELPER, postfix_text(sendmail))
        steps.append(Step("run", "postfix-enable"))
        if current is not None:
            after[SAVED] = current
        after[CURRENT], after[HELPER] = after[HELPER], None
    # pkg_delete runs postfix-disable, which needs this file. Without the file, mailer.conf would name removed programs.
    write(SAVED, original)
    if not is_complete(after[CURRENT], sendmail):
        write(CURRENT, repair(current or "", sendmail) if is_postfix(current, sendmail) else postfix_text(sendmail))
    if after[HELPER] is not None:
        # With it a second postfix-enable would save Postfix's mapping over the original.
        steps.append(Step("remove", HELPER))
        after[HELPER] = None
    return Plan(tuple(steps), after)


def _usable_helper(text: str | None, sendmail: str) -> bool:
    try:
        return is_complete(text, sendmail, HELPER)
    except ValueError:
        return False


def _to_base(before: Texts, sendmail: str, helpers: bool) -> Plan:
    current = before[CURRENT]
    after = dict(before)
    steps: list[Step] = []
    if is_postfix(current, sendmail):
        original = _original(before, sendmail)
        if helpers:
            if before[SAVED] != original:
                steps.append(Step("write", SAVED, original))
            steps.append(Step("run", "postfix-disable"))
            after.update({HELPER: current, CURRENT: original, SAVED: None})
        else:
            steps.append(Step("write", CURRENT, original))
            after[CURRENT] = original
    # The mapping that is in effect again needs no copy. A copy with another content stays.
    for path in (SAVED, KEPT):
        if after[path] is not None and after[path] == after[CURRENT]:
            steps.append(Step("remove", path))
            after[path] = None
    return Plan(tuple(steps), after)
