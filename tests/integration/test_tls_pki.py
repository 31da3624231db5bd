# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""tls_certificate with OpenSSL 1.1.1 and 3.5, and the role tls_pki as a playbook runs it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.puffy.mail.tests.harness import batch
from ansible_collections.puffy.mail.tests.harness.containers import Host
from ansible_collections.puffy.mail.tests.harness.playbooks import NAME, Play

pytestmark = pytest.mark.containers
#: What does not depend on the release is shown on one of them; on all in the long run.
ONE_RELEASE = pytest.mark.parametrize(
    "release",
    ["trixie", *(pytest.param(name, marks=pytest.mark.long) for name in ("bullseye", "forky"))],
    indirect=True,
    scope="module",
)

KEY, CHAIN, CA = f"/etc/ssl/private/{NAME}.key", f"/etc/ssl/{NAME}.chain.pem", "/etc/ssl/puffy-mail-ca.pem"
LAX = "the mode is 0644, so other users can read the key. Set the mode to 0600."


def openssl(*arguments: str, data: str = "") -> str:
    """Run openssl here, on the control side."""
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, text=True, check=True).stdout


class Authority:
    """Root, intermediate and leaves, made with openssl and not with the collection."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.root = self.certificate("root", "Test root", "root", "basicConstraints=critical,CA:true")
        self.middle = self.certificate("middle", "Test middle", "root", "basicConstraints=critical,CA:true")

    def key(self, name: str) -> str:
        path = self.directory / f"{name}.key"
        if not path.exists():
            path.write_text(openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"))
        return path.read_text()

    def certificate(self, name: str, subject: str, issuer: str, extensions: str, days: int = 90) -> str:
        self.key(name)
        key, path = self.directory / f"{name}.key", self.directory / f"{name}.pem"
        (self.directory / "ext").write_text(extensions)
        request = openssl("req", "-new", "-key", str(key), "-subj", f"/CN={subject}")
        signer = ["-signkey", str(key)] if issuer == name else [
            "-CA", str(self.directory / f"{issuer}.pem"), "-CAkey", str(self.directory / f"{issuer}.key"),
            "-CAcreateserial", "-CAserial", str(self.directory / "serial"),
        ]  # fmt: skip
        made = openssl(
            "x509", "-req", "-days", str(days), "-extfile", str(self.directory / "ext"), *signer, data=request
        )
        path.write_text(made)
        return made

    def leaf(self, usage: str = "serverAuth", issuer: str = "middle", key: str = "leaf") -> str:
        extensions = f"subjectAltName=DNS:{NAME}\nextendedKeyUsage={usage}\nbasicConstraints=critical,CA:false"
        return self.certificate(key, NAME, issuer, extensions)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def wanted(authority: Authority, chain: str, key: str = "leaf", **more: Any) -> dict[str, Any]:
    return {
        "key_file": KEY,
        "key": authority.key(key),
        "chain_file": CHAIN,
        "chain": chain,
        "ca_file": CA,
        "ca": authority.root,
        "names": [NAME],
        **more,
    }


def files(host: Host) -> str:
    """What is in the three files, and who may read them."""
    return host.run(
        f"cd /etc/ssl; stat -c '%n %a %U %G' {KEY} {CHAIN} {CA}; cat {KEY} {CHAIN} {CA}; ls -A . private"
    ).stdout


def test_a_good_set_goes_in_and_bad_ones_do_not(host: Host, authority: Authority) -> None:
    good = authority.leaf() + authority.middle
    result = batch.assert_four(batch.run(host, batch.four("tls_certificate", wanted(authority, good))))
    assert "PRIVATE KEY" not in json.dumps(result["diff"])
    assert f"{KEY} 600 root root\n{CHAIN} 644 root root\n{CA} 644 root root\n" in files(host)
    assert (
        host.run(f"openssl verify -purpose sslserver -CAfile {CA} -untrusted {CHAIN} {CHAIN}").stdout
        == f"{CHAIN}: OK\n"
    )
    before = files(host)

    foreign = authority.certificate("alien", "Test middle", "alien", "basicConstraints=critical,CA:true")
    forged = authority.leaf(issuer="alien", key="forged")
    encrypted = openssl("pkey", "-aes128", "-passout", "pass:x", data=authority.key("leaf"))
    bad = [
        (wanted(authority, good, key="other"), f"chain: the key does not match the certificate CN={NAME}"),
        (wanted(authority, good, key="leaf") | {"key": encrypted}, "key: the key is encrypted, and a daemon has"
         " nobody"),
        (wanted(authority, authority.middle + good.replace(authority.middle, "")), "chain: the chain is in the"
         " wrong order"),
        (wanted(authority, good + authority.root), "chain: the chain has the root CN=Test root. Remove the"
         " root: clients have it already"),
        (wanted(authority, good, names=["www.example.test"]), f"chain: the certificate CN={NAME} does not have"
         " the name"),
        (wanted(authority, good, minimum_days=365), f"chain: the certificate CN={NAME} expires at "),
        (wanted(authority, good.replace(authority.middle, "")), f"the certificate CN={NAME} does not lead to a"
         " trusted root"),
        (wanted(authority, forged + authority.middle, key="forged"), f"the certificate CN={NAME} does not lead"
         " to a trusted"),
        (wanted(authority, forged + foreign, key="forged"), "chain: the chain has the root CN=Test middle"),
        (wanted(authority, good[:300]), "chain: a PEM block begins and does not end"),
        (wanted(authority, "junk"), "chain: has no certificate"),
        (wanted(authority, good) | {"key": "junk"}, "key: has no private key"),
        (wanted(authority, authority.leaf(usage="clientAuth", key="client") + authority.middle, key="client"),
         f"chain: the certificate CN={NAME} is not for the purpose sslserver"),
    ]  # fmt: skip
    answers = batch.run(host, [batch.module("tls_certificate", arguments) for arguments, _message in bad])
    for (_arguments, message), answer in zip(bad, answers):
        assert answer.get("failed"), message
        assert answer["msg"].startswith(message), answer["msg"]
        assert answer["msg"].endswith("Nothing was changed; the old set stays in place.")
    assert files(host) == before


@ONE_RELEASE
def test_files_that_are_there_are_only_checked(host: Host, authority: Authority) -> None:
    good = authority.leaf() + authority.middle
    check = {"state": "checked", "key_file": KEY, "chain_file": CHAIN, "ca_file": CA, "names": [NAME]}
    link = os.path.basename(CHAIN)
    _made, *four, _lax, lax, _group, group, _away, directory, _link, loop, _gone, gone, _back = batch.run(host, [
        batch.module("tls_certificate", wanted(authority, good)),
        *batch.four("tls_certificate", check),
        batch.shell(f"chmod 644 {KEY}"),
        batch.module("tls_certificate", check),
        batch.shell(f"chgrp mail {KEY}; chmod 640 {KEY}"),
        batch.module("tls_certificate", {**check, "key_group": "mail"}),
        batch.shell(f"chmod 600 {KEY}; mv {CHAIN} {CHAIN}.away; mkdir {CHAIN}"),
        batch.module("tls_certificate", check),
        batch.shell(f"rmdir {CHAIN}; ln -s {link} {CHAIN}"),
        batch.module("tls_certificate", check),
        batch.shell(f"rm {CHAIN}"),
        batch.module("tls_certificate", check),
        batch.shell(f"mv {CHAIN}.away {CHAIN}"),
    ])  # fmt: skip
    fine = batch.assert_four(four)
    assert (fine["changed"], fine["names"]) == (False, [f"DNS:{NAME}"])
    assert lax["msg"] == f"{KEY}: {LAX} Nothing was changed."
    assert not group.get("failed"), group
    assert directory["msg"] == f"{CHAIN}: is not a regular file. Nothing was changed."
    assert "Too many levels of symbolic links" in loop["msg"]
    assert gone["msg"] == f"{CHAIN}: does not exist. Nothing was changed."


# -- the role ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    with Host("trixie-mail") as running:
        yield Play(running, tmp_path_factory.mktemp("play"))


def verify(host: Host, chain: str) -> str:
    """What openssl says of a chain with only the root trusted, and the host's name."""
    return host.run(
        f"openssl verify -x509_strict -purpose sslserver -verify_hostname imap.example.test"
        f" -CAfile {CA} -untrusted {chain} {chain}"
    ).stdout


