#!/usr/bin/python
# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: daemon_service
short_description: Make a small daemon that serves Postfix run the configuration on disk
version_added: "0.1.0"
description:
  - For daemons such as OpenDKIM, OpenDMARC and saslauthd, which answer Postfix on UNIX-domain sockets and read their
    files when they start.
  - Compares what was last activated with what is on disk now, and starts or restarts the daemon where they differ. What
    the play changed does not matter, so the next run finishes a run that was cut off, and a file edited by hand becomes
    live.
  - Before the daemon is told anything, O(check_command) must succeed. Afterwards each of O(sockets) must accept a
    connection.
  - Where the daemon cannot serve, the last activated O(files) are put back, the daemon is made to run them, and the
    module fails with the log lines that say why.
  - Works through rcctl(8) on OpenBSD, systemctl(1) where systemd runs, and else the init script.
author:
  - The puffy.mail developers (@puffy-mail)
extends_documentation_fragment:
  - puffy.mail.attributes
  - puffy.mail.pending
attributes:
  check_mode:
    support: full
    details:
      - Judges what is on disk and reports which action the run would take, and why. The proof needs the run.
  diff_mode:
    support: full
    details:
      - The fingerprints of the files that differ from what was last activated, never their content.
  idempotent:
    support: full
  platform:
    support: full
    platforms: OpenBSD, Linux
options:
  name:
    description: Name of the service, as rcctl(8), systemctl(1) or /etc/init.d has it.
    type: str
    required: true
  title:
    description: Name of the daemon in messages. The default is O(name).
    type: str
  program:
    description: Name of the daemon's program, as ps(1) shows it without a directory. The default is O(name).
    type: str
  pid_file:
    description: Absolute path of the file in which the daemon writes its process number.
    type: path
    required: true
  state:
    description:
      - With V(started) the daemon runs, and runs what is on disk.
      - With V(refreshed) a daemon that runs, and that this module activated before, runs what is on disk. Every other
        one is left as it is.
      - With V(stopped) the daemon does not run.
      - With V(retired) a daemon that this module activated before is stopped, is not started when the host boots, and
        the record of it is removed. Every other one is left as it is. The files of the daemon stay. They may also be
        gone already.
    type: str
    choices: [started, refreshed, stopped, retired]
    default: started
  enabled:
    description: Whether the daemon is started when the host boots. Left as it is by default.
    type: bool
  files:
    description:
      - Absolute paths of the configuration files that the daemon reads. The first one is the main file. The record
        keeps a copy of each.
    type: list
    elements: path
    required: true
  reads:
    description: Absolute paths of further files that the daemon reads, such as keys. The record keeps no copy of them.
    type: list
    elements: path
    default: []
  check_command:
    description: Command that succeeds where the daemon can serve with its files. By default nothing is checked before.
    type: list
    elements: str
    default: []
  sockets:
    description: Absolute paths of the UNIX-domain sockets on which the daemon answers.
    type: list
    elements: path
    required: true
  flags:
    description:
      - What the service manager starts the daemon with, where that is in no file of the daemon's own. The module does
        not set the flags. After a change it restarts the daemon.
    type: str
    default: ''
  timeout:
    description: How long to wait for the proof, in seconds, from 1 to 3600.
    type: int
    default: 30
  state_directory:
    description:
      - The directory that holds the record of what was last activated, an absolute path. Only root may be able to write
        it and the directories above. The record contains the configuration files, and only root can read it.
      - The default is the directory O(name) in V(/var/db/puffy-mail) on OpenBSD and in V(/var/lib/puffy-mail)
        elsewhere.
    type: path
notes:
  - Needs root.
  - Where there is no record yet and the daemon already runs, it is restarted once.
  - Only O(files) are put back after a failure, not O(reads).
seealso:
  - module: puffy.mail.postfix_service
  - module: puffy.mail.dovecot_service
"""

EXAMPLES = r"""
- name: Make OpenDKIM run the configuration on disk, now and after a boot
  puffy.mail.daemon_service:
    name: opendkim
    title: OpenDKIM
    pid_file: /run/opendkim/opendkim.pid
    files: [/etc/opendkim.conf]
    check_command: [opendkim, -n]
    sockets: [/var/spool/postfix/opendkim/opendkim.sock]
    enabled: true
