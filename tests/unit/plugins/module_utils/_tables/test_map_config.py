# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.puffy.mail.plugins.module_utils._tables import map_config

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
        {**LDAP, "query_filter": r"(&(mail=%s)(cn=a\28b))", "bind": "sasl", "timeout": "5"},
        {**LDAP, "query_filter": r"(&(mail=%s)(cn=a\28b))", "bind": "sasl", "timeout": "5"},
    ),
    ("pgsql", {"dbname": "m", "query": "SELECT 1 WHERE a='%s'", "password": "a $b=c"}, None),
    ("memcache", {"memcache": "inet:localhost:11211", "ttl": 0, "max_try": 1}, None),
    ("memcache", {"memcache": "unix:/run/memcached.sock"}, None),
    (
        "pgsql",
        {"hosts": ["postgres://u:secret@db/m"], "query": "SELECT 1 WHERE a='%s'"},
        {"hosts": "postgres://u:secret@db/m", "query": "SELECT 1 WHERE a='%s'"},
    ),
    (
        "ldap",
        {**LDAP, "chase_referrals": 1, "tls_require_cert": True, "server_host": "ldaps://a:637,ldaps://b"},
        {**LDAP, "chase_referrals": "yes", "tls_require_cert": "yes", "server_host": "ldaps://a:637,ldaps://b"},
    ),
    ("ldap", {"search_base": "uid=%u,ou=people,dc=%2,dc=%1", "query_filter": "(objectClass=*)", "version": 3}, None),
    ("ldap", {"search_base": ""}, None),
    ("ldap", {"search_base": 'ou="People, all",dc=example,dc=org'}, None),
    ("ldap", {**LDAP, "server_host": "localhost ldap2.example.org:390", "server_port": 389}, None),
    ("mysql", {"dbname": "m", "query": "CALL f('%s')", "require_result_set": False, "tls_CAfile": "/ca"}, None),
]


@pytest.mark.parametrize(("map_type", "options", "expected"), GOOD)
def test_plan(map_type: str, options: dict[str, Any], expected: dict[str, str] | None) -> None:
    texts = map_config.plan(map_type, options)
    assert list(texts) == [name for name, value in options.items() if value is not None]
    if expected is not None:
        assert texts == expected


BAD = [
    ("hash", {}, "'hash' is not a map type with a client file; there are ldap, memcache, mysql, pgsql, sqlite"),
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
    ("sqlite", {**SQLITE, "dbpath": "db"}, "option 'dbpath' is 'db'. Use an absolute path"),
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
        "option 'expansion_limit' is 'many'. Use a whole number, without a unit",
    ),
    (
        "sqlite",
        {**SQLITE, "dbpath": "/a\nquery = x"},
        "option 'dbpath' has a line break or a NUL; a value of a client file is one line",
    ),
    ("sqlite", {**SQLITE, "dbpath": " /a"}, "option 'dbpath' begins or ends with a blank, which Postfix would drop"),
    ("sqlite", {**SQLITE, "table": ["a"]}, "option 'table' is a list and takes one value"),
    ("sqlite", {**SQLITE, "table": True}, "option 'table' is True, a bool. Use a text or a number"),
    ("ldap", {**LDAP, "scope": "all"}, "option 'scope' is 'all'. Use one of sub, base, one"),
    ("ldap", {**LDAP, "start_tls": "maybe"}, "option 'start_tls' is 'maybe'. Use yes or no"),
    ("ldap", {**LDAP, "bind_pw": "s3cret"}, "option 'bind_pw' is of no use without 'bind_dn'"),
    (
        "ldap",
        {**LDAP, "bind_dn": "cn=a", "bind_pw": ["s3cret"]},
        "option 'bind_pw' is a list and takes one value",
    ),
    (
        "ldap",
        {**LDAP, "query_filter": "(mail=%s"},
        "option 'query_filter': '(mail=%s' is not an LDAP filter (RFC 4515): the '(' has no ')', at character 1",
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
    ("ldap", {**LDAP, "timeout": 0}, "option 'timeout' is 0. Use a whole number from 1 to 2147483647"),
    ("ldap", {**LDAP, "timeout": "10s"}, "option 'timeout' is '10s'. Use a whole number, without a unit"),
    ("ldap", {**LDAP, "password": "x"}, "ldap_table(5) has no option 'password'; did you mean 'bind_pw'?"),
    ("ldap", {**LDAP, "hosts": "x"}, "ldap_table(5) has no option 'hosts'; did you mean 'server_host'?"),
    ("pgsql", {"server_host": "x"}, "pgsql_table(5) has no option 'server_host'; did you mean 'hosts'?"),
    (
        "pgsql",
        {"tls_ca_cert_file": "x"},
        "pgsql_table(5) has no option 'tls_ca_cert_file'; it belongs to ldap",
    ),
    ("pgsql", {"query": "SELECT 1", "hosts": ["postgres://a/b", "c"]}, "a pgsql client file needs the option 'dbname'"),
    (
        "memcache",
        {"memcache": "localhost:11211"},
        "option 'memcache' is 'localhost:11211'. Use 'inet:HOST:PORT' or 'unix:/PATH'",
    ),
    (
        "ldap",
        {"search_base": "example.org"},
        "option 'search_base': 'example.org' is not a distinguished name (RFC 4514): no '=' follows the attribute"
        " 'example', at character 8",
    ),
    (
        "ldap",
        {**LDAP, "query_filter": "(%u=x)"},
        "option 'query_filter': '(%u=x)' is not an LDAP filter (RFC 4515): '%u' stands for an attribute, and only in a"
        " value is the key escaped, at character 2",
    ),
    (
        "ldap",
        {**LDAP, "query_filter": "(mail=100%%)"},
        "neither 'query_filter' nor 'search_base' has an expansion such as %s, so that every key would have one answer",
    ),
    (
        "ldap",
        {**LDAP, "result_attribute": "mail, %s"},
        "option 'result_attribute': '%s' is not the name of an LDAP attribute (RFC 4512, section 2.5). Use one such"
        " as 'mail'",
    ),
    (
        "ldap",
        {**LDAP, "start_tls": True, "version": 3, "server_host": "ldapi:///"},
        "option 'start_tls' is yes and 'server_host' has an ldapi:// URL, which needs no TLS",
    ),
    (
        "ldap",
        {**LDAP, "tls_require_cert": True},
        "option 'tls_require_cert' is of no use without TLS; set 'start_tls', or give 'server_host' an ldaps:// URL",
    ),
    ("ldap", {**LDAP, "bind": False, "bind_dn": "cn=a"}, "option 'bind_dn' is of no use while 'bind' is no"),
    (
        "ldap",
        {**LDAP, "bind_dn": "cn=a"},
        "option 'bind_dn' needs 'bind_pw': without a password the server takes the client for an anonymous one (RFC"
        " 4513, section 5.1.2)",
    ),
    (
        "ldap",
        {**LDAP, "bind_dn": "admin", "bind_pw": "s3cret"},
        "option 'bind_dn': 'admin' is not a distinguished name (RFC 4514): no '=' follows the attribute 'admin', at"
        " character 6",
    ),
    ("ldap", {**LDAP, "sasl_mechs": "EXTERNAL"}, "option 'sasl_mechs' is of no use unless 'bind' is sasl"),
    ("memcache", {"ttl": "1 hour"}, "option 'ttl' is '1 hour'. Use a whole number, without a unit"),
    # What YAML makes of a name without quotes.
    (
        "sqlite",
        {**SQLITE, True: "x"},
        "sqlite_table(5) has no option 'True'; it has additional_conditions, dbpath, domain,"
        " expansion_limit, query, result_format, select_field, table, where_field",
    ),
]


