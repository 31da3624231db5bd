#!/usr/bin/python
# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postfix_service
short_description: Make the running Postfix run the configuration on disk
version_added: "0.1.0"
description:
  - Compares what was last activated with what is on disk now, and starts, reloads or restarts Postfix as the difference
    demands. What the play changed does not matter, so a run that was cut off is finished by the next one, and a file
    edited by hand becomes live.
  - A reload keeps the master(8) process and every listening socket. A restart happens only for what a reload does
    not apply - parameters such as C(inet_interfaces) and C(inet_protocols), and a service that takes over the address
    and port of another one.
  - Compared are the parameters of C(main.cf), the services of C(master.cf), and the content of the files they name that
    daemons read when they start - certificates, keys, C(cidr:), C(pcre:), C(regexp:) and C(texthash:) tables, client
    files of databases. Indexed tables such as C(hash:) are left out, because the daemons notice a new one themselves.
  - Daemons keep the SQLite databases open that C(sqlite:) tables name, with C(proxy:) or without. So Postfix is
    reloaded where such a file was replaced, moved away and back, or given another owner or mode. A change inside the
    database needs no reload.
  - Before Postfix is told anything, what changed must pass the checks of M(puffy.mail.postconf) and C(postfix check),
    every address that it is to listen on must be one of this host, and every new port must be free or held by this
    Postfix. So the running daemon goes on serving where the new configuration could not.
  - Afterwards cleanup(8) and trivial-rewrite(8) must answer, the queue manager must stay, and a daemon of this Postfix
    must serve each listener of C(master.cf), smtpd(8) with an SMTP greeting. If one does not, or master(8) ends, the
    last activated C(main.cf) and C(master.cf) are put back, Postfix is made to run them, and the module fails with the
    lines of the mail log that say why.
  - Works through rcctl(8) on OpenBSD, systemctl(1) where systemd runs, and else the init script. A configuration
    in another place than C(/etc/postfix) is started by postfix(1) itself.
author:
  - The puffy.mail developers (@puffy-mail)
extends_documentation_fragment:
  - puffy.mail.attributes
  - puffy.mail.pending
attributes:
  check_mode:
    support: partial
    details:
      - Says which action the run would take, and why. C(postfix check) is not run, because it creates directories, so
        a configuration that it rejects is reported only by the run.
  diff_mode:
    support: full
    details:
      - The parameters, services and file fingerprints that differ from what was last activated. Values of parameters
        that are secret by their name, and of C(inline:) tables, are masked.
  idempotent:
    support: full
  platform:
    support: full
    platforms: OpenBSD, Linux
options:
  state:
    description:
      - With V(started) Postfix runs, and runs what is on disk.
      - With V(refreshed) a Postfix that runs, and that this module activated before, runs what is on disk. Every other
        Postfix is left as it is. Use V(refreshed) in a play that only changes tables or certificates.
      - With V(stopped) Postfix does not run.
    type: str
    choices: [started, refreshed, stopped]
    default: started
  enabled:
    description:
      - Whether Postfix is started when the host boots. Left as it is by default.
      - Only for the configuration in C(/etc/postfix).
    type: bool
  config_directory:
    description: The directory of C(main.cf) and C(master.cf), an absolute path.
    type: path
    default: /etc/postfix
  timeout:
    description: How long to wait for the listeners to answer, in seconds, from 1 to 3600.
    type: int
    default: 30
  state_directory:
    description:
      - The directory that holds the records of what was last activated, an absolute path. Each configuration directory
        has a record of its own below it, such as C(etc-postfix) for C(/etc/postfix). The record contains C(main.cf) and
        C(master.cf), and only root can read it.
      - Only root may be able to write the directory and the directories above it.
      - The default is V(/var/db/puffy-mail/postfix) on OpenBSD and V(/var/lib/puffy-mail/postfix) elsewhere.
      - Files that could not be activated are kept beside the record, in the directory C(rejected).
    type: path
  skip:
    description:
      - The rules to leave out, as in M(puffy.mail.postconf).
      - By default those of the last call for this configuration directory, at first none.
    type: list
    elements: str
