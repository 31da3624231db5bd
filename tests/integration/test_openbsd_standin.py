# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenBSD stand-in itself: each behaviour that the collection relies on, with the source it stands for."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator

import pytest

from ansible_collections.puffy.mail.tests.harness.batch import run, shell
from ansible_collections.puffy.mail.tests.harness.standin import EACH_BRANCH, Standin

pytestmark = pytest.mark.containers


@pytest.fixture(scope="module", params=EACH_BRANCH)
def standin(request: pytest.FixtureRequest) -> Iterator[Standin]:
    """A booted stand-in, shared by this file; its tests run in the order they stand here."""
    with Standin(str(request.param)) as running:
        yield running


def answer(standin: Standin, command: str, data: str | None = None) -> tuple[int, str, str]:
    done = standin.run(command, check=False, data=data)
    return done.returncode, done.stdout, done.stderr


def test_a_fresh_host_runs_smtpd_on_port_25(standin: Standin) -> None:
    assert answer(standin, "rcctl check smtpd") == (0, "smtpd(ok)\n", "")
    assert "127.0.0.1:25" in standin.run("ss -ltn").stdout
    assert standin.run("ls /etc/rc.conf.local", check=False).returncode != 0
    assert standin.run("printf 'Subject: a\\n\\nhello\\n' | sendmail root").returncode == 0
    standin.wait("grep -qs hello /var/mail/root")
    # mail(1) reads the spool, and hands what it sends to mailwrapper
    standin.run("echo second | mail -s two root")
    standin.wait("grep -qs second /var/mail/root")
    shown = standin.run("printf 'p *\\nx\\n' | mail -N -u root").stdout
    assert "2 messages" in shown
    assert "\nhello\n" in shown
    assert "\nSubject: two\n" in shown


def test_ansible_gathers_the_facts_of_openbsd(standin: Standin) -> None:
    done = standin.playbook(
        [
            {
                "hosts": "all",
                "tasks": [
                    {"ansible.builtin.copy": {"content": "{{ ansible_facts | to_json }}", "dest": "/tmp/facts"}},
                    {"ansible.builtin.service": {"name": "smtpd", "state": "stopped", "enabled": False}},
                ],
            }
        ]
    )
    assert "changed=2" in done.stdout
    facts = json.loads(standin.read("/tmp/facts"))
    names = (
        "system",
        "os_family",
        "distribution",
        "distribution_version",
        "distribution_release",
        "pkg_mgr",
        "machine",
    )
    # module_utils/facts: release is read from sysctl -n kern.version
    assert [facts[name] for name in names] == [
        "OpenBSD",
        "OpenBSD",
        "OpenBSD",
        "7.9",
        "release",
        "openbsd_pkg",
        "amd64",
    ]
    # modules/service.py OpenBsdService goes through rcctl
    assert standin.read("/etc/rc.conf.local") == "smtpd_flags=NO\n"
    assert answer(standin, "rcctl check smtpd") == (1, "smtpd(failed)\n", "")
    standin.run("rcctl enable smtpd")


LOCAL = "/etc/rc.conf.local"
USAGE = (
    "usage:\trcctl get|getdef|set service | daemon [variable [arguments]]\n"
    "\trcctl [-df] check|reload|restart|stop|start daemon ...\n\trcctl disable|enable|order [service | daemon ...]\n"
    "\trcctl ls lsarg\n"
)
#: two services of packages, which never run
SCRIPTS = "for name in one two; do printf '#!/bin/sh\nexit 1\n' >/etc/rc.d/$name; chmod 755 /etc/rc.d/$name; done"


