# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role ``postfix`` accepts."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable

from ansible_collections.puffy.mail.plugins.module_utils._inputs.judge import Problem, Several, Table
from ansible_collections.puffy.mail.plugins.module_utils._inputs.vocabulary import (
    Form,
    account,
    anything,
    directory,
    domain,
    each,
    key_pairs,
    listed,
    network,
    number,
    one_line,
    optional,
    path,
    shown,
    some_of,
)
from ansible_collections.puffy.mail.plugins.module_utils._postfix import capabilities, plan
from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities import (
    judgement,
    milters,
    postscreen,
    restrictions,
)
from ansible_collections.puffy.mail.plugins.module_utils._postfix.capabilities.model import Capability, Wishes
from ansible_collections.puffy.mail.plugins.module_utils._tables import lookup_table
from ansible_collections.puffy.mail.plugins.module_utils._tables.kinds import INDEX_SUFFIX, TEXT_TYPES
from ansible_collections.puffy.mail.plugins.module_utils._tls import clients

#: the types of tables in files
_FILE_TYPES = (*INDEX_SUFFIX, *TEXT_TYPES)

#: what import_environment takes for one item (postconf(5)); a dollar sign would be expanded
#: domain, [host] or either with a port
_HOP = re.compile(r"(\[[^\]\s,]+\]|[A-Za-z0-9._-]+)(:[A-Za-z0-9-]+)?")
#: What cannot separate a local part from its tag: it ends an address, a value of main.cf or a regular expression.
_NO_DELIMITER = "@<>,;:/\\$^[](){}\"'"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=[^\s,{}$]*")
#: the check that finds the same in the files (docs/checks.md), by whose name both are overruled
REQUIRED_ON_25 = "tls-required-on-port-25"


def _delimiter(value: Any) -> str | None:
    if isinstance(value, str) and not any(c.isalnum() or c.isspace() or c in _NO_DELIMITER for c in value):
        return None
    return f"is {shown(value)}. Use a character such as '+' or '-', or '' for none."


def _protocols(value: Any) -> str | None:
    """Postfix ends where the list is empty (inet_proto.c)."""
    if isinstance(value, list) and value and set(value) <= {"all", "ipv4", "ipv6"}:
        return None
    return f"is {shown(value)}. Use a list of 'all', 'ipv4' or 'ipv6'."


def _level(value: Any) -> str | None:
    if isinstance(value, str) and re.fullmatch(r"\d{1,9}(\.\d{1,9}){0,2}", value):
        return None
    return f"is {shown(value)}. Use a release of Postfix in quotes, such as '3.6', or '' for the present level."


def _socket(value: Any) -> str | None:
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9._/-]+", value):
        return None
    return f"is {shown(value)}. Use a path below the queue directory such as 'private/quota-status', or ''."


def _variable(value: Any) -> str | None:
    if isinstance(value, str) and _VARIABLE.fullmatch(value):
        return None
    return f"has the entry {shown(value)}. Use variables such as 'TZ=UTC', without blanks, commas, braces and '$'."


def _milter(value: Any) -> str | None:
    if isinstance(value, str) and milters.ENDPOINT.fullmatch(value):
        return None
    return f"has the entry {shown(value)}. Use a socket such as 'unix:opendkim/opendkim.sock' or 'inet:127.0.0.1:8891'."


def _policy_service(value: Any) -> str | None:
    if isinstance(value, str) and restrictions.POLICY_SERVICE.fullmatch(value):
        return None
    return f"has the entry {shown(value)}. Use a server such as 'unix:private/policy' or 'inet:127.0.0.1:10031'."


def _restriction_changes(stages: Sequence[str]) -> Form:
    """Changes of lists of restrictions, by stage."""
    cure = f"Use a mapping of {listed(stages, 'and')} to lists, or to mappings of"
    cure += f" {listed([*restrictions.ENDS, *restrictions.PLACES], 'and')}."

    def items(value: Any) -> bool:
        return isinstance(value, list) and all(isinstance(item, str) and item.strip() for item in value)

    def change(value: Any) -> bool:
        return (isinstance(value, Mapping) and set(value) <= {*restrictions.ENDS, *restrictions.PLACES}) and all(
            items(part) if kind in restrictions.ENDS else isinstance(part, Mapping) and all(map(items, part.values()))
            for kind, part in value.items()
        )

    def problem(value: Any) -> str | None:
        if not isinstance(value, Mapping) or not set(value) <= set(stages):
            return f"is {shown(value)}. {cure}"
        bad = next((stage for stage, given in value.items() if not items(given) and not change(given)), None)
        return None if bad is None else f"[{bad!r}] is {shown(value[bad])}. {cure}"

    return problem


