#!/usr/bin/python
# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: proxymap
short_description: Make Postfix's proxymap answer as its tables do now
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - C(proxymap(8)) keeps the databases open that it answers from. Where such a file was replaced by another one, it
    answers from the old one; where it was away for a moment, it may go on saying so. Both end with its process, which
    lives as long as it is busy.
  - Remembers which files the databases were. Where one is another file now, or was moved away and back, or had another
    owner or mode, Postfix is reloaded. That a file was written to is nothing to reload for.
  - Asks the running proxymap for keys whose answers are known, and reloads Postfix where it answers otherwise or not
    at all.
  - Where Postfix does not run, and for a table that main.cf does not name with C(proxy:), there is nothing to do.
options:
  tables:
    description:
      - By table, named as in main.cf without C(proxy:), what it must answer, key by key; null for "not found".
    type: dict
    required: true
  databases:
    description: Absolute paths of the files that the tables read.
    type: list
    elements: path
    default: []
  stamp:
    description: Absolute path of the file that remembers O(databases). Required with it.
    type: path
  timeout:
    description: Seconds that one table may take to answer, and Postfix to be ready again after a reload.
    type: int
    default: 10
  config_directory:
    description: Postfix's configuration directory, where it is not the default one.
    type: path
attributes:
  check_mode:
    description: Asks as a run does, and says whether Postfix would be reloaded.
    support: full
  diff_mode:
    description: Shows what was answered and what is expected.
    support: full
  idempotent:
    description: Once the answers are right and the files are the same, nothing is done.
    support: full
  platform:
    description: Hosts with Postfix 3.5 or later.
    platforms: openbsd, debian
    support: full
seealso:
  - module: puffy.mail.map_config
  - module: puffy.mail.postfix_service
"""

EXAMPLES = r"""
- name: Let Postfix see that the database was replaced
  puffy.mail.proxymap:
    tables:
      sqlite:/etc/postfix/sqlite/virtual_mailbox_maps.cf:
        alice@example.org: example.org/alice/
        nobody@example.org: null
    databases: [/var/lib/puffy-mail/accounts.sqlite]
    stamp: /etc/postfix/sqlite/.databases
"""

RETURN = r"""
asked:
  description: The tables that were asked; empty where Postfix does not run or uses none of them through proxymap.
  type: list
  elements: str
  returned: success
stale:
  description: By table, what was answered wrongly; empty where all answers were right.
  type: dict
  returned: success
diff:
  description: The wrong answers, and the right ones.
  type: dict
  returned: success
"""

import os
import time
from typing import Any, Optional

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.puffy.mail.plugins.module_utils import _command, _files
from ansible_collections.puffy.mail.plugins.module_utils._tables import query

Tables = dict[str, dict[str, Optional[str]]]


def _stale(postfix: query.Postfix, tables: Tables, timeout: float) -> dict[str, str]:
    """By table, what the running proxymap answers wrongly."""
    found = {}
    for table, expect in tables.items():
        try:
            answers = query.ask(postfix, f"proxy:{table}", expect, timeout=timeout)
        except _command.CommandError as exc:
            found[table] = str(exc)
            continue
        wrong = query.unmet(expect, answers)
        if wrong:
            found[table] = "; ".join(wrong)
    return found


def _identities(databases: list[str]) -> str:
    """Which file each database is, and when its content and its name or mode were changed last, in nanoseconds."""
    lines = []
    for path in databases:
        try:
            status = os.stat(path)
        except FileNotFoundError:
            lines.append(f"- {path}\n")
        else:
            lines.append(f"{status.st_ino} {status.st_mtime_ns} {status.st_ctime_ns} {path}\n")
    return "".join(lines)


def _same_files(known: str, identities: str) -> bool:
    """Whether the same files have been there under their names all the time, as far as that can be told.

    A file that takes the name has another inode while the first one is held open. One that was moved away and back, or
    that nobody could read for a while, has another time of its last change, and not of its content as one that was
    written to.
    """
    before, after = known.splitlines(), identities.splitlines()
    if len(before) != len(after):
        return False
    for old, new in zip(before, after):
        if old == new:
            continue
        was, now = old.split(" ", 3), new.split(" ", 3)
        if len(was) != 4 or len(now) != 4 or (was[0], was[3]) != (now[0], now[3]) or was[1] == now[1]:
            return False
    return True


def _wanted(tables: dict[str, Any]) -> Tables:
    """What each table must answer. Raises ValueError."""
    wanted = {}
    for table, expect in tables.items():
        if not isinstance(expect, dict):
            raise ValueError(f"tables has {table!r} without a mapping of keys to answers; nothing was asked")
        wanted[table] = query.expectations(expect, f"the table {table!r}")
    return wanted


def _refresh(module: AnsibleModule) -> dict[str, Any]:
    tables = _wanted(module.params["tables"])
    timeout: int = module.params["timeout"]
    stamp: str = module.params["stamp"]
    before = _files.read(stamp) if stamp else None
    known = before.text() if before else ""
    identities = _identities(module.params["databases"])
    same = _same_files(known, identities)
    result = _reloaded(module, tables, timeout, not same)
    if not same:
        result["changed"] = True
        result["diff"]["before"] += known
        result["diff"]["after"] += identities
    if known != identities and not module.check_mode:
        _files.write(stamp, _files.encode_text(identities), uid=0, gid=0, mode=0o600)
    return result


def _reloaded(module: AnsibleModule, tables: Tables, timeout: float, replaced: bool) -> dict[str, Any]:
    """Reload Postfix where a database is another file, or proxymap answers wrongly."""
    nothing = {"changed": False, "asked": [], "stale": {}, "diff": {"before": "", "after": ""}}
    if not query.installed():
        return nothing
    postfix = query.discover(module.params["config_directory"])
    command = [_command.require("postfix", [postfix.command_directory]), "-c", postfix.config_directory]
    if _command.run([*command, "status"], check=False).rc != 0:
        return nothing
    used = query.proxied(postfix)
    asked = {table: expect for table, expect in tables.items() if table in used and expect}
    stale = _stale(postfix, asked, timeout)
    if (stale or (replaced and used)) and not module.check_mode:
        _command.run([*command, "reload"])
        deadline = time.monotonic() + timeout
        while (left := _stale(postfix, {table: asked[table] for table in stale}, timeout)) and (
            time.monotonic() < deadline
        ):
            time.sleep(0.5)
        if left:
            raise _command.CommandError(f"Postfix was reloaded, and still: {'; '.join(left.values())}")
    return {
        "changed": bool(stale),
        "asked": sorted(asked),
        "stale": stale,
        "diff": {
            "before": "".join(f"proxy:{table}: {why}\n" for table, why in sorted(stale.items())),
            "after": "".join(f"proxy:{table}: answers as expected\n" for table in sorted(stale)),
        },
    }


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "tables": {"type": "dict", "required": True},
            "databases": {"type": "list", "elements": "path", "default": []},
            "stamp": {"type": "path"},
            "timeout": {"type": "int", "default": 10},
            "config_directory": {"type": "path"},
        },
        supports_check_mode=True,
    )
    databases, stamp = module.params["databases"], module.params["stamp"]
    if bool(databases) is not bool(stamp):
        module.fail_json(msg="databases and stamp belong together; nothing was asked")
    for name in [*databases, stamp] if stamp else []:
        if not os.path.isabs(name):
            module.fail_json(msg=f"{name!r} is not an absolute path; nothing was asked")
    try:
        result = _refresh(module)
    except (ValueError, OSError, _command.CommandError, _files.FileError) as exc:
        module.fail_json(msg=f"{exc}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
