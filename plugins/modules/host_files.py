#!/usr/bin/python
# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_files
short_description: Set an account, directories and small files in one call
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Sets the account that owns files, then directories, then files, in the order of the lists.
  - Symbolic links are followed only where root alone may have made them. A directory or file that is another one than
    it seems, such as a hard link, is refused with its path.
  - The account is set with M(ansible.builtin.group) and M(ansible.builtin.user), and only where the facts of
    M(puffy.mail.host_facts) show a difference. Everything else takes one module run.
  - A file is written beside its name, checked by its O(files[].validate) command, and then takes its name.
options:
  account:
    description: An account, and its primary group. The account of these facts is C(puffy_mail.account).
    type: dict
    suboptions:
      name:
        description: Name of the account.
        type: str
        required: true
      group:
        description: Name of its primary group.
        type: str
        required: true
      home:
        description: Home directory. It is not made.
        type: path
        required: true
      uid:
        description: Number of a new account and of a new group. Without it, the system chooses numbers for system
          accounts.
        type: int
      comment:
        description: Full name of the account.
        type: str
        default: ""
      shell:
        description: Login shell.
        type: path
        required: true
  directories:
    description: Directories to have. Missing parents are made with the mode C(0755), owned by root.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path.
        type: path
        required: true
      owner:
        description: Owner.
        type: str
        default: root
      group:
        description: Group. Without it, the group of a directory that is there stays.
        type: str
      mode:
        description: Mode, in octal digits.
        type: str
        required: true
      holds:
        description: What all names in the directory begin with. It is checked where the directory belongs to root and
          gets another owner, since a directory of the system must stay root's.
        type: str
  existing:
    description: Files of others, which must be there. Their owner, group and mode are set, and not their content.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path.
        type: path
        required: true
      owner:
        description: Owner.
        type: str
        required: true
      group:
        description: Group.
        type: str
        required: true
      mode:
        description: Mode, in octal digits.
        type: str
        required: true
  files:
    description: Files to have, with their whole content.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path.
        type: path
        required: true
      content:
        description: The content. Either this or O(files[].secret_content) is needed.
        type: str
      secret_content:
        description: The content of a file that holds a secret. It is never shown, in no difference either.
        type: str
      owner:
        description: Owner.
        type: str
        default: root
      group:
        description: Group, by name or number.
        type: str
        default: "0"
      mode:
        description: Mode, in octal digits.
        type: str
        default: "0644"
      validate:
        description: Command that must succeed before the file takes its name. The word C(%s) stands for the path of
          the new file.
        type: list
        elements: str
        default: []
      keep_original_unless:
        description:
          - First line of the files that this task writes. A file that is there with another first line is copied once
            to a file of the same name with C(.orig) behind it, before it is replaced.
        type: str
attributes:
  check_mode:
    description: Reports what would change. An owner or a group that a task before would have made may be missing then.
    support: full
  diff_mode:
    description: Shows the content of the files, and owner, group and mode.
    support: full
  idempotent:
    description: Compares content, owner, group and mode.
    support: full
  platform:
    description: Any POSIX host.
    platforms: posix
    support: full
  action:
    description: Sets the account from the control side, with the modules of Ansible.
    support: full
  facts:
    description: Updates C(ansible_facts.puffy_mail.account) where O(account) is given.
    support: full
extends_documentation_fragment:
  - puffy.mail.attributes
"""

EXAMPLES = r"""
- name: Make the mail store
  puffy.mail.host_files:
    account:
      name: vmail
      group: vmail
      home: /var/vmail
      shell: /sbin/nologin
    directories:
      - path: /var/vmail
        owner: vmail
        group: vmail
        mode: "0750"
"""

RETURN = r"""
changed_paths:
  description: Directories and files that were changed, or would be changed in check mode.
  type: list
  elements: str
  returned: success
