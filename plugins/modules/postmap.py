#!/usr/bin/python
# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postmap
short_description: One lookup table in a file, with its index
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Keeps the source of a lookup table and, for the types that have one, its index.
  - Tables are compared by content. The index is dumped and compared with the source, so a missing, stale, truncated,
    foreign or wrong-type index is rebuilt, once; and a source that was touched without a change changes nothing.
  - A new index is made in a directory of its own beside the table, asked for O(expect), and renamed over the old one.
    There is no moment without an index. The index never has a wider mode than its source.
  - A line that Postfix would skip (no value, a key that is there twice, a pattern that does not compile) is an error.
options:
  path:
    description: Absolute path of the source, without the suffix of the index.
    type: path
    required: true
  type:
    description:
      - Type of the table. V(hash), V(btree), V(lmdb) and V(cdb) have an index; V(texthash), V(cidr), V(pcre) and
        V(regexp) are read as text.
      - By default Postfix's own C(default_database_type).
    type: str
  entries:
    description:
      - The table as a mapping of keys to values, written in this order. A list becomes one value with commas.
      - Two keys that Postfix folds to one are an error.
    type: dict
  content:
    description: The text of the source, as it is.
    type: str
  builder:
    description: The command that makes the index. V(postalias) reads the format of C(aliases(5)).
    type: str
    choices: [postmap, postalias]
    default: postmap
  expect:
    description: What the table must answer, key by key, null for not found; asked as Postfix's C(mail_owner).
    type: dict
    default: {}
  owner:
    description: Owner of source and index. By default the present owner, or root.
    type: str
  group:
    description: Group of source and index. By default the present group, or the group 0.
    type: str
  mode:
    description: Permission bits of source and index, in octal. By default the present ones, or V(0644).
    type: str
  config_directory:
    description: Postfix's configuration directory, where it is not the default one.
    type: path
  state:
    description: Whether the table is there. V(absent) removes the source and its index.
    type: str
    choices: [present, absent]
    default: present
notes:
  - With neither O(entries) nor O(content) the source that is there is used as it is, and its index kept right. With
    O(pending), check mode then takes it that an earlier task changes the source, and reports the change of the index.
extends_documentation_fragment:
  - puffy.mail.pending
attributes:
  check_mode:
    description: Reports what a run would change. A candidate is made and asked in a private directory under /tmp.
    support: full
  diff_mode:
    description: Shows the source before and after, and says why the index is rebuilt.
    support: full
  idempotent:
    description: Source and index are compared by content, owner, group and mode.
    support: full
  platform:
    description: Hosts with Postfix 3.5 or later.
    platforms: openbsd, debian
    support: full
seealso:
  - module: puffy.mail.map_config
"""

EXAMPLES = r"""
- name: Send the mail of two domains through other hosts
  puffy.mail.postmap:
    path: /etc/postfix/transport
    entries:
      example.org: smtp:[mx.example.org]
      example.net: smtp:[192.0.2.1]:2525
    expect:
      example.org: smtp:[mx.example.org]
      example.com: null

- name: Keep the index of the system's aliases right
  puffy.mail.postmap:
    path: /etc/aliases
    builder: postalias
"""

RETURN = r"""
path:
  description: The source.
  type: str
  returned: always
table:
  description: How main.cf names the table.
  type: str
  returned: when O(state=present)
  sample: lmdb:/etc/postfix/transport
index:
  description: The index file; null for a type without one.
  type: str
  returned: when O(state=present)
records:
  description: How many entries the table has; null for V(cidr), V(pcre) and V(regexp).
  type: int
  returned: when O(state=present)
rebuilt:
  description: Why the index was (or in check mode would be) rebuilt; empty where it was right.
  type: str
  returned: when O(state=present)
answers:
  description: What the table answered to the keys of O(expect).
  type: dict
  returned: when O(expect) is given
diff:
  description: The source before and after.
  type: dict
  returned: always
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.puffy.mail.plugins.module_utils import _command, _files, _host_lock
from ansible_collections.puffy.mail.plugins.module_utils._tables import kinds, lookup_table, query

#: seconds that making or dumping an index may take
BUILD_TIMEOUT = 900.0
#: bytes of source beyond which the diff gives sizes only
DIFF_BYTES = 200_000


