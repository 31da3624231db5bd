#!/usr/bin/python
# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: sqlite_accounts
short_description: Mail domains, mailboxes and aliases in one SQLite database
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Keeps a SQLite database with the tables and column names of PostfixAdmin (C(domain), C(mailbox), C(alias),
    C(alias_domain)), which Postfix and Dovecot read.
  - Rows are compared by content and changed in one transaction, so a reader sees the accounts before or after, never
    half. A new database takes its name when it is complete.
  - Addresses are folded to lower case.
  - A database that this module did not make is never touched. One that an earlier release made gets the tables that
    have come since, in the same transaction.
options:
  path:
    description: Absolute path of the database. Its directory must exist and be open to those who read the database.
    type: path
    required: true
  src:
    description:
      - A JSON file on the control node with all accounts, instead of O(domains), O(mailboxes), O(aliases) and
        O(domain_aliases), which are its keys. It may be encrypted with C(ansible-vault).
      - For many accounts. In variables each costs Ansible about a millisecond; from a file, a hundred thousand take two
        seconds.
      - The copy on the host is in Ansible's temporary directory and goes with it.
    type: path
  domains:
    description:
      - The domains whose mail is kept here, at least one. Each is a name, or a mapping with C(name), C(description),
        C(backupmx) and C(active).
    type: list
    elements: raw
    default: []
  mailboxes:
    description:
      - Each is a mapping with C(address), C(password) or C(password_hash), and optionally C(name), C(quota) (bytes, 0
        for no limit), C(maildir) (DOMAIN/LOCAL_PART/, the only place) and C(active).
      - C(password) is hashed with bcrypt on the control side, which needs the Python package C(bcrypt) for it. No
        password in plain text reaches the host. The hash that the host has is kept while it fits the password.
      - C(password_hash) is a hash with its Dovecot scheme, such as V({BLF-CRYPT}$2b$12$…).
    type: list
    elements: dict
    default: []
  password_cost:
    description: Logarithm to the base 2 of the number of bcrypt rounds of a new hash, 4 to 31. Used on the control
      side.
    type: int
    default: 12
  aliases:
    description:
      - Each is a mapping with C(address) (or V(@example.org) for every other address of a domain), C(goto), a list of
        addresses, and optionally C(active).
    type: list
    elements: dict
    default: []
  domain_aliases:
    description:
      - Domains that stand for another one, each a mapping with C(name), C(target), which is one of O(domains), and
        optionally C(active). Each address of the target is one of C(name) too.
    type: list
    elements: dict
    default: []
  exclusive:
    description: Whether rows that are not named are removed.
    type: bool
    default: true
  remove_many:
    description:
      - Whether one run may remove or switch off all mailboxes or all addresses of a domain, or more than a tenth of the
        mailboxes, aliases, domains or domain aliases. A single one may always go, unless it is the last mailbox or the
        last address of its domain.
      - Without it such a run fails with the names, because a variable that is missing looks the same. Set it for one
        run.
    type: bool
    default: false
  mail_home:
    description:
      - The directory in which C(DOMAIN/LOCAL_PART) holds the mail of a mailbox, an absolute path.
      - A mailbox that is added to a database while that directory has mail fails with the directory's name. Otherwise
        its new owner would read the mail of an earlier one. The same holds for a mailbox that is switched off and
        comes back with another password.
    type: path
  keep_days:
    description:
      - For how many days a mailbox that is no longer among the accounts stays in the database. It is switched off at
        once, so nobody can log in and no mail is taken. An address that comes back with the same password within that
        time works as before.
      - 0 removes the mailbox at once.
    type: int
    default: 30
  adopt_mail:
    description: Whether a new mailbox may get the mail that is there in O(mail_home).
    type: bool
    default: false
  alias_targets:
    description:
      - The most addresses that an alias may lead to, as in Postfix's C(virtual_alias_expansion_limit).
    type: int
    default: 1000
  recipient_delimiter:
    description:
      - The characters that separate a local part from its extension, as in Postfix's C(recipient_delimiter).
        Aliases are followed with them.
    type: str
    default: "+"
  owner:
    description: Owner of the database.
    type: str
    default: root
  group:
    description: Group of the database; those who read it belong to it.
    type: str
    default: "0"
  mode:
    description: Permission bits in octal.
    type: str
    default: "0640"
attributes:
  check_mode:
    description: Reports what a run would change; the database is opened for reading only.
    support: full
  diff_mode:
    description: Shows the rows that differ, hashes masked, at most 500 lines of each side.
    support: full
  idempotent:
    description: Rows are compared by content.
    support: full
  platform:
    description: Hosts with Python's sqlite3.
    platforms: openbsd, debian
    support: full
