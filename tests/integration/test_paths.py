# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every path that puffy.mail.site writes as root, and what the accounts of the host's daemons can make of it.

The paths are found by comparing the host before and after its first run, so a path that is new is walked too. Root
writes only where root alone may put things; the few other places stand in SHARED. What the accounts can plant there,
they plant.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.containers import Host
from ansible_collections.puffy.mail.tests.harness.playbooks import NAME, Run, mail_hosts, playbook

pytestmark = pytest.mark.containers

ATTACKERS = ("vmail", "www-data", "postfix", "dovecot", "eve")
STATE = "/var/lib/puffy-mail"
DATABASE = "/srv/postfixadmin/vmail.sqlite3"
HASH = "{BLF-CRYPT}$2b$04$n39JRHIP432OWo4UaJKhMOhuOtcpnNFyYKmj2dzeXaQLYW.To3.lW"
#: what the daemons write themselves, with their own rights, when they start
DAEMONS = (
    "/run/", "/var/run/", "/var/log/", "/var/lib/dovecot/", "/var/lib/postfix/", "/var/spool/postfix/active",
    "/var/spool/postfix/pid/", "/var/spool/postfix/private/", "/var/spool/postfix/public/", "/tmp/", "/var/tmp/",
    "/root/.ansible/",
)  # fmt: skip
#: where root sets owner and mode of what an account has, and the account
SHARED = {"/var/vmail": "vmail", "/var/spool/postfix/private": "postfix"}

#: prints each path outside of the system's own directories, with what tells a change, and who may write beside root
LOOK = r"""
import json, os, pwd, stat, sys
def writer(path):
    status = os.lstat(path)
    if status.st_uid != 0:
        return pwd.getpwuid(status.st_uid).pw_name
    return "others" if status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX else ""
found, writers = {}, {}
for top in ("/etc", "/var", "/usr/local", "/root", "/home", "/srv", "/opt", "/tmp", "/run"):
    for directory, names, files in os.walk(top):
        if directory.startswith("/opt/puffy"):
            names.clear()
            continue
        above = writers.get(os.path.dirname(directory), "")
        writers[directory] = above or writer(directory)
        for name in [*names, *files]:
            path = os.path.join(directory, name)
            try:
                status = os.lstat(path)
            except FileNotFoundError:
                continue
            found[path] = [status.st_ino, status.st_ctime_ns, writers[directory]]
        status = os.lstat(directory)
        found.setdefault(directory, [status.st_ino, status.st_ctime_ns, above])
json.dump(found, sys.stdout)
"""
#: files of root's that nobody may change, one of them secret
VICTIMS = ("/etc/shadow", "/etc/victim")


class Site:
    """A host, its inventory, and the state of what must not change."""

    def __init__(self, host: Host, directory: str) -> None:
        self.host = host
        self.inventory: dict[str, Any] = {
            **host.connection,
            "sqlite_maps_domains": ["example.test"],
            "sqlite_maps_mailboxes": [{"address": "alice@example.test", "password_hash": HASH}],
            "tls_pki_ca_directory": directory,
        }

    def __call__(self, *options: str, **variables: Any) -> Run:
        return playbook("puffy.mail.site", mail_hosts({NAME: {**self.inventory, **variables}}), *options)

    def look(self) -> dict[str, list[Any]]:
        found = json.loads(self.host.run(["python3", "-c", LOOK]).stdout)
        assert isinstance(found, dict)
        return found

    def victims(self) -> str:
        """Content, owner, group, mode and inode of the victims."""
        files = " ".join(VICTIMS)
        return self.host.run(f"sha256sum {files}; stat -c '%n %u %g %a %i' {files} /etc {STATE}").stdout

    def as_account(self, account: str, command: str) -> None:
        self.host.run(["setpriv", "--reuid", account, "--regid", account, "--clear-groups", "sh", "-ec", command])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Host("trixie-mail") as host:
        host.run("useradd -m eve; echo precious >/etc/victim; chmod 0600 /etc/victim")
        yield Site(host, str(tmp_path_factory.mktemp("pki")))


