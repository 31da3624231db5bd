# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
name: maillog_problems
short_description: Faults that Postfix and Dovecot report in the mail log
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Returns the lines in which Postfix or Dovecot reports a fault of this host.
  - Lines about the behaviour of peers are left out, such as a wrong password, an old TLS version that is refused, DNS
    names that do not match, a command that is not SMTP, or a remote server that breaks the protocol.
  - Lines about passing conditions are left out, such as a DNS list that does not answer, a clock that differs by
    seconds, or a stop, restart or reload of Dovecot.
  - Lines of other programs, and lines that are not from syslog, are ignored.
options:
  _input:
    description: The text of a mail log, or a list of its lines.
    type: raw
    required: true
seealso:
  - plugin: puffy.mail.tls_statistics
    plugin_type: filter
"""

EXAMPLES = """
- name: Fail if Postfix or Dovecot reports a fault
  ansible.builtin.assert:
    that: problems | length == 0
    fail_msg: "{{ problems | map(attribute='line') | join('; ') }}"
  vars:
    problems: "{{ lookup('ansible.builtin.file', 'mail.log') | puffy.mail.maillog_problems }}"
"""

RETURN = """
_value:
  description: The faults, in the order of the log.
  type: list
  elements: dict
  contains:
    program:
      description: The program as syslog names it.
      type: str
    severity:
      description: C(warning), C(error), C(fatal) or C(panic).
      type: str
    message:
      description: The text after the severity.
      type: str
    line:
      description: The whole line.
      type: str
  sample:
    - program: postfix/qmgr
      severity: warning
      message: "connect to transport private/x: No such file or directory"
      line: "Nov 21 10:53:19 mail postfix/qmgr[486]: warning: connect to transport private/x: No such file or directory"
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.module_utils._probe import mail_log


def maillog_problems(value: object) -> list[dict[str, Any]]:
    """The faults reported in a mail log."""
    try:
        return [asdict(problem) for problem in mail_log.problems(mail_log.lines_of(value))]
    except ValueError as exc:
        raise AnsibleFilterError(f"maillog_problems: {exc}") from exc


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Names to functions."""
        return {"maillog_problems": maillog_problems}