@pytest.mark.parametrize(("map_type", "options", "message"), BAD)
def test_plan_refuses(map_type: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        map_config.plan(map_type, options)
    assert str(caught.value) == message


def test_version() -> None:
    options = {"dbname": "m", "query": "SELECT 1", "idle_interval": 5}
    map_config.plan("mysql", options, (3, 9))
    with pytest.raises(ValueError, match=r"^option 'idle_interval' needs Postfix 3\.9 or later; this host has 3\.5$"):
        map_config.plan("mysql", options, (3, 5))


def test_a_database_server_by_uri_needs_no_dbname_since_3_10() -> None:
    options = {"hosts": "postgresql://db/m", "query": "SELECT 1"}
    map_config.plan("pgsql", options, (3, 10))
    with pytest.raises(ValueError, match=r"^a pgsql client file needs the option 'dbname'$"):
        map_config.plan("pgsql", options, (3, 9))


SECURE = {"server_host": "ldap://a", "version": 3, "start_tls": True, "tls_require_cert": True}
WARNINGS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("sqlite", SQLITE, []),
    ("sqlite", {**SQLITE, "query": "SELECT a FROM t WHERE b = '%u' AND c = '%d'"}, []),
    ("sqlite", {**SQLITE, "query": "SELECT a FROM t WHERE b = '%u'"}, ["the query uses the local part"]),
    ("sqlite", {**SQLITE, "query": "SELECT a FROM t WHERE b = '%u'", "domain": "example.org"}, []),
    ("ldap", {**LDAP, **SECURE, "bind_dn": "cn=a", "bind_pw": "x"}, []),
    ("ldap", {**LDAP, **SECURE, "query_filter": "(uid=%u)"}, ["the query uses the local part"]),
    ("ldap", {**LDAP, **SECURE, "tls_require_cert": False}, ["TLS without 'tls_require_cert: true' trusts any server"]),
    ("ldap", {**LDAP, "version": 3, "bind_dn": "cn=a", "bind_pw": "x"}, []),
    (
        "ldap",
        {**LDAP, "version": 3, "server_host": "ldap://b", "bind_dn": "cn=a", "bind_pw": "x"},
        ["'bind_pw' goes over the network in the clear"],
    ),
    ("ldap", {**LDAP, "server_host": "ldapi:///"}, ["'version' is not set"]),
]