def first_run(site: Site, **variables: Any) -> dict[str, str]:
    """Each path that the first run wrote, and who may write its directory, or one above it, beside root."""
    before = site.look()
    run = site(**variables)
    assert run.rc == 0, run.output
    after = site.look()
    return {path: state[2] for path, state in after.items() if before.get(path) != state}


def writable(site: Site, account: str, written: dict[str, str]) -> set[str]:
    """The directories of what the run wrote in which an account may make files."""
    ours = sorted(path for path in written if not path.startswith(DAEMONS))
    directories = sorted({path.rpartition("/")[0] or "/" for path in ours})
    command = "; ".join(f"[ ! -w '{directory}' ] || echo '{directory}'" for directory in directories)
    user = 'exec setpriv --reuid "$0" --regid "$(id -g "$0")" --init-groups sh -c "$1"'
    argv = ["sh", "-c", user, account, command]
    return {path for path in site.host.run(argv).stdout.split() if not path.startswith(("/tmp", "/var/tmp"))}


@pytest.fixture(scope="module")
def written(site: Site) -> dict[str, str]:
    """What the first run of the host with the default roles wrote."""
    return first_run(site)


def test_root_writes_where_root_alone_may_put_things(site: Site, written: dict[str, str]) -> None:
    ours = [path for path in written if not path.startswith(DAEMONS)]
    # The list is whole: what the collection is known to write is in it.
    for known in (
        "/etc/postfix/main.cf", "/etc/postfix/master.cf", "/etc/postfix/sqlite", "/etc/dovecot/dovecot.conf",
        f"{STATE}/accounts.sqlite", f"{STATE}/postfix/etc-postfix/active.json", "/var/vmail", "/etc/passwd",
    ):  # fmt: skip
        assert known in ours, sorted(ours)
    assert {path: writer for path in ours if (writer := written[path])} == {}
    look = site.look()
    assert {path for path in SHARED if look[path][2]} == set(), "the shared directories lie in directories of root's"


@pytest.mark.parametrize("account", ATTACKERS)
def test_no_account_can_plant_anything_there(site: Site, written: dict[str, str], account: str) -> None:
    assert writable(site, account, written) <= {path for path, owner in SHARED.items() if owner == account}