# The scenario tls shows the same on one host of make test.
@pytest.mark.long
def test_the_role_with_a_private_ca(play: Play) -> None:
    wish = {
        "tls_pki_names": ["imap.example.test"],
        "tls_pki_key_types": ["rsa", "ecdsa"],
        "tls_pki_rsa_bits": 2048,
        "tls_pki_ca_intermediate": True,
        "tls_pki_ca_passphrase": "a-vaulted-one",
        "tls_pki_clients": ["printer"],
    }
    status, changed, output = play("--check", **wish)
    assert (status, changed > 0) == (0, True), output
    assert not (play.directory / "pki").exists()
    status, changed, output = play("--diff", **wish)
    assert status == 0, output
    assert "a-vaulted-one" not in output
    assert "PRIVATE KEY" not in output
    second = CHAIN.replace("chain.pem", "chain.ecdsa.pem")
    for chain in (CHAIN, second):
        assert verify(play.host, chain) == f"{chain}: OK\n"
    assert play.host.run(f"stat -c %a {KEY}").stdout == "600\n"
    pki = play.directory / "pki"
    before = {path: path.read_bytes() for path in pki.rglob("*") if path.is_file()}
    # That a second run changes nothing is shown by the scenario tls.
    status, changed, output = play("--check", **wish)
    assert (status, changed) == (0, 0), output
    assert {path: path.read_bytes() for path in pki.rglob("*") if path.is_file()} == before
    # The CA's keys are nowhere on the mail host, and the server's nowhere here.
    here = "".join(path.read_text() for path in pki.rglob("*.key"))
    assert "ENCRYPTED PRIVATE KEY" in here
    assert play.host.run("grep -rl ENCRYPTED /etc/ssl/private || true").stdout == ""
    assert play.host.read(KEY) not in here
    # The directory stays behind in another checkout.
    pki.rename(play.directory / "moved")
    kept = files(play.host)
    for options in (("--check",), ()):
        status, changed, output = play(*options, **wish)
        assert (status != 0, changed) == (True, 0), output
        assert f"{pki}: the host has certificates of the CA 'CN=Private mail CA' with the fingerprint" in output
        assert not pki.exists()
        assert files(play.host) == kept
    status, changed, output = play(**wish, tls_pki_ca_create="once")
    assert (status, changed > 0) == (0, True), output
    assert files(play.host) != kept
    assert play(**wish)[:2] == (0, 0)


