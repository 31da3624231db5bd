# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.puffy.mail.plugins.module_utils import _map_config

SQLITE = {"dbpath": "/var/db/accounts.sqlite", "query": "SELECT a FROM t WHERE b = '%s'"}
LDAP = {"search_base": "dc=example,dc=org"}

GOOD = [
    ("sqlite", SQLITE, {"dbpath": "/var/db/accounts.sqlite", "query": "SELECT a FROM t WHERE b = '%s'"}),
    (
        "sqlite",
        {"query": "\n  SELECT a\n  FROM t WHERE b = '%u' AND c = '%d'\n", "dbpath": "/d", "expansion_limit": 5},
        {"query": "SELECT a FROM t WHERE b = '%u' AND c = '%d'", "dbpath": "/d", "expansion_limit": "5"},
    ),
    ("sqlite", {**SQLITE, "domain": None, "result_format": "%s"}, {**SQLITE, "result_format": "%s"}),
    ("sqlite", {**SQLITE, "query": "SELECT a WHERE b LIKE '%%x' AND c = '%s'"}, None),
    ("sqlite", {**SQLITE, "query": "SELECT 'it''s' WHERE b = '%s'"}, None),
    (
        "ldap",
        {**LDAP, "server_host": ["ldap://a", "ldap://b"], "version": 3, "start_tls": True, "bind": False},
        {**LDAP, "server_host": "ldap://a ldap://b", "version": "3", "start_tls": "yes", "bind": "no"},
    ),
    (
        "ldap",
        {**LDAP, "query_filter": r"(&(mail=%s)(cn=a\(b))", "bind": "sasl", "timeout": "5"},
        {**LDAP, "query_filter": r"(&(mail=%s)(cn=a\(b))", "bind": "sasl", "timeout": "5"},
    ),
    ("pgsql", {"dbname": "m", "query": "SELECT 1 WHERE a='%s'", "password": "a $b=c"}, None),
    ("memcache", {"memcache": "inet:localhost:11211", "ttl": "1h"}, None),
    ("mysql", {"dbname": "m", "query": "CALL f('%s')", "require_result_set": False, "tls_CAfile": "/ca"}, None),
]


@pytest.mark.parametrize(("map_type", "options", "expected"), GOOD)
def test_plan(map_type: str, options: dict[str, Any], expected: dict[str, str] | None) -> None:
    texts = _map_config.plan(map_type, options)
    assert list(texts) == [name for name, value in options.items() if value is not None]
    if expected is not None:
        assert texts == expected


