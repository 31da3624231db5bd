#!/usr/bin/python
# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postconf
short_description: Change C(main.cf) and C(master.cf) of Postfix as one checked transaction
version_added: "0.1.0"
description:
  - Sets and removes parameters of C(main.cf) and services of C(master.cf). Both files are read once, the change is
    planned, the outcome is checked as a whole, and both files are swapped - or neither.
  - Comments, order, blank lines and hand-made layout outside what changes stay byte for byte. Owner, mode and
    symbolic links of the files are kept.
  - The checks find what C(postfix check) does not - mistyped names, wrong values, unknown restrictions, missing or
    unreadable tables and certificates, an open relay. An error stops the run with file, line and, where there is one,
    the cure; nothing is written then. Faults that were in the files before count as well.
  - Neither reloads nor restarts Postfix - see RV(activation) and M(puffy.mail.postfix_service).
  - A run that was cut off between the two files is finished by the next one.
author:
  - The puffy.mail developers (@puffy-mail)
extends_documentation_fragment:
  - puffy.mail.attributes
  - puffy.mail.pending
attributes:
  check_mode:
    support: full
  diff_mode:
    description: Returns the difference of both files, passwords masked.
    support: full
  idempotent:
    support: full
  platform:
    support: full
    platforms: posix
options:
  parameters:
    description:
      - Parameters of C(main.cf) and the value each is to have.
      - A boolean is written as V(yes) or V(no), a list with V(,) and a space between its items. Write numbers with a
        point, such as V("3.10"), quoted.
      - For a list, a dictionary with C(append), C(prepend) and C(remove) changes items of the value the file has, or
        of the default of this Postfix where the file has none. An item that is there already stays in its place.
      - A list that is the same but for spacing and commas is not changed. Where a parameter is in the file more than
        once, the last one, which is in effect, is kept, and the others are removed.
      - The name of a parameter must not be empty or hold white space or V(=). A value must not hold a line break or a
        null byte.
    type: dict
    default: {}
  absent:
    description: Names of parameters to remove from C(main.cf), so that their defaults are in effect.
    type: list
    elements: str
    default: []
  services:
    description:
      - Services of C(master.cf). A key is C(name/type), such as V(submission/inet).
      - The fields are C(private), C(unpriv), C(chroot) (a boolean, V(y), V(n) or V(-)), C(wakeup) (seconds, V(?)
        after them or not), C(maxproc), C(command), C(options) (a dictionary, written as C(-o name=value)),
        C(options_absent) (a list of names), C(arguments) (a list, all other words after the command), C(state) and
        C(exclusive).
      - C(state) is V(present), V(absent) or V(disabled). A disabled service is commented out, as C(postconf -M#) does.
      - A service that is present keeps what the fields do not name. With C(exclusive), options that are not named are
        removed.
      - A service that is not there needs C(command), unless it is there as a comment, from which it is then made.
        Columns that are not named are V(-), the default of C(master(5)), and C(private) is V(n) for V(inet).
    type: dict
    default: {}
  exclusive:
    description:
      - Remove the parameters from C(main.cf) that O(parameters) does not name.
      - Services are never removed because they are not named.
    type: bool
    default: false
  config_directory:
    description: The directory of both files.
    type: path
    default: /etc/postfix
  unknown:
    description: Whether the name of a parameter that Postfix does not know stops the run.
    type: str
    choices: [error, warn]
    default: error
  deprecated:
    description: Whether a parameter that Postfix is about to drop is passed over, reported, or stops the run.
    type: str
    choices: [error, warn, ignore]
    default: warn
  skip:
    description: Checks to leave out, by the name of their rule, as in RV(findings).
    type: list
    elements: str
    default: []
  backup:
    description: Keep a copy of each changed file beside it.
    type: bool
    default: false
seealso:
  - module: puffy.mail.postfix_service
  - module: puffy.mail.postfix_info
  - name: postconf(5)
    description: All parameters of main.cf.
    link: https://www.postfix.org/postconf.5.html
  - name: master(5)
    description: The format of master.cf.
    link: https://www.postfix.org/master.5.html
"""

EXAMPLES = r"""
- name: Set parameters and the submission service in one step
  puffy.mail.postconf:
    parameters:
      myhostname: mail.example.org
      smtpd_helo_required: true
      message_size_limit: 40960000
      mydestination: [$myhostname, localhost.$mydomain, localhost]
      smtpd_recipient_restrictions:
        append: [reject_unauth_pipelining]
    absent: [content_filter]
    services:
      submission/inet:
        command: smtpd
        chroot: false
        options:
          syslog_name: postfix/submission
          smtpd_tls_security_level: encrypt
          smtpd_sasl_auth_enable: true

- name: Take a service out without losing its definition
  puffy.mail.postconf:
    services:
      smtps/inet:
        state: disabled

- name: Deliver through a script with arguments
  puffy.mail.postconf:
    services:
      archive/unix:
        unpriv: false
        command: pipe
        arguments: [flags=R, user=archive, argv=/usr/local/bin/archive, "${recipient}"]
"""

RETURN = r"""
parameters_set:
  description: Names of the parameters whose text in C(main.cf) was set (in check mode, would be).
  returned: success
  type: list
  elements: str
  sample: [message_size_limit, myhostname]
parameters_removed:
  description: Names of the parameters that were removed from C(main.cf).
  returned: success
  type: list
  elements: str
  sample: [content_filter]
services_changed:
  description: The services of C(master.cf) that were changed, as C(name/type).
  returned: success
  type: list
  elements: str
  sample: [submission/inet]
findings:
  description: What the checks found in the outcome. Errors are there only when the run failed. Ansible shows the others
    as warnings.
  returned: always, once the files were read
  type: list
  elements: dict
  contains:
    severity:
      description: V(error) or V(warning).
      type: str
    rule:
      description: The name of the rule, for O(skip).
      type: str
    file:
      description: The file.
      type: str
    line:
      description: The line in the outcome, from 1.
      type: int
    name:
      description: The parameter or service.
      type: str
    message:
      description: What is wrong.
      type: str
    suggestion:
      description: The cure, or null.
      type: str
  sample:
    - severity: warning
      rule: deprecated-parameter
      file: /etc/postfix/main.cf
      line: 12
      name: smtpd_use_tls
      message: smtpd_use_tls will be removed from Postfix
      suggestion: set smtpd_tls_security_level
activation:
  description:
    - What the running Postfix needs for this change to take effect. V(restart) for the parameters that a reload does
      not apply, such as inet_interfaces, also where they refer to a changed parameter.
  returned: success
  type: str
  sample: reload
recovered:
  description: Whether the run finished the change of a run that had been cut off.
  returned: success
  type: bool
  sample: false
backup_files:
  description: The copies that were kept, in the order of the files.
  returned: when O(backup=true) and something changed
  type: list
  elements: str
  sample: [/etc/postfix/main.cf.4711.2026-11-21@10:50:00~]
"""

import contextlib
import os
import time
from dataclasses import asdict, replace
from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils import _command as command
from ansible_collections.puffy.mail.plugins.module_utils import _files as files
from ansible_collections.puffy.mail.plugins.module_utils import _host_lock as host_lock
from ansible_collections.puffy.mail.plugins.module_utils._postfix import checks, main_cf, master_cf, transaction
from ansible_collections.puffy.mail.plugins.module_utils._postfix import host as postfix_host
from ansible_collections.puffy.mail.plugins.module_utils._postfix import module as postfix_module
from ansible_collections.puffy.mail.plugins.module_utils._postfix import plan as planning


def _stronger(one: str, other: str) -> str:
    return max(one, other, key=planning.ACTIVATIONS.index)


def _read(directory: str) -> tuple[files.FileState, files.FileState]:
    paths = (os.path.join(directory, name) for name in ("main.cf", "master.cf"))
    main, master = map(transaction.read, paths)
    return main, master


def _run(module: postfix_module.PostfixModule, directory: str, request: planning.Request) -> dict[str, Any]:
    main_state, master_state = _read(directory)
    stopped = transaction.interrupted(directory)
    contents = stopped.contents if stopped else {}
    texts = [
        replace(state, content=contents.get(os.path.realpath(state.path), state.content)).text()
        for state in (main_state, master_state)
    ]
    main = main_cf.parse(texts[0], main_state.path)
    master = master_cf.parse(texts[1], master_state.path)
    if not module.check_mode:
        transaction.recover(directory)

    host = postfix_host.gather(directory, {entry.name: entry.raw for entry in main.entries()})
    plan = planning.plan(main, master, request, host.defaults)
    module.no_log_values.update(planning.secret_words(main, master), planning.secret_words(plan.main, plan.master))

    findings = checks.check(
        plan.main,
        plan.master,
        host,
        unknown=module.params["unknown"],
        deprecated=module.params["deprecated"],
        skip=tuple(module.params["skip"]),
        whole=postfix_host.is_standard(directory),
    )
    if module.pending:
        findings = checks.of_a_later_host(findings)
    reported = [asdict(finding) for finding in findings]
    errors = [str(finding) for finding in findings if finding.severity == "error"]
    if errors:
        left = "The change of a run that had been cut off was finished; nothing else was changed."
        left = left if stopped and not module.check_mode else "Nothing was changed."
        module.fail_json(msg="\n".join([*errors, left]), findings=reported)

    for finding in findings:
        module.warn(postfix_module.printable(str(finding)))
    result: dict[str, Any] = {
        "changed": (main, master) != (plan.main, plan.master) or stopped is not None,
        "parameters_set": list(plan.parameters_set),
        "parameters_removed": list(plan.parameters_removed),
        "services_changed": list(plan.services_changed),
        "findings": reported,
        "activation": _stronger(plan.activation, stopped.activation if stopped else "none"),
        "recovered": bool(contents),
        "diff": _diff(main_state, master_state, plan),
    }
    if module.check_mode or (main, master) == (plan.main, plan.master):
        return result
    states = _read(directory) if stopped else (main_state, master_state)
    candidates = [files.encode_text(text) for text in (plan.main.render(), plan.master.render())]
    changes = [
        transaction.Change(state, content) for state, content in zip(states, candidates) if content != state.content
    ]
    copies = [_copy(change.before) for change in changes] if module.params["backup"] else []
    written = []
    try:
        for copy in copies:
            files.write(copy.path, copy.content, uid=copy.uid, gid=copy.gid, mode=copy.mode)
            written.append(copy.path)
        transaction.swap(directory, changes, result["activation"])
    except files.FileError:
        for path in written:
            files.discard(path)
        raise
    if copies:
        result["backup_files"] = written
    return result


def _without_postfix(module: postfix_module.PostfixModule, request: planning.Request) -> dict[str, Any]:
    """The result in check mode on a host that has no Postfix yet."""
    module.warn("Postfix is not installed on this host yet, so check mode could not check main.cf and master.cf.")
    return {
        "changed": True,
        "parameters_set": sorted(request.parameters),
        "parameters_removed": [],
        "services_changed": sorted(request.services),
        "findings": [],
        "activation": "restart",
        "recovered": False,
        "diff": [],
    }


def _copy(state: files.FileState) -> files.FileState:
    """A copy to be kept beside the file, named as AnsibleModule.backup_local() does it."""
    return replace(state, path=f"{state.path}.{os.getpid()}.{time.strftime('%Y-%m-%d@%H:%M:%S')}~")


def _diff(main_state: files.FileState, master_state: files.FileState, plan: planning.Plan) -> list[dict[str, str]]:
    shown = []
    main = main_cf.parse(main_state.text(), main_state.path)
    master = master_cf.parse(master_state.text(), master_state.path)
    if main != plan.main:
        before, after = planning.masked(main, main), planning.masked(plan.main, main)
        shown.append(files.text_diff(main.path, before, after))
    if master != plan.master:
        before, after = planning.masked_master(master, master), planning.masked_master(plan.master, master)
        shown.append(files.text_diff(master.path, before, after))
    return shown


def main() -> None:
    """Run the module."""
    module = postfix_module.PostfixModule(
        argument_spec={
            "parameters": {"type": "dict", "default": {}},
            "absent": {"type": "list", "elements": "str", "default": []},
            "services": {"type": "dict", "default": {}},
            "exclusive": {"type": "bool", "default": False},
            "config_directory": {"type": "path", "default": "/etc/postfix"},
            "unknown": {"type": "str", "choices": ["error", "warn"], "default": "error"},
            "deprecated": {"type": "str", "choices": ["error", "warn", "ignore"], "default": "warn"},
            "skip": {"type": "list", "elements": "str", "default": []},
            "backup": {"type": "bool", "default": False},
            "pending": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    host_lock.keep(module)
    directory = module.params["config_directory"]
    try:
        request = planning.Request(
            planning.read_parameters(module.params["parameters"], module.params["absent"]),
            frozenset(module.params["absent"]),
            planning.read_services(module.params["services"]),
            module.params["exclusive"],
        )
        if module.pending and command.find("postconf") is None:
            module.exit_json(**_without_postfix(module, request))
        postfix_module.check_directory(directory)
        # Check mode writes nothing, not even a lock.
        with contextlib.nullcontext() if module.check_mode else transaction.locked(directory):
            result = _run(module, directory, request)
    except ValueError as exc:
        module.fail_json(msg=f"{exc}; nothing was changed")
    except (files.FileError, command.CommandError) as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
