# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""postscreen(8) before port 25: on, off, and what the server behind it keeps."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.puffy.mail.plugins.module_utils._inputs import postfix as inputs
from ansible_collections.puffy.mail.plugins.module_utils._postfix import capabilities, main_cf, master_cf, plan
from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities import judgement
from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import Facts
from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.capabilities.test_combinations import (
    findings,
)
from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.capabilities.wishes import (
    composed,
    refused,
    wishes,
)
from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.checks.cases import TYPES

NAMES = {
    "postscreen_greet_action", "postscreen_access_list", "postscreen_dnsbl_sites", "postscreen_dnsbl_threshold",
    "postscreen_dnsbl_action", "postscreen_pipelining_enable", "postscreen_non_smtp_command_enable",
    "postscreen_bare_newline_enable", "postscreen_denylist_action", "postscreen_blacklist_action",
    "postscreen_cache_map",
}  # fmt: skip
HELPERS = ("dnsblog/unix", "tlsproxy/unix")
ON: dict[str, Any] = {"postfix_postscreen": True}


def test_off_leaves_nothing_over() -> None:
    found = composed()
    assert found.services["smtp/inet"]["command"] == "smtpd"
    assert [found.services[key] for key in ("smtpd/pass", *HELPERS)] == [{"state": "absent"}] * 3
    assert set(found.absent) >= NAMES


def test_off_leaves_what_the_client_of_postfix_needs() -> None:
    """smtp(8) reaches tlsproxy(8) where it is to use a connection again."""
    found = composed(postfix_parameters={"smtp_tls_connection_reuse": True})
    assert "tlsproxy/unix" not in found.services


def test_on() -> None:
    found = composed(**ON)
    assert found.services["smtp/inet"] == {
        "private": "n", "chroot": "y", "maxproc": 1, "command": "postscreen",
        "options_absent": ["smtpd_tls_ask_ccert", "smtpd_tls_req_ccert", "smtpd_milters"],
    }  # fmt: skip
    assert found.services["smtpd/pass"] == {
        "private": "-", "chroot": "y", "command": "smtpd", "options": {},
        "options_absent": ["smtpd_tls_ask_ccert", "smtpd_tls_req_ccert", "smtpd_milters"],
    }  # fmt: skip
    assert [found.services[key]["command"] for key in HELPERS] == ["dnsblog", "tlsproxy"]
    assert {name: value for name, value in found.parameters.items() if name in NAMES} == {
        "postscreen_greet_action": "enforce",
        "postscreen_access_list": ["permit_mynetworks"],
        "postscreen_cache_map": "btree:$data_directory/postscreen_cache",
    }
    assert found.tables == ()


def test_what_port_25_had_is_behind_it() -> None:
    """The options of the role: a certificate that is asked for, and milters."""
    given = {
        "postfix_tls_client_access": {":".join(["AF"] * 32): "REJECT"},
        "postfix_tls_client_services": ["smtp"],
        "postfix_service_milters": {"smtp": ["inet:127.0.0.1:8893"]},
    }
    found = composed(**ON, **given)
    options = found.services["smtpd/pass"]["options"]
    assert options == {"smtpd_tls_ask_ccert": "yes", "smtpd_milters": "inet:127.0.0.1:8893"}
    assert "options" not in found.services["smtp/inet"]
    # What an earlier run wrote there goes.
    assert {*options, "smtpd_tls_req_ccert"} == set(found.services["smtp/inet"]["options_absent"])
    restrictions = {name for name in composed(**given).parameters if name.endswith("_restrictions")}
    assert restrictions == {name for name in found.parameters if name.endswith("_restrictions")}


def test_what_the_inventory_says_of_port_25_goes_to_who_reads_it() -> None:
    found = composed(
        **ON,
        postfix_services={
            "smtp/inet": {
                "maxproc": 20,
                "chroot": "n",
                "options": {
                    "smtpd_recipient_restrictions": "reject_unauth_destination",
                    "smtpd_client_connection_count_limit": 5,
                    "postscreen_greet_wait": "3s",
                    "syslog_name": "postfix/mx",
                },
                "options_absent": ["content_filter"],
            },
            "smtpd/pass": {"options": {"smtpd_soft_error_limit": 3, "syslog_name": "postfix/behind"}},
        },
    )
    front, server = found.services["smtp/inet"], found.services["smtpd/pass"]
    assert (front["maxproc"], front["chroot"], front["command"]) == (1, "n", "postscreen")
    assert (server["maxproc"], server["chroot"], server["command"]) == (20, "n", "smtpd")
    assert front["options"] == {
        "smtpd_client_connection_count_limit": 5, "postscreen_greet_wait": "3s", "syslog_name": "postfix/mx",
    }  # fmt: skip
    assert server["options"] == {
        "smtpd_recipient_restrictions": "reject_unauth_destination",
        "smtpd_client_connection_count_limit": 5,
        "syslog_name": "postfix/behind",
        "smtpd_soft_error_limit": 3,
    }
    # From a run before postscreen was on.
    assert "smtpd_recipient_restrictions" in front["options_absent"]
    assert "content_filter" in server["options_absent"]


