# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inputs of a host whose inventory sets nothing but its name."""

from __future__ import annotations

from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import say
from ansible_collections.puffy.mail.plugins.module_utils._postfix import capabilities
from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import Composition, Facts
from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._inputs.conftest import defaults, specification

FACTS = Facts("3.10.13", ("btree", "cidr", "hash", "lmdb", "pcre", "proxy", "regexp", "sqlite", "texthash"))


def wishes(**given: Any) -> dict[str, Any]:
    """All inputs: the defaults of the role with ``given`` laid over them."""
    known = {**defaults("postfix"), "postfix_tls_other_keys": [], "relay_clients_table": ""}
    assert set(given) <= set(known) | set(specification("postfix"))
    return {**known, **given}


def composed(**given: Any) -> Composition:
    """What the inputs come to."""
    return capabilities.compose(wishes(**given), FACTS)


def refused(**given: Any) -> list[str]:
    """The sentences on inputs that cannot stand together."""
    return [say(*problem) for problem in capabilities.problems(wishes(**given))]