BAD = [
    ("hash", {}, "'hash' is no map type with a client file; there are ldap, memcache, mysql, pgsql, sqlite"),
    (
        "socketmap",
        {},
        "a socketmap has no client file: socketmap_table(5) names the server in the table's own name,"
        " such as 'socketmap:unix:/run/server.sock:name'",
    ),
    ("sqlite", {"dbpth": "/x"}, "sqlite_table(5) has no option 'dbpth'; did you mean 'dbpath'?"),
    ("ldap", {"search-base": "x"}, "ldap_table(5) has no option 'search-base'; did you mean 'search_base'?"),
    ("sqlite", {**SQLITE, "hosts": "x"}, "sqlite_table(5) has no option 'hosts'; it belongs to mysql and pgsql"),
    (
        "memcache",
        {"zzz": 1},
        "memcache_table(5) has no option 'zzz'; it has backup, data_size_limit, domain, flags, key_digest, key_format,"
        " line_size_limit, max_try, memcache, retry_pause, timeout, ttl",
    ),
    ("sqlite", {"dbpath": "/x"}, "a sqlite client file needs the option 'query' or 'table'"),
    ("ldap", {}, "a ldap client file needs the option 'search_base'"),
    ("sqlite", {**SQLITE, "dbpath": "db"}, "option 'dbpath' is 'db'; right would be an absolute path"),
    (
        "sqlite",
        {**SQLITE, "query": "SELECT a FROM t WHERE b = %s"},
        "option 'query' uses '%s' outside single quotes, where a key that holds SQL would be run as SQL;"
        " write \"'%s'\"",
    ),
    (
        "sqlite",
        {**SQLITE, "query": 'SELECT a FROM t WHERE b = "%u"'},
        "option 'query' uses '%u' outside single quotes, where a key that holds SQL would be run as SQL;"
        " write \"'%u'\"",
    ),
    (
        "sqlite",
        {**SQLITE, "query": "SELECT 'a WHERE 1"},
        "option 'query' has an unbalanced ' quote: \"SELECT 'a WHERE 1\"",
    ),
    (
        "sqlite",
        {**SQLITE, "query": "SELECT '%z'"},
        "option 'query' contains '%z', which Postfix does not expand; a literal percent sign is written '%%'",
    ),
    (
        "sqlite",
        {**SQLITE, "expansion_limit": "many"},
        "option 'expansion_limit' is 'many'; right would be a whole number",
    ),
    (
        "sqlite",
        {**SQLITE, "dbpath": "/a\nquery = x"},
        "option 'dbpath' has a line break or a NUL; a value of a client file is one line",
    ),
    ("sqlite", {**SQLITE, "dbpath": " /a"}, "option 'dbpath' begins or ends with a blank, which Postfix would drop"),
    ("sqlite", {**SQLITE, "table": ["a"]}, "option 'table' is a list and takes one value"),
    ("sqlite", {**SQLITE, "table": True}, "option 'table' is True, a bool; right would be a text or a number"),
    ("ldap", {**LDAP, "scope": "all"}, "option 'scope' is 'all'; right would be one of sub, base, one"),
    ("ldap", {**LDAP, "start_tls": "maybe"}, "option 'start_tls' is 'maybe'; right would be yes or no"),
    ("ldap", {**LDAP, "bind_pw": "s3cret"}, "option 'bind_pw' is of no use without 'bind_dn'"),
    (
        "ldap",
        {**LDAP, "bind_dn": "cn=a", "bind_pw": ["s3cret"]},
        "option 'bind_pw' is a list and takes one value",
    ),
    (
        "ldap",
        {**LDAP, "query_filter": "(mail=%s"},
        "option 'query_filter' has unbalanced parentheses: '(mail=%s' (RFC 4515)",
    ),
    (
        "ldap",
        {**LDAP, "start_tls": True, "version": 3, "server_host": "ldaps://a"},
        "option 'start_tls' is yes and 'server_host' has an ldaps:// URL, which is TLS already",
    ),
    (
        "ldap",
        {**LDAP, "start_tls": True},
        "option 'start_tls' needs the option 'version' to be 3 (RFC 4511, section 4.14)",
    ),
    ("ldap", {**LDAP, "cache": "yes"}, "option 'cache' is obsolete: Postfix ignores it with a warning; leave it out"),
    (
        "ldap",
        {**LDAP, "server_host": ["a b"]},
        "option 'server_host' is ['a b']; each item must be a text without blanks",
    ),
    ("memcache", {"ttl": "1 hour"}, "option 'ttl' is '1 hour'; right would be a time such as 60 or 60s"),
]


@pytest.mark.parametrize(("map_type", "options", "message"), BAD)
def test_plan_refuses(map_type: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        _map_config.plan(map_type, options)
    assert str(caught.value) == message


def test_version() -> None:
    options = {"dbname": "m", "query": "SELECT 1", "idle_interval": 5}
    _map_config.plan("mysql", options, (3, 9))
    with pytest.raises(ValueError, match=r"^option 'idle_interval' needs Postfix 3\.9 or later; this host has 3\.5$"):
        _map_config.plan("mysql", options, (3, 5))


def test_mask_hides_every_form_of_a_secret() -> None:
    text = "# bind_pw = old\nbind_dn = cn=a\nbind_pw = s3c\n  ret\nsearch_base = x\npassword=unknown here\n"
    assert _map_config.mask("ldap", text) == (
        "# bind_pw = ********\nbind_dn = cn=a\nbind_pw = ********\n ********\nsearch_base = x\npassword=********\n"
    )
    assert _map_config.same_apart_from_secrets("ldap", "bind_pw = a\n", "bind_pw = b\n")
    assert not _map_config.same_apart_from_secrets("ldap", "bind_pw = a\n", "bind_pw = a\n")
    assert not _map_config.same_apart_from_secrets("ldap", "timeout = 1\n", "timeout = 2\n")


def test_secrets_of() -> None:
    assert _map_config.secrets_of("ldap", {"bind_pw": "x", "bind_dn": "y"}) == {"x"}
    assert _map_config.secrets_of("ldap", {"bind_pw": "", "bindpw": "typo"}) == {"typo"}


@given(st.text(st.characters(codec="utf-8", exclude_characters="\n\r\0"), min_size=1).filter(lambda s: s == s.strip()))
@settings(max_examples=50)
def test_a_password_of_any_shape_is_one_line_and_masked(password: str) -> None:
    texts = _map_config.plan("ldap", {**LDAP, "bind_dn": "cn=a", "bind_pw": password})
    text = _map_config.render(texts, "Managed")
    lines = text.split("\n")
    assert lines == ["# Managed", "search_base = dc=example,dc=org", "bind_dn = cn=a", f"bind_pw = {password}", ""]