#: what the file says before, the command, its exit status, output and errors, and the file after it (None for no file)
RCCTL: list[tuple[str, str, tuple[int, str, str], str | None]] = [
    # sort -u; comments and blank lines survive but are re-ordered
    ("z_flags=1\n# c\nz_flags=1\n", "disable smtpd", (0, "", ""), "# c\nsmtpd_flags=NO\nz_flags=1\n"),
    ("smtpd_flags=NO\n", "enable smtpd", (0, "", ""), None),
    ("", "enable slowcgi2", (2, "", "rcctl: service slowcgi2 does not exist\n"), ""),
    # a service that does not exist may be disabled
    ("", "disable nothing", (0, "", ""), None),
    ("x_flags=1\nnothing_flags=-a\nnothing_user=b\n", "set nothing status off", (0, "", ""), "x_flags=1\n"),
    ("", "get nothing status", (2, "", "rcctl: service nothing does not exist\n"), ""),
    ("", "get smtpd status", (0, "", ""), ""),
    ('SMTPD_flags = "NO" # c\n', "get smtpd status", (1, "", ""), 'SMTPD_flags = "NO" # c\n'),
    ("", "set smtpd flags -v", (0, "", ""), "smtpd_flags=-v\n"),
    ("smtpd_flags=NO\n", "set smtpd flags -v", (1, "", "rcctl: smtpd is not enabled\n"), "smtpd_flags=NO\n"),
    ("", "set smtpd flags NO", (1, "", 'rcctl: "flags NO" contradicts "set"\n'), ""),
    ("smtpd_flags=-v\n", "get smtpd flags", (0, "-v\n", ""), "smtpd_flags=-v\n"),
    ("smtpd_flags=-v\n", "disable smtpd", (0, "", ""), "smtpd_flags=NO\n"),
    ("", "set smtpd flags ' -v'", (0, "", ""), 'smtpd_flags=" -v"\n'),
    ("", "disable pf", (0, "", ""), "pf=NO\n"),
    ("pf=NO\n", "enable pf", (0, "", ""), None),
    ("pkg_scripts=a\n", "order smtpd", (1, "", "rcctl: smtpd is not a pkg script\n"), "pkg_scripts=a\n"),
    ("pkg_scripts=b a\n", "order", (0, "b\na\n", ""), "pkg_scripts=b a\n"),
    ("", "order", (0, "", ""), ""),
    # order: the named ones first; each has to be an enabled pkg script
    ("pkg_scripts=b one two\n", "order two one", (0, "", ""), "pkg_scripts=two one b\n"),
    ("pkg_scripts=b one\n", "order two", (1, "", "rcctl: two is not enabled\n"), "pkg_scripts=b one\n"),
    ("pkg_scripts=b one\n", "order b", (2, "", "rcctl: service b does not exist\n"), "pkg_scripts=b one\n"),
    # a pkg script: added once, its flags rewritten; taken out, its variables lost, the line gone with the last name
    ("pkg_scripts=one\n", "enable two", (0, "", ""), "pkg_scripts=one two\n"),
    ("pkg_scripts='one two' # x\ntwo_flags=\n", "enable two", (0, "", ""), "pkg_scripts='one two' # x\n"),
    ("pkg_scripts=one\n", "set one flags -a -b", (0, "", ""), "one_flags=-a -b\npkg_scripts=one\n"),
    ("pkg_scripts=one two\none_timeout=9\n", "disable one", (0, "", ""), "pkg_scripts=two\n"),
    ("pkg_scripts=one\n", "disable one", (0, "", ""), None),
    ("pkg_scripts=one\n", "set one timeout 60", (0, "", ""), "one_timeout=60\npkg_scripts=one\n"),
    # only a file without any line goes
    ("\nsmtpd_flags=NO\n", "enable smtpd", (0, "", ""), "\n"),
    ("pkg_scripts=one\none_flags=-z\n", "get one flags", (0, "-z\n", ""), "pkg_scripts=one\none_flags=-z\n"),
    ("", "get one flags", (1, "NO\n", ""), ""),
    ("pkg_scripts=one\n", "get one timeout", (0, "30\n", ""), "pkg_scripts=one\n"),
    ("", "set smtpd colour red", (1, "", USAGE), ""),
    # rc.d: silent where there is nothing to do; a service that is off is started by force only
    ("", "start smtpd", (0, "smtpd(ok)\n", ""), ""),
    ("", "start smtpd", (0, "", ""), ""),
    ("", "restart smtpd", (0, "smtpd(ok)\nsmtpd(ok)\n", ""), ""),
    ("", "reload smtpd", (1, "/etc/rc.d/smtpd: reload is not supported\n", ""), ""),
    ("", "stop smtpd", (0, "smtpd(ok)\n", ""), ""),
    ("", "stop smtpd", (0, "", ""), ""),
    ("", "ls failed", (1, "smtpd\n", ""), ""),
    ("smtpd_flags=NO\n", "start smtpd", (
        1, "/etc/rc.d/smtpd: need -f to force start since smtpd_flags=NO\n", ""), "smtpd_flags=NO\n"),
    ("smtpd_flags=NO\n", "-f start smtpd", (0, "smtpd(ok)\n", ""), "smtpd_flags=NO\n"),
    ("smtpd_flags=NO\n", "ls rogue", (0, "smtpd\n", ""), "smtpd_flags=NO\n"),
    ("", "ls failed", (0, "", ""), ""),
    ("", "start pf", (1, "", 'rcctl: "pf" is a special service, "start" is not available\n'), ""),
    ("", "start nothing", (2, "", "rcctl: service nothing does not exist\n"), ""),
]  # fmt: skip