def _dns_list(value: Any) -> str | None:
    name = value.get("list") if isinstance(value, Mapping) else value
    good = isinstance(name, str) and restrictions.DNS_LIST.fullmatch(name) is not None
    if isinstance(value, Mapping):
        good = good and set(value) == {"list", "of"} and value["of"] in restrictions.OF
    return (
        None
        if good
        else (
            f"has the entry {shown(value)}. Use a domain such as 'bl.example.org=127.0.0.[2..11]', or a mapping such as"
            f" {{'list': 'dbl.example.org', 'of': 'sender'}}, where 'of' is {listed(restrictions.OF)}."
        )
    )


def _weighed_list(value: Any) -> str | None:
    if isinstance(value, str) and postscreen.DNS_LIST.fullmatch(value):
        return None
    return f"has the entry {shown(value)}. Use a domain with its weight, such as 'bl.example.org=127.0.0.[2..11]*2'."


def _clients(value: Any) -> str | None:
    """Addresses and networks, each permitted or rejected."""
    cure = "Use a mapping such as {'192.0.2.0/24': 'permit', '2001:db8::1': 'reject'}."
    if not isinstance(value, Mapping):
        return f"is {shown(value)}. {cure}"
    for client, action in value.items():
        try:
            ipaddress.ip_network(client if isinstance(client, str) else "")
        except ValueError as exc:
            return f"has the key {shown(client)}, which is not a network ({exc}). {cure}"
        if action not in ("permit", "reject"):
            return f"[{client!r}] is {shown(action)}. Use 'permit' or 'reject'."
    return None


def _policy_commands(value: Any) -> str | None:
    cure = "Use a mapping such as {'policyd-spf': {'user': 'policyd-spf', 'command': '/usr/bin/policyd-spf'}}."
    if not isinstance(value, Mapping):
        return f"is {shown(value)}. {cure}"
    for name, command in value.items():
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_-]+", name):
            return f"has the name {shown(name)}. {cure}"
        if not isinstance(command, Mapping) or set(command) != {"user", "command"}:
            return f"[{name!r}] is {shown(command)}. {cure}"
        if account(command["user"]) is not None:
            return f"[{name!r}] has a user that {account(command['user'])}"
        if not re.fullmatch(r"/[^\s{}$]+( [^\s{}$]+)*", str(command["command"])):
            return f"[{name!r}] has the command {shown(command['command'])}. Use an absolute path and its arguments."
    return None


def _service_milters(value: Any) -> str | None:
    services = ("smtp", "submission", "submissions")
    if not isinstance(value, Mapping) or not set(value) <= set(services):
        return f"is {shown(value)}. Use a mapping of {listed(services, 'and')} to lists."
    for name, sockets in value.items():
        problem = each(_milter, ["inet:127.0.0.1:8891"])(sockets)
        if problem is not None:
            return f"[{name!r}] {problem}"
    return None


def _relay_clients(value: Any) -> str | None:
    """Clients that may relay by their certificate."""
    if not isinstance(value, list):
        return f"is {shown(value)}. Use a list such as ['printer']."
    for entry in value:
        try:
            clients.relay_client(entry)
        except ValueError as exc:
            return f": {exc}."
    names = [entry if isinstance(entry, str) else entry["name"] for entry in value]
    doubled = next((client for client in names if names.count(client) > 1), None)
    return None if doubled is None else f"has {doubled!r} twice. Name each client once."


def _relative(value: Any) -> str | None:
    if isinstance(value, str) and re.fullmatch(r"[^/\s,$][^\s,$]*", value) and ".." not in value.split("/"):
        return None
    return f"is {shown(value)}. Use a path below the home directory, such as 'Maildir/'."


def _cipher(value: Any) -> str | None:
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9][\w+-]*", value):
        return None
    return f"has the entry {shown(value)}. Use names of OpenSSL such as 'aNULL', without '!' and ':'."


