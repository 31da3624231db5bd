# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup tables: what postmap(1) answers."""

from __future__ import annotations

import re
from collections.abc import Sequence


class QueryAnswerError(ValueError):
    """postmap could not answer; the message is what it said."""


def parse_answers(keys: Sequence[str], rc: int, stdout: str, stderr: str) -> dict[str, str | None]:
    """What ``postmap -q -`` found for ``keys``, None where it found nothing.

    postmap(1) prints ``key<TAB>value`` for each key it found, in the order asked, and exits with 1 where it
    found none; a table that fails gives the same exit status and a message of severity error or worse.
    """
    said = [re.sub(r"^postmap: ", "", line.strip()) for line in stderr.splitlines() if line.strip()]
    if rc not in (0, 1) or any(re.match(r"(fatal|error|panic): ", line) for line in said):
        raise QueryAnswerError(" / ".join(said) or f"postmap ended with exit status {rc}")
    answers: dict[str, str | None] = dict.fromkeys(keys)
    pending = list(keys)
    current = None
    for line in stdout.split("\n")[:-1]:
        index = next((i for i, key in enumerate(pending) if line.startswith(f"{key}\t")), None)
        if index is not None:
            current = pending[index]
            answers[current] = line[len(current) + 1 :]
            del pending[: index + 1]
        elif current is not None:
            # A value of an SQL table may hold line breaks.
            answers[current] = f"{answers[current]}\n{line}"
        else:
            raise QueryAnswerError(f"postmap printed {line!r}, which answers none of the keys asked")
    return answers
