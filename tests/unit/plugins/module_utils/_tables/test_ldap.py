# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.puffy.mail.plugins.module_utils._tables import ldap
from ansible_collections.puffy.mail.plugins.module_utils._tables.ldap import Server

SERVERS = [
    ("ldap://ldap.example.org", Server("ldap", "ldap.example.org", 389)),
    ("LDAP://ldap.example.org:3389/", Server("ldap", "ldap.example.org", 3389)),
    ("ldaps://192.0.2.1", Server("ldaps", "192.0.2.1", 636)),
    ("ldap://[2001:db8::1]:390", Server("ldap", "2001:db8::1", 390)),
    ("ldapi://%2Frun%2Fslapd%2Fldapi", Server("ldapi", "", 0, "/run/slapd/ldapi")),
    ("ldapi:///", Server("ldapi", "", 0, "")),
]


@pytest.mark.parametrize(("text", "server"), SERVERS)
def test_parse_server(text: str, server: Server) -> None:
    assert ldap.parse_server(text) == server


@pytest.mark.parametrize(
    ("text", "local"),
    [("ldapi:///", True), ("ldap://localhost", True), ("ldap://[::1]", True), ("ldaps://ldap.example.org", False)],
)
def test_local(text: str, local: bool) -> None:
    assert ldap.parse_server(text).local is local


RIGHT = (
    ". Use a URL such as 'ldap://ldap.example.org', 'ldaps://ldap.example.org:636' or 'ldapi://%2Frun%2Fslapd%2Fldapi'"
)
BAD_SERVERS = [
    ("ldap.example.org", "it has no '://'"),
    ("http://ldap.example.org", "'http' is none of ldap, ldaps, ldapi"),
    ("ldap://a,ldap://b", "it has a blank or a comma"),
    ("ldap://", "it names no host"),
    ("ldap:///dc=example", "'/dc=example' names an entry or a search, which has options of its own"),
    ("ldap://cn=admin@ldap.example.org", "it names a user, who has options of his own"),
    ("ldap://2001:db8::1", "an IPv6 address stands in brackets"),
    ("ldap://[ldap]", "'[ldap]' is not an IPv6 address in brackets"),
    ("ldap://[::1]x", "'x' follows the address"),
    ("ldap://-ldap", "'-ldap' is not the name of a host"),
    ("ldap://ldap:", "the port is missing after ':'"),
    ("ldap://ldap:ldaps", "'ldaps' is not a port from 1 to 65535"),
    ("ldap://ldap:65536", "'65536' is not a port from 1 to 65535"),
    (
        "ldapi:///run/slapd/ldapi",
        "a slash in the path of its socket is written '%2F', as in 'ldapi://%2Frun%2Fslapd%2Fldapi'",
    ),
    ("ldapi://%2Frun%2", "a '%' in it is followed by something else than two hexadecimal digits"),
    ("ldapi://run", "'run' is not the absolute path of a socket"),
]