def test_rcctl(standin: Standin) -> None:
    script = (
        "printf %s {before} >{local}; chmod 600 {local}; rcctl {command} >/tmp/out 2>/tmp/err; echo $?; cat /tmp/out;"
        " echo --; cat /tmp/err; echo --; stat -c '%a %u %g' {local} 2>/dev/null; echo --; cat {local} 2>/dev/null;"
        " rm -f {local}"
    )
    scripts = [script.format(before=shlex.quote(each[0]), command=each[1], local=LOCAL) for each in RCCTL]
    answers = run(standin, [shell(SCRIPTS), *map(shell, scripts), shell("rm /etc/rc.d/one /etc/rc.d/two")])
    for answer, (before, command, expected, after) in zip(answers[1:-1], RCCTL):
        said, err, status, text = answer["stdout"].split("--\n")
        code, out = said.split("\n", 1)
        assert (int(code), out, err) == expected, command
        assert text == (after or ""), command
        if after is None:
            assert status == "", command
        elif after != before:
            assert status == "644 0 0\n", command


def test_rcctl_needs_root(standin: Standin) -> None:
    done = standin.run("setpriv --reuid=65534 --clear-groups rcctl enable smtpd", check=False)
    assert (done.returncode, done.stderr) == (1, 'rcctl: "enable" needs root privileges\n')


TAB = "/var/cron/tabs/root"
HEADER = "# DO NOT EDIT THIS FILE - edit the master and reinstall.\n"


def test_crontab_hides_three_comments_and_adds_its_header(standin: Standin) -> None:
    raw = standin.read(TAB)
    listed = standin.run("crontab -l").stdout
    # a fresh host: the first three comments of /etc/crontab are taken for the header
    assert raw.startswith("#\t$OpenBSD")
    assert raw.split("\n", 3)[3] == listed
    standin.run("crontab -l | crontab -")
    assert standin.read(TAB).startswith(HEADER)
    assert standin.run("crontab -l").stdout == listed
    assert standin.read(TAB).split("\n")[2] == "# (Cron version V5.0)"
    standin.run("crontab -l | crontab -")
    assert standin.run("crontab -l").stdout == listed
    assert standin.run(f"stat -c '%a %U %G' {TAB}; stat -c '%a %U %G' /var/cron/tabs").stdout == (
        "600 root crontab\n1730 root crontab\n"
    )


REFUSED = [
    ("@daily x", "bad command"),
    ("A=b", "premature EOF"),
    ("60 * * * * x\n", "bad minute"),
    ("0 24 * * * x\n", "bad hour"),
    ("0 0 0 * * x\n", "bad day-of-month"),
    ("0 0 * 13 * x\n", "bad month"),
    ("0 0 * * sat-sun x\n", "bad day-of-week"),
    ("5- * * * * x\n", "bad minute"),
    ("*/61 * * * * x\n", "bad minute"),
    ("* */25 * * * x\n", "bad hour"),
    ("* * */32 * * x\n", "bad day-of-month"),
    ("* * * */13 * x\n", "bad month"),
    ("* * * * */9 x\n", "bad day-of-week"),
    ("@DAILY x\n", "bad time specifier"),
    ("0 * * * * -n -- x\n", "bad flags"),
    ("@never x\n", "bad time specifier"),
    ("@daily -x y\n", "bad flags"),
    ("~ * * * *\n", "bad command"),
]


def test_crontab_refuses(standin: Standin) -> None:
    before = standin.read(TAB)
    scripts = [f"printf %s {shlex.quote(text)} | crontab -; echo $?; cat {TAB}" for text, _message in REFUSED]
    for answer, (_text, message) in zip(run(standin, [shell(each) for each in scripts]), REFUSED):
        assert answer["stdout"] == f"1\n{before}"
        assert answer["stderr"] == f'"-":1: {message}\ncrontab: errors in crontab file, unable to install\n'