def _duration(value: Any) -> str | None:
    if isinstance(value, str) and re.fullmatch(r"[1-9][0-9]{0,8}[smhdw]", value):
        return None
    return f"is {shown(value)}. Use a number with its unit, such as '3600s' or '1h'."


def _action(value: Any) -> str | None:
    if isinstance(value, str) and value.strip() and not one_line(value):
        return None
    return f"is {shown(value)}. Use an action of access(5), such as 'OK' or 'REJECT'."


def _client_access(value: Any) -> str | None:
    """Actions by the fingerprint of a certificate or of its key."""
    cure = "Use a mapping such as {'AF:4B: and 30 more pairs': 'REJECT'}."
    if not isinstance(value, Mapping):
        return f"is {shown(value)}. {cure}"
    for key, action in value.items():
        try:
            clients.fingerprint(str(key), f"[{shown(key)}]")
        except ValueError as exc:
            return f": {exc}."
        found = _action(action)
        if found is not None:
            return f"[{key!r}] {found}"
    return None


def _next_hop(value: Any) -> str | None:
    """A host that takes mail (postconf(5), relayhost)."""
    if isinstance(value, str) and _HOP.fullmatch(value):
        return None
    return f"is {shown(value)}. Use a host such as '[smtp.example.org]:587', or a domain such as 'example.org'."


def _of_addresses(form: Form, example: Mapping[str, Any], key_fault: Callable[[str], str | None]) -> Form:
    """A mapping from an address or a domain to a value of ``form``. ``key_fault`` says why Postfix never asks for a
    key."""

    def problem(value: Any) -> str | None:
        if not isinstance(value, Mapping):
            return f"is {shown(value)}. Use a mapping such as {dict(example)!r}."
        for key, item in value.items():
            if not isinstance(key, str) or not re.fullmatch(r"[^\s,#][^\s,]*", key):
                return f"has the key {shown(key)}. Use a mapping such as {dict(example)!r}."
            fault = key_fault(key)
            if fault is not None:
                return f"has the key {shown(key)}{fault}"
            found = form(item)
            if found is not None:
                return f"[{key!r}] {found}"
        return None

    return problem


def _of_senders(key: str) -> str | None:
    """smtp(8) and trivial-rewrite(8) ask for an address and for @domain (postconf(5))."""
    return None if "@" in key else f", which no sender is asked for. Use an address, or '@{key}' for a domain."


def _of_routes(key: str) -> str | None:
    """transport(5) has no key that begins with an at sign."""
    return f", and a transport is asked for by domain. Use {key[1:]!r}." if key.startswith("@") else None


def _login(value: Any) -> str | None:
    """A name of a login; the sentence does not show the value."""
    if isinstance(value, str) and ":" in value:
        return "has a colon, which ends the name. Use the name without a colon."
    return one_line(value)


def _recipients(value: Any) -> str | None:
    items = value if isinstance(value, list) else [value]
    if items and all(isinstance(item, str) and re.fullmatch(r"[^\s,]+", item) for item in items):
        return None
    return f"is {shown(value)}. Use an address or a list of addresses."


def _transport(value: Any) -> str | None:
    if isinstance(value, str) and re.fullmatch(r"(error|retry):[^\r\n]*|[A-Za-z][\w-]*:[^\s,]*", value):
        return None
    return f"is {shown(value)}. Use a transport with its host, such as 'smtp:[192.0.2.1]' or 'relay:'."


def _credentials(value: Any) -> str | None:
    """Logins; the sentence shows no value."""
    cure = "Use entries of 'username', 'password' and either 'host' or 'sender'."
    if not isinstance(value, list):
        return f"is not a list. {cure}"
    for index, given in enumerate(value, 1):
        if not isinstance(given, Mapping) or set(given) - {"host", "sender"} != {"username", "password"}:
            return f"has a wrong entry, number {index}. {cure}"
        texts = [given.get(name) for name in ("host", "sender") if given.get(name)]
        if len(texts) != 1 or any(not isinstance(text, str) or re.search(r"\s|,", text) for text in texts):
            return f"has a wrong entry, number {index}. {cure}"
        fault = _of_senders(given["sender"]) if given.get("sender") else None
        if fault is not None:
            return f"has an entry, number {index}, for the sender {given['sender']!r}{fault}"
        for name in ("username", "password"):
            if not isinstance(given[name], str) or not given[name] or one_line(given[name]):
                return f"has an entry, number {index}, whose {name} is not text of one line. {cure}"
        if ":" in given["username"]:
            return f"has an entry, number {index}, whose username has a colon, which ends it. {cure}"
    return None