notes:
  - Needs root.
  - Where there is no record yet and Postfix already runs, nobody can know what it has loaded. It is then reloaded once,
    or restarted where C(main.cf) or C(master.cf) is younger than the daemon and its listeners are not the expected
    ones, or C(main.cf) sets C(import_environment).
  - Only C(main.cf) and C(master.cf) are put back after a failure. Tables and certificates stay as they are.
seealso:
  - name: postfix(1)
    description: The command that starts, reloads and stops Postfix.
    link: https://www.postfix.org/postfix.1.html
  - name: master(8)
    description: The process that listens and starts the daemons.
    link: https://www.postfix.org/master.8.html
"""

EXAMPLES = r"""
- name: Make Postfix run the configuration on disk, now and after a boot
  puffy.mail.postfix_service:
    enabled: true

- name: Stop Postfix for a migration
  puffy.mail.postfix_service:
    state: stopped
    enabled: false
"""

RETURN = r"""
action:
  description: What was done with the daemon, or would be in check mode. V(none) also where only O(enabled) changed.
  returned: always, once the options and files could be read
  type: str
  sample: reload
reasons:
  description: Why, a sentence for each difference.
  returned: always, once the options and files could be read
  type: list
  elements: str
  sample: ["main.cf: message_size_limit is '20480000' and was not set"]
rolled_back:
  description: Whether the last activated C(main.cf) and C(master.cf) were put back because the new ones cannot serve.
  returned: always, once the options and files could be read
  type: bool
  sample: false
log:
  description: Lines of the mail log since the action that explain a failure. Empty on success.
  returned: always, once the options and files could be read
  type: list
  elements: str
  sample: []
"""

import contextlib
import os

from ansible_collections.puffy.mail.plugins.module_utils import _activation as activation
from ansible_collections.puffy.mail.plugins.module_utils import _command as command
from ansible_collections.puffy.mail.plugins.module_utils import _files as files
from ansible_collections.puffy.mail.plugins.module_utils import _host_lock as host_lock
from ansible_collections.puffy.mail.plugins.module_utils._postfix import activation as postfix
from ansible_collections.puffy.mail.plugins.module_utils._postfix import daemon, transaction
from ansible_collections.puffy.mail.plugins.module_utils._postfix import module as postfix_module


def main() -> None:
    """Run the module."""
    module = postfix_module.PostfixModule(
        argument_spec={
            "state": {"type": "str", "choices": ["started", "refreshed", "stopped"], "default": "started"},
            "enabled": {"type": "bool"},
            "config_directory": {"type": "path", "default": daemon.DEFAULT_DIRECTORY},
            "timeout": {"type": "int", "default": 30},
            "state_directory": {"type": "path"},
            "skip": {"type": "list", "elements": "str"},
            "pending": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    host_lock.keep(module)
    params = module.params
    directory, state = params["config_directory"], params["state"]
    state_directory = params["state_directory"]
    if state_directory is None:
        state_directory = os.path.join(activation.ROOT, "postfix")
    try:
        postfix_module.check_path("config_directory", directory)
        postfix_module.check_path("state_directory", state_directory)
        if not 1 <= params["timeout"] <= 3600:
            raise ValueError(f"timeout: {params['timeout']} is not from 1 to 3600 seconds")
        place = activation.Place(state_directory, directory)
        run = postfix.Activation(directory, place, float(params["timeout"]), params["skip"])
        if state == "refreshed":
            run.place.check()
            if command.find("postconf") is None or run.place.read(run.title) is None:
                module.exit_json(**activation.nothing(run))
        if module.pending:
            module.exit_json(**activation.expected(run))
        postfix_module.check_directory(directory)
        # Before anything is made for a host that has no Postfix.
        for name in transaction.NAMES:
            transaction.read(os.path.join(directory, name))
        command.require("postconf", hint="is Postfix installed?")
        run.place.check()
    except ValueError as error:
        module.fail_json(msg=f"{error}; nothing was changed")
    except (files.FileError, command.CommandError) as error:
        module.fail_json(msg=str(error))
    try:
        with contextlib.nullcontext() if module.check_mode else postfix.locked(directory, run.place):
            result = activation.converge(run, state=state, enabled=params["enabled"], check=module.check_mode)
    except activation.Failed as error:
        module.fail_json(msg=str(error), **error.result)
    except (files.FileError, command.CommandError, OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
