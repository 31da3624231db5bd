# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role openbsd_base on the OpenBSD stand-in: bare, there, drift, another flavor, and back.

The Molecule scenario ``openbsd`` has the whole site there and back; here is what it leaves out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.standin import BRANCHES, Standin

pytestmark = pytest.mark.containers

#: what a host says that has to say the same after the way back
BASELINE = (
    "cat /etc/mailer.conf; rcctl ls on; rcctl ls started; cat /etc/rc.conf.local; crontab -l; cat /var/cron/tabs/root"
)
VARIABLES: dict[str, Any] = {
    "openbsd_base_myname": "mail.example.org",
    "openbsd_base_services": ["postfix"],
    "openbsd_base_open_files": 1024,
    "openbsd_base_aliases": {"root": ["alice", "bob@example.org"], "hostmaster": "root"},
    "openbsd_base_documentation": "/var/www/htdocs/manual/postfix",
}


@pytest.fixture(scope="module", params=BRANCHES)
def standin(request: pytest.FixtureRequest) -> Iterator[Standin]:
    """Shared by the long tests of this file, which run in the order they stand here."""
    with Standin(str(request.param)) as running:
        yield running


def role(standin: Standin, *options: str, entry: str = "main", fails: bool = False, **variables: Any) -> list[str]:
    """Run the role; return the names of the tasks that changed something, or the output of a failure."""
    task = {
        "ansible.builtin.include_role": {"name": "puffy.mail.openbsd_base", "tasks_from": entry},
        "vars": {"openbsd_base_branch": standin.branch, **VARIABLES, **variables},
    }
    done = standin.playbook([{"hosts": "all", "gather_facts": False, "tasks": [task]}], *options, check=not fails)
    assert bool(done.rc) == fails, done.output
    if fails:
        return [re.sub(r"\s+", " ", done.output)]
    return [
        re.sub(r"^.* : ", "", block.split("]", 1)[0])
        for block in done.stdout.split("\nTASK [")[1:]
        if re.search(r"^changed: ", block, re.MULTILINE)
    ]


def test_bad_input() -> None:
    """Nothing of the host is needed: the inputs are judged on the control side."""
    cases: list[tuple[dict[str, Any], list[str]]] = [
        (
            {"openbsd_base_lookups": ["ldap", "mysql"]},
            ["openbsd_base_lookups has 'ldap' and 'mysql', and no package of Postfix has both. Use at most one of"],
        ),
        (
            {"openbsd_base_lookups": ["ldpa"]},
            ["openbsd_base_lookups has the entry 'ldpa'. Use 'sqlite', 'ldap', 'mysql' or 'pgsql'."],
        ),
        ({"openbsd_base_branch": "stable36"}, ["openbsd_base_branch is 'stable36'. Use 'stable' or 'stable35'."]),
        (
            {"openbsd_base_chroot_schedule": "99 * * * *", "openbsd_base_services": ["dovecot"]},
            [
                "openbsd_base_services is ['dovecot']. Use names of rc.d(8) scripts with postfix among them,",
                "openbsd_base_chroot_schedule: schedule is '99 * * * *'. Its minute is '99': '99' is out of range. Use",
            ],
        ),
    ]
    task = {"puffy.mail.inputs": {"roles": ["openbsd_base"]}}
    hosts = {f"case{number}": variables for number, (variables, _messages) in enumerate(cases)}
    done = Standin.local([{"hosts": "all", "gather_facts": False, "tasks": [task]}], hosts)
    for name, (_variables, messages) in zip(hosts, cases):
        (said,) = re.findall(rf"^fatal: \[{name}\]: FAILED! => (.*)$", done.stdout, re.MULTILINE)
        assert all(message in said for message in messages)
        assert said.endswith('Nothing was changed."}')


