# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which class of the permission bits counts for an account."""

from __future__ import annotations

import pytest

from ansible_collections.puffy.mail.plugins.module_utils import _rights as rights

USER = rights.User("someone", 4242, 4243, frozenset({4243, 4244}))


def facts(mode, uid=0, gid=0):
    return rights.File("file", uid, gid, mode, 0, 0.0)


@pytest.mark.parametrize(
    ("file", "allowed"),
    [
        (facts(0o604), True),
        (facts(0o640), False),
        (facts(0o640, gid=4243), True),
        (facts(0o604, gid=4244), False),
        (facts(0o400, uid=4242), True),
        (facts(0o044, uid=4242), False),
    ],
)
def test_permissions_are_those_of_the_first_class_that_fits(file, allowed):
    assert rights.may(file, USER, 4) is allowed
    assert rights.may(file, rights.User("root", 0, 0, frozenset({0})), 4)