def test_the_role_refuses_bad_inputs_before_it_touches_anything(play: Play) -> None:
    status, _dummy, output = play(tls_pki_hostname="mail", tls_pki_dhparam="ffdhe1024")
    assert status != 0
    assert "tls_pki_hostname is 'mail'" in output
    assert "tls_pki_dhparam is 'ffdhe1024'" in output


@pytest.mark.long
def test_the_role_with_given_files_keeps_the_old_set_when_the_new_one_is_bad(play: Play, authority: Authority) -> None:
    good = {"rsa": {"key": authority.key("leaf"), "chain": authority.leaf() + authority.middle}}
    wish = {"tls_pki_source": "given", "tls_pki_given_ca": authority.root}
    cas = {
        "ours": authority.root,
        "partner": authority.certificate("partner", "Partner", "partner", "basicConstraints=CA:true"),
    }
    status, changed, output = play(**wish, tls_pki_given=good, tls_pki_dhparam="ffdhe2048", tls_pki_trusted=cas)
    assert (status, changed) == (0, 4), output
    # Both are found by their links, which are those that openssl itself makes.
    leaf = f"openssl verify -CApath /etc/ssl/mail-cas -untrusted {CHAIN} {CHAIN}"
    assert play.host.run(leaf).stdout == f"{CHAIN}: OK\n"
    links = "cd /etc/ssl/mail-cas; for l in *.[0-9]; do echo $l $(readlink $l); done"
    made = play.host.run(links).stdout
    assert len(made.splitlines()) == 2
    assert play.host.run(f"openssl rehash /etc/ssl/mail-cas; {links}").stdout == made
    assert "ok" in play.host.run("openssl dhparam -check -noout -in /etc/ssl/dhparam.pem 2>&1").stdout
    before = files(play.host)
    # A second run changes nothing, and one CA less takes its link away.
    status, changed, output = play(**wish, tls_pki_given=good, tls_pki_trusted={"ours": authority.root})
    assert (status, changed) == (0, 2), output
    assert play.host.run(links).stdout in made
    assert len(play.host.run(links).stdout.splitlines()) == 1
    status, changed, output = play(**wish, tls_pki_given=good, tls_pki_trusted={"ours": authority.root})
    assert (status, changed) == (0, 0), output
    bad = {"rsa": {"key": authority.key("other"), "chain": good["rsa"]["chain"]}}
    status, changed, output = play(**wish, tls_pki_given=bad)
    assert status != 0
    assert f"the key does not match the certificate CN={NAME}" in output
    assert files(play.host) == before


