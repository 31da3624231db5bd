#!/usr/bin/python
# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
module: private_ca
short_description: A private certification authority kept in one directory, and the certificates it issues
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Keeps a certification authority in a directory, usually on the control node. It has a root, optionally an
    intermediate that does the signing, a certificate revocation list, and a record of every certificate it issued.
  - Issues server certificates for keys that live elsewhere, from their certificate requests, and any number of client
    certificates together with their keys, in one run.
  - Certificates that are still good stay. A certificate is issued again only if its key, its names, its purpose or its
    issuer has changed, if it is revoked, or if it expires soon.
  - The names in a certificate come from the parameters. The module uses only the public key of a request, so that a
    host cannot get a certificate for the name of another host.
  - Runs that use the same directory wait for each other.
options:
  directory:
    description:
      - Directory of the authority. The module makes it with mode V(0700). Its parent must exist.
      - It holds C(ca.pem) and C(ca.key), with O(intermediate=true) also C(intermediate.pem) and C(intermediate.key),
        C(crl.pem), C(issued/SERIAL.pem) for each certificate, and C(clients/NAME.pem) and C(clients/NAME.key).
    type: path
    required: true
  common_name:
    description:
      - Common name of the root.
      - An existing root with another subject is not replaced. Such a change is an error, because all clients would have
        to trust the new root first.
    type: str
    default: Private mail CA
  subject:
    description: Further fields of the subject of the root and the intermediate.
    type: dict
    default: {}
    suboptions:
      country:
        description: Two-letter country code.
        type: str
      state:
        description: State or province.
        type: str
      locality:
        description: City.
        type: str
      organization:
        description: Organization.
        type: str
      organizational_unit:
        description: Unit of the organization.
        type: str
  key_type:
    description:
      - Type of the keys that the module makes. V(ecdsa) is the curve P-384 for authorities and P-256 for clients.
        V(rsa) is 4096 bits for authorities and 3072 bits for clients.
      - Ed25519 is not available, because LibreSSL's libssl cannot use it for TLS.
    type: str
    choices: [ecdsa, rsa]
    default: ecdsa
  passphrase:
    description: Password that encrypts the keys of the authority. Without it, only the file mode protects the keys.
    type: str
  days:
    description: Lifetime of the root, in days.
    type: int
    default: 3650
  intermediate:
    description: Whether an intermediate authority signs instead of the root.
    type: bool
    default: false
  intermediate_common_name:
    description: Common name of the intermediate.
    type: str
    default: Private mail issuing CA
  intermediate_days:
    description: Lifetime of the intermediate, in days.
    type: int
    default: 1825
  authority_renew_before_days:
    description:
      - The root and the intermediate are issued again, with the same key and subject, when they expire within this
        number of days. The certificates that they issued stay valid.
      - All clients must get the new root before the old root expires.
    type: int
    default: 365
  requests:
    description: The server certificates to issue and renew.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Common name of the certificate.
        type: str
        required: true
      id:
        description: Key of the result in RV(certificates), different for each request. The default is
          O(requests[].name).
        type: str
      request:
        description: Certificate request in PEM form. Its signature must be made with the key in it.
        type: str
        required: true
      current:
        description: The certificate in use now, in PEM form, or its chain. Empty if the host has no certificate.
        type: str
        default: ""
      names:
        description: Further DNS names and IP addresses of the certificate.
        type: list
        elements: str
        default: []
  known_ca:
    description:
      - The root certificate that the hosts of the requests trust already, in PEM form.
      - If it has the subject of this authority and another key, or the directory has no authority, the module fails
        before it makes anything. Empty to compare nothing.
    type: str
    default: ""
  clients:
    description: Names of the clients that get a key and a certificate.
    type: list
    elements: str
    default: []
  days_issued:
    description: Lifetime of server and client certificates, in days. No certificate is valid longer than its issuer.
    type: int
    default: 365
  renew_before_days:
    description: Server and client certificates are issued again when they expire within this number of days.
    type: int
    default: 30
  revoked:
    description:
      - Certificates to put on the revocation list. Each entry is the serial number of a certificate in hexadecimal, or
        a common name, which stands for all certificates issued for that name until now.
      - Revocation is final. A certificate stays on the list until it has expired, even if you remove its entry here.
    type: list
    elements: str
    default: []
  crl_days:
    description: Days for which the revocation list is valid. It is signed again when a third of the days is left.
    type: int
    default: 180