"""

RETURN = r"""
action:
  description: What was done with the daemon, or would be in check mode. V(none) also where only O(enabled) changed.
  returned: always, once the options and files could be read
  type: str
  sample: restart
reasons:
  description: Why, a sentence for each difference.
  returned: always, once the options and files could be read
  type: list
  elements: str
  sample: ["OpenDKIM is not running"]
rolled_back:
  description: Whether the last activated configuration files were put back because the new ones cannot serve.
  returned: always, once the options and files could be read
  type: bool
  sample: false
log:
  description: The last errors that the daemon logged. Empty on success.
  returned: always, once the options and files could be read
  type: list
  elements: str
  sample: []
"""

import contextlib
import os
import re
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.puffy.mail.plugins.module_utils import _activation as activation
from ansible_collections.puffy.mail.plugins.module_utils import _command as command
from ansible_collections.puffy.mail.plugins.module_utils import _files as files
from ansible_collections.puffy.mail.plugins.module_utils import _host_lock as host_lock
from ansible_collections.puffy.mail.plugins.module_utils import _small_daemon as small_daemon


def check_options(params: dict[str, Any]) -> None:
    """ValueError for an option that cannot be used."""
    for name in ("name", "program"):
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", params[name]):
            raise ValueError(f"{name} is {params[name]!r}. Use the name of a service, such as 'opendkim'")
    for name in ("files", "sockets"):
        if not params[name]:
            raise ValueError(f"{name} is empty. Name at least one path")
    paths = [(name, path) for name in ("files", "reads", "sockets") for path in params[name]]
    paths += [(name, params[name]) for name in ("pid_file", "state_directory")]
    for name, path in paths:
        if not os.path.isabs(path) or any(ord(char) < 32 for char in path):
            raise ValueError(f"{name} is {path!r}. Use an absolute path")
    if not 1 <= params["timeout"] <= 3600:
        raise ValueError(f"timeout is {params['timeout']}. Use a number of seconds from 1 to 3600")


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "title": {"type": "str"},
            "program": {"type": "str"},
            "pid_file": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["started", "refreshed", "stopped", "retired"], "default": "started"},
            "enabled": {"type": "bool"},
            "files": {"type": "list", "elements": "path", "required": True},
            "reads": {"type": "list", "elements": "path", "default": []},
            "check_command": {"type": "list", "elements": "str", "default": []},
            "sockets": {"type": "list", "elements": "path", "required": True},
            "flags": {"type": "str", "default": ""},
            "timeout": {"type": "int", "default": 30},
            "state_directory": {"type": "path"},
            "pending": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    host_lock.keep(module)
    params = module.params
    params["program"] = params["program"] or params["name"]
    if params["state_directory"] is None:
        params["state_directory"] = os.path.join(activation.ROOT, params["name"])
    try:
        check_options(params)
    except ValueError as error:
        module.fail_json(msg=f"{error}. Nothing was changed.")
    options = small_daemon.Options(
        params["name"], params["title"] or params["name"], params["program"], params["pid_file"],
        tuple(params["files"]), tuple(params["reads"]), tuple(params["check_command"]), tuple(params["sockets"]),
        params["flags"], float(params["timeout"]),
    )  # fmt: skip
    place = activation.Place(params["state_directory"], os.path.dirname(options.files[0]))
    run = small_daemon.Activation(options, place)
    try:
        place.check()
        if params["state"] in ("refreshed", "retired") and place.read(run.title) is None:
            module.exit_json(**activation.nothing(run))
        if module.check_mode and params["pending"]:
            module.exit_json(**activation.expected(run))
        with contextlib.nullcontext() if module.check_mode else place.locked():
            if params["state"] == "retired":
                module.exit_json(**activation.retire(run, check=module.check_mode))
            result = activation.converge(run, state=params["state"], enabled=params["enabled"], check=module.check_mode)
    except activation.Failed as error:
        module.fail_json(msg=files.shown(str(error)), **error.result)
    except (files.FileError, command.CommandError, OSError, ValueError) as error:
        module.fail_json(msg=files.shown(str(error)))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
