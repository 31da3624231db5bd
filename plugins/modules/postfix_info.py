#!/usr/bin/python
# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postfix_info
short_description: Describe and judge the Postfix configuration of a host
version_added: "0.1.0"
description:
  - Returns what the Postfix of a host is (version, TLS library, lookup table types, SASL types), what its C(main.cf)
    and C(master.cf) say, and what is wrong with them.
  - Where a host has no Postfix, RV(installed) is false, and everything else is null or empty.
  - The findings are those of the checks that M(puffy.mail.postconf) makes before it writes. C(docs/checks.md) describes
    each of them. C(postfix check) sees few of these faults.
  - Reads only. Nothing on the host is changed.
  - Passwords that stand in C(main.cf) itself are masked in everything that is returned.
author:
  - The puffy.mail developers (@puffy-mail)
extends_documentation_fragment:
  - puffy.mail.attributes
attributes:
  check_mode:
    support: full
    details:
      - This module never changes anything.
  diff_mode:
    support: N/A
    details:
      - This module never changes anything.
  idempotent:
    support: full
    details:
      - This module never changes anything.
  platform:
    support: full
    platforms: OpenBSD, Debian
options:
  config_directory:
    description: The directory with C(main.cf) and C(master.cf).
    type: path
    default: /etc/postfix
  all_parameters:
    description:
      - Whether RV(effective) holds every parameter that Postfix has, some 900, or only those set in C(main.cf).
    type: bool
    default: false
  unknown:
    description: The severity of findings about names that this Postfix does not know.
    type: str
    choices: [error, warn]
    default: error
  deprecated:
    description: The severity of findings about deprecated names, or V(ignore) for no such findings.
    type: str
    choices: [warn, error, ignore]
    default: warn
  skip:
    description: Ids of checks to leave out, such as V(open-relay). An id that does not exist is an error.
    type: list
    elements: str
    default: []
seealso:
  - module: puffy.mail.postconf
  - name: postconf(5)
    description: The parameters of Postfix.
    link: https://www.postfix.org/postconf.5.html
"""

EXAMPLES = r"""
- name: See what Postfix is and does here
  puffy.mail.postfix_info:
  register: postfix

- name: Stop where the configuration has errors
  ansible.builtin.assert:
    that: postfix.findings | selectattr("severity", "equalto", "error") | length == 0

- name: Judge a second instance, whose mynetworks is meant to be wide
  puffy.mail.postfix_info:
    config_directory: /etc/postfix-out
    skip: [mynetworks-everyone]
"""

RETURN = r"""
installed:
  description: Whether the host has Postfix, that is, the command C(postconf).
  returned: success
  type: bool
  sample: true
version:
  description: The version of Postfix.
  returned: success
  type: str
  sample: "3.11.7"
tls_library:
  description: The TLS library that Postfix runs with, or null where it has none or cannot tell (Postfix before 3.1).
  returned: success
  type: str
  sample: OpenSSL 3.5.4 30 Sep 2025
map_types:
  description: The types of lookup tables that this Postfix has.
  returned: success
  type: list
  elements: str
  sample: [cidr, hash, ldap, pcre, sqlite]
sasl_types:
  description: The SASL implementations that this Postfix has.
  returned: success
  type: dict
  contains:
    server:
      description: Those for C(smtpd_sasl_type).
      type: list
      elements: str
    client:
      description: Those for C(smtp_sasl_type).
      type: list
      elements: str
  sample:
    server: [cyrus, dovecot]
    client: [cyrus]
default_database_type:
  description: The type of an indexed table that names none.
  returned: success
  type: str
  sample: hash
parameters:
  description: The parameters that C(main.cf) sets, with their values as they stand there.
  returned: success
  type: dict
  sample:
    mydestination: $myhostname, localhost
effective:
  description:
    - The same parameters with their values expanded; with O(all_parameters=true) all of them, defaults included.
    - Parameters that Postfix expands only when it uses them, such as C(forward_path), stand as they are.
  returned: success
  type: dict
  sample:
    mydestination: mail.example.com, localhost
unused:
  description: Names in C(main.cf) or after C(-o) in C(master.cf) that this Postfix does not know and nothing refers to.
  returned: success
  type: list
  elements: str
  sample: [smtpd_reciepient_limit]
deprecated:
  description: Deprecated or removed names in use, and what to set instead; null where the default should stand.
  returned: success
  type: dict
  sample:
    smtpd_use_tls: smtpd_tls_security_level
services:
  description: The services of C(master.cf), in their order.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name, port or socket.
      type: str
    type:
      description: One of V(inet), V(unix), V(unix-dgram), V(fifo) and V(pass).
      type: str
    private:
      description: The column as it stands there, like the next four.
      type: str
    unpriv:
      description: Whether the daemon runs without root's rights.
      type: str
    chroot:
      description: The chroot column, V(y), V(n) or V(-).
      type: str
    wakeup:
      description: Seconds between two wake-ups.
      type: str
    maxproc:
      description: Largest number of processes.
      type: str
    command:
      description: The daemon.
      type: str
    options:
      description: What stands after C(-o).
      type: dict
    arguments:
      description: The other words after the daemon.
      type: list
      elements: str
    chrooted:
      description: Whether the daemon runs in the chroot, the default of the column taken into account.
      type: bool
    line:
      description: Number of the line in C(master.cf), from 1.
      type: int