attributes:
  check_mode:
    support: full
    description: Can run in check mode. It issues nothing, so it does not return the content of new certificates.
  diff_mode:
    support: full
    description: Shows each file that changes and the reason. It shows no key.
  idempotent:
    support: full
    description: A second run changes nothing until a certificate or the revocation list expires soon.
  platform:
    support: full
    platforms: posix
    description: Runs on the host that has the directory of the authority.
requirements:
  - cryptography >= 3.4 for the Python that runs the module
seealso:
  - module: puffy.mail.tls_certificate
"""

EXAMPLES = """
- name: Issue the certificate of a mail host, from a request made there
  puffy.mail.private_ca:
    directory: "{{ inventory_dir }}/pki"
    requests:
      - name: mail.example.org
        names: [imap.example.org, 192.0.2.25]
        request: "{{ server_request.csr }}"
        current: "{{ current_chain }}"
  delegate_to: localhost
  register: ca

- name: Issue certificates for two clients, and revoke those of a third client
  puffy.mail.private_ca:
    directory: "{{ inventory_dir }}/pki"
    passphrase: "{{ vault_ca_passphrase }}"
    intermediate: true
    clients: [printer, backup.example.org]
    revoked: [old-laptop]
  delegate_to: localhost
"""

RETURN = """
ca:
  description: The root certificate in PEM form. Empty in check mode if there is no root yet.
  returned: success
  type: str
crl:
  description: The revocation list in PEM form. Empty in check mode if there is no list yet.
  returned: success
  type: str
certificates:
  description: The server certificates, by the id of their request.
  returned: success
  type: dict
  contains: &issued
    changed:
      description: Whether this run issued the certificate, or would issue it in check mode.
      type: bool
    reason:
      description: Why the certificate was issued; empty if it was kept.
      type: str
    chain:
      description: The certificate and then the intermediate, in PEM form. Empty in check mode if it would be issued.
      type: str
    serial:
      description: Serial number in hexadecimal.
      type: str
    not_after:
      description: End of the validity, in UTC and ISO 8601 form.
      type: str
    fingerprint:
      description: SHA-256 fingerprint as Postfix looks it up.
      type: str
clients:
  description: The client certificates, by name. The keys stay in files and are not returned.
  returned: success
  type: dict
  contains:
    <<: *issued
    key_file:
      description: Path of the client's key.
      type: str
