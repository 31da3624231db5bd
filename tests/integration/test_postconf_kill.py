# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module postconf killed at every step: the files are old or new, whole, and the next run finishes the work."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness.containers import Host

pytestmark = [pytest.mark.containers, pytest.mark.one_release]

#: Runs in the host. A child process runs the module and kills itself before the n-th operation on the directory
#: (audit events of open, rename, unlink, chmod, chown, lock), for n = 1, 2, ... until it gets through. After each:
#: what the live files are, what the next run says (the same request, or none), and what the run after that says.
DRIVER = r"""
import io, json, os, shutil, signal, sys

request, files, follow = json.load(sys.stdin)
directory = request["config_directory"]
import ansible.module_utils.basic
from ansible.module_utils.testing import patch_module_args
from ansible_collections.puffy.mail.plugins.modules import postconf
from ansible_collections.puffy.mail.plugins.module_utils import _files

EVENTS = {"open", "os.rename", "os.remove", "os.chmod", "os.chown", "fcntl.flock", "os.link", "os.truncate"}
state = {"left": -1}

def hook(event, arguments):
    if state["left"] < 0 or event not in EVENTS:
        return
    path = arguments[0]
    # What is opened by a descriptor of its directory has a relative name.
    if isinstance(path, str) and os.path.isabs(path) and not path.startswith(directory):
        return
    if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)):
        return  # reading changes nothing
    if state["left"] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    state["left"] -= 1

def run(wish, kill_at=-1):
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(into, 1)
        sys.addaudithook(hook)
        state["left"] = kill_at
        with patch_module_args({**wish, "_ansible_diff": True}):
            try:
                postconf.main()
            except SystemExit:
                sys.stdout.flush()
        os._exit(0)
    os.close(into)
    with os.fdopen(out) as stream:
        answer = stream.read()
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else json.loads(answer)

def now():
    return {name: open(os.path.join(directory, name)).read() for name in files}

report = []
for kill_at in range(200):
    shutil.rmtree(directory, ignore_errors=True)
    os.mkdir(directory)
    for name, text in files.items():
        with open(os.path.join(directory, name), "w") as stream:
            stream.write(text)
    first = run(request, kill_at)
    entry = {"killed": first == 9, "after": now()}
    if first == 9:
        predicted = run({**follow, "_ansible_check_mode": True})
        entry["untouched"] = now() == entry["after"]
        entry["next"] = run(follow)
        entry["predicted"] = all(predicted[key] == entry["next"][key] for key in ("changed", "diff", "activation"))
        entry["final"] = now()
        entry["again"] = run(follow)["changed"]
        entry["left"] = sorted(os.listdir(directory))
    report.append(entry)
    if first != 9:
        break
json.dump(report, sys.stdout)
"""

MAIN = "# main\ncompatibility_level = 2\nmyhostname = mail.example.test\n"
MASTER = "smtp      inet  n       -       y       -       -       smtpd\n"
REQUEST: dict[str, Any] = {
    "config_directory": "/t/live",
    "parameters": {"biff": False, "inet_protocols": "ipv4"},
    "services": {"10025/inet": {"command": "smtpd", "chroot": False}},
}
NEW_MAIN = f"{MAIN}biff = no\ninet_protocols = ipv4\n"
NEW_MASTER = f"{MASTER}10025     inet  n       -       n       -       -       smtpd\n"


def drive(host: Host, follow: dict[str, Any]) -> list[dict[str, Any]]:
    host.run("mkdir -p /t")
    done = host.run(
        ["env", "PYTHONPATH=/opt/puffy", "PYTHONDONTWRITEBYTECODE=1", "python3", "-c", DRIVER],
        data=json.dumps([REQUEST, {"main.cf": MAIN, "master.cf": MASTER}, follow]),
    )
    report = json.loads(done.stdout)
    assert isinstance(report, list)
    return report


@pytest.mark.parametrize("same", [True, False], ids=["the same request again", "no request at all"])
def test_killed_at_every_step(host: Host, same: bool) -> None:
    follow = REQUEST if same else {"config_directory": "/t/live"}
    report = drive(host, follow)
    assert not report[-1]["killed"]
    assert report[-1]["after"] == {"main.cf": NEW_MAIN, "master.cf": NEW_MASTER}
    finished, seen = 0, set()
    for step, entry in enumerate(report[:-1]):
        assert entry["killed"], step
        # each file is the old one or the new one, whole
        assert entry["after"]["main.cf"] in (MAIN, NEW_MAIN), step
        assert entry["after"]["master.cf"] in (MASTER, NEW_MASTER), step
        # main.cf, which is live at once, never is ahead of master.cf
        assert (entry["after"]["main.cf"], entry["after"]["master.cf"]) != (NEW_MAIN, MASTER), step
        seen.add((entry["after"]["main.cf"] == NEW_MAIN, entry["after"]["master.cf"] == NEW_MASTER))
        assert entry["untouched"], f"check mode changed something at step {step}"
        assert entry["predicted"], step
        following = entry["next"]
        assert not following.get("failed"), (step, following)
        # both or neither, and nothing left over
        final = (entry["final"]["main.cf"], entry["final"]["master.cf"])
        assert final in ((NEW_MAIN, NEW_MASTER), (MAIN, MASTER)), step
        assert not same or final == (NEW_MAIN, NEW_MASTER), step
        assert entry["left"] == [".puffy-mail.lock", "main.cf", "master.cf"], step
        assert entry["again"] is False, step
        if following["recovered"]:
            finished += 1
            assert following["changed"], step
            assert following["activation"] == "restart", step
            assert final == (NEW_MAIN, NEW_MASTER), step
    # the test met all three states: nothing renamed, one file renamed, both renamed but the journal still there
    assert seen == {(False, False), (False, True), (True, True)}
    assert finished >= 3


def test_files_edited_since_are_not_overwritten(host: Host) -> None:
    host.run("rm -rf /t/live; mkdir -p /t/live")
    host.write("/t/live/main.cf", MAIN)
    host.write("/t/live/master.cf", MASTER)
    host.write("/t/live/.main.cf.x.new", NEW_MAIN)
    journal = {
        "activation": "reload",
        "files": [
            {"path": "/t/live/main.cf", "staged": "/t/live/.main.cf.x.new", "before": "0" * 64, "after": "1" * 64}
        ],
    }
    host.write("/t/live/.puffy-mail.journal", json.dumps(journal))
    result = host.module("postconf", {"config_directory": "/t/live"})
    assert (result["changed"], result["recovered"], result["diff"]) == (True, False, []), result
    assert host.read("/t/live/main.cf") == MAIN
    assert host.run("ls -A /t/live").stdout.split() == [".puffy-mail.lock", "main.cf", "master.cf"]
    assert host.module("postconf", {"config_directory": "/t/live"})["changed"] is False