@pytest.mark.parametrize(
    ("version", "name"),
    [("3.5.25", "postscreen_blacklist_action"), ("3.6.0", "postscreen_denylist_action"),
     ("", "postscreen_denylist_action")],
)  # fmt: skip
def test_who_may_and_who_may_not(version: str, name: str) -> None:
    given = wishes(**ON, postfix_postscreen_access={"192.0.2.7": "reject", "192.0.2.0/24": "permit"})
    found = capabilities.compose(given, Facts(version))
    (table,) = found.tables
    assert (table.name, table.content) == (
        "cidr:/etc/postfix/postscreen_access", "192.0.2.7 reject\n192.0.2.0/24 permit\n",
    )  # fmt: skip
    assert found.parameters["postscreen_access_list"] == ["permit_mynetworks", table.name]
    assert found.parameters[name] == "enforce"
    assert len({"postscreen_blacklist_action", "postscreen_denylist_action"} & set(found.absent)) == 1


def test_lists_and_tests_after_the_greeting() -> None:
    lists = ["bl.example.org=127.0.0.[2..11]*2", "good.example.org*-1"]
    found = composed(
        **ON,
        postfix_postscreen_dns_lists=lists,
        postfix_postscreen_dns_threshold="2",
        postfix_postscreen_dns_action="drop",
        postfix_postscreen_after_greeting="yes",
    )
    assert {name: found.parameters[name] for name in NAMES & set(found.parameters)} == {
        "postscreen_greet_action": "enforce",
        "postscreen_access_list": ["permit_mynetworks"],
        "postscreen_dnsbl_sites": lists,
        "postscreen_dnsbl_threshold": 2,
        "postscreen_dnsbl_action": "drop",
        "postscreen_pipelining_enable": True,
        "postscreen_non_smtp_command_enable": True,
        "postscreen_bare_newline_enable": True,
        "postscreen_cache_map": "btree:$data_directory/postscreen_cache",
    }


@pytest.mark.parametrize(
    ("facts", "cache"),
    [(Facts("3.11.1", ("lmdb", "texthash"), "lmdb"), "lmdb:$data_directory/postscreen_cache"),
     (Facts("3.10.5", ("hash", "btree")), "btree:$data_directory/postscreen_cache"),
     (Facts(), None)],
)  # fmt: skip
def test_the_cache_has_a_type_of_the_host(facts: Facts, cache: str | None) -> None:
    assert capabilities.compose(wishes(**ON), facts).parameters.get("postscreen_cache_map") == cache


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"postfix_interfaces": ["loopback-only"]},
         "postfix_postscreen is true, and postfix_interfaces has the host itself alone, so that no stranger reaches"
         " port 25. Set postfix_postscreen: false, or other postfix_interfaces."),
        ({"postfix_interfaces": ["127.0.0.1", "[::1]"]},
         "postfix_postscreen is true, and postfix_interfaces has the host itself alone, so that no stranger reaches"
         " port 25. Set postfix_postscreen: false, or other postfix_interfaces."),
        ({"postfix_services": {"smtp/inet": {"state": "absent"}}},
         "postfix_services removes 'smtp/inet', and postfix_postscreen is true, which needs the service. Set"
         " postfix_postscreen: false, or remove 'smtp/inet'."),
        ({"postfix_services": {"smtp/inet": {"command": "smtpd"}}},
         "postfix_services has 'smtp/inet' with a command, and postfix_postscreen is true, which sets the command."
         " Remove one of the two."),
        ({"postfix_postscreen_dns_lists": ["a.example.org*2", "b.example.org*-9", "c.example.org"],
          "postfix_postscreen_dns_threshold": 4},
         "postfix_postscreen_dns_threshold is 4, and the weights in postfix_postscreen_dns_lists come to 3 together, so"
         " that no client could reach it. Use a smaller number, or larger weights."),
    ],
)  # fmt: skip
def test_what_it_cannot_stand_beside(given: dict[str, Any], sentence: str) -> None:
    assert refused(**ON, **given) == [sentence]
    # Without postscreen, that alone is told of what belongs to postscreen.
    alone = refused(**given)
    assert all("postfix_postscreen is false" in told for told in alone)
    assert sentence not in alone


def test_an_option_of_the_server_behind_it_needs_it() -> None:
    assert refused(postfix_services={"smtpd/pass": {"maxproc": 5}}) == [
        "postfix_services has 'smtpd/pass', and postfix_postscreen removes the service smtpd/pass. Set"
        " postfix_postscreen: true, or remove 'smtpd/pass'."
    ]


