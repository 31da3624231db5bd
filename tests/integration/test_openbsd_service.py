# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""postfix_service on the stand-in for OpenBSD: a main.cf that cannot be read is never nothing to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.standin import Standin

pytestmark = [pytest.mark.containers, pytest.mark.long]

#: what is done to main.cf of a Postfix that runs, and what the module then says
BROKEN = {
    "a line that is no parameter": (r"printf 'this is garbage\n' >> /etc/postfix/main.cf", "this is garbage"),
    "an address the host lacks, and no mynetworks": (
        "sed -i '/^mynetworks/d; s/^inet_interfaces.*/inet_interfaces = 203.0.113.9/' /etc/postfix/main.cf",
        "203.0.113.9",
    ),
}


@pytest.fixture(scope="module", params=["stable", "stable35"])
def standin(request: pytest.FixtureRequest) -> Iterator[Standin]:
    with Standin(request.param) as made:
        made.install_postfix()
        made.run(
            "rcctl stop smtpd; rcctl disable smtpd; /usr/local/sbin/postfix-enable; postalias hash:/etc/mail/aliases;"
            " postconf -e myhostname=mail.example.test mydestination=mail.example.test inet_interfaces=127.0.0.1"
            " smtpd_tls_security_level=none; rcctl enable postfix"
        )
        yield made


def service(standin: Standin, **options: Any) -> dict[str, Any]:
    return standin.module("postfix_service", {}, **options)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_main_cf_is_a_failure(standin: Standin, name: str) -> None:
    breakage, said = BROKEN[name]
    service(standin)
    settled = service(standin)
    assert (settled.get("failed"), settled["action"]) == (None, "none"), settled
    good = standin.read("/etc/postfix/main.cf")
    standin.run(breakage)
    for check in (True, False):
        result = service(standin, check=check)
        assert result.get("failed"), result
        assert said in result["msg"]
    assert standin.run("rcctl check postfix").stdout == "postfix(ok)\n"
    standin.write("/etc/postfix/main.cf", good)
    assert not service(standin)["changed"]
