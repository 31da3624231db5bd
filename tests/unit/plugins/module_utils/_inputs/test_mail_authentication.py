# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role mail_authentication accepts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"methods": ["dmarc"]},
            "methods has 'dmarc' without 'dkim'. Add 'dkim': OpenDMARC learns from",
        ),
        ({"methods": ["dkim", "arc"]}, "methods has the entry 'arc'. Use a list of one or more of 'dkim', 'dmarc' and"),
        ({"domains": ["example"]}, "domains has the entry 'example', which has no dot. Use a fully qualified name"),
        ({"selector": "a b"}, "selector is 'a b', which has the label 'a b', and a label is 1 to 63 letters, digits"),
        ({"internal_hosts": ["10.0.0.1/8"]}, "internal_hosts has the entry '10.0.0.1/8', which is not a network: "),
        ({"internal_hosts": ["a b"]}, "internal_hosts has the entry 'a b'. Use an address, a network, a host name, or"),
        ({"nameservers": ["ns.example"]}, "nameservers has the entry 'ns.example'. Use the address of a name server"),
        ({"key_bits": 1024}, "key_bits is 1024. Use 2048, 3072 or 4096."),
        ({"database": "x"}, "database is 'x'. Use an absolute path without blanks"),
    ],
)
def test_what_is_refused(
    judged: Callable[..., tuple[dict[str, Any], list[str]]], given: dict[str, Any], sentence: str
) -> None:
    variables = {"mail_authentication_methods": ["dkim"]}
    variables |= {f"mail_authentication_{name}": value for name, value in given.items()}
    _good, sentences = judged("mail_authentication", variables)
    assert [text for text in sentences if text.startswith(f"mail_authentication_{sentence}")], sentences


def test_no_method_is_needed(judged: Callable[..., tuple[dict[str, Any], list[str]]]) -> None:
    assert judged("mail_authentication", {})[1] == []
    assert judged("mail_authentication", {"mail_authentication_database": "x"})[1] == []
