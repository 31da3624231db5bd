# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.puffy.mail.plugins.module_utils._postfix import main_cf, master_cf
from ansible_collections.puffy.mail.plugins.module_utils._postfix.master_cf import balanced
from ansible_collections.puffy.mail.plugins.module_utils._postfix.plan import (
    Plan,
    Request,
    given_secrets,
    mask,
    masked,
    masked_master,
    plan,
    read_parameters,
    read_services,
    secrets,
)

DEFAULTS = {
    "mydestination": "$myhostname, localhost.$mydomain, localhost",
    "inet_interfaces": "all",
    "myhostname": "host.example.org",
    "smtpd_recipient_restrictions": "",
}

MAIN = """\
# main.cf
myhostname = mail.example.org
mydestination = $myhostname
    localhost
smtpd_banner = $myhostname  ESMTP
inet_interfaces = $my_address
my_address = 192.0.2.1
"""

MASTER = """\
smtp      inet  n       -       y       -       -       smtpd
#submission inet n       -       y       -       -       smtpd
#  -o syslog_name=postfix/submission
smtps     inet  n       -       y       -       -       smtpd
  -o smtpd_client_restrictions=permit_sasl_authenticated,reject
  -o a=1
"""


def planned(
    parameters: dict[str, Any] | None = None,
    absent: list[str] | None = None,
    services: dict[str, Any] | None = None,
    exclusive: bool = False,
    main: str = MAIN,
    master: str = MASTER,
) -> Plan:
    request = Request(
        read_parameters(parameters or {}, absent or []),
        frozenset(absent or []),
        read_services(services or {}),
        exclusive,
    )
    first = plan(main_cf.parse(main), master_cf.parse(master), request, DEFAULTS)
    again = plan(first.main, first.master, request, DEFAULTS)
    assert (again.main, again.master) == (first.main, first.master)
    assert (again.parameters_set, again.parameters_removed, again.services_changed) == ((), (), ())
    assert again.activation == "none"
    return first


@pytest.mark.parametrize(
    ("parameters", "changed"),
    [
        ({}, {}),
        ({"myhostname": "mail.example.org"}, {}),
        ({"mydestination": "$myhostname, localhost"}, {}),
        ({"mydestination": ["$myhostname", "localhost"]}, {}),
        ({"mydestination": ["localhost", "$myhostname"]}, {"mydestination": "localhost $myhostname"}),
        ({"smtpd_banner": "$myhostname ESMTP"}, {"smtpd_banner": "$myhostname ESMTP"}),
        ({"smtpd_banner": " $myhostname  ESMTP "}, {}),
        ({"smtpd_helo_required": True}, {"smtpd_helo_required": "yes"}),
        ({"biff": False, "default_process_limit": 5}, {"biff": "no", "default_process_limit": "5"}),
        ({"mynetworks": []}, {"mynetworks": ""}),
        # append, prepend, remove: on the file
        ({"mydestination": {"append": ["localhost"]}}, {}),
        ({"mydestination": {"append": "x.org"}}, {"mydestination": "$myhostname localhost x.org"}),
        ({"mydestination": {"prepend": ["a", "b"]}}, {"mydestination": "a b $myhostname localhost"}),
        ({"mydestination": {"remove": ["localhost"]}}, {"mydestination": "$myhostname"}),
        ({"mydestination": {"remove": ["nosuch"]}}, {}),
        ({"mydestination": {"append": ["a"], "remove": ["$myhostname"]}}, {"mydestination": "localhost a"}),
        # on the default
        ({"smtpd_recipient_restrictions": {"append": ["reject_unauth_destination", "check_helo_access hash:/x"]}},
         {"smtpd_recipient_restrictions": "reject_unauth_destination, check_helo_access hash:/x"}),
        ({"smtpd_recipient_restrictions": {"remove": ["permit"]}}, {}),
    ],
)  # fmt: skip
def test_parameters(parameters: dict[str, Any], changed: dict[str, str]) -> None:
    result = planned(parameters)
    assert result.parameters_set == tuple(sorted(changed))
    have = {entry.name: entry.value for entry in main_cf.parse(MAIN).entries()}
    assert {entry.name: entry.value for entry in result.main.entries()} == {**have, **changed}
    if not changed:
        assert result.main.render() == MAIN
    assert result.master.render() == MASTER


