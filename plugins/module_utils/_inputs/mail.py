# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables ``mail_*``, which several roles and playbooks share.

The defaults of the roles read them. What a value must be is judged where a role uses it; a sentence then names the
variable that was set.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.puffy.mail.plugins.module_utils._inputs.judge import Table
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import (
    anything,
    batches,
    delimiter,
    domain,
    number,
    optional,
    pattern,
)

#: the specification, as in meta/argument_specs.yml. A default in words says what a role takes where nothing is set.
SPEC: dict[str, dict[str, Any]] = {
    "mail_hosts_pattern": {
        "type": "raw",
        "default_text": "mail_hosts",
        "description": "Hosts that the playbooks work on, a pattern of hosts and groups.",
    },
    "mail_other_variables": {
        "type": "list",
        "elements": "str",
        "default_text": "[]",
        "description": "Names of your own variables that begin like those of this collection and are not mistyped.",
    },
    "mail_batches": {
        "type": "raw",
        "default_text": "all hosts at once",
        "description": (
            "Sizes of the batches of hosts that site works on, one batch after the other, such as [1, '25%']. The last"
            " size is repeated. A batch with a host that fails is the last one. All hosts must have the same value."
        ),
    },
    "mail_site_verify": {
        "type": "bool",
        "default_text": "false",
        "description": (
            "Whether site ends with the checks of verify on each host, before the next batch begins. They take the"
            " inputs verify_*."
        ),
    },
    "mail_lock_wait": {
        "type": "int",
        "default_text": "0",
        "description": (
            "Seconds that site and restore wait for another run that holds the host. With 0 they fail at once."
        ),
    },
    "mail_lock_minutes": {
        "type": "int",
        "default_text": "30",
        "description": (
            "Minutes without progress after which the lock of site or restore ends, 5 to 1440. A run of many hosts"
            " needs more than it spends on one task of all hosts."
        ),
    },
    "mail_hostname": {
        "type": "str",
        "default_text": "the name in the inventory",
        "description": "Fully qualified name of the mail host.",
    },
    "mail_accounts": {
        "type": "str",
        "choices": ["sqlite", "ldap", "system", "none"],
        "default_text": "sqlite",
        "description": (
            "Where the accounts are: a database of the host, a directory, the accounts of the system, or nowhere."
            " With the last two the host has no tables of accounts and no Dovecot."
        ),
    },
    "mail_delivery": {
        "type": "str",
        "choices": ["lmtp", "virtual", "local", "relay"],
        "default_text": "lmtp with sqlite and ldap, local with system, relay with none",
        "description": "How mail reaches the mailboxes: through Dovecot, by Postfix itself, or not at all.",
    },
    "mail_relayhost": {
        "type": "str",
        "default_text": "",
        "description": (
            "Host that takes all mail for other hosts, such as [smtp.example.org]:587. With mail_accounts: none, the"
            " host then only sends."
        ),
    },
    "mail_relayhost_username": {"type": "str", "default_text": "", "description": "Login at that host."},
    "mail_relayhost_password": {"type": "str", "default_text": "", "no_log": True, "description": "Its password."},
    "mail_database": {
        "type": "path",
        "default_text": "accounts.sqlite in the state directory of the platform",
        "description": "SQLite database of the accounts.",
    },
    "mail_authentication": {
        "type": "list",
        "elements": "str",
        "choices": ["dkim", "dmarc", "spf"],
        "default_text": "[]",
        "description": "How to sign mail and to judge what arrives. DMARC needs DKIM.",
    },
    "mail_recipient_delimiter": {
        "type": "str",
        "default_text": "+",
        "description": "Characters that separate a local part from its detail; empty for none.",
    },
    "mail_sasl": {
        "type": "str",
        "choices": ["dovecot", "cyrus", "none"],
        "default_text": "dovecot where mail_accounts is sqlite or ldap, otherwise none",
        "description": "What checks the passwords of users who send mail. With none nobody can log in to send.",
    },
    "mail_reject_own_senders": {
        "type": "bool",
        "default_text": "false",
        "description": (
            "Whether port 25 refuses mail from a stranger whose sender is in a domain of this host. Mailing lists and"
            " forwarding hosts that keep the sender's address can then not send your users their own mail back."
        ),
    },
    "mail_tls_key_file": {
        "type": "path",
        "default_text": "/etc/ssl/private/HOSTNAME.key",
        "description": "Private key of the server.",
    },
    "mail_tls_chain_file": {
        "type": "path",
        "default_text": "/etc/ssl/HOSTNAME.chain.pem",
        "description": "Certificate of the server, then the intermediate ones.",
    },
    "mail_tls_key_types": {
        "type": "list",
        "elements": "str",
        "choices": ["rsa", "ecdsa"],
        "default_text": "[rsa]",
        "description": "Types of key to have side by side, each with its own certificate.",
    },
    "mail_tls_profile": {
        "type": "str",
        "choices": ["intermediate", "modern", "broad"],
        "default_text": "intermediate",
        "description": "Which protocols and ciphers to speak, by name.",
    },
    "mail_ldap_servers": {
        "type": "list",
        "elements": "str",
        "default_text": "[]",
        "description": "URLs of the directory's servers, of one kind.",
    },
    "mail_ldap_search_base": {
        "type": "str",
        "default_text": "",
        "description": "Distinguished name below which entries are looked for.",
    },
    "mail_ldap_tls": {
        "type": "str",
        "choices": ["required", "none"],
        "default_text": "required",
        "description": "Whether TLS protects the connection to the directory.",
    },
    "mail_ldap_ca_file": {
        "type": "path",
        "default_text": "/etc/ssl/puffy-mail-ldap-ca.pem",
        "description": "Certificates of the authorities that may have signed the directory's, PEM.",
    },
    "mail_ldap_bind_dn": {
        "type": "str",
        "default_text": "",
        "description": "Distinguished name to log in as; empty to search without logging in.",
    },
    "mail_ldap_bind_password": {
        "type": "str",
        "default_text": "what the lookup secret finds in the environment",
        "no_log": True,
        "description": "Its password.",
    },
    "mail_ldap_timeout": {
        "type": "int",
        "default_text": "10",
        "description": "Seconds that a server of the directory may take to answer, 1 to 300.",
    },
    "mail_ldap_account_filter": {
        "type": "str",
        "default_text": "(&(objectClass=PostfixBookMailAccount)(!(mailEnabled=FALSE)))",
        "description": "Filter that finds the accounts that are switched on.",
    },
    "mail_vmail_user": {"type": "str", "default_text": "vmail", "description": "Account that owns the stored mail."},
    "mail_vmail_group": {
        "type": "str",
        "default_text": "the name in mail_vmail_user",
        "description": "Group that owns the stored mail.",
    },
    "mail_vmail_home": {
        "type": "path",
        "default_text": "/var/vmail",
        "description": "Directory below which the mail is stored.",
    },
}

TABLE = Table(
    {
        **dict.fromkeys(SPEC, anything),
        "mail_hosts_pattern": pattern,
        "mail_batches": batches,
        "mail_lock_wait": number(0, 86400, "seconds"),
        "mail_lock_minutes": number(5, 1440, "minutes"),
        "mail_hostname": domain,
        "mail_recipient_delimiter": delimiter,
        "mail_ldap_search_base": optional(anything),
        "mail_ldap_bind_dn": optional(anything),
        "mail_ldap_bind_password": optional(anything),
        "mail_relayhost": optional(anything),
        "mail_relayhost_username": optional(anything),
        "mail_relayhost_password": optional(anything),
    },
    by_type=True,
)