def test_the_checks_need_no_host_to_take_it() -> None:
    assert list(judgement.problems(composed(**ON), ())) == []


EVERYTHING = {
    "postfix_postscreen_access": {"192.0.2.0/24": "permit", "2001:db8::/32": "reject"},
    "postfix_postscreen_dns_lists": ["bl.example.org=127.0.0.[2..11]*2", "good.example.org*-1"],
    "postfix_postscreen_dns_threshold": 2,
    "postfix_postscreen_after_greeting": True,
    "postfix_tls_client_services": ["smtp"],
    "postfix_relay_clients": [{"name": "printer", "fingerprint": "0" * 64}],
    "postfix_service_milters": {"smtp": ["inet:127.0.0.1:8893"]},
}


@pytest.mark.parametrize("version", list(TYPES))
@pytest.mark.parametrize("chroot", [True, False])
@pytest.mark.parametrize("more", [{}, EVERYTHING])
def test_the_checks_of_each_postfix_take_it(version: str, chroot: bool, more: dict[str, Any]) -> None:
    assert [str(found) for found in findings({**ON, "postfix_chroot": chroot, **more}, version)] == []


#: the lines of Debian's master.cf that matter here
DEBIAN = """\
smtp      inet  n       -       y       -       -       smtpd
#smtp      inet  n       -       y       -       1       postscreen
#smtpd     pass  -       -       y       -       -       smtpd
#dnsblog   unix  -       -       y       -       0       dnsblog
#tlsproxy  unix  -       -       y       -       0       tlsproxy
pickup    unix  n       -       y       60      1       pickup
"""
OWN = {"smtp/inet": {"options": {"smtpd_soft_error_limit": 3, "syslog_name": "postfix/mx"}}}


def _after(master: str, **given: Any) -> str:
    """master.cf with what the inputs ask for."""
    services = plan.read_services(composed(**given).services)
    done = plan.plan(
        main_cf.parse("", "main.cf"), master_cf.parse(master, "master.cf"), plan.Request({}, frozenset(), services), {}
    )
    return done.master.render()


@pytest.mark.parametrize("own", [{}, OWN])
def test_there_and_back(own: dict[str, Any]) -> None:
    """The file comes back to what it was, but for the comments that postscreen was made of."""
    off = _after(DEBIAN, postfix_services=own)
    on = _after(off, **ON, postfix_services=own)
    services = {service.key: service for service in master_cf.parse(on, "master.cf").services()}
    assert (services["smtp/inet"].command, services["smtp/inet"].maxproc) == ("postscreen", "1")
    assert services["smtp/inet"].options == ((("syslog_name", "postfix/mx"),) if own else ())
    wanted = (("smtpd_soft_error_limit", "3"), ("syslog_name", "postfix/mx")) if own else ()
    assert services["smtpd/pass"].options == wanted
    assert _after(on, **ON, postfix_services=own) == on
    back = _after(on, postfix_services=own)

    def live(text: str) -> list[str]:
        return [line for line in text.splitlines() if not line.startswith("#")]

    assert sorted(live(back)) == sorted(live(off))
    assert not {"postscreen", "dnsblog", "tlsproxy"} & set(" ".join(live(back)).split())


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("postfix_postscreen_access", {"192.0.2.1/24": "permit"},
         "has the key '192.0.2.1/24', which is not a network (192.0.2.1/24 has host bits set). Use a mapping such as"
         " {'192.0.2.0/24': 'permit', '2001:db8::1': 'reject'}."),
        ("postfix_postscreen_access", {"192.0.2.1": "OK"}, "['192.0.2.1'] is 'OK'. Use 'permit' or 'reject'."),
        ("postfix_postscreen_access", ["192.0.2.1"],
         "is ['192.0.2.1']. Use a mapping such as {'192.0.2.0/24': 'permit', '2001:db8::1': 'reject'}."),
        ("postfix_postscreen_dns_lists", ["bl.example.org*x"],
         "has the entry 'bl.example.org*x'. Use a domain with its weight, such as 'bl.example.org=127.0.0.[2..11]*2'."),
        ("postfix_postscreen_dns_threshold", 0, "is 0. Use a number of points from 1 to 100000."),
    ],
)  # fmt: skip
def test_wrong_forms(name: str, value: Any, told: str) -> None:
    assert inputs.TABLE.forms[name](value) == told


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("postfix_postscreen_access", {"192.0.2.1": "permit"}),
        ("postfix_postscreen_dns_lists", ["bl.example.org"]),
        ("postfix_postscreen_after_greeting", True),
    ],
)
def test_tests_without_postscreen(name: str, value: Any) -> None:
    assert refused(**{name: value}) == [
        f"{name} is set, and postfix_postscreen is false. Set postfix_postscreen: true, or remove {name}."
    ]
    assert refused(**ON, **{name: value}) == []
