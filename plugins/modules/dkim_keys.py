#!/usr/bin/python
# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dkim_keys
short_description: Make the DKIM keys of a host, and the tables of OpenDKIM
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Makes an RSA key for each domain that has none, writes the two tables from which OpenDKIM learns which key signs for
    which sender, and returns the DNS records to publish.
  - A key is made on the host and never leaves it. The key of a domain that is no longer listed stays on disk.
options:
  directory:
    description:
      - Absolute path of the directory that is there and takes the files C(key_table) and C(signing_table), and
        C(keys/DOMAIN/SELECTOR.private) with C(keys/DOMAIN/SELECTOR.txt), the record for a zone file.
    type: path
    required: true
  group:
    description: Group that may read the keys. Root owns them.
    type: str
    required: true
  selector:
    description: Name of the key in the DNS, one label or several.
    type: str
    required: true
  bits:
    description: Size of a new key in bits.
    type: int
    choices: [2048, 3072, 4096]
    default: 2048
  domains:
    description: Domains whose mail is signed.
    type: list
    elements: str
    default: []
  database:
    description:
      - Absolute path of a SQLite database with PostfixAdmin's columns. Its active domains that are no backup MX are
        signed for, too.
    type: str
    default: ""
attributes:
  check_mode:
    description: Reports what would be made. The record of a key that is not there is unknown then.
    support: full
  diff_mode:
    description: Shows the tables, and the keys by their path.
    support: full
  idempotent:
    description: A key that is there stays.
    support: full
  platform:
    description: Any POSIX host with openssl(1).
    platforms: posix
    support: full
extends_documentation_fragment:
  - puffy.mail.attributes
"""

EXAMPLES = r"""
- name: Make the keys
  puffy.mail.dkim_keys:
    directory: /etc/opendkim
    group: opendkim
    selector: mail
    domains: [example.org]
  register: keys

- name: Show what to publish
  ansible.builtin.debug:
    msg: "{{ keys.records | map(attribute='zone') }}"
"""

RETURN = r"""
domains:
  description: The domains whose mail is signed.
  type: list
  elements: str
  returned: success
  sample: [example.org]
made:
  description: The keys that were made, or would be in check mode, by their path.
  type: list
  elements: str
  returned: success
files:
  description: Absolute paths of the two tables and of all keys.
  type: list
  elements: str
  returned: success
records:
  description: The DNS records to publish, of the type TXT.
  type: list
  elements: dict
  returned: success
  contains:
    domain:
      description: The domain.
      type: str
    name:
      description: Name of the record.
      type: str
      sample: mail._domainkey.example.org
    value:
      description: Text of the record.
      type: str
      sample: v=DKIM1; k=rsa; p=MIIB…
    zone:
      description: The record as a line of a zone file.
      type: str