def test_the_way_back_does_not_apply_to_a_host_without_a_mail_system_of_its_own() -> None:
    play = {"import_playbook": "puffy.mail.restore", "vars": {"mail_hosts_pattern": "all"}}
    done = Standin.local([play], {"here": {}})
    assert done.rc == 2
    said = re.sub(r"\s+", " ", done.stdout)
    assert (
        "here is a Debian host. Only OpenBSD comes with a mail system of its own to go back to. Remove the packages of"
        " Postfix and Dovecot instead. Nothing was changed." in said
    )
    assert "changed=0" in said


@pytest.mark.long
def test_a_bare_host_is_judged_before_it_is_touched(standin: Standin) -> None:
    before = standin.run(BASELINE, check=False).stdout
    standin.run("groupadd -g 2000 rival")
    (said,) = role(standin, fails=True)
    assert (
        "The number 2000 for vmail belongs to the group rival already. Set openbsd_base_vmail_number to another number."
        " Nothing was changed." in said
    )
    standin.run("groupdel rival; groupadd -g 2001 vmail")
    (said,) = role(standin, fails=True)
    assert (
        "There is a group vmail with the number 2001, and no user of that name. Set openbsd_base_vmail_number to that"
        " number, or remove the group. Nothing was changed." in said
    )
    standin.run("groupdel vmail")
    assert "Install Postfix" in role(standin, "--check")
    assert standin.run(BASELINE, check=False).stdout == before
    assert standin.run("ls /var/db/pkg /var/db/puffy-mail; getent passwd vmail", check=False).stdout == "/var/db/pkg:\n"


@pytest.mark.long
def test_there(standin: Standin) -> None:
    standin.run("(" + BASELINE + ") >/tmp/before 2>&1; true")
    role(standin)
    assert standin.run("pkg_info -mz").stdout == f"postfix--%{standin.branch}\n"
    assert standin.read("/etc/rc.conf.local") == "pkg_scripts=postfix\nsmtpd_flags=NO\n"
    assert standin.read("/etc/myname") == "mail.example.org\n"
    assert ":openfiles-max=1024:\\\n" in standin.read("/etc/login.conf.d/postfix")
    assert standin.run("getent passwd vmail; getent group vmail; stat -c %u:%g /var/vmail").stdout == (
        "vmail:*:2000:2000:Virtual mailboxes:/var/vmail:/sbin/nologin\nvmail:*:2000:\n2000:2000\n"
    )
    assert standin.run("cmp /usr/local/share/doc/postfix/html/index.html /var/www/htdocs/manual/postfix/index.html")
    assert standin.run("postalias -q root hash:/etc/mail/aliases").stdout == "alice, bob@example.org\n"
    assert standin.run("postalias -q hostmaster hash:/etc/mail/aliases").stdout == "root\n"
    assert "\n~/10\t*\t*\t*\t*\t-n -s /usr/local/sbin/puffy-mail-chroot-sync " in standin.run("crontab -l").stdout
    assert ":25 " not in standin.run("ss -ltn").stdout