@pytest.mark.parametrize(("text", "problem"), BAD_SERVERS)
def test_parse_server_refuses(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        ldap.parse_server(text)
    assert str(caught.value) == f"{text!r} is not the URL of an LDAP server: {problem}{RIGHT}"


#: what RFC 4515 and RFC 4526 allow; tests/integration/test_ldap_maps.py asks libldap for the same
FILTERS = [
    "(mail=%s)",
    "(&(objectClass=domain)(dc=%s))",
    "(&(objectClass=PostfixBookMailAccount)(!(mailEnabled=FALSE))(|(mail=%u@%d)(mailAlias=%u@%d)))",
    "(& (a=b)  (c=d) )",
    "(cn=*)",
    "(cn=a*b*c)",
    "(cn=)",
    "(cn;lang-de=Müller)",
    "(1.2.840.113549.1.9.1=a@example.org)",
    r"(cn=staff \28Berlin\29 \2a \5c \00)",
    "(cn~=smith)",
    "(uidNumber>=1000)",
    "(uidNumber<=2000)",
    "(cn:caseExactMatch:=Alice)",
    "(o:dn:=example)",
    "(:dn:2.4.6.8.10:=x)",
    "(memberOf:1.2.840.113556.1.4.1941:=cn=a,dc=b)",
    "(&)",
    "(|)",
]


@pytest.mark.parametrize("text", FILTERS)
def test_check_filter(text: str) -> None:
    ldap.check_filter(text, keys=True)


BAD_FILTERS = [
    ("", "it is empty, at character 1"),
    ("mail=%s", "it begins without '(', at character 1"),
    ("(mail=%s", "the '(' has no ')', at character 1"),
    ("(&(mail=%s)(a=b)", "the '(' has no ')', at character 1"),
    ("(mail=%s))", "')' follows its last ')', at character 10"),
    ("(a=b)(c=d)", "'(c=d)' follows its last ')', at character 6"),
    ("(&(a=b)c)", "'c' stands where '(' or ')' is due, at character 8"),
    ("(!)", "'!' has no filter to negate, at character 3"),
    ("(!(a=b)(c=d))", "'!' negates one filter, and another one follows, at character 8"),
    ("()", "')' begins no name of an attribute, at character 2"),
    ("(", "an attribute is missing, at character 2"),
    ("(=b)", "'=' begins no name of an attribute, at character 2"),
    ("(mail)", "')' follows the attribute 'mail' where '=', '~=', '>=' or '<=' is due, at character 6"),
    ("(mail", "nothing follows the attribute 'mail', at character 6"),
    ("(mail =a)", "' ' follows the attribute 'mail' where '=', '~=', '>=' or '<=' is due, at character 6"),
    ("(%u=a)", "'%u' stands for an attribute, and only in a value is the key escaped, at character 2"),
    ("(cn=a(b)", "a '(' inside a value is written '\\28', at character 6"),
    (
        r"(cn=a\(b)",
        r"'\(b' is not an escape; a backslash is followed by two hexadecimal digits, and stands for itself as '\5c',"
        " at character 6",
    ),
    ("(cn=a\0b)", "a NUL inside a value is written '\\00', at character 6"),
    ("(uidNumber>=1*)", "a '*' inside this value is written '\\2a', at character 14"),
    ("(:=x)", "an extensible match has neither attribute nor matching rule, at character 2"),
]


@pytest.mark.parametrize(("text", "problem"), BAD_FILTERS)
def test_check_filter_refuses(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        ldap.check_filter(text, keys=True)
    assert str(caught.value) == f"{text!r} is not an LDAP filter (RFC 4515): {problem}"


NAMES = [
    "dc=example,dc=org",
    "uid=postfix, ou=services, dc=example, dc=org",
    "cn=Steve\\, the admin+ou=a\\+b,o=x\\20y",
    "cn=\\ leading,o=trailing\\ ",
    "1.3.6.1=#04024869,dc=a",
    "cn=Müller",
    "cn=",
    'cn="a"',
    'ou = "people, all; <here>+#" , dc="a\\"b\\,"+o=""',
    "ou=people,dc=%2,dc=%1",
]


@pytest.mark.parametrize("text", NAMES)
def test_check_dn(text: str) -> None:
    ldap.check_dn(text, keys=True)


BAD_NAMES = [
    ("", "it is empty, at character 1"),
    ("ou=people,", "an attribute is missing, at character 11"),
    ("ou=people,,dc=a", "',' begins no name of an attribute, at character 11"),
    ("people,dc=a", "no '=' follows the attribute 'people', at character 7"),
    ("%d=a", "'%d' stands for an attribute, and only in a value is the key escaped, at character 1"),
    ('cn="a', "'\"' inside a value is written '\\22', at character 4"),
    ('cn="a"b', "'\"' inside a value is written '\\22', at character 4"),
    ('cn="a\\x"', "'\"' inside a value is written '\\22', at character 4"),
    # Within quotes a server takes the two digits for characters of the name, and finds nothing.
    ('ou="a\\2c b"', "'\"' inside a value is written '\\22', at character 4"),
    ('cn=a"b"', "'\"' inside a value is written '\\22', at character 5"),
    ("ou=a;dc=b", "';' inside a value is written '\\3b', at character 5"),
    ("cn=#zz", "'#' begins a value in hexadecimal digits, and stands for itself as '\\#', at character 4"),
    (
        "cn=a\\x,dc=b",
        "'\\x,' is not an escape; a backslash is followed by the character or two hexadecimal digits, and stands for"
        " itself as '\\\\', at character 5",
    ),
]


@pytest.mark.parametrize(("text", "problem"), BAD_NAMES)
def test_check_dn_refuses(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        ldap.check_dn(text, keys=True)
    assert str(caught.value) == f"{text!r} is not a distinguished name (RFC 4514): {problem}"


def test_a_domain_is_no_distinguished_name() -> None:
    with pytest.raises(ValueError, match=r"no '=' follows the attribute 'example', at character 8$"):
        ldap.check_dn("example.org")


def unescape(text: str) -> str:
    return re.sub(r"\\([0-9a-f]{2})", lambda match: chr(int(match.group(1), 16)), text)


@given(st.text(st.characters(codec="utf-8")))
@settings(max_examples=100)
def test_any_value_escaped_is_one_value_of_a_filter(value: str) -> None:
    escaped = ldap.escape_filter(value)
    ldap.check_filter(f"(&(cn={escaped})(uid>={escaped}))")
    assert unescape(escaped) == value


@given(st.text(st.characters(codec="utf-8"), min_size=1))
@settings(max_examples=100)
def test_any_value_escaped_is_one_value_of_a_name(value: str) -> None:
    name = f"{ldap.assertion('cn', value)},dc=example"
    ldap.check_dn(name)
    separators = re.findall(r"(?<!\\)(?:\\\\)*[,+]", name)
    assert len(separators) == 1
    assert not re.search(r"= ", name)


@pytest.mark.parametrize(
    ("value", "escaped"),
    [("*)(uid=*", r"\2a\29\28uid=\2a"), ("a\\b\0", r"a\5cb\00"), ("o'brien@example.test", "o'brien@example.test")],
)
def test_escape_filter(value: str, escaped: str) -> None:
    assert ldap.escape_filter(value) == escaped


@pytest.mark.parametrize(
    ("domain", "name"),
    [("example.org", "dc=example,dc=org"), ("mail.xn--bcher-kva.example.", "dc=mail,dc=xn--bcher-kva,dc=example")],
)
def test_domain_dn(domain: str, name: str) -> None:
    assert ldap.domain_dn(domain) == name
    ldap.check_dn(name)


@pytest.mark.parametrize(
    ("domain", "label"), [("", ""), ("a..b", ""), ("a b.c", "a b"), ("bücher.example", "bücher"), ("a,b.c", "a,b")]
)
def test_domain_dn_refuses(domain: str, label: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        ldap.domain_dn(domain)
    hint = "" if domain.isascii() else "; a name with other letters is given in its xn-- form"
    assert str(caught.value) == (
        f"{domain!r} is not a domain name: it has the label {label!r}, and a label is 1 to 63 letters, digits and inner"
        f" hyphens{hint}"
    )


@pytest.mark.parametrize(
    ("said", "part"),
    [
        (
            "warning: dict_ldap_connect: Unable to bind to server ldap://a with dn cn=x: 49 (Invalid credentials)",
            "the server knows no bind_dn with this bind_pw",
        ),
        ("error: dict_ldap_connect: Unable to set STARTTLS: -11: Connect error", "the TLS handshake failed"),
        ("error: dict_ldap_connect: Unable to set STARTTLS: -1: Can't contact LDAP server", "no server of server_host"),
        ("warning: dict_ldap_lookup: Search error -5: Timed out ", "the server did not answer within timeout"),
        ("warning: dict_ldap_lookup: /x: Search base 'dc=b' not found: 32: No such object", "there is no such"),
        ("fatal: something else: 49", ""),
        ("warning: dict_ldap_lookup: Search error 4711: ?", ""),
    ],
)
def test_reason(said: str, part: str) -> None:
    assert ldap.reason(said).startswith(part)
    assert bool(ldap.reason(said)) == bool(part)
