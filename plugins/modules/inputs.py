# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: inputs
short_description: Judge the variables of a host before a task touches it
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Reads the variables of the host as the roles of this collection will see them, and judges type, choices and form of
    each, and what must fit together. The task fails with one message that has a sentence for each fault.
  - A variable of the host that begins like those of this collection and that no role or playbook knows is a fault. The
    message names the nearest variable. Names of your own go into C(mail_other_variables).
  - Null, an empty text and a variable that is not set mean the same, unless the role documents an empty text.
    Numbers, booleans, lists and mappings may be text, as they come from C(-e) or from an INI inventory.
  - A sentence names the variable that was set, for example C(mail_tls_profile) where several roles read it.
  - Values of secrets are never shown.
  - With O(playbook=site) the addresses and C(mail_hostname) of all hosts of the play are compared, too.
  - Checks also what the roles need on the control node, which are the Python packages bcrypt and cryptography, a
    directory for the private CA that can be written, and the accounts file.
  - The action runs on the control node alone. It needs no connection and no facts. An input whose default needs facts
    that were not gathered is judged only where it is set.
extends_documentation_fragment:
  - puffy.mail.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: Nothing is changed.
  idempotent:
    support: full
  platform:
    platforms: all
    support: full
options:
  roles:
    description: The roles whose inputs are judged, by their names without C(puffy.mail).
    type: list
    elements: str
    choices: [openbsd_base, tls_pki, sqlite_maps, ldap_maps, dovecot, postfix]
    default: []
  playbook:
    description: The playbook whose inputs are judged, with the roles that it runs.
    type: str
    choices: [site, restore, verify, audit]
"""

EXAMPLES = r"""
- name: Check the inputs of two roles
  puffy.mail.inputs:
    roles: [tls_pki, postfix]
"""

RETURN = r"""
inputs:
  description:
    - The inputs by name, each with the type that its role specifies. The output of the task does not show them.
    - An input whose default needs facts that were not gathered is missing.
  returned: success
  type: dict
"""
