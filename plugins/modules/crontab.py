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
  - Edits one user's crontab through C(crontab(1)). A regular expression on the command finds the jobs, also those that
    the system or a person added. All other lines stay as they are.
  - Knows OpenBSD's C(crontab(5)), with random times (V(~)) and the flags C(-n), C(-q) and C(-s). On other systems,
    use only what their cron accepts.
  - On OpenBSD, C(crontab -l) does not show the first three comments of a crontab. This module keeps these comments
    where a person or the system wrote them, as on a fresh system.
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
    description: User whose crontab is edited.
    type: str
    default: root
  match:
    description:
      - Python regular expression. It is searched in the command of each job, without schedule and flags.
      - It must match O(job) where O(job) is given. The default is the whole O(job).
      - Required unless O(job) is given.
    type: str
  state:
    description:
      - With V(present), the crontab has one matching job, which runs O(job) at O(schedule). A matching job is
        changed in place, also one that is commented out. Without a matching job, the job is added at the end.
      - With V(absent), matching jobs are removed, also those that are commented out.
      - With V(disabled), matching jobs are commented out.
      - With V(enabled), matching jobs that are commented out run again. No job is added.
    type: str
    choices: [present, absent, disabled, enabled]
    default: present
  job:
    description:
      - The command. Required with O(state=present).
      - An unescaped V(%) ends the command. The text after it is the standard input of the command.
    type: str
  schedule:
    description:
      - Five fields (minute, hour, day of month, month, day of week), or V(@reboot), V(@yearly), V(@annually),
        V(@monthly), V(@weekly), V(@daily), V(@midnight) or V(@hourly). Required with O(state=present).
      - OpenBSD chooses a random value for V(~), also in the forms V(0~29), V(~/30) and V(0~59/30).
    type: str
  flags:
    description:
      - With V(-n), cron mails the output only when the command fails. With V(-q), cron does not log the job. With
        V(-s), cron runs one instance at a time.
      - Only OpenBSD's cron has these flags.
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
- name: Disable the queue runner of a sendmail that was removed
  puffy.mail.crontab:
    match: 'sendmail -L sm-msp-queue'
    state: disabled

- name: Renew certificates once a day, at a random time
  puffy.mail.crontab:
    job: /usr/local/sbin/renew-certificates
    schedule: "~ ~ * * *"
    flags: [-n, -s]

- name: Remove the job
  puffy.mail.crontab:
    match: '^/usr/local/sbin/renew-certificates$'
    state: absent
"""

RETURN = r"""
enabled:
  description: Number of matching jobs that cron runs after the change. In check mode, as it would be.
  returned: success
  type: int
  sample: 1
disabled:
  description: Number of matching jobs that are commented out after the change. In check mode, as it would be.
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
from ansible_collections.puffy.mail.plugins.module_utils import _host_lock as host_lock
from ansible_collections.puffy.mail.plugins.module_utils._openbsd import crontab

#: OpenBSD cron(8). Only read, because crontab -l does not show the first comments.
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
    host_lock.keep(module)
    user, state, match = module.params["user"], module.params["state"], module.params["match"]
    try:
        job = None
        if state == "present":
            job = crontab.check_job(module.params["schedule"], module.params["flags"], module.params["job"])
            if job.flags and platform.system() != "OpenBSD":
                raise ValueError(
                    f"flags has {', '.join(job.flags)}, and the cron of {platform.system()} has no flags. Remove them"
                )
        elif module.params["schedule"] is not None or module.params["flags"]:
            raise ValueError(
                f"state is {state!r}, where schedule and flags have no meaning. Remove them, or use state 'present'"
            )
        default = f"^{re.escape(module.params['job'])}$" if module.params["job"] is not None else ""
        pattern = crontab.check_match(match if match is not None else default, job.command if job else None)
        program = command.require("crontab")
        before = listing(program, user)
        edit = crontab.edit(before or "", state, pattern, job)
    except (ValueError, command.CommandError) as error:
        module.fail_json(msg=f"{error}. Nothing was changed.")
    if edit.changed and not module.check_mode:
        try:
            install(program, user, edit.text)
        except (command.CommandError, files.FileError) as error:
            module.fail_json(msg=f"{error}.")
    module.exit_json(
        changed=edit.changed,
        diff=files.text_diff(f"crontab of {user}", before, edit.text if before is not None or edit.text else None),
        enabled=edit.enabled,
        disabled=edit.disabled,
    )


def listing(program: str, user: str) -> str | None:
    """The user's crontab, or None without a crontab."""
    result = command.run([program, "-u", user, "-l"], check=False, exact=True)
    if result.rc == 0:
        return result.stdout
    # OpenBSD and Debian say "no crontab for root", busybox "can't open 'root': No such file or directory".
    if result.rc == 1 and re.search(r"no crontab for|can't open '[^']*': No such file", result.stderr):
        return None
    raise command.CommandError(command.failure(result))


def install(program: str, user: str, text: str) -> None:
    """Make ``text`` the user's crontab. Where crontab(1) finds an error in it, the old crontab stays."""
    spooled = files.read(os.path.join(SPOOL, user)) if platform.system() == "OpenBSD" else None
    whole = (crontab.hidden_comments(spooled.text()) if spooled else "") + text
    if not whole:
        command.run([program, "-u", user, "-r"])
        return
    result = command.run([program, "-u", user, "-"], data=whole, check=False, exact=True)
    if result.rc != 0:
        raise command.CommandError(f"{command.failure(result)}. The crontab of {user} was not changed")
    if listing(program, user) != whole:
        raise command.CommandError(
            f"crontab -u {user} - reported success, but crontab -l shows another text than the new one"
        )


if __name__ == "__main__":
    main()
