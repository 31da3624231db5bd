#!/usr/bin/python
# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: smtp_probe
short_description: Check an SMTP endpoint as a client sees it
version_added: "0.1.0"
description:
  - Connects to a mail server as a client does, and compares what the server offers, accepts and refuses with
    O(expect).
  - With O(deliver), the module sends a message and reads it back through IMAP.
  - Without O(deliver), no message is sent. All other checks stop after C(RCPT TO).
  - The connection starts on the host that runs the task. Delegate the task to see the server from another host.
  - A failed connection, or a server that breaks the protocol, is a failed check with its cause. The checks that could
    not be made because of it fail as well.
author:
  - The puffy.mail developers (@puffy-mail)
attributes:
  check_mode:
    support: full
    description: All checks are made, except O(deliver), which is reported as left out.
  diff_mode:
    support: none
    description: The module changes nothing on the host.
  idempotent:
    support: full
    description: The module removes the message that it sends, so RV(ignore:changed) is always V(false).
  platform:
    support: full
    platforms: posix
    description: Needs only Python 3.9 or later on the host that runs the task.
options:
  host:
    description:
      - Name or IP address to connect to.
    type: str
    required: true
  port:
    description:
      - TCP port to connect to.
    type: int
    required: true
  protocol:
    description:
      - The protocol of the server.
      - With V(imap), only the keys C(banner), C(certificate) and C(tls_versions) of O(expect) can be checked, and
        O(tls) must be V(wrapper).
      - With V(any), the server is the one that listens without TLS on a port, if there is one. Its greeting tells
        whether it speaks SMTP, IMAP, POP3 or ManageSieve. Only the keys C(closed), C(login_before_tls) and
        C(relay_attempts) can be checked, and O(tls) must be V(none).
    type: str
    choices: [smtp, imap, any]
    default: smtp
  tls:
    description:
      - How TLS begins. Use V(starttls) for ports 25 and 587, and V(wrapper) for ports 465 and 993 (RFC 8314).
    type: str
    choices: [none, starttls, wrapper]
    default: starttls
  tls_name:
    description:
      - The name that the certificate must have, also sent as SNI. The default is O(host).
    type: str
  ca_path:
    description:
      - File of CA certificates in PEM form, or directory of them in the form of C(openssl rehash), on the host that
        runs the task. Only these CAs are trusted.
      - The default is the CAs that the system trusts.
    type: path
  validate_certs:
    description:
      - Whether the certificate must be verified. If it cannot be verified, the check C(tls) fails, the other checks go
        on, and no password is sent.
      - With V(false), the certificate is not verified, and passwords are sent to any server that answers.
    type: bool
    default: true
  helo_name:
    description:
      - The name given in C(EHLO). The default is the client's address as an address literal.
    type: str
  login:
    description:
      - Log in before the checks C(sender) and C(recipients) of O(expect), and before O(deliver).
      - The reply must have the code C(login_code) of O(expect).
      - Needs O(tls) other than V(none).
    type: dict
    suboptions:
      username:
        description: The user name, often a whole mail address.
        type: str
        required: true
      password:
        description: The password.
        type: str
        required: true
      mechanism:
        description: The SASL mechanism.
        type: str
        choices: [plain, login]
        default: plain
  timeout:
    description:
      - Seconds to wait for one connection, one handshake or one reply.
    type: float
    default: 30
  expect:
    description:
      - The expected behaviour of the server. All keys are optional. An unknown key is an error.
      - C(banner) is a regular expression that must match a part of the greeting.
      - C(starttls) is whether STARTTLS is offered.
      - C(auth_before_tls) is whether AUTH is announced before TLS. With V(false), the server must also refuse the
        command.
      - C(mail_before_tls) is whether C(MAIL FROM) is accepted before TLS.
      - C(auth_offered) is whether AUTH is offered, after TLS unless O(tls=none), or the list of the mechanisms offered,
        in any order. With V(false), the server must also refuse the command.
      - C(size) is the limit in bytes that SIZE announces. V(0) means no limit.
      - C(login_code) is the reply code to O(login), V(235) by default and V(535) for a wrong password.
      - C(tls_versions) is a dictionary. Its keys are C(TLSv1), C(TLSv1.1), C(TLSv1.2) and C(TLSv1.3). Its values say
        whether the server accepts a client that offers only this version. If Python's TLS library cannot offer a
        version, the module uses C(openssl s_client). If that cannot offer the version either, the check fails and says
        so.
      - C(certificate) is a dictionary with C(verified) (V(true) or V(false); the check C(tls) then ignores the
        verification), C(names) (a list of names that the certificate must cover) and C(min_days) (number of days for
        which it must still be valid).
      - C(client_certificate) is V(true) where the server serves no client without a certificate. The module has none,
        and must be refused once TLS has begun. Checks that come after that are not made.
      - C(relay) is a dictionary, or a list of dictionaries, with C(from), C(to), C(code) and optionally C(enhanced),
        the enhanced status code. It is tried before O(login). The check uses the reply to C(RCPT TO), or the reply to
        C(MAIL FROM) if the server refuses that command.
      - C(relay_attempts) is a dictionary with C(domain), a foreign domain, C(hostname), the name of the server, and
        optionally C(own_domain), a domain of the server, and C(senders), a list of senders, by default the null sender.
        A stranger asks for a recipient in the foreign domain, for the first sender in 25 spellings (35 with
        C(own_domain)), such as the percent hack, bang paths, source routes, quotes, address literals and a second at
        sign, for the others in the first four. Each must be refused at C(RCPT TO) or before. The attempts are made in
        connections of their own, with TLS where it is offered, and never logged in.
      - C(refused_commands) is a list of C(VRFY), C(EXPN) and C(ETRN), which the server must refuse. The reply V(550),
        which tells that an address does not exist, does not count as a refusal.
      - C(smuggling) is a dictionary with C(from) and C(to). The module sends a message with a false end in its middle,
        for seven false ends such as a dot between bare line feeds. None of them may end the message. The message has
        more hops than servers allow, so that it is refused and not delivered. It is tried after O(login).
      - C(closed) is V(true), for O(protocol=any), and stands alone. The port must take no connection.
      - C(login_before_tls) is V(false), for O(protocol=any). The server must neither offer nor accept logins with a
        password. A port on which nothing listens passes, and one that begins with TLS. A conversation that breaks off
        fails. A server that does not greet, or turns the client away, is not judged.
      - C(sender) has the same form as C(relay). It is tried after O(login), for senders that the user may or may not
        use.
      - C(recipients) has the same form. It is tried after O(login), for recipients that exist or do not exist.
    type: dict
    default: {}
  deliver:
    description:
      - Send a message and find it in a mailbox.
      - The body has lines that mail systems damage, such as lines that begin with a dot, lines of 998 bytes, UTF-8, and
        white space at line ends. It must arrive unchanged, except for the characters that end a line.
      - The module opens the mailbox before it sends the message. It removes the message in any case, and no other
        message.
    type: dict
    suboptions:
      from:
        description: The sender. Empty for the null sender.
        type: str
        required: true
      to:
        description: The recipient.
        type: str
        required: true
      imap:
        description: The mailbox in which the message must arrive.
        type: dict
        required: true
        suboptions:
          host:
            description: Name or IP address of the IMAP server. The default is O(host).
            type: str
          port:
            description: TCP port, with TLS from the start.
            type: int
            default: 993
          tls_name:
            description: The name that the certificate must have. The default is O(tls_name) if the host is the same.
            type: str
          ca_path:
            description: File or directory of CA certificates. The default is O(ca_path).
            type: path
          username:
            description: The user name.
            type: str
            required: true
          password:
            description: The password.
            type: str
            required: true
          mailbox:
            description: The mailbox in which the message arrives.
            type: str
            default: INBOX
      timeout:
        description: Seconds within which the message must arrive.
        type: float
        default: 30
      size:
        description: Minimum size of the body in bytes. The body always has about 3400 bytes or more.
        type: int
        default: 0
  label:
    description:
      - The name of the endpoint in the checks. The default is host and port.
    type: str
  fail:
    description:
      - Whether a failed check fails the task. With V(false), read RV(ok) and RV(checks).
    type: bool
    default: true
