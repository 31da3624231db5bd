# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of the role sqlite_maps: what they pass on and how they fail."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.puffy.mail.plugins.filter.sqlite_client_files import FilterModule as SqliteClientFiles

sqlite_client_files = SqliteClientFiles().filters()["sqlite_client_files"]


def test_sqlite_client_files() -> None:
    files = sqlite_client_files(
        {"virtual_alias_maps": {"a@example.test": "b@example.test"}},
        "/srv/a.sqlite",
        "/etc/t",
        {"relay_domains": {"x": None}},
    )
    assert [file["path"] for file in files][:2] == ["/etc/t/virtual_mailbox_domains.cf", "/etc/t/relay_domains.cf"]
    assert {file["options"]["dbpath"] for file in files} == {"/srv/a.sqlite"}
    assert files[3]["expect"] == {"a@example.test": "b@example.test"}
    assert files[1]["expect"] == {"x": None}
    with pytest.raises(AnsibleFilterError, match=r"^sqlite_client_files: there is no client file 'x'"):
        sqlite_client_files({}, "/srv/a.sqlite", "/etc/t", {"x": {}})