def test_crontab_e(standin: Standin) -> None:
    before = standin.run("crontab -l").stdout
    assert answer(standin, "EDITOR=true crontab -e") == (0, "", "crontab: no changes made to crontab\n")
    assert answer(standin, "EDITOR=false crontab -e")[0] == 1
    code, _out, said = answer(standin, "EDITOR='sed -i 1s/^/61/' crontab -e")
    assert (code, said.split("crontab: ", 1)[1]) == (1, "errors in crontab file, unable to install\n")
    assert standin.run("crontab -l").stdout == before
    # the editor does not see the header, and crontab puts a new one
    assert answer(standin, "EDITOR='sed -i 1i#mine' crontab -e") == (0, "", "crontab: installing new crontab\n")
    assert standin.run("crontab -l").stdout == f"#mine\n{before}"
    assert answer(standin, "VISUAL='sed -i 1d' EDITOR=false crontab -e")[0] == 0
    assert standin.run("crontab -l").stdout == before


def test_crontab_takes_openbsd_syntax_and_has_none_for_others(standin: Standin) -> None:
    text = (
        "~ ~/4 * jan sun -ns a\n@hourly b\n0~30 5~ ~7 * * -q c\n*-5 *~5 */31 jan-dec/3 Mon-Fri d\n"
        "*/60 */24 * */12 tue-thu,sat e\n0 0 * * mon~fri f\n0 0 * * 1-fri g\n0 0 * * mon~ h\n"
    )
    assert answer(standin, "crontab -u _smtpd -l") == (1, "", "crontab: no crontab for _smtpd\n")
    assert answer(standin, "crontab -u _smtpd -", text) == (0, "", "")
    assert standin.run("crontab -u _smtpd -l").stdout == text
    standin.run("crontab -u _smtpd -r")


def test_accounts(standin: Standin) -> None:
    assert answer(standin, "useradd -g =uid -m -d /var/t -s /sbin/nologin -L daemon -u 2345 t")[0] == 0
    assert standin.run("getent passwd t; getent group t; stat -c %u:%g /var/t").stdout == (
        "t:*:2345:2345::/var/t:/sbin/nologin\nt:*:2345:\n2345:2345\n"
    )
    assert "class\tdaemon\n" in standin.run("userinfo t").stdout
    standin.run("groupadd -g 2400 one; groupadd two; usermod -G one t; usermod -G two t")
    assert standin.run("id -Gn t").stdout.split() == ["t", "one", "two"]
    standin.run("usermod -S two t")
    assert standin.run("id -Gn t").stdout.split() == ["t", "two"]
    # useradd(8) of OpenBSD has no -K
    assert answer(standin, "useradd -K UMASK=022 u")[2].startswith("useradd: unknown option -- K\n")
    assert answer(standin, "useradd -u 2345 u") == (1, "", "useradd: uid 2345 is already in use\n")
    standin.run("userdel -r t; groupdel t; groupdel one; groupdel two")


def test_mailwrapper(standin: Standin) -> None:
    before = standin.read("/etc/mailer.conf")
    standin.write("/etc/mailer.conf", "mailq \\\n /bin/echo last # no\nmailq /bin/false\nnewaliases\n")
    assert answer(standin, "mailq first") == (0, "first last\n", "")
    assert answer(standin, "newaliases") == (1, "", "mailwrapper: parse error in /etc/mailer.conf at line 4\n")
    standin.write("/etc/mailer.conf", "mailq /nothing\n")
    assert answer(standin, "mailq") == (1, "", "mailwrapper: cannot exec /nothing\n")
    assert answer(standin, "makemap") == (1, "", "mailwrapper: no mapping in /etc/mailer.conf\n")
    standin.write("/etc/mailer.conf", before)


