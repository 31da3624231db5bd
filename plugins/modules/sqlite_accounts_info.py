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
  - Reads a database that M(puffy.mail.sqlite_accounts) or PostfixAdmin keeps, and changes nothing.
  - Of PostfixAdmin's database it checks that the tables and columns are there which Postfix reads, that Postfix can
    read the file, and that each lookup has its index. Accounts are counted and not returned.
options:
  path:
    description: Absolute path of the database.
    type: path
    required: true
  kept_by:
    description: Who keeps the database, and so what is expected of it.
    type: str
    choices: [puffy_mail, postfixadmin]
    default: puffy_mail
  hashes:
    description:
      - Whether RV(password_hashes) is returned, for the control side to keep the hashes that still fit.
      - Give the task C(no_log=true) then.
    type: bool
    default: false
  alias_targets:
    description:
      - The most addresses that an alias may lead to, as in Postfix's C(virtual_alias_expansion_limit). Used with
        V(kept_by=postfixadmin).
    type: int
    default: 1000
  recipient_delimiter:
    description:
      - The characters that separate a local part from its extension, as in Postfix's C(recipient_delimiter). Used with
        O(kept_by=postfixadmin), to follow aliases.
    type: str
    default: "+"
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

- name: Check that Postfix can be served from PostfixAdmin's database
  puffy.mail.sqlite_accounts_info:
    path: /home/vmail/database/vmail.sqlite3
    kept_by: postfixadmin
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
  returned: when O(kept_by=puffy_mail)
mailboxes:
  description: The mailboxes, each with C(address), C(name), C(maildir), C(quota) (bytes) and C(active).
  type: list
  elements: dict
  returned: when O(kept_by=puffy_mail)
aliases:
  description: The aliases, each with C(address), C(goto) (a list) and C(active).
  type: list
  elements: dict
  returned: when O(kept_by=puffy_mail)
domain_aliases:
  description: The domains that stand for another one, each with C(name), C(target) and C(active).
  type: list
  elements: dict
  returned: when O(kept_by=puffy_mail)
counts:
  description: How many entries each table has.
  type: dict
  returned: when O(kept_by=postfixadmin)
  sample: {"domain": 2, "mailbox": 40, "alias": 52, "alias_domain": 0}
findings:
  description:
    - A sentence for each index that is missing, for entries that Postfix cannot find, and for aliases that lead to
      nobody or round in a circle. They are warnings too.
  type: list
  elements: str
  returned: when O(kept_by=postfixadmin)
expect:
  description:
    - By client file of P(puffy.mail.sqlite_client_files#filter), what it must answer to a few keys of each kind, null
      for "not found".
  type: dict
  returned: when O(kept_by=postfixadmin)
password_hashes:
  description: The hash of each mailbox, by address.
  type: dict
  returned: when O(hashes=true)
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.puffy.mail.plugins.module_utils import _command
from ansible_collections.puffy.mail.plugins.module_utils._accounts import database as sqlite_database
from ansible_collections.puffy.mail.plugins.module_utils._accounts import rows
from ansible_collections.puffy.mail.plugins.module_utils._tables import query


def _told(tables: rows.Tables) -> dict[str, list[dict[str, Any]]]:
    twins = [
        {"name": name, "target": target, "active": bool(active)}
        for name, target, active in tables.get("alias_domain", {}).values()
        if rows.folded(name) == name  # leaves out the other spelling of a domain
    ]
    own = tables.get("alias_domain", {})
    domains = [
        {"name": name, "description": description, "backupmx": bool(backupmx), "active": bool(active)}
        for name, description, backupmx, active in tables.get("domain", {}).values()
        if name not in own
    ]
    mailboxes = [
        {"address": address, "name": name, "maildir": maildir, "quota": quota, "active": bool(active)}
        for address, _hash, name, maildir, quota, _local, _domain, active in tables.get("mailbox", {}).values()
    ]
    aliases = [
        {"address": address, "goto": goto.split(","), "active": bool(active)}
        for address, goto, _domain, active in tables.get("alias", {}).values()
    ]
    return {"domains": domains, "mailboxes": mailboxes, "aliases": aliases, "domain_aliases": twins}


def _surveyed(path: str, delimiter: str, alias_targets: int) -> dict[str, Any]:
    """What PostfixAdmin's database holds. Raises DatabaseError where Postfix cannot be served from it."""
    if sqlite_database.exists(path) and query.installed():
        postfix = query.discover()
        problem = sqlite_database.unreadable(path, postfix.mail_owner, postfix.uid, postfix.gid, postfix.group)
        if problem:
            raise sqlite_database.DatabaseError(problem)
    with sqlite_database.opened_for_reading(path) as connection:
        found = sqlite_database.survey(connection)
        missing = rows.schema_problems(found.columns)
        if missing:
            raise sqlite_database.DatabaseError(
                f"{path}: is not a database of PostfixAdmin that Postfix can use: {'; '.join(missing)}."
                " Run PostfixAdmin's upgrade.php, or name another file. Nothing was changed"
            )
        find = sqlite_database.row_finder(connection)
        return {
            "exists": True,
            "counts": found.counts,
            "findings": [
                *rows.index_findings(found.leading),
                *sqlite_database.data_findings(connection, delimiter, alias_targets),
            ],
            "expect": rows.proofs(find, sqlite_database.sample_keys(connection)),
        }


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "kept_by": {"type": "str", "choices": ["puffy_mail", "postfixadmin"], "default": "puffy_mail"},
            "hashes": {"type": "bool", "default": False},
            "alias_targets": {"type": "int", "default": 1000},
            "recipient_delimiter": {"type": "str", "default": "+"},
        },
        supports_check_mode=True,
    )
    path = module.params["path"]
    try:
        if module.params["kept_by"] == "postfixadmin":
            surveyed = _surveyed(path, module.params["recipient_delimiter"], module.params["alias_targets"])
            for finding in surveyed["findings"]:
                module.warn(f"{path}: {finding}")
            module.exit_json(changed=False, **surveyed)
        database = sqlite_database.read(path)
    except (sqlite_database.DatabaseError, _command.CommandError) as exc:
        module.fail_json(msg=f"{exc}")
    tables = database.tables if database else {}
    result: dict[str, Any] = {"exists": database is not None, **_told(tables)}
    if module.params["hashes"]:
        result["password_hashes"] = {row[0]: row[1] for row in tables.get("mailbox", {}).values()}
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
