#!/usr/bin/python
# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
module: tls_certificate
short_description: Check a key and its certificate chain as a set, and put them in place
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Puts a key and its certificate chain in place, or only checks the files that exist.
  - The key must match the certificate and must not be encrypted. Only root and O(key_group) may be able to read it.
  - The chain must be in order. The host's certificate comes first, then the intermediate certificates, without the
    root.
  - No RSA key may have fewer than 2048 bits, and no signature may use SHA-1. OpenSSL would refuse both.
  - The certificate must be for the purpose, cover the names and be valid for long enough, and C(openssl verify) must
    find a trusted root for it.
  - A set that breaks a rule changes nothing. The error names the rule, and the old set stays in place.
options:
  state:
    description:
      - V(present) puts the set in place. V(checked) changes nothing, and fails if the existing set breaks a rule.
    type: str
    choices: [present, checked]
    default: present
  key_file:
    description: Path of the private key.
    type: path
    required: true
  key:
    description: The private key in PEM form. The default is the key at O(key_file).
    type: str
  key_group:
    description:
      - Group that may read the key. The key then has mode V(0640), otherwise mode V(0600).
    type: str
  chain_file:
    description:
      - Path of the certificate chain. With O(state=checked) it may be the file of the key; the key then stands first.
    type: path
    required: true
  chain:
    description: The certificate chain in PEM form. Required with O(state=present).
    type: str
  ca_file:
    description:
      - Path of the trusted root certificates. With O(ca) the module writes this file. Without O(ca) and O(ca_file)
        the root certificates of the system are trusted.
    type: path
  ca:
    description: The trusted root certificates in PEM form. Needs O(ca_file).
    type: str
  names:
    description: DNS names and IP addresses that the certificate must have.
    type: list
    elements: str
    default: []
  purpose:
    description: What the certificate must be for, as C(openssl verify -purpose) names it.
    type: str
    choices: [sslserver, sslclient]
    default: sslserver
  minimum_days:
    description: Number of days for which the certificate must still be valid.
    type: int
    default: 0
extends_documentation_fragment:
  - puffy.mail.pending
attributes:
  check_mode:
    support: full
    description: Can run in check mode. All checks are made.
  diff_mode:
    support: full
    description: Shows the content of the files, except for the key.
  idempotent:
    support: full
    description: A second run changes nothing.
  platform:
    support: full
    platforms: posix
    description: Written for C(openssl) of OpenSSL 1.1.1 and later and of LibreSSL. Tested with OpenSSL only.
requirements:
  - openssl
seealso:
  - module: puffy.mail.private_ca
  - plugin: puffy.mail.cert_fingerprint
    plugin_type: filter
"""

EXAMPLES = """
- name: Put a set from the control node in place
  puffy.mail.tls_certificate:
    key_file: /etc/ssl/private/mail.example.org.key
    key: "{{ lookup('ansible.builtin.file', 'mail.key') }}"
    chain_file: /etc/ssl/mail.example.org.chain.pem
    chain: "{{ lookup('ansible.builtin.file', 'mail.chain.pem') }}"
    names: [mail.example.org]
    minimum_days: 7

- name: Check a set that certbot manages
  puffy.mail.tls_certificate:
    state: checked
    key_file: /etc/letsencrypt/live/mail.example.org/privkey.pem
    chain_file: /etc/letsencrypt/live/mail.example.org/fullchain.pem
    names: [mail.example.org]
"""

RETURN = """
fingerprint:
  description: SHA-256 fingerprint of the host's certificate, as Postfix looks it up.
  returned: success
  type: str
subject:
  description: Subject of the host's certificate.
  returned: success
  type: str
issuer:
  description: Issuer of the host's certificate.
  returned: success
  type: str
names:
  description: Alternative names of the host's certificate, as C(DNS:name) and C(IP:address).
  returned: success
  type: list
  elements: str
not_after:
  description: End of its validity, in UTC and ISO 8601 form.
  returned: success
  type: str
days_left:
  description: Whole days until RV(not_after).
  returned: success
  type: int