seealso:
  - module: puffy.mail.sqlite_accounts_info
  - module: puffy.mail.map_config
"""

EXAMPLES = r"""
- name: Keep the accounts
  puffy.mail.sqlite_accounts:
    path: /var/lib/puffy-mail/accounts.sqlite
    group: postfix
    domains:
      - example.org
    mailboxes:
      - address: alice@example.org
        name: Alice
        password_hash: "{{ vault_alice_hash }}"
        quota: 1073741824
    aliases:
      - address: postmaster@example.org
        goto: [alice@example.org]

- name: Keep very many accounts, exported by another system
  puffy.mail.sqlite_accounts:
    path: /var/lib/puffy-mail/accounts.sqlite
    group: postfix
    src: accounts.json
"""

RETURN = r"""
path:
  description: The database.
  type: str
  returned: always
rows:
  description: By table, how many rows were (or in check mode would be) C(inserted), C(updated) and C(deleted).
  type: dict
  returned: success
  sample: {"mailbox": {"inserted": 1, "updated": 0, "deleted": 0}}
expect:
  description:
    - By client file of P(puffy.mail.sqlite_client_files#filter), what it must answer to a few keys of each kind, null
      for "not found".
  type: dict
  returned: success
digest:
  description: Stands for all rows, for O(puffy.mail.map_config#module:digest). Empty in check mode.
  type: str
  returned: success
diff:
  description: The rows that differ, before and after, hashes masked.
  type: dict
  returned: success
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.puffy.mail.plugins.module_utils import _files, _host_lock
from ansible_collections.puffy.mail.plugins.module_utils._accounts import database as sqlite_database
from ansible_collections.puffy.mail.plugins.module_utils._accounts import entries, rows


def _take_file(params: dict[str, Any]) -> None:
    """Put the lists of the accounts file into ``params``; ValueError where it has none, or there are others."""
    src: str | None = params["src"]
    if src is None:
        return
    named = [name for name in entries.LISTS if params[name]]
    if named:
        raise ValueError(
            f"src and {named[0]} are both given. Put all accounts in the file, or give all as options."
            " Nothing was changed."
        )
    name = os.path.basename(src)  # the directory is Ansible's and means nothing to a reader
    state = _files.read(src)
    if state is None:
        raise ValueError(f"src {src!r} is not there. Nothing was changed.")
    try:
        params.update(entries.accounts_file(state.content.decode(), name))
    except UnicodeDecodeError as exc:
        raise ValueError(f"{name} is no UTF-8 at byte {exc.start}. Nothing was changed.") from None
    except ValueError as exc:
        raise ValueError(f"{exc} Nothing was changed.") from None


def _check(params: dict[str, Any], current: rows.Tables) -> None:
    """ValueError with a sentence for each entry that is wrong."""
    found = entries.account_problems(
        *(params[name] for name in entries.LISTS),
        plain_passwords=False,
        known={} if params["exclusive"] else current,
        delimiter=params["recipient_delimiter"],
        most_targets=params["alias_targets"],
    )
    if found:
        raise ValueError(" ".join([*rows.first_of(found), "Nothing was changed."]))


def _mail_problem(mail_home: str | None, plan: rows.TablePlan) -> str | None:
    """Why mailboxes cannot be added: the directories of their mail that hold something already."""
    if mail_home is None:
        return None
    domain, local = (rows.COLUMNS["mailbox"].index(name) for name in ("domain", "local_part"))
    there = []
    back = [new for old, new in plan.update if new[-1] and not old[-1] and new[1] != old[1]]
    for row in [*plan.insert, *back]:
        directory = os.path.join(mail_home, row[domain], row[local])
        if os.path.isdir(directory) and os.listdir(directory):
            there.append(directory)
    if not there:
        return None
    return (
        f"The mail of an earlier account is in {', '.join(rows.first_of(there))}, and the new owner would read it."
        " Move it away. To give it to the new mailbox, set adopt_mail (in the role, sqlite_maps_adopt_mail) to true"
        " for one run."
    )


def _converge(params: dict[str, Any], *, check_mode: bool) -> dict[str, Any]:
    _take_file(params)
    path: str = params["path"]
    if not os.path.isabs(path):
        raise ValueError(f"path {path!r} is not absolute")
    mode = _files.mode_of(params["mode"])
    if mode & 0o007:
        raise ValueError(f"mode {params['mode']!r} would let every user of the host read the password hashes")
    try:
        uid, gid = _files.uid_of(params["owner"]), _files.gid_of(params["group"])
    except _files.FileError:
        if not check_mode:
            raise
        uid = gid = -1  # made by a task that was only predicted
    database = sqlite_database.read(path, recover=not check_mode)
    current = database.tables if database else {}
    _check(params, current)
    wanted = rows.rows(*(params[name] for name in entries.LISTS))
    exclusive: bool = params["exclusive"]
    if params["keep_days"] < 0:
        raise ValueError(f"keep_days is {params['keep_days']}. Use 0 or more. Nothing was changed.")
    due = sqlite_database.off_for(database, params["keep_days"])

    written: rows.Tables = {}

    def replanned(tables: rows.Tables) -> dict[str, rows.TablePlan]:
        """The plan for the rows under the lock: another run may have changed them."""
        nonlocal written
        found = planned(tables)
        written = rows.applied(tables, found)
        return found

    def planned(tables: rows.Tables) -> dict[str, rows.TablePlan]:
        found = rows.plan(tables, wanted, exclusive, due)
        problem = None if params["remove_many"] else rows.removal_problem(tables, found)
        # After a database was lost, the same accounts come back to their mail.
        if not problem and tables and not params["adopt_mail"]:
            problem = _mail_problem(params["mail_home"], found["mailbox"])
        if problem:
            raise ValueError(f"{path}: {problem} Nothing was changed.")
        return found

    plans = planned(current)
    old_version = database.version if database else rows.SCHEMA_VERSION
    outdated = old_version != rows.SCHEMA_VERSION
    differs = database is None or any(plans.values()) or database.journal_mode != "delete" or outdated
    disowned = database is not None and (database.uid, database.gid, database.mode) != (uid, gid, mode)

    before, after = rows.diff_lines(plans)
    if disowned and database is not None:
        before.append(f"mode {database.mode:04o}, owner {database.uid}, group {database.gid}")
        after.append(f"mode {mode:04o}, owner {params['owner']}, group {params['group']}")
    if outdated:
        before.append(f"schema version {old_version}")
        after.append(f"schema version {rows.SCHEMA_VERSION}")
    diff = {
        "before": "".join(f"{line}\n" for line in before),
        "after": "".join(f"{line}\n" for line in after),
        "before_header": path if database else f"{path} (absent)",
        "after_header": path,
    }
    written = rows.applied(current, plans)
    if not check_mode:
        if database is None:
            sqlite_database.create(path, plans, uid=uid, gid=gid, mode=mode)
        else:
            if differs:
                sqlite_database.update(path, replanned)
            if disowned:
                sqlite_database.own(path, uid=uid, gid=gid, mode=mode)
    final = rows.merged(current, wanted, exclusive)
    return {
        "changed": differs or disowned,
        "rows": rows.counts(plans),
        "digest": "" if check_mode else rows.digest(written),
        "expect": rows.proofs(rows.finder(final), rows.samples(final)),
        "diff": diff,
    }


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "src": {"type": "path"},
            "domains": {"type": "list", "elements": "raw", "default": []},
            # Not to be logged: hashes, and the names of people. Entries are checked by account_problems, which
            # names the entry and is quick for a hundred thousand of them.
            "mailboxes": {"type": "list", "elements": "dict", "default": [], "no_log": True},
            # Used by the action plugin alone.
            "password_cost": {"type": "int", "default": 12, "no_log": False},
            "aliases": {"type": "list", "elements": "dict", "default": [], "no_log": True},
            "domain_aliases": {"type": "list", "elements": "dict", "default": []},
            "exclusive": {"type": "bool", "default": True},
            "remove_many": {"type": "bool", "default": False},
            "mail_home": {"type": "path"},
            "keep_days": {"type": "int", "default": 30},
            "adopt_mail": {"type": "bool", "default": False},
            "alias_targets": {"type": "int", "default": 1000},
            "recipient_delimiter": {"type": "str", "default": "+"},
            "owner": {"type": "str", "default": "root"},
            "group": {"type": "str", "default": "0"},
            "mode": {"type": "str", "default": "0640"},
        },
        # The log line would be scrubbed value by value, which takes hours for a hundred thousand mailboxes.
        no_log=True,
        supports_check_mode=True,
    )
    _host_lock.keep(module)
    # The lists may come from a file, which is not a part of the invocation.
    params = dict(module.params)
    shown = {
        **params,
        "mailboxes": f"{len(params['mailboxes'])} entries",
        "aliases": f"{len(params['aliases'])} entries",
    }
    # What is returned holds neither a hash nor the entries, so nothing in it needs scrubbing.
    module.no_log_values.clear()
    try:
        result = _converge(params, check_mode=module.check_mode)
    except (ValueError, _files.FileError, sqlite_database.DatabaseError) as exc:
        module.fail_json(msg=f"{exc}", path=params["path"], invocation={"module_args": shown})
    module.exit_json(path=params["path"], invocation={"module_args": shown}, **result)


if __name__ == "__main__":
    main()
