# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of a host, with its commands replaced and real files."""

from __future__ import annotations

import os
import re
import socket
import time
from pathlib import Path

import pytest

from ansible_collections.puffy.mail.plugins.module_utils import _command
from ansible_collections.puffy.mail.plugins.module_utils import _rights as rights
from ansible_collections.puffy.mail.plugins.module_utils._postfix import host as postfix_host

USER = rights.User("someone", 4242, 4243, frozenset({4243, 4244}))


def answers(monkeypatch, listing, types="hash\nstatic\n"):
    """Replace the commands; returns those that ran, with the configuration that they were given to read."""
    ran = []

    def run(argv, **options):
        assert options == {}
        directory = Path(argv[2])
        for name in ("main.cf", "master.cf"):
            # One that has just been written would make postconf wait until it is a second old.
            assert time.time() - (directory / name).stat().st_mtime > 2
        ran.append(
            (argv[0], argv[1], argv[3], (directory / "main.cf").read_text(), (directory / "master.cf").read_text())
        )
        return _command.Result(tuple(argv), 0, {"-d": listing, "-m": types}[argv[3]], "")

    monkeypatch.setattr(_command, "run", run)
    monkeypatch.setattr(_command, "require", lambda name, **_dummy: f"/usr/sbin/{name}")
    return ran


LISTING = "biff = yes\nmail_version = 3.11.7\nmail_owner = _postfix\nrelayhost =\nconfig_directory = /tmp/x\n"


def test_two_commands_tell_all(monkeypatch):
    ran = answers(monkeypatch, LISTING)
    host = postfix_host.gather("/etc/postfix")
    assert ran == [("/usr/sbin/postconf", "-c", "-d", "", ""), ("/usr/sbin/postconf", "-c", "-m", "", "")]
    assert host.version == (3, 11, 7)
    assert host.defaults == {
        "biff": "yes",
        "mail_version": "3.11.7",
        "mail_owner": "_postfix",
        "relayhost": "",
        "config_directory": "/etc/postfix",
    }
    assert host.map_types == {"hash", "static"}
    assert (host.mail_owner, host.config_directory) == ("_postfix", "/etc/postfix")


@pytest.mark.parametrize(
    ("settings", "written"),
    [
        ({"biff": "no", "relayhost": "a"}, ""),
        ({"shlib_directory": "no"}, "shlib_directory = no\n"),
        (
            {"meta_directory": "$config_directory/$sub", "sub": "meta", "shlib_directory": "/lib"},
            "meta_directory = /etc/postfix/meta\nshlib_directory = /lib\n",
        ),
        ({"meta_directory": "${broken"}, "meta_directory = \n"),
        ({"meta_directory": "/a\n  /b"}, "meta_directory = /a /b\n"),
        ({"mail_owner": "root"}, "mail_owner = root\n"),
        ({"mail_owner": "nobody-here", "setgid_group": "$mail_owner"}, ""),
    ],
)
def test_map_types_are_looked_for_where_main_cf_says(monkeypatch, settings, written):
    ran = answers(monkeypatch, LISTING)
    postfix_host.gather("/etc/postfix", settings)
    assert {command[3] for command in ran} == {written}


def test_no_temporary_directory(monkeypatch):
    answers(monkeypatch, LISTING)

    def refuse(*_dummy, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "mkdir", refuse)
    message = "postconf needs a temporary directory, which cannot be made: .*: No space left on device; nothing was .*"
    with pytest.raises(_command.CommandError, match=f"^{message}$"):
        postfix_host.gather("/etc/postfix")


@pytest.mark.parametrize(
    ("listing", "message"),
    [
        ("", "postconf -d did not print mail_version; this does not look like Postfix"),
        ("mail_version = new\n", "Postfix version 'new' does not begin with a number such as 3.10"),
    ],
)
def test_what_does_not_look_like_postfix(monkeypatch, listing, message):
    answers(monkeypatch, listing)
    with pytest.raises(_command.CommandError, match=f"^{re.escape(message)}$"):
        postfix_host.gather("/etc/postfix")


def facts(mode, uid=0, gid=0):
    return rights.File("file", uid, gid, mode, 0, 0.0)


def test_files(tmp_path):
    probe = postfix_host.Probe()
    path = tmp_path / "table"
    path.write_text("key value\n")
    path.chmod(0o640)
    (tmp_path / "link").symlink_to(path)
    found = probe.file(str(tmp_path / "link"))
    assert (found.kind, found.mode, found.size, found.uid) == ("file", 0o640, 10, os.geteuid())
    assert probe.content(str(path)) == b"key value\n"
    assert probe.resolve(str(tmp_path / "link")) == str(path)
    assert probe.file(str(tmp_path)).kind == "directory"
    assert probe.content(str(tmp_path)) is None
    assert probe.entries(str(tmp_path)) == ("link", "table")
    assert probe.file(str(tmp_path / "nosuch")) is None
    assert probe.file("\0") is None
    assert probe.entries(str(path)) == ()
    os.mkfifo(tmp_path / "fifo")
    assert probe.file(str(tmp_path / "fifo")).kind == "fifo"


def test_a_socket(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        assert postfix_host.Probe().file(str(tmp_path / "s")).kind == "socket"


def test_what_denies_a_user_a_file(tmp_path):
    tmp_path.chmod(0o755)
    inner = tmp_path / "inner"
    inner.mkdir(mode=0o755)
    path = inner / "table"
    path.write_text("")

    def denied():
        found = postfix_host.Probe()
        # What lies above tmp_path is the business of the machine the test runs on.
        above = {str(parent) for parent in tmp_path.parents}
        real = found.file
        found.file = lambda name: facts(0o755) if name.rstrip("/") in above or name == "/" else real(name)
        return found.denied(str(path), USER)

    path.chmod(0o644)
    assert denied() is None
    path.chmod(0o600)
    assert denied() == str(path)
    path.chmod(0o644)
    inner.chmod(0o700)
    assert denied() == str(inner)


def test_accounts_addresses_and_ports():
    probe = postfix_host.Probe()
    assert probe.user("root").uid == 0
    assert probe.user("0").name == "root"
    assert probe.user("no-such-user") is None
    assert probe.user("99999999999999999999") is None
    assert probe.has_address("127.0.0.1") is True
    assert probe.has_address("192.0.2.1") is False
    assert probe.port("no-such-service") is None
    assert probe.now() > 1_700_000_000
