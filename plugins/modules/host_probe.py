#!/usr/bin/python
# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_probe
short_description: Check a mail host from inside
version_added: "0.1.0"
description:
  - Makes the checks of a mail host that no client can make from outside.
  - The configuration of Postfix has no error. These are the checks of M(puffy.mail.postfix_info) with the severity
    V(error).
  - The networks whose clients may relay without a login do not cover a large part of the Internet. The check shows the
    list as Postfix has it, also where C(mynetworks_style) makes the list.
  - A name server answers, asked with the C(resolv.conf) of the host, and with the one in Postfix's chroot if a service
    runs there.
  - The files that programs need in the chroot are those of C(/etc).
  - The clock agrees with that of the controller.
  - A failed check does not fail the task. Read RV(ok) and RV(checks), or give the latter to
    P(puffy.mail.checks_as_text#filter).
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
  skip:
    description: Ids of checks of the configuration to leave out, such as V(open-relay). An unknown id is an error.
    type: list
    elements: str
    default: []
  dns_name:
    description:
      - Domain whose MX records are asked for. The answer that the domain does not exist passes too.
      - Empty leaves the checks of the DNS out.
    type: str
    default: ""
  time:
    description:
      - The time of the controller in seconds since the epoch. Without it, the check of the clock is left out.
    type: float
  tolerance:
    description: Seconds by which the clock may be wrong.
    type: float
    default: 120
  timeout:
    description: Seconds to wait for the answer of one name server.
    type: float
    default: 5
  label:
    description: The name of the endpoint in the checks.
    type: str
    default: host
seealso:
  - module: puffy.mail.smtp_probe
  - module: puffy.mail.postfix_info
"""

EXAMPLES = r"""
- name: Look at the host from inside
  puffy.mail.host_probe:
    dns_name: example.org
    time: "{{ now(utc=true).timestamp() }}"
  register: inside

- name: Fail if a check failed
  ansible.builtin.assert:
    that: inside.ok
    fail_msg: "{{ inside.checks | puffy.mail.checks_as_text }}"
"""

RETURN = r"""
ok:
  description: Whether no check failed.
  type: bool
  returned: success
  sample: true
ports:
  description: TCP ports on which the host listens for other hosts, sorted. Empty where the system has no C(/proc).
  type: list
  elements: int
  returned: success
  sample: [22, 25, 465, 587, 993]
checks:
  description: All checks in their order, in the form of M(puffy.mail.smtp_probe).
  type: list
  elements: dict
  returned: success
  contains:
    endpoint:
      description: O(label).
      type: str
    name:
      description: Name of the check.
      type: str
    ok:
      description: Whether the check passed. Null if it was left out.
      type: bool
    expected:
      description: What was expected.
      type: raw
    seen:
      description: What was seen, or why the check was left out.
      type: raw
  sample:
    - endpoint: host
      name: dns in /var/spool/postfix
      ok: false
      expected: a name server answers for example.org
      seen: "/var/spool/postfix/etc/resolv.conf: no such file or directory"
"""

import os
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils import _command as command
from ansible_collections.puffy.mail.plugins.module_utils import _files as files
from ansible_collections.puffy.mail.plugins.module_utils._postfix import checks as postfix_checks
from ansible_collections.puffy.mail.plugins.module_utils._postfix import daemon, main_cf, master_cf
from ansible_collections.puffy.mail.plugins.module_utils._postfix import host as postfix_host
from ansible_collections.puffy.mail.plugins.module_utils._postfix import module as postfix_module
from ansible_collections.puffy.mail.plugins.module_utils._postfix import plan as planning
from ansible_collections.puffy.mail.plugins.module_utils._probe import inside
from ansible_collections.puffy.mail.plugins.module_utils._probe.checks import Check

#: The programs that ask the DNS.
ASKING = ("smtpd", "smtp", "lmtp", "postscreen", "dnsblog")


def text_of(path: str) -> str:
    state = files.read(path)
    if state is None:
        raise files.FileError(f"{path}: does not exist; name the directory of Postfix in config_directory")
    return state.text()


def configuration(module: postfix_module.PostfixModule, skip: list[str]) -> tuple[Check, str]:
    """The check of the two files, and the root directory of the chrooted services that ask the DNS; empty: none is."""
    directory = module.params["config_directory"]
    main_path, master_path = (os.path.join(directory, name) for name in ("main.cf", "master.cf"))
    main_file = main_cf.parse(text_of(main_path), main_path)
    master_file = master_cf.parse(text_of(master_path), master_path)
    settings = {entry.name: entry.raw for entry in main_file.entries()}
    there = postfix_host.gather(directory, settings)
    report = postfix_checks.report(main_file, master_file, there, skip=skip, whole=postfix_host.is_standard(directory))
    module.no_log_values.update(planning.secret_words(main_file, master_file))
    errors = [
        f"{finding.file} line {finding.line}: {finding.message} [{finding.rule}]"
        for finding in report.findings
        if finding.severity == postfix_checks.ERROR
    ]
    chrooted = any(service.command in ASKING and report.chrooted(service) for service in master_file.services())
    root = report.effective("queue_directory") if chrooted else ""
    return Check("configuration of Postfix", not errors, "no error", errors or "no error"), root


def networks(directory: str) -> Check:
    """What mynetworks comes to: postconf(1) works the list out where Postfix takes it from the interfaces."""
    said = command.run([command.require("postconf"), "-c", directory, "-xh", "mynetworks"], check=False)
    if said.rc != 0:
        return Check("mynetworks", False, "a list of networks", (said.stderr or said.stdout).strip())
    return inside.networks(said.stdout)


def main() -> None:
    module = postfix_module.PostfixModule(
        argument_spec={
            "config_directory": {"type": "path", "default": "/etc/postfix"},
            "skip": {"type": "list", "elements": "str", "default": []},
            "dns_name": {"type": "str", "default": ""},
            "time": {"type": "float"},
            "tolerance": {"type": "float", "default": 120},
            "timeout": {"type": "float", "default": 5},
            "label": {"type": "str", "default": "host"},
        },
        supports_check_mode=True,
    )
    params: dict[str, Any] = module.params
    try:
        postfix_module.check_directory(params["config_directory"])
        if params["dns_name"]:
            inside.query(params["dns_name"], 0)
        judged, root = configuration(module, params["skip"])
    except (command.CommandError, files.FileError, ValueError) as exc:
        module.fail_json(msg=str(exc))
    found = [judged, networks(params["config_directory"])]
    roots = ["/", root] if root else ["/"]
    if params["dns_name"]:
        found += [inside.dns(each, params["dns_name"], params["timeout"]) for each in roots]
    else:
        found.append(Check("dns", None, "a name server answers", "left out: no name is given"))
    if root:
        found.append(inside.chroot_files(root))
    if params["time"] is not None:
        found.append(inside.clock(params["time"], params["tolerance"]))
    module.exit_json(
        changed=False,
        ok=all(check.ok is not False for check in found),
        ports=inside.open_ports(daemon.listening() or ()),
        checks=[check.as_dict(params["label"]) for check in found],
    )


if __name__ == "__main__":
    main()
