# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of the two files."""

from __future__ import annotations

from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.checks import cases

test_a_fault_is_found_and_named = cases.tests("files")


def test_a_line_that_cannot_be_read_may_hold_a_password():
    main = cases.RELAY + "smtp_sasl_password_maps inline:{x=user:geheim}\nldap_bind_pw geheim\n"
    master = cases.MASTER + "a unix - - q - - smtp -o smtp_sasl_password_maps=static:u:geheim\n"
    found = cases.check(main, master)
    assert [finding.rule for finding in found] == ["main-syntax", "main-syntax", "master-columns"]
    assert found[0].message == "'smtp_sasl_password_maps ********': missing '=' after attribute name"
    assert "geheim" not in "\n".join(cases.told(found))
