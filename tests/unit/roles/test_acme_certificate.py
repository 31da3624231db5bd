# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What puts a certificate by ACME in place; a command with the exit statuses of acme-client(1) stands in its place."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "roles" / "tls_pki" / "files" / "acme-certificate"
NAME = "mail.example.test"
#: puffy-mail-activate, which is packed from this module for the host
PLACES = f"""#!/bin/sh
PYTHONPATH={os.pathsep.join(sys.path)} exec {sys.executable} -c '
import sys
from ansible_collections.puffy.mail.plugins.module_utils import _activate
sys.exit(_activate.main())' "$@"
"""
CLIENT = """#!/bin/sh
[ "$1" != 0 ] || [ $# = 1 ] || cp "$2" "$3"
[ "$1" != 1 ] || echo "acme-client: https://acme.example.org/directory: bad HTTP: 503" >&2
exit $1
"""


def openssl(*arguments: str, data: str = "") -> str:
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, text=True, check=True).stdout


def sign(directory: Path, key: str, issuer: str, subject: str, extensions: str, days: int = 30) -> str:
    """A certificate for a key of the directory, by an authority of the directory."""
    (directory / "ext").write_text(extensions)
    request = openssl("req", "-new", "-key", str(directory / key), "-subj", f"/CN={subject}")
    return openssl(
        "x509", "-req", "-CA", str(directory / f"{issuer}.pem"), "-CAkey", str(directory / f"{issuer}.key"),
        "-CAcreateserial", "-days", str(days), "-extfile", str(directory / "ext"), data=request,
    )  # fmt: skip


def leaf(directory: Path, name: str, days: int = 30, usage: str = "serverAuth", issuer: str = "middle") -> str:
    names = f"subjectAltName=DNS:{name},DNS:imap.example.test\nextendedKeyUsage={usage}\n"
    return sign(directory, "key", issuer, name, names, days)


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("material")
    curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    for name in ("root.key", "middle.key", "foreign.key", "key", "other.key"):
        (directory / name).write_text(openssl("genpkey", *curve))
    for name in ("root", "foreign"):
        root = openssl("req", "-x509", "-new", "-key", str(directory / f"{name}.key"), "-subj", "/CN=CA", "-days", "60")
        (directory / f"{name}.pem").write_text(root)
    middle = sign(directory, "middle.key", "root", "Middle", "basicConstraints=critical,CA:true\n", 50)
    (directory / "middle.pem").write_text(middle)
    chains = {
        "chain": leaf(directory, NAME) + middle,
        "renewed": leaf(directory, NAME) + middle,
        "alone": leaf(directory, NAME),
        "foreign": leaf(directory, "www.example.test") + middle,
        "expired": leaf(directory, NAME, days=0) + middle,
        "rooted": leaf(directory, NAME) + middle + (directory / "root.pem").read_text(),
        "for clients": leaf(directory, NAME, usage="clientAuth") + middle,
    }
    chains["disordered"] = leaf(directory, NAME) + leaf(directory, "www.example.test") + middle
    # The same names all along, and a signature that does not hold.
    forged = sign(directory, "foreign.key", "foreign", "Middle", "basicConstraints=critical,CA:true\n")
    chains["forged"] = leaf(directory, NAME) + forged
    for name, text in chains.items():
        (directory / name).write_text(text)
    (directory / "encrypted").write_text(
        openssl("pkey", "-aes128", "-passout", "pass:x", data=(directory / "key").read_text())
    )
    return directory


