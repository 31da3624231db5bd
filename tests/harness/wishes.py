# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws wishes of the role postfix, one value for each of some inputs, without a look at whether they go together."""

from __future__ import annotations

import random
from typing import Any

OPENDKIM = "unix:opendkim/opendkim.sock"
HOST = "[smtp.example.org]:587"
PRINTER = {"name": "printer", "fingerprint": "0" * 64}

#: what the inputs may be beside their defaults
POOL: dict[str, list[Any]] = {
    "postfix_networks_style": ["host", "subnet"],
    "postfix_domain": ["example.org"],
    "postfix_parent_domains": [[], ["smtpd_access_maps"], ["relay_domains"]],
    "postfix_interfaces": [["loopback-only"], ["127.0.0.1"]],
    "postfix_compatibility_level": ["2", "3.6", "3.10"],
    "postfix_chroot": [False, "no"],
    "postfix_recipient_delimiter": ["", "-"],
    "postfix_message_size_limit": [0, "1000000"],
    "postfix_home_mailbox": ["Maildir/", "mbox"],
    "postfix_local_transport": ["$virtual_transport", "error:no mailboxes here"],
    "postfix_local_recipient_maps": [["$virtual_mailbox_maps"]],
    "postfix_aliases": [{"root": "admin@example.org"}],
    "postfix_alias_file": ["/etc/postfix/aliases"],
    "postfix_relay_domains": [["example.net", ".example.net"]],
    "postfix_relay_recipient_maps": [["static:all"]],
    "postfix_relayhost": [HOST, "example.org"],
    "postfix_relayhost_username": ["relay"],
    "postfix_relayhost_password": ["one-two-three"],
    "postfix_relay_credentials": [
        [{"sender": "@example.org", "username": "a", "password": "one-two-three"}],
        [{"host": HOST, "username": "a", "password": "one-two-three"}],
    ],
    "postfix_sender_relayhosts": [{"@example.org": HOST}],
    "postfix_transports": [{"example.net": "smtp:[192.0.2.1]", "example.com": "relay:"}],
    "postfix_submission": [True, False, "no"],
    "postfix_submissions": [True, False],
    "postfix_submissions_name": ["smtps"],
    "postfix_sasl_type": ["cyrus", "none"],
    "postfix_tls_profile": ["modern", "broad"],
    "postfix_tls_security_level": ["none", "encrypt"],
    "postfix_tls_ciphers": ["medium"],
    "postfix_tls_mandatory_ciphers": ["medium"],
    "postfix_tls_exclude_ciphers": [["aNULL"]],
    "postfix_tls_session_cache": [True],
    "postfix_tls_session_cache_timeout": ["600s"],
    "postfix_tls_session_ids": [False],
    "postfix_tls_starttls_timeout": ["60s"],
    "postfix_relay_clients": [[PRINTER]],
    "postfix_tls_client_services": [["smtp", "submission"], ["smtp"], ["submissions"]],
    "postfix_tls_client_certificates": ["ask", "require"],
    "postfix_tls_client_access": [{":".join(["AF"] * 32): "REJECT"}],
    "postfix_tls_all_client_certificates": [True],
    "postfix_reject_unknown_sender_domain": [False],
    "postfix_reject_own_senders": [True],
    "postfix_restrictions": [
        {"client": ["permit_mynetworks", "reject_unknown_reverse_client_hostname"], "data": []},
        {"recipient": {"before": {"reject_unauth_destination": ["reject_unlisted_recipient"]}}},
        {"sender": {"remove": ["reject_unknown_sender_domain"]}},
        {"relay": ["permit"], "recipient": ["permit"]},
    ],
    "postfix_user_restrictions": [{"helo": []}, {"client": {"prepend": ["reject_unknown_client_hostname"]}}],
    "postfix_dns_lists": [["bl.example.org"], [{"list": "dbl.example.org", "of": "helo"}]],
    "postfix_postscreen": [True],
    "postfix_postscreen_greet_action": ["ignore", "drop"],
    "postfix_postscreen_access": [{"192.0.2.0/24": "permit", "2001:db8::/32": "reject"}],
    "postfix_postscreen_dns_lists": [["bl.example.org*2", "good.example.org*-1"]],
    "postfix_postscreen_dns_threshold": [2, 3],
    "postfix_postscreen_after_greeting": [True],
    "postfix_reject_unlisted_sender": [True],
    "postfix_stage": ["testing"],
    "postfix_header_cleanup": [True],
    "postfix_milters": [[OPENDKIM]],
    "postfix_non_smtpd_milters": [[OPENDKIM]],
    "postfix_service_milters": [{"submission": []}],
    "postfix_milter_default_action": ["accept"],
    "postfix_policy_services": [["inet:127.0.0.1:10031"]],
    "postfix_environment": [["TZ=UTC"]],
    "postfix_parameters": [
        {"biff": True},
        {"mynetworks": {"append": ["192.0.2.0/24"]}},
        {"smtpd_tls_eecdh_grade": "auto"},
    ],
    "postfix_absent": [["biff"], ["swap_bangpath"]],
    "postfix_services": [
        {"submission/inet": {"options": {"smtpd_client_connection_count_limit": 5}}},
        {"smtp/inet": {"maxproc": 20}},
        {"smtp/inet": {"options": {"smtpd_client_connection_count_limit": 5, "content_filter": ""}}},
    ],
    "postfix_tables": [
        [{"path": "/etc/postfix/canonical", "entries": {"a": "b@example.org"}, "parameter": "canonical_maps"}],
        [{"path": "/etc/postfix/transports", "entries": {"a.example": "relay:"}, "parameter": "transport_maps"}],
    ],
}
_OWN = "proxy:sqlite:/etc/postfix/sqlite/"
#: hosts, by where their accounts are: what follows from that in the defaults of the role
HOSTS: tuple[dict[str, Any], ...] = (
    {
        "postfix_accounts": "sqlite",
        "postfix_delivery": "lmtp",
        "postfix_virtual_mailbox_domains": [f"{_OWN}virtual_mailbox_domains.cf"],
        "postfix_virtual_mailbox_maps": [f"{_OWN}virtual_mailbox_maps.cf"],
        "postfix_virtual_alias_maps": [f"{_OWN}virtual_alias_maps.cf"],
        "postfix_sender_login_maps": [f"{_OWN}sender_login_maps.cf"],
    },
    {
        "postfix_accounts": "sqlite",
        "postfix_delivery": "virtual",
        "postfix_virtual_transport": "virtual",
        "postfix_virtual_mailbox_base": "/var/vmail",
        "postfix_virtual_uid": 2000,
        "postfix_virtual_gid": 2000,
        "postfix_virtual_mailbox_domains": [f"{_OWN}virtual_mailbox_domains.cf"],
        "postfix_virtual_mailbox_maps": [f"{_OWN}virtual_mailbox_maps.cf"],
        "postfix_virtual_maildirs": ["sqlite:/etc/postfix/sqlite/virtual_maildirs.cf"],
    },
    {"postfix_accounts": "system", "postfix_delivery": "local"},
    {
        "postfix_accounts": "none",
        "postfix_delivery": "relay",
        "postfix_local_domains": [],
        "postfix_interfaces": ["loopback-only"],
        "postfix_tls_security_level": "none",
    },
)


def draw(random_: random.Random) -> dict[str, Any]:
    """One host with up to nine wishes."""
    given = dict(random_.choice(HOSTS))
    if given["postfix_accounts"] in ("system", "none"):
        off = random_.random() < 0.8
        given.update(dict.fromkeys(("postfix_submission", "postfix_submissions"), not off))
        given["postfix_sasl_type"] = "none" if off else "cyrus"
        lists = ("virtual_mailbox_domains", "virtual_mailbox_maps", "virtual_alias_maps", "sender_login_maps")
        given.update({f"postfix_{name}": [] for name in lists})
    for name in random_.sample(sorted(POOL), random_.randint(1, 9)):
        given[name] = random_.choice(POOL[name])
    if any(name.startswith("postfix_postscreen_") for name in given):
        given["postfix_postscreen"] = True
    if given.get("postfix_sasl_type") == "cyrus":
        given["postfix_sasl_path"] = "smtpd"
    return given
