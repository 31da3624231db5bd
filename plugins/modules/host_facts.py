#!/usr/bin/python
# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_facts
short_description: Look at a mail host once, for all roles
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Reads what the roles of this collection need to know of a host, and changes nothing. The roles need no other facts.
  - Fails where the task does not run as root, because every role writes files of root.
  - Fails where none of the O(servers) takes a connection.
  - Fails where another run of a playbook holds the host, and names that run. Nothing is changed then.
options:
  account:
    description: Name of the account that owns the stored mail.
    type: str
    default: vmail
  servers:
    description:
      - URLs of the directory servers that the host will ask. C(ldapi) URLs are left out.
      - One server that takes a connection is enough.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds that all O(servers) together may take to answer.
    type: int
    default: 10
  certificates:
    description: Files with certificates, whose content is returned. Each may be missing.
    type: list
    elements: path
    default: []
  lock:
    description:
      - Holds the host for this run until M(puffy.mail.host_lock) ends the lock, so that no two playbooks change it at
        once. Each module of this collection renews the lock, and fails where another run has it.
      - A run that was killed does not renew its lock, which ends after O(lock.minutes). A run of the same control node
        takes over at once, because it sees that the process is gone.
      - Check mode takes no lock.
      - The tasks that follow need RV(ansible_facts.puffy_mail.run) as E(PUFFY_MAIL_RUN) in their environment.
    type: dict
    suboptions:
      playbook:
        description: What to call the playbook in messages.
        type: str
        required: true
      wait:
        description: Seconds to wait for another run that holds the host.
        type: int
        default: 0
      minutes:
        description: Minutes after the last module of this run after which others may take over.
        type: int
        default: 30
      run:
        description: What identifies this run. The action fills it in.
        type: str
      who:
        description: What describes this run to others. The action fills it in.
        type: str
      instead_of:
        description: A run that ended without an end of its lock. The action fills it in.
        type: str
        default: ""
attributes:
  check_mode:
    description: Only reads. Check mode takes no lock.
    support: full
  diff_mode:
    description: There is no change to show.
    support: none
  facts:
    description: Returns C(ansible_facts).
    support: full
  idempotent:
    description: Only reads, apart from the lock.
    support: full
  platform:
    description: OpenBSD, Debian and what derives from Debian. Fails elsewhere.
    platforms: openbsd, debian
    support: full
extends_documentation_fragment:
  - puffy.mail.attributes
seealso:
  - module: puffy.mail.packages
"""

EXAMPLES = r"""
- name: Look at the host
  puffy.mail.host_facts:
"""

RETURN = r"""
ansible_facts:
  description: What the host is.
  returned: success
  type: dict
  contains:
    os_family:
      description: The family of the system, as M(ansible.builtin.setup) names it.
      type: str
      sample: OpenBSD
    python:
      description: The interpreter that runs the modules, as V(executable).
      type: dict
    puffy_mail:
      description: What the roles of this collection ask for.
      type: dict
      contains:
        packages:
          description: Names of the installed packages. On OpenBSD they have their flavors, as in V(dovecot--).
          type: list
          elements: str
        provides:
          description: What the host can do, such as C(map:sqlite) for a table type of Postfix, C(openssl),
            C(python:cryptography).
          type: list
          elements: str
        postfix:
          description: V(version), V(table_types), V(cache_type), V(tls_library) and V(configured) of Postfix. Empty
            where Postfix is not installed.
          type: dict
        certificates:
          description: What each file of O(certificates) has, by its path. A file that is missing is left out.
          type: dict
        dovecot:
          description: V(version) of Dovecot. Empty where Dovecot is not installed.
          type: dict
        asked_account:
          description: The name in O(account).
          type: str
        account:
          description: V(name), V(uid), V(gid), V(group), V(home) and V(shell) of O(account). Empty where it does not
            exist.
          type: dict
        groups:
          description: Names of the groups of the host.
          type: list
          elements: str
        activated:
          description: Names of the daemons that modules of this collection activated, such as C(opendkim).
          type: list
          elements: str
        pending:
          description: Packages that M(puffy.mail.packages) would have installed, but for check mode.
          type: list
          elements: str
        run:
          description: What identifies the run that holds the host. Empty without O(lock).
          type: str