#: files in a directory of Postfix that are no tables
_OF_POSTFIX = ("main.cf", "master.cf", "main.cf.proto", "master.cf.proto", "dynamicmaps.cf", "postfix-files")
#: directories whose own files are those of the system
_OF_SYSTEM = ("", "/etc", "/etc/ssl", "/bin", "/sbin", "/usr/bin", "/usr/sbin", "/root")


def _table_place(name: str) -> str | None:
    """Why a table cannot be the file ``name``."""
    directory, _slash, base = name.rpartition("/")
    if base in _OF_POSTFIX:
        return "which is a file of Postfix itself"
    return f"and {directory or '/'} has files of the system" if directory in _OF_SYSTEM else None


def _table_content(given: Mapping[str, Any]) -> str | None:
    """What is wrong with the type of a table, or with its lines."""
    kind, entries = given.get("type"), given.get("entries")
    if kind is None and given.get("content") is not None:
        return f"has content and no type. Use one of {', '.join(_FILE_TYPES)}."
    if kind is not None and kind not in _FILE_TYPES:
        return f"has the type {shown(kind)}. Use one of {', '.join(_FILE_TYPES)}."
    try:
        lookup_table.render_entries(entries if isinstance(entries, Mapping) else {}, given.get("builder") or "postmap")
    except ValueError as exc:
        return f"cannot be written: {exc}."
    return None


def _tables(value: Any) -> str | None:
    """Tables with what is in them."""
    example = "Use a list such as [{'path': '/etc/postfix/canonical', 'entries': {'alice': 'alice@example.org'}}]."
    if not isinstance(value, list):
        return f"is {shown(value)}. {example}"
    for given in value:
        fields = {"path", "type", "entries", "content", "builder", "parameter"}
        if not isinstance(given, Mapping) or not set(given) <= fields or path(given.get("path")):
            return f"has the entry {shown(given)}. {example}"
        if (given.get("entries") is None) == (given.get("content") is None):
            return f"has the entry {shown(given)}, which needs either 'entries' or 'content'. {example}"
        for name, form in (("type", r"[a-z]+"), ("builder", r"postmap|postalias"), ("parameter", r"\w+")):
            if name in given and not (isinstance(given[name], str) and re.fullmatch(form, given[name])):
                return f"has the table {given['path']!r}, whose {name} is {shown(given[name])}. {example}"
        entries = given.get("entries") or {}
        for key, item in entries.items() if isinstance(entries, Mapping) else [(entries, None)]:
            # A number may have been text that lost its zeros.
            texts = [key, *(item if isinstance(item, list) else [item])]
            if not all(isinstance(text, str) and not one_line(text) for text in texts):
                return f"has the table {given['path']!r} with {shown(key)}, whose value is not text. Use quotes."
        where, what = _table_place(given["path"]), _table_content(given)
        if where:
            return f"has the table {given['path']!r}, {where}. Use a file such as '/etc/postfix/canonical'."
        if what:
            return f"has the table {given['path']!r}, which {what}"
    return None


def _read_by(read: Callable[[Any], object]) -> Form:
    """What ``postconf`` refuses of its option is refused here, before the first host is touched."""

    def problem(value: Any) -> str | None:
        try:
            read(value if isinstance(value, Mapping) else {})
        except ValueError as exc:
            return f": {exc}."
        return None

    return problem


