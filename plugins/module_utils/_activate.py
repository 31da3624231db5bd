# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command puffy-mail-activate of a mail host: makes the running daemons run what is on disk.

For what happens between two plays, such as a renewed certificate. It is the code of postfix_service and
dovecot_service over the options that they were called with last.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator, Sequence

from ansible_collections.puffy.mail.plugins.module_utils import _activation as activation
from ansible_collections.puffy.mail.plugins.module_utils import _command as command
from ansible_collections.puffy.mail.plugins.module_utils import _dovecot as dovecot
from ansible_collections.puffy.mail.plugins.module_utils import _files as files
from ansible_collections.puffy.mail.plugins.module_utils._postfix import activation as postfix
from ansible_collections.puffy.mail.plugins.module_utils._postfix import daemon

#: seconds to wait for a daemon that no module has activated on this host
TIMEOUT = 30.0

#: where Dovecot's own commands expect the configuration
DOVECOT = "/etc/dovecot/dovecot.conf"

#: in the order of the roles: what Postfix hands its mail to, then Postfix
_COMMANDS = {"dovecot": "doveconf", "postfix": "postconf"}


def runs(root: str) -> Iterator[postfix.Activation | dovecot.Activation]:
    """A run for each daemon that is installed and each record that it has. Raises FileError for a damaged record."""
    for name, needed in _COMMANDS.items():
        if command.find(needed) is None:
            continue
        state = os.path.join(root, name)
        directories = [record.directory for record in activation.records(state)]
        for directory in directories:
            yield _run(name, state, directory)
        if name == "dovecot" and not directories and os.path.lexists(DOVECOT):
            yield _unknown_dovecot(state)
        default = daemon.DEFAULT_DIRECTORY
        if (
            name == "postfix"
            and os.path.realpath(default) not in map(os.path.realpath, directories)
            and os.path.lexists(os.path.join(default, "main.cf"))
        ):
            yield postfix.Activation(default, activation.Place(state, default), TIMEOUT)


def _run(name: str, state: str, directory: str) -> postfix.Activation | dovecot.Activation:
    place = activation.Place(state, directory)
    record = place.read(name.capitalize())
    if record is None:
        raise files.FileError(f"{place.record}: is gone")
    if name == "postfix":
        return postfix.Activation(record.directory, place, float(record.arguments.get("timeout", TIMEOUT)))
    return dovecot.Activation(dovecot.Options.of(record.arguments), place)


def _unknown_dovecot(state: str) -> dovecot.Activation:
    """A run for a Dovecot of which only its main file is known: it is judged and reloaded, and nothing is recorded."""
    options = dovecot.Options((DOVECOT,), (), "", "", "", 0, "", TIMEOUT)
    place = activation.Place(state, os.path.dirname(DOVECOT))
    return dovecot.Activation(options, place, remember=False)


def activate(run: postfix.Activation | dovecot.Activation, *, check: bool) -> str:
    """Make one daemon run what is on disk, if it runs. Returns a sentence. Raises Failed, FileError and the like."""
    run.place.check()
    if check:
        lock: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
    elif isinstance(run, postfix.Activation):
        lock = postfix.locked(run.directory, run.place)
    else:
        lock = run.place.locked()
    with lock:
        result = activation.converge(run, state="running", enabled=None, check=check)
    what = f"{run.title} with {run.directory}"
    if not run.running():
        return f"{what} does not run, and is left as it is."
    if result["action"] == "none":
        return f"{what} runs what is on disk."
    return f"{what}: {'would ' if check else ''}{result['action']}. {'. '.join(result['reasons'])}."


def put_certificate(sources: Sequence[str], targets: Sequence[str], group: str, mark: str) -> bool:
    """Put a key and its chain where the daemons read them. Returns whether they are others than those in place.

    Raises FileError, also where others than root may write there. Before the new files are in place, the empty file
    ``mark`` is made, unless it has no name.
    """
    files.prepare(*targets, check=False)
    contents = []
    for path in sources:
        state = files.read(path)
        if state is None:
            raise files.FileError(f"{path}: there is no such file")
        contents.append(state.content)
    there = [files.read(path) for path in targets]
    if all(old is not None and old.content == new for old, new in zip(there, contents)):
        return False
    uid, gid = os.geteuid(), os.getegid()
    rights = ((files.gid_of(group), 0o640) if group else (gid, 0o600), (gid, 0o644))
    with contextlib.ExitStack() as unused:
        staged = []
        for path, new, (reader, mode) in zip(targets, contents, rights):
            staged.append(files.stage(path, new, uid=uid, gid=reader, mode=mode))
            unused.callback(files.discard, staged[-1])
        if mark:
            files.write(mark, b"", uid=uid, gid=gid, mode=0o600)
        for name, path in zip(staged, targets):
            files.commit(name, path)
    return True


def main(arguments: Sequence[str] | None = None, root: str = activation.ROOT) -> int:
    """Entry point of the command. Returns the exit status: 0, or 1 where a daemon could not be activated."""
    parser = argparse.ArgumentParser(
        prog="puffy-mail-activate",
        description="Make the running Postfix and Dovecot run the configuration, keys and certificates on disk.",
    )
    parser.add_argument("-n", "--dry-run", action="store_true", help="report what would be done, and change nothing")
    parser.add_argument(
        "--certificate",
        nargs=4,
        metavar=("KEY", "CHAIN", "TO_KEY", "TO_CHAIN"),
        help="put a certificate in place instead, and exit with 2 if it is there already",
    )
    parser.add_argument("--group", default="", help="the group that may read TO_KEY")
    parser.add_argument("--mark", default="", help="an empty file to make before the certificate is in place")
    given = parser.parse_args(arguments)
    check: bool = given.dry_run
    status = 0
    try:
        if given.certificate:
            paths = given.certificate
            return 0 if put_certificate(paths[:2], paths[2:], given.group, given.mark) else 2
        for run in runs(root):
            try:
                sys.stdout.write(f"{files.shown(activate(run, check=check))}\n")
            except (activation.Failed, files.FileError, command.CommandError, OSError, ValueError) as error:
                sys.stderr.write(f"puffy-mail-activate: {files.shown(str(error))}\n")
                status = 1
    except (files.FileError, OSError) as error:
        sys.stderr.write(f"puffy-mail-activate: {files.shown(str(error))}\n")
        status = 1
    return status