"""

import grp
import os
import pwd
import stat
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.puffy.mail.plugins.module_utils import _command, _files, _host, _host_lock

_UNTOUCHED = "was not changed"


def _owner(name: str, lenient: bool) -> int | None:
    """The number of an account; None where it is missing and ``lenient``. Raises FileError."""
    try:
        return _files.uid_of(name)
    except _files.FileError:
        if lenient:
            return None
        raise


def _group(name: str | None, lenient: bool) -> int | None:
    """The number of a group; None where none is asked for, or where it is missing and ``lenient``. Raises FileError."""
    if name is None:
        return None
    try:
        return _files.gid_of(name)
    except _files.FileError:
        if lenient:
            return None
        raise


def _named(uid: int, gid: int, mode: int) -> str:
    """Owner, group and mode as a difference shows them."""
    try:
        owner = pwd.getpwuid(uid).pw_name
    except KeyError:
        owner = str(uid)
    try:
        group = grp.getgrgid(gid).gr_name
    except KeyError:
        group = str(gid)
    return f"owner {owner}, group {group}, mode {mode:04o}"


def _directory(wanted: dict[str, Any], check: bool) -> dict[str, str] | None:
    """Set one directory; its difference, or None where it is as wanted. Raises FileError and OSError."""
    path = wanted["path"]
    mode = _files.mode_of(wanted["mode"])
    uid, gid = _owner(wanted["owner"], check), _group(wanted["group"], check)
    keep = -1
    owner, group = keep if uid is None else uid, keep if gid is None else gid
    status = _files.directory(path, uid=owner)
    if status is not None and wanted["holds"] is not None and status.st_uid == 0 != owner:
        others = sorted(name for name in os.listdir(path) if not name.startswith(wanted["holds"]))
        if others:
            raise _files.FileError(
                f"{path} belongs to root and holds {others[0]!r}, so {wanted['owner']} does not get it. Use a directory"
                f" of its own for {wanted['holds']}. It {_UNTOUCHED}"
            )
    if status is None:
        before = "there is no such directory\n"
        after = f"owner {wanted['owner']}, group {wanted['group'] or wanted['owner']}, mode {mode:04o}\n"
    else:
        is_now = (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))
        to_be = (status.st_uid if uid is None else uid, status.st_gid if gid is None else gid, mode)
        if is_now == to_be:
            return None
        before, after = f"{_named(*is_now)}\n", f"{_named(*to_be)}\n"
    if not check:
        _files.set_directory(path, uid=owner, gid=group, mode=mode)
    return {"before_header": path, "after_header": path, "before": before, "after": after}


def _existing(wanted: dict[str, Any], check: bool) -> dict[str, str] | None:
    """Set owner, group and mode of one file; its difference, or None where they are as wanted. Raises FileError."""
    path, mode = wanted["path"], _files.mode_of(wanted["mode"])
    uid, gid = _owner(wanted["owner"], check), _group(wanted["group"], check)
    status = _files.owned(path, uid=-1 if uid is None else uid)
    is_now = (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))
    to_be = (status.st_uid if uid is None else uid, status.st_gid if gid is None else gid, mode)
    if is_now == to_be:
        return None
    if not check:
        _files.own(path, uid=to_be[0], gid=to_be[1], mode=mode)
    return {
        "before_header": path,
        "after_header": path,
        "before": f"{_named(*is_now)}\n",
        "after": f"{_named(*to_be)}\n",
    }


def _keep_original(path: str, before: _files.FileState, first_line: str) -> None:
    """Copy the file that somebody else wrote, once."""
    text = before.text()
    copy = f"{path}.orig"
    if not text or text.split("\n", 1)[0] == first_line or os.path.lexists(copy):
        return
    _files.write(copy, _files.encode_text(text), uid=before.uid, gid=before.gid, mode=before.mode)


def _file(wanted: dict[str, Any], check: bool) -> dict[str, str] | None:
    """Set one file; its difference, or None where it is as wanted. Raises FileError, CommandError and OSError."""
    path = wanted["path"]
    secret = wanted["secret_content"] is not None
    content: str = wanted["secret_content"] if secret else wanted["content"]
    mode = _files.mode_of(wanted["mode"])
    uid, gid = _owner(wanted["owner"], check), _group(wanted["group"], check)
    _files.prepare(path, check=check)
    before = _files.read(path)
    if before is not None:
        uid, gid = before.uid if uid is None else uid, before.gid if gid is None else gid
        if (before.text(), before.mode, before.uid, before.gid) == (content, mode, uid, gid):
            return None
    if not check and uid is not None and gid is not None:
        staged = _files.stage(path, _files.encode_text(content), uid=uid, gid=gid, mode=mode)
        try:
            if wanted["validate"]:
                _validate(wanted["validate"], staged, path)
            if before is not None and wanted["keep_original_unless"] is not None:
                _keep_original(path, before, wanted["keep_original_unless"])
            _files.commit(staged, path)
        finally:
            _files.discard(staged)
    rights = f"# {_named(0 if uid is None else uid, 0 if gid is None else gid, mode)}\n"
    old = "" if before is None else f"# {_named(before.uid, before.gid, before.mode)}\n"
    if secret:
        same = before is not None and before.text() == content
        hidden = "# the content holds a secret and is not shown\n"
        return {
            "before_header": path,
            "after_header": path,
            "before": old + ("" if before is None else hidden),
            "after": rights + (hidden if same else "# the content, which is not shown, changes\n"),
        }
    return _files.text_diff(path, None if before is None else old + before.text(), rights + content)


def _validate(command: list[str], staged: str, path: str) -> None:
    """Run the command that judges the new file. Raises CommandError with what it said."""
    argv = [_command.require(command[0]), *(word.replace("%s", staged) for word in command[1:])]
    done = _command.run(argv, check=False)
    if done.rc != 0:
        said = (done.stderr.strip() or done.stdout.strip()).replace(staged, path)
        raise _command.CommandError(f"{command[0]} refuses the new {path}: {said}. {path} {_UNTOUCHED}")


def _check_inputs(module: AnsibleModule) -> None:
    """Raise ValueError for what cannot be done, before anything is."""
    for kind in ("directories", "existing", "files"):
        for entry in module.params[kind]:
            if not os.path.isabs(entry["path"]):
                raise ValueError(f"{kind} has the path {entry['path']!r}, which is not absolute. Nothing was changed")
            _files.mode_of(entry["mode"])
    for entry in module.params["files"]:
        if (entry["content"] is None) == (entry["secret_content"] is None):
            raise ValueError(f"{entry['path']} needs either content or secret_content. Nothing was changed")


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "account": {
                "type": "dict",
                "options": {
                    "name": {"type": "str", "required": True},
                    "group": {"type": "str", "required": True},
                    "home": {"type": "path", "required": True},
                    "uid": {"type": "int"},
                    "comment": {"type": "str", "default": ""},
                    "shell": {"type": "path", "required": True},
                },
            },
            "directories": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "path": {"type": "path", "required": True},
                    "owner": {"type": "str", "default": "root"},
                    "group": {"type": "str"},
                    "mode": {"type": "str", "required": True},
                    "holds": {"type": "str"},
                },
            },
            "existing": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "path": {"type": "path", "required": True},
                    "owner": {"type": "str", "required": True},
                    "group": {"type": "str", "required": True},
                    "mode": {"type": "str", "required": True},
                },
            },
            # The log line holds lists in the form of repr(), in which a secret with a quote is not recognised.
            "files": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "no_log": True,
                "options": {
                    "path": {"type": "path", "required": True},
                    "content": {"type": "str"},
                    "secret_content": {"type": "str", "no_log": True},
                    "owner": {"type": "str", "default": "root"},
                    "group": {"type": "str", "default": "0"},
                    "mode": {"type": "str", "default": "0644"},
                    "validate": {"type": "list", "elements": "str", "default": []},
                    "keep_original_unless": {"type": "str"},
                },
            },
        },
        supports_check_mode=True,
    )
    _host_lock.keep(module)
    # What is returned holds no more secrets than these.
    module.no_log_values.clear()
    module.no_log_values.update(file["secret_content"] for file in module.params["files"] if file["secret_content"])
    differences = []
    try:
        _check_inputs(module)
        for directory in module.params["directories"]:
            differences.append(_directory(directory, module.check_mode))
        for file in module.params["existing"]:
            differences.append(_existing(file, module.check_mode))
        for file in module.params["files"]:
            differences.append(_file(file, module.check_mode))
    except (ValueError, OSError, _files.FileError, _command.CommandError) as exc:
        module.fail_json(msg=f"{exc}.")
    seen = [difference for difference in differences if difference is not None]
    result: dict[str, Any] = {
        "changed": bool(seen),
        "changed_paths": [difference["after_header"] for difference in seen],
        "diff": seen,
    }
    if module.params["account"]:
        result["account"] = _host.account(module.params["account"]["name"])
    module.exit_json(**result)


if __name__ == "__main__":
    main()
