# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that hands the inputs of the role postfix to its capabilities."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.filter.postfix_configuration import FilterModule, postfix_configuration
from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.capabilities.wishes import wishes

FACTS = {"version": "3.11.7", "table_types": ["cdb", "lmdb"], "cache_type": "lmdb", "configured": True}


def test_the_facts_are_read() -> None:
    found = postfix_configuration(wishes(), FACTS)
    assert found["parameters"]["smtp_tls_session_cache_database"] == "lmdb:${data_directory}/smtp_scache"
    assert "smtp_tls_session_cache_database" in postfix_configuration(wishes())["absent"]
    assert set(found) == {"parameters", "absent", "services", "tables"}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "postfix_configuration: the input must be a dictionary of inputs, not list"),
        ({}, "postfix_configuration: the input 'postfix_accounts' is missing"),
        (wishes(postfix_submission="perhaps"),
         "postfix_configuration: postfix_submission is 'perhaps'. Use true or false."),
        (wishes(postfix_message_size_limit="ten"),
         "postfix_configuration: postfix_message_size_limit is 'ten'. Use a whole number."),
        (wishes(postfix_absent=["biff"], postfix_parameters={"biff": False}),
         "postfix_configuration: postfix_absent has 'biff', and postfix_parameters sets biff. Remove one of the two."),
        (wishes(postfix_parameters={"biff": None}),
         "postfix_configuration: parameter 'biff': the value is null; give a value, or name it in the list of what"
         " must be absent"),
    ],
)  # fmt: skip
def test_bad_input_is_an_error(value: Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        postfix_configuration(value, FACTS)
    assert str(caught.value) == message


def test_the_filter_is_found() -> None:
    assert list(FilterModule().filters()) == ["postfix_configuration"]


class Lazy(dict):  # type: ignore[type-arg]
    """Like the mappings in which Ansible hands inputs over, which only Ansible makes."""

    def __init__(self, *_arguments: object) -> None:
        raise TypeError("Direct construction of lazy containers is not supported.")


def test_inputs_in_ansibles_own_mappings() -> None:
    entries = dict.__new__(Lazy)
    entries.update({"old@example.test": "bob@example.test"})
    table = dict.__new__(Lazy)
    table.update(path="/etc/postfix/canonical", entries=entries, parameter="recipient_canonical_maps")
    found = postfix_configuration(wishes(postfix_tables=[table], postfix_aliases=entries), FACTS)["tables"]
    assert [table["entries"] for table in found if table["path"] == "/etc/postfix/canonical"] == [entries]
