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
  - Connects to a mail server as any client does and checks what it offers, accepts and refuses against O(expect).
  - Sends a message and reads it back through IMAP when O(deliver) is given.
  - Nothing is sent to a recipient unless O(deliver) asks for it. Every other check ends the attempt after C(RCPT TO).
  - It runs where the task runs. Delegate it to the controller, or to a host outside, for the view from there.
  - A connection that fails, or a server that breaks the protocol, is a failed check with its cause. What could not be
    checked because of it is a failed check as well.
author:
  - The puffy.mail developers (@puffy-mail)
attributes:
  check_mode:
    support: full
    description: All probes run, except that O(deliver) is left out and reported so.
  diff_mode:
    support: none
    description: It changes nothing that a difference could show.
  idempotent:
    support: full
    description: A message that was sent is removed again, so that RV(ignore:changed) is always V(false).
  platform:
    support: full
    platforms: posix
    description: Needs Python 3.9 or later on the host it runs on, and nothing else.
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
      - The protocol spoken there.
      - With V(imap), only the keys C(banner), C(certificate) and C(tls_versions) of O(expect) can be checked, and
        O(tls) must be V(wrapper).
    type: str
    choices: [smtp, imap]
    default: smtp
  tls:
    description:
      - How TLS begins. V(starttls) for ports 25 and 587, V(wrapper) for ports 465 and 993 (RFC 8314).
    type: str
    choices: [none, starttls, wrapper]
    default: starttls
  tls_name:
    description:
      - The name that the certificate must have, also sent as SNI. The default is O(host).
    type: str
  ca_path:
    description:
      - File of CA certificates in PEM form, or directory of them as C(openssl rehash) makes it, on the host the task
        runs on. Only they are trusted then.
      - Without it, what the system trusts counts.
    type: path
  validate_certs:
    description:
      - Whether the certificate must be verified. Where it is not, the check C(tls) fails, the other checks go on, and
        no password is sent.
      - With V(false), it is not verified, and passwords are sent to whoever answers.
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
      - What must be seen. Every key is optional, and a key that is not known is an error.
      - C(banner) is a regular expression to be found in the greeting.
      - C(starttls) is whether STARTTLS is offered.
      - C(auth_before_tls) is whether AUTH is announced before TLS. With V(false), the command must be refused as well.
      - C(mail_before_tls) is whether C(MAIL FROM) is accepted before TLS.
      - C(auth_offered) is whether AUTH is offered, after TLS unless O(tls=none), or the list of the mechanisms offered,
        in any order. With V(false), the command must be refused as well.
      - C(size) is the limit in bytes that SIZE announces, V(0) for none.
      - C(login_code) is the reply code to O(login), V(235) by default and V(535) for a wrong password.
      - C(tls_versions) is a dictionary with some of C(TLSv1), C(TLSv1.1), C(TLSv1.2), C(TLSv1.3), and whether the
        server accepts each alone. Where Python's TLS library cannot offer one of them, C(openssl s_client) is used.
        Where that cannot either, the check is not passed and says so.
      - C(certificate) is a dictionary with C(verified) (V(true) or V(false), which then stands for the verdict of the
        check C(tls)), C(names) (a list of names that the certificate must cover) and C(min_days) (days for which it
        must still be valid).
      - C(relay) is a dictionary, or a list of dictionaries, with C(from), C(to), C(code) and optionally C(enhanced),
        the enhanced status code. It is tried before O(login). The reply counted is that to C(RCPT TO), or to
        C(MAIL FROM) where that is refused.
      - C(sender) is the same, tried after O(login), for senders that the user may or may not use.
      - C(recipients) is the same, tried after O(login), for recipients that are known or not.
    type: dict
    default: {}
  deliver:
    description:
      - Send a message and find it again.
      - Its body holds what mail systems damage, such as lines that begin with a dot, lines of 998 bytes, UTF-8, and
        white space at line ends. It must arrive as it was sent, byte for byte, whatever ends its lines.
      - The mailbox is opened before the message is sent. The message is removed from it in any case, others are not
        touched.
    type: dict
    suboptions:
      from:
        description: The sender, empty for the null sender.
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
            description: The name that its certificate must have. The default is O(tls_name) where the host is the same.
            type: str
          ca_path:
            description: As O(ca_path), which is the default.
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
            description: The mailbox to look into.
            type: str
            default: INBOX
      timeout:
        description: Seconds within which the message must arrive.
        type: float
        default: 30
      size:
        description: Least size of the body in bytes. It has about 3400 bytes anyhow.
        type: int
        default: 0
  label:
    description:
      - The name of the endpoint in the checks. The default is host and port.
    type: str
  fail:
    description:
      - Whether a failed check fails the task. With V(false), look into RV(ok) and RV(checks).
    type: bool
    default: true
