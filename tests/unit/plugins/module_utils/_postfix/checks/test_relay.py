# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may relay."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks import strangers
from ansible_collections.puffy.mail.plugins.module_utils._postfix.checks.context import Context
from ansible_collections.puffy.mail.tests.unit.plugins.module_utils._postfix.checks import cases

test_a_fault_is_found_and_named = cases.tests("relay")


@pytest.mark.parametrize(
    ("lines", "rules"),
    [(b"# all\n/./ OK\n", ["open-relay"]), (b"/\\.example\\.org$/ OK\n", [])],
)
def test_every_domain_in_another_file(lines, rules):
    probe = cases.FakeProbe(contents={"/domains": lines})
    found = cases.check(f"{cases.RELAY}relay_domains = regexp:/domains\n", probe=probe)
    assert [finding.rule for finding in found] == rules


FILES = {
    "/safe": b"192.0.2.0/24 OK\n198.51.100.7 OK\n",
    "/wide": b"if 192.0.0.0/2\n0.0.0.0/0 DUNNO\nendif\n192.0.0.0/3 OK\n128.0.0.0/1 OK\n",
    "/senders": b"# friends\nfriend.example   OK\nfoe.example\n  REJECT\n",
}


#: Restrictions before reject_unauth_destination: what permits a stranger, and what is said of the stranger.
THROUGH = [
    # What a stranger can say.
    ("check_helo_access pcre:{{/^mail\\.friend\\.example$$/ OK}}", "check_helo_access", "mail.friend.example"),
    ("check_helo_access inline:{{.friend.example=OK}, {friend.example=1}}", "check_helo_access", "friend.example"),
    ("check_recipient_access inline:{{postmaster@=OK}}", "check_recipient_access", "postmaster@stranger.example"),
    ("inline:{{com=RELAY}}", "check_recipient_access", "x@stranger.com"),
    ("check_recipient_access regexp:{{/^postmaster@/ OK}}", "check_recipient_access", "postmaster@stranger"),
    ("check_sender_access inline:{{<>=permit}}", "check_sender_access", "<>"),
    ("check_sender_access texthash:/senders", "check_sender_access", "x@friend.example"),
    ("check_sender_access proxy:hash:/senders", "check_sender_access", "x@friend.example"),
    ("check_sender_access inline:{{boss@a.example=permit_mynetworks, permit}}", "check_sender_access", "boss@"),
    ("check_sender_access inline:{{a.example=open}}", "check_sender_access", "x@a.example"),
    ("inner", "check_sender_access", "x@c.example"),
    ("reject_unlisted_recipient, check_sender_access static:OK", "check_sender_access", "x@stranger.example"),
    ("check_sender_access unionmap:{inline:{{a=DUNNO}},regexp:{{/@(b|c)\\.example$$/ 1}}}", "", "@b.example"),
    ("check_sender_access pipemap:{inline:{{a.example=b}},inline:{{b=OK}}}", "check_sender_access", "x@a.example"),
    ("warn_if_reject reject_unauth_destination, check_helo_access static:{OK now}", "check_helo", "stranger"),
    # Patterns that match more than was meant.
    ("check_recipient_access regexp:{{/@example\\.test/ OK}}", "check_recipient", "@example.test.stranger.example"),
    ("check_recipient_access pcre:{{/example\\.test/ OK}}", "check_recipient_access", "example.test"),
    ("check_recipient_access pcre:{{/example\\.test$$/ OK}}", "check_recipient_access", "x@strangerexample.test"),
    ("check_recipient_access regexp:{{/^info@example\\.test/ OK}}", "check_recipient", "info@example.test.stranger"),
    ("check_recipient_access regexp:{{/@(.*)example.test$$/ OK}}", "check_recipient_access", "x@stranger"),
    ("check_recipient_access pcre:{{/^john\\.doe@/ OK}}", "check_recipient_access", "john.doe@stranger.example"),
    ("check_recipient_access pcre:{{/@a\\.test$$|@b\\.test/ OK}}", "check_recipient_access", "@b.test.stranger"),
    ("check_client_access pcre:{{/friend\\.example$$/ OK}}", "check_client_access", "strangerfriend.example["),
    ("check_client_access regexp:{{/^[1-9]/ OK}}", "check_client_access", "mail.stranger.example["),
    # Patterns that take some spelling.
    ("check_sender_access pcre:{{/@(?<d>friend)\\.example$$/ OK}}", "check_sender_access", "x@friend.example"),
    ("check_sender_access pcre:{{/@friend\\.example\\z/ OK}}", "check_sender_access", "x@friend.example"),
    ("check_sender_access pcre:{{/@(?i)friend\\.example$$/ OK}}", "check_sender_access", "x@friend.example"),
    ("check_sender_access pcre:{{/^\\d{9,}@/ OK}}", "check_sender_access", "000000000@"),
    ("check_sender_access pcre:{{/^news-\\d{3}@/ OK}}", "check_sender_access", "news-000@"),
    ("check_sender_access pcre:{{/^\\d+@list\\.example$$/ OK}}", "check_sender_access", "0@list.example"),
    ("check_sender_access pcre:{{/^(?!x).+@.*/ OK}}", "check_sender_access", "a@"),
    ("check_sender_access pcre:{{/^(..)\\1@/ OK}}", "check_sender_access", "xxxx@"),
    ("check_sender_access regexp:{{/^[[:digit:]]{3}-[^a-z]@/ OK}}", "check_sender_access", "000-"),
    ("check_sender_access pcre:{{/^(?=a)(?:a|b){2}\\W/ OK}}", "check_sender_access", "aa-"),
    ("check_sender_access pcre:{{/^ab @fr iend/x OK}}", "check_sender_access", "ab@friend"),
    ("check_helo_access pcre:{{/^host\\d\\.example$$/ OK}}", "check_helo_access", "host0.example"),
    ("check_sender_access pcre:{{if /@a\\.example$$/}, {/^boss/ OK}, {endif}}", "check_sender", "boss@a.example"),
    ("check_sender_access pcre:{{if !/^owner-/}, {/@a\\.example$$/ OK}, {endif}}", "check_sender", "@a.example"),
    ("check_sender_access pcre:{{!/^[a-w]/ OK}}", "check_sender_access", "x@stranger.example"),
    ("check_sender_access regexp:{{/^y/ DUNNO}, {/./ REJECT}}, permit", "permit", ""),
    # Lists that tables name.
    ("check_sender_access inline:{{a.example=friends}}", "check_sender_access", "x@a.example"),
    ("check_client_access static:friends", "check_client_access", "mail.stranger.example"),
    ("check_recipient_access static:friends", "check_recipient_access", "x@stranger.example"),
    ("check_sender_access static:inner", "check_sender_access", "x@c.example"),
    ("check_sender_access unionmap:{static:inner,inline:{{b.example=DUNNO}}}", "check_sender_access", "x@c.example"),
    # What warn_if_reject stands before is warned of to its end.
    ("warn_if_reject guarded", "permit", ""),
    ("warn_if_reject check_sender_access inline:{{a.example=guarded}}", "check_sender_access", "x@a.example"),
    ("warn_if_reject check_helo_access static:REJECT, warn_if_reject twice", "permit", ""),
    # Who a stranger can be.
    ("check_client_access inline:{unknown=OK}", "check_client_access", "unknown[203.0.113.77]"),
    ("check_client_access pcre:{{/\\.friend\\.example/ OK}}", "check_client_access", "x.friend.example.stranger"),
    ("check_client_access cidr:/wide", "check_client_access", "mail.stranger.example[128.0.0.1]"),
    # What does not permit, or not a stranger.
    ("permit_mynetworks, permit_sasl_authenticated, permit_tls_clientcerts, permit_auth_destination", None, ""),
    ("permit_tls_all_clientcerts, permit_inet_interfaces, permit_dnswl_client list.example.org", None, ""),
    ("check_client_access cidr:/safe, check_client_access hash:/safe, check_client_access hash:/no", None, ""),
    ("check_client_access inline:{mail.friend.example=OK}", None, ""),
    ("check_client_access pcre:{{/^mail\\.friend\\.example$$/ OK}}", None, ""),
    ("check_recipient_access inline:{{abuse@example.test=OK}, {friend.example=OK}}", None, ""),
    ("check_recipient_access pcre:{{/@example\\.test$$/ OK}}", None, ""),
    ("check_sender_access inline:{{a.example=DUNNO}, {b.example=REJECT no}, {c.example=WARN OK}}", None, ""),
    ("check_sender_access inline:{{a.example=554 5.7.1 OK}, {b.example=DISCARD}, {c.example=HOLD}}", None, ""),
    ("check_sender_access pipemap:{hash:/not/there,static:REJECT}", None, ""),
    ("check_sender_mx_access static:OK, check_reverse_client_hostname_access static:OK", None, ""),
    ("check_sasl_access static:OK, check_ccert_access inline:{AA:BB=OK}", None, ""),
    ("check_recipient_access pcre:{{/\\.example\\.test$$/ OK}, {/^(x\\.)?boss@example\\.test$$/ OK}}", None, ""),
    ("check_sender_access regexp:{{/./ REJECT}, {/@a\\.example$$/ OK}}", None, ""),
    ("check_sender_access inline:{{a.example=check_helo_access static:OK}}", None, ""),
    ("warn_if_reject check_sender_access static:{check_helo_access static:OK}, permit", None, ""),
    ("circle, check_sender_access inline:{{a.example=circle}}", None, ""),
    ("guarded, warn_if_reject guarded", None, ""),
    ("reject_unauth_destination, check_sender_access static:OK", None, ""),
    ("check_sender_access inline:{{a.example=guarded}}", None, ""),
    ("sleep 1, permit_mx_backup", None, ""),
    # Another list refuses the same sender.
    ("check_sender_access inline:{{blocked.example=OK}}", None, ""),
    ("check_recipient_access unionmap:{inline:{{x=OK}},static:REJECT}", None, ""),
]  # fmt: skip