#: what somebody did, and the one task that reports and repairs it; two rounds, because some concern the same object
DRIFT: list[list[tuple[str, str]]] = [
    [
        ("sed -i 's,^mailq.*,mailq /bin/false,' /etc/mailer.conf", "Switch sendmail, mailq and newaliases to Postfix"),
        (
            "printf 'pkg_scripts=postfix messagebus\\nslowcgi_flags=-v\\nsmtpd_flags=NO\\n# a note\\n'"
            " >/etc/rc.conf.local",
            "Start Postfix at boot instead of smtpd",
        ),
        ("EDITOR='sed -i s,^~/10,30,' crontab -e", "Keep the chroot's copies up to date between runs"),
        ("echo '# changed by the network' >>/etc/resolv.conf", "Bring the chroot's copies up to date"),
        ("rm /etc/mail/aliases.db", "Keep the index of the aliases current"),
        ("rcctl -f start smtpd", "Stop the other mail systems"),
        ("echo gone >/etc/login.conf.d/postfix", "Set the account of the mail store and the host's files"),
        (
            "echo '#' >>/usr/local/sbin/puffy-mail-chroot-sync",
            "Set the account of the mail store and the host's files",
        ),
    ],
    [
        (
            "cp /etc/mailer.conf /etc/mailer.conf.postfix && postfix-enable",
            "Switch sendmail, mailq and newaliases to Postfix",
        ),
        ("rcctl enable smtpd", "Start Postfix at boot instead of smtpd"),
        ("crontab -l | grep -v chroot-sync | crontab -", "Keep the chroot's copies up to date between runs"),
        ("rm /var/spool/postfix/etc/hosts", "Bring the chroot's copies up to date"),
        (
            "printf '# caf\\351\\nnew: root\\nROOT: twice\\n' >>/etc/mail/aliases;"
            " sed -i 's/^root: .*/root: mallory,\\n  eve/' /etc/mail/aliases",
            "Set the aliases of the host",
        ),
        (":", "index of the aliases"),
    ],
    [
        ("rm /etc/mailer.conf.pre-postfix", "Switch sendmail, mailq and newaliases to Postfix"),
        ("chmod 600 /var/spool/postfix/etc/hosts", "Bring the chroot's copies up to date"),
        ("rcctl disable postfix", "Start Postfix at boot instead of smtpd"),
        (
            "(crontab -l; printf '*/30\\t*\\t*\\t*\\t*\\t/usr/sbin/sendmail -L sm-msp-queue -Ac -q\\n') | crontab -",
            "Disable the queue runner of sendmail",
        ),
    ],
]


@pytest.mark.long
def test_each_drift_is_foretold_and_repaired_and_reported_once(standin: Standin) -> None:
    original = standin.run("cat /etc/mailer.conf.base").stdout
    for drift in DRIFT:
        for command, _task in drift:
            standin.run(command)
        for options in (("--check",), ()):
            changed = role(standin, *options)
            assert len(changed) == len({task for _command, task in drift}), (changed, drift)
            for _command, task in drift:
                assert any(task in name for name in changed), (task, changed)
    assert role(standin) == []
    # what other people set stays
    assert standin.read("/etc/rc.conf.local") == (
        "# a note\npkg_scripts=messagebus postfix\nslowcgi_flags=-v\nsmtpd_flags=NO\n"
    )
    assert "by the network" in standin.read("/var/spool/postfix/etc/resolv.conf")
    assert standin.run("postalias -q new hash:/etc/mail/aliases").stdout == "root\n"
    assert standin.run("postalias -q root hash:/etc/mail/aliases").stdout == "alice, bob@example.org\n"
    # whatever its encoding, the rest of the file is as it was
    assert standin.run("LC_ALL=C grep -c '^# caf.$' /etc/mail/aliases").stdout == "1\n"
    assert standin.run("grep -cE 'mallory|eve' /etc/mail/aliases", check=False).stdout == "0\n"
    assert standin.read("/etc/mailer.conf.pre-postfix") == original
    assert "smtpctl" in original
    assert "\n#*/30\t" in standin.run("crontab -l").stdout