seealso:
  - name: Postfix TLS Support
    description: The TLS parameters of Postfix.
    link: https://www.postfix.org/TLS_README.html
  - name: Postfix SASL Howto
    description: AUTH on the submission ports.
    link: https://www.postfix.org/SASL_README.html
"""

EXAMPLES = r"""
- name: Check the MX port as an unknown client
  puffy.mail.smtp_probe:
    host: mail.example.test
    port: 25
    expect:
      starttls: true
      auth_before_tls: false
      auth_offered: false
      relay:
        from: probe@elsewhere.example
        to: someone@foreign.example
        code: 554
        enhanced: 5.7.1
      recipients:
        - from: probe@elsewhere.example
          to: nobody-here@example.test
          code: 550
          enhanced: 5.1.1
      certificate:
        names: [mail.example.test]
        min_days: 14
  delegate_to: localhost

- name: Check the submission port after a login
  puffy.mail.smtp_probe:
    host: mail.example.test
    port: 587
    ca_path: /etc/ssl/private-ca.pem
    login:
      username: alice@example.test
      password: "{{ alice_password }}"
    expect:
      auth_before_tls: false
      mail_before_tls: false
      auth_offered: [PLAIN, LOGIN]
      tls_versions:
        TLSv1: false
        TLSv1.1: false
        TLSv1.2: true
        TLSv1.3: true
      sender:
        from: bob@example.test
        to: alice@example.test
        code: 553
        enhanced: 5.7.1

