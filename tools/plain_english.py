# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Report wording that a reader with another first language stumbles over, with the cure for each finding."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

#: what is read: all that an administrator reads
READ = ("plugins", "roles", "playbooks", "docs", "*.md", "galaxy.yml", "examples")

#: each pattern, and what to write; a space in a pattern matches a line break too
RULES = (
    (r"[Rr]ight would be", "Give the cure as an instruction: 'Use X.'"),
    (r"\b[Ff]oret(?:ell?|old)\w*", "Write 'report' or 'predict'."),
    (r"\bnothing to (?!do\b)\w+ for\b", "Say what happens: 'X needs no Y.'"),
    (r"\bno matter of\b", "Say what the thing depends on."),
    (r"\b(?:is|are) none\b(?! of\b)", "Name the thing: 'is not a database'."),
    (
        r"(?<!here\x20)(?<!hat\x20)\b(?:is|are|was|were) no (?!longer\b|more\b|such\b|way\b|need\b|reason\b)[a-z]",
        "Write 'is not a'.",
    ),
    (r"\b(?:anew|hence|lest|upon|whereby|whereupon|thereof|therein|shall|for ever)\b", "Use a common word."),
    (r"\b(?:be|is|was|get) rid of\b", "Write 'remove'."),
    (r"\bmakes? good\b|\bmade good\b", "Write 'repair' or 'finish'."),
    (r"\bsees? to (?:it|that)\b", "Write 'makes sure that'."),
    (r"\bneeds? not (?:be|[a-z]+)\b", "Write 'does not need to'."),
    (r"\bof then\b", "Name the time."),
    (r"\bamounts? to\b", "Write 'gives' or 'sets'."),
    (r"(?:^|[.] )That (?:a|an|the|it)\b", "Begin with the subject."),
    (r"[.;,] [Ee]lse (?!if\b|empty\b)[a-z]", "Write 'Otherwise'."),
    (r"\bthat is all\b", "Say that nothing else is needed."),
    (r"\b(?:does|do|did) without\b", "Write 'does not need'."),
    (r"\bbe the (?:better|wiser|worse)\b", "Say what is better."),
    (r"\bBring the \w+ (?:\w+ )?to the (?:files|configuration)\b", "Write 'Activate'."),
)
COMPILED = tuple((re.compile(pattern.replace(" ", r"\s+(?:[#*]\s+)?"), re.MULTILINE), cure) for pattern, cure in RULES)


def findings(text: str) -> list[tuple[int, str, str]]:
    """Return line number, words found and cure of each finding, by line."""
    found = []
    for pattern, cure in COMPILED:
        for match in pattern.finditer(text):
            words = " ".join(match.group().split())
            found.append((text.count("\n", 0, match.start()) + 1, words, cure))
    return sorted(found)


def main() -> int:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *READ], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    count = 0
    for name in listed.split("\0"):
        path = ROOT / name
        if not name or name == "CHANGELOG.md" or not path.is_file():
            continue
        for line, words, cure in findings(path.read_text()):
            count += 1
            print(f"{name}:{line}: {words!r}. {cure}")
    if count:
        print(f"{count} findings.")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
