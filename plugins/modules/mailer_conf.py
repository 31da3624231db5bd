#!/usr/bin/python
# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mailer_conf
short_description: Switch sendmail, mailq and newaliases on OpenBSD to Postfix and back
version_added: "0.1.0"
description:
  - Switches C(/etc/mailer.conf), which C(mailwrapper(8)) reads, to Postfix and back. Runs C(postfix-enable) and
    C(postfix-disable) of the package where these do the right thing.
  - Decides by the content of the files. Repairs a mapping that was edited, and keeps lines for other names, such as
    C(makemap).
  - Keeps the mapping that the host came with in C(/etc/mailer.conf.pre-postfix), where the package looks for it, and
    in C(/etc/mailer.conf.base), because a second C(postfix-enable) can overwrite the first copy.
  - Removes C(/etc/mailer.conf.postfix) while the mapping is Postfix's. A re-installed package leaves that file, and a
    second C(postfix-enable) would use it to overwrite the saved mapping.
author:
  - The puffy.mail developers (@puffy-mail)
extends_documentation_fragment:
  - puffy.mail.attributes
attributes:
  check_mode:
    support: full
    details:
      - In check mode, Postfix may be missing.
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    support: full
    platforms: OpenBSD
options:
  state:
    description:
      - With V(postfix), the names C(sendmail), C(send-mail), C(mailq) and C(newaliases) call Postfix.
      - With V(base), the mapping that the host came with is restored. Where that mapping was lost before this module
        first ran, the module writes OpenBSD's default, which calls smtpd.
    type: str
    choices: [postfix, base]
    default: postfix
  sendmail:
    description: Path of Postfix's C(sendmail) program.
    type: path
    default: /usr/local/sbin/sendmail
seealso:
  - name: mailer.conf(5)
    description: The manual page of the file.
    link: https://man.openbsd.org/mailer.conf.5
  - name: mailwrapper(8)
    description: The manual page of the program that reads it.
    link: https://man.openbsd.org/mailwrapper.8
"""

EXAMPLES = r"""
- name: Switch sendmail, mailq and newaliases to Postfix
  puffy.mail.mailer_conf:

- name: Switch sendmail, mailq and newaliases back to the base system
  puffy.mail.mailer_conf:
    state: base
"""

RETURN = r"""
mapping:
  description: Program and arguments of each name after the change. In check mode, as they would be.
  returned: success
  type: dict
  sample:
    mailq: [/usr/local/sbin/sendmail]
    sendmail: [/usr/local/sbin/sendmail]
helpers:
  description: Commands of the package that were run. In check mode, those that would be run.
  returned: success
  type: list
  elements: str
  sample: [postfix-enable]
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.puffy.mail.plugins.module_utils import _command as command
from ansible_collections.puffy.mail.plugins.module_utils import _files as files
from ansible_collections.puffy.mail.plugins.module_utils import _host_lock as host_lock
from ansible_collections.puffy.mail.plugins.module_utils._openbsd import mailer_conf


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": list(mailer_conf.STATES), "default": "postfix"},
            "sendmail": {"type": "path", "default": mailer_conf.SENDMAIL},
        },
        supports_check_mode=True,
    )
    host_lock.keep(module)
    state, sendmail = module.params["state"], module.params["sendmail"]
    try:
        files.prepare(*mailer_conf.PATHS, check=module.check_mode)
        before = texts()
        plan = mailer_conf.plan(state, before, sendmail, command.find("postfix-disable") is not None)
        run = bool(plan.steps) and not module.check_mode
        if run and state == "postfix" and not os.access(sendmail, os.X_OK):
            raise ValueError(f"{sendmail} is missing. Install the Postfix package first")
        # Every helper is looked for before the first step.
        helpers = [step.target for step in plan.steps if step.action == "run"]
        programs = {name: command.require(name) for name in helpers} if run else {}
    except (ValueError, command.CommandError, files.FileError) as error:
        module.fail_json(msg=f"{error}. Nothing was changed.")
    if run:
        try:
            apply(plan, programs)
        except (command.CommandError, files.FileError) as error:
            module.fail_json(msg=f"{error}.")
    module.exit_json(
        changed=bool(plan.steps),
        diff=[
            files.text_diff(path, before[path], plan.after[path])
            for path in mailer_conf.PATHS
            if before[path] != plan.after[path]
        ],
        mapping={
            files.shown(name): [files.shown(word) for word in words]
            for name, words in mailer_conf.parse(plan.after[mailer_conf.CURRENT] or "").items()
        },
        helpers=helpers,
    )


def texts() -> dict[str, str | None]:
    """The files as they are on disk."""
    states = {path: files.read(path) for path in mailer_conf.PATHS}
    return {path: state.text() if state else None for path, state in states.items()}


def apply(plan: mailer_conf.Plan, programs: dict[str, str]) -> None:
    """Take the steps, and check the files afterwards. The helpers exit 0 even when they did nothing."""
    said = ""
    for step in plan.steps:
        if step.action == "write":
            files.write(step.target, files.encode_text(step.text), uid=0, gid=0, mode=0o644)
        elif step.action == "remove":
            # The copies are removed only after mailer.conf itself is what it should be.
            check(plan, (mailer_conf.CURRENT,), programs, said)
            files.remove(step.target)
        else:
            result = command.run([programs[step.target]], check=False)
            said += " / ".join(line.strip() for line in (result.stdout + result.stderr).splitlines() if line.strip())
    check(plan, mailer_conf.PATHS, programs, said)


def check(plan: mailer_conf.Plan, paths: tuple[str, ...], programs: dict[str, str], said: str) -> None:
    """Raise files.FileError where one of ``paths`` is not as ``plan`` wants it."""
    now = texts()
    for path in paths:
        if now[path] != plan.after[path]:
            helpers = " and ".join(programs) or "the change"
            raise files.FileError(
                f"{path} does not have the wanted content after {helpers}" + (f", which said: {said}" if said else "")
            )


if __name__ == "__main__":
    main()
