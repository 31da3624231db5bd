# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the tables of rules in docs/checks.md from the rules themselves.

tools/checks_reference.py            rewrites the tables, everything below the mark
tools/checks_reference.py --check    exits 1 where the tables are not what would be written
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "checks.md"
MARK = "<!-- What follows is written by tools/checks_reference.py; do not edit. -->\n"

sys.path.insert(0, subprocess.run([ROOT / "tools" / "tree"], capture_output=True, text=True, check=True).stdout.strip())
from ansible_collections.puffy.mail.plugins.module_utils._postfix import checks


def tables() -> str:
    """One table for each group of rules."""
    parts = []
    for group, title in checks.GROUPS.items():
        rows = [
            f"| `{name}` | {rule.severity} | {' | '.join(rule.row)} |\n"
            for name, rule in checks.RULES.items()
            if rule.group == group
        ]
        head = "| check | severity | finds | cure | source |\n|---|---|---|---|---|\n"
        parts.append(f"\n## {title}\n\n{head}{''.join(rows)}")
    return "".join(parts)


def main(arguments: list[str]) -> int:
    """Write, or compare."""
    text = TARGET.read_text()
    wanted = text.partition(MARK)[0] + MARK + tables()
    if arguments == ["--check"]:
        if text != wanted:
            print("docs/checks.md is not what the rules say; run tools/checks_reference.py")
        return int(text != wanted)
    TARGET.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