def test_append_takes_the_default() -> None:
    result = planned({"mydestination": {"append": ["x.org"]}}, main="")
    assert result.main.render() == "mydestination = $myhostname, localhost.$mydomain, localhost, x.org\n"
    assert planned({"mydestination": {"append": ["localhost"]}}, main="").main.render() == ""


def test_remove_words_that_belong_together() -> None:
    text = "smtpd_recipient_restrictions = permit_mynetworks, check_helo_access hash:/x,reject\n"
    edit = {"smtpd_recipient_restrictions": {"remove": ["check_helo_access hash:/x"]}}
    assert planned(edit, main=text).main.render() == "smtpd_recipient_restrictions = permit_mynetworks, reject\n"


def test_absent_and_exclusive() -> None:
    result = planned(absent=["mydestination", "nosuch"])
    assert result.parameters_removed == ("mydestination",)
    assert result.main.render() == MAIN.replace("mydestination = $myhostname\n    localhost\n", "")
    result = planned({"myhostname": "a"}, exclusive=True)
    assert result.main.render() == "# main.cf\nmyhostname = a\n"
    assert result.parameters_removed == ("inet_interfaces", "my_address", "mydestination", "smtpd_banner")


def test_duplicates_go_and_need_no_reload() -> None:
    result = planned({"a": "2"}, main="a = 1\na = 2\n")
    assert (result.main.render(), result.parameters_set, result.activation) == ("a = 2\n", ("a",), "none")


@pytest.mark.parametrize(
    ("parameters", "absent", "services", "activation"),
    [
        ({}, [], {}, "none"),
        ({"myhostname": "x"}, [], {}, "reload"),
        ({"inet_protocols": "ipv4"}, [], {}, "restart"),
        ({}, ["inet_interfaces"], {}, "restart"),
        ({"my_address": "192.0.2.2"}, [], {}, "restart"),
        ({}, [], {"smtps/inet": {"state": "absent"}}, "reload"),
        ({}, [], {"smtps/inet": {"options": {"a": 2}}}, "reload"),
    ],
)
def test_activation(parameters: dict[str, Any], absent: list[str], services: dict[str, Any], activation: str) -> None:
    assert planned(parameters, absent, services).activation == activation


@pytest.mark.parametrize(
    ("services", "master"),
    [
        ({"smtps/inet": {"options": {"a": 1}}}, MASTER),
        ({"smtps/inet": {"options": {"smtpd_client_restrictions": ["permit_sasl_authenticated", "reject"]}}}, MASTER),
        ({"smtps/inet": {"chroot": "y", "private": False, "command": "smtpd"}}, MASTER),
        ({"smtps/inet": {"chroot": False}},
         MASTER.replace("smtps     inet  n       -       y", "smtps     inet  n       -       n")),
        ({"smtps/inet": {"options": {"b": True}}}, f"{MASTER}  -o b=yes\n"),
        ({"smtps/inet": {"options_absent": ["a", "zz"]}}, MASTER.replace("  -o a=1\n", "")),
        ({"smtps/inet": {"options": {"a": "1"}, "exclusive": True}},
         MASTER.replace("  -o smtpd_client_restrictions=permit_sasl_authenticated,reject\n", "")),
        ({"smtps/inet": {"state": "absent"}}, MASTER[: MASTER.index("smtps")]),
        ({"nosuch/inet": {"state": "absent"}, "no/unix": {"state": "disabled"}}, MASTER),
        ({"submission/inet": {"options": {"b": 2}}},
         MASTER.replace("#submission", "submission").replace("#  -o", "  -o")
         .replace("bmission\nsmtps", "bmission\n  -o b=2\nsmtps")),
        ({"submission/inet": None}, MASTER.replace("#submission", "submission").replace("#  -o", "  -o")),
        # the definition is complete: what stands in a comment does not matter, unless it says the same
        ({"submission/inet": {"command": "smtpd"}},
         f"{MASTER}submission inet  n       -       -       -       -       smtpd\n"),
        ({"submission/inet": {"command": "smtpd", "chroot": True, "options": {"syslog_name": "postfix/submission"}}},
         MASTER.replace("#submission", "submission").replace("#  -o", "  -o")),
        ({"x/unix": {"command": "pipe", "unpriv": "n", "maxproc": 2, "wakeup": "60?", "arguments": ["user=a", 5]}},
         f"{MASTER}x         unix  -       n       -       60?     2       pipe\n  user=a 5\n"),
    ],
)  # fmt: skip
def test_services(services: dict[str, Any], master: str) -> None:
    result = planned(services=services)
    assert result.master.render() == master
    assert result.services_changed == (() if master == MASTER else tuple(services))


