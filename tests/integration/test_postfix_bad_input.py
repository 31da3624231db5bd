# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""postconf, postfix_info and postfix_service with bad options and on broken hosts: one clear sentence, nothing changed.

What needs no host stands in the unit tests of the modules and of _postconf_plan.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness import batch
from ansible_collections.puffy.mail.tests.harness.containers import RUNNER, Host

pytestmark = [pytest.mark.containers, pytest.mark.one_release]

MAIN = "# kept\ncompatibility_level = 2\nmyhostname = mx.example.test\n"
MASTER = "smtp      inet  n       -       n       -       -       smtpd\n"

#: lays the files out anew; what a case does next happens beside them
LAY = (
    "umask 022; rm -rf /t/live /t/state; mkdir -p /t/live; cd /t/live; cp /fixed/main.cf /fixed/master.cf .;"
    " touch -d 2020-01-01 main.cf master.cf; "
)
#: everything that is there, but for the lock, which says nothing
LOOK = (
    "find /t/live -printf '%p %y %m %U %G %s %T@ %i\\n' | grep -v -e '^/t/live ' -e puffy-mail.lock | sort;"
    " find /t/state 2>/dev/null | grep -v lock;"
    " for f in main.cf master.cf; do [ -f /t/live/$f ] && cat /t/live/$f | cksum; done; true"
)
MODULES = ("postconf", "postfix_info", "postfix_service")
LIVE = {"config_directory": "/t/live"}
MISSING = "there is no such file; config_directory must be the directory of an installed Postfix; nothing was changed"