- name: Send a message from alice to bob and read it back
  puffy.mail.smtp_probe:
    host: mail.example.test
    port: 465
    tls: wrapper
    login:
      username: alice@example.test
      password: "{{ alice_password }}"
    deliver:
      from: alice@example.test
      to: bob@example.test
      imap:
        username: bob@example.test
        password: "{{ bob_password }}"
"""

RETURN = r"""
ok:
  description: Whether no check failed.
  type: bool
  returned: always, except for bad input
  sample: true
checks:
  description: All checks in their order.
  type: list
  elements: dict
  returned: always, except for bad input
  contains:
    endpoint:
      description: O(label), or host and port.
      type: str
    name:
      description: Name of the check. It begins with the key in O(expect).
      type: str
    ok:
      description: Whether the check passed. Null if it was left out.
      type: bool
    expected:
      description: What was expected.
      type: raw
    seen:
      description: What was seen, or why the check could not be made or was left out.
      type: raw
  sample:
    - endpoint: mail.example.test:25
      name: starttls
      ok: true
      expected: true
      seen: true
summary:
  description: Numbers of checks.
  type: dict
  returned: always, except for bad input
  contains:
    passed:
      description: Checks passed.
      type: int
    failed:
      description: Checks failed.
      type: int
    left_out:
      description: Checks left out.
      type: int
  sample:
    passed: 9
    failed: 0
    left_out: 0
transcript:
  description:
    - The conversation. C(C) is the client, C(S) is the server, C(--) is a remark. Credentials and the message are left
      out.
  type: list
  elements: str
  returned: always, except for bad input
  sample:
    - "-- mail.example.test:25: probe"
    - "S: 220 mail.example.test ESMTP Postfix"
    - "C: EHLO [192.0.2.7]"
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.puffy.mail.plugins.module_utils._probe import checks as smtp_probe
from ansible_collections.puffy.mail.plugins.module_utils._probe import client
from ansible_collections.puffy.mail.plugins.module_utils._probe.client import Delivery, Endpoint, Login

ARGUMENTS: dict[str, Any] = {
    "host": {"type": "str", "required": True},
    "port": {"type": "int", "required": True},
    "protocol": {"type": "str", "choices": ["smtp", "imap", "any"], "default": "smtp"},
    "tls": {"type": "str", "choices": ["none", "starttls", "wrapper"], "default": "starttls"},
    "tls_name": {"type": "str"},
    "ca_path": {"type": "path"},
    "validate_certs": {"type": "bool", "default": True},
    "helo_name": {"type": "str"},
    "login": {
        "type": "dict",
        "options": {
            "username": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
            "mechanism": {"type": "str", "choices": ["plain", "login"], "default": "plain"},
        },
    },
    "timeout": {"type": "float", "default": 30},
    "expect": {"type": "dict", "default": {}},
    "deliver": {
        "type": "dict",
        "options": {
            "from": {"type": "str", "required": True},
            "to": {"type": "str", "required": True},
            "imap": {
                "type": "dict",
                "required": True,
                "options": {
                    "host": {"type": "str"},
                    "port": {"type": "int", "default": 993},
                    "tls_name": {"type": "str"},
                    "ca_path": {"type": "path"},
                    "username": {"type": "str", "required": True},
                    "password": {"type": "str", "required": True, "no_log": True},
                    "mailbox": {"type": "str", "default": "INBOX"},
                },
            },
            "timeout": {"type": "float", "default": 30},
            "size": {"type": "int", "default": 0},
        },
    },
    "label": {"type": "str"},
    "fail": {"type": "bool", "default": True},
}


def check_seconds(where: str, value: float) -> float:
    if not 0 < value <= 3600:
        raise ValueError(f"{where} is {value!r}. Use a number of seconds above 0 and up to 3600")
    return value


def check_ca_path(where: str, path: str | None) -> str:
    if path and not os.path.exists(path):
        raise ValueError(f"{where}: {path!r} does not exist on the host that runs this task")
    return path or ""