"""

import base64
import os
import re
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.puffy.mail.plugins.module_utils import _command, _dkim, _files, _host_lock
from ansible_collections.puffy.mail.plugins.module_utils._accounts import database as sqlite_database
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import domain, domain_fault, say

#: seconds in which a key of 4096 bits is made also on a slow host
TIMEOUT = 300.0


class _Run:
    """One run: what it changes is noted, and done unless it only checks."""

    def __init__(self, params: dict[str, Any], *, check: bool) -> None:
        self.directory: str = params["directory"]
        self.selector: str = params["selector"]
        self.bits: int = params["bits"]
        self.check = check
        try:
            self.gid = _files.gid_of(params["group"])
        except _files.FileError:
            # In check mode a package that makes the group may be missing.
            if not check:
                raise
            self.gid = 0
        self.made: list[str] = []
        self.diffs: list[dict[str, str]] = []

    def set(self, path: str, text: str, *, gid: int = 0, mode: int = 0o644, secret: bool = False) -> None:
        """Have a file with this content, group and mode, owned by root."""
        _files.prepare(path, check=self.check)
        there = _files.read(path)
        wanted = _files.FileState(path, _files.encode_text(text), 0, gid, mode)
        if there == wanted:
            return
        before, after = ("(a private key)\n" if secret else told for told in (there.text() if there else "", text))
        if there is not None and there.content == wanted.content:
            before += f"(owner {there.uid}, group {there.gid}, mode {there.mode:04o})\n"
            after += f"(owner 0, group {gid}, mode {mode:04o})\n"
        self.diffs.append(_files.text_diff(path, None if there is None else before, after))
        if not self.check:
            _files.write(path, wanted.content, uid=0, gid=gid, mode=mode)

    def record(self, name: str) -> dict[str, str] | None:
        """Have the key of a domain, and its record beside it. None where the key would be made."""
        path = _dkim.key_path(self.directory, self.selector, name)
        there = _files.read(path)
        if there is None:
            self.made.append(path)
            self.diffs.append(_files.text_diff(path, None, "(a private key)\n"))
            if self.check:
                return None
            self._make(path)
        else:
            self.set(path, there.text(), gid=self.gid, mode=0o640, secret=True)
        value = _dkim.record_value(_public(path))
        zone = _dkim.zone_line(self.selector, name, value)
        text = f"{path[: -len('private')]}txt"
        if there is None:
            _files.write(text, f"{zone}\n".encode(), uid=0, gid=0, mode=0o644)
        else:
            self.set(text, f"{zone}\n")
        return {"domain": name, "name": _dkim.record_name(self.selector, name), "value": value, "zone": zone}

    def _make(self, path: str) -> None:
        directory = os.path.dirname(path)
        for above in (os.path.dirname(directory), directory):
            if not os.path.isdir(above):
                _files.set_directory(above, uid=0, gid=self.gid, mode=0o750)
        argv = [_command.require("openssl"), "genpkey", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{self.bits}"]
        made = _command.run(argv, timeout=TIMEOUT).stdout
        _files.write(path, _files.encode_text(made), uid=0, gid=self.gid, mode=0o640)


def _hosted(path: str, *, check: bool) -> list[str]:
    """The active domains of a database. Raises DatabaseError."""
    if not path or (check and not os.path.exists(path)):
        return []
    with sqlite_database.opened_for_reading(path) as connection:
        rows = connection.execute("SELECT domain FROM domain WHERE active = 1 AND backupmx = 0")
        return [str(row[0]) for row in rows]


def _public(path: str) -> bytes:
    """The public key of a private one, a SubjectPublicKeyInfo in DER."""
    argv = [_command.require("openssl"), "pkey", "-in", path, "-pubout"]
    text = _command.run(argv).stdout
    found = re.search(r"-----BEGIN PUBLIC KEY-----(.*?)-----END", text, re.DOTALL)
    if found is None:
        raise _command.CommandError(f"openssl found no public key in {path}")
    return base64.b64decode(found[1])


def check_options(params: dict[str, Any]) -> None:
    """ValueError for an option that cannot be used."""
    for name in ("directory", "database"):
        if params[name] and not re.fullmatch(r"(/[A-Za-z0-9._+@:,=~-]+)+", params[name]):
            raise ValueError(f"{name} is {params[name]!r}. Use an absolute path such as '/etc/opendkim'")
    fault = domain_fault(params["selector"])
    if fault is not None:
        raise ValueError(f"selector is {params['selector']!r}, which {fault}. Use a name such as 'mail'")
    for name in params["domains"]:
        problem = domain(name)
        if problem is not None:
            raise ValueError(say("an entry of domains", problem).rstrip("."))


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "group": {"type": "str", "required": True},
            "selector": {"type": "str", "required": True},
            "bits": {"type": "int", "choices": [2048, 3072, 4096], "default": 2048},
            "domains": {"type": "list", "elements": "str", "default": []},
            "database": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    _host_lock.keep(module)
    params = module.params
    try:
        check_options(params)
    except ValueError as exc:
        module.fail_json(msg=f"{exc}. Nothing was changed.")
    try:
        run = _Run(params, check=module.check_mode)
        domains = _dkim.signing_domains(params["domains"], _hosted(params["database"], check=module.check_mode))
        records = [told for name in domains if (told := run.record(name)) is not None]
        tables = {
            os.path.join(run.directory, "key_table"): _dkim.key_table(run.directory, run.selector, domains),
            os.path.join(run.directory, "signing_table"): _dkim.signing_table(run.selector, domains),
        }
        for path, text in tables.items():
            run.set(path, text)
    except (_files.FileError, _command.CommandError, sqlite_database.DatabaseError, OSError) as exc:
        module.fail_json(msg=f"{exc}")
    keys = [_dkim.key_path(run.directory, run.selector, name) for name in domains]
    module.exit_json(
        changed=bool(run.diffs), domains=domains, made=run.made, files=[*tables, *keys], records=records,
        diff=run.diffs,
    )  # fmt: skip


if __name__ == "__main__":
    main()
