# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role openbsd_base on the OpenBSD stand-in: there, again, drift, another flavor, and back byte for byte."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from openbsd import Standin

pytestmark = pytest.mark.containers

OLD_JOB = "*/30\t*\t*\t*\t*\t/usr/sbin/sendmail -L sm-msp-queue -Ac -q"
#: what the host said before, and has to say again after the way back
BASELINE = (
    "cat /etc/mailer.conf; rcctl ls on; rcctl ls started; cat /etc/rc.conf.local; crontab -l | grep -v sm-msp;"
    " ls /etc/mailer*"
)


@pytest.fixture(scope="module", params=["stable", pytest.param("stable35", marks=pytest.mark.long)])
def standin(request: pytest.FixtureRequest) -> Iterator[Standin]:
    with Standin(str(request.param)) as running:
        yield running


def role(
    standin: Standin, *options: str, entry: str = "main", fails: bool = False, **variables: Any
) -> tuple[int, str]:
    """Run the role; return the number of changed tasks, and the output."""
    task = {
        "ansible.builtin.include_role": {"name": "puffy.mail.openbsd_base", "tasks_from": entry},
        "vars": {"openbsd_base_branch": standin.branch, **variables},
    }
    done = standin.playbook([{"hosts": "all", "tasks": [task]}], *options, check=not fails)
    assert bool(done.returncode) == fails, done.stdout + done.stderr
    match = re.search(r"changed=(\d+)", done.stdout)
    assert match, done.stdout
    return int(match.group(1)), done.stdout


def test_there_drift_and_back(standin: Standin) -> None:
    standin.run("crontab -l | crontab -")
    standin.run(f"(crontab -l; printf '{OLD_JOB}\\n') | crontab -")
    standin.write("/etc/rc.conf.local", "pkg_scripts=messagebus\nslowcgi_flags=\n")
    standin.run("groupadd -g 2000 rival")
    before = standin.run(BASELINE).stdout

    # someone else has the number, and a bare host stays bare
    _, out = role(standin, fails=True)
    assert "The number 2000 for vmail belongs to the group rival already" in re.sub(r"\s+", " ", out)
    standin.run("groupdel rival")
    predicted, _ = role(standin, "--check")
    assert predicted > 5
    assert standin.run(BASELINE).stdout == before
    assert standin.run("ls /var/db/pkg; getent passwd vmail", check=False).stdout == ""

    role(standin, openbsd_base_myname="mail.example.org", openbsd_base_open_files=1024)
    assert standin.run("pkg_info -mz").stdout == f"postfix--%{standin.branch}\n"
    assert standin.read("/etc/rc.conf.local") == "pkg_scripts=messagebus postfix\nslowcgi_flags=\nsmtpd_flags=NO\n"
    assert standin.read("/etc/myname") == "mail.example.org\n"
    assert ":openfiles-max=1024:\\\n" in standin.read("/etc/login.conf.d/postfix")
    assert standin.run("getent passwd vmail; getent group vmail; stat -c %u:%g /var/vmail").stdout == (
        "vmail:*:2000:2000:Virtual mailboxes:/var/vmail:/sbin/nologin\nvmail:*:2000:\n2000:2000\n"
    )
    table = standin.run("crontab -l").stdout
    assert f"\n#{OLD_JOB}\n" in table
    assert "\n~/10\t*\t*\t*\t*\t-n -s /usr/local/sbin/puffy-mail-chroot-sync " in table
    for name in ("hosts", "localtime", "resolv.conf", "services"):
        assert standin.run(f"cmp /etc/{name} /var/spool/postfix/etc/{name}").returncode == 0
    assert ":25 " not in standin.run("ss -ltn").stdout
    # rcctl has nothing to change in the file, and nothing it does counts as drift
    standin.run("rcctl start postfix && rcctl enable postfix && rcctl set slowcgi2 status off")
    standin.run("newaliases && printf 'Subject: c\\n\\nby Postfix\\n' | sendmail root")
    standin.run("for i in $(seq 80); do grep -q 'by Postfix' /var/mail/root && exit; sleep 0.1; done; exit 1")

    variables: dict[str, Any] = {"openbsd_base_myname": "mail.example.org", "openbsd_base_open_files": 1024}
    assert role(standin, **variables)[0] == 0

    # drift: each is repaired and reported once, and what is other people's stays
    standin.run("cp /etc/mailer.conf /etc/mailer.conf.postfix && postfix-enable")
    standin.write(
        "/etc/rc.conf.local",
        "pkg_scripts=postfix messagebus\nslowcgi_flags=\nsmtpd_flags=NO\n# a note\nother_flags=-x\n",
    )
    standin.run("echo '# changed by the network' >>/etc/resolv.conf")
    standin.run("crontab -l | grep -v chroot-sync | crontab -")
    assert role(standin, "--check", **variables)[0] == 4
    assert "by the network" not in standin.read("/var/spool/postfix/etc/resolv.conf")
    changed, out = role(standin, openbsd_base_lookups=["ldap"], openbsd_base_sasl="cyrus", **variables)
    assert changed == 5, out
    assert standin.run("pkg_info -mz").stdout == f"postfix--ldap-sasl2%{standin.branch}\n"
    assert standin.read("/etc/mailer.conf.pre-postfix") in before
    assert standin.read("/etc/rc.conf.local") == (
        "# a note\nother_flags=-x\npkg_scripts=messagebus postfix\nslowcgi_flags=\nsmtpd_flags=NO\n"
    )
    assert "by the network" in standin.read("/var/spool/postfix/etc/resolv.conf")

    # back
    standin.run("printf 'pkg_scripts=messagebus postfix\\nslowcgi_flags=\\nsmtpd_flags=NO\\n' >/etc/rc.conf.local")
    role(standin, entry="restore")
    assert standin.run("rm -f /etc/mailer.conf.postfix; " + BASELINE).stdout == before
    assert role(standin, entry="restore")[0] == 0
    assert standin.run("rcctl check smtpd", check=False).returncode == 0


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {"openbsd_base_lookups": ["ldap", "mysql"]},
            "openbsd_base_lookups names ldap and mysql, and no package has more than one of ldap, mysql and pgsql.",
        ),
        (
            {"openbsd_base_chroot_files": ["/a b"]},
            "openbsd_base_chroot_files takes absolute paths without blanks, not /a b.",
        ),
        ({"openbsd_base_myname": "mail"}, "openbsd_base_myname mail is not a host name with its domain."),
    ],
)
def test_bad_input(variables: dict[str, Any], message: str) -> None:
    """Nothing of the host is needed: the preflight runs on the control side as well."""
    task = {
        "ansible.builtin.include_role": {"name": "puffy.mail.openbsd_base", "tasks_from": "preflight"},
        "vars": variables,
    }
    done = Standin.local([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}])
    assert done.returncode != 0
    assert f"{message} Nothing was changed." in done.stdout