@pytest.mark.parametrize(("map_type", "options", "beginnings"), WARNINGS)
def test_warnings(map_type: str, options: dict[str, Any], beginnings: list[str]) -> None:
    found = map_config.warnings(map_type, map_config.plan(map_type, options))
    assert len(found) == len(beginnings)
    for sentence, beginning in zip(found, beginnings):
        assert sentence.startswith(beginning)


def test_socketmap() -> None:
    assert map_config.socketmap({"server": "unix:/run/s.sock", "name": "a"}) == "socketmap:unix:/run/s.sock:a"
    assert map_config.socketmap({"server": "inet:[::1]:99", "name": "a"}) == "socketmap:inet:[::1]:99:a"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"server": "inet:a:1"}, "a socketmap needs the option 'name'"),
        ({"name": "a"}, "a socketmap needs the option 'server'"),
        ({"sever": "inet:a:1", "name": "a"}, "a socketmap has no option 'sever'; did you mean 'server'?"),
        ({"zzz": 1}, "a socketmap has no option 'zzz'; it has name, server"),
        ({1: 1}, "a socketmap has no option 1; it has name, server"),
        (
            {"server": "localhost:1", "name": "a"},
            "option 'server' is 'localhost:1'. Use 'inet:HOST:PORT' or 'unix:/PATH'",
        ),
        (
            {"server": "inet:a:1", "name": "a b"},
            "option 'name' is 'a b'. Use ASCII without blanks and commas",
        ),
    ],
)
def test_socketmap_refuses(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        map_config.socketmap(options)
    assert str(caught.value) == message


def test_the_password_in_a_uri_is_a_secret() -> None:
    options = {"hosts": ["postgres://u:s3cret@a/m", "postgres://b/m"], "query": "SELECT 1"}
    assert map_config.secrets_of("pgsql", options) == {"s3cret"}
    text = map_config.render(map_config.plan("pgsql", options))
    assert "s3cret" in text
    assert map_config.mask("pgsql", f"# {text}") == (
        "# hosts = postgres://u:********@a/m postgres://b/m\nquery = SELECT 1\n"
    )
    assert "s3cret" not in map_config.mask("pgsql", "hosts = a\n  postgres://u:s3cret@a/m\n")
    with pytest.raises(ValueError, match=r"^option 'expansion_limit' is 'postgres://u:\*{8}@a'\. Use"):
        map_config.plan("pgsql", {"expansion_limit": "postgres://u:s3cret@a"})


def test_mask_hides_every_form_of_a_secret() -> None:
    text = "# bind_pw = old\nbind_dn = cn=a\nbind_pw = s3c\n  ret\nsearch_base = x\npassword=unknown here\n"
    assert map_config.mask("ldap", text) == (
        "# bind_pw = ********\nbind_dn = cn=a\nbind_pw = ********\n ********\nsearch_base = x\npassword=********\n"
    )
    # A file that somebody else wrote, and that Postfix would not read.
    assert map_config.mask("ldap", "  bind_pw = s3cret\n") == "  bind_pw = ********\n"
    assert map_config.mask("ldap", "bind_dn = cn=a\n\vbind_pw = s3cret") == "bind_dn = cn=a\n\v bind_pw = ********"
    assert map_config.same_apart_from_secrets("ldap", "bind_pw = a\n", "bind_pw = b\n")
    assert not map_config.same_apart_from_secrets("ldap", "bind_pw = a\n", "bind_pw = a\n")
    assert not map_config.same_apart_from_secrets("ldap", "timeout = 1\n", "timeout = 2\n")


def test_secrets_of() -> None:
    assert map_config.secrets_of("ldap", {"bind_pw": "x", "bind_dn": "y"}) == {"x"}
    assert map_config.secrets_of("ldap", {"bind_pw": "", "bindpw": "typo"}) == {"typo"}


@given(st.text(st.characters(codec="utf-8", exclude_characters="\n\r\0"), min_size=1).filter(lambda s: s == s.strip()))
@settings(max_examples=50)
def test_a_password_of_any_shape_is_one_line_and_masked(password: str) -> None:
    texts = map_config.plan("ldap", {**LDAP, "bind_dn": "cn=a", "bind_pw": password})
    text = map_config.render(texts, "Managed")
    lines = text.split("\n")
    assert lines == ["# Managed", "search_base = dc=example,dc=org", "bind_dn = cn=a", f"bind_pw = {password}", ""]
    masked = ["# Managed", "search_base = dc=example,dc=org", "bind_dn = cn=a", "bind_pw = ********", ""]
    assert map_config.mask("ldap", text).split("\n") == masked


@pytest.mark.parametrize("mark", ["\v", "\f", "\x1c", "\x1e", "\x85", "\u2028", "\u2029"])
def test_what_python_takes_for_the_end_of_a_line_hides_no_secret(mark: str) -> None:
    assert map_config.mask("ldap", f"bind_pw = s3c{mark}ret\n") == "bind_pw = ********\n"