def test_packages(standin: Standin) -> None:
    branch = standin.branch
    code, out, err = answer(standin, "pkg_add -I postfix")
    # pkg_add(1): without a version the exit status stays 0
    assert code == 0
    assert not out
    assert err.startswith("Ambiguous: postfix could be postfix-3.")
    assert answer(standin, "pkg_add -I postfix--nothing%stable") == (0, "", "Can't find postfix--nothing%stable\n")
    other = "stable35" if branch == "stable" else "stable"
    # PackingList.pm: %stable is a whole word, not the start of stable35
    assert answer(standin, f"pkg_add -I postfix--%{other}") == (0, "", f"Can't find postfix--%{other}\n")
    assert answer(standin, "pkg_info -Iq inst:postfix--") == (1, "", "Can't find inst:postfix--\n")
    code, out, err = answer(standin, f"pkg_add -Imn postfix--%{branch}")
    assert (code, err) == (0, "")
    assert not standin.run("ls /var/db/pkg").stdout
    code, out, err = answer(standin, f"pkg_add -I postfix--%{branch}")
    assert (code, err) == (0, "")
    assert "-> Creating /etc/mailer.conf.postfix\n" in out
    assert ": ok\n" in out
    name = standin.run("pkg_info -Iq").stdout.strip()
    assert standin.run("pkg_info -mz").stdout == f"postfix--%{branch}\n"
    assert answer(standin, f"pkg_add -I postfix--%{branch}") == (0, "", "")
    assert answer(standin, f"pkg_add -I postfix--ldap%{branch}") == (
        1, "", f"Can't install {name}-ldap because of conflicts ({name})\n"
    )  # fmt: skip
    # the flavor's map types, and no lmdb or cdb
    types = standin.run("postconf -m").stdout.split()
    assert {"hash", "btree", "sqlite", "pcre"} <= set(types)
    assert not {"ldap", "lmdb", "cdb"} & set(types)
    # flavors are a set: their order in the name does not matter
    standin.run("echo kept >/etc/postfix/mine; rm /var/spool/postfix/etc/hosts")
    assert f"{name}->{name}-sasl2-ldap: ok" in standin.run(f"pkg_add -Ir postfix--ldap-sasl2%{branch}").stdout
    assert standin.run("pkg_info -mz").stdout == f"postfix--ldap-sasl2%{branch}\n"
    assert "ldap" in standin.run("postconf -m").stdout.split()
    # @exec-update runs only the configuration part of postfix-install
    assert standin.read("/etc/postfix/mine") == "kept\n"
    assert standin.run("test -e /var/spool/postfix/etc/hosts", check=False).returncode != 0


def test_the_postfix_of_the_port(standin: Standin) -> None:
    wanted = (
        "mail_owner setgid_group daemon_directory command_directory data_directory alias_maps default_database_type"
    )
    assert standin.run(f"postconf -hx {wanted}").stdout.splitlines() == [
        "_postfix", "_postdrop", "/usr/local/libexec/postfix", "/usr/local/sbin", "/var/postfix",
        "hash:/etc/mail/aliases", "hash",
    ]  # fmt: skip
    assert standin.run("stat -c '%a %U %G' /usr/local/sbin/postdrop /var/postfix").stdout == (
        "2755 root _postdrop\n700 _postfix wheel\n"
    )
    columns = {tuple(line.split()[i] for i in (0, 4, 7)) for line in standin.run("postconf -M").stdout.splitlines()}
    assert {name for name, chroot, command in columns if chroot == "n" and command != "pipe"} <= {
        "proxymap",
        "proxywrite",
        "local",
        "virtual",
        "postlog",
    }
    assert ("smtp", "y", "smtpd") in columns
    standin.run("install -m 644 /etc/hosts /var/spool/postfix/etc/hosts; rcctl stop smtpd; rcctl enable postfix")
    assert standin.read(LOCAL) == "pkg_scripts=postfix\n"
    assert answer(standin, "rcctl start postfix") == (0, "postfix(ok)\n", "")
    assert answer(standin, "rcctl start postfix") == (0, "", "")
    assert answer(standin, "rcctl check postfix") == (0, "postfix(ok)\n", "")
    assert answer(standin, "rcctl reload postfix") == (0, "postfix(ok)\n", "")
    assert answer(standin, "rcctl configtest postfix")[0] != 0
    assert "postfix\n" in standin.run("rcctl ls started").stdout
    # rc_exec: class daemon, where there is none of the service's own (login.conf 1.25); Postfix raises soft to hard
    limit = "awk '/^Max open files/ { print $4, $5 }' /proc/$(pgrep -of ^/usr/local/libexec/postfix/master)/limits"
    assert standin.run(limit).stdout == "1024 1024\n"
    standin.write(
        "/etc/login.conf.d/postfix", "postfix:\\\n\t:openfiles-cur=200:\\\n\t:openfiles-max=300:\\\n\t:tc=daemon:\n"
    )
    standin.run("rcctl restart postfix")
    assert standin.run(limit).stdout == "300 300\n"
    standin.run("rm /etc/login.conf.d/postfix; rcctl restart postfix")
    # sendsyslog(2): chrooted or not, everything reaches the log
    log = standin.read("/var/log/maillog")
    assert "postfix/master[" in log


BASE = "#\t$OpenBSD: mailer.conf,v 1.7"


