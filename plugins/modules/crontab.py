#!/usr/bin/python
# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: crontab
short_description: Add, remove, disable or enable jobs in a user's crontab
version_added: "0.1.0"
description:
  - Edits one user's crontab through C(crontab(1)). Jobs are found by a regular expression on their command, so that
    jobs which the system or a person put there can be found too. Every other line stays as it is.
  - Knows OpenBSD's C(crontab(5)), with random times (V(~)) and the flags C(-n), C(-q) and C(-s). On other systems it
    works with what their cron accepts.
  - On OpenBSD C(crontab -l) leaves out up to three comments at the top of a crontab. Where those are not crontab's own
    header, as on a fresh system, this module keeps them.
author:
  - The puffy.mail developers (@puffy-mail)
extends_documentation_fragment:
  - puffy.mail.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    support: full
    platforms: OpenBSD, posix
options:
  user:
    description: The user whose crontab is edited.
    type: str
    default: root
  match:
    description:
      - A regular expression of Python that is searched in each job's command, without its schedule and flags.
      - It must match O(job) where that is given. The default is O(job) itself, whole.
      - Required unless O(job) is given.
    type: str
  state:
    description:
      - With V(present) there is one such job, and it runs O(job) at O(schedule). A matching job is changed where it
        stands, also one that is commented out; otherwise the job is added at the end.
      - With V(absent) there is no such job, neither running nor commented out.
      - With V(disabled) every such job is commented out.
      - With V(enabled) every such job that is commented out runs again. Nothing is added.
    type: str
    choices: [present, absent, disabled, enabled]
    default: present
  job:
    description:
      - The command. Required with O(state=present).
      - As everywhere in a crontab, an unescaped V(%) ends the command, and what follows it is its standard input.
    type: str
  schedule:
    description:
      - Five fields (minute, hour, day of month, month, day of week), or V(@reboot), V(@yearly), V(@annually),
        V(@monthly), V(@weekly), V(@daily), V(@midnight) or V(@hourly). Required with O(state=present).
      - OpenBSD chooses a random value for V(~), also in the forms V(0~29), V(~/30) and V(0~59/30).
    type: str
  flags:
    description:
      - V(-n) mails the output only when the command fails, V(-q) leaves it out of cron's log, V(-s) runs one instance
        at a time.
      - Only OpenBSD has them.
    type: list
    elements: str
    default: []
seealso:
  - name: crontab(5)
    description: The manual page of the file.
    link: https://man.openbsd.org/crontab.5
  - module: ansible.builtin.cron
"""

EXAMPLES = r"""
- name: Stop the queue runner of a sendmail that is gone
  puffy.mail.crontab:
    match: 'sendmail -L sm-msp-queue'
    state: disabled

- name: Look for new certificates once a day, at a time of the host's own
  puffy.mail.crontab:
    job: /usr/local/sbin/renew-certificates
    schedule: "~ ~ * * *"
    flags: [-n, -s]

- name: Take the job away again
  puffy.mail.crontab:
    match: '^/usr/local/sbin/renew-certificates$'
    state: absent
"""

RETURN = r"""
enabled:
  description: Number of matching jobs that run, after the run (in check mode, would run).
  returned: success
  type: int
  sample: 1
disabled:
  description: Number of matching jobs that are commented out.
  returned: success
  type: int
  sample: 0
"""

import os
import platform
import re

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.puffy.mail.plugins.module_utils import _command as command
from ansible_collections.puffy.mail.plugins.module_utils import _files as files
from ansible_collections.puffy.mail.plugins.module_utils._openbsd import crontab

#: OpenBSD cron(8). Only read: the first comments of a table stand nowhere else.
SPOOL = "/var/cron/tabs"


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "user": {"type": "str", "default": "root"},
            "match": {"type": "str"},
            "state": {"type": "str", "choices": list(crontab.STATES), "default": "present"},
            "job": {"type": "str"},
            "schedule": {"type": "str"},
            "flags": {"type": "list", "elements": "str", "default": []},
        },
        required_if=[("state", "present", ("job", "schedule"))],
        required_one_of=[("match", "job")],
        supports_check_mode=True,
    )
    user, state, match = module.params["user"], module.params["state"], module.params["match"]
    try:
        job = None
        if state == "present":
            job = crontab.check_job(module.params["schedule"], module.params["flags"], module.params["job"])
            if job.flags and platform.system() != "OpenBSD":
                raise ValueError(
                    f"flags {' '.join(job.flags)}: only OpenBSD's cron has them, not {platform.system()}'s"
                )
        elif module.params["schedule"] is not None or module.params["flags"]:
            raise ValueError(f"schedule and flags go with state 'present', not with {state!r}")
        default = f"^{re.escape(module.params['job'])}$" if module.params["job"] is not None else ""
        pattern = crontab.check_match(match if match is not None else default, job.command if job else None)
        program = command.require("crontab")
        before = listing(program, user)
        edit = crontab.edit(before or "", state, pattern, job)
        if edit.changed and not module.check_mode:
            install(program, user, edit.text)
    except (ValueError, command.CommandError, files.FileError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=edit.changed,
        diff=files.text_diff(f"crontab of {user}", before, edit.text if before is not None or edit.text else None),
        enabled=edit.enabled,
        disabled=edit.disabled,
    )


def listing(program: str, user: str) -> str | None:
    """The user's crontab, or None where there is none."""
    result = command.run([program, "-u", user, "-l"], check=False, exact=True)
    if result.rc == 0:
        return result.stdout
    # OpenBSD and Debian say "no crontab for root", busybox "can't open 'root': No such file or directory".
    if result.rc == 1 and re.search(r"no crontab for|can't open '[^']*': No such file", result.stderr):
        return None
    raise command.CommandError(command.failure(result) + "; nothing was changed")


def install(program: str, user: str, text: str) -> None:
    """Make ``text`` the user's crontab. crontab(1) checks it first and keeps the old one where it finds an error."""
    spooled = files.read(os.path.join(SPOOL, user)) if platform.system() == "OpenBSD" else None
    whole = (crontab.hidden_comments(spooled.text()) if spooled else "") + text
    if not whole:
        command.run([program, "-u", user, "-r"])
        return
    result = command.run([program, "-u", user, "-"], data=whole, check=False, exact=True)
    if result.rc != 0:
        raise command.CommandError(f"{command.failure(result)}; the crontab of {user} is as it was")
    if listing(program, user) != whole:
        raise command.CommandError(f"crontab -u {user} - succeeded, but crontab -l does not show what was installed")


if __name__ == "__main__":
    main()