@pytest.mark.parametrize(("restrictions", "permits", "who"), THROUGH)
def test_who_gets_through(restrictions, permits, who):
    evaluation = evaluated(configuration(restrictions))
    hole = evaluation.hole()
    if permits is None:
        assert hole is None
    else:
        assert hole is not None
        assert hole.restriction.startswith(permits or "check_")
        assert who in hole.described()


def configuration(restrictions):
    """The main.cf that has restrictions before reject_unauth_destination."""
    return (
        f"smtpd_relay_restrictions = {restrictions}, reject_unauth_destination\n"
        "smtpd_sender_restrictions = check_sender_access inline:{{blocked.example=REJECT}}\n"
        "smtpd_restriction_classes = inner, guarded, open, friends, twice, circle\n"
        "friends = check_helo_access inline:{{mail.friend.example=OK}}\n"
        "twice = guarded, guarded\n"
        "circle = circle\n"
        "open = permit\n"
        "inner = check_sender_access inline:{{c.example=OK}}\n"
        "guarded = reject_unauth_destination, permit\n"
    )


def evaluated(main):
    """The lists of the first service of a host with this main.cf."""
    context = Context(*cases.parsed(main), cases.host(probe=cases.FakeProbe(contents=FILES)))
    return strangers.Evaluation(context, next(context.smtpd_services()))