def test_disable_and_enable() -> None:
    off = planned(services={"smtps/inet": {"state": "disabled"}})
    on = planned(services={"smtps/inet": {}}, master=off.master.render())
    assert on.master.render() == MASTER


# --- bad input --------------------------------------------------------------------------------------------------------

BRACES = "a brace without its partner, which master.cf cannot hold"


@pytest.mark.parametrize(
    ("parameters", "absent", "message"),
    [
        ({"": "x"}, [], "the name of a parameter must not be empty"),
        ({"a b": "x"}, [], "parameter 'a b': a name must not hold white space, '=' or control characters"),
        ({}, ["a=b"], "parameter 'a=b': a name must not hold white space, '=' or control characters"),
        ({"a": None}, [], "parameter 'a': the value is null; give a value, or name it in the list of what must be "
         "absent"),
        ({"a": 3.1}, [], "parameter 'a': the value is a YAML float, which drops zeros (3.10 is 3.1); write it quoted, "
         'such as "3.1"'),
        ({"a": [[1]]}, [], "parameter 'a': the value: item 1 is a list; a string, an integer or a boolean is needed"),
        ({"a": ["x", ""]}, [], "parameter 'a': the value: item 2 is empty"),
        ({"a": {"append": "}{"}}, [], "parameter 'a': append: item 1 has a brace without its partner, so it is not an "
         "item to Postfix"),
        ({"a": "x\ny"}, [], "parameter 'a': its value holds a newline, which main.cf cannot hold; "
         "give a list, or fold it with '>-' in YAML"),
        ({"a": "x\0y"}, [], "parameter 'a': its value holds a null byte, which main.cf cannot hold"),
        ({"a": {}}, [], "parameter 'a': a dictionary may hold append, prepend and remove; this one is empty"),
        ({"a": {"apend": ["x"]}}, [], "parameter 'a': a dictionary may hold append, prepend and remove, not 'apend'; "
         "did you mean 'append'?"),
        # what YAML makes of [mail.example.net], {mail}, no, 0640 and 1:30
        ({"relayhost": ["mail.example.net"]}, [], "parameter 'relayhost': the value is a list to YAML, and relayhost "
         'is a single value. Use quotes, such as "[mail.example.net]"'),
        ({"smtpd_banner": {"mail": None}}, [], "parameter 'smtpd_banner': a dictionary may hold append, prepend and "
         'remove, not \'mail\'. For the text itself use quotes, such as "{mail}"'),
        ({"mail_name": False}, [], "parameter 'mail_name': the value is a boolean: YAML reads yes, no, on and off so, "
         "and mail_name is not yes or no. Use quotes where the word itself is meant"),
        ({"mydestination": ["example.com", False]}, [], "parameter 'mydestination': the value is a boolean: YAML reads "
         "yes, no, on and off so, and mydestination is not yes or no. Use quotes where the word itself is meant"),
        ({"smtpd_tls_security_level": False}, [], "parameter 'smtpd_tls_security_level': the value is a boolean: YAML "
         "reads yes, no, on and off so, and smtpd_tls_security_level is not yes or no. Use quotes where the word itself"
         " is meant"),
        ({"maillog_file_permissions": 416}, [], "parameter 'maillog_file_permissions': the value is a number: YAML "
         "reads 0640 as 416 and 1:30 as 90, and maillog_file_permissions is text. Use quotes"),
        ({"relayhost": 90}, [], "parameter 'relayhost': the value is a number: YAML reads 0640 as 416 and 1:30 as 90, "
         "and relayhost is text. Use quotes"),
        ({"a": {"append": [","]}}, [], "parameter 'a': append has an item without a word in it"),
        ({"a": {"append": ["x"], "remove": ["x"]}}, [], "parameter 'a': the same item is to be added and removed"),
        ({"myhostname": {"append": ["x"]}}, [], "parameter 'myhostname': its value is not a list, so append does "
         "not apply; give the whole value"),
        ({"a": "x"}, ["a"], "parameter 'a' is both in parameters and in absent"),
    ],
)  # fmt: skip
def test_parameters_error(parameters: dict[str, Any], absent: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        read_parameters(parameters, absent)


NAMED = "a service is named name/type, such as 'submission/inet'; the type is one of inet, unix, unix-dgram, fifo, pass"
FIELDS = (
    "the fields are private, unpriv, chroot, wakeup, maxproc, command, options, options_absent, arguments, state, "
    "exclusive"
)


@pytest.mark.parametrize(
    ("key", "fields", "message"),
    [
        ("smtp", {}, NAMED),
        ("/inet", {}, NAMED),
        ("smtp/tcp", {}, NAMED),
        ("a b/inet", {}, "the name must not hold white space or braces, nor begin with '#'"),
        ("a/inet", [], "its fields must be a dictionary, not a list"),
        ("a/inet", {"chrot": "y"}, f"'chrot' is not a field of a service; did you mean 'chroot'? ({FIELDS})"),
        ("a/inet", {"state": "gone"}, "state is 'gone'; it must be one of present, absent, disabled"),
        ("a/inet", {"exclusive": "x"}, "exclusive is 'x'; it must be true or false"),
        ("a/inet", {"chroot": "maybe"}, "chroot is 'maybe'; it must be y, n or -"),
        ("a/inet", {"private": True}, "private is 'y', but master(5) allows no private Internet service; use 'n'"),
        (
            "a/inet",
            {"private": "-"},
            "private is '-', but master(5) allows no private Internet service; use 'n' ('-' stands for 'y')",
        ),
        ("a/inet", {"wakeup": "1m"}, "wakeup is '1m'; it must be a number of seconds, with ? after it or not, or -"),
        ("a/inet", {"maxproc": -1}, "maxproc is '-1'; it must be a number of processes, or -"),
        ("a/inet", {"command": ""}, "command must be the name of a daemon, such as smtpd"),
        ("a/inet", {"command": "smtpd -v"},
         "command is 'smtpd -v'; it is one word: give the rest as options and arguments"),
        ("a/inet", {"options": ["x"]}, "options must be a dictionary, not a list"),
        ("a/inet", {"options": {"x": None}}, "option 'x' is null; give a value, or name it in options_absent"),
        ("a/inet", {"options": {"x": "{"}}, f"option 'x': its value has {BRACES}"),
        ("a/inet", {"options": {"x": "a\nb"}},
         "option 'x': its value holds a line break or a null byte, which master.cf cannot hold"),
        ("a/inet", {"options": {"x y": "a"}},
         "options: parameter 'x y': a name must not hold white space, '=' or control characters"),
        ("a/inet", {"options": {"x": 1}, "options_absent": ["x"]},
         "option 'x' is both in options and in options_absent"),
        ("a/inet", {"options_absent": "x"}, "options_absent must be a list of names"),
        ("a/inet", {"arguments": "x"}, "arguments must be a list, not a string"),
        ("a/inet", {"arguments": ["x", "a\nb"]}, "argument 2 must be one line, not empty, with its braces in pairs"),
        ("a/inet", {"arguments": ["-v", "-o"]}, "argument 2 is '-o'; give -o settings as options"),
    ],
)  # fmt: skip
def test_services_error(key: str, fields: object, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(f'service {key!r}: {message}')}$"):
        read_services({key: fields})


@pytest.mark.parametrize(
    ("before", "fields", "after"),
    [
        ("smtp inet n - y - 1 postscreen", {"command": "smtpd"}, "n - y - - smtpd"),
        ("smtp inet n - y - 1 postscreen", {"command": "smtpd", "maxproc": 1}, "n - y - 1 smtpd"),
        ("smtp inet n - y - 5 smtpd", {"command": "postscreen", "maxproc": 1}, "n - y - 1 postscreen"),
        # What somebody chose for a program that needs no such limit stays.
        ("smtp inet n - y - 1 smtpd", {"command": "qmqpd"}, "n - y - 1 qmqpd"),
        ("qmgr unix n - n 300 1 qmgr", {"command": "oqmgr"}, "n - n 300 1 oqmgr"),
        ("cleanup unix n - y - 0 cleanup", {"command": "qmqpd"}, "n - y - - qmqpd"),
    ],
)
def test_a_process_limit_goes_with_the_program_that_needs_it(before: str, fields: dict[str, Any], after: str) -> None:
    master = master_cf.parse(f"{before}\n", "master.cf")
    (key,) = [service.key for service in master.services()]
    request = Request({}, frozenset(), read_services({key: fields}))
    done = plan(main_cf.parse("", "main.cf"), master, request, {}).master.get(key)
    assert done is not None
    assert " ".join((done.private, done.unpriv, done.chroot, done.wakeup, done.maxproc, done.command)) == after


def test_a_new_service_needs_its_command() -> None:
    message = "master.cf: there is no service 'x/inet', live or as a comment; to add it, say its command, such as smtpd"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        planned(services={"x/inet": {"chroot": False}})


# --- secrets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("smtp_sasl_password_maps", "hash:/etc/postfix/sasl", ()),
        ("smtp_sasl_password_maps", "inline:{ x=u:secret }, hash:/y", ("{ x=u:secret }",)),
        ("smtp_sasl_password_maps", "static:u:secret", ("u:secret",)),
        ("smtp_sasl_password_maps", "pipemap:{static:a,inline:{b=c}}", ("{static:a,inline:{b=c}}",)),
        ("virtual_alias_maps", "inline:{ x=y }", ()),
        ("smtp_sasl_password_maps", "inlin:{ x=u:secret }", ("{ x=u:secret }",)),
        ("smtp_sasl_password_maps", "[mx.example.org]:587 user:secret", ("[mx.example.org]:587", "secret")),
        ("smtp_sasl_password_maps", "user-and-secret, yes", ("user-and-secret",)),
        ("smtp_sasl_password_maps", "proxy:hash:$config_directory/a hash:${config_directory}/b $c /d texthash:./e", ()),
        ("smtp_sasl_password_maps", "ldap:people, socketmap:inet:localhost:7777:passwords, tcp:[::1]:7", ()),
        ("smtp_sasl_password_maps", "hash:/a{secret}", ("/a{secret}",)),
        ("ldap1_bind_pw", "secret", ("secret",)),
        ("mysql1_password", "secret", ("secret",)),
        ("mysql1_password", "$other", ()),
        ("smtpd_tls_key_file", "/x", ()),
    ],
)
def test_secrets(name: str, value: str, found: tuple[str, ...]) -> None:
    assert secrets(name, value) == found
    assert all(secret not in mask(name, value) for secret in found)