@pytest.mark.long
def test_the_role_with_the_authority_on_another_host(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Host("trixie-mail") as mail, Host("trixie-mail") as keeper:
        play = Play(mail, tmp_path_factory.mktemp("play"), {"ca.example.test": keeper})
        wish = {
            "tls_pki_rsa_bits": 2048,
            "tls_pki_names": ["imap.example.test"],
            "tls_pki_ca_host": "ca.example.test",
            "tls_pki_ca_directory": "/srv/pki",
            "tls_pki_ca_intermediate": True,
            "tls_pki_ca_passphrase": "a-vaulted-one",
            "tls_pki_clients": ["printer"],
        }
        status, _dummy, output = play(**wish | {"tls_pki_ca_host": NAME})
        assert status != 0
        assert "which is a mail host: whoever breaks into it could issue certificates" in re.sub(r"\s+", " ", output)
        status, changed, output = play("--check", **wish)
        assert (status, changed > 0) == (0, True), output
        keys = "find / -xdev -name '*.key'"
        before = set(keeper.run(keys).stdout.splitlines())
        status, _dummy, output = play("--diff", **wish)
        assert status == 0, output
        assert "a-vaulted-one" not in output
        assert "PRIVATE KEY" not in output
        assert verify(mail, CHAIN) == f"{CHAIN}: OK\n"
        # The keys of the authority and of its clients are there alone; what is public is here too.
        assert set(mail.run(keys).stdout.splitlines()) - before == {KEY}
        assert set(keeper.run(keys).stdout.splitlines()) - before == {
            "/srv/pki/ca.key", "/srv/pki/clients/printer.key", "/srv/pki/intermediate.key"
        }  # fmt: skip
        public = play.directory / "pki"
        there = {str(path.relative_to(public)): path.read_text() for path in public.rglob("*") if path.is_file()}
        assert sorted(there) == ["ca.pem", "clients/printer.pem", "crl.pem"]
        assert there["ca.pem"].strip() == mail.read(CA).strip() == keeper.read("/srv/pki/ca.pem").strip()
        assert "PRIVATE KEY" not in "".join(there.values())
        status, changed, output = play(**wish)
        assert (status, changed) == (0, 0), output
        # A copy that was lost is made again.
        (public / "crl.pem").unlink()
        status, changed, output = play(**wish)
        assert (status, changed) == (0, 1), output
        # A new key for the server: the old one is moved away, and its certificate with it replaced.
        old = mail.run(f"openssl pkey -in {KEY} -pubout; mv {KEY} {KEY}.old").stdout
        status, changed, output = play(**wish)
        assert (status, changed) == (0, 3), output
        assert mail.run(f"openssl pkey -in {KEY} -pubout").stdout != old
        assert verify(mail, CHAIN) == f"{CHAIN}: OK\n"


@pytest.mark.long
def test_the_role_with_files_that_another_tool_keeps(play: Play, authority: Authority) -> None:
    host = play.host
    good = {"rsa": {"key": authority.key("leaf"), "chain": authority.leaf() + authority.middle}}
    status, _dummy, output = play(tls_pki_source="given", tls_pki_given_ca=authority.root, tls_pki_given=good)
    assert status == 0, output
    wish = {"tls_pki_source": "existing", "tls_pki_existing_ca_file": CA}
    status, changed, output = play(**wish)
    assert (status, changed) == (0, 0), output
    before = files(host)
    for spoil, repair, said in (
        (f"chmod 644 {KEY}", f"chmod 600 {KEY}", f"{KEY}: {LAX}"),
        (f"chown daemon {KEY}", f"chown root {KEY}", f"{KEY}: the owner is the user with the id 1, who can read"),
        (f"mv {CHAIN} /root/away", f"mv /root/away {CHAIN}", f"{CHAIN}: does not exist."),
    ):
        host.run(spoil)
        status, changed, output = play(**wish)
        assert (status != 0, changed) == (True, 0), output
        assert said in re.sub(r"\s+", " ", output)
        host.run(repair)
        assert files(host) == before
    # Key and chain in one file, and the wrong key in it.
    both = "/etc/ssl/private/both.pem"
    host.run(f"cat {KEY} {CHAIN} >{both}; chmod 600 {both}")
    one = {**wish, "tls_pki_key_file": both, "tls_pki_chain_file": both}
    status, changed, output = play(**one)
    assert (status, changed) == (0, 0), output
    host.run(f"openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 >{both}; cat {CHAIN} >>{both}")
    status, changed, output = play(**one)
    assert (status != 0, changed) == (True, 0), output
    assert f"{both}" in output
    # A host without openssl: what would be installed is foretold.
    status_file = "/var/lib/dpkg/status"
    host.run(f"cp {status_file} /root/status; mv /usr/bin/openssl /usr/bin/openssl.away")
    host.run(f"sed -i '/^Package: openssl$/,/^Status/s/install ok installed/deinstall ok config-files/' {status_file}")
    try:
        status, changed, output = play("--check", "-v", **wish)
    finally:
        host.run(f"mv /usr/bin/openssl.away /usr/bin/openssl; cp /root/status {status_file}")
    assert (status, changed) == (0, 1), output
    assert "Would install openssl." in output


@pytest.mark.long
def test_the_role_searches_for_dh_parameters_with_a_countdown(play: Play, authority: Authority) -> None:
    good = {"rsa": {"key": authority.key("leaf"), "chain": authority.leaf() + authority.middle}}
    path = "/etc/ssl/own-dh.pem"
    wish = {
        "tls_pki_source": "given",
        "tls_pki_given_ca": authority.root,
        "tls_pki_given": good,
        "tls_pki_dhparam": "generate",
        "tls_pki_dhparam_file": path,
        "tls_pki_dhparam_timeout": 600,
    }
    status, changed, output = play("--check", **wish)
    assert (status, changed > 0) == (0, True), output
    assert play.host.run(f"ls {path}", check=False).returncode != 0
    status, changed, output = play(**wish)
    assert status == 0, output
    # Ansible counts down while the search runs.
    assert re.search(
        r"RETRYING: .*Wait for the DH parameters; seconds at most 600 \(1[0-9][0-9] retries left\)", output
    ), output
    said = play.host.run(
        f"openssl dhparam -check -noout -in {path} 2>&1; openssl dhparam -noout -text -in {path}"
    ).stdout
    assert "DH parameters appear to be ok" in said
    assert "(2048 bit)" in said
    status, changed, output = play(**wish)
    assert (status, changed) == (0, 0), output
    # A search that is given up says so and leaves what is there.
    before = play.host.read(path)
    status, _dummy, output = play(**wish | {"tls_pki_dhparam_bits": 8192, "tls_pki_dhparam_timeout": 2})
    assert status != 0
    assert "did not end within 2 seconds and was stopped. The file is as it was." in re.sub(r"\s+", " ", output)
    assert play.host.read(path) == before