"""

import datetime
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.puffy.mail.plugins.module_utils import _command, _files, _host_lock
from ansible_collections.puffy.mail.plugins.module_utils._tls import chains, keys, names, pem, x509


@dataclass(frozen=True)
class Target:
    """One file to write."""

    path: str
    content: bytes
    mode: int
    gid: int | None
    secret: bool


def required(path: str) -> str:
    """The text of a file that must be there."""
    state = _files.read(path)
    if state is None:
        raise ValueError(f"{path}: does not exist")
    return state.text()


def ask(argv: list[str], **more: Any) -> _command.Result:
    """The answer of a command that may fail; CommandError if a signal ended it, since then there is no answer."""
    answer = _command.run(argv, check=False, **more)
    if answer.rc < 0:
        raise _command.CommandError(f"{argv[0]} {argv[1]} was ended by signal {-answer.rc}; it does not work here")
    return answer


def public_key(openssl: str, key: str, source: str) -> bytes:
    """The public half of a private key, as in a certificate. The key reaches openssl by its standard input."""
    problem = keys.key_problem(key, source)
    if problem:
        raise ValueError(problem)
    answer = ask([openssl, "pkey", "-pubout", "-passin", "pass:"], data=key)
    if answer.rc != 0:
        raise ValueError(f"{source}: the private key is damaged: openssl pkey cannot read it")
    blocks = pem.blocks(answer.stdout, "the answer of openssl pkey")
    if not blocks:
        raise _command.CommandError(f"{openssl} pkey, given the private key of {source}, did not print the public one")
    return blocks[0].der


def check_trust(
    openssl: str, chain: Sequence[x509.Certificate], ca: str | None, ca_file: str | None, purpose: str
) -> None:
    """ValueError unless openssl finds a way from the first certificate to a trusted root, every signature checked."""
    leaf, untrusted = chain[0], "".join(pem.render(certificate.der) for certificate in chain)
    with _files.scratch() as directory:

        def keep(name: str, text: str) -> str:
            path = os.path.join(directory, name)
            with open(path, "w", encoding="ascii", errors="replace") as stream:
                stream.write(text)
            return path

        trusted = keep("ca.pem", ca) if ca is not None else ca_file
        argv = [openssl, "verify", "-purpose", purpose, *(["-CAfile", trusted] if trusted else [])]
        argv += ["-untrusted", keep("chain.pem", untrusted), keep("leaf.pem", pem.render(leaf.der))]
        answer = ask(argv)
    # LibreSSL prints "verification failed: 20 (text)" to standard output, OpenSSL "error 20 at 0 depth lookup: text".
    if answer.rc != 0 or not answer.stdout.rstrip().endswith(": OK"):
        lines = (answer.stderr + answer.stdout).splitlines()
        why = [line for line in lines if line.startswith("error ") and "lookup" in line]
        why += [line.partition(": ")[2] for line in lines if "verification failed: " in line]
        said = (why or [line for line in lines if line.strip()] or ["nothing"])[0].replace(f"{directory}/", "")
        raise ValueError(f"the certificate {leaf.subject_text} does not lead to a trusted root: openssl says {said!r}")


def plan(params: dict[str, Any], key: str, chain: str) -> list[Target]:
    """The files to write, the key first: no daemon can use a chain without its key."""
    gid = None if params["key_group"] is None else _files.gid_of(params["key_group"])
    key_mode = 0o600 if gid is None else 0o640
    targets = [
        Target(params["key_file"], _files.encode_text(key), key_mode, gid, True),
        Target(params["chain_file"], _files.encode_text(chain), 0o644, None, False),
    ]
    if params["ca"] is not None:
        targets.append(Target(params["ca_file"], _files.encode_text(params["ca"]), 0o644, None, False))
    return targets


def differs(state: _files.FileState | None, target: Target) -> bool:
    """Whether a file must be written."""
    if state is None or state.content != target.content or state.mode != target.mode:
        return True
    if target.secret and state.uid != os.geteuid():
        return True
    return target.gid is not None and state.gid != target.gid


def shown(content: bytes | None, mode: int, secret: bool) -> str | None:
    """What the diff may show of a file."""
    if content is None:
        return None
    return f"mode {mode:04o}\n" + ("(a private key)\n" if secret else content.decode("utf-8", "replace"))


def difference(state: _files.FileState | None, target: Target) -> dict[str, str]:
    """The diff of one file. A changed key is shown by a word, not by its content."""
    before = None if state is None else shown(state.content, state.mode, target.secret)
    after = shown(target.content, target.mode, target.secret) or ""
    if before is not None and state is not None:
        for what, have, want in (
            ("owner", state.uid, os.geteuid() if target.secret else state.uid),
            ("group", state.gid, state.gid if target.gid is None else target.gid),
        ):
            if have != want:
                before, after = f"{before}{what} {have}\n", f"{after}{what} {want}\n"
    if target.secret and state is not None and state.content != target.content:
        after = f"{after}(another key)\n"
    return _files.text_diff(target.path, before, after)


def apply(changes: list[tuple[_files.FileState | None, Target]]) -> None:
    """Write all files beside their targets first, then rename them one right after the other.

    If a file cannot be renamed, the files before it get their old content back.
    """
    staged: list[tuple[str, str]] = []
    live: list[tuple[_files.FileState | None, Target]] = []
    try:
        for state, target in changes:
            # Root owns the key, whoever owned the old file.
            uid = os.geteuid() if state is None or target.secret else state.uid
            gid = target.gid if target.gid is not None else (os.getegid() if state is None else state.gid)
            staged.append((_files.stage(target.path, target.content, uid=uid, gid=gid, mode=target.mode), target.path))
        for change in changes:
            name, path = staged.pop(0)
            _files.commit(name, path)
            live.append(change)
    except _files.FileError:
        for state, target in reversed(live):
            if state is None:
                _files.remove(target.path)
            else:
                _files.write(target.path, state.content, uid=state.uid, gid=state.gid, mode=state.mode)
        raise
    finally:
        for name, _path in staged:
            _files.discard(name)


def missing(params: dict[str, Any]) -> list[str]:
    """What the certificate needs and earlier tasks of the run still make."""
    lacking = [] if _command.find("openssl") else ["openssl"]
    lacking += [name for name in ("key", "chain") if params[name] == ""]
    paths = [params[f"{name}_file"] for name in ("key", "chain") if params[name] is None]
    return lacking + [path for path in paths if not os.path.exists(path)]


def check_modes(key_file: str, key_group: str | None) -> None:
    """ValueError if users other than root and the members of ``key_group`` can read the key."""
    state = _files.read(key_file)
    if state is None:
        return
    # If the module does not run as root, its user may own the key.
    if state.uid not in (0, os.geteuid()):
        raise ValueError(
            f"{key_file}: the owner is the user with the id {state.uid}, who can read the key. Make root the owner"
        )
    by_design = key_group is not None and state.gid == _files.gid_of(key_group)
    if state.mode & (0o037 if by_design else 0o077):
        right = f"0640 and the group to {key_group}" if key_group is not None else "0600"
        raise ValueError(
            f"{key_file}: the mode is {state.mode:04o}, so other users can read the key. Set the mode to {right}"
        )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "checked"], "default": "present"},
            "key_file": {"type": "path", "required": True},
            "key": {"type": "str", "no_log": True},
            "key_group": {"type": "str", "no_log": False},
            "chain_file": {"type": "path", "required": True},
            "chain": {"type": "str"},
            "ca_file": {"type": "path"},
            "ca": {"type": "str"},
            "names": {"type": "list", "elements": "str", "default": []},
            "purpose": {"type": "str", "choices": ["sslserver", "sslclient"], "default": "sslserver"},
            "minimum_days": {"type": "int", "default": 0},
            "pending": {"type": "bool", "default": False},
        },
        required_if=[("state", "present", ("chain",))],
        required_by={"ca": "ca_file"},
        supports_check_mode=True,
    )
    _host_lock.keep(module)
    params = module.params
    present = params["state"] == "present"
    try:
        wanted = names.subject_names(params["names"])
        if module.check_mode and params["pending"] and (lacking := missing(params)):
            module.warn(f"{', '.join(lacking)}: not there yet, so check mode could not check {params['chain_file']}.")
            module.exit_json(changed=present)
        openssl = _command.require("openssl", hint="it reads keys and follows chains")
        key_name = "key" if params["key"] is not None else params["key_file"]
        key = params["key"] if params["key"] is not None else required(params["key_file"])
        chain_name = "chain" if params["chain"] is not None else params["chain_file"]
        chain = params["chain"] if params["chain"] is not None else required(params["chain_file"])
        together = not present and params["chain_file"] == params["key_file"]
        certificates = chains.parse_chain(chain, chain_name, with_key=together)
        public = public_key(openssl, key, key_name)
        now = datetime.datetime.now(datetime.timezone.utc)
        problem = chains.set_problem(
            certificates,
            public,
            names=wanted,
            purpose=params["purpose"],
            now=now,
            minimum_days=params["minimum_days"],
        )
        if problem:
            raise ValueError(f"{chain_name}: {problem}")
        if params["ca"] is not None:
            chains.parse_chain(params["ca"], "ca")
        elif params["ca_file"] is not None:
            chains.parse_chain(required(params["ca_file"]), params["ca_file"])
        check_trust(openssl, certificates, params["ca"], params["ca_file"], params["purpose"])
        if not present:
            check_modes(params["key_file"], params["key_group"])
        targets = plan(params, key, chain) if present else []
        _files.prepare(*(target.path for target in targets), check=module.check_mode)
        changes = [(state, target) for target in targets if differs(state := _files.read(target.path), target)]
    except (ValueError, _files.FileError, _command.CommandError) as exc:
        tail = "Nothing was changed; the old set stays in place." if present else "Nothing was changed."
        module.fail_json(msg=f"{exc}. {tail}")
    try:
        if changes and not module.check_mode:
            apply(changes)
    except _files.FileError as exc:
        module.fail_json(msg=f"{exc}. The old set is in place.")
    leaf = certificates[0]
    module.exit_json(
        changed=bool(changes),
        diff=[difference(state, target) for state, target in changes],
        fingerprint=x509.fingerprint(leaf.der),
        subject=leaf.subject_text,
        issuer=leaf.issuer_text,
        names=list(leaf.names),
        not_after=x509.iso(leaf.not_after),
        days_left=(leaf.not_after - now).days,
    )


if __name__ == "__main__":
    main()
