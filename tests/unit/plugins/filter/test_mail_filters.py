# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters over the mail log, the checks and SASL: what they return, and how they refuse bad input."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.filter import checks_as_text, maillog_problems, sasl_plain, tls_statistics

LOG = """\
Nov 21 10:54:45 mail postfix/smtpd[861]: Anonymous TLS connection established from localhost[127.0.0.1]: TLSv1.2 with \
cipher ECDHE-ECDSA-AES256-GCM-SHA384 (256/256 bits)
Nov 21 10:54:45 mail postfix/trivial-rewrite[928]: warning: virtual_alias_domains lookup failure
"""


def call(module: Any, *arguments: Any) -> Any:
    name = module.__name__.rpartition(".")[2]
    filters = module.FilterModule().filters()
    assert list(filters) == [name]
    return filters[name](*arguments)


def test_maillog_problems() -> None:
    expected = [
        {
            "program": "postfix/trivial-rewrite",
            "severity": "warning",
            "message": "virtual_alias_domains lookup failure",
            "line": LOG.splitlines()[1],
        }
    ]
    assert call(maillog_problems, LOG) == expected
    assert call(maillog_problems, LOG.splitlines()) == expected


def test_tls_statistics() -> None:
    assert call(tls_statistics, LOG) == [
        {"direction": "inbound", "protocol": "TLSv1.2", "cipher": "ECDHE-ECDSA-AES256-GCM-SHA384", "count": 1}
    ]


def test_sasl_plain() -> None:
    assert call(sasl_plain, "tim", "tanstaaftanstaaf") == "AHRpbQB0YW5zdGFhZnRhbnN0YWFm"
    assert call(sasl_plain, "tim", "x", "Ursel") == "VXJzZWwAdGltAHg="


def test_checks_as_text() -> None:
    lines = call(checks_as_text, [{"name": "a", "ok": True, "expected": 1, "seen": 1}])
    assert lines[2].split() == ["ok", "a", "1", "1"]
    assert call(checks_as_text, [])[0].split() == ["result", "endpoint", "check", "expected", "seen"]


@pytest.mark.parametrize(
    ("module", "arguments", "message"),
    [
        (
            maillog_problems,
            (1,),
            "maillog_problems: the input must be the text of a mail log or a list of its lines, not int",
        ),
        (
            tls_statistics,
            (None,),
            "tls_statistics: the input must be the text of a mail log or a list of its lines, not NoneType",
        ),
        (sasl_plain, ("alice", 12345), "sasl_plain: the password must be a string, not int"),
        (sasl_plain, (1, "x"), "sasl_plain: the user name must be a string, not int"),
        (sasl_plain, ("alice", "x", None), "sasl_plain: the authorization must be a string, not NoneType"),
        (sasl_plain, ("", "x"), "sasl_plain: the user name is empty, which SASL PLAIN (RFC 4616) does not allow"),
        (checks_as_text, ("x",), "checks_as_text: the input must be a list of checks of puffy.mail.smtp_probe"),
        (checks_as_text, ([1],), "checks_as_text: the input must be a list of checks of puffy.mail.smtp_probe"),
        (checks_as_text, ([{}],), "checks_as_text: {} is not a check: it has no name, ok, expected, seen"),
    ],
)
def test_bad_input(module: Any, arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=f"^{re.escape(message)}$"):
        call(module, *arguments)