@pytest.mark.long
def test_the_job_keeps_the_chroot_between_runs_and_can_be_left_out(standin: Standin) -> None:
    copies, job = "Bring the chroot's copies up to date", "Keep the chroot's copies up to date between runs"
    chroot = "/var/spool/postfix"
    files = {"openbsd_base_chroot_files": ["/etc/resolv.conf", "/etc/services", "/etc/ssl/cert.pem"]}
    assert role(standin, **files) == [copies, job]
    standin.run(f"cmp /etc/ssl/cert.pem {chroot}/etc/ssl/cert.pem")
    # what cron would run, with its PATH and root's umask at its strictest
    (command,) = re.findall(r"-n -s (/usr/local/sbin/puffy-mail-chroot-sync .*)", standin.run("crontab -l").stdout)
    standin.run(f"echo '# later' >>/etc/resolv.conf; rm -r {chroot}/etc/ssl; chown 1 {chroot}/etc/services")
    said = standin.run(["sh", "-c", f"umask 077; env -i PATH=/bin:/sbin:/usr/bin:/usr/sbin {command}"]).stdout
    assert said == "".join(f"{chroot}/etc/{name}\n" for name in ("resolv.conf", "services", "ssl/cert.pem"))
    for name in ("resolv.conf", "services", "ssl/cert.pem"):
        standin.run(f"cmp /etc/{name} {chroot}/etc/{name}")
        assert standin.run(f"stat -c '%a %u:%g' {chroot}/etc/{name}").stdout == "644 0:0\n"
    assert standin.run(f"stat -c %a {chroot}/etc/ssl; ls {chroot}/etc").stdout == (
        "755\nhosts\nlocaltime\nresolv.conf\nservices\nssl\n"
    )
    assert role(standin, **files, openbsd_base_chroot_schedule="") == [job]
    assert "chroot-sync" not in standin.run("crontab -l").stdout
    assert role(standin) == [job]


@pytest.mark.long
def test_the_number_of_the_mail_store_taken_by_someone_else_is_an_error(standin: Standin) -> None:
    standin.run("useradd -o -u 2000 -g 0 rival")
    (said,) = role(standin, fails=True)
    assert "The number 2000 for vmail belongs to the user rival already. Give one of them another number." in said
    standin.run("userdel rival")


@pytest.mark.long
def test_a_change_of_flavor_on_a_running_host_keeps_queue_and_configuration(standin: Standin) -> None:
    replace = "Replace the package of Postfix by another flavor"
    standin.run("postconf -e 'mydomain = kept.example' && rcctl start postfix")
    standin.run("printf 'Subject: q\\n\\nkept\\n' | sendmail 'far@[192.0.2.1]'")
    standin.wait("postqueue -j | grep -q queue_id")
    before = standin.run(
        "cat /etc/postfix/main.cf /etc/postfix/master.cf; postqueue -j | grep -o '.queue_id.: .[^,]*'"
    ).stdout
    assert '"queue_id"' in before
    flavor = {"openbsd_base_lookups": ["ldap"], "openbsd_base_sasl": "cyrus"}
    assert role(standin, "--check", **flavor) == [replace]
    assert role(standin, **flavor) == [replace]
    assert standin.run("pkg_info -mz").stdout == f"postfix--ldap-sasl2%{standin.branch}\n"
    now = standin.run(
        "cat /etc/postfix/main.cf /etc/postfix/master.cf; postqueue -j | grep -o '.queue_id.: .[^,]*'"
    ).stdout
    assert now == before
    # it has gone on taking mail, and starts from the new package
    standin.run("printf 'Subject: r\\n\\nlater\\n' | sendmail vmail && rcctl restart postfix")
    standin.wait("grep -qs later /var/mail/*")
    assert "ldap" in standin.run("postconf -m").stdout.split()
    assert "far@[192.0.2.1]" in standin.run("postqueue -p").stdout
    assert role(standin) == [replace]


LIMIT = "awk '/^Max open files/ { print $4, $5 }' /proc/$(pgrep -of ^/usr/local/libexec/postfix/master)/limits"


