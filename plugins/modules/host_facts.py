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
  ca_file:
    description: File with the certificate of the CA that the host's clients trust. It may be missing.
    type: path
attributes:
  check_mode:
    description: Only reads.
    support: full
  diff_mode:
    description: There is no change to show.
    support: none
  facts:
    description: Returns C(ansible_facts).
    support: full
  idempotent:
    description: Only reads.
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
        ca:
          description: What O(ca_file) has. Empty without that file.
          type: str
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
"""

import os
import sys
import urllib.parse
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.puffy.mail.plugins.module_utils import _command, _files, _host

_PORTS = {"ldap": 389, "ldaps": 636}


def _endpoints(urls: list[str]) -> list[tuple[str, int]]:
    """Host and port of each LDAP URL that names a host."""
    found = []
    for url in urls:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme in _PORTS:
            found.append((parts.hostname or "localhost", parts.port or _PORTS[parts.scheme]))
    return found


def _look(account: str, ca_file: str | None) -> dict[str, Any]:
    family = _host.system()
    if family not in ("Debian", "OpenBSD"):
        raise ValueError(
            f"This host runs {family}. The roles of puffy.mail know OpenBSD, Debian and what derives from Debian"
        )
    postfix = _host.postfix()
    ca = _files.read(ca_file) if ca_file else None
    return {
        "os_family": family,
        "python": {"executable": sys.executable},
        "puffy_mail": {
            "packages": _host.packages(family),
            "provides": _host.provided(postfix.get("table_types", ())),
            "postfix": postfix,
            "dovecot": _host.dovecot(),
            "ca": _files.shown(ca.text()) if ca else "",
            "asked_account": account,
            "account": _host.account(account),
            "groups": _host.groups(),
            "activated": _host.activated(),
            "pending": [],
        },
    }


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "account": {"type": "str", "default": "vmail"},
            "servers": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "int", "default": 10},
            "ca_file": {"type": "path"},
        },
        supports_check_mode=True,
    )
    if os.geteuid() != 0:
        module.fail_json(
            msg="The roles of puffy.mail need root on the host, and this task does not run as root."
            " Set 'become: true' (or connect as root). Nothing was changed."
        )
    try:
        endpoints = _endpoints(module.params["servers"])
        away = _host.unreachable(endpoints, module.params["timeout"]) if endpoints else []
        if away:
            module.fail_json(
                msg=f"No directory server takes a connection ({'; '.join(away)})."
                " Start a server or correct its URL. Nothing was changed."
            )
        facts = _look(module.params["account"], module.params["ca_file"])
    except (OSError, ValueError, _command.CommandError, _files.FileError) as exc:
        module.fail_json(msg=f"{exc}. Nothing was changed.")
    module.exit_json(changed=False, ansible_facts=facts)


if __name__ == "__main__":
    main()