@pytest.fixture(scope="module")
def host(release: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host where nothing runs, with a read-only directory and a small file system."""
    fixed: Path = tmp_path_factory.mktemp("fixed")
    (fixed / "main.cf").write_text(MAIN)
    (fixed / "master.cf").write_text(MASTER)
    with Host(
        f"{release}-mail",
        *("-v", f"{fixed}:/fixed:ro", "--tmpfs", "/small:size=40k", "--entrypoint", '["sh", "-c", "sleep infinity"]'),
    ) as running:
        yield running


Case = tuple[str, str, dict[str, Any], str]


def the_same_for_all() -> list[Case]:
    """(preparation, module, options, message) of what every module says; ``*`` stands for any text."""
    told = "; nothing was changed"
    cases: list[Case] = []
    for module in MODULES:
        end = "" if module == "postfix_info" else told
        for path in ("", "etc/postfix", "/a\nb", "/a\0b"):
            shown = f"config_directory: {path!r} is not an absolute path{end}"
            cases.append(("", module, {"config_directory": path}, shown))
        for path in ("/nowhere", "/t/live/main.cf"):
            shown = f"config_directory: {path!r} is not a directory of this host{end}"
            cases.append(("", module, {"config_directory": path}, shown))
        cases.append(("", module, {**LIVE, "nosuch": 1}, "Unsupported parameters for (*"))
        for name in ("main.cf", "master.cf"):
            missing = "does not exist; name the directory of Postfix in config_directory"
            missing = missing if module == "postfix_info" else MISSING
            cases.append((f"rm {name}", module, LIVE, f"/t/live/{name}: {missing}"))
            cases.append((f"rm {name}; mkdir {name}", module, LIVE, f"/t/live/{name}: is not a regular file"))
            cases.append((f"rm {name}; mkfifo {name}", module, LIVE, f"/t/live/{name}: is not a regular file"))
        gone = "/t/live/main.cf: is a symbolic link to 'gone', which does not exist"
        cases.append(("rm main.cf; ln -s gone main.cf", module, LIVE, gone))
        loop = "/t/live/main.cf: cannot be read: Too many levels of symbolic links"
        cases.append(("rm main.cf; ln -s main.cf main.cf", module, LIVE, loop))
    return cases


OF_ONE: list[Case] = [
    # postconf
    ("", "postconf", {**LIVE, "parameters": "biff"}, "argument 'parameters' is of type *"),
    ("", "postconf", {**LIVE, "parameters": None}, "argument 'parameters' is of type *"),
    ("", "postconf", {**LIVE, "services": ["smtp/inet"]}, "argument 'services' is of type *"),
    ("", "postconf", {**LIVE, "absent": {"biff": 1}}, "argument 'absent' is of type *"),
    ("", "postconf", {**LIVE, "exclusive": "perhaps"}, "argument 'exclusive' is of type *"),
    ("", "postconf", {**LIVE, "backup": 7}, "argument 'backup' is of type *"),
    ("", "postconf", {**LIVE, "unknown": "ignore"}, "value of unknown must be one of: error, warn, got: ignore"),
    ("", "postconf", {**LIVE, "deprecated": ""}, "value of deprecated must be one of: error, warn, ignore, got: "),
    ("", "postconf", {**LIVE, "skip": ["opne-relay"]},
     "there is no check 'opne-relay'; did you mean 'open-relay'?; nothing was changed"),
    ("", "postconf", {**LIVE, "parameters": {"a b": "x"}},
     "parameter 'a b': a name must not hold white space, '=' or control characters; nothing was changed"),
    ("", "postconf", {**LIVE, "parameters": {"a=b": "x"}},
     "parameter 'a=b': a name must not hold white space, '=' or control characters; nothing was changed"),
    ("", "postconf", {**LIVE, "absent": [""]}, "the name of a parameter must not be empty; nothing was changed"),
    ("", "postconf", {**LIVE, "parameters": {"relayhost": "a\nb"}},
     "parameter 'relayhost': its value holds a newline, which main.cf cannot hold; give a list, or fold it with '>-'"
     " in YAML; nothing was changed"),
    ("", "postconf", {**LIVE, "parameters": {"relayhost": "a\0b"}},
     "parameter 'relayhost': its value holds a null byte, which main.cf cannot hold; nothing was changed"),
    ("", "postconf", {**LIVE, "parameters": {"relayhost": "\ud800"}},
     "parameter 'relayhost': its value holds half of a surrogate pair, which is not a character; nothing was changed"),
    ("", "postconf", {**LIVE, "parameters": {"compatibility_level": 3.10}},
     "parameter 'compatibility_level': the value is a YAML float, which drops zeros (3.10 is 3.1); write it quoted,"
     ' such as "3.1"; nothing was changed'),
    ("", "postconf", {**LIVE, "services": {"smtp": {"command": "smtpd"}}},
     "service 'smtp': a service is named name/type, such as 'submission/inet'; the type is one of inet, unix,"
     " unix-dgram, fifo, pass; nothing was changed"),
    ("", "postconf", {**LIVE, "services": {"10025/inet": {"chrooot": False}}},
     "service '10025/inet': 'chrooot' is not a field of a service; did you mean 'chroot'? (the fields are private,"
     " unpriv, chroot, wakeup, maxproc, command, options, options_absent, arguments, state, exclusive); nothing"
     " was changed"),
    ("", "postconf", {**LIVE, "services": {"10025/inet": {}}},
     "/t/live/master.cf: there is no service '10025/inet', live or as a comment; to add it, say its command, such as"
     " smtpd; nothing was changed"),
    ("", "postconf", {**LIVE, "services": {"10025/inet": {"command": "smtpd", "options": {"biff": "a\nb"}}}},
     "service '10025/inet': option 'biff': its value holds a line break or a null byte, which master.cf cannot hold;"
     " nothing was changed"),
    ("echo x > .puffy-mail.journal", "postconf", LIVE,
     "/t/live/.puffy-mail.journal: is not the journal of an interrupted run (Expecting value: line 1 column 1 (char"
     " 0)); remove it; nothing was changed"),
    ("mkdir .puffy-mail.journal", "postconf", LIVE, "/t/live/.puffy-mail.journal: is not a regular file"),
    ("rm -f .puffy-mail.lock; mkdir .puffy-mail.lock", "postconf", LIVE,
     "/t/live/.puffy-mail.lock: cannot be used as a lock file: Is a directory; nothing was changed"),
    ("", "postconf", {"config_directory": "/fixed", "parameters": {"biff": False}},
     "/fixed/main.cf: no file can be made beside it in /fixed: Read-only file system; that file was not changed"),
    ("", "postconf", {"config_directory": "/fixed", "parameters": {"biff": False}, "backup": True},
     "/fixed/main.cf.*: no file can be made beside it in /fixed: Read-only file system; that file was not changed"),
    # Bytes that are no UTF-8 are kept, shown as U+FFFD, and no reason to fail.
    ("printf 'biff = \\351\\n' >> main.cf", "postconf", LIVE,
     "/t/live/main.cf line 4: biff is yes or no, not '\\udce9' (set biff to yes or no)\nNothing was changed."),
    ("printf 'caf\\351 = 1\\n' >> main.cf", "postconf", LIVE,
     "/t/live/main.cf line 4: Postfix 3.* has no parameter 'caf\\udce9', and no other value uses it as $caf\ufffd"
     " (remove caf\ufffd)\nNothing was changed."),
    # postconf(1) itself refuses to answer a thing with these two.
    ("printf 'biff no\\n' >> main.cf", "postconf", LIVE,
     "/t/live/main.cf line 4: 'biff no': missing '=' after attribute name (write name = value; a continued line"
     " begins with white space)\nNothing was changed."),
    ("printf 'smtps inet n\\n' >> master.cf", "postconf", LIVE,
     "/t/live/master.cf line 2: 'smtps inet n': there are 3 columns; a service has at least 8: *Nothing was changed."),
    # postfix_info
    ("", "postfix_info", {**LIVE, "skip": ["open-realy"]},
     "there is no check 'open-realy'; did you mean 'open-relay'?"),
    ("", "postfix_info", {**LIVE, "skip": {"open-relay": 1}}, "argument 'skip' is of type *"),
    ("", "postfix_info", {**LIVE, "all_parameters": "some"}, "argument 'all_parameters' is of type *"),
    ("", "postfix_info", {**LIVE, "unknown": "ignore"}, "value of unknown must be one of: error, warn, got: ignore"),
    ("", "postfix_info", {**LIVE, "deprecated": "no"},
     "value of deprecated must be one of: warn, error, ignore, got: no"),
    # postfix_service
    ("", "postfix_service", {**LIVE, "state": "restarted"},
     "value of state must be one of: started, refreshed, stopped, got: *"),
    ("", "postfix_service", {**LIVE, "timeout": "soon"}, "argument 'timeout' is of type *"),
    ("", "postfix_service", {**LIVE, "timeout": 0}, "timeout: 0 is not from 1 to 3600 seconds; nothing was changed"),
    ("", "postfix_service", {**LIVE, "enabled": "perhaps"}, "argument 'enabled' is of type *"),
    ("", "postfix_service", {**LIVE, "enabled": True, "state_directory": "/tmp/s"},
     "enabled: nothing starts Postfix with /t/live at boot here; Postfix is left as it is"),
    ("", "postfix_service", {**LIVE, "state_directory": ""},
     "state_directory: '' is not an absolute path; nothing was changed"),
    ("", "postfix_service", {**LIVE, "state_directory": "/fixed/state"},
     "/fixed/state: cannot be made or set: Read-only file system. Neither the daemon nor its configuration was"
     " changed."),
    ("", "postfix_service", {**LIVE, "state_directory": "/t/live/main.cf"},
     "/t/live/main.cf: is not a directory, and records of activations are kept below it. *Nothing was changed."),
    ("", "postfix_service", {**LIVE, "state_directory": "/usr"},
     "'/usr' holds other files than the records of activations, such as '/usr/bin'. Nothing was changed. Name a"
     " state_directory of its own."),
    ("mkdir -p /t/state/t-live; echo { > /t/state/t-live/active.json", "postfix_service", LIVE,
     "/t/state/t-live/active.json: is not a record of an activated configuration: *; remove it, and the next run"
     " reloads Postfix once; neither Postfix nor its configuration was changed"),
    ("printf 'biff no\\n' >> main.cf", "postfix_service", {**LIVE, "state_directory": "/tmp/s"},
     "/usr/sbin/postconf -c /t/live -x failed with exit status 1: *missing '=' after attribute name: \"biff no\""),
]  # fmt: skip


def matches(said: str, expected: str) -> bool:
    """Whether ``said`` is what a case expects, where ``*`` stands for anything."""
    first, *rest = expected.split("*")
    if not said.startswith(first) or (not rest and said != first):
        return False
    at = len(first)
    for part in rest:
        found = said.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return not rest or rest[-1] == "" or said.endswith(rest[-1])


def test_bad_input(host: Host) -> None:
    cases = the_same_for_all() + OF_ONE
    requests = []
    for prepare, module, options, _message in cases:
        own = {"state_directory": "/t/state", **options} if module == "postfix_service" else options
        requests += [batch.shell(f"{LAY}{prepare or 'true'}\n{LOOK}"), batch.module(module, own), batch.shell(LOOK)]
    answers = batch.run(host, requests)
    for number, (prepare, module, options, message) in enumerate(cases):
        before, answer, after = answers[3 * number : 3 * number + 3]
        assert answer.get("failed"), (module, prepare, options, answer)
        assert matches(answer["msg"], message), (module, prepare, options, answer["msg"], message)
        assert before["stdout"] == after["stdout"], (module, prepare, options)


def test_a_host_that_is_only_read(host: Host) -> None:
    """What is broken in the files is what postfix_info is asked about, and a read-only host may be read."""
    answers = batch.run(
        host,
        [
            batch.module("postconf", {"config_directory": "/fixed"}),
            batch.shell(
                LAY + "printf 'biff no\\ncaf\\351 = \\351\\n' >> main.cf; printf 'smtps inet n\\n' >> master.cf"
            ),
            batch.module("postfix_info", LIVE),
        ],
    )
    assert (answers[0]["changed"], answers[0]["diff"]) == (False, [])
    told = answers[2]
    found = [(finding["rule"], finding["line"]) for finding in told["findings"]]
    assert found == [("main-syntax", 4), ("unknown-parameter", 5), ("master-columns", 2)]
    assert told["parameters"]["caf\ufffd"] == "\ufffd"


def as_nobody(host: Host, module: str, options: dict[str, Any]) -> dict[str, Any]:
    done = host.run(
        [
            *("setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"),
            *(
                "env",
                "HOME=/tmp",
                "PYTHONPATH=/opt/puffy",
                "PYTHONDONTWRITEBYTECODE=1",
                "python3",
                "-c",
                RUNNER,
                module,
            ),
        ],
        data=json.dumps(options),
        check=False,
    )
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


def test_files_that_may_not_be_read_or_written(host: Host) -> None:
    host.run(LAY + "chmod 600 main.cf")
    before = host.run(LOOK).stdout
    for module in MODULES:
        answer = as_nobody(host, module, LIVE)
        assert answer["failed"]
        where = "/t/live/.puffy-mail.lock: cannot be used as a lock file" if module == "postconf" else "main.cf"
        assert where in answer["msg"]
        assert ": Permission denied" in answer["msg"]
    checked = as_nobody(host, "postconf", {**LIVE, "_ansible_check_mode": True})
    assert checked["msg"] == "/t/live/main.cf: cannot be read: Permission denied"
    host.run("chmod 644 /t/live/main.cf; mkdir -m 700 /t/state")
    answer = as_nobody(host, "postfix_service", {**LIVE, "state_directory": "/t/state"})
    assert answer["msg"] == "/t/state: cannot be used: Permission denied. Nothing was changed."
    host.run("chmod 600 /t/live/main.cf; rmdir /t/state")
    assert host.run(LOOK).stdout == before


def test_a_disk_that_is_full_at_any_point(host: Host) -> None:
    """Both files are the old ones, or both the new ones, and nothing is left over, however little space there is."""
    wish = {
        "config_directory": "/small",
        "parameters": {"biff": False},
        "services": {"10025/inet": {"command": "smtpd", "chroot": False}},
        "backup": True,
    }
    lay = "rm -rf /small/* /small/.p*; cp /fixed/main.cf /fixed/master.cf /small; "
    look = "cd /small; ls -A | grep -v -e fill -e lock; cat main.cf master.cf"
    requests = []
    for kilobytes in range(0, 36, 4):
        requests += [
            batch.shell(f"{lay} cat /dev/zero > /small/fill 2>/dev/null; truncate -s -{kilobytes}k /small/fill"),
            batch.shell(look),
            batch.module("postconf", wish),
            batch.shell(look),
        ]
    answers = batch.run(host, requests)
    outcomes = []
    for at in range(0, len(answers), 4):
        before, answer, after = answers[at + 1 : at + 4]
        outcomes.append(not answer.get("failed"))
        if answer.get("failed"):
            assert ": No space left on device; " in answer["msg"], answer["msg"]
            assert "/small/" in answer["msg"]
            assert after["stdout"] == before["stdout"], answer["msg"]
        else:
            assert answer["changed"]
            assert "biff = no" in after["stdout"]
            assert "10025 " in after["stdout"]
            assert len(answer["backup_files"]) == 2
    # It failed at first, and succeeded in the end.
    assert not outcomes[0]
    assert outcomes[-1]
    assert outcomes == sorted(outcomes)


def test_a_full_disk_keeps_postfix_from_being_started(host: Host) -> None:
    host.run("rm -rf /small/* /small/.p*; mkdir /small/state; cat /dev/zero > /small/fill 2>/dev/null; true")
    host.run(LAY + "cp /etc/postfix/master.cf .")
    answer = host.module("postfix_service", {**LIVE, "state_directory": "/small/state"})
    assert answer["msg"] == (
        "/small/state/t-live/pending: its new content cannot be written: No space left on device;"
        " the old content is untouched"
    )
    assert host.run("postfix -c /t/live status", check=False).returncode != 0


def test_no_room_for_temporary_files(host: Host) -> None:
    """tempfile(3) of Python knows of four places; all are full or read-only here."""
    host.run(LAY)
    before = host.run(LOOK).stdout
    done = host.run(
        "env TMPDIR=/fixed PYTHONPATH=/opt/puffy PYTHONDONTWRITEBYTECODE=1 python3 -c '"
        'import os, tempfile; tempfile._candidate_tempdir_list = lambda: ["/fixed"]; os.chdir("/fixed")\n'
        f"{RUNNER}' postconf",
        data=json.dumps({**LIVE, "parameters": {"biff": False}}),
        check=False,
    )
    answer = json.loads(done.stdout)
    assert answer["msg"].startswith("postconf needs a temporary directory, which cannot be made: "), answer
    assert answer["msg"].endswith("; nothing was changed")
    assert host.run(LOOK).stdout == before


def test_no_postfix(host: Host) -> None:
    host.run(LAY + "mv /usr/sbin/postconf /usr/sbin/postconf.away")
    before = host.run(LOOK).stdout
    try:
        answers = batch.run(
            host,
            [
                batch.module("postconf", {**LIVE, "parameters": {"biff": False}}),
                batch.module("postfix_service", {**LIVE, "state_directory": "/t/state"}),
                batch.module("postfix_info", LIVE),
            ],
        )
    finally:
        host.run("mv /usr/sbin/postconf.away /usr/sbin/postconf")
    # What only looks says that there is none, so that an audit of a bare host passes.
    assert answers.pop()["installed"] is False
    for answer, hint in zip(answers, ("install Postfix first", "is Postfix installed?")):
        assert answer["failed"]
        assert answer["msg"].startswith("the command 'postconf' was not found in /usr/local/sbin, ")
        assert answer["msg"].endswith(f"; {hint}")
    assert host.run(LOOK).stdout == before
