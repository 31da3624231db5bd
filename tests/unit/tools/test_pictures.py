# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures are those of their descriptions, and their arrows join boxes."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from ansible_collections.puffy.mail.tools import pictures

DESCRIPTIONS = sorted((pictures.ROOT / "docs" / "pictures").glob("*.yml"))


@pytest.mark.parametrize("path", DESCRIPTIONS, ids=lambda path: path.stem)
def test_a_picture_is_current(path: Path) -> None:
    text = pictures.picture(path)
    assert path.with_suffix(".svg").read_text() == text, "Run 'make pictures'."
    root = ElementTree.fromstring(text)  # noqa: S314
    assert root.find("{http://www.w3.org/2000/svg}title") is not None


def test_there_are_the_pictures_that_the_documents_show() -> None:
    assert [path.stem for path in DESCRIPTIONS] == ["flow", "house"]


def test_an_arrow_ends_at_the_edge_of_a_box() -> None:
    left, right = {"at": [0, 0]}, {"at": [2, 0]}
    box = pictures.area(right)
    assert pictures.edge(right, pictures.middle(left)) == (box[0], box[1] + box[3] / 2)
