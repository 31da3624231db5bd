#!/usr/bin/python
# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: map_config
short_description: One client file of an LDAP, SQL or memcache lookup table
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Writes the client file that tells Postfix how to query a database, as described in C(ldap_table(5)),
    C(sqlite_table(5)), C(mysql_table(5)), C(pgsql_table(5)) and C(memcache_table(5)).
  - The file is written beside the live one, with its final owner and mode, and takes the live name only after it
    answered O(expect) through C(postmap -q), run as Postfix's C(mail_owner) without supplementary groups, which is how
    C(proxymap(8)) reads it.
  - An option that the map type or the host's Postfix does not know is an error with a suggestion, before anything is
    written.
  - Secrets (C(bind_pw), C(password), the password in a URI of C(hosts)) are masked in the diff and in everything the
    module returns.
  - A C(socketmap) has no client file; C(socketmap_table(5)) names its server in the name of the table. For it the
    module writes nothing, checks the server's name, asks O(expect) and returns RV(table).
options:
  path:
    description:
      - Absolute path of the client file. Its directory must exist and be open to Postfix's group.
      - Required, except with O(type=socketmap), which has no file.
    type: path
  type:
    description: Kind of lookup table that reads the file. Required when O(state=present).
    type: str
    choices: [ldap, sqlite, mysql, pgsql, memcache, socketmap]
  options:
    description:
      - The file's options by name, in the order they are written. A list is joined by blanks where the option takes
        several values (C(server_host), C(hosts), C(domain)); C(true) and C(false) become C(yes) and C(no) where it
        takes those.
      - A value with several lines (a C(query), a C(query_filter)) becomes one line.
      - In a C(query) of an SQL table every expansion such as C(%s) must stand inside single quotes, because only there
        Postfix's escaping protects the database from the key.
      - In a C(query_filter) and a C(search_base) of LDAP they must stand in a value, which Postfix escapes; filter,
        base, C(bind_dn) and the URLs of C(server_host) are checked for their syntax.
      - A C(socketmap) has two, C(server) (C(inet:HOST:PORT) or C(unix:/PATH)) and C(name).
      - A value of null leaves the option out.
    type: dict
  expect:
    description:
      - What the table must answer, key by key; null means that the key must not be found.
      - Keys are asked as given; C(postmap -q) folds them to lower case, as Postfix does.
      - An answer in check mode that is missing or differs is a warning and not an error, because the task before this
        one may only have been predicted.
    type: dict
    default: {}
  digest:
    description:
      - What M(puffy.mail.sqlite_accounts) returned as RV(puffy.mail.sqlite_accounts#module:digest), with
        O(type=sqlite). Where O(expect) is not met and the rows are others by now, the error says that another run
        changed them.
    type: str
    default: ""
  files:
    description:
      - Several client files of one O(type), instead of O(path), O(options) and O(expect). Postfix is asked once what
        it is.
      - Every file is proved before the first one takes its live name.
    type: list
    elements: dict
    suboptions:
      path:
        description: As O(path).
        type: path
        required: true
      options:
        description: As O(options).
        type: dict
      expect:
        description: As O(expect).
        type: dict
        default: {}
  owner:
    description: Owner of the file.
    type: str
    default: root
  group:
    description:
      - Group of the file. By default the primary group of Postfix's C(mail_owner), the only one its daemons keep.
    type: str
  mode:
    description: Permission bits in octal. Nobody else may read a file that holds a secret.
    type: str
    default: "0640"
  config_directory:
    description: Postfix's configuration directory, where it is not the default one.
    type: path
  state:
    description: Whether the file is there.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    description:
      - Reports what a run would change. The live file is not touched; a candidate is queried in a private directory.
    support: full
  diff_mode:
    description: Shows the file before and after, secrets masked.
    support: full
  idempotent:
    description: The file is compared by content, owner, group and mode.
    support: full
  platform:
    description: Hosts with Postfix 3.5 or later.
    platforms: openbsd, debian
    support: full
seealso:
  - module: puffy.mail.postmap
  - module: puffy.mail.sqlite_accounts
"""

EXAMPLES = r"""
- name: Look mailboxes up in a SQLite database
  puffy.mail.map_config:
    path: /etc/postfix/sqlite/virtual_mailbox_maps.cf
    type: sqlite
    options:
      dbpath: /var/lib/puffy-mail/accounts.sqlite
      query: SELECT maildir FROM mailbox WHERE username = '%s' AND active = 1
    expect:
      alice@example.org: example.org/alice/
      nobody@example.org: null

- name: Look aliases up in a directory, over TLS with a verified certificate
  puffy.mail.map_config:
    path: /etc/postfix/ldap/virtual_alias_maps.cf
    type: ldap
    options:
      server_host: [ldap://ldap1.example.org, ldap://ldap2.example.org]
      version: 3
      start_tls: true
      tls_require_cert: true
      tls_ca_cert_file: /etc/ssl/cert.pem
      timeout: 5
      bind: true
      bind_dn: cn=postfix,dc=example,dc=org
      bind_pw: "{{ vault_ldap_password }}"
      search_base: ou=people,dc=example,dc=org
      query_filter: (&(objectClass=PostfixBookMailAccount)(mailAlias=%s))
      result_attribute: mail

- name: Ask a socketmap server before its table is used
  puffy.mail.map_config:
    type: socketmap
    options:
      server: inet:127.0.0.1:10001
      name: policy
    expect:
      example.org: secure
"""

RETURN = r"""
path:
  description: The client file.
  type: str
  returned: with O(path)
files:
  description: For each entry of O(files), C(changed), C(path), C(table), C(proved) and C(answers), as below.
  type: list
  elements: dict
  returned: with O(files)
table:
  description: How main.cf names the table, without C(proxy:).
  type: str
  returned: when O(state=present)
  sample: sqlite:/etc/postfix/sqlite/virtual_mailbox_maps.cf
answers:
  description: What the table answered to the keys of O(expect); null for a key that was not found.
  type: dict
  returned: when O(expect) was asked
proved:
  description: Whether every key of O(expect) was asked and answered as expected.
  type: bool
  returned: when O(state=present)
diff:
  description: The file before and after, secrets masked.
  type: dict
  returned: always
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.puffy.mail.plugins.module_utils import _command, _files, _host_lock
from ansible_collections.puffy.mail.plugins.module_utils._accounts import database as sqlite_database
from ansible_collections.puffy.mail.plugins.module_utils._accounts import rows
from ansible_collections.puffy.mail.plugins.module_utils._tables import ldap, map_config, query

COMMENT = "Managed by Ansible (puffy.mail.map_config): changes made here are overwritten."


def _diff(
    path: str, map_type: str | None, before: _files.FileState | None, after: str | None, mode: str
) -> dict[str, str]:
    """The diff of the masked texts; a change that the mask hides is said in words."""
    if before is None:
        old = None
    else:
        # Absent names no type: every option that is a secret anywhere is one.
        text = before.text()
        for kind in [map_type] if map_type else map_config.OPTIONS:
            text = map_config.mask(kind, text)
        old = f"{text}# mode {before.mode:04o}, owner {before.uid}, group {before.gid}\n"
    new = None
    if after is not None and map_type is not None:
        new = map_config.mask(map_type, after) + f"# mode {mode}\n"
        if before is not None and map_config.same_apart_from_secrets(map_type, before.text(), after):
            new += "# a masked value changes\n"
    return _files.text_diff(path, old, new)


def _prove(
    postfix: query.Postfix,
    table: str,
    expect: dict[str, str | None],
    untouched: str,
    hint: Callable[[str], str] = lambda _said: "",
) -> dict[str, str | None]:
    """Ask ``table`` for what is expected; CommandError where it answers otherwise.

    ``hint`` turns the error into what is behind it, '' where nothing is known.
    """
    try:
        answers = query.ask(postfix, table, expect)
    except _command.CommandError as exc:
        behind = hint(str(exc))
        raise _command.CommandError(f"{exc}; {untouched}" + (f". {behind}" if behind else "")) from exc
    wrong = query.unmet(expect, answers)
    if wrong:
        behind = hint("")
        raise _command.CommandError(f"{behind or '; '.join(wrong)}; {untouched}")
    return answers


def _behind(postfix: query.Postfix, map_type: str, texts: dict[str, str], digest: str) -> Callable[[str], str]:
    """What turns an error of the daemon, '' for a wrong answer, into what is behind it."""
    if map_type == "sqlite":
        return lambda said: _sqlite_hint(postfix, texts["dbpath"]) if said else _other_run(texts["dbpath"], digest)
    if map_type == "ldap":
        return lambda said: _ldap_hint(postfix, texts, said) if said else ""
    return lambda _said: ""


def _other_run(dbpath: str, digest: str) -> str:
    """That the rows are others than those that this run has set; '' where they are the same, or nobody knows."""
    if not digest:
        return ""
    try:
        database = sqlite_database.read(dbpath)
    except sqlite_database.DatabaseError:
        return ""
    if rows.digest(database.tables if database else {}) == digest:
        return ""
    return (
        f"another run changed the accounts in {dbpath} at the same time, and this one stops, because the answers are"
        " not those of its accounts. Run again when the other run has ended"
    )


def _unreadable(postfix: query.Postfix, path: str) -> str:
    """Why Postfix's account cannot read ``path``; '' where it can."""
    return query.unreadable(path, postfix.mail_owner, postfix.uid, postfix.gid, postfix.group) or ""


def _sqlite_hint(postfix: query.Postfix, dbpath: str) -> str:
    """What is wrong with a SQLite database, where its file alone says it; Postfix gives SQLite's words only."""
    try:
        begin = _files.head(dbpath, 16)
    except _files.FileError as exc:
        return f"{exc}"
    if begin is None:
        return f"There is no file {dbpath}"
    if begin != b"SQLite format 3\0":
        return f"{dbpath} is not a SQLite database"
    return _unreadable(postfix, dbpath)


def _ldap_hint(postfix: query.Postfix, texts: dict[str, str], said: str) -> str:
    """What is behind an error of Postfix' LDAP client: a file it needs, or what the result code means."""
    for name in ("tls_ca_cert_file", "tls_ca_cert_dir", "tls_cert", "tls_key"):
        path = texts.get(name)
        if path and not os.path.exists(path):
            return f"There is no {path} ({name})"
        problem = _unreadable(postfix, path) if path else ""
        if problem:
            return f"{name}: {problem}"
    reason = ldap.reason(said)
    return reason[:1].upper() + reason[1:]


def _absent(module: AnsibleModule, path: str) -> None:
    if not os.path.isabs(path):
        raise ValueError(f"path {path!r} is not absolute")
    before = _files.read(path)
    diff = _diff(path, module.params["type"], before, None, "")
    if before is not None and not module.check_mode:
        _files.remove(path)
    module.exit_json(changed=before is not None, path=path, diff=diff)


@dataclass
class _Candidate:
    """One client file on its way: what it will be, and what was seen of it."""

    path: str
    result: dict[str, Any]
    staged: str = ""


def _present(module: AnsibleModule, secrets: set[str]) -> list[dict[str, Any]]:
    """Set all client files: every one is proved before the first one takes its name."""
    wanted = module.params["files"] or [module.params]
    mode = _files.mode_of(module.params["mode"])
    for table in wanted:
        path: str = table["path"]
        if not os.path.isabs(path):
            raise ValueError(f"path {path!r} is not absolute")
        if secrets and mode & 0o007:
            raise ValueError(
                f"mode {module.params['mode']!r} would let every user of the host read the secret in {path}"
            )
    paths = [table["path"] for table in wanted]
    twice = sorted({path for path in paths if paths.count(path) > 1})
    if twice:
        raise ValueError(f"files has {twice[0]!r} more than once")
    # Everything that needs no host is checked before the host is asked.
    texts = {}
    for table in wanted:
        with _named(module, table["path"]):
            texts[table["path"]] = map_config.plan(module.params["type"], table["options"] or {})
            for sentence in map_config.warnings(module.params["type"], texts[table["path"]]):
                module.warn(f"{table['path']}: {sentence}")
    postfix = _postfix(module)
    candidates: list[_Candidate] = []
    try:
        for table in wanted:
            with _named(module, table["path"]):
                candidates.append(_candidate(module, table, texts[table["path"]], mode, postfix))
        for candidate in candidates:
            if candidate.staged:
                _files.commit(candidate.staged, candidate.path)
    finally:
        for candidate in candidates:
            if candidate.staged:
                _files.discard(candidate.staged)
    return [candidate.result for candidate in candidates]


@contextlib.contextmanager
def _named(module: AnsibleModule, path: str) -> Iterator[None]:
    """Put the path of one of several files before the message of an error."""
    try:
        yield
    except (ValueError, OSError, _files.FileError, _command.CommandError) as exc:
        if not module.params["files"]:
            raise
        raise ValueError(f"{path}: {exc}") from exc


def _postfix(module: AnsibleModule) -> query.Postfix | None:
    """The host's Postfix; None where check mode finds none. Raises ValueError where it lacks the map type."""
    if not query.installed() and module.check_mode:
        return None
    postfix = query.discover(module.params["config_directory"])
    map_type: str = module.params["type"]
    if map_type not in postfix.map_types and not module.check_mode:
        raise ValueError(
            f"this host's Postfix has no map type {map_type!r}; it has {', '.join(postfix.map_types)}."
            " Install the package or flavor that brings it"
        )
    return postfix


def _candidate(
    module: AnsibleModule, table: dict[str, Any], texts: dict[str, str], mode: int, postfix: query.Postfix | None
) -> _Candidate:
    """One client file, staged and proved where it differs from the live one."""
    path: str = table["path"]
    map_type: str = module.params["type"]
    expect = query.expectations(table["expect"] or {})
    content = map_config.render(texts, COMMENT)
    if postfix is not None:
        map_config.plan(map_type, table["options"] or {}, postfix.version)
    try:
        uid = _files.uid_of(module.params["owner"])
        gid = _files.gid_of(module.params["group"]) if module.params["group"] else postfix.gid if postfix else -1
    except _files.FileError:
        if not module.check_mode:
            raise
        uid = gid = -1  # made by a task that was only predicted

    _files.prepare(path, check=module.check_mode)
    before = _files.read(path)
    same = before is not None and (before.text(), before.mode, before.uid, before.gid) == (content, mode, uid, gid)
    candidate = _Candidate(
        path,
        {
            "changed": not same,
            "path": path,
            "table": f"{map_type}:{path}",
            "proved": bool(expect),
            "diff": {} if same else _diff(path, map_type, before, content, module.params["mode"]),
        },
    )
    answers: dict[str, str | None] = {}
    if module.check_mode:
        if expect:
            try:
                if postfix is None or map_type not in postfix.map_types:
                    raise _command.CommandError(f"this host's Postfix has no map type {map_type!r} yet")
                answers = _prove_elsewhere(
                    postfix, map_type, content, expect, _behind(postfix, map_type, texts, module.params["digest"])
                )
            except _command.CommandError as exc:
                candidate.result["proved"] = False
                module.warn(f"{path}: expect is not proved in check mode: {exc}")
    elif postfix is not None and same:
        behind = _behind(postfix, map_type, texts, module.params["digest"])
        answers = _prove(postfix, f"{map_type}:{path}", expect, "the file is as it was", behind)
    elif postfix is not None:
        staged = _files.stage(path, _files.encode_text(content), uid=uid, gid=gid, mode=mode)
        try:
            query.age(staged)
            kept = "the live file is untouched" if before is not None else "no file was made"
            try:
                answers = _prove(
                    postfix,
                    f"{map_type}:{staged}",
                    expect,
                    kept,
                    _behind(postfix, map_type, texts, module.params["digest"]),
                )
            except _command.CommandError as exc:
                raise _command.CommandError(str(exc).replace(staged, path)) from exc
        except BaseException:
            _files.discard(staged)
            raise
        candidate.staged = staged
    if answers:
        candidate.result["answers"] = answers
    return candidate


def _prove_elsewhere(
    postfix: query.Postfix,
    map_type: str,
    content: str,
    expect: dict[str, str | None],
    hint: Callable[[str], str],
) -> dict[str, str | None]:
    """Prove a candidate in a private directory that only root and Postfix's group can enter."""
    try:
        with _files.scratch() as directory:
            os.chown(directory, 0, postfix.gid)
            os.chmod(directory, 0o710)  # noqa: S103 - Postfix's group must be able to enter
            candidate = _files.stage(
                os.path.join(directory, "candidate.cf"), _files.encode_text(content), uid=0, gid=postfix.gid, mode=0o640
            )
            query.age(candidate)
            return _prove(postfix, f"{map_type}:{candidate}", expect, "nothing was changed", hint)
    except (OSError, _files.FileError) as exc:
        raise _command.CommandError(f"no private directory can be prepared: {exc}") from exc


def _socketmap(module: AnsibleModule) -> None:
    """A socketmap is a name and no file: check the name, ask the server, change nothing."""
    if module.params["path"]:
        raise ValueError(
            f"path is {module.params['path']!r}, and a socketmap has no client file: socketmap_table(5) names the"
            " server in the table's own name; leave path out"
        )
    if module.params["state"] == "absent":
        raise ValueError("state is 'absent', and a socketmap has no client file that could be removed")
    table = map_config.socketmap(module.params["options"] or {})
    expect = query.expectations(module.params["expect"])
    answers: dict[str, str | None] = {}
    proved = bool(expect)
    if expect:
        try:
            postfix = query.discover(module.params["config_directory"])
            answers = _prove(postfix, table, expect, "nothing was changed")
        except _command.CommandError as exc:
            if not module.check_mode:
                raise
            proved = False
            module.warn(f"{table}: expect is not proved in check mode: {exc}")
    module.exit_json(changed=False, table=table, proved=proved, diff={}, **({"answers": answers} if answers else {}))


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path"},
            "type": {"type": "str", "choices": ["ldap", "sqlite", "mysql", "pgsql", "memcache", "socketmap"]},
            # Which of the values are secrets is known once the type is; until then all of them count as such.
            "options": {"type": "dict", "no_log": True},
            "expect": {"type": "dict", "default": {}},
            # The log line holds lists in the form of repr(), in which a secret with a quote is not recognised.
            "files": {
                "type": "list",
                "elements": "dict",
                "no_log": True,
                "options": {
                    "path": {"type": "path", "required": True},
                    "options": {"type": "dict", "no_log": True},
                    "expect": {"type": "dict", "default": {}},
                },
            },
            "owner": {"type": "str", "default": "root"},
            "group": {"type": "str"},
            "mode": {"type": "str", "default": "0640"},
            "digest": {"type": "str", "default": ""},
            "config_directory": {"type": "path"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        mutually_exclusive=[("path", "files"), ("options", "files")],
        required_if=[("state", "present", ("type",))],
        supports_check_mode=True,
    )
    _host_lock.keep(module)
    map_type: str = module.params["type"] or ""
    files = module.params["files"]
    secrets = set()
    for table in files or [module.params]:
        secrets |= map_config.secrets_of(map_type, table["options"] or {})
    module.no_log_values.clear()
    module.no_log_values.update(secrets)
    try:
        if map_type == "socketmap":
            _socketmap(module)
        elif files is not None and module.params["state"] == "absent":
            raise ValueError("state is 'absent' and files is given. Use path for a file to remove. Nothing was changed")
        elif files is None and not module.params["path"]:
            raise ValueError("path is missing: the absolute path of the client file")
        elif files is None and module.params["state"] == "absent":
            _absent(module, module.params["path"])
        elif files is None and module.params["options"] is None:
            raise ValueError("options is missing: the options of the client file by name")
        else:
            results = _present(module, secrets)
            if files is None:
                module.exit_json(**results[0])
            module.exit_json(
                changed=any(result["changed"] for result in results),
                files=[{key: value for key, value in result.items() if key != "diff"} for result in results],
                diff=[result["diff"] for result in results if result["diff"]],
            )
    except (ValueError, OSError, _files.FileError, _command.CommandError) as exc:
        # The message names the file where several are set.
        named = "" if files else f"{module.params['path'] or module.params['type']}: "
        module.fail_json(msg=f"{named}{exc}")


if __name__ == "__main__":
    main()
