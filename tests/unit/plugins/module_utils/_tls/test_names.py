# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of hosts in certificates."""

from __future__ import annotations

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._tls import names as subject


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Mail.Example.ORG.", "mail.example.org"], ("DNS:mail.example.org",)),
        (["*.example.org", "192.0.2.1", "2001:DB8::1"], ("DNS:*.example.org", "IP:192.0.2.1", "IP:2001:db8::1")),
        (["xn--bcher-kva.example"], ("DNS:xn--bcher-kva.example",)),
    ],
)
def test_names(names: list[str], expected: tuple[str, ...]) -> None:
    assert subject.subject_names(names) == expected


@pytest.mark.parametrize(
    "name",
    ["", "mail", "mail example.org", "-a.example.org", "a..org", "1.2.3.4.5", "*.org", "a.*.org", "bücher.de"],
)
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ValueError, match=r" is not a fully qualified domain name: .* either$"):
        subject.subject_names([name])
