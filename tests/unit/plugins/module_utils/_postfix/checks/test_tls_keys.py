# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates and private keys."""

from __future__ import annotations

import re

from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.checks import cases

test_a_fault_is_found_and_named = cases.tests("tls_keys")


def tls_check(certificate, key, now=cases.NOW):
    files = {"/etc/ssl/mail.crt": cases.file(), "/etc/ssl/mail.key": cases.file(0o600)}
    probe = cases.FakeProbe(files, {"/etc/ssl/mail.crt": certificate, "/etc/ssl/mail.key": key}, now=now)
    main = "smtpd_tls_cert_file = /etc/ssl/mail.crt\nsmtpd_tls_key_file = /etc/ssl/mail.key\n"
    return cases.check(cases.RELAY + main, probe=probe)


def test_the_dates_of_a_certificate(pki):
    (late,) = tls_check(pki["ec.crt"], pki["ec.key"], now=cases.NOW + 20 * 365 * 86400)
    assert re.search(r" /etc/ssl/mail\.crt expired on 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC$", late.message)
    (early,) = tls_check(pki["ec.crt"], pki["ec.key"], now=1_000_000_000)
    assert re.search(r" is not valid before 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC$", early.message)


def test_a_file_that_is_no_pem(pki):
    damaged = pki["rsa.crt"].replace(b"M", b"?", 1)
    assert [found.rule for found in tls_check(damaged, pki["rsa.key"])] == ["certificate-invalid"]
    assert [found.rule for found in tls_check(pki["rsa.crt"], damaged)] == ["key-invalid"]
