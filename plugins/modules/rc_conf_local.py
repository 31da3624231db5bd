#!/usr/bin/python
# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rc_conf_local
short_description: Set variables and package services in OpenBSD's rc.conf.local
version_added: "0.1.0"
description:
  - Sets and removes variables of C(/etc/rc.conf.local), and adds, removes and orders the services in C(pkg_scripts).
  - Reads the file as C(rc.subr(8)) does, and compares values, not text. A file that has the wanted values stays as
    it is.
  - Writes the file in the form of C(rcctl(8)), so that the next C(rcctl) command does not change it. The lines are
    sorted, each once and without quotes. The file has the mode C(0644), the owner root and the group 0. A file
    without content is removed.
  - Keeps comments and lines that C(rc.subr(8)) does not understand, but sorts them with the rest, as C(rcctl(8))
    does. Of several assignments to one variable, the last stays, because it is the one in effect.
  - Does not start or stop services. Use M(ansible.builtin.service) for that.
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
    platforms: OpenBSD
options:
  variables:
    description:
      - Variables with their values, such as C(smtpd_flags) with V(NO).
      - YAML reads V(NO) and V(YES) without quotes as booleans. The module writes them as V(NO) and V(YES).
      - A variable that C(rc.subr(8)) ignores is an error. So is a value that it would shorten, such as one with V(#),
        with blanks at the end, or in quotes.
      - A value that equals the default in O(rc_conf) gets no line. An empty value of a service that O(rc_conf) does
        not name gets no line either.
    type: dict
    default: {}
  absent:
    description: Variables whose lines are removed.
    type: list
    elements: str
    default: []
  pkg_scripts:
    description: Services of packages that start at boot, in their order. All others keep their places.
    type: dict
    suboptions:
      present:
        description: Services to add at the end, in this order, where they are missing.
        type: list
        elements: str
        default: []
      absent:
        description: Services to remove.
        type: list
        elements: str
        default: []
      last:
        description:
          - Services to move to the end, in this order, so that they start after the services they depend on.
          - A service that is not in the list is not added.
        type: list
        elements: str
        default: []
  restored:
    description:
      - Restores variables and services from an earlier copy of the file. All others stay as they are now. Where the
        result has the same values as the copy, the file becomes equal to the copy, byte for byte.
      - Cannot be used with O(variables), O(absent) or O(pkg_scripts).
    type: dict
    suboptions:
      copy:
        description: Path of the copy. Where it is missing, there was no file.
        type: path
        required: true
      variables:
        description: Variables that get their value from the copy. A variable that the copy does not set loses its line.
        type: list
        elements: str
        default: []
      pkg_scripts:
        description: Services that are added to C(pkg_scripts) if the copy has them there, and removed otherwise.
        type: list
        elements: str
        default: []
  path:
    description: The file.
    type: path
    default: /etc/rc.conf.local
  rc_conf:
    description: File with the defaults of the system. It is only read, and it may be missing.
    type: path
    default: /etc/rc.conf
seealso:
  - name: rc.conf.local(8)
    description: The manual page of the file.
    link: https://man.openbsd.org/rc.conf.local.8
  - name: rcctl(8)
    description: The manual page of the command that edits it.
    link: https://man.openbsd.org/rcctl.8
  - module: ansible.builtin.service
"""

EXAMPLES = r"""
- name: Turn smtpd off and start Postfix after its directory server
  puffy.mail.rc_conf_local:
    variables:
      smtpd_flags: "NO"
    pkg_scripts:
      present: [slapd, postfix]
      last: [postfix]

- name: Set the listeners of slapd
  puffy.mail.rc_conf_local:
    variables:
      slapd_flags: '-u _openldap -h ldap:///\ ldapi:///'

- name: Let smtpd start again
  puffy.mail.rc_conf_local:
    absent: [smtpd_flags]
    pkg_scripts:
      absent: [postfix]

- name: Restore the flags of smtpd from a copy
  puffy.mail.rc_conf_local:
    restored:
      copy: /var/backups/rc.conf.local
      variables: [smtpd_flags]
      pkg_scripts: [postfix]
"""

RETURN = r"""
variables:
  description: Variables that the file sets after the change, as C(rc.subr(8)) reads them. In check mode, what they
    would be.
  returned: success
  type: dict
  sample:
    pkg_scripts: slapd postfix
    smtpd_flags: "NO"
changed_variables:
  description: Variables whose value changed, in the order of the alphabet.
  returned: success
  type: list
  elements: str
  sample: [smtpd_flags]
pkg_scripts:
  description: Services of packages that start at boot, in their order.
  returned: success
  type: list
  elements: str
  sample: [slapd, postfix]
ignored:
  description: Lines without effect in the file before the change.
  returned: success
  type: list
  elements: dict
  contains:
    line:
      description: Number of the line, from 1.
      type: int
    text:
      description: First 80 characters of the line.
      type: str
  sample:
    - line: 3
      text: sendmail_flag=NO
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.puffy.mail.plugins.module_utils import _files as files
from ansible_collections.puffy.mail.plugins.module_utils import _host_lock as host_lock
from ansible_collections.puffy.mail.plugins.module_utils._openbsd import rc_conf


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "variables": {"type": "dict", "default": {}},
            "absent": {"type": "list", "elements": "str", "default": []},
            "pkg_scripts": {
                "type": "dict",
                "options": {
                    "present": {"type": "list", "elements": "str", "default": []},
                    "absent": {"type": "list", "elements": "str", "default": []},
                    "last": {"type": "list", "elements": "str", "default": []},
                },
            },
            "restored": {
                "type": "dict",
                "options": {
                    "copy": {"type": "path", "required": True},
                    "variables": {"type": "list", "elements": "str", "default": []},
                    "pkg_scripts": {"type": "list", "elements": "str", "default": []},
                },
            },
            "path": {"type": "path", "default": "/etc/rc.conf.local"},
            "rc_conf": {"type": "path", "default": "/etc/rc.conf"},
        },
        mutually_exclusive=[("restored", "variables"), ("restored", "absent"), ("restored", "pkg_scripts")],
        supports_check_mode=True,
    )
    host_lock.keep(module)
    path = module.params["path"]
    pkg = module.params["pkg_scripts"] or {"present": [], "absent": [], "last": []}
    restored = module.params["restored"]
    try:
        want = rc_conf.wanted(
            module.params["variables"], module.params["absent"], pkg["present"], pkg["absent"], pkg["last"]
        )
        files.prepare(path, check=module.check_mode)
        state = files.read(path)
        system = files.read(module.params["rc_conf"])
        defaults = rc_conf.values(rc_conf.parse(system.text(), module.params["rc_conf"])) if system else {}
        text = state.text() if state else ""
        lines = rc_conf.parse(text, path)
        if restored is None:
            edit = rc_conf.edit(text, want, defaults, path)
        else:
            copy = files.read(restored["copy"])
            original = copy.text() if copy else None
            edit = rc_conf.restore(text, original, restored["variables"], restored["pkg_scripts"], defaults, path)
    except (ValueError, files.FileError) as error:
        module.fail_json(msg=f"{error}. Nothing was changed.")
    if edit.changed and not module.check_mode:
        try:
            apply(path, state, edit.text)
        except files.FileError as error:
            module.fail_json(msg=f"{error}.")
    after = edit.text if edit.text or (state and not edit.changed) else None
    scripts = edit.after.get("pkg_scripts", defaults.get("pkg_scripts", "")).split()
    module.exit_json(
        changed=edit.changed,
        diff=files.text_diff(path, text if state else None, after),
        variables={files.shown(key): files.shown(value) for key, value in edit.after.items()},
        changed_variables=[
            files.shown(key)
            for key in sorted({*edit.before, *edit.after} - {"pkg_scripts"})
            if edit.before.get(key) != edit.after.get(key)
        ],
        pkg_scripts=[files.shown(name) for name in scripts],
        ignored=[{"line": line.number, "text": files.shown(line.text[:80])} for line in lines if line.ignored],
    )


def apply(path: str, before: files.FileState | None, text: str) -> None:
    """Write ``text`` to the file, unless somebody else wrote it since it was read."""
    staged = files.stage(path, files.encode_text(text), uid=0, gid=0, mode=0o644)
    try:
        now = files.read(path)
        if (now.content if now else None) != (before.content if before else None):
            raise files.FileError(
                f"{path} was changed by somebody else during this run. Run the task again. Nothing was changed"
            )
        if text:
            files.commit(staged, path)
        else:
            # rcctl.sh 1.120 removes a file that has become empty.
            files.remove(path)
    finally:
        files.discard(staged)


if __name__ == "__main__":
    main()
