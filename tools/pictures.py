# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw docs/pictures/*.svg from docs/pictures/*.yml.

A picture has boxes at places of a grid, ``at: [column, row]``, with ``size: [columns, rows]``, and arrows between
boxes. A box of the kind ``frame`` lies behind the others, with its text at the top.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
#: pixels: a cell of the grid, the space around a box, a line of text
CELL, GAP, LINE = (184, 88), 14, 16
COLOURS = {
    "plain": ("#ffffff", "#5b6770"),
    "yours": ("#fff6d6", "#b58900"),
    "check": ("#e3f4e3", "#2e7d32"),
    "daemon": ("#e4eefb", "#1f5fa8"),
    "outside": ("#f3e8f7", "#7b3f98"),
    "frame": ("#f7f8f9", "#b8c0c6"),
}
HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<!-- SPDX-FileCopyrightText: 2026 The puffy.mail developers -->
<!-- SPDX-License-Identifier: GPL-3.0-or-later -->
<!-- `make pictures` draws this file from {source}. -->
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img"
  font-family="sans-serif" font-size="12">
<title>{title}</title>
<desc>{description}</desc>
<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse">
<path d="M0 0L8 4L0 8z" fill="#333"/></marker></defs>
<rect width="{width}" height="{height}" fill="#ffffff"/>
"""


def area(box: dict[str, Any]) -> tuple[float, float, float, float]:
    """Return left, top, width and height of a box."""
    (column, row), (columns, rows) = box["at"], box.get("size", [1, 1])
    gap = GAP if box.get("kind") != "frame" else 2
    return column * CELL[0] + gap, row * CELL[1] + gap, columns * CELL[0] - 2 * gap, rows * CELL[1] - 2 * gap


def edge(box: dict[str, Any], towards: tuple[float, float]) -> tuple[float, float]:
    """Return where the line from the middle of a box to a point leaves the box."""
    left, top, width, height = area(box)
    x, y = left + width / 2, top + height / 2
    dx, dy = towards[0] - x, towards[1] - y
    scale = min(width / 2 / abs(dx) if dx else 9e9, height / 2 / abs(dy) if dy else 9e9)
    return x + dx * scale, y + dy * scale


def middle(box: dict[str, Any]) -> tuple[float, float]:
    left, top, width, height = area(box)
    return left + width / 2, top + height / 2


def drawn(box: dict[str, Any]) -> list[str]:
    left, top, width, height = area(box)
    fill, stroke = COLOURS[box.get("kind", "plain")]
    lines = box["text"]
    first = top + 18 if box.get("kind") == "frame" else top + height / 2 - (len(lines) - 1) * LINE / 2 + 4
    out = [f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="6" fill="{fill}" stroke="{stroke}"/>']
    for number, text in enumerate(lines):
        place = f'x="{left + width / 2:g}" y="{first + number * LINE:g}" text-anchor="middle"'
        weight = ' font-weight="bold"' if number == 0 else ""
        out.append(f"<text {place}{weight}>{escape(text)}</text>")
    return out


def arrow(start: dict[str, Any], end: dict[str, Any], text: str) -> list[str]:
    a, b = edge(start, middle(end)), edge(end, middle(start))
    out = [f'<path d="M{a[0]:.0f} {a[1]:.0f}L{b[0]:.0f} {b[1]:.0f}" stroke="#333" fill="none" marker-end="url(#tip)"/>']
    if text:
        x, y = (a[0] + b[0]) / 2, (a[1] + b[1]) / 2 - 4
        out.append(
            f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="middle" font-size="11" fill="#333">{escape(text)}</text>'
        )
    return out


def picture(path: Path) -> str:
    """Return the SVG of a description."""
    data = yaml.safe_load(path.read_text())
    boxes = {box["id"]: box for box in data["boxes"]}
    areas = [area(box) for box in boxes.values()]
    width, height = (max(box[n] + box[n + 2] for box in areas) + GAP for n in (0, 1))
    lines = [line for box in sorted(boxes.values(), key=lambda box: box.get("kind") != "frame") for line in drawn(box)]
    for each in data["arrows"]:
        lines += arrow(boxes[each["from"]], boxes[each["to"]], each.get("text", ""))
    head = HEAD.format(
        source=path.relative_to(ROOT), width=f"{width:g}", height=f"{height:g}",
        title=escape(data["title"]), description=escape(" ".join(data["description"].split())),
    )  # fmt: skip
    return head + "\n".join(lines) + "\n</svg>\n"


def main() -> None:
    for path in sorted((ROOT / "docs" / "pictures").glob("*.yml")):
        path.with_suffix(".svg").write_text(picture(path))


if __name__ == "__main__":
    main()
