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
  - The file is read as C(rc.subr(8)) reads it, and values are compared, not text. A file that already says what is
    wanted is left as it is.
  - A changed file has the form C(rcctl(8)) gives it, so the next C(rcctl) command leaves it alone - no quotes, sorted,
    each line once, mode C(0644), owned by root and group 0; a file without content is removed.
  - Comments and lines that C(rc.subr(8)) does not understand are kept, but sorted with the rest, as C(rcctl(8)) does
    at its first edit. Of several assignments to one variable only the last, which is the one in effect, is kept.
  - Neither starts nor stops a service. See M(ansible.builtin.service) for that.
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
      - Variables and the value each is to have, such as C(smtpd_flags) and V(NO).
      - A bare V(NO) or V(YES) in YAML is a boolean and is written as V(NO) or V(YES).
      - A variable that C(rc.subr(8)) would ignore, and a value it would cut (at V(#), blanks at the end) or unquote,
        are errors.
      - A value that equals the default in O(rc_conf) needs no line. Nor does an empty value of a service that
        O(rc_conf) does not name.
    type: dict
    default: {}
  absent:
    description: Variables whose lines are removed.
    type: list
    elements: str
    default: []
  pkg_scripts:
    description: The services of packages that are started at boot, in their order. All others keep their places.
    type: dict
    suboptions:
      present:
        description: Services to add at the end, in this order, unless they are there.
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
          - Services to move to the end, in this order, so that what they depend on starts before them.
          - A service that is not in the list is not added.
        type: list
        elements: str
        default: []
  restored:
    description:
      - Gives variables and services the state that they have in a copy of the file from earlier, and leaves all others
        as they are now. Where the file then says what the copy says, it becomes the copy, in its order and its form.
      - Excludes O(variables), O(absent) and O(pkg_scripts).
    type: dict
    suboptions:
      copy:
        description: The copy. Where there is none, there was no file then.
        type: path
        required: true
      variables:
        description: The variables that get their value of then, or lose their line.
        type: list
        elements: str
        default: []
      pkg_scripts:
        description: The services that are in C(pkg_scripts) again if they were then, and else are not.
        type: list
        elements: str
        default: []
  path:
    description: The file.
    type: path
    default: /etc/rc.conf.local
  rc_conf:
    description: The file with the defaults of the system. It is only read, and need not exist.
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

- name: Give slapd its listeners
  puffy.mail.rc_conf_local:
    variables:
      slapd_flags: '-u _openldap -h ldap:///\ ldapi:///'

- name: Let smtpd start again
  puffy.mail.rc_conf_local:
    absent: [smtpd_flags]
    pkg_scripts:
      absent: [postfix]

- name: Give smtpd the flags it had when the file was copied
  puffy.mail.rc_conf_local:
    restored:
      copy: /var/backups/rc.conf.local
      variables: [smtpd_flags]
      pkg_scripts: [postfix]
"""

RETURN = r"""
variables:
  description: The variables that the file sets after the run (in check mode, would set), as C(rc.subr(8)) reads them.
  returned: success
  type: dict
  sample:
    pkg_scripts: slapd postfix
    smtpd_flags: "NO"
pkg_scripts:
  description: The services of packages that are started at boot, in their order.
  returned: success
  type: list
  elements: str
  sample: [slapd, postfix]
ignored:
  description: Lines of the file, as it was, that have no effect.
  returned: success
  type: list
  elements: dict
  contains:
    line:
      description: Number of the line, from 1.
      type: int
    text:
      description: The line, at most 80 characters of it.
      type: str
  sample:
    - line: 3
      text: sendmail_flag=NO
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.puffy.mail.plugins.module_utils import _files as files
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
    path = module.params["path"]
    pkg = module.params["pkg_scripts"] or {"present": [], "absent": [], "last": []}
    restored = module.params["restored"]
    try:
        want = rc_conf.wanted(
            module.params["variables"], module.params["absent"], pkg["present"], pkg["absent"], pkg["last"]
        )
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
        if edit.changed and not module.check_mode:
            apply(path, state, edit.text)
    except (ValueError, files.FileError) as error:
        module.fail_json(msg=str(error))
    after = edit.text if edit.text or (state and not edit.changed) else None
    scripts = edit.after.get("pkg_scripts", defaults.get("pkg_scripts", "")).split()
    module.exit_json(
        changed=edit.changed,
        diff=files.text_diff(path, text if state else None, after),
        variables={files.shown(key): files.shown(value) for key, value in edit.after.items()},
        pkg_scripts=[files.shown(name) for name in scripts],
        ignored=[{"line": line.number, "text": files.shown(line.text[:80])} for line in lines if line.ignored],
    )


def apply(path: str, before: files.FileState | None, text: str) -> None:
    """Bring the file to ``text``, unless someone else wrote it since it was read."""
    staged = files.stage(path, files.encode_text(text), uid=0, gid=0, mode=0o644)
    try:
        now = files.read(path)
        if (now.content if now else None) != (before.content if before else None):
            raise files.FileError(f"{path}: was changed by someone else meanwhile; nothing was changed; run this again")
        if text:
            files.commit(staged, path)
        else:
            # rcctl.sh 1.120 removes a file that has become empty.
            files.remove(path)
    finally:
        files.discard(staged)


if __name__ == "__main__":
    main()