held_by:
  description: V(run) and V(who) of the other run that holds the host.
  returned: failure because of the lock
  type: dict
"""

import os
import sys
import urllib.parse
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.puffy.mail.plugins.module_utils import _command, _files, _host, _host_lock

_PORTS = {"ldap": 389, "ldaps": 636}


def _endpoints(urls: list[str]) -> list[tuple[str, int]]:
    """Host and port of each LDAP URL that names a host."""
    found = []
    for url in urls:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme in _PORTS:
            found.append((parts.hostname or "localhost", parts.port or _PORTS[parts.scheme]))
    return found


def _take(module: AnsibleModule) -> str:
    """Hold the host, if the lock is asked for; what identifies the run that holds it. Fails where another run does."""
    run = os.environ.get(_host_lock.VARIABLE, "")
    lock = module.params["lock"]
    if module.check_mode:
        return ""
    try:
        if lock is None:
            _host_lock.check(run)
            return run
        run = lock["run"] or f"process {os.getpid()}"
        before = _host_lock.take(
            run,
            lock["who"] or f"puffy.mail.{lock['playbook']}",
            lease=60.0 * lock["minutes"],
            wait=float(lock["wait"]),
            instead_of=lock["instead_of"],
        )
    except _host_lock.Held as exc:
        held_by = {"run": exc.holder.run, "who": exc.holder.who}
        module.fail_json(msg=f"{exc}. Nothing was changed.", held_by=held_by)
    except _files.FileError as exc:
        module.fail_json(msg=f"{exc}. Nothing was changed.")
    if before is not None:
        module.warn(f"This run took the lock on this host over from a run that did not come to its end: {before}.")
    return run


def _look(account: str, certificates: list[str], run: str) -> dict[str, Any]:
    family = _host.system()
    if family not in ("Debian", "OpenBSD"):
        raise ValueError(
            f"This host runs {family}. The roles of puffy.mail know OpenBSD, Debian and what derives from Debian"
        )
    postfix = _host.postfix()
    found = {path: _files.read(path) for path in certificates}
    return {
        "os_family": family,
        "python": {"executable": sys.executable},
        "puffy_mail": {
            "packages": _host.packages(family),
            "provides": _host.provided(postfix.get("table_types", ())),
            "postfix": postfix,
            "dovecot": _host.dovecot(),
            "certificates": {path: _files.shown(file.text()) for path, file in found.items() if file is not None},
            "asked_account": account,
            "account": _host.account(account),
            "groups": _host.groups(),
            "activated": _host.activated(),
            "pending": [],
            "run": run,
        },
    }


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "account": {"type": "str", "default": "vmail"},
            "servers": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "int", "default": 10},
            "certificates": {"type": "list", "elements": "path", "default": []},
            "lock": {
                "type": "dict",
                "options": {
                    "playbook": {"type": "str", "required": True},
                    "wait": {"type": "int", "default": 0},
                    "minutes": {"type": "int", "default": 30},
                    "run": {"type": "str"},
                    "who": {"type": "str"},
                    "instead_of": {"type": "str", "default": ""},
                },
            },
        },
        supports_check_mode=True,
    )
    if os.geteuid() != 0:
        module.fail_json(
            msg="The roles of puffy.mail need root on the host, and this task does not run as root."
            " Set 'become: true' (or connect as root). Nothing was changed."
        )
    run = _take(module)
    try:
        endpoints = _endpoints(module.params["servers"])
        away = _host.unreachable(endpoints, module.params["timeout"]) if endpoints else []
        if away:
            module.fail_json(
                msg=f"No directory server takes a connection ({'; '.join(away)})."
                " Start a server or correct its URL. Nothing was changed."
            )
        facts = _look(module.params["account"], module.params["certificates"], run)
    except (OSError, ValueError, _command.CommandError, _files.FileError) as exc:
        module.fail_json(msg=f"{exc}. Nothing was changed.")
    module.exit_json(changed=False, ansible_facts=facts)


if __name__ == "__main__":
    main()