@pytest.mark.parametrize(
    ("restrictions", "depends"),
    [
        ("check_sender_access hash:/not/there", "check_sender_access hash:/not/there"),
        ("check_sender_access ldap:/etc/ldap.cf", "check_sender_access ldap:/etc/ldap.cf"),
        ("permit_mx_backup", "permit_mx_backup"),
        ("check_sender_access pcre:{{/@(?|a|b)\\.example$$/ OK}}", "check_sender_access pcre:"),
        ("check_sender_access regexp:{{/@a\\.example$$/x OK}}", "check_sender_access regexp:"),
        ("check_sender_access pcre:{{/(?=a)b/ OK}}", "check_sender_access pcre:"),
        ("check_sender_access pcre:{{if /@(?|a|b)\\.example$$/}, {/./ OK}, {endif}}", "check_sender_access pcre:"),
        ("check_sender_access pcre:{{/@(?|a|b)\\.example$$/ REJECT}, {/(?=a)b/ DUNNO}}", None),
        ("check_client_access pcre:{{/@(?|a|b)\\.example$$/ OK}}", None),
        ("check_policy_service unix:private/policy", "check_policy_service unix:private/policy"),
        ("check_client_access hash:/not/there", None),
        ("check_recipient_access pipemap:{ldap:/etc/ldap.cf,inline:{{a=REJECT},{b=DUNNO}}}", None),
        ("reject_unauth_destination, check_policy_service unix:private/policy", None),
    ],
)
def test_what_cannot_be_read(restrictions, depends):
    evaluation = evaluated(configuration(restrictions))
    assert evaluation.hole() is None
    hole = evaluation.hole(guess=True)
    assert hole is None if depends is None else hole is not None and hole.restriction.startswith(depends)