@dataclass(frozen=True)
class Table:
    """The table that is wanted."""

    postfix: query.Postfix
    path: str
    kind: str
    builder: str
    data: bytes
    uid: int
    gid: int
    mode: int

    @property
    def index(self) -> str | None:
        suffix = kinds.BUILT_SUFFIX.get(self.kind)
        return None if suffix is None else self.path + suffix

    def command(self, *arguments: str) -> list[str]:
        """The builder's command line."""
        program = _command.require(self.builder, [self.postfix.command_directory])
        return [program, "-c", self.postfix.config_directory, *arguments]


def _dump(table: Table, path: str) -> lookup_table.Fingerprint | None:
    """The fingerprint of the index of ``path``; None where it cannot be read as one of this type."""
    with _command.started(table.command("-s", f"{table.kind}:{path}"), timeout=BUILD_TIMEOUT) as dump:
        found = lookup_table.dump_fingerprint(dump.chunks(), table.builder)
        return found if dump.wait().rc == 0 else None


@dataclass(frozen=True)
class Candidate:
    """A source in a private directory, and its index in the making."""

    table: Table
    source: str
    build: _command.Running | None

    def complete(self) -> str:
        """Wait for the index and return the path of the source. Raises ValueError, CommandError."""
        if self.build is not None:
            result = self.build.wait()
            problems = lookup_table.rule_problems(result.stderr, self.source)
            if problems:
                doubled = None
                if self.table.builder == "postmap":
                    doubled = lookup_table.duplicate(self.table.data, self.table.postfix.utf8)
                raise ValueError(doubled or "; ".join(problems))
            if result.rc != 0:
                raise _command.CommandError(_command.failure(result).replace(self.source, self.table.path))
        return self.source


