#!/usr/bin/python
# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: sqlite_accounts_info
short_description: What a SQLite accounts database holds
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Reads a database that M(puffy.mail.sqlite_accounts) keeps, and changes nothing.
options:
  path:
    description: Absolute path of the database.
    type: path
    required: true
  hashes:
    description:
      - Whether RV(password_hashes) is returned, for the control side to keep the hashes that still fit.
      - Give the task C(no_log=true) then.
    type: bool
    default: false
attributes:
  check_mode:
    description: Reads only, so both modes are the same.
    support: full
  diff_mode:
    description: Nothing changes, so there is no difference to show.
    support: N/A
  idempotent:
    description: Nothing changes.
    support: full
  platform:
    description: Hosts with Python's sqlite3.
    platforms: openbsd, debian
    support: full
seealso:
  - module: puffy.mail.sqlite_accounts
"""

EXAMPLES = r"""
- name: See which mailboxes there are
  puffy.mail.sqlite_accounts_info:
    path: /var/lib/puffy-mail/accounts.sqlite
  register: accounts
"""

RETURN = r"""
exists:
  description: Whether there is a database.
  type: bool
  returned: always
domains:
  description: The domains, each with C(name), C(description), C(backupmx) and C(active), in the order of the names.
  type: list
  elements: dict
  returned: always
mailboxes:
  description: The mailboxes, each with C(address), C(name), C(maildir), C(quota) (bytes) and C(active).
  type: list
  elements: dict
  returned: always
aliases:
  description: The aliases, each with C(address), C(goto) (a list) and C(active).
  type: list
  elements: dict
  returned: always
password_hashes:
  description: The hash of each mailbox, by address.
  type: dict
  returned: when O(hashes=true)
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.puffy.mail.plugins.module_utils import _sqlite_accounts, _sqlite_database


def _told(tables: _sqlite_accounts.Tables) -> dict[str, list[dict[str, Any]]]:
    domains = [
        {"name": name, "description": description, "backupmx": bool(backupmx), "active": bool(active)}
        for name, description, backupmx, active in tables.get("domain", {}).values()
    ]
    mailboxes = [
        {"address": address, "name": name, "maildir": maildir, "quota": quota, "active": bool(active)}
        for address, _hash, name, maildir, quota, _local, _domain, active in tables.get("mailbox", {}).values()
    ]
    aliases = [
        {"address": address, "goto": goto.split(","), "active": bool(active)}
        for address, goto, _domain, active in tables.get("alias", {}).values()
    ]
    return {"domains": domains, "mailboxes": mailboxes, "aliases": aliases}


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "hashes": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    try:
        database = _sqlite_database.read(module.params["path"])
    except _sqlite_database.DatabaseError as exc:
        module.fail_json(msg=f"{exc}")
    tables = database.tables if database else {}
    result: dict[str, Any] = {"exists": database is not None, **_told(tables)}
    if module.params["hashes"]:
        result["password_hashes"] = {row[0]: row[1] for row in tables.get("mailbox", {}).values()}
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
