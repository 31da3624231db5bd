# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages a host lacks."""

from __future__ import annotations

import pytest

from ansible_collections.puffy.mail.plugins.action.packages import candidate, missing

FACTS = {
    "packages": ["openssl", "dovecot--", "postfix--sasl2%stable"],
    "provides": ["map:sqlite", "python:cryptography"],
}


@pytest.mark.parametrize(
    ("needs", "names"),
    [
        ([], []),
        (["openssl", "certbot"], ["certbot"]),
        # OpenBSD's names with and without the sign of a flavor.
        (["dovecot--", "dovecot", "dovecot-ldap"], ["dovecot-ldap"]),
        # What is there from elsewhere needs no package.
        ([{"package": "postfix-sqlite", "provides": "map:sqlite"}], []),
        ([{"package": "postfix-ldap", "provides": "map:ldap"}], ["postfix-ldap"]),
        # Two roles may need the same.
        (["certbot", {"package": "certbot"}], ["certbot"]),
    ],
)
def test_missing(needs: list[object], names: list[str]) -> None:
    assert missing(needs, FACTS) == names


@pytest.mark.parametrize("need", [7, {"provides": "map:ldap"}, {"package": ["a"]}, None])
def test_bad_needs(need: object) -> None:
    with pytest.raises(ValueError, match=r"^needs has the entry .*\. Use the name of a package, or a mapping"):
        missing([need], FACTS)


def test_a_library_that_the_python_in_use_lacks_is_no_missing_package() -> None:
    need = {"package": "py3-cryptography", "provides": "python:cryptography"}
    facts = {"packages": [], "provides": []}
    assert missing([need], facts) == ["py3-cryptography"]
    with pytest.raises(ValueError, match=r"^the package py3-cryptography is installed, but the Python"):
        missing([need], {**facts, "packages": ["py3-cryptography--"]})


@pytest.mark.parametrize(
    ("policy", "version"),
    [
        ("dovecot-core:\n  Installed: (none)\n  Candidate: 1:2.4.1+dfsg1-6+deb13u4\n  Version table:\n", "2.4.1"),
        ("dovecot-core:\n  Candidate: 1:2.3.13+dfsg1-2+deb11u1\n", "2.3.13"),
        ("dovecot-core:\n  Installed: (none)\n  Candidate: (none)\n", ""),
        ("", ""),
    ],
)
def test_the_version_that_would_be_installed(policy: str, version: str) -> None:
    assert candidate(policy) == version