def test_masked_diff_shows_that_a_secret_changed() -> None:
    old = main_cf.parse("a = 1\nx_password = one\n  two\nb = 1\n")
    new = main_cf.parse("a = 1\nx_password = three\nb = 1\n")
    assert masked(old, old) == "a = 1\nx_password = ********\nb = 1\n"
    assert masked(new, old) == "a = 1\nx_password = ******** (changed)\nb = 1\n"


def test_masked_master() -> None:
    text = "relay unix - - n - - smtp\n  -o smtp_sasl_password_maps=static:u:geheim\n"
    new = master_cf.parse(text)
    old = master_cf.parse(text.replace("geheim", "other"))
    assert masked_master(new, new) == text.replace("u:geheim", "********")
    assert "geheim" not in masked_master(new, old)
    assert masked_master(new, old) != masked_master(new, new)


def test_secrets_among_the_options() -> None:
    found = given_secrets(
        {"smtp_sasl_password_maps": {"append": ["inline:{x=user:geheim}"]}, "ldap_bind_pw": "bindgeheim", "biff": 1},
        {"a/unix": {"options": {"x_password": "optgeheim"}}},
    )
    assert found == {"{x=user:geheim}", "user:geheim", "bindgeheim", "optgeheim"}


@pytest.mark.parametrize(
    ("parameters", "services"),
    [
        (None, None),
        ("x_password=geheim", ["geheim"]),
        ({"x_password": None, 7: [None, {}]}, {"a": None, "b": {"options": "x"}, "c": {"options": {"pw": True}}}),
    ],
)
def test_secrets_among_options_of_the_wrong_type(parameters: object, services: object) -> None:
    assert given_secrets(parameters, services) == set()


