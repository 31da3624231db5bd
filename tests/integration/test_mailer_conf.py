# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""mailer_conf on the OpenBSD stand-in, with the port's helpers and their hazards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openbsd import BRANCHES, Standin

pytestmark = pytest.mark.containers


@pytest.fixture(scope="module", params=BRANCHES)
def standin(request: pytest.FixtureRequest) -> Iterator[Standin]:
    with Standin(str(request.param)) as running:
        yield running


def test_there_through_every_hazard_and_back(standin: Standin) -> None:
    original = standin.read("/etc/mailer.conf")

    # a bare host: check mode foretells the change, the run says what is missing
    assert standin.module("mailer_conf", {}, check=True)["changed"]
    bare = standin.module("mailer_conf", {})
    assert bare["failed"]
    assert bare["msg"] == (
        "there is no program /usr/local/sbin/sendmail here; install the Postfix package first; nothing was changed"
    )
    assert standin.run("ls /etc/mailer.conf*").stdout == "/etc/mailer.conf\n"

    standin.install_postfix()
    result = standin.four_runs("mailer_conf", {})
    assert result["helpers"] == ["postfix-enable"]
    names = ("sendmail", "send-mail", "mailq", "newaliases")
    assert result["mapping"] == {name: ["/usr/local/sbin/sendmail"] for name in names}
    enabled = standin.read("/etc/mailer.conf")
    assert standin.run("stat -c %a:%u:%g /etc/mailer.conf*").stdout == "644:0:0\n" * 3
    assert standin.run("sendmail -bv nobody </dev/null; newaliases && postalias -q postmaster hash:/etc/mail/aliases",
                       check=False).stdout.endswith("root\n")  # fmt: skip

    for hazard in (
        # the package is added again, and postfix-enable runs a second time
        "pkg_delete -I postfix; pkg_add -I postfix--%stable postfix--%stable35; postfix-enable",
        "cp /etc/mailer.conf /etc/mailer.conf.postfix && postfix-enable",
        "cp /etc/mailer.conf /etc/mailer.conf.postfix",
        "postfix-disable",
        "postfix-disable && rm /etc/mailer.conf.postfix",
        "rm /etc/mailer.conf.pre-postfix",
        "sed -i 's,^mailq.*,mailq /bin/false,' /etc/mailer.conf",
        "rm /etc/mailer.conf",
    ):
        standin.run(hazard)
        before = standin.run("cat /etc/mailer.conf*; ls /etc/mailer.conf*").stdout
        result = standin.module("mailer_conf", {})
        after = standin.run("cat /etc/mailer.conf*; ls /etc/mailer.conf*").stdout
        assert result["changed"] == (before != after), (hazard, result)
        assert not standin.module("mailer_conf", {})["changed"], hazard
        assert standin.read("/etc/mailer.conf") == enabled, hazard
        assert standin.read("/etc/mailer.conf.pre-postfix") == original, hazard
        assert standin.run("test -e /etc/mailer.conf.postfix", check=False).returncode != 0, hazard

    assert standin.four_runs("mailer_conf", {"state": "base"})["helpers"] == ["postfix-disable"]
    assert standin.read("/etc/mailer.conf") == original
    assert standin.run("ls /etc/mailer.conf*").stdout == "/etc/mailer.conf\n/etc/mailer.conf.postfix\n"


def test_a_line_of_one_word_is_named(standin: Standin) -> None:
    standin.write("/etc/mailer.conf", "sendmail\t/usr/sbin/smtpctl\nmailq\n")
    result = standin.module("mailer_conf", {})
    assert result["failed"]
    assert result["msg"].startswith("/etc/mailer.conf, line 2: 'mailq' has no program after it")
    assert standin.read("/etc/mailer.conf") == "sendmail\t/usr/sbin/smtpctl\nmailq\n"
