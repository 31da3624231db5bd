# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.filter.dovecot_problems import FilterModule

dovecot_problems = FilterModule().filters()["dovecot_problems"]


def test_sentences() -> None:
    assert dovecot_problems({"dovecot_tls_profile": "broad"}) == []
    assert dovecot_problems({"dovecot_tls_profile": "old"}) == [
        "dovecot_tls_profile is 'old'. Right would be one of 'intermediate', 'modern', 'broad'."
    ]


def test_not_a_mapping() -> None:
    with pytest.raises(AnsibleFilterError, match=r"^dovecot_problems needs a mapping of inputs by name, not list$"):
        dovecot_problems([])


def test_unknown_input() -> None:
    with pytest.raises(AnsibleFilterError, match=r"^dovecot_problems: no rule is known for the input 'colour'$"):
        dovecot_problems({"colour": "red"})
