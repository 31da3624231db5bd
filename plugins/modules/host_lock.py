#!/usr/bin/python
# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_lock
short_description: End the lock of a run on a mail host
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - The playbooks that change a host hold a lock on it, so that no two of them work there at once. The option
    O(puffy.mail.host_facts#module:lock) takes the lock, and this module ends it.
  - A host that this run does not hold is left as it is.
  - The lock is the file V(/run/puffy-mail.lock), on OpenBSD V(/var/run/puffy-mail.lock). A boot removes it.
options:
  whoever:
    description: Whether to end the lock of any run. Only for a run of which you know that it does not exist any more.
    type: bool
    default: false
  run:
    description: What identifies the run. The action fills it in.
    type: str
extends_documentation_fragment:
  - puffy.mail.attributes
attributes:
  check_mode:
    description: Check mode takes no lock and ends none.
    support: full
  diff_mode:
    description: There is no change to show.
    support: none
  idempotent:
    support: full
  platform:
    platforms: openbsd, debian
    support: full
seealso:
  - module: puffy.mail.host_facts
"""

EXAMPLES = r"""
- name: End the lock of a run that does not exist any more
  puffy.mail.host_lock:
    whoever: true
"""

RETURN = r"""
ended:
  description: The run whose lock was ended. Empty where there was none to end.
  returned: success
  type: str
  sample: puffy.mail.site by alice on control.example.org, process 4711
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.puffy.mail.plugins.module_utils import _files, _host_lock


def main() -> None:
    """Ansible's entry point."""
    module = AnsibleModule(
        argument_spec={"whoever": {"type": "bool", "default": False}, "run": {"type": "str"}},
        supports_check_mode=True,
    )
    whoever = module.params["whoever"]
    if module.check_mode:
        module.exit_json(changed=False, ended="")
    try:
        ended = _host_lock.release(module.params["run"] or "", whoever=whoever)
    except _files.FileError as exc:
        module.fail_json(msg=f"{exc}.")
    # The end of the lock of this run counts as no change, like the lock.
    module.exit_json(changed=whoever and ended is not None, ended=ended.who if ended else "")


if __name__ == "__main__":
    main()
