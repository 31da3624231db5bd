# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of the two files: lines that Postfix cannot read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.registry import ERROR, Fault, rule
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.settings import Place

if TYPE_CHECKING:
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context
    from ansible_collections.puffy.mail.plugins.module_utils._postfix.main_cf import BadLine

#: In a line that Postfix cannot read, what looks like the name of a parameter with a password; the rest is not shown.
_SECRET_AFTER = re.compile(r"(\w*(?:password|passwd|passphrase|secret|credential|_pw)\w*).+", re.IGNORECASE)


def shortened(text: str) -> str:
    """The beginning of a text, without what may be a password."""
    text = _SECRET_AFTER.sub(r"\1 ********", " ".join(text.split()))
    return text if len(text) <= 60 else text[:57] + "..."


def main_lines(context: Context) -> list[BadLine]:
    """The lines of main.cf that are not settings."""
    return context.main.bad_lines


def master_lines(context: Context) -> list[BadLine]:
    """The lines of master.cf that are not services, or only in part."""
    return context.master.bad_lines


def _is_option(bad: BadLine) -> bool:
    return bad.reason.startswith(("-o", "the last -o"))


def _service_fault(context: Context, bad: BadLine, cure: str) -> Fault:
    place = Place(context.master.path, bad.line, "/".join(bad.text.split()[:2]))
    return Fault(place, f"{shortened(bad.text)!r}: {bad.reason}", cure)


@rule("main-syntax", ERROR, each=main_lines)
def main_syntax(context: Context, bad: BadLine) -> Iterator[Fault]:
    """a line of main.cf that is not `name = value` | write it so; a continued line begins with white space |
    postconf(5)"""
    place = Place(context.main.path, bad.line, (bad.text.split() or [""])[0])
    cure = "write name = value; a continued line begins with white space"
    yield Fault(place, f"{shortened(bad.text)!r}: {bad.reason}", cure)


@rule("master-columns", ERROR, each=master_lines)
def master_columns(context: Context, bad: BadLine) -> Iterator[Fault]:
    """fewer than eight columns in master.cf, a type or column with a value it cannot have, an `inet` service that is
    private, which `-` stands for | correct the column | master(5)"""
    if not _is_option(bad):
        cure = "see master(5): service type private unpriv chroot wakeup maxproc command"
        yield _service_fault(context, bad, cure)


@rule("malformed-option", ERROR, each=master_lines)
def malformed_option(context: Context, bad: BadLine) -> Iterator[Fault]:
    """an `-o` without `name=value`, words that stand alone behind a daemon that takes options only | `-o name=value`,
    or `-o { name = value }` | master(5)"""
    if _is_option(bad):
        yield _service_fault(context, bad, "write -o name=value, or -o { name = value }")