def test_postfix_enable_and_disable_with_their_hazards(standin: Standin) -> None:
    original = standin.read("/etc/mailer.conf")
    assert original.startswith(BASE)
    assert answer(standin, "postfix-disable") == (
        1, "can't find /etc/mailer.conf.pre-postfix, postfix not disabled\n", ""
    )  # fmt: skip
    code, out, _dummy = answer(standin, "postfix-enable")
    assert code == 0
    assert out.startswith("old /etc/mailer.conf saved as /etc/mailer.conf.pre-postfix\n")
    assert standin.read("/etc/mailer.conf.pre-postfix") == original
    # a second run finds nothing to move, and exits 0
    assert answer(standin, "postfix-enable") == (0, "can't find /etc/mailer.conf.postfix, postfix not enabled\n", "")
    standin.run("newaliases && printf 'Subject: b\\n\\nthrough mailwrapper\\n' | sendmail root")
    standin.wait("grep -qs 'through mailwrapper' /var/mail/root")
    assert "Mail queue is empty" in standin.run("mailq").stdout
    # with a new helper file the second run loses the original
    standin.run("cp /etc/mailer.conf /etc/mailer.conf.postfix && postfix-enable")
    assert "smtpctl" not in standin.read("/etc/mailer.conf.pre-postfix")
    standin.write("/etc/mailer.conf.pre-postfix", original)
    assert answer(standin, "postfix-disable")[:2] == (0, "postfix mailer.conf disabled, old mailer.conf enabled\n")
    assert standin.read("/etc/mailer.conf") == original


@pytest.mark.long
def test_pkg_delete_keeps_queue_and_configuration_unless_told(standin: Standin) -> None:
    standin.run(f"test -x /etc/rc.d/postfix || pkg_add -I postfix--%{standin.branch}")
    standin.run("rcctl stop postfix; echo kept >/etc/postfix/mine")
    assert "postfix not disabled" in standin.run("pkg_delete -I postfix").stdout
    assert standin.run("ls /etc/mailer.conf*").stdout == "/etc/mailer.conf\n"
    assert standin.read("/etc/postfix/mine") == "kept\n"
    assert standin.run("test -e /usr/local/sbin/postfix || test -e /etc/rc.d/postfix", check=False).returncode != 0
    standin.install_postfix()
    assert standin.read("/etc/postfix/mine") == "kept\n"
    standin.run("pkg_delete -Ic postfix")
    assert standin.run("ls -d /etc/postfix /var/spool/postfix", check=False).stdout == ""


def test_other_packages(standin: Standin) -> None:
    assert standin.run("python3 -c 'import cryptography'", check=False).returncode != 0
    assert answer(standin, "pkg_add -I py3-cryptography dovecot--")[0::2] == (0, "")
    standin.run("python3 -c 'import cryptography'")
    # mail/dovecot: an EPOCH in the version, @sample for /etc/dovecot, _dovecot 518 and _dovenull 666
    assert standin.run("pkg_info -Iq inst:dovecot--").stdout.startswith("dovecot-2.")
    assert standin.run("pkg_info -Iq inst:dovecot--").stdout.endswith("v0\n")
    assert standin.run("id -u _dovecot; id -u _dovenull").stdout == "518\n666\n"
    assert standin.run("test -f /etc/dovecot/dovecot.conf && test -f /etc/login.conf.d/dovecot").returncode == 0
    version = "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n" if standin.branch == "stable" else ""
    standin.write("/etc/dovecot/dovecot.conf", f"{version}ssl = no\nprotocols = imap\n")
    assert answer(standin, "rcctl enable dovecot && rcctl start dovecot") == (0, "dovecot(ok)\n", "")
    assert standin.run("stat -c %G /var/dovecot/login").stdout == "_dovenull\n"
    assert answer(standin, "rcctl reload dovecot && rcctl check dovecot") == (0, "dovecot(ok)\ndovecot(ok)\n", "")
    assert answer(standin, "rcctl stop dovecot; rcctl disable dovecot") == (0, "dovecot(ok)\n", "")
    # LDAP is a subpackage of its own
    assert "libauthdb_ldap.so" not in standin.run("find /usr/lib/dovecot").stdout
    if standin.run("test -d /usr/libexec/standin/packages/dovecot-ldap", check=False).returncode == 0:
        assert answer(standin, "pkg_add -I dovecot-ldap")[0::2] == (0, "")
        assert standin.run("pkg_info -Iq inst:dovecot-ldap").stdout.startswith("dovecot-ldap-2.")
        assert "libauthdb_ldap.so" in standin.run("find /usr/lib/dovecot/modules").stdout
