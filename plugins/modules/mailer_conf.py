#!/usr/bin/python
# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mailer_conf
short_description: Make sendmail, mailq and newaliases reach Postfix on OpenBSD, or the mail system of base again
version_added: "0.1.0"
description:
  - Switches C(/etc/mailer.conf), which C(mailwrapper(8)) reads, to Postfix and back. Runs C(postfix-enable) and
    C(postfix-disable) of the package where these do the right thing.
  - Decides by what the files say, not by which of them exist. A mapping that was edited is repaired, and lines for
    other names (such as C(makemap)) are kept.
  - The mapping the host came with is never lost. It is kept in C(/etc/mailer.conf.pre-postfix), where the package looks
    for it, and once more in C(/etc/mailer.conf.base), because a second C(postfix-enable) can overwrite the former.
  - While Postfix is in force a C(/etc/mailer.conf.postfix), as a re-installed package leaves it, is removed, because
    C(postfix-enable) would overwrite the saved mapping with its help.
author:
  - The puffy.mail developers (@puffy-mail)
extends_documentation_fragment:
  - puffy.mail.attributes
attributes:
  check_mode:
    support: full
    details:
      - In check mode Postfix need not be installed.
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
      - With V(postfix) the names C(sendmail), C(send-mail), C(mailq) and C(newaliases) reach Postfix.
      - With V(base) the mapping the host came with is in force again. Where it was lost before this module first ran,
        that is OpenBSD's default, smtpd.
    type: str
    choices: [postfix, base]
    default: postfix
  sendmail:
    description: Postfix's C(sendmail) program.
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
- name: Make sendmail, mailq and newaliases reach Postfix
  puffy.mail.mailer_conf:

- name: Give them back to the mail system of base
  puffy.mail.mailer_conf:
    state: base
"""

RETURN = r"""
mapping:
  description: The program and arguments of each name after the run (in check mode, what they would be).
  returned: success
  type: dict
  sample:
    mailq: [/usr/local/sbin/sendmail]
    sendmail: [/usr/local/sbin/sendmail]
helpers:
  description: Commands of the package that were run (in check mode, would be run).
  returned: success
  type: list
  elements: str
  sample: [postfix-enable]
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.puffy.mail.plugins.module_utils import _command as command
from ansible_collections.puffy.mail.plugins.module_utils import _files as files
from ansible_collections.puffy.mail.plugins.module_utils._openbsd import mailer_conf


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": list(mailer_conf.STATES), "default": "postfix"},
            "sendmail": {"type": "path", "default": mailer_conf.SENDMAIL},
        },
        supports_check_mode=True,
    )
    state, sendmail = module.params["state"], module.params["sendmail"]
    try:
        before = texts()
        plan = mailer_conf.plan(state, before, sendmail, command.find("postfix-disable") is not None)
        if plan.steps and not module.check_mode:
            if state == "postfix" and not os.access(sendmail, os.X_OK):
                raise ValueError(
                    f"there is no program {sendmail} here; install the Postfix package first; nothing was changed"
                )
            apply(plan)
    except (ValueError, command.CommandError, files.FileError) as error:
        module.fail_json(msg=str(error))
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
        helpers=[step.target for step in plan.steps if step.action == "run"],
    )


def texts() -> dict[str, str | None]:
    """The files as they are on disk."""
    states = {path: files.read(path) for path in mailer_conf.PATHS}
    return {path: state.text() if state else None for path, state in states.items()}


def apply(plan: mailer_conf.Plan) -> None:
    """Take the steps, and see that they had the effect. The helpers exit 0 even when they did nothing."""
    # Before anything is touched: every helper that a step needs is there.
    programs = {step.target: command.require(step.target) for step in plan.steps if step.action == "run"}
    said = ""
    for step in plan.steps:
        if step.action == "write":
            files.write(step.target, files.encode_text(step.text), uid=0, gid=0, mode=0o644)
        elif step.action == "remove":
            files.remove(step.target)
        else:
            result = command.run([programs[step.target]], check=False)
            said += " / ".join(line.strip() for line in (result.stdout + result.stderr).splitlines() if line.strip())
    now = texts()
    wrong = [path for path in mailer_conf.PATHS if now[path] != plan.after[path]]
    if wrong:
        helpers = " and ".join(programs) or "the change"
        raise files.FileError(
            f"{wrong[0]} is not what it should be after {helpers}" + (f", which said: {said}" if said else "")
        )


if __name__ == "__main__":
    main()
