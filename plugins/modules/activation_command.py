# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# There is no code for the host: the action plugin of this name copies the command.

from __future__ import annotations

DOCUMENTATION = r"""
module: activation_command
short_description: Install the command that makes Postfix and Dovecot run what is on disk
version_added: "0.1.0"
description:
  - Installs C(puffy-mail-activate) on the host, for what happens between two plays, such as a renewed certificate.
  - The command does what M(puffy.mail.postfix_service) and M(puffy.mail.dovecot_service) do, with the options that they
    were called with last. It judges what is on disk, compares it with what was last activated, reloads or restarts,
    waits for the proof, and goes back where the daemon cannot serve.
  - A daemon that does not run is left as it is. A daemon that runs and was never activated by these modules is judged
    and reloaded.
  - C(puffy-mail-activate -n) reports what it would do. The exit status is 0, or 1 where a daemon could not be
    activated.
  - C(puffy-mail-activate --certificate) puts the key and chain of an ACME client in place, where root alone may write.
    The role C(tls_pki) uses it.
  - The command is one file with the code of this collection. It needs C(python3) on the host, and no Ansible.
  - It finds records at their default place only, not in a O(puffy.mail.postfix_service#module:state_directory) of your
    own.
author:
  - The puffy.mail developers (@puffy-mail)
extends_documentation_fragment:
  - puffy.mail.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details:
      - The file is binary.
  idempotent:
    support: full
  platform:
    support: full
    platforms: OpenBSD, Linux
options:
  path:
    description: Where the command is installed, an absolute path.
    type: path
    default: /usr/local/sbin/puffy-mail-activate
notes:
  - Needs root.
seealso:
  - module: puffy.mail.postfix_service
  - module: puffy.mail.dovecot_service
"""

EXAMPLES = r"""
- name: Install the command that renewals call
  puffy.mail.activation_command:
"""

RETURN = r"""
dest:
  description: Where the command is.
  returned: success
  type: str
  sample: /usr/local/sbin/puffy-mail-activate
"""