def read_endpoint(params: dict[str, Any]) -> Endpoint:
    if params["protocol"] == "imap" and params["tls"] != "wrapper":
        raise ValueError(f"tls is {params['tls']!r}. Use 'wrapper' with protocol 'imap'")
    if params["protocol"] == "any" and params["tls"] != "none":
        raise ValueError(f"tls is {params['tls']!r}. Use 'none' with protocol 'any'")
    helo_name = params["helo_name"] or ""
    if helo_name and not (helo_name.startswith("[") and helo_name.endswith("]")):
        smtp_probe.check_host("helo_name", helo_name)
    elif not helo_name.isprintable() or " " in helo_name:
        raise ValueError(f"helo_name is {helo_name!r}. Use a host name or an address literal")
    return Endpoint(
        host=smtp_probe.check_host("host", params["host"]),
        port=smtp_probe.check_port("port", params["port"]),
        tls=params["tls"],
        protocol=params["protocol"],
        tls_name=smtp_probe.check_host("tls_name", params["tls_name"]) if params["tls_name"] else "",
        ca_path=check_ca_path("ca_path", params["ca_path"]),
        validate_certs=params["validate_certs"],
        helo_name=helo_name,
        timeout=check_seconds("timeout", params["timeout"]),
    )


def read_login(params: dict[str, Any]) -> Login | None:
    login = params["login"]
    if login is None:
        return None
    if params["tls"] == "none":
        raise ValueError(
            "login needs tls 'starttls' or 'wrapper': without TLS the password would be sent as plain text"
        )
    if params["protocol"] == "imap":
        raise ValueError("login is for protocol 'smtp'. Use deliver to log in by IMAP")
    try:
        smtp_probe.sasl_plain(login["username"], login["password"])
    except ValueError as exc:
        raise ValueError(f"login: {exc}") from exc
    return Login(login["username"], login["password"], login["mechanism"])


def read_delivery(params: dict[str, Any], endpoint: Endpoint) -> Delivery | None:
    deliver = params["deliver"]
    if deliver is None:
        return None
    if params["protocol"] != "smtp":
        raise ValueError(f"deliver sends by SMTP; it cannot be used with protocol {params['protocol']!r}")
    if not 0 <= deliver["size"] <= 2**30:
        raise ValueError(f"deliver.size is {deliver['size']}. Use a number of bytes from 0 to {2**30}")
    imap = deliver["imap"]
    host = imap["host"] or endpoint.host
    tls_name = imap["tls_name"] or (endpoint.tls_name if host == endpoint.host else "")
    try:
        smtp_probe.sasl_plain(imap["username"], imap["password"])
    except ValueError as exc:
        raise ValueError(f"deliver.imap: {exc}") from exc
    if not imap["mailbox"].isprintable() or not imap["mailbox"].isascii():
        raise ValueError(f"deliver.imap.mailbox is {imap['mailbox']!r}. Use printable ASCII (RFC 3501, 5.1.3)")
    return Delivery(
        sender=smtp_probe.check_address("deliver.from", deliver["from"], empty=True),
        recipient=smtp_probe.check_address("deliver.to", deliver["to"]),
        imap=Endpoint(
            host=smtp_probe.check_host("deliver.imap.host", host),
            port=smtp_probe.check_port("deliver.imap.port", imap["port"]),
            tls="wrapper",
            protocol="imap",
            tls_name=smtp_probe.check_host("deliver.imap.tls_name", tls_name) if tls_name else "",
            ca_path=check_ca_path("deliver.imap.ca_path", imap["ca_path"]) or endpoint.ca_path,
            validate_certs=endpoint.validate_certs,
            timeout=endpoint.timeout,
        ),
        username=imap["username"],
        password=imap["password"],
        mailbox=imap["mailbox"],
        timeout=check_seconds("deliver.timeout", deliver["timeout"]),
        size=deliver["size"],
    )


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    params = module.params
    try:
        endpoint = read_endpoint(params)
        login = read_login(params)
        expect = smtp_probe.parse_expectations(
            params["expect"] or {}, tls=endpoint.tls, protocol=endpoint.protocol, login=login is not None
        )
        delivery = read_delivery(params, endpoint)
    except ValueError as exc:
        module.fail_json(msg=f"{exc}. Nothing was probed.")

    checks: list[smtp_probe.Check] = []
    transcript: list[str] = []
    if delivery is None or params["expect"]:
        probe = client.Probe(endpoint, expect, login)
        checks += probe.run()
        transcript += probe.transcript
    if delivery is not None:
        if module.check_mode:
            left_out = "left out in check mode, because it sends a message"
            checks.append(smtp_probe.Check(delivery.check_name(), None, "a message sent and read back", left_out))
        else:
            checks.append(client.deliver(endpoint, login, delivery, transcript))

    label = params["label"] or endpoint.shown()
    message = smtp_probe.failure_message(label, checks)
    result = {
        "changed": False,
        "ok": not message,
        "checks": [check.as_dict(label) for check in checks],
        "summary": smtp_probe.summary(checks),
        "transcript": transcript,
    }
    if message and params["fail"]:
        module.fail_json(msg=message, **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