class Files:
    """What a client keeps, and where the daemons read it."""

    def __init__(self, directory: Path, material: Path) -> None:
        self.directory = directory
        self.roots = material / "root.pem"
        for name in ("key", "chain"):
            shutil.copy(material / name, directory / name)
            shutil.copy(material / name, directory / f"to.{name}")
        for name, text in (("acme-client", CLIENT), ("puffy-mail-activate", PLACES)):
            (directory / name).write_text(text)
            (directory / name).chmod(0o755)

    def run(
        self, *client: str, options: tuple[str, ...] = ("-r",), names: str = f"{NAME},imap.example.test"
    ) -> tuple[int, str]:
        # The directory comes before those that the script looks into for commands.
        script = self.directory / "script"
        script.write_text(SCRIPT.read_text().replace("\nPATH=", f"\nPATH={self.directory}:"))
        paths = [str(self.directory / part) for part in ("key", "chain", "to.key", "to.chain")]
        command = [str(self.directory / "acme-client"), *client] if client else []
        done = subprocess.run(
            ["sh", str(script), "-a", str(self.roots), *options, names, *paths, *command],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def live(self) -> list[str]:
        return [(self.directory / f"to.{part}").read_text() for part in ("key", "chain")]


@pytest.fixture
def files(tmp_path: Path, material: Path) -> Files:
    return Files(tmp_path, material)


def test_an_unchanged_certificate_is_2_and_for_cron_0(files: Files) -> None:
    assert files.run() == (2, "")
    assert files.run("2") == (2, "")
    assert files.run("2", options=("-r", "-c")) == (0, "")


def test_a_failure_of_the_client_is_1_and_told(files: Files) -> None:
    before = files.live()
    status, said = files.run("1", options=("-c",))
    assert status == 1
    assert "acme-client: https://acme.example.org/directory: bad HTTP: 503" in said
    assert f"{files.directory}/acme-client failed with exit status 1. The old set stays in place." in said
    assert files.live() == before


def test_a_new_certificate_is_0_and_goes_live(files: Files, material: Path) -> None:
    files.directory.joinpath("to.chain").chmod(0o600)
    assert files.run("0", str(material / "renewed"), str(files.directory / "chain")) == (0, "")
    assert files.live() == [(material / "key").read_text(), (material / "renewed").read_text()]
    modes = [(files.directory / f"to.{part}").stat().st_mode & 0o777 for part in ("key", "chain")]
    assert modes == [0o600, 0o644]
    there = sorted(path.name for path in files.directory.iterdir())
    assert there == ["acme-client", "chain", "key", "puffy-mail-activate", "script", "to.chain", "to.key"]
    assert files.run("2") == (2, "")


def test_planted_and_left_over_files_beside_are_not_opened(files: Files, material: Path) -> None:
    """A link with the name of a file that an earlier release made, and what a killed run has left."""
    victim = files.directory / "victim"
    victim.write_text("precious\n")
    for part in ("key", "chain"):
        (files.directory / f"to.{part}.new").symlink_to(victim)
        (files.directory / f".to.{part}.0123456789abcdef.new").write_text("half")
    assert files.run("0", str(material / "renewed"), str(files.directory / "chain")) == (0, "")
    assert victim.read_text() == "precious\n"
    there = sorted(path.name for path in files.directory.iterdir() if "to." in path.name)
    assert there == ["to.chain", "to.chain.new", "to.key", "to.key.new"]
    assert files.live() == [(material / "key").read_text(), (material / "renewed").read_text()]


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a directory to another account")
@pytest.mark.parametrize("plant", ["symlink", "fifo", "nothing"])
@pytest.mark.parametrize("options", [(), ("-r",)], ids=["renewal", "role"])
def test_a_directory_that_another_account_may_write_is_refused(
    files: Files, material: Path, options: tuple[str, ...], plant: str
) -> None:
    victim, before = files.directory / "victim", files.live()
    victim.write_text("precious\n")
    for name in ("to.chain.unread", "to.chain"):
        if plant == "symlink":
            (files.directory / name).unlink(missing_ok=True)
            (files.directory / name).symlink_to(victim)
        elif plant == "fifo":
            (files.directory / name).unlink(missing_ok=True)
            os.mkfifo(files.directory / name)
    os.chown(files.directory, 12345, -1)
    status, said = files.run("0", str(material / "renewed"), str(files.directory / "chain"), options=options)
    assert status == 1
    assert "its directory belongs to the account with the number 12345" in said or "is a symbolic link" in said
    assert said.endswith("The old set stays in place.\n")
    assert victim.read_text() == "precious\n"
    if plant == "nothing":
        assert files.live() == before


@pytest.mark.parametrize(
    ("part", "source", "rule"),
    [
        ("key", "other.key", "{0}/key does not match the first certificate in {0}/chain"),
        ("key", "encrypted", "{0}/key is not a private key without a password"),
        ("key", "/dev/null", "{0}/key or {0}/chain is not there"),
        ("chain", "alone", "{0}/chain has no intermediate certificate"),
        ("chain", "foreign", "the certificate in {0}/chain does not have the name mail.example.test"),
        ("chain", "expired", "the certificate in {0}/chain has expired"),
        ("chain", "rooted", "{0}/chain has a root certificate, which clients have already"),
        ("chain", "disordered", "{0}/chain is not in order, each certificate followed by that of its issuer"),
        ("chain", "key", "{0}/key does not match the first certificate in {0}/chain"),
    ],
)
def test_a_bad_set_leaves_the_old_one(files: Files, material: Path, part: str, source: str, rule: str) -> None:
    before = files.live()
    status, said = files.run("0", str(material / source), str(files.directory / part))
    assert (status, said) == (
        1, f"puffy-mail-certificate: {rule.format(files.directory)}. The old set stays in place.\n"
    )  # fmt: skip
    assert files.live() == before


@pytest.mark.parametrize(
    ("source", "reason"), [("for clients", "unsuitable certificate purpose"), ("forged", "unable to get")]
)
def test_a_chain_that_leads_nowhere_leaves_the_old_one(files: Files, material: Path, source: str, reason: str) -> None:
    before = files.live()
    status, said = files.run("0", str(material / source), str(files.directory / "chain"))
    assert status == 1
    assert f"the chain in {files.directory}/chain does not lead to a trusted root: " in said
    assert reason in said
    assert files.live() == before


def test_every_name_that_is_wanted_must_be_there(files: Files, material: Path) -> None:
    wanted = f"{NAME},imap.example.test,smtp.example.test"
    status, said = files.run("0", str(material / "renewed"), str(files.directory / "chain"), names=wanted)
    assert status == 1
    assert "does not have the name smtp.example.test" in said


ACTIVATE = """#!/bin/sh
if [ $# = 0 ]; then
    echo "$0 $*" >>{0}/calls
    [ ! -e {0}/broken ] || { echo "fatal: it broke" >&2; exit 1; }
    exit 0
fi
"""


def test_an_activation_that_failed_is_made_up_for_by_the_next_run(files: Files, material: Path) -> None:
    path = files.directory / "puffy-mail-activate"
    path.write_text(ACTIVATE.replace("{0}", str(files.directory)) + PLACES)
    # Nothing tells the daemons past it.
    for name in ("postfix", "doveadm"):
        (files.directory / name).write_text("#!/bin/sh\necho $0 >>calls\n")
        (files.directory / name).chmod(0o755)
    calls, broken = files.directory / "calls", files.directory / "broken"
    broken.touch()
    status, said = files.run("0", str(material / "renewed"), str(files.directory / "chain"), options=())
    assert (status, said) == (
        1,
        "puffy-mail-certificate: puffy-mail-activate failed: fatal: it broke. The new set is in place, and the next run"
        " tries again.\n",
    )
    assert files.live()[1] == (material / "renewed").read_text()
    broken.unlink()
    calls.unlink()
    assert files.run("2", options=()) == (0, "")
    assert calls.read_text().splitlines() == [f"{path} "]
    # Once is enough.
    assert files.run("2", options=()) == (2, "")
    assert len(calls.read_text().splitlines()) == 1
