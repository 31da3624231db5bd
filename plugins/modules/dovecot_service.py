#!/usr/bin/python
# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dovecot_service
short_description: Make the running Dovecot run the configuration on disk
version_added: "0.1.0"
description:
  - Compares what was last activated with what is on disk now, and starts, reloads or restarts Dovecot as the difference
    demands. What the play changed does not matter, so the next run finishes a run that was cut off, and a file edited
    by hand becomes live.
  - Before Dovecot is told anything, C(doveconf -n) must accept the configuration, each key must fit its certificate,
    and the database must have the tables and columns of the queries.
  - A reload is enough for a changed configuration file, key or certificate, and for a database that was replaced by
    another file. A change inside the database needs no reload. Dovecot is restarted where one of its modules was
    installed, or its login class on OpenBSD was changed, after it started.
  - Afterwards the sockets must greet, the accounts must be readable, and the IMAPS port must show the certificate that
    is on disk. Dovecot is asked for this proof in every run.
  - Where Dovecot cannot serve, the last activated configuration files are put back, Dovecot is made to run them, and
    the module fails with the log lines that say why.
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
      - Judges what is on disk and reports which action the run would take, and why. A file that is not there is a
        warning, because an earlier task may make it. The proof needs the run.
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
  state:
    description:
      - With V(started) Dovecot runs, and runs what is on disk.
      - With V(refreshed) a Dovecot that runs, and that this module activated before, runs what is on disk. Every other
        Dovecot is left as it is. Use V(refreshed) in a play that only changes tables or certificates.
      - With V(stopped) Dovecot does not run.
    type: str
    choices: [started, refreshed, stopped]
    default: started
  enabled:
    description: Whether Dovecot is started when the host boots. Left as it is by default.
    type: bool
  files:
    description:
      - Absolute paths of the configuration files that Dovecot reads. The first one is the main file, normally
        C(/etc/dovecot/dovecot.conf). The record keeps a copy of each.
    type: list
    elements: path
    required: true
  keys:
    description: The private keys and certificates that the configuration names.
    type: list
    elements: dict
    default: []
    suboptions:
      key_file:
        description: Absolute path of a private key.
        type: path
        required: true
      chain_file:
        description: Absolute path of the certificate and those of its issuers.
        type: path
        required: true
      type:
        description: Type of the key, for the reader.
        type: str
  database:
    description: Absolute path of the SQLite database that holds the accounts. Empty where they are kept elsewhere.
    type: str
    default: ''
  auth_socket:
    description: Absolute path of the socket through which Postfix checks passwords.
    type: path
    required: true
  lmtp_socket:
    description: Absolute path of the socket through which Postfix delivers. Empty where Dovecot has none.
    type: str
    default: ''
  imaps_port:
    description: The port of IMAP inside TLS. 0 where Dovecot has none.
    type: int
    default: 0
  hostname:
    description: The name of the host, which the proof uses for TLS and for a user that does not exist.
    type: str
    required: true
  mail_home:
    description:
      - The directory in which C(DOMAIN/LOCAL_PART) holds the mail of an account. Mail there that belongs to no active
        account is a warning, because a new account of that name would read it. Empty to look at nothing.
      - For accounts that others add and remove, as in a directory.
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
      - The default is V(/var/db/puffy-mail/dovecot) on OpenBSD and V(/var/lib/puffy-mail/dovecot) elsewhere.
    type: path
notes:
  - Needs root.
  - Where there is no record yet and Dovecot already runs, it is reloaded once.
  - Only the configuration files are put back after a failure. Keys, certificates and the database stay as they are.
seealso:
  - module: puffy.mail.postfix_service
  - name: doveconf(1)
    description: The command that reads and checks the configuration.
    link: https://doc.dovecot.org/latest/core/man/doveconf.1.html
"""

EXAMPLES = r"""
- name: Make Dovecot run the configuration on disk, now and after a boot
  puffy.mail.dovecot_service:
    files: [/etc/dovecot/dovecot.conf]
    keys:
      - key_file: /etc/ssl/private/mail.example.org.key
        chain_file: /etc/ssl/mail.example.org.chain.pem
    database: /var/lib/puffy-mail/accounts.sqlite
    auth_socket: /var/spool/postfix/private/auth
    lmtp_socket: /var/spool/postfix/private/dovecot-lmtp
    imaps_port: 993
    hostname: mail.example.org
    enabled: true
"""

RETURN = r"""
action:
  description: What was done with Dovecot, or would be in check mode. V(none) also where only O(enabled) changed.
  returned: always, once the options and files could be read
  type: str
  sample: reload