@pytest.mark.long
def test_a_running_postfix_takes_on_its_login_class(standin: Standin) -> None:
    write = "Set the account of the mail store and the host's files"
    restart, report = "Restart Postfix where its login class changed", "Report that Postfix would be restarted"
    activate = {"puffy.mail.postfix_service": {"state": "started"}}
    standin.playbook([{"hosts": "all", "gather_facts": False, "tasks": [activate]}])
    assert standin.run(LIMIT).stdout == "1024 1024\n"
    assert role(standin, "--check", openbsd_base_open_files=4096) == [write, report]
    assert standin.run(LIMIT).stdout == "1024 1024\n"
    assert role(standin, openbsd_base_open_files=4096) == [write, restart]
    assert standin.run(LIMIT).stdout == "4096 4096\n"
    assert role(standin, openbsd_base_open_files=4096) == []
    # a run that ended between the two is made good, and a Postfix that could not start again goes on running
    standin.run("sed -i s/4096/2048/ /etc/login.conf.d/postfix; postconf -e 'inet_interfaces = nowhere.invalid'")
    (said,) = role(standin, fails=True, openbsd_base_open_files=2048)
    assert "nowhere.invalid" in said
    assert standin.run("rcctl check postfix").stdout == "postfix(ok)\n"
    standin.run("postconf -# inet_interfaces")
    for options in (("--check",), ()):
        assert role(standin, *options, openbsd_base_open_files=2048) == [restart]
    assert standin.run(LIMIT).stdout == "2048 2048\n"
    assert role(standin) == [write, restart]
    standin.run("rcctl stop postfix")


#: the script of a service that was there before the role
SENDMAIL = """#!/bin/sh
daemon=/usr/local/sbin/old-sendmail
. /etc/rc.d/rc.subr
rc_start() { setsid $daemon 1000000 & }
rc_cmd "$@"
"""


@pytest.mark.long
def test_the_way_back_without_and_with_changes_by_others(standin: Standin) -> None:
    standin.run("rcctl start postfix")
    standin.run(
        "crontab -l | grep -v sm-msp | crontab -; printf 'pkg_scripts=postfix\\nsmtpd_flags=NO\\n' >/etc/rc.conf.local"
    )
    foretold = role(standin, "--check", entry="restore")
    assert role(standin, entry="restore") == foretold
    # a fresh host: root's table is without crontab's header again
    standin.run("(" + BASELINE + ") >/tmp/after 2>&1; cmp /tmp/before /tmp/after")
    assert role(standin, entry="restore") == []
    assert standin.run("rcctl check smtpd", check=False).returncode == 0
    # there again, from a host with an old sendmail's settings; and others go on working on it
    standin.write("/etc/rc.conf.local", "z_flags=1\nsmtpd_flags=-v\npkg_scripts=messagebus sendmail\n")
    standin.run('cp "$(command -v sleep)" /usr/local/sbin/old-sendmail')
    standin.write("/etc/rc.d/sendmail", SENDMAIL)
    assert standin.run("chmod 755 /etc/rc.d/sendmail; rcctl start sendmail").stdout == "sendmail(ok)\n"
    standin.run("pkg_add -I dovecot--")
    version = "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n" if standin.branch == "stable" else ""
    standin.write("/etc/dovecot/dovecot.conf", f"{version}ssl = no\nprotocols = imap\n")
    standin.run("rcctl -f start dovecot")
    role(standin)
    assert standin.read("/etc/rc.conf.local") == "pkg_scripts=messagebus postfix\nsmtpd_flags=NO\nz_flags=1\n"
    assert {"sendmail", "smtpd"}.isdisjoint(standin.run("rcctl ls started").stdout.split())
    # a service that ran before, and is named to the role only now
    both = {"openbsd_base_services": ["dovecot", "postfix"]}
    role(standin, **both)
    assert standin.read("/etc/rc.conf.local") == "pkg_scripts=messagebus dovecot postfix\nsmtpd_flags=NO\nz_flags=1\n"
    standin.run("(crontab -l; echo '@daily /bin/mine') | crontab -; rcctl disable pf")
    role(standin, entry="restore", **both)
    assert {"dovecot", "sendmail", "smtpd"} <= set(standin.run("rcctl ls started").stdout.split())
    assert standin.read("/etc/rc.conf.local") == "pf=NO\npkg_scripts=messagebus sendmail\nsmtpd_flags=-v\nz_flags=1\n"
    assert standin.run("crontab -l").stdout.endswith("\n@daily /bin/mine\n")
    assert "chroot-sync" not in standin.run("crontab -l").stdout
