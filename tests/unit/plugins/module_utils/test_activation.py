# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What both daemons share: what stands for a file, the plan, the record and where it is kept."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.puffy.mail.plugins.module_utils import _activation as activation


def test_fingerprints(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("x")
    one = activation.fingerprints([str(file), str(tmp_path / "no"), str(tmp_path)], [])
    assert one[str(file)].startswith("sha256:")
    assert one[str(tmp_path / "no")] == "(ENOENT)"
    assert one[str(tmp_path)] == "(no regular file)"
    file.write_text("y")
    assert activation.fingerprint(str(file)) != one[str(file)]
    assert activation.fingerprints([str(file)], ["", f"{tmp_path}/"]) == {}