"""

import contextlib
import datetime
import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.puffy.mail.plugins.module_utils import _files
from ansible_collections.puffy.mail.plugins.module_utils._tls import authority as ca
from ansible_collections.puffy.mail.plugins.module_utils._tls import pem, x509
from ansible_collections.puffy.mail.plugins.module_utils._tls.names import subject_names


def utcnow() -> datetime.datetime:
    """The time in whole seconds."""
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)


class Run:
    """One run over the directory of an authority."""

    def __init__(self, module: AnsibleModule) -> None:
        self.params: dict[str, Any] = module.params
        self.check: bool = module.check_mode
        self.directory: str = module.params["directory"]
        self.now = utcnow()
        self.changes: list[dict[str, str]] = []
        self.revoked: dict[int, datetime.datetime] = {}

    # -- files ---------------------------------------------------------------------------------------------------

    def path(self, *parts: str) -> str:
        return os.path.join(self.directory, *parts)

    def make_directory(self, path: str) -> None:
        if os.path.isdir(path):
            return
        if os.path.lexists(path):
            raise ValueError(f"{path}: is not a directory")
        if not self.check:
            try:
                os.mkdir(path, 0o700)
            except OSError as exc:
                raise ValueError(f"{path}: cannot be made: {exc.strerror}") from exc
        self.changes.append(_files.text_diff(path, None, "directory, mode 0700\n"))

    def put(self, path: str, content: str, why: str, *, secret: bool = False) -> None:
        """Write a file of the authority; in check mode only note it."""
        before = None if not os.path.lexists(path) else "what was there\n"
        if not self.check:
            mode = 0o600 if secret else 0o644
            uid, gid = os.geteuid(), os.getegid()
            # The control side keeps it in a checkout, which may belong to another account than root.
            _files.write(path, content.encode("ascii"), uid=uid, gid=gid, mode=mode, anywhere=True)
        self.changes.append(_files.text_diff(path, before, f"{why}\n"))

    def read_text(self, path: str) -> str | None:
        state = _files.read(path)
        return None if state is None else state.text()

    def read_certificate(self, path: str) -> x509.Certificate | None:
        text = self.read_text(path)
        return None if text is None else x509.load(text, path)

    def read_key(self, path: str, passphrase: str | None) -> ca.Key | None:
        """The private key at ``path``, or None where the file does not exist."""
        state = _files.read(path)
        if state is None:
            return None
        if state.mode & 0o077:
            raise ValueError(
                f"{path}: the mode is {state.mode:04o}, so other users can read this key. Find out who changed the"
                " mode, then set it to 0600"
            )
        return ca.parse_key(state.content, passphrase, path)

    def is_key_of(self, path: str, certificate: x509.Certificate) -> bool:
        """Whether only the owner can read the file at ``path``, and it has the key of ``certificate``, in the clear."""
        state = _files.read(path)
        return state is not None and not state.mode & 0o077 and ca.is_key_of(state.text(), certificate)

    def on_record(self) -> list[x509.Certificate]:
        """Every certificate that was issued here."""
        directory = self.path("issued")
        if not os.path.isdir(directory):
            return []
        try:
            entries = sorted(os.listdir(directory))
        except OSError as exc:
            raise ValueError(f"{directory}: cannot be read: {exc.strerror}") from exc
        paths = [self.path("issued", entry) for entry in entries if entry.endswith(".pem") and entry[0] != "."]
        return [found for path in paths if (found := self.read_certificate(path)) is not None]

    # -- the authority and what it issues ------------------------------------------------------------------------

    def authority(self, stem: str, common_name: str, days: int, issuer: ca.Authority | None) -> ca.Authority:
        """The root (``issuer`` None) or the intermediate, made or renewed as needed."""
        key_path, path = self.path(f"{stem}.key"), self.path(f"{stem}.pem")
        certificate = self.read_certificate(path)
        key = self.read_key(key_path, self.params["passphrase"])
        subject = ca.subject_name(common_name, self.params["subject"])
        if certificate is not None:
            if key is None:
                raise ValueError(
                    f"{key_path}: the key does not exist, but its certificate {path} does. Restore the key from a"
                    " backup, or use another directory for a new authority"
                )
            ca.check_authority(path, certificate, key, subject, root=issuer is None, now=self.now)
            why = ca.stale_authority(certificate, issuer, self.params["authority_renew_before_days"], self.now)
            if not why:
                return ca.Authority(certificate, key)
        else:
            why = "new"
        if key is None:
            key = ca.new_key(self.params["key_type"], authority=True)
            # The key is written before its certificate. After an interruption here, the next run uses this key.
            self.put(key_path, ca.key_text(key, self.params["passphrase"]), "a new key", secret=True)
        if not self.check:
            certificate = ca.issue_authority(subject, key, issuer, days, self.now)
        text = "" if certificate is None else pem.render(certificate.der)
        self.put(path, text, f"a certificate for {common_name} ({why})")
        return ca.Authority(certificate, key)

    def check_known(self) -> None:
        """ValueError if the hosts trust another authority of the same name than the one in the directory."""
        known = ca.parse_current(self.params["known_ca"])
        if known is None or not ca.same_name(
            known, ca.subject_name(self.params["common_name"], self.params["subject"])
        ):
            return
        root = self.read_certificate(self.path("ca.pem"))
        # Without its certificate, the key alone is the authority.
        key = None if root else self.read_key(self.path("ca.key"), self.params["passphrase"])
        there = root.public_key if root else key and ca.public_info(key.public_key())
        if there == known.public_key:
            return
        has = f"another CA of that name, with the fingerprint {x509.fingerprint(root.der)}" if root else "no such CA"
        raise ValueError(
            f"{self.directory}: the host has certificates of the CA {known.subject_text!r} with the fingerprint"
            f" {x509.fingerprint(known.der)}, and this directory has {has}. Clients of the host would refuse a"
            " certificate of another CA. Put the directory of the CA there, from the checkout or control node that made"
            " it or from a backup, or set tls_pki_ca_directory to its place. To start a new CA, which every client must"
            " then trust, set tls_pki_ca_create to 'once' for one run"
        )

    def stale(self, leaf: x509.Certificate, authority: ca.Authority, wanted: ca.Wanted) -> str:
        days = self.params["renew_before_days"]
        return ca.stale(leaf, authority.certificate, wanted, self.revoked, days, self.now)

    def issue(self, authority: ca.Authority, wanted: ca.Wanted) -> x509.Certificate:
        made = ca.issue(authority, wanted, self.params["days_issued"], self.now)
        record = self.path("issued", f"{ca.serial_text(made.serial)}.pem")
        self.put(record, pem.render(made.der), f"the record of a certificate for {made.subject_text}")
        return made

    def report(self, leaf: x509.Certificate | None, intermediate: str, why: str) -> dict[str, Any]:
        return {
            "changed": bool(why),
            "reason": why,
            "chain": "" if leaf is None else pem.render(leaf.der) + intermediate,
            "serial": "" if leaf is None else ca.serial_text(leaf.serial),
            "not_after": "" if leaf is None else x509.iso(leaf.not_after),
            "fingerprint": "" if leaf is None else x509.fingerprint(leaf.der),
        }

    def server(self, authority: ca.Authority, intermediate: str, request: dict[str, Any], key: Any) -> dict[str, Any]:
        names = subject_names([request["name"], *request["names"]])
        # RFC 5280, upper bound ub-common-name: a longer host name stands in the alternative names only.
        common_name = request["name"].rstrip(".").lower()
        subject = ca.subject_name(common_name if len(common_name) <= 64 else "")
        wanted = ca.Wanted(key, subject, names, "sslserver")
        current = ca.parse_current(request["current"])
        why = "there is no certificate" if current is None else self.stale(current, authority, wanted)
        if why and self.check:
            self.changes.append(_files.text_diff(request["name"], None, f"a server certificate ({why})\n"))
            current = None
        elif why:
            current = self.issue(authority, wanted)
        return self.report(current, intermediate, why)

    def client(self, authority: ca.Authority, intermediate: str, name: str) -> dict[str, Any]:
        key_path, path = self.path("clients", f"{name}.key"), self.path("clients", f"{name}.pem")
        leaf = self.read_certificate(path)
        subject = ca.subject_name(name)

        def wanted(public: Any) -> ca.Wanted:
            return ca.Wanted(public, subject, (), "sslclient")

        key = None
        # The library takes a fifth of a second to load an RSA key, since it proves the primes. Few runs need the key.
        if leaf is not None and self.is_key_of(key_path, leaf):
            why = self.stale(leaf, authority, wanted(ca.public_key(leaf)))
        else:
            key = self.read_key(key_path, None)
            if leaf is None or key is None:
                why = "there is no certificate" if leaf is None else "there is no key"
            else:
                why = self.stale(leaf, authority, wanted(key.public_key()))
        if not why:
            return {**self.report(leaf, intermediate, ""), "key_file": key_path}
        if why == ca.REVOKED:
            key = None
        elif key is None:
            key = self.read_key(key_path, None)
        if key is None:
            key = ca.new_key(self.params["key_type"], authority=False)
            self.put(key_path, ca.key_text(key, None), "a new key", secret=True)
        leaf = None if self.check else self.issue(authority, wanted(key.public_key()))
        text = "" if leaf is None else pem.render(leaf.der) + intermediate
        self.put(path, text, f"a client certificate ({why})")
        return {**self.report(leaf, intermediate, why), "key_file": key_path}

    def revocation_list(self, authority: ca.Authority, crl: ca.RevocationList | None) -> str:
        days = self.params["crl_days"]
        why = ca.stale_list(crl, authority.certificate, self.revoked, days, self.now)
        text = "" if crl is None else crl.text
        if why:
            if not self.check:
                text = ca.sign_list(crl, authority, self.revoked, days, self.now)
            self.put(self.path("crl.pem"), text, f"a revocation list of {len(self.revoked)} certificates ({why})")
        return text

    def __call__(self) -> dict[str, Any]:
        # Requests and entries of others are checked before the first write.
        public = [ca.parse_request(request["request"], request["name"]) for request in self.params["requests"]]
        self.check_known()
        text = self.read_text(self.path("crl.pem"))
        crl = None if text is None else ca.parse_revocation_list(text, self.path("crl.pem"))
        on_record = self.on_record() if self.params["revoked"] or crl is not None else []
        self.revoked = ca.to_revoke(self.params["revoked"], on_record, crl, self.now)
        for directory in (self.directory, self.path("issued"), self.path("clients")):
            self.make_directory(directory)
            if not self.check:
                _files.sweep(directory)
        root = signing = self.authority("ca", self.params["common_name"], self.params["days"], None)
        intermediate = ""
        if self.params["intermediate"]:
            name, days = self.params["intermediate_common_name"], self.params["intermediate_days"]
            signing = self.authority("intermediate", name, days, root)
            intermediate = "" if signing.certificate is None else pem.render(signing.certificate.der)
        certificates = {
            request["id"] or request["name"]: self.server(signing, intermediate, request, key)
            for request, key in zip(self.params["requests"], public)
        }
        clients = {name: self.client(signing, intermediate, name) for name in self.params["clients"]}
        return {
            "ca": "" if root.certificate is None else pem.render(root.certificate.der),
            "crl": self.revocation_list(signing, crl),
            "certificates": certificates,
            "clients": clients,
            "changed": bool(self.changes),
            "diff": self.changes,
        }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "common_name": {"type": "str", "default": "Private mail CA"},
            "subject": {
                "type": "dict",
                "default": {},
                "options": {name: {"type": "str"} for name in ca.SUBJECT_FIELDS},
            },
            "key_type": {"type": "str", "choices": ["ecdsa", "rsa"], "default": "ecdsa"},
            "passphrase": {"type": "str", "no_log": True},
            "days": {"type": "int", "default": 3650},
            "intermediate": {"type": "bool", "default": False},
            "intermediate_common_name": {"type": "str", "default": "Private mail issuing CA"},
            "intermediate_days": {"type": "int", "default": 1825},
            "authority_renew_before_days": {"type": "int", "default": 365},
            "requests": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "id": {"type": "str"},
                    "request": {"type": "str", "required": True},
                    "current": {"type": "str", "default": ""},
                    "names": {"type": "list", "elements": "str", "default": []},
                },
            },
            "known_ca": {"type": "str", "default": ""},
            "clients": {"type": "list", "elements": "str", "default": []},
            "days_issued": {"type": "int", "default": 365},
            "renew_before_days": {"type": "int", "default": 30},
            "revoked": {"type": "list", "elements": "str", "default": []},
            "crl_days": {"type": "int", "default": 180},
        },
        supports_check_mode=True,
    )
    if ca.IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("cryptography >= 3.4"), exception=ca.IMPORT_ERROR)
    run = Run(module)
    base = run.directory.rstrip("/")
    parent = os.path.dirname(base) or "/"
    try:
        problem = ca.input_problem(module.params)
        if problem is not None:
            raise ValueError(problem)
        if not os.path.isdir(parent):
            raise ValueError(f"{run.directory}: the parent {parent} is not a directory. Make that directory first")
        # The lock stands beside the directory, since that may not exist yet. A run that issues hundreds of RSA keys
        # takes minutes, and other hosts wait for it.
        lock = os.path.join(parent, f".{os.path.basename(base)}.lock")
        with contextlib.nullcontext() if module.check_mode else _files.locked(lock, timeout=1800, anywhere=True):
            result = run()
    except _files.FileError as exc:
        module.fail_json(msg=f"{exc}.")
    except ValueError as exc:
        made = run.changes and not module.check_mode
        tail = "What this run has made before stays." if made else "Nothing was changed."
        module.fail_json(msg=f"{exc}. {tail}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