findings:
  description: What the checks found, C(main.cf) first, by line.
  returned: success
  type: list
  elements: dict
  contains:
    severity:
      description: V(error) or V(warning).
      type: str
    rule:
      description: The id of the check.
      type: str
    file:
      description: The file.
      type: str
    line:
      description: Number of the line, from 1; 0 where there is no line.
      type: int
    name:
      description: The parameter, or C(name/type) of the service.
      type: str
    message:
      description: What is wrong.
      type: str
    suggestion:
      description: What would be right, or null.
      type: str
  sample:
    - severity: error
      rule: wrong-boolean
      file: /etc/postfix/main.cf
      line: 12
      name: smtpd_helo_required
      message: smtpd_helo_required is yes or no, not 'True'
      suggestion: smtpd_helo_required = yes
errors:
  description: The number of findings that are errors.
  returned: success
  type: int
  sample: 1
warnings_found:
  description: The number of findings that are warnings.
  returned: success
  type: int
  sample: 0
"""

import dataclasses
import os
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils import _command as command
from ansible_collections.puffy.mail.plugins.module_utils import _files as files
from ansible_collections.puffy.mail.plugins.module_utils._postfix import checks, main_cf, master_cf, types
from ansible_collections.puffy.mail.plugins.module_utils._postfix import host as postfix_host
from ansible_collections.puffy.mail.plugins.module_utils._postfix import module as postfix_module
from ansible_collections.puffy.mail.plugins.module_utils._postfix import plan as planning

#: what a host without Postfix has
NOTHING: dict[str, Any] = {
    "changed": False, "installed": False, "version": None, "tls_library": None, "map_types": [],
    "sasl_types": {"server": [], "client": []}, "default_database_type": None, "parameters": {}, "effective": {},
    "unused": [], "deprecated": {}, "services": [], "findings": [], "errors": 0, "warnings_found": 0,
}  # fmt: skip


def text_of(path: str) -> str:
    """The text of a file that must be there."""
    state = files.read(path)
    if state is None:
        raise files.FileError(f"{path}: does not exist; name the directory of Postfix in config_directory")
    return state.text()


def answers(postconf: str, *arguments: str) -> list[str]:
    """The lines a postconf command prints; none where this Postfix does not know the option."""
    result = command.run([postconf, *arguments], check=False)
    return [line.strip() for line in result.stdout.splitlines() if line.strip()] if result.rc == 0 else []


def main() -> None:
    module = postfix_module.PostfixModule(
        argument_spec={
            "config_directory": {"type": "path", "default": "/etc/postfix"},
            "all_parameters": {"type": "bool", "default": False},
            "unknown": {"type": "str", "choices": list(checks.UNKNOWN_CHOICES), "default": "error"},
            "deprecated": {"type": "str", "choices": list(checks.DEPRECATED_CHOICES), "default": "warn"},
            "skip": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    if command.find("postconf") is None:
        module.exit_json(**NOTHING)
    directory = module.params["config_directory"]
    main_path, master_path = (os.path.join(directory, name) for name in ("main.cf", "master.cf"))
    try:
        postfix_module.check_directory(directory)
        main_file = main_cf.parse(text_of(main_path), main_path)
        master_file = master_cf.parse(text_of(master_path), master_path)
        host = postfix_host.gather(directory, {entry.name: entry.raw for entry in main_file.entries()})
        report = checks.report(
            main_file,
            master_file,
            host,
            unknown=module.params["unknown"],
            deprecated=module.params["deprecated"],
            skip=module.params["skip"],
            whole=postfix_host.is_standard(directory),
        )
        postconf = command.require("postconf")
        library = answers(postconf, "-T", "run-version")
        server, client = answers(postconf, "-a"), answers(postconf, "-A")
    except (command.CommandError, files.FileError, ValueError) as exc:
        module.fail_json(msg=str(exc))
    module.no_log_values.update(planning.secret_words(main_file, master_file))
    names = report.defaults.keys() | report.set.keys() if module.params["all_parameters"] else report.set.keys()
    services: list[dict[str, Any]] = [
        {
            **{name: getattr(service, name) for name in ("name", "type", *master_cf.COLUMNS, "line")},
            "options": {name: planning.mask(name, value) for name, value in service.options},
            "arguments": list(service.arguments),
            "chrooted": report.chrooted(service),
        }
        for service in master_file.services()
    ]
    module.exit_json(
        changed=False,
        installed=True,
        version=types.shown(host.version),
        tls_library=library[0] if library else None,
        map_types=sorted(host.map_types),
        sasl_types={"server": server, "client": client},
        default_database_type=report.effective("default_database_type"),
        parameters={name: planning.mask(name, value) for name, value in sorted(report.set.items())},
        effective={name: planning.mask(name, report.effective(name)) for name in sorted(names)},
        unused=sorted({finding.name for finding in report.findings if finding.rule in checks.UNUSED}),
        deprecated=report.deprecated,
        services=services,
        findings=[dataclasses.asdict(finding) for finding in report.findings],
        errors=sum(finding.severity == checks.ERROR for finding in report.findings),
        warnings_found=sum(finding.severity == checks.WARNING for finding in report.findings),
    )


if __name__ == "__main__":
    main()