reasons:
  description: Why, a sentence for each difference.
  returned: always, once the options and files could be read
  type: list
  elements: str
  sample: ["Dovecot is not running"]
rolled_back:
  description: Whether the last activated configuration files were put back because the new ones cannot serve.
  returned: always, once the options and files could be read
  type: bool
  sample: false
log:
  description: The last errors that Dovecot logged. Empty on success.
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
from ansible_collections.puffy.mail.plugins.module_utils import _dovecot as dovecot
from ansible_collections.puffy.mail.plugins.module_utils import _files as files
from ansible_collections.puffy.mail.plugins.module_utils import _host_lock as host_lock

#: directories of accounts that are gone, of which one run warns
LEFT_MAIL = 20


def check_options(params: dict[str, Any]) -> None:
    """ValueError for an option that cannot be used."""
    if not params["files"]:
        raise ValueError("files is empty. Name the configuration files that Dovecot reads")
    paths = [("files", path) for path in params["files"]]
    paths += [(f"keys.{name}", pair[name]) for pair in params["keys"] for name in ("key_file", "chain_file")]
    paths += [("auth_socket", params["auth_socket"]), ("state_directory", params["state_directory"])]
    paths += [(name, params[name]) for name in ("database", "lmtp_socket", "mail_home") if params[name]]
    for name, path in paths:
        if not os.path.isabs(path) or any(ord(char) < 32 for char in path):
            raise ValueError(f"{name} is {path!r}. Use an absolute path")
    if not 0 <= params["imaps_port"] <= 65535:
        raise ValueError(f"imaps_port is {params['imaps_port']}. Use a number from 0 to 65535")
    if params["imaps_port"] and not params["keys"]:
        raise ValueError("imaps_port is set and keys is empty. Name the key and the certificate that the port shows")
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", params["hostname"]):
        raise ValueError(f"hostname is {params['hostname']!r}. Use a host name, such as mail.example.org")
    if not 1 <= params["timeout"] <= 3600:
        raise ValueError(f"timeout is {params['timeout']}. Use a number of seconds from 1 to 3600")


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["started", "refreshed", "stopped"], "default": "started"},
            "enabled": {"type": "bool"},
            "files": {"type": "list", "elements": "path", "required": True},
            "keys": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "no_log": False,
                "options": {
                    "key_file": {"type": "path", "required": True, "no_log": False},
                    "chain_file": {"type": "path", "required": True},
                    "type": {"type": "str"},
                },
            },
            "database": {"type": "str", "default": ""},
            "auth_socket": {"type": "path", "required": True},
            "lmtp_socket": {"type": "str", "default": ""},
            "imaps_port": {"type": "int", "default": 0},
            "hostname": {"type": "str", "required": True},
            "mail_home": {"type": "str", "default": ""},
            "timeout": {"type": "int", "default": 30},
            "state_directory": {"type": "path"},
            "pending": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    host_lock.keep(module)
    params = module.params
    if params["state_directory"] is None:
        params["state_directory"] = os.path.join(activation.ROOT, "dovecot")
    try:
        check_options(params)
        pending = module.check_mode and params["pending"]
        if not pending:
            command.require("doveconf", hint="is Dovecot installed?")
    except (ValueError, command.CommandError) as error:
        module.fail_json(msg=f"{error}. Nothing was changed.")
    options = dovecot.Options(
        tuple(params["files"]), tuple((pair["key_file"], pair["chain_file"]) for pair in params["keys"]),
        params["database"], params["auth_socket"], params["lmtp_socket"], params["imaps_port"], params["hostname"],
        float(params["timeout"]),
    )  # fmt: skip
    place = activation.Place(params["state_directory"], os.path.dirname(options.files[0]))
    run = dovecot.Activation(options, place)
    try:
        place.check()
        if params["state"] == "refreshed" and place.read(run.title) is None:
            module.exit_json(**activation.nothing(run))
        if pending:
            module.exit_json(**activation.expected(run))
        with contextlib.nullcontext() if module.check_mode else place.locked():
            result = activation.converge(run, state=params["state"], enabled=params["enabled"], check=module.check_mode)
    except activation.Failed as error:
        module.fail_json(msg=files.shown(str(error)), **error.result)
    except (files.FileError, command.CommandError, OSError, ValueError) as error:
        module.fail_json(msg=files.shown(str(error)))
    if params["mail_home"] and params["state"] == "started":
        for directory in dovecot.left_mail(params["mail_home"])[:LEFT_MAIL]:
            module.warn(
                f"{directory} has mail and belongs to no active account. A new account of that name would read it. If"
                " the account is gone, move the directory away."
            )
    module.exit_json(**result)


if __name__ == "__main__":
    main()