def _composed(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The inputs as the role hands them on; it makes the table of the clients later."""
    return {**inputs, "relay_clients_table": ""}


def _standing_beside(capability: Capability) -> Several:
    """What the capability refuses to stand beside."""
    return lambda inputs: capability.problems(Wishes(_composed(inputs)))


def _whole(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    """What the free form, laid over the rest, comes to. A capability tells its own problems."""
    values = _composed(inputs)
    if not any(list(capability.problems(Wishes(values))) for capability in capabilities.CAPABILITIES):
        found = capabilities.problems(values)
        # _required_on_port_25 tells it with the input that is behind it.
        skip = [*inputs["postfix_skip_checks"], REQUIRED_ON_25]
        yield from found or judgement.problems(capabilities.compose(values), skip)


def _says_yes(value: Any) -> bool:
    return value is True or str(value).strip().lower() in ("yes", "true")


def _required_on_port_25(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    """Wishes that would make a public port 25 refuse mail without TLS."""
    local = [
        name in ("loopback-only", "localhost") or name.startswith("127.") or name.strip("[]") == "::1"
        for name in inputs["postfix_interfaces"]
    ]
    if all(local) or REQUIRED_ON_25 in inputs["postfix_skip_checks"]:
        return
    parameters, where = inputs["postfix_parameters"], "postfix_parameters"
    names = ("smtpd_tls_wrappermode", "smtpd_tls_security_level", "smtpd_enforce_tls")
    values = {name: parameters.get(name) for name in names}
    for key in ("smtp/inet", "25/inet"):
        service = inputs["postfix_services"].get(key)
        options = service.get("options") if isinstance(service, Mapping) else None
        if isinstance(options, Mapping) and set(options) & set(names):
            where = f"postfix_services: {key}"
            values.update({name: options[name] for name in names if name in options})
    if inputs["postfix_tls_security_level"] == "encrypt" and values["smtpd_tls_security_level"] is None:
        where, values["smtpd_tls_security_level"] = "postfix_tls_security_level", "encrypt"
    if _says_yes(values["smtpd_tls_wrappermode"]):
        found = "smtpd_tls_wrappermode is yes"
    elif str(values["smtpd_tls_security_level"]).strip().lower() == "encrypt":
        found = f"smtpd_tls_security_level is {values['smtpd_tls_security_level']!r}"
    elif _says_yes(values["smtpd_enforce_tls"]):
        found = "smtpd_enforce_tls is yes"
    else:
        return
    name, _colon, service_name = where.partition(": ")
    yield (
        name,
        f": {f'{service_name}: ' if service_name else ''}{found}, so that port 25 would refuse mail without TLS, which"
        " a public server must not (RFC 3207, section 4). Use 'may'; users have ports 465 and 587, where TLS is"
        f" required. For a server that only known hosts send to, set postfix_skip_checks: [{REQUIRED_ON_25}].",
    )


TABLE = Table(
    {
        "postfix_hostname": domain,
        "postfix_domain": optional(domain),
        "postfix_origin": anything,
        "postfix_local_domains": anything,
        "postfix_networks": each(network, ["127.0.0.0/8", "[::1]/128"]),
        "postfix_networks_style": optional(anything),
        "postfix_parent_domains": anything,
        "postfix_interfaces": anything,
        "postfix_protocols": _protocols,
        "postfix_message_size_limit": number(0, None, "bytes"),
        "postfix_recipient_delimiter": _delimiter,
        "postfix_compatibility_level": optional(_level),
        "postfix_chroot": anything,
        "postfix_accounts": anything,
        "postfix_delivery": anything,
        "postfix_home_mailbox": optional(_relative),
        "postfix_local_transport": optional(anything),
        "postfix_local_recipient_maps": anything,
        "postfix_aliases": _of_addresses(_recipients, {"root": "admin@example.org"}, lambda _key: None),
        "postfix_alias_file": optional(path),
        "postfix_alias_type": optional(anything),
        "postfix_relay_domains": anything,
        "postfix_relay_recipient_maps": anything,
        "postfix_relayhost": optional(_next_hop),
        "postfix_relayhost_username": optional(_login),
        "postfix_relayhost_password": optional(one_line),
        "postfix_relay_credentials": _credentials,
        "postfix_sender_relayhosts": _of_addresses(_next_hop, {"@example.org": "[smtp.example.org]:587"}, _of_senders),
        "postfix_transports": _of_addresses(_transport, {"example.org": "smtp:[192.0.2.1]"}, _of_routes),
        "postfix_verify_relay_recipients": anything,
        "postfix_quota_service": optional(_socket),
        "postfix_client_connections": number(0, 100000, "connections"),
        "postfix_client_logins": number(0, 100000, "logins"),
        "postfix_delivery_sessions": number(1, 100, "sessions"),
        "postfix_virtual_mailbox_domains": anything,
        "postfix_virtual_mailbox_maps": anything,
        "postfix_virtual_maildirs": anything,
        "postfix_virtual_alias_maps": anything,
        "postfix_sender_login_maps": anything,
        "postfix_virtual_transport": anything,
        "postfix_virtual_mailbox_base": optional(path),
        "postfix_virtual_uid": number(0, None, "an account"),
        "postfix_virtual_gid": number(0, None, "a group"),
        "postfix_submission": anything,
        "postfix_submissions": anything,
        "postfix_submissions_name": anything,
        "postfix_sasl_type": anything,
        "postfix_sasl_path": anything,
        "postfix_sasl_local_domain": optional(anything),
        "postfix_tls_key_file": path,
        "postfix_tls_chain_file": path,
        "postfix_tls_other_keys": key_pairs(path),
        "postfix_tls_profile": anything,
        "postfix_tls_security_level": anything,
        "postfix_tls_loglevel": number(0, 4, "a level"),
        "postfix_tls_received_header": anything,
        "postfix_tls_ciphers": optional(anything),
        "postfix_tls_mandatory_ciphers": anything,
        "postfix_tls_exclude_ciphers": each(_cipher, ["aNULL"]),
        "postfix_tls_mandatory_exclude_ciphers": each(_cipher, ["aNULL"]),
        "postfix_tls_session_cache": anything,
        "postfix_tls_session_cache_timeout": optional(_duration),
        "postfix_tls_session_ids": anything,
        "postfix_tls_starttls_timeout": optional(_duration),
        "postfix_tls_outgoing_key_file": optional(path),
        "postfix_tls_outgoing_chain_file": optional(path),
        "postfix_tls_dhparam_file": optional(path),
        "postfix_tls_ca_file": optional(path),
        "postfix_tls_ca_directory": optional(path),
        "postfix_relay_clients": _relay_clients,
        "postfix_relay_clients_revoked": anything,
        "postfix_relay_clients_directory": directory("control node", "{{ inventory_dir }}/pki/clients"),
        "postfix_tls_client_services": some_of("smtp", "submission", "submissions"),
        "postfix_tls_client_certificates": optional(anything),
        "postfix_tls_client_ca_file": optional(path),
        "postfix_tls_client_ca_directory": optional(path),
        "postfix_tls_client_verify_depth": number(1, 100, "issuers"),
        "postfix_tls_all_client_certificates": anything,
        "postfix_tls_client_access": _client_access,
        "postfix_reject_unknown_sender_domain": anything,
        "postfix_reject_own_senders": anything,
        "postfix_restrictions": _restriction_changes(restrictions.STAGES),
        "postfix_user_restrictions": _restriction_changes(restrictions.USER_STAGES),
        "postfix_dns_lists": each(_dns_list, ["zen.example.org"]),
        "postfix_postscreen": anything,
        "postfix_postscreen_greet_action": anything,
        "postfix_postscreen_access": _clients,
        "postfix_postscreen_dns_lists": each(_weighed_list, ["bl.example.org*2"]),
        "postfix_postscreen_dns_threshold": number(1, 100000, "points"),
        "postfix_postscreen_dns_action": anything,
        "postfix_postscreen_after_greeting": anything,
        "postfix_reject_unlisted_sender": anything,
        "postfix_stage": anything,
        "postfix_header_cleanup": anything,
        "postfix_milters": each(_milter, ["unix:opendkim/opendkim.sock"]),
        "postfix_non_smtpd_milters": each(_milter, ["unix:opendkim/opendkim.sock"]),
        "postfix_service_milters": _service_milters,
        "postfix_milter_default_action": anything,
        "postfix_policy_services": each(_policy_service, ["unix:private/policy"]),
        "postfix_policy_commands": _policy_commands,
        "postfix_environment": each(_variable, ["TZ=UTC"]),
        "postfix_parameters": _read_by(lambda value: plan.read_parameters(value, ())),
        "postfix_absent": anything,
        "postfix_tables": _tables,
        "postfix_services": _read_by(plan.read_services),
        "postfix_skip_checks": anything,
        "postfix_packages": anything,
        "postfix_service_timeout": number(1, 3600, "seconds"),
    },
    (*map(_standing_beside, capabilities.CAPABILITIES), _required_on_port_25, _whole),
)
