# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""mailer_conf on the OpenBSD stand-in, with the port's helpers and their hazards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.puffy.mail.tests.harness.batch import assert_four, four, module, run, shell
from ansible_collections.puffy.mail.tests.harness.standin import EACH_BRANCH, Standin

pytestmark = pytest.mark.containers
NAMES = ("sendmail", "send-mail", "mailq", "newaliases")
HAZARDS = (
    # the package is added again, and postfix-enable runs a second time
    "pkg_delete -I postfix; pkg_add -I postfix--%stable postfix--%stable35; postfix-enable",
    "cp /etc/mailer.conf /etc/mailer.conf.postfix && postfix-enable",
    "cp /etc/mailer.conf /etc/mailer.conf.postfix",
    "postfix-disable",
    "postfix-disable && rm /etc/mailer.conf.postfix",
    "rm /etc/mailer.conf.pre-postfix",
    "sed -i 's,^mailq.*,mailq /bin/false,' /etc/mailer.conf",
    "rm /etc/mailer.conf",
    # a helper that was stopped half way
    "cp -p /etc/mailer.conf.pre-postfix /etc/mailer.conf.base; mv /etc/mailer.conf /etc/mailer.conf.pre-postfix",
)
ALL = "cat /etc/mailer.conf*; ls /etc/mailer.conf*"


@pytest.fixture(scope="module", params=EACH_BRANCH)
def standin(request: pytest.FixtureRequest) -> Iterator[Standin]:
    with Standin(str(request.param)) as running:
        yield running


def test_a_bare_host(standin: Standin) -> None:
    """Check mode foretells the change, the run says what is missing."""
    foretold, bare, there = run(
        standin, [module("mailer_conf", {}, check=True), module("mailer_conf", {}), shell("ls /etc/mailer.conf*")]
    )
    assert foretold["changed"]
    assert bare["failed"]
    assert bare["msg"] == (
        "/usr/local/sbin/sendmail is missing. Install the Postfix package first. Nothing was changed."
    )
    assert there["stdout"] == "/etc/mailer.conf\n"


def test_there_through_every_hazard_and_back(standin: Standin) -> None:
    original = standin.read("/etc/mailer.conf")
    standin.install_postfix()
    modes, reached = (
        shell("stat -c %a:%u:%g /etc/mailer.conf*"),
        shell("newaliases && postalias -q postmaster hash:/etc/mail/aliases"),
    )
    answers = run(standin, [*four("mailer_conf", {}), shell("cat /etc/mailer.conf"), modes, reached])
    first = assert_four(answers[:4])
    assert first["helpers"] == ["postfix-enable"]
    assert first["mapping"] == {name: ["/usr/local/sbin/sendmail"] for name in NAMES}
    enabled = answers[4]["stdout"]
    assert answers[5]["stdout"] == "644:0:0\n" * 3
    assert answers[6]["stdout"] == "root\n"

    each = [module("mailer_conf", {}), shell(ALL), module("mailer_conf", {}), shell("cat /etc/mailer.conf"),
            shell("cat /etc/mailer.conf.pre-postfix; test ! -e /etc/mailer.conf.postfix")]  # fmt: skip
    answers = run(standin, [request for hazard in HAZARDS for request in (shell(hazard), shell(ALL), *each)])
    for index, hazard in enumerate(HAZARDS):
        _done, before, result, after, again, conf, saved = answers[7 * index : 7 * index + 7]
        assert result["changed"] == (before["stdout"] != after["stdout"]), (hazard, result)
        assert not again["changed"], hazard
        assert conf["stdout"] == enabled, hazard
        assert (saved["rc"], saved["stdout"]) == (0, original), hazard

    answers = run(
        standin, [*four("mailer_conf", {"state": "base"}), shell("cat /etc/mailer.conf; ls /etc/mailer.conf*")]
    )
    assert assert_four(answers[:4])["helpers"] == ["postfix-disable"]
    assert answers[4]["stdout"] == f"{original}/etc/mailer.conf\n/etc/mailer.conf.postfix\n"


def test_a_helper_that_does_nothing_is_noticed_and_the_next_run_repairs(standin: Standin) -> None:
    helper = "/usr/local/sbin/postfix-enable"
    original = standin.read("/etc/mailer.conf")
    answers = run(
        standin,
        [
            shell(f"mv {helper} /tmp/; printf '#!/bin/sh\\necho out of order\\n' >{helper}; chmod 755 {helper}"),
            module("mailer_conf", {}),
            shell("cat /etc/mailer.conf"),
            shell(f"mv /tmp/postfix-enable {helper}"),
            module("mailer_conf", {}),
            shell("cat /etc/mailer.conf.pre-postfix"),
            module("mailer_conf", {"state": "base"}),
            shell("cat /etc/mailer.conf"),
        ],
    )
    assert answers[1]["failed"]
    assert "does not have the wanted content after postfix-enable, which said: out of order" in answers[1]["msg"]
    assert answers[2]["stdout"] == original
    assert not answers[4].get("failed"), answers[4]
    assert answers[5]["stdout"] == answers[7]["stdout"] == original


def test_a_line_of_one_word_is_named(standin: Standin) -> None:
    text = "sendmail\t/usr/sbin/smtpctl\nmailq\n"
    standin.write("/etc/mailer.conf", text)
    result = standin.module("mailer_conf", {})
    assert result["failed"]
    assert result["msg"].startswith("/etc/mailer.conf, line 2: 'mailq' has no program after it")
    assert standin.read("/etc/mailer.conf") == text
