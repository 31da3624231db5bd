# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
name: awx_existing
short_description: What AWX has already, as far as the playbook awx has to know it
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Compares what the lookup P(puffy.mail.awx_objects#lookup) gives with what AWX has, and only reads.
  - Fails with one sentence for each credential that AWX lacks or that is of the wrong kind, for each name that another
    organization has, and for each setting that C(awx.awx) cannot take away.
  - Asks AWX with the lookup C(awx.awx.controller_api), which takes the address and the token from the environment.
options:
  _terms:
    description: The inputs C(mail_awx_*), a mapping as the module M(puffy.mail.inputs) returns it.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = """
- name: Show the Galaxy credentials that the organization gets
  ansible.builtin.debug:
    msg: "{{ lookup('puffy.mail.awx_existing', judged.inputs).galaxy_credentials }}"
"""

RETURN = """
_raw:
  description: A mapping with C(galaxy_credentials), the names of those that the organization has and of those it gets.
  type: list
  elements: dict
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase

from ansible_collections.puffy.mail.plugins.lookup import awx_objects
from ansible_collections.puffy.mail.plugins.module_utils._awx import existing


class LookupModule(LookupBase):  # type: ignore[misc]  # Ansible is not typed
    """Ansible's entry point."""

    def run(self, terms: list[dict[str, Any]], variables: dict[str, Any] | None = None, **_options: Any) -> list[Any]:
        """What AWX has. Raises AnsibleLookupError where something would go wrong."""
        (made,) = awx_objects.LookupModule().run(terms)
        asked = lookup_loader.get("awx.awx.controller_api", loader=self._loader, templar=self._templar)

        def get(endpoint: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = asked.run([endpoint], variables, query_params=dict(query), return_all=True)
            return found

        try:
            found, galaxy = existing.compared(awx_objects.settings_of(terms), made, get)
        except AnsibleError as exc:
            raise AnsibleLookupError(
                f"AWX cannot be asked: {str(exc).rstrip('.')}. Set CONTROLLER_HOST and CONTROLLER_OAUTH_TOKEN in the"
                " environment. Nothing was changed."
            ) from None
        if found:
            raise AnsibleLookupError("\n".join([*found, "Nothing was changed."]))
        return [{"galaxy_credentials": galaxy}]