seealso:
  - name: Postfix TLS Support
    description: How Postfix is told what this module checks.
    link: https://www.postfix.org/TLS_README.html
  - name: Postfix SASL Howto
    description: AUTH on the submission ports.
    link: https://www.postfix.org/SASL_README.html
"""

EXAMPLES = r"""
- name: Prove the MX port as a stranger sees it
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

- name: Prove the submission port, logged in
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
  description: Every check, in the order made.
  type: list
  elements: dict
  returned: always, except for bad input
  contains:
    endpoint:
      description: O(label), or host and port.
      type: str
    name:
      description: Name of the check, that of the key in O(expect) with what it is about.
      type: str
    ok:
      description: Whether it passed. Null where it was left out.
      type: bool
    expected:
      description: What was expected.
      type: raw
    seen:
      description: What was seen, the cause where nothing could be, or the reason why it was left out.
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
    - The conversation, C(C) for the client, C(S) for the server, C(--) for remarks. Credentials and the message are
      left out.
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
    "protocol": {"type": "str", "choices": ["smtp", "imap"], "default": "smtp"},
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
        raise ValueError(f"{where} must be a number of seconds above 0 and up to 3600, not {value!r}")
    return value


def check_ca_path(where: str, path: str | None) -> str:
    if path and not os.path.exists(path):
        raise ValueError(f"{where} {path!r} does not exist on the host this task runs on")
    return path or ""


def read_endpoint(params: dict[str, Any]) -> Endpoint:
    if params["protocol"] == "imap" and params["tls"] != "wrapper":
        raise ValueError(f"tls {params['tls']!r} is not probed with protocol 'imap'; it must be 'wrapper'")
    helo_name = params["helo_name"] or ""
    if helo_name and not (helo_name.startswith("[") and helo_name.endswith("]")):
        smtp_probe.check_host("helo_name", helo_name)
    elif not helo_name.isprintable() or " " in helo_name:
        raise ValueError(f"helo_name {helo_name!r} is neither a host name nor an address literal")
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
            "login needs tls 'starttls' or 'wrapper': without TLS the password would cross the network as text"
        )
    if params["protocol"] == "imap":
        raise ValueError("login is for protocol 'smtp'; to log in by IMAP use deliver")
    try:
        smtp_probe.sasl_plain(login["username"], login["password"])
    except ValueError as exc:
        raise ValueError(f"login: {exc}") from exc
    return Login(login["username"], login["password"], login["mechanism"])


def read_delivery(params: dict[str, Any], endpoint: Endpoint) -> Delivery | None:
    deliver = params["deliver"]
    if deliver is None:
        return None
    if params["protocol"] == "imap":
        raise ValueError("deliver sends by SMTP; it cannot be used with protocol 'imap'")
    if not 0 <= deliver["size"] <= 2**30:
        raise ValueError(f"deliver.size must be a number of bytes from 0 to {2**30}, not {deliver['size']}")
    imap = deliver["imap"]
    host = imap["host"] or endpoint.host
    tls_name = imap["tls_name"] or (endpoint.tls_name if host == endpoint.host else "")
    try:
        smtp_probe.sasl_plain(imap["username"], imap["password"])
    except ValueError as exc:
        raise ValueError(f"deliver.imap: {exc}") from exc
    if not imap["mailbox"].isprintable() or not imap["mailbox"].isascii():
        raise ValueError(f"deliver.imap.mailbox {imap['mailbox']!r} must be printable ASCII (RFC 3501, 5.1.3)")
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
            left_out = "left out in check mode: it would send a message"
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