FRIENDS = "check_sender_access inline:{{example.test=OK}}, reject_unauth_destination\n"


WHOLE = [
    # Without delay, a list is evaluated before the recipient is known.
    (f"smtpd_sender_restrictions = reject_unauth_destination\nsmtpd_relay_restrictions = {FRIENDS}", []),
    (
        "smtpd_delay_reject = no\nsmtpd_sender_restrictions = reject_unauth_destination\n"
        f"smtpd_relay_restrictions = {FRIENDS}",
        ["open-relay"],
    ),
    (
        "smtpd_delay_reject = no\nsmtpd_client_restrictions = reject_unauth_destination\n"
        f"smtpd_relay_restrictions = {FRIENDS}",
        ["open-relay"],
    ),
    (
        "smtpd_delay_reject = no\nsmtpd_client_restrictions = check_sender_access static:REJECT\n"
        f"smtpd_relay_restrictions = {FRIENDS}",
        ["open-relay"],
    ),
    (
        "smtpd_delay_reject = no\nsmtpd_sender_restrictions = check_sender_access inline:{{example.test=REJECT}}\n"
        f"smtpd_relay_restrictions = {FRIENDS}",
        [],
    ),
    # Who says no HELO is asked for nothing of it.
    (f"smtpd_helo_restrictions = reject\nsmtpd_relay_restrictions = {FRIENDS}", ["open-relay"]),
    (
        f"smtpd_helo_restrictions = check_helo_access static:REJECT\nsmtpd_relay_restrictions = {FRIENDS}",
        ["open-relay"],
    ),
    ("smtpd_relay_restrictions = check_helo_access static:REJECT, permit\n", ["open-relay"]),
    (
        "smtpd_helo_required = yes\nsmtpd_helo_restrictions = check_helo_access static:REJECT\n"
        f"smtpd_relay_restrictions = {FRIENDS}",
        [],
    ),
    # Certificates.
    (
        "smtpd_tls_ask_ccert = yes\nrelay_clientcerts = static:OK\n"
        "smtpd_relay_restrictions = permit_tls_clientcerts, reject_unauth_destination\n",
        ["open-relay"],
    ),
    (
        "smtpd_tls_ask_ccert = yes\nrelay_clientcerts = inline:{AA:BB=x}\n"
        "smtpd_relay_restrictions = permit_tls_clientcerts, check_ccert_access inline:{AA:BB=OK},"
        " permit_tls_all_clientcerts, reject_unauth_destination\n",
        [],
    ),
    (
        "smtpd_tls_ask_ccert = yes\n"
        "smtpd_relay_restrictions = check_ccert_access static:OK, reject_unauth_destination\n",
        ["open-relay"],
    ),
    (
        "smtpd_tls_ask_ccert = yes\nsmtpd_relay_restrictions = check_ccert_access"
        " {static:OK, {search_order = cert_fingerprint}}, reject_unauth_destination\n",
        ["open-relay"],
    ),
    (
        "smtpd_tls_ask_ccert = yes\nsmtpd_tls_CAfile = /ca\ntls_append_default_CA = yes\n"
        "smtpd_relay_restrictions = permit_tls_all_clientcerts, reject_unauth_destination\n",
        ["open-relay"],
    ),
    (
        "smtpd_tls_ask_ccert = yes\nsmtpd_tls_CAfile = /etc/ssl/certs/ca-certificates.crt\n"
        "smtpd_relay_restrictions = permit_tls_all_clientcerts, reject_unauth_destination\n",
        ["open-relay"],
    ),
    (
        "smtpd_tls_ask_ccert = yes\nsmtpd_tls_CAfile = /etc/pki/tls/certs/own.pem\n"
        "smtpd_relay_restrictions = permit_tls_all_clientcerts, reject_unauth_destination\n",
        [],
    ),
    # Backups for networks of this site, and for those of everybody.
    (
        "permit_mx_backup_networks = 192.0.2.0/24\n"
        "smtpd_relay_restrictions = permit_mx_backup, reject_unauth_destination\n",
        [],
    ),
    (
        "permit_mx_backup_networks = 0.0.0.0/0\n"
        "smtpd_relay_restrictions = permit_mx_backup, reject_unauth_destination\n",
        ["relay-unproved"],
    ),
]


