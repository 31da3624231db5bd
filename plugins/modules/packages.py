#!/usr/bin/python
# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: packages
short_description: Install the packages that a mail host lacks
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Compares the packages that roles need with the facts of M(puffy.mail.host_facts), and installs what is missing.
    Where nothing is missing, nothing runs on the host.
  - A need is met by the package itself, or by something else that provides the same, such as a Python library of
    another origin. Such a host needs no package manager and no network.
  - Debian's packages are installed with M(ansible.builtin.apt), without starting their daemons, from the package
    lists that are
    there; where that fails, from fresh lists. OpenBSD's packages are installed with M(community.general.openbsd_pkg).
  - Looks at the host again after it has installed packages, and updates the facts.
  - In check mode, reports the packages that would be installed, and adds their names to the fact C(puffy_mail.pending).
    Debian's C(python3-apt) is not needed for that. Later tasks need the version of Dovecot. It is read from the package
    lists. Where they do not know it, V(2.4) is assumed.
options:
  needs:
    description:
      - What must be there. Each entry is the name of a package, or a mapping with C(package), the name of the
        package, and C(provides), an entry of the fact C(puffy_mail.provides) that meets the need without the package.
    type: list
    elements: raw
    required: true
attributes:
  check_mode:
    description: Reports the packages that would be installed.
    support: full
  diff_mode:
    description: Shows the names of the packages.
    support: full
  idempotent:
    description: Installs nothing where all needs are met.
    support: full
  platform:
    description: Debian and OpenBSD.
    platforms: openbsd, debian
    support: full
  action:
    description: Runs on the control side, and runs the module of the package manager on the host.
    support: full
  facts:
    description: Returns C(ansible_facts) after it has installed packages.
    support: full
extends_documentation_fragment:
  - puffy.mail.attributes
seealso:
  - module: puffy.mail.host_facts
"""

EXAMPLES = r"""
- name: Install the packages
  puffy.mail.packages:
    needs:
      - package: postfix-sqlite
        provides: map:sqlite
"""

RETURN = r"""
installed:
  description: Packages that were installed, or would be installed in check mode.
  type: list
  elements: str
  returned: success
"""