def test_secrets_of_several_items_and_numbers() -> None:
    assert given_secrets({"smtp_sasl_password_maps": ["static:one", "hash:/a"], "my_pw": 12345678}, {}) == {
        "one",
        "12345678",
    }


# --- properties -------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["mydestination", "smtpd_banner", "mynetworks", "my_own", "inet_interfaces"])
WORDS = st.text(alphabet="ab$/:{}", min_size=1, max_size=5).filter(balanced)
PLAIN = st.one_of(WORDS, st.booleans(), st.integers(0, 9), st.lists(WORDS, max_size=30))
EDITED = st.dictionaries(st.sampled_from(["append", "prepend"]), st.lists(WORDS, min_size=1, max_size=3), min_size=1)


def readable(parameters: dict[str, object]) -> bool:
    """Whether YAML leaves such values as they were meant."""
    try:
        read_parameters(parameters, [])
    except ValueError as exc:
        return not re.search("to YAML|YAML reads", str(exc))
    return True


@settings(max_examples=300)
@given(
    st.dictionaries(NAMES, PLAIN, max_size=4).filter(readable),
    st.dictionaries(st.sampled_from(["mydestination", "mynetworks"]), EDITED, max_size=2),
    st.lists(st.sampled_from(["relayhost", "x"]), max_size=2),
    st.lists(
        st.one_of(st.just("# c"), st.builds("{} = {}".format, NAMES, WORDS), st.builds("  {}".format, WORDS)),
        max_size=6,
    ),
    st.booleans(),
)
def test_plan_is_idempotent(
    parameters: dict[str, Any], edits: dict[str, Any], absent: list[str], lines: list[str], exclusive: bool
) -> None:
    text = "".join(f"{line}\n" for line in lines)
    result = planned({**parameters, **edits}, absent, exclusive=exclusive, main=text)
    comments = [line for line in text.splitlines() if line == "# c"]
    assert [line for line in result.main.render().splitlines() if line == "# c"] == comments