@contextlib.contextmanager
def _candidate(table: Table, *, beside: bool) -> Iterator[Candidate]:
    """The source in a private directory, ``beside`` the table or elsewhere, its index being made meanwhile."""
    with _files.private_directory(table.path) if beside else _files.scratch() as private:
        source = os.path.join(private, os.path.basename(table.path))
        # postmap makes the index with the owner of the source: root's until it is complete.
        with open(os.open(source, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(table.data)
        query.age(source)
        if table.index is None:
            yield Candidate(table, source, None)
            return
        with _command.started(table.command(f"{table.kind}:{source}"), timeout=BUILD_TIMEOUT) as build:
            yield Candidate(table, source, build)


def _prove(table: Table, source: str, expect: dict[str, str | None]) -> dict[str, str | None]:
    """Ask the candidate as Postfix's daemons will see it."""
    os.chown(os.path.dirname(source), -1, table.postfix.gid)
    os.chmod(os.path.dirname(source), 0o710)  # noqa: S103 - Postfix's group must be able to enter
    for name in (source, *([source + table.index[len(table.path) :]] if table.index else [])):
        os.chown(name, table.uid, table.gid)
        os.chmod(name, table.mode)
    return _asked(table, source, expect)


def _asked(table: Table, source: str, expect: dict[str, str | None]) -> dict[str, str | None]:
    if table.kind in kinds.TEXT_TYPES:
        # A text table is read when it is asked; a line that Postfix skips is said then.
        program = _command.require("postmap", [table.postfix.command_directory])
        argv = [program, "-c", table.postfix.config_directory, "-q", "puffy-mail.invalid", f"{table.kind}:{source}"]
        problems = lookup_table.rule_problems(_command.run(argv, check=False).stderr, source)
        if problems:
            raise ValueError("; ".join(problems))
    try:
        answers = query.ask(table.postfix, f"{table.kind}:{source}", expect)
    except _command.CommandError as exc:
        raise _command.CommandError(str(exc).replace(source, table.path)) from exc
    wrong = query.unmet(expect, answers)
    if wrong:
        raise _command.CommandError("; ".join(wrong))
    return answers


def _why_rebuild(table: Table, wanted: lookup_table.Fingerprint | None) -> str:
    """Why the live index is not right; '' where it is. ``wanted`` is None where only a candidate can tell."""
    if table.index is None:
        return ""
    try:
        status = os.lstat(table.index)
    except FileNotFoundError:
        return "the index is missing"
    if stat.S_ISLNK(status.st_mode):
        # Whose content it leads to is nobody's business here, and the new index takes the place of the link.
        return "the index is a symbolic link"
    if not stat.S_ISREG(status.st_mode):
        raise _files.FileError(f"{table.index} is not a regular file; move it away")
    if status.st_size == 0:
        # postmap -s would remove it (dict_db.c).
        return "the index is empty"
    there = _dump(table, table.path)
    if there is None:
        return f"the index cannot be read as {table.kind}"
    if wanted is None:
        with _candidate(table, beside=False) as candidate:
            wanted = _dump(table, candidate.complete())
    return "" if there == wanted else "the index holds other entries than the source"


def _looks_old(table: Table) -> bool:
    """Whether the index is missing or older than its source: only its content tells whether it is wrong."""
    try:
        return table.index is not None and os.stat(table.index).st_mtime < os.stat(table.path).st_mtime
    except FileNotFoundError:
        return True


def _owned(path: str, table: Table) -> bool:
    status = os.stat(path)
    return (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (table.uid, table.gid, table.mode)


def _wanted(module: AnsibleModule, before: _files.FileState | None) -> Table:
    """The table asked for. Raises ValueError."""
    params = module.params
    path: str = params["path"]
    if params["entries"] is not None:
        data = _files.encode_text(lookup_table.render_entries(params["entries"], params["builder"]))
    elif params["content"] is not None:
        text = params["content"] + ("" if params["content"].endswith("\n") or not params["content"] else "\n")
        data = _files.encode_text(text)
    elif before is not None:
        data = before.content
    else:
        raise ValueError("there is no such file, and neither entries nor content to make it from")
    postfix = query.discover(params["config_directory"])
    kind = params["type"] or postfix.default_type
    lookup_table.check_type(kind, postfix.map_types)
    if params["builder"] == "postalias" and kind not in kinds.BUILT_SUFFIX:
        raise ValueError(f"postalias makes an index, and a table of type {kind!r} has none")
    if params["entries"] is not None and kind in ("pcre", "regexp"):
        raise ValueError(f"entries are keys, and the lines of a {kind} table are patterns; give them as content")
    uid = _files.uid_of(params["owner"]) if params["owner"] else before.uid if before else 0
    gid = _files.gid_of(params["group"]) if params["group"] else before.gid if before else 0
    mode = _files.mode_of(params["mode"]) if params["mode"] else before.mode if before else 0o644
    return Table(postfix, path, kind, params["builder"], data, uid, gid, mode)


def _present(module: AnsibleModule) -> dict[str, Any]:
    expect = query.expectations(module.params["expect"])
    _files.prepare(module.params["path"], check=module.check_mode)
    before = _files.read(module.params["path"])
    table = _wanted(module, before)
    new_source = before is None or before.content != table.data
    answers: dict[str, str | None] = {}
    with contextlib.ExitStack() as stack:
        # The index is made while source and live index are compared, where it looks as if it will be needed.
        candidate = None
        if new_source or _looks_old(table):
            candidate = stack.enter_context(_candidate(table, beside=not module.check_mode))
        wanted = None
        if table.builder == "postmap" and table.kind in kinds.KEYED_TYPES:
            wanted = lookup_table.source_fingerprint(table.data, table.postfix.utf8)
            doubled = lookup_table.duplicate(table.data, table.postfix.utf8) if table.index is None else None
            if doubled:
                raise ValueError(doubled)
        rebuilt = _why_rebuild(table, wanted)
        if not rebuilt and table.index and new_source and wanted is None:
            rebuilt = "the source changes"
        files = [table.path, *([table.index] if table.index else [])]
        disowned = [name for name in files if os.path.isfile(name) and not _owned(name, table)]
        changed = new_source or bool(rebuilt) or bool(disowned)
        if new_source or rebuilt:
            candidate = candidate or stack.enter_context(_candidate(table, beside=not module.check_mode))
            source = candidate.complete()
            answers = _prove(table, source, expect)
            if not module.check_mode:
                _swap(table, source, new_source, rebuilt)
        else:
            answers = _asked(table, table.path, expect)
    if not module.check_mode:
        for name in disowned:
            _files.own(name, uid=table.uid, gid=table.gid, mode=table.mode)
        if table.index and os.stat(table.index).st_mtime < os.stat(table.path).st_mtime:
            # "database NAME.db is older than source file NAME", says every daemon otherwise.
            os.utime(table.index)
    return {
        "changed": changed,
        "table": f"{table.kind}:{table.path}",
        "index": table.index,
        "records": wanted.count if wanted else None,
        "rebuilt": rebuilt,
        "diff": _diff(table, before, rebuilt, disowned) if changed else {},
        **({"answers": answers} if expect else {}),
    }


def _swap(table: Table, source: str, new_source: bool, rebuilt: str) -> None:
    """Give source and index their live names; the index is never older than the source."""
    if table.index is not None and rebuilt:
        # Postfix opens NAME.db beside the name it is given, so a symbolic link at NAME is not followed here.
        with _files.place(table.index, follow=False) as at:
            os.replace(source + table.index[len(table.path) :], at.name, dst_dir_fd=at.directory)
            _files.sync(at)
    if new_source:
        _files.write(table.path, table.data, uid=table.uid, gid=table.gid, mode=table.mode)


def _diff(table: Table, before: _files.FileState | None, rebuilt: str, disowned: list[str]) -> dict[str, str]:
    old = before.content if before else b""
    if len(old) + len(table.data) > DIFF_BYTES:
        shown = None if before is None else f"({len(old)} bytes)\n"
        new = f"({len(table.data)} bytes{', the same' if old == table.data else ''})\n"
    else:
        shown = before.text() if before else None
        new = table.data.decode("utf-8", "surrogateescape")
    notes = [f"# {rebuilt}: it is rebuilt"] if rebuilt else []
    notes += [f"# {name}: owner {table.uid}, group {table.gid}, mode {table.mode:04o}" for name in disowned]
    return _files.text_diff(table.path, shown, new + "".join(f"{note}\n" for note in notes))


def _absent(module: AnsibleModule) -> dict[str, Any]:
    path: str = module.params["path"]
    suffixes = sorted(set(kinds.BUILT_SUFFIX.values()))
    kind = module.params["type"]
    if kind in kinds.BUILT_SUFFIX:
        suffixes = [kinds.BUILT_SUFFIX[kind]]
    elif kind:
        suffixes = []
    there = [name for name in [path, *(path + suffix for suffix in suffixes)] if os.path.lexists(name)]
    if not module.check_mode:
        for name in there:
            _files.remove(name)
    return {"changed": bool(there), "diff": {"before": "".join(f"{name}\n" for name in there), "after": ""}}


def _comes_later(module: AnsibleModule) -> bool:
    """Whether an earlier task of the run makes or changes the source, which check mode did not do."""
    params = module.params
    asked = module.check_mode and params["pending"] and params["state"] == "present"
    given = params["entries"] is not None or params["content"] is not None
    return asked and not given


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "type": {"type": "str"},
            "entries": {"type": "dict"},
            "content": {"type": "str"},
            "builder": {"type": "str", "choices": ["postmap", "postalias"], "default": "postmap"},
            "expect": {"type": "dict", "default": {}},
            "owner": {"type": "str"},
            "group": {"type": "str"},
            "mode": {"type": "str"},
            "config_directory": {"type": "path"},
            "pending": {"type": "bool", "default": False},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        mutually_exclusive=[("entries", "content")],
        supports_check_mode=True,
    )
    _host_lock.keep(module)
    path = module.params["path"]
    try:
        if not os.path.isabs(path):
            raise ValueError(f"path {path!r} is not absolute")
        if module.check_mode and module.params["pending"] and _command.find("postmap") is None:
            module.warn(f"Postfix is not installed on this host yet, so check mode could not check {path}.")
            module.exit_json(path=path, changed=True)
        if _comes_later(module):
            module.warn(f"The source {path} is not as the run makes it, so check mode could not check it.")
            module.exit_json(path=path, changed=True)
        result = _absent(module) if module.params["state"] == "absent" else _present(module)
    except (ValueError, OSError, _files.FileError, _command.CommandError) as exc:
        module.fail_json(msg=f"{path}: {exc}; the live table is untouched", path=path)
    module.exit_json(path=path, **result)


if __name__ == "__main__":
    main()