#: hosts with the roles that the one above has not: the image, the variables, and where an account
#: may write what the run wrote
ROLES: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "authentication": (
        "trixie-milters",
        {
            "mail_authentication": ["dkim", "dmarc", "spf"],
            "mail_authentication_nameservers": ["127.0.0.1"],
            "tls_pki_clients": ["printer"],
            "postfix_relay_clients": ["printer"],
        },
        # Debian's package keeps a text there, and the daemons make their sockets; the role writes in none of them.
        ("/etc/dkimkeys", "/var/spool/postfix/opendkim", "/var/spool/postfix/opendmarc"),
    ),
    "cyrus": (
        "trixie-sasl",
        {"mail_accounts": "system", "mail_sasl": "cyrus", "sqlite_maps_domains": [], "sqlite_maps_mailboxes": []}, (),
    ),
}  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("name", ROLES)
def test_the_paths_of_other_roles(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    image, variables, shared = ROLES[name]
    with Host(image) as host:
        site = Site(host, str(tmp_path_factory.mktemp("pki")))
        written = first_run(site, **variables)
        writers = {path: writer for path, writer in written.items() if writer and not path.startswith(DAEMONS)}
        assert {path: writer for path, writer in writers.items() if not path.startswith(shared)} == {}
        accounts = [line.split(":")[0] for line in host.read("/etc/passwd").splitlines() if ":0:0:" not in line]
        known = {*SHARED, *shared}
        found = {account: may - known for account in accounts if (may := writable(site, account, written)) - known}
        assert found == {}


def test_what_the_accounts_plant_in_their_own_places_changes_nothing(site: Site, written: dict[str, str]) -> None:
    """Links, hard links and pipes with the names of what root makes, and of what it may make."""
    before = site.victims()
    for number, name in enumerate(("Maildir", "example.test", "dovecot.conf", ".puffy-mail.new", "auth.new")):
        for path, account in SHARED.items():
            command = (f"ln -s {VICTIMS[0]} {path}/{name}", f"mkfifo {path}/{name}")[number % 2]
            site.as_account(account, f"rm -rf {path}/{name}; {command}")
    for path in ("/tmp/puffy-mail", "/tmp/.puffy-mail.new", "/var/tmp/puffy-mail"):
        site.as_account("eve", f"ln -s {VICTIMS[1]} {path}")
    for options in (["--check"], []):
        run = site(*options)
        assert (run.rc, run.counts["changed"]) == (0, 0), run.output
    assert site.victims() == before
    for path, account in SHARED.items():
        site.as_account(account, f"find {path} -maxdepth 1 -type l -delete")
        site.as_account(account, f"find {path} -maxdepth 1 -type p -delete")


def test_a_shared_place_that_is_a_link_is_refused_by_name(site: Site, written: dict[str, str]) -> None:
    """Where an account may write above: here an administrator has given it the directory."""
    before = site.victims()
    site.host.run("mkdir -p /srv/mail && chown vmail: /srv/mail")
    site.as_account("vmail", "ln -s /etc /srv/mail/store")
    for options in (["--check"], []):
        run = site(*options, mail_vmail_home="/srv/mail/store", dovecot_vmail_home="/srv/mail/store")
        assert run.rc == 2
        assert "/srv/mail/store: is a symbolic link in a directory that other accounts may write" in run.output
    assert site.victims() == before
    site.host.run("usermod -d /var/vmail vmail")


def test_a_state_directory_of_another_account_is_refused_by_name(site: Site, written: dict[str, str]) -> None:
    """As www-data, to which an administrator gave the directory: the records are replaced by others."""
    site.host.run(f"cp -a {STATE} /root/state; chown www-data {STATE}")
    site.as_account(
        "www-data", f"cd {STATE}; mv dovecot dovecot.old; mkdir -p dovecot; ln -s /etc/victim dovecot/x.new"
    )
    site.as_account("www-data", f"cd {STATE}; mv postfix postfix.old; mkdir -p postfix/etc-postfix")
    site.as_account("www-data", f"cd {STATE}; ln -s /etc/victim postfix/etc-postfix/active.json")
    before = site.victims()
    for options in (["--check"], []):
        # Without the roles before it, which would give the directory back to root.
        run = site("--tags", "postfix,dovecot", *options)
        assert run.rc == 2
        assert f"{STATE}: belongs to www-data" in run.output, run.output
        assert site.victims() == before
    site.host.run(f"rm -rf {STATE}; mv /root/state {STATE}")
    # The database is another file now, which is a reload.
    assert site().rc == 0
    again = site()
    assert (again.rc, again.counts["changed"]) == (0, 0), again.output


# -- the database that PostfixAdmin writes -----------------------------------------------------------------------------


@pytest.fixture
def given(site: Site, written: dict[str, str]) -> Iterator[dict[str, Any]]:
    """The same host with a database of www-data's in the place that www-data may write."""
    site.host.run(
        f"rm -rf /srv/postfixadmin; install -d -o www-data -g postfix -m 2750 /srv/postfixadmin;"
        f" cp {STATE}/accounts.sqlite {DATABASE}; chown www-data:postfix {DATABASE}; chmod 0640 {DATABASE}"
    )
    yield {
        "sqlite_maps_mode": "given",
        "sqlite_maps_domains": [],
        "sqlite_maps_mailboxes": [],
        "mail_database": DATABASE,
        "sqlite_maps_database_owner": "www-data",
    }
    site.host.run("rm -rf /srv/postfixadmin")


PLANTED = {
    "link": ("rm {0}; ln -s /etc/shadow {0}", "is a symbolic link in a directory that other accounts may write"),
    "link to itself": ("rm {0}; ln -s {0} {0}", "is a symbolic link in a directory that other accounts may write"),
    "hard link": ("rm {0}; ln /etc/shadow {0}", "has 2 names (hard links)"),
    "pipe": ("rm {0}; mkfifo {0}", "is not a regular file"),
    "directory": ("rm {0}; mkdir {0}", "is not a regular file"),
    "device": ("rm {0}; mknod {0} c 1 3", "is not a regular file"),
}


@pytest.mark.parametrize("what", PLANTED)
def test_a_database_that_its_owner_replaced_is_refused_by_name(site: Site, given: dict[str, Any], what: str) -> None:
    before = site.victims()
    plant, why = PLANTED[what]
    # Linux keeps www-data from making hard links to files of root's, and from making devices. OpenBSD allows the first.
    site.host.run(plant.format(DATABASE))
    rights = {"path": DATABASE, "owner": "www-data", "group": "postfix", "mode": "0640"}
    for check in (True, False):
        for module, arguments in (
            ("host_files", {"existing": [rights]}),
            ("sqlite_accounts_info", {"path": DATABASE, "kept_by": "postfixadmin"}),
        ):
            result = site.host.module(module, arguments, check=check, timeout=60)
            assert result["failed"], result
            assert f"{DATABASE}: {why}" in result["msg"], (module, result["msg"])
    if what == "link":
        run = site("--tags", "accounts", **given)
        assert run.rc == 2
        assert f"{DATABASE}: {why}" in run.output, run.output
    assert site.victims() == before


@pytest.mark.parametrize("suffix", ["-journal", "-wal", "-shm"])
@pytest.mark.parametrize("plant", ["ln -s /etc/victim", "ln /etc/victim", "mkfifo"])
def test_what_lies_beside_the_database_leads_nowhere(
    site: Site, given: dict[str, Any], plant: str, suffix: str
) -> None:
    """SQLite reads and makes files beside the database: it does so with the rights of the owner."""
    before = site.victims()
    program = (
        "import sqlite3; d = sqlite3.connect('{0}'); d.execute('PRAGMA journal_mode = WAL');"
        " d.execute('CREATE TABLE x (y)'); d.commit(); import os; os._exit(0)"
    )
    site.as_account("www-data", f'python3 -c "{program.format(DATABASE)}"; rm -f {DATABASE}{suffix}')
    site.host.run(f"{plant} {DATABASE}{suffix}")
    site.host.module("sqlite_accounts_info", {"path": DATABASE, "kept_by": "postfixadmin"}, timeout=100)
    assert site.victims() == before


def test_a_given_database_works_and_the_state_directory_stays_roots(site: Site, given: dict[str, Any]) -> None:
    before = site.victims()
    wrong = site("--tags", "inputs", **{**given, "mail_database": f"{STATE}/accounts.sqlite"})
    assert wrong.rc == 2
    assert "where root keeps records, would become the directory of www-data" in wrong.output
    run = site(**given)
    assert run.rc == 0, run.output
    again = site(**given)
    assert (again.rc, again.counts["changed"]) == (0, 0), again.output
    assert site.host.run(f"stat -c '%U %G %a' {DATABASE} {STATE}").stdout == "www-data postfix 640\nroot postfix 750\n"
    assert site.victims() == before
    assert site.host.run("postmap -q example.test proxy:sqlite:/etc/postfix/sqlite/virtual_mailbox_domains.cf").stdout


# -- races -------------------------------------------------------------------------------------------------------------

#: swaps the database for links and back, as fast as it can
SWAP = r"""
import os, sys
path, n = sys.argv[1], 0
good = open(path, "rb").read()
while True:
    n += 1
    os.symlink("/etc/shadow" if n % 2 else "/etc/victim", path + ".link")
    os.rename(path + ".link", path)
    with open(path + ".good", "wb") as stream:
        stream.write(good)
    os.rename(path + ".good", path)
"""


@pytest.mark.long
def test_races_for_the_database(site: Site, given: dict[str, Any]) -> None:
    before = site.victims()
    argv = ["setpriv", "--reuid", "www-data", "--regid", "www-data", "--clear-groups", "python3", "-c", SWAP, DATABASE]
    site.host.run(["sh", "-c", '"$@" >/dev/null 2>&1 & echo $! >/root/swap', "sh", *argv])
    rights = {"path": DATABASE, "owner": "www-data", "group": "postfix", "mode": "0640"}
    said = set()
    for _turn in range(150):
        for module, arguments in (
            ("host_files", {"existing": [{**rights, "mode": ("0640", "0600")[_turn % 2]}]}),
            ("sqlite_accounts_info", {"path": DATABASE, "kept_by": "postfixadmin"}),
        ):
            said.add(site.host.module(module, arguments).get("msg", "")[len(DATABASE) :][:24])
    site.host.run("kill $(cat /root/swap)")
    assert site.victims() == before
    assert len(said) > 1, said