@pytest.mark.parametrize(("main", "rules"), WHOLE)
def test_what_a_whole_session_comes_to(main, rules):
    found = {
        finding.rule
        for finding in cases.check(
            main, probe=cases.FakeProbe(contents={"/ca": b"", "/etc/pki/tls/certs/own.pem": b""})
        )
    }
    assert sorted(found & {"open-relay", "relay-unproved"}) == rules


def test_nested_classes_take_no_time():
    count = 60
    classes = [f"c{number} = c{number + 1}, warn_if_reject c{number + 1}" for number in range(count)]
    names = ", ".join(f"c{number}" for number in range(count + 1))
    main = "\n".join([f"smtpd_restriction_classes = {names}", *classes, f"c{count} = permit_mynetworks", ""])
    started = time.perf_counter()
    found = cases.check(f"{main}smtpd_relay_restrictions = c0, permit_mynetworks\n")
    assert [finding.rule for finding in found] == ["open-relay"]
    assert time.perf_counter() - started < 5


def test_more_sessions_than_can_be_tried_are_not_proved(monkeypatch):
    evaluation = evaluated(configuration("check_sender_access inline:{{a.example=OK}}"))
    monkeypatch.setattr(strangers, "_SESSIONS", 1)
    assert evaluation.hole() is None
    hole = evaluation.hole(guess=True)
    assert hole is not None
    assert hole.restriction == "more tables than can be tried"


# ---- against a model that knows a few words only, and tries every session

KEYS = ("a.example", "b.example", "sub.a.example", "x@a.example", "y@", "<>", "h.b.example")
SENDERS = ("", *(f"{local}@{domain}" for local in "xy" for domain in (*KEYS[:3], KEYS[6], "stranger.example")))
HELOS = ("a.example", "b.example", "sub.a.example", "h.b.example", "other.example")
RECIPIENTS = ("x@stranger.example", "y@stranger.example")
_ANSWERS = st.sampled_from(["OK", "DUNNO", "REJECT", "250", "450 no", "permit_mynetworks", "reject", "permit"])
_TABLES = st.dictionaries(
    st.sampled_from(KEYS),
    _ANSWERS, min_size=1, max_size=3,
)  # fmt: skip
_WORDS = st.one_of(
    st.sampled_from(
        ["permit", "reject", "reject_unauth_destination", "permit_mynetworks", "permit_sasl_authenticated", "defer",
         "warn_if_reject reject_unauth_destination", "reject_unlisted_recipient", "permit_auth_destination"]
    ),
    st.tuples(st.sampled_from(["helo", "sender", "recipient"]), _TABLES),
)  # fmt: skip
LISTS = st.lists(_WORDS, max_size=4)


def text_of(word):
    """A word as main.cf has it."""
    if isinstance(word, str):
        return word
    lines = ", ".join(f"{{{key} = {answer}}}" for key, answer in word[1].items())
    return f"check_{word[0]}_access inline:{{{lines}}}"


def _model(words, session):
    """What comes of a list: True where it permits, False where it refuses, None where it says nothing."""
    for word in words:
        if word in ("reject", "defer", "reject_unauth_destination"):
            return False
        if word == "permit":
            return True
        if isinstance(word, str):
            continue
        said = session[word[0]]
        domain = said.partition("@")[2] if "@" in said else said
        keys = [said or "<>"] + [domain.split(".", n)[-1] for n in range(domain.count(".") + 1) if domain]
        if "@" in said:
            keys.append(said.partition("@")[0] + "@")
        answer = next((word[1][key] for key in keys if key in word[1]), "DUNNO")
        if answer in ("OK", "250", "permit"):
            return True
        if answer in ("REJECT", "450 no", "reject"):
            return False
    return None


def relays(sender, relay):
    """Whether any of the sessions of the model ends with a relayed message."""
    return any(
        _model(sender, session) is not False and _model(relay, session) is not False
        for session in (
            dict(zip(("sender", "helo", "recipient"), values))
            for values in itertools.product(SENDERS, HELOS, RECIPIENTS)
        )
    )


@settings(deadline=None, max_examples=300)
@given(LISTS, LISTS)
def test_the_same_as_a_model_that_tries_every_session(sender, relay):
    main = "".join(
        f"smtpd_{name}_restrictions = {', '.join(map(text_of, words))}\n"
        for name, words in (("sender", sender), ("relay", relay), ("recipient", []))
    )
    context = Context(*cases.parsed(main), cases.host())
    evaluation = strangers.Evaluation(context, next(context.smtpd_services()))
    assert (evaluation.hole() is not None) == relays(sender, relay)
